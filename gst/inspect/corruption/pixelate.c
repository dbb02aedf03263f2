/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pixelate: down by the mean of boxes, up again by boxes (hendrycks) or by the
 * nearest (imagecorruptions), to the bit as Pillow does it: columns of a
 * sample are whole ones, products are of 22 bits, and bytes are between. */
#include "corruption-private.h"

#include <stdlib.h>

#define BITS 22

typedef struct
{
  unsigned count;               /* of samples that come out */
  unsigned *first, *n;          /* of those that go in */
} axis;

typedef struct
{
  axis x, y, back_x, back_y;
  uint8_t *wide, *small, *tall; /* [planes] of what is between */
} pixelate;

static int
make_axis (axis * a, unsigned from, unsigned to, int nearest)
{
  double scale = (double) from / to, support = 0.5 * (scale > 1 ? scale : 1);
  unsigned i, k;

  a->count = to;
  a->first = corruption_alloc (to, sizeof (unsigned), 1);
  a->n = corruption_alloc (to, sizeof (unsigned), 1);
  if (!a->first || !a->n)
    return 0;
  for (i = 0; i < to; i++) {
    double centre = (i + 0.5) * scale, by = scale > 1 ? 1 / scale : 1;
    int low = (int) (centre - support + 0.5);
    int high = (int) (centre + support + 0.5);

    if (nearest) {
      a->first[i] = (unsigned) centre < from ? (unsigned) centre : from - 1;
      a->n[i] = 1;
      continue;
    }
    low = low < 0 ? 0 : low;
    high = high > (int) from ? (int) from : high;
    /* what lies in the box, its left side left out */
    for (k = 0; low < high; low++) {
      double d = (low - centre + 0.5) * by;

      if (d > -0.5 && d <= 0.5) {
        if (k++ == 0)
          a->first[i] = (unsigned) low;
      }
    }
    a->n[i] = k;
    if (k == 0) {
      a->first[i] = (unsigned) centre < from ? (unsigned) centre : from - 1;
      a->n[i] = 1;
    }
  }
  return 1;
}

static int
prepare_pixelate (corruption * c)
{
  static const double scale[5] = { .6, .5, .4, .3, .25 };
  pixelate *t = c->own = corruption_alloc (1, 1, sizeof (*t));
  unsigned w = (unsigned) (c->width * scale[c->severity]);
  unsigned h = (unsigned) (c->height * scale[c->severity]);
  int nearest = c->variant == CORRUPTION_IMAGECORRUPTIONS;

  w = w < 1 ? 1 : w;
  h = h < 1 ? 1 : h;
  if (t == NULL || !make_axis (&t->x, c->width, w, 0)
      || !make_axis (&t->y, c->height, h, 0)
      || !make_axis (&t->back_x, w, c->width, nearest)
      || !make_axis (&t->back_y, h, c->height, nearest))
    return 0;
  t->wide = corruption_alloc ((size_t) w * c->height, c->planes, 1);
  t->small = corruption_alloc ((size_t) w * h, c->planes, 1);
  t->tall = corruption_alloc ((size_t) c->width * h, c->planes, 1);
  return t->wide && t->small && t->tall;
}

static void
clear_pixelate (corruption * c)
{
  pixelate *t = c->own;
  axis *a[4] = { &t->x, &t->y, &t->back_x, &t->back_y };
  unsigned i;

  for (i = 0; i < 4; i++) {
    free (a[i]->first);
    free (a[i]->n);
  }
  free (t->wide);
  free (t->small);
  free (t->tall);
}

static inline uint8_t
mean (uint64_t sum, unsigned n)
{
  uint64_t by = (uint64_t) (1.0 / n * (1 << BITS) + 0.5);
  uint64_t v = (sum * by + (1 << (BITS - 1))) >> BITS;

  return v > 255 ? 255 : (uint8_t) v;
}

static void
along_rows (const axis * a, const uint8_t * in, size_t in_stride,
    uint8_t * out, size_t out_stride, unsigned rows)
{
  unsigned x, y, i;

  for (y = 0; y < rows; y++)
    for (x = 0; x < a->count; x++) {
      const uint8_t *from = in + y * in_stride + a->first[x];
      uint32_t sum = 0;

      for (i = 0; i < a->n[x]; i++)
        sum += from[i];
      out[y * out_stride + x] = a->n[x] == 1 ? from[0] : mean (sum, a->n[x]);
    }
}

static void
along_columns (const axis * a, const uint8_t * in, size_t in_stride,
    uint8_t * out, size_t out_stride, unsigned columns)
{
  unsigned x, y, i;

  for (y = 0; y < a->count; y++)
    for (x = 0; x < columns; x++) {
      const uint8_t *from = in + a->first[y] * in_stride + x;
      uint32_t sum = 0;

      for (i = 0; i < a->n[y]; i++)
        sum += from[i * in_stride];
      out[y * out_stride + x] = a->n[y] == 1 ? from[0] : mean (sum, a->n[y]);
    }
}

static int
apply_pixelate (corruption * c, char *error)
{
  pixelate *t = c->own;
  size_t w = t->x.count, h = t->y.count;
  unsigned p;

  for (p = 0; p < c->planes; p++) {
    uint8_t *wide = t->wide + p * w * c->height, *small = t->small + p * w * h;
    uint8_t *tall = t->tall + p * h * c->width;

    along_rows (&t->x, c->in[p], c->width, wide, w, c->height);
    along_columns (&t->y, wide, w, small, w, t->x.count);
    along_rows (&t->back_x, small, w, tall, c->width, t->y.count);
    along_columns (&t->back_y, tall, c->width, c->out[p], c->stride, c->width);
  }
  return 1;
}

const corruption_class corruption_pixelate = {
  prepare_pixelate, apply_pixelate, clear_pixelate
};
