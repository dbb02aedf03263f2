/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Frames that must never change: tests/golden/stream holds those of the
 * pictures drawn here, and list.txt the checksums of their latents and of the
 * decoded samples. training/walloc_stream.py decodes the same frames.
 * test-stream --write FOLDER makes them anew. */
#include "codec_util.h"

#include "codec/encoder-private.h"

typedef struct
{
  const char *name, *model;
  walloc_format format;
  unsigned width, height, kind, quality, channels, layers, shrink, speed;
} golden_case;

static const golden_case cases[] = {
  {"gray-1x1", "ordered-test", WALLOC_FORMAT_GRAY8, 1, 1, 0, 80, 0, 1, 0, 0},
  {"gray-slices", "ordered-test", WALLOC_FORMAT_GRAY8, 3075, 141, 0, 45, 4, 1,
      0, 0},
  {"gray-noise", "ordered-test", WALLOC_FORMAT_GRAY8, 30, 23, 3, 100, 0, 1, 0,
      0},
  {"i420-odd", "ordered-test", WALLOC_FORMAT_I420, 61, 47, 1, 60, 0, 1, 0, 0},
  {"nv12", "ordered-test", WALLOC_FORMAT_NV12, 64, 32, 1, 70, 40, 1, 0, 0},
  {"y42b", "ordered-test", WALLOC_FORMAT_Y42B, 39, 41, 1, 85, 0, 1, 0, 0},
  {"y444", "ordered-test", WALLOC_FORMAT_Y444, 40, 17, 2, 90, 0, 1, 0, 0},
  {"rgb", "ordered-test", WALLOC_FORMAT_RGB, 50, 50, 1, 50, 0, 1, 0, 0},
  {"xbgr-low", "ordered-test", WALLOC_FORMAT_XBGR, 33, 9, 2, 10, 0, 1, 0, 0},
  {"reference-rgb", "reference-test", WALLOC_FORMAT_RGB, 45, 35, 1, 50, 0, 1,
      0, 0},
  {"layers", "ordered-test", WALLOC_FORMAT_I420, 70, 52, 1, 65, 0, 3, 0, 0},
  {"layers-four", "ordered-test", WALLOC_FORMAT_RGB, 3075, 141, 0, 55, 0, 4, 0,
      0},
  {"rgb-half", "ordered-test", WALLOC_FORMAT_RGB, 83, 70, 1, 60, 0, 1, 2, 0},
  {"y42b-half", "ordered-test", WALLOC_FORMAT_Y42B, 35, 37, 0, 80, 0, 3, 2, 0},
  {"i420-quarter", "ordered-test", WALLOC_FORMAT_I420, 99, 85, 0, 90, 0, 1, 4,
      0},
  {"rgb-slow", "ordered-test", WALLOC_FORMAT_RGB, 75, 61, 1, 60, 0, 1, 0, 1},
  {"i420-alone", "ordered-test", WALLOC_FORMAT_I420, 71, 90, 1, 65, 0, 3, 0, 4}
};

#define CASES (sizeof cases / sizeof *cases)

/* Streams of predicted frames, in which steps and channels change. */
typedef struct
{
  const char *name, *model;
  walloc_format format;
  unsigned width, height, layers;
} golden_stream;

#define STREAM_FRAMES 8

static const golden_stream streams[] = {
  {"predicted-i420", "ordered-test", WALLOC_FORMAT_I420, 75, 61, 3},
  {"predicted-gray", "ordered-test", WALLOC_FORMAT_GRAY8, 3075, 141, 1}
};

#define STREAMS (sizeof streams / sizeof *streams)

static unsigned
triangle (unsigned x, unsigned period)
{
  x %= 2 * period;
  return 90 * (x < period ? x : 2 * period - x) / period;
}

/* Integers only, so that pictures are the same everywhere. kind 0 smooth, 1
 * with texture, 2 noise, 3 black and white noise */
static void
draw (walloc_image * image, unsigned kind)
{
  unsigned p, y, x, bytes, seed = 1000 + kind, v, t;

  for (p = 0; p < walloc_format_planes (image->format); p++) {
    bytes = (unsigned) walloc_format_row_bytes (image->format, p, image->width);
    for (y = 0; y < walloc_format_rows (image->format, p, image->height); y++)
      for (x = 0; x < bytes; x++) {
        v = tap_random (&seed) >> 8;
        t = 20 + triangle (x, 37 + p) + triangle (y, 29);
        t = kind == 0 ? t : kind == 1 ? t + v % 24 : kind == 2 ? v & 255 :
            v & 1 ? 255 : 0;
        image->plane[p][y * image->stride[p] + x] =
            (uint8_t) (is_filler (image->format, x) ? 255 : t);
      }
  }
}

