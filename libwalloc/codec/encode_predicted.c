/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Predicted frames. All slices become latents first, each with a map of the
 * positions that are better left as they are; then the frame's type is chosen
 * and the slices are coded. */
#include "codec/encoder-private.h"

#include <string.h>

#include "bottleneck/quantiser.h"

/* A key frame is made where prediction saves less than this share of the
 * bits (of 256), and at a cut: where after frames that took less than CALM
 * one takes more than CUT. */
#define LEAST_SAVED 13
#define CALM 96
#define CUT 192
/* A position whose step is coarser by more than this many indices than the
 * frame's is looked at more favourably every TURNS frames, as what it gains
 * will last. */
#define COARSER 4
#define TURNS 16
#define LASTING 8
/* Rows around a coded one whose latents its contexts depend on: two rows of
 * magnitudes, and two more that these depend on by their means. */
#define REACH 4

static unsigned
slice_rows (const walloc_encoder * e, unsigned index)
{
  return walloc_layout_row (&e->layout, index + 1) -
      walloc_layout_row (&e->layout, index);
}

void
walloc_encoder_unprepare_predict (walloc_encoder * e)
{
  walloc_predict *p = &e->predict;
  walloc_encode_worker *w;
  unsigned i;

  for (i = 0; i < e->workers; i++) {
    w = &e->worker[i];
    walloc_mem_release (&e->mem, &w->fine_planes);
  }
  walloc_mem_release (&e->mem, &p->slice);
  walloc_mem_release (&e->mem, &p->planes);
  walloc_mem_release (&e->mem, &p->maps);
  walloc_mem_release (&e->mem, &p->prices);
  walloc_mem_release (&e->mem, &p->sums);
  walloc_mem_release (&e->mem, &p->rest);
  walloc_mem_release (&e->mem, &p->mark);
  p->pending = p->have = p->on = p->laid_out = 0;
}

/* Memory for every scale of the picture. */
static walloc_result
prepare_predict (walloc_encoder * e, walloc_error * error)
{
  walloc_predict *p = &e->predict;
  const walloc_encoder_most *most = &e->most;
  walloc_encode_worker *w;
  int short_of = 0;
  unsigned i;

  if (p->slice != NULL)
    return WALLOC_OK;
  p->slice = walloc_mem_take (&e->mem, most->slices, sizeof *p->slice,
      &short_of);
  p->planes = walloc_mem_take (&e->mem, 3 * most->all_elements,
      sizeof *p->planes, &short_of);
  p->maps = walloc_mem_take (&e->mem, 3 * most->all_positions, 1, &short_of);
  p->prices = walloc_mem_take (&e->mem, most->all_positions,
      sizeof *p->prices, &short_of);
  p->sums = walloc_mem_take (&e->mem, 3 * most->all_positions,
      sizeof *p->sums, &short_of);
  p->rest = walloc_mem_take (&e->mem, 2 * most->positions, sizeof *p->rest,
      &short_of);
  p->mark = walloc_mem_take (&e->mem, most->positions, 1, &short_of);
  for (i = 0; i < e->workers && (i == 0 || i < most->slices); i++) {
    w = &e->worker[i];
    w->fine_planes = walloc_mem_take (&e->mem,
        WALLOC_PREDICT_ALIGNED (most->elements), sizeof *w->fine_planes,
        &short_of);
  }
  if (short_of) {
    walloc_encoder_unprepare_predict (e);
    return walloc_fail (error, WALLOC_ERR_MEMORY,
        "predicted frames of %ux%u need more memory than the limit of %zu "
        "bytes; key frames alone need less", e->width, e->height,
        e->mem.a.limit);
  }
  return WALLOC_OK;
}

