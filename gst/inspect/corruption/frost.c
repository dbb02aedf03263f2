/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Frost: a picture of ice crystals laid over. The published programs come with
 * photographs; here five textures are made, with the sizes, and each colour's mean and
 * spread, of the five that those programs draw from: ridges and grain of plasma,
 * which wraps around, so that any size can be had. */
#include "corruption-private.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define SIDE 1024
#define TEXTURES 5
/* heights at which there are ridges */
#define RIDGES 4.0f

static const struct
{
  unsigned width, height;
  float mean[3], spread[3];
  double decay;
} looks[TEXTURES] = {
  {900, 600, {77.7f, 149.1f, 165.7f}, {26.9f, 16.5f, 15.3f}, 1.6},
  {560, 315, {200.8f, 205.4f, 214.5f}, {21.4f, 22.1f, 22.6f}, 1.5},
  {560, 315, {200.8f, 205.4f, 214.5f}, {21.4f, 22.1f, 22.6f}, 1.7},
  {527, 350, {137.6f, 152.8f, 165.2f}, {28.5f, 28.5f, 29.9f}, 1.6},
  {660, 495, {112.4f, 123.4f, 134.8f}, {44.4f, 43.3f, 41.7f}, 1.5},
};

static const struct
{
  float keep, ice;
} frosts[5] = { {1, .4f}, {.8f, .6f}, {.7f, .7f}, {.65f, .7f}, {.6f, .75f} };

typedef struct
{
  uint8_t *texture[TEXTURES];   /* [SIDE][SIDE][3] */
  /* of the frame */
  const uint8_t *from;
  double x, y, by;              /* its first sample, and texture to picture */
} frost;

/* Mean 0, spread 1. */
static void
level (float *v, size_t n)
{
  double sum = 0.0, square = 0.0, by;
  size_t i;

  for (i = 0; i < n; i++) {
    sum += v[i];
    square += (double) v[i] * v[i];
  }
  sum /= n;
  by = square / n - sum * sum;
  by = by > 0 ? 1 / sqrt (by) : 0;
  for (i = 0; i < n; i++)
    v[i] = (float) ((v[i] - sum) * by);
}

static int
make_texture (corruption * c, unsigned i, uint8_t * texture, float *ice,
    float *grain)
{
  size_t k, n = (size_t) SIDE * SIDE;
  unsigned p;

  /* textures are the same for all seeds */
  c->seed = 0x66726f7374ull;
  c->frame = i;
  if (!corruption_plasma (c, 0, SIDE, looks[i].decay, ice)
      || !corruption_plasma (c, 64, SIDE, 1.25, grain))
    return 0;
  /* where plasma crosses one of some heights there is a ridge, sharp and
   * winding, as crystals have */
  for (k = 0; k < n; k++) {
    float part = RIDGES * ice[k] - floorf (RIDGES * ice[k]);

    ice[k] = expf (-8 * fabsf (part - 0.5f)) + 0.7f * ice[k];
  }
  level (ice, n);
  level (grain, n);
  for (k = 0; k < n; k++)
    ice[k] = 0.85f * ice[k] + 0.53f * grain[k];
  level (ice, n);
  for (k = 0; k < n; k++)
    for (p = 0; p < 3; p++)
      texture[3 * k + p] = corruption_byte (looks[i].mean[p]
          + looks[i].spread[p] * ice[k] + 0.5f);
  return 1;
}

/* The texture, made when a frame first asks for it. */
static const uint8_t *
get_texture (corruption * c, unsigned i)
{
  frost *f = c->own;
  uint64_t seed = c->seed, frame = c->frame;
  uint8_t *texture;
  float *ice, *grain;

  if (f->texture[i])
    return f->texture[i];
  texture = corruption_alloc (SIDE, SIDE, 3);
  ice = corruption_alloc (SIDE, SIDE, sizeof (float));
  grain = corruption_alloc (SIDE, SIDE, sizeof (float));
  if (texture && ice && grain && make_texture (c, i, texture, ice, grain)) {
    f->texture[i] = texture;
    texture = NULL;
  }
  c->seed = seed;
  c->frame = frame;
  free (texture);
  free (ice);
  free (grain);
  return f->texture[i];
}

static int
prepare_frost (corruption * c)
{
  c->own = corruption_alloc (1, 1, sizeof (frost));
  return c->own != NULL;
}

static void
clear_frost (corruption * c)
{
  frost *f = c->own;
  unsigned i;

  for (i = 0; i < TEXTURES; i++)
    free (f->texture[i]);
}

static void
frost_rows (corruption * c, void *data, unsigned y0, unsigned y1, unsigned slot)
{
  float keep = frosts[c->severity].keep, ice = frosts[c->severity].ice;
  frost *f = c->own;
  unsigned p, x, y;

  for (y = y0; y < y1; y++) {
    double row = f->y + y * f->by;
    float down = (float) (row - floor (row));
    const uint8_t *a = f->from + (size_t) ((unsigned) row % SIDE) * SIDE * 3;
    const uint8_t *b = f->from + (size_t) (((unsigned) row + 1) % SIDE)
        * SIDE * 3;

    for (x = 0; x < c->width; x++) {
      double place = f->x + x * f->by;
      float right = (float) (place - floor (place));
      unsigned at = (unsigned) place % SIDE, next = (at + 1) % SIDE;
      float grey = 0.0f;

      for (p = 0; p < 3; p++) {
        float l = a[3 * at + p] + down * (b[3 * at + p] - a[3 * at + p]);
        float r = a[3 * next + p] + down * (b[3 * next + p] - a[3 * next + p]);
        float v = l + right * (r - l);

        if (c->planes == 3)
          c->out[p][y * c->stride + x] = corruption_byte (ice * v
              + keep * c->in[p][(size_t) y * c->width + x]);
        grey += v * (p == 0 ? 0.299f : p == 1 ? 0.587f : 0.114f);
      }
      if (c->planes == 1)
        c->out[0][y * c->stride + x] = corruption_byte (ice * grey
            + keep * c->in[0][(size_t) y * c->width + x]);
    }
  }
}

static int
apply_frost (corruption * c, char *error)
{
  unsigned which = (unsigned) (corruption_uniform (c, 0, 0) * TEXTURES);
  double wide = looks[which].width, high = looks[which].height, size = 1.0;
  frost *f = c->own;

  f->from = get_texture (c, which);
  if (f->from == NULL) {
    snprintf (error, CORRUPTION_ERROR_SIZE, "no memory for frost");
    return 0;
  }
  if (c->variant == CORRUPTION_IMAGECORRUPTIONS) {
    /* magnified until it covers the picture, and a tenth more */
    size = c->width / wide > size ? c->width / wide : size;
    size = c->height / high > size ? c->height / high : size;
    size *= 1.1;
  }
  f->by = 1 / size;
  wide -= c->width * f->by;
  high -= c->height * f->by;
  /* textures wrap around where the picture is larger than they are */
  f->x = corruption_uniform (c, 0, 1) * (wide > 0 ? wide : SIDE);
  f->y = corruption_uniform (c, 0, 2) * (high > 0 ? high : SIDE);
  corruption_rows (c, c->height, frost_rows, NULL);
  return 1;
}

const corruption_class corruption_frost = {
  prepare_frost, apply_frost, clear_frost
};
