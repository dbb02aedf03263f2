/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef __GST_SPECTRAL_INSPECT_H__
#define __GST_SPECTRAL_INSPECT_H__

#include <stdio.h>

#include <gst/base/gstaggregator.h>
#include <gst/audio/audio.h>
#include <gst/video/video.h>

#include "gstspectralaudio.h"
#include "gstspectralvideo.h"

G_BEGIN_DECLS

typedef enum
{
  GST_SPECTRAL_NOTHING,         /* no caps yet */
  GST_SPECTRAL_PICTURES,
  GST_SPECTRAL_SOUND
} GstSpectralKind;

#define GST_TYPE_SPECTRAL_INSPECT (gst_spectral_inspect_get_type ())
G_DECLARE_FINAL_TYPE (GstSpectralInspect, gst_spectral_inspect, GST,
    SPECTRAL_INSPECT, GstAggregator)

struct _GstSpectralInspect
{
  GstAggregator parent;

  /* always there: ref and dist; others when asked for; object lock */
  GstAggregatorPad *pads[GST_SPECTRAL_STREAMS];

  /* properties, protected by the object lock */
  GstClockTime interval, timeout;
  guint stride;
  guint bands, map;
  InspectWindow window;
  gchar *results_file;
  gboolean post_messages;

  /* of streams, protected by the object lock */
  GstVideoInfo info[GST_SPECTRAL_STREAMS];
  GstAudioInfo audio_info[GST_SPECTRAL_STREAMS];
  GstSpectralKind kind[GST_SPECTRAL_STREAMS];
  gboolean changed;             /* one of them */
  guint64 lost[GST_SPECTRAL_STREAMS];   /* that waited on a pad which was
                                         * flushed or released */
  gboolean cut[GST_SPECTRAL_STREAMS];   /* it was: what waits in lines too */

  /* in the streaming thread */
  GstSpectralVideo *video;
  GstSpectralAudio *audio;
  GstSpectralResult *pooled, *window_result, *frame_result;
  GstVideoInfo out_info;
  GstClockTime window_start;    /* running time; NONE: no frame yet */
  GstClockTime window_end;      /* of the newest frame */
  GstClockTime first, first_pts;        /* running time and time stamp of the
                                         * first frame of all */
  GstClockTime pts;             /* time stamp of the window's first */
  guint64 count;                /* frames with all partners */
  GstClockTime waiting;         /* running time since which some wait for
                                 * others, in live pipelines; or NONE */
  gboolean stopped[GST_SPECTRAL_STREAMS];       /* waited for in vain */
  FILE *file;
};

G_END_DECLS

#endif /* __GST_SPECTRAL_INSPECT_H__ */
