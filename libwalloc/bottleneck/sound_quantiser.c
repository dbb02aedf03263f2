/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bottleneck/sound_quantiser.h"

#include "bottleneck/quantiser.h"
#include "transform/clones.h"

#define MOST 16383
#define GREATEST ((1 << 30) - 1)

void
walloc_sound_quantiser_init (walloc_sound_quantiser * quantiser,
    unsigned step_index, unsigned weight, unsigned rounding)
{
  /* 2^24 times the step is below 2^51: M[] < 2^13, 2^22, weight < 2^16 */
  uint64_t inverse = ((uint64_t) 1 << 63) / walloc_step_24 (step_index, weight);
  unsigned s = 39;

  /* factor = inverse * 2^(s - 39), below 2^16 */
  while (s > 8 && inverse >> (39 - s) > 65535)
    s--;
  quantiser->factor = inverse >> (39 - s);
  quantiser->offset = (uint64_t) rounding << (s - 8);
  quantiser->shift = s;
}

WALLOC_INLINE int32_t
quantised (uint64_t y, uint64_t factor, uint64_t offset, unsigned shift)
{
  uint64_t q;

  y = y > GREATEST ? GREATEST : y;
  q = (y * factor + offset) >> shift;
  return q > MOST ? MOST : (int32_t) q;
}

WALLOC_CLONES unsigned
walloc_sound_quantise (const walloc_sound_quantiser * quantiser,
    const int32_t * restrict x, size_t n, int weight, unsigned bits,
    int16_t * restrict q)
{
  const uint64_t factor = quantiser->factor, offset = quantiser->offset;
  const uint64_t half = (uint64_t) 1 << (bits - 1);
  const unsigned shift = quantiser->shift;
  const uint32_t w = (uint32_t) (weight < 0 ? -weight : weight);
  unsigned all = 0;
  int32_t v;
  size_t i;

  for (i = 0; i < n; i++) {
    uint32_t a = (uint32_t) (x[i] < 0 ? -x[i] : x[i]);

    v = quantised (((uint64_t) a * w + half) >> bits, factor, offset, shift);
    all |= (unsigned) v;
    q[i] = (int16_t) ((x[i] ^ weight) < 0 ? -v : v);
  }
  return all;
}

WALLOC_CLONES void
walloc_sound_add (int64_t * restrict y, const int32_t * restrict x, size_t n,
    int weight)
{
  size_t i;

  for (i = 0; i < n; i++)
    y[i] += (int64_t) x[i] * weight;
}

unsigned
walloc_sound_quantise_sums (const walloc_sound_quantiser * quantiser,
    const int64_t * y, size_t n, unsigned bits, int16_t * q)
{
  const uint64_t half = (uint64_t) 1 << (bits - 1);
  unsigned all = 0;
  int32_t v;
  size_t i;

  for (i = 0; i < n; i++) {
    v = quantised (((uint64_t) (y[i] < 0 ? -y[i] : y[i]) + half) >> bits,
        quantiser->factor, quantiser->offset, quantiser->shift);
    all |= (unsigned) v;
    q[i] = (int16_t) (y[i] < 0 ? -v : v);
  }
  return all;
}

WALLOC_CLONES unsigned
walloc_sound_count_bits (const int16_t * q, size_t n, unsigned all_bits)
{
  unsigned sum = 0;
  int16_t limit;
  size_t i;

  for (limit = 1; all_bits > 0; all_bits >>= 1, limit = (int16_t) (2 * limit))
    for (i = 0; i < n; i++)
      sum += q[i] >= limit || q[i] <= -limit;
  return sum;
}
