/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* From the parsed file to a checked graph; loading, freeing, questions. */
#include "net/net-proto.h"
#include "net/backend.h"

#include <string.h>

#define GIB ((uint64_t) 1 << 30)
#define DOC "docs/onnx-operators.md"

/* Names to values, while loading. */
typedef struct
{
  int *slot;
  unsigned mask;
} name_table;

static unsigned
hash_name (const char *name)
{
  unsigned h = 2166136261u;

  while (*name != '\0')
    h = (h ^ (unsigned char) *name++) * 16777619u;
  return h;
}

/* Index of the value called name, or the negated free slot - 1. */
static int
find_value (const walloc_net * net, const name_table * table,
    const char *name, unsigned *slot)
{
  unsigned i = hash_name (name) & table->mask;

  while (table->slot[i] != 0) {
    if (strcmp (net->values[table->slot[i] - 1].name, name) == 0)
      return table->slot[i] - 1;
    i = (i + 1) & table->mask;
  }
  *slot = i;
  return -1;
}

/* The value called name, made if new; the tables were sized for all names. */
static int
add_value (walloc_net * net, name_table * table, const char *name)
{
  unsigned slot;
  int v = find_value (net, table, name, &slot);

  if (v >= 0)
    return v;
  v = (int) net->n_values++;
  net->values[v].name = name;
  net->values[v].producer = -1;
  net->values[v].input = -1;
  table->slot[slot] = v + 1;
  return v;
}

static walloc_result
read_shape (const Onnx__ValueInfoProto * info, walloc_net_shape * shape,
    walloc_error * error)
{
  const Onnx__TensorShapeProto *s;
  int type;
  size_t i;

  memset (shape, 0, sizeof *shape);
  if (info->type == NULL
      || info->type->value_case != ONNX__TYPE_PROTO__VALUE_TENSOR_TYPE
      || info->type->tensor_type == NULL)
    return walloc_fail (error, WALLOC_ERR_UNSUPPORTED,
        "'%.80s' is not a tensor", info->name);
  type = info->type->tensor_type->elem_type;
  if (type != ONNX__TENSOR_PROTO__DATA_TYPE__FLOAT)
    return walloc_fail (error, WALLOC_ERR_UNSUPPORTED, "'%.80s' has data "
        "type %d; inputs and outputs must be float", info->name, type);
  s = info->type->tensor_type->shape;
  if (s == NULL)
    return WALLOC_OK;
  if (s->n_dim > NET_RANK)
    return walloc_fail (error, WALLOC_ERR_UNSUPPORTED, "'%.80s' has %zu "
        "dimensions, at most %d are supported", info->name, s->n_dim, NET_RANK);
  shape->rank = (unsigned) s->n_dim;
  for (i = 0; i < s->n_dim; i++) {
    const Onnx__TensorShapeProto__Dimension *d = s->dim[i];

    shape->dims[i] = -1;
    if (d->value_case == ONNX__TENSOR_SHAPE_PROTO__DIMENSION__VALUE_DIM_VALUE) {
      if (d->dim_value < 0 || d->dim_value > INT32_MAX)
        return walloc_fail (error, WALLOC_ERR_MODEL, "'%.80s' has an "
            "impossible dimension", info->name);
      if (d->dim_value > 0)
        shape->dims[i] = d->dim_value;
    }
  }
  return WALLOC_OK;
}

static walloc_result
load_initializers (walloc_net * net, const Onnx__GraphProto * graph,
    name_table * table, walloc_error * error)
{
  size_t i;
  int v;
  walloc_result r;

  for (i = 0; i < graph->n_initializer; i++) {
    Onnx__TensorProto *t = graph->initializer[i];

    if (t->name == NULL || t->name[0] == '\0')
      return walloc_fail (error, WALLOC_ERR_MODEL,
          "an initialiser has no name");
    v = add_value (net, table, t->name);
    if (net->values[v].init != NULL)
      return walloc_fail (error, WALLOC_ERR_MODEL,
          "two initialisers are called '%.80s'", t->name);
    net->values[v].init = walloc_mem_alloc (&net->mem, 1, sizeof (net_const));
    if (net->values[v].init == NULL)
      return walloc_fail (error, WALLOC_ERR_MEMORY, "no memory");
    r = net_proto_tensor (net, t, t->name, false, net->values[v].init, error);
    if (r != WALLOC_OK)
      return r;
    net_proto_drop (net, t);
  }
  return WALLOC_OK;
}

