/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The network decoder of sound: samples against those of
 * training/golden_sound_network.py (its head says what is where), changes of
 * decoder from frame to frame, and networks that cannot be used. */
#include <math.h>

#include <walloc/audio.h>

#include "model_file.h"

#define FOLDER TEST_GOLDEN_DIR "/sound-network/"
#define PLAIN TEST_GOLDEN_DIR "/models/sound-test.wlm"
#define WITH_NET TEST_GOLDEN_DIR "/models/sound-net-test.wlm"
#define MOST_FRAMES 16
#define ROOM (1 << 16)

/* A stream, and what its frames decode to. */
typedef struct
{
  const char *name;
  uint8_t *data;
  size_t size, frame[MOST_FRAMES + 1];
  unsigned frames;
  size_t block, count;          /* samples of a frame, of all */
} stream;

static uint8_t *
read_file (const char *path, size_t *size)
{
  uint8_t *data = malloc (1 << 19);
  FILE *file = fopen (path, "rb");

  if (file == NULL || data == NULL) {
    printf ("Bail out! %s is missing\n", path);
    exit (1);
  }
  *size = fread (data, 1, 1 << 19, file);
  fclose (file);
  return data;
}

static void
stream_open (stream * s, const char *name)
{
  walloc_frame_info info;
  char path[1024];

  memset (s, 0, sizeof *s);
  s->name = name;
  snprintf (path, sizeof path, TEST_GOLDEN_DIR "/sound/%s.wlc", name);
  s->data = read_file (path, &s->size);
  while (s->frame[s->frames] < s->size && s->frames < MOST_FRAMES &&
      walloc_frame_parse (s->data + s->frame[s->frames], s->size -
          s->frame[s->frames], &info, NULL) == WALLOC_OK) {
    s->frame[s->frames + 1] = s->frame[s->frames] + info.header_size +
        (size_t) info.payload_size;
    s->block = (size_t) info.columns * WALLOC_AUDIO_COLUMN *
        info.audio_channels;
    s->frames++;
  }
  s->count = s->frames * s->block;
}

static walloc_model *
load_model (const char *path)
{
  walloc_model *model;
  walloc_error error;

  if (walloc_model_load (path, NULL, &model, &error) != WALLOC_OK) {
    printf ("Bail out! %s\n", error.text);
    exit (1);
  }
  return model;
}

static walloc_audio_decoder *
decoder_new (walloc_model * model, walloc_decoder_kind kind)
{
  walloc_audio_decoder *d;

  if (walloc_audio_decoder_new (model, NULL, &d, NULL) != WALLOC_OK ||
      walloc_audio_decoder_set_kind (d, kind, NULL) != WALLOC_OK) {
    printf ("Bail out! no decoder\n");
    exit (1);
  }
  return d;
}

/* Frame k to its place in samples, in full scale of 1. */
static walloc_result
decode_frame (walloc_audio_decoder * d, const stream * s, unsigned k,
    float *samples, walloc_error * error)
{
  return walloc_audio_decoder_decode (d, s->data + s->frame[k],
      s->frame[k + 1] - s->frame[k], WALLOC_SAMPLES_F32, samples + k * s->block,
      s->block, NULL, NULL, error);
}

static walloc_result
decode (walloc_audio_decoder * d, const stream * s, float *samples,
    walloc_error * error)
{
  walloc_result result = WALLOC_OK;
  unsigned k;

  error->text[0] = 0;
  for (k = 0; k < s->frames && result == WALLOC_OK; k++)
    result = decode_frame (d, s, k, samples, error);
  return result;
}

/* Greatest difference, in units of a 16-bit sample. */
static double
distance (const float *a, const float *b, size_t n)
{
  double worst = 0;
  size_t i;

  for (i = 0; i < n; i++)
    worst = fmax (worst, fabs ((double) a[i] - b[i]));
  return worst * 32768;
}

