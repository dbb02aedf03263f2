/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which positions of a predicted frame keep what they have: rate and
 * distortion of coding them anew against leaving them. Integers only, so that
 * every machine decides alike. Internal. docs/design/time.md says why. */
#ifndef WALLOC_CODEC_SKIP_DECISION_H
#define WALLOC_CODEC_SKIP_DECISION_H

#include "model/model.h"

/* Reconstruction of one channel in integers: value in 1/16 of a sample =
 * sign (q) * ((256 |q| - less[min (|q|, 3) - 1]) * step >> 12). */
typedef struct
{
  uint32_t step;                /* 1/256 of a sample */
  int32_t less[3];              /* 1/256 of a step */
} walloc_requantiser;

void walloc_requantiser_init (walloc_requantiser * r, unsigned step_index,
    unsigned weight, const float recon[3]);

/* values[x] of the latents q[x] where keep[x] is 0, not 1. */
void walloc_requantise (const walloc_requantiser * r, const int16_t * q,
    const uint8_t * keep, unsigned width, int16_t * values);

/* q[x] = before[x] where skip[x] is 1, not 0. */
void walloc_skip_fill (const int16_t * before, const uint8_t * skip,
    unsigned width, int16_t * q);

/* Adds what coding one row of one channel anew would gain, in 1/32 squared
 * samples, and what it would take, in units of nearly a bit. fine[] are the
 * source's values and before[] those of the frame before, in 1/16 samples. each
 * is added for every latent other than 0, for counting. */
void walloc_skip_compare (const walloc_requantiser * r, const int16_t * q,
    const int16_t * fine, const int16_t * before, unsigned width,
    int32_t each, int32_t * gain, int32_t * units);

/* The same for a channel that is coded no more: it would become zero. */
void walloc_skip_compare_zero (const int16_t * before, unsigned width,
    int32_t * gain);

/* What a bit is worth at a step index: 1/32 squared samples, times 2^16. */
int64_t walloc_skip_lambda (unsigned step_index);

/* Units that so many bytes have room for, and the reverse. */
uint64_t walloc_skip_units (size_t bytes);
uint64_t walloc_skip_bytes (uint64_t units);

/* skip[y * width + x] from gain[] and units[], which have width * rows
 * elements each; mark has as many bytes. Returns the positions not skipped;
 * *coded gets their units. */
unsigned walloc_skip_decide (int64_t lambda, const int32_t * gain,
    const int32_t * units, unsigned width, unsigned rows, uint8_t * mark, uint8_t * skip, uint64_t * coded);

#endif
