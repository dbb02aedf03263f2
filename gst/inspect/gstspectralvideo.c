/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Squared errors are of all components; spectra and SSIM of luma, of RGB
 * spectra are the mean of those of red, green and blue, and SSIM is of luma
 * made of them (BT.601). */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstspectralvideo.h"
#include "quality.h"

struct _GstSpectralVideo
{
  GstVideoInfo info;
  guint width, height, planes;
  gboolean rgb;
  InspectSpectrum *spectrum;
  InspectSsim *ssim;
  /* of each stream: planes that spectra are of, and luma */
  gfloat *plane[GST_SPECTRAL_STREAMS][GST_SPECTRAL_MAX_PLANES];
  gfloat *luma[GST_SPECTRAL_STREAMS];
};

GstSpectralVideo *
gst_spectral_video_new (const GstVideoInfo * info, InspectWindow window,
    guint bands, guint map)
{
  GstSpectralVideo *v = g_new0 (GstSpectralVideo, 1);

  v->info = *info;
  v->width = GST_VIDEO_INFO_WIDTH (info);
  v->height = GST_VIDEO_INFO_HEIGHT (info);
  v->rgb = GST_VIDEO_INFO_IS_RGB (info);
  v->planes = GST_VIDEO_INFO_IS_GRAY (info) ? 1 : 3;
  v->spectrum = inspect_spectrum_new (v->width, v->height, window, bands, map);
  v->ssim = inspect_ssim_new (v->width, v->height);
  if (!v->spectrum || !v->ssim) {
    gst_spectral_video_free (v);
    return NULL;
  }
  return v;
}

void
gst_spectral_video_free (GstSpectralVideo * v)
{
  guint i, p;

  if (!v)
    return;
  inspect_spectrum_free (v->spectrum);
  inspect_ssim_free (v->ssim);
  for (i = 0; i < GST_SPECTRAL_STREAMS; i++) {
    for (p = 0; p < GST_SPECTRAL_MAX_PLANES; p++)
      g_free (v->plane[i][p]);
    g_free (v->luma[i]);
  }
  g_free (v);
}

static gdouble
squared_error (const GstVideoFrame * a, const GstVideoFrame * b, guint comp)
{
  gint width = GST_VIDEO_FRAME_COMP_WIDTH (a, comp);
  gint height = GST_VIDEO_FRAME_COMP_HEIGHT (a, comp), x, y;
  gint step = GST_VIDEO_FRAME_COMP_PSTRIDE (a, comp);
  gdouble sum = 0.0;

  for (y = 0; y < height; y++) {
    const guint8 *pa = (const guint8 *) GST_VIDEO_FRAME_COMP_DATA (a, comp)
        + (gsize) y * GST_VIDEO_FRAME_COMP_STRIDE (a, comp);
    const guint8 *pb = (const guint8 *) GST_VIDEO_FRAME_COMP_DATA (b, comp)
        + (gsize) y * GST_VIDEO_FRAME_COMP_STRIDE (b, comp);
    /* 16384 squares of bytes are below 2^31 */
    guint row = 0;

    if (step == 1)
      for (x = 0; x < width; x++)
        row += (guint) ((pa[x] - pb[x]) * (pa[x] - pb[x]));
    else
      for (x = 0; x < width; x++)
        row += (guint) ((pa[x * step] - pb[x * step])
            * (pa[x * step] - pb[x * step]));
    sum += row;
  }
  return sum;
}

static gfloat *
fetch (GstSpectralVideo * v, gfloat ** plane, const GstVideoFrame * frame,
    guint comp)
{
  gint step = GST_VIDEO_FRAME_COMP_PSTRIDE (frame, comp);
  guint x, y;

  if (!*plane)
    *plane = g_new (gfloat, (gsize) v->width * v->height);
  for (y = 0; y < v->height; y++) {
    const guint8 *in = (const guint8 *) GST_VIDEO_FRAME_COMP_DATA (frame, comp)
        + (gsize) y * GST_VIDEO_FRAME_COMP_STRIDE (frame, comp);
    gfloat *out = *plane + (gsize) y * v->width;

    for (x = 0; x < v->width; x++)
      out[x] = in[x * step];
  }
  return *plane;
}

