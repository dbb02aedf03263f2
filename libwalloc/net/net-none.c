/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* In builds without protobuf-c: nothing can be loaded, so that all else is
 * never reached with a network. */
#include <walloc/net.h>

#include "common/mem.h"

walloc_result
walloc_net_load (walloc_net ** net, const void *bytes, size_t size,
    walloc_net_backend backend, const walloc_allocator * allocator,
    const walloc_net_limits * limits, walloc_error * error)
{
  if (net != NULL)
    *net = NULL;
  return walloc_fail (error, WALLOC_ERR_UNSUPPORTED, "this build of libwalloc "
      "runs no networks: it was made without protobuf-c and onnx.proto "
      "(meson option 'onnx')");
}

void
walloc_net_free (walloc_net * net)
{
}

walloc_net_backend
walloc_net_get_backend (const walloc_net * net)
{
  return WALLOC_NET_PORTABLE;
}

walloc_result
walloc_net_offer_rows (walloc_net * net, unsigned index, walloc_net_row_fn row,
    void *user, walloc_error * error)
{
  return walloc_fail (error, WALLOC_ERR_ARGUMENT, "no net");
}

int
walloc_net_takes_rows (const walloc_net * net, unsigned index)
{
  return 0;
}

walloc_result
walloc_net_set_precision (walloc_net * net, walloc_net_precision precision,
    walloc_error * error)
{
  return walloc_fail (error, WALLOC_ERR_ARGUMENT, "no net");
}

walloc_net_precision
walloc_net_get_precision (const walloc_net * net)
{
  return WALLOC_NET_F32;
}

unsigned
walloc_net_inputs (const walloc_net * net)
{
  return 0;
}

unsigned
walloc_net_outputs (const walloc_net * net)
{
  return 0;
}

const char *
walloc_net_input (const walloc_net * net, unsigned index,
    walloc_net_shape * shape)
{
  return NULL;
}

const char *
walloc_net_output (const walloc_net * net, unsigned index,
    walloc_net_shape * shape)
{
  return NULL;
}

const char *
walloc_net_metadata (const walloc_net * net, const char *key)
{
  return NULL;
}

walloc_result
walloc_net_prepare (walloc_net * net, const walloc_net_shape * shapes,
    unsigned n_shapes, walloc_error * error)
{
  return walloc_fail (error, WALLOC_ERR_ARGUMENT, "no net");
}

uint64_t
walloc_net_work (const walloc_net * net)
{
  return 0;
}

uint64_t
walloc_net_activation_bytes (const walloc_net * net)
{
  return 0;
}

walloc_result
walloc_net_run (walloc_net * net, const float *const *inputs,
    unsigned n_inputs, float *const *outputs, unsigned n_outputs,
    const walloc_runner * runner, walloc_error * error)
{
  return walloc_fail (error, WALLOC_ERR_ARGUMENT, "no net");
}

const char *
walloc_net_operator (unsigned index)
{
  return NULL;
}
