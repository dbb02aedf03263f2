/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Decoding slices, up to WALLOC_ROWS_LANES of them at once. Everything that
 * does not depend on the latents just left of the current one is computed a
 * row at a time before. */
#include "common/crc16.h"
#include "entropy/rows.h"
#include "entropy/skip.h"
#include "entropy/slice.h"

#include <string.h>

/* One of the slices at work. */
typedef struct
{
  walloc_slice *slice;
  walloc_slice_areas areas;
  walloc_context context;
  walloc_row_state state;
  int good;                     /* nothing was damaged so far */
  int busy;                     /* the current channel is coded */
} slice_lane;

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

/* Pieces that wait for the kernels, with the lanes they belong to. */
typedef struct
{
  walloc_row_state *state[WALLOC_ROWS_LANES];
  slice_lane *lane[WALLOC_ROWS_LANES];
  unsigned count;
} piece_queue;

static void
get_pieces (const walloc_rows_kernels * kernels, walloc_rows_work * work,
    piece_queue * queue, unsigned n, int has_mean)
{
  unsigned bad = 0, i;

  if (queue->count == 0)
    return;
  if (queue->lane[0]->slice->skip == NULL)
    bad = kernels->get[has_mean][queue->count - 1] (&work->tables,
        work->piece, queue->state, n);
  else
    for (i = 0; i < queue->count; i++)
      bad |= kernels->between (&work->tables, work->piece + i,
          queue->state + i, n) << i;
  for (i = 0; i < queue->count; i++)
    if (bad >> i & 1)
      queue->lane[i]->good = 0;
}

/* What the kernels need for n latents from column x of row y on. */
static void
begin_piece (slice_lane * lane, walloc_row_piece * piece, unsigned c,
    unsigned y, unsigned x, unsigned n, int has_mean)
{
  const walloc_slice *slice = lane->slice;
  size_t at = y * slice->stride + x;

  if (has_mean)
    walloc_context_mean (&lane->context, at, n, piece->mean);
  walloc_context_spread (&lane->context, at, n, piece->spread);
  walloc_rows_fill (&lane->state.reader, lane->areas.work->tail);
  if (slice->skip != NULL) {
    lane->state.skip = slice->skip + y * slice->skip_stride + x;
    memcpy (piece->row, slice->planes + c * slice->plane_stride + at, n *
        sizeof *piece->row);
  }
}

static void
end_piece (const slice_lane * lane, const walloc_row_piece * piece, unsigned c,
    unsigned y, unsigned x, unsigned n)
{
  const walloc_slice *slice = lane->slice;
  size_t at = c * slice->plane_stride + y * slice->stride + x;

  memcpy (slice->planes + at, piece->row, n * sizeof *piece->row);
  memcpy (lane->areas.magnitudes + at, piece->magnitude, n);
}

/* Row y of channel c of the slices that have it. */
static void
get_row (const walloc_slice_coder * coder, slice_lane * lanes, unsigned count,
    unsigned c, unsigned y, int has_mean)
{
  walloc_rows_work *work = lanes->areas.work;
  const walloc_slice *slice;
  piece_queue queue;
  slice_lane *lane;
  unsigned i, x, n;

  queue.count = 0;
  for (lane = lanes; lane < lanes + count; lane++) {
    slice = lane->slice;
    if (!lane->busy || !lane->good || y >= slice->rows)
      continue;
    walloc_slice_end_row (slice, lane->areas.magnitudes +
        c * slice->plane_stride + y * slice->stride);
    if (slice->skip != NULL && !walloc_slice_near_coded (slice, y))
      continue;
    if (slice->skip == NULL) {
      lane->slice->peak[c] = lane->state.peak;
      walloc_context_bound (&lane->context, slice->peak);
    }
    lane->state.mean = 0;
    lane->state.spread = 0;
    queue.state[queue.count] = &lane->state;
    queue.lane[queue.count++] = lane;
  }
  for (x = 0; x < lanes->slice->width; x += n) {
    n = lanes->slice->width - x;
    n = n > WALLOC_ROWS_PIECE ? WALLOC_ROWS_PIECE : n;
    for (i = 0; i < queue.count; i++)
      begin_piece (queue.lane[i], work->piece + i, c, y, x, n, has_mean);
    get_pieces (coder->kernels, work, &queue, n, has_mean);
    for (i = 0; i < queue.count; i++)
      end_piece (queue.lane[i], work->piece + i, c, y, x, n);
  }
}

/* Channel c of the slices that are busy. */
static void
get_planes (const walloc_slice_coder * coder, slice_lane * lanes,
    unsigned count, unsigned c)
{
  const walloc_context *context = NULL;
  const walloc_slice *slice;
  slice_lane *lane;
  unsigned y, rows = 0;
  int has_mean = 0;

  for (lane = lanes; lane < lanes + count; lane++) {
    if (!lane->busy)
      continue;
    slice = lane->slice;
    walloc_context_prepare (&lane->context, coder->model, coder->set, c,
        slice->live, &lane->areas.planes, 1);
    context = &lane->context;
    lane->state.peak = 0;
    has_mean |= context->has_mean || slice->skip != NULL;
    rows = slice->rows > rows ? slice->rows : rows;
  }
  if (context == NULL)
    return;
  walloc_rows_prepare (lanes->areas.work, coder->model, coder->set, c, context);
  for (y = 0; y < rows; y++)
    get_row (coder, lanes, count, c, y, has_mean);
  for (lane = lanes; lane < lanes + count; lane++)
    if (lane->busy)
      lane->slice->peak[c] = lane->state.peak;
}

/* Magnitudes of a channel of which nothing is coded, but which may have
 * skipped cells. */
