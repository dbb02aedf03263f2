/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where a header's fields are (docs/bitstream.md, section 1), for those that
 * read and write them. Internal. */
#ifndef WALLOC_CODEC_FRAME_PRIVATE_H
#define WALLOC_CODEC_FRAME_PRIVATE_H

#include <walloc/frame.h>

#define FORMAT_VERSION 2
#define CODER 0
#define SOUND_LATENT_SIZE 256   /* samples per column */
#define LATENT_SIZE 8           /* pixels per latent, 2^J with J = 3 */
#define MAX_STEP_INDEX 176
#define MAX_SOUND_STEP_INDEX 352
#define MAX_RATE 0xffffff
#define MAX_ROTATION 63
/* of a mean and a peak: twice what encoders take */
#define MAX_SOUND_LEVEL 262144.0f
#define MAX_SLICE_ROWS 2048
#define MAX_SCALE 2

/* Offsets of the fields. */
#define AT_HEADER_SIZE 4
#define AT_KIND 6
#define AT_VERSION 7
#define AT_PAYLOAD 8
#define AT_MODEL 12
#define AT_WIDTH 20
#define AT_HEIGHT 22
#define AT_FORMAT 24
#define AT_RATE 20              /* audio: 24 bits */
#define AT_AUDIO_CHANNELS 23
#define AT_RESERVED 24
#define AT_SET 25
#define AT_STEP 26
#define AT_CHANNELS 28
#define AT_SLICE_ROWS 30
#define AT_COLUMNS 30           /* audio */
#define AT_FLAGS 32
#define AT_SEQUENCE 33
#define AT_LAYERS 34
#define CRC_SIZE 4
#define RECORD_HEAD 3
/* Bytes of one size in the table at most: LEB128 of 32 bits. */
#define SIZE_BYTES 5

enum
{
  RECORD_TIME = 1,
  RECORD_RATE = 2,
  RECORD_COLOUR = 3,
  RECORD_ASPECT = 4,
  RECORD_TRIM = 5,
  RECORD_MASK = 6,
  RECORD_ROTATION = 7,
  RECORD_WHOLE = 8,
  RECORD_LAST = RECORD_WHOLE
};

extern const uint8_t walloc_frame_magic[4];

/* Offset of the table of segment sizes. */
static inline size_t
walloc_frame_table_at (const walloc_frame_info * info)
{
  return AT_LAYERS + 2 * (size_t) (info->layers - 1);
}

unsigned walloc_frame_count_slices (const walloc_frame_info * info);

/* Bytes of a record that this version knows, in a frame of that many slices;
 * 0: not known, or not one of this media. */
unsigned walloc_frame_record_length (unsigned type, walloc_media media,
    unsigned slices);

/* One size of the table, at data[*at .. end - 1]; 0 when that is damaged. */
int walloc_frame_get_size (const uint8_t * data, size_t end, size_t * at,
    uint32_t * size);

/* The segments of a header that parsed, one after another: slice 0 with its
 * layers, slice 1, ... */
typedef struct
{
  size_t at;                    /* in the table */
  unsigned left;                /* segments */
  uint32_t payload;             /* bytes of these */
} walloc_frame_walker;

void walloc_frame_walk (const walloc_frame_info * info,
    walloc_frame_walker * walker);
/* Bytes of the next one; 0 behind the last, or when the table is damaged. */
int walloc_frame_step (const uint8_t * data, const walloc_frame_info * info,
    walloc_frame_walker * walker, uint32_t * size);

/* Offset behind the table of a header that parsed. */
size_t walloc_frame_table_end (const uint8_t * data,
    const walloc_frame_info * info);

#endif
