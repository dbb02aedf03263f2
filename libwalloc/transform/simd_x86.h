/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the three register widths of x86 have in common. The file that
 * includes this names the vector type and its functions:
 *   VEC, LANES, X(op) for an intrinsic without suffix, XS(op) for one that
 *   ends in _si128, _si256 or _si512. Internal. */
#ifndef WALLOC_TRANSFORM_SIMD_X86_H
#define WALLOC_TRANSFORM_SIMD_X86_H

#include "transform/clones.h"

typedef VEC vec;                /* LANES int16 */
typedef VEC wide;               /* LANES / 2 int32 */

WALLOC_INLINE vec
v_load (const int16_t * p)
{
  return XS (load) ((const void *) p);
}

WALLOC_INLINE vec
v_loadu (const int16_t * p)
{
  return XS (loadu) ((const void *) p);
}

WALLOC_INLINE void
v_store (int16_t * p, vec a)
{
  XS (store) ((void *) p, a);
}

WALLOC_INLINE void
v_storeu (int16_t * p, vec a)
{
  XS (storeu) ((void *) p, a);
}

WALLOC_INLINE vec
v_splat (int16_t a)
{
  return X (set1_epi16) (a);
}

WALLOC_INLINE vec
v_zero (void)
{
  return XS (setzero) ();
}

WALLOC_INLINE vec
v_add (vec a, vec b)
{
  return X (add_epi16) (a, b);
}

WALLOC_INLINE vec
v_sub (vec a, vec b)
{
  return X (sub_epi16) (a, b);
}

WALLOC_INLINE vec
v_min (vec a, vec b)
{
  return X (min_epi16) (a, b);
}

WALLOC_INLINE vec
v_max (vec a, vec b)
{
  return X (max_epi16) (a, b);
}

/* 2 LANES bytes */
WALLOC_INLINE vec
v_bytes (const uint8_t * p)
{
  return XS (loadu) ((const void *) p);
}

/* b where mask is all ones, a where it is 0 */
WALLOC_INLINE vec
v_select (vec mask, vec a, vec b)
{
  return XS (or) (XS (andnot) (mask, a), XS (and) (mask, b));
}

/* a0 b0 a1 b1 ... within each 128 bits: what v_dot() takes */
WALLOC_INLINE void
v_store_pair (int16_t * p, vec a, vec b)
{
  v_store (p, X (unpacklo_epi16) (a, b));
  v_store (p + LANES, X (unpackhi_epi16) (a, b));
}

WALLOC_INLINE wide
w_zero (void)
{
  return XS (setzero) ();
}

typedef vec weight;

WALLOC_INLINE weight
w_weight (const int32_t * pair)
{
  return X (set1_epi32) (*pair);
}

WALLOC_INLINE wide
w_madd (wide sum, vec pairs, vec w)
{
#ifdef USE_VNNI
  return X (dpwssd_epi32) (sum, pairs, w);
#else
  return X (add_epi32) (sum, X (madd_epi16) (pairs, w));
#endif
}

WALLOC_INLINE void
v_dot (wide * low, wide * high, vec p0, vec p1, weight w)
{
  *low = w_madd (*low, p0, w);
  *high = w_madd (*high, p1, w);
}

WALLOC_INLINE wide
w_splat (int32_t a)
{
  return X (set1_epi32) (a);
}

WALLOC_INLINE wide
w_add (wide a, wide b)
{
  return X (add_epi32) (a, b);
}

WALLOC_INLINE wide
w_shift (wide a, unsigned down)
{
  return X (sra_epi32) (a, _mm_cvtsi32_si128 ((int) down));
}

/* (min (|y|, limit) * factor + offset) >> shift, which fits in 32 bits
 * unsigned */
WALLOC_INLINE wide
w_level (wide y, int32_t limit, uint32_t factor, uint32_t offset,
    unsigned shift)
{
  wide a = w_min (w_abs (y), w_splat (limit));

  a = w_add (w_mul (a, w_splat ((int32_t) factor)), w_splat ((int32_t)
          offset));
  return X (srl_epi32) (a, _mm_cvtsi32_si128 ((int) shift));
}

/* Elements of the two sums of a v_dot() side by side again; saturates. */
WALLOC_INLINE vec
w_pack (wide low, wide high)
{
  return X (packs_epi32) (low, high);
}

/* a, at most limit, with the sign of y */
WALLOC_INLINE vec
v_signed (vec a, int16_t limit, vec y)
{
  vec sign = X (srai_epi16) (y, 15);

  a = X (min_epi16) (a, v_splat (limit));
  return X (sub_epi16) (XS (xor) (a, sign), sign);
}

