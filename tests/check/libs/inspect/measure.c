/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Spectra against a plain Fourier transform and against Parseval; measures
 * against a second computation (tests/benchmarks/metrics.py). */
#include "quality.h"
#include "samples.h"
#include "spectrum.h"
#include "tap.h"
#include "transform.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* of metrics.py, for the planes 1 and 2 below */
#define GOLDEN_SSIM 0.5277855
#define GOLDEN_MS_SSIM 0.9164943

static gfloat *
plane (guint width, guint height, guint kind)
{
  gfloat *p = g_new (gfloat, (gsize) width * height);
  unsigned state = 77 + kind;
  guint x, y;

  for (y = 0; y < height; y++)
    for (x = 0; x < width; x++)
      p[(gsize) y * width + x] = kind == 0 ? (tap_random (&state) >> 24) :
          kind == 1 ? (gfloat) ((x * 7 + y * 3) & 255) :
          (gfloat) (((x * 7 + y * 3) & 255) * 0.75 + (x * y >> 3 & 63));
  return p;
}

/* Spectra of a, of b and of b - a; any may be NULL. */
static void
add_pair (InspectSpectrum * s, const gfloat * a, const gfloat * b,
    InspectPower * of_a, InspectPower * of_b, InspectPower * of_error)
{
  InspectWanted wanted[3];
  guint n = 0;

  if (of_a)
    wanted[n++] = (InspectWanted) {
    a, NULL, of_a};
  if (of_b)
    wanted[n++] = (InspectWanted) {
    b, NULL, of_b};
  if (of_error)
    wanted[n++] = (InspectWanted) {
    b, a, of_error};
  if (!inspect_spectrum_add (s, wanted, n))
    abort ();
}

static gdouble
sum_of (const InspectPower * p, guint bands)
{
  gdouble sum = 0;
  guint i;

  for (i = 0; i <= bands; i++)
    sum += p->band[i];
  return sum;
}

static gdouble
map_sum (const InspectPower * p, guint map)
{
  gdouble sum = 0;
  guint i;

  for (i = 0; i < map * map; i++)
    sum += p->map[i];
  return sum;
}

static gboolean
near (gdouble a, gdouble b, gdouble slack)
{
  return fabs (a - b) <= slack * MAX (fabs (a), fabs (b)) + 1e-9;
}

/* Bands, map and samples agree, at any size, for both pictures and the error. */
static void
test_parseval (void)
{
  static const guint sizes[][2] = { {1, 1}, {1, 9}, {2, 2}, {17, 31}, {64, 48},
  {101, 77}, {360, 202}, {16384, 3}, {2, 16384}
  };
  guint i, k, map = 24, bands = 10;

  for (i = 0; i < G_N_ELEMENTS (sizes); i++)
    for (k = 0; k < 2; k++) {
      guint w = sizes[i][0], h = sizes[i][1];
      InspectSpectrum *s = inspect_spectrum_new (w, h, k, bands, map);
      gfloat *a = plane (w, h, 0), *b = plane (w, h, 1);
      InspectPower pa, pb, pe;
      gdouble error = 0;
      gsize j;

      for (j = 0; j < (gsize) w * h; j++)
        error += (b[j] - a[j]) * (b[j] - a[j]) / ((gdouble) w * h);
      inspect_power_init (&pa, bands, map);
      inspect_power_init (&pb, bands, map);
      inspect_power_init (&pe, bands, map);
      add_pair (s, a, b, &pa, &pb, &pe);
      TAP_OK (near (sum_of (&pa, bands), pa.power, 1e-5)
          && near (sum_of (&pb, bands), pb.power, 1e-5)
          && near (sum_of (&pe, bands), pe.power, 1e-5)
          && near (map_sum (&pe, map), pe.power, 1e-5),
          "%ux%u, window %u: bands and map add up to the mean square", w, h, k);
      if (k == INSPECT_WINDOW_NONE)
        TAP_OK (near (pe.power, error, 1e-5), "%ux%u: which is the error's: "
            "%g for %g", w, h, pe.power, error);
      inspect_power_clear (&pa);
      inspect_power_clear (&pb);
      inspect_power_clear (&pe);
      inspect_spectrum_free (s);
      g_free (a);
      g_free (b);
    }
}

