/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "entropy/cost.h"

/* Bits of an escape with |hi| - m = 1: its sign and the one of Exp-Golomb. */
#define ESCAPE_BITS 2

unsigned
walloc_cost_of (unsigned freq)
{
  /* 15 - log2 (freq): the integer part is where the leading bit is, and each
   * squaring of what is left of it gives another bit */
  unsigned e = 31 - (unsigned) __builtin_clz (freq), i, log;
  uint64_t x = (uint64_t) freq << (31 - e);     /* 1 to 2, 31 bits */

  log = e;
  for (i = 0; i < 9; i++) {
    x = x * x >> 31;
    log = 2 * log + (unsigned) (x >> 32);
    x >>= x >> 32;
  }
  return (15 * 2 * WALLOC_COST_BIT - log + 1) / 2;
}

void
walloc_cost_init (walloc_cost_row * rows, const walloc_model * model,
    unsigned set)
{
  const walloc_freq_table *table = model->set[set].tables;
  size_t i, n = walloc_cost_rows (model);
  unsigned b, k, symbols, cost;

  for (i = 0; i < n; i++) {
    b = (unsigned) (i / WALLOC_MODEL_FRACTIONS % model->buckets);
    symbols = 2u * model->max_symbol[b] + 2;
    for (k = 0; k < WALLOC_MODEL_SYMBOLS; k++) {
      cost = k >= symbols ? UINT16_MAX :
          walloc_cost_of (table[i].symbol[k].freq) +
          model->shift[b] * WALLOC_COST_BIT;
      if (k + 1 == symbols)
        cost += ESCAPE_BITS * WALLOC_COST_BIT;
      rows[i][k] = (uint16_t) cost;
    }
  }
}