/* Where everything is, and zeros around the planes of the channels kept. */
static void
lay_out (walloc_encoder * e)
{
  walloc_predict *p = &e->predict;
  const walloc_layout *l = &e->layout;
  size_t positions = (size_t) l->grid_width * l->buffer_rows;
  size_t elements = WALLOC_PREDICT_ALIGNED (walloc_slice_elements
      (l->grid_width, l->buffer_rows, e->model->info.channels));
  size_t origin = walloc_slice_origin (l->grid_width);
  unsigned i;

  if (!p->laid_out) {
    memset (p->slice, 0, l->slices * sizeof *p->slice);
    memset (p->maps, 0, 3 * positions * l->slices);
    for (i = 0; i < l->slices; i++) {
      p->slice[i].latents = p->planes + (3 * i) * elements + origin;
      p->slice[i].values = p->planes + (3 * i + 1) * elements + origin;
      p->slice[i].pending = p->planes + (3 * i + 2) * elements + origin;
      p->slice[i].skip = p->maps + (3 * i) * positions;
      p->slice[i].skip_before = p->maps + (3 * i + 1) * positions;
      p->slice[i].step = p->maps + (3 * i + 2) * positions;
      p->slice[i].price = p->prices + i * positions;
      p->slice[i].gain = p->sums + (3 * i) * positions;
      p->slice[i].low = p->sums + (3 * i + 1) * positions;
      p->slice[i].units = p->sums + (3 * i + 2) * positions;
    }
    p->activity = 256;
    /* other than 0, it tells that other frames may build on a key frame */
    p->sequence = 1;
    p->laid_out = 1;
    p->clean = p->channels = p->clear = 0;
  }
  for (i = 0; i < 3 * l->slices && p->clean < e->channels; i++)
    walloc_encoder_clean (e, p->planes + i * elements, p->clean, e->channels);
  p->clean = p->clean < e->channels ? e->channels : p->clean;
}

/* Index of the factor by which the gain of what may wait counts less: 1.5
 * octaves per octave of the step. */
static unsigned
later_index (unsigned finer)
{
  finer = finer * 3 / 2;
  return finer < WALLOC_STEP_MAX ? finer : WALLOC_STEP_MAX;
}

/* Takes what the pending frame tells of motion, and notes what is needed to take over its latents. */
static void
accept (walloc_encoder * e)
{
  walloc_predict *p = &e->predict;
  uint64_t units = 0, coded = 0;
  unsigned i;

  for (i = 0; i < e->layout.slices; i++) {
    units += p->slice[i].all_units;
    coded += p->slice[i].coded_units;
  }
  if (units > 0)
    p->activity = (unsigned) ((3 * p->activity + 256 * coded / units + 2) / 4);
  p->sequence = (p->sequence + 1) & UINT8_MAX;
  p->count++;
  p->fill_at = p->fill_end;
  p->last_type = p->type;
  p->last_step = p->step;
  p->last_channels = p->step_channels;
  memcpy (p->last, p->now, sizeof p->last);
}

walloc_result
walloc_encoder_predict_begin (walloc_encoder * e,
    const walloc_encode_params * params, unsigned step_index,
    walloc_error * error)
{
  walloc_predict *p = &e->predict;
  const walloc_model_set *set = &e->model->set[e->set];
  int allowed = params->predict == WALLOC_PREDICT_ALLOWED;
  walloc_result result;
  unsigned c;

  p->on = params->predict != WALLOC_PREDICT_NONE &&
      e->model->info.kind == WALLOC_MODEL_ORDERED;
  if (!p->on) {
    p->pending = p->have = 0;
    p->sequence = 1;
    return WALLOC_OK;
  }
  result = prepare_predict (e, error);
  if (result != WALLOC_OK)
    return result;
  lay_out (e);
  p->commit = 0;
  if (p->pending && !params->again) {
    accept (e);
    /* a key frame needs nothing of what was before it */
    p->commit = allowed;
    p->have = allowed;
  }
  if (p->commit) {
    p->clear = p->channels;
    if (p->last_type == WALLOC_FRAME_KEY || p->last_channels > p->channels)
      p->channels = p->last_channels;
  }
  p->pending = 0;
  p->compare = allowed && p->have;
  p->have = p->compare;
  p->step = step_index;
  p->step_channels = e->channels;
  for (c = 0; c < e->channels; c++)
    if (e->present[c])
      walloc_requantiser_init (&p->now[c], step_index, set->weight[c],
          set->recon + 3 * (size_t) c);
  p->lambda = walloc_skip_lambda (step_index);
  p->fill = p->compare ? params->fill : 0;
  p->fill_end = p->fill_at;
  p->filled = 0;
  for (c = 0; c <= WALLOC_STEP_MAX && p->fill > 0; c++)
    p->wait[c] = c <= step_index + COARSER ? 256 :
        (uint16_t) (walloc_step_24 (0, 4096) * 256 /
        walloc_step_24 (later_index (c - step_index), 4096));
  return WALLOC_OK;
}

