/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files and calls that are refused: with the right error, a text that names
 * what is wrong, and no memory lost. */
#include "task_util.h"

typedef struct
{
  size_t blocks, calls, fail_at;
} heap;

static void *
heap_alloc (void *user, size_t size)
{
  heap *h = user;
  void *block;

  if (++h->calls == h->fail_at)
    return NULL;
  block = malloc (size);
  h->blocks += block != NULL;
  return block;
}

static void
heap_free (void *user, void *block)
{
  ((heap *) user)->blocks--;
  free (block);
}

typedef struct
{
  const char *name;
  walloc_result result;
  const char *words;            /* in the text */
} wrong;

/* What does not load. */
static const wrong wrong_files[] = {
  {"bad-no-version", WALLOC_ERR_MODEL, "'walloc.version'"},
  {"bad-no-task", WALLOC_ERR_MODEL, "'walloc.task'"},
  {"bad-no-media", WALLOC_ERR_MODEL, "'walloc.media'"},
  {"bad-no-model", WALLOC_ERR_MODEL, "'walloc.model'"},
  {"bad-no-channels", WALLOC_ERR_MODEL, "'walloc.channels'"},
  {"bad-no-name", WALLOC_ERR_MODEL, "'walloc.name'"},
  {"bad-no-labels", WALLOC_ERR_MODEL, "no metadata 'walloc.labels'"},
  {"bad-no-rate", WALLOC_ERR_MODEL, "'walloc.rate'"},
  {"bad-no-window", WALLOC_ERR_MODEL, "'walloc.window'"},
  {"bad-version", WALLOC_ERR_UNSUPPORTED, "'walloc.version' is 2"},
  {"bad-task", WALLOC_ERR_MODEL, "'guess'"},
  {"bad-media", WALLOC_ERR_MODEL, "'smell'"},
  {"bad-model-short", WALLOC_ERR_MODEL, "'4d25cde4'"},
  {"bad-channels", WALLOC_ERR_MODEL, "1x13 (walloc.channels)"},
  {"bad-channels-many", WALLOC_ERR_MODEL, "'4097'"},
  {"bad-channels-text", WALLOC_ERR_MODEL, "'-12'"},
  {"bad-labels-few", WALLOC_ERR_MODEL, "with 2 labels"},
  {"bad-labels-json", WALLOC_ERR_MODEL, "'walloc.labels'"},
  {"bad-labels-none", WALLOC_ERR_LIMIT, "0 entries"},
  {"bad-labels-number", WALLOC_ERR_MODEL, "entry 1 is no string"},
  {"bad-labels-empty", WALLOC_ERR_MODEL, "entry 1 is empty"},
  {"bad-labels-long", WALLOC_ERR_MODEL, "entry 0 is longer"},
  {"bad-sound", WALLOC_ERR_MODEL, "input 'latents'"},
  {"bad-hop", WALLOC_ERR_MODEL, "'walloc.hop' is '0'"},
  {"bad-window-large", WALLOC_ERR_LIMIT, "'walloc.window'"},
  {"bad-window-many", WALLOC_ERR_MODEL, "'65537'"},
  {"bad-palette-few", WALLOC_ERR_MODEL, "'walloc.palette'"},
  {"bad-palette", WALLOC_ERR_MODEL, "entry 1"},
  {"bad-rank", WALLOC_ERR_MODEL, "1x3x1x1"},
  {"bad-output", WALLOC_ERR_MODEL, "no output 'logits'"},
  {"bad-input", WALLOC_ERR_MODEL, "'pixels'"},
  {"bad-input-rank", WALLOC_ERR_MODEL, "1x12x?"},
  {"bad-no-recogniser", WALLOC_ERR_MODEL, "'walloc.recogniser'"},
  {"bad-base64", WALLOC_ERR_MODEL, "character 40"},
  {"bad-recogniser", WALLOC_ERR_MODEL, "recogniser"},
  {"bad-recogniser-rows", WALLOC_ERR_MODEL, "3 rows"},
  {"bad-recogniser-symbols", WALLOC_ERR_MODEL, "4 symbols"},
  {"bad-size-none", WALLOC_ERR_MODEL, "no metadata 'walloc.size'"},
  {"bad-size-zero", WALLOC_ERR_MODEL, "'walloc.size' is '7'"},
  {"bad-size-many", WALLOC_ERR_MODEL, "'walloc.size' is '16385'"},
  {"bad-size-text", WALLOC_ERR_MODEL, "'walloc.size' is '64px'"},
  {"bad-reduce-base64", WALLOC_ERR_MODEL, "'walloc.reduce' is no base64 (at "
        "character 40"},
  {"bad-reduce-cut", WALLOC_ERR_MODEL, "the graph in 'walloc.reduce'"},
  {"bad-reduce-empty", WALLOC_ERR_MODEL, "'walloc.reduce' is no base64"},
  {"bad-reduce-input", WALLOC_ERR_MODEL, "one input 'latents'"},
  {"bad-reduce-output", WALLOC_ERR_MODEL, "one output 'latents_out'"},
  {"bad-reduce-channels", WALLOC_ERR_MODEL, "11 channels"},
  {"bad-enlarge-channels", WALLOC_ERR_MODEL, "13 channels"},
  {"bad-cycle", WALLOC_ERR_MODEL, ""},
  {"bad-missing", WALLOC_ERR_MODEL, "b"},
};

