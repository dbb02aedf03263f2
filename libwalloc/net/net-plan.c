/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What plan functions of operators use to make tensors and steps. */
#include "net/net-private.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void *
net_plan_alloc (walloc_net * net, size_t n, size_t size)
{
  net_block *block;

  if (size != 0 && n > (SIZE_MAX - WALLOC_ALIGN) / size)
    return NULL;
  block = walloc_mem_alloc (&net->mem, 1, WALLOC_ALIGN + n * size);
  if (block == NULL)
    return NULL;
  block->next = net->plan.blocks;
  net->plan.blocks = block;
  return (char *) block + WALLOC_ALIGN;
}

bool
net_plan_release (walloc_net * net, void (*release) (void *data), void *data)
{
  net_handle *handle = net_plan_alloc (net, 1, sizeof *handle);

  if (handle == NULL)
    return false;
  handle->next = net->plan.handles;
  handle->release = release;
  handle->data = data;
  net->plan.handles = handle;
  return true;
}

void
net_plan_clear (walloc_net * net)
{
  net_block *block, *next;
  net_handle *handle;

  for (handle = net->plan.handles; handle != NULL; handle = handle->next)
    handle->release (handle->data);
  for (block = net->plan.blocks; block != NULL; block = next) {
    next = block->next;
    walloc_mem_free (&net->mem, block);
  }
  memset (&net->plan, 0, sizeof net->plan);
}

walloc_result
net_node_fail (const net_node * node, walloc_error * error,
    walloc_result result, const char *format, ...)
{
  char text[160];
  va_list args;

  va_start (args, format);
  vsnprintf (text, sizeof text, format, args);
  va_end (args);
  return walloc_fail (error, result, "node '%.60s' (%.24s): %s", node->name,
      node->op_name, text);
}

walloc_result
net_no_memory (const net_node * node, walloc_error * error)
{
  return net_node_fail (node, error, WALLOC_ERR_LIMIT,
      "out of memory, or over a limit of bytes, work or steps");
}

net_tensor *
net_t (const walloc_net * net, int tensor)
{
  return &net->plan.tensors[tensor];
}

int
net_in (const walloc_net * net, const net_node * node, unsigned i)
{
  return i < node->n_in && node->in[i] >= 0
      ? net->plan.of_value[node->in[i]] : -1;
}

bool
net_all_const (const walloc_net * net, const net_node * node)
{
  unsigned i;
  int t;

  for (i = 0; i < node->n_in; i++) {
    t = net_in (net, node, i);
    if (t >= 0 && !net_t (net, t)->constant)
      return false;
  }
  return true;
}

int
net_tensor_new (walloc_net * net, net_type type, unsigned rank,
    const int64_t * dims, bool cl, bool constant)
{
  net_plan *plan = &net->plan;
  net_tensor *t;
  unsigned i, size = type == NET_I64 ? 8 : 4;
  uint64_t bytes;

  if (plan->n_tensors == plan->max_tensors || rank > NET_RANK)
    return -1;
  t = &plan->tensors[plan->n_tensors];
  memset (t, 0, sizeof *t);
  t->type = type;
  t->rank = rank;
  for (i = 0; i < rank; i++)
    t->dims[i] = dims[i];
  if (!net_count (rank, dims, &t->count))
    return -1;
  /* with one channel, or one place, both layouts are the same bytes */
  t->cl = cl && rank >= 3;
  t->constant = constant;
  t->root = (int) plan->n_tensors;
  t->in_port = t->out_port = -1;
  t->first = -1;
  bytes = (uint64_t) t->count * size;
  if (bytes > net->limits.max_activation_bytes)
    return -1;
  if (constant) {
    if (bytes > net->limits.max_activation_bytes - plan->const_bytes)
      return -1;
    plan->const_bytes += bytes;
    t->data = net_plan_alloc (net, t->count + 1, size);
    if (t->data == NULL)
      return -1;
  }
  plan->producer[plan->n_tensors] = -1;
  return (int) plan->n_tensors++;
}

walloc_result
net_output (walloc_net * net, const net_node * node, unsigned i,
    net_type type, unsigned rank, const int64_t * dims, bool cl, int *tensor,
    walloc_error * error)
{
  bool constant = net_all_const (net, node);
  size_t count;

  if (!net_count (rank, dims, &count) || (!constant && count == 0))
    return net_node_fail (node, error, WALLOC_ERR_MODEL,
        "the result would have an impossible size");
  if (type == NET_I64 && !constant)
    return net_node_fail (node, error, WALLOC_ERR_UNSUPPORTED,
        "integers that depend on the input data are not supported");
  *tensor = net_tensor_new (net, type, rank, dims, cl, constant);
  if (*tensor < 0)
    return net_no_memory (node, error);
  if (i < node->n_out && node->out[i] >= 0)
    net->plan.of_value[node->out[i]] = *tensor;
  return WALLOC_OK;
}

