/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "entropy/slice.h"

#include "entropy/rans.h"

#include <string.h>

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

/* Offsets of the areas in scratch, and bytes of it all. plane_stride is that
 * of the latents. */
static size_t
lay_out (walloc_slice_areas * areas, uint8_t * memory, unsigned width,
    unsigned rows, size_t plane_stride, unsigned channels, int before,
    int encoder)
{
  size_t row = ((size_t) width + 2 * WALLOC_ROW_SLACK) & ~(size_t) 31;
  size_t cells = (size_t) width * rows, coded = encoder ? cells * channels : 0;
  size_t planes = plane_stride * channels +
      2 * walloc_slice_stride (width) + WALLOC_SLICE_LEFT + WALLOC_ROW_SLACK;
  /* a number: memory is NULL where only the size is asked for */
  uintptr_t scratch = (uintptr_t) memory;
  size_t at = 0;

  areas->work = (walloc_rows_work *) (scratch + at);
  at += encoder ? 0 : (sizeof *areas->work + 63) & ~(size_t) 63;
  areas->cache = (walloc_context_cache *) (scratch + at);
  at += encoder ? (sizeof *areas->cache + 63) & ~(size_t) 63 : 0;
  areas->mean = (int32_t *) (scratch + at);
  at += row * sizeof (int32_t);
  areas->spread = (uint16_t *) (scratch + at);
  at += row * sizeof (uint16_t);
  /* the map of layer 0 is coded when its numbers have been */
  areas->number = areas->map = (uint16_t *) (scratch + at);
  at += ((coded > cells ? coded : cells) + WALLOC_ROW_SLACK) *
      sizeof (uint16_t);
  areas->context = (uint8_t *) (scratch + at);
  at += coded + WALLOC_ROW_SLACK;
  areas->magnitudes = (uint8_t *) (scratch + at + walloc_slice_origin (width));
  at += planes;
  areas->previous = (uint8_t *) (scratch + at + walloc_slice_origin (width));
  at += before ? planes : 0;
  return at;
}

size_t
walloc_slice_scratch (const walloc_model * model, unsigned width,
    unsigned rows, unsigned channels, walloc_slice_use use)
{
  walloc_slice_areas areas;
  unsigned s, before = 0;
  size_t plane_stride = walloc_slice_plane_stride (width, rows), size[2];

  for (s = 0; s < model->info.sets; s++)
    before |= (unsigned) model->set[s].before;
  for (s = 0; s < 2; s++)
    size[s] = lay_out (&areas, NULL, width, rows, plane_stride, channels,
        (int) before, s != 0);
  if (use == WALLOC_SLICE_BOTH)
    return size[size[1] > size[0]];
  return size[use == WALLOC_SLICE_ENCODE];
}

/* Zeros around plane channel of magnitudes, but right of its rows. */
static void
clear_around (const walloc_slice * slice, uint8_t * plane)
{
  size_t bytes = 2 * slice->stride + WALLOC_SLICE_LEFT;

  memset (plane - bytes, 0, bytes);
  memset (plane + slice->rows * slice->stride - WALLOC_SLICE_LEFT, 0, bytes);
}

/* Magnitudes of the frame before, of the planes below end from first on. */
static void
measure_previous (const walloc_slice_coder * coder, const walloc_slice * slice,
    uint8_t * magnitudes, unsigned first, unsigned end)
{
  const int16_t *row;
  uint8_t *to;
  unsigned y;

  for (; first < end; first++) {
    if (!coder->present[first])
      continue;
    row = slice->previous + first * slice->plane_stride;
    to = magnitudes + first * slice->plane_stride;
    clear_around (slice, to);
    for (y = 0; y < slice->rows; y++) {
      walloc_context_magnitudes (row, slice->width,
          coder->model->set[coder->set].cap, to);
      walloc_slice_end_row (slice, to);
      row += slice->stride;
      to += slice->stride;
    }
  }
}

void
walloc_slice_begin (const walloc_slice_coder * coder,
    const walloc_slice * slice, unsigned first, unsigned end, int encoder,
    walloc_slice_areas * areas)
{
  int before = slice->skip != NULL && coder->model->set[coder->set].before;
  unsigned c;

  lay_out (areas, slice->scratch, slice->width, slice->rows,
      slice->plane_stride, coder->channels, before, encoder);
  areas->planes.planes = slice->planes;
  areas->planes.magnitudes = areas->magnitudes;
  areas->planes.previous = before ? slice->previous : NULL;
  areas->planes.previous_magnitudes = areas->previous;
  areas->planes.stride = slice->stride;
  areas->planes.plane_stride = slice->plane_stride;
  for (c = first; c < end; c++)
    clear_around (slice, areas->magnitudes + c * slice->plane_stride);
  if (before)
    measure_previous (coder, slice, areas->previous, first, end);
}

int
walloc_slice_near_coded (const walloc_slice * slice, unsigned y)
{
  unsigned first = y < 2 ? 0 : y - 2, end = y + 3;

  end = end > slice->rows ? slice->rows : end;
  for (; first < end; first++)
    if (memchr (slice->skip + first * slice->skip_stride, 0, slice->width) !=
        NULL)
      return 1;
  return 0;
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
  coder->open = 0;
  coder->kernels = walloc_rows_best (0);
  walloc_slice_coder_layers (coder, 1, NULL);
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