static void
test_golden (walloc_model * model, const stream * s, float *samples,
    float *other)
{
  walloc_audio_decoder *d = decoder_new (model, WALLOC_DECODER_FAST);
  walloc_audio_decoder_stats stats;
  uint8_t *golden;
  walloc_error error;
  char path[1024];
  size_t size, i;
  uint32_t bits;
  float value;

  snprintf (path, sizeof path, FOLDER "%s.f32", s->name);
  golden = read_file (path, &size);
  TAP_OK (size == 4 * s->count, "%s: %zu samples", s->name, s->count);
  for (i = 0; i < s->count && size == 4 * s->count; i++) {
    bits = walloc_get_u32 (golden + 4 * i);
    memcpy (&value, &bits, sizeof value);
    other[i] = value / 32768;
  }
  TAP_OK (decode (d, s, samples, &error) == WALLOC_OK &&
      distance (samples, other, s->count) < 0.05,
      "%s: within %.4f of Python's %s", s->name,
      distance (samples, other, s->count), error.text);
  walloc_audio_decoder_get_stats (d, &stats);
  TAP_OK (stats.ns_network > 0 && stats.ns_network <= stats.ns_synthesis,
      "%s: the network's time is counted", s->name);
  /* or that would have shown nothing */
  walloc_audio_decoder_set_kind (d, WALLOC_DECODER_LINEAR, NULL);
  walloc_audio_decoder_reset (d);
  decode (d, s, other, &error);
  TAP_OK (distance (samples, other, s->count) > 5,
      "%s: up to %.0f from the linear decoder's", s->name,
      distance (samples, other, s->count));
  walloc_audio_decoder_free (d);
  free (golden);

  d = decoder_new (model, WALLOC_DECODER_AUTO);
  TAP_OK (decode (d, s, other, &error) == WALLOC_OK &&
      distance (samples, other, s->count) == 0, "%s: auto is fast", s->name);
  walloc_audio_decoder_reset (d);
  TAP_OK (decode (d, s, other, &error) == WALLOC_OK &&
      distance (samples, other, s->count) == 0, "%s: the same once more",
      s->name);
  walloc_audio_decoder_free (d);
}

/* Linear before and behind fast: the transform's samples are those of the
 * linear decoder again once what fast gave has left it. */
static void
test_change (walloc_model * model, const stream * s, float *samples,
    float *linear)
{
  walloc_audio_decoder *d = decoder_new (model, WALLOC_DECODER_LINEAR);
  walloc_error error;
  unsigned k, bad = 0, first = s->frames;

  decode (d, s, linear, &error);
  walloc_audio_decoder_reset (d);
  for (k = 0; k < s->frames; k++) {
    bad += walloc_audio_decoder_set_kind (d, k == 1 ? WALLOC_DECODER_FAST :
        WALLOC_DECODER_LINEAR, &error) != WALLOC_OK;
    bad += decode_frame (d, s, k, samples, &error) != WALLOC_OK;
    if (distance (samples + k * s->block, linear + k * s->block, s->block) >
        1 && first == s->frames)
      first = k;
  }
  TAP_OK (bad == 0 && first == 1, "%s: fast from frame %u on", s->name, first);
  k = s->frames - 1;
  TAP_OK (distance (samples + k * s->block, linear + k * s->block, s->block) <
      1e-3, "%s: linear again", s->name);
  walloc_audio_decoder_free (d);
}

/* What replaces a lost frame is no past for the next: as after a change. */
static void
test_lost (walloc_model * model, const stream * s, float *samples, float *other)
{
  walloc_audio_decoder *d = decoder_new (model, WALLOC_DECODER_FAST);
  walloc_audio_decoder *e = decoder_new (model, WALLOC_DECODER_FAST);
  walloc_error error;
  unsigned k;

  for (k = 0; k < 2; k++) {
    decode_frame (d, s, k, samples, &error);
    decode_frame (e, s, k, other, &error);
  }
  walloc_audio_decoder_conceal (d, WALLOC_SAMPLES_F32, samples + 2 * s->block,
      s->block, NULL);
  walloc_audio_decoder_conceal (e, WALLOC_SAMPLES_F32, other + 2 * s->block,
      s->block, NULL);
  walloc_audio_decoder_set_kind (e, WALLOC_DECODER_LINEAR, NULL);
  walloc_audio_decoder_set_kind (e, WALLOC_DECODER_FAST, NULL);
  for (k = 3; k < s->frames; k++) {
    decode_frame (d, s, k, samples, &error);
    decode_frame (e, s, k, other, &error);
  }
  TAP_OK (distance (samples, other, s->count) == 0,
      "a network does not build on what is not there");
  walloc_audio_decoder_free (d);
  walloc_audio_decoder_free (e);
}

