/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Headers of messages from NATS: any text in any of them. What reads must fit
 * its limits, and what is written of it must read the same. */
#include "natsheader.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput (const uint8_t * data, size_t size);

#define MAX_LINES 16
#define MAX_SIZE 1000000

typedef struct
{
  char *names[MAX_LINES], *values[MAX_LINES];
  unsigned count;
} Message;

static void
require (int condition)
{
  if (!condition)
    abort ();
}

static const char *
get (void *message, const char *name)
{
  const Message *m = message;
  unsigned i;

  for (i = 0; i < m->count; i++) {
    if (strcmp (m->names[i], name) == 0)
      return m->values[i];
  }
  return NULL;
}

/* Lines of "Name: value". */
static void
split (Message * message, char *text)
{
  char *line, *next, *colon;

  message->count = 0;
  for (line = text; line && message->count < MAX_LINES; line = next) {
    next = strchr (line, '\n');
    if (next)
      *next++ = '\0';
    colon = strstr (line, ": ");
    if (!colon)
      continue;
    *colon = '\0';
    message->names[message->count] = line;
    message->values[message->count++] = colon + 2;
  }
}

static void
check_written (const nats_header * header)
{
  char text[256];
  nats_identity identity;
  nats_segment segment;
  nats_buffer buffer;
  nats_chunk chunk;
  unsigned version;

  nats_identity_write (text, &header->identity, 0, -1);
  require (strlen (text) < NATS_ID_SIZE);
  require (nats_identity_read (&identity, text));
  require (nats_identity_equal (&identity, &header->identity));
  nats_identity_write (text, &header->identity, UINT32_MAX, 2147483647);
  require (strlen (text) < NATS_ID_SIZE);
  require (nats_identity_read (&identity, text));
  nats_buffer_write (text, &header->buffer);
  require (strlen (text) < NATS_BUFFER_SIZE);
  require (nats_buffer_read (&buffer, text, &version));
  require (buffer.pts == header->buffer.pts
      && buffer.dts == header->buffer.dts
      && buffer.duration == header->buffer.duration
      && buffer.offset == header->buffer.offset
      && buffer.offset_end == header->buffer.offset_end
      && buffer.time == header->buffer.time
      && buffer.flags == header->buffer.flags);
  if (header->has_chunk) {
    nats_chunk_write (text, &header->chunk);
    require (strlen (text) < NATS_CHUNK_SIZE);
    require (nats_chunk_read (&chunk, text));
    require (chunk.index == header->chunk.index
        && chunk.count == header->chunk.count
        && chunk.size == header->chunk.size && chunk.crc == header->chunk.crc);
  }
  if (header->has_segment) {
    nats_segment_write (text, &header->segment);
    require (strlen (text) < NATS_SEGMENT_SIZE);
    require (nats_segment_read (&segment, text));
    require (segment.start == header->segment.start
        && segment.stop == header->segment.stop
        && segment.base == header->segment.base
        && segment.offset == header->segment.offset);
  }
}

int
LLVMFuzzerTestOneInput (const uint8_t * data, size_t size)
{
  uint64_t sequences[8];
  nats_delivery delivery;
  nats_header header;
  Message message;
  char *text = malloc (size + 1);
  char source[NATS_SOURCE_SIZE];

  memcpy (text, data, size);
  text[size] = '\0';
  if (nats_delivery_read (&delivery, text))
    require (delivery.delivered > 0 && delivery.stream_sequence > 0);
  nats_bodies_read (sequences, 8, text);
  nats_caps_check (text);
  nats_source_set (source, text);
  require (source[0] != '\0' && strlen (source) < NATS_SOURCE_SIZE);
  split (&message, text);
  if (nats_header_read (&header, get, &message, MAX_SIZE) == NATS_HEADER_OK) {
    require (header.identity.source[0] != '\0');
    require (!header.caps || (header.has_caps_id
            && strlen (header.caps) <= NATS_MAX_CAPS));
    require (!header.has_chunk || (header.chunk.count >= 2
            && header.chunk.count <= NATS_MAX_CHUNKS
            && header.chunk.index < header.chunk.count
            && header.chunk.size <= MAX_SIZE));
    require (!header.bodies || header.has_chunk);
    check_written (&header);
  }
  require (nats_crc (0, data, size) == nats_crc (nats_crc (0, data, size / 2),
          data + size / 2, size - size / 2));
  free (text);
  return 0;
}
