/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The inner loop of convolutions and matrix products, per instruction set. */
#ifndef WALLOC_NET_KERN_GEMM_H
#define WALLOC_NET_KERN_GEMM_H

#include <stdbool.h>
#include <stddef.h>

/* rows of output that one call makes */
#define NET_MR 6
/* widest panel of any instruction set, in floats */
#define NET_MAX_PANEL 64

/* out[r][c] = bias[c] + sum over taps t, k < len of
 * rows[t * NET_MR + r][k] * w[(t * len + k) * panel + c]
 * for NET_MR rows, ld floats apart, and all c of a panel. Instead of bias,
 * out's own values when bias is NULL. The order of additions is fixed. */
typedef void (*net_gemm_fn) (const float *const *rows, unsigned taps,
    size_t len, const float *w, const float *bias, float *out, size_t ld);

typedef struct
{
  const char *name;
  unsigned width;               /* floats in a vector */
  unsigned vectors;             /* in the widest panel */
  net_gemm_fn fn[4];            /* by vectors in the panel, less one */
} net_gemm_isa;

/* The best for this machine, or the index-th that it can run (0 is always
 * there); NULL past the last. */
const net_gemm_isa *net_gemm_best (void);
const net_gemm_isa *net_gemm_get (unsigned index);

/* out[c] = bias[c] + sum over taps of rows[t][c] * w[t * n + c] */
void net_kern_depthwise (const float *const *rows, unsigned taps,
    const float *w, const float *bias, float *out, size_t n);

#endif
