/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Quantiser, projections, dequantiser, float matrices and companding. */
#include "bottleneck/companding.h"
#include "bottleneck/linear.h"
#include "bottleneck/quantiser.h"
#include "bottleneck/sparse.h"
#include "transform/intwavelet.h"
#include "transform/strip.h"

#include <limits.h>
#include <math.h>
#include <string.h>

#include "tap.h"

static void
test_steps (void)
{
  unsigned i, bad = 0;
  double step, exact, worst = 0;

  for (i = 0; i <= WALLOC_STEP_MAX; i++) {
    step = (double) walloc_step_24 (i, 4096) / (1 << 24);
    exact = pow (2.0, i / 16.0);
    worst = fmax (worst, fabs (step / exact - 1));
    bad += i % 16 == 0 && step != exact;
  }
  TAP_OK (bad == 0 && worst < 1.3e-4, "step table, off by %.1e", worst);
}

enum
{ LANES = WALLOC_STRIP_LANES, PLACE = WALLOC_STRIP_ROWS * 2 * LANES };

/* Quantises one sum through the fastest kernel. */
static int
quantise_one (const walloc_quantiser * z, int32_t y)
{
  /* one input of value v times weight 16384, plus a second to reach any y */
  static const int16_t weights[2 * WALLOC_STRIP_CHANNELS] = { 16384, 1 };
  static _Alignas (64) int16_t coefs[PLACE];
  int16_t in[2][LANES] = { {0}
  }, out[LANES] = { 0 };
  int16_t fine;
  const uint16_t channel = 0;
  walloc_strip_group group = { 1, 0, 1, &channel,
    (const int32_t *) (const void *) weights, z
  };
  const walloc_strip_kernels *k = walloc_strip_best (0);

  in[0][0] = (int16_t) ((y + 8192) >> 14);
  in[1][0] = (int16_t) (y - in[0][0] * 16384);
  k->pair (in[0], in[1], coefs);
  k->project (&group, coefs, out, &fine, 0, 1);
  /* what is written beside the latents is what is quantised, coarser */
  if (abs (fine) < 32767 && abs (fine * 4 - (y >> z->down)) > 4)
    return INT_MIN;
  return out[0];
}

static void
test_quantiser (void)
{
  static const unsigned steps[] = { 0, 1, 15, 40, 77, 112, 143 };
  static const unsigned weights[] = { 64, 1000, 4096, 9999, 65535 };
  walloc_quantiser z;
  walloc_error error;
  unsigned s, w, r, i, bad = 0, checked = 0, seed = 9;
  int32_t y, q, minus;
  double step, value, exact;

  for (s = 0; s < 7; s++)
    for (w = 0; w < 5; w++)
      for (r = 0; r <= 128; r += 32) {
        bad += walloc_quantiser_init (&z, steps[s], weights[w], r, 12,
            &error) != WALLOC_OK;
        if (pow (2, steps[s] / 16.0) * weights[w] / 4096 > 2048) {
          /* greater than any value */
          bad += quantise_one (&z, 30000000) != 0;
          continue;
        }
        bad += z.factor < 1 << 14 || z.factor >= 1 << 15 || z.shift < 8 ||
            z.shift > 31 || z.offset != r << (z.shift - 8);
        step = (double) walloc_step_24 (steps[s], weights[w]) / (1 << 24);
        for (i = 0; i < 60; i++) {
          y = (int32_t) (tap_random (&seed) % 60000000) - 30000000;
          if (i < 20)
            y >>= i;
          q = quantise_one (&z, y);
          minus = quantise_one (&z, -y);
          /* 2^-6 is the resolution of y, 2^-14 that of the factor */
          value = fabs (y / pow (2, WALLOC_INT_FRACTION + 12));
          value = fmin (value, 98303 / 64.0);
          exact = value / step + r / 256.0;
          exact = fmin (exact, 16383.5);
          bad += abs (q) > exact + 1.0 / 64 / step + 1e-9;
          bad += abs (q) < exact - 1 - exact / 16384 - 1.0 / 64 / step;
          bad += (y < 0 && q > 0) || (y > 0 && q < 0);
          /* symmetric but for halves in the first rounding */
          bad += abs (q + minus) > 1 + 1.0 / 64 / step;
          checked++;
        }
      }
  TAP_OK (bad == 0, "quantiser: %u values as exact arithmetic says", checked);
  bad = 0;
  bad += walloc_quantiser_init (&z, 177, 4096, 0, 12, &error) !=
      WALLOC_ERR_ARGUMENT;
  bad += walloc_quantiser_init (&z, 0, 63, 0, 12, &error) !=
      WALLOC_ERR_ARGUMENT;
  bad += walloc_quantiser_init (&z, 0, 4096, 129, 12, &error) !=
      WALLOC_ERR_ARGUMENT;
  bad += walloc_quantiser_init (&z, 0, 4096, 0, 15, &error) !=
      WALLOC_ERR_ARGUMENT;
  bad += walloc_quantiser_init (&z, 176, 65535, 0, 7, &error) !=
      WALLOC_ERR_ARGUMENT;
  TAP_OK (bad == 0, "impossible steps are refused");
}

