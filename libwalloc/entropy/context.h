/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Contexts of latents (docs/bitstream.md, section 3.2), a row at a time.
 * Encoder and decoder share this code; integers only. Internal.
 *
 * Planes of latents (int16) and of magnitudes (uint8) have margins of zeros,
 * two cells or more on every side, so that neighbours need no bounds checks. */
#ifndef WALLOC_ENTROPY_CONTEXT_H
#define WALLOC_ENTROPY_CONTEXT_H

#include "model/model.h"

/* Greatest magnitude of a latent and of a prediction. */
#define WALLOC_LATENT_MAX 16383
/* Row buffers hold this many elements more than the width (vector tails). */
#define WALLOC_ROW_SLACK 32

typedef struct
{
  const int16_t *at;            /* neighbour of the slice's first latent */
  int16_t weight;
  uint16_t plane;               /* or WALLOC_MODEL_MAX_CHANNELS: before */
} walloc_mean_neighbour;

typedef struct
{
  const uint8_t *at;
  uint16_t weight;
} walloc_spread_neighbour;

/* What one channel's contexts are made of. near_*[d - 1] is the weight of
 * the latent d to the left in the same row, which a decoder learns last. */
typedef struct
{
  unsigned n_mean, n_spread;
  walloc_mean_neighbour mean[WALLOC_MODEL_TAPS];
  walloc_spread_neighbour spread[WALLOC_MODEL_TAPS];
  int32_t near_mean[2];
  uint32_t near_spread[2];
  int has_mean;                 /* any weight of a mean at all */
  int narrow;                   /* 16 bits are enough for every M */
  uint16_t bias;
  uint8_t cap;                  /* of magnitudes */
  /* frequency table of a context: key of the spread * 4 + fraction class;
   * walloc_context_tables() */
  const walloc_freq_table *const *table;
} walloc_context;

/* Tables of contexts depend on a channel's class and offset only. Channels
 * of few kinds alternate, so what was made for one serves many. */
#define WALLOC_CONTEXT_KINDS 24

typedef struct
{
  unsigned count, next;         /* kinds that are there; to be replaced next */
  int16_t kind[WALLOC_CONTEXT_KINDS];
} walloc_context_kinds;

typedef struct
{
  walloc_context_kinds kinds;   /* count 0 at first, and for another set */
  const walloc_freq_table *table[WALLOC_CONTEXT_KINDS][WALLOC_MODEL_KEYS *
      WALLOC_MODEL_FRACTIONS];
} walloc_context_cache;

/* Place of the channel's kind; *fresh says that it must be filled. */
static inline unsigned
walloc_context_kind (walloc_context_kinds * kinds, const walloc_model * model,
    unsigned set, unsigned channel, int *fresh)
{
  int16_t kind = (int16_t) (model->class[channel] * 256 +
      model->set[set].offset[channel]);
  unsigned i;

  *fresh = 0;
  for (i = 0; i < kinds->count; i++)
    if (kinds->kind[i] == kind)
      return i;
  *fresh = 1;
  if (i < WALLOC_CONTEXT_KINDS) {
    kinds->count++;
  } else {
    i = kinds->next;
    kinds->next = (i + 1) % WALLOC_CONTEXT_KINDS;
  }
  kinds->kind[i] = kind;
  return i;
}

/* Where the planes of a slice lie: latents, magnitudes (stride and
 * plane_stride are the same, counted in elements), and latents of the frame
 * before with their magnitudes (NULL: key slice). */
typedef struct
{
  const int16_t *planes, *previous;
  const uint8_t *magnitudes, *previous_magnitudes;
  size_t stride, plane_stride;
} walloc_context_planes;

/* Neighbours of channel in planes that live[] says are not all zero (others
 * contribute nothing). With serial, the latents left of the current one go
 * into near_*, else they are neighbours like all others. */
void walloc_context_prepare (walloc_context * context,
    const walloc_model * model, unsigned set, unsigned channel,
    const uint8_t * live, const walloc_context_planes * planes, int serial);

/* Finds context->narrow, which walloc_context_prepare() has set to 0. No latent
 * of plane p that is a neighbour has a magnitude above peak[p]. */
void walloc_context_bound (walloc_context * context, const uint16_t * peak);

/* context->table, which walloc_context_prepare() leaves alone. */
void walloc_context_tables (walloc_context * context,
    walloc_context_cache * cache, const walloc_model * model, unsigned set,
    unsigned channel);

/* M without near_mean of the width latents that begin offset elements behind
 * the slice's first. Writes up to WALLOC_ROW_SLACK values past width, and
 * reads as many past the neighbours. */
void walloc_context_mean (const walloc_context * context, size_t offset,
    unsigned width, int32_t * mean);

/* The same for S. */
void walloc_context_spread (const walloc_context * context, size_t offset,
    unsigned width, uint16_t * spread);

/* Key of a spread of 1 or more: four per octave (section 3.2). */
static inline unsigned
walloc_context_key (uint32_t spread)
{
  unsigned e = 31 - (unsigned) __builtin_clz (spread);

  return e * 4 + (((spread << 2) >> e) & 3);
}

/* Encoder: from latents, and M unless NULL, to what is coded: numbers of
 * residuals (0, 1, -1, 2, ... count from 0), fraction classes and
 * magnitudes. Magnitudes are written up to width only. */
void walloc_context_residuals (const walloc_context * context,
    const int16_t * row, unsigned width, const int32_t * mean,
    uint16_t * number, uint8_t * fraction, uint8_t * magnitude);

/* The same where context->narrow, means included; row is at offset. */
void walloc_context_narrow_residuals (const walloc_context * context,
    const int16_t * row, size_t offset, unsigned width, uint16_t * number,
    uint8_t * fraction, uint8_t * magnitude);

/* Adds four times the key of every latent's spread to fraction[]. */
void walloc_context_keys (const walloc_context * context, size_t offset,
    unsigned width, uint8_t * fraction);

/* Magnitudes of latents without a mean, capped; of a row of the frame
 * before, or of cells that are not coded. */
void walloc_context_magnitudes (const int16_t * row, unsigned width,
    uint8_t cap, uint8_t * magnitude);

#endif
