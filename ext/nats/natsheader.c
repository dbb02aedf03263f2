/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "natsheader.h"

#include <stdio.h>
#include <string.h>

/* of lists in caps: what parses them calls itself */
#define MAX_DEPTH 16

static const char source_letters[] =
    "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_";
static const char digits[] = "0123456789abcdef";

/* A number in @base that fits into 64 bits and is no NATS_NONE; moves @text
 * behind it. Signs, spaces and prefixes are none. */
static int
read_number (const char **text, unsigned base, uint64_t * value)
{
  uint64_t v = 0;
  unsigned n = 0;

  for (;; n++, ++*text) {
    const char *at = **text ? strchr (digits, **text) : NULL;
    unsigned digit;

    if (!at || (digit = (unsigned) (at - digits)) >= base)
      break;
    if (v > (UINT64_MAX - digit) / base)
      return 0;
    v = v * base + digit;
  }
  *value = v;

  return n > 0 && v != NATS_NONE;
}

static int
read_uint32 (const char **text, unsigned base, uint32_t * value)
{
  uint64_t v;

  if (!read_number (text, base, &v) || v > UINT32_MAX)
    return 0;
  *value = (uint32_t) v;
  return 1;
}

static int
take (const char **text, char c)
{
  if (**text != c)
    return 0;
  ++*text;
  return 1;
}

int
nats_identity_read (nats_identity * identity, const char *text)
{
  size_t length = strspn (text, source_letters);
  uint32_t ignored;

  memset (identity, 0, sizeof (*identity));
  if (length == 0 || length >= NATS_SOURCE_SIZE)
    return 0;
  memcpy (identity->source, text, length);
  text += length;
  if (!take (&text, '.') || !read_number (&text, 16, &identity->epoch)
      || !take (&text, '.') || !read_number (&text, 10, &identity->sequence))
    return 0;
  if (take (&text, '+') && !read_uint32 (&text, 10, &identity->repeat))
    return 0;
  if (take (&text, '@') && !read_uint32 (&text, 16, &ignored))
    return 0;
  if (take (&text, '~') && !read_uint32 (&text, 10, &ignored))
    return 0;

  return *text == '\0';
}

int
nats_buffer_read (nats_buffer * buffer, const char *text, unsigned *version)
{
  static const char *const names[] = { "pts=", "dts=", "dur=", "off=", "end=",
    "time=", "flags="
  };
  uint64_t *const values[] = { &buffer->pts, &buffer->dts, &buffer->duration,
    &buffer->offset, &buffer->offset_end, &buffer->time
  };
  unsigned seen = 0, i;
  uint32_t v;

  buffer->pts = buffer->dts = buffer->duration = NATS_NONE;
  buffer->offset = buffer->offset_end = buffer->time = NATS_NONE;
  buffer->flags = 0;
  if (!read_uint32 (&text, 10, &v))
    return 0;
  *version = v;
  /* what comes behind is then unknown */
  if (v != NATS_HEADER_VERSION)
    return 1;

  while (*text) {
    if (!take (&text, ';'))
      return 0;
    for (i = 0; i < 7 && strncmp (text, names[i], strlen (names[i])) != 0; i++);
    if (i == 7) {
      /* fields of later minor changes */
      text += strcspn (text, ";");
      continue;
    }
    if (seen & 1u << i)
      return 0;
    seen |= 1u << i;
    text += strlen (names[i]);
    if (i == 6 ? !read_uint32 (&text, 16, &buffer->flags) :
        !read_number (&text, 10, values[i]) || *values[i] > INT64_MAX)
      return 0;
    if (*text && *text != ';')
      return 0;
  }

  return 1;
}

int
nats_chunk_read (nats_chunk * chunk, const char *text)
{
  return read_uint32 (&text, 10, &chunk->index) && take (&text, '/')
      && read_uint32 (&text, 10, &chunk->count) && take (&text, ';')
      && read_number (&text, 10, &chunk->size) && take (&text, ';')
      && read_uint32 (&text, 16, &chunk->crc) && *text == '\0'
      && chunk->count >= 2 && chunk->count <= NATS_MAX_CHUNKS
      && chunk->index < chunk->count && chunk->size >= chunk->count;
}

