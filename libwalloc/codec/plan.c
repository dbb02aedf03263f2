/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What of a frame is made, and how it is cut into tiles.
 *
 * Level by level of synthesis left out halves the picture: channels 0 to
 * 4^L - 1 of a packet are a packet of L levels of the low band. Chroma of half
 * size has a level less, and 4:2:2 chroma splits along its width one level
 * later than along its height; where coefficients do not go down as far as the
 * reduced component does, one more low-pass of the same wavelet follows
 * (reconstruct.c).
 *
 * A frame that was coded at 1 / 2^scale is the low band of what is shown, by
 * so many further levels whose other bands are zero (docs/bitstream.md, 2.3);
 * with reduce, the two cancel. */
#include "codec/decoder-private.h"

#include <string.h>

#define LEVELS 3
/* Memory that the rows of a tile should take at most: they are to stay in the
 * second-level cache, which has 512 KiB or more on today's processors. */
#define TILE_BYTES ((size_t) 352 << 10)
#define MIN_TILE_COLUMNS 24
/* With threads, tiles are so low that there are some for each; rows above and
 * below are computed twice. */
#define MIN_TILE_ROWS 24
#define TILES_PER_THREAD 3
/* Grid positions around a tile that synthesis of three levels and the further
 * low-pass reach. */
#define HALO 4

static unsigned
least (unsigned a, unsigned b)
{
  return a < b ? a : b;
}

/* ceil (n / 2^shift) */
static unsigned
reduced (unsigned n, unsigned shift)
{
  return (n + (1u << shift) - 1) >> shift;
}

static int
is_periodic (const walloc_decoder * d)
{
  return d->model->info.kind == WALLOC_MODEL_REFERENCE;
}

/* Component of a packet of that many inner levels; shift: halvings of its
 * size against the whole picture's, along both axes. */
static void
plan_component (const walloc_decode_plan * p, walloc_decode_component * c,
    unsigned inner, unsigned shift_x, unsigned shift_y)
{
  c->low = p->low;
  c->levels = inner + p->low;
  c->planes = (unsigned) walloc_synthesis_bands (inner, c->merge);
  c->cell_x = (1u << (inner - (c->merge ? 1 : 0))) << p->low;
  c->cell_y = (1u << inner) << p->low;
  c->base_width = reduced (p->width, shift_x);
  c->base_height = reduced (p->height, shift_y);
}

static void
plan_chroma (const walloc_decode_plan * p, walloc_decode_component * c)
{
  unsigned r = p->reduce;

  switch (p->sampling) {
    case WALLOC_SAMPLING_420:
      c->half_x = c->half_y = p->inner == LEVELS;
      if (c->half_x)
        plan_component (p, c, 0, r, r);
      else
        plan_component (p, c, LEVELS - 1 - p->inner, r + 1, r + 1);
      break;
    case WALLOC_SAMPLING_422:
      c->half_x = p->inner > 0;
      c->merge = p->inner == 0;
      plan_component (p, c, LEVELS - p->inner, c->merge ? r + 1 : r, r);
      break;
    default:
      plan_component (p, c, LEVELS - p->inner, r, r);
      break;
  }
}

static void
plan_components (walloc_decode_plan * p)
{
  walloc_decode_component *c = p->component;
  unsigned i;

  memset (c, 0, sizeof p->component);
  p->inner = p->reduce > p->scale ? p->reduce - p->scale : 0;
  p->low = p->scale > p->reduce ? p->scale - p->reduce : 0;
  p->cell = (8 >> p->inner) << p->low;
  plan_component (p, c, LEVELS - p->inner, p->reduce, p->reduce);
  p->components = p->sampling == WALLOC_SAMPLING_GRAY ? 1 : 3;
  p->planes = c->planes;
  for (i = 1; i < p->components; i++) {
    c[i].plane = p->planes;
    plan_chroma (p, &c[i]);
    p->planes += c[i].planes;
  }
}

/* Columns and rows of a tile. */
static void
plan_tiles (walloc_decoder * d, walloc_decode_plan * p)
{
  unsigned cell = p->cell, i, threads = d->workers.count, most;
  unsigned columns, rows;
  size_t bytes = p->planes * sizeof (float);

  /* from even positions on, so that half-size components begin with one */
  p->grid.x0 = p->region.x0 / cell & ~1u;
  p->grid.y0 = p->region.y0 / cell & ~1u;
  p->grid.x1 = (p->region.x1 + cell - 1) / cell;
  p->grid.y1 = (p->region.y1 + cell - 1) / cell;
  columns = p->grid.x1 - p->grid.x0;
  rows = p->grid.y1 - p->grid.y0;
  for (i = 0; i < p->components; i++)
    bytes += walloc_synthesis_bytes (512, p->component[i].levels, p->low,
        p->component[i].merge) / 512;
  most = (unsigned) (TILE_BYTES / bytes);
  most = most < MIN_TILE_COLUMNS + 2 * HALO ? MIN_TILE_COLUMNS :
      most - 2 * HALO;
  p->tiles_x = (columns + most - 1) / most;
  p->tile_columns = ((columns + p->tiles_x - 1) / p->tiles_x + 1) & ~1u;
  p->tiles_x = (columns + p->tile_columns - 1) / p->tile_columns;
  p->tiles_y = 1;
  if (threads > 1) {
    p->tiles_y = (TILES_PER_THREAD * threads + p->tiles_x - 1) / p->tiles_x;
    p->tiles_y = least (p->tiles_y, (rows + MIN_TILE_ROWS - 1) / MIN_TILE_ROWS);
  }
  p->tile_rows = ((rows + p->tiles_y - 1) / p->tiles_y + 1) & ~1u;
  p->tiles_y = (rows + p->tile_rows - 1) / p->tile_rows;
  p->stride = walloc_synthesis_room (p->tile_columns + 2 * HALO +
      WALLOC_SPARSE_ROOM - 1);
  p->samples = p->stride * cell;
}

