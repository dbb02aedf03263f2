/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Packet coefficients to samples, by bands and strips of grid rows. */
#include "codec/decoder-private.h"

#include <walloc/wavelet.h>

#include <string.h>

#include "bottleneck/linear.h"
#include "transform/input.h"

#define LEVELS 3
/* Coefficients of a band take at most about this many bytes. */
#define BAND_BYTES ((size_t) 96 << 20)
#define MIN_BAND_ROWS 16
/* Grid rows of samples that are made at a time: about the second-level cache
 * for pictures 2000 pixels wide. */
#define STRIP_ROWS 16
/* Grid rows around a strip that synthesis reads (transform/synthesis.c), and
 * half-size rows around those of a 4:2:2 strip that merging along the height
 * wants so that its own borders do not matter. */
#define HALO 6
#define MERGE_HALO 8

#define SQRT2 1.41421356237309504880f

static unsigned
least (unsigned a, unsigned b)
{
  return a < b ? a : b;
}

void
walloc_decoder_unprepare_picture (walloc_decoder * d)
{
  walloc_decode_worker *w;
  unsigned i, k;

  for (i = 0; i < d->workers.count; i++) {
    w = &d->worker[i];
    walloc_mem_release (&d->mem, &w->values);
    for (k = 0; k < 3; k++)
      walloc_mem_release (&d->mem, &w->strip[k]);
    walloc_mem_release (&d->mem, &w->half);
    walloc_mem_release (&d->mem, &w->transform);
  }
  walloc_decoder_enlarge_release (d);
  walloc_mem_release (&d->mem, &d->coef);
  d->out_width = d->out_height = 0;
}

static int
is_reference (const walloc_decoder * d)
{
  return d->model->info.kind == WALLOC_MODEL_REFERENCE;
}

walloc_result
walloc_decoder_prepare_picture (walloc_decoder * d, walloc_error * error)
{
  unsigned scale = d->info.scale, round = (1u << scale) - 1, planes, i, k;
  unsigned width = (d->info.width + round) >> scale;
  unsigned height = (d->info.height + round) >> scale;
  unsigned grid_width = (width + WALLOC_CELL - 1) / WALLOC_CELL;
  unsigned grid_height = (height + WALLOC_CELL - 1) / WALLOC_CELL;
  walloc_pixel out;
  walloc_decode_worker *w;
  walloc_result result;
  size_t rows, strip;
  int short_of = 0;

  walloc_pixel_init (&out, d->image->format);
  if (is_reference (d))
    out.sampling = WALLOC_SAMPLING_444;
  if (d->out_width == d->info.width && d->out_height == d->info.height &&
      d->out_scale == scale && d->out_sampling == out.sampling)
    return WALLOC_OK;
  walloc_decoder_unprepare_picture (d);
  result = walloc_packet_scratch_2d ((size_t) grid_width * WALLOC_CELL,
      LEVELS, &d->transform_floats, error);
  if (result != WALLOC_OK)
    return result;
  planes = out.sampling == WALLOC_SAMPLING_GRAY ? 64 :
      out.sampling == WALLOC_SAMPLING_420 ? 96 : WALLOC_COEF_PLANES;
  d->coef_stride = ((size_t) grid_width + WALLOC_LINEAR_BLOCK - 1) /
      WALLOC_LINEAR_BLOCK * WALLOC_LINEAR_BLOCK;
  rows = BAND_BYTES / (planes * d->coef_stride * sizeof *d->coef);
  rows = rows < MIN_BAND_ROWS ? MIN_BAND_ROWS : rows;
  /* periodic borders need both ends at once */
  d->band_rows = is_reference (d) || rows > grid_height ? grid_height :
      (unsigned) rows;
  d->halo = d->band_rows == grid_height ? 0 : HALO;
  d->coef_plane = d->coef_stride * (d->band_rows + 2 * d->halo);
  d->strip_rows = least (STRIP_ROWS, grid_height);
  d->strip_stride = (size_t) grid_width *WALLOC_CELL;
  d->half_rows = (size_t) d->strip_rows * 4 + 2 * MERGE_HALO;
  d->coef = walloc_mem_take (&d->mem, planes * d->coef_plane,
      sizeof *d->coef, &short_of);
  strip = d->strip_stride * d->strip_rows * WALLOC_CELL;
  for (i = 0; i < d->workers.count; i++) {
    w = &d->worker[i];
    w->values = walloc_mem_take (&d->mem, d->model->info.channels *
        d->coef_stride, sizeof *w->values, &short_of);
    for (k = 0; k < (out.sampling == WALLOC_SAMPLING_GRAY ? 1u : 3u); k++)
      w->strip[k] = walloc_mem_take (&d->mem, strip, sizeof *w->strip[k],
          &short_of);
    if (out.sampling == WALLOC_SAMPLING_422)
      w->half = walloc_mem_take (&d->mem, 4 * d->half_rows *
          d->strip_stride / 2, sizeof *w->half, &short_of);
    w->transform = walloc_mem_take (&d->mem, d->transform_floats,
        sizeof *w->transform, &short_of);
  }
  d->out_width = d->info.width;
  d->out_height = d->info.height;
  d->out_scale = scale;
  d->out_sampling = out.sampling;
  if (scale > 0)
    walloc_decoder_enlarge_prepare (d, &short_of);
  if (short_of) {
    walloc_decoder_unprepare_picture (d);
    return walloc_fail (error, WALLOC_ERR_MEMORY,
        "a picture of %ux%u needs more memory than the limit of %zu bytes",
        d->info.width, d->info.height, d->mem.a.limit);
  }
  return WALLOC_OK;
}