/* Whether any position of a row is coded. */
static int
row_coded (const uint8_t * skip, unsigned width)
{
  return memchr (skip, 0, width) != NULL;
}

/* What the frame before left pending becomes what there is. */
static void
commit (walloc_encoder * e, unsigned index)
{
  walloc_predict *p = &e->predict;
  walloc_predict_slice *s = &p->slice[index];
  walloc_slice slice = walloc_encoder_slice (e, index, s->pending);
  const uint8_t *skip;
  unsigned c, x, y;
  uint8_t *swap;
  size_t at;

  for (y = 0; y < slice.rows && s->coded > 0; y++) {
    skip = s->skip + (size_t) y *slice.width;
    if (!row_coded (skip, slice.width))
      continue;
    for (x = 0; x < slice.width; x++)
      if (!skip[x])
        s->step[y * slice.width + x] = (uint8_t) p->last_step;
    for (c = 0; c < p->last_channels || c < p->clear; c++) {
      at = c * slice.plane_stride + y * slice.stride;
      if (c >= p->last_channels) {
        for (x = 0; x < slice.width; x++)
          if (!skip[x])
            s->latents[at + x] = s->values[at + x] = 0;
      } else if (e->present[c]) {
        /* skipped cells of a row with others were filled in */
        memcpy (s->latents + at, s->pending + at, slice.width *
            sizeof *s->latents);
        walloc_requantise (&p->last[c], s->latents + at, skip, slice.width,
            s->values + at);
      }
    }
  }
  swap = s->skip_before;
  s->skip_before = s->skip;
  s->skip = swap;
}

static void
compare_channel (walloc_encoder * e, walloc_encode_worker * w,
    walloc_predict_slice * s, const walloc_slice * slice, unsigned c, int each)
{
  const walloc_requantiser *now = &e->predict.now[c];
  size_t at, to;
  unsigned y;

  for (y = 0; y < slice->rows; y++) {
    at = c * slice->plane_stride + y * slice->stride;
    to = (size_t) y *slice->width;
    if (c >= e->channels)
      walloc_skip_compare_zero (s->values + at, slice->width, s->gain + to);
    else if (e->present[c])
      walloc_skip_compare (now, s->pending + at, w->fine + at, s->values + at,
          slice->width, each, s->gain + to, s->units + to);
  }
}

/* Gain and price of every position of a slice. */
static void
compare_slice (walloc_encoder * e, walloc_encode_worker * w, unsigned index)
{
  walloc_predict *p = &e->predict;
  walloc_predict_slice *s = &p->slice[index];
  walloc_slice slice = walloc_encoder_slice (e, index, s->pending);
  size_t n = (size_t) slice.width * slice.rows;
  unsigned c, i;

  memset (s->gain, 0, n * sizeof *s->gain);
  memset (s->units, 0, n * sizeof *s->units);
  for (i = 0; i < p->n_low; i++)
    compare_channel (e, w, s, &slice, p->low[i], 1 << 16 | 1 << 24);
  memcpy (s->low, s->gain, n * sizeof *s->low);
  for (c = i = 0; c < p->channels || c < e->channels; c++) {
    if (i < p->n_low && c == p->low[i])
      i++;
    else
      compare_channel (e, w, s, &slice, c, 1 << 16);
  }
}

/* The low channels of this frame. */
static void
find_low (walloc_encoder * e)
{
  walloc_predict *p = &e->predict;
  unsigned c;

  p->n_low = 0;
  for (c = 0; c < e->channels && p->n_low < WALLOC_NOISE_LOW; c++)
    if (e->present[c] && e->model->group[c] == WALLOC_GROUP_LUMA)
      p->low[p->n_low++] = c;
}

static walloc_noise_slice
noise_slice (const walloc_encoder * e, unsigned index)
{
  walloc_predict_slice *s = &e->predict.slice[index];
  walloc_slice slice = walloc_encoder_slice (e, index, s->values);
  walloc_noise_slice n = { s->gain, s->low, s->units, s->values, slice.stride,
    slice.width, slice.rows
  };

  return n;
}

/* Where frames are filled: what is coarser than the frame is coded at once if
 * it changed, by the measure of its own step, and else when its turn comes. At
 * that step a bit is worth more squared samples, by the square of the steps,
 * and there are fewer bits, about by their ratio: that would leave the ratio.
 * A little less keeps frames from coding everything when the step falls far. */
