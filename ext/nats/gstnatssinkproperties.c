/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <string.h>

#include "gstnatssinkproperties.h"

#define DEFAULT_ACK_TIMEOUT (30 * GST_SECOND)
#define DEFAULT_DUPLICATE_WINDOW (120 * GST_SECOND)

enum
{
  PROP_STATS = GST_NATS_SINK_PROP_STATS,
  PROP_PAYLOAD,
  PROP_SOURCE,
  PROP_KEEP_IDENTITY,
  PROP_CAPS_INTERVAL,
  PROP_SEND_EOS,
  PROP_WAIT_ACK,
  PROP_PUBLISH_ACK_TIMEOUT,
  PROP_DROP_ON_TIMEOUT,
  PROP_CREATE_STREAM,
  PROP_STREAM_SUBJECTS,
  PROP_STREAM_MAX_BYTES,
  PROP_STREAM_MAX_MESSAGES,
  PROP_STREAM_MAX_AGE,
  PROP_REPLICAS,
  PROP_STORAGE,
  PROP_DISCARD,
  PROP_RETENTION,
  PROP_DUPLICATE_WINDOW
};

static GType
payload_type (void)
{
  static gsize type;
  static const GEnumValue values[] = {
    {GST_NATS_PAYLOAD_BUFFER, "The buffers", "buffer"},
    {GST_NATS_PAYLOAD_RESULTS, "What networks found in them, as JSON",
        "results"},
    {0, NULL, NULL}
  };

  return gst_nats_register_enum (&type, "GstNatsPayload", values);
}

static GType
storage_type (void)
{
  static gsize type;
  static const GEnumValue values[] = {
    {js_FileStorage, "On disk", "file"},
    {js_MemoryStorage, "In memory", "memory"},
    {0, NULL, NULL}
  };

  return gst_nats_register_enum (&type, "GstNatsStorage", values);
}

static GType
discard_type (void)
{
  static gsize type;
  static const GEnumValue values[] = {
    {js_DiscardOld, "The oldest messages go", "old"},
    {js_DiscardNew, "New messages are refused", "new"},
    {0, NULL, NULL}
  };

  return gst_nats_register_enum (&type, "GstNatsDiscard", values);
}

static GType
retention_type (void)
{
  static gsize type;
  static const GEnumValue values[] = {
    {js_LimitsPolicy, "Until a limit is reached", "limits"},
    {js_InterestPolicy, "Until all consumers acknowledged", "interest"},
    {js_WorkQueuePolicy, "Until one consumer acknowledged", "work-queue"},
    {0, NULL, NULL}
  };

  return gst_nats_register_enum (&type, "GstNatsRetention", values);
}

void
gst_nats_sink_settings_init (GstNatsSinkSettings * self)
{
  memset (self, 0, sizeof (*self));
  gst_nats_common_init (&self->common);
  self->keep_identity = self->send_eos = TRUE;
  self->ack_timeout = DEFAULT_ACK_TIMEOUT;
  gst_nats_stream_config_init (&self->limits);
  self->limits.duplicate_window = DEFAULT_DUPLICATE_WINDOW;
}

void
gst_nats_sink_settings_clear (GstNatsSinkSettings * self)
{
  gst_nats_common_clear (&self->common);
  g_free (self->source);
  g_free (self->stream_subjects);
}

void
gst_nats_sink_settings_copy (GstNatsSinkSettings * to,
    const GstNatsSinkSettings * from)
{
  *to = *from;
  gst_nats_settings_copy (&to->common.settings, &from->common.settings);
  to->common.subject = g_strdup (from->common.subject);
  to->common.stream = g_strdup (from->common.stream);
  to->source = g_strdup (from->source);
  to->stream_subjects = g_strdup (from->stream_subjects);
}

