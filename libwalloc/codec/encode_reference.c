/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Samples to latents as the published codec does it (arXiv 2412.09405,
 * section III): RGB in -0.5..0.5, periodic packet, 1x1 convolution,
 * companding. In float; pictures are extended to multiples of 8 by repeating
 * the last row and column. */
#include "codec/encoder-private.h"

#include <walloc/wavelet.h>

#include "bottleneck/linear.h"

#define LEVELS 3
#define BANDS 64

static size_t
padded_width (const walloc_encoder * e)
{
  return (size_t) e->layout.grid_width * WALLOC_CELL;
}

static size_t
padded_plane (const walloc_encoder * e)
{
  return padded_width (e) * e->layout.grid_height * WALLOC_CELL;
}

static size_t
latent_stride (const walloc_encoder * e)
{
  return ((size_t) e->layout.grid_width + WALLOC_LINEAR_BLOCK - 1) /
      WALLOC_LINEAR_BLOCK * WALLOC_LINEAR_BLOCK;
}

void
walloc_encode_reference_sizes (walloc_encoder * e, size_t *planes,
    size_t *coef, size_t *latents)
{
  *planes = 3 * padded_plane (e);
  *coef = 3 * BANDS * latent_stride (e) * e->layout.buffer_rows;
  *latents = latent_stride (e) * e->model->info.channels;
}

/* One grid row of 8 picture rows. */
static void
load_row (void *data, unsigned index)
{
  walloc_encoder *e = data;
  const walloc_image *image = e->image;
  const walloc_pixel *pixel = &e->layout.pixel;
  size_t width = padded_width (e), plane = padded_plane (e);
  const uint8_t *in;
  float *out;
  unsigned c, x, y, row;

  for (y = index * WALLOC_CELL; y < (index + 1) * WALLOC_CELL; y++) {
    row = y < image->height ? y : image->height - 1;
    for (c = 0; c < 3; c++) {
      in = image->plane[0] + (ptrdiff_t) row *image->stride[0] +
          pixel->offsets[c];
      out = e->planes_f + c * plane + y * width;
      for (x = 0; x < image->width; x++)
        out[x] = (float) in[(size_t) x * pixel->step] / 255.0f - 0.5f;
      for (; x < width; x++)
        out[x] = out[x - 1];
    }
  }
}

void
walloc_encode_reference_planes (walloc_encoder * e)
{
  walloc_parallel (&e->runner, load_row, e, e->layout.grid_height);
}

walloc_result
walloc_encode_reference (walloc_encoder * e, walloc_encode_worker * w,
    unsigned first, unsigned end, int16_t * planes, size_t stride,
    size_t plane_stride)
{
  const walloc_model *model = e->model;
  size_t width = padded_width (e), row = latent_stride (e);
  size_t coef_plane = row * e->layout.buffer_rows;
  uint64_t t0 = walloc_now (), t1;
  walloc_result result = WALLOC_OK;
  unsigned c, y;

  for (c = 0; c < 3 && result == WALLOC_OK; c++)
    result = walloc_packet_analyse_strip_2d (e->planes_f +
        c * padded_plane (e), width, width,
        (size_t) e->layout.grid_height * WALLOC_CELL, LEVELS,
        WALLOC_BORDER_PERIODIC, first, end, w->coef_f + c * BANDS * coef_plane,
        row, coef_plane, w->transform_f, e->transform_floats, NULL);
  t1 = walloc_now ();
  w->ns_transform += t1 - t0;
  for (y = 0; y < end - first && result == WALLOC_OK; y++) {
    walloc_linear (w->coef_f + y * row, coef_plane, 3 * BANDS,
        model->analysis_f, 1, 3 * BANDS, NULL, model->bias_f, e->channels,
        e->layout.grid_width, w->latent_f, row);
    for (c = 0; c < e->channels; c++)
      walloc_compand (&e->companding, w->latent_f + c * row,
          e->layout.grid_width, planes + c * plane_stride + y * stride);
  }
  w->ns_project += walloc_now () - t1;
  return result;
}
