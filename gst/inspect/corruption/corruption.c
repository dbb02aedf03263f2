/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One corruption for pictures of one size: names, memory, threads. */
#include "corruption-private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct
{
  const char *name;
  const corruption_class *class;
} types[CORRUPTION_TYPES] = {
  {"gaussian_noise", &corruption_gaussian_noise},
  {"shot_noise", &corruption_shot_noise},
  {"impulse_noise", &corruption_impulse_noise},
  {"defocus_blur", &corruption_defocus},
  {"glass_blur", &corruption_glass},
  {"motion_blur", &corruption_motion},
  {"zoom_blur", &corruption_zoom},
  {"snow", &corruption_snow},
  {"frost", &corruption_frost},
  {"fog", &corruption_fog},
  {"brightness", &corruption_brightness},
  {"contrast", &corruption_contrast},
  {"elastic_transform", &corruption_elastic},
  {"pixelate", &corruption_pixelate},
  {"jpeg_compression", &corruption_jpeg},
};

typedef struct
{
  corruption *c;
  corruption_band work;
  void *data;
  unsigned rows;
} band_job;

const char *
corruption_name (corruption_type type)
{
  return (unsigned) type < CORRUPTION_TYPES ? types[type].name : NULL;
}

int
corruption_is_random (corruption_type type, corruption_variant variant)
{
  switch (type) {
    case CORRUPTION_DEFOCUS_BLUR:
    case CORRUPTION_ZOOM_BLUR:
    case CORRUPTION_BRIGHTNESS:
    case CORRUPTION_CONTRAST:
    case CORRUPTION_PIXELATE:
    case CORRUPTION_JPEG_COMPRESSION:
      return 0;
    default:
      return 1;
  }
}

void *
corruption_alloc (size_t a, size_t b, size_t size)
{
  size_t n;

  if (__builtin_mul_overflow (a, b, &n) || __builtin_mul_overflow (n, size, &n)
      || n > ((size_t) 1 << 34))
    return NULL;
  return calloc (n ? n : 1, 1);
}

static void
run_band (void *data, unsigned index)
{
  band_job *job = data;
  unsigned y0 = index * CORRUPTION_BAND, y1 = y0 + CORRUPTION_BAND;
  unsigned slot = walloc_workers_take (&job->c->workers);

  job->work (job->c, job->data, y0, y1 < job->rows ? y1 : job->rows, slot);
  walloc_workers_give (&job->c->workers, slot);
}

void
corruption_rows (corruption * c, unsigned rows, corruption_band work,
    void *data)
{
  band_job job = { c, work, data, rows };
  unsigned i, bands = (rows + CORRUPTION_BAND - 1) / CORRUPTION_BAND;

  if (c->runner != NULL && c->runner->run != NULL && bands > 1) {
    c->runner->run (c->runner->user, run_band, &job, bands);
    return;
  }
  for (i = 0; i < bands; i++)
    run_band (&job, i);
}

unsigned
corruption_slots (const corruption * c)
{
  return c->workers.count;
}

static corruption *
fail (corruption * c, char *error, const char *why)
{
  snprintf (error, CORRUPTION_ERROR_SIZE, "%s", why);
  corruption_free (c);
  return NULL;
}

corruption *
corruption_new (corruption_type type, unsigned severity,
    corruption_variant variant, unsigned width, unsigned height,
    unsigned planes, const walloc_runner * runner, char *error)
{
  corruption *c;

  if ((unsigned) type >= CORRUPTION_TYPES)
    return fail (NULL, error, "no such corruption");
  if (severity < 1 || severity > 5)
    return fail (NULL, error, "severity must be 1 to 5");
  if (width < 1 || height < 1 || width > CORRUPTION_MAX_SIDE
      || height > CORRUPTION_MAX_SIDE) {
    snprintf (error, CORRUPTION_ERROR_SIZE, "pictures of %ux%u; sides of 1 to "
        "%d can be corrupted", width, height, CORRUPTION_MAX_SIDE);
    return NULL;
  }
  if (planes != 1 && planes != 3)
    return fail (NULL, error, "one or three planes are expected");

  c = calloc (1, sizeof (*c));
  if (c == NULL)
    return fail (NULL, error, "no memory");
  c->type = type;
  c->variant = variant;
  c->severity = severity - 1;
  c->width = width;
  c->height = height;
  c->planes = planes;
  c->class = types[type].class;
  c->runner = runner;
  walloc_workers_init (&c->workers, runner);
  c->copy = corruption_alloc ((size_t) width * height, planes, 1);
  if (c->copy == NULL || (c->class->prepare && !c->class->prepare (c)))
    return fail (c, error, "no memory for pictures of this size");
  return c;
}

void
corruption_free (corruption * c)
{
  if (c == NULL)
    return;
  if (c->class->clear && c->own)
    c->class->clear (c);
  free (c->own);
  free (c->copy);
  free (c);
}

int
corruption_apply (corruption * c, uint8_t * const *planes, size_t stride,
    uint64_t seed, uint64_t frame, char *error)
{
  unsigned p, y;

  c->stride = stride;
  c->seed = seed;
  c->frame = frame;
  for (p = 0; p < c->planes; p++) {
    uint8_t *copy = c->copy + (size_t) p * c->width * c->height;

    for (y = 0; y < c->height; y++)
      memcpy (copy + (size_t) y * c->width, planes[p] + y * stride, c->width);
    c->in[p] = copy;
    c->out[p] = planes[p];
  }
  if (c->class->apply (c, error))
    return 1;
  for (p = 0; p < c->planes; p++)
    for (y = 0; y < c->height; y++)
      memcpy (planes[p] + y * stride, c->in[p] + (size_t) y * c->width,
          c->width);
  return 0;
}
