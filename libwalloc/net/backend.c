/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifdef HAVE_CONFIG_H
# include "config.h"
#endif

#include "net/backend.h"

#ifndef HAVE_ONEDNN
const net_backend_table *
net_backend_onednn (void)
{
  return NULL;
}
#endif

const net_backend_table *
net_backend_of (const walloc_net * net)
{
  return net->backend == WALLOC_NET_ONEDNN ? net_backend_onednn () : NULL;
}

walloc_result
net_backend_select (walloc_net * net, walloc_net_backend backend,
    walloc_error * error)
{
  const net_gemm_isa *best = net_gemm_best ();

  if (backend == WALLOC_NET_ONEDNN && net_backend_onednn () == NULL)
    return walloc_fail (error, WALLOC_ERR_UNSUPPORTED,
        "this build has no oneDNN (meson option 'onednn')");
  if (backend != WALLOC_NET_AUTO && backend != WALLOC_NET_PORTABLE
      && backend != WALLOC_NET_ONEDNN)
    return walloc_fail (error, WALLOC_ERR_ARGUMENT, "no such backend");
  /* own kernels are about as fast, and spread over the caller's threads */
  net->backend = backend == WALLOC_NET_AUTO ? WALLOC_NET_PORTABLE : backend;
  while (net_gemm_get ((unsigned) net->isa) != best)
    net->isa++;
  return WALLOC_OK;
}
