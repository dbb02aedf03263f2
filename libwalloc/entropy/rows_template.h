/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* rows.h for one instruction set. Includers define KERNELS, ISA and
 * count_symbols (const int16_t *first, int16_t slot): the number of the 32
 * entries, which ascend from an aligned address, that are not above slot; that
 * is the symbol's number and one. */
#include "entropy/rows.h"

#include <string.h>

#include "transform/clones.h"

/* A row at work: what the next latents need, in registers. */
typedef struct
{
  uint32_t state[2];
  const uint8_t *p;
  int64_t mean;
  uint32_t spread;
  unsigned bad;
} row_lane;

/* 16 bits for a state or none, in a way that no compiler takes for a branch,
 * which nobody could predict. */
WALLOC_INLINE uint32_t
refill (row_lane * lane, uint32_t state)
{
  uint32_t more = (uint32_t) (((uint64_t) state - WALLOC_RANS_LOW) >> 63);
  uint32_t word = walloc_get_u16 (lane->p);

  lane->p += 2 * more;
  more *= 16;
  return state << more | (word & ((1u << more) - 1));
}

/* One item, low bits; state[now] is next, before and behind them. */
WALLOC_INLINE uint32_t
get_low_bits (row_lane * lane, unsigned shift, unsigned now)
{
  uint32_t state = lane->state[now], low = WALLOC_RANS_BITS - shift;
  uint32_t slot = state & ((1u << WALLOC_RANS_BITS) - 1);

  state = (state >> WALLOC_RANS_BITS << low) + (slot & ((1u << low) - 1));
  lane->state[now] = lane->state[!now];
  lane->state[!now] = refill (lane, state);
  return slot >> low;
}

/* What follows an escape symbol: the value with the sign that was coded;
 * state[now] is next. */
static __attribute__((noinline))
     int32_t get_escape (row_lane * lane, const walloc_row_state * state,
    const walloc_row_table * table, unsigned now)
{
  walloc_rans_reader r;
  int32_t hi;

  r.turn = lane->state[now];
  r.other = lane->state[!now];
  r.end = state->reader.end;
  r.p = lane->p < r.end ? lane->p : r.end;
  r.over = lane->p > r.end;
  hi = walloc_rows_escape (&r, table->escape / 2);
  lane->bad |= (unsigned) r.over | (hi == INT32_MIN);
  lane->state[now] = r.turn;
  lane->state[!now] = r.other;
  lane->p = r.p;
  return hi == INT32_MIN ? 0 : hi;
}

WALLOC_INLINE int32_t
clamp (int32_t pred)
{
  pred = pred > WALLOC_LATENT_MAX ? WALLOC_LATENT_MAX : pred;
  return pred < -WALLOC_LATENT_MAX ? -WALLOC_LATENT_MAX : pred;
}

/* What a latent leaves behind. */
WALLOC_INLINE void
put_latent (const walloc_row_tables * t, walloc_row_piece * piece,
    row_lane * lane, unsigned x, int32_t q, uint32_t magnitude,
    uint32_t spread)
{
  lane->spread = (lane->spread >> 16) + spread;
  lane->mean = ((lane->mean + ((int64_t) 1 << 31)) >> 32) + t->near_mean * q;
  piece->row[x] = (int16_t) q;
  piece->magnitude[x] = (uint8_t) magnitude;
}

/* One latent; now and has_mean are constants in every caller. Where zero is by
 * far the likeliest, a branch lets the next latent begin before this one is
 * certain. */
WALLOC_INLINE void
get_latent (const walloc_row_tables * t, walloc_row_piece * piece,
    const walloc_row_state * from, row_lane * lane, unsigned x, unsigned now,
    int has_mean)
{
  int32_t m, pred = 0, q, r;
  uint32_t state, slot, pair, freq, spread, a;
  size_t count, context, f = 0, sign = 128;
  const walloc_row_table *table;
  const int16_t *first;
  row_lane rare;

  if (has_mean) {
    m = piece->mean[x] + (int32_t) lane->mean + 128;
    f = walloc_rows_fraction[m & 255];
    sign = (size_t) (m & 128);
    pred = m >> 8;
    if (__builtin_expect ((uint32_t) pred + WALLOC_LATENT_MAX >
            2 * WALLOC_LATENT_MAX, 0))
      pred = clamp (pred);
  }
  spread = piece->spread[x] + (lane->spread & 0xffff);
  context = walloc_context_key (spread) * WALLOC_MODEL_FRACTIONS + f;
  first = t->first + context * WALLOC_MODEL_SYMBOLS;
  table = &t->table[context];
  state = lane->state[now];
  slot = state & ((1u << WALLOC_RANS_BITS) - 1);
  if (!table->even) {
    freq = (uint32_t) (first[1] + 32768);
    if (__builtin_expect (slot < freq, 1)) {
      state = freq * (state >> WALLOC_RANS_BITS) + slot;
      lane->state[now] = refill (lane, state);
      put_latent (t, piece, lane, x, pred, 0, 0);
      return;
    }
  }
  count = count_symbols (first, (int16_t) (slot | 0x8000));
  memcpy (&pair, first + count - 1, sizeof pair);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  pair = pair << 16 | pair >> 16;
#endif
  /* 15 bits: the end of the last symbol of all may be the next table's
   * beginning */
  freq = ((pair >> 16) - pair) & 0x7fff;
  state = freq * (state >> WALLOC_RANS_BITS) + slot - (pair & 0x7fff);
  lane->state[now] = refill (lane, state);
  memcpy (&q, (const char *) t->value_of + sign + 4 * count - 4, sizeof q);
  spread = t->spread_of[count - 1];
  a = t->magnitude_of[count - 1];
  if (__builtin_expect (count > table->direct, 0)) {
    if (count - 1 == table->escape) {
      rare = *lane;
      q = get_escape (&rare, from, table, !now);
      *lane = rare;
      q = sign ? q : -q;
    }
    if (table->shift > 0) {
      r = sign ? q : -q;
      r = (int32_t) ((uint32_t) r << table->shift | get_low_bits (lane,
              table->shift, !now));
      q = sign ? r : -r;
    }
    a = (uint32_t) (q < 0 ? -q : q);
    a = a < t->cap ? a : t->cap;
    spread = t->near_spread * a;
    if ((uint32_t) (q + pred) + WALLOC_LATENT_MAX > 2 * WALLOC_LATENT_MAX) {
      lane->bad = 1;
      q = -pred;
    }
  }
  put_latent (t, piece, lane, x, q + pred, a, spread);
}

