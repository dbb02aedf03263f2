/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How loud the sound has been: what a quality's step is measured against.
 * Rises at once, falls slowly, so that the step, and with it the noise, stays
 * the same through a piece, and quiet recordings are not coded worse than loud
 * ones. Integers only. Internal. */
#ifndef WALLOC_CODEC_AUDIO_LEVEL_H
#define WALLOC_CODEC_AUDIO_LEVEL_H

#include <stddef.h>
#include <stdint.h>

/* 16 log2 of the RMS in 1/64 of a 16-bit sample's unit, in 1/256; 0: new. */
typedef uint32_t walloc_audio_level;

/* samples of all channels together, in units of walloc_sound_analyse(). */
uint64_t walloc_audio_energy (const int32_t * samples, size_t n);

/* energy of n samples in all, of a block of that many samples per channel. */
void walloc_audio_level_update (walloc_audio_level * level, uint64_t energy,
    uint64_t n, unsigned samples, unsigned rate);

/* 16 log2, at least 0. */
static inline unsigned
walloc_audio_level_index (walloc_audio_level level)
{
  return (level + 128) >> 8;
}

#endif
