/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Elementwise operators: what they become, and integers folded on the spot. */
#include "net/op-chain.h"

#include <math.h>
#include <string.h>

/* a op b on the integers of shape arithmetic; wraps like unsigned. */
static bool
fold_int (net_chain_kind kind, int64_t a, int64_t b, int64_t * out)
{
  switch (kind) {
    case NET_C_ADD:
      *out = (int64_t) ((uint64_t) a + (uint64_t) b);
      return true;
    case NET_C_SUB:
      *out = (int64_t) ((uint64_t) a - (uint64_t) b);
      return true;
    case NET_C_MUL:
      *out = (int64_t) ((uint64_t) a * (uint64_t) b);
      return true;
    case NET_C_DIV:
      *out = b == 0 ? 0 : b == -1 ? (int64_t) (0 - (uint64_t) a) : a / b;
      return b != 0;
    case NET_C_MAX:
      *out = a > b ? a : b;
      return true;
    case NET_C_MIN:
      *out = a < b ? a : b;
      return true;
    case NET_C_EQUAL:
      *out = a == b;
      return true;
    case NET_C_LESS:
      *out = a < b;
      return true;
    case NET_C_GREATER:
      *out = a > b;
      return true;
    case NET_C_LESS_EQ:
      *out = a <= b;
      return true;
    case NET_C_GREATER_EQ:
      *out = a >= b;
      return true;
    default:
      return false;
  }
}

static bool
is_compare (net_chain_kind kind)
{
  return kind >= NET_C_EQUAL && kind <= NET_C_OR;
}

/* Position in t of the element i of the broadcast shape dims. */
static size_t
broadcast_index (const net_tensor * t, unsigned rank, const int64_t * dims,
    size_t i)
{
  size_t at = 0, step = 1;
  unsigned a;
  int64_t k;

  for (a = rank; a-- > 0;) {
    k = (int64_t) (i % (size_t) dims[a]);
    i /= (size_t) dims[a];
    if (a + t->rank < rank)
      continue;
    if (t->dims[a + t->rank - rank] != 1)
      at += (size_t) k *step;
    step *= (size_t) t->dims[a + t->rank - rank];
  }
  return at;
}

static walloc_result
binary_ints (walloc_net * net, const net_node * node, net_chain_kind kind,
    int a, int b, int *out, walloc_error * error)
{
  net_tensor x = *net_t (net, a), y = *net_t (net, b);
  const int64_t *p = NET_DATA (net->plan.tensors, a);
  const int64_t *q = NET_DATA (net->plan.tensors, b);
  int64_t dims[NET_RANK], v;
  unsigned rank = x.rank;
  size_t i;
  void *data;

  memcpy (dims, x.dims, sizeof dims);
  if (!net_broadcast (&rank, dims, &y))
    return net_node_fail (node, error, WALLOC_ERR_MODEL,
        "shapes of the inputs do not fit");
  *out = net_tensor_new (net, is_compare (kind) ? NET_BOOL : NET_I64, rank,
      dims, false, true);
  if (*out < 0)
    return net_no_memory (node, error);
  data = net_t (net, *out)->data;
  for (i = 0; i < net_t (net, *out)->count; i++) {
    if (!fold_int (kind, p[broadcast_index (&x, rank, dims, i)],
            q[broadcast_index (&y, rank, dims, i)], &v))
      return net_node_fail (node, error, WALLOC_ERR_UNSUPPORTED,
          "cannot be done on these integers");
    if (is_compare (kind))
      ((float *) data)[i] = (float) v;
    else
      ((int64_t *) data)[i] = v;
  }
  return WALLOC_OK;
}

