/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * SECTION:element-natssrc
 * @title: natssrc
 * @short_description: Receives a stream over NATS
 * @see_also: natssink
 *
 * Makes buffers of the messages that #natssink publishes: the same bytes, caps,
 * time stamps and flags. Each has a custom meta `GstNatsMeta` with the identity
 * of its frame, which a natssink behind keeps, and a
 * #GstReferenceTimestampMeta with the UTC of its capture.
 *
 * With `mode=core` it gets what is published while it listens; with
 * #GstNatsSrc:queue one of a group gets each buffer. With `mode=jetstream` it
 * reads from a stream, from where #GstNatsSrc:deliver says, and acknowledges
 * each buffer when the elements behind have returned from it. All with the same
 * #GstNatsSrc:durable share the work; what one of them did not acknowledge goes
 * to another.
 *
 * ## Example launch lines
 * |[
 * gst-launch-1.0 natssrc subject=cams.7 timestamps=rebase ! wallocparse ! wallocdec ! videoconvert ! autovideosink
 * ]| This line shows a live camera.
 * |[
 * gst-launch-1.0 natssrc mode=jetstream stream=CAMS subject=cams.* durable=workers ! compressedclassify model-file=waste-1 ! natssink subject=answers payload=results wait-ack=true
 * ]| This line is one of any number of workers that share all cameras.
 *
 * Since: 0.3
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <string.h>

#include "gstnatsbuffer.h"
#include "gstnatscaps.h"
#include "gstnatscommon.h"
#include "gstnatselements.h"
#include "gstnatssrc.h"
#include "gstnatssrcproperties.h"

GST_DEBUG_CATEGORY_STATIC (natssrc_debug);
#define GST_CAT_DEFAULT natssrc_debug

struct _GstNatsSrc
{
  GstPushSrc parent;

  GstNatsSrcSettings settings;  /* object lock */

  /* start() to stop() */
  GstNatsConnection *connection;
  GstNatsConsumer *consumer;
  gboolean ends, drop_duplicates, ack_on_push, jetstream;
  GstNatsTimestamps timestamps;
  GstNatsCaps *caps;
  GstCaps *current;             /* on the pad */
  gboolean has_segment;
  nats_segment segment;
  nats_identity rebased;        /* source that rebase_offset is of */
  gint64 rebase_offset;
  GstNatsFailure failure;
  GstNatsDelivery *pushed;      /* to be acknowledged */
  nats_identity again;          /* of what was given back, and is to be done */

  /* object lock */
  gboolean warned_slow, warned_caps;
  GstNatsConsumerStats last;
  guint last_reconnects;
  guint64 n_pushed, n_unknown_caps, n_left_out;
  guint64 latency, latency_sum, latency_max, latency_count;
};

static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE ("src",
    GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);

#define gst_nats_src_parent_class parent_class
G_DEFINE_FINAL_TYPE (GstNatsSrc, gst_nats_src, GST_TYPE_PUSH_SRC);

GST_ELEMENT_REGISTER_DEFINE (natssrc, "natssrc", GST_RANK_NONE,
    GST_TYPE_NATS_SRC);

static GstStructure *
gst_nats_src_get_stats (GstNatsSrc * self)
{
  GstNatsConsumerStats s;
  GstStructure *stats;
  guint reconnects;
  gboolean connected = FALSE;

  GST_OBJECT_LOCK (self);
  s = self->last;
  reconnects = self->last_reconnects;
  if (self->consumer) {
    gst_nats_consumer_get_stats (self->consumer, &s);
    reconnects = gst_nats_connection_get_reconnects (self->connection);
    connected = gst_nats_connection_is_connected (self->connection);
  }
  stats = gst_structure_new ("application/x-natssrc-stats",
      "connected", G_TYPE_BOOLEAN, connected,
      "subscribed", G_TYPE_BOOLEAN, s.subscribed,
      "reconnects", G_TYPE_UINT, reconnects,
      "received", G_TYPE_UINT64, s.received,
      "received-bytes", G_TYPE_UINT64, s.received_bytes,
      "pushed", G_TYPE_UINT64, self->n_pushed,
      "acknowledged", G_TYPE_UINT64, s.acknowledged,
      "redelivered", G_TYPE_UINT64, s.redelivered,
      "duplicates", G_TYPE_UINT64, s.duplicates,
      "left-out", G_TYPE_UINT64, self->n_left_out,
      "missing", G_TYPE_UINT64, s.missing,
      "incomplete", G_TYPE_UINT64, s.incomplete,
      "dropped", G_TYPE_UINT64, s.dropped,
      "foreign", G_TYPE_UINT64, s.foreign,
      "malformed", G_TYPE_UINT64, s.malformed,
      "unknown-caps", G_TYPE_UINT64, self->n_unknown_caps,
      "pending", G_TYPE_UINT, s.pending,
      "latency", G_TYPE_UINT64, self->latency,
      "latency-average", G_TYPE_UINT64, self->latency_count > 0 ?
      self->latency_sum / self->latency_count : 0,
      "latency-max", G_TYPE_UINT64, self->latency_max, NULL);
  GST_OBJECT_UNLOCK (self);

  return stats;
}

