/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Hot loops of the task layer. */
#include "task/task-private.h"

#include "transform/clones.h"

/* Most rows of the higher channels are zero: a look at them is cheaper than
 * floats that nobody reads. */
WALLOC_CLONES int
walloc_values_step (const int16_t * data, unsigned n, float step, float *out)
{
  int16_t any = 0;
  unsigned i;

  for (i = 0; i < n; i++)
    any |= data[i];
  if (any == 0)
    return 0;
  WALLOC_IVDEP for (i = 0; i < n; i++)
    out[i] = (float) data[i] * step;
  return 1;
}

WALLOC_CLONES int
walloc_values_step_of (const int16_t * data, unsigned n, const float *step,
    const uint16_t * of, unsigned pitch, float *out)
{
  int16_t any = 0;
  uint16_t differ = 0;
  unsigned i;

  for (i = 0; i < n; i++) {
    any |= data[i];
    differ |= of[i] ^ of[0];
  }
  if (any == 0)
    return 0;
  if (differ == 0) {
    WALLOC_IVDEP for (i = 0; i < n; i++)
      out[i] = (float) data[i] * step[(size_t) of[0] * pitch];
    return 1;
  }
  WALLOC_IVDEP for (i = 0; i < n; i++)
    out[i] = (float) data[i] * step[(size_t) of[i] * pitch];
  return 1;
}

WALLOC_CLONES int
walloc_values_finite (const float *values, size_t n)
{
  /* infinity and what is no number give what is no number, all else 0 */
  float sum[16] = { 0 };
  float all = 0;
  size_t i;
  unsigned k;

  for (i = 0; i + 16 <= n; i += 16)
    for (k = 0; k < 16; k++)
      sum[k] += values[i + k] * 0.0f;
  for (; i < n; i++)
    all += values[i] * 0.0f;
  for (k = 0; k < 16; k++)
    all += sum[k];
  return all == 0.0f;
}
