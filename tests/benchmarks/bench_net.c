/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Speed of networks: bench_net FILE.onnx DIM..., the sizes of the only input.
 * Prints ms of processor time and GFLOP/s of one thread for every backend. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <walloc/net.h>

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

static int
bench (const void *bytes, size_t size, walloc_net_backend backend,
    const char *name, const walloc_net_shape * shape)
{
  walloc_net *net;
  walloc_error error = { "" };
  walloc_net_shape out_shape;
  size_t in_count = 1, out_count = 1, i;
  const float *in;
  float *data, *out;
  double start, t, best = 1e30, end;

  if (walloc_net_load (&net, bytes, size, backend, NULL, NULL, &error) != 0
      || walloc_net_prepare (net, shape, 1, &error) != 0) {
    printf ("%-10s %s\n", name, error.text);
    return 1;
  }
  walloc_net_output (net, 0, &out_shape);
  for (i = 0; i < shape->rank; i++)
    in_count *= (size_t) shape->dims[i];
  for (i = 0; i < out_shape.rank; i++)
    out_count *= (size_t) out_shape.dims[i];
  data = malloc (in_count * sizeof *data);
  out = malloc (out_count * sizeof *out);
  for (i = 0; i < in_count; i++)
    data[i] = (float) (i * 2654435761u % 1000) / 500.0f - 1.0f;
  in = data;
  end = now () + 1.0;
  do {
    start = now ();
    if (walloc_net_run (net, &in, 1, &out, 1, NULL, &error) != WALLOC_OK) {
      printf ("%-10s %s\n", name, error.text);
      return 1;
    }
    t = now () - start;
    best = t < best ? t : best;
  } while (now () < end);
  printf ("%-10s %9.3f ms %8.1f GFLOP/s  %.1f MiB activations\n", name,
      best * 1e3, 2e-9 * (double) walloc_net_work (net) / best,
      (double) walloc_net_activation_bytes (net) / 1048576.0);
  free (data);
  free (out);
  walloc_net_free (net);
  return 0;
}

int
main (int argc, char **argv)
{
  walloc_net_shape shape = { 0 };
  size_t size = 0;
  void *bytes;
  int i;

  if (argc < 3 || argc > 2 + WALLOC_NET_MAX_RANK) {
    fprintf (stderr, "usage: %s FILE.onnx DIM...\n", argv[0]);
    return 2;
  }
  bytes = read_file (argv[1], &size);
  if (bytes == NULL) {
    fprintf (stderr, "cannot read %s\n", argv[1]);
    return 2;
  }
  for (i = 2; i < argc; i++)
    shape.dims[shape.rank++] = atoll (argv[i]);
  i = bench (bytes, size, WALLOC_NET_PORTABLE, "portable", &shape);
  bench (bytes, size, WALLOC_NET_ONEDNN, "oneDNN", &shape);
  free (bytes);
  return i;
}
