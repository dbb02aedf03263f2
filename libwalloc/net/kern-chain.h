/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Elementwise loops on contiguous floats, and a few sums over rows. */
#ifndef WALLOC_NET_KERN_CHAIN_H
#define WALLOC_NET_KERN_CHAIN_H

#include "net/net-private.h"

/* x = f (x) with the parameters a, b of the kind. exp, tanh, sigmoid, erf,
 * sin and cos are good to 2e-7 of max (1, |f|). */
void net_kern_unary (net_chain_kind kind, float *x, size_t n, float a,
    float b);
/* x = x op y[i] */
void net_kern_binary (net_chain_kind kind, float *x, const float *y,
    size_t n);
/* x = x op y */
void net_kern_scalar (net_chain_kind kind, float *x, float y, size_t n);
/* x = exp (x - max); returns the sum */
float net_kern_exp_sum (float *x, float max, size_t n);
float net_kern_max (const float *x, size_t n);
double net_kern_sum (const float *x, size_t n);
/* sum of (x - mean)^2 */
double net_kern_square_sum (const float *x, float mean, size_t n);
/* acc[i] += x[i] * w[i]; acc = max (acc, x) */
void net_kern_mul_add (float *acc, const float *x, const float *w, size_t n);
/* out = a * wa + b * wb, for interpolation */
void net_kern_mix (float *out, const float *a, float wa, const float *b,
    float wb, size_t n);

#endif
