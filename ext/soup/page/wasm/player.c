/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the page's worker calls: a player is a model with the decoders that
 * frames of it need. All that comes in was copied into memory from
 * walloc_player_alloc(); what comes out stays until the next call. Numbers that
 * the worker reads are arrays of 32 bits, so that no layout of structs matters
 * (decoder.js has the same order). */
#include <walloc/audio.h>
#include <walloc/decoder.h>

#include <stdlib.h>
#include <string.h>

#include "colour.h"
#include "common/mem.h"

#define EXPORT(name) __attribute__ ((export_name (#name))) name

/* 7680x4320 and a little; with all that is kept of a picture that is within
 * the memory of a module (meson.build). */
#define MAX_PIXELS ((uint64_t) 1 << 25)
#define MAX_MEMORY ((size_t) 768 << 20)

/* Numbers of a header. 64-bit ones have their lower half first. */
enum
{
  HEADER_MEDIA, HEADER_TYPE, HEADER_SIZE, HEADER_PAYLOAD, HEADER_MODEL,
  HEADER_PTS = HEADER_MODEL + 2, HEADER_DURATION = HEADER_PTS + 2,
  HEADER_WIDTH = HEADER_DURATION + 2, HEADER_HEIGHT, HEADER_FORMAT,
  HEADER_FPS_N, HEADER_FPS_D, HEADER_PAR_N, HEADER_PAR_D, HEADER_CHANNELS,
  HEADER_LAYERS, HEADER_STEP, HEADER_SCALE, HEADER_SEQUENCE, HEADER_RATE,
  HEADER_SOUNDS, HEADER_COLUMNS, HEADER_TRIM_START, HEADER_TRIM_END,
  HEADER_NUMBERS
};

/* Of what was made: damaged slices; size of the picture and its format; where
 * its RGBA and its planes are, and bytes from row to row of these; where
 * samples are (float, interleaved), and how many of a channel. */
enum
{
  MADE_DAMAGED, MADE_WIDTH, MADE_HEIGHT, MADE_FORMAT, MADE_RGBA, MADE_PLANE,
  MADE_STRIDE = MADE_PLANE + 3, MADE_SAMPLES = MADE_STRIDE + 3, MADE_COUNT,
  MADE_NUMBERS
};

typedef struct
{
  uint32_t made[MADE_NUMBERS];
  walloc_error error;
  walloc_mem mem;
  walloc_model *model;
  walloc_decoder *pictures;
  walloc_audio_decoder *sounds;
  /* for pictures of this size */
  walloc_image image;
  uint8_t *planes;
  uint32_t *rgba;
  int16_t *scratch;
  float *samples;
  size_t room;                  /* of them */
} walloc_player;

void *EXPORT (walloc_player_alloc) (size_t size);
void EXPORT (walloc_player_release) (void *memory);
walloc_player *EXPORT (walloc_player_new) (const uint8_t * model, size_t size,
    char *text);
void EXPORT (walloc_player_free) (walloc_player * p);
const char *EXPORT (walloc_player_error) (walloc_player * p);
const uint32_t *EXPORT (walloc_player_made) (walloc_player * p);
void EXPORT (walloc_player_model_id) (walloc_player * p, uint32_t id[2]);
void EXPORT (walloc_player_conceal) (walloc_player * p, int conceal);
void EXPORT (walloc_player_reset) (walloc_player * p);
int EXPORT (walloc_player_parse) (const uint8_t * data, size_t size,
    uint32_t * numbers, char *text);
int EXPORT (walloc_player_picture) (walloc_player * p, const uint8_t * data,
    size_t size, unsigned reduce);
int EXPORT (walloc_player_follow) (walloc_player * p, const uint8_t * data,
    size_t size);
int EXPORT (walloc_player_sound) (walloc_player * p, const uint8_t * data,
    size_t size);
int EXPORT (walloc_player_sound_gap) (walloc_player * p);

void *
walloc_player_alloc (size_t size)
{
  return malloc (size > 0 ? size : 1);
}

void
walloc_player_release (void *memory)
{
  free (memory);
}

