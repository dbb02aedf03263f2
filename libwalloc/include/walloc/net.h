/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * @file walloc/net.h
 * @brief Runs neural networks stored as ONNX graphs, in C, on the CPU.
 *
 * A network is loaded once, prepared for the shapes of its inputs (all
 * allocation, shape inference and repacking of weights happens there) and
 * then run any number of times; a run allocates nothing. Data are 32-bit
 * floats in the order the ONNX graph states (pictures: N, C, H, W). Which
 * operators are known, and how far, is in docs/onnx-operators.md.
 *
 * A walloc_net works for one thread at a time; use one per stream. Files are
 * untrusted: sizes are checked, limits apply before memory is taken.
 *
 * Without protobuf-c at build time walloc_net_load() always returns
 * #WALLOC_ERR_UNSUPPORTED and says so.
 */
#ifndef WALLOC_NET_H
#define WALLOC_NET_H

#include <walloc/walloc.h>

#ifdef __cplusplus
extern "C" {
#endif

/** Greatest number of dimensions of a tensor. */
#define WALLOC_NET_MAX_RANK 8

/** A loaded network. */
typedef struct walloc_net walloc_net;

/** Who computes convolutions and matrix products. */
typedef enum
{
  WALLOC_NET_AUTO = 0,          /**< the library's choice on this machine */
  WALLOC_NET_PORTABLE = 1,      /**< own kernels; always there */
  WALLOC_NET_ONEDNN = 2         /**< oneDNN; if built in */
} walloc_net_backend;

/** In what convolutions compute. */
typedef enum
{
  WALLOC_NET_F32 = 0,           /**< 32-bit floats */
  WALLOC_NET_BF16 = 1,          /**< products of bfloat16, sums of floats */
  /** Bytes where the graph says how (QuantizeLinear, DequantizeLinear), else
   * bfloat16 where the machine has it, else floats. */
  WALLOC_NET_INT8 = 2,
  /** The fastest that this machine has instructions for: INT8, BF16, F32. */
  WALLOC_NET_FASTEST = 3
} walloc_net_precision;

/** Bounds for untrusted files; a member of 0 means its default. */
typedef struct
{
  uint64_t max_parameter_bytes; /**< initialisers, bytes; default 1 GiB */
  uint64_t max_activation_bytes;        /**< run-time tensors; default 1 GiB */
  uint64_t max_work;            /**< multiply-adds in a run; default 2^42 */
  unsigned max_ops;             /**< nodes of the graph; default 10000 */
} walloc_net_limits;

/**
 * Shape of a tensor. Before walloc_net_prepare() a dimension may be -1: any
 * size, told to prepare.
 */
typedef struct
{
  unsigned rank;
  int64_t dims[WALLOC_NET_MAX_RANK];
} walloc_net_shape;

/**
 * Parses an ONNX model of @size bytes. @bytes are not needed afterwards.
 * @allocator (NULL: malloc) bounds all memory that this network ever holds,
 * @limits may be NULL. On success *@net is to be freed with walloc_net_free(),
 * on failure it is NULL.
 *
 * Errors: #WALLOC_ERR_MODEL (damaged or inconsistent; cycles; tensors missing
 * or of wrong size), #WALLOC_ERR_UNSUPPORTED (an unknown operator, data type
 * or external data; also ONEDNN where it is not built in), #WALLOC_ERR_LIMIT,
 * #WALLOC_ERR_MEMORY, #WALLOC_ERR_ARGUMENT.
 */
WALLOC_API walloc_result walloc_net_load (walloc_net ** net,
    const void *bytes, size_t size, walloc_net_backend backend,
    const walloc_allocator * allocator, const walloc_net_limits * limits,
    walloc_error * error);

/** Frees @net; NULL is fine. */
WALLOC_API void walloc_net_free (walloc_net * net);

/** The backend in use: PORTABLE or ONEDNN, never AUTO. */
WALLOC_API walloc_net_backend walloc_net_get_backend (const walloc_net * net);

/**
 * Chooses in what convolutions compute; #WALLOC_NET_F32 after loading. To be
 * called before walloc_net_prepare(); a prepared network is to be prepared
 * again. BF16 and INT8 work everywhere, but are slow on machines without
 * instructions for them; oneDNN always computes in floats. See
 * docs/onnx-operators.md for what is computed in fewer bits.
 *
 * Errors: #WALLOC_ERR_ARGUMENT (@net is NULL, no such precision).
 */
WALLOC_API walloc_result walloc_net_set_precision (walloc_net * net,
    walloc_net_precision precision, walloc_error * error);

/** The precision in use; never FASTEST. */
WALLOC_API walloc_net_precision walloc_net_get_precision (const walloc_net *
    net);

/** Number of inputs that the caller must give (initialisers not counted). */
WALLOC_API unsigned walloc_net_inputs (const walloc_net * net);

/** Number of outputs. */
WALLOC_API unsigned walloc_net_outputs (const walloc_net * net);

/**
 * Name and declared shape of input @index; @shape may be NULL. A rank that
 * the file does not state is given as 0. Returns NULL when there is no such
 * input. The name lives as long as @net.
 */
WALLOC_API const char *walloc_net_input (const walloc_net * net,
    unsigned index, walloc_net_shape * shape);

/**
 * Name and shape of output @index; the declared one (-1: unknown) before,
 * the real one after walloc_net_prepare(). Returns NULL when there is none.
 */
WALLOC_API const char *walloc_net_output (const walloc_net * net,
    unsigned index, walloc_net_shape * shape);

/**
 * Value of the model's metadata property @key (labels, preprocessing), or
 * NULL. It lives as long as @net.
 */
WALLOC_API const char *walloc_net_metadata (const walloc_net * net,
    const char *key);

/**
 * Makes @net ready to run on inputs of @shapes (@n_shapes must be the number
 * of inputs; every dimension >= 1, and equal to the declared one unless that
 * is -1): infers all shapes, folds constants, repacks weights, plans and
 * takes the memory. May be called again with other shapes; after a failure
 * @net is loaded but not prepared.
 *
 * Errors: #WALLOC_ERR_ARGUMENT (shapes that the graph does not take),
 * #WALLOC_ERR_MODEL, #WALLOC_ERR_UNSUPPORTED, #WALLOC_ERR_LIMIT,
 * #WALLOC_ERR_MEMORY; the text names node and operator.
 */
WALLOC_API walloc_result walloc_net_prepare (walloc_net * net,
    const walloc_net_shape * shapes, unsigned n_shapes, walloc_error * error);

/**
 * Gives row @y of an input [1, planes, height, width]: calls @take once, in the
 * same thread, with @taker and a pointer to the row in each plane; NULL stands
 * for a row of zeros. May be called for any row, on any thread of the runner,
 * for several rows at once.
 */
typedef void (*walloc_net_row_fn) (void *user, unsigned y,
    void (*take) (void *taker, const float *const *planes), void *taker);

/**
 * Offers input @index, most of whose values are zero, row by row while the
 * network runs, instead of all at once. To be called before
 * walloc_net_prepare(), which decides whether rows are taken:
 * walloc_net_takes_rows(). @row of NULL: no longer.
 *
 * Errors: #WALLOC_ERR_ARGUMENT (no such input).
 */
WALLOC_API walloc_result walloc_net_offer_rows (walloc_net * net,
    unsigned index, walloc_net_row_fn row, void *user, walloc_error * error);

/**
 * True when the prepared network takes input @index by rows: its pointer in
 * walloc_net_run() is then ignored. That is so where nothing but 1x1
 * convolutions reads it and the backend is #WALLOC_NET_PORTABLE.
 */
WALLOC_API int walloc_net_takes_rows (const walloc_net * net, unsigned index);

/**
 * Multiply-adds of convolutions and matrix products in one run, as prepared;
 * 0 before.
 */
WALLOC_API uint64_t walloc_net_work (const walloc_net * net);

/** Bytes of run-time tensors that prepare took; 0 before. */
WALLOC_API uint64_t walloc_net_activation_bytes (const walloc_net * net);

/**
 * Runs the prepared network. @inputs and @outputs hold one pointer per input
 * and output to as many floats as the shapes say, aligned for float; outputs
 * must not overlap inputs or each other. An output that nothing in the graph
 * reads may be NULL: it is not wanted, and the step that would write it is left
 * out. @runner (may be NULL) spreads rows of work over threads; results do not
 * depend on it.
 */
WALLOC_API walloc_result walloc_net_run (walloc_net * net,
    const float *const *inputs, unsigned n_inputs, float *const *outputs,
    unsigned n_outputs, const walloc_runner * runner, walloc_error * error);

/**
 * Name of the @index-th known operator in alphabetical order, NULL past the
 * end. For tools that list what the library runs.
 */
WALLOC_API const char *walloc_net_operator (unsigned index);

#ifdef __cplusplus
}
#endif
#endif
