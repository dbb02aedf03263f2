/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The ordered kind's linear decoder. Most weights of its matrix are so small
 * that they do not matter for most rows, and most values are zero: a channel's
 * weights are sorted, those that cannot show are left out, and runs of zeros
 * are skipped. Internal. */
#ifndef WALLOC_BOTTLENECK_SPARSE_H
#define WALLOC_BOTTLENECK_SPARSE_H

#include <stddef.h>
#include <stdint.h>

/* Positions worked on at a time, and the multiple of them that rows have room
 * for. */
#define WALLOC_SPARSE_RUN 64
#define WALLOC_SPARSE_ROOM 16

/* What a channel adds to one plane of coefficients. */
typedef struct
{
  float value;
  uint32_t plane;
} walloc_weight;

/* Greatest magnitude first. */
void walloc_sparse_sort (walloc_weight * weights, unsigned n);

/* How many of n sorted weights have a magnitude above bound. */
unsigned walloc_sparse_count (const walloc_weight * weights, unsigned n,
    float bound);

/* What is in a row of up to 32 * WALLOC_SPARSE_RUN latents. */
typedef struct
{
  uint32_t runs;                /* bit k: not all zero from k * RUN on */
  uint16_t peak;                /* greatest magnitude */
} walloc_activity;

walloc_activity walloc_sparse_look (const int16_t * q, unsigned n);
/* The same, and copies the row. */
walloc_activity walloc_sparse_copy (const int16_t * from, int16_t * to,
    unsigned n);

/* Values (docs/bitstream.md, section 2.2) of n latents, and of zeros up to a
 * multiple of WALLOC_SPARSE_ROOM. */
void walloc_sparse_values (const int16_t * q, unsigned n,
    const float recon[3], float step, float *values);

/* Values of a row of n latents over a number; runs: as walloc_sparse_look()
 * has them. Writes n values. */
void walloc_sparse_row (const int16_t * q, unsigned n, uint32_t runs,
    const float recon[3], float step, float over, float *values);

/* out[i] += values[i] * steps[i] * scale for n values, which overlap no
 * others. */
void walloc_scaled_add (const float *values, const float *steps, float scale,
    unsigned n, float *out);

/* out[plane * stride + i] += weight * values[i] for n weights and positions i
 * below count, a multiple of WALLOC_SPARSE_ROOM up to WALLOC_SPARSE_RUN. */
void walloc_sparse_add (const float *values, unsigned count,
    const walloc_weight * weights, unsigned n, float *out, size_t stride);

#endif
