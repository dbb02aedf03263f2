/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Streaming packet transforms: rows go in one by one, rows of channels come
 * out, and what is kept between is a few rows per level, so that a picture is
 * read and written once whatever the number of levels. The drivers move rows
 * and know borders; kernels do the arithmetic, in float or int16. Internal.
 *
 * At level l (1..J) the rows of all 4^(l-1) bands with the same index are one
 * long row of 2^(l-1) * padded width values, since the vertical filters do
 * the same to every column. */
#ifndef WALLOC_TRANSFORM_LIFTING_H
#define WALLOC_TRANSFORM_LIFTING_H

#include <walloc/wavelet.h>

/* The four lifting steps of CDF 9/7 and the factor K (Daubechies and
 * Sweldens, "Factoring wavelet transforms into lifting steps", 1998). With
 * them low-pass * sqrt (2) / K and high-pass * -K / sqrt (2) are the
 * normalised bands. */
#define LIFT_ALPHA (-1.58613434205992355842)
#define LIFT_BETA (-0.05298011857296141462)
#define LIFT_GAMMA 0.88291107553093329591
#define LIFT_DELTA 0.44350685204397115211
#define LIFT_LOW_GAIN 1.14960439886024115980    /* sqrt (2) / K */

/* Steps of a vertical kernel that meet the mirrored border. */
#define LIFT_TOP 1              /* d1 above the first row is the first */
#define LIFT_TOP_2 2            /* d2 above the first row is the first */
#define LIFT_END 4              /* s1 below the last row is the last */

/* Analysis, row pair k - 1 with the even row of pair k:
 *   d1' = o + alpha (e + e_next)     s1' = e + beta (d1 + d1')
 *   d2' = d1 + gamma (s1 + s1')      s2 = s1 + delta (d2 + d2')
 * then d1, s1, d2 are replaced; s2 and d2 are rows k - 2 of the bands.
 * LIFT_TOP: d1' for d1. LIFT_TOP_2: d2' for d2. LIFT_END: s1 for s1'. */
typedef struct
{
  size_t size;                  /* of an element */
  void (*vertical) (const void *e, const void *o, const void *e_next,
      void *d1, void *s1, void *d2, void *s2, size_t n, unsigned mode);
  /* 2 half values to half low and half high ones, times the scales (ignored
   * by integers, which are symmetric only and have their own scale at the
   * last level of more than one); tmp has 2 half + LIFT_TMP_EXTRA elements */
  void (*horizontal) (const void *in, void *low, void *high, void *tmp,
      size_t half, walloc_border border, int last, float scale_low,
      float scale_high);
  /* n values times scale (ignored by integers) */
  void (*copy) (const void *in, void *out, size_t n, float scale);
} walloc_analysis_kernels;

/* Values that synthesis works on at a time. */
#define LIFT_ROOM 16

/* Modes of synthesis. */
#define LIFT_FIRST 1            /* d2 above the first row is the first */
#define LIFT_SECOND 2           /* d1 above the first row is the first */
#define LIFT_LAST 4             /* s1 below the last row is the last */
#define LIFT_AFTER 8            /* only o, from e twice */

/* Synthesis, row k of the bands (s2, d2_new):
 *   s1' = s2 - delta (d2 + d2_new)   d1' = d2 - gamma (s1 + s1')
 *   e_out = s1 - beta (d1 + d1')     o_out = d1 - alpha (e + e_out)
 * then s1 and d1 are replaced; e_out (which may be e) is row 2 k - 2, o_out
 * row 2 k - 3. n is a multiple of LIFT_ROOM. */
typedef struct
{
  size_t size;
  void (*vertical) (const void *s2, const void *d2_new, const void *d2,
      void *s1, void *d1, const void *e, void *e_out, void *o_out, size_t n,
      unsigned mode);
  /* half low and half high values to 2 half ones; all three, and tmp, have
   * room for whole vectors of LIFT_ROOM pairs, which are read and written */
  void (*horizontal) (const void *low, const void *high, void *out, void *tmp,
      size_t half, walloc_border border, float scale_low, float scale_high);
  /* the same without room */
  void (*exactly) (const void *low, const void *high, void *out, void *tmp,
      size_t half, walloc_border border, float scale_low, float scale_high);
  void (*copy) (const void *in, void *out, size_t n, float scale);
} walloc_synthesis_kernels;

/* Elements of tmp beyond 2 * half. */
#define LIFT_TMP_EXTRA 128

extern const walloc_analysis_kernels walloc_float_analysis;
extern const walloc_synthesis_kernels walloc_float_synthesis;

typedef struct
{
  void *data;                   /* only read for the input side */
  size_t row_stride, plane_stride;      /* in elements */
} walloc_planes;

typedef struct
{
  size_t width, height;         /* of the picture */
  unsigned levels;
  walloc_border border;
  int vertical_only;            /* one level along the height */
  size_t first, end;            /* output rows */
} walloc_packet_shape;

/* Bytes of scratch for analysis, alignment included; 0 when out of range. */
size_t walloc_packet_scratch (size_t width, unsigned levels, size_t size);

/* The same for walloc_packet_synthesis() alone, of floats. */
size_t walloc_packet_synthesis_scratch (size_t width, unsigned levels);

/* Drivers. Arguments must have been checked, levels >= 1; scratch needs no
 * alignment. plane_stride of the picture is not used. */
void walloc_packet_analysis (const walloc_analysis_kernels * kernels,
    const walloc_packet_shape * shape, const walloc_planes * picture,
    const walloc_planes * channels, void *scratch);
void walloc_packet_synthesis (const walloc_synthesis_kernels * kernels,
    const walloc_packet_shape * shape, const walloc_planes * channels,
    const walloc_planes * picture, void *scratch);

/* Normalisation of channel after 2-D or 1-D analysis with unscaled lifting:
 * low_gain^(bands - 2 high) * (-1)^high, where high counts the high-pass
 * bits among the channel's bits. */
float walloc_packet_scale (size_t channel, unsigned bits, int inverse);

/* Address of a row of a plane, with the border rule applied to the index. */
size_t walloc_packet_row (ptrdiff_t row, size_t rows, walloc_border border);

#endif
