/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is lost of a key frame, from the frame before, whose latents are still
 * there where nothing was decoded. How much of it is taken is told by what is
 * known of both frames: around a lost slice the rows next to it, in a slice
 * that misses layers those below. Latents of the frame before are multiplied
 * by the share that would have made the error least there: 1 where nothing
 * moves, 0 behind a cut. The channels that carry means have no share: they
 * follow what is around, and keep their detail unless the scene is another. */
#include "codec/decoder-private.h"

#include <math.h>
#include <string.h>

/* columns on both sides of one whose share is asked for */
#define REACH 3
/* of what goes up and down, so much has to do so in both frames */
#define SAME_SCENE 0.25f

/* columns of the greatest grid */
#define COLUMNS (WALLOC_MAX_SIZE / WALLOC_CELL)

/* Of a row of latents now and before, for each column, in units of samples:
 * products of both, squares of each, and squares of the steps. */
typedef struct
{
  float both[COLUMNS], before[COLUMNS], now[COLUMNS], step[COLUMNS];
} row_sums;

static size_t
grid_of (const walloc_decoder * d)
{
  return (size_t) d->layout.grid_width * d->layout.grid_height;
}

static unsigned
edge_channels (const walloc_decoder * d)
{
  return d->channels < WALLOC_EDGE_CHANNELS ? d->channels :
      WALLOC_EDGE_CHANNELS;
}

/* Row 0 or 1, the first or last, of a slice in the frame before. */
static size_t
edge_at (const walloc_decoder * d, unsigned slice, unsigned row)
{
  return ((size_t) slice * 2 + row) * d->layout.grid_width;
}

static int16_t *
get_edge (const walloc_decoder * d, unsigned slice, unsigned row, unsigned c)
{
  return d->before.edge + edge_at (d, slice, row) * WALLOC_EDGE_CHANNELS +
      c * (size_t) d->layout.grid_width;
}

static int16_t *
get_row (const walloc_decoder * d, unsigned c, unsigned y)
{
  return d->latents + c * grid_of (d) + y * (size_t) d->layout.grid_width;
}

static float
step_of (const walloc_decoder * d, unsigned point, unsigned c)
{
  return d->model->info.kind == WALLOC_MODEL_REFERENCE ? 1.0f :
      walloc_decoder_point_step (d, point, c);
}

static int16_t
to_latent (float value)
{
  return (int16_t) lrintf (value < -WALLOC_LATENT_MAX ? -WALLOC_LATENT_MAX :
      value > WALLOC_LATENT_MAX ? WALLOC_LATENT_MAX : value);
}

void
walloc_decoder_unprepare_before (walloc_decoder * d)
{
  walloc_mem_release (&d->mem, &d->before.edge);
  walloc_mem_release (&d->mem, &d->before.edge_point);
  d->before.have = 0;
}

void
walloc_decoder_prepare_before (walloc_decoder * d)
{
  walloc_decode_before *b = &d->before;
  size_t n = edge_at (d, d->layout.slices, 0);
  int short_of = 0;

  /* not before it is needed, so that all else has its memory first */
  if (!b->have || d->layout.slices == 1 || b->edge != NULL)
    return;
  b->edge = walloc_mem_take (&d->mem, n * WALLOC_EDGE_CHANNELS,
      sizeof *b->edge, &short_of);
  b->edge_point = walloc_mem_take (&d->mem, n, sizeof *b->edge_point,
      &short_of);
  if (short_of)
    walloc_decoder_unprepare_before (d);
}

void
walloc_decoder_find_before (walloc_decoder * d)
{
  const walloc_decode_state *s = &d->state;
  const walloc_frame_info *info = &d->info;

  d->before.channels = d->channels;
  d->before.have = d->before.wanted && info->type == WALLOC_FRAME_KEY &&
      s->have && s->width == info->width && s->height == info->height &&
      s->scale == info->scale && d->layout.format == info->format;
}

/* Adds a row of channel c. */
static void
add_row (const walloc_decoder * d, unsigned c, const int16_t * now,
    const int16_t * before, const uint16_t * point, row_sums * sums)
{
  float a, b, now_step = d->step[c], step = 0;
  unsigned x, of = WALLOC_MIXED_POINTS;

  for (x = 0; x < d->layout.grid_width; x++) {
    if (point[x] != of)
      step = step_of (d, of = point[x], c);
    a = (float) now[x] * now_step;
    b = (float) before[x] * step;
    sums->both[x] += a * b;
    sums->before[x] += b * b;
    sums->now[x] += a * a;
    sums->step[x] += now_step * step;
  }
}

