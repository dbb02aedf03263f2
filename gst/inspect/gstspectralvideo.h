/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Compares frames of one size and format. */
#ifndef __GST_SPECTRAL_VIDEO_H__
#define __GST_SPECTRAL_VIDEO_H__

#include <gst/video/video.h>

#include "gstspectralresult.h"

G_BEGIN_DECLS

typedef struct _GstSpectralVideo GstSpectralVideo;

/* NULL: no memory. */
GstSpectralVideo * gst_spectral_video_new     (const GstVideoInfo * info,
                                               InspectWindow window,
                                               guint bands, guint map);
void               gst_spectral_video_free    (GstSpectralVideo * v);

/* Whether it is for frames of that size and format. */
gboolean           gst_spectral_video_fits    (const GstSpectralVideo * v,
                                               const GstVideoInfo * info);

/* Adds what one frame tells to @result, which is empty: squared errors
 * always; with @measure spectra, SSIM and MS-SSIM too. @frames: one of each
 * stream, NULL where there is none. FALSE: no memory. */
gboolean           gst_spectral_video_compare (GstSpectralVideo * v,
                                               GstVideoFrame * const *frames,
                                               gboolean measure,
                                               GstSpectralResult * result);

G_END_DECLS

#endif /* __GST_SPECTRAL_VIDEO_H__ */
