/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Planning Conv and ConvTranspose, with one or two spatial dimensions. */
#include "net/conv-low.h"
#include "net/conv-sparse.h"

#include <string.h>

#define MAX_TAPS 65536

/* Bias of every group, padded with zeros. */
static walloc_result
make_bias (walloc_net * net, const net_node * node, net_conv * c,
    walloc_error * error)
{
  size_t padded = c->depthwise ? 1 : net_conv_padded (c), g;
  int id = net_in (net, node, 2);
  const float *bias;

  c->bias = net_plan_alloc (net, c->groups * padded, sizeof (float));
  c->zero = net_plan_alloc (net, c->depthwise ? c->groups : c->icg,
      sizeof (float));
  if (c->bias == NULL || c->zero == NULL)
    return net_no_memory (node, error);
  if (id < 0)
    return WALLOC_OK;
  if (!net_t (net, id)->constant || net_t (net, id)->type != NET_F32
      || net_t (net, id)->count != c->groups * c->ocg)
    return net_node_fail (node, error, WALLOC_ERR_MODEL,
        "the bias must be %zu constant floats", c->groups * c->ocg);
  bias = NET_F (net->plan.tensors, id);
  for (g = 0; g < c->groups; g++)
    memcpy (c->bias + g * padded, bias + g * c->ocg, c->ocg * sizeof *bias);
  return WALLOC_OK;
}

static walloc_result
make_phases (walloc_net * net, const net_node * node, net_conv * c,
    const net_window * win, bool transposed, walloc_error * error)
{
  net_phase *phase;
  size_t s = 0, py, px, ky, kx;
  int64_t y, x;

  c->n_phases = transposed ? (unsigned) (win->stride[0] * win->stride[1]) : 1;
  c->phases = net_plan_alloc (net, c->n_phases, sizeof *c->phases);
  if (c->phases == NULL)
    return net_no_memory (node, error);
  for (s = 0; s < c->n_phases; s++) {
    phase = &c->phases[s];
    phase->dy = net_plan_alloc (net, win->taps, sizeof *phase->dy);
    phase->dx = net_plan_alloc (net, win->taps, sizeof *phase->dx);
    phase->kernel = net_plan_alloc (net, win->taps, sizeof *phase->kernel);
    if (phase->dy == NULL || phase->dx == NULL || phase->kernel == NULL)
      return net_no_memory (node, error);
    phase->oh = c->oh;
    phase->ow = c->ow;
    py = transposed ? s / (size_t) win->stride[1] : 0;
    px = transposed ? s % (size_t) win->stride[1] : 0;
    if (transposed) {
      phase->oy0 = py;
      phase->ox0 = px;
      phase->oh = c->oh > py ? (c->oh - py + c->osy - 1) / c->osy : 0;
      phase->ow = c->ow > px ? (c->ow - px + c->osx - 1) / c->osx : 0;
      if (phase->oh == 0 || phase->ow == 0)
        phase->oh = phase->ow = 0;
    }
    for (ky = 0; ky < (size_t) win->kernel[0]; ky++) {
      for (kx = 0; kx < (size_t) win->kernel[1]; kx++) {
        y = (int64_t) ky *win->dilation[0] - win->pad[0];
        x = (int64_t) kx *win->dilation[1] - win->pad[1];
        if (transposed) {
          /* output py + j * stride comes from input j + dy */
          y = (int64_t) py - y;
          x = (int64_t) px - x;
          if (y % win->stride[0] != 0 || x % win->stride[1] != 0)
            continue;
          y /= win->stride[0];
          x /= win->stride[1];
        }
        phase->dy[phase->taps] = y;
        phase->dx[phase->taps] = x;
        phase->kernel[phase->taps++] =
            (unsigned) (ky * (size_t) win->kernel[1] + kx);
      }
    }
  }
  return WALLOC_OK;
}

static walloc_result
make_weights (walloc_net * net, const net_node * node, net_conv * c,
    const float *w, size_t group_step, size_t k_step, size_t c_step,
    walloc_error * error)
{
  size_t size, g, t;
  unsigned s;

  for (s = 0; s < c->n_phases; s++) {
    net_phase *phase = &c->phases[s];

    size = c->depthwise ? phase->taps : net_conv_packed (c, phase->taps);
    phase->w = net_plan_alloc (net, c->groups, size * sizeof *w + 4);
    if (phase->w == NULL)
      return net_no_memory (node, error);
    for (g = 0; g < c->groups; g++) {
      if (!c->depthwise) {
        net_conv_pack (c, phase->kernel, phase->taps, w + g * group_step,
            k_step, c_step, phase->w + g * size);
        continue;
      }
      for (t = 0; t < phase->taps; t++)
        phase->w[t * c->groups + g] = w[g * group_step + phase->kernel[t]];
    }
  }
  return WALLOC_OK;
}

/* The checks that both operators share. */
static walloc_result
check_inputs (walloc_net * net, const net_node * node, const net_tensor * x,
    const net_tensor * w, bool transposed, int64_t groups, walloc_error * error)
{
  int64_t in = transposed ? w->dims[0] : w->dims[1] * groups;

  if ((x->rank != 3 && x->rank != 4) || x->type != NET_F32)
    return net_node_fail (node, error, WALLOC_ERR_UNSUPPORTED,
        "only floats with one or two spatial dimensions are supported");
  if (!w->constant || w->type != NET_F32)
    return net_node_fail (node, error, WALLOC_ERR_UNSUPPORTED,
        "the weights must be constant floats");
  if (w->rank != x->rank || w->count == 0 || x->count == 0)
    return net_node_fail (node, error, WALLOC_ERR_MODEL,
        "weights and input do not fit");
  if (groups < 1 || groups > w->dims[0] || w->dims[0] % groups != 0
      || in != x->dims[1])
    return net_node_fail (node, error, WALLOC_ERR_MODEL, "the input has "
        "%lld channels, the weights take %lld in %lld groups",
        (long long) x->dims[1], (long long) in, (long long) groups);
  return WALLOC_OK;
}