static void
wait_to_fill (const walloc_predict * p, walloc_predict_slice * s, size_t i)
{
  if (s->step[i] > p->step + COARSER && s->gain[i] > 0)
    s->gain[i] = (int32_t) ((int64_t) s->gain[i] * p->wait[s->step[i]] / 256);
}

/* What may be coded to fill the frame, and what it costs; units without
 * counts. */
static void
find_prices (const walloc_predict * p, walloc_predict_slice * s, size_t n)
{
  size_t i;

  for (i = 0; i < n; i++)
    s->price[i] = s->step[i] > p->step + COARSER && s->gain[i] > 0 ?
        (uint16_t) ((s->units[i] & UINT16_MAX) + 1) : 0;
}

/* The map of a slice, once all are compared. */
static void
decide (walloc_encoder * e, unsigned index)
{
  walloc_predict *p = &e->predict;
  walloc_predict_slice *s = &p->slice[index];
  walloc_noise_slice noisy = noise_slice (e, index);
  size_t n = (size_t) noisy.width * noisy.rows, i;
  unsigned now = p->step, first;

  if (p->fill > 0)
    find_prices (p, s, n);
  walloc_noise_subtract (&p->noise, &noisy, p->rest);
  first = walloc_layout_row (&e->layout, index) * noisy.width;
  s->all_units = 0;
  for (i = 0; i < n; i++) {
    s->units[i] &= UINT16_MAX;
    s->all_units += (uint64_t) s->units[i];
    if (p->fill > 0)
      wait_to_fill (p, s, i);
    else if (s->step[i] > now + COARSER &&
        (uint32_t) (first + i) * 0x9e3779b1u >> 28 == p->count % TURNS
        && s->gain[i] > 0)
      s->gain[i] =
          s->gain[i] > INT32_MAX / LASTING ? INT32_MAX : s->gain[i] * LASTING;
  }
  s->coded = walloc_skip_decide (p->lambda, s->gain, s->units, noisy.width,
      noisy.rows, p->mark, s->skip, &s->coded_units);
}

static void
analyse_slice (walloc_encoder * e, walloc_encode_worker * w, unsigned index)
{
  walloc_predict *p = &e->predict;
  walloc_predict_slice *s = &p->slice[index];
  walloc_slice slice = walloc_encoder_slice (e, index, s->pending);
  walloc_result result;
  uint64_t start;

  if (p->commit)
    commit (e, index);
  w->fine = p->compare ? w->fine_planes + walloc_slice_origin (slice.width) :
      NULL;
  result = walloc_encoder_transform (e, w, index, &slice);
  if (result != WALLOC_OK) {
    atomic_store (&e->failed, result);
  } else if (p->compare) {
    start = walloc_now ();
    compare_slice (e, w, index);
    w->ns_project += walloc_now () - start;
  }
  w->fine = NULL;
}

/* The whole slice is to be coded. */
static void
code_all (const walloc_encoder * e, unsigned index)
{
  walloc_predict_slice *s = &e->predict.slice[index];

  s->coded = slice_rows (e, index) * e->layout.grid_width;
  memset (s->skip, 0, s->coded);
  s->coded_units = s->all_units;
}

static walloc_frame_type
choose_type (const walloc_encoder * e)
{
  const walloc_predict *p = &e->predict;
  uint64_t units = 0, coded = 0;
  unsigned i, positions = 0;

  if (!p->compare)
    return WALLOC_FRAME_KEY;
  for (i = 0; i < e->layout.slices; i++) {
    positions += p->slice[i].coded;
    units += p->slice[i].all_units;
    coded += p->slice[i].coded_units;
  }
  if (positions == 0)
    return WALLOC_FRAME_REPEAT;
  if ((units - coded) * 256 < units * LEAST_SAVED ||
      (p->activity < CALM && coded * 256 > units * CUT))
    return WALLOC_FRAME_KEY;
  return WALLOC_FRAME_PREDICTED;
}

/* Codes what is coarser than the frame anew, from where the last frame stopped
 * on, as long as there is room. */
