/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Streaming packet analysis; lifting.h tells how. */
#include "transform/lifting.h"

#include <math.h>
#include <string.h>

#define MAX_LEVELS WALLOC_WAVELET_MAX_LEVELS

/* One level. Rows are indexed in the level's own input or output grid;
 * indices run below 0 and beyond the end where the border is periodic. */
typedef struct
{
  size_t n;                     /* length of a row over all bands */
  size_t width;                 /* of one band's input row */
  ptrdiff_t first, end;         /* output rows wanted */
  ptrdiff_t start;              /* first pair of input rows */
  ptrdiff_t half;               /* pairs of input rows in the whole picture */
  char *e[2], *o;               /* space for input rows */
  const char *e_prev, *o_prev;  /* the last ones that arrived */
  char *d1, *s1, *d2, *s2;
} level_state;

typedef struct
{
  const walloc_analysis_kernels *k;
  const walloc_packet_shape *shape;
  const walloc_planes *channels;
  size_t size;
  char *tmp;
  level_state level[MAX_LEVELS + 1];    /* 1..levels */
  float scale[2 * MAX_LEVELS + 1];      /* by number of high-pass bits */
} analysis;

static size_t
row_bytes (size_t n, size_t size)
{
  /* an odd number of cache lines, so that rows side by side do not compete
   * for the same sets of the cache */
  return (((n * size + 63) / 64) | 1) * 64;
}

size_t
walloc_packet_scratch (size_t width, unsigned levels, size_t size)
{
  uint64_t padded, total = 64;
  unsigned l;

  if (width == 0 || width > WALLOC_WAVELET_MAX_LENGTH
      || levels > WALLOC_WAVELET_MAX_LEVELS)
    return 0;
  padded = (((uint64_t) width + ((uint64_t) 1 << levels) - 1) >> levels)
      << levels;
  /* at most 2^30 * 2^12 * 7 * 4: no overflow in 64 bits */
  for (l = 1; l <= levels; l++)
    total += 7 * ((padded << (l - 1)) * size + 128);
  total += (padded + LIFT_TMP_EXTRA) * size + 128;
  return total > SIZE_MAX / 2 ? 0 : (size_t) total;
}

size_t
walloc_packet_row (ptrdiff_t row, size_t rows, walloc_border border)
{
  ptrdiff_t n = (ptrdiff_t) rows;

  if (border == WALLOC_BORDER_PERIODIC) {
    row %= n;
    if (row < 0)
      row += n;
  }
  return (size_t) row;
}

float
walloc_packet_scale (size_t channel, unsigned bits, int inverse)
{
  int high = 0;
  double scale;

  for (; channel != 0; channel &= channel - 1)
    high++;
  scale = pow (LIFT_LOW_GAIN, (int) bits - 2 * high);
  if (inverse)
    scale = 1.0 / scale;
  return (float) ((high & 1) != 0 ? -scale : scale);
}

static unsigned
high_bits (size_t channel)
{
  unsigned n = 0;

  for (; channel != 0; channel &= channel - 1)
    n++;
  return n;
}

/* Where the next level wants its input row. */
static char *
input_slot (level_state * lv, ptrdiff_t row)
{
  return (row & 1) != 0 ? lv->o : lv->e[(row >> 1) & 1];
}

static void row_arrived (analysis * a, unsigned l, ptrdiff_t row,
    const char *data);

/* Where a row of a channel goes. */
static char *
channel_row (const analysis * a, size_t channel, ptrdiff_t row)
{
  const walloc_planes *c = a->channels;
  char *plane = (char *) c->data + channel * c->plane_stride * a->size;

  return plane + (size_t) (row - (ptrdiff_t) a->shape->first)
      * c->row_stride * a->size;
}

/* Splits the finished low and high rows of every band along the width. */
static void
emit (analysis * a, unsigned l, ptrdiff_t row)
{
  level_state *lv = &a->level[l];
  int last = l == a->shape->levels;
  size_t half = lv->width / 2, b, bands = (size_t) 1 << (2 * (l - 1));
  char *next = NULL, *to[4];
  unsigned high = 0, i;

  if (a->shape->vertical_only) {
    a->k->copy (lv->s2, channel_row (a, 0, row), lv->n, a->scale[0]);
    a->k->copy (lv->d2, channel_row (a, 1, row), lv->n, a->scale[1]);
    return;
  }
  if (!last)
    next = input_slot (&a->level[l + 1], row);
  for (b = 0; b < bands; b++) {
    size_t at = b * lv->width * a->size;

    for (i = 0; i < 4; i++)
      to[i] = last ? channel_row (a, 4 * b + i, row)
          : next + (4 * b + i) * half * a->size;
    if (last)
      high = high_bits (b);
    a->k->horizontal (lv->s2 + at, to[0], to[2], a->tmp, half,
        a->shape->border, last && l > 1, last ? a->scale[high] : 1.0f,
        last ? a->scale[high + 1] : 1.0f);
    a->k->horizontal (lv->d2 + at, to[1], to[3], a->tmp, half,
        a->shape->border, last && l > 1, last ? a->scale[high + 1] : 1.0f,
        last ? a->scale[high + 2] : 1.0f);
  }
  if (!last)
    row_arrived (a, l + 1, row, next);
}

