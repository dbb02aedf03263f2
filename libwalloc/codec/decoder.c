/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "codec/decoder-private.h"

#include <string.h>

#include "bottleneck/quantiser.h"
#include "common/bytes.h"
#include "common/crc16.h"

#define DEFAULT_MAX_PIXELS ((uint64_t) 1 << 28)

walloc_result
walloc_decoder_new (walloc_model * model, const walloc_allocator * allocator,
    const walloc_runner * runner, const walloc_decoder_limits * limits,
    walloc_decoder ** decoder, walloc_error * error)
{
  walloc_mem mem;
  walloc_decoder *d;

  if (decoder == NULL)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT, "no place for the decoder");
  *decoder = NULL;
  if (model == NULL)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT, "no model given");
  if (model->info.levels != 3)
    return walloc_fail (error, WALLOC_ERR_UNSUPPORTED,
        "model '%s' has %u levels; pictures need 3", model->info.name,
        model->info.levels);
  walloc_mem_init (&mem, allocator);
  d = walloc_mem_alloc (&mem, 1, sizeof *d);
  if (d == NULL)
    return walloc_fail (error, WALLOC_ERR_MEMORY,
        "no memory for a decoder (%zu bytes)", sizeof *d);
  d->mem = mem;
  d->allocator = mem.a;
  d->model = walloc_model_ref (model);
  if (runner != NULL)
    d->runner = *runner;
  if (limits != NULL)
    d->limits = *limits;
  if (d->limits.max_pixels == 0)
    d->limits.max_pixels = DEFAULT_MAX_PIXELS;
  /* reference mode is to be the published codec, not faster */
  d->precision = model->info.kind == WALLOC_MODEL_REFERENCE ?
      WALLOC_NET_F32 : WALLOC_NET_FASTEST;
  walloc_workers_init (&d->workers, runner);
  if (model->info.kind == WALLOC_MODEL_REFERENCE)
    walloc_companding_init (&d->companding, model->latent_bits);
  *decoder = d;
  return WALLOC_OK;
}

static void
unprepare_latents (walloc_decoder * d)
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
  walloc_decoder_unprepare_state (d);
  d->layout.width = 0;
}

