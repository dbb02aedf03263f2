/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pictures at half or a quarter of their size, in front of the ordered
 * kind's encoder: the low band of one level of the packet transform, over its
 * gain, once or twice (docs/bitstream.md, 2.3). Rows are made when a strip
 * needs them, and go on from those before. Integers only. */
#include "codec/encoder-private.h"

#define ROWS WALLOC_STRIP_HALVE_ROWS
#define INPUT WALLOC_STRIP_HALVE_INPUT

static unsigned
half (unsigned n)
{
  return n / 2 + n % 2;
}

void
walloc_encode_component_size (const walloc_encoder * e, unsigned index,
    unsigned halvings, unsigned *width, unsigned *height)
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

walloc_strip_source
walloc_encode_source_rows (const walloc_encoder * e, walloc_encode_worker * w,
    const walloc_image * image, unsigned index, unsigned first, unsigned rows,
    unsigned end, const uint8_t * out[3][INPUT])
{
  const walloc_pixel *pixel = &e->layout.pixel;
  int pairs = image->format == WALLOC_FORMAT_NV12 && index > 0;
  int16_t coefs[3][4] = { {0} };
  walloc_component c;
  unsigned y, i, at;

  if (!pixel->rgb) {
    walloc_image_component (image, pairs ? 1 : index, &c);
    for (y = 0; y < rows; y++) {
      at = first + y < end ? first + y : end - 1;
      out[0][y] = c.data + (ptrdiff_t) at *c.stride;
    }
    return pairs ? (index == 1 ? WALLOC_STRIP_FIRST : WALLOC_STRIP_SECOND) :
        WALLOC_STRIP_BYTES;
  }
  walloc_encode_rgb_coefs (pixel, coefs);
  for (y = 0; y < rows; y++) {
    for (i = 0; i < 3; i++)
      out[i][y] = (const uint8_t *) (w->large[i] + y * e->large_stride);
    at = first + y < end ? first + y : end - 1;
    e->strip->mix_rgb (image->plane[0] + (ptrdiff_t) at * image->stride[0],
        pixel->step, coefs, image->width, w->large[0] + y * e->large_stride,
        w->large[1] + y * e->large_stride, w->large[2] + y * e->large_stride);
  }
  return WALLOC_STRIP_VALUES;
}

/* Rows [first, end), at most ROWS, of count components from index on, after
 * as many halvings as level says: row y of component index + i to
 * out[i] + (y - first) * stride. */
static void
halve (walloc_encoder * e, walloc_encode_worker * w, unsigned index,
    unsigned count, unsigned level, unsigned first, unsigned end,
    int16_t * const out[3], size_t stride)
{
  const uint8_t *rows[3][INPUT];
  unsigned width, height, small_width, small_height, i, y, from, to, next;
  walloc_strip_halving a = {.source = WALLOC_STRIP_VALUES,.low = w->split };
  walloc_strip_schedule *z = NULL;
  walloc_shrinker *s;
  int16_t *half_rows[3];

  walloc_encode_component_size (e, index, level - 1, &width, &height);
  walloc_encode_component_size (e, index, level, &small_width, &small_height);
  for (i = 0; i < count; i++) {
    s = &w->shrinker[level - 1][index + i];
    z = &s->schedule;
    if (s->frame != e->strip_frame || z->output_end != first)
      walloc_strip_start (z, 1, small_height, first);
    s->frame = e->strip_frame;
    walloc_strip_advance (z, end);
  }
  if (level == 1) {
    a.source = walloc_encode_source_rows (e, w, e->image, index, z->input,
        z->input_end - z->input, height, rows);
  } else {
    /* rows below the last one are that one */
    from = z->input < height ? z->input : height - 1;
    to = z->input_end < height ? z->input_end : height;
    for (; from < to; from = next) {
      next = from + ROWS < to ? from + ROWS : to;
      for (i = 0; i < count; i++)
        half_rows[i] = w->half[i] + (z->input < from ? from - z->input : 0) *
            e->half_stride;
      halve (e, w, index, count, 1, from, next, half_rows, e->half_stride);
    }
    for (i = 0; i < count; i++)
      for (y = z->input; y < z->input_end; y++)
        rows[i][y - z->input] = (const uint8_t *) (w->half[i] + (y < to ? y -
                z->input : z->input < to ? to - 1 - z->input : 0) *
            e->half_stride);
  }
  a.width = width;
  a.stride = e->half_stride;
  for (i = 0; i < count; i++) {
    s = &w->shrinker[level - 1][index + i];
    a.rows = rows[i];
    a.state = s->state;
    e->strip->halve_rows (&s->schedule, &a);
    for (y = 0; y < end - first; y++)
      e->strip->halve_line (w->split + 2 * y * a.stride, a.stride, small_width,
          1, out[i] + y * stride, NULL);
  }
}

