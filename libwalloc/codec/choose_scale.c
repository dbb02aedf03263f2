/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* At what size a picture is coded at a step: from the detail that is lost at
 * half of it, or at a quarter (docs/design/rate-distortion.md). Integers
 * only. */
#include "codec/encoder-private.h"

#include <limits.h>
#include <string.h>

#include "transform/clones.h"
#include "transform/input.h"
#include "transform/intwavelet.h"

/* Rows of luma that are looked at together, as a picture of their own, and of
 * how many rows of a high picture. */
#define STRIP 64
#define EVERY 256
#define HIGH 512
/* K^-2 * 2^15, as in shrink.c, and what a sample may be. */
#define SCALE_LOW_LOW 21653
#define GREATEST (128 << WALLOC_INT_FRACTION)
/* A stream with predicted frames changes scale, which takes a key frame, only
 * this far beyond a limit. */
#define STAY 8
#define ONE_LOG 16              /* of a factor of 2 */

/* Columns of codec.scale. */
enum
{
  LOWEST,
  HIGHEST,
  LESS,
  BASE,
  SLOPE,
  COLUMNS
};

/* The half-size plane from its band. */
WALLOC_CLONES static void
make_half (const int16_t * restrict band, size_t n, int16_t * restrict half)
{
  size_t i;
  int v;

  for (i = 0; i < n; i++) {
    v = (band[i] * SCALE_LOW_LOW + (1 << 14)) >> 15;
    v = v > GREATEST ? GREATEST : v;
    half[i] = (int16_t) (v < -GREATEST ? -GREATEST : v);
  }
}

WALLOC_CLONES static uint64_t
energy (const int16_t * band, unsigned width)
{
  uint64_t sum = 0;
  unsigned x;

  for (x = 0; x < width; x++)
    sum += (uint64_t) (uint32_t) (band[x] * band[x]);
  return sum;
}

typedef struct
{
  int16_t *luma[3];             /* RGB: with what is not looked at */
  int16_t *half, *bands;
  void *transform;
  size_t bytes;
  uint64_t sum[2], samples[2];  /* of the bands of the half-size picture, and
                                 * of the quarter-size one */
} look;

/* One level of a plane of half-size or quarter-size: adds up its detail, and
 * leaves the next smaller plane. */
static walloc_result
look_at (look * l, const int16_t * in, size_t stride, unsigned width,
    unsigned rows, int level)
{
  unsigned half_width = (width + 1) / 2, half_rows = (rows + 1) / 2, b, y;
  int16_t *bands[4];
  walloc_result result;
  uint64_t sum[4] = { 0 };

  for (b = 0; b < 4; b++)
    bands[b] = l->bands + (size_t) b *half_width * half_rows;
  result = walloc_int_split_2d (in, stride, width, rows, 0, half_rows, bands,
      half_width, l->transform, l->bytes, NULL);
  if (result != WALLOC_OK)
    return result;
  for (b = 1; b < 4 && level >= 0; b++)
    for (y = 0; y < half_rows; y++)
      sum[b] += energy (bands[b] + (size_t) y * half_width, half_width);
  if (level >= 0) {
    /* squares of walloc_int_gain(): 2, 1 and 1.5133 */
    l->sum[level] += 4 * sum[1] + sum[2] + sum[3] * 16 / 7;
    l->samples[level] += (uint64_t) half_width *half_rows;
  }
  make_half (bands[0], (size_t) half_width * half_rows, l->half);
  return WALLOC_OK;
}

static walloc_result
look_at_strip (look * l, const walloc_image * image, unsigned first,
    unsigned rows)
{
  unsigned width = image->width, level;
  walloc_component c;
  walloc_pixel pixel;
  walloc_result result;

  walloc_pixel_init (&pixel, image->format);
  if (pixel.rgb) {
    result = walloc_input_rgb (image->plane[0] + (ptrdiff_t) first *
        image->stride[0], image->stride[0], pixel.step, pixel.offsets, width,
        rows, l->luma[0], l->luma[1], l->luma[2], width, width, rows, NULL);
  } else {
    walloc_image_component (image, 0, &c);
    result = walloc_input_u8 (c.data + (ptrdiff_t) first * c.stride, c.stride,
        c.step, width, rows, l->luma[0], width, width, rows, NULL);
  }
  if (result == WALLOC_OK)
    result = look_at (l, l->luma[0], width, width, rows, -1);
  for (level = 0; level < 2 && result == WALLOC_OK; level++) {
    width = (width + 1) / 2;
    rows = (rows + 1) / 2;
    result = look_at (l, l->half, width, width, rows, (int) level);
  }
  return result;
}

