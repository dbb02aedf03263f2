/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Running convolutions; see conv.h. */
#include "net/conv.h"
#include "net/op-chain.h"

#include <string.h>

/* taps whose row pointers are on the stack at a time */
#define TAP_GROUP 64

size_t
net_conv_padded (const net_conv * c)
{
  return (c->ocg + c->isa->width - 1) / c->isa->width * c->isa->width;
}

size_t
net_conv_packed (const net_conv * c, unsigned taps)
{
  return net_conv_padded (c) * c->icg * taps;
}

bool
net_conv_panel (const net_conv * c, size_t p, size_t *column, unsigned *vectors)
{
  size_t left, wide = c->isa->width * c->isa->vectors;

  *column = p * wide;
  if (*column >= c->ocg)
    return false;
  left = (c->ocg - *column + c->isa->width - 1) / c->isa->width;
  *vectors = left < c->isa->vectors ? (unsigned) left : c->isa->vectors;
  return true;
}

void
net_conv_pack (const net_conv * c, const unsigned *taps, unsigned n_taps,
    const float *w, size_t k_step, size_t c_step, float *to)
{
  size_t p, column, k, i, width, have;
  unsigned t, vectors;

  for (p = 0; net_conv_panel (c, p, &column, &vectors); p++) {
    width = vectors * c->isa->width;
    have = c->ocg - column < width ? c->ocg - column : width;
    for (t = 0; t < n_taps; t++) {
      for (k = 0; k < c->icg; k++) {
        const float *from = w + k * k_step + column * c_step + taps[t];

        for (i = 0; i < have; i++)
          to[i] = from[i * c_step];
        for (; i < width; i++)
          to[i] = 0.0f;
        to += width;
      }
    }
  }
}

/* One row block of one panel. */
typedef struct
{
  const net_step *step;
  const net_tensor *t;
  const net_conv *c;
  const net_phase *phase;
  const float *in;              /* image, at the group's first channel */
  float *out;                   /* image */
  size_t image;
  size_t group, column;
  unsigned vectors;
  const float *w;               /* panel */
} conv_block;

static void
fill_rows (const conv_block * b, size_t first, unsigned rows, unsigned t0,
    unsigned taps, const float **ptr)
{
  const net_conv *c = b->c;
  const net_phase *phase = b->phase;
  size_t j = first / phase->ow, i = first % phase->ow;
  int64_t y, x;
  unsigned r, t;

  for (r = 0; r < NET_MR; r++) {
    for (t = 0; t < taps; t++) {
      y = (int64_t) (j * c->isy) + phase->dy[t0 + t];
      x = (int64_t) (i * c->isx) + phase->dx[t0 + t];
      ptr[t * NET_MR + r] = (uint64_t) y < c->ih && (uint64_t) x < c->iw ?
          b->in + ((size_t) y * c->iw + (size_t) x) * c->pixel : c->zero;
    }
    if (r + 1 < rows && ++i == phase->ow) {
      i = 0;
      j++;
    }
  }
}

/* Output pixel of row r of the phase. */
static size_t
out_pixel (const conv_block * b, size_t row)
{
  const net_phase *phase = b->phase;

  return (phase->oy0 + row / phase->ow * b->c->osy) * b->c->ow
      + phase->ox0 + row % phase->ow * b->c->osx;
}

static void
run_block (const conv_block * b, size_t first, unsigned rows)
{
  const net_conv *c = b->c;
  const net_phase *phase = b->phase;
  const float *ptr[TAP_GROUP * NET_MR];
  float temp[NET_MR * NET_MAX_PANEL], *out = temp;
  size_t width = b->vectors * c->isa->width, ld = width;
  size_t oc = c->groups * c->ocg, pixel, images = b->image * c->oh * c->ow;
  size_t have = c->ocg - b->column < width ? c->ocg - b->column : width;
  size_t column = b->group * c->ocg + b->column;
  const float *bias = c->bias + b->group * net_conv_padded (c) + b->column;
  const float *w = b->w;
  bool direct = c->linear && rows == NET_MR && have == width;
  unsigned t0, n, r;

  if (direct) {
    out = b->out + first * oc + column;
    ld = oc;
  }
  t0 = 0;
  do {
    n = phase->taps - t0 < TAP_GROUP ? phase->taps - t0 : TAP_GROUP;
    fill_rows (b, first, rows, t0, n, ptr);
    c->isa->fn[b->vectors - 1] (ptr, n, c->icg, w, t0 == 0 ? bias : NULL, out,
        ld);
    w += n * c->icg * width;
    t0 += n;
  } while (t0 < phase->taps);
  if (c->linear) {
    if (!direct) {
      for (r = 0; r < rows; r++)
        memcpy (b->out + (first + r) * oc + column, temp + r * ld,
            have * sizeof *temp);
    }
    if (b->step->chain->n > 0)
      net_chain_run (b->step, b->t, b->out + first * oc + column, oc,
          images + first, column, rows, have, NULL);
    return;
  }
  for (r = 0; r < rows; r++) {
    pixel = out_pixel (b, first + r);
    if (b->step->chain->n > 0)
      net_chain_run (b->step, b->t, temp + r * ld, oc, images + pixel, column,
          1, have, NULL);
    memcpy (b->out + pixel * oc + column, temp + r * ld, have * sizeof *temp);
  }
}

