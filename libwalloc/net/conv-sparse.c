/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sparse 1x1 convolutions; see conv-sparse.h. */
#include "net/conv-sparse.h"
#include "net/conv-low.h"
#include "net/kern-reduce.h"
#include "net/op-chain.h"

#include <string.h>

/* TensorProto.DataType of onnx.proto */
#define ONNX_FLOAT 1
/* sums on the stack: some pixels of all output channels */
#define SUMS 8192

typedef struct
{
  const walloc_net *net;
  unsigned port;
  size_t in, out, width, height;
  float *w;                     /* [in][out] */
  const float *bias;            /* [out] */
} conv_sparse;

typedef struct
{
  const net_step *step;
  const net_tensor *t;
  unsigned y;
} row_taker;

static bool
all_are (const net_node * node, const char *name, int64_t value)
{
  const int64_t *ints;
  size_t n = net_attr_ints (node, name, &ints), i;

  for (i = 0; i < n; i++) {
    if (ints[i] != value)
      return false;
  }
  return true;
}

const net_const *
net_constant_of (const walloc_net * net, int value)
{
  const net_value *v = &net->values[value];
  const net_node *node;

  if (v->init != NULL || v->producer < 0)
    return v->init;
  node = &net->nodes[v->producer];
  if (node->op->plan != net_plan_cast || net_attr_int (node, "to", 0) !=
      ONNX_FLOAT)
    return NULL;
  return net->values[node->in[0]].init;
}

/* True when node is a convolution that multiplies pixel by pixel. */
static bool
is_pointwise (const walloc_net * net, const net_node * node)
{
  const net_const *w = net_constant_of (net, node->in[1]);

  return node->op->plan == net_plan_conv && w != NULL && w->type == NET_F32
      && w->rank == 4 && w->dims[2] == 1 && w->dims[3] == 1
      && w->dims[0] > 0 && w->dims[0] <= SUMS
      && net_attr_int (node, "group", 1) == 1 && all_are (node, "strides", 1)
      && all_are (node, "pads", 0) && !net_attr_has (node, "auto_pad");
}

static bool
can_be_rows (const walloc_net * net, int value)
{
  unsigned i, k;

  if (net->values[value].is_output)
    return false;
  for (i = 0; i < net->n_nodes; i++) {
    for (k = 0; k < net->nodes[i].n_in; k++) {
      if (net->nodes[i].in[k] == value
          && (k > 0 || !is_pointwise (net, &net->nodes[i])))
        return false;
    }
  }
  return true;
}

void
net_find_rows (walloc_net * net)
{
  unsigned i;

  for (i = 0; i < net->n_inputs; i++) {
    net_port *port = &net->inputs[i];
    const net_tensor *t = net_t (net, port->tensor);

    port->by_rows = port->row != NULL && net->backend == WALLOC_NET_PORTABLE
        && t->rank == 4 && t->dims[0] == 1 && can_be_rows (net, port->value);
  }
}

/* n pixels from x on, in sums, to where they belong. */
static void
put (const row_taker * r, float *sums, size_t x, size_t n)
{
  const net_step *step = r->step;
  const conv_sparse *h = step->p;
  size_t first = r->y * h->width + x;

  if (step->chain->n > 0)
    net_chain_run (step, r->t, sums, h->out, first, 0, (unsigned) n, h->out,
        NULL);
  if (step->side != 0)
    net_pack_rows (&step->side_pack, sums, h->out, first, 0, (unsigned) n,
        h->out, true, NET_DATA (r->t, step->side));
  if (!step->side_only)
    memcpy (NET_F (r->t, step->out) + first * h->out, sums,
        n * h->out * sizeof *sums);
}

static void
take_row (void *taker, const float *const *planes)
{
  const row_taker *r = taker;
  const conv_sparse *h = r->step->p;
  size_t most = SUMS / h->out, x, n, i, c;
  float sums[SUMS];

  for (x = 0; x < h->width; x += n) {
    n = h->width - x < most ? h->width - x : most;
    for (i = 0; i < n; i++)
      memcpy (sums + i * h->out, h->bias, h->out * sizeof *sums);
    for (c = 0; c < h->in; c++) {
      if (planes[c] != NULL)
        net_kern_sparse (planes[c] + x, n, h->w + c * h->out, h->out, sums);
    }
    put (r, sums, x, n);
  }
}

static void
conv_sparse_run (const net_step * step, const net_tensor * t, unsigned index)
{
  const conv_sparse *h = step->p;
  const net_port *port = &h->net->inputs[h->port];
  size_t y = h->height * index / step->count;
  size_t end = h->height * (index + 1) / step->count;
  row_taker r = { step, t, 0 };

  for (; y < end; y++) {
    r.y = (unsigned) y;
    port->row (port->row_user, r.y, take_row, &r);
  }
}

walloc_result
net_conv_sparse_plan (walloc_net * net, const net_node * node,
    const net_conv * c, const float *weights, net_step * step,
    walloc_error * error)
{
  conv_sparse *h = net_plan_alloc (net, 1, sizeof *h);
  size_t i, k;

  if (h == NULL)
    return net_no_memory (node, error);
  h->net = net;
  h->port = (unsigned) net_t (net, step->in[0])->in_port;
  h->in = c->icg;
  h->out = c->ocg;
  h->width = c->ow;
  h->height = c->oh;
  h->bias = c->bias;
  h->w = net_plan_alloc (net, h->in * h->out, sizeof *h->w);
  if (h->w == NULL)
    return net_no_memory (node, error);
  for (i = 0; i < h->out; i++) {
    for (k = 0; k < h->in; k++)
      h->w[k * h->out + i] = weights[i * h->in + k];
  }
  step->n_in = 1;
  step->p = h;
  step->run = conv_sparse_run;
  step->makes_side = true;
  step->count = net_parts (h->height, h->width * h->in * 2);
  return WALLOC_OK;
}
