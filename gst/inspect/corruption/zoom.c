/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Zoom: the mean of the picture and of magnifications of its middle. The factor
 * 1 is one of them, so the picture itself counts twice. */
#include "corruption-private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAX_LAYERS 16

typedef struct
{
  unsigned count;
  struct
  {
    unsigned *x_at, *y_at;
    float *x_part, *y_part;
    unsigned left, top;
  } layer[MAX_LAYERS];
  float *line;                  /* [slots][2][width + 1]: a row, and the sum */
  size_t pitch;
} zoom;

void
corruption_zoom_places (unsigned size, double factor, int trim_both,
    unsigned *crop, unsigned *first, unsigned *at, float *part)
{
  unsigned n = (unsigned) ceil (size / factor), count, trim = 0, i;

  n = n < 1 ? 1 : n > size ? size : n;
  /* rounded to even, as Python does */
  count = (unsigned) nearbyint (n * factor);
  if (count < size)
    count = size;
  if (trim_both)
    trim = (count - size) / 2;
  *crop = n;
  *first = (size - n) / 2;
  for (i = 0; i < size; i++) {
    double place = count > 1 ? (double) (i + trim) * (n - 1) / (count - 1) : 0;
    unsigned k = (unsigned) place;

    /* the last sample is reached with the whole of a step, never past it */
    if (k + 1 >= n)
      k = n > 1 ? n - 2 : 0;
    at[i] = k;
    part[i] = n > 1 ? (float) (place - k) : 0.0f;
  }
}

static int
prepare_zoom (corruption * c)
{
  static const struct
  {
    double step;
    unsigned count;
  } by[5] = { {.01, 12}, {.01, 16}, {.02, 11}, {.02, 13}, {.03, 11} };
  int both = c->variant == CORRUPTION_HENDRYCKS;
  zoom *z = c->own = corruption_alloc (1, 1, sizeof (*z));
  unsigned i, crop;

  if (z == NULL)
    return 0;
  z->pitch = (size_t) c->width + 1;
  z->line = corruption_alloc (corruption_slots (c), 2 * z->pitch,
      sizeof (float));
  if (z->line == NULL)
    return 0;
  /* a factor of 1 is the picture itself */
  for (i = 1; i < by[c->severity].count; i++) {
    double factor = 1 + i * by[c->severity].step;
    unsigned k = z->count++;

    z->layer[k].x_at = corruption_alloc (c->width, sizeof (unsigned), 1);
    z->layer[k].y_at = corruption_alloc (c->height, sizeof (unsigned), 1);
    z->layer[k].x_part = corruption_alloc (c->width, sizeof (float), 1);
    z->layer[k].y_part = corruption_alloc (c->height, sizeof (float), 1);
    if (!z->layer[k].x_at || !z->layer[k].y_at || !z->layer[k].x_part
        || !z->layer[k].y_part)
      return 0;
    corruption_zoom_places (c->width, factor, both, &crop, &z->layer[k].left,
        z->layer[k].x_at, z->layer[k].x_part);
    corruption_zoom_places (c->height, factor, both, &crop, &z->layer[k].top,
        z->layer[k].y_at, z->layer[k].y_part);
  }
  return 1;
}

static void
clear_zoom (corruption * c)
{
  zoom *z = c->own;
  unsigned i;

  for (i = 0; i < z->count; i++) {
    free (z->layer[i].x_at);
    free (z->layer[i].y_at);
    free (z->layer[i].x_part);
    free (z->layer[i].y_part);
  }
  free (z->line);
}

WALLOC_CLONES static void
between_rows (float *restrict to, const uint8_t * restrict a,
    const uint8_t * restrict b, float part, unsigned n)
{
  unsigned x;

  for (x = 0; x < n; x++)
    to[x] = a[x] + part * (float) (b[x] - a[x]);
}

WALLOC_CLONES static void
add_between (float *restrict sum, const float *restrict line,
    const unsigned *restrict at, const float *restrict part, unsigned n)
{
  unsigned x;

  for (x = 0; x < n; x++) {
    float v = line[at[x]];

    sum[x] += v + part[x] * (line[at[x] + 1] - v);
  }
}

static void
zoom_rows (corruption * c, void *data, unsigned y0, unsigned y1, unsigned slot)
{
  zoom *z = c->own;
  float *line = z->line + slot * 2 * z->pitch, *sum = line + z->pitch;
  float whole = 1.0f / (z->count + 2);
  unsigned p, x, y, i;

  for (p = 0; p < c->planes; p++)
    for (y = y0; y < y1; y++) {
      const uint8_t *in = c->in[p] + (size_t) y * c->width;
      uint8_t *out = c->out[p] + y * c->stride;

      for (x = 0; x < c->width; x++)
        sum[x] = 2.0f * in[x];
      for (i = 0; i < z->count; i++) {
        unsigned row = z->layer[i].top + z->layer[i].y_at[y];
        const uint8_t *a = c->in[p] + (size_t) row * c->width;

        between_rows (line, a, row + 1 < c->height ? a + c->width : a,
            z->layer[i].y_part[y], c->width);
        line[c->width] = 0.0f;  /* with a part of 0 only */
        add_between (sum, line + z->layer[i].left, z->layer[i].x_at,
            z->layer[i].x_part, c->width);
      }
      for (x = 0; x < c->width; x++)
        out[x] = corruption_byte (sum[x] * whole + 1e-3f);
    }
}

static int
apply_zoom (corruption * c, char *error)
{
  corruption_rows (c, c->height, zoom_rows, NULL);
  return 1;
}

const corruption_class corruption_zoom = {
  prepare_zoom, apply_zoom, clear_zoom
};