static void
measure_plane (const walloc_slice_coder * coder, const walloc_slice * slice,
    const walloc_slice_areas * areas, unsigned c)
{
  const int16_t *row = slice->planes + c * slice->plane_stride;
  uint8_t *to = areas->magnitudes + c * slice->plane_stride;
  unsigned y;

  for (y = 0; y < slice->rows; y++) {
    walloc_context_magnitudes (row, slice->width,
        coder->model->set[coder->set].cap, to);
    walloc_slice_end_row (slice, to);
    row += slice->stride;
    to += slice->stride;
  }
}

/* The same for a whole layer. */
static void
measure_channels (const walloc_slice_coder * coder, const walloc_slice * slice,
    unsigned first, unsigned end)
{
  walloc_slice_areas areas;

  walloc_slice_begin (coder, slice, first, end, 0, &areas);
  for (; first < end; first++)
    if (coder->present[first])
      measure_plane (coder, slice, &areas, first);
}

/* Whether channel c is coded, which is in front of it. */
static int
get_active (walloc_rans_reader * r, const walloc_slice_coder * coder,
    unsigned c)
{
  unsigned frequency = coder->model->set[coder->set].active[c];
  uint32_t slot = walloc_rans_peek (r), zero = 32768u - frequency;
  int active = slot >= zero;

  walloc_rans_take (r, slot, active ? zero : 0, active ? frequency : zero);
  return active;
}

static void
get_layer (const walloc_slice_coder * coder, slice_lane * lanes,
    unsigned count, unsigned layer)
{
  unsigned c = walloc_slice_layer_first (coder, layer);
  slice_lane *lane;
  walloc_slice *slice;

  for (lane = lanes; lane < lanes + count; lane++)
    walloc_slice_begin (coder, lane->slice, c, coder->end[layer], 0,
        &lane->areas);
  lanes->areas.work->kinds.count = lanes->areas.work->kinds.next = 0;
  for (; c < coder->end[layer]; c++) {
    for (lane = lanes; lane < lanes + count; lane++) {
      slice = lane->slice;
      lane->busy = lane->good && coder->present[c] &&
          get_active (&lane->state.reader, coder, c);
      slice->live[c] = (uint8_t) (slice->skip != NULL ? coder->present[c] :
          lane->busy);
      if (lane->busy || !lane->good)
        continue;
      clear_plane (slice, c);
      if (slice->live[c])
        measure_plane (coder, slice, &lane->areas, c);
    }
    get_planes (coder, lanes, count, c);
  }
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

/* Everything in front of the planes; 1 when these follow. */
static int
begin_layer (const walloc_slice_coder * coder, walloc_slice * slice,
    unsigned layer, const uint8_t * data, size_t size,
    walloc_rans_reader * reader, walloc_result * result)
{
  unsigned first = walloc_slice_layer_first (coder, layer);

  *result = WALLOC_OK;
  if (slice->skip != NULL && slice->previous == NULL &&
      coder->model->set[coder->set].before) {
    *result = WALLOC_ERR_ARGUMENT;
    return 0;
  }
  if (size == 0) {
    if (slice->skip != NULL && layer == 0)
      skip_all (slice);
    clear_channels (coder, slice, first, coder->end[layer]);
    if (slice->skip != NULL)
      measure_channels (coder, slice, first, coder->end[layer]);
    return 0;
  }
  /* the checksum is what may be read behind the reader's end */
  if (size < WALLOC_SLICE_LEAST ||
      walloc_crc16 (data, size - WALLOC_SLICE_CHECK) !=
      walloc_get_u16 (data + size - WALLOC_SLICE_CHECK) ||
      !walloc_rans_reader_init (reader, data, size - WALLOC_SLICE_CHECK)) {
    walloc_slice_lose (coder, slice, layer);
    *result = WALLOC_ERR_CORRUPT;
    return 0;
  }
  if (slice->skip != NULL && layer == 0)
    walloc_skip_get (reader, slice);
  return 1;
}

/* Whether a layer ended as it must, as far as it was read. */
static int
ended_well (const walloc_slice_coder * coder, const slice_lane * lane,
    unsigned layer)
{
  if (!lane->good)
    return 0;
  if (coder->open && layer + 1 == coder->layers)
    return !lane->state.reader.over;
  return walloc_rans_good (&lane->state.reader);
}

void
walloc_slice_decode_several (const walloc_slice_coder * coder,
    walloc_slice * const *slices, unsigned count, unsigned layer,
    const uint8_t * const *data, const size_t *sizes, walloc_result * results)
{
  slice_lane lanes[WALLOC_ROWS_LANES], *lane = lanes;
  unsigned of[WALLOC_ROWS_LANES], i;

  for (i = 0; i < count; i++) {
    if (!begin_layer (coder, slices[i], layer, data[i], sizes[i],
            &lane->state.reader, &results[i]))
      continue;
    lane->slice = slices[i];
    lane->good = 1;
    of[lane - lanes] = i;
    lane++;
  }
  count = (unsigned) (lane - lanes);
  if (count > 0)
    get_layer (coder, lanes, count, layer);
  for (lane = lanes; lane < lanes + count; lane++) {
    if (ended_well (coder, lane, layer))
      continue;
    results[of[lane - lanes]] = WALLOC_ERR_CORRUPT;
    clear_channels (coder, lane->slice, walloc_slice_layer_first (coder,
            layer), coder->channels);
    if (lane->slice->skip != NULL && layer == 0)
      skip_all (lane->slice);
  }
}

walloc_result
walloc_slice_decode (const walloc_slice_coder * coder, walloc_slice * slice,
    unsigned layer, const uint8_t * data, size_t size)
{
  walloc_result result;

  walloc_slice_decode_several (coder, &slice, 1, layer, &data, &size, &result);
  return result;
}
