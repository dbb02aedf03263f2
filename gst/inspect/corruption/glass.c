/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Frosted glass: smoothed, pixels taken from nearby, smoothed again.
 *
 * The published programs mean to exchange two pixels but copy the far one over
 * the near one (rows of NumPy are views), from the last row and column to the
 * first, so that copies are copied on; and the offsets -d to d - 1 drift up and
 * to the left. All of it is part of the definition here. One pixel depends on
 * the one before: this step has one thread. */
#include "corruption-private.h"

#include <stdlib.h>
#include <string.h>

typedef struct
{
  corruption_gaussian *filter;
  uint8_t *smooth;              /* [planes][height][width] */
  uint32_t *words;              /* a row's */
} glass;

static const struct
{
  double sigma;
  unsigned far, passes;
} glasses[5] = { {.7, 1, 2}, {.9, 2, 1}, {1, 2, 3}, {1.1, 3, 2}, {1.5, 4, 2} };

static int
prepare_glass (corruption * c)
{
  double sigma = glasses[c->severity].sigma;
  unsigned radius = (unsigned) (4 * sigma + .5);
  glass *g = c->own = corruption_alloc (1, 1, sizeof (*g));

  if (g == NULL)
    return 0;
  g->filter = corruption_gaussian_new (c, c->width, c->height, sigma, sigma,
      radius, radius, 0);
  g->smooth = corruption_alloc ((size_t) c->width * c->height, c->planes, 1);
  g->words = corruption_alloc (c->width + 3, sizeof (uint32_t), 1);
  return g->filter && g->smooth && g->words;
}

static void
clear_glass (corruption * c)
{
  glass *g = c->own;

  corruption_gaussian_free (g->filter);
  free (g->smooth);
  free (g->words);
}

static void
scatter (corruption * c, glass * g)
{
  unsigned far = glasses[c->severity].far, pass, p;
  size_t plane = (size_t) c->width * c->height;
  int x, y, w = (int) c->width, h = (int) c->height, d = (int) far;
  unsigned words = (c->width + 3) / 4 * 4;

  for (pass = 0; pass < glasses[c->severity].passes; pass++)
    for (y = h - d; y > d; y--) {
      corruption_random (c, pass, (uint64_t) y * words, g->words, words);
      for (x = w - d; x > d; x--) {
        uint32_t word = g->words[x];
        int dx = (int) ((word & 0xffff) * 2 * far >> 16) - d;
        int dy = (int) ((word >> 16) * 2 * far >> 16) - d;
        size_t to = (size_t) y * c->width + x;
        size_t from = (size_t) (y + dy) * c->width + (x + dx);

        for (p = 0; p < c->planes; p++)
          g->smooth[p * plane + to] = g->smooth[p * plane + from];
      }
    }
}

static int
apply_glass (corruption * c, char *error)
{
  glass *g = c->own;
  size_t plane = (size_t) c->width * c->height;
  unsigned p;

  for (p = 0; p < c->planes; p++)
    corruption_gaussian_bytes (c, g->filter, c->in[p], c->width,
        g->smooth + p * plane, c->width);
  scatter (c, g);
  for (p = 0; p < c->planes; p++)
    corruption_gaussian_bytes (c, g->filter, g->smooth + p * plane, c->width,
        c->out[p], c->stride);
  return 1;
}

const corruption_class corruption_glass = {
  prepare_glass, apply_glass, clear_glass
};
