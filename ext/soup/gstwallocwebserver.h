/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The server of a wallocwebsink: a thread with a context of its own, in which
 * everything of the network lives. The functions here may be called from any
 * thread, and none waits for a client. */
#ifndef __GST_WALLOC_WEB_SERVER_H__
#define __GST_WALLOC_WEB_SERVER_H__

#include <gio/gio.h>
#include <gst/gst.h>

#include "gstwallocwebframe.h"
#include "gstwallocwebmetrics.h"

G_BEGIN_DECLS

typedef struct
{
  gchar *address;
  guint port;
  gchar *token;                 /* NULL: everyone may ask */
  GTlsCertificate *certificate; /* NULL: no TLS */
  gchar **origins;              /* NULL: pages of the same host only */
  gchar *model_file;            /* as wallocdec's */
  guint max_clients, max_per_address;
  guint64 max_queue_bytes;
  GstClockTime max_queue_time, request_timeout, idle_timeout, stall_timeout;

  /* called in the network thread: a key frame is of use */
  void (*need_key) (gpointer data);
  gpointer data;
} GstWallocWebSettings;

void      gst_walloc_web_settings_clear (GstWallocWebSettings * settings);

typedef struct _GstWallocWebServer GstWallocWebServer;

/* Listens when it returns. Takes what is in @settings. The domain of @error
 * is GST_RESOURCE_ERROR. @metrics must outlive the server. */
GstWallocWebServer *
          gst_walloc_web_server_new     (GstWallocWebSettings * settings,
                                         GstWallocWebMetrics * metrics,
                                         GError ** error);

/* Ends all clients in order, which takes some seconds at most, and frees. */
void      gst_walloc_web_server_free    (GstWallocWebServer * server);

guint     gst_walloc_web_server_port    (GstWallocWebServer * server);

/* Whether only this machine reaches it. */
gboolean  gst_walloc_web_server_is_local (GstWallocWebServer * server);

gchar *   gst_walloc_web_server_url     (GstWallocWebServer * server);

void      gst_walloc_web_server_caps    (GstWallocWebServer * server,
                                         GstCaps * caps);

/* Takes @frame. */
void      gst_walloc_web_server_frame   (GstWallocWebServer * server,
                                         GstWallocWebFrame * frame);

/* @json: one line of JSON. Takes it. */
void      gst_walloc_web_server_event   (GstWallocWebServer * server,
                                         const gchar * name, gchar * json);

/* What comes next does not go on from what was. */
void      gst_walloc_web_server_discont (GstWallocWebServer * server);

void      gst_walloc_web_server_eos     (GstWallocWebServer * server);

G_END_DECLS

#endif /* __GST_WALLOC_WEB_SERVER_H__ */
