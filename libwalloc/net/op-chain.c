/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Elementwise operators: appended to the step that makes their input, or a
 * step of their own. */
#include "net/op-chain.h"
#include "net/kern-chain.h"

#include <math.h>
#include <string.h>

#define BLOCK 1024

void
net_chain_run (const net_step * step, const net_tensor * t, float *x,
    size_t ld, size_t row, size_t col, unsigned rows, size_t cols,
    const float *saved)
{
  const net_chain *chain = step->chain;
  const float *y = NULL;
  unsigned i, r;
  size_t at, n = cols * rows;   /* of a flat block, where rows do not matter */

  for (i = 0; i < chain->n; i++) {
    const net_chain_op *op = &chain->op[i];
    bool flat = ld == cols && (op->mode == NET_M_NONE
        || op->mode == NET_M_SCALAR || op->mode == NET_M_SAVED
        || (op->mode == NET_M_FULL && cols == chain->cols));

    if (op->operand > 0)
      y = NET_F (t, step->in[op->operand]);
    for (r = 0; r < (flat ? 1 : rows); r++) {
      float *p = x + r * ld;

      at = (row + r) * chain->cols + col;
      switch (op->mode) {
        case NET_M_NONE:
          net_kern_unary (op->kind, p, flat ? n : cols, op->a, op->b);
          break;
        case NET_M_SCALAR:
          net_kern_scalar (op->kind, p, op->a, flat ? n : cols);
          break;
        case NET_M_FULL:
          net_kern_binary (op->kind, p, y + at, flat ? n : cols);
          break;
        case NET_M_COL:
          net_kern_binary (op->kind, p, y + col, cols);
          break;
        case NET_M_ROW:
          net_kern_scalar (op->kind, p, y[(row + r) % op->period], cols);
          break;
        case NET_M_SAVED:
          net_kern_binary (op->kind, p, saved + r * ld, flat ? n : cols);
          break;
      }
    }
  }
}

/* A chain as a step of its own: blocks of whole rows, or parts of long
 * rows. */
static void
chain_step_run (const net_step * step, const net_tensor * t, unsigned index)
{
  const net_chain *chain = step->chain;
  const size_t cols = chain->cols;
  const size_t count = t[step->out].count, rows = count / cols;
  const float *in = NET_F (t, step->in[0]);
  float *out = NET_F (t, step->out), saved[BLOCK];
  size_t per_row = (cols + BLOCK - 1) / BLOCK;
  size_t group = cols < BLOCK ? BLOCK / cols : 1;
  size_t blocks = per_row > 1 ? rows * per_row : (rows + group - 1) / group;
  size_t b = blocks * index / step->count;
  size_t end = blocks * (index + 1) / step->count, row, col, n, r, at;

  for (; b < end; b++) {
    if (per_row > 1) {
      row = b / per_row;
      col = b % per_row * BLOCK;
      n = cols - col < BLOCK ? cols - col : BLOCK;
      r = 1;
    } else {
      row = b * group;
      col = 0;
      n = cols;
      r = rows - row < group ? rows - row : group;
    }
    at = row * cols + col;
    if (chain->saves)
      memcpy (saved, in + at, n * r * sizeof *in);
    if (in != out)
      memcpy (out + at, in + at, n * r * sizeof *in);
    net_chain_run (step, t, out + at, n, row, col, (unsigned) r, n, saved);
  }
}

static walloc_result
chain_step_finish (walloc_net * net, net_step * step, walloc_error * error)
{
  size_t count = net_t (net, step->out)->count;

  (void) error;
  if (step->chain->cols == 0)
    step->chain->cols = count;
  step->count = net_parts (count / BLOCK + 1, BLOCK * step->chain->n * 2);
  return WALLOC_OK;
}

/* True when step s may read tensor: it is there before s runs. */
static bool
is_ready (const walloc_net * net, int tensor, int s)
{
  const net_plan *plan = &net->plan;
  int root = plan->tensors[tensor].root;
  unsigned i;

  if (plan->tensors[root].constant || plan->tensors[root].in_port >= 0)
    return true;
  for (i = (unsigned) s; i < plan->n_steps; i++) {
    if (plan->tensors[plan->steps[i].out].root == root)
      return false;
  }
  return true;
}

/* Appends op (whose operand is a tensor, or -1) to the step of x. */
static bool
try_append (walloc_net * net, int x, const net_chain_op * op, int operand,
    size_t cols)
{
  net_plan *plan = &net->plan;
  int s = plan->producer[x];
  net_step *step;
  net_chain_op *slot;

  if (s < 0)
    return false;
  step = &plan->steps[s];
  if (step->chain->n == NET_CHAIN || step->n_in == NET_STEP_IN)
    return false;
  if (cols != 0 && step->chain->cols != 0 && cols != step->chain->cols)
    return false;
  if (operand >= 0 && !is_ready (net, operand, s))
    return false;
  slot = &step->chain->op[step->chain->n++];
  *slot = *op;
  slot->operand = 0;
  if (cols != 0)
    step->chain->cols = cols;
  if (operand < 0)
    return true;
  if (step->run == chain_step_run && op->mode == NET_M_FULL
      && operand == step->in[0]) {
    slot->mode = NET_M_SAVED;
    step->chain->saves = true;
    return true;
  }
  /* in place, the input is gone once the chain has begun */
  if (plan->tensors[operand].root == plan->tensors[step->in[0]].root)
    step->in_place = false;
  slot->operand = (int) step->n_in;
  step->in[step->n_in++] = operand;
  return true;
}

