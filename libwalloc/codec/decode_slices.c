/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The decoder's latents: memory for them, and slices into them, several in
 * one thread at once. */
#include "codec/decoder-private.h"

#include <string.h>

#include "bottleneck/quantiser.h"
#include "codec/frame-private.h"

void
walloc_decoder_unprepare_latents (walloc_decoder * d)
{
  unsigned i;

  for (i = 0; i < d->workers.count; i++) {
    walloc_mem_release (&d->mem, &d->worker[i].latents);
    walloc_mem_release (&d->mem, &d->worker[i].previous);
    walloc_mem_release (&d->mem, &d->worker[i].entropy);
  }
  walloc_mem_release (&d->mem, &d->latents);
  walloc_mem_release (&d->mem, &d->activity);
  walloc_mem_release (&d->mem, &d->intact);
  walloc_mem_release (&d->mem, &d->wanted);
  walloc_mem_release (&d->mem, &d->segments);
  walloc_mem_release (&d->mem, &d->queue);
  walloc_decoder_unprepare_state (d);
  walloc_decoder_unprepare_before (d);
  d->layout.width = 0;
}

/* Whether any context reaches into the frame before. */
static int
looks_back (const walloc_model * model)
{
  unsigned i;

  for (i = 0; i < model->info.sets; i++)
    if (model->set[i].before)
      return 1;
  return 0;
}

/* Planes, by channel, and what else depends on their number. */
static void
prepare_channels (walloc_decoder * d, unsigned channels, int *short_of)
{
  const walloc_layout *l = &d->layout;
  size_t grid = (size_t) l->grid_width * l->grid_height;
  walloc_decode_worker *w;
  unsigned i;

  d->capacity = channels;
  d->room = l->slices < WALLOC_ROWS_LANES ? l->slices : WALLOC_ROWS_LANES;
  d->elements = walloc_slice_elements (l->grid_width, l->buffer_rows, channels);
  d->scratch = (walloc_slice_scratch (d->model, l->grid_width, l->buffer_rows,
          channels, WALLOC_SLICE_DECODE) + 63) / 64 * 64;
  d->latents = walloc_mem_take (&d->mem, grid * channels, sizeof *d->latents,
      short_of);
  d->activity = walloc_mem_take (&d->mem, (size_t) l->grid_height * channels,
      sizeof *d->activity, short_of);
  for (i = 0; i < d->workers.count && i < l->slices; i++) {
    w = &d->worker[i];
    walloc_mem_release (&d->mem, &w->latents);
    walloc_mem_release (&d->mem, &w->previous);
    walloc_mem_release (&d->mem, &w->entropy);
    w->entropy = walloc_mem_take (&d->mem, d->room, d->scratch, short_of);
    w->latents = walloc_mem_take (&d->mem, d->room * d->elements,
        sizeof *w->latents, short_of);
    if (looks_back (d->model))
      w->previous = walloc_mem_take (&d->mem, d->room * d->elements,
          sizeof *w->previous, short_of);
  }
}

/* More channels than before in a predicted frame: the latents stay. */
static void
add_channels (walloc_decoder * d, int *short_of)
{
  int16_t *latents = d->latents;
  walloc_activity *activity = d->activity;
  unsigned had = d->capacity, y;
  size_t grid = (size_t) d->layout.grid_width * d->layout.grid_height;

  prepare_channels (d, d->kept, short_of);
  if (!*short_of) {
    memcpy (d->latents, latents, grid * had * sizeof *latents);
    for (y = 0; y < d->layout.grid_height; y++)
      memcpy (d->activity + (size_t) y * d->capacity, activity +
          (size_t) y * had, had * sizeof *activity);
  }
  walloc_mem_release (&d->mem, &latents);
  walloc_mem_release (&d->mem, &activity);
}

/* Channels that frames before did not have. */
static void
clear_channels (walloc_decoder * d, unsigned first, unsigned end)
{
  size_t grid = (size_t) d->layout.grid_width * d->layout.grid_height;
  unsigned y;

  memset (d->latents + first * grid, 0, (end - first) * grid *
      sizeof *d->latents);
  for (y = 0; y < d->layout.grid_height; y++)
    memset (d->activity + (size_t) y * d->capacity + first, 0,
        (end - first) * sizeof *d->activity);
}

/* How much of the frame at hand is decoded. Predicted frames build on latents
 * of as many channels as the key frame before them gave. */
