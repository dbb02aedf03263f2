/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "codec/skip_noise.h"

#include <string.h>

/* Latents that a position must have, to tell the level. */
#define LEAST_COUNT 4
#define LEAST_POSITIONS 16
/* Where low channels gain more than others by this factor, things move: noise
 * is nearly alike in all. */
#define MOST_UNEVEN 3
/* And it is nearly alike everywhere, while what moves changes by its texture.
 * The third quartile over the first: of sums of n squares of noise 1.23 + 6.2 /
 * n; at most the square root of two more, 1.75 + 9 / n, in fourths. */
#define MOST_SPREAD 7
#define MOST_SPREAD_FEW 36
/* More than this is no noise: twice the square of sigma, of 10, 1/32. */
#define MOST_LEVEL (2 * 10 * 10 * 32)
/* And it does not rise by more than this factor from frame to frame. */
#define MOST_RISE 2
/* Deviations of what noise makes: that a position may have by itself, that it
 * may have in its low channels, and that it may have together with those
 * around it. The square of a deviation of n latents is 2 n levels squared. */
#define OWN 4
#define OWN_LOW 4
#define POOLED 5
/* Positions on each side that are looked at together. */
#define POOL 3

static unsigned
class_of (int16_t mean)
{
  int v = mean >> 12;

  return v < 0 ? 0 : v >= WALLOC_NOISE_CLASSES ? WALLOC_NOISE_CLASSES - 1 :
      (unsigned) v;
}

/* 8 bins an octave; 0 for what is not positive. */
static unsigned
bin_of (int32_t v)
{
  unsigned e;

  if (v < 8)
    return v < 1 ? 0 : (unsigned) v;
  e = 31 - (unsigned) __builtin_clz ((unsigned) v);
  return 8 * (e - 2) + ((unsigned) v >> (e - 3) & 7);
}

/* Its middle. */
static int32_t
value_of (unsigned bin)
{
  unsigned e = bin / 8 + 2;

  if (bin < 8)
    return (int32_t) bin;
  return (int32_t) (((16 + 2 * (bin & 7) + 1) << (e - 3)) / 2);
}

void
walloc_noise_clear (walloc_noise_histogram * h)
{
  memset (h, 0, sizeof *h);
}

void
walloc_noise_look (walloc_noise_histogram * h, const walloc_noise_slice * s)
{
  unsigned x, y, k;
  size_t at = 0;
  int32_t low, high;

  for (y = 0; y < s->rows; y++)
    for (x = 0; x < s->width; x++, at++) {
      k = class_of (s->mean[y * s->stride + x]);
      low = WALLOC_NOISE_LOW_COUNT (s->units[at]);
      high = WALLOC_NOISE_COUNT (s->units[at]) - low;
      if (low < 2 || high < LEAST_COUNT)
        continue;
      h->positions[k]++;
      h->latents[k] += (uint32_t) high;
      h->bins[k][0][bin_of (s->low[at] / low)]++;
      h->bins[k][1][bin_of ((s->gain[at] - s->low[at]) / high)]++;
    }
}

/* The value that so many quarters of the positions are below. */
static int32_t
quartile_of (const uint32_t * bins, unsigned quarters)
{
  uint64_t all = 0, sum = 0;
  unsigned i;

  for (i = 0; i < WALLOC_NOISE_BINS; i++)
    all += bins[i];
  if (all < LEAST_POSITIONS)
    return 0;
  for (i = 0; i < WALLOC_NOISE_BINS && 4 * (sum + bins[i]) < quarters * all;
      i++)
    sum += bins[i];
  return value_of (i);
}

/* Whether quartiles are farther apart than those of noise. */
static int
is_uneven (const walloc_noise_histogram * h, unsigned class)
{
  const uint32_t *bins = h->bins[class][1];
  uint64_t n = h->latents[class], positions = h->positions[class];

  return n * 4 * (uint64_t) quartile_of (bins, 3) >
      (MOST_SPREAD * n +
      MOST_SPREAD_FEW * positions) * (uint64_t) quartile_of (bins, 1);
}