static void
test_without (const stream * s, float *samples, float *other)
{
  walloc_model *model = load_model (PLAIN);
  walloc_audio_decoder *d = decoder_new (model, WALLOC_DECODER_LINEAR);
  walloc_error error = { "" };

  decode (d, s, other, &error);
  TAP_OK (walloc_audio_decoder_set_kind (d, WALLOC_DECODER_FAST, &error) ==
      WALLOC_ERR_UNSUPPORTED && strstr (error.text, "sound-test"), "%s",
      error.text);
  walloc_audio_decoder_reset (d);
  TAP_OK (decode (d, s, samples, &error) == WALLOC_OK && distance (samples,
          other, s->count) == 0, "it goes on as it was");
  TAP_OK (walloc_audio_decoder_set_kind (d, WALLOC_DECODER_AUTO, &error) ==
      WALLOC_OK, "auto does without");
  walloc_audio_decoder_reset (d);
  TAP_OK (decode (d, s, samples, &error) == WALLOC_OK && distance (samples,
          other, s->count) == 0, "and is linear");
  TAP_OK (walloc_audio_decoder_set_kind (d, WALLOC_DECODER_BEST, &error) ==
      WALLOC_ERR_UNSUPPORTED && strstr (error.text, "best"), "%s", error.text);
  TAP_OK (walloc_audio_decoder_set_kind (d, (walloc_decoder_kind) 4, &error) ==
      WALLOC_ERR_ARGUMENT && walloc_audio_decoder_set_kind (NULL,
          WALLOC_DECODER_AUTO, &error) == WALLOC_ERR_ARGUMENT,
      "no such kind, no decoder");
  walloc_audio_decoder_free (d);
  walloc_model_unref (model);
}

/* The plain model with another network. */
static walloc_model *
model_with (const char *kind, const char *name)
{
  walloc_model *model = NULL;
  char path[1024];
  model_file *f;
  uint8_t *bytes;
  size_t size;

  snprintf (path, sizeof path, FOLDER "%s%s.onnx", kind, name);
  bytes = read_file (path, &size);
  f = model_file_open (PLAIN);
  model_file_append (f, "decoder.fast.onnx", "U8", size, (const char *) bytes);
  free (bytes);
  bytes = model_file_bytes (f, &size);
  walloc_model_load_memory (bytes, size, NULL, &model, NULL);
  model_file_free (f);
  free (bytes);
  return model;
}

static void
test_refused (const stream * s, float *samples, float *other)
{
  static const struct
  {
    const char *name;
    walloc_result result;
    const char *words[2];
  } cases[] = {
    {"input", WALLOC_ERR_MODEL, {"128 planes", "129"}},
    {"inputs", WALLOC_ERR_MODEL, {"2 inputs", "not one"}},
    {"output", WALLOC_ERR_MODEL, {"500 planes", "512"}},
    {"columns", WALLOC_ERR_MODEL, {"512 planes of 4 columns", "8"}},
    {"before", WALLOC_ERR_MODEL, {"'65'", "walloc.before"}},
    {"before-text", WALLOC_ERR_MODEL, {"'two'", "0 to 64"}},
    {"bytes", WALLOC_ERR_MODEL, {"ONNX", "sound-test"}}
  };
  walloc_audio_decoder *d;
  walloc_model *model;
  walloc_error error;
  walloc_result result;
  unsigned i;

  for (i = 0; i < sizeof cases / sizeof *cases; i++) {
    model = model_with ("bad-", cases[i].name);
    d = decoder_new (model, WALLOC_DECODER_LINEAR);
    decode (d, s, other, &error);
    error.text[0] = 0;
    samples[0] = 77;
    result = walloc_audio_decoder_set_kind (d, WALLOC_DECODER_FAST, &error);
    if (result == WALLOC_OK)
      result = decode_frame (d, s, 0, samples, &error);
    TAP_OK (result == cases[i].result && strstr (error.text,
            cases[i].words[0]) != NULL && strstr (error.text,
            cases[i].words[1]) != NULL && samples[0] == 77, "%s: %s",
        cases[i].name, error.text);
    walloc_audio_decoder_set_kind (d, WALLOC_DECODER_LINEAR, NULL);
    walloc_audio_decoder_reset (d);
    TAP_OK (decode (d, s, samples, &error) == WALLOC_OK &&
        distance (samples, other, s->count) == 0, "linear decodes");
    walloc_audio_decoder_free (d);
    walloc_model_unref (model);
  }
}

