/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is lost of a key frame, from the frame before: as it was where nothing
 * moves, better than interpolation where something does, and never from a frame
 * that has nothing to do with it. */
#include "codec_util.h"

#define WIDTH 200
#define HEIGHT 168
#define SLICE_ROWS 4
#define SLICES 6
#define LAYERS 3

typedef struct
{
  walloc_model *model;
  walloc_encoder *encoder;
  walloc_image source, image;
  walloc_format format;
} setup;

typedef struct
{
  uint8_t *data;
  size_t size;
  walloc_frame_info info;
} coded;

typedef enum
{
  STILL,
  PAN,
  CUT
} motion;

/* A value for each pixel of an endless plane. */
static double
grain (int x, int y)
{
  unsigned seed = (unsigned) x * 2654435761u ^ (unsigned) y * 40503u;

  return (double) (tap_random (&seed) % 25) - 12;
}

/* Texture that moves by 3 and 1 pixels a frame, or does not, or is another. */
static void
draw (walloc_image * image, motion how, unsigned number)
{
  unsigned p, x, y, w, h, step = image->format == WALLOC_FORMAT_RGB ? 3 : 1;
  double u, v, dx = how == PAN ? 3.0 * number : 0, dy = how == PAN ? number : 0;
  double turn = how == CUT ? 1.3 * number : 0;

  for (p = 0; p < walloc_format_planes (image->format); p++) {
    w = (unsigned) walloc_format_row_bytes (image->format, p, image->width);
    h = walloc_format_rows (image->format, p, image->height);
    for (y = 0; y < h; y++)
      for (x = 0; x < w; x++) {
        u = (x / step << (p > 0)) + dx;
        v = (y << (p > 0)) + dy;
        image->plane[p][(ptrdiff_t) y * image->stride[p] + (ptrdiff_t) x] =
            (uint8_t) (128 + 50 * sin (u * cos (turn) / 9 + p + x % step) *
            cos ((v + u * sin (turn)) / 7 + turn) + 30 * sin (u / 41 + v / 23 +
                5 * turn) + grain ((int) u, (int) v + (int) (99 * turn)));
      }
  }
}

static void
setup_new (setup * s, const char *path, walloc_format format)
{
  s->model = load_model (path);
  s->format = format;
  if (walloc_encoder_new (s->model, NULL, NULL, &s->encoder, NULL) != WALLOC_OK)
    exit (1);
  picture_new (&s->source, format, WIDTH, HEIGHT);
  picture_new (&s->image, format, WIDTH, HEIGHT);
}

static void
setup_free (setup * s)
{
  picture_free (&s->source);
  picture_free (&s->image);
  walloc_encoder_free (s->encoder);
  walloc_model_unref (s->model);
}

static void
encode (setup * s, motion how, unsigned number, unsigned step, coded * frame)
{
  walloc_encode_params params;
  walloc_model_info info;
  const uint8_t *data;

  walloc_model_get_info (s->model, &info);
  walloc_encode_params_init (&params);
  if (info.kind == WALLOC_MODEL_ORDERED) {
    params.use_step = 1;
    params.step_index = step;
    params.layers = LAYERS;
  }
  params.slice_rows = SLICE_ROWS;
  draw (&s->source, how, number);
  if (walloc_encoder_encode (s->encoder, &s->source, &params, &data,
          &frame->size, &frame->info, NULL) != WALLOC_OK)
    exit (1);
  frame->data = malloc (frame->size);
  memcpy (frame->data, data, frame->size);
}

static walloc_decoder *
new_decoder (setup * s, int recall)
{
  walloc_decoder *decoder;

  if (walloc_decoder_new (s->model, NULL, NULL, NULL, &decoder, NULL) !=
      WALLOC_OK)
    exit (1);
  walloc_decoder_set_recall (decoder, recall);
  return decoder;
}

/* Slices [first, end) from a layer on become what no coder writes. */
static void
lose (coded * frame, unsigned first, unsigned end, unsigned layer)
{
  size_t offset, size;

  for (; first < end; first++) {
    walloc_frame_segment (frame->data, &frame->info, first, layer, &offset,
        &size);
    memset (frame->data + offset, 0, size);
  }
}

/* Decodes with the linear decoder; returns the hash of the picture. */
static uint64_t
decode (walloc_decoder * decoder, const coded * frame,
    const walloc_image * image, unsigned *damaged)
{
  walloc_error error = { "" };

  if (walloc_decoder_decode (decoder, frame->data, frame->size,
          WALLOC_DECODER_LINEAR, image, damaged, &error) != WALLOC_OK) {
    printf ("# %s\n", error.text);
    return 0;
  }
  return picture_hash (image);
}

