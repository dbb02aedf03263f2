/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The codec of sound: what comes out is what went in, late by what the header
 * says; the same bytes however loud the machine's floats are; damage stays
 * where it is. */
#include <math.h>
#include <stdint.h>
#include <string.h>

#include <walloc/audio.h>

#include "tap.h"

#define MODEL TEST_GOLDEN_DIR "/models/sound-test.wlm"
#define RATE 16000
#define MOST 8

typedef struct
{
  uint8_t *data;
  size_t size;
  walloc_frame_info info;
} coded_frame;

/* Sound below 1/4 of the rate, which the model's bands hold. */
static void
draw (int16_t * samples, size_t n, unsigned channels, double level)
{
  size_t i;
  unsigned c;

  for (i = 0; i < n; i++)
    for (c = 0; c < channels; c++)
      samples[i * channels + c] =
          (int16_t) lrint (level * (sin ((double) i * 0.05 * (c % 3 + 1)) +
              0.5 * sin ((double) i * i * 1e-6 + c) +
              (c % 2 ? 0.2 : 0) * sin ((double) i * 0.31)));
}

static double
snr (const int16_t * a, const int16_t * b, size_t n)
{
  double signal = 0, noise = 1e-9;
  size_t i;

  for (i = 0; i < n; i++) {
    signal += (double) a[i] * a[i];
    noise += (double) (a[i] - b[i]) * (a[i] - b[i]);
  }
  return 10 * log10 (signal / noise);
}

static walloc_model *
load_model (void)
{
  walloc_model *model = NULL;
  walloc_error error;

  if (walloc_model_load (MODEL, NULL, &model, &error) != WALLOC_OK)
    printf ("# %s\n", error.text);
  return model;
}

/* Encodes n blocks; frames are to be freed. */
static coded_frame *
encode (walloc_model * model, const int16_t * samples, unsigned channels,
    unsigned columns, unsigned n, const walloc_audio_params * params)
{
  coded_frame *f = calloc (n, sizeof *f);
  walloc_audio_encoder *e;
  const uint8_t *data;
  unsigned k;

  if (walloc_audio_encoder_new (model, NULL, RATE, channels, columns, &e,
          NULL) != WALLOC_OK)
    return f;
  for (k = 0; k < n; k++) {
    walloc_audio_encoder_encode (e, samples + (size_t) k * columns *
        WALLOC_AUDIO_COLUMN * channels, WALLOC_SAMPLES_S16, params, &data,
        &f[k].size, &f[k].info, NULL);
    f[k].data = malloc (f[k].size);
    memcpy (f[k].data, data, f[k].size);
  }
  walloc_audio_encoder_free (e);
  return f;
}

static void
frames_free (coded_frame * f, unsigned n)
{
  while (n-- > 0)
    free (f[n].data);
  free (f);
}

static size_t
bytes_of (const coded_frame * f, unsigned n)
{
  size_t sum = 0;

  while (n-- > 0)
    sum += f[n].size;
  return sum;
}

static void
test_round_trip (walloc_model * model)
{
  static const unsigned columns[] = { 1, 3, 8, 40 };
  const unsigned total = 240;
  const size_t n = (size_t) total * WALLOC_AUDIO_COLUMN;
  unsigned channels, i, k;
  walloc_audio_decoder *d;
  walloc_audio_params params;
  walloc_frame_info info;
  int16_t *in, *out;
  coded_frame *f;
  size_t block;
  double db;
  int same;

  walloc_audio_params_init (&params);
  params.quality = 80;
  for (channels = 1; channels <= MOST; channels++) {
    in = calloc (n * channels, sizeof *in);
    out = calloc (n * channels, sizeof *out);
    draw (in, n, channels, 9000);
    for (i = 0; i < 4; i++) {
      f = encode (model, in, channels, columns[i], total / columns[i], &params);
      walloc_audio_decoder_new (model, NULL, &d, NULL);
      block = (size_t) columns[i] * WALLOC_AUDIO_COLUMN * channels;
      same = 1;
      for (k = 0; k < total / columns[i]; k++)
        same &= walloc_audio_decoder_decode (d, f[k].data, f[k].size,
            WALLOC_SAMPLES_S16, out + k * block, block, &info, NULL,
            NULL) == WALLOC_OK && info.audio_channels == channels &&
            info.rate == RATE && info.columns == columns[i] &&
            info.sequence == k % 256 && info.slices == (channels + 1) / 2;
      db = snr (in, out + (size_t) WALLOC_AUDIO_DELAY * channels,
          (n - WALLOC_AUDIO_DELAY) * channels);
      TAP_OK (same && db > 30, "%u channels, blocks of %u columns: %.1f dB, "
          "%zu bytes", channels, columns[i], db,
          bytes_of (f, total / columns[i]));
      walloc_audio_decoder_free (d);
      frames_free (f, total / columns[i]);
    }
    free (in);
    free (out);
  }
}

