/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Frames of sound from latents that somebody else made, such as a network that
 * takes music apart: docs/design/latent-inference.md. */
#include "codec/audio_encoder-private.h"

#include <math.h>
#include <string.h>

#include "bottleneck/quantiser.h"
#include "bottleneck/sound_quantiser.h"
#include "bottleneck/value_quantiser.h"
#include "codec/workers.h"
#include "entropy/rows.h"
#include "transform/sound.h"

/* Greatest value, in units of 16-bit samples: what coefficients of the loudest
 * sound stay below. */
#define MOST 16777216.0f
/* 64 times the energy in units of 16-bit samples is that of audio_level.h. */
#define LEVEL_UNITS 64
#define LEVEL_MOST 1099511627776.0
/* Fractional bits while a rotation is chosen; MOST fits in 30 bits. */
#define FRACTION 6

uint64_t
walloc_audio_quantise_given (walloc_audio_encoder * e, unsigned set,
    unsigned step_index, unsigned channels, unsigned *kept)
{
  const walloc_model_set *s = &e->model->set[set];
  const float *from;
  unsigned c, i, all;
  uint64_t sum = 0;
  double step;
  int16_t *q;

  for (i = 0; i < e->pairs; i++)
    for (c = 0; c < channels; c++) {
      if (e->model->group[c] >= walloc_audio_signals (e->audio_channels, i))
        continue;
      q = e->latents[i] + walloc_slice_origin (e->columns) + c * e->stride;
      from = e->planes + ((size_t) i * e->model->info.channels + c) *
          e->columns;
      /* the decoder's number */
      step = (float) ldexp ((double) walloc_step_24 (step_index, s->weight[c]),
          -24 - WALLOC_SOUND_FRACTION);
      all = walloc_quantise_values (from, e->columns, step,
          walloc_value_rounding (s->rounding[c]), WALLOC_LATENT_MAX, q);
      if (all == 0)
        continue;
      if (*kept <= c)
        *kept = c + 1;
      sum += walloc_sound_count_bits (q, e->columns, all);
    }
  return sum;
}

static walloc_result
check_latents (const walloc_audio_encoder * e, const walloc_audio_latents * l,
    walloc_error * error)
{
  unsigned i;

  if (e->reference != NULL)
    return walloc_fail (error, WALLOC_ERR_UNSUPPORTED,
        "model '%s' is of the published form: its latents say nothing without "
        "mean and peak of the samples", e->model->info.name);
  if (l->data == NULL || l->pairs != e->pairs || l->columns != e->columns ||
      l->channels < 1 || l->channels > e->model->info.channels)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT,
        "latents of %u pairs, %u channels and %u columns; the encoder takes "
        "%u, 1 to %u, and %u", l->pairs, l->channels, l->columns, e->pairs,
        e->model->info.channels, e->columns);
  for (i = 0; i < e->pairs; i++)
    if (l->rotation[i] >= 4 * WALLOC_AUDIO_MID_SIDE &&
        l->rotation[i] != WALLOC_AUDIO_ROTATION_AUTO)
      return walloc_fail (error, WALLOC_ERR_ARGUMENT,
          "rotation %u of pair %u is not within 0 to %d, or %d for automatic",
          l->rotation[i], i, 4 * WALLOC_AUDIO_MID_SIDE - 1,
          WALLOC_AUDIO_ROTATION_AUTO);
  return WALLOC_OK;
}

static walloc_result
prepare (walloc_audio_encoder * e, walloc_error * error)
{
  const unsigned d = e->model->info.channels;
  int short_of = 0;

  if (e->planes != NULL)
    return WALLOC_OK;
  e->twin = walloc_mem_take (&e->mem, d, sizeof *e->twin, &short_of);
  e->planes = walloc_mem_take (&e->mem, (size_t) e->pairs * d * e->columns,
      sizeof *e->planes, &short_of);
  if (short_of) {
    walloc_mem_release (&e->mem, &e->twin);
    walloc_mem_release (&e->mem, &e->planes);
    return walloc_fail (error, WALLOC_ERR_MEMORY,
        "latents of %u channels of %u columns need more memory than there is "
        "(limit %zu bytes)", d, e->columns, e->mem.a.limit);
  }
  walloc_audio_find_twins (e->model, e->twin);
  return WALLOC_OK;
}

