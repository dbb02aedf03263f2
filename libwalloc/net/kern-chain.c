/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Loops that the compiler vectorises; no calls inside, selections instead of
 * branches. */
#include "net/kern-chain.h"
#include "net/kern.h"

#include <math.h>
#include <string.h>

NET_INLINE float
bits_float (uint32_t bits)
{
  float f;

  memcpy (&f, &bits, 4);
  return f;
}

NET_INLINE uint32_t
float_bits (float f)
{
  uint32_t bits;

  memcpy (&bits, &f, 4);
  return bits;
}

/* Adding 1.5 * 2^23 rounds to an integer that then stands in the low bits:
 * no conversion that could be undefined for huge or NaN values. */
#define ROUND_MAGIC 12582912.0f

NET_INLINE float
fast_exp (float x)
{
  float t, n, r, p, y;

  y = x < -87.3f ? -87.3f : x > 88.7f ? 88.7f : x;
  t = y * 1.44269504f + ROUND_MAGIC;
  n = t - ROUND_MAGIC;
  r = y - n * 0.693359375f;
  r = r + n * 2.12194440e-4f;
  /* Taylor's series to r^7 on |r| <= 0.35 */
  p = 1.98412698e-4f;
  p = p * r + 1.38888889e-3f;
  p = p * r + 8.33333333e-3f;
  p = p * r + 4.16666667e-2f;
  p = p * r + 1.66666667e-1f;
  p = p * r + 0.5f;
  p = p * r + 1.0f;
  p = p * r + 1.0f;
  /* p in [0.7, 1.42]: its exponent plus n stays in range */
  p = bits_float (float_bits (p) + (float_bits (t) << 23));
  p = x < -87.3f ? 0.0f : p;
  p = x > 88.7f ? INFINITY : p;
  return x != x ? x : p;
}

NET_INLINE float
fast_sigmoid (float x)
{
  return 1.0f / (1.0f + fast_exp (-x));
}

NET_INLINE float
fast_tanh (float x)
{
  float z = x * x, p, big;

  p = -5.70498872745e-3f;
  p = p * z + 2.06390887954e-2f;
  p = p * z - 5.37397155531e-2f;
  p = p * z + 1.33314422036e-1f;
  p = p * z - 3.33332819422e-1f;
  p = x + x * z * p;
  big = 1.0f - 2.0f / (fast_exp (2.0f * x) + 1.0f);
  return z < 0.390625f ? p : big;
}

/* Abramowitz and Stegun 7.1.26, and the series near 0 where that loses
 * relative precision */
NET_INLINE float
fast_erf (float x)
{
  float a = fabsf (x), t = 1.0f / (1.0f + 0.3275911f * a), p, z = x * x, s;

  p = 1.061405429f;
  p = p * t - 1.453152027f;
  p = p * t + 1.421413741f;
  p = p * t - 0.284496736f;
  p = p * t + 0.254829592f;
  p = 1.0f - p * t * fast_exp (-z);
  p = x < 0.0f ? -p : p;
  s = -8.5489e-4f;
  s = s * z + 5.2239776e-3f;
  s = s * z - 2.6866170e-2f;
  s = s * z + 1.1283792e-1f;
  s = s * z - 3.7612639e-1f;
  s = s * z + 1.1283792f;
  return a < 0.5f ? x * s : p;
}

/* sin (x + quarter * pi / 2) for |x| <= 1e4 */
NET_INLINE float
fast_sin (float x, float shift)
{
  float t = (x * 0.318309886f + shift) + ROUND_MAGIC;
  float n = t - ROUND_MAGIC, r, z, p;
  float m = n - shift;

  r = x - m * 3.140625f;
  r = r - m * 9.67502593994e-4f;
  r = r - m * 1.50995798e-7f;
  z = r * r;
  p = -2.50521084e-8f;
  p = p * z + 2.75573192e-6f;
  p = p * z - 1.98412698e-4f;
  p = p * z + 8.33333333e-3f;
  p = p * z - 1.66666667e-1f;
  p = r + r * z * p;
  return bits_float (float_bits (p) ^ (float_bits (t) << 31));
}

