/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Decoding one slice. Everything that does not depend on the latents just
 * left of the current one is computed a row at a time before. */
#include "common/crc16.h"
#include "entropy/rans.h"
#include "entropy/slice.h"

#include <string.h>

#include "transform/clones.h"

/* One escaped value, or INT32_MIN when no encoder writes such a length. */
WALLOC_INLINE int
get_escape (walloc_rans_reader * r, unsigned m)
{
  unsigned negative = walloc_rans_raw (r, 1), k = 0, n;

  while (walloc_rans_raw (r, 1) == 0)
    if (++k > 15)
      return INT32_MIN;
  n = 1u << k;
  if (k > 8) {
    n |= walloc_rans_raw (r, k - 8) << 8;
    n |= walloc_rans_raw (r, 8);
  } else if (k > 0) {
    n |= walloc_rans_raw (r, k);
  }
  return negative ? -(int) (n + m) : (int) (n + m);
}

/* One row; 0 when a latent is out of range. has_mean is a constant in every
 * caller. */
WALLOC_INLINE int
get_row (walloc_rans_reader * reader, const walloc_slice_coder * coder,
    const walloc_context * context, const walloc_freq_table * tables,
    const int32_t * mean, const int32_t * spread, int16_t * row,
    unsigned width, int has_mean)
{
  const walloc_model *model = coder->model;
  const walloc_freq_table *table;
  walloc_rans_reader r = *reader;
  int32_t a1 = context->near_mean[0], a2 = context->near_mean[1];
  int32_t c1 = context->near_spread[0], c2 = context->near_spread[1];
  int32_t q, q1 = 0, q2 = 0, s1 = 0, s2 = 0;
  int32_t m, pred = 0, frac, flip = 0;
  unsigned x, b, f = 0, shift, symbol;
  int slot;

  for (x = 0; x < width; x++) {
    if (has_mean) {
      m = mean[x] + a1 * q1 + a2 * q2;
      pred = (m + 128) >> 8;
      frac = m - pred * 256;
      flip = frac >> 31;
      frac = (frac ^ flip) - flip;
      f = (unsigned) ((frac >= 16) + (frac >= 48) + (frac >= 80));
      pred = pred > WALLOC_LATENT_MAX ? WALLOC_LATENT_MAX : pred;
      pred = pred < -WALLOC_LATENT_MAX ? -WALLOC_LATENT_MAX : pred;
    }
    b = walloc_bucket (&coder->buckets, spread[x] + c1 * s1 + c2 * s2);
    table = &tables[b * WALLOC_MODEL_FRACTIONS + f];
    slot = (int) walloc_rans_peek (&r);
    /* zero is by far the likeliest: a branch lets the next latent begin
     * before this one is certain */
    q = 0;
    symbol = 0;
    if (slot > table->last[0]) {
      symbol = 1;
      while (slot > table->last[symbol])
        symbol++;
      q = symbol & 1 ? (int) (symbol + 1) / 2 : -(int) (symbol / 2);
    }
    walloc_rans_take (&r, (uint32_t) slot, table->symbol[symbol].start,
        table->symbol[symbol].freq);
    if (symbol == 2u * model->max_symbol[b] + 1) {
      q = get_escape (&r, model->max_symbol[b]);
      if (q == INT32_MIN)
        return 0;
    }
    shift = model->shift[b];
    if (shift > 0)
      q = (int32_t) ((uint32_t) q << shift | walloc_rans_raw (&r, shift));
    if (has_mean)
      q = ((q ^ flip) - flip) + pred;
    if ((uint32_t) q + WALLOC_LATENT_MAX > 2 * WALLOC_LATENT_MAX)
      return 0;
    row[x] = (int16_t) q;
    q2 = q1;
    q1 = q;
    s2 = s1;
    s1 = q < 0 ? -q : q;
  }
  *reader = r;
  return !r.over;
}

WALLOC_CLONES static int
get_row_mean (walloc_rans_reader * reader, const walloc_slice_coder * coder,
    const walloc_context * context, const walloc_freq_table * tables,
    const int32_t * mean, const int32_t * spread, int16_t * row, unsigned width)
{
  return get_row (reader, coder, context, tables, mean, spread, row, width, 1);
}

WALLOC_CLONES static int
get_row_plain (walloc_rans_reader * reader, const walloc_slice_coder * coder,
    const walloc_context * context, const walloc_freq_table * tables,
    const int32_t * spread, int16_t * row, unsigned width)
{
  return get_row (reader, coder, context, tables, NULL, spread, row, width, 0);
}

static void
clear_plane (const walloc_slice * slice, unsigned channel)
{
  int16_t *row = slice->planes + channel * slice->plane_stride;
  unsigned y;

  for (y = 0; y < slice->rows; y++, row += slice->stride)
    memset (row, 0, slice->width * sizeof *row);
}

static int
get_plane (walloc_rans_reader * r, const walloc_slice_coder * coder,
    walloc_slice * slice, unsigned c)
{
  size_t row_elements = (size_t) slice->width + WALLOC_ROW_SLACK;
  int32_t *mean = slice->scratch, *spread = mean + row_elements;
  const walloc_freq_table *tables =
      walloc_model_table (coder->model, coder->set, c, 0, 0);
  walloc_context context;
  int16_t *row = slice->planes + c * slice->plane_stride;
  unsigned y;
  int good;

  walloc_context_prepare (&context, coder->model, coder->set, c, slice->live,
      (ptrdiff_t) slice->stride, (ptrdiff_t) slice->plane_stride, 1);
  for (y = 0; y < slice->rows; y++, row += slice->stride) {
    walloc_context_row (&context, row, slice->width, mean, spread);
    if (context.has_mean)
      good = get_row_mean (r, coder, &context, tables, mean, spread, row,
          slice->width);
    else
      good = get_row_plain (r, coder, &context, tables, spread, row,
          slice->width);
    if (!good)
      return 0;
  }
  return 1;
}

walloc_result
walloc_slice_decode (const walloc_slice_coder * coder, walloc_slice * slice,
    const uint8_t * data, size_t size)
{
  const uint16_t *active = coder->model->set[coder->set].active;
  walloc_rans_reader r;
  uint32_t slot, zero;
  unsigned c;
  int good;

  good = size >= WALLOC_SLICE_CHECK;
  if (good) {
    size -= WALLOC_SLICE_CHECK;
    good = walloc_crc16 (data, size) == walloc_get_u16 (data + size) &&
        walloc_rans_reader_init (&r, data, size);
  }
  for (c = 0; good && c < coder->channels; c++) {
    slice->live[c] = 0;
    if (coder->present[c]) {
      slot = walloc_rans_peek (&r);
      zero = 32768u - active[c];
      slice->live[c] = slot >= zero;
      walloc_rans_take (&r, slot, slot >= zero ? zero : 0,
          slot >= zero ? active[c] : zero);
    }
    if (slice->live[c])
      good = get_plane (&r, coder, slice, c);
    else
      clear_plane (slice, c);
  }
  if (good && walloc_rans_good (&r))
    return WALLOC_OK;
  for (c = 0; c < coder->channels; c++) {
    slice->live[c] = 0;
    clear_plane (slice, c);
  }
  return WALLOC_ERR_CORRUPT;
}
