/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Latents of sound without sound: the decoder's own synthesis of them is the
 * sound that it decodes, whatever rotation, step and layers a frame has. */
#include <math.h>
#include <stdint.h>
#include <string.h>

#include <walloc/audio.h>

#include "codec/audio-private.h"
#include "codec_util.h"
#include "transform/sound.h"

#define RATE 16000
#define COLUMNS 24
#define BLOCK ((size_t) COLUMNS * WALLOC_AUDIO_COLUMN)

typedef struct
{
  uint8_t *data;
  size_t size;
} coded_frame;

static coded_frame
keep (const uint8_t * data, size_t size)
{
  coded_frame f = { malloc (size), size };

  memcpy (f.data, data, size);
  return f;
}

/* Two signals that are alike but for how loud they are: the angle of their
 * rotation. Below a quarter of the rate, which the models' bands hold. */
static void
draw (float *samples, unsigned channels, double left, double right, unsigned at)
{
  size_t i;
  unsigned c;
  double t, x;

  for (i = 0; i < BLOCK; i++) {
    t = (double) (i + at * BLOCK);
    x = 0.2 * sin (t * 0.05) + 0.1 * sin (t * t * 1e-6);
    for (c = 0; c < channels; c++)
      samples[i * channels + c] = (float) (x * (c % 2 ? right : left) +
          0.01 * sin (t * (0.2 + 0.05 * c)));
  }
}

/* What a linear decoder does with latents: values to bands by the model's
 * matrix, mid and side to left and right. Latents have no reconstruction
 * points, so the sound is that of the decoder but for a part of a step. */
static void
synthesise (const walloc_model * model, const walloc_audio_latents * l,
    unsigned pair, float *coefs[2])
{
  const double half = sqrt (0.5);
  unsigned c, band, x, s;
  const float *from;
  float a, b;

  for (s = 0; s < 2; s++)
    memset (coefs[s], 0, BLOCK * sizeof (float));
  for (c = 0; c < l->channels; c++) {
    from = l->data + ((size_t) pair * l->channels + c) * l->columns;
    for (band = 0; band < WALLOC_SOUND_BANDS; band++)
      for (x = 0; x < COLUMNS; x++)
        coefs[model->group[c]][band * COLUMNS + x] += from[x] *
            model->synthesis[c * WALLOC_SOUND_BANDS + band];
  }
  for (x = 0; l->signals[pair] == 2 && x < BLOCK; x++) {
    a = coefs[0][x];
    b = coefs[1][x];
    coefs[0][x] = (float) (half * (a + b));
    coefs[1][x] = (float) (half * (a - b));
  }
}

/* Sound by latents beside the decoder's, in dB of the sound; or of what is
 * outside of a few steps. */