/* A rate in millionths with a sign, so that no locale has a say in it. */
static int
read_rate (const char **text, double *rate)
{
  int negative = take (text, '-');
  uint64_t v;

  if (!read_number (text, 10, &v) || v == 0 || v > 1000000000000ull)
    return 0;
  *rate = (double) v / 1e6 * (negative ? -1.0 : 1.0);
  return 1;
}

static int
read_time (const char **text, uint64_t * value)
{
  *value = NATS_NONE;
  return take (text, '-') || read_number (text, 10, value);
}

int
nats_segment_read (nats_segment * segment, const char *text)
{
  return read_rate (&text, &segment->rate) && take (&text, ';')
      && read_rate (&text, &segment->applied_rate) && take (&text, ';')
      && read_uint32 (&text, 16, &segment->flags) && take (&text, ';')
      && read_time (&text, &segment->start) && take (&text, ';')
      && read_time (&text, &segment->stop) && take (&text, ';')
      && read_time (&text, &segment->time) && take (&text, ';')
      && read_time (&text, &segment->base) && take (&text, ';')
      && read_time (&text, &segment->offset) && *text == '\0'
      && segment->start != NATS_NONE && segment->base != NATS_NONE
      && segment->offset != NATS_NONE
      && (segment->stop == NATS_NONE || segment->stop >= segment->start);
}

int
nats_bodies_read (uint64_t * sequences, size_t count, const char *text)
{
  size_t i;

  for (i = 0; i < count; i++) {
    if ((i > 0 && !take (&text, ',')) || !read_number (&text, 10, &sequences[i])
        || sequences[i] == 0)
      return 0;
  }
  return *text == '\0';
}

int
nats_delivery_read (nats_delivery * delivery, const char *reply)
{
  uint64_t *const values[] = { &delivery->delivered,
    &delivery->stream_sequence, &delivery->consumer_sequence,
    &delivery->time, &delivery->pending
  };
  const char *at = reply;
  unsigned tokens = 1, skip, i;

  if (strncmp (reply, "$JS.ACK.", 8) != 0)
    return 0;
  for (; *at; at++)
    tokens += *at == '.';
  /* behind the stream and the consumer; newer servers put a domain and an
   * account before, and something random behind */
  if (tokens != 9 && tokens < 11)
    return 0;
  skip = tokens == 9 ? 4 : 6;
  for (at = reply; skip > 0; skip--)
    at = strchr (at, '.') + 1;
  for (i = 0; i < 5; i++) {
    if ((i > 0 && !take (&at, '.')) || !read_number (&at, 10, values[i]))
      return 0;
  }

  return (*at == '\0' || *at == '.') && delivery->delivered > 0
      && delivery->stream_sequence > 0;
}

/* An even number of hexadecimal digits; moves @text behind them. */
static int
skip_bytes (const char **text)
{
  size_t n = strspn (*text, "0123456789abcdefABCDEF");

  *text += n;
  return n > 0 && n % 2 == 0;
}

/* What stands behind (buffer): bytes, or a list of bytes. */
static int
skip_buffers (const char **text)
{
  const char *close = **text == '<' ? ">" : **text == '{' ? "}" : NULL;

  if (!close)
    return skip_bytes (text);
  do {
    ++*text;
    *text += strspn (*text, " ");
    if (strncmp (*text, "(buffer)", 8) == 0)
      *text += 8;
    if (!skip_bytes (text))
      return 0;
    *text += strspn (*text, " ");
  } while (**text == ',');

  return take (text, *close);
}

/* The name of a type in brackets, and what must stand behind it. */
static int
skip_type (const char **text)
{
  static const char *const types[] = { "int", "uint", "gint64", "guint64",
    "float", "double", "boolean", "string", "fraction", "bitmask", "buffer",
    "GstFlagSet", "GstVideoMultiviewFlagsSet"
  };
  size_t length = strcspn (++*text, ")"), i;

  for (i = 0; i < sizeof (types) / sizeof (types[0]); i++) {
    if (strlen (types[i]) == length && strncmp (*text, types[i], length) == 0)
      break;
  }
  if (i == sizeof (types) / sizeof (types[0]) || (*text)[length] != ')')
    return 0;
  *text += length + 1;
  if (strcmp (types[i], "buffer") == 0)
    return skip_buffers (text);

  return 1;
}