/* text: room for a walloc_error; says why the result is NULL. */
walloc_player *
walloc_player_new (const uint8_t * model, size_t size, char *text)
{
  const walloc_allocator allocator = { NULL, NULL, NULL, MAX_MEMORY };
  const walloc_decoder_limits limits = { MAX_PIXELS };
  walloc_player *p = calloc (1, sizeof *p);
  walloc_model_info info;
  walloc_result result = WALLOC_ERR_MEMORY;

  if (p != NULL) {
    walloc_mem_init (&p->mem, &allocator);
    result = walloc_model_load_memory (model, size, &allocator, &p->model,
        &p->error);
  }
  if (result == WALLOC_OK) {
    walloc_model_get_info (p->model, &info);
    result = info.media == WALLOC_MEDIA_AUDIO ?
        walloc_audio_decoder_new (p->model, &allocator, &p->sounds, &p->error)
        : walloc_decoder_new (p->model, &allocator, NULL, &limits,
        &p->pictures, &p->error);
  }
  if (result == WALLOC_OK)
    return p;
  strcpy (text, p != NULL ? p->error.text : walloc_strerror (result));
  walloc_player_free (p);
  return NULL;
}

void
walloc_player_free (walloc_player * p)
{
  if (p == NULL)
    return;
  walloc_decoder_free (p->pictures);
  walloc_audio_decoder_free (p->sounds);
  walloc_model_unref (p->model);
  walloc_mem_free (&p->mem, p->planes);
  walloc_mem_free (&p->mem, p->rgba);
  walloc_mem_free (&p->mem, p->scratch);
  walloc_mem_free (&p->mem, p->samples);
  free (p);
}

/* Of the last call that failed. */
const char *
walloc_player_error (walloc_player * p)
{
  return p->error.text;
}

const uint32_t *
walloc_player_made (walloc_player * p)
{
  return p->made;
}

void
walloc_player_model_id (walloc_player * p, uint32_t id[2])
{
  walloc_model_info info;

  walloc_model_get_info (p->model, &info);
  id[0] = (uint32_t) info.id;
  id[1] = (uint32_t) (info.id >> 32);
}

void
walloc_player_conceal (walloc_player * p, int conceal)
{
  if (p->pictures != NULL)
    walloc_decoder_set_conceal (p->pictures, conceal);
}

void
walloc_player_reset (walloc_player * p)
{
  if (p->pictures != NULL)
    walloc_decoder_reset (p->pictures);
  if (p->sounds != NULL)
    walloc_audio_decoder_reset (p->sounds);
}

static void
put_64 (uint32_t * to, uint64_t value)
{
  to[0] = (uint32_t) value;
  to[1] = (uint32_t) (value >> 32);
}

/* numbers: HEADER_NUMBERS of them. Returns a walloc_result. */
int
walloc_player_parse (const uint8_t * data, size_t size, uint32_t * n,
    char *text)
{
  walloc_frame_info info;
  walloc_error error = { "" };
  walloc_result result;

  walloc_frame_info_init (&info);
  result = walloc_frame_parse (data, size, &info, &error);
  memcpy (text, error.text, sizeof error.text);
  n[HEADER_MEDIA] = info.media;
  n[HEADER_TYPE] = info.type;
  n[HEADER_SIZE] = info.header_size;
  n[HEADER_PAYLOAD] = info.payload_size;
  put_64 (n + HEADER_MODEL, info.model_id);
  put_64 (n + HEADER_PTS, info.pts);
  put_64 (n + HEADER_DURATION, info.duration);
  n[HEADER_WIDTH] = info.width;
  n[HEADER_HEIGHT] = info.height;
  n[HEADER_FORMAT] = info.format;
  n[HEADER_FPS_N] = info.fps_n;
  n[HEADER_FPS_D] = info.fps_d;
  n[HEADER_PAR_N] = info.par_n;
  n[HEADER_PAR_D] = info.par_d;
  n[HEADER_CHANNELS] = info.channels;
  n[HEADER_LAYERS] = info.layers;
  n[HEADER_STEP] = info.step_index;
  n[HEADER_SCALE] = info.scale;
  n[HEADER_SEQUENCE] = info.sequence;
  n[HEADER_RATE] = info.rate;
  n[HEADER_SOUNDS] = info.audio_channels;
  n[HEADER_COLUMNS] = info.columns;
  n[HEADER_TRIM_START] = info.trim_start;
  n[HEADER_TRIM_END] = info.trim_end;
  return result;
}

