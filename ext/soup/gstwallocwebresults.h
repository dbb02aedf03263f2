/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Results on their way from metas and messages to the server. */
#ifndef __GST_WALLOC_WEB_RESULTS_H__
#define __GST_WALLOC_WEB_RESULTS_H__

#include "gstwallocwebsink.h"

G_BEGIN_DECLS

/* Begins and ends to listen to the messages of the whole pipeline. */
void      gst_walloc_web_results_start  (GstWallocWebSink * self);

void      gst_walloc_web_results_stop   (GstWallocWebSink * self);

/* Tells what lies on @buffer. */
void      gst_walloc_web_results_take   (GstWallocWebSink * self,
                                         GstBuffer * buffer);

/* FALSE when there is no server, or one of these is not as it should be. */
gboolean  gst_walloc_web_results_push   (GstWallocWebSink * self,
                                         const gchar * name,
                                         const gchar * json);

G_END_DECLS

#endif /* __GST_WALLOC_WEB_RESULTS_H__ */
