/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The seam between planned convolutions and products, and who computes them.
 * Portable kernels can do every one. Another backend is a table of functions
 * that may take a step over: they return true after replacing its run, p and
 * count (what they made is released with the plan), false to leave it. */
#ifndef WALLOC_NET_BACKEND_H
#define WALLOC_NET_BACKEND_H

#include "net/conv.h"
#include "net/window.h"

/* A convolution as the file states it. */
typedef struct
{
  const net_conv *c;            /* channels last, one phase */
  const net_window *win;
  const float *weights;         /* [groups][ocg][icg][ky][kx] */
  const float *bias;            /* groups * ocg values or NULL */
} net_conv_desc;

/* out[i] = a x b (+ bias), row-major; i < batch. */
typedef struct
{
  size_t batch, m, k, n;
  const size_t *a_offset, *b_index;     /* floats; matrices. NULL: 0 */
  size_t b_size;                /* floats in a matrix of b */
  bool b_transposed;            /* stored [n][k] */
  const float *bias;
} net_product_desc;

typedef struct
{
  const char *name;
  bool (*take_conv) (walloc_net * net, net_step * step,
      const net_conv_desc * desc);
  /* in[0] and in[1] are a and b as they are */
  bool (*take_product) (walloc_net * net, net_step * step,
      const net_product_desc * desc);
} net_backend_table;

/* Sets net->backend and net->isa. */
walloc_result net_backend_select (walloc_net * net,
    walloc_net_backend backend, walloc_error * error);

/* The table of net's backend, NULL for portable. */
const net_backend_table *net_backend_of (const walloc_net * net);

/* backend-onednn.c; NULL in builds without it */
const net_backend_table *net_backend_onednn (void);

#endif
