/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Samples to latents, kind ordered: docs/model-format.md, 2.1 and 2.2.
 * Integers only. A slice is made in strips of a few rows of latents, from the
 * picture to quantised latents, so that all in between stays in the caches;
 * the next slice goes on where this one ended when the same worker makes it.
 */
#include "codec/encoder-private.h"

#include <string.h>

#include "transform/intwavelet.h"

/* Columns red, green, blue; each row adds up to exactly 1 or 0. */
static const int16_t jfif[3][3] = {
  {9798, 19235, 3735}, {-5529, -10855, 16384}, {16384, -13720, -2664}
};

void
walloc_encode_rgb_coefs (const walloc_pixel * pixel, int16_t coefs[3][4])
{
  unsigned i, k;

  for (i = 0; i < 3; i++)
    for (k = 0; k < 3; k++)
      coefs[i][pixel->offsets[k]] = jfif[i][k];
}

/* Sample rows of a component, of which there are rows. */
static unsigned
clip_row (unsigned row, unsigned rows)
{
  return row < rows ? row : rows - 1;
}

static int16_t *
band_row (const walloc_encoder * e, const walloc_encode_worker * w,
    unsigned index, unsigned row)
{
  return w->bands[index] + (size_t) row *e->plane[index].phases *
      e->band_stride;
}

/* The phases of one sample row become bands in the strip's row. */
static void
finish_row (const walloc_encoder * e, walloc_encode_worker * w,
    unsigned index, unsigned row, int16_t * phases)
{
  const walloc_strip_plane *p = &e->plane[index];

  e->strip->horizontal (phases, w->phases + 16 * e->band_stride,
      e->band_stride, e->layout.grid_width, p->phases, p->used,
      band_row (e, w, index, row));
}

/* Rows below the picture repeat its last one, and so do their bands. */
static int
repeat_row (const walloc_encoder * e, walloc_encode_worker * w,
    unsigned index, const walloc_strip_schedule * z, unsigned row,
    unsigned height)
{
  if (row < height || row == z->input)
    return 0;
  memcpy (band_row (e, w, index, row - z->input),
      band_row (e, w, index, row - z->input - 1),
      e->plane[index].phases * e->band_stride * sizeof (int16_t));
  return 1;
}

static void
load_component (const walloc_encoder * e, walloc_encode_worker * w,
    unsigned index, const walloc_strip_schedule * z)
{
  walloc_component c;
  unsigned row;

  walloc_image_component (e->image, index, &c);
  for (row = z->input; row < z->input_end; row++) {
    if (repeat_row (e, w, index, z, row, c.height))
      continue;
    e->strip->split_u8 (c.data + (ptrdiff_t) clip_row (row, c.height) *
        c.stride, c.width, e->layout.grid_width, e->plane[index].phases,
        w->phases, e->band_stride);
    finish_row (e, w, index, row - z->input, w->phases);
  }
}

/* Cb and Cr side by side in one plane. */
static void
load_pairs (const walloc_encoder * e, walloc_encode_worker * w,
    const walloc_strip_schedule * z)
{
  int16_t *second = w->phases + 8 * e->band_stride;
  walloc_component c;
  unsigned row;

  walloc_image_component (e->image, 1, &c);
  for (row = z->input; row < z->input_end; row++) {
    if (repeat_row (e, w, 1, z, row, c.height) &&
        repeat_row (e, w, 2, z, row, c.height))
      continue;
    e->strip->split_u8_pairs (c.data + (ptrdiff_t) clip_row (row, c.height) *
        c.stride, c.width, e->layout.grid_width, w->phases, second,
        e->band_stride);
    finish_row (e, w, 1, row - z->input, w->phases);
    finish_row (e, w, 2, row - z->input, second);
  }
}

/* Up to a whole number of grid columns. */
static void
extend (int16_t * row, size_t width, size_t padded)
{
  for (; width < padded; width++)
    row[width] = row[width - 1];
}

