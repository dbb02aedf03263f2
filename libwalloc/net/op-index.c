/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Copies through tables of positions, one table per axis: Gather, Pad and
 * nearest Resize; and weighted sums along an axis for smooth Resize. */
#include "net/kern-chain.h"

#include <math.h>
#include <string.h>

/* Places of the last axis that follow each other in the input, too. */
typedef struct
{
  size_t n;
  int64_t at;                   /* offset in the input, -1: fill */
} index_piece;

typedef struct
{
  unsigned rank;                /* axes that have a table */
  size_t n[NET_RANK];
  int64_t *map[NET_RANK];       /* offset in the input, -1: fill */
  index_piece *pieces;          /* the last table again */
  size_t n_pieces;
  size_t inner;                 /* values copied as they are */
  size_t rows;                  /* product of n but the last */
  unsigned size;
  uint64_t fill;                /* bits */
} index_param;

static void
fill_values (const index_param * p, size_t n, char *out)
{
  size_t i;

  for (i = 0; i < n * p->inner; i++)
    memcpy (out + i * p->size, &p->fill, p->size);
}

static void
index_run (const net_step * step, const net_tensor * t, unsigned index)
{
  const index_param *p = step->p;
  const char *in = NET_DATA (t, step->in[0]);
  char *out = NET_DATA (t, step->out);
  size_t row = p->rows * index / step->count, left, i;
  size_t end = p->rows * (index + 1) / step->count;
  size_t bytes = p->inner * p->size, last = p->n[p->rank - 1];
  const index_piece *piece;
  int64_t base, at;
  unsigned a;

  out += row * last * bytes;
  for (; row < end; row++) {
    base = 0;
    left = row;
    for (a = p->rank - 1; a-- > 0;) {
      at = p->map[a][left % p->n[a]];
      left /= p->n[a];
      base = at < 0 || base < 0 ? -1 : base + at;
    }
    for (i = 0; i < p->n_pieces; i++) {
      piece = &p->pieces[i];
      if (base < 0 || piece->at < 0)
        fill_values (p, piece->n, out);
      else if (piece->n * bytes == 4)
        memcpy (out, in + (base + piece->at) * 4, 4);
      else
        memcpy (out, in + (base + piece->at) * p->size, piece->n * bytes);
      out += piece->n * bytes;
    }
  }
}

/* False: no memory. */
static bool
find_pieces (walloc_net * net, index_param * p)
{
  const size_t last = p->n[p->rank - 1];
  const int64_t *map = p->map[p->rank - 1];
  index_piece *piece = NULL;
  size_t i;

  p->pieces = net_plan_alloc (net, last, sizeof *p->pieces);
  if (p->pieces == NULL)
    return false;
  for (i = 0; i < last; i++) {
    if (piece != NULL && (map[i] < 0 ? piece->at < 0 : piece->at >= 0
            && map[i] == piece->at + (int64_t) (piece->n * p->inner))) {
      piece->n++;
      continue;
    }
    piece = &p->pieces[p->n_pieces++];
    piece->n = 1;
    piece->at = map[i];
  }
  return true;
}

/* Memory order of t's axes, outermost first. */
static void
axis_order (const net_tensor * t, unsigned *order)
{
  unsigned i, n = 0;

  for (i = 0; i < t->rank; i++) {
    if (!t->cl || i != 1)
      order[n++] = i;
  }
  if (t->cl)
    order[n] = 1;
}

/* Emits the copy; index[axis] lists the input position of every output
 * position along axis (NULL: all as they are). */
