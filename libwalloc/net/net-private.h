/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of the ONNX runner share.
 *
 * A graph has values (names), nodes and initialisers; that never changes
 * after loading. Preparing makes a plan: one tensor per value (plus the
 * runner's own), a list of steps, and places in one arena. Nodes whose inputs
 * are all constant are computed while planning, which is how shape arithmetic
 * disappears. Tensors of rank >= 3 may be kept "channels last" (cl), which
 * convolutions want; every step is told its strides when it is planned.
 *
 * Elementwise nodes become "chains": a list of small operations done block by
 * block on a matrix [rows][cols], either behind a convolution or matrix
 * product while its result is still in the cache, or as a step of their own. */
#ifndef WALLOC_NET_PRIVATE_H
#define WALLOC_NET_PRIVATE_H

#include <stdbool.h>
#include <walloc/net.h>

#include "common/mem.h"
#include "net/kern-low.h"

#define NET_RANK WALLOC_NET_MAX_RANK
#define NET_STEP_IN 12
#define NET_CHAIN 16

typedef enum
{
  NET_F32,
  NET_I64,                      /* any integer; constants only */
  NET_BOOL                      /* kept as float 0 or 1 */
} net_type;

/* Values of the file: parameters and constants, converted. */
typedef struct
{
  net_type type;
  unsigned rank;
  int64_t dims[NET_RANK];
  size_t count;
  void *data;
  int data_type;                /* as the file has it */
} net_const;

typedef struct
{
  const char *name;
  int producer;                 /* node, or -1 */
  unsigned uses;                /* by nodes and as graph output */
  bool is_output;
  net_const *init;              /* initialiser, or NULL */
  int input;                    /* index among the graph's inputs, or -1 */
} net_value;

typedef struct net_op net_op;

typedef struct
{
  const char *name, *op_name;
  const net_op *op;
  unsigned n_in, n_out;
  int *in, *out;                /* values; -1: left out */
  const void *proto;
  uint32_t *packed;             /* weights as a convolution in bfloat16 takes
                                 * them, the same whatever the shapes; NULL: not
                                 * packed yet, or they are not constants */
} net_node;

typedef struct
{
  int value;
  int tensor;                   /* of the plan; inputs only */
  walloc_net_row_fn row;        /* inputs: offered by rows, or NULL */
  void *row_user;
  bool by_rows;                 /* as prepared, taken so */
  walloc_net_shape shape;
} net_port;

/* How floats are packed for a convolution in fewer bits. */
typedef struct
{
  net_low_kind kind;
  float inverse;                /* bytes: round (x * inverse) + zero */
  int zero;
  size_t words;                 /* of a pixel */
} net_pack;

/* What QuantizeLinear and DequantizeLinear say of a value. */
typedef struct
{
  const float *scale;
  size_t count;                 /* scales; 0: nothing was said */
  unsigned axis;                /* that several scales belong to */
  int zero;
  bool is_signed;
  bool usable;                  /* by kernels in bytes */
  bool integer;                 /* between the two operators */
} net_quant;

typedef struct
{
  net_type type;
  unsigned rank;
  int64_t dims[NET_RANK];
  bool cl;                      /* stored N, spatial..., C */
  bool constant;
  int root;                     /* the tensor whose memory this is */
  size_t count;                 /* elements, product of dims */
  void *data;                   /* of roots */
  int first, last;              /* of roots: steps between which it lives */
  size_t offset;                /* of roots, in the arena */
  int in_port, out_port;        /* of roots: bound to a caller's pointer */
  int data_type;                /* of constants from the file, or 0 */
  int packed;                   /* tensor of the same values, packed, or 0 */
  int pack_step;                /* the step that makes it as its side, or -1 */
  unsigned pack_readers;
  net_pack pack;
} net_tensor;

typedef enum
{
  NET_C_ADD, NET_C_SUB, NET_C_RSUB, NET_C_MUL, NET_C_DIV, NET_C_RDIV,
  NET_C_MAX, NET_C_MIN, NET_C_POW, NET_C_RPOW, NET_C_PRELU,
  NET_C_EQUAL, NET_C_LESS, NET_C_GREATER, NET_C_LESS_EQ, NET_C_GREATER_EQ,
  NET_C_AND, NET_C_OR,
  NET_C_UNARY,                  /* from here on: one operand */
  NET_C_RELU = NET_C_UNARY, NET_C_LEAKY, NET_C_CLIP, NET_C_SIGMOID,
  NET_C_TANH, NET_C_EXP, NET_C_LOG, NET_C_SQRT, NET_C_NEG, NET_C_ABS,
  NET_C_SIN, NET_C_COS, NET_C_ERF, NET_C_HSIGMOID, NET_C_HSWISH,
  NET_C_RECIPROCAL, NET_C_SQUARE, NET_C_ELU, NET_C_SOFTPLUS, NET_C_FLOOR,
  NET_C_CEIL, NET_C_ROUND, NET_C_SIGN, NET_C_NOT, NET_C_BOOL, NET_C_TRUNC
} net_chain_kind;

typedef enum
{
  NET_M_NONE,                   /* unary, parameters a and b */
  NET_M_SCALAR,                 /* a */
  NET_M_FULL,                   /* same matrix, tensor operand */
  NET_M_COL,                    /* one value per column */
  NET_M_ROW,                    /* one value per row, modulo period */
  NET_M_SAVED                   /* the block as it was before the chain */
} net_chain_mode;

typedef struct
{
  net_chain_kind kind;
  net_chain_mode mode;
  float a, b;
  int operand;                  /* index in step.in */
  size_t period;
} net_chain_op;

typedef struct
{
  unsigned n;
  bool saves;
  size_t cols;
  net_chain_op op[NET_CHAIN];
} net_chain;

typedef struct net_step net_step;
typedef void (*net_step_fn) (const net_step * step, const net_tensor * t,
    unsigned index);

struct net_step
{
  net_step_fn run;
  unsigned count;               /* independent parts */
  unsigned n_in;
  int in[NET_STEP_IN];
  int out;
  bool in_place;                /* out may take the memory of in[0] */
  bool makes_side;              /* can also give its result packed: */
  bool side_only;               /* nobody reads out */
  int side;                     /* tensor, or 0 */
  net_pack side_pack;
  bool makes_planes;            /* can give its result plane by plane: */
  bool planes;
  void *p;
  net_chain *chain;             /* NULL: nothing can be appended */
    walloc_result (*finish) (walloc_net * net, net_step * step,
      walloc_error * error);
};

/* Blocks of a plan, to be freed together. */
typedef struct net_block
{
  struct net_block *next;
} net_block;

/* What another library made for a plan. */
typedef struct net_handle
{
  struct net_handle *next;
  void (*release) (void *data);
  void *data;
} net_handle;

typedef struct
{
  net_block *blocks;
  net_handle *handles;
  net_tensor *tensors;
  unsigned n_tensors, max_tensors;
  net_step *steps;
  unsigned n_steps, max_steps;
  int *of_value;                /* value -> tensor or -1 */
  net_quant *quant;             /* by value */
  unsigned *readers;            /* by value, seen through quantisers */
  int *producer;                /* tensor -> step that may be appended to */
  unsigned char *done;          /* nodes planned already */
  void *arena;
  size_t arena_bytes;
  uint64_t const_bytes;
  uint64_t work;
  bool ready;
} net_plan;

struct walloc_net
{
  walloc_mem mem;
  walloc_net_limits limits;
  walloc_net_backend backend;
  walloc_net_precision precision;       /* never FASTEST */
  int isa;                      /* see kern-gemm.h */
  bool low_base;                /* the slow kernels of kern-low.h: for tests */
  void *model;                  /* Onnx__ModelProto */
  int64_t opset;
  net_value *values;
  unsigned n_values;
  net_node *nodes;              /* in an order that computes */
  unsigned n_nodes;
  net_port *inputs, *outputs;
  unsigned n_inputs, n_outputs;
  uint64_t param_bytes;
  net_plan plan;
};

/* One known operator. */
struct net_op
{
  const char *name;
  unsigned min_in, max_in, max_out;
    walloc_result (*plan) (walloc_net * net, const net_node * node,
      walloc_error * error);
  int arg;                      /* for plan functions that serve several */
};

/* net-proto.c: everything that looks into protobuf structures */
walloc_result net_proto_load (walloc_net * net, const void *bytes,
    size_t size, walloc_error * error);
void net_proto_free (walloc_net * net);
const char *net_proto_metadata (const walloc_net * net, const char *key);
/* what the runner makes of an ONNX data type */
net_type net_type_of (int onnx_type, bool *known);
bool net_attr_has (const net_node * node, const char *name);
int64_t net_attr_int (const net_node * node, const char *name, int64_t other);
float net_attr_float (const net_node * node, const char *name, float other);
/* count of integers; 0 when absent */
size_t net_attr_ints (const net_node * node, const char *name,
    const int64_t ** ints);
size_t net_attr_floats (const net_node * node, const char *name,
    const float **floats);
/* true when the string attribute is there and equals text */
bool net_attr_is (const net_node * node, const char *name, const char *text);
/* a constant from a tensor attribute; NULL with an error set on failure */
walloc_result net_attr_tensor (walloc_net * net, const net_node * node,
    const char *name, net_const * out, walloc_error * error);

/* net-ops.c */
const net_op *net_op_find (const char *name);

/* net-plan.c */
/* memory that lives as long as the plan */
void *net_plan_alloc (walloc_net * net, size_t n, size_t size);
/* calls release (data) before the plan's memory goes; false: no memory */
bool net_plan_release (walloc_net * net, void (*release) (void *data),
    void *data);
void net_plan_clear (walloc_net * net);
/* error that names the node */
walloc_result net_node_fail (const net_node * node, walloc_error * error,
    walloc_result result, const char *format, ...)
  __attribute__ ((format (printf, 4, 5)));
walloc_result net_no_memory (const net_node * node, walloc_error * error);
/* n_in of the node, tensor ids; -1 where left out */
int net_in (const walloc_net * net, const net_node * node, unsigned i);
net_tensor *net_t (const walloc_net * net, int tensor);
bool net_all_const (const walloc_net * net, const net_node * node);
/* New tensor; constant ones get memory at once. Negative: no memory/limit. */
int net_tensor_new (walloc_net * net, net_type type, unsigned rank,
    const int64_t * dims, bool cl, bool constant);
/* New tensor for an output of the node */
walloc_result net_output (walloc_net * net, const net_node * node, unsigned i,
    net_type type, unsigned rank, const int64_t * dims, bool cl, int *tensor,
    walloc_error * error);
/* Output i of node is the memory of tensor with another shape (same count) */
walloc_result net_alias (walloc_net * net, const net_node * node, unsigned i,
    int tensor, unsigned rank, const int64_t * dims, walloc_error * error);
/* The memory of tensor seen with another shape; not an output. */
walloc_result net_view (walloc_net * net, const net_node * node, int tensor,
    unsigned rank, const int64_t * dims, int *view, walloc_error * error);
/* Adds a step, or runs it at once when its output is constant. */
walloc_result net_emit (walloc_net * net, const net_node * node,
    const net_step * step, walloc_error * error);
/* Same values in the other layout; adds a copy when needed. */
walloc_result net_layout (walloc_net * net, const net_node * node, int tensor,
    bool cl, int *out, walloc_error * error);
bool net_work_add (walloc_net * net, uint64_t a, uint64_t b, uint64_t c);
walloc_result net_plan_memory (walloc_net * net, walloc_error * error);

/* pack.c: words of a pixel */
size_t net_pack_words (const net_pack * pack, size_t channels);
/* op-quantise.c: the value that Quantize and DequantizeLinear began with */
int net_unquantised (const walloc_net * net, int value);
/* Fills in plan.readers. */
void net_count_readers (walloc_net * net);

/* net-shape.c: sizes and strides */
bool net_count (unsigned rank, const int64_t * dims, size_t * count);
void net_strides (const net_tensor * t, int64_t * strides);
/* broadcast of two shapes; false when they do not fit */
bool net_broadcast (unsigned * rank, int64_t * dims, const net_tensor * a);
/* constant integers of tensor; false when it is not a constant integer */
bool net_ints (const walloc_net * net, int tensor, const int64_t ** data,
    size_t * count);
/* axis in [-rank, rank) to [0, rank); false outside */
bool net_axis (int64_t axis, unsigned rank, unsigned *out);
/* number of parts to cut rows into so that parts do some work */
unsigned net_parts (uint64_t rows, uint64_t work_per_row);

/* step makers, by file */
/* op-move.c: strided copy; strides and offsets in elements */
walloc_result net_emit_copy (walloc_net * net, const net_node * node, int in,
    int out, unsigned rank, const int64_t * dims, const int64_t * in_stride,
    int64_t in_offset, const int64_t * out_stride, int64_t out_offset,
    walloc_error * error);
#define NET_DATA(t, id) ((t)[(t)[id].root].data)
#define NET_F(t, id) ((float *) NET_DATA (t, id))

/* plan functions: op-*.c */
#define NET_PLAN(name) walloc_result name (walloc_net * net, \
    const net_node * node, walloc_error * error)
