/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <string.h>

#include "gstnatscommon.h"

#define MS(ns) ((guint) MIN ((ns) / GST_MSECOND, G_MAXINT))

enum
{
  PROP_0,
  PROP_SERVERS,
  PROP_SUBJECT,
  PROP_MODE,
  PROP_STREAM,
  PROP_USER,
  PROP_PASSWORD,
  PROP_TOKEN,
  PROP_CREDENTIALS_FILE,
  PROP_NKEY,
  PROP_TLS,
  PROP_TLS_CA_FILE,
  PROP_TLS_CERT_FILE,
  PROP_TLS_KEY_FILE,
  PROP_TLS_VERIFY,
  PROP_MAX_RECONNECT,
  PROP_RECONNECT_WAIT,
  PROP_RECONNECT_WAIT_MAX,
  PROP_CONNECT_TIMEOUT,
  PROP_WAIT_FOR_SERVER,
  PROP_MAX_PENDING_MESSAGES,
  PROP_MAX_PENDING_BYTES,
  PROP_SLOW_POLICY
};

GType
gst_nats_register_enum (gsize * place, const gchar * name,
    const GEnumValue * values)
{
  if (g_once_init_enter (place)) {
    GType t = g_enum_register_static (name, values);

    gst_type_mark_as_plugin_api (t, 0);
    g_once_init_leave (place, t);
  }
  return *place;
}

GType
gst_nats_mode_get_type (void)
{
  static gsize type;
  static const GEnumValue values[] = {
    {GST_NATS_MODE_CORE, "At most once, lowest latency", "core"},
    {GST_NATS_MODE_JETSTREAM, "Stored by a stream and acknowledged",
        "jetstream"},
    {0, NULL, NULL}
  };

  return gst_nats_register_enum (&type, "GstNatsMode", values);
}

GType
gst_nats_slow_policy_get_type (void)
{
  static gsize type;
  static const GEnumValue values[] = {
    {GST_NATS_SLOW_BLOCK, "Wait", "block"},
    {GST_NATS_SLOW_DROP_OLD, "Leave the oldest buffers out", "drop-old"},
    {GST_NATS_SLOW_KEY_FRAMES, "Leave all out up to the next key frame",
        "key-frames"},
    {0, NULL, NULL}
  };

  return gst_nats_register_enum (&type, "GstNatsSlowPolicy", values);
}

void
gst_nats_common_init (GstNatsCommon * self)
{
  memset (self, 0, sizeof (*self));
  gst_nats_settings_init (&self->settings);
  self->subject = g_strdup (GST_NATS_DEFAULT_SUBJECT);
  self->max_pending_messages = 256;
  self->max_pending_bytes = 64 * 1024 * 1024;
}

void
gst_nats_common_clear (GstNatsCommon * self)
{
  gst_nats_settings_clear (&self->settings);
  g_free (self->subject);
  g_free (self->stream);
}

static void
install_string (GObjectClass * klass, guint id, const gchar * name,
    const gchar * nick, const gchar * blurb, const gchar * value,
    GParamFlags flags)
{
  g_object_class_install_property (klass, id, g_param_spec_string (name, nick,
          blurb, value, flags | G_PARAM_WRITABLE | G_PARAM_STATIC_STRINGS
          | GST_PARAM_MUTABLE_READY));
}

static void
install_time (GObjectClass * klass, guint id, const gchar * name,
    const gchar * nick, const gchar * blurb, guint64 value)
{
  g_object_class_install_property (klass, id, g_param_spec_uint64 (name, nick,
          blurb, GST_MSECOND, GST_SECOND * 86400, value, G_PARAM_READWRITE
          | G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY));
}

static void
install_boolean (GObjectClass * klass, guint id, const gchar * name,
    const gchar * nick, const gchar * blurb, gboolean value)
{
  g_object_class_install_property (klass, id, g_param_spec_boolean (name, nick,
          blurb, value, G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS
          | GST_PARAM_MUTABLE_READY));
}

