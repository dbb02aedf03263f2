/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Encoding one slice, backwards: last layer, last channel, last row, last
 * column first, and the parts of a latent in reverse order. */
#include "common/crc16.h"
#include "entropy/rans.h"
#include "entropy/skip.h"
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

/* Whether nothing of a plane has to be coded. */
static int
rest_is_zero (const walloc_slice * slice, const int16_t * plane)
{
  const uint8_t *skip = slice->skip;
  unsigned y, x;
  uint16_t any = 0;

  for (y = 0; y < slice->rows; y++, plane += slice->stride) {
    for (x = 0; x < slice->width; x++)
      any |= (uint16_t) (plane[x] & (skip[x] - 1));
    skip += slice->skip_stride;
  }
  return any == 0;
}

/* Leaves residuals and tables of the cells that are not skipped; their
 * number. */
static unsigned
leave_coded (const uint8_t * skip, unsigned width, int16_t * residual,
    uint8_t * table)
{
  unsigned x, n = 0;

  for (x = 0; x < width; x++) {
    residual[n] = residual[x];
    table[n] = table[x];
    n += !skip[x];
  }
  return n;
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

/* One plane; 0 when the space ends. */
static int
put_plane (walloc_rans_writer * w, const walloc_slice_coder * coder,
    const walloc_slice * slice, unsigned c, const uint8_t * out)
{
  size_t row_elements = (size_t) slice->width + WALLOC_ROW_SLACK;
  size_t row_need = 8 * (size_t) slice->width + ROW_MARGIN;
  int32_t *mean = slice->scratch, *spread = mean + row_elements;
  int16_t *residual = (int16_t *) (spread + row_elements);
  uint8_t *table = (uint8_t *) (residual + row_elements);
  const walloc_freq_table *tables =
      walloc_model_table (coder->model, coder->set, c, 0, 0);
  const walloc_context_planes planes = {
    slice->planes, slice->skip != NULL ? slice->previous : NULL, slice->stride,
    slice->plane_stride
  };
  const uint8_t *skip;
  walloc_context context;
  unsigned y, n;
  size_t offset;

  walloc_context_prepare (&context, coder->model, coder->set, c, slice->live,
      &planes, 0);
  for (y = slice->rows; y-- > 0;) {
    skip = slice->skip == NULL ? NULL : slice->skip + y * slice->skip_stride;
    if (skip != NULL && memchr (skip, 0, slice->width) == NULL)
      continue;
    if ((size_t) (w->p - out) < row_need)
      return 0;
    offset = y * slice->stride;
    walloc_context_row (&context, offset, slice->width, mean, spread);
    walloc_context_symbols (&coder->buckets,
        slice->planes + c * slice->plane_stride + offset, slice->width,
        context.has_mean ? mean : NULL, spread, residual, table);
    n = skip == NULL ? slice->width :
        leave_coded (skip, slice->width, residual, table);
    put_row (w, coder->model, tables, residual, table, n);
  }
  return 1;
}

/* One layer in front of end; its size, or (size_t) -1 when the space ends.
 * active[c] says whether anything of channel c has to be coded. */
static size_t
put_layer (const walloc_slice_coder * coder, const walloc_slice * slice,
    unsigned layer, const uint8_t * active, uint8_t * out, uint8_t * end)
{
  const uint16_t *frequency = coder->model->set[coder->set].active;
  size_t map = (size_t) slice->width * slice->rows * 2;
  uint8_t *stop;
  walloc_rans_writer w;
  unsigned c, first = walloc_slice_layer_first (coder, layer);

  if (end - out < WALLOC_SLICE_CHECK)
    return (size_t) -1;
  stop = end - WALLOC_SLICE_CHECK;
  walloc_rans_writer_init (&w, stop);
  for (c = coder->end[layer]; c-- > first;) {
    if (!coder->present[c])
      continue;
    if (active[c] && !put_plane (&w, coder, slice, c, out))
      return (size_t) -1;
    if (w.p - out < ROW_MARGIN)
      return (size_t) -1;
    if (active[c])
      walloc_rans_put (&w, 32768u - frequency[c], frequency[c]);
    else
      walloc_rans_put (&w, 0, 32768u - frequency[c]);
  }
  if (slice->skip != NULL && layer == 0) {
    if ((size_t) (w.p - out) < map + ROW_MARGIN)
      return (size_t) -1;
    walloc_skip_put (&w, slice, slice->scratch);
  }
  if (w.p - out < WALLOC_RANS_HEAD)
    return (size_t) -1;
  walloc_rans_finish (&w);
  walloc_put_u16 (stop, walloc_crc16 (w.p, (size_t) (stop - w.p)));
  return (size_t) (end - w.p);
}

walloc_result
walloc_slice_encode (const walloc_slice_coder * coder, walloc_slice * slice,
    uint8_t * out, size_t capacity, size_t *size)
{
  uint8_t active[WALLOC_MODEL_MAX_CHANNELS], *end = out + capacity;
  const int16_t *plane = slice->planes;
  unsigned c, layer, any;

  if (slice->skip != NULL && slice->previous == NULL &&
      coder->model->set[coder->set].before)
    return WALLOC_ERR_ARGUMENT;
  for (c = 0; c < coder->channels; c++, plane += slice->plane_stride) {
    if (slice->skip == NULL)
      slice->live[c] = active[c] = coder->present[c] &&
          !plane_is_zero (slice, plane);
    else {
      slice->live[c] = coder->present[c];
      active[c] = coder->present[c] && !rest_is_zero (slice, plane);
    }
  }
  for (layer = coder->layers; layer-- > 0;) {
    any = layer == 0 && slice->skip != NULL && !walloc_skip_all (slice);
    for (c = walloc_slice_layer_first (coder, layer); c < coder->end[layer];
        c++)
      any |= active[c];
    size[layer] = !any ? 0 : put_layer (coder, slice, layer, active, out, end);
    if (size[layer] == (size_t) -1)
      return WALLOC_ERR_SPACE;
    end -= size[layer];
  }
  return WALLOC_OK;
}
