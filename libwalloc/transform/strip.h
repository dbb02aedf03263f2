/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The encoder's hot path, strip by strip: rows of 8-bit samples to packet
 * coefficients to quantised latents. docs/design/integer-transform.md defines
 * the arithmetic to the bit; docs/design/kernels.md says how it is laid out
 * and why. Internal.
 *
 * A row of samples is taken apart into its phases (sample 8 k + p is element
 * k of phase p), so that lifting along the width is done on whole vectors
 * whose elements are grid columns. All levels along the width come first,
 * then all levels along the height, column block by column block, then the
 * projection of that block, while its coefficients are in the nearest cache.
 * Only bands that the kept rows of the matrix use are computed. */
#ifndef WALLOC_TRANSFORM_STRIP_H
#define WALLOC_TRANSFORM_STRIP_H

#include <walloc/walloc.h>

/* Rows of latents that are made at a time. */
#define WALLOC_STRIP_ROWS 4
/* Vectors of all instruction sets have a divisor of this many elements. */
#define WALLOC_STRIP_LANES 32
/* Sample rows that one strip may take in: 8 for each row of latents, and what
 * the filters reach above and below the first strip. */
#define WALLOC_STRIP_INPUT (8 * WALLOC_STRIP_ROWS + 52)
/* Bands of a component along one axis, pairs of bands along the height. */
#define WALLOC_STRIP_BANDS 8
#define WALLOC_STRIP_PAIRS 4
/* Pairs of coefficients that one projection has: a row of the matrix. */
#define WALLOC_STRIP_SLOTS 64
#define WALLOC_STRIP_NO_SLOT 255
/* Channels that are projected together. */
#define WALLOC_STRIP_CHANNELS 4
/* Vectors of state of one band at one level along the height. */
#define WALLOC_STRIP_STATE 5

/* What is done to the bands of the first level along the height, so that
 * chroma of all formats enters the projection at one scale. With K of the
 * lifting scheme, 1.230174. */
typedef enum
{
  WALLOC_STRIP_PLAIN,           /* nothing */
  WALLOC_STRIP_444,             /* low of low-width bands / K^2 */
  WALLOC_STRIP_422              /* low / K, high * K */
} walloc_strip_scale;

/* One component of a picture. */
typedef struct
{
  unsigned phases;              /* samples per grid column: 8 or 4; as many
                                 * bands along the width */
  unsigned levels;              /* along the height: 3 or 2 */
  walloc_strip_scale scale;
  uint8_t used;                 /* bit h: band h along the width is used */
  uint8_t pairs[WALLOC_STRIP_BANDS];    /* bit u: with bands 2 u, 2 u + 1
                                         * along the height */
  uint8_t slot[WALLOC_STRIP_BANDS][WALLOC_STRIP_PAIRS];
} walloc_strip_plane;

/* Where every level along the height is. A level of n pairs of rows makes
 * step k from rows 2 k + 1 and 2 k + 2 and with it rows k - 1 of its two
 * bands; step n only ends it. */
typedef struct
{
  unsigned levels, rows;        /* of latents, in the whole picture */
  int pairs[3];                 /* n of every level, finest first */
  int next[3], last[3];         /* steps of this strip, last inclusive */
  int valid[3];                 /* first row that is right and wanted */
  int running;                  /* a strip was made since the start */
  unsigned input, input_end;    /* sample rows of this strip */
  unsigned output, output_end;  /* rows of latents of this strip */
} walloc_strip_schedule;

/* Begin above row first of the latents. */
void walloc_strip_start (walloc_strip_schedule * schedule, unsigned levels,
    unsigned rows, unsigned first);
/* The strip that makes rows up to end, at most WALLOC_STRIP_ROWS of them.
 * Fill in input rows [input, input_end), then run the kernels. */
void walloc_strip_advance (walloc_strip_schedule * schedule, unsigned end);

/* Channels of one group, ready for the kernel. */
typedef struct
{
  unsigned slots, first_slot;
  unsigned channels;
  const uint16_t *channel;      /* [channels] */
  /* pairs of 16-bit weights [channels / 4, rounded up][slots][4] */
  const int32_t *weights;
  const struct walloc_quantiser *quantisers;    /* by channel */
} walloc_strip_group;

/* Rows of samples to be made smaller. */
typedef enum
{
  WALLOC_STRIP_BYTES,
  WALLOC_STRIP_FIRST,           /* of pairs of bytes */
  WALLOC_STRIP_SECOND,
  WALLOC_STRIP_VALUES           /* int16 */
} walloc_strip_source;

