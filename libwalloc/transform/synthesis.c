/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "transform/synthesis.h"

#include <string.h>

/* After that many rows of zeros all that a band keeps, and what it gives, is
 * zero: each of the four lifting steps remembers one row, and the last one's
 * output is kept in the row that is handed on. */
#define SILENCE 5

static size_t
row_floats (size_t n)
{
  /* an odd number of cache lines, so that rows side by side do not compete
   * for the same sets of the cache */
  return (((n * sizeof (float) + 63) / 64) | 1) * 64 / sizeof (float);
}

/* Sets what is fixed by the shape; returns floats of memory for all rows. */
static uint64_t
plan_levels (walloc_synthesis_level * level, size_t columns, unsigned levels,
    unsigned low, int merge)
{
  uint64_t room = walloc_synthesis_room (columns), total = 0;
  size_t half = columns;
  unsigned l;

  for (l = levels; l > 0; l--) {
    walloc_synthesis_level *lv = &level[l];
    int split = !(merge && l == low + 1);

    lv->half = half;
    lv->inputs = l <= low ? 1 : split ? 4 : 2;
    lv->bands = l <= low + 1 ? 1 : walloc_synthesis_bands (l - 1 - low, merge);
    room <<= split;
    half <<= split;
    lv->n = (size_t) room;
    /* at most 2^46 * 2^22 in sum, far below 2^64 once columns are checked */
    total += 7 * (((room * lv->bands + 15) / 16 | 1) * 16);
    total += 2 * ((lv->bands + 63) / 64 * 16);
  }
  return total + room + LIFT_TMP_EXTRA;
}

size_t
walloc_synthesis_bytes (size_t columns, unsigned levels, unsigned low,
    int merge)
{
  walloc_synthesis_level level[WALLOC_WAVELET_MAX_LEVELS + 1];
  uint64_t floats;

  if (columns == 0 || columns > WALLOC_WAVELET_MAX_LENGTH
      || levels > WALLOC_WAVELET_MAX_LEVELS)
    return 0;
  floats = plan_levels (level, columns, levels, low, merge) + 64;
  return floats > SIZE_MAX / 2 / sizeof (float) ? 0
      : (size_t) floats *sizeof (float);
}

/* Rows of a level's input for rows [*first, *end) of its output: e of pair p
 * needs rows from p - 2 on, o of pair p up to p + 2. */
static void
reach (ptrdiff_t *first, ptrdiff_t *end)
{
  *first = (*first >> 1) - 2;
  *end = ((*end - 1) >> 1) + 3;
}

void
walloc_synthesis_reach (unsigned levels, ptrdiff_t *first, ptrdiff_t *end)
{
  while (levels-- > 0)
    reach (first, end);
}

static void
plan_rows (walloc_synthesis * s)
{
  ptrdiff_t first = s->shape.first, end = s->shape.end;
  unsigned l;

  for (l = 1; l <= s->shape.levels; l++) {
    walloc_synthesis_level *lv = &s->level[l];

    lv->rows = (ptrdiff_t) (s->shape.rows << (s->shape.levels - l));
    if (l <= s->shape.low) {
      lv->half = walloc_packet_length (s->shape.width, l);
      lv->rows = (ptrdiff_t) walloc_packet_length (s->shape.height, l);
    }
    lv->first = first;
    lv->end = end;
    reach (&first, &end);
    if (s->shape.border == WALLOC_BORDER_SYMMETRIC) {
      if (first < 0)
        first = 0;
      if (end > lv->rows)
        end = lv->rows;
    }
  }
  s->start = s->next = first;
  s->stop = end;
}

static void
plan_memory (walloc_synthesis * s, void *memory)
{
  float *at = memory, *begin;
  unsigned l;
  size_t i;

  at += (64 - ((uintptr_t) at & 63)) % 64 / sizeof *at;
  begin = at;
  for (l = 1; l <= s->shape.levels; l++) {
    walloc_synthesis_level *lv = &s->level[l];
    float **rows[7] = { &lv->d2, &lv->s1, &lv->d1, &lv->e, &lv->s2,
      &lv->d2_new, &lv->o
    };

    for (i = 0; i < 7; i++) {
      *rows[i] = at;
      at += row_floats (lv->n * lv->bands);
    }
    lv->quiet = (uint8_t *) at;
    at += (lv->bands + 63) / 64 * 16;
    lv->active = (uint8_t *) at;
    at += (lv->bands + 63) / 64 * 16;
  }
  /* zero as if rows of zeros had come in: above the first row of a strip the
   * rows that depend on this are not wanted */
  memset (begin, 0, (size_t) (at - begin) * sizeof *at);
  for (l = 1; l <= s->shape.levels; l++)
    memset (s->level[l].quiet, SILENCE, s->level[l].bands);
  s->tmp = at;
}

void
walloc_synthesis_init (walloc_synthesis * s,
    const walloc_synthesis_kernels * kernels,
    const walloc_synthesis_shape * shape, void *memory)
{
  unsigned i, bits = 2 * shape->levels - (shape->merge ? 1 : 0);

  s->k = kernels;
  s->shape = *shape;
  plan_levels (s->level, shape->columns, shape->levels, shape->low,
      shape->merge);
  for (i = 0; i <= bits; i++)
    s->scale[i] = walloc_packet_scale (((size_t) 1 << i) - 1, bits, 1);
  plan_rows (s);
  plan_memory (s, memory);
}

