/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bottleneck/sparse.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "transform/clones.h"

#define LANES WALLOC_SPARSE_ROOM

typedef float vec __attribute__((vector_size (LANES * 4)));
typedef int32_t ints __attribute__((vector_size (LANES * 4)));
typedef int16_t shorts __attribute__((vector_size (LANES * 2)));

static int
compare (const void *a, const void *b)
{
  const walloc_weight *p = a, *q = b;
  float m = fabsf (p->value), n = fabsf (q->value);

  if (m != n)
    return m > n ? -1 : 1;
  return p->plane < q->plane ? -1 : p->plane > q->plane;
}

void
walloc_sparse_sort (walloc_weight * weights, unsigned n)
{
  qsort (weights, n, sizeof *weights, compare);
}

unsigned
walloc_sparse_count (const walloc_weight * weights, unsigned n, float bound)
{
  unsigned low = 0, high = n, middle;

  while (low < high) {
    middle = (low + high) / 2;
    if (fabsf (weights[middle].value) > bound)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

/* values = sign (q) * (|q| - recon) * step, 0 for 0; of LANES. */
WALLOC_INLINE void
dequantise (const int16_t * q, const vec * recon, float step, float *values)
{
  ints w, sign, a, one, two, none, r;
  shorts narrow;
  vec v;

  memcpy (&narrow, q, sizeof narrow);
  w = __builtin_convertvector (narrow, ints);
  sign = w >> 31;
  a = (w ^ sign) - sign;
  /* all ones where a is 1, 2, 0; compilers take compares of wide vectors
   * apart */
  one = ((a ^ 1) - 1) >> 31;
  two = ((a ^ 2) - 1) >> 31;
  none = (a - 1) >> 31;
  r = (one & (ints) recon[0]) | (two & (ints) recon[1]) |
      (~(one | two) & (ints) recon[2]);
  v = (__builtin_convertvector (a, vec) - (vec) r) * step;
  v = (vec) (((ints) v & ~none) ^ (sign & INT32_MIN));
  memcpy (values, &v, sizeof v);
}

WALLOC_CLONES void
walloc_sparse_values (const int16_t * q, unsigned n, const float recon[3],
    float step, float *values)
{
  vec zero = { 0 }, r[3] = { zero + recon[0], zero + recon[1],
    zero + recon[2]
  };
  int16_t part[LANES] = { 0 };
  unsigned x;

  for (x = 0; x + LANES <= n; x += LANES)
    dequantise (q + x, r, step, values + x);
  if (x < n) {
    memcpy (part, q + x, (n - x) * sizeof *part);
    dequantise (part, r, step, values + x);
  }
}

WALLOC_CLONES void
walloc_sparse_row (const int16_t * q, unsigned n, uint32_t runs,
    const float recon[3], float step, float over, float *values)
{
  vec zero = { 0 }, r[3] = { zero + recon[0], zero + recon[1],
    zero + recon[2]
  };
  float part[LANES];
  vec v;
  int16_t tail[LANES] = { 0 };
  unsigned x;

  for (x = 0; x + LANES <= n; x += LANES) {
    if ((runs >> x / WALLOC_SPARSE_RUN & 1) == 0) {
      memcpy (values + x, &zero, sizeof zero);
      continue;
    }
    dequantise (q + x, r, step, part);
    memcpy (&v, part, sizeof v);
    v /= over;
    memcpy (values + x, &v, sizeof v);
  }
  if (x == n)
    return;
  memcpy (tail, q + x, (n - x) * sizeof *tail);
  dequantise (tail, r, step, part);
  for (; x < n; x++)
    values[x] = part[x % LANES] / over;
}

WALLOC_CLONES void
walloc_scaled_add (const float *values, const float *steps, float scale,
    unsigned n, float *out)
{
  unsigned x;

  WALLOC_IVDEP for (x = 0; x < n; x++)
    out[x] += values[x] * steps[x] * scale;
}

/* copy is a constant in every caller. */
WALLOC_INLINE walloc_activity
look (const int16_t * restrict from, int16_t * restrict to, unsigned n,
    int copy)
{
  walloc_activity activity = { 0, 0 };
  uint16_t peak, v;
  unsigned x, i, run;

  for (x = 0; x < n; x += WALLOC_SPARSE_RUN) {
    run = n - x < WALLOC_SPARSE_RUN ? n - x : WALLOC_SPARSE_RUN;
    peak = 0;
    for (i = x; i < x + run; i++) {
      if (copy)
        to[i] = from[i];
      v = (uint16_t) (from[i] < 0 ? -from[i] : from[i]);
      peak = v > peak ? v : peak;
    }
    activity.runs |= (uint32_t) (peak != 0) << x / WALLOC_SPARSE_RUN;
    activity.peak = peak > activity.peak ? peak : activity.peak;
  }
  return activity;
}

WALLOC_CLONES walloc_activity
walloc_sparse_copy (const int16_t * from, int16_t * to, unsigned n)
{
  return look (from, to, n, 1);
}

WALLOC_CLONES walloc_activity
walloc_sparse_look (const int16_t * q, unsigned n)
{
  return look (q, NULL, n, 0);
}

WALLOC_INLINE void
add (const float *values, const walloc_weight * weights, unsigned n,
    float *out, size_t stride, unsigned vectors)
{
  vec v[WALLOC_SPARSE_RUN / LANES], sum;
  unsigned i, k;
  float *to;

  for (k = 0; k < vectors; k++)
    memcpy (&v[k], values + k * LANES, sizeof v[k]);
  for (i = 0; i < n; i++) {
    to = out + weights[i].plane * stride;
    for (k = 0; k < vectors; k++) {
      memcpy (&sum, to + k * LANES, sizeof sum);
      sum += v[k] * weights[i].value;
      memcpy (to + k * LANES, &sum, sizeof sum);
    }
  }
}

WALLOC_CLONES void
walloc_sparse_add (const float *values, unsigned count,
    const walloc_weight * weights, unsigned n, float *out, size_t stride)
{
  unsigned x;

  if (count == WALLOC_SPARSE_RUN) {
    add (values, weights, n, out, stride, WALLOC_SPARSE_RUN / LANES);
    return;
  }
  for (x = 0; x < count; x += LANES)
    add (values + x, weights, n, out + x, stride, 1);
}
