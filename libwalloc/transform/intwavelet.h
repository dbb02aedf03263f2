/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Scale of the encoder's packet analysis (int16 fixed point, symmetric borders,
 * CDF 9/7 by lifting without the final scalings), which strip.h computes.
 * Internal.
 *
 * Bit-exact: pure integer arithmetic, the same on every machine. Channel
 * order and sizes are those of walloc/wavelet.h (including the extension of
 * odd sizes). Every step and the proof that nothing overflows are in
 * docs/design/integer-transform.md. Inputs must be within
 * [-128, 128] * 2^WALLOC_INT_FRACTION. */
#ifndef WALLOC_TRANSFORM_INTWAVELET_H
#define WALLOC_TRANSFORM_INTWAVELET_H

#include <walloc/walloc.h>

/* Fractional bits of the input: sample v of 0..255 is (v - 128) << 4. */
#define WALLOC_INT_FRACTION 4
#define WALLOC_INT_MAX_LEVELS 3

/* What a value of the given channel of the packet must be multiplied with to
 * be the normalised float coefficient
 * (walloc_packet_analyse_2d() of samples v - 128 in units of one grey level).
 * Includes 2^-WALLOC_INT_FRACTION and the sign. Gains of J = 2 are those of channels 0..15 of
 * J = 3 but for the first level: gain (c, 3) = gain (c, 2) * gain (0, 1) * 2^F for c < 16.
 * NAN if out of range. */
double walloc_int_gain (unsigned channel, unsigned levels);

#endif