static void
fetch_all (GstSpectralVideo * v, guint stream, const GstVideoFrame * frame)
{
  gsize i, n = (gsize) v->width * v->height;
  gfloat *const *p = v->plane[stream];
  guint c;

  for (c = 0; c < (v->rgb ? 3 : 1); c++)
    fetch (v, &v->plane[stream][c], frame, c);
  if (!v->rgb)
    return;
  if (!v->luma[stream])
    v->luma[stream] = g_new (gfloat, n);
  for (i = 0; i < n; i++)
    v->luma[stream][i] = 0.299f * p[0][i] + 0.587f * p[1][i] + 0.114f * p[2][i];
}

static const gfloat *
luma_of (const GstSpectralVideo * v, guint stream)
{
  return v->rgb ? v->luma[stream] : v->plane[stream][0];
}

static void
measure (GstSpectralVideo * v, GstSpectralError error,
    GstSpectralResult * result)
{
  GstSpectralDifference *d = &result->error[error];
  guint from = gst_spectral_pairs[error].from, of =
      gst_spectral_pairs[error].of, c;
  guint count = v->rgb ? 3 : 1;
  gboolean first = error == GST_SPECTRAL_ERROR;
  gdouble ssim, ms_ssim;

  for (c = 0; c < count; c++)
    inspect_spectrum_pair (v->spectrum, v->plane[from][c], v->plane[of][c],
        first ? &result->ref : NULL, first ? &result->dist : NULL, &d->power);
  if (count > 1) {
    inspect_power_scale (&d->power, 1.0 / count, result->bands, result->map);
    if (first) {
      inspect_power_scale (&result->ref, 1.0 / count, result->bands, 0);
      inspect_power_scale (&result->dist, 1.0 / count, result->bands, 0);
    }
  }
  inspect_ssim_compare (v->ssim, luma_of (v, from), luma_of (v, of), &ssim,
      &ms_ssim);
  if (ssim == ssim) {
    d->ssim += ssim;
    d->n_ssim++;
  }
  if (ms_ssim == ms_ssim) {
    d->ms_ssim += ms_ssim;
    d->n_ms_ssim++;
  }
}

void
gst_spectral_video_compare (GstSpectralVideo * v,
    GstVideoFrame * const *frames, gboolean with_spectra,
    GstSpectralResult * result)
{
  static const gchar *const rgb[3] = { "r", "g", "b" };
  static const gchar *const yuv[3] = { "y", "u", "v" };
  guint i, p;

  result->planes = v->planes;
  for (p = 0; p < v->planes; p++)
    result->plane_names[p] = v->rgb ? rgb[p] : yuv[p];
  result->frames = 1;
  result->measured = with_spectra;
  if (with_spectra)
    for (i = 0; i < GST_SPECTRAL_STREAMS; i++)
      if (frames[i])
        fetch_all (v, i, frames[i]);
  for (i = 0; i < GST_SPECTRAL_ERRORS; i++) {
    GstVideoFrame *from = frames[gst_spectral_pairs[i].from], *of =
        frames[gst_spectral_pairs[i].of];
    GstSpectralDifference *d = &result->error[i];

    if (!from || !of)
      continue;
    result->have[i] = TRUE;
    for (p = 0; p < v->planes; p++) {
      d->square[p] = squared_error (of, from, p);
      d->samples[p] = (gdouble) GST_VIDEO_FRAME_COMP_WIDTH (of, p)
          * GST_VIDEO_FRAME_COMP_HEIGHT (of, p);
    }
    d->db = gst_spectral_result_psnr (result, i);
    if (with_spectra)
      measure (v, i, result);
  }
}