/* 16 log2 (v), v at least 1. */
static int
log_16 (uint64_t v)
{
  unsigned e = 63 - (unsigned) __builtin_clzll (v);

  return (int) (ONE_LOG * e + (e >= 4 ? v >> (e - 4) & 15 : v << (4 - e) & 15));
}

/* Step index from which the next scale is better, with that much detail. */
static unsigned
limit_of (const uint16_t * row, uint64_t sum, uint64_t samples)
{
  /* in 1/4096 squared sample */
  uint64_t mean = samples == 0 ? 0 : sum * (4096 >> 2 * WALLOC_INT_FRACTION) /
      samples;
  int limit = row[BASE] + row[SLOPE] * (log_16 (mean + 1) - 12 * ONE_LOG) /
      (ONE_LOG * ONE_LOG);

  limit = limit > row[HIGHEST] ? row[HIGHEST] : limit;
  return limit < row[LOWEST] ? row[LOWEST] : (unsigned) limit;
}

static walloc_result
find_limits (walloc_encoder * e, const walloc_image * image,
    unsigned limit[2], walloc_error * error)
{
  const uint16_t *table = e->model->scale;
  unsigned rows = image->height < STRIP ? image->height : STRIP, y, n, i;
  size_t width = image->width;
  walloc_result result;
  int short_of = 0;
  walloc_pixel pixel;
  look l;

  memset (&l, 0, sizeof l);
  walloc_pixel_init (&pixel, image->format);
  result = walloc_int_scratch (width, 1, &l.bytes, error);
  if (result != WALLOC_OK)
    return result;
  for (i = 0; i < (pixel.rgb ? 3u : 1u); i++)
    l.luma[i] = walloc_mem_take (&e->mem, width * rows, sizeof *l.luma[i],
        &short_of);
  l.half = walloc_mem_take (&e->mem, (width + 1) / 2 * ((rows + 1) / 2),
      sizeof *l.half, &short_of);
  l.bands = walloc_mem_take (&e->mem, (width + 1) / 2 * ((rows + 1) / 2),
      4 * sizeof *l.bands, &short_of);
  l.transform = walloc_mem_take (&e->mem, 1, l.bytes, &short_of);
  for (y = 0; y < image->height && !short_of && result == WALLOC_OK;
      y += image->height > HIGH ? EVERY : STRIP) {
    n = image->height - y < rows ? image->height - y : rows;
    result = look_at_strip (&l, image, y, n);
  }
  for (i = 0; i < 3; i++)
    walloc_mem_release (&e->mem, &l.luma[i]);
  walloc_mem_release (&e->mem, &l.half);
  walloc_mem_release (&e->mem, &l.bands);
  walloc_mem_release (&e->mem, &l.transform);
  if (short_of)
    return walloc_fail (error, WALLOC_ERR_MEMORY,
        "a picture of %ux%u needs more memory than the limit of %zu bytes",
        image->width, image->height, e->mem.a.limit);
  if (result != WALLOC_OK)
    return walloc_fail (error, result, "detail could not be measured: %s",
        walloc_strerror (result));
  for (i = 0; i < 2; i++)
    limit[i] = limit_of (table + COLUMNS * i, l.sum[i], l.samples[i]);
  return WALLOC_OK;
}

walloc_result
walloc_encoder_choose_scale (walloc_encoder * e, const walloc_image * image,
    int stay, unsigned *scale, unsigned *step_index, walloc_error * error)
{
  const uint16_t *table = e->model->scale;
  unsigned limit[2], step = *step_index, i, low, high, open = 0;
  walloc_result result = WALLOC_OK;

  *scale = 0;
  if (table == NULL)
    return WALLOC_OK;
  stay = stay && e->prepared && e->width == image->width &&
      e->height == image->height && e->layout.format == image->format;
  for (i = 0; i < 2; i++) {
    low = limit[i] = table[COLUMNS * i + LOWEST];
    high = table[COLUMNS * i + HIGHEST];
    open |= step >= low && step < high;
  }
  if (stay) {
    /* as before, unless the step is far outside of where that may be best */
    *scale = e->scale;
    high = *scale < 2 ? table[COLUMNS * *scale + HIGHEST] : UINT_MAX - STAY;
    if (step >= high + STAY)
      stay = 0;
    low = *scale > 0 ? table[COLUMNS * (*scale - 1) + LOWEST] : 0;
    if (step + STAY < low)
      stay = 0;
  }
  if (!stay) {
    if (open)
      result = find_limits (e, image, limit, error);
    for (*scale = 2; *scale > 0 && step < limit[*scale - 1];)
      -- * scale;
  }
  if (*scale > 0) {
    low = table[COLUMNS * (*scale - 1) + LESS];
    *step_index -= step < low ? step : low;
  }
  return result;
}
