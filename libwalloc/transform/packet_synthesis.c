/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Synthesis of planes in memory, by the streaming one. */
#include "transform/synthesis.h"

#include <string.h>

typedef struct
{
  const walloc_planes *picture;
  size_t first, width;
} sink;

static void
keep_row (void *user, ptrdiff_t y, const float *samples)
{
  const sink *to = user;

  memcpy ((float *) to->picture->data + ((size_t) y - to->first) *
      to->picture->row_stride, samples, to->width * sizeof *samples);
}

/* In front of the synthesis' memory is a row of all channels, with room. */
static size_t
front_floats (size_t columns, size_t bands)
{
  return bands * walloc_synthesis_room (columns) + (bands + 63) / 64 * 16;
}

static size_t
scratch_bytes (size_t columns, unsigned levels, int merge)
{
  size_t bytes = walloc_synthesis_bytes (columns, levels, 0, merge);
  size_t bands = walloc_synthesis_bands (levels, merge);
  size_t room = walloc_synthesis_room (columns) + 1;

  if (bytes == 0 || room > (SIZE_MAX / 2 - bytes) / sizeof (float) / bands)
    return 0;
  return bytes + front_floats (columns, bands) * sizeof (float) + 64;
}

size_t
walloc_packet_synthesis_scratch (size_t width, unsigned levels)
{
  size_t columns = walloc_packet_length (width, levels), bytes, other;

  if (columns == 0)
    return 0;
  bytes = scratch_bytes (columns, levels, 0);
  other = levels == 1 ? scratch_bytes (width, 1, 1) : 0;
  return bytes != 0 && other > bytes ? other : bytes;
}

void
walloc_packet_synthesis (const walloc_synthesis_kernels * kernels,
    const walloc_packet_shape * shape, const walloc_planes * channels,
    const walloc_planes * picture, void *scratch)
{
  unsigned levels = shape->levels;
  size_t columns = shape->vertical_only ? shape->width
      : walloc_packet_length (shape->width, levels);
  size_t bands = walloc_synthesis_bands (levels, shape->vertical_only), b, y;
  size_t room = walloc_synthesis_room (columns);
  sink to = { picture, shape->first, shape->width };
  walloc_synthesis_shape stream = { columns,
    walloc_packet_length (shape->height, levels), levels, 0,
    0, 0, shape->vertical_only, shape->border, (ptrdiff_t) shape->first,
    (ptrdiff_t) shape->end, keep_row, &to
  };
  walloc_synthesis s;
  float *rows = scratch;
  uint8_t *live;
  ptrdiff_t row;

  rows += (64 - ((uintptr_t) rows & 63)) % 64 / sizeof *rows;
  live = (uint8_t *) (rows + bands * room);
  memset (live, 1, bands);
  memset (rows, 0, bands * room * sizeof *rows);
  walloc_synthesis_init (&s, kernels, &stream,
      rows + front_floats (columns, bands));
  for (row = s.start; row < s.stop; row++) {
    y = walloc_packet_row (row, stream.rows, shape->border);
    for (b = 0; b < bands; b++)
      memcpy (rows + b * room, (const float *) channels->data +
          b * channels->plane_stride + y * channels->row_stride,
          columns * sizeof *rows);
    walloc_synthesis_push (&s, rows, room, live);
  }
}
