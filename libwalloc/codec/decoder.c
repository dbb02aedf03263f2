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
    walloc_mem_release (&d->mem, &d->worker[i].entropy);
  }
  walloc_mem_release (&d->mem, &d->latents);
  walloc_mem_release (&d->mem, &d->live);
  walloc_mem_release (&d->mem, &d->intact);
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

static walloc_result
prepare_latents (walloc_decoder * d, walloc_error * error)
{
  const walloc_frame_info *info = &d->info;
  walloc_layout *l = &d->layout;
  unsigned round = (1u << info->scale) - 1, i;
  unsigned width = (info->width + round) >> info->scale;
  unsigned height = (info->height + round) >> info->scale;
  size_t grid;
  int short_of = 0;

  if (l->width == width && l->height == height &&
      l->slice_rows == info->slice_rows && d->capacity >= info->channels) {
    d->channels = info->channels;
    l->format = info->format;
    walloc_pixel_init (&l->pixel, info->format);
    return WALLOC_OK;
  }
  unprepare_latents (d);
  walloc_layout_init (l, info->format, width, height, info->slice_rows);
  d->channels = d->capacity = info->channels;
  grid = (size_t) l->grid_width * l->grid_height;
  d->latents = walloc_mem_take (&d->mem, grid * d->channels,
      sizeof *d->latents, &short_of);
  d->live = walloc_mem_take (&d->mem, l->slices, d->channels, &short_of);
  d->intact = walloc_mem_take (&d->mem, l->slices, 1, &short_of);
  for (i = 0; i < d->workers.count && i < l->slices; i++) {
    d->worker[i].latents = walloc_mem_take (&d->mem,
        walloc_slice_elements (l->grid_width, l->buffer_rows, d->channels),
        sizeof *d->worker[i].latents, &short_of);
    d->worker[i].entropy = walloc_mem_take (&d->mem, 1,
        walloc_slice_scratch (l->grid_width, l->buffer_rows), &short_of);
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

  if (info->media != WALLOC_MEDIA_VIDEO || info->type != WALLOC_FRAME_KEY)
    return walloc_fail (error, WALLOC_ERR_UNSUPPORTED,
        "frames of media %d, type %d are not decoded by this version",
        (int) info->media, (int) info->type);
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
        "a picture of %ux%u has more pixels than the limit of %llu",
        info->width, info->height, (unsigned long long) d->limits.max_pixels);
  return WALLOC_OK;
}

static void
choose (walloc_decoder * d)
{
  const walloc_model_set *set = &d->model->set[d->info.set];
  unsigned c;

  walloc_layout_present (d->model, d->layout.pixel.sampling, d->channels,
      d->present);
  walloc_slice_coder_init (&d->coder, d->model, d->info.set, d->channels,
      d->present);
  walloc_slice_coder_layers (&d->coder, d->info.layers, d->info.layer_end);
  for (c = 0; c < d->channels; c++)
    d->step[c] = d->model->info.kind == WALLOC_MODEL_REFERENCE ? 1.0f :
        (float) ((double) walloc_step_24 (d->info.step_index,
            set->weight[c]) / (1 << 24));
}

/* Rows of a slice that is shorter than the buffer's planes, as in the
 * encoder. */
