/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Latents to packet coefficients: dequantiser, linear decoder, and what a
 * network adds; of a row of a tile, and only the planes that the plan has.
 *
 * A weight whose greatest contribution to a row of the picture is below
 * 1 / PRUNE of the frame's step is left out: what all of those add up to is
 * far below the error of quantisation. The bound is that of the whole row, so
 * tiles have no seams. */
#include "codec/decoder-private.h"

#include <string.h>

#include "bottleneck/linear.h"
#include "bottleneck/quantiser.h"

#define PRUNE 64
/* Channels that memory is asked for before they are needed. */
#define AHEAD 6

#define LUMA_COEFS 64
#define CHROMA_COEFS 16
#define DETAIL_COEFS 48
#define SQRT2 1.41421356237309504880f

static int
is_reference (const walloc_decoder * d)
{
  return d->model->info.kind == WALLOC_MODEL_REFERENCE;
}

/* Plane for output k of a network (and so for the matrix of kind ordered, as
 * docs/model-format.md orders them), -1: not wanted. */
static int
plane_of (const walloc_decoder * d, unsigned k)
{
  const walloc_decode_component *c = d->plan.component;
  unsigned which;

  if (is_reference (d)) {
    c += k / LUMA_COEFS;
    k %= LUMA_COEFS;
  } else if (k >= LUMA_COEFS) {
    if (d->plan.components < 3)
      return -1;
    k -= LUMA_COEFS;
    which = k < 2 * CHROMA_COEFS ? k / CHROMA_COEFS :
        (k - 2 * CHROMA_COEFS) / DETAIL_COEFS;
    k = k < 2 * CHROMA_COEFS ? k % CHROMA_COEFS : CHROMA_COEFS +
        (k - 2 * CHROMA_COEFS) % DETAIL_COEFS;
    c += 1 + which;
    /* reduced, the half-size plane is all there is */
    if (k >= CHROMA_COEFS && d->plan.inner > 0)
      return -1;
  }
  return k < c->planes ? (int) (c->plane + k) : -1;
}

/* Factor of output k, so that samples come out at their own scale: a low-pass
 * of both axes has gain 2, and the half-size plane of chroma is divided by it
 * (docs/model-format.md, section 2.1). */
static float
scale_of (const walloc_decoder * d, unsigned k)
{
  const walloc_decode_plan *p = &d->plan;
  unsigned inner = p->inner, chroma;
  float scale = (float) (1u << p->low) / (float) (1u << inner);

  if (is_reference (d) || k < LUMA_COEFS)
    return scale;
  chroma = k < LUMA_COEFS + 2 * CHROMA_COEFS;
  switch (p->sampling) {
    case WALLOC_SAMPLING_420:
      /* the further low-pass of 1/8 has gain 1 */
      return inner == 3 ? 2 * scale : scale;
    case WALLOC_SAMPLING_422:
      return inner > 0 ? 2 * scale : chroma ? scale * SQRT2 : scale / SQRT2;
    default:
      return chroma ? 2 * scale : scale;
  }
}

/* First output that a row of the matrix of a group stands for. */
static unsigned
first_output (unsigned group)
{
  return group == WALLOC_GROUP_LUMA ? 0 : group == WALLOC_GROUP_CHROMA ?
      LUMA_COEFS : LUMA_COEFS + 2 * CHROMA_COEFS;
}

static unsigned
outputs_of (unsigned group)
{
  return group == WALLOC_GROUP_LUMA ? LUMA_COEFS : group ==
      WALLOC_GROUP_CHROMA ? 2 * CHROMA_COEFS : 2 * DETAIL_COEFS;
}

void
walloc_decoder_prepare_weights (walloc_decoder * d, int *short_of)
{
  unsigned channels = d->model->info.channels, c, i, k, group;
  size_t total = 0;
  walloc_weight *w;

  for (k = 0; k < WALLOC_COEF_PLANES; k++) {
    d->net_plane[k] = (int16_t) plane_of (d, k);
    if (d->net_plane[k] >= 0)
      d->plane_scale[d->net_plane[k]] = scale_of (d, k);
  }
  if (is_reference (d))
    return;
  for (c = 0; c < channels; c++)
    total += outputs_of (d->model->group[c]);
  d->weights = walloc_mem_take (&d->mem, total, sizeof *w, short_of);
  d->weights_first = walloc_mem_take (&d->mem, channels + 1,
      sizeof *d->weights_first, short_of);
  if (*short_of)
    return;
  w = d->weights;
  for (c = 0; c < channels; c++) {
    d->weights_first[c] = (uint32_t) (w - d->weights);
    group = d->model->group[c];
    for (i = 0; i < outputs_of (group); i++) {
      k = first_output (group) + i;
      if (d->net_plane[k] < 0)
        continue;
      w->value = d->model->synthesis[(size_t) c * WALLOC_MODEL_INPUTS + i] *
          scale_of (d, k);
      w->plane = (uint32_t) d->net_plane[k];
      w += w->value != 0;
    }
    walloc_sparse_sort (d->weights + d->weights_first[c],
        (unsigned) (w - d->weights) - d->weights_first[c]);
  }
  d->weights_first[c] = (uint32_t) (w - d->weights);
}

