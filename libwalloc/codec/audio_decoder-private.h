/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The decoder of sound: frames to latents (audio_latents.c) and these to
 * samples (audio_decoder.c). Internal. */
#ifndef WALLOC_CODEC_AUDIO_DECODER_PRIVATE_H
#define WALLOC_CODEC_AUDIO_DECODER_PRIVATE_H

#include "bottleneck/companding.h"
#include "codec/audio_network.h"
#include "codec/audio_reference.h"
#include "codec/audio_reference_net.h"

struct walloc_audio_decoder
{
  walloc_mem mem;
  walloc_model *model;
  walloc_allocator allocator;
  walloc_audio_matrix matrix;
  walloc_decoder_kind kind;     /* that was asked for */
  walloc_audio_network *network;        /* NULL: linear */

  /* entropy decoding, for at most so many columns */
  unsigned latents_columns;
  int16_t *latents;             /* of a pair */
  void *entropy;

  /* what walloc_audio_decoder_latents() gives; made by its first call */
  float *planes;
  size_t planes_room;
  uint16_t *twin;               /* [D]: the channel of the other signal */
  walloc_companding *companding;        /* kind reference */

  /* of this many channels and columns */
  unsigned audio_channels, pairs, columns;
  float *state[WALLOC_AUDIO_MAX_CHANNELS];
  float *coefs[WALLOC_AUDIO_MAX_CHANNELS];      /* [256][stride] */
  size_t stride;
  /* kind reference, and what was taken from the last block's pairs */
  walloc_audio_reference *reference;
  float mean[WALLOC_AUDIO_PAIRS], peak[WALLOC_AUDIO_PAIRS];
  walloc_audio_reference_net *reference_net;    /* of reference_kind, or NULL */
  walloc_decoder_kind reference_kind;
  int post[WALLOC_AUDIO_PAIRS]; /* a network made the coefficients */
  float *samples;               /* of a channel */
  float *values;                /* of a row of latents */
  /* mean energy of each band at the end of the last good block of a channel */
  float *recent[WALLOC_AUDIO_MAX_CHANNELS];
  float fade;
  uint32_t noise;
  walloc_audio_decoder_stats stats;
};

/* The header of a whole frame that the decoder's model can decode. Errors:
 * those of walloc_audio_decoder_decode() about frames. */
walloc_result walloc_audio_latents_parse (const walloc_audio_decoder * d,
    const uint8_t * data, size_t size, walloc_frame_info * info,
    walloc_error * error);

/* Memory for entropy decoding of frames of so many columns. */
walloc_result walloc_audio_latents_prepare (walloc_audio_decoder * d,
    unsigned columns, walloc_error * error);
void walloc_audio_latents_unprepare (walloc_audio_decoder * d);

/* Decodes the layers of a pair into d->latents; returns the channels that are
 * there, and counts what is damaged. */
unsigned walloc_audio_latents_pair (walloc_audio_decoder * d,
    const uint8_t * data, const walloc_frame_info * info, unsigned index,
    unsigned signals, unsigned *damaged);

#endif
