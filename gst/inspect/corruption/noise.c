/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Gaussian, shot and impulse noise: every sample by itself, from 16 or 32 random
 * bits and a table, so that noise keeps up with live video. */
#include "corruption-private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Greatest number of photons of a full sample, and entries of shot noise's
 * tables: more photons than that are white. */
#define MAX_PHOTONS 60
/* where the search in a cumulative distribution begins, by the upper 8 bits */
#define GUIDE 256

typedef struct
{
  uint32_t *words;              /* [slots][width rounded up to 4] */
  size_t pitch;
  union
  {
    /* what is below the middle, of 65536 quantiles times sigma; in 64ths of
     * a sample, so that it stays in the cache */
    int16_t normal[32768];
    struct
    {
      uint8_t value[MAX_PHOTONS + 1];
      uint32_t below[256][MAX_PHOTONS + 1];     /* P (photons <= k), 2^-32 */
      uint8_t guide[256][GUIDE];
    } shot;
    uint32_t impulse;           /* of 65536 */
  } table;
} noise;

static int
prepare_words (corruption * c)
{
  noise *n = c->own = corruption_alloc (1, 1, sizeof (noise));

  if (n == NULL)
    return 0;
  /* a multiple of 8 samples is one of 4 words of two samples each */
  n->pitch = (c->width + 7) / 8 * 8;
  n->words = corruption_alloc (corruption_slots (c), n->pitch, 4);
  return n->words != NULL;
}

static void
clear_words (corruption * c)
{
  free (((noise *) c->own)->words);
}

static int
prepare_gaussian (corruption * c)
{
  static const double sigma[5] = { .08, .12, .18, .26, .38 };
  float *quantiles;
  unsigned i;

  if (!prepare_words (c))
    return 0;
  quantiles = corruption_alloc (65536, sizeof (float), 1);
  if (quantiles == NULL)
    return 0;
  corruption_normal_table (0, sigma[c->severity] * 255 * 64, quantiles, 65536);
  for (i = 0; i < 32768; i++)
    ((noise *) c->own)->table.normal[i] = (int16_t) lrintf (quantiles[i]);
  free (quantiles);
  return 1;
}

static int
prepare_shot (corruption * c)
{
  static const unsigned photons[5] = { 60, 25, 12, 5, 3 };
  unsigned full = photons[c->severity], v, k, g;
  noise *n;

  if (!prepare_words (c))
    return 0;
  n = c->own;
  for (k = 0; k <= MAX_PHOTONS; k++)
    n->table.shot.value[k] =
        k >= full ? 255 : (uint8_t) (k / (double) full * 255);
  for (v = 0; v < 256; v++) {
    double mean = v / 255.0 * full, p = exp (-mean), sum = 0.0;

    for (k = 0; k <= MAX_PHOTONS; k++) {
      sum += p;
      p *= mean / (k + 1);
      n->table.shot.below[v][k] = k >= full || sum >= 1.0 ? UINT32_MAX :
          (uint32_t) (sum * 4294967295.0);
    }
    for (g = 0, k = 0; g < GUIDE; g++) {
      while (n->table.shot.below[v][k] < g << 24)
        k++;
      n->table.shot.guide[v][g] = (uint8_t) k;
    }
  }
  return 1;
}

static int
prepare_impulse (corruption * c)
{
  static const double part[5] = { .03, .06, .09, .17, .27 };

  if (!prepare_words (c))
    return 0;
  ((noise *) c->own)->table.impulse =
      (uint32_t) (part[c->severity] * 65536 + 0.5);
  return 1;
}

static uint32_t *
row_of_words (corruption * c, unsigned plane, unsigned y, size_t count,
    unsigned slot)
{
  noise *n = c->own;
  uint32_t *words = n->words + slot * n->pitch;

  corruption_random (c, plane, (uint64_t) y * count, words, count);
  return words;
}

static void
gaussian_rows (corruption * c, void *data, unsigned y0, unsigned y1,
    unsigned slot)
{
  noise *n = c->own;
  unsigned p, y, x;

  for (p = 0; p < c->planes; p++)
    for (y = y0; y < y1; y++) {
      const uint8_t *in = c->in[p] + (size_t) y * c->width;
      uint8_t *out = c->out[p] + y * c->stride;
      uint32_t *words = row_of_words (c, p, y, n->pitch / 2, slot);

      for (x = 0; x < c->width; x++) {
        uint32_t word = x & 1 ? words[x / 2] >> 16 : words[x / 2];
        int v = n->table.normal[word & 0x7fff];

        v = 64 * in[x] + (word & 0x8000 ? v : -v);
        out[x] = v < 0 ? 0 : v >= 255 * 64 ? 255 : (uint8_t) (v >> 6);
      }
    }
}

static void
shot_rows (corruption * c, void *data, unsigned y0, unsigned y1, unsigned slot)
{
  noise *n = c->own;
  unsigned p, y, x;

  for (p = 0; p < c->planes; p++)
    for (y = y0; y < y1; y++) {
      const uint8_t *in = c->in[p] + (size_t) y * c->width;
      uint8_t *out = c->out[p] + y * c->stride;
      uint32_t *words = row_of_words (c, p, y, n->pitch, slot);

      for (x = 0; x < c->width; x++) {
        const uint32_t *below = n->table.shot.below[in[x]];
        unsigned k = n->table.shot.guide[in[x]][words[x] >> 24];

        while (below[k] < words[x])
          k++;
        out[x] = n->table.shot.value[k];
      }
    }
}

static void
impulse_rows (corruption * c, void *data, unsigned y0, unsigned y1,
    unsigned slot)
{
  noise *n = c->own;
  unsigned p, y, x;

  for (p = 0; p < c->planes; p++)
    for (y = y0; y < y1; y++) {
      const uint8_t *in = c->in[p] + (size_t) y * c->width;
      uint8_t *out = c->out[p] + y * c->stride;
      uint32_t *words = row_of_words (c, p, y, n->pitch, slot);

      for (x = 0; x < c->width; x++)
        out[x] = words[x] >> 16 >= n->table.impulse ? in[x] :
            words[x] & 1 ? 255 : 0;
    }
}

static int
apply_gaussian (corruption * c, char *error)
{
  corruption_rows (c, c->height, gaussian_rows, NULL);
  return 1;
}

static int
apply_shot (corruption * c, char *error)
{
  corruption_rows (c, c->height, shot_rows, NULL);
  return 1;
}

static int
apply_impulse (corruption * c, char *error)
{
  corruption_rows (c, c->height, impulse_rows, NULL);
  return 1;
}

const corruption_class corruption_gaussian_noise = {
  prepare_gaussian, apply_gaussian, clear_words
};

const corruption_class corruption_shot_noise = {
  prepare_shot, apply_shot, clear_words
};

const corruption_class corruption_impulse_noise = {
  prepare_impulse, apply_impulse, clear_words
};
