/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The public float transform: checks, then the streaming drivers. */
#include "common/mem.h"
#include "transform/lifting.h"

#include <string.h>

size_t
walloc_packet_length (size_t length, unsigned levels)
{
  if (length == 0 || length > WALLOC_WAVELET_MAX_LENGTH
      || levels > WALLOC_WAVELET_MAX_LEVELS)
    return 0;
  return (length + ((size_t) 1 << levels) - 1) >> levels;
}

walloc_result
walloc_packet_scratch_2d (size_t width, unsigned levels, size_t *floats,
    walloc_error * error)
{
  size_t bytes, other;

  if (floats == NULL)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT, "no place for the size");
  *floats = 0;
  if (width == 0 || levels > WALLOC_WAVELET_MAX_LEVELS)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT,
        "no packet transform of width %zu at %u levels (at most %d)", width,
        levels, WALLOC_WAVELET_MAX_LEVELS);
  bytes = walloc_packet_scratch (width, levels, sizeof (float));
  other = walloc_packet_synthesis_scratch (width, levels);
  if (bytes == 0 || other == 0)
    return walloc_fail (error, WALLOC_ERR_LIMIT,
        "width %zu at %u levels is beyond the address space", width, levels);
  *floats = (bytes > other ? bytes : other) / sizeof (float) + 1;
  return WALLOC_OK;
}

/* Does a walk over n things, stride apart, end within the address space? */
static int
fits (size_t n, size_t stride, size_t size)
{
  return stride == 0 || n <= (size_t) PTRDIFF_MAX / size / stride;
}

static walloc_result
check_shape (const walloc_packet_shape * shape, size_t rows, size_t coarse_w,
    size_t coarse_h, const void *in, const void *out, size_t picture_stride,
    size_t row_stride, size_t plane_stride, walloc_error * error)
{
  size_t channels = shape->vertical_only ? 2
      : (size_t) 1 << (2 * shape->levels);

  if (in == NULL || out == NULL)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT, "no samples given");
  if (shape->border != WALLOC_BORDER_PERIODIC
      && shape->border != WALLOC_BORDER_SYMMETRIC)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT, "border %d is unknown",
        (int) shape->border);
  if (coarse_w == 0 || coarse_h == 0)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT,
        "no packet transform of %zux%zu samples at %u levels", shape->width,
        shape->height, shape->levels);
  if (shape->first >= shape->end || shape->end > rows)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT,
        "rows %zu to %zu are not within the %zu rows there are",
        shape->first, shape->end, rows);
  if (picture_stride < shape->width || row_stride < coarse_w
      || !fits (coarse_h, row_stride, sizeof (float))
      || !fits (shape->height, picture_stride, sizeof (float)))
    return walloc_fail (error, WALLOC_ERR_ARGUMENT,
        "rows are shorter than %zu and %zu, or do not fit in memory",
        shape->width, coarse_w);
  if (!fits (channels, plane_stride, sizeof (float)))
    return walloc_fail (error, WALLOC_ERR_ARGUMENT,
        "%zu channels do not fit in memory", channels);
  return WALLOC_OK;
}

static walloc_result
check_scratch (size_t width, unsigned levels, const float *scratch,
    size_t scratch_floats, walloc_error * error)
{
  size_t need;
  walloc_result result = walloc_packet_scratch_2d (width, levels, &need,
      error);

  if (result != WALLOC_OK)
    return result;
  if (scratch == NULL || scratch_floats < need)
    return walloc_fail (error, WALLOC_ERR_SPACE,
        "scratch has %zu floats, needs %zu", scratch_floats, need);
  return WALLOC_OK;
}

static void
copy_rows (const float *in, size_t in_stride, float *out, size_t out_stride,
    size_t width, size_t rows)
{
  size_t y;

  for (y = 0; y < rows; y++)
    memcpy (out + y * out_stride, in + y * in_stride, width * sizeof *out);
}

static walloc_result
analyse (const walloc_packet_shape * shape, const float *in, size_t in_stride,
    float *out, size_t row_stride, size_t plane_stride, float *scratch,
    size_t scratch_floats, walloc_error * error)
{
  size_t coarse_h = walloc_packet_length (shape->height, shape->levels);
  size_t coarse_w = shape->vertical_only ? shape->width
      : walloc_packet_length (shape->width, shape->levels);
  size_t rows = shape->end > shape->first ? shape->end - shape->first : 0;
  walloc_planes picture, channels;
  walloc_result result;

  result = check_shape (shape, coarse_h, coarse_w, coarse_h, in, out,
      in_stride, row_stride, plane_stride, error);
  if (result == WALLOC_OK)
    result = check_scratch (shape->width, shape->levels, scratch,
        scratch_floats, error);
  if (result != WALLOC_OK)
    return result;
  if (shape->levels > 0 && plane_stride / row_stride < rows
      && plane_stride < (rows - 1) * row_stride + coarse_w)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT,
        "channels overlap: %zu apart, %zu rows of %zu", plane_stride, rows,
        row_stride);
  if (shape->levels == 0) {
    copy_rows (in + shape->first * in_stride, in_stride, out, row_stride,
        shape->width, rows);
    return WALLOC_OK;
  }
  picture.data = (void *) in;
  picture.row_stride = in_stride;
  picture.plane_stride = 0;
  channels.data = out;
  channels.row_stride = row_stride;
  channels.plane_stride = plane_stride;
  walloc_packet_analysis (&walloc_float_analysis, shape, &picture, &channels,
      scratch);
  return WALLOC_OK;
}