static void
test_synthesis (walloc_model * model, unsigned channels, double left,
    double right, unsigned step_index)
{
  const unsigned pairs = (channels + 1) / 2, blocks = 6;
  float *samples = calloc (BLOCK * channels, sizeof *samples);
  float *out = calloc (BLOCK * channels, sizeof *out), *state[8], *coefs[2];
  float *own = calloc (BLOCK, sizeof *own);
  double signal = 0, noise = 1e-12, step = 0;
  walloc_audio_latents latents, again;
  walloc_audio_params params;
  walloc_audio_encoder *e;
  walloc_audio_decoder *d;
  walloc_frame_info info;
  const uint8_t *data;
  unsigned k, i, s, damaged = 77, rotation = 0;
  int good = 1;
  size_t size, x;

  for (s = 0; s < 8; s++)
    state[s] = calloc (walloc_sound_synthesis_size (COLUMNS), sizeof (float));
  for (s = 0; s < 2; s++)
    coefs[s] = calloc (BLOCK, sizeof (float));
  walloc_audio_params_init (&params);
  params.use_step = 1;
  params.step_index = step_index;
  walloc_audio_encoder_new (model, NULL, RATE, channels, COLUMNS, &e, NULL);
  walloc_audio_decoder_new (model, NULL, &d, NULL);
  for (k = 0; k < blocks; k++) {
    draw (samples, channels, left, right, k);
    good &= walloc_audio_encoder_encode (e, samples, WALLOC_SAMPLES_F32,
        &params, &data, &size, NULL, NULL) == WALLOC_OK;
    /* in between, so that one may not disturb the other */
    good &= walloc_audio_decoder_latents (d, data, size, &latents, &info,
        &damaged, NULL) == WALLOC_OK && damaged == 0;
    good &= latents.pairs == pairs && latents.columns == COLUMNS &&
        latents.channels == model->info.channels &&
        info.step_index == step_index;
    rotation = info.rotation[0];
    step = latents.step;
    for (i = 0; i < pairs; i++) {
      good &= latents.signals[i] == (2 * i + 1 < channels ? 2 : 1);
      synthesise (model, &latents, i, coefs);
      for (s = 0; s < latents.signals[i]; s++) {
        walloc_sound_synthesise (state[2 * i + s], coefs[s], COLUMNS, COLUMNS,
            own);
        if (s == 0 && i == 0)
          good &= walloc_audio_decoder_decode (d, data, size,
              WALLOC_SAMPLES_F32, out, BLOCK * channels, NULL, NULL, NULL) ==
              WALLOC_OK;
        for (x = 0; x < BLOCK; x++) {
          double y = 32768.0 * out[x * channels + 2 * i + s];

          signal += y * y;
          noise += (y - own[x]) * (y - own[x]);
        }
      }
      /* the samples' latents are gone */
      good &= walloc_audio_decoder_latents (d, data, size, &again, NULL, NULL,
          NULL) == WALLOC_OK && again.step == latents.step;
    }
  }
  TAP_OK (good && fabs (step - exp2 (step_index / 16.0) / 64 *
          model->set[info.set].weight[0] / 4096) < 1e-3 * step,
      "%u channels, step " "%.3g: latents of %u frames", channels, step,
      blocks);
  /* reconstruction points are at most half a step off */
  noise = sqrt (noise / (double) (blocks * BLOCK * channels));
  signal = sqrt (signal / (double) (blocks * BLOCK * channels));
  TAP_OK (noise < 0.3 * step + 1e-4 * signal && signal > 100,
      "rotation %u: RMS %.1f by the decoder, %.4f beside what latents give "
      "(step %.4f)", rotation, signal, noise, step);
  walloc_audio_encoder_free (e);
  walloc_audio_decoder_free (d);
  for (s = 0; s < 8; s++)
    free (state[s]);
  for (s = 0; s < 2; s++)
    free (coefs[s]);
  free (own);
  free (out);
  free (samples);
}

static coded_frame
encode_one (walloc_model * model, unsigned layers, unsigned channels)
{
  float *samples = calloc (BLOCK * channels, sizeof *samples);
  walloc_audio_params params;
  walloc_audio_encoder *e;
  coded_frame f = { NULL, 0 };
  const uint8_t *data;
  size_t size;

  walloc_audio_params_init (&params);
  params.quality = 80;
  params.layers = layers;
  walloc_audio_encoder_new (model, NULL, RATE, channels, COLUMNS, &e, NULL);
  draw (samples, channels, 1, 0.4, 1);
  if (walloc_audio_encoder_encode (e, samples, WALLOC_SAMPLES_F32, &params,
          &data, &size, NULL, NULL) == WALLOC_OK)
    f = keep (data, size);
  walloc_audio_encoder_free (e);
  free (samples);
  return f;
}

