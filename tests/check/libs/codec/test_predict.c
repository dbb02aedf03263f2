/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Predicted frames: encoder and decoder hold the same, whatever was skipped;
 * steps, channels and layers may change between frames; frames that are lost,
 * damaged or out of place are noticed. */
#include "codec_util.h"

#include "codec/decoder-private.h"

/* two slices */
#define WIDTH 800
#define HEIGHT 520
#define FRAMES 18
#define CUT 11

typedef struct
{
  uint8_t *data;
  size_t size;
  walloc_frame_info info;
} coded;

static walloc_encoder *
new_encoder (walloc_model * model, const walloc_runner * runner)
{
  walloc_encoder *encoder = NULL;
  walloc_error error;

  if (walloc_encoder_new (model, NULL, runner, &encoder, &error) != WALLOC_OK)
    printf ("# %s\n", error.text);
  return encoder;
}

static walloc_decoder *
new_decoder (walloc_model * model, const walloc_runner * runner)
{
  walloc_decoder *decoder = NULL;
  walloc_error error;

  if (walloc_decoder_new (model, NULL, runner, NULL, &decoder, &error) !=
      WALLOC_OK)
    printf ("# %s\n", error.text);
  return decoder;
}

/* A still picture with a square that moves, under a little noise; from frame
 * cut on another one. */
static void
draw (walloc_image * image, unsigned number, unsigned cut, unsigned noise)
{
  unsigned p, x, y, w, h, at, seed = 1000 + number, shift;
  int v;

  for (p = 0; p < walloc_format_planes (image->format); p++) {
    w = (unsigned) walloc_format_row_bytes (image->format, p, image->width);
    h = walloc_format_rows (image->format, p, image->height);
    shift = p > 0;
    at = 40 + 9 * number;
    for (y = 0; y < h; y++)
      for (x = 0; x < w; x++) {
        v = number < cut ? (int) ((x << shift) * 5 / 16 % 160 +
            (y << shift) / 13 * 29 % 60) : 210 - (int) ((y << shift) * 7 /
            32 % 150 + (x << shift) / 17 * 31 % 50);
        if ((x << shift) >= at && (x << shift) < at + 90 &&
            (y << shift) >= 130 && (y << shift) < 220)
          v = 235 - (int) ((x ^ y) & 63);
        if (noise > 0)
          v += (int) (tap_random (&seed) % (2 * noise + 1)) - (int) noise;
        image->plane[p][(ptrdiff_t) y * image->stride[p] + (ptrdiff_t) x] =
            (uint8_t) (v < 0 ? 0 : v > 255 ? 255 : v);
      }
  }
}

static int
encode (walloc_encoder * encoder, const walloc_image * image,
    const walloc_encode_params * params, coded * frame)
{
  const uint8_t *data;
  walloc_error error = { "" };
  walloc_result result;

  result = walloc_encoder_encode (encoder, image, params, &data, &frame->size,
      &frame->info, &error);
  if (result != WALLOC_OK) {
    printf ("# %s\n", error.text);
    frame->data = NULL;
    return 0;
  }
  frame->data = malloc (frame->size);
  memcpy (frame->data, data, frame->size);
  return 1;
}

/* How step, channels and layers go in one run. */
static void
vary (unsigned how, unsigned number, walloc_encode_params * params)
{
  static const unsigned steps[] = { 84, 84, 70, 70, 95, 60, 110, 84 };

  params->quality = 50;
  if (how == 1) {
    params->use_step = 1;
    params->step_index = steps[number / 2 % 8];
  }
  if (how == 2) {
    params->channels = number % 7 < 3 ? 20 : number % 7 < 5 ? 60 : 9;
    params->layers = 1 + number % 4;
  }
}

