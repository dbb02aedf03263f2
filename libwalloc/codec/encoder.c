/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "codec/encoder-private.h"

#include <string.h>

#define DEFAULT_QUALITY 50
/* Room for any header of that many segments: sizes, ends of layers, records. */
#define HEADER_ROOM(segments) (WALLOC_FRAME_MIN_HEADER + 5 * (segments) + 256)
/* Channels that layers end with, as far as there are more. */
static const unsigned layer_end[WALLOC_SLICE_LAYERS - 1] = { 12, 48, 96 };

#define AUTO_LAYERS 3

void
walloc_encode_params_init (walloc_encode_params * params)
{
  if (params == NULL)
    return;
  memset (params, 0, sizeof *params);
  params->pts = WALLOC_TIME_NONE;
  params->duration = WALLOC_TIME_NONE;
}

walloc_result
walloc_encoder_new (walloc_model * model,
    const walloc_allocator * allocator, const walloc_runner * runner,
    walloc_encoder ** encoder, walloc_error * error)
{
  walloc_mem mem;
  walloc_encoder *e;

  if (encoder == NULL)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT, "no place for the encoder");
  *encoder = NULL;
  if (model == NULL)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT, "no model given");
  if (model->info.levels != 3)
    return walloc_fail (error, WALLOC_ERR_UNSUPPORTED,
        "model '%s' has %u levels; pictures need 3", model->info.name,
        model->info.levels);
  walloc_mem_init (&mem, allocator);
  e = walloc_mem_alloc (&mem, 1, sizeof *e);
  if (e == NULL)
    return walloc_fail (error, WALLOC_ERR_MEMORY,
        "no memory for an encoder (%zu bytes)", sizeof *e);
  e->mem = mem;
  e->model = walloc_model_ref (model);
  if (runner != NULL)
    e->runner = *runner;
  e->workers = walloc_workers_of (runner);
  e->strip = walloc_strip_best (0);
  if (model->info.kind == WALLOC_MODEL_REFERENCE)
    walloc_companding_init (&e->companding, model->latent_bits);
  *encoder = e;
  return WALLOC_OK;
}

void
walloc_encoder_free (walloc_encoder * encoder)
{
  walloc_mem mem;

  if (encoder == NULL)
    return;
  walloc_encoder_unprepare (encoder);
  walloc_rdo_release (&encoder->rdo, &encoder->mem);
  walloc_model_unref (encoder->model);
  mem = encoder->mem;
  walloc_mem_free (&mem, encoder);
}

walloc_result
walloc_encoder_choose_step (walloc_encoder * e,
    const walloc_encode_params * params, unsigned *step_index,
    walloc_error * error)
{
  const walloc_model *model = e->model;
  unsigned quality = params->quality != 0 ? params->quality : DEFAULT_QUALITY;
  walloc_result result;

  result = walloc_model_quality (model, quality, step_index, &e->channels);
  if (result != WALLOC_OK)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT,
        "quality %u is not within 1 to 100", quality);
  if (!params->use_step)
    return WALLOC_OK;
  if (params->step_index > WALLOC_STEP_MAX)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT,
        "step index %u is not within 0 to %d", params->step_index,
        WALLOC_STEP_MAX);
  *step_index = params->step_index;
  e->channels = model->info.channels;
  return WALLOC_OK;
}