/* op on x: behind x's step when x is not needed otherwise (owned). */
static walloc_result
chain_op (walloc_net * net, const net_node * node, int x, bool owned,
    const net_chain_op * op, int operand, size_t cols, int *out,
    walloc_error * error)
{
  net_step step = { 0 };
  net_tensor t = *net_t (net, x);
  bool constant = t.constant && (operand < 0 || net_t (net, operand)->constant);

  if (owned && !constant && try_append (net, x, op, operand, cols)) {
    *out = x;
    return WALLOC_OK;
  }
  *out = net_tensor_new (net, NET_F32, t.rank, t.dims, t.cl, constant);
  step.chain = net_plan_alloc (net, 1, sizeof *step.chain);
  if (*out < 0 || step.chain == NULL)
    return net_no_memory (node, error);
  if (t.count == 0)
    return WALLOC_OK;
  step.run = chain_step_run;
  step.finish = chain_step_finish;
  step.count = 1;
  step.in[0] = x;
  step.n_in = 1;
  step.out = *out;
  step.in_place = true;
  step.chain->n = 1;
  step.chain->op[0] = *op;
  step.chain->cols = cols;
  if (operand == x && op->mode == NET_M_FULL) {
    step.chain->op[0].mode = NET_M_SAVED;
    step.chain->saves = true;
  } else if (operand >= 0) {
    if (net_t (net, operand)->root == t.root)
      step.in_place = false;
    step.chain->op[0].operand = 1;
    step.in[1] = operand;
    step.n_in = 2;
  }
  return net_emit (net, node, &step, error);
}

walloc_result
net_emit_unary (walloc_net * net, const net_node * node, int x, bool owned,
    net_chain_kind kind, float a, float b, int *out, walloc_error * error)
{
  net_chain_op op = { 0 };

  op.kind = kind;
  op.mode = NET_M_NONE;
  op.a = a;
  op.b = b;
  return chain_op (net, node, x, owned, &op, -1, 0, out, error);
}

/* How y, smaller than x, runs along x's memory: by column or by row. */
static bool
find_mode (const net_tensor * x, const net_tensor * y, net_chain_op * op,
    size_t *cols)
{
  unsigned order[NET_RANK], i, n = 0, axis, phase = 0;
  size_t inner = 1, period = 1;
  bool varies, many = false, channel = false;

  order[n++] = 0;
  for (i = x->cl ? 2 : 1; i < x->rank; i++)
    order[n++] = i;
  if (x->cl)
    order[n++] = 1;
  /* from the innermost axis out: repeats, then values, then repeats */
  for (i = x->rank; i-- > 0;) {
    axis = order[i];
    if (x->dims[axis] == 1)
      continue;
    varies = axis + y->rank >= x->rank
        && y->dims[axis + y->rank - x->rank] != 1;
    if (varies) {
      channel |= axis == 1;
      many |= period > 1;
      period *= (size_t) x->dims[axis];
      if (phase == 2)
        return false;
      phase = 1;
    } else if (phase == 0) {
      inner *= (size_t) x->dims[axis];
    } else {
      phase = 2;
    }
  }
  /* with several axes y must be stored in x's order of axes */
  if (many && ((x->cl && channel)
          || (y->cl && (y->rank != x->rank || !x->cl))))
    return false;
  op->period = period;
  op->mode = inner > 1 ? NET_M_ROW : NET_M_COL;
  *cols = inner > 1 ? inner : period;
  return true;
}

/* x broadcast to dims, in the layout cl, as a tensor of its own. */
static walloc_result
expand (walloc_net * net, const net_node * node, int x, unsigned rank,
    const int64_t * dims, bool cl, int *out, walloc_error * error)
{
  net_tensor t = *net_t (net, x);
  int64_t from[NET_RANK], stride[NET_RANK], to[NET_RANK];
  unsigned i;

  if (t.rank == rank && memcmp (t.dims, dims, rank * sizeof *dims) == 0)
    return net_layout (net, node, x, cl, out, error);
  *out = net_tensor_new (net, t.type, rank, dims, cl, t.constant);
  if (*out < 0)
    return net_no_memory (node, error);
  net_strides (&t, from);
  for (i = 0; i < rank; i++) {
    stride[i] = 0;
    if (i + t.rank >= rank && t.dims[i + t.rank - rank] != 1)
      stride[i] = from[i + t.rank - rank];
  }
  net_strides (net_t (net, *out), to);
  return net_emit_copy (net, node, x, *out, rank, dims, stride, 0, to, 0,
      error);
}

static bool
same_shape (const net_tensor * t, unsigned rank, const int64_t * dims)
{
  return t->rank == rank && memcmp (t->dims, dims, rank * sizeof *dims) == 0;
}

