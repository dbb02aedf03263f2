/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Streaming packet synthesis; lifting.h tells how. */
#include "transform/lifting.h"

#include <string.h>

#define MAX_LEVELS WALLOC_WAVELET_MAX_LEVELS

/* One level: takes rows of its 4^l bands, gives rows of 4^(l-1) bands. */
typedef struct
{
  size_t n;                     /* length of an output row over all bands */
  size_t width;                 /* of one band's output row */
  ptrdiff_t first, end;         /* output rows wanted */
  ptrdiff_t start;              /* first row of the bands */
  ptrdiff_t half;               /* rows of the bands in the whole picture */
  char *s2, *d2_new, *d2, *s1, *d1, *e, *o;
  const char *e_prev;
} level_state;

typedef struct
{
  const walloc_synthesis_kernels *k;
  const walloc_packet_shape *shape;
  const walloc_planes *picture;
  size_t size, padded;
  char *tmp;
  level_state level[MAX_LEVELS + 1];
  float scale[2 * MAX_LEVELS + 1];
} synthesis;

static size_t
row_bytes (size_t n, size_t size)
{
  return (((n * size + 63) / 64) | 1) * 64;
}

static unsigned
high_bits (size_t channel)
{
  unsigned n = 0;

  for (; channel != 0; channel &= channel - 1)
    n++;
  return n;
}

static void bands_arrived (synthesis * s, unsigned l, ptrdiff_t row,
    const char *base, size_t step);

/* Where an output row may be written at once: the picture, if it takes whole
 * rows; NULL otherwise. */
static char *
direct_row (synthesis * s, unsigned l, ptrdiff_t row)
{
  const level_state *lv = &s->level[l];

  if (l != 1 || row < lv->first || row >= lv->end
      || s->padded != s->shape->width)
    return NULL;
  return (char *) s->picture->data
      + (size_t) (row - lv->first) * s->picture->row_stride * s->size;
}

static void
emit (synthesis * s, unsigned l, ptrdiff_t row, const char *data, int direct)
{
  level_state *lv = &s->level[l];

  if (row < lv->first || row >= lv->end)
    return;
  if (l > 1) {
    bands_arrived (s, l - 1, row, data, lv->width * s->size);
  } else if (!direct) {
    char *out = (char *) s->picture->data
        + (size_t) (row - lv->first) * s->picture->row_stride * s->size;

    memcpy (out, data, s->shape->width * s->size);
  }
}

/* Rows k of the bands are in s2 and d2_new, or k is beyond the end. */
static void
step (synthesis * s, unsigned l, ptrdiff_t k)
{
  level_state *lv = &s->level[l];
  char *e_direct = direct_row (s, l, 2 * k - 2);
  char *o_direct = direct_row (s, l, 2 * k - 3);
  char *e = e_direct != NULL ? e_direct : lv->e;
  char *o = o_direct != NULL ? o_direct : lv->o;
  char *swap;
  unsigned mode = 0;

  if (s->shape->border == WALLOC_BORDER_SYMMETRIC) {
    mode |= k == 0 ? LIFT_FIRST : 0;
    mode |= k == 1 ? LIFT_SECOND : 0;
    mode |= k == lv->half ? LIFT_LAST : 0;
    mode |= k == lv->half + 1 ? LIFT_AFTER : 0;
  }
  s->k->vertical (lv->s2, lv->d2_new, lv->d2, lv->s1, lv->d1, lv->e_prev, e,
      o, lv->n, mode);
  emit (s, l, 2 * k - 3, o, o_direct != NULL);
  if ((mode & LIFT_AFTER) != 0)
    return;
  lv->e_prev = e;
  swap = lv->d2;
  lv->d2 = lv->d2_new;
  lv->d2_new = swap;
  emit (s, l, 2 * k - 2, e, e_direct != NULL);
}

