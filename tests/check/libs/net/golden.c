/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Every operator and some networks against PyTorch's results, on every
 * backend and instruction set, and with worker threads. */
#include "tap.h"
#include "golden.h"
#include "net/kern-gemm.h"
#include "net/net-private.h"

#include <pthread.h>

#define TOLERANCE 1e-4
#define THREADS 3

typedef struct
{
  void (*work) (void *data, unsigned index);
  void *data;
  unsigned first, count;
} job;

static void *
worker (void *user)
{
  job *j = user;
  unsigned i;

  for (i = j->first; i < j->count; i += THREADS)
    j->work (j->data, j->count - 1 - i);
  return NULL;
}

/* Parts in a strange order on real threads. */
static void
run_threads (void *user, void (*work) (void *data, unsigned index),
    void *data, unsigned count)
{
  pthread_t threads[THREADS];
  job jobs[THREADS];
  unsigned i;

  *(unsigned *) user += 1;
  for (i = 0; i < THREADS; i++) {
    jobs[i] = (job) {
    work, data, i, count};
    pthread_create (&threads[i], NULL, worker, &jobs[i]);
  }
  for (i = 0; i < THREADS; i++)
    pthread_join (threads[i], NULL);
}

static const char *
backend_name (walloc_net_backend backend)
{
  return backend == WALLOC_NET_ONEDNN ? "oneDNN" : "portable";
}

/* Runs into fresh memory full of noise; the caller frees it. */
static walloc_result
run_net (walloc_net * net, const golden_set * in, const golden_set * want,
    const walloc_runner * runner, float **out, walloc_error * error)
{
  float *outputs[GOLDEN_MAX] = { NULL };
  unsigned i;

  for (i = 0; i < want->n; i++) {
    out[i] = outputs[i] = malloc (want->count[i] * sizeof (float) + 4);
    memset (out[i], 0x7f, want->count[i] * sizeof (float));
  }
  return walloc_net_run (net, (const float *const *) in->data, in->n,
      outputs, want->n, runner, error);
}

static int
same_shape (walloc_net * net, unsigned i, const golden_set * want)
{
  walloc_net_shape shape;

  if (walloc_net_output (net, i, &shape) == NULL
      || shape.rank != want->shape[i].rank)
    return 0;
  return memcmp (shape.dims, want->shape[i].dims,
      shape.rank * sizeof *shape.dims) == 0;
}

static void
check_case (const char *name, walloc_net_backend backend, int isa)
{
  unsigned used = 0;
  walloc_runner runner = { run_threads, &used, THREADS };
  walloc_net *net = NULL;
  walloc_error error = { "" };
  golden_set in = { 0 }, want = { 0 };
  float *one[GOLDEN_MAX] = { NULL }, *many[GOLDEN_MAX] = { NULL };
  size_t size = 0, io_size = 0;
  unsigned char *bytes = golden_read (name, ".onnx", &size);
  unsigned char *io = golden_read (name, ".io", &io_size);
  double d, worst = 0.0;
  unsigned i;
  int same = 1;
  walloc_result r;

  if (!TAP_OK (bytes != NULL && io != NULL, "%s: files are there", name))
    return;
  golden_parse (golden_parse (io, &in), &want);
  r = walloc_net_load (&net, bytes, size, backend, NULL, NULL, &error);
  free (bytes);                 /* the net must not need them */
  if (r == WALLOC_OK) {
    if (isa >= 0)
      net->isa = isa;
    r = walloc_net_prepare (net, in.shape, in.n, &error);
  }
  if (r == WALLOC_OK && walloc_net_outputs (net) == want.n)
    r = run_net (net, &in, &want, NULL, one, &error);
  if (r == WALLOC_OK)
    r = run_net (net, &in, &want, &runner, many, &error);
  for (i = 0; r == WALLOC_OK && i < want.n; i++) {
    same &= same_shape (net, i, &want);
    d = golden_difference (one[i], want.data[i], want.count[i]);
    worst = d > worst ? d : worst;
    same &= memcmp (one[i], many[i], want.count[i] * sizeof (float)) == 0;
  }
  TAP_OK (r == WALLOC_OK && same && worst < TOLERANCE,
      "%s, %s, isa %d: difference %.2g %s%s", name, backend_name (backend),
      isa, worst, error.text, same ? "" : " shape or threads differ");
  for (i = 0; i < want.n; i++) {
    free (one[i]);
    free (many[i]);
  }
  walloc_net_free (net);
  golden_free (&in);
  golden_free (&want);
  free (io);
}

int
main (int argc, char **argv)
{
  size_t size = 0;
  char *list = (char *) golden_read ("list", ".txt", &size), *name;
  walloc_net *net = NULL;
  int isa, dnnl;

  if (list == NULL) {
    TAP_OK (0, "the list of cases is there");
    return tap_done ();
  }
  /* oneDNN is there when asking for it only complains about the bytes */
  dnnl = walloc_net_load (&net, "", 0, WALLOC_NET_ONEDNN, NULL, NULL, NULL)
      != WALLOC_ERR_UNSUPPORTED;
  for (name = strtok (list, "\n"); name != NULL; name = strtok (NULL, "\n")) {
    if (argc > 1 && strcmp (argv[1], name) != 0)
      continue;
    for (isa = 0; net_gemm_get ((unsigned) isa) != NULL; isa++)
      check_case (name, WALLOC_NET_PORTABLE, isa);
    if (dnnl)
      check_case (name, WALLOC_NET_ONEDNN, -1);
    else
      tap_skip (name, "no oneDNN in this build");
  }
  free (list);
  return tap_done ();
}
