/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "entropy/context.h"

#include <string.h>

#include "transform/clones.h"

/* Lanes of one step, and their vectors: the compiler splits them into what
 * the instruction set has. */
#define LANES 16
typedef int16_t v16 __attribute__((vector_size (LANES * 2)));
typedef uint16_t u16 __attribute__((vector_size (LANES * 2)));
typedef int32_t v32 __attribute__((vector_size (LANES * 4)));
typedef float f32 __attribute__((vector_size (LANES * 4)));
typedef uint8_t u8 __attribute__((vector_size (LANES)));
/* twice as many, for what is no wider than 16 bits */
#define WIDE 32
typedef uint16_t w16 __attribute__((vector_size (WIDE * 2)));
typedef int16_t w16s __attribute__((vector_size (WIDE * 2)));
typedef int32_t w32 __attribute__((vector_size (WIDE * 4)));
typedef uint8_t w8 __attribute__((vector_size (WIDE)));

/* Position of a number of a float's bits above the two of its fraction that
 * count, and what 1.0 has there. */
#define KEY_SHIFT 21
#define KEY_ONE (127 << 2)

void
walloc_context_tables (walloc_context * context,
    walloc_context_cache * cache, const walloc_model * model, unsigned set,
    unsigned channel)
{
  int offset = model->set[set].offset[channel], key, at, fresh;
  unsigned f, kind = walloc_context_kind (&cache->kinds, model, set, channel,
      &fresh);

  context->table = cache->table[kind];
  if (!fresh)
    return;
  for (key = 0; key < WALLOC_MODEL_KEYS; key++) {
    at = key + offset;
    at = at < 0 ? 0 : at > WALLOC_MODEL_KEYS - 1 ? WALLOC_MODEL_KEYS - 1 : at;
    for (f = 0; f < WALLOC_MODEL_FRACTIONS; f++)
      cache->table[kind][(unsigned) key * WALLOC_MODEL_FRACTIONS + f] =
          walloc_model_table (model, set, channel, model->bucket[at], f);
  }
}

static void
add_mean (walloc_context * context, const walloc_tap * tap,
    const int16_t * from, const walloc_context_planes * planes)
{
  walloc_mean_neighbour *to = &context->mean[context->n_mean++];

  to->at = from + (ptrdiff_t) (tap->plane * planes->plane_stride) +
      tap->dy * (ptrdiff_t) planes->stride + tap->dx;
  to->weight = tap->weight;
  to->plane = from == planes->planes ? tap->plane : WALLOC_MODEL_MAX_CHANNELS;
}

static void
add_spread (walloc_context * context, const walloc_tap * tap,
    const uint8_t * from, const walloc_context_planes * planes)
{
  walloc_spread_neighbour *to = &context->spread[context->n_spread++];

  to->at = from + (ptrdiff_t) (tap->plane * planes->plane_stride) +
      tap->dy * (ptrdiff_t) planes->stride + tap->dx;
  to->weight = (uint16_t) tap->weight;
}

void
walloc_context_prepare (walloc_context * context, const walloc_model * model,
    unsigned set, unsigned channel, const uint8_t * live,
    const walloc_context_planes * planes, int serial)
{
  const walloc_tap_list *list = &model->set[set].taps[channel];
  const walloc_tap *tap = list->tap;
  unsigned kind, i;
  int mean, before;

  context->n_mean = context->n_spread = 0;
  memset (context->near_mean, 0, sizeof context->near_mean);
  memset (context->near_spread, 0, sizeof context->near_spread);
  context->has_mean = context->narrow = 0;
  context->bias = model->set[set].bias_s[channel];
  context->cap = model->set[set].cap;
  for (kind = 0; kind < WALLOC_TAP_KINDS; kind++) {
    mean = kind == WALLOC_TAP_MEAN || kind == WALLOC_TAP_MEAN_BEFORE;
    before = kind >= WALLOC_TAP_MEAN_BEFORE;
    for (i = 0; i < list->count[kind]; i++, tap++) {
      if ((before && planes->previous == NULL) ||
          (tap->plane != channel && !live[tap->plane]))
        continue;
      context->has_mean |= mean;
      if (serial && !before && tap->plane == channel && tap->dy == 0) {
        if (mean)
          context->near_mean[-tap->dx - 1] += tap->weight;
        else
          context->near_spread[-tap->dx - 1] += (uint32_t) tap->weight;
      } else if (mean) {
        add_mean (context, tap, before ? planes->previous : planes->planes,
            planes);
      } else {
        add_spread (context, tap, before ? planes->previous_magnitudes :
            planes->magnitudes, planes);
      }
    }
  }
}