/* Quality, silence, level, kinds of samples. */
static void
test_rate (walloc_model * model)
{
  const unsigned columns = 32, n = 12;
  const size_t block = (size_t) columns * WALLOC_AUDIO_COLUMN * 2;
  int16_t *in = calloc (n * block, sizeof *in), *out, *quiet;
  float *floats = calloc (n * block, sizeof *floats);
  size_t last = 0, bytes, i, size;
  walloc_audio_params params;
  walloc_audio_encoder *e;
  const uint8_t *data;
  coded_frame *f, *g;
  unsigned q, k;
  int same = 1;

  out = calloc (block, sizeof *out);
  quiet = calloc (n * block, sizeof *quiet);
  walloc_audio_params_init (&params);
  f = encode (model, in, 2, columns, n, &params);
  TAP_OK (bytes_of (f, n) <= n * (WALLOC_FRAME_MIN_HEADER + 2u),
      "silence is headers only: %zu bytes in %u frames", bytes_of (f, n), n);
  frames_free (f, n);
  draw (in, n * block / 2, 2, 9000);
  for (q = 10; q <= 100; q += 15) {
    params.quality = q;
    f = encode (model, in, 2, columns, n, &params);
    bytes = bytes_of (f, n);
    TAP_OK (bytes > last, "quality %u: %zu bytes", q, bytes);
    last = bytes;
    frames_free (f, n);
  }
  params.quality = 0;
  f = encode (model, in, 2, columns, n, &params);
  for (i = 0; i < n * block; i++)
    quiet[i] = (int16_t) (in[i] / 16);
  g = encode (model, quiet, 2, columns, n, &params);
  TAP_OK (f[5].info.step_index - g[5].info.step_index == 64 &&
      fabs ((double) bytes_of (f, n) / (double) bytes_of (g, n) - 1) < 0.1,
      "24 dB less: step index %u instead of %u, %zu bytes instead of %zu",
      g[5].info.step_index, f[5].info.step_index, bytes_of (g, n),
      bytes_of (f, n));
  frames_free (g, n);

  for (i = 0; i < n * block; i++)
    floats[i] = (float) in[i] / 32768;
  walloc_audio_encoder_new (model, NULL, RATE, 2, columns, &e, NULL);
  for (k = 0; k < n; k++) {
    walloc_audio_encoder_encode (e, floats + k * block, WALLOC_SAMPLES_F32,
        NULL, &data, &size, NULL, NULL);
    same &= size == f[k].size && memcmp (data, f[k].data, size) == 0;
  }
  TAP_OK (same, "floats give the bytes of the same 16-bit samples");
  params.use_step = 1;
  params.step_index = f[n - 1].info.step_index + 32;
  walloc_audio_encoder_again (e, &params, &data, &size, NULL, NULL);
  TAP_OK (size < f[n - 1].size, "again with a step of 4 times: %zu bytes "
      "instead of %zu", size, f[n - 1].size);
  params.use_step = 0;
  walloc_audio_encoder_again (e, &params, &data, &size, NULL, NULL);
  TAP_OK (size == f[n - 1].size && memcmp (data, f[n - 1].data, size) == 0,
      "and back again: the same bytes");
  walloc_audio_encoder_reset (e);
  walloc_audio_encoder_encode (e, floats, WALLOC_SAMPLES_F32, NULL, &data,
      &size, NULL, NULL);
  TAP_OK (size == f[0].size && memcmp (data, f[0].data, size) == 0,
      "reset: as new");
  walloc_audio_encoder_free (e);
  frames_free (f, n);
  free (in);
  free (out);
  free (quiet);
  free (floats);
}

/* Samples that are no sound. */
static void
test_strange (walloc_model * model)
{
  static const float odd[] = { NAN, INFINITY, -INFINITY, 1e30f, -1e30f,
    1e-40f, -0.0f, 4.0f, -4.0f, 3.999999f
  };
  const unsigned columns = 4, blocks = 12;
  const size_t block = (size_t) columns * WALLOC_AUDIO_COLUMN;
  float *in = calloc (block, sizeof *in), *out = calloc (block, sizeof *out);
  walloc_audio_encoder *e;
  walloc_audio_decoder *d;
  const uint8_t *data;
  unsigned kind, k;
  double most;
  size_t size, i;
  int good;

  for (kind = 0; kind < 10; kind++) {
    walloc_audio_encoder_new (model, NULL, RATE, 1, columns, &e, NULL);
    walloc_audio_decoder_new (model, NULL, &d, NULL);
    good = 1;
    most = 0;
    for (k = 0; k < blocks; k++) {
      for (i = 0; i < block; i++)
        in[i] = i / 7 % 2 ? odd[kind] : 0;
      good &= walloc_audio_encoder_encode (e, in, WALLOC_SAMPLES_F32, NULL,
          &data, &size, NULL, NULL) == WALLOC_OK;
      good &= walloc_audio_decoder_decode (d, data, size, WALLOC_SAMPLES_F32,
          out, block, NULL, NULL, NULL) == WALLOC_OK;
      for (i = 0; i < block; i++) {
        good &= isfinite (out[i]);
        most = fmax (most, fabs (out[i]));
      }
    }
    TAP_OK (good && most < 10, "samples of %g: finite sound, at most %.3g",
        odd[kind], most);
    walloc_audio_encoder_free (e);
    walloc_audio_decoder_free (d);
  }
  free (in);
  free (out);
}

