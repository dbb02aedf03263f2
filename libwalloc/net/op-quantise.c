/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* QuantizeLinear and DequantizeLinear. Nothing is rounded here: a pair of them
 * says that the value between may be a byte, and how. Convolutions in bytes
 * make use of that, all others read what the pair began with. Constant
 * integers become floats. */
#include "net/net-private.h"

#include <onnx.pb-c.h>
#include <math.h>
#include <string.h>

static bool
is_quantiser (const net_node * node)
{
  return node->op->plan == net_plan_quantise
      || node->op->plan == net_plan_dequantise;
}

int
net_unquantised (const walloc_net * net, int value)
{
  const net_node *node;

  while (net->values[value].producer >= 0) {
    node = &net->nodes[net->values[value].producer];
    if (!is_quantiser (node) || net->plan.quant[value].count == 0
        || net->plan.of_value[node->in[0]] < 0
        || net_t (net, net->plan.of_value[node->in[0]])->type == NET_I64)
      break;
    value = node->in[0];
  }
  return value;
}

void
net_count_readers (walloc_net * net)
{
  unsigned *readers = net->plan.readers, i, k;
  const net_node *node;

  for (i = 0; i < net->n_values; i++)
    readers[i] = net->values[i].is_output;
  /* from the last node back, so that what a quantiser's output counts is
   * known */
  for (i = net->n_nodes; i-- > 0;) {
    node = &net->nodes[i];
    for (k = 0; k < node->n_in; k++) {
      if (node->in[k] >= 0)
        readers[node->in[k]] += is_quantiser (node) && k == 0
            && node->out[0] >= 0 ? readers[node->out[0]] : 1;
    }
  }
}

/* Scales and zero points of node, whose input 0 (of the type and shape of x)
 * may have data_type: the file's type of x, or 0. */
static walloc_result
read_quant (walloc_net * net, const net_node * node, const net_tensor * x,
    int data_type, net_quant * q, walloc_error * error)
{
  int s = net_in (net, node, 1), z = net_in (net, node, 2);
  int64_t axis = net_attr_int (node, "axis", 1);
  const int64_t *zero = NULL;
  size_t i, zeros = 0;

  memset (q, 0, sizeof *q);
  if (!net_t (net, s)->constant || net_t (net, s)->type != NET_F32
      || net_t (net, s)->rank > 1 || net_t (net, s)->count == 0)
    return net_node_fail (node, error, WALLOC_ERR_UNSUPPORTED,
        "the scale must be a constant float, or one per channel");
  q->scale = NET_F (net->plan.tensors, s);
  q->count = net_t (net, s)->count;
  for (i = 0; i < q->count; i++) {
    if (!isfinite (q->scale[i]) || q->scale[i] <= 0.0f)
      return net_node_fail (node, error, WALLOC_ERR_MODEL,
          "scale %zu is not above 0", i);
  }
  if (q->count > 1 && (!net_axis (axis, x->rank, &q->axis)
          || (size_t) x->dims[q->axis] != q->count))
    return net_node_fail (node, error, WALLOC_ERR_MODEL,
        "%zu scales do not fit the input", q->count);
  if (z >= 0) {
    if (!net_ints (net, z, &zero, &zeros) || zeros != q->count)
      return net_node_fail (node, error, WALLOC_ERR_UNSUPPORTED,
          "the zero point must be constant integers, as many as scales");
    data_type = net_t (net, z)->data_type;
  }
  q->is_signed = data_type == ONNX__TENSOR_PROTO__DATA_TYPE__INT8;
  q->usable = data_type == 0 || q->is_signed
      || data_type == ONNX__TENSOR_PROTO__DATA_TYPE__UINT8;
  for (i = 0; i < zeros; i++) {
    if (q->usable && (zero[i] < (q->is_signed ? -128 : 0)
            || zero[i] > (q->is_signed ? 127 : 255)))
      return net_node_fail (node, error, WALLOC_ERR_MODEL,
          "zero point %lld is out of range", (long long) zero[i]);
    if (i == 0)
      q->zero = (int) zero[i];
    else if (zero[i] != q->zero)
      q->usable = false;
  }
  return WALLOC_OK;
}

static bool
same_quant (const net_quant * a, const net_quant * b)
{
  return a->count == b->count && a->axis == b->axis && a->zero == b->zero
      && a->is_signed == b->is_signed && a->usable == b->usable
      && memcmp (a->scale, b->scale, a->count * sizeof *a->scale) == 0;
}

/* Input 0 under the name of the output. */
static walloc_result
pass_on (walloc_net * net, const net_node * node, const net_quant * q,
    walloc_error * error)
{
  int in = net_in (net, node, 0);
  net_tensor t = *net_t (net, in);

  if (node->out[0] >= 0)
    net->plan.quant[node->out[0]] = *q;
  return net_alias (net, node, 0, in, t.rank, t.dims, error);
}

NET_PLAN (net_plan_quantise)
{
  net_tensor x = *net_t (net, net_in (net, node, 0));
  net_quant q;
  walloc_result r;

  if (x.type != NET_F32)
    return net_node_fail (node, error, WALLOC_ERR_UNSUPPORTED,
        "only floats can be quantised");
  r = read_quant (net, node, &x, 0, &q, error);
  if (r != WALLOC_OK)
    return r;
  q.integer = true;
  return pass_on (net, node, &q, error);
}

/* Constant integers as floats. */
static walloc_result
unpack (walloc_net * net, const net_node * node, const net_quant * q,
    walloc_error * error)
{
  int in = net_in (net, node, 0), z = net_in (net, node, 2), out;
  net_tensor t = *net_t (net, in);
  const int64_t *from = NET_DATA (net->plan.tensors, in);
  const int64_t *zero = z >= 0 ? NET_DATA (net->plan.tensors, z) : NULL;
  size_t i, k, inner = 1;
  unsigned a;
  float *to;
  walloc_result r;

  r = net_output (net, node, 0, NET_F32, t.rank, t.dims, false, &out, error);
  if (r != WALLOC_OK)
    return r;
  to = NET_F (net->plan.tensors, out);
  for (a = q->axis + 1; a < t.rank; a++)
    inner *= (size_t) t.dims[a];
  for (i = 0; i < t.count; i++) {
    k = q->count > 1 ? i / inner % q->count : 0;
    to[i] = (float) ((double) from[i] - (zero != NULL ? (double) zero[k] : 0))
        * q->scale[k];
  }
  if (node->out[0] >= 0)
    net->plan.quant[node->out[0]] = *q;
  return WALLOC_OK;
}

NET_PLAN (net_plan_dequantise)
{
  net_tensor x = *net_t (net, net_in (net, node, 0));
  const net_quant *before = &net->plan.quant[node->in[0]];
  net_quant q;
  walloc_result r = read_quant (net, node, &x, x.data_type, &q, error);

  if (r != WALLOC_OK)
    return r;
  if (x.type == NET_I64)
    return unpack (net, node, &q, error);
  if (!before->integer || !same_quant (before, &q))
    return net_node_fail (node, error, WALLOC_ERR_UNSUPPORTED,
        "the input must be constant integers or come from a QuantizeLinear "
        "with the same scale and zero point");
  return pass_on (net, node, &q, error);
}
