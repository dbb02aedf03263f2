/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Plasma: a diamond-square map that wraps around. Each new value is the mean of
 * its four neighbours and w times a uniform number of [-w, w]; w is divided by the
 * decay from level to level. */
#include "corruption-private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct
{
  float *map;
  unsigned size, step;
  float spread;                 /* w squared */
  unsigned stream;
  int odd_rows;                 /* of diamonds: below corners, else beside */
  uint32_t *words;              /* [slots][size / 2 rounded up to 4] */
  size_t pitch;
  float low[WALLOC_MAX_WORKERS], high[WALLOC_MAX_WORKERS];
} plasma;

/* -1 to 1 */
static inline float
even (uint32_t word)
{
  return (float) (int32_t) word *(1.0f / 2147483648.0f);
}

static void
squares (corruption * c, void *data, unsigned y0, unsigned y1, unsigned slot)
{
  plasma *f = data;
  unsigned n = f->size / f->step, mask = f->size - 1, x, y;
  uint32_t *words = f->words + slot * f->pitch;

  for (y = y0; y < y1; y++) {
    const float *up = f->map + (size_t) y * f->step * f->size;
    const float *down = f->map + (size_t) ((y + 1) * f->step & mask) * f->size;
    float *to = f->map + ((size_t) y * f->step + f->step / 2) * f->size
        + f->step / 2;

    corruption_random (c, f->stream, (uint64_t) y * f->pitch, words, n);
    for (x = 0; x < n; x++) {
      unsigned left = x * f->step, right = (left + f->step) & mask;

      to[left] = 0.25f * (up[left] + up[right] + down[left] + down[right])
          + f->spread * even (words[x]);
    }
  }
}

static void
diamonds (corruption * c, void *data, unsigned y0, unsigned y1, unsigned slot)
{
  plasma *f = data;
  unsigned n = f->size / f->step, half = f->step / 2, mask = f->size - 1;
  unsigned x, y, shift = f->odd_rows ? 0 : half;
  uint32_t *words = f->words + slot * f->pitch;

  for (y = y0; y < y1; y++) {
    unsigned row = y * f->step + (f->odd_rows ? half : 0);
    float *to = f->map + (size_t) row * f->size;
    const float *up = f->map + (size_t) ((row - half) & mask) * f->size;
    const float *down = f->map + (size_t) ((row + half) & mask) * f->size;

    corruption_random (c, f->stream, (uint64_t) y * f->pitch, words, n);
    for (x = 0; x < n; x++) {
      unsigned at = x * f->step + shift;

      to[at] = 0.25f * (up[at] + down[at] + to[(at - half) & mask]
          + to[(at + half) & mask]) + f->spread * even (words[x]);
    }
  }
}

static void
extremes (corruption * c, void *data, unsigned y0, unsigned y1, unsigned slot)
{
  plasma *f = data;
  const float *v = f->map + (size_t) y0 * f->size;
  size_t i, n = (size_t) (y1 - y0) * f->size;
  float low = f->low[slot], high = f->high[slot];

  for (i = 0; i < n; i++) {
    low = v[i] < low ? v[i] : low;
    high = v[i] > high ? v[i] : high;
  }
  f->low[slot] = low;
  f->high[slot] = high;
}

static void
stretch (corruption * c, void *data, unsigned y0, unsigned y1, unsigned slot)
{
  plasma *f = data;
  float *v = f->map + (size_t) y0 * f->size;
  size_t i, n = (size_t) (y1 - y0) * f->size;
  float low = f->low[0], by = f->high[0] > low ? 1 / (f->high[0] - low) : 0;

  for (i = 0; i < n; i++)
    v[i] = (v[i] - low) * by;
}

int
corruption_plasma (corruption * c, unsigned stream, unsigned size,
    double decay, float *map)
{
  plasma f = { map, size, size, 0, stream, 0, NULL, 0 };
  double w = 100.0;
  unsigned i;

  f.pitch = (size / 2 + 3) / 4 * 4;
  f.words = corruption_alloc (corruption_slots (c), f.pitch, sizeof (uint32_t));
  if (f.words == NULL)
    return 0;
  map[0] = 0.0f;
  for (f.step = size; f.step >= 2; f.step /= 2, w /= decay) {
    f.spread = (float) (w * w);
    corruption_rows (c, size / f.step, squares, &f);
    f.stream++;
    f.odd_rows = 0;
    corruption_rows (c, size / f.step, diamonds, &f);
    f.stream++;
    f.odd_rows = 1;
    corruption_rows (c, size / f.step, diamonds, &f);
    f.stream++;
  }
  for (i = 0; i < corruption_slots (c); i++)
    f.low[i] = f.high[i] = map[0];
  corruption_rows (c, size, extremes, &f);
  for (i = 1; i < corruption_slots (c); i++) {
    f.low[0] = f.low[i] < f.low[0] ? f.low[i] : f.low[0];
    f.high[0] = f.high[i] > f.high[0] ? f.high[i] : f.high[0];
  }
  corruption_rows (c, size, stretch, &f);
  free (f.words);
  return 1;
}
