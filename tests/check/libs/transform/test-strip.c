/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The encoder's integer transform, every instruction set that this processor
 * has: against a slow reference, which also watches that nothing leaves 16
 * bits; against the float transform; strips against whole planes; parts of
 * the packet tree against all of it. */
#include "tap.h"
#include "strip-reference.h"
#include "transform/input.h"
#include "transform/intwavelet.h"

#include <walloc/wavelet.h>

#include <math.h>

#define ONE (1 << WALLOC_INT_FRACTION)

static const struct
{
  unsigned phases, levels;
  walloc_strip_scale scale;
  const char *name;
} kinds[] = {
  {8, 3, WALLOC_STRIP_PLAIN, "luma"},
  {4, 2, WALLOC_STRIP_PLAIN, "4:2:0 chroma"},
  {8, 3, WALLOC_STRIP_444, "4:4:4 chroma"},
  {4, 3, WALLOC_STRIP_422, "4:2:2 chroma"}
};

#define KINDS (sizeof kinds / sizeof *kinds)

/* Whole groups of samples, the last row and column repeated. */
static int32_t *
widen (const uint8_t * u8, const int16_t * s16, size_t in_stride, size_t w,
    size_t h, size_t pw, size_t ph)
{
  int32_t *wide = strip_memory (pw * ph * 4);
  size_t x, y, at;

  for (y = 0; y < ph; y++)
    for (x = 0; x < pw; x++) {
      at = (y < h ? y : h - 1) * in_stride + (x < w ? x : w - 1);
      wide[y * pw + x] = u8 != NULL ? (u8[at] - 128) * ONE : s16[at];
    }
  return wide;
}

/* How many values of a kernel differ from the reference. */
static size_t
compare (const walloc_strip_kernels * k, unsigned kind, const uint8_t * u8,
    const int16_t * s16, size_t in_stride, size_t w, size_t h)
{
  unsigned phases = kinds[kind].phases, levels = kinds[kind].levels;
  size_t gw = (w + phases - 1) / phases;
  size_t gh = (h + (1u << levels) - 1) >> levels, n, i, bad = 0;
  int32_t *wide, *want;
  int16_t *got;
  strip_run r;

  n = gw * gh * (phases << levels);
  wide = widen (u8, s16, in_stride, w, h, gw * phases, gh << levels);
  got = strip_memory (n * 2);
  want = strip_memory (n * 4);
  strip_new (&r, k, phases, levels, kinds[kind].scale, gw, gh);
  strip_plane (&r, u8, s16, in_stride, w, h, 0, (unsigned) gh,
      WALLOC_STRIP_ROWS, got);
  reference_plane (wide, gw, gh, phases, levels, kinds[kind].scale, want);
  for (i = 0; i < n; i++)
    bad += got[i] != want[i];
  strip_free (&r);
  free (wide);
  free (got);
  free (want);
  return bad;
}

static void
fill_noise (uint8_t * p, size_t n, unsigned *seed)
{
  while (n-- > 0)
    p[n] = (uint8_t) (tap_random (seed) >> 24);
}