walloc_result
net_view (walloc_net * net, const net_node * node, int tensor, unsigned rank,
    const int64_t * dims, int *view, walloc_error * error)
{
  net_plan *plan = &net->plan;
  net_tensor *t;
  size_t count;

  if (!net_count (rank, dims, &count)
      || count != plan->tensors[tensor].count)
    return net_node_fail (node, error, WALLOC_ERR_MODEL,
        "the new shape has another number of values");
  if (plan->n_tensors == plan->max_tensors)
    return net_no_memory (node, error);
  *view = (int) plan->n_tensors++;
  t = &plan->tensors[*view];
  *t = plan->tensors[tensor];
  if (t->rank != rank || memcmp (t->dims, dims, rank * sizeof *dims) != 0) {
    t->rank = rank;
    memcpy (t->dims, dims, rank * sizeof *dims);
    t->cl = false;
  }
  t->data = NULL;
  t->in_port = t->out_port = -1;
  t->packed = 0;
  plan->producer[*view] = -1;
  return WALLOC_OK;
}

walloc_result
net_alias (walloc_net * net, const net_node * node, unsigned i, int tensor,
    unsigned rank, const int64_t * dims, walloc_error * error)
{
  int view;
  walloc_result r = net_view (net, node, tensor, rank, dims, &view, error);

  if (r == WALLOC_OK && i < node->n_out && node->out[i] >= 0)
    net->plan.of_value[node->out[i]] = view;
  return r;
}

bool
net_work_add (walloc_net * net, uint64_t a, uint64_t b, uint64_t c)
{
  uint64_t max = net->limits.max_work, n;

  if (a == 0 || b == 0 || c == 0)
    return true;
  if (a > max / b || a * b > max / c)
    return false;
  n = a * b * c;
  if (n > max - net->plan.work)
    return false;
  net->plan.work += n;
  return true;
}

walloc_result
net_emit (walloc_net * net, const net_node * node, const net_step * step,
    walloc_error * error)
{
  net_plan *plan = &net->plan;
  net_step now;
  unsigned i;
  walloc_result r;

  if (!net_work_add (net, net_t (net, step->out)->count / 16 + 1, 1, 1))
    return net_no_memory (node, error);
  if (net_t (net, step->out)->constant) {
    now = *step;
    if (now.finish != NULL) {
      r = now.finish (net, &now, error);
      if (r != WALLOC_OK)
        return r;
    }
    for (i = 0; i < now.count; i++)
      now.run (&now, plan->tensors, i);
    return WALLOC_OK;
  }
  if (plan->n_steps == plan->max_steps)
    return net_no_memory (node, error);
  plan->steps[plan->n_steps] = *step;
  if (step->chain != NULL)
    plan->producer[step->out] = (int) plan->n_steps;
  plan->n_steps++;
  return WALLOC_OK;
}

/* True when both layouts of t are the same bytes. */
static bool
layouts_agree (const net_tensor * t)
{
  return t->rank < 3 || t->dims[1] == 1
      || t->count == (size_t) (t->dims[0] * t->dims[1]);
}

walloc_result
net_layout (walloc_net * net, const net_node * node, int tensor, bool cl,
    int *out, walloc_error * error)
{
  net_tensor *t = net_t (net, tensor), copy;
  int64_t in[NET_RANK], to[NET_RANK];
  net_plan *plan = &net->plan;

  *out = tensor;
  if (t->cl == cl || t->rank < 3)
    return WALLOC_OK;
  if (layouts_agree (t)) {
    if (plan->n_tensors == plan->max_tensors)
      return net_no_memory (node, error);
    *out = (int) plan->n_tensors;
    plan->producer[plan->n_tensors] = -1;
    plan->tensors[plan->n_tensors] = *t;
    t = &plan->tensors[plan->n_tensors++];
    t->cl = cl;
    t->data = NULL;
    t->in_port = t->out_port = -1;
    t->packed = 0;
    return WALLOC_OK;
  }
  copy = *t;
  *out = net_tensor_new (net, copy.type, copy.rank, copy.dims, cl,
      copy.constant);
  if (*out < 0)
    return net_no_memory (node, error);
  net_strides (&copy, in);
  net_strides (net_t (net, *out), to);
  return net_emit_copy (net, node, tensor, *out, copy.rank, copy.dims, in, 0,
      to, 0, error);
}
