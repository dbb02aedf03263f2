/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "quality.h"

#include <math.h>
#include <string.h>

#include "transform/clones.h"
#include "vector.h"

#define TAPS 11
#define MIDDLE (TAPS / 2)
#define SCALES 5
#define MOMENTS 4               /* a, b, a a + b b, a b */
/* Columns that are done at once: their blurred rows stay in the cache. */
#define TILE 128
#define VECTORS (TILE / INSPECT_VECTOR)
/* Variances do not mind, and their differences lose fewer digits. */
#define OFFSET 128.0f

struct _InspectSsim
{
  guint width, height;
  gfloat tap[MIDDLE + 1];       /* to the middle; the others are the same */
  gfloat *half[2][2];           /* planes of two scales in turn */
};

gdouble
inspect_psnr (gdouble error, gdouble full)
{
  return error <= 0.0 ? INSPECT_PSNR_SAME :
      MIN (10 * log10 (full * full / error), INSPECT_PSNR_SAME);
}

InspectSsim *
inspect_ssim_new (guint width, guint height)
{
  InspectSsim *s = g_new0 (InspectSsim, 1);
  gsize quarter = (gsize) (width / 2) * (height / 2);
  gdouble sum = 0.0, tap[TAPS];
  guint i, k;

  s->width = width;
  s->height = height;
  for (i = 0; i < TAPS; i++) {
    tap[i] = exp (-((gdouble) i - 5) * ((gdouble) i - 5) / (2 * 1.5 * 1.5));
    sum += tap[i];
  }
  for (i = 0; i <= MIDDLE; i++)
    s->tap[i] = (gfloat) (tap[i] / sum);
  for (i = 0; i < 2; i++)
    for (k = 0; k < 2; k++)
      s->half[i][k] = g_try_new (gfloat, quarter / (i ? 4 : 1) + 1);
  if (!s->half[0][0] || !s->half[0][1] || !s->half[1][0] || !s->half[1][1]) {
    inspect_ssim_free (s);
    return NULL;
  }
  return s;
}

void
inspect_ssim_free (InspectSsim * s)
{
  guint i;

  if (s == NULL)
    return;
  for (i = 0; i < 4; i++)
    g_free (s->half[i / 2][i % 2]);
  g_free (s);
}

typedef InspectFloats Floats;

/* n + TAPS - 1 samples of two rows, to moments blurred along them. What lies
 * beyond the last one in its vector is nobody's. */
WALLOC_INLINE void
blur_row (const gfloat * tap, const gfloat * a, const gfloat * b, guint n,
    gfloat moment[MOMENTS][TILE + 2 * INSPECT_VECTOR], guint vectors,
    Floats to[MOMENTS][VECTORS])
{
  guint m, x, k;

  for (x = 0; x < n + TAPS - 1; x++) {
    gfloat va = a[x] - OFFSET, vb = b[x] - OFFSET;

    moment[0][x] = va;
    moment[1][x] = vb;
    moment[2][x] = va * va + vb * vb;
    moment[3][x] = va * vb;
  }
  for (m = 0; m < MOMENTS; m++)
    for (x = 0; x < vectors; x++) {
      const gfloat *in = moment[m] + x * INSPECT_VECTOR;
      Floats v = tap[MIDDLE] * *(const Floats *) (in + MIDDLE);

      for (k = 0; k < MIDDLE; k++)
        v += tap[k] * (*(const Floats *) (in + k)
            + *(const Floats *) (in + TAPS - 1 - k));
      to[m][x] = v;
    }
}

/* Moments of rows, in the order of @row, blurred across. */
WALLOC_INLINE void
blur_across (const gfloat * tap, Floats ring[TAPS][MOMENTS][VECTORS],
    const guint8 * row, guint x, Floats to[MOMENTS])
{
  guint m, k;

  for (m = 0; m < MOMENTS; m++) {
    Floats v = tap[MIDDLE] * ring[row[MIDDLE]][m][x];

    for (k = 0; k < MIDDLE; k++)
      v += tap[k] * (ring[row[k]][m][x] + ring[row[TAPS - 1 - k]][m][x]);
    to[m] = v;
  }
}

