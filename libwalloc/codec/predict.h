/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The encoder's memory of the frame before: what a decoder holds by now, and
 * the frame that was made last, which replaces it once it is certain that no
 * other attempt at the same picture follows. Internal. */
#ifndef WALLOC_CODEC_PREDICT_H
#define WALLOC_CODEC_PREDICT_H

#include <walloc/encoder.h>

#include "bottleneck/quantiser.h"
#include "codec/layout.h"
#include "codec/skip_decision.h"
#include "codec/skip_noise.h"

/* Elements of one slice's planes, rounded up so that those of the next begin
 * aligned. */
#define WALLOC_PREDICT_ALIGNED(elements) (((elements) + 31) / 32 * 32)

/* One slice. Planes have the slice coder's layout (entropy/slice.h). */
typedef struct
{
  int16_t *latents;             /* as a decoder has them */
  int16_t *values;              /* the same, dequantised, 1/16 samples */
  int16_t *pending;             /* of the frame made last */
  uint8_t *skip, *skip_before;  /* [rows][width] */
  uint8_t *step;                /* [rows][width]: step index of latents */
  uint16_t *price;              /* [rows][width]: units + 1 of what may be
                                 * coded to fill the frame, 0: nothing */
  int32_t *gain, *low, *units;  /* [rows][width]: what coding it would gain, in
                                 * all channels and the low ones; and cost */
  unsigned coded;               /* positions not skipped */
  uint64_t all_units, coded_units;  /* of all positions and of those, but for what
                                 * fills the frame; 0 where nothing was
                                 * compared */
} walloc_predict_slice;

typedef struct
{
  /* of the frame at hand, which is pending once it is made */
  int on;                       /* of a stream with predicted frames */
  int compare;                  /* there is a frame before to compare with */
  walloc_frame_type type;
  unsigned step, step_channels;
  unsigned sequence;
  walloc_requantiser now[WALLOC_MODEL_MAX_CHANNELS];
  int64_t lambda;               /* walloc_skip_lambda() */
  uint16_t wait[WALLOC_STEP_MAX + 1];   /* by the step of a position: factor of
                                         * what it gains, 1/256, while frames
                                         * are filled */
  size_t fill;                  /* bytes */
  size_t fill_end;              /* position that filling stopped at */
  uint64_t filled;              /* units */
  int pending;

  /* of the one made before */
  int commit;                   /* it is still to be taken over */
  walloc_frame_type last_type;
  unsigned last_step, last_channels;
  walloc_requantiser last[WALLOC_MODEL_MAX_CHANNELS];

  int have;                     /* latents hold a frame */
  unsigned channels;            /* that may be other than zero there */
  unsigned clear;               /* and could be before the last was taken */
  unsigned count;               /* frames, for turns of refinement */
  size_t fill_at;               /* position where filling goes on */
  unsigned activity;            /* share of units coded lately, times 256 */

  walloc_predict_slice *slice;  /* [slices], NULL: no memory yet */
  int laid_out;                 /* for the layout at hand */
  unsigned clean;               /* of so many planes margins are zero */
  int16_t *planes;              /* what its pointers point into */
  uint8_t *maps;
  uint16_t *prices;
  int32_t *sums;
  int32_t *rest;                /* of one slice, for walloc_noise_subtract() */
  uint8_t *mark;                /* and for walloc_skip_decide() */
  unsigned low[WALLOC_NOISE_LOW], n_low;        /* low channels */
  walloc_noise_histogram histogram;
  walloc_noise noise;
} walloc_predict;

#endif
