/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the parts of the server share. All but the first fields belong to the
 * network thread. */
#ifndef __GST_WALLOC_WEB_SERVER_PRIVATE_H__
#define __GST_WALLOC_WEB_SERVER_PRIVATE_H__

#include <libsoup/soup.h>

#include "gstwallocwebclient.h"
#include "gstwallocwebevents.h"
#include "gstwallocweblistener.h"
#include "gstwallocwebserver.h"
#include "gstwallocwebstream.h"

G_BEGIN_DECLS

typedef struct _GstWallocWebModels GstWallocWebModels;

struct _GstWallocWebServer
{
  GstWallocWebSettings settings;
  GstWallocWebMetrics *metrics;
  GThread *thread;
  GMainContext *context;
  guint port;

  GMutex lock;                  /* of these */
  GCond started;
  gboolean is_up;
  GError *error;                /* why it is not */
  GQueue inbox;                 /* of Parcel */
  gsize inbox_bytes;
  gboolean overrun;             /* frames were left out: wait for a key frame */
  GSource *wake;

  GMainLoop *loop;
  SoupServer *soup;
  GstWallocWebListener *listener;
  GstWallocWebClientSettings client_settings;
  GList *clients;
  guint pending;                /* connections that become clients */
  gboolean reap;                /* some are closed */
  gboolean stopping, ended;
  gboolean closed;              /* nobody becomes a client any more */
  gint64 deadline;              /* of stopping, monotonic us */
  gint64 started_at;
  gint64 last_key_request, last_second, last_heartbeat;
  GstWallocWebStream stream;
  GstWallocWebEvents events;
  GstWallocWebModels *models;
};

/* gstwallocwebroutes.c */
void      gst_walloc_web_routes_add     (GstWallocWebServer * self);

/* {"version": 1, "streams": ..., ...}, with "type" where @type is not NULL */
gchar *   gst_walloc_web_routes_config  (GstWallocWebServer * self,
                                         const gchar * type);

/* Answers @message with @bytes (taken). @type: of the content. */
void      gst_walloc_web_routes_answer  (GstWallocWebServer * self,
                                         SoupServerMessage * message,
                                         guint status, const gchar * type,
                                         GBytes * bytes);

#define GST_WALLOC_WEB_TEXT "text/plain; charset=utf-8"

/* One header of the request, or NULL. */
static inline const gchar *
gst_walloc_web_header (SoupServerMessage * message, const gchar * name)
{
  return soup_message_headers_get_one (soup_server_message_get_request_headers
      (message), name);
}

/* Headers that every answer has. */
void      gst_walloc_web_routes_headers (GstWallocWebServer * self,
                                         SoupServerMessage * message,
                                         const gchar * type);

/* Answers with @text and counts why. */
void      gst_walloc_web_routes_refuse  (GstWallocWebServer * self,
                                         SoupServerMessage * message,
                                         guint status,
                                         GstWallocWebCounter counter,
                                         const gchar * text);

/* gstwallocwebaccess.c: those that say FALSE where something is not allowed have
 * answered it */
gboolean  gst_walloc_web_access_has_body
                                        (SoupServerMessage * message);

gboolean  gst_walloc_web_access_is_too_long
                                        (SoupServerMessage * message,
                                         guint * status);

gboolean  gst_walloc_web_access_may_ask (GstWallocWebServer * self,
                                         SoupServerMessage * message);

gboolean  gst_walloc_web_access_check_token
                                        (GstWallocWebServer * self,
                                         SoupServerMessage * message);

gboolean  gst_walloc_web_access_is_preflight
                                        (GstWallocWebServer * self,
                                         SoupServerMessage * message);

void      gst_walloc_web_access_answer_preflight
                                        (GstWallocWebServer * self,
                                         SoupServerMessage * message);

/* gstwallocweblive.c: streams, sockets, events */
void      gst_walloc_web_live_answer    (GstWallocWebServer * self,
                                         SoupServerMessage * message,
                                         GstWallocWebClientKind kind);

/* A request with a body. */
void      gst_walloc_web_live_refuse_body
                                        (GstWallocWebServer * self,
                                         SoupServerMessage * message);

/* gstwallocwebserver.c: frees clients that are closed, counts the others */
void      gst_walloc_web_server_reap    (GstWallocWebServer * self);

/* gstwallocwebtell.c: a connection became a client, of whatever kind */
void      gst_walloc_web_server_join    (GstWallocWebServer * self,
                                         GstWallocWebClient * client,
                                         const gchar * last_event_id);

void      gst_walloc_web_tell_frame     (GstWallocWebServer * self,
                                         GstWallocWebFrame * frame);

void      gst_walloc_web_tell_caps      (GstWallocWebServer * self,
                                         GstCaps * caps);

void      gst_walloc_web_tell_event     (GstWallocWebServer * self,
                                         const gchar * name,
                                         const gchar * json);

/* What time it is, and how each one's link does. */
void      gst_walloc_web_tell_second    (GstWallocWebServer * self);

/* That the connection still is there. */
void      gst_walloc_web_tell_beat      (GstWallocWebServer * self);

/* Ends all in order. */
void      gst_walloc_web_tell_end       (GstWallocWebServer * self,
                                         guint code, const gchar * reason);

/* gstwallocwebmodels.c: looks for model files in a thread of their own */
GstWallocWebModels *
          gst_walloc_web_models_new     (GstWallocWebServer * server);

void      gst_walloc_web_models_free    (GstWallocWebModels * models);

/* Answers @message now or when the file was found. */
void      gst_walloc_web_models_answer  (GstWallocWebModels * models,
                                         guint64 id,
                                         SoupServerMessage * message);

/* gstwallocwebfiles.c: TRUE when @path is a file of the page */
gboolean  gst_walloc_web_files_answer   (GstWallocWebServer * self,
                                         SoupServerMessage * message,
                                         const gchar * path);

G_END_DECLS

#endif /* __GST_WALLOC_WEB_SERVER_PRIVATE_H__ */
