/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* 1x1 convolutions of an input that somebody gives row by row and that is zero
 * nearly everywhere: only what is not zero is multiplied. */
#ifndef WALLOC_NET_CONV_SPARSE_H
#define WALLOC_NET_CONV_SPARSE_H

#include "net/conv.h"

/* Decides, before anything is planned, which inputs come by rows: those that
 * nothing but such convolutions reads. */
void net_find_rows (walloc_net * net);

/* The initialiser that value is, as it is or in other floats: weights may be
 * stored in 16 bits with a Cast behind. NULL: it is none. */
const net_const *net_constant_of (const walloc_net * net, int value);

/* Fills in step (out and chain are set) for a convolution of input tensor
 * step->in[0]. */
walloc_result net_conv_sparse_plan (walloc_net * net, const net_node * node,
    const net_conv * c, const float *weights, net_step * step,
    walloc_error * error);

#endif