/* What loads and does not run. */
static const wrong wrong_runs[] = {
  {"bad-rank-open", WALLOC_ERR_MODEL, "1x3x1x1"},
  {"bad-nan", WALLOC_ERR_MODEL, "no finite numbers"},
  {"bad-log", WALLOC_ERR_MODEL, "no finite numbers"},
  {"bad-huge", WALLOC_ERR_LIMIT, ""},
  {"bad-work", WALLOC_ERR_LIMIT, ""},
  {"bad-reduce-quarter", WALLOC_ERR_MODEL, "'walloc.reduce' makes 12x9x16"},
  {"bad-reduce-fixed", WALLOC_ERR_MODEL, "'walloc.reduce' on 12 channels of "
        "64x36"},
  {"bad-reduce-nan", WALLOC_ERR_MODEL, "'walloc.reduce' puts out values"},
  {"bad-reduce-huge", WALLOC_ERR_LIMIT, "'walloc.reduce'"},
};

static walloc_result
load (const char *name, heap * h, walloc_task ** task, walloc_error * error)
{
  walloc_allocator allocator = { heap_alloc, heap_free, h, 1 << 28 };
  char path[512];

  snprintf (path, sizeof path, "%s/task/%s.onnx", TEST_GOLDEN_DIR, name);
  error->text[0] = '\0';
  *task = (walloc_task *) h;
  return walloc_task_load_file (task, path, &allocator, NULL, error);
}

static void
test_files (void)
{
  unsigned i;

  for (i = 0; i < sizeof wrong_files / sizeof wrong_files[0]; i++) {
    const wrong *w = &wrong_files[i];
    heap h = { 0, 0, 0 };
    walloc_error error;
    walloc_task *task;
    walloc_result result = load (w->name, &h, &task, &error);

    TAP_OK (result == w->result && strstr (error.text, w->words) != NULL
        && task == NULL && h.blocks == 0, "%s: %s: %s", w->name,
        walloc_strerror (result), error.text);
  }
}