#define LOOP(expression) do { \
    for (i = 0; i < n; i++) { \
      const float v = x[i]; \
      x[i] = (expression); \
    } \
    return; \
  } while (0)

static void
slow_unary (net_chain_kind kind, float *x, size_t n, float a)
{
  size_t i;

  switch (kind) {
    case NET_C_LOG:
      LOOP (logf (v));
    case NET_C_SIN:
      LOOP (sinf (v));
    case NET_C_COS:
      LOOP (cosf (v));
    case NET_C_SOFTPLUS:
      LOOP (v > 20.0f ? v : log1pf (expf (v)));
    case NET_C_ELU:
      LOOP (v > 0.0f ? v : a * expm1f (v));
    case NET_C_FLOOR:
      LOOP (floorf (v));
    case NET_C_CEIL:
      LOOP (ceilf (v));
    case NET_C_ROUND:
      LOOP (rintf (v));
    case NET_C_TRUNC:
      LOOP (truncf (v));
    default:
      return;
  }
}

NET_CLONES float
net_kern_max (const float *x, size_t n)
{
  float part[16], best = -INFINITY;
  size_t i, k;

  for (k = 0; k < 16; k++)
    part[k] = -INFINITY;
  for (i = 0; i + 16 <= n; i += 16) {
    for (k = 0; k < 16; k++)
      part[k] = x[i + k] > part[k] ? x[i + k] : part[k];
  }
  for (; i < n; i++)
    best = x[i] > best ? x[i] : best;
  for (k = 0; k < 16; k++)
    best = part[k] > best ? part[k] : best;
  return best;
}

NET_CLONES static float
abs_max (const float *x, size_t n)
{
  float best = 0.0f;
  size_t i;

  for (i = 0; i < n; i++) {
    const float v = fabsf (x[i]);

    best = v > best ? v : best;
  }
  return best;
}

NET_CLONES void
net_kern_unary (net_chain_kind kind, float *x, size_t n, float a, float b)
{
  size_t i;

  switch (kind) {
    case NET_C_RELU:
      LOOP (v > 0.0f ? v : 0.0f);
    case NET_C_LEAKY:
      LOOP (v >= 0.0f ? v : v * a);
    case NET_C_CLIP:
      LOOP (v < a ? a : v > b ? b : v);
    case NET_C_SIGMOID:
      LOOP (fast_sigmoid (v));
    case NET_C_TANH:
      LOOP (fast_tanh (v));
    case NET_C_EXP:
      LOOP (fast_exp (v));
    case NET_C_SQRT:
      LOOP (sqrtf (v));
    case NET_C_NEG:
      LOOP (-v);
    case NET_C_ABS:
      LOOP (fabsf (v));
    case NET_C_ERF:
      LOOP (fast_erf (v));
    case NET_C_HSIGMOID:
      LOOP (v * a + b < 0.0f ? 0.0f : v * a + b > 1.0f ? 1.0f : v * a + b);
    case NET_C_HSWISH:
      LOOP (v * (v < -3.0f ? 0.0f : v > 3.0f ? 1.0f
              : v * (1.0f / 6.0f) + 0.5f));
    case NET_C_RECIPROCAL:
      LOOP (1.0f / v);
    case NET_C_SQUARE:
      LOOP (v * v);
    case NET_C_SIGN:
      LOOP (v > 0.0f ? 1.0f : v < 0.0f ? -1.0f : v);
    case NET_C_NOT:
      LOOP (v == 0.0f ? 1.0f : 0.0f);
    case NET_C_BOOL:
      LOOP (v != 0.0f ? 1.0f : 0.0f);
    case NET_C_SIN:
      if (abs_max (x, n) > 1e4f)
        break;
      LOOP (fast_sin (v, 0.0f));
    case NET_C_COS:
      if (abs_max (x, n) > 1e4f)
        break;
      LOOP (fast_sin (v, 0.5f));
    default:
      break;
  }
  slow_unary (kind, x, n, a);
}

