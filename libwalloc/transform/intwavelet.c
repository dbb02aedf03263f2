/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "transform/intwavelet.h"
#include "transform/lifting.h"

#include <math.h>

/* Normalised band over integer band: sqrt (2) / K and -K / sqrt (2), and the
 * half scale of some high-pass values. */
static double
step_gain (int high, int halved)
{
  if (!high)
    return LIFT_LOW_GAIN;
  return (halved ? -2.0 : -1.0) / LIFT_LOW_GAIN;
}

double
walloc_int_gain (unsigned channel, unsigned levels)
{
  double gain = 1.0 / (1 << WALLOC_INT_FRACTION);
  unsigned l;

  if (levels > WALLOC_INT_MAX_LEVELS || channel >> (2 * levels) != 0)
    return NAN;
  /* the last level's band is the least significant digit */
  for (l = 0; l < levels; l++) {
    gain *= step_gain ((channel >> (2 * l)) & 1, 1);
    gain *= step_gain ((channel >> (2 * l)) & 2, l == 0 && levels > 1);
  }
  return gain;
}
