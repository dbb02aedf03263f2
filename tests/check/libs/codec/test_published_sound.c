/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The published audio architecture against PyTorch: a checkpoint of random
 * weights with the published keys and shapes, converted by
 * training/convert_published.py. What it is compared with comes from
 * training/reference/golden_audio.py, which computes with the checkpoint's own
 * weights in double precision. */
#include <math.h>
#include <string.h>

#include <walloc/audio.h>
#include <walloc/net.h>

#include "codec/audio_reference_net.h"
#include "tap.h"
#include "golden_file.h"

#define FOLDER TEST_GOLDEN_DIR "/published-sound/"
#define COLUMNS 7
#define LENGTH (COLUMNS * WALLOC_AUDIO_COLUMN)
#define CHANNELS 12
#define BANDS 256
#define STRIDE 64
/* Range 1.0. */
#define TOLERANCE 1e-4

typedef struct
{
  int16_t clip[2 * LENGTH];
  int8_t latents[CHANNELS * COLUMNS];
  float coefficients[2 * BANDS * COLUMNS], samples[2 * LENGTH],
      linear[2 * LENGTH];
} golden;

static int
read_file (const char *name, void *data, size_t size)
{
  return golden_file_read (FOLDER, name, data, size);
}

static int
read_golden (golden * g)
{
  return read_file ("clip.s16", g->clip, sizeof g->clip) &&
      read_file ("latents.s8", g->latents, sizeof g->latents) &&
      read_file ("coefficients.f32", g->coefficients, sizeof g->coefficients) &&
      read_file ("samples.f32", g->samples, sizeof g->samples) &&
      read_file ("linear.f32", g->linear, sizeof g->linear);
}

/* Greatest difference of planar samples from PyTorch's. */
static double
distance (float *const *samples, const float *expected, double mean,
    double peak)
{
  double worst = 0, y;
  unsigned s, i;

  for (s = 0; s < 2; s++)
    for (i = 0; i < LENGTH; i++) {
      y = (samples[s][i] - mean) / 2 / peak;
      worst = fmax (worst, fabs (y - expected[s * LENGTH + i]));
    }
  return worst;
}

static void
test_network (const walloc_model * model, walloc_audio_reference * r,
    float *const *coefs, const golden * g, float mean, float peak)
{
  walloc_audio_reference_net *net = NULL;
  walloc_error error = { "" };
  unsigned s, b, x, pass;
  double worst;

  TAP_OK (walloc_audio_reference_net_new (model, WALLOC_DECODER_FAST, NULL,
          &net, &error) == WALLOC_ERR_UNSUPPORTED, "%s", error.text);
  error.text[0] = '\0';
  if (!TAP_OK (walloc_audio_reference_net_new (model, WALLOC_DECODER_BEST,
              NULL, &net, &error) == WALLOC_OK, "the network loads %s",
          error.text))
    return;
  /* the second time after another size */
  for (pass = 0; pass < 2; pass++) {
    if (!TAP_OK (walloc_audio_reference_net_prepare (net, COLUMNS,
                &error) == WALLOC_OK && walloc_audio_reference_net_run (net, r,
                coefs, STRIDE, 2, &error) == WALLOC_OK, "and runs %s",
            error.text))
      break;
    for (s = 0, worst = 0; s < 2; s++)
      for (b = 0; b < BANDS; b++)
        for (x = 0; x < COLUMNS; x++)
          worst = fmax (worst, fabs (coefs[s][b * STRIDE + x] -
                  g->coefficients[(s * BANDS + b) * COLUMNS + x]));
    TAP_OK (worst < TOLERANCE, "coefficients are PyTorch's within %.1e", worst);
    TAP_OK (walloc_audio_reference_net_prepare (net, 20, &error) == WALLOC_OK,
        "20 columns");
  }
  walloc_audio_reference_synthesise (r, coefs, STRIDE, 2, 1, mean, peak);
  worst = distance (r->samples, g->samples, mean, peak);
  TAP_OK (worst < TOLERANCE, "samples, filtered, are PyTorch's within %.1e",
      worst);
  walloc_audio_reference_net_free (net);
}

static void
test_codec (const walloc_model * model, const golden * g)
{
  static int32_t signals[2][LENGTH];
  static float planes[2][BANDS * STRIDE];
  const int32_t *in[2] = { signals[0], signals[1] };
  float *coefs[2] = { planes[0], planes[1] };
  int16_t latents[CHANNELS * COLUMNS];
  walloc_audio_reference r;
  unsigned i, wrong = 0;
  float mean, peak;
  walloc_mem mem;
  double worst;

  walloc_mem_init (&mem, NULL);
  if (!TAP_OK (walloc_audio_reference_init (&r, model, COLUMNS, 1, &mem),
          "memory"))
    return;
  for (i = 0; i < LENGTH; i++) {
    signals[0][i] = g->clip[2 * i] * 64;
    signals[1][i] = g->clip[2 * i + 1] * 64;
  }
  walloc_audio_reference_encode (&r, in, 2, latents, COLUMNS, &mean, &peak);
  for (i = 0; i < CHANNELS * COLUMNS; i++)
    wrong += latents[i] != g->latents[i];
  TAP_OK (wrong == 0, "latents are PyTorch's (%u differ)", wrong);
  walloc_audio_reference_values (&r, latents, COLUMNS, CHANNELS);
  walloc_audio_reference_linear (&r, coefs, STRIDE, 2);
  walloc_audio_reference_synthesise (&r, coefs, STRIDE, 2, 0, mean, peak);
  worst = distance (r.samples, g->linear, mean, peak);
  TAP_OK (worst < TOLERANCE, "linear samples are PyTorch's within %.1e", worst);
  if (walloc_net_operator (0) == NULL)
    tap_skip ("published", "built without ONNX networks");
  else
    test_network (model, &r, coefs, g, mean, peak);
  walloc_audio_reference_clear (&r, &mem);
}

