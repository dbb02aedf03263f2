/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Headers of messages that carry buffers over NATS; docs/nats.md is the
 * description. Plain C without GLib, GStreamer or cnats: everything that
 * comes from a subject passes here first, and nothing here allocates. */
#ifndef __NATS_HEADER_H__
#define __NATS_HEADER_H__

#include <stddef.h>
#include <stdint.h>

#define NATS_HEADER_VERSION 1

/* names of headers */
#define NATS_HEADER_ID "Nats-Msg-Id"
#define NATS_HEADER_BUFFER "Gst-Buffer"
#define NATS_HEADER_CAPS_ID "Gst-Caps-Id"
#define NATS_HEADER_CAPS "Gst-Caps"
#define NATS_HEADER_CHUNK "Gst-Chunk"
#define NATS_HEADER_BODIES "Gst-Bodies"
#define NATS_HEADER_EVENT "Gst-Event"
#define NATS_HEADER_SEGMENT "Gst-Segment"

#define NATS_SOURCE_SIZE 64     /* with the closing NUL */
#define NATS_ID_SIZE 160
#define NATS_BUFFER_SIZE 256
#define NATS_CHUNK_SIZE 64
#define NATS_SEGMENT_SIZE 192

#define NATS_MAX_CHUNKS 4096
#define NATS_MAX_CAPS 16384     /* characters of a caps string */
#define NATS_NONE UINT64_MAX

typedef enum
{
  NATS_HEADER_OK,
  NATS_HEADER_FOREIGN,          /* not one of these messages at all */
  NATS_HEADER_UNSUPPORTED,      /* a later version of the format */
  NATS_HEADER_MALFORMED         /* says to be one, and is not */
} nats_header_result;

typedef enum
{
  NATS_EVENT_NONE,              /* a buffer */
  NATS_EVENT_EOS,
  NATS_EVENT_CAPS               /* no buffer, caps alone */
} nats_event;

/* Which frame of which source: the same for all that becomes of the frame. */
typedef struct
{
  char source[NATS_SOURCE_SIZE];        /* letters, digits, - and _ */
  uint64_t epoch;               /* when the source began, us since 1970 */
  uint64_t sequence;            /* counts from 0 */
  uint32_t repeat;              /* counts buffers of one frame from 0 */
} nats_identity;

typedef struct
{
  uint64_t pts, dts, duration, offset, offset_end;      /* or NATS_NONE */
  uint32_t flags;               /* GstBufferFlags */
  uint64_t time;                /* UTC of capture, ns since 1970; NATS_NONE */
} nats_buffer;

typedef struct
{
  uint32_t index, count;        /* index < count, 2 <= count */
  uint64_t size;                /* bytes of the whole buffer */
  uint32_t crc;                 /* CRC-32 of the whole buffer */
} nats_chunk;

/* A segment in time, as GstSegment has it. */
typedef struct
{
  double rate, applied_rate;
  uint32_t flags;
  uint64_t start, stop, time, base, offset;     /* or NATS_NONE */
} nats_segment;

/* What the reply subject of a message of a JetStream consumer says. */
typedef struct
{
  uint64_t delivered;           /* how often it was, from 1 */
  uint64_t stream_sequence, consumer_sequence;  /* from 1 */
  uint64_t time;                /* when it was stored, ns since 1970 */
  uint64_t pending;             /* messages behind it */
} nats_delivery;

/* The value of a header of a message, or NULL. */
typedef const char *(*nats_header_get) (void *message, const char *name);

/* All of a message; has_ fields say which parts were there. */
typedef struct
{
  nats_identity identity;
  nats_buffer buffer;
  nats_chunk chunk;
  nats_segment segment;
  nats_event event;
  int has_chunk, has_segment, has_caps_id;
  uint32_t caps_id;
  const char *caps;             /* of the message, or NULL: at most
                                   NATS_MAX_CAPS characters, printable */
  const char *bodies;           /* of the message, or NULL */
} nats_header;

/* Reads all headers of a message. @max_size bounds the size of a buffer that
 * came in chunks. On NATS_HEADER_OK identity, buffer and event are set. */
nats_header_result nats_header_read (nats_header * header,
    nats_header_get get, void *message, uint64_t max_size);

/* Whether the string of caps can be given to GStreamer's parser: printable, at
 * most NATS_MAX_CAPS characters, nested not too deep, and of plain types only.
 * (1.22 uses memory after freeing it when the digits of a buffer are none.) */
int nats_caps_check (const char *text);

/* The parts. 0 when @text is not one. */
int nats_identity_read (nats_identity * identity, const char *text);
int nats_buffer_read (nats_buffer * buffer, const char *text,
    unsigned *version);
int nats_chunk_read (nats_chunk * chunk, const char *text);
int nats_segment_read (nats_segment * segment, const char *text);

/* @count stream sequences of the chunks of a buffer but the last. */
int nats_bodies_read (uint64_t * sequences, size_t count, const char *text);

int nats_delivery_read (nats_delivery * delivery, const char *reply);

/* Writers; the room is NATS_ID_SIZE and so on. @subject_hash 0: none;
 * @chunk below 0: none. Nothing is written past the room. */
void nats_identity_write (char *text, const nats_identity * identity,
    uint32_t subject_hash, int chunk);
void nats_buffer_write (char *text, const nats_buffer * buffer);
void nats_chunk_write (char *text, const nats_chunk * chunk);
void nats_segment_write (char *text, const nats_segment * segment);

/* 1 when both are the same frame, whatever became of it. */
int nats_identity_equal (const nats_identity * a, const nats_identity * b);

/* Makes of @name what may stand in nats_identity.source. */
void nats_source_set (char source[NATS_SOURCE_SIZE], const char *name);

/* CRC-32 (IEEE 802.3); begin with 0. */
uint32_t nats_crc (uint32_t crc, const void *data, size_t size);

/* A short name of a text, never 0. */
uint32_t nats_hash (const char *text);

#endif /* __NATS_HEADER_H__ */
