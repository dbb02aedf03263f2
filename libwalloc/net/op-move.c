/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The strided copy, and operators that are nothing else: Transpose, Concat,
 * Split, Slice, Expand, DepthToSpace, SpaceToDepth. */
#include "net/net-private.h"

#include <string.h>

typedef struct
{
  unsigned rank;                /* outer axes, then n1, n0 */
  int64_t n[NET_RANK], in[NET_RANK], out[NET_RANK];
  int64_t in_offset, out_offset;
  uint64_t rows;                /* outer * n1 */
  unsigned size;
} copy_param;

#define TILE 16

static void
copy_block (const copy_param * p, const char *in, char *out, int64_t rows)
{
  int64_t n0 = p->n[p->rank - 1], is0 = p->in[p->rank - 1];
  int64_t is1 = p->in[p->rank - 2], os0 = p->out[p->rank - 1];
  int64_t os1 = p->out[p->rank - 2], r, c, r1, c1, i, k;

  if (is0 == 1 && os0 == 1) {
    for (r = 0; r < rows; r++)
      memcpy (out + r * os1 * p->size, in + r * is1 * p->size,
          (size_t) n0 * p->size);
    return;
  }
  for (r = 0; r < rows; r += TILE) {
    r1 = r + TILE < rows ? r + TILE : rows;
    for (c = 0; c < n0; c += TILE) {
      c1 = c + TILE < n0 ? c + TILE : n0;
      if (p->size == 4) {
        for (i = r; i < r1; i++) {
          const float *from = (const float *) in + i * is1;
          float *to = (float *) out + i * os1;

          for (k = c; k < c1; k++)
            to[k * os0] = from[k * is0];
        }
      } else {
        for (i = r; i < r1; i++) {
          for (k = c; k < c1; k++)
            memcpy (out + (i * os1 + k * os0) * 8,
                in + (i * is1 + k * is0) * 8, 8);
        }
      }
    }
  }
}

static void
copy_run (const net_step * step, const net_tensor * t, unsigned index)
{
  const copy_param *p = step->p;
  const char *in = NET_DATA (t, step->in[0]);
  char *out = NET_DATA (t, step->out);
  uint64_t row = p->rows * index / step->count;
  uint64_t end = p->rows * (index + 1) / step->count, left, span;
  int64_t from, to, n1 = p->n[p->rank - 2], at;
  unsigned a;

  while (row < end) {
    at = (int64_t) (row % (uint64_t) n1);
    left = row / (uint64_t) n1;
    from = p->in_offset + at * p->in[p->rank - 2];
    to = p->out_offset + at * p->out[p->rank - 2];
    for (a = p->rank - 2; a-- > 0;) {
      from += (int64_t) (left % (uint64_t) p->n[a]) * p->in[a];
      to += (int64_t) (left % (uint64_t) p->n[a]) * p->out[a];
      left /= (uint64_t) p->n[a];
    }
    span = (uint64_t) (n1 - at) < end - row ? (uint64_t) (n1 - at)
        : end - row;
    copy_block (p, in + from * p->size, out + to * p->size, (int64_t) span);
    row += span;
  }
}

static void
swap_axes (copy_param * p, unsigned a, unsigned b)
{
  int64_t n = p->n[a], in = p->in[a], out = p->out[a];

  p->n[a] = p->n[b];
  p->in[a] = p->in[b];
  p->out[a] = p->out[b];
  p->n[b] = n;
  p->in[b] = in;
  p->out[b] = out;
}

/* Fewest axes, output order outside in, and the axis along which the input
 * is contiguous next to the innermost. */
static void
simplify (copy_param * p)
{
  unsigned i, k, n = 0;

  for (i = 0; i < p->rank; i++) {
    if (p->n[i] == 1)
      continue;
    p->n[n] = p->n[i];
    p->in[n] = p->in[i];
    p->out[n++] = p->out[i];
  }
  for (i = 1; i < n; i++) {
    for (k = i; k > 0 && p->out[k] > p->out[k - 1]; k--)
      swap_axes (p, k, k - 1);
  }
  for (i = n; i-- > 1;) {
    if (p->in[i - 1] != p->in[i] * p->n[i]
        || p->out[i - 1] != p->out[i] * p->n[i])
      continue;
    p->n[i - 1] *= p->n[i];
    p->in[i - 1] = p->in[i];
    p->out[i - 1] = p->out[i];
    for (k = i; k + 1 < n; k++)
      swap_axes (p, k, k + 1);
    n--;
  }
  while (n < 2) {
    p->n[n] = 1;
    p->in[n] = p->out[n] = 0;
    n++;
    if (n > 1)
      swap_axes (p, n - 1, n - 2);
  }
  p->rank = n;
  for (i = 0; i + 2 < n && p->in[n - 1] != 1; i++) {
    if (p->in[i] == 1) {
      swap_axes (p, i, n - 2);
      break;
    }
  }
}

