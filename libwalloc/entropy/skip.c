/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "entropy/skip.h"

/* The more flags a context has seen, the slower its frequency moves. */
#define MOST_SEEN 30
#define LEAST_FREQ 32
#define TOTAL 32768

static void
state_init (walloc_skip_state * s)
{
  unsigned k;

  /* by the number of neighbours that are skipped: 1/10 to 9/10 */
  for (k = 0; k < WALLOC_SKIP_CONTEXTS; k++) {
    s->freq[k] = (uint16_t) (3277 + 5243 * ((k & 1) + (k >> 1 & 1) +
            (k >> 2 & 1) + (k >> 3 & 1) + (k >> 4 & 1)));
    s->seen[k] = 0;
  }
}

static void
state_learn (walloc_skip_state * s, unsigned k, unsigned skipped)
{
  int f = s->freq[k];

  f += ((skipped ? TOTAL : 0) - f) / (s->seen[k] + 2);
  f = f < LEAST_FREQ ? LEAST_FREQ : f;
  s->freq[k] = (uint16_t) (f > TOTAL - LEAST_FREQ ? TOTAL - LEAST_FREQ : f);
  s->seen[k] += s->seen[k] < MOST_SEEN;
}

/* Left, above, above left, above right, the frame before. */
static unsigned
context_of (const walloc_slice * slice, unsigned y, unsigned x)
{
  size_t at = y * slice->skip_stride + x;
  const uint8_t *here = slice->skip + at, *above = here - slice->skip_stride;
  unsigned k = x > 0 ? here[-1] : 0;

  if (y > 0) {
    k |= (unsigned) above[0] << 1;
    k |= x > 0 ? (unsigned) above[-1] << 2 : 0;
    k |= x + 1 < slice->width ? (unsigned) above[1] << 3 : 0;
  }
  if (slice->skip_before != NULL)
    k |= (unsigned) slice->skip_before[at] << 4;
  return k;
}

int
walloc_skip_all (const walloc_slice * slice)
{
  const uint8_t *row = slice->skip;
  unsigned y, x;
  uint8_t all = 1;

  for (y = 0; y < slice->rows && all; y++, row += slice->skip_stride)
    for (x = 0; x < slice->width; x++)
      all &= row[x];
  return all;
}

void
walloc_skip_put (walloc_rans_writer * w, const walloc_slice * slice,
    uint16_t * freq)
{
  walloc_skip_state state;
  unsigned y, x, k;
  uint16_t *f = freq;
  uint8_t flag;

  /* frequencies are learned forwards, symbols are written backwards */
  state_init (&state);
  for (y = 0; y < slice->rows; y++)
    for (x = 0; x < slice->width; x++) {
      flag = slice->skip[y * slice->skip_stride + x];
      k = context_of (slice, y, x);
      *f++ = state.freq[k];
      state_learn (&state, k, flag);
    }
  for (y = slice->rows; y-- > 0;)
    for (x = slice->width; x-- > 0;) {
      f--;
      if (slice->skip[y * slice->skip_stride + x])
        walloc_rans_put (w, TOTAL - (uint32_t) * f, *f);
      else
        walloc_rans_put (w, 0, TOTAL - (uint32_t) * f);
    }
}

void
walloc_skip_get (walloc_rans_reader * r, walloc_slice * slice)
{
  walloc_skip_state state;
  unsigned y, x, k, skipped;
  uint32_t slot, zero;

  state_init (&state);
  for (y = 0; y < slice->rows; y++)
    for (x = 0; x < slice->width; x++) {
      k = context_of (slice, y, x);
      zero = TOTAL - (uint32_t) state.freq[k];
      slot = walloc_rans_peek (r);
      skipped = slot >= zero;
      walloc_rans_take (r, slot, skipped ? zero : 0,
          skipped ? state.freq[k] : zero);
      slice->skip[y * slice->skip_stride + x] = (uint8_t) skipped;
      state_learn (&state, k, skipped);
    }
}