/* Scale, step and channels. */
static walloc_result
choose_point (walloc_encoder * e, const walloc_image * image,
    const walloc_encode_params * params, unsigned *scale, unsigned *step_index,
    walloc_error * error)
{
  const walloc_model *model = e->model;
  int reference = model->info.kind == WALLOC_MODEL_REFERENCE;
  walloc_result result;

  result = walloc_encoder_choose_step (e, params, step_index, error);
  if (result != WALLOC_OK)
    return result;
  if (params->shrink > 4 || params->shrink == 3)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT,
        "pictures are made 1, 2 or 4 times smaller, not %u", params->shrink);
  if (params->shrink > 1 && reference)
    return walloc_fail (error, WALLOC_ERR_UNSUPPORTED,
        "model '%s' is of the published form, which codes pictures at their "
        "size only", model->info.name);
  if (params->speed > WALLOC_RDO_SPEEDS)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT,
        "speed %u is not within 1 (smallest files) to %d (fastest), or 0 for "
        "the fastest", params->speed, WALLOC_RDO_SPEEDS);
  /* what is skipped in predicted frames is decided before bits are counted */
  e->speed = params->speed == 0 || reference ||
      params->predict == WALLOC_PREDICT_ALLOWED ? WALLOC_RDO_SPEEDS :
      params->speed;
  *scale = params->shrink / 2;
  result = walloc_encoder_prepare (e, image, *scale, params->slice_rows, error);
  if (result != WALLOC_OK)
    return result;
  if (reference)
    *step_index = 0;
  else if (params->shrink == 0)
    walloc_encoder_choose_scale (e, image, params->predict ==
        WALLOC_PREDICT_ALLOWED, scale, step_index);
  /* the same quality for fewer bits, not less of it for fewer still */
  if (e->speed < WALLOC_RDO_SPEEDS && !params->use_step)
    *step_index -= *step_index < WALLOC_RDO_FINER ? *step_index :
        WALLOC_RDO_FINER;
  if (!params->use_step && (params->shrink != 0 || (model->scale != NULL &&
              !reference)))
    e->channels = walloc_model_channels_of_step (model, *step_index);
  if (params->channels != 0 && params->channels < e->channels)
    e->channels = params->channels;
  return WALLOC_OK;
}

/* Set, quantisers and what else follows from step and channels. */
static walloc_result
choose (walloc_encoder * e, unsigned step_index, walloc_error * error)
{
  const walloc_model *model = e->model;
  const walloc_model_set *set;
  walloc_result result;
  unsigned c, g;

  e->set = walloc_model_set_of_step (model, step_index);
  walloc_layout_present (model, e->layout.pixel.sampling, e->channels,
      e->present);
  walloc_slice_coder_init (&e->coder, model, e->set, e->channels, e->present);
  memset (e->group_count, 0, sizeof e->group_count);
  if (model->info.kind == WALLOC_MODEL_REFERENCE)
    return WALLOC_OK;
  set = &model->set[e->set];
  for (c = 0; c < e->channels; c++) {
    if (!e->present[c])
      continue;
    g = model->group[c];
    e->group_channels[g][e->group_count[g]++] = (uint16_t) c;
    result = walloc_quantiser_init (&e->quantiser[c], step_index,
        set->weight[c], walloc_rdo_rounding (e->speed, set->rounding[c]),
        model->analysis_bits, error);
    if (result != WALLOC_OK)
      return result;
  }
  walloc_encode_plan (e);
  return walloc_rdo_begin (&e->rdo, &e->mem, &e->coder, step_index, e->speed,
      error);
}

/* A slice that is shorter than the buffer's planes: what is left below it of
 * the slice before must not be seen as neighbours. */
static void
clear_below (const walloc_encoder * e, walloc_slice * slice)
{
  unsigned rows = e->layout.buffer_rows - slice->rows, c;

  rows = rows > 2 ? 2 : rows;
  for (c = 0; rows > 0 && c < e->channels; c++)
    memset (slice->planes + c * slice->plane_stride - WALLOC_SLICE_LEFT +
        slice->rows * slice->stride, 0,
        rows * slice->stride * sizeof *slice->planes);
}

/* Layers for the channels kept: as many as asked for, or fewer. */
static walloc_result
choose_layers (walloc_encoder * e, const walloc_encode_params * params,
    walloc_error * error)
{
  unsigned layers = params->layers, i = 0;

  if (layers > WALLOC_SLICE_LAYERS)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT,
        "%u layers are not within 1 to %d, or 0 for automatic", layers,
        WALLOC_SLICE_LAYERS);
  if (layers == 0)
    layers = params->fps_n > 0 && params->fps_d > 0 ? AUTO_LAYERS : 1;
  while (i + 1 < layers && layer_end[i] < e->channels)
    i++;
  walloc_slice_coder_layers (&e->coder, i + 1, layer_end);
  return WALLOC_OK;
}

