/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The public float transform of 1-D signals: the horizontal filters of the
 * pictures' transform, level after level between two buffers. */
#include "common/mem.h"
#include "transform/lifting.h"

#include <string.h>

walloc_result
walloc_packet_scratch_1d (size_t length, unsigned levels, size_t *floats,
    walloc_error * error)
{
  uint64_t need;

  if (floats == NULL)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT, "no place for the size");
  *floats = 0;
  if (length == 0 || levels > WALLOC_WAVELET_MAX_LEVELS)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT,
        "no packet transform of %zu samples at %u levels (at most %d)",
        length, levels, WALLOC_WAVELET_MAX_LEVELS);
  if (length > WALLOC_WAVELET_MAX_LENGTH)
    return walloc_fail (error, WALLOC_ERR_LIMIT, "%zu samples at once", length);
  /* two buffers and what the filters need, for at most 2^30 + 2^12 each */
  need = 3 * ((uint64_t) walloc_packet_length (length, levels) << levels)
      + LIFT_TMP_EXTRA;
  if (need > PTRDIFF_MAX / sizeof (float))
    return walloc_fail (error, WALLOC_ERR_LIMIT,
        "%zu samples are beyond the address space", length);
  *floats = (size_t) need;
  return WALLOC_OK;
}

static walloc_result
check (const float *in, const float *out, size_t length, unsigned levels,
    walloc_border border, size_t channel_stride, const float *scratch,
    size_t scratch_floats, walloc_error * error)
{
  size_t need;
  walloc_result result = walloc_packet_scratch_1d (length, levels, &need,
      error);

  if (result != WALLOC_OK)
    return result;
  if (in == NULL || out == NULL)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT, "no samples given");
  if (border != WALLOC_BORDER_PERIODIC && border != WALLOC_BORDER_SYMMETRIC)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT, "border %d is unknown",
        (int) border);
  if (channel_stride < walloc_packet_length (length, levels)
      || channel_stride > (PTRDIFF_MAX / sizeof (float)) >> levels)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT,
        "%zu between channels, but each has %zu values", channel_stride,
        walloc_packet_length (length, levels));
  if (scratch == NULL || scratch_floats < need)
    return walloc_fail (error, WALLOC_ERR_SPACE,
        "scratch has %zu floats, needs %zu", scratch_floats, need);
  return WALLOC_OK;
}

walloc_result
walloc_packet_analyse_1d (const float *in, size_t length, unsigned levels,
    walloc_border border, float *out, size_t channel_stride, float *scratch,
    size_t scratch_floats, walloc_error * error)
{
  walloc_result result = check (in, out, length, levels, border,
      channel_stride, scratch, scratch_floats, error);
  size_t coarse, padded, i, band, width;
  float *from, *to, *tmp, *swap;
  unsigned l;

  if (result != WALLOC_OK)
    return result;
  if (levels == 0) {
    memcpy (out, in, length * sizeof *out);
    return WALLOC_OK;
  }
  coarse = walloc_packet_length (length, levels);
  padded = coarse << levels;
  from = scratch;
  to = scratch + padded;
  tmp = to + padded;
  memcpy (from, in, length * sizeof *from);
  for (i = length; i < padded; i++)
    from[i] = in[length - 1];
  for (l = 1; l <= levels; l++) {
    width = padded >> (l - 1);
    for (band = 0; band < (size_t) 1 << (l - 1); band++) {
      float *low = to + band * width, *high = low + width / 2;
      float scale_low = 1.0f, scale_high = 1.0f;

      if (l == levels) {
        low = out + 2 * band * channel_stride;
        high = low + channel_stride;
        scale_low = walloc_packet_scale (2 * band, levels, 0);
        scale_high = walloc_packet_scale (2 * band + 1, levels, 0);
      }
      walloc_float_analysis.horizontal (from + band * width, low, high, tmp,
          width / 2, border, 0, scale_low, scale_high);
    }
    swap = from;
    from = to;
    to = swap;
  }
  return WALLOC_OK;
}

walloc_result
walloc_packet_synthesise_1d (const float *in, size_t channel_stride,
    size_t length, unsigned levels, walloc_border border, float *out,
    float *scratch, size_t scratch_floats, walloc_error * error)
{
  walloc_result result = check (in, out, length, levels, border,
      channel_stride, scratch, scratch_floats, error);
  size_t coarse, padded, band, width;
  float *from, *to, *tmp, *swap;
  unsigned l;

  if (result != WALLOC_OK)
    return result;
  if (levels == 0) {
    memcpy (out, in, length * sizeof *out);
    return WALLOC_OK;
  }
  coarse = walloc_packet_length (length, levels);
  padded = coarse << levels;
  from = scratch;
  to = scratch + padded;
  tmp = to + padded;
  for (l = levels; l >= 1; l--) {
    width = padded >> (l - 1);
    for (band = 0; band < (size_t) 1 << (l - 1); band++) {
      const float *low = from + band * width, *high = low + width / 2;
      float scale_low = 1.0f, scale_high = 1.0f;

      if (l == levels) {
        low = in + 2 * band * channel_stride;
        high = low + channel_stride;
        scale_low = walloc_packet_scale (2 * band, levels, 1);
        scale_high = walloc_packet_scale (2 * band + 1, levels, 1);
      }
      walloc_float_synthesis.exactly (low, high, to + band * width, tmp,
          width / 2, border, scale_low, scale_high);
    }
    swap = from;
    from = to;
    to = swap;
  }
  memcpy (out, from, length * sizeof *out);
  return WALLOC_OK;
}
