/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a decoder keeps from frame to frame: latents, and for every position
 * the set and the step that its latents were coded with, whether it was
 * skipped last, and whether it may differ from what the encoder has. */
#include "codec/decoder-private.h"

#include <string.h>

#include "bottleneck/linear.h"
#include "bottleneck/quantiser.h"
#include "bottleneck/sparse.h"
#include "common/bytes.h"

void
walloc_decoder_unprepare_state (walloc_decoder * d)
{
  walloc_decode_state *s = &d->state;

  walloc_mem_release (&d->mem, &s->point);
  walloc_mem_release (&d->mem, &s->row_point);
  walloc_mem_release (&d->mem, &s->skip);
  walloc_mem_release (&d->mem, &s->skip_before);
  walloc_mem_release (&d->mem, &s->stale);
  walloc_mem_release (&d->mem, &s->stale_before);
  walloc_mem_release (&d->mem, &s->step_of);
  walloc_mem_release (&d->mem, &s->steps);
  s->steps_size = 0;
  s->have = 0;
}

void
walloc_decoder_prepare_state (walloc_decoder * d, int *short_of)
{
  walloc_decode_state *s = &d->state;
  size_t grid = (size_t) d->layout.grid_width * d->layout.grid_height;

  s->point = walloc_mem_take (&d->mem, grid, sizeof *s->point, short_of);
  s->row_point = walloc_mem_take (&d->mem, d->layout.grid_height,
      sizeof *s->row_point, short_of);
  s->skip = walloc_mem_take (&d->mem, grid, 1, short_of);
  s->skip_before = walloc_mem_take (&d->mem, grid, 1, short_of);
  s->stale = walloc_mem_take (&d->mem, grid, 1, short_of);
  s->stale_before = walloc_mem_take (&d->mem, grid, 1, short_of);
}

/* Tells the frame at hand from others. */
static uint32_t
frame_mark (const walloc_decoder * d, const uint8_t * data)
{
  return walloc_get_u32 (data + d->info.header_size - 4);
}

walloc_result
walloc_decoder_accept (walloc_decoder * d, const uint8_t * data,
    walloc_error * error)
{
  walloc_decode_state *s = &d->state;
  const walloc_frame_info *info = &d->info;

  s->same = s->gap = 0;
  if (info->type == WALLOC_FRAME_KEY)
    return WALLOC_OK;
  if (d->model->info.kind == WALLOC_MODEL_REFERENCE)
    return walloc_fail (error, WALLOC_ERR_CORRUPT,
        "a predicted frame of a reference model, which has key frames only");
  if (!s->have)
    return walloc_fail (error, WALLOC_ERR_NEEDS_KEY,
        "frame %u of the stream builds on one before that was not decoded; "
        "decoding can begin with a key frame", info->sequence);
  if (s->width != info->width || s->height != info->height ||
      s->scale != info->scale || d->layout.format != info->format ||
      d->layout.slice_rows != info->slice_rows)
    return walloc_fail (error, WALLOC_ERR_NEEDS_KEY,
        "frame %u of the stream (%ux%u over %u, %s) does not fit the one "
        "before (%ux%u over %u, %s); decoding can go on with a key frame",
        info->sequence, info->width, info->height, 1u << info->scale,
        walloc_format_name (info->format), s->width, s->height,
        1u << s->scale, walloc_format_name (d->layout.format));
  if (info->sequence == s->sequence && frame_mark (d, data) == s->mark) {
    s->same = 1;
    return WALLOC_OK;
  }
  s->gap = info->sequence != ((s->sequence + 1) & UINT8_MAX);
  if (s->gap && !d->conceal)
    return walloc_fail (error, WALLOC_ERR_NEEDS_KEY,
        "frame %u of the stream follows frame %u: at least one is lost; "
        "decoding can go on with a key frame", info->sequence, s->sequence);
  return WALLOC_OK;
}

int
walloc_decoder_keeps (const walloc_decoder * d)
{
  const walloc_decode_state *s = &d->state;

  return d->info.type != WALLOC_FRAME_KEY || d->info.sequence != 0 ||
      (s->have && s->sequence == UINT8_MAX);
}

static unsigned
frame_point (const walloc_decoder * d)
{
  return d->info.set << 8 | d->info.step_index;
}

void
walloc_decoder_state_begin (walloc_decoder * d)
{
  walloc_decode_state *s = &d->state;
  size_t grid = (size_t) d->layout.grid_width * d->layout.grid_height;
  uint8_t *swap = s->skip_before;

  s->skip_before = s->skip;
  s->skip = swap;
  if (d->info.type == WALLOC_FRAME_REPEAT)
    memset (s->skip, 1, grid);
  if (s->gap)
    memset (s->stale, 1, grid);
  memcpy (s->stale_before, s->stale, grid);
}

