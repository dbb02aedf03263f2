/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "codec/audio_reference.h"

#include <math.h>
#include <string.h>

#include <walloc/wavelet.h>

#include "bottleneck/linear.h"
#include "transform/sound.h"

#define BANDS WALLOC_SOUND_BANDS
#define LEVELS 8
/* Samples leave the codec within these. */
#define LIMIT 0.5f

int
walloc_audio_reference_init (walloc_audio_reference * r,
    const walloc_model * model, unsigned columns, int encoder, walloc_mem * mem)
{
  int short_of = 0;
  unsigned i;

  memset (r, 0, sizeof *r);
  r->model = model;
  r->columns = columns;
  r->length = (size_t) columns *BANDS;
  r->stride = ((size_t) columns + WALLOC_LINEAR_BLOCK - 1) /
      WALLOC_LINEAR_BLOCK * WALLOC_LINEAR_BLOCK;
  walloc_companding_init (&r->companding, model->latent_bits);
  if (walloc_packet_scratch_1d (r->length, LEVELS, &r->scratch_floats,
          NULL) != WALLOC_OK)
    return 0;
  for (i = 0; i < 2; i++)
    r->samples[i] = walloc_mem_take (mem, r->length, sizeof (float), &short_of);
  if (encoder)
    r->coefs = walloc_mem_take (mem, 2 * BANDS * r->stride, sizeof (float),
        &short_of);
  r->values = walloc_mem_take (mem, model->info.channels * r->stride,
      sizeof (float), &short_of);
  r->scratch = walloc_mem_take (mem, r->scratch_floats, sizeof (float),
      &short_of);
  if (short_of)
    walloc_audio_reference_clear (r, mem);
  return !short_of;
}

void
walloc_audio_reference_clear (walloc_audio_reference * r, walloc_mem * mem)
{
  walloc_mem_release (mem, &r->samples[0]);
  walloc_mem_release (mem, &r->samples[1]);
  walloc_mem_release (mem, &r->coefs);
  walloc_mem_release (mem, &r->values);
  walloc_mem_release (mem, &r->scratch);
}

/* Mean over all signals, and the greatest distance from it. The sum is one of
 * integers, so it does not depend on its order. */
static void
measure (const walloc_audio_reference * r, const int32_t * const *signals,
    unsigned n, float *mean, float *peak)
{
  const double one = 1 << WALLOC_SOUND_FRACTION;
  int32_t low = signals[0][0], high = low;
  int64_t sum = 0;
  unsigned s;
  size_t i;

  for (s = 0; s < n; s++) {
    for (i = 0; i < r->length; i++) {
      sum += signals[s][i];
      low = signals[s][i] < low ? signals[s][i] : low;
      high = signals[s][i] > high ? signals[s][i] : high;
    }
  }
  *mean = (float) ((double) sum / one / (double) (n * r->length));
  *peak = (float) fmax (high / one - *mean, *mean - low / one);
}

void
walloc_audio_reference_encode (walloc_audio_reference * r,
    const int32_t * const *signals, unsigned n, int16_t * planes,
    size_t plane_stride, float *mean, float *peak)
{
  const walloc_model *model = r->model;
  const double one = 1 << WALLOC_SOUND_FRACTION;
  unsigned s, c;
  size_t i;

  measure (r, signals, n, mean, peak);
  if (*peak <= 0) {
    /* the mean says all */
    *peak = 0;
    for (c = 0; c < model->info.channels; c++)
      memset (planes + c * plane_stride, 0, r->columns * sizeof *planes);
    return;
  }
  for (s = 0; s < n; s++) {
    for (i = 0; i < r->length; i++)
      r->samples[s][i] = (float) ((signals[s][i] / one - *mean) /
          (2.0 * *peak));
    walloc_packet_analyse_1d (r->samples[s], r->length, LEVELS,
        WALLOC_BORDER_PERIODIC, r->coefs + s * BANDS * r->stride, r->stride,
        r->scratch, r->scratch_floats, NULL);
  }
  if (n < 2)
    memcpy (r->coefs + BANDS * r->stride, r->coefs,
        BANDS * r->stride * sizeof *r->coefs);
  walloc_linear (r->coefs, r->stride, 2 * BANDS, model->analysis_f, 1,
      2 * BANDS, NULL, model->bias_f, model->info.channels, r->columns,
      r->values, r->stride);
  for (c = 0; c < model->info.channels; c++)
    walloc_compand (&r->companding, r->values + c * r->stride, r->columns,
        planes + c * plane_stride);
}

