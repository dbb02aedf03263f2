/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files and calls that must be refused, with the right error and without
 * losing memory. Damaged files are made from good ones, by cutting, by
 * changing bytes and by replacing strings of equal length. */
#include "tap.h"
#include "golden.h"

typedef struct
{
  size_t blocks, calls, fail_at;
} heap;

static void *
heap_alloc (void *user, size_t size)
{
  heap *h = user;
  void *block;

  if (++h->calls == h->fail_at)
    return NULL;
  block = malloc (size);
  h->blocks += block != NULL;
  return block;
}

static void
heap_free (void *user, void *block)
{
  ((heap *) user)->blocks--;
  free (block);
}

/* Loads, prepares and runs; all blocks must be back afterwards. */
static walloc_result
try_all (const void *bytes, size_t size, const golden_set * in,
    const walloc_net_limits * limits, heap * h, size_t limit,
    walloc_error * error)
{
  walloc_allocator allocator = { heap_alloc, heap_free, h, limit };
  walloc_net *net = (walloc_net *) h;
  walloc_net_shape shape;
  float *out[GOLDEN_MAX] = { NULL };
  size_t n;
  unsigned i, k;
  walloc_result r;

  error->text[0] = '\0';
  r = walloc_net_load (&net, bytes, size, WALLOC_NET_AUTO, &allocator,
      limits, error);
  if (r != WALLOC_OK && net != NULL)
    return WALLOC_OK;           /* must be NULL after failures */
  if (r == WALLOC_OK)
    r = walloc_net_prepare (net, in->shape, in->n, error);
  if (r == WALLOC_OK && walloc_net_outputs (net) <= GOLDEN_MAX) {
    for (i = 0; i < walloc_net_outputs (net); i++) {
      walloc_net_output (net, i, &shape);
      for (n = 1, k = 0; k < shape.rank; k++)
        n *= (size_t) shape.dims[k];
      out[i] = malloc (n * sizeof (float) + 4);
    }
    r = walloc_net_run (net, (const float *const *) in->data, in->n, out,
        walloc_net_outputs (net), NULL, error);
    for (i = 0; i < walloc_net_outputs (net); i++)
      free (out[i]);
  }
  walloc_net_free (net);
  return r;
}

typedef struct
{
  unsigned char *bytes;
  size_t size;
  golden_set in, out;
} model;

static void
model_load (model * m, const char *name)
{
  size_t size = 0;
  unsigned char *io;

  memset (m, 0, sizeof *m);
  m->bytes = golden_read (name, ".onnx", &m->size);
  io = golden_read (name, ".io", &size);
  if (m->bytes == NULL || io == NULL) {
    printf ("Bail out! no golden files\n");
    exit (1);
  }
  golden_parse (golden_parse (io, &m->in), &m->out);
  free (io);
}

static void
model_free (model * m)
{
  golden_free (&m->in);
  golden_free (&m->out);
  free (m->bytes);
}

/* Replaces every occurrence of old, as a string of equal length; how many. */
static unsigned
replace (model * m, const char *old, const char *new)
{
  size_t n = strlen (old), i;
  unsigned count = 0;

  for (i = 0; i + n <= m->size; i++) {
    if (memcmp (m->bytes + i, old, n) == 0) {
      memcpy (m->bytes + i, new, n);
      count++;
    }
  }
  return count;
}

static void
expect (const model * m, walloc_result want, const char *word, const char *what)
{
  heap h = { 0 };
  walloc_error error;
  walloc_result r = try_all (m->bytes, m->size, &m->in, NULL, &h, 0, &error);

  TAP_OK (r == want && h.blocks == 0 && strstr (error.text, word) != NULL,
      "%s: %d '%s', %zu blocks left", what, r, error.text, h.blocks);
}

static void
test_truncated (const char *name)
{
  heap h = { 0 };
  walloc_error error;
  model m;
  size_t cut, step;
  unsigned accepted = 0, silent = 0;
  walloc_result r;

  model_load (&m, name);
  step = m.size / 400 + 1;
  for (cut = 0; cut + 1 < m.size; cut += step) {
    unsigned char *part = malloc (cut + 1);

    /* at the end of its own block, so that valgrind sees reads behind */
    memcpy (part, m.bytes, cut);
    r = try_all (part, cut, &m.in, NULL, &h, 0, &error);
    accepted += r == WALLOC_OK;
    silent += r != WALLOC_OK && error.text[0] == '\0';
    free (part);
  }
  TAP_OK (accepted == 0 && silent == 0 && h.blocks == 0,
      "%s cut anywhere is refused with a text (%u accepted, %u silent)", name,
      accepted, silent);
  model_free (&m);
}

