/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Threads: cnats' delivery thread, in which messages come, one of its own that
 * keeps a pull consumer going, and whoever pops. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <string.h>

#include "gstnatsconsumerprivate.h"

#define CLOSE_WAIT (500 * G_TIME_SPAN_MILLISECOND)
/* fetching a chunk fails when a server has just gone */
#define FETCH_TRIES 5
#define FETCH_WAIT (100 * G_TIME_SPAN_MILLISECOND)
/* before asking again where others have the places */
#define BUSY_WAIT G_TIME_SPAN_SECOND
/* memory that a chunk's message takes above its payload; ours take a third */
#define MAX_BODY_OVERHEAD 4096

void
gst_nats_consumer_unref (GstNatsConsumer * self)
{
  if (!g_atomic_int_dec_and_test (&self->refs))
    return;
  while (self->queue.head) {
    GList *l = g_queue_pop_head_link (&self->queue);

    gst_nats_delivery_free (l->data);
  }
  natsSubscription_Destroy (self->subscription);
  if (self->pull)
    gst_nats_pull_free (self->pull);
  gst_nats_pull_config_clear (&self->config.pull);
  g_free (self->config.subject);
  g_free (self->config.queue);
  g_free (self->inbox);
  g_free (self->refusal);
  g_clear_error (&self->error);
  gst_nats_seen_free (self->seen);
  gst_nats_chunks_free (self->chunks);
  gst_nats_connection_unref (self->connection);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->cond);
  g_free (self);
}

static const char *
get_header (void *message, const char *name)
{
  const char *value = NULL;

  return natsMsgHeader_Get (message, name, &value) == NATS_OK ? value : NULL;
}

void
gst_nats_consumer_answer (GstNatsConsumer * self,
    const GstNatsDelivery * delivery, const gchar * text)
{
  natsConnection *nc = gst_nats_connection_get (self->connection);
  guint i;

  /* another stream of that name has other messages under these numbers */
  if (delivery->stale)
    return;
  for (i = delivery->first_ack; i < delivery->messages->len; i++) {
    const char *reply = natsMsg_GetReply (g_ptr_array_index (delivery->messages,
            i));

    if (reply)
      natsConnection_PublishString (nc, reply, text);
  }
}

static void
gst_nats_consumer_count (GstNatsConsumer * self, guint64 * counter, guint64 n)
{
  g_mutex_lock (&self->lock);
  *counter += n;
  g_mutex_unlock (&self->lock);
}

/* With the lock. Makes room for a delivery by the policy; FALSE when it is to
 * go itself. */
static gboolean
gst_nats_consumer_make_room (GstNatsConsumer * self, GstNatsDelivery * delivery)
{
  const guint32 delta_unit = 1 << 13;   /* GST_BUFFER_FLAG_DELTA_UNIT */
  gboolean delta = delivery->header.buffer.flags & delta_unit;
  gboolean keys = self->config.policy == GST_NATS_SLOW_KEY_FRAMES;

  if (self->config.jetstream)
    return TRUE;
  if (keys && self->waiting_key && delta)
    return FALSE;
  self->waiting_key = FALSE;
  while (self->queue.length > 0 && (self->queue.length >=
          self->config.max_messages || self->queued_bytes + delivery->memory >
          self->config.max_bytes)) {
    if (self->config.policy == GST_NATS_SLOW_BLOCK) {
      if (self->closed)
        return FALSE;
      g_cond_wait (&self->cond, &self->lock);
      continue;
    }
    do {
      GstNatsDelivery *old = g_queue_pop_head_link (&self->queue)->data;

      self->queued_bytes -= old->memory;
      gst_nats_delivery_free (old);
      self->stats.dropped++;
    } while (keys && self->queue.length > 0);
    if (self->queue.length > 0)
      ((GstNatsDelivery *) self->queue.head->data)->lost_before = TRUE;
    else
      delivery->lost_before = TRUE;
    if (keys && delta) {
      self->waiting_key = TRUE;
      return FALSE;
    }
  }

  return TRUE;
}

