/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Vectors of 8 int16 in plain C, for other processors, and for tests as the
 * form that is easiest to trust. Internal. */
#ifndef WALLOC_TRANSFORM_SIMD_PLAIN_H
#define WALLOC_TRANSFORM_SIMD_PLAIN_H

#include <stdint.h>
#include <string.h>

#include "transform/clones.h"

/* Sanitizers check every access: inlined, these take compilers minutes. */
#if defined(__has_feature)
# if __has_feature(address_sanitizer) || __has_feature(memory_sanitizer)
#  define SANITIZED 1
# endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) \
    || defined(SANITIZED)
# define PLAIN static __attribute__((noinline, unused))
#else
# define PLAIN WALLOC_INLINE
#endif

#define LANES 8
#define EACH(i) for (i = 0; i < LANES; i++)

typedef struct
{
  int16_t v[LANES];
} vec;

typedef struct
{
  int32_t v[LANES / 2];
} wide;

typedef struct
{
  int16_t v[2];
} weight;

PLAIN vec
v_load (const int16_t * p)
{
  vec a;

  memcpy (a.v, p, sizeof a.v);
  return a;
}

#define v_loadu v_load

PLAIN void
v_store (int16_t * p, vec a)
{
  memcpy (p, a.v, sizeof a.v);
}

#define v_storeu v_store

PLAIN vec
v_splat (int16_t a)
{
  vec r;
  unsigned i;

  EACH (i) r.v[i] = a;
  return r;
}

PLAIN vec
v_zero (void)
{
  return v_splat (0);
}

PLAIN vec
v_add (vec a, vec b)
{
  unsigned i;

  EACH (i) a.v[i] = (int16_t) (a.v[i] + b.v[i]);
  return a;
}

PLAIN vec
v_sub (vec a, vec b)
{
  unsigned i;

  EACH (i) a.v[i] = (int16_t) (a.v[i] - b.v[i]);
  return a;
}

PLAIN vec
v_mul (vec a, vec b)
{
  unsigned i;

  EACH (i) a.v[i] = (int16_t) ((a.v[i] * b.v[i] + (1 << 14)) >> 15);
  return a;
}

PLAIN vec
v_min (vec a, vec b)
{
  unsigned i;

  EACH (i) a.v[i] = a.v[i] < b.v[i] ? a.v[i] : b.v[i];
  return a;
}

PLAIN vec
v_max (vec a, vec b)
{
  unsigned i;

  EACH (i) a.v[i] = a.v[i] > b.v[i] ? a.v[i] : b.v[i];
  return a;
}

/* 2 LANES bytes */
PLAIN vec
v_bytes (const uint8_t * p)
{
  vec a;

  memcpy (a.v, p, sizeof a.v);
  return a;
}

/* The first byte of every element, or the second, as samples. */
PLAIN vec
v_low_bytes (vec a)
{
  uint8_t b[2 * LANES];
  unsigned i;

  memcpy (b, a.v, sizeof b);
  EACH (i) a.v[i] = (int16_t) ((b[2 * i] - 128) * 16);
  return a;
}

PLAIN vec
v_high_bytes (vec a)
{
  uint8_t b[2 * LANES];
  unsigned i;

  memcpy (b, a.v, sizeof b);
  EACH (i) a.v[i] = (int16_t) ((b[2 * i + 1] - 128) * 16);
  return a;
}

/* Elements of a, then of b: the even ones and the odd ones. */
PLAIN void
v_unzip (vec a, vec b, vec * even, vec * odd)
{
  unsigned i;

  for (i = 0; i < LANES / 2; i++) {
    even->v[i] = a.v[2 * i];
    odd->v[i] = a.v[2 * i + 1];
    even->v[i + LANES / 2] = b.v[2 * i];
    odd->v[i + LANES / 2] = b.v[2 * i + 1];
  }
}

PLAIN vec
v_select (vec mask, vec a, vec b)
{
  unsigned i;

  EACH (i) a.v[i] = mask.v[i] ? b.v[i] : a.v[i];
  return a;
}

PLAIN vec
v_first (vec a)
{
  return v_splat (a.v[0]);
}

PLAIN vec
v_left (vec before, vec a)
{
  memmove (a.v + 1, a.v, sizeof a.v - sizeof *a.v);
  a.v[0] = before.v[LANES - 1];
  return a;
}

PLAIN vec
v_right (vec a, vec after)
{
  memmove (a.v, a.v + 1, sizeof a.v - sizeof *a.v);
  a.v[LANES - 1] = after.v[0];
  return a;
}