/* Damage: zeros in the channels behind it, and nowhere else. */
static void
test_damage (walloc_model * model)
{
  coded_frame f = encode_one (model, 3, 4);
  walloc_audio_latents latents;
  walloc_audio_decoder *d;
  walloc_frame_info info;
  unsigned damaged, layer, end, c;
  float *good, sum, other;
  size_t offset, length, n, pair, x;
  int same;

  walloc_audio_decoder_new (model, NULL, &d, NULL);
  walloc_audio_decoder_latents (d, f.data, f.size, &latents, &info, &damaged,
      NULL);
  pair = (size_t) latents.channels * COLUMNS;
  n = pair * latents.pairs;
  good = malloc (n * sizeof *good);
  memcpy (good, latents.data, n * sizeof *good);
  TAP_OK (damaged == 0 && info.layers == 3 && latents.pairs == 2,
      "%u layers of %u pairs", info.layers, latents.pairs);
  for (layer = 0; layer < info.layers; layer++) {
    walloc_frame_segment (f.data, &info, 0, layer, &offset, &length);
    f.data[offset + length / 2] ^= 0x10;
    same = walloc_audio_decoder_latents (d, f.data, f.size, &latents, NULL,
        &damaged, NULL) == WALLOC_OK && damaged == info.layers - layer;
    f.data[offset + length / 2] ^= 0x10;
    end = layer > 0 ? info.layer_end[layer - 1] : 0;
    for (c = 0, sum = other = 0; c < latents.channels; c++)
      for (x = 0; x < COLUMNS; x++) {
        const float *v = latents.data + (size_t) c * COLUMNS + x;

        /* rotation mixes channels with their twins behind the damage */
        if (c >= end && layer == 0)
          sum += fabsf (*v);
        if (c >= end)
          other += fabsf (good[(size_t) c * COLUMNS + x]);
      }
    same &= memcmp (latents.data + pair, good + pair, pair * sizeof *good) == 0;
    TAP_OK (same && sum == 0 && other > 0, "layer %u damaged: %u segments, "
        "the other pair as it was", layer, damaged);
  }
  TAP_OK (walloc_audio_decoder_latents (d, f.data, f.size, &latents, NULL,
          NULL, NULL) == WALLOC_OK && memcmp (latents.data, good,
          n * sizeof *good) == 0, "and whole again");
  free (good);
  free (f.data);
  walloc_audio_decoder_free (d);
}

static void
test_refused (walloc_model * model, walloc_model * other)
{
  coded_frame f = encode_one (model, 1, 2);
  walloc_allocator small = { NULL, NULL, NULL, 100000 };
  walloc_audio_latents latents;
  walloc_audio_decoder *d;
  walloc_frame_info info;
  walloc_error error;
  unsigned damaged = 7;
  size_t i, odd = 0;

  walloc_audio_decoder_new (model, NULL, &d, NULL);
  TAP_OK (walloc_audio_decoder_latents (d, f.data, f.size, NULL, NULL, NULL,
          &error) == WALLOC_ERR_ARGUMENT &&
      walloc_audio_decoder_latents (NULL, f.data, f.size, &latents, NULL, NULL,
          &error) == WALLOC_ERR_ARGUMENT &&
      walloc_audio_decoder_latents (d, NULL, f.size, &latents, NULL, NULL,
          &error) == WALLOC_ERR_ARGUMENT && latents.data == NULL, "%s",
      error.text);
  for (i = 0; i < f.size; i++) {
    latents.data = (const float *) &error;
    odd += walloc_audio_decoder_latents (d, f.data, i, &latents, &info,
        &damaged, NULL) == WALLOC_OK || latents.data != NULL || damaged != 0;
  }
  TAP_OK (odd == 0, "no part of a frame has latents");
  walloc_audio_decoder_free (d);
  walloc_audio_decoder_new (other, NULL, &d, NULL);
  TAP_OK (walloc_audio_decoder_latents (d, f.data, f.size, &latents, NULL,
          NULL, &error) == WALLOC_ERR_MODEL_MISMATCH, "%s", error.text);
  walloc_audio_decoder_free (d);
  if (walloc_audio_decoder_new (model, &small, &d, NULL) == WALLOC_OK) {
    TAP_OK (walloc_audio_decoder_latents (d, f.data, f.size, &latents, NULL,
            NULL, &error) == WALLOC_ERR_MEMORY && latents.data == NULL, "%s",
        error.text);
    walloc_audio_decoder_free (d);
  }
  free (f.data);
}

/* Kind reference: integers' values times twice the peak. */
static void
test_reference (walloc_model * model)
{
  coded_frame f = encode_one (model, 1, 2);
  walloc_audio_latents latents;
  walloc_audio_decoder *d;
  walloc_frame_info info;
  unsigned band, signal, c, x, levels = 0;
  float most = 0, seen[256];
  int good;

  walloc_audio_decoder_new (model, NULL, &d, NULL);
  good = walloc_audio_decoder_latents (d, f.data, f.size, &latents, &info, NULL,
      NULL) == WALLOC_OK && latents.step == 0;
  for (c = 0; good && c < latents.channels; c++)
    for (x = 0; x < COLUMNS; x++) {
      float v = latents.data[c * COLUMNS + x] / (2 * info.peak[0]);
      unsigned k;

      most = fmaxf (most, fabsf (v));
      for (k = 0; k < levels && fabsf (seen[k] - v) > 1e-4f; k++);
      if (k == levels && levels < 256)
        seen[levels++] = v;
    }
  TAP_OK (good && most > 0 && levels > 2
      && levels < 1u << model->latent_bits,
      "kind reference: " "%u values, up to %.3g of twice the peak %g", levels,
      most, info.peak[0]);
  TAP_OK (walloc_model_channel (model, 0, &band,
          &signal) == WALLOC_ERR_UNSUPPORTED, "whose channels are of no band");
  free (f.data);
  walloc_audio_decoder_free (d);
}