void
walloc_decoder_tile (const walloc_decoder * d, unsigned index,
    walloc_rect * tile, ptrdiff_t *first, ptrdiff_t *end)
{
  const walloc_decode_plan *p = &d->plan;
  ptrdiff_t width = (ptrdiff_t) d->layout.grid_width;

  tile->x0 = p->grid.x0 + index % p->tiles_x * p->tile_columns;
  tile->y0 = p->grid.y0 + index / p->tiles_x * p->tile_rows;
  tile->x1 = least (tile->x0 + p->tile_columns, p->grid.x1);
  tile->y1 = least (tile->y0 + p->tile_rows, p->grid.y1);
  *first = (ptrdiff_t) tile->x0;
  *end = (ptrdiff_t) tile->x1;
  /* the whole width has the picture's own borders */
  if (tile->x0 == 0 && *end == width)
    return;
  *first -= HALO;
  *end += HALO;
  if (is_periodic (d))
    return;
  *first = *first < 0 ? 0 : *first & ~(ptrdiff_t) (WALLOC_SPARSE_ROOM - 1);
  *end = *end > width ? width : *end;
}

void
walloc_decoder_rows_needed (const walloc_decoder * d, unsigned *first,
    unsigned *end)
{
  const walloc_rect *grid = &d->plan.grid;
  unsigned height = d->layout.grid_height;
  int before = grid->y0 < HALO, behind = grid->y1 + HALO > height;

  *first = before ? 0 : grid->y0 - HALO;
  *end = behind ? height : grid->y1 + HALO;
  if (is_periodic (d) && (before || behind)) {
    *first = 0;
    *end = height;
  }
}

void
walloc_decoder_unprepare_picture (walloc_decoder * d)
{
  walloc_decode_worker *w;
  unsigned i, k;

  for (i = 0; i < d->workers.count; i++) {
    w = &d->worker[i];
    walloc_mem_release (&d->mem, &w->values);
    walloc_mem_release (&d->mem, &w->steps);
    walloc_mem_release (&d->mem, &w->coef);
    walloc_mem_release (&d->mem, &w->live);
    for (k = 0; k < 3; k++) {
      walloc_mem_release (&d->mem, &w->synthesis[k]);
      walloc_mem_release (&d->mem, &w->rows[k]);
      walloc_mem_release (&d->mem, &w->taps[k]);
    }
  }
  walloc_mem_release (&d->mem, &d->weights);
  walloc_mem_release (&d->mem, &d->weights_first);
  memset (&d->plan, 0, sizeof d->plan);
}

static void
take_worker (walloc_decoder * d, walloc_decode_worker * w, int rgb,
    int *short_of)
{
  const walloc_decode_plan *p = &d->plan;
  size_t values = walloc_synthesis_room (d->layout.grid_width);
  unsigned k;

  if (is_periodic (d))
    values += d->model->info.channels * p->stride;
  w->values = walloc_mem_take (&d->mem, values, sizeof *w->values, short_of);
  w->steps = walloc_mem_take (&d->mem, d->layout.grid_width,
      sizeof *w->steps, short_of);
  w->coef = walloc_mem_take (&d->mem, p->planes * p->stride, sizeof *w->coef,
      short_of);
  w->live = walloc_mem_take (&d->mem, p->planes, 1, short_of);
  for (k = 0; k < p->components; k++) {
    w->synthesis[k] = walloc_mem_take (&d->mem, 1, walloc_synthesis_bytes
        (p->stride, p->component[k].levels, p->low, p->component[k].merge),
        short_of);
    if (rgb)
      w->rows[k] = walloc_mem_take (&d->mem, p->samples *
          walloc_synthesis_rows (p->component[k].levels), sizeof *w->rows[k],
          short_of);
    if (p->component[k].half_x)
      w->taps[k] = walloc_mem_take (&d->mem, p->samples * WALLOC_DECODE_TAPS,
          sizeof *w->taps[k], short_of);
  }
}

walloc_result
walloc_decoder_prepare_picture (walloc_decoder * d, unsigned reduce,
    const walloc_rect * region, walloc_error * error)
{
  walloc_decode_plan plan;
  walloc_pixel pixel;
  unsigned i;
  int short_of = 0;

  memset (&plan, 0, sizeof plan);
  walloc_pixel_init (&pixel, d->image->format);
  plan.width = d->info.width;
  plan.height = d->info.height;
  plan.scale = d->info.scale;
  plan.sampling = is_periodic (d) ? WALLOC_SAMPLING_444 : pixel.sampling;
  plan.rgb = pixel.rgb || is_periodic (d);
  plan.reduce = reduce;
  plan.region = *region;
  plan_components (&plan);
  plan_tiles (d, &plan);
  if (memcmp (&plan, &d->plan, sizeof plan) == 0)
    return WALLOC_OK;
  walloc_decoder_unprepare_picture (d);
  d->plan = plan;
  walloc_decoder_prepare_weights (d, &short_of);
  for (i = 0; i < d->workers.count; i++)
    take_worker (d, &d->worker[i], plan.rgb, &short_of);
  if (!short_of)
    return WALLOC_OK;
  walloc_decoder_unprepare_picture (d);
  return walloc_fail (error, WALLOC_ERR_MEMORY,
      "a picture of %ux%u needs more memory than the limit of %zu bytes",
      region->x1 - region->x0, region->y1 - region->y0, d->mem.a.limit);
}
