/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file walloc/audio.h
 * @brief Sound to frames and back.
 *
 * Sound goes in block by block and comes out block by block; what is coded
 * does not depend on how it was cut into calls of the caller's own, since all
 * blocks of an encoder have the same size. A block of columns * 256 samples
 * per channel gives one frame, and a frame gives one block, which is
 * #WALLOC_AUDIO_DELAY samples late: the first that many samples that a decoder
 * gives come before the first that the encoder got. Who writes a file says so
 * in trim_start of the first frames, feeds as many zeros at the end, and says
 * in trim_end of the last frames how many samples are not part of it.
 *
 * With models of kind reference a block is the published codec's clip: it is
 * transformed for itself, with periodic borders, and nothing is late.
 * walloc_audio_delay() tells.
 *
 * Method: arXiv 2412.09405, section III (J = 8 packets of CDF 9/7, one linear
 * layer, entropy bottleneck), as a running transform; docs/design/sound.md.
 */
#ifndef WALLOC_AUDIO_H
#define WALLOC_AUDIO_H

#include <walloc/frame.h>
#include <walloc/model.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Samples of a column of latents. */
#define WALLOC_AUDIO_COLUMN 256
/** Samples that come out behind those that went in, of encoder and decoder
 * together, block by block: 1024 of analysis and 1020 of synthesis. */
#define WALLOC_AUDIO_DELAY 2044

/** Interleaved samples. */
typedef enum
{
  WALLOC_SAMPLES_S16 = 0,       /**< int16_t, host's byte order */
  WALLOC_SAMPLES_F32 = 1        /**< float, 1.0 is full scale; the encoder
                                     takes what is not a number as 0, and
                                     limits to -4 to 4 */
} walloc_sample_format;

/** Samples that come out late with @model: #WALLOC_AUDIO_DELAY, or 0 with
 * models of kind reference, whose blocks are transformed each for itself. */
WALLOC_API unsigned walloc_audio_delay (const walloc_model * model);

typedef struct walloc_audio_encoder walloc_audio_encoder;
typedef struct walloc_audio_decoder walloc_audio_decoder;

/** What to do with one block. Zero is the default everywhere. */
typedef struct
{
  unsigned quality;             /**< 1 to 100; 0 = 50: the step follows the
                                     level of the sound */
  int use_step;                 /**< non-zero: take step_index, not quality */
  unsigned step_index;          /**< 0 to 352: step = 2^(index/16) / 64 in
                                     units of 16-bit samples */
  unsigned channels;            /**< 0 = all, else at most that many latent
                                     channels, in order of importance */
  unsigned layers;              /**< 1 to 4 that a relay may drop, from the
                                     last on, as for pictures; 0 = 1 */
  /* carried in the header */
  uint64_t pts, duration;       /**< ns, #WALLOC_TIME_NONE: not written */
  unsigned trim_start, trim_end;        /**< samples, see
                                             walloc_frame_info */
  uint64_t mask;
} walloc_audio_params;

/** @params with defaults (no time stamps, quality 50). */
WALLOC_API void walloc_audio_params_init (walloc_audio_params * params);

/** Counters since creation; times are nanoseconds of work. */
typedef struct
{
  uint64_t frames, bytes;
  uint64_t samples;             /**< per channel */
  uint64_t ns_transform, ns_project, ns_entropy;
} walloc_audio_encoder_stats;

/**
 * Make an encoder; takes a reference on @model, which must be one of sound.
 * @param rate samples per second, 1 to 2^24 - 1; carried in the header, the
 * codec itself does the same at any
 * @param audio_channels 1 to 8; coded in pairs, first with second and so on
 * @param columns of a block, 1 to 2048
 * Errors: ARGUMENT, MODEL_MISMATCH, MEMORY. All memory is taken here.
 */
WALLOC_API walloc_result walloc_audio_encoder_new (walloc_model * model,
    const walloc_allocator * allocator, unsigned rate,
    unsigned audio_channels, unsigned columns,
    walloc_audio_encoder ** encoder, walloc_error * error);

WALLOC_API void walloc_audio_encoder_free (walloc_audio_encoder * encoder);

/** Forget all sound, as if new. */
WALLOC_API void walloc_audio_encoder_reset (walloc_audio_encoder * encoder);

/**
 * Encode one block.
 * @param samples columns * 256 * audio_channels samples, interleaved
 * @param data out: the frame; valid until the next call on @encoder
 * @param size out: its bytes
 * @param info out: its header, may be NULL
 * Errors: ARGUMENT; the encoder is then as it was before the call. Allocates
 * nothing.
 */