/* Latents of n blocks by another encoder: their bytes are those of before. */
static void
test_round_trip (walloc_model * model, unsigned channels, double left,
    double right, unsigned quality, unsigned layers)
{
  float *samples = calloc (BLOCK * channels, sizeof *samples);
  walloc_audio_encoder *e, *again;
  walloc_audio_latents latents, other;
  walloc_audio_params params, own;
  walloc_audio_decoder *d, *second;
  walloc_frame_info info, written;
  const uint8_t *data, *copy;
  unsigned k, good = 0, same = 0, rotation = 0, blocks = 6;
  size_t size, bytes, all = 0, i, n;
  double off = 0;

  walloc_audio_encoder_new (model, NULL, RATE, channels, COLUMNS, &e, NULL);
  walloc_audio_encoder_new (model, NULL, RATE, channels, COLUMNS, &again, NULL);
  walloc_audio_decoder_new (model, NULL, &d, NULL);
  walloc_audio_decoder_new (model, NULL, &second, NULL);
  for (k = 0; k < blocks; k++) {
    walloc_audio_params_init (&params);
    params.quality = quality;
    params.layers = layers;
    params.pts = 1000 * k;
    params.mask = 3;
    params.trim_start = k == 0 ? 17 : 0;
    draw (samples, channels, left, right, k);
    good += walloc_audio_encoder_encode (e, samples, WALLOC_SAMPLES_F32,
        &params, &data, &size, NULL, NULL) == WALLOC_OK &&
        walloc_audio_decoder_latents (d, data, size, &latents, &info, NULL,
        NULL) == WALLOC_OK;
    own = params;
    own.use_step = 1;
    own.step_index = info.step_index;
    good += walloc_audio_encoder_encode_latents (again, &latents, &own, &copy,
        &bytes, &written, NULL) == WALLOC_OK &&
        walloc_audio_decoder_latents (second, copy, bytes, &other, NULL, NULL,
        NULL) == WALLOC_OK;
    same += bytes == size && memcmp (data, copy, size) == 0 &&
        written.trim_start == params.trim_start && written.pts == params.pts &&
        written.mask == 3;
    rotation = info.rotation[0];
    all += bytes;
    n = (size_t) latents.pairs * latents.channels * latents.columns;
    for (i = 0; i < n; i++)
      off = fmax (off, fabs (latents.data[i] - other.data[i]) / latents.step);
  }
  TAP_OK (good == 2 * blocks && same == blocks && off < 1e-3 &&
      all > blocks * 100, "'%s', %u channels, quality %u, rotation %u: %u of "
      "%u frames the same, %zu bytes", model->info.name, channels, quality,
      rotation, same, blocks, all);
  walloc_audio_encoder_free (e);
  walloc_audio_encoder_free (again);
  walloc_audio_decoder_free (d);
  walloc_audio_decoder_free (second);
  free (samples);
}

/* Latents in steps, of mid and side, by an encoder that is new. */
static walloc_result
pass (walloc_model * model, unsigned channels, const walloc_audio_latents * l,
    unsigned step_index, walloc_audio_latents * out, size_t *size,
    walloc_audio_decoder ** d)
{
  walloc_audio_params params;
  walloc_audio_encoder *e;
  const uint8_t *data;
  walloc_result result;

  walloc_audio_params_init (&params);
  params.use_step = 1;
  params.step_index = step_index;
  walloc_audio_encoder_new (model, NULL, RATE, channels, l->columns, &e, NULL);
  walloc_audio_decoder_new (model, NULL, d, NULL);
  result = walloc_audio_encoder_encode_latents (e, l, &params, &data, size,
      NULL, NULL);
  if (result == WALLOC_OK)
    result = walloc_audio_decoder_latents (*d, data, *size, out, NULL, NULL,
        NULL);
  walloc_audio_encoder_free (e);
  return result;
}

