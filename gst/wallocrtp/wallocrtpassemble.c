/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "wallocrtpassemble.h"

#include <stdlib.h>
#include <string.h>

/* memory for a frame that little is known of yet: a burst may be lost */
#define SLACK ((size_t) 1 << 20)
/* coder states at the start of a segment: of 0 they are never valid */
#define POISON 8

void
walloc_rtp_assembler_init (walloc_rtp_assembler * a, size_t max_size)
{
  memset (a, 0, sizeof *a);
  a->max_size = max_size;
}

static void
forget_frame (walloc_rtp_assembler * a)
{
  free (a->data);
  a->data = NULL;
  a->allocated = 0;
  a->active = a->have_header = 0;
  a->count = a->packets = 0;
  a->received = a->total = 0;
}

void
walloc_rtp_assembler_reset (walloc_rtp_assembler * a)
{
  forget_frame (a);
  a->finished = 0;
  a->last_total = 0;
}

void
walloc_rtp_assembler_clear (walloc_rtp_assembler * a)
{
  walloc_rtp_assembler_reset (a);
}

/* Memory for @end bytes, if what came so far is worth as much. */
static int
reserve (walloc_rtp_assembler * a, size_t end, size_t more)
{
  size_t wanted = end;
  uint8_t *data;

  if (end <= a->allocated)
    return 1;
  if (end > a->max_size ||
      end > SLACK + WALLOC_RTP_MIN_SHARE * (a->received + more))
    return 0;
  /* frames are about as large as the one before; it was really there */
  if (wanted < a->last_total)
    wanted = a->last_total;
  if (wanted < 2 * a->allocated)
    wanted = 2 * a->allocated;
  if (a->have_header && wanted > a->total)
    wanted = a->total;
  if (wanted > a->max_size)
    wanted = a->max_size;
  data = realloc (a->data, wanted);
  if (data == NULL)
    return 0;
  a->data = data;
  a->allocated = wanted;
  return 1;
}

/* Notes that [start, end) is there. 0 if the frame is in too many pieces. */
static int
add_range (walloc_rtp_assembler * a, size_t start, size_t end)
{
  walloc_rtp_range *r = a->ranges;
  unsigned i, k;

  /* packets come in order, so the place is near the end */
  for (i = a->count; i > 0 && r[i - 1].end >= start; i--);
  for (k = i; k < a->count && r[k].start <= end; k++) {
    if (r[k].start < start)
      start = r[k].start;
    if (r[k].end > end)
      end = r[k].end;
    a->received -= r[k].end - r[k].start;
  }
  if (k == i && a->count == WALLOC_RTP_MAX_RANGES)
    return 0;
  memmove (&r[i + 1], &r[k], (a->count - k) * sizeof *r);
  r[i].start = start;
  r[i].end = end;
  a->count = a->count - (k - i) + 1;
  a->received += end - start;
  return 1;
}

static walloc_rtp_result
store (walloc_rtp_assembler * a, size_t offset, const uint8_t * data,
    size_t size)
{
  if (size == 0)
    return WALLOC_RTP_ADDED;
  if (offset > a->max_size || size > a->max_size - offset ||
      !reserve (a, offset + size, size) ||
      !add_range (a, offset, offset + size))
    return WALLOC_RTP_REFUSED;
  memcpy (a->data + offset, data, size);
  return WALLOC_RTP_ADDED;
}

/* Bytes of the frame. A header that was verified stays as it is. */
static walloc_rtp_result
push_bytes (walloc_rtp_assembler * a, size_t offset, const uint8_t * data,
    size_t size)
{
  size_t skip;

  if (a->have_header) {
    if (offset > a->total || size > a->total - offset)
      return WALLOC_RTP_BAD;
    if (offset < a->info.header_size) {
      skip = a->info.header_size - offset;
      if (skip >= size)
        return WALLOC_RTP_ADDED;
      offset += skip;
      data += skip;
      size -= skip;
    }
  }
  return store (a, offset, data, size);
}

