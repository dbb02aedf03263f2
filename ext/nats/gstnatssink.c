/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * SECTION:element-natssink
 * @title: natssink
 * @short_description: Publishes a stream over NATS
 * @see_also: natssrc
 *
 * Publishes buffers of any caps as messages of a subject, with caps, time
 * stamps, flags and the identity of each frame in headers, so that #natssrc
 * makes the same buffers of them anywhere. Buffers above the server's limit go
 * in several messages.
 *
 * With `mode=core` servers pass messages on to whoever listens now, with the
 * lowest latency. With `mode=jetstream` a stream stores and acknowledges each
 * of them; what was not acknowledged is sent again, and the end of the stream
 * is reached when everything is.
 *
 * The element connects in a thread, waits for the network in no state change,
 * and comes back by itself after a lost connection. Each change is an element
 * message `nats-connection` with the string fields `status` (connected, lost,
 * reconnected) and `url`.
 *
 * ## Example launch lines
 * |[
 * gst-launch-1.0 videotestsrc is-live=true ! wallocenc ! natssink subject=cams.7
 * ]| This line publishes a live camera.
 * |[
 * gst-launch-1.0 filesrc location=test.wlc ! wallocparse ! natssink mode=jetstream stream=CAMS create-stream=true subject=cams.7
 * ]| This line stores a file in a stream, and ends when all of it is there.
 *
 * Since: 0.3
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <string.h>
#include <unistd.h>

#include "gstnatscommon.h"
#include "gstnatselements.h"
#include "gstnatsencode.h"
#include "gstnatsresults.h"
#include "gstnatssink.h"
#include "gstnatssinkproperties.h"

GST_DEBUG_CATEGORY_STATIC (natssink_debug);
#define GST_CAT_DEFAULT natssink_debug

struct _GstNatsSink
{
  GstBaseSink parent;

  GstNatsSinkSettings settings; /* object lock */

  GstNatsConnection *connection;        /* start() to stop() */
  GstNatsPublisher *publisher;
  GstNatsEncoder encoder;
  gboolean wait_ack, send_eos, results;
  GstNatsFailure failure;
  GstNatsPublisherStats last;   /* of the time before stop(); object lock */
  guint last_reconnects;
};

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE ("sink",
    GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS_ANY);

#define gst_nats_sink_parent_class parent_class
G_DEFINE_FINAL_TYPE (GstNatsSink, gst_nats_sink, GST_TYPE_BASE_SINK);

GST_ELEMENT_REGISTER_DEFINE (natssink, "natssink", GST_RANK_NONE,
    GST_TYPE_NATS_SINK);

static GstStructure *
gst_nats_sink_get_stats (GstNatsSink * self)
{
  GstNatsPublisherStats s;
  guint reconnects;
  gboolean connected = FALSE;

  GST_OBJECT_LOCK (self);
  s = self->last;
  reconnects = self->last_reconnects;
  if (self->publisher) {
    gst_nats_publisher_get_stats (self->publisher, &s);
    reconnects = gst_nats_connection_get_reconnects (self->connection);
    connected = gst_nats_connection_is_connected (self->connection);
  }
  GST_OBJECT_UNLOCK (self);

  return gst_structure_new ("application/x-natssink-stats",
      "connected", G_TYPE_BOOLEAN, connected,
      "reconnects", G_TYPE_UINT, reconnects,
      "published", G_TYPE_UINT64, s.published,
      "published-bytes", G_TYPE_UINT64, s.published_bytes,
      "acknowledged", G_TYPE_UINT64, s.acknowledged,
      "duplicates", G_TYPE_UINT64, s.duplicates,
      "retried", G_TYPE_UINT64, s.retried,
      "refused", G_TYPE_UINT64, s.refused,
      "dropped", G_TYPE_UINT64, s.dropped,
      "lost", G_TYPE_UINT64, s.lost,
      "pending", G_TYPE_UINT, s.pending,
      "pending-bytes", G_TYPE_UINT64, s.pending_bytes,
      "unacknowledged", G_TYPE_UINT, s.unacknowledged, NULL);
}

static void
gst_nats_sink_fail (GstNatsSink * self, const GError * error)
{
  gst_nats_failure_post (&self->failure, GST_ELEMENT (self), error, TRUE);
}

static void
on_publisher_failed (const GError * error, gpointer user_data)
{
  gst_nats_sink_fail (user_data, error);
}

static void
on_connection (GstNatsEvent event, const GError * error, gpointer user_data)
{
  GstNatsSink *self = user_data;
  gchar *url = NULL;

  GST_OBJECT_LOCK (self);
  if (self->connection)
    url = gst_nats_connection_dup_url (self->connection);
  if (self->publisher)
    gst_nats_publisher_wake (self->publisher);
  GST_OBJECT_UNLOCK (self);
  if (gst_nats_report_event (GST_ELEMENT (self), event, error, url))
    gst_nats_sink_fail (self, error);
  g_free (url);
}