static void
conv_run (const net_step * step, const net_tensor * t, unsigned index)
{
  const net_conv *c = step->p;
  conv_block b;
  size_t part = index, panels = 0, p, from, to, row, rows, first, blocks;
  size_t row_part, panel_part, image_in;
  const float *w;

  b.step = step;
  b.t = t;
  b.c = c;
  row_part = part % c->row_parts;
  part /= c->row_parts;
  panel_part = part % c->panel_parts;
  part /= c->panel_parts;
  b.group = part % c->groups;
  part /= c->groups;
  b.image = part % c->batch;
  b.phase = &c->phases[part / c->batch];
  image_in = c->in_offset != NULL ? c->in_offset[b.image]
      : b.image * c->ih * c->iw * c->pixel;
  b.in = NET_F (t, step->in[0]) + image_in + b.group * c->icg;
  b.out = NET_F (t, step->out) + b.image * c->oh * c->ow * c->groups * c->ocg;
  w = c->w_offset != NULL ? NET_F (t, step->in[1]) + c->w_offset[b.image]
      : b.phase->w + b.group * net_conv_packed (c, b.phase->taps);
  rows = b.phase->oh * b.phase->ow;
  blocks = (rows + NET_MR - 1) / NET_MR;
  from = blocks * row_part / c->row_parts;
  to = blocks * (row_part + 1) / c->row_parts;
  while (net_conv_panel (c, panels, &b.column, &b.vectors))
    panels++;
  for (p = panels * panel_part / c->panel_parts;
      p < panels * (panel_part + 1) / c->panel_parts; p++) {
    net_conv_panel (c, p, &b.column, &b.vectors);
    b.w = w + b.column * c->icg * b.phase->taps;
    for (row = from; row < to; row++) {
      first = row * NET_MR;
      run_block (&b, first, rows - first < NET_MR ? (unsigned) (rows - first)
          : NET_MR);
    }
  }
}

/* One channel in, one out, per group: all channels of a pixel at once. */
static void
depthwise_run (const net_step * step, const net_tensor * t, unsigned index)
{
  const net_conv *c = step->p;
  const net_phase *phase = c->phases;
  const float *ptr[TAP_GROUP];
  const float *image;
  float *out = NET_F (t, step->out);
  size_t rows = c->batch * c->oh, row = rows * index / step->count;
  size_t end = rows * (index + 1) / step->count, x, n = c->groups, at;
  unsigned k, taps;
  int64_t iy, ix;

  for (; row < end; row++) {
    image = NET_F (t, step->in[0]) + row / c->oh * c->ih * c->iw * n;
    for (x = 0; x < c->ow; x++) {
      at = row * c->ow + x;
      for (k = taps = 0; k < phase->taps; k++) {
        iy = (int64_t) (row % c->oh * c->isy) + phase->dy[k];
        ix = (int64_t) (x * c->isx) + phase->dx[k];
        ptr[taps++] = (uint64_t) iy < c->ih && (uint64_t) ix < c->iw ?
            image + ((size_t) iy * c->iw + (size_t) ix) * n : c->zero;
        if (taps == TAP_GROUP || k + 1 == phase->taps) {
          net_kern_depthwise (ptr, taps, phase->w + (k + 1 - taps) * n,
              k < TAP_GROUP ? c->bias : out + at * n, out + at * n, n);
          taps = 0;
        }
      }
    }
    if (step->chain->n > 0)
      net_chain_run (step, t, out + row * c->ow * n, n, row * c->ow, 0,
          (unsigned) c->ow, n, NULL);
  }
}

void
net_conv_step (net_step * step)
{
  net_conv *c = step->p;
  size_t rows = 0, blocks, panels, column, k;
  unsigned i, vectors;

  if (c->depthwise) {
    step->run = depthwise_run;
    step->count = net_parts (c->batch * c->oh,
        (uint64_t) c->ow * c->groups * c->phases->taps / 4 + 1);
    return;
  }
  step->run = conv_run;
  for (i = 0; i < c->n_phases; i++) {
    if (c->phases[i].oh * c->phases[i].ow > rows)
      rows = c->phases[i].oh * c->phases[i].ow;
  }
  blocks = (rows + NET_MR - 1) / NET_MR;
  k = c->phases[0].taps * c->icg + 1;
  c->row_parts = net_parts (blocks, (uint64_t) k * c->ocg * NET_MR / 8 + 1);
  for (panels = 0; net_conv_panel (c, panels, &column, &vectors); panels++);
  c->panel_parts = 1;
  if (c->row_parts < 4 && c->ocg * k * rows > 1 << 16)
    c->panel_parts = panels < 16 ? panels : 16;
  /* parts are numbered with an unsigned */
  while (c->row_parts > 1 && c->row_parts * c->panel_parts * c->groups
      * c->batch * c->n_phases > 1 << 24)
    c->row_parts /= 2;
  step->count = (unsigned) (c->row_parts * c->panel_parts * c->groups
      * c->batch * c->n_phases);
}
