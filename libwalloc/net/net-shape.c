/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Sizes, strides and broadcasting. */
#include "net/net-private.h"

/* Elements a tensor may have at most: keeps products of sizes and strides
 * far inside 64 bits. */
#define MAX_COUNT ((uint64_t) 1 << 40)

bool
net_count (unsigned rank, const int64_t * dims, size_t *count)
{
  uint64_t n = 1;
  unsigned i;

  for (i = 0; i < rank; i++) {
    if (dims[i] < 0 || dims[i] > INT32_MAX)
      return false;
    if (dims[i] != 0 && n > MAX_COUNT / (uint64_t) dims[i])
      return false;
    n *= (uint64_t) dims[i];
  }
  if (n > SIZE_MAX / 16)
    return false;
  *count = (size_t) n;
  return true;
}

void
net_strides (const net_tensor * t, int64_t * strides)
{
  int64_t step = 1;
  unsigned i;

  if (t->cl) {
    strides[1] = 1;
    step = t->dims[1];
    for (i = t->rank; i-- > 2;) {
      strides[i] = step;
      step *= t->dims[i];
    }
    strides[0] = step;
    return;
  }
  for (i = t->rank; i-- > 0;) {
    strides[i] = step;
    step *= t->dims[i];
  }
}

bool
net_broadcast (unsigned *rank, int64_t * dims, const net_tensor * a)
{
  int64_t out[NET_RANK];
  unsigned n = *rank > a->rank ? *rank : a->rank;
  unsigned i;
  int64_t x, y;

  for (i = 0; i < n; i++) {
    x = i + *rank >= n ? dims[i + *rank - n] : 1;
    y = i + a->rank >= n ? a->dims[i + a->rank - n] : 1;
    if (x != y && x != 1 && y != 1)
      return false;
    out[i] = x == 1 ? y : x;
  }
  for (i = 0; i < n; i++)
    dims[i] = out[i];
  *rank = n;
  return true;
}

bool
net_ints (const walloc_net * net, int tensor, const int64_t ** data,
    size_t *count)
{
  const net_tensor *t;

  if (tensor < 0)
    return false;
  t = net_t (net, tensor);
  if (!t->constant || t->type != NET_I64)
    return false;
  *data = net_t (net, t->root)->data;
  *count = t->count;
  return true;
}

bool
net_axis (int64_t axis, unsigned rank, unsigned *out)
{
  if (axis < 0)
    axis += rank;
  if (axis < 0 || axis >= (int64_t) rank)
    return false;
  *out = (unsigned) axis;
  return true;
}

unsigned
net_parts (uint64_t rows, uint64_t work_per_row)
{
  uint64_t parts;

  if (work_per_row == 0)
    work_per_row = 1;
  parts = work_per_row > 1 << 15 ? rows : rows / ((1 << 15) / work_per_row);
  if (parts > 64)
    parts = 64;
  return parts > 0 ? (unsigned) parts : 1;
}