/* Every bin of a small picture, by definition. */
static void
test_definition (void)
{
  enum
  { W = 12, H = 10, BANDS = 5 };        /* fast lengths: nothing is filled up */
  InspectSpectrum *s = inspect_spectrum_new (W, H, INSPECT_WINDOW_NONE, BANDS,
      0);
  gfloat *a = plane (W, H, 0);
  gdouble expected[BANDS + 1] = { 0 }, worst = 0;
  InspectPower p;
  int kx, ky, x, y, i;

  for (ky = 0; ky < H; ky++)
    for (kx = 0; kx < W; kx++) {
      gdouble re = 0, im = 0, r;
      int sx = kx <= W / 2 ? kx : kx - W, sy = ky <= H / 2 ? ky : ky - H;

      for (y = 0; y < H; y++)
        for (x = 0; x < W; x++) {
          gdouble t = 2 * G_PI * ((gdouble) kx * x / W + (gdouble) ky * y / H);

          re += a[y * W + x] * cos (t);
          im -= a[y * W + x] * sin (t);
        }
      r = 2 * hypot ((gdouble) sx / W, (gdouble) sy / H);
      i = r >= 1 ? BANDS : MIN ((int) (r * BANDS), BANDS - 1);
      expected[i] += (re * re + im * im) / (gdouble) (W * H) / (W * H);
    }
  inspect_power_init (&p, BANDS, 0);
  add_pair (s, a, a, &p, NULL, NULL);
  for (i = 0; i <= BANDS; i++)
    worst = MAX (worst, fabs (p.band[i] - expected[i])
        / MAX (expected[i], 1e-9));
  TAP_OK (worst < 1e-4, "bands by definition, off by %g", worst);
  inspect_power_clear (&p);
  inspect_spectrum_free (s);
  g_free (a);
}

/* A wave is where its frequency says, in bands and on the map. */
static void
test_wave (void)
{
  enum
  { N = 128, BANDS = 16, MAP = 32 };
  InspectSpectrum *s = inspect_spectrum_new (N, N, INSPECT_WINDOW_NONE, BANDS,
      MAP);
  gfloat *a = g_new (gfloat, N * N), *zero = g_new0 (gfloat, N * N);
  InspectPower p;
  int x, y;

  /* 24 cycles along x, -16 along y: 0.375 and -0.25 of Nyquist's */
  for (y = 0; y < N; y++)
    for (x = 0; x < N; x++)
      a[y * N + x] = (gfloat) (10 * cos (2 * G_PI * (24.0 * x - 16.0 * y) / N));
  inspect_power_init (&p, BANDS, MAP);
  add_pair (s, zero, a, NULL, NULL, &p);
  TAP_OK (near (p.power, 50, 1e-5), "a wave of 10 has a power of 50");
  TAP_OK (near (p.band[(int) (hypot (.375, .25) * BANDS)], 50, 1e-5),
      "all of it is in its band");
  TAP_OK (near (p.map[(MAP / 2 - 4) * MAP + MAP / 2 + 6], 25, 1e-5)
      && near (p.map[(MAP / 2 + 4) * MAP + MAP / 2 - 6], 25, 1e-5),
      "and in its two places of the map");
  inspect_power_clear (&p);
  inspect_spectrum_free (s);
  g_free (a);
  g_free (zero);
}

/* All that is wanted of four streams at once is what each is alone, however
 * little they differ: no digits are lost where transforms are subtracted. */
static void
test_together (void)
{
  enum
  { W = 300, H = 214, BANDS = 12, MAP = 16, N = 6 };
  static const guint of[N] = { 0, 1, 1, 1, 3, 2 }, from[N] = {
    9, 9, 0, 2, 0, 0
  };
  /* what dist, corrupt and coded differ by from the reference */
  static const guint less[][3] = { {1, 1, 1}, {0, 1, 0}, {2, 1, 3},
  {255, 255, 1}, {1, 255, 1}, {0, 0, 0}, {1, 1, 255}
  };
  InspectSpectrum *s = inspect_spectrum_new (W, H, INSPECT_WINDOW_NONE, BANDS,
      MAP);
  InspectPower together[N], alone[N];
  InspectWanted wanted[N];
  gfloat *p[4];
  guint i, k, b;

  for (k = 0; k < G_N_ELEMENTS (less); k++) {
    gdouble worst = 0, sum = 0;

    for (i = 0; i < 4; i++) {
      p[i] = plane (W, H, 0);
      /* 255: all of it is gone; others: so many samples are off by one */
      for (b = 0; i && b < W * H; b++)
        p[i][b] = less[k][i - 1] == 255 ? 0 : p[i][b]
            + (b % 9000 == 1000 * i && b / 9000 < less[k][i - 1]);
    }
    for (i = 0; i < N; i++) {
      inspect_power_init (&together[i], BANDS, MAP);
      inspect_power_init (&alone[i], BANDS, MAP);
      wanted[i] = (InspectWanted) {
      p[of[i]], from[i] < 4 ? p[from[i]] : NULL, &alone[i]};
      if (!inspect_spectrum_add (s, &wanted[i], 1))
        abort ();
      wanted[i].power = &together[i];
    }
    if (!inspect_spectrum_add (s, wanted, N))
      abort ();
    for (i = 0; i < N; i++) {
      gdouble power = alone[i].power;

      sum = MAX (sum, fabs (sum_of (&together[i], BANDS) - power)
          / MAX (power, 1e-12));
      for (b = 0; b <= BANDS; b++)
        worst = MAX (worst, fabs (together[i].band[b] - alone[i].band[b])
            / MAX (power, 1e-12));
      for (b = 0; b < MAP * MAP; b++)
        worst = MAX (worst, fabs (together[i].map[b] - alone[i].map[b])
            / MAX (power, 1e-12));
      inspect_power_clear (&together[i]);
      inspect_power_clear (&alone[i]);
    }
    TAP_OK (sum < 1e-5, "%u: bands add up, off by %g", k, sum);
    TAP_OK (worst < 1e-5, "%u: together as alone, off by %g", k, worst);
    for (i = 0; i < 4; i++)
      g_free (p[i]);
  }
  inspect_spectrum_free (s);
}

