/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Latents of a picture to latents of the same picture at another size: by two
 * small graphs that a network may bring with it, for streams that are coded
 * at other sizes than those that it was trained on ("Size" in
 * docs/design/latent-inference.md).
 *
 * A graph is prepared for one size, so each time that a picture is enlarged or
 * reduced has a copy of its own, which is loaded when it is first needed. */
#include "task/task-private.h"

#include <string.h>

static const char *const keys[] = { "walloc.reduce", "walloc.enlarge" };

unsigned
walloc_task_positions (unsigned size, unsigned scale)
{
  return (((size + (1u << scale) - 1) >> scale) + 7) / 8;
}

/* The shorter side as coded. */
static uint64_t
shorter (const task_picture * picture, unsigned scale)
{
  uint64_t side = picture->width < picture->height ? picture->width :
      picture->height;

  return (side + (1u << scale) - 1) >> scale;
}

/* What the graph declares; what it leaves open shows once prepared. */
static walloc_result
check_ports (const walloc_task * t, const walloc_net * net, const char *key,
    walloc_error * error)
{
  const int64_t k = t->info.channels;
  walloc_net_shape in, out;
  const char *in_name = walloc_net_input (net, 0, &in);
  const char *out_name = walloc_net_output (net, 0, &out);

  if (walloc_net_inputs (net) != 1 || walloc_net_outputs (net) != 1
      || strcmp (in_name, "latents") != 0
      || strcmp (out_name, "latents_out") != 0)
    return walloc_fail (error, WALLOC_ERR_MODEL, "the graph in '%s' has %u "
        "inputs and %u outputs; one input 'latents' and one output "
        "'latents_out' are expected", key, walloc_net_inputs (net),
        walloc_net_outputs (net));
  if ((in.rank != 0 && in.rank != 4) || (in.rank == 4 && in.dims[1] >= 0
          && in.dims[1] != k))
    return walloc_fail (error, WALLOC_ERR_MODEL, "the graph in '%s' takes "
        "latents of %u dimensions and %lld channels; 4 (1, channels, height, "
        "width) and %lld (walloc.channels) are expected", key, in.rank,
        in.rank > 1 ? (long long) in.dims[1] : 0LL, (long long) k);
  if ((out.rank != 0 && out.rank != 4) || (out.rank == 4 && out.dims[1] >= 0
          && out.dims[1] != k))
    return walloc_fail (error, WALLOC_ERR_MODEL, "the graph in '%s' puts out "
        "latents of %u dimensions and %lld channels; 4 (1, channels, height, "
        "width) and %lld (walloc.channels) are expected", key, out.rank,
        out.rank > 1 ? (long long) out.dims[1] : 0LL, (long long) k);
  return WALLOC_OK;
}

static walloc_result
load (walloc_task * t, task_stage * stage, const char *key,
    walloc_error * error)
{
  walloc_result result;

  if (stage->net != NULL)
    return WALLOC_OK;
  result = walloc_task_load_graph (t, key, &stage->net, error);
  return result == WALLOC_OK ? check_ports (t, stage->net, key, error) : result;
}

walloc_result
walloc_task_load_resample (walloc_task * t, walloc_error * error)
{
  walloc_result result = WALLOC_OK;

  if (t->info.reduces)
    result = load (t, &t->resample.reduce[0], keys[0], error);
  if (t->info.enlarges && result == WALLOC_OK)
    result = load (t, &t->resample.enlarge[0], keys[1], error);
  return result;
}

/* Sides that differ by less than sqrt (2) are left alone. */
void
walloc_task_plan_resample (const walloc_task * t, unsigned width,
    unsigned height, const task_picture * picture, task_plan * plan)
{
  uint64_t size = t->info.size, side;
  unsigned scale = picture->scale;

  memset (plan, 0, sizeof *plan);
  plan->width = plan->seen_width = width;
  plan->height = plan->seen_height = height;
  if (size == 0 || t->resample.off)
    return;
  side = shorter (picture, scale);
  while (t->info.enlarges && scale > 0 && plan->enlarge < TASK_MAX_ENLARGE
      && 2 * side * side <= size * size) {
    plan->enlarge++;
    scale--;
    plan->seen_width = walloc_task_positions (picture->width, scale);
    plan->seen_height = walloc_task_positions (picture->height, scale);
    side = shorter (picture, scale);
  }
  while (t->info.reduces && plan->enlarge == 0
      && plan->reduce < TASK_MAX_REDUCE && side * side >= 2 * size * size) {
    plan->reduce++;
    plan->seen_width = (plan->seen_width + 1) / 2;
    plan->seen_height = (plan->seen_height + 1) / 2;
    side = (side + 1) / 2;
  }
}

