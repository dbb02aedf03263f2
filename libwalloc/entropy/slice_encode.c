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

/* The bits that any magnitude of a plane has. */
WALLOC_CLONES static uint16_t
plane_peak (const walloc_slice * slice, const int16_t * plane)
{
  unsigned y, x;
  uint16_t any = 0;

  for (y = 0; y < slice->rows; y++, plane += slice->stride)
    for (x = 0; x < slice->width; x++)
      any |= (uint16_t) (plane[x] < 0 ? -plane[x] : plane[x]);
  return any;
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

/* What follows an escape symbol, for value hi with |hi| > m. */
static __attribute__((noinline))
     void put_escape (walloc_rans_writer * w, int hi, unsigned m)
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

/* Latents of a row, from the last on; whether skip is NULL is a constant in
 * every caller. */
WALLOC_INLINE void
put_row (walloc_rans_writer * writer, const walloc_context * context,
    const uint16_t * numbers, const uint8_t * contexts, const uint8_t * skip,
    unsigned width)
{
  /* a writer of its own for what is rare keeps this one in registers */
  walloc_rans_writer w = *writer, rare;
  const walloc_freq_table *table;
  const walloc_put_symbol *put;
  unsigned x, symbol;
  int r;

  for (x = width; x-- > 0;) {
    if (skip != NULL && skip[x])
      continue;
    table = context->table[contexts[x]];
    symbol = numbers[x];
    if (symbol >= table->direct) {
      r = symbol & 1 ? (int) (symbol + 1) / 2 : -(int) (symbol / 2);
      if (table->shift > 0) {
        walloc_rans_put_raw (&w, table->shift,
            (unsigned) r & ((1u << table->shift) - 1));
        r >>= table->shift;
        symbol = 2 * (unsigned) (r < 0 ? -r : r) - (r > 0);
      }
      if (symbol >= table->escape) {
        rare = w;
        put_escape (&rare, r, table->escape / 2);
        w = rare;
        symbol = table->escape;
      }
    }
    put = &table->put[symbol];
    walloc_rans_put_symbol (&w, put->reciprocal, put->limit, put->add,
        put->left);
  }
  *writer = w;
}

/* Numbers, contexts and magnitudes of one plane. */
static void
model_plane (const walloc_slice_coder * coder, const walloc_slice * slice,
    const walloc_slice_areas * areas, unsigned c, int active,
    walloc_context * context)
{
  const int16_t *row = slice->planes + c * slice->plane_stride;
  uint8_t *magnitude = areas->magnitudes + c * slice->plane_stride;
  size_t offset = 0, at = (size_t) c * slice->rows * slice->width;
  unsigned y;

  for (y = 0; y < slice->rows; y++) {
    if (!active) {
      walloc_context_magnitudes (row, slice->width,
          coder->model->set[coder->set].cap, magnitude);
    } else if (slice->skip == NULL || walloc_slice_near_coded (slice, y)) {
      if (context->has_mean && !context->narrow)
        walloc_context_mean (context, offset, slice->width, areas->mean);
      if (context->has_mean && context->narrow)
        walloc_context_narrow_residuals (context, row, offset, slice->width,
            areas->number + at, areas->context + at, magnitude);
      else
        walloc_context_residuals (context, row, slice->width,
            context->has_mean ? areas->mean : NULL, areas->number + at,
            areas->context + at, magnitude);
      walloc_context_keys (context, offset, slice->width, areas->context + at);
    }
    walloc_slice_end_row (slice, magnitude);
    row += slice->stride;
    magnitude += slice->stride;
    offset += slice->stride;
    at += slice->width;
  }
}

/* One plane; 0 when the space ends. */
WALLOC_INLINE int
put_plane (walloc_rans_writer * w, const walloc_slice * slice,
    const walloc_slice_areas * areas, const walloc_context * context,
    unsigned c, const uint8_t * out)
{
  size_t row_need = 8 * (size_t) slice->width + ROW_MARGIN;
  size_t at = (size_t) (c + 1) * slice->rows * slice->width;
  const uint8_t *skip;
  unsigned y;

  for (y = slice->rows; y-- > 0;) {
    at -= slice->width;
    if ((size_t) (w->p - out) < row_need)
      return 0;
    if (slice->skip == NULL) {
      put_row (w, context, areas->number + at, areas->context + at, NULL,
          slice->width);
      continue;
    }
    skip = slice->skip + y * slice->skip_stride;
    if (memchr (skip, 0, slice->width) != NULL)
      put_row (w, context, areas->number + at, areas->context + at, skip,
          slice->width);
  }
  return 1;
}

/* One layer in front of end; its size, or (size_t) -1 when the space ends.
 * active[c] says whether anything of channel c has to be coded. */
WALLOC_CLONES static size_t
put_layer (const walloc_slice_coder * coder, const walloc_slice * slice,
    const walloc_slice_areas * areas, unsigned layer, const uint8_t * active,
    uint8_t * out, uint8_t * end)
{
  const uint16_t *frequency = coder->model->set[coder->set].active;
  size_t map = (size_t) slice->width * slice->rows * 2;
  uint8_t *stop;
  walloc_rans_writer w;
  walloc_context context;
  unsigned c, first = walloc_slice_layer_first (coder, layer);

  if (end - out < WALLOC_SLICE_CHECK)
    return (size_t) -1;
  stop = end - WALLOC_SLICE_CHECK;
  walloc_rans_writer_init (&w, stop);
  for (c = coder->end[layer]; c-- > first;) {
    if (!coder->present[c])
      continue;
    if (active[c]) {
      walloc_context_tables (&context, areas->cache, coder->model, coder->set,
          c);
      if (!put_plane (&w, slice, areas, &context, c, out))
        return (size_t) -1;
    }
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
    walloc_skip_put (&w, slice, areas->map);
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
  walloc_slice_areas areas;
  walloc_context context;
  unsigned c, layer, any;

  if (slice->skip != NULL && slice->previous == NULL &&
      coder->model->set[coder->set].before)
    return WALLOC_ERR_ARGUMENT;
  walloc_slice_begin (coder, slice, 0, coder->channels, 1, &areas);
  areas.cache->kinds.count = areas.cache->kinds.next = 0;
  for (c = 0; c < coder->channels; c++, plane += slice->plane_stride) {
    slice->peak[c] = coder->present[c] ? plane_peak (slice, plane) : 0;
    if (slice->skip == NULL) {
      slice->live[c] = active[c] = slice->peak[c] != 0;
    } else {
      slice->live[c] = coder->present[c];
      active[c] = coder->present[c] && !rest_is_zero (slice, plane);
    }
    if (active[c]) {
      walloc_context_prepare (&context, coder->model, coder->set, c,
          slice->live, &areas.planes, 0);
      walloc_context_bound (&context, slice->peak);
    }
    if (slice->live[c])
      model_plane (coder, slice, &areas, c, active[c], &context);
  }
  for (layer = coder->layers; layer-- > 0;) {
    any = layer == 0 && slice->skip != NULL && !walloc_skip_all (slice);
    for (c = walloc_slice_layer_first (coder, layer); c < coder->end[layer];
        c++)
      any |= active[c];
    size[layer] = !any ? 0 : put_layer (coder, slice, &areas, layer, active,
        out, end);
    if (size[layer] == (size_t) -1)
      return WALLOC_ERR_SPACE;
    end -= size[layer];
  }
  return WALLOC_OK;
}
