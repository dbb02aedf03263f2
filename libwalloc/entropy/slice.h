/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The latent coder: one slice between int16 planes and the bytes of its
 * layers (docs/bitstream.md, section 3). Reentrant, allocates nothing.
 * Internal.
 *
 * Key slices: planes are written whole. Predicted slices (skip is not NULL):
 * where skip[] is 1 nothing is coded, and the decoder leaves the cells of all
 * planes as they are, so the caller puts the previous frame's latents there
 * first. Contexts read skipped cells like any others. */
#ifndef WALLOC_ENTROPY_SLICE_H
#define WALLOC_ENTROPY_SLICE_H

#include "entropy/context.h"
#include "entropy/rows.h"

#include <string.h>

/* Zero cells left of every row; those right of it are the next row's. */
#define WALLOC_SLICE_LEFT 8
#define WALLOC_SLICE_LAYERS 4

/* Elements from row to row, and from plane to plane, for a slice of that
 * size; and of the whole buffer of that many planes, which must be zero at
 * first (walloc_mem_alloc does that). */
size_t walloc_slice_stride (unsigned width);
size_t walloc_slice_plane_stride (unsigned width, unsigned rows);
size_t walloc_slice_elements (unsigned width, unsigned rows,
    unsigned channels);
/* Offset of row 0, column 0 of plane 0 in the buffer. */
size_t walloc_slice_origin (unsigned width);

/* What scratch is for. */
typedef enum
{
  WALLOC_SLICE_DECODE = 0,
  WALLOC_SLICE_ENCODE = 1,
  WALLOC_SLICE_BOTH = 2
} walloc_slice_use;

/* Bytes of scratch, aligned as walloc_mem_alloc() does, for slices of at most
 * that many rows and channels. */
size_t walloc_slice_scratch (const walloc_model * model, unsigned width,
    unsigned rows, unsigned channels, walloc_slice_use use);

/* Bytes of the checksum behind the words. */
#define WALLOC_SLICE_CHECK 2
/* Bytes of a layer that is not empty, at least. */
#define WALLOC_SLICE_LEAST 10

/* Bytes that all layers of a slice never exceed. */
size_t walloc_slice_worst (unsigned width, unsigned rows, unsigned channels);

/* What does not change within a frame. Layer i holds the channels from
 * end[i - 1] (or 0) up to end[i]; the last ends with the channels kept. */
typedef struct
{
  const walloc_model *model;
  unsigned set;
  unsigned channels;            /* kept: 1 to D */
  const uint8_t *present;       /* [channels]: 0 when the format lacks it */
  unsigned layers;              /* 1 to WALLOC_SLICE_LAYERS */
  uint16_t end[WALLOC_SLICE_LAYERS];
  int open;                     /* decoder: the last layer has more channels,
                                 * which are not decoded; that it ends well is
                                 * not seen then, but by its checksum */
  const walloc_rows_kernels *kernels;   /* of the decoder: the best */
} walloc_slice_coder;

/* One layer with all channels. */
void walloc_slice_coder_init (walloc_slice_coder * coder,
    const walloc_model * model, unsigned set, unsigned channels,
    const uint8_t * present);

/* Layers that end at end[0 .. layers - 2], ascending, 1 to channels - 1 (the
 * caller has checked that), and a last one with the rest. */
void walloc_slice_coder_layers (walloc_slice_coder * coder, unsigned layers,
    const unsigned *end);

static inline unsigned
walloc_slice_layer_first (const walloc_slice_coder * coder, unsigned layer)
{
  return layer > 0 ? coder->end[layer - 1] : 0;
}