walloc_result
walloc_encoder_transform (walloc_encoder * e, walloc_encode_worker * w,
    unsigned index, walloc_slice * slice)
{
  unsigned first = walloc_layout_row (&e->layout, index);
  unsigned end = walloc_layout_row (&e->layout, index + 1);
  walloc_result result;
  uint64_t start;

  if (e->given != NULL) {
    walloc_encode_given (e, w, first, end, slice);
    return WALLOC_OK;
  }
  if (e->model->info.kind == WALLOC_MODEL_ORDERED) {
    if (e->speed < WALLOC_RDO_SPEEDS)
      w->fine = w->rdo_fine + walloc_slice_origin (slice->width);
    result = walloc_encode_ordered (e, w, first, end, slice->planes,
        slice->stride, slice->plane_stride);
    start = walloc_now ();
    slice->scratch = w->entropy;
    if (result == WALLOC_OK && e->speed < WALLOC_RDO_SPEEDS)
      walloc_rdo_slice (&e->rdo, slice, w->fine, w->rdo);
    if (e->speed < WALLOC_RDO_SPEEDS)
      w->fine = NULL;
    w->ns_project += walloc_now () - start;
    return result;
  }
  return walloc_encode_reference (e, w, first, end, slice->planes,
      slice->stride, slice->plane_stride);
}

void
walloc_encoder_code (walloc_encoder * e, walloc_encode_worker * w,
    unsigned index, walloc_slice * slice)
{
  uint64_t start = walloc_now ();
  walloc_result result;
  size_t sizes[WALLOC_SLICE_LAYERS] = { 0 }, size = 0, offset;
  unsigned i;

  slice->scratch = w->entropy;
  result = walloc_slice_encode (&e->coder, slice, w->out, e->out_size, sizes);
  if (result != WALLOC_OK)
    atomic_store (&e->failed, result);
  for (i = 0; i < e->coder.layers; i++) {
    e->slice_sizes[index * e->coder.layers + i] = (uint32_t) sizes[i];
    size += sizes[i];
  }
  offset = atomic_fetch_add (&e->staged, size);
  if (offset <= e->staging_size && size <= e->staging_size - offset)
    memcpy (e->staging + offset, w->out + e->out_size - size, size);
  e->slices[index].offset = offset;
  e->slices[index].size = size;
  w->ns_entropy += walloc_now () - start;
}

void
walloc_encoder_leave_slice (walloc_encoder * e, unsigned index)
{
  memset (e->slice_sizes + index * e->coder.layers, 0, e->coder.layers *
      sizeof *e->slice_sizes);
  e->slices[index].offset = e->slices[index].size = 0;
}

walloc_slice
walloc_encoder_slice (const walloc_encoder * e, unsigned index,
    int16_t * planes)
{
  const walloc_layout *l = &e->layout;
  walloc_slice slice;

  memset (&slice, 0, sizeof slice);
  slice.width = l->grid_width;
  slice.rows = walloc_layout_row (l, index + 1) - walloc_layout_row (l, index);
  slice.stride = walloc_slice_stride (slice.width);
  slice.plane_stride = walloc_slice_plane_stride (slice.width, l->buffer_rows);
  slice.planes = planes;
  slice.skip_stride = slice.width;
  return slice;
}

static void
encode_slice (walloc_encoder * e, walloc_encode_worker * w, unsigned index)
{
  walloc_slice slice = walloc_encoder_slice (e, index, w->latents +
      walloc_slice_origin (e->layout.grid_width));
  walloc_result result;

  if (w->clean < e->channels) {
    walloc_encoder_clean (e, w->latents, w->clean, e->channels);
    w->clean = e->channels;
  }
  clear_below (e, &slice);
  result = walloc_encoder_transform (e, w, index, &slice);
  if (result == WALLOC_OK)
    walloc_encoder_code (e, w, index, &slice);
  else
    atomic_store (&e->failed, result);
}

