/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Latents resampled to the size that a network was made for: which steps are
 * taken, and that what comes out is what a plain loop makes of the latents. */
#include "task_util.h"

static int
near (double a, double b, double tolerance)
{
  return fabs (a - b) <= tolerance * (1 + fabs (b));
}

static void
test_info (void)
{
  walloc_task *task = task_open (TASK_FILE ("size"));
  walloc_task_info info;

  walloc_task_get_info (task, &info);
  TAP_OK (info.size == 64 && info.enlarges && info.reduces, "both graphs");
  walloc_task_free (task);
  task = task_open (TASK_FILE ("size-enlarge"));
  walloc_task_get_info (task, &info);
  TAP_OK (info.size == 64 && info.enlarges && !info.reduces, "one graph");
  walloc_task_free (task);
  task = task_open (TASK_FILE ("size-none"));
  walloc_task_get_info (task, &info);
  TAP_OK (info.size == 64 && !info.enlarges && !info.reduces, "no graph");
  walloc_task_free (task);
  task = task_open (TASK_FILE ("size-colorize"));
  walloc_task_get_info (task, &info);
  TAP_OK (info.size == 0 && !info.reduces, "of a task that has no sizes");
  walloc_task_free (task);
  task = task_open (TASK_FILE ("classify"));
  walloc_task_get_info (task, &info);
  TAP_OK (info.size == 0 && !info.enlarges && !info.reduces, "not said");
  walloc_task_free (task);
}

typedef struct
{
  unsigned width, height, scale;
  unsigned seen_width, seen_height;
  int zoom;
} plan;

/* For pictures of 64; 64 sqrt (2) = 90.51. */
static const plan plans[] = {
  {64, 64, 0, 8, 8, 0}, {100, 90, 0, 13, 12, 0}, {100, 91, 0, 7, 6, -1},
  {91, 1000, 0, 6, 63, -1}, {181, 181, 0, 6, 6, -2}, {180, 999, 0, 12, 63, -1},
  {1000, 1000, 0, 16, 16, -3}, {4000, 3000, 0, 63, 47, -3},
  {20, 20, 0, 3, 3, 0}, {90, 100, 1, 12, 13, 1}, {91, 100, 1, 6, 7, 0},
  {64, 72, 2, 8, 9, 2}, {66, 75, 2, 9, 10, 2}, {100, 100, 2, 7, 7, 1},
  {1, 33, 2, 1, 5, 2}, {1000, 1000, 1, 8, 8, -3}, {8, 8, 1, 1, 1, 1},
  {182, 190, 1, 6, 6, -1}
};

static void
test_plans (void)
{
  walloc_task *task = task_open (TASK_FILE ("size"));
  unsigned width = 9, height = 9, i;
  walloc_error error = { "" };
  int zoom = 9;

  walloc_task_grid (task, &width, &height, &zoom);
  TAP_OK (width == 0 && height == 0 && zoom == 0, "nothing is seen yet");
  for (i = 0; i < sizeof plans / sizeof plans[0]; i++) {
    const plan *p = &plans[i];
    walloc_result result = walloc_task_prepare_picture (task, p->width,
        p->height, p->scale, &error);

    walloc_task_grid (task, &width, &height, &zoom);
    TAP_OK (result == WALLOC_OK && width == p->seen_width
        && height == p->seen_height && zoom == p->zoom,
        "%ux%u at 1/%u: %ux%u, %d %s", p->width, p->height, 1u << p->scale,
        width, height, zoom, error.text);
  }
  walloc_task_set_resample (task, 0, NULL);
  walloc_task_prepare_picture (task, 1000, 800, 1, NULL);
  walloc_task_grid (task, &width, &height, &zoom);
  TAP_OK (width == 63 && height == 50 && zoom == 0, "turned off");
  walloc_task_free (task);

  task = task_open (TASK_FILE ("size-enlarge"));
  walloc_task_prepare_picture (task, 1000, 800, 0, NULL);
  walloc_task_grid (task, &width, &height, &zoom);
  TAP_OK (width == 125 && height == 100 && zoom == 0, "no graph to reduce");
  walloc_task_free (task);
  task = task_open (TASK_FILE ("size-rows"));
  walloc_task_prepare_picture (task, 64, 64, 2, NULL);
  walloc_task_grid (task, &width, &height, &zoom);
  TAP_OK (width == 2 && height == 2 && zoom == 0, "no graph to enlarge");
  walloc_task_free (task);
  task = task_open (TASK_FILE ("size-none"));
  walloc_task_prepare_picture (task, 1000, 800, 0, NULL);
  walloc_task_grid (task, &width, &height, &zoom);
  TAP_OK (width == 125 && height == 100 && zoom == 0, "no graph at all");
  walloc_task_free (task);
}