static void
gst_nats_consumer_queue (GstNatsConsumer * self, GstNatsDelivery * delivery)
{
  guint64 missing = 0;

  /* events are not numbered */
  if (delivery->header.event == NATS_EVENT_NONE)
    delivery->duplicate = gst_nats_seen_add (self->seen,
        &delivery->header.identity, &missing);
  delivery->extended = g_get_monotonic_time ();
  g_mutex_lock (&self->lock);
  delivery->stale = delivery->ordinal <= self->old_until;
  if (delivery->duplicate)
    self->stats.duplicates++;
  if (delivery->delivery.delivered > 1)
    self->stats.redelivered++;
  /* members of groups get a part of the numbers */
  if (!self->config.queue && !self->config.jetstream && missing > 0) {
    delivery->lost_before = TRUE;
    self->stats.missing += missing;
  }
  if (self->renewed && !delivery->stale) {
    delivery->lost_before = TRUE;
    self->renewed = FALSE;
  }
  if (self->closed && self->config.jetstream) {
    gst_nats_consumer_answer (self, delivery, "-NAK");
    gst_nats_delivery_free (delivery);
  } else if (self->closed || !gst_nats_consumer_make_room (self, delivery)) {
    self->stats.dropped++;
    self->left_out = TRUE;
    gst_nats_delivery_free (delivery);
  } else {
    delivery->lost_before |= self->left_out;
    self->left_out = FALSE;
    g_queue_push_tail_link (&self->queue, &delivery->link);
    self->queued_bytes += delivery->memory;
  }
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->lock);
}

/* What came before the stream was made again may still be worked at. */
static void
gst_nats_consumer_answer_now (GstNatsConsumer * self,
    GstNatsDelivery * delivery, const gchar * text)
{
  g_mutex_lock (&self->lock);
  delivery->stale = delivery->ordinal <= self->old_until;
  g_mutex_unlock (&self->lock);
  gst_nats_consumer_answer (self, delivery, text);
}

/* Of no use to anybody: taken off the stream, so that it does not come back. */
static void
gst_nats_consumer_refuse (GstNatsConsumer * self, GstNatsDelivery * delivery,
    guint64 * counter)
{
  gst_nats_consumer_count (self, counter, 1);
  if (self->config.jetstream)
    gst_nats_consumer_answer_now (self, delivery, "+TERM");
  gst_nats_delivery_free (delivery);
}

/* One body of @index's buffer; NULL with @error when the network failed, and
 * without when it is not what it should be. */
static natsMsg *
gst_nats_consumer_fetch_body (GstNatsConsumer * self,
    const nats_header * index, guint number, guint64 sequence, GError ** error)
{
  nats_header header;
  natsMsg *msg = NULL;
  guint i;

  for (i = 0; i < FETCH_TRIES && !msg; i++) {
    g_clear_error (error);
    if (i > 0)
      g_usleep (FETCH_WAIT << i);
    msg = gst_nats_pull_get (self->pull, sequence, error);
    if (!msg && g_error_matches (*error, GST_NATS_ERROR,
            GST_NATS_ERROR_NO_STREAM))
      break;
  }
  if (msg && (nats_header_read (&header, get_header, msg,
              self->config.max_size) != NATS_HEADER_OK || !header.has_chunk
          || header.chunk.index != number
          || header.chunk.count != index->chunk.count
          || gst_nats_message_get_memory (msg) > MAX_BODY_OVERHEAD +
          (gsize) natsMsg_GetDataLength (msg)
          || !nats_identity_equal (&header.identity, &index->identity))) {
    natsMsg_Destroy (msg);
    msg = NULL;
  }

  return msg;
}

/* An index message came: the other chunks are fetched from the stream. */
static void
gst_nats_consumer_complete (GstNatsConsumer * self, GstNatsDelivery * delivery)
{
  const nats_header *header = &delivery->header;
  guint n = header->chunk.count - 1, i;
  guint64 *sequences = g_new (guint64, n);
  GError *error = NULL;
  natsMsg *msg = NULL;

  if (!self->pull || header->chunk.index != n
      || !nats_bodies_read (sequences, n, header->bodies)) {
    gst_nats_consumer_refuse (self, delivery, &self->stats.malformed);
    g_free (sequences);
    return;
  }
  for (i = 0; i < n; i++) {
    msg = gst_nats_consumer_fetch_body (self, header, i, sequences[i], &error);
    if (!msg)
      break;
    g_ptr_array_insert (delivery->messages, i, msg);
    delivery->first_ack = i + 1;
    delivery->size += (gsize) natsMsg_GetDataLength (msg);
    delivery->memory += gst_nats_message_get_memory (msg);
    if (delivery->size > header->chunk.size)
      break;
  }
  g_free (sequences);
  if (i == n && gst_nats_delivery_check (delivery)) {
    gst_nats_consumer_queue (self, delivery);
  } else if (error && !g_error_matches (error, GST_NATS_ERROR,
          GST_NATS_ERROR_NO_STREAM)) {
    /* the servers may have it later */
    gst_nats_consumer_answer_now (self, delivery, "-NAK");
    gst_nats_delivery_free (delivery);
  } else {
    gst_nats_consumer_refuse (self, delivery, &self->stats.incomplete);
  }
  g_clear_error (&error);
}

