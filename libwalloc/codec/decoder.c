/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "codec/decoder-private.h"

#include <string.h>

#include "codec/frame-private.h"
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

void
walloc_decoder_free (walloc_decoder * decoder)
{
  walloc_mem mem;

  if (decoder == NULL)
    return;
  walloc_decoder_free_nets (decoder);
  walloc_decoder_unprepare_picture (decoder);
  walloc_decoder_unprepare_latents (decoder);
  walloc_model_unref (decoder->model);
  mem = decoder->mem;
  walloc_mem_free (&mem, decoder);
}

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
  walloc_frame_walker walker;
  unsigned ignored, i = 0;
  size_t offset;
  uint32_t bytes;
  int truncated;

  result = begin (d, data, size, &ignored, &truncated, error);
  if (result != WALLOC_OK)
    return result;
  /* there is memory for what builds on a frame that was decoded */
  if (d->info.type != WALLOC_FRAME_KEY)
    return WALLOC_OK;
  walloc_frame_walk (&d->info, &walker);
  for (offset = d->info.header_size; walloc_frame_step (data, &d->info,
          &walker, &bytes) && bytes <= d->size - offset; offset += bytes) {
    if (i++ % d->info.layers > 0)
      continue;
    if (bytes == 0)             /* nothing but zeros */
      return WALLOC_OK;
    if (bytes >= WALLOC_SLICE_LEAST && walloc_crc16 (data + offset, bytes -
            WALLOC_SLICE_CHECK) == walloc_get_u16 (data + offset + bytes -
            WALLOC_SLICE_CHECK))
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
    result = walloc_decoder_find_region (d, params, &region, error);
  if (result == WALLOC_OK)
    result = walloc_decoder_check_request (d, params, &region, image, error);
  if (result != WALLOC_OK)
    return result;
  d->image = image;
  result = walloc_decoder_prepare_latents (d, error);
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
  walloc_decoder_decode_latents (d, first, end, &lost);
  result = run_network (d, params->kind, error);
  if (result == WALLOC_OK)
    walloc_decoder_reconstruct (d);
  d->image = NULL;
  if (result != WALLOC_OK)
    return result;
  return finish (d, (uint64_t) image->width * image->height, damaged, lost,
      truncated, error);
}

walloc_result
walloc_decoder_set_channels (walloc_decoder * decoder, unsigned channels,
    walloc_error * error)
{
  if (decoder == NULL)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT, "no decoder given");
  decoder->asked = channels;
  return WALLOC_OK;
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
    result = walloc_decoder_prepare_latents (d, error);
  if (result != WALLOC_OK)
    return result;
  walloc_decoder_decode_latents (d, 0, d->layout.grid_height, &lost);
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
