/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sums and extremes down the columns of a matrix. */
#ifndef WALLOC_NET_KERN_REDUCE_H
#define WALLOC_NET_KERN_REDUCE_H

#include "net/net-private.h"

#define NET_COLUMNS 64

typedef enum
{
  NET_R_SUM, NET_R_MEAN, NET_R_MAX, NET_R_MIN, NET_R_L2, NET_R_SUM_SQUARE
} net_reduce_kind;

/* n <= NET_COLUMNS columns of rows, ld floats apart; means are given as
 * sums, L2 as the sum of squares. */
void net_kern_columns (net_reduce_kind kind, const float *x, size_t rows,
    size_t ld, size_t n, double *result);

/* sums[i * n_out + k] += x[i] * w[k] for i < n, k < n_out, where x[i] is not
 * zero */
void net_kern_sparse (const float *x, size_t n, const float *w, size_t n_out,
    float *sums);

#endif
