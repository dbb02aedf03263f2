/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Softmax and normalisations: all about rows of a matrix. */
#include "net/kern-chain.h"
#include "net/op-chain.h"

#include <math.h>
#include <string.h>

typedef struct
{
  size_t rows, n;
  float epsilon;
  bool log;
} row_param;

static void
softmax_run (const net_step * step, const net_tensor * t, unsigned index)
{
  const row_param *p = step->p;
  const float *in = NET_F (t, step->in[0]);
  float *out = NET_F (t, step->out), max, sum;
  size_t row = p->rows * index / step->count, i;
  size_t end = p->rows * (index + 1) / step->count;

  for (; row < end; row++) {
    const float *x = in + row * p->n;
    float *y = out + row * p->n;

    max = net_kern_max (x, p->n);
    if (!(max > -INFINITY))
      max = 0.0f;
    if (p->log) {
      double s = 0.0;

      for (i = 0; i < p->n; i++)
        s += expf (x[i] - max);
      sum = max + logf ((float) s);
      if (x != y)
        memcpy (y, x, p->n * sizeof *x);
      net_kern_scalar (NET_C_SUB, y, sum, p->n);
      continue;
    }
    if (x != y)
      memcpy (y, x, p->n * sizeof *x);
    sum = net_kern_exp_sum (y, max, p->n);
    net_kern_scalar (NET_C_MUL, y, 1.0f / sum, p->n);
  }
}

static void
norm_run (const net_step * step, const net_tensor * t, unsigned index)
{
  const row_param *p = step->p;
  const float *in = NET_F (t, step->in[0]);
  float *out = NET_F (t, step->out), mean, scale;
  size_t row = p->rows * index / step->count, i;
  size_t end = p->rows * (index + 1) / step->count;

  for (; row < end; row++) {
    const float *x = in + row * p->n;
    float *y = out + row * p->n;

    mean = (float) (net_kern_sum (x, p->n) / (double) p->n);
    scale = (float) (1.0 / sqrt (net_kern_square_sum (x, mean, p->n)
            / (double) p->n + (double) p->epsilon));
    for (i = 0; i < p->n; i++)
      y[i] = (x[i] - mean) * scale;
  }
}

static walloc_result
emit_rows (walloc_net * net, const net_node * node, int in, int out,
    net_step_fn run, size_t n, float epsilon, bool log, walloc_error * error)
{
  net_step step = { 0 };
  row_param *p = net_plan_alloc (net, 1, sizeof *p);

  if (p == NULL)
    return net_no_memory (node, error);
  p->n = n;
  p->rows = net_t (net, in)->count / n;
  p->epsilon = epsilon;
  p->log = log;
  step.run = run;
  step.count = net_parts (p->rows, n * 8);
  step.in[0] = in;
  step.n_in = 1;
  step.out = out;
  step.in_place = true;
  step.p = p;
  return net_emit (net, node, &step, error);
}

/* A new tensor like t, not bound to a value. */
static int
like (walloc_net * net, int tensor)
{
  net_tensor t = *net_t (net, tensor);

  return net_tensor_new (net, NET_F32, t.rank, t.dims, t.cl, t.constant);
}

NET_PLAN (net_plan_softmax)
{
  int in = net_in (net, node, 0), out, moved;
  net_tensor t = *net_t (net, in);
  int64_t dims[NET_RANK], from[NET_RANK], to[NET_RANK], stride[NET_RANK];
  unsigned axis, i, n = 0;
  size_t len = 1;
  walloc_result r;

  if (!net_axis (net_attr_int (node, "axis", net->opset < 13 ? 1 : -1),
          t.rank, &axis) || t.type != NET_F32 || t.count == 0)
    return net_node_fail (node, error, WALLOC_ERR_MODEL,
        "no such axis, or no floats");
  if (net->opset >= 13 && t.cl && axis == 1) {
    r = net_output (net, node, 0, NET_F32, t.rank, t.dims, true, &out, error);
    return r != WALLOC_OK ? r : emit_rows (net, node, in, out, softmax_run,
        (size_t) t.dims[1], 0.0f, node->op->arg != 0, error);
  }
  r = net_layout (net, node, in, false, &in, error);
  if (r != WALLOC_OK)
    return r;
  t.cl = false;
  r = net_output (net, node, 0, NET_F32, t.rank, t.dims, false, &out, error);
  if (r != WALLOC_OK)
    return r;
  /* before opset 13 everything from the axis on is one row */
  if (net->opset < 13) {
    for (i = axis; i < t.rank; i++)
      len *= (size_t) t.dims[i];
    return emit_rows (net, node, in, out, softmax_run, len, 0.0f,
        node->op->arg != 0, error);
  }
  len = (size_t) t.dims[axis];
  if (axis == t.rank - 1)
    return emit_rows (net, node, in, out, softmax_run, len, 0.0f,
        node->op->arg != 0, error);
  net_strides (&t, from);
  for (i = 0; i < t.rank; i++) {
    if (i == axis)
      continue;
    dims[n] = t.dims[i];
    stride[n++] = from[i];
  }
  dims[n] = t.dims[axis];
  stride[n] = from[axis];
  moved = net_tensor_new (net, NET_F32, t.rank, dims, false, t.constant);
  if (moved < 0)
    return net_no_memory (node, error);
  net_strides (net_t (net, moved), to);
  r = net_emit_copy (net, node, in, moved, t.rank, dims, stride, 0, to, 0,
      error);
  if (r == WALLOC_OK) {
    i = (unsigned) like (net, moved);
    if ((int) i < 0)
      return net_no_memory (node, error);
    r = emit_rows (net, node, moved, (int) i, softmax_run, len, 0.0f,
        node->op->arg != 0, error);
    moved = (int) i;
  }
  if (r != WALLOC_OK)
    return r;
  return net_emit_copy (net, node, moved, out, t.rank, dims, to, 0, stride, 0,
      error);
}

