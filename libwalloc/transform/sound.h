/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Wavelet packets of running sound: 8 levels of CDF 9/7, every band split
 * again, 256 samples to one column of 256 coefficients (arXiv 2412.09405,
 * section III; docs/design/sound.md). Before the first sample is silence.
 * What comes out does not depend on how the sound is cut into calls.
 *
 * Analysis is in integers, the same on every machine; synthesis in floats.
 * Internal. */
#ifndef WALLOC_TRANSFORM_SOUND_H
#define WALLOC_TRANSFORM_SOUND_H

#include <stddef.h>
#include <stdint.h>

#define WALLOC_SOUND_LEVELS 8
/* Samples of a column, and coefficients. */
#define WALLOC_SOUND_BANDS 256
/* Columns that analysis is late: coefficients of samples 256 k to 256 k + 255
 * come with column k + 4 of samples. */
#define WALLOC_SOUND_LATE 4
/* Samples that synthesis is late. */
#define WALLOC_SOUND_DELAY 1020
/* Fractional bits of samples in units of 16-bit sound, and the greatest one:
 * 4 times full scale. Coefficients and all that is between stay within 114
 * times that, which is below 2^30. */
#define WALLOC_SOUND_FRACTION 6
#define WALLOC_SOUND_MAX (1 << 23)

/* Elements of the state for calls of at most that many columns; all zero at
 * first, and wherever the sound begins anew. */
size_t walloc_sound_analysis_size (unsigned columns);
size_t walloc_sound_synthesis_size (unsigned columns);

/* columns * 256 samples to as many columns. coefs[band * stride + column];
 * bands are in the order of the packet: the first level's choice is the most
 * significant bit, 1 is the upper half. Not normalised:
 * walloc_sound_gain(). The number of columns must be the same in all
 * calls on a state. */
void walloc_sound_analyse (int32_t * state, const int32_t * samples,
    unsigned columns, int32_t * coefs, size_t stride);

/* What a band of walloc_sound_analyse() is multiplied with to be that of
 * PyWavelets' bior4.4 on 16-bit samples. */
double walloc_sound_gain (unsigned band);

/* Columns of normalised coefficients to columns * 256 samples, which are
 * WALLOC_SOUND_DELAY late. The number of columns must be the same in all
 * calls on a state. */
void walloc_sound_synthesise (float *state, const float *coefs, size_t stride,
    unsigned columns, float *samples);

/* --- kernels --- */

/* One level of many bands, side by side: samples 2 k and 2 k + 1 to e[k] and
 * o[k]; then lifting over pairs 0 to pairs - 1. Of low and high, the first two
 * and the last two pairs mean nothing. */
void walloc_sound_split (const int32_t * samples, size_t pairs, int32_t * low,
    int32_t * high);

/* And back; high and low are overwritten. Of the samples, those of the first
 * two and the last two pairs mean nothing. */
void walloc_sound_merge (float *low, float *high, size_t pairs,
    float *samples);

#endif
