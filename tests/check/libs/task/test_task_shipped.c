/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The networks in models/tasks: each says what it is, reads one of the codec
 * models that stand beside it, and runs on grids of all shapes, in all
 * precisions, with the same result whatever the threads. */
#include <walloc/model.h>

#include <dirent.h>

#include "task_util.h"

#define FOLDER TEST_MODELS_DIR "/tasks/"
#define MAX_NETWORKS 64

static int
find_model (uint64_t id, walloc_model_info * info)
{
  static const char *const names[] = { "photo-1.wlm", "sound-1.wlm" };
  char path[1024];
  walloc_model *model;
  unsigned i;
  int found = 0;

  for (i = 0; i < sizeof names / sizeof names[0] && !found; i++) {
    snprintf (path, sizeof path, "%s/%s", TEST_MODELS_DIR, names[i]);
    if (walloc_model_load (path, NULL, &model, NULL) != WALLOC_OK)
      continue;
    walloc_model_get_info (model, info);
    found = info->id == id;
    walloc_model_unref (model);
  }
  return found;
}

/* Runs on a grid of pseudo-random latents; *sum tells results apart. */
static walloc_result
run (walloc_task * task, const walloc_task_info * info, unsigned width,
    unsigned height, const walloc_runner * runner, double *sum,
    walloc_error * error)
{
  static const char *const outputs[] = {
    "logits", "logits", "latents_out", "latents_out", "lines"
  };
  size_t plane = (size_t) width * height, n = 1, i;
  float *values = malloc (plane * info->channels * sizeof *values);
  const float **planes = malloc (info->channels * sizeof *planes);
  unsigned seed = 3, c;
  walloc_net_shape shape;
  walloc_result result;
  const float *out;

  /* the higher the channel, the more of it is zero */
  for (i = 0; i < plane * info->channels; i++) {
    unsigned v = tap_random (&seed);

    values[i] = v % 64 > 60 - 60 * (i / plane) / info->channels ? 0 :
        (float) (v / 64 % 401) - 200;
  }
  for (c = 0; c < info->channels; c++)
    planes[c] = values + c * plane;
  result = walloc_task_run_planes (task, planes, info->channels, width, height,
      width, 8, 0, runner, error);
  *sum = 0;
  if (result == WALLOC_OK) {
    out = walloc_task_output (task, outputs[info->kind], &shape);
    for (i = 0; i < shape.rank; i++)
      n *= (size_t) shape.dims[i];
    for (i = 0; i < n; i++)
      *sum += out[i] * (double) (1 + i % 7);
  }
  free (planes);
  free (values);
  return result;
}

static void
test_sizes (const char *name, walloc_task * task, const walloc_task_info * info)
{
  static const unsigned sizes[][2] = {
    {1, 1}, {2, 1}, {1, 5}, {7, 3}, {33, 18}
  };
  walloc_runner runner = { task_backwards, NULL, 4 };
  walloc_error error = { "" };
  unsigned i, w, h, n = sizeof sizes / sizeof sizes[0];
  double a, b;
  int good;

  if (info->width > 0 || info->window > 0)
    n = 1;
  for (i = 0; i < n; i++) {
    w = info->window > 0 ? info->window : info->width > 0 ? info->width :
        sizes[i][0];
    h = info->media == WALLOC_MEDIA_AUDIO ? 1 : info->height > 0 ?
        info->height : sizes[i][1];
    if (info->kind == WALLOC_TASK_SEPARATE)
      w += info->context;
    good = run (task, info, w, h, NULL, &a, &error) == WALLOC_OK &&
        run (task, info, w, h, &runner, &b, &error) == WALLOC_OK;
    TAP_OK (good && a == b,
        "%s on %ux%u: %llu multiply-adds, %llu bytes %s", name, w, h,
        (unsigned long long) walloc_task_work (task),
        (unsigned long long) walloc_task_activation_bytes (task), error.text);
  }
}

/* Weights that were packed for one size serve others: what a size gives does
 * not depend on what was prepared before. */
static void
test_again (const char *name, walloc_task * task, const walloc_task_info * info)
{
  const int any = info->window == 0 && info->width == 0;
  const unsigned w = info->window > 0 ? info->window : info->width > 0 ?
      info->width : 21 + info->context;
  const unsigned h = info->media == WALLOC_MEDIA_AUDIO ? 1 :
      info->height > 0 ? info->height : 13;
  walloc_net_precision p;
  double first, other, again;
  int good;

  for (p = WALLOC_NET_F32; p <= WALLOC_NET_INT8; p++) {
    walloc_task_set_precision (task, p, NULL);
    good = run (task, info, w, h, NULL, &first, NULL) == WALLOC_OK;
    if (any)
      good &= run (task, info, w + 5, h, NULL, &other, NULL) == WALLOC_OK;
    walloc_task_set_precision (task, (p + 1) % 3, NULL);
    good &= run (task, info, w, h, NULL, &other, NULL) == WALLOC_OK;
    walloc_task_set_precision (task, p, NULL);
    good &= run (task, info, w, h, NULL, &again, NULL) == WALLOC_OK;
    TAP_OK (good && first == again, "%s in precision %d: the same again", name,
        (int) p);
  }
}

static void
test_network (const char *name)
{
  char path[1024];
  walloc_task *task = NULL;
  walloc_task_info info;
  walloc_model_info model;
  walloc_error error = { "" };

  snprintf (path, sizeof path, "%s%s", FOLDER, name);
  if (!TAP_OK (walloc_task_load_file (&task, path, NULL, NULL, &error) ==
          WALLOC_OK, "%s loads %s", name, error.text))
    return;
  walloc_task_get_info (task, &info);
  TAP_OK (strncmp (info.name, name, strlen (info.name)) == 0
      && strcmp (name + strlen (info.name), ".onnx") == 0,
      "%s is named %s", name, info.name);
  TAP_OK (find_model (info.model_id, &model) && model.media == info.media
      && info.channels <= model.channels, "%s: %u channels of model %016llx",
      name, info.channels, (unsigned long long) info.model_id);
  test_sizes (name, task, &info);
  TAP_OK (walloc_task_set_precision (task, WALLOC_NET_FASTEST, &error) ==
      WALLOC_OK, "%s in the fastest precision", name);
  test_sizes (name, task, &info);
  test_again (name, task, &info);
  walloc_task_free (task);
}

static int
is_onnx (const struct dirent *entry)
{
  size_t length = strlen (entry->d_name);

  return length > 5 && strcmp (entry->d_name + length - 5, ".onnx") == 0;
}

int
main (void)
{
  struct dirent **entries;
  int n = scandir (FOLDER, &entries, is_onnx, alphasort), i;

  if (n <= 0) {
    tap_skip ("networks", "there are none in models/tasks");
    return tap_done ();
  }
  for (i = 0; i < n && i < MAX_NETWORKS; i++) {
    test_network (entries[i]->d_name);
    free (entries[i]);
  }
  free (entries);
  return tap_done ();
}