int
nats_caps_check (const char *text)
{
  size_t n;
  int depth = 0, quoted = 0;

  for (n = 0; text[n]; n++) {
    if (n >= NATS_MAX_CAPS || (unsigned char) text[n] < ' ' || text[n] == 127)
      return 0;
  }
  while (*text) {
    if (*text == '\\' && text[1]) {
      text += 2;
    } else if (*text == '"') {
      quoted = !quoted;
      text++;
    } else if (!quoted && *text == '(') {
      if (!skip_type (&text))
        return 0;
    } else {
      if (!quoted && strchr ("<{[", *text) && ++depth > MAX_DEPTH)
        return 0;
      if (!quoted && strchr (">}]", *text) && --depth < 0)
        return 0;
      text++;
    }
  }

  return n > 0 && !quoted && depth == 0;
}

static nats_header_result
read_optional (nats_header * header, nats_header_get get, void *message,
    uint64_t max_size)
{
  const char *text = get (message, NATS_HEADER_CAPS_ID);

  if (text) {
    if (!read_uint32 (&text, 16, &header->caps_id) || *text)
      return NATS_HEADER_MALFORMED;
    header->has_caps_id = 1;
  }
  header->caps = get (message, NATS_HEADER_CAPS);
  if (header->caps && (!header->has_caps_id || !nats_caps_check (header->caps)))
    return NATS_HEADER_MALFORMED;
  text = get (message, NATS_HEADER_CHUNK);
  if (text) {
    if (!nats_chunk_read (&header->chunk, text)
        || header->chunk.size > max_size)
      return NATS_HEADER_MALFORMED;
    header->has_chunk = 1;
  }
  header->bodies = get (message, NATS_HEADER_BODIES);
  if (header->bodies && !header->has_chunk)
    return NATS_HEADER_MALFORMED;
  text = get (message, NATS_HEADER_SEGMENT);
  if (text) {
    if (!nats_segment_read (&header->segment, text))
      return NATS_HEADER_MALFORMED;
    header->has_segment = 1;
  }

  return NATS_HEADER_OK;
}

nats_header_result
nats_header_read (nats_header * header, nats_header_get get, void *message,
    uint64_t max_size)
{
  const char *text = get (message, NATS_HEADER_BUFFER);
  unsigned version = 0;

  memset (header, 0, sizeof (*header));
  if (!text)
    return NATS_HEADER_FOREIGN;
  if (!nats_buffer_read (&header->buffer, text, &version))
    return NATS_HEADER_MALFORMED;
  if (version != NATS_HEADER_VERSION)
    return NATS_HEADER_UNSUPPORTED;
  text = get (message, NATS_HEADER_ID);
  if (!text || !nats_identity_read (&header->identity, text))
    return NATS_HEADER_MALFORMED;
  text = get (message, NATS_HEADER_EVENT);
  if (text) {
    if (strcmp (text, "eos") == 0)
      header->event = NATS_EVENT_EOS;
    else if (strcmp (text, "caps") == 0)
      header->event = NATS_EVENT_CAPS;
    else
      return NATS_HEADER_UNSUPPORTED;
  }

  return read_optional (header, get, message, max_size);
}

void
nats_identity_write (char *text, const nats_identity * identity,
    uint32_t subject_hash, int chunk)
{
  int n = snprintf (text, NATS_ID_SIZE, "%.*s.%llx.%llu",
      NATS_SOURCE_SIZE - 1, identity->source,
      (unsigned long long) identity->epoch,
      (unsigned long long) identity->sequence);

  if (identity->repeat)
    n += snprintf (text + n, NATS_ID_SIZE - n, "+%lu",
        (unsigned long) identity->repeat);
  if (subject_hash)
    n += snprintf (text + n, NATS_ID_SIZE - n, "@%lx",
        (unsigned long) subject_hash);
  if (chunk >= 0)
    snprintf (text + n, NATS_ID_SIZE - n, "~%d", chunk);
}