static walloc_result
encode_slices (walloc_encoder * e, walloc_error * error)
{
  walloc_encode_piece *work = encode_slice;
  walloc_result result;
  unsigned tries;

  if (e->model->info.kind == WALLOC_MODEL_REFERENCE && e->given == NULL)
    walloc_encode_reference_planes (e);
  atomic_store (&e->staged, 0);
  e->strip_frame++;
  if (e->predict.on) {
    work = walloc_encoder_code_predicted;
    result = walloc_encoder_predict (e);
    if (result != WALLOC_OK)
      return walloc_fail (error, result,
          "a slice could not be transformed: %s", walloc_strerror (result));
    if (e->predict.type == WALLOC_FRAME_REPEAT)
      return WALLOC_OK;
  }
  for (tries = 0; tries < 2; tries++) {
    /* strips of this run go on from each other, not from the last one's */
    e->strip_frame++;
    atomic_store (&e->staged, 0);
    atomic_store (&e->failed, WALLOC_OK);
    walloc_encoder_each (e, work, e->layout.slices);
    result = (walloc_result) atomic_load (&e->failed);
    if (result != WALLOC_OK)
      return walloc_fail (error, result,
          "a slice could not be encoded: %s", walloc_strerror (result));
    if (atomic_load (&e->staged) <= e->staging_size)
      return WALLOC_OK;
    /* pictures of this kind need more than any before: once more */
    result = walloc_encoder_grow (e, &e->staging, &e->staging_size,
        atomic_load (&e->staged), error);
    if (result != WALLOC_OK)
      return result;
  }
  return walloc_fail (error, WALLOC_ERR_MEMORY,
      "slices differ between two runs");
}

static walloc_result
write_frame (walloc_encoder * e, const walloc_encode_params * params,
    unsigned step_index, walloc_frame_info * info, walloc_error * error)
{
  size_t payload = atomic_load (&e->staged), at;
  walloc_result result;
  unsigned i;

  if (payload > WALLOC_FRAME_MAX_PAYLOAD)
    return walloc_fail (error, WALLOC_ERR_LIMIT,
        "a frame of %zu bytes; at most %u are possible", payload,
        WALLOC_FRAME_MAX_PAYLOAD);
  result = walloc_encoder_grow (e, &e->frame, &e->frame_size, payload +
      HEADER_ROOM (e->layout.slices * e->coder.layers), error);
  if (result != WALLOC_OK)
    return result;
  walloc_frame_info_init (info);
  info->media = WALLOC_MEDIA_VIDEO;
  info->type = e->predict.on ? e->predict.type : WALLOC_FRAME_KEY;
  info->sequence = e->predict.on ? e->predict.sequence : 0;
  info->model_id = e->model->info.id;
  info->width = e->width;
  info->height = e->height;
  info->scale = e->scale;
  info->format = e->layout.format;
  info->set = e->set;
  info->step_index = step_index;
  info->channels = e->channels;
  info->slice_rows = e->layout.slice_rows;
  info->slices = info->type == WALLOC_FRAME_REPEAT ? 0 : e->layout.slices;
  info->has_colour = params->has_colour;
  if (params->has_colour)
    info->colour = params->colour;
  info->pts = params->pts;
  info->duration = params->duration;
  if (params->fps_n > 0 && params->fps_d > 0) {
    info->fps_n = params->fps_n;
    info->fps_d = params->fps_d;
  }
  if (params->par_n > 0 && params->par_d > 0) {
    info->par_n = params->par_n;
    info->par_d = params->par_d;
  }
  info->layers = e->coder.layers;
  for (i = 0; i < info->layers; i++)
    info->layer_end[i] = e->coder.end[i];
  result = walloc_frame_write (e->frame, e->frame_size, info, e->slice_sizes,
      error);
  if (result != WALLOC_OK)
    return result;
  at = info->header_size;
  for (i = 0; i < info->slices; i++) {
    memcpy (e->frame + at, e->staging + e->slices[i].offset, e->slices[i].size);
    at += e->slices[i].size;
  }
  return WALLOC_OK;
}