static gboolean
gst_nats_sink_check (GstNatsSink * self, const GstNatsSinkSettings * settings)
{
  const GstNatsCommon *common = &settings->common;

  if (!gst_nats_subject_is_valid (common->subject, FALSE)) {
    GST_ELEMENT_ERROR (self, RESOURCE, SETTINGS, (NULL),
        ("subject is \"%s\": it needs tokens without spaces and wildcards "
            "(* and >) and dots between, such as cams.7", common->subject ?
            common->subject : ""));
    return FALSE;
  }
  if (common->mode != GST_NATS_MODE_JETSTREAM)
    return TRUE;
  if (settings->create_stream && !common->stream) {
    GST_ELEMENT_ERROR (self, RESOURCE, SETTINGS, (NULL),
        ("create-stream needs a name for it: set stream"));
    return FALSE;
  }
  if (common->stream && !gst_nats_name_is_valid (common->stream)) {
    GST_ELEMENT_ERROR (self, RESOURCE, SETTINGS, (NULL),
        ("stream is \"%s\": names of streams have no spaces, dots, "
            "wildcards and slashes", common->stream));
    return FALSE;
  }

  return TRUE;
}

static void
free_stream_config (gpointer data)
{
  gst_nats_stream_config_clear (data);
  g_free (data);
}

static gchar *
gst_nats_sink_default_source (GstNatsSink * self)
{
  return g_strdup_printf ("%.32s-%d-%s", g_get_host_name (), (int) getpid (),
      GST_OBJECT_NAME (self));
}

static void
gst_nats_sink_connect (GstNatsSink * self, const GstNatsSinkSettings * s)
{
  GstNatsPublisherConfig config;
  GstNatsStreamConfig *stream = NULL;
  GstNatsConnection *connection;
  GstNatsPublisher *publisher;

  if (s->common.mode == GST_NATS_MODE_JETSTREAM) {
    stream = g_new (GstNatsStreamConfig, 1);
    gst_nats_sink_settings_stream (s, stream);
  }
  connection = gst_nats_connection_new_full (&s->common.settings,
      stream ? gst_nats_stream_ensure : NULL, stream, stream ?
      free_stream_config : NULL, on_connection, self);
  gst_nats_sink_settings_publisher (s, &config);
  publisher = gst_nats_publisher_new (connection, &config,
      on_publisher_failed, self);
  GST_OBJECT_LOCK (self);
  self->connection = connection;
  self->publisher = publisher;
  GST_OBJECT_UNLOCK (self);
}

static gboolean
gst_nats_sink_start (GstBaseSink * sink)
{
  GstNatsSink *self = GST_NATS_SINK (sink);
  GstNatsSinkSettings s;
  gchar *source;

  GST_OBJECT_LOCK (self);
  gst_nats_sink_settings_copy (&s, &self->settings);
  GST_OBJECT_UNLOCK (self);
  gst_nats_failure_reset (&self->failure);
  if (!gst_nats_sink_check (self, &s)) {
    gst_nats_sink_settings_clear (&s);
    return FALSE;
  }
  source = s.source && *s.source ? g_strdup (s.source) :
      gst_nats_sink_default_source (self);
  gst_nats_encoder_init (&self->encoder, s.common.subject,
      s.common.mode == GST_NATS_MODE_JETSTREAM, source);
  self->encoder.keep_identity = s.keep_identity;
  self->encoder.caps_interval = s.caps_interval;
  self->encoder.single = s.create_stream
      && s.limits.retention == js_InterestPolicy;
  self->wait_ack = s.wait_ack;
  self->send_eos = s.send_eos;
  self->results = s.payload == GST_NATS_PAYLOAD_RESULTS;
  g_free (source);
  gst_nats_sink_connect (self, &s);
  gst_nats_sink_settings_clear (&s);

  return TRUE;
}

static gboolean
gst_nats_sink_stop (GstBaseSink * sink)
{
  GstNatsSink *self = GST_NATS_SINK (sink);
  GstNatsConnection *connection;
  GstNatsPublisher *publisher;

  GST_OBJECT_LOCK (self);
  connection = self->connection;
  publisher = self->publisher;
  self->connection = NULL;
  self->publisher = NULL;
  if (publisher) {
    gst_nats_publisher_get_stats (publisher, &self->last);
    self->last_reconnects = gst_nats_connection_get_reconnects (connection);
  }
  GST_OBJECT_UNLOCK (self);
  if (publisher) {
    gst_nats_publisher_close (publisher);
    gst_nats_connection_close (connection);
  }
  gst_nats_encoder_clear (&self->encoder);

  return TRUE;
}

