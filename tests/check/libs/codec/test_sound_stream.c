/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Frames of sound that must never change: tests/golden/sound holds streams of
 * the sounds drawn here, list.txt the checksums of their latents, and .s16
 * files the samples that they decode to. training/walloc_stream.py decodes the
 * same frames. test-sound-stream --write FOLDER makes them anew. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <walloc/audio.h>

#include "codec/audio-private.h"
#include "common/mem.h"
#include "tap.h"

#define BLOCKS 6

typedef enum
{
  KIND_TONES,
  KIND_NOISE,
  KIND_SQUARE,                  /* full scale */
  KIND_PAUSE                    /* tones, with silence in the middle */
} sound_kind;

typedef struct
{
  const char *name;
  sound_kind kind;
  unsigned rate, channels, columns, quality, layers, trims;
  uint64_t mask;
  unsigned model;
} golden_sound;

static const char *const models[] = { "sound-test", "reference-sound-test" };

#define MODELS (sizeof models / sizeof *models)

static const golden_sound cases[] = {
  {"mono", KIND_TONES, 8000, 1, 3, 80, 1, 0, 0},
  {"stereo", KIND_TONES, 44100, 2, 5, 60, 1, 0, 0},
  {"five", KIND_TONES, 48000, 5, 1, 50, 1, 0, 0x37},
  {"layers", KIND_NOISE, 32000, 2, 4, 70, 3, 0, 0},
  {"pause", KIND_PAUSE, 16000, 1, 4, 65, 4, 0, 0},
  {"trims", KIND_TONES, 22050, 1, 2, 75, 1, 1, 0},
  {"coarse", KIND_NOISE, 96000, 3, 2, 5, 1, 0, 0},
  {"square", KIND_SQUARE, 44100, 2, 2, 100, 1, 0, 0},
  {"whole", KIND_TONES, 44100, 3, 7, 50, 1, 0, 0, 1},
  {"whole-pause", KIND_PAUSE, 16000, 1, 4, 50, 1, 0, 0, 1}
};

#define CASES (sizeof cases / sizeof *cases)

static int
triangle (size_t x, unsigned period)
{
  x %= 4 * period;
  if (x >= 2 * period)
    x = 4 * period - x;
  return (int) x - (int) period;
}

/* Integers only, so that sounds are the same everywhere. */
static void
draw (const golden_sound * g, int16_t * samples, size_t n)
{
  unsigned c, seed = 77;
  size_t i;
  int v, random;

  for (i = 0; i < n; i++) {
    for (c = 0; c < g->channels; c++) {
      random = (int) (tap_random (&seed) >> 9 & 1023) - 512;
      v = triangle (i, 23 + 7 * c) * 120 + triangle (i, 101) * 40 + random / 8;
      if (g->kind == KIND_NOISE)
        v = random * (c == 1 ? 4 : 10) + triangle (i, 60) * 30;
      else if (g->kind == KIND_SQUARE)
        v = i / (50 + 13 * c) % 2 != 0 ? 32767 : -32768;
      else if (g->kind == KIND_PAUSE && i > n / 4 && i < 3 * n / 4)
        v = 0;
      samples[i * g->channels + c] = (int16_t) v;
    }
  }
}

static walloc_model *
load_model (unsigned index)
{
  char path[1024];
  walloc_model *model = NULL;
  walloc_error error;

  snprintf (path, sizeof path, TEST_GOLDEN_DIR "/models/%s.wlm", models[index]);
  if (walloc_model_load (path, NULL, &model, &error) != WALLOC_OK) {
    printf ("Bail out! %s\n", error.text);
    exit (1);
  }
  return model;
}

/* All frames, one behind the other. */
static walloc_result
encode (const golden_sound * g, walloc_model * model, uint8_t ** stream,
    size_t *size)
{
  const size_t block = (size_t) g->columns * WALLOC_AUDIO_COLUMN;
  int16_t *samples = calloc (BLOCKS * block * g->channels, sizeof *samples);
  walloc_result result = WALLOC_OK;
  walloc_audio_params params;
  walloc_audio_encoder *e;
  walloc_error error;
  const uint8_t *data;
  size_t bytes;
  unsigned k;

  draw (g, samples, BLOCKS * block);
  *stream = NULL;
  *size = 0;
  walloc_audio_encoder_new (model, NULL, g->rate, g->channels, g->columns, &e,
      NULL);
  for (k = 0; k < BLOCKS && result == WALLOC_OK; k++) {
    walloc_audio_params_init (&params);
    params.quality = g->quality;
    params.layers = g->layers;
    params.mask = g->mask;
    if (g->trims) {
      params.pts = k == 0 ? 0 : WALLOC_TIME_NONE;
      params.trim_start = k * block >= WALLOC_AUDIO_DELAY ? 0 :
          WALLOC_AUDIO_DELAY - k * block > block ? (unsigned) block :
          (unsigned) (WALLOC_AUDIO_DELAY - k * block);
      params.trim_end = k + 1 == BLOCKS ? 100 : 0;
    }
    result = walloc_audio_encoder_encode (e, samples + k * block * g->channels,
        WALLOC_SAMPLES_S16, &params, &data, &bytes, NULL, &error);
    if (result == WALLOC_OK) {
      *stream = realloc (*stream, *size + bytes);
      memcpy (*stream + *size, data, bytes);
      *size += bytes;
    } else {
      printf ("# %s\n", error.text);
    }
  }
  walloc_audio_encoder_free (e);
  free (samples);
  return result;
}

