/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Inputs and outputs of a task network: found by name, and of the shapes that
 * its task has (docs/design/latent-inference.md). */
#include "task/task-private.h"

#include <stdio.h>
#include <string.h>

/* What an output must look like; -1: any size from 1 on. */
typedef struct
{
  const char *name;
  unsigned rank;
  int64_t dims[4];
  const char *form;             /* the same in words */
} expected;

#define MAX_EXPECTED 2

/* "2x3x?" */
static const char *
shape_text (char out[TASK_QUOTE], const walloc_net_shape * shape)
{
  size_t n = 0;
  unsigned i;

  out[0] = '\0';
  for (i = 0; i < shape->rank && n < TASK_QUOTE; i++) {
    if (shape->dims[i] < 0)
      n += (size_t) snprintf (out + n, TASK_QUOTE - n, "%s?", i ? "x" : "");
    else
      n += (size_t) snprintf (out + n, TASK_QUOTE - n, "%s%lld", i ? "x" : "",
          (long long) shape->dims[i]);
  }
  return out;
}

/* What the task puts out, with the grid's size or -1 for unknown. */
static unsigned
expect (const walloc_task * t, expected out[MAX_EXPECTED])
{
  int64_t n = t->info.n_labels, k = t->info.channels;
  int64_t w = t->plan.width > 0 ? (int64_t) t->plan.seen_width : -1;
  int64_t h = t->plan.width > 0 ? (int64_t) t->plan.seen_height : -1;

  switch (t->info.kind) {
    case WALLOC_TASK_CLASSIFY:
    out[0] = (expected) {
      "logits", 2, {
      1, n}
    , "1 x labels"};
      return 1;
    case WALLOC_TASK_SEGMENT:
    out[0] = (expected) {
      "logits", 4, {
      1, n, -1, -1}
    , "1 x labels x height x width"};
      return 1;
    case WALLOC_TASK_COLORIZE:
    out[0] = (expected) {
      "latents_out", 4, {
      1, -1, h, w}
    , "1 x channels x height x width of the grid"};
      return 1;
    case WALLOC_TASK_SEPARATE:
    out[0] = (expected) {
      "latents_out", 4, {
      1, n, k, w}
    , "1 x stems (labels) x walloc.channels x columns"};
      return 1;
    default:
    out[0] = (expected) {
      "lines", 4, {
      1, 5, h, w}
    , "1 x 5 x height x width of the grid"};
      out[1] = (expected) {
        "features", 4, {
        1, -1, -1, -1}
      , "1 x features x height x width"};
      return 2;
  }
}

/* What does not fit is told with what is there and what is expected. */
static walloc_result
check_shape (const walloc_task * t, const expected * e,
    const walloc_net_shape * shape, walloc_error * error)
{
  unsigned i, skip = 0;
  int fits;
  char has[TASK_QUOTE], wants[TASK_QUOTE];
  walloc_net_shape want = { 0 };

  /* stems may come without the batch */
  if (t->info.kind == WALLOC_TASK_SEPARATE && shape->rank == 3)
    skip = 1;
  want.rank = e->rank - skip;
  memcpy (want.dims, e->dims + skip, want.rank * sizeof want.dims[0]);
  fits = shape->rank == want.rank;
  for (i = 0; fits && i < want.rank; i++)
    fits = want.dims[i] < 0 || shape->dims[i] < 0 ||
        shape->dims[i] == want.dims[i];
  if (fits)
    return WALLOC_OK;
  return walloc_fail (error, WALLOC_ERR_MODEL, "output '%s' of a network for "
      "%s has the shape %s; %s (%s) is expected, with %u labels and "
      "walloc.channels %u", e->name, walloc_task_kind_name (t->info.kind),
      shape_text (has, shape), shape_text (wants, &want), e->form,
      t->info.n_labels, t->info.channels);
}

int
walloc_task_find_output (const walloc_task * t, const char *name)
{
  unsigned i;

  for (i = 0; i < t->n_outputs; i++)
    if (strcmp (walloc_net_output (t->net, i, NULL), name) == 0)
      return (int) i;
  return -1;
}

size_t
walloc_task_elements (const walloc_net_shape * shape, size_t limit)
{
  size_t n = 1;
  unsigned i;

  for (i = 0; i < shape->rank; i++) {
    if (shape->dims[i] < 1 || (uint64_t) shape->dims[i] > limit / n)
      return 0;
    n *= (size_t) shape->dims[i];
  }
  return n;
}

