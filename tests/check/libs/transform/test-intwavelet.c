/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Integer packet transform: against a slow reference written from
 * docs/design/integer-transform.md, which also watches that nothing leaves 16
 * bits; against the float transform; strips against whole planes. */
#include "tap.h"
#include "transform/intwavelet.h"

#include <walloc/wavelet.h>

#include <math.h>
#include <string.h>

#define ONE (1 << WALLOC_INT_FRACTION)

static long extreme;            /* greatest magnitude the reference met */

static int32_t
seen (int64_t v)
{
  if (v > extreme || -v > extreme)
    extreme = (long) (v < 0 ? -v : v);
  return (int32_t) v;
}

static int32_t
product (int32_t a, int32_t q15)
{
  int64_t v = (int64_t) a * q15 + 16384;

  return (int32_t) (v >= 0 ? v / 32768 : -((-v + 32767) / 32768));
}

static void *
memory (size_t n, size_t size)
{
  void *p = calloc (n ? n : 1, size);

  if (p == NULL)
    exit (99);
  return p;
}

/* One pass over n values; halved: high-pass values at half scale. */
static void
reference_line (const int32_t * x, size_t n, int32_t * low, int32_t * high,
    int halved)
{
  const int32_t beta = halved ? -3472 : -1736, gamma = halved ? 14466 : 28931;
  const int32_t delta = halved ? 29066 : 14533;
  size_t half = n / 2, k;
  int32_t *d = memory (half, sizeof *d), *s = memory (half, sizeof *s);

  for (k = 0; k < half; k++) {
    int32_t sum = seen (x[2 * k] + x[k + 1 < half ? 2 * k + 2 : 2 * k]);

    d[k] = seen (halved ? product (x[2 * k + 1], 16384)
        + product (sum, -25987) : x[2 * k + 1] - sum + product (sum, -19206));
  }
  for (k = 0; k < half; k++)
    s[k] = seen (x[2 * k] + product (d[k > 0 ? k - 1 : 0], beta)
        + product (d[k], beta));
  for (k = 0; k < half; k++)
    high[k] = seen (d[k] + product (s[k], gamma)
        + product (s[k + 1 < half ? k + 1 : k], gamma));
  for (k = 0; k < half; k++)
    low[k] = seen (s[k] + product (seen (high[k > 0 ? k - 1 : 0] + high[k]),
            delta));
  free (d);
  free (s);
}

/* w by h to four bands one after the other. */
static void
reference_split (const int32_t * in, size_t w, size_t h, int32_t * bands,
    int last)
{
  size_t w2 = w / 2, h2 = h / 2, x, y;
  int32_t *line = memory (h, sizeof *line), *low = memory (h2 + w2, 4);
  int32_t *high = memory (h2 + w2, 4), *mid = memory (w * h, sizeof *mid);

  for (x = 0; x < w; x++) {
    for (y = 0; y < h; y++)
      line[y] = in[y * w + x];
    reference_line (line, h, low, high, 1);
    for (y = 0; y < h2; y++) {
      mid[y * w + x] = low[y];
      mid[(h2 + y) * w + x] = high[y];
    }
  }
  for (y = 0; y < h; y++) {
    size_t v = y >= h2, row = v ? y - h2 : y;

    reference_line (mid + y * w, w, low, high, last);
    for (x = 0; x < w2; x++) {
      bands[(v * h2 + row) * w2 + x] = low[x];
      bands[((2 + v) * h2 + row) * w2 + x] = high[x];
    }
  }
  free (line);
  free (low);
  free (high);
  free (mid);
}

static void
reference_packet (const int32_t * in, size_t w, size_t h, unsigned levels,
    int32_t * out, int first)
{
  size_t quarter = (w / 2) * (h / 2), b;
  int32_t *bands;

  if (levels == 0) {
    memcpy (out, in, w * h * sizeof *in);
    return;
  }
  bands = memory (4 * quarter, sizeof *bands);
  reference_split (in, w, h, bands, levels == 1 && !first);
  for (b = 0; b < 4; b++)
    reference_packet (bands + b * quarter, w / 2, h / 2, levels - 1,
        out + b * quarter, 0);
  free (bands);
}

/* Packet of a w by h plane by the library and by the reference. Returns how
 * many values differ. */
