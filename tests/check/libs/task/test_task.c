/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Task networks: what files say, what goes in, and labels that come out. */
#include "task_util.h"

static int
near (double a, double b, double tolerance)
{
  return fabs (a - b) <= tolerance * (1 + fabs (b));
}

static void
test_info (void)
{
  walloc_task *task = task_open (TASK_FILE ("classify"));
  walloc_task_info info;

  walloc_task_get_info (task, &info);
  TAP_OK (info.kind == WALLOC_TASK_CLASSIFY && info.media == WALLOC_MEDIA_VIDEO
      && info.model_id == TASK_MODEL && info.channels == 12
      && info.n_labels == 3 && info.rate == 0 && info.window == 0
      && info.width == 0 && info.height == 0 && info.palette == NULL,
      "numbers of a classifier");
  TAP_OK (strcmp (info.name, "shade") == 0 && strcmp (info.labels[0], "dark")
      == 0 && strcmp (info.labels[2], "bright") == 0
      && strcmp (info.licence, "CC0-1.0") == 0 && info.card == NULL,
      "strings of a classifier");
  TAP_OK (strcmp (walloc_task_metadata (task, "walloc.task"), "classify") == 0
      && walloc_task_metadata (task, "walloc.nothing") == NULL, "metadata");
  TAP_OK (walloc_task_output (task, "logits", NULL) == NULL
      && walloc_task_work (task) == 0, "nothing was run yet");
  walloc_task_free (task);

  task = task_open (TASK_FILE ("segment"));
  walloc_task_get_info (task, &info);
  TAP_OK (info.kind == WALLOC_TASK_SEGMENT && info.palette != NULL
      && info.palette[1][0] == 0x80 && info.palette[2][2] == 0
      && info.palette[2][0] == 0xff, "palette of a segmenter");
  walloc_task_free (task);

  task = task_open (TASK_FILE ("listen"));
  walloc_task_get_info (task, &info);
  TAP_OK (info.media == WALLOC_MEDIA_AUDIO && info.rate == 44100
      && info.window == 24 && info.hop == 8, "numbers of a listener");
  walloc_task_free (task);

  task = task_open (TASK_FILE ("classify-fixed"));
  walloc_task_get_info (task, &info);
  TAP_OK (info.width == 5 && info.height == 3, "size of a fixed one");
  walloc_task_free (task);
  TAP_OK (strcmp (walloc_task_kind_name (WALLOC_TASK_SEPARATE), "separate")
      == 0 && walloc_task_kind_name ((walloc_task_kind) 5) == NULL, "names");
}

static void
test_check_stream (void)
{
  walloc_task *task = task_open (TASK_FILE ("classify"));
  walloc_error error;
  walloc_frame_info frame;

  walloc_frame_info_init (&frame);
  frame.model_id = TASK_MODEL;
  TAP_OK (walloc_task_check_stream (task, &frame, &error) == WALLOC_OK,
      "the model's stream is read");
  frame.model_id = 0x0123456789abcdefull;
  TAP_OK (walloc_task_check_stream (task, &frame, &error) ==
      WALLOC_ERR_MODEL_MISMATCH && strstr (error.text, "4d25cde431323797")
      && strstr (error.text, "0123456789abcdef"), "both ids: %s", error.text);
  frame.model_id = TASK_MODEL;
  frame.media = WALLOC_MEDIA_AUDIO;
  TAP_OK (walloc_task_check_stream (task, &frame, &error) ==
      WALLOC_ERR_MODEL_MISMATCH && strstr (error.text, "walloc.media"),
      "media: %s", error.text);
  walloc_task_free (task);
  task = task_open (TASK_FILE ("listen"));
  frame.model_id = TASK_SOUND;
  frame.rate = 48000;
  TAP_OK (walloc_task_check_stream (task, &frame, &error) ==
      WALLOC_ERR_MODEL_MISMATCH && strstr (error.text, "48000")
      && strstr (error.text, "44100"), "rate: %s", error.text);
  frame.rate = 44100;
  TAP_OK (walloc_task_check_stream (task, &frame, NULL) == WALLOC_OK,
      "the rate that it was trained at");
  walloc_task_free (task);
}

