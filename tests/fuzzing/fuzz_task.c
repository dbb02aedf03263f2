/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Task networks: whatever loads is run on a small grid under tight limits, by
 * latents and by planes, on one thread and backwards; both must put out the
 * same, what a task makes of it must be within bounds, and all memory must come
 * back. One that resamples is run so that it enlarges and reduces. */
#include <walloc/task.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAX_CHANNELS 64
#define SIDE 7
#define MAX_COLUMNS 64
#define MAX_MASK 96

int LLVMFuzzerTestOneInput (const uint8_t * data, size_t size);

static void
require (int condition)
{
  if (!condition)
    abort ();
}

static void *
count_alloc (void *user, size_t size)
{
  ++*(size_t *) user;
  return malloc (size);
}

static void
count_free (void *user, void *block)
{
  --*(size_t *) user;
  free (block);
}

static void
run_backwards (void *user, void (*work) (void *data, unsigned index),
    void *data, unsigned count)
{
  (void) user;
  while (count-- > 0)
    work (data, count);
}

static const walloc_runner backwards = { run_backwards, NULL, 3 };

static size_t
elements (const walloc_net_shape * shape)
{
  size_t n = 1;
  unsigned i;

  for (i = 0; i < shape->rank; i++)
    n *= (size_t) shape->dims[i];
  return n;
}

/* A copy of the output of that name, NULL when there is none. */
static float *
copy_output (const walloc_task * task, const char *name, size_t *n)
{
  walloc_net_shape shape;
  const float *values = walloc_task_output (task, name, &shape);
  float *copy;

  if (values == NULL)
    return NULL;
  *n = elements (&shape);
  copy = malloc (*n * sizeof *copy + 1);
  memcpy (copy, values, *n * sizeof *copy);
  return copy;
}

static void
check_labels (const walloc_task * task, const walloc_task_info * info)
{
  walloc_task_class top[5];
  unsigned n = 5, i;

  if (info->kind != WALLOC_TASK_CLASSIFY)
    return;
  require (walloc_task_classify (task, top, &n, NULL) == WALLOC_OK);
  require (n >= 1 && n <= 5 && n <= info->n_labels);
  for (i = 0; i < n; i++) {
    require (top[i].class_id < info->n_labels);
    require (top[i].confidence >= 0 && top[i].confidence <= 1);
    require (i == 0 || top[i].confidence <= top[i - 1].confidence);
    require (strlen (info->labels[top[i].class_id]) > 0);
  }
}

static void
check_mask (const walloc_task * task, const walloc_task_info * info)
{
  static uint8_t mask[MAX_MASK * MAX_MASK];
  float shares[WALLOC_TASK_MAX_SEGMENTS], sum = 0;
  unsigned i;

  if (info->kind != WALLOC_TASK_SEGMENT)
    return;
  require (walloc_task_mask (task, 8, SIDE * 8 - 3, SIDE * 8 - 1, mask,
          MAX_MASK, shares, &backwards, NULL) == WALLOC_OK);
  for (i = 0; i < SIDE * 8 - 3; i++)
    require (mask[i] < info->n_labels);
  for (i = 0; i < info->n_labels; i++)
    sum += shares[i];
  require (fabsf (sum - 1) < 1e-3f);
}

static void
check_text (walloc_task * task, const walloc_task_info * info)
{
  static const int rows[9] = { -1, 0, 1, 2, 3, 100, -100, 0, 0 };
  const float *logits;
  unsigned steps;

  if (info->kind != WALLOC_TASK_READ)
    return;
  if (walloc_task_recognise (task, -2, rows, 9, &logits, &steps, &backwards,
          NULL) == WALLOC_OK)
    require (steps > 0 && isfinite (logits[(size_t) steps *
                (info->n_labels + 1) - 1]));
  walloc_task_recognise (task, 3, rows, 2, &logits, &steps, NULL, NULL);
}

/* Of the middle of a coded picture, at the frame's scale: what is seen must be
 * what the picture has at that size. */