/* Numbers within the limit; what is none is 0. Returns the sum of squares. */
static double
take (const float *from, unsigned n, float *to)
{
  double sum = 0;
  unsigned x;
  float v;

  for (x = 0; x < n; x++) {
    v = from[x] >= -MOST ? from[x] : from[x] < 0 ? -MOST : 0;
    v = v <= MOST ? v : MOST;
    to[x] = v;
    sum += (double) v *v;
  }
  return sum;
}

/* All that is there of a pair into e->planes. */
static double
take_pair (walloc_audio_encoder * e, const walloc_audio_latents * l,
    unsigned index)
{
  const unsigned d = e->model->info.channels, n = e->columns;
  float *to = e->planes + (size_t) index * d * n;
  double sum = 0;
  unsigned c;

  for (c = 0; c < d; c++, to += n) {
    if (c < l->channels && e->model->group[c] < walloc_audio_signals
        (e->audio_channels, index))
      sum += take (l->data + ((size_t) index * l->channels + c) * n, n, to);
    else
      memset (to, 0, n * sizeof *to);
  }
  return sum;
}

/* The rotation that suits a pair, from its left and right bands. */
static unsigned
choose_rotation (walloc_audio_encoder * e, const float *planes)
{
  const unsigned n = e->columns;
  const float *mid, *side, root = 0.70710678f * (1 << FRACTION);
  int32_t *left = e->coefs[0], *right = e->coefs[1];
  unsigned c, x, bands = 0;

  for (c = 0; c < e->model->info.channels && bands < WALLOC_SOUND_BANDS; c++) {
    if (e->model->group[c] != WALLOC_GROUP_FIRST || e->twin[c] == c)
      continue;
    mid = planes + (size_t) c *n;
    side = planes + (size_t) e->twin[c] * n;
    for (x = 0; x < n; x++) {
      *left++ = (int32_t) ((mid[x] / 2 + side[x] / 2) * root);
      *right++ = (int32_t) ((mid[x] / 2 - side[x] / 2) * root);
    }
    bands++;
  }
  return walloc_audio_choose_rotation (e->coefs[0], e->coefs[1],
      (size_t) bands * n);
}

static void
turn_pair (walloc_audio_encoder * e, unsigned index, unsigned rotation)
{
  float *planes = e->planes + (size_t) index * e->model->info.channels *
      e->columns;
  float cosine, sine;

  e->rotation[index] = WALLOC_AUDIO_MID_SIDE;
  if (walloc_audio_signals (e->audio_channels, index) < 2)
    return;
  if (rotation == WALLOC_AUDIO_ROTATION_AUTO)
    rotation = choose_rotation (e, planes);
  e->rotation[index] = (uint8_t) rotation;
  if (rotation == WALLOC_AUDIO_MID_SIDE)
    return;
  walloc_audio_mid_side_angle (rotation, &cosine, &sine);
  walloc_audio_turn (e->model, e->twin, planes, e->columns, cosine, -sine);
}

walloc_result
walloc_audio_encoder_encode_latents (walloc_audio_encoder * encoder,
    const walloc_audio_latents * latents, const walloc_audio_params * params,
    const uint8_t ** data, size_t *size, walloc_frame_info * info,
    walloc_error * error)
{
  walloc_audio_encoder *e = encoder;
  walloc_audio_params defaults;
  unsigned i, samples;
  walloc_result result;
  double energy = 0;
  uint64_t begin;

  if (e == NULL || latents == NULL || data == NULL || size == NULL)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT,
        "walloc_audio_encoder_encode_latents: NULL argument");
  if (params == NULL) {
    walloc_audio_params_init (&defaults);
    params = &defaults;
  }
  result = walloc_audio_encoder_check (e, params, error);
  if (result == WALLOC_OK)
    result = check_latents (e, latents, error);
  if (result == WALLOC_OK)
    result = prepare (e, error);
  if (result != WALLOC_OK)
    return result;
  e->stats_before = e->stats;
  begin = walloc_now ();
  for (i = 0; i < e->pairs; i++) {
    energy += take_pair (e, latents, i);
    turn_pair (e, i, latents->rotation[i]);
  }
  samples = e->columns * WALLOC_SOUND_BANDS;
  energy *= LEVEL_UNITS / ((double) samples * e->audio_channels);
  walloc_audio_level_update (&e->level, energy < LEVEL_MOST ?
      (uint64_t) energy : (uint64_t) LEVEL_MOST, 1, samples, e->rate);
  e->given = 1;
  if (e->ready)
    e->sequence++;
  e->ready = 1;
  e->stats.ns_transform += walloc_now () - begin;
  return walloc_audio_encoder_make (e, params, data, size, info, error);
}
