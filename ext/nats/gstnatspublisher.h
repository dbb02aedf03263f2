/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A bounded queue of messages before a connection: a thread of its own sends
 * them, keeps those of JetStream until they are acknowledged, sends them again
 * after a lost connection or a refusal, and says when it gives up. GLib and
 * cnats alone. */
#ifndef __GST_NATS_PUBLISHER_H__
#define __GST_NATS_PUBLISHER_H__

#include "gstnatsconnection.h"

G_BEGIN_DECLS

/* What happens to a message when the queue is full. */
typedef enum
{
  GST_NATS_SLOW_BLOCK,          /* whoever brings it waits */
  GST_NATS_SLOW_DROP_OLD,       /* the oldest that was not sent goes */
  GST_NATS_SLOW_KEY_FRAMES      /* all that were not sent go, and new ones up to
                                   the next key frame */
} GstNatsSlowPolicy;

typedef struct
{
  gboolean jetstream;           /* messages are acknowledged by a stream */
  guint max_messages;           /* in the queue, at least 1; acknowledged ones
                                   have left it */
  guint64 max_bytes;            /* of their payloads; a single item may be
                                   larger when the queue is empty */
  GstNatsSlowPolicy policy;
  guint ack_timeout;            /* ms from sending to giving up; the time
                                   without a server does not count */
  gboolean drop_on_timeout;     /* count it as lost and go on, not fail */
} GstNatsPublisherConfig;

typedef struct
{
  guint64 published;            /* items sent for the first time */
  guint64 published_bytes;
  guint64 acknowledged;         /* items */
  guint64 duplicates;           /* messages that the stream had already */
  guint64 retried;              /* messages sent again */
  guint64 refused;              /* answers that were errors */
  guint64 dropped;              /* items by the policy, never sent */
  guint64 lost;                 /* items by drop_on_timeout */
  guint pending;                /* items in the queue */
  guint64 pending_bytes;
  guint unacknowledged;         /* of these, sent */
} GstNatsPublisherStats;

typedef struct _GstNatsPublisher GstNatsPublisher;
typedef struct _GstNatsItem GstNatsItem;

/* From the publisher's thread, once: nothing will be sent any more. */
typedef void (*GstNatsPublisherFailed) (const GError * error,
    gpointer user_data);

GstNatsPublisher *gst_nats_publisher_new (GstNatsConnection * connection,
    const GstNatsPublisherConfig * config, GstNatsPublisherFailed failed,
    gpointer user_data);

/* Leaves what was not sent, does not wait for the network, and frees. */
void gst_nats_publisher_close (GstNatsPublisher * self);

/* One thing to publish of @n_messages messages. With @indexed (JetStream) the
 * last one is sent when the stream has all others, and carries their stream
 * sequences in the header NATS_HEADER_BODIES. */
GstNatsItem *gst_nats_item_new (GstNatsPublisher * self, guint n_messages,
    gboolean indexed);
void gst_nats_item_free (GstNatsItem * item);

/* Makes message @index of the item, which owns it, for headers to be set;
 * NULL when there is no memory. The data is copied. */
natsMsg *gst_nats_item_make (GstNatsPublisher * self, GstNatsItem * item,
    guint index, const gchar * subject, gconstpointer data, gsize size);

/* Queues @item and takes it; @delta: it builds on what came before. @number,
 * which may be NULL, is for gst_nats_publisher_wait(), 0 when it was dropped.
 * FALSE with @error when flushing or failed. */
gboolean gst_nats_publisher_push (GstNatsPublisher * self, GstNatsItem * item,
    gboolean delta, guint64 * number, GError ** error);

/* Waits until that item was sent or, with JetStream, acknowledged. */
gboolean gst_nats_publisher_wait (GstNatsPublisher * self, guint64 number,
    GError ** error);

/* Waits until all were, and the server has them. */
gboolean gst_nats_publisher_drain (GstNatsPublisher * self, GError ** error);

/* Drops what was not sent. */
void gst_nats_publisher_discard (GstNatsPublisher * self);

/* Ends waiting, and lets none begin until it is unset. */
void gst_nats_publisher_set_flushing (GstNatsPublisher * self,
    gboolean flushing);

/* To be called when the connection was made, lost or came back. */
void gst_nats_publisher_wake (GstNatsPublisher * self);

void gst_nats_publisher_set_limits (GstNatsPublisher * self,
    const GstNatsPublisherConfig * config);
void gst_nats_publisher_get_stats (GstNatsPublisher * self,
    GstNatsPublisherStats * stats);

G_END_DECLS

#endif /* __GST_NATS_PUBLISHER_H__ */