/* Row row of all bands of level l; band c begins at base + c * step. */
static void
bands_arrived (synthesis * s, unsigned l, ptrdiff_t row, const char *base,
    size_t step_bytes)
{
  level_state *lv = &s->level[l];
  int last = l == s->shape->levels;
  size_t half = lv->width / 2, b, bands = (size_t) 1 << (2 * (l - 1));

  if (s->shape->vertical_only) {
    s->k->copy (base, lv->s2, lv->n, s->scale[0]);
    s->k->copy (base + step_bytes, lv->d2_new, lv->n, s->scale[1]);
  } else {
    for (b = 0; b < bands; b++) {
      const char *in = base + 4 * b * step_bytes;
      size_t at = b * lv->width * s->size;
      unsigned high = last ? high_bits (b) : 0;

      s->k->horizontal (in, in + 2 * step_bytes, lv->s2 + at, s->tmp, half,
          s->shape->border, last ? s->scale[high] : 1.0f,
          last ? s->scale[high + 1] : 1.0f);
      s->k->horizontal (in + step_bytes, in + 3 * step_bytes, lv->d2_new + at,
          s->tmp, half, s->shape->border, last ? s->scale[high + 1] : 1.0f,
          last ? s->scale[high + 2] : 1.0f);
    }
  }
  step (s, l, row);
  if (s->shape->border == WALLOC_BORDER_SYMMETRIC && row == lv->half - 1) {
    step (s, l, lv->half);
    step (s, l, lv->half + 1);
  }
}

/* Which rows every level needs; returns those of the channels. */
static void
plan_rows (synthesis * s, size_t coarse, ptrdiff_t *start, ptrdiff_t *stop)
{
  ptrdiff_t first = (ptrdiff_t) s->shape->first;
  ptrdiff_t end = (ptrdiff_t) s->shape->end;
  unsigned l;

  for (l = 1; l <= s->shape->levels; l++) {
    level_state *lv = &s->level[l];

    lv->half = (ptrdiff_t) (coarse << (s->shape->levels - l));
    lv->first = first;
    lv->end = end;
    /* e of pair p needs bands' rows from p - 2, o of pair p up to p + 2 */
    first = (first >> 1) - 2;
    end = ((end - 1) >> 1) + 3;
    if (s->shape->border == WALLOC_BORDER_SYMMETRIC) {
      if (first < 0)
        first = 0;
      if (end > lv->half)
        end = lv->half;
    }
    lv->start = first;
  }
  *start = first;
  *stop = end;
}

static void
plan_memory (synthesis * s, char *at)
{
  unsigned l;
  size_t i;

  at += (64 - ((uintptr_t) at & 63)) & 63;
  for (l = 1; l <= s->shape->levels; l++) {
    level_state *lv = &s->level[l];
    char **rows[7] = { &lv->d2, &lv->s1, &lv->d1, &lv->e, &lv->s2,
      &lv->d2_new, &lv->o
    };

    lv->n = s->padded << (l - 1);
    lv->width = s->padded >> (l - 1);
    for (i = 0; i < 7; i++) {
      *rows[i] = at;
      at += row_bytes (lv->n, s->size);
    }
    lv->e_prev = lv->e;
    /* defined values for the first steps of a strip, as in analysis.c */
    memset (lv->d2, 0, row_bytes (lv->n, s->size) * 4);
  }
  s->tmp = at;
}

void
walloc_packet_synthesis (const walloc_synthesis_kernels * kernels,
    const walloc_packet_shape * shape, const walloc_planes * channels,
    const walloc_planes * picture, void *scratch)
{
  synthesis s;
  size_t coarse = walloc_packet_length (shape->height, shape->levels);
  ptrdiff_t row, start, stop;
  unsigned i, bits = shape->vertical_only ? 1 : 2 * shape->levels;

  s.k = kernels;
  s.shape = shape;
  s.picture = picture;
  s.size = kernels->size;
  s.padded = shape->width;
  if (!shape->vertical_only)
    s.padded = walloc_packet_length (shape->width, shape->levels)
        << shape->levels;
  for (i = 0; i <= bits; i++)
    s.scale[i] = walloc_packet_scale (((size_t) 1 << i) - 1, bits, 1);
  plan_rows (&s, coarse, &start, &stop);
  plan_memory (&s, scratch);

  for (row = start; row < stop; row++) {
    size_t y = walloc_packet_row (row, coarse, shape->border);

    bands_arrived (&s, shape->levels, row, (const char *) channels->data
        + y * channels->row_stride * s.size, channels->plane_stride * s.size);
  }
}