/* A channel, and what the graphs make of it. */
typedef struct
{
  unsigned width, height;
  float *values;
} plane;

static void
take (plane * p, const task_latents * from, unsigned channel)
{
  unsigned x, y;

  p->width = from->l.width;
  p->height = from->l.height;
  p->values = malloc (sizeof (float) * p->width * p->height);
  for (y = 0; y < p->height; y++)
    for (x = 0; x < p->width; x++)
      p->values[y * p->width + x] = task_value (from, channel, x, y);
}

static void
enlarge (plane * p, unsigned width, unsigned height)
{
  float *out = malloc (sizeof (float) * width * height);
  unsigned x, y;

  for (y = 0; y < height; y++)
    for (x = 0; x < width; x++)
      out[y * width + x] = p->values[y / 2 * p->width + x / 2];
  free (p->values);
  *p = (plane) {
  width, height, out};
}

static void
reduce (plane * p)
{
  unsigned width = (p->width + 1) / 2, height = (p->height + 1) / 2, x, y, k;
  float *out = malloc (sizeof (float) * width * height);

  for (y = 0; y < height; y++)
    for (x = 0; x < width; x++) {
      float sum = 0;
      unsigned n = 0;

      for (k = 0; k < 4; k++) {
        unsigned i = 2 * x + k % 2, j = 2 * y + k / 2;

        if (i < p->width && j < p->height) {
          sum += p->values[j * p->width + i];
          n++;
        }
      }
      out[y * width + x] = sum / (float) n;
    }
  free (p->values);
  *p = (plane) {
  width, height, out};
}

static unsigned
positions (unsigned size, unsigned scale)
{
  const unsigned coded = (size + (1u << scale) - 1) >> scale;

  return (coded + 7) / 8;
}

/* Channel 0 as the network sees it. */
static plane
seen (const task_latents * in, const plan * p)
{
  unsigned scale = p->scale;
  plane out;
  int i;

  take (&out, in, 0);
  for (i = 0; i < p->zoom; i++) {
    scale--;
    enlarge (&out, positions (p->width, scale), positions (p->height, scale));
  }
  for (i = 0; i > p->zoom; i--)
    reduce (&out);
  return out;
}

static double
mean (const plane * p)
{
  double sum = 0;
  unsigned i;

  for (i = 0; i < p->width * p->height; i++)
    sum += p->values[i];
  return sum / p->width / p->height;
}

/* On the latents of a picture, and on planes of them. */
static void
test_values (walloc_task * task, const plan * p, unsigned channels,
    unsigned steps)
{
  walloc_runner runner = { task_backwards, NULL, 3 };
  const unsigned w = positions (p->width, p->scale);
  const unsigned h = positions (p->height, p->scale), stride = w + 3;
  const float *logits, *planes[12] = { NULL };
  float *values = calloc ((size_t) stride * h, sizeof *values);
  double want, step;
  walloc_error error = { "" };
  task_latents in;
  unsigned x, y;
  plane all;

  task_latents_new (&in, channels, w, h, steps);
  all = seen (&in, p);
  want = mean (&all);
  step = p->zoom < 0 ? ldexp (in.step[0], p->zoom) : in.step[0];
  TAP_OK (walloc_task_prepare_picture (task, p->width, p->height, p->scale,
          &error) == WALLOC_OK
      && walloc_task_run (task, &in.l, p->scale, NULL, &error) == WALLOC_OK
      && (logits = walloc_task_output (task, "logits", NULL)) != NULL
      && near (logits[0], want, 1e-4) && near (logits[1], step, 1e-6)
      && logits[2] == (p->zoom < 0 ? 0 : (float) p->scale),
      "%ux%u at 1/%u, %u channels, %d times: mean %g %s", p->width, p->height,
      1u << p->scale, channels, p->zoom, want, error.text);
  TAP_OK (walloc_task_run (task, &in.l, p->scale, &runner, NULL) == WALLOC_OK
      && near (walloc_task_output (task, "logits", NULL)[0], want, 1e-4),
      "on a runner that goes backwards");
  for (y = 0; y < h; y++)
    for (x = 0; x < w; x++)
      values[y * stride + x] = task_value (&in, 0, x, y);
  planes[0] = values;
  TAP_OK (walloc_task_run_planes (task, planes, 12, w, h, stride, 3, p->scale,
          NULL, NULL) == WALLOC_OK
      && (logits = walloc_task_output (task, "logits", NULL)) != NULL
      && near (logits[0], want, 1e-4)
      && near (logits[1], 3 * step / in.step[0], 1e-6), "from planes");
  free (all.values);
  free (values);
  task_latents_free (&in);
}