#define BINARY(get) do { \
    switch (kind) { \
      case NET_C_ADD: \
        LOOP (v + get); \
      case NET_C_SUB: \
        LOOP (v - get); \
      case NET_C_RSUB: \
        LOOP (get - v); \
      case NET_C_MUL: \
        LOOP (v * get); \
      case NET_C_DIV: \
        LOOP (v / get); \
      case NET_C_RDIV: \
        LOOP (get / v); \
      case NET_C_MAX: \
        LOOP (v > get ? v : get); \
      case NET_C_MIN: \
        LOOP (v < get ? v : get); \
      case NET_C_PRELU: \
        LOOP (v < 0.0f ? v * get : v); \
      case NET_C_EQUAL: \
        LOOP (v == get ? 1.0f : 0.0f); \
      case NET_C_LESS: \
        LOOP (v < get ? 1.0f : 0.0f); \
      case NET_C_GREATER: \
        LOOP (v > get ? 1.0f : 0.0f); \
      case NET_C_LESS_EQ: \
        LOOP (v <= get ? 1.0f : 0.0f); \
      case NET_C_GREATER_EQ: \
        LOOP (v >= get ? 1.0f : 0.0f); \
      case NET_C_AND: \
        LOOP (v != 0.0f && get != 0.0f ? 1.0f : 0.0f); \
      case NET_C_OR: \
        LOOP (v != 0.0f || get != 0.0f ? 1.0f : 0.0f); \
      case NET_C_POW: \
        LOOP (powf (v, get)); \
      case NET_C_RPOW: \
        LOOP (powf (get, v)); \
      default: \
        return; \
    } \
  } while (0)

NET_CLONES void
net_kern_binary (net_chain_kind kind, float *x, const float *y, size_t n)
{
  size_t i;

  BINARY (y[i]);
}

NET_CLONES void
net_kern_scalar (net_chain_kind kind, float *x, float y, size_t n)
{
  size_t i;

  BINARY (y);
}

NET_CLONES float
net_kern_exp_sum (float *x, float max, size_t n)
{
  float part[16] = { 0 }, sum = 0.0f;
  size_t i, k;

  for (i = 0; i < n; i++)
    x[i] = fast_exp (x[i] - max);
  for (i = 0; i + 16 <= n; i += 16) {
    for (k = 0; k < 16; k++)
      part[k] += x[i + k];
  }
  for (; i < n; i++)
    sum += x[i];
  for (k = 0; k < 16; k++)
    sum += part[k];
  return sum;
}

/* Blocks in float, their sums in double: no drift over long rows. */
NET_CLONES double
net_kern_sum (const float *x, size_t n)
{
  double sum = 0.0;
  size_t i, k, end;

  while (n > 0) {
    float part[16] = { 0 };

    end = n < 1024 ? n : 1024;
    for (i = 0; i + 16 <= end; i += 16) {
      for (k = 0; k < 16; k++)
        part[k] += x[i + k];
    }
    for (; i < end; i++)
      part[0] += x[i];
    for (k = 0; k < 16; k++)
      sum += part[k];
    x += end;
    n -= end;
  }
  return sum;
}

NET_CLONES double
net_kern_square_sum (const float *x, float mean, size_t n)
{
  double sum = 0.0;
  size_t i, k, end;

  while (n > 0) {
    float part[16] = { 0 };

    end = n < 1024 ? n : 1024;
    for (i = 0; i + 16 <= end; i += 16) {
      for (k = 0; k < 16; k++)
        part[k] += (x[i + k] - mean) * (x[i + k] - mean);
    }
    for (; i < end; i++)
      part[0] += (x[i] - mean) * (x[i] - mean);
    for (k = 0; k < 16; k++)
      sum += part[k];
    x += end;
    n -= end;
  }
  return sum;
}

NET_CLONES void
net_kern_mul_add (float *acc, const float *x, const float *w, size_t n)
{
  size_t i;

  for (i = 0; i < n; i++)
    acc[i] += x[i] * w[i];
}

NET_CLONES void
net_kern_mix (float *out, const float *a, float wa, const float *b,
    float wb, size_t n)
{
  size_t i;

  for (i = 0; i < n; i++)
    out[i] = a[i] * wa + b[i] * wb;
}
