/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What noise alone makes of the gains of positions, and which positions gain
 * no more than that. Integers only. Internal. docs/design/time.md says why. */
#ifndef WALLOC_CODEC_SKIP_NOISE_H
#define WALLOC_CODEC_SKIP_NOISE_H

#include <stddef.h>
#include <stdint.h>

/* Classes of brightness, as a sensor's noise grows with it. */
#define WALLOC_NOISE_CLASSES 8
#define WALLOC_NOISE_BINS 256

/* Low channels: the first ones of luma. */
#define WALLOC_NOISE_LOW 6

/* Latents of a position other than 0, in what walloc_skip_compare() adds up:
 * of all channels from bit 16 on, of low ones from bit 24 on. */
#define WALLOC_NOISE_COUNT(units) ((units) >> 16 & 255)
#define WALLOC_NOISE_LOW_COUNT(units) ((units) >> 24 & 127)

/* Gains of latents other than 0, in the low channels and in the others; how
 * many positions, and how many latents of the others. */
typedef struct
{
  uint32_t positions[WALLOC_NOISE_CLASSES];
  uint32_t latents[WALLOC_NOISE_CLASSES];
  uint32_t bins[WALLOC_NOISE_CLASSES][2][WALLOC_NOISE_BINS];
} walloc_noise_histogram;

typedef struct
{
  int32_t level[WALLOC_NOISE_CLASSES][2];       /* medians; 0: no noise */
} walloc_noise;

/* Positions of one slice. */
typedef struct
{
  int32_t *gain, *low;          /* of all channels, of the low ones */
  const int32_t *units;         /* with counts, as above */
  const int16_t *mean;          /* channel 0, rows stride apart */
  size_t stride;
  unsigned width, rows;
} walloc_noise_slice;

void walloc_noise_clear (walloc_noise_histogram * histogram);
void walloc_noise_look (walloc_noise_histogram * histogram,
    const walloc_noise_slice * slice);
void walloc_noise_find (const walloc_noise_histogram * histogram,
    walloc_noise * noise);
/* Takes from the gains what noise explains, where it may explain all.
 * low is lost. rest has 2 * width * rows elements. */
void walloc_noise_subtract (const walloc_noise * noise,
    walloc_noise_slice * slice, int32_t * rest);

#endif