static int
write_field (char *text, int n, const char *name, uint64_t value)
{
  /* what readers refuse is no time and no offset */
  if (value > INT64_MAX)
    return n;
  return n + snprintf (text + n, NATS_BUFFER_SIZE - n, ";%s=%llu", name,
      (unsigned long long) value);
}

void
nats_buffer_write (char *text, const nats_buffer * buffer)
{
  int n = snprintf (text, NATS_BUFFER_SIZE, "%d", NATS_HEADER_VERSION);

  n = write_field (text, n, "pts", buffer->pts);
  n = write_field (text, n, "dts", buffer->dts);
  n = write_field (text, n, "dur", buffer->duration);
  n = write_field (text, n, "off", buffer->offset);
  n = write_field (text, n, "end", buffer->offset_end);
  n = write_field (text, n, "time", buffer->time);
  if (buffer->flags)
    snprintf (text + n, NATS_BUFFER_SIZE - n, ";flags=%lx",
        (unsigned long) buffer->flags);
}

void
nats_chunk_write (char *text, const nats_chunk * chunk)
{
  snprintf (text, NATS_CHUNK_SIZE, "%lu/%lu;%llu;%08lx",
      (unsigned long) chunk->index, (unsigned long) chunk->count,
      (unsigned long long) chunk->size, (unsigned long) chunk->crc);
}

static int
write_time (char *text, int n, uint64_t value)
{
  if (value == NATS_NONE)
    return n + snprintf (text + n, NATS_SEGMENT_SIZE - n, ";-");
  return n + snprintf (text + n, NATS_SEGMENT_SIZE - n, ";%llu",
      (unsigned long long) value);
}

static int
write_rate (char *text, int n, double rate)
{
  double size = rate < 0 ? -rate : rate;

  return n + snprintf (text + n, NATS_SEGMENT_SIZE - n, "%s%llu",
      rate < 0 ? "-" : "", (unsigned long long) (size * 1e6 + 0.5));
}

void
nats_segment_write (char *text, const nats_segment * segment)
{
  int n = write_rate (text, 0, segment->rate);

  n += snprintf (text + n, NATS_SEGMENT_SIZE - n, ";");
  n = write_rate (text, n, segment->applied_rate);
  n += snprintf (text + n, NATS_SEGMENT_SIZE - n, ";%lx",
      (unsigned long) segment->flags);
  n = write_time (text, n, segment->start);
  n = write_time (text, n, segment->stop);
  n = write_time (text, n, segment->time);
  n = write_time (text, n, segment->base);
  write_time (text, n, segment->offset);
}

int
nats_identity_equal (const nats_identity * a, const nats_identity * b)
{
  return a->sequence == b->sequence && a->epoch == b->epoch
      && a->repeat == b->repeat && strcmp (a->source, b->source) == 0;
}

void
nats_source_set (char source[NATS_SOURCE_SIZE], const char *name)
{
  size_t i;

  for (i = 0; name[i] && i < NATS_SOURCE_SIZE - 1; i++)
    source[i] = strchr (source_letters, name[i]) ? name[i] : '_';
  if (i == 0)
    source[i++] = '_';
  source[i] = '\0';
}

uint32_t
nats_crc (uint32_t crc, const void *data, size_t size)
{
  /* of every byte value; made at each call, which 1024 steps are cheap for
   * against the chunks that it is for */
  uint32_t table[256], c;
  const uint8_t *p = data;
  size_t i;
  int k;

  for (i = 0; i < 256; i++) {
    c = (uint32_t) i;
    for (k = 0; k < 8; k++)
      c = c & 1 ? 0xedb88320u ^ c >> 1 : c >> 1;
    table[i] = c;
  }
  crc = ~crc;
  for (i = 0; i < size; i++)
    crc = table[(crc ^ p[i]) & 0xff] ^ crc >> 8;

  return ~crc;
}

uint32_t
nats_hash (const char *text)
{
  /* FNV-1a */
  uint32_t hash = 2166136261u;

  for (; *text; text++)
    hash = (hash ^ (uint8_t) * text) * 16777619u;
  return hash ? hash : 1;
}
