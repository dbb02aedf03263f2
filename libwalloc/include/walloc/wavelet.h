/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file walloc/wavelet.h
 * @brief Wavelet packet analysis and synthesis in float, CDF 9/7, 1-D and 2-D.
 *
 * A packet transform splits every band again at every level, so J levels make
 * 2^J (1-D) or 4^J (2-D) channels of equal size (WaLLoC paper, section III;
 * the filters are those of PyWavelets' "bior4.4", with its normalisation:
 * the low-pass gain at frequency 0 is sqrt (2) per level and dimension).
 * Low-pass k is centred on sample 2k, high-pass k on sample 2k + 1.
 *
 * Channel order: the band taken at the first level is the most significant
 * digit. 2-D digits (base 4): 0 low-low, 1 low along width and high along
 * height, 2 high along width and low along height, 3 high-high. 1-D digits
 * (base 2): 0 low, 1 high. At J = 0 the one channel is the signal.
 *
 * Sizes: an axis that is not a multiple of 2^J is extended to the next
 * multiple by repeating its last sample; synthesis crops. A channel has
 * ceil (height / 2^J) rows of ceil (width / 2^J) values.
 *
 * All functions are reentrant, allocate nothing, and give the same bits on
 * every instruction set. Strides count floats between rows or channels and
 * may exceed the size; input and output must not overlap, nor may scratch.
 * @error may be NULL everywhere.
 */
#ifndef WALLOC_WAVELET_H
#define WALLOC_WAVELET_H

#include <walloc/walloc.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Greatest number of levels. */
#define WALLOC_WAVELET_MAX_LEVELS 12

/** Greatest length of an axis, in samples. */
#define WALLOC_WAVELET_MAX_LENGTH ((size_t) 1 << 30)

/** What lies beyond the first and the last sample, at every level. */
typedef enum
{
  WALLOC_BORDER_PERIODIC = 0,   /**< wraps, as PyWavelets "periodization" */
  WALLOC_BORDER_SYMMETRIC = 1   /**< mirrored about the outermost samples */
} walloc_border;

/** ceil (length / 2^levels): length of a channel along an axis of @length
 * samples; 0 when @length is 0 or a limit above is exceeded. */
WALLOC_API size_t walloc_packet_length (size_t length, unsigned levels);

/**
 * Floats of scratch that walloc_packet_analyse_2d() and
 * walloc_packet_synthesise_2d() need for pictures of @width at @levels (the
 * height does not matter): about 8 * 2^levels rows of the padded width.
 * @return WALLOC_ERR_ARGUMENT (zero width, levels, NULL) or WALLOC_ERR_LIMIT
 *   (sizes beyond the address space); @floats is then 0.
 */
WALLOC_API walloc_result walloc_packet_scratch_2d (size_t width,
    unsigned levels, size_t * floats, walloc_error * error);

/**
 * Packet analysis of a picture.
 * @param in @height rows of @width floats, @in_stride floats apart
 * @param out channel c, row y, column x is written to
 *   out[c * plane_stride + y * row_stride + x]; row_stride >= the channel's
 *   width, plane_stride >= its height * row_stride
 * @param scratch at least walloc_packet_scratch_2d() floats
 * @param scratch_floats how many there are
 */
WALLOC_API walloc_result walloc_packet_analyse_2d (const float *in,
    size_t in_stride, size_t width, size_t height, unsigned levels,
    walloc_border border, float *out, size_t row_stride, size_t plane_stride,
    float *scratch, size_t scratch_floats, walloc_error * error);

/** Inverse of walloc_packet_analyse_2d(); @width and @height are those of
 * the picture, @out has rows @out_stride >= @width apart. */
WALLOC_API walloc_result walloc_packet_synthesise_2d (const float *in,
    size_t row_stride, size_t plane_stride, size_t width, size_t height,
    unsigned levels, walloc_border border, float *out, size_t out_stride,
    float *scratch, size_t scratch_floats, walloc_error * error);

/**
 * The part of walloc_packet_analyse_2d() that makes channel rows
 * [@first, @end), bit for bit; row y goes to y - @first of @out. Strips of
 * one picture can be made in any order and in parallel, each with its own
 * scratch. Reads the rows of @in that the filters reach.
 */
WALLOC_API walloc_result walloc_packet_analyse_strip_2d (const float *in,
    size_t in_stride, size_t width, size_t height, unsigned levels,
    walloc_border border, size_t first, size_t end, float *out,
    size_t row_stride, size_t plane_stride, float *scratch,
    size_t scratch_floats, walloc_error * error);

/** The part of walloc_packet_synthesise_2d() that makes picture rows
 * [@first, @end); row y goes to y - @first of @out. @in is the first row of
 * the whole channels. */
WALLOC_API walloc_result walloc_packet_synthesise_strip_2d (const float *in,
    size_t row_stride, size_t plane_stride, size_t width, size_t height,
    unsigned levels, walloc_border border, size_t first, size_t end,
    float *out, size_t out_stride, float *scratch, size_t scratch_floats,
    walloc_error * error);

/** As walloc_packet_scratch_2d(), for the 1-D functions and @length. */
WALLOC_API walloc_result walloc_packet_scratch_1d (size_t length,
    unsigned levels, size_t * floats, walloc_error * error);

/** Packet analysis of @length samples; channel c, position i is written to
 * out[c * channel_stride + i]. */
WALLOC_API walloc_result walloc_packet_analyse_1d (const float *in,
    size_t length, unsigned levels, walloc_border border, float *out,
    size_t channel_stride, float *scratch, size_t scratch_floats,
    walloc_error * error);

/** Inverse of walloc_packet_analyse_1d(). */
WALLOC_API walloc_result walloc_packet_synthesise_1d (const float *in,
    size_t channel_stride, size_t length, unsigned levels,
    walloc_border border, float *out, float *scratch, size_t scratch_floats,
    walloc_error * error);

/**
 * One level along the height only (for 4:2:2 chroma): @out gets the low rows
 * as channel 0 and the high rows as channel 1, each ceil (height / 2) by
 * @width. Scratch: walloc_packet_scratch_2d() of @width at 1 level. (One
 * level along both is the packet with levels = 1.)
 */
WALLOC_API walloc_result walloc_wavelet_split_vertical (const float *in,
    size_t in_stride, size_t width, size_t height, walloc_border border,
    float *out, size_t row_stride, size_t plane_stride, float *scratch,
    size_t scratch_floats, walloc_error * error);

/** Inverse of walloc_wavelet_split_vertical(). */
WALLOC_API walloc_result walloc_wavelet_merge_vertical (const float *in,
    size_t row_stride, size_t plane_stride, size_t width, size_t height,
    walloc_border border, float *out, size_t out_stride, float *scratch,
    size_t scratch_floats, walloc_error * error);

#ifdef __cplusplus
}
#endif
#endif
