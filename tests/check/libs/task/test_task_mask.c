/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Masks: of the grid, of the picture, at other resolutions; against bilinear
 * interpolation of all logits written out. */
#include "task_util.h"

/* Channel 0 such that position (x, y) is of class (x * x + 3 * y) % 3. */
static walloc_task *
run_segments (const char *path, unsigned width, unsigned height)
{
  walloc_task *task = task_open (path);
  float *values = malloc ((size_t) width * height * sizeof (float));
  const float *planes[1] = { values };
  unsigned x, y;

  for (y = 0; y < height; y++)
    for (x = 0; x < width; x++)
      values[y * width + x] =
          200.0f * ((float) ((x * x / 3 + 3 * y + x * y) % 3) - 1) +
          (float) (x % 7);
  if (walloc_task_run_planes (task, planes, 1, width, height, width, 1, 0,
          NULL, NULL) != WALLOC_OK) {
    printf ("Bail out! %s does not run\n", path);
    exit (1);
  }
  free (values);
  return task;
}

/* Class at a place of the network's map, by interpolating all classes. */
static unsigned
slow_class (const walloc_task * task, double px, double py)
{
  walloc_net_shape shape;
  const float *logits = walloc_task_output (task, "logits", &shape);
  unsigned h = (unsigned) shape.dims[2], w = (unsigned) shape.dims[3];
  unsigned x0, y0, x1, y1, c, best = 0;
  float fx, fy, value, upper, lower, top = 0;

  px = px < 0 ? 0 : px > w - 1 ? w - 1 : px;
  py = py < 0 ? 0 : py > h - 1 ? h - 1 : py;
  x0 = (unsigned) px;
  y0 = (unsigned) py;
  x1 = x0 + 1 < w ? x0 + 1 : x0;
  y1 = y0 + 1 < h ? y0 + 1 : y0;
  fx = (float) (px - x0);
  fy = (float) (py - y0);
  for (c = 0; c < (unsigned) shape.dims[1]; c++) {
    const float *p = logits + (size_t) c * w * h;

    upper = p[y0 * w + x0] + (p[y0 * w + x1] - p[y0 * w + x0]) * fx;
    lower = p[y1 * w + x0] + (p[y1 * w + x1] - p[y1 * w + x0]) * fx;
    value = upper + (lower - upper) * fy;
    if (c == 0 || value > top) {
      top = value;
      best = c;
    }
  }
  return best;
}

static void
test_grid (void)
{
  walloc_task *task = run_segments (TASK_FILE ("segment"), 7, 5);
  uint8_t mask[5 * 9], same[7 * 5];
  float shares[3];
  unsigned x, y, width, height, bad = 0, counts[3] = { 0 };

  walloc_task_mask_size (task, &width, &height);
  TAP_OK (width == 7 && height == 5, "the network's own size");
  TAP_OK (walloc_task_mask (task, 1, 7, 5, mask, 9, shares, NULL, NULL) ==
      WALLOC_OK, "a mask of the grid");
  for (y = 0; y < 5; y++)
    for (x = 0; x < 7; x++) {
      bad += mask[y * 9 + x] != (x * x / 3 + 3 * y + x * y) % 3;
      counts[mask[y * 9 + x] % 3]++;
    }
  TAP_OK (bad == 0, "classes where they were put");
  TAP_OK (fabs (shares[0] - counts[0] / 35.0) < 1e-6
      && fabs (shares[2] - counts[2] / 35.0) < 1e-6
      && fabs (shares[0] + shares[1] + shares[2] - 1) < 1e-6, "shares");
  TAP_OK (walloc_task_mask (task, 0, 7, 5, same, 7, NULL, NULL, NULL) ==
      WALLOC_OK && same[7 + 3] == mask[9 + 3] && same[34] == mask[4 * 9 + 6],
      "of the network's size: the same here");
  walloc_task_free (task);
}