static void
gst_nats_src_fail (GstNatsSrc * self, const GError * error)
{
  gst_nats_failure_post (&self->failure, GST_ELEMENT (self), error, FALSE);
}

static void
gst_nats_src_warn_slow (GstNatsSrc * self)
{
  gboolean first;

  GST_OBJECT_LOCK (self);
  first = !self->warned_slow;
  self->warned_slow = TRUE;
  GST_OBJECT_UNLOCK (self);
  if (first)
    GST_ELEMENT_WARNING (self, RESOURCE, READ,
        ("Messages come faster than they are taken: some were dropped."),
        ("Fewer sources, more receivers in the same queue, or mode=jetstream "
            "help."));
}

static void
on_connection (GstNatsEvent event, const GError * error, gpointer user_data)
{
  GstNatsSrc *self = user_data;
  gchar *url = NULL;

  GST_OBJECT_LOCK (self);
  if (self->connection)
    url = gst_nats_connection_dup_url (self->connection);
  if (self->consumer)
    gst_nats_consumer_wake (self->consumer);
  GST_OBJECT_UNLOCK (self);
  if (event == GST_NATS_SLOW)
    gst_nats_src_warn_slow (self);
  if (gst_nats_report_event (GST_ELEMENT (self), event, error, url))
    gst_nats_src_fail (self, error);
  g_free (url);
}

static void
gst_nats_src_reset (GstNatsSrc * self, const GstNatsSrcSettings * s)
{
  self->ends = gst_nats_src_settings_ends (s);
  self->drop_duplicates = s->drop_duplicates;
  self->jetstream = s->common.mode == GST_NATS_MODE_JETSTREAM;
  self->ack_on_push = s->ack == GST_NATS_ACK_ON_PUSH;
  self->timestamps = s->timestamps;
  self->has_segment = FALSE;
  memset (&self->rebased, 0, sizeof (self->rebased));
  memset (&self->again, 0, sizeof (self->again));
  gst_nats_failure_reset (&self->failure);
  GST_OBJECT_LOCK (self);
  self->warned_slow = self->warned_caps = FALSE;
  self->n_pushed = self->n_unknown_caps = self->n_left_out = 0;
  self->latency = self->latency_sum = self->latency_max = 0;
  self->latency_count = 0;
  GST_OBJECT_UNLOCK (self);
}

static gboolean
gst_nats_src_start (GstBaseSrc * src)
{
  GstNatsSrc *self = GST_NATS_SRC (src);
  GstNatsConnection *connection;
  GstNatsConsumerConfig config;
  GstNatsConsumer *consumer;
  GstNatsSrcSettings s;
  gchar *reason;

  GST_OBJECT_LOCK (self);
  gst_nats_src_settings_copy (&s, &self->settings);
  GST_OBJECT_UNLOCK (self);
  if (!gst_nats_src_settings_check (&s, &reason)) {
    GST_ELEMENT_ERROR (self, RESOURCE, SETTINGS, (NULL), ("%s", reason));
    g_free (reason);
    gst_nats_src_settings_clear (&s);
    return FALSE;
  }
  gst_nats_src_reset (self, &s);
  self->caps = gst_nats_caps_new ();
  connection = gst_nats_connection_new (&s.common.settings, on_connection,
      self);
  gst_nats_src_settings_consumer (&s, &config);
  consumer = gst_nats_consumer_new (connection, &config);
  GST_OBJECT_LOCK (self);
  self->connection = connection;
  self->consumer = consumer;
  GST_OBJECT_UNLOCK (self);
  gst_nats_src_settings_clear (&s);

  return TRUE;
}

/* What was pushed last is done with, or is to come again. */
static void
gst_nats_src_finish_pushed (GstNatsSrc * self, gboolean ok)
{
  if (self->pushed)
    gst_nats_consumer_done (self->consumer, self->pushed, ok);
  self->pushed = NULL;
}