static void
test_projection (void)
{
  enum
  { INPUTS = 96, GROUP = 6 };
  static int32_t weights[2 * INPUTS / 2 * WALLOC_STRIP_CHANNELS];
  static int16_t matrix[GROUP][INPUTS], coef[INPUTS][LANES];
  static _Alignas (64) int16_t pairs[(INPUTS / 2 + 1) * PLACE];
  int16_t out[9][40], want[9][40], fine[9][40], want_fine[9][40];
  uint16_t channels[GROUP] = { 0, 2, 3, 5, 6, 8 };
  walloc_quantiser z[9];
  walloc_strip_group group = { INPUTS / 2, 1, GROUP, channels, weights, z };
  const walloc_strip_kernels *k;
  unsigned seed = 4, c, i, x, n, bad, width;
  int64_t sum;
  int32_t y, q;

  for (c = 0; c < 9; c++)
    walloc_quantiser_init (&z[c], 20 + 5 * c, 4096, 100, 14, NULL);
  for (c = 0; c < GROUP; c++)
    for (i = 0; i < INPUTS; i++)
      matrix[c][i] = (int16_t) (tap_random (&seed) % 1365 - 682);
  for (c = 0; c < GROUP; c++)
    for (i = 0; i < INPUTS; i += 2)
      memcpy (&weights[(c / 4 * INPUTS / 2 + i / 2) * 4 + c % 4],
          &matrix[c][i], 4);
  for (i = 0; i < INPUTS; i++)
    for (x = 0; x < LANES; x++)
      coef[i][x] = (int16_t) (tap_random (&seed) >> 9);
  for (n = 0; (k = walloc_strip_best (n)) != NULL; n++) {
    for (i = 0; i < INPUTS; i += 2)
      k->pair (coef[i], coef[i + 1], pairs +
          (i / 2 + 1) * WALLOC_STRIP_ROWS * 2 * k->lanes);
    for (width = 1, bad = 0; width <= k->lanes; width++) {
      memset (want, 0x55, sizeof want);
      memset (want_fine, 0x55, sizeof fine);
      memset (out, 0x55, sizeof out);
      memset (fine, 0x55, sizeof fine);
      for (c = 0; c < GROUP; c++)
        for (x = 0; x < width; x++) {
          for (sum = 0, i = 0; i < INPUTS; i++)
            sum += coef[i][x] * matrix[c][i];
          i = channels[c];
          y = (int32_t) ((sum + (1 << (z[i].down - 1))) >> z[i].down);
          y = y > 98303 ? 98303 : y < -98303 ? -98303 : y;
          q = (int32_t) (((uint64_t) abs (y) * z[i].factor + z[i].offset) >>
              z[i].shift);
          q = q > 16383 ? 16383 : q;
          want[i][x] = (int16_t) (y < 0 ? -q : q);
          y = (int32_t) ((sum + (1 << (z[i].down + 1))) >> (z[i].down + 2));
          want_fine[i][x] = (int16_t) (y > 32767 ? 32767 : y < -32768 ?
              -32768 : y);
        }
      k->project (&group, pairs, &out[0][0], NULL, 40, width);
      bad += memcmp (want, out, sizeof out) != 0;
      /* latents do not depend on whether the values are wanted */
      k->project (&group, pairs, &out[0][0], &fine[0][0], 40, width);
      bad += memcmp (want, out, sizeof out) != 0;
      bad += memcmp (want_fine, fine, sizeof fine) != 0;
    }
    TAP_OK (bad == 0, "%s: projection of 1 to %u columns", k->name, k->lanes);
  }
}

