/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who may ask, and what is where (docs/web.md). Requests are looked at when
 * their head is there: none has a body. Answers that are whole go out through
 * libsoup; streams take the connection over. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <string.h>

#include <jansson.h>

#include "gstwallocjson.h"
#include "gstwallocwebserver-private.h"
#include "webrequest.h"

GST_DEBUG_CATEGORY_EXTERN (wallocwebsink_debug);
#define GST_CAT_DEFAULT wallocwebsink_debug

#define MAX_TARGET 4096         /* path and query */
#define MAX_HEADERS 16384
#define MAX_LAST_ID 64

#define TEXT "text/plain; charset=utf-8"
#define JSON "application/json"

typedef struct
{
  GstWallocWebServer *self;
  SoupServerMessage *message;
  GstWallocWebClientKind kind;
  GBytes *body;                 /* of a REPLY */
  gchar *last_id;
  guint layers, kbps;
} TakeOver;

static SoupMessageHeaders *
request (SoupServerMessage * message)
{
  return soup_server_message_get_request_headers (message);
}

static const gchar *
header (SoupServerMessage * message, const gchar * name)
{
  return soup_message_headers_get_one (request (message), name);
}

/* Headers that every answer has. */
static void
set_headers (GstWallocWebServer * self, SoupServerMessage * message,
    const gchar * type)
{
  SoupMessageHeaders *h = soup_server_message_get_response_headers (message);
  const gchar *origin = header (message, "Origin");

  soup_message_headers_replace (h, "Connection", "close");
  soup_message_headers_replace (h, "Content-Type", type);
  soup_message_headers_replace (h, "X-Content-Type-Options", "nosniff");
  if (!soup_message_headers_get_one (h, "Cache-Control"))
    soup_message_headers_replace (h, "Cache-Control", "no-store");
  /* a page of another origin that may ask may see the answer, too */
  if (origin && webrequest_same_origin (origin, NULL, FALSE,
          (const gchar * const *) self->settings.origins)) {
    soup_message_headers_replace (h, "Access-Control-Allow-Origin", origin);
    soup_message_headers_replace (h, "Vary", "Origin");
  }
}

void
gst_walloc_web_routes_answer (GstWallocWebServer * self,
    SoupServerMessage * message, guint status, const gchar * type,
    GBytes * bytes)
{
  GstWallocWebPeer *peer = gst_walloc_web_peer_of (message);

  set_headers (self, message, type);
  soup_server_message_set_status (message, status, NULL);
  if (peer)
    gst_walloc_web_peer_answer (peer, g_bytes_get_size (bytes));
  if (g_bytes_get_size (bytes) > 0)
    soup_message_body_append_bytes (soup_server_message_get_response_body
        (message), bytes);
  g_bytes_unref (bytes);
}

static void
answer_text (GstWallocWebServer * self, SoupServerMessage * message,
    guint status, const gchar * type, gchar * text)
{
  gst_walloc_web_routes_answer (self, message, status, type,
      g_bytes_new_take (text, strlen (text)));
}

static void
refuse (GstWallocWebServer * self, SoupServerMessage * message, guint status,
    GstWallocWebCounter counter, const gchar * text)
{
  gst_walloc_web_metrics_count (self->metrics, counter, 1);
  answer_text (self, message, status, TEXT, g_strconcat (text, "\n", NULL));
}

/* Status line and headers as they go over the wire. */
static GBytes *
head_of (SoupServerMessage * message)
{
  SoupMessageHeadersIter iter;
  const char *name, *value;
  GString *text = g_string_new (NULL);
  guint status = soup_server_message_get_status (message);

  g_string_append_printf (text, "HTTP/1.%c %u %s\r\n",
      soup_server_message_get_http_version (message) == SOUP_HTTP_1_0 ? '0' :
      '1', status, soup_status_get_phrase (status));
  soup_message_headers_iter_init (&iter,
      soup_server_message_get_response_headers (message));
  while (soup_message_headers_iter_next (&iter, &name, &value))
    g_string_append_printf (text, "%s: %s\r\n", name, value);
  g_string_append (text, "\r\n");

  return g_string_free_to_bytes (text);
}

static void
take_over_free (gpointer data)
{
  TakeOver *t = data;

  t->self->pending--;
  g_object_unref (t->message);
  g_clear_pointer (&t->body, g_bytes_unref);
  g_free (t->last_id);
  g_free (t);
}

