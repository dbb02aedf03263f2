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
  /** Rows of latents (of 8 pixels) per slice, 1 to 2048; 0 = as large as two
   * threads and little waste allow. What is lost of a slice does not touch
   * others, so links that lose packets want small ones, at some more bytes. */
  unsigned slice_rows;
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

/**
 * Latents of a picture in place of its samples, in units of walloc_latents:
 * integer * step. Of kind reference: companded integers.
 */
typedef struct
{
  walloc_format format;         /**< that the frame is to have */
  unsigned width, height;       /**< pixels of the picture, 1 to
                                     #WALLOC_MAX_SIZE */
  unsigned scale;               /**< 0 to 2: latents are of the picture at
                                     1/2^scale of its size */
  unsigned channels;            /**< planes at data, at least 1; the model's
                                     other channels are 0 */
  unsigned columns, rows;       /**< of a plane: ceil (ceil (width / 2^scale) /
                                     8), height likewise */
  const float *data;            /**< first row of the first plane */
  size_t stride;                /**< floats from row to row; 0: columns */
  size_t plane_stride;          /**< floats from plane to plane; 0: rows *
                                     stride */
} walloc_latent_planes;

/**
 * Encode a key frame from latents, for what changes pictures without making
 * samples of them (docs/design/latent-inference.md).
 *
 * Values are quantised with the model's rounding offsets, as
 * walloc_encoder_encode() does, but a multiple of the step stays that multiple.
 * So latents of a key frame that are given back with its step_index and channels
 * (walloc_frame_info; use_step = 1) are the same integers again, and with the
 * same layers and header the same bytes. Latents of predicted frames may have
 * other steps elsewhere (walloc_latents.step_of) and are then quantised anew.
 * What is not a number is 0, and greater integers than 16383 (kind reference:
 * than companding gives) become that. Planes of channels that @latents->format
 * lacks are not read. The same floats give the same bytes on every machine.
 * @param params as for walloc_encoder_encode(): step or quality (which count
 *   as for shrink = 2^scale), channels (not more than there are planes),
 *   layers, slice_rows, header; shrink, speed and fill are not looked at
 * Errors: ARGUMENT, UNSUPPORTED (the model does not have this format, or no
 * scales; params->predict is not #WALLOC_PREDICT_NONE), LIMIT, MEMORY. Steady
 * state allocates nothing. Memory is that of pictures of this size.
 */
WALLOC_API walloc_result walloc_encoder_encode_latents (walloc_encoder *
    encoder, const walloc_latent_planes * latents,
    const walloc_encode_params * params, const uint8_t ** data, size_t * size,
    walloc_frame_info * info, walloc_error * error);

WALLOC_API void walloc_encoder_get_stats (const walloc_encoder * encoder,
    walloc_encoder_stats * stats);

#ifdef __cplusplus
}
#endif
#endif
