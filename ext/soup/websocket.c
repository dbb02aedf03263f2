/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdlib.h>
#include <string.h>

#include "websocket.h"

/* of a frame that a client sends: two bytes, eight of length, four of mask */
#define MAX_CLIENT_HEAD 14

int
websocket_reader_init (websocket_reader * reader, size_t max)
{
  memset (reader, 0, sizeof (*reader));
  reader->max = max < WEBSOCKET_MAX_CONTROL ? WEBSOCKET_MAX_CONTROL : max;
  reader->raw_size = reader->max + MAX_CLIENT_HEAD;
  reader->raw = malloc (reader->raw_size);
  reader->text = malloc (reader->max);
  if (reader->raw && reader->text)
    return 0;
  websocket_reader_clear (reader);

  return -1;
}

void
websocket_reader_clear (websocket_reader * reader)
{
  free (reader->raw);
  free (reader->text);
  memset (reader, 0, sizeof (*reader));
}

uint8_t *
websocket_reader_room (websocket_reader * reader, size_t *size)
{
  *size = reader->raw_size - reader->raw_used;
  return reader->raw + reader->raw_used;
}

void
websocket_reader_filled (websocket_reader * reader, size_t size)
{
  reader->raw_used += size;
}

/* Head of the frame at the front: its size, 0 when it is not whole yet, or a
 * close code. */
static int
parse_head (const websocket_reader * reader, uint64_t * length)
{
  const uint8_t *p = reader->raw;
  int opcode, head = 2, i;

  if (reader->raw_used < 2)
    return 0;
  opcode = p[0] & 15;
  /* no extension was agreed on, and clients must mask what they send */
  if ((p[0] & 0x70) || !(p[1] & 0x80))
    return WEBSOCKET_PROTOCOL_ERROR;
  if (opcode > WEBSOCKET_PONG
      || (opcode > WEBSOCKET_BINARY && opcode < WEBSOCKET_CLOSE))
    return WEBSOCKET_PROTOCOL_ERROR;
  *length = p[1] & 127;
  if (opcode >= WEBSOCKET_CLOSE && (!(p[0] & 0x80)
          || *length > WEBSOCKET_MAX_CONTROL))
    return WEBSOCKET_PROTOCOL_ERROR;
  if (*length >= 126) {
    head += *length == 126 ? 2 : 8;
    if (reader->raw_used < (size_t) head)
      return 0;
    *length = 0;
    for (i = 2; i < head; i++)
      *length = *length << 8 | p[i];
    /* lengths have the shortest form */
    if (*length < (head == 4 ? 126u : 65536u))
      return WEBSOCKET_PROTOCOL_ERROR;
  }
  if (*length > reader->max
      || (opcode < WEBSOCKET_CLOSE && reader->text_size + *length >
          reader->max))
    return WEBSOCKET_TOO_BIG;

  return reader->raw_used < (size_t) head + 4 ? 0 : head + 4;
}

/* Returns 1 or a close code. */
static int
take_close (websocket_message * message)
{
  if (message->size == 0)
    return 1;
  if (message->size == 1)
    return WEBSOCKET_PROTOCOL_ERROR;
  message->code = message->data[0] << 8 | message->data[1];
  message->data += 2;
  message->size -= 2;
  /* 1004 to 1006 and 1015 are never sent */
  if (message->code < 1000 || message->code > 4999
      || (message->code > 1003 && message->code < 1007)
      || (message->code > 1014 && message->code < 3000))
    return WEBSOCKET_PROTOCOL_ERROR;

  return websocket_is_utf8 (message->data, message->size) ? 1 :
      WEBSOCKET_BAD_DATA;
}

/* Whether a message of @opcode may come now, or go on (0). */
static int
in_order (const websocket_reader * reader, int opcode)
{
  return opcode == 0 ? reader->opcode != 0 : reader->opcode == 0;
}

/* Takes @size bytes off the front. */
static void
drop_front (websocket_reader * reader, size_t size)
{
  memmove (reader->raw, reader->raw + size, reader->raw_used - size);
  reader->raw_used -= size;
}

int
websocket_reader_next (websocket_reader * reader, websocket_message * message)
{
  memset (message, 0, sizeof (*message));
  for (;;) {
    uint64_t length = 0, i;
    int head = parse_head (reader, &length), fin, opcode;
    uint8_t *payload;

    if (head <= 0 || head >= WEBSOCKET_NORMAL)
      return head;
    if (reader->raw_used < head + length)
      return 0;
    fin = reader->raw[0] & 0x80;
    opcode = reader->raw[0] & 15;
    payload = reader->raw + head;
    for (i = 0; i < length; i++)
      payload[i] ^= reader->raw[head - 4 + (i & 3)];

    if (opcode >= WEBSOCKET_CLOSE) {
      /* these may come between the fragments of a message */
      memcpy (reader->control, payload, length);
      drop_front (reader, head + length);
      message->opcode = opcode;
      message->data = reader->control;
      message->size = length;
      return opcode == WEBSOCKET_CLOSE ? take_close (message) : 1;
    }

    if (!in_order (reader, opcode))
      return WEBSOCKET_PROTOCOL_ERROR;
    memcpy (reader->text + reader->text_size, payload, length);
    reader->text_size += length;
    if (opcode)
      reader->opcode = opcode;
    drop_front (reader, head + length);
    if (!fin)
      continue;

    message->opcode = reader->opcode;
    message->data = reader->text;
    message->size = reader->text_size;
    reader->opcode = 0;
    reader->text_size = 0;
    if (message->opcode == WEBSOCKET_TEXT
        && !websocket_is_utf8 (message->data, message->size))
      return WEBSOCKET_BAD_DATA;
    return 1;
  }
}

size_t
websocket_write_head (uint8_t head[WEBSOCKET_MAX_HEAD], int opcode,
    uint64_t size)
{
  int bytes = size < 126 ? 0 : size < 65536 ? 2 : 8, i;

  head[0] = 0x80 | opcode;
  head[1] = bytes == 0 ? size : bytes == 2 ? 126 : 127;
  for (i = 0; i < bytes; i++)
    head[2 + i] = size >> 8 * (bytes - 1 - i);

  return 2 + bytes;
}

size_t
websocket_write_close (uint8_t out[WEBSOCKET_MAX_CONTROL], unsigned code,
    const char *reason)
{
  size_t size = reason ? strlen (reason) : 0;

  if (size > WEBSOCKET_MAX_REASON) {
    size = WEBSOCKET_MAX_REASON;
    /* not in the middle of a character */
    while (size > 0 && ((uint8_t) reason[size] & 0xc0) == 0x80)
      size--;
  }
  out[0] = code >> 8;
  out[1] = code & 255;
  if (size)
    memcpy (out + 2, reason, size);

  return 2 + size;
}

int
websocket_is_utf8 (const uint8_t * data, size_t size)
{
  /* least code point of a character of so many bytes */
  static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
  size_t i = 0;

  while (i < size) {
    uint8_t c = data[i];
    unsigned n = c < 0x80 ? 1 : c < 0xc0 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 :
        c < 0xf8 ? 4 : 0, k;
    uint32_t point = n == 1 ? c : c & (0xff >> (n + 1));

    if (n == 0 || n > size - i)
      return 0;
    for (k = 1; k < n; k++) {
      if ((data[i + k] & 0xc0) != 0x80)
        return 0;
      point = point << 6 | (data[i + k] & 0x3f);
    }
    if (point < least[n] || point > 0x10ffff
        || (point >= 0xd800 && point < 0xe000))
      return 0;
    i += n;
  }
  return 1;
}
