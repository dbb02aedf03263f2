/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The thread of a publisher: sends, takes acknowledgements, sends again. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <string.h>

#include "gstnatsack.h"
#include "gstnatspublisherprivate.h"
#include "natsheader.h"

/* between two looks at what is to be sent again */
#define TICK (50 * G_TIME_SPAN_MILLISECOND)
#define RETRY_MIN (50 * G_TIME_SPAN_MILLISECOND)
#define RETRY_MAX (2 * G_TIME_SPAN_SECOND)
/* an answer of a stream in a busy cluster takes this long at times */
#define RESEND_MAX (5 * G_TIME_SPAN_SECOND)

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

/* All below with the lock held, unless it says otherwise. */

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
    self->unsent = gst_nats_item_next (item);
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

gpointer
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