/* Takes a header that is whole, of a packet or in the memory of the frame. */
static walloc_rtp_result
take_header (walloc_rtp_assembler * a, const uint8_t * data, size_t size)
{
  walloc_frame_info info;
  size_t total;

  switch (walloc_frame_parse (data, size, &info, NULL)) {
    case WALLOC_OK:
      break;
    case WALLOC_ERR_UNSUPPORTED:
      return WALLOC_RTP_UNSUPPORTED;
    default:
      return WALLOC_RTP_BAD;
  }
  total = (size_t) info.header_size + info.payload_size;
  if ((uint32_t) info.model_id != a->first.model ||
      (info.type == WALLOC_FRAME_KEY) != !!(a->first.flags & WALLOC_RTP_KEY))
    return WALLOC_RTP_BAD;
  if (total > a->max_size)
    return WALLOC_RTP_REFUSED;
  if (a->count > 0 && a->ranges[a->count - 1].end > total)
    return WALLOC_RTP_BAD;
  a->info = info;
  a->total = total;
  a->have_header = 1;
  return WALLOC_RTP_ADDED;
}

/* Bytes of the header that begins at @data. */
static size_t
header_size (const uint8_t * data, size_t size)
{
  if (size < WALLOC_FRAME_PEEK)
    return 0;
  return (size_t) data[4] | (size_t) data[5] << 8;
}

/* The header at the start of a packet; *@used: its size. */
static walloc_rtp_result
push_header (walloc_rtp_assembler * a, const uint8_t * data, size_t size,
    size_t *used)
{
  walloc_rtp_result result = WALLOC_RTP_ADDED;

  *used = header_size (data, size);
  if (*used < WALLOC_FRAME_MIN_HEADER || *used > size)
    return WALLOC_RTP_BAD;
  if (a->have_header)
    return *used == a->info.header_size &&
        memcmp (a->data, data, *used) == 0 ? WALLOC_RTP_ADDED : WALLOC_RTP_BAD;
  result = take_header (a, data, *used);
  if (result == WALLOC_RTP_ADDED)
    result = store (a, 0, data, *used);
  if (result != WALLOC_RTP_ADDED)
    a->have_header = 0;
  return result;
}

/* A header that comes in pieces, once they are all there. */
static walloc_rtp_result
check_header (walloc_rtp_assembler * a)
{
  size_t size;

  if (a->have_header || a->count == 0 || a->ranges[0].start > 0)
    return WALLOC_RTP_ADDED;
  size = header_size (a->data, a->ranges[0].end);
  if (size == 0 || size > a->ranges[0].end)
    return WALLOC_RTP_ADDED;
  return take_header (a, a->data, size);
}

walloc_rtp_result
walloc_rtp_assembler_push (walloc_rtp_assembler * a, const uint8_t * payload,
    size_t size, uint32_t timestamp)
{
  walloc_rtp_header header;
  walloc_rtp_result result;
  size_t used = 0;

  if (!walloc_rtp_header_read (&header, payload, size) ||
      (header.flags & WALLOC_RTP_CONFIG))
    return WALLOC_RTP_BAD;
  payload += WALLOC_RTP_HEADER;
  size -= WALLOC_RTP_HEADER;

  if (a->finished && header.frame == a->last_frame &&
      timestamp == a->last_timestamp)
    return WALLOC_RTP_STALE;
  if (!a->active) {
    a->active = 1;
    a->first = header;
    a->timestamp = timestamp;
  } else if (header.frame != a->first.frame || timestamp != a->timestamp)
    return WALLOC_RTP_OTHER;
  else if (header.model != a->first.model ||
      ((header.flags ^ a->first.flags) & WALLOC_RTP_KEY))
    return WALLOC_RTP_BAD;

  if (header.flags & WALLOC_RTP_WHOLE_HEADER) {
    result = push_header (a, payload, size, &used);
    if (result != WALLOC_RTP_ADDED)
      return result;
  }
  result = push_bytes (a, header.offset, payload + used, size - used);
  if (result == WALLOC_RTP_ADDED)
    result = check_header (a);
  a->packets += result == WALLOC_RTP_ADDED;
  return result;
}

/* Zeros what is missing, and sees to it that segments which miss a byte are not
 * taken for whole: their checksum would let one in 65536 through. */
