/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Encoder and decoder: round trips, threads, rate and quality, memory, and
 * what callers may do wrong. Damage is in test_damage.c, frames that must
 * never change in test_stream.c. */
#include "codec_util.h"

static walloc_encoder *
new_encoder (walloc_model * model, const walloc_runner * runner)
{
  walloc_encoder *encoder;
  walloc_error error;

  if (walloc_encoder_new (model, NULL, runner, &encoder, &error) != WALLOC_OK)
    printf ("# %s\n", error.text);
  return encoder;
}

static walloc_decoder *
new_decoder (walloc_model * model, const walloc_runner * runner)
{
  walloc_decoder *decoder;
  walloc_error error;

  if (walloc_decoder_new (model, NULL, runner, NULL, &decoder,
          &error) != WALLOC_OK)
    printf ("# %s\n", error.text);
  return decoder;
}

static walloc_result
encode (walloc_encoder * encoder, const walloc_image * image,
    unsigned quality, const uint8_t ** data, size_t *size)
{
  walloc_encode_params params;
  walloc_error error = { "" };
  walloc_result result;

  walloc_encode_params_init (&params);
  params.quality = quality;
  result = walloc_encoder_encode (encoder, image, &params, data, size, NULL,
      &error);
  if (result != WALLOC_OK)
    printf ("# %s\n", error.text);
  return result;
}

static const unsigned sizes[][2] = {
  {1, 1}, {1, 20}, {33, 1}, {2, 2}, {7, 5}, {8, 8}, {9, 17}, {16, 3},
  {65, 33}, {128, 72}, {250, 131}
};

/* Every format at odd sizes: close to the original at high quality. */
static void
test_round_trips (walloc_model * model, double least)
{
  walloc_encoder *encoder = new_encoder (model, NULL);
  walloc_decoder *decoder = new_decoder (model, NULL);
  walloc_model_info info;
  walloc_image in, out;
  const uint8_t *data;
  size_t size;
  unsigned f, s, damaged, bad;
  double psnr, worst;

  walloc_model_get_info (model, &info);
  for (f = 0; f < WALLOC_FORMAT_COUNT; f++) {
    if ((info.formats >> f & 1) == 0)
      continue;
    bad = 0;
    worst = 1000;
    for (s = 0; s < sizeof sizes / sizeof *sizes; s++) {
      picture_new (&in, (walloc_format) f, sizes[s][0], sizes[s][1]);
      picture_new (&out, (walloc_format) f, sizes[s][0], sizes[s][1]);
      picture_draw (&in, 0, 17);
      bad += encode (encoder, &in, 95, &data, &size) != WALLOC_OK;
      bad += walloc_decoder_decode (decoder, data, size,
          WALLOC_DECODER_LINEAR, &out, &damaged, NULL) != WALLOC_OK;
      bad += damaged != 0;
      psnr = picture_psnr (&in, &out);
      worst = psnr < worst ? psnr : worst;
      picture_free (&in);
      picture_free (&out);
    }
    TAP_OK (bad == 0 && worst >= least, "%s %s: %u sizes, %.1f dB or more",
        info.name, walloc_format_name ((walloc_format) f),
        (unsigned) (sizeof sizes / sizeof *sizes), worst);
  }
  walloc_encoder_free (encoder);
  walloc_decoder_free (decoder);
}

/* A picture upside down through a negative stride is the picture. */
static void
test_strides (walloc_model * model)
{
  walloc_encoder *encoder = new_encoder (model, NULL);
  walloc_decoder *decoder = new_decoder (model, NULL);
  walloc_image in, flipped, out;
  const uint8_t *data;
  size_t size, first;
  uint8_t *copy;
  unsigned y;

  picture_new (&in, WALLOC_FORMAT_RGB, 37, 29);
  picture_new (&flipped, WALLOC_FORMAT_RGB, 37, 29);
  picture_new (&out, WALLOC_FORMAT_RGB, 37, 29);
  picture_draw (&in, 1, 3);
  for (y = 0; y < 29; y++)
    memcpy (flipped.plane[0] + (28 - y) * flipped.stride[0],
        in.plane[0] + y * in.stride[0], 37 * 3);
  flipped.plane[0] += 28 * flipped.stride[0];
  flipped.stride[0] = -flipped.stride[0];
  encode (encoder, &in, 80, &data, &first);
  copy = malloc (first);
  memcpy (copy, data, first);
  encode (encoder, &flipped, 80, &data, &size);
  TAP_OK (size == first && memcmp (copy, data, size) == 0,
      "a bottom-up picture gives the same bytes");
  walloc_decoder_decode (decoder, data, size, WALLOC_DECODER_LINEAR, &out,
      NULL, NULL);
  memset (in.plane[0], 0, 29 * (size_t) in.stride[0]);
  walloc_decoder_decode (decoder, data, size, WALLOC_DECODER_LINEAR,
      &flipped, NULL, NULL);
  for (y = 0; y < 29; y++)
    memcpy (in.plane[0] + y * in.stride[0], flipped.plane[0] +
        (ptrdiff_t) y * flipped.stride[0], 37 * 3);
  TAP_OK (picture_hash (&in) == picture_hash (&out),
      "and is decoded bottom-up");
  flipped.plane[0] += 28 * flipped.stride[0];
  picture_free (&in);
  picture_free (&flipped);
  picture_free (&out);
  free (copy);
  walloc_encoder_free (encoder);
  walloc_decoder_free (decoder);
}

