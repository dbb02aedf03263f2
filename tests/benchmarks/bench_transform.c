/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Speed of the packet transforms and input conversions in one thread.
 * Usage: bench_transform [WIDTH HEIGHT [SECONDS]] */
#include "transform/input.h"
#include "../check/libs/transform/strip-util.h"

#include <walloc/wavelet.h>

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

typedef struct
{
  size_t width, height, scratch_floats, cw, ch;
  unsigned levels;
  walloc_border border;
  float *picture, *channels, *scratch;
  int16_t *plane, *coefs;
  strip_run strip;
  uint8_t *pixels;
} bench;

static double
now (void)
{
  struct timespec t;

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &t);
  return (double) t.tv_sec + 1e-9 * (double) t.tv_nsec;
}

static void
analyse (bench * b)
{
  walloc_packet_analyse_2d (b->picture, b->width, b->width, b->height,
      b->levels, b->border, b->channels, b->cw, b->cw * b->ch, b->scratch,
      b->scratch_floats, NULL);
}

static void
synthesise (bench * b)
{
  walloc_packet_synthesise_2d (b->channels, b->cw, b->cw * b->ch, b->width,
      b->height, b->levels, b->border, b->picture, b->width, b->scratch,
      b->scratch_floats, NULL);
}

/* The picture's memory as sound, in frames of 4096 samples. */
static void
analyse_sound (bench * b)
{
  size_t at, n = b->width * b->height;

  for (at = 0; at + 4096 <= n; at += 4096)
    walloc_packet_analyse_1d (b->picture + at, 4096, b->levels, b->border,
        b->channels + at, 4096 >> b->levels, b->scratch, b->scratch_floats,
        NULL);
}

static void
synthesise_sound (bench * b)
{
  size_t at, n = b->width * b->height;

  for (at = 0; at + 4096 <= n; at += 4096)
    walloc_packet_synthesise_1d (b->channels + at, 4096 >> b->levels, 4096,
        b->levels, b->border, b->picture + at, b->scratch, b->scratch_floats,
        NULL);
}

/* One component as the encoder makes it, but for the projection. */
static void
strips (bench * b)
{
  const walloc_strip_kernels *k = b->strip.k;
  walloc_strip_schedule z;
  unsigned row, source, to;
  size_t x;

  walloc_strip_start (&z, 3, (unsigned) b->strip.gh, 0);
  while (z.output_end < b->strip.gh) {
    to = z.output_end + WALLOC_STRIP_ROWS;
    walloc_strip_advance (&z, to < b->strip.gh ? to : (unsigned) b->strip.gh);
    for (row = z.input; row < z.input_end; row++) {
      source = row < b->height ? row : (unsigned) b->height - 1;
      strip_row (&b->strip, b->pixels + source * b->width, NULL, b->width,
          row - z.input);
    }
    for (x = 0; x < b->strip.gw; x += k->lanes)
      k->vertical (&b->strip.plane, &z, b->strip.rows + x, b->strip.stride,
          b->strip.state + x, b->strip.coefs);
  }
}

static void measure (bench * b, const char *name, void (*f) (bench * b),
    double seconds);

/* All instruction sets, the whole packet tree and its low-pass quarter. */
static void
measure_strips (bench * b, double seconds)
{
  const walloc_strip_kernels *k;
  char name[64];
  unsigned n, h, part;

  for (n = 0; (k = walloc_strip_best (n)) != NULL; n++)
    for (part = 0; part < 2; part++) {
      strip_new (&b->strip, k, 8, 3, WALLOC_STRIP_PLAIN, (b->width + 7) / 8,
          (b->height + 7) / 8);
      for (h = 0; h < 8 && part > 0; h++)
        b->strip.plane.pairs[h] = h < 4 ? 3 : 0;
      if (part > 0)
        b->strip.plane.used = 15;
      snprintf (name, sizeof name, "integer %s%s", k->name, part > 0 ?
          " 1/4" : "");
      measure (b, name, strips, seconds);
      strip_free (&b->strip);
    }
}

static void
from_u8 (bench * b)
{
  walloc_input_u8 (b->pixels, (ptrdiff_t) b->width, 1, b->width, b->height,
      b->plane, b->width, b->width, b->height, NULL);
}

static void
from_rgb (bench * b)
{
  static const unsigned order[3] = { 0, 1, 2 };
  int16_t *c = b->coefs;
  size_t n = b->width * b->height;

  walloc_input_rgb (b->pixels, (ptrdiff_t) (3 * b->width), 3, order,
      b->width, b->height, c, c + n, c + 2 * n, b->width, b->width,
      b->height, NULL);
}