static void
gst_nats_sink_set_flushing (GstNatsSink * self, gboolean flushing)
{
  if (!self->publisher)
    return;
  gst_nats_connection_set_flushing (self->connection, flushing);
  gst_nats_publisher_set_flushing (self->publisher, flushing);
}

static gboolean
gst_nats_sink_unlock (GstBaseSink * sink)
{
  gst_nats_sink_set_flushing (GST_NATS_SINK (sink), TRUE);
  return TRUE;
}

static gboolean
gst_nats_sink_unlock_stop (GstBaseSink * sink)
{
  gst_nats_sink_set_flushing (GST_NATS_SINK (sink), FALSE);
  return TRUE;
}

static gboolean
gst_nats_sink_set_caps (GstBaseSink * sink, GstCaps * caps)
{
  GstNatsSink *self = GST_NATS_SINK (sink);

  GstCaps *results;
  gboolean ok;

  if (self->results) {
    results = gst_caps_from_string (GST_NATS_RESULTS_CAPS);
    ok = gst_nats_encoder_set_caps (&self->encoder, results);
    gst_caps_unref (results);
    return ok;
  }
  if (gst_nats_encoder_set_caps (&self->encoder, caps))
    return TRUE;
  GST_ELEMENT_ERROR (self, STREAM, FORMAT, (NULL),
      ("Caps must be of system memory, of plain types, and at most %d "
          "characters long as a string: %" GST_PTR_FORMAT, NATS_MAX_CAPS,
          caps));
  return FALSE;
}

/* Takes @error. When waiting was ended by a pause it waits for its end: OK says
 * to try again. FLUSHING after a flush; otherwise the error was posted. */
static GstFlowReturn
gst_nats_sink_flow (GstNatsSink * self, GError * error)
{
  gboolean cancelled = g_error_matches (error, GST_NATS_ERROR,
      GST_NATS_ERROR_CANCELLED);

  if (!cancelled)
    gst_nats_sink_fail (self, error);
  g_error_free (error);

  return cancelled ? gst_base_sink_wait_preroll (GST_BASE_SINK (self)) :
      GST_FLOW_ERROR;
}

static GstNatsItem *
gst_nats_sink_encode (GstNatsSink * self, GstBuffer * buffer, GError ** error)
{
  gsize limit = gst_nats_connection_get_max_payload (self->connection);
  GstNatsItem *item;
  GstMapInfo map;
  gchar *text;

  if (self->results) {
    text = gst_nats_results_from_buffer (buffer);
    item = gst_nats_encoder_encode (&self->encoder, self->publisher, buffer,
        (const guint8 *) text, strlen (text), limit, error);
    g_free (text);
    return item;
  }
  if (!gst_buffer_map (buffer, &map, GST_MAP_READ)) {
    g_set_error_literal (error, GST_NATS_ERROR, GST_NATS_ERROR_FAILED,
        "The memory of a buffer cannot be read");
    return NULL;
  }
  item = gst_nats_encoder_encode (&self->encoder, self->publisher, buffer,
      map.data, map.size, limit, error);
  gst_buffer_unmap (buffer, &map);

  return item;
}

/* FALSE with @error; @number as of gst_nats_publisher_push(). */
static gboolean
gst_nats_sink_send (GstNatsSink * self, GstBuffer * buffer, guint64 * number,
    GError ** error)
{
  gboolean delta = GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_DELTA_UNIT);
  GstNatsEncoder before = self->encoder;
  GstNatsItem *item;

  /* the limit of messages is known then */
  if (!gst_nats_connection_get_max_payload (self->connection)
      && !gst_nats_connection_wait (self->connection, 0, error))
    return FALSE;
  item = gst_nats_sink_encode (self, buffer, error);
  if (item && gst_nats_publisher_push (self->publisher, item, delta, number,
          error))
    return TRUE;
  /* the same number again, or receivers would miss one */
  self->encoder = before;

  return FALSE;
}

static GstFlowReturn
gst_nats_sink_render (GstBaseSink * sink, GstBuffer * buffer)
{
  GstNatsSink *self = GST_NATS_SINK (sink);
  GstFlowReturn flow = GST_FLOW_OK;
  GError *error = NULL;
  guint64 number = 0;

  while (flow == GST_FLOW_OK
      && !gst_nats_sink_send (self, buffer, &number, &error)) {
    flow = gst_nats_sink_flow (self, error);
    error = NULL;
  }
  while (flow == GST_FLOW_OK && self->wait_ack && number > 0
      && !gst_nats_publisher_wait (self->publisher, number, &error)) {
    flow = gst_nats_sink_flow (self, error);
    error = NULL;
  }

  return flow;
}

