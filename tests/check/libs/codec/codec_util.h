/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pictures, models and threads for tests of encoder and decoder. */
#ifndef TESTS_CODEC_UTIL_H
#define TESTS_CODEC_UTIL_H

#include <walloc/decoder.h>
#include <walloc/encoder.h>

#include <math.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "tap.h"

#define MODEL(name) TEST_GOLDEN_DIR "/models/" name

static inline walloc_model *
load_model (const char *path)
{
  walloc_model *model = NULL;
  walloc_error error;

  if (walloc_model_load (path, NULL, &model, &error) != WALLOC_OK) {
    printf ("Bail out! %s\n", error.text);
    exit (1);
  }
  return model;
}

static inline void
picture_new (walloc_image * image, walloc_format format, unsigned width,
    unsigned height)
{
  unsigned p;

  memset (image, 0, sizeof *image);
  image->format = format;
  image->width = width;
  image->height = height;
  for (p = 0; p < walloc_format_planes (format); p++) {
    /* a few bytes more than a row, so that strides matter */
    image->stride[p] =
        (ptrdiff_t) walloc_format_row_bytes (format, p, width) + 5;
    image->plane[p] = calloc (walloc_format_rows (format, p, height),
        (size_t) image->stride[p]);
  }
}

static inline void
picture_free (walloc_image * image)
{
  unsigned p;

  for (p = 0; p < walloc_format_planes (image->format); p++)
    free (image->plane[p]);
}

static inline int
is_filler (walloc_format format, size_t x)
{
  switch (format) {
  case WALLOC_FORMAT_RGBX:
  case WALLOC_FORMAT_BGRX:
    return x % 4 == 3;
  case WALLOC_FORMAT_XRGB:
  case WALLOC_FORMAT_XBGR:
    return x % 4 == 0;
  default:
    return 0;
  }
}

/* kind 0: smooth shading and an edge, 1: with texture, 2: noise, 3: black and
 * white noise */
static inline void
picture_draw (walloc_image * image, unsigned kind, unsigned seed)
{
  unsigned p, y, h, pixel, v;
  size_t x, bytes;
  double t;

  for (p = 0; p < walloc_format_planes (image->format); p++) {
    bytes = walloc_format_row_bytes (image->format, p, image->width);
    h = walloc_format_rows (image->format, p, image->height);
    pixel = image->format >= WALLOC_FORMAT_RGBX ? 4 :
        image->format >= WALLOC_FORMAT_RGB ? 3 :
        image->format == WALLOC_FORMAT_NV12 && p == 1 ? 2 : 1;
    for (y = 0; y < h; y++)
      for (x = 0; x < bytes; x++) {
        v = tap_random (&seed);
        t = 120 + 50 * sin ((double) (x / pixel) * 0.07 + p + seed % 1) +
            40 * cos (y * 0.05 + 0.4 * (double) (x % pixel)) +
            (x / pixel > bytes / pixel / 2 && y > h / 3 ? 30 : 0);
        if (kind == 1)
          t += (double) (v % 31) - 15;
        if (kind == 2)
          t = v >> 8 & 255;
        if (kind == 3)
          t = v >> 8 & 1 ? 255 : 0;
        image->plane[p][(ptrdiff_t) y * image->stride[p] + (ptrdiff_t) x] =
            (uint8_t) (is_filler (image->format, x) ? 255 : t < 0 ? 0 :
            t > 255 ? 255 : t);
      }
  }
}

/* PSNR over all samples but fillers; fillers must be 255 and bytes behind
 * rows untouched, else -1. */
static inline double
picture_psnr (const walloc_image * a, const walloc_image * b)
{
  unsigned p, y;
  size_t x, bytes, n = 0;
  double se = 0, e;

  for (p = 0; p < walloc_format_planes (a->format); p++) {
    bytes = walloc_format_row_bytes (a->format, p, a->width);
    for (y = 0; y < walloc_format_rows (a->format, p, a->height); y++) {
      const uint8_t *ra = a->plane[p] + (ptrdiff_t) y * a->stride[p];
      const uint8_t *rb = b->plane[p] + (ptrdiff_t) y * b->stride[p];

      for (x = 0; x < bytes; x++) {
        if (is_filler (a->format, x) && rb[x] != 255)
          return -1;
        if (is_filler (a->format, x))
          continue;
        e = (double) ra[x] - rb[x];
        se += e * e;
        n++;
      }
      for (; x < bytes + 5; x++)
        if (rb[x] != 0)
          return -1;
    }
  }
  return 10 * log10 (255.0 * 255.0 / (se / (double) n + 1e-6));
}

/* FNV-1a of the samples, row by row. */
static inline uint64_t
picture_hash (const walloc_image * image)
{
  uint64_t hash = 0xcbf29ce484222325u;
  unsigned p, y;
  size_t x;

  for (p = 0; p < walloc_format_planes (image->format); p++)
    for (y = 0; y < walloc_format_rows (image->format, p, image->height); y++)
      for (x = 0; x < walloc_format_row_bytes (image->format, p,
              image->width); x++)
        hash = (hash ^ image->plane[p][(ptrdiff_t) y * image->stride[p] +
                (ptrdiff_t) x]) * 0x100000001b3u;
  return hash;
}

/* FNV-1a of the latents as little-endian int16. */
static inline uint64_t
latents_hash (const walloc_latents * latents)
{
  uint64_t hash = 0xcbf29ce484222325u;
  size_t i, n = (size_t) latents->channels * latents->width * latents->height;

  for (i = 0; i < n; i++) {
    hash = (hash ^ ((uint16_t) latents->data[i] & 255)) * 0x100000001b3u;
    hash = (hash ^ ((uint16_t) latents->data[i] >> 8)) * 0x100000001b3u;
  }
  return hash;
}

/* A runner of real threads, started for every call. */
typedef struct
{
  void (*work) (void *data, unsigned index);
  void *data;
  unsigned count;
  atomic_uint next;
} thread_job;

static void *
thread_main (void *data)
{
  thread_job *job = data;
  unsigned i;

  while ((i = atomic_fetch_add (&job->next, 1)) < job->count)
    job->work (job->data, i);
  return NULL;
}

static void __attribute__ ((unused))
run_threads (void *user, void (*work) (void *data, unsigned index),
    void *data, unsigned count)
{
  thread_job job = { work, data, count, 0 };
  pthread_t threads[16];
  unsigned n = *(const unsigned *) user, i;

  for (i = 0; i < n; i++)
    if (pthread_create (&threads[i], NULL, thread_main, &job) != 0)
      abort ();
  for (i = 0; i < n; i++)
    pthread_join (threads[i], NULL);
}

/* Runs work backwards in this thread. */
static void __attribute__ ((unused))
run_backwards (void *user, void (*work) (void *data, unsigned index),
    void *data, unsigned count)
{
  (void) user;
  while (count-- > 0)
    work (data, count);
}

#endif
