/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Convolutions in bytes and bfloat16 against PyTorch, which rounds where the
 * graph says, or nowhere: every kernel, with threads and without. */
#include "tap.h"
#include "golden.h"
#include "net/net-private.h"

static unsigned calls;

/* Parts from the last to the first. */
static void
run_backwards (void *user, void (*work) (void *data, unsigned index),
    void *data, unsigned count)
{
  (void) user;
  calls++;
  while (count-- > 0)
    work (data, count);
}

typedef struct
{
  walloc_net *net;
  golden_set in, want;
  float *out[GOLDEN_MAX];
} fixture;

static void
open_case (fixture * f, const char *name)
{
  size_t size = 0, io_size = 0;
  unsigned char *bytes = golden_read (name, ".onnx", &size);
  unsigned char *io = golden_read (name, ".io", &io_size);
  walloc_error error = { "" };
  unsigned i;

  memset (f, 0, sizeof *f);
  if (bytes == NULL || io == NULL) {
    printf ("Bail out! no golden files\n");
    exit (1);
  }
  golden_parse (golden_parse (io, &f->in), &f->want);
  TAP_OK (walloc_net_load (&f->net, bytes, size, WALLOC_NET_PORTABLE, NULL,
          NULL, &error) == WALLOC_OK, "%s loads %s", name, error.text);
  for (i = 0; i < f->want.n; i++)
    f->out[i] = malloc (f->want.count[i] * sizeof (float));
  free (bytes);
  free (io);
}

static void
close_case (fixture * f)
{
  unsigned i;

  for (i = 0; i < f->want.n; i++)
    free (f->out[i]);
  golden_free (&f->in);
  golden_free (&f->want);
  walloc_net_free (f->net);
}

/* Runs in precision, into out from the first on; the worst difference from
 * the rounded (0) or the exact (1) results. */
static double
run_case (fixture * f, walloc_net_precision precision, bool base,
    unsigned exact, const walloc_runner * runner)
{
  unsigned n = walloc_net_outputs (f->net), i;
  walloc_error error = { "" };
  double d, worst = 0;
  walloc_result r;

  r = walloc_net_set_precision (f->net, precision, &error);
  f->net->low_base = base;
  if (r == WALLOC_OK)
    r = walloc_net_prepare (f->net, f->in.shape, 1, &error);
  for (i = 0; i < n; i++)
    memset (f->out[i], 0x7f, f->want.count[i] * sizeof (float));
  if (r == WALLOC_OK)
    r = walloc_net_run (f->net, (const float *const *) f->in.data, 1, f->out,
        n, runner, &error);
  if (r != WALLOC_OK) {
    printf ("# %s\n", error.text);
    return 1e30;
  }
  for (i = 0; i < n; i++) {
    d = golden_difference (f->out[i], f->want.data[exact * n + i],
        f->want.count[i]);
    worst = d > worst ? d : worst;
  }
  return worst;
}

static void
test_case (const char *name, bool large)
{
  walloc_runner runner = { run_backwards, NULL, 3 };
  static const char *const names[] = { "best", "base" };
  float *before;
  unsigned base;
  double d, e;
  fixture f;

  open_case (&f, name);
  before = malloc (f.want.count[0] * sizeof (float));
  d = run_case (&f, WALLOC_NET_F32, false, 1, NULL);
  e = run_case (&f, WALLOC_NET_F32, false, 0, NULL);
  TAP_OK (d < 1e-5 && e > 1e-3, "%s in floats: %.2g, rounded is %.2g", name, d,
      e);
  for (base = 0; base < 2; base++) {
    d = run_case (&f, WALLOC_NET_INT8, base, 0, NULL);
    /* a sum at the middle between two bytes may round to either */
    TAP_OK (d < 1e-5, "%s in bytes, %s: %.2g", name, names[base], d);
    memcpy (before, f.out[0], f.want.count[0] * sizeof (float));
    calls = 0;
    run_case (&f, WALLOC_NET_INT8, base, 0, &runner);
    TAP_OK ((calls > 0 || !large) && memcmp (before, f.out[0],
            f.want.count[0] * sizeof (float)) == 0,
        "%s in bytes, %s: threads change nothing", name, names[base]);
    d = run_case (&f, WALLOC_NET_BF16, base, 1, NULL);
    TAP_OK (d > 1e-6 && d < 1e-2, "%s in bfloat16, %s: %.2g", name,
        names[base], d);
  }
  TAP_OK (f.net->plan.ready && walloc_net_activation_bytes (f.net) > 0,
      "%s stays prepared", name);
  free (before);
  close_case (&f);
}