/* The format that a picture is decoded into: one that colour.h takes, or RGBA
 * at once. */
static walloc_format
shown_format (walloc_format format)
{
  if (format == WALLOC_FORMAT_NV12)
    return WALLOC_FORMAT_I420;
  return format >= WALLOC_FORMAT_RGB ? WALLOC_FORMAT_RGBX : format;
}

/* Memory for a picture of another size, once the decoder says that there is
 * something to decode. */
static walloc_result
prepare (walloc_player * p, walloc_format format, unsigned width,
    unsigned height)
{
  walloc_image *image = &p->image;
  size_t pixels = (size_t) width * height, at = 0;
  int missing = 0;
  unsigned i;

  if (image->format == format && image->width == width &&
      image->height == height && p->rgba != NULL)
    return WALLOC_OK;
  walloc_mem_release (&p->mem, &p->planes);
  walloc_mem_release (&p->mem, &p->rgba);
  walloc_mem_release (&p->mem, &p->scratch);
  memset (image, 0, sizeof *image);
  image->format = format;
  image->width = width;
  image->height = height;
  p->rgba = walloc_mem_take (&p->mem, pixels, sizeof *p->rgba, &missing);
  p->scratch = walloc_mem_take (&p->mem, walloc_colour_scratch (width),
      sizeof *p->scratch, &missing);
  if (format != WALLOC_FORMAT_RGBX)
    p->planes = walloc_mem_take (&p->mem, 3 * pixels, 1, &missing);
  for (i = 0; i < walloc_format_planes (format); i++) {
    image->stride[i] = (ptrdiff_t) walloc_format_row_bytes (format, i, width);
    image->plane[i] = format == WALLOC_FORMAT_RGBX ? (uint8_t *) p->rgba :
        p->planes + at;
    at += (size_t) image->stride[i] * walloc_format_rows (format, i, height);
  }
  if (!missing)
    return WALLOC_OK;
  walloc_mem_release (&p->mem, &p->rgba);
  return walloc_fail (&p->error, WALLOC_ERR_MEMORY,
      "no memory for a picture of %ux%u", width, height);
}

static void
report_picture (walloc_player * p, unsigned damaged)
{
  unsigned i;

  memset (p->made, 0, sizeof p->made);
  p->made[MADE_DAMAGED] = damaged;
  p->made[MADE_WIDTH] = p->image.width;
  p->made[MADE_HEIGHT] = p->image.height;
  p->made[MADE_FORMAT] = p->image.format;
  p->made[MADE_RGBA] = (uint32_t) (uintptr_t) p->rgba;
  for (i = 0; i < walloc_format_planes (p->image.format); i++) {
    p->made[MADE_PLANE + i] = (uint32_t) (uintptr_t) p->image.plane[i];
    p->made[MADE_STRIDE + i] = (uint32_t) p->image.stride[i];
  }
}

/* Decodes a frame at 1 / 2^reduce of its size. 0: there is a picture, maybe
 * with damaged slices, also of a frame that was cut short. */
int
walloc_player_picture (walloc_player * p, const uint8_t * data, size_t size,
    unsigned reduce)
{
  walloc_decode_params params;
  walloc_frame_info info;
  walloc_result result;
  unsigned damaged = 0;

  if (p->pictures == NULL)
    return walloc_fail (&p->error, WALLOC_ERR_ARGUMENT,
        "the model is not one of pictures");
  walloc_decode_params_init (&params);
  params.kind = WALLOC_DECODER_LINEAR;
  params.reduce = reduce;
  walloc_frame_info_init (&info);
  result = walloc_frame_parse (data, size, &info, &p->error);
  if (result == WALLOC_OK)
    result = walloc_decoder_check (p->pictures, data, size, &p->error);
  if (result == WALLOC_OK)
    result = prepare (p, shown_format (info.format),
        walloc_decoder_reduced_size (info.width, reduce),
        walloc_decoder_reduced_size (info.height, reduce));
  if (result == WALLOC_OK)
    result = walloc_decoder_decode_with (p->pictures, data, size, &params,
        &p->image, &damaged, &p->error);
  if (result == WALLOC_ERR_TRUNCATED && damaged > 0)
    result = WALLOC_OK;
  if (result != WALLOC_OK)
    return result;
  if (p->image.format != WALLOC_FORMAT_RGBX)
    walloc_colour_rgba (&p->image, info.has_colour ? &info.colour : NULL,
        info.height, p->scratch, p->rgba);
  report_picture (p, damaged);
  return WALLOC_OK;
}