walloc_result
net_emit_copy (walloc_net * net, const net_node * node, int in, int out,
    unsigned rank, const int64_t * dims, const int64_t * in_stride,
    int64_t in_offset, const int64_t * out_stride, int64_t out_offset,
    walloc_error * error)
{
  net_step step = { 0 };
  copy_param *p = net_plan_alloc (net, 1, sizeof *p);
  unsigned i;
  size_t count;

  if (p == NULL)
    return net_no_memory (node, error);
  if (!net_count (rank, dims, &count))
    return net_node_fail (node, error, WALLOC_ERR_MODEL, "impossible size");
  if (count == 0)
    return WALLOC_OK;
  p->rank = rank;
  for (i = 0; i < rank; i++) {
    p->n[i] = dims[i];
    p->in[i] = in_stride[i];
    p->out[i] = out_stride[i];
  }
  p->in_offset = in_offset;
  p->out_offset = out_offset;
  p->size = net_t (net, out)->type == NET_I64 ? 8 : 4;
  simplify (p);
  p->rows = 1;
  for (i = 0; i + 1 < p->rank; i++)
    p->rows *= (uint64_t) p->n[i];
  step.run = copy_run;
  step.count = net_parts (p->rows, (uint64_t) p->n[p->rank - 1]);
  step.in[0] = in;
  step.n_in = 1;
  step.out = out;
  step.p = p;
  return net_emit (net, node, &step, error);
}

NET_PLAN (net_plan_transpose)
{
  int in = net_in (net, node, 0), out;
  net_tensor t = *net_t (net, in);
  const int64_t *perm = NULL;
  int64_t dims[NET_RANK], from[NET_RANK], stride[NET_RANK], to[NET_RANK];
  size_t n = net_attr_ints (node, "perm", &perm);
  unsigned i, axis, seen = 0;
  walloc_result r;

  if (n != 0 && n != t.rank)
    return net_node_fail (node, error, WALLOC_ERR_MODEL, "perm has %zu axes, "
        "the input %u", n, t.rank);
  net_strides (&t, from);
  for (i = 0; i < t.rank; i++) {
    axis = t.rank - 1 - i;
    if (n != 0 && !net_axis (perm[i], t.rank, &axis))
      axis = NET_RANK;
    if (axis >= t.rank || (seen >> axis & 1))
      return net_node_fail (node, error, WALLOC_ERR_MODEL,
          "perm is no permutation");
    seen |= 1u << axis;
    dims[i] = t.dims[axis];
    stride[i] = from[axis];
  }
  r = net_output (net, node, 0, t.type, t.rank, dims, false, &out, error);
  if (r != WALLOC_OK)
    return r;
  net_strides (net_t (net, out), to);
  return net_emit_copy (net, node, in, out, t.rank, dims, stride, 0, to, 0,
      error);
}

NET_PLAN (net_plan_concat)
{
  net_tensor first = *net_t (net, net_in (net, node, 0)), t;
  int64_t dims[NET_RANK], from[NET_RANK], to[NET_RANK], at = 0;
  unsigned i, k, axis;
  bool cl = false;
  int out;
  walloc_result r;

  if (!net_attr_has (node, "axis")
      || !net_axis (net_attr_int (node, "axis", 0), first.rank, &axis))
    return net_node_fail (node, error, WALLOC_ERR_MODEL,
        "axis is missing or outside of %u dimensions", first.rank);
  memcpy (dims, first.dims, sizeof dims);
  dims[axis] = 0;
  for (i = 0; i < node->n_in; i++) {
    if (net_in (net, node, i) < 0)
      return net_node_fail (node, error, WALLOC_ERR_MODEL,
          "input %u is missing", i);
    t = *net_t (net, net_in (net, node, i));
    cl |= t.cl;
    for (k = 0; k < first.rank && t.rank == first.rank; k++) {
      if (k != axis && t.dims[k] != first.dims[k])
        break;
    }
    if (t.rank != first.rank || k < first.rank || t.type != first.type)
      return net_node_fail (node, error, WALLOC_ERR_MODEL,
          "input %u does not fit input 0", i);
    dims[axis] += t.dims[axis];
  }
  r = net_output (net, node, 0, first.type, first.rank, dims, cl, &out, error);
  if (r != WALLOC_OK)
    return r;
  net_strides (net_t (net, out), to);
  for (i = 0; i < node->n_in && r == WALLOC_OK; i++) {
    t = *net_t (net, net_in (net, node, i));
    net_strides (&t, from);
    r = net_emit_copy (net, node, net_in (net, node, i), out, t.rank, t.dims,
        from, 0, to, at * to[axis], error);
    at += t.dims[axis];
  }
  return r;
}

