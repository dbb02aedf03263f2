/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Accepts connections within limits and gives each a time by which it must
 * have asked and taken its answer. SoupServer has no limits, no times, and
 * stops to listen after one failure of accept(); so it gets connections from
 * here. Of the network thread only. */
#ifndef __GST_WALLOC_WEB_LISTENER_H__
#define __GST_WALLOC_WEB_LISTENER_H__

#include <libsoup/soup.h>

#include "gstwallocwebmetrics.h"

G_BEGIN_DECLS

typedef struct _GstWallocWebListener GstWallocWebListener;
/* One connection, before it is a client. */
typedef struct _GstWallocWebPeer GstWallocWebPeer;

typedef struct
{
  guint max_connections;
  guint max_per_address;        /* 0: as many as there are */
  guint request_timeout;        /* ms, for the request and for its answer */
  GTlsCertificate *certificate; /* or NULL */
  GstWallocWebMetrics *metrics;
} GstWallocWebListenerSettings;

/* Listens for @server in the thread-default context. The domain of @error is
 * GST_RESOURCE_ERROR. */
GstWallocWebListener *
            gst_walloc_web_listener_new     (SoupServer * server,
                                             const gchar * address,
                                             guint port,
                                             const
                                             GstWallocWebListenerSettings *
                                             settings, GError ** error);

/* Closes all connections that were not taken. */
void        gst_walloc_web_listener_free    (GstWallocWebListener * listener);

/* Takes no more connections; those that are there go on. */
void        gst_walloc_web_listener_stop    (GstWallocWebListener * listener);

guint       gst_walloc_web_listener_port    (GstWallocWebListener * listener);

/* Bound to this machine's loopback: nobody else can connect. */
gboolean    gst_walloc_web_listener_is_local
                                            (GstWallocWebListener * listener);

/* The connection that @message came on. */
GstWallocWebPeer *
            gst_walloc_web_peer_of          (SoupServerMessage * message);

/* An answer of so many bytes goes out: a slow client has time for it, one
 * that reads nothing has not. */
void        gst_walloc_web_peer_answer      (GstWallocWebPeer * peer,
                                             gsize size);

/* Someone else looks after it from now on; its socket, borrowed. */
GSocket *   gst_walloc_web_peer_take        (GstWallocWebPeer * peer);

G_END_DECLS

#endif /* __GST_WALLOC_WEB_LISTENER_H__ */
