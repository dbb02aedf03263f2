/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Decoding rows of latents, of several slices at once. Internal.
 *
 * The context of a latent depends on the latent to its left, and the state of
 * the entropy coder on the item before: a single slice is one long chain of
 * dependent steps, which leaves most of a processor idle. A row of another
 * slice, which has states of its own, fills it; with more the number of
 * instructions is what takes time. */
#ifndef WALLOC_ENTROPY_ROWS_H
#define WALLOC_ENTROPY_ROWS_H

#include "entropy/context.h"
#include "entropy/rans.h"

/* Rows that are decoded at once, at most. */
#define WALLOC_ROWS_LANES 2
/* Latents of a row that are decoded at a time. */
#define WALLOC_ROWS_PIECE 128
/* Bytes that a latent takes at most, rare parts included: words of a symbol
 * (1), of an escape (3) and of low bits (1). */
#define WALLOC_ROWS_LATENT 10
/* Bytes that a piece takes, and what a reader without checks may read behind
 * its end. */
#define WALLOC_ROWS_MOST (WALLOC_ROWS_LATENT * WALLOC_ROWS_PIECE)
#define WALLOC_ROWS_BEYOND (2 * WALLOC_ROWS_PIECE + 2)

#define WALLOC_ROWS_CONTEXTS (WALLOC_MODEL_KEYS * WALLOC_MODEL_FRACTIONS)

/* What the tables of a context say beside the frequencies. */
typedef struct
{
  uint8_t shift, escape, direct;        /* as in walloc_freq_table */
  uint8_t even;                 /* as well; or there are low bits */
} walloc_row_table;

/* What depends on the kind of a channel (walloc_context_kind()). */
typedef struct
{
  /* [contexts][WALLOC_MODEL_SYMBOLS] of walloc_freq_table; one more may be
   * read */
  _Alignas (64) int16_t first[WALLOC_ROWS_CONTEXTS * WALLOC_MODEL_SYMBOLS + 2];
  walloc_row_table table[WALLOC_ROWS_CONTEXTS];
} walloc_row_contexts;

/* A channel's contexts, tables and neighbours to the left in the order in
 * which rows need them. */
typedef struct
{
  const int16_t *first;         /* of the channel's walloc_row_contexts */
  const walloc_row_table *table;
  /* what a symbol of a table without escape and shift says: what is added to
   * the prediction, with the sign turned over in [0]; and to the spreads of
   * the next latent (lower 16 bits) and the one after */
  int32_t value_of[2][WALLOC_MODEL_SYMBOLS];
  uint32_t spread_of[WALLOC_MODEL_SYMBOLS];
  uint8_t magnitude_of[WALLOC_MODEL_SYMBOLS];
  /* what a latent of 1 adds to the mean of the next one, and 2^32 times what
   * it adds to that of the one after; spreads likewise with 2^16 */
  int64_t near_mean;
  uint32_t near_spread;
  uint32_t cap;
} walloc_row_tables;

/* A piece of one row. */
typedef struct
{
  /* without near_mean and near_spread */
  _Alignas (64) int32_t mean[WALLOC_ROWS_PIECE + WALLOC_ROW_SLACK];
  uint16_t spread[WALLOC_ROWS_PIECE + WALLOC_ROW_SLACK];
  int16_t row[WALLOC_ROWS_PIECE];       /* out; in where skipped */
  uint8_t magnitude[WALLOC_ROWS_PIECE]; /* out */
} walloc_row_piece;

/* What a slice's row has come to. */
typedef struct
{
  /* WALLOC_ROWS_BEYOND bytes behind its end must be readable, or so many more
   * that it cannot come there */
  walloc_rans_reader reader;
  /* what latents to the left add to the next ones, as near_mean and
   * near_spread; 0 where a row begins */
  int64_t mean;
  uint32_t spread;
  uint16_t peak;                /* bits that any magnitude has had */
  const uint8_t *skip;          /* of the piece: what stays in row; or NULL */
} walloc_row_state;

/* Decodes pieces of n latents of as many rows as there are states. Bit i of
 * what it returns says that row i is damaged: a latent out of range, an escape
 * that no encoder writes, or too few words. */
typedef unsigned walloc_rows_get (const walloc_row_tables * tables,
    walloc_row_piece * pieces, walloc_row_state * const *states, unsigned n);

typedef struct
{
  const char *isa;
  /* [has_mean][rows at once, less one]: without skipped latents */
  walloc_rows_get *get[2][WALLOC_ROWS_LANES];
  walloc_rows_get *between;     /* one row with or without means, with some */
} walloc_rows_kernels;

extern const walloc_rows_kernels walloc_rows_plain, walloc_rows_avx2,
    walloc_rows_avx512;

/* What this processor can do, best first; NULL behind the last. */
const walloc_rows_kernels *walloc_rows_best (unsigned index);

/* Scratch of a decoder. */
typedef struct
{
  walloc_row_tables tables;
  walloc_context_kinds kinds;   /* count 0 at first, and for another set */
  walloc_row_contexts contexts[WALLOC_CONTEXT_KINDS];
  walloc_row_piece piece[WALLOC_ROWS_LANES];
  uint8_t tail[WALLOC_ROWS_MOST + WALLOC_ROWS_BEYOND];
} walloc_rows_work;

/* What the rows of a channel need, in work->tables; context must be prepared
 * for that, as of a decoder. */
void walloc_rows_prepare (walloc_rows_work * work, const walloc_model * model,
    unsigned set, unsigned channel, const walloc_context * context);

/* Makes sure that a piece can be read: the last bytes go to tail. */
static inline void
walloc_rows_fill (walloc_rans_reader * reader, uint8_t * tail)
{
  size_t left = (size_t) (reader->end - reader->p);

  if (left >= WALLOC_ROWS_MOST || reader->end == tail + left)
    return;
  memmove (tail, reader->p, left);
  memset (tail + left, 0, WALLOC_ROWS_BEYOND);
  reader->p = tail;
  reader->end = tail + left;
}

/* One escaped value of a table with escape symbol 2 m + 1, or INT32_MIN when
 * no encoder writes such a length. */
int walloc_rows_escape (walloc_rans_reader * reader, unsigned m);

/* Classes of the fractions -128 to 127. */
extern const uint8_t walloc_rows_fraction[256];

#endif
