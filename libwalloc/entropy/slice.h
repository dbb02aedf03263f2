/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The latent coder: one slice between int16 planes and bytes
 * (docs/bitstream.md, sections 3.1 to 3.5). Reentrant, allocates nothing.
 * Internal. */
#ifndef WALLOC_ENTROPY_SLICE_H
#define WALLOC_ENTROPY_SLICE_H

#include "entropy/context.h"

/* Zero cells left of every row; those right of it are the next row's. */
#define WALLOC_SLICE_LEFT 8

/* Elements from row to row, and from plane to plane, for a slice of that
 * size; and of the whole buffer of that many planes, which must be zero at
 * first (walloc_mem_alloc does that). */
size_t walloc_slice_stride (unsigned width);
size_t walloc_slice_plane_stride (unsigned width, unsigned rows);
size_t walloc_slice_elements (unsigned width, unsigned rows,
    unsigned channels);
/* Offset of row 0, column 0 of plane 0 in the buffer. */
size_t walloc_slice_origin (unsigned width);

/* Bytes of scratch, aligned as walloc_mem_alloc() does. */
size_t walloc_slice_scratch (unsigned width);

/* Bytes of the checksum behind the words. */
#define WALLOC_SLICE_CHECK 2

/* Bytes that an encoded slice never exceeds. */
size_t walloc_slice_worst (unsigned width, unsigned rows, unsigned channels);

/* What does not change within a frame. */
typedef struct
{
  const walloc_model *model;
  unsigned set;
  unsigned channels;            /* kept: 1 to D */
  const uint8_t *present;       /* [channels]: 0 when the format lacks it */
  walloc_buckets buckets;
} walloc_slice_coder;

void walloc_slice_coder_init (walloc_slice_coder * coder,
    const walloc_model * model, unsigned set, unsigned channels,
    const uint8_t * present);

typedef struct
{
  unsigned width, rows;         /* latents */
  size_t stride, plane_stride;
  int16_t *planes;              /* row 0, column 0 of plane 0 */
  void *scratch;
  uint8_t live[WALLOC_MODEL_MAX_CHANNELS];      /* out: planes not zero */
} walloc_slice;

/* Encodes into the end of out[0 .. capacity - 1]: the slice is the last *size
 * bytes. WALLOC_ERR_SPACE when it does not fit (nothing usable is written);
 * it always fits into walloc_slice_worst(). Latents must be within
 * +-WALLOC_LATENT_MAX; absent planes are not looked at. */
walloc_result walloc_slice_encode (const walloc_slice_coder * coder,
    walloc_slice * slice, uint8_t * out, size_t capacity, size_t * size);

/* Decodes size bytes. Every cell of the first coder->channels planes is
 * written, absent planes with zero. WALLOC_ERR_CORRUPT for damage, which the
 * checksum tells or, where that happens to fit, the final states: all planes
 * are zero then. */
walloc_result walloc_slice_decode (const walloc_slice_coder * coder,
    walloc_slice * slice, const uint8_t * data, size_t size);

#endif
