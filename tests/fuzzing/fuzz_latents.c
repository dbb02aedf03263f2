/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Latents through the encoders that take them, and back. The first eight bytes
 * choose kind of model, size, format, step, channels, layers and rotation; the
 * rest are the floats, over and over. Whatever they are, the frame decodes,
 * undamaged; values differ by no more than a step from what was given, as far
 * as that is within the limits; and given back, they give the same frame. */
#include <walloc/audio.h>
#include <walloc/decoder.h>
#include <walloc/encoder.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define HEAD 8
#define MAX_LATENT 16383

int LLVMFuzzerTestOneInput (const uint8_t * data, size_t size);

static void
require (int condition)
{
  if (!condition)
    abort ();
}

static walloc_model *
load (const char *path)
{
  walloc_model *model;

  require (walloc_model_load (path, NULL, &model, NULL) == WALLOC_OK);
  return model;
}

static float *
floats (const uint8_t * data, size_t size, size_t n)
{
  float *values = malloc (n * sizeof *values);
  size_t i, k;
  uint8_t bytes[4];

  require (values != NULL);
  for (i = 0; i < n; i++) {
    for (k = 0; k < 4; k++)
      bytes[k] = size > HEAD ? data[HEAD + (4 * i + k) % (size - HEAD)] : 0;
    memcpy (&values[i], bytes, sizeof bytes);
  }
  return values;
}

/* What becomes of a value: itself but for a step, 0, or the limit. */
static void
check_value (float given, float got, float step, float most)
{
  require (fabsf (got) <= most * step * 1.0001f);
  if (!(fabsf (given) <= most * step))
    require (isnan (given) ? got == 0 : fabsf (got) >= (most - 1) * step);
  else
    require (fabsf (got - given) <= step * 1.01f + fabsf (given) * 1e-5f);
}

static void
code_picture (walloc_model * model, const uint8_t * data, size_t size)
{
  walloc_model_info model_info;
  walloc_latent_planes planes;
  walloc_encode_params params;
  walloc_encoder *encoder;
  walloc_decoder *decoder;
  walloc_latents l;
  walloc_frame_info info;
  const uint8_t *frame;
  uint8_t *copy;
  size_t bytes, again, grid, i;
  unsigned damaged, c;
  float *values;

  walloc_model_get_info (model, &model_info);
  memset (&planes, 0, sizeof planes);
  planes.format = (walloc_format) (data[1] % 12);
  planes.width = 1 + data[2];
  planes.height = 1 + data[3];
  planes.scale = data[4] % 4;
  planes.channels = 1 + data[5] % model_info.channels;
  planes.columns = (((planes.width - 1) >> planes.scale) + 8) / 8;
  planes.rows = (((planes.height - 1) >> planes.scale) + 8) / 8;
  grid = (size_t) planes.columns * planes.rows;
  planes.data = values = floats (data, size, grid * planes.channels);
  walloc_encode_params_init (&params);
  params.use_step = data[6] < 180;
  params.step_index = data[6];
  params.quality = params.use_step ? 0 : data[6] - 150;
  params.layers = data[7] % 6;
  require (walloc_encoder_new (model, NULL, NULL, &encoder, NULL) == WALLOC_OK);
  require (walloc_decoder_new (model, NULL, NULL, NULL, &decoder, NULL) ==
      WALLOC_OK);
  if (walloc_encoder_encode_latents (encoder, &planes, &params, &frame, &bytes,
          &info, NULL) != WALLOC_OK) {
    require (planes.format > WALLOC_FORMAT_XBGR || planes.scale > 2 ||
        params.layers > 4 || (params.use_step ? params.step_index > 176 :
            params.quality > 100) || (model_info.formats >> planes.format &
            1) == 0 || model_info.kind == WALLOC_MODEL_REFERENCE);
  } else {
    copy = malloc (bytes);
    require (copy != NULL);
    memcpy (copy, frame, bytes);
    require (walloc_decoder_latents (decoder, copy, bytes, &l, &damaged,
            NULL) == WALLOC_OK && damaged == 0 && l.width == planes.columns
        && l.height == planes.rows && l.channels <= planes.channels &&
        l.steps == 1);
    for (c = 0; c < l.channels; c++)
      for (i = 0; i < grid; i++) {
        float got = (float) l.data[c * grid + i] * l.step[c];

        /* absent, or within a step */
        if (got != 0 || l.group[c] == 0)
          check_value (values[c * grid + i], got, l.step[c], model_info.kind ==
              WALLOC_MODEL_REFERENCE ? 127 : MAX_LATENT);
        values[c * grid + i] = got;
      }
    params.use_step = 1;
    params.step_index = info.step_index;
    params.channels = info.channels;
    require (walloc_encoder_encode_latents (encoder, &planes, &params, &frame,
            &again, NULL, NULL) == WALLOC_OK && again == bytes &&
        memcmp (frame, copy, bytes) == 0);
    free (copy);
  }
  free (values);
  walloc_encoder_free (encoder);
  walloc_decoder_free (decoder);
}

