/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Convolutions in bytes or bfloat16; see conv-low.h. */
#include "net/conv-low.h"
#include "net/conv-sparse.h"
#include "net/op-chain.h"

#include <math.h>
#include <string.h>

/* taps whose row pointers are on the stack */
#define MAX_TAPS 64
/* blocks whose results are put into planes at a time */
#define PLANE_BLOCKS 8

typedef struct
{
  const net_conv *c;
  const net_low_isa *isa;
  size_t words;                 /* of an input pixel */
  uint32_t *w;                  /* packed: [panel][tap][word][column] */
  float *scale, *bias;          /* per column, whole vectors */
  uint32_t *outside;            /* a pixel outside the picture */
  int64_t low[2], high[2];      /* least and greatest dy, dx */
} conv_low;

bool
net_conv_low_wanted (const walloc_net * net, const net_node * node,
    const net_conv * c, const net_window * win, net_pack * pack)
{
  const net_quant *x = &net->plan.quant[node->in[0]];
  const net_quant *w = &net->plan.quant[node->in[1]];

  memset (pack, 0, sizeof *pack);
  /* small ones gain nothing; one group and picture is what decoders have */
  if (net->precision == WALLOC_NET_F32 || net->backend != WALLOC_NET_PORTABLE
      || c->groups != 1 || c->batch != 1 || win->taps > MAX_TAPS
      || c->icg < 8 || c->ocg < 8
      || net_t (net, net_in (net, node, 0))->constant
      || net_t (net, net_in (net, node, 0))->count >= UINT32_MAX)
    return false;
  if (net->precision == WALLOC_NET_INT8 && x->count == 1 && x->usable
      && w->count != 0 && w->usable && w->zero == 0 && w->is_signed
      && (w->count == 1 || w->axis == 0)
      /* sums of 255 * 128 stay in 32 bits */
      && c->icg * (size_t) win->taps < 65536) {
    pack->kind = NET_LOW_BYTES;
    pack->inverse = 1.0f / x->scale[0];
    pack->zero = x->is_signed ? x->zero + 128 : x->zero;
    return true;
  }
  pack->kind = NET_LOW_BF16;
  return net->precision == WALLOC_NET_BF16
      || net_low_get (NET_LOW_BF16, 1) != NULL;
}

static size_t
panel_width (const net_conv * c, size_t column)
{
  size_t left = (c->ocg - column + NET_LOW_WIDTH - 1) / NET_LOW_WIDTH;

  return (left < NET_LOW_VECTORS ? left : NET_LOW_VECTORS) * NET_LOW_WIDTH;
}

/* What a pointer to row r of tap t points at, for rows pixels from first. */
static void
fill_rows (const conv_low * h, const uint32_t * in, size_t first,
    unsigned rows, const uint32_t ** ptr)
{
  const net_conv *c = h->c;
  const net_phase *phase = c->phases;
  size_t j = first / c->ow, i = first % c->ow;
  int64_t y, x;
  unsigned r, t;

  y = (int64_t) (j * c->isy);
  x = (int64_t) (i * c->isx);
  if (rows == NET_MR && i + NET_MR <= c->ow && y + h->low[0] >= 0
      && y + h->high[0] < (int64_t) c->ih && x + h->low[1] >= 0
      && x + (int64_t) ((NET_MR - 1) * c->isx) + h->high[1]
      < (int64_t) c->iw) {
    for (t = 0; t < phase->taps; t++, ptr += NET_MR) {
      const uint32_t *p = in + (size_t) ((y + phase->dy[t]) * (int64_t) c->iw
          + x + phase->dx[t]) * h->words;

      for (r = 0; r < NET_MR; r++)
        ptr[r] = p + r * c->isx * h->words;
    }
    return;
  }
  for (r = 0; r < NET_MR; r++) {
    for (t = 0; t < phase->taps; t++) {
      y = (int64_t) (j * c->isy) + phase->dy[t];
      x = (int64_t) (i * c->isx) + phase->dx[t];
      ptr[t * NET_MR + r] = (uint64_t) y < c->ih && (uint64_t) x < c->iw ?
          in + ((size_t) y * c->iw + (size_t) x) * h->words : h->outside;
    }
    if (r + 1 < rows && ++i == c->ow) {
      i = 0;
      j++;
    }
  }
}

