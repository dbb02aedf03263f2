/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <string.h>

#include "gstnatssrcproperties.h"

#define DEFAULT_ACK_WAIT (30 * GST_SECOND)
#define DEFAULT_PREFETCH 8
#define DEFAULT_MAX_SIZE (256 * 1024 * 1024)

enum
{
  PROP_STATS = GST_NATS_SRC_PROP_STATS,
  PROP_IS_LIVE = GST_NATS_SRC_PROP_IS_LIVE,
  PROP_QUEUE,
  PROP_DURABLE,
  PROP_DELIVER,
  PROP_START_SEQUENCE,
  PROP_START_TIME,
  PROP_ACK,
  PROP_ACK_WAIT,
  PROP_MAX_DELIVER,
  PROP_PREFETCH,
  PROP_EOS,
  PROP_TIMESTAMPS,
  PROP_MAX_SIZE,
  PROP_DROP_DUPLICATES,
  PROP_MAX_ACK_PENDING
};

static GType
deliver_type (void)
{
  static gsize type;
  static const GEnumValue values[] = {
    {js_DeliverNew, "What comes from now on", "new"},
    {js_DeliverAll, "All that the stream has", "all"},
    {js_DeliverLast, "From the last message on", "last"},
    {js_DeliverByStartSequence, "From start-sequence on", "by-sequence"},
    {js_DeliverByStartTime, "From start-time on", "by-time"},
    {0, NULL, NULL}
  };

  return gst_nats_register_enum (&type, "GstNatsDeliver", values);
}

static GType
ack_type (void)
{
  static gsize type;
  static const GEnumValue values[] = {
    {GST_NATS_ACK_ON_PUSH, "When the buffer has been pushed", "on-push"},
    {GST_NATS_ACK_ON_RECEIVE, "When the message is there", "on-receive"},
    {0, NULL, NULL}
  };

  return gst_nats_register_enum (&type, "GstNatsAckPolicy", values);
}

static GType
eos_type (void)
{
  static gsize type;
  static const GEnumValue values[] = {
    {GST_NATS_EOS_AUTO, "When the source ends, unless subject has wildcards, "
          "or queue or durable is set", "auto"},
    {GST_NATS_EOS_ALWAYS, "When any source ends", "always"},
    {GST_NATS_EOS_NEVER, "Never", "never"},
    {0, NULL, NULL}
  };

  return gst_nats_register_enum (&type, "GstNatsEos", values);
}

static GType
timestamps_type (void)
{
  static gsize type;
  static const GEnumValue values[] = {
    {GST_NATS_TIMESTAMPS_KEEP, "As they were published", "keep"},
    {GST_NATS_TIMESTAMPS_REBASE, "Moved such that the first buffer is due when "
          "it comes", "rebase"},
    {GST_NATS_TIMESTAMPS_ARRIVAL, "The running time of arrival", "arrival"},
    {0, NULL, NULL}
  };

  return gst_nats_register_enum (&type, "GstNatsTimestamps", values);
}

void
gst_nats_src_settings_init (GstNatsSrcSettings * self)
{
  memset (self, 0, sizeof (*self));
  gst_nats_common_init (&self->common);
  self->common.slow_policy = GST_NATS_SLOW_DROP_OLD;
  self->deliver = js_DeliverNew;
  self->start_sequence = 1;
  self->ack_wait = DEFAULT_ACK_WAIT;
  self->max_deliver = -1;
  self->prefetch = DEFAULT_PREFETCH;
  self->max_size = DEFAULT_MAX_SIZE;
  self->is_live = TRUE;
}

void
gst_nats_src_settings_clear (GstNatsSrcSettings * self)
{
  gst_nats_common_clear (&self->common);
  g_free (self->queue);
  g_free (self->durable);
  g_free (self->start_time);
}

