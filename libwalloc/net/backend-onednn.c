/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Convolutions and matrix products by oneDNN, in the calling thread: its CPU
 * runtime is OpenMP, which would start a team of threads per caller, so every
 * call asks for one thread first. */
#include "net/backend.h"
#include "net/kern-chain.h"
#include "net/op-chain.h"

#include <oneapi/dnnl/dnnl.h>
#include <string.h>

/* of the OpenMP runtime that oneDNN is linked with; a setting per thread */
extern void omp_set_num_threads (int threads);

typedef struct
{
  size_t rows, cols;            /* of the step's matrix, for its chain */
  dnnl_engine_t engine;
  dnnl_stream_t stream;
  dnnl_primitive_t conv;
  dnnl_memory_t src, dst, weights, bias;
} onednn_conv;

typedef struct
{
  net_product_desc d;
} onednn_product;

static void
conv_release (void *data)
{
  onednn_conv *h = data;

  if (h->conv != NULL)
    dnnl_primitive_destroy (h->conv);
  if (h->src != NULL)
    dnnl_memory_destroy (h->src);
  if (h->dst != NULL)
    dnnl_memory_destroy (h->dst);
  if (h->weights != NULL)
    dnnl_memory_destroy (h->weights);
  if (h->bias != NULL)
    dnnl_memory_destroy (h->bias);
  if (h->stream != NULL)
    dnnl_stream_destroy (h->stream);
  if (h->engine != NULL)
    dnnl_engine_destroy (h->engine);
}

static void
run_chain (const net_step * step, const net_tensor * t, size_t row,
    size_t rows, size_t cols)
{
  float *out = NET_F (t, step->out);
  size_t n;

  /* a few rows at a time, so that they stay in the cache between
   * operations */
  while (step->chain->n > 0 && rows > 0) {
    n = cols < 1024 ? 1024 / cols : 1;
    n = n < rows ? n : rows;
    net_chain_run (step, t, out + row * cols, cols, row, 0, (unsigned) n,
        cols, NULL);
    row += n;
    rows -= n;
  }
}

static void
conv_run (const net_step * step, const net_tensor * t, unsigned index)
{
  const onednn_conv *h = step->p;
  dnnl_exec_arg_t args[] = {
    {DNNL_ARG_SRC, h->src}, {DNNL_ARG_DST, h->dst},
    {DNNL_ARG_WEIGHTS, h->weights}, {DNNL_ARG_BIAS, h->bias}
  };

  omp_set_num_threads (1);
  dnnl_memory_set_data_handle (h->src, NET_F (t, step->in[0]));
  dnnl_memory_set_data_handle (h->dst, NET_F (t, step->out));
  dnnl_primitive_execute (h->conv, h->stream, 4, args);
  dnnl_stream_wait (h->stream);
  run_chain (step, t, 0, h->rows, h->cols);
}

/* Weights in the order that the primitive wants. */
static bool
load_weights (onednn_conv * h, const dnnl_memory_desc_t * from,
    const dnnl_memory_desc_t * to, const float *w)
{
  dnnl_memory_t plain = NULL;
  dnnl_primitive_desc_t desc = NULL;
  dnnl_primitive_t reorder = NULL;
  bool ok = dnnl_memory_create (&h->weights, to, h->engine,
      DNNL_MEMORY_ALLOCATE) == dnnl_success
      && dnnl_memory_create (&plain, from, h->engine,
      (void *) (uintptr_t) w) == dnnl_success
      && dnnl_reorder_primitive_desc_create (&desc, from, h->engine, to,
      h->engine, NULL) == dnnl_success
      && dnnl_primitive_create (&reorder, desc) == dnnl_success;

  if (ok) {
    dnnl_exec_arg_t args[] = {
      {DNNL_ARG_FROM, plain}, {DNNL_ARG_TO, h->weights}
    };

    ok = dnnl_primitive_execute (reorder, h->stream, 2, args) == dnnl_success
        && dnnl_stream_wait (h->stream) == dnnl_success;
  }
  if (reorder != NULL)
    dnnl_primitive_destroy (reorder);
  if (desc != NULL)
    dnnl_primitive_desc_destroy (desc);
  if (plain != NULL)
    dnnl_memory_destroy (plain);
  return ok;
}