static walloc_result
emit_index (walloc_net * net, const net_node * node, int in, int out,
    int64_t * const *index, uint64_t fill, walloc_error * error)
{
  net_step step = { 0 };
  index_param *p = net_plan_alloc (net, 1, sizeof *p);
  net_tensor t = *net_t (net, in), o = *net_t (net, out);
  int64_t stride[NET_RANK];
  unsigned order[NET_RANK], i, k;
  size_t n;

  if (p == NULL)
    return net_no_memory (node, error);
  if (o.count == 0)
    return WALLOC_OK;
  net_strides (&t, stride);
  axis_order (&o, order);
  p->inner = 1;
  p->size = t.type == NET_I64 ? 8 : 4;
  p->fill = fill;
  k = o.rank;
  while (k > 1 && index[order[k - 1]] == NULL)
    p->inner *= (size_t) o.dims[order[--k]];
  p->rank = k;
  p->rows = 1;
  for (i = 0; i < k; i++) {
    p->n[i] = (size_t) o.dims[order[i]];
    p->map[i] = net_plan_alloc (net, p->n[i], sizeof (int64_t));
    if (p->map[i] == NULL)
      return net_no_memory (node, error);
    for (n = 0; n < p->n[i]; n++) {
      p->map[i][n] = index[order[i]] == NULL ? (int64_t) n : index[order[i]][n];
      if (p->map[i][n] >= 0)
        p->map[i][n] *= stride[order[i]];
    }
    if (i + 1 < k)
      p->rows *= p->n[i];
  }
  if (!find_pieces (net, p))
    return net_no_memory (node, error);
  step.run = index_run;
  step.count = net_parts (p->rows, p->n[k - 1] * p->inner);
  step.in[0] = in;
  step.n_in = 1;
  step.out = out;
  step.p = p;
  return net_emit (net, node, &step, error);
}

NET_PLAN (net_plan_gather)
{
  int in, out;
  net_tensor t, x;
  const int64_t *list = NULL;
  int64_t dims[NET_RANK], flat[3], *index[3] = { NULL, NULL, NULL };
  unsigned axis, i, n = 0;
  size_t count, k;
  int from, to;
  walloc_result r = net_layout (net, node, net_in (net, node, 0), false, &in,
      error);

  if (r != WALLOC_OK)
    return r;
  t = *net_t (net, in);
  x = *net_t (net, net_in (net, node, 1));
  if (!net_ints (net, net_in (net, node, 1), &list, &count))
    return net_node_fail (node, error, WALLOC_ERR_UNSUPPORTED,
        "the indices must be constant");
  if (!net_axis (net_attr_int (node, "axis", 0), t.rank, &axis)
      || t.rank + x.rank > NET_RANK + 1)
    return net_node_fail (node, error, WALLOC_ERR_MODEL,
        "no such axis, or too many dimensions");
  flat[0] = flat[2] = 1;
  for (i = 0; i < axis; i++)
    flat[0] *= dims[n++] = t.dims[i];
  for (i = 0; i < x.rank; i++)
    dims[n++] = x.dims[i];
  for (i = axis + 1; i < t.rank; i++)
    flat[2] *= dims[n++] = t.dims[i];
  r = net_output (net, node, 0, t.type, n, dims, false, &out, error);
  if (r != WALLOC_OK)
    return r;
  index[1] = net_plan_alloc (net, count + 1, sizeof (int64_t));
  if (index[1] == NULL)
    return net_no_memory (node, error);
  for (k = 0; k < count; k++) {
    index[1][k] = list[k] < 0 ? list[k] + t.dims[axis] : list[k];
    if (index[1][k] < 0 || index[1][k] >= t.dims[axis])
      return net_node_fail (node, error, WALLOC_ERR_MODEL,
          "index %lld is outside", (long long) list[k]);
  }
  /* the copy sees both as [before][axis][behind], in views */
  flat[1] = t.dims[axis];
  r = net_view (net, node, in, 3, flat, &from, error);
  flat[1] = (int64_t) count;
  if (r == WALLOC_OK)
    r = net_view (net, node, out, 3, flat, &to, error);
  if (r != WALLOC_OK)
    return r;
  return emit_index (net, node, from, to, index, 0, error);
}

/* Where position i of a padded axis of n comes from. */
static int64_t
pad_source (int64_t i, int64_t n, bool reflect, bool edge)
{
  int64_t period;

  if (i >= 0 && i < n)
    return i;
  if (edge)
    return i < 0 ? 0 : n - 1;
  if (!reflect)
    return -1;
  if (n == 1)
    return 0;
  period = 2 * (n - 1);
  i %= period;
  if (i < 0)
    i += period;
  return i < n ? i : period - i;
}