static void
run_block (const net_step * step, const net_tensor * t, size_t first,
    unsigned rows)
{
  const conv_low *h = step->p;
  const net_conv *c = h->c;
  const uint32_t *ptr[MAX_TAPS * NET_MR], *w = h->w;
  float temp[NET_MR * NET_LOW_VECTORS * NET_LOW_WIDTH];
  float *out = NULL;
  size_t column, width, have;
  unsigned r;

  if (!step->side_only)
    out = NET_F (t, step->out) + first * c->ocg;
  fill_rows (h, NET_DATA (t, step->in[0]), first, rows, ptr);
  for (column = 0; column < c->ocg; column += width) {
    bool direct;
    float *x = temp;
    size_t ld;

    ld = width = panel_width (c, column);
    have = c->ocg - column < width ? c->ocg - column : width;
    direct = !step->side_only && rows == NET_MR && have == width;
    if (direct) {
      x = out + column;
      ld = c->ocg;
    }
    h->isa->fn[width / NET_LOW_WIDTH - 1] (ptr, c->phases->taps, h->words, w,
        h->scale + column, h->bias + column, x, ld);
    w += c->phases->taps * h->words * width;
    if (step->chain->n > 0)
      net_chain_run (step, t, x, ld, first, column, rows, have, NULL);
    if (step->side != 0)
      net_pack_rows (&step->side_pack, x, ld, first, column, rows, have,
          column + have == c->ocg, NET_DATA (t, step->side));
    if (direct || step->side_only)
      continue;
    for (r = 0; r < rows; r++)
      memcpy (out + r * c->ocg + column, x + r * ld, have * sizeof *x);
  }
}

/* Up to PLANE_BLOCKS blocks, their results plane by plane. */
static void
run_planes (const net_step * step, const net_tensor * t, size_t first,
    size_t pixels)
{
  const conv_low *h = step->p;
  const net_conv *c = h->c;
  const size_t plane = c->oh * c->ow;
  const uint32_t *ptr[MAX_TAPS * NET_MR], *w = h->w;
  float temp[PLANE_BLOCKS * NET_MR * NET_LOW_VECTORS * NET_LOW_WIDTH];
  float *out = NET_F (t, step->out) + first;
  size_t column, width, have, p;

  for (column = 0; column < c->ocg; column += width) {
    width = panel_width (c, column);
    have = c->ocg - column < width ? c->ocg - column : width;
    for (p = 0; p < pixels; p += NET_MR) {
      fill_rows (h, NET_DATA (t, step->in[0]), first + p,
          pixels - p < NET_MR ? (unsigned) (pixels - p) : NET_MR, ptr);
      h->isa->fn[width / NET_LOW_WIDTH - 1] (ptr, c->phases->taps, h->words,
          w, h->scale + column, h->bias + column, temp + p * width, width);
    }
    w += c->phases->taps * h->words * width;
    if (step->chain->n > 0)
      net_chain_run (step, t, temp, width, first, column, (unsigned) pixels,
          have, NULL);
    net_kern_turn (temp, width, pixels, have, out + column * plane, plane);
  }
}

static void
conv_low_run (const net_step * step, const net_tensor * t, unsigned index)
{
  const conv_low *h = step->p;
  size_t pixels = h->c->oh * h->c->ow;
  size_t blocks = (pixels + NET_MR - 1) / NET_MR;
  size_t b = blocks * index / step->count;
  size_t end = blocks * (index + 1) / step->count, first, n;

  for (; step->planes && b < end; b += n) {
    n = end - b < PLANE_BLOCKS ? end - b : PLANE_BLOCKS;
    first = b * NET_MR;
    run_planes (step, t, first, pixels - first < n * NET_MR ? pixels - first
        : n * NET_MR);
  }
  for (; b < end; b++) {
    first = b * NET_MR;
    run_block (step, t, first, pixels - first < NET_MR ?
        (unsigned) (pixels - first) : NET_MR);
  }
}

/* One weight as a signed byte of its column's scale. */
static int
quantised (const net_quant * q, size_t column, float w)
{
  float y = rintf (w / q->scale[q->count == 1 ? 0 : column]);

  return y > 127.0f ? 127 : y < -128.0f ? -128 : y == y ? (int) y : 0;
}

/* Weights of a tap and word, width columns from column on, as they are packed:
 * per values for every column, 0 beyond the last. */
static void
gather_weights (const conv_low * h, const float *weights, size_t per,
    size_t taps, unsigned kernel, size_t k, size_t column, size_t width,
    float *out)
{
  const net_conv *c = h->c;
  const size_t have = c->ocg - column < width ? c->ocg - column : width;
  const size_t parts = c->icg - k * per < per ? c->icg - k * per : per;
  const float *from = weights + (column * c->icg + k * per) * taps + kernel;
  size_t i, part;

  memset (out, 0, width * per * sizeof *out);
  for (i = 0; i < have; i++) {
    for (part = 0; part < parts; part++)
      out[i * per + part] = from[(i * c->icg + part) * taps];
  }
}

