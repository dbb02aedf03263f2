/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rows of samples to the caller's image, while they are in the cache. */
#include "codec/decoder-private.h"

#include <string.h>

#include "transform/input.h"
#include "transform/input_kernels.h"

/* Samples of one component around 0. */
static void
put_component (walloc_decoder * d, unsigned index, unsigned x, unsigned y,
    const float *samples, unsigned n)
{
  walloc_component c;

  walloc_image_component (d->image, index, &c);
  walloc_rows.to_u8 (samples, 1.0f, 128.0f, c.data + (ptrdiff_t) y *
      c.stride + (size_t) x * c.step, c.step, n);
}

/* The reference kind's red, green, blue in -0.5..0.5; changes r, g, b. */
static void
put_reference (walloc_decoder * d, unsigned x, unsigned y, float *r,
    float *g, float *b, unsigned n)
{
  const walloc_image *image = d->image;
  float *rgb[3] = { r, g, b }, luma;
  walloc_pixel pixel;
  uint8_t *to;
  unsigned i, k;

  walloc_pixel_init (&pixel, image->format);
  if (!pixel.rgb) {
    /* BT.601 full range, as transform/input.h has it the other way */
    for (i = 0; i < n; i++) {
      luma = 0.299f * r[i] + 0.587f * g[i] + 0.114f * b[i];
      b[i] = (b[i] - luma) * (0.5f / 0.886f);
      g[i] = (r[i] - luma) * (0.5f / 0.701f);
      r[i] = luma;
    }
    for (k = 0; k < walloc_format_planes (image->format); k++)
      walloc_rows.to_u8 (k == 0 ? r : k == 1 ? b : g, 255.0f,
          k == 0 ? 127.5f : 128.0f, image->plane[k] + (ptrdiff_t) y *
          image->stride[k] + x, 1, n);
    return;
  }
  to = image->plane[0] + (ptrdiff_t) y *image->stride[0] +
      (size_t) x *pixel.step;
  for (k = 0; k < 3; k++)
    walloc_rows.to_u8 (rgb[k], 255.0f, 127.5f, to + pixel.offsets[k],
        pixel.step, n);
  if (pixel.fill < 0)
    return;
  to += 6 - pixel.offsets[0] - pixel.offsets[1] - pixel.offsets[2];
  for (i = 0; i < n; i++)
    to[4 * (size_t) i] = (uint8_t) pixel.fill;
}

void
walloc_decoder_put_row (walloc_decoder * d, walloc_decode_worker * w,
    unsigned component, unsigned slot, unsigned x, unsigned y,
    const float *samples, unsigned n)
{
  const walloc_decode_plan *p = &d->plan;
  const walloc_image *image = d->image;
  size_t at = (size_t) slot * p->samples;
  walloc_pixel pixel;

  if (!p->rgb) {
    if (component > 0 && p->sampling <= WALLOC_SAMPLING_422)
      x -= p->region.x0 / 2;
    else
      x -= p->region.x0;
    y -= component > 0 && p->sampling == WALLOC_SAMPLING_420 ?
        p->region.y0 / 2 : p->region.y0;
    put_component (d, component, x, y, samples, n);
    return;
  }
  x -= p->region.x0;
  y -= p->region.y0;
  if (component < 2 || d->model->info.kind == WALLOC_MODEL_REFERENCE)
    memcpy (w->rows[component] + at, samples, n * sizeof *samples);
  if (component < 2)
    return;
  if (d->model->info.kind == WALLOC_MODEL_REFERENCE) {
    put_reference (d, x, y, w->rows[0] + at, w->rows[1] + at,
        w->rows[2] + at, n);
    return;
  }
  walloc_pixel_init (&pixel, image->format);
  walloc_output_rgb (w->rows[0] + at, w->rows[1] + at, samples, n, n, 1, 1.0f,
      128.0f, image->plane[0] + (ptrdiff_t) y * image->stride[0] +
      (size_t) x * pixel.step, image->stride[0], pixel.step, pixel.offsets,
      pixel.fill, NULL);
}