static void
test_dequantiser (void)
{
  static const float recon[3] = { 0.125f, 0.0625f, -0.25f };
  int16_t q[21];
  float out[32], expect;
  unsigned x, bad = 0;

  for (x = 0; x < 21; x++)
    q[x] = (int16_t) ((int) x - 10);
  q[20] = -16383;
  walloc_sparse_values (q, 21, recon, 1.5f, out);
  for (x = 0; x < 21; x++) {
    expect = q[x] == 0 ? 0 : ((float) abs (q[x]) -
        recon[abs (q[x]) > 3 ? 2 : abs (q[x]) - 1]) * 1.5f;
    bad += out[x] != (q[x] < 0 ? -expect : expect);
  }
  for (; x < 32; x++)
    bad += out[x] != 0;
  TAP_OK (bad == 0, "dequantiser");
}

/* Rows of all widths, over a number, with runs that are left out. */
static void
test_rows (void)
{
  static const float recon[3] = { 0.1f, 0.07f, -0.3f };
  static int16_t q[300];
  static float out[304], want[304], steps[300], sum[300];
  unsigned seed = 5, n, x, bad = 0;
  volatile float part;          /* rounded, where a test may use fma */
  uint32_t runs;

  for (n = 1; n <= 300; n++) {
    for (x = 0; x < n; x++)
      q[x] = (int16_t) (x / 64 % 2 ? 0 : (int) (tap_random (&seed) >> 20) %
          9 - 4);
    runs = walloc_sparse_look (q, n).runs;
    walloc_sparse_values (q, n, recon, 1.7f, want);
    for (x = 0; x < 304; x++)
      out[x] = 99;
    walloc_sparse_row (q, n, runs, recon, 1.7f, 0.3f, out);
    for (x = 0; x < n; x++)
      bad += out[x] != want[x] / 0.3f;
    for (; x < 304; x++)
      bad += out[x] != 99;
    for (x = 0; x < n; x++) {
      steps[x] = (float) (tap_random (&seed) >> 20) / 100;
      sum[x] = (float) x;
    }
    walloc_scaled_add (out, steps, 0.7f, n, sum);
    for (x = 0; x < n; x++) {
      part = out[x] * steps[x] * 0.7f;
      bad += sum[x] != (float) x + part;
    }
  }
  TAP_OK (bad == 0, "rows of 1 to 300 for networks, and from them");
}

static void
test_linear (void)
{
  static float in[5][48], matrix[9][11], bias[11], out[11][48], once[11][48];
  const uint16_t rows[5] = { 0, 2, 3, 7, 8 };
  unsigned seed = 8, i, k, x, bad = 0;
  double sum, worst = 0;
  float padded[6][48];

  for (i = 0; i < 5; i++)
    for (x = 0; x < 48; x++)
      in[i][x] = (float) ((int) (tap_random (&seed) >> 20) - 2048) / 100;
  for (i = 0; i < 9; i++)
    for (k = 0; k < 11; k++)
      matrix[i][k] = (float) ((int) (tap_random (&seed) >> 20) - 2048) / 999;
  for (k = 0; k < 11; k++)
    bias[k] = (float) k / 7;
  walloc_linear (&in[0][0], 48, 5, &matrix[0][0], 11, 1, rows, bias, 11, 37,
      &out[0][0], 48);
  for (k = 0; k < 11; k++)
    for (x = 0; x < 37; x++) {
      sum = bias[k];
      for (i = 0; i < 5; i++)
        sum += (double) in[i][x] * matrix[rows[i]][k];
      worst = fmax (worst, fabs (sum - out[k][x]));
    }
  TAP_OK (worst < 1e-4, "matrix in float, off by %.1e", worst);
  walloc_linear (&in[0][0], 48, 1, &matrix[0][0], 1, 9, NULL, NULL, 11, 16,
      &once[0][0], 48);
  for (k = 0; k < 11; k++)
    bad += once[k][3] != in[0][3] * (&matrix[0][0])[9 * k];
  TAP_OK (bad == 0, "columns of a transposed matrix");
  /* a row of zeros changes no bit: the decoder leaves them out */
  memcpy (padded, in, sizeof in);
  memmove (padded[3], padded[2], 3 * sizeof padded[0]);
  memset (padded[2], 0, sizeof padded[2]);
  {
    const uint16_t more[6] = { 0, 2, 6, 3, 7, 8 };
    static float again[11][48];

    walloc_linear (&padded[0][0], 48, 6, &matrix[0][0], 11, 1, more, bias,
        11, 37, &again[0][0], 48);
    TAP_OK (memcmp (again, out, sizeof out) == 0, "rows of zeros are free");
  }
}

