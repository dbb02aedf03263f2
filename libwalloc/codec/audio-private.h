/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What encoder and decoder of sound share. Internal. */
#ifndef WALLOC_CODEC_AUDIO_PRIVATE_H
#define WALLOC_CODEC_AUDIO_PRIVATE_H

#include <walloc/audio.h>

#include "entropy/slice.h"
#include "model/model.h"

#define WALLOC_AUDIO_PAIRS (WALLOC_AUDIO_MAX_CHANNELS / 2)

/* A matrix without its zeros: row c is entry[first[c]] to
 * entry[first[c + 1] - 1]. */
typedef struct
{
  uint16_t band;
  int16_t analysis;
  float synthesis;
} walloc_audio_entry;

typedef struct
{
  walloc_audio_entry *entry;
  uint32_t first[WALLOC_MODEL_MAX_CHANNELS + 1];
} walloc_audio_matrix;

/* Which channels of the model the pair codes: all, or those of its only
 * signal. present has room for all channels. */
void walloc_audio_present (const walloc_model * model, unsigned signals,
    uint8_t * present);

/* Signals in pair number index. */
static inline unsigned
walloc_audio_signals (unsigned audio_channels, unsigned index)
{
  return audio_channels - 2 * index < 2 ? 1 : 2;
}

walloc_result walloc_audio_matrix_init (walloc_audio_matrix * matrix,
    const walloc_model * model, walloc_mem * mem);

/* Which channel of the other signal is made of the same bands in the same way;
 * the channel itself where there is none. [D]. */
void walloc_audio_find_twins (const walloc_model * model, uint16_t * twin);

/* Cosine and sine of a rotation (0 to 63, in pi / 64), in Q15. */
void walloc_audio_angle (unsigned rotation, int32_t * cosine, int32_t * sine);

/* The same of the angle from mid and side to the axes of a rotation. */
void walloc_audio_mid_side_angle (unsigned rotation, float *cosine,
    float *sine);

/* The rotation that gathers most of two signals' energy in the first. */
unsigned walloc_audio_choose_rotation (const int32_t * a, const int32_t * b,
    size_t n);

/* a' = cos a + sin b, b' = sin a - cos b, which is its own inverse. */
void walloc_audio_rotate (int32_t * a, int32_t * b, size_t n,
    unsigned rotation);
void walloc_audio_rotate_back (float *a, float *b, size_t n,
    unsigned rotation);

/* Turns all channels of a pair, [D][columns], where they have a twin together
 * with that one: a' = cosine a + sine b, b' = cosine b - sine a. Where they have
 * none it is taken as 0, and none is made. */
void walloc_audio_turn (const walloc_model * model, const uint16_t * twin,
    float *planes, unsigned columns, float cosine, float sine);

#endif
