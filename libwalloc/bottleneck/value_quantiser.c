/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bottleneck/value_quantiser.h"

#include <math.h>

#include "transform/clones.h"

double
walloc_value_rounding (unsigned rounding)
{
  return (rounding > 0 ? rounding : 1) / 256.0;
}

WALLOC_CLONES unsigned
walloc_quantise_values (const float *restrict v, size_t n, double step,
    double offset, int most, int16_t * restrict q)
{
  unsigned all = 0;
  size_t i;

  for (i = 0; i < n; i++) {
    /* a quotient: products next to sums may be fused on some machines */
    double a = fabs ((double) v[i]) / step + offset;
    /* compares with what is not a number are false */
    int m = a >= most ? most : a > 0 ? (int) a : 0;

    all |= (unsigned) m;
    q[i] = (int16_t) (v[i] < 0 ? -m : m);
  }
  return all;
}
