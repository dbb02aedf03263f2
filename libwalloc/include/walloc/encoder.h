/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file walloc/encoder.h
 * @brief Pictures to frames. Integer arithmetic: the same bytes on every
 * machine, instruction set and number of threads (ordered models).
 */
#ifndef WALLOC_ENCODER_H
#define WALLOC_ENCODER_H

#include <walloc/frame.h>
#include <walloc/model.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct walloc_encoder walloc_encoder;

/** Whether a frame may be predicted from the one before. A frame of an ordered
 * model may leave positions (8x8 pixels) as they were in the frame before;
 * reference models make key frames only. */
typedef enum
{
  WALLOC_PREDICT_NONE = 0,      /**< key frame; the next cannot be predicted */
  WALLOC_PREDICT_KEY = 1,       /**< key frame that the next may build on */
  WALLOC_PREDICT_ALLOWED = 2    /**< predicted if there is a frame before of
                                     the same size and format and it pays,
                                     else a key frame */
} walloc_prediction;

/** What to do with one picture. Zero is the default everywhere. */
typedef struct
{
  unsigned quality;             /**< 1 to 100; 0 = 50 */
  int use_step;                 /**< non-zero: take step_index, not quality */
  unsigned step_index;          /**< 0 to 176, step = 2^(index/16) */
  unsigned channels;            /**< 0 = by quality, else at most this many */
  /** 1 to 4: layers of channels that can be dropped without decoding, from the
   * last on; they end after 12, 48 and 96 channels, as far as more are kept.
   * 0: 3 when fps_n and fps_d are known, else 1. */
  unsigned layers;
  unsigned speed;               /**< 1 (smallest frames) to 5 (fastest); 0 = 5.
                                   Below 5 latents are chosen by what they
                                   cost and how much nearer they bring the
                                   picture; key frames only, ordered models
                                   only */
  unsigned shrink;              /**< 1, 2 or 4: code the picture that many
                                   times smaller along each axis (good at
                                   very low rates); 0 = as the model says
                                   for the quality or step, and then
                                   step_index counts on: the header has the
                                   smaller step of the smaller picture */
  walloc_prediction predict;    /**< with anything but NONE, every frame must
                                     reach the decoder, in order */
  int again;                    /**< non-zero: this frame takes the place of
                                     the one made last, which is thrown away
                                     (another attempt at the same picture) */
  size_t fill;                  /**< bytes that a predicted frame may have: what
                                   does not change but was coded with a coarser
                                   step is coded anew, a part in each frame, as
                                   long as there is room; 0: where it pays */
  /* carried in the header */
  int has_colour;
  walloc_colour colour;
  uint64_t pts, duration;       /**< ns, #WALLOC_TIME_NONE when unknown */
  uint32_t fps_n, fps_d;        /**< 0/x: not written */
  uint32_t par_n, par_d;        /**< 0/x or 1/1: not written */
} walloc_encode_params;

/** @params with defaults (no time stamps, quality 50). */
WALLOC_API void walloc_encode_params_init (walloc_encode_params * params);

/** Counters since creation. Times are nanoseconds of work, added over all
 * threads that worked, on attempts that were thrown away too. */
typedef struct
{
  uint64_t frames, bytes, pixels;
  uint64_t filled;              /**< of bytes, about what params->fill took */
  uint64_t ns_transform;        /**< conversion and packet analysis */
  uint64_t ns_project;          /**< projection and quantiser */
  uint64_t ns_entropy;          /**< latent coder */
  uint64_t predicted;           /**< frames that are no key frames */
  uint64_t positions, coded;    /**< positions of frames made with
                                     #WALLOC_PREDICT_KEY or _ALLOWED, and how
                                     many of them were coded */
} walloc_encoder_stats;

/** Make an encoder; takes a reference on @model. @runner may be NULL. */
WALLOC_API walloc_result walloc_encoder_new (walloc_model * model,
    const walloc_allocator * allocator, const walloc_runner * runner,
    walloc_encoder ** encoder, walloc_error * error);

WALLOC_API void walloc_encoder_free (walloc_encoder * encoder);

/**
 * Encode one picture, as a key frame unless params->predict says otherwise.
 * @param data out: the frame; valid until the next call on @encoder
 * @param size out: its bytes
 * @param info out: its header, may be NULL
 * Errors: ARGUMENT, UNSUPPORTED (the model does not take this format), LIMIT,
 * MEMORY. Steady state (same size and format) allocates nothing. Prediction
 * takes 6 bytes more per latent of all channels of the model.
 */
WALLOC_API walloc_result walloc_encoder_encode (walloc_encoder * encoder,
    const walloc_image * image, const walloc_encode_params * params,
    const uint8_t ** data, size_t * size, walloc_frame_info * info,
    walloc_error * error);

WALLOC_API void walloc_encoder_get_stats (const walloc_encoder * encoder,
    walloc_encoder_stats * stats);

#ifdef __cplusplus
}
#endif
#endif