static void
gst_nats_consumer_take (GstNatsConsumer * self, GstNatsDelivery * delivery)
{
  guint64 lost = 0;

  if (delivery->header.bodies) {
    gst_nats_consumer_complete (self, delivery);
    return;
  }
  if (delivery->header.has_chunk) {
    gst_nats_chunks_add (self->chunks, &delivery, &lost);
    gst_nats_consumer_count (self, &self->stats.incomplete, lost);
  }
  if (delivery)
    gst_nats_consumer_queue (self, delivery);
}

/* With the lock. FALSE for what says how a request ended. */
static gboolean
gst_nats_consumer_is_ours (GstNatsConsumer * self, natsMsg * msg)
{
  switch (gst_nats_pull_received (self->pull, msg)) {
    case GST_NATS_PULL_MESSAGE:
      return TRUE;
    case GST_NATS_PULL_ENDED:
      break;
    case GST_NATS_PULL_GONE:
      self->gone = TRUE;
      break;
    case GST_NATS_PULL_BUSY:
      self->busy_until = g_get_monotonic_time () + BUSY_WAIT;
      break;
    case GST_NATS_PULL_REFUSED:
      if (!self->refusal)
        self->refusal = g_strdup (gst_nats_pull_get_refusal (msg));
      break;
  }
  return FALSE;
}

void
gst_nats_consumer_on_message (natsConnection * nc, natsSubscription * sub,
    natsMsg * msg, void *closure)
{
  GstNatsConsumer *self = closure;
  GstNatsDelivery *delivery;
  nats_header_result result;
  nats_header header;
  gboolean ours;
  gint64 ordinal;

  g_mutex_lock (&self->lock);
  ordinal = ++self->taken;
  ours = !self->pull || gst_nats_consumer_is_ours (self, msg);
  if (ours) {
    self->stats.received++;
    self->stats.received_bytes += (guint64) natsMsg_GetDataLength (msg);
  }
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->lock);
  if (!ours) {
    natsMsg_Destroy (msg);
    return;
  }

  result = nats_header_read (&header, get_header, msg, self->config.max_size);
  delivery = gst_nats_delivery_new (msg, &header);
  delivery->ordinal = ordinal;
  if (self->config.jetstream && natsMsg_GetReply (msg)
      && nats_delivery_read (&delivery->delivery, natsMsg_GetReply (msg))) {
    g_mutex_lock (&self->lock);
    if (ordinal > self->old_until)
      self->last_sequence = MAX (self->last_sequence,
          delivery->delivery.stream_sequence);
    g_mutex_unlock (&self->lock);
    if (gst_nats_pull_is_early (self->pull, &delivery->delivery)) {
      gst_nats_consumer_answer_now (self, delivery, "+ACK");
      gst_nats_delivery_free (delivery);
      return;
    }
  }
  if (result == NATS_HEADER_OK)
    gst_nats_consumer_take (self, delivery);
  else
    gst_nats_consumer_refuse (self, delivery, result == NATS_HEADER_FOREIGN ?
        &self->stats.foreign : &self->stats.malformed);
}