static const int16_t *
latent_row (const walloc_decoder * d, unsigned c, unsigned y)
{
  return d->latents + ((size_t) c * d->layout.grid_height + y) *
      d->layout.grid_width;
}

void
walloc_decoder_look (walloc_decoder * d, unsigned c, unsigned first,
    unsigned end)
{
  unsigned y;

  for (y = first; y < end; y++)
    d->activity[(size_t) y * d->capacity + c] = walloc_sparse_look
        (latent_row (d, c, y), d->layout.grid_width);
}

void
walloc_decoder_values (const walloc_decoder * d, unsigned c, unsigned y,
    float *out)
{
  walloc_lookup (latent_row (d, c, y), d->layout.grid_width,
      d->companding.value, d->companding.half, out);
}

void
walloc_decoder_over_step (const walloc_decoder * d, unsigned c, unsigned y,
    const float *steps, float *out)
{
  const int16_t *row = latent_row (d, c, y);
  unsigned width = d->layout.grid_width, point = d->state.row_point[y];
  unsigned x, n, i;
  _Alignas (64) float values[WALLOC_SPARSE_RUN];

  if (point != WALLOC_MIXED_POINTS) {
    walloc_sparse_row (row, width, d->activity[(size_t) y * d->capacity +
            c].runs, d->model->set[point >> 8].recon + 3 * (size_t) c,
        walloc_decoder_point_step (d, point, c), steps[0], out);
    return;
  }
  for (x = 0; x < width; x += n) {
    n = width - x < WALLOC_SPARSE_RUN ? width - x : WALLOC_SPARSE_RUN;
    walloc_decoder_mixed_values (d, c, row + x, d->state.point + (size_t) y *
        width + x, n, values);
    for (i = 0; i < n; i++)
      out[x + i] = values[i] / steps[x + i];
  }
}

static float
frame_step (const walloc_decoder * d)
{
  return (float) ((double) walloc_step_24 (d->info.step_index, 4096) /
      (1 << 24));
}

/* The greatest step of channel c in row y, for a bound. */
static float
greatest_step (const walloc_decoder * d, unsigned c, unsigned y)
{
  const uint16_t *point = d->state.point + (size_t) y * d->layout.grid_width;
  float most = 0, step;
  unsigned x;

  if (d->state.row_point[y] != WALLOC_MIXED_POINTS)
    return walloc_decoder_point_step (d, point[0], c);
  for (x = 0; x < d->layout.grid_width; x++) {
    if (x > 0 && point[x] == point[x - 1])
      continue;
    step = walloc_decoder_point_step (d, point[x], c);
    most = step > most ? step : most;
  }
  return most;
}

/* A channel that contributes to a row. */
typedef struct
{
  uint16_t channel, count;      /* of weights */
  uint32_t runs;
} contribution;

/* Channels that matter in row y between columns first and end; their number. */
static unsigned
find_contributions (const walloc_decoder * d, unsigned y, unsigned first,
    unsigned end, contribution * list)
{
  const walloc_activity *activity = d->activity + (size_t) y * d->capacity;
  uint32_t window = UINT32_MAX << first / WALLOC_SPARSE_RUN &
      UINT32_MAX >> (31 - (end - 1) / WALLOC_SPARSE_RUN);
  float limit = frame_step (d) / PRUNE;
  unsigned c, n = 0, count;

  for (c = 0; c < d->channels; c++, activity++) {
    if ((activity->runs & window) == 0)
      continue;
    /* reconstruction points are up to half a step above the integer */
    count = walloc_sparse_count (d->weights + d->weights_first[c],
        d->weights_first[c + 1] - d->weights_first[c],
        limit / (((float) activity->peak + 0.5f) * greatest_step (d, c, y)));
    list[n].channel = (uint16_t) c;
    list[n].count = (uint16_t) count;
    list[n].runs = activity->runs & window;
    n += count > 0;
  }
  return n;
}

/* Rows of different channels are far apart in memory, which therefore has to
 * be told early. */
static void
fetch_runs (const int16_t * row, uint32_t runs)
{
  for (; runs != 0; runs &= runs - 1) {
    const int16_t *at = row + (unsigned) __builtin_ctz (runs) *
        WALLOC_SPARSE_RUN;

    __builtin_prefetch (at);
    __builtin_prefetch (at + WALLOC_SPARSE_RUN / 2);
  }
}