static unsigned
high_bits (size_t channel)
{
  unsigned n = 0;

  for (; channel != 0; channel &= channel - 1)
    n++;
  return n;
}

static void bands_arrived (walloc_synthesis * s, unsigned l, ptrdiff_t row,
    const float *base, size_t stride, const uint8_t * live);

static void
emit (walloc_synthesis * s, unsigned l, ptrdiff_t row, const float *data)
{
  walloc_synthesis_level *lv = &s->level[l];

  if (row < lv->first || row >= lv->end)
    return;
  if (l > 1)
    bands_arrived (s, l - 1, row, data, lv->n, lv->active);
  else
    s->shape.row (s->shape.user, row, data);
}

/* Rows k of the bands are in s2 and d2_new, or k is beyond the end. */
static void
step (walloc_synthesis * s, unsigned l, ptrdiff_t k)
{
  walloc_synthesis_level *lv = &s->level[l];
  size_t b, end, at;
  unsigned mode = 0;
  float *swap;

  if (s->shape.border == WALLOC_BORDER_SYMMETRIC) {
    mode |= k == 0 ? LIFT_FIRST : 0;
    mode |= k == 1 ? LIFT_SECOND : 0;
    mode |= k == lv->rows ? LIFT_LAST : 0;
    mode |= k == lv->rows + 1 ? LIFT_AFTER : 0;
  }
  for (b = 0; b < lv->bands; b = end) {
    end = b + 1;
    if (!lv->active[b])
      continue;
    while (end < lv->bands && lv->active[end])
      end++;
    at = b * lv->n;
    s->k->vertical (lv->s2 + at, lv->d2_new + at, lv->d2 + at, lv->s1 + at,
        lv->d1 + at, lv->e + at, lv->e + at, lv->o + at, (end - b) * lv->n,
        mode);
  }
  emit (s, l, 2 * k - 3, lv->o);
  if ((mode & LIFT_AFTER) != 0)
    return;
  swap = lv->d2;
  lv->d2 = lv->d2_new;
  lv->d2_new = swap;
  emit (s, l, 2 * k - 2, lv->e);
}

/* Input bands in[0] (low) and in[1] (high) of one axis merged into out, or
 * zeros. */
static void
merge_pair (walloc_synthesis * s, const walloc_synthesis_level * lv,
    const float *low, const float *high, int any, float scale_low,
    float scale_high, float *out)
{
  if (any)
    s->k->horizontal (low, high, out, s->tmp, lv->half, s->shape.border,
        scale_low, scale_high);
  else
    memset (out, 0, lv->n * sizeof *out);
}

/* Rows of the input bands in[0 .. inputs - 1] of output band b into s2 and
 * d2_new; 0 when the band has nothing to do. */
static int
merge_band (walloc_synthesis * s, walloc_synthesis_level * lv, size_t b,
    int last, const float *in, size_t stride, const uint8_t * live)
{
  float *s2 = lv->s2 + b * lv->n, *d2 = lv->d2_new + b * lv->n;
  int four = lv->inputs == 4, flat = lv->inputs == 2;
  int low = live[0] | (four && live[2]);
  int high = lv->inputs > 1 && (live[1] | (four && live[3]));
  unsigned h = last ? high_bits (b) : 0;
  const float *scale = s->scale + h;
  float one[3] = { 1.0f, 1.0f, 1.0f };

  if (low || high)
    lv->quiet[b] = 0;
  else if (lv->quiet[b] == SILENCE)
    return 0;
  else
    lv->quiet[b]++;
  scale = last ? scale : one;
  if (flat) {
    s->k->copy (in, s2, lv->n, scale[0]);
    s->k->copy (in + stride, d2, lv->n, scale[1]);
    return 1;
  }
  /* where there is one band alone, d2_new is zero at all times */
  merge_pair (s, lv, in, four ? in + 2 * stride : d2, low, scale[0],
      scale[1], s2);
  merge_pair (s, lv, in + stride, in + 3 * stride, high, scale[1], scale[2],
      d2);
  return 1;
}

/* Row row of the input bands of level l. */
static void
bands_arrived (walloc_synthesis * s, unsigned l, ptrdiff_t row,
    const float *base, size_t stride, const uint8_t * live)
{
  walloc_synthesis_level *lv = &s->level[l];
  int last = l == s->shape.levels;
  size_t b;

  for (b = 0; b < lv->bands; b++)
    lv->active[b] = (uint8_t) merge_band (s, lv, b, last,
        base + lv->inputs * b * stride, stride, live + lv->inputs * b);
  step (s, l, row);
  if (s->shape.border == WALLOC_BORDER_SYMMETRIC && row == lv->rows - 1) {
    step (s, l, lv->rows);
    step (s, l, lv->rows + 1);
  }
}

void
walloc_synthesis_push (walloc_synthesis * s, const float *bands,
    size_t stride, const uint8_t * live)
{
  ptrdiff_t row = s->next++;

  if (s->shape.levels > 0)
    bands_arrived (s, s->shape.levels, row, bands, stride, live);
  else if (row >= s->shape.first && row < s->shape.end)
    s->shape.row (s->shape.user, row, bands);
}
