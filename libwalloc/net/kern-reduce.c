/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sums and extremes down the columns of a matrix, up to 64 at a time. */
#include "net/kern-reduce.h"
#include "net/kern.h"

NET_CLONES void
net_kern_columns (net_reduce_kind kind, const float *x, size_t rows,
    size_t ld, size_t n, double *result)
{
  float part[NET_COLUMNS];
  size_t r, c, end;
  bool first = true;

  for (c = 0; c < n; c++)
    result[c] = 0.0;
  /* floats over short stretches, doubles across them */
  for (r = 0; r < rows; r = end) {
    end = rows - r < 256 ? rows : r + 256;
    for (c = 0; c < n; c++)
      part[c] = kind == NET_R_MAX || kind == NET_R_MIN ? x[r * ld + c] : 0.0f;
    for (; r < end; r++) {
      const float *row = x + r * ld;

      switch (kind) {
        case NET_R_MAX:
          for (c = 0; c < n; c++)
            part[c] = row[c] > part[c] ? row[c] : part[c];
          break;
        case NET_R_MIN:
          for (c = 0; c < n; c++)
            part[c] = row[c] < part[c] ? row[c] : part[c];
          break;
        case NET_R_SUM_SQUARE:
        case NET_R_L2:
          for (c = 0; c < n; c++)
            part[c] += row[c] * row[c];
          break;
        default:
          for (c = 0; c < n; c++)
            part[c] += row[c];
      }
    }
    for (c = 0; c < n; c++) {
      if (kind == NET_R_MAX)
        result[c] = first || part[c] > result[c] ? part[c] : result[c];
      else if (kind == NET_R_MIN)
        result[c] = first || part[c] < result[c] ? part[c] : result[c];
      else
        result[c] += part[c];
    }
    first = false;
  }
}

NET_CLONES void
net_kern_sparse (const float *x, size_t n, const float *w, size_t n_out,
    float *sums)
{
  size_t i, k;

  for (i = 0; i < n; i++) {
    float v = x[i], *to = sums + i * n_out;

    if (v == 0.0f)
      continue;
    for (k = 0; k < n_out; k++)
      to[k] += v * w[k];
  }
}
