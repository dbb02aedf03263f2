/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A loaded model as encoder and decoder see it: typed, aligned, in the host's
 * byte order, and checked against every rule of docs/model-format.md, so that
 * nothing here needs another look. All of it is immutable. Internal.
 *
 * D = info.channels, S = info.sets, C = classes, B = buckets. */
#ifndef WALLOC_MODEL_MODEL_H
#define WALLOC_MODEL_MODEL_H

#include <walloc/model.h>

#include <stdatomic.h>

#include "common/mem.h"

#define WALLOC_MODEL_MAX_CHANNELS 1024
#define WALLOC_MODEL_MAX_SETS 16
#define WALLOC_MODEL_MAX_CLASSES 16
#define WALLOC_MODEL_MAX_BUCKETS 64
#define WALLOC_MODEL_TAPS 32
#define WALLOC_MODEL_SYMBOLS 32
/* Keys of a spread (bitstream.md 3.2): four per octave of 16 bits. */
#define WALLOC_MODEL_KEYS 64
/* Fraction tables per bucket (bitstream.md 3.2: f = 0..3). */
#define WALLOC_MODEL_FRACTIONS 4
/* Row lengths of the projections. */
#define WALLOC_MODEL_INPUTS 96          /* ordered: codec.analysis, .synthesis */
#define WALLOC_MODEL_RGB_INPUTS 192     /* reference */
#define WALLOC_MODEL_SOUND_INPUTS 256   /* ordered, of sound */
#define WALLOC_MODEL_STEREO_INPUTS 512  /* reference, of sound */
#define WALLOC_MODEL_POST_TAPS 129      /* of the filter behind its networks */
/* Allocations of one model at most. */
#define WALLOC_MODEL_BLOCKS 32

/* Groups of channels. */
enum
{
  WALLOC_GROUP_LUMA = 0,
  WALLOC_GROUP_CHROMA = 1,
  WALLOC_GROUP_DETAIL = 2,
  /* sound: first and second signal of a pair */
  WALLOC_GROUP_FIRST = 0,
  WALLOC_GROUP_SECOND = 1
};

/* One neighbour: latent of plane at (y + dy, x + dx). When plane is the
 * channel itself, the position is one already coded, but for neighbours in
 * the frame before, which may be anywhere. */
typedef struct
{
  uint16_t plane;               /* <= the channel */
  int8_t dy, dx;                /* -2..2 */
  int16_t weight;               /* -2047..2047, never 0 */
} walloc_tap;

/* What a tap adds to: M with its sign or S with its magnitude; neighbours in
 * this frame or, in predicted frames only, in the one before. */
enum
{
  WALLOC_TAP_MEAN = 0,
  WALLOC_TAP_SPREAD = 1,
  WALLOC_TAP_MEAN_BEFORE = 2,
  WALLOC_TAP_SPREAD_BEFORE = 3,
  WALLOC_TAP_KINDS = 4
};

/* Neighbours of one channel in one set: first count[0] of kind 0, then
 * count[1] of kind 1 and so on. Taps of weight 0 are left out; the order is
 * that of the file within each kind. */
typedef struct
{
  const walloc_tap *tap;
  uint8_t count[WALLOC_TAP_KINDS];      /* together <= WALLOC_MODEL_TAPS */
} walloc_tap_list;

typedef struct
{
  uint16_t start, freq;         /* of 32768 */
} walloc_symbol;

/* What the writer needs of a symbol (rans.h). reciprocal is floor (2^64 / freq)
 * + 1: the upper half of its product with any x < 2^32 is x / freq (x - 1 with
 * the 2^64 - 1 that stand for freq 1). */
typedef struct
{
  uint64_t reciprocal;
  uint32_t limit;               /* freq * 2^17: states from here on shrink */
  uint16_t add;                 /* start, and left where freq is 1 */
  uint16_t left;                /* 2^15 - freq */
} walloc_put_symbol;

static inline walloc_put_symbol
walloc_put_symbol_of (unsigned start, unsigned freq)
{
  walloc_put_symbol put;

  put.left = (uint16_t) (32768 - freq);
  put.add = (uint16_t) (freq == 1 ? start + put.left : start);
  put.limit = freq << 17;
  put.reciprocal = freq == 1 ? UINT64_MAX : UINT64_MAX / freq + 1;
  return put;
}