int
walloc_decoder_state_repair (walloc_decoder * d)
{
  /* contexts that reach back want latents that an intact layer replaced */
  int before = d->model->set[d->info.set].before, any = 0;
  unsigned i;

  for (i = 0; i < d->layout.slices; i++) {
    d->wanted[i] = d->info.type == WALLOC_FRAME_PREDICTED &&
        d->intact[i] < d->layers && (d->intact[i] == 0 || !before);
    any |= d->wanted[i];
  }
  return any;
}

void
walloc_decoder_state_end (walloc_decoder * d, int whole)
{
  walloc_decode_state *s = &d->state;

  s->have = whole;
  s->width = d->info.width;
  s->height = d->info.height;
  s->scale = d->info.scale;
  s->sequence = d->info.sequence;
  s->mark = frame_mark (d, d->data);
}

int
walloc_decoder_slice_stale (const walloc_decoder * d, unsigned index)
{
  size_t width = d->layout.grid_width;
  size_t first = walloc_layout_row (&d->layout, index) * width;
  size_t end = walloc_layout_row (&d->layout, index + 1) * width;

  return memchr (d->state.stale + first, 1, end - first) != NULL;
}

void
walloc_decoder_load_slice (const walloc_decoder * d, unsigned index,
    const walloc_slice * slice, int16_t * planes)
{
  unsigned first = walloc_layout_row (&d->layout, index), c, y;
  size_t grid = (size_t) slice->width * d->layout.grid_height;
  const int16_t *from;

  for (c = 0; c < d->kept; c++) {
    from = d->latents + c * grid + (size_t) first *slice->width;
    for (y = 0; y < slice->rows; y++)
      memcpy (planes + c * slice->plane_stride + y * slice->stride,
          from + (size_t) y * slice->width, slice->width * sizeof *from);
  }
}

/* Points of the rows of a slice whose positions with skip 0 were coded now. */
static void
mark_points (walloc_decoder * d, unsigned first, unsigned rows)
{
  walloc_decode_state *s = &d->state;
  unsigned width = d->layout.grid_width, x, y;
  uint16_t now = (uint16_t) frame_point (d), mixed;
  const uint8_t *skip;
  uint16_t *point;

  for (y = first; y < first + rows; y++) {
    point = s->point + (size_t) y *width;
    skip = s->skip + (size_t) y *width;
    mixed = 0;
    for (x = 0; x < width; x++) {
      point[x] = skip[x] ? point[x] : now;
      mixed |= point[x] ^ point[0];
    }
    s->row_point[y] = mixed ? WALLOC_MIXED_POINTS : point[0];
  }
}

void
walloc_decoder_key_slice (walloc_decoder * d, unsigned index)
{
  walloc_decode_state *s = &d->state;
  unsigned first = walloc_layout_row (&d->layout, index);
  unsigned rows = walloc_layout_row (&d->layout, index + 1) - first;
  size_t at = (size_t) first * d->layout.grid_width;
  size_t n = (size_t) rows * d->layout.grid_width;

  memset (s->skip + at, 0, n);
  memset (s->stale + at, d->intact[index] < d->layers, n);
  /* else the latents are those of the frame before */
  if (!d->before.have || d->intact[index] > 0)
    mark_points (d, first, rows);
}

void
walloc_decoder_store_slice (walloc_decoder * d, unsigned index,
    const walloc_slice * slice)
{
  walloc_decode_state *s = &d->state;
  unsigned first = walloc_layout_row (&d->layout, index), c, y, x;
  size_t width = slice->width, at = first * width, n = slice->rows * width, i;
  size_t grid = width * d->layout.grid_height;
  const uint8_t *skip;
  uint8_t stale = d->intact[index] < d->layers;
  int16_t *to;

  if (d->intact[index] == 0) {
    /* what was there stays, and is no longer what the encoder has */
    memset (s->stale + at, 1, n);
    return;
  }
  for (i = at; i < at + n; i++)
    s->stale[i] = s->skip[i] ? s->stale_before[i] : stale;
  for (c = 0; c < d->channels; c++) {
    to = d->latents + c * grid + at;
    for (y = 0; y < slice->rows; y++, to += width) {
      skip = s->skip + at + y * width;
      if (c < d->kept)
        memcpy (to, slice->planes + c * slice->plane_stride +
            y * slice->stride, width * sizeof *to);
      else
        for (x = 0; x < width; x++)
          to[x] = skip[x] ? to[x] : 0;
    }
    walloc_decoder_look (d, c, first, first + slice->rows);
  }
  mark_points (d, first, slice->rows);
}

float
walloc_decoder_point_step (const walloc_decoder * d, unsigned point, unsigned c)
{
  return (float) ((double) walloc_step_24 (point & 255,
          d->model->set[point >> 8].weight[c]) / (1 << 24));
}