static void
test_all_values (void)
{
  walloc_task *task = task_open (TASK_FILE ("size"));
  walloc_task *rows = task_open (TASK_FILE ("size-rows"));
  unsigned i;

  for (i = 0; i < sizeof plans / sizeof plans[0]; i++) {
    test_values (task, &plans[i], i % 3 ? 12 : 4, 1 + i % 4);
    if (plans[i].zoom <= 0)
      test_values (rows, &plans[i], i % 2 ? 12 : 20, 1 + i % 4);
  }
  walloc_task_free (task);
  walloc_task_free (rows);
}

/* Without a picture it is one of whole positions; of another size than what
 * was told of too. */
static void
test_untold (void)
{
  walloc_task *task = task_open (TASK_FILE ("size"));
  const plan whole = { 80, 72, 1, 10, 9, 1 };
  unsigned width, height;
  task_latents in;
  plane all;
  int zoom;

  task_latents_new (&in, 12, 5, 5, 1);
  walloc_task_run (task, &in.l, 1, NULL, NULL);
  walloc_task_grid (task, &width, &height, &zoom);
  TAP_OK (width == 10 && height == 10 && zoom == 1, "whole positions");
  walloc_task_prepare_picture (task, 80, 72, 1, NULL);
  walloc_task_run (task, &in.l, 1, NULL, NULL);
  walloc_task_grid (task, &width, &height, &zoom);
  all = seen (&in, &whole);
  TAP_OK (width == 10 && height == 9 && zoom == 1
      && near (walloc_task_output (task, "logits", NULL)[0], mean (&all),
          1e-5), "what was told of, to the edge of the picture");
  walloc_task_run (task, &in.l, 0, NULL, NULL);
  walloc_task_grid (task, &width, &height, &zoom);
  TAP_OK (width == 5 && height == 5 && zoom == 0
      && near (walloc_task_output (task, "logits", NULL)[0], task_mean (&in),
          1e-5), "another scale than what was told of");
  TAP_OK (walloc_task_set_resample (task, 0, NULL) == WALLOC_OK
      && walloc_task_run (task, &in.l, 1, NULL, NULL) == WALLOC_OK
      && walloc_task_output (task, "logits", NULL)[2] == 1
      && near (walloc_task_output (task, "logits", NULL)[0], task_mean (&in),
          1e-5), "turned off");
  TAP_OK (walloc_task_set_resample (task, 1, NULL) == WALLOC_OK
      && walloc_task_run (task, &in.l, 1, NULL, NULL) == WALLOC_OK
      && near (walloc_task_output (task, "logits", NULL)[0], mean (&all),
          1e-5), "and on again");
  free (all.values);
  task_latents_free (&in);
  walloc_task_free (task);
}

static void
test_fixed (void)
{
  walloc_task *task = task_open (TASK_FILE ("size-fixed"));
  walloc_error error = { "" };

  TAP_OK (walloc_task_prepare_picture (task, 128, 128, 0, &error) == WALLOC_OK
      && walloc_task_prepare_picture (task, 64, 64, 2, &error) == WALLOC_OK,
      "a network of one size gets that size %s", error.text);
  TAP_OK (walloc_task_prepare_picture (task, 100, 100, 0, &error) ==
      WALLOC_ERR_ARGUMENT && strstr (error.text, "8x8") != NULL
      && strstr (error.text, "7x7") != NULL, "or says which: %s", error.text);
  walloc_task_free (task);
}

/* What cannot be prepared is said, also right behind the limit. */
static void
test_too_large (void)
{
  static const unsigned sides[][2] = { {524289, 64}, {64, 524295},
  {524289, 524289}, {600000, 64}, {UINT32_MAX, UINT32_MAX}, {0, 64}, {64, 0}
  };
  walloc_task *task = task_open (TASK_FILE ("size"));
  walloc_error error = { "" };
  unsigned i;

  for (i = 0; i < sizeof sides / sizeof sides[0]; i++)
    TAP_OK (walloc_task_prepare_picture (task, sides[i][0], sides[i][1],
            i % 3, &error) == WALLOC_ERR_ARGUMENT, "no picture of %ux%u: %s",
        sides[i][0], sides[i][1], error.text);
  walloc_task_free (task);
}

