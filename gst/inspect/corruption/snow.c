/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Snow: noise that is magnified, cut off below a threshold and drawn out into
 * streaks; twice, the second one turned around, over a whitened picture. */
#include "corruption-private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct
{
  double loc, scale, zoom, threshold;
  unsigned radius;
  double sigma, keep;
} snows[5] = {
  {.1, .3, 3, .5, 10, 4, .8},
  {.2, .3, 2, .5, 12, 4, .7},
  {.55, .3, 4, .9, 12, 8, .7},
  {.55, .3, 4.5, .85, 12, 8, .65},
  {.55, .3, 2.5, .85, 12, 12, .55}
};

typedef struct
{
  float normal[65536];
  unsigned columns, rows;       /* of the noise */
  unsigned *x_at, *y_at;
  float *x_part, *y_part;
  float *noise;                 /* [rows][columns + 1] */
  float *flakes, *layer;        /* [height][width] */
  uint32_t *words;              /* [slots][columns] */
  size_t pitch;
  corruption_streak streak;
} snow;

static int
prepare_snow (corruption * c)
{
  int both = c->variant == CORRUPTION_HENDRYCKS;
  double zoom = snows[c->severity].zoom;
  snow *s = c->own = corruption_alloc (1, 1, sizeof (*s));
  unsigned first;

  if (s == NULL)
    return 0;
  corruption_normal_table (snows[c->severity].loc, snows[c->severity].scale,
      s->normal, 65536);
  s->x_at = corruption_alloc (c->width, sizeof (unsigned), 1);
  s->y_at = corruption_alloc (c->height, sizeof (unsigned), 1);
  s->x_part = corruption_alloc (c->width, sizeof (float), 1);
  s->y_part = corruption_alloc (c->height, sizeof (float), 1);
  if (!s->x_at || !s->y_at || !s->x_part || !s->y_part)
    return 0;
  corruption_zoom_places (c->width, zoom, both, &s->columns, &first, s->x_at,
      s->x_part);
  corruption_zoom_places (c->height, zoom, both, &s->rows, &first, s->y_at,
      s->y_part);
  s->noise = corruption_alloc (s->columns + 1, s->rows + 1, sizeof (float));
  s->flakes = corruption_alloc (c->width, c->height, sizeof (float));
  s->layer = corruption_alloc (c->width, c->height, sizeof (float));
  s->pitch = (s->columns + 7) / 8 * 4;
  s->words = corruption_alloc (corruption_slots (c), s->pitch,
      sizeof (uint32_t));
  return s->noise && s->flakes && s->layer && s->words;
}

static void
clear_snow (corruption * c)
{
  snow *s = c->own;

  free (s->x_at);
  free (s->y_at);
  free (s->x_part);
  free (s->y_part);
  free (s->noise);
  free (s->flakes);
  free (s->layer);
  free (s->words);
}

static void
noise_rows (corruption * c, void *data, unsigned y0, unsigned y1, unsigned slot)
{
  snow *s = c->own;
  uint32_t *words = s->words + slot * s->pitch;
  unsigned x, y;

  for (y = y0; y < y1; y++) {
    float *to = s->noise + (size_t) y * (s->columns + 1);

    corruption_random (c, 1, (uint64_t) y * s->pitch, words, s->pitch);
    for (x = 0; x < s->columns; x++)
      to[x] = s->normal[x & 1 ? words[x / 2] >> 16 : words[x / 2] & 0xffff];
  }
}

static void
flake_rows (corruption * c, void *data, unsigned y0, unsigned y1, unsigned slot)
{
  float threshold = (float) snows[c->severity].threshold;
  int whole = c->variant == CORRUPTION_HENDRYCKS;
  snow *s = c->own;
  unsigned x, y;

  for (y = y0; y < y1; y++) {
    const float *a = s->noise + (size_t) s->y_at[y] * (s->columns + 1);
    const float *b = a + s->columns + 1;
    float part = s->y_part[y];

    for (x = 0; x < c->width; x++) {
      unsigned at = s->x_at[x];
      float left = a[at] + part * (b[at] - a[at]);
      float right = a[at + 1] + part * (b[at + 1] - a[at + 1]);
      float v = left + s->x_part[x] * (right - left);

      v = v < threshold ? 0.0f : v > 1.0f ? 255.0f : 255.0f * v;
      s->flakes[(size_t) y * c->width + x] = whole ? floorf (v) : v;
    }
  }
}

static void
streak_rows (corruption * c, void *data, unsigned y0, unsigned y1,
    unsigned slot)
{
  snow *s = c->own;
  int w = (int) c->width, h = (int) c->height, x;
  unsigned y, i;

  for (y = y0; y < y1; y++) {
    float *to = s->layer + (size_t) y * c->width;

    memset (to, 0, c->width * sizeof (float));
    for (i = 0; i < s->streak.count; i++) {
      const float *in = s->flakes + (size_t) corruption_clamp ((int) y
          - s->streak.dy[i], h) * c->width;
      float weight = s->streak.weight[i];
      int dx = s->streak.dx[i], first, last;

      corruption_moved_range (dx, w, &first, &last);
      for (x = 0; x < first; x++)
        to[x] += weight * in[0];
      for (x = first; x < last; x++)
        to[x] += weight * in[x - dx];
      for (x = last; x < w; x++)
        to[x] += weight * in[w - 1];
    }
    for (x = 0; x < w; x++)
      to[x] = rintf (to[x]);
  }
}

static void
snow_rows (corruption * c, void *data, unsigned y0, unsigned y1, unsigned slot)
{
  float keep = (float) snows[c->severity].keep;
  snow *s = c->own;
  unsigned p, x, y;

  for (y = y0; y < y1; y++) {
    const float *layer = s->layer + (size_t) y * c->width;
    const float *turned = s->layer + (size_t) (c->height - 1 - y) * c->width
        + c->width - 1;
    size_t at = (size_t) y * c->width, to = y * c->stride;

    for (x = 0; x < c->width; x++) {
      float grey = c->planes == 1 ? c->in[0][at + x] :
          0.299f * c->in[0][at + x] + 0.587f * c->in[1][at + x]
          + 0.114f * c->in[2][at + x];
      float white = 1.5f * grey + 127.5f, flakes = layer[x] + turned[-(int) x];

      for (p = 0; p < c->planes; p++) {
        float v = c->in[p][at + x];

        c->out[p][to + x] = corruption_byte (keep * v + (1 - keep)
            * (v > white ? v : white) + flakes);
      }
    }
  }
}

static int
apply_snow (corruption * c, char *error)
{
  snow *s = c->own;

  corruption_streak_init (&s->streak, snows[c->severity].radius,
      snows[c->severity].sigma, corruption_uniform (c, 0, 0) * 90 - 135);
  corruption_rows (c, s->rows, noise_rows, NULL);
  corruption_rows (c, c->height, flake_rows, NULL);
  corruption_rows (c, c->height, streak_rows, NULL);
  corruption_rows (c, c->height, snow_rows, NULL);
  return 1;
}

const corruption_class corruption_snow = {
  prepare_snow, apply_snow, clear_snow
};
