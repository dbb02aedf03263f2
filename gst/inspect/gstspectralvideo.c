/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Squared errors are of all components; spectra and SSIM of luma, of RGB
 * spectra are the mean of those of red, green and blue, and SSIM is of luma
 * made of them (BT.601). */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstspectralvideo.h"
#include "quality.h"
#include "samples.h"

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

gboolean
gst_spectral_video_fits (const GstSpectralVideo * v, const GstVideoInfo * info)
{
  return GST_VIDEO_INFO_FORMAT (&v->info) == GST_VIDEO_INFO_FORMAT (info)
      && GST_VIDEO_INFO_WIDTH (&v->info) == GST_VIDEO_INFO_WIDTH (info)
      && GST_VIDEO_INFO_HEIGHT (&v->info) == GST_VIDEO_INFO_HEIGHT (info);
}

/* Squares of what differs in a component, and of the others that share its
 * bytes. */
static void
square_plane (const GstVideoFrame * a, const GstVideoFrame * b, guint plane,
    guint64 * square)
{
  const GstVideoFormatInfo *format = a->info.finfo;
  gint comp[GST_VIDEO_MAX_COMPONENTS];
  guint step, width, height, y, i;
  guint64 sum[INSPECT_MAX_STEP] = { 0 };

  gst_video_format_info_component (format, plane, comp);
  step = (guint) GST_VIDEO_FORMAT_INFO_PSTRIDE (format, comp[0]);
  width = (guint) GST_VIDEO_FRAME_COMP_WIDTH (a, comp[0]) * step;
  height = (guint) GST_VIDEO_FRAME_COMP_HEIGHT (a, comp[0]);
  for (y = 0; y < height; y++)
    inspect_samples_square ((const guint8 *) GST_VIDEO_FRAME_PLANE_DATA (a,
            plane) + (gsize) y * GST_VIDEO_FRAME_PLANE_STRIDE (a, plane),
        (const guint8 *) GST_VIDEO_FRAME_PLANE_DATA (b, plane) + (gsize) y
        * GST_VIDEO_FRAME_PLANE_STRIDE (b, plane), width, step, sum);
  for (i = 0; i < GST_VIDEO_MAX_COMPONENTS && comp[i] >= 0; i++)
    square[comp[i]] = sum[GST_VIDEO_FORMAT_INFO_POFFSET (format, comp[i])];
}

static gboolean
fetch (GstSpectralVideo * v, gfloat ** plane, const GstVideoFrame * frame,
    guint comp)
{
  guint step = (guint) GST_VIDEO_FRAME_COMP_PSTRIDE (frame, comp), y;

  if (!*plane)
    *plane = g_try_new (gfloat, (gsize) v->width * v->height);
  if (!*plane)
    return FALSE;
  for (y = 0; y < v->height; y++)
    inspect_samples_fetch ((const guint8 *) GST_VIDEO_FRAME_COMP_DATA (frame,
            comp) + (gsize) y * GST_VIDEO_FRAME_COMP_STRIDE (frame, comp),
        v->width, step, *plane + (gsize) y * v->width);
  return TRUE;
}

static gboolean
fetch_all (GstSpectralVideo * v, guint stream, const GstVideoFrame * frame)
{
  gsize n = (gsize) v->width * v->height;
  gfloat *const *p = v->plane[stream];
  guint c;

  for (c = 0; c < (v->rgb ? 3 : 1); c++)
    if (!fetch (v, &v->plane[stream][c], frame, c))
      return FALSE;
  if (!v->rgb)
    return TRUE;
  if (!v->luma[stream])
    v->luma[stream] = g_try_new (gfloat, n);
  if (!v->luma[stream])
    return FALSE;
  inspect_samples_luma (p[0], p[1], p[2], n, v->luma[stream]);
  return TRUE;
}

static const gfloat *
luma_of (const GstSpectralVideo * v, guint stream)
{
  return v->rgb ? v->luma[stream] : v->plane[stream][0];
}

static gboolean
measure_spectra (GstSpectralVideo * v, GstSpectralResult * result)
{
  guint count = v->rgb ? 3 : 1, c, i;

  for (c = 0; c < count; c++) {
    const gfloat *plane[GST_SPECTRAL_STREAMS];
    InspectWanted wanted[GST_SPECTRAL_MAX_WANTED];

    for (i = 0; i < GST_SPECTRAL_STREAMS; i++)
      plane[i] = v->plane[i][c];
    if (!inspect_spectrum_add (v->spectrum, wanted,
            gst_spectral_result_wanted (result, plane, wanted)))
      return FALSE;
  }
  if (count > 1)
    gst_spectral_result_scale (result, 1.0 / count);
  return TRUE;
}

static void
measure_ssim (GstSpectralVideo * v, GstSpectralError error,
    GstSpectralDifference * d)
{
  gdouble ssim, ms_ssim;

  inspect_ssim_compare (v->ssim, luma_of (v, gst_spectral_pairs[error].from),
      luma_of (v, gst_spectral_pairs[error].of), &ssim, &ms_ssim);
  if (ssim == ssim) {
    d->ssim += ssim;
    d->n_ssim++;
  }
  if (ms_ssim == ms_ssim) {
    d->ms_ssim += ms_ssim;
    d->n_ms_ssim++;
  }
}

gboolean
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
  for (i = 0; i < GST_SPECTRAL_ERRORS; i++) {
    GstVideoFrame *from = frames[gst_spectral_pairs[i].from], *of =
        frames[gst_spectral_pairs[i].of];
    GstSpectralDifference *d = &result->error[i];
    guint64 square[GST_VIDEO_MAX_COMPONENTS] = { 0 };

    if (!from || !of)
      continue;
    result->have[i] = TRUE;
    for (p = 0; p < GST_VIDEO_INFO_N_PLANES (&v->info); p++)
      square_plane (of, from, p, square);
    for (p = 0; p < v->planes; p++) {
      d->square[p] = (gdouble) square[p];
      d->samples[p] = (gdouble) GST_VIDEO_FRAME_COMP_WIDTH (of, p)
          * GST_VIDEO_FRAME_COMP_HEIGHT (of, p);
    }
    d->db = gst_spectral_result_psnr (result, i);
  }
  if (!with_spectra)
    return TRUE;
  for (i = 0; i < GST_SPECTRAL_STREAMS; i++)
    if (frames[i] && !fetch_all (v, i, frames[i]))
      return FALSE;
  if (!measure_spectra (v, result))
    return FALSE;
  for (i = 0; i < GST_SPECTRAL_ERRORS; i++)
    if (result->have[i])
      measure_ssim (v, i, &result->error[i]);
  result->measured = 1;
  return TRUE;
}
