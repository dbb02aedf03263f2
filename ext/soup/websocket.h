/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Frames of the WebSocket protocol (RFC 6455), the server's side. libsoup makes
 * the handshake; its own frames are copied for every receiver into a queue
 * without a limit, and messages in fragments may grow without one. Here a
 * header is written that goes before bytes which many receivers share, and
 * what comes from clients has one limit. Plain C: a fuzz target feeds it. */
#ifndef WALLOC_WEBSOCKET_H
#define WALLOC_WEBSOCKET_H

#include <stddef.h>
#include <stdint.h>

/* bytes of a header that the server writes, at most */
#define WEBSOCKET_MAX_HEAD 10
/* payload of pings, pongs and close frames, bytes at most */
#define WEBSOCKET_MAX_CONTROL 125
/* reason of a close frame, bytes of UTF-8, at most */
#define WEBSOCKET_MAX_REASON 123

enum
{
  WEBSOCKET_TEXT = 1,
  WEBSOCKET_BINARY = 2,
  WEBSOCKET_CLOSE = 8,
  WEBSOCKET_PING = 9,
  WEBSOCKET_PONG = 10
};

/* codes of close frames */
enum
{
  WEBSOCKET_NORMAL = 1000,
  WEBSOCKET_GOING_AWAY = 1001,
  WEBSOCKET_PROTOCOL_ERROR = 1002,
  WEBSOCKET_NOT_SUPPORTED = 1003,
  WEBSOCKET_BAD_DATA = 1007,
  WEBSOCKET_POLICY = 1008,
  WEBSOCKET_TOO_BIG = 1009,
  WEBSOCKET_AGAIN_LATER = 1013
};

/* What one client sends: bytes go in, messages come out. */
typedef struct
{
  size_t max;                   /* bytes of a message at most */
  uint8_t *raw;                 /* what was not looked at yet */
  size_t raw_size, raw_used;
  uint8_t *text;                /* a message in fragments */
  size_t text_size;
  int opcode;                   /* of the fragments; 0: none is there */
  uint8_t control[WEBSOCKET_MAX_CONTROL];
} websocket_reader;

typedef struct
{
  int opcode;
  const uint8_t *data;          /* until the next call */
  size_t size;
  unsigned code;                /* of a close frame; 0: it has none */
} websocket_message;

/* Returns 0, or -1 without memory. */
int     websocket_reader_init  (websocket_reader * reader, size_t max);

void    websocket_reader_clear (websocket_reader * reader);

/* Where bytes may be put, and how many; websocket_reader_filled() says how
 * many were. There is always room while websocket_reader_next() is called
 * until it returns 0. */
uint8_t *
        websocket_reader_room  (websocket_reader * reader, size_t * size);

void    websocket_reader_filled (websocket_reader * reader, size_t size);

/* The next whole message. Returns 1; 0 when more bytes are needed; a close
 * code when the client breaks the protocol, after which nothing more can be
 * read. */
int     websocket_reader_next  (websocket_reader * reader,
                                websocket_message * message);

/* The header before @size bytes; returns its size. */
size_t  websocket_write_head   (uint8_t head[WEBSOCKET_MAX_HEAD], int opcode,
                                uint64_t size);

/* The payload of a close frame; returns its size. @reason may be NULL. */
size_t  websocket_write_close  (uint8_t out[WEBSOCKET_MAX_CONTROL],
                                unsigned code, const char *reason);

/* Whether @data is UTF-8 (RFC 3629). */
int     websocket_is_utf8      (const uint8_t * data, size_t size);

#endif