static size_t
compare (const int16_t * in, size_t w, size_t h, unsigned levels)
{
  size_t cw = walloc_packet_length (w, levels);
  size_t ch = walloc_packet_length (h, levels), n = cw * ch << (2 * levels);
  size_t pw = cw << levels, ph = ch << levels, x, y, bytes, bad = 0;
  int16_t *got = memory (n, 2);
  int32_t *wide = memory (n, 4), *want = memory (n, 4);
  void *scratch;

  walloc_int_scratch (w, levels, &bytes, NULL);
  scratch = memory (bytes, 1);
  memset (scratch, 0xa5, bytes);
  if (walloc_int_analyse (in, w, w, h, levels, 0, ch, got, cw, cw * ch,
          scratch, bytes, NULL) != WALLOC_OK)
    bad = n;
  for (y = 0; y < ph; y++)
    for (x = 0; x < pw; x++)
      wide[y * pw + x] = in[(y < h ? y : h - 1) * w + (x < w ? x : w - 1)];
  reference_packet (wide, pw, ph, levels, want, 1);
  for (x = 0; x < n; x++)
    bad += got[x] != want[x];
  free (got);
  free (wide);
  free (want);
  free (scratch);
  return bad;
}

static void
fill_noise (int16_t * p, size_t n, unsigned *seed)
{
  while (n-- > 0)
    p[n] = (int16_t) (((int) (tap_random (seed) >> 24) - 128) * ONE);
}

static void
test_reference (void)
{
  unsigned levels, seed = 11;
  size_t w, h;

  for (levels = 0; levels <= WALLOC_INT_MAX_LEVELS; levels++) {
    size_t bad = 0;

    for (h = 1; h <= 33; h++) {
      for (w = 1; w <= 33; w++) {
        int16_t *in = memory (w * h, 2);

        fill_noise (in, w * h, &seed);
        bad += compare (in, w, h, levels);
        free (in);
      }
    }
    TAP_OK (bad == 0, "every size 1..33, J=%u: %zu values differ", levels, bad);
  }
}

enum
{ N = 64, ROWS = 8 + 4 * 3 };

/* Signs, by input sample, of what every input adds to 1-D intermediates near
 * position at (of 8): the outputs of three levels, and for the bands of two
 * levels an output, the sum of two and the first step that starts from it. */
static void
probe (int at, signed char signs[ROWS][N])
{
  float line[N], two[N], three[N], *scratch;
  size_t floats, i, c;

  walloc_packet_scratch_1d (N, 3, &floats, NULL);
  scratch = memory (floats, 4);
  for (i = 0; i < N; i++) {
    memset (line, 0, sizeof line);
    line[i] = 1.0f;
    walloc_packet_analyse_1d (line, N, 3, WALLOC_BORDER_SYMMETRIC, three, 8,
        scratch, floats, NULL);
    walloc_packet_analyse_1d (line, N, 2, WALLOC_BORDER_SYMMETRIC, two, 16,
        scratch, floats, NULL);
    for (c = 0; c < 8; c++)
      signs[c][i] = three[8 * c + at] >= 0.0f ? 1 : -1;
    for (c = 0; c < 4; c++) {
      const float *b = two + 16 * c + 2 * at;
      float sum = b[0] + b[at < 7 ? 2 : 0];

      signs[8 + c][i] = b[1] >= 0.0f ? 1 : -1;
      signs[12 + c][i] = sum >= 0.0f ? 1 : -1;
      signs[16 + c][i] = b[1] - 1.586134f * sum >= 0.0f ? 1 : -1;
    }
  }
  free (scratch);
}

/* A plane of the two extreme sample values whose signs are those of an
 * intermediate's own filter drives it as far as anything can. */
static void
test_extremes (void)
{
  static const int places[3] = { 0, 4, 7 };
  signed char (*rows)[N] = memory (ROWS * N, 1);
  signed char (*columns)[N] = memory (ROWS * N, 1);
  int16_t *in = memory (N * N, 2);
  size_t i, bad = 0;
  unsigned v, h, place;

  extreme = 0;
  for (place = 0; place < 3; place++) {
    probe (places[place], columns);
    probe (places[(place + 1) % 3], rows);
    for (v = 0; v < ROWS; v++) {
      for (h = 0; h < ROWS; h++) {
        for (i = 0; i < N * N; i++)
          in[i] = (int16_t) (columns[v][i / N] * rows[h][i % N] * 128 * ONE);
        bad += compare (in, N, N, 3);
      }
    }
  }
  TAP_OK (bad == 0 && extreme <= 32767,
      "extreme planes: %zu values differ, greatest intermediate %ld", bad,
      extreme);
  TAP_OK (extreme > 29000, "they come near the proven bound");
  free (rows);
  free (columns);
  free (in);
}

