/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Convolutions in bytes or bfloat16: same plan as conv.h, other values.
 *
 * Their input is a tensor of packed words, one row per pixel (channels last,
 * filled up with zeros to whole words). It comes as a second result ("side")
 * of the convolution before, or from a step that packs. Sums leave as floats:
 * bias, chain and output are those of any convolution. */
#ifndef WALLOC_NET_CONV_LOW_H
#define WALLOC_NET_CONV_LOW_H

#include "net/backend.h"

/* True when node's convolution is to run in fewer bits; pack says how its
 * input is to be packed. */
bool net_conv_low_wanted (const walloc_net * net, const net_node * node,
    const net_conv * c, const net_window * win, net_pack * pack);

/* Fills in step (out and chain are set) for desc on the node's input, packed
 * as net_conv_low_wanted() said. */
walloc_result net_conv_low_plan (walloc_net * net, const net_node * node,
    const net_conv_desc * desc, const net_pack * pack, net_step * step,
    walloc_error * error);

/* pack.c: value packed, for one of its readers */
walloc_result net_pack_input (walloc_net * net, const net_node * node,
    int value, const net_pack * pack, int *out, walloc_error * error);
/* rows x cols floats, ld apart, into packed pixels from row on, at channel
 * col; last: col + cols is the last channel, what fills its word is zero. */
void net_pack_rows (const net_pack * pack, const float *x, size_t ld,
    size_t row, size_t col, unsigned rows, size_t cols, bool last,
    uint32_t * words);

#endif
