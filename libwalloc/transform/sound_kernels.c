/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Lifting steps of sound. Every loop runs over whole levels: bands lie one
 * behind the other with a few old samples before each, so that even the last
 * level, with 128 bands of a few dozen samples, is one long array. */
#include "transform/sound.h"

#include "transform/clones.h"
#include "transform/lifting.h"

/* Q24. */
#define ALPHA (-26610918)
#define BETA (-888859)
#define GAMMA 14812790
#define DELTA 7440810

/* a * c / 2^24, rounded half up. Results fit in 32 bits, so the shift need
 * not know signs, which vectors of 64 bits have no instruction for. */
WALLOC_INLINE int32_t
mul (int32_t a, int32_t c)
{
  return (int32_t) (uint32_t) ((uint64_t) ((int64_t) a * c + (1 << 23)) >> 24);
}

WALLOC_CLONES void
walloc_sound_split (const int32_t * restrict samples, size_t pairs,
    int32_t * restrict low, int32_t * restrict high)
{
  size_t i;

  for (i = 0; i < pairs; i++) {
    low[i] = samples[2 * i];
    high[i] = samples[2 * i + 1];
  }
  for (i = 0; i + 1 < pairs; i++)
    high[i] += mul (low[i] + low[i + 1], ALPHA);
  for (i = 1; i < pairs; i++)
    low[i] += mul (high[i - 1] + high[i], BETA);
  for (i = 0; i + 1 < pairs; i++)
    high[i] += mul (low[i] + low[i + 1], GAMMA);
  for (i = 1; i < pairs; i++)
    low[i] += mul (high[i - 1] + high[i], DELTA);
}

WALLOC_CLONES void
walloc_sound_merge (float *restrict low, float *restrict high, size_t pairs,
    float *restrict samples)
{
  const float alpha = (float) LIFT_ALPHA, beta = (float) LIFT_BETA;
  const float gamma = (float) LIFT_GAMMA, delta = (float) LIFT_DELTA;
  const float low_gain = (float) (1 / LIFT_LOW_GAIN);
  const float high_gain = (float) -LIFT_LOW_GAIN;
  size_t i;

  for (i = 0; i < pairs; i++)
    high[i] *= high_gain;
  low[0] *= low_gain;
  for (i = 1; i < pairs; i++)
    low[i] = low[i] * low_gain - delta * (high[i - 1] + high[i]);
  for (i = 0; i + 1 < pairs; i++)
    high[i] -= gamma * (low[i] + low[i + 1]);
  for (i = 1; i < pairs; i++)
    low[i] -= beta * (high[i - 1] + high[i]);
  for (i = 0; i + 1 < pairs; i++) {
    samples[2 * i] = low[i];
    samples[2 * i + 1] = high[i] - alpha * (low[i] + low[i + 1]);
  }
}