static void
clear_below (const walloc_decoder * d, walloc_slice * slice)
{
  unsigned rows = d->layout.buffer_rows - slice->rows, c;

  rows = rows > 2 ? 2 : rows;
  for (c = 0; rows > 0 && c < d->channels; c++)
    memset (slice->planes + c * slice->plane_stride - WALLOC_SLICE_LEFT +
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

static void
decode_slice (void *data, unsigned index)
{
  walloc_decoder *d = data;
  const walloc_layout *l = &d->layout;
  unsigned slot = walloc_workers_take (&d->workers), c, y;
  walloc_decode_worker *w = &d->worker[slot];
  unsigned first = walloc_layout_row (l, index);
  uint64_t start = walloc_now ();
  size_t grid = (size_t) l->grid_width * l->grid_height;
  const int16_t *from;
  int16_t *to;
  walloc_slice slice;

  slice.width = l->grid_width;
  slice.rows = walloc_layout_row (l, index + 1) - first;
  slice.stride = walloc_slice_stride (slice.width);
  slice.plane_stride = walloc_slice_plane_stride (slice.width, l->buffer_rows);
  slice.planes = w->latents + walloc_slice_origin (slice.width);
  slice.scratch = w->entropy;
  slice.skip = NULL;
  clear_below (d, &slice);
  d->intact[index] = (uint8_t) decode_layers (d, &slice, index);
  for (c = 0; c < d->channels; c++) {
    to = d->latents + c * grid + (size_t) first *l->grid_width;
    d->live[(size_t) index * d->channels + c] = slice.live[c];
    if (!slice.live[c]) {
      memset (to, 0, (size_t) slice.rows * l->grid_width * sizeof *to);
      continue;
    }
    from = slice.planes + c * slice.plane_stride;
    for (y = 0; y < slice.rows; y++)
      memcpy (to + (size_t) y * l->grid_width, from + y * slice.stride,
          l->grid_width * sizeof *to);
  }
  w->ns_entropy += walloc_now () - start;
  walloc_workers_give (&d->workers, slot);
}

/* Header to concealed latents. *damaged gets the number of slices of which a
 * layer or more are damaged; TRUNCATED only if latents were made all the
 * same. */
static walloc_result
decode_latents (walloc_decoder * d, unsigned *damaged, walloc_error * error)
{
  walloc_result result;
  unsigned i;

  result = prepare_latents (d, error);
  if (result != WALLOC_OK)
    return result;
  choose (d);
  walloc_parallel (&d->runner, decode_slice, d, d->layout.slices);
  *damaged = 0;
  for (i = 0; i < d->layout.slices; i++)
    *damaged += d->intact[i] < d->info.layers;
  if (*damaged > 0)
    walloc_decoder_conceal (d);
  d->stats.damaged_slices += *damaged;
  return WALLOC_OK;
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
finish (walloc_decoder * d, unsigned *out, unsigned damaged, int truncated,
    walloc_error * error)
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
  d->stats.pixels += (uint64_t) d->info.width * d->info.height;
  if (out != NULL)
    *out = damaged;
  if (truncated)
    return walloc_fail (error, WALLOC_ERR_TRUNCATED,
        "%u of %u slices are missing or cut; the others were decoded",
        damaged, d->layout.slices);
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

walloc_result
walloc_decoder_decode (walloc_decoder * decoder, const uint8_t * data,
    size_t size, walloc_decoder_kind kind, const walloc_image * image,
    unsigned *damaged, walloc_error * error)
{
  walloc_result result;
  walloc_decoder *d = decoder;
  unsigned lost;
  int truncated;

  result = begin (d, data, size, damaged, &truncated, error);
  if (result == WALLOC_OK)
    result = walloc_image_check (image, error);
  if (result != WALLOC_OK)
    return result;
  if ((unsigned) kind > WALLOC_DECODER_BEST)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT,
        "there is no decoder of kind %d", (int) kind);
  if (kind >= WALLOC_DECODER_FAST && (d->model->info.decoders >> kind & 1) == 0)
    return walloc_fail (error, WALLOC_ERR_NOT_FOUND,
        "model '%s' has no '%s' decoder; use the linear one",
        d->model->info.name, kind == WALLOC_DECODER_FAST ? "fast" : "best");
  if (image->width != d->info.width || image->height != d->info.height)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT,
        "an image of %ux%u is given for a frame of %ux%u", image->width,
        image->height, d->info.width, d->info.height);
  if (!compatible (d->info.format, image->format))
    return walloc_fail (error, WALLOC_ERR_UNSUPPORTED,
        "a frame of format %s is not decoded to %s",
        walloc_format_name (d->info.format),
        walloc_format_name (image->format));
  d->image = image;
  result = walloc_decoder_prepare_picture (d, error);
  if (result == WALLOC_OK)
    result = decode_latents (d, &lost, error);
  if (result != WALLOC_OK)
    return result;
  d->net_result = NULL;
  if (kind >= WALLOC_DECODER_FAST) {
    result = walloc_decoder_run_net (d, kind, error);
  } else if (kind == WALLOC_DECODER_AUTO &&
      (d->model->info.decoders >> WALLOC_DECODER_FAST & 1) != 0) {
    /* a library without networks still shows pictures, and one whose limit a
     * network exceeds shows those that are too large for it */
    result = walloc_decoder_run_net (d, WALLOC_DECODER_FAST, error);
    if (result == WALLOC_ERR_UNSUPPORTED || result == WALLOC_ERR_LIMIT ||
        result == WALLOC_ERR_MEMORY)
      result = WALLOC_OK;
  }
  if (result == WALLOC_OK)
    result = walloc_decoder_reconstruct (d, error);
  d->image = NULL;
  if (result != WALLOC_OK)
    return result;
  return finish (d, damaged, lost, truncated, error);
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
    result = decode_latents (d, &lost, error);
  if (result != WALLOC_OK)
    return result;
  latents->channels = d->channels;
  latents->width = d->layout.grid_width;
  latents->height = d->layout.grid_height;
  latents->data = d->latents;
  latents->step = d->step;
  latents->group = d->model->group;
  return finish (d, damaged, lost, truncated, error);
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