/* Constant integers as floats: exponents and the like. */
static walloc_result
to_float (walloc_net * net, const net_node * node, int in, int *out,
    walloc_error * error)
{
  net_tensor t = *net_t (net, in);
  const int64_t *p = NET_DATA (net->plan.tensors, in);
  size_t i;

  *out = in;
  if (t.type != NET_I64)
    return WALLOC_OK;
  *out = net_tensor_new (net, NET_F32, t.rank, t.dims, t.cl, true);
  if (*out < 0)
    return net_no_memory (node, error);
  for (i = 0; i < t.count; i++)
    NET_F (net->plan.tensors, *out)[i] = (float) p[i];
  return WALLOC_OK;
}

static walloc_result
binary (walloc_net * net, const net_node * node, net_chain_kind kind, int a,
    bool a_owned, int b, bool b_owned, int *out, walloc_error * error)
{
  walloc_result r;

  if (net_t (net, a)->type == NET_I64 && net_t (net, b)->type == NET_I64)
    return binary_ints (net, node, kind, a, b, out, error);
  if (kind != NET_C_POW
      && (net_t (net, a)->type == NET_I64 || net_t (net, b)->type == NET_I64))
    return net_node_fail (node, error, WALLOC_ERR_MODEL,
        "inputs of different data types");
  r = to_float (net, node, a, &a, error);
  if (r == WALLOC_OK)
    r = to_float (net, node, b, &b, error);
  if (r == WALLOC_OK)
    r = net_emit_binary (net, node, kind, a, a_owned, b, b_owned, out, error);
  if (r == WALLOC_OK)
    net_t (net, *out)->type = is_compare (kind) ? NET_BOOL : NET_F32;
  return r;
}

NET_PLAN (net_plan_binary)
{
  int out;
  walloc_result r = binary (net, node, (net_chain_kind) node->op->arg,
      net_in (net, node, 0), net_owned (net, node, 0),
      net_in (net, node, 1), net_owned (net, node, 1), &out, error);

  if (r == WALLOC_OK)
    net_bind (net, node, 0, out);
  return r;
}

/* Max, Min, Sum, Mean of any number of inputs. */
NET_PLAN (net_plan_variadic)
{
  net_chain_kind kind = (net_chain_kind) node->op->arg;
  int at = net_in (net, node, 0);
  bool owned = net_owned (net, node, 0);
  unsigned i;
  walloc_result r = WALLOC_OK;

  for (i = 1; i < node->n_in && r == WALLOC_OK; i++) {
    if (net_in (net, node, i) < 0)
      return net_node_fail (node, error, WALLOC_ERR_MODEL,
          "input %u is missing", i);
    r = binary (net, node, kind, at, owned, net_in (net, node, i),
        net_owned (net, node, i), &at, error);
    owned = true;
  }
  if (node->n_in == 1)
    return net_plan_identity (net, node, error);
  if (r == WALLOC_OK && strcmp (node->op_name, "Mean") == 0) {
    int64_t one[1] = { 1 };
    int n = net_tensor_new (net, NET_F32, 0, one, false, true);

    if (n < 0)
      return net_no_memory (node, error);
    NET_F (net->plan.tensors, n)[0] = 1.0f / (float) node->n_in;
    r = binary (net, node, NET_C_MUL, at, true, n, false, &at, error);
  }
  if (r == WALLOC_OK)
    net_bind (net, node, 0, at);
  return r;
}

