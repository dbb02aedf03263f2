/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Encoding one slice, backwards: last channel, last row, last column first,
 * and the parts of a latent in reverse order. */
#include "common/crc16.h"
#include "entropy/rans.h"
#include "entropy/slice.h"

#include <string.h>

#include "transform/clones.h"

/* Free bytes that one row needs at most beyond 8 per latent. */
#define ROW_MARGIN 16

static int
plane_is_zero (const walloc_slice * slice, const int16_t * plane)
{
  unsigned y, x;
  uint16_t any;

  for (y = 0; y < slice->rows; y++, plane += slice->stride) {
    any = 0;
    for (x = 0; x < slice->width; x++)
      any |= (uint16_t) plane[x];
    if (any)
      return 0;
  }
  return 1;
}

/* What follows an escape symbol, for value hi with |hi| > m. */
static void
put_escape (walloc_rans_writer * w, int hi, unsigned m)
{
  unsigned n = (unsigned) (hi < 0 ? -hi : hi) - m, k, i;

  k = 31 - (unsigned) __builtin_clz (n);
  n -= 1u << k;
  if (k > 8) {
    walloc_rans_put_raw (w, 8, n & 255);
    walloc_rans_put_raw (w, k - 8, n >> 8);
  } else if (k > 0) {
    walloc_rans_put_raw (w, k, n);
  }
  walloc_rans_put_raw (w, 1, 1);
  for (i = 0; i < k; i++)
    walloc_rans_put_raw (w, 1, 0);
  walloc_rans_put_raw (w, 1, hi < 0);
}

WALLOC_CLONES static void
put_row (walloc_rans_writer * writer, const walloc_model * model,
    const walloc_freq_table * tables, const int16_t * residual,
    const uint8_t * table, unsigned width)
{
  walloc_rans_writer w = *writer;
  walloc_symbol s;
  unsigned x, b, shift, m, symbol;
  int hi;

  for (x = width; x-- > 0;) {
    b = table[x] >> 2;
    shift = model->shift[b];
    m = model->max_symbol[b];
    hi = residual[x] >> shift;
    if (shift > 0)
      walloc_rans_put_raw (&w, shift, residual[x] & ((1 << shift) - 1));
    symbol = 2 * (unsigned) (hi < 0 ? -hi : hi) - (hi > 0);
    if (symbol > 2 * m) {
      put_escape (&w, hi, m);
      symbol = 2 * m + 1;
    }
    s = tables[table[x]].symbol[symbol];
    walloc_rans_put (&w, s.start, s.freq);
  }
  *writer = w;
}

walloc_result
walloc_slice_encode (const walloc_slice_coder * coder, walloc_slice * slice,
    uint8_t * out, size_t capacity, size_t *size)
{
  const walloc_model *model = coder->model;
  const walloc_model_set *set = &model->set[coder->set];
  size_t row_elements = (size_t) slice->width + WALLOC_ROW_SLACK;
  size_t row_need = 8 * (size_t) slice->width + ROW_MARGIN;
  int32_t *mean = slice->scratch, *spread = mean + row_elements;
  int16_t *residual = (int16_t *) (spread + row_elements);
  uint8_t *table = (uint8_t *) (residual + row_elements);
  walloc_rans_writer w;
  walloc_context context;
  const int16_t *row;
  unsigned c, y;
  uint8_t *end;

  if (capacity < WALLOC_SLICE_CHECK)
    return WALLOC_ERR_SPACE;
  end = out + capacity - WALLOC_SLICE_CHECK;
  for (c = 0; c < coder->channels; c++)
    slice->live[c] = coder->present[c] &&
        !plane_is_zero (slice, slice->planes + c * slice->plane_stride);

  walloc_rans_writer_init (&w, end);
  for (c = coder->channels; c-- > 0;) {
    if (!coder->present[c])
      continue;
    if (slice->live[c]) {
      walloc_context_prepare (&context, model, coder->set, c, slice->live,
          (ptrdiff_t) slice->stride, (ptrdiff_t) slice->plane_stride, 0);
      for (y = slice->rows; y-- > 0;) {
        if ((size_t) (w.p - out) < row_need)
          return WALLOC_ERR_SPACE;
        row = slice->planes + c * slice->plane_stride + y * slice->stride;
        walloc_context_row (&context, row, slice->width, mean, spread);
        walloc_context_symbols (&coder->buckets, row, slice->width,
            context.has_mean ? mean : NULL, spread, residual, table);
        put_row (&w, model, walloc_model_table (model, coder->set, c, 0, 0),
            residual, table, slice->width);
      }
    }
    if (w.p - out < ROW_MARGIN)
      return WALLOC_ERR_SPACE;
    if (slice->live[c])
      walloc_rans_put (&w, 32768u - set->active[c], set->active[c]);
    else
      walloc_rans_put (&w, 0, 32768u - set->active[c]);
  }
  if (w.p - out < WALLOC_RANS_HEAD)
    return WALLOC_ERR_SPACE;
  walloc_rans_finish (&w);
  walloc_put_u16 (end, walloc_crc16 (w.p, (size_t) (end - w.p)));
  *size = (size_t) (out + capacity - w.p);
  return WALLOC_OK;
}