static bool
make_conv (onednn_conv * h, const net_conv_desc * d, float *bias)
{
  const net_conv *c = d->c;
  const net_window *win = d->win;
  bool grouped = c->groups > 1;
  int w_rank = grouped ? 5 : 4;
  dnnl_dims_t src = { (dnnl_dim_t) c->batch,
    (dnnl_dim_t) (c->groups * c->icg), win->in[0], win->in[1]
  };
  dnnl_dims_t dst = { (dnnl_dim_t) c->batch,
    (dnnl_dim_t) (c->groups * c->ocg), win->out[0], win->out[1]
  };
  dnnl_dims_t w = { 0 };
  dnnl_dims_t b = { (dnnl_dim_t) (c->groups * c->ocg) };
  dnnl_dims_t dilates = { win->dilation[0] - 1, win->dilation[1] - 1 };
  /* padding at the end as oneDNN counts it, which may differ where the last
   * stride does not reach the end */
  dnnl_dims_t end, stride = { win->stride[0], win->stride[1] };
  dnnl_dims_t begin = { win->pad[0], win->pad[1] };
  dnnl_memory_desc_t src_md, dst_md, any_md, w_md, b_md;
  dnnl_convolution_desc_t desc;
  dnnl_primitive_desc_t pd = NULL;
  bool ok;
  int i = 0;

  if (grouped)
    w[i++] = (dnnl_dim_t) c->groups;
  w[i++] = (dnnl_dim_t) c->ocg;
  w[i++] = (dnnl_dim_t) c->icg;
  w[i++] = win->kernel[0];
  w[i] = win->kernel[1];
  for (i = 0; i < 2; i++)
    end[i] = (win->out[i] - 1) * win->stride[i]
        + (win->kernel[i] - 1) * win->dilation[i] + 1 - win->in[i]
        - win->pad[i];
  ok = dnnl_engine_create (&h->engine, dnnl_cpu, 0) == dnnl_success
      && dnnl_stream_create (&h->stream, h->engine,
      dnnl_stream_default_flags) == dnnl_success
      && dnnl_memory_desc_init_by_tag (&src_md, 4, src, dnnl_f32,
      dnnl_nhwc) == dnnl_success
      && dnnl_memory_desc_init_by_tag (&dst_md, 4, dst, dnnl_f32,
      dnnl_nhwc) == dnnl_success
      && dnnl_memory_desc_init_by_tag (&any_md, w_rank, w,
      dnnl_f32, dnnl_format_tag_any) == dnnl_success
      && dnnl_memory_desc_init_by_tag (&w_md, w_rank, w,
      dnnl_f32, grouped ? dnnl_goihw : dnnl_oihw) == dnnl_success
      && dnnl_memory_desc_init_by_tag (&b_md, 1, b, dnnl_f32,
      dnnl_x) == dnnl_success
      && dnnl_dilated_convolution_forward_desc_init (&desc,
      dnnl_forward_inference, dnnl_convolution_direct, &src_md, &any_md,
      &b_md, &dst_md, stride, dilates, begin, end) == dnnl_success
      && dnnl_primitive_desc_create (&pd, &desc, NULL, h->engine,
      NULL) == dnnl_success
      && dnnl_primitive_create (&h->conv, pd) == dnnl_success
      && dnnl_memory_create (&h->src, &src_md, h->engine,
      DNNL_MEMORY_NONE) == dnnl_success
      && dnnl_memory_create (&h->dst, &dst_md, h->engine,
      DNNL_MEMORY_NONE) == dnnl_success
      && dnnl_memory_create (&h->bias, &b_md, h->engine,
      bias) == dnnl_success
      && load_weights (h, &w_md, dnnl_primitive_desc_query_md (pd,
          dnnl_query_weights_md, 0), d->weights);
  if (pd != NULL)
    dnnl_primitive_desc_destroy (pd);
  return ok;
}

static bool
take_conv (walloc_net * net, net_step * step, const net_conv_desc * d)
{
  const net_conv *c = d->c;
  onednn_conv *h = net_plan_alloc (net, 1, sizeof *h);
  float *bias = net_plan_alloc (net, c->groups * c->ocg, sizeof *bias);

  if (h == NULL || bias == NULL || !net_plan_release (net, conv_release, h))
    return false;
  if (d->bias != NULL)
    memcpy (bias, d->bias, c->groups * c->ocg * sizeof *bias);
  h->rows = c->batch * c->oh * c->ow;
  h->cols = c->groups * c->ocg;
  omp_set_num_threads (1);
  if (!make_conv (h, d, bias))
    return false;
  step->run = conv_run;
  step->p = h;
  step->count = 1;
  return true;
}

static void
product_run (const net_step * step, const net_tensor * t, unsigned index)
{
  const onednn_product *h = step->p;
  const net_product_desc *d = &h->d;
  const float *a = NET_F (t, step->in[0]), *b = NET_F (t, step->in[1]);
  float *out = NET_F (t, step->out) + index * d->m * d->n;
  dnnl_dim_t m = (dnnl_dim_t) d->m, n = (dnnl_dim_t) d->n;
  dnnl_dim_t k = (dnnl_dim_t) d->k;
  size_t row;

  omp_set_num_threads (1);
  if (d->a_offset != NULL)
    a += d->a_offset[index];
  if (d->b_index != NULL)
    b += d->b_index[index] * d->b_size;
  dnnl_sgemm ('N', d->b_transposed ? 'T' : 'N', m, n, k, 1.0f, a, k, b,
      d->b_transposed ? k : n, 0.0f, out, n);
  for (row = 0; d->bias != NULL && row < d->m; row++)
    net_kern_binary (NET_C_ADD, out + row * d->n, d->bias, d->n);
  run_chain (step, t, index * d->m, d->m, d->n);
}

static bool
take_product (walloc_net * net, net_step * step, const net_product_desc * d)
{
  onednn_product *h = net_plan_alloc (net, 1, sizeof *h);

  if (h == NULL)
    return false;
  h->d = *d;
  step->run = product_run;
  step->p = h;
  step->count = (unsigned) d->batch;
  return true;
}

static const net_backend_table table = { "oneDNN", take_conv, take_product };

const net_backend_table *
net_backend_onednn (void)
{
  return &table;
}
