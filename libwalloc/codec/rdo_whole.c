/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Decisions with all that they change: M and S of every latent are kept, so
 * that a change's effect on all that have the latent as a neighbour is known,
 * and no change is made that does not lower error plus rate. That other
 * latents' magnitudes change with their means is left out of single prices,
 * but not of what is kept. */
#include "codec/rdo.h"

#include <stdlib.h>
#include <string.h>

/* A cost that has to be computed anew. */
#define UNKNOWN UINT16_MAX
/* Channels with more latents than this share (of plane) are not looked at for
 * leaving them out. */
#define FEW 64
/* Speed 1 also tries one more of a latent that falls short of what is wanted
 * by so much, and one where there is none; 1/256 step. */
#define SHORT 64
#define NEARLY 110

typedef struct
{
  const walloc_rdo *rdo;
  const walloc_slice_coder *coder;
  walloc_slice *slice;
  const int16_t *fine;
  unsigned width, rows;
  size_t plane;                 /* elements per channel of: */
  int32_t *mean, *spread;       /* M and S */
  uint16_t *cost;               /* of the latents as they are */
  int up;
} state;

size_t
walloc_rdo_bytes (unsigned width, unsigned rows, unsigned channels)
{
  return ((size_t) width * rows * channels + 2 * WALLOC_ROW_SLACK) *
      (2 * sizeof (int32_t) + sizeof (uint16_t));
}

static int
latent (const state * w, unsigned c, unsigned y, unsigned x)
{
  return w->slice->planes[c * w->slice->plane_stride + y * w->slice->stride +
      x];
}

/* Cost of q at number at of the arrays, with M and S that much greater. */
static unsigned
cost (const state * w, unsigned c, size_t at, int32_t mean, int32_t spread,
    int q)
{
  return walloc_cost_latent (walloc_cost_of_channel (w->rdo->now->cost,
          w->coder->model, c), w->coder->model,
      w->coder->model->set[w->coder->set].offset[c], w->mean[at] + mean,
      w->spread[at] + spread, q);
}

static unsigned
cost_now (const state * w, unsigned c, size_t at, int q)
{
  unsigned v = w->cost[at];

  if (v == UNKNOWN) {
    v = cost (w, c, at, 0, 0, q);
    w->cost[at] = (uint16_t) (v < UNKNOWN ? v : UNKNOWN - 1);
  }
  return v;
}

/* Magnitude of q as contexts see it. */
static int
magnitude (const state * w, size_t at, int32_t mean, int q)
{
  int a = abs (q - walloc_cost_mean (w->mean[at] + mean));
  int cap = w->coder->model->set[w->coder->set].cap;

  return a < cap ? a : cap;
}

/* Where a use of (y, x) is in the arrays; 0 when there is none. */
static int
place (const state * w, const walloc_rdo_use * use, unsigned *y, unsigned *x,
    size_t *at)
{
  *y += (unsigned) use->dy;
  *x += (unsigned) use->dx;
  *at = use->channel * w->plane + (size_t) *y * w->width + *x;
  return *y < w->rows && *x < w->width;
}

/* What all latents that have this one as a neighbour would cost more. */
static int
others (const state * w, unsigned c, unsigned y, unsigned x, int old, int q)
{
  const walloc_rdo_set *set = w->rdo->now;
  const walloc_rdo_use *use = set->uses + set->first[c];
  const walloc_rdo_use *end = set->uses + set->first[c + 1];
  size_t here = c * w->plane + (size_t) y * w->width + x, at;
  int dm = q - old, sum = 0, other;
  int ds = magnitude (w, here, 0, q) - magnitude (w, here, 0, old);
  unsigned yy, xx;

  for (; use < end && use->channel < w->coder->channels; use++) {
    yy = y;
    xx = x;
    if (!w->slice->live[use->channel] || !place (w, use, &yy, &xx, &at))
      continue;
    other = latent (w, use->channel, yy, xx);
    sum += (int) cost (w, use->channel, at, dm * use->mean, ds * use->spread,
        other) - (int) cost_now (w, use->channel, at, other);
  }
  return sum;
}

