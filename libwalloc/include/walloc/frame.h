/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file walloc/frame.h
 * @brief Frame headers: parse, write, find the next one.
 *
 * A stream is a concatenation of self-describing, self-delimiting frames
 * (docs/bitstream.md). Nothing here needs a model.
 */
#ifndef WALLOC_FRAME_H
#define WALLOC_FRAME_H

#include <walloc/image.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Bytes that suffice to know a frame's header size (peek). */
#define WALLOC_FRAME_PEEK 8
/** Smallest and greatest possible header. */
#define WALLOC_FRAME_MIN_HEADER 38
#define WALLOC_FRAME_MAX_HEADER 65535
/** Greatest payload, bytes (limit on what a header may announce). */
#define WALLOC_FRAME_MAX_PAYLOAD (1u << 30)
/** Slices of one picture at most (2048 grid rows of 8 pixels). */
#define WALLOC_FRAME_MAX_SLICES 2048
/** Layers of channels that a slice is divided into at most. */
#define WALLOC_FRAME_MAX_LAYERS 4
/** Channels of sound at most, and columns of latents of one frame. */
#define WALLOC_AUDIO_MAX_CHANNELS 8
#define WALLOC_AUDIO_MAX_COLUMNS 2048
/** Rotation of a pair that makes mid and side. */
#define WALLOC_AUDIO_MID_SIDE 16
/** "Unknown" for time stamps and durations. */
#define WALLOC_TIME_NONE UINT64_MAX

typedef enum
{
  WALLOC_FRAME_KEY = 0,         /**< decodes alone */
  WALLOC_FRAME_PREDICTED = 1,   /**< coded in the context of the previous */
  WALLOC_FRAME_REPEAT = 2       /**< shows the previous frame again */
} walloc_frame_type;

/** Colorimetry, as code points of ISO/IEC 23091-2; 2 is "unspecified". */
typedef struct
{
  uint8_t range;                /**< 0 unspecified, 1 full (0..255), 2 limited (16..235) */
  uint8_t matrix;
  uint8_t transfer;
  uint8_t primaries;
  uint8_t chroma_site;          /**< 0 unknown, else GStreamer's flag value */
} walloc_colour;

/** Everything that a frame's header says. */
typedef struct
{
  unsigned header_size;         /**< bytes */
  uint32_t payload_size;        /**< bytes after the header */
  walloc_media media;
  walloc_frame_type type;
  uint64_t model_id;
  /* video */
  unsigned width, height;       /**< pixels */
  walloc_format format;         /**< as it went into the encoder */
  /* audio */
  unsigned rate;                /**< samples per second, 1 to 2^24 - 1 */
  unsigned audio_channels;      /**< 1 to 8 */
  unsigned columns;             /**< of latents, 256 samples each; 1 to 2048 */
  unsigned trim_start, trim_end;        /**< samples of this frame that are
                                     not part of the recording */
  uint64_t mask;                /**< what the channels are, as GStreamer's
                                     channel mask; 0: by their number */
  /** rotation of each pair of channels, in pi/64 (0 to 63); 16 makes mid and
   * side */
  uint8_t rotation[WALLOC_AUDIO_MAX_CHANNELS / 2];
  /** the block was transformed for itself (models of kind reference): it is
   * not late, and decodes without the one before */
  int whole;
  /** if so: what was taken from the samples of each pair before, in units of
   * 16-bit samples: their mean, then the greatest distance from it */
  float mean[WALLOC_AUDIO_MAX_CHANNELS / 2], peak[WALLOC_AUDIO_MAX_CHANNELS /
      2];
  /* both */
  unsigned set;                 /**< parameter set of the model */
  unsigned step_index;          /**< step = 2^(index/16), sample units; audio:
                                     1/64 of a 16-bit sample's unit */
  unsigned channels;            /**< channels kept, in order of importance */
  unsigned slice_rows;          /**< rows of latents per slice, >= 1 */
  unsigned slices;              /**< number of slices; audio: of pairs */
  unsigned scale;               /**< coded at ceil (size / 2^scale), 0 to 2 */
  unsigned sequence;            /**< number of the frame modulo 256; 0 in
                                   streams of key frames only */
  unsigned layers;              /**< segments of a slice, 1 to 4 */
  /** [i]: channels in layers 0 to i together; rises, the last is @channels */
  unsigned layer_end[WALLOC_FRAME_MAX_LAYERS];
  /* optional records */
  int has_colour;
  walloc_colour colour;
  uint64_t pts, duration;       /**< ns, or #WALLOC_TIME_NONE */
  uint32_t fps_n, fps_d;        /**< 0/1: unknown or variable */
  uint32_t par_n, par_d;        /**< pixel aspect ratio, 1/1 by default */
} walloc_frame_info;

