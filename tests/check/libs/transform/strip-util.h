/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Memory and rows for the strip kernels of one instruction set, for tests and
 * benchmarks. */
#ifndef STRIP_UTIL_H
#define STRIP_UTIL_H

#include "bottleneck/quantiser.h"
#include "transform/strip.h"

#include <stdlib.h>
#include <string.h>

static void *
strip_memory (size_t bytes)
{
  void *p = NULL;

  bytes = (bytes + 127) / 64 * 64;
  if (posix_memalign (&p, 64, bytes) != 0)
    exit (99);
  memset (p, 0x5a, bytes);
  return p;
}

typedef struct
{
  const walloc_strip_kernels *k;
  walloc_strip_plane plane;
  size_t gw, gh, stride;
  int16_t *phases, *rows, *state, *coefs;
} strip_run;

/* All pairs are used, slot = band along the width * pairs + pair. */
static void
strip_new (strip_run * r, const walloc_strip_kernels * k, unsigned phases,
    unsigned levels, walloc_strip_scale scale, size_t gw, size_t gh)
{
  unsigned h, u, pairs = 1u << (levels - 1);

  memset (r, 0, sizeof *r);
  r->k = k;
  r->gw = gw;
  r->gh = gh;
  r->stride = (gw + WALLOC_STRIP_LANES - 1) / WALLOC_STRIP_LANES *
      WALLOC_STRIP_LANES + WALLOC_STRIP_LANES;
  r->plane.phases = phases;
  r->plane.levels = levels;
  r->plane.scale = scale;
  r->plane.used = (uint8_t) ((1u << phases) - 1);
  for (h = 0; h < phases; h++) {
    r->plane.pairs[h] = (uint8_t) ((1u << pairs) - 1);
    for (u = 0; u < pairs; u++)
      r->plane.slot[h][u] = (uint8_t) (h * pairs + u);
  }
  r->phases = strip_memory (16 * r->stride * 2);
  r->rows = strip_memory (WALLOC_STRIP_INPUT * phases * r->stride * 2);
  r->state = strip_memory (phases * WALLOC_STRIP_NODES * WALLOC_STRIP_STATE *
      r->stride * 2);
  r->coefs = strip_memory (WALLOC_STRIP_SLOTS * WALLOC_STRIP_ROWS * 2 *
      WALLOC_STRIP_LANES * 2);
}

static void
strip_free (strip_run * r)
{
  free (r->phases);
  free (r->rows);
  free (r->state);
  free (r->coefs);
}

/* One row of either kind of sample; those of 16 bits are whole groups. */
static void
strip_row (strip_run * r, const uint8_t * u8, const int16_t * s16, size_t n,
    unsigned row)
{
  if (u8 != NULL)
    r->k->split_u8 (u8, n, r->gw, r->plane.phases, r->phases, r->stride);
  else
    r->k->split_s16 (s16, r->gw, r->plane.phases, r->phases, r->stride);
  r->k->horizontal (r->phases, r->phases + 8 * r->stride, r->stride, r->gw,
      r->plane.phases, r->plane.used, r->rows + row * r->plane.phases *
      r->stride);
}

#endif