/* Integers times steps come in, whatever the network takes them by. */
static void
test_latents (const char *path, unsigned channels, unsigned steps,
    unsigned width, unsigned height)
{
  walloc_runner runner = { task_backwards, NULL, 3 };
  walloc_task *task = task_open (path);
  walloc_task_class classes[3];
  walloc_error error = { "" };
  const float *logits;
  unsigned n = 3;
  task_latents in;
  double mean;

  task_latents_new (&in, channels, width, height, steps);
  mean = task_mean (&in);
  if (!TAP_OK (walloc_task_run (task, &in.l, 0, NULL, &error) == WALLOC_OK,
          "%u channels, %u steps, %ux%u run %s", channels, steps, width,
          height, error.text))
    goto out;
  logits = walloc_task_output (task, "logits", NULL);
  TAP_OK (near (logits[0], -mean / 64, 1e-4) && near (logits[1], 1, 1e-6)
      && near (logits[2], mean / 64, 1e-4), "logits are those of the mean %g",
      mean);
  TAP_OK (walloc_task_run (task, &in.l, 0, &runner, &error) == WALLOC_OK
      && near (walloc_task_output (task, "logits", NULL)[2], mean / 64, 1e-4),
      "on a runner that goes backwards");
  TAP_OK (walloc_task_classify (task, classes, &n, &error) == WALLOC_OK
      && n == 3 && classes[0].class_id == 1 && near (classes[0].confidence
          + classes[1].confidence + classes[2].confidence, 1, 1e-6)
      && classes[0].confidence >= classes[1].confidence
      && classes[1].confidence >= classes[2].confidence, "in order, sum 1");
out:
  task_latents_free (&in);
  walloc_task_free (task);
}

static void
no_row (void *user, unsigned y, void (*take) (void *taker,
        const float *const *planes), void *taker)
{
}

/* Whether the network takes its input row by row, sparse rows cheaply. */
static int
takes_rows (const char *path)
{
  static uint8_t bytes[1 << 14];
  walloc_net_shape shape = { 4, {1, 12, 4, 5} };
  walloc_net *net = NULL;
  FILE *file = fopen (path, "rb");
  size_t size = fread (bytes, 1, sizeof bytes, file);

  int takes;

  fclose (file);
  walloc_net_load (&net, bytes, size, WALLOC_NET_PORTABLE, NULL, NULL, NULL);
  walloc_net_offer_rows (net, 0, no_row, NULL, NULL);
  takes = walloc_net_prepare (net, &shape, 1, NULL) == WALLOC_OK &&
      walloc_net_takes_rows (net, 0);
  walloc_net_free (net);
  return takes;
}

static void
test_rows (void)
{
  TAP_OK (!takes_rows (TASK_FILE ("classify")), "nothing but a mean: no rows");
  TAP_OK (takes_rows (TASK_FILE ("classify-rows")), "a 1x1 convolution: rows");
  TAP_OK (takes_rows (TASK_FILE ("classify-half")),
      "the same with weights in 16 bits: rows");
}

/* The same values as planes of floats give the same. */
static void
test_planes (const char *path)
{
  walloc_task *task = task_open (path);
  const float *planes[14];
  float *values = malloc (14 * 6 * 8 * sizeof (float)), logits[3];
  task_latents in;
  unsigned c, x, y;

  task_latents_new (&in, 14, 7, 6, 2);
  for (c = 0; c < 14; c++) {
    planes[c] = values + c * 6 * 8;
    for (y = 0; y < 6; y++)
      for (x = 0; x < 7; x++)
        values[(c * 6 + y) * 8 + x] = task_value (&in, c, x, y);
  }
  walloc_task_run (task, &in.l, 0, NULL, NULL);
  memcpy (logits, walloc_task_output (task, "logits", NULL), sizeof logits);
  TAP_OK (walloc_task_run_planes (task, planes, 14, 7, 6, 8, 1, 0, NULL, NULL)
      == WALLOC_OK && near (walloc_task_output (task, "logits", NULL)[2],
          logits[2], 1e-6), "planes with a stride");
  planes[0] = NULL;
  TAP_OK (walloc_task_run_planes (task, planes, 14, 7, 6, 8, 1, 0, NULL, NULL)
      == WALLOC_OK && walloc_task_output (task, "logits", NULL)[2] == 0,
      "a plane of zeros");
  TAP_OK (walloc_task_run_planes (task, NULL, 0, 7, 6, 7, 1, 0, NULL, NULL)
      == WALLOC_OK && walloc_task_output (task, "logits", NULL)[2] == 0,
      "no planes at all are zeros");
  free (values);
  task_latents_free (&in);
  walloc_task_free (task);
}

