/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Decoding the first channels only: the same latents as of whole frames, in
 * key and predicted frames, with layers and without; what is above is not
 * read. */
#include "codec_util.h"

#include "model/model.h"

#define WIDTH 608
#define HEIGHT 536
#define FRAMES 9
/* a key frame in the midst of them */
#define SECOND_KEY 5

typedef struct
{
  uint8_t *data;
  size_t size;
} coded;

static walloc_decoder *
new_decoder (walloc_model * model, unsigned channels)
{
  walloc_decoder *decoder = NULL;

  if (walloc_decoder_new (model, NULL, NULL, NULL, &decoder, NULL) !=
      WALLOC_OK ||
      walloc_decoder_set_channels (decoder, channels, NULL) != WALLOC_OK)
    exit (1);
  return decoder;
}

/* A picture under noise with a square that moves. */
static void
draw (walloc_image * image, unsigned number)
{
  unsigned p, y, x, w, h, seed = 40 + number;

  picture_draw (image, 0, 1);
  for (p = 0; p < walloc_format_planes (image->format); p++) {
    w = (unsigned) walloc_format_row_bytes (image->format, p, image->width);
    h = walloc_format_rows (image->format, p, image->height);
    for (y = h / 4; y < h / 2; y++)
      for (x = 10 * number; x < w / 3 + 10 * number; x++)
        image->plane[p][(ptrdiff_t) y * image->stride[p] + (ptrdiff_t) x] =
            (uint8_t) (60 + ((x * y + 3 * number) & 127) + tap_random (&seed) %
            16);
  }
}

static void
make_stream (walloc_model * model, walloc_format format, unsigned layers,
    int predict, coded * frames)
{
  static const unsigned channels[FRAMES] = { 100, 90, 30, 60, 7, 40, 120, 120,
    20
  };
  walloc_encoder *encoder;
  walloc_encode_params params;
  walloc_image image;
  const uint8_t *data;
  unsigned i;

  walloc_encoder_new (model, NULL, NULL, &encoder, NULL);
  picture_new (&image, format, WIDTH, HEIGHT);
  for (i = 0; i < FRAMES; i++) {
    walloc_encode_params_init (&params);
    params.use_step = 1;
    params.step_index = 60 + 7 * (i % 3);
    params.shrink = 1;
    params.channels = channels[i];
    params.layers = layers;
    params.predict = !predict ? WALLOC_PREDICT_NONE : i % SECOND_KEY == 0 ?
        WALLOC_PREDICT_KEY : WALLOC_PREDICT_ALLOWED;
    draw (&image, i);
    walloc_encoder_encode (encoder, &image, &params, &data, &frames[i].size,
        NULL, NULL);
    frames[i].data = malloc (frames[i].size);
    memcpy (frames[i].data, data, frames[i].size);
  }
  picture_free (&image);
  walloc_encoder_free (encoder);
}

static void
free_stream (coded * frames)
{
  unsigned i;

  for (i = 0; i < FRAMES; i++)
    free (frames[i].data);
}

/* Whether part has the first n planes of all, and steps alike. */
static int
is_prefix (const walloc_latents * all, const walloc_latents * part, unsigned n)
{
  size_t grid = (size_t) all->width * all->height, i;
  unsigned c, channels = n != 0 && n < all->channels ? n : all->channels;
  unsigned odd = 0;

  if (part->channels != channels || part->width != all->width ||
      part->height != all->height || memcmp (part->data, all->data,
          grid * channels * sizeof *part->data) != 0)
    return 0;
  for (i = 0; i < grid; i++) {
    const float *a = all->step + (all->step_of == NULL ? 0 :
        all->step_of[i] * all->channels);
    const float *b = part->step + (part->step_of == NULL ? 0 :
        part->step_of[i] * part->channels);

    for (c = 0; c < channels; c++)
      odd += a[c] != b[c];
  }
  return odd == 0;
}

