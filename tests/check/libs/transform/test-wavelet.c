/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Float packet transform against PyWavelets' results, and back. */
#include "tap.h"

#include <walloc/wavelet.h>

#include <math.h>
#include <string.h>

typedef struct
{
  unsigned dims, border, levels;
  size_t width, height, cw, ch, channels;
} shape;

static float *
floats (size_t n)
{
  float *p = calloc (n ? n : 1, sizeof *p);

  if (p == NULL)
    exit (99);
  return p;
}

static float *
make_scratch (const shape * s, size_t *n)
{
  walloc_result r = s->dims == 1
      ? walloc_packet_scratch_1d (s->width, s->levels, n, NULL)
      : walloc_packet_scratch_2d (s->width, s->levels, n, NULL);

  return r == WALLOC_OK ? floats (*n) : NULL;
}

static void
complete (shape * s)
{
  s->cw = walloc_packet_length (s->width, s->levels);
  s->ch = s->dims == 1 ? 1 : walloc_packet_length (s->height, s->levels);
  s->channels = (size_t) 1 << (s->levels * s->dims);
}

static walloc_result
analyse (const shape * s, const float *in, float *out)
{
  size_t n = 0;
  float *scratch = make_scratch (s, &n);
  walloc_result r = s->dims == 1
      ? walloc_packet_analyse_1d (in, s->width, s->levels,
      (walloc_border) s->border, out, s->cw, scratch, n, NULL)
      : walloc_packet_analyse_2d (in, s->width, s->width, s->height,
      s->levels, (walloc_border) s->border, out, s->cw, s->cw * s->ch,
      scratch, n, NULL);

  free (scratch);
  return r;
}

static walloc_result
synthesise (const shape * s, const float *in, float *out)
{
  size_t n = 0;
  float *scratch = make_scratch (s, &n);
  walloc_result r = s->dims == 1
      ? walloc_packet_synthesise_1d (in, s->cw, s->width, s->levels,
      (walloc_border) s->border, out, scratch, n, NULL)
      : walloc_packet_synthesise_2d (in, s->cw, s->cw * s->ch, s->width,
      s->height, s->levels, (walloc_border) s->border, out, s->width,
      scratch, n, NULL);

  free (scratch);
  return r;
}

static double
max_error (const float *a, const float *b, size_t n)
{
  double worst = 0.0;
  size_t i;

  for (i = 0; i < n; i++) {
    /* written so that NaN counts as an error */
    if (!(fabs ((double) a[i] - b[i]) <= worst))
      worst = isfinite (a[i]) ? fabs ((double) a[i] - b[i]) : INFINITY;
  }
  return worst;
}

static void
test_golden (const char *path)
{
  FILE *f = fopen (path, "rb");
  unsigned char head[20];
  unsigned v[5], i, cases = 0;

  TAP_OK (f != NULL, "golden file opens");
  if (f == NULL)
    return;
  while (fread (head, 1, sizeof head, f) == sizeof head) {
    shape s;
    float *in, *want, *got, *back;
    size_t n, m;
    double forward, inverse;

    for (i = 0; i < 5; i++)
      v[i] = head[4 * i] | head[4 * i + 1] << 8 | head[4 * i + 2] << 16
          | (unsigned) head[4 * i + 3] << 24;
    s.dims = v[0];
    s.border = v[1];
    s.levels = v[2];
    s.width = v[3];
    s.height = v[4];
    complete (&s);
    n = s.width * s.height;
    m = s.channels * s.cw * s.ch;
    in = floats (n);
    back = floats (n);
    want = floats (m);
    got = floats (m);
    if (fread (in, sizeof *in, n, f) != n
        || fread (want, sizeof *want, m, f) != m) {
      TAP_OK (0, "golden file is complete");
      exit (1);
    }
    forward = analyse (&s, in, got) == WALLOC_OK ? max_error (got, want, m)
        : INFINITY;
    /* from the stored channels, so that the inverse stands alone */
    inverse = synthesise (&s, want, back) == WALLOC_OK
        ? max_error (back, in, n) : INFINITY;
    TAP_OK (forward < 1e-4 && inverse < 1e-4,
        "golden %uD border %u J=%u %zux%zu: errors %.2g %.2g", s.dims,
        s.border, s.levels, s.width, s.height, forward, inverse);
    free (in);
    free (back);
    free (want);
    free (got);
    cases++;
  }
  TAP_OK (cases == 54, "all %u golden cases read", cases);
  fclose (f);
}