static void
limit_channels (walloc_decoder * d)
{
  const walloc_frame_info *info = &d->info;

  if (info->type == WALLOC_FRAME_KEY)
    d->most = d->asked;
  d->kept = info->channels;
  if (d->most != 0 && d->most < d->kept)
    d->kept = d->most;
  for (d->layers = 1; info->layer_end[d->layers - 1] < d->kept;)
    d->layers++;
}

walloc_result
walloc_decoder_prepare_latents (walloc_decoder * d, walloc_error * error)
{
  const walloc_frame_info *info = &d->info;
  walloc_layout *l = &d->layout;
  int short_of = 0, key = info->type == WALLOC_FRAME_KEY;
  unsigned round = (1u << info->scale) - 1;
  unsigned width = (info->width + round) >> info->scale;
  unsigned height = (info->height + round) >> info->scale;

  limit_channels (d);
  walloc_decoder_find_before (d);
  if (l->width == width && l->height == height &&
      l->slice_rows == info->slice_rows && (!key || d->capacity >= d->kept)) {
    if (d->capacity < d->kept)
      add_channels (d, &short_of);
    if (!key && !short_of && d->channels < d->kept)
      clear_channels (d, d->channels, d->kept);
    if (key || d->channels < d->kept)
      d->channels = d->kept;
    l->format = info->format;
    walloc_pixel_init (&l->pixel, info->format);
  } else {
    walloc_decoder_unprepare_latents (d);
    walloc_layout_init (l, info->format, width, height, info->slice_rows);
    d->channels = d->kept;
    prepare_channels (d, d->kept, &short_of);
    d->intact = walloc_mem_take (&d->mem, l->slices, 1, &short_of);
    d->wanted = walloc_mem_take (&d->mem, l->slices, 1, &short_of);
    d->segments = walloc_mem_take (&d->mem, (size_t) l->slices *
        WALLOC_SLICE_LAYERS + 1, sizeof *d->segments, &short_of);
    d->queue = walloc_mem_take (&d->mem, l->slices, sizeof *d->queue,
        &short_of);
    walloc_decoder_prepare_state (d, &short_of);
  }
  if (!short_of) {
    walloc_decoder_prepare_before (d);
    return WALLOC_OK;
  }
  walloc_decoder_unprepare_latents (d);
  return walloc_fail (error, WALLOC_ERR_MEMORY,
      "latents of a picture of %ux%u need more memory than the limit of %zu "
      "bytes", info->width, info->height, d->mem.a.limit);
}

/* Everything that can be told from the header. */
static void
choose (walloc_decoder * d)
{
  const walloc_model_set *set = &d->model->set[d->info.set];
  unsigned c;

  walloc_layout_present (d->model, d->layout.pixel.sampling, d->channels,
      d->present);
  walloc_slice_coder_init (&d->coder, d->model, d->info.set,
      d->kept, d->present);
  walloc_slice_coder_layers (&d->coder, d->layers, d->info.layer_end);
  d->coder.open = d->kept < d->info.layer_end[d->layers - 1];
  for (c = 0; c < d->channels; c++)
    d->step[c] = d->model->info.kind == WALLOC_MODEL_REFERENCE ? 1.0f :
        (float) ((double) walloc_step_24 (d->info.step_index,
            set->weight[c]) / (1 << 24));
}

/* Rows of a slice that is shorter than the buffer's planes, as in the
 * encoder. */
static void
clear_below (const walloc_decoder * d, const walloc_slice * slice,
    int16_t * planes)
{
  unsigned rows = d->layout.buffer_rows - slice->rows, c;

  rows = rows > 2 ? 2 : rows;
  for (c = 0; rows > 0 && c < d->kept; c++)
    memset (planes + c * slice->plane_stride - WALLOC_SLICE_LEFT +
        slice->rows * slice->stride, 0,
        rows * slice->stride * sizeof *slice->planes);
}

/* Where the segments are. */
static void
find_segments (walloc_decoder * d)
{
  walloc_frame_walker walker;
  uint32_t at = 0, size;
  unsigned i = 0;

  walloc_frame_walk (&d->info, &walker);
  d->segments[0] = 0;
  /* the header parsed, so that all of them are found */
  while (walloc_frame_step (d->data, &d->info, &walker, &size)) {
    at += size;
    d->segments[++i] = at;
  }
}

/* Bytes of a segment of slice index; NULL when the frame is cut before its
 * end. */