void
gst_nats_src_settings_copy (GstNatsSrcSettings * to,
    const GstNatsSrcSettings * from)
{
  *to = *from;
  gst_nats_settings_copy (&to->common.settings, &from->common.settings);
  to->common.subject = g_strdup (from->common.subject);
  to->common.stream = g_strdup (from->common.stream);
  to->queue = g_strdup (from->queue);
  to->durable = g_strdup (from->durable);
  to->start_time = g_strdup (from->start_time);
}

static void
install_consumer (GObjectClass * klass)
{
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS
      | GST_PARAM_MUTABLE_READY;

  g_object_class_install_property (klass, PROP_QUEUE,
      g_param_spec_string ("queue", "Queue", "core: group of receivers of "
          "which one gets each message", NULL, flags));
  g_object_class_install_property (klass, PROP_DURABLE,
      g_param_spec_string ("durable", "Durable",
          "jetstream: name of a consumer that servers keep; all with the same "
          "share its messages (NULL: a consumer of this element alone)", NULL,
          flags));
  g_object_class_install_property (klass, PROP_DELIVER,
      g_param_spec_enum ("deliver", "Deliver",
          "jetstream: where a consumer that is made begins; work-queue "
          "streams begin with all", deliver_type (), js_DeliverNew, flags));
  g_object_class_install_property (klass, PROP_START_SEQUENCE,
      g_param_spec_uint64 ("start-sequence", "Start sequence",
          "jetstream: sequence in the stream to begin with", 1, G_MAXINT64, 1,
          flags));
  g_object_class_install_property (klass, PROP_START_TIME,
      g_param_spec_string ("start-time", "Start time",
          "jetstream: time to begin with, ISO 8601 with zone, such as "
          "2026-11-22T08:00:00Z", NULL, flags));
  g_object_class_install_property (klass, PROP_ACK,
      g_param_spec_enum ("ack", "Acknowledge",
          "jetstream: when messages are acknowledged", ack_type (),
          GST_NATS_ACK_ON_PUSH, flags));
  g_object_class_install_property (klass, PROP_ACK_WAIT,
      g_param_spec_uint64 ("ack-wait", "Ack wait",
          "jetstream: time after which messages of a consumer that is gone "
          "are delivered again, ns", 100 * GST_MSECOND, G_MAXINT64,
          DEFAULT_ACK_WAIT, flags));
  g_object_class_install_property (klass, PROP_MAX_DELIVER,
      g_param_spec_int ("max-deliver", "Max deliver",
          "jetstream: how often a message is delivered at most (-1: no limit)",
          -1, G_MAXINT, -1, flags));
  g_object_class_install_property (klass, PROP_PREFETCH,
      g_param_spec_uint ("prefetch", "Prefetch",
          "jetstream: messages held at most; 1 balances slow work best", 1,
          4096, DEFAULT_PREFETCH, flags));
  g_object_class_install_property (klass, PROP_MAX_ACK_PENDING,
      g_param_spec_uint ("max-ack-pending", "Max ack pending",
          "jetstream: messages that all who share a durable that is made hold "
          "together at most (0: the server's limit, 1000)", 0, 1000000, 0,
          flags));
}

