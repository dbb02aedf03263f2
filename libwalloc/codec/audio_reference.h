/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Blocks of sound of the published codec (arXiv 2412.09405, section III), for
 * models of kind reference: docs/bitstream.md, 2.5. A block is transformed
 * for itself, with periodic borders, in float. Internal. */
#ifndef WALLOC_CODEC_AUDIO_REFERENCE_H
#define WALLOC_CODEC_AUDIO_REFERENCE_H

#include "bottleneck/companding.h"
#include "model/model.h"

/* What one pair of signals is worked on with; the same for all pairs. */
typedef struct
{
  const walloc_model *model;
  unsigned columns;
  size_t length;                /* samples of a block */
  size_t stride;                /* between rows of coefs and values */
  walloc_companding companding;
  float *samples[2];
  float *coefs;                 /* [512][stride], encoders only */
  float *values;                /* [D][stride] */
  float *scratch;
  size_t scratch_floats;
} walloc_audio_reference;

/* Nothing is left allocated where this returns 0 for want of memory. */
int walloc_audio_reference_init (walloc_audio_reference * r,
    const walloc_model * model, unsigned columns, int encoder,
    walloc_mem * mem);
void walloc_audio_reference_clear (walloc_audio_reference * r,
    walloc_mem * mem);

/* A block of one or two signals, in 1/64 of a 16-bit sample's unit, to all
 * latents: channel c begins at planes + c * plane_stride. What was taken from
 * the samples goes to mean and peak, in 16-bit samples' units. */
void walloc_audio_reference_encode (walloc_audio_reference * r,
    const int32_t * const *signals, unsigned n, int16_t * planes,
    size_t plane_stride, float *mean, float *peak);

/* Latents of the first channels to values, zero for others; then those to
 * coefficients by the linear decoder: n signals of [256][stride]. */
void walloc_audio_reference_values (walloc_audio_reference * r,
    const int16_t * planes, size_t plane_stride, unsigned channels);
void walloc_audio_reference_linear (walloc_audio_reference * r,
    float *const *coefs, size_t stride, unsigned n);

/* Coefficients of n signals to r->samples, in units of 16-bit samples. post:
 * through the model's filter. */
void walloc_audio_reference_synthesise (walloc_audio_reference * r,
    float *const *coefs, size_t stride, unsigned n, int post, float mean,
    float peak);

#endif