void
walloc_decoder_free (walloc_decoder * decoder)
{
  walloc_mem mem;

  if (decoder == NULL)
    return;
  walloc_decoder_free_nets (decoder);
  walloc_decoder_unprepare_picture (decoder);
  unprepare_latents (decoder);
  walloc_model_unref (decoder->model);
  mem = decoder->mem;
  walloc_mem_free (&mem, decoder);
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
  size_t grid = (size_t) l->grid_width * l->grid_height, elements;
  walloc_decode_worker *w;
  unsigned i;

  d->capacity = channels;
  elements = walloc_slice_elements (l->grid_width, l->buffer_rows, channels);
  d->latents = walloc_mem_take (&d->mem, grid * channels, sizeof *d->latents,
      short_of);
  d->activity = walloc_mem_take (&d->mem, (size_t) l->grid_height * channels,
      sizeof *d->activity, short_of);
  for (i = 0; i < d->workers.count && i < l->slices; i++) {
    w = &d->worker[i];
    walloc_mem_release (&d->mem, &w->latents);
    walloc_mem_release (&d->mem, &w->previous);
    walloc_mem_release (&d->mem, &w->entropy);
    w->entropy = walloc_mem_take (&d->mem, 1, walloc_slice_scratch (d->model,
            l->grid_width, l->buffer_rows, channels, 0), short_of);
    w->latents = walloc_mem_take (&d->mem, elements, sizeof *w->latents,
        short_of);
    if (looks_back (d->model))
      w->previous = walloc_mem_take (&d->mem, elements, sizeof *w->previous,
          short_of);
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

  prepare_channels (d, d->info.channels, short_of);
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

static walloc_result
prepare_latents (walloc_decoder * d, walloc_error * error)
{
  const walloc_frame_info *info = &d->info;
  walloc_layout *l = &d->layout;
  int short_of = 0, key = info->type == WALLOC_FRAME_KEY;
  unsigned round = (1u << info->scale) - 1;
  unsigned width = (info->width + round) >> info->scale;
  unsigned height = (info->height + round) >> info->scale;
  if (l->width == width && l->height == height &&
      l->slice_rows == info->slice_rows && (!key ||
          d->capacity >= info->channels)) {
    if (d->capacity < info->channels)
      add_channels (d, &short_of);
    if (!key && !short_of && d->channels < info->channels)
      clear_channels (d, d->channels, info->channels);
    if (key || d->channels < info->channels)
      d->channels = info->channels;
    l->format = info->format;
    walloc_pixel_init (&l->pixel, info->format);
  } else {
    unprepare_latents (d);
    walloc_layout_init (l, info->format, width, height, info->slice_rows);
    d->channels = info->channels;
    prepare_channels (d, info->channels, &short_of);
    d->intact = walloc_mem_take (&d->mem, l->slices, 1, &short_of);
    d->wanted = walloc_mem_take (&d->mem, l->slices, 1, &short_of);
    walloc_decoder_prepare_state (d, &short_of);
  }
  if (!short_of)
    return WALLOC_OK;
  unprepare_latents (d);
  return walloc_fail (error, WALLOC_ERR_MEMORY,
      "latents of a picture of %ux%u need more memory than the limit of %zu "
      "bytes", info->width, info->height, d->mem.a.limit);
}

/* Everything that can be told from the header. */
static walloc_result
check_frame (walloc_decoder * d, walloc_error * error)
{
  const walloc_frame_info *info = &d->info;
  const walloc_model_info *model = &d->model->info;

  if (info->media != WALLOC_MEDIA_VIDEO)
    return walloc_fail (error, WALLOC_ERR_UNSUPPORTED,
        "frames of media %d are not decoded by this version",
        (int) info->media);
  if (info->model_id != model->id)
    return walloc_fail (error, WALLOC_ERR_MODEL_MISMATCH,
        "the frame needs model %016llx, this is '%s' with %016llx",
        (unsigned long long) info->model_id, model->name,
        (unsigned long long) model->id);
  if (info->set >= model->sets || info->channels > model->channels ||
      info->channels == 0 || (model->formats >> info->format & 1) == 0)
    return walloc_fail (error, WALLOC_ERR_CORRUPT,
        "the frame's set %u, %u channels and format %s are not possible with "
        "model '%s'", info->set, info->channels,
        walloc_format_name (info->format), model->name);
  if (info->scale > 0 && model->kind == WALLOC_MODEL_REFERENCE)
    return walloc_fail (error, WALLOC_ERR_CORRUPT,
        "the frame's scale %u is not possible with model '%s'", info->scale,
        model->name);
  if ((uint64_t) info->width * info->height > d->limits.max_pixels)
    return walloc_fail (error, WALLOC_ERR_LIMIT,
        "a frame of %ux%u has more pixels than the limit of %llu",
        info->width, info->height, (unsigned long long)
        d->limits.max_pixels);
  return WALLOC_OK;
}

static void
choose (walloc_decoder * d)
{
  const walloc_model_set *set = &d->model->set[d->info.set];
  unsigned c;

  walloc_layout_present (d->model, d->layout.pixel.sampling, d->channels,
      d->present);
  walloc_slice_coder_init (&d->coder, d->model, d->info.set,
      d->info.channels, d->present);
  walloc_slice_coder_layers (&d->coder, d->info.layers, d->info.layer_end);
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
  for (c = 0; rows > 0 && c < d->info.channels; c++)
    memset (planes + c * slice->plane_stride - WALLOC_SLICE_LEFT +
        slice->rows * slice->stride, 0,
        rows * slice->stride * sizeof *slice->planes);
}

/* Layers from 0 on until one is damaged or missing; their number. */
static unsigned
decode_layers (walloc_decoder * d, walloc_slice * slice, unsigned index)
{
  size_t offset, size;
  unsigned layer;

  for (layer = 0; layer < d->info.layers; layer++) {
    if (walloc_frame_segment (d->data, &d->info, index, layer, &offset,
            &size) != WALLOC_OK || offset > d->size ||
        size > d->size - offset) {
      walloc_slice_lose (&d->coder, slice, layer);
      break;
    }
    if (walloc_slice_decode (&d->coder, slice, layer, d->data + offset,
            size) != WALLOC_OK)
      break;
  }
  return layer;
}

/* Planes of a slice of a key frame into the latents. */
static void
store_key (walloc_decoder * d, unsigned index, const walloc_slice * slice)
{
  unsigned first = walloc_layout_row (&d->layout, index), c, y;
  size_t grid = (size_t) slice->width * d->layout.grid_height;
  const walloc_activity none = { 0, 0 };
  const int16_t *from;
  int16_t *to;

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
load_before (walloc_decoder * d, walloc_decode_worker * w, unsigned index,
    walloc_slice * slice)
{
  size_t at = (size_t) walloc_layout_row (&d->layout, index) * slice->width;

  slice->skip = d->state.skip + at;
  slice->skip_before = d->state.skip_before + at;
  slice->skip_stride = slice->width;
  walloc_decoder_load_slice (d, index, slice, slice->planes);
  if (!d->model->set[d->info.set].before)
    return;
  slice->previous = w->previous + walloc_slice_origin (slice->width);
  clear_below (d, slice, w->previous + walloc_slice_origin (slice->width));
  walloc_decoder_load_slice (d, index, slice, w->previous +
      walloc_slice_origin (slice->width));
}

/* Whether all positions of a slice of a predicted frame are skipped. */
static int
empty_slice (const walloc_decoder * d, unsigned index)
{
  size_t offset, size;

  return walloc_frame_segment (d->data, &d->info, index, 0, &offset,
      &size) == WALLOC_OK && size == 0;
}

static void
decode_slice (void *data, unsigned index)
{
  walloc_decoder *d = data;
  const walloc_layout *l = &d->layout;
  unsigned slot;
  walloc_decode_worker *w;
  unsigned first = walloc_layout_row (l, index);
  uint64_t start = walloc_now ();
  walloc_slice slice;

  if (d->wanted[index] != 1)
    return;
  d->wanted[index] = WALLOC_SLICE_DONE;
  slot = walloc_workers_take (&d->workers);
  w = &d->worker[slot];
  memset (&slice, 0, sizeof slice);
  slice.width = l->grid_width;
  slice.rows = walloc_layout_row (l, index + 1) - first;
  slice.stride = walloc_slice_stride (slice.width);
  slice.plane_stride = walloc_slice_plane_stride (slice.width, l->buffer_rows);
  slice.planes = w->latents + walloc_slice_origin (slice.width);
  slice.scratch = w->entropy;
  clear_below (d, &slice, slice.planes);
  if (d->info.type == WALLOC_FRAME_PREDICTED && empty_slice (d, index)) {
    d->intact[index] = (uint8_t) d->info.layers;
    memset (d->state.skip + (size_t) first * slice.width, 1, slice.rows *
        (size_t) slice.width);
  } else if (d->info.type == WALLOC_FRAME_PREDICTED) {
    load_before (d, w, index, &slice);
    d->intact[index] = (uint8_t) decode_layers (d, &slice, index);
    walloc_decoder_store_slice (d, index, &slice);
  } else {
    d->intact[index] = (uint8_t) decode_layers (d, &slice, index);
    store_key (d, index, &slice);
  }
  w->ns_entropy += walloc_now () - start;
  walloc_workers_give (&d->workers, slot);
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

/* Header to concealed latents of grid rows [first, end). *damaged gets the
 * number of slices there of which a layer or more are damaged. */
static void
decode_latents (walloc_decoder * d, unsigned first, unsigned end,
    unsigned *damaged)
{
  const walloc_layout *l = &d->layout;
  int key = d->info.type == WALLOC_FRAME_KEY, all;
  unsigned i;

  if (!d->state.same) {
    choose (d);
    walloc_decoder_state_begin (d);
    all = walloc_decoder_keeps (d);
    for (i = 0; i < l->slices; i++)
      d->wanted[i] = all || (walloc_layout_row (l, i) < end &&
          walloc_layout_row (l, i + 1) > first);
    do {
      if (d->info.type != WALLOC_FRAME_REPEAT)
        walloc_parallel (&d->runner, decode_slice, d, l->slices);
    } while (key && want_neighbours (d));
    if (key)
      walloc_decoder_conceal (d);
    for (i = 0; i < l->slices; i++)
      all |= 2 * (d->wanted[i] == 0);
    walloc_decoder_state_end (d, all < 2);
  } else if (walloc_decoder_state_repair (d)) {
    choose (d);
    walloc_parallel (&d->runner, decode_slice, d, l->slices);
  }
  *damaged = 0;
  for (i = 0; i < l->slices; i++)
    *damaged += walloc_layout_row (l, i) < end &&
        walloc_layout_row (l, i + 1) > first &&
        walloc_decoder_slice_stale (d, i);
  d->stats.damaged_slices += *damaged;
}

/* The part of both entry points in front of the latents. */
static walloc_result
begin (walloc_decoder * d, const uint8_t * data, size_t size,
    unsigned *damaged, int *truncated, walloc_error * error)
{
  walloc_result result;
  uint64_t whole;

  if (damaged != NULL)
    *damaged = 0;
  if (d == NULL || data == NULL)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT,
        "no decoder or no frame given");
  result = walloc_frame_parse (data, size, &d->info, error);
  if (result == WALLOC_OK)
    result = check_frame (d, error);
  if (result == WALLOC_OK)
    result = walloc_decoder_accept (d, data, error);
  if (result != WALLOC_OK)
    return result;
  whole = (uint64_t) d->info.header_size + d->info.payload_size;
  *truncated = size < whole;
  if (*truncated && damaged == NULL)
    return walloc_fail (error, WALLOC_ERR_TRUNCATED,
        "only %zu of the frame's %llu bytes are there", size,
        (unsigned long long) whole);
  d->data = data;
  d->size = *truncated ? size : (size_t) whole;
  return WALLOC_OK;
}

walloc_result
walloc_decoder_check (walloc_decoder * decoder, const uint8_t * data,
    size_t size, walloc_error * error)
{
  walloc_decoder *d = decoder;
  walloc_result result;
  unsigned ignored, i;
  size_t offset, bytes;
  int truncated;

  result = begin (d, data, size, &ignored, &truncated, error);
  if (result != WALLOC_OK)
    return result;
  /* there is memory for what builds on a frame that was decoded */
  if (d->info.type != WALLOC_FRAME_KEY)
    return WALLOC_OK;
  for (i = 0; i < d->info.slices; i++) {
    if (walloc_frame_segment (data, &d->info, i, 0, &offset, &bytes) !=
        WALLOC_OK || offset > d->size || bytes > d->size - offset)
      break;
    if (bytes == 0)             /* nothing but zeros */
      return WALLOC_OK;
    if (bytes < WALLOC_SLICE_LEAST)
      continue;
    bytes -= WALLOC_SLICE_CHECK;
    if (walloc_crc16 (data + offset, bytes) ==
        walloc_get_u16 (data + offset + bytes))
      return WALLOC_OK;
  }
  if (truncated)
    return walloc_fail (error, WALLOC_ERR_TRUNCATED,
        "none of the %u slices of a picture of %ux%u is whole in the %zu "
        "bytes that are there of %llu", d->info.slices, d->info.width,
        d->info.height, size, (unsigned long long) d->info.header_size +
        d->info.payload_size);
  return walloc_fail (error, WALLOC_ERR_CORRUPT,
      "all %u slices of a picture of %ux%u are damaged", d->info.slices,
      d->info.width, d->info.height);
}

static walloc_result
finish (walloc_decoder * d, uint64_t pixels, unsigned *out, unsigned damaged,
    int truncated, walloc_error * error)
{
  unsigned i;

  for (i = 0; i < d->workers.count; i++) {
    d->stats.ns_entropy += d->worker[i].ns_entropy;
    d->stats.ns_network += d->worker[i].ns_network;
    d->stats.ns_synthesis += d->worker[i].ns_synthesis;
    d->worker[i].ns_entropy = d->worker[i].ns_network =
        d->worker[i].ns_synthesis = 0;
  }
  d->stats.frames++;
  d->stats.bytes += d->size;
  d->stats.pixels += pixels;
  if (out != NULL)
    *out = damaged;
  /* what was asked for may lie in front of the cut */
  if (truncated && damaged > 0)
    return walloc_fail (error, WALLOC_ERR_TRUNCATED,
        "only %zu of the frame's %llu bytes are there; %u slices are damaged "
        "and concealed, the others were decoded", d->size,
        (unsigned long long) d->info.header_size + d->info.payload_size,
        damaged);
  return WALLOC_OK;
}

/* Can a frame of format from be shown as format to? */
static int
compatible (walloc_format from, walloc_format to)
{
  walloc_pixel a, b;

  walloc_pixel_init (&a, from);
  walloc_pixel_init (&b, to);
  return b.sampling == WALLOC_SAMPLING_GRAY || a.sampling == b.sampling;
}

/* The rectangle that params ask for, in pixels of the reduced picture. */
static walloc_result
find_region (const walloc_decoder * d, const walloc_decode_params * params,
    walloc_rect * region, walloc_error * error)
{
  unsigned width, height;
  walloc_pixel pixel;

  if (params->reduce > WALLOC_DECODE_MAX_REDUCE)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT,
        "pictures are reduced by 2^0 to 2^%d, not by 2^%u",
        WALLOC_DECODE_MAX_REDUCE, params->reduce);
  width = walloc_decoder_reduced_size (d->info.width, params->reduce);
  height = walloc_decoder_reduced_size (d->info.height, params->reduce);
  region->x0 = params->x;
  region->y0 = params->y;
  region->x1 = width;
  region->y1 = height;
  if (params->width > 0 || params->height > 0) {
    if (params->width == 0 || params->height == 0 || params->x >= width ||
        params->y >= height || params->width > width - params->x ||
        params->height > height - params->y)
      return walloc_fail (error, WALLOC_ERR_ARGUMENT,
          "there is no region of %ux%u pixels at %u,%u in a picture of %ux%u",
          params->width, params->height, params->x, params->y, width, height);
    region->x1 = params->x + params->width;
    region->y1 = params->y + params->height;
  } else if (params->x > 0 || params->y > 0) {
    return walloc_fail (error, WALLOC_ERR_ARGUMENT,
        "a region at %u,%u needs a width and a height", params->x, params->y);
  }
  walloc_pixel_init (&pixel, d->info.format);
  if ((pixel.sampling == WALLOC_SAMPLING_420 && (region->x0 | region->y0) & 1)
      || (pixel.sampling == WALLOC_SAMPLING_422 && region->x0 & 1))
    return walloc_fail (error, WALLOC_ERR_ARGUMENT,
        "a region of a picture of format %s cannot begin at %u,%u, in the "
        "middle of a sample of chroma; take even numbers",
        walloc_format_name (d->info.format), region->x0, region->y0);
  return WALLOC_OK;
}

static walloc_result
check_request (const walloc_decoder * d, const walloc_decode_params * params,
    const walloc_rect * region, const walloc_image * image,
    walloc_error * error)
{
  walloc_decoder_kind kind = params->kind;
  unsigned width = region->x1 - region->x0, height = region->y1 - region->y0;

  if ((unsigned) kind > WALLOC_DECODER_BEST)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT,
        "there is no decoder of kind %d", (int) kind);
  if (kind >= WALLOC_DECODER_FAST && (d->model->info.decoders >> kind & 1) == 0)
    return walloc_fail (error, WALLOC_ERR_NOT_FOUND,
        "model '%s' has no '%s' decoder; use the linear one",
        d->model->info.name, kind == WALLOC_DECODER_FAST ? "fast" : "best");
  if (image->width != width || image->height != height)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT,
        "an image of %ux%u is given for a picture of %ux%u", image->width,
        image->height, width, height);
  if (!compatible (d->info.format, image->format))
    return walloc_fail (error, WALLOC_ERR_UNSUPPORTED,
        "a frame of format %s is not decoded to %s",
        walloc_format_name (d->info.format),
        walloc_format_name (image->format));
  return WALLOC_OK;
}

