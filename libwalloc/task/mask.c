/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Logits at network resolution to a mask of any size.
 *
 * Between four positions whose greatest logit is of the same class, bilinear
 * interpolation cannot make another class the greatest, as it weighs each
 * position the same for all classes. So only cells at borders between classes
 * are interpolated, and a mask of a whole picture costs little more than one of
 * the grid. */
#include "task/task-private.h"

#include <math.h>
#include <string.h>

#include "common/parallel.h"

typedef struct
{
  const float *logits;          /* [classes][h][w] */
  unsigned classes, w, h;
  uint8_t *winner;              /* [h][w] */
  double sx, sy;                /* positions of the network per element */
  unsigned width, height;
  uint8_t *mask;
  size_t stride;
} job;

static void
find_winners (void *data, unsigned y)
{
  job *j = data;
  const float *row = j->logits + (size_t) y * j->w;
  size_t plane = (size_t) j->w * j->h;
  uint8_t *winner = j->winner + (size_t) y * j->w;
  unsigned x, c;
  float top;

  for (x = 0; x < j->w; x++) {
    top = row[x];
    winner[x] = 0;
    for (c = 1; c < j->classes; c++)
      if (row[c * plane + x] > top) {
        top = row[c * plane + x];
        winner[x] = (uint8_t) c;
      }
  }
}

/* Position before element i, the one behind, and how far between them. */
static inline float
locate (unsigned i, double scale, unsigned n, unsigned *before,
    unsigned *behind)
{
  double at = (i + 0.5) * scale - 0.5;

  if (at < 0)
    at = 0;
  if (at > n - 1)
    at = n - 1;
  *before = (unsigned) at;
  *behind = *before + 1 < n ? *before + 1 : *before;
  return (float) (at - *before);
}

/* Class of the greatest logit between four positions. */
static uint8_t
interpolate (const job * j, size_t a, size_t b, size_t c, size_t d, float fx,
    float fy)
{
  size_t plane = (size_t) j->w * j->h;
  const float *p = j->logits;
  float upper, lower, value, top = 0;
  uint8_t winner = 0;
  unsigned k;

  for (k = 0; k < j->classes; k++, p += plane) {
    upper = p[a] + (p[b] - p[a]) * fx;
    lower = p[c] + (p[d] - p[c]) * fx;
    value = upper + (lower - upper) * fy;
    if (k == 0 || value > top) {
      top = value;
      winner = (uint8_t) k;
    }
  }
  return winner;
}

static void
fill_row (void *data, unsigned y)
{
  job *j = data;
  uint8_t *out = j->mask + (size_t) y * j->stride;
  unsigned x, x0, x1, y0, y1;
  float fx, fy = locate (y, j->sy, j->h, &y0, &y1);
  const uint8_t *upper = j->winner + (size_t) y0 * j->w;
  const uint8_t *lower = j->winner + (size_t) y1 * j->w;

  for (x = 0; x < j->width; x++) {
    fx = locate (x, j->sx, j->w, &x0, &x1);
    out[x] = upper[x0];
    if (upper[x0] != upper[x1] || upper[x0] != lower[x0]
        || upper[x0] != lower[x1])
      out[x] = interpolate (j, (size_t) y0 * j->w + x0,
          (size_t) y0 * j->w + x1, (size_t) y1 * j->w + x0,
          (size_t) y1 * j->w + x1, fx, fy);
  }
}

static void
count_shares (const job * j, float *shares)
{
  size_t counts[256] = { 0 };
  double all = (double) j->width * j->height;
  unsigned x, y, c;

  for (y = 0; y < j->height; y++)
    for (x = 0; x < j->width; x++)
      counts[j->mask[(size_t) y * j->stride + x]]++;
  for (c = 0; c < j->classes; c++)
    shares[c] = (float) ((double) counts[c] / all);
}

void
walloc_task_mask_size (const walloc_task * task, unsigned *width,
    unsigned *height)
{
  walloc_net_shape shape;

  *width = *height = 0;
  if (task == NULL || task->info.kind != WALLOC_TASK_SEGMENT
      || walloc_task_output (task, "logits", &shape) == NULL)
    return;
  *height = (unsigned) shape.dims[2];
  *width = (unsigned) shape.dims[3];
}

walloc_result
walloc_task_mask (const walloc_task * task, unsigned cell, unsigned width,
    unsigned height, uint8_t * mask, size_t stride, float *shares,
    const walloc_runner * runner, walloc_error * error)
{
  walloc_net_shape shape;
  uint64_t most_width, most_height;
  double across;
  walloc_mem mem;
  job j;

  if (task == NULL || mask == NULL || task->info.kind != WALLOC_TASK_SEGMENT)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT,
        "no network that makes masks, or no mask");
  memset (&j, 0, sizeof j);
  j.logits = walloc_task_output (task, "logits", &shape);
  if (j.logits == NULL)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT, "nothing was run");
  j.classes = task->info.n_labels;
  j.h = (unsigned) shape.dims[2];
  j.w = (unsigned) shape.dims[3];
  most_width = cell == 0 ? j.w : (uint64_t) task->plan.width * cell;
  most_height = cell == 0 ? j.h : (uint64_t) task->plan.height * cell;
  if (width < 1 || height < 1 || width > most_width || height > most_height
      || stride < width)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT, "a mask of %ux%u (stride "
        "%zu) is not within 1x1 and %llux%llu", width, height, stride,
        (unsigned long long) most_width, (unsigned long long) most_height);
  /* of its own, as the task's must not change */
  walloc_mem_init (&mem, task->allocator.alloc ? &task->allocator : NULL);
  j.winner = walloc_mem_alloc (&mem, (size_t) j.w * j.h, 1);
  if (j.winner == NULL)
    return walloc_fail (error, WALLOC_ERR_MEMORY, "no memory for a mask");
  /* elements that the network's grid covers: not those of the frame's grid
   * where that was resampled and does not end at the same pixel */
  across = cell * exp2 ((double) task->plan.reduce - task->plan.enlarge);
  j.sx = cell == 0 ? 1 : j.w / (task->plan.seen_width * across);
  j.sy = cell == 0 ? 1 : j.h / (task->plan.seen_height * across);
  j.width = width;
  j.height = height;
  j.mask = mask;
  j.stride = stride;
  walloc_parallel (runner, find_winners, &j, j.h);
  walloc_parallel (runner, fill_row, &j, height);
  walloc_mem_free (&mem, j.winner);
  if (shares != NULL)
    count_shares (&j, shares);
  return WALLOC_OK;
}
