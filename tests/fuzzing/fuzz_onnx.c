/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* ONNX graphs: whatever loads is prepared for small inputs under tight limits
 * and run twice in every precision, on one thread and backwards as a runner may;
 * both must give the same bytes, and all memory must come back. */
#include <walloc/net.h>

#include <stdlib.h>
#include <string.h>

#define MAX_PORTS 8
#define MAX_VALUES (1 << 16)

int LLVMFuzzerTestOneInput (const uint8_t * data, size_t size);

static void
require (int condition)
{
  if (!condition)
    abort ();
}

static void *
count_alloc (void *user, size_t size)
{
  ++*(size_t *) user;
  return malloc (size);
}

static void
count_free (void *user, void *block)
{
  --*(size_t *) user;
  free (block);
}

static void
run_backwards (void *user, void (*work) (void *data, unsigned index),
    void *data, unsigned count)
{
  (void) user;
  while (count-- > 0)
    work (data, count);
}

static size_t
values (const walloc_net_shape * shape)
{
  size_t n = 1;
  unsigned i;

  for (i = 0; i < shape->rank; i++)
    n *= (size_t) shape->dims[i];
  return n;
}

static void
run (walloc_net * net, const walloc_net_shape * shapes)
{
  walloc_runner runner = { run_backwards, NULL, 4 };
  float *in[MAX_PORTS] = { NULL }, *a[MAX_PORTS] = { NULL };
  float *b[MAX_PORTS] = { NULL };
  walloc_net_shape shape;
  unsigned n_in = walloc_net_inputs (net), n_out = walloc_net_outputs (net);
  unsigned i;
  size_t n, k;

  for (i = 0; i < n_in; i++) {
    n = values (&shapes[i]);
    in[i] = malloc (n * sizeof (float));
    for (k = 0; k < n; k++)
      in[i][k] = (float) (k * 7 % 13) / 4.0f - 1.5f;
  }
  for (i = 0; i < n_out; i++) {
    require (walloc_net_output (net, i, &shape) != NULL);
    n = values (&shape);
    a[i] = calloc (n, sizeof (float));
    b[i] = calloc (n, sizeof (float));
  }
  require (walloc_net_run (net, (const float *const *) in, n_in, a, n_out,
          NULL, NULL) == WALLOC_OK);
  require (walloc_net_run (net, (const float *const *) in, n_in, b, n_out,
          &runner, NULL) == WALLOC_OK);
  for (i = 0; i < n_out; i++) {
    walloc_net_output (net, i, &shape);
    require (memcmp (a[i], b[i], values (&shape) * sizeof (float)) == 0);
  }
  for (i = 0; i < MAX_PORTS; i++) {
    free (in[i]);
    free (a[i]);
    free (b[i]);
  }
}

int
LLVMFuzzerTestOneInput (const uint8_t * data, size_t size)
{
  static const walloc_net_limits limits = {
    1 << 20, 1 << 22, 1 << 22, 200
  };
  size_t blocks = 0;
  walloc_allocator allocator = {
    count_alloc, count_free, &blocks, 1 << 26
  };
  walloc_net_shape shapes[MAX_PORTS];
  walloc_net *net = NULL;
  unsigned i, k, p;
  int small = 1;

  if (walloc_net_load (&net, data, size, WALLOC_NET_PORTABLE, &allocator,
          &limits, NULL) != WALLOC_OK) {
    require (net == NULL && blocks == 0);
    return 0;
  }
  if (walloc_net_inputs (net) <= MAX_PORTS
      && walloc_net_outputs (net) <= MAX_PORTS) {
    for (i = 0; i < walloc_net_inputs (net); i++) {
      require (walloc_net_input (net, i, &shapes[i]) != NULL);
      for (k = 0; k < shapes[i].rank; k++) {
        if (shapes[i].dims[k] < 0)
          shapes[i].dims[k] = 5 + k;
        small &= shapes[i].dims[k] <= 256;
      }
      small = small && values (&shapes[i]) <= MAX_VALUES;
    }
    for (p = WALLOC_NET_F32; small && p <= WALLOC_NET_INT8; p++) {
      require (walloc_net_set_precision (net, (walloc_net_precision) p,
              NULL) == WALLOC_OK);
      if (walloc_net_prepare (net, shapes, walloc_net_inputs (net), NULL) ==
          WALLOC_OK)
        run (net, shapes);
    }
  }
  walloc_net_free (net);
  require (blocks == 0);
  return 0;
}
