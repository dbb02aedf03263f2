/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The operators that are known, in alphabetical order. Also listed, with
 * their restrictions, in docs/onnx-operators.md. */
#include "net/kern-reduce.h"
#include "net/net-private.h"

#include <string.h>

#define ANY 10000

static const net_op ops[] = {
  {"Abs", 1, 1, 1, net_plan_unary, NET_C_ABS},
  {"Add", 2, 2, 1, net_plan_binary, NET_C_ADD},
  {"And", 2, 2, 1, net_plan_binary, NET_C_AND},
  {"AveragePool", 1, 1, 1, net_plan_pool, 1},
  {"BatchNormalization", 5, 5, 1, net_plan_batchnorm, 0},
  {"Cast", 1, 1, 1, net_plan_cast, 0},
  {"Ceil", 1, 1, 1, net_plan_unary, NET_C_CEIL},
  {"Clip", 1, 3, 1, net_plan_clip, 0},
  {"Concat", 1, ANY, 1, net_plan_concat, 0},
  {"Constant", 0, 0, 1, net_plan_constant, 0},
  {"ConstantOfShape", 1, 1, 1, net_plan_constant_of_shape, 0},
  {"Conv", 2, 3, 1, net_plan_conv, 0},
  {"ConvTranspose", 2, 3, 1, net_plan_conv_transpose, 0},
  {"Cos", 1, 1, 1, net_plan_unary, NET_C_COS},
  {"DepthToSpace", 1, 1, 1, net_plan_depth_to_space, 0},
  {"DequantizeLinear", 2, 3, 1, net_plan_dequantise, 0},
  {"Div", 2, 2, 1, net_plan_binary, NET_C_DIV},
  {"Dropout", 1, 3, 1, net_plan_identity, 0},
  {"Elu", 1, 1, 1, net_plan_unary, NET_C_ELU},
  {"Equal", 2, 2, 1, net_plan_binary, NET_C_EQUAL},
  {"Erf", 1, 1, 1, net_plan_unary, NET_C_ERF},
  {"Exp", 1, 1, 1, net_plan_unary, NET_C_EXP},
  {"Expand", 2, 2, 1, net_plan_expand, 0},
  {"Flatten", 1, 1, 1, net_plan_flatten, 0},
  {"Floor", 1, 1, 1, net_plan_unary, NET_C_FLOOR},
  {"Gather", 2, 2, 1, net_plan_gather, 0},
  {"Gemm", 2, 3, 1, net_plan_gemm, 0},
  {"GlobalAveragePool", 1, 1, 1, net_plan_global_pool, NET_R_MEAN},
  {"GlobalMaxPool", 1, 1, 1, net_plan_global_pool, NET_R_MAX},
  {"Greater", 2, 2, 1, net_plan_binary, NET_C_GREATER},
  {"GreaterOrEqual", 2, 2, 1, net_plan_binary, NET_C_GREATER_EQ},
  {"HardSigmoid", 1, 1, 1, net_plan_unary, NET_C_HSIGMOID},
  {"HardSwish", 1, 1, 1, net_plan_unary, NET_C_HSWISH},
  {"Identity", 1, 1, 1, net_plan_identity, 0},
  {"InstanceNormalization", 3, 3, 1, net_plan_instancenorm, 0},
  {"LayerNormalization", 2, 3, 1, net_plan_layernorm, 0},
  {"LeakyRelu", 1, 1, 1, net_plan_unary, NET_C_LEAKY},
  {"Less", 2, 2, 1, net_plan_binary, NET_C_LESS},
  {"LessOrEqual", 2, 2, 1, net_plan_binary, NET_C_LESS_EQ},
  {"Log", 1, 1, 1, net_plan_unary, NET_C_LOG},
  {"LogSoftmax", 1, 1, 1, net_plan_softmax, 1},
  {"MatMul", 2, 2, 1, net_plan_matmul, 0},
  {"Max", 1, ANY, 1, net_plan_variadic, NET_C_MAX},
  {"MaxPool", 1, 1, 1, net_plan_pool, 0},
  {"Mean", 1, ANY, 1, net_plan_variadic, NET_C_ADD},
  {"Min", 1, ANY, 1, net_plan_variadic, NET_C_MIN},
  {"Mul", 2, 2, 1, net_plan_binary, NET_C_MUL},
  {"Neg", 1, 1, 1, net_plan_unary, NET_C_NEG},
  {"Not", 1, 1, 1, net_plan_unary, NET_C_NOT},
  {"Or", 2, 2, 1, net_plan_binary, NET_C_OR},
  {"PRelu", 2, 2, 1, net_plan_binary, NET_C_PRELU},
  {"Pad", 1, 4, 1, net_plan_pad, 0},
  {"Pow", 2, 2, 1, net_plan_binary, NET_C_POW},
  {"QuantizeLinear", 2, 3, 1, net_plan_quantise, 0},
  {"Range", 3, 3, 1, net_plan_range, 0},
  {"Reciprocal", 1, 1, 1, net_plan_unary, NET_C_RECIPROCAL},
  {"ReduceL2", 1, 2, 1, net_plan_reduce, NET_R_L2},
  {"ReduceMax", 1, 2, 1, net_plan_reduce, NET_R_MAX},
  {"ReduceMean", 1, 2, 1, net_plan_reduce, NET_R_MEAN},
  {"ReduceMin", 1, 2, 1, net_plan_reduce, NET_R_MIN},
  {"ReduceSum", 1, 2, 1, net_plan_reduce, NET_R_SUM},
  {"ReduceSumSquare", 1, 2, 1, net_plan_reduce, NET_R_SUM_SQUARE},
  {"Relu", 1, 1, 1, net_plan_unary, NET_C_RELU},
  {"Reshape", 2, 2, 1, net_plan_reshape, 0},
  {"Resize", 1, 4, 1, net_plan_resize, 0},
  {"Round", 1, 1, 1, net_plan_unary, NET_C_ROUND},
  {"Shape", 1, 1, 1, net_plan_shape, 0},
  {"Sigmoid", 1, 1, 1, net_plan_unary, NET_C_SIGMOID},
  {"Sign", 1, 1, 1, net_plan_unary, NET_C_SIGN},
  {"Sin", 1, 1, 1, net_plan_unary, NET_C_SIN},
  {"Slice", 1, 5, 1, net_plan_slice, 0},
  {"Softmax", 1, 1, 1, net_plan_softmax, 0},
  {"Softplus", 1, 1, 1, net_plan_unary, NET_C_SOFTPLUS},
  {"SpaceToDepth", 1, 1, 1, net_plan_depth_to_space, 0},
  {"Split", 1, 2, ANY, net_plan_split, 0},
  {"Sqrt", 1, 1, 1, net_plan_unary, NET_C_SQRT},
  {"Squeeze", 1, 2, 1, net_plan_squeeze, 0},
  {"Sub", 2, 2, 1, net_plan_binary, NET_C_SUB},
  {"Sum", 1, ANY, 1, net_plan_variadic, NET_C_ADD},
  {"Tanh", 1, 1, 1, net_plan_unary, NET_C_TANH},
  {"Transpose", 1, 1, 1, net_plan_transpose, 0},
  {"Unsqueeze", 1, 2, 1, net_plan_unsqueeze, 0},
  {"Where", 3, 3, 1, net_plan_where, 0}
};

#define N_OPS (sizeof ops / sizeof *ops)

const net_op *
net_op_find (const char *name)
{
  size_t low = 0, high = N_OPS, mid;
  int order;

  while (low < high) {
    mid = (low + high) / 2;
    order = strcmp (name, ops[mid].name);
    if (order == 0)
      return &ops[mid];
    if (order < 0)
      high = mid;
    else
      low = mid + 1;
  }
  return NULL;
}

const char *
walloc_net_operator (unsigned index)
{
  return index < N_OPS ? ops[index].name : NULL;
}