NET_PLAN (net_plan_pad)
{
  int in = net_in (net, node, 0), value = net_in (net, node, 2), out;
  net_tensor t = *net_t (net, in);
  const int64_t *pads = NULL;
  int64_t dims[NET_RANK], *index[NET_RANK] = { NULL }, k;
  bool reflect = net_attr_is (node, "mode", "reflect");
  bool edge = net_attr_is (node, "mode", "edge");
  uint64_t fill = 0;
  float v = net_attr_float (node, "value", 0.0f);
  unsigned i;
  size_t n;
  walloc_result r;

  if (net_in (net, node, 1) >= 0) {
    if (!net_ints (net, net_in (net, node, 1), &pads, &n))
      return net_node_fail (node, error, WALLOC_ERR_UNSUPPORTED,
          "pads must be constant");
  } else {
    n = net_attr_ints (node, "pads", &pads);
  }
  if (n != 2 * t.rank || t.count == 0 || t.rank == 0 || net_in (net, node, 3)
      >= 0)
    return net_node_fail (node, error, WALLOC_ERR_MODEL,
        "%zu pads for %u dimensions", n, t.rank);
  if (!reflect && !edge && net_attr_has (node, "mode")
      && !net_attr_is (node, "mode", "constant"))
    return net_node_fail (node, error, WALLOC_ERR_UNSUPPORTED,
        "mode is not supported");
  memcpy (&fill, &v, sizeof v);
  if (value >= 0 && net_t (net, value)->count > 0) {
    if (!net_t (net, value)->constant || net_t (net, value)->type != t.type)
      return net_node_fail (node, error, WALLOC_ERR_UNSUPPORTED,
          "the value must be constant");
    memcpy (&fill, NET_DATA (net->plan.tensors, value),
        t.type == NET_I64 ? 8 : 4);
  }
  for (i = 0; i < t.rank; i++) {
    if (pads[i] < -t.dims[i] || pads[i + t.rank] < -t.dims[i]
        || pads[i] > INT32_MAX || pads[i + t.rank] > INT32_MAX)
      return net_node_fail (node, error, WALLOC_ERR_MODEL, "impossible pads");
    dims[i] = t.dims[i] + pads[i] + pads[i + t.rank];
  }
  r = net_output (net, node, 0, t.type, t.rank, dims, t.cl, &out, error);
  if (r != WALLOC_OK)
    return r;
  for (i = 0; i < t.rank; i++) {
    if (pads[i] == 0 && pads[i + t.rank] == 0)
      continue;
    index[i] = net_plan_alloc (net, (size_t) dims[i] + 1, sizeof (int64_t));
    if (index[i] == NULL)
      return net_no_memory (node, error);
    for (k = 0; k < dims[i]; k++)
      index[i][k] = pad_source (k - pads[i], t.dims[i], reflect, edge);
  }
  return emit_index (net, node, in, out, index, fill, error);
}

typedef struct
{
  size_t outer, n_in, n_out, inner;
  unsigned taps;                /* 2 or 4 */
  size_t *from;                 /* [n_out][taps] */
  float *weight;
} mix_param;

static void
mix_run (const net_step * step, const net_tensor * t, unsigned index)
{
  const mix_param *p = step->p;
  size_t rows = p->outer * p->n_out, row = rows * index / step->count;
  size_t end = rows * (index + 1) / step->count, o;
  float *out = NET_F (t, step->out) + row * p->inner;
  const float *in;
  unsigned k;

  for (; row < end; row++, out += p->inner) {
    const size_t *from = p->from + row % p->n_out * p->taps;
    const float *w = p->weight + row % p->n_out * p->taps;

    o = row / p->n_out;
    in = NET_F (t, step->in[0]) + o * p->n_in * p->inner;
    net_kern_mix (out, in + from[0] * p->inner, w[0], in + from[1] * p->inner,
        w[1], p->inner);
    for (k = 2; k < p->taps; k++)
      net_kern_mix (out, out, 1.0f, in + from[k] * p->inner, w[k], p->inner);
  }
}

/* Everything that says where an output position lies in the input. */
typedef struct
{
  bool align, asymmetric, torch, half;
  bool cubic, exclude;
  float cubic_a;
  bool floor, ceil, prefer_ceil;
} resize_mode;

static double
source_position (const resize_mode * m, int64_t i, double scale, int64_t n,
    int64_t out)
{
  if (m->align)
    return out > 1 ? (double) i *(double) (n - 1) / (double) (out - 1) : 0.0;
  if (m->asymmetric)
    return (double) i / scale;
  if (m->torch && out == 1)
    return 0.0;
  return ((double) i + 0.5) / scale - 0.5;
}