void
gst_nats_src_settings_install (GObjectClass * klass)
{
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS
      | GST_PARAM_MUTABLE_READY;

  gst_nats_common_install (klass, GST_NATS_SLOW_DROP_OLD);
  g_object_class_install_property (klass, PROP_STATS,
      g_param_spec_boxed ("stats", "Statistics",
          "Structure application/x-natssrc-stats", GST_TYPE_STRUCTURE,
          G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
  g_object_class_install_property (klass, PROP_IS_LIVE,
      g_param_spec_boolean ("is-live", "Is live",
          "Be a live source; false for what is replayed from a stream", TRUE,
          flags));
  install_consumer (klass);
  g_object_class_install_property (klass, PROP_EOS,
      g_param_spec_enum ("eos", "EOS", "Whether the end of a source is the end "
          "of the stream", eos_type (), GST_NATS_EOS_AUTO, flags));
  g_object_class_install_property (klass, PROP_TIMESTAMPS,
      g_param_spec_enum ("timestamps", "Time stamps",
          "Time stamps of buffers", timestamps_type (),
          GST_NATS_TIMESTAMPS_KEEP, flags));
  g_object_class_install_property (klass, PROP_MAX_SIZE,
      g_param_spec_uint64 ("max-size", "Max size",
          "Largest buffer to be put together from several messages, and "
          "all unfinished ones at once, bytes", 1, G_MAXINT, DEFAULT_MAX_SIZE,
          flags));
  g_object_class_install_property (klass, PROP_DROP_DUPLICATES,
      g_param_spec_boolean ("drop-duplicates", "Drop duplicates",
          "Leave out frames that this element has pushed before", FALSE,
          flags));
}

gboolean
gst_nats_src_settings_set (GstNatsSrcSettings * self, guint id,
    const GValue * value)
{
  switch (id) {
    case PROP_IS_LIVE:
      self->is_live = g_value_get_boolean (value);
      break;
    case PROP_QUEUE:
      g_free (self->queue);
      self->queue = g_value_dup_string (value);
      break;
    case PROP_DURABLE:
      g_free (self->durable);
      self->durable = g_value_dup_string (value);
      break;
    case PROP_DELIVER:
      self->deliver = g_value_get_enum (value);
      break;
    case PROP_START_SEQUENCE:
      self->start_sequence = g_value_get_uint64 (value);
      break;
    case PROP_START_TIME:
      g_free (self->start_time);
      self->start_time = g_value_dup_string (value);
      break;
    case PROP_ACK:
      self->ack = g_value_get_enum (value);
      break;
    case PROP_ACK_WAIT:
      self->ack_wait = g_value_get_uint64 (value);
      break;
    case PROP_MAX_DELIVER:
      self->max_deliver = g_value_get_int (value);
      break;
    case PROP_PREFETCH:
      self->prefetch = g_value_get_uint (value);
      break;
    case PROP_MAX_ACK_PENDING:
      self->max_ack_pending = g_value_get_uint (value);
      break;
    case PROP_EOS:
      self->eos = g_value_get_enum (value);
      break;
    case PROP_TIMESTAMPS:
      self->timestamps = g_value_get_enum (value);
      break;
    case PROP_MAX_SIZE:
      self->max_size = g_value_get_uint64 (value);
      break;
    case PROP_DROP_DUPLICATES:
      self->drop_duplicates = g_value_get_boolean (value);
      break;
    default:
      return gst_nats_common_set (&self->common, id, value);
  }

  return TRUE;
}

gboolean
gst_nats_src_settings_get (GstNatsSrcSettings * self, guint id, GValue * value)
{
  switch (id) {
    case PROP_IS_LIVE:
      g_value_set_boolean (value, self->is_live);
      break;
    case PROP_QUEUE:
      g_value_set_string (value, self->queue);
      break;
    case PROP_DURABLE:
      g_value_set_string (value, self->durable);
      break;
    case PROP_DELIVER:
      g_value_set_enum (value, self->deliver);
      break;
    case PROP_START_SEQUENCE:
      g_value_set_uint64 (value, self->start_sequence);
      break;
    case PROP_START_TIME:
      g_value_set_string (value, self->start_time);
      break;
    case PROP_ACK:
      g_value_set_enum (value, self->ack);
      break;
    case PROP_ACK_WAIT:
      g_value_set_uint64 (value, self->ack_wait);
      break;
    case PROP_MAX_DELIVER:
      g_value_set_int (value, self->max_deliver);
      break;
    case PROP_PREFETCH:
      g_value_set_uint (value, self->prefetch);
      break;
    case PROP_MAX_ACK_PENDING:
      g_value_set_uint (value, self->max_ack_pending);
      break;
    case PROP_EOS:
      g_value_set_enum (value, self->eos);
      break;
    case PROP_TIMESTAMPS:
      g_value_set_enum (value, self->timestamps);
      break;
    case PROP_MAX_SIZE:
      g_value_set_uint64 (value, self->max_size);
      break;
    case PROP_DROP_DUPLICATES:
      g_value_set_boolean (value, self->drop_duplicates);
      break;
    default:
      return gst_nats_common_get (&self->common, id, value);
  }

  return TRUE;
}

/* ns since 1970, or -1. */
static gint64
parse_time (const gchar * text)
{
  GDateTime *time = text ? g_date_time_new_from_iso8601 (text, NULL) : NULL;
  gint64 ns = -1;

  if (time) {
    ns = g_date_time_to_unix (time) * G_GINT64_CONSTANT (1000000000)
        + g_date_time_get_microsecond (time) * 1000;
    g_date_time_unref (time);
  }
  return ns;
}

gboolean
gst_nats_src_settings_check (const GstNatsSrcSettings * self, gchar ** reason)
{
  gboolean jetstream = self->common.mode == GST_NATS_MODE_JETSTREAM;

  *reason = NULL;
  if (!gst_nats_subject_is_valid (self->common.subject, TRUE))
    *reason = g_strdup_printf ("subject is \"%s\": it needs tokens without "
        "spaces and dots between, such as cams.7, cams.* or cams.>",
        self->common.subject ? self->common.subject : "");
  else if (self->queue && (jetstream || !gst_nats_name_is_valid (self->queue)))
    *reason = g_strdup_printf ("queue is \"%s\": %s", self->queue, jetstream ?
        "in JetStream mode receivers that share work have the same durable" :
        "names of groups have no spaces, dots and wildcards");
  else if (self->durable && (!jetstream
          || !gst_nats_name_is_valid (self->durable)))
    *reason = g_strdup_printf ("durable is \"%s\": %s", self->durable,
        jetstream ? "names of consumers have no spaces, dots, wildcards and "
        "slashes" : "consumers are of mode=jetstream");
  else if (jetstream && self->common.stream
      && !gst_nats_name_is_valid (self->common.stream))
    *reason = g_strdup_printf ("stream is \"%s\": names of streams have no "
        "spaces, dots, wildcards and slashes", self->common.stream);
  else if (self->deliver == js_DeliverByStartTime
      && parse_time (self->start_time) < 0)
    *reason = g_strdup_printf ("deliver=by-time needs a start-time such as "
        "2026-11-22T08:00:00Z; it is \"%s\"", self->start_time ?
        self->start_time : "");

  return *reason == NULL;
}

void
gst_nats_src_settings_consumer (const GstNatsSrcSettings * self,
    GstNatsConsumerConfig * config)
{
  memset (config, 0, sizeof (*config));
  config->jetstream = self->common.mode == GST_NATS_MODE_JETSTREAM;
  config->subject = g_strdup (self->common.subject);
  config->queue = g_strdup (self->queue);
  config->pull.subject = g_strdup (self->common.subject);
  config->pull.stream = g_strdup (self->common.stream);
  config->pull.durable = g_strdup (self->durable);
  config->pull.deliver = self->deliver;
  if (self->deliver == js_DeliverByStartSequence)
    config->pull.start_sequence = self->start_sequence;
  if (self->deliver == js_DeliverByStartTime)
    config->pull.start_time = parse_time (self->start_time);
  config->pull.ack_wait = self->ack_wait;
  config->pull.max_deliver = self->max_deliver;
  config->pull.max_ack_pending = self->max_ack_pending;
  config->prefetch = self->prefetch;
  config->max_messages = self->common.max_pending_messages;
  config->max_bytes = self->common.max_pending_bytes;
  config->policy = self->common.slow_policy;
  config->max_size = (gsize) self->max_size;
}

gboolean
gst_nats_src_settings_ends (const GstNatsSrcSettings * self)
{
  switch (self->eos) {
    case GST_NATS_EOS_ALWAYS:
      return TRUE;
    case GST_NATS_EOS_NEVER:
      return FALSE;
    default:
      return !self->queue && !self->durable
          && !strpbrk (self->common.subject, "*>");
  }
}