GstNatsConsumer *
gst_nats_consumer_new (GstNatsConnection * connection,
    GstNatsConsumerConfig * config)
{
  GstNatsConsumer *self = g_new0 (GstNatsConsumer, 1);
  natsInbox *inbox = NULL;

  self->refs = 2;
  self->connection = gst_nats_connection_ref (connection);
  self->config = *config;
  memset (config, 0, sizeof (*config));
  g_mutex_init (&self->lock);
  g_cond_init (&self->cond);
  g_queue_init (&self->queue);
  g_queue_init (&self->held);
  natsInbox_Create (&inbox);
  self->inbox = g_strdup (inbox);
  natsInbox_Destroy (inbox);
  self->seen = gst_nats_seen_new ();
  self->chunks = gst_nats_chunks_new (self->config.max_size);
  if (self->config.jetstream) {
    /* the answers to requests are shorter-lived than the rest of it */
    GstNatsPullConfig pull = self->config.pull;

    self->pull = gst_nats_pull_new (connection, &pull, self->inbox);
    self->config.pull.stream = self->config.pull.subject = NULL;
    self->config.pull.durable = NULL;
  }
  g_thread_unref (g_thread_new ("nats-consume", gst_nats_consumer_run, self));

  return self;
}

void
gst_nats_consumer_close (GstNatsConsumer * self)
{
  gint64 end = g_get_monotonic_time () + CLOSE_WAIT;

  g_mutex_lock (&self->lock);
  self->closed = TRUE;
  g_cond_broadcast (&self->cond);
  /* or the process may end before others get what is held */
  while (self->stats.subscribed && self->config.jetstream
      && !self->given_back && !self->error
      && gst_nats_connection_is_connected (self->connection)
      && g_cond_wait_until (&self->cond, &self->lock, end));
  g_mutex_unlock (&self->lock);
  gst_nats_consumer_unref (self);
}

GstNatsDelivery *
gst_nats_consumer_pop (GstNatsConsumer * self, GError ** error)
{
  GstNatsDelivery *delivery = NULL;
  GList *l;

  g_mutex_lock (&self->lock);
  while (!self->flushing && !self->closed && !self->error
      && self->queue.length == 0)
    g_cond_wait (&self->cond, &self->lock);
  if (self->flushing || self->closed) {
    g_set_error_literal (error, GST_NATS_ERROR, GST_NATS_ERROR_CANCELLED,
        "Cancelled");
  } else if (self->queue.length > 0) {
    l = g_queue_pop_head_link (&self->queue);
    delivery = l->data;
    self->queued_bytes -= delivery->memory;
    g_queue_push_tail_link (&self->held, l);
    g_cond_broadcast (&self->cond);
  } else {
    g_propagate_error (error, g_error_copy (self->error));
  }
  g_mutex_unlock (&self->lock);

  return delivery;
}

void
gst_nats_consumer_done (GstNatsConsumer * self, GstNatsDelivery * delivery,
    gboolean ok)
{
  guint64 *bodies = NULL;
  guint i, n = delivery->first_ack;

  g_mutex_lock (&self->lock);
  g_queue_unlink (&self->held, &delivery->link);
  if (ok && self->config.jetstream && !delivery->stale) {
    self->stats.acknowledged++;
    /* nobody acknowledges bodies: they would stay for ever */
    if (n > 0 && gst_nats_pull_is_work_queue (self->pull))
      bodies = g_new (guint64, n);
  }
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->lock);
  if (self->config.jetstream)
    gst_nats_consumer_answer (self, delivery, ok ? "+ACK" : "-NAK");
  if (bodies && nats_bodies_read (bodies, n, delivery->header.bodies)) {
    for (i = 0; i < n; i++)
      gst_nats_pull_erase (self->pull, bodies[i]);
  }
  g_free (bodies);
  gst_nats_delivery_free (delivery);
}

void
gst_nats_consumer_set_flushing (GstNatsConsumer * self, gboolean flushing)
{
  g_mutex_lock (&self->lock);
  self->flushing = flushing;
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->lock);
}

void
gst_nats_consumer_wake (GstNatsConsumer * self)
{
  g_mutex_lock (&self->lock);
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->lock);
}

void
gst_nats_consumer_count_malformed (GstNatsConsumer * self)
{
  gst_nats_consumer_count (self, &self->stats.malformed, 1);
}

void
gst_nats_consumer_get_stats (GstNatsConsumer * self,
    GstNatsConsumerStats * stats)
{
  g_mutex_lock (&self->lock);
  *stats = self->stats;
  stats->pending = self->queue.length;
  stats->dropped += (guint64) MAX (self->dropped_by_cnats, 0);
  g_mutex_unlock (&self->lock);
}