/* Changed bytes may still make a model: it must load or fail, cleanly. */
static void
test_damaged (const char *name, unsigned rounds)
{
  static const walloc_net_limits limits = { 1 << 22, 1 << 22, 1 << 24, 500 };
  heap h = { 0 };
  walloc_error error;
  model m;
  unsigned i, k, state = 77, refused = 0;
  unsigned char old;
  size_t at;

  model_load (&m, name);
  for (i = 0; i < rounds; i++) {
    at = tap_random (&state) % m.size;
    k = tap_random (&state) % 4;
    old = m.bytes[at];
    m.bytes[at] = k == 0 ? 0xff : k == 1 ? 0 : k == 2 ? old ^ 0x80
        : (unsigned char) tap_random (&state);
    refused += try_all (m.bytes, m.size, &m.in, &limits, &h, 1 << 26,
        &error) != WALLOC_OK;
    m.bytes[at] = old;
  }
  TAP_OK (h.blocks == 0 && refused > 0, "%s with damage, %u times: %u refused, "
      "%zu blocks left", name, rounds, refused, h.blocks);
  model_free (&m);
}

static void
test_no_memory (const char *name)
{
  heap h = { 0 };
  walloc_error error;
  model m;
  size_t i, total;
  unsigned wrong = 0;
  walloc_result r;

  model_load (&m, name);
  TAP_OK (try_all (m.bytes, m.size, &m.in, NULL, &h, 0, &error) == WALLOC_OK,
      "%s runs", name);
  total = h.calls;
  for (i = 1; i <= total; i++) {
    h.calls = 0;
    h.fail_at = i;
    r = try_all (m.bytes, m.size, &m.in, NULL, &h, 0, &error);
    /* protobuf-c does not tell why it failed */
    wrong += (r != WALLOC_ERR_MEMORY && r != WALLOC_ERR_LIMIT
        && r != WALLOC_ERR_MODEL) || h.blocks != 0;
  }
  TAP_OK (wrong == 0, "%s: each of %zu allocations may fail", name, total);
  model_free (&m);
}

static void
test_limits (void)
{
  walloc_net_limits limits = { 0 };
  heap h = { 0 };
  walloc_error error;
  walloc_result r;
  model m;

  model_load (&m, "net_decoder");
  limits.max_parameter_bytes = 1000;
  r = try_all (m.bytes, m.size, &m.in, &limits, &h, 0, &error);
  TAP_OK (r == WALLOC_ERR_LIMIT && strstr (error.text, "limit"),
      "parameters over the limit: %s", error.text);
  memset (&limits, 0, sizeof limits);
  limits.max_activation_bytes = 20000;
  r = try_all (m.bytes, m.size, &m.in, &limits, &h, 0, &error);
  TAP_OK (r == WALLOC_ERR_LIMIT, "activations over the limit: %s", error.text);
  memset (&limits, 0, sizeof limits);
  limits.max_work = 100000;
  r = try_all (m.bytes, m.size, &m.in, &limits, &h, 0, &error);
  TAP_OK (r == WALLOC_ERR_LIMIT, "work over the limit: %s", error.text);
  memset (&limits, 0, sizeof limits);
  limits.max_ops = 5;
  r = try_all (m.bytes, m.size, &m.in, &limits, &h, 0, &error);
  TAP_OK (r == WALLOC_ERR_LIMIT, "nodes over the limit: %s", error.text);
  r = try_all (m.bytes, m.size, &m.in, NULL, &h, 100000, &error);
  TAP_OK (r != WALLOC_OK, "the allocator's limit holds: %s", error.text);
  TAP_OK (h.blocks == 0, "nothing is left");
  model_free (&m);
}