/* The even row of pair k is there, or k is beyond the mirrored end. */
static void
step (analysis * a, unsigned l, ptrdiff_t k, const char *e_next)
{
  level_state *lv = &a->level[l];
  unsigned mode = 0;

  if (a->shape->border == WALLOC_BORDER_SYMMETRIC) {
    mode |= k == 1 ? LIFT_TOP : 0;
    mode |= k == 2 ? LIFT_TOP_2 : 0;
    mode |= k == lv->half + 1 ? LIFT_END : 0;
  }
  a->k->vertical (lv->e_prev, lv->o_prev, e_next, lv->d1, lv->s1, lv->d2,
      lv->s2, lv->n, mode);
  if (k - 2 >= lv->first && k - 2 < lv->end)
    emit (a, l, k - 2);
}

static void
row_arrived (analysis * a, unsigned l, ptrdiff_t row, const char *data)
{
  level_state *lv = &a->level[l];
  ptrdiff_t k = row >> 1;

  if ((row & 1) == 0) {
    if (k > lv->start)
      step (a, l, k, data);
    lv->e_prev = data;
    return;
  }
  lv->o_prev = data;
  if (a->shape->border == WALLOC_BORDER_SYMMETRIC && k == lv->half - 1) {
    step (a, l, lv->half, lv->e_prev);
    step (a, l, lv->half + 1, lv->e_prev);
  }
}

/* Which rows every level must make; returns the picture rows to read. */
static void
plan_rows (analysis * a, size_t coarse, ptrdiff_t *start, ptrdiff_t *stop)
{
  ptrdiff_t first = (ptrdiff_t) a->shape->first;
  ptrdiff_t end = (ptrdiff_t) a->shape->end;
  unsigned l;

  for (l = a->shape->levels; l >= 1; l--) {
    level_state *lv = &a->level[l];

    lv->half = (ptrdiff_t) (coarse << (a->shape->levels - l));
    lv->first = first;
    lv->end = end;
    /* low k reaches rows 2k - 4 to 2k + 4, high k 2k - 2 to 2k + 4; the
     * row before the first low is needed for its d2 */
    first = 2 * first - 4;
    end = 2 * end + 3;
    if (a->shape->border == WALLOC_BORDER_SYMMETRIC) {
      if (first < 0)
        first = 0;
      if (end > 2 * lv->half)
        end = 2 * lv->half;
    }
    lv->start = first / 2;
  }
  *start = first;
  *stop = end;
}

static void
plan_memory (analysis * a, size_t padded, char *at)
{
  unsigned l;
  size_t i;

  at += (64 - ((uintptr_t) at & 63)) & 63;
  for (l = 1; l <= a->shape->levels; l++) {
    level_state *lv = &a->level[l];
    char **rows[7] = { &lv->e[0], &lv->e[1], &lv->o, &lv->d1, &lv->s1,
      &lv->d2, &lv->s2
    };

    lv->n = padded << (l - 1);
    lv->width = padded >> (l - 1);
    for (i = 0; i < 7; i++) {
      *rows[i] = at;
      at += row_bytes (lv->n, a->size);
    }
    /* the first steps of a strip compute on rows that do not exist; what
     * they give is never written, but it must be defined */
    memset (lv->d1, 0, row_bytes (lv->n, a->size) * 3);
  }
  a->tmp = at;
}

/* Repeats the last sample up to the padded width. */
static void
extend_row (char *row, size_t width, size_t padded, size_t size)
{
  size_t x;

  for (x = width; x < padded; x++)
    memcpy (row + x * size, row + (width - 1) * size, size);
}

void
walloc_packet_analysis (const walloc_analysis_kernels * kernels,
    const walloc_packet_shape * shape, const walloc_planes * picture,
    const walloc_planes * channels, void *scratch)
{
  analysis a;
  size_t coarse = walloc_packet_length (shape->height, shape->levels);
  size_t rows = coarse << shape->levels, padded = shape->width, y;
  ptrdiff_t row, start, stop;
  unsigned i, bits = shape->vertical_only ? 1 : 2 * shape->levels;

  if (!shape->vertical_only)
    padded = walloc_packet_length (shape->width, shape->levels)
        << shape->levels;
  a.k = kernels;
  a.shape = shape;
  a.channels = channels;
  a.size = kernels->size;
  for (i = 0; i <= bits; i++)
    a.scale[i] = walloc_packet_scale (((size_t) 1 << i) - 1, bits, 0);
  plan_rows (&a, coarse, &start, &stop);
  plan_memory (&a, padded, scratch);

  for (row = start; row < stop; row++) {
    const char *data;

    y = walloc_packet_row (row, rows, shape->border);
    if (y >= shape->height)
      y = shape->height - 1;
    data = (const char *) picture->data + y * picture->row_stride * a.size;
    if (padded != shape->width) {
      char *slot = input_slot (&a.level[1], row);

      memcpy (slot, data, shape->width * a.size);
      extend_row (slot, shape->width, padded, a.size);
      data = slot;
    }
    row_arrived (&a, 1, row, data);
  }
}
