/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Vectors of 8 int16 in SSE2, which every x86-64 has. Internal. */
#ifndef WALLOC_TRANSFORM_SIMD_SSE2_H
#define WALLOC_TRANSFORM_SIMD_SSE2_H

#include <emmintrin.h>
#include <stdint.h>
#include <string.h>

#include "transform/clones.h"

#define VEC __m128i
#define LANES 8
#define X(op) _mm_##op
#define XS(op) _mm_##op##_si128

WALLOC_INLINE __m128i
w_min (__m128i a, __m128i b)
{
  __m128i less = _mm_cmplt_epi32 (a, b);

  return _mm_or_si128 (_mm_and_si128 (less, a), _mm_andnot_si128 (less, b));
}

WALLOC_INLINE __m128i
w_abs (__m128i a)
{
  __m128i sign = _mm_srai_epi32 (a, 31);

  return _mm_sub_epi32 (_mm_xor_si128 (a, sign), sign);
}

/* Low halves of products of 32 bits: even and odd elements apart. */
WALLOC_INLINE __m128i
w_mul (__m128i a, __m128i b)
{
  __m128i even = _mm_mul_epu32 (a, b);
  __m128i odd = _mm_mul_epu32 (_mm_srli_epi64 (a, 32), _mm_srli_epi64 (b, 32));

  return _mm_unpacklo_epi32 (_mm_shuffle_epi32 (even, 0x08),
      _mm_shuffle_epi32 (odd, 0x08));
}

#include "transform/simd_x86.h"

/* (a * b + 2^14) >> 15: twice the high half, and what the low half adds. */
WALLOC_INLINE vec
v_mul (vec a, vec b)
{
  vec high = _mm_mulhi_epi16 (a, b);
  vec low = _mm_srli_epi16 (_mm_mullo_epi16 (a, b), 14);

  return _mm_add_epi16 (_mm_add_epi16 (high, high),
      _mm_avg_epu16 (low, _mm_setzero_si128 ()));
}

WALLOC_INLINE vec
v_first (vec a)
{
  a = _mm_shufflelo_epi16 (a, 0);
  return _mm_shuffle_epi32 (a, 0);
}

/* Elements one to the left: the last of before, then those of a. */
WALLOC_INLINE vec
v_left (vec before, vec a)
{
  return _mm_or_si128 (_mm_srli_si128 (before, 14), _mm_slli_si128 (a, 2));
}

WALLOC_INLINE vec
v_right (vec a, vec after)
{
  return _mm_or_si128 (_mm_srli_si128 (a, 2), _mm_slli_si128 (after, 14));
}

/* Elements of a, then of b: the even ones and the odd ones. */
WALLOC_INLINE void
v_unzip (vec a, vec b, vec * even, vec * odd)
{
  *even = _mm_packs_epi32 (_mm_srai_epi32 (_mm_slli_epi32 (a, 16), 16),
      _mm_srai_epi32 (_mm_slli_epi32 (b, 16), 16));
  *odd = _mm_packs_epi32 (_mm_srai_epi32 (a, 16), _mm_srai_epi32 (b, 16));
}

WALLOC_INLINE void
v_split_8 (const uint8_t * in, vec out[8])
{
  const __m128i *p = (const __m128i *) (const void *) in;
  vec r[4];
  unsigned i;

  for (i = 0; i < 4; i++)
    r[i] = _mm_loadu_si128 (p + i);
  v_transpose_8 (r, out);
}

WALLOC_INLINE void
v_split_4 (const uint8_t * in, vec out[4])
{
  const __m128i *p = (const __m128i *) (const void *) in;
  vec r[2] = { _mm_loadu_si128 (p), _mm_loadu_si128 (p + 1) };

  v_transpose_4 (r, out);
}

WALLOC_INLINE void
v_split_16 (const int16_t * in, vec out[8])
{
  vec r[8];
  unsigned i;

  for (i = 0; i < 8; i++)
    r[i] = v_loadu (in + 8 * i);
  v_transpose_16 (r, out);
}

/* LANES pixels to 4 bytes each, as w_pack() wants them; pixels of 3 bytes may
 * read 4 more. */
WALLOC_INLINE void
v_pixels (const uint8_t * in, unsigned step, vec * low, vec * high)
{
  int32_t p[8];
  unsigned i;

  for (i = 0; i < 8; i++)
    memcpy (&p[i], in + step * i, 4);
  *low = _mm_loadu_si128 ((const void *) p);
  *high = _mm_loadu_si128 ((const void *) (p + 4));
}

#endif