/* Decodes as much of a frame as the next one needs, for those that are too
 * late to be seen. */
int
walloc_player_follow (walloc_player * p, const uint8_t * data, size_t size)
{
  walloc_latents latents;
  walloc_result result;
  unsigned damaged = 0;

  if (p->pictures == NULL)
    return walloc_fail (&p->error, WALLOC_ERR_ARGUMENT,
        "the model is not one of pictures");
  result = walloc_decoder_check (p->pictures, data, size, &p->error);
  if (result == WALLOC_OK)
    result = walloc_decoder_latents (p->pictures, data, size, &latents,
        &damaged, &p->error);
  if (result == WALLOC_ERR_TRUNCATED && damaged > 0)
    result = WALLOC_OK;
  memset (p->made, 0, sizeof p->made);
  p->made[MADE_DAMAGED] = damaged;
  return result;
}

static walloc_result
more_samples (walloc_player * p, size_t room)
{
  int missing = 0;

  if (room <= p->room)
    return WALLOC_OK;
  walloc_mem_release (&p->mem, &p->samples);
  p->room = 0;
  p->samples = walloc_mem_take (&p->mem, room, sizeof *p->samples, &missing);
  if (missing)
    return walloc_fail (&p->error, WALLOC_ERR_MEMORY,
        "no memory for %zu samples", room);
  p->room = room;
  return WALLOC_OK;
}

static int
report_sound (walloc_player * p, walloc_result result, unsigned damaged)
{
  unsigned count = p->made[MADE_COUNT];

  memset (p->made, 0, sizeof p->made);
  p->made[MADE_DAMAGED] = damaged;
  p->made[MADE_SAMPLES] = (uint32_t) (uintptr_t) p->samples;
  p->made[MADE_COUNT] = count;
  return result;
}

/* Trimming is up to the caller. */
int
walloc_player_sound (walloc_player * p, const uint8_t * data, size_t size)
{
  walloc_frame_info info;
  walloc_result result;
  unsigned damaged = 0;

  if (p->sounds == NULL)
    return walloc_fail (&p->error, WALLOC_ERR_ARGUMENT,
        "the model is not one of sound");
  walloc_frame_info_init (&info);
  result = walloc_frame_parse (data, size, &info, &p->error);
  if (result == WALLOC_OK && info.media != WALLOC_MEDIA_AUDIO)
    result = walloc_fail (&p->error, WALLOC_ERR_MODEL_MISMATCH,
        "the frame is not one of sound");
  if (result == WALLOC_OK)
    result = more_samples (p, (size_t) info.columns * WALLOC_AUDIO_COLUMN *
        info.audio_channels);
  if (result == WALLOC_OK)
    result = walloc_audio_decoder_decode (p->sounds, data, size,
        WALLOC_SAMPLES_F32, p->samples, p->room, NULL, &damaged, &p->error);
  if (result == WALLOC_OK)
    p->made[MADE_COUNT] = info.columns * WALLOC_AUDIO_COLUMN;
  return report_sound (p, result, damaged);
}

/* In place of a frame that is lost, as long as the last one. */
int
walloc_player_sound_gap (walloc_player * p)
{
  walloc_result result;

  if (p->sounds == NULL || p->samples == NULL)
    return walloc_fail (&p->error, WALLOC_ERR_ARGUMENT,
        "no sound was decoded yet");
  result = walloc_audio_decoder_conceal (p->sounds, WALLOC_SAMPLES_F32,
      p->samples, p->room, &p->error);
  return report_sound (p, result, 0);
}