/* Same bytes and samples whatever the runner does. */
static void
test_threads (walloc_model * model, walloc_format format)
{
  unsigned counts[] = { 2, 5, 16 }, i, s, bad;
  walloc_runner runner = { run_threads, NULL, 1 };
  walloc_runner backwards = { run_backwards, NULL, 3 };
  walloc_encoder *encoder = new_encoder (model, NULL), *other;
  walloc_decoder *decoder = new_decoder (model, NULL), *second;
  walloc_image in, out;
  const uint8_t *data, *same;
  size_t size, again;
  uint64_t hash;

  for (s = 0; s < 2; s++) {
    /* 1 slice and 4 slices */
    picture_new (&in, format, s ? 3080 : 90, s ? 400 : 75);
    picture_new (&out, format, in.width, in.height);
    picture_draw (&in, 1, 5 + s);
    encode (encoder, &in, 60, &data, &size);
    walloc_decoder_decode (decoder, data, size, WALLOC_DECODER_LINEAR, &out,
        NULL, NULL);
    hash = picture_hash (&out);
    for (i = 0; i < 4; i++) {
      runner.user = &counts[i < 3 ? i : 0];
      runner.threads = i < 3 ? counts[i] : 1;
      other = new_encoder (model, i == 3 ? &backwards : &runner);
      second = new_decoder (model, i == 3 ? &backwards : &runner);
      bad = encode (other, &in, 60, &same, &again) != WALLOC_OK;
      bad += size != again || memcmp (data, same, size) != 0;
      bad += walloc_decoder_decode (second, same, again,
          WALLOC_DECODER_LINEAR, &out, NULL, NULL) != WALLOC_OK;
      bad += picture_hash (&out) != hash;
      TAP_OK (bad == 0, "%s %ux%u, %u threads%s: same bytes and samples",
          walloc_format_name (format), in.width, in.height,
          i < 3 ? counts[i] : 1, i == 3 ? ", backwards" : "");
      walloc_encoder_free (other);
      walloc_decoder_free (second);
    }
    picture_free (&in);
    picture_free (&out);
  }
  walloc_encoder_free (encoder);
  walloc_decoder_free (decoder);
}

static void
test_quality (walloc_model * model)
{
  static const unsigned qualities[] = { 1, 10, 25, 40, 55, 70, 85, 100 };
  walloc_encoder *encoder = new_encoder (model, NULL);
  walloc_decoder *decoder = new_decoder (model, NULL);
  walloc_image in, out;
  const uint8_t *data;
  size_t size, last = 0;
  double psnr, before = 0;
  unsigned i, more = 0, better = 0;

  picture_new (&in, WALLOC_FORMAT_I420, 240, 160);
  picture_new (&out, WALLOC_FORMAT_I420, 240, 160);
  picture_draw (&in, 1, 8);
  for (i = 0; i < 8; i++) {
    encode (encoder, &in, qualities[i], &data, &size);
    walloc_decoder_decode (decoder, data, size, WALLOC_DECODER_LINEAR, &out,
        NULL, NULL);
    psnr = picture_psnr (&in, &out);
    printf ("# quality %u: %zu bytes, %.2f dB\n", qualities[i], size, psnr);
    more += size > last;
    better += psnr > before;
    last = size;
    before = psnr;
  }
  TAP_OK (more == 8 && better == 8, "more quality: more bytes, more dB");
  encode (encoder, &in, 0, &data, &size);
  last = size;
  encode (encoder, &in, 50, &data, &size);
  TAP_OK (last == size, "quality 0 is 50");
  picture_free (&in);
  picture_free (&out);
  walloc_encoder_free (encoder);
  walloc_decoder_free (decoder);
}