void
walloc_decoder_mixed_values (const walloc_decoder * d, unsigned c,
    const int16_t * q, const uint16_t * point, unsigned n, float *values)
{
  const float *recon = NULL;
  float step = 0, value;
  unsigned x, a, of = 0, room = (n + WALLOC_SPARSE_ROOM - 1) /
      WALLOC_SPARSE_ROOM * WALLOC_SPARSE_ROOM;

  memset (values, 0, room * sizeof *values);
  for (x = 0; x < n; x++) {
    if (q[x] == 0)
      continue;
    /* one after another: every position may have a point of its own */
    if (recon == NULL || point[x] != of) {
      of = point[x];
      recon = d->model->set[of >> 8].recon + 3 * (size_t) c;
      step = walloc_decoder_point_step (d, of, c);
    }
    a = (unsigned) (q[x] < 0 ? -q[x] : q[x]);
    value = ((float) a - recon[a < 3 ? a - 1 : 2]) * step;
    values[x] = q[x] < 0 ? -value : value;
  }
}

void
walloc_decoder_row_steps (const walloc_decoder * d, unsigned y, float *steps,
    float *indices)
{
  const uint16_t *point = d->state.point + (size_t) y * d->layout.grid_width;
  unsigned x;

  for (x = 0; x < d->layout.grid_width; x++) {
    if (x == 0 || point[x] != point[x - 1])
      steps[x] = (float) ((double) walloc_step_24 (point[x] & 255, 4096) /
          (1 << 24));
    else
      steps[x] = steps[x - 1];
    if (indices != NULL)
      indices[x] = (float) (point[x] & 255) / 64.0f;
  }
}

#define POINTS (WALLOC_MODEL_MAX_SETS << 8)

/* Numbers the points of the grid in the order in which they are found, the
 * frame's own first; row_of[point] is the number plus 1. Returns how many. */
static unsigned
number_points (const walloc_decoder * d, uint16_t * row_of, uint16_t * step_of)
{
  size_t grid = (size_t) d->layout.grid_width * d->layout.grid_height, i;
  const uint16_t *point = d->state.point;
  unsigned n = 1;

  memset (row_of, 0, POINTS * sizeof *row_of);
  row_of[frame_point (d)] = 1;
  for (i = 0; i < grid; i++) {
    if (row_of[point[i]] == 0)
      row_of[point[i]] = (uint16_t)++ n;
    step_of[i] = (uint16_t) (row_of[point[i]] - 1);
  }
  return n;
}

walloc_result
walloc_decoder_steps (walloc_decoder * d, walloc_latents * latents,
    walloc_error * error)
{
  walloc_decode_state *s = &d->state;
  size_t grid = (size_t) d->layout.grid_width * d->layout.grid_height, floats;
  unsigned y, now = frame_point (d), point, c;
  uint16_t row_of[POINTS];
  int short_of = 0;
  float *row;

  latents->step = d->step;
  latents->steps = 1;
  for (y = 0; y < d->layout.grid_height && s->row_point[y] == now; y++);
  if (y == d->layout.grid_height || d->model->info.kind ==
      WALLOC_MODEL_REFERENCE)
    return WALLOC_OK;
  if (s->step_of == NULL)
    s->step_of = walloc_mem_take (&d->mem, grid, sizeof *s->step_of, &short_of);
  if (!short_of) {
    latents->steps = number_points (d, row_of, s->step_of);
    floats = (size_t) latents->steps * d->model->info.channels;
    if (s->steps_size < floats) {
      walloc_mem_release (&d->mem, &s->steps);
      s->steps = walloc_mem_take (&d->mem, floats, sizeof *s->steps, &short_of);
      s->steps_size = short_of ? 0 : floats;
    }
  }
  if (short_of)
    return walloc_fail (error, WALLOC_ERR_MEMORY,
        "latents of a picture of %ux%u need more memory than the limit of %zu "
        "bytes", d->layout.width, d->layout.height, d->mem.a.limit);
  for (point = 0; point < POINTS; point++) {
    if (row_of[point] == 0)
      continue;
    row = s->steps + (size_t) (row_of[point] - 1) * d->channels;
    for (c = 0; c < d->channels; c++)
      row[c] = walloc_decoder_point_step (d, point, c);
  }
  latents->step = s->steps;
  latents->step_of = s->step_of;
  return WALLOC_OK;
}

void
walloc_decoder_reset (walloc_decoder * decoder)
{
  if (decoder != NULL)
    decoder->state.have = 0;
}

void
walloc_decoder_set_conceal (walloc_decoder * decoder, int conceal)
{
  if (decoder != NULL)
    decoder->conceal = conceal != 0;
}

void
walloc_decoder_set_recall (walloc_decoder * decoder, int recall)
{
  if (decoder != NULL)
    decoder->before.wanted = recall != 0;
}
