/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Vectors of 8 int16 in NEON, which every 64-bit Arm has. Internal. */
#ifndef WALLOC_TRANSFORM_SIMD_NEON_H
#define WALLOC_TRANSFORM_SIMD_NEON_H

#include <arm_neon.h>
#include <stdint.h>
#include <string.h>

#include "transform/clones.h"

#define LANES 8

typedef int16x8_t vec;
typedef int32x4_t wide;
typedef int16x4_t weight;       /* two of them */

WALLOC_INLINE vec
v_load (const int16_t * p)
{
  return vld1q_s16 (p);
}

#define v_loadu v_load

WALLOC_INLINE void
v_store (int16_t * p, vec a)
{
  vst1q_s16 (p, a);
}

#define v_storeu v_store

WALLOC_INLINE vec
v_splat (int16_t a)
{
  return vdupq_n_s16 (a);
}

WALLOC_INLINE vec
v_zero (void)
{
  return vdupq_n_s16 (0);
}

WALLOC_INLINE vec
v_add (vec a, vec b)
{
  return vaddq_s16 (a, b);
}

WALLOC_INLINE vec
v_sub (vec a, vec b)
{
  return vsubq_s16 (a, b);
}

WALLOC_INLINE vec
v_min (vec a, vec b)
{
  return vminq_s16 (a, b);
}

WALLOC_INLINE vec
v_max (vec a, vec b)
{
  return vmaxq_s16 (a, b);
}

/* As in simd_x86.h, and below. */
WALLOC_INLINE vec
v_bytes (const uint8_t * p)
{
  return vreinterpretq_s16_u8 (vld1q_u8 (p));
}

WALLOC_INLINE void
v_unzip (vec a, vec b, vec * even, vec * odd)
{
  *even = vuzp1q_s16 (a, b);
  *odd = vuzp2q_s16 (a, b);
}

/* Saturates for -2^15 times -2^15 only, which does not occur. */
WALLOC_INLINE vec
v_mul (vec a, vec b)
{
  return vqrdmulhq_s16 (a, b);
}

WALLOC_INLINE vec
v_select (vec mask, vec a, vec b)
{
  return vbslq_s16 (vreinterpretq_u16_s16 (mask), b, a);
}

WALLOC_INLINE vec
v_first (vec a)
{
  return vdupq_laneq_s16 (a, 0);
}

WALLOC_INLINE vec
v_left (vec before, vec a)
{
  return vextq_s16 (before, a, 7);
}

WALLOC_INLINE vec
v_right (vec a, vec after)
{
  return vextq_s16 (a, after, 1);
}

/* There is no sum of pairs of products: the two stay apart. */
WALLOC_INLINE void
v_store_pair (int16_t * p, vec a, vec b)
{
  v_store (p, a);
  v_store (p + LANES, b);
}

WALLOC_INLINE wide
w_zero (void)
{
  return vdupq_n_s32 (0);
}

WALLOC_INLINE weight
w_weight (const int32_t * pair)
{
  return vreinterpret_s16_s32 (vdup_n_s32 (*pair));
}

WALLOC_INLINE void
v_dot (wide * low, wide * high, vec p0, vec p1, weight w)
{
  *low = vmlal_lane_s16 (*low, vget_low_s16 (p0), w, 0);
  *high = vmlal_lane_s16 (*high, vget_high_s16 (p0), w, 0);
  *low = vmlal_lane_s16 (*low, vget_low_s16 (p1), w, 1);
  *high = vmlal_lane_s16 (*high, vget_high_s16 (p1), w, 1);
}

WALLOC_INLINE wide
w_splat (int32_t a)
{
  return vdupq_n_s32 (a);
}

WALLOC_INLINE wide
w_add (wide a, wide b)
{
  return vaddq_s32 (a, b);
}

WALLOC_INLINE wide
w_shift (wide a, unsigned down)
{
  return vshlq_s32 (a, vdupq_n_s32 (-(int32_t) down));
}

