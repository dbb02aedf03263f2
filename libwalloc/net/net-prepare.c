/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Prepares a graph for given input shapes, and runs it. */
#include "net/conv-sparse.h"

#include <string.h>

static walloc_result
check_shapes (const walloc_net * net, const walloc_net_shape * shapes,
    unsigned n_shapes, walloc_error * error)
{
  unsigned i, k;
  size_t count;

  if (n_shapes != net->n_inputs || shapes == NULL)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT,
        "%u shapes given, the graph has %u inputs", n_shapes, net->n_inputs);
  for (i = 0; i < n_shapes; i++) {
    const walloc_net_shape *want = &net->inputs[i].shape;
    const char *name = net->values[net->inputs[i].value].name;

    if (shapes[i].rank > NET_RANK
        || (want->rank != 0 && shapes[i].rank != want->rank))
      return walloc_fail (error, WALLOC_ERR_ARGUMENT, "input '%.80s' needs "
          "%u dimensions, not %u", name, want->rank, shapes[i].rank);
    for (k = 0; k < shapes[i].rank; k++) {
      if (shapes[i].dims[k] < 1 || shapes[i].dims[k] > INT32_MAX
          || (k < want->rank && want->dims[k] > 0
              && want->dims[k] != shapes[i].dims[k]))
        return walloc_fail (error, WALLOC_ERR_ARGUMENT, "input '%.80s': "
            "dimension %u is %lld; the graph wants %lld", name, k,
            (long long) shapes[i].dims[k],
            (long long) (k < want->rank ? want->dims[k] : -1));
    }
    if (!net_count (shapes[i].rank, shapes[i].dims, &count)
        || count > net->limits.max_activation_bytes / sizeof (float))
      return walloc_fail (error, WALLOC_ERR_LIMIT,
          "input '%.80s' is over the limit of activation bytes", name);
  }
  return WALLOC_OK;
}

/* Tables sized for the worst that plan functions add per node. */
static bool
make_tables (walloc_net * net)
{
  net_plan *plan = &net->plan;
  size_t ends = 0, i;

  for (i = 0; i < net->n_nodes; i++)
    ends += net->nodes[i].n_in + net->nodes[i].n_out;
  plan->max_tensors = (unsigned) (net->n_values + 8 * net->n_nodes + 2 * ends
      + 2 * net->n_outputs + 16);
  plan->max_steps = (unsigned) (12 * net->n_nodes + 2 * ends
      + 2 * net->n_outputs + 16);
  plan->tensors = net_plan_alloc (net, plan->max_tensors, sizeof (net_tensor));
  plan->producer = net_plan_alloc (net, plan->max_tensors, sizeof (int));
  plan->steps = net_plan_alloc (net, plan->max_steps, sizeof (net_step));
  plan->of_value = net_plan_alloc (net, net->n_values + 1, sizeof (int));
  plan->quant = net_plan_alloc (net, net->n_values + 1, sizeof (net_quant));
  plan->readers = net_plan_alloc (net, net->n_values + 1, sizeof (unsigned));
  plan->done = net_plan_alloc (net, net->n_nodes + 1, 1);
  for (i = 0; plan->of_value != NULL && i < net->n_values; i++)
    plan->of_value[i] = -1;
  return plan->tensors != NULL && plan->producer != NULL
      && plan->steps != NULL && plan->of_value != NULL && plan->quant != NULL
      && plan->readers != NULL && plan->done != NULL;
}

/* Tensors of initialisers and inputs. */
static walloc_result
make_sources (walloc_net * net, const walloc_net_shape * shapes,
    walloc_error * error)
{
  net_plan *plan = &net->plan;
  const net_const *c;
  net_tensor *t;
  unsigned i;
  int id;

  for (i = 0; i < net->n_values; i++) {
    c = net->values[i].init;
    if (c == NULL)
      continue;
    t = &plan->tensors[plan->n_tensors];
    t->type = c->type;
    t->rank = c->rank;
    memcpy (t->dims, c->dims, sizeof t->dims);
    t->constant = true;
    t->count = c->count;
    t->data = c->data;
    t->data_type = c->data_type;
    t->in_port = t->out_port = -1;
    t->root = (int) plan->n_tensors;
    plan->producer[plan->n_tensors] = -1;
    plan->of_value[i] = (int) plan->n_tensors++;
  }
  for (i = 0; i < net->n_inputs; i++) {
    id = net_tensor_new (net, NET_F32, shapes[i].rank, shapes[i].dims, false,
        false);
    if (id < 0)
      return walloc_fail (error, WALLOC_ERR_LIMIT, "input %u is too large", i);
    plan->tensors[id].in_port = (int) i;
    plan->of_value[net->inputs[i].value] = id;
    net->inputs[i].tensor = id;
  }
  return WALLOC_OK;
}

