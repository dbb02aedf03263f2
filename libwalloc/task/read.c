/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A page: its lines are found, each is recognised and put in order. */
#include "task/task-private.h"

#include <math.h>
#include <string.h>

#include "task/lines.h"

/* Most likely of symbols + 1 outputs at a step. */
static unsigned
best_of (const float *logits, unsigned symbols, unsigned steps, unsigned step)
{
  unsigned best = 0, s;

  for (s = 1; s <= symbols; s++)
    if (logits[(size_t) s * steps + step] >
        logits[(size_t) best * steps + step])
      best = s;
  return best;
}

/* Its share of the softmax. */
static double
probability (const float *logits, unsigned symbols, unsigned steps,
    unsigned step, unsigned best)
{
  const double top = logits[(size_t) best * steps + step];
  double sum = 0;
  unsigned s;

  for (s = 0; s <= symbols; s++)
    sum += exp (logits[(size_t) s * steps + step] - top);
  return 1 / sum;
}

size_t
walloc_task_ctc_text (const float *logits, unsigned symbols, unsigned steps,
    const char *const *labels, char *text, size_t room, float *confidence)
{
  unsigned step, best, last = 0, kept = 0;
  size_t size = 0, n;
  double sum = 0;

  for (step = 0; step < steps; step++) {
    best = best_of (logits, symbols, steps, step);
    if (best != last && best != 0) {
      n = strlen (labels[best - 1]);
      if (text != NULL && size + n < room)
        memcpy (text + size, labels[best - 1], n);
      size += n;
      if (confidence != NULL)
        sum += probability (logits, symbols, steps, step, best);
      kept++;
    }
    last = best;
  }
  if (text != NULL && room > 0)
    text[size < room ? size : 0] = '\0';
  if (confidence != NULL)
    *confidence = kept > 0 ? (float) (sum / kept) : 0;
  return size;
}

size_t
walloc_task_trim (char *text)
{
  size_t first = strspn (text, " "), size = strlen (text);

  while (size > first && text[size - 1] == ' ')
    size--;
  memmove (text, text + first, size - first);
  text[size - first] = '\0';
  return size - first;
}

void
walloc_task_forget_page (walloc_task * t)
{
  unsigned i;

  for (i = 0; i < t->page.count; i++)
    walloc_mem_free (&t->mem, (char *) t->page.lines[i].text);
  walloc_mem_release (&t->mem, &t->page.lines);
  t->page.count = 0;
}

static float
within (double v, double most)
{
  return v > most ? (float) most : v > 0 ? (float) v : 0;
}

/* Box of a line in pixels of the picture. */
static void
set_box (const task_line * line, double scale, unsigned width,
    unsigned height, walloc_task_line * out)
{
  double a = line->middle + line->slope * line->left;
  double b = line->middle + line->slope * line->right;

  out->left = within (scale * line->left, width);
  out->right = within (scale * line->right, width);
  out->top = within (scale * (fmin (a, b) - line->height / 2), height);
  out->bottom = within (scale * (fmax (a, b) + line->height / 2), height);
  out->slope = (float) line->slope;
  out->column = line->column;
}

/* *work: of the recogniser on this page; many lines must not take longer than
 * a network may. */
static walloc_result
read_line (walloc_task * t, const task_line * line, unsigned width, int *rows,
    walloc_task_line * out, uint64_t * work, const walloc_runner * runner,
    walloc_error * error)
{
  unsigned first, last, x, steps;
  walloc_result result;
  const float *logits;
  size_t size;
  char *text;

  walloc_task_line_columns (line, width, &first, &last);
  for (x = first; x <= last; x++)
    rows[x - first] = walloc_task_line_row (line, x, t->info.rows);
  result = walloc_task_recognise (t, (int) first, rows, last - first + 1,
      &logits, &steps, runner, error);
  if (result != WALLOC_OK)
    return result;
  *work += walloc_net_work (t->recogniser.net);
  if (*work > t->limits.max_work)
    return walloc_fail (error, WALLOC_ERR_LIMIT, "reading the lines of a page "
        "takes more than %llu multiply-adds",
        (unsigned long long) t->limits.max_work);
  size = walloc_task_ctc_text (logits, t->info.n_labels, steps,
      t->info.labels, NULL, 0, &out->confidence);
  text = walloc_mem_alloc (&t->mem, size + 1, 1);
  if (text == NULL)
    return walloc_fail (error, WALLOC_ERR_MEMORY,
        "no memory for a line of %zu bytes", size);
  walloc_task_ctc_text (logits, t->info.n_labels, steps, t->info.labels, text,
      size + 1, NULL);
  walloc_task_trim (text);
  out->text = text;
  return WALLOC_OK;
}

walloc_result
walloc_task_read (walloc_task * task, unsigned width, unsigned height,
    const walloc_task_line ** lines, unsigned *count,
    const walloc_runner * runner, walloc_error * error)
{
  unsigned n = WALLOC_TASK_MAX_LINES, i, grid;
  walloc_result result;
  walloc_net_shape shape;
  task_line *found = NULL;
  uint64_t work = 0;
  const float *map;
  int *rows = NULL, short_of = 0;

  if (task == NULL || lines == NULL || count == NULL
      || task->info.kind != WALLOC_TASK_READ)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT,
        "no network that reads text");
  *lines = NULL;
  *count = 0;
  walloc_task_forget_page (task);
  map = walloc_task_output (task, "lines", &shape);
  if (map == NULL)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT, "nothing was run");
  grid = (unsigned) shape.dims[3];
  found = walloc_mem_take (&task->mem, n, sizeof *found, &short_of);
  rows = walloc_mem_take (&task->mem, grid, sizeof *rows, &short_of);
  result = short_of ? walloc_fail (error, WALLOC_ERR_MEMORY,
      "no memory to read a page") :
      walloc_task_find_lines (&task->mem, map, grid, (unsigned) shape.dims[2],
      found, &n, error);
  if (result == WALLOC_OK) {
    task->page.lines = walloc_mem_take (&task->mem, n, sizeof
        *task->page.lines, &short_of);
    if (short_of)
      result = walloc_fail (error, WALLOC_ERR_MEMORY,
          "no memory for %u lines", n);
  }
  for (i = 0; result == WALLOC_OK && i < n; i++) {
    set_box (&found[i], exp2 (task->scale), width, height,
        &task->page.lines[i]);
    result = read_line (task, &found[i], grid, rows, &task->page.lines[i],
        &work, runner, error);
    if (result == WALLOC_OK)
      task->page.count++;
  }
  walloc_mem_free (&task->mem, found);
  walloc_mem_free (&task->mem, rows);
  if (result != WALLOC_OK) {
    walloc_task_forget_page (task);
    return result;
  }
  *lines = task->page.lines;
  *count = task->page.count;
  return WALLOC_OK;
}