static int64_t
clamp_index (double v, int64_t n)
{
  return v < 0.0 ? 0 : v > (double) (n - 1) ? n - 1 : (int64_t) v;
}

static int64_t
nearest_index (const resize_mode * m, double x, int64_t n)
{
  double v;

  if (m->floor)
    v = floor (x);
  else if (m->ceil)
    v = ceil (x);
  else if (m->prefer_ceil)
    v = floor (x + 0.5);
  else
    v = ceil (x - 0.5);
  return clamp_index (v, n);
}

static double
cubic_weight (double a, double d)
{
  d = fabs (d);
  if (d <= 1.0)
    return ((a + 2.0) * d - (a + 3.0)) * d * d + 1.0;
  if (d < 2.0)
    return ((d - 5.0) * d + 8.0) * d * a - 4.0 * a;
  return 0.0;
}

/* One axis resized smoothly, in memory of [outer][axis][inner]. */
static walloc_result
emit_mix (walloc_net * net, const net_node * node, const resize_mode * m,
    int in, int out, unsigned axis, double scale, walloc_error * error)
{
  net_step step = { 0 };
  mix_param *p = net_plan_alloc (net, 1, sizeof *p);
  net_tensor t = *net_t (net, in);
  int64_t n = t.dims[axis], to = net_t (net, out)->dims[axis], i;
  unsigned order[NET_RANK], k, at = 0;
  double x, base;

  if (p == NULL)
    return net_no_memory (node, error);
  p->taps = m->cubic ? 4 : 2;
  p->n_in = (size_t) n;
  p->n_out = (size_t) to;
  p->outer = p->inner = 1;
  axis_order (&t, order);
  while (order[at] != axis)
    p->outer *= (size_t) t.dims[order[at++]];
  while (++at < t.rank)
    p->inner *= (size_t) t.dims[order[at]];
  p->from = net_plan_alloc (net, p->n_out * p->taps, sizeof *p->from);
  p->weight = net_plan_alloc (net, p->n_out * p->taps, sizeof *p->weight);
  if (p->from == NULL || p->weight == NULL)
    return net_no_memory (node, error);
  for (i = 0; i < to; i++) {
    x = source_position (m, i, scale, n, to);
    if (!m->cubic)
      x = x < 0.0 ? 0.0 : x > (double) (n - 1) ? (double) (n - 1) : x;
    base = floor (x) - (m->cubic ? 1.0 : 0.0);
    for (k = 0; k < p->taps; k++) {
      p->from[(size_t) i * p->taps + k] = (size_t) clamp_index (base + k, n);
      p->weight[(size_t) i * p->taps + k] = (float) (m->cubic ?
          cubic_weight ((double) m->cubic_a, base + k - x)
          : k == 0 ? 1.0 - (x - base) : x - base);
    }
  }
  step.run = mix_run;
  step.count = net_parts (p->outer * p->n_out, p->inner * p->taps);
  step.in[0] = in;
  step.n_in = 1;
  step.out = out;
  step.p = p;
  return net_emit (net, node, &step, error);
}

/* Output size and scale of every axis. */
static walloc_result
resize_sizes (walloc_net * net, const net_node * node, const net_tensor * t,
    int64_t * dims, double *scales, walloc_error * error)
{
  int sizes = net_in (net, node, 3);
  int list = net_in (net, node, net->opset < 11 ? 1 : 2);
  const int64_t *v = NULL;
  const float *s;
  size_t n;
  unsigned i;

  if (sizes >= 0 && net_t (net, sizes)->count > 0) {
    if (!net_ints (net, sizes, &v, &n) || n != t->rank)
      return net_node_fail (node, error, WALLOC_ERR_UNSUPPORTED,
          "sizes must be %u constants", t->rank);
    for (i = 0; i < t->rank; i++) {
      dims[i] = v[i];
      scales[i] = (double) v[i] / (double) t->dims[i];
    }
  } else {
    if (list < 0 || !net_t (net, list)->constant
        || net_t (net, list)->type != NET_F32
        || net_t (net, list)->count != t->rank)
      return net_node_fail (node, error, WALLOC_ERR_UNSUPPORTED,
          "scales must be %u constants", t->rank);
    s = NET_F (net->plan.tensors, list);
    for (i = 0; i < t->rank; i++) {
      scales[i] = (double) s[i];
      if (!(scales[i] > 0.0) || scales[i] * (double) t->dims[i] > INT32_MAX)
        return net_node_fail (node, error, WALLOC_ERR_MODEL,
            "impossible scale");
      dims[i] = (int64_t) floor (scales[i] * (double) t->dims[i]);
    }
  }
  for (i = 0; i < t->rank; i++) {
    if (dims[i] < 1 || dims[i] > INT32_MAX)
      return net_node_fail (node, error, WALLOC_ERR_MODEL, "impossible size");
  }
  return WALLOC_OK;
}