/* The same frame twice, of which the second one is damaged in every way. */
static void
test_still (const char *name, setup * s)
{
  unsigned first, end, layer, damaged, bad = 0, n = 0, layers;
  walloc_decoder *decoder = new_decoder (s, 1);
  coded whole, part;
  uint64_t want;

  encode (s, STILL, 0, 60, &whole);
  layers = whole.info.layers;
  want = decode (decoder, &whole, &s->image, &damaged);
  bad += whole.info.slices != SLICES || damaged != 0;
  for (layer = 0; layer < layers; layer++)
    for (first = 0; first < SLICES; first++)
      for (end = first + 1; end <= SLICES; end++, n++) {
        encode (s, STILL, 0, 60, &part);
        lose (&part, first, end, layer);
        bad += decode (decoder, &part, &s->image, &damaged) != want;
        bad += damaged != end - first;
        /* once more: of a frame that was made of another */
        bad += decode (decoder, &part, &s->image, &damaged) != want;
        free (part.data);
      }
  TAP_OK (bad == 0, "%s: %u losses in a still scene are not seen", name, n);
  free (whole.data);
  walloc_decoder_free (decoder);
}

/* PSNR of the second of two frames with a loss, sum over the slices. */
static double
quality (setup * s, motion how, unsigned step, unsigned layer, int recall)
{
  walloc_decoder *decoder = new_decoder (s, recall);
  unsigned slice, damaged;
  double sum = 0;
  coded before, frame;

  for (slice = 0; slice < SLICES; slice++) {
    encode (s, how, 0, 60, &before);
    decode (decoder, &before, &s->image, &damaged);
    encode (s, how, 1, step, &frame);
    lose (&frame, slice, slice + 1, layer);
    decode (decoder, &frame, &s->image, &damaged);
    sum += picture_psnr (&s->source, &s->image);
    free (before.data);
    free (frame.data);
  }
  walloc_decoder_free (decoder);
  return sum / SLICES;
}

static void
test_quality (setup * s)
{
  static const char *const names[] = { "still", "pan", "cut" };
  double with, without;
  unsigned how, layer;

  for (how = STILL; how <= CUT; how++)
    for (layer = 0; layer < LAYERS; layer++) {
      with = quality (s, (motion) how, 60, layer, 1);
      without = quality (s, (motion) how, 60, layer, 0);
      TAP_OK (with > without - (how == CUT ? 0.3 : how == PAN ? 0.1 : 0)
          && (how == CUT || layer > 0
              || with > without + 1),
          "%s, layer %u: %.2f dB, without the frame before %.2f", names[how],
          layer, with, without);
    }
  /* the rate changed in between */
  with = quality (s, STILL, 75, 0, 1);
  without = quality (s, STILL, 75, 0, 0);
  TAP_OK (with > without + 3, "another step: %.2f dB, without %.2f", with,
      without);
}

/* A decoder that has seen another frame, and what makes it useless. */
static void
test_forgotten (setup * s)
{
  static const char *const names[] = { "reset", "not asked for", "a region",
    "another size", "other slices", "another scale"
  };
  walloc_decoder *decoder, *fresh = new_decoder (s, 1);
  walloc_decode_params region;
  walloc_image small;
  unsigned damaged, why;
  coded frame, before;
  uint64_t want;

  encode (s, STILL, 0, 60, &frame);
  lose (&frame, 2, 4, 0);
  want = decode (fresh, &frame, &s->image, &damaged);
  walloc_decoder_free (fresh);
  for (why = 0; why < 6; why++) {
    decoder = new_decoder (s, 1);
    encode (s, STILL, 0, 60, &before);
    picture_new (&small, s->format, 64, 64);
    if (why >= 3) {
      walloc_encode_params params;
      const uint8_t *data;

      walloc_encode_params_init (&params);
      params.slice_rows = why == 4 ? 2 : SLICE_ROWS;
      params.shrink = why == 5 ? 2 : 1;
      walloc_encoder_encode (s->encoder, why == 3 ? &small : &s->source,
          &params, &data, &before.size, &before.info, NULL);
      before.data = realloc (before.data, before.size);
      memcpy (before.data, data, before.size);
    }
    if (why == 2) {
      walloc_decode_params_init (&region);
      region.kind = WALLOC_DECODER_LINEAR;
      region.width = region.height = 64;
      walloc_decoder_decode_with (decoder, before.data, before.size, &region,
          &small, &damaged, NULL);
    } else {
      decode (decoder, &before, why == 3 ? &small : &s->image, &damaged);
    }
    if (why == 0)
      walloc_decoder_reset (decoder);
    if (why == 1)
      walloc_decoder_set_recall (decoder, 0);
    TAP_OK (decode (decoder, &frame, &s->image, &damaged) == want &&
        damaged == 2, "after %s the frame before is not taken", names[why]);
    free (before.data);
    picture_free (&small);
    walloc_decoder_free (decoder);
  }
  free (frame.data);
}

