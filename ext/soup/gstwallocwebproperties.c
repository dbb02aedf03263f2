/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstwallocwebproperties.h"

#define DEFAULT_PORT 0
#define DEFAULT_MAX_CLIENTS 128
#define DEFAULT_MAX_PER_ADDRESS 0
#define DEFAULT_MAX_QUEUE_BYTES (8 * 1024 * 1024)
#define DEFAULT_MAX_QUEUE_TIME (4 * GST_SECOND)
#define DEFAULT_REQUEST_TIMEOUT (10 * GST_SECOND)
#define DEFAULT_IDLE_TIMEOUT (30 * GST_SECOND)
#define DEFAULT_STALL_TIMEOUT (5 * GST_SECOND)
#define DEFAULT_BUS_MESSAGES \
  "compressedclassify,compressedsegment,compressedread,spectralinspect"

enum
{
  PROP_0,
  PROP_ADDRESS,
  PROP_PORT,
  PROP_URL,
  PROP_TOKEN,
  PROP_TOKEN_FILE,
  PROP_TLS_CERTIFICATE,
  PROP_CERTIFICATE_FILE,
  PROP_PRIVATE_KEY_FILE,
  PROP_ALLOWED_ORIGINS,
  PROP_MODEL_FILE,
  PROP_MAX_CLIENTS,
  PROP_MAX_CLIENTS_PER_ADDRESS,
  PROP_MAX_QUEUE_BYTES,
  PROP_MAX_QUEUE_TIME,
  PROP_REQUEST_TIMEOUT,
  PROP_IDLE_TIMEOUT,
  PROP_STALL_TIMEOUT,
  PROP_BUS_MESSAGES,
  PROP_STATS
};

static void
set_text (gchar ** field, const GValue * value)
{
  g_free (*field);
  *field = g_value_dup_string (value);
  if (*field && !**field)
    g_clear_pointer (field, g_free);
}