WALLOC_API walloc_result walloc_audio_encoder_encode (walloc_audio_encoder *
    encoder, const void *samples, walloc_sample_format format,
    const walloc_audio_params * params, const uint8_t ** data, size_t * size,
    walloc_frame_info * info, walloc_error * error);

/**
 * Encode the block of the last call once more with other @params, as if that
 * call had been made with these; the frame takes the place of that one. For
 * rate control. The transform is not computed again.
 */
WALLOC_API walloc_result walloc_audio_encoder_again (walloc_audio_encoder *
    encoder, const walloc_audio_params * params, const uint8_t ** data,
    size_t * size, walloc_frame_info * info, walloc_error * error);

/** In place of a rotation: the encoder chooses. */
#define WALLOC_AUDIO_ROTATION_AUTO 255

/** Latents of one frame, without sound made of them: what networks read that
 * work on the codec's representation (docs/design/latent-inference.md). */
typedef struct
{
  unsigned pairs;               /**< of channels of sound, 1 to 4 */
  unsigned channels;            /**< all of the model; those that the frame
                                     has not are 0 */
  unsigned columns;             /**< of 256 samples */
  unsigned signals[WALLOC_AUDIO_MAX_CHANNELS / 2];      /**< of each pair: 2,
                                     or 1 where there is no second channel */
  const float *data;            /**< [pairs][channels][columns]: integers times
                                     steps, in units of a 16-bit sample of an
                                     orthonormal-like transform, the same at
                                     every step but for the quantiser's error.
                                     What walloc_model_channel() calls the first
                                     signal is the mid (L + R) / sqrt 2 of a
                                     pair, or its only channel; the second is
                                     the side (L - R) / sqrt 2, or 0: whatever
                                     rotation the frame has was undone, for
                                     which the model must have the same bands of
                                     both signals (what is not is taken as 0) */
  /** Rotation of each pair in the frame, 0 to 63 (docs/bitstream.md, 2.4;
   * #WALLOC_AUDIO_MID_SIDE where there is one signal): the axes in which data
   * are multiples of the step, and those in which
   * walloc_audio_encoder_encode_latents() quantises; it takes
   * #WALLOC_AUDIO_ROTATION_AUTO as well. */
  uint8_t rotation[WALLOC_AUDIO_MAX_CHANNELS / 2];
  float step;                   /**< the frame's, of channel 0, in units of
                                     data; 0 with models of kind reference */
} walloc_audio_latents;

/**
 * Encode one block from latents, for what changes sound without making samples
 * of it, such as separation. Of @latents, pairs and columns must be the
 * encoder's, channels 1 to the model's (others are 0); signals and step are not
 * looked at. Mid and side (or the only signal) are as
 * walloc_audio_decoder_latents() gives them, turned to rotation, and quantised
 * with the model's rounding offsets, but a multiple of the step stays that
 * multiple: latents of a frame that are given back with its step_index
 * (walloc_frame_info; use_step = 1) are the same integers again. With a quality
 * the step follows the level of the latents. What is not a number is 0, values
 * are limited to 2^24, integers to 16383. The same floats give the same bytes
 * on every machine.
 *
 * What was given to walloc_audio_encoder_encode() before or comes after it is
 * not changed; frames decode in the order in which they are made, whichever
 * function makes them. walloc_audio_encoder_again() works here too.
 * Errors: ARGUMENT, UNSUPPORTED (kind reference), MEMORY (the first call takes
 * memory, no other); the encoder is then as it was before the call.
 */
WALLOC_API walloc_result
walloc_audio_encoder_encode_latents (walloc_audio_encoder * encoder,
    const walloc_audio_latents * latents, const walloc_audio_params * params,
    const uint8_t ** data, size_t * size, walloc_frame_info * info,
    walloc_error * error);

WALLOC_API void walloc_audio_encoder_get_stats (const walloc_audio_encoder *
    encoder, walloc_audio_encoder_stats * stats);

/** Counters since creation; times are nanoseconds of work. */
typedef struct
{
  uint64_t frames, bytes;
  uint64_t samples;             /**< per channel */
  uint64_t damaged;             /**< segments that were replaced */
  uint64_t concealed;           /**< blocks made without a frame */
  uint64_t ns_entropy, ns_synthesis;
  uint64_t ns_network;          /**< contained in ns_synthesis */
} walloc_audio_decoder_stats;