/* Every byte of a frame changed: an error, or a block of its own. */
static void
test_damage (walloc_model * model)
{
  const unsigned columns = 8, n = 8;
  const size_t block = (size_t) columns * WALLOC_AUDIO_COLUMN * 2;
  int16_t *in = calloc (n * block, sizeof *in);
  int16_t *out = calloc (n * block, sizeof *out);
  unsigned k, damaged = 0, missed = 0, odd = 0;
  walloc_audio_params params;
  walloc_audio_decoder *d;
  walloc_result result;
  double before, after;
  coded_frame *f;
  size_t i;

  draw (in, n * block / 2, 2, 9000);
  walloc_audio_params_init (&params);
  params.layers = 3;
  params.quality = 80;
  f = encode (model, in, 2, columns, n, &params);
  TAP_OK (f[4].info.layers == 3, "%u layers", f[4].info.layers);
  walloc_audio_decoder_new (model, NULL, &d, NULL);
  walloc_audio_decoder_decode (d, f[4].data, f[4].size, WALLOC_SAMPLES_S16,
      out, block, NULL, NULL, NULL);
  for (i = 0; i < f[4].size; i++) {
    f[4].data[i] ^= 0x41;
    damaged = 0;
    result = walloc_audio_decoder_decode (d, f[4].data, f[4].size,
        WALLOC_SAMPLES_S16, out, block, NULL, &damaged, NULL);
    if (i < f[4].info.header_size)
      odd += result == WALLOC_OK;
    else
      missed += result != WALLOC_OK || damaged == 0;
    f[4].data[i] ^= 0x41;
  }
  TAP_OK (odd == 0 && missed == 0, "%zu changed bytes: all noticed, %u in "
      "the header and %u behind it not", f[4].size, odd, missed);
  for (i = 0; i < f[4].size; i++)
    odd += walloc_audio_decoder_decode (d, f[4].data, i, WALLOC_SAMPLES_S16,
        out, block, NULL, NULL, NULL) == WALLOC_OK;
  TAP_OK (odd == 0, "no part of a frame is taken for a whole one");

  /* a lost frame: what is around it stays, and it is not silent */
  walloc_audio_decoder_reset (d);
  for (k = 0; k < n; k++) {
    if (k == 4)
      result = walloc_audio_decoder_conceal (d, WALLOC_SAMPLES_S16,
          out + k * block, block, NULL);
    else
      result = walloc_audio_decoder_decode (d, f[k].data, f[k].size,
          WALLOC_SAMPLES_S16, out + k * block, block, NULL, NULL, NULL);
    odd += result != WALLOC_OK;
  }
  before = snr (in + block, out + block + 2 * WALLOC_AUDIO_DELAY,
      3 * block - 4 * WALLOC_AUDIO_DELAY);
  after = snr (in + 5 * block, out + 5 * block + 2 * WALLOC_AUDIO_DELAY,
      2 * block);
  TAP_OK (odd == 0 && before > 15 && after > 15,
      "a lost frame: %.1f dB before, %.1f dB behind it", before, after);
  TAP_OK (snr (in, out + 4 * block + 512, 2 * block / 2) < 60 &&
      snr (out + 4 * block, in, block) > -40, "and it is not silent");
  frames_free (f, n);
  walloc_audio_decoder_free (d);
  free (in);
  free (out);
}

