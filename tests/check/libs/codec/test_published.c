/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The published architecture against PyTorch: a checkpoint of random weights
 * with the published keys and shapes, converted by
 * training/convert_published.py, with attention. The numbers it is compared
 * with come from training/reference/golden.py, which computes them with the
 * checkpoint's own weights in PyTorch. */
#include <walloc/decoder.h>
#include <walloc/encoder.h>
#include <walloc/net.h>
#include <walloc/wavelet.h>

#include <math.h>
#include <string.h>

#include "bottleneck/companding.h"
#include "model/model.h"
#include "tap.h"
#include "golden_file.h"

#define FOLDER TEST_GOLDEN_DIR "/published/"
#define WIDTH 72
#define HEIGHT 56
#define COLUMNS 9
#define ROWS 7
#define CELLS (COLUMNS * ROWS)
#define CHANNELS 12
#define PLANES 192
#define LATENTS (CHANNELS * CELLS)
#define COEFFICIENTS (PLANES * CELLS)
#define SAMPLES (3 * WIDTH * HEIGHT)
#define BITS 8
/* Range 1.0; float sums in another order differ by a few 1e-6. */
#define TOLERANCE 1e-4

/* What PyTorch says, and the picture it was told. */
typedef struct
{
  uint8_t picture[SAMPLES];
  int8_t latents[LATENTS];
  float coefficients[COEFFICIENTS], samples[SAMPLES], linear[SAMPLES];
} golden;

static int
read_file (const char *name, void *data, size_t size)
{
  return golden_file_read (FOLDER, name, data, size);
}

static int
read_golden (golden * g)
{
  return read_file ("picture.rgb", g->picture, sizeof g->picture) &&
      read_file ("latents.s8", g->latents, sizeof g->latents) &&
      read_file ("coefficients.f32", g->coefficients, sizeof g->coefficients) &&
      read_file ("picture.f32", g->samples, sizeof g->samples) &&
      read_file ("linear.f32", g->linear, sizeof g->linear);
}

static walloc_image
view (uint8_t * pixels)
{
  walloc_image image = { WALLOC_FORMAT_RGB, WIDTH, HEIGHT, {pixels, NULL, NULL},
  {3 * WIDTH, 0, 0}
  };

  return image;
}

/* Greatest difference of an 8-bit picture from samples in -0.5..0.5, in grey
 * levels and before the latter are rounded. */
static double
picture_error (const uint8_t * pixels, const float *samples)
{
  double worst = 0, value;
  unsigned i, c;

  for (i = 0; i < WIDTH * HEIGHT; i++)
    for (c = 0; c < 3; c++) {
      value = samples[c * WIDTH * HEIGHT + i] + 0.5;
      value = 255 * fmin (fmax (value, 0), 1);
      worst = fmax (worst, fabs (value - pixels[3 * i + c]));
    }
  return worst;
}

/* Encode, and compare latents and both decoders' pictures. */
static void
test_codec (walloc_model * model, golden * g)
{
  static uint8_t pixels[SAMPLES];
  walloc_image image = view (g->picture), out = view (pixels);
  walloc_encode_params params;
  walloc_encoder *encoder = NULL;
  walloc_decoder *decoder = NULL;
  walloc_latents latents;
  walloc_error error = { "" };
  const uint8_t *data = NULL;
  size_t size = 0;
  unsigned i, wrong = 0, damaged = 1;
  double worst;

  walloc_encode_params_init (&params);
  if (!TAP_OK (walloc_encoder_new (model, NULL, NULL, &encoder,
              &error) == WALLOC_OK && walloc_decoder_new (model, NULL, NULL,
              NULL, &decoder, &error) == WALLOC_OK,
          "encoder and decoder %s", error.text))
    goto done;
  if (!TAP_OK (walloc_encoder_encode (encoder, &image, &params, &data, &size,
              NULL, &error) == WALLOC_OK, "encode %s", error.text))
    goto done;
  if (TAP_OK (walloc_decoder_latents (decoder, data, size, &latents, &damaged,
              &error) == WALLOC_OK && damaged == 0 && latents.channels ==
          CHANNELS && latents.width == COLUMNS && latents.height == ROWS,
          "latents %s", error.text)) {
    for (i = 0; i < LATENTS; i++)
      wrong += latents.data[i] != g->latents[i];
    TAP_OK (wrong == 0, "latents are those of PyTorch (%u of %d differ)",
        wrong, LATENTS);
  }
  /* Rounding to 8 bits takes half a level. */
  if (TAP_OK (walloc_decoder_decode (decoder, data, size, WALLOC_DECODER_BEST,
              &out, &damaged, &error) == WALLOC_OK, "decode with the network "
          "%s", error.text)) {
    worst = picture_error (pixels, g->samples);
    TAP_OK (worst < 0.5 + 255 * TOLERANCE, "network's picture is PyTorch's, "
        "rounded (%.4f levels away)", worst);
  }
  if (TAP_OK (walloc_decoder_decode (decoder, data, size,
              WALLOC_DECODER_LINEAR, &out, &damaged, &error) == WALLOC_OK,
          "decode with the matrix %s", error.text)) {
    worst = picture_error (pixels, g->linear);
    TAP_OK (worst < 0.5 + 255 * TOLERANCE, "linear picture is PyTorch's, "
        "rounded (%.4f levels away)", worst);
  }
  TAP_OK (walloc_decoder_decode (decoder, data, size, WALLOC_DECODER_FAST,
          &out, &damaged, &error) == WALLOC_ERR_NOT_FOUND,
      "a converted model has no fast decoder");
done:
  walloc_encoder_free (encoder);
  walloc_decoder_free (decoder);
}