static walloc_result
load_inputs (walloc_net * net, const Onnx__GraphProto * graph,
    name_table * table, walloc_error * error)
{
  size_t i;
  int v;
  walloc_result r;

  for (i = 0; i < graph->n_input; i++) {
    const Onnx__ValueInfoProto *info = graph->input[i];

    if (info->name == NULL || info->name[0] == '\0')
      return walloc_fail (error, WALLOC_ERR_MODEL, "an input has no name");
    v = add_value (net, table, info->name);
    if (net->values[v].init != NULL)
      continue;                 /* older files list parameters as inputs */
    if (net->values[v].input >= 0)
      return walloc_fail (error, WALLOC_ERR_MODEL,
          "two inputs are called '%.80s'", info->name);
    r = read_shape (info, &net->inputs[net->n_inputs].shape, error);
    if (r != WALLOC_OK)
      return r;
    net->values[v].input = (int) net->n_inputs;
    net->inputs[net->n_inputs++].value = v;
  }
  return WALLOC_OK;
}

static walloc_result
load_node (walloc_net * net, const Onnx__NodeProto * proto, net_node * node,
    name_table * table, walloc_error * error)
{
  unsigned i, slot;
  int v;

  node->proto = proto;
  node->op_name = proto->op_type != NULL ? proto->op_type : "";
  node->name = proto->name != NULL && proto->name[0] != '\0' ? proto->name
      : proto->n_output > 0 ? proto->output[0] : "?";
  if (proto->domain == NULL || proto->domain[0] == '\0'
      || strcmp (proto->domain, "ai.onnx") == 0)
    node->op = net_op_find (node->op_name);
  if (node->op == NULL)
    return walloc_fail (error, WALLOC_ERR_UNSUPPORTED, "node '%.80s': "
        "operator '%.40s' is not supported; " DOC " lists those that are",
        node->name, node->op_name);
  if (proto->n_input < node->op->min_in || proto->n_input > node->op->max_in
      || proto->n_output < 1 || proto->n_output > node->op->max_out)
    return net_node_fail (node, error, WALLOC_ERR_MODEL,
        "%zu inputs and %zu outputs", proto->n_input, proto->n_output);
  node->n_in = (unsigned) proto->n_input;
  node->n_out = (unsigned) proto->n_output;
  node->in = walloc_mem_alloc (&net->mem, node->n_in + node->n_out + 1,
      sizeof (int));
  if (node->in == NULL)
    return net_no_memory (node, error);
  node->out = node->in + node->n_in;
  for (i = 0; i < node->n_in; i++) {
    node->in[i] = -1;
    if (proto->input[i][0] == '\0') {
      if (i < node->op->min_in)
        return net_node_fail (node, error, WALLOC_ERR_MODEL,
            "input %u is missing", i);
      continue;
    }
    v = find_value (net, table, proto->input[i], &slot);
    if (v < 0)
      return net_node_fail (node, error, WALLOC_ERR_MODEL, "input '%.80s' is "
          "neither an input, an initialiser nor computed before (missing, "
          "or the graph has a cycle)", proto->input[i]);
    node->in[i] = v;
    net->values[v].uses++;
  }
  for (i = 0; i < node->n_out; i++) {
    node->out[i] = -1;
    if (proto->output[i][0] == '\0')
      continue;
    v = add_value (net, table, proto->output[i]);
    if (net->values[v].producer >= 0 || net->values[v].init != NULL
        || net->values[v].input >= 0)
      return net_node_fail (node, error, WALLOC_ERR_MODEL,
          "'%.80s' is computed twice", proto->output[i]);
    net->values[v].producer = (int) (node - net->nodes);
    node->out[i] = v;
  }
  return WALLOC_OK;
}