static walloc_result
synthesise (const walloc_packet_shape * shape, const float *in,
    size_t row_stride, size_t plane_stride, float *out, size_t out_stride,
    float *scratch, size_t scratch_floats, walloc_error * error)
{
  size_t coarse_h = walloc_packet_length (shape->height, shape->levels);
  size_t coarse_w = shape->vertical_only ? shape->width
      : walloc_packet_length (shape->width, shape->levels);
  walloc_planes picture, channels;
  walloc_result result;

  result = check_shape (shape, shape->height, coarse_w, coarse_h, in, out,
      out_stride, row_stride, plane_stride, error);
  if (result == WALLOC_OK)
    result = check_scratch (shape->width, shape->levels, scratch,
        scratch_floats, error);
  if (result != WALLOC_OK)
    return result;
  if (shape->levels == 0) {
    copy_rows (in + shape->first * row_stride, row_stride, out, out_stride,
        shape->width, shape->end - shape->first);
    return WALLOC_OK;
  }
  channels.data = (void *) in;
  channels.row_stride = row_stride;
  channels.plane_stride = plane_stride;
  picture.data = out;
  picture.row_stride = out_stride;
  picture.plane_stride = 0;
  walloc_packet_synthesis (&walloc_float_synthesis, shape, &channels,
      &picture, scratch);
  return WALLOC_OK;
}

walloc_result
walloc_packet_analyse_strip_2d (const float *in, size_t in_stride,
    size_t width, size_t height, unsigned levels, walloc_border border,
    size_t first, size_t end, float *out, size_t row_stride,
    size_t plane_stride, float *scratch, size_t scratch_floats,
    walloc_error * error)
{
  walloc_packet_shape shape = { width, height, levels, border, 0, first, end };

  if (levels > WALLOC_WAVELET_MAX_LEVELS)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT, "%u levels, at most %d",
        levels, WALLOC_WAVELET_MAX_LEVELS);
  return analyse (&shape, in, in_stride, out, row_stride, plane_stride,
      scratch, scratch_floats, error);
}

walloc_result
walloc_packet_analyse_2d (const float *in, size_t in_stride, size_t width,
    size_t height, unsigned levels, walloc_border border, float *out,
    size_t row_stride, size_t plane_stride, float *scratch,
    size_t scratch_floats, walloc_error * error)
{
  return walloc_packet_analyse_strip_2d (in, in_stride, width, height, levels,
      border, 0, walloc_packet_length (height, levels), out, row_stride,
      plane_stride, scratch, scratch_floats, error);
}

walloc_result
walloc_packet_synthesise_strip_2d (const float *in, size_t row_stride,
    size_t plane_stride, size_t width, size_t height, unsigned levels,
    walloc_border border, size_t first, size_t end, float *out,
    size_t out_stride, float *scratch, size_t scratch_floats,
    walloc_error * error)
{
  walloc_packet_shape shape = { width, height, levels, border, 0, first, end };

  if (levels > WALLOC_WAVELET_MAX_LEVELS)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT, "%u levels, at most %d",
        levels, WALLOC_WAVELET_MAX_LEVELS);
  return synthesise (&shape, in, row_stride, plane_stride, out, out_stride,
      scratch, scratch_floats, error);
}

walloc_result
walloc_packet_synthesise_2d (const float *in, size_t row_stride,
    size_t plane_stride, size_t width, size_t height, unsigned levels,
    walloc_border border, float *out, size_t out_stride, float *scratch,
    size_t scratch_floats, walloc_error * error)
{
  return walloc_packet_synthesise_strip_2d (in, row_stride, plane_stride,
      width, height, levels, border, 0, height, out, out_stride, scratch,
      scratch_floats, error);
}

walloc_result
walloc_wavelet_split_vertical (const float *in, size_t in_stride,
    size_t width, size_t height, walloc_border border, float *out,
    size_t row_stride, size_t plane_stride, float *scratch,
    size_t scratch_floats, walloc_error * error)
{
  walloc_packet_shape shape = { width, height, 1, border, 1, 0,
    walloc_packet_length (height, 1)
  };

  return analyse (&shape, in, in_stride, out, row_stride, plane_stride,
      scratch, scratch_floats, error);
}

walloc_result
walloc_wavelet_merge_vertical (const float *in, size_t row_stride,
    size_t plane_stride, size_t width, size_t height, walloc_border border,
    float *out, size_t out_stride, float *scratch, size_t scratch_floats,
    walloc_error * error)
{
  walloc_packet_shape shape = { width, height, 1, border, 1, 0, height };

  return synthesise (&shape, in, row_stride, plane_stride, out, out_stride,
      scratch, scratch_floats, error);
}