void
walloc_noise_find (const walloc_noise_histogram * h, walloc_noise * n)
{
  int32_t low, high, before;
  unsigned k;

  for (k = 0; k < WALLOC_NOISE_CLASSES; k++) {
    before = n->level[k][1];
    low = quartile_of (h->bins[k][0], 2);
    high = quartile_of (h->bins[k][1], 2);
    if (is_uneven (h, k) || low > MOST_UNEVEN * high || high > MOST_LEVEL
        || (before > 0 && high > MOST_RISE * before))
      low = high = 0;
    n->level[k][0] = low;
    n->level[k][1] = high;
  }
}

/* Whether there is more than noise makes, by so many deviations. */
static int
exceeds (int64_t rest, int64_t variance, int64_t deviations)
{
  return rest > 0 && rest * rest > deviations * deviations * variance;
}

static int32_t
root (int64_t v)
{
  int64_t r = 0, bit = (int64_t) 1 << 60;

  while (bit > v)
    bit >>= 2;
  for (; bit != 0; bit >>= 2) {
    if (v >= r + bit) {
      v -= r + bit;
      r = (r >> 1) + bit;
    } else {
      r >>= 1;
    }
  }
  return (int32_t) r;
}

void
walloc_noise_subtract (const walloc_noise * n, walloc_noise_slice * s,
    int32_t * rest)
{
  size_t all = (size_t) s->width * s->rows, at, near;
  int32_t *rest_low = rest + all;
  unsigned x, y, x0, x1, y0, y1, i;
  int64_t low, high, variance, sum, sum_low, sum_variance, low_variance;
  const int32_t *level;
  int32_t *variance_low = s->low;

  /* what is left beyond the mean of noise; the low one's count stays */
  for (y = 0, at = 0; y < s->rows; y++)
    for (x = 0; x < s->width; x++, at++) {
      level = n->level[class_of (s->mean[y * s->stride + x])];
      low = WALLOC_NOISE_LOW_COUNT (s->units[at]);
      high = WALLOC_NOISE_COUNT (s->units[at]) - low;
      rest_low[at] = (int32_t) (s->low[at] - level[0] * low);
      rest[at] = (int32_t) (s->gain[at] - level[0] * low - level[1] * high);
      variance_low[at] = (int32_t) low;
    }
  for (y = 0, at = 0; y < s->rows; y++) {
    y0 = y > POOL ? y - POOL : 0;
    y1 = y + POOL < s->rows ? y + POOL : s->rows - 1;
    for (x = 0; x < s->width; x++, at++) {
      level = n->level[class_of (s->mean[y * s->stride + x])];
      if (s->gain[at] <= 0 || level[1] == 0)
        continue;
      low = variance_low[at];
      high = WALLOC_NOISE_COUNT (s->units[at]) - low;
      low_variance = 2 * low * level[0] * level[0];
      variance = low_variance + 2 * high * level[1] * level[1];
      if (exceeds (rest_low[at], low_variance, OWN_LOW))
        continue;
      x0 = x > POOL ? x - POOL : 0;
      x1 = x + POOL < s->width ? x + POOL : s->width - 1;
      sum = sum_low = low = high = 0;
      for (i = y0; i <= y1; i++)
        for (near = (size_t) i * s->width + x0; near <= (size_t) i *
            s->width + x1; near++) {
          sum += rest[near];
          sum_low += rest_low[near];
          low += variance_low[near];
          high += WALLOC_NOISE_COUNT (s->units[near]) - variance_low[near];
        }
      low_variance = 2 * low * level[0] * level[0];
      sum_variance = low_variance + 2 * high * level[1] * level[1];
      if (exceeds (sum_low, low_variance, POOLED) ||
          (exceeds (sum, sum_variance, POOLED) &&
              6 * sum > high * level[1] + low * level[0]))
        continue;
      s->gain[at] = rest[at] - OWN * root (variance);
    }
  }
}