/* Sums over @n columns. */
WALLOC_CLONES static void
compare_tile (const gfloat * tap, const gfloat * a, const gfloat * b,
    guint width, guint height, guint n, gdouble * all, gdouble * contrast)
{
  const gfloat c1 = 0.01f * 255 * 0.01f * 255, c2 = 0.03f * 255 * 0.03f * 255;
  guint vectors = (n + INSPECT_VECTOR - 1) / INSPECT_VECTOR;
  gfloat moment[MOMENTS][TILE + 2 * INSPECT_VECTOR] = { {0.0f} };
  Floats ring[TAPS][MOMENTS][VECTORS];
  InspectDoubles sum[2][VECTORS] = { {{0.0}} };
  guint8 row[TAPS];
  guint k, x, y;

  for (y = 0; y < height; y++) {
    blur_row (tap, a + (gsize) y * width, b + (gsize) y * width, n, moment,
        vectors, ring[y % TAPS]);
    if (y + 1 < TAPS)
      continue;
    for (k = 0; k < TAPS; k++)
      row[k] = (guint8) ((y + 1 + k) % TAPS);
    for (x = 0; x < vectors; x++) {
      Floats v[MOMENTS], squares, product, cs, ma, mb;

      blur_across (tap, ring, row, x, v);
      squares = v[2] - v[0] * v[0] - v[1] * v[1];
      product = v[3] - v[0] * v[1];
      cs = (2.0f * product + c2) / (squares + c2);
      ma = v[0] + OFFSET;
      mb = v[1] + OFFSET;
      sum[0][x] += __builtin_convertvector (cs * (2.0f * ma * mb + c1)
          / (ma * ma + mb * mb + c1), InspectDoubles);
      sum[1][x] += __builtin_convertvector (cs, InspectDoubles);
    }
  }
  for (x = 0; x < n; x++) {
    *all += sum[0][x / INSPECT_VECTOR][x % INSPECT_VECTOR];
    *contrast += sum[1][x / INSPECT_VECTOR][x % INSPECT_VECTOR];
  }
}

/* Means of luminance times contrast and structure, and of the latter alone. */
static void
compare_scale (InspectSsim * s, const gfloat * a, const gfloat * b,
    guint width, guint height, gdouble * all, gdouble * contrast)
{
  guint n = width - TAPS + 1, rows = height - TAPS + 1, x;

  *all = *contrast = 0.0;
  for (x = 0; x < n; x += TILE)
    compare_tile (s->tap, a + x, b + x, width, height, MIN (TILE, n - x), all,
        contrast);
  *all /= (gdouble) n *rows;
  *contrast /= (gdouble) n *rows;
}

WALLOC_CLONES static void
halve (const gfloat * in, guint width, guint height, gfloat * out)
{
  guint w = width / 2, h = height / 2, x, y;

  for (y = 0; y < h; y++) {
    const gfloat *a = in + (gsize) 2 * y * width, *b = a + width;

    for (x = 0; x < w; x++)
      out[(gsize) y * w + x] = 0.25f * (a[2 * x] + a[2 * x + 1] + b[2 * x]
          + b[2 * x + 1]);
  }
}

void
inspect_ssim_compare (InspectSsim * s, const gfloat * a, const gfloat * b,
    gdouble * ssim, gdouble * ms_ssim)
{
  static const gdouble weight[SCALES] = {
    0.0448, 0.2856, 0.3001, 0.2363, 0.1333
  };
  guint width = s->width, height = s->height, scale;
  gboolean several = MIN (width, height) >= INSPECT_MS_SSIM_SIDE;
  gdouble product = 1.0, all, contrast;

  *ssim = *ms_ssim = NAN;
  if (MIN (width, height) < INSPECT_SSIM_SIDE)
    return;
  for (scale = 0; scale < (several ? SCALES : 1); scale++) {
    compare_scale (s, a, b, width, height, &all, &contrast);
    if (scale == 0)
      *ssim = all;
    product *= pow (MAX (scale == SCALES - 1 ? all : contrast, 0.0),
        weight[scale]);
    if (several && scale < SCALES - 1) {
      halve (a, width, height, s->half[scale & 1][0]);
      halve (b, width, height, s->half[scale & 1][1]);
      a = s->half[scale & 1][0];
      b = s->half[scale & 1][1];
      width /= 2;
      height /= 2;
    }
  }
  if (several)
    *ms_ssim = product;
}
