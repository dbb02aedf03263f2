/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* One connection of wallocwebsink that gets bytes as they come: a stream, a
 * WebSocket, a list of events, or one last answer. It has a queue of its own
 * with a limit; nobody ever waits for it. Of the network thread only. */
#ifndef __GST_WALLOC_WEB_CLIENT_H__
#define __GST_WALLOC_WEB_CLIENT_H__

#include <gio/gio.h>
#include <gst/gst.h>

#include "gstwallocwebframe.h"
#include "gstwallocwebmetrics.h"
#include "webrequest.h"

G_BEGIN_DECLS

typedef enum
{
  GST_WALLOC_WEB_CLIENT_STREAM, /* frames, one behind the other */
  GST_WALLOC_WEB_CLIENT_SOCKET, /* frames and texts in WebSocket messages */
  GST_WALLOC_WEB_CLIENT_EVENTS, /* texts as they are */
  GST_WALLOC_WEB_CLIENT_REPLY   /* an answer, then the end */
} GstWallocWebClientKind;

/* What all clients of a server share. */
typedef struct
{
  /* a client is closed beyond these; gstwallocwebchoice.c has what happens
   * before */
  guint64 max_bytes;
  gint64 max_time;              /* us that something waits */
  gint64 idle_time;             /* us in which a WebSocket must answer a ping */
  gsize max_message;            /* bytes that a client may send in one */
  GstWallocWebMetrics *metrics;

  gpointer data;                /* of these functions */
  void (*closed) (gpointer client, gpointer data);
  void (*message) (gpointer client, const webrequest_message * message,
      gpointer data);
  void (*need_key) (gpointer data);
} GstWallocWebClientSettings;

typedef struct _GstWallocWebClient GstWallocWebClient;

/* Takes @stream; @socket is what lies below it. @chunked: HTTP's chunks are
 * put around all but the head. @settings must outlive the client. */
GstWallocWebClient *
            gst_walloc_web_client_new     (GstWallocWebClientKind kind,
                                           GIOStream * stream,
                                           GSocket * socket, gboolean chunked,
                                           const GstWallocWebClientSettings *
                                           settings);

void        gst_walloc_web_client_free    (GstWallocWebClient * client);

GstWallocWebClientKind
            gst_walloc_web_client_kind    (GstWallocWebClient * client);

/* The socket is closed: the client may be freed. */
gboolean    gst_walloc_web_client_is_closed
                                          (GstWallocWebClient * client);

/* Bytes as they are, such as the head of the answer. */
void        gst_walloc_web_client_raw     (GstWallocWebClient * client,
                                           GBytes * bytes);

/* A text message, or events as they are sent; left out where the queue is
 * long and @needed is FALSE. */
void        gst_walloc_web_client_text    (GstWallocWebClient * client,
                                           GBytes * text, gboolean needed);

/* A frame, or what there is room for. */
void        gst_walloc_web_client_frame   (GstWallocWebClient * client,
                                           GstWallocWebFrame * frame);

/* Frames from the last key frame on, for one that comes late. */
void        gst_walloc_web_client_replay  (GstWallocWebClient * client,
                                           GQueue * frames);

/* What comes next does not go on from what was. */
void        gst_walloc_web_client_discont (GstWallocWebClient * client);

/* As many layers at most; 0: all. Bits per second at most; 0: no limit. */
void        gst_walloc_web_client_layers  (GstWallocWebClient * client,
                                           guint layers);
void        gst_walloc_web_client_rate    (GstWallocWebClient * client,
                                           guint64 bitrate);

/* It says that it needs a key frame. */
void        gst_walloc_web_client_ask_key (GstWallocWebClient * client);

/* Ends it in order once what is queued is written, but within seconds. @code
 * and @reason are for WebSockets. */
void        gst_walloc_web_client_finish  (GstWallocWebClient * client,
                                           guint code, const gchar * reason);

/* Called some times a second with the monotonic time, us. */
void        gst_walloc_web_client_tick    (GstWallocWebClient * client,
                                           gint64 now);

/* Bytes that wait. */
guint64     gst_walloc_web_client_queued  (GstWallocWebClient * client);

typedef struct
{
  guint64 bytes;                /* written */
  guint64 rate;                 /* bits per second since it was asked last */
  guint64 left_out;             /* frames that it did not get */
  guint layers;                 /* of the last frame */
} GstWallocWebClientStats;

void        gst_walloc_web_client_stats   (GstWallocWebClient * client,
                                           GstWallocWebClientStats * stats);

G_END_DECLS

#endif /* __GST_WALLOC_WEB_CLIENT_H__ */
