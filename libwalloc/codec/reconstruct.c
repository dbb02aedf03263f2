/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Latents to samples: tile by tile, in each of them row by row of the grid. */
#include "codec/decoder-private.h"

#include <string.h>

/* The low-pass of CDF 9/7 analysis with gain 1: coefficients of the sample
 * in the middle and of those around it. */
static const float low_pass[5] = {
  0.60294901823635790f, 0.26686411844287230f, -0.07822326652898785f,
  -0.01686411844287495f, 0.02674875741080976f
};

/* One component of a tile on its way. */
typedef struct
{
  walloc_decoder *d;
  walloc_decode_worker *w;
  const walloc_decode_component *c;
  unsigned index;               /* of the component */
  unsigned slot;                /* samples' rows since the last row went in */
  unsigned next;                /* row of the component that comes next */
  walloc_rect out;              /* of the component of the reduced picture */
  ptrdiff_t left;               /* column of the base's first sample here */
  walloc_synthesis synthesis;
} component_stream;

static unsigned
least (unsigned a, unsigned b)
{
  return a < b ? a : b;
}

static unsigned
most (unsigned a, unsigned b)
{
  return a > b ? a : b;
}

/* Sample i of an axis of n samples, which is extended to an even number by
 * repeating the last and mirrored from there on (walloc/wavelet.h). */
static ptrdiff_t
mirrored (ptrdiff_t i, ptrdiff_t n)
{
  ptrdiff_t last = ((n + 1) & ~(ptrdiff_t) 1) - 1;

  i = i < 0 ? -i : i;
  i = i > last ? 2 * last - i : i;
  /* axes shorter than the filter */
  i = i < 0 ? -i : i;
  if (i > last)
    i = last == 0 ? 0 : i % (2 * last);
  i = i > last ? 2 * last - i : i;
  return i < n ? i : n - 1;
}

static void
put (component_stream * t, unsigned y, const float *samples)
{
  walloc_decoder_put_row (t->d, t->w, t->index, t->slot++, t->out.x0, y,
      samples, t->out.x1 - t->out.x0);
}

/* Every second column of a low-passed row of the base. */
static void
halve_row (const component_stream * t, const float *in, float *out)
{
  ptrdiff_t width = (ptrdiff_t) t->c->base_width, x, i;
  float sum;

  for (x = (ptrdiff_t) t->out.x0; x < (ptrdiff_t) t->out.x1; x++) {
    sum = low_pass[0] * in[mirrored (2 * x, width) - t->left];
    for (i = 1; i < 5; i++)
      sum += low_pass[i] * (in[mirrored (2 * x - i, width) - t->left] +
          in[mirrored (2 * x + i, width) - t->left]);
    *out++ = sum;
  }
}

/* Rows 2 y - 4 to 2 y + 4 that are kept make row y. */
static void
halve_rows (component_stream * t, unsigned y)
{
  size_t stride = t->d->plan.samples;
  ptrdiff_t height = (ptrdiff_t) t->c->base_height, row = 2 * (ptrdiff_t) y;
  unsigned n = t->out.x1 - t->out.x0, x, i;
  const float *above, *below;
  float *sum = t->w->taps[t->index] + WALLOC_DECODE_TAP_ROWS * stride;

  for (i = 0; i < 5; i++) {
    above = t->w->taps[t->index] + stride *
        (size_t) (mirrored (row - (ptrdiff_t) i, height) %
        WALLOC_DECODE_TAP_ROWS);
    below = t->w->taps[t->index] + stride *
        (size_t) (mirrored (row + (ptrdiff_t) i, height) %
        WALLOC_DECODE_TAP_ROWS);
    for (x = 0; x < n; x++)
      sum[x] = i == 0 ? low_pass[0] * above[x] : sum[x] +
          low_pass[i] * (above[x] + below[x]);
  }
  put (t, y, sum);
}

/* A row of the base has come. */
static void
take_row (void *user, ptrdiff_t y, const float *samples)
{
  component_stream *t = user;
  float *to;

  if (!t->c->half_x) {
    put (t, (unsigned) y, samples + ((ptrdiff_t) t->out.x0 - t->left));
    return;
  }
  to = t->w->taps[t->index] + (size_t) (y % WALLOC_DECODE_TAP_ROWS) *
      t->d->plan.samples;
  halve_row (t, samples, to);
  if (!t->c->half_y) {
    put (t, (unsigned) y, to);
    return;
  }
  while (t->next < t->out.y1 && (ptrdiff_t) least (2 * t->next + 4,
          t->c->base_height - 1) <= y)
    halve_rows (t, t->next++);
}

