/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "transform/input.h"
#include "common/mem.h"
#include "transform/input_kernels.h"

#include <string.h>

/* Keeps every product of sizes below well inside of the address space. */
#define MAX_SIDE ((size_t) 1 << 30)

static walloc_result
check_picture (const uint8_t * data, ptrdiff_t stride, unsigned step,
    unsigned used, size_t width, size_t height, walloc_error * error)
{
  size_t span = stride < 0 ? (size_t) 0 - (size_t) stride : (size_t) stride;

  if (data == NULL)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT, "no picture given");
  if (width == 0 || height == 0 || width > MAX_SIDE || height > MAX_SIDE)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT,
        "a picture of %zux%zu is not possible", width, height);
  if (step < 1 || step > 4)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT,
        "%u bytes between pixels, not 1 to 4", step);
  /* the bytes beyond those used may be missing after the last pixel */
  if (height > 1 && (span < (width - 1) * step + used
          || span > (size_t) PTRDIFF_MAX / height))
    return walloc_fail (error, WALLOC_ERR_ARGUMENT,
        "a stride of %td does not fit rows of %zu pixels", stride, width);
  return WALLOC_OK;
}

static walloc_result
check_offsets (const unsigned *offsets, unsigned step, walloc_error * error)
{
  if (offsets == NULL || step < 3 || offsets[0] >= step || offsets[1] >= step
      || offsets[2] >= step || offsets[0] == offsets[1]
      || offsets[0] == offsets[2] || offsets[1] == offsets[2])
    return walloc_fail (error, WALLOC_ERR_ARGUMENT,
        "places of red, green and blue are not three of %u bytes", step);
  return WALLOC_OK;
}

static walloc_result
check_plane (const void *plane, size_t stride, size_t width, size_t height,
    walloc_error * error)
{
  if (plane == NULL)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT, "no plane given");
  if (height > MAX_SIDE || (height > 1 && (stride < width
              || stride > (size_t) PTRDIFF_MAX / sizeof (float) / height)))
    return walloc_fail (error, WALLOC_ERR_ARGUMENT,
        "a stride of %zu does not fit a plane of %zux%zu", stride, width,
        height);
  return WALLOC_OK;
}

static walloc_result
check_extension (size_t width, size_t height, size_t out_width,
    size_t out_height, walloc_error * error)
{
  if (out_width < width || out_height < height || out_width > MAX_SIDE)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT,
        "%zux%zu values cannot hold a picture of %zux%zu", out_width,
        out_height, width, height);
  return WALLOC_OK;
}

static void
extend_right (int16_t * row, size_t width, size_t out_width)
{
  size_t x;

  for (x = width; x < out_width; x++)
    row[x] = row[width - 1];
}

static void
extend_down (int16_t * plane, size_t stride, size_t height, size_t out_width,
    size_t out_height)
{
  const int16_t *last = plane + (height - 1) * stride;
  size_t y;

  for (y = height; y < out_height; y++)
    memcpy (plane + y * stride, last, out_width * sizeof *plane);
}

walloc_result
walloc_input_u8 (const uint8_t * data, ptrdiff_t stride, unsigned step,
    size_t width, size_t height, int16_t * out, size_t out_stride,
    size_t out_width, size_t out_height, walloc_error * error)
{
  walloc_result result;
  size_t y;

  result = check_picture (data, stride, step, 1, width, height, error);
  if (result == WALLOC_OK)
    result = check_extension (width, height, out_width, out_height, error);
  if (result == WALLOC_OK)
    result = check_plane (out, out_stride, out_width, out_height, error);
  if (result != WALLOC_OK)
    return result;
  for (y = 0; y < height; y++) {
    int16_t *row = out + y * out_stride;

    walloc_rows.from_u8 (data + (ptrdiff_t) y * stride, step, row, width);
    extend_right (row, width, out_width);
  }
  extend_down (out, out_stride, height, out_width, out_height);
  return WALLOC_OK;
}

