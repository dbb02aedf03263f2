/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Speed of networks: bench_net [-NAME] FILE.onnx DIM..., the sizes of the
 * first input; NAME is one row of the table.
 * Prints ms of processor time and GFLOP/s of one thread for every precision
 * and backend. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <walloc/net.h>

#define PORTS 8

static double
now (void)
{
  struct timespec t;

  /* processor time: other work on the machine does not count */
  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &t);
  return (double) t.tv_sec + (double) t.tv_nsec * 1e-9;
}

static void *
read_file (const char *path, size_t *size)
{
  FILE *f = fopen (path, "rb");
  char *bytes = NULL;
  long n;

  if (f == NULL)
    return NULL;
  if (fseek (f, 0, SEEK_END) == 0 && (n = ftell (f)) > 0
      && fseek (f, 0, SEEK_SET) == 0 && (bytes = malloc ((size_t) n)) != NULL)
    *size = fread (bytes, 1, (size_t) n, f);
  fclose (f);
  return bytes;
}

/* The first input has this shape; others too, where their own is open. */
static int
prepare (walloc_net * net, const walloc_net_shape * first, walloc_error * error)
{
  walloc_net_shape shapes[PORTS];
  unsigned i, k;

  if (walloc_net_inputs (net) > PORTS || walloc_net_outputs (net) > PORTS)
    return 1;
  for (i = 0; i < walloc_net_inputs (net); i++) {
    walloc_net_input (net, i, &shapes[i]);
    if (shapes[i].rank != first->rank)
      shapes[i] = *first;
    for (k = 0; k < first->rank; k++)
      if (i == 0 || shapes[i].dims[k] < 0)
        shapes[i].dims[k] = first->dims[k];
  }
  return walloc_net_prepare (net, shapes, walloc_net_inputs (net), error);
}

static int
bench (const void *bytes, size_t size, walloc_net_backend backend,
    walloc_net_precision precision, const char *name,
    const walloc_net_shape * shape)
{
  walloc_net *net;
  walloc_error error = { "" };
  walloc_net_shape out_shape;
  size_t in_count = 1, out_count, i;
  const float *in[PORTS];
  float *data, *out[PORTS], *all[PORTS];
  double start, t, best, end;
  unsigned k, left_out;

  if (walloc_net_load (&net, bytes, size, backend, NULL, NULL, &error) != 0
      || walloc_net_set_precision (net, precision, &error) != 0
      || prepare (net, shape, &error) != 0) {
    printf ("%-10s %s\n", name, error.text);
    return 1;
  }
  for (i = 0; i < shape->rank; i++)
    in_count *= (size_t) shape->dims[i];
  data = malloc (in_count * sizeof *data);
  for (i = 0; i < in_count; i++)
    data[i] = (float) (i * 2654435761u % 1000) / 500.0f - 1.0f;
  for (k = 0; k < PORTS; k++)
    in[k] = data;
  for (k = 0; k < walloc_net_outputs (net); k++) {
    walloc_net_output (net, k, &out_shape);
    for (i = 0, out_count = 1; i < out_shape.rank; i++)
      out_count *= (size_t) out_shape.dims[i];
    all[k] = out[k] = malloc (out_count * sizeof **out);
  }
  for (left_out = 0; left_out < 2; left_out++) {
    best = 1e30;
    end = now () + 1.0;
    do {
      start = now ();
      if (walloc_net_run (net, in, walloc_net_inputs (net), out,
              walloc_net_outputs (net), NULL, &error) != WALLOC_OK) {
        printf ("%-10s %s\n", name, error.text);
        return 1;
      }
      t = now () - start;
      best = t < best ? t : best;
    } while (now () < end);
    printf ("%-10s %9.3f ms %8.1f GFLOP/s  %.1f MiB activations%s\n", name,
        best * 1e3, 2e-9 * (double) walloc_net_work (net) / best,
        (double) walloc_net_activation_bytes (net) / 1048576.0,
        left_out ? "  (work of all outputs, first output only)" : "");
    if (walloc_net_outputs (net) == 1)
      break;
    for (k = 1; k < walloc_net_outputs (net); k++)
      out[k] = NULL;
  }
  free (data);
  for (k = 0; k < walloc_net_outputs (net); k++)
    free (all[k]);
  walloc_net_free (net);
  return 0;
}

int
main (int argc, char **argv)
{
  static const struct
  {
    const char *name;
    walloc_net_backend backend;
    walloc_net_precision precision;
  } rows[] = {
    {"f32", WALLOC_NET_PORTABLE, WALLOC_NET_F32},
    {"bf16", WALLOC_NET_PORTABLE, WALLOC_NET_BF16},
    {"int8", WALLOC_NET_PORTABLE, WALLOC_NET_INT8},
    {"oneDNN-f32", WALLOC_NET_ONEDNN, WALLOC_NET_F32}
  };
  walloc_net_shape shape = { 0 };
  const char *only = NULL;
  size_t size = 0, k;
  void *bytes;
  int i, failed = 0;

  if (argc > 1 && argv[1][0] == '-') {
    only = argv[1] + 1;
    argv++;
    argc--;
  }
  if (argc < 3 || argc > 2 + WALLOC_NET_MAX_RANK) {
    fprintf (stderr, "usage: bench_net [-NAME] FILE.onnx DIM...\n");
    return 2;
  }
  bytes = read_file (argv[1], &size);
  if (bytes == NULL) {
    fprintf (stderr, "cannot read %s\n", argv[1]);
    return 2;
  }
  for (i = 2; i < argc; i++)
    shape.dims[shape.rank++] = atoll (argv[i]);
  for (k = 0; k < sizeof rows / sizeof *rows; k++) {
    if (only != NULL && strcmp (only, rows[k].name) != 0)
      continue;
    i = bench (bytes, size, rows[k].backend, rows[k].precision, rows[k].name,
        &shape);
    /* oneDNN may not be built in */
    failed |= i != 0 && rows[k].backend == WALLOC_NET_PORTABLE;
  }
  free (bytes);
  return failed;
}