/* A latent that is not coded. */
WALLOC_INLINE void
skip_latent (const walloc_row_tables * t, walloc_row_piece * piece,
    row_lane * lane, unsigned x)
{
  int32_t q = piece->row[x];
  int32_t r = q - clamp ((piece->mean[x] + (int32_t) lane->mean + 128) >> 8);
  uint32_t a = (uint32_t) (r < 0 ? -r : r);

  a = a < t->cap ? a : t->cap;
  put_latent (t, piece, lane, x, q, a, t->near_spread * a);
}

WALLOC_INLINE void
begin_piece (row_lane * lane, const walloc_row_state * state)
{
  lane->state[0] = state->reader.turn;
  lane->state[1] = state->reader.other;
  lane->p = state->reader.p;
  lane->mean = state->mean;
  lane->spread = state->spread;
  lane->bad = 0;
}

/* Whether it is damaged. now is the state of the next item. */
WALLOC_INLINE unsigned
end_piece (const row_lane * lane, const walloc_row_piece * piece,
    walloc_row_state * state, unsigned now, unsigned n)
{
  walloc_rans_reader *r = &state->reader;
  uint16_t bits = 0;
  unsigned x;

  r->turn = lane->state[now];
  r->other = lane->state[!now];
  r->over |= lane->p > r->end;
  r->p = r->over ? r->end : lane->p;
  state->mean = lane->mean;
  state->spread = lane->spread;
  for (x = 0; x < n; x++)
    bits |= (uint16_t) (piece->row[x] < 0 ? -piece->row[x] : piece->row[x]);
  state->peak |= bits;
  return lane->bad | (unsigned) r->over | (bits > WALLOC_LATENT_MAX);
}

/* lanes and has_mean are constants in every caller. */
WALLOC_INLINE unsigned
get_pieces (const walloc_row_tables * t, walloc_row_piece * pieces,
    walloc_row_state * const *states, unsigned n, unsigned lanes, int has_mean)
{
  row_lane lane[WALLOC_ROWS_LANES];
  unsigned x, i, bad = 0;

#pragma GCC unroll 2
  for (i = 0; i < lanes; i++)
    begin_piece (&lane[i], states[i]);
  for (x = 0; x + 1 < n; x += 2) {
#pragma GCC unroll 2
    for (i = 0; i < lanes; i++)
      get_latent (t, pieces + i, states[i], &lane[i], x, 0, has_mean);
#pragma GCC unroll 2
    for (i = 0; i < lanes; i++)
      get_latent (t, pieces + i, states[i], &lane[i], x + 1, 1, has_mean);
  }
#pragma GCC unroll 2
  for (i = 0; i < lanes; i++) {
    if (n & 1)
      get_latent (t, pieces + i, states[i], &lane[i], x, 0, has_mean);
    bad |= end_piece (&lane[i], pieces + i, states[i], n & 1, n) << i;
  }
  return bad;
}

static unsigned
get_between (const walloc_row_tables * t, walloc_row_piece * pieces,
    walloc_row_state * const *states, unsigned n)
{
  const uint8_t *skip = states[0]->skip;
  row_lane lane;
  uint32_t swap;
  unsigned x;

  begin_piece (&lane, states[0]);
  for (x = 0; x < n; x++) {
    if (skip[x]) {
      skip_latent (t, pieces, &lane, x);
      continue;
    }
    get_latent (t, pieces, states[0], &lane, x, 0, 1);
    swap = lane.state[0];
    lane.state[0] = lane.state[1];
    lane.state[1] = swap;
  }
  return end_piece (&lane, pieces, states[0], 0, n);
}

#define GET(lanes, has_mean) \
static unsigned \
get_##lanes##_##has_mean (const walloc_row_tables * tables, \
    walloc_row_piece * pieces, walloc_row_state * const *states, \
    unsigned n) \
{ \
  return get_pieces (tables, pieces, states, n, lanes, has_mean); \
}

/* *INDENT-OFF* */
GET (1, 0)
GET (2, 0)
GET (1, 1)
GET (2, 1)
/* *INDENT-ON* */

const walloc_rows_kernels KERNELS = {
  ISA, {{get_1_0, get_2_0}, {get_1_1, get_2_1}}, get_between
};
