/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* RTP payloads: the input is a sequence of packets, put together to frames. A
 * frame that comes out has a header that parses, is no greater than allowed
 * and no greater than what came is worth, and says rightly what is missing.
 *
 * Input: per packet u16 size, u8 of which bit 0 is the marker and bits 1 to 3
 * the time stamp, then the payload. Where bit 7 is set, the frame header that
 * the payload brings gets a checksum that holds, or no mutation would get far.
 * A sequence that can be cut into packets again is also planned anew. */
#include "gst/wallocrtp/wallocrtpassemble.h"

#include <stdlib.h>
#include <string.h>

#include "common/crc32.h"

#define MAX_SIZE ((size_t) 1 << 22)

int LLVMFuzzerTestOneInput (const uint8_t * data, size_t size);

static void
require (int condition)
{
  if (!condition)
    abort ();
}

static void
check_hole (const walloc_rtp_frame * frame)
{
  unsigned count = frame->info.slices * frame->info.layers;

  require (frame->missing <= frame->size);
  require (frame->segments <= count && frame->slices <= frame->info.slices &&
      frame->slices <= frame->segments);
  require (frame->missing > 0 || frame->segments == 0);
}

/* Packets of a whole frame give the frame again. */
static void
check_again (const walloc_rtp_frame * frame, size_t room, unsigned repeat)
{
  unsigned count = frame->info.slices * frame->info.layers, i;
  walloc_rtp_header header;
  walloc_rtp_assembler *a;
  walloc_rtp_frame again;
  walloc_rtp_plan plan;
  uint32_t *sizes;
  uint8_t *packet;
  size_t at;

  if (frame->size > 1 << 16)
    return;
  sizes = malloc ((count + 1) * sizeof *sizes);
  packet = malloc (WALLOC_RTP_HEADER + room);
  a = malloc (sizeof *a);
  require (sizes != NULL && packet != NULL && a != NULL);
  require (walloc_frame_segment_sizes (frame->data, &frame->info, sizes,
          count) == WALLOC_OK);
  walloc_rtp_plan_init (&plan);
  require (walloc_rtp_plan_make (&plan, frame->info.header_size, sizes, count,
          frame->size, room, repeat));
  walloc_rtp_assembler_init (a, MAX_SIZE);
  memset (&header, 0, sizeof header);
  header.model = (uint32_t) frame->info.model_id;
  for (i = 0; i < plan.count; i++) {
    const walloc_rtp_piece *piece = &plan.pieces[i];

    header.flags = piece->flags;
    if (frame->info.type == WALLOC_FRAME_KEY)
      header.flags |= WALLOC_RTP_KEY;
    header.segment = piece->segment;
    header.offset = piece->offset;
    walloc_rtp_header_write (&header, packet);
    at = WALLOC_RTP_HEADER;
    if (piece->flags & WALLOC_RTP_WHOLE_HEADER) {
      memcpy (packet + at, frame->data, frame->info.header_size);
      at += frame->info.header_size;
    }
    require (at + piece->size <= WALLOC_RTP_HEADER + room);
    memcpy (packet + at, frame->data + piece->offset, piece->size);
    require (walloc_rtp_assembler_push (a, packet, at + piece->size, 5) ==
        WALLOC_RTP_ADDED);
  }
  require (walloc_rtp_assembler_finish (a, &again) == WALLOC_RTP_COMPLETE);
  require (again.size == frame->size && again.packets == plan.count &&
      memcmp (again.data, frame->data, frame->size) == 0);
  free (again.data);
  walloc_rtp_plan_clear (&plan);
  walloc_rtp_assembler_clear (a);
  free (a);
  free (packet);
  free (sizes);
}

static void
finish (walloc_rtp_assembler * a, unsigned options)
{
  const size_t received = a->received, held = a->allocated;
  walloc_rtp_frame frame;
  walloc_frame_info info;

  require (held <= MAX_SIZE);
  switch (walloc_rtp_assembler_finish (a, &frame)) {
    case WALLOC_RTP_COMPLETE:
      require (frame.missing == 0 && received == frame.size);
      check_again (&frame, 1 + options % 300, options / 16 % 4);
      break;
    case WALLOC_RTP_DAMAGED:
      require (frame.missing > 0 && received + frame.missing == frame.size);
      require (received >= frame.size / WALLOC_RTP_MIN_SHARE);
      break;
    default:
      require (frame.data == NULL);
      return;
  }
  require (frame.size <= MAX_SIZE);
  require (walloc_frame_parse (frame.data, frame.size, &info, NULL) ==
      WALLOC_OK && (size_t) info.header_size + info.payload_size == frame.size);
  check_hole (&frame);
  free (frame.data);
}

/* Gives the frame header behind a payload header a checksum that holds. */
static void
mend (uint8_t * packet, size_t size)
{
  uint8_t *header = packet + WALLOC_RTP_HEADER;
  uint32_t crc;
  size_t length, i;

  if (size < WALLOC_RTP_HEADER + WALLOC_FRAME_MIN_HEADER)
    return;
  memcpy (header, "WLC1", 4);
  length = (size_t) header[4] | (size_t) header[5] << 8;
  if (length < WALLOC_FRAME_MIN_HEADER || length > size - WALLOC_RTP_HEADER)
    return;
  crc = walloc_crc32 (header, length - 4);
  for (i = 0; i < 4; i++)
    header[length - 4 + i] = (uint8_t) (crc >> 8 * i);
}

int
LLVMFuzzerTestOneInput (const uint8_t * data, size_t size)
{
  walloc_rtp_assembler *a = malloc (sizeof *a);
  walloc_rtp_config config;
  unsigned options, number = 0;
  walloc_rtp_result result;
  const char *text;
  uint8_t *packet;
  size_t length;

  require (a != NULL);
  walloc_rtp_assembler_init (a, MAX_SIZE);
  memset (&config, 0, sizeof config);
  while (size >= 3) {
    length = (size_t) data[0] | (size_t) data[1] << 8;
    options = data[2];
    data += 3;
    size -= 3;
    if (length > size)
      length = size;
    /* of its own, so that a sanitizer sees what is read behind it */
    packet = malloc (length ? length : 1);
    require (packet != NULL);
    memcpy (packet, data, length);
    data += length;
    size -= length;
    if (options & 128)
      mend (packet, length);

    text = walloc_rtp_config_push (&config, packet, length, options >> 1 & 7);
    if (text != NULL)
      require (strlen (text) < WALLOC_RTP_MAX_CONFIG);
    result = walloc_rtp_assembler_push (a, packet, length, options >> 1 & 7);
    if (result == WALLOC_RTP_OTHER) {
      finish (a, options + number);
      result = walloc_rtp_assembler_push (a, packet, length, options >> 1 & 7);
      require (result != WALLOC_RTP_OTHER);
    }
    if (options & 1)
      finish (a, options + number);
    free (packet);
    number++;
  }
  finish (a, number);
  walloc_rtp_assembler_clear (a);
  free (a);
  return 0;
}
