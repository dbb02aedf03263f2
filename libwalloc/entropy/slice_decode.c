/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Decoding one slice. Everything that does not depend on the latents just
 * left of the current one is computed a row at a time before. */
#include "common/crc16.h"
#include "entropy/rans.h"
#include "entropy/skip.h"
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

/* One row; 0 when a latent is out of range. has_mean, and whether skip is
 * NULL, are constants in every caller. */
WALLOC_INLINE int
get_row (walloc_rans_reader * reader, const walloc_slice_coder * coder,
    const walloc_context * context, const walloc_freq_table * tables,
    const int32_t * mean, const int32_t * spread, int16_t * row,
    const uint8_t * skip, unsigned width, int has_mean)
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
    if (skip != NULL && skip[x]) {
      q2 = q1;
      q1 = row[x];
      s2 = s1;
      s1 = q1 < 0 ? -q1 : q1;
      continue;
    }
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
  return get_row (reader, coder, context, tables, mean, spread, row, NULL,
      width, 1);
}

WALLOC_CLONES static int
get_row_plain (walloc_rans_reader * reader, const walloc_slice_coder * coder,
    const walloc_context * context, const walloc_freq_table * tables,
    const int32_t * spread, int16_t * row, unsigned width)
{
  return get_row (reader, coder, context, tables, NULL, spread, row, NULL,
      width, 0);
}

WALLOC_CLONES static int
get_row_between (walloc_rans_reader * reader, const walloc_slice_coder * coder,
    const walloc_context * context, const walloc_freq_table * tables,
    const int32_t * mean, const int32_t * spread, int16_t * row,
    const uint8_t * skip, unsigned width)
{
  return get_row (reader, coder, context, tables, mean, spread, row, skip,
      width, context->has_mean);
}

/* Zero where nothing is kept from the frame before. */
static void
clear_plane (const walloc_slice * slice, unsigned channel)
{
  int16_t *row = slice->planes + channel * slice->plane_stride;
  const uint8_t *skip = slice->skip;
  unsigned y, x;

  for (y = 0; y < slice->rows; y++, row += slice->stride) {
    if (skip == NULL) {
      memset (row, 0, slice->width * sizeof *row);
      continue;
    }
    for (x = 0; x < slice->width; x++)
      row[x] = (int16_t) (skip[x] ? row[x] : 0);
    skip += slice->skip_stride;
  }
}

static int
get_plane (walloc_rans_reader * r, const walloc_slice_coder * coder,
    walloc_slice * slice, unsigned c)
{
  size_t row_elements = (size_t) slice->width + WALLOC_ROW_SLACK;
  int32_t *mean = slice->scratch, *spread = mean + row_elements;
  const walloc_freq_table *tables =
      walloc_model_table (coder->model, coder->set, c, 0, 0);
  const walloc_context_planes planes = {
    slice->planes, slice->skip != NULL ? slice->previous : NULL, slice->stride,
    slice->plane_stride
  };
  const uint8_t *skip = slice->skip;
  walloc_context context;
  int16_t *row = slice->planes + c * slice->plane_stride;
  unsigned y;
  int good = 1;

  walloc_context_prepare (&context, coder->model, coder->set, c, slice->live,
      &planes, 1);
  for (y = 0; y < slice->rows && good; y++, row += slice->stride) {
    if (skip != NULL) {
      skip = slice->skip + y * slice->skip_stride;
      if (memchr (skip, 0, slice->width) == NULL)
        continue;
    }
    walloc_context_row (&context, y * slice->stride, slice->width, mean,
        spread);
    if (skip != NULL)
      good = get_row_between (r, coder, &context, tables,
          context.has_mean ? mean : NULL, spread, row, skip, slice->width);
    else if (context.has_mean)
      good = get_row_mean (r, coder, &context, tables, mean, spread, row,
          slice->width);
    else
      good = get_row_plain (r, coder, &context, tables, spread, row,
          slice->width);
  }
  return good;
}

static int
get_layer (walloc_rans_reader * r, const walloc_slice_coder * coder,
    walloc_slice * slice, unsigned layer)
{
  const uint16_t *frequency = coder->model->set[coder->set].active;
  unsigned c = walloc_slice_layer_first (coder, layer), active;
  uint32_t slot, zero;
  int good = 1;

  for (; good && c < coder->end[layer]; c++) {
    active = 0;
    if (coder->present[c]) {
      slot = walloc_rans_peek (r);
      zero = 32768u - frequency[c];
      active = slot >= zero;
      walloc_rans_take (r, slot, active ? zero : 0,
          active ? frequency[c] : zero);
    }
    slice->live[c] = (uint8_t) (slice->skip != NULL ? coder->present[c] :
        active);
    if (active)
      good = get_plane (r, coder, slice, c);
    else
      clear_plane (slice, c);
  }
  return good && walloc_rans_good (r);
}

static void
skip_all (walloc_slice * slice)
{
  unsigned y;

  for (y = 0; y < slice->rows; y++)
    memset (slice->skip + y * slice->skip_stride, 1, slice->width);
}

/* The channels from first up to end - 1 when nothing of them is coded. */
static void
clear_channels (const walloc_slice_coder * coder, walloc_slice * slice,
    unsigned first, unsigned end)
{
  for (; first < end; first++) {
    slice->live[first] = (uint8_t) (slice->skip != NULL &&
        coder->present[first]);
    clear_plane (slice, first);
  }
}

void
walloc_slice_lose (const walloc_slice_coder * coder, walloc_slice * slice,
    unsigned layer)
{
  if (slice->skip != NULL && layer == 0)
    skip_all (slice);
  clear_channels (coder, slice, walloc_slice_layer_first (coder, layer),
      coder->channels);
}

walloc_result
walloc_slice_decode (const walloc_slice_coder * coder, walloc_slice * slice,
    unsigned layer, const uint8_t * data, size_t size)
{
  walloc_rans_reader r;
  unsigned first = walloc_slice_layer_first (coder, layer);

  if (slice->skip != NULL && slice->previous == NULL &&
      coder->model->set[coder->set].before)
    return WALLOC_ERR_ARGUMENT;
  if (size == 0) {
    if (slice->skip != NULL && layer == 0)
      skip_all (slice);
    clear_channels (coder, slice, first, coder->end[layer]);
    return WALLOC_OK;
  }
  if (size < WALLOC_SLICE_LEAST ||
      walloc_crc16 (data, size - WALLOC_SLICE_CHECK) !=
      walloc_get_u16 (data + size - WALLOC_SLICE_CHECK) ||
      !walloc_rans_reader_init (&r, data, size - WALLOC_SLICE_CHECK)) {
    walloc_slice_lose (coder, slice, layer);
    return WALLOC_ERR_CORRUPT;
  }
  if (slice->skip != NULL && layer == 0)
    walloc_skip_get (&r, slice);
  if (get_layer (&r, coder, slice, layer))
    return WALLOC_OK;
  clear_channels (coder, slice, first, coder->channels);
  if (slice->skip != NULL && layer == 0)
    skip_all (slice);
  return WALLOC_ERR_CORRUPT;
}
