/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The networks of the model that comes with the library, in every precision:
 * nearly the pictures of floats, the same for any number of threads, and at
 * the finest steps those of the linear decoder. test-shipped MODEL.wlm: those of
 * another model. */
#include "codec_util.h"
#include "model/model.h"

static int
decode (walloc_model * model, const walloc_runner * runner,
    walloc_net_precision precision, const uint8_t * data, size_t size,
    walloc_decoder_kind kind, walloc_image * out)
{
  walloc_error error = { "" };
  walloc_decoder *decoder;
  walloc_result result;

  walloc_decoder_new (model, NULL, runner, NULL, &decoder, NULL);
  walloc_decoder_set_precision (decoder, precision, NULL);
  result = walloc_decoder_decode (decoder, data, size, kind, out, NULL, &error);
  walloc_decoder_free (decoder);
  if (result != WALLOC_OK)
    printf ("# %s\n", error.text);
  return result == WALLOC_OK;
}

static void
test_picture (walloc_model * model, walloc_format format, unsigned width,
    unsigned height, walloc_decoder_kind kind)
{
  static const char *const names[] = { "float", "bfloat16", "bytes" };
  static const double least[] = { 99, 50, 40 };
  unsigned threads = 3, ok, p;
  walloc_runner runner = { 0 };
  walloc_image in, exact, other, linear;
  walloc_encode_params params;
  walloc_encoder *encoder;
  const uint8_t *data;
  size_t size;
  uint64_t hash;
  double db;

  runner.run = run_threads;
  runner.user = &threads;
  runner.threads = threads;
  picture_new (&in, format, width, height);
  picture_new (&exact, format, width, height);
  picture_new (&other, format, width, height);
  picture_new (&linear, format, width, height);
  picture_draw (&in, 1, 7);
  walloc_encoder_new (model, NULL, NULL, &encoder, NULL);
  walloc_encode_params_init (&params);
  params.quality = 35;
  walloc_encoder_encode (encoder, &in, &params, &data, &size, NULL, NULL);
  ok = decode (model, NULL, WALLOC_NET_F32, data, size, kind, &exact) &&
      decode (model, NULL, WALLOC_NET_F32, data, size, WALLOC_DECODER_LINEAR,
      &linear);
  db = picture_psnr (&exact, &linear);
  TAP_OK (ok && db > 20 && db < 60, "%s %ux%u, kind %d: %.1f dB from linear",
      walloc_format_name (format), width, height, (int) kind, db);
  for (p = WALLOC_NET_F32; p <= WALLOC_NET_INT8; p++) {
    ok = decode (model, NULL, (walloc_net_precision) p, data, size, kind,
        &other);
    hash = picture_hash (&other);
    db = picture_psnr (&exact, &other);
    TAP_OK (ok && db > least[p], "in %s: %.1f dB from floats", names[p], db);
    ok = decode (model, &runner, (walloc_net_precision) p, data, size, kind,
        &other);
    TAP_OK (ok && picture_hash (&other) == hash, "in %s: threads change "
        "nothing", names[p]);
  }
  params.quality = 100;
  walloc_encoder_encode (encoder, &in, &params, &data, &size, NULL, NULL);
  ok = decode (model, NULL, WALLOC_NET_FASTEST, data, size, kind, &other) &&
      decode (model, NULL, WALLOC_NET_F32, data, size, WALLOC_DECODER_LINEAR,
      &linear);
  db = picture_psnr (&in, &other) - picture_psnr (&in, &linear);
  TAP_OK (ok && db > -0.02, "at quality 100: %.3f dB over linear", db);
  walloc_encoder_free (encoder);
  picture_free (&in);
  picture_free (&exact);
  picture_free (&other);
  picture_free (&linear);
}

int
main (int argc, char **argv)
{
  walloc_model *model = load_model (argc > 1 ? argv[1] :
      TEST_MODELS_DIR "/photo-1.wlm");
  walloc_decoder_kind kind;

  for (kind = WALLOC_DECODER_FAST; kind <= WALLOC_DECODER_BEST; kind++) {
    TAP_OK (model->info.decoders >> kind & 1, "photo-1 has kind %d", (int)
        kind);
    test_picture (model, WALLOC_FORMAT_RGB, 203, 97, kind);
    test_picture (model, WALLOC_FORMAT_I420, 321, 150, kind);
    test_picture (model, WALLOC_FORMAT_GRAY8, 1, 9, kind);
  }
  walloc_model_unref (model);
  return tap_done ();
}