/* A name that is no text where it is shown. */
static void
test_name (void)
{
  static uint8_t bytes[1 << 16];
  FILE *file = fopen (TASK_FILE ("classify"), "rb");
  size_t size = file != NULL ? fread (bytes, 1, sizeof bytes, file) : 0, i;
  walloc_error error = { "" };
  walloc_task *task = NULL;
  walloc_result result;

  if (file != NULL)
    fclose (file);
  /* the key, a tag and a length of a byte each, the value */
  for (i = 0; i + 14 < size && memcmp (bytes + i, "walloc.name", 11) != 0; i++);
  bytes[i + 13] = 0xff;
  result = walloc_task_load (&task, bytes, size, NULL, NULL, &error);
  TAP_OK (result == WALLOC_ERR_MODEL && task == NULL
      && strstr (error.text, "'walloc.name'"), "a name that is no UTF-8: %s",
      error.text);
}

static void
test_runs (void)
{
  static float zeros[64 * 36];
  const float *planes[1] = { zeros };
  unsigned i;

  for (i = 0; i < sizeof wrong_runs / sizeof wrong_runs[0]; i++) {
    const wrong *w = &wrong_runs[i];
    heap h = { 0, 0, 0 };
    walloc_error error;
    walloc_task *task;
    walloc_result result = load (w->name, &h, &task, &error);

    if (!TAP_OK (result == WALLOC_OK, "%s loads %s", w->name, error.text))
      continue;
    result = walloc_task_run_planes (task, planes, 1, 64, 36, 64, 1, 0, NULL,
        &error);
    TAP_OK (result == w->result && strstr (error.text, w->words) != NULL
        && walloc_task_output (task, "logits", NULL) == NULL, "%s: %s: %s",
        w->name, walloc_strerror (result), error.text);
    walloc_task_free (task);
    TAP_OK (h.blocks == 0, "%s: all memory is back", w->name);
  }
}

static void
test_calls (void)
{
  walloc_task *task = task_open (TASK_FILE ("classify-fixed")), *sound;
  float values[24] = { 0 };
  const float *planes[1] = { values };
  walloc_latents latents = { 0 };
  walloc_error error;
  walloc_result result;

  result = walloc_task_run_planes (task, planes, 1, 4, 3, 4, 1, 0, NULL,
      &error);
  TAP_OK (result == WALLOC_ERR_ARGUMENT && strstr (error.text, "5x3")
      && strstr (error.text, "4x3"), "another size: %s", error.text);
  TAP_OK (walloc_task_prepare (task, 0, 0, NULL) == WALLOC_ERR_ARGUMENT
      && walloc_task_prepare (task, 1u << 20, 3, NULL) == WALLOC_ERR_ARGUMENT,
      "sizes that no grid has");
  TAP_OK (walloc_task_run (task, &latents, 0, NULL, NULL) ==
      WALLOC_ERR_ARGUMENT, "no latents");
  TAP_OK (walloc_task_run_planes (task, NULL, 1, 5, 3, 5, 1, 0, NULL, NULL)
      == WALLOC_ERR_ARGUMENT && walloc_task_run_planes (task, planes, 1, 5, 3,
          4, 1, 0, NULL, NULL) == WALLOC_ERR_ARGUMENT, "no planes, bad stride");
  walloc_task_free (task);
  sound = task_open (TASK_FILE ("listen"));
  latents.data = (int16_t *) values;
  TAP_OK (walloc_task_run (sound, &latents, 0, NULL, NULL) ==
      WALLOC_ERR_ARGUMENT && walloc_task_run_planes (sound, planes, 1, 4, 2,
          4, 1, 0, NULL, NULL) == WALLOC_ERR_ARGUMENT, "pictures for sound");
  walloc_task_free (sound);
  TAP_OK (walloc_task_load (NULL, values, 1, NULL, NULL, NULL) ==
      WALLOC_ERR_ARGUMENT && walloc_task_load (&task, NULL, 1, NULL, NULL,
          NULL) == WALLOC_ERR_ARGUMENT && walloc_task_load_file (&task, NULL,
          NULL, NULL, NULL) == WALLOC_ERR_ARGUMENT
      && walloc_task_load_file (&task, "/nonexistent.onnx", NULL, NULL, &error)
      == WALLOC_ERR_NOT_FOUND, "no files: %s", error.text);
  TAP_OK (walloc_task_load (&task, "\x08", 1, NULL, NULL, NULL) != WALLOC_OK
      && task == NULL, "a byte is no network");
  walloc_task_free (NULL);
  walloc_task_get_info (NULL, &(walloc_task_info) {
      0});
  TAP_OK (walloc_task_metadata (NULL, "x") == NULL && walloc_task_run (NULL,
          NULL, 0, NULL, NULL) == WALLOC_ERR_ARGUMENT, "no task");
}

