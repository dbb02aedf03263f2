/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Operators about shapes, and constants: no work at run time. */
#include "net/net-private.h"

#include <string.h>

NET_PLAN (net_plan_identity)
{
  net_tensor t = *net_t (net, net_in (net, node, 0));

  return net_alias (net, node, 0, net_in (net, node, 0), t.rank, t.dims, error);
}

/* Same values, new shape. */
static walloc_result
reshape_to (walloc_net * net, const net_node * node, unsigned rank,
    const int64_t * dims, walloc_error * error)
{
  int in = net_in (net, node, 0);
  walloc_result r = net_layout (net, node, in, false, &in, error);

  if (r != WALLOC_OK)
    return r;
  return net_alias (net, node, 0, in, rank, dims, error);
}

NET_PLAN (net_plan_reshape)
{
  net_tensor t = *net_t (net, net_in (net, node, 0));
  const int64_t *shape = NULL;
  int64_t dims[NET_RANK], rest = 1;
  bool zero_copies = net_attr_int (node, "allowzero", 0) == 0;
  int free_axis = -1;
  size_t n, i;

  if (!net_ints (net, net_in (net, node, 1), &shape, &n))
    return net_node_fail (node, error, WALLOC_ERR_UNSUPPORTED,
        "the shape must be constant");
  if (n > NET_RANK)
    return net_node_fail (node, error, WALLOC_ERR_UNSUPPORTED,
        "%zu dimensions, at most %d are supported", n, NET_RANK);
  for (i = 0; i < n; i++) {
    dims[i] = shape[i];
    if (shape[i] == 0 && zero_copies)
      dims[i] = i < t.rank ? t.dims[i] : -2;
    if (dims[i] == -1 && free_axis < 0) {
      free_axis = (int) i;
      continue;
    }
    if (dims[i] < 0 || dims[i] > INT32_MAX
        || (dims[i] > 0 && rest > INT64_MAX / dims[i]))
      return net_node_fail (node, error, WALLOC_ERR_MODEL, "impossible shape");
    rest *= dims[i];
  }
  if (free_axis >= 0) {
    if (rest == 0 || (int64_t) t.count % rest != 0)
      return net_node_fail (node, error, WALLOC_ERR_MODEL,
          "%zu values do not fit the shape", t.count);
    dims[free_axis] = (int64_t) t.count / rest;
  }
  return reshape_to (net, node, (unsigned) n, dims, error);
}

NET_PLAN (net_plan_flatten)
{
  net_tensor t = *net_t (net, net_in (net, node, 0));
  int64_t dims[2] = { 1, 1 }, axis = net_attr_int (node, "axis", 1);
  unsigned i;

  if (axis < 0)
    axis += t.rank;
  if (axis < 0 || axis > (int64_t) t.rank)
    return net_node_fail (node, error, WALLOC_ERR_MODEL, "no such axis");
  for (i = 0; i < t.rank; i++)
    dims[i >= axis] *= t.dims[i];
  return reshape_to (net, node, 2, dims, error);
}

/* Bits of the axes given as input 1 or as attribute. */
static bool
get_axes (const walloc_net * net, const net_node * node, unsigned rank,
    unsigned *mask, bool *given)
{
  const int64_t *axes = NULL;
  unsigned axis;
  size_t n, i;

  *mask = 0;
  if (net_in (net, node, 1) >= 0) {
    if (!net_ints (net, net_in (net, node, 1), &axes, &n))
      return false;
  } else {
    n = net_attr_ints (node, "axes", &axes);
  }
  *given = n > 0;
  for (i = 0; i < n; i++) {
    if (!net_axis (axes[i], rank, &axis) || (*mask >> axis & 1))
      return false;
    *mask |= 1u << axis;
  }
  return true;
}

NET_PLAN (net_plan_squeeze)
{
  net_tensor t = *net_t (net, net_in (net, node, 0));
  int64_t dims[NET_RANK];
  unsigned mask, i, n = 0;
  bool given;

  if (!get_axes (net, node, t.rank, &mask, &given))
    return net_node_fail (node, error, WALLOC_ERR_MODEL, "impossible axes");
  for (i = 0; i < t.rank; i++) {
    if (given ? !(mask >> i & 1) : t.dims[i] != 1)
      dims[n++] = t.dims[i];
    else if (t.dims[i] != 1)
      return net_node_fail (node, error, WALLOC_ERR_MODEL,
          "axis %u is not 1", i);
  }
  return reshape_to (net, node, n, dims, error);
}

NET_PLAN (net_plan_unsqueeze)
{
  net_tensor t = *net_t (net, net_in (net, node, 0));
  const int64_t *axes = NULL;
  int64_t dims[NET_RANK];
  unsigned mask, i, rank, n = 0;
  size_t n_axes = 0;
  bool given;

  if (net_in (net, node, 1) >= 0)
    net_ints (net, net_in (net, node, 1), &axes, &n_axes);
  else
    n_axes = net_attr_ints (node, "axes", &axes);
  if (n_axes == 0 || n_axes > NET_RANK - t.rank)
    return net_node_fail (node, error, WALLOC_ERR_MODEL, "impossible axes");
  rank = t.rank + (unsigned) n_axes;
  if (!get_axes (net, node, rank, &mask, &given))
    return net_node_fail (node, error, WALLOC_ERR_MODEL, "impossible axes");
  for (i = 0; i < rank; i++)
    dims[i] = mask >> i & 1 ? 1 : t.dims[n++];
  return reshape_to (net, node, rank, dims, error);
}

