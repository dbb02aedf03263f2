/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What clients of wallocwebsink say. The first byte chooses: frames of a
 * WebSocket, in pieces whose sizes the second byte says; a text message; a
 * query; a list of subprotocols; an Authorization header; the id of an event;
 * the name of a model; an origin with a host. What comes out must keep the
 * limits, and what the server writes must be understood by its own reader. */
#include "../../ext/soup/webrequest.h"
#include "../../ext/soup/websocket.h"

#include <stdlib.h>
#include <string.h>

#define MAX_MESSAGE 4096

int LLVMFuzzerTestOneInput (const uint8_t * data, size_t size);

static void
require (int condition)
{
  if (!condition)
    abort ();
}

static void
check_request (const webrequest_message * m)
{
  require (m->type <= WEBREQUEST_KEYFRAME);
  require (memchr (m->t, 0, sizeof (m->t)) != NULL);
  require (m->type != WEBREQUEST_LAYERS || m->number <= 4);
  require (m->type != WEBREQUEST_RATE || m->number <= 10000000);
  /* goes back into JSON as it is */
  require (m->type != WEBREQUEST_PING || (*m->t
          && strspn (m->t, "-+.0123456789eEnul") == strlen (m->t)));
}

static void
check_message (const websocket_message * m)
{
  webrequest_message request;

  require (m->size <= MAX_MESSAGE);
  require (m->opcode < WEBSOCKET_CLOSE || m->size <= WEBSOCKET_MAX_CONTROL);
  if (m->opcode != WEBSOCKET_TEXT)
    return;
  require (websocket_is_utf8 (m->data, m->size));
  webrequest_parse_message ((const char *) m->data, m->size, &request);
  check_request (&request);
}

static void
read_frames (const uint8_t * data, size_t size)
{
  websocket_reader reader;
  websocket_message message;
  size_t piece = size ? *data : 0, room;
  int result = 0;

  if (websocket_reader_init (&reader, MAX_MESSAGE) < 0)
    return;
  while (size > 0 && result < WEBSOCKET_NORMAL) {
    uint8_t *to = websocket_reader_room (&reader, &room);
    size_t n = piece + 1 < room ? piece + 1 : room;

    require (room > 0);
    if (n > size)
      n = size;
    memcpy (to, data, n);
    websocket_reader_filled (&reader, n);
    data += n;
    size -= n;
    while ((result = websocket_reader_next (&reader, &message)) == 1)
      check_message (&message);
    require (result == 0 || (result >= WEBSOCKET_NORMAL
            && result <= WEBSOCKET_AGAIN_LATER));
  }
  websocket_reader_clear (&reader);
}

/* What a server writes, as a client would send it: with a mask of zeros. */
static void
write_frames (const uint8_t * data, size_t size)
{
  uint8_t head[WEBSOCKET_MAX_HEAD], reason[WEBSOCKET_MAX_CONTROL], *to;
  websocket_reader reader;
  websocket_message message;
  char text[MAX_MESSAGE];
  size_t n = websocket_write_head (head, WEBSOCKET_BINARY, size), room;

  if (size >= sizeof (text) || websocket_reader_init (&reader, MAX_MESSAGE) < 0)
    return;
  head[1] |= 0x80;
  to = websocket_reader_room (&reader, &room);
  memcpy (to, head, n);
  memset (to + n, 0, 4);
  memcpy (to + n + 4, data, size);
  websocket_reader_filled (&reader, n + 4 + size);
  require (websocket_reader_next (&reader, &message) == 1);
  require (message.size == size && memcmp (message.data, data, size) == 0);
  websocket_reader_clear (&reader);

  memcpy (text, data, size);
  text[size] = 0;
  n = websocket_write_close (reason, WEBSOCKET_NORMAL, text);
  require (n >= 2 && n <= WEBSOCKET_MAX_CONTROL);
  require (!websocket_is_utf8 ((uint8_t *) text, strlen (text))
      || websocket_is_utf8 (reason + 2, n - 2));
}

static void
read_words (int what, const char *text)
{
  static const char *const allowed[] = { "https://a.example", "http://b:1",
    NULL
  };
  char value[WEBREQUEST_MAX_VALUE];
  uint64_t a, b;
  int offered, result = 0;

  memset (value, 'x', sizeof (value));
  switch (what) {
    case 0:
      result = webrequest_query (text, "token", value);
      break;
    case 1:
      result = webrequest_protocols (text, &offered, value);
      break;
    case 2:
      result = webrequest_bearer (text, value);
      break;
    case 3:
      webrequest_event_id (text, &a, &b);
      webrequest_model_id (text, ".wlm", &a);
      return;
    default:
      require (webrequest_same_origin (text, text, 0, NULL) == 0);
      webrequest_same_origin (text, "b:1", 1, allowed);
      webrequest_is_loopback (text, allowed);
      require (!webrequest_same_token (text, "") && (!*text
              || webrequest_same_token (text, text)));
      return;
  }
  require (result >= -1 && result <= 1);
  require (memchr (value, 0, sizeof (value)) != NULL);
  require (result != 1 || what == 0 || *value);
}

int
LLVMFuzzerTestOneInput (const uint8_t * data, size_t size)
{
  webrequest_message request;
  char *text;

  if (size < 1)
    return 0;
  if (*data % 8 == 0) {
    read_frames (data + 1, size - 1);
  } else if (*data % 8 == 1) {
    write_frames (data + 1, size - 1);
  } else if (*data % 8 == 2) {
    webrequest_parse_message ((const char *) data + 1, size - 1, &request);
    check_request (&request);
  } else if ((text = malloc (size)) != NULL) {
    memcpy (text, data + 1, size - 1);
    text[size - 1] = 0;
    read_words (*data % 8 - 3, text);
    free (text);
  }
  return 0;
}