/* The i-th of those that a plan has; NULL: no more. */
static task_stage *
stage_of (const walloc_task * t, const task_plan * plan, unsigned i)
{
  task_resample *r = (task_resample *) & t->resample;

  if (i < plan->enlarge)
    return &r->enlarge[i];
  return i < plan->reduce ? &r->reduce[i] : NULL;
}

walloc_net *
walloc_task_first_stage (const walloc_task * t, const task_plan * plan)
{
  task_stage *stage = stage_of (t, plan, 0);

  return stage != NULL ? stage->net : t->net;
}

void
walloc_task_unprepare_resample (walloc_task * t)
{
  unsigned i;

  for (i = 0; i < TASK_MAX_ENLARGE; i++)
    walloc_mem_release (&t->mem, &t->resample.enlarge[i].out);
  for (i = 0; i < TASK_MAX_REDUCE; i++)
    walloc_mem_release (&t->mem, &t->resample.reduce[i].out);
}

/* For width by height positions; stage->width and height are set. */
static walloc_result
prepare (walloc_task * t, task_stage * stage, const char *key, unsigned width,
    unsigned height, int larger, walloc_error * error)
{
  const int64_t wide = larger ? 2 * (int64_t) width : (width + 1) / 2;
  const int64_t high = larger ? 2 * (int64_t) height : (height + 1) / 2;
  walloc_net_shape in = { 4, {1, t->info.channels, height, width} }, out;
  walloc_error why = { "" };
  walloc_result result;
  int short_of = 0;

  result = walloc_net_prepare (stage->net, &in, 1, &why);
  if (result != WALLOC_OK)
    return walloc_fail (error, result == WALLOC_ERR_ARGUMENT ?
        WALLOC_ERR_MODEL : result, "the graph in '%s' on %u channels of %ux%u: "
        "%.180s", key, t->info.channels, width, height, why.text);
  walloc_net_output (stage->net, 0, &out);
  if (out.rank != 4 || out.dims[0] != 1 || out.dims[1] != t->info.channels
      || out.dims[2] != high || out.dims[3] != wide)
    return walloc_fail (error, WALLOC_ERR_MODEL, "the graph in '%s' makes "
        "%lldx%lldx%lld of %u channels of %ux%u (channels, height, width); "
        "%ux%lldx%lld is expected", key,
        out.rank == 4 ? (long long) out.dims[1] : 0LL,
        out.rank == 4 ? (long long) out.dims[2] : 0LL,
        out.rank == 4 ? (long long) out.dims[3] : 0LL, t->info.channels, width,
        height, t->info.channels, (long long) high, (long long) wide);
  stage->out = walloc_mem_take (&t->mem, (size_t) wide * (size_t) high *
      t->info.channels, sizeof (float), &short_of);
  if (short_of)
    return walloc_fail (error, WALLOC_ERR_MEMORY, "%u channels of latents of "
        "%lldx%lld need more memory than there is (limit %zu bytes)",
        t->info.channels, (long long) wide, (long long) high, t->mem.a.limit);
  return WALLOC_OK;
}

walloc_result
walloc_task_prepare_resample (walloc_task * t, const task_plan * plan,
    walloc_error * error)
{
  const unsigned n = plan->enlarge + plan->reduce;
  const int larger = plan->enlarge > 0;
  unsigned width = plan->width, height = plan->height, i;
  walloc_result result = WALLOC_OK;
  task_stage *stage;

  for (i = 0; i < n && result == WALLOC_OK; i++) {
    stage = stage_of (t, plan, i);
    result = load (t, stage, keys[larger], error);
    if (result == WALLOC_OK)
      result = prepare (t, stage, keys[larger], width, height, larger, error);
    /* what is seen last, enlarged less often: the edge is that of the
     * picture at every size */
    stage->width = larger ? (plan->seen_width + (1u << (n - 1 - i)) - 1) >>
        (n - 1 - i) : (width + 1) / 2;
    stage->height = larger ? (plan->seen_height + (1u << (n - 1 - i)) - 1) >>
        (n - 1 - i) : (height + 1) / 2;
    width = stage->width;
    height = stage->height;
  }
  return result;
}