/* The types that plan functions may meet: integers are for those that move
 * or fold them; the table of operators says which. */
static walloc_result
plan_nodes (walloc_net * net, walloc_error * error)
{
  const net_node *node;
  unsigned i, k;
  walloc_result r;

  for (i = 0; i < net->n_nodes; i++) {
    node = &net->nodes[i];
    if (node->n_in == 0) {
      r = node->op->plan (net, node, error);
      if (r != WALLOC_OK)
        return r;
      net->plan.done[i] = 1;
    }
  }
  for (i = 0; i < net->n_nodes; i++) {
    node = &net->nodes[i];
    if (net->plan.done[i])
      continue;
    for (k = 0; k < node->n_in; k++) {
      if (node->in[k] >= 0 && net->plan.of_value[node->in[k]] < 0)
        return net_node_fail (node, error, WALLOC_ERR_UNSUPPORTED,
            "uses an output that is not computed: '%.60s'",
            net->values[node->in[k]].name);
      if (node->in[k] >= 0 && net->plan.quant[node->in[k]].integer
          && node->op->plan != net_plan_dequantise)
        return net_node_fail (node, error, WALLOC_ERR_UNSUPPORTED,
            "reads '%.60s', which only DequantizeLinear may",
            net->values[node->in[k]].name);
    }
    r = node->op->plan (net, node, error);
    if (r != WALLOC_OK)
      return r;
  }
  return WALLOC_OK;
}

/* Where a step can write an output that nobody else reads plane by plane, it
 * shall. */
static void
take_planes (walloc_net * net, int id, int value)
{
  net_tensor *t = net_t (net, id);
  int s = net->plan.producer[id];

  if (!t->cl || s < 0 || net->values[value].uses != 1
      || !net->plan.steps[s].makes_planes || t->packed != 0)
    return;
  net->plan.steps[s].planes = true;
  net->plan.producer[id] = -1;
  t->cl = false;
}

/* Every output in the plain layout in memory of its own that the caller's
 * pointer can stand for. */
static walloc_result
bind_outputs (walloc_net * net, walloc_error * error)
{
  static const int64_t one[NET_RANK] = { 1 };
  net_plan *plan = &net->plan;
  net_tensor *t;
  int64_t flat[1];
  unsigned i;
  int id, copy;
  walloc_result r;

  for (i = 0; i < net->n_outputs; i++) {
    net_node last = { 0 };

    last.name = net->values[net->outputs[i].value].name;
    last.op_name = "output";
    id = plan->of_value[net->outputs[i].value];
    if (id < 0 || net_t (net, id)->type == NET_I64
        || plan->quant[net->outputs[i].value].integer
        || net_t (net, id)->count == 0)
      return walloc_fail (error, WALLOC_ERR_UNSUPPORTED,
          "output '%.80s' is not a float tensor", last.name);
    take_planes (net, id, net->outputs[i].value);
    r = net_layout (net, &last, id, false, &id, error);
    if (r != WALLOC_OK)
      return r;
    t = net_t (net, net_t (net, id)->root);
    if (t->constant || t->in_port >= 0 || t->out_port >= 0
        || t->count != net_t (net, id)->count) {
      copy = net_tensor_new (net, NET_F32, net_t (net, id)->rank,
          net_t (net, id)->dims, false, false);
      if (copy < 0)
        return net_no_memory (&last, error);
      flat[0] = (int64_t) net_t (net, id)->count;
      r = net_emit_copy (net, &last, id, copy, 1, flat, one, 0, one, 0, error);
      if (r != WALLOC_OK)
        return r;
      id = copy;
    }
    plan->of_value[net->outputs[i].value] = id;
    net_t (net, net_t (net, id)->root)->out_port = (int) i;
  }
  return WALLOC_OK;
}