/* A stream, with a key frame where the library wants one. */
static void
make_stream (walloc_model * model, const walloc_runner * runner,
    walloc_format format, unsigned how, unsigned noise, coded * frames)
{
  walloc_encoder *encoder = new_encoder (model, runner);
  walloc_encode_params params;
  walloc_image image;
  unsigned i;

  picture_new (&image, format, WIDTH, HEIGHT);
  for (i = 0; i < FRAMES; i++) {
    walloc_encode_params_init (&params);
    params.predict = i == 0 ? WALLOC_PREDICT_KEY : WALLOC_PREDICT_ALLOWED;
    vary (how, i, &params);
    /* the last frames are the same picture again */
    draw (&image, i < FRAMES - 3 ? i : FRAMES - 4, CUT, noise);
    encode (encoder, &image, &params, &frames[i]);
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

/* Every latent is that of intra coding now, or what it was before. */
static void
test_agreement (walloc_model * model, walloc_format format, unsigned how,
    unsigned noise, const char *name)
{
  walloc_decoder *decoder = new_decoder (model, NULL);
  walloc_decoder *intra = new_decoder (model, NULL);
  walloc_encoder *encoder = new_encoder (model, NULL);
  walloc_encode_params params;
  walloc_latents latents, now;
  walloc_image image;
  coded frames[FRAMES], key;
  int16_t *before = NULL;
  /* [position][channel]: that the latents were coded with */
  float *steps = calloc ((size_t) (WIDTH / 8) * (HEIGHT / 8) *
      model->info.channels, sizeof *steps);
  unsigned i, c, bad = 0, wrong = 0, damaged, types[3] = { 0 }, at_cut;
  unsigned several = 0, wrong_steps = 0;
  size_t n, x, skipped = 0, positions = 0, size = 0, intra_size = 0;

  make_stream (model, NULL, format, how, noise, frames);
  picture_new (&image, format, WIDTH, HEIGHT);
  for (i = 0; i < FRAMES; i++) {
    walloc_encode_params_init (&params);
    vary (how, i, &params);
    draw (&image, i < FRAMES - 3 ? i : FRAMES - 4, CUT, noise);
    bad += !encode (encoder, &image, &params, &key);
    bad += walloc_decoder_latents (intra, key.data, key.size, &now, &damaged,
        NULL) != WALLOC_OK;
    bad += walloc_decoder_latents (decoder, frames[i].data, frames[i].size,
        &latents, &damaged, NULL) != WALLOC_OK || damaged != 0;
    bad += frames[i].info.sequence != i + 1;
    types[frames[i].info.type]++;
    size += frames[i].size;
    intra_size += key.size;
    n = (size_t) latents.width * latents.height;
    several += latents.step_of != NULL;
    bad += latents.step_of == NULL && latents.steps != 1;
    for (c = 0; c < latents.channels; c++)
      for (x = 0; x < n; x++) {
        if (!decoder->state.skip[x] && c < now.channels)
          steps[x * model->info.channels + c] = now.step[c];
        wrong_steps += latents.data[c * n + x] != 0 &&
            (latents.step_of != NULL && latents.step_of[x] >= latents.steps);
        wrong_steps += latents.data[c * n + x] != 0 &&
            latents.step[(latents.step_of == NULL ? 0 : latents.step_of[x]) *
            latents.channels + c] != steps[x * model->info.channels + c];
        if (decoder->state.skip[x])
          wrong += latents.data[c * n + x] != before[c * n + x];
        else
          wrong += latents.data[c * n + x] != (c < now.channels ?
              now.data[c * n + x] : 0);
      }
    for (x = 0; x < n; x++)
      skipped += decoder->state.skip[x];
    positions += n;
    free (before);
    before = calloc (n * model->info.channels, sizeof *before);
    memcpy (before, latents.data, n * latents.channels * sizeof *before);
    free (key.data);
  }
  at_cut = frames[CUT].info.type;
  TAP_OK (bad == 0 && wrong == 0, "%s: %u frames decode, each latent is the "
      "intra one or that of the frame before", name, FRAMES);
  TAP_OK (types[WALLOC_FRAME_PREDICTED] > 9 && skipped > 0 &&
      skipped < positions, "%s: %u key, %u predicted, %u repeat frames, %.0f "
      "%% of positions skipped, %zu bytes (intra %zu)", name, types[0],
      types[1], types[2], 100.0 * (double) skipped / (double) positions, size,
      intra_size);
  TAP_OK (at_cut == WALLOC_FRAME_KEY, "%s: a key frame at the cut", name);
  TAP_OK (size < intra_size / 2, "%s: less than half the bytes", name);
  TAP_OK ((several > 0) == (how == 1) && wrong_steps == 0, "%s: every latent "
      "has the step it was coded with, %u frames have several", name, several);
  free (before);
  free (steps);
  free_stream (frames);
  picture_free (&image);
  walloc_encoder_free (encoder);
  walloc_decoder_free (decoder);
  walloc_decoder_free (intra);
}

/* Same bytes and pictures whatever the runner does. */
static void
test_threads (walloc_model * model)
{
  unsigned four = 4, i, k, same = 0, shown = 0;
  walloc_runner runners[2] = { {run_threads, &four, 4},
  {run_backwards, NULL, 3}
  };
  coded frames[FRAMES], again[FRAMES];
  uint64_t hash[FRAMES];
  walloc_decoder *decoder;
  walloc_image image;

  make_stream (model, NULL, WALLOC_FORMAT_I420, 1, 2, frames);
  picture_new (&image, WALLOC_FORMAT_I420, WIDTH, HEIGHT);
  for (k = 0; k < 3; k++) {
    decoder = new_decoder (model, k > 0 ? &runners[k - 1] : NULL);
    for (i = 0; i < FRAMES; i++) {
      walloc_decoder_decode (decoder, frames[i].data, frames[i].size,
          WALLOC_DECODER_LINEAR, &image, NULL, NULL);
      if (k == 0)
        hash[i] = picture_hash (&image);
      else
        shown += picture_hash (&image) == hash[i];
    }
    walloc_decoder_free (decoder);
    if (k == 0)
      continue;
    make_stream (model, &runners[k - 1], WALLOC_FORMAT_I420, 1, 2, again);
    for (i = 0; i < FRAMES; i++)
      same += again[i].size == frames[i].size &&
          memcmp (again[i].data, frames[i].data, again[i].size) == 0;
    free_stream (again);
  }
  TAP_OK (same == 2 * FRAMES, "same bytes with any runner");
  TAP_OK (shown == 2 * FRAMES, "same pictures with any runner");
  free_stream (frames);
  picture_free (&image);
}

/* Frames that are missing, in another place, or of another stream. */
static void
test_order (walloc_model * model)
{
  coded frames[FRAMES];
  walloc_decoder *decoder = new_decoder (model, NULL);
  walloc_latents latents;
  walloc_image image, odd;
  walloc_error error = { "" };
  unsigned damaged, i, refused = 0, key = FRAMES;
  uint64_t one, two;

  make_stream (model, NULL, WALLOC_FORMAT_I420, 0, 2, frames);
  picture_new (&image, WALLOC_FORMAT_I420, WIDTH, HEIGHT);
  picture_new (&odd, WALLOC_FORMAT_I420, WIDTH - 1, HEIGHT);
  TAP_OK (walloc_decoder_latents (decoder, frames[1].data, frames[1].size,
          &latents, &damaged, &error) == WALLOC_ERR_NEEDS_KEY &&
      strstr (error.text, "key frame") != NULL,
      "a predicted frame is no beginning: %s", error.text);
  for (i = 0; i < 4; i++)
    walloc_decoder_latents (decoder, frames[i].data, frames[i].size, &latents,
        &damaged, NULL);
  one = latents_hash (&latents);
  TAP_OK (walloc_decoder_decode (decoder, frames[3].data, frames[3].size,
          WALLOC_DECODER_LINEAR, &image, &damaged, NULL) == WALLOC_OK &&
      damaged == 0 && walloc_decoder_latents (decoder, frames[3].data,
          frames[3].size, &latents, &damaged, NULL) == WALLOC_OK &&
      latents_hash (&latents) == one, "the same frame may be asked for again");
  TAP_OK (walloc_decoder_latents (decoder, frames[2].data, frames[2].size,
          &latents, &damaged, &error) == WALLOC_ERR_NEEDS_KEY &&
      walloc_decoder_latents (decoder, frames[5].data, frames[5].size,
          &latents, &damaged, &error) == WALLOC_ERR_NEEDS_KEY,
      "not an earlier one, nor one after a gap: %s", error.text);
  TAP_OK (walloc_decoder_latents (decoder, frames[4].data, frames[4].size,
          &latents, &damaged, NULL) == WALLOC_OK && damaged == 0,
      "the right one still decodes");
  /* 5 is lost */
  for (i = 6; i < FRAMES; i++) {
    if (frames[i].info.type == WALLOC_FRAME_KEY)
      break;
    refused += walloc_decoder_decode (decoder, frames[i].data, frames[i].size,
        WALLOC_DECODER_LINEAR, &image, &damaged, NULL) == WALLOC_ERR_NEEDS_KEY;
  }
  key = i;
  TAP_OK (refused == key - 6 && key < FRAMES && walloc_decoder_decode (decoder,
          frames[key].data, frames[key].size, WALLOC_DECODER_LINEAR, &image,
          &damaged, NULL) == WALLOC_OK && damaged == 0,
      "after a lost frame %u are refused, until the key frame", refused);
  walloc_decoder_reset (decoder);
  TAP_OK (walloc_decoder_latents (decoder, frames[key + 1].data,
          frames[key + 1].size, &latents, &damaged, NULL) ==
      WALLOC_ERR_NEEDS_KEY, "after a reset nothing follows but a key frame");

  walloc_decoder_set_conceal (decoder, 1);
  for (i = 0, one = two = 0, refused = 0; i < FRAMES; i++) {
    if (i == 5)
      continue;
    refused += walloc_decoder_decode (decoder, frames[i].data, frames[i].size,
        WALLOC_DECODER_LINEAR, &image, &damaged, NULL) != WALLOC_OK;
    one += i > 5 && i < key && damaged == 0;
    two += (i < 5 || i >= key) && damaged > 0;
  }
  TAP_OK (refused == 0 && one == 0 && two == 0, "concealed, all are shown and "
      "those from the gap to the key frame are counted as damaged");
  walloc_decoder_decode (decoder, frames[0].data, frames[0].size,
      WALLOC_DECODER_LINEAR, &image, &damaged, NULL);
  TAP_OK (walloc_decoder_decode (decoder, frames[1].data, frames[1].size,
          WALLOC_DECODER_LINEAR, &odd, &damaged, NULL) ==
      WALLOC_ERR_ARGUMENT && walloc_decoder_decode (decoder, frames[1].data,
          frames[1].size, WALLOC_DECODER_LINEAR, &image, &damaged, NULL) ==
      WALLOC_OK && damaged == 0, "a call that fails for its arguments leaves "
      "the state alone");
  free_stream (frames);
  picture_free (&image);
  picture_free (&odd);
  walloc_decoder_free (decoder);
}

/* Changes every byte of a predicted frame in turn, and decodes what follows:
 * nothing may crash, and damage is told until a key frame ends it. */
static void
test_damage (walloc_model * model)
{
  walloc_encoder *encoder = new_encoder (model, NULL);
  walloc_decoder *decoder = new_decoder (model, NULL);
  walloc_encode_params params;
  walloc_image image, out;
  walloc_result result;
  coded frames[5];
  uint8_t *copy;
  uint64_t clean[5];
  unsigned i, k, conceal, damaged, seed = 3, unnoticed = 0, wrong = 0;
  unsigned refused = 0, told = 0, recovered = 0, tried = 0, odd = 0;
  size_t at, cut;

  picture_new (&image, WALLOC_FORMAT_I420, 120, 230);
  picture_new (&out, WALLOC_FORMAT_I420, 120, 230);
  for (i = 0; i < 5; i++) {
    draw (&image, 3 * i, 100, 1);
    walloc_encode_params_init (&params);
    params.predict = i == 0 || i == 4 ? WALLOC_PREDICT_KEY :
        WALLOC_PREDICT_ALLOWED;
    params.quality = 50;
    params.layers = 3;
    encode (encoder, &image, &params, &frames[i]);
    walloc_decoder_decode (decoder, frames[i].data, frames[i].size,
        WALLOC_DECODER_LINEAR, &out, &damaged, NULL);
    clean[i] = picture_hash (&out);
  }
  copy = malloc (frames[1].size);
  for (conceal = 0; conceal < 2; conceal++) {
    walloc_decoder_set_conceal (decoder, (int) conceal);
    /* bytes changed, then the frame cut short */
    for (at = 0; at < 2 * frames[1].size; at += at < frames[1].size ? 1 : 9) {
      memcpy (copy, frames[1].data, frames[1].size);
      cut = at < frames[1].size ? frames[1].size : at - frames[1].size;
      if (at < frames[1].size)
        copy[at] ^= (uint8_t) (1 + tap_random (&seed) % 255);
      walloc_decoder_decode (decoder, frames[0].data, frames[0].size,
          WALLOC_DECODER_LINEAR, &out, &damaged, NULL);
      wrong += picture_hash (&out) != clean[0] || damaged != 0;
      damaged = 0;
      result = walloc_decoder_decode (decoder, copy, cut,
          WALLOC_DECODER_LINEAR, &out, &damaged, NULL);
      tried++;
      if (result == WALLOC_OK || damaged > 0)
        unnoticed += damaged == 0;
      else
        refused++;
      for (k = 2; k < 4; k++) {
        i = damaged;
        damaged = 0;
        result = walloc_decoder_decode (decoder, frames[k].data,
            frames[k].size, WALLOC_DECODER_LINEAR, &out, &damaged, NULL);
        odd += result != WALLOC_OK && result != WALLOC_ERR_NEEDS_KEY;
        told += result == WALLOC_OK && damaged > 0;
        unnoticed += result == WALLOC_OK && damaged == 0 &&
            picture_hash (&out) != clean[k];
        odd += conceal && result != WALLOC_OK;
      }
      walloc_decoder_decode (decoder, frames[4].data, frames[4].size,
          WALLOC_DECODER_LINEAR, &out, &damaged, NULL);
      recovered += picture_hash (&out) == clean[4] && damaged == 0;
    }
  }
  TAP_OK (frames[1].info.type == WALLOC_FRAME_PREDICTED && unnoticed == 0 &&
      odd == 0 && refused > 0 && told > 0, "%u changes of a predicted frame: "
      "%u refused, %u frames behind them told as damaged, %u wrong without a "
      "word", tried, refused, told, unnoticed);
  TAP_OK (recovered == tried && wrong == 0, "the next key frame ends it");
  for (i = 0; i < 5; i++)
    free (frames[i].data);
  free (copy);
  picture_free (&image);
  picture_free (&out);
  walloc_encoder_free (encoder);
  walloc_decoder_free (decoder);
}

/* A damaged frame that comes once more, whole: it is repaired, and so is what
 * builds on it; but not what was damaged before. */
static void
test_repair (walloc_model * model)
{
  walloc_encoder *encoder = new_encoder (model, NULL);
  walloc_decoder *decoder = new_decoder (model, NULL);
  walloc_encode_params params;
  walloc_image image, out;
  coded frames[4];
  uint8_t *copy;
  uint64_t clean[4];
  unsigned i, damaged, again, seed = 11, wrong = 0, tried = 0, hurt = 0;
  unsigned kept = 0, older = 0;
  size_t at, cut;

  picture_new (&image, WALLOC_FORMAT_I420, 200, WALLOC_CELL * 160);
  picture_new (&out, WALLOC_FORMAT_I420, 200, WALLOC_CELL * 160);
  for (i = 0; i < 4; i++) {
    draw (&image, 3 * i, 100, 1);
    walloc_encode_params_init (&params);
    params.predict = i == 0 ? WALLOC_PREDICT_KEY : WALLOC_PREDICT_ALLOWED;
    params.quality = 50;
    params.layers = 3;
    encode (encoder, &image, &params, &frames[i]);
    walloc_decoder_decode (decoder, frames[i].data, frames[i].size,
        WALLOC_DECODER_LINEAR, &out, &damaged, NULL);
    clean[i] = picture_hash (&out);
  }
  copy = malloc (frames[1].size);
  for (at = frames[1].info.header_size; at < 2 * frames[1].size; at += 5) {
    memcpy (copy, frames[1].data, frames[1].size);
    cut = at < frames[1].size ? frames[1].size : at - frames[1].size;
    if (at < frames[1].size)
      copy[at] ^= (uint8_t) (1 + tap_random (&seed) % 255);
    else if (cut < frames[1].info.header_size)
      continue;
    tried++;
    walloc_decoder_decode (decoder, frames[0].data, frames[0].size,
        WALLOC_DECODER_LINEAR, &out, &damaged, NULL);
    walloc_decoder_decode (decoder, copy, cut, WALLOC_DECODER_LINEAR, &out,
        &damaged, NULL);
    hurt += damaged > 0;
    /* as it is, it repairs nothing */
    walloc_decoder_decode (decoder, copy, cut, WALLOC_DECODER_LINEAR, &out,
        &again, NULL);
    kept += again == damaged;
    for (i = 1; i < 4; i++) {
      wrong += walloc_decoder_decode (decoder, frames[i].data, frames[i].size,
          WALLOC_DECODER_LINEAR, &out, &damaged, NULL) != WALLOC_OK;
      wrong += damaged != 0 || picture_hash (&out) != clean[i];
    }
  }
  TAP_OK (frames[1].info.type == WALLOC_FRAME_PREDICTED && tried > 20 &&
      hurt == tried && kept == tried && wrong == 0,
      "%u damaged frames, and each repaired when it came again", tried);

  /* frame 0 has damage of its own, which frame 1 does not take away */
  memcpy (copy, frames[1].data, frames[1].size);
  copy[frames[1].size - 1] ^= 0x55;
  frames[0].data[frames[0].size - 1] ^= 0x55;
  walloc_decoder_decode (decoder, frames[0].data, frames[0].size,
      WALLOC_DECODER_LINEAR, &out, &older, NULL);
  walloc_decoder_decode (decoder, copy, frames[1].size, WALLOC_DECODER_LINEAR,
      &out, &damaged, NULL);
  walloc_decoder_decode (decoder, frames[1].data, frames[1].size,
      WALLOC_DECODER_LINEAR, &out, &again, NULL);
  TAP_OK (older > 0 && damaged > 0 && again > 0 && picture_hash (&out) !=
      clean[1], "what was damaged before stays so: %u slices", again);
  for (i = 0; i < 4; i++)
    free (frames[i].data);
  free (copy);
  picture_free (&image);
  picture_free (&out);
  walloc_encoder_free (encoder);
  walloc_decoder_free (decoder);
}

/* Another attempt at a picture leaves no trace of the first. */
static void
test_again (walloc_model * model)
{
  walloc_encoder *once = new_encoder (model, NULL);
  walloc_encoder *twice = new_encoder (model, NULL);
  walloc_encode_params params;
  walloc_image image;
  coded a, b, dropped;
  unsigned i, same = 0;

  picture_new (&image, WALLOC_FORMAT_RGB, 320, 200);
  for (i = 0; i < 12; i++) {
    draw (&image, i, 7, 2);
    walloc_encode_params_init (&params);
    params.predict = i == 0 ? WALLOC_PREDICT_KEY : WALLOC_PREDICT_ALLOWED;
    params.quality = 60;
    encode (once, &image, &params, &a);
    params.quality = i % 3 == 0 ? 20 : 90;
    encode (twice, &image, &params, &dropped);
    params.again = 1;
    params.quality = 60;
    encode (twice, &image, &params, &b);
    same += a.size == b.size && memcmp (a.data, b.data, a.size) == 0;
    free (a.data);
    free (b.data);
    free (dropped.data);
  }
  TAP_OK (same == 12, "a second attempt replaces the first: %u of 12", same);
  picture_free (&image);
  walloc_encoder_free (once);
  walloc_encoder_free (twice);
}

/* A still picture, then a finer step: frames as large as they may be, until all
 * is fine; a change is coded at once all the same; any runner does alike. */
static void
test_fill (walloc_model * model)
{
  unsigned four = 4, i, small = 0, large = 0, worse = 0, same = 0, repeats = 0;
  walloc_runner runner = { run_threads, &four, 4 };
  walloc_encoder *encoder = new_encoder (model, NULL);
  walloc_encoder *other = new_encoder (model, &runner);
  walloc_decoder *decoder = new_decoder (model, NULL);
  walloc_encode_params params;
  walloc_encoder_stats stats;
  walloc_image image, out;
  coded frame, again;
  double dB = 0, now, changed = 0, fine;
  const size_t fill = 3000;

  picture_new (&image, WALLOC_FORMAT_I420, WIDTH, HEIGHT);
  picture_new (&out, WALLOC_FORMAT_I420, WIDTH, HEIGHT);
  draw (&image, 0, CUT, 6);
  for (i = 0; i < 60; i++) {
    walloc_encode_params_init (&params);
    params.predict = i == 0 ? WALLOC_PREDICT_KEY : WALLOC_PREDICT_ALLOWED;
    params.use_step = 1;
    params.step_index = i == 0 ? 84 : 60;
    params.fill = fill;
    if (i == 4)
      draw (&image, 3, CUT, 6);
    encode (encoder, &image, &params, &frame);
    encode (other, &image, &params, &again);
    same += frame.size == again.size && memcmp (frame.data, again.data,
        frame.size) == 0;
    walloc_decoder_decode (decoder, frame.data, frame.size,
        WALLOC_DECODER_LINEAR, &out, NULL, NULL);
    now = picture_psnr (&image, &out);
    repeats += frame.info.type == WALLOC_FRAME_REPEAT;
    if (i == 4)
      changed = now - dB;
    else if (i > 0 && repeats == 0) {
      large += frame.size > fill * 3 / 2;
      small += frame.size < fill * 3 / 4;
      worse += now < dB;
    }
    dB = now;
    free (frame.data);
    free (again.data);
  }
  walloc_encoder_get_stats (encoder, &stats);
  TAP_OK (large == 0 && small <= 2 && worse == 0 && repeats > 5 &&
      repeats < 50 && stats.filled > 5 * fill, "%u frames filled, %u not, %u "
      "too large, %u worse than the one before", 60 - repeats, small, large,
      worse);
  TAP_OK (same == 60, "the same with threads: %u of 60", same);
  encode (encoder, &image, NULL, &frame);
  params.predict = WALLOC_PREDICT_NONE;
  params.fill = 0;
  free (frame.data);
  encode (encoder, &image, &params, &frame);
  walloc_decoder_decode (decoder, frame.data, frame.size,
      WALLOC_DECODER_LINEAR, &out, NULL, NULL);
  fine = picture_psnr (&image, &out);
  TAP_OK (dB > fine - 0.5 && changed > -0.5, "%.1f dB in the end (%.1f as a "
      "key frame), %.1f dB where something moved", dB, fine, changed);
  free (frame.data);
  picture_free (&image);
  picture_free (&out);
  walloc_encoder_free (encoder);
  walloc_encoder_free (other);
  walloc_decoder_free (decoder);
}

/* Static, and nothing but the noise of a sensor. */
static void
test_static (walloc_model * model)
{
  walloc_encoder *encoder = new_encoder (model, NULL);
  walloc_decoder *decoder = new_decoder (model, NULL);
  walloc_encode_params params;
  walloc_encoder_stats stats;
  walloc_image image, out;
  coded frame;
  size_t first = 0, rest = 0;
  unsigned i, seed = 5, x, y, repeats = 0;

  picture_new (&image, WALLOC_FORMAT_GRAY8, 640, 360);
  picture_new (&out, WALLOC_FORMAT_GRAY8, 640, 360);
  for (i = 0; i < 20; i++) {
    if (i < 15) {
      picture_draw (&image, 0, 17);
      for (y = 0; y < 360; y++)
        for (x = 0; x < 640; x++)
          image.plane[0][(ptrdiff_t) y * image.stride[0] + (ptrdiff_t) x] +=
              (uint8_t) (tap_random (&seed) % 5 + tap_random (&seed) % 5);
    }
    walloc_encode_params_init (&params);
    params.predict = i == 0 ? WALLOC_PREDICT_KEY : WALLOC_PREDICT_ALLOWED;
    encode (encoder, &image, &params, &frame);
    if (i == 0)
      first = frame.size;
    else if (i < 15)
      rest += frame.size;
    repeats += i >= 15 && frame.info.type == WALLOC_FRAME_REPEAT &&
        frame.size < 64;
    walloc_decoder_decode (decoder, frame.data, frame.size,
        WALLOC_DECODER_LINEAR, &out, NULL, NULL);
    free (frame.data);
  }
  walloc_encoder_get_stats (encoder, &stats);
  TAP_OK (rest < first * 14 / 20, "noise costs little: %zu bytes, then %zu in "
      "14 frames", first, rest);
  TAP_OK (repeats == 5, "the same picture is repeated in a header's bytes");
  TAP_OK (stats.predicted == 19 && stats.positions == 20 * 80 * 45 &&
      stats.coded < stats.positions / 10, "statistics tell: %llu of %llu "
      "positions coded", (unsigned long long) stats.coded,
      (unsigned long long) stats.positions);
  TAP_OK (picture_psnr (&image, &out) > 33, "the last is %.1f dB",
      picture_psnr (&image, &out));
  picture_free (&image);
  picture_free (&out);
  walloc_encoder_free (encoder);
  walloc_decoder_free (decoder);
}

/* Strong noise at a high quality, with something that moves: what stands still
 * is not coded again, and what is under the noise is as good as intra coded. */
static void
test_noise (walloc_model * model)
{
  walloc_encoder *encoder = new_encoder (model, NULL);
  walloc_encoder *intra = new_encoder (model, NULL);
  walloc_decoder *decoder = new_decoder (model, NULL);
  walloc_decoder *alone = new_decoder (model, NULL);
  walloc_encode_params params;
  walloc_image image, clean, out;
  coded frame;
  size_t size = 0, intra_size = 0;
  double dB = 0, intra_dB = 0;
  unsigned i;

  picture_new (&image, WALLOC_FORMAT_I420, WIDTH, HEIGHT);
  picture_new (&clean, WALLOC_FORMAT_I420, WIDTH, HEIGHT);
  picture_new (&out, WALLOC_FORMAT_I420, WIDTH, HEIGHT);
  for (i = 0; i < 12; i++) {
    draw (&image, i, 100, 9);
    draw (&clean, i, 100, 0);
    walloc_encode_params_init (&params);
    params.quality = 85;
    encode (intra, &image, &params, &frame);
    walloc_decoder_decode (alone, frame.data, frame.size,
        WALLOC_DECODER_LINEAR, &out, NULL, NULL);
    intra_dB += picture_psnr (&clean, &out) / 12;
    intra_size += frame.size;
    free (frame.data);
    params.predict = i == 0 ? WALLOC_PREDICT_KEY : WALLOC_PREDICT_ALLOWED;
    encode (encoder, &image, &params, &frame);
    walloc_decoder_decode (decoder, frame.data, frame.size,
        WALLOC_DECODER_LINEAR, &out, NULL, NULL);
    dB += picture_psnr (&clean, &out) / 12;
    size += frame.size;
    free (frame.data);
  }
  TAP_OK (size < intra_size / 3, "strong noise, %zu bytes (intra %zu)", size,
      intra_size);
  TAP_OK (dB > intra_dB - 0.2, "against the picture without noise %.2f dB "
      "(intra %.2f)", dB, intra_dB);
  picture_free (&image);
  picture_free (&clean);
  picture_free (&out);
  walloc_encoder_free (encoder);
  walloc_encoder_free (intra);
  walloc_decoder_free (decoder);
  walloc_decoder_free (alone);
}

int
main (void)
{
  walloc_model *model = load_model (MODEL ("ordered-test.wlm"));

  test_agreement (model, WALLOC_FORMAT_I420, 0, 2, "I420");
  test_agreement (model, WALLOC_FORMAT_RGB, 0, 0, "RGB");
  test_agreement (model, WALLOC_FORMAT_GRAY8, 1, 0, "steps");
  test_agreement (model, WALLOC_FORMAT_I420, 2, 0, "channels and layers");
  test_threads (model);
  test_order (model);
  test_damage (model);
  test_repair (model);
  test_again (model);
  test_fill (model);
  test_static (model);
  test_noise (model);
  walloc_model_unref (model);
  return tap_done ();
}
