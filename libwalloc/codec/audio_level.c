/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "codec/audio_level.h"

#include "transform/clones.h"

/* Bits of samples that do not count, so that 2^22 squares fit in 64 bits. */
#define DROP 3
/* -80 dB of full scale: 3.3 units of 16-bit sound. Below, steps do not
 * follow, so noise of an input without signal is not coded. */
#define FLOOR (123 * 256)
/* 3 dB per second: half an octave. */
#define FALL (8 * 256)

WALLOC_CLONES uint64_t
walloc_audio_energy (const int32_t * samples, size_t n)
{
  uint64_t sum = 0;
  size_t i;

  for (i = 0; i < n; i++) {
    int32_t x = samples[i] >> DROP;

    sum += (uint64_t) ((int64_t) x * x);
  }
  return sum;
}

/* 4096 log2 (v), by lines between powers of 2; v at least 1. */
static uint32_t
log2_4096 (uint64_t v)
{
  unsigned e = 63 - (unsigned) __builtin_clzll (v);

  return 4096 * e + (uint32_t) ((e >= 12 ? v >> (e - 12) : v << (12 - e)) &
      4095);
}

void
walloc_audio_level_update (walloc_audio_level * level, uint64_t energy,
    uint64_t n, unsigned samples, unsigned rate)
{
  uint64_t mean = n > 0 ? energy / n : 0;
  /* 16 log2 of the root is 8 log2 of the mean; 1/8 to 1/64: 48 more */
  uint32_t now = mean > 0 ? log2_4096 (mean) / 2 + 16 * DROP * 256 : 0;
  uint32_t fall = (uint32_t) ((uint64_t) FALL * samples / rate);

  *level = *level > fall ? *level - fall : 0;
  if (now > *level)
    *level = now;
  if (*level < FLOOR)
    *level = FLOOR;
}
