/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "net/backend.h"
#include "net/kern-gemm.h"

walloc_result
net_backend_select (walloc_net * net, walloc_net_backend backend,
    walloc_error * error)
{
  const net_gemm_isa *best = net_gemm_best ();

  if (backend == WALLOC_NET_ONEDNN)
    return walloc_fail (error, WALLOC_ERR_UNSUPPORTED,
        "this build has no oneDNN");
  if (backend != WALLOC_NET_AUTO && backend != WALLOC_NET_PORTABLE)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT, "no such backend");
  net->backend = WALLOC_NET_PORTABLE;
  while (net_gemm_get ((unsigned) net->isa) != best)
    net->isa++;
  return WALLOC_OK;
}
