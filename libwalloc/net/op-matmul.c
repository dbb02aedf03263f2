/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* MatMul and Gemm: convolutions with one tap over rows for pixels. */
#include "net/backend.h"
#include "net/op-chain.h"

#include <string.h>

/* Packs the right matrices of a product whose both sides are data. */
typedef struct
{
  const net_conv *c;
  size_t matrices, size;        /* floats of one, packed */
  size_t in_size, k_step, c_step;
} pack_param;

static void
pack_run (const net_step * step, const net_tensor * t, unsigned index)
{
  const pack_param *p = step->p;
  static const unsigned tap = 0;

  net_conv_pack (p->c, &tap, 1, NET_F (t, step->in[0]) + index * p->in_size,
      p->k_step, p->c_step, NET_F (t, step->out) + index * p->size);
}

typedef struct
{
  int a, b;                     /* tensors, plain */
  size_t batch, m, k, n;
  size_t *a_offset, *b_index;   /* of product i; NULL: 1:1, or one for all */
  size_t b_count;
  size_t k_step, c_step;        /* of b */
  const float *bias;            /* n values or NULL */
} product;

static walloc_result
emit_product (walloc_net * net, const net_node * node, const product * p,
    int out, walloc_error * error)
{
  net_step step = { 0 }, pack = { 0 };
  net_conv *c = net_plan_alloc (net, 1, sizeof *c);
  pack_param *pp = net_plan_alloc (net, 1, sizeof *pp);
  const net_backend_table *table = net_backend_of (net);
  int64_t size[1];
  size_t i;
  walloc_result r;

  step.chain = net_plan_alloc (net, 1, sizeof *step.chain);
  if (c == NULL || pp == NULL || step.chain == NULL)
    return net_no_memory (node, error);
  c->isa = net_gemm_get ((unsigned) net->isa);
  c->batch = p->batch;
  c->ih = c->oh = 1;
  c->iw = c->ow = p->m;
  c->pixel = c->icg = p->k;
  c->groups = 1;
  c->ocg = p->n;
  c->osy = c->osx = c->isy = c->isx = 1;
  c->n_phases = 1;
  c->linear = true;
  c->in_offset = p->a_offset;
  c->phases = net_plan_alloc (net, 1, sizeof *c->phases);
  c->bias = net_plan_alloc (net, net_conv_padded (c), sizeof (float));
  c->zero = net_plan_alloc (net, p->k, sizeof (float));
  if (c->phases == NULL || c->bias == NULL || c->zero == NULL)
    return net_no_memory (node, error);
  if (p->bias != NULL)
    memcpy (c->bias, p->bias, p->n * sizeof (float));
  c->phases->oh = 1;
  c->phases->ow = p->m;
  c->phases->taps = 1;
  c->phases->dy = net_plan_alloc (net, 1, sizeof (int64_t));
  c->phases->dx = net_plan_alloc (net, 1, sizeof (int64_t));
  if (c->phases->dy == NULL || c->phases->dx == NULL)
    return net_no_memory (node, error);
  if (!net_work_add (net, p->batch * p->m, p->k, p->n)
      || p->batch > 1 << 20)
    return net_no_memory (node, error);
  step.in[0] = p->a;
  step.out = out;
  step.n_in = 2;
  step.chain->cols = p->n;
  if (table != NULL) {
    net_product_desc d = { p->batch, p->m, p->k, p->n, p->a_offset,
      p->b_index, p->k * p->n, p->c_step != 1, p->bias
    };

    step.in[1] = p->b;
    if (table->take_product (net, &step, &d))
      return net_emit (net, node, &step, error);
  }
  pp->c = c;
  pp->matrices = p->b_count;
  pp->size = net_conv_packed (c, 1);
  pp->in_size = p->k * p->n;
  pp->k_step = p->k_step;
  pp->c_step = p->c_step;
  if (pp->size > (size_t) INT32_MAX / p->b_count)
    return net_node_fail (node, error, WALLOC_ERR_LIMIT,
        "the right matrices are too large");
  size[0] = (int64_t) (pp->size * p->b_count);
  pack.run = pack_run;
  pack.count = (unsigned) p->b_count;
  pack.in[0] = p->b;
  pack.n_in = 1;
  pack.out = net_tensor_new (net, NET_F32, 1, size, false,
      net_t (net, p->b)->constant);
  pack.p = pp;
  if (pack.out < 0)
    return net_no_memory (node, error);
  r = net_emit (net, node, &pack, error);
  if (r != WALLOC_OK)
    return r;
  c->w_offset = net_plan_alloc (net, p->batch, sizeof *c->w_offset);
  if (c->w_offset == NULL)
    return net_no_memory (node, error);
  for (i = 0; i < p->batch; i++)
    c->w_offset[i] = (p->b_index != NULL ? p->b_index[i] : 0) * pp->size;
  step.in[1] = pack.out;
  step.p = c;
  net_conv_step (&step);
  return net_emit (net, node, &step, error);
}