static walloc_result
plan_conv (walloc_net * net, const net_node * node, bool transposed,
    walloc_error * error)
{
  net_step step = { 0 };
  net_tensor x = *net_t (net, net_in (net, node, 0));
  net_tensor w = *net_t (net, net_in (net, node, 1));
  int64_t groups = net_attr_int (node, "group", 1), dims[NET_RANK];
  net_window win;
  net_conv *c = net_plan_alloc (net, 1, sizeof *c);
  const net_backend_table *table = net_backend_of (net);
  net_conv_desc desc = { c, &win, NULL, NULL };
  net_pack pack;
  const float *weights;
  size_t kk;
  walloc_result r;

  step.chain = net_plan_alloc (net, 1, sizeof *step.chain);
  if (c == NULL || step.chain == NULL)
    return net_no_memory (node, error);
  r = check_inputs (net, node, &x, &w, transposed, groups, error);
  if (r == WALLOC_OK)
    r = net_window_get (node, &x, w.dims + 2, transposed, &win, error);
  if (r != WALLOC_OK)
    return r;
  if (win.taps > MAX_TAPS || (transposed
          && win.stride[0] * win.stride[1] > 4096))
    return net_node_fail (node, error, WALLOC_ERR_LIMIT,
        "kernel or stride is too large");
  c->isa = net_gemm_get ((unsigned) net->isa);
  c->batch = (size_t) x.dims[0];
  c->ih = (size_t) win.in[0];
  c->iw = (size_t) win.in[1];
  c->oh = (size_t) win.out[0];
  c->ow = (size_t) win.out[1];
  c->pixel = (size_t) x.dims[1];
  c->groups = (size_t) groups;
  c->icg = (size_t) (x.dims[1] / groups);
  c->ocg = (size_t) (transposed ? w.dims[1] : w.dims[0] / groups);
  c->depthwise = !transposed && c->icg == 1 && c->ocg == 1 && groups > 1;
  c->osy = c->osx = c->isy = c->isx = 1;
  if (transposed) {
    c->osy = (size_t) win.stride[0];
    c->osx = (size_t) win.stride[1];
  } else {
    c->isy = (size_t) win.stride[0];
    c->isx = (size_t) win.stride[1];
  }
  c->linear = c->osy == 1 && c->osx == 1;
  memcpy (dims, x.dims, sizeof dims);
  dims[1] = (int64_t) (c->groups * c->ocg);
  memcpy (dims + 2, win.out + (x.rank == 3), (x.rank - 2) * sizeof *dims);
  r = net_output (net, node, 0, NET_F32, x.rank, dims, true, &step.out, error);
  if (r != WALLOC_OK)
    return r;
  if (!net_work_add (net, transposed ? x.count : net_t (net,
              step.out)->count, transposed ? c->ocg : c->icg, win.taps)
      || c->batch * c->groups > 1 << 20)
    return net_no_memory (node, error);
  r = make_bias (net, node, c, error);
  if (r == WALLOC_OK)
    r = make_phases (net, node, c, &win, transposed, error);
  if (r != WALLOC_OK)
    return r;
  kk = (size_t) (win.kernel[0] * win.kernel[1]);
  weights = NET_F (net->plan.tensors, net_in (net, node, 1));
  desc.weights = weights;
  if (net_in (net, node, 2) >= 0)
    desc.bias = NET_F (net->plan.tensors, net_in (net, node, 2));
  step.chain->cols = c->groups * c->ocg;
  if (!transposed && x.in_port >= 0 && net->inputs[x.in_port].by_rows) {
    step.in[0] = net_in (net, node, 0);
    r = net_conv_sparse_plan (net, node, c, weights, &step, error);
    return r == WALLOC_OK ? net_emit (net, node, &step, error) : r;
  }
  if (!transposed && net_conv_low_wanted (net, node, c, &win, &pack)) {
    r = net_conv_low_plan (net, node, &desc, &pack, &step, error);
    return r == WALLOC_OK ? net_emit (net, node, &step, error) : r;
  }
  r = net_layout (net, node, net_in (net, node, 0), true, &step.in[0], error);
  if (r != WALLOC_OK)
    return r;
  if (transposed)
    r = make_weights (net, node, c, weights, c->icg * c->ocg * kk,
        c->ocg * kk, kk, error);
  else
    r = make_weights (net, node, c, weights, c->icg * c->ocg * kk, kk,
        c->icg * kk, error);
  if (r != WALLOC_OK)
    return r;
  step.n_in = 1;
  step.p = c;
  net_conv_step (&step);
  if (table != NULL && !transposed)
    table->take_conv (net, &step, &desc);
  return net_emit (net, node, &step, error);
}

NET_PLAN (net_plan_conv)
{
  return plan_conv (net, node, false, error);
}

NET_PLAN (net_plan_conv_transpose)
{
  return plan_conv (net, node, true, error);
}