/* Before a frame is counted: one that takes the place of the last is counted
 * instead of it, except for the time that both took. */
static void
begin_count (walloc_encoder * e, int again)
{
  walloc_encoder_stats now = e->stats;

  if (!again) {
    e->stats_before = now;
    return;
  }
  e->stats = e->stats_before;
  e->stats.ns_transform = now.ns_transform;
  e->stats.ns_project = now.ns_project;
  e->stats.ns_entropy = now.ns_entropy;
}

static void
count (walloc_encoder * e, size_t bytes)
{
  unsigned i;

  e->stats.frames++;
  e->stats.bytes += bytes;
  e->stats.pixels += (uint64_t) e->width * e->height;
  if (e->predict.on && e->predict.type != WALLOC_FRAME_KEY)
    e->stats.predicted++;
  for (i = 0; i < e->workers; i++) {
    e->stats.ns_transform += e->worker[i].ns_transform;
    e->stats.ns_project += e->worker[i].ns_project;
    e->stats.ns_entropy += e->worker[i].ns_entropy;
    e->worker[i].ns_transform = e->worker[i].ns_project =
        e->worker[i].ns_entropy = 0;
  }
}

walloc_result
walloc_encoder_make_frame (walloc_encoder * e,
    const walloc_encode_params * params, unsigned scale, unsigned step_index,
    const uint8_t ** data, size_t *size, walloc_frame_info * info,
    walloc_error * error)
{
  walloc_frame_info written;
  walloc_result result;

  walloc_encoder_lay_out (e, scale);
  result = choose (e, step_index, error);
  if (result == WALLOC_OK)
    result = choose_layers (e, params, error);
  if (result == WALLOC_OK)
    result = walloc_encoder_predict_begin (e, params, step_index, error);
  if (result != WALLOC_OK)
    return result;
  result = encode_slices (e, error);
  if (result == WALLOC_OK)
    result = write_frame (e, params, step_index, &written, error);
  if (result != WALLOC_OK) {
    /* what the latents are now is not what a decoder has: a key frame next */
    e->predict.have = e->predict.pending = 0;
    return result;
  }
  *data = e->frame;
  *size = (size_t) written.header_size + written.payload_size;
  if (info != NULL)
    *info = written;
  begin_count (e, params->again);
  walloc_encoder_predict_end (e);
  count (e, *size);
  return WALLOC_OK;
}

walloc_result
walloc_encoder_encode (walloc_encoder * encoder, const walloc_image * image,
    const walloc_encode_params * params, const uint8_t ** data, size_t *size,
    walloc_frame_info * info, walloc_error * error)
{
  walloc_encode_params defaults;
  walloc_result result;
  unsigned step_index, scale;

  if (encoder == NULL || data == NULL || size == NULL)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT,
        "walloc_encoder_encode: NULL argument");
  *data = NULL;
  *size = 0;
  if (params == NULL) {
    walloc_encode_params_init (&defaults);
    params = &defaults;
  }
  result = walloc_image_check (image, error);
  if (result != WALLOC_OK)
    return result;
  if ((encoder->model->info.formats >> image->format & 1) == 0)
    return walloc_fail (error, WALLOC_ERR_UNSUPPORTED,
        "model '%s' does not encode %s pictures", encoder->model->info.name,
        walloc_format_name (image->format));
  result = choose_point (encoder, image, params, &scale, &step_index, error);
  if (result == WALLOC_OK)
    result = walloc_encoder_prepare_rdo (encoder, error);
  if (result != WALLOC_OK)
    return result;
  encoder->image = image;
  result = walloc_encoder_make_frame (encoder, params, scale, step_index, data,
      size, info, error);
  encoder->image = NULL;
  return result;
}

void
walloc_encoder_get_stats (const walloc_encoder * encoder,
    walloc_encoder_stats * stats)
{
  if (stats == NULL)
    return;
  memset (stats, 0, sizeof *stats);
  if (encoder != NULL)
    *stats = encoder->stats;
}