/* With the kernels of one instruction set, or those that the processor's
 * encoder takes (NULL). */
static walloc_result
encode (const golden_case * g, walloc_model * model,
    const walloc_strip_kernels * kernels, uint8_t ** frame, size_t *size)
{
  walloc_encoder *encoder;
  walloc_encode_params params;
  walloc_image image;
  walloc_error error;
  walloc_result result;
  const uint8_t *data;

  picture_new (&image, g->format, g->width, g->height);
  draw (&image, g->kind);
  walloc_encode_params_init (&params);
  params.quality = g->quality;
  params.channels = g->channels;
  params.layers = g->layers;
  params.shrink = g->shrink;
  params.speed = g->speed;
  walloc_encoder_new (model, NULL, NULL, &encoder, NULL);
  if (kernels != NULL)
    encoder->strip = kernels;
  result = walloc_encoder_encode (encoder, &image, &params, &data, size, NULL,
      &error);
  if (result != WALLOC_OK) {
    printf ("# %s\n", error.text);
  } else {
    *frame = malloc (*size);
    memcpy (*frame, data, *size);
  }
  walloc_encoder_free (encoder);
  picture_free (&image);
  return result;
}

/* A bright square goes over the picture; the last two frames are the same. */
static void
draw_frame (walloc_image * image, unsigned number)
{
  unsigned p, x, y, bytes, shift, at;

  draw (image, image->format == WALLOC_FORMAT_GRAY8 ? 0 : 1);
  number = number < STREAM_FRAMES - 1 ? number : STREAM_FRAMES - 2;
  at = 6 * number;
  for (p = 0; p < walloc_format_planes (image->format); p++) {
    shift = p > 0;
    bytes = (unsigned) walloc_format_row_bytes (image->format, p, image->width);
    for (y = 0; y < walloc_format_rows (image->format, p, image->height); y++)
      for (x = 0; x < bytes; x++)
        if ((x << shift) >= at && (x << shift) < at + 20 &&
            (y << shift) >= 16 && (y << shift) < 40)
          image->plane[p][y * image->stride[p] + x] = (uint8_t) (220 - p * 60);
  }
}

/* All frames of a stream, one behind the other. */
static walloc_result
encode_stream (const golden_stream * g, walloc_model * model,
    const walloc_strip_kernels * kernels, uint8_t ** stream, size_t *size)
{
  walloc_encoder *encoder;
  walloc_encode_params params;
  walloc_image image;
  walloc_error error;
  walloc_result result = WALLOC_OK;
  const uint8_t *data;
  size_t bytes;
  unsigned i;

  picture_new (&image, g->format, g->width, g->height);
  walloc_encoder_new (model, NULL, NULL, &encoder, NULL);
  if (kernels != NULL)
    encoder->strip = kernels;
  *stream = NULL;
  *size = 0;
  for (i = 0; i < STREAM_FRAMES && result == WALLOC_OK; i++) {
    draw_frame (&image, i);
    walloc_encode_params_init (&params);
    params.quality = i < 3 ? 45 : 70;
    params.channels = i == 4 ? 10 : 40;
    params.layers = g->layers;
    params.predict = i == 0 ? WALLOC_PREDICT_KEY : WALLOC_PREDICT_ALLOWED;
    result = walloc_encoder_encode (encoder, &image, &params, &data, &bytes,
        NULL, &error);
    if (result != WALLOC_OK) {
      printf ("# %s\n", error.text);
      break;
    }
    *stream = realloc (*stream, *size + bytes);
    memcpy (*stream + *size, data, bytes);
    *size += bytes;
  }
  walloc_encoder_free (encoder);
  picture_free (&image);
  return result;
}

/* Checksums of all frames: each times the FNV prime before the next is added
 * by exclusive or. types counts the types of frames. */
static walloc_result
decode_stream (const golden_stream * g, walloc_model * model,
    const uint8_t * stream, size_t size, uint64_t * latents_sum,
    uint64_t * samples_sum, unsigned types[3])
{
  walloc_decoder *decoder;
  walloc_latents latents;
  walloc_image image;
  walloc_error error = { "" };
  walloc_frame_info info;
  walloc_result result = WALLOC_OK;
  size_t at = 0;

  *latents_sum = *samples_sum = 0;
  memset (types, 0, 3 * sizeof *types);
  picture_new (&image, g->format, g->width, g->height);
  walloc_decoder_new (model, NULL, NULL, NULL, &decoder, NULL);
  while (at < size && result == WALLOC_OK) {
    result = walloc_frame_parse (stream + at, size - at, &info, &error);
    if (result == WALLOC_OK)
      result = walloc_decoder_latents (decoder, stream + at, size - at,
          &latents, NULL, &error);
    if (result == WALLOC_OK) {
      *latents_sum = *latents_sum * 0x100000001b3u ^ latents_hash (&latents);
      result = walloc_decoder_decode (decoder, stream + at, size - at,
          WALLOC_DECODER_LINEAR, &image, NULL, &error);
      *samples_sum = *samples_sum * 0x100000001b3u ^ picture_hash (&image);
      types[info.type]++;
    }
    at += info.header_size + info.payload_size;
  }
  if (result != WALLOC_OK)
    printf ("# %s\n", error.text);
  walloc_decoder_free (decoder);
  picture_free (&image);
  return result;
}