static void
gst_walloc_web_sink_set_property (GObject * object, guint prop_id,
    const GValue * value, GParamSpec * pspec)
{
  GstWallocWebSink *self = GST_WALLOC_WEB_SINK (object);
  GstWallocWebSettings *s = &self->settings;

  GST_OBJECT_LOCK (self);
  switch (prop_id) {
    case PROP_ADDRESS:
      set_text (&s->address, value);
      break;
    case PROP_PORT:
      s->port = g_value_get_uint (value);
      break;
    case PROP_TOKEN:
      set_text (&s->token, value);
      break;
    case PROP_TOKEN_FILE:
      set_text (&self->token_file, value);
      break;
    case PROP_TLS_CERTIFICATE:
      g_clear_object (&s->certificate);
      s->certificate = g_value_dup_object (value);
      break;
    case PROP_CERTIFICATE_FILE:
      set_text (&self->certificate_file, value);
      break;
    case PROP_PRIVATE_KEY_FILE:
      set_text (&self->key_file, value);
      break;
    case PROP_ALLOWED_ORIGINS:
      g_strfreev (s->origins);
      s->origins = g_value_dup_boxed (value);
      break;
    case PROP_MODEL_FILE:
      set_text (&s->model_file, value);
      break;
    case PROP_MAX_CLIENTS:
      s->max_clients = g_value_get_uint (value);
      break;
    case PROP_MAX_CLIENTS_PER_ADDRESS:
      s->max_per_address = g_value_get_uint (value);
      break;
    case PROP_MAX_QUEUE_BYTES:
      s->max_queue_bytes = g_value_get_uint64 (value);
      break;
    case PROP_MAX_QUEUE_TIME:
      s->max_queue_time = g_value_get_uint64 (value);
      break;
    case PROP_REQUEST_TIMEOUT:
      s->request_timeout = g_value_get_uint64 (value);
      break;
    case PROP_IDLE_TIMEOUT:
      s->idle_timeout = g_value_get_uint64 (value);
      break;
    case PROP_STALL_TIMEOUT:
      s->stall_timeout = g_value_get_uint64 (value);
      break;
    case PROP_BUS_MESSAGES:
      g_free (self->bus_messages);
      self->bus_messages = g_value_dup_string (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      break;
  }
  GST_OBJECT_UNLOCK (self);
}

static void
gst_walloc_web_sink_get_property (GObject * object, guint prop_id,
    GValue * value, GParamSpec * pspec)
{
  GstWallocWebSink *self = GST_WALLOC_WEB_SINK (object);
  const GstWallocWebSettings *s = &self->settings;

  if (prop_id == PROP_STATS) {
    g_value_take_boxed (value, gst_walloc_web_metrics_stats (&self->metrics));
    return;
  }

  GST_OBJECT_LOCK (self);
  switch (prop_id) {
    case PROP_ADDRESS:
      g_value_set_string (value, s->address);
      break;
    case PROP_PORT:
      g_value_set_uint (value, self->server ? gst_walloc_web_server_port
          (self->server) : s->port);
      break;
    case PROP_URL:
      g_value_take_string (value, self->server ? gst_walloc_web_server_url
          (self->server) : NULL);
      break;
    case PROP_TOKEN_FILE:
      g_value_set_string (value, self->token_file);
      break;
    case PROP_TLS_CERTIFICATE:
      g_value_set_object (value, s->certificate);
      break;
    case PROP_CERTIFICATE_FILE:
      g_value_set_string (value, self->certificate_file);
      break;
    case PROP_PRIVATE_KEY_FILE:
      g_value_set_string (value, self->key_file);
      break;
    case PROP_ALLOWED_ORIGINS:
      g_value_set_boxed (value, s->origins);
      break;
    case PROP_MODEL_FILE:
      g_value_set_string (value, s->model_file);
      break;
    case PROP_MAX_CLIENTS:
      g_value_set_uint (value, s->max_clients);
      break;
    case PROP_MAX_CLIENTS_PER_ADDRESS:
      g_value_set_uint (value, s->max_per_address);
      break;
    case PROP_MAX_QUEUE_BYTES:
      g_value_set_uint64 (value, s->max_queue_bytes);
      break;
    case PROP_MAX_QUEUE_TIME:
      g_value_set_uint64 (value, s->max_queue_time);
      break;
    case PROP_REQUEST_TIMEOUT:
      g_value_set_uint64 (value, s->request_timeout);
      break;
    case PROP_IDLE_TIMEOUT:
      g_value_set_uint64 (value, s->idle_timeout);
      break;
    case PROP_STALL_TIMEOUT:
      g_value_set_uint64 (value, s->stall_timeout);
      break;
    case PROP_BUS_MESSAGES:
      g_value_set_string (value, self->bus_messages);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      break;
  }
  GST_OBJECT_UNLOCK (self);
}

static void
add_string (GObjectClass * object_class, guint id, const gchar * name,
    const gchar * nick, const gchar * blurb, const gchar * value,
    GParamFlags flags)
{
  g_object_class_install_property (object_class, id,
      g_param_spec_string (name, nick, blurb, value,
          flags | G_PARAM_STATIC_STRINGS));
}

static void
add_time (GObjectClass * object_class, guint id, const gchar * name,
    const gchar * nick, const gchar * blurb, guint64 value)
{
  g_object_class_install_property (object_class, id,
      g_param_spec_uint64 (name, nick, blurb, GST_MSECOND, 3600 * GST_SECOND,
          value, G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS));
}

static void
add_number (GObjectClass * object_class, guint id, const gchar * name,
    const gchar * nick, const gchar * blurb, guint least, guint most,
    guint value)
{
  g_object_class_install_property (object_class, id,
      g_param_spec_uint (name, nick, blurb, least, most, value,
          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS));
}

void
gst_walloc_web_properties_install (GObjectClass * c)
{
  c->set_property = gst_walloc_web_sink_set_property;
  c->get_property = gst_walloc_web_sink_get_property;
  /**
   * GstWallocWebSink:address:
   *
   * Address or name to listen on; 0.0.0.0 and :: are all of the machine.
   *
   * Since: 0.2
   */
  add_string (c, PROP_ADDRESS, "address", "Address",
      "Address or host name to listen on; 0.0.0.0: all",
      GST_WALLOC_WEB_DEFAULT_ADDRESS, G_PARAM_READWRITE);
  /**
   * GstWallocWebSink:port:
   *
   * Port to listen on. While the element runs, the one that it listens on.
   *
   * Since: 0.2
   */
  add_number (c, PROP_PORT, "port", "Port",
      "Port to listen on (0: any; while running, the one in use)", 0, 65535,
      DEFAULT_PORT);
  /**
   * GstWallocWebSink:url:
   *
   * Where the page is, while the element runs.
   *
   * Since: 0.2
   */
  g_object_class_install_property (c, PROP_URL,
      g_param_spec_string ("url", "URL", "Where the page is", NULL,
          G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
  /**
   * GstWallocWebSink:token:
   *
   * Who has it may see the stream and what is known of it. Cannot be read.
   *
   * Since: 0.2
   */
  add_string (c, PROP_TOKEN, "token", "Token",
      "Secret that clients must have (unset: everyone who can connect)", NULL,
      G_PARAM_WRITABLE);
  /**
   * GstWallocWebSink:token-file:
   *
   * File with the token as its first line, where #GstWallocWebSink:token is
   * not set: command lines can be seen by others.
   *
   * Since: 0.2
   */
  add_string (c, PROP_TOKEN_FILE, "token-file", "Token file",
      "File with the token in its first line", NULL, G_PARAM_READWRITE);
  /**
   * GstWallocWebSink:tls-certificate:
   *
   * Certificate with its private key: the server speaks HTTPS only.
   *
   * Since: 0.2
   */
  g_object_class_install_property (c, PROP_TLS_CERTIFICATE,
      g_param_spec_object ("tls-certificate", "TLS certificate",
          "Certificate with its private key, for HTTPS", G_TYPE_TLS_CERTIFICATE,
          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS));
  /**
   * GstWallocWebSink:certificate-file:
   *
   * The same as a file in PEM form.
   *
   * Since: 0.2
   */
  add_string (c, PROP_CERTIFICATE_FILE, "certificate-file", "Certificate file",
      "PEM file with the certificate, for HTTPS", NULL, G_PARAM_READWRITE);
  /**
   * GstWallocWebSink:private-key-file:
   *
   * PEM file with its private key, where it is in a file of its own.
   *
   * Since: 0.2
   */
  add_string (c, PROP_PRIVATE_KEY_FILE, "private-key-file", "Private key file",
      "PEM file with the private key of the certificate", NULL,
      G_PARAM_READWRITE);
  /**
   * GstWallocWebSink:allowed-origins:
   *
   * Origins ("https://host:port") whose pages may use the server, beside its
   * own page. "*" is all of them.
   *
   * Since: 0.2
   */
  g_object_class_install_property (c, PROP_ALLOWED_ORIGINS,
      g_param_spec_boxed ("allowed-origins", "Allowed origins",
          "Origins of other pages that may use the server; \"*\": all",
          G_TYPE_STRV, G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS));
  /**
   * GstWallocWebSink:model-file:
   *
   * Path or name of the model that clients get, as that of wallocdec.
   *
   * Since: 0.2
   */
  add_string (c, PROP_MODEL_FILE, "model-file", "Model file",
      "Path or name of the stream's model (unset: by the id in the stream)",
      NULL, G_PARAM_READWRITE);
  /**
   * GstWallocWebSink:max-clients:
   *
   * Clients of `/stream`, `/ws` and `/events` at once.
   *
   * Since: 0.2
   */
  add_number (c, PROP_MAX_CLIENTS, "max-clients", "Clients",
      "Streams, sockets and lists of events at once, at most", 1, 65535,
      DEFAULT_MAX_CLIENTS);
  /**
   * GstWallocWebSink:max-connections-per-address:
   *
   * Connections of one address at once; behind a proxy all have the same.
   *
   * Since: 0.2
   */
  add_number (c, PROP_MAX_CLIENTS_PER_ADDRESS, "max-connections-per-address",
      "Connections per address",
      "Connections of one address at once, at most (0: no limit)", 0, 65535,
      DEFAULT_MAX_PER_ADDRESS);
  /**
   * GstWallocWebSink:max-queue-bytes:
   *
   * Bytes that may wait for one client. At a quarter of it the client gets
   * fewer layers, at half of it no frames until a key frame, which replaces
   * those that wait; beyond it, it is closed.
   *
   * Since: 0.2
   */
  g_object_class_install_property (c, PROP_MAX_QUEUE_BYTES,
      g_param_spec_uint64 ("max-queue-bytes", "Queue, bytes",
          "Bytes that may wait for a client before it is closed", 65536,
          G_MAXUINT32, DEFAULT_MAX_QUEUE_BYTES, G_PARAM_READWRITE |
          G_PARAM_STATIC_STRINGS));
  /**
   * GstWallocWebSink:max-queue-time:
   *
   * How long something may wait for one client. What happens at a quarter and
   * at half of #GstWallocWebSink:max-queue-bytes happens at an eighth and at a
   * quarter of this.
   *
   * Since: 0.2
   */
  add_time (c, PROP_MAX_QUEUE_TIME, "max-queue-time", "Queue, time",
      "Time in ns that something may wait for a client before it is closed",
      DEFAULT_MAX_QUEUE_TIME);
  /**
   * GstWallocWebSink:request-timeout:
   *
   * How long a connection may take to ask, and then to take a short answer.
   *
   * Since: 0.2
   */
  add_time (c, PROP_REQUEST_TIMEOUT, "request-timeout", "Request time-out",
      "Time in ns for a request, and again for its answer",
      DEFAULT_REQUEST_TIMEOUT);
  /**
   * GstWallocWebSink:idle-timeout:
   *
   * How long a WebSocket may be without a sign of life: the server sends it
   * pings.
   *
   * Since: 0.2
   */
  add_time (c, PROP_IDLE_TIMEOUT, "idle-timeout", "Idle time-out",
      "Time in ns in which a WebSocket must answer a ping",
      DEFAULT_IDLE_TIMEOUT);
  /**
   * GstWallocWebSink:stall-timeout:
   *
   * Without a frame for so long, `/health` says so.
   *
   * Since: 0.2
   */
  add_time (c, PROP_STALL_TIMEOUT, "stall-timeout", "Stall time-out",
      "Time in ns without a frame until /health fails", DEFAULT_STALL_TIMEOUT);
  /**
   * GstWallocWebSink:bus-messages:
   *
   * Element messages of the whole pipeline that clients of `/events` and
   * `/ws` are told of: names with commas between them; "*" is all, nothing
   * none.
   *
   * Since: 0.2
   */
  add_string (c, PROP_BUS_MESSAGES, "bus-messages", "Bus messages",
      "Names of element messages that clients get, with commas; *: all",
      DEFAULT_BUS_MESSAGES, G_PARAM_READWRITE);
  /**
   * GstWallocWebSink:stats:
   *
   * Structure application/x-wallocwebsink-stats.
   *
   * Since: 0.2
   */
  g_object_class_install_property (c, PROP_STATS,
      g_param_spec_boxed ("stats", "Statistics",
          "Counters since the element was started", GST_TYPE_STRUCTURE,
          G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
}

void
gst_walloc_web_properties_init (GstWallocWebSink * self)
{
  GstWallocWebSettings *s = &self->settings;

  s->address = g_strdup (GST_WALLOC_WEB_DEFAULT_ADDRESS);
  s->port = DEFAULT_PORT;
  s->max_clients = DEFAULT_MAX_CLIENTS;
  s->max_per_address = DEFAULT_MAX_PER_ADDRESS;
  s->max_queue_bytes = DEFAULT_MAX_QUEUE_BYTES;
  s->max_queue_time = DEFAULT_MAX_QUEUE_TIME;
  s->request_timeout = DEFAULT_REQUEST_TIMEOUT;
  s->idle_timeout = DEFAULT_IDLE_TIMEOUT;
  s->stall_timeout = DEFAULT_STALL_TIMEOUT;
  self->bus_messages = g_strdup (DEFAULT_BUS_MESSAGES);
}
