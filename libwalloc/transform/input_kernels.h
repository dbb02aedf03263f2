/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rows of input.c. Internal. */
#ifndef WALLOC_TRANSFORM_INPUT_KERNELS_H
#define WALLOC_TRANSFORM_INPUT_KERNELS_H

#include <stddef.h>
#include <stdint.h>

/* A table, since functions with clones are exported whatever their
 * visibility. */
typedef struct
{
  void (*from_u8) (const uint8_t * in, unsigned step, int16_t * out,
      size_t n);

  /* coefs[plane][byte of the pixel], Q15; planes Y, Cb, Cr */
  void (*from_rgb) (const uint8_t * in, unsigned step, int16_t coefs[3][4],
      int16_t * y, int16_t * cb, int16_t * cr, size_t n);

  void (*to_u8) (const float *in, float scale, float offset, uint8_t * out,
      unsigned step, size_t n);

  /* Byte b of a pixel gets y + coefs[b][0] cb + coefs[b][1] cr, scaled; the
   * byte that is none of red, green and blue (step 4) gets fill, or nothing
   * when fill < 0. */
  void (*to_rgb) (const float *y, const float *cb, const float *cr,
      float scale, float offset, float coefs[4][2], unsigned other, int fill,
      uint8_t * out, unsigned step, size_t n);
} walloc_row_kernels;

extern const walloc_row_kernels walloc_rows;

#endif
