/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Chains of elementwise operations; see net-private.h. */
#ifndef WALLOC_NET_OP_CHAIN_H
#define WALLOC_NET_OP_CHAIN_H

#include "net/net-private.h"

/* The chain of step on a block of its matrix: rows x cols values at (row,
 * col), kept at x with ld floats from row to row. saved: the block as it was
 * before, for chains that need it. */
void net_chain_run (const net_step * step, const net_tensor * t, float *x,
    size_t ld, size_t row, size_t col, unsigned rows, size_t cols,
    const float *saved);

/* Elementwise f (x); owned: nobody else reads x, so that its step may take
 * this over and the result be x itself. Floats only. */
walloc_result net_emit_unary (walloc_net * net, const net_node * node, int x,
    bool owned, net_chain_kind kind, float a, float b, int *out,
    walloc_error * error);

/* Elementwise a op b with broadcasting. */
walloc_result net_emit_binary (walloc_net * net, const net_node * node,
    net_chain_kind kind, int a, bool a_owned, int b, bool b_owned, int *out,
    walloc_error * error);

/* x * mul[channel] + add[channel] */
walloc_result net_emit_affine (walloc_net * net, const net_node * node, int x,
    bool owned, const float *mul, const float *add, unsigned channels,
    int *out, walloc_error * error);

/* True when input i of node is read by this node only. */
bool net_owned (const walloc_net * net, const net_node * node, unsigned i);

/* Makes tensor the output i of node. */
void net_bind (walloc_net * net, const net_node * node, unsigned i,
    int tensor);

#endif