/* Error against the float transform, in grey levels of the normalised
 * coefficients. */
static void
test_accuracy (unsigned levels, int noise)
{
  size_t w = 200, h = 168, cw = walloc_packet_length (w, levels);
  size_t ch = walloc_packet_length (h, levels), n = w * h, i, c, bytes, m;
  int16_t *in = memory (n, 2), *coefs = memory (n, 2);
  float *x = memory (n, 4), *y = memory (n, 4), *scratch;
  /* a third above what was measured; quantiser steps are far coarser */
  static const double limit_max[4] = { 0.0, 0.7, 2.0, 4.0 };
  static const double limit_rms[4] = { 0.0, 0.15, 0.33, 0.53 };
  double worst = 0.0, sum = 0.0, low = 0.0, high = 0.0, e;
  unsigned seed = 21 + levels;
  void *work;

  for (i = 0; i < n; i++) {
    double px = (double) (i % w), py = (double) (i / w);
    int v = noise ? (int) (tap_random (&seed) >> 24)
        : (int) (128.0 + 90.0 * sin (px / 9.0) * cos (py / 13.0)
        + (tap_random (&seed) >> 28));

    in[i] = (int16_t) ((v - 128) * ONE);
    x[i] = (float) (v - 128);
  }
  walloc_int_scratch (w, levels, &bytes, NULL);
  walloc_packet_scratch_2d (w, levels, &m, NULL);
  work = memory (bytes, 1);
  scratch = memory (m, 4);
  walloc_int_analyse (in, w, w, h, levels, 0, ch, coefs, cw, cw * ch, work,
      bytes, NULL);
  walloc_packet_analyse_2d (x, w, w, h, levels, WALLOC_BORDER_SYMMETRIC, y,
      cw, cw * ch, scratch, m, NULL);
  for (c = 0; c < (size_t) 1 << (2 * levels); c++) {
    double gain = walloc_int_gain ((unsigned) c, levels), channel = 0.0;

    for (i = 0; i < cw * ch; i++) {
      e = fabs (coefs[c * cw * ch + i] * gain - y[c * cw * ch + i]);
      worst = e > worst ? e : worst;
      channel += e * e;
    }
    sum += channel;
    channel = sqrt (channel / (double) (cw * ch));
    if (c == 0)
      low = channel;
    high = channel > high ? channel : high;
  }
  sum = sqrt (sum / (double) n);
  TAP_OK (worst < limit_max[levels] && sum < limit_rms[levels],
      "J=%u %s: error max %.3f, RMS %.3f (lowest channel %.3f, "
      "worst channel %.3f) grey levels", levels, noise ? "noise" : "smooth",
      worst, sum, low, high);
  free (in);
  free (coefs);
  free (x);
  free (y);
  free (work);
  free (scratch);
}

static void
test_strips (void)
{
  unsigned levels, seed = 5;

  for (levels = 0; levels <= WALLOC_INT_MAX_LEVELS; levels++) {
    size_t w = 61, h = 203, cw = walloc_packet_length (w, levels), bytes, c;
    size_t ch = walloc_packet_length (h, levels), step, y, r, bad = 0;
    size_t channels = (size_t) 1 << (2 * levels), n = cw * ch * channels;
    int16_t *in = memory (w * h, 2), *whole = memory (n, 2);
    int16_t *part = memory (channels * (ch + 1) * (cw + 7), 2);
    void *scratch;

    fill_noise (in, w * h, &seed);
    walloc_int_scratch (w, levels, &bytes, NULL);
    scratch = memory (bytes, 1);
    bad += walloc_int_analyse (in, w, w, h, levels, 0, ch, whole, cw,
        cw * ch, scratch, bytes, NULL) != WALLOC_OK;
    for (step = 1; step <= ch; step = step * 2 + 1) {
      size_t plane = (step + 1) * (cw + 7);

      for (y = 0; y < ch; y += step) {
        size_t end = y + step < ch ? y + step : ch;

        memset (scratch, 0x5a, bytes);
        bad += walloc_int_analyse (in, w, w, h, levels, y, end, part, cw + 7,
            plane, scratch, bytes, NULL) != WALLOC_OK;
        for (c = 0; c < channels; c++)
          for (r = y; r < end; r++)
            bad += memcmp (part + c * plane + (r - y) * (cw + 7),
                whole + (c * ch + r) * cw, cw * 2) != 0;
      }
    }
    TAP_OK (bad == 0, "strips, J=%u", levels);
    free (in);
    free (whole);
    free (part);
    free (scratch);
  }
}

