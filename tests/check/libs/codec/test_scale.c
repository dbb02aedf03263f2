/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pictures that are coded at half or a quarter of their size. */
#include "codec_util.h"

#include "model_file.h"

typedef struct
{
  walloc_encoder *encoder;
  walloc_decoder *decoder;
} codec;

static codec
codec_new (walloc_model * model, const walloc_runner * runner)
{
  codec c = { NULL, NULL };

  walloc_encoder_new (model, NULL, runner, &c.encoder, NULL);
  walloc_decoder_new (model, NULL, runner, NULL, &c.decoder, NULL);
  return c;
}

static void
codec_free (codec * c)
{
  walloc_encoder_free (c->encoder);
  walloc_decoder_free (c->decoder);
}

static walloc_result
encode (const codec * c, const walloc_image * in, unsigned quality,
    unsigned shrink, const uint8_t ** data, size_t *size,
    walloc_frame_info * info)
{
  walloc_encode_params params;
  walloc_error error = { "" };
  walloc_result result;

  walloc_encode_params_init (&params);
  params.quality = quality;
  params.shrink = shrink;
  result = walloc_encoder_encode (c->encoder, in, &params, data, size, info,
      &error);
  if (result != WALLOC_OK)
    printf ("# %s\n", error.text);
  return result;
}

static double
there_and_back (const codec * c, const walloc_image * in, unsigned quality,
    unsigned shrink, size_t *size, walloc_frame_info * info)
{
  const uint8_t *data;
  walloc_image out;
  double psnr = -2;

  picture_new (&out, in->format, in->width, in->height);
  if (encode (c, in, quality, shrink, &data, size, info) == WALLOC_OK &&
      walloc_decoder_decode (c->decoder, data, *size, WALLOC_DECODER_LINEAR,
          &out, NULL, NULL) == WALLOC_OK)
    psnr = picture_psnr (in, &out);
  picture_free (&out);
  return psnr;
}

/* A slope along both axes: what a smaller picture says all of, borders
 * aside. */
static void
draw_slope (walloc_image * image)
{
  unsigned p, y;
  size_t x, bytes;

  for (p = 0; p < walloc_format_planes (image->format); p++) {
    bytes = walloc_format_row_bytes (image->format, p, image->width);
    for (y = 0; y < walloc_format_rows (image->format, p, image->height); y++)
      for (x = 0; x < bytes; x++)
        image->plane[p][y * (size_t) image->stride[p] + x] =
            is_filler (image->format, x) ? 255 : (uint8_t) (128 + x / 12 +
            y / 3);
  }
}

static void
test_sizes (walloc_model * model)
{
  codec c = codec_new (model, NULL);
  unsigned format, w, h, shrink, bad;
  walloc_frame_info info;
  walloc_image in;
  double psnr, least;
  size_t size;

  for (format = 0; format < WALLOC_FORMAT_COUNT; format++) {
    least = 99;
    bad = 0;
    for (h = 1; h <= 20; h++)
      for (w = 1; w <= 20; w++)
        for (shrink = 2; shrink <= 4; shrink += 2) {
          picture_new (&in, (walloc_format) format, w, h);
          draw_slope (&in);
          psnr = there_and_back (&c, &in, 100, shrink, &size, &info);
          least = psnr < least ? psnr : least;
          bad += info.width != w || info.height != h ||
              info.scale != shrink / 2;
          picture_free (&in);
        }
    TAP_OK (least > 36 && bad == 0, "%s: all sizes to 20x20, %.1f dB at least",
        walloc_format_name ((walloc_format) format), least);
  }
  codec_free (&c);
}

/* Several strips and slices, threads and odd sizes: the same bytes and
 * samples; and more detail is lost the smaller the picture. */
