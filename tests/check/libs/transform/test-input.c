/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* 8-bit pictures to planes and back. */
#include "tap.h"
#include "transform/input.h"
#include "transform/intwavelet.h"

#include <math.h>
#include <string.h>

#define ONE (1 << WALLOC_INT_FRACTION)

static void
test_u8 (void)
{
  enum
  { W = 37, H = 5, OW = 40, OH = 8, STRIDE = 37 * 4 + 3 };
  uint8_t picture[STRIDE * H];
  int16_t plane[OH][OW + 1];
  unsigned step, seed = 1;
  size_t i, x, y, bad = 0;

  for (i = 0; i < sizeof picture; i++)
    picture[i] = (uint8_t) (tap_random (&seed) >> 24);
  for (step = 1; step <= 4; step++) {
    memset (plane, 0x55, sizeof plane);
    bad += walloc_input_u8 (picture, STRIDE, step, W, H, plane[0], OW + 1,
        OW, OH, NULL) != WALLOC_OK;
    for (y = 0; y < OH; y++) {
      for (x = 0; x < OW; x++) {
        size_t sy = y < H ? y : H - 1, sx = x < W ? x : W - 1;

        bad += plane[y][x] != (picture[sy * STRIDE + sx * step] - 128) * ONE;
      }
      bad += plane[y][OW] != 0x5555;
    }
  }
  /* bottom-up */
  bad += walloc_input_u8 (picture + (H - 1) * STRIDE, -STRIDE, 1, W, H,
      plane[0], OW + 1, W, H, NULL) != WALLOC_OK;
  for (y = 0; y < H; y++)
    for (x = 0; x < W; x++)
      bad += plane[y][x] != (picture[(H - 1 - y) * STRIDE + x] - 128) * ONE;
  TAP_OK (bad == 0, "components of step 1 to 4, extended, bottom-up");
}

static int
rounded (long a, long b, long c, const int *rgb, int offset)
{
  double v = ((double) a * rgb[0] + (double) b * rgb[1] + (double) c * rgb[2])
      / 32768.0 * ONE;

  return (int) floor (v + 0.5) - offset * ONE;
}

static void
test_rgb (void)
{
  enum
  { N = 1 << 15 };
  static const unsigned orders[6][5] = { {3, 0, 1, 2}, {3, 2, 1, 0},
  {4, 0, 1, 2}, {4, 2, 1, 0}, {4, 1, 2, 3}, {4, 3, 1, 0}
  };
  uint8_t *picture = malloc (4 * N), *back = malloc (4 * N);
  int16_t *planes = malloc (3 * N * sizeof *planes);
  float *floats = malloc (3 * N * sizeof *floats);
  unsigned o, seed = 3, c;
  size_t i;

  if (picture == NULL || back == NULL || planes == NULL || floats == NULL)
    exit (99);
  for (o = 0; o < 6; o++) {
    unsigned step = orders[o][0];
    const unsigned *at = orders[o] + 1;
    size_t bad = 0, wrong = 0;
    double worst = 0.0;

    for (i = 0; i < 4 * N; i++)
      picture[i] = (uint8_t) (tap_random (&seed) >> 24);
    /* corners of the cube, which reach the ends of the ranges */
    for (i = 0; i < 64; i++)
      picture[i] = (i * 7 + i / 5) & 1 ? 255 : 0;
    bad += walloc_input_rgb (picture, 256 * step, step, at, 256, N / 256,
        planes, planes + N, planes + 2 * N, 256, 256, N / 256, NULL)
        != WALLOC_OK;
    for (i = 0; i < N; i++) {
      const uint8_t *p = picture + i * step;
      int rgb[3] = { p[at[0]], p[at[1]], p[at[2]] };
      double exact = 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2];

      bad += planes[i] != rounded (9798, 19235, 3735, rgb, 128);
      bad += planes[N + i] != rounded (-5529, -10855, 16384, rgb, 0);
      bad += planes[2 * N + i] != rounded (16384, -13720, -2664, rgb, 0);
      exact = fabs (exact - 128.0 - (double) planes[i] / ONE);
      worst = exact > worst ? exact : worst;
      for (c = 0; c < 3; c++) {
        bad += abs (planes[c * N + i]) > 128 * ONE;
        floats[c * N + i] = (float) planes[c * N + i] / ONE;
      }
    }
    TAP_OK (bad == 0 && worst < 0.04, "order %u: Y, Cb, Cr as documented, "
        "at most %.3f grey levels from BT.601", o, worst);
    memset (back, 99, 4 * N);
    bad = walloc_output_rgb (floats, floats + N, floats + 2 * N, 256, 256,
        N / 256, 1.0f, 128.0f, back, 256 * step, step, at, 7, NULL)
        != WALLOC_OK;
    for (i = 0; i < N; i++) {
      for (c = 0; c < 3; c++)
        wrong += back[i * step + at[c]] != picture[i * step + at[c]];
      if (step == 4)
        bad += back[i * 4 + 6 - at[0] - at[1] - at[2]] != 7;
    }
    TAP_OK (bad == 0 && wrong == 0, "order %u: and back without loss", o);
    if (step == 4) {
      memset (back, 99, 4 * N);
      bad = walloc_output_rgb (floats, floats + N, floats + 2 * N, 256, 256,
          N / 256, 1.0f, 128.0f, back, 1024, 4, at, -1, NULL) != WALLOC_OK;
      for (i = 0; i < N; i++)
        bad += back[i * 4 + 6 - at[0] - at[1] - at[2]] != 99
            || back[i * 4 + at[1]] != picture[i * 4 + at[1]];
      TAP_OK (bad == 0, "order %u: fourth byte left alone", o);
    }
  }
  free (picture);
  free (back);
  free (planes);
  free (floats);
}