/* Adds to S of all that have this magnitude as a neighbour. */
static void
spread_out (const state * w, unsigned c, unsigned y, unsigned x, int ds)
{
  const walloc_rdo_set *set = w->rdo->now;
  const walloc_rdo_use *use = set->uses + set->first[c];
  const walloc_rdo_use *end = set->uses + set->first[c + 1];
  unsigned yy, xx;
  size_t at;

  for (; use < end && use->channel < w->coder->channels; use++) {
    yy = y;
    xx = x;
    if (use->spread == 0 || !place (w, use, &yy, &xx, &at))
      continue;
    w->spread[at] += ds * use->spread;
    w->cost[at] = UNKNOWN;
  }
}

static void
change (const state * w, unsigned c, unsigned y, unsigned x, int old, int q)
{
  const walloc_rdo_set *set = w->rdo->now;
  const walloc_rdo_use *use = set->uses + set->first[c];
  const walloc_rdo_use *end = set->uses + set->first[c + 1];
  size_t here = c * w->plane + (size_t) y * w->width + x, at;
  int dm = q - old, other, ds;
  unsigned yy, xx;

  ds = magnitude (w, here, 0, q) - magnitude (w, here, 0, old);
  if (ds != 0)
    spread_out (w, c, y, x, ds);
  for (; use < end && use->channel < w->coder->channels; use++) {
    yy = y;
    xx = x;
    if (use->mean == 0 || !place (w, use, &yy, &xx, &at))
      continue;
    /* another prediction, so another residual */
    other = latent (w, use->channel, yy, xx);
    ds = magnitude (w, at, dm * use->mean, other) - magnitude (w, at, 0, other);
    w->mean[at] += dm * use->mean;
    w->cost[at] = UNKNOWN;
    if (ds != 0 && w->slice->live[use->channel])
      spread_out (w, use->channel, yy, xx, ds);
  }
  w->cost[here] = UNKNOWN;
  w->slice->planes[c * w->slice->plane_stride + y * w->slice->stride + x] =
      (int16_t) q;
}

/* Error and rate of q in place of old, less than 0 when it is better. */
static int64_t
compare (const state * w, unsigned c, unsigned y, unsigned x, int32_t wanted,
    int old, int q)
{
  const walloc_rdo_channel *channel = &w->rdo->channel[c];
  size_t at = c * w->plane + (size_t) y * w->width + x;
  int64_t worse = walloc_rdo_worse (wanted, walloc_rdo_value (channel, old),
      walloc_rdo_value (channel, q));
  int rate;

  if (abs (q) < abs (old) && walloc_rdo_hopeless (channel, worse, abs (old)))
    return 0;
  rate = (int) cost (w, c, at, 0, 0, q) - (int) cost_now (w, c, at, old);
  rate += others (w, c, y, x, old, q);
  return worse + channel->lambda * rate;
}

/* One more than a latent, away from zero, if that is worth trying. */
static int
more (const walloc_rdo_channel * channel, int32_t wanted, int old, int *q)
{
  int32_t value = walloc_rdo_value (channel, old);

  if (old == 0) {
    *q = wanted < 0 ? -1 : 1;
    return abs (wanted) > NEARLY;
  }
  *q = old < 0 ? old - 1 : old + 1;
  return old < 0 ? wanted < value - SHORT : wanted > value + SHORT;
}

static void
turn (state * w, unsigned c)
{
  const walloc_rdo_channel *channel = &w->rdo->channel[c];
  const int16_t *fine = w->fine + c * w->slice->plane_stride;
  int64_t least, j;
  unsigned y, x;
  int old, q, best;
  int32_t wanted;

  for (y = 0; y < w->rows; y++, fine += w->slice->stride)
    for (x = 0; x < w->width; x++) {
      best = old = latent (w, c, y, x);
      if (old == 0 && !w->up)
        continue;
      least = 0;
      wanted = walloc_rdo_wanted (channel, fine[x]);
      if (old != 0) {
        q = old < 0 ? old + 1 : old - 1;
        j = compare (w, c, y, x, wanted, old, q);
        if (j < least) {
          least = j;
          best = q;
        }
      }
      if (w->up && more (channel, wanted, old, &q) && abs (q) <=
          WALLOC_LATENT_MAX && compare (w, c, y, x, wanted, old, q) < least)
        best = q;
      if (best != old)
        change (w, c, y, x, old, best);
    }
}

