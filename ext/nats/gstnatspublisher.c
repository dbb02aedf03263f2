/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <string.h>

#include "gstnatsack.h"
#include "gstnatspublisher.h"
#include "natsheader.h"

/* between two looks at what is to be sent again */
#define TICK (50 * G_TIME_SPAN_MILLISECOND)
#define RETRY_MIN (50 * G_TIME_SPAN_MILLISECOND)
#define RETRY_MAX (2 * G_TIME_SPAN_SECOND)
/* an answer of a stream in a busy cluster takes this long at times */
#define RESEND_MAX (5 * G_TIME_SPAN_SECOND)
#define FLUSH_STEP 100          /* ms that waiting cannot be ended */

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

static void
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

static GstNatsItem *
next_of (GstNatsItem * item)
{
  return item->link.next ? item->link.next->data : NULL;
}

static void
gst_nats_publisher_remove (GstNatsPublisher * self, GstNatsItem * item)
{
  guint i;

  if (self->unsent == item)
    self->unsent = next_of (item);
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
      item = next_of (item));
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
      g_usleep (TICK);
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

/* Without the lock. */
static void
gst_nats_publisher_fail (GstNatsPublisher * self, GError * error)
{
  g_mutex_lock (&self->lock);
  if (self->error) {
    g_mutex_unlock (&self->lock);
    g_error_free (error);
    return;
  }
  self->error = error;
  g_cond_broadcast (&self->room);
  g_mutex_unlock (&self->lock);
  g_rec_mutex_lock (&self->failed_lock);
  if (self->failed)
    self->failed (error, self->user_data);
  g_rec_mutex_unlock (&self->failed_lock);
}

static void
gst_nats_publisher_answered (GstNatsPublisher * self, const Place * place,
    const GstNatsAck * ack)
{
  GstNatsItem *item = place->item;
  Message *message = &item->messages[place->index];

  if (ack->error) {
    gint64 wait = RETRY_MIN << MIN (message->tries, 6);

    self->stats.refused++;
    message->tries++;
    message->again = g_get_monotonic_time () + MIN (wait, RETRY_MAX);
    g_clear_error (&item->error);
    item->error = g_error_copy (ack->error);
    return;
  }
  if (message->acknowledged)
    return;
  message->acknowledged = TRUE;
  message->sequence = ack->sequence;
  item->acknowledged++;
  if (ack->duplicate)
    self->stats.duplicates++;
  if (item->acknowledged == item->n) {
    self->stats.acknowledged++;
    if (!item->busy)
      gst_nats_publisher_remove (self, item);
  }
  /* an index may wait for this body */
  g_cond_signal (&self->cond);
}

static void
on_answer (natsConnection * nc, natsSubscription * sub, natsMsg * msg,
    void *closure)
{
  GstNatsPublisher *self = closure;
  const gchar *subject = natsMsg_GetSubject (msg);
  const gchar *dot = strrchr (subject, '.');
  guint64 number = dot ? g_ascii_strtoull (dot + 1, NULL, 10) : 0;
  GstNatsAck ack;
  Place *place;

  gst_nats_ack_read (&ack, msg);
  g_mutex_lock (&self->lock);
  place = g_hash_table_lookup (self->places, &number);
  if (place)
    gst_nats_publisher_answered (self, place, &ack);
  g_mutex_unlock (&self->lock);
  gst_nats_ack_clear (&ack);
  natsMsg_Destroy (msg);
}

/* The last word of the subscription, whose reference goes. */
static void
on_answers_end (void *closure)
{
  gst_nats_publisher_unref (closure);
}

static gboolean
gst_nats_publisher_subscribe (GstNatsPublisher * self, GError ** error)
{
  natsConnection *nc = gst_nats_connection_get (self->connection);
  gchar *subject = g_strconcat (self->inbox, ".*", NULL);
  natsStatus s;

  g_atomic_int_inc (&self->refs);
  s = natsConnection_Subscribe (&self->answers, nc, subject, on_answer, self);
  if (s == NATS_OK)
    s = natsSubscription_SetOnCompleteCB (self->answers, on_answers_end, self);
  if (s != NATS_OK) {
    gst_nats_set_error (error, s, 0, "subscribe to acknowledgements");
    g_atomic_int_add (&self->refs, -1);
  }
  g_free (subject);

  return s == NATS_OK;
}

static void
gst_nats_item_set_bodies (GstNatsItem * item)
{
  GString *text = g_string_new (NULL);
  guint i;

  for (i = 0; i + 1 < item->n; i++)
    g_string_append_printf (text, "%s%" G_GUINT64_FORMAT, i > 0 ? "," : "",
        item->messages[i].sequence);
  natsMsgHeader_Set (item->messages[item->n - 1].msg, NATS_HEADER_BODIES,
      text->str);
  g_string_free (text, TRUE);
}

/* Sends one message, outside the lock. FALSE when it should be tried again
 * later; an error that trying again does not mend is returned. */