/* An output that is left out changes nothing in the other. */
static void
test_left_out (void)
{
  walloc_error error = { "" };
  float *first, *out[2];
  size_t bytes;
  fixture f;

  open_case (&f, "quant_block");
  bytes = f.want.count[0] * sizeof (float);
  first = malloc (bytes);
  run_case (&f, WALLOC_NET_INT8, false, 0, NULL);
  memcpy (first, f.out[0], bytes);
  memset (f.out[0], 0, bytes);
  out[0] = f.out[0];
  out[1] = NULL;
  TAP_OK (walloc_net_run (f.net, (const float *const *) f.in.data, 1, out, 2,
          NULL, &error) == WALLOC_OK && memcmp (first, f.out[0], bytes) == 0,
      "one output left out %s", error.text);
  free (first);
  close_case (&f);
}

/* Rows of an input, from the net's golden input; channel 2 is zero. */
static void
give_row (void *user, unsigned y, void (*take) (void *taker,
        const float *const *planes), void *taker)
{
  const golden_set *in = user;
  size_t width = (size_t) in->shape[0].dims[3], k;
  size_t plane = width * (size_t) in->shape[0].dims[2];
  const float *planes[16];

  calls++;
  for (k = 0; k < (size_t) in->shape[0].dims[1]; k++)
    planes[k] = k == 2 ? NULL : in->data[0] + k * plane + y * width;
  take (taker, planes);
}

/* quant_block begins with a 1x1 convolution, quant_stored with a 3x3 one. */
static void
test_rows (void)
{
  walloc_error error = { "" };
  const float *none[1] = { NULL };
  walloc_net_precision p;
  walloc_result r;
  double d, worst;
  size_t plane, k;
  float *whole[2];
  fixture f;

  open_case (&f, "quant_block");
  plane = f.in.count[0] / (size_t) f.in.shape[0].dims[1];
  for (k = 0; k < f.in.count[0]; k++)
    if (k / plane == 2 || k % 3 != 0)
      f.in.data[0][k] = 0;
  for (k = 0; k < 2; k++)
    whole[k] = malloc (f.want.count[k] * sizeof (float));
  for (p = WALLOC_NET_F32; p <= WALLOC_NET_INT8; p++) {
    run_case (&f, p, false, 0, NULL);
    TAP_OK (!walloc_net_takes_rows (f.net, 0), "rows were not offered");
    for (k = 0; k < 2; k++)
      memcpy (whole[k], f.out[k], f.want.count[k] * sizeof (float));
    calls = 0;
    r = walloc_net_offer_rows (f.net, 0, give_row, &f.in, &error);
    if (r == WALLOC_OK)
      r = walloc_net_prepare (f.net, f.in.shape, 1, &error);
    for (k = 0; k < 2; k++)
      memset (f.out[k], 0x7f, f.want.count[k] * sizeof (float));
    if (r == WALLOC_OK)
      r = walloc_net_run (f.net, none, 1, f.out, 2, NULL, &error);
    for (worst = 0, k = 0; k < 2; k++) {
      d = golden_difference (f.out[k], whole[k], f.want.count[k]);
      worst = d > worst ? d : worst;
    }
    TAP_OK (r == WALLOC_OK && walloc_net_takes_rows (f.net, 0)
        && calls == f.in.shape[0].dims[2] && worst < (p == WALLOC_NET_BF16 ?
            1e-2 : 1e-5), "by rows, %u of them: %.2g from the whole %s", calls,
        worst, error.text);
    walloc_net_offer_rows (f.net, 0, NULL, NULL, &error);
    walloc_net_prepare (f.net, f.in.shape, 1, &error);
    TAP_OK (walloc_net_run (f.net, none, 1, f.out, 2, NULL, &error) ==
        WALLOC_ERR_ARGUMENT, "as a whole again: %s", error.text);
  }
  TAP_OK (walloc_net_offer_rows (f.net, 1, give_row, &f.in, &error) ==
      WALLOC_ERR_ARGUMENT, "no second input: %s", error.text);
  for (k = 0; k < 2; k++)
    free (whole[k]);
  close_case (&f);
  open_case (&f, "quant_stored");
  walloc_net_offer_rows (f.net, 0, give_row, &f.in, &error);
  TAP_OK (run_case (&f, WALLOC_NET_INT8, false, 0, NULL) < 1e-5
      && !walloc_net_takes_rows (f.net, 0), "3x3 takes the whole");
  close_case (&f);
}

