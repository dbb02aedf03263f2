/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Rate-distortion optimised quantisation of a slice: latents that cost more
 * bits than their error is worth come one nearer to zero, or to zero, and
 * channels with hardly any latents are left out
 * (docs/design/rate-distortion.md). Integers only. Internal. */
#ifndef WALLOC_CODEC_RDO_H
#define WALLOC_CODEC_RDO_H

#include "common/mem.h"
#include "entropy/cost.h"
#include "entropy/slice.h"

/* A latent's use as a neighbour: by channel's latent at (y + dy, x + dx),
 * with these weights in its M and S. */
typedef struct
{
  uint16_t channel;
  int8_t dy, dx;
  int16_t mean, spread;
} walloc_rdo_use;

/* Of one parameter set; made when it is first used. */
typedef struct
{
  walloc_cost_row *cost;
  walloc_rdo_use *uses;         /* of plane p: first[p] to first[p + 1] - 1,
                                 * by channel */
  uint32_t *first;              /* [D + 1] */
} walloc_rdo_set;

/* How a channel is quantised. */
typedef struct
{
  uint64_t inverse;             /* 1/256 steps in 1/16 of a sample, * 2^32 */
  int32_t less[3];              /* as in codec.recon, 1/256 step */
  int64_t lambda;               /* 1/65536 squared steps per 1/256 bit */
} walloc_rdo_channel;

typedef struct
{
  walloc_rdo_set set[WALLOC_MODEL_MAX_SETS];
  /* of the frame at hand */
  unsigned speed;               /* 1 to 4; 5: nothing is done */
  const walloc_slice_coder *coder;
  const walloc_rdo_set *now;
  walloc_rdo_channel channel[WALLOC_MODEL_MAX_CHANNELS];
} walloc_rdo;

#define WALLOC_RDO_SPEEDS 5
/* Up to this speed every change is weighed with all that it changes, which
 * needs walloc_rdo_bytes() of memory per worker. */
#define WALLOC_RDO_WHOLE 3

/* Step indices that a quality is finer by at these speeds, which gives the
 * PSNR of speed 5 on validation pictures. */
#define WALLOC_RDO_FINER 2

/* Rounding offset of the quantiser, 1/256 step, that decisions start from
 * when the model's own is rounding. */
unsigned walloc_rdo_rounding (unsigned speed, unsigned rounding);

/* A frame with coder's set at a step index. */
walloc_result walloc_rdo_begin (walloc_rdo * rdo, walloc_mem * mem,
    const walloc_slice_coder * coder, unsigned step_index, unsigned speed,
    walloc_error * error);
void walloc_rdo_release (walloc_rdo * rdo, walloc_mem * mem);

size_t walloc_rdo_bytes (unsigned width, unsigned rows, unsigned channels);

/* Changes slice->planes; slice->live is used on the way. fine is laid out
 * like the planes: what was quantised, in 1/16 of a sample. memory is NULL at
 * speeds above WALLOC_RDO_WHOLE. */
void walloc_rdo_slice (const walloc_rdo * rdo, walloc_slice * slice,
    const int16_t * fine, void *memory);

/* In 1/256 step: what was quantised, and what a latent is decoded to. */
static inline int32_t
walloc_rdo_wanted (const walloc_rdo_channel * channel, int16_t fine)
{
  return (int32_t) (fine * (int64_t) channel->inverse >> 32);
}

static inline int32_t
walloc_rdo_value (const walloc_rdo_channel * channel, int q)
{
  int a = q < 0 ? -q : q, v;

  if (a == 0)
    return 0;
  v = a * 256 - channel->less[a < 3 ? a - 1 : 2];
  return q < 0 ? -v : v;
}

/* Squared error with value now less that with value before, 1/65536 squared
 * steps. */
static inline int64_t
walloc_rdo_worse (int32_t wanted, int32_t before, int32_t now)
{
  return (int64_t) (now - before) * ((int64_t) now + before - 2 * wanted);
}

/* Whether no saving of bits that is likely could pay for this much error, by
 * taking away one of a latent of that magnitude. */
static inline int
walloc_rdo_hopeless (const walloc_rdo_channel * channel, int64_t worse,
    int magnitude)
{
  return worse > channel->lambda * WALLOC_COST_BIT * (magnitude == 1 ? 10 : 4);
}

/* rdo_whole.c */
void walloc_rdo_whole (const walloc_rdo * rdo, walloc_slice * slice,
    const int16_t * fine, void *memory);

#endif
