/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The network decoder of a model of sound (docs/model-format.md, section 4).
 * Internal. */
#ifndef WALLOC_CODEC_AUDIO_NETWORK_H
#define WALLOC_CODEC_AUDIO_NETWORK_H

#include "codec/audio-private.h"

typedef struct walloc_audio_network walloc_audio_network;

/* One pair of a frame. */
typedef struct
{
  const walloc_frame_info *info;
  unsigned pair, signals;
  unsigned channels;            /* that were decoded */
  const int16_t *latents;       /* of channel 0, then plane_stride apart */
  size_t plane_stride;
  float *coefs[2];              /* [256][stride] of each signal */
  size_t stride;
} walloc_audio_network_pair;

/* Loads the network of model, which must live as long. Errors: UNSUPPORTED
 * (the model has none, or an operator is not known), MODEL, LIMIT, MEMORY. */
walloc_result walloc_audio_network_new (const walloc_model * model,
    const walloc_allocator * allocator, walloc_audio_network ** network,
    walloc_error * error);
void walloc_audio_network_free (walloc_audio_network * network);

/* Memory for frames of so many columns. Errors: MODEL (the network does not
 * fit the model), LIMIT, MEMORY, UNSUPPORTED. */
walloc_result walloc_audio_network_prepare (walloc_audio_network * network,
    unsigned columns, walloc_error * error);

/* Forgets what came before, of one pair or of all. */
void walloc_audio_network_forget (walloc_audio_network * network,
    unsigned pair);
void walloc_audio_network_reset (walloc_audio_network * network);

/* Adds what the network gives to the coefficients. */
void walloc_audio_network_add (walloc_audio_network * network,
    const walloc_audio_network_pair * pair);

#endif