walloc_result
walloc_input_rgb (const uint8_t * data, ptrdiff_t stride, unsigned step,
    const unsigned offsets[3], size_t width, size_t height, int16_t * y,
    int16_t * cb, int16_t * cr, size_t out_stride, size_t out_width,
    size_t out_height, walloc_error * error)
{
  /* columns red, green, blue; each row adds up to exactly 1 or 0 */
  static const int16_t jfif[3][3] = {
    {9798, 19235, 3735}, {-5529, -10855, 16384}, {16384, -13720, -2664}
  };
  int16_t coefs[3][4] = { {0} };
  walloc_result result;
  unsigned i, p;
  size_t row;

  result = check_picture (data, stride, step, step, width, height, error);
  if (result == WALLOC_OK)
    result = check_offsets (offsets, step, error);
  if (result == WALLOC_OK)
    result = check_extension (width, height, out_width, out_height, error);
  if (result == WALLOC_OK)
    result = check_plane (y, out_stride, out_width, out_height, error);
  if (result == WALLOC_OK && (cb == NULL || cr == NULL))
    result = walloc_fail (error, WALLOC_ERR_ARGUMENT, "no plane given");
  if (result != WALLOC_OK)
    return result;
  for (p = 0; p < 3; p++)
    for (i = 0; i < 3; i++)
      coefs[p][offsets[i]] = jfif[p][i];
  for (row = 0; row < height; row++) {
    size_t at = row * out_stride;

    walloc_rows.from_rgb (data + (ptrdiff_t) row * stride, step, coefs,
        y + at, cb + at, cr + at, width);
    extend_right (y + at, width, out_width);
    extend_right (cb + at, width, out_width);
    extend_right (cr + at, width, out_width);
  }
  extend_down (y, out_stride, height, out_width, out_height);
  extend_down (cb, out_stride, height, out_width, out_height);
  extend_down (cr, out_stride, height, out_width, out_height);
  return WALLOC_OK;
}

walloc_result
walloc_output_u8 (const float *in, size_t in_stride, size_t width,
    size_t height, float scale, float offset, uint8_t * data,
    ptrdiff_t stride, unsigned step, walloc_error * error)
{
  walloc_result result;
  size_t y;

  result = check_picture (data, stride, step, 1, width, height, error);
  if (result == WALLOC_OK)
    result = check_plane (in, in_stride, width, height, error);
  if (result != WALLOC_OK)
    return result;
  for (y = 0; y < height; y++)
    walloc_rows.to_u8 (in + y * in_stride, scale, offset,
        data + (ptrdiff_t) y * stride, step, width);
  return WALLOC_OK;
}

walloc_result
walloc_output_rgb (const float *y, const float *cb, const float *cr,
    size_t in_stride, size_t width, size_t height, float scale, float offset,
    uint8_t * data, ptrdiff_t stride, unsigned step,
    const unsigned offsets[3], int fill, walloc_error * error)
{
  /* rows red, green, blue; columns Cb, Cr */
  static const float jfif[3][2] = {
    {0.0f, 1.402f}, {-0.344136f, -0.714136f}, {1.772f, 0.0f}
  };
  float coefs[4][2] = { {0} };
  walloc_result result;
  unsigned i, other;
  size_t row;

  result = check_picture (data, stride, step, step, width, height, error);
  if (result == WALLOC_OK)
    result = check_offsets (offsets, step, error);
  if (result == WALLOC_OK)
    result = check_plane (y, in_stride, width, height, error);
  if (result == WALLOC_OK && (cb == NULL || cr == NULL))
    result = walloc_fail (error, WALLOC_ERR_ARGUMENT, "no plane given");
  if (result == WALLOC_OK && fill > 255)
    result = walloc_fail (error, WALLOC_ERR_ARGUMENT,
        "a byte cannot hold %d", fill);
  if (result != WALLOC_OK)
    return result;
  for (i = 0; i < 3; i++)
    memcpy (coefs[offsets[i]], jfif[i], sizeof jfif[i]);
  other = 6 - offsets[0] - offsets[1] - offsets[2];
  for (row = 0; row < height; row++) {
    size_t at = row * in_stride;

    walloc_rows.to_rgb (y + at, cb + at, cr + at, scale, offset, coefs, other,
        fill, data + (ptrdiff_t) row * stride, step, width);
  }
  return WALLOC_OK;
}