static void
test_shapes (void)
{
  static const walloc_net_shape bad[] = {
    {4, {1, 3, 10, 0}}, {4, {1, 3, -10, 12}}, {4, {1, 4, 10, 12}},
    {3, {1, 3, 10}}, {4, {1, 3, (int64_t) 1 << 40, 12}},
    {4, {1, 3, 2000000, 2000000}}, {4, {1, 3, 2, 2}}, {9, {1}}
  };
  walloc_net *net = NULL;
  walloc_error error;
  model m;
  unsigned i;
  walloc_result r;
  float out[3 * 8 * 10];
  float *outputs[1] = { out };

  model_load (&m, "conv_dynamic");
  walloc_net_load (&net, m.bytes, m.size, WALLOC_NET_AUTO, NULL, NULL, NULL);
  r = walloc_net_run (net, (const float *const *) m.in.data, 1, outputs, 1,
      NULL, &error);
  TAP_OK (r == WALLOC_ERR_ARGUMENT, "run before prepare: %s", error.text);
  for (i = 0; i < sizeof bad / sizeof *bad; i++) {
    r = walloc_net_prepare (net, &bad[i], 1, &error);
    TAP_OK (r == WALLOC_ERR_ARGUMENT || r == WALLOC_ERR_LIMIT,
        "shape %u: %s", i, error.text);
  }
  r = walloc_net_prepare (net, m.in.shape, 2, &error);
  TAP_OK (r == WALLOC_ERR_ARGUMENT, "two shapes for one input: %s", error.text);
  r = walloc_net_prepare (net, m.in.shape, 1, &error);
  TAP_OK (r == WALLOC_OK, "prepares after failures");
  r = walloc_net_run (net, NULL, 1, outputs, 1, NULL, &error);
  TAP_OK (r == WALLOC_ERR_ARGUMENT, "no inputs: %s", error.text);
  outputs[0] = NULL;
  r = walloc_net_run (net, (const float *const *) m.in.data, 1, outputs, 1,
      NULL, &error);
  TAP_OK (r == WALLOC_OK, "an output may be left out");
  outputs[0] = out;
  r = walloc_net_run (net, (const float *const *) m.in.data, 1, outputs, 1,
      NULL, &error);
  TAP_OK (r == WALLOC_OK && golden_difference (out, m.out.data[0],
          m.out.count[0]) < 1e-4, "and runs");
  walloc_net_free (net);
  TAP_OK (walloc_net_load (NULL, "", 0, WALLOC_NET_AUTO, NULL, NULL, &error)
      == WALLOC_ERR_ARGUMENT, "no place for the net");
  TAP_OK (walloc_net_load (&net, m.bytes, m.size, (walloc_net_backend) 7,
          NULL, NULL, &error) == WALLOC_ERR_ARGUMENT && net == NULL,
      "no such backend");
  model_free (&m);
}

static void
test_graphs (void)
{
  model m;

  /* files of training/golden_onnx.py that are wrong on purpose */
  static const struct
  {
    const char *name, *word;
    walloc_result want;
  } bad[] = {
    {"bad_operator", "'bad_node': operator 'Lstm9'", WALLOC_ERR_UNSUPPORTED},
    {"bad_domain", "docs/onnx-operators.md", WALLOC_ERR_UNSUPPORTED},
    {"bad_cycle", "cycle", WALLOC_ERR_MODEL},
    {"bad_missing", "'w'", WALLOC_ERR_MODEL},
    {"bad_external", "another file", WALLOC_ERR_UNSUPPORTED},
    {"bad_size", "dimensions say", WALLOC_ERR_MODEL},
    {"bad_negative", "impossible dimensions", WALLOC_ERR_MODEL},
    {"bad_overflow", "impossible dimensions", WALLOC_ERR_MODEL},
    {"bad_twice", "computed twice", WALLOC_ERR_MODEL},
    {"bad_output", "not computed", WALLOC_ERR_MODEL},
    {"bad_rank", "at most 8", WALLOC_ERR_UNSUPPORTED},
    {"bad_type", "float", WALLOC_ERR_UNSUPPORTED},
    {"bad_opset", "operator set", WALLOC_ERR_UNSUPPORTED},
    {"bad_kernel", "(Conv)", WALLOC_ERR_MODEL},
    {"bad_pads", "(Conv)", WALLOC_ERR_MODEL},
    {"bad_stride", "(Conv)", WALLOC_ERR_MODEL},
    {"bad_groups", "channels", WALLOC_ERR_MODEL},
    {"bad_reshape", "(Reshape)", WALLOC_ERR_MODEL},
    {"bad_reshape_data", "(Reshape)", WALLOC_ERR_UNSUPPORTED},
    {"bad_integers", "integers that depend", WALLOC_ERR_UNSUPPORTED},
    {"bad_quant_reader", "only DequantizeLinear may", WALLOC_ERR_UNSUPPORTED},
    {"bad_quant_output", "'out0' is not a float", WALLOC_ERR_UNSUPPORTED},
    {"bad_quant_pair", "same scale", WALLOC_ERR_UNSUPPORTED},
    {"bad_quant_scale", "not above 0", WALLOC_ERR_MODEL},
    {"bad_quant_nan", "not above 0", WALLOC_ERR_MODEL},
    {"bad_quant_count", "5 scales", WALLOC_ERR_MODEL},
    {"bad_quant_zeros", "zero point", WALLOC_ERR_UNSUPPORTED},
    {"bad_quant_dynamic", "constant float", WALLOC_ERR_UNSUPPORTED},
    {"bad_quant_float", "constant integers", WALLOC_ERR_UNSUPPORTED},
    {"bad_expand", "(Expand)", WALLOC_ERR_LIMIT},
    {"bad_resize", "(Resize)", WALLOC_ERR_LIMIT},
    {"bad_pad", "(Pad)", WALLOC_ERR_LIMIT},
    {"bad_gather", "outside", WALLOC_ERR_MODEL},
    {"bad_axis", "(Concat)", WALLOC_ERR_MODEL},
    {"bad_perm", "permutation", WALLOC_ERR_MODEL},
    {"bad_matmul", "(MatMul)", WALLOC_ERR_MODEL},
    {"bad_broadcast", "(Add)", WALLOC_ERR_MODEL},
    {"bad_divide", "(Div)", WALLOC_ERR_UNSUPPORTED},
    {"bad_nesting", "ONNX", WALLOC_ERR_MODEL}
  };
  unsigned i;

  for (i = 0; i < sizeof bad / sizeof *bad; i++) {
    model_load (&m, bad[i].name);
    expect (&m, bad[i].want, bad[i].word, bad[i].name);
    model_free (&m);
  }
  model_load (&m, "relu");
  TAP_OK (replace (&m, "\"\x04Relu", "\"\x04" "Rely") > 0, "an operator is "
      "renamed");
  expect (&m, WALLOC_ERR_UNSUPPORTED, "'Rely'", "unknown operator");
  model_free (&m);
}

