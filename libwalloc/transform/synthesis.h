/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Streaming packet synthesis: rows of bands go in, rows of samples come out,
 * and a few rows per level are kept between, so that what is at work stays in
 * a cache. Bands that are zero for a while cost nothing. Internal.
 *
 * At level l (1..levels) all output bands' rows with the same index are one
 * long row, as in analysis. Each band has room for a multiple of
 * LIFT_ROOM values, so that kernels do whole vectors only; what is
 * in the room past the last column is never used. */
#ifndef WALLOC_TRANSFORM_SYNTHESIS_H
#define WALLOC_TRANSFORM_SYNTHESIS_H

#include "transform/lifting.h"

typedef struct
{
  size_t columns, rows;         /* of a band that goes in */
  unsigned levels;              /* 0: rows are handed through */
  unsigned low;                 /* so many first levels have a low band only, */
  size_t width, height;         /* and these are the samples without padding:
                                 * low bands end where the picture does */
  int merge;                    /* the level behind those is along the height
                                 * only */
  walloc_border border;
  ptrdiff_t first, end;         /* rows of samples wanted */
  /* called for rows first to end - 1 in turn; the row is gone after the call */
  void (*row) (void *user, ptrdiff_t y, const float *samples);
  void *user;
} walloc_synthesis_shape;

/* One level: takes rows of its input bands, gives rows of `bands` bands. */
typedef struct
{
  size_t n;                     /* floats of an output row of one band */
  size_t half;                  /* values of an input row of one band */
  size_t bands;
  unsigned inputs;              /* 4, 2 or 1 for each of them */
  ptrdiff_t first, end;         /* output rows wanted */
  ptrdiff_t rows;               /* rows of the input bands in the picture */
  float *s2, *d2_new, *d2, *s1, *d1, *e, *o;
  uint8_t *quiet;               /* [bands] rows of zeros since the last other */
  uint8_t *active;              /* [bands] 0: all that is kept is zero */
} walloc_synthesis_level;

typedef struct
{
  const walloc_synthesis_kernels *k;
  walloc_synthesis_shape shape;
  ptrdiff_t start, stop;        /* rows to be pushed */
  ptrdiff_t next;               /* the one that comes next */
  float *tmp;
  walloc_synthesis_level level[WALLOC_WAVELET_MAX_LEVELS + 1];
  float scale[2 * WALLOC_WAVELET_MAX_LEVELS + 1];
} walloc_synthesis;

/* Bands that go in: of levels - low levels. */
static inline size_t
walloc_synthesis_bands (unsigned levels, int merge)
{
  return (size_t) 1 << (2 * levels - (merge ? 1 : 0));
}

/* Rows of samples that one row of bands gives at most: the last gives those
 * that the rows before it held back as well. */
static inline unsigned
walloc_synthesis_rows (unsigned levels)
{
  unsigned n = 1;

  for (; levels > 0; levels--)
    n = 2 * (n + 2);
  return n;
}

/* Floats that a band's row of that many columns has room for. */
static inline size_t
walloc_synthesis_room (size_t columns)
{
  return (columns + LIFT_ROOM - 1) / LIFT_ROOM *
      LIFT_ROOM;
}

/* Bytes of memory that a synthesis needs, 0 when out of range. */
size_t walloc_synthesis_bytes (size_t columns, unsigned levels,
    unsigned low, int merge);

/* Rows of bands that samples [first, end) are made of, without regard to
 * borders: they may be below 0 and beyond the last. */
void walloc_synthesis_reach (unsigned levels, ptrdiff_t *first,
    ptrdiff_t *end);

/* Prepares for rows start to stop - 1 of the bands, which the caller must
 * push in turn (beyond the borders only where they are periodic). */
void walloc_synthesis_init (walloc_synthesis * synthesis,
    const walloc_synthesis_kernels * kernels,
    const walloc_synthesis_shape * shape, void *memory);

/* The next row: band i is at bands + i * stride, aligned to 64 bytes and with
 * room to read up to walloc_synthesis_room (columns) values. live[i] 0 tells
 * that all of them are zero. */
void walloc_synthesis_push (walloc_synthesis * synthesis, const float *bands,
    size_t stride, const uint8_t * live);

#endif
