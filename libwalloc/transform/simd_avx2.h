/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Vectors of 16 int16 in AVX2. Internal. */
#ifndef WALLOC_TRANSFORM_SIMD_AVX2_H
#define WALLOC_TRANSFORM_SIMD_AVX2_H

#include <immintrin.h>
#include <stdint.h>

#include "transform/clones.h"

#define VEC __m256i
#define LANES 16
#define X(op) _mm256_##op
#define XS(op) _mm256_##op##_si256

#define w_min _mm256_min_epi32
#define w_abs _mm256_abs_epi32
#define w_mul _mm256_mullo_epi32

#include "transform/simd_x86.h"

WALLOC_INLINE vec
v_mul (vec a, vec b)
{
  return _mm256_mulhrs_epi16 (a, b);
}

WALLOC_INLINE vec
v_first (vec a)
{
  return _mm256_broadcastw_epi16 (_mm256_castsi256_si128 (a));
}

WALLOC_INLINE vec
v_left (vec before, vec a)
{
  return _mm256_alignr_epi8 (a, _mm256_permute2x128_si256 (before, a, 0x21),
      14);
}

WALLOC_INLINE vec
v_right (vec a, vec after)
{
  return _mm256_alignr_epi8 (_mm256_permute2x128_si256 (a, after, 0x21), a, 2);
}

/* Elements of a, then of b: the even ones and the odd ones. */
WALLOC_INLINE void
v_unzip (vec a, vec b, vec * even, vec * odd)
{
  vec low = _mm256_packs_epi32 (_mm256_srai_epi32 (_mm256_slli_epi32 (a, 16),
          16), _mm256_srai_epi32 (_mm256_slli_epi32 (b, 16), 16));
  vec high = _mm256_packs_epi32 (_mm256_srai_epi32 (a, 16),
      _mm256_srai_epi32 (b, 16));

  *even = _mm256_permute4x64_epi64 (low, 0xd8);
  *odd = _mm256_permute4x64_epi64 (high, 0xd8);
}

/* Rows 16 bytes long, so far apart that elements come out in order. */
WALLOC_INLINE vec
v_two_rows (const void *a, const void *b)
{
  return _mm256_inserti128_si256 (_mm256_castsi128_si256 (_mm_loadu_si128 (a)),
      _mm_loadu_si128 (b), 1);
}

WALLOC_INLINE void
v_split_8 (const uint8_t * in, vec out[8])
{
  vec r[4];
  unsigned i;

  for (i = 0; i < 4; i++)
    r[i] = v_two_rows (in + 16 * i, in + 64 + 16 * i);
  v_transpose_8 (r, out);
}

WALLOC_INLINE void
v_split_4 (const uint8_t * in, vec out[4])
{
  vec r[2] = { v_two_rows (in, in + 32), v_two_rows (in + 16, in + 48) };

  v_transpose_4 (r, out);
}

WALLOC_INLINE void
v_split_16 (const int16_t * in, vec out[8])
{
  vec r[8];
  unsigned i;

  for (i = 0; i < 8; i++)
    r[i] = v_two_rows (in + 8 * i, in + 64 + 8 * i);
  v_transpose_16 (r, out);
}

/* As in simd_sse2.h. */
WALLOC_INLINE void
v_pixels (const uint8_t * in, unsigned step, vec * low, vec * high)
{
  const vec places = _mm256_setr_epi8 (0, 1, 2, 15, 3, 4, 5, 15, 6, 7, 8, 15,
      9, 10, 11, 15, 0, 1, 2, 15, 3, 4, 5, 15, 6, 7, 8, 15, 9, 10, 11, 15);

  *low = v_two_rows (in, in + 8 * step);
  *high = v_two_rows (in + 4 * step, in + 12 * step);
  if (step == 3) {
    *low = _mm256_shuffle_epi8 (*low, places);
    *high = _mm256_shuffle_epi8 (*high, places);
  }
}

#endif