/* Runs the network that is asked for. auto goes without where it cannot: a
 * library without networks still shows pictures, and one whose limit a network
 * exceeds shows those that are too large for it. */
static walloc_result
run_network (walloc_decoder * d, walloc_decoder_kind kind, walloc_error * error)
{
  int automatic = kind == WALLOC_DECODER_AUTO;
  walloc_result result;

  d->net_result = NULL;
  if (automatic && (d->model->info.decoders >> WALLOC_DECODER_FAST & 1) == 0)
    kind = WALLOC_DECODER_LINEAR;
  else if (automatic)
    kind = WALLOC_DECODER_FAST;
  if (kind == WALLOC_DECODER_LINEAR)
    return WALLOC_OK;
  result = walloc_decoder_run_net (d, kind, error);
  if (automatic && (result == WALLOC_ERR_UNSUPPORTED ||
          result == WALLOC_ERR_LIMIT || result == WALLOC_ERR_MEMORY))
    result = WALLOC_OK;
  return result;
}

walloc_result
walloc_decoder_decode_with (walloc_decoder * decoder, const uint8_t * data,
    size_t size, const walloc_decode_params * params,
    const walloc_image * image, unsigned *damaged, walloc_error * error)
{
  walloc_result result;
  walloc_decoder *d = decoder;
  unsigned lost, first = 0, end;
  walloc_rect region;
  int truncated;

  result = begin (d, data, size, damaged, &truncated, error);
  if (result == WALLOC_OK)
    result = walloc_image_check (image, error);
  if (result == WALLOC_OK && params == NULL)
    result = walloc_fail (error, WALLOC_ERR_ARGUMENT, "no parameters given");
  if (result == WALLOC_OK)
    result = find_region (d, params, &region, error);
  if (result == WALLOC_OK)
    result = check_request (d, params, &region, image, error);
  if (result != WALLOC_OK)
    return result;
  d->image = image;
  result = prepare_latents (d, error);
  if (result == WALLOC_OK) {
    result = walloc_decoder_prepare_picture (d, params->reduce, &region, error);
    /* the latents of the frame before have made room for this one's */
    if (result != WALLOC_OK && d->info.type == WALLOC_FRAME_KEY)
      d->state.have = 0;
  }
  if (result != WALLOC_OK)
    return result;
  end = d->layout.grid_height;
  /* networks look further than synthesis */
  if (params->kind == WALLOC_DECODER_LINEAR)
    walloc_decoder_rows_needed (d, &first, &end);
  decode_latents (d, first, end, &lost);
  result = run_network (d, params->kind, error);
  if (result == WALLOC_OK)
    walloc_decoder_reconstruct (d);
  d->image = NULL;
  if (result != WALLOC_OK)
    return result;
  return finish (d, (uint64_t) image->width * image->height, damaged, lost,
      truncated, error);
}