walloc_result
walloc_net_prepare (walloc_net * net, const walloc_net_shape * shapes,
    unsigned n_shapes, walloc_error * error)
{
  unsigned i;
  walloc_result r;

  if (net == NULL)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT, "no net");
  net_plan_clear (net);
  r = check_shapes (net, shapes, n_shapes, error);
  if (r != WALLOC_OK)
    return r;
  if (!make_tables (net))
    r = walloc_fail (error, WALLOC_ERR_MEMORY, "no memory for the plan");
  if (r == WALLOC_OK)
    net_count_readers (net);
  if (r == WALLOC_OK)
    r = make_sources (net, shapes, error);
  if (r == WALLOC_OK)
    net_find_rows (net);
  if (r == WALLOC_OK)
    r = plan_nodes (net, error);
  if (r == WALLOC_OK)
    r = bind_outputs (net, error);
  for (i = 0; r == WALLOC_OK && i < net->plan.n_steps; i++) {
    if (net->plan.steps[i].finish != NULL)
      r = net->plan.steps[i].finish (net, &net->plan.steps[i], error);
  }
  if (r == WALLOC_OK)
    r = net_plan_memory (net, error);
  if (r == WALLOC_OK)
    net->plan.ready = true;
  else
    net_plan_clear (net);
  return r;
}

walloc_result
walloc_net_offer_rows (walloc_net * net, unsigned index,
    walloc_net_row_fn row, void *user, walloc_error * error)
{
  if (net == NULL || index >= net->n_inputs)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT, "no input %u", index);
  net_plan_clear (net);
  net->inputs[index].row = row;
  net->inputs[index].row_user = user;
  return WALLOC_OK;
}

int
walloc_net_takes_rows (const walloc_net * net, unsigned index)
{
  return net->plan.ready && index < net->n_inputs && net->inputs[index].by_rows;
}

/* True when value is an output that steps only write. */
static bool
skippable (const net_plan * plan, int value)
{
  int root = plan->tensors[plan->of_value[value]].root;
  unsigned i, k;

  for (i = 0; i < plan->n_steps; i++) {
    for (k = 0; k < plan->steps[i].n_in; k++) {
      if (plan->tensors[plan->steps[i].in[k]].root == root)
        return false;
    }
  }
  return true;
}

typedef struct
{
  const net_step *step;
  const net_tensor *tensors;
} net_job;

static void
run_part (void *data, unsigned index)
{
  const net_job *job = data;

  job->step->run (job->step, job->tensors, index);
}

walloc_result
walloc_net_run (walloc_net * net, const float *const *inputs,
    unsigned n_inputs, float *const *outputs, unsigned n_outputs,
    const walloc_runner * runner, walloc_error * error)
{
  net_plan *plan;
  net_job job;
  unsigned i, k;

  if (net == NULL || !net->plan.ready)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT, "the net is not prepared");
  if (n_inputs != net->n_inputs || n_outputs != net->n_outputs
      || inputs == NULL || outputs == NULL)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT, "%u inputs and %u outputs"
        " given, the graph has %u and %u", n_inputs, n_outputs,
        net->n_inputs, net->n_outputs);
  plan = &net->plan;
  for (i = 0; i < n_inputs; i++) {
    if (inputs[i] == NULL && !net->inputs[i].by_rows)
      return walloc_fail (error, WALLOC_ERR_ARGUMENT, "input %u is NULL", i);
    plan->tensors[net->inputs[i].tensor].data = (void *) (uintptr_t) inputs[i];
  }
  for (i = 0; i < n_outputs; i++) {
    if (outputs[i] == NULL && !skippable (plan, net->outputs[i].value))
      return walloc_fail (error, WALLOC_ERR_ARGUMENT, "output %u is NULL", i);
    k = (unsigned) plan->of_value[net->outputs[i].value];
    plan->tensors[plan->tensors[k].root].data = outputs[i];
  }
  job.tensors = plan->tensors;
  for (i = 0; i < plan->n_steps; i++) {
    job.step = &plan->steps[i];
    if (NET_DATA (plan->tensors, job.step->out) == NULL && !job.step->side_only)
      continue;
    if (runner != NULL && runner->run != NULL && runner->threads > 1
        && job.step->count > 1) {
      runner->run (runner->user, run_part, &job, job.step->count);
      continue;
    }
    for (k = 0; k < job.step->count; k++)
      run_part (&job, k);
  }
  return WALLOC_OK;
}