NET_PLAN (net_plan_unary)
{
  net_chain_kind kind = (net_chain_kind) node->op->arg;
  int in = net_in (net, node, 0), out;
  net_tensor t = *net_t (net, in);
  const int64_t *p;
  int64_t *q;
  size_t i;
  float a = 0.0f, b = 0.0f;
  walloc_result r;

  if (t.type == NET_I64) {
    if (kind != NET_C_NEG && kind != NET_C_ABS)
      return net_node_fail (node, error, WALLOC_ERR_UNSUPPORTED,
          "not supported on integers");
    r = net_output (net, node, 0, NET_I64, t.rank, t.dims, t.cl, &out, error);
    if (r != WALLOC_OK)
      return r;
    p = NET_DATA (net->plan.tensors, in);
    q = net_t (net, out)->data;
    for (i = 0; i < t.count; i++)
      q[i] = kind == NET_C_NEG || p[i] < 0 ? (int64_t) (0 - (uint64_t) p[i])
          : p[i];
    return WALLOC_OK;
  }
  if (kind == NET_C_LEAKY)
    a = net_attr_float (node, "alpha", 0.01f);
  else if (kind == NET_C_ELU)
    a = net_attr_float (node, "alpha", 1.0f);
  else if (kind == NET_C_HSIGMOID) {
    a = net_attr_float (node, "alpha", 0.2f);
    b = net_attr_float (node, "beta", 0.5f);
  }
  r = net_emit_unary (net, node, in, net_owned (net, node, 0), kind, a, b,
      &out, error);
  if (r == WALLOC_OK) {
    net_t (net, out)->type = kind == NET_C_NOT ? NET_BOOL : NET_F32;
    net_bind (net, node, 0, out);
  }
  return r;
}

/* A bound of Clip: input of one constant, or attribute. */
static walloc_result
clip_bound (walloc_net * net, const net_node * node, unsigned i,
    const char *name, float *bound, walloc_error * error)
{
  int t = net_in (net, node, i);

  *bound = net_attr_float (node, name, *bound);
  if (t < 0)
    return WALLOC_OK;
  if (!net_t (net, t)->constant || net_t (net, t)->count != 1
      || net_t (net, t)->type == NET_I64)
    return net_node_fail (node, error, WALLOC_ERR_UNSUPPORTED,
        "%s must be one constant float", name);
  *bound = NET_F (net->plan.tensors, t)[0];
  return WALLOC_OK;
}

NET_PLAN (net_plan_clip)
{
  int in = net_in (net, node, 0), out;
  float low = -INFINITY, high = INFINITY;
  walloc_result r = clip_bound (net, node, 1, "min", &low, error);

  if (r == WALLOC_OK)
    r = clip_bound (net, node, 2, "max", &high, error);
  if (r != WALLOC_OK)
    return r;
  if (net_t (net, in)->type == NET_I64)
    return net_node_fail (node, error, WALLOC_ERR_UNSUPPORTED,
        "not supported on integers");
  r = net_emit_unary (net, node, in, net_owned (net, node, 0), NET_C_CLIP,
      low, high, &out, error);
  if (r == WALLOC_OK)
    net_bind (net, node, 0, out);
  return r;
}

typedef struct
{
  size_t count;
} where_param;

static void
where_run (const net_step * step, const net_tensor * t, unsigned index)
{
  const where_param *p = step->p;
  const float *c = NET_F (t, step->in[0]), *x = NET_F (t, step->in[1]);
  const float *y = NET_F (t, step->in[2]);
  float *out = NET_F (t, step->out);
  size_t i = (size_t) ((uint64_t) p->count * index / step->count);
  size_t end = (size_t) ((uint64_t) p->count * (index + 1) / step->count);

  for (; i < end; i++)
    out[i] = c[i] != 0.0f ? x[i] : y[i];
}

static walloc_result
where_ints (walloc_net * net, const net_node * node, unsigned rank,
    const int64_t * dims, walloc_error * error)
{
  net_tensor t[3];
  const void *data[3];
  int64_t *q;
  size_t i, at;
  unsigned k;
  int out;
  walloc_result r;

  for (k = 0; k < 3; k++) {
    t[k] = *net_t (net, net_in (net, node, k));
    data[k] = NET_DATA (net->plan.tensors, net_in (net, node, k));
  }
  r = net_output (net, node, 0, NET_I64, rank, dims, false, &out, error);
  if (r != WALLOC_OK)
    return r;
  q = net_t (net, out)->data;
  for (i = 0; i < net_t (net, out)->count; i++) {
    at = broadcast_index (&t[0], rank, dims, i);
    k = ((const float *) data[0])[at] != 0.0f ? 1 : 2;
    q[i] = ((const int64_t *) data[k])[broadcast_index (&t[k], rank, dims, i)];
  }
  return WALLOC_OK;
}