void
walloc_decode_params_init (walloc_decode_params * params)
{
  if (params != NULL)
    memset (params, 0, sizeof *params);
}

walloc_result
walloc_decoder_decode (walloc_decoder * decoder, const uint8_t * data,
    size_t size, walloc_decoder_kind kind, const walloc_image * image,
    unsigned *damaged, walloc_error * error)
{
  walloc_decode_params params;

  walloc_decode_params_init (&params);
  params.kind = kind;
  return walloc_decoder_decode_with (decoder, data, size, &params, image,
      damaged, error);
}

unsigned
walloc_decoder_reduced_size (unsigned size, unsigned reduce)
{
  if (reduce > WALLOC_DECODE_MAX_REDUCE)
    return 0;
  return size / (1u << reduce) + (size % (1u << reduce) != 0);
}

walloc_result
walloc_decoder_latents (walloc_decoder * decoder, const uint8_t * data,
    size_t size, walloc_latents * latents, unsigned *damaged,
    walloc_error * error)
{
  walloc_result result;
  walloc_decoder *d = decoder;
  unsigned lost;
  int truncated;

  if (latents == NULL)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT, "no place for latents");
  memset (latents, 0, sizeof *latents);
  result = begin (d, data, size, damaged, &truncated, error);
  if (result == WALLOC_OK)
    result = prepare_latents (d, error);
  if (result != WALLOC_OK)
    return result;
  decode_latents (d, 0, d->layout.grid_height, &lost);
  latents->channels = d->channels;
  latents->width = d->layout.grid_width;
  latents->height = d->layout.grid_height;
  latents->group = d->model->group;
  latents->data = d->latents;
  result = walloc_decoder_steps (d, latents, error);
  if (result != WALLOC_OK) {
    memset (latents, 0, sizeof *latents);
    return result;
  }
  return finish (d, (uint64_t) d->info.width * d->info.height, damaged, lost,
      truncated, error);
}

void
walloc_decoder_get_stats (const walloc_decoder * decoder,
    walloc_decoder_stats * stats)
{
  if (stats == NULL)
    return;
  memset (stats, 0, sizeof *stats);
  if (decoder != NULL)
    *stats = decoder->stats;
}
