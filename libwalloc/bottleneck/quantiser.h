/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From coefficients to integers in kind ordered: integer projection
 * (docs/model-format.md, section 2.1) and quantiser (section 2.2). No floats:
 * the same integers on every machine. Internal. */
#ifndef WALLOC_BOTTLENECK_QUANTISER_H
#define WALLOC_BOTTLENECK_QUANTISER_H

#include "model/model.h"

#define WALLOC_STEP_MAX 176

/* q = sign (y) * min (16383, (|y| * factor + offset) >> shift), with
 * y = (sum + round) >> down clamped to +-98303. */
typedef struct walloc_quantiser
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

#endif