static void
install_stream (GObjectClass * klass)
{
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS
      | GST_PARAM_MUTABLE_READY;

  g_object_class_install_property (klass, PROP_CREATE_STREAM,
      g_param_spec_boolean ("create-stream", "Create stream",
          "Make the stream if there is none of that name; one that exists is "
          "not changed", FALSE, flags));
  g_object_class_install_property (klass, PROP_STREAM_SUBJECTS,
      g_param_spec_string ("stream-subjects", "Stream subjects",
          "Subjects of a stream that is made, commas between (NULL: subject)",
          NULL, flags));
  g_object_class_install_property (klass, PROP_STREAM_MAX_BYTES,
      g_param_spec_int64 ("stream-max-bytes", "Stream max bytes",
          "Bytes that a stream that is made keeps at most (-1: no limit)", -1,
          G_MAXINT64, -1, flags));
  g_object_class_install_property (klass, PROP_STREAM_MAX_MESSAGES,
      g_param_spec_int64 ("stream-max-messages", "Stream max messages",
          "Messages that a stream that is made keeps at most (-1: no limit)",
          -1, G_MAXINT64, -1, flags));
  g_object_class_install_property (klass, PROP_STREAM_MAX_AGE,
      g_param_spec_uint64 ("stream-max-age", "Stream max age",
          "Age at which messages leave a stream that is made, ns (0: never)",
          0, G_MAXINT64, 0, flags));
  g_object_class_install_property (klass, PROP_REPLICAS,
      g_param_spec_uint ("replicas", "Replicas",
          "Servers that keep a stream that is made", 1, 5, 1, flags));
  g_object_class_install_property (klass, PROP_STORAGE,
      g_param_spec_enum ("storage", "Storage",
          "Where a stream that is made is kept", storage_type (),
          js_FileStorage, flags));
  g_object_class_install_property (klass, PROP_DISCARD,
      g_param_spec_enum ("discard", "Discard",
          "What happens at the limits of a stream that is made",
          discard_type (), js_DiscardOld, flags));
  g_object_class_install_property (klass, PROP_RETENTION,
      g_param_spec_enum ("retention", "Retention",
          "How long a stream that is made keeps messages", retention_type (),
          js_LimitsPolicy, flags));
  g_object_class_install_property (klass, PROP_DUPLICATE_WINDOW,
      g_param_spec_uint64 ("duplicate-window", "Duplicate window",
          "How long a stream that is made knows messages again that are sent "
          "twice, ns", GST_MSECOND * 100, G_MAXINT64,
          DEFAULT_DUPLICATE_WINDOW, flags));
}

