/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Motion: one half of a Gaussian along a direction, as shifted copies with
 * whole steps (ImageMagick's MotionBlur, and its later copy). The picture moves
 * by the kernel's mean. */
#include "corruption-private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct
{
  float *line;                  /* [slots][width] */
} motion;

void
corruption_streak_init (corruption_streak * s, unsigned radius, double sigma,
    double degrees)
{
  double sum = 0.0, angle = degrees * M_PI / 180;
  unsigned i;

  s->count = 2 * radius + 1;
  for (i = 0; i < s->count; i++)
    sum += exp (-0.5 * i * i / (sigma * sigma));
  for (i = 0; i < s->count; i++) {
    s->weight[i] = (float) (exp (-0.5 * i * i / (sigma * sigma)) / sum);
    s->dx[i] = -(int) ceil (i * cos (angle) - .5);
    s->dy[i] = -(int) ceil (i * sin (angle) - .5);
  }
}

/* to += weight * in, moved by dx, the border repeated */
WALLOC_CLONES static void
add_moved (float *restrict to, const uint8_t * restrict in, int dx,
    float weight, int n)
{
  int x, first, last;

  corruption_moved_range (dx, n, &first, &last);
  for (x = 0; x < first; x++)
    to[x] += weight * in[0];
  for (x = first; x < last; x++)
    to[x] += weight * in[x - dx];
  for (x = last; x < n; x++)
    to[x] += weight * in[n - 1];
}

static void
motion_rows (corruption * c, void *data, unsigned y0, unsigned y1,
    unsigned slot)
{
  const corruption_streak *s = data;
  motion *m = c->own;
  float *line = m->line + (size_t) slot * c->width;
  unsigned p, x, y, i;

  for (p = 0; p < c->planes; p++)
    for (y = y0; y < y1; y++) {
      uint8_t *out = c->out[p] + y * c->stride;

      memset (line, 0, c->width * sizeof (float));
      for (i = 0; i < s->count; i++)
        add_moved (line, c->in[p] + (size_t) corruption_clamp ((int) y
                - s->dy[i], (int) c->height) * c->width, s->dx[i],
            s->weight[i], (int) c->width);
      for (x = 0; x < c->width; x++)
        out[x] = corruption_byte (line[x] + 1e-3f);
    }
}

static int
prepare_motion (corruption * c)
{
  motion *m = c->own = corruption_alloc (1, 1, sizeof (*m));

  if (m == NULL)
    return 0;
  m->line = corruption_alloc (corruption_slots (c), c->width, sizeof (float));
  return m->line != NULL;
}

static void
clear_motion (corruption * c)
{
  free (((motion *) c->own)->line);
}

static int
apply_motion (corruption * c, char *error)
{
  static const struct
  {
    unsigned radius;
    double sigma;
  } by[5] = { {10, 3}, {15, 5}, {15, 8}, {15, 12}, {20, 15} };
  corruption_streak s;

  corruption_streak_init (&s, by[c->severity].radius, by[c->severity].sigma,
      corruption_uniform (c, 0, 0) * 90 - 45);
  corruption_rows (c, c->height, motion_rows, &s);
  return 1;
}

const corruption_class corruption_motion = {
  prepare_motion, apply_motion, clear_motion
};