static void
open_stream (component_stream * t, const walloc_rect * tile,
    ptrdiff_t first, ptrdiff_t end)
{
  const walloc_decode_plan *p = &t->d->plan;
  const walloc_decode_component *c = t->c;
  unsigned half_x = t->index > 0 && (p->sampling == WALLOC_SAMPLING_420 ||
      p->sampling == WALLOC_SAMPLING_422);
  unsigned half_y = t->index > 0 && p->sampling == WALLOC_SAMPLING_420;
  unsigned cell = p->cell;
  walloc_synthesis_shape shape = { (size_t) (end - first),
    t->d->layout.grid_height, c->levels, c->low,
    0, c->base_height, c->merge,
    t->d->model->info.kind == WALLOC_MODEL_REFERENCE ?
        WALLOC_BORDER_PERIODIC : WALLOC_BORDER_SYMMETRIC, 0, 0, take_row, t
  };

  t->out.x0 = most (p->region.x0, tile->x0 * cell) >> half_x;
  t->out.y0 = most (p->region.y0, tile->y0 * cell) >> half_y;
  t->out.x1 = (least (p->region.x1, tile->x1 * cell) + half_x) >> half_x;
  t->out.y1 = (least (p->region.y1, tile->y1 * cell) + half_y) >> half_y;
  t->next = t->out.y0;
  t->left = first * (ptrdiff_t) c->cell_x;
  shape.first = (ptrdiff_t) t->out.y0;
  shape.end = (ptrdiff_t) t->out.y1;
  if (c->half_y) {
    shape.first = t->out.y0 > 2 ? 2 * (ptrdiff_t) t->out.y0 - 4 : 0;
    shape.end = (ptrdiff_t) least (2 * t->out.y1 + 3, c->base_height);
  }
  shape.width = least ((unsigned) (end * (ptrdiff_t) c->cell_x),
      c->base_width) - (size_t) t->left;
  walloc_synthesis_init (&t->synthesis, &walloc_float_synthesis, &shape,
      t->w->synthesis[t->index]);
}

static void
make_tile (void *data, unsigned index)
{
  walloc_decoder *d = data;
  const walloc_decode_plan *p = &d->plan;
  unsigned slot = walloc_workers_take (&d->workers), i;
  walloc_decode_worker *w = &d->worker[slot];
  component_stream stream[3], *t;
  walloc_rect tile;
  ptrdiff_t first, end, row, start = PTRDIFF_MAX, stop = PTRDIFF_MIN;
  uint64_t then = walloc_now (), now;

  walloc_decoder_tile (d, index, &tile, &first, &end);
  for (i = 0; i < p->components; i++) {
    t = &stream[i];
    t->d = d;
    t->w = w;
    t->c = &p->component[i];
    t->index = i;
    open_stream (t, &tile, first, end);
    start = t->synthesis.start < start ? t->synthesis.start : start;
    stop = t->synthesis.stop > stop ? t->synthesis.stop : stop;
  }
  for (row = start; row < stop; row++) {
    walloc_decoder_coefficients (d, w, (unsigned) walloc_packet_row (row,
            d->layout.grid_height, WALLOC_BORDER_PERIODIC), first, end);
    now = walloc_now ();
    w->ns_network += now - then;
    for (i = 0; i < p->components; i++) {
      t = &stream[i];
      t->slot = 0;
      if (row >= t->synthesis.start && row < t->synthesis.stop)
        walloc_synthesis_push (&t->synthesis, w->coef + t->c->plane *
            p->stride, p->stride, w->live + t->c->plane);
    }
    then = walloc_now ();
    w->ns_synthesis += then - now;
  }
  walloc_workers_give (&d->workers, slot);
}

void
walloc_decoder_reconstruct (walloc_decoder * d)
{
  walloc_parallel (&d->runner, make_tile, d, d->plan.tiles_x * d->plan.tiles_y);
}