void
gst_nats_sink_settings_install (GObjectClass * klass)
{
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS
      | GST_PARAM_MUTABLE_READY;

  gst_nats_common_install (klass, GST_NATS_SLOW_BLOCK);
  g_object_class_install_property (klass, PROP_STATS,
      g_param_spec_boxed ("stats", "Statistics",
          "Structure application/x-natssink-stats", GST_TYPE_STRUCTURE,
          G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
  g_object_class_install_property (klass, PROP_PAYLOAD,
      g_param_spec_enum ("payload", "Payload", "What is published",
          payload_type (), GST_NATS_PAYLOAD_BUFFER, flags));
  g_object_class_install_property (klass, PROP_SOURCE,
      g_param_spec_string ("source", "Source",
          "Name of this source in the identity of its frames (NULL: host, "
          "process and element); letters, digits, - and _", NULL, flags));
  g_object_class_install_property (klass, PROP_KEEP_IDENTITY,
      g_param_spec_boolean ("keep-identity", "Keep identity",
          "Publish what was made of frames from natssrc under their identity",
          TRUE, flags));
  g_object_class_install_property (klass, PROP_CAPS_INTERVAL,
      g_param_spec_uint64 ("caps-interval", "Caps interval",
          "core: time from one message with caps to the next, ns (0: in each)",
          0, G_MAXINT64, 0, flags));
  g_object_class_install_property (klass, PROP_SEND_EOS,
      g_param_spec_boolean ("send-eos", "Send EOS",
          "Tell receivers of the end of the stream", TRUE, flags));
  g_object_class_install_property (klass, PROP_WAIT_ACK,
      g_param_spec_boolean ("wait-ack", "Wait for acknowledgement",
          "Hold the stream until each buffer is sent (core) or acknowledged "
          "(jetstream), so that a natssrc before it acknowledges only what is "
          "answered", FALSE, flags));
  g_object_class_install_property (klass, PROP_PUBLISH_ACK_TIMEOUT,
      g_param_spec_uint64 ("publish-ack-timeout", "Publish ack timeout",
          "jetstream: time in which a buffer must be acknowledged, with all "
          "that is sent again, ns", 100 * GST_MSECOND, G_MAXINT64,
          DEFAULT_ACK_TIMEOUT, flags));
  g_object_class_install_property (klass, PROP_DROP_ON_TIMEOUT,
      g_param_spec_boolean ("drop-on-timeout", "Drop on timeout",
          "jetstream: count buffers that are not acknowledged in time as lost "
          "and go on, instead of failing", FALSE, flags));
  install_stream (klass);
}

gboolean
gst_nats_sink_settings_set (GstNatsSinkSettings * self, guint id,
    const GValue * value)
{
  switch (id) {
    case PROP_PAYLOAD:
      self->payload = g_value_get_enum (value);
      break;
    case PROP_SOURCE:
      g_free (self->source);
      self->source = g_value_dup_string (value);
      break;
    case PROP_KEEP_IDENTITY:
      self->keep_identity = g_value_get_boolean (value);
      break;
    case PROP_CAPS_INTERVAL:
      self->caps_interval = g_value_get_uint64 (value);
      break;
    case PROP_SEND_EOS:
      self->send_eos = g_value_get_boolean (value);
      break;
    case PROP_WAIT_ACK:
      self->wait_ack = g_value_get_boolean (value);
      break;
    case PROP_PUBLISH_ACK_TIMEOUT:
      self->ack_timeout = g_value_get_uint64 (value);
      break;
    case PROP_DROP_ON_TIMEOUT:
      self->drop_on_timeout = g_value_get_boolean (value);
      break;
    case PROP_CREATE_STREAM:
      self->create_stream = g_value_get_boolean (value);
      break;
    case PROP_STREAM_SUBJECTS:
      g_free (self->stream_subjects);
      self->stream_subjects = g_value_dup_string (value);
      break;
    case PROP_STREAM_MAX_BYTES:
      self->limits.max_bytes = g_value_get_int64 (value);
      break;
    case PROP_STREAM_MAX_MESSAGES:
      self->limits.max_messages = g_value_get_int64 (value);
      break;
    case PROP_STREAM_MAX_AGE:
      self->limits.max_age = g_value_get_uint64 (value);
      break;
    case PROP_REPLICAS:
      self->limits.replicas = g_value_get_uint (value);
      break;
    case PROP_STORAGE:
      self->limits.storage = g_value_get_enum (value);
      break;
    case PROP_DISCARD:
      self->limits.discard = g_value_get_enum (value);
      break;
    case PROP_RETENTION:
      self->limits.retention = g_value_get_enum (value);
      break;
    case PROP_DUPLICATE_WINDOW:
      self->limits.duplicate_window = g_value_get_uint64 (value);
      break;
    default:
      return gst_nats_common_set (&self->common, id, value);
  }

  return TRUE;
}

gboolean
gst_nats_sink_settings_get (GstNatsSinkSettings * self, guint id,
    GValue * value)
{
  switch (id) {
    case PROP_PAYLOAD:
      g_value_set_enum (value, self->payload);
      break;
    case PROP_SOURCE:
      g_value_set_string (value, self->source);
      break;
    case PROP_KEEP_IDENTITY:
      g_value_set_boolean (value, self->keep_identity);
      break;
    case PROP_CAPS_INTERVAL:
      g_value_set_uint64 (value, self->caps_interval);
      break;
    case PROP_SEND_EOS:
      g_value_set_boolean (value, self->send_eos);
      break;
    case PROP_WAIT_ACK:
      g_value_set_boolean (value, self->wait_ack);
      break;
    case PROP_PUBLISH_ACK_TIMEOUT:
      g_value_set_uint64 (value, self->ack_timeout);
      break;
    case PROP_DROP_ON_TIMEOUT:
      g_value_set_boolean (value, self->drop_on_timeout);
      break;
    case PROP_CREATE_STREAM:
      g_value_set_boolean (value, self->create_stream);
      break;
    case PROP_STREAM_SUBJECTS:
      g_value_set_string (value, self->stream_subjects);
      break;
    case PROP_STREAM_MAX_BYTES:
      g_value_set_int64 (value, self->limits.max_bytes);
      break;
    case PROP_STREAM_MAX_MESSAGES:
      g_value_set_int64 (value, self->limits.max_messages);
      break;
    case PROP_STREAM_MAX_AGE:
      g_value_set_uint64 (value, self->limits.max_age);
      break;
    case PROP_REPLICAS:
      g_value_set_uint (value, self->limits.replicas);
      break;
    case PROP_STORAGE:
      g_value_set_enum (value, self->limits.storage);
      break;
    case PROP_DISCARD:
      g_value_set_enum (value, self->limits.discard);
      break;
    case PROP_RETENTION:
      g_value_set_enum (value, self->limits.retention);
      break;
    case PROP_DUPLICATE_WINDOW:
      g_value_set_uint64 (value, self->limits.duplicate_window);
      break;
    default:
      return gst_nats_common_get (&self->common, id, value);
  }

  return TRUE;
}

void
gst_nats_sink_settings_stream (const GstNatsSinkSettings * self,
    GstNatsStreamConfig * config)
{
  *config = self->limits;
  config->name = g_strdup (self->common.stream);
  config->subjects = self->create_stream ? g_strdup (self->stream_subjects ?
      self->stream_subjects : self->common.subject) : NULL;
}

void
gst_nats_sink_settings_publisher (const GstNatsSinkSettings * self,
    GstNatsPublisherConfig * config)
{
  config->jetstream = self->common.mode == GST_NATS_MODE_JETSTREAM;
  config->max_messages = self->common.max_pending_messages;
  config->max_bytes = self->common.max_pending_bytes;
  config->policy = self->common.slow_policy;
  config->ack_timeout = (guint) MIN (self->ack_timeout / GST_MSECOND, G_MAXINT);
  config->drop_on_timeout = self->drop_on_timeout;
}