static void
test_threads (walloc_model * model, walloc_format format)
{
  unsigned count = 5, shrink, bad;
  walloc_runner runner = { run_threads, &count, 5 };
  walloc_runner backwards = { run_backwards, NULL, 3 };
  codec one = codec_new (model, NULL), many = codec_new (model, &runner);
  codec back = codec_new (model, &backwards);
  const uint8_t *data, *same;
  walloc_frame_info info;
  walloc_image in, out[3];
  size_t size, again;
  unsigned i;

  picture_new (&in, format, 1571, 601);
  picture_draw (&in, 1, 4);
  for (i = 0; i < 3; i++)
    picture_new (&out[i], format, in.width, in.height);
  for (shrink = 2; shrink <= 4; shrink += 2) {
    bad = encode (&one, &in, 80, shrink, &data, &size, &info) != WALLOC_OK;
    bad += encode (&many, &in, 80, shrink, &same, &again, NULL) != WALLOC_OK;
    bad += size != again || memcmp (data, same, size) != 0;
    bad += encode (&back, &in, 80, shrink, &same, &again, NULL) != WALLOC_OK;
    bad += size != again || memcmp (data, same, size) != 0;
    TAP_OK (bad == 0, "%s at 1/%u: the same %zu bytes",
        walloc_format_name (format), shrink, size);
    walloc_decoder_decode (one.decoder, data, size, WALLOC_DECODER_LINEAR,
        &out[0], NULL, NULL);
    walloc_decoder_decode (many.decoder, data, size, WALLOC_DECODER_LINEAR,
        &out[1], NULL, NULL);
    walloc_decoder_decode (back.decoder, data, size, WALLOC_DECODER_LINEAR,
        &out[2], NULL, NULL);
    TAP_OK (picture_hash (&out[0]) == picture_hash (&out[1]) &&
        picture_hash (&out[0]) == picture_hash (&out[2]) &&
        picture_psnr (&in, &out[0]) > 28, "%s at 1/%u: the same samples, "
        "%.1f dB", walloc_format_name (format), shrink,
        picture_psnr (&in, &out[0]));
  }
  picture_free (&in);
  for (i = 0; i < 3; i++)
    picture_free (&out[i]);
  codec_free (&one);
  codec_free (&many);
  codec_free (&back);
}

/* What the model says of steps, and how it is overruled. */
static void
test_choice (walloc_model * model)
{
  codec c = codec_new (model, NULL);
  walloc_encode_params params;
  walloc_frame_info info;
  walloc_error error;
  const uint8_t *data;
  walloc_image in;
  unsigned i, channels, step;
  size_t size;
  static const struct
  {
    unsigned step, shrink, scale, coded;
  } rows[] = {
    {149, 0, 0, 149}, {150, 0, 1, 130}, {169, 0, 1, 149}, {170, 0, 2, 145},
    {176, 0, 2, 151}, {170, 1, 0, 170}, {30, 2, 1, 30}, {30, 4, 2, 30}
  };

  picture_new (&in, WALLOC_FORMAT_NV12, 70, 50);
  picture_draw (&in, 1, 4);
  for (i = 0; i < sizeof rows / sizeof *rows; i++) {
    walloc_encode_params_init (&params);
    params.use_step = 1;
    params.step_index = rows[i].step;
    params.shrink = rows[i].shrink;
    walloc_encoder_encode (c.encoder, &in, &params, &data, &size, &info,
        &error);
    TAP_OK (info.scale == rows[i].scale && info.step_index == rows[i].coded,
        "step index %u, shrink %u: scale %u at index %u", rows[i].step,
        rows[i].shrink, info.scale, info.step_index);
  }
  /* quality 10 is step index 160: as many channels as index 140 has */
  encode (&c, &in, 10, 0, &data, &size, &info);
  walloc_model_quality (model, 10, &step, &channels);
  TAP_OK (step == 160 && info.scale == 1 && info.step_index == 140 &&
      info.channels == channels, "quality 10: scale %u, %u channels",
      info.scale, info.channels);
  walloc_model_quality (model, 21, &step, &i);
  TAP_OK (i == channels, "those of the quality with that step");
  encode (&c, &in, 10, 1, &data, &size, &info);
  TAP_OK (info.scale == 0 && info.step_index == 160 &&
      info.channels < channels, "quality 10 at the whole size");
  params.shrink = 3;
  TAP_OK (walloc_encoder_encode (c.encoder, &in, &params, &data, &size, NULL,
          &error) == WALLOC_ERR_ARGUMENT, "a third: %s", error.text);
  params.shrink = 8;
  TAP_OK (walloc_encoder_encode (c.encoder, &in, &params, &data, &size, NULL,
          &error) == WALLOC_ERR_ARGUMENT, "an eighth: %s", error.text);
  picture_free (&in);
  codec_free (&c);
}