NET_PLAN (net_plan_split)
{
  int in = net_in (net, node, 0), out;
  net_tensor t = *net_t (net, in);
  const int64_t *sizes = NULL;
  int64_t dims[NET_RANK], from[NET_RANK], to[NET_RANK], at = 0, each, size;
  size_t n = net_attr_ints (node, "split", &sizes);
  unsigned i, axis;
  walloc_result r;

  if (!net_axis (net_attr_int (node, "axis", 0), t.rank, &axis))
    return net_node_fail (node, error, WALLOC_ERR_MODEL, "no such axis");
  if (net_in (net, node, 1) >= 0
      && !net_ints (net, net_in (net, node, 1), &sizes, &n))
    return net_node_fail (node, error, WALLOC_ERR_UNSUPPORTED,
        "sizes must be constant");
  if (n != 0 && n != node->n_out)
    return net_node_fail (node, error, WALLOC_ERR_MODEL,
        "%zu sizes for %u outputs", n, node->n_out);
  each = (t.dims[axis] + node->n_out - 1) / node->n_out;
  net_strides (&t, from);
  memcpy (dims, t.dims, sizeof dims);
  for (i = 0; i < node->n_out; i++) {
    size = n != 0 ? sizes[i]
        : t.dims[axis] - at < each ? t.dims[axis] - at : each;
    if (size < 0 || size > t.dims[axis] - at)
      return net_node_fail (node, error, WALLOC_ERR_MODEL,
          "sizes do not add up");
    dims[axis] = size;
    if (node->out[i] >= 0) {
      r = net_output (net, node, i, t.type, t.rank, dims, t.cl, &out, error);
      if (r != WALLOC_OK)
        return r;
      net_strides (net_t (net, out), to);
      r = net_emit_copy (net, node, in, out, t.rank, dims, from,
          at * from[axis], to, 0, error);
      if (r != WALLOC_OK)
        return r;
    }
    at += size;
  }
  if (at != t.dims[axis])
    return net_node_fail (node, error, WALLOC_ERR_MODEL, "sizes do not add up");
  return WALLOC_OK;
}

/* starts, ends, axes, steps as inputs (opset 10) or attributes */
static bool
slice_list (const walloc_net * net, const net_node * node, unsigned input,
    const char *name, const int64_t ** data, size_t *n)
{
  *n = 0;
  if (net_in (net, node, input) >= 0)
    return net_ints (net, net_in (net, node, input), data, n);
  if (net->opset < 10)
    *n = net_attr_ints (node, name, data);
  return true;
}

NET_PLAN (net_plan_slice)
{
  int in = net_in (net, node, 0), out;
  net_tensor t = *net_t (net, in);
  const int64_t *starts = NULL, *ends = NULL, *axes = NULL, *steps = NULL;
  size_t n, n_ends, n_axes, n_steps, i;
  int64_t dims[NET_RANK], from[NET_RANK], to[NET_RANK], offset = 0;
  int64_t start, end, step, size;
  unsigned axis, seen = 0;
  walloc_result r;

  if (!slice_list (net, node, 1, "starts", &starts, &n)
      || !slice_list (net, node, 2, "ends", &ends, &n_ends)
      || !slice_list (net, node, 3, "axes", &axes, &n_axes)
      || !slice_list (net, node, 4, "steps", &steps, &n_steps))
    return net_node_fail (node, error, WALLOC_ERR_UNSUPPORTED,
        "bounds must be constant");
  if (n != n_ends || (n_axes != 0 && n_axes != n)
      || (n_steps != 0 && n_steps != n) || n > t.rank)
    return net_node_fail (node, error, WALLOC_ERR_MODEL,
        "bounds of different length");
  memcpy (dims, t.dims, sizeof dims);
  net_strides (&t, from);
  for (i = 0; i < n; i++) {
    step = n_steps != 0 ? steps[i] : 1;
    if (!net_axis (n_axes != 0 ? axes[i] : (int64_t) i, t.rank, &axis)
        || (seen >> axis & 1) || step == 0 || step < -INT32_MAX
        || step > INT32_MAX)
      return net_node_fail (node, error, WALLOC_ERR_MODEL,
          "impossible axis or step");
    seen |= 1u << axis;
    size = t.dims[axis];
    /* clamp first: bounds are often the ends of the range of int64 */
    start = starts[i] < -size ? -size - 1 : starts[i] > size ? size : starts[i];
    end = ends[i] < -size ? -size - 1 : ends[i] > size ? size : ends[i];
    if (start < 0)
      start += size;
    if (end < 0)
      end += size;
    if (step > 0) {
      start = start < 0 ? 0 : start;
      end = end < 0 ? 0 : end;
      dims[axis] = end > start ? (end - start + step - 1) / step : 0;
    } else {
      start = start < 0 ? -1 : start > size - 1 ? size - 1 : start;
      end = end < -1 ? -1 : end;
      dims[axis] = start > end ? (start - end - step - 1) / -step : 0;
    }
    if (dims[axis] > 0)
      offset += start * from[axis];
    from[axis] *= step;
  }
  r = net_output (net, node, 0, t.type, t.rank, dims, t.cl, &out, error);
  if (r != WALLOC_OK)
    return r;
  net_strides (net_t (net, out), to);
  return net_emit_copy (net, node, in, out, t.rank, dims, from, offset, to, 0,
      error);
}