/* Index of the matrix of t that product i of the broadcast batch uses. */
static size_t
batch_index (const net_tensor * t, unsigned rank, const int64_t * dims,
    size_t i)
{
  size_t at = 0, step = 1;
  unsigned a;
  int64_t k;

  for (a = rank; a-- > 0;) {
    k = (int64_t) (i % (size_t) dims[a]);
    i /= (size_t) dims[a];
    if (a + t->rank - 2 < rank)
      continue;
    if (t->dims[a + t->rank - 2 - rank] != 1)
      at += (size_t) k *step;
    step *= (size_t) t->dims[a + t->rank - 2 - rank];
  }
  return at;
}

/* t as a matrix at least: a vector becomes a row or a column. */
static net_tensor
as_matrix (const net_tensor * t, bool row)
{
  net_tensor m = *t;

  if (t->rank == 1) {
    m.rank = 2;
    m.dims[0] = row ? 1 : t->dims[0];
    m.dims[1] = row ? t->dims[0] : 1;
  }
  return m;
}

NET_PLAN (net_plan_matmul)
{
  net_tensor a, b, head;
  product p = { 0 };
  int64_t dims[NET_RANK];
  unsigned rank = 0, n = 0, i;
  int out;
  walloc_result r;

  r = net_layout (net, node, net_in (net, node, 0), false, &p.a, error);
  if (r == WALLOC_OK)
    r = net_layout (net, node, net_in (net, node, 1), false, &p.b, error);
  if (r != WALLOC_OK)
    return r;
  a = as_matrix (net_t (net, p.a), true);
  b = as_matrix (net_t (net, p.b), false);
  if (a.rank < 2 || b.rank < 2 || a.type != NET_F32 || b.type != NET_F32
      || a.dims[a.rank - 1] != b.dims[b.rank - 2])
    return net_node_fail (node, error, WALLOC_ERR_MODEL,
        "these matrices cannot be multiplied");
  if (a.count == 0 || b.count == 0)
    return net_node_fail (node, error, WALLOC_ERR_MODEL, "empty matrices");
  head = a;
  head.rank -= 2;
  rank = head.rank;
  memcpy (dims, head.dims, sizeof dims);
  head = b;
  head.rank -= 2;
  if (!net_broadcast (&rank, dims, &head))
    return net_node_fail (node, error, WALLOC_ERR_MODEL,
        "shapes of the inputs do not fit");
  p.m = (size_t) a.dims[a.rank - 2];
  p.k = (size_t) a.dims[a.rank - 1];
  p.n = (size_t) b.dims[b.rank - 1];
  p.batch = 1;
  for (i = 0; i < rank; i++)
    p.batch *= (size_t) dims[i];
  p.b_count = b.count / (p.k * p.n);
  p.k_step = p.n;
  p.c_step = 1;
  if (p.b_count == 1 && a.count == p.batch * p.m * p.k) {
    p.m *= p.batch;             /* one tall product */
    p.batch = 1;
  }
  n = rank;
  if (net_t (net, net_in (net, node, 0))->rank > 1)
    dims[n++] = a.dims[a.rank - 2];
  if (net_t (net, net_in (net, node, 1))->rank > 1)
    dims[n++] = b.dims[b.rank - 1];
  if (n > NET_RANK || p.batch > 1 << 20)
    return net_no_memory (node, error);
  r = net_output (net, node, 0, NET_F32, n, dims, false, &out, error);
  if (r != WALLOC_OK)
    return r;
  if (p.batch > 1) {
    p.a_offset = net_plan_alloc (net, p.batch, sizeof *p.a_offset);
    p.b_index = net_plan_alloc (net, p.batch, sizeof *p.b_index);
    if (p.a_offset == NULL || p.b_index == NULL)
      return net_no_memory (node, error);
    for (i = 0; i < p.batch; i++) {
      p.a_offset[i] = batch_index (&a, rank, dims, i) * p.m * p.k;
      p.b_index[i] = batch_index (&b, rank, dims, i);
    }
  }
  return emit_product (net, node, &p, out, error);
}

