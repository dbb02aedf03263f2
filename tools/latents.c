/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A stream's latents to a .npy file, format version 1.0
 * (numpy.lib.format). */
#include "latents.h"

#include <walloc/audio.h>
#include <walloc/decoder.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "models.h"
#include "streams.h"

/* Bytes in front of the numbers, a multiple of 64: it is written first, and
 * again when the number of frames is known. */
#define HEADER 128
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define TYPE ">f4"
#else
#define TYPE "<f4"
#endif

/* One frame: of pictures [1][channels][rows][columns], of sound [pairs]
 * [channels][1][columns]. */
typedef struct
{
  unsigned pairs, channels, rows, columns;
  float *data;                  /* what is not in the frame is 0 */
} block;

typedef struct
{
  const char *in, *path;
  FILE *file;                   /* NULL before the first frame */
  int sound;
  block shape;
  unsigned channels;            /* asked for, 0: all */
  unsigned frames;
  walloc_model *model;
  walloc_decoder *decoder;
  walloc_audio_decoder *audio;
} writer;

static int
write_header (writer * w)
{
  const block *b = &w->shape;
  char header[HEADER + 1];
  int n;

  memset (header, ' ', sizeof header);
  memcpy (header, "\x93NUMPY\x01\x00", 8);
  header[8] = HEADER - 10;
  header[9] = 0;
  n = snprintf (header + 10, HEADER - 10, "{'descr': '" TYPE "', "
      "'fortran_order': False, 'shape': (%u, %u, %u, %u), }", w->frames,
      w->sound ? b->pairs : b->channels, w->sound ? b->channels : b->rows,
      b->columns);
  header[10 + n] = ' ';
  header[HEADER - 1] = '\n';
  return fseek (w->file, 0, SEEK_SET) == 0 &&
      fwrite (header, HEADER, 1, w->file) == 1;
}

static int
fail (const char *path)
{
  fprintf (stderr, "walloc: %s: %s\n", path, strerror (errno));
  return 1;
}

/* The file and memory for the first frame; the same shape for all others. */
static int
begin (writer * w, const block * b)
{
  const size_t n = (size_t) b->pairs * b->channels * b->rows * b->columns;

  if (w->file == NULL) {
    w->shape = *b;
    w->shape.data = calloc (n, sizeof (float));
    if (w->shape.data == NULL)
      return fail (w->path);
    w->file = fopen (w->path, "wb");
    return w->file == NULL || !write_header (w) ? fail (w->path) : 0;
  }
  if (b->pairs != w->shape.pairs || b->rows != w->shape.rows ||
      b->columns != w->shape.columns) {
    fprintf (stderr, "walloc: %s: frame %u has latents of %u x %u x %u, those "
        "before %u x %u x %u: one array cannot hold both\n", w->in, w->frames,
        b->pairs, b->rows, b->columns, w->shape.pairs, w->shape.rows,
        w->shape.columns);
    return 1;
  }
  return 0;
}

static int
end (writer * w)
{
  const block *b = &w->shape;
  const size_t n = (size_t) b->pairs * b->channels * b->rows * b->columns;

  if (fwrite (b->data, sizeof (float), n, w->file) != n)
    return fail (w->path);
  w->frames++;
  return 0;
}

/* Says what is damaged; 1: nothing can be had. */
static int
check (const writer * w, walloc_result result, unsigned damaged,
    const char *parts, const walloc_error * error)
{
  if (result == WALLOC_OK && damaged > 0)
    fprintf (stderr, "walloc: %s: frame %u: %u %s are damaged\n", w->in,
        w->frames, damaged, parts);
  if (result != WALLOC_OK)
    stream_report (w->in, error);
  return result != WALLOC_OK && (result != WALLOC_ERR_TRUNCATED ||
      damaged == 0);
}

static int
write_picture (writer * w, const uint8_t * data, size_t size)
{
  walloc_latents l;
  walloc_error error;
  walloc_result result;
  unsigned damaged, c;
  size_t grid, i;
  float *to;
  block b;

  result = walloc_decoder_latents (w->decoder, data, size, &l, &damaged,
      &error);
  if (check (w, result, damaged, "slices", &error))
    return 1;
  b = (block) {
  1, w->channels, l.height, l.width, NULL};
  if (begin (w, &b))
    return 1;
  grid = (size_t) l.width * l.height;
  for (c = 0; c < w->channels; c++) {
    to = w->shape.data + c * grid;
    if (c >= l.channels)
      memset (to, 0, grid * sizeof *to);
    for (i = 0; c < l.channels && i < grid; i++)
      to[i] = (float) l.data[c * grid + i] * l.step[(l.step_of == NULL ? 0 :
              l.step_of[i] * (size_t) l.channels) + c];
  }
  return end (w) ? 1 : damaged > 0 ? 3 : 0;
}