/* Whether no component was clipped, so that luma can be computed back. */
static int
in_gamut (const uint8_t * bgr)
{
  unsigned i;

  for (i = 0; i < 3; i++)
    if (bgr[i] == 0 || bgr[i] == 255)
      return 0;
  return 1;
}

/* Decoding to other formats of the same class, and to grey. */
static void
test_output_formats (walloc_model * model)
{
  static const struct
  {
    walloc_format from, to;
    walloc_result result;
  } cases[] = {
    {WALLOC_FORMAT_I420, WALLOC_FORMAT_NV12, WALLOC_OK},
    {WALLOC_FORMAT_NV12, WALLOC_FORMAT_I420, WALLOC_OK},
    {WALLOC_FORMAT_Y444, WALLOC_FORMAT_BGRX, WALLOC_OK},
    {WALLOC_FORMAT_RGB, WALLOC_FORMAT_Y444, WALLOC_OK},
    {WALLOC_FORMAT_XBGR, WALLOC_FORMAT_BGR, WALLOC_OK},
    {WALLOC_FORMAT_I420, WALLOC_FORMAT_GRAY8, WALLOC_OK},
    {WALLOC_FORMAT_Y42B, WALLOC_FORMAT_GRAY8, WALLOC_OK},
    {WALLOC_FORMAT_RGB, WALLOC_FORMAT_GRAY8, WALLOC_OK},
    {WALLOC_FORMAT_GRAY8, WALLOC_FORMAT_GRAY8, WALLOC_OK},
    {WALLOC_FORMAT_GRAY8, WALLOC_FORMAT_I420, WALLOC_ERR_UNSUPPORTED},
    {WALLOC_FORMAT_I420, WALLOC_FORMAT_Y42B, WALLOC_ERR_UNSUPPORTED},
    {WALLOC_FORMAT_Y42B, WALLOC_FORMAT_RGB, WALLOC_ERR_UNSUPPORTED},
    {WALLOC_FORMAT_RGB, WALLOC_FORMAT_NV12, WALLOC_ERR_UNSUPPORTED}
  };
  walloc_encoder *encoder = new_encoder (model, NULL);
  walloc_decoder *decoder = new_decoder (model, NULL);
  walloc_image in, out, own;
  walloc_model_info info;
  walloc_result result, want;
  const uint8_t *data;
  size_t size;
  unsigned i, x, y;
  int e, worst;

  walloc_model_get_info (model, &info);
  for (i = 0; i < sizeof cases / sizeof *cases; i++) {
    if ((info.formats >> cases[i].from & 1) == 0)
      continue;
    picture_new (&in, cases[i].from, 71, 43);
    picture_new (&own, cases[i].from, 71, 43);
    picture_new (&out, cases[i].to, 71, 43);
    picture_draw (&in, 0, 1);
    encode (encoder, &in, 90, &data, &size);
    walloc_decoder_decode (decoder, data, size, WALLOC_DECODER_LINEAR, &own,
        NULL, NULL);
    want = cases[i].result;
    result = walloc_decoder_decode (decoder, data, size,
        WALLOC_DECODER_LINEAR, &out, NULL, NULL);
    worst = 0;
    for (y = 0; y < 43 && result == WALLOC_OK; y++)
      for (x = 0; x < 71; x++) {
        const uint8_t *a = own.plane[0] + y * own.stride[0];
        const uint8_t *b = out.plane[0] + y * out.stride[0];

        /* luma as it is, or green, red and blue in their places */
        if (own.format < WALLOC_FORMAT_RGB && out.format < WALLOC_FORMAT_RGB)
          e = a[x] - b[x];
        else if (own.format == WALLOC_FORMAT_XBGR)
          e = a[4 * x + 1] - b[3 * x];
        else if (own.format == WALLOC_FORMAT_RGB)
          e = (int) lrint (0.299 * a[3 * x] + 0.587 * a[3 * x + 1] +
              0.114 * a[3 * x + 2]) - b[x];
        else
          e = in_gamut (b + 4 * x) ? (int) lrint (0.299 * b[4 * x + 2] +
              0.587 * b[4 * x + 1] + 0.114 * b[4 * x]) - a[x] : 0;
        worst = abs (e) > worst ? abs (e) : worst;
      }
    TAP_OK (result == want && worst <= (own.format >= WALLOC_FORMAT_RGB ||
            out.format >= WALLOC_FORMAT_RGB ? 2 : 0), "%s %s to %s",
        info.name, walloc_format_name (cases[i].from),
        walloc_format_name (cases[i].to));
    picture_free (&in);
    picture_free (&own);
    picture_free (&out);
  }
  walloc_encoder_free (encoder);
  walloc_decoder_free (decoder);
}

