/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Float matrices of the decoders and of the reference kind's encoder. The order of operations is fixed, so results are the same on
 * every instruction set. Internal. */
#ifndef WALLOC_BOTTLENECK_LINEAR_H
#define WALLOC_BOTTLENECK_LINEAR_H

#include "model/model.h"

/* Floats that are read and written past the end of a row: rows that are
 * given to the functions below must have room for a multiple of this. */
#define WALLOC_LINEAR_BLOCK 16

/* Latents to values by table: out[x] = table[clamp (q[x] + half, 0, 2 half)].
 * Writes a multiple of WALLOC_LINEAR_BLOCK values, reads only width latents. */
void walloc_lookup (const int16_t * q, unsigned width, const float *table,
    int half, float *out);

/* out[k][x] = bias[k] + sum over i of in[i][x] * matrix (rows[i], k), in
 * ascending order of i, for k < outputs and x < width.
 * in[i] = values + i * in_stride; matrix (r, k) =
 * matrix[r * row_stride + k * column_stride]; out[k] = out + k * out_stride.
 * bias NULL: 0. rows NULL: rows[i] = i. */
void walloc_linear (const float *values, size_t in_stride, unsigned inputs,
    const float *matrix, size_t row_stride, size_t column_stride,
    const uint16_t * rows, const float *bias, unsigned outputs,
    unsigned width, float *out, size_t out_stride);

#endif
