/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reduce*, GlobalAveragePool, GlobalMaxPool. */
#include "net/kern-chain.h"
#include "net/kern-reduce.h"
#include "net/op-chain.h"

#include <math.h>
#include <string.h>

typedef struct
{
  net_reduce_kind kind;
  size_t outer, mid, inner;     /* out[outer][inner] */
} reduce_param;

static float
finish_value (net_reduce_kind kind, double v, size_t n)
{
  if (kind == NET_R_MEAN)
    v /= (double) n;
  if (kind == NET_R_L2)
    v = sqrt (v);
  return (float) v;
}

static void
reduce_run (const net_step * step, const net_tensor * t, unsigned index)
{
  const reduce_param *p = step->p;
  const float *in = NET_F (t, step->in[0]), *x;
  float *out = NET_F (t, step->out);
  double sum[NET_COLUMNS];
  size_t groups = (p->inner + NET_COLUMNS - 1) / NET_COLUMNS;
  size_t jobs = p->outer * groups, job = jobs * index / step->count;
  size_t end = jobs * (index + 1) / step->count, c, n, k, o;

  for (; job < end; job++) {
    o = job / groups;
    c = job % groups * NET_COLUMNS;
    x = in + o * p->mid * p->inner + c;
    n = p->inner - c < NET_COLUMNS ? p->inner - c : NET_COLUMNS;
    if (p->inner == 1 && (p->kind == NET_R_SUM || p->kind == NET_R_MEAN))
      sum[0] = net_kern_sum (x, p->mid);
    else if (p->inner == 1 && p->kind == NET_R_MAX)
      sum[0] = net_kern_max (x, p->mid);
    else
      net_kern_columns (p->kind, x, p->mid, p->inner, n, sum);
    for (k = 0; k < n; k++)
      out[o * p->inner + c + k] = finish_value (p->kind, sum[k], p->mid);
  }
}

/* Reduced axes moved to the end, in a copy. */
static walloc_result
axes_last (walloc_net * net, const net_node * node, int in, unsigned mask,
    int *out, walloc_error * error)
{
  net_tensor t = *net_t (net, in);
  int64_t dims[NET_RANK], from[NET_RANK], stride[NET_RANK], to[NET_RANK];
  unsigned i, n = 0, pass;

  net_strides (&t, from);
  for (pass = 0; pass < 2; pass++) {
    for (i = 0; i < t.rank; i++) {
      if ((mask >> i & 1) != pass)
        continue;
      dims[n] = t.dims[i];
      stride[n++] = from[i];
    }
  }
  *out = net_tensor_new (net, t.type, t.rank, dims, false, t.constant);
  if (*out < 0)
    return net_no_memory (node, error);
  net_strides (net_t (net, *out), to);
  return net_emit_copy (net, node, in, *out, t.rank, dims, stride, 0, to, 0,
      error);
}

static walloc_result
emit_reduce (walloc_net * net, const net_node * node, net_reduce_kind kind,
    unsigned mask, bool keep, walloc_error * error)
{
  net_step step = { 0 };
  reduce_param *p = net_plan_alloc (net, 1, sizeof *p);
  int in = net_in (net, node, 0);
  net_tensor t = *net_t (net, in);
  int64_t dims[NET_RANK];
  unsigned i, n = 0, spatial = ((1u << t.rank) - 1) & ~3u, phase = 0;
  bool mixed = false;
  walloc_result r;

  if (p == NULL)
    return net_no_memory (node, error);
  if (t.type == NET_I64 || t.count == 0)
    return net_node_fail (node, error, WALLOC_ERR_UNSUPPORTED,
        "only floats are supported");
  p->kind = kind;
  p->outer = p->mid = p->inner = 1;
  for (i = 0; i < t.rank; i++) {
    if (!(mask >> i & 1))
      dims[n++] = t.dims[i];
    else if (keep)
      dims[n++] = 1;
  }
  if (t.cl && mask == spatial) {
    p->outer = (size_t) t.dims[0];
    p->inner = (size_t) t.dims[1];
    p->mid = t.count / (p->outer * p->inner);
  } else if (t.cl && mask == 2) {
    p->mid = (size_t) t.dims[1];
    p->outer = t.count / p->mid;
  } else {
    r = net_layout (net, node, in, false, &in, error);
    if (r != WALLOC_OK)
      return r;
    for (i = 0; i < t.rank; i++) {
      if (t.dims[i] == 1)
        continue;
      if (mask >> i & 1) {
        mixed |= phase == 2;
        phase = 1;
        p->mid *= (size_t) t.dims[i];
      } else if (phase == 0) {
        p->outer *= (size_t) t.dims[i];
      } else {
        phase = 2;
        p->inner *= (size_t) t.dims[i];
      }
    }
    if (mixed) {
      p->outer *= p->inner;
      p->inner = 1;
      r = axes_last (net, node, in, mask, &in, error);
      if (r != WALLOC_OK)
        return r;
    }
  }
  r = net_output (net, node, 0, NET_F32, n, dims, false, &step.out, error);
  if (r != WALLOC_OK)
    return r;
  if (!net_work_add (net, t.count / 4 + 1, 1, 1))
    return net_no_memory (node, error);
  step.run = reduce_run;
  step.count = net_parts (p->outer * ((p->inner + NET_COLUMNS - 1)
          / NET_COLUMNS), p->mid * (p->inner < NET_COLUMNS ? p->inner
          : NET_COLUMNS));
  step.in[0] = in;
  step.n_in = 1;
  step.p = p;
  return net_emit (net, node, &step, error);
}

NET_PLAN (net_plan_reduce)
{
  net_tensor t = *net_t (net, net_in (net, node, 0));
  const int64_t *axes = NULL;
  size_t n, i;
  unsigned mask = 0, axis;

  if (net_in (net, node, 1) >= 0) {
    if (!net_ints (net, net_in (net, node, 1), &axes, &n))
      return net_node_fail (node, error, WALLOC_ERR_UNSUPPORTED,
          "the axes must be constant");
  } else {
    n = net_attr_ints (node, "axes", &axes);
  }
  for (i = 0; i < n; i++) {
    if (!net_axis (axes[i], t.rank, &axis))
      return net_node_fail (node, error, WALLOC_ERR_MODEL, "no such axis");
    mask |= 1u << axis;
  }
  if (n == 0) {
    if (net_attr_int (node, "noop_with_empty_axes", 0) != 0)
      return net_plan_identity (net, node, error);
    mask = (1u << t.rank) - 1;
  }
  return emit_reduce (net, node, (net_reduce_kind) node->op->arg, mask,
      net_attr_int (node, "keepdims", 1) != 0, error);
}

NET_PLAN (net_plan_global_pool)
{
  net_tensor t = *net_t (net, net_in (net, node, 0));

  if (t.rank < 3)
    return net_node_fail (node, error, WALLOC_ERR_MODEL,
        "the input has no spatial dimensions");
  return emit_reduce (net, node, (net_reduce_kind) node->op->arg,
      ((1u << t.rank) - 1) & ~3u, true, error);
}
