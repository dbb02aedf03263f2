/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Preparing and running a task network on latents. */
#include "task/task-private.h"

#include <string.h>

#include "common/parallel.h"

/* a grid of 16384 pixels has 2048; a network may be run on more */
#define MAX_SIDE WALLOC_TASK_MAX_COLUMNS
/* of frames */
#define MAX_SCALE 2

static int
is_sound (const walloc_task * t)
{
  return t->info.media == WALLOC_MEDIA_AUDIO;
}

void
walloc_task_unprepare (walloc_task * t)
{
  unsigned i;

  for (i = 0; i < TASK_MAX_OUTPUTS; i++)
    walloc_mem_release (&t->mem, &t->out[i]);
  walloc_mem_release (&t->mem, &t->in);
  walloc_mem_release (&t->mem, &t->rows);
  t->row_slots = 0;
  walloc_task_unprepare_resample (t);
  memset (&t->plan, 0, sizeof t->plan);
  t->ran = 0;
}

/* Row y of channel c of what is run on; NULL: zeros. room: for a row, may be
 * used or not. */
static const float *
row_of (const walloc_task * t, unsigned c, unsigned y, float *room)
{
  const task_source *s = &t->source;
  const walloc_latents *l = s->latents;
  const uint16_t *of;
  const int16_t *data;
  int any;

  if (c >= s->channels)
    return NULL;
  if (l == NULL)
    return s->planes[c] != NULL ? s->planes[c] + (size_t) y *s->stride : NULL;
  data = l->data + ((size_t) c * l->height + y) * l->width;
  of = l->step_of != NULL ? l->step_of + (size_t) y *l->width : NULL;
  if (of == NULL || l->steps == 1)
    any = walloc_values_step (data, l->width, l->step[c], room);
  else
    any = walloc_values_step_of (data, l->width, l->step + c, of, l->channels,
        room);
  return any ? room : NULL;
}

/* For networks that take rows. */
static void
give_row (void *user, unsigned y, void (*take) (void *taker,
        const float *const *planes), void *taker)
{
  walloc_task *t = user;
  unsigned slot = walloc_workers_take (&t->workers), c;
  unsigned k = t->info.channels;
  float *rows = t->rows + (size_t) slot * k * t->plan.width;
  const float **planes = (const float **) (void *) (t->rows +
      (size_t) t->row_slots * k * t->plan.width) + (size_t) slot * k;

  for (c = 0; c < k; c++)
    planes[c] = row_of (t, c, y, rows + (size_t) c * t->plan.width);
  take (taker, planes);
  walloc_workers_give (&t->workers, slot);
}

/* Row y of all channels of the dense input. */
static void
fill_row (void *user, unsigned y)
{
  walloc_task *t = user;
  size_t plane = (size_t) t->plan.width * t->plan.height;
  float *out = t->in + (size_t) y * t->plan.width;
  const float *row;
  unsigned c;

  for (c = 0; c < t->info.channels; c++, out += plane) {
    row = row_of (t, c, y, out);
    if (row == NULL)
      memset (out, 0, t->plan.width * sizeof *out);
    else if (row != out)
      memcpy (out, row, t->plan.width * sizeof *out);
  }
}

static walloc_result
take_memory (walloc_task * t, walloc_error * error)
{
  size_t n, most = t->mem.a.limit / sizeof (float);
  int short_of = 0;
  unsigned i;

  if (!t->by_rows)
    t->in = walloc_mem_take (&t->mem, (size_t) t->plan.width *
        t->plan.height * t->info.channels, sizeof (float), &short_of);
  for (i = 0; i < t->n_outputs && !short_of; i++) {
    walloc_net_output (t->net, i, &t->shape[i]);
    n = walloc_task_elements (&t->shape[i], most);
    short_of |= n == 0;
    t->out[i] = walloc_mem_take (&t->mem, n, sizeof (float), &short_of);
  }
  if (short_of)
    return walloc_fail (error, WALLOC_ERR_MEMORY, "inputs and outputs of a "
        "network on a grid of %ux%u need more memory than there is (limit %zu "
        "bytes)", t->plan.width, t->plan.height, t->mem.a.limit);
  return WALLOC_OK;
}

static walloc_result
check_grid (unsigned width, unsigned height, walloc_error * error)
{
  if (width >= 1 && height >= 1 && width <= MAX_SIDE && height <= MAX_SIDE)
    return WALLOC_OK;
  return walloc_fail (error, WALLOC_ERR_ARGUMENT,
      "a grid of %ux%u latents is not within 1x1 and %ux%u", width, height,
      MAX_SIDE, MAX_SIDE);
}

/* Of what the network sees. */
static walloc_result
check_size (const walloc_task * t, unsigned width, unsigned height,
    walloc_error * error)
{
  const walloc_task_info *info = &t->info;

  if ((info->width > 0 && info->width != width)
      || (info->height > 0 && info->height != height))
    return walloc_fail (error, WALLOC_ERR_ARGUMENT, "the network takes latents "
        "of %ux%u (0: any), the stream has %ux%u; take a network of any size, "
        "or scale before encoding", info->width, info->height, width, height);
  return WALLOC_OK;
}

