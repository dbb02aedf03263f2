/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From 8-bit pictures to the fixed-point planes that intwavelet.h takes, and
 * from float planes back to 8-bit pictures. Internal.
 *
 * Fixed point: sample v is (v - 128) << WALLOC_INT_FRACTION. Colour is BT.601
 * full range as in JFIF. Nothing here depends on the instruction set. Strides
 * of 8-bit pictures count bytes and may be negative (bottom-up pictures);
 * those of planes count elements. All functions do rows [0, height) from the
 * pointers given, so a caller makes strips by moving the pointers. */
#ifndef WALLOC_TRANSFORM_INPUT_H
#define WALLOC_TRANSFORM_INPUT_H

#include <walloc/walloc.h>

/* One 8-bit component of a picture: sample (x, y) is
 * data[y * stride + x * step], step 1 to 4. Writes out_width >= width by
 * out_height >= height values; what exceeds the picture repeats its last
 * column and row. Pass width and height for no extension. */
walloc_result walloc_input_u8 (const uint8_t * data, ptrdiff_t stride,
    unsigned step, size_t width, size_t height, int16_t * out,
    size_t out_stride, size_t out_width, size_t out_height,
    walloc_error * error);

/* Interleaved 8-bit RGB in any byte order to Y, Cb, Cr planes: red is at
 * data[y * stride + x * step + offsets[0]], then green, blue. step 3 or 4,
 * offsets distinct and below step. Extension as above. In grey levels
 *   Y  = ( 9798 R + 19235 G +  3735 B) / 2^15 - 128
 *   Cb = (-5529 R - 10855 G + 16384 B) / 2^15
 *   Cr = (16384 R - 13720 G -  2664 B) / 2^15
 * and the sum is rounded half up to the fixed-point grid. (JFIF adds 128 to
 * Cb and Cr, which the fixed-point form takes off again: grey is 0.) */
walloc_result walloc_input_rgb (const uint8_t * data, ptrdiff_t stride,
    unsigned step, const unsigned offsets[3], size_t width, size_t height,
    int16_t * y, int16_t * cb, int16_t * cr, size_t out_stride,
    size_t out_width, size_t out_height, walloc_error * error);

/* Float plane to one 8-bit component: v * scale + offset, rounded half up
 * and clamped to 0..255; NaN becomes 0. Planes in grey levels around 0 take
 * scale 1, offset 128; planes in [-0.5, 0.5] scale 255, offset 128, or 127.5
 * for the published models, which were trained on v / 255 - 0.5. */
walloc_result walloc_output_u8 (const float *in, size_t in_stride,
    size_t width, size_t height, float scale, float offset, uint8_t * data,
    ptrdiff_t stride, unsigned step, walloc_error * error);

/* Y, Cb, Cr float planes (grey levels around 0) to interleaved RGB:
 * R = Y + 1.402 Cr, G = Y - 0.344136 Cb - 0.714136 Cr, B = Y + 1.772 Cb,
 * then * scale + offset as above. fill >= 0 writes that value to the fourth
 * byte of pixels with step 4; -1 leaves it alone. */
walloc_result walloc_output_rgb (const float *y, const float *cb,
    const float *cr, size_t in_stride, size_t width, size_t height,
    float scale, float offset, uint8_t * data, ptrdiff_t stride,
    unsigned step, const unsigned offsets[3], int fill, walloc_error * error);

#endif
