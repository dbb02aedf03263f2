/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Complex transforms by the real ones of gstreamer-fft: of the real and of the
 * imaginary parts, each with a half spectrum that stands for both halves. */
#include "transform.h"

#include <gst/fft/gstfftf32.h>

struct _InspectTransform
{
  guint n;
  GstFFTF32 *fft;               /* NULL: n is 1 */
  gfloat *line;                 /* [n], one part of one lane */
  GstFFTF32Complex *half[2];    /* [n / 2 + 1], of both parts */
};

guint
inspect_transform_length (guint least)
{
  return least <= 1 ? 1 : (guint) gst_fft_next_fast_length ((gint) least);
}

InspectTransform *
inspect_transform_new (guint n)
{
  InspectTransform *t = g_new0 (InspectTransform, 1);
  gsize half = n / 2 + 1;

  g_return_val_if_fail (n == 1 || n % 2 == 0, NULL);
  t->n = n;
  if (n == 1)
    return t;
  t->line = g_try_new (gfloat, n);
  t->half[0] = g_try_new (GstFFTF32Complex, half);
  t->half[1] = g_try_new (GstFFTF32Complex, half);
  if (!t->line || !t->half[0] || !t->half[1]) {
    inspect_transform_free (t);
    return NULL;
  }
  t->fft = gst_fft_f32_new ((gint) n, FALSE);
  return t;
}

void
inspect_transform_free (InspectTransform * t)
{
  if (t == NULL)
    return;
  g_clear_pointer (&t->fft, gst_fft_f32_free);
  g_free (t->line);
  g_free (t->half[0]);
  g_free (t->half[1]);
  g_free (t);
}

/* The half spectrum of one lane's real (0) or imaginary (1) parts. */
static const GstFFTF32Complex *
part (InspectTransform * t, const gfloat * data, guint lane, guint which)
{
  const gfloat *from = data + (gsize) which * t->n * INSPECT_LANES + lane;
  guint j;

  for (j = 0; j < t->n; j++)
    t->line[j] = from[(gsize) j * INSPECT_LANES];
  gst_fft_f32_fft (t->fft, t->line, t->half[which]);
  return t->half[which];
}

void
inspect_transform_run (InspectTransform * t, gfloat * data)
{
  gfloat *re = data, *im = data + (gsize) t->n * INSPECT_LANES;
  guint lane, k;

  if (t->n == 1)
    return;
  for (lane = 0; lane < INSPECT_LANES; lane++) {
    const GstFFTF32Complex *a = part (t, data, lane, 0);
    const GstFFTF32Complex *b = part (t, data, lane, 1);

    for (k = 0; k <= t->n / 2; k++) {
      gsize at = (gsize) k * INSPECT_LANES + lane;

      re[at] = a[k].r - b[k].i;
      im[at] = a[k].i + b[k].r;
      if (k == 0 || k == t->n / 2)
        continue;
      at = (gsize) (t->n - k) * INSPECT_LANES + lane;
      re[at] = a[k].r + b[k].i;
      im[at] = b[k].r - a[k].i;
    }
  }
}

const gfloat *
inspect_transform_real (InspectTransform * t, const gfloat * line)
{
  g_return_val_if_fail (t->n > 1, NULL);
  gst_fft_f32_fft (t->fft, line, t->half[0]);
  return (const gfloat *) t->half[0];
}