/* A stream with losses by any number of threads, and what is not damaged. */
static void
test_same (setup * s)
{
  unsigned threads = 4, i, damaged[3], bad = 0, whole = 0;
  walloc_runner runner = { run_threads, &threads, 4 };
  walloc_decoder *plain = new_decoder (s, 0), *one = new_decoder (s, 1), *four;
  uint64_t hash[3];
  coded frame;

  walloc_decoder_new (s->model, NULL, &runner, NULL, &four, NULL);
  walloc_decoder_set_recall (four, 1);
  for (i = 0; i < 12; i++) {
    encode (s, PAN, i, 55 + i % 4, &frame);
    if (i % 3 == 1)
      lose (&frame, i % SLICES, i % SLICES + 1, i % 2);
    hash[0] = decode (plain, &frame, &s->image, &damaged[0]);
    hash[1] = decode (one, &frame, &s->image, &damaged[1]);
    hash[2] = decode (four, &frame, &s->image, &damaged[2]);
    bad += hash[1] != hash[2] || damaged[0] != damaged[1];
    if (damaged[0] == 0) {
      bad += hash[0] != hash[1];
      whole++;
    } else if (i % 2 == 0) {
      /* of higher layers nothing may be taken */
      bad += hash[0] == hash[1];
    }
    free (frame.data);
  }
  TAP_OK (bad == 0 && whole == 8, "%u whole frames as ever, threads agree",
      whole);
  walloc_decoder_free (plain);
  walloc_decoder_free (one);
  walloc_decoder_free (four);
}

/* Memory for edges is the first that is done without. */
static void
test_limit (setup * s)
{
  walloc_allocator allocator = { 0 };
  walloc_decoder *decoder, *plain = new_decoder (s, 0);
  unsigned damaged, fitted = 0, refused = 0, recalled = 0, bad = 0;
  coded whole, part;
  uint64_t want[2], got;

  encode (s, STILL, 0, 60, &whole);
  encode (s, STILL, 0, 60, &part);
  lose (&part, 2, 3, 0);
  want[0] = decode (plain, &part, &s->image, &damaged);
  want[1] = decode (plain, &whole, &s->image, &damaged);
  for (allocator.limit = 200000; recalled < 3; allocator.limit += 2048) {
    if (walloc_decoder_new (s->model, &allocator, NULL, NULL, &decoder, NULL)
        != WALLOC_OK)
      exit (1);
    walloc_decoder_set_recall (decoder, 1);
    if (walloc_decoder_decode (decoder, whole.data, whole.size,
            WALLOC_DECODER_LINEAR, &s->image, &damaged, NULL) == WALLOC_OK) {
      got = decode (decoder, &part, &s->image, &damaged);
      bad += got != want[0] && got != want[1];
      fitted += got == want[0];
      recalled += got == want[1];
    } else {
      refused++;
    }
    walloc_decoder_free (decoder);
  }
  TAP_OK (bad == 0 && refused > 0
      && fitted > 0, "limits: %u too low, %u for interpolation, " "then enough",
      refused, fitted);
  free (whole.data);
  free (part.data);
  walloc_decoder_free (plain);
}

int
main (void)
{
  setup s;

  setup_new (&s, MODEL ("ordered-test.wlm"), WALLOC_FORMAT_I420);
  test_still ("ordered", &s);
  test_quality (&s);
  test_forgotten (&s);
  test_same (&s);
  test_limit (&s);
  setup_free (&s);
  setup_new (&s, MODEL ("ordered-test.wlm"), WALLOC_FORMAT_GRAY8);
  test_still ("grey", &s);
  setup_free (&s);
  setup_new (&s, MODEL ("reference-test.wlm"), WALLOC_FORMAT_RGB);
  test_still ("reference", &s);
  setup_free (&s);
  return tap_done ();
}