/* Counts what is allocated; refuses when fail_at is reached. */
typedef struct
{
  unsigned calls, blocks, fail_at;
} counter;

static void *
count_alloc (void *user, size_t size)
{
  counter *c = user;

  if (++c->calls == c->fail_at)
    return NULL;
  c->blocks++;
  return malloc (size);
}

static void
count_free (void *user, void *memory)
{
  counter *c = user;

  c->blocks--;
  free (memory);
}

static void
test_memory (walloc_model * model)
{
  counter c = { 0, 0, 0 };
  walloc_allocator allocator = { count_alloc, count_free, &c, 0 };
  walloc_encoder *encoder = NULL;
  walloc_decoder *decoder = NULL;
  walloc_decoder_limits limits = { 100 * 99 };
  walloc_latents latents;
  walloc_image in, out;
  walloc_result result;
  walloc_error error;
  const uint8_t *data = NULL;
  uint8_t *copy;
  size_t size = 0, first;
  unsigned i, bad = 0, before, n;

  picture_new (&in, WALLOC_FORMAT_Y42B, 100, 100);
  picture_new (&out, WALLOC_FORMAT_Y42B, 100, 100);
  picture_draw (&in, 2, 1);
  walloc_encoder_new (model, &allocator, NULL, &encoder, NULL);
  walloc_decoder_new (model, &allocator, NULL, NULL, &decoder, NULL);
  encode (encoder, &in, 100, &data, &size);
  walloc_decoder_decode (decoder, data, size, WALLOC_DECODER_LINEAR, &out,
      NULL, NULL);
  before = c.calls;
  for (i = 0; i < 3; i++) {
    encode (encoder, &in, 100 - i, &data, &size);
    walloc_decoder_decode (decoder, data, size, WALLOC_DECODER_LINEAR, &out,
        NULL, NULL);
  }
  TAP_OK (c.calls == before, "no allocation in steady state (%u before)",
      before);
  copy = malloc (size);
  memcpy (copy, data, size);
  first = size;
  walloc_encoder_free (encoder);
  walloc_decoder_free (decoder);
  TAP_OK (c.blocks == 0, "all memory returned");

  /* every allocation in turn fails: an error, no leak, and it works after */
  n = 0;
  do {
    c.calls = 0;
    c.fail_at = ++n;
    data = NULL;
    result = walloc_encoder_new (model, &allocator, NULL, &encoder, &error);
    if (result == WALLOC_OK) {
      result = walloc_encoder_encode (encoder, &in, NULL, &data, &size, NULL,
          &error);
      if (result != WALLOC_OK)
        bad += encode (encoder, &in, 98, &data, &size) != WALLOC_OK ||
            size != first || memcmp (data, copy, size) != 0;
      walloc_encoder_free (encoder);
    } else {
      bad += encoder != NULL;
    }
    bad += c.blocks != 0 || (result != WALLOC_OK &&
        result != WALLOC_ERR_MEMORY);
  } while (result != WALLOC_OK && n < 100);
  TAP_OK (bad == 0 && result == WALLOC_OK && n > 5,
      "encoder: each of %u allocations may fail", n - 1);
  n = 0;
  do {
    c.calls = 0;
    c.fail_at = ++n;
    result = walloc_decoder_new (model, &allocator, NULL, NULL, &decoder,
        &error);
    if (result == WALLOC_OK) {
      result = walloc_decoder_decode (decoder, copy, first,
          WALLOC_DECODER_LINEAR, &out, NULL, &error);
      if (result != WALLOC_OK)
        bad += walloc_decoder_decode (decoder, copy, first,
            WALLOC_DECODER_LINEAR, &out, NULL, &error) != WALLOC_OK;
      walloc_decoder_free (decoder);
    }
    bad += c.blocks != 0 || (result != WALLOC_OK &&
        result != WALLOC_ERR_MEMORY);
  } while (result != WALLOC_OK && n < 100);
  TAP_OK (bad == 0 && result == WALLOC_OK && n > 5,
      "decoder: each of %u allocations may fail", n - 1);

  c.fail_at = 0;
  allocator.limit = 300000;
  walloc_encoder_new (model, &allocator, NULL, &encoder, NULL);
  TAP_OK (walloc_encoder_encode (encoder, &in, NULL, &data, &size, NULL,
          &error) == WALLOC_ERR_MEMORY && data == NULL && size == 0,
      "encoder keeps to a limit of 300 kB: %s", error.text);
  walloc_encoder_free (encoder);
  walloc_decoder_new (model, &allocator, NULL, NULL, &decoder, NULL);
  TAP_OK (walloc_decoder_decode (decoder, copy, first, WALLOC_DECODER_LINEAR,
          &out, NULL, &error) == WALLOC_ERR_MEMORY, "so does the decoder: %s",
      error.text);
  walloc_decoder_free (decoder);
  walloc_decoder_new (model, NULL, NULL, &limits, &decoder, NULL);
  TAP_OK (walloc_decoder_decode (decoder, copy, first, WALLOC_DECODER_LINEAR,
          &out, NULL, &error) == WALLOC_ERR_LIMIT &&
      walloc_decoder_latents (decoder, copy, first, &latents, NULL,
          &error) == WALLOC_ERR_LIMIT && latents.data == NULL,
      "pixels are limited: %s", error.text);
  walloc_decoder_free (decoder);
  free (copy);
  picture_free (&in);
  picture_free (&out);
}