static void
test_work (void)
{
  walloc_task *task = task_open (TASK_FILE ("size-rows"));
  /* a 1x1 convolution and a mean, three times */
  const uint64_t graphs = (64 * 64 + 32 * 32 + 16 * 16) * 144;

  walloc_task_prepare_picture (task, 512, 512, 0, NULL);
  TAP_OK (walloc_task_work (task) > graphs
      && walloc_task_work (task) < graphs * 5 / 4,
      "multiply-adds of all graphs: %llu",
      (unsigned long long) walloc_task_work (task));
  TAP_OK (walloc_task_activation_bytes (task) > 64 * 64 * 12 * 4,
      "bytes of all");
  walloc_task_set_resample (task, 0, NULL);
  walloc_task_prepare_picture (task, 512, 512, 0, NULL);
  TAP_OK (walloc_task_work (task) < graphs / 4, "of the network alone");
  walloc_task_free (task);
}

/* Bilinear interpolation of one logit at an element's middle. */
static double
logit (const plane * p, unsigned c, double x, double y)
{
  static const double weight[3] = { -1.0 / 64, 0, 1.0 / 64 };
  unsigned x0, y0, x1, y1;
  double v, fx, fy;

  x = fmin (fmax (x - 0.5, 0), p->width - 1);
  y = fmin (fmax (y - 0.5, 0), p->height - 1);
  x0 = (unsigned) x;
  y0 = (unsigned) y;
  x1 = x0 + 1 < p->width ? x0 + 1 : x0;
  y1 = y0 + 1 < p->height ? y0 + 1 : y0;
  fx = x - x0;
  fy = y - y0;
  v = (p->values[y0 * p->width + x0] * (1 - fx) +
      p->values[y0 * p->width + x1] * fx) * (1 - fy) +
      (p->values[y1 * p->width + x0] * (1 - fx) +
      p->values[y1 * p->width + x1] * fx) * fy;
  return v * weight[c] + (c == 1);
}

static void
test_mask (const plan * p)
{
  walloc_task *task = task_open (TASK_FILE ("size-segment"));
  const unsigned w = positions (p->width, p->scale);
  const unsigned h = positions (p->height, p->scale);
  uint8_t *mask = malloc ((size_t) p->width * p->height);
  unsigned x, y, c, best, wrong, unsure, pass, width, height, cell;
  task_latents in;
  plane all;

  task_latents_new (&in, 12, w, h, 1);
  /* enough for all three classes */
  in.step[0] = 30;
  all = seen (&in, p);
  walloc_task_prepare_picture (task, p->width, p->height, p->scale, NULL);
  if (!TAP_OK (walloc_task_run (task, &in.l, p->scale, NULL, NULL) ==
          WALLOC_OK, "%ux%u at 1/%u is segmented", p->width, p->height,
          1u << p->scale))
    goto out;
  for (pass = 0; pass < 2; pass++) {
    const double pixels = 8 * ldexp (1, (int) p->scale - p->zoom);

    cell = pass ? 8u << p->scale : 1;
    width = pass ? p->width : w;
    height = pass ? p->height : h;
    wrong = unsure = 0;
    TAP_OK (walloc_task_mask (task, cell, width, height, mask, width, NULL,
            NULL, NULL) == WALLOC_OK, "mask of %ux%u", width, height);
    for (y = 0; y < height; y++)
      for (x = 0; x < width; x++) {
        const double pixel = pass ? 1 : 8u << p->scale;
        const double u = (x + 0.5) * pixel / pixels;
        const double v = (y + 0.5) * pixel / pixels;
        const unsigned got = mask[y * width + x];

        for (c = 1, best = 0; c < 3; c++)
          if (logit (&all, c, u, v) > logit (&all, best, u, v))
            best = c;
        /* rounding decides between equal ones */
        if (got != best && fabs (logit (&all, got, u, v) -
                logit (&all, best, u, v)) < 1e-4)
          unsure++;
        else
          wrong += got != best;
      }
    TAP_OK (wrong == 0 && unsure * 20 <= width * height,
        "every element is of the class there: %u wrong, %u unsure", wrong,
        unsure);
  }
out:
  free (mask);
  free (all.values);
  task_latents_free (&in);
  walloc_task_free (task);
}

int
main (void)
{
  unsigned i;

  test_info ();
  test_plans ();
  test_all_values ();
  test_untold ();
  test_fixed ();
  test_too_large ();
  test_work ();
  for (i = 0; i < sizeof plans / sizeof plans[0]; i += 3)
    test_mask (&plans[i]);
  test_mask (&plans[12]);
  return tap_done ();
}
