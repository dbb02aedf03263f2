/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The recogniser of a reader: a second graph that makes symbols of the features
 * around a line of text. */
#include "task/task-private.h"

#include <string.h>

void
walloc_task_unprepare_recogniser (walloc_task * t)
{
  task_recogniser *r = &t->recogniser;

  walloc_mem_release (&t->mem, &r->in);
  walloc_mem_release (&t->mem, &r->out);
  r->columns = r->features = r->steps = 0;
}

void
walloc_task_free_recogniser (walloc_task * t)
{
  walloc_task_unprepare_recogniser (t);
  walloc_net_free (t->recogniser.net);
  t->recogniser.net = NULL;
}

/* What the graph declares; what it leaves open shows once prepared. */
static walloc_result
check (const walloc_task * t, const walloc_net * net, walloc_error * error)
{
  walloc_net_shape in, out;
  const char *in_name = walloc_net_input (net, 0, &in);
  const char *out_name = walloc_net_output (net, 0, &out);
  int64_t n = (int64_t) t->info.n_labels + 1;

  if (walloc_net_inputs (net) != 1 || walloc_net_outputs (net) != 1
      || strcmp (in_name, "features") != 0 || strcmp (out_name, "logits") != 0)
    return walloc_fail (error, WALLOC_ERR_MODEL, "the recogniser "
        "(walloc.recogniser) has %u inputs and %u outputs; one input "
        "'features' and one output 'logits' are expected",
        walloc_net_inputs (net), walloc_net_outputs (net));
  if (in.rank != 0 && (in.rank != 4 || (in.dims[2] > 0
              && in.dims[2] != t->info.rows)))
    return walloc_fail (error, WALLOC_ERR_MODEL, "the recogniser's input has "
        "%u dimensions and %lld rows; 4 (1, features, rows, columns) and %u "
        "rows (walloc.part) are expected", in.rank,
        in.rank > 2 ? (long long) in.dims[2] : 0LL, t->info.rows);
  if (out.rank != 0 && (out.rank != 3 || (out.dims[1] > 0 && out.dims[1] != n)))
    return walloc_fail (error, WALLOC_ERR_MODEL, "the recogniser's output has "
        "%u dimensions and %lld symbols; 3 (1, symbols, steps) and %lld (blank "
        "and %u labels) are expected", out.rank,
        out.rank > 1 ? (long long) out.dims[1] : 0LL, (long long) n,
        t->info.n_labels);
  return WALLOC_OK;
}

walloc_result
walloc_task_load_recogniser (walloc_task * t, walloc_error * error)
{
  walloc_result result = walloc_task_load_graph (t, "walloc.recogniser",
      &t->recogniser.net, error);

  return result == WALLOC_OK ? check (t, t->recogniser.net, error) : result;
}

static walloc_result
prepare (walloc_task * t, unsigned features, unsigned columns,
    walloc_error * error)
{
  task_recogniser *r = &t->recogniser;
  walloc_net_shape in = { 4, {1, features, t->info.rows, columns} }, out;
  walloc_error why = { "" };
  walloc_result result;
  int short_of = 0;
  size_t n;

  if (r->columns == columns && r->features == features)
    return WALLOC_OK;
  walloc_task_unprepare_recogniser (t);
  result = walloc_net_prepare (r->net, &in, 1, &why);
  if (result != WALLOC_OK)
    return walloc_fail (error, result == WALLOC_ERR_ARGUMENT ?
        WALLOC_ERR_MODEL : result, "the recogniser on %u features of %ux%u: "
        "%.180s", features, columns, t->info.rows, why.text);
  walloc_net_output (r->net, 0, &out);
  n = walloc_task_elements (&out, t->mem.a.limit / sizeof (float));
  if (out.rank != 3 || out.dims[0] != 1
      || out.dims[1] != (int64_t) t->info.n_labels + 1 || n == 0)
    return walloc_fail (error, WALLOC_ERR_MODEL, "the recogniser puts out %u "
        "dimensions and %lld symbols; 3 (1, symbols, steps) and %u (blank and "
        "%u labels) are expected", out.rank, out.rank > 1 ?
        (long long) out.dims[1] : 0LL, t->info.n_labels + 1, t->info.n_labels);
  r->in = walloc_mem_take (&t->mem, (size_t) features * t->info.rows * columns,
      sizeof (float), &short_of);
  r->out = walloc_mem_take (&t->mem, n, sizeof (float), &short_of);
  if (short_of) {
    walloc_task_unprepare_recogniser (t);
    return walloc_fail (error, WALLOC_ERR_MEMORY,
        "no memory for a recogniser of %u columns", columns);
  }
  r->columns = columns;
  r->features = features;
  r->steps = (unsigned) out.dims[2];
  return WALLOC_OK;
}

/* The strip of the features, zeros beyond them. */
static void
crop (walloc_task * t, const float *features, const walloc_net_shape * shape,
    int x, const int *y)
{
  task_recogniser *r = &t->recogniser;
  int64_t height = shape->dims[2], width = shape->dims[3], row, column;
  float *out = r->in;
  unsigned f, k, i;

  for (f = 0; f < (unsigned) shape->dims[1]; f++, features += height * width) {
    for (k = 0; k < t->info.rows; k++, out += r->columns) {
      for (i = 0; i < r->columns; i++) {
        row = (int64_t) y[i] + k;
        column = (int64_t) x + i;
        out[i] = row < 0 || row >= height || column < 0 || column >= width ?
            0.0f : features[row * width + column];
      }
    }
  }
}

walloc_result
walloc_task_recognise (walloc_task * task, int x, const int *y,
    unsigned columns, const float **logits, unsigned *steps,
    const walloc_runner * runner, walloc_error * error)
{
  walloc_net_shape shape;
  const float *features, *inputs[1];
  float *outputs[1];
  walloc_result result;

  if (task == NULL || y == NULL || logits == NULL || steps == NULL
      || task->recogniser.net == NULL)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT,
        "no network that reads text");
  *logits = NULL;
  *steps = 0;
  features = walloc_task_output (task, "features", &shape);
  if (features == NULL || columns < 1 || columns > WALLOC_TASK_MAX_COLUMNS)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT, features == NULL ?
        "nothing was run before the recogniser" :
        "a recogniser takes 1 to 65536 columns");
  result = prepare (task, (unsigned) shape.dims[1], columns, error);
  if (result != WALLOC_OK)
    return result;
  crop (task, features, &shape, x, y);
  inputs[0] = task->recogniser.in;
  outputs[0] = task->recogniser.out;
  result = walloc_net_run (task->recogniser.net, inputs, 1, outputs, 1, runner,
      error);
  if (result != WALLOC_OK)
    return result;
  if (!walloc_values_finite (outputs[0], (size_t) (task->info.n_labels + 1) *
          task->recogniser.steps))
    return walloc_fail (error, WALLOC_ERR_MODEL, "the recogniser puts out "
        "values that are no finite numbers; its weights are damaged");
  *logits = outputs[0];
  *steps = task->recogniser.steps;
  return WALLOC_OK;
}
