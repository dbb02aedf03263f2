/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Messages of a subject as deliveries, one after the other: from the server
 * directly (core) or from a stream (JetStream), where each is acknowledged
 * when it is done with. GLib and cnats alone. */
#ifndef __GST_NATS_CONSUMER_H__
#define __GST_NATS_CONSUMER_H__

#include "gstnatschunks.h"
#include "gstnatspublisher.h"
#include "gstnatspull.h"

G_BEGIN_DECLS

typedef struct
{
  gboolean jetstream;
  gchar *subject;               /* core; may have wildcards */
  gchar *queue;                 /* core: group of which one gets a message */
  GstNatsPullConfig pull;       /* JetStream */
  guint prefetch;               /* JetStream: messages held at most */
  guint max_messages;           /* core: deliveries that wait */
  guint64 max_bytes;
  GstNatsSlowPolicy policy;     /* core */
  gsize max_size;               /* bytes of one buffer in chunks */
} GstNatsConsumerConfig;

typedef struct
{
  guint64 received;             /* messages */
  guint64 received_bytes;       /* of their payloads */
  guint64 foreign;              /* messages that are none of ours */
  guint64 malformed;            /* that say to be, and are not; bad chunks */
  guint64 incomplete;           /* buffers of which a chunk is missing */
  guint64 duplicates;           /* of a frame that was seen before */
  guint64 redelivered;          /* JetStream: not for the first time */
  guint64 missing;              /* numbers that sources left out */
  guint64 dropped;              /* by the policy, or by cnats */
  guint64 acknowledged;
  guint pending;                /* deliveries that wait */
  gboolean subscribed;          /* messages come from now on */
} GstNatsConsumerStats;

typedef struct _GstNatsConsumer GstNatsConsumer;

/* Takes what is in @config. */
GstNatsConsumer *gst_nats_consumer_new (GstNatsConnection * connection,
    GstNatsConsumerConfig * config);

/* What is held is delivered again, to others too. Waits for a moment at most
 * that this is said. */
void gst_nats_consumer_close (GstNatsConsumer * self);

/* The next one; to be given to gst_nats_consumer_done(). NULL with @error
 * when flushing or failed. */
GstNatsDelivery *gst_nats_consumer_pop (GstNatsConsumer * self,
    GError ** error);

/* Acknowledges when @ok; otherwise it is to be delivered again. Frees. */
void gst_nats_consumer_done (GstNatsConsumer * self,
    GstNatsDelivery * delivery, gboolean ok);

void gst_nats_consumer_set_flushing (GstNatsConsumer * self,
    gboolean flushing);

/* Counts a delivery that turned out to be of no use. */
void gst_nats_consumer_count_malformed (GstNatsConsumer * self);
void gst_nats_consumer_get_stats (GstNatsConsumer * self,
    GstNatsConsumerStats * stats);
void gst_nats_consumer_wake (GstNatsConsumer * self);

G_END_DECLS

#endif /* __GST_NATS_CONSUMER_H__ */