static int
write_sound (writer * w, const uint8_t * data, size_t size)
{
  walloc_audio_latents l;
  walloc_error error;
  walloc_result result;
  unsigned damaged, p;
  size_t pair;
  block b;

  result = walloc_audio_decoder_latents (w->audio, data, size, &l, NULL,
      &damaged, &error);
  if (check (w, result, damaged, "segments", &error))
    return 1;
  b = (block) {
  l.pairs, w->channels, 1, l.columns, NULL};
  if (begin (w, &b))
    return 1;
  pair = (size_t) w->channels * l.columns;
  for (p = 0; p < l.pairs; p++)
    memcpy (w->shape.data + p * pair, l.data + (size_t) p * l.channels *
        l.columns, pair * sizeof (float));
  return end (w) ? 1 : damaged > 0 ? 3 : 0;
}

/* Model and decoder for the first frame. */
static int
open_decoder (writer * w, const char *model, const walloc_frame_info * info)
{
  walloc_model_info about;
  walloc_error error;
  walloc_result result;

  w->model = model != NULL ? models_open (model) : models_find (info->model_id);
  if (w->model == NULL)
    return 1;
  walloc_model_get_info (w->model, &about);
  if (w->channels > about.channels) {
    fprintf (stderr, "walloc: %s: model '%s' has %u channels, not %u\n", w->in,
        about.name, about.channels, w->channels);
    return 1;
  }
  if (w->channels == 0)
    w->channels = about.channels;
  w->sound = about.media == WALLOC_MEDIA_AUDIO;
  if (w->sound)
    result = walloc_audio_decoder_new (w->model, NULL, &w->audio, &error);
  else
    result = walloc_decoder_new (w->model, NULL, NULL, NULL, &w->decoder,
        &error);
  if (result == WALLOC_OK && !w->sound)
    result = walloc_decoder_set_channels (w->decoder, w->channels, &error);
  return result == WALLOC_OK ? 0 : stream_report (w->in, &error);
}

static int
write_frames (writer * w, const char *model, const uint8_t * data, size_t size)
{
  int status = 0, damaged = 0;
  walloc_frame_info info;
  size_t at = 0;

  while (status != 1 && stream_next (w->in, data, size, &at, &info, &damaged)) {
    if (w->model == NULL)
      status = open_decoder (w, model, &info);
    if (status != 1)
      status = w->sound ? write_sound (w, data + at, size - at) :
          write_picture (w, data + at, size - at);
    damaged |= status == 3;
    at += info.header_size;
    at = info.payload_size > size - at ? size : at + info.payload_size;
  }
  if (status != 1 && w->frames == 0) {
    fprintf (stderr, "walloc: %s: there is no frame in the file\n", w->in);
    status = 1;
  }
  return status == 1 ? 1 : damaged ? 3 : 0;
}

int
latents_write (const char *in, const char *out, const char *model,
    unsigned channels)
{
  writer w = { in, out, NULL, 0, {0}, channels, 0, NULL, NULL, NULL };
  uint8_t *data;
  size_t size;
  int status;

  data = stream_read (in, &size);
  if (data == NULL)
    return 1;
  status = write_frames (&w, model, data, size);
  if (w.file != NULL) {
    /* what there is, also in front of what could not be decoded */
    if (!write_header (&w) || fflush (w.file) != 0)
      status = fail (out);
    if (fclose (w.file) != 0)
      status = fail (out);
  }
  if (status != 1 && w.sound)
    printf ("%u frame%s of %u pair%s, %u channels of %u columns\n", w.frames,
        w.frames == 1 ? "" : "s", w.shape.pairs, w.shape.pairs == 1 ? "" :
        "s", w.channels, w.shape.columns);
  else if (status != 1)
    printf ("%u frame%s of %u channels of %ux%u\n", w.frames, w.frames == 1 ?
        "" : "s", w.channels, w.shape.columns, w.shape.rows);
  free (w.shape.data);
  free (data);
  walloc_decoder_free (w.decoder);
  walloc_audio_decoder_free (w.audio);
  walloc_model_unref (w.model);
  return status;
}