void
walloc_encode_shrunk_rows (walloc_encoder * e, walloc_encode_worker * w,
    unsigned index, unsigned count, unsigned first, unsigned end,
    int16_t * const out[3], size_t stride)
{
  halve (e, w, index, count, e->scale, first, end, out, stride);
}

void
walloc_encode_shrink_release (walloc_encoder * e)
{
  walloc_encode_worker *w;
  unsigned i, k;

  for (i = 0; i < e->workers; i++) {
    w = &e->worker[i];
    for (k = 0; k < 3; k++) {
      walloc_mem_release (&e->mem, &w->large[k]);
      walloc_mem_release (&e->mem, &w->half[k]);
      walloc_mem_release (&e->mem, &w->shrinker[0][k].state);
      walloc_mem_release (&e->mem, &w->shrinker[1][k].state);
    }
    walloc_mem_release (&e->mem, &w->split);
    walloc_mem_release (&e->mem, &w->quarter);
    walloc_mem_release (&e->mem, &w->line);
  }
}

/* Whole vectors and one more; an odd number of cache lines. */
static size_t
row_of (size_t width)
{
  size_t lines = (width + WALLOC_STRIP_LANES - 1) / WALLOC_STRIP_LANES + 1;

  return (lines | 1) * WALLOC_STRIP_LANES;
}

void
walloc_encode_shrink_prepare (walloc_encoder * e, int *short_of)
{
  const walloc_pixel *pixel = &e->layout.pixel;
  unsigned components = pixel->sampling == WALLOC_SAMPLING_GRAY ? 1 : 3, i, k;
  size_t s = e->half_stride = row_of (half (e->width)), size = sizeof (int16_t);
  walloc_encode_worker *w;
  walloc_mem *mem = &e->mem;

  e->large_stride = row_of (e->width);
  for (i = 0; i < e->workers; i++) {
    w = &e->worker[i];
    for (k = 0; k < components; k++) {
      w->shrinker[0][k].state = walloc_mem_take (mem, 2 * WALLOC_STRIP_STATE *
          s, size, short_of);
      w->shrinker[1][k].state = walloc_mem_take (mem, 2 * WALLOC_STRIP_STATE *
          s, size, short_of);
      w->shrinker[0][k].frame = w->shrinker[1][k].frame = 0;
    }
    for (k = 0; k < (pixel->rgb ? 3u : 1u); k++) {
      if (pixel->rgb)
        w->large[k] = walloc_mem_take (mem, INPUT * e->large_stride, size,
            short_of);
      w->half[k] = walloc_mem_take (mem, (k == 0 ? WALLOC_LOOK_ROWS / 2 :
              INPUT) * s, size, short_of);
    }
    w->split = walloc_mem_take (mem, 2 * ROWS * 2 * s, size, short_of);
    w->quarter = walloc_mem_take (mem, WALLOC_LOOK_ROWS / 4 * s, size,
        short_of);
    w->line = walloc_mem_take (mem, 2 * s, size, short_of);
  }
}
