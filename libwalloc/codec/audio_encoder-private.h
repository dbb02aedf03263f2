/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The encoder of sound: samples to frames (audio_encoder.c), and latents that
 * somebody else made (audio_encode_latents.c). Internal. */
#ifndef WALLOC_CODEC_AUDIO_ENCODER_PRIVATE_H
#define WALLOC_CODEC_AUDIO_ENCODER_PRIVATE_H

#include "codec/audio-private.h"
#include "codec/audio_level.h"
#include "codec/audio_reference.h"

struct walloc_audio_encoder
{
  walloc_mem mem;
  walloc_model *model;
  unsigned rate, audio_channels, pairs, columns;
  walloc_audio_matrix matrix;
  int uniform;                  /* all sets quantise alike */

  int32_t *state[WALLOC_AUDIO_MAX_CHANNELS];
  int32_t *samples;             /* of a channel */
  int32_t *coefs[WALLOC_AUDIO_MAX_CHANNELS];    /* [256][columns] */
  int64_t *sums;                /* [columns] */
  int16_t *latents[WALLOC_AUDIO_PAIRS];
  size_t stride;                /* of planes of latents */
  void *entropy;
  uint8_t *out, *payload, *frame;
  size_t out_size, frame_size;

  /* kind reference: samples of both signals, what was taken from each pair */
  walloc_audio_reference *reference;
  int32_t *second;
  float mean[WALLOC_AUDIO_PAIRS], peak[WALLOC_AUDIO_PAIRS];

  /* walloc_audio_encoder_encode_latents(): [pairs][D][columns], turned; made by
   * its first call. given: they are what the block is, not coefs */
  float *planes;
  uint16_t *twin;
  int given;

  walloc_audio_level level;
  uint8_t rotation[WALLOC_AUDIO_PAIRS];
  unsigned sequence;
  int ready;                    /* a block was transformed */
  walloc_audio_encoder_stats stats, stats_before;
};

/* Whether params can be. */
walloc_result walloc_audio_encoder_check (const walloc_audio_encoder * e,
    const walloc_audio_params * params, walloc_error * error);

/* The frame of the block at hand, whose rotation and level are known. */
walloc_result walloc_audio_encoder_make (walloc_audio_encoder * e,
    const walloc_audio_params * params, const uint8_t ** data, size_t *size,
    walloc_frame_info * out, walloc_error * error);

/* e->planes to e->latents, for a set; returns the bits of all magnitudes added
 * up, and raises *kept to the channels that are not all 0. */
uint64_t walloc_audio_quantise_given (walloc_audio_encoder * e, unsigned set,
    unsigned step_index, unsigned channels, unsigned *kept);

#endif
