/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the parts of a publisher share: its queue and its thread. */
#ifndef __GST_NATS_PUBLISHER_PRIVATE_H__
#define __GST_NATS_PUBLISHER_PRIVATE_H__

#include "gstnatspublisher.h"

G_BEGIN_DECLS

typedef struct
{
  natsMsg *msg;
  guint64 number;               /* last part of the subject of its answer */
  gint64 again;                 /* when to send it again; 0: not sent */
  guint generation;             /* of the connection that it went over */
  guint tries;
  gboolean acknowledged;
  guint64 sequence;
} Message;

struct _GstNatsItem
{
  GList link;
  guint64 number;
  gboolean indexed, delta;
  gboolean busy;                /* the thread has it outside the lock */
  gboolean dead;                /* to be freed when no longer busy */
  gsize size;
  gint64 first;                 /* when it was sent, or reconnecting ended */
  guint next;                   /* message to be sent first */
  guint acknowledged;
  GError *error;                /* the last refusal */
  guint n;
  Message messages[];
};

typedef struct
{
  GstNatsItem *item;
  guint index;
} Place;

struct _GstNatsPublisher
{
  gint refs;
  GstNatsConnection *connection;
  GstNatsPublisherConfig config;

  GMutex lock;
  GCond cond;                   /* the thread waits */
  GCond room;                   /* others wait */
  gboolean closed, flushing, waiting_key;
  GError *error;
  GQueue queue;                 /* of items by their links, oldest first */
  GstNatsItem *unsent;          /* the first that is not sent as a whole */
  GHashTable *places;           /* number of a message to Place */
  guint64 next_message, next_item;
  guint generation;
  GstNatsPublisherStats stats;

  gchar *inbox;
  natsSubscription *answers;

  GRecMutex failed_lock;
  GstNatsPublisherFailed failed;
  gpointer user_data;
};

static inline GstNatsItem *
gst_nats_item_next (GstNatsItem * item)
{
  return item->link.next ? item->link.next->data : NULL;
}

void gst_nats_publisher_unref (GstNatsPublisher * self);

/* With the lock. Frees @item unless the thread has it. */
void gst_nats_publisher_remove (GstNatsPublisher * self, GstNatsItem * item);

/* The thread that sends; takes a reference. */
gpointer gst_nats_publisher_run (gpointer publisher);

G_END_DECLS

#endif /* __GST_NATS_PUBLISHER_PRIVATE_H__ */
