/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Two interleaved rANS coders (docs/bitstream.md, section 3.4). Internal.
 *
 * The writer runs backwards, from the last item of a slice to the first, and
 * fills its buffer from the end, so nothing has to be recorded on the way.
 * Both coders start from the same state: which of them is called number 0 is
 * known when the first item has been written. */
#ifndef WALLOC_ENTROPY_RANS_H
#define WALLOC_ENTROPY_RANS_H

#include "common/bytes.h"

#include <stddef.h>
#include <string.h>

#define WALLOC_RANS_BITS 15
#define WALLOC_RANS_LOW ((uint32_t) 1 << 16)
/* Bytes of the two states in front of the words. */
#define WALLOC_RANS_HEAD 8

/* turn is the state of the item that is written or read next. */
typedef struct
{
  uint32_t turn, other;
  uint8_t *p;                   /* the words written so far begin here */
} walloc_rans_writer;

typedef struct
{
  uint32_t turn, other;
  const uint8_t *p, *end;
  int over;                     /* words were missing */
} walloc_rans_reader;

static inline void
walloc_rans_writer_init (walloc_rans_writer * w, uint8_t * end)
{
  w->turn = w->other = WALLOC_RANS_LOW;
  w->p = end;
}

/* One item: 1 <= freq < 2^15, start + freq <= 2^15. The caller has made sure
 * that two bytes are free. */
static inline void
walloc_rans_put (walloc_rans_writer * w, uint32_t start, uint32_t freq)
{
  uint32_t x = w->turn;

  if (x >= freq << (32 - WALLOC_RANS_BITS)) {
    w->p -= 2;
    walloc_put_u16 (w->p, x);
    x >>= 16;
  }
  x = (x / freq << WALLOC_RANS_BITS) + x % freq + start;
  w->turn = w->other;
  w->other = x;
}

/* The same without division and branches, by what the model has for it
 * (walloc_put_symbol). Two bytes in front of the words may be overwritten. */
static inline void
walloc_rans_put_symbol (walloc_rans_writer * w, uint64_t reciprocal,
    uint32_t limit, uint32_t add, uint32_t left)
{
#ifdef __SIZEOF_INT128__
  uint8_t word[2];              /* so that compilers store it at once */
  uint32_t x = w->turn, many;

  word[0] = (uint8_t) x;
  word[1] = (uint8_t) (x >> 8);
  memcpy (w->p - 2, word, sizeof word);
  many = x >= limit;
  w->p -= 2 * many;
  x = many ? x >> 16 : x;
  w->turn = w->other;
  w->other = x + add +
      (uint32_t) ((unsigned __int128) x * reciprocal >> 64) * left;
#else
  (void) reciprocal;
  (void) limit;
  walloc_rans_put (w, left == (1 << WALLOC_RANS_BITS) - 1 ? add - left : add,
      (1 << WALLOC_RANS_BITS) - left);
#endif
}

/* A raw field of 1 to 15 bits: a frequency that is a power of two. Two bytes
 * in front of the words may be overwritten. */
static inline void
walloc_rans_put_raw (walloc_rans_writer * w, unsigned bits, uint32_t value)
{
  unsigned low = WALLOC_RANS_BITS - bits;
  uint32_t x = w->turn, many = x >> (32 - bits) != 0;

  walloc_put_u16 (w->p - 2, x);
  w->p -= 2 * many;
  x >>= 16 * many;
  w->turn = w->other;
  w->other = x >> low << WALLOC_RANS_BITS | value << low |
      (x & (((uint32_t) 1 << low) - 1));
}

/* Writes the states in front of the words; 8 bytes must be free. */
static inline void
walloc_rans_finish (walloc_rans_writer * w)
{
  w->p -= WALLOC_RANS_HEAD;
  walloc_put_u32 (w->p, w->other);
  walloc_put_u32 (w->p + 4, w->turn);
}

/* 0 when there are no valid states. */
static inline int
walloc_rans_reader_init (walloc_rans_reader * r, const uint8_t * data,
    size_t size)
{
  if (size < WALLOC_RANS_HEAD)
    return 0;
  r->turn = walloc_get_u32 (data);
  r->other = walloc_get_u32 (data + 4);
  r->p = data + WALLOC_RANS_HEAD;
  r->end = data + size;
  r->over = 0;
  return r->turn >= WALLOC_RANS_LOW && r->other >= WALLOC_RANS_LOW;
}

/* Position within the frequencies of the next item. */
static inline uint32_t
walloc_rans_peek (const walloc_rans_reader * r)
{
  return r->turn & (((uint32_t) 1 << WALLOC_RANS_BITS) - 1);
}

/* Takes the item away; slot is what walloc_rans_peek() said. Zeros stand for
 * words that are missing. */
static inline void
walloc_rans_take (walloc_rans_reader * r, uint32_t slot, uint32_t start,
    uint32_t freq)
{
  uint32_t x = freq * (r->turn >> WALLOC_RANS_BITS) + slot - start;

  if (x < WALLOC_RANS_LOW) {
    x <<= 16;
    if (r->end - r->p >= 2) {
      x |= walloc_get_u16 (r->p);
      r->p += 2;
    } else {
      r->over = 1;
    }
  }
  r->turn = r->other;
  r->other = x;
}

static inline uint32_t
walloc_rans_raw (walloc_rans_reader * r, unsigned bits)
{
  uint32_t slot = walloc_rans_peek (r);
  uint32_t value = slot >> (WALLOC_RANS_BITS - bits);

  walloc_rans_take (r, slot, value << (WALLOC_RANS_BITS - bits),
      (uint32_t) 1 << (WALLOC_RANS_BITS - bits));
  return value;
}

/* Whether the slice ended as it must. */
static inline int
walloc_rans_good (const walloc_rans_reader * r)
{
  return !r->over && r->p == r->end && r->turn == WALLOC_RANS_LOW &&
      r->other == WALLOC_RANS_LOW;
}

#endif