static void
test_companding (void)
{
  /* latent bits: greatest value before rounding, scale (walloc.py's
   * EntropyBottleneck, computed independently) */
  static const struct
  {
    unsigned bits;
    double most, scale;
  } published[] = {
    {8, 127.499, 68.6486486}, {6, 31.499, 16.7567568}, {4, 7.499, 3.7837838},
    {3, 3.499, 1.6216216}, {2, 1.499, 0.5405405}
  };
  walloc_companding c;
  unsigned i, b, bad = 0, seed = 2;
  int k, half;
  float x[4], below;
  int16_t q[4];
  double y;

  for (i = 0; i < 5; i++) {
    b = published[i].bits;
    bad += fabs (walloc_to_uniform (1e9, b) - published[i].most) > 1e-9;
    /* Phi (1) - Phi (-1) = 0.682689492137086 */
    bad += fabs (walloc_to_uniform (published[i].scale, b) -
        published[i].most * 0.682689492137086) > 1e-5;
  }
  TAP_OK (bad == 0, "companding constants are the published ones");
  bad = fabs (walloc_to_normal (127, 8) - 198.053452) > 1e-4;
  bad += fabs (walloc_to_normal (127.499, 8) - 255.305456) > 1e-4;
  bad += walloc_to_normal (0, 8) != 0;
  TAP_OK (bad == 0, "inverse saturates where the published one does");

  for (b = 2; b <= 8; b++) {
    walloc_companding_init (&c, b);
    half = (1 << (b - 1)) - 1;
    bad = c.half != half;
    for (k = 0; k < 2 * half; k++) {
      below = nextafterf (c.limit[k], -INFINITY);
      bad += rint (walloc_to_uniform (c.limit[k], b)) < k - half + 1;
      bad += rint (walloc_to_uniform (below, b)) >= k - half + 1;
    }
    for (k = -half; k <= half; k++) {
      /* what is not clamped comes back */
      y = walloc_to_uniform (walloc_to_normal (k, b), b);
      bad += fabs (y - k) > 1e-9 && abs (k) < half;
      x[0] = c.value[k + half];
      walloc_compand (&c, x, 1, q);
      bad += q[0] != k;
    }
    for (i = 0; i < 3000; i++) {
      x[0] = (float) ((int) (tap_random (&seed) >> 12) - 524288) /
          (float) (1 << (8 + (14 - b)));
      walloc_compand (&c, x, 1, q);
      bad += q[0] != (int) rint (walloc_to_uniform (x[0], b));
    }
    x[0] = INFINITY;
    x[1] = -INFINITY;
    x[2] = NAN;
    x[3] = -0.0f;
    walloc_compand (&c, x, 4, q);
    bad += q[0] != half || q[1] != -half || q[2] != -half || q[3] != 0;
    TAP_OK (bad == 0, "companding at %u bits", b);
  }
}

int
main (void)
{
  test_steps ();
  test_quantiser ();
  test_projection ();
  test_dequantiser ();
  test_rows ();
  test_linear ();
  test_companding ();
  return tap_done ();
}