NET_PLAN (net_plan_conv);
NET_PLAN (net_plan_conv_transpose);
NET_PLAN (net_plan_matmul);
NET_PLAN (net_plan_gemm);
NET_PLAN (net_plan_quantise);
NET_PLAN (net_plan_dequantise);
NET_PLAN (net_plan_binary);
NET_PLAN (net_plan_variadic);
NET_PLAN (net_plan_unary);
NET_PLAN (net_plan_clip);
NET_PLAN (net_plan_where);
NET_PLAN (net_plan_batchnorm);
NET_PLAN (net_plan_instancenorm);
NET_PLAN (net_plan_layernorm);
NET_PLAN (net_plan_softmax);
NET_PLAN (net_plan_reduce);
NET_PLAN (net_plan_global_pool);
NET_PLAN (net_plan_pool);
NET_PLAN (net_plan_concat);
NET_PLAN (net_plan_split);
NET_PLAN (net_plan_slice);
NET_PLAN (net_plan_reshape);
NET_PLAN (net_plan_flatten);
NET_PLAN (net_plan_transpose);
NET_PLAN (net_plan_squeeze);
NET_PLAN (net_plan_unsqueeze);
NET_PLAN (net_plan_expand);
NET_PLAN (net_plan_gather);
NET_PLAN (net_plan_shape);
NET_PLAN (net_plan_constant);
NET_PLAN (net_plan_constant_of_shape);
NET_PLAN (net_plan_range);
NET_PLAN (net_plan_cast);
NET_PLAN (net_plan_identity);
NET_PLAN (net_plan_pad);
NET_PLAN (net_plan_resize);
NET_PLAN (net_plan_depth_to_space);

#endif