/* A model without the table codes whole pictures unless told. */
static void
test_without (void)
{
  model_file *f = model_file_open (MODEL ("ordered-test.wlm"));
  walloc_model *model;
  walloc_frame_info info;
  const uint8_t *data;
  uint8_t *bytes;
  walloc_image in;
  size_t size;
  codec c;

  model_file_rename (f, "codec.scale", "other.scale");
  bytes = model_file_bytes (f, &size);
  if (walloc_model_load_memory (bytes, size, NULL, &model, NULL) != WALLOC_OK)
    abort ();
  free (bytes);
  c = codec_new (model, NULL);
  picture_new (&in, WALLOC_FORMAT_GRAY8, 70, 50);
  picture_draw (&in, 1, 4);
  encode (&c, &in, 1, 0, &data, &size, &info);
  TAP_OK (info.scale == 0 && info.step_index == 176, "no table, no scale");
  encode (&c, &in, 50, 4, &data, &size, &info);
  TAP_OK (info.scale == 2, "no table, but told");
  picture_free (&in);
  codec_free (&c);
  walloc_model_unref (model);
  model_file_free (f);
}

static unsigned
scale_of (const codec * c, const walloc_image * in, unsigned step,
    walloc_prediction predict)
{
  walloc_encode_params params;
  walloc_frame_info info;
  const uint8_t *data;
  size_t size;

  walloc_encode_params_init (&params);
  params.use_step = 1;
  params.step_index = step;
  params.predict = predict;
  if (walloc_encoder_encode (c->encoder, in, &params, &data, &size, &info,
          NULL) != WALLOC_OK)
    return 99;
  if (info.step_index + 20 * (info.scale == 1) + 25 * (info.scale == 2) != step)
    return 98;
  return info.scale;
}

/* Between the two limits of a scale the picture's detail decides; a stream of
 * predicted frames stays at its size. */
static void
test_detail (walloc_format format, unsigned height)
{
  static const uint16_t table[2][5] = {
    {90, 150, 20, 74, 112}, {120, 170, 25, 106, 112}
  };
  walloc_model *model = model_with_scales (MODEL ("ordered-test.wlm"), table);
  walloc_image soft, noise;
  codec c = codec_new (model, NULL);

  picture_new (&soft, format, 131, height);
  picture_new (&noise, format, 131, height);
  picture_draw (&soft, 0, 4);
  picture_draw (&noise, 2, 4);
  TAP_OK (scale_of (&c, &soft, 89, WALLOC_PREDICT_NONE) == 0 &&
      scale_of (&c, &soft, 119, WALLOC_PREDICT_NONE) == 1 &&
      scale_of (&c, &soft, 149, WALLOC_PREDICT_NONE) == 2,
      "%s, %u rows: a soft picture is coded smaller",
      walloc_format_name (format), height);
  TAP_OK (scale_of (&c, &noise, 119, WALLOC_PREDICT_NONE) == 0 &&
      scale_of (&c, &noise, 149, WALLOC_PREDICT_NONE) == 0 &&
      scale_of (&c, &noise, 150, WALLOC_PREDICT_NONE) == 1 &&
      scale_of (&c, &noise, 170, WALLOC_PREDICT_NONE) == 2,
      "noise is not, up to the upper limits");
  TAP_OK (scale_of (&c, &soft, 119, WALLOC_PREDICT_KEY) == 1 &&
      scale_of (&c, &noise, 119, WALLOC_PREDICT_ALLOWED) == 1 &&
      scale_of (&c, &noise, 83, WALLOC_PREDICT_ALLOWED) == 1,
      "a stream stays at its size");
  TAP_OK (scale_of (&c, &noise, 81, WALLOC_PREDICT_ALLOWED) == 0 &&
      scale_of (&c, &soft, 157, WALLOC_PREDICT_ALLOWED) == 0 &&
      scale_of (&c, &soft, 158, WALLOC_PREDICT_ALLOWED) == 2,
      "but not forever");
  picture_free (&soft);
  picture_free (&noise);
  codec_free (&c);
  walloc_model_unref (model);
}

