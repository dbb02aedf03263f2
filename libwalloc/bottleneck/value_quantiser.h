/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From latents as floats to integers, for encoders that are given latents.
 * The same floats give the same integers on every machine. Internal. */
#ifndef WALLOC_BOTTLENECK_VALUE_QUANTISER_H
#define WALLOC_BOTTLENECK_VALUE_QUANTISER_H

#include <stddef.h>
#include <stdint.h>

/* The rounding offset for a model's, in 1/256: at least one, as a multiple of
 * a step has been rounded and may be a little less than that. */
double walloc_value_rounding (unsigned rounding);

/* q = sign (v) * min (most, floor (|v| / step + offset)), 0 for what is not a
 * number; step above 0. Returns the bits of all |q| together. */
unsigned walloc_quantise_values (const float *v, size_t n, double step,
    double offset, int most, int16_t * q);

#endif