static double
round_trip (shape * s, unsigned *seed)
{
  size_t n, m, i;
  float *in, *mid, *out;
  double e;

  complete (s);
  n = s->width * s->height;
  m = s->channels * s->cw * s->ch;
  in = floats (n);
  mid = floats (m);
  out = floats (n);
  for (i = 0; i < n; i++)
    in[i] = (float) (tap_random (seed) >> 8) / 16777216.0f - 0.5f;
  e = analyse (s, in, mid) == WALLOC_OK && synthesise (s, mid, out)
      == WALLOC_OK ? max_error (out, in, n) : INFINITY;
  free (in);
  free (mid);
  free (out);
  return e;
}

static void
test_round_trip (void)
{
  unsigned border, j, seed = 7;
  size_t w, h;

  for (border = 0; border < 2; border++) {
    for (j = 0; j <= 4; j++) {
      double worst = 0.0, e;

      for (h = 1; h <= 40; h++) {
        for (w = 1; w <= 40; w++) {
          shape s = { 2, border, j, w, h };

          e = round_trip (&s, &seed);
          worst = e > worst ? e : worst;
        }
      }
      TAP_OK (worst < 1e-4, "every size 1..40, border %u J=%u: %.2g", border,
          j, worst);
    }
    for (j = 0; j <= 12; j++) {
      double worst = 0.0, e;

      for (w = 1; w <= 600; w++) {
        shape s = { 1, border, j, w, 1 };

        e = round_trip (&s, &seed);
        worst = e > worst ? e : worst;
      }
      TAP_OK (worst < 1e-4, "every length 1..600, border %u J=%u: %.2g",
          border, j, worst);
    }
    for (j = 5; j <= 9; j++) {
      shape s = { 2, border, j, 3, 700 };
      double e = round_trip (&s, &seed);

      TAP_OK (e < 1e-4, "3x700, border %u J=%u: %.2g", border, j, e);
    }
  }
}

/* Strips of any cut and padded strides give the whole picture's bits. */
static void
test_strips (void)
{
  unsigned border, j, seed = 3;

  for (border = 0; border < 2; border++) {
    for (j = 0; j <= 4; j++) {
      shape s = { 2, border, j, 53, 91 };
      size_t i, n, m, y, step, scratch_n, bad = 0;
      float *in, *whole, *part, *pixels, *scratch;

      complete (&s);
      n = s.width * s.height;
      m = s.channels * s.cw * s.ch;
      in = floats (n);
      whole = floats (m);
      part = floats (s.channels * (s.cw + 3) * (s.ch + 2));
      pixels = floats ((s.width + 5) * s.height);
      scratch = make_scratch (&s, &scratch_n);
      for (i = 0; i < n; i++)
        in[i] = (float) (tap_random (&seed) >> 8) / 16777216.0f - 0.5f;
      bad += analyse (&s, in, whole) != WALLOC_OK;
      for (step = 1; step <= 5; step++) {
        /* channels two rows further apart than the strip is high */
        size_t plane = (s.cw + 3) * ((step < s.ch ? step : s.ch) + 2);

        for (y = 0; y < s.ch; y += step) {
          size_t end = y + step < s.ch ? y + step : s.ch, c, r;

          /* what an earlier use left in scratch must not matter */
          memset (scratch, 0xff, scratch_n * sizeof *scratch);
          bad += walloc_packet_analyse_strip_2d (in, s.width, s.width,
              s.height, j, (walloc_border) border, y, end, part, s.cw + 3,
              plane, scratch, scratch_n, NULL) != WALLOC_OK;
          for (c = 0; c < s.channels; c++)
            for (r = y; r < end; r++)
              bad += memcmp (part + c * plane + (r - y) * (s.cw + 3),
                  whole + (c * s.ch + r) * s.cw, s.cw * sizeof *in) != 0;
        }
      }
      TAP_OK (bad == 0, "analysis strips, border %u J=%u", border, j);
      bad = synthesise (&s, whole, in) != WALLOC_OK;
      for (step = 1; step <= 40; step += 3) {
        for (y = 0; y < s.height; y += step) {
          size_t end = y + step < s.height ? y + step : s.height, r;

          memset (scratch, 0xff, scratch_n * sizeof *scratch);
          bad += walloc_packet_synthesise_strip_2d (whole, s.cw,
              s.cw * s.ch, s.width, s.height, j, (walloc_border) border, y,
              end, pixels, s.width + 5, scratch, scratch_n, NULL)
              != WALLOC_OK;
          for (r = y; r < end; r++)
            bad += memcmp (pixels + (r - y) * (s.width + 5),
                in + r * s.width, s.width * sizeof *in) != 0;
        }
      }
      TAP_OK (bad == 0, "synthesis strips, border %u J=%u", border, j);
      free (in);
      free (whole);
      free (part);
      free (pixels);
      free (scratch);
    }
  }
}