static void
check_grid (const walloc_task * task, const walloc_task_info * info,
    unsigned scale)
{
  const unsigned side = SIDE;
  unsigned width, height;
  int zoom;

  walloc_task_grid (task, &width, &height, &zoom);
  require (width >= 1 && height >= 1 && zoom <= (int) scale && zoom >= -3);
  require (zoom == 0 || info->size > 0);
  require (zoom <= 0 || info->enlarges);
  require (zoom >= 0 || info->reduces);
  if (zoom > 0)
    require (width <= side << zoom && height > side << (zoom - 1));
  if (zoom < 0)
    require (width == ((side - 1) >> -zoom) + 1 && height == width);
}

static void
run_picture (walloc_task * task, const walloc_task_info * info, unsigned scale)
{
  static int16_t data[MAX_CHANNELS * SIDE * SIDE];
  static float step[2 * MAX_CHANNELS];
  static uint16_t step_of[SIDE * SIDE];
  walloc_latents latents = { MAX_CHANNELS, SIDE, SIDE, data, 2, step, step_of,
    NULL
  };
  const char *name = info->kind <= WALLOC_TASK_SEGMENT ? "logits" :
      info->kind == WALLOC_TASK_COLORIZE ? "latents_out" : "features";
  float *a, *b;
  size_t n = 0, m = 0, i;

  for (i = 0; i < MAX_CHANNELS * SIDE * SIDE; i++)
    data[i] = (int16_t) (i * 7 % 13 > 8 ? i * 5 % 11 : 0);
  for (i = 0; i < 2 * MAX_CHANNELS; i++)
    step[i] = 0.5f + (float) (i % 5);
  for (i = 0; i < SIDE * SIDE; i++)
    step_of[i] = i % 3 == 0;
  /* the edge is within the last position */
  if (walloc_task_prepare_picture (task, (SIDE * 8 - 3) << scale,
          (SIDE * 8 - 7) << scale, scale, NULL) == WALLOC_OK)
    check_grid (task, info, scale);
  if (walloc_task_run (task, &latents, scale, NULL, NULL) != WALLOC_OK) {
    require (walloc_task_output (task, name, NULL) == NULL);
    return;
  }
  a = copy_output (task, name, &n);
  check_labels (task, info);
  check_mask (task, info);
  check_text (task, info);
  require (walloc_task_run (task, &latents, scale, &backwards, NULL) ==
      WALLOC_OK);
  b = copy_output (task, name, &m);
  require (a != NULL && b != NULL && n == m
      && memcmp (a, b, n * sizeof *a) == 0);
  free (a);
  free (b);
}

static void
run_sound (walloc_task * task, const walloc_task_info * info)
{
  static float row[MAX_COLUMNS];
  const float *planes[MAX_CHANNELS];
  unsigned columns = info->window > 0 ? info->window : 24, i;

  if (columns > MAX_COLUMNS)
    return;
  for (i = 0; i < MAX_COLUMNS; i++)
    row[i] = (float) (i * 11 % 17) - 8;
  for (i = 0; i < MAX_CHANNELS; i++)
    planes[i] = i % 4 ? row : NULL;
  if (walloc_task_run_planes (task, planes, MAX_CHANNELS, columns, 1,
          MAX_COLUMNS, 2, 0, NULL, NULL) == WALLOC_OK)
    check_labels (task, info);
}

int
LLVMFuzzerTestOneInput (const uint8_t * data, size_t size)
{
  static const walloc_net_limits limits = {
    1 << 20, 1 << 22, 1 << 22, 200
  };
  size_t blocks = 0;
  walloc_allocator allocator = {
    count_alloc, count_free, &blocks, 1 << 26
  };
  walloc_task *task = NULL;
  walloc_task_info info;
  walloc_error error = { "" };
  unsigned scale;

  if (walloc_task_load (&task, data, size, &allocator, &limits, &error) !=
      WALLOC_OK) {
    require (task == NULL && blocks == 0 && error.text[0] != '\0');
    return 0;
  }
  walloc_task_get_info (task, &info);
  require (info.channels >= 1 && info.channels <= WALLOC_TASK_MAX_CHANNELS);
  require (info.kind == WALLOC_TASK_COLORIZE || info.n_labels >= 1);
  if (info.media == WALLOC_MEDIA_AUDIO)
    run_sound (task, &info);
  else
    for (scale = 0; scale < 3; scale++)
      run_picture (task, &info, scale);
  walloc_task_free (task);
  require (blocks == 0);
  return 0;
}