/* The same of what distinguishes neighbours. */
static void
add_differences (const walloc_decoder * d, unsigned c, const int16_t * now,
    const int16_t * before, const uint16_t * point, row_sums * sums)
{
  float a, b, step;
  unsigned x;

  for (x = 1; x < d->layout.grid_width; x++) {
    step = step_of (d, point[x], c);
    a = (float) (now[x] - now[x - 1]) * d->step[c];
    b = (float) before[x] * step - (float) before[x - 1] *
        step_of (d, point[x - 1], c);
    sums->both[x] += a * b;
    sums->before[x] += b * b;
    sums->now[x] += a * a;
    sums->step[x] += d->step[c] * step;
  }
}

/* The share for every column: the least squares over those around it, in which
 * the frame before counts as true as far as rounding could hide that it is. */
static void
get_shares (const walloc_decoder * d, const row_sums * sums, float *share)
{
  unsigned width = d->layout.grid_width, x, i, end;
  float both, before, noise;

  for (x = 0; x < width; x++) {
    both = before = noise = 0;
    end = x + REACH < width ? x + REACH + 1 : width;
    for (i = x > REACH ? x - REACH : 0; i < end; i++) {
      both += sums->both[i];
      before += sums->before[i];
      noise += sums->step[i] / 12;
    }
    both += noise;
    before += noise;
    share[x] = both <= 0 ? 0 : both < before ? both / before : 1;
  }
}

/* Fills layers that slice index misses; latents has the frame before. */
static void
fill_layers (walloc_decoder * d, unsigned index, walloc_slice * slice)
{
  unsigned first = walloc_layout_row (&d->layout, index), c, y, x;
  unsigned whole = d->coder.end[d->intact[index] - 1];
  const uint16_t *point;
  const int16_t *before;
  static const int16_t zeros[COLUMNS];
  float share[COLUMNS];
  row_sums sums;
  int16_t *to;

  for (y = 0; y < slice->rows; y++) {
    point = d->state.point + (size_t) (first + y) * slice->width;
    memset (&sums, 0, sizeof sums);
    for (c = 0; c < whole && c < d->before.channels; c++)
      if (!walloc_decoder_carries_mean (d, c))
        add_row (d, c, slice->live[c] ? slice->planes + c *
            slice->plane_stride + y * slice->stride : zeros,
            get_row (d, c, first + y), point, &sums);
    get_shares (d, &sums, share);
    /* higher channels differ sooner than those below; measured */
    for (x = 0; x < slice->width; x++) {
      share[x] *= share[x];
      share[x] *= share[x];
    }
    for (c = whole; c < d->channels && c < d->before.channels; c++) {
      to = slice->planes + c * slice->plane_stride + y * slice->stride;
      before = get_row (d, c, first + y);
      slice->live[c] = 1;
      for (x = 0; x < slice->width; x++)
        to[x] = before[x] == 0 ? 0 : to_latent (share[x] * (float) before[x] *
            step_of (d, point[x], c) / d->step[c]);
    }
  }
}

void
walloc_decoder_replace_slice (walloc_decoder * d, unsigned index,
    walloc_slice * slice)
{
  unsigned row, y, c;
  size_t size = slice->width * sizeof *d->latents;

  for (row = 0; d->before.edge != NULL && row < 2; row++) {
    y = walloc_layout_row (&d->layout, index) + row * (slice->rows - 1);
    memcpy (d->before.edge_point + edge_at (d, index, row), d->state.point +
        (size_t) y * slice->width, slice->width * sizeof *d->state.point);
    for (c = 0; c < edge_channels (d); c++) {
      if (c < d->before.channels)
        memcpy (get_edge (d, index, row, c), get_row (d, c, y), size);
      else
        memset (get_edge (d, index, row, c), 0, size);
    }
  }
  if (d->intact[index] < d->layers)
    fill_layers (d, index, slice);
}

/* A row next to lost ones. */
typedef struct
{
  unsigned slice, row;          /* of the edges */
  unsigned y;
  float share[COLUMNS];
} fit_edge;

/* Whether the edges, which may be the same one, look like the same scene: what
 * they show goes up and down as it did. */