static void
fill_gaps (walloc_rtp_assembler * a, walloc_rtp_frame * frame)
{
  const unsigned layers = a->info.layers, count = a->info.slices * layers;
  const walloc_rtp_range *r = a->ranges;
  size_t at, end;
  unsigned i, n, last_slice = count;

  for (n = 0, end = 0; n <= a->count; n++) {
    at = n < a->count ? r[n].start : a->total;
    memset (a->data + end, 0, at - end);
    frame->missing += at - end;
    end = n < a->count ? r[n].end : a->total;
  }
  if (frame->missing == 0 || walloc_frame_segment_sizes (a->data, &a->info,
          a->sizes, count) != WALLOC_OK)
    return;
  for (n = i = 0, at = a->info.header_size; n < count; n++, at = end) {
    end = at + a->sizes[n];
    while (i < a->count && r[i].end <= at)
      i++;
    if (at == end || (i < a->count && r[i].start <= at && r[i].end >= end))
      continue;
    memset (a->data + at, 0, end - at < POISON ? end - at : POISON);
    frame->segments++;
    frame->slices += n / layers != last_slice;
    last_slice = n / layers;
  }
}

walloc_rtp_status
walloc_rtp_assembler_finish (walloc_rtp_assembler * a, walloc_rtp_frame * frame)
{
  walloc_rtp_status status;

  memset (frame, 0, sizeof *frame);
  if (!a->active)
    return WALLOC_RTP_NOTHING;
  frame->frame = a->first.frame;
  frame->packets = a->packets;
  frame->key = !!(a->first.flags & WALLOC_RTP_KEY);

  if (!a->have_header)
    status = WALLOC_RTP_NO_HEADER;
  else if (a->received < a->total / WALLOC_RTP_MIN_SHARE)
    status = WALLOC_RTP_TOO_LITTLE;
  else {
    uint8_t *data = realloc (a->data, a->total);

    if (data == NULL)
      status = WALLOC_RTP_NO_MEMORY;
    else {
      a->data = data;
      fill_gaps (a, frame);
      frame->info = a->info;
      frame->data = data;
      frame->size = a->last_total = a->total;
      a->data = NULL;
      status = frame->missing ? WALLOC_RTP_DAMAGED : WALLOC_RTP_COMPLETE;
    }
  }
  a->finished = 1;
  a->last_frame = a->first.frame;
  a->last_timestamp = a->timestamp;
  forget_frame (a);
  return status;
}

void
walloc_rtp_config_reset (walloc_rtp_config * c)
{
  c->received = 0;
}

const char *
walloc_rtp_config_push (walloc_rtp_config * c, const uint8_t * payload,
    size_t size, uint32_t timestamp)
{
  walloc_rtp_header header;
  size_t whole;

  if (!walloc_rtp_header_read (&header, payload, size) ||
      !(header.flags & WALLOC_RTP_CONFIG))
    return NULL;
  payload += WALLOC_RTP_HEADER;
  size -= WALLOC_RTP_HEADER;
  if (header.offset == 0) {
    c->received = 0;
    c->timestamp = timestamp;
  }
  /* the last byte is for the NUL */
  if (header.offset != c->received || timestamp != c->timestamp ||
      size > sizeof c->data - 1 - c->received) {
    c->received = 0;
    return NULL;
  }
  memcpy (c->data + c->received, payload, size);
  c->received += size;
  if (c->received < WALLOC_RTP_CONFIG_LENGTH)
    return NULL;
  whole = WALLOC_RTP_CONFIG_LENGTH + ((size_t) c->data[0] << 8 | c->data[1]);
  if (c->received < whole)
    return NULL;
  c->data[whole] = 0;
  /* text that a program prints holds no other NUL */
  whole = c->received == whole && memchr (c->data + WALLOC_RTP_CONFIG_LENGTH,
      0, whole - WALLOC_RTP_CONFIG_LENGTH) == NULL;
  c->received = 0;
  return whole ? (const char *) c->data + WALLOC_RTP_CONFIG_LENGTH : NULL;
}

size_t
walloc_rtp_config_write (const char *text, uint8_t data[WALLOC_RTP_MAX_CONFIG])
{
  const size_t length = strlen (text);

  if (length > WALLOC_RTP_MAX_CONFIG - 1 - WALLOC_RTP_CONFIG_LENGTH)
    return 0;
  data[0] = (uint8_t) (length >> 8);
  data[1] = (uint8_t) length;
  memcpy (data + WALLOC_RTP_CONFIG_LENGTH, text, length);
  return WALLOC_RTP_CONFIG_LENGTH + length;
}
