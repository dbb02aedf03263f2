/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Models of sound of kind reference: the published codec's whole clips. What
 * it is compared with comes from training/golden_sound.py (PyWavelets and
 * numpy). */
#include <math.h>
#include <string.h>

#include <walloc/audio.h>

#include "codec/audio_reference.h"
#include "entropy/slice.h"
#include "tap.h"
#include "golden_file.h"

#define MODEL TEST_GOLDEN_DIR "/models/reference-sound-test.wlm"
#define COLUMNS 11
#define LENGTH (COLUMNS * WALLOC_AUDIO_COLUMN)
#define CHANNELS 24
#define RATE 44100
/* Range 1.0. */
#define TOLERANCE 1e-4

typedef struct
{
  int16_t clip[2 * LENGTH];
  int8_t latents[2][CHANNELS * COLUMNS];        /* of one signal, of two */
  float one[LENGTH], two[2 * LENGTH];
} golden;

static int
read_file (const char *name, void *data, size_t size)
{
  return golden_file_read (TEST_GOLDEN_DIR "/reference-sound/", name, data,
      size);
}

static int
read_golden (golden * g)
{
  return read_file ("clip.s16", g->clip, sizeof g->clip) &&
      read_file ("latents-1.s8", g->latents[0], sizeof g->latents[0]) &&
      read_file ("latents-2.s8", g->latents[1], sizeof g->latents[1]) &&
      read_file ("samples-1.f32", g->one, sizeof g->one) &&
      read_file ("samples-2.f32", g->two, sizeof g->two);
}

/* The first signal alone, or both. */
static void
take (const golden * g, unsigned n, int16_t * out)
{
  size_t i;

  for (i = 0; i < (size_t) n * LENGTH; i++)
    out[i] = g->clip[n == 2 ? i : 2 * i];
}

static void
test_latents (const walloc_model * model, const golden * g, unsigned n)
{
  static int32_t signals[2][LENGTH];
  const int32_t *in[2] = { signals[0], signals[1] };
  int16_t latents[CHANNELS * COLUMNS];
  walloc_audio_reference r;
  unsigned i, wrong = 0;
  walloc_mem mem;
  float mean, peak;

  for (i = 0; i < LENGTH; i++) {
    signals[0][i] = g->clip[2 * i] * 64;
    signals[1][i] = g->clip[2 * i + 1] * 64;
  }
  walloc_mem_init (&mem, NULL);
  if (!TAP_OK (walloc_audio_reference_init (&r, model, COLUMNS, 1, &mem),
          "memory"))
    return;
  walloc_audio_reference_encode (&r, in, n, latents, COLUMNS, &mean, &peak);
  for (i = 0; i < CHANNELS * COLUMNS; i++)
    wrong += latents[i] != g->latents[n - 1][i];
  TAP_OK (wrong == 0, "%u signals: latents are Python's (%u differ)", n, wrong);
  walloc_audio_reference_clear (&r, &mem);
}