/* Dead zone, limits and what is no number; then rotations of the encoder's
 * choice: fewer bytes for a signal of one side only. */
static void
test_values (walloc_model * model)
{
  static const float odd[] = { NAN, INFINITY, -INFINITY, 1e30f, -1e-42f, -0.0f,
    3.6f, -3.7f, 0.65f, -0.69f, 4, -4
  };
  static const float want[] = { 0, 16383, -16383, 16383, 0, 0, 3, -4, 0, -1, 4,
    -4
  };
  const unsigned d = model->info.channels;
  float *data = calloc (d * 12, sizeof *data), *left, *right;
  walloc_audio_latents l = { 1, 5, 12, {2}, data, {16}, 0 }, out;
  walloc_audio_decoder *decoder;
  unsigned c, x, wrong = 0, seed = 5, k, band[2], signal;
  size_t size, bytes[3] = { 0 };

  /* 128: a step of 4; rounding 82/256, so 0.68 is where 1 begins */
  for (c = 0; c < 5; c++)
    for (x = 0; x < 12; x++)
      data[c * 12 + x] = 4 * odd[x];
  if (pass (model, 2, &l, 128, &out, &size, &decoder) != WALLOC_OK)
    wrong = 999;
  for (c = 0; wrong == 0 && c < d; c++)
    for (x = 0; x < 12; x++)
      wrong += out.data[c * 12 + x] != (c < 5 ? 4 * want[x] : 0);
  TAP_OK (wrong == 0, "dead zone, limits and what is no number");
  walloc_audio_decoder_free (decoder);
  if (pass (model, 1, &l, 128, &out, &size, &decoder) != WALLOC_OK)
    wrong = 999;
  for (c = 0; wrong == 0 && c < d; c++)
    for (x = 0; x < 12; x++)
      wrong += out.data[c * 12 + x] != (c < 5 && model->group[c] == 0 ?
          4 * want[x] : 0);
  TAP_OK (wrong == 0, "one channel of sound has no second signal");
  walloc_audio_decoder_free (decoder);

  /* left only: mid and side are alike */
  l.channels = d;
  for (c = 0; c < d; c++) {
    walloc_model_channel (model, c, &band[0], &signal);
    for (k = 0; signal == 0 && k < d; k++) {
      walloc_model_channel (model, k, &band[1], &signal);
      if (signal == 0 || band[1] != band[0]) {
        signal = 0;
        continue;
      }
      left = data + c * 12;
      right = data + k * 12;
      for (x = 0; x < 12; x++)
        left[x] = right[x] = c < 60 ? (float) (tap_random (&seed) % 600) - 300 :
            0;
      signal = 0;
      break;
    }
  }
  for (k = 0; k < 3; k++) {
    l.rotation[0] = k == 0 ? 16 : k == 1 ? 0 : WALLOC_AUDIO_ROTATION_AUTO;
    if (pass (model, 2, &l, 128, &out, &bytes[k], &decoder) != WALLOC_OK)
      wrong = 999;
    for (x = 0; wrong == 0 && x < 12 * d; x++)
      wrong += fabsf (out.data[x] - data[x]) > 4;
    walloc_audio_decoder_free (decoder);
  }
  TAP_OK (wrong == 0 && bytes[1] == bytes[2] && 10 * bytes[1] < 7 * bytes[0],
      "sound on the left: %zu bytes as mid and side, %zu as left, %zu as the "
      "encoder likes", bytes[0], bytes[1], bytes[2]);
  free (data);
}

