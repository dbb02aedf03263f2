/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The thread of a consumer: subscribes, keeps a pull consumer going and gives
 * back what is held at the end. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstnatsconsumerprivate.h"
#include "gstnatsstream.h"

#define TICK (100 * G_TIME_SPAN_MILLISECOND)
/* ms; a leader is elected within less than a second, or much later */
#define OPEN_WAIT_FIRST 100
#define OPEN_WAIT 500
#define OPEN_TRIES 20
#define RENEW_TRIES 4
#define DRAIN_WAIT 250          /* ms */

static void
on_end (void *closure)
{
  gst_nats_consumer_unref (closure);
}

static gboolean
gst_nats_consumer_subscribe (GstNatsConsumer * self, GError ** error)
{
  natsConnection *nc = gst_nats_connection_get (self->connection);
  gchar *all = g_strconcat (self->inbox, ".*", NULL), *what;
  natsStatus s;

  g_atomic_int_inc (&self->refs);
  if (self->config.jetstream)
    s = natsConnection_Subscribe (&self->subscription, nc, all,
        gst_nats_consumer_on_message, self);
  else if (self->config.queue)
    s = natsConnection_QueueSubscribe (&self->subscription, nc,
        self->config.subject, self->config.queue, gst_nats_consumer_on_message,
        self);
  else
    s = natsConnection_Subscribe (&self->subscription, nc,
        self->config.subject, gst_nats_consumer_on_message, self);
  if (s == NATS_OK)
    s = natsSubscription_SetOnCompleteCB (self->subscription, on_end, self);
  else
    g_atomic_int_add (&self->refs, -1);
  if (s == NATS_OK)
    s = natsConnection_Flush (nc);
  /* cnats subscribes again when the connection is back */
  if (s == NATS_CONNECTION_DISCONNECTED || s == NATS_TIMEOUT)
    s = NATS_OK;
  if (s != NATS_OK) {
    what = g_strdup_printf ("subscribe to %s", self->config.subject);
    gst_nats_set_error (error, s, 0, what);
    g_free (what);
  }
  g_free (all);

  return s == NATS_OK;
}

/* With the lock. Long work must not look like a dead worker. */
static void
gst_nats_consumer_extend (GstNatsConsumer * self, GQueue * queue, gint64 now)
{
  gint64 wait = (gint64) (self->config.pull.ack_wait / 1000 / 3);
  GList *l;

  for (l = queue->head; l; l = l->next) {
    GstNatsDelivery *delivery = l->data;

    if (now - delivery->extended < wait)
      continue;
    delivery->extended = now;
    gst_nats_consumer_answer (self, delivery, "+WPI");
  }
}

/* With the lock. What is held cannot be acknowledged any more: another stream of
 * the same name has other messages under these numbers. */
static void
gst_nats_consumer_begin_stream (GstNatsConsumer * self)
{
  int64_t delivered = 0;
  int pending = 0;
  GList *l;

  /* what cnats holds, and what is put together just now, too */
  if (natsSubscription_GetStats (self->subscription, &pending, NULL, NULL, NULL,
          &delivered, NULL) == NATS_OK)
    self->old_until = delivered + pending;
  for (l = self->queue.head; l; l = l->next)
    ((GstNatsDelivery *) l->data)->stale = TRUE;
  for (l = self->held.head; l; l = l->next)
    ((GstNatsDelivery *) l->data)->stale = TRUE;
  self->last_sequence = 0;
  self->renewed = TRUE;
}

/* FALSE when closed meanwhile, or with @error. */
static gboolean
gst_nats_consumer_try_open (GstNatsConsumer * self, GError ** error)
{
  gboolean renewed, ok;
  GError *warning;
  guint64 after;

  g_mutex_lock (&self->lock);
  after = self->last_sequence;
  gst_nats_pull_reset (self->pull);
  self->gone = FALSE;
  g_mutex_unlock (&self->lock);
  ok = gst_nats_pull_open (self->pull, after, &renewed, error);
  if (!ok || !renewed)
    return ok;
  g_mutex_lock (&self->lock);
  gst_nats_consumer_begin_stream (self);
  g_mutex_unlock (&self->lock);
  warning = g_error_new (GST_NATS_ERROR, GST_NATS_ERROR_NO_STREAM,
      "The stream of %s was deleted and made again, or its server has forgotten "
      "it: beginning with its first message; frames that were not received "
      "before are lost", self->config.subject);
  gst_nats_connection_warn (self->connection, warning);
  g_error_free (warning);

  return TRUE;
}

/* The consumer is there, or is made again; without the lock. */
static gboolean
gst_nats_consumer_open (GstNatsConsumer * self, GError ** error)
{
  guint i, round = 0;

  /* One that was there once is waited for as long as the connection is: its
   * servers may be away for longer than others of the cluster. */
  for (i = 0; i < OPEN_TRIES || self->opened; i++) {
    gboolean closed, none;

    g_mutex_lock (&self->lock);
    closed = self->closed;
    g_mutex_unlock (&self->lock);
    g_clear_error (error);
    if (closed)
      return TRUE;
    if (gst_nats_consumer_try_open (self, error)) {
      self->opened = TRUE;
      return TRUE;
    }
    none = g_error_matches (*error, GST_NATS_ERROR, GST_NATS_ERROR_NO_STREAM);
    if (gst_nats_stream_wait (self->connection, round, *error)) {
      round++;
      i = 0;
      continue;
    }
    /* a cluster without a leader, or without a majority, comes back; a stream
     * that was there may be made again just now */
    if (!g_error_matches (*error, GST_NATS_ERROR, GST_NATS_ERROR_TIMEOUT)
        && !g_error_matches (*error, GST_NATS_ERROR, GST_NATS_ERROR_FAILED)
        && !g_error_matches (*error, GST_NATS_ERROR, GST_NATS_ERROR_NO_SERVER)
        && !(none && i < RENEW_TRIES && self->opened))
      return FALSE;
    if (gst_nats_connection_is_away (self->connection))
      i = 0;
    gst_nats_connection_sleep (self->connection, i < 5 && !none ?
        OPEN_WAIT_FIRST : OPEN_WAIT);
  }

  return FALSE;
}

