/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Samples to latents, kind ordered: docs/model-format.md, 2.1 and 2.2.
 * Integers only. */
#include "codec/encoder-private.h"

#include <string.h>

#include "transform/input.h"
#include "transform/intwavelet.h"

/* Sample rows above and below a strip that a J = 3 packet reads, and rows of
 * the half-size plane that a J = 2 packet does (transform/analysis.c). */
#define ABOVE 28
#define BELOW 21
#define HALF_ABOVE 12
#define HALF_BELOW 9

/* With K of the lifting scheme, 1.230174: K^-2, K^-1 and K times 2^15. They
 * make the half-size plane of 4:4:4 and 4:2:2 chroma one of samples, and the
 * vertical high band of 4:2:2 what both axes' split gives for samples that
 * are constant along the width. */
#define SCALE_LOW_LOW 21653
#define SCALE_LOW 26637
#define SCALE_HIGH 40310

/* Planes of coefficients: luma alone, or chroma with detail behind it. */
#define COEF_PLANES 128
#define DETAIL_PLANE 32

/* Rows [lo, hi) of a plane that has height rows: a pointer to row 0 of it,
 * of which only those rows may be touched. */
static const int16_t *
whole (const int16_t * window, unsigned lo, size_t stride)
{
  return window - (ptrdiff_t) (lo * stride);
}

static void
scale_plane (int16_t * plane, size_t stride, unsigned width, unsigned rows,
    int32_t factor)
{
  unsigned x, y;

  for (y = 0; y < rows; y++, plane += stride)
    for (x = 0; x < width; x++)
      plane[x] = (int16_t) ((plane[x] * factor + (1 << 14)) >> 15);
}

/* Picture rows that a strip of grid rows needs, in a plane of scale rows per
 * grid row. */
static void
reach (unsigned first, unsigned end, unsigned scale, unsigned above,
    unsigned below, unsigned rows, unsigned *lo, unsigned *hi)
{
  *lo = first * scale > above ? first * scale - above : 0;
  *hi = end * scale + below < rows ? end * scale + below : rows;
}

/* One component's rows [lo, hi) of the padded plane. */
static walloc_result
load_component (const walloc_encoder * e, unsigned index, unsigned lo,
    unsigned hi, unsigned padded_width, int16_t * window)
{
  walloc_component c;
  unsigned rows, first;

  if (e->scale > 0) {
    walloc_encode_shrunk_rows (e, index, lo, hi, padded_width, window);
    return WALLOC_OK;
  }
  walloc_image_component (e->image, index, &c);
  /* a window below the picture is its last row again */
  first = lo < c.height ? lo : c.height - 1;
  rows = (hi < c.height ? hi : c.height) - first;
  return walloc_input_u8 (c.data + (ptrdiff_t) first * c.stride, c.stride,
      c.step, c.width, rows, window, e->window_stride, padded_width,
      hi - lo, NULL);
}

static walloc_result
load_rgb (const walloc_encoder * e, walloc_encode_worker * w, unsigned lo,
    unsigned hi, unsigned padded_width)
{
  const walloc_image *image = e->image;
  const walloc_pixel *pixel = &e->layout.pixel;
  unsigned first = lo < image->height ? lo : image->height - 1;
  unsigned rows = (hi < image->height ? hi : image->height) - first, i;

  if (e->scale > 0) {
    for (i = 0; i < 3; i++)
      walloc_encode_shrunk_rows (e, i, lo, hi, padded_width, w->window[i]);
    return WALLOC_OK;
  }
  return walloc_input_rgb (image->plane[0] + (ptrdiff_t) first *
      image->stride[0], image->stride[0], pixel->step, pixel->offsets,
      image->width, rows, w->window[0], w->window[1], w->window[2],
      e->window_stride, padded_width, hi - lo, NULL);
}

static walloc_result
packet (const walloc_encoder * e, walloc_encode_worker * w,
    const int16_t * plane, size_t stride, unsigned width, unsigned height,
    unsigned levels, unsigned first, unsigned end, unsigned coef_plane)
{
  size_t plane_stride = e->coef_stride * e->layout.buffer_rows;

  return walloc_int_analyse (plane, stride, width, height, levels, first,
      end, w->coef + coef_plane * plane_stride, e->coef_stride, plane_stride,
      w->transform, e->transform_bytes, NULL);
}