static const uint8_t *
get_segment (const walloc_decoder * d, unsigned index, unsigned layer,
    size_t *size)
{
  const uint32_t *at = d->segments + index * d->info.layers + layer;
  size_t offset = d->info.header_size + (size_t) at[0];

  *size = at[1] - at[0];
  return offset > d->size || *size > d->size - offset ? NULL : d->data + offset;
}

/* Layers of slices from 0 on until one is damaged or missing; intact[] gets
 * their number. */
static void
decode_layers (walloc_decoder * d, walloc_slice * slices,
    const unsigned *indices, unsigned count)
{
  walloc_slice *slice[WALLOC_ROWS_LANES];
  walloc_result result[WALLOC_ROWS_LANES];
  const uint8_t *data[WALLOC_ROWS_LANES];
  size_t size[WALLOC_ROWS_LANES];
  unsigned of[WALLOC_ROWS_LANES], layer, i, n;

  for (i = 0; i < count; i++)
    d->intact[indices[i]] = 0;
  for (layer = 0; layer < d->layers; layer++) {
    for (i = n = 0; i < count; i++) {
      if (d->intact[indices[i]] < layer)
        continue;
      data[n] = get_segment (d, indices[i], layer, &size[n]);
      slice[n] = &slices[i];
      of[n] = indices[i];
      if (data[n] != NULL)
        n++;
      else
        walloc_slice_lose (&d->coder, slice[n], layer);
    }
    walloc_slice_decode_several (&d->coder, slice, n, layer, data, size,
        result);
    for (i = 0; i < n; i++)
      d->intact[of[i]] += result[i] == WALLOC_OK;
  }
}

/* Planes of a slice of a key frame into the latents. */
static void
store_key (walloc_decoder * d, unsigned index, walloc_slice * slice)
{
  unsigned first = walloc_layout_row (&d->layout, index), c, y;
  size_t grid = (size_t) slice->width * d->layout.grid_height;
  const walloc_activity none = { 0, 0 };
  const int16_t *from;
  int16_t *to;

  if (d->before.have && d->intact[index] == 0) {
    /* what was there stays, until what is around it is known */
    walloc_decoder_key_slice (d, index);
    return;
  }
  if (d->before.have)
    walloc_decoder_replace_slice (d, index, slice);
  for (c = 0; c < d->channels; c++) {
    to = d->latents + c * grid + (size_t) first *slice->width;
    if (!slice->live[c]) {
      memset (to, 0, (size_t) slice->rows * slice->width * sizeof *to);
      for (y = 0; y < slice->rows; y++)
        d->activity[(size_t) (first + y) * d->capacity + c] = none;
      continue;
    }
    from = slice->planes + c * slice->plane_stride;
    for (y = 0; y < slice->rows; y++)
      d->activity[(size_t) (first + y) * d->capacity + c] =
          walloc_sparse_copy (from + y * slice->stride,
          to + (size_t) y * slice->width, slice->width);
  }
  walloc_decoder_key_slice (d, index);
}

/* What a predicted slice builds on. */
static void
load_before (walloc_decoder * d, int16_t * previous, unsigned index,
    walloc_slice * slice)
{
  size_t at = (size_t) walloc_layout_row (&d->layout, index) * slice->width;

  slice->skip = d->state.skip + at;
  slice->skip_before = d->state.skip_before + at;
  slice->skip_stride = slice->width;
  walloc_decoder_load_slice (d, index, slice, slice->planes);
  if (!d->model->set[d->info.set].before)
    return;
  previous += walloc_slice_origin (slice->width);
  slice->previous = previous;
  clear_below (d, slice, previous);
  walloc_decoder_load_slice (d, index, slice, previous);
}

/* Whether all positions of a slice of a predicted frame are skipped. */
static int
empty_slice (const walloc_decoder * d, unsigned index)
{
  const uint32_t *at = d->segments + index * d->info.layers;

  return at[0] == at[1];
}

/* A slice's planes in a worker's buffers number lane; 0 when there is nothing
 * to decode. */
static int
begin_slice (walloc_decoder * d, walloc_decode_worker * w, unsigned lane,
    unsigned index, walloc_slice * slice)
{
  const walloc_layout *l = &d->layout;
  unsigned first = walloc_layout_row (l, index);

  memset (slice, 0, sizeof *slice);
  slice->width = l->grid_width;
  slice->rows = walloc_layout_row (l, index + 1) - first;
  slice->stride = walloc_slice_stride (slice->width);
  slice->plane_stride = walloc_slice_plane_stride (slice->width,
      l->buffer_rows);
  slice->planes = w->latents + lane * d->elements +
      walloc_slice_origin (slice->width);
  slice->scratch = w->entropy + lane * d->scratch;
  clear_below (d, slice, slice->planes);
  if (d->info.type != WALLOC_FRAME_PREDICTED)
    return 1;
  if (empty_slice (d, index)) {
    d->intact[index] = (uint8_t) d->layers;
    memset (d->state.skip + (size_t) first * slice->width, 1, slice->rows *
        (size_t) slice->width);
    return 0;
  }
  load_before (d, w->previous == NULL ? NULL : w->previous +
      lane * d->elements, index, slice);
  return 1;
}