static walloc_result
load_outputs (walloc_net * net, const Onnx__GraphProto * graph,
    name_table * table, walloc_error * error)
{
  unsigned slot;
  size_t i;
  int v;
  walloc_result r;

  for (i = 0; i < graph->n_output; i++) {
    const Onnx__ValueInfoProto *info = graph->output[i];

    v = info->name == NULL ? -1 : find_value (net, table, info->name, &slot);
    if (v < 0)
      return walloc_fail (error, WALLOC_ERR_MODEL,
          "output '%.80s' is not computed", info->name ? info->name : "");
    if (net->values[v].is_output)
      return walloc_fail (error, WALLOC_ERR_MODEL,
          "output '%.80s' is listed twice", info->name);
    r = read_shape (info, &net->outputs[net->n_outputs].shape, error);
    if (r != WALLOC_OK)
      return r;
    net->values[v].is_output = true;
    net->values[v].uses++;
    net->outputs[net->n_outputs++].value = v;
  }
  if (net->n_outputs == 0 || net->n_inputs == 0)
    return walloc_fail (error, WALLOC_ERR_MODEL,
        "the graph has no %s", net->n_outputs ? "inputs" : "outputs");
  return WALLOC_OK;
}

static walloc_result
load_graph (walloc_net * net, name_table * table, walloc_error * error)
{
  const Onnx__ModelProto *model = net->model;
  const Onnx__GraphProto *graph = model->graph;
  uint64_t names = graph->n_initializer + graph->n_input;
  unsigned size = 16;
  size_t i;
  walloc_result r;

  if (graph->n_node > net->limits.max_ops)
    return walloc_fail (error, WALLOC_ERR_LIMIT, "%zu nodes; the limit is %u",
        graph->n_node, net->limits.max_ops);
  if (graph->n_sparse_initializer > 0)
    return walloc_fail (error, WALLOC_ERR_UNSUPPORTED,
        "sparse initialisers are not supported");
  for (i = 0; i < graph->n_node; i++)
    names += graph->node[i]->n_output;
  if (names > 1 << 22)
    return walloc_fail (error, WALLOC_ERR_LIMIT, "too many names");
  while (size < names * 2)
    size *= 2;
  table->slot = walloc_mem_alloc (&net->mem, size, sizeof (int));
  table->mask = size - 1;
  net->values = walloc_mem_alloc (&net->mem, (size_t) names + 1,
      sizeof (net_value));
  net->nodes = walloc_mem_alloc (&net->mem, graph->n_node + 1,
      sizeof (net_node));
  net->inputs = walloc_mem_alloc (&net->mem, graph->n_input + 1,
      sizeof (net_port));
  net->outputs = walloc_mem_alloc (&net->mem, graph->n_output + 1,
      sizeof (net_port));
  if (table->slot == NULL || net->values == NULL || net->nodes == NULL
      || net->inputs == NULL || net->outputs == NULL)
    return walloc_fail (error, WALLOC_ERR_MEMORY, "no memory");
  r = load_initializers (net, graph, table, error);
  if (r == WALLOC_OK)
    r = load_inputs (net, graph, table, error);
  for (i = 0; i < graph->n_node && r == WALLOC_OK; i++) {
    r = load_node (net, graph->node[i], &net->nodes[i], table, error);
    net->n_nodes++;
  }
  if (r == WALLOC_OK)
    r = load_outputs (net, graph, table, error);
  return r;
}

walloc_result
walloc_net_load (walloc_net ** out, const void *bytes, size_t size,
    walloc_net_backend backend, const walloc_allocator * allocator,
    const walloc_net_limits * limits, walloc_error * error)
{
  walloc_mem mem;
  walloc_net *net;
  name_table table = { NULL, 0 };
  walloc_result r;

  if (out == NULL)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT, "no place for the net");
  *out = NULL;
  if (bytes == NULL)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT, "no bytes");
  walloc_mem_init (&mem, allocator);
  net = walloc_mem_alloc (&mem, 1, sizeof *net);
  if (net == NULL)
    return walloc_fail (error, WALLOC_ERR_MEMORY, "no memory");
  net->mem = mem;
  if (limits != NULL)
    net->limits = *limits;
  if (net->limits.max_parameter_bytes == 0)
    net->limits.max_parameter_bytes = GIB;
  if (net->limits.max_activation_bytes == 0)
    net->limits.max_activation_bytes = GIB;
  if (net->limits.max_work == 0)
    net->limits.max_work = (uint64_t) 1 << 42;
  if (net->limits.max_ops == 0)
    net->limits.max_ops = 10000;
  r = net_backend_select (net, backend, error);
  if (r == WALLOC_OK)
    r = net_proto_load (net, bytes, size, error);
  if (r == WALLOC_OK)
    r = load_graph (net, &table, error);
  walloc_mem_free (&net->mem, table.slot);
  if (r == WALLOC_OK)
    *out = net;
  else
    walloc_net_free (net);
  return r;
}

