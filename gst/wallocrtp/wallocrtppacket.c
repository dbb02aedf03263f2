/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "wallocrtppacket.h"

#include <stdlib.h>
#include <string.h>

#define VERSION_SHIFT 6
#define RESERVED 0x03

void
walloc_rtp_header_write (const walloc_rtp_header * header,
    uint8_t data[WALLOC_RTP_HEADER])
{
  unsigned i;

  data[0] = (uint8_t) header->flags;
  data[1] = (uint8_t) header->frame;
  data[2] = (uint8_t) (header->segment >> 8);
  data[3] = (uint8_t) header->segment;
  for (i = 0; i < 4; i++) {
    data[4 + i] = (uint8_t) (header->model >> (24 - 8 * i));
    data[8 + i] = (uint8_t) (header->offset >> (24 - 8 * i));
  }
}

static uint32_t
get_u32 (const uint8_t * p)
{
  return (uint32_t) p[0] << 24 | (uint32_t) p[1] << 16 | (uint32_t) p[2] << 8 |
      p[3];
}

int
walloc_rtp_header_read (walloc_rtp_header * header, const uint8_t * data,
    size_t size)
{
  if (size < WALLOC_RTP_HEADER || data[0] >> VERSION_SHIFT != 0 ||
      (data[0] & RESERVED) != 0)
    return 0;
  header->flags = data[0];
  header->frame = data[1];
  header->segment = (unsigned) data[2] << 8 | data[3];
  header->model = get_u32 (data + 4);
  header->offset = get_u32 (data + 8);
  return 1;
}

void
walloc_rtp_plan_init (walloc_rtp_plan * plan)
{
  memset (plan, 0, sizeof *plan);
}

void
walloc_rtp_plan_clear (walloc_rtp_plan * plan)
{
  free (plan->pieces);
  walloc_rtp_plan_init (plan);
}

/* What a plan is made from, and how far it has come. */
typedef struct
{
  walloc_rtp_plan *plan;
  size_t header_size, end, room;
  const uint32_t *sizes;
  unsigned count;
  size_t at;                    /* in the frame */
  unsigned segment;
  size_t left;                  /* bytes of that segment */
  unsigned copies, packets;     /* copies of the header, in how many packets */
  unsigned copied;
} maker;

static walloc_rtp_piece *
add_piece (maker * m)
{
  walloc_rtp_plan *plan = m->plan;
  walloc_rtp_piece *piece;

  if (plan->count == plan->allocated) {
    unsigned wanted = plan->allocated ? 2 * plan->allocated : 64;

    piece = realloc (plan->pieces, wanted * sizeof *piece);
    if (piece == NULL)
      return NULL;
    plan->pieces = piece;
    plan->allocated = wanted;
  }
  piece = &plan->pieces[plan->count++];
  memset (piece, 0, sizeof *piece);
  return piece;
}

/* Goes to the next segment that has bytes, once one is used up. */
static void
skip_empty (maker * m)
{
  while (m->left == 0 && m->segment + 1 < m->count)
    m->left = m->sizes[++m->segment];
}

static size_t
packets_for (const maker * m, size_t size)
{
  return (size + m->room - 1) / m->room;
}

/* Fills @piece, in which @space bytes are left, with whole segments; one that
 * needs several packets anyway is begun if it then does not need one more. A
 * segment is lost with every packet that holds a byte of it, so what counts is
 * how many packets each touches, not how many segments share one. */
static void
fill_piece (maker * m, walloc_rtp_piece * piece, size_t space)
{
  skip_empty (m);
  piece->offset = (uint32_t) m->at;
  piece->segment = m->segment;
  if (m->at < m->end && m->left == m->sizes[m->segment])
    piece->flags |= WALLOC_RTP_START;

  while (m->at < m->end && space > 0) {
    size_t size = m->left < m->end - m->at ? m->left : m->end - m->at;

    if (size > space) {
      if (m->left == m->sizes[m->segment] && space < m->room &&
          1 + packets_for (m, size - space) > packets_for (m, size))
        break;
      size = space;
    }
    m->at += size;
    m->left -= size;
    space -= size;
    piece->size += (uint32_t) size;
    skip_empty (m);
  }
}

/* Pieces of a frame header that is greater than a packet. */
static int
add_header (maker * m)
{
  size_t at, size;

  for (at = 0; at < m->header_size; at += size) {
    walloc_rtp_piece *piece = add_piece (m);

    if (piece == NULL)
      return 0;
    size = m->header_size - at < m->room ? m->header_size - at : m->room;
    piece->offset = (uint32_t) at;
    piece->size = (uint32_t) size;
  }
  return 1;
}

/* Whether the packet about to be made is where a copy of the header belongs:
 * copies are as far from the first and from each other as can be. */
static int
copy_is_due (const maker * m)
{
  return m->copied < m->copies && m->packets > 1 &&
      m->plan->count >= (uint64_t) (m->packets - 1) * (m->copied + 1) /
      m->copies;
}

static int
make (maker * m, unsigned copies, unsigned packets)
{
  const int fits = m->header_size <= m->room;

  m->plan->count = 0;
  m->at = m->header_size;
  m->segment = 0;
  m->left = m->count > 0 ? m->sizes[0] : 0;
  m->copied = 0;
  m->copies = fits ? copies : 0;
  m->packets = packets;

  if (!fits && !add_header (m))
    return 0;
  while (m->at < m->end || m->plan->count == 0) {
    walloc_rtp_piece *piece;
    size_t space = m->room;
    const int due = fits && (m->plan->count == 0 || copy_is_due (m));

    piece = add_piece (m);
    if (piece == NULL)
      return 0;
    if (due) {
      piece->flags |= WALLOC_RTP_WHOLE_HEADER;
      space -= m->header_size;
      m->copied += m->plan->count > 1;
    }
    fill_piece (m, piece, space);
  }
  /* copies for which there was no place before */
  for (; m->copied < m->copies && m->plan->count > 1; m->copied++) {
    walloc_rtp_piece *piece = add_piece (m);

    if (piece == NULL)
      return 0;
    piece->flags = WALLOC_RTP_WHOLE_HEADER;
    piece->offset = (uint32_t) m->end;
    piece->segment = m->count > 0 ? m->count - 1 : 0;
  }
  for (; !fits && copies > 0; copies--)
    if (!add_header (m))
      return 0;
  return 1;
}

int
walloc_rtp_plan_make (walloc_rtp_plan * plan, size_t header_size,
    const uint32_t * sizes, unsigned count, size_t available, size_t room,
    unsigned repeat)
{
  maker m;
  unsigned packets;

  memset (&m, 0, sizeof m);
  m.plan = plan;
  m.header_size = header_size;
  m.sizes = sizes;
  m.count = count;
  m.end = available;
  m.room = room;
  if (!make (&m, 0, 0))
    return 0;
  /* a copy in the only packet would be lost with it */
  packets = plan->count;
  if (repeat == 0 || packets < 2)
    return 1;
  return make (&m, repeat, packets);
}