/* FNV-1a of the latents of all pairs of a frame, channel by channel; absent
 * channels are not part of it. */
static int
hash_latents (walloc_model * model, const uint8_t * data,
    const walloc_frame_info * info, uint64_t * sum)
{
  const unsigned n = model->info.channels;
  uint8_t present[WALLOC_MODEL_MAX_CHANNELS];
  uint64_t hash = 0xcbf29ce484222325u;
  walloc_slice_coder coder;
  unsigned i, c, x, layer;
  walloc_slice slice;
  size_t offset, size;
  int16_t *latents, q;
  walloc_mem mem;
  int good = 1;

  walloc_mem_init (&mem, NULL);
  latents = walloc_mem_alloc (&mem, walloc_slice_elements (info->columns, 1,
          n), sizeof *latents);
  memset (&slice, 0, sizeof slice);
  slice.scratch = walloc_mem_alloc (&mem, 1, walloc_slice_scratch (model,
          info->columns, 1, n, 0));
  slice.width = info->columns;
  slice.rows = 1;
  slice.stride = walloc_slice_stride (info->columns);
  slice.plane_stride = walloc_slice_plane_stride (info->columns, 1);
  slice.planes = latents + walloc_slice_origin (info->columns);
  for (i = 0; i < info->slices; i++) {
    walloc_audio_present (model, walloc_audio_signals (info->audio_channels,
            i), present);
    walloc_slice_coder_init (&coder, model, info->set, info->channels, present);
    walloc_slice_coder_layers (&coder, info->layers, info->layer_end);
    for (layer = 0; layer < info->layers; layer++)
      good &= walloc_frame_segment (data, info, i, layer, &offset, &size) ==
          WALLOC_OK && walloc_slice_decode (&coder, &slice, layer,
          data + offset, size) == WALLOC_OK;
    for (c = 0; c < info->channels; c++)
      for (x = 0; present[c] && x < info->columns; x++) {
        q = slice.planes[c * slice.plane_stride + x];
        hash = (hash ^ ((unsigned) q & 255)) * 0x100000001b3u;
        hash = (hash ^ ((unsigned) q >> 8 & 255)) * 0x100000001b3u;
      }
  }
  walloc_mem_release (&mem, &slice.scratch);
  walloc_mem_release (&mem, &latents);
  *sum = *sum * 0x100000001b3u ^ hash;
  return good;
}

/* Checksum of the latents, and the samples, which the caller frees. */
static walloc_result
decode (walloc_model * model, const uint8_t * stream, size_t size,
    uint64_t * latents, int16_t ** samples, size_t *count)
{
  walloc_audio_decoder *d;
  walloc_result result = WALLOC_OK;
  walloc_frame_info info;
  walloc_error error = { "" };
  size_t at = 0, block;
  unsigned damaged;

  *latents = 0;
  *samples = NULL;
  *count = 0;
  walloc_audio_decoder_new (model, NULL, &d, NULL);
  while (at < size && result == WALLOC_OK) {
    result = walloc_frame_parse (stream + at, size - at, &info, &error);
    if (result != WALLOC_OK)
      break;
    block = (size_t) info.columns * WALLOC_AUDIO_COLUMN * info.audio_channels;
    *samples = realloc (*samples, (*count + block) * sizeof **samples);
    result = walloc_audio_decoder_decode (d, stream + at, size - at,
        WALLOC_SAMPLES_S16, *samples + *count, block, NULL, &damaged, &error);
    *count += block;
    if (result == WALLOC_OK && (damaged > 0 || !hash_latents (model,
                stream + at, &info, latents)))
      result = WALLOC_ERR_CORRUPT;
    at += info.header_size + (size_t) info.payload_size;
  }
  if (result != WALLOC_OK)
    printf ("# %s\n", error.text);
  walloc_audio_decoder_free (d);
  return result;
}

static int
write_file (const char *folder, const char *name, const char *ending,
    const void *data, size_t size)
{
  char path[1024];
  FILE *file;

  snprintf (path, sizeof path, "%s/%s.%s", folder, name, ending);
  file = fopen (path, "wb");
  return file != NULL && fwrite (data, size, 1, file) == 1 &&
      fclose (file) == 0;
}

static uint8_t *
read_file (const char *name, const char *ending, size_t *size)
{
  uint8_t *data = malloc (1 << 20);
  char path[1024];
  FILE *file;

  snprintf (path, sizeof path, TEST_GOLDEN_DIR "/sound/%s.%s", name, ending);
  file = fopen (path, "rb");
  *size = 0;
  if (file != NULL && data != NULL)
    *size = fread (data, 1, 1 << 20, file);
  if (file != NULL)
    fclose (file);
  return data;
}

