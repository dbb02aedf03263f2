/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Spectra against a plain Fourier transform and against Parseval; measures
 * against a second computation (tests/benchmarks/metrics.py). */
#include "quality.h"
#include "spectrum.h"
#include "tap.h"

#include <math.h>
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
  {101, 77}, {360, 202}
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
      inspect_spectrum_pair (s, a, b, &pa, &pb, &pe);
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
  inspect_spectrum_pair (s, a, a, &p, NULL, NULL);
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
  inspect_spectrum_pair (s, zero, a, NULL, NULL, &p);
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
  test_quality ();
  return tap_done ();
}