static void
from_rgbx (bench * b)
{
  static const unsigned order[3] = { 2, 1, 0 };
  int16_t *c = b->coefs;
  size_t n = b->width * b->height;

  walloc_input_rgb (b->pixels, (ptrdiff_t) (4 * b->width), 4, order,
      b->width, b->height, c, c + n, c + 2 * n, b->width, b->width,
      b->height, NULL);
}

static void
to_u8 (bench * b)
{
  walloc_output_u8 (b->picture, b->width, b->width, b->height, 255.0f,
      128.0f, b->pixels, (ptrdiff_t) b->width, 1, NULL);
}

static void
to_rgb (bench * b)
{
  static const unsigned order[3] = { 0, 1, 2 };

  walloc_output_rgb (b->picture, b->channels, b->scratch, b->width, b->width,
      b->height, 255.0f, 128.0f, b->pixels, (ptrdiff_t) (3 * b->width), 3,
      order, -1, NULL);
}

static void
to_rgbx (bench * b)
{
  static const unsigned order[3] = { 2, 1, 0 };

  walloc_output_rgb (b->picture, b->channels, b->scratch, b->width, b->width,
      b->height, 255.0f, 128.0f, b->pixels, (ptrdiff_t) (4 * b->width), 4,
      order, 255, NULL);
}

static void
measure (bench * b, const char *name, void (*f) (bench * b), double seconds)
{
  double best = 1e30, start, t, until;

  f (b);
  until = now () + seconds;
  do {
    start = now ();
    f (b);
    t = now () - start;
    best = t < best ? t : best;
  } while (now () < until);
  printf ("%-28s J=%u %-10s %9.1f Mpixel/s\n", name, b->levels,
      b->border == WALLOC_BORDER_PERIODIC ? "periodic" : "symmetric",
      1e-6 * (double) b->width * (double) b->height / best);
}

int
main (int argc, char **argv)
{
  bench b = { 0 };
  double seconds = argc > 3 ? atof (argv[3]) : 0.5;
  size_t i, padded;
  unsigned j;

  b.width = argc > 2 ? (size_t) atoi (argv[1]) : 1920;
  b.height = argc > 2 ? (size_t) atoi (argv[2]) : 1080;
  if (b.width == 0 || b.height == 0 || b.width > 16384 || b.height > 16384)
    return 1;
  padded = (b.width + 16) * (b.height + 16);
  walloc_packet_scratch_2d (b.width, 4, &b.scratch_floats, NULL);
  if (b.scratch_floats < padded)
    b.scratch_floats = padded;
  b.picture = calloc (padded, sizeof (float));
  b.channels = calloc (padded, sizeof (float));
  b.scratch = calloc (b.scratch_floats, sizeof (float));
  b.plane = calloc (padded, 2);
  b.coefs = calloc (padded, 6);
  b.pixels = calloc (padded, 4);
  if (!b.picture || !b.channels || !b.scratch || !b.plane || !b.coefs
      || !b.pixels)
    return 1;
  srand (1);
  for (i = 0; i < padded; i++)
    b.picture[i] = (float) rand () / (float) RAND_MAX - 0.5f;
  for (i = 0; i < 4 * padded; i++)
    b.pixels[i] = (uint8_t) rand ();
  for (i = 0; i < padded; i++)
    b.plane[i] = (int16_t) ((b.pixels[i] - 128) * 8);

  for (j = 1; j <= 4; j++) {
    b.levels = j;
    b.cw = walloc_packet_length (b.width, j);
    b.ch = walloc_packet_length (b.height, j);
    b.border = WALLOC_BORDER_SYMMETRIC;
    measure (&b, "float analysis", analyse, seconds);
    measure (&b, "float synthesis", synthesise, seconds);
    if (j == 3)
      measure_strips (&b, seconds);
    if (j == 3) {
      b.border = WALLOC_BORDER_PERIODIC;
      measure (&b, "float analysis", analyse, seconds);
      measure (&b, "float synthesis", synthesise, seconds);
    }
  }
  b.levels = 8;
  b.border = WALLOC_BORDER_PERIODIC;
  measure (&b, "1-D analysis (Msample/s)", analyse_sound, seconds);
  measure (&b, "1-D synthesis (Msample/s)", synthesise_sound, seconds);
  b.levels = 0;
  b.border = WALLOC_BORDER_SYMMETRIC;
  measure (&b, "u8 to fixed point", from_u8, seconds);
  measure (&b, "RGB to fixed point YCbCr", from_rgb, seconds);
  measure (&b, "BGRx to fixed point YCbCr", from_rgbx, seconds);
  measure (&b, "float to u8", to_u8, seconds);
  measure (&b, "float YCbCr to RGB", to_rgb, seconds);
  measure (&b, "float YCbCr to BGRx", to_rgbx, seconds);
  free (b.picture);
  free (b.channels);
  free (b.scratch);
  free (b.plane);
  free (b.coefs);
  free (b.pixels);
  return 0;
}