/* One component of full-size chroma. */
static walloc_result
chroma_444 (const walloc_encoder * e, walloc_encode_worker * w,
    const int16_t * window, unsigned lo, unsigned index, unsigned first,
    unsigned end, int detail)
{
  unsigned width = e->layout.grid_width * 4, height = e->layout.grid_height * 4;
  unsigned half_lo, half_hi, b;
  int16_t *bands[4];
  walloc_result result;

  reach (first, end, 4, HALF_ABOVE, HALF_BELOW, height, &half_lo, &half_hi);
  for (b = 0; b < 4; b++)
    bands[b] = w->bands + b * e->band_rows * e->band_stride;
  result = walloc_int_split_2d (whole (window, lo, e->window_stride),
      e->window_stride, width * 2, height * 2, half_lo, half_hi, bands,
      e->band_stride, w->transform, e->transform_bytes, NULL);
  if (result != WALLOC_OK)
    return result;
  scale_plane (bands[0], e->band_stride, width, half_hi - half_lo,
      SCALE_LOW_LOW);
  for (b = 0; b < (detail ? 4u : 1u) && result == WALLOC_OK; b++)
    result = packet (e, w, whole (bands[b], half_lo, e->band_stride),
        e->band_stride, width, height, 2, first, end, b == 0 ? 16 * index :
        DETAIL_PLANE + 48 * index + 16 * (b - 1));
  return result;
}

static walloc_result
chroma_422 (const walloc_encoder * e, walloc_encode_worker * w,
    const int16_t * window, unsigned lo, unsigned index, unsigned first,
    unsigned end, int detail)
{
  unsigned width = e->layout.grid_width * 4, height = e->layout.grid_height * 4;
  unsigned half_lo, half_hi, b;
  size_t plane_stride = e->coef_stride * e->layout.buffer_rows;
  int16_t *bands[2];
  walloc_result result;

  reach (first, end, 4, HALF_ABOVE, HALF_BELOW, height, &half_lo, &half_hi);
  for (b = 0; b < 2; b++)
    bands[b] = w->bands + b * e->band_rows * e->band_stride;
  result = walloc_int_split_vertical (whole (window, lo, e->window_stride),
      e->window_stride, width, height * 2, half_lo, half_hi, bands[0],
      bands[1], e->band_stride, w->transform, e->transform_bytes, NULL);
  if (result != WALLOC_OK)
    return result;
  scale_plane (bands[0], e->band_stride, width, half_hi - half_lo, SCALE_LOW);
  scale_plane (bands[1], e->band_stride, width, half_hi - half_lo, SCALE_HIGH);
  for (b = 0; b < (detail ? 2u : 1u) && result == WALLOC_OK; b++)
    result = packet (e, w, whole (bands[b], half_lo, e->band_stride),
        e->band_stride, width, height, 2, first, end,
        b == 0 ? 16 * index : DETAIL_PLANE + 48 * index);
  if (detail)
    memset (w->coef + (DETAIL_PLANE + 48 * index + 16) * plane_stride, 0,
        32 * plane_stride * sizeof *w->coef);
  return result;
}

static void
project (const walloc_encoder * e, const walloc_encode_worker * w,
    unsigned group, unsigned rows, unsigned coef_plane, int16_t * planes,
    size_t stride, size_t plane_stride)
{
  static const uint8_t inputs[3] = { 64, 32, 96 };
  size_t coef_plane_stride = e->coef_stride * e->layout.buffer_rows;
  walloc_projection p;
  unsigned y;

  p.project = e->project;
  p.inputs = inputs[group];
  p.matrix = e->model->analysis;
  p.quantisers = e->quantiser;
  p.channels = e->group_channels[group];
  p.n_channels = e->group_count[group];
  for (y = 0; y < rows; y++) {
    p.fine = w->fine != NULL ? w->fine + y * stride : NULL;
    walloc_project_row (&p, w->coef + coef_plane * coef_plane_stride +
        y * e->coef_stride, coef_plane_stride, e->layout.grid_width,
        planes + y * stride, plane_stride);
  }
}