static void
test_stream (walloc_model * model, walloc_format format, unsigned layers,
    int predict)
{
  const unsigned d = model->info.channels;
  const unsigned counts[] = { 1, 2, 5, 12, 13, 47, 48, 49, 96, d - 1, d, 5000,
    0
  };
  walloc_decoder *whole, *part;
  walloc_latents all, some;
  coded frames[FRAMES];
  unsigned k, i, damaged, lost, good = 0, live = 0, predicted = 0;
  walloc_frame_info info;
  size_t x;

  make_stream (model, format, layers, predict, frames);
  for (k = 0; k < sizeof counts / sizeof *counts; k++) {
    whole = new_decoder (model, 0);
    part = new_decoder (model, counts[k]);
    for (i = 0; i < FRAMES; i++) {
      good += walloc_decoder_latents (whole, frames[i].data, frames[i].size,
          &all, &damaged, NULL) == WALLOC_OK && damaged == 0 &&
          walloc_decoder_latents (part, frames[i].data, frames[i].size, &some,
          &lost, NULL) == WALLOC_OK && lost == 0 &&
          is_prefix (&all, &some, counts[k]);
      walloc_frame_parse (frames[i].data, frames[i].size, &info, NULL);
      predicted += info.type == WALLOC_FRAME_PREDICTED;
      for (x = 0; x < (size_t) some.width * some.height * some.channels; x++)
        live += some.data[x] != 0;
    }
    walloc_decoder_free (whole);
    walloc_decoder_free (part);
  }
  TAP_OK (good == k * FRAMES && live > 1000 && (predicted > 0) == predict,
      "%s, %u layers, %u predicted frames: the first channels of %u frames, "
      "%u latents", walloc_format_name (format), layers, predicted, good, live);
  free_stream (frames);
}

/* Another number from one frame to the next: from the next key frame on. */
static void
test_change (walloc_model * model)
{
  walloc_decoder *whole = new_decoder (model, 0);
  walloc_decoder *part = new_decoder (model, 12);
  walloc_latents all, some;
  coded frames[FRAMES];
  unsigned i, good = 0;

  make_stream (model, WALLOC_FORMAT_I420, 3, 1, frames);
  for (i = 0; i < FRAMES; i++) {
    if (i == 2)
      walloc_decoder_set_channels (part, 50, NULL);
    if (i == 7)
      walloc_decoder_set_channels (part, 4, NULL);
    walloc_decoder_latents (whole, frames[i].data, frames[i].size, &all, NULL,
        NULL);
    walloc_decoder_latents (part, frames[i].data, frames[i].size, &some, NULL,
        NULL);
    good += is_prefix (&all, &some, i < SECOND_KEY ? 12 : 50);
  }
  TAP_OK (good == FRAMES, "a change waits for the next key frame: %u", good);
  good = walloc_decoder_latents (whole, frames[0].data, frames[0].size, &all,
      NULL, NULL) == WALLOC_OK;
  good += walloc_decoder_latents (part, frames[0].data, frames[0].size, &some,
      NULL, NULL) == WALLOC_OK && is_prefix (&all, &some, 4);
  walloc_decoder_set_channels (part, 0, NULL);
  good += walloc_decoder_latents (part, frames[0].data, frames[0].size, &some,
      NULL, NULL) == WALLOC_OK && is_prefix (&all, &some, 0);
  TAP_OK (good == 3, "and the same key frame again with all channels");
  TAP_OK (walloc_decoder_set_channels (NULL, 1, NULL) == WALLOC_ERR_ARGUMENT,
      "no decoder");
  free_stream (frames);
  walloc_decoder_free (whole);
  walloc_decoder_free (part);
}

