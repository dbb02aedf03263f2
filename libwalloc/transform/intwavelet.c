/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "transform/intwavelet.h"
#include "common/mem.h"
#include "transform/lifting.h"

#include <math.h>
#include <string.h>

walloc_result
walloc_int_scratch (size_t width, unsigned levels, size_t *bytes,
    walloc_error * error)
{
  if (bytes == NULL)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT, "no place for the size");
  *bytes = 0;
  if (width == 0 || levels > WALLOC_INT_MAX_LEVELS)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT,
        "no integer transform of width %zu at %u levels (at most %d)", width,
        levels, WALLOC_INT_MAX_LEVELS);
  *bytes = walloc_packet_scratch (width, levels, sizeof (int16_t));
  if (*bytes == 0)
    return walloc_fail (error, WALLOC_ERR_LIMIT,
        "width %zu is beyond the limit", width);
  return WALLOC_OK;
}

/* Does a walk over n things, stride apart, end within the address space? */
static int
fits (size_t n, size_t stride)
{
  return stride == 0 || n <= (size_t) PTRDIFF_MAX / sizeof (int16_t) / stride;
}

static walloc_result
check (const walloc_packet_shape * shape, const int16_t * in,
    size_t in_stride, size_t row_stride, const void *scratch,
    size_t scratch_bytes, walloc_error * error)
{
  size_t coarse_w, coarse_h, need;
  walloc_result result = walloc_int_scratch (shape->width, shape->levels,
      &need, error);

  if (result != WALLOC_OK)
    return result;
  coarse_h = walloc_packet_length (shape->height, shape->levels);
  coarse_w = shape->vertical_only ? shape->width
      : walloc_packet_length (shape->width, shape->levels);
  if (in == NULL)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT, "no samples given");
  if (coarse_h == 0)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT,
        "no integer transform of height %zu", shape->height);
  if (shape->first >= shape->end || shape->end > coarse_h)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT,
        "rows %zu to %zu are not within the %zu rows there are",
        shape->first, shape->end, coarse_h);
  if (in_stride < shape->width || row_stride < coarse_w
      || !fits (shape->height, in_stride)
      || !fits (shape->end - shape->first, row_stride))
    return walloc_fail (error, WALLOC_ERR_ARGUMENT,
        "rows are shorter than %zu and %zu, or do not fit in memory",
        shape->width, coarse_w);
  if (scratch == NULL || scratch_bytes < need)
    return walloc_fail (error, WALLOC_ERR_SPACE,
        "scratch has %zu bytes, needs %zu", scratch_bytes, need);
  return WALLOC_OK;
}

static void
run (const walloc_packet_shape * shape, const int16_t * in, size_t in_stride,
    walloc_planes * channels, size_t row_stride, void *scratch)
{
  walloc_planes picture;

  picture.data = (void *) in;
  picture.row_stride = in_stride;
  picture.plane_stride = 0;
  picture.planes = NULL;
  channels->row_stride = row_stride;
  walloc_packet_analysis (&walloc_int_analysis, shape, &picture, channels,
      scratch);
}

static walloc_result
split (const walloc_packet_shape * shape, const int16_t * in,
    size_t in_stride, int16_t * const *bands, unsigned count,
    size_t row_stride, void *scratch, size_t scratch_bytes,
    walloc_error * error)
{
  walloc_planes channels;
  walloc_result result;
  void *planes[4];
  unsigned i;

  result = check (shape, in, in_stride, row_stride, scratch, scratch_bytes,
      error);
  if (result != WALLOC_OK)
    return result;
  for (i = 0; i < count; i++) {
    if (bands == NULL || bands[i] == NULL)
      return walloc_fail (error, WALLOC_ERR_ARGUMENT, "no place for band %u",
          i);
    planes[i] = bands[i];
  }
  channels.data = NULL;
  channels.plane_stride = 0;
  channels.planes = planes;
  run (shape, in, in_stride, &channels, row_stride, scratch);
  return WALLOC_OK;
}

walloc_result
walloc_int_split_2d (const int16_t * in, size_t in_stride, size_t width,
    size_t height, size_t first, size_t end, int16_t * const bands[4],
    size_t row_stride, void *scratch, size_t scratch_bytes,
    walloc_error * error)
{
  walloc_packet_shape shape = { width, height, 1, WALLOC_BORDER_SYMMETRIC,
    0, first, end
  };

  return split (&shape, in, in_stride, bands, 4, row_stride, scratch,
      scratch_bytes, error);
}

/* Normalised band over integer band: sqrt (2) / K and -K / sqrt (2), and the
 * half scale of some high-pass values. */
static double
step_gain (int high, int halved)
{
  if (!high)
    return LIFT_LOW_GAIN;
  return (halved ? -2.0 : -1.0) / LIFT_LOW_GAIN;
}

double
walloc_int_gain (unsigned channel, unsigned levels)
{
  double gain = 1.0 / (1 << WALLOC_INT_FRACTION);
  unsigned l;

  if (levels > WALLOC_INT_MAX_LEVELS || channel >> (2 * levels) != 0)
    return NAN;
  /* the last level's band is the least significant digit */
  for (l = 0; l < levels; l++) {
    gain *= step_gain ((channel >> (2 * l)) & 1, 1);
    gain *= step_gain ((channel >> (2 * l)) & 2, l == 0 && levels > 1);
  }
  return gain;
}