/* A constant made here rather than from inputs. */
static walloc_result
constant_output (walloc_net * net, const net_node * node, net_type type,
    unsigned rank, const int64_t * dims, void **data, walloc_error * error)
{
  int id = net_tensor_new (net, type, rank, dims, false, true);

  if (id < 0)
    return net_no_memory (node, error);
  if (node->out[0] >= 0)
    net->plan.of_value[node->out[0]] = id;
  *data = net_t (net, id)->data;
  return WALLOC_OK;
}

NET_PLAN (net_plan_shape)
{
  net_tensor t = *net_t (net, net_in (net, node, 0));
  int64_t start = net_attr_int (node, "start", 0);
  int64_t end = net_attr_int (node, "end", t.rank), n[1];
  void *data;
  walloc_result r;

  start = start < 0 ? start + t.rank : start;
  end = end < 0 ? end + t.rank : end;
  start = start < 0 ? 0 : start > (int64_t) t.rank ? (int64_t) t.rank : start;
  end = end < start ? start : end > (int64_t) t.rank ? (int64_t) t.rank : end;
  n[0] = end - start;
  r = constant_output (net, node, NET_I64, 1, n, &data, error);
  if (r == WALLOC_OK)
    memcpy (data, t.dims + start, (size_t) n[0] * sizeof *n);
  return r;
}

NET_PLAN (net_plan_constant)
{
  net_const c;
  int64_t n[1] = { 0 };
  const float *floats = NULL;
  const int64_t *ints = NULL;
  void *data;
  walloc_result r;

  if (net_attr_has (node, "value")) {
    r = net_attr_tensor (net, node, "value", &c, error);
    if (r != WALLOC_OK)
      return r;
    r = constant_output (net, node, c.type, c.rank, c.dims, &data, error);
    if (r == WALLOC_OK)
      memcpy (data, c.data, c.count * (c.type == NET_I64 ? 8 : 4));
    if (r == WALLOC_OK && node->out[0] >= 0)
      net_t (net, net->plan.of_value[node->out[0]])->data_type = c.data_type;
    return r;
  }
  if (net_attr_has (node, "value_float")) {
    r = constant_output (net, node, NET_F32, 0, n, &data, error);
    if (r == WALLOC_OK)
      *(float *) data = net_attr_float (node, "value_float", 0);
    return r;
  }
  if (net_attr_has (node, "value_int")) {
    r = constant_output (net, node, NET_I64, 0, n, &data, error);
    if (r == WALLOC_OK)
      *(int64_t *) data = net_attr_int (node, "value_int", 0);
    return r;
  }
  if (net_attr_has (node, "value_floats")) {
    n[0] = (int64_t) net_attr_floats (node, "value_floats", &floats);
    r = constant_output (net, node, NET_F32, 1, n, &data, error);
    if (r == WALLOC_OK && n[0] > 0)
      memcpy (data, floats, (size_t) n[0] * sizeof *floats);
    return r;
  }
  if (net_attr_has (node, "value_ints")) {
    n[0] = (int64_t) net_attr_ints (node, "value_ints", &ints);
    r = constant_output (net, node, NET_I64, 1, n, &data, error);
    if (r == WALLOC_OK && n[0] > 0)
      memcpy (data, ints, (size_t) n[0] * sizeof *ints);
    return r;
  }
  return net_node_fail (node, error, WALLOC_ERR_UNSUPPORTED,
      "no value of a supported kind");
}

NET_PLAN (net_plan_constant_of_shape)
{
  const int64_t *shape = NULL;
  net_const c = { 0 };
  size_t n, i, count;
  void *data;
  walloc_result r;

  if (!net_ints (net, net_in (net, node, 0), &shape, &n) || n > NET_RANK
      || !net_count ((unsigned) n, shape, &count))
    return net_node_fail (node, error, WALLOC_ERR_UNSUPPORTED,
        "the shape must be constant and possible");
  if (net_attr_has (node, "value")) {
    r = net_attr_tensor (net, node, "value", &c, error);
    if (r != WALLOC_OK)
      return r;
    if (c.count != 1)
      return net_node_fail (node, error, WALLOC_ERR_MODEL,
          "the value must be a single one");
  }
  r = constant_output (net, node, c.data == NULL ? NET_F32 : c.type,
      (unsigned) n, shape, &data, error);
  for (i = 0; r == WALLOC_OK && c.data != NULL && i < count; i++) {
    if (c.type == NET_I64)
      ((int64_t *) data)[i] = *(const int64_t *) c.data;
    else
      ((float *) data)[i] = *(const float *) c.data;
  }
  return r;
}

NET_PLAN (net_plan_range)
{
  const int64_t *v[3];
  size_t n;
  unsigned i;
  int64_t count[1];
  void *data;
  walloc_result r;

  for (i = 0; i < 3; i++) {
    if (!net_ints (net, net_in (net, node, i), &v[i], &n) || n != 1
        || *v[i] < INT32_MIN || *v[i] > INT32_MAX)
      return net_node_fail (node, error, WALLOC_ERR_UNSUPPORTED,
          "only constant integers are supported");
  }
  if (*v[2] == 0)
    return net_node_fail (node, error, WALLOC_ERR_MODEL, "the step is 0");
  count[0] = *v[2] > 0 ? (*v[1] - *v[0] + *v[2] - 1) / *v[2]
      : (*v[0] - *v[1] - *v[2] - 1) / -*v[2];
  if (count[0] < 0)
    count[0] = 0;
  r = constant_output (net, node, NET_I64, 1, count, &data, error);
  for (i = 0; r == WALLOC_OK && i < count[0]; i++)
    ((int64_t *) data)[i] = *v[0] + i * *v[2];
  return r;
}