static void
test_inputs (void)
{
  walloc_task *task = task_open (TASK_FILE ("classify-inputs"));
  const float *logits;
  task_latents in;

  task_latents_new (&in, 12, 4, 4, 1);
  TAP_OK (walloc_task_run (task, &in.l, 2, NULL, NULL) == WALLOC_OK,
      "step and scale are given");
  logits = walloc_task_output (task, "logits", NULL);
  TAP_OK (near (logits[0], task_mean (&in), 1e-5)
      && logits[1] == in.step[0] && logits[2] == 2,
      "mean %g, step %g, scale %g", logits[0], logits[1], logits[2]);
  task_latents_free (&in);
  walloc_task_free (task);
}

static void
test_top (void)
{
  walloc_task *task = task_open (TASK_FILE ("classify"));
  walloc_task_class classes[4];
  float values[12] = { 0 };
  const float *planes[1] = { values };
  unsigned n, i;

  for (i = 0; i < 12; i++)
    values[i] = 128;
  walloc_task_run_planes (task, planes, 1, 4, 3, 4, 1, 0, NULL, NULL);
  n = 1;
  TAP_OK (walloc_task_classify (task, classes, &n, NULL) == WALLOC_OK
      && n == 1 && classes[0].class_id == 2
      && near (classes[0].confidence, 1 / (1 + exp (-1) + exp (-4)), 1e-5),
      "the first of one asked for");
  n = 4;
  TAP_OK (walloc_task_classify (task, classes, &n, NULL) == WALLOC_OK
      && n == 3 && classes[0].class_id == 2 && classes[1].class_id == 1
      && classes[2].class_id == 0, "no more than there are");
  n = 0;
  TAP_OK (walloc_task_classify (task, classes, &n, NULL) == WALLOC_OK
      && n == 0, "none asked for");
  for (i = 0; i < 12; i++)
    values[i] = 64;
  walloc_task_run_planes (task, planes, 1, 4, 3, 4, 1, 0, NULL, NULL);
  n = 2;
  TAP_OK (walloc_task_classify (task, classes, &n, NULL) == WALLOC_OK
      && n == 2 && classes[0].class_id == 1 && classes[1].class_id == 2
      && near (classes[0].confidence, classes[1].confidence, 1e-6),
      "equal ones by number");
  walloc_task_free (task);
}

static void
test_precision (void)
{
  walloc_task *task = task_open (TASK_FILE ("classify-rows"));
  task_latents in;

  task_latents_new (&in, 12, 9, 5, 1);
  TAP_OK (walloc_task_set_precision (task, WALLOC_NET_FASTEST, NULL) ==
      WALLOC_OK && walloc_task_run (task, &in.l, 0, NULL, NULL) == WALLOC_OK
      && near (walloc_task_output (task, "logits", NULL)[2],
          task_mean (&in) / 64, 0.02), "fastest precision is near");
  TAP_OK (walloc_task_set_precision (task, WALLOC_NET_F32, NULL) == WALLOC_OK
      && walloc_task_output (task, "logits", NULL) == NULL,
      "what was put out is gone with the preparation");
  TAP_OK (walloc_task_set_precision (task, (walloc_net_precision) 9, NULL)
      == WALLOC_ERR_ARGUMENT, "no such precision");
  task_latents_free (&in);
  walloc_task_free (task);
}

