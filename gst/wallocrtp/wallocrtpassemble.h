/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Frames from packets (docs/rtp-payload.md): the receiving side of
 * wallocrtppacket.h. Packets come from the network, and nothing they say is
 * believed: memory grows with the bytes that really came. Plain C, so that it
 * is tested and fuzzed without GStreamer. Not thread safe. */
#ifndef WALLOC_RTP_ASSEMBLE_H
#define WALLOC_RTP_ASSEMBLE_H

#include <walloc/frame.h>

#include "wallocrtppacket.h"

/* pieces of a frame between which something is missing, at most */
#define WALLOC_RTP_MAX_RANGES 1024
/* A frame of which less than one byte in so many came is not worth the memory
 * that it would take: it is refused. */
#define WALLOC_RTP_MIN_SHARE 16

typedef struct
{
  size_t start, end;
} walloc_rtp_range;

typedef struct
{
  size_t max_size;              /* of a frame; greater ones are refused */

  /* the frame under way */
  int active;
  walloc_rtp_header first;      /* of its first packet */
  uint32_t timestamp;           /* of RTP */
  uint8_t *data;
  size_t allocated;
  walloc_rtp_range ranges[WALLOC_RTP_MAX_RANGES];
  unsigned count;
  size_t received;              /* distinct bytes of it */
  int have_header;
  walloc_frame_info info;
  size_t total;                 /* its size, when the header is there */
  unsigned packets;
  uint32_t sizes[WALLOC_FRAME_MAX_SLICES * WALLOC_FRAME_MAX_LAYERS];

  /* the one before it */
  int finished;
  unsigned last_frame;
  uint32_t last_timestamp;
  size_t last_total;
} walloc_rtp_assembler;

typedef enum
{
  WALLOC_RTP_ADDED,             /* a part of the frame under way */
  WALLOC_RTP_OTHER,             /* of another: finish this one, then again */
  WALLOC_RTP_STALE,             /* of the frame that was finished last */
  WALLOC_RTP_BAD,               /* not a packet, or it contradicts others */
  WALLOC_RTP_REFUSED,           /* more memory than allowed, or is there */
  WALLOC_RTP_UNSUPPORTED        /* a frame of a later version */
} walloc_rtp_result;

typedef enum
{
  WALLOC_RTP_COMPLETE,
  WALLOC_RTP_DAMAGED,           /* segments are missing */
  WALLOC_RTP_NO_HEADER,         /* cannot be used */
  WALLOC_RTP_TOO_LITTLE,        /* nearly all of it is missing */
  WALLOC_RTP_NO_MEMORY,
  WALLOC_RTP_NOTHING            /* no frame under way */
} walloc_rtp_status;

typedef struct
{
  uint8_t *data;                /* malloc()ed, for the caller to free */
  size_t size;
  walloc_frame_info info;
  unsigned frame;               /* its number, modulo 256 */
  unsigned packets;
  int key;                      /* also where the header is lost */
  size_t missing;               /* bytes */
  unsigned segments, slices;    /* damaged */
} walloc_rtp_frame;

void walloc_rtp_assembler_init (walloc_rtp_assembler * a, size_t max_size);

void walloc_rtp_assembler_clear (walloc_rtp_assembler * a);

/* Forgets the frame under way and the last one. */
void walloc_rtp_assembler_reset (walloc_rtp_assembler * a);

/* The payload of one RTP packet that is no configuration. */
walloc_rtp_result walloc_rtp_assembler_push (walloc_rtp_assembler * a,
    const uint8_t * payload, size_t size, uint32_t timestamp);

/* Ends the frame under way. @frame->data is set for COMPLETE and DAMAGED; what
 * is missing is zero then, and segments that miss a byte are made such that no
 * decoder takes them for whole. */
walloc_rtp_status walloc_rtp_assembler_finish (walloc_rtp_assembler * a,
    walloc_rtp_frame * frame);

/* A configuration, which may come in several packets. */
typedef struct
{
  uint8_t data[WALLOC_RTP_MAX_CONFIG];
  size_t received;
  uint32_t timestamp;
} walloc_rtp_config;

void walloc_rtp_config_reset (walloc_rtp_config * c);

/* Takes the payload of a configuration packet: its pieces must come in order.
 * Returns the text once it is whole, NUL-terminated and valid until the next
 * call, or NULL. */
const char *walloc_rtp_config_push (walloc_rtp_config * c,
    const uint8_t * payload, size_t size, uint32_t timestamp);

/* Writes @text as a configuration into @data; its size, or 0 if it is too
 * long. */
size_t walloc_rtp_config_write (const char *text,
    uint8_t data[WALLOC_RTP_MAX_CONFIG]);

#endif