static bool
resize_get_mode (const walloc_net * net, const net_node * node, resize_mode * m)
{
  const char *c = "coordinate_transformation_mode";

  memset (m, 0, sizeof *m);
  m->align = net_attr_is (node, c, "align_corners");
  m->asymmetric = net->opset < 11 || net_attr_is (node, c, "asymmetric");
  m->torch = net_attr_is (node, c, "pytorch_half_pixel");
  m->cubic = net_attr_is (node, "mode", "cubic");
  m->cubic_a = net_attr_float (node, "cubic_coeff_a", -0.75f);
  m->floor = net->opset < 11 || net_attr_is (node, "nearest_mode", "floor");
  m->ceil = net_attr_is (node, "nearest_mode", "ceil");
  m->prefer_ceil = net_attr_is (node, "nearest_mode", "round_prefer_ceil");
  return (m->align || m->asymmetric || m->torch || !net_attr_has (node, c)
      || net_attr_is (node, c, "half_pixel"))
      && net_attr_int (node, "exclude_outside", 0) == 0
      && net_attr_int (node, "antialias", 0) == 0
      && !net_attr_has (node, "axes");
}

NET_PLAN (net_plan_resize)
{
  int in = net_in (net, node, 0), out;
  net_tensor t = *net_t (net, in);
  int64_t dims[NET_RANK], now[NET_RANK], *index[NET_RANK] = { NULL }, i;
  double scales[NET_RANK];
  resize_mode m;
  bool smooth;
  unsigned a;
  walloc_result r;

  smooth = net_attr_is (node, "mode", "linear")
      || net_attr_is (node, "mode", "cubic");
  if (!resize_get_mode (net, node, &m) || (net_attr_has (node, "mode")
          && !smooth && !net_attr_is (node, "mode", "nearest"))
      || t.type != NET_F32 || t.count == 0 || t.rank == 0)
    return net_node_fail (node, error, WALLOC_ERR_UNSUPPORTED,
        "this mode is not supported");
  r = resize_sizes (net, node, &t, dims, scales, error);
  if (r != WALLOC_OK)
    return r;
  if (!smooth) {
    r = net_output (net, node, 0, NET_F32, t.rank, dims, t.cl, &out, error);
    for (a = 0; a < t.rank && r == WALLOC_OK; a++) {
      if (dims[a] == t.dims[a] && scales[a] == 1.0)
        continue;
      index[a] = net_plan_alloc (net, (size_t) dims[a], sizeof (int64_t));
      if (index[a] == NULL)
        return net_no_memory (node, error);
      for (i = 0; i < dims[a]; i++)
        index[a][i] = nearest_index (&m, source_position (&m, i, scales[a],
                t.dims[a], dims[a]), t.dims[a]);
    }
    return r != WALLOC_OK ? r
        : emit_index (net, node, in, out, index, 0, error);
  }
  memcpy (now, t.dims, sizeof now);
  for (a = 0; a < t.rank; a++) {
    if (dims[a] == t.dims[a] && scales[a] == 1.0)
      continue;
    now[a] = dims[a];
    r = net_output (net, node, 0, NET_F32, t.rank, now, t.cl, &out, error);
    if (r == WALLOC_OK)
      r = emit_mix (net, node, &m, in, out, a, scales[a], error);
    if (r != WALLOC_OK)
      return r;
    in = out;
  }
  if (in == net_in (net, node, 0))
    return net_plan_identity (net, node, error);
  return WALLOC_OK;
}
