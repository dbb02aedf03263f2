/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "entropy/context.h"

#include <string.h>

#include "transform/clones.h"

/* Lanes of one step, and their vectors: the compiler splits them into what
 * the instruction set has. */
#define LANES 16
typedef int16_t v16 __attribute__((vector_size (LANES * 2)));
typedef int32_t v32 __attribute__((vector_size (LANES * 4)));
typedef uint8_t v8 __attribute__((vector_size (LANES)));

void
walloc_buckets_init (walloc_buckets * buckets, const int32_t * thresholds,
    unsigned n)
{
  unsigned key, b;
  int64_t least;

  buckets->buckets = n;
  memcpy (buckets->limit, thresholds, (n - 1) * sizeof *thresholds);
  /* no spread reaches this: at most 2^28 + 32 * 2047 * 16383 */
  buckets->limit[n - 1] = INT32_MAX;
  for (key = 0; key < WALLOC_BUCKET_KEYS; key++) {
    least = ((int64_t) 16 + (key & 15)) << (key >> 4) >> 4;
    for (b = 0; b < n - 1 && thresholds[b] <= least; b++);
    buckets->first[key] = (uint8_t) b;
  }
}

void
walloc_context_prepare (walloc_context * context, const walloc_model * model,
    unsigned set, unsigned channel, const uint8_t * live,
    const walloc_context_planes * planes, int serial)
{
  const walloc_tap_list *list = &model->set[set].taps[channel];
  const walloc_tap *tap = list->tap;
  walloc_neighbour *to;
  const int16_t *from;
  unsigned kind, i;
  int mean, before;

  context->n_mean = context->n_spread = 0;
  memset (context->near_mean, 0, sizeof context->near_mean);
  memset (context->near_spread, 0, sizeof context->near_spread);
  context->has_mean = 0;
  context->bias = model->set[set].bias_s[channel];
  for (kind = 0; kind < WALLOC_TAP_KINDS; kind++) {
    mean = kind == WALLOC_TAP_MEAN || kind == WALLOC_TAP_MEAN_BEFORE;
    before = kind >= WALLOC_TAP_MEAN_BEFORE;
    from = before ? planes->previous : planes->planes;
    for (i = 0; i < list->count[kind]; i++, tap++) {
      if (from == NULL || (!before && tap->plane != channel &&
              !live[tap->plane]))
        continue;
      context->has_mean |= mean;
      if (serial && !before && tap->plane == channel && tap->dy == 0) {
        if (mean)
          context->near_mean[-tap->dx - 1] += tap->weight;
        else
          context->near_spread[-tap->dx - 1] += tap->weight;
        continue;
      }
      to = mean ? &context->mean[context->n_mean++] :
          &context->spread[context->n_spread++];
      to->at = from + (ptrdiff_t) (tap->plane * planes->plane_stride) +
          tap->dy * (ptrdiff_t) planes->stride + tap->dx;
      to->weight = tap->weight;
    }
  }
}

WALLOC_CLONES void
walloc_context_row (const walloc_context * context, size_t offset,
    unsigned width, int32_t * mean, int32_t * spread)
{
  unsigned x, i;
  v16 q, sign;
  v32 sum;

  for (x = 0; x < width; x += LANES) {
    sum = (v32) {
    0}
    +context->bias;
    for (i = 0; i < context->n_spread; i++) {
      memcpy (&q, context->spread[i].at + offset + x, sizeof q);
      sign = q >> 15;
      q = (q ^ sign) - sign;
      sum += __builtin_convertvector (q, v32) * context->spread[i].weight;
    }
    memcpy (spread + x, &sum, sizeof sum);
  }
  if (!context->has_mean)
    return;
  for (x = 0; x < width; x += LANES) {
    sum = (v32) {
    0};
    for (i = 0; i < context->n_mean; i++) {
      memcpy (&q, context->mean[i].at + offset + x, sizeof q);
      sum += __builtin_convertvector (q, v32) * context->mean[i].weight;
    }
    memcpy (mean + x, &sum, sizeof sum);
  }
}

WALLOC_CLONES void
walloc_context_symbols (const walloc_buckets * buckets, const int16_t * row,
    unsigned width, const int32_t * mean, const int32_t * spread,
    int16_t * residual, uint8_t * table)
{
  unsigned x, n, steps = buckets->buckets - 1;
  v32 s, b, m, pred, frac, flip, over, r;
  v32 limit = (v32) { 0 } +WALLOC_LATENT_MAX;
  v16 q;
  v8 t;

  for (x = 0; x < width; x += LANES) {
    memcpy (&s, spread + x, sizeof s);
    memcpy (&q, row + x, sizeof q);
    b = (v32) {
    0};
    for (n = 0; n < steps; n++)
      b -= s >= buckets->limit[n];
    b <<= 2;
    if (mean != NULL) {
      memcpy (&m, mean + x, sizeof m);
      pred = (m + 128) >> 8;
      frac = m - (pred << 8);
      flip = frac >> 31;
      frac = (frac ^ flip) - flip;
      b -= (frac >= 16) + (frac >= 48) + (frac >= 80);
      over = pred > limit;
      pred = (pred & ~over) | (limit & over);
      over = pred < -limit;
      pred = (pred & ~over) | (-limit & over);
      r = __builtin_convertvector (q, v32) - pred;
      r = (r ^ flip) - flip;
      q = __builtin_convertvector (r, v16);
    }
    t = __builtin_convertvector (b, v8);
    memcpy (residual + x, &q, sizeof q);
    memcpy (table + x, &t, sizeof t);
  }
}
