/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file walloc/decoder.h
 * @brief Frames to pictures, or to latents alone (entropy decoding only).
 */
#ifndef WALLOC_DECODER_H
#define WALLOC_DECODER_H

#include <walloc/frame.h>
#include <walloc/model.h>
#include <walloc/net.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct walloc_decoder walloc_decoder;

/** Limits checked before anything is allocated; 0 = default. */
typedef struct
{
  uint64_t max_pixels;          /**< width x height of a frame, whatever part
                                   or reduced size of it is asked for, as the
                                   latents of the whole frame are kept;
                                   default 2^28 */
} walloc_decoder_limits;

/** Counters since creation. Times are nanoseconds of work, added over all
 * threads that worked (of networks: of the calling thread). */
typedef struct
{
  uint64_t frames, bytes;
  uint64_t pixels;              /**< that were made; of latents alone, of the frame */
  uint64_t damaged_slices;      /**< sum of what every call had for *damaged,
                                   asked for or not: a frame that is decoded
                                   twice counts twice, and a slice in every
                                   frame until it is repaired */
  uint64_t ns_entropy;
  uint64_t ns_network;          /**< matrix or network */
  uint64_t ns_synthesis;        /**< packet synthesis and conversion */
} walloc_decoder_stats;

/** Make a decoder; takes a reference on @model. NULL: defaults. */
WALLOC_API walloc_result walloc_decoder_new (walloc_model * model,
    const walloc_allocator * allocator, const walloc_runner * runner,
    const walloc_decoder_limits * limits, walloc_decoder ** decoder,
    walloc_error * error);

WALLOC_API void walloc_decoder_free (walloc_decoder * decoder);

/**
 * Choose in what network decoders compute; in a new decoder it is
 * #WALLOC_NET_FASTEST for ordered models, #WALLOC_NET_F32 for reference ones,
 * which are to be the published codec. Pictures differ slightly between precisions and instruction sets,
 * never between thread counts. #WALLOC_NET_F32 is the reference.
 * Errors: ARGUMENT.
 */
WALLOC_API walloc_result walloc_decoder_set_precision (walloc_decoder *
    decoder, walloc_net_precision precision, walloc_error * error);

/**
 * Decode the first @channels channels of every frame only, from the next key
 * frame on; 0, as in a new decoder: all. What is above is neither read nor
 * kept: layers above are not looked at, whether they are damaged or missing,
 * and of the layer in which @channels end only that much is decoded (streams
 * need no layers for it). Latents have at most so many planes then, the same
 * as those of the whole frame, and pictures are made of these alone: channels
 * are in order of importance. For consumers that read the first channels only.
 * Errors: ARGUMENT.
 */
WALLOC_API walloc_result walloc_decoder_set_channels (walloc_decoder *
    decoder, unsigned channels, walloc_error * error);

/**
 * Tell whether anything of a frame can be decoded, without allocating and
 * without changing what the decoder holds: the header fits the model and the
 * limits, and of a key frame layer 0 of at least one slice is there as its
 * checksum says. To be asked before memory is made for a picture of a new
 * size, which a header of 38 bytes may claim to be of any size. Predicted and
 * repeat frames have the size of the one that was decoded last, or are refused
 * with NEEDS_KEY; their slices are not looked at.
 * @param size bytes at @data; the frame may be cut short
 * Errors: as walloc_decoder_decode(), but for those of images and decoders;
 * TRUNCATED (no whole header) or, of key frames, TRUNCATED or CORRUPT when no
 * slice is whole.
 */
WALLOC_API walloc_result walloc_decoder_check (walloc_decoder * decoder,
    const uint8_t * data, size_t size, walloc_error * error);

/**
 * Decode one whole frame into @image, whose format must be info->format of
 * the frame, or any format of the same chroma sampling (I420 and NV12; Y444
 * and the RGB family), or GRAY8 (luma only); sizes must be the frame's.
 * @param damaged out: of the slices that @image shows, those that are damaged
 *   and concealed (in streams with predicted frames, see
 *   walloc_decoder_set_conceal(), also since earlier frames); 0 with all errors
 *   but TRUNCATED. NULL: frames that are cut short are not wanted.
 * Errors: what walloc_frame_parse() returns, TRUNCATED (the frame is cut
 * short: with *damaged > 0, intact slices were decoded and @image has been
 * written; with *damaged == 0, as the header is not whole, or without
 * @damaged, nothing was done; where all that @image shows is in front of the
 * cut, the result is OK),
 * MODEL_MISMATCH, NEEDS_KEY (see walloc_decoder_set_conceal()), NOT_FOUND (the
 * model has no such decoder), UNSUPPORTED
 * (frame type or image format), LIMIT, MEMORY.
 */
WALLOC_API walloc_result walloc_decoder_decode (walloc_decoder * decoder,
    const uint8_t * data, size_t size, walloc_decoder_kind kind,
    const walloc_image * image, unsigned *damaged, walloc_error * error);

/** Greatest walloc_decode_params.reduce. */
#define WALLOC_DECODE_MAX_REDUCE 3