/* Transforms of all lengths that there are, by definition. */
static void
test_transform (void)
{
  static const guint lengths[] = { 1, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 30,
    50, 54, 60, 64, 90, 120, 150, 240
  };
  unsigned state = 5;
  guint i, n, j, k, l;

  for (i = 0; i < G_N_ELEMENTS (lengths); i++) {
    InspectTransform *t = inspect_transform_new (n = lengths[i]);
    gsize size = (gsize) n * INSPECT_LANES;
    gfloat *out = g_new (gfloat, 2 * size), *in = g_new (gfloat, 2 * size);
    gdouble worst = 0;

    for (j = 0; j < 2 * size; j++)
      out[j] = in[j] = (gfloat) ((tap_random (&state) >> 8) / 16777216.0 - 0.5);
    inspect_transform_run (t, out);
    for (k = 0; k < n; k++)
      for (l = 0; l < INSPECT_LANES; l++) {
        gdouble re = 0, im = 0;

        for (j = 0; j < n; j++) {
          gdouble c = cos (2 * G_PI * j * k / n), s = sin (2 * G_PI * j * k
              / n);
          gdouble x = in[j * INSPECT_LANES + l];
          gdouble y = in[size + j * INSPECT_LANES + l];

          re += x * c + y * s;
          im += y * c - x * s;
        }
        worst = MAX (worst, hypot (out[k * INSPECT_LANES + l] - re,
                out[size + k * INSPECT_LANES + l] - im));
      }
    TAP_OK (worst < 1e-5, "transform of %u, off by %g", n, worst);
    inspect_transform_free (t);
    g_free (out);
    g_free (in);
  }
  for (n = 1; n < 3000; n++)
    if (inspect_transform_length (n) < n || inspect_transform_length (n)
        > 4 * n / 3 + 2 || (n > 1 && inspect_transform_length (n) % 2))
      break;
  TAP_OK (n == 3000 && inspect_transform_length (1) == 1
      && inspect_transform_length (1080) == 1080
      && inspect_transform_length (16384) == 16384, "lengths");
}

/* Rows of bytes, whatever their length and the step from sample to sample. */
static void
test_samples (void)
{
  guint8 a[300], b[300];
  gfloat f[300];
  unsigned state = 9;
  guint step, n, i;
  gboolean right = TRUE;

  for (i = 0; i < 300; i++) {
    a[i] = (guint8) (tap_random (&state) >> 24);
    b[i] = i % 7 ? (guint8) (tap_random (&state) >> 24) : 255 - a[i];
  }
  for (step = 1; step <= INSPECT_MAX_STEP; step++)
    for (n = 1; n <= 300; n += 13) {
      guint64 square[INSPECT_MAX_STEP] = { 0 }, expected[INSPECT_MAX_STEP] =
          { 0 };

      for (i = 0; i < n; i++)
        expected[i % step] += (guint64) ((a[i] - b[i]) * (a[i] - b[i]));
      inspect_samples_square (a, b, n, step, square);
      right &= !memcmp (square, expected, sizeof (square));
      inspect_samples_fetch (a, (n + step - 1) / step, step, f);
      for (i = 0; i < n; i += step)
        right &= f[i / step] == a[i];
    }
  TAP_OK (right, "squares and samples of rows");
}

static void
test_quality (void)
{
  enum
  { W = 240, H = 200 };
  InspectSsim *s = inspect_ssim_new (W, H);
  gfloat *a = plane (W, H, 1), *b = plane (W, H, 2);
  gdouble ssim, ms;

  inspect_ssim_compare (s, a, a, &ssim, &ms);
  TAP_OK (near (ssim, 1, 1e-6) && near (ms, 1, 1e-6), "the same: 1");
  inspect_ssim_compare (s, a, b, &ssim, &ms);
  TAP_OK (near (ssim, GOLDEN_SSIM, 2e-5), "SSIM %.6f for %.6f", ssim,
      GOLDEN_SSIM);
  TAP_OK (near (ms, GOLDEN_MS_SSIM, 2e-5), "MS-SSIM %.6f for %.6f", ms,
      GOLDEN_MS_SSIM);
  inspect_ssim_free (s);
  g_free (a);
  g_free (b);

  s = inspect_ssim_new (30, 10);
  a = plane (30, 10, 1);
  inspect_ssim_compare (s, a, a, &ssim, &ms);
  TAP_OK (isnan (ssim) && isnan (ms), "too small for either");
  inspect_ssim_free (s);
  g_free (a);
  TAP_OK (inspect_psnr (0, 255) == INSPECT_PSNR_SAME
      && near (inspect_psnr (65025.0 / 1000, 255), 30, 1e-9), "PSNR");
}

int
main (void)
{
  test_parseval ();
  test_definition ();
  test_wave ();
  test_together ();
  test_transform ();
  test_samples ();
  test_quality ();
  return tap_done ();
}