/* The bytes of a frame whose scale was chosen do not depend on who measured
 * the detail, nor on the frame before. The table leaves the choice open for
 * a wide range, so that a difference of the least bit is seen. */
static void
test_detail_threads (walloc_format format, unsigned width, unsigned height)
{
  static const uint16_t table[2][5] = {
    {60, 150, 10, 60, 1200}, {80, 170, 20, 80, 1200}
  };
  walloc_model *model = model_with_scales (MODEL ("ordered-test.wlm"), table);
  unsigned count = 3, step, bad = 0, scales = 0, kind;
  walloc_runner runner = { run_threads, &count, 3 };
  walloc_runner backwards = { run_backwards, NULL, 4 };
  codec c[3] = { codec_new (model, NULL), codec_new (model, &runner),
    codec_new (model, &backwards)
  };
  walloc_encode_params params;
  walloc_frame_info info;
  const uint8_t *data[3];
  walloc_image in[2];
  size_t size[3];
  unsigned i;

  walloc_encode_params_init (&params);
  params.use_step = 1;
  for (kind = 0; kind < 2; kind++) {
    picture_new (&in[kind], format, width, height);
    picture_draw (&in[kind], kind, 4);
  }
  for (step = 58; step < 176; step += 3)
    for (kind = 0; kind < 2; kind++) {
      params.step_index = step;
      for (i = 0; i < 3; i++)
        bad += walloc_encoder_encode (c[i].encoder, &in[kind], &params,
            &data[i], &size[i], &info, NULL) != WALLOC_OK;
      scales |= 1u << info.scale;
      for (i = 1; i < 3; i++)
        bad += size[i] != size[0] || memcmp (data[i], data[0], size[0]) != 0;
    }
  TAP_OK (bad == 0 && scales == 7, "%s %ux%u: the same choice and bytes by any "
      "number of threads", walloc_format_name (format), width, height);
  for (i = 0; i < 3; i++)
    codec_free (&c[i]);
  picture_free (&in[0]);
  picture_free (&in[1]);
  walloc_model_unref (model);
}

/* Slices are of one height but for the last, and in pairs: two threads have
 * the same to do. */
static void
test_slices (walloc_model * model)
{
  static const unsigned sizes[][4] = {
    /* width, height, slices, rows of latents */
    {1920, 1080, 6, 23}, {1280, 720, 4, 23}, {3840, 2160, 18, 15},
    {3080, 1000, 8, 16}, {64, 64, 1, 768}
  };
  codec c = codec_new (model, NULL);
  walloc_frame_info info;
  const uint8_t *data;
  walloc_image in;
  unsigned i;
  size_t size;

  for (i = 0; i < sizeof sizes / sizeof *sizes; i++) {
    picture_new (&in, WALLOC_FORMAT_GRAY8, sizes[i][0], sizes[i][1]);
    encode (&c, &in, 50, 1, &data, &size, &info);
    TAP_OK (info.slices == sizes[i][2] && info.slice_rows == sizes[i][3],
        "%ux%u: %u slices of %u rows", sizes[i][0], sizes[i][1], info.slices,
        info.slice_rows);
    picture_free (&in);
  }
  codec_free (&c);
}