WALLOC_INLINE wide
w_level (wide y, int32_t limit, uint32_t factor, uint32_t offset,
    unsigned shift)
{
  uint32x4_t a = vreinterpretq_u32_s32 (vminq_s32 (vabsq_s32 (y),
          vdupq_n_s32 (limit)));

  a = vmlaq_u32 (vdupq_n_u32 (offset), a, vdupq_n_u32 (factor));
  return vreinterpretq_s32_u32 (vshlq_u32 (a, vdupq_n_s32 (-(int) shift)));
}

WALLOC_INLINE vec
w_pack (wide low, wide high)
{
  return vcombine_s16 (vqmovn_s32 (low), vqmovn_s32 (high));
}

WALLOC_INLINE vec
v_signed (vec a, int16_t limit, vec y)
{
  vec sign = vshrq_n_s16 (y, 15);

  a = vminq_s16 (a, vdupq_n_s16 (limit));
  return vsubq_s16 (veorq_s16 (a, sign), sign);
}

/* Bytes to (x - 128) << 4. */
WALLOC_INLINE vec
v_sample (uint8x8_t a)
{
  return vsubq_s16 (vreinterpretq_s16_u16 (vshll_n_u8 (a, 4)),
      vdupq_n_s16 (2048));
}

WALLOC_INLINE vec
v_low_bytes (vec a)
{
  return v_sample (vmovn_u16 (vreinterpretq_u16_s16 (a)));
}

WALLOC_INLINE vec
v_high_bytes (vec a)
{
  return v_sample (vshrn_n_u16 (vreinterpretq_u16_s16 (a), 8));
}

WALLOC_INLINE void
v_split_8 (const uint8_t * in, vec out[8])
{
  uint8x16x4_t r = vld4q_u8 (in);
  unsigned i;

  for (i = 0; i < 4; i++) {
    uint16x8_t both = vreinterpretq_u16_u8 (r.val[i]);

    out[i] = v_sample (vmovn_u16 (both));
    out[i + 4] = v_sample (vshrn_n_u16 (both, 8));
  }
}

WALLOC_INLINE void
v_split_4 (const uint8_t * in, vec out[4])
{
  uint8x8x4_t r = vld4_u8 (in);
  unsigned i;

  for (i = 0; i < 4; i++)
    out[i] = v_sample (r.val[i]);
}

WALLOC_INLINE void
v_split_16 (const int16_t * in, vec out[8])
{
  int16x8x4_t a = vld4q_s16 (in), b = vld4q_s16 (in + 32);
  unsigned i;

  for (i = 0; i < 4; i++) {
    out[i] = vuzp1q_s16 (a.val[i], b.val[i]);
    out[i + 4] = vuzp2q_s16 (a.val[i], b.val[i]);
  }
}

/* As in simd_sse2.h. */
WALLOC_INLINE void
v_pixels (const uint8_t * in, unsigned step, vec * low, vec * high)
{
  static const uint8_t places[16] = { 0, 1, 2, 255, 3, 4, 5, 255, 6, 7, 8, 255,
    9, 10, 11, 255
  };
  uint8x16_t a = vld1q_u8 (in), b = vld1q_u8 (in + 4 * step);

  if (step == 3) {
    a = vqtbl1q_u8 (a, vld1q_u8 (places));
    b = vqtbl1q_u8 (b, vld1q_u8 (places));
  }
  *low = vreinterpretq_s16_u8 (a);
  *high = vreinterpretq_s16_u8 (b);
}

WALLOC_INLINE wide
w_mix (vec pixels, vec w02, vec w13)
{
  vec even = vandq_s16 (pixels, vdupq_n_s16 (255));
  vec odd = vreinterpretq_s16_u16 (vshrq_n_u16 (vreinterpretq_u16_s16 (pixels),
          8));
  int32x4_t low = vmull_s16 (vget_low_s16 (even), vget_low_s16 (w02));
  int32x4_t high = vmull_s16 (vget_high_s16 (even), vget_high_s16 (w02));

  low = vmlal_s16 (low, vget_low_s16 (odd), vget_low_s16 (w13));
  high = vmlal_s16 (high, vget_high_s16 (odd), vget_high_s16 (w13));
  return vrshrq_n_s32 (vpaddq_s32 (low, high), 11);
}


#endif
