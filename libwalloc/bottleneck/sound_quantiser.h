/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From coefficients of sound to integers (docs/model-format.md, 2.4). No
 * floats: the same integers on every machine. Internal. */
#ifndef WALLOC_BOTTLENECK_SOUND_QUANTISER_H
#define WALLOC_BOTTLENECK_SOUND_QUANTISER_H

#include <stddef.h>
#include <stdint.h>

#define WALLOC_SOUND_STEP_MAX 352

/* q = sign (y) * min (16383, (|y| * factor + offset) >> shift), |y| below
 * 2^30. */
typedef struct
{
  uint64_t factor, offset;
  unsigned shift;               /* 8 to 47 */
} walloc_sound_quantiser;

/* rounding in 1/256 step, weight 4096 for 1. */
void walloc_sound_quantiser_init (walloc_sound_quantiser * quantiser,
    unsigned step_index, unsigned weight, unsigned rounding);

/* Quantises x times weight / 2^bits, rounded; returns the bits of all |q|
 * together, 0: all are 0. */
unsigned walloc_sound_quantise (const walloc_sound_quantiser * quantiser,
    const int32_t * x, size_t n, int weight, unsigned bits, int16_t * q);

/* y[i] += x[i] * weight; then all y are divided and quantised by the other
 * one. For channels that are made of several bands. */
void walloc_sound_add (int64_t * y, const int32_t * x, size_t n, int weight);
unsigned walloc_sound_quantise_sums (const walloc_sound_quantiser * quantiser,
    const int64_t * y, size_t n, unsigned bits, int16_t * q);

/* Number of bits of all |q|, added up. */
unsigned walloc_sound_count_bits (const int16_t * q, size_t n,
    unsigned all_bits);

#endif
