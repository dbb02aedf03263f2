/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef __GST_WALLOC_WEB_SINK_H__
#define __GST_WALLOC_WEB_SINK_H__

#include <gst/base/gstbasesink.h>
#include <gst/gst.h>

#include "gstwallocwebmetrics.h"
#include "gstwallocwebserver.h"

G_BEGIN_DECLS

#define GST_TYPE_WALLOC_WEB_SINK (gst_walloc_web_sink_get_type ())
G_DECLARE_FINAL_TYPE (GstWallocWebSink, gst_walloc_web_sink, GST,
    WALLOC_WEB_SINK, GstBaseSink)

struct _GstWallocWebSink
{
  GstBaseSink parent;

  /* settings, protected by the object lock; read when the server starts */
  GstWallocWebSettings settings;
  gchar *token_file, *certificate_file, *key_file, *bus_messages;

  GstWallocWebMetrics metrics;
  GstWallocWebServer *server;   /* object lock */
  gchar **names;                /* of messages that are told */
  GstBus *bus;
  gulong handler;
  gint want_key;                /* atomic: a request is under way */

  GMutex results_lock;
  GHashTable *results;          /* kind and network -> GstWallocWebResult */
  gboolean warned;              /* of buffers that are no frames */
};

GST_ELEMENT_REGISTER_DECLARE (wallocwebsink);

G_END_DECLS

#endif /* __GST_WALLOC_WEB_SINK_H__ */