/* Leaves a channel out where that is better. */
static void
leave_out (const state * w, unsigned c)
{
  const walloc_rdo_channel *channel = &w->rdo->channel[c];
  const int16_t *fine = w->fine + c * w->slice->plane_stride;
  size_t at = c * w->plane, n = 0;
  unsigned y, x;
  int64_t worse = 0, rate = 0;
  int q;

  for (y = 0; y < w->rows; y++)
    for (x = 0; x < w->width; x++)
      n += latent (w, c, y, x) != 0;
  if (n > w->plane / FEW)
    return;
  for (y = 0; y < w->rows && n > 0; y++, fine += w->slice->stride)
    for (x = 0; x < w->width; x++, at++) {
      q = latent (w, c, y, x);
      rate += cost_now (w, c, at, q);
      if (q != 0)
        worse += walloc_rdo_worse (walloc_rdo_wanted (channel, fine[x]),
            walloc_rdo_value (channel, q), 0);
    }
  if (n > 0 && worse >= channel->lambda * rate)
    return;
  for (y = 0; y < w->rows && n > 0; y++)
    for (x = 0; x < w->width; x++) {
      q = latent (w, c, y, x);
      if (q != 0)
        change (w, c, y, x, q, 0);
    }
  w->slice->live[c] = 0;
}

/* M and S of all latents. */
static void
prepare (state * w)
{
  const walloc_slice *s = w->slice;
  walloc_slice_areas areas;
  walloc_context context;
  const int16_t *row;
  uint8_t *to;
  size_t at, offset;
  unsigned c, y, x;

  walloc_slice_begin (w->coder, s, 0, w->coder->channels, 1, &areas);
  for (c = 0; c < w->coder->channels; c++) {
    if (!w->coder->present[c])
      continue;
    walloc_context_prepare (&context, w->coder->model, w->coder->set, c,
        s->live, &areas.planes, 0);
    at = c * w->plane;
    row = s->planes + c * s->plane_stride;
    to = areas.magnitudes + c * s->plane_stride;
    for (y = 0, offset = 0; y < w->rows; y++, offset += s->stride) {
      walloc_context_mean (&context, offset, w->width, w->mean + at);
      walloc_context_residuals (&context, row, w->width, w->mean + at,
          areas.number, areas.context, to);
      walloc_slice_end_row (s, to);
      walloc_context_spread (&context, offset, w->width, areas.spread);
      for (x = 0; x < w->width; x++)
        w->spread[at + x] = areas.spread[x];
      at += w->width;
      row += s->stride;
      to += s->stride;
    }
  }
  memset (w->cost, 255, w->plane * w->coder->channels * sizeof *w->cost);
}

void
walloc_rdo_whole (const walloc_rdo * rdo, walloc_slice * slice,
    const int16_t * fine, void *memory)
{
  static const uint8_t turns[WALLOC_RDO_WHOLE + 1] = { 0, 3, 2, 1 };
  unsigned c, i;
  size_t n;
  state w;

  w.rdo = rdo;
  w.coder = rdo->coder;
  w.slice = slice;
  w.fine = fine;
  w.width = slice->width;
  w.rows = slice->rows;
  w.plane = (size_t) slice->width * slice->rows;
  n = w.plane * w.coder->channels + WALLOC_ROW_SLACK;
  w.mean = memory;
  w.spread = w.mean + n;
  w.cost = (uint16_t *) (w.spread + n);
  w.up = rdo->speed == 1;
  memcpy (slice->live, w.coder->present, w.coder->channels);
  prepare (&w);
  for (i = 0; i < turns[rdo->speed]; i++)
    for (c = w.coder->channels; c-- > 0;) {
      if (!slice->live[c])
        continue;
      turn (&w, c);
      leave_out (&w, c);
    }
}