/* Without the lock. Others have all places of requests: it asks again, and says
 * so once. */
static void
gst_nats_consumer_tell_busy (GstNatsConsumer * self)
{
  GError *warning;

  if (self->told_busy)
    return;
  self->told_busy = TRUE;
  warning = g_error_new (GST_NATS_ERROR, GST_NATS_ERROR_FULL,
      "As many workers wait at the consumer of %s as it takes (max_waiting): "
      "trying again each second. Fewer workers, or another durable, help.",
      self->config.subject);
  gst_nats_connection_warn (self->connection, warning);
  g_error_free (warning);
}

/* With the lock, which it may leave meanwhile. */
static void
gst_nats_consumer_ask (GstNatsConsumer * self, gint64 now, GError ** error)
{
  gst_nats_consumer_extend (self, &self->queue, now);
  gst_nats_consumer_extend (self, &self->held, now);
  if (self->refusal) {
    g_set_error (error, GST_NATS_ERROR, GST_NATS_ERROR_SETTINGS,
        "The consumer of %s was made elsewhere, and refuses to be read: %s; "
        "use another durable, or prefetch=1", self->config.subject,
        self->refusal);
  } else if (now < self->busy_until) {
    g_mutex_unlock (&self->lock);
    gst_nats_consumer_tell_busy (self);
    g_mutex_lock (&self->lock);
  } else if (!gst_nats_pull_request (self->pull, self->queue.length +
          self->held.length, self->config.prefetch)) {
    self->gone = TRUE;
  }
}

static void
gst_nats_consumer_run_pull (GstNatsConsumer * self, GError ** error)
{
  guint generation = gst_nats_connection_get_reconnects (self->connection);

  if (!gst_nats_consumer_open (self, error))
    return;
  g_mutex_lock (&self->lock);
  self->stats.subscribed = TRUE;
  while (!self->closed && !self->error) {
    gint64 now = g_get_monotonic_time ();
    guint current = gst_nats_connection_get_reconnects (self->connection);

    if (!gst_nats_connection_is_connected (self->connection)) {
      *error = gst_nats_connection_dup_error (self->connection);
      if (*error)
        break;
    } else if (self->gone || current != generation) {
      generation = current;
      g_mutex_unlock (&self->lock);
      if (!gst_nats_consumer_open (self, error))
        return;
      g_mutex_lock (&self->lock);
    } else if (!self->flushing) {
      gst_nats_consumer_ask (self, now, error);
      if (*error)
        break;
    }
    g_cond_wait_until (&self->cond, &self->lock, now + TICK);
  }
  g_mutex_unlock (&self->lock);
}

static void
gst_nats_consumer_run_core (GstNatsConsumer * self, GError ** error)
{
  g_mutex_lock (&self->lock);
  self->stats.subscribed = TRUE;
  while (!self->closed && !*error) {
    if (!gst_nats_connection_is_connected (self->connection))
      *error = gst_nats_connection_dup_error (self->connection);
    natsSubscription_GetDropped (self->subscription, &self->dropped_by_cnats);
    if (!*error)
      g_cond_wait_until (&self->cond, &self->lock, g_get_monotonic_time () +
          TICK);
  }
  g_mutex_unlock (&self->lock);
}

/* What is still held goes back, so that others need not wait for it. */
static void
gst_nats_consumer_give_back (GstNatsConsumer * self)
{
  GList *l;

  while (self->config.jetstream) {
    g_mutex_lock (&self->lock);
    l = g_queue_pop_head_link (&self->queue);
    g_mutex_unlock (&self->lock);
    if (!l)
      break;
    gst_nats_consumer_answer (self, l->data, "-NAK");
    gst_nats_delivery_free (l->data);
  }
  /* what is on its way comes, and is given back, too */
  if (self->config.jetstream
      && gst_nats_connection_is_connected (self->connection)
      && natsSubscription_DrainTimeout (self->subscription, DRAIN_WAIT) ==
      NATS_OK)
    natsSubscription_WaitForDrainCompletion (self->subscription, DRAIN_WAIT);
  natsSubscription_Unsubscribe (self->subscription);
  g_mutex_lock (&self->lock);
  self->given_back = TRUE;
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->lock);
  if (self->config.jetstream)
    gst_nats_pull_forget (self->pull);
}

gpointer
gst_nats_consumer_run (gpointer data)
{
  GstNatsConsumer *self = data;
  GError *error = NULL;

  if (gst_nats_connection_wait (self->connection, 0, &error)
      && gst_nats_consumer_subscribe (self, &error)) {
    if (self->config.jetstream)
      gst_nats_consumer_run_pull (self, &error);
    else
      gst_nats_consumer_run_core (self, &error);
    gst_nats_consumer_give_back (self);
  }
  g_mutex_lock (&self->lock);
  self->error = error;
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->lock);
  gst_nats_consumer_unref (self);
  nats_ReleaseThreadMemory ();

  return NULL;
}