/* Memory limits from little to enough: wherever linear decodes, auto does;
 * fast says what would do. */
static void
test_limits (const stream * s, float *samples)
{
  walloc_model *model = model_with ("large", "");
  static const walloc_decoder_kind kinds[] = { WALLOC_DECODER_LINEAR,
    WALLOC_DECODER_AUTO, WALLOC_DECODER_FAST
  };
  walloc_allocator allocator = { 0 };
  walloc_audio_decoder *d;
  walloc_result result[3];
  walloc_error error;
  unsigned i, linear = 0, bad = 0, cured = 0;
  size_t limit;

  result[2] = WALLOC_ERR_MEMORY;
  for (limit = 40000; result[2] != WALLOC_OK && limit < (size_t) 1 << 28;
      limit += limit / 8) {
    allocator.limit = limit;
    for (i = 0; i < 3; i++) {
      error.text[0] = 0;
      result[i] = walloc_audio_decoder_new (model, &allocator, &d, &error);
      if (result[i] == WALLOC_OK)
        result[i] = walloc_audio_decoder_set_kind (d, kinds[i], &error);
      if (result[i] == WALLOC_OK)
        result[i] = decode (d, s, samples, &error);
      walloc_audio_decoder_free (d);
      cured += i == 2 && strstr (error.text, "linear") != NULL;
    }
    bad += result[0] != result[1];
    linear += result[0] == WALLOC_OK && result[2] != WALLOC_OK;
  }
  TAP_OK (bad == 0 && linear > 0 && result[2] == WALLOC_OK,
      "auto is linear under %u limits", linear);
  TAP_OK (cured > 0, "%u of them say what would do", cured);
  walloc_model_unref (model);
}

int
main (void)
{
  static const char *const names[] = { "mono", "stereo", "five", "pause",
    "layers"
  };
  float *samples = calloc (ROOM, sizeof *samples);
  float *other = calloc (ROOM, sizeof *other);
  walloc_model *model = load_model (WITH_NET);
  walloc_model_info info;
  stream s[5];
  unsigned i;

  walloc_model_get_info (model, &info);
  TAP_OK (info.decoders == (1u << WALLOC_DECODER_AUTO |
          1u << WALLOC_DECODER_LINEAR | 1u << WALLOC_DECODER_FAST),
      "a model with a network");
  for (i = 0; i < 5; i++) {
    stream_open (&s[i], names[i]);
    if (!TAP_OK (s[i].frames > 3 && s[i].count <= ROOM, "%s: %u frames",
            names[i], s[i].frames))
      return tap_done ();
    test_golden (model, &s[i], samples, other);
  }
  test_change (model, &s[1], samples, other);
  test_change (model, &s[3], samples, other);
  test_lost (model, &s[1], samples, other);
  test_without (&s[1], samples, other);
  test_refused (&s[1], samples, other);
  test_limits (&s[1], samples);
  for (i = 0; i < 5; i++)
    free (s[i].data);
  walloc_model_unref (model);
  free (samples);
  free (other);
  return tap_done ();
}