/* Dropped layers. */
static void
test_layers (walloc_model * model)
{
  const unsigned columns = 16, n = 6;
  const size_t block = (size_t) columns * WALLOC_AUDIO_COLUMN * 2;
  int16_t *in = calloc (n * block, sizeof *in);
  int16_t *out = calloc (n * block, sizeof *out);
  double db, last = 0;
  walloc_audio_params params;
  walloc_audio_decoder *d;
  walloc_frame_info info;
  coded_frame *f;
  unsigned layers, k;
  uint8_t thin[65536];

  draw (in, n * block / 2, 2, 9000);
  walloc_audio_params_init (&params);
  params.layers = 3;
  params.quality = 80;
  f = encode (model, in, 2, columns, n, &params);
  for (layers = 1; layers <= 3; layers++) {
    walloc_audio_decoder_new (model, NULL, &d, NULL);
    for (k = 0; k < n; k++) {
      walloc_frame_thin (f[k].data, f[k].size, layers, thin, sizeof thin,
          &info, NULL);
      walloc_audio_decoder_decode (d, thin, info.header_size +
          info.payload_size, WALLOC_SAMPLES_S16, out + k * block, block, NULL,
          NULL, NULL);
    }
    db = snr (in, out + 2 * WALLOC_AUDIO_DELAY, (n - 1) * block);
    TAP_OK (db > last + 1, "%u of 3 layers: %.1f dB", layers, db);
    last = db;
    walloc_audio_decoder_free (d);
  }
  frames_free (f, n);
  free (in);
  free (out);
}

static void
test_arguments (walloc_model * model)
{
  walloc_model *pictures = NULL;
  walloc_audio_encoder *e = NULL;
  walloc_audio_decoder *d = NULL;
  walloc_audio_params params;
  int16_t samples[512] = { 0 };
  const uint8_t *data;
  walloc_error error;
  size_t size;

#define NEW(rate, channels, columns) \
  walloc_audio_encoder_new (model, NULL, rate, channels, columns, &e, &error)
  TAP_OK (NEW (0, 1, 1) == WALLOC_ERR_ARGUMENT && e == NULL &&
      NEW (1 << 24, 1, 1) == WALLOC_ERR_ARGUMENT &&
      NEW (8000, 0, 1) == WALLOC_ERR_ARGUMENT &&
      NEW (8000, 9, 1) == WALLOC_ERR_ARGUMENT &&
      NEW (8000, 1, 0) == WALLOC_ERR_ARGUMENT &&
      NEW (8000, 1, 2049) == WALLOC_ERR_ARGUMENT, "%s", error.text);
  walloc_model_load (TEST_GOLDEN_DIR "/models/ordered-test.wlm", NULL,
      &pictures, NULL);
  TAP_OK (walloc_audio_encoder_new (pictures, NULL, 8000, 1, 1, &e,
          &error) == WALLOC_ERR_MODEL_MISMATCH &&
      walloc_audio_decoder_new (pictures, NULL, &d,
          &error) == WALLOC_ERR_MODEL_MISMATCH, "%s", error.text);
  walloc_model_unref (pictures);
  NEW (8000, 2, 1);
  walloc_audio_params_init (&params);
#define BAD(change) \
  (walloc_audio_params_init (&params), (change), \
      walloc_audio_encoder_encode (e, samples, WALLOC_SAMPLES_S16, &params, \
          &data, &size, NULL, &error) == WALLOC_ERR_ARGUMENT)
  TAP_OK (BAD (params.quality = 101), "%s", error.text);
  TAP_OK (BAD ((params.use_step = 1, params.step_index = 353)), "%s",
      error.text);
  TAP_OK (BAD (params.layers = 5), "%s", error.text);
  TAP_OK (BAD ((params.trim_start = 200, params.trim_end = 57)), "%s",
      error.text);
  TAP_OK (walloc_audio_encoder_again (e, &params, &data, &size, NULL,
          &error) == WALLOC_ERR_ARGUMENT, "nothing to encode again");
  params.trim_end = 56;
  TAP_OK (walloc_audio_encoder_encode (e, samples, WALLOC_SAMPLES_S16,
          &params, &data, &size, NULL, &error) == WALLOC_OK,
      "all samples but none can be trimmed");
  walloc_audio_decoder_new (model, NULL, &d, NULL);
  TAP_OK (walloc_audio_decoder_conceal (d, WALLOC_SAMPLES_S16, samples, 512,
          &error) == WALLOC_ERR_ARGUMENT, "%s", error.text);
  TAP_OK (walloc_audio_decoder_decode (d, data, size, WALLOC_SAMPLES_S16,
          samples, 511, NULL, NULL, &error) == WALLOC_ERR_SPACE, "%s",
      error.text);
  TAP_OK (walloc_audio_decoder_decode (d, data, size, WALLOC_SAMPLES_S16,
          samples, 512, NULL, NULL, &error) == WALLOC_OK, "just enough room");
  walloc_audio_encoder_free (e);
  walloc_audio_decoder_free (d);
  walloc_audio_encoder_free (NULL);
  walloc_audio_decoder_free (NULL);
}

int
main (void)
{
  walloc_model *model = load_model ();

  if (!TAP_OK (model != NULL, "the model loads"))
    return tap_done ();
  test_round_trip (model);
  test_rate (model);
  test_strange (model);
  test_damage (model);
  test_layers (model);
  test_arguments (model);
  walloc_model_unref (model);
  return tap_done ();
}