static void
test_output (void)
{
  float in[12] = { 0.0f, -128.0f, 127.0f, 127.4f, 127.6f, 1e30f, -1e30f, NAN,
    INFINITY, -INFINITY, -0.5f, 0.5f
  };
  static const uint8_t want[12] = { 128, 0, 255, 255, 255, 255, 0, 0, 255, 0,
    128, 129
  };
  uint8_t out[48];
  unsigned step, i;
  size_t bad = 0;

  for (step = 1; step <= 4; step++) {
    memset (out, 1, sizeof out);
    bad += walloc_output_u8 (in, 12, 12, 1, 1.0f, 128.0f, out, 0, step, NULL)
        != WALLOC_OK;
    for (i = 0; i < 12 * step; i++)
      bad += out[i] != (i % step == 0 ? want[i / step] : 1);
  }
  TAP_OK (bad == 0, "rounding and clamping, step 1 to 4");
  in[0] = -0.5f;
  in[1] = 0.5f;
  in[2] = 0.0f;
  walloc_output_u8 (in, 3, 3, 1, 255.0f, 127.5f, out, 3, 1, NULL);
  TAP_OK (out[0] == 0 && out[1] == 255 && out[2] == 128,
      "planes in [-0.5, 0.5]");
}

static void
test_arguments (void)
{
  static const unsigned rgb[3] = { 0, 1, 2 }, twice[3] = { 0, 1, 1 };
  static const unsigned far[3] = { 1, 2, 3 };
  uint8_t p[64] = { 0 };
  int16_t a[64];
  float f[64] = { 0 };
  walloc_error error;

#define IN(p, s, step, w, h, a, as, ow, oh) \
  (walloc_input_u8 (p, s, step, w, h, a, as, ow, oh, &error) \
      == WALLOC_ERR_ARGUMENT && error.text[0] != 0)
  TAP_OK (IN (NULL, 4, 1, 4, 4, a, 4, 4, 4) && IN (p, 4, 1, 4, 4, NULL, 4, 4,
          4) && IN (p, 4, 0, 4, 4, a, 4, 4, 4) && IN (p, 4, 5, 1, 4, a, 4, 4,
          4) && IN (p, 4, 1, 0, 4, a, 4, 4, 4) && IN (p, 4, 1, 4, 0, a, 4, 4,
          4) && IN (p, 3, 1, 4, 4, a, 4, 4, 4) && IN (p, 4, 2, 4, 4, a, 4, 4,
          4) && IN (p, 4, 1, 4, 4, a, 3, 4, 4) && IN (p, 4, 1, 4, 4, a, 4, 3,
          4) && IN (p, 4, 1, 4, 4, a, 4, 4, 3)
      && IN (p, 4, 1, SIZE_MAX, 1, a, 4, SIZE_MAX, 1)
      && IN (p, PTRDIFF_MIN, 1, 4, 4, a, 4, 4, 4)
      && IN (p, 4, 1, 4, 4, a, SIZE_MAX / 4, 4, 4), "bad u8 input");
  TAP_OK (walloc_input_rgb (p, 12, 3, twice, 4, 4, a, a, a, 4, 4, 4, NULL) < 0
      && walloc_input_rgb (p, 12, 3, far, 4, 4, a, a, a, 4, 4, 4, NULL) < 0
      && walloc_input_rgb (p, 12, 3, NULL, 4, 4, a, a, a, 4, 4, 4, NULL) < 0
      && walloc_input_rgb (p, 12, 2, rgb, 4, 4, a, a, a, 4, 4, 4, NULL) < 0
      && walloc_input_rgb (p, 12, 3, rgb, 4, 4, a, NULL, a, 4, 4, 4, NULL) < 0
      && walloc_input_rgb (p, 12, 3, rgb, 4, 4, a, a, NULL, 4, 4, 4, NULL) < 0
      && walloc_input_rgb (p, 11, 3, rgb, 4, 4, a, a, a, 4, 4, 4, NULL) < 0,
      "bad RGB input");
  TAP_OK (walloc_output_u8 (NULL, 4, 4, 4, 1, 0, p, 4, 1, NULL) < 0
      && walloc_output_u8 (f, 4, 4, 4, 1, 0, NULL, 4, 1, NULL) < 0
      && walloc_output_u8 (f, 3, 4, 4, 1, 0, p, 4, 1, NULL) < 0
      && walloc_output_u8 (f, 4, 4, 4, 1, 0, p, 4, 9, NULL) < 0
      && walloc_output_rgb (f, f, NULL, 4, 4, 4, 1, 0, p, 12, 3, rgb, -1,
          NULL) < 0
      && walloc_output_rgb (f, f, f, 4, 4, 4, 1, 0, p, 12, 3, twice, -1,
          NULL) < 0
      && walloc_output_rgb (f, f, f, 4, 4, 4, 1, 0, p, 12, 3, rgb, 256,
          NULL) < 0, "bad output");
}

int
main (void)
{
  test_u8 ();
  test_rgb ();
  test_output ();
  test_arguments ();
  return tap_done ();
}
