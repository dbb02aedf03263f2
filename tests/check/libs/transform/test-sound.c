/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The running packet transform of sound against the library's transform of a
 * whole signal, for every way of cutting it up. */
#include <math.h>
#include <stdint.h>
#include <string.h>

#include <walloc/wavelet.h>

#include "transform/sound.h"
#include "tap.h"

#define COLUMNS 60              /* divisible by all sizes of a call */
#define SAMPLES (COLUMNS * WALLOC_SOUND_BANDS)
#define QUIET 2560              /* samples before and behind, for the borders */
#define ONE (1 << WALLOC_SOUND_FRACTION)

static const unsigned calls[] = { 1, 2, 3, 4, 5, 12, 30, 60 };

static int32_t *
analyse (const int32_t * samples, unsigned columns)
{
  int32_t *state = calloc (walloc_sound_analysis_size (columns),
      sizeof *state);
  int32_t *coefs = calloc (SAMPLES, sizeof *coefs);
  unsigned k;

  for (k = 0; k < COLUMNS; k += columns)
    walloc_sound_analyse (state, samples + (size_t) k * WALLOC_SOUND_BANDS,
        columns, coefs + k, COLUMNS);
  free (state);
  return coefs;
}

static float *
synthesise (const float *coefs, unsigned columns)
{
  float *state = calloc (walloc_sound_synthesis_size (columns),
      sizeof *state);
  float *samples = calloc (SAMPLES, sizeof *samples);
  unsigned k;

  for (k = 0; k < COLUMNS; k += columns)
    walloc_sound_synthesise (state, coefs + k, COLUMNS, columns,
        samples + (size_t) k * WALLOC_SOUND_BANDS);
  free (state);
  return samples;
}

/* Greatest difference from the float transform of the whole signal, which has
 * silence on both sides so that its borders do not matter. */
static double
difference (const int32_t * samples, const int32_t * coefs)
{
  const size_t n = SAMPLES + 2 * QUIET, columns = n / WALLOC_SOUND_BANDS;
  float *x = calloc (n, sizeof *x), *out = calloc (n, sizeof *out), *scratch;
  double worst = 0, d;
  size_t room, i, band;

  for (i = 0; i < SAMPLES; i++)
    x[QUIET + i] = (float) samples[i] / ONE;
  walloc_packet_scratch_1d (n, WALLOC_SOUND_LEVELS, &room, NULL);
  scratch = calloc (room, sizeof *scratch);
  walloc_packet_analyse_1d (x, n, WALLOC_SOUND_LEVELS,
      WALLOC_BORDER_SYMMETRIC, out, columns, scratch, room, NULL);
  for (band = 0; band < WALLOC_SOUND_BANDS; band++)
    for (i = 0; i + WALLOC_SOUND_LATE < COLUMNS; i++) {
      d = coefs[band * COLUMNS + i + WALLOC_SOUND_LATE] *
          walloc_sound_gain ((unsigned) band) -
          out[band * columns + QUIET / WALLOC_SOUND_BANDS + i];
      worst = fmax (worst, fabs (d));
    }
  free (x);
  free (out);
  free (scratch);
  return worst;
}

static void
test_signal (const char *name, int32_t * samples, double limit)
{
  int32_t *whole = analyse (samples, COLUMNS), *coefs;
  float *values = calloc (SAMPLES, sizeof *values), *out, *again;
  double worst = 0;
  size_t i;

  worst = difference (samples, whole);
  TAP_OK (worst < limit, "%s: coefficients are those of the whole signal's "
      "transform within %g", name, worst);
  worst = 0;
  for (i = 0; i < SAMPLES; i++)
    values[i] = (float) (whole[i] * walloc_sound_gain (i / COLUMNS));
  out = synthesise (values, COLUMNS);
  for (i = 0; i + WALLOC_SOUND_LATE * WALLOC_SOUND_BANDS +
      WALLOC_SOUND_DELAY < SAMPLES; i++)
    worst = fmax (worst, fabs (out[i + WALLOC_SOUND_LATE * WALLOC_SOUND_BANDS +
                WALLOC_SOUND_DELAY] - samples[i] / (double) ONE));
  TAP_OK (worst < limit, "%s: synthesis gives the samples back within %g",
      name, worst);
  for (i = 0; i < WALLOC_SOUND_LATE * WALLOC_SOUND_BANDS; i++)
    worst = fmax (worst, fabs (out[i]));
  TAP_OK (worst < limit, "%s: silence before the first sample", name);
  for (i = 0; i + 1 < sizeof calls / sizeof *calls; i++) {
    coefs = analyse (samples, calls[i]);
    again = synthesise (values, calls[i]);
    TAP_OK (memcmp (coefs, whole, SAMPLES * sizeof *coefs) == 0 &&
        memcmp (again, out, SAMPLES * sizeof *again) == 0,
        "%s: the same in calls of %u columns", name, calls[i]);
    free (coefs);
    free (again);
  }
  free (whole);
  free (values);
  free (out);
}

/* A coefficient is greatest when every sample is as loud as can be and has the
 * sign of its weight. The signs of the band's synthesis come near that. */
static void
test_range (void)
{
  int32_t *samples = calloc (SAMPLES, sizeof *samples), *coefs;
  float *values = calloc (SAMPLES, sizeof *values), *wave;
  int64_t most = 0;
  unsigned band, k;
  size_t i;

  for (band = 0; band < WALLOC_SOUND_BANDS; band += 17) {
    memset (values, 0, SAMPLES * sizeof *values);
    for (k = 8; k < COLUMNS - 8; k += 8)
      values[band * COLUMNS + k] = 1;
    wave = synthesise (values, COLUMNS);
    for (i = 0; i + WALLOC_SOUND_DELAY < SAMPLES; i++)
      samples[i] = wave[i + WALLOC_SOUND_DELAY] >= 0 ? WALLOC_SOUND_MAX :
          -WALLOC_SOUND_MAX;
    free (wave);
    coefs = analyse (samples, 12);
    for (i = 0; i < SAMPLES; i++)
      most = llabs (coefs[i]) > most ? llabs (coefs[i]) : most;
    TAP_OK (difference (samples, coefs) < 64,
        "band %u: loudest sound does not overflow", band);
    free (coefs);
  }
  TAP_OK (most < 1 << 30 && most > 1 << 26,
      "the greatest coefficient, 2^%.2f, is below 2^30", log2 ((double) most));
  free (samples);
  free (values);
}

int
main (void)
{
  int32_t *samples = calloc (SAMPLES, sizeof *samples);
  unsigned seed = 5;
  size_t i;

  for (i = 0; i < SAMPLES; i++)
    samples[i] = ((int32_t) (tap_random (&seed) % 65536) - 32768) * ONE;
  test_signal ("noise", samples, 0.5);
  for (i = 0; i < SAMPLES; i++)
    samples[i] = (int32_t) lrint (20000 * ONE * sin ((double) (i * i) * 1e-5));
  test_signal ("sweep", samples, 0.5);
  for (i = 0; i < SAMPLES; i++)
    samples[i] = i / 100 % 2 ? 32767 * ONE : -32768 * ONE;
  test_signal ("square wave", samples, 0.5);
  memset (samples, 0, SAMPLES * sizeof *samples);
  samples[5000] = 32767 * ONE;
  test_signal ("click", samples, 0.5);
  test_range ();
  free (samples);
  return tap_done ();
}