/**
 * Make a decoder; takes a reference on @model.
 * Errors: ARGUMENT, MODEL_MISMATCH (no model of sound), MEMORY.
 */
WALLOC_API walloc_result walloc_audio_decoder_new (walloc_model * model,
    const walloc_allocator * allocator, walloc_audio_decoder ** decoder,
    walloc_error * error);

WALLOC_API void walloc_audio_decoder_free (walloc_audio_decoder * decoder);

/**
 * Choose what makes sound of latents, from the next frame on; a new decoder
 * is #WALLOC_DECODER_LINEAR. #WALLOC_DECODER_FAST adds the model's network;
 * the first call loads it. #WALLOC_DECODER_AUTO is fast as far as the model
 * has a network and there is memory for it, else linear. A network knows the
 * last columns of the frame before; behind a change, a lost frame and
 * walloc_audio_decoder_reset() it does without.
 * With models of kind reference, a network (#WALLOC_DECODER_BEST too) takes the
 * place of the linear decoder, and knows its frame only.
 * Errors: ARGUMENT, UNSUPPORTED (the model has no network, this build cannot
 * run networks, or #WALLOC_DECODER_BEST of kind ordered), MODEL (the network is damaged or
 * does not fit), LIMIT, MEMORY; all is as before then. Whether there is memory
 * for blocks of some size is seen with the first one:
 * walloc_audio_decoder_decode() gives LIMIT, MEMORY or MODEL.
 */
WALLOC_API walloc_result walloc_audio_decoder_set_kind (walloc_audio_decoder *
    decoder, walloc_decoder_kind kind, walloc_error * error);

/** Forget all sound: before a frame that does not follow the last. */
WALLOC_API void walloc_audio_decoder_reset (walloc_audio_decoder * decoder);

/**
 * Decode one frame. Trimming is up to the caller.
 * @param data, @param size a whole frame
 * @param format of @samples; 16-bit samples are rounded and limited
 * @param samples room for columns * 256 * audio_channels samples, which the
 * header (walloc_frame_parse()) tells
 * @param room how many samples there is room for
 * @param info out: the header, may be NULL
 * @param damaged out, may be NULL: segments that did not decode; what they
 * hold was replaced and the block is there all the same
 * Errors: those of walloc_frame_parse(), MODEL_MISMATCH, SPACE, MEMORY,
 * those of walloc_audio_decoder_set_kind() where a network takes part.
 * Nothing is written then, and the next frame can be decoded.
 */
WALLOC_API walloc_result walloc_audio_decoder_decode (walloc_audio_decoder *
    decoder, const uint8_t * data, size_t size, walloc_sample_format format,
    void *samples, size_t room, walloc_frame_info * info, unsigned *damaged,
    walloc_error * error);

/**
 * Entropy-decode one frame. What sounds next, when the decoder is used for
 * that too, does not change. Memory for sound is not taken.
 *
 * With models of kind reference: values after the inverse companding, which
 * their network decoders read, times twice the pair's peak, so that they are
 * in units of 16-bit samples; channels are of both signals of a pair together,
 * and what the mean adds is left out (walloc_frame_info.mean).
 * @param latents out: data is valid until the next call on @decoder; all zero
 * with errors
 * @param info out: the header, may be NULL
 * @param damaged out, may be NULL: segments that did not decode, as
 * walloc_audio_decoder_decode() counts them; their channels are 0
 * Errors: ARGUMENT, those of walloc_frame_parse(), MODEL_MISMATCH, CORRUPT,
 * TRUNCATED, MEMORY. Frames of the same size as the last allocate nothing.
 */
WALLOC_API walloc_result walloc_audio_decoder_latents (walloc_audio_decoder *
    decoder, const uint8_t * data, size_t size,
    walloc_audio_latents * latents, walloc_frame_info * info,
    unsigned *damaged, walloc_error * error);

/**
 * A block in place of a frame that is lost, as long as the last one: what
 * was heard last goes on, and fades out after a few calls.
 * Errors: ARGUMENT (no frame was decoded yet), SPACE.
 */
WALLOC_API walloc_result walloc_audio_decoder_conceal (walloc_audio_decoder *
    decoder, walloc_sample_format format, void *samples, size_t room,
    walloc_error * error);

WALLOC_API void walloc_audio_decoder_get_stats (const walloc_audio_decoder *
    decoder, walloc_audio_decoder_stats * stats);

#ifdef __cplusplus
}
#endif
#endif
