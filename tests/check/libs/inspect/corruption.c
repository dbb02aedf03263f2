/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Corruptions against figures of the published programs: a pattern's samples,
 * where an operation is determined, and statistics of flat pictures where it
 * is random. The figures were taken with imagecorruptions (commit c959e65) on
 * NumPy 1.24, SciPy 1.10, OpenCV 4.6, scikit-image 0.19 and Pillow 9.4. */
#include "corruption.h"
#include "tap.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define W 96
#define H 64

static void
pattern (uint8_t plane[3][W * H])
{
  int x, y;

  for (y = 0; y < H; y++)
    for (x = 0; x < W; x++) {
      plane[0][y * W + x] = (uint8_t) (2 * x + y);
      plane[1][y * W + x] = (uint8_t) (x * y >> 3);
      plane[2][y * W + x] = (uint8_t) (128 + (((x - 48) * (y - 32)) >> 4));
    }
}

/* zlib's, bit by bit */
static uint32_t
crc32_of (uint8_t plane[3][W * H])
{
  uint32_t crc = ~0u;
  int i, p, b;

  for (i = 0; i < W * H; i++)
    for (p = 0; p < 3; p++) {
      crc ^= plane[p][i];
      for (b = 0; b < 8; b++)
        crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
    }
  return ~crc;
}

static double
psnr (uint8_t a[3][W * H], uint8_t b[3][W * H])
{
  double sum = 0;
  int i, p;

  for (p = 0; p < 3; p++)
    for (i = 0; i < W * H; i++)
      sum += (a[p][i] - b[p][i]) * (a[p][i] - b[p][i]);
  return 10 * log10 (65025.0 * 3 * W * H / sum);
}