/* A graph that enlarges is told of as its key says, too. */
static void
test_enlarge (void)
{
  walloc_task *task = task_open (TASK_FILE ("bad-enlarge-none"));
  walloc_error error;
  walloc_result result;

  result = walloc_task_prepare_picture (task, 60, 60, 1, &error);
  TAP_OK (result == WALLOC_ERR_MODEL && strstr (error.text, "'walloc.enlarge'")
      != NULL && strstr (error.text, "12x8x8 is expected") != NULL,
      "not larger: %s", error.text);
  TAP_OK (walloc_task_prepare_picture (task, 60, 60, 0, &error) == WALLOC_OK,
      "it works where that is not needed");
  TAP_OK (walloc_task_prepare_picture (task, 60, 60, 3, NULL) ==
      WALLOC_ERR_ARGUMENT && walloc_task_prepare_picture (task, 0, 60, 0,
          NULL) == WALLOC_ERR_ARGUMENT
      && walloc_task_prepare_picture (task, 60, ~0u, 0, NULL) ==
      WALLOC_ERR_ARGUMENT && walloc_task_prepare_picture (NULL, 60, 60, 0,
          NULL) == WALLOC_ERR_ARGUMENT && walloc_task_set_resample (NULL, 0,
          NULL) == WALLOC_ERR_ARGUMENT, "pictures that no frame has");
  walloc_task_free (task);
  task = task_open (TASK_FILE ("listen"));
  TAP_OK (walloc_task_prepare_picture (task, 60, 60, 0, &error) ==
      WALLOC_ERR_ARGUMENT, "a picture for sound: %s", error.text);
  walloc_task_free (task);
}

/* Every allocation fails once, in loading, preparing and running. */
static void
test_memory (const char *name, unsigned width, unsigned height, unsigned scale)
{
  float values[24 * 24] = { 0 };
  const float *planes[1] = { values };
  unsigned fail, failed = 0, bad = 0;
  walloc_error error;
  walloc_task *task;
  walloc_result result = WALLOC_ERR_MEMORY;

  for (fail = 1; result != WALLOC_OK && fail < 1000; fail++) {
    heap h = { 0, 0, fail };

    result = load (name, &h, &task, &error);
    if (result == WALLOC_OK) {
      result = walloc_task_run_planes (task, planes, 1, width, height, width,
          1, scale, NULL, &error);
      walloc_task_free (task);
    }
    bad += h.blocks != 0;
    /* the parser cannot tell a shortage from a damaged file */
    failed += result == WALLOC_ERR_MEMORY || result == WALLOC_ERR_LIMIT ||
        result == WALLOC_ERR_MODEL;
  }
  TAP_OK (result == WALLOC_OK && failed == fail - 2 && failed > 20
      && bad == 0, "%s: %u allocations that fail", name, failed);
}

int
main (void)
{
  test_files ();
  test_name ();
  test_runs ();
  test_calls ();
  test_enlarge ();
  test_memory ("classify", 5, 4, 0);
  test_memory ("classify-rows", 5, 4, 0);
  test_memory ("segment", 5, 4, 0);
  test_memory ("read", 5, 4, 0);
  test_memory ("size", 2, 2, 2);
  test_memory ("size", 24, 24, 0);
  return tap_done ();
}