/* A J = 2 packet of the LL band is the first 16 channels of J = 3; the split
 * functions are the packet's first level. */
static void
test_splits (void)
{
  size_t w = 72, h = 56, w2 = w / 2, h2 = h / 2, n = w * h, i, bytes, x, y;
  int16_t *in = memory (n, 2), *one = memory (n, 2), *two = memory (n, 2);
  int16_t *three = memory (n, 2), *bands[4], *low, *high;
  int32_t *line = memory (h, 4), *l = memory (h2, 4), *hi = memory (h2, 4);
  unsigned seed = 9, c;
  size_t bad = 0;
  void *scratch;

  fill_noise (in, n, &seed);
  walloc_int_scratch (w, 3, &bytes, NULL);
  scratch = memory (bytes, 1);
  for (i = 0; i < 4; i++)
    bands[i] = two + (3 - i) * w2 * h2;
  walloc_int_analyse (in, w, w, h, 1, 0, h2, one, w2, w2 * h2, scratch,
      bytes, NULL);
  TAP_OK (walloc_int_split_2d (in, w, w, h, 0, h2, bands, w2, scratch, bytes,
          NULL) == WALLOC_OK, "split into four planes");
  for (i = 0; i < 4; i++)
    bad += memcmp (bands[i], one + i * w2 * h2, w2 * h2 * 2) != 0;
  TAP_OK (bad == 0, "they are the packet of one level");

  walloc_int_analyse (in, w, w, h, 3, 0, h / 8, three, w / 8, w * h / 64,
      scratch, bytes, NULL);
  walloc_int_analyse (one, w2, w2, h2, 2, 0, h / 8, two, w / 8, w * h / 64,
      scratch, bytes, NULL);
  TAP_OK (memcmp (two, three, w2 * h2 * 2) == 0,
      "two levels of the LL band are channels 0 to 15 of three");
  for (c = 0, bad = 0; c < 16; c++)
    bad += fabs (walloc_int_gain (c, 3) / walloc_int_gain (c, 2)
        - 1.14960439886024115980 * 1.14960439886024115980) > 1e-12;
  TAP_OK (bad == 0, "gains of three levels are those of two times LL's");

  low = two;
  high = two + w * h2;
  bad = walloc_int_split_vertical (in, w, w, h, 0, 10, low, high, w, scratch,
      bytes, NULL) != WALLOC_OK;
  bad += walloc_int_split_vertical (in, w, w, h, 10, h2, low + 10 * w,
      high + 10 * w, w, scratch, bytes, NULL) != WALLOC_OK;
  for (x = 0; x < w; x++) {
    for (y = 0; y < h; y++)
      line[y] = in[y * w + x];
    reference_line (line, h, l, hi, 1);
    for (y = 0; y < h2; y++)
      bad += low[y * w + x] != l[y] || high[y * w + x] != hi[y];
  }
  TAP_OK (bad == 0, "vertical split, in two strips");
  for (i = 0; i < n; i++)
    in[i] = 100 * ONE;
  walloc_int_split_vertical (in, w, w, h, 0, h2, low, high, w, scratch,
      bytes, NULL);
  TAP_OK (fabs (low[w * 9 + 9] * walloc_int_vertical_gain (0)
          - 100.0 * sqrt (2.0)) < 0.2 && abs (high[w * 9 + 9]) <= 1,
      "a flat plane has low-pass gain sqrt (2)");
  free (in);
  free (one);
  free (two);
  free (three);
  free (line);
  free (l);
  free (hi);
  free (scratch);
}

