/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Task networks of tests/golden/task and latents for them. */
#ifndef TESTS_TASK_UTIL_H
#define TESTS_TASK_UTIL_H

#include <walloc/task.h>

#include <math.h>
#include <string.h>

#include "tap.h"

#define TASK_FILE(name) TEST_GOLDEN_DIR "/task/" name ".onnx"
#define TASK_MODEL 0x4d25cde431323797ull
#define TASK_SOUND 0x502d3d7655cc0133ull

/* Exits when it does not load: no test can go on without. */
static __attribute__ ((unused)) walloc_task *
task_open (const char *path)
{
  walloc_task *task = NULL;
  walloc_error error = { "" };

  if (walloc_task_load_file (&task, path, NULL, NULL, &error) != WALLOC_OK) {
    printf ("Bail out! %s: %s\n", path, error.text);
    exit (1);
  }
  return task;
}

/* Latents of a picture whose values are known: integers that differ by
 * position and channel, with steps per channel. */
typedef struct
{
  walloc_latents l;
  int16_t *data;
  float *step;
  uint16_t *step_of;
} task_latents;

static __attribute__ ((unused)) void
task_latents_new (task_latents * t, unsigned channels, unsigned width,
    unsigned height, unsigned steps)
{
  size_t n = (size_t) width * height, i;
  unsigned c, seed = 7, s;

  memset (t, 0, sizeof *t);
  t->data = calloc (n * channels, sizeof *t->data);
  t->step = calloc ((size_t) steps * channels, sizeof *t->step);
  t->step_of = calloc (n, sizeof *t->step_of);
  for (i = 0; i < n * channels; i++)
    t->data[i] = (int16_t) (tap_random (&seed) % 21) - 10;
  for (s = 0; s < steps; s++)
    for (c = 0; c < channels; c++)
      t->step[s * channels + c] = 2.0f + 0.5f * (float) s + 0.25f * (float) c;
  for (i = 0; i < n; i++)
    t->step_of[i] = (uint16_t) (tap_random (&seed) % steps);
  t->l.channels = channels;
  t->l.width = width;
  t->l.height = height;
  t->l.data = t->data;
  t->l.steps = steps;
  t->l.step = t->step;
  t->l.step_of = steps > 1 ? t->step_of : NULL;
}

static __attribute__ ((unused)) void
task_latents_free (task_latents * t)
{
  free (t->data);
  free (t->step);
  free (t->step_of);
}

static __attribute__ ((unused)) float
task_value (const task_latents * t, unsigned c, unsigned x, unsigned y)
{
  size_t at = (size_t) y * t->l.width + x;
  unsigned row = t->l.step_of != NULL ? t->l.step_of[at] : 0;

  if (c >= t->l.channels)
    return 0;
  return (float) t->data[(size_t) c * t->l.width * t->l.height + at] *
      t->step[row * t->l.channels + c];
}

/* Mean of channel 0. */
static __attribute__ ((unused)) double
task_mean (const task_latents * t)
{
  double sum = 0;
  unsigned x, y;

  for (y = 0; y < t->l.height; y++)
    for (x = 0; x < t->l.width; x++)
      sum += task_value (t, 0, x, y);
  return sum / t->l.width / t->l.height;
}

/* A runner that goes backwards, as one with threads may. */
static __attribute__ ((unused)) void
task_backwards (void *user, void (*work) (void *data, unsigned index),
    void *data, unsigned count)
{
  (void) user;
  while (count-- > 0)
    work (data, count);
}

#endif
