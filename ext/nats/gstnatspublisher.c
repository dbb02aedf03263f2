/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <string.h>

#include "gstnatspublisherprivate.h"

#define FLUSH_STEP 100          /* ms that waiting cannot be ended */
#define AWAY_STEP (50 * G_TIME_SPAN_MILLISECOND)

void
gst_nats_publisher_unref (GstNatsPublisher * self)
{
  GList *l;

  if (!g_atomic_int_dec_and_test (&self->refs))
    return;
  while ((l = self->queue.head)) {
    g_queue_unlink (&self->queue, l);
    gst_nats_item_free (l->data);
  }
  natsSubscription_Destroy (self->answers);
  g_hash_table_unref (self->places);
  g_clear_error (&self->error);
  g_free (self->inbox);
  gst_nats_connection_unref (self->connection);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->cond);
  g_cond_clear (&self->room);
  g_rec_mutex_clear (&self->failed_lock);
  g_free (self);
}

GstNatsItem *
gst_nats_item_new (GstNatsPublisher * self, guint n_messages, gboolean indexed)
{
  GstNatsItem *item = g_malloc0 (sizeof (GstNatsItem) +
      n_messages * sizeof (Message));
  guint i;

  item->link.data = item;
  item->n = n_messages;
  item->indexed = indexed && n_messages > 1;
  g_mutex_lock (&self->lock);
  item->number = ++self->next_item;
  for (i = 0; i < n_messages; i++)
    item->messages[i].number = ++self->next_message;
  g_mutex_unlock (&self->lock);

  return item;
}

void
gst_nats_item_free (GstNatsItem * item)
{
  guint i;

  for (i = 0; i < item->n; i++)
    natsMsg_Destroy (item->messages[i].msg);
  g_clear_error (&item->error);
  g_free (item);
}

natsMsg *
gst_nats_item_make (GstNatsPublisher * self, GstNatsItem * item, guint index,
    const gchar * subject, gconstpointer data, gsize size)
{
  gchar *reply = NULL;
  natsStatus s = NATS_NO_MEMORY;

  if (self->config.jetstream)
    reply = g_strdup_printf ("%s.%" G_GUINT64_FORMAT, self->inbox,
        item->messages[index].number);
  if (size <= G_MAXINT)
    s = natsMsg_Create (&item->messages[index].msg, subject, reply, data,
        (int) size);
  g_free (reply);
  item->size += size;

  return s == NATS_OK ? item->messages[index].msg : NULL;
}

/* All below with the lock held, unless it says otherwise. */

void
gst_nats_publisher_remove (GstNatsPublisher * self, GstNatsItem * item)
{
  guint i;

  if (self->unsent == item)
    self->unsent = gst_nats_item_next (item);
  g_queue_unlink (&self->queue, &item->link);
  self->stats.pending--;
  self->stats.pending_bytes -= item->size;
  if (item->first && self->config.jetstream)
    self->stats.unacknowledged--;
  for (i = 0; i < item->n; i++)
    g_hash_table_remove (self->places, &item->messages[i].number);
  g_cond_broadcast (&self->room);
  if (item->busy)
    item->dead = TRUE;
  else
    gst_nats_item_free (item);
}

static gboolean
gst_nats_publisher_is_full (GstNatsPublisher * self, gsize size)
{
  return self->stats.pending > 0
      && (self->stats.pending >= MAX (self->config.max_messages, 1)
      || self->stats.pending_bytes + size > self->config.max_bytes);
}

/* The oldest that was not sent in any part; NULL when there is none. */
static GstNatsItem *
gst_nats_publisher_oldest (GstNatsPublisher * self)
{
  GstNatsItem *item;

  for (item = self->unsent; item && (item->first || item->busy);
      item = gst_nats_item_next (item));
  return item;
}

/* Makes room by the policy; FALSE when the new item is to go instead. */
static gboolean
gst_nats_publisher_make_room (GstNatsPublisher * self, GstNatsItem * item)
{
  GstNatsItem *old;

  if (self->config.policy == GST_NATS_SLOW_KEY_FRAMES && self->waiting_key) {
    if (item->delta)
      return FALSE;
    self->waiting_key = FALSE;
  }
  while (gst_nats_publisher_is_full (self, item->size)) {
    old = gst_nats_publisher_oldest (self);
    if (!old) {
      self->waiting_key = TRUE;
      return FALSE;
    }
    do {
      gst_nats_publisher_remove (self, old);
      self->stats.dropped++;
      old = gst_nats_publisher_oldest (self);
    } while (self->config.policy == GST_NATS_SLOW_KEY_FRAMES && old);
    if (self->config.policy == GST_NATS_SLOW_KEY_FRAMES && item->delta) {
      self->waiting_key = TRUE;
      return FALSE;
    }
  }

  return TRUE;
}

static gboolean
gst_nats_publisher_usable (GstNatsPublisher * self, GError ** error)
{
  /* the thread may not have noticed yet */
  if (!self->error)
    self->error = gst_nats_connection_dup_error (self->connection);
  if (self->error) {
    g_propagate_error (error, g_error_copy (self->error));
    return FALSE;
  }
  if (self->flushing || self->closed) {
    g_set_error_literal (error, GST_NATS_ERROR, GST_NATS_ERROR_CANCELLED,
        "Cancelled");
    return FALSE;
  }
  return TRUE;
}

