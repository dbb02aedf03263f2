/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "transform/input_kernels.h"
#include "transform/clones.h"
#include "transform/intwavelet.h"

WALLOC_INLINE void
from_u8 (const uint8_t * in, unsigned step, int16_t * out, size_t n)
{
  size_t i;

  WALLOC_IVDEP for (i = 0; i < n; i++)
    out[i] = (int16_t) ((in[i * step] - 128) * (1 << WALLOC_INT_FRACTION));
}

/* A step that is constant in every loop lets the compiler use shuffles. */
WALLOC_CLONES static void
row_from_u8 (const uint8_t * in, unsigned step, int16_t * out, size_t n)
{
  switch (step) {
    case 1:
      from_u8 (in, 1, out, n);
      break;
    case 2:
      from_u8 (in, 2, out, n);
      break;
    case 3:
      from_u8 (in, 3, out, n);
      break;
    default:
      from_u8 (in, 4, out, n);
      break;
  }
}

#define RGB_SHIFT (15 - WALLOC_INT_FRACTION)
#define RGB_ROUND (1 << (RGB_SHIFT - 1))

WALLOC_INLINE int16_t
mix (const int16_t c[4], int16_t a, int16_t b, int16_t d, int16_t e)
{
  return (int16_t) (((int32_t) c[0] * a + (int32_t) c[1] * b
          + (int32_t) c[2] * d + (int32_t) c[3] * e + RGB_ROUND)
      >> RGB_SHIFT);
}

WALLOC_INLINE void
from_rgb (const uint8_t * in, unsigned step, int16_t coefs[3][4],
    int16_t * y, int16_t * cb, int16_t * cr, size_t n)
{
  int16_t ky[4], kb[4], kr[4];
  size_t i;

  for (i = 0; i < 4; i++) {
    ky[i] = coefs[0][i];
    kb[i] = coefs[1][i];
    kr[i] = coefs[2][i];
  }
  WALLOC_IVDEP for (i = 0; i < n; i++) {
    int16_t a = in[i * step], b = in[i * step + 1], d = in[i * step + 2];
    int16_t e = step == 4 ? in[i * step + 3] : 0;

    y[i] = (int16_t) (mix (ky, a, b, d, e) - (128 << WALLOC_INT_FRACTION));
    cb[i] = mix (kb, a, b, d, e);
    cr[i] = mix (kr, a, b, d, e);
  }
}

WALLOC_CLONES static void
row_from_rgb (const uint8_t * in, unsigned step, int16_t coefs[3][4],
    int16_t * y, int16_t * cb, int16_t * cr, size_t n)
{
  if (step == 3)
    from_rgb (in, 3, coefs, y, cb, cr, n);
  else
    from_rgb (in, 4, coefs, y, cb, cr, n);
}

/* NaN fails the first comparison and becomes 0. */
WALLOC_INLINE uint8_t
to_byte (float v)
{
  v = v > 0.0f ? v : 0.0f;
  v = v < 255.0f ? v : 255.0f;
  return (uint8_t) (int32_t) (v + 0.5f);
}

WALLOC_INLINE void
to_u8 (const float *in, float scale, float offset, uint8_t * out,
    unsigned step, size_t n)
{
  size_t i;

  WALLOC_IVDEP for (i = 0; i < n; i++)
    out[i * step] = to_byte (in[i] * scale + offset);
}

WALLOC_CLONES static void
row_to_u8 (const float *in, float scale, float offset, uint8_t * out,
    unsigned step, size_t n)
{
  if (step == 1)
    to_u8 (in, scale, offset, out, 1, n);
  else if (step == 2)
    to_u8 (in, scale, offset, out, 2, n);
  else
    to_u8 (in, scale, offset, out, step, n);
}

WALLOC_INLINE void
to_rgb (const float *y, const float *cb, const float *cr, float scale,
    float offset, float coefs[4][2], unsigned other, int fill, uint8_t * out,
    unsigned step, size_t n)
{
  float b0 = coefs[0][0], b1 = coefs[1][0], b2 = coefs[2][0];
  float r0 = coefs[0][1], r1 = coefs[1][1], r2 = coefs[2][1];
  float b3 = coefs[3][0], r3 = coefs[3][1];
  size_t i;

#define BYTE(k) \
  to_byte (((y[i] + b##k * cb[i]) + r##k * cr[i]) * scale + offset)
  WALLOC_IVDEP for (i = 0; i < n; i++) {
    uint8_t *p = out + i * step;
    uint8_t x = 0;

    if (step == 4)
      x = fill < 0 ? p[other] : (uint8_t) fill;
    p[0] = step == 4 && other == 0 ? x : BYTE (0);
    p[1] = step == 4 && other == 1 ? x : BYTE (1);
    p[2] = step == 4 && other == 2 ? x : BYTE (2);
    if (step == 4)
      p[3] = other == 3 ? x : BYTE (3);
  }
#undef BYTE
}

WALLOC_CLONES static void
row_to_rgb (const float *y, const float *cb, const float *cr,
    float scale, float offset, float coefs[4][2], unsigned other, int fill,
    uint8_t * out, unsigned step, size_t n)
{
#define TO(other_, fill_, step_) \
  to_rgb (y, cb, cr, scale, offset, coefs, other_, fill_, out, step_, n)
  if (step == 3)
    TO (3, 0, 3);
  else if (fill < 0)
    TO (other, -1, 4);
  else if (other == 3)
    TO (3, fill & 255, 4);
  else if (other == 0)
    TO (0, fill & 255, 4);
  else
    TO (other, fill & 255, 4);
#undef TO
}

const walloc_row_kernels walloc_rows = {
  row_from_u8, row_from_rgb, row_to_u8, row_to_rgb
};