static void
fill_frame (walloc_encoder * e)
{
  walloc_predict *p = &e->predict;
  walloc_predict_slice *s;
  unsigned width = e->layout.grid_width, i, first, n;
  uint64_t units = 0, room = walloc_skip_units (p->fill);
  size_t all = (size_t) width * e->layout.grid_height, left, at, k;

  for (i = 0; i < e->layout.slices; i++)
    units += p->slice[i].coded_units;
  at = p->fill_at < all ? p->fill_at : 0;
  for (left = all; left > 0 && units < room;) {
    for (i = 0; walloc_layout_row (&e->layout, i + 1) * (size_t) width <= at;
        i++);
    s = &p->slice[i];
    first = walloc_layout_row (&e->layout, i) * width;
    n = slice_rows (e, i) * width;
    for (k = at - first; k < n && left > 0 && units < room; k++, left--) {
      if (!s->skip[k] || s->price[k] == 0)
        continue;
      s->skip[k] = 0;
      s->coded++;
      units += s->price[k];
      p->filled += s->price[k];
    }
    at = first + k < all ? first + k : 0;
  }
  p->fill_end = at;
  if (p->filled > 0)
    p->type = WALLOC_FRAME_PREDICTED;
}

walloc_result
walloc_encoder_predict (walloc_encoder * e)
{
  walloc_predict *p = &e->predict;
  walloc_noise_slice noisy;
  walloc_result result;
  unsigned i;

  atomic_store (&e->failed, WALLOC_OK);
  find_low (e);
  walloc_encoder_each (e, analyse_slice, e->layout.slices);
  result = (walloc_result) atomic_load (&e->failed);
  if (result != WALLOC_OK) {
    p->have = 0;
    return result;
  }
  if (p->compare) {
    walloc_noise_clear (&p->histogram);
    for (i = 0; i < e->layout.slices; i++) {
      noisy = noise_slice (e, i);
      walloc_noise_look (&p->histogram, &noisy);
    }
    walloc_noise_find (&p->histogram, &p->noise);
    for (i = 0; i < e->layout.slices; i++)
      decide (e, i);
  }
  p->type = choose_type (e);
  if (p->fill > 0 && p->type != WALLOC_FRAME_KEY)
    fill_frame (e);
  for (i = 0; i < e->layout.slices && p->type == WALLOC_FRAME_KEY; i++)
    code_all (e, i);
  return WALLOC_OK;
}

/* Fills in what is skipped, as far as contexts of coded rows reach. */
static void
fill_skipped (const walloc_encoder * e, const walloc_predict_slice * s,
    const walloc_slice * slice)
{
  const uint8_t *skip;
  unsigned c, y, i;
  int near;
  size_t at;

  for (y = 0; y < slice->rows; y++) {
    near = 0;
    for (i = y > REACH ? y - REACH : 0; i <= y + REACH && i < slice->rows; i++)
      near |= row_coded (s->skip + (size_t) i * slice->width, slice->width);
    if (!near)
      continue;
    skip = s->skip + (size_t) y *slice->width;
    for (c = 0; c < e->channels; c++) {
      if (!e->present[c])
        continue;
      at = c * slice->plane_stride + y * slice->stride;
      walloc_skip_fill (s->latents + at, skip, slice->width, s->pending + at);
    }
  }
}

void
walloc_encoder_code_predicted (walloc_encoder * e, walloc_encode_worker * w,
    unsigned index)
{
  walloc_predict_slice *s = &e->predict.slice[index];
  walloc_slice slice;
  uint64_t start;

  if (s->coded == 0) {
    walloc_encoder_leave_slice (e, index);
    return;
  }
  start = walloc_now ();
  slice = walloc_encoder_slice (e, index, s->pending);
  if (e->predict.type == WALLOC_FRAME_PREDICTED) {
    fill_skipped (e, s, &slice);
    slice.skip = s->skip;
    slice.skip_before = s->skip_before;
    slice.previous = s->latents;
  }
  w->ns_entropy += walloc_now () - start;
  walloc_encoder_code (e, w, index, &slice);
}

void
walloc_encoder_predict_end (walloc_encoder * e)
{
  walloc_predict *p = &e->predict;
  unsigned i;

  if (!p->on)
    return;
  p->pending = 1;
  e->stats.filled += walloc_skip_bytes (p->filled);
  for (i = 0; i < e->layout.slices; i++) {
    e->stats.positions += (uint64_t) slice_rows (e, i) * e->layout.grid_width;
    e->stats.coded += p->slice[i].coded;
  }
}