/* 16-bit samples are little-endian in files. */
static void
swap_samples (int16_t * samples, size_t count)
{
  const uint8_t *bytes = (const uint8_t *) samples;
  size_t i;

  for (i = 0; i < count; i++)
    samples[i] = (int16_t) (bytes[2 * i] | bytes[2 * i + 1] << 8);
}

static int
write_all (const char *folder)
{
  walloc_model *model;
  char path[1024];
  uint64_t latents;
  int16_t *samples;
  uint8_t *stream;
  size_t size, count, i;
  FILE *list;

  snprintf (path, sizeof path, "%s/list.txt", folder);
  list = fopen (path, "w");
  if (list == NULL)
    return 1;
  fprintf (list, "# stream, model, FNV-1a of latents: of several frames, each "
      "checksum times\n# 0x100000001b3 before the next is added by exclusive "
      "or. Samples are in .s16\n# files. Made by "
      "tests/check/libs/codec/test_sound_stream.c\n");
  for (i = 0; i < CASES; i++) {
    model = load_model (cases[i].model);
    if (encode (&cases[i], model, &stream, &size) != WALLOC_OK ||
        decode (model, stream, size, &latents, &samples, &count) != WALLOC_OK)
      return 1;
    swap_samples (samples, count);
    fprintf (list, "%s %s %016llx\n", cases[i].name, models[cases[i].model],
        (unsigned long long) latents);
    if (!write_file (folder, cases[i].name, "wlc", stream, size) ||
        !write_file (folder, cases[i].name, "s16", samples,
            count * sizeof *samples))
      return 1;
    free (stream);
    free (samples);
    walloc_model_unref (model);
  }
  return fclose (list) != 0;
}

static void
check (const golden_sound * g, walloc_model * model, uint64_t want)
{
  size_t golden_size, size = 0, count = 0, bytes, i, k, at;
  uint8_t *golden = read_file (g->name, "wlc", &golden_size), *stream = NULL;
  uint8_t *file = read_file (g->name, "s16", &bytes);
  int16_t *samples = NULL;
  uint64_t latents = 0;
  walloc_frame_info info;
  walloc_result result;
  unsigned layers = 0, trimmed = 0, frames = 0;

  result = decode (model, golden, golden_size, &latents, &samples, &count);
  TAP_OK (result == WALLOC_OK && latents == want, "%s: %zu bytes, latents "
      "%016llx", g->name, golden_size, (unsigned long long) latents);
  if (bytes == count * sizeof *samples)
    swap_samples ((int16_t *) (void *) file, count);
  for (i = k = 0; i < count && bytes == count * sizeof *samples; i++)
    k += samples[i] == ((const int16_t *) (const void *) file)[i];
  TAP_OK (count > 0 && k == count, "%s: %zu of %zu samples are the same",
      g->name, k, count);
  TAP_OK (encode (g, model, &stream, &size) == WALLOC_OK &&
      size == golden_size && memcmp (stream, golden, size) == 0,
      "%s: encoded to the same bytes", g->name);
  for (at = 0; at < size && walloc_frame_parse (stream + at, size - at, &info,
          NULL) == WALLOC_OK; frames++) {
    layers = info.layers > layers ? info.layers : layers;
    trimmed += info.trim_start + info.trim_end;
    at += info.header_size + (size_t) info.payload_size;
  }
  TAP_OK (frames == BLOCKS && (layers > 1) == (g->layers > 1) &&
      trimmed == (g->trims ? WALLOC_AUDIO_DELAY + 100 : 0) &&
      info.mask == g->mask && info.audio_channels == g->channels &&
      info.whole == (g->model == 1),
      "%s: %u frames, %u layers, %u samples trimmed", g->name, frames, layers,
      trimmed);
  free (golden);
  free (stream);
  free (file);
  free (samples);
}

int
main (int argc, char **argv)
{
  unsigned long long latents;
  char line[256], name[64], used[64];
  walloc_model *model[MODELS];
  size_t i, found = 0;
  FILE *list;

  if (argc == 3 && strcmp (argv[1], "--write") == 0)
    return write_all (argv[2]);
  for (i = 0; i < MODELS; i++)
    model[i] = load_model ((unsigned) i);
  list = fopen (TEST_GOLDEN_DIR "/sound/list.txt", "r");
  TAP_OK (list != NULL, "list of streams");
  while (list != NULL && fgets (line, sizeof line, list) != NULL) {
    if (line[0] == '#' || sscanf (line, "%63s %63s %llx", name, used,
            &latents) != 3)
      continue;
    for (i = 0; i < CASES; i++)
      if (strcmp (cases[i].name, name) == 0 &&
          strcmp (models[cases[i].model], used) == 0) {
        check (&cases[i], model[cases[i].model], latents);
        found++;
      }
  }
  TAP_OK (found == CASES, "%zu of %zu streams checked", found, CASES);
  if (list != NULL)
    fclose (list);
  for (i = 0; i < MODELS; i++)
    walloc_model_unref (model[i]);
  return tap_done ();
}
