/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* At what size a picture is coded at a step: from the detail that is lost at
 * half of it, or at a quarter (docs/design/rate-distortion.md). Integers
 * only. */
#include "codec/encoder-private.h"

#include <limits.h>
#include <string.h>

#include "transform/clones.h"
#include "transform/intwavelet.h"

/* Rows of luma that are looked at together, as a picture of their own, and of
 * how many rows of a high picture. */
#define STRIP WALLOC_LOOK_ROWS
#define EVERY 256
#define HIGH 512
#define STRIPS (WALLOC_MAX_SIZE / EVERY + HIGH / STRIP)
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

WALLOC_CLONES static uint64_t
energy (const int16_t * band, unsigned width)
{
  uint64_t sum = 0;
  unsigned x;

  for (x = 0; x < width; x++)
    sum += (uint64_t) (uint32_t) (band[x] * band[x]);
  return sum;
}

/* Detail of one strip: of the bands of the half-size picture, and of the
 * quarter-size one. */
typedef struct
{
  uint64_t sum[2], samples[2];
} detail;

typedef struct
{
  const walloc_image *image;
  unsigned rows, step;          /* of luma, in a strip, from strip to strip */
  detail strip[STRIPS];
} look;

/* The luma rows [first, first + rows) of the picture, as a picture of their
 * own, to w->half. */
static void
look_at_samples (walloc_encoder * e, walloc_encode_worker * w,
    const walloc_image * image, unsigned first, unsigned rows)
{
  const uint8_t *in[3][WALLOC_STRIP_HALVE_INPUT];
  unsigned y, end, half_rows = (rows + 1) / 2;
  walloc_strip_halving a = {.rows = in[0],.width = image->width,
    .stride = e->half_stride,.state = w->shrinker[0][0].state,.low = w->split
  };
  walloc_strip_schedule z;

  walloc_strip_start (&z, 1, half_rows, 0);
  while (z.output_end < half_rows) {
    end = z.output_end + WALLOC_STRIP_HALVE_ROWS;
    walloc_strip_advance (&z, end < half_rows ? end : half_rows);
    a.source = walloc_encode_source_rows (e, w, image, 0, first + z.input,
        z.input_end - z.input, first + rows, in);
    e->strip->halve_rows (&z, &a);
    for (y = z.output; y < z.output_end; y++)
      e->strip->halve_line (w->split + 2 * (y - z.output) * a.stride, a.stride,
          (image->width + 1) / 2, 1, w->half[0] + y * a.stride, NULL);
  }
}

/* One level of a smaller plane: adds up its detail, and leaves the next
 * smaller plane. */
static void
look_at (walloc_encoder * e, walloc_encode_worker * w, const int16_t * in,
    unsigned width, unsigned rows, int16_t * out, uint64_t * total,
    uint64_t * samples)
{
  const uint8_t *source[WALLOC_STRIP_HALVE_INPUT];
  unsigned half_width = (width + 1) / 2, half_rows = (rows + 1) / 2, y, end;
  walloc_strip_halving a = {.source = WALLOC_STRIP_VALUES,.rows = source,
    .width = width,.stride = e->half_stride,.state = w->shrinker[0][0].state,
    .low = w->split
  };
  int16_t *low, *high;
  uint64_t sum[4] = { 0 };
  walloc_strip_schedule z;

  a.high = a.low + 2 * WALLOC_STRIP_HALVE_ROWS * a.stride;
  walloc_strip_start (&z, 1, half_rows, 0);
  while (z.output_end < half_rows) {
    end = z.output_end + WALLOC_STRIP_HALVE_ROWS;
    walloc_strip_advance (&z, end < half_rows ? end : half_rows);
    for (y = z.input; y < z.input_end; y++)
      source[y - z.input] = (const uint8_t *) (in + (y < rows ? y : rows - 1) *
          a.stride);
    e->strip->halve_rows (&z, &a);
    for (y = z.output; y < z.output_end; y++) {
      low = a.low + 2 * (y - z.output) * a.stride;
      high = a.high + 2 * (y - z.output) * a.stride;
      e->strip->halve_line (low, a.stride, half_width, 1, out + y * a.stride,
          w->line);
      sum[2] += energy (w->line, half_width);
      e->strip->halve_line (high, a.stride, half_width, 0, w->line, w->line +
          a.stride);
      sum[1] += energy (w->line, half_width);
      sum[3] += energy (w->line + a.stride, half_width);
    }
  }
  /* squares of walloc_int_gain(): 2, 1 and 1.5133 */
  *total = 4 * sum[1] + sum[2] + sum[3] * 16 / 7;
  *samples = (uint64_t) half_width *half_rows;
}

static void
look_at_strip (walloc_encoder * e, walloc_encode_worker * w, unsigned index)
{
  look *l = e->look;
  unsigned first = index * l->step, width = (l->image->width + 1) / 2;
  unsigned rows = l->image->height - first;
  detail *d = &l->strip[index];

  rows = rows < l->rows ? rows : l->rows;
  look_at_samples (e, w, l->image, first, rows);
  rows = (rows + 1) / 2;
  look_at (e, w, w->half[0], width, rows, w->quarter, &d->sum[0],
      &d->samples[0]);
  /* what is left of that is not looked at */
  look_at (e, w, w->quarter, (width + 1) / 2, (rows + 1) / 2, w->half[0],
      &d->sum[1], &d->samples[1]);
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

static void
find_limits (walloc_encoder * e, const walloc_image * image, unsigned limit[2])
{
  look l = {.image = image };
  unsigned strips, i, k;
  uint64_t sum, samples;

  l.rows = image->height < STRIP ? image->height : STRIP;
  l.step = image->height > HIGH ? EVERY : STRIP;
  strips = (image->height + l.step - 1) / l.step;
  e->look = &l;
  walloc_encoder_each (e, look_at_strip, strips);
  e->look = NULL;
  for (i = 0; i < 2; i++) {
    for (k = 0, sum = samples = 0; k < strips; k++) {
      sum += l.strip[k].sum[i];
      samples += l.strip[k].samples[i];
    }
    limit[i] = limit_of (e->model->scale + COLUMNS * i, sum, samples);
  }
}

void
walloc_encoder_choose_scale (walloc_encoder * e, const walloc_image * image,
    int stay, unsigned *scale, unsigned *step_index)
{
  const uint16_t *table = e->model->scale;
  unsigned limit[2], step = *step_index, i, low, high, open = 0;

  *scale = 0;
  if (table == NULL)
    return;
  stay = stay && e->laid_out;
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
      find_limits (e, image, limit);
    for (*scale = 2; *scale > 0 && step < limit[*scale - 1];)
      -- * scale;
  }
  if (*scale > 0) {
    low = table[COLUMNS * (*scale - 1) + LESS];
    *step_index -= step < low ? step : low;
  }
}