/* Bytes x in the high halves of elements: (x - 128) << 4. */
WALLOC_INLINE vec
v_sample (vec a)
{
  return X (srai_epi16) (XS (xor) (a, v_splat (INT16_MIN)), 4);
}

/* The first byte of every element, or the second, as samples. */
WALLOC_INLINE vec
v_low_bytes (vec a)
{
  return v_sample (X (slli_epi16) (a, 8));
}

WALLOC_INLINE vec
v_high_bytes (vec a)
{
  return v_sample (XS (and) (a, v_splat (-256)));
}

/* r[i] has in each 128 bits rows 2 i and 2 i + 1 of 8 bytes: out[p] has
 * their bytes p as samples. Interleaving bytes of distance 4, 2 and 1 rows
 * is a transposition. */
WALLOC_INLINE void
v_transpose_8 (const vec r[4], vec out[8])
{
  vec t0 = X (unpacklo_epi8) (r[0], r[2]), t1 = X (unpackhi_epi8) (r[0], r[2]);
  vec t2 = X (unpacklo_epi8) (r[1], r[3]), t3 = X (unpackhi_epi8) (r[1], r[3]);
  vec u0 = X (unpacklo_epi8) (t0, t2), u1 = X (unpackhi_epi8) (t0, t2);
  vec u2 = X (unpacklo_epi8) (t1, t3), u3 = X (unpackhi_epi8) (t1, t3);
  vec w[4], zero = v_zero ();
  unsigned i;

  w[0] = X (unpacklo_epi8) (u0, u2);
  w[1] = X (unpackhi_epi8) (u0, u2);
  w[2] = X (unpacklo_epi8) (u1, u3);
  w[3] = X (unpackhi_epi8) (u1, u3);
  for (i = 0; i < 4; i++) {
    out[2 * i] = v_sample (X (unpacklo_epi8) (zero, w[i]));
    out[2 * i + 1] = v_sample (X (unpackhi_epi8) (zero, w[i]));
  }
}

/* The same for rows of 4 bytes, four in each 128 bits. */
WALLOC_INLINE void
v_transpose_4 (const vec r[2], vec out[4])
{
  vec t0 = X (unpacklo_epi8) (r[0], r[1]), t1 = X (unpackhi_epi8) (r[0], r[1]);
  vec u0 = X (unpacklo_epi8) (t0, t1), u1 = X (unpackhi_epi8) (t0, t1);
  vec w0 = X (unpacklo_epi8) (u0, u1), w1 = X (unpackhi_epi8) (u0, u1);
  vec zero = v_zero ();

  out[0] = v_sample (X (unpacklo_epi8) (zero, w0));
  out[1] = v_sample (X (unpackhi_epi8) (zero, w0));
  out[2] = v_sample (X (unpacklo_epi8) (zero, w1));
  out[3] = v_sample (X (unpackhi_epi8) (zero, w1));
}

/* The same for rows of 8 int16, one in each 128 bits. */
WALLOC_INLINE void
v_transpose_16 (const vec r[8], vec out[8])
{
  vec a[8], e[8];
  unsigned i;

  for (i = 0; i < 4; i++) {
    a[2 * i] = X (unpacklo_epi16) (r[i], r[i + 4]);
    a[2 * i + 1] = X (unpackhi_epi16) (r[i], r[i + 4]);
  }
  for (i = 0; i < 4; i++) {
    e[2 * i] = X (unpacklo_epi16) (a[i], a[i + 4]);
    e[2 * i + 1] = X (unpackhi_epi16) (a[i], a[i + 4]);
  }
  for (i = 0; i < 4; i++) {
    out[2 * i] = X (unpacklo_epi16) (e[i], e[i + 4]);
    out[2 * i + 1] = X (unpackhi_epi16) (e[i], e[i + 4]);
  }
}

/* Pixels of 4 bytes, LANES / 2 in each vector, times weights of bytes 0 and 2
 * and of bytes 1 and 3. */
WALLOC_INLINE wide
w_mix (vec pixels, vec w02, vec w13)
{
  vec even = XS (and) (pixels, v_splat (255));
  vec odd = X (srli_epi16) (pixels, 8);
  wide sum = X (add_epi32) (X (madd_epi16) (even, w02),
      X (madd_epi16) (odd, w13));

  return X (srai_epi32) (X (add_epi32) (sum, X (set1_epi32) (1 << 10)), 11);
}

#endif
