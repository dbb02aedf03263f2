/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A connection to NATS servers that is made in a thread of its own, comes back
 * by itself with back-off, and tells errors by cause and cure. GLib and cnats
 * alone, no GStreamer: programs link it too (gstnats_shared_dep in meson). */
#ifndef __GST_NATS_CONNECTION_H__
#define __GST_NATS_CONNECTION_H__

#include "gstnatssettings.h"

G_BEGIN_DECLS

typedef enum
{
  GST_NATS_CONNECTED,           /* for the first time */
  GST_NATS_LOST,                /* reconnecting has begun */
  GST_NATS_RECONNECTED,
  GST_NATS_REFUSED,             /* the server refused something later on, such
                                   as publishing: not fatal to the connection */
  GST_NATS_SLOW,                /* cnats dropped messages: nobody took them */
  GST_NATS_FAILED               /* given up; the connection is of no use */
} GstNatsEvent;

/* Called from threads of the connection, never with a lock of the caller.
 * @error is set for GST_NATS_LOST, REFUSED and FAILED. */
typedef void (*GstNatsNotify) (GstNatsEvent event, const GError * error,
    gpointer user_data);

typedef struct _GstNatsConnection GstNatsConnection;

/* What is to be there before the connection counts as made, such as a stream:
 * called in the connection's thread and may wait for the network. FALSE with
 * @error set ends in GST_NATS_FAILED. */
typedef gboolean (*GstNatsSetup) (GstNatsConnection * self, gpointer user_data,
    GError ** error);

/* Begins to connect and returns at once. @notify may be NULL. */
GstNatsConnection *gst_nats_connection_new (const GstNatsSettings * settings,
    GstNatsNotify notify, gpointer user_data);

/* The same with @setup; @setup_data is freed by @destroy when it is no longer
 * needed, which may be after the connection was closed. */
GstNatsConnection *gst_nats_connection_new_full (
    const GstNatsSettings * settings, GstNatsSetup setup, gpointer setup_data,
    GDestroyNotify destroy, GstNatsNotify notify, gpointer user_data);

/* To be called once, by who made it: no notification comes after it returned,
 * and it waits for the network for a moment at most. Connections that others
 * hold a reference of go when the last is dropped. */
void gst_nats_connection_close (GstNatsConnection * self);

GstNatsConnection *gst_nats_connection_ref (GstNatsConnection * self);
void gst_nats_connection_unref (GstNatsConnection * self);

/* Waits until connected, at most @timeout_ms (0: as long as it takes). FALSE
 * with @error when connecting failed, time is over or flushing is set. */
gboolean gst_nats_connection_wait (GstNatsConnection * self, guint timeout_ms,
    GError ** error);

/* What it was made with, as long as a reference is held. */
const GstNatsSettings *gst_nats_connection_get_settings (
    GstNatsConnection * self);

/* Tells whoever is notified of @error as GST_NATS_REFUSED. */
void gst_nats_connection_warn (GstNatsConnection * self,
    const GError * error);

/* TRUE when that time, ms, has passed, FALSE when it was closed before. */
gboolean gst_nats_connection_sleep (GstNatsConnection * self, guint ms);

/* Why the connection is of no use any more, to be freed; NULL when it is. */
GError *gst_nats_connection_dup_error (GstNatsConnection * self);

/* Whether there is a server at the other end just now. */
gboolean gst_nats_connection_is_connected (GstNatsConnection * self);

/* Whether the connection was lost and is being made again, during the setup,
 * too. */
gboolean gst_nats_connection_is_away (GstNatsConnection * self);

/* Ends waiting, and lets none begin until it is unset. */
void gst_nats_connection_set_flushing (GstNatsConnection * self,
    gboolean flushing);

/* cnats' objects: NULL before the first connection. They live as long as a
 * reference to @self is held. */
natsConnection *gst_nats_connection_get (GstNatsConnection * self);
jsCtx *gst_nats_connection_get_jetstream (GstNatsConnection * self);

/* How often the connection came back. */
guint gst_nats_connection_get_reconnects (GstNatsConnection * self);

/* The URL of the server, without user, password or token; to be freed. */
gchar *gst_nats_connection_dup_url (GstNatsConnection * self);

/* Largest message with its headers that the server takes, bytes; 0 before the
 * first connection. */
gsize gst_nats_connection_get_max_payload (GstNatsConnection * self);

/* Whether @subject can be published to (@wildcards FALSE) or subscribed. */
gboolean gst_nats_subject_is_valid (const gchar * subject, gboolean wildcards);

G_END_DECLS

#endif /* __GST_NATS_CONNECTION_H__ */