static const struct
{
  corruption_type type;
  unsigned severity;
  double psnr;
  unsigned sum[3];
  uint8_t at[4][3];             /* (row 0, column 0) (10, 20) (31, 47) (63, 95) */
  uint32_t crc;
} golden[] = {
  /* *INDENT-OFF* */
  {CORRUPTION_DEFOCUS_BLUR, 1, 25.7312, {771533, 593077, 780944},
    {{3, 0, 217}, {49, 24, 166}, {124, 181, 127}, {249, 211, 212}}, 0},
  {CORRUPTION_DEFOCUS_BLUR, 2, 24.5604, {771822, 593489, 780968},
    {{5, 0, 215}, {49, 24, 166}, {124, 181, 127}, {247, 203, 210}}, 0},
  {CORRUPTION_DEFOCUS_BLUR, 3, 22.7901, {772094, 593702, 780961},
    {{7, 0, 211}, {49, 24, 166}, {124, 181, 127}, {245, 185, 206}}, 0},
  {CORRUPTION_DEFOCUS_BLUR, 4, 21.5620, {784167, 601736, 791107},
    {{10, 0, 210}, {50, 24, 168}, {126, 184, 129}, {245, 172, 205}}, 0},
  {CORRUPTION_DEFOCUS_BLUR, 5, 20.5159, {782427, 600781, 789310},
    {{13, 1, 205}, {50, 24, 167}, {126, 181, 129}, {242, 154, 200}}, 0},
  {CORRUPTION_ZOOM_BLUR, 1, 23.0131, {765197, 605262, 781257},
    {{4, 0, 217}, {52, 27, 163}, {123, 177, 128}, {245, 191, 208}}, 0},
  {CORRUPTION_ZOOM_BLUR, 3, 21.6106, {765648, 621071, 781259},
    {{8, 1, 211}, {54, 30, 161}, {123, 177, 128}, {241, 167, 202}}, 0},
  {CORRUPTION_ZOOM_BLUR, 5, 20.6785, {767185, 638795, 781188},
    {{13, 2, 205}, {57, 34, 159}, {124, 178, 128}, {237, 145, 197}}, 0},
  {CORRUPTION_CONTRAST, 1, 17.4470, {774144, 593641, 780510},
    {{75, 58, 166}, {95, 68, 142}, {125, 131, 127}, {177, 152, 164}}, 0},
  {CORRUPTION_CONTRAST, 3, 14.9503, {774758, 593476, 780999},
    {{101, 77, 146}, {111, 82, 135}, {126, 114, 127}, {151, 124, 145}}, 0},
  {CORRUPTION_CONTRAST, 5, 13.4555, {774144, 593089, 780892},
    {{120, 92, 132}, {122, 93, 129}, {126, 101, 127}, {132, 103, 132}}, 0},
  {CORRUPTION_BRIGHTNESS, 1, 22.7143, {888816, 677100, 902411},
    {{0, 0, 249}, {57, 28, 191}, {142, 207, 145}, {255, 237, 220}}, 0},
  {CORRUPTION_BRIGHTNESS, 3, 13.8727, {1073619, 807503, 1109151},
    {{0, 0, 255}, {73, 36, 242}, {175, 255, 179}, {255, 237, 220}}, 0},
  {CORRUPTION_BRIGHTNESS, 5, 11.0160, {1168897, 874822, 1225883},
    {{0, 0, 255}, {76, 38, 255}, {175, 255, 179}, {255, 237, 220}}, 0},
  {CORRUPTION_PIXELATE, 1, 28.7099, {779712, 598604, 786372},
    {{2, 0, 222}, {52, 27, 165}, {126, 181, 128}, {252, 226, 217}},
    0x42d8f050},
  {CORRUPTION_PIXELATE, 2, 27.8850, {780288, 599168, 787104},
    {{2, 0, 222}, {52, 27, 165}, {124, 177, 128}, {252, 226, 217}},
    0xf7d93f73},
  {CORRUPTION_PIXELATE, 3, 26.0199, {778272, 597094, 785104},
    {{3, 0, 219}, {53, 28, 163}, {124, 181, 128}, {250, 216, 214}},
    0x591ebac7},
  {CORRUPTION_PIXELATE, 4, 24.7216, {778560, 597113, 785032},
    {{3, 0, 219}, {48, 25, 166}, {124, 181, 128}, {250, 216, 214}},
    0xfc3835e6},
  {CORRUPTION_PIXELATE, 5, 24.0649, {780288, 598400, 786240},
    {{5, 0, 217}, {53, 26, 165}, {121, 168, 128}, {249, 207, 212}},
    0x40229b37},
  /* *INDENT-ON* */
};

static int
apply (corruption_type type, unsigned severity, corruption_variant variant,
    uint8_t plane[3][W * H], uint64_t seed, uint64_t frame)
{
  uint8_t *planes[3] = { plane[0], plane[1], plane[2] };
  char error[CORRUPTION_ERROR_SIZE] = "";
  corruption *c = corruption_new (type, severity, variant, W, H, 3, NULL,
      error);
  int ret = c && corruption_apply (c, planes, W, seed, frame, error);

  if (!ret)
    printf ("# %s\n", error);
  corruption_free (c);
  return ret;
}