static walloc_result
decode (const golden_case * g, walloc_model * model, const uint8_t * frame,
    size_t size, uint64_t * latents_sum, uint64_t * samples_sum)
{
  walloc_decoder *decoder;
  walloc_latents latents;
  walloc_image image;
  walloc_error error;
  walloc_result result;

  picture_new (&image, g->format, g->width, g->height);
  walloc_decoder_new (model, NULL, NULL, NULL, &decoder, NULL);
  result = walloc_decoder_latents (decoder, frame, size, &latents, NULL,
      &error);
  if (result == WALLOC_OK) {
    *latents_sum = latents_hash (&latents);
    result = walloc_decoder_decode (decoder, frame, size,
        WALLOC_DECODER_LINEAR, &image, NULL, &error);
    *samples_sum = picture_hash (&image);
  }
  if (result != WALLOC_OK)
    printf ("# %s\n", error.text);
  walloc_decoder_free (decoder);
  picture_free (&image);
  return result;
}

static void
golden_path (char *path, size_t room, const char *folder, const char *name)
{
  snprintf (path, room, "%s/%s", folder, name);
}

static walloc_model *
model_of (const char *name)
{
  char path[1024];

  snprintf (path, sizeof path, "%s/models/%s.wlm", TEST_GOLDEN_DIR, name);
  return load_model (path);
}

/* One line of the list, and its file. */
static int
write_one (const char *folder, FILE * list, const char *name,
    const char *model, uint64_t latents, uint64_t samples,
    const uint8_t * data, size_t size)
{
  char path[1024], file_name[64];
  FILE *file;

  fprintf (list, "%s %s %016llx %016llx\n", name, model,
      (unsigned long long) latents, (unsigned long long) samples);
  snprintf (file_name, sizeof file_name, "%s.wlc", name);
  golden_path (path, sizeof path, folder, file_name);
  file = fopen (path, "wb");
  return file != NULL && fwrite (data, size, 1, file) == 1 &&
      fclose (file) == 0;
}

static int
write_all (const char *folder)
{
  char path[1024];
  uint64_t latents, samples;
  walloc_model *model;
  uint8_t *frame = NULL;
  FILE *list;
  size_t size, i;
  unsigned types[3];

  golden_path (path, sizeof path, folder, "list.txt");
  list = fopen (path, "w");
  if (list == NULL)
    return 1;
  fprintf (list, "# frame, model, FNV-1a of latents, FNV-1a of samples "
      "(linear decoder); of\n# several frames, each checksum times 0x100000001b3 "
      "before the next is added by\n# exclusive or. Made by "
      "tests/check/libs/codec/test_stream.c\n");
  for (i = 0; i < CASES; i++) {
    model = model_of (cases[i].model);
    if (encode (&cases[i], model, NULL, &frame, &size) != WALLOC_OK ||
        decode (&cases[i], model, frame, size, &latents, &samples) != WALLOC_OK)
      return 1;
    if (!write_one (folder, list, cases[i].name, cases[i].model, latents,
            samples, frame, size))
      return 1;
    free (frame);
    walloc_model_unref (model);
  }
  for (i = 0; i < STREAMS; i++) {
    model = model_of (streams[i].model);
    if (encode_stream (&streams[i], model, NULL, &frame, &size) != WALLOC_OK ||
        decode_stream (&streams[i], model, frame, size, &latents, &samples,
            types) != WALLOC_OK)
      return 1;
    if (!write_one (folder, list, streams[i].name, streams[i].model, latents,
            samples, frame, size))
      return 1;
    free (frame);
    walloc_model_unref (model);
  }
  return fclose (list) != 0;
}

static uint8_t *
read_file (const char *path, size_t *size)
{
  uint8_t *data = malloc (1 << 20);
  FILE *file = fopen (path, "rb");

  *size = 0;
  if (file != NULL && data != NULL)
    *size = fread (data, 1, 1 << 20, file);
  if (file != NULL)
    fclose (file);
  return data;
}

