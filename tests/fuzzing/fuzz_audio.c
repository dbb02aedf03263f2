/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whole frames of sound through the decoder, with both kinds of model: as
 * they are, and with model id and checksums mended so that damage behind them
 * is reached. Whatever decodes must be finite sound, the same from two decoders, and the same
 * rounded to 16 bits; what does not must leave the place for it untouched.
 * Frames that follow each other go through one decoder, which conceals those
 * that do not decode. */
#include <walloc/audio.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "fuzz_mend.h"

/* columns times channels: larger blocks are not worth their time, and are
 * only offered too little room */
#define MAX_SIZE 256

int LLVMFuzzerTestOneInput (const uint8_t * data, size_t size);

static void
require (int condition)
{
  if (!condition)
    abort ();
}

static void
check_sound (const float *samples, const int16_t * rounded, size_t n)
{
  size_t i;
  float x;

  for (i = 0; i < n; i++) {
    require (isfinite (samples[i]));
    x = samples[i] * 32768;
    x = x < -32768 ? -32768 : x > 32767 ? 32767 : x;
    require (fabsf (x - (float) rounded[i]) <= 0.51f);
  }
}

static walloc_audio_decoder *
decoder_new (walloc_model * model)
{
  walloc_audio_decoder *decoder;

  /* with the network, where the model has one */
  if (walloc_audio_decoder_new (model, NULL, &decoder, NULL) != WALLOC_OK ||
      walloc_audio_decoder_set_kind (decoder, WALLOC_DECODER_AUTO, NULL) !=
      WALLOC_OK)
    abort ();
  return decoder;
}

/* Samples per block, or 0 where the header is not that of a block of sound
 * that is small enough. */
static size_t
block_size (const uint8_t * data, size_t size)
{
  walloc_frame_info info;

  if (walloc_frame_parse (data, size, &info, NULL) != WALLOC_OK ||
      info.media != WALLOC_MEDIA_AUDIO ||
      info.columns * info.audio_channels > MAX_SIZE)
    return 0;
  return (size_t) info.columns * WALLOC_AUDIO_COLUMN * info.audio_channels;
}

/* Latents of what decodes, by the decoder of the sound in between: they are
 * finite, come with the same result and the same damage. */
static void
check_latents (walloc_audio_decoder * decoder, const uint8_t * data,
    size_t size, walloc_result expected, unsigned expected_damaged)
{
  walloc_audio_latents latents;
  walloc_frame_info info;
  unsigned damaged = 77;
  size_t i, n;

  require (walloc_audio_decoder_latents (decoder, data, size, &latents, &info,
          &damaged, NULL) == expected && damaged == expected_damaged);
  if (expected != WALLOC_OK) {
    require (latents.data == NULL && latents.pairs == 0);
    return;
  }
  require (latents.pairs == info.slices && latents.columns == info.columns);
  n = (size_t) latents.pairs * latents.channels * latents.columns;
  for (i = 0; i < n; i++)
    require (isfinite (latents.data[i]));
}

/* One frame, by two decoders that are new. */
static void
decode (walloc_model * model, const uint8_t * data, size_t size)
{
  walloc_audio_decoder *one = decoder_new (model), *two = decoder_new (model);
  size_t block = block_size (data, size), n = block > 0 ? block : 1, i;
  float *samples = malloc (n * sizeof *samples);
  int16_t *rounded = malloc (n * sizeof *rounded);
  walloc_result first, second;
  unsigned damaged, again;

  require (samples != NULL && rounded != NULL);
  for (i = 0; i < n; i++)
    samples[i] = 77;
  first = walloc_audio_decoder_decode (one, data, size, WALLOC_SAMPLES_F32,
      samples, n, NULL, &damaged, NULL);
  second = walloc_audio_decoder_decode (two, data, size, WALLOC_SAMPLES_S16,
      rounded, n, NULL, &again, NULL);
  require (first == second && damaged == again);
  if (first != WALLOC_ERR_SPACE)
    check_latents (one, data, size, first, damaged);
  if (first == WALLOC_OK) {
    require (block > 0);
    check_sound (samples, rounded, n);
    require (walloc_audio_decoder_decode (one, data, size, WALLOC_SAMPLES_F32,
            samples, n - 1, NULL, NULL, NULL) == WALLOC_ERR_SPACE);
    require (walloc_audio_decoder_conceal (one, WALLOC_SAMPLES_F32, samples,
            n, NULL) == WALLOC_OK);
    require (walloc_audio_decoder_conceal (two, WALLOC_SAMPLES_S16, rounded,
            n, NULL) == WALLOC_OK);
    check_sound (samples, rounded, n);
  } else {
    for (i = 0; i < n; i++)
      require (samples[i] == 77);
    require (walloc_audio_decoder_conceal (one, WALLOC_SAMPLES_F32, samples,
            n, NULL) == WALLOC_ERR_ARGUMENT);
  }
  walloc_audio_decoder_free (one);
  walloc_audio_decoder_free (two);
  free (samples);
  free (rounded);
}

/* All frames of the input through one decoder. */
static void
decode_stream (walloc_model * model, const uint8_t * data, size_t size)
{
  const size_t room = MAX_SIZE * WALLOC_AUDIO_COLUMN;
  walloc_audio_decoder *decoder = decoder_new (model);
  float *samples = malloc (room * sizeof *samples);
  size_t at = 0, block, last = 0, i;
  walloc_frame_info info;
  unsigned frames;

  require (samples != NULL);
  for (frames = 0; frames < 16; frames++) {
    at = walloc_frame_find (data, size, at);
    if (at >= size || walloc_frame_parse (data + at, size - at, &info, NULL)
        != WALLOC_OK)
      break;
    block = block_size (data + at, size - at);
    if (walloc_audio_decoder_decode (decoder, data + at, size - at,
            WALLOC_SAMPLES_F32, samples, block, NULL, NULL, NULL) == WALLOC_OK)
      last = block;
    else
      require (walloc_audio_decoder_conceal (decoder, WALLOC_SAMPLES_F32,
              samples, room, NULL) == (last > 0 ? WALLOC_OK :
              WALLOC_ERR_ARGUMENT));
    for (i = 0; i < last; i++)
      require (isfinite (samples[i]));
    at += info.header_size;
    at += info.payload_size < size - at ? info.payload_size : size - at;
  }
  walloc_audio_decoder_free (decoder);
  free (samples);
}

int
LLVMFuzzerTestOneInput (const uint8_t * data, size_t size)
{
  feed_model (TEST_GOLDEN_DIR "/models/sound-test.wlm", data, size,
      decode, decode_stream);
  feed_model (TEST_GOLDEN_DIR "/models/sound-net-test.wlm", data, size,
      decode, decode_stream);
  feed_model (TEST_GOLDEN_DIR "/models/reference-sound-test.wlm", data, size,
      decode, decode_stream);
  return 0;
}
