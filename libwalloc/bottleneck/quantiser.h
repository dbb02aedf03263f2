/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From coefficients to integers in kind ordered: integer projection
 * (docs/model-format.md, section 2.1) and quantiser (section 2.2). No floats:
 * the same integers on every machine. Internal. */
#ifndef WALLOC_BOTTLENECK_QUANTISER_H
#define WALLOC_BOTTLENECK_QUANTISER_H

#include "model/model.h"

/* Positions that the projection works on at a time. */
#define WALLOC_BLOCK 32
/* Elements that are read past the last position of a row of coefficients. */
#define WALLOC_BLOCK_SLACK WALLOC_BLOCK
#define WALLOC_STEP_MAX 176

/* q = sign (y) * min (16383, (|y| * factor + offset) >> shift), with
 * y = (sum + round) >> down clamped to +-98303. */
typedef struct
{
  uint32_t factor, offset;
  unsigned shift;               /* 8 to 31 */
  unsigned down;
} walloc_quantiser;

/* 2^24 times the step of step index and weight (integer by definition). */
uint64_t walloc_step_24 (unsigned step_index, unsigned weight);

/* rounding in 1/256 step, 0 to 128; analysis_bits is Qm. A step above 2048,
 * greater than any value, makes all latents 0. */
walloc_result walloc_quantiser_init (walloc_quantiser * quantiser,
    unsigned step_index, unsigned weight, unsigned rounding,
    unsigned analysis_bits, walloc_error * error);

/* Sums of products of one row of the matrix with pairs of coefficients of
 * WALLOC_BLOCK positions: out[p] = sum over k < n_pairs of pairs[k][2 p] *
 * row[2 k] + pairs[k][2 p + 1] * row[2 k + 1]. All pointers aligned to 64
 * but row, which is aligned to 4. */
typedef void (*walloc_project_func) (const int16_t * pairs,
    const int16_t * row, unsigned n_pairs, int32_t * out);

/* The fastest for this processor; index > 0 gives slower ones that any
 * processor at hand can run as well (for tests), NULL past the last. All give
 * the same sums. */
walloc_project_func walloc_project_best (unsigned index);

/* One group of channels of one row of latents. */
typedef struct
{
  walloc_project_func project;
  unsigned inputs;              /* even, at most WALLOC_MODEL_INPUTS */
  const int16_t *matrix;        /* [D][WALLOC_MODEL_INPUTS] */
  const walloc_quantiser *quantisers;   /* [D] */
  const uint16_t *channels;     /* [n_channels]: which rows of the matrix */
  unsigned n_channels;
  int16_t *fine;                /* NULL, or gets the channels' values in 1/16
                                 * of a sample, laid out like the latents */
} walloc_projection;

/* coef[k * coef_stride + x] are the inputs, x < width (and the slack past
 * the last); channel c of column x goes to out[c * plane_stride + x]. */
void walloc_project_row (const walloc_projection * projection,
    const int16_t * coef, size_t coef_stride, unsigned width, int16_t * out,
    size_t plane_stride);

#endif
