/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Convolution, transposed convolution and matrix product as one step.
 *
 * An output pixel is a sum over taps: places in the input, each with a matrix
 * [channels in][channels out]. A transposed convolution with stride s is s*s
 * such convolutions ("phases"), each making every s-th output pixel with its
 * share of the kernel. A matrix product has one tap and rows for pixels. All
 * images are channels last. */
#ifndef WALLOC_NET_CONV_H
#define WALLOC_NET_CONV_H

#include "net/kern-gemm.h"
#include "net/net-private.h"

typedef struct
{
  size_t oy0, ox0;              /* first output pixel */
  size_t oh, ow;                /* how many, every osy-th, osx-th */
  unsigned taps;
  int64_t *dy, *dx;             /* input pixel of tap: iy = j * isy + dy */
  unsigned *kernel;             /* index ky * kw + kx of tap */
  float *w;                     /* packed: [group][panel][tap][icg][width] */
} net_phase;

typedef struct
{
  const net_gemm_isa *isa;
  size_t batch, ih, iw, oh, ow;
  size_t pixel;                 /* floats from input pixel to pixel */
  size_t groups, icg, ocg;
  size_t osy, osx, isy, isx;
  unsigned n_phases;
  net_phase *phases;
  bool linear;                  /* output pixels follow each other */
  bool depthwise;
  float *bias;                  /* per group, padded to whole vectors */
  float *zero;                  /* icg zeros: the padding */
  size_t *in_offset;            /* of image n; NULL: one after another */
  size_t *w_offset;             /* weights of image n in tensor in[1] */
  size_t row_parts, panel_parts;
} net_conv;

/* floats of one group's weights of taps, packed */
size_t net_conv_packed (const net_conv * c, unsigned taps);
size_t net_conv_padded (const net_conv * c);
/* One packed group; element (k, column) of tap t is
 * w[k * k_step + column * c_step + taps[t]] */
void net_conv_pack (const net_conv * c, const unsigned *taps, unsigned n_taps,
    const float *w, size_t k_step, size_t c_step, float *to);
/* Panels of a packed group: first column and vectors of panel p; false past
 * the last. */
bool net_conv_panel (const net_conv * c, size_t p, size_t *column,
    unsigned *vectors);
/* step->p, chain, in[] and out are set; fills in the rest. */
void net_conv_step (net_step * step);

#endif