/* Packs the weights; in sum their sums per column, for the zero point. */
static void
pack_weights (conv_low * h, const net_conv_desc * d, const net_pack * pack,
    const net_quant * q, int64_t * sum)
{
  const net_conv *c = h->c;
  const net_phase *phase = c->phases;
  const size_t per = pack->kind == NET_LOW_BYTES ? 4 : 2;
  size_t column, width, k, i, taps = (size_t) d->win->taps;
  float w[NET_LOW_VECTORS * NET_LOW_WIDTH * 4];
  uint32_t *to = h->w;
  unsigned t;

  for (column = 0; column < c->ocg; column += width) {
    width = panel_width (c, column);
    for (t = 0; t < phase->taps; t++) {
      for (k = 0; k < h->words; k++, to += width) {
        gather_weights (h, d->weights, per, taps, phase->kernel[t], k, column,
            width, w);
        if (pack->kind != NET_LOW_BYTES) {
          net_kern_to_bf16 (w, width * per, (uint16_t *) to);
          continue;
        }
        for (i = 0; i < width * per && column + i / per < c->ocg; i++) {
          int value = quantised (q, column + i / per, w[i]);

          ((int8_t *) to)[i] = (int8_t) value;
          sum[column + i / per] += value;
        }
      }
    }
  }
}

static void
set_scales (conv_low * h, const net_conv_desc * d, const net_pack * pack,
    const net_quant * x, const net_quant * w, const int64_t * sum)
{
  size_t k;

  for (k = 0; k < h->c->ocg; k++) {
    h->bias[k] = d->bias != NULL ? d->bias[k] : 0.0f;
    if (pack->kind == NET_LOW_BYTES) {
      h->scale[k] = x->scale[0] * w->scale[w->count == 1 ? 0 : k];
      h->bias[k] = (float) ((double) h->bias[k]
          - (double) h->scale[k] * (double) (pack->zero * sum[k]));
    }
  }
  /* a real 0 outside the picture */
  if (pack->kind == NET_LOW_BYTES)
    memset (h->outside, pack->zero, h->words * sizeof *h->outside);
}

/* Memory for packed weights. *kept: they are there from the last time; those
 * in bfloat16 that are initialisers stay when a network is prepared for other
 * shapes, as packing takes longer than all else of that. */
static uint32_t *
take_packed (walloc_net * net, const net_node * node, const net_pack * pack,
    size_t words, bool *kept)
{
  net_node *keeper = &net->nodes[node - net->nodes];

  *kept = false;
  if (pack->kind != NET_LOW_BF16 || net_constant_of (net, node->in[1]) == NULL)
    return net_plan_alloc (net, words, sizeof *keeper->packed);
  *kept = keeper->packed != NULL;
  if (!*kept)
    keeper->packed = walloc_mem_alloc (&net->mem, words,
        sizeof *keeper->packed);
  return keeper->packed;
}

walloc_result
net_conv_low_plan (walloc_net * net, const net_node * node,
    const net_conv_desc * d, const net_pack * pack, net_step * step,
    walloc_error * error)
{
  const net_conv *c = d->c;
  const net_phase *phase = c->phases;
  conv_low *h = net_plan_alloc (net, 1, sizeof *h);
  size_t padded = (c->ocg + NET_LOW_WIDTH - 1) / NET_LOW_WIDTH * NET_LOW_WIDTH;
  int64_t *sum = net_plan_alloc (net, padded, sizeof *sum);
  unsigned t, i;
  walloc_result r;
  bool kept;

  if (h == NULL || sum == NULL)
    return net_no_memory (node, error);
  h->c = c;
  h->isa = net_low_get (pack->kind, 0);
  if (!net->low_base && net_low_get (pack->kind, 1) != NULL)
    h->isa = net_low_get (pack->kind, 1);
  h->words = net_pack_words (pack, c->icg);
  h->scale = net_plan_alloc (net, padded, sizeof *h->scale);
  h->bias = net_plan_alloc (net, padded, sizeof *h->bias);
  h->outside = net_plan_alloc (net, h->words, sizeof *h->outside);
  if (h->scale == NULL || h->bias == NULL || h->outside == NULL)
    return net_no_memory (node, error);
  /* last, as nothing may fail before they are packed: the next time they would
   * be taken for what is there */
  h->w = take_packed (net, node, pack, padded * h->words * phase->taps, &kept);
  if (h->w == NULL)
    return net_no_memory (node, error);
  if (!kept)
    pack_weights (h, d, pack, &net->plan.quant[node->in[1]], sum);
  set_scales (h, d, pack, &net->plan.quant[node->in[0]],
      &net->plan.quant[node->in[1]], sum);
  for (t = 0; t < phase->taps; t++) {
    const int64_t at[2] = { phase->dy[t], phase->dx[t] };

    for (i = 0; i < 2; i++) {
      if (t == 0 || at[i] < h->low[i])
        h->low[i] = at[i];
      if (t == 0 || at[i] > h->high[i])
        h->high[i] = at[i];
    }
  }
  r = net_pack_input (net, node, net_unquantised (net, node->in[0]), pack,
      &step->in[0], error);
  if (r != WALLOC_OK)
    return r;
  step->n_in = 1;
  step->p = h;
  step->run = conv_low_run;
  step->makes_side = step->makes_planes = true;
  step->count = net_parts ((c->oh * c->ow + NET_MR - 1) / NET_MR,
      (uint64_t) c->icg * phase->taps * c->ocg * NET_MR / 24 + 1);
  return WALLOC_OK;
}