/* Rows that are halved at a time, and rows that go into that. */
#define WALLOC_STRIP_HALVE_ROWS 8
#define WALLOC_STRIP_HALVE_INPUT (2 * WALLOC_STRIP_HALVE_ROWS + 7)

/* The first half of one level along both axes, from input rows of a schedule
 * of one level: even and odd samples apart to row y, low[2 y * stride] and
 * low[(2 y + 1) * stride], all aligned to 64 bytes. stride is half the width,
 * rounded up to whole vectors of WALLOC_STRIP_LANES and one more. */
typedef struct
{
  walloc_strip_source source;
  const uint8_t *const *rows;   /* [input_end - input] */
  size_t width, stride;         /* samples of a row */
  int16_t *state;               /* [2][WALLOC_STRIP_STATE][stride] */
  int16_t *low, *high;          /* bands along the height; high may be NULL */
} walloc_strip_halving;

/* The functions of one instruction set. Sizes of rows in elements; "groups"
 * are grid columns. Phase rows are stride apart, aligned to 64 bytes, and
 * have WALLOC_STRIP_LANES elements to spare behind groups rounded up to as
 * many. What is behind the last group is not defined. */
typedef struct
{
  const char *name;
  unsigned lanes;
  /* n samples, then the last one again, to phases */
  void (*split_u8) (const uint8_t * in, size_t n, size_t groups,
      unsigned phases, int16_t * out, size_t stride);
  /* n pairs of samples to four phases each */
  void (*split_u8_pairs) (const uint8_t * in, size_t n, size_t groups,
      int16_t * a, int16_t * b, size_t stride);
  /* whole groups of fixed-point samples to phases; may read groups rounded
   * up to lanes */
  void (*split_s16) (const int16_t * in, size_t groups, unsigned phases,
      int16_t * out, size_t stride);
  /* n pixels of step 3 or 4 bytes; coefs[plane][byte], see input.h. Writes
   * up to n rounded up to lanes */
  void (*mix_rgb) (const uint8_t * in, unsigned step,
      const int16_t coefs[3][4], size_t n, int16_t * y, int16_t * cb,
      int16_t * cr);
  /* all levels along the width; x is overwritten, as is tmp of as many rows.
   * Bands go to out. */
  void (*horizontal) (int16_t * x, int16_t * tmp, size_t stride,
      size_t groups, unsigned phases, unsigned used, int16_t * out);
  /* all levels along the height of lanes columns. Band h of sample row y is
   * rows[(y * phases + h) * stride]. Pairs of coefficients of row y of the
   * strip and slot s go to coefs[(s * WALLOC_STRIP_ROWS + y) * 2 lanes]. */
  void (*vertical) (const walloc_strip_plane * plane,
      const walloc_strip_schedule * schedule, const int16_t * rows,
      size_t stride, int16_t * state, int16_t * coefs);
  /* lanes coefficients of two bands to a pair, as vertical() does; out is
   * aligned to 64 */
  void (*pair) (const int16_t * a, const int16_t * b, int16_t * out);
  /* one row of the strip: channel c to out[c * plane_stride], count of lanes
   * columns. fine, if not NULL: what the quantiser rounds, in 1/16 of a
   * sample, saturated to 16 bits, at the same places. */
  void (*project) (const walloc_strip_group * group, const int16_t * coefs,
      int16_t * out, int16_t * fine, size_t plane_stride, unsigned count);
  void (*halve_rows) (const walloc_strip_schedule * schedule,
      const walloc_strip_halving * halving);
  /* the second half, of one row of one band: x is overwritten; high may be
   * NULL. scaled: low as samples of the smaller picture again, over its gain
   * and no greater than a sample can be. Writes groups rounded up to lanes. */
  void (*halve_line) (int16_t * x, size_t stride, size_t groups, int scaled,
      int16_t * low, int16_t * high);
} walloc_strip_kernels;

/* Elements of state for a plane: state[((h * 7 + node) * WALLOC_STRIP_STATE +
 * i) * stride]. */
#define WALLOC_STRIP_NODES 7

/* The fastest for this processor; index > 0: slower ones that it can run as
 * well (for tests), NULL past the last. All give the same bits. */
const walloc_strip_kernels *walloc_strip_best (unsigned index);

extern const walloc_strip_kernels walloc_strip_plain;
extern const walloc_strip_kernels walloc_strip_sse2;
extern const walloc_strip_kernels walloc_strip_avx2;
extern const walloc_strip_kernels walloc_strip_avx512;
extern const walloc_strip_kernels walloc_strip_vnni;
extern const walloc_strip_kernels walloc_strip_neon;

#endif