static void
test_arguments (walloc_model * model, walloc_model * other)
{
  walloc_encoder *encoder = new_encoder (model, NULL);
  walloc_decoder *decoder = new_decoder (model, NULL);
  walloc_encode_params params;
  walloc_image in, out, bad;
  walloc_decoder *wrong = new_decoder (other, NULL);
  walloc_decoder_stats stats;
  walloc_error error;
  const uint8_t *data;
  uint8_t *copy;
  size_t size, n;

  picture_new (&in, WALLOC_FORMAT_RGB, 20, 10);
  picture_new (&out, WALLOC_FORMAT_RGB, 20, 10);
  walloc_encode_params_init (&params);
#define BAD(...) \
  (walloc_encoder_encode (encoder, __VA_ARGS__, &data, &size, NULL, &error))
  TAP_OK (BAD (NULL, &params) == WALLOC_ERR_ARGUMENT, "no image");
  bad = in;
  bad.width = 0;
  TAP_OK (BAD (&bad, &params) == WALLOC_ERR_ARGUMENT, "no width");
  bad = in;
  bad.height = WALLOC_MAX_SIZE + 1;
  TAP_OK (BAD (&bad, &params) == WALLOC_ERR_ARGUMENT, "too high");
  bad = in;
  bad.format = WALLOC_FORMAT_COUNT;
  TAP_OK (BAD (&bad, &params) == WALLOC_ERR_ARGUMENT, "unknown format");
  bad = in;
  bad.stride[0] = 59;
  TAP_OK (BAD (&bad, &params) == WALLOC_ERR_ARGUMENT, "stride too small");
  bad = in;
  bad.plane[0] = NULL;
  TAP_OK (BAD (&bad, &params) == WALLOC_ERR_ARGUMENT, "no plane");
  params.quality = 101;
  TAP_OK (BAD (&in, &params) == WALLOC_ERR_ARGUMENT, "quality 101");
  params.quality = 0;
  params.use_step = 1;
  params.step_index = 177;
  TAP_OK (BAD (&in, &params) == WALLOC_ERR_ARGUMENT, "step index 177");
  walloc_encode_params_init (&params);
  params.channels = 100000;
  TAP_OK (BAD (&in, &params) == WALLOC_OK, "more channels than there are");
  TAP_OK (walloc_encoder_encode (encoder, &in, NULL, NULL, &size, NULL,
          NULL) == WALLOC_ERR_ARGUMENT, "no place for the frame");
  walloc_encoder_free (encoder);
  TAP_OK (walloc_encoder_new (NULL, NULL, NULL, &encoder, NULL) ==
      WALLOC_ERR_ARGUMENT && encoder == NULL, "no model");
  encoder = new_encoder (model, NULL);
  BAD (&in, NULL);
  copy = malloc (size);
  memcpy (copy, data, size);
  n = size;

  bad = out;
  bad.width = 19;
  TAP_OK (walloc_decoder_decode (decoder, copy, n, WALLOC_DECODER_LINEAR,
          &bad, NULL, &error) == WALLOC_ERR_ARGUMENT, "wrong size: %s",
      error.text);
  TAP_OK (walloc_decoder_decode (decoder, copy, n, WALLOC_DECODER_LINEAR,
          NULL, NULL, &error) == WALLOC_ERR_ARGUMENT, "nowhere to decode to");
  TAP_OK (walloc_decoder_decode (decoder, copy, n, WALLOC_DECODER_BEST, &out,
          NULL, &error) == WALLOC_ERR_NOT_FOUND, "no such decoder: %s",
      error.text);
  TAP_OK (walloc_decoder_decode (decoder, copy, n, (walloc_decoder_kind) 9,
          &out, NULL, &error) == WALLOC_ERR_ARGUMENT, "unknown decoder");
  TAP_OK (walloc_decoder_decode (decoder, copy, n, WALLOC_DECODER_AUTO, &out,
          NULL, &error) == WALLOC_OK, "auto is linear here");
  TAP_OK (walloc_decoder_decode (wrong, copy, n, WALLOC_DECODER_LINEAR, &out,
          NULL, &error) == WALLOC_ERR_MODEL_MISMATCH, "other model: %s",
      error.text);
  TAP_OK (walloc_decoder_decode (decoder, copy, 0, WALLOC_DECODER_LINEAR,
          &out, NULL, &error) == WALLOC_ERR_TRUNCATED, "no bytes");
  TAP_OK (walloc_decoder_decode (decoder, NULL, 0, WALLOC_DECODER_LINEAR,
          &out, NULL, &error) == WALLOC_ERR_ARGUMENT, "no frame");
  TAP_OK (walloc_decoder_latents (decoder, copy, n, NULL, NULL, &error) ==
      WALLOC_ERR_ARGUMENT, "no place for latents");
  walloc_decoder_get_stats (decoder, &stats);
  TAP_OK (stats.frames == 1 && stats.bytes == n && stats.pixels == 200,
      "only what was decoded counts");
  free (copy);
  picture_free (&in);
  picture_free (&out);
  walloc_encoder_free (encoder);
  walloc_encoder_free (NULL);
  walloc_decoder_free (decoder);
  walloc_decoder_free (wrong);
  walloc_decoder_free (NULL);
}