/* Masks of pictures, whose size is no multiple of the cell. */
static void
test_picture (const char *path, unsigned grid_w, unsigned grid_h,
    unsigned cell, unsigned width, unsigned height)
{
  walloc_task *task = run_segments (path, grid_w, grid_h);
  walloc_runner runner = { task_backwards, NULL, 4 };
  uint8_t *mask = malloc ((size_t) width * height);
  uint8_t *again = malloc ((size_t) width * height);
  unsigned x, y, w, h, bad = 0;
  double px, py;

  walloc_task_mask_size (task, &w, &h);
  TAP_OK (walloc_task_mask (task, cell, width, height, mask, width, NULL,
          NULL, NULL) == WALLOC_OK, "%ux%u of %ux%u, cell %u", width, height,
      grid_w, grid_h, cell);
  for (y = 0; y < height; y++)
    for (x = 0; x < width; x++) {
      px = (x + 0.5) * w / ((double) grid_w * cell) - 0.5;
      py = (y + 0.5) * h / ((double) grid_h * cell) - 0.5;
      bad += mask[(size_t) y * width + x] != slow_class (task, px, py);
    }
  TAP_OK (bad == 0, "as all logits interpolated (%u differ)", bad);
  TAP_OK (walloc_task_mask (task, cell, width, height, again, width, NULL,
          &runner, NULL) == WALLOC_OK
      && memcmp (mask, again, (size_t) width * height) == 0,
      "the same on a runner");
  free (mask);
  free (again);
  walloc_task_free (task);
}

static void
test_refused (void)
{
  walloc_task *task = run_segments (TASK_FILE ("segment"), 4, 4);
  walloc_task_class classes[1];
  uint8_t mask[64 * 64];
  unsigned n = 1, width, height;
  walloc_error error;

  TAP_OK (walloc_task_mask (task, 1, 5, 4, mask, 5, NULL, NULL, &error) ==
      WALLOC_ERR_ARGUMENT && strstr (error.text, "4x4"), "wider: %s",
      error.text);
  TAP_OK (walloc_task_mask (task, 8, 32, 33, mask, 32, NULL, NULL, NULL) ==
      WALLOC_ERR_ARGUMENT, "higher than the picture");
  TAP_OK (walloc_task_mask (task, 1, 4, 4, mask, 3, NULL, NULL, NULL) ==
      WALLOC_ERR_ARGUMENT, "rows that overlap");
  TAP_OK (walloc_task_mask (task, 1, 0, 4, mask, 4, NULL, NULL, NULL) ==
      WALLOC_ERR_ARGUMENT, "no columns");
  TAP_OK (walloc_task_classify (task, classes, &n, &error) ==
      WALLOC_ERR_ARGUMENT && n == 1, "a segmenter does not classify");
  walloc_task_free (task);
  task = task_open (TASK_FILE ("segment"));
  TAP_OK (walloc_task_mask (task, 1, 4, 4, mask, 4, NULL, NULL, &error) ==
      WALLOC_ERR_ARGUMENT, "nothing was run");
  walloc_task_mask_size (task, &width, &height);
  TAP_OK (width == 0 && height == 0, "and there is no mask");
  walloc_task_free (task);
  task = task_open (TASK_FILE ("classify"));
  TAP_OK (walloc_task_mask (task, 1, 4, 4, mask, 4, NULL, NULL, NULL) ==
      WALLOC_ERR_ARGUMENT, "a classifier makes no mask");
  walloc_task_free (task);
}

int
main (void)
{
  test_grid ();
  test_picture (TASK_FILE ("segment"), 7, 5, 8, 53, 39);
  test_picture (TASK_FILE ("segment"), 7, 5, 32, 220, 160);
  test_picture (TASK_FILE ("segment"), 1, 1, 8, 3, 8);
  test_picture (TASK_FILE ("segment-half"), 9, 6, 8, 70, 48);
  test_picture (TASK_FILE ("segment-half"), 8, 8, 1, 8, 8);
  test_refused ();
  return tap_done ();
}
