/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A slice with buffers and a random model's coder, for tests. */
#ifndef TESTS_SLICE_FIXTURE_H
#define TESTS_SLICE_FIXTURE_H

#include "entropy/slice.h"

#include "random_model.h"

typedef struct
{
  walloc_mem mem;
  walloc_slice_coder coder;
  walloc_slice slice;
  int16_t *buffer;
  size_t elements;
  uint8_t present[RM_CHANNELS];
  uint8_t *out;
  size_t capacity;
} fixture;

static void
fixture_init (fixture * f, const random_model * r, unsigned width,
    unsigned rows)
{
  memset (f, 0, sizeof *f);
  walloc_mem_init (&f->mem, NULL);
  memset (f->present, 1, sizeof f->present);
  walloc_slice_coder_init (&f->coder, &r->model, 0, RM_CHANNELS, f->present);
  f->slice.width = width;
  f->slice.rows = rows;
  f->slice.stride = walloc_slice_stride (width);
  f->slice.plane_stride = walloc_slice_plane_stride (width, rows);
  f->elements = walloc_slice_elements (width, rows, RM_CHANNELS);
  f->buffer = walloc_mem_alloc (&f->mem, f->elements, sizeof *f->buffer);
  f->slice.planes = f->buffer + walloc_slice_origin (width);
  f->slice.scratch =
      walloc_mem_alloc (&f->mem, 1, walloc_slice_scratch (&r->model, width, rows,
          RM_CHANNELS, WALLOC_SLICE_BOTH));
  memset (f->slice.scratch, 0xa5, walloc_slice_scratch (&r->model, width, rows,
          RM_CHANNELS, WALLOC_SLICE_BOTH));
  f->capacity = walloc_slice_worst (width, rows, RM_CHANNELS);
  f->out = walloc_mem_alloc (&f->mem, 1, f->capacity);
}

static void
fixture_clear (fixture * f)
{
  walloc_mem_free (&f->mem, f->buffer);
  walloc_mem_free (&f->mem, f->slice.scratch);
  walloc_mem_free (&f->mem, f->out);
  TAP_OK (f->mem.used == 0, "all memory returned");
}

static int16_t *
cell (const fixture * f, unsigned c, unsigned y, unsigned x)
{
  return f->slice.planes + c * f->slice.plane_stride + y * f->slice.stride + x;
}

/* kind 0 zeros, 1 sparse small, 2 any value, 3 extremes */
static void
fill (fixture * f, unsigned kind, unsigned *seed)
{
  unsigned c, y, x, v;

  for (c = 0; c < RM_CHANNELS; c++)
    for (y = 0; y < f->slice.rows; y++)
      for (x = 0; x < f->slice.width; x++) {
        v = tap_random (seed);
        *cell (f, c, y, x) = (int16_t) (!f->present[c] || kind == 0 ? 0 :
            kind == 1 ? (v & 7 ? 0 : (int) (v >> 8 & 7) - 3) :
            kind == 2 ? (int) (v % 32767) - 16383 : v & 64 ? 16383 : -16383);
      }
}

#endif
