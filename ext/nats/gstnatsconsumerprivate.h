/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the parts of a consumer share: its queue and its thread. */
#ifndef __GST_NATS_CONSUMER_PRIVATE_H__
#define __GST_NATS_CONSUMER_PRIVATE_H__

#include "gstnatsconsumer.h"
#include "gstnatsseen.h"

G_BEGIN_DECLS

struct _GstNatsConsumer
{
  gint refs;
  GstNatsConnection *connection;
  GstNatsConsumerConfig config;
  gchar *inbox;
  natsSubscription *subscription;
  GstNatsPull *pull;
  gboolean opened, told_busy;   /* the consumer was there; of its thread */

  GMutex lock;
  GCond cond;                   /* the thread and whoever pops wait */
  gboolean closed, given_back, flushing, gone, waiting_key;
  gboolean renewed;             /* what comes next is of another stream */
  gboolean left_out;            /* the last one was dropped by the policy */
  gint64 busy_until;            /* others have the places of requests */
  gchar *refusal;               /* what the server said of a request */
  GError *error;
  GQueue queue;                 /* deliveries that wait */
  GQueue held;                  /* deliveries that were popped */
  gsize queued_bytes;
  guint64 last_sequence;        /* of the stream */
  gint64 taken;                 /* messages that cnats delivered */
  gint64 old_until;             /* those up to here are of a former stream */
  GstNatsConsumerStats stats;
  int64_t dropped_by_cnats;

  GstNatsSeen *seen;            /* of the delivery thread */
  GstNatsChunks *chunks;
};

void gst_nats_consumer_unref (GstNatsConsumer * self);

/* +ACK, -NAK, +TERM or +WPI: the answer goes to the message's reply subject. */
void gst_nats_consumer_answer (GstNatsConsumer * self,
    const GstNatsDelivery * delivery, const gchar * text);

/* cnats' delivery thread. */
void gst_nats_consumer_on_message (natsConnection * nc,
    natsSubscription * sub, natsMsg * msg, void *closure);

/* The consumer's thread; takes a reference. */
gpointer gst_nats_consumer_run (gpointer consumer);

G_END_DECLS

#endif /* __GST_NATS_CONSUMER_PRIVATE_H__ */
