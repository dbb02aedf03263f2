/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Places for run-time tensors in one arena: a tensor gets its place at its
 * first step and gives it back after its last, lowest gap first. */
#include "net/net-private.h"

#include <string.h>

typedef struct
{
  size_t start, end;
  int tensor;
} net_place;

static bool
needs_place (const net_tensor * t)
{
  return !t->constant && t->in_port < 0 && t->out_port < 0;
}

static void
set_life (net_tensor * t, int step)
{
  if (t->first < 0)
    t->first = step;
  t->last = step;
}

static void
find_lives (walloc_net * net)
{
  net_plan *plan = &net->plan;
  const net_step *step;
  unsigned i, k;

  for (i = 0; i < plan->n_tensors; i++) {
    plan->tensors[i].first = -1;
    plan->tensors[i].last = -1;
  }
  for (i = 0; i < plan->n_steps; i++) {
    step = &plan->steps[i];
    for (k = 0; k < step->n_in; k++)
      plan->tensors[plan->tensors[step->in[k]].root].last = (int) i;
    if (!step->side_only)
      set_life (&plan->tensors[plan->tensors[step->out].root], (int) i);
    if (step->side != 0)
      set_life (&plan->tensors[step->side], (int) i);
  }
}

static size_t
place_bytes (const net_tensor * t)
{
  return (t->count * sizeof (float) + WALLOC_ALIGN - 1)
      / WALLOC_ALIGN * WALLOC_ALIGN;
}

/* A place for tensor, the lowest gap. */
static walloc_result
find_place (walloc_net * net, net_place * places, unsigned *n, int tensor,
    walloc_error * error)
{
  net_tensor *t = &net->plan.tensors[tensor];
  size_t size = place_bytes (t), offset = 0;
  unsigned at;

  for (at = 0; at < *n && places[at].start - offset < size; at++)
    offset = places[at].end;
  if (size > net->limits.max_activation_bytes - offset)
    return walloc_fail (error, WALLOC_ERR_LIMIT, "activations need more "
        "than the limit of %llu bytes",
        (unsigned long long) net->limits.max_activation_bytes);
  memmove (places + at + 1, places + at, (*n - at) * sizeof *places);
  places[at].start = offset;
  places[at].end = offset + size;
  places[at].tensor = tensor;
  ++*n;
  t->offset = offset;
  if (offset + size > net->plan.arena_bytes)
    net->plan.arena_bytes = offset + size;
  return WALLOC_OK;
}

walloc_result
net_plan_memory (walloc_net * net, walloc_error * error)
{
  net_plan *plan = &net->plan;
  net_place *places;
  unsigned n = 0, i, k, at;
  size_t size;
  walloc_result r;

  find_lives (net);
  places = net_plan_alloc (net, plan->n_tensors + 1, sizeof *places);
  if (places == NULL)
    return walloc_fail (error, WALLOC_ERR_MEMORY, "no memory for the plan");
  for (i = 0; i < plan->n_steps; i++) {
    net_step *step = &plan->steps[i];
    int out = plan->tensors[step->out].root;
    int in = step->n_in > 0 ? plan->tensors[step->in[0]].root : -1;
    net_tensor *t = &plan->tensors[out];

    if (needs_place (t) && t->first == (int) i) {
      size = place_bytes (t);
      if (step->in_place && in >= 0 && needs_place (&plan->tensors[in])
          && plan->tensors[in].last == (int) i
          && place_bytes (&plan->tensors[in]) == size) {
        for (k = 0; k < n; k++) {
          if (places[k].tensor == in) {
            places[k].tensor = out;
            t->offset = places[k].start;
            break;
          }
        }
      } else {
        r = find_place (net, places, &n, out, error);
        if (r != WALLOC_OK)
          return r;
      }
    }
    if (step->side != 0) {
      r = find_place (net, places, &n, step->side, error);
      if (r != WALLOC_OK)
        return r;
    }
    for (k = at = 0; k < n; k++) {
      if (plan->tensors[places[k].tensor].last > (int) i)
        places[at++] = places[k];
    }
    n = at;
  }
  plan->arena = net_plan_alloc (net, 1, plan->arena_bytes + WALLOC_ALIGN);
  if (plan->arena == NULL)
    return walloc_fail (error, WALLOC_ERR_MEMORY,
        "no memory for %zu bytes of activations", plan->arena_bytes);
  for (i = 0; i < plan->n_tensors; i++) {
    if (needs_place (&plan->tensors[i])
        && plan->tensors[i].root == (int) i)
      plan->tensors[i].data = (char *) plan->arena + plan->tensors[i].offset;
  }
  return WALLOC_OK;
}
