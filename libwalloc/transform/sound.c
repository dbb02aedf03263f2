/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "transform/sound.h"

#include <math.h>
#include <string.h>

#include "transform/lifting.h"

/* Analysis. Samples that are kept before the new ones of each band: pair k
 * needs samples 2 k - 4 to 2 k + 4, so pairs come two late. What comes late
 * by an odd number of samples must wait for one more at the next level, or
 * pairs would not begin with even ones: that is so at the second level only
 * (2 pairs late: samples 2 late; 3 pairs late then: 4 late from there on). */
#define BEFORE 10
#define WAITS(level) ((level) == 1 ? 1 : 0)

/* Synthesis: pairs that are kept before the new ones. */
#define PAIRS_BEFORE 4

static size_t
level_size (unsigned columns, unsigned level)
{
  return ((size_t) BEFORE << level) + (size_t) columns *WALLOC_SOUND_BANDS;
}

/* Of every level the samples; then low and high. */
size_t
walloc_sound_analysis_size (unsigned columns)
{
  size_t n = 0;
  unsigned l;

  for (l = 0; l < WALLOC_SOUND_LEVELS; l++)
    n += level_size (columns, l);
  return n + level_size (columns, WALLOC_SOUND_LEVELS - 1);
}

void
walloc_sound_analyse (int32_t * state, const int32_t * samples,
    unsigned columns, int32_t * coefs, size_t stride)
{
  int32_t *level[WALLOC_SOUND_LEVELS + 1], *low, *high, *to;
  unsigned l, band, bands;
  size_t fresh, room, first;

  level[0] = state;
  for (l = 0; l < WALLOC_SOUND_LEVELS; l++)
    level[l + 1] = level[l] + level_size (columns, l);
  low = level[WALLOC_SOUND_LEVELS];
  high = low + level_size (columns, WALLOC_SOUND_LEVELS - 1) / 2;
  fresh = (size_t) columns *WALLOC_SOUND_BANDS;
  memcpy (level[0] + BEFORE, samples, fresh * sizeof *samples);
  for (l = 0; l < WALLOC_SOUND_LEVELS; l++, fresh /= 2) {
    bands = 1u << l;
    room = BEFORE + fresh;
    walloc_sound_split (level[l], bands * room / 2, low, high);
    for (band = 0; band < bands; band++) {
      /* the last of these pairs is two before the newest one */
      first = (band * room + BEFORE) / 2 - 2 - WAITS (l);
      if (l + 1 < WALLOC_SOUND_LEVELS) {
        to = level[l + 1] + 2 * band * (BEFORE + fresh / 2) + BEFORE;
        memcpy (to, low + first, fresh / 2 * sizeof *to);
        to += BEFORE + fresh / 2;
      } else {
        to = coefs + 2 * band * stride;
        memcpy (to, low + first, fresh / 2 * sizeof *to);
        to += stride;
      }
      memcpy (to, high + first, fresh / 2 * sizeof *to);
      to = level[l] + band * room;
      memmove (to, to + fresh, BEFORE * sizeof *to);
    }
  }
}

double
walloc_sound_gain (unsigned band)
{
  unsigned ones = (unsigned) __builtin_popcount (band);
  double gain = pow (LIFT_LOW_GAIN, WALLOC_SOUND_LEVELS - 2.0 * ones);

  return ldexp (ones % 2 ? -gain : gain, -WALLOC_SOUND_FRACTION);
}

/* Elements of both halves of the bands that a level of synthesis reads. */
static size_t
pairs_size (unsigned columns, unsigned level)
{
  return ((size_t) PAIRS_BEFORE << level) +
      (size_t) columns *WALLOC_SOUND_BANDS / 2;
}

/* Of every level low and high; then copies of both that lifting overwrites,
 * and samples. */
size_t
walloc_sound_synthesis_size (unsigned columns)
{
  size_t n = 0;
  unsigned l;

  for (l = 0; l < WALLOC_SOUND_LEVELS; l++)
    n += 2 * pairs_size (columns, l);
  return n + 4 * pairs_size (columns, WALLOC_SOUND_LEVELS - 1);
}

void
walloc_sound_synthesise (float *state, const float *coefs, size_t stride,
    unsigned columns, float *samples)
{
  float *half[WALLOC_SOUND_LEVELS][2], *work[2], *out, *to;
  const size_t most = pairs_size (columns, WALLOC_SOUND_LEVELS - 1);
  size_t pairs, room, fresh;
  unsigned l, band, bands, k;

  for (l = 0; l < WALLOC_SOUND_LEVELS; l++)
    for (k = 0; k < 2; k++, state += pairs_size (columns, l))
      half[l][k] = state;
  work[0] = state;
  work[1] = state + most;
  out = state + 2 * most;
  l = WALLOC_SOUND_LEVELS - 1;
  for (band = 0; band < WALLOC_SOUND_BANDS; band++)
    memcpy (half[l][band % 2] + band / 2 * (PAIRS_BEFORE + columns) +
        PAIRS_BEFORE, coefs + band * stride, columns * sizeof *coefs);
  for (fresh = columns;; fresh *= 2, l--) {
    bands = 1u << l;
    room = PAIRS_BEFORE + fresh;
    pairs = bands * room;
    for (k = 0; k < 2; k++)
      memcpy (work[k], half[l][k], pairs * sizeof (float));
    walloc_sound_merge (work[0], work[1], pairs, out);
    for (band = 0; band < bands; band++) {
      for (k = 0; k < 2; k++) {
        to = half[l][k] + band * room;
        memmove (to, to + fresh, PAIRS_BEFORE * sizeof *to);
      }
      if (l == 0)
        to = samples;
      else
        to = half[l - 1][band % 2] + band / 2 * (PAIRS_BEFORE + 2 * fresh) +
            PAIRS_BEFORE;
      /* the last of these pairs is two before the newest one */
      memcpy (to, out + 2 * (band * room + PAIRS_BEFORE - 2),
          2 * fresh * sizeof *to);
    }
    if (l == 0)
      return;
  }
}
