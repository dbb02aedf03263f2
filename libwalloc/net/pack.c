/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Packed inputs of convolutions in fewer bits; see conv-low.h. */
#include "net/conv-low.h"

#include <string.h>

/* pixels that are packed at a time: some cache lines of every plane */
#define RUN 64

typedef struct
{
  net_pack pack;
  size_t channels, pixels;
} pack_param;

size_t
net_pack_words (const net_pack * pack, size_t channels)
{
  return pack->kind == NET_LOW_BYTES ? (channels + 3) / 4 : (channels + 1) / 2;
}

void
net_pack_rows (const net_pack * pack, const float *x, size_t ld, size_t row,
    size_t col, unsigned rows, size_t cols, bool last, uint32_t * words)
{
  size_t end = col + cols, fill;
  unsigned r;

  for (r = 0; r < rows; r++) {
    uint32_t *pixel = words + (row + r) * pack->words;

    if (pack->kind == NET_LOW_BYTES) {
      net_kern_to_bytes (x + r * ld, cols, pack->inverse, (float) pack->zero,
          (uint8_t *) pixel + col);
      fill = pack->words * 4 - end;
      if (last && fill > 0)
        memset ((uint8_t *) pixel + end, 0, fill);
    } else {
      net_kern_to_bf16 (x + r * ld, cols, (uint16_t *) pixel + col);
      fill = pack->words * 2 - end;
      if (last && fill > 0)
        memset ((uint16_t *) pixel + end, 0, fill * 2);
    }
  }
}

/* n <= RUN pixels of every plane, which are stride floats apart. */
static void
pack_planes (const pack_param * p, const float *in, size_t stride, size_t n,
    uint32_t * words)
{
  const bool bytes = p->pack.kind == NET_LOW_BYTES;
  const size_t per = bytes ? 4 : 2;
  uint8_t b[RUN * 4];
  uint16_t h[RUN * 2];
  size_t k, i, part;

  for (k = 0; k < p->pack.words; k++) {
    uint32_t *to = words + k;

    for (part = 0; part < per; part++) {
      const float *x = in + (k * per + part) * stride;

      if (k * per + part >= p->channels)
        memset (bytes ? (void *) (b + part * RUN) : h + part * RUN, 0,
            bytes ? RUN : 2 * RUN);
      else if (bytes)
        net_kern_to_bytes (x, n, p->pack.inverse, (float) p->pack.zero,
            b + part * RUN);
      else
        net_kern_to_bf16 (x, n, h + part * RUN);
    }
    for (i = 0; i < n; i++) {
      if (bytes) {
        const uint8_t word[4] =
            { b[i], b[RUN + i], b[2 * RUN + i], b[3 * RUN + i] };

        memcpy (to + i * p->pack.words, word, 4);
      } else {
        const uint16_t word[2] = { h[i], h[RUN + i] };

        memcpy (to + i * p->pack.words, word, 4);
      }
    }
  }
}

static void
pack_run (const net_step * step, const net_tensor * t, unsigned index)
{
  const pack_param *p = step->p;
  const net_tensor *x = &t[step->in[0]];
  const float *in = NET_F (t, step->in[0]);
  uint32_t *words = NET_DATA (t, step->out);
  size_t runs = (p->pixels + RUN - 1) / RUN, n, first;
  size_t k = runs * index / step->count;
  size_t end = runs * (index + 1) / step->count;

  for (; k < end; k++) {
    first = k * RUN;
    n = p->pixels - first < RUN ? p->pixels - first : RUN;
    if (x->cl)
      net_pack_rows (&p->pack, in + first * p->channels, p->channels, first,
          0, (unsigned) n, p->channels, true, words);
    else
      pack_planes (p, in + first, p->pixels, n, words + first * p->pack.words);
  }
}

static bool
same_pack (const net_pack * a, const net_pack * b)
{
  return a->kind == b->kind && a->inverse == b->inverse && a->zero == b->zero;
}

/* One more reads x packed; when all do, its floats need not be written. */
static void
count_reader (walloc_net * net, int x, int value)
{
  net_tensor *t = net_t (net, x);

  t->pack_readers++;
  if (t->pack_step >= 0 && t->pack_readers == net->plan.readers[value])
    net->plan.steps[t->pack_step].side_only = true;
}

walloc_result
net_pack_input (walloc_net * net, const net_node * node, int value,
    const net_pack * pack, int *out, walloc_error * error)
{
  net_plan *plan = &net->plan;
  int x = plan->of_value[value], s = plan->producer[x];
  net_tensor t = *net_t (net, x);
  pack_param *p = net_plan_alloc (net, 1, sizeof *p);
  net_step step = { 0 };
  int64_t dims[2];

  if (p == NULL)
    return net_no_memory (node, error);
  p->pack = *pack;
  p->channels = (size_t) t.dims[1];
  p->pixels = t.count / p->channels;
  p->pack.words = net_pack_words (pack, p->channels);
  if (t.packed > 0 && same_pack (&t.pack, &p->pack)) {
    count_reader (net, x, value);
    *out = t.packed;
    return WALLOC_OK;
  }
  dims[0] = (int64_t) p->pixels;
  dims[1] = (int64_t) p->pack.words;
  *out = net_tensor_new (net, NET_F32, 2, dims, false, false);
  if (*out < 0)
    return net_no_memory (node, error);
  if (s >= 0 && plan->steps[s].makes_side && plan->steps[s].side == 0
      && plan->steps[s].out == x) {
    plan->steps[s].side = *out;
    plan->steps[s].side_pack = p->pack;
    /* what is packed is the value as it is now */
    plan->producer[x] = -1;
    net_t (net, x)->packed = *out;
    net_t (net, x)->pack = p->pack;
    net_t (net, x)->pack_step = s;
    count_reader (net, x, value);
    return WALLOC_OK;
  }
  if (t.packed == 0) {
    net_t (net, x)->packed = *out;
    net_t (net, x)->pack = p->pack;
    net_t (net, x)->pack_step = -1;
  }
  step.run = pack_run;
  step.p = p;
  step.in[0] = x;
  step.n_in = 1;
  step.out = *out;
  step.count = net_parts ((p->pixels + RUN - 1) / RUN,
      (uint64_t) RUN * p->channels);
  return net_emit (net, node, &step, error);
}
