/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is known of the stream that a wallocwebsink gets: its configuration,
 * the frames since the last key frame, its rate. Of the network thread only. */
#ifndef __GST_WALLOC_WEB_STREAM_H__
#define __GST_WALLOC_WEB_STREAM_H__

#include <gst/gst.h>
#include <jansson.h>

#include "gstwallocwebframe.h"

G_BEGIN_DECLS

#define GST_WALLOC_WEB_MAX_MODELS 16

typedef struct
{
  const gchar *id;              /* "video", "audio"; NULL: there was none yet */
  json_t *config;               /* an entry of "streams" */
  guint64 models[GST_WALLOC_WEB_MAX_MODELS];
  guint n_models;

  /* from the last key frame on; empty when that is too long ago */
  GQueue frames;                /* of GstWallocWebFrame */
  gsize bytes;
  gboolean too_long;
  gsize max_bytes;

  gint64 last_frame;            /* monotonic, us; 0: none */
  gint64 utc;                   /* of that frame */
  guint64 pts;                  /* in its header */
  gboolean ended;
  guint64 window[8], sum;       /* bytes per tick */
  guint ticks, kbps;
} GstWallocWebStream;

void      gst_walloc_web_stream_init    (GstWallocWebStream * stream,
                                         gsize max_bytes);

void      gst_walloc_web_stream_clear   (GstWallocWebStream * stream);

/* TRUE when the configuration is another one now. */
gboolean  gst_walloc_web_stream_caps    (GstWallocWebStream * stream,
                                         GstCaps * caps);

/* The same. Takes a reference to @frame. */
gboolean  gst_walloc_web_stream_frame   (GstWallocWebStream * stream,
                                         GstWallocWebFrame * frame,
                                         gint64 now);

/* What comes next does not go on from what was. */
void      gst_walloc_web_stream_discont (GstWallocWebStream * stream);

/* Called each 250 ms; kbps is that of the last two seconds then. */
void      gst_walloc_web_stream_tick    (GstWallocWebStream * stream);

gboolean  gst_walloc_web_stream_uses    (GstWallocWebStream * stream,
                                         guint64 model);

G_END_DECLS

#endif /* __GST_WALLOC_WEB_STREAM_H__ */