static gboolean
on_take_over (gpointer data)
{
  TakeOver *t = data;
  GstWallocWebPeer *peer = gst_walloc_web_peer_of (t->message);
  gboolean chunked;
  GstWallocWebClient *client;
  GIOStream *stream;
  GSocket *socket;
  GBytes *head;

  if (!peer || t->self->closed)
    return G_SOURCE_REMOVE;
  socket = g_object_ref (gst_walloc_web_peer_take (peer));
  /* the server stopped meanwhile and gave the connection up */
  if (g_socket_is_closed (socket)) {
    g_object_unref (socket);
    return G_SOURCE_REMOVE;
  }
  head = head_of (t->message);
  chunked = soup_message_headers_get_encoding
      (soup_server_message_get_response_headers (t->message)) ==
      SOUP_ENCODING_CHUNKED;
  stream = soup_server_message_steal_connection (t->message);
  if (stream) {
    client = gst_walloc_web_client_new (t->kind, stream, socket, chunked,
        &t->self->client_settings);
    gst_walloc_web_client_layers (client, t->layers);
    gst_walloc_web_client_rate (client, (guint64) t->kbps * 1000);
    gst_walloc_web_client_raw (client, head);
    if (t->body)
      gst_walloc_web_client_raw (client, t->body);
    if (t->kind == GST_WALLOC_WEB_CLIENT_REPLY)
      gst_walloc_web_client_finish (client, 0, NULL);
    gst_walloc_web_server_join (t->self, client, t->last_id);
  }
  g_bytes_unref (head);
  g_object_unref (socket);

  return G_SOURCE_REMOVE;
}

/* The answer's status and headers are set; what follows them does not go
 * through libsoup. Not at once: libsoup is in the middle of reading. */
static TakeOver *
take_over (GstWallocWebServer * self, SoupServerMessage * message,
    GstWallocWebClientKind kind)
{
  TakeOver *t = g_new0 (TakeOver, 1);
  GSource *source = g_idle_source_new ();

  t->self = self;
  t->message = g_object_ref (message);
  t->kind = kind;
  self->pending++;
  soup_server_message_pause (message);
  g_source_set_priority (source, G_PRIORITY_DEFAULT);
  g_source_set_callback (source, on_take_over, t, take_over_free);
  g_source_attach (source, self->context);
  g_source_unref (source);

  return t;
}

/* A request with a body: libsoup would read all of it before it answers. */
static void
refuse_body (GstWallocWebServer * self, SoupServerMessage * message)
{
  static const gchar text[] = "Requests have no body here.\n";
  SoupMessageHeaders *h = soup_server_message_get_response_headers (message);

  gst_walloc_web_metrics_count (self->metrics, GST_WALLOC_WEB_BAD, 1);
  set_headers (self, message, TEXT);
  soup_server_message_set_status (message,
      SOUP_STATUS_REQUEST_ENTITY_TOO_LARGE, NULL);
  soup_message_headers_set_content_length (h, strlen (text));
  take_over (self, message, GST_WALLOC_WEB_CLIENT_REPLY)->body =
      g_bytes_new_static (text, strlen (text));
}

static gboolean
has_body (SoupServerMessage * message)
{
  switch (soup_message_headers_get_encoding (request (message))) {
    case SOUP_ENCODING_NONE:
      return FALSE;
    case SOUP_ENCODING_CONTENT_LENGTH:
      return soup_message_headers_get_content_length (request (message)) > 0;
    default:
      return TRUE;
  }
}

static gboolean
is_too_long (SoupServerMessage * message, guint * status)
{
  GUri *uri = soup_server_message_get_uri (message);
  const gchar *query = g_uri_get_query (uri);
  SoupMessageHeadersIter iter;
  const char *name, *value;
  gsize size = 0;

  *status = SOUP_STATUS_REQUEST_URI_TOO_LONG;
  if (strlen (g_uri_get_path (uri)) + (query ? strlen (query) : 0) > MAX_TARGET)
    return TRUE;
  *status = 431;
  soup_message_headers_iter_init (&iter, request (message));
  while (soup_message_headers_iter_next (&iter, &name, &value))
    size += strlen (name) + strlen (value) + 4;
  return size > MAX_HEADERS;
}