/* The network, on what it sees. */
static walloc_result
prepare_net (walloc_task * t, unsigned width, unsigned height,
    walloc_error * error)
{
  walloc_net_shape shapes[TASK_MAX_INPUTS];
  walloc_error why = { "" };
  walloc_result result;
  unsigned i;

  for (i = 0; i < t->n_inputs; i++) {
    walloc_net_shape *s = &shapes[i];

    if (t->input[i] != TASK_IN_LATENTS) {
      walloc_net_input (t->net, i, s);
      if (s->rank > 1 || s->rank == 0)
        s->rank = 1;
      s->dims[0] = 1;
    } else if (is_sound (t)) {
      *s = (walloc_net_shape) {
        3, {
        1, t->info.channels, width}
      };
    } else {
      *s = (walloc_net_shape) {
        4, {
        1, t->info.channels, height, width}
      };
    }
  }
  result = walloc_net_prepare (t->net, shapes, t->n_inputs, &why);
  if (result == WALLOC_OK)
    return WALLOC_OK;
  /* the shapes are the contract's: it is the file that does not take them */
  return walloc_fail (error, result == WALLOC_ERR_ARGUMENT ? WALLOC_ERR_MODEL :
      result, "the network on %u channels of %ux%u: %.180s", t->info.channels,
      width, height, why.text);
}

/* All graphs, from the frame's grid on. The first one gets the frame's
 * latents, most of which are zero; what it makes of them is not. */
static walloc_result
prepare_graphs (walloc_task * t, const task_plan * plan, walloc_error * error)
{
  walloc_net *first = walloc_task_first_stage (t, plan);
  unsigned port = first == t->net ? t->latents : 0;
  walloc_result result;

  result = walloc_net_offer_rows (t->net, t->latents, NULL, NULL, error);
  if (result == WALLOC_OK && !is_sound (t))
    result = walloc_net_offer_rows (first, port, give_row, t, error);
  if (result == WALLOC_OK)
    result = walloc_task_prepare_resample (t, plan, error);
  if (result == WALLOC_OK)
    result = prepare_net (t, plan->seen_width, plan->seen_height, error);
  if (result == WALLOC_OK)
    t->by_rows = walloc_net_takes_rows (first, port);
  return result;
}

/* For latents of width by height of the picture. */
static walloc_result
prepare (walloc_task * t, unsigned width, unsigned height,
    const task_picture * picture, walloc_error * error)
{
  walloc_result result = check_grid (width, height, error);
  task_plan plan;

  if (result != WALLOC_OK) {
    walloc_task_unprepare (t);
    return result;
  }
  walloc_task_plan_resample (t, width, height, picture, &plan);
  if (memcmp (&plan, &t->plan, sizeof plan) == 0)
    return WALLOC_OK;
  walloc_task_unprepare (t);
  result = check_grid (plan.seen_width, plan.seen_height, error);
  if (result == WALLOC_OK)
    result = check_size (t, plan.seen_width, is_sound (t) ? 0 :
        plan.seen_height, error);
  if (result == WALLOC_OK)
    result = prepare_graphs (t, &plan, error);
  if (result == WALLOC_OK) {
    t->plan = plan;
    result = walloc_task_check_outputs (t, error);
  }
  if (result == WALLOC_OK)
    result = take_memory (t, error);
  if (result != WALLOC_OK)
    walloc_task_unprepare (t);
  return result;
}

/* The one of which only the grid is known. */
static task_picture
picture_of (unsigned width, unsigned height, unsigned scale)
{
  return (task_picture) {
  8 *width << scale, 8 * height << scale, scale};
}

walloc_result
walloc_task_prepare (walloc_task * task, unsigned width, unsigned height,
    walloc_error * error)
{
  task_picture picture;

  if (task == NULL)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT, "no task");
  if (is_sound (task))
    height = 1;
  picture = picture_of (width, height, 0);
  return prepare (task, width, height, &picture, error);
}

walloc_result
walloc_task_prepare_picture (walloc_task * task, unsigned width,
    unsigned height, unsigned scale, walloc_error * error)
{
  task_picture picture = { width, height, scale };

  if (task == NULL || is_sound (task) || scale > MAX_SCALE)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT, task == NULL ? "no task" :
        scale > MAX_SCALE ? "a scale above 2" : "a network of sound is told "
        "of a picture");
  if (width > 8 * MAX_SIDE || height > 8 * MAX_SIDE)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT, "a picture of %ux%u pixels "
        "is not within %ux%u", width, height, 8 * MAX_SIDE, 8 * MAX_SIDE);
  task->resample.picture = picture;
  return prepare (task, walloc_task_positions (width, scale),
      walloc_task_positions (height, scale), &picture, error);
}