/* Coefficients of both chroma components. */
static walloc_result
chroma (const walloc_encoder * e, walloc_encode_worker * w, unsigned first,
    unsigned end, unsigned lo, unsigned hi)
{
  const walloc_layout *l = &e->layout;
  int detail = e->group_count[WALLOC_GROUP_DETAIL] > 0;
  walloc_result result = WALLOC_OK;
  const int16_t *window;
  unsigned i, half_lo, half_hi;

  for (i = 0; i < 2 && result == WALLOC_OK; i++) {
    window = w->window[l->pixel.rgb ? i + 1 : 0];
    switch (l->pixel.sampling) {
      case WALLOC_SAMPLING_420:
        reach (first, end, 4, HALF_ABOVE, HALF_BELOW, l->grid_height * 4,
            &half_lo, &half_hi);
        result = load_component (e, i + 1, half_lo, half_hi,
            l->grid_width * 4, w->window[0]);
        if (result == WALLOC_OK)
          result = packet (e, w, whole (window, half_lo, e->window_stride),
              e->window_stride, l->grid_width * 4, l->grid_height * 4, 2,
              first, end, 16 * i);
        break;
      case WALLOC_SAMPLING_422:
        result = load_component (e, i + 1, lo, hi, l->grid_width * 4,
            w->window[0]);
        if (result == WALLOC_OK)
          result = chroma_422 (e, w, window, lo, i, first, end, detail);
        break;
      default:
        if (!l->pixel.rgb)
          result = load_component (e, i + 1, lo, hi, l->grid_width * 8,
              w->window[0]);
        if (result == WALLOC_OK)
          result = chroma_444 (e, w, window, lo, i, first, end, detail);
        break;
    }
  }
  return result;
}

walloc_result
walloc_encode_ordered (walloc_encoder * e, walloc_encode_worker * w,
    unsigned first, unsigned end, int16_t * planes, size_t stride,
    size_t plane_stride)
{
  const walloc_layout *l = &e->layout;
  unsigned width = l->grid_width * WALLOC_CELL, lo, hi;
  unsigned height = l->grid_height * WALLOC_CELL;
  uint64_t t0 = walloc_now (), t1;
  walloc_result result;

  reach (first, end, WALLOC_CELL, ABOVE, BELOW, height, &lo, &hi);
  if (l->pixel.rgb)
    result = load_rgb (e, w, lo, hi, width);
  else
    result = load_component (e, 0, lo, hi, width, w->window[0]);
  if (result == WALLOC_OK)
    result = packet (e, w, whole (w->window[0], lo, e->window_stride),
        e->window_stride, width, height, 3, first, end, 0);
  t1 = walloc_now ();
  w->ns_transform += t1 - t0;
  if (result != WALLOC_OK)
    return result;
  project (e, w, WALLOC_GROUP_LUMA, end - first, 0, planes, stride,
      plane_stride);
  t0 = walloc_now ();
  w->ns_project += t0 - t1;
  if (e->group_count[WALLOC_GROUP_CHROMA] +
      e->group_count[WALLOC_GROUP_DETAIL] == 0)
    return WALLOC_OK;
  result = chroma (e, w, first, end, lo, hi);
  t1 = walloc_now ();
  w->ns_transform += t1 - t0;
  if (result != WALLOC_OK)
    return result;
  project (e, w, WALLOC_GROUP_CHROMA, end - first, 0, planes, stride,
      plane_stride);
  project (e, w, WALLOC_GROUP_DETAIL, end - first, DETAIL_PLANE, planes,
      stride, plane_stride);
  w->ns_project += walloc_now () - t1;
  return WALLOC_OK;
}

void
walloc_encode_ordered_sizes (walloc_encoder * e, size_t *window,
    unsigned *windows, size_t *bands, size_t *coef)
{
  const walloc_layout *l = &e->layout;
  size_t grid = l->grid_width;

  e->window_stride = grid * WALLOC_CELL;
  e->window_rows = (size_t) l->buffer_rows * WALLOC_CELL + ABOVE + BELOW;
  if (e->window_rows > (size_t) l->grid_height * WALLOC_CELL)
    e->window_rows = (size_t) l->grid_height * WALLOC_CELL;
  e->band_stride = grid * 4;
  e->band_rows = (size_t) l->buffer_rows * 4 + HALF_ABOVE + HALF_BELOW;
  e->coef_stride = (grid + WALLOC_BLOCK - 1) / WALLOC_BLOCK * WALLOC_BLOCK;
  *windows = l->pixel.rgb ? 3 : 1;
  *window = e->window_stride * e->window_rows;
  *bands = l->pixel.sampling >= WALLOC_SAMPLING_422 ?
      4 * e->band_stride * e->band_rows : 0;
  *coef = COEF_PLANES * e->coef_stride * l->buffer_rows;
}