static void
load_rgb (const walloc_encoder * e, walloc_encode_worker * w,
    const walloc_strip_schedule * z)
{
  const walloc_image *image = e->image;
  const walloc_pixel *pixel = &e->layout.pixel;
  size_t width = (size_t) e->layout.grid_width * WALLOC_CELL;
  int16_t coefs[3][4] = { {0} };
  unsigned row, i, done;

  walloc_encode_rgb_coefs (pixel, coefs);
  for (row = z->input; row < z->input_end; row++) {
    for (i = done = 0; i < e->planes; i++)
      done += repeat_row (e, w, i, z, row, image->height) != 0;
    if (done > 0)
      continue;
    e->strip->mix_rgb (image->plane[0] + (ptrdiff_t) clip_row (row,
            image->height) * image->stride[0], pixel->step, coefs,
        image->width, w->samples[0], w->samples[1], w->samples[2]);
    for (i = 0; i < e->planes; i++) {
      extend (w->samples[i], image->width, width);
      e->strip->split_s16 (w->samples[i], e->layout.grid_width, 8, w->phases,
          e->band_stride);
      finish_row (e, w, i, row - z->input, w->phases);
    }
  }
}

/* The same for count components, from index on, of a picture that is coded at
 * a smaller size. */
static void
load_shrunk (walloc_encoder * e, walloc_encode_worker * w, unsigned index,
    unsigned count, const walloc_strip_schedule * z)
{
  unsigned phases = e->plane[index].phases, width, height, row, y, i, from, to;
  size_t padded = (size_t) e->layout.grid_width * phases;
  int16_t *samples;

  walloc_encode_component_size (e, index, e->scale, &width, &height);
  for (row = z->input; row < z->input_end; row += WALLOC_STRIP_HALVE_ROWS) {
    from = clip_row (row, height);
    to = row + WALLOC_STRIP_HALVE_ROWS;
    to = to < z->input_end ? to : z->input_end;
    if (row < height || row == z->input)
      walloc_encode_shrunk_rows (e, w, index, count, from, clip_row (to - 1,
              height) + 1, w->samples, e->sample_stride);
    for (y = row; y < to; y++)
      for (i = index; i < index + count; i++) {
        if (repeat_row (e, w, i, z, y, height))
          continue;
        samples = w->samples[i - index] + (clip_row (y, height) - from) *
            e->sample_stride;
        extend (samples, width, padded);
        e->strip->split_s16 (samples, e->layout.grid_width, phases, w->phases,
            e->band_stride);
        finish_row (e, w, i, y - z->input, w->phases);
      }
  }
}

/* All components, whatever they come from. */
static void
load (walloc_encoder * e, walloc_encode_worker * w)
{
  unsigned i;

  if (e->scale > 0 && e->layout.pixel.rgb) {
    load_shrunk (e, w, 0, e->planes, &w->schedule[0]);
  } else if (e->scale > 0) {
    for (i = 0; i < e->planes; i++)
      load_shrunk (e, w, i, 1, &w->schedule[i > 0]);
  } else if (e->layout.pixel.rgb) {
    load_rgb (e, w, &w->schedule[0]);
  } else {
    load_component (e, w, 0, &w->schedule[0]);
    if (e->planes > 1 && e->layout.format == WALLOC_FORMAT_NV12)
      load_pairs (e, w, &w->schedule[1]);
    else
      for (i = 1; i < e->planes; i++)
        load_component (e, w, i, &w->schedule[1]);
  }
}

