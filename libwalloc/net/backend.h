/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The seam between planned convolutions and who computes them. */
#ifndef WALLOC_NET_BACKEND_H
#define WALLOC_NET_BACKEND_H

#include "net/net-private.h"

/* Sets net->backend and net->isa. */
walloc_result net_backend_select (walloc_net * net,
    walloc_net_backend backend, walloc_error * error);

#endif
