/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Defocus: a disc whose edge is smoothed a little.
 *
 * The published programs smooth the disc in an array that just holds it, with
 * mirrored borders, so that discs of radius 8 and 10 have a sum of 1.013 and
 * 1.011 and make pictures that much brighter. That is part of the definition
 * here.
 *
 * A row of the disc is a heap of boxes, one in the other, and the sum over a box
 * is the difference of two running sums: a few operations for each row of the
 * disc, however wide. */
#include "corruption-private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define MAX_RADIUS 10
#define MAX_SIDE (2 * MAX_RADIUS + 1)
/* parts of a row below this are nothing */
#define NOTHING 1e-9

typedef struct
{
  unsigned side;                /* of the array that holds the disc */
  struct
  {
    unsigned count;
    int half[MAX_SIDE];         /* a box is 2 half + 1 samples wide */
    float weight[MAX_SIDE];
  } row[MAX_RADIUS + 1];        /* by distance from the middle */

  size_t pitch;
  int32_t *sums;                /* [slots][band + side][pitch] */
  float *line;                  /* [slots][width] */
} defocus;

/* -1 -> 1; by no more than the array is wide */
static int
inside (int i, int n)
{
  return i < 0 ? -i : i >= n ? 2 * n - 2 - i : i;
}

static void
make_disc (defocus * d, unsigned radius, double sigma)
{
  double disc[MAX_SIDE][MAX_SIDE] = { {0} }, part[MAX_SIDE][MAX_SIDE];
  double tap[3], sum = 0.0;
  int r = radius <= 8 ? 8 : (int) radius, reach = radius <= 8 ? 1 : 2;
  int n = 2 * r + 1, x, y, i;

  for (y = 0; y < n; y++)
    for (x = 0; x < n; x++) {
      disc[y][x] = (x - r) * (x - r) + (y - r) * (y - r)
          <= (int) (radius * radius);
      sum += disc[y][x];
    }
  for (i = 0; i <= reach; i++)
    tap[i] = exp (-0.5 * i * i / (sigma * sigma));
  tap[2] = reach == 2 ? tap[2] : 0.0;
  {
    double all = tap[0] + 2 * (tap[1] + tap[2]);

    for (i = 0; i < 3; i++)
      tap[i] /= all;
  }
  for (y = 0; y < n; y++)
    for (x = 0; x < n; x++) {
      part[y][x] = tap[0] * disc[y][x];
      for (i = 1; i <= reach; i++)
        part[y][x] += tap[i] * (disc[y][inside (x - i, n)]
            + disc[y][inside (x + i, n)]);
    }
  for (y = 0; y < n; y++)
    for (x = 0; x < n; x++) {
      disc[y][x] = tap[0] * part[y][x];
      for (i = 1; i <= reach; i++)
        disc[y][x] += tap[i] * (part[inside (y - i, n)][x]
            + part[inside (y + i, n)][x]);
      disc[y][x] /= sum;
    }

  d->side = (unsigned) n;
  for (y = 0; y <= r; y++)
    for (x = r; x >= 0; x--) {
      double weight = disc[r + y][r + x] - (x < r ? disc[r + y][r + x + 1] :
          0.0);
      unsigned k = d->row[y].count;

      if (fabs (weight) < NOTHING)
        continue;
      d->row[y].half[k] = x;
      d->row[y].weight[k] = (float) weight;
      d->row[y].count++;
    }
}

static int
prepare_defocus (corruption * c)
{
  static const unsigned radius[5] = { 3, 4, 6, 8, 10 };
  static const double sigma[5] = { .1, .5, .5, .5, .5 };
  defocus *d = c->own = corruption_alloc (1, 1, sizeof (*d));

  if (d == NULL)
    return 0;
  make_disc (d, radius[c->severity], sigma[c->severity]);
  d->pitch = (size_t) c->width + d->side + 1;
  d->sums = corruption_alloc ((size_t) corruption_slots (c)
      * (CORRUPTION_BAND + d->side), d->pitch, sizeof (int32_t));
  d->line = corruption_alloc (corruption_slots (c), c->width, sizeof (float));
  return d->sums != NULL && d->line != NULL;
}

static void
clear_defocus (corruption * c)
{
  defocus *d = c->own;

  free (d->sums);
  free (d->line);
}

/* sums[i]: of the samples -r to -r + i - 1. */
static void
running_sums (int32_t * sums, const uint8_t * in, int width, int r)
{
  int32_t sum = 0;
  int x;

  *sums++ = 0;
  for (x = -r; x < 0; x++)
    *sums++ = sum += in[corruption_reflect (x, width)];
  for (x = 0; x < width; x++)
    *sums++ = sum += in[x];
  for (; x < width + r; x++)
    *sums++ = sum += in[corruption_reflect (x, width)];
}

WALLOC_CLONES static void
add_boxes (float *restrict to, const int32_t * restrict a0,
    const int32_t * restrict a1, const int32_t * restrict b0,
    const int32_t * restrict b1, float weight, unsigned n)
{
  unsigned x;

  for (x = 0; x < n; x++)
    to[x] += weight * (float) ((a1[x] - a0[x]) + (b1[x] - b0[x]));
}

WALLOC_CLONES static void
add_box (float *restrict to, const int32_t * restrict a0,
    const int32_t * restrict a1, float weight, unsigned n)
{
  unsigned x;

  for (x = 0; x < n; x++)
    to[x] += weight * (float) (a1[x] - a0[x]);
}

static void
defocus_rows (corruption * c, void *data, unsigned y0, unsigned y1,
    unsigned slot)
{
  defocus *d = c->own;
  int r = (int) d->side / 2, y, j;
  int32_t *sums = d->sums + slot * (CORRUPTION_BAND + d->side) * d->pitch;
  float *line = d->line + (size_t) slot * c->width;
  unsigned p, x, k;

  for (p = 0; p < c->planes; p++) {
    for (y = (int) y0 - r; y < (int) y1 + r; y++)
      running_sums (sums + (size_t) (y - (int) y0 + r) * d->pitch,
          c->in[p] + (size_t) corruption_reflect (y, (int) c->height)
          * c->width, (int) c->width, r);
    for (y = (int) y0; y < (int) y1; y++) {
      const int32_t *mid = sums + (size_t) (y - (int) y0 + r) * d->pitch + r;
      uint8_t *out = c->out[p] + (size_t) y * c->stride;

      memset (line, 0, c->width * sizeof (float));
      for (k = 0; k < d->row[0].count; k++) {
        int half = d->row[0].half[k];

        add_box (line, mid - half, mid + half + 1, d->row[0].weight[k],
            c->width);
      }
      for (j = 1; j <= r; j++) {
        const int32_t *up = mid - (size_t) j * d->pitch;
        const int32_t *down = mid + (size_t) j * d->pitch;

        for (k = 0; k < d->row[j].count; k++) {
          int half = d->row[j].half[k];

          add_boxes (line, up - half, up + half + 1, down - half,
              down + half + 1, d->row[j].weight[k], c->width);
        }
      }
      for (x = 0; x < c->width; x++)
        out[x] = corruption_byte (line[x]);
    }
  }
}

static int
apply_defocus (corruption * c, char *error)
{
  corruption_rows (c, c->height, defocus_rows, NULL);
  return 1;
}

const corruption_class corruption_defocus = {
  prepare_defocus, apply_defocus, clear_defocus
};
