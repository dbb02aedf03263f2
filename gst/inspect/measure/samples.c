/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "samples.h"

#include "transform/clones.h"
#include "vector.h"

/* A number of bytes that all steps divide: what is at one place of it is always
 * of one component. */
#define GROUP 48
#define PART 16

WALLOC_CLONES void
inspect_samples_square (const guint8 * a, const guint8 * b, guint n,
    guint step, guint64 * square)
{
  /* 2^20 / 48 squares of bytes are below 2^31 */
  InspectInts sum[GROUP / PART] = { {0} };
  guint x, i;

  for (x = 0; x + GROUP <= n; x += GROUP)
    for (i = 0; i < GROUP / PART; i++) {
      InspectShorts d = __builtin_convertvector (*(const InspectBytes *)
          (a + x + i * PART), InspectShorts)
          - __builtin_convertvector (*(const InspectBytes *)
          (b + x + i * PART), InspectShorts);

      /* 255 * 255 fits, and its sign does not matter */
      sum[i] += __builtin_convertvector (d * d, InspectInts);
    }
  for (i = 0; i < GROUP; i++)
    square[i % step] += sum[i / PART][i % PART];
  for (i = 0; x + i < n; i++) {
    gint d = a[x + i] - b[x + i];

    square[i % step] += (guint64) (d * d);
  }
}

WALLOC_CLONES void
inspect_samples_fetch (const guint8 * in, guint n, guint step, gfloat * out)
{
  guint x;

  switch (step) {
    case 1:
      for (x = 0; x < n; x++)
        out[x] = in[x];
      break;
    case 3:
      for (x = 0; x < n; x++)
        out[x] = in[3 * x];
      break;
    case 4:
      for (x = 0; x < n; x++)
        out[x] = in[4 * x];
      break;
    default:
      for (x = 0; x < n; x++)
        out[x] = in[x * step];
      break;
  }
}

WALLOC_CLONES void
inspect_samples_luma (const gfloat * r, const gfloat * g, const gfloat * b,
    gsize n, gfloat * out)
{
  gsize i;

  for (i = 0; i < n; i++)
    out[i] = 0.299f * r[i] + 0.587f * g[i] + 0.114f * b[i];
}