/** @info with all fields at "unknown" defaults. */
WALLOC_API void walloc_frame_info_init (walloc_frame_info * info);

/**
 * Parse and verify one header.
 * Errors: TRUNCATED (header not whole yet; info->header_size is set when
 * known, else 0), CORRUPT (no magic, checksum, impossible values),
 * UNSUPPORTED (a later version of the format).
 */
WALLOC_API walloc_result walloc_frame_parse (const uint8_t * data,
    size_t size, walloc_frame_info * info, walloc_error * error);

/**
 * Byte range of slice @slice of a frame whose header parsed, relative to the
 * frame's first byte. @data must hold info->header_size bytes.
 */
WALLOC_API walloc_result walloc_frame_slice (const uint8_t * data,
    const walloc_frame_info * info, unsigned slice, size_t * offset,
    size_t * size);

/**
 * The same for the segment of @slice that holds the channels of @layer. One
 * of 0 bytes has no active channel (in a key frame) or is skipped as a whole
 * (layer 0 of a predicted one).
 */
WALLOC_API walloc_result walloc_frame_segment (const uint8_t * data,
    const walloc_frame_info * info, unsigned slice, unsigned layer,
    size_t * offset, size_t * size);

/**
 * Sizes in bytes of all segments of a frame whose header parsed, slice by
 * slice, in a slice layer by layer, as walloc_frame_write() takes them.
 * @param count that of @sizes: info->slices * info->layers
 * Errors: ARGUMENT (another @count), CORRUPT.
 */
WALLOC_API walloc_result walloc_frame_segment_sizes (const uint8_t * data,
    const walloc_frame_info * info, uint32_t * sizes, unsigned count);

/**
 * Write a header. @sizes holds info->slices * info->layers byte counts, slice
 * by slice, in a slice layer by layer; payload_size, header_size and the last
 * layer_end of @info are computed and stored.
 * Errors: ARGUMENT (values that no header can hold), SPACE (@size too small;
 * info->header_size tells what is needed).
 */
WALLOC_API walloc_result walloc_frame_write (uint8_t * data, size_t size,
    walloc_frame_info * info, const uint32_t * sizes,
    walloc_error * error);

/**
 * Rewrite the time stamp records of a frame's header without touching its
 * payload: writes a new header for @info (as parsed from @data, then changed)
 * into @out. Used by parsers and by encoders whose caller stamps late.
 * @data must hold the whole header, and @out must not overlap it.
 */
WALLOC_API walloc_result walloc_frame_rewrite (const uint8_t * data,
    walloc_frame_info * info, uint8_t * out, size_t out_size,
    walloc_error * error);

/**
 * Bytes of the whole frame (header and payload) when its layers 0 to i alone
 * are kept: sizes[i], for i < info->layers; 0 for others. @data must hold
 * info->header_size bytes of a header that parsed into @info. Tells a relay
 * what walloc_frame_thin() would make before it does.
 */
WALLOC_API walloc_result walloc_frame_layer_sizes (const uint8_t * data,
    const walloc_frame_info * info, size_t sizes[WALLOC_FRAME_MAX_LAYERS]);

/**
 * Leave out the highest layers of a whole frame, without a model and without
 * coding anything again: what is left decodes with the channels of the layers
 * that stay. Records are kept as they are, unknown ones too.
 * @param layers how many layers to keep; from the number that are there on,
 * the frame is copied as it is
 * @param out must not overlap @data
 * @param thinned out: the header of the result; its header_size and
 * payload_size are set whenever @data parsed, also with errors SPACE
 * Errors: those of walloc_frame_parse(), ARGUMENT (no layers), TRUNCATED
 * (payload not whole), SPACE (@out_size too small or @out NULL).
 *
 * In a stream with predicted frames, a layer that was left out may come back
 * only with a key frame: in predicted frames it builds on the same layer of
 * the frame before.
 */
WALLOC_API walloc_result walloc_frame_thin (const uint8_t * data, size_t size,
    unsigned layers, uint8_t * out, size_t out_size,
    walloc_frame_info * thinned, walloc_error * error);

/**
 * Offset of the next possible header (magic) in @data at or after @start, or
 * @size minus up to 3 bytes (a magic may begin there) when there is none.
 */
WALLOC_API size_t walloc_frame_find (const uint8_t * data, size_t size,
    size_t start);

#ifdef __cplusplus
}
#endif
#endif