/* Coefficients of some planes, then the groups that they serve. */
static void
make_latents (const walloc_encoder * e, walloc_encode_worker * w,
    unsigned plane, unsigned plane_end, const walloc_strip_schedule * z,
    unsigned group, unsigned group_end, unsigned first, int16_t * planes,
    int16_t * fine, size_t stride, size_t plane_stride)
{
  unsigned width = e->layout.grid_width, lanes = e->strip->lanes, x, y, i, g;
  size_t to;

  for (x = 0; x < width; x += lanes) {
    for (i = plane; i < plane_end; i++)
      e->strip->vertical (&e->plane[i], z, w->bands[i] + x, e->band_stride,
          w->state[i] + x, w->coef);
    for (y = z->output; y < z->output_end; y++) {
      to = (y - first) * stride + x;
      for (g = group; g < group_end; g++)
        e->strip->project (&e->group[g], w->coef + (size_t) (y - z->output) *
            2 * lanes, planes + to, fine != NULL ? fine + to : NULL,
            plane_stride, width - x < lanes ? width - x : lanes);
    }
  }
}

walloc_result
walloc_encode_ordered (walloc_encoder * e, walloc_encode_worker * w,
    unsigned first, unsigned end, int16_t * planes, size_t stride,
    size_t plane_stride)
{
  const walloc_layout *l = &e->layout;
  walloc_strip_schedule *luma = &w->schedule[0], *chroma = &w->schedule[1];
  unsigned levels = e->planes > 1 ? e->plane[1].levels : 3, to;
  uint64_t t0 = walloc_now (), t1;

  if (w->strip_frame != e->strip_frame || luma->output_end != first) {
    walloc_strip_start (luma, 3, l->grid_height, first);
    walloc_strip_start (chroma, levels, l->grid_height, first);
    w->strip_frame = e->strip_frame;
  }
  for (; luma->output_end < end;) {
    to = luma->output_end + WALLOC_STRIP_ROWS;
    to = to < end ? to : end;
    walloc_strip_advance (luma, to);
    walloc_strip_advance (chroma, to);
    load (e, w);
    t1 = walloc_now ();
    w->ns_transform += t1 - t0;
    make_latents (e, w, 0, 1, luma, WALLOC_GROUP_LUMA, WALLOC_GROUP_CHROMA,
        first, planes, w->fine, stride, plane_stride);
    if (e->planes > 1)
      make_latents (e, w, 1, 3, chroma, WALLOC_GROUP_CHROMA,
          WALLOC_GROUP_DETAIL + 1, first, planes, w->fine, stride,
          plane_stride);
    t0 = walloc_now ();
    w->ns_project += t0 - t1;
  }
  return WALLOC_OK;
}

void
walloc_encode_ordered_sizes (walloc_encoder * e,
    walloc_encode_ordered_memory * m)
{
  const walloc_layout *l = &e->layout;
  size_t lanes = WALLOC_STRIP_LANES;
  size_t columns = (l->grid_width + lanes - 1) / lanes * lanes;
  unsigned i;

  /* an odd number of cache lines, so that rows of bands do not compete for
   * the same sets of the cache; one vector to spare */
  e->band_stride = (columns / lanes + 1) % 2 == 0 ? columns + 2 * lanes :
      columns + lanes;
  e->sample_stride = columns * WALLOC_CELL;
  m->samples = e->scale > 0 ? e->sample_stride * WALLOC_STRIP_HALVE_ROWS :
      l->pixel.rgb ? e->sample_stride : 0;
  m->phases = 24 * e->band_stride;
  m->coef = (size_t) WALLOC_STRIP_SLOTS *WALLOC_STRIP_ROWS * 2 * lanes;
  for (i = 0; i < 3; i++) {
    unsigned phases = i == 0 || l->pixel.sampling == WALLOC_SAMPLING_444 ?
        8 : 4;

    m->bands[i] = m->state[i] = 0;
    if (i > 0 && l->pixel.sampling == WALLOC_SAMPLING_GRAY)
      continue;
    m->bands[i] = (size_t) WALLOC_STRIP_INPUT *phases * e->band_stride;
    m->state[i] = (size_t) phases *WALLOC_STRIP_NODES * WALLOC_STRIP_STATE *
        e->band_stride;
  }
}
