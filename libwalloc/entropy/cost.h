/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What symbols cost, for decisions of the encoder: ideal code lengths of the
 * static tables (docs/bitstream.md, 3.3) in 1/256 bit. Integers only, the
 * same on every machine. Internal. */
#ifndef WALLOC_ENTROPY_COST_H
#define WALLOC_ENTROPY_COST_H

#include "entropy/context.h"

#define WALLOC_COST_BIT 256

/* [C][B][4][32]: the symbol, with the raw bits below it and the least that an
 * escape takes. */
typedef uint16_t walloc_cost_row[WALLOC_MODEL_SYMBOLS];

/* Rows that the tables of one set take. */
static inline size_t
walloc_cost_rows (const walloc_model * model)
{
  return (size_t) model->classes * model->buckets * WALLOC_MODEL_FRACTIONS;
}

void walloc_cost_init (walloc_cost_row * rows, const walloc_model * model,
    unsigned set);

/* Those of a channel, [B][4]. */
static inline const walloc_cost_row *
walloc_cost_of_channel (const walloc_cost_row * rows,
    const walloc_model * model, unsigned channel)
{
  return rows + (size_t) model->class[channel] * model->buckets *
      WALLOC_MODEL_FRACTIONS;
}

/* -log2 (freq / 32768), freq 1 to 32768. */
unsigned walloc_cost_of (unsigned freq);

/* What M predicts. */
static inline int
walloc_cost_mean (int32_t m)
{
  int pred = (m + 128) >> 8;

  pred = pred > WALLOC_LATENT_MAX ? WALLOC_LATENT_MAX : pred;
  return pred < -WALLOC_LATENT_MAX ? -WALLOC_LATENT_MAX : pred;
}

/* Cost of latent q at mean M and spread S (1 to 65535); rows are those of its
 * class, offset is that of its channel's keys. */
static inline unsigned
walloc_cost_latent (const walloc_cost_row * rows, const walloc_model * model,
    int offset, int32_t m, int32_t s, int q)
{
  int key = (int) walloc_context_key ((uint32_t) s) + offset;
  unsigned b, f, symbol, most, a;
  int32_t pred = walloc_cost_mean (m), frac, r;

  key = key < 0 ? 0 : key > WALLOC_MODEL_KEYS - 1 ? WALLOC_MODEL_KEYS - 1 : key;
  b = model->bucket[key];
  frac = m - ((m + 128) >> 8) * 256;
  r = frac < 0 ? pred - q : q - pred;
  frac = frac < 0 ? -frac : frac;
  f = (unsigned) ((frac >= 16) + (frac >= 48) + (frac >= 80));
  r >>= model->shift[b];
  most = model->max_symbol[b];
  a = (unsigned) (r < 0 ? -r : r);
  symbol = 2 * a - (r > 0);
  if (a <= most)
    return rows[b * WALLOC_MODEL_FRACTIONS + f][symbol];
  a = 31 - (unsigned) __builtin_clz (a - most);
  return rows[b * WALLOC_MODEL_FRACTIONS + f][2 * most + 1] +
      2 * a * WALLOC_COST_BIT;
}

#endif
