/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "entropy/slice.h"

#include "entropy/rans.h"

/* Bytes that one latent takes at most: a symbol of frequency 1 (15 bits), an
 * escape (sign, 15 for the length, 14 below its leading bit) and 12 low bits,
 * and what rANS loses by rounding, less than 4 bits. */
#define WORST_LATENT 8
/* ... and one flag of a skip map: 10 bits. */
#define WORST_FLAG 2

size_t
walloc_slice_stride (unsigned width)
{
  return ((size_t) width + 7) / 8 * 8 + WALLOC_SLICE_LEFT;
}

size_t
walloc_slice_plane_stride (unsigned width, unsigned rows)
{
  /* the two rows of zeros below are those above the next plane */
  return walloc_slice_stride (width) * ((size_t) rows + 2);
}

size_t
walloc_slice_elements (unsigned width, unsigned rows, unsigned channels)
{
  return walloc_slice_plane_stride (width, rows) * channels +
      2 * walloc_slice_stride (width) + WALLOC_SLICE_LEFT + WALLOC_ROW_SLACK;
}

size_t
walloc_slice_origin (unsigned width)
{
  return 2 * walloc_slice_stride (width) + WALLOC_SLICE_LEFT;
}

size_t
walloc_slice_scratch (unsigned width, unsigned rows)
{
  /* rows of contexts, residuals and tables, or frequencies of a skip map */
  size_t row = ((size_t) width + WALLOC_ROW_SLACK) * (4 + 4 + 2 + 1);
  size_t map = (size_t) width * rows * sizeof (uint16_t);

  return row > map ? row : map;
}

size_t
walloc_slice_worst (unsigned width, unsigned rows, unsigned channels)
{
  return (size_t) WORST_LATENT *width * rows * channels + 4 * channels +
      (size_t) WORST_FLAG *width * rows +
      WALLOC_SLICE_LAYERS * (2 * WALLOC_RANS_HEAD + WALLOC_SLICE_CHECK);
}

void
walloc_slice_coder_init (walloc_slice_coder * coder,
    const walloc_model * model, unsigned set, unsigned channels,
    const uint8_t * present)
{
  coder->model = model;
  coder->set = set;
  coder->channels = channels;
  coder->present = present;
  walloc_slice_coder_layers (coder, 1, NULL);
  walloc_buckets_init (&coder->buckets, model->set[set].thresholds,
      model->buckets);
}

void
walloc_slice_coder_layers (walloc_slice_coder * coder, unsigned layers,
    const unsigned *end)
{
  unsigned i;

  coder->layers = layers;
  for (i = 0; i + 1 < layers; i++)
    coder->end[i] = (uint16_t) end[i];
  coder->end[layers - 1] = (uint16_t) coder->channels;
}
