/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of the corruptions share. Internal.
 *
 * The published programs compute with v = sample / 255, clip to 0 to 1 and
 * truncate v * 255 to a byte; here samples stay 0 to 255, and every file says
 * where that could make a difference. Floating-point products and sums are
 * never contracted (meson.build), so that all machines agree. */
#ifndef WALLOC_CORRUPTION_PRIVATE_H
#define WALLOC_CORRUPTION_PRIVATE_H

#include "corruption.h"
#include "codec/workers.h"
#include "transform/clones.h"

/* Rows of a piece of parallel work. */
#define CORRUPTION_BAND 32

typedef struct
{
  /* Tables and scratch memory into c->own; false: no memory. */
  int (*prepare) (corruption * c);
  /* c->in to c->out; false and a text: it could not. */
  int (*apply) (corruption * c, char *error);
  void (*clear) (corruption * c);
} corruption_class;

struct corruption
{
  corruption_type type;
  corruption_variant variant;
  unsigned severity;            /* 0 to 4 */
  unsigned width, height, planes;
  const corruption_class *class;
  const walloc_runner *runner;
  walloc_workers workers;

  uint8_t *copy;                /* what came in, rows without gaps */
  void *own;                    /* of the class */

  /* the frame that is worked on */
  const uint8_t *in[3];         /* width bytes from row to row */
  uint8_t *out[3];
  size_t stride;
  uint64_t seed, frame;
};

/* random.c: Philox4x32-10 (Salmon et al., SC 2011), a function of (seed, frame,
 * stream, index) without any state. */
/* Words first to first + n - 1 of a stream; first is a multiple of 4. */
void corruption_random (const corruption * c, unsigned stream,
    uint64_t first, uint32_t * out, size_t n);
/* The same for those who have no picture; type: below 256. */
void corruption_words (uint64_t seed, uint64_t frame, unsigned type,
    unsigned stream, uint64_t first, uint32_t * out, size_t n);
/* One number of [0, 1). */
double corruption_uniform (const corruption * c, unsigned stream,
    unsigned index);
/* Quantiles (i + 1/2) / n of a normal distribution; n is even, 65536 at most:
 * the ends are at 4.3 sigma, where a normal number is beyond once in 60,000. */
void corruption_normal_table (double mean, double sigma, float *table,
    unsigned n);

/* corruption.c: work(data, y0, y1, slot) for bands of rows; slot is below
 * corruption_slots() and nobody else's meanwhile. */
typedef void (*corruption_band) (corruption * c, void *data, unsigned y0,
    unsigned y1, unsigned slot);
void corruption_rows (corruption * c, unsigned rows, corruption_band work,
    void *data);
unsigned corruption_slots (const corruption * c);

/* A number of bytes from counts, checked; NULL: no memory or too many. */
void *corruption_alloc (size_t a, size_t b, size_t size);

/* A byte of a value as the published programs make it: clipped, truncated. */
static inline uint8_t
corruption_byte (float v)
{
  return v <= 0.0f ? 0 : v >= 255.0f ? 255 : (uint8_t) v;
}

/* Index of a mirrored border, -1 -> 1 (reflect-101). */
static inline int
corruption_reflect (int i, int n)
{
  int period = 2 * n - 2;

  if (n == 1)
    return 0;
  i %= period;
  if (i < 0)
    i += period;
  return i < n ? i : period - i;
}

/* The same, the last sample twice, -1 -> 0. */
static inline int
corruption_mirror (int i, int n)
{
  if (i >= 0 && i < n)
    return i;
  i %= 2 * n;
  if (i < 0)
    i += 2 * n;
  return i < n ? i : 2 * n - 1 - i;
}

static inline int
corruption_clamp (int i, int n)
{
  return i < 0 ? 0 : i >= n ? n - 1 : i;
}

/* gaussian.c: separable, in place, borders repeated or mirrored (-1 -> 0);
 * radius: taps to each side. */
typedef struct corruption_gaussian corruption_gaussian;
corruption_gaussian *corruption_gaussian_new (const corruption * c,
    unsigned width, unsigned height, double sigma_x, double sigma_y,
    unsigned radius_x, unsigned radius_y, int mirrored);
void corruption_gaussian_free (corruption_gaussian * g);
void corruption_gaussian_floats (corruption * c, corruption_gaussian * g,
    float *plane);
/* bytes to bytes, truncated */
void corruption_gaussian_bytes (corruption * c, corruption_gaussian * g,
    const uint8_t * in, size_t in_stride, uint8_t * out, size_t out_stride);

/* zoom.c: places of a magnification by two-point interpolation, corner on
 * corner: sample i of count lies between at[i] and at[i] + 1, part[i] of the
 * way. crop: sides of the middle part that is magnified. */
void corruption_zoom_places (unsigned size, double factor, int trim_both,
    unsigned *crop, unsigned *first, unsigned *at, float *part);

/* motion.c: the kernel, for whoever needs it. */
#define CORRUPTION_MAX_TAPS 41
typedef struct
{
  unsigned count;
  float weight[CORRUPTION_MAX_TAPS];
  int dx[CORRUPTION_MAX_TAPS], dy[CORRUPTION_MAX_TAPS];
} corruption_streak;
/* Which samples of a row of n that is moved by dx come from inside of it: first
 * to last - 1. */
static inline void
corruption_moved_range (int dx, int n, int *first, int *last)
{
  *first = dx > 0 ? (dx < n ? dx : n) : 0;
  *last = dx < 0 ? n + dx : n;
  *last = *last > *first ? *last : *first;
}

void corruption_streak_init (corruption_streak * s, unsigned radius,
    double sigma, double degrees);

/* plasma.c: diamond-square map of size x size (a power of two), 0 to 1. */
int corruption_plasma (corruption * c, unsigned stream, unsigned size,
    double decay, float *map);

extern const corruption_class corruption_gaussian_noise, corruption_shot_noise,
    corruption_impulse_noise, corruption_defocus, corruption_glass,
    corruption_motion, corruption_zoom, corruption_snow, corruption_frost,
    corruption_fog, corruption_brightness, corruption_contrast,
    corruption_elastic, corruption_pixelate, corruption_jpeg;

#endif