/* The slices of queue[] that are decoded at once. */
static void
decode_group (void *data, unsigned group)
{
  walloc_decoder *d = data;
  walloc_slice slice[WALLOC_ROWS_LANES];
  unsigned index[WALLOC_ROWS_LANES], n = 0, i;
  unsigned slot = walloc_workers_take (&d->workers);
  walloc_decode_worker *w = &d->worker[slot];
  uint64_t start = walloc_now ();

  for (i = group * d->lanes; i < d->queued && i < (group + 1) * d->lanes; i++) {
    index[n] = d->queue[i];
    n += (unsigned) begin_slice (d, w, n, index[n], &slice[n]);
  }
  if (n > 0)
    decode_layers (d, slice, index, n);
  for (i = 0; i < n; i++) {
    if (d->info.type == WALLOC_FRAME_PREDICTED)
      walloc_decoder_store_slice (d, index[i], &slice[i]);
    else
      store_key (d, index[i], &slice[i]);
  }
  w->ns_entropy += walloc_now () - start;
  walloc_workers_give (&d->workers, slot);
}

/* All slices that are wanted. */
static void
decode_wanted (walloc_decoder * d)
{
  unsigned n = 0, i, threads = d->workers.count, alone, paired;

  for (i = 0; i < d->layout.slices; i++) {
    if (d->wanted[i] != 1)
      continue;
    d->wanted[i] = WALLOC_SLICE_DONE;
    d->queue[n++] = (uint16_t) i;
  }
  /* two at once take 1.6 times as long as one, but threads must not wait */
  alone = (n + threads - 1) / threads;
  paired = ((n + 1) / 2 + threads - 1) / threads;
  d->queued = n;
  d->lanes = d->room > 1 && (threads == 1 || 8 * paired < 5 * alone) ? 2 : 1;
  walloc_parallel (&d->runner, decode_group, d, (n + d->lanes - 1) / d->lanes);
}

/* Concealment goes by the nearest slices that are not lost: wants those next
 * to lost ones. 0: they are there. */
static int
want_neighbours (walloc_decoder * d)
{
  unsigned n = d->layout.slices, i;
  int more = 0;

  for (i = 0; i < n; i++) {
    if (d->wanted[i] != WALLOC_SLICE_DONE || d->intact[i] > 0)
      continue;
    if (i > 0 && d->wanted[i - 1] == 0)
      d->wanted[i - 1] = more = 1;
    if (i + 1 < n && d->wanted[i + 1] == 0)
      d->wanted[i + 1] = more = 1;
  }
  return more;
}

void
walloc_decoder_decode_latents (walloc_decoder * d, unsigned first, unsigned end,
    unsigned *damaged)
{
  const walloc_layout *l = &d->layout;
  int key = d->info.type == WALLOC_FRAME_KEY, all;
  unsigned i;

  if (!d->state.same) {
    choose (d);
    find_segments (d);
    walloc_decoder_state_begin (d);
    all = walloc_decoder_keeps (d);
    for (i = 0; i < l->slices; i++)
      d->wanted[i] = all || (walloc_layout_row (l, i) < end &&
          walloc_layout_row (l, i + 1) > first);
    do {
      if (d->info.type != WALLOC_FRAME_REPEAT)
        decode_wanted (d);
    } while (key && want_neighbours (d));
    if (key)
      walloc_decoder_conceal (d);
    for (i = 0; i < l->slices; i++)
      all |= 2 * (d->wanted[i] == 0);
    walloc_decoder_state_end (d, all < 2);
  } else if (walloc_decoder_state_repair (d)) {
    choose (d);
    find_segments (d);
    decode_wanted (d);
  }
  *damaged = 0;
  for (i = 0; i < l->slices; i++)
    *damaged += walloc_layout_row (l, i) < end &&
        walloc_layout_row (l, i + 1) > first &&
        walloc_decoder_slice_stale (d, i);
  d->stats.damaged_slices += *damaged;
}