/* n constant floats of input i, or NULL */
static const float *
channel_input (const walloc_net * net, const net_node * node, unsigned i,
    size_t n)
{
  int id = net_in (net, node, i);

  if (id < 0 || !net_t (net, id)->constant || net_t (net, id)->count != n
      || net_t (net, id)->type != NET_F32)
    return NULL;
  return NET_F (net->plan.tensors, id);
}

NET_PLAN (net_plan_batchnorm)
{
  int in = net_in (net, node, 0), out;
  net_tensor t = *net_t (net, in);
  size_t c = t.rank >= 2 ? (size_t) t.dims[1] : 0, i;
  const float *v[4];
  float epsilon = net_attr_float (node, "epsilon", 1e-5f), *mul, *add;
  walloc_result r;

  for (i = 0; i < 4; i++) {
    v[i] = channel_input (net, node, (unsigned) i + 1, c);
    if (v[i] == NULL || c == 0)
      return net_node_fail (node, error, WALLOC_ERR_MODEL,
          "input %zu must be one constant float per channel", i + 1);
  }
  if (net_attr_int (node, "training_mode", 0) != 0)
    return net_node_fail (node, error, WALLOC_ERR_UNSUPPORTED,
        "training mode is not supported");
  mul = net_plan_alloc (net, c, 2 * sizeof *mul);
  if (mul == NULL)
    return net_no_memory (node, error);
  add = mul + c;
  for (i = 0; i < c; i++) {
    mul[i] = (float) (v[0][i] / sqrt ((double) v[3][i] + (double) epsilon));
    add[i] = (float) (v[1][i] - (double) v[2][i] * (double) mul[i]);
  }
  r = net_emit_affine (net, node, in, net_owned (net, node, 0), mul, add,
      (unsigned) c, &out, error);
  if (r == WALLOC_OK)
    net_bind (net, node, 0, out);
  return r;
}

NET_PLAN (net_plan_instancenorm)
{
  int in, out;
  net_tensor t = *net_t (net, net_in (net, node, 0));
  size_t c = t.rank >= 3 ? (size_t) t.dims[1] : 0, i;
  const float *scale = channel_input (net, node, 1, c);
  const float *bias = channel_input (net, node, 2, c);
  bool plain = true;
  walloc_result r;

  if (c == 0 || scale == NULL || bias == NULL || t.count == 0)
    return net_node_fail (node, error, WALLOC_ERR_MODEL,
        "scale and bias must be one constant float per channel");
  r = net_layout (net, node, net_in (net, node, 0), false, &in, error);
  if (r != WALLOC_OK)
    return r;
  out = like (net, in);
  if (out < 0)
    return net_no_memory (node, error);
  r = emit_rows (net, node, in, out, norm_run,
      t.count / ((size_t) t.dims[0] * c),
      net_attr_float (node, "epsilon", 1e-5f), false, error);
  for (i = 0; i < c; i++)
    plain &= scale[i] == 1.0f && bias[i] == 0.0f;
  /* exported group norms have their own scale behind */
  if (r == WALLOC_OK && !plain)
    r = net_emit_affine (net, node, out, true, scale, bias, (unsigned) c,
        &out, error);
  if (r == WALLOC_OK)
    net_bind (net, node, 0, out);
  return r;
}

NET_PLAN (net_plan_layernorm)
{
  int in, out;
  net_tensor t = *net_t (net, net_in (net, node, 0));
  unsigned axis, i;
  size_t n = 1;
  walloc_result r;

  if (!net_axis (net_attr_int (node, "axis", -1), t.rank, &axis)
      || t.type != NET_F32 || t.count == 0)
    return net_node_fail (node, error, WALLOC_ERR_MODEL,
        "no such axis, or no floats");
  for (i = axis; i < t.rank; i++)
    n *= (size_t) t.dims[i];
  r = net_layout (net, node, net_in (net, node, 0), false, &in, error);
  if (r != WALLOC_OK)
    return r;
  out = like (net, in);
  if (out < 0)
    return net_no_memory (node, error);
  r = emit_rows (net, node, in, out, norm_run, n,
      net_attr_float (node, "epsilon", 1e-5f), false, error);
  for (i = 1; i < 3 && r == WALLOC_OK; i++) {
    if (net_in (net, node, i) < 0)
      continue;
    r = net_emit_binary (net, node, i == 1 ? NET_C_MUL : NET_C_ADD, out,
        true, net_in (net, node, i), net_owned (net, node, i), &out, error);
    if (r == WALLOC_OK && net_t (net, out)->count != t.count)
      return net_node_fail (node, error, WALLOC_ERR_MODEL,
          "scale and bias do not fit");
  }
  if (r == WALLOC_OK)
    net_bind (net, node, 0, out);
  return r;
}