static gboolean
gst_nats_src_stop (GstBaseSrc * src)
{
  GstNatsSrc *self = GST_NATS_SRC (src);
  GstNatsConnection *connection;
  GstNatsConsumer *consumer;

  /* or it would ask for what is given back */
  if (self->consumer)
    gst_nats_consumer_set_flushing (self->consumer, TRUE);
  gst_nats_src_finish_pushed (self, FALSE);
  GST_OBJECT_LOCK (self);
  connection = self->connection;
  consumer = self->consumer;
  self->connection = NULL;
  self->consumer = NULL;
  if (consumer) {
    gst_nats_consumer_get_stats (consumer, &self->last);
    self->last_reconnects = gst_nats_connection_get_reconnects (connection);
  }
  GST_OBJECT_UNLOCK (self);
  if (consumer) {
    gst_nats_consumer_close (consumer);
    gst_nats_connection_close (connection);
  }
  g_clear_pointer (&self->caps, gst_nats_caps_free);
  gst_clear_caps (&self->current);

  return TRUE;
}

/* A flush that is sent to the element comes here before start(), too. */
static gboolean
gst_nats_src_unlock (GstBaseSrc * src)
{
  GstNatsSrc *self = GST_NATS_SRC (src);

  if (self->consumer)
    gst_nats_consumer_set_flushing (self->consumer, TRUE);
  return TRUE;
}

static gboolean
gst_nats_src_unlock_stop (GstBaseSrc * src)
{
  GstNatsSrc *self = GST_NATS_SRC (src);

  if (self->consumer)
    gst_nats_consumer_set_flushing (self->consumer, FALSE);
  return TRUE;
}

static gboolean
gst_nats_src_is_seekable (GstBaseSrc * src)
{
  return FALSE;
}

/* Messages wait in a queue for as long as they have to. */
static gboolean
gst_nats_src_query (GstBaseSrc * src, GstQuery * query)
{
  if (GST_QUERY_TYPE (query) == GST_QUERY_LATENCY) {
    gst_query_set_latency (query, gst_base_src_is_live (src), 0,
        GST_CLOCK_TIME_NONE);
    return TRUE;
  }
  return GST_BASE_SRC_CLASS (parent_class)->query (src, query);
}

/* num-buffers ends a stream without asking for another buffer: the last one is
 * done with. After another end, such as an error behind, it is not. */
static GstPadProbeReturn
on_event (GstPad * pad, GstPadProbeInfo * info, gpointer user_data)
{
  GstNatsSrc *self = user_data;
  gint limit = -1;

  if (GST_EVENT_TYPE (info->data) != GST_EVENT_EOS || !self->pushed)
    return GST_PAD_PROBE_OK;
  g_object_get (self, "num-buffers", &limit, NULL);
  if (limit > 0 && self->n_pushed == (guint64) limit
      && gst_pad_get_last_flow_return (pad) >= GST_FLOW_EOS)
    gst_nats_src_finish_pushed (self, TRUE);
  return GST_PAD_PROBE_OK;
}

/* Once: a stream of which nothing arrives needs a reason that is seen. */
static void
gst_nats_src_warn_caps (GstNatsSrc * self, const gchar * caps)
{
  gboolean first;

  GST_OBJECT_LOCK (self);
  first = !self->warned_caps;
  self->warned_caps = TRUE;
  GST_OBJECT_UNLOCK (self);
  if (first)
    GST_ELEMENT_WARNING (self, STREAM, WRONG_TYPE,
        ("Messages are left out: their caps cannot be read here."),
        ("A plugin or library that knows their types may be missing, or the "
            "sender made them wrong: %.1000s", caps));
}

/* FALSE when there is no saying what the buffer is. */
static gboolean
gst_nats_src_update_caps (GstNatsSrc * self, const nats_header * header,
    GstFlowReturn * flow)
{
  GstCaps *caps;

  if (!header->has_caps_id)
    return TRUE;
  caps = gst_nats_caps_find (self->caps, header);
  if (!caps) {
    if (header->caps) {
      gst_nats_consumer_count_malformed (self->consumer);
      gst_nats_src_warn_caps (self, header->caps);
    } else {
      GST_OBJECT_LOCK (self);
      self->n_unknown_caps++;
      GST_OBJECT_UNLOCK (self);
    }
    return FALSE;
  }
  if (caps == self->current)
    return TRUE;
  if (!gst_base_src_set_caps (GST_BASE_SRC (self), caps)) {
    *flow = GST_PAD_IS_FLUSHING (GST_BASE_SRC_PAD (self)) ? GST_FLOW_FLUSHING :
        GST_FLOW_NOT_NEGOTIATED;
    return TRUE;
  }
  gst_caps_replace (&self->current, caps);

  return TRUE;
}