/* What is said about a picture comes back. */
static void
test_header (walloc_model * model)
{
  walloc_encoder *encoder = new_encoder (model, NULL);
  walloc_encode_params params;
  walloc_frame_info info, parsed;
  walloc_image in;
  const uint8_t *data;
  size_t size;

  picture_new (&in, WALLOC_FORMAT_NV12, 9, 9);
  walloc_encode_params_init (&params);
  params.pts = 5;
  params.fps_n = 30000;
  params.fps_d = 1001;
  params.par_n = 4;
  params.par_d = 3;
  params.has_colour = 1;
  params.colour.matrix = 6;
  params.use_step = 1;
  params.step_index = 33;
  params.channels = 3;
  walloc_encoder_encode (encoder, &in, &params, &data, &size, &info, NULL);
  walloc_frame_parse (data, size, &parsed, NULL);
  TAP_OK (parsed.pts == 5 && parsed.duration == WALLOC_TIME_NONE &&
      parsed.fps_n == 30000 && parsed.fps_d == 1001 && parsed.par_n == 4 &&
      parsed.par_d == 3 && parsed.has_colour && parsed.colour.matrix == 6 &&
      parsed.step_index == 33 && parsed.channels == 3 && parsed.width == 9 &&
      parsed.format == WALLOC_FORMAT_NV12 && parsed.slices == 1,
      "header says what the encoder was told");
  TAP_OK (size == (size_t) parsed.header_size + parsed.payload_size &&
      info.payload_size == parsed.payload_size &&
      info.model_id == parsed.model_id, "sizes add up");
  picture_free (&in);
  walloc_encoder_free (encoder);
}

int
main (void)
{
  walloc_model *ordered = load_model (MODEL ("ordered-test.wlm"));
  walloc_model *reference = load_model (MODEL ("reference-test.wlm"));

  test_round_trips (ordered, 42);
  test_round_trips (reference, 20);
  test_strides (ordered);
  test_strides (reference);
  test_threads (ordered, WALLOC_FORMAT_I420);
  test_threads (ordered, WALLOC_FORMAT_Y42B);
  test_threads (ordered, WALLOC_FORMAT_RGB);
  test_threads (reference, WALLOC_FORMAT_RGB);
  test_quality (ordered);
  test_output_formats (ordered);
  test_output_formats (reference);
  test_memory (ordered);
  test_arguments (ordered, reference);
  test_header (ordered);
  walloc_model_unref (ordered);
  walloc_model_unref (reference);
  return tap_done ();
}
