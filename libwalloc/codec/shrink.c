/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pictures at half or a quarter of their size, in front of the ordered
 * kind's encoder: the low band of one level of the packet transform, over its
 * gain, once or twice (docs/bitstream.md, 2.3). Integers only. */
#include "codec/encoder-private.h"

#include <string.h>

#include "transform/clones.h"
#include "transform/input.h"
#include "transform/intwavelet.h"

/* Rows of the smaller plane that are made at a time, and rows of the greater
 * one above and below that they reach (transform/analysis.c). */
#define STRIP 32
#define ABOVE 4
#define BELOW 3
/* K^-2 * 2^15, as in strip_template.h, and what a sample may be. */
#define SCALE_LOW_LOW 21653
#define GREATEST (128 << WALLOC_INT_FRACTION)

typedef struct
{
  walloc_encoder *encoder;
  unsigned step;                /* 0: from the picture; 1: from small[0] */
} shrink_job;

static unsigned
half (unsigned n)
{
  return n / 2 + n % 2;
}

static unsigned
components (const walloc_encoder * e)
{
  return e->layout.pixel.sampling == WALLOC_SAMPLING_GRAY ? 1 : 3;
}

/* Samples of a component after that many halvings. */
static void
component_size (const walloc_encoder * e, unsigned index, unsigned halvings,
    unsigned *width, unsigned *height)
{
  walloc_sampling s = e->layout.pixel.sampling;

  *width = e->width;
  *height = e->height;
  if (index > 0 && (s == WALLOC_SAMPLING_420 || s == WALLOC_SAMPLING_422))
    *width = half (*width);
  if (index > 0 && s == WALLOC_SAMPLING_420)
    *height = half (*height);
  for (; halvings > 0; halvings--) {
    *width = half (*width);
    *height = half (*height);
  }
}

/* The smaller plane of samples again: over the band's gain, and no greater
 * than a sample can be, which the transform's proof counts on. */
WALLOC_CLONES static void
scale_row (const int16_t * restrict in, int16_t * restrict out, unsigned width)
{
  unsigned x;
  int v;

  for (x = 0; x < width; x++) {
    v = (in[x] * SCALE_LOW_LOW + (1 << 14)) >> 15;
    v = v > GREATEST ? GREATEST : v;
    out[x] = (int16_t) (v < -GREATEST ? -GREATEST : v);
  }
}

/* Rows [lo, hi) of the picture's component (of all three in RGB) into
 * the worker's windows. */
static walloc_result
load (const walloc_encoder * e, walloc_encode_worker * w, unsigned index,
    unsigned lo, unsigned hi)
{
  const walloc_image *image = e->image;
  const walloc_pixel *pixel = &e->layout.pixel;
  walloc_component c;

  if (pixel->rgb)
    return index > 0 ? WALLOC_OK : walloc_input_rgb (image->plane[0] +
        (ptrdiff_t) lo * image->stride[0], image->stride[0], pixel->step,
        pixel->offsets, image->width, hi - lo, w->large[0], w->large[1],
        w->large[2], e->large_stride, image->width, hi - lo, NULL);
  walloc_image_component (image, index, &c);
  return walloc_input_u8 (c.data + (ptrdiff_t) lo * c.stride, c.stride,
      c.step, c.width, hi - lo, w->large[0], e->large_stride, c.width,
      hi - lo, NULL);
}

static walloc_result
shrink_component (walloc_encoder * e, walloc_encode_worker * w,
    unsigned step, unsigned index, unsigned first)
{
  unsigned width, height, small_width, small_height, end, lo, hi, y, b;
  const int16_t *in;
  size_t stride;
  int16_t *bands[4];
  walloc_result result = WALLOC_OK;

  component_size (e, index, step, &width, &height);
  component_size (e, index, step + 1, &small_width, &small_height);
  end = first + STRIP < small_height ? first + STRIP : small_height;
  if (first >= end)
    return WALLOC_OK;
  if (step == 0) {
    lo = 2 * first > ABOVE ? 2 * first - ABOVE : 0;
    hi = 2 * end + BELOW < height ? 2 * end + BELOW : height;
    result = load (e, w, index, lo, hi);
    stride = e->large_stride;
    in = w->large[e->layout.pixel.rgb ? index : 0] - (ptrdiff_t) (lo * stride);
  } else {
    in = e->small[0][index];
    stride = e->small_stride[0];
  }
  for (b = 0; b < 4; b++)
    bands[b] = w->large_bands + b * STRIP * e->small_stride[0];
  if (result == WALLOC_OK)
    result = walloc_int_split_2d (in, stride, width, height, first, end,
        bands, e->small_stride[0], w->large_transform,
        e->large_transform_bytes, NULL);
  for (y = first; y < end && result == WALLOC_OK; y++)
    scale_row (bands[0] + (y - first) * e->small_stride[0],
        e->small[step][index] + y * e->small_stride[step], small_width);
  return result;
}