/* Gemm's C when it is one constant per column. */
static const float *
column_bias (const walloc_net * net, int c, size_t n)
{
  const net_tensor *t;

  if (c < 0)
    return NULL;
  t = net_t (net, c);
  if (!t->constant || t->count != n || t->type != NET_F32
      || (t->rank > 0 && t->dims[t->rank - 1] != (int64_t) n))
    return NULL;
  return NET_F (net->plan.tensors, c);
}

NET_PLAN (net_plan_gemm)
{
  product p = { 0 };
  net_tensor a, b;
  int64_t dims[2], from[2], to[2] = { 0, 1 };
  float alpha = net_attr_float (node, "alpha", 1.0f);
  float beta = net_attr_float (node, "beta", 1.0f);
  int c = net_in (net, node, 2), out, copy;
  walloc_result r;

  p.a = net_in (net, node, 0);
  p.b = net_in (net, node, 1);
  a = *net_t (net, p.a);
  b = *net_t (net, p.b);
  if (a.rank != 2 || b.rank != 2 || a.type != NET_F32 || b.type != NET_F32
      || a.count == 0 || b.count == 0)
    return net_node_fail (node, error, WALLOC_ERR_MODEL,
        "A and B must be float matrices");
  if (net_attr_int (node, "transA", 0) != 0) {
    dims[0] = a.dims[1];
    dims[1] = a.dims[0];
    from[0] = 1;
    from[1] = to[0] = a.dims[1];
    to[0] = a.dims[0];
    copy = net_tensor_new (net, NET_F32, 2, dims, false, a.constant);
    if (copy < 0)
      return net_no_memory (node, error);
    r = net_emit_copy (net, node, p.a, copy, 2, dims, from, 0, to, 0, error);
    if (r != WALLOC_OK)
      return r;
    p.a = copy;
    a = *net_t (net, copy);
  }
  p.m = (size_t) a.dims[0];
  p.k = (size_t) a.dims[1];
  p.n = (size_t) b.dims[1];
  p.k_step = p.n;
  p.c_step = 1;
  if (net_attr_int (node, "transB", 0) != 0) {
    p.n = (size_t) b.dims[0];
    p.k_step = 1;
    p.c_step = p.k;
  }
  if (p.k * p.n != b.count)
    return net_node_fail (node, error, WALLOC_ERR_MODEL,
        "these matrices cannot be multiplied");
  p.batch = p.b_count = 1;
  dims[0] = (int64_t) p.m;
  dims[1] = (int64_t) p.n;
  if (alpha == 1.0f && beta == 1.0f)
    p.bias = column_bias (net, c, p.n);
  r = net_output (net, node, 0, NET_F32, 2, dims, false, &out, error);
  if (r == WALLOC_OK)
    r = emit_product (net, node, &p, out, error);
  if (r == WALLOC_OK && alpha != 1.0f) {
    int scale = net_tensor_new (net, NET_F32, 0, dims, false, true);

    if (scale < 0)
      return net_no_memory (node, error);
    NET_F (net->plan.tensors, scale)[0] = alpha;
    r = net_emit_binary (net, node, NET_C_MUL, out, true, scale, false, &out,
        error);
  }
  if (r == WALLOC_OK && c >= 0 && p.bias == NULL) {
    bool owned = net_owned (net, node, 2);

    if (beta != 1.0f) {
      int scale = net_tensor_new (net, NET_F32, 0, dims, false, true);

      if (scale < 0)
        return net_no_memory (node, error);
      NET_F (net->plan.tensors, scale)[0] = beta;
      r = net_emit_binary (net, node, NET_C_MUL, c, owned, scale, false, &c,
          error);
      owned = true;
      if (r != WALLOC_OK)
        return r;
    }
    r = net_emit_binary (net, node, NET_C_ADD, out, true, c, owned, &out,
        error);
    if (r == WALLOC_OK && net_t (net, out)->count != p.m * p.n)
      return net_node_fail (node, error, WALLOC_ERR_MODEL,
          "C is larger than the product");
  }
  if (r == WALLOC_OK)
    net_bind (net, node, 0, out);
  return r;
}