static net_chain_kind
reversed (net_chain_kind kind)
{
  switch (kind) {
    case NET_C_SUB:
      return NET_C_RSUB;
    case NET_C_DIV:
      return NET_C_RDIV;
    case NET_C_POW:
      return NET_C_RPOW;
    case NET_C_LESS:
      return NET_C_GREATER;
    case NET_C_GREATER:
      return NET_C_LESS;
    case NET_C_LESS_EQ:
      return NET_C_GREATER_EQ;
    case NET_C_GREATER_EQ:
      return NET_C_LESS_EQ;
    default:
      return kind;
  }
}

walloc_result
net_emit_binary (walloc_net * net, const net_node * node,
    net_chain_kind kind, int a, bool a_owned, int b, bool b_owned, int *out,
    walloc_error * error)
{
  net_chain_op op = { 0 };
  int64_t dims[NET_RANK];
  unsigned rank = net_t (net, a)->rank;
  bool swap, a_full, b_full;
  net_tensor *x, *y;
  size_t cols = 0;
  int t;
  walloc_result r;

  memcpy (dims, net_t (net, a)->dims, sizeof dims);
  if (!net_broadcast (&rank, dims, net_t (net, b)))
    return net_node_fail (node, error, WALLOC_ERR_MODEL,
        "shapes of the inputs do not fit");
  a_full = same_shape (net_t (net, a), rank, dims);
  b_full = same_shape (net_t (net, b), rank, dims);
  /* x, the one that is worked on: full, rather not constant, rather channels
   * last, rather one whose step can take this over */
  swap = b_full && !a_full;
  if (a_full && b_full) {
    x = net_t (net, a);
    y = net_t (net, b);
    swap = x->constant && !y->constant;
    if (x->constant == y->constant) {
      swap = y->cl && !x->cl;
      if (x->cl == y->cl)
        swap = b_owned && net->plan.producer[b] >= 0
            && !(a_owned && net->plan.producer[a] >= 0
            && is_ready (net, b, net->plan.producer[a]));
    }
  }
  if (swap && kind != NET_C_PRELU) {
    t = a;
    a = b;
    b = t;
    a_owned = b_owned;
    kind = reversed (kind);
    a_full = b_full;
  }
  if (!a_full) {
    r = expand (net, node, a, rank, dims, net_t (net, b)->cl
        && net_t (net, b)->rank == rank, &a, error);
    if (r != WALLOC_OK)
      return r;
    a_owned = false;
  }
  x = net_t (net, a);
  y = net_t (net, b);
  op.kind = kind;
  if (y->count == 1 && y->constant) {
    op.mode = NET_M_SCALAR;
    op.a = NET_F (net->plan.tensors, b)[0];
    if (kind == NET_C_POW && (op.a == 2.0f || op.a == 0.5f)) {
      op.kind = op.a == 2.0f ? NET_C_SQUARE : NET_C_SQRT;
      op.mode = NET_M_NONE;
    }
    return chain_op (net, node, a, a_owned, &op, -1, 0, out, error);
  }
  if (y->count == 1 && x->count > 1) {
    op.mode = NET_M_ROW;
    op.period = 1;
  } else if (same_shape (y, rank, dims) || !find_mode (x, y, &op, &cols)) {
    op.mode = NET_M_FULL;
    r = expand (net, node, b, rank, dims, net_t (net, a)->cl, &b, error);
    if (r != WALLOC_OK)
      return r;
  }
  return chain_op (net, node, a, a_owned, &op, b, cols, out, error);
}

bool
net_owned (const walloc_net * net, const net_node * node, unsigned i)
{
  const net_value *value = &net->values[node->in[i]];

  return value->uses == 1 && !value->is_output;
}

void
net_bind (walloc_net * net, const net_node * node, unsigned i, int tensor)
{
  if (i < node->n_out && node->out[i] >= 0)
    net->plan.of_value[node->out[i]] = tensor;
}

walloc_result
net_emit_affine (walloc_net * net, const net_node * node, int x, bool owned,
    const float *mul, const float *add, unsigned channels, int *out,
    walloc_error * error)
{
  int64_t dims[NET_RANK];
  unsigned rank = net_t (net, x)->rank - 1, i;
  int m, a;
  walloc_result r;

  for (i = 0; i < NET_RANK; i++)
    dims[i] = 1;
  dims[0] = channels;
  m = net_tensor_new (net, NET_F32, rank, dims, false, true);
  a = net_tensor_new (net, NET_F32, rank, dims, false, true);
  if (m < 0 || a < 0)
    return net_no_memory (node, error);
  memcpy (NET_F (net->plan.tensors, m), mul, channels * sizeof *mul);
  memcpy (NET_F (net->plan.tensors, a), add, channels * sizeof *add);
  r = net_emit_binary (net, node, NET_C_MUL, x, owned, m, false, out, error);
  if (r != WALLOC_OK)
    return r;
  return net_emit_binary (net, node, NET_C_ADD, *out, true, a, false, out,
      error);
}
