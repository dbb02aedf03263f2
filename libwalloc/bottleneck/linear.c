/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "bottleneck/linear.h"

#include <string.h>

#include "transform/clones.h"

#define LANES WALLOC_LINEAR_BLOCK
/* Outputs computed at a time, so that an input is loaded once for several. */
#define OUTPUTS 4

typedef float vec __attribute__((vector_size (LANES * 4)));

WALLOC_CLONES static void
dequantise_block (const int16_t * restrict q, const float *restrict recon,
    float step, float *restrict out)
{
  float r0 = recon[0], r1 = recon[1], r2 = recon[2], a, r, v;
  unsigned x;
  int s;

  for (x = 0; x < LANES; x++) {
    s = q[x] < 0 ? -q[x] : q[x];
    r = s == 1 ? r0 : s == 2 ? r1 : r2;
    a = (float) s - r;
    v = a * step;
    v = s == 0 ? 0.0f : v;
    out[x] = q[x] < 0 ? -v : v;
  }
}

void
walloc_dequantise (const int16_t * q, unsigned width, const float recon[3],
    float step, float *out)
{
  int16_t tail[LANES] = { 0 };
  unsigned x;

  for (x = 0; x + LANES <= width; x += LANES)
    dequantise_block (q + x, recon, step, out + x);
  if (x < width) {
    memcpy (tail, q + x, (width - x) * sizeof *tail);
    dequantise_block (tail, recon, step, out + x);
  }
}

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
