/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Scale of the encoder's packet analysis (int16 fixed point, symmetric borders,
 * CDF 9/7 by lifting without the final scalings), which strip.h computes; and
 * one level of it alone, for making pictures smaller. Internal.
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

/* Bytes of scratch for walloc_int_split_2d(), levels = 1; aligned to 64 is best.
 * WALLOC_ERR_ARGUMENT or WALLOC_ERR_LIMIT, with *bytes 0, if out of range. */
walloc_result walloc_int_scratch (size_t width, unsigned levels,
    size_t * bytes, walloc_error * error);

/* One level along both axes, the height first, into four planes: LL, low width
 * and high height, high width and low height, HH. in is the first row of the
 * whole plane, strides in int16; the rows that the filters reach are read.
 * Rows [first, end) of the half-size grid; row first goes to the start of
 * each. Strips and whole planes give the same bits. */
walloc_result walloc_int_split_2d (const int16_t * in, size_t in_stride,
    size_t width, size_t height, size_t first, size_t end,
    int16_t * const bands[4], size_t row_stride, void *scratch,
    size_t scratch_bytes, walloc_error * error);

/* What a value of the given channel of the packet must be multiplied with to
 * be the normalised float coefficient
 * (walloc_packet_analyse_2d() of samples v - 128 in units of one grey level).
 * Includes 2^-WALLOC_INT_FRACTION and the sign. Gains of J = 2 are those of channels 0..15 of
 * J = 3 but for the first level: gain (c, 3) = gain (c, 2) * gain (0, 1) * 2^F for c < 16.
 * NAN if out of range. */
double walloc_int_gain (unsigned channel, unsigned levels);

#endif