void
walloc_context_bound (walloc_context * context, const uint16_t * peak)
{
  const walloc_mean_neighbour *n = context->mean;
  /* and what is added for rounding */
  unsigned sum = 128, i;

  for (i = 0; i < context->n_mean && sum <= INT16_MAX; i++, n++)
    sum += n->plane == WALLOC_MODEL_MAX_CHANNELS ? INT16_MAX + 1u :
        (unsigned) (n->weight < 0 ? -n->weight : n->weight) * peak[n->plane];
  context->narrow = sum <= INT16_MAX;
}

/* Sums of 16 bits. Without signs, as lanes behind the row's end may hold
 * anything and overflow. */
WALLOC_INLINE void
narrow_mean (const walloc_context * context, size_t at, w16 * mean)
{
  w16 q, sum = (w16) { 0 };
  unsigned i;

  for (i = 0; i < context->n_mean; i++) {
    memcpy (&q, context->mean[i].at + at, sizeof q);
    sum += q * (uint16_t) context->mean[i].weight;
  }
  *mean = sum;
}

WALLOC_CLONES void
walloc_context_mean (const walloc_context * context, size_t offset,
    unsigned width, int32_t * mean)
{
  unsigned x, i;
  v16 q;
  v32 sum;
  w16 narrow;
  w32 wide;

  for (x = 0; context->narrow && x < width; x += WIDE) {
    narrow_mean (context, offset + x, &narrow);
    wide = __builtin_convertvector ((w16s) narrow, w32);
    memcpy (mean + x, &wide, sizeof wide);
  }
  for (x = 0; !context->narrow && x < width; x += LANES) {
    sum = (v32) {
    0};
    for (i = 0; i < context->n_mean; i++) {
      memcpy (&q, context->mean[i].at + offset + x, sizeof q);
      sum += __builtin_convertvector (q, v32) * context->mean[i].weight;
    }
    memcpy (mean + x, &sum, sizeof sum);
  }
}

/* Sums of 16 bits are enough: the model was checked for that. */
WALLOC_INLINE void
sum_spread (const walloc_context * context, size_t at, w16 * spread)
{
  w16 sum = (w16) { 0 } +context->bias;
  w8 magnitude;
  unsigned i;

  for (i = 0; i < context->n_spread; i++) {
    memcpy (&magnitude, context->spread[i].at + at, sizeof magnitude);
    sum += __builtin_convertvector (magnitude, w16) * context->spread[i].weight;
  }
  *spread = sum;
}

WALLOC_CLONES void
walloc_context_spread (const walloc_context * context, size_t offset,
    unsigned width, uint16_t * spread)
{
  unsigned x;
  w16 sum;

  for (x = 0; x < width; x += WIDE) {
    sum_spread (context, offset + x, &sum);
    memcpy (spread + x, &sum, sizeof sum);
  }
}

/* The first width - x of 16 values, all if there are as many. */
WALLOC_INLINE void
store_magnitudes (uint8_t * to, const u8 * m, unsigned left)
{
  if (left >= LANES)
    memcpy (to, m, LANES);
  else
    memcpy (to, m, left);
}

