/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "codec/skip_decision.h"

#include "bottleneck/quantiser.h"
#include "transform/clones.h"

/* Price of a bit in squared steps, times 1024: at steps of index COARSE and
 * more, and at FINE and less, where what a position gains is mostly noise. A
 * uniform quantiser at high rate has 2 ln 2 / 12 * 1024 = 118. */
#define LAMBDA_COARSE 80
#define LAMBDA_FINE 152
#define COARSE 72
#define FINE 48
/* Bits of a unit, times 256: measured, from 0.80 to 1.0 whatever the step. */
#define UNIT_BITS 218
/* Bits that a position must be worth to be coded where no neighbour is: what
 * its flag costs. */
#define ALONE_BITS 4
/* Greatest differences that are told apart, in 1/16 samples. */
#define MOST_CHANGE 2047
#define MOST_SUM 4095

void
walloc_requantiser_init (walloc_requantiser * r, unsigned step_index,
    unsigned weight, const float recon[3])
{
  unsigned i;

  r->step = (uint32_t) ((walloc_step_24 (step_index, weight) + (1 << 15)) >>
      16);
  for (i = 0; i < 3; i++)
    r->less[i] = (int32_t) (recon[i] * 256.0f + (recon[i] < 0 ? -0.5f : 0.5f));
}

/* One value. Unsigned where q = 0 may meet a step without bound. */
WALLOC_INLINE int32_t
value_of (int32_t q, uint32_t step, int32_t less0, int32_t less1, int32_t less2)
{
  int32_t sign = q >> 31, a = (q ^ sign) - sign, less, v;

  less = a == 1 ? less0 : a == 2 ? less1 : less2;
  v = (int32_t) (((uint32_t) (a * 256 - less) * step + 2048) >> 12);
  v = a == 0 ? 0 : v;
  v = v > INT16_MAX ? INT16_MAX : v;
  return (v ^ sign) - sign;
}

WALLOC_CLONES void
walloc_requantise (const walloc_requantiser * r, const int16_t * restrict q,
    const uint8_t * restrict keep, unsigned width, int16_t * restrict values)
{
  uint32_t step = r->step;
  int32_t l0 = r->less[0], l1 = r->less[1], l2 = r->less[2];
  uint16_t any = 0;
  unsigned x;

  /* most rows of most channels */
  for (x = 0; x < width; x++)
    any |= (uint16_t) q[x];
  for (x = 0; x < width && !any; x++)
    values[x] = (int16_t) (values[x] & -(int16_t) keep[x]);
  for (x = 0; x < width && any; x++)
    values[x] = keep[x] ? values[x] :
        (int16_t) value_of (q[x], step, l0, l1, l2);
}

WALLOC_CLONES void
walloc_skip_fill (const int16_t * restrict before,
    const uint8_t * restrict skip, unsigned width, int16_t * restrict q)
{
  unsigned x;
  int16_t mask;

  for (x = 0; x < width; x++) {
    mask = (int16_t) - (int16_t) skip[x];
    q[x] = (int16_t) ((before[x] & mask) | (q[x] & ~mask));
  }
}

WALLOC_INLINE int32_t
clamp (int32_t v, int32_t most)
{
  v = v > most ? most : v;
  return v < -most ? -most : v;
}

WALLOC_CLONES void
walloc_skip_compare (const walloc_requantiser * r, const int16_t * restrict q,
    const int16_t * restrict fine, const int16_t * restrict before,
    unsigned width, int32_t each, int32_t * restrict gain,
    int32_t * restrict units)
{
  uint32_t step = r->step;
  int32_t l0 = r->less[0], l1 = r->less[1], l2 = r->less[2];
  int32_t v, b, a, change, sum;
  unsigned x;

  for (x = 0; x < width; x++) {
    v = value_of (q[x], step, l0, l1, l2);
    b = before[x];
    /* (y - b)^2 - (y - v)^2 */
    change = clamp (v - b, MOST_CHANGE);
    sum = clamp (2 * fine[x] - b - v, MOST_SUM);
    gain[x] += (change * sum) >> 3;
    a = q[x] < 0 ? -q[x] : q[x];
    units[x] += a == 0 ? 0 : each + 3 + (a > 8 ? 8 : a);
  }
}

WALLOC_CLONES void
walloc_skip_compare_zero (const int16_t * restrict before, unsigned width,
    int32_t * restrict gain)
{
  unsigned x;
  int32_t b;

  for (x = 0; x < width; x++) {
    b = clamp (before[x], MOST_CHANGE);
    gain[x] -= (b * b) >> 3;
  }
}

int64_t
walloc_skip_lambda (unsigned step_index)
{
  uint64_t step = (walloc_step_24 (step_index, 4096) + (1 << 15)) >> 16;
  unsigned i = step_index < FINE ? FINE : step_index > COARSE ? COARSE :
      step_index, price;

  price = LAMBDA_FINE - (LAMBDA_FINE - LAMBDA_COARSE) * (i - FINE) /
      (COARSE - FINE);
  /* step^2 has 16 fractional bits, the price 10, gains 5 */
  return (int64_t) (step * step / 1024 * price * 32);
}

uint64_t
walloc_skip_units (size_t bytes)
{
  return (uint64_t) bytes *8 * 256 / UNIT_BITS;
}

uint64_t
walloc_skip_bytes (uint64_t units)
{
  return units * UNIT_BITS / 256 / 8;
}

/* Gain beyond the price, times 2^16. */
static int64_t
worth (int64_t lambda, int32_t gain, int32_t units)
{
  return (int64_t) gain *65536 - lambda * units * UNIT_BITS / 256;
}

unsigned
walloc_skip_decide (int64_t lambda, const int32_t * gain,
    const int32_t * units, unsigned width, unsigned rows, uint8_t * mark,
    uint8_t * skip, uint64_t * coded)
{
  int64_t alone = lambda * ALONE_BITS, w;
  unsigned x, y, i, x0, x1, y0, y1, n = 0, near;
  size_t at;

  /* 1: worth it beside others; 2: worth it alone */
  for (at = 0; at < (size_t) width * rows; at++) {
    w = gain[at] <= 0 ? -1 : worth (lambda, gain[at], units[at]);
    mark[at] = (uint8_t) ((w > 0) + (w > alone));
  }
  *coded = 0;
  for (y = 0, at = 0; y < rows; y++) {
    y0 = y > 0 ? y - 1 : 0;
    y1 = y + 1 < rows ? y + 1 : y;
    for (x = 0; x < width; x++, at++) {
      near = mark[at];
      if (near == 1) {
        x0 = x > 0 ? x - 1 : 0;
        x1 = x + 1 < width ? x + 1 : x;
        for (i = y0; i <= y1; i++)
          near |= mark[i * width + x0] | mark[i * width + x] |
              mark[i * width + x1];
      }
      skip[at] = (near & 2) == 0;
      n += !skip[at];
      *coded += skip[at] ? 0 : (uint64_t) units[at];
    }
  }
  return n;
}