/* Memory for rows of every worker: values, then pointers to them. */
static walloc_result
take_rows (walloc_task * t, walloc_error * error)
{
  size_t floats = (size_t) t->plan.width * t->info.channels;
  /* two floats hold a pointer of up to 8 bytes */
  size_t pointers = 2 * (size_t) t->info.channels;
  int short_of = 0;

  /* the pointers behind them must be aligned */
  if (t->row_slots >= t->workers.count)
    return WALLOC_OK;
  walloc_mem_release (&t->mem, &t->rows);
  t->row_slots = (t->workers.count + 1) & ~1u;
  t->rows = walloc_mem_take (&t->mem, (floats + pointers) * t->row_slots,
      sizeof (float), &short_of);
  if (!short_of)
    return WALLOC_OK;
  t->row_slots = 0;
  return walloc_fail (error, WALLOC_ERR_MEMORY,
      "no memory for rows of %u channels of %u latents",
      t->info.channels, t->plan.width);
}

/* The picture that was told of, if it can be the source's. */
static task_picture
source_picture (const walloc_task * t, unsigned scale)
{
  const task_picture *told = &t->resample.picture;

  if (told->width > 0 && told->scale == scale
      && walloc_task_positions (told->width, scale) == t->source.width
      && walloc_task_positions (told->height, scale) == t->source.height)
    return *told;
  return picture_of (t->source.width, t->source.height, scale);
}

/* Runs on t->source. */
static walloc_result
run (walloc_task * t, unsigned scale, const walloc_runner * runner,
    walloc_error * error)
{
  const float *inputs[TASK_MAX_INPUTS], *latents;
  task_picture picture;
  walloc_result result;
  float seen_step, seen_scale;
  unsigned i;

  t->ran = 0;
  if (scale > MAX_SCALE)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT, "a scale above 2");
  picture = source_picture (t, scale);
  result = prepare (t, t->source.width, t->source.height, &picture, error);
  if (result != WALLOC_OK)
    return result;
  walloc_workers_init (&t->workers, runner);
  if (t->by_rows)
    result = take_rows (t, error);
  else
    walloc_parallel (runner, fill_row, t, t->plan.height);
  latents = t->in;
  if (result == WALLOC_OK)
    result = walloc_task_run_resample (t, &latents, runner, error);
  if (result != WALLOC_OK)
    return result;
  /* a position of a reduced picture is a mean of four */
  seen_step = t->step / (float) (1u << t->plan.reduce);
  seen_scale = t->plan.reduce > 0 ? 0 : t->scale;
  for (i = 0; i < t->n_inputs; i++)
    inputs[i] = t->input[i] == TASK_IN_LATENTS ? latents :
        t->input[i] == TASK_IN_STEP ? &seen_step : &seen_scale;
  result = walloc_net_run (t->net, inputs, t->n_inputs, t->out, t->n_outputs,
      runner, error);
  if (result != WALLOC_OK)
    return result;
  for (i = 0; i < t->n_outputs; i++)
    if (!walloc_values_finite (t->out[i], walloc_task_elements (&t->shape[i],
                SIZE_MAX)))
      return walloc_fail (error, WALLOC_ERR_MODEL, "output '%.40s' of the "
          "network has values that are no finite numbers; its weights are "
          "damaged", walloc_net_output (t->net, i, NULL));
  t->ran = 1;
  return WALLOC_OK;
}

walloc_result
walloc_task_run (walloc_task * task, const walloc_latents * latents,
    unsigned scale, const walloc_runner * runner, walloc_error * error)
{
  task_source *s;

  if (task == NULL || latents == NULL || latents->data == NULL
      || is_sound (task))
    return walloc_fail (error, WALLOC_ERR_ARGUMENT, task == NULL ||
        latents == NULL || latents->data == NULL ? "no task or no latents" :
        "a network of sound is given latents of a picture");
  s = &task->source;
  memset (s, 0, sizeof *s);
  s->latents = latents;
  s->channels = latents->channels;
  s->width = latents->width;
  s->height = latents->height;
  task->step = latents->step[0];
  task->scale = (float) scale;
  return run (task, scale, runner, error);
}

walloc_result
walloc_task_run_planes (walloc_task * task, const float *const *planes,
    unsigned channels, unsigned width, unsigned height, size_t stride,
    float step, unsigned scale, const walloc_runner * runner,
    walloc_error * error)
{
  task_source *s;

  if (task == NULL || (planes == NULL && channels > 0) || stride < width
      || (is_sound (task) && height != 1))
    return walloc_fail (error, WALLOC_ERR_ARGUMENT, task == NULL ||
        (planes == NULL && channels > 0) ? "no task or no planes" :
        stride < width ? "rows that overlap" : "sound has one row of columns");
  s = &task->source;
  memset (s, 0, sizeof *s);
  s->planes = planes;
  s->channels = channels;
  s->width = width;
  s->height = height;
  s->stride = stride;
  task->step = step;
  task->scale = (float) scale;
  return run (task, scale, runner, error);
}

const float *
walloc_task_output (const walloc_task * task, const char *name,
    walloc_net_shape * shape)
{
  int i;

  if (task == NULL || name == NULL || !task->ran)
    return NULL;
  i = walloc_task_find_output (task, name);
  if (i < 0)
    return NULL;
  if (shape != NULL)
    *shape = task->shape[i];
  return task->out[i];
}