/* Whether the page, if it is one, that makes the browser ask may do so. */
static gboolean
may_ask (GstWallocWebServer * self, SoupServerMessage * message)
{
  const gchar *host = header (message, "Host");
  const gchar *origin = header (message, "Origin");
  const gchar *const *allowed = (const gchar * const *) self->settings.origins;

  if (gst_walloc_web_listener_is_local (self->listener) && host
      && !webrequest_is_loopback (host, allowed)) {
    refuse (self, message, SOUP_STATUS_FORBIDDEN, GST_WALLOC_WEB_DENIED,
        "This server listens on the loopback address only and was asked for "
        "by another name. Add \"http://NAME\" to the property "
        "\"allowed-origins\" if that is meant.");
    return FALSE;
  }
  if (origin && !webrequest_same_origin (origin, host,
          self->settings.certificate != NULL, allowed)) {
    refuse (self, message, SOUP_STATUS_FORBIDDEN, GST_WALLOC_WEB_DENIED,
        "Pages of this origin may not use this server. Add the origin to the "
        "property \"allowed-origins\".");
    return FALSE;
  }
  return TRUE;
}

/* A token from wherever a client can put one. */
static gboolean
has_token (GstWallocWebServer * self, SoupServerMessage * message)
{
  gchar token[WEBREQUEST_MAX_VALUE];
  const gchar *query = g_uri_get_query (soup_server_message_get_uri (message));
  gint offered;

  if (!self->settings.token)
    return TRUE;
  if (webrequest_bearer (header (message, "Authorization"), token) == 1
      && webrequest_same_token (token, self->settings.token))
    return TRUE;
  if (webrequest_query (query, "token", token) == 1
      && webrequest_same_token (token, self->settings.token))
    return TRUE;
  return webrequest_protocols (soup_message_headers_get_list (request
          (message), "Sec-WebSocket-Protocol"), &offered, token) == 1
      && webrequest_same_token (token, self->settings.token);
}

gchar *
gst_walloc_web_routes_config (GstWallocWebServer * self, const gchar * type)
{
  json_t *object = json_object ();
  gchar *text;

  if (type)
    json_object_set_new (object, "type", json_string (type));
  json_object_set_new (object, "version", json_integer (1));
  json_object_set_new (object, "streams", self->stream.config ?
      json_pack ("[O]", self->stream.config) : json_array ());
  json_object_set_new (object, "limits", json_pack ("{s:I, s:I, s:I, s:I}",
          "message-bytes", (json_int_t) self->client_settings.max_message,
          "queue-bytes", (json_int_t) self->settings.max_queue_bytes,
          "queue-ms", (json_int_t) (self->settings.max_queue_time /
              GST_MSECOND), "clients",
          (json_int_t) self->settings.max_clients));
  text = gst_walloc_json_to_text (object);
  json_decref (object);

  return text;
}

static void
answer_health (GstWallocWebServer * self, SoupServerMessage * message)
{
  const GstWallocWebStream *stream = &self->stream;
  gint64 now = g_get_monotonic_time ();
  gdouble age = (now - (stream->last_frame ? stream->last_frame :
          self->started_at)) / 1e6;
  gboolean stalled = age * GST_SECOND > self->settings.stall_timeout;
  const gchar *reason = NULL;
  json_t *object;

  if (stream->ended)
    reason = "the stream ended";
  else if (stalled || !stream->last_frame)
    reason = stream->last_frame ? "no frame comes any more" :
        "there was no frame yet";
  object = json_pack ("{s:s, s:f, s:s?}", "status", reason ? "unhealthy" :
      "ok", stream->last_frame ? "seconds-since-frame" : "seconds-up", age,
      "reason", reason);
  if (!reason)
    json_object_del (object, "reason");
  answer_text (self, message, reason ? SOUP_STATUS_SERVICE_UNAVAILABLE :
      SOUP_STATUS_OK, JSON, gst_walloc_json_to_text (object));
  json_decref (object);
}

static void
answer_model (GstWallocWebServer * self, SoupServerMessage * message,
    const gchar * name)
{
  guint64 id;

  if (!webrequest_model_id (name, ".wlm", &id)
      || !gst_walloc_web_stream_uses (&self->stream, id))
    answer_text (self, message, SOUP_STATUS_NOT_FOUND, TEXT,
        g_strdup ("The stream uses no such model.\n"));
  else
    gst_walloc_web_models_answer (self->models, id, message);
}

/* A number in the query up to @max; FALSE when it is none. */
static gboolean
query_number (SoupServerMessage * message, const gchar * name, guint max,
    guint * number)
{
  gchar value[WEBREQUEST_MAX_VALUE];
  guint64 n;
  gint there = webrequest_query (g_uri_get_query (soup_server_message_get_uri
          (message)), name, value);

  *number = 0;
  if (there == 0)
    return TRUE;
  if (there < 0 || !g_ascii_string_to_unsigned (value, 10, 0, max, &n, NULL))
    return FALSE;
  *number = n;

  return TRUE;
}