static void
make_row (void *data, unsigned index)
{
  walloc_decoder *d = data;
  unsigned slot = walloc_workers_take (&d->workers);
  walloc_decode_worker *w = &d->worker[slot];
  uint64_t start = walloc_now ();

  walloc_decoder_coefficients (d, w, d->coef_first + index);
  w->ns_network += walloc_now () - start;
  walloc_workers_give (&d->workers, slot);
}

/* Sample rows [first, end) of a packet that begins at a plane of coef. */
static walloc_result
synthesise (walloc_decoder * d, walloc_decode_worker * w, unsigned plane,
    size_t width, size_t height, unsigned levels, walloc_border border,
    unsigned first, unsigned end, float *out, size_t out_stride)
{
  const float *in = d->coef + plane * d->coef_plane -
      (ptrdiff_t) (d->coef_first * d->coef_stride);

  if (first >= end)
    return WALLOC_OK;
  return walloc_packet_synthesise_strip_2d (in, d->coef_stride,
      d->coef_plane, width, height, levels, border, first, end, out,
      out_stride, w->transform, d->transform_floats, NULL);
}

/* One component of 4:2:2 chroma: grid rows [first, end). */
static walloc_result
chroma_422 (walloc_decoder * d, walloc_decode_worker * w, float *out,
    unsigned plane, unsigned first, unsigned end)
{
  unsigned width = (d->layout.width + 1) / 2;
  unsigned half_height = d->layout.grid_height * 4, lo, hi, rows, b;
  size_t stride = d->strip_stride / 2, n, i, skip;
  float *band, *merged, scale;
  walloc_result result = WALLOC_OK;

  lo = first * 4 > MERGE_HALO ? first * 4 - MERGE_HALO : 0;
  hi = least (end * 4 + MERGE_HALO, half_height);
  n = d->half_rows * stride;
  for (b = 0; b < 2 && result == WALLOC_OK; b++) {
    band = w->half + b * n;
    result = synthesise (d, w, plane + 16 * b, width, half_height, 2,
        WALLOC_BORDER_SYMMETRIC, lo, hi, band, stride);
    scale = b == 0 ? SQRT2 : 1 / SQRT2;
    for (i = 0; i < (hi - lo) * stride; i++)
      band[i] *= scale;
  }
  if (result != WALLOC_OK)
    return result;
  merged = w->half + 2 * n;
  result = walloc_wavelet_merge_vertical (w->half, stride, n, width,
      2 * (size_t) (hi - lo), WALLOC_BORDER_SYMMETRIC, merged, stride,
      w->transform, d->transform_floats, NULL);
  if (result != WALLOC_OK)
    return result;
  skip = first * WALLOC_CELL - 2 * lo;
  rows = least (end * WALLOC_CELL, d->layout.height) - first * WALLOC_CELL;
  for (i = 0; i < rows; i++)
    memcpy (out + i * d->strip_stride, merged + (skip + i) * stride,
        width * sizeof *merged);
  return WALLOC_OK;
}

