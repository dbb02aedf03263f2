/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* MaxPool and AveragePool, channels last. */
#include "net/kern-chain.h"
#include "net/window.h"

#include <math.h>
#include <string.h>

typedef struct
{
  net_window win;
  size_t batch, channels;
  bool average, count_pad;
} pool_param;

/* Values that an average counts along dimension d at output position o. */
static int64_t
counted (const pool_param * p, unsigned d, int64_t o)
{
  const net_window *w = &p->win;
  int64_t k, at, n = 0;

  for (k = 0; k < w->kernel[d]; k++) {
    at = o * w->stride[d] + k * w->dilation[d] - w->pad[d];
    if (p->count_pad ? at < w->in[d] + w->pad_end[d]
        : at >= 0 && at < w->in[d])
      n++;
  }
  return n;
}

static void
pool_pixel (const pool_param * p, const float *image, int64_t oy, int64_t ox,
    float *out)
{
  const net_window *w = &p->win;
  size_t n = p->channels, c;
  int64_t ky, kx, y, x;

  for (c = 0; c < n; c++)
    out[c] = p->average ? 0.0f : -INFINITY;
  for (ky = 0; ky < w->kernel[0]; ky++) {
    y = oy * w->stride[0] + ky * w->dilation[0] - w->pad[0];
    if (y < 0 || y >= w->in[0])
      continue;
    for (kx = 0; kx < w->kernel[1]; kx++) {
      x = ox * w->stride[1] + kx * w->dilation[1] - w->pad[1];
      if (x < 0 || x >= w->in[1])
        continue;
      net_kern_binary (p->average ? NET_C_ADD : NET_C_MAX, out,
          image + (size_t) (y * w->in[1] + x) * n, n);
    }
  }
}

static void
pool_run (const net_step * step, const net_tensor * t, unsigned index)
{
  const pool_param *p = step->p;
  const net_window *w = &p->win;
  float *out = NET_F (t, step->out);
  size_t oh = (size_t) w->out[0], rows = p->batch * oh;
  size_t row = rows * index / step->count;
  size_t end = rows * (index + 1) / step->count;
  int64_t oy, ox, n;

  for (; row < end; row++) {
    const float *image = NET_F (t, step->in[0]) + row / oh
        * (size_t) (w->in[0] * w->in[1]) * p->channels;

    oy = (int64_t) (row % oh);
    for (ox = 0; ox < w->out[1]; ox++) {
      float *pixel = out + (row * (size_t) w->out[1] + (size_t) ox)
          * p->channels;

      pool_pixel (p, image, oy, ox, pixel);
      n = p->average ? counted (p, 0, oy) * counted (p, 1, ox) : 1;
      if (n > 1)
        net_kern_scalar (NET_C_MUL, pixel, 1.0f / (float) n, p->channels);
    }
  }
}

NET_PLAN (net_plan_pool)
{
  net_step step = { 0 };
  pool_param *p = net_plan_alloc (net, 1, sizeof *p);
  net_tensor t = *net_t (net, net_in (net, node, 0));
  int64_t dims[NET_RANK];
  walloc_result r;

  if (p == NULL)
    return net_no_memory (node, error);
  if ((t.rank != 3 && t.rank != 4) || t.type != NET_F32 || t.count == 0)
    return net_node_fail (node, error, WALLOC_ERR_UNSUPPORTED,
        "only floats with one or two spatial dimensions are supported");
  r = net_window_get (node, &t, NULL, false, &p->win, error);
  if (r != WALLOC_OK)
    return r;
  p->batch = (size_t) t.dims[0];
  p->channels = (size_t) t.dims[1];
  p->average = node->op->arg != 0;
  p->count_pad = net_attr_int (node, "count_include_pad", 0) != 0;
  memcpy (dims, t.dims, sizeof dims);
  memcpy (dims + 2, p->win.out + (t.rank == 3), (t.rank - 2) * sizeof *dims);
  r = net_output (net, node, 0, NET_F32, t.rank, dims, true, &step.out, error);
  if (r == WALLOC_OK)
    r = net_layout (net, node, net_in (net, node, 0), true, &step.in[0], error);
  if (r != WALLOC_OK)
    return r;
  if (!net_work_add (net, net_t (net, step.out)->count, p->win.taps, 1))
    return net_no_memory (node, error);
  step.run = pool_run;
  step.count = net_parts (p->batch * (size_t) p->win.out[0],
      (uint64_t) p->win.out[1] * p->channels * p->win.taps / 2 + 1);
  step.n_in = 1;
  step.p = p;
  return net_emit (net, node, &step, error);
}