/* FALSE: there is an answer already. */
static gboolean
has_stream (GstWallocWebServer * self, SoupServerMessage * message)
{
  gchar id[WEBREQUEST_MAX_VALUE];
  gint there = webrequest_query (g_uri_get_query (soup_server_message_get_uri
          (message)), "stream", id);

  if (there == 0 || (there == 1 && g_strcmp0 (id, self->stream.id) == 0))
    return TRUE;
  answer_text (self, message, SOUP_STATUS_NOT_FOUND, TEXT,
      g_strdup ("There is no such stream; /config lists them.\n"));

  return FALSE;
}

static guint
count_clients (GstWallocWebServer * self)
{
  guint n = self->pending;
  GList *l;

  for (l = self->clients; l; l = l->next)
    n += gst_walloc_web_client_kind (l->data) != GST_WALLOC_WEB_CLIENT_REPLY
        && !gst_walloc_web_client_is_closed (l->data);
  return n;
}

static gboolean
shake_hands (GstWallocWebServer * self, SoupServerMessage * message)
{
  static gchar *protocols[] = { (gchar *) "walloc", NULL };
  gchar token[WEBREQUEST_MAX_VALUE];
  gint offered;

  webrequest_protocols (soup_message_headers_get_list (request (message),
          "Sec-WebSocket-Protocol"), &offered, token);
  if (soup_websocket_server_process_handshake (message, NULL,
          offered ? protocols : NULL, NULL, NULL))
    return TRUE;
  gst_walloc_web_metrics_count (self->metrics, GST_WALLOC_WEB_BAD, 1);
  soup_message_headers_replace (soup_server_message_get_response_headers
      (message), "Connection", "close");
  return FALSE;
}

/* Streams, sockets, events. */
static void
answer_live (GstWallocWebServer * self, SoupServerMessage * message,
    GstWallocWebClientKind kind)
{
  SoupMessageHeaders *h = soup_server_message_get_response_headers (message);
  gboolean socket = kind == GST_WALLOC_WEB_CLIENT_SOCKET;
  const gchar *type = "application/octet-stream", *id;
  guint layers, kbps;
  TakeOver *t;

  if (!has_stream (self, message))
    return;
  if (!query_number (message, "layers", WALLOC_FRAME_MAX_LAYERS, &layers)
      || !query_number (message, "kbps", 10000000, &kbps)) {
    refuse (self, message, SOUP_STATUS_BAD_REQUEST, GST_WALLOC_WEB_BAD,
        "layers is a number from 0 to 4, kbps one from 0 to 10000000.");
    return;
  }
  if (count_clients (self) >= self->settings.max_clients) {
    soup_message_headers_replace (h, "Retry-After", "5");
    refuse (self, message, SOUP_STATUS_SERVICE_UNAVAILABLE,
        GST_WALLOC_WEB_REJECTED, "There are too many clients now.");
    return;
  }
  if (socket) {
    if (!shake_hands (self, message))
      return;
  } else {
    if (kind == GST_WALLOC_WEB_CLIENT_EVENTS)
      type = "text/event-stream";
    else if (self->stream.id)
      type = strcmp (self->stream.id, "audio") == 0 ? "audio/x-walloc" :
          "video/x-walloc";
    set_headers (self, message, type);
    soup_server_message_set_status (message, SOUP_STATUS_OK, NULL);
    /* libsoup sends the head alone */
    if (soup_server_message_get_method (message) == SOUP_METHOD_HEAD)
      return;
    if (soup_server_message_get_http_version (message) != SOUP_HTTP_1_0)
      soup_message_headers_set_encoding (h, SOUP_ENCODING_CHUNKED);
  }
  t = take_over (self, message, kind);
  t->layers = layers;
  t->kbps = kbps;
  id = header (message, "Last-Event-ID");
  if (id && strlen (id) <= MAX_LAST_ID)
    t->last_id = g_strdup (id);
}

static void
answer_metrics (GstWallocWebServer * self, SoupServerMessage * message)
{
  answer_text (self, message, SOUP_STATUS_OK,
      "text/plain; version=0.0.4; charset=utf-8",
      gst_walloc_web_metrics_text (self->metrics, self->stream.id));
}

static void
answer_config (GstWallocWebServer * self, SoupServerMessage * message)
{
  answer_text (self, message, SOUP_STATUS_OK, JSON,
      gst_walloc_web_routes_config (self, NULL));
}

static void
answer_stream (GstWallocWebServer * self, SoupServerMessage * message)
{
  answer_live (self, message, GST_WALLOC_WEB_CLIENT_STREAM);
}