static walloc_result
chroma (walloc_decoder * d, walloc_decode_worker * w, unsigned index,
    float *out, unsigned first, unsigned end)
{
  const walloc_layout *l = &d->layout;
  unsigned plane = index == 1 ? 64 :
      d->out_sampling == WALLOC_SAMPLING_420 ? 80 : 128;
  unsigned half = (l->height + 1) / 2;

  switch (d->out_sampling) {
    case WALLOC_SAMPLING_420:
      return synthesise (d, w, plane, (l->width + 1) / 2, half, 2,
          WALLOC_BORDER_SYMMETRIC, least (first * 4, half),
          least (end * 4, half), out, d->strip_stride);
    case WALLOC_SAMPLING_422:
      return chroma_422 (d, w, out, plane, first, end);
    default:
      return synthesise (d, w, plane, l->width, l->height, LEVELS,
          WALLOC_BORDER_SYMMETRIC, first * WALLOC_CELL,
          least (end * WALLOC_CELL, l->height), out, d->strip_stride);
  }
}

walloc_result
walloc_decoder_put (const walloc_decoder * d, float *const strip[3],
    size_t stride, unsigned top, unsigned bottom)
{
  const walloc_image *image = d->image;
  unsigned rows = bottom - top, i, y, n;
  walloc_component c;
  walloc_pixel pixel;
  walloc_result result = WALLOC_OK;

  walloc_pixel_init (&pixel, image->format);
  if (pixel.rgb)
    return walloc_output_rgb (strip[0], strip[1], strip[2], stride,
        image->width, rows, 1.0f, 128.0f,
        image->plane[0] + (ptrdiff_t) top * image->stride[0],
        image->stride[0], pixel.step, pixel.offsets, pixel.fill, NULL);
  n = pixel.sampling == WALLOC_SAMPLING_GRAY ? 1 : 3;
  for (i = 0; i < n && result == WALLOC_OK; i++) {
    walloc_image_component (image, i, &c);
    y = i > 0 && pixel.sampling == WALLOC_SAMPLING_420 ? top / 2 : top;
    rows = (i > 0 && pixel.sampling == WALLOC_SAMPLING_420 ?
        (bottom + 1) / 2 : bottom) - y;
    result = walloc_output_u8 (strip[i], stride, c.width, rows,
        1.0f, 128.0f, c.data + (ptrdiff_t) y * c.stride, c.stride, c.step,
        NULL);
  }
  return result;
}

/* The reference kind's red, green, blue in -0.5..0.5 to the image. */
static walloc_result
put_rgb (walloc_decoder * d, walloc_decode_worker * w, unsigned first,
    unsigned end)
{
  const walloc_image *image = d->image;
  unsigned top = first * WALLOC_CELL, i, x, y;
  unsigned rows = least (end * WALLOC_CELL, image->height) - top;
  float *r = w->strip[0], *g = w->strip[1], *b = w->strip[2], luma;
  uint8_t *to;
  walloc_pixel pixel;
  walloc_result result = WALLOC_OK;

  walloc_pixel_init (&pixel, image->format);
  if (!pixel.rgb) {
    /* BT.601 full range, as transform/input.h has it the other way */
    for (i = 0; i < d->strip_stride * rows; i++) {
      luma = 0.299f * r[i] + 0.587f * g[i] + 0.114f * b[i];
      b[i] = (b[i] - luma) * (0.5f / 0.886f);
      g[i] = (r[i] - luma) * (0.5f / 0.701f);
      r[i] = luma;
    }
    for (i = 0; i < walloc_format_planes (image->format) &&
        result == WALLOC_OK; i++)
      result = walloc_output_u8 (i == 0 ? r : i == 1 ? b : g,
          d->strip_stride, image->width, rows, 255.0f,
          i == 0 ? 127.5f : 128.0f, image->plane[i] +
          (ptrdiff_t) top * image->stride[i], image->stride[i], 1, NULL);
    return result;
  }
  to = image->plane[0] + (ptrdiff_t) top *image->stride[0];
  for (i = 0; i < 3 && result == WALLOC_OK; i++)
    result = walloc_output_u8 (w->strip[i], d->strip_stride, image->width,
        rows, 255.0f, 127.5f, to + pixel.offsets[i], image->stride[0],
        pixel.step, NULL);
  if (pixel.fill < 0)
    return result;
  i = 6 - pixel.offsets[0] - pixel.offsets[1] - pixel.offsets[2];
  for (y = 0; y < rows; y++)
    for (x = 0; x < image->width; x++)
      to[(ptrdiff_t) y * image->stride[0] + (ptrdiff_t) (4 * x + i)] =
          (uint8_t) pixel.fill;
  return result;
}