typedef struct
{
  unsigned width, rows;         /* latents */
  size_t stride, plane_stride;
  int16_t *planes;              /* row 0, column 0 of plane 0 */
  void *scratch;
  /* predicted slices: NULL in others */
  uint8_t *skip;                /* [rows][skip_stride], 0 or 1; see above */
  const uint8_t *skip_before;   /* the frame before; NULL: nothing skipped */
  size_t skip_stride;
  const int16_t *previous;      /* its latents, laid out like planes, margins
                                 * too; not planes itself. Needed only when
                                 * walloc_model_set.before says so */
  uint8_t live[WALLOC_MODEL_MAX_CHANNELS];      /* out: maybe not all zero */
  /* out: of magnitudes, the bits that any has; a decoder's key slices only */
  uint16_t peak[WALLOC_MODEL_MAX_CHANNELS];
} walloc_slice;

/* Encodes all layers into the end of out[0 .. capacity - 1], layer 0 first:
 * the slice is the last size[0] + ... + size[layers - 1] bytes. A layer in
 * which nothing is coded has size 0. WALLOC_ERR_SPACE when it does not fit
 * (nothing usable is written); it always fits into walloc_slice_worst().
 * Latents must be within +-WALLOC_LATENT_MAX; absent planes are not looked
 * at in key slices, and must be zero in predicted ones. */
walloc_result walloc_slice_encode (const walloc_slice_coder * coder,
    walloc_slice * slice, uint8_t * out, size_t capacity, size_t * size);

/* Decodes one layer of size bytes; layers are decoded in turn, from 0 on, as
 * a layer needs what the ones below have left in planes, live and skip.
 * Every cell of the layer's planes that is not skipped is written, absent
 * planes with zero. In predicted slices layer 0 writes skip[] first.
 *
 * WALLOC_ERR_CORRUPT for damage, which the checksum tells or, where that
 * happens to fit, the final states. The cells of this layer's planes and all
 * above are zero then, but for skipped ones; if it is layer 0 of a predicted
 * slice, skip[] is all 1 and nothing is written unless the checksum was
 * right. The layers below stay valid; do not decode those above. */
walloc_result walloc_slice_decode (const walloc_slice_coder * coder,
    walloc_slice * slice, unsigned layer, const uint8_t * data, size_t size);

/* The same for the same layer of up to WALLOC_ROWS_LANES slices of one width,
 * key slices or predicted ones, with a scratch each: faster than one after
 * another. */
void walloc_slice_decode_several (const walloc_slice_coder * coder,
    walloc_slice * const *slices, unsigned count, unsigned layer,
    const uint8_t * const *data, const size_t *sizes, walloc_result * results);

/* What walloc_slice_decode() does on damage, for a layer that is missing. */
void walloc_slice_lose (const walloc_slice_coder * coder, walloc_slice * slice,
    unsigned layer);

/* --- shared by slice_encode.c and slice_decode.c --- */

/* What scratch holds. Planes of magnitudes are laid out like the latents'. */
typedef struct
{
  int32_t *mean;                /* of a row */
  uint16_t *spread;
  uint8_t *magnitudes, *previous;       /* of this frame and the one before */
  /* encoder: [channels][rows][width], no gaps */
  uint16_t *number;
  uint8_t *context;             /* key * 4 + fraction class */
  uint16_t *map;                /* [rows][width] */
  walloc_context_planes planes;
  walloc_rows_work *work;       /* decoder */
  walloc_context_cache *cache;  /* encoder */
} walloc_slice_areas;

/* Prepares scratch for the channels from first up to end - 1: margins of
 * magnitudes, and magnitudes of the frame before where they are needed. */
void walloc_slice_begin (const walloc_slice_coder * coder,
    const walloc_slice * slice, unsigned first, unsigned end, int encoder,
    walloc_slice_areas * areas);

/* Whether anything is coded in row y of a predicted slice, or up to two rows
 * away, where contexts read its magnitudes. */
int walloc_slice_near_coded (const walloc_slice * slice, unsigned y);

/* Zeros right of a row of magnitudes, and left of the next. */
static inline void
walloc_slice_end_row (const walloc_slice * slice, uint8_t * row)
{
  memset (row + slice->width, 0, slice->stride - slice->width);
}

#endif
