/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bottleneck/linear.h"

#include <string.h>

#include "transform/clones.h"

#define LANES WALLOC_LINEAR_BLOCK
/* Outputs computed at a time, so that an input is loaded once for several. */
#define OUTPUTS 4

typedef float vec __attribute__((vector_size (LANES * 4)));

void
walloc_lookup (const int16_t * q, unsigned width, const float *table,
    int half, float *out)
{
  unsigned x;
  int i;

  for (x = 0; x < width; x++) {
    i = q[x] + half;
    i = i < 0 ? 0 : i > 2 * half ? 2 * half : i;
    out[x] = table[i];
  }
  for (; x % LANES != 0; x++)
    out[x] = 0;
}

/* n outputs of LANES positions; n is a constant in every caller. */
WALLOC_INLINE void
linear_block (const float *in, size_t in_stride, unsigned inputs,
    const float *matrix, size_t row_stride, size_t column_stride,
    const uint16_t * rows, const float *bias, unsigned n, float *out,
    size_t out_stride)
{
  const float *m;
  vec sum[OUTPUTS], v;
  unsigned i, k;

  for (k = 0; k < n; k++)
    sum[k] = (vec) {
    0}
  +(bias != NULL ? bias[k] : 0.0f);
  for (i = 0; i < inputs; i++, in += in_stride) {
    m = matrix + (rows != NULL ? rows[i] : i) * row_stride;
    memcpy (&v, in, sizeof v);
    for (k = 0; k < n; k++)
      sum[k] += v * m[k * column_stride];
  }
  for (k = 0; k < n; k++)
    memcpy (out + k * out_stride, &sum[k], sizeof v);
}

WALLOC_CLONES void
walloc_linear (const float *values, size_t in_stride, unsigned inputs,
    const float *matrix, size_t row_stride, size_t column_stride,
    const uint16_t * rows, const float *bias, unsigned outputs,
    unsigned width, float *out, size_t out_stride)
{
  unsigned x, k;

  for (x = 0; x < width; x += LANES) {
    for (k = 0; k + OUTPUTS <= outputs; k += OUTPUTS)
      linear_block (values + x, in_stride, inputs,
          matrix + k * column_stride, row_stride, column_stride, rows,
          bias != NULL ? bias + k : NULL, OUTPUTS, out + k * out_stride + x,
          out_stride);
    for (; k < outputs; k++)
      linear_block (values + x, in_stride, inputs,
          matrix + k * column_stride, row_stride, column_stride, rows,
          bias != NULL ? bias + k : NULL, 1, out + k * out_stride + x,
          out_stride);
  }
}