/**
 * What to make of a frame; walloc_decode_params_init() gives the whole picture
 * in its own size with #WALLOC_DECODER_AUTO.
 *
 * A picture reduced by r has ceil (width / 2^r) by ceil (height / 2^r) pixels
 * (chroma as the format has it for that size) and is made from fewer levels of
 * the packet: its samples are those of the low-pass band of the wavelet
 * transform of the whole picture after r levels, divided by their gain 2^r, so
 * pixel (x, y) is centred on pixel (2^r x, 2^r y) of the whole picture. (Up to
 * four columns and rows at the right and the bottom depend on what was coded
 * beyond a picture whose size is no multiple of 8.)
 *
 * A region is a rectangle of pixels of that (reduced) picture; what is made is
 * bit for bit that part of it. Only the slices that it needs are decoded, and
 * only samples within it are made (up to 32 pixels of the whole picture around
 * it are read). With network decoders, in streams with predicted frames, and
 * at the borders of pictures of reference models, which wrap around, all
 * slices are decoded and only reconstruction is limited.
 *
 * Memory: whatever is asked for, the decoder keeps latents of the whole frame,
 * 2 bytes for each of its channels per 64 pixels coded (3 per pixel with 96
 * channels); all else goes by what is asked for.
 */
typedef struct
{
  walloc_decoder_kind kind;
  unsigned reduce;              /**< 0 to #WALLOC_DECODE_MAX_REDUCE */
  unsigned x, y;                /**< region: first column and row; even where
                                   the stream's format has half-size chroma
                                   along that axis */
  unsigned width, height;       /**< region: size; both 0: the whole picture */
} walloc_decode_params;

WALLOC_API void walloc_decode_params_init (walloc_decode_params * params);

/** ceil (@size / 2^reduce): pixels along an axis of a reduced picture; 0 when
 * @reduce is out of range. */
WALLOC_API unsigned walloc_decoder_reduced_size (unsigned size,
    unsigned reduce);

/**
 * As walloc_decoder_decode(), for a reduced picture or a region. @image must
 * have the size of what @params ask for.
 * Errors: as walloc_decoder_decode(); ARGUMENT when the region is not within
 * the reduced picture or begins at an odd position where that is not possible.
 */
WALLOC_API walloc_result walloc_decoder_decode_with (walloc_decoder * decoder,
    const uint8_t * data, size_t size, const walloc_decode_params * params,
    const walloc_image * image, unsigned *damaged, walloc_error * error);

/**
 * Streams with predicted frames: a decoder keeps the latents of the last frame,
 * so every frame must be given to it, in order (either function; the same
 * frame may be given to both, or with several regions; slices of it that were
 * damaged are then decoded again). A frame that does not follow the last one is
 * refused with NEEDS_KEY, and so are all until the next key frame, which always
 * decodes. After damage, *damaged counts the slices that are not yet what the
 * encoder has, in all frames until they are.
 *
 * @conceal non-zero: frames after a gap are decoded as far as they can be;
 * what is left is shown as it was last, and counted as damaged. The first
 * frame must be a key frame all the same.
 */
WALLOC_API void walloc_decoder_set_conceal (walloc_decoder * decoder,
    int conceal);

/**
 * @recall non-zero: what is damaged in key frames is filled from the last
 * frame that was decoded whole (damaged or not; no region of it), of the same
 * size, format, scale and slice_rows, so far as the two look alike where both
 * are known; in a picture of which nothing is whole, all of it. To be set for
 * each frame: whether it goes on with the one before, as in a film, is known
 * to the caller only. Such slices count as damaged. 0, as in a new decoder:
 * they are filled from what is around them in the same picture. Frames that
 * are not damaged decode to the same either way. It takes 52 bytes more
 * for each column of latents and each slice, where there are several.
 */
WALLOC_API void walloc_decoder_set_recall (walloc_decoder * decoder,
    int recall);

/** Forget the last frame, as after a seek: the next must be a key frame. */
WALLOC_API void walloc_decoder_reset (walloc_decoder * decoder);

/** Latents of one frame, without reconstruction. */
typedef struct
{
  unsigned channels;            /**< planes: the frame's channels, or as many
                                   as the richest frame since the last key
                                   frame had, whose latents stay where frames
                                   with fewer channels skip positions; not
                                   more than walloc_decoder_set_channels()
                                   says */
  unsigned width, height;       /**< latents per row, rows */
  const int16_t *data;          /**< [channels][height][width], integers */
  unsigned steps;               /**< rows of @step, 1 to 4096 */
  const float *step;            /**< [steps][channels]: value = integer * step,
                                   in sample units of an orthonormal
                                   transform; 1 in reference models, whose
                                   integers are companded. Row 0 is the
                                   frame's own */
  const uint16_t *step_of;      /**< [height][width]: row of @step that goes
                                   for all channels of a position, as those
                                   that predicted frames skip keep the set and
                                   the step that they were coded with; NULL:
                                   row 0 everywhere */
  const uint8_t *group;         /**< [channels]: 0 luma, 1 chroma, 2 chroma detail */
} walloc_latents;

/**
 * Entropy-decode one frame. Pointers in @latents are valid until the next
 * call on @decoder. Channels that the frame's format lacks (chroma of GRAY8)
 * are zero. In damaged slices of key frames the channels that carry the means
 * of luma and chroma are interpolated between the slices around, all others are
 * zero, unless walloc_decoder_set_recall() has them taken from the frame before;
 * those of predicted frames stay as they were. With *damaged > 0,
 * TRUNCATED gives latents; with every other error @latents is all zero.
 * Errors as walloc_decoder_decode(), but for those of images.
 */
WALLOC_API walloc_result walloc_decoder_latents (walloc_decoder * decoder,
    const uint8_t * data, size_t size, walloc_latents * latents,
    unsigned *damaged, walloc_error * error);

WALLOC_API void walloc_decoder_get_stats (const walloc_decoder * decoder,
    walloc_decoder_stats * stats);

#ifdef __cplusplus
}
#endif
#endif