static void
gst_nats_common_install_security (GObjectClass * klass)
{
  install_string (klass, PROP_USER, "user", "User",
      "User to connect as", NULL, G_PARAM_READABLE);
  /* secrets go in and never out */
  install_string (klass, PROP_PASSWORD, "password", "Password",
      "Password of the user", NULL, 0);
  install_string (klass, PROP_TOKEN, "token", "Token",
      "Token to connect with", NULL, 0);
  install_string (klass, PROP_CREDENTIALS_FILE, "credentials-file",
      "Credentials file", "File with JWT and seed of a user (.creds); with "
      "nkey, of its seed", NULL, G_PARAM_READABLE);
  install_string (klass, PROP_NKEY, "nkey", "NKey",
      "Public key (U...) of a user whose seed is in credentials-file", NULL,
      G_PARAM_READABLE);
  install_boolean (klass, PROP_TLS, "tls", "TLS",
      "Connect by TLS only; servers are checked against the system's "
      "authorities", FALSE);
  install_string (klass, PROP_TLS_CA_FILE, "tls-ca-file", "TLS authorities",
      "PEM file of the authorities that servers' certificates are checked "
      "against; asks for TLS", NULL, G_PARAM_READABLE);
  install_string (klass, PROP_TLS_CERT_FILE, "tls-cert-file",
      "TLS certificate", "PEM file of a certificate to show to servers; asks "
      "for TLS", NULL, G_PARAM_READABLE);
  install_string (klass, PROP_TLS_KEY_FILE, "tls-key-file", "TLS key",
      "PEM file of the key of that certificate (NULL: it is in the same file)",
      NULL, G_PARAM_READABLE);
  install_boolean (klass, PROP_TLS_VERIFY, "tls-verify", "TLS verify",
      "Check servers' certificates", TRUE);
}

void
gst_nats_common_install (GObjectClass * klass, GstNatsSlowPolicy policy)
{
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS;
  GstNatsSettings settings;

  gst_nats_settings_init (&settings);
  install_string (klass, PROP_SERVERS, "servers", "Servers",
      "URLs of servers of one cluster, commas between (NULL: "
      "nats://127.0.0.1:4222); read without users and passwords", NULL,
      G_PARAM_READABLE);
  install_string (klass, PROP_SUBJECT, "subject", "Subject",
      "Subject of the messages", GST_NATS_DEFAULT_SUBJECT, G_PARAM_READABLE);
  g_object_class_install_property (klass, PROP_MODE, g_param_spec_enum ("mode",
          "Mode", "How messages go", GST_TYPE_NATS_MODE, GST_NATS_MODE_CORE,
          flags | GST_PARAM_MUTABLE_READY));
  install_string (klass, PROP_STREAM, "stream", "Stream",
      "JetStream: name of the stream (NULL: the one that has the subject)",
      NULL, G_PARAM_READABLE);
  gst_nats_common_install_security (klass);
  g_object_class_install_property (klass, PROP_MAX_RECONNECT,
      g_param_spec_int ("max-reconnect", "Max reconnect",
          "Rounds over all servers after a lost connection (-1: without end)",
          -1, G_MAXINT, settings.max_reconnect,
          flags | GST_PARAM_MUTABLE_READY));
  install_time (klass, PROP_RECONNECT_WAIT, "reconnect-wait", "Reconnect wait",
      "Time before the second round, which doubles with each, ns",
      settings.reconnect_wait * GST_MSECOND);
  install_time (klass, PROP_RECONNECT_WAIT_MAX, "reconnect-wait-max",
      "Reconnect wait max", "Longest time between rounds but for a random "
      "part of up to a half, ns", settings.reconnect_wait_max * GST_MSECOND);
  install_time (klass, PROP_CONNECT_TIMEOUT, "connect-timeout",
      "Connect timeout", "Time for a server to answer, ns",
      settings.connect_timeout * GST_MSECOND);
  install_boolean (klass, PROP_WAIT_FOR_SERVER, "wait-for-server",
      "Wait for server", "Try the first connection again like a lost one, and "
      "wait for the stream, instead of failing", FALSE);
  g_object_class_install_property (klass, PROP_MAX_PENDING_MESSAGES,
      g_param_spec_uint ("max-pending-messages", "Max pending messages",
          "Buffers that wait at most: to be sent and acknowledged, or to be "
          "pushed", 1, 1000000, 256, flags | GST_PARAM_MUTABLE_PLAYING));
  g_object_class_install_property (klass, PROP_MAX_PENDING_BYTES,
      g_param_spec_uint64 ("max-pending-bytes", "Max pending bytes",
          "Bytes of buffers that wait at most", 1, G_MAXINT64,
          64 * 1024 * 1024, flags | GST_PARAM_MUTABLE_PLAYING));
  g_object_class_install_property (klass, PROP_SLOW_POLICY,
      g_param_spec_enum ("slow-policy", "Slow policy",
          "What happens when more buffers would have to wait",
          GST_TYPE_NATS_SLOW_POLICY, policy,
          flags | GST_PARAM_MUTABLE_PLAYING));
}