static void
shrink_strip (void *data, unsigned strip)
{
  shrink_job *job = data;
  walloc_encoder *e = job->encoder;
  unsigned slot = walloc_workers_take (&e->workers), i;
  walloc_encode_worker *w = &e->worker[slot];
  uint64_t start = walloc_now ();
  walloc_result result = WALLOC_OK;

  for (i = 0; i < components (e) && result == WALLOC_OK; i++)
    result = shrink_component (e, w, job->step, i, strip * STRIP);
  if (result != WALLOC_OK)
    atomic_store (&e->failed, result);
  w->ns_transform += walloc_now () - start;
  walloc_workers_give (&e->workers, slot);
}

walloc_result
walloc_encode_shrink (walloc_encoder * e, walloc_error * error)
{
  shrink_job job = { e, 0 };
  unsigned width, height;
  walloc_result result;

  atomic_store (&e->failed, WALLOC_OK);
  for (; job.step < e->scale; job.step++) {
    component_size (e, 0, job.step + 1, &width, &height);
    walloc_parallel (&e->runner, shrink_strip, &job,
        (height + STRIP - 1) / STRIP);
  }
  result = (walloc_result) atomic_load (&e->failed);
  if (result != WALLOC_OK)
    return walloc_fail (error, result, "a picture could not be made smaller: "
        "%s", walloc_strerror (result));
  return WALLOC_OK;
}

void
walloc_encode_shrunk_row (const walloc_encoder * e, unsigned index,
    unsigned row, unsigned padded_width, int16_t * out)
{
  unsigned width, height, x;
  const int16_t *from;

  component_size (e, index, e->scale, &width, &height);
  from = e->small[e->scale - 1][index] + (row < height ? row : height - 1) *
      e->small_stride[e->scale - 1];
  memcpy (out, from, width * sizeof *out);
  for (x = width; x < padded_width; x++)
    out[x] = from[width - 1];
}

void
walloc_encode_shrink_release (walloc_encoder * e)
{
  walloc_encode_worker *w;
  unsigned i, k;

  for (i = 0; i < e->workers.count; i++) {
    w = &e->worker[i];
    for (k = 0; k < 3; k++)
      walloc_mem_release (&e->mem, &w->large[k]);
    walloc_mem_release (&e->mem, &w->large_bands);
    walloc_mem_release (&e->mem, &w->large_transform);
  }
  for (i = 0; i < 2; i++)
    for (k = 0; k < 3; k++)
      walloc_mem_release (&e->mem, &e->small[i][k]);
}

walloc_result
walloc_encode_shrink_prepare (walloc_encoder * e, int *short_of,
    walloc_error * error)
{
  unsigned width, height, i, k;
  walloc_encode_worker *w;
  walloc_result result;

  e->large_stride = e->width;
  result = walloc_int_scratch (e->width, 1, &e->large_transform_bytes, error);
  if (result != WALLOC_OK)
    return result;
  for (i = 0; i < e->scale; i++) {
    component_size (e, 0, i + 1, &width, &height);
    e->small_stride[i] = width;
    for (k = 0; k < components (e); k++) {
      component_size (e, k, i + 1, &width, &height);
      e->small[i][k] = walloc_mem_take (&e->mem, e->small_stride[i] * height,
          sizeof *e->small[i][k], short_of);
    }
  }
  for (i = 0; i < e->workers.count; i++) {
    w = &e->worker[i];
    for (k = 0; k < (e->layout.pixel.rgb ? 3u : 1u); k++)
      w->large[k] = walloc_mem_take (&e->mem, e->large_stride *
          (2 * STRIP + ABOVE + BELOW), sizeof *w->large[k], short_of);
    w->large_bands = walloc_mem_take (&e->mem, 4 * STRIP * e->small_stride[0],
        sizeof *w->large_bands, short_of);
    w->large_transform = walloc_mem_take (&e->mem, 1,
        e->large_transform_bytes, short_of);
  }
  return WALLOC_OK;
}