/* The network itself and the synthesis, without 8-bit rounding. */
static void
test_network (const walloc_model * model, const golden * g,
    walloc_net_backend backend, const char *name)
{
  static float in[LATENTS], out[COEFFICIENTS], samples[SAMPLES];
  const float *inputs[1] = { in };
  float *outputs[1] = { out }, *scratch = NULL;
  walloc_net_shape shape = { 4, {1, CHANNELS, ROWS, COLUMNS} };
  walloc_companding companding;
  walloc_error error = { "" };
  walloc_net *net = NULL;
  walloc_result result;
  size_t floats = 0;
  double worst = 0;
  unsigned i, c;

  result = walloc_net_load (&net, model->best.data, model->best.size, backend,
      NULL, NULL, &error);
  if (result == WALLOC_ERR_UNSUPPORTED && backend == WALLOC_NET_ONEDNN) {
    tap_skip (name, "built without oneDNN");
    return;
  }
  if (!TAP_OK (result == WALLOC_OK && walloc_net_prepare (net, &shape, 1,
              &error) == WALLOC_OK, "%s: network is ready %s", name,
          error.text))
    goto done;
  walloc_companding_init (&companding, BITS);
  for (i = 0; i < LATENTS; i++)
    in[i] = companding.value[g->latents[i] + companding.half];
  if (!TAP_OK (walloc_net_run (net, inputs, 1, outputs, 1, NULL,
              &error) == WALLOC_OK, "%s: network runs %s", name, error.text))
    goto done;
  for (i = 0; i < COEFFICIENTS; i++)
    worst = fmax (worst, fabs (out[i] - g->coefficients[i]));
  TAP_OK (worst < TOLERANCE, "%s: coefficients are PyTorch's within %.1e", name,
      worst);

  walloc_packet_scratch_2d (WIDTH, 3, &floats, NULL);
  scratch = malloc (floats * sizeof *scratch);
  for (c = 0, worst = 0; c < 3 && scratch != NULL; c++)
    walloc_packet_synthesise_2d (out + c * 64 * CELLS, COLUMNS, CELLS, WIDTH,
        HEIGHT, 3, WALLOC_BORDER_PERIODIC, samples + c * WIDTH * HEIGHT, WIDTH,
        scratch, floats, NULL);
  for (i = 0; i < SAMPLES; i++)
    worst = fmax (worst, fabs (samples[i] - g->samples[i]));
  TAP_OK (scratch != NULL && worst < TOLERANCE,
      "%s: samples are PyTorch's within %.1e", name, worst);
done:
  free (scratch);
  walloc_net_free (net);
}

int
main (void)
{
  static golden g;
  walloc_model *model = NULL;
  walloc_model_info info;
  walloc_error error = { "" };

  if (!TAP_OK (read_golden (&g), "golden files are there"))
    return tap_done ();
  if (!TAP_OK (walloc_model_load (FOLDER "published-test.wlm", NULL, &model,
              &error) == WALLOC_OK, "converted model loads %s", error.text))
    return tap_done ();
  walloc_model_get_info (model, &info);
  TAP_OK (info.kind == WALLOC_MODEL_REFERENCE && info.channels == CHANNELS,
      "it is of kind reference, with %u channels", info.channels);
  if (walloc_net_operator (0) == NULL) {
    tap_skip ("published", "built without ONNX networks");
    goto done;
  }
  test_network (model, &g, WALLOC_NET_PORTABLE, "portable");
  test_network (model, &g, WALLOC_NET_ONEDNN, "oneDNN");
  test_codec (model, &g);
done:
  walloc_model_unref (model);
  return tap_done ();
}