void
walloc_audio_reference_values (walloc_audio_reference * r,
    const int16_t * planes, size_t plane_stride, unsigned channels)
{
  unsigned c;

  for (c = 0; c < channels; c++)
    walloc_lookup (planes + c * plane_stride, r->columns, r->companding.value,
        r->companding.half, r->values + c * r->stride);
  for (; c < r->model->info.channels; c++)
    memset (r->values + c * r->stride, 0, r->stride * sizeof *r->values);
}

/* A pair of one signal was coded as two equal ones: half of both. */
static void
mix (float *first, const float *second, size_t n)
{
  size_t i;

  for (i = 0; i < n; i++)
    first[i] = 0.5f * (first[i] + second[i]);
}

void
walloc_audio_reference_linear (walloc_audio_reference * r,
    float *const *coefs, size_t stride, unsigned n)
{
  const walloc_model *model = r->model;
  const unsigned d = model->info.channels;
  float row[WALLOC_LINEAR_BLOCK];
  unsigned s, b, x;

  for (s = 0; s < n; s++)
    walloc_linear (r->values, r->stride, d, model->linear + s * BANDS * d, 1, d,
        NULL, model->linear_bias + s * BANDS, BANDS, r->columns, coefs[s],
        stride);
  if (n > 1)
    return;
  for (b = 0; b < BANDS; b++) {
    for (x = 0; x < r->columns; x += WALLOC_LINEAR_BLOCK) {
      walloc_linear (r->values + x, r->stride, d, model->linear + (BANDS +
              b) * d, 1, d, NULL, model->linear_bias + BANDS + b, 1,
          WALLOC_LINEAR_BLOCK, row, WALLOC_LINEAR_BLOCK);
      mix (coefs[0] + b * stride + x, row, WALLOC_LINEAR_BLOCK);
    }
  }
}

/* The filter of 129 taps over both signals, silence around the block. */
static void
filter (const walloc_audio_reference * r, float *const *in, float *out,
    unsigned to)
{
  const unsigned taps = WALLOC_MODEL_POST_TAPS, half = taps / 2;
  const float *tap;
  size_t i, first, end;
  unsigned s, k;

  for (i = 0; i < r->length; i++)
    out[i] = r->model->post_bias[to];
  for (s = 0; s < 2; s++) {
    tap = r->model->post + (2 * to + s) * taps;
    for (k = 0; k < taps; k++) {
      first = k < half ? half - k : 0;
      end = k > half ? r->length - (k - half) : r->length;
      for (i = first; i < end; i++)
        out[i] += tap[k] * in[s][i + k - half];
    }
  }
}

void
walloc_audio_reference_synthesise (walloc_audio_reference * r,
    float *const *coefs, size_t stride, unsigned n, int post, float mean,
    float peak)
{
  float *both[2], *out[2] = { r->scratch, r->scratch + r->length }, y;
  unsigned s;
  size_t i;

  for (s = 0; s < n; s++)
    walloc_packet_synthesise_1d (coefs[s], stride, r->length, LEVELS,
        WALLOC_BORDER_PERIODIC, r->samples[s], r->scratch, r->scratch_floats,
        NULL);
  if (post && r->model->post != NULL) {
    both[0] = r->samples[0];
    both[1] = r->samples[n - 1];
    filter (r, both, out[0], 0);
    filter (r, both, out[1], 1);
    if (n < 2)
      mix (out[0], out[1], r->length);
    for (s = 0; s < n; s++)
      memcpy (r->samples[s], out[s], r->length * sizeof **out);
  }
  for (s = 0; s < n; s++) {
    for (i = 0; i < r->length; i++) {
      y = r->samples[s][i];
      /* written so that what is not a number becomes 0 */
      y = y >= -LIMIT ? y : y < 0 ? -LIMIT : 0;
      y = y <= LIMIT ? y : LIMIT;
      r->samples[s][i] = 2 * peak * y + mean;
    }
  }
}
