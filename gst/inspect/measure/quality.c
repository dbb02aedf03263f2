/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "quality.h"

#include <math.h>
#include <string.h>

#define TAPS 11
#define SCALES 5
#define MOMENTS 5               /* a, b, a a, b b, a b */

struct _InspectSsim
{
  guint width, height;
  gfloat tap[TAPS];
  gfloat *lines;                /* [TAPS][MOMENTS][width]: rows that were blurred */
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
  for (i = 0; i < TAPS; i++)
    s->tap[i] = (gfloat) (tap[i] / sum);
  s->lines = g_try_new (gfloat, (gsize) TAPS * MOMENTS * width);
  for (i = 0; i < 2; i++)
    for (k = 0; k < 2; k++)
      s->half[i][k] = g_try_new (gfloat, quarter / (i ? 4 : 1) + 1);
  if (!s->lines || !s->half[0][0] || !s->half[0][1] || !s->half[1][0]
      || !s->half[1][1]) {
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
  g_free (s->lines);
  for (i = 0; i < 4; i++)
    g_free (s->half[i / 2][i % 2]);
  g_free (s);
}

/* Row y of the five moments, blurred along x. */
static void
blur_line (InspectSsim * s, const gfloat * a, const gfloat * b, guint width,
    guint y)
{
  gfloat *to = s->lines + (gsize) (y % TAPS) * MOMENTS * s->width;
  guint n = width - TAPS + 1, x, k;

  a += (gsize) y *width;
  b += (gsize) y *width;
  memset (to, 0, (gsize) MOMENTS * s->width * sizeof (gfloat));
  for (k = 0; k < TAPS; k++) {
    gfloat tap = s->tap[k], *sa = to, *sb = to + s->width;
    gfloat *aa = sb + s->width, *bb = aa + s->width, *ab = bb + s->width;

    for (x = 0; x < n; x++) {
      gfloat va = a[x + k], vb = b[x + k];

      sa[x] += tap * va;
      sb[x] += tap * vb;
      aa[x] += tap * va * va;
      bb[x] += tap * vb * vb;
      ab[x] += tap * va * vb;
    }
  }
}

/* Means of luminance times contrast and structure, and of the latter alone. */
static void
compare_scale (InspectSsim * s, const gfloat * a, const gfloat * b,
    guint width, guint height, gdouble * all, gdouble * contrast)
{
  const gdouble c1 = 0.01 * 255 * 0.01 * 255, c2 = 0.03 * 255 * 0.03 * 255;
  guint n = width - TAPS + 1, rows = height - TAPS + 1, x, y, k, m;
  gdouble sum = 0.0, sum_contrast = 0.0;

  for (y = 0; y < height; y++) {
    gdouble row = 0.0, row_contrast = 0.0;

    blur_line (s, a, b, width, y);
    if (y + 1 < TAPS)
      continue;
    for (x = 0; x < n; x++) {
      gdouble v[MOMENTS] = { 0.0 }, aa, bb, ab, cs;

      for (k = 0; k < TAPS; k++) {
        const gfloat *line = s->lines + (gsize) ((y - TAPS + 1 + k) % TAPS)
            * MOMENTS * s->width + x;

        for (m = 0; m < MOMENTS; m++)
          v[m] += s->tap[k] * line[(gsize) m * s->width];
      }
      aa = v[2] - v[0] * v[0];
      bb = v[3] - v[1] * v[1];
      ab = v[4] - v[0] * v[1];
      cs = (2 * ab + c2) / (aa + bb + c2);
      row_contrast += cs;
      row += cs * (2 * v[0] * v[1] + c1) / (v[0] * v[0] + v[1] * v[1] + c1);
    }
    sum += row;
    sum_contrast += row_contrast;
  }
  *all = sum / ((gdouble) n * rows);
  *contrast = sum_contrast / ((gdouble) n * rows);
}

static void
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
