/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* For the two files that see protobuf structures. */
#ifndef WALLOC_NET_PROTO_H
#define WALLOC_NET_PROTO_H

#include "net/net-private.h"
#include "onnx.pb-c.h"

/* Checks t and converts it; memory from the plan or from net->mem. */
walloc_result net_proto_tensor (walloc_net * net, const Onnx__TensorProto * t,
    const char *name, bool in_plan, net_const * c, walloc_error * error);
void net_proto_drop (walloc_net * net, Onnx__TensorProto * t);

#endif
