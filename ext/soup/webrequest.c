/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>
#include <strings.h>

#include <jansson.h>

#include "webrequest.h"

#define TOKEN_PROTOCOL "walloc.token."
#define MAX_LAYERS 4
#define MAX_KBPS 10000000

static webrequest_type
take_number (const json_t * object, const char *name, json_int_t max,
    webrequest_message * message, webrequest_type type)
{
  const json_t *value = json_object_get (object, name);

  if (!json_is_integer (value) || json_integer_value (value) < 0
      || json_integer_value (value) > max)
    return WEBREQUEST_BAD;
  message->number = json_integer_value (value);

  return type;
}

static webrequest_type
take_ping (const json_t * object, webrequest_message * message)
{
  const json_t *t = json_object_get (object, "t");

  if (!t || json_is_null (t)) {
    strcpy (message->t, "null");
  } else if (json_is_number (t)) {
    /* unlike printf(), with a point in every locale */
    size_t size = json_dumpb (t, message->t, sizeof (message->t) - 1,
        JSON_ENCODE_ANY);

    if (size == 0 || size >= sizeof (message->t))
      return WEBREQUEST_BAD;
    message->t[size] = 0;
  } else {
    return WEBREQUEST_BAD;
  }

  return WEBREQUEST_PING;
}

void
webrequest_parse_message (const char *text, size_t size,
    webrequest_message * message)
{
  json_t *object = json_loadb (text, size, JSON_REJECT_DUPLICATES, NULL);
  const char *type;

  memset (message, 0, sizeof (*message));
  type = json_string_value (json_object_get (object, "type"));
  if (!type)
    message->type = WEBREQUEST_BAD;
  else if (strcmp (type, "ping") == 0)
    message->type = take_ping (object, message);
  else if (strcmp (type, "layers") == 0)
    message->type = take_number (object, "max", MAX_LAYERS, message,
        WEBREQUEST_LAYERS);
  else if (strcmp (type, "rate") == 0)
    message->type = take_number (object, "kbps", MAX_KBPS, message,
        WEBREQUEST_RATE);
  else if (strcmp (type, "keyframe") == 0)
    message->type = WEBREQUEST_KEYFRAME;
  else
    message->type = WEBREQUEST_UNKNOWN;
  json_decref (object);
}