static void
answer_socket (GstWallocWebServer * self, SoupServerMessage * message)
{
  answer_live (self, message, GST_WALLOC_WEB_CLIENT_SOCKET);
}

static void
answer_events (GstWallocWebServer * self, SoupServerMessage * message)
{
  answer_live (self, message, GST_WALLOC_WEB_CLIENT_EVENTS);
}

/* what only those who have the token may see */
static const struct
{
  const gchar *path;
  void (*answer) (GstWallocWebServer * self, SoupServerMessage * message);
} routes[] = {
  {"/config", answer_config},
  {"/stream", answer_stream},
  {"/ws", answer_socket},
  {"/events", answer_events},
  {"/metrics", answer_metrics},
};

static gboolean
check_token (GstWallocWebServer * self, SoupServerMessage * message)
{
  if (has_token (self, message))
    return TRUE;
  soup_message_headers_replace (soup_server_message_get_response_headers
      (message), "WWW-Authenticate", "Bearer realm=\"wallocwebsink\"");
  refuse (self, message, SOUP_STATUS_UNAUTHORIZED, GST_WALLOC_WEB_DENIED,
      "This server needs its token: as header \"Authorization: Bearer TOKEN\" "
      "or in the address as ?token=TOKEN.");
  return FALSE;
}

static void
route (GstWallocWebServer * self, SoupServerMessage * message,
    const gchar * path)
{
  guint i;

  for (i = 0; i < G_N_ELEMENTS (routes); i++) {
    if (strcmp (path, routes[i].path) != 0)
      continue;
    if (check_token (self, message))
      routes[i].answer (self, message);
    return;
  }
  if (g_str_has_prefix (path, "/models/")) {
    if (check_token (self, message))
      answer_model (self, message, path + strlen ("/models/"));
  } else if (strcmp (path, "/health") == 0) {
    answer_health (self, message);
  } else if (!gst_walloc_web_files_answer (self, message, path)) {
    answer_text (self, message, SOUP_STATUS_NOT_FOUND, TEXT,
        g_strdup ("There is nothing here.\n"));
  }
}

/* What browsers ask before a page of another origin may send its token. */
static gboolean
is_preflight (GstWallocWebServer * self, SoupServerMessage * message)
{
  const gchar *origin = header (message, "Origin");

  return soup_server_message_get_method (message) == SOUP_METHOD_OPTIONS
      && origin && header (message, "Access-Control-Request-Method")
      && webrequest_same_origin (origin, NULL, FALSE,
      (const gchar * const *) self->settings.origins);
}

static void
answer_preflight (GstWallocWebServer * self, SoupServerMessage * message)
{
  SoupMessageHeaders *h = soup_server_message_get_response_headers (message);

  soup_message_headers_replace (h, "Access-Control-Allow-Methods", "GET, HEAD");
  soup_message_headers_replace (h, "Access-Control-Allow-Headers",
      "Authorization, Last-Event-ID");
  soup_message_headers_replace (h, "Access-Control-Max-Age", "600");
  answer_text (self, message, SOUP_STATUS_NO_CONTENT, TEXT, g_strdup (""));
}

static void
on_request (SoupServer * soup, SoupServerMessage * message, const char *path,
    GHashTable * query, gpointer data)
{
  GstWallocWebServer *self = data;
  const char *method = soup_server_message_get_method (message);
  guint status;

  gst_walloc_web_metrics_count (self->metrics, GST_WALLOC_WEB_REQUESTS, 1);
  /* without the query: a token may be in it */
  GST_LOG ("%s asks for %s", soup_server_message_get_remote_host (message),
      path);
  if (has_body (message)) {
    refuse_body (self, message);
  } else if (is_too_long (message, &status)) {
    refuse (self, message, status, GST_WALLOC_WEB_BAD,
        "The request is too long.");
  } else if (is_preflight (self, message)) {
    if (may_ask (self, message))
      answer_preflight (self, message);
  } else if (method != SOUP_METHOD_GET && method != SOUP_METHOD_HEAD) {
    soup_message_headers_replace (soup_server_message_get_response_headers
        (message), "Allow", "GET, HEAD");
    refuse (self, message, SOUP_STATUS_METHOD_NOT_ALLOWED, GST_WALLOC_WEB_BAD,
        "GET and HEAD are the methods here.");
  } else if (may_ask (self, message)) {
    route (self, message, path);
  }
}

void
gst_walloc_web_routes_add (GstWallocWebServer * self)
{
  soup_server_add_early_handler (self->soup, "/", on_request, self, NULL);
}