static void
make_strip (void *data, unsigned index)
{
  walloc_decoder *d = data;
  const walloc_layout *l = &d->layout;
  unsigned slot = walloc_workers_take (&d->workers), i;
  walloc_decode_worker *w = &d->worker[slot];
  int whole = d->info.scale == 0;       /* straight to the image */
  unsigned first = d->band_first + index * d->strip_rows;
  unsigned end = least (first + d->strip_rows, d->band_end);
  unsigned top = first * WALLOC_CELL;
  unsigned bottom = least (end * WALLOC_CELL, l->height);
  uint64_t start = walloc_now ();
  walloc_result result = WALLOC_OK;

  if (is_reference (d)) {
    /* padded size: the wrap is around the samples that were coded */
    for (i = 0; i < 3 && result == WALLOC_OK; i++)
      result = synthesise (d, w, 64 * i, (size_t) l->grid_width *
          WALLOC_CELL, (size_t) l->grid_height * WALLOC_CELL, LEVELS,
          WALLOC_BORDER_PERIODIC, top, end * WALLOC_CELL, w->strip[i],
          d->strip_stride);
    if (result == WALLOC_OK)
      result = put_rgb (d, w, first, end);
  } else {
    result = synthesise (d, w, 0, l->width, l->height, LEVELS,
        WALLOC_BORDER_SYMMETRIC, top, bottom, whole ? w->strip[0] :
        d->small[0][0] + top * d->strip_stride, d->strip_stride);
    for (i = 1; i < 3 && result == WALLOC_OK &&
        d->out_sampling != WALLOC_SAMPLING_GRAY; i++)
      result = chroma (d, w, i, whole ? w->strip[i] : d->small[0][i] +
          (d->out_sampling == WALLOC_SAMPLING_420 ? top / 2 : top) *
          d->strip_stride, first, end);
    if (result == WALLOC_OK && whole)
      result = walloc_decoder_put (d, w->strip, d->strip_stride, top, bottom);
  }
  if (result != WALLOC_OK)
    atomic_store (&d->failed, result);
  w->ns_synthesis += walloc_now () - start;
  walloc_workers_give (&d->workers, slot);
}

walloc_result
walloc_decoder_reconstruct (walloc_decoder * d, walloc_error * error)
{
  unsigned height = d->layout.grid_height;
  walloc_result result;

  atomic_store (&d->failed, WALLOC_OK);
  for (d->band_first = 0; d->band_first < height; d->band_first = d->band_end) {
    d->band_end = least (d->band_first + d->band_rows, height);
    d->coef_first = d->band_first > d->halo ? d->band_first - d->halo : 0;
    d->coef_end = least (d->band_end + d->halo, height);
    walloc_parallel (&d->runner, make_row, d, d->coef_end - d->coef_first);
    walloc_parallel (&d->runner, make_strip, d,
        (d->band_end - d->band_first + d->strip_rows - 1) / d->strip_rows);
  }
  if (d->info.scale > 0)
    walloc_decoder_enlarge (d);
  result = (walloc_result) atomic_load (&d->failed);
  if (result != WALLOC_OK)
    return walloc_fail (error, result, "samples could not be made: %s",
        walloc_strerror (result));
  return WALLOC_OK;
}