static void
test_golden (void)
{
  static uint8_t clean[3][W * H], out[3][W * H];
  static const int at[4] = { 0, 10 * W + 20, 31 * W + 47, 63 * W + 95 };
  size_t g;
  int i, p;

  pattern (clean);
  TAP_OK (crc32_of (clean) == 0xf36ff70b, "the pattern is the one");
  for (g = 0; g < sizeof (golden) / sizeof (golden[0]); g++) {
    const char *name = corruption_name (golden[g].type);
    unsigned worst = 0, off = 0, sum;
    double db;

    memcpy (out, clean, sizeof (out));
    TAP_OK (apply (golden[g].type, golden[g].severity,
            CORRUPTION_IMAGECORRUPTIONS, out, 0, 0), "%s %u", name,
        golden[g].severity);
    for (p = 0; p < 3; p++) {
      for (i = 0, sum = 0; i < W * H; i++)
        sum += out[p][i];
      i = abs ((int) sum - (int) golden[g].sum[p]);
      off = (unsigned) i > off ? (unsigned) i : off;
      for (i = 0; i < 4; i++) {
        unsigned d = (unsigned) abs (out[p][at[i]] - golden[g].at[i][p]);

        worst = d > worst ? d : worst;
      }
    }
    db = psnr (out, clean);
    /* the pattern has ramps, where the mean of a disc is a whole number and
     * rounding errors of 32 bits decide what truncation leaves of it */
    TAP_OK (worst <= 1 && off <= (golden[g].type == CORRUPTION_DEFOCUS_BLUR
            ? W * H : W * H / 16)
        && fabs (db - golden[g].psnr) < 0.01,
        "%s %u: samples off by %u, sums by %u, PSNR %.4f for %.4f", name,
        golden[g].severity, worst, off, db, golden[g].psnr);
    if (golden[g].crc)
      TAP_OK (crc32_of (out) == golden[g].crc, "%s %u: to the bit", name,
          golden[g].severity);
  }
}

/* [severity] of a flat picture: mean, spread, part at 0, part at 255 */
typedef struct
{
  double mean, spread, black, white;
} flat;

static const struct
{
  corruption_type type;
  uint8_t grey;
  flat expected[5];
} flats[] = {
  /* *INDENT-OFF* */
  {CORRUPTION_GAUSSIAN_NOISE, 127, {{126.50, 20.40, 0, 0},
    {126.47, 30.60, 0, 0}, {126.54, 45.63, .003, .003},
    {126.51, 63.10, .029, .027}, {126.75, 80.82, .097, .093}}},
  {CORRUPTION_GAUSSIAN_NOISE, 30, {{30.17, 19.10, .078, 0},
    {32.21, 26.29, .172, 0}, {36.72, 35.96, .263, 0},
    {43.75, 48.22, .331, 0}, {54.90, 65.22, .382, .010}}},
  {CORRUPTION_GAUSSIAN_NOISE, 230, {{228.47, 18.57, 0, .110},
    {226.01, 25.44, 0, .207}, {221.22, 34.83, 0, .293},
    {213.84, 47.04, 0, .353}, {202.62, 63.94, .009, .398}}},
  {CORRUPTION_SHOT_NOISE, 127, {{126.63, 23.24, 0, 0},
    {126.61, 35.97, 0, 0}, {126.33, 51.09, .003, .020},
    {123.92, 73.28, .083, .107}, {119.49, 87.90, .224, .190}}},
  {CORRUPTION_SHOT_NOISE, 30, {{29.63, 11.29, 0, 0}, {29.59, 17.44, .053, 0},
    {29.72, 25.11, .244, 0}, {29.98, 39.07, .555, 0},
    {29.94, 50.25, .703, .006}}},
  {CORRUPTION_SHOT_NOISE, 230, {{225.81, 25.41, 0, .229},
    {220.11, 35.33, 0, .330}, {212.34, 46.96, 0, .400},
    {198.20, 66.34, .011, .470}, {186.42, 81.44, .067, .508}}},
  {CORRUPTION_IMPULSE_NOISE, 127, {{127, 22.10, .015, .015},
    {127, 31.25, .030, .030}, {127, 38.21, .045, .045},
    {127, 52.57, .085, .085}, {127, 66.33, .135, .135}}},
  /* *INDENT-ON* */
};

#define FLAT 500