/* Pictures are those of the frame without the layers above. */
static void
test_picture (walloc_model * model)
{
  walloc_decoder *whole = new_decoder (model, 0);
  walloc_decoder *part = new_decoder (model, 12);
  walloc_image one, two;
  walloc_frame_info info;
  coded frames[FRAMES];
  uint8_t *thin;
  unsigned i, good = 0;

  make_stream (model, WALLOC_FORMAT_Y444, 3, 1, frames);
  picture_new (&one, WALLOC_FORMAT_Y444, WIDTH, HEIGHT);
  picture_new (&two, WALLOC_FORMAT_Y444, WIDTH, HEIGHT);
  for (i = 0; i < FRAMES; i++) {
    thin = malloc (frames[i].size);
    walloc_frame_thin (frames[i].data, frames[i].size, 1, thin,
        frames[i].size, &info, NULL);
    good += walloc_decoder_decode (whole, thin, info.header_size +
        info.payload_size, WALLOC_DECODER_LINEAR, &one, NULL, NULL) ==
        WALLOC_OK && walloc_decoder_decode (part, frames[i].data,
        frames[i].size, WALLOC_DECODER_LINEAR, &two, NULL, NULL) == WALLOC_OK
        && picture_hash (&one) == picture_hash (&two);
    free (thin);
  }
  TAP_OK (good == FRAMES, "pictures of the first layer: %u", good);
  picture_free (&one);
  picture_free (&two);
  free_stream (frames);
  walloc_decoder_free (whole);
  walloc_decoder_free (part);
}

/* Damage and missing bytes above do not matter; below they do. */
static void
test_damage (walloc_model * model)
{
  walloc_decoder *part = new_decoder (model, 20);
  coded frames[FRAMES];
  walloc_latents latents;
  walloc_frame_info info;
  walloc_result result;
  unsigned damaged, layer, slice, odd = 0;
  size_t offset, size, cut;
  uint64_t hash;

  make_stream (model, WALLOC_FORMAT_I420, 3, 0, frames);
  walloc_frame_parse (frames[0].data, frames[0].size, &info, NULL);
  walloc_decoder_latents (part, frames[0].data, frames[0].size, &latents,
      NULL, NULL);
  hash = latents_hash (&latents);
  for (slice = 0; slice < info.slices; slice++)
    for (layer = 0; layer < info.layers; layer++) {
      walloc_frame_segment (frames[0].data, &info, slice, layer, &offset,
          &size);
      frames[0].data[offset + size - 3] ^= 4;
      result = walloc_decoder_latents (part, frames[0].data, frames[0].size,
          &latents, &damaged, NULL);
      frames[0].data[offset + size - 3] ^= 4;
      odd += result != WALLOC_OK;
      odd += layer < 2 ? damaged != 1 || latents_hash (&latents) == hash :
          damaged != 0 || latents_hash (&latents) != hash;
    }
  TAP_OK (odd == 0 && info.layers == 3, "damage in %u layers of %u slices: "
      "noticed in two of them", info.layers, info.slices);
  walloc_frame_segment (frames[0].data, &info, info.slices - 1, 1, &offset,
      &size);
  cut = offset + size;
  result = walloc_decoder_latents (part, frames[0].data, cut, &latents,
      &damaged, NULL);
  TAP_OK (result == WALLOC_OK && damaged == 0 && cut < frames[0].size &&
      latents_hash (&latents) == hash, "cut behind what is wanted: whole");
  result = walloc_decoder_latents (part, frames[0].data, cut - 1, &latents,
      &damaged, NULL);
  TAP_OK (result == WALLOC_ERR_TRUNCATED && damaged == 1, "and before its "
      "end: not");
  free_stream (frames);
  walloc_decoder_free (part);
}

int
main (void)
{
  walloc_model *photo = load_model (TEST_MODELS_DIR "/photo-1.wlm");
  walloc_model *test = load_model (MODEL ("ordered-test.wlm"));
  walloc_model *reference = load_model (MODEL ("reference-test.wlm"));

  test_stream (photo, WALLOC_FORMAT_I420, 1, 0);
  test_stream (photo, WALLOC_FORMAT_I420, 1, 1);
  test_stream (photo, WALLOC_FORMAT_I420, 3, 1);
  test_stream (photo, WALLOC_FORMAT_Y444, 4, 1);
  test_stream (test, WALLOC_FORMAT_GRAY8, 2, 1);
  test_stream (reference, WALLOC_FORMAT_RGB, 1, 0);
  test_change (photo);
  test_picture (photo);
  test_damage (photo);
  walloc_model_unref (photo);
  walloc_model_unref (test);
  walloc_model_unref (reference);
  return tap_done ();
}