/* Samples of a frame, in units of full scale; NULL where that fails. */
static float *
decode (walloc_audio_decoder * d, const uint8_t * data, size_t size,
    unsigned channels, walloc_frame_info * info)
{
  float *out = malloc ((size_t) channels * LENGTH * sizeof *out);
  walloc_error error = { "" };
  unsigned damaged = 1;

  if (walloc_audio_decoder_decode (d, data, size, WALLOC_SAMPLES_F32, out,
          (size_t) channels * LENGTH, info, &damaged, &error) == WALLOC_OK &&
      damaged == 0)
    return out;
  printf ("# %s\n", error.text);
  free (out);
  return NULL;
}

/* Every decoder through the public functions. */
static void
test_kinds (walloc_model * model, const golden * g)
{
  walloc_audio_encoder *e = NULL;
  walloc_audio_decoder *d = NULL;
  walloc_error error = { "" };
  walloc_frame_info info = { 0 };
  float *linear, *best = NULL, *automatic = NULL, *again = NULL;
  const uint8_t *data;
  double worst = 0, y;
  size_t size, i;

  walloc_audio_encoder_new (model, NULL, 44100, 2, COLUMNS, &e, NULL);
  walloc_audio_decoder_new (model, NULL, &d, NULL);
  walloc_audio_encoder_encode (e, g->clip, WALLOC_SAMPLES_S16, NULL, &data,
      &size, NULL, NULL);
  linear = decode (d, data, size, 2, &info);
  TAP_OK (walloc_audio_decoder_set_kind (d, WALLOC_DECODER_FAST,
          &error) == WALLOC_ERR_UNSUPPORTED, "%s", error.text);
  TAP_OK (walloc_audio_decoder_set_kind (d, WALLOC_DECODER_AUTO,
          &error) == WALLOC_OK, "auto does without");
  automatic = decode (d, data, size, 2, NULL);
  TAP_OK (linear != NULL && automatic != NULL && memcmp (linear, automatic,
          2 * LENGTH * sizeof *linear) == 0, "and is linear then");
  if (walloc_net_operator (0) == NULL) {
    tap_skip ("decoder=best", "built without ONNX networks");
    goto done;
  }
  if (!TAP_OK (walloc_audio_decoder_set_kind (d, WALLOC_DECODER_BEST,
              &error) == WALLOC_OK && (best = decode (d, data, size, 2,
                  NULL)) != NULL, "best"))
    goto done;
  for (i = 0; i < 2 * LENGTH; i++) {
    y = (32768 * (double) best[i] - info.mean[0]) / 2 / info.peak[0];
    worst = fmax (worst, fabs (y - g->samples[i % 2 * LENGTH + i / 2]));
  }
  TAP_OK (worst < TOLERANCE, "best: samples are PyTorch's within %.1e", worst);
  walloc_audio_decoder_set_kind (d, WALLOC_DECODER_LINEAR, NULL);
  again = decode (d, data, size, 2, NULL);
  TAP_OK (again != NULL && memcmp (linear, again, 2 * LENGTH *
          sizeof *again) == 0, "linear again: as it was");
  free (again);
  walloc_audio_encoder_free (e);
  walloc_audio_encoder_new (model, NULL, 44100, 3, COLUMNS - 4, &e, NULL);
  walloc_audio_encoder_encode (e, g->clip, WALLOC_SAMPLES_S16, NULL, &data,
      &size, NULL, NULL);
  walloc_audio_decoder_set_kind (d, WALLOC_DECODER_BEST, NULL);
  again = decode (d, data, size, 3, NULL);
  for (i = 0, worst = 0; again != NULL && i < 9 * 256; i++)
    worst = fmax (worst, isfinite (again[i]) ? fabs (again[i]) : 9);
  TAP_OK (again != NULL && worst > 0.01 && worst < 4,
      "three channels, another size: at most %.2f", worst);
done:
  free (linear);
  free (best);
  free (automatic);
  free (again);
  walloc_audio_encoder_free (e);
  walloc_audio_decoder_free (d);
}

int
main (void)
{
  static golden g;
  walloc_model *model = NULL;
  walloc_model_info info;
  walloc_error error = { "" };

  if (!TAP_OK (read_golden (&g), "golden files are there") ||
      !TAP_OK (walloc_model_load (FOLDER "published-sound-test.wlm", NULL,
              &model, &error) == WALLOC_OK, "converted model loads %s",
          error.text))
    return tap_done ();
  walloc_model_get_info (model, &info);
  TAP_OK (info.kind == WALLOC_MODEL_REFERENCE && info.channels == CHANNELS &&
      model->post != NULL && (info.decoders & 1u << WALLOC_DECODER_BEST),
      "it is of kind reference, with a network and a filter");
  test_codec (model, &g);
  test_kinds (model, &g);
  walloc_model_unref (model);
  return tap_done ();
}
