/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Clients that take their connection over: streams, sockets, events, and one last
 * answer that must not wait for a request's body. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <string.h>

#include "gstwallocwebserver-private.h"
#include "webrequest.h"

#define MAX_LAST_ID 64

typedef struct
{
  GstWallocWebServer *self;
  SoupServerMessage *message;
  GstWallocWebClientKind kind;
  GBytes *body;                 /* of a REPLY */
  gchar *last_id;
  guint layers, kbps;
} TakeOver;

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
void
gst_walloc_web_live_refuse_body (GstWallocWebServer * self,
    SoupServerMessage * message)
{
  static const gchar text[] = "Requests have no body here.\n";
  SoupMessageHeaders *h = soup_server_message_get_response_headers (message);

  gst_walloc_web_metrics_count (self->metrics, GST_WALLOC_WEB_BAD, 1);
  gst_walloc_web_routes_headers (self, message, GST_WALLOC_WEB_TEXT);
  soup_server_message_set_status (message,
      SOUP_STATUS_REQUEST_ENTITY_TOO_LARGE, NULL);
  soup_message_headers_set_content_length (h, strlen (text));
  take_over (self, message, GST_WALLOC_WEB_CLIENT_REPLY)->body =
      g_bytes_new_static (text, strlen (text));
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
  static const gchar no_stream[] =
      "There is no such stream; /config lists them.\n";
  gchar id[WEBREQUEST_MAX_VALUE];
  gint there = webrequest_query (g_uri_get_query (soup_server_message_get_uri
          (message)), "stream", id);

  if (there == 0 || (there == 1 && g_strcmp0 (id, self->stream.id) == 0))
    return TRUE;
  gst_walloc_web_routes_answer (self, message, SOUP_STATUS_NOT_FOUND,
      GST_WALLOC_WEB_TEXT, g_bytes_new_static (no_stream, strlen (no_stream)));

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

  webrequest_protocols (soup_message_headers_get_list
      (soup_server_message_get_request_headers (message),
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
void
gst_walloc_web_live_answer (GstWallocWebServer * self,
    SoupServerMessage * message, GstWallocWebClientKind kind)
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
    gst_walloc_web_routes_refuse (self, message, SOUP_STATUS_BAD_REQUEST,
        GST_WALLOC_WEB_BAD,
        "layers is a number from 0 to 4, kbps one from 0 to 10000000.");
    return;
  }
  if (count_clients (self) >= self->settings.max_clients) {
    soup_message_headers_replace (h, "Retry-After", "5");
    gst_walloc_web_routes_refuse (self, message,
        SOUP_STATUS_SERVICE_UNAVAILABLE, GST_WALLOC_WEB_REJECTED,
        "There are too many clients now.");
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
    gst_walloc_web_routes_headers (self, message, type);
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
  id = gst_walloc_web_header (message, "Last-Event-ID");
  if (id && strlen (id) <= MAX_LAST_ID)
    t->last_id = g_strdup (id);
}