static void
test_flat (void)
{
  static uint8_t plane[3 * FLAT * FLAT];
  uint8_t *planes[3] = { plane, plane + FLAT * FLAT, plane + 2 * FLAT * FLAT };
  char error[CORRUPTION_ERROR_SIZE];
  size_t f;
  int s, i, n = 3 * FLAT * FLAT;

  for (f = 0; f < sizeof (flats) / sizeof (flats[0]); f++)
    for (s = 0; s < 5; s++) {
      const flat *e = &flats[f].expected[s];
      corruption *c = corruption_new (flats[f].type, (unsigned) s + 1,
          CORRUPTION_HENDRYCKS, FLAT, FLAT, 3, NULL, error);
      double sum = 0, square = 0, black = 0, white = 0, mean, spread, slack;

      memset (plane, flats[f].grey, sizeof (plane));
      corruption_apply (c, planes, FLAT, 7, (uint64_t) s, error);
      corruption_free (c);
      for (i = 0; i < n; i++) {
        uint8_t v = plane[i];

        sum += v;
        square += v * v;
        black += v == 0;
        white += v == 255;
      }
      mean = sum / n;
      spread = sqrt (square / n - mean * mean);
      /* six standard errors, of both measurements */
      slack = 6 * e->spread * sqrt (1.0 / n + 1.0 / 3e6) + 0.02;
      TAP_OK (fabs (mean - e->mean) < slack
          && fabs (spread - e->spread) < slack
          && fabs (black / n - e->black) < .0025
          && fabs (white / n - e->white) < .0025,
          "%s %d of %u: %.2f+-%.2f (%.3f, %.3f) for %.2f+-%.2f (%.3f, %.3f)",
          corruption_name (flats[f].type), s + 1, flats[f].grey, mean, spread,
          black / n, white / n, e->mean, e->spread, e->black, e->white);
    }
}

/* Pieces last to first, each as if on a thread of its own. */
static void
run_backwards (void *user, void (*work) (void *data, unsigned index),
    void *data, unsigned count)
{
  while (count > 0)
    work (data, --count);
}

static const walloc_runner backwards = { run_backwards, NULL, 4 };

static int
is_without_jpeg (void)
{
  static uint8_t plane[3][64];
  uint8_t *planes[3] = { plane[0], plane[1], plane[2] };
  char error[CORRUPTION_ERROR_SIZE] = "";
  corruption *c = corruption_new (CORRUPTION_JPEG_COMPRESSION, 1,
      CORRUPTION_IMAGECORRUPTIONS, 8, 8, 3, NULL, error);
  int failed = c != NULL && !corruption_apply (c, planes, 8, 3, 0, error);

  corruption_free (c);
  return failed && strstr (error, "-Djpeg=enabled") != NULL;
}

/* Any size; the same by seed and frame, whatever the order of the work; other
 * with another seed or frame where it is random; samples beside the picture are
 * left alone. */
static void
test_every (void)
{
  static const unsigned sizes[][2] = { {1, 1}, {1, 40}, {2, 3}, {9, 1},
  {33, 17}, {97, 66}, {130, 200}
  };
  static uint8_t in[3][240 * 240], a[3][240 * 240], b[3][240 * 240];
  uint8_t *pa[3] = { a[0], a[1], a[2] }, *pb[3] = { b[0], b[1], b[2] };
  char error[CORRUPTION_ERROR_SIZE];
  unsigned t, v, s, z, i, planes, state = 5;

  for (t = 0; t < 3; t++)
    for (i = 0; i < sizeof (in[0]); i++)
      in[t][i] = (uint8_t) (tap_random (&state) >> 24);
  for (t = 0; t < CORRUPTION_TYPES; t++) {
    if (t == CORRUPTION_JPEG_COMPRESSION && is_without_jpeg ())
      continue;
    for (v = 0; v < 2; v++)
      for (s = 1; s <= 5; s += 2) {
        int ran = 1, same = 1, beside = 1, other = 1;

        for (z = s == 1 ? 0 : 5; z < sizeof (sizes) / sizeof (sizes[0]); z++)
          for (planes = 1; planes <= 3; planes += 2) {
            unsigned w = sizes[z][0], h = sizes[z][1], x, y;
            corruption *c = corruption_new (t, s, v, w, h, planes, NULL,
                error);
            corruption *d = corruption_new (t, s, v, w, h, planes, &backwards,
                error);

            memcpy (a, in, sizeof (in));
            memcpy (b, in, sizeof (in));
            ran = ran && c && d && corruption_apply (c, pa, 240, 3, 9, error)
                && corruption_apply (d, pb, 240, 3, 8, error);
            if (!ran)
              printf ("# %ux%ux%u: %s\n", w, h, planes, error);
            if (w > 90 && corruption_is_random (t, v))
              other = other && memcmp (a, b, sizeof (a)) != 0;
            memcpy (b, in, sizeof (in));
            ran = ran && corruption_apply (d, pb, 240, 3, 9, error);
            same = same && memcmp (a, b, sizeof (a)) == 0;
            for (i = 0; i < 3; i++)
              for (y = 0; y < 240; y++)
                for (x = 0; x < 240; x++)
                  if (i >= planes || y >= h || x >= w)
                    beside = beside && a[i][y * 240 + x] == in[i][y * 240 + x];
            corruption_free (c);
            corruption_free (d);
          }
        TAP_OK (ran && same && beside && other, "%s %u, %s, every size%s%s%s",
            corruption_name (t), s, v ? "imagecorruptions" : "hendrycks",
            same ? "" : ": threads change it", beside ? "" : ": beyond",
            other ? "" : ": the same for another frame");
      }
  }
}