gboolean
gst_nats_publisher_push (GstNatsPublisher * self, GstNatsItem * item,
    gboolean delta, guint64 * number, GError ** error)
{
  gboolean ok, keep = TRUE;
  Place *place;
  guint i;

  item->delta = delta;
  if (number)
    *number = 0;
  g_mutex_lock (&self->lock);
  if (self->config.policy == GST_NATS_SLOW_BLOCK) {
    while (!self->error && !self->flushing && !self->closed
        && gst_nats_publisher_is_full (self, item->size))
      g_cond_wait (&self->room, &self->lock);
  } else {
    keep = gst_nats_publisher_make_room (self, item);
  }
  ok = gst_nats_publisher_usable (self, error);
  if (!ok || !keep) {
    if (ok)
      self->stats.dropped++;
    g_mutex_unlock (&self->lock);
    gst_nats_item_free (item);
    return ok;
  }
  if (number)
    *number = item->number;
  for (i = 0; i < item->n && self->config.jetstream; i++) {
    place = g_new (Place, 1);
    place->item = item;
    place->index = i;
    g_hash_table_insert (self->places, &item->messages[i].number, place);
  }
  g_queue_push_tail_link (&self->queue, &item->link);
  if (!self->unsent)
    self->unsent = item;
  self->stats.pending++;
  self->stats.pending_bytes += item->size;
  g_cond_signal (&self->cond);
  g_mutex_unlock (&self->lock);

  return TRUE;
}

gboolean
gst_nats_publisher_wait (GstNatsPublisher * self, guint64 number,
    GError ** error)
{
  gboolean ok = TRUE, there;
  GList *l;

  g_mutex_lock (&self->lock);
  do {
    there = FALSE;
    for (l = self->queue.head; l && !there; l = l->next)
      there = ((GstNatsItem *) l->data)->number == number;
    if (!there)
      break;
    ok = gst_nats_publisher_usable (self, error);
    if (ok)
      g_cond_wait (&self->room, &self->lock);
  } while (ok);
  /* gone because of a failure is not sent */
  if (ok && self->error)
    ok = gst_nats_publisher_usable (self, error);
  g_mutex_unlock (&self->lock);

  return ok;
}

gboolean
gst_nats_publisher_drain (GstNatsPublisher * self, GError ** error)
{
  gboolean ok = TRUE;
  natsStatus s = NATS_TIMEOUT;

  g_mutex_lock (&self->lock);
  while ((ok = gst_nats_publisher_usable (self, error))
      && self->stats.pending > 0)
    g_cond_wait (&self->room, &self->lock);
  g_mutex_unlock (&self->lock);
  /* core mode: the server's answer to a ping comes after it has read all */
  while (ok && s != NATS_OK) {
    if (gst_nats_connection_is_connected (self->connection)) {
      s = natsConnection_FlushTimeout (gst_nats_connection_get
          (self->connection), FLUSH_STEP);
    } else {
      g_usleep (AWAY_STEP);
    }
    g_mutex_lock (&self->lock);
    ok = gst_nats_publisher_usable (self, error);
    g_mutex_unlock (&self->lock);
  }

  return ok;
}

void
gst_nats_publisher_discard (GstNatsPublisher * self)
{
  GstNatsItem *item;

  g_mutex_lock (&self->lock);
  while ((item = gst_nats_publisher_oldest (self))) {
    gst_nats_publisher_remove (self, item);
    self->stats.dropped++;
  }
  g_mutex_unlock (&self->lock);
}

GstNatsPublisher *
gst_nats_publisher_new (GstNatsConnection * connection,
    const GstNatsPublisherConfig * config, GstNatsPublisherFailed failed,
    gpointer user_data)
{
  GstNatsPublisher *self = g_new0 (GstNatsPublisher, 1);
  natsInbox *inbox = NULL;

  self->refs = 2;
  self->connection = gst_nats_connection_ref (connection);
  self->config = *config;
  self->failed = failed;
  self->user_data = user_data;
  g_mutex_init (&self->lock);
  g_cond_init (&self->cond);
  g_cond_init (&self->room);
  g_rec_mutex_init (&self->failed_lock);
  g_queue_init (&self->queue);
  self->places = g_hash_table_new_full (g_int64_hash, g_int64_equal, NULL,
      g_free);
  natsInbox_Create (&inbox);
  self->inbox = g_strdup (inbox);
  natsInbox_Destroy (inbox);
  g_thread_unref (g_thread_new ("nats-publish", gst_nats_publisher_run, self));

  return self;
}

void
gst_nats_publisher_close (GstNatsPublisher * self)
{
  g_rec_mutex_lock (&self->failed_lock);
  self->failed = NULL;
  g_rec_mutex_unlock (&self->failed_lock);
  g_mutex_lock (&self->lock);
  self->closed = TRUE;
  g_cond_broadcast (&self->cond);
  g_cond_broadcast (&self->room);
  g_mutex_unlock (&self->lock);
  gst_nats_publisher_unref (self);
}

void
gst_nats_publisher_set_flushing (GstNatsPublisher * self, gboolean flushing)
{
  g_mutex_lock (&self->lock);
  self->flushing = flushing;
  g_cond_broadcast (&self->room);
  g_mutex_unlock (&self->lock);
}

void
gst_nats_publisher_wake (GstNatsPublisher * self)
{
  g_mutex_lock (&self->lock);
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->lock);
}

void
gst_nats_publisher_set_limits (GstNatsPublisher * self,
    const GstNatsPublisherConfig * config)
{
  g_mutex_lock (&self->lock);
  self->config.max_messages = config->max_messages;
  self->config.max_bytes = config->max_bytes;
  self->config.policy = config->policy;
  g_cond_broadcast (&self->room);
  g_mutex_unlock (&self->lock);
}

void
gst_nats_publisher_get_stats (GstNatsPublisher * self,
    GstNatsPublisherStats * stats)
{
  g_mutex_lock (&self->lock);
  *stats = self->stats;
  g_mutex_unlock (&self->lock);
}