static int
hex (char c)
{
  if (c >= '0' && c <= '9')
    return c - '0';
  c |= 0x20;
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* What was begun is worth nothing. */
static int
broken (char *value)
{
  *value = 0;
  return -1;
}

/* One parameter's value, up to @end. */
static int
unescape (const char *from, const char *end, char *value)
{
  size_t n = 0;

  while (from < end) {
    int c = (unsigned char) *from++;

    if (c == '+') {
      c = ' ';
    } else if (c == '%') {
      int high = end - from >= 2 ? hex (from[0]) : -1;
      int low = high >= 0 ? hex (from[1]) : -1;

      if (low < 0)
        return broken (value);
      c = high << 4 | low;
      from += 2;
    }
    if (c == 0 || n + 1 >= WEBREQUEST_MAX_VALUE)
      return broken (value);
    value[n++] = c;
  }
  value[n] = 0;

  return 1;
}

int
webrequest_query (const char *query, const char *name,
    char value[WEBREQUEST_MAX_VALUE])
{
  size_t length = strlen (name);

  *value = 0;
  while (query && *query) {
    size_t size = strcspn (query, "&");

    if (size > length && query[length] == '='
        && strncmp (query, name, length) == 0)
      return unescape (query + length + 1, query + size, value);
    query += size;
    query += *query == '&';
  }
  return 0;
}

static int
sextet (char c)
{
  if (c >= 'A' && c <= 'Z')
    return c - 'A';
  if (c >= 'a' && c <= 'z')
    return c - 'a' + 26;
  if (c >= '0' && c <= '9')
    return c - '0' + 52;
  return c == '-' ? 62 : c == '_' ? 63 : -1;
}

static int
decode_token (const char *text, size_t size, char *token)
{
  uint32_t bits = 0;
  unsigned have = 0;
  size_t n = 0;

  while (size--) {
    int six = sextet (*text++);

    if (six < 0)
      return broken (token);
    bits = (bits << 6 | six) & 0xffff;
    have += 6;
    if (have >= 8) {
      have -= 8;
      if (n + 1 >= WEBREQUEST_MAX_VALUE || ((bits >> have) & 255) == 0)
        return broken (token);
      token[n++] = (bits >> have) & 255;
    }
  }
  token[n] = 0;

  return n > 0 ? 1 : broken (token);
}

int
webrequest_protocols (const char *list, int *offered,
    char token[WEBREQUEST_MAX_VALUE])
{
  const size_t length = strlen (TOKEN_PROTOCOL);
  int found = 0;

  *offered = 0;
  *token = 0;
  while (list && *list) {
    size_t size;

    list += strspn (list, ", \t");
    size = strcspn (list, ", \t");
    if (size == 6 && strncmp (list, "walloc", 6) == 0)
      *offered = 1;
    else if (!found && size > length
        && strncmp (list, TOKEN_PROTOCOL, length) == 0)
      found = decode_token (list + length, size - length, token);
    list += size;
  }
  return found;
}

int
webrequest_bearer (const char *header, char token[WEBREQUEST_MAX_VALUE])
{
  size_t size;

  *token = 0;
  if (!header || strncasecmp (header, "Bearer ", 7) != 0)
    return 0;
  header += 7;
  header += strspn (header, " ");
  size = strlen (header);
  while (size > 0 && header[size - 1] == ' ')
    size--;
  if (size == 0 || size >= WEBREQUEST_MAX_VALUE)
    return -1;
  memcpy (token, header, size);
  token[size] = 0;

  return 1;
}

/* Up to 16 digits; returns how many. */
static int
hex_number (const char *text, uint64_t * number)
{
  int n = 0;

  *number = 0;
  while (n < 16 && hex (text[n]) >= 0)
    *number = *number << 4 | hex (text[n++]);
  return n;
}

int
webrequest_event_id (const char *text, uint64_t * epoch, uint64_t * number)
{
  int n = hex_number (text, epoch);

  if (n == 0 || text[n] != '-')
    return 0;
  text += n + 1;
  n = hex_number (text, number);
  return n > 0 && text[n] == 0;
}

int
webrequest_model_id (const char *text, const char *end, uint64_t * id)
{
  return hex_number (text, id) == 16 && strcmp (text + 16, end) == 0;
}

int
webrequest_same_token (const char *token, const char *wanted)
{
  size_t size = strlen (token), length = strlen (wanted), i;
  volatile unsigned char difference = size != length;

  for (i = 0; i < size; i++)
    difference |= (unsigned char) token[i] ^ (unsigned char)
        wanted[length ? i % length : 0];

  return difference == 0 && length > 0;
}

/* The part of an origin behind the scheme; NULL when it has none. */
static const char *
host_of (const char *origin)
{
  const char *host = strstr (origin, "://");

  return host && host[3] ? host + 3 : NULL;
}

static int
is_listed (const char *origin, const char *const *allowed)
{
  for (; allowed && *allowed; allowed++) {
    if (strcmp (*allowed, "*") == 0 || strcasecmp (*allowed, origin) == 0)
      return 1;
  }
  return 0;
}

int
webrequest_same_origin (const char *origin, const char *host, int tls,
    const char *const *allowed)
{
  const char *scheme = tls ? "https://" : "http://";
  size_t length = strlen (scheme);

  if (is_listed (origin, allowed))
    return 1;
  return host && strncasecmp (origin, scheme, length) == 0
      && strcasecmp (origin + length, host) == 0;
}

/* Bytes of the name in "name:port". */
static size_t
name_size (const char *host)
{
  const char *end;

  if (*host == '[') {
    end = strchr (host, ']');
    return end ? (size_t) (end - host + 1) : strlen (host);
  }
  return strcspn (host, ":");
}

int
webrequest_is_loopback (const char *host, const char *const *allowed)
{
  size_t size = name_size (host), i;
  int numbers = 1;

  if ((size == 9 && strncasecmp (host, "localhost", 9) == 0)
      || (size == 5 && strncmp (host, "[::1]", 5) == 0))
    return 1;
  for (i = 0; i < size; i++)
    numbers &= (host[i] >= '0' && host[i] <= '9') || host[i] == '.';
  if (numbers && size > 4 && strncmp (host, "127.", 4) == 0)
    return 1;
  for (; allowed && *allowed; allowed++) {
    const char *name = host_of (*allowed);

    if (strcmp (*allowed, "*") == 0 || (name && name_size (name) == size
            && strncasecmp (name, host, size) == 0))
      return 1;
  }
  return 0;
}