NET_PLAN (net_plan_where)
{
  net_step step = { 0 };
  where_param *p = net_plan_alloc (net, 1, sizeof *p);
  int64_t dims[NET_RANK], from[NET_RANK], stride[NET_RANK], to[NET_RANK];
  unsigned rank = 0, i, k;
  net_tensor t, full;
  walloc_result r;
  int in, id;

  if (p == NULL)
    return net_no_memory (node, error);
  for (k = 0; k < 3; k++) {
    if (!net_broadcast (&rank, dims, net_t (net, net_in (net, node, k))))
      return net_node_fail (node, error, WALLOC_ERR_MODEL,
          "shapes of the inputs do not fit");
  }
  t = *net_t (net, net_in (net, node, 1));
  if (net_t (net, net_in (net, node, 0))->type == NET_I64
      || (t.type == NET_I64) !=
      (net_t (net, net_in (net, node, 2))->type == NET_I64))
    return net_node_fail (node, error, WALLOC_ERR_MODEL,
        "inputs of impossible data types");
  if (t.type == NET_I64)
    return where_ints (net, node, rank, dims, error);
  for (k = 0; k < 3; k++) {
    in = net_in (net, node, k);
    t = *net_t (net, in);
    id = net_tensor_new (net, t.type, rank, dims, false, t.constant);
    if (id < 0)
      return net_no_memory (node, error);
    full = *net_t (net, id);
    net_strides (&t, from);
    net_strides (&full, to);
    for (i = 0; i < rank; i++) {
      stride[i] = 0;
      if (i + t.rank >= rank && t.dims[i + t.rank - rank] != 1)
        stride[i] = from[i + t.rank - rank];
    }
    r = net_emit_copy (net, node, in, id, rank, dims, stride, 0, to, 0, error);
    if (r != WALLOC_OK)
      return r;
    step.in[k] = id;
  }
  r = net_output (net, node, 0, t.type, rank, dims, false, &step.out, error);
  if (r != WALLOC_OK)
    return r;
  p->count = net_t (net, step.out)->count;
  step.run = where_run;
  step.count = net_parts (p->count, 1);
  step.n_in = 3;
  step.p = p;
  return net_emit (net, node, &step, error);
}

NET_PLAN (net_plan_cast)
{
  int in = net_in (net, node, 0), out;
  net_tensor t = *net_t (net, in);
  bool known;
  net_type to = net_type_of ((int) net_attr_int (node, "to", 0), &known);
  const float *f;
  int64_t *q;
  size_t i;
  walloc_result r;

  if (!known)
    return net_node_fail (node, error, WALLOC_ERR_UNSUPPORTED,
        "data type %d is not supported", (int) net_attr_int (node, "to", 0));
  if (t.type == to || (t.type == NET_BOOL && to == NET_F32)) {
    r = net_plan_identity (net, node, error);
    if (r == WALLOC_OK && node->out[0] >= 0)
      net_t (net, net->plan.of_value[node->out[0]])->type = to;
    return r;
  }
  if (to == NET_I64) {
    r = net_output (net, node, 0, NET_I64, t.rank, t.dims, t.cl, &out, error);
    if (r != WALLOC_OK)
      return r;
    f = NET_F (net->plan.tensors, in);
    q = net_t (net, out)->data;
    for (i = 0; i < t.count; i++)
      q[i] = f[i] > -9e18f && f[i] < 9e18f ? (int64_t) f[i] : 0;
    return WALLOC_OK;
  }
  r = to_float (net, node, in, &out, error);
  if (r == WALLOC_OK && to == NET_BOOL) {
    r = net_emit_unary (net, node, out, net_owned (net, node, 0), NET_C_BOOL,
        0.0f, 0.0f, &out, error);
    if (r == WALLOC_OK)
      net_t (net, out)->type = NET_BOOL;
  }
  if (r == WALLOC_OK)
    net_bind (net, node, 0, out);
  return r;
}