/* Between blocks of samples, again, and by quality. */
static void
test_between (walloc_model * model)
{
  float *samples = calloc (BLOCK * 2, sizeof *samples);
  walloc_audio_encoder *plain, *mixed;
  walloc_audio_decoder *d;
  walloc_audio_latents latents;
  walloc_audio_params params;
  walloc_frame_info info, one, two;
  const uint8_t *data, *other;
  uint8_t *copy = NULL;
  size_t size, bytes, length = 0;
  unsigned k, good = 0;

  walloc_audio_encoder_new (model, NULL, RATE, 2, COLUMNS, &plain, NULL);
  walloc_audio_encoder_new (model, NULL, RATE, 2, COLUMNS, &mixed, NULL);
  walloc_audio_decoder_new (model, NULL, &d, NULL);
  walloc_audio_params_init (&params);
  params.use_step = 1;
  params.step_index = 100;
  for (k = 0; k < 4; k++) {
    draw (samples, 2, 1, 0.4, k);
    walloc_audio_encoder_encode (plain, samples, WALLOC_SAMPLES_F32, &params,
        &data, &size, &one, NULL);
    walloc_audio_encoder_encode (mixed, samples, WALLOC_SAMPLES_F32, &params,
        &other, &bytes, &two, NULL);
    /* but for the sequence number and what depends on it */
    good += two.sequence == 2 * one.sequence && size == bytes &&
        memcmp (data + one.header_size, other + two.header_size,
        one.payload_size) == 0;
    walloc_audio_decoder_latents (d, data, size, &latents, NULL, NULL, NULL);
    good += walloc_audio_encoder_encode_latents (mixed, &latents, &params,
        &other, &bytes, &info, NULL) == WALLOC_OK && bytes == size;
  }
  TAP_OK (good == 8, "latents between blocks of samples: %u of 8", good);
  copy = malloc (bytes);
  memcpy (copy, other, bytes);
  params.step_index = 140;
  good = walloc_audio_encoder_again (mixed, &params, &other, &length, &two,
      NULL) == WALLOC_OK && length < bytes && two.sequence == info.sequence;
  params.step_index = 100;
  good += walloc_audio_encoder_again (mixed, &params, &other, &length, &two,
      NULL) == WALLOC_OK && length == bytes && memcmp (copy, other, bytes) == 0;
  TAP_OK (good == 2, "again with other steps");
  free (copy);

  /* the level of the latents is about that of the sound */
  walloc_audio_params_init (&params);
  walloc_audio_encoder_reset (plain);
  walloc_audio_encoder_reset (mixed);
  for (k = 0; k < 4; k++) {
    draw (samples, 2, 1, 0.4, k);
    walloc_audio_encoder_encode (plain, samples, WALLOC_SAMPLES_F32, &params,
        &data, &size, &one, NULL);
    walloc_audio_decoder_latents (d, data, size, &latents, NULL, NULL, NULL);
    walloc_audio_encoder_encode_latents (mixed, &latents, &params, &other,
        &bytes, &two, NULL);
  }
  TAP_OK (abs ((int) one.step_index - (int) two.step_index) <= 6, "quality: "
      "step index %u by the sound, %u by its latents", one.step_index,
      two.step_index);
  walloc_audio_encoder_free (plain);
  walloc_audio_encoder_free (mixed);
  walloc_audio_decoder_free (d);
  free (samples);
}

static void
test_encode_refused (walloc_model * model, walloc_model * reference)
{
  float *data = calloc (512 * 4, sizeof *data);
  const walloc_audio_latents good = { 1, 512, 4, {2}, data, {16}, 0 };
  walloc_allocator small = { NULL, NULL, NULL, 1000 };
  walloc_audio_encoder *e, *other;
  walloc_audio_latents l;
  walloc_audio_params params;
  const uint8_t *out;
  walloc_error error;
  size_t size;

  walloc_audio_encoder_new (model, NULL, RATE, 2, 4, &e, NULL);
#define RESULT(e) walloc_audio_encoder_encode_latents (e, &l, &params, &out, \
    &size, NULL, &error)
