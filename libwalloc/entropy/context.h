/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Contexts of latents (docs/bitstream.md, section 3.2), a row at a time.
 * Encoder and decoder share this code; integers only. Internal.
 *
 * Planes are int16 with margins of zeros, two cells or more on every side, so
 * that neighbours need no bounds checks. */
#ifndef WALLOC_ENTROPY_CONTEXT_H
#define WALLOC_ENTROPY_CONTEXT_H

#include "model/model.h"

/* Greatest magnitude of a latent and of a prediction. */
#define WALLOC_LATENT_MAX 16383
/* Row buffers hold this many elements more than the width (vector tails). */
#define WALLOC_ROW_SLACK 32
#define WALLOC_BUCKET_KEYS 512

typedef struct
{
  const int16_t *at;            /* neighbour of the slice's first latent */
  int32_t weight;
} walloc_neighbour;

/* What one channel's contexts are made of. near_*[d - 1] is the weight of
 * the latent d to the left in the same row, which a decoder learns last. */
typedef struct
{
  unsigned n_mean, n_spread;
  walloc_neighbour mean[WALLOC_MODEL_TAPS];
  walloc_neighbour spread[WALLOC_MODEL_TAPS];
  int32_t near_mean[2], near_spread[2];
  int has_mean;                 /* any weight of kind 0 at all */
  int32_t bias;
} walloc_context;

/* Finds the bucket of a spread: key = position of the leading bit and the
 * four bits after it; first[key] is the bucket of the smallest spread with
 * that key. limit[] are the thresholds, then INT32_MAX. */
typedef struct
{
  unsigned buckets;
  int32_t limit[WALLOC_MODEL_MAX_BUCKETS];
  uint8_t first[WALLOC_BUCKET_KEYS];
} walloc_buckets;

void walloc_buckets_init (walloc_buckets * buckets, const int32_t * thresholds,
    unsigned n);

static inline unsigned
walloc_bucket (const walloc_buckets * buckets, int32_t spread)
{
  unsigned b = 0, e;

  if (spread > 0) {
    e = 31 - (unsigned) __builtin_clz ((unsigned) spread);
    b = buckets->first[e << 4 |
        (((uint32_t) spread << (31 - e)) >> 27 & 15)];
  }
  while (buckets->limit[b] <= spread)
    b++;
  return b;
}

/* Where the planes of a slice lie. */
typedef struct
{
  const int16_t *planes, *previous;     /* previous NULL: key slice */
  size_t stride, plane_stride;
} walloc_context_planes;

/* Neighbours of channel in planes that live[] says are not all zero (others
 * contribute nothing). With serial, the latents left of the current one go
 * into near_*, else they are neighbours like all others. */
void walloc_context_prepare (walloc_context * context,
    const walloc_model * model, unsigned set, unsigned channel,
    const uint8_t * live, const walloc_context_planes * planes, int serial);

/* M and S but for near_* of the width latents that begin offset elements
 * behind the slice's first. Writes up to WALLOC_ROW_SLACK values past width,
 * and reads as many past the neighbours. Without any mean neighbour, mean[]
 * is left alone. */
void walloc_context_row (const walloc_context * context, size_t offset,
    unsigned width, int32_t * mean, int32_t * spread);

/* Encoder: from M, S and the latents to residuals (negated where the
 * fraction is negative) and tables (bucket * 4 + fraction class). mean is
 * NULL when there is none. */
void walloc_context_symbols (const walloc_buckets * buckets,
    const int16_t * row, unsigned width, const int32_t * mean,
    const int32_t * spread, int16_t * residual, uint8_t * table);

#endif