void
walloc_net_free (walloc_net * net)
{
  walloc_mem mem;
  unsigned i;

  if (net == NULL)
    return;
  net_plan_clear (net);
  for (i = 0; i < net->n_values; i++) {
    if (net->values[i].init != NULL)
      walloc_mem_free (&net->mem, net->values[i].init->data);
    walloc_mem_free (&net->mem, net->values[i].init);
  }
  for (i = 0; i < net->n_nodes; i++) {
    walloc_mem_free (&net->mem, net->nodes[i].in);
    walloc_mem_free (&net->mem, net->nodes[i].packed);
  }
  walloc_mem_free (&net->mem, net->values);
  walloc_mem_free (&net->mem, net->nodes);
  walloc_mem_free (&net->mem, net->inputs);
  walloc_mem_free (&net->mem, net->outputs);
  net_proto_free (net);
  mem = net->mem;
  walloc_mem_free (&mem, net);
}

walloc_net_backend
walloc_net_get_backend (const walloc_net * net)
{
  return net->backend;
}

walloc_result
walloc_net_set_precision (walloc_net * net, walloc_net_precision precision,
    walloc_error * error)
{
  if (net == NULL)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT, "no net");
  if ((unsigned) precision > WALLOC_NET_FASTEST)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT, "no such precision");
  if (precision == WALLOC_NET_FASTEST) {
    precision = WALLOC_NET_F32;
    if (net_low_get (NET_LOW_BF16, 1) != NULL)
      precision = WALLOC_NET_BF16;
    if (net_low_get (NET_LOW_BYTES, 1) != NULL)
      precision = WALLOC_NET_INT8;
  }
  if (net->backend != WALLOC_NET_PORTABLE)
    precision = WALLOC_NET_F32;
  net_plan_clear (net);
  net->precision = precision;
  return WALLOC_OK;
}

walloc_net_precision
walloc_net_get_precision (const walloc_net * net)
{
  return net->precision;
}

unsigned
walloc_net_inputs (const walloc_net * net)
{
  return net->n_inputs;
}

unsigned
walloc_net_outputs (const walloc_net * net)
{
  return net->n_outputs;
}

const char *
walloc_net_input (const walloc_net * net, unsigned index,
    walloc_net_shape * shape)
{
  if (index >= net->n_inputs)
    return NULL;
  if (shape != NULL)
    *shape = net->inputs[index].shape;
  return net->values[net->inputs[index].value].name;
}

const char *
walloc_net_output (const walloc_net * net, unsigned index,
    walloc_net_shape * shape)
{
  const net_tensor *t;

  if (index >= net->n_outputs)
    return NULL;
  if (shape != NULL) {
    *shape = net->outputs[index].shape;
    if (net->plan.ready) {
      t = net_t (net, net->plan.of_value[net->outputs[index].value]);
      shape->rank = t->rank;
      memcpy (shape->dims, t->dims, sizeof shape->dims);
    }
  }
  return net->values[net->outputs[index].value].name;
}

const char *
walloc_net_metadata (const walloc_net * net, const char *key)
{
  return key != NULL ? net_proto_metadata (net, key) : NULL;
}

uint64_t
walloc_net_work (const walloc_net * net)
{
  return net->plan.ready ? net->plan.work : 0;
}

uint64_t
walloc_net_activation_bytes (const walloc_net * net)
{
  return net->plan.ready ? net->plan.arena_bytes : 0;
}