static void
test_arguments (void)
{
  int16_t in[64] = { 0 }, out[64], *bands[4] = { out, out, NULL, out };
  size_t bytes;
  void *s;
  walloc_error error;

  TAP_OK (walloc_int_scratch (0, 1, &bytes, NULL) < 0
      && walloc_int_scratch (8, 4, &bytes, &error) == WALLOC_ERR_ARGUMENT
      && bytes == 0 && error.text[0] != 0
      && walloc_int_scratch (8, 1, NULL, NULL) < 0
      && walloc_int_scratch (SIZE_MAX, 1, &bytes, NULL) == WALLOC_ERR_LIMIT,
      "scratch sizes");
  walloc_int_scratch (8, 3, &bytes, NULL);
  s = memory (bytes, 1);
#define RUN(in, is, w, h, j, a, b, out, rs, ps, s, n) \
  walloc_int_analyse (in, is, w, h, j, a, b, out, rs, ps, s, n, NULL)
  TAP_OK (RUN (in, 8, 8, 8, 1, 0, 4, out, 4, 16, s, bytes) == WALLOC_OK,
      "good call");
  TAP_OK (RUN (NULL, 8, 8, 8, 1, 0, 4, out, 4, 16, s, bytes) < 0
      && RUN (in, 8, 8, 8, 1, 0, 4, NULL, 4, 16, s, bytes) < 0
      && RUN (in, 8, 8, 8, 1, 0, 4, out, 4, 16, NULL, bytes)
      == WALLOC_ERR_SPACE && RUN (in, 8, 8, 8, 3, 0, 1, out, 1, 1, s, 100)
      == WALLOC_ERR_SPACE, "null pointers, short scratch");
  TAP_OK (RUN (in, 8, 0, 8, 1, 0, 4, out, 4, 16, s, bytes) < 0
      && RUN (in, 8, 8, 0, 1, 0, 4, out, 4, 16, s, bytes) < 0
      && RUN (in, 8, 8, SIZE_MAX, 1, 0, 4, out, 4, 16, s, bytes) < 0
      && RUN (in, 8, 8, 8, 4, 0, 1, out, 4, 16, s, bytes) < 0
      && RUN (in, 8, 8, 8, 77, 0, 1, out, 4, 16, s, bytes) < 0
      && RUN (in, 8, 8, 8, 1, 3, 3, out, 4, 16, s, bytes) < 0
      && RUN (in, 8, 8, 8, 1, 0, 5, out, 4, 16, s, bytes) < 0,
      "sizes, levels and rows out of range");
  TAP_OK (RUN (in, 7, 8, 8, 1, 0, 4, out, 4, 16, s, bytes) < 0
      && RUN (in, 8, 8, 8, 1, 0, 4, out, 3, 16, s, bytes) < 0
      && RUN (in, 8, 8, 8, 1, 0, 4, out, 4, 15, s, bytes) < 0
      && RUN (in, SIZE_MAX / 4, 8, 8, 1, 0, 4, out, 4, 16, s, bytes) < 0
      && RUN (in, 8, 8, 8, 1, 0, 4, out, 4, SIZE_MAX / 4, s, bytes) < 0,
      "strides");
  TAP_OK (walloc_int_split_2d (in, 8, 8, 8, 0, 4, bands, 4, s, bytes, NULL)
      < 0 && walloc_int_split_2d (in, 8, 8, 8, 0, 4, NULL, 4, s, bytes, NULL)
      < 0 && walloc_int_split_vertical (in, 8, 8, 8, 0, 4, out, NULL, 8, s,
          bytes, NULL) < 0, "missing bands");
  TAP_OK (isnan (walloc_int_gain (64, 3)) && isnan (walloc_int_gain (0, 4))
      && isnan (walloc_int_vertical_gain (2))
      && walloc_int_gain (0, 0) == 1.0 / ONE, "gains");
  free (s);
}

int
main (void)
{
  unsigned levels;

  test_reference ();
  test_extremes ();
  for (levels = 1; levels <= WALLOC_INT_MAX_LEVELS; levels++) {
    test_accuracy (levels, 0);
    test_accuracy (levels, 1);
  }
  test_strips ();
  test_splits ();
  test_arguments ();
  return tap_done ();
}
