/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Gaussian filters: columns first, row by row, then rows. */
#include "corruption-private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct corruption_gaussian
{
  unsigned width, height;
  unsigned radius_x, radius_y;
  int mirrored;
  float *tap_x, *tap_y;         /* from the middle outwards */
  float *middle;                /* [height][width]: columns filtered */
  float *line;                  /* [slots][width + 2 radius_x] */
  size_t pitch;
};

typedef struct
{
  corruption_gaussian *g;
  const uint8_t *bytes;
  float *floats;
  size_t in_stride;
  uint8_t *out;
  size_t out_stride;
} filter_job;

static float *
taps (double sigma, unsigned radius)
{
  float *tap = corruption_alloc (radius + 1, sizeof (float), 1);
  double sum = 0.0;
  unsigned i;

  if (tap == NULL)
    return NULL;
  for (i = 0; i <= radius; i++)
    sum += exp (-0.5 * i * i / (sigma * sigma)) * (i ? 2 : 1);
  for (i = 0; i <= radius; i++)
    tap[i] = (float) (exp (-0.5 * i * i / (sigma * sigma)) / sum);
  return tap;
}

corruption_gaussian *
corruption_gaussian_new (const corruption * c, unsigned width, unsigned height,
    double sigma_x, double sigma_y, unsigned radius_x, unsigned radius_y,
    int mirrored)
{
  corruption_gaussian *g = corruption_alloc (1, 1, sizeof (*g));

  if (g == NULL)
    return NULL;
  g->width = width;
  g->height = height;
  g->radius_x = radius_x;
  g->radius_y = radius_y;
  g->mirrored = mirrored;
  g->pitch = (size_t) width + 2 * (size_t) radius_x;
  g->tap_x = taps (sigma_x, radius_x);
  g->tap_y = taps (sigma_y, radius_y);
  g->middle = corruption_alloc (width, height, sizeof (float));
  g->line = corruption_alloc (corruption_slots (c), g->pitch, sizeof (float));
  if (!g->tap_x || !g->tap_y || !g->middle || !g->line) {
    corruption_gaussian_free (g);
    return NULL;
  }
  return g;
}

void
corruption_gaussian_free (corruption_gaussian * g)
{
  if (g == NULL)
    return;
  free (g->tap_x);
  free (g->tap_y);
  free (g->middle);
  free (g->line);
  free (g);
}

/* Index of a sample beyond the border: the last one again, or mirrored with
 * the last one twice. */
static int
border (const corruption_gaussian * g, int i, int n)
{
  return g->mirrored ? corruption_mirror (i, n) : corruption_clamp (i, n);
}

WALLOC_CLONES static void
add_bytes (float *restrict to, const uint8_t * restrict a,
    const uint8_t * restrict b, float tap, unsigned n)
{
  unsigned x;

  for (x = 0; x < n; x++)
    to[x] += tap * (float) (a[x] + b[x]);
}

WALLOC_CLONES static void
add_floats (float *restrict to, const float *restrict a,
    const float *restrict b, float tap, unsigned n)
{
  unsigned x;

  for (x = 0; x < n; x++)
    to[x] += tap * (a[x] + b[x]);
}

static void
columns (corruption * c, void *data, unsigned y0, unsigned y1, unsigned slot)
{
  filter_job *job = data;
  corruption_gaussian *g = job->g;
  int y, h = (int) g->height;
  unsigned x, i;

  for (y = (int) y0; y < (int) y1; y++) {
    float *to = g->middle + (size_t) y * g->width;

    for (x = 0; x < g->width; x++)
      to[x] = g->tap_y[0] * (job->bytes ? job->bytes[y * job->in_stride + x] :
          job->floats[(size_t) y * g->width + x]);
    for (i = 1; i <= g->radius_y; i++) {
      size_t up = (size_t) border (g, y - (int) i, h);
      size_t down = (size_t) border (g, y + (int) i, h);

      if (job->bytes)
        add_bytes (to, job->bytes + up * job->in_stride,
            job->bytes + down * job->in_stride, g->tap_y[i], g->width);
      else
        add_floats (to, job->floats + up * g->width,
            job->floats + down * g->width, g->tap_y[i], g->width);
    }
  }
}

static void
lines (corruption * c, void *data, unsigned y0, unsigned y1, unsigned slot)
{
  filter_job *job = data;
  corruption_gaussian *g = job->g;
  float *line = g->line + slot * g->pitch, *mid = line + g->radius_x;
  int r = (int) g->radius_x, w = (int) g->width;
  unsigned y, i;
  int x;

  for (y = y0; y < y1; y++) {
    float *row = g->middle + (size_t) y * g->width;

    memcpy (mid, row, g->width * sizeof (float));
    for (x = 1; x <= r; x++) {
      mid[-x] = row[border (g, -x, w)];
      mid[w - 1 + x] = row[border (g, w - 1 + x, w)];
    }
    for (x = 0; x < w; x++)
      row[x] = g->tap_x[0] * mid[x];
    for (i = 1; i <= g->radius_x; i++)
      add_floats (row, mid - i, mid + i, g->tap_x[i], g->width);
    if (job->out) {
      /* sums of equal samples must not fall short of them */
      for (x = 0; x < w; x++)
        job->out[y * job->out_stride + x] = corruption_byte (row[x] + 1e-3f);
    } else {
      memcpy (job->floats + (size_t) y * g->width, row,
          g->width * sizeof (float));
    }
  }
}

void
corruption_gaussian_floats (corruption * c, corruption_gaussian * g,
    float *plane)
{
  filter_job job = { g, NULL, plane, 0, NULL, 0 };

  corruption_rows (c, g->height, columns, &job);
  corruption_rows (c, g->height, lines, &job);
}

void
corruption_gaussian_bytes (corruption * c, corruption_gaussian * g,
    const uint8_t * in, size_t in_stride, uint8_t * out, size_t out_stride)
{
  filter_job job = { g, in, NULL, in_stride, out, out_stride };

  corruption_rows (c, g->height, columns, &job);
  corruption_rows (c, g->height, lines, &job);
}