/* Planes of width by height, in place, to what is used of them. */
static void
crop (const task_stage * stage, unsigned channels, unsigned width,
    unsigned height)
{
  const float *from = stage->out;
  float *to = stage->out;
  unsigned c, y;

  if (width == stage->width && height == stage->height)
    return;
  for (c = 0; c < channels; c++, from += (size_t) width * height) {
    for (y = 0; y < stage->height; y++, to += stage->width)
      memmove (to, from + (size_t) y * width, stage->width * sizeof *to);
  }
}

walloc_result
walloc_task_run_resample (walloc_task * t, const float **values,
    const walloc_runner * runner, walloc_error * error)
{
  const int larger = t->plan.enlarge > 0;
  unsigned width = t->plan.width, height = t->plan.height, i;
  walloc_result result;
  task_stage *stage;

  for (i = 0; (stage = stage_of (t, &t->plan, i)) != NULL; i++) {
    result = walloc_net_run (stage->net, values, 1, &stage->out, 1, runner,
        error);
    if (result != WALLOC_OK)
      return result;
    width = larger ? 2 * width : (width + 1) / 2;
    height = larger ? 2 * height : (height + 1) / 2;
    if (!walloc_values_finite (stage->out, (size_t) width * height *
            t->info.channels))
      return walloc_fail (error, WALLOC_ERR_MODEL, "the graph in '%s' puts "
          "out values that are no finite numbers; its weights are damaged",
          keys[larger]);
    crop (stage, t->info.channels, width, height);
    width = stage->width;
    height = stage->height;
    *values = stage->out;
  }
  return WALLOC_OK;
}

/* All of the task's stages, one after the other; NULL: no more. */
static task_stage *
any_stage (const walloc_task * t, unsigned i)
{
  task_resample *r = (task_resample *) & t->resample;

  if (i < TASK_MAX_ENLARGE)
    return &r->enlarge[i];
  i -= TASK_MAX_ENLARGE;
  return i < TASK_MAX_REDUCE ? &r->reduce[i] : NULL;
}

walloc_result
walloc_task_set_resample_precision (walloc_task * t,
    walloc_net_precision precision, walloc_error * error)
{
  walloc_result result = WALLOC_OK;
  task_stage *stage;
  unsigned i;

  for (i = 0; (stage = any_stage (t, i)) != NULL && result == WALLOC_OK; i++)
    if (stage->net != NULL)
      result = walloc_net_set_precision (stage->net, precision, error);
  return result;
}

uint64_t
walloc_task_resample_total (const walloc_task * t,
    uint64_t (*of) (const walloc_net * net))
{
  uint64_t sum = 0;
  task_stage *stage;
  unsigned i;

  for (i = 0; (stage = stage_of (t, &t->plan, i)) != NULL; i++)
    sum += of (stage->net);
  return sum;
}

void
walloc_task_free_resample (walloc_task * t)
{
  task_stage *stage;
  unsigned i;

  walloc_task_unprepare_resample (t);
  for (i = 0; (stage = any_stage (t, i)) != NULL; i++)
    walloc_net_free (stage->net);
}

walloc_result
walloc_task_set_resample (walloc_task * task, int resample,
    walloc_error * error)
{
  if (task == NULL)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT, "no task");
  /* the next run finds that its plan is another one, if it is */
  task->resample.off = !resample;
  return WALLOC_OK;
}

void
walloc_task_grid (const walloc_task * task, unsigned *width, unsigned *height,
    int *zoom)
{
  *width = *height = 0;
  *zoom = 0;
  if (task == NULL || task->plan.width == 0)
    return;
  *width = task->plan.seen_width;
  *height = task->plan.seen_height;
  *zoom = (int) task->plan.enlarge - (int) task->plan.reduce;
}