static void
code_sound (walloc_model * model, const uint8_t * data, size_t size)
{
  const unsigned channels = 1 + data[1] % 8, columns = 1 + data[2] % 40;
  walloc_model_info model_info;
  walloc_audio_latents l, out;
  walloc_audio_params params;
  walloc_audio_encoder *encoder;
  walloc_audio_decoder *decoder;
  walloc_frame_info info, second;
  walloc_result result;
  const uint8_t *frame;
  size_t bytes, i, n;
  float *values, *first, most = 0;
  unsigned damaged;

  walloc_model_get_info (model, &model_info);
  memset (&l, 0, sizeof l);
  l.pairs = (channels + 1) / 2;
  l.channels = 1 + data[5] % model_info.channels;
  l.columns = columns;
  for (i = 0; i < 4; i++)
    l.rotation[i] = data[3] < 128 ? WALLOC_AUDIO_MID_SIDE : data[3] > 250 ?
        WALLOC_AUDIO_ROTATION_AUTO : (uint8_t) (data[3] - 128);
  l.data = values =
      floats (data, size, (size_t) l.pairs * l.channels * columns);
  walloc_audio_params_init (&params);
  params.use_step = data[6] < 180;
  params.step_index = 2 * data[6];
  params.quality = params.use_step ? 0 : data[6] - 150;
  params.layers = data[7] % 6;
  require (walloc_audio_encoder_new (model, NULL, 44100, channels, columns,
          &encoder, NULL) == WALLOC_OK);
  require (walloc_audio_decoder_new (model, NULL, &decoder, NULL) == WALLOC_OK);
  result = walloc_audio_encoder_encode_latents (encoder, &l, &params, &frame,
      &bytes, &info, NULL);
  if (result != WALLOC_OK) {
    require (result != WALLOC_ERR_MEMORY && (l.rotation[0] > 63 ||
            params.layers > 4 || (params.use_step ? params.step_index > 352 :
                params.quality > 100)));
  } else {
    require (walloc_audio_decoder_latents (decoder, frame, bytes, &out, NULL,
            &damaged, NULL) == WALLOC_OK && damaged == 0 &&
        out.pairs == l.pairs && out.columns == columns);
    n = (size_t) out.pairs * out.channels * columns;
    first = malloc (n * sizeof *first);
    require (first != NULL);
    memcpy (first, out.data, n * sizeof *first);
    for (i = 0; i < n; i++) {
      require (isfinite (first[i]));
      most = fmaxf (most, fabsf (first[i]));
    }
    /* once more from what came back, in the same axes and sets */
    out.data = first;
    params.use_step = 1;
    params.step_index = info.step_index;
    require (walloc_audio_encoder_encode_latents (encoder, &out, &params,
            &frame, &bytes, &second, NULL) == WALLOC_OK &&
        walloc_audio_decoder_latents (decoder, frame, bytes, &l, NULL,
            &damaged, NULL) == WALLOC_OK && damaged == 0);
    /* where there is no twin, what is turned away is lost */
    for (i = 0; i < n && second.set == info.set && data[3] < 128; i++)
      require (fabsf (l.data[i] - first[i]) <= 1e-5f * most);
    free (first);
  }
  free (values);
  walloc_audio_encoder_free (encoder);
  walloc_audio_decoder_free (decoder);
}

int
LLVMFuzzerTestOneInput (const uint8_t * data, size_t size)
{
  static const char *const paths[] = {
    TEST_GOLDEN_DIR "/models/ordered-test.wlm",
    TEST_GOLDEN_DIR "/models/reference-test.wlm",
    TEST_GOLDEN_DIR "/models/sound-test.wlm"
  };
  walloc_model *model;

  if (size < HEAD)
    return 0;
  model = load (paths[data[0] % 3]);
  if (data[0] % 3 == 2)
    code_sound (model, data, size);
  else
    code_picture (model, data, size);
  walloc_model_unref (model);
  return 0;
}