static void
check (const golden_case * g, uint64_t latents, uint64_t samples)
{
  uint64_t got_latents = 0, got_samples = 0;
  walloc_model *model = model_of (g->model);
  uint8_t *golden, *frame = NULL;
  const walloc_strip_kernels *kernels;
  size_t golden_size, size = 0;
  char path[1024], name[64];
  unsigned i;

  snprintf (name, sizeof name, "%s.wlc", g->name);
  golden_path (path, sizeof path, TEST_GOLDEN_DIR "/stream", name);
  golden = read_file (path, &golden_size);
  TAP_OK (decode (g, model, golden, golden_size, &got_latents,
          &got_samples) == WALLOC_OK && got_latents == latents,
      "%s: %zu bytes, latents %016llx", g->name, golden_size,
      (unsigned long long) got_latents);
  TAP_OK (got_samples == samples, "%s: samples %016llx", g->name,
      (unsigned long long) got_samples);
  /* the reference kind is computed in float, where the C library's erf()
   * decides; its bytes are promised by nobody */
  for (i = 0; strncmp (g->model, "reference", 9) != 0 &&
      (kernels = walloc_strip_best (i)) != NULL; i++) {
    TAP_OK (encode (g, model, kernels, &frame, &size) == WALLOC_OK &&
        size == golden_size && memcmp (frame, golden, size) == 0,
        "%s: encoded to the same bytes with %s", g->name, kernels->name);
    free (frame);
    frame = NULL;
  }
  free (golden);
  walloc_model_unref (model);
}

static void
check_stream (const golden_stream * g, uint64_t latents, uint64_t samples)
{
  uint64_t got_latents = 0, got_samples = 0;
  walloc_model *model = model_of (g->model);
  uint8_t *golden, *stream = NULL;
  const walloc_strip_kernels *kernels;
  size_t golden_size, size = 0;
  char path[1024], name[64];
  unsigned i, types[3];

  snprintf (name, sizeof name, "%s.wlc", g->name);
  golden_path (path, sizeof path, TEST_GOLDEN_DIR "/stream", name);
  golden = read_file (path, &golden_size);
  TAP_OK (decode_stream (g, model, golden, golden_size, &got_latents,
          &got_samples, types) == WALLOC_OK && got_latents == latents,
      "%s: %zu bytes, latents %016llx", g->name, golden_size,
      (unsigned long long) got_latents);
  /* the gray one has so many positions that some are refined in each frame
   * after a change of step, and none repeats */
  TAP_OK (got_samples == samples && types[WALLOC_FRAME_PREDICTED] > 4 &&
      (types[WALLOC_FRAME_REPEAT] > 0 || g->format == WALLOC_FORMAT_GRAY8),
      "%s: samples %016llx, %u predicted, %u "
      "repeat frames", g->name, (unsigned long long) got_samples,
      types[WALLOC_FRAME_PREDICTED], types[WALLOC_FRAME_REPEAT]);
  for (i = 0; (kernels = walloc_strip_best (i)) != NULL; i++) {
    TAP_OK (encode_stream (g, model, kernels, &stream, &size) == WALLOC_OK &&
        size == golden_size && memcmp (stream, golden, size) == 0,
        "%s: encoded to the same bytes with %s", g->name, kernels->name);
    free (stream);
  }
  free (golden);
  walloc_model_unref (model);
}

int
main (int argc, char **argv)
{
  unsigned long long latents, samples;
  char line[256], name[64], model[64];
  size_t i, found = 0;
  FILE *list;

  if (argc == 3 && strcmp (argv[1], "--write") == 0)
    return write_all (argv[2]);
  list = fopen (TEST_GOLDEN_DIR "/stream/list.txt", "r");
  TAP_OK (list != NULL, "list of frames");
  while (list != NULL && fgets (line, sizeof line, list) != NULL) {
    if (line[0] == '#' || sscanf (line, "%63s %63s %llx %llx", name, model,
            &latents, &samples) != 4)
      continue;
    for (i = 0; i < CASES; i++)
      if (strcmp (cases[i].name, name) == 0 &&
          strcmp (cases[i].model, model) == 0) {
        check (&cases[i], latents, samples);
        found++;
      }
    for (i = 0; i < STREAMS; i++)
      if (strcmp (streams[i].name, name) == 0) {
        check_stream (&streams[i], latents, samples);
        found++;
      }
  }
  TAP_OK (found == CASES + STREAMS, "%zu of %zu files checked", found,
      CASES + STREAMS);
  if (list != NULL)
    fclose (list);
  return tap_done ();
}