static void
test_choice (void)
{
  walloc_error error = { "" };
  walloc_net_precision p;
  fixture f;

  open_case (&f, "quant_stored");
  TAP_OK (walloc_net_get_precision (f.net) == WALLOC_NET_F32,
      "floats unless asked");
  TAP_OK (walloc_net_set_precision (f.net, (walloc_net_precision) 9,
          &error) == WALLOC_ERR_ARGUMENT, "refused: %s", error.text);
  TAP_OK (walloc_net_set_precision (NULL, WALLOC_NET_F32,
          &error) == WALLOC_ERR_ARGUMENT, "refused: %s", error.text);
  walloc_net_set_precision (f.net, WALLOC_NET_FASTEST, &error);
  p = walloc_net_get_precision (f.net);
  TAP_OK (p == (net_low_get (NET_LOW_BYTES, 1) != NULL ? WALLOC_NET_INT8 :
          net_low_get (NET_LOW_BF16, 1) != NULL ? WALLOC_NET_BF16 :
          WALLOC_NET_F32), "the fastest here is %d", (int) p);
  walloc_net_prepare (f.net, f.in.shape, 1, &error);
  walloc_net_set_precision (f.net, WALLOC_NET_BF16, &error);
  TAP_OK (walloc_net_run (f.net, (const float *const *) f.in.data, 1, f.out, 1,
          NULL, &error) == WALLOC_ERR_ARGUMENT,
      "to be prepared again: %s", error.text);
  close_case (&f);
}

/* Rows to columns, of all sizes up to some squares. */
static void
test_turn (void)
{
  static float in[19 * 23], out[21 * 20];
  size_t rows, cols, r, c;
  unsigned bad = 0, i;

  for (i = 0; i < 19 * 23; i++)
    in[i] = (float) i;
  for (rows = 1; rows <= 19; rows++)
    for (cols = 1; cols <= 21; cols++) {
      for (i = 0; i < 21 * 20; i++)
        out[i] = -1;
      net_kern_turn (in, 23, rows, cols, out, 20);
      for (c = 0; c < 21; c++)
        for (r = 0; r < 20; r++)
          bad += out[c * 20 + r] != (r < rows && c < cols ? in[r * 23 + c] :
              -1);
    }
  TAP_OK (bad == 0, "rows become columns, and nothing around them");
}

typedef struct
{
  unsigned calls, fail_at;
} heap;

static void *
heap_alloc (void *user, size_t size)
{
  heap *h = user;

  return ++h->calls == h->fail_at ? NULL : malloc (size);
}

static void
heap_free (void *user, void *memory)
{
  (void) user;
  free (memory);
}

/* Packed weights stay for the next time: so they must be right then, whatever
 * there was no memory for in between. */
static void
test_short (const char *name)
{
  heap h = { 0, 0 };
  walloc_allocator allocator = { heap_alloc, heap_free, &h, 0 };
  size_t size = 0, bytes;
  unsigned char *file = golden_read (name, ".onnx", &size);
  unsigned refused = 0, bad = 0, most = 1, i;
  walloc_error error = { "" };
  walloc_result r;
  float *want;
  fixture f;

  open_case (&f, name);
  bytes = f.want.count[0] * sizeof (float);
  want = malloc (bytes);
  run_case (&f, WALLOC_NET_BF16, true, 0, NULL);
  memcpy (want, f.out[0], bytes);
  for (i = 1; i <= most; i++) {
    walloc_net_free (f.net);
    f.net = NULL;
    h.calls = h.fail_at = 0;
    if (walloc_net_load (&f.net, file, size, WALLOC_NET_PORTABLE, &allocator,
            NULL, &error) != WALLOC_OK)
      break;
    walloc_net_set_precision (f.net, WALLOC_NET_BF16, &error);
    f.net->low_base = true;
    h.fail_at = h.calls + i;
    r = walloc_net_prepare (f.net, f.in.shape, 1, &error);
    if (r == WALLOC_OK)
      break;
    most = i + 1;
    refused += r == WALLOC_ERR_MEMORY || r == WALLOC_ERR_LIMIT;
    h.fail_at = 0;
    run_case (&f, WALLOC_NET_BF16, true, 0, NULL);
    bad += memcmp (want, f.out[0], bytes) != 0;
  }
  TAP_OK (refused > 10 && refused == most - 1 && bad == 0,
      "%s: %u of %u allocations fail, %u results are others after that: %s",
      name, refused, most - 1, bad, error.text);
  free (want);
  free (file);
  close_case (&f);
}

int
main (void)
{
  test_turn ();
  test_case ("quant_block", true);
  test_case ("quant_stored", false);
  test_left_out ();
  test_rows ();
  test_choice ();
  test_short ("conv1x1");
  test_short ("net_decoder");
  return tap_done ();
}