static void
test_vertical (void)
{
  unsigned border, seed = 5;
  size_t h, w = 19, i;

  for (border = 0; border < 2; border++) {
    double worst = 0.0, deviation = 0.0, e;

    for (h = 1; h <= 40; h++) {
      shape s = { 1, border, 1, h, 1 };
      size_t rows = (h + 1) / 2, n;
      float *in = floats (w * h), *out = floats (2 * w * rows);
      float *back = floats (w * h), *column = floats (h);
      float *bands = floats (2 * rows), *scratch;

      complete (&s);
      walloc_packet_scratch_2d (w, 1, &n, NULL);
      scratch = floats (n);
      for (i = 0; i < w * h; i++)
        in[i] = (float) (tap_random (&seed) >> 8) / 16777216.0f - 0.5f;
      e = walloc_wavelet_split_vertical (in, w, w, h, (walloc_border) border,
          out, w, w * rows, scratch, n, NULL) == WALLOC_OK
          && walloc_wavelet_merge_vertical (out, w, w * rows, w, h,
          (walloc_border) border, back, w, scratch, n, NULL) == WALLOC_OK
          ? max_error (back, in, w * h) : INFINITY;
      worst = e > worst ? e : worst;
      /* a column is the 1-D transform, which the golden file has */
      for (i = 0; i < h; i++)
        column[i] = in[i * w + 7];
      analyse (&s, column, bands);
      for (i = 0; i < 2 * rows; i++) {
        e = fabs (bands[i] - out[i * w + 7]);
        deviation = e > deviation ? e : deviation;
      }
      free (in);
      free (out);
      free (back);
      free (column);
      free (bands);
      free (scratch);
    }
    TAP_OK (worst < 1e-4 && deviation < 1e-5,
        "vertical split and merge, border %u: %.2g %.2g", border, worst,
        deviation);
  }
}

