/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Vectors of 32 int16 in AVX-512 with BW. Internal. */
#ifndef WALLOC_TRANSFORM_SIMD_AVX512_H
#define WALLOC_TRANSFORM_SIMD_AVX512_H

#include <immintrin.h>
#include <stdint.h>

#include "transform/clones.h"

#define VEC __m512i
#define LANES 32
#define X(op) _mm512_##op
#define XS(op) _mm512_##op##_si512

#define w_min _mm512_min_epi32
#define w_abs _mm512_abs_epi32
#define w_mul _mm512_mullo_epi32

#include "transform/simd_x86.h"

WALLOC_INLINE vec
v_mul (vec a, vec b)
{
  return _mm512_mulhrs_epi16 (a, b);
}

WALLOC_INLINE vec
v_first (vec a)
{
  return _mm512_broadcastw_epi16 (_mm512_castsi512_si128 (a));
}

WALLOC_INLINE vec
v_left (vec before, vec a)
{
  return _mm512_alignr_epi8 (a, _mm512_alignr_epi64 (a, before, 6), 14);
}

WALLOC_INLINE vec
v_right (vec a, vec after)
{
  return _mm512_alignr_epi8 (_mm512_alignr_epi64 (after, a, 2), a, 2);
}

/* Elements of a, then of b: the even ones and the odd ones. */
WALLOC_INLINE void
v_unzip (vec a, vec b, vec * even, vec * odd)
{
  const vec order = _mm512_setr_epi64 (0, 2, 4, 6, 1, 3, 5, 7);
  vec low = _mm512_packs_epi32 (_mm512_srai_epi32 (_mm512_slli_epi32 (a, 16),
          16), _mm512_srai_epi32 (_mm512_slli_epi32 (b, 16), 16));
  vec high = _mm512_packs_epi32 (_mm512_srai_epi32 (a, 16),
      _mm512_srai_epi32 (b, 16));

  *even = _mm512_permutexvar_epi64 (order, low);
  *odd = _mm512_permutexvar_epi64 (order, high);
}

/* Quarter i of each of z[0], z[step], z[2 step], z[3 step], for i = 0..3. */
WALLOC_INLINE void
v_quarters (const vec * z, unsigned step, vec r[4])
{
  vec a = _mm512_shuffle_i32x4 (z[0], z[step], 0x44);
  vec b = _mm512_shuffle_i32x4 (z[0], z[step], 0xee);
  vec c = _mm512_shuffle_i32x4 (z[2 * step], z[3 * step], 0x44);
  vec d = _mm512_shuffle_i32x4 (z[2 * step], z[3 * step], 0xee);

  r[0] = _mm512_shuffle_i32x4 (a, c, 0x88);
  r[1] = _mm512_shuffle_i32x4 (a, c, 0xdd);
  r[2] = _mm512_shuffle_i32x4 (b, d, 0x88);
  r[3] = _mm512_shuffle_i32x4 (b, d, 0xdd);
}

WALLOC_INLINE void
v_split_8 (const uint8_t * in, vec out[8])
{
  vec z[4], r[4];
  unsigned i;

  for (i = 0; i < 4; i++)
    z[i] = _mm512_loadu_si512 (in + 64 * i);
  v_quarters (z, 1, r);
  v_transpose_8 (r, out);
}

WALLOC_INLINE void
v_split_4 (const uint8_t * in, vec out[4])
{
  vec a = _mm512_loadu_si512 (in), b = _mm512_loadu_si512 (in + 64);
  vec r[2] = { _mm512_shuffle_i32x4 (a, b, 0x88),
    _mm512_shuffle_i32x4 (a, b, 0xdd)
  };

  v_transpose_4 (r, out);
}

WALLOC_INLINE void
v_split_16 (const int16_t * in, vec out[8])
{
  vec z[8], r[8];
  unsigned i;

  for (i = 0; i < 8; i++)
    z[i] = v_loadu (in + 32 * i);
  v_quarters (z, 2, r);
  v_quarters (z + 1, 2, r + 4);
  v_transpose_16 (r, out);
}

/* As in simd_sse2.h. */
WALLOC_INLINE void
v_pixels (const uint8_t * in, unsigned step, vec * low, vec * high)
{
  const vec first = _mm512_setr_epi32 (0, 1, 2, 2, 6, 7, 8, 8, 12, 13, 14, 14,
      18, 19, 20, 20);
  const vec second = _mm512_setr_epi32 (3, 4, 5, 5, 9, 10, 11, 11, 15, 16, 17,
      17, 21, 22, 23, 23);
  const vec places = _mm512_broadcast_i32x4 (_mm_setr_epi8 (0, 1, 2, 15, 3, 4,
          5, 15, 6, 7, 8, 15, 9, 10, 11, 15));
  vec a = _mm512_loadu_si512 (in), b;

  if (step == 4) {
    b = _mm512_loadu_si512 (in + 64);
    *low = _mm512_shuffle_i32x4 (a, b, 0x88);
    *high = _mm512_shuffle_i32x4 (a, b, 0xdd);
    return;
  }
  b = _mm512_castsi256_si512 (_mm256_loadu_si256 ((const void *) (in + 64)));
  *low = _mm512_permutex2var_epi32 (a, first, b);
  *high = _mm512_permutex2var_epi32 (a, second, b);
  *low = _mm512_shuffle_epi8 (*low, places);
  *high = _mm512_shuffle_epi8 (*high, places);
}

#endif