WALLOC_CLONES void
walloc_context_residuals (const walloc_context * context, const int16_t * row,
    unsigned width, const int32_t * mean, uint16_t * number,
    uint8_t * fraction, uint8_t * magnitude)
{
  unsigned x;
  v32 m, pred, frac, flip, over, r, f;
  v32 limit = (v32) { 0 } +WALLOC_LATENT_MAX;
  v16 q, a, cap = (v16) { 0 } +(int16_t) context->cap;
  u16 n;
  u8 t;

  for (x = 0; x < width; x += LANES) {
    memcpy (&q, row + x, sizeof q);
    t = (u8) {
    0};
    if (mean != NULL) {
      memcpy (&m, mean + x, sizeof m);
      pred = (m + 128) >> 8;
      frac = m - (pred << 8);
      flip = frac >> 31;
      frac = (frac ^ flip) - flip;
      f = -((frac >= 16) + (frac >= 48) + (frac >= 80));
      over = pred > limit;
      pred = (pred & ~over) | (limit & over);
      over = pred < -limit;
      pred = (pred & ~over) | (-limit & over);
      r = __builtin_convertvector (q, v32) - pred;
      r = (r ^ flip) - flip;
      q = __builtin_convertvector (r, v16);
      t = __builtin_convertvector (f, u8);
    }
    a = q >> 15;
    a = (q ^ a) - a;
    n = (u16) a + (u16) a + (u16) (q > 0);
    a = (a & (a < cap)) | (cap & (a >= cap));
    memcpy (number + x, &n, sizeof n);
    memcpy (fraction + x, &t, sizeof t);
    t = __builtin_convertvector (a, u8);
    store_magnitudes (magnitude + x, &t, width - x);
  }
}

/* The first width - x of 32 values, all if there are as many. */
WALLOC_INLINE void
store_wide (uint8_t * to, const w8 * m, unsigned left)
{
  if (left >= WIDE)
    memcpy (to, m, WIDE);
  else
    memcpy (to, m, left);
}

WALLOC_CLONES void
walloc_context_narrow_residuals (const walloc_context * context,
    const int16_t * row, size_t offset, unsigned width, uint16_t * number,
    uint8_t * fraction, uint8_t * magnitude)
{
  unsigned x;
  w16s pred, frac, flip, q, a, f, cap = (w16s) { 0 } +context->cap;
  w16 m, n;
  w8 t;

  for (x = 0; x < width; x += WIDE) {
    memcpy (&q, row + x, sizeof q);
    narrow_mean (context, offset + x, &m);
    pred = (w16s) (m + 128) >> 8;
    frac = (w16s) (m - ((w16) pred << 8));
    flip = frac >> 15;
    frac = (frac ^ flip) - flip;
    f = -((frac >= 16) + (frac >= 48) + (frac >= 80));
    /* without signs again */
    q = (w16s) (((w16) q - (w16) pred) ^ (w16) flip);
    q = (w16s) ((w16) q - (w16) flip);
    a = q >> 15;
    a = (w16s) ((w16) (q ^ a) - (w16) a);
    n = (w16) a + (w16) a + (w16) (q > 0);
    a = (a & (a < cap)) | (cap & (a >= cap));
    memcpy (number + x, &n, sizeof n);
    t = __builtin_convertvector (f, w8);
    memcpy (fraction + x, &t, sizeof t);
    t = __builtin_convertvector (a, w8);
    store_wide (magnitude + x, &t, width - x);
  }
}

WALLOC_CLONES void
walloc_context_keys (const walloc_context * context, size_t offset,
    unsigned width, uint8_t * fraction)
{
  unsigned x, i;
  w16 sum;
  u16 s;
  f32 value;
  v32 key;
  u8 t;

  for (x = 0; x < width; x += WIDE) {
    sum_spread (context, offset + x, &sum);
    for (i = 0; i < WIDE; i += LANES) {
      memcpy (&s, (const char *) &sum + 2 * i, sizeof s);
      /* exact: a spread has no more bits than a float's fraction */
      value = __builtin_convertvector (__builtin_convertvector (s, v32), f32);
      memcpy (&key, &value, sizeof key);
      key = ((key >> KEY_SHIFT) - KEY_ONE) << 2;
      memcpy (&t, fraction + x + i, sizeof t);
      t += __builtin_convertvector (key, u8);
      memcpy (fraction + x + i, &t, sizeof t);
    }
  }
}

WALLOC_CLONES void
walloc_context_magnitudes (const int16_t * row, unsigned width, uint8_t cap,
    uint8_t * magnitude)
{
  unsigned x;
  v16 q, a, most = (v16) { 0 } +(int16_t) cap;
  u8 t;

  for (x = 0; x < width; x += LANES) {
    memcpy (&q, row + x, sizeof q);
    a = q >> 15;
    a = (q ^ a) - a;
    a = (a & (a < most)) | (most & (a >= most));
    t = __builtin_convertvector (a, u8);
    store_magnitudes (magnitude + x, &t, width - x);
  }
}