static void
test_arguments (void)
{
  float in[64] = { 0 }, out[64], *scratch;
  size_t n, m;
  walloc_error error;

  TAP_OK (walloc_packet_length (17, 3) == 3 && walloc_packet_length (16, 3)
      == 2 && walloc_packet_length (1, 12) == 1, "length");
  TAP_OK (walloc_packet_length (0, 1) == 0 && walloc_packet_length (8, 13)
      == 0 && walloc_packet_length (SIZE_MAX, 1) == 0, "bad lengths");
  TAP_OK (walloc_packet_scratch_2d (8, 3, NULL, NULL) == WALLOC_ERR_ARGUMENT
      && walloc_packet_scratch_2d (0, 3, &n, NULL) == WALLOC_ERR_ARGUMENT
      && walloc_packet_scratch_2d (8, 13, &n, &error) == WALLOC_ERR_ARGUMENT
      && n == 0 && error.text[0] != 0, "bad scratch arguments");
  TAP_OK (walloc_packet_scratch_2d (SIZE_MAX, 3, &n, &error)
      == WALLOC_ERR_LIMIT && walloc_packet_scratch_1d (SIZE_MAX / 2, 3, &n,
          &error) == WALLOC_ERR_LIMIT, "sizes beyond the address space");
  TAP_OK (walloc_packet_scratch_2d (8, 1, &n, NULL) == WALLOC_OK && n > 0
      && walloc_packet_scratch_1d (8, 1, &m, NULL) == WALLOC_OK && m > 0,
      "scratch sizes");
  scratch = floats (n + m);
#define A2(in, stride, w, h, j, b, out, rs, ps, s, sn) \
  walloc_packet_analyse_2d (in, stride, w, h, j, (walloc_border) (b), out, \
      rs, ps, s, sn, NULL)
  TAP_OK (A2 (in, 8, 8, 8, 1, 1, out, 4, 16, scratch, n) == WALLOC_OK,
      "good call");
  TAP_OK (A2 (NULL, 8, 8, 8, 1, 1, out, 4, 16, scratch, n) < 0
      && A2 (in, 8, 8, 8, 1, 1, NULL, 4, 16, scratch, n) < 0
      && A2 (in, 8, 8, 8, 1, 1, out, 4, 16, NULL, n) == WALLOC_ERR_SPACE
      && A2 (in, 8, 8, 8, 1, 1, out, 4, 16, scratch, n - 1)
      == WALLOC_ERR_SPACE, "null pointers and short scratch");
  TAP_OK (A2 (in, 8, 0, 8, 1, 1, out, 4, 16, scratch, n) < 0
      && A2 (in, 8, 8, 0, 1, 1, out, 4, 16, scratch, n) < 0
      && A2 (in, 8, 8, 8, 13, 1, out, 4, 16, scratch, n) < 0
      && A2 (in, 8, 8, 8, 4000000000u, 1, out, 4, 16, scratch, n) < 0
      && A2 (in, 8, 8, 8, 1, 2, out, 4, 16, scratch, n) < 0,
      "zero sizes, levels, border");
  TAP_OK (A2 (in, 7, 8, 8, 1, 1, out, 4, 16, scratch, n) < 0
      && A2 (in, 8, 8, 8, 1, 1, out, 3, 16, scratch, n) < 0
      && A2 (in, 8, 8, 8, 1, 1, out, 4, 15, scratch, n) < 0
      && A2 (in, SIZE_MAX / 2, 8, 8, 1, 1, out, 4, 16, scratch, n) < 0
      && A2 (in, 8, 8, 8, 1, 1, out, 4, SIZE_MAX / 2, scratch, n) < 0,
      "strides too short or too long");
  TAP_OK (walloc_packet_analyse_strip_2d (in, 8, 8, 8, 1,
          WALLOC_BORDER_PERIODIC, 2, 2, out, 4, 16, scratch, n, NULL) < 0
      && walloc_packet_analyse_strip_2d (in, 8, 8, 8, 1,
          WALLOC_BORDER_PERIODIC, 0, 5, out, 4, 16, scratch, n, NULL) < 0
      && walloc_packet_synthesise_strip_2d (out, 4, 16, 8, 8, 1,
          WALLOC_BORDER_PERIODIC, 3, 9, in, 8, scratch, n, NULL) < 0,
      "strips outside of the picture");
  TAP_OK (walloc_packet_synthesise_2d (NULL, 4, 16, 8, 8, 1,
          WALLOC_BORDER_PERIODIC, in, 8, scratch, n, NULL) < 0
      && walloc_packet_synthesise_2d (out, 4, 16, 8, 8, 14,
          WALLOC_BORDER_PERIODIC, in, 8, scratch, n, NULL) < 0
      && walloc_packet_synthesise_2d (out, 4, 16, 8, 8, 1,
          WALLOC_BORDER_PERIODIC, in, 8, scratch, 3, NULL) < 0,
      "bad synthesis");
  TAP_OK (walloc_packet_analyse_1d (NULL, 8, 1, WALLOC_BORDER_PERIODIC, out,
          4, scratch, m, NULL) < 0
      && walloc_packet_analyse_1d (in, 8, 1, WALLOC_BORDER_PERIODIC, out, 3,
          scratch, m, NULL) < 0
      && walloc_packet_analyse_1d (in, 8, 1, WALLOC_BORDER_PERIODIC, out, 4,
          scratch, m - 1, NULL) < 0
      && walloc_packet_analyse_1d (in, 0, 1, WALLOC_BORDER_PERIODIC, out, 4,
          scratch, m, NULL) < 0
      && walloc_packet_synthesise_1d (in, 4, 8, 13, WALLOC_BORDER_PERIODIC,
          out, scratch, m, NULL) < 0, "bad 1-D calls");
  free (scratch);
}

int
main (void)
{
  test_golden (TEST_GOLDEN_DIR "/transform/packet.bin");
  test_round_trip ();
  test_strips ();
  test_vertical ();
  test_arguments ();
  return tap_done ();
}
