/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A JetStream pull consumer: makes it, asks for messages ahead and keeps count
 * of what was asked for. cnats' own fetching waits until a batch is full,
 * which delays live frames. */
#ifndef __GST_NATS_PULL_H__
#define __GST_NATS_PULL_H__

#include "gstnatsconnection.h"
#include "natsheader.h"

G_BEGIN_DECLS

typedef struct
{
  gchar *stream;                /* NULL: the one that has the subject */
  gchar *subject;               /* filter */
  gchar *durable;               /* NULL: a consumer of this reader alone */
  jsDeliverPolicy deliver;
  guint64 start_sequence;
  gint64 start_time;            /* ns since 1970 */
  guint64 ack_wait;             /* ns */
  gint max_deliver;             /* -1: for ever */
  guint max_ack_pending;        /* of all that share a durable, when it is made;
                                   0: the server's, 1000 */
} GstNatsPullConfig;

typedef struct _GstNatsPull GstNatsPull;

/* What came to the inbox. */
typedef enum
{
  GST_NATS_PULL_MESSAGE,        /* one of the consumer */
  GST_NATS_PULL_ENDED,          /* a request is over */
  GST_NATS_PULL_GONE,           /* the consumer may be no more */
  GST_NATS_PULL_BUSY,           /* too many wait at it */
  GST_NATS_PULL_REFUSED         /* it takes no such requests */
} GstNatsPullResult;

void gst_nats_pull_config_clear (GstNatsPullConfig * config);

/* Takes @config. Messages come to @inbox + ".*". */
GstNatsPull *gst_nats_pull_new (GstNatsConnection * connection,
    GstNatsPullConfig * config, const gchar * inbox);
void gst_nats_pull_free (GstNatsPull * self);

/* Looks for the consumer and makes it where it is missing, behind stream
 * sequence @after when that is not 0. Waits for the network. @renewed: the
 * stream is another one than before, of which nothing was received; a consumer
 * that is made begins with all of it. */
gboolean gst_nats_pull_open (GstNatsPull * self, guint64 after,
    gboolean * renewed, GError ** error);

/* Asks for more when fewer than @want messages are held or asked for. FALSE
 * when nothing is heard of an earlier request: servers say nothing when the
 * consumer is no more. */
gboolean gst_nats_pull_request (GstNatsPull * self, guint held, guint want);

GstNatsPullResult gst_nats_pull_received (GstNatsPull * self, natsMsg * msg);

/* What the server said of the request that it did not take. */
const gchar *gst_nats_pull_get_refusal (natsMsg * msg);

/* Whether a message was stored before the time to begin with. */
gboolean gst_nats_pull_is_early (GstNatsPull * self,
    const nats_delivery * delivery);

/* Forgets requests: the connection that they went over is lost. */
void gst_nats_pull_reset (GstNatsPull * self);

/* Whether messages leave the stream by being acknowledged. */
gboolean gst_nats_pull_is_work_queue (GstNatsPull * self);

/* Message @sequence of the stream; NULL with @error. Waits for the network. */
natsMsg *gst_nats_pull_get (GstNatsPull * self, guint64 sequence,
    GError ** error);

/* Removes it from the stream, without waiting for an answer. */
void gst_nats_pull_erase (GstNatsPull * self, guint64 sequence);

/* Deletes the consumer if it is of this reader alone. */
void gst_nats_pull_forget (GstNatsPull * self);

G_END_DECLS

#endif /* __GST_NATS_PULL_H__ */