static void
test_raw (void)
{
  walloc_task *task = task_open (TASK_FILE ("colorize"));
  walloc_net_shape shape;
  const float *out, *planes[8];
  float values[8][6];
  task_latents in;
  unsigned c, x;

  task_latents_new (&in, 12, 3, 2, 1);
  TAP_OK (walloc_task_run (task, &in.l, 0, NULL, NULL) == WALLOC_OK
      && (out = walloc_task_output (task, "latents_out", &shape)) != NULL
      && shape.rank == 4 && shape.dims[1] == 16 && shape.dims[3] == 3
      && out[3 * 6 + 4] == task_value (&in, 3, 1, 1)
      && out[12 * 6 + 2] == task_value (&in, 0, 2, 0) / 2,
      "latents of a network that colours");
  task_latents_free (&in);
  walloc_task_free (task);

  for (c = 0; c < 8; c++)
    for (x = 0; x < 6; x++)
      values[c][x] = (float) (c * 10 + x);
  for (c = 0; c < 8; c++)
    planes[c] = values[c];
  task = task_open (TASK_FILE ("separate"));
  TAP_OK (walloc_task_run_planes (task, planes, 8, 6, 1, 6, 1, 0, NULL, NULL)
      == WALLOC_OK
      && (out = walloc_task_output (task, "latents_out", &shape)) != NULL
      && shape.rank == 4 && shape.dims[1] == 2 && out[6] == 2.5f
      && out[48 + 6] == 7.5f, "stems");
  walloc_task_free (task);
  task = task_open (TASK_FILE ("separate-flat"));
  TAP_OK (walloc_task_run_planes (task, planes, 8, 6, 1, 6, 1, 0, NULL, NULL)
      == WALLOC_OK
      && (out = walloc_task_output (task, "latents_out", &shape)) != NULL
      && shape.rank == 3 && shape.dims[0] == 2 && out[48 + 6] == 7.5f,
      "stems without the batch");
  walloc_task_free (task);
}

static void
test_read (void)
{
  walloc_task *task = task_open (TASK_FILE ("read"));
  static const int rows[4] = { 0, 0, 1, 2 };
  const float *logits, *lines;
  unsigned steps, x;
  task_latents in;
  float want;

  task_latents_new (&in, 12, 3, 3, 1);
  TAP_OK (walloc_task_recognise (task, 0, rows, 4, &logits, &steps, NULL, NULL)
      == WALLOC_ERR_ARGUMENT, "no features before a run");
  TAP_OK (walloc_task_run (task, &in.l, 0, NULL, NULL) == WALLOC_OK
      && (lines = walloc_task_output (task, "lines", NULL)) != NULL
      && lines[9 + 4] == 2 * task_value (&in, 0, 1, 1), "lines");
  TAP_OK (walloc_task_recognise (task, 0, rows, 4, &logits, &steps, NULL, NULL)
      == WALLOC_OK && steps == 4, "a strip is recognised");
  /* feature 2 is twice channel 0, its mean over two rows the sum of them;
   * beyond the last row and column there are zeros */
  for (x = 0; x < 4; x++) {
    want = x == 3 ? 0 : task_value (&in, 0, x, (unsigned) rows[x]) +
        task_value (&in, 0, x, (unsigned) rows[x] + 1);
    TAP_OK (near (logits[2 * 4 + x], want, 1e-5), "column %u: %g, not %g", x,
        logits[2 * 4 + x], want);
  }
  TAP_OK (walloc_task_recognise (task, -2, rows, 3, &logits, &steps, NULL,
          NULL) == WALLOC_OK && steps == 3 && logits[2 * 3] == 0
      && near (logits[2 * 3 + 2], task_value (&in, 0, 0, 1)
          + task_value (&in, 0, 0, 2), 1e-5), "a strip that begins outside");
  TAP_OK (walloc_task_recognise (task, 0, rows, 0, &logits, &steps, NULL, NULL)
      == WALLOC_ERR_ARGUMENT, "no columns");
  task_latents_free (&in);
  walloc_task_free (task);
}

int
main (void)
{
  test_info ();
  test_check_stream ();
  test_latents (TASK_FILE ("classify"), 12, 1, 5, 4);
  test_latents (TASK_FILE ("classify"), 12, 3, 17, 9);
  test_latents (TASK_FILE ("classify"), 1, 1, 1, 1);
  test_latents (TASK_FILE ("classify"), 40, 2, 6, 7);
  test_latents (TASK_FILE ("classify-open"), 12, 1, 5, 4);
  test_latents (TASK_FILE ("classify-fixed"), 12, 1, 5, 3);
  test_latents (TASK_FILE ("classify-rows"), 12, 1, 33, 4);
  test_latents (TASK_FILE ("classify-rows"), 12, 5, 40, 21);
  test_latents (TASK_FILE ("classify-rows"), 2, 2, 8, 3);
  test_latents (TASK_FILE ("classify-half"), 12, 3, 17, 9);
  test_rows ();
  test_planes (TASK_FILE ("classify"));
  test_planes (TASK_FILE ("classify-rows"));
  test_inputs ();
  test_top ();
  test_precision ();
  test_raw ();
  test_read ();
  return tap_done ();
}