/* The longest lines there are, and squares of two: in memory without a byte to
 * spare, for what watches over it. */
static void
test_thin (void)
{
  static const unsigned sizes[][2] = { {2, 2}, {16384, 1}, {1, 16384},
  {16384, 2}
  };
  char error[CORRUPTION_ERROR_SIZE] = "";
  unsigned t, v, z, p, state = 5;
  size_t i;

  for (t = 0; t < CORRUPTION_TYPES; t++) {
    int ran = 1;

    if (t == CORRUPTION_JPEG_COMPRESSION && is_without_jpeg ())
      continue;
    for (v = 0; v < 2; v++)
      for (z = 0; z < sizeof (sizes) / sizeof (sizes[0]); z++) {
        /* fog is made in a square */
        unsigned most = t == CORRUPTION_FOG ? 1024 : 16384;
        unsigned w = sizes[z][0] < most ? sizes[z][0] : most;
        unsigned h = sizes[z][1] < most ? sizes[z][1] : most;
        size_t size = (size_t) w * h;
        corruption *c = corruption_new (t, 5, v, w, h, 3, NULL, error);
        uint8_t *plane[3];

        for (p = 0; p < 3; p++) {
          plane[p] = malloc (size);
          for (i = 0; i < size; i++)
            plane[p][i] = (uint8_t) (tap_random (&state) >> 24);
        }
        ran = ran && c && corruption_apply (c, plane, w, 3, 9, error);
        corruption_free (c);
        for (p = 0; p < 3; p++)
          free (plane[p]);
      }
    TAP_OK (ran, "%s, long and small: %s", corruption_name (t), error);
  }
}

static void
test_refused (void)
{
  char error[CORRUPTION_ERROR_SIZE] = "";

  TAP_OK (!corruption_new (CORRUPTION_FOG, 6, 0, 8, 8, 3, NULL, error)
      && strstr (error, "severity"), "severity 6: %s", error);
  TAP_OK (!corruption_new (CORRUPTION_FOG, 1, 0, 8, 20000, 3, NULL, error)
      && strstr (error, "8x20000"), "too high: %s", error);
  TAP_OK (!corruption_new (CORRUPTION_FOG, 1, 0, 0, 8, 3, NULL, error)
      && strstr (error, "0x8"), "empty: %s", error);
  TAP_OK (!corruption_new (CORRUPTION_FOG, 1, 0, 8, 8, 2, NULL, error)
      && strstr (error, "planes"), "two planes: %s", error);
  TAP_OK (!corruption_new (CORRUPTION_TYPES, 1, 0, 8, 8, 3, NULL, error),
      "no such type: %s", error);
}

int
main (void)
{
  test_golden ();
  test_flat ();
  test_every ();
  test_thin ();
  test_refused ();
  return tap_done ();
}