static void
ordered_matrix (walloc_decoder * d, walloc_decode_worker * w, unsigned y,
    unsigned first, unsigned end)
{
  contribution list[WALLOC_MODEL_MAX_CHANNELS], *p;
  unsigned n = find_contributions (d, y, first, end, list), i, x, stop, c;
  unsigned point = d->state.row_point[y];
  const uint16_t *points = d->state.point + (size_t) y * d->layout.grid_width;
  _Alignas (64) float values[WALLOC_SPARSE_RUN];
  const walloc_weight *weights;
  const int16_t *row;
  uint32_t runs;

  for (p = list; p < list + n; p++) {
    c = p->channel;
    weights = d->weights + d->weights_first[c];
    row = latent_row (d, c, y);
    if (p + AHEAD < list + n)
      fetch_runs (latent_row (d, p[AHEAD].channel, y), p[AHEAD].runs);
    for (runs = p->runs; runs != 0; runs &= runs - 1) {
      x = (unsigned) __builtin_ctz (runs) * WALLOC_SPARSE_RUN;
      stop = x + WALLOC_SPARSE_RUN < end ? x + WALLOC_SPARSE_RUN : end;
      x = x < first ? first : x;
      if (point == WALLOC_MIXED_POINTS)
        walloc_decoder_mixed_values (d, c, row + x, points + x, stop - x,
            values);
      else
        walloc_sparse_values (row + x, stop - x,
            d->model->set[point >> 8].recon + 3 * (size_t) c,
            walloc_decoder_point_step (d, point, c), values);
      walloc_sparse_add (values, (stop - x + WALLOC_SPARSE_ROOM - 1) /
          WALLOC_SPARSE_ROOM * WALLOC_SPARSE_ROOM, weights, p->count,
          w->coef + x - first, d->plan.stride);
    }
    for (i = 0; i < p->count; i++)
      w->live[weights[i].plane] = 1;
  }
}

/* Columns first to end - 1 of a row, from the other side where there are
 * none. */
static void
fetch (const walloc_decoder * d, const float *row, ptrdiff_t first,
    ptrdiff_t end, float *out)
{
  ptrdiff_t width = (ptrdiff_t) d->layout.grid_width, x = first % width;

  x = x < 0 ? x + width : x;
  for (; first < end; first++) {
    *out++ = row[x++];
    x = x == width ? 0 : x;
  }
}

static void
reference_matrix (walloc_decoder * d, walloc_decode_worker * w, unsigned y,
    ptrdiff_t first, ptrdiff_t end)
{
  const walloc_decode_plan *p = &d->plan;
  float *full = w->values, *values = full +
      walloc_synthesis_room (d->layout.grid_width);
  uint16_t rows[WALLOC_MODEL_MAX_CHANNELS];
  unsigned c, n = 0, i;
  size_t channels = d->model->info.channels;

  for (c = 0; c < d->channels; c++) {
    if (!walloc_decoder_row_live (d, c, y))
      continue;
    walloc_decoder_values (d, c, y, full);
    fetch (d, full, first, end, values + n * p->stride);
    rows[n++] = (uint16_t) c;
  }
  for (i = 0; i < 3; i++)
    walloc_linear (values, p->stride, n, d->model->linear +
        LUMA_COEFS * i * channels, 1, channels, rows,
        d->model->linear_bias + LUMA_COEFS * i, p->component[i].planes,
        (unsigned) (end - first), w->coef + p->component[i].plane * p->stride,
        p->stride);
}

/* What a network gives: all of the reference kind's coefficients, or what it
 * adds to the linear decoder's, in steps. */
static void
add_network (walloc_decoder * d, walloc_decode_worker * w, unsigned y,
    ptrdiff_t first, ptrdiff_t end)
{
  const walloc_decode_plan *p = &d->plan;
  unsigned width = d->layout.grid_width, k;
  size_t plane = (size_t) width * d->layout.grid_height;
  const float *in;
  float *out;

  if (!is_reference (d))
    walloc_decoder_row_steps (d, y, w->steps, NULL);

  for (k = 0; k < d->net_planes; k++) {
    if (d->net_plane[k] < 0)
      continue;
    in = d->net_result + k * plane + (size_t) y *width;
    out = w->coef + (size_t) d->net_plane[k] * p->stride;
    if (is_reference (d)) {
      fetch (d, in, first, end, out);
      continue;
    }
    walloc_scaled_add (in + first, w->steps + first,
        d->plane_scale[d->net_plane[k]], (unsigned) (end - first), out);
    w->live[d->net_plane[k]] = 1;
  }
}

void
walloc_decoder_coefficients (walloc_decoder * d, walloc_decode_worker * w,
    unsigned y, ptrdiff_t first, ptrdiff_t end)
{
  const walloc_decode_plan *p = &d->plan;
  unsigned i;
  size_t x;
  float *out;

  if (!is_reference (d)) {
    for (i = 0; i < p->planes; i++)
      if (w->live[i])
        memset (w->coef + i * p->stride, 0, p->stride * sizeof *w->coef);
    memset (w->live, 0, p->planes);
    ordered_matrix (d, w, y, (unsigned) first, (unsigned) end);
    if (d->net_result != NULL)
      add_network (d, w, y, first, end);
    return;
  }
  memset (w->live, 1, p->planes);
  if (d->net_result != NULL)
    add_network (d, w, y, first, end);
  else
    reference_matrix (d, w, y, first, end);
  for (i = 0; i < p->planes && p->inner > 0; i++) {
    out = w->coef + i * p->stride;
    for (x = 0; x < (size_t) (end - first); x++)
      out[x] *= d->plane_scale[i];
  }
}