/* Frequencies of one context. Symbol k (0, 1, -1, ..., m, -m, escape) is
 * symbol[k]; first[k] = start - 32768, so the symbol of slot s is the number of
 * entries with first[k] <= s - 32768, less one. Behind the 2 m + 2 symbols,
 * first is 0 and symbol is 0/0. All compares fit signed 16-bit vectors.
 * Aligned to 64. */
typedef struct
{
  int16_t first[WALLOC_MODEL_SYMBOLS];
  walloc_symbol symbol[WALLOC_MODEL_SYMBOLS];
  walloc_put_symbol put[WALLOC_MODEL_SYMBOLS];
  uint8_t shift;                /* of the bucket */
  uint8_t escape;               /* symbol 2 m + 1 */
  uint8_t direct;               /* symbols that say all: 0 with a shift */
  uint8_t even;                 /* 0 is not much likelier than all others */
  uint8_t padding[60];
} walloc_freq_table;

/* What depends on the parameter set. */
typedef struct
{
  const uint16_t *weight;       /* [D], 4096 = 1; NULL in reference models */
  const uint8_t *rounding;      /* [D], 1/256 step; NULL in reference models */
  const float *recon;           /* [D][3]; NULL in reference models */
  const uint16_t *bias_s;       /* [D], >= 1 */
  const int8_t *offset;         /* [D], added to keys */
  uint8_t cap;                  /* of magnitudes, >= 1 */
  const uint16_t *active;       /* [D], of 32768 */
  const walloc_tap_list *taps;  /* [D] */
  int before;                   /* any tap reaches into the frame before */
  const walloc_freq_table *tables;      /* [C][B][4] */
} walloc_model_set;

/* An ONNX file inside of the model; data NULL when there is none. */
typedef struct
{
  const uint8_t *data;
  size_t size;
} walloc_model_blob;

struct walloc_model
{
  atomic_uint refs;
  walloc_mem mem;               /* used while loading and freeing only */
  walloc_model_info info;
  unsigned classes, buckets;    /* C, B */

  const uint8_t *group;         /* [D], WALLOC_GROUP_ */
  const uint8_t *class;         /* [D], < C */
  const uint8_t *bucket;        /* [64], < B: of a key */
  const uint8_t *shift;         /* [B], 0..12 */
  const uint8_t *max_symbol;    /* [B], m = 1..15 */
  const uint16_t *set_limit;    /* [S] */
  const uint16_t *quality;      /* [100][2]: step index, channels */
  /* [2][5]: least and greatest step index from which the encoder codes at
   * scale 1 (2), what is taken from the index then, and two numbers that tell
   * the index by the picture's detail; NULL: it never does */
  const uint16_t *scale;
  walloc_model_set set[WALLOC_MODEL_MAX_SETS];

  /* kind ordered; rows are of 256 for sound */
  unsigned analysis_bits;       /* Qm, 8..14 */
  const int16_t *analysis;      /* [D][96], sums of magnitudes <= 65535 */
  const float *synthesis;       /* [D][96] */

  /* kind reference */
  unsigned latent_bits;         /* 2..8 */
  const float *analysis_f;      /* [D][192], of sound 512 as in what follows */
  const float *bias_f;          /* [D] */
  const float *linear;          /* [192][D] */
  const float *linear_bias;     /* [192] */
  const float *post;            /* [2][2][129], of sound, may be NULL */
  const float *post_bias;       /* [2] */

  walloc_model_blob fast, best; /* point into the file */

  /* owned by model.c: what the pointers above point into */
  struct walloc_safetensors *file;
  void *block[WALLOC_MODEL_BLOCKS];
  unsigned blocks;
};

/* The table of bucket b and fraction class f for a channel of a set. */
static inline const walloc_freq_table *
walloc_model_table (const walloc_model * model, unsigned set,
    unsigned channel, unsigned b, unsigned f)
{
  return &model->set[set].tables[((size_t) model->class[channel] *
          model->buckets + b) * WALLOC_MODEL_FRACTIONS + f];
}

/* The parameter set that the encoder uses at a step index. */
static inline unsigned
walloc_model_set_of_step (const walloc_model * model, unsigned step_index)
{
  unsigned s = 0;

  while (s + 1 < model->info.sets && step_index > model->set_limit[s])
    s++;
  return s;
}

/* What a step index becomes at the greatest scale that the encoder may choose
 * for it. */
unsigned walloc_model_least_step (const walloc_model * model,
    unsigned step_index);

#endif