static gboolean
gst_nats_publisher_send (GstNatsPublisher * self, GstNatsItem * item,
    guint index, GError ** fatal)
{
  Message *message = &item->messages[index];
  natsConnection *nc = gst_nats_connection_get (self->connection);
  gint64 wait = self->config.ack_timeout * G_TIME_SPAN_MILLISECOND / 4;
  natsStatus s;

  if (item->indexed && index == item->n - 1)
    gst_nats_item_set_bodies (item);
  if (message->again)
    self->stats.retried++;
  message->generation = self->generation;
  message->again = g_get_monotonic_time () + CLAMP (wait, RETRY_MIN,
      RESEND_MAX);
  if (!item->first) {
    item->first = g_get_monotonic_time ();
    if (self->config.jetstream)
      self->stats.unacknowledged++;
  }
  item->busy = TRUE;
  g_mutex_unlock (&self->lock);
  s = natsConnection_PublishMsg (nc, message->msg);
  if (s == NATS_MAX_PAYLOAD || s == NATS_INVALID_SUBJECT
      || s == NATS_INVALID_ARG || s == NATS_NO_SERVER_SUPPORT)
    gst_nats_set_error (fatal, s, 0, "publish");
  g_mutex_lock (&self->lock);
  item->busy = FALSE;

  return s == NATS_OK;
}

/* After sending: items of core mode are done, and others may be gone. */
static void
gst_nats_publisher_sent (GstNatsPublisher * self, GstNatsItem * item)
{
  if (item->dead) {
    gst_nats_item_free (item);
    return;
  }
  if (item->next == item->n && self->unsent == item) {
    self->unsent = next_of (item);
    self->stats.published++;
    self->stats.published_bytes += item->size;
    if (!self->config.jetstream) {
      gst_nats_publisher_remove (self, item);
      return;
    }
  }
  if (item->acknowledged == item->n)
    gst_nats_publisher_remove (self, item);
}

/* Sends again what is due. TRUE when something was sent: the queue may have
 * changed meanwhile. */
static gboolean
gst_nats_publisher_send_again (GstNatsPublisher * self, gint64 now,
    GError ** fatal)
{
  GList *l;
  guint i;

  for (l = self->queue.head; l; l = l->next) {
    GstNatsItem *item = l->data;

    if (!item->first)
      break;
    if (now - item->first > self->config.ack_timeout * G_TIME_SPAN_MILLISECOND) {
      if (!self->config.drop_on_timeout) {
        *fatal = item->error ? g_error_copy (item->error) :
            g_error_new (GST_NATS_ERROR, GST_NATS_ERROR_TIMEOUT,
            "No stream acknowledged a message within publish-ack-timeout, %u "
            "ms", self->config.ack_timeout);
        return FALSE;
      }
      self->stats.lost++;
      gst_nats_publisher_remove (self, item);
      return TRUE;
    }
    for (i = 0; i < item->next; i++) {
      if (item->messages[i].acknowledged || (item->messages[i].again > now
              && item->messages[i].generation == self->generation))
        continue;
      gst_nats_publisher_send (self, item, i, fatal);
      gst_nats_publisher_sent (self, item);
      return TRUE;
    }
  }

  return FALSE;
}

/* After the connection came back, the time of waiting begins anew. */
static void
gst_nats_publisher_begin_generation (GstNatsPublisher * self, guint generation)
{
  GList *l;

  self->generation = generation;
  for (l = self->queue.head; l; l = l->next) {
    GstNatsItem *item = l->data;

    if (item->first)
      item->first = g_get_monotonic_time ();
  }
}

/* One thing to do; FALSE when there is nothing to be done now. */
static gboolean
gst_nats_publisher_step (GstNatsPublisher * self, gint64 * look,
    GError ** fatal)
{
  guint generation = gst_nats_connection_get_reconnects (self->connection);
  gint64 now = g_get_monotonic_time ();
  GstNatsItem *item = self->unsent;

  if (!gst_nats_connection_is_connected (self->connection)) {
    *fatal = gst_nats_connection_dup_error (self->connection);
    return FALSE;
  }
  if (generation != self->generation) {
    gst_nats_publisher_begin_generation (self, generation);
    *look = 0;
  }
  if (self->config.jetstream && now >= *look) {
    if (gst_nats_publisher_send_again (self, now, fatal))
      return TRUE;
    *look = now + TICK;
  }
  if (!item || *fatal)
    return FALSE;
  if (item->indexed && item->next == item->n - 1
      && item->acknowledged < item->n - 1)
    return FALSE;
  if (!gst_nats_publisher_send (self, item, item->next, fatal)) {
    if (item->dead)
      gst_nats_publisher_sent (self, item);
    return FALSE;
  }
  item->next++;
  gst_nats_publisher_sent (self, item);

  return TRUE;
}

static gpointer
gst_nats_publisher_run (gpointer data)
{
  GstNatsPublisher *self = data;
  GError *fatal = NULL;
  gint64 look = 0;

  if (gst_nats_connection_wait (self->connection, 0, &fatal)
      && self->config.jetstream)
    gst_nats_publisher_subscribe (self, &fatal);
  g_mutex_lock (&self->lock);
  self->generation = gst_nats_connection_get_reconnects (self->connection);
  while (!self->closed && !fatal && !self->error) {
    if (!gst_nats_publisher_step (self, &look, &fatal) && !fatal)
      g_cond_wait_until (&self->cond, &self->lock,
          g_get_monotonic_time () + TICK);
  }
  g_mutex_unlock (&self->lock);
  if (fatal)
    gst_nats_publisher_fail (self, fatal);
  natsSubscription_Unsubscribe (self->answers);
  gst_nats_publisher_unref (self);
  nats_ReleaseThreadMemory ();

  return NULL;
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
