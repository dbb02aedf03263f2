/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sliding windows of convolutions and pools, as two dimensions: with one
 * spatial dimension the first has size 1. */
#ifndef WALLOC_NET_WINDOW_H
#define WALLOC_NET_WINDOW_H

#include "net/net-private.h"

typedef struct
{
  int64_t in[2], out[2], kernel[2], stride[2], dilation[2];
  int64_t pad[2], pad_end[2];
  unsigned taps;                /* kernel[0] * kernel[1] */
} net_window;

/* Reads kernel_shape, strides, dilations, pads, auto_pad (and output_padding,
 * output_shape of transposed ones; ceil_mode of pools) and computes the
 * output's size. kernel: of the weights, or NULL: the attribute is needed. */
walloc_result net_window_get (const net_node * node, const net_tensor * x,
    const int64_t * kernel, bool transposed, net_window * win,
    walloc_error * error);

#endif
