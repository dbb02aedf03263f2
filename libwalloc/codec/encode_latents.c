/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Frames from latents that somebody else made, such as a network that colours
 * pictures without seeing samples: docs/design/latent-inference.md. */
#include "codec/encoder-private.h"

#include <string.h>

#include "bottleneck/value_quantiser.h"

#define MAX_SCALE 2

void
walloc_encode_given (walloc_encoder * e, walloc_encode_worker * w,
    unsigned first, unsigned end, walloc_slice * slice)
{
  const walloc_latent_planes *g = e->given;
  const size_t stride = g->stride != 0 ? g->stride : g->columns;
  const size_t plane = g->plane_stride != 0 ? g->plane_stride :
      g->rows * stride;
  const int reference = e->model->info.kind == WALLOC_MODEL_REFERENCE;
  const walloc_model_set *set = &e->model->set[e->set];
  uint64_t start = walloc_now ();
  double step = 1, offset = 0.5;
  unsigned c, y;

  for (c = 0; c < e->channels; c++) {
    if (!e->present[c])
      continue;
    if (!reference) {
      /* the decoder's number */
      step = (float) ((double) walloc_step_24 (e->given_step,
              set->weight[c]) / (1 << 24));
      offset = walloc_value_rounding (set->rounding[c]);
    }
    for (y = first; y < end; y++)
      walloc_quantise_values (g->data + c * plane + y * stride, g->columns,
          step, offset, reference ? e->companding.half : WALLOC_LATENT_MAX,
          slice->planes + c * slice->plane_stride + (y - first) *
          slice->stride);
  }
  w->ns_project += walloc_now () - start;
}

static unsigned
grid_size (unsigned size, unsigned scale)
{
  size = (size + (1u << scale) - 1) >> scale;
  return (size + WALLOC_CELL - 1) / WALLOC_CELL;
}

static walloc_result
check_latents (const walloc_encoder * e, const walloc_latent_planes * g,
    walloc_error * error)
{
  const walloc_model_info *model = &e->model->info;
  unsigned columns, rows;

  if (g == NULL || g->data == NULL)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT, "no latents given");
  if (walloc_format_planes (g->format) == 0)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT,
        "pixel format %d is not known", (int) g->format);
  if ((model->formats >> g->format & 1) == 0)
    return walloc_fail (error, WALLOC_ERR_UNSUPPORTED,
        "model '%s' does not encode %s pictures", model->name,
        walloc_format_name (g->format));
  if (g->width < 1 || g->width > WALLOC_MAX_SIZE || g->height < 1 ||
      g->height > WALLOC_MAX_SIZE || g->scale > MAX_SCALE)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT,
        "latents of a picture of %ux%u at scale %u; 1x1 to %dx%d and 0 to %d "
        "are possible", g->width, g->height, g->scale, WALLOC_MAX_SIZE,
        WALLOC_MAX_SIZE, MAX_SCALE);
  if (g->scale > 0 && model->kind == WALLOC_MODEL_REFERENCE)
    return walloc_fail (error, WALLOC_ERR_UNSUPPORTED,
        "model '%s' is of the published form, which codes pictures at their "
        "size only", model->name);
  columns = grid_size (g->width, g->scale);
  rows = grid_size (g->height, g->scale);
  if (g->columns != columns || g->rows != rows || g->channels < 1 ||
      g->channels > model->channels)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT,
        "latents of %u channels of %ux%u; a picture of %ux%u at scale %u has "
        "1 to %u of %ux%u", g->channels, g->columns, g->rows, g->width,
        g->height, g->scale, model->channels, columns, rows);
  if ((g->stride != 0 && g->stride < g->columns) || (g->plane_stride != 0 &&
          g->plane_stride < (g->rows - 1) * (g->stride != 0 ? g->stride :
              g->columns) + g->columns))
    return walloc_fail (error, WALLOC_ERR_ARGUMENT,
        "strides of %zu and %zu floats are less than rows of %u or planes of "
        "%u rows need", g->stride, g->plane_stride, g->columns, g->rows);
  return WALLOC_OK;
}

walloc_result
walloc_encoder_encode_latents (walloc_encoder * encoder,
    const walloc_latent_planes * latents, const walloc_encode_params * params,
    const uint8_t ** data, size_t *size, walloc_frame_info * info,
    walloc_error * error)
{
  walloc_encoder *e = encoder;
  walloc_encode_params defaults;
  walloc_result result;
  walloc_image image;
  unsigned step_index;

  if (e == NULL || data == NULL || size == NULL)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT,
        "walloc_encoder_encode_latents: NULL argument");
  *data = NULL;
  *size = 0;
  if (params == NULL) {
    walloc_encode_params_init (&defaults);
    params = &defaults;
  }
  result = check_latents (e, latents, error);
  if (result == WALLOC_OK && params->predict != WALLOC_PREDICT_NONE)
    result = walloc_fail (error, WALLOC_ERR_UNSUPPORTED,
        "latents are encoded as key frames only, without prediction");
  if (result == WALLOC_OK)
    result = walloc_encoder_choose_step (e, params, &step_index, error);
  if (result != WALLOC_OK)
    return result;
  if (e->model->info.kind == WALLOC_MODEL_REFERENCE)
    step_index = 0;
  else if (!params->use_step)
    e->channels = walloc_model_channels_of_step (e->model, step_index);
  if (params->channels != 0 && params->channels < e->channels)
    e->channels = params->channels;
  if (latents->channels < e->channels)
    e->channels = latents->channels;
  e->speed = WALLOC_RDO_SPEEDS;
  memset (&image, 0, sizeof image);
  image.format = latents->format;
  image.width = latents->width;
  image.height = latents->height;
  result = walloc_encoder_prepare (e, &image, latents->scale,
      params->slice_rows, error);
  if (result != WALLOC_OK)
    return result;
  e->given = latents;
  e->given_step = step_index;
  result = walloc_encoder_make_frame (e, params, latents->scale, step_index,
      data, size, info, error);
  e->given = NULL;
  return result;
}