static void
gst_nats_src_update_segment (GstNatsSrc * self, const nats_header * header)
{
  const nats_segment *s = &header->segment;
  GstSegment segment;

  /* moved time stamps are running time */
  if (self->timestamps != GST_NATS_TIMESTAMPS_KEEP)
    return;
  if (header->has_segment == self->has_segment && (!self->has_segment
          || gst_nats_segment_equal (s, &self->segment)))
    return;
  gst_segment_init (&segment, GST_FORMAT_TIME);
  if (header->has_segment)
    gst_nats_segment_read (&segment, s);
  gst_base_src_new_segment (GST_BASE_SRC (self), &segment);
  self->has_segment = header->has_segment;
  self->segment = *s;
}

static void
gst_nats_src_stamp (GstNatsSrc * self, GstBuffer * buffer,
    const nats_header * header)
{
  GstClockTime now, pts = header->buffer.pts, dts = header->buffer.dts;
  GstClockTime first = pts != NATS_NONE ? pts : dts;

  if (self->timestamps == GST_NATS_TIMESTAMPS_ARRIVAL) {
    pts = gst_element_get_current_running_time (GST_ELEMENT (self));
    dts = GST_CLOCK_TIME_NONE;
  } else if (self->timestamps == GST_NATS_TIMESTAMPS_REBASE
      && first != NATS_NONE) {
    now = gst_element_get_current_running_time (GST_ELEMENT (self));
    if (self->rebased.epoch != header->identity.epoch
        || strcmp (self->rebased.source, header->identity.source) != 0) {
      self->rebased = header->identity;
      self->rebase_offset = (gint64) (GST_CLOCK_TIME_IS_VALID (now) ? now : 0)
          - (gint64) first;
    }
    pts = gst_nats_time_move (pts, self->rebase_offset);
    dts = gst_nats_time_move (dts, self->rebase_offset);
  }
  GST_BUFFER_PTS (buffer) = pts;
  GST_BUFFER_DTS (buffer) = dts;
}

static void
gst_nats_src_count (GstNatsSrc * self, const GstNatsDelivery * delivery)
{
  guint64 captured = delivery->header.buffer.time;
  guint64 received = (guint64) delivery->received;

  GST_OBJECT_LOCK (self);
  self->n_pushed++;
  /* clocks of two machines may disagree */
  if (captured != NATS_NONE && captured <= received) {
    self->latency = received - captured;
    self->latency_max = MAX (self->latency_max, self->latency);
    self->latency_sum += self->latency;
    self->latency_count++;
  }
  GST_OBJECT_UNLOCK (self);
}

static GstBuffer *
gst_nats_src_decode (GstNatsSrc * self, const GstNatsDelivery * delivery)
{
  GstBuffer *buffer = gst_nats_buffer_new (delivery);

  if (!buffer)
    return NULL;
  gst_nats_src_stamp (self, buffer, &delivery->header);
  gst_nats_src_count (self, delivery);

  return buffer;
}

/* What to do with a delivery: TRUE when *@flow is to be returned. */
static gboolean
gst_nats_src_handle (GstNatsSrc * self, GstNatsDelivery * delivery,
    GstBuffer ** buffer, GstFlowReturn * flow)
{
  const nats_header *header = &delivery->header;

  *flow = GST_FLOW_OK;
  if (header->event == NATS_EVENT_EOS) {
    gst_nats_consumer_done (self->consumer, delivery, TRUE);
    *flow = GST_FLOW_EOS;
    return self->ends;
  }
  if (self->drop_duplicates && delivery->duplicate
      && !nats_identity_equal (&self->again, &header->identity)) {
    GST_OBJECT_LOCK (self);
    self->n_left_out++;
    GST_OBJECT_UNLOCK (self);
    gst_nats_consumer_done (self->consumer, delivery, TRUE);
    return FALSE;
  }
  if (!gst_nats_src_update_caps (self, header, flow)
      || (*flow == GST_FLOW_OK && header->event == NATS_EVENT_CAPS)) {
    gst_nats_consumer_done (self->consumer, delivery, TRUE);
    return FALSE;
  }
  if (*flow == GST_FLOW_OK) {
    gst_nats_src_update_segment (self, header);
    *buffer = gst_nats_src_decode (self, delivery);
    if (!*buffer)
      *flow = GST_FLOW_ERROR;
  }
  self->pushed = delivery;
  if (*flow == GST_FLOW_OK && !self->ack_on_push)
    gst_nats_src_finish_pushed (self, TRUE);

  return TRUE;
}