static int
same_scene (const walloc_decoder * d, const fit_edge * above,
    const fit_edge * below)
{
  const fit_edge *edges[] = { above, below };
  float both = 0, before = 0, now = 0, noise = 0;
  row_sums sums;
  unsigned c, i, x;

  memset (&sums, 0, sizeof sums);
  for (i = 0; i < 2; i++)
    for (c = 0; c < edge_channels (d); c++)
      if (walloc_decoder_carries_mean (d, c))
        add_differences (d, c, get_row (d, c, edges[i]->y),
            get_edge (d, edges[i]->slice, edges[i]->row, c),
            d->before.edge_point + edge_at (d, edges[i]->slice,
                edges[i]->row), &sums);
  for (x = 1; x < d->layout.grid_width; x++) {
    both += sums.both[x];
    before += sums.before[x];
    now += sums.now[x];
    noise += sums.step[x];
  }
  return both + noise >= SAME_SCENE * (before > now ? before : now);
}

static void
prepare_edge (const walloc_decoder * d, fit_edge * edge)
{
  row_sums sums;
  unsigned c;

  memset (&sums, 0, sizeof sums);
  for (c = 0; c < edge_channels (d); c++)
    if (!walloc_decoder_carries_mean (d, c))
      add_row (d, c, get_row (d, c, edge->y),
          get_edge (d, edge->slice, edge->row, c), d->before.edge_point +
          edge_at (d, edge->slice, edge->row), &sums);
  get_shares (d, &sums, edge->share);
}

/* Value at an edge now and before. */
static void
get_values (const walloc_decoder * d, const fit_edge * edge, unsigned c,
    unsigned x, float *now, float *before)
{
  size_t at = edge_at (d, edge->slice, edge->row) + x;

  *now = (float) get_row (d, c, edge->y)[x] * d->step[c];
  *before = (float) get_edge (d, edge->slice, edge->row, c)[x] *
      step_of (d, d->before.edge_point[at], c);
}

/* One row, which is part of the way from the edge above to the one below. */
static void
fit_row (walloc_decoder * d, const fit_edge * above, const fit_edge * below,
    unsigned y, float part, int same)
{
  const uint16_t *point = d->state.point + y * (size_t) d->layout.grid_width;
  float share, now[2], before[2], step;
  unsigned c, x;
  int16_t *row;

  for (c = 0; c < d->channels; c++) {
    row = get_row (d, c, y);
    if (c < WALLOC_EDGE_CHANNELS && walloc_decoder_carries_mean (d, c)) {
      for (x = 0; x < d->layout.grid_width; x++) {
        get_values (d, above, c, x, &now[0], &before[0]);
        get_values (d, below, c, x, &now[1], &before[1]);
        step = step_of (d, point[x], c);
        now[0] += part * (now[1] - now[0]);
        before[0] += part * (before[1] - before[0]);
        row[x] = to_latent (now[0] / step + (same ? (float) row[x] -
                before[0] / step : 0));
      }
    } else {
      for (x = 0; x < d->layout.grid_width; x++) {
        share = above->share[x] + part * (below->share[x] - above->share[x]);
        row[x] = row[x] == 0 ? 0 : to_latent (share * (float) row[x]);
      }
    }
    walloc_decoder_look (d, c, y, y + 1);
  }
}

void
walloc_decoder_fit_before (walloc_decoder * d, unsigned first, unsigned end)
{
  const walloc_layout *l = &d->layout;
  unsigned top = walloc_layout_row (l, first), c, y;
  unsigned bottom = walloc_layout_row (l, end);
  fit_edge above = { first - 1, 1, top - 1, {0} };
  fit_edge below = { end, 0, bottom, {0} };
  int has_above = first > 0, has_below = end < l->slices, same;

  for (c = d->before.channels; c < d->channels; c++) {
    memset (get_row (d, c, top), 0, (size_t) (bottom - top) * l->grid_width *
        sizeof *d->latents);
    walloc_decoder_look (d, c, top, bottom);
  }
  /* nothing of this frame tells how it looks */
  if (!has_above && !has_below)
    return;
  if (has_above)
    prepare_edge (d, &above);
  if (has_below)
    prepare_edge (d, &below);
  if (!has_above)
    above = below;
  if (!has_below)
    below = above;
  same = same_scene (d, &above, &below);
  for (y = top; y < bottom; y++)
    fit_row (d, &above, &below, y, (float) (y - top + 1) / (float) (bottom -
            top + 1), same);
}
