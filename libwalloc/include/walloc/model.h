/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file walloc/model.h
 * @brief Model files: transform, projection, quantiser, tables, decoders.
 *
 * One file per model in safetensors form, specified in docs/model-format.md.
 * A loaded model is immutable and may be shared by any number of encoders and
 * decoders on any threads; it is reference counted.
 */
#ifndef WALLOC_MODEL_H
#define WALLOC_MODEL_H

#include <walloc/image.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct walloc_model walloc_model;

/** How the samples of a model's latents are made. */
typedef enum
{
  /** Published codec: periodic borders, RGB, Gaussian-CDF companding (paper
   * section III; walloc.py). Computed in float. */
  WALLOC_MODEL_REFERENCE = 0,
  /** Importance-ordered channels, symmetric borders, uniform steps with dead
   * zone, RGB and YCbCr. Integer encoder. */
  WALLOC_MODEL_ORDERED = 1
} walloc_model_kind;

/** Which decoder turns latents into samples. */
typedef enum
{
  WALLOC_DECODER_AUTO = 0,      /**< fast where there is one, else linear */
  WALLOC_DECODER_LINEAR = 1,    /**< one matrix and synthesis; always there */
  WALLOC_DECODER_FAST = 2,      /**< small network, live */
  WALLOC_DECODER_BEST = 3       /**< any cost */
} walloc_decoder_kind;

/** Facts about a model; strings live as long as the model. */
typedef struct
{
  walloc_model_kind kind;
  const char *name;
  uint64_t id;                  /**< hash of what defines streams */
  walloc_media media;           /**< what it codes */
  unsigned levels;              /**< J; one latent covers 2^J x 2^J pixels, or
                                     2^J samples of sound */
  unsigned channels;            /**< D, all channels */
  unsigned sets;                /**< parameter sets (operating ranges) */
  uint32_t formats;             /**< bit n: walloc_format n can be encoded; 0
                                     for sound */
  uint32_t decoders;            /**< bit n: walloc_decoder_kind n is there */
} walloc_model_info;

/**
 * Load a model file by mapping it into memory.
 * @param path file name, UTF-8
 * @param allocator NULL for malloc and the default limit
 * @param model out: one reference, to be dropped with walloc_model_unref()
 * Errors: NOT_FOUND, IO, MODEL (with what is wrong with the file), LIMIT,
 * MEMORY.
 */
WALLOC_API walloc_result walloc_model_load (const char *path,
    const walloc_allocator * allocator, walloc_model ** model,
    walloc_error * error);

/** As walloc_model_load() from memory; @data is copied. */
WALLOC_API walloc_result walloc_model_load_memory (const void *data,
    size_t size, const walloc_allocator * allocator, walloc_model ** model,
    walloc_error * error);

WALLOC_API walloc_model *walloc_model_ref (walloc_model * model);
WALLOC_API void walloc_model_unref (walloc_model * model);

WALLOC_API void walloc_model_get_info (const walloc_model * model,
    walloc_model_info * info);

/** Step index and greatest channel count of quality @quality (1 to 100). */
WALLOC_API walloc_result walloc_model_quality (const walloc_model * model,
    unsigned quality, unsigned *step_index, unsigned *channels);

/**
 * The scale (0 to 2) that a picture with a usual amount of detail is coded at
 * for a step index when walloc_encode_params.shrink (which is 2^scale) is 0;
 * *@step_index becomes that of the smaller picture. Pictures with more detail
 * change at greater steps. 0 where the model knows no scales.
 */
WALLOC_API unsigned walloc_model_scale_of_step (const walloc_model * model,
    unsigned *step_index);

/** Channels that suit a step index of the picture as it is coded: those of
 * the quality whose step is nearest. 0 without a model. */
WALLOC_API unsigned walloc_model_channels_of_step (const walloc_model * model,
    unsigned step_index);

/**
 * Which band and signal channel @channel of an ordered model is made of.
 * @param band out: the packet coefficient that has the greatest part in it. Of
 * sound 0 to 255 (order of the packet: the first level's choice is the most
 * significant bit, 1 is the upper half), of pictures an input of the
 * projection (docs/model-format.md, 2.1): luma 0 to 63; chroma 0 to 15 of Cb,
 * 16 to 31 of Cr; chroma detail 0 to 95
 * @param signal out: of sound 0 for the first signal of a pair (mid), 1 for
 * the second (side); of pictures 0 luma, 1 chroma, 2 chroma detail
 * Errors: ARGUMENT (no such channel), UNSUPPORTED (kind reference, where every
 * channel is made of all).
 */
WALLOC_API walloc_result walloc_model_channel (const walloc_model * model,
    unsigned channel, unsigned *band, unsigned *signal);

/**
 * Free-form metadata of the file (its __metadata__ entries, such as
 * "walloc.licence" or "walloc.card"), NULL when absent.
 */
WALLOC_API const char *walloc_model_metadata (const walloc_model * model,
    const char *key);

#ifdef __cplusplus
}
#endif
#endif