static GstFlowReturn
gst_nats_src_create (GstPushSrc * src, GstBuffer ** buffer)
{
  GstNatsSrc *self = GST_NATS_SRC (src);
  GstNatsDelivery *delivery;
  GstFlowReturn flow;
  GError *error = NULL;
  gboolean done;

  /* The chain behind has returned. After a flow that only paused this task, as
   * FLUSHING does, what was pushed is not done. */
  done = gst_pad_get_last_flow_return (GST_BASE_SRC_PAD (src)) >= GST_FLOW_OK;
  if (self->pushed && !done)
    self->again = self->pushed->header.identity;
  gst_nats_src_finish_pushed (self, done);
  do {
    delivery = gst_nats_consumer_pop (self->consumer, &error);
    if (!delivery) {
      flow = GST_FLOW_FLUSHING;
      if (!g_error_matches (error, GST_NATS_ERROR, GST_NATS_ERROR_CANCELLED)) {
        gst_nats_src_fail (self, error);
        flow = GST_FLOW_ERROR;
      }
      g_error_free (error);
      return flow;
    }
  } while (!gst_nats_src_handle (self, delivery, buffer, &flow));

  return flow;
}

static void
gst_nats_src_set_property (GObject * object, guint id, const GValue * value,
    GParamSpec * pspec)
{
  GstNatsSrc *self = GST_NATS_SRC (object);

  GST_OBJECT_LOCK (self);
  if (!gst_nats_src_settings_set (&self->settings, id, value))
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  GST_OBJECT_UNLOCK (self);
  if (id == GST_NATS_SRC_PROP_IS_LIVE)
    gst_base_src_set_live (GST_BASE_SRC (self), g_value_get_boolean (value));
}

static void
gst_nats_src_get_property (GObject * object, guint id, GValue * value,
    GParamSpec * pspec)
{
  GstNatsSrc *self = GST_NATS_SRC (object);

  if (id == GST_NATS_SRC_PROP_STATS) {
    g_value_take_boxed (value, gst_nats_src_get_stats (self));
    return;
  }
  GST_OBJECT_LOCK (self);
  if (!gst_nats_src_settings_get (&self->settings, id, value))
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  GST_OBJECT_UNLOCK (self);
}

static void
gst_nats_src_finalize (GObject * object)
{
  GstNatsSrc *self = GST_NATS_SRC (object);

  gst_nats_src_settings_clear (&self->settings);
  gst_nats_failure_clear (&self->failure);
  G_OBJECT_CLASS (parent_class)->finalize (object);
}

static void
gst_nats_src_class_init (GstNatsSrcClass * klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GstBaseSrcClass *src_class = GST_BASE_SRC_CLASS (klass);

  GST_DEBUG_CATEGORY_INIT (natssrc_debug, "natssrc", 0, "NATS source");
  object_class->set_property = gst_nats_src_set_property;
  object_class->get_property = gst_nats_src_get_property;
  object_class->finalize = gst_nats_src_finalize;
  gst_nats_src_settings_install (object_class);

  src_class->start = GST_DEBUG_FUNCPTR (gst_nats_src_start);
  src_class->stop = GST_DEBUG_FUNCPTR (gst_nats_src_stop);
  src_class->unlock = GST_DEBUG_FUNCPTR (gst_nats_src_unlock);
  src_class->unlock_stop = GST_DEBUG_FUNCPTR (gst_nats_src_unlock_stop);
  src_class->query = GST_DEBUG_FUNCPTR (gst_nats_src_query);
  src_class->is_seekable = GST_DEBUG_FUNCPTR (gst_nats_src_is_seekable);
  GST_PUSH_SRC_CLASS (klass)->create = GST_DEBUG_FUNCPTR (gst_nats_src_create);

  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_element_class_set_static_metadata (element_class, "NATS source",
      "Source/Network", "Receives a stream over NATS, or from JetStream",
      "the gst-walloc authors");
}

static void
gst_nats_src_init (GstNatsSrc * self)
{
  gst_nats_src_settings_init (&self->settings);
  gst_nats_failure_init (&self->failure);
  gst_base_src_set_live (GST_BASE_SRC (self), TRUE);
  gst_base_src_set_format (GST_BASE_SRC (self), GST_FORMAT_TIME);
  /* the stop of a sender's segment is no end of what others send, nor of frames
   * that come behind in another order */
  gst_base_src_set_automatic_eos (GST_BASE_SRC (self), FALSE);
  gst_pad_add_probe (GST_BASE_SRC_PAD (self),
      GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM, on_event, self, NULL);
}