static void
test_questions (void)
{
  walloc_net *net = NULL;
  walloc_net_shape shape;
  walloc_error error;
  model m;
  unsigned i;

  model_load (&m, "net_classifier");
  if (TAP_OK (walloc_net_load (&net, m.bytes, m.size, WALLOC_NET_AUTO, NULL,
              NULL, &error) == WALLOC_OK, "loads")) {
    const char *labels = walloc_net_metadata (net, "labels");

    TAP_OK (labels != NULL && strcmp (labels, "a\nb") == 0, "labels");
    TAP_OK (walloc_net_metadata (net, "label") == NULL
        && walloc_net_metadata (net, NULL) == NULL, "no such metadata");
    TAP_OK (walloc_net_inputs (net) == 1 && walloc_net_outputs (net) == 1,
        "one input, one output");
    TAP_OK (strcmp (walloc_net_input (net, 0, &shape), "in0") == 0
        && shape.rank == 4 && shape.dims[1] == 3, "shape of the input");
    TAP_OK (walloc_net_input (net, 1, &shape) == NULL
        && walloc_net_output (net, 1, NULL) == NULL, "no second port");
    TAP_OK (walloc_net_work (net) == 0
        && walloc_net_activation_bytes (net) == 0, "no work before prepare");
    TAP_OK (walloc_net_get_backend (net) != WALLOC_NET_AUTO,
        "the backend is known");
  }
  walloc_net_free (net);
  walloc_net_free (NULL);
  model_free (&m);
  model_load (&m, "conv_dynamic");
  walloc_net_load (&net, m.bytes, m.size, WALLOC_NET_AUTO, NULL, NULL, NULL);
  walloc_net_input (net, 0, &shape);
  TAP_OK (shape.dims[0] == -1 && shape.dims[1] == 3 && shape.dims[2] == -1,
      "dynamic dimensions are -1");
  walloc_net_free (net);
  model_free (&m);
  for (i = 1; walloc_net_operator (i) != NULL; i++) {
    if (strcmp (walloc_net_operator (i - 1), walloc_net_operator (i)) >= 0)
      break;
  }
  TAP_OK (walloc_net_operator (i) == NULL && i > 60,
      "%u operators in order (they are searched by halves)", i);
}

int
main (void)
{
  test_questions ();
  test_graphs ();
  test_truncated ("net_vae");
  test_truncated ("conv_relu");
  test_truncated ("shape_math");
  test_damaged ("net_classifier", 1500);
  test_damaged ("net_vae", 1000);
  test_damaged ("resize_conv", 1500);
  test_damaged ("range_where", 1500);
  test_damaged ("net_audio", 1000);
  test_no_memory ("net_classifier");
  test_no_memory ("shape_math");
  test_limits ();
  test_shapes ();
  return tap_done ();
}
