/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The encoder's packet analysis: int16 fixed point, symmetric borders, CDF 9/7
 * by lifting without the final scalings. Internal.
 *
 * Bit-exact: pure integer arithmetic, the same on every machine. Channel
 * order and sizes are those of walloc/wavelet.h (including the extension of
 * odd sizes). Every step and the proof that nothing overflows are in
 * docs/design/integer-transform.md. Inputs must be within
 * [-128, 128] * 2^WALLOC_INT_FRACTION, or be the LL band of one level of such
 * a plane with levels counted together up to WALLOC_INT_MAX_LEVELS. */
#ifndef WALLOC_TRANSFORM_INTWAVELET_H
#define WALLOC_TRANSFORM_INTWAVELET_H

#include <walloc/walloc.h>

/* Fractional bits of the input: sample v of 0..255 is (v - 128) << 4. */
#define WALLOC_INT_FRACTION 4
#define WALLOC_INT_MAX_LEVELS 3

/* Bytes of scratch for any of the functions below; aligned to 64 is best.
 * WALLOC_ERR_ARGUMENT or WALLOC_ERR_LIMIT, with *bytes 0, if out of range. */
walloc_result walloc_int_scratch (size_t width, unsigned levels,
    size_t * bytes, walloc_error * error);

/* Packet analysis of a plane, channel rows [first, end) only: channel c, row
 * y, column x is written to
 * out[c * plane_stride + (y - first) * row_stride + x]. in is the first row
 * of the whole plane, in_stride in int16; the rows that the filters reach are
 * read. Strips and whole planes give the same bits; strips may be made in
 * parallel, each with its own scratch. levels 0 copies. The whole plane is
 * first = 0, end = walloc_packet_length (height, levels). */
walloc_result walloc_int_analyse (const int16_t * in, size_t in_stride,
    size_t width, size_t height, unsigned levels, size_t first, size_t end,
    int16_t * out, size_t row_stride, size_t plane_stride, void *scratch,
    size_t scratch_bytes, walloc_error * error);

/* One level along both axes: walloc_int_analyse() with levels = 1, into four
 * planes: LL, low width and high height, high width and low height, HH. Rows
 * [first, end) of the half-size grid; row first goes to the start of each. */
walloc_result walloc_int_split_2d (const int16_t * in, size_t in_stride,
    size_t width, size_t height, size_t first, size_t end,
    int16_t * const bands[4], size_t row_stride, void *scratch,
    size_t scratch_bytes, walloc_error * error);

/* One level along the height only: low[] and high[] are ceil (height / 2)
 * rows of width. */
walloc_result walloc_int_split_vertical (const int16_t * in, size_t in_stride,
    size_t width, size_t height, size_t first, size_t end, int16_t * low,
    int16_t * high, size_t row_stride, void *scratch, size_t scratch_bytes,
    walloc_error * error);

/* What a value of the given channel of walloc_int_analyse() must be
 * multiplied with to be the normalised float coefficient
 * (walloc_packet_analyse_2d() of samples v - 128 in units of one grey level).
 * Includes 2^-WALLOC_INT_FRACTION and the sign. A J = 2 packet whose input is
 * the LL band of one level is channels 0..15 of J = 3, bit for bit, and has
 * their gains, so gain (c, 3) = gain (c, 2) * gain (0, 1) * 2^F for c < 16.
 * NAN if out of range. */
double walloc_int_gain (unsigned channel, unsigned levels);

/* Likewise for walloc_int_split_vertical(): band 0 low, 1 high. */
double walloc_int_vertical_gain (unsigned band);

#endif