walloc_result
walloc_task_check_outputs (walloc_task * t, walloc_error * error)
{
  expected e[MAX_EXPECTED];
  walloc_net_shape shape;
  walloc_result result;
  unsigned n = expect (t, e), i;
  int at;

  for (i = 0; i < n; i++) {
    at = walloc_task_find_output (t, e[i].name);
    if (at < 0)
      return walloc_fail (error, WALLOC_ERR_MODEL, "a network for %s has no "
          "output '%s'; one of %s is expected",
          walloc_task_kind_name (t->info.kind), e[i].name, e[i].form);
    walloc_net_output (t->net, (unsigned) at, &shape);
    /* a rank that the file does not state shows once prepared */
    if (shape.rank == 0 && t->plan.width == 0)
      continue;
    result = check_shape (t, &e[i], &shape, error);
    if (result != WALLOC_OK)
      return result;
  }
  return WALLOC_OK;
}

/* The input "latents": 1 x K x height x width, of sound 1 x K x columns. */
static walloc_result
check_latents (walloc_task * t, const walloc_net_shape * shape,
    walloc_error * error)
{
  int sound = t->info.media == WALLOC_MEDIA_AUDIO;
  unsigned rank = sound ? 3 : 4, i;
  char has[TASK_QUOTE];
  int fits;

  if (shape->rank == 0)
    return WALLOC_OK;
  fits = shape->rank == rank && (shape->dims[0] == 1 || shape->dims[0] < 0)
      && (shape->dims[1] == t->info.channels || shape->dims[1] < 0);
  for (i = 2; fits && i < rank; i++)
    fits = shape->dims[i] < 0 || (shape->dims[i] >= 1
        && shape->dims[i] <= WALLOC_TASK_MAX_COLUMNS);
  if (!fits)
    return walloc_fail (error, WALLOC_ERR_MODEL, "input 'latents' has the "
        "shape %s; 1x%u (walloc.channels)x%s is expected",
        shape_text (has, shape), t->info.channels,
        sound ? "columns" : "height x width");
  if (sound) {
    t->info.width = shape->dims[2] > 0 ? (unsigned) shape->dims[2] : 0;
  } else {
    t->info.height = shape->dims[2] > 0 ? (unsigned) shape->dims[2] : 0;
    t->info.width = shape->dims[3] > 0 ? (unsigned) shape->dims[3] : 0;
  }
  if (t->info.window > 0 && t->info.width > 0
      && t->info.width != t->info.window)
    return walloc_fail (error, WALLOC_ERR_MODEL, "input 'latents' has %u "
        "columns; %u (walloc.window) are expected", t->info.width,
        t->info.window);
  return WALLOC_OK;
}

static walloc_result
check_inputs (walloc_task * t, walloc_error * error)
{
  static const char *const names[] = { "latents", "step", "scale" };
  char quoted[TASK_QUOTE], has[TASK_QUOTE];
  walloc_net_shape shape;
  walloc_result result;
  unsigned i, k, found = 0;
  const char *name;

  t->n_inputs = walloc_net_inputs (t->net);
  for (i = 0; i < t->n_inputs; i++) {
    name = walloc_net_input (t->net, i, &shape);
    for (k = 0; k < TASK_MAX_INPUTS && strcmp (name, names[k]) != 0; k++);
    if (k == TASK_MAX_INPUTS || (k == TASK_IN_SCALE
            && t->info.media == WALLOC_MEDIA_AUDIO) || found >> k & 1)
      return walloc_fail (error, WALLOC_ERR_MODEL, "the network has the input "
          "'%s'; %s are known, once each", walloc_task_quote (quoted, name),
          t->info.media == WALLOC_MEDIA_AUDIO ? "latents and step" :
          "latents, step and scale");
    found |= 1u << k;
    t->input[i] = (task_input) k;
    if (k == TASK_IN_LATENTS) {
      t->latents = i;
      result = check_latents (t, &shape, error);
      if (result != WALLOC_OK)
        return result;
    } else if (shape.rank > 1 || (shape.rank == 1 && shape.dims[0] > 1)) {
      return walloc_fail (error, WALLOC_ERR_MODEL, "input '%s' has the shape "
          "%s; 1 is expected", names[k], shape_text (has, &shape));
    }
  }
  if ((found & 1) == 0)
    return walloc_fail (error, WALLOC_ERR_MODEL, "the network has no input "
        "'latents' among its %u", t->n_inputs);
  return WALLOC_OK;
}

walloc_result
walloc_task_check_ports (walloc_task * t, walloc_error * error)
{
  walloc_result result = check_inputs (t, error);

  if (result != WALLOC_OK)
    return result;
  t->n_outputs = walloc_net_outputs (t->net);
  if (t->n_outputs > TASK_MAX_OUTPUTS)
    return walloc_fail (error, WALLOC_ERR_MODEL,
        "the network has %u outputs, more than %d", t->n_outputs,
        TASK_MAX_OUTPUTS);
  return walloc_task_check_outputs (t, error);
}
