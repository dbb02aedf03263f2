/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Fog: plasma added to all colours alike, then darkened so that the brightest
 * sample can be what it was. */
#include "corruption-private.h"

#include <stdio.h>
#include <stdlib.h>

typedef struct
{
  unsigned size;                /* of the map */
  float *map;
  float add, by;
} fog;

static const struct
{
  double amount, decay;
} fogs[5] = { {1.5, 2}, {2, 2}, {2.5, 1.7}, {2.5, 1.5}, {3, 1.4} };

static int
prepare_fog (corruption * c)
{
  fog *f = c->own = corruption_alloc (1, 1, sizeof (*f));
  unsigned side = c->width > c->height ? c->width : c->height;

  if (f == NULL)
    return 0;
  /* the least that the published programs take is 2 */
  for (f->size = 2; f->size < side; f->size *= 2);
  f->map = corruption_alloc (f->size, f->size, sizeof (float));
  return f->map != NULL;
}

static void
clear_fog (corruption * c)
{
  free (((fog *) c->own)->map);
}

static void
fog_rows (corruption * c, void *data, unsigned y0, unsigned y1, unsigned slot)
{
  fog *f = c->own;
  unsigned p, x, y;

  for (p = 0; p < c->planes; p++)
    for (y = y0; y < y1; y++) {
      const uint8_t *in = c->in[p] + (size_t) y * c->width;
      const float *map = f->map + (size_t) y * f->size;
      uint8_t *out = c->out[p] + y * c->stride;

      for (x = 0; x < c->width; x++)
        out[x] = corruption_byte ((in[x] + f->add * map[x]) * f->by);
    }
}

static int
apply_fog (corruption * c, char *error)
{
  size_t i, n = (size_t) c->width * c->height * c->planes;
  double amount = fogs[c->severity].amount;
  fog *f = c->own;
  uint8_t top = 0;

  if (!corruption_plasma (c, 0, f->size, fogs[c->severity].decay, f->map)) {
    snprintf (error, CORRUPTION_ERROR_SIZE, "no memory for fog");
    return 0;
  }
  for (i = 0; i < n; i++)
    top = c->copy[i] > top ? c->copy[i] : top;
  f->add = (float) (amount * 255);
  f->by = (float) (top / (top + amount * 255));
  corruption_rows (c, c->height, fog_rows, NULL);
  return 1;
}

const corruption_class corruption_fog = {
  prepare_fog, apply_fog, clear_fog
};