#define BAD(change) (l = good, walloc_audio_params_init (&params), (change), \
    RESULT (e) == WALLOC_ERR_ARGUMENT)
  TAP_OK (BAD (l.data = NULL) && BAD (l.pairs = 2) && BAD (l.columns = 5) &&
      BAD (l.channels = 0) && BAD (l.channels = 513), "%s", error.text);
  TAP_OK (BAD (l.rotation[0] = 64) && BAD (l.rotation[0] = 254), "%s",
      error.text);
  TAP_OK (BAD ((params.use_step = 1, params.step_index = 353)) &&
      BAD (params.quality = 101) && BAD (params.trim_end = 1025), "%s",
      error.text);
  TAP_OK (walloc_audio_encoder_encode_latents (NULL, &good, NULL, &out, &size,
          NULL, NULL) == WALLOC_ERR_ARGUMENT &&
      walloc_audio_encoder_encode_latents (e, NULL, NULL, &out, &size,
          NULL, NULL) == WALLOC_ERR_ARGUMENT &&
      walloc_audio_encoder_encode_latents (e, &good, NULL, NULL, &size,
          NULL, NULL) == WALLOC_ERR_ARGUMENT &&
      walloc_audio_encoder_again (e, &params, &out, &size, NULL, NULL) ==
      WALLOC_ERR_ARGUMENT, "nothing was encoded yet");
  l = good;
  walloc_audio_params_init (&params);
  TAP_OK (RESULT (e) == WALLOC_OK && size < 60, "silence takes a header");
  walloc_audio_encoder_new (reference, NULL, RATE, 2, 4, &other, NULL);
  l.channels = 1;
  TAP_OK (RESULT (other) == WALLOC_ERR_UNSUPPORTED, "%s", error.text);
  walloc_audio_encoder_free (other);
  /* an encoder for samples has room, latents have not */
  for (other = NULL; other == NULL; small.limit += 1000)
    walloc_audio_encoder_new (model, &small, RATE, 2, 4, &other, NULL);
  TAP_OK (RESULT (other) == WALLOC_ERR_MEMORY, "%s", error.text);
  walloc_audio_encoder_free (other);
  walloc_audio_encoder_free (e);
  free (data);
}

static void
test_channels (walloc_model * model)
{
  unsigned c, band, signal, seen[2][WALLOC_SOUND_BANDS] = { 0 }, odd = 0;

  for (c = 0; c < model->info.channels; c++) {
    if (walloc_model_channel (model, c, &band, &signal) != WALLOC_OK ||
        band >= WALLOC_SOUND_BANDS || signal > 1) {
      odd++;
      continue;
    }
    odd += seen[signal][band]++ > 0;
    odd += model->synthesis[c * WALLOC_SOUND_BANDS + band] == 0;
  }
  TAP_OK (odd == 0 && walloc_model_channel (model, c, &band, &signal) ==
      WALLOC_ERR_ARGUMENT && walloc_model_channel (NULL, 0, &band, &signal) ==
      WALLOC_ERR_ARGUMENT && walloc_model_channel (model, 0, NULL, &signal) ==
      WALLOC_ERR_ARGUMENT, "'%s': %u channels, each a band of its own",
      model->info.name, c);
}

int
main (void)
{
  walloc_model *test = load_model (MODEL ("sound-test.wlm"));
  walloc_model *sound = load_model (TEST_MODELS_DIR "/sound-1.wlm");
  walloc_model *reference = load_model (MODEL ("reference-sound-test.wlm"));

  test_synthesis (sound, 1, 1, 1, 120);
  test_synthesis (sound, 2, 1, 1, 120);
  test_synthesis (sound, 2, 1, 0.3, 64);
  test_synthesis (sound, 2, 0, 1, 100);
  test_synthesis (sound, 2, 1, -0.7, 100);
  test_synthesis (sound, 3, 1, 0, 100);
  test_synthesis (sound, 8, 0.2, 1, 128);
  /* a set of its own weights; bands of one signal only, at mid and side */
  test_synthesis (test, 1, 1, 1, 100);
  test_synthesis (test, 2, 1, 1, 100);
  test_damage (sound);
  test_refused (sound, test);
  test_reference (reference);
  test_channels (sound);
  test_round_trip (sound, 1, 1, 1, 50, 1);
  test_round_trip (sound, 2, 1, 1, 80, 3);
  test_round_trip (sound, 2, 1, 0.3, 50, 1);
  test_round_trip (sound, 2, 0, 1, 95, 4);
  test_round_trip (sound, 3, 1, -0.7, 30, 2);
  test_round_trip (sound, 8, 0.2, 1, 60, 1);
  test_round_trip (test, 1, 1, 1, 60, 1);
  test_round_trip (test, 2, 1, 1, 60, 2);
  test_values (sound);
  test_between (sound);
  test_encode_refused (sound, reference);
  walloc_model_unref (test);
  walloc_model_unref (sound);
  walloc_model_unref (reference);
  return tap_done ();
}