static gchar **
gst_nats_common_string (GstNatsCommon * self, guint id)
{
  switch (id) {
    case PROP_SERVERS:
      return &self->settings.servers;
    case PROP_SUBJECT:
      return &self->subject;
    case PROP_STREAM:
      return &self->stream;
    case PROP_USER:
      return &self->settings.user;
    case PROP_PASSWORD:
      return &self->settings.password;
    case PROP_TOKEN:
      return &self->settings.token;
    case PROP_CREDENTIALS_FILE:
      return &self->settings.credentials_file;
    case PROP_NKEY:
      return &self->settings.nkey;
    case PROP_TLS_CA_FILE:
      return &self->settings.tls_ca_file;
    case PROP_TLS_CERT_FILE:
      return &self->settings.tls_cert_file;
    case PROP_TLS_KEY_FILE:
      return &self->settings.tls_key_file;
    default:
      return NULL;
  }
}

gboolean
gst_nats_common_set (GstNatsCommon * self, guint id, const GValue * value)
{
  gchar **string = gst_nats_common_string (self, id);

  if (string) {
    g_free (*string);
    *string = g_value_dup_string (value);
    return TRUE;
  }
  switch (id) {
    case PROP_MODE:
      self->mode = g_value_get_enum (value);
      break;
    case PROP_TLS:
      self->settings.tls = g_value_get_boolean (value);
      break;
    case PROP_TLS_VERIFY:
      self->settings.tls_verify = g_value_get_boolean (value);
      break;
    case PROP_MAX_RECONNECT:
      self->settings.max_reconnect = g_value_get_int (value);
      break;
    case PROP_RECONNECT_WAIT:
      self->settings.reconnect_wait = MS (g_value_get_uint64 (value));
      break;
    case PROP_RECONNECT_WAIT_MAX:
      self->settings.reconnect_wait_max = MS (g_value_get_uint64 (value));
      break;
    case PROP_CONNECT_TIMEOUT:
      self->settings.connect_timeout = MS (g_value_get_uint64 (value));
      break;
    case PROP_WAIT_FOR_SERVER:
      self->settings.wait_for_server = g_value_get_boolean (value);
      break;
    case PROP_MAX_PENDING_MESSAGES:
      self->max_pending_messages = g_value_get_uint (value);
      break;
    case PROP_MAX_PENDING_BYTES:
      self->max_pending_bytes = g_value_get_uint64 (value);
      break;
    case PROP_SLOW_POLICY:
      self->slow_policy = g_value_get_enum (value);
      break;
    default:
      return FALSE;
  }

  return TRUE;
}

gboolean
gst_nats_common_get (GstNatsCommon * self, guint id, GValue * value)
{
  gchar **string = gst_nats_common_string (self, id);

  /* graphs of pipelines have all that can be read */
  if (id == PROP_SERVERS && *string) {
    g_value_take_string (value, gst_nats_hide_secrets (*string));
    return TRUE;
  }
  if (string) {
    g_value_set_string (value, *string);
    return TRUE;
  }
  switch (id) {
    case PROP_MODE:
      g_value_set_enum (value, self->mode);
      break;
    case PROP_TLS:
      g_value_set_boolean (value, self->settings.tls);
      break;
    case PROP_TLS_VERIFY:
      g_value_set_boolean (value, self->settings.tls_verify);
      break;
    case PROP_MAX_RECONNECT:
      g_value_set_int (value, self->settings.max_reconnect);
      break;
    case PROP_RECONNECT_WAIT:
      g_value_set_uint64 (value, self->settings.reconnect_wait * GST_MSECOND);
      break;
    case PROP_RECONNECT_WAIT_MAX:
      g_value_set_uint64 (value,
          self->settings.reconnect_wait_max * GST_MSECOND);
      break;
    case PROP_CONNECT_TIMEOUT:
      g_value_set_uint64 (value, self->settings.connect_timeout * GST_MSECOND);
      break;
    case PROP_WAIT_FOR_SERVER:
      g_value_set_boolean (value, self->settings.wait_for_server);
      break;
    case PROP_MAX_PENDING_MESSAGES:
      g_value_set_uint (value, self->max_pending_messages);
      break;
    case PROP_MAX_PENDING_BYTES:
      g_value_set_uint64 (value, self->max_pending_bytes);
      break;
    case PROP_SLOW_POLICY:
      g_value_set_enum (value, self->slow_policy);
      break;
    default:
      return FALSE;
  }

  return TRUE;
}
