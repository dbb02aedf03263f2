/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The RTP payload format (docs/rtp-payload.md): the header of a packet's
 * payload, and how a frame is divided into packets. Plain C, so that it is
 * tested and fuzzed without GStreamer. */
#ifndef WALLOC_RTP_PACKET_H
#define WALLOC_RTP_PACKET_H

#include <stddef.h>
#include <stdint.h>

/* bytes of the payload header */
#define WALLOC_RTP_HEADER 12
/* a configuration is at most so long, the two bytes of its length included */
#define WALLOC_RTP_MAX_CONFIG 2048
#define WALLOC_RTP_CONFIG_LENGTH 2

enum
{
  WALLOC_RTP_CONFIG = 0x20,     /* configuration, no part of a frame */
  WALLOC_RTP_WHOLE_HEADER = 0x10,       /* the frame's header comes first */
  WALLOC_RTP_KEY = 0x08,        /* of a key frame */
  WALLOC_RTP_START = 0x04       /* the bytes of `offset` begin a segment */
};

typedef struct
{
  unsigned flags;
  unsigned frame;               /* counts frames, modulo 256 */
  unsigned segment;             /* that the byte at `offset` belongs to */
  uint32_t model;               /* low half of the model id */
  uint32_t offset;              /* of the packet's bytes in the frame */
} walloc_rtp_header;

void walloc_rtp_header_write (const walloc_rtp_header * header,
    uint8_t data[WALLOC_RTP_HEADER]);

/* 0 for another version, for reserved bits and for what is too short. */
int walloc_rtp_header_read (walloc_rtp_header * header, const uint8_t * data,
    size_t size);

/* One packet: the whole frame header if the flags say so, then `size` bytes
 * of the frame from `offset` on. */
typedef struct
{
  unsigned flags, segment;
  uint32_t offset, size;
} walloc_rtp_piece;

/* The packets of one frame. Memory is kept for the next. */
typedef struct
{
  walloc_rtp_piece *pieces;
  unsigned count, allocated;
} walloc_rtp_plan;

void walloc_rtp_plan_init (walloc_rtp_plan * plan);

void walloc_rtp_plan_clear (walloc_rtp_plan * plan);

/* Divides a frame of @header_size bytes of header and @count segments of
 * @sizes bytes, of which the first @available bytes are there (the header at
 * least), into packets with @room bytes, 1 or more, behind the payload header.
 * @repeat packets besides the first get a copy of the frame's header. 0 when
 * memory is out. */
int walloc_rtp_plan_make (walloc_rtp_plan * plan, size_t header_size,
    const uint32_t * sizes, unsigned count, size_t available, size_t room,
    unsigned repeat);

#endif
