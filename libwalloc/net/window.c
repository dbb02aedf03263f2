/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/window.h"

#include <string.h>

/* No kernel, stride, dilation or pad of a real network is larger; products
 * of two stay far inside 64 bits. */
#define MAX_PARAM (1 << 20)

/* n values of an attribute into to[2], at the end; false when out of range */
static bool
get_list (const net_node * node, const char *name, unsigned spatial,
    int64_t low, int64_t * to, int64_t other)
{
  const int64_t *v = NULL;
  size_t n = net_attr_ints (node, name, &v), i;

  to[0] = to[1] = other;
  if (n == 0)
    return true;
  if (n != spatial)
    return false;
  for (i = 0; i < n; i++) {
    if (v[i] < low || v[i] > MAX_PARAM)
      return false;
    to[2 - spatial + i] = v[i];
  }
  return true;
}

static bool
get_pads (const net_node * node, unsigned spatial, net_window * win)
{
  const int64_t *v = NULL;
  size_t n = net_attr_ints (node, "pads", &v), i;

  memset (win->pad, 0, sizeof win->pad);
  memset (win->pad_end, 0, sizeof win->pad_end);
  if (n == 0)
    return true;
  if (n != 2 * spatial)
    return false;
  for (i = 0; i < spatial; i++) {
    if (v[i] < 0 || v[i] > MAX_PARAM || v[i + spatial] < 0
        || v[i + spatial] > MAX_PARAM)
      return false;
    win->pad[2 - spatial + i] = v[i];
    win->pad_end[2 - spatial + i] = v[i + spatial];
  }
  return true;
}

/* Splits a padding of total between begin and end. */
static void
share_pad (net_window * win, unsigned i, int64_t total, bool upper)
{
  if (total < 0)
    total = 0;
  win->pad[i] = upper ? total / 2 : total - total / 2;
  win->pad_end[i] = total - win->pad[i];
}

walloc_result
net_window_get (const net_node * node, const net_tensor * x,
    const int64_t * kernel, bool transposed, net_window * win,
    walloc_error * error)
{
  unsigned spatial = x->rank - 2, i;
  bool upper = net_attr_is (node, "auto_pad", "SAME_UPPER");
  bool same = upper || net_attr_is (node, "auto_pad", "SAME_LOWER");
  bool ceil = net_attr_int (node, "ceil_mode", 0) != 0;
  int64_t extra[2], fixed[2], span, total;

  memset (win, 0, sizeof *win);
  if (!get_list (node, "kernel_shape", spatial, 1, win->kernel, 1)
      || !get_list (node, "strides", spatial, 1, win->stride, 1)
      || !get_list (node, "dilations", spatial, 1, win->dilation, 1)
      || !get_list (node, "output_padding", spatial, 0, extra, 0)
      || !get_list (node, "output_shape", spatial, 1, fixed, 0)
      || !get_pads (node, spatial, win))
    return net_node_fail (node, error, WALLOC_ERR_MODEL,
        "impossible kernel, strides, dilations or pads");
  if (kernel == NULL && !net_attr_has (node, "kernel_shape"))
    return net_node_fail (node, error, WALLOC_ERR_MODEL,
        "kernel_shape is missing");
  /* with one spatial dimension the unused first one stays 1 */
  if (spatial == 1)
    win->kernel[0] = win->stride[0] = win->dilation[0] = 1;
  for (i = 2 - spatial; kernel != NULL && i < 2; i++) {
    if (net_attr_has (node, "kernel_shape")
        && win->kernel[i] != kernel[i - (2 - spatial)])
      return net_node_fail (node, error, WALLOC_ERR_MODEL,
          "kernel_shape differs from the weights");
    win->kernel[i] = kernel[i - (2 - spatial)];
  }
  win->in[0] = win->out[0] = 1;
  if (win->kernel[0] > MAX_PARAM || win->kernel[1] > MAX_PARAM
      || win->kernel[0] * win->kernel[1] > INT32_MAX)
    return net_node_fail (node, error, WALLOC_ERR_LIMIT,
        "the kernel is too large");
  win->taps = (unsigned) (win->kernel[0] * win->kernel[1]);
  for (i = 2 - spatial; i < 2; i++) {
    win->in[i] = x->dims[2 + i - (2 - spatial)];
    span = (win->kernel[i] - 1) * win->dilation[i] + 1;
    if (transposed) {
      total = (win->in[i] - 1) * win->stride[i] + span + extra[i];
      if (fixed[i] > 0 || same) {
        win->out[i] = fixed[i] > 0 ? fixed[i] : win->in[i] * win->stride[i];
        /* here the larger half goes to the other end than in Conv */
        share_pad (win, i, total - win->out[i], upper);
      } else {
        win->out[i] = total - win->pad[i] - win->pad_end[i];
      }
    } else {
      if (same) {
        win->out[i] = (win->in[i] + win->stride[i] - 1) / win->stride[i];
        share_pad (win, i, (win->out[i] - 1) * win->stride[i] + span
            - win->in[i], upper);
      }
      total = win->in[i] + win->pad[i] + win->pad_end[i] - span;
      if (total < 0)
        return net_node_fail (node, error, WALLOC_ERR_ARGUMENT,
            "the kernel is larger than the input");
      win->out[i] = (total + (ceil ? win->stride[i] - 1 : 0)) / win->stride[i]
          + 1;
      /* a window that would begin in the end's padding is left out */
      if (ceil && (win->out[i] - 1) * win->stride[i] >= win->in[i]
          + win->pad[i])
        win->out[i]--;
    }
    if (win->out[i] < 1 || win->out[i] > INT32_MAX)
      return net_node_fail (node, error, WALLOC_ERR_ARGUMENT,
          "the result would have an impossible size");
  }
  return WALLOC_OK;
}