/* Publishes the event and waits until servers have everything. */
static gboolean
gst_nats_sink_finish (GstNatsSink * self)
{
  GstNatsItem *item;
  GError *error = NULL;
  gboolean sent = !self->send_eos, ok;

  do {
    /* before the event, too: no policy leaves it out of an empty queue */
    ok = gst_nats_publisher_drain (self->publisher, &error);
    if (ok && !sent) {
      item = gst_nats_encoder_event (&self->encoder, self->publisher, "eos",
          &error);
      sent = ok = item && gst_nats_publisher_push (self->publisher, item,
          FALSE, NULL, &error);
      ok = ok && gst_nats_publisher_drain (self->publisher, &error);
    }
    if (!ok && gst_nats_sink_flow (self, error) != GST_FLOW_OK)
      return FALSE;
    error = NULL;
  } while (!ok);

  return TRUE;
}

static gboolean
gst_nats_sink_event (GstBaseSink * sink, GstEvent * event)
{
  GstNatsSink *self = GST_NATS_SINK (sink);
  const GstSegment *segment;

  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_SEGMENT:
      gst_event_parse_segment (event, &segment);
      gst_nats_encoder_set_segment (&self->encoder, segment);
      break;
    case GST_EVENT_FLUSH_STOP:
      if (self->publisher)
        gst_nats_publisher_discard (self->publisher);
      break;
    case GST_EVENT_EOS:
      if (!gst_nats_sink_finish (self)) {
        gst_event_unref (event);
        return FALSE;
      }
      break;
    default:
      break;
  }

  return GST_BASE_SINK_CLASS (parent_class)->event (sink, event);
}

static void
gst_nats_sink_set_property (GObject * object, guint id, const GValue * value,
    GParamSpec * pspec)
{
  GstNatsSink *self = GST_NATS_SINK (object);
  GstNatsPublisherConfig config;

  GST_OBJECT_LOCK (self);
  if (!gst_nats_sink_settings_set (&self->settings, id, value))
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  gst_nats_sink_settings_publisher (&self->settings, &config);
  if (self->publisher)
    gst_nats_publisher_set_limits (self->publisher, &config);
  GST_OBJECT_UNLOCK (self);
}

static void
gst_nats_sink_get_property (GObject * object, guint id, GValue * value,
    GParamSpec * pspec)
{
  GstNatsSink *self = GST_NATS_SINK (object);

  if (id == GST_NATS_SINK_PROP_STATS) {
    g_value_take_boxed (value, gst_nats_sink_get_stats (self));
    return;
  }
  GST_OBJECT_LOCK (self);
  if (!gst_nats_sink_settings_get (&self->settings, id, value))
    G_OBJECT_WARN_INVALID_PROPERTY_ID (object, id, pspec);
  GST_OBJECT_UNLOCK (self);
}

static void
gst_nats_sink_finalize (GObject * object)
{
  GstNatsSink *self = GST_NATS_SINK (object);

  gst_nats_encoder_clear (&self->encoder);
  gst_nats_sink_settings_clear (&self->settings);
  gst_nats_failure_clear (&self->failure);
  G_OBJECT_CLASS (parent_class)->finalize (object);
}

static void
gst_nats_sink_class_init (GstNatsSinkClass * klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GstBaseSinkClass *sink_class = GST_BASE_SINK_CLASS (klass);

  GST_DEBUG_CATEGORY_INIT (natssink_debug, "natssink", 0, "NATS sink");
  object_class->set_property = gst_nats_sink_set_property;
  object_class->get_property = gst_nats_sink_get_property;
  object_class->finalize = gst_nats_sink_finalize;
  gst_nats_sink_settings_install (object_class);

  sink_class->start = GST_DEBUG_FUNCPTR (gst_nats_sink_start);
  sink_class->stop = GST_DEBUG_FUNCPTR (gst_nats_sink_stop);
  sink_class->unlock = GST_DEBUG_FUNCPTR (gst_nats_sink_unlock);
  sink_class->unlock_stop = GST_DEBUG_FUNCPTR (gst_nats_sink_unlock_stop);
  sink_class->set_caps = GST_DEBUG_FUNCPTR (gst_nats_sink_set_caps);
  sink_class->render = GST_DEBUG_FUNCPTR (gst_nats_sink_render);
  sink_class->event = GST_DEBUG_FUNCPTR (gst_nats_sink_event);

  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_set_static_metadata (element_class, "NATS sink",
      "Sink/Network", "Publishes a stream over NATS, or stores it in JetStream",
      "the gst-walloc authors");
}

static void
gst_nats_sink_init (GstNatsSink * self)
{
  gst_nats_sink_settings_init (&self->settings);
  gst_nats_failure_init (&self->failure);
  /* receivers have clocks of their own; waiting here would only add to the
   * latency of live streams */
  gst_base_sink_set_sync (GST_BASE_SINK (self), FALSE);
}