PLAIN void
v_store_pair (int16_t * p, vec a, vec b)
{
  v_store (p, a);
  v_store (p + LANES, b);
}

PLAIN wide
w_zero (void)
{
  wide a;

  memset (a.v, 0, sizeof a.v);
  return a;
}

PLAIN weight
w_weight (const int32_t * pair)
{
  weight w;

  memcpy (w.v, pair, sizeof w.v);
  return w;
}

PLAIN void
v_dot (wide * low, wide * high, vec p0, vec p1, weight w)
{
  unsigned i;

  for (i = 0; i < LANES / 2; i++) {
    low->v[i] += p0.v[i] * w.v[0] + p1.v[i] * w.v[1];
    high->v[i] += p0.v[i + LANES / 2] * w.v[0] + p1.v[i + LANES / 2] * w.v[1];
  }
}

PLAIN wide
w_splat (int32_t a)
{
  unsigned i;
  wide r;

  for (i = 0; i < LANES / 2; i++)
    r.v[i] = a;
  return r;
}

PLAIN wide
w_add (wide a, wide b)
{
  unsigned i;

  for (i = 0; i < LANES / 2; i++)
    a.v[i] += b.v[i];
  return a;
}

PLAIN wide
w_shift (wide a, unsigned down)
{
  unsigned i;

  for (i = 0; i < LANES / 2; i++)
    a.v[i] >>= down;
  return a;
}

PLAIN wide
w_level (wide y, int32_t limit, uint32_t factor, uint32_t offset,
    unsigned shift)
{
  unsigned i;
  uint32_t a;

  for (i = 0; i < LANES / 2; i++) {
    a = (uint32_t) (y.v[i] < 0 ? -y.v[i] : y.v[i]);
    a = a > (uint32_t) limit ? (uint32_t) limit : a;
    y.v[i] = (int32_t) ((a * factor + offset) >> shift);
  }
  return y;
}

PLAIN vec
v_signed (vec a, int16_t limit, vec y)
{
  unsigned i;

  for (i = 0; i < LANES; i++) {
    a.v[i] = a.v[i] > limit ? limit : a.v[i];
    a.v[i] = (int16_t) (y.v[i] < 0 ? -a.v[i] : a.v[i]);
  }
  return a;
}

PLAIN void
v_split_8 (const uint8_t * in, vec out[8])
{
  unsigned p, i;

  for (p = 0; p < 8; p++)
    EACH (i) out[p].v[i] = (int16_t) ((in[8 * i + p] - 128) * 16);
}

PLAIN void
v_split_4 (const uint8_t * in, vec out[4])
{
  unsigned p, i;

  for (p = 0; p < 4; p++)
    EACH (i) out[p].v[i] = (int16_t) ((in[4 * i + p] - 128) * 16);
}

PLAIN void
v_split_16 (const int16_t * in, vec out[8])
{
  unsigned p, i;

  for (p = 0; p < 8; p++)
    EACH (i) out[p].v[i] = in[8 * i + p];
}

/* As in simd_sse2.h. */
PLAIN void
v_pixels (const uint8_t * in, unsigned step, vec * low, vec * high)
{
  uint8_t bytes[4 * LANES] = { 0 };
  unsigned i;

  EACH (i) memcpy (bytes + 4 * i, in + step * i, step);
  memcpy (low->v, bytes, sizeof low->v);
  memcpy (high->v, bytes + sizeof low->v, sizeof high->v);
}

PLAIN wide
w_mix (vec pixels, vec w02, vec w13)
{
  uint8_t b[2 * LANES];
  unsigned i;
  wide r;

  memcpy (b, pixels.v, sizeof b);
  for (i = 0; i < LANES / 2; i++)
    r.v[i] = (b[4 * i] * w02.v[2 * i] + b[4 * i + 1] * w13.v[2 * i] +
        b[4 * i + 2] * w02.v[2 * i + 1] + b[4 * i + 3] * w13.v[2 * i + 1] +
        (1 << 10)) >> 11;
  return r;
}

PLAIN int16_t
saturate (int32_t a)
{
  return (int16_t) (a > INT16_MAX ? INT16_MAX : a < INT16_MIN ? INT16_MIN : a);
}

PLAIN vec
w_pack (wide low, wide high)
{
  unsigned i;
  vec a;

  for (i = 0; i < LANES / 2; i++) {
    a.v[i] = saturate (low.v[i]);
    a.v[i + LANES / 2] = saturate (high.v[i]);
  }
  return a;
}

#endif