/* Through a frame. */
static void
test_samples (walloc_model * model, const golden * g, unsigned n)
{
  const float *expected = n == 2 ? g->two : g->one;
  float *out = malloc (2 * LENGTH * sizeof *out);
  int16_t *in = malloc (2 * LENGTH * sizeof *in);
  walloc_audio_encoder *e = NULL;
  walloc_audio_decoder *d = NULL;
  walloc_frame_info info = { 0 };
  walloc_error error = { "" };
  unsigned damaged = 1, s;
  double worst = 0, y;
  const uint8_t *data;
  size_t size, i;

  take (g, n, in);
  if (!TAP_OK (walloc_audio_encoder_new (model, NULL, RATE, n, COLUMNS, &e,
              &error) == WALLOC_OK && walloc_audio_decoder_new (model, NULL,
              &d, &error) == WALLOC_OK, "encoder and decoder %s", error.text))
    goto done;
  TAP_OK (walloc_audio_encoder_encode (e, in, WALLOC_SAMPLES_S16, NULL, &data,
          &size, NULL, &error) == WALLOC_OK && walloc_audio_decoder_decode (d,
          data, size, WALLOC_SAMPLES_F32, out, (size_t) n * LENGTH, &info,
          &damaged, &error) == WALLOC_OK && damaged == 0 && info.whole,
      "encode and decode %s", error.text);
  for (s = 0; s < n; s++) {
    for (i = 0; i < LENGTH; i++) {
      y = (32768 * (double) out[i * n + s] - info.mean[0]) / 2 / info.peak[0];
      worst = fmax (worst, fabs (y - expected[s * LENGTH + i]));
    }
  }
  TAP_OK (worst < TOLERANCE, "%u signals: samples are Python's within %.1e", n,
      worst);
done:
  walloc_audio_encoder_free (e);
  walloc_audio_decoder_free (d);
  free (in);
  free (out);
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

/* Tones in the bands that the model has, of any number of channels. */
static void
test_channels (walloc_model * model)
{
  const unsigned columns = 40;
  const size_t n = (size_t) columns * WALLOC_AUDIO_COLUMN;
  int16_t *in = malloc (n * 8 * sizeof *in), *out = malloc (n * 8 *
      sizeof *out);
  walloc_audio_encoder *e;
  walloc_audio_decoder *d;
  walloc_frame_info info;
  const uint8_t *data;
  unsigned c, channels;
  size_t size, i;
  double db;

  for (channels = 1; channels <= 8; channels++) {
    for (i = 0; i < n; i++)
      for (c = 0; c < channels; c++)
        in[i * channels + c] = (int16_t) lrint (100.0 * c + 2000 * (c + 1) *
            sin (2 * 3.14159265358979 * (double) (i * (20 + 7 * c)) /
                (double) n));
    walloc_audio_encoder_new (model, NULL, RATE, channels, columns, &e, NULL);
    walloc_audio_decoder_new (model, NULL, &d, NULL);
    walloc_audio_encoder_encode (e, in, WALLOC_SAMPLES_S16, NULL, &data, &size,
        NULL, NULL);
    walloc_audio_decoder_decode (d, data, size, WALLOC_SAMPLES_S16, out,
        n * channels, &info, NULL, NULL);
    db = snr (in, out, n * channels);
    TAP_OK (db > 20 && info.slices == (channels + 1) / 2 &&
        info.step_index == 0, "%u channels: %.1f dB, not late, %zu bytes",
        channels, db, size);
    walloc_audio_encoder_free (e);
    walloc_audio_decoder_free (d);
  }
  free (in);
  free (out);
}

/* Blocks know nothing of each other; silence costs a header. */
static void
test_blocks (walloc_model * model, const golden * g)
{
  int16_t *in = calloc (2 * LENGTH, sizeof *in), *out = malloc (2 * LENGTH *
      sizeof *out), *first = malloc (2 * LENGTH * sizeof *first);
  uint8_t copy[8192];
  walloc_audio_params params;
  walloc_audio_encoder *e;
  walloc_audio_decoder *d;
  walloc_frame_info info;
  const uint8_t *data;
  unsigned damaged, k, bad = 0, noticed = 0;
  walloc_result result;
  size_t size, i, kept;

  walloc_audio_encoder_new (model, NULL, RATE, 2, COLUMNS, &e, NULL);
  walloc_audio_decoder_new (model, NULL, &d, NULL);
  TAP_OK (walloc_audio_delay (model) == 0 && walloc_audio_delay (NULL) ==
      WALLOC_AUDIO_DELAY, "the model is not late");
  walloc_audio_encoder_encode (e, g->clip, WALLOC_SAMPLES_S16, NULL, &data,
      &kept, &info, NULL);
  memcpy (copy, data, kept);
  walloc_audio_decoder_decode (d, copy, kept, WALLOC_SAMPLES_S16, first,
      2 * LENGTH, NULL, NULL, NULL);
  walloc_audio_encoder_encode (e, in, WALLOC_SAMPLES_S16, NULL, &data, &size,
      NULL, NULL);
  TAP_OK (size <= WALLOC_FRAME_MIN_HEADER + 12, "silence: %zu bytes", size);
  walloc_audio_decoder_decode (d, data, size, WALLOC_SAMPLES_S16, out,
      2 * LENGTH, NULL, NULL, NULL);
  TAP_OK (memcmp (in, out, 2 * LENGTH * sizeof *in) == 0, "stays silence");
  for (i = 0; i < 2 * LENGTH; i++)
    in[i] = -1234;
  walloc_audio_encoder_encode (e, in, WALLOC_SAMPLES_S16, NULL, &data, &size,
      NULL, NULL);
  walloc_audio_decoder_decode (d, data, size, WALLOC_SAMPLES_S16, out,
      2 * LENGTH, NULL, NULL, NULL);
  TAP_OK (memcmp (in, out, 2 * LENGTH * sizeof *in) == 0 && size <=
      WALLOC_FRAME_MIN_HEADER + 12, "and a constant itself: %zu bytes", size);
  walloc_audio_encoder_encode (e, g->clip, WALLOC_SAMPLES_S16, NULL, &data,
      &size, NULL, NULL);
  walloc_audio_decoder_decode (d, data, size, WALLOC_SAMPLES_S16, out,
      2 * LENGTH, &info, NULL, NULL);
  TAP_OK (memcmp (first, out, 2 * LENGTH * sizeof *out) == 0 && size == kept &&
      info.sequence == 3 && memcmp (data + info.header_size, copy +
          info.header_size, info.payload_size) == 0,
      "the same block, after others, is the same");
  walloc_audio_params_init (&params);
  params.channels = 7;
  walloc_audio_encoder_again (e, &params, &data, &size, &info, NULL);
  TAP_OK (info.channels == 7 && size < kept && walloc_audio_decoder_decode (d,
          data, size, WALLOC_SAMPLES_S16, out, 2 * LENGTH, NULL, &damaged,
          NULL) == WALLOC_OK && damaged == 0, "7 channels: %zu bytes", size);

  /* damage: noticed, and what is heard is finite */
  for (i = 0; i < kept; i++) {
    copy[i] ^= 0x55;
    result = walloc_audio_decoder_decode (d, copy, kept, WALLOC_SAMPLES_S16,
        out, 2 * LENGTH, NULL, &damaged, NULL);
    noticed += result != WALLOC_OK || damaged > 0;
    copy[i] ^= 0x55;
  }
  TAP_OK (noticed == kept, "%u of %zu changed bytes are noticed", noticed,
      kept);
  walloc_audio_decoder_decode (d, copy, kept, WALLOC_SAMPLES_S16, first,
      2 * LENGTH, NULL, NULL, NULL);
  for (k = 0; k < 30; k++) {
    bad += walloc_audio_decoder_conceal (d, WALLOC_SAMPLES_S16, out,
        2 * LENGTH, NULL) != WALLOC_OK;
    if (k == 0)
      TAP_OK (snr (first, out, 2 * LENGTH) > -6 &&
          snr (first, out, 2 * LENGTH) < 6, "a lost block: of such a level");
  }
  for (i = 0; i < 2 * LENGTH; i++)
    bad += abs (out[i]) > 1;
  TAP_OK (bad == 0, "and fades out");
  walloc_audio_encoder_free (e);
  walloc_audio_decoder_free (d);
  free (in);
  free (out);
  free (first);
}

/* Frames that are not of this kind, samples that are no sound. */
static void
test_strange (walloc_model * model)
{
  static const float odd[] = { NAN, INFINITY, -INFINITY, 1e30f, 1e-40f, 4.0f };
  float *in = calloc (LENGTH, sizeof *in), *out = malloc (LENGTH * sizeof *out);
  walloc_model *ordered = NULL;
  walloc_audio_encoder *e = NULL;
  walloc_audio_decoder *d = NULL;
  walloc_error error = { "" };
  uint8_t header[512];
  walloc_frame_info info;
  const uint8_t *data;
  uint32_t none = 0;
  unsigned k, good;
  size_t size, i;

  walloc_audio_decoder_new (model, NULL, &d, NULL);
  walloc_audio_encoder_new (model, NULL, RATE, 1, COLUMNS, &e, NULL);
  for (k = 0; k < sizeof odd / sizeof *odd; k++) {
    for (i = 0; i < LENGTH; i++)
      in[i] = i / 7 % 2 ? odd[k] : 0.1f;
    good = walloc_audio_encoder_encode (e, in, WALLOC_SAMPLES_F32, NULL, &data,
        &size, NULL, NULL) == WALLOC_OK && walloc_audio_decoder_decode (d,
        data, size, WALLOC_SAMPLES_F32, out, LENGTH, NULL, NULL,
        NULL) == WALLOC_OK;
    for (i = 0; i < LENGTH; i++)
      good &= isfinite (out[i]) && fabsf (out[i]) < 10;
    TAP_OK (good, "samples of %g: finite sound", odd[k]);
  }
  walloc_frame_parse (data, size, &info, NULL);
  info.whole = 0;
  walloc_frame_write (header, sizeof header, &info, &none, NULL);
  TAP_OK (walloc_audio_decoder_decode (d, header, info.header_size,
          WALLOC_SAMPLES_F32, out, LENGTH, NULL, NULL,
          &error) == WALLOC_ERR_CORRUPT, "%s", error.text);
  walloc_model_load (TEST_GOLDEN_DIR "/models/sound-test.wlm", NULL, &ordered,
      NULL);
  walloc_audio_decoder_free (d);
  walloc_audio_decoder_new (ordered, NULL, &d, NULL);
  TAP_OK (walloc_audio_delay (ordered) == WALLOC_AUDIO_DELAY &&
      walloc_audio_decoder_decode (d, data, size, WALLOC_SAMPLES_F32, out,
          LENGTH, NULL, NULL, &error) == WALLOC_ERR_MODEL_MISMATCH, "%s",
      error.text);
  walloc_model_unref (ordered);
  walloc_audio_encoder_free (e);
  walloc_audio_decoder_free (d);
  free (in);
  free (out);
}

int
main (void)
{
  static golden g;
  walloc_model *model = NULL;
  walloc_error error = { "" };
  unsigned n;

  if (!TAP_OK (read_golden (&g), "golden files are there") ||
      !TAP_OK (walloc_model_load (MODEL, NULL, &model, &error) == WALLOC_OK,
          "the model loads %s", error.text))
    return tap_done ();
  for (n = 1; n <= 2; n++) {
    test_latents (model, &g, n);
    test_samples (model, &g, n);
  }
  test_channels (model);
  test_blocks (model, &g);
  test_strange (model);
  walloc_model_unref (model);
  return tap_done ();
}
