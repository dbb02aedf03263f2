/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What takes the place of lost sound: each band goes on with the energy of its
 * last columns and random signs. Internal. */
#ifndef WALLOC_CODEC_AUDIO_CONCEAL_H
#define WALLOC_CODEC_AUDIO_CONCEAL_H

#include <stddef.h>
#include <stdint.h>

/* Mean energy of each of 256 bands at the end of a block of one channel, whose
 * coefficients are [256][stride]. */
void walloc_audio_remember (const float *coefs, size_t stride,
    unsigned columns, float *recent);

/* Coefficients with scale times that amplitude. noise: any number, changed. */
void walloc_audio_replace (float *coefs, size_t stride, unsigned columns,
    const float *recent, float scale, uint32_t * noise);

#endif
