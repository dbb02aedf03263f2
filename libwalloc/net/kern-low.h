/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The inner loop of convolutions in less than 32 bits, and packing for it.
 *
 * Values stand in 32-bit words: four unsigned bytes, or two bfloat16 (the
 * lower half first). Weights are packed [tap][word][column], with four signed
 * bytes or two bfloat16 per column, in panels of 1 to 4 vectors of 16. Sums of
 * bytes are exact integers: every instruction set gives the same. */
#ifndef WALLOC_NET_KERN_LOW_H
#define WALLOC_NET_KERN_LOW_H

#include <stddef.h>
#include <stdint.h>

#include "net/kern-gemm.h"

#define NET_LOW_WIDTH 16
#define NET_LOW_VECTORS 4

typedef enum
{
  NET_LOW_BYTES,
  NET_LOW_BF16
} net_low_kind;

/* out[r][c] = bias[c] + scale[c] * sum over taps t, k < words of
 * rows[t * NET_MR + r][k] . w[(t * words + k) * panel + c]
 * for NET_MR rows, ld floats apart, and all c of a panel. scale: bytes only. */
typedef void (*net_low_fn) (const uint32_t * const *rows, unsigned taps,
    size_t words, const uint32_t * w, const float *scale, const float *bias,
    float *out, size_t ld);

typedef struct
{
  const char *name;
  net_low_fn fn[NET_LOW_VECTORS];       /* by vectors in the panel, less one */
} net_low_isa;

/* The index-th that this machine can run (0 is always there, and slow); NULL
 * past the last, which is the best. */
const net_low_isa *net_low_get (net_low_kind kind, unsigned index);

/* Bytes round (x * inverse) + zero, limited to 0..255. */
void net_kern_to_bytes (const float *x, size_t n, float inverse, float zero,
    uint8_t * out);
/* out[c * stride + r] = in[r * ld + c] */
void net_kern_turn (const float *in, size_t ld, size_t rows, size_t cols,
    float *out, size_t stride);
/* Nearest bfloat16, ties to even. */
void net_kern_to_bf16 (const float *x, size_t n, uint16_t * out);

#endif
