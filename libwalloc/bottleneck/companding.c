/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bottleneck/companding.h"

#include <math.h>
#include <string.h>

static double
half_of (unsigned latent_bits)
{
  return (double) (((unsigned) 1 << (latent_bits - 1)) - 1);
}

double
walloc_to_uniform (double x, unsigned latent_bits)
{
  double m = half_of (latent_bits), s = m / 1.85;

  /* 2 (Phi (t) - 1/2) = erf (t / sqrt 2) */
  return (m + 0.5 - 1e-3) * erf (x / s / sqrt (2.0));
}

/* Phi^-1 by Newton's method; p in 0.0001..0.9999, where Phi is well
 * conditioned. */
static double
normal_quantile (double p)
{
  double t = 0, step;
  unsigned i;

  for (i = 0; i < 100; i++) {
    step = (0.5 * erfc (-t / sqrt (2.0)) - p) /
        (exp (-0.5 * t * t) / sqrt (2 * 3.14159265358979323846));
    /* far from the root the tangent overshoots */
    step = step > 0.5 ? 0.5 : step < -0.5 ? -0.5 : step;
    t -= step;
    if (fabs (step) < 1e-14)
      break;
  }
  return t;
}

double
walloc_to_normal (double y, unsigned latent_bits)
{
  double m = half_of (latent_bits), s = m / 1.85;
  double p = y / (2 * (m + 0.5 - 1e-3)) + 0.5;

  p = p < 0.0001 ? 0.0001 : p > 0.9999 ? 0.9999 : p;
  return s * normal_quantile (p);
}

/* Floats in ascending order as integers, so that bisection ends. */
static float
ordered_float (int64_t i)
{
  uint32_t bits = i < 0 ? 0x80000000u | (uint32_t) - i : (uint32_t) i;
  float f;

  memcpy (&f, &bits, sizeof f);
  return f;
}

void
walloc_companding_init (walloc_companding * companding, unsigned latent_bits)
{
  int m = (int) half_of (latent_bits), k;
  int64_t low, high, middle;

  companding->half = m;
  for (k = -m; k <= m; k++)
    companding->value[k + m] = (float) walloc_to_normal (k, latent_bits);
  for (k = 0; k < 2 * m; k++) {
    /* +-infinity, as patterns */
    low = -0x7f800000;
    high = 0x7f800000;
    while (low < high) {
      middle = low + (high - low) / 2;
      if (rint (walloc_to_uniform (ordered_float (middle), latent_bits)) >=
          k - m + 1)
        high = middle;
      else
        low = middle + 1;
    }
    companding->limit[k] = ordered_float (low);
  }
}

void
walloc_compand (const walloc_companding * companding, const float *x,
    size_t n, int16_t * q)
{
  int m = companding->half, k, step;
  size_t i;

  for (i = 0; i < n; i++) {
    /* number of limits that are <= x, among 2 m = 2^b - 2 of them */
    k = 0;
    for (step = m + 1; step > 0; step >>= 1)
      if (k + step <= 2 * m && companding->limit[k + step - 1] <= x[i])
        k += step;
    q[i] = (int16_t) (k - m);
  }
}