/* The published form has no other sizes. */
static void
test_reference (walloc_model * model)
{
  codec c = codec_new (model, NULL);
  walloc_encode_params params;
  walloc_frame_info info;
  walloc_error error;
  const uint8_t *data;
  uint8_t *copy;
  uint32_t sizes[1];
  walloc_image in;
  size_t size;

  picture_new (&in, WALLOC_FORMAT_RGB, 64, 64);
  picture_draw (&in, 1, 4);
  walloc_encode_params_init (&params);
  params.shrink = 2;
  TAP_OK (walloc_encoder_encode (c.encoder, &in, &params, &data, &size, NULL,
          &error) == WALLOC_ERR_UNSUPPORTED, "reference: %s", error.text);
  params.shrink = 1;
  TAP_OK (walloc_encoder_encode (c.encoder, &in, &params, &data, &size, &info,
          &error) == WALLOC_OK && info.scale == 0, "its own size is fine");
  /* a header that claims otherwise */
  copy = malloc (size);
  memcpy (copy, data, size);
  info.scale = 1;
  sizes[0] = info.payload_size;
  walloc_frame_write (copy, size, &info, sizes, NULL);
  TAP_OK (walloc_decoder_decode (c.decoder, copy, size, WALLOC_DECODER_LINEAR,
          &in, NULL, &error) == WALLOC_ERR_CORRUPT, "refused: %s", error.text);
  free (copy);
  picture_free (&in);
  codec_free (&c);
}

/* A lost slice is concealed at the size that was coded, cut frames are told,
 * and the next frame at another scale is none the worse. */
static void
test_damage (walloc_model * model)
{
  codec c = codec_new (model, NULL);
  walloc_frame_info info;
  const uint8_t *data;
  uint8_t *copy;
  walloc_image in, out;
  unsigned damaged, bad = 0;
  walloc_result result;
  size_t size, n;
  double psnr;

  picture_new (&in, WALLOC_FORMAT_I420, 3080, 1000);
  picture_new (&out, WALLOC_FORMAT_I420, 3080, 1000);
  picture_draw (&in, 0, 4);
  encode (&c, &in, 70, 2, &data, &size, &info);
  copy = malloc (size);
  memcpy (copy, data, size);
  copy[size - 40] ^= 4;
  result = walloc_decoder_decode (c.decoder, copy, size,
      WALLOC_DECODER_LINEAR, &out, &damaged, NULL);
  psnr = picture_psnr (&in, &out);
  TAP_OK (result == WALLOC_OK && info.slices == 2 && damaged == 1 &&
      psnr > 15 && psnr < 30, "one of %u slices concealed: %.1f dB",
      info.slices, psnr);
  for (n = 0; n < size; n += 1 + size / 97) {
    bad += walloc_decoder_decode (c.decoder, data, n, WALLOC_DECODER_LINEAR,
        &out, NULL, NULL) != WALLOC_ERR_TRUNCATED;
    walloc_decoder_decode (c.decoder, data, n, WALLOC_DECODER_LINEAR, &out,
        &damaged, NULL);
  }
  TAP_OK (bad == 0, "cut frames are told");
  free (copy);
  psnr = there_and_back (&c, &in, 70, 4, &size, &info);
  TAP_OK (psnr > 44, "and on with a quarter: %.1f dB", psnr);
  psnr = there_and_back (&c, &in, 70, 1, &size, &info);
  TAP_OK (psnr > 48, "and the whole: %.1f dB", psnr);
  picture_free (&in);
  picture_free (&out);
  codec_free (&c);
}

int
main (void)
{
  walloc_model *model = load_model (MODEL ("ordered-test.wlm"));
  walloc_model *reference = load_model (MODEL ("reference-test.wlm"));

  test_sizes (model);
  test_threads (model, WALLOC_FORMAT_I420);
  test_threads (model, WALLOC_FORMAT_Y42B);
  test_threads (model, WALLOC_FORMAT_RGB);
  test_choice (model);
  test_without ();
  test_detail (WALLOC_FORMAT_GRAY8, 77);
  test_detail (WALLOC_FORMAT_I420, 700);
  test_detail (WALLOC_FORMAT_BGRX, 300);
  test_detail_threads (WALLOC_FORMAT_I420, 331, 801);
  test_detail_threads (WALLOC_FORMAT_NV12, 130, 517);
  test_detail_threads (WALLOC_FORMAT_RGB, 97, 290);
  test_slices (model);
  test_reference (reference);
  test_damage (model);
  walloc_model_unref (model);
  walloc_model_unref (reference);
  return tap_done ();
}