static void
test_reference (const walloc_strip_kernels * k)
{
  uint8_t *in = strip_memory (600 * 90);
  unsigned kind, seed = 11;
  size_t w, h, bad;

  for (kind = 0; kind < KINDS; kind++) {
    for (bad = 0, h = 1; h <= 34; h += h < 18 ? 1 : 4)
      for (w = 1; w <= 34; w++) {
        fill_noise (in, w * h, &seed);
        bad += compare (k, kind, in, NULL, w, w, h);
      }
    /* rows of more than one vector, with all kinds of ends */
    for (w = 120; w <= 600; w += 61) {
      fill_noise (in, w * 90, &seed);
      bad += compare (k, kind, in, NULL, w, w, 90);
    }
    TAP_OK (bad == 0, "%s, %s: %zu values differ from the reference", k->name,
        kinds[kind].name, bad);
  }
  free (in);
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
  scratch = strip_memory (floats * 4);
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
test_extremes (const walloc_strip_kernels * k, int watch)
{
  static const int places[3] = { 0, 4, 7 };
  signed char (*rows)[N] = strip_memory (ROWS * N);
  signed char (*columns)[N] = strip_memory (ROWS * N);
  /* rows are read up to a whole vector of groups */
  int16_t *in = strip_memory ((N * N + 8 * WALLOC_STRIP_LANES) * 2);
  size_t i, bad = 0;
  unsigned v, h, place;

  reference_extreme = 0;
  for (place = 0; place < 3; place++) {
    probe (places[place], columns);
    probe (places[(place + 1) % 3], rows);
    for (v = 0; v < ROWS; v++)
      for (h = 0; h < ROWS; h++) {
        for (i = 0; i < N * N; i++)
          in[i] = (int16_t) (columns[v][i / N] * rows[h][i % N] * 128 * ONE);
        bad += compare (k, 0, NULL, in, N, N, N);
      }
  }
  TAP_OK (bad == 0 && reference_extreme <= 32767,
      "%s, extreme planes: %zu values differ, greatest intermediate %ld",
      k->name, bad, reference_extreme);
  if (watch)
    TAP_OK (reference_extreme > 29000, "they come near the proven bound");
  free (rows);
  free (columns);
  free (in);
}

/* Error against the float transform, in grey levels of the normalised
 * coefficients. */
static void
test_accuracy (const walloc_strip_kernels * k, unsigned levels, int noise)
{
  size_t w = 200, h = 168, gw = w >> levels, gh = h >> levels, n = w * h, i;
  size_t m, c;
  uint8_t *in = strip_memory (n);
  int16_t *coefs = strip_memory (n * 2);
  float *x = strip_memory (n * 4), *y = strip_memory (n * 4), *scratch;
  /* a third above what was measured; quantiser steps are far coarser */
  static const double limit_max[4] = { 0.0, 0.0, 2.0, 4.0 };
  static const double limit_rms[4] = { 0.0, 0.0, 0.33, 0.53 };
  double worst = 0.0, sum = 0.0, low = 0.0, high = 0.0, e;
  unsigned seed = 21 + levels;
  strip_run r;

  for (i = 0; i < n; i++) {
    double px = (double) (i % w), py = (double) (i / w);

    in[i] = (uint8_t) (noise ? (int) (tap_random (&seed) >> 24)
        : (int) (128.0 + 90.0 * sin (px / 9.0) * cos (py / 13.0)
            + (tap_random (&seed) >> 28)));
    x[i] = (float) (in[i] - 128);
  }
  walloc_packet_scratch_2d (w, levels, &m, NULL);
  scratch = strip_memory (m * 4);
  strip_new (&r, k, 1u << levels, levels, WALLOC_STRIP_PLAIN, gw, gh);
  strip_plane (&r, in, NULL, w, w, h, 0, (unsigned) gh, WALLOC_STRIP_ROWS,
      coefs);
  walloc_packet_analyse_2d (x, w, w, h, levels, WALLOC_BORDER_SYMMETRIC, y,
      gw, gw * gh, scratch, m, NULL);
  for (c = 0; c < (size_t) 1 << (2 * levels); c++) {
    double gain = walloc_int_gain ((unsigned) c, levels), channel = 0.0;

    for (i = 0; i < gw * gh; i++) {
      e = fabs (coefs[c * gw * gh + i] * gain - y[c * gw * gh + i]);
      worst = e > worst ? e : worst;
      channel += e * e;
    }
    sum += channel;
    channel = sqrt (channel / (double) (gw * gh));
    if (c == 0)
      low = channel;
    high = channel > high ? channel : high;
  }
  sum = sqrt (sum / (double) n);
  TAP_OK (worst < limit_max[levels] && sum < limit_rms[levels],
      "J=%u %s: error max %.3f, RMS %.3f (lowest channel %.3f, "
      "worst channel %.3f) grey levels", levels, noise ? "noise" : "smooth",
      worst, sum, low, high);
  strip_free (&r);
  free (in);
  free (coefs);
  free (x);
  free (y);
  free (scratch);
}

/* Rows from any first to any end in strips of any height are those of the
 * whole plane, and so are parts of the tree. */
static void
test_strips (const walloc_strip_kernels * k)
{
  size_t w = 269, h = 203, gw, gh, n, bad = 0, x;
  uint8_t *in = strip_memory (w * h);
  unsigned kind, seed = 5, first, end, step, c, y, b, turn;
  int16_t *whole, *part;
  strip_run r;

  fill_noise (in, w * h, &seed);
  for (kind = 0; kind < KINDS; kind++) {
    gw = (w + kinds[kind].phases - 1) / kinds[kind].phases;
    gh = (h + (1u << kinds[kind].levels) - 1) >> kinds[kind].levels;
    n = gw * gh * (kinds[kind].phases << kinds[kind].levels);
    whole = strip_memory (n * 2);
    part = strip_memory (n * 2);
    strip_new (&r, k, kinds[kind].phases, kinds[kind].levels,
        kinds[kind].scale, gw, gh);
    strip_plane (&r, in, NULL, w, w, h, 0, (unsigned) gh, 4, whole);
    for (turn = 0; turn < 40; turn++) {
      first = tap_random (&seed) % (unsigned) gh;
      end = first + 1 + tap_random (&seed) % ((unsigned) gh - first);
      step = 1 + turn % WALLOC_STRIP_ROWS;
      for (b = 0; b < r.plane.phases && turn > 3; b++)
        r.plane.pairs[b] = (uint8_t) (tap_random (&seed) >> 20 &
            ((1u << (1u << (r.plane.levels - 1))) - 1));
      for (b = 0, r.plane.used = 0; b < r.plane.phases; b++)
        r.plane.used |= (uint8_t) ((r.plane.pairs[b] != 0) << b);
      memset (part, 0x33, n * 2);
      memset (r.state, (int) turn, r.plane.phases * WALLOC_STRIP_NODES *
          WALLOC_STRIP_STATE * r.stride * 2);
      strip_plane (&r, in, NULL, w, w, h, first, end, step, part);
      for (b = 0; b < r.plane.phases; b++)
        for (c = 0; c < 1u << r.plane.levels; c++)
          for (y = 0; y < gh; y++)
            for (x = 0; x < gw; x++) {
              size_t at = (strip_channel (b, c) * gh + y) * gw + x;
              int wanted = y >= first && y < end &&
                  (r.plane.pairs[b] >> (c / 2) & 1) != 0;

              bad += part[at] != (wanted ? whole[at] : 0x3333);
            }
    }
    strip_free (&r);
    free (whole);
    free (part);
  }
  TAP_OK (bad == 0, "%s: strips and parts of the tree", k->name);
  free (in);
}

/* Interleaved chroma and RGB give what single planes give. */
static void
test_input (const walloc_strip_kernels * k)
{
  enum
  { W = 70 * 8 };
  static const unsigned offsets[3] = { 2, 0, 1 };
  int16_t coefs[3][4] = { {19235, 3735, 9798, 0}, {-10855, 16384, -5529, 0},
  {-13720, -2664, 16384, 0}
  };
  int16_t *a = strip_memory (4 * 256 * 8), *b = a + 8 * 256, *got[3], *want[3];
  int16_t whole[W + 8];
  uint8_t *in = strip_memory (W * 4 + 64), *one = strip_memory (W);
  unsigned seed = 3, i, step, c;
  size_t bad = 0, n, x, groups;

  fill_noise (in, W * 4, &seed);
  for (n = 1; n <= 280; n += n < 20 ? 1 : 13) {
    groups = (n + 3) / 4;
    for (c = 0; c < 2; c++) {
      k->split_u8_pairs (in, n, groups, a, a + 4 * 256, 256);
      for (x = 0; x < n; x++)
        one[x] = in[2 * x + c];
      k->split_u8 (one, n, groups, 4, b, 256);
      for (i = 0; i < 4; i++)
        bad += memcmp (a + (4 * c + i) * 256, b + i * 256, groups * 2) != 0;
      for (x = 0; x < 4 * groups; x++)
        whole[x] = (int16_t) ((one[x < n ? x : n - 1] - 128) * ONE);
      k->split_s16 (whole, groups, 4, a, 256);
      for (i = 0; i < 4; i++)
        bad += memcmp (a + i * 256, b + i * 256, groups * 2) != 0;
    }
  }
  TAP_OK (bad == 0, "%s: pairs of chroma samples", k->name);
  for (i = 0; i < 3; i++) {
    got[i] = strip_memory ((W + 32) * 2);
    want[i] = strip_memory ((W + 32) * 2);
  }
  for (step = 3; step <= 4; step++)
    for (n = 1; n <= W; n += n < 140 ? 1 : 29) {
      walloc_input_rgb (in, 0, step, offsets, n, 1, want[0], want[1], want[2],
          W, n, 1, NULL);
      k->mix_rgb (in, step, coefs, n, got[0], got[1], got[2]);
      for (i = 0; i < 3; i++)
        bad += memcmp (got[i], want[i], n * 2) != 0;
    }
  TAP_OK (bad == 0, "%s: RGB", k->name);
  for (i = 0; i < 3; i++) {
    free (got[i]);
    free (want[i]);
  }
  free (a);
  free (in);
  free (one);
}

/* One level along both axes of a w x h plane of samples: bands LL, low width
 * and high height, high width and low height, HH, in rows of (w + 1) / 2. */
static void
reference_level (const int32_t * plane, size_t w, size_t h, int32_t * out)
{
  size_t w2 = (w + 1) / 2, h2 = (h + 1) / 2, x, y;
  int32_t *mid = strip_memory (4 * w2 * h2 * 4);
  int32_t *line = strip_memory (2 * (w2 + h2) * 4);
  int32_t *low = strip_memory ((w2 + h2) * 4);
  int32_t *high = strip_memory ((w2 + h2) * 4);

  for (x = 0; x < 2 * w2; x++) {
    for (y = 0; y < 2 * h2; y++)
      line[y] = plane[(y < h ? y : h - 1) * w + (x < w ? x : w - 1)];
    reference_line (line, 2 * h2, low, high, 1);
    for (y = 0; y < h2; y++) {
      mid[y * 2 * w2 + x] = low[y];
      mid[(h2 + y) * 2 * w2 + x] = high[y];
    }
  }
  for (y = 0; y < 2 * h2; y++) {
    reference_line (mid + y * 2 * w2, 2 * w2, low, high, 0);
    memcpy (out + y * w2, low, w2 * sizeof *out);
    memcpy (out + (2 * h2 + y) * w2, high, w2 * sizeof *out);
  }
  free (mid);
  free (line);
  free (low);
  free (high);
}

static int
is_scaled (int got, int32_t low)
{
  double v = floor (low * 21653 / 32768.0 + 0.5);

  return got == (v > 2048 ? 2048 : v < -2048 ? -2048 : v);
}

/* Rows [first, end) of w x h samples in steps of that many rows; how many
 * values differ from the reference's bands. The rows end where their memory
 * does. */
static size_t
halve_some (const walloc_strip_kernels * k, walloc_strip_source source,
    uint8_t * const *rows, size_t w, size_t h, unsigned first, unsigned end,
    unsigned step, int want_high, const int32_t * want)
{
  size_t w2 = (w + 1) / 2, h2 = (h + 1) / 2, stride = (w2 + 31) / 32 * 32 + 32;
  size_t size = WALLOC_STRIP_HALVE_ROWS * 2 * stride, bad = 0, x, y, at;
  const uint8_t *in[WALLOC_STRIP_HALVE_INPUT];
  int16_t *low = strip_memory (size * 2), *high = strip_memory (size * 2);
  int16_t *a = strip_memory (stride * 2), *b = strip_memory (stride * 2);
  walloc_strip_halving halving = { source, in, w, stride,
    strip_memory (2 * WALLOC_STRIP_STATE * stride * 2), low,
    want_high ? high : NULL
  };
  walloc_strip_schedule z;
  unsigned i, to;

  walloc_strip_start (&z, 1, (unsigned) h2, first);
  for (; z.output_end < end;) {
    to = z.output_end + step < end ? z.output_end + step : end;
    walloc_strip_advance (&z, to);
    bad += z.input_end - z.input > WALLOC_STRIP_HALVE_INPUT;
    for (i = z.input; i < z.input_end; i++)
      in[i - z.input] = rows[i < h ? i : h - 1];
    k->halve_rows (&z, &halving);
    for (y = z.output; y < z.output_end; y++) {
      at = 2 * (y - z.output) * stride;
      /* both ways to leave the low band, and the high one out */
      if (want_high) {
        k->halve_line (low + at, stride, w2, 0, a, b);
        for (x = 0; x < w2; x++)
          bad += (a[x] != want[y * w2 + x])
              + (b[x] != want[(2 * h2 + y) * w2 + x]);
        k->halve_line (high + at, stride, w2, 0, a, b);
        for (x = 0; x < w2; x++)
          bad += (a[x] != want[(h2 + y) * w2 + x])
              + (b[x] != want[(3 * h2 + y) * w2 + x]);
      } else {
        k->halve_line (low + at, stride, w2, 1, a, NULL);
        for (x = 0; x < w2; x++)
          bad += !is_scaled (a[x], want[y * w2 + x]);
      }
    }
  }
  free (low);
  free (high);
  free (a);
  free (b);
  free (halving.state);
  return bad;
}

/* One level alone, from all kinds of rows, for all small sizes and for rows
 * of several vectors; the sample values are extreme at times. */
static void
test_halve (const walloc_strip_kernels * k)
{
  static const char *names[] = { "bytes", "first of pairs", "second of pairs",
    "values"
  };
  unsigned source, seed = 9, turn, first, end;
  size_t w, h, x, y, bad;
  int32_t *plane, *want;
  uint8_t **rows;
  int v;

  for (source = 0; source < 4; source++) {
    for (bad = 0, turn = 0; turn < 120; turn++) {
      w = turn < 60 ? 1 + turn % 10 : 1 + tap_random (&seed) % 300;
      h = turn < 60 ? 1 + turn / 6 : 1 + tap_random (&seed) % 70;
      plane = strip_memory (w * h * 4);
      want = strip_memory (4 * ((w + 1) / 2) * ((h + 1) / 2) * 4);
      rows = strip_memory (h * sizeof *rows);
      for (y = 0; y < h; y++) {
        rows[y] = strip_memory (w * (source == 0 ? 1 : 2));
        fill_noise (rows[y], w * (source == 0 ? 1 : 2), &seed);
        for (x = 0; x < w; x++) {
          v = (int) (tap_random (&seed) >> 24);
          v = turn % 3 == 0 ? v & 128 ? 255 : 0 : v;
          plane[y * w + x] = (v - 128) * ONE;
          if (source == WALLOC_STRIP_VALUES)
            memcpy (rows[y] + 2 * x, &(int16_t) {
                (int16_t) plane[y * w + x]}
              , 2);
          else
          rows[y][source == 0 ? x : 2 * x + source - 1] = (uint8_t) v;
        }
      }
      reference_level (plane, w, h, want);
      first = turn % 2 ? tap_random (&seed) % (unsigned) ((h + 1) / 2) : 0;
      end = turn % 5 ? (unsigned) (h + 1) / 2 : first + 1;
      bad += halve_some (k, (walloc_strip_source) source, rows, w, h, first,
          end, 1 + turn % WALLOC_STRIP_HALVE_ROWS, turn / 2 % 2, want);
      for (y = 0; y < h; y++)
        free (rows[y]);
      free (rows);
      free (plane);
      free (want);
    }
    TAP_OK (bad == 0, "%s, one level from %s: %zu values differ from the "
        "reference", k->name, names[source], bad);
  }
}

static void
test_gains (void)
{
  unsigned c, bad = 0;

  for (c = 0; c < 16; c++)
    bad += fabs (walloc_int_gain (c, 3) / walloc_int_gain (c, 2)
        - 1.14960439886024115980 * 1.14960439886024115980) > 1e-12;
  TAP_OK (bad == 0, "gains of three levels are those of two times LL's");
  TAP_OK (isnan (walloc_int_gain (64, 3)) && isnan (walloc_int_gain (0, 4))
      && walloc_int_gain (0, 0) == 1.0 / ONE, "no gains out of range");
}

int
main (void)
{
  const walloc_strip_kernels *k;
  unsigned n, levels;

  for (n = 0; (k = walloc_strip_best (n)) != NULL; n++) {
    test_reference (k);
    test_extremes (k, n == 0);
    test_strips (k);
    test_input (k);
    test_halve (k);
  }
  for (levels = 2; levels <= WALLOC_INT_MAX_LEVELS; levels++) {
    test_accuracy (walloc_strip_best (0), levels, 0);
    test_accuracy (walloc_strip_best (0), levels, 1);
  }
  test_gains ();
  return tap_done ();
}