NET_PLAN (net_plan_expand)
{
  int in = net_in (net, node, 0), out;
  net_tensor t;
  const int64_t *shape = NULL;
  int64_t dims[NET_RANK], from[NET_RANK], stride[NET_RANK], to[NET_RANK];
  unsigned rank, i;
  size_t n;
  walloc_result r;

  if (!net_ints (net, net_in (net, node, 1), &shape, &n) || n > NET_RANK)
    return net_node_fail (node, error, WALLOC_ERR_UNSUPPORTED,
        "the shape must be constant, of at most %d dimensions", NET_RANK);
  memcpy (dims, shape, n * sizeof *dims);
  rank = (unsigned) n;
  if (!net_broadcast (&rank, dims, net_t (net, in)))
    return net_node_fail (node, error, WALLOC_ERR_MODEL,
        "the input does not expand to this shape");
  if (rank != net_t (net, in)->rank) {
    r = net_layout (net, node, in, false, &in, error);
    if (r != WALLOC_OK)
      return r;
  }
  t = *net_t (net, in);
  r = net_output (net, node, 0, t.type, rank, dims, t.cl, &out, error);
  if (r != WALLOC_OK)
    return r;
  net_strides (&t, from);
  for (i = 0; i < rank; i++) {
    stride[i] = 0;
    if (i + t.rank >= rank && t.dims[i + t.rank - rank] != 1)
      stride[i] = from[i + t.rank - rank];
  }
  net_strides (net_t (net, out), to);
  return net_emit_copy (net, node, in, out, rank, dims, stride, 0, to, 0,
      error);
}

NET_PLAN (net_plan_depth_to_space)
{
  int in = net_in (net, node, 0), out;
  net_tensor t = *net_t (net, in);
  bool to_depth = strcmp (node->op_name, "SpaceToDepth") == 0;
  bool crd = net_attr_is (node, "mode", "CRD");
  int64_t b = net_attr_int (node, "blocksize", 0), c, big[4];
  int64_t dims[6], deep[6], wide[6], d[NET_RANK], w[NET_RANK];
  walloc_result r;

  if (t.rank != 4 || b < 1 || b > 4096)
    return net_node_fail (node, error, WALLOC_ERR_MODEL,
        "needs 4 dimensions and a block size");
  memcpy (big, t.dims, sizeof big);
  if (to_depth ? t.dims[2] % b || t.dims[3] % b : t.dims[1] % (b * b))
    return net_node_fail (node, error, WALLOC_ERR_MODEL,
        "the size is no multiple of the block size");
  big[1] = to_depth ? big[1] * b * b : big[1] / (b * b);
  big[2] = to_depth ? big[2] / b : big[2] * b;
  big[3] = to_depth ? big[3] / b : big[3] * b;
  r = net_output (net, node, 0, t.type, 4, big, t.cl, &out, error);
  if (r != WALLOC_OK)
    return r;
  /* axes n, c, block row, block column, y, x in both tensors */
  net_strides (net_t (net, to_depth ? out : in), d);
  net_strides (net_t (net, to_depth ? in : out), w);
  c = to_depth ? t.dims[1] : big[1];
  dims[0] = t.dims[0];
  dims[1] = c;
  dims[2] = dims[3] = b;
  dims[4] = to_depth ? big[2] : t.dims[2];
  dims[5] = to_depth ? big[3] : t.dims[3];
  deep[0] = d[0];
  deep[1] = crd ? d[1] * b * b : d[1];
  deep[2] = crd ? d[1] * b : d[1] * c * b;
  deep[3] = crd ? d[1] : d[1] * c;
  deep[4] = d[2];
  deep[5] = d[3];
  wide[0] = w[0];
  wide[1] = w[1];
  wide[2] = w[2];
  wide[3] = w[3];
  wide[4] = w[2] * b;
  wide[5] = w[3] * b;
  return net_emit_copy (net, node, in, out, 6, dims, to_depth ? wide : deep,
      0, to_depth ? deep : wide, 0, error);
}
