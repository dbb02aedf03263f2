/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What is where (docs/web.md). Requests are looked at when their head is there:
 * none has a body. Answers that are whole go out through libsoup; streams take
 * the connection over. */
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

#define JSON "application/json"

/* Headers that every answer has. */
void
gst_walloc_web_routes_headers (GstWallocWebServer * self,
    SoupServerMessage * message, const gchar * type)
{
  SoupMessageHeaders *h = soup_server_message_get_response_headers (message);
  const gchar *origin = gst_walloc_web_header (message, "Origin");

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

  gst_walloc_web_routes_headers (self, message, type);
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

void
gst_walloc_web_routes_refuse (GstWallocWebServer * self,
    SoupServerMessage * message, guint status, GstWallocWebCounter counter,
    const gchar * text)
{
  gst_walloc_web_metrics_count (self->metrics, counter, 1);
  answer_text (self, message, status, GST_WALLOC_WEB_TEXT, g_strconcat (text,
          "\n", NULL));
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
    answer_text (self, message, SOUP_STATUS_NOT_FOUND, GST_WALLOC_WEB_TEXT,
        g_strdup ("The stream uses no such model.\n"));
  else
    gst_walloc_web_models_answer (self->models, id, message);
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
  gst_walloc_web_live_answer (self, message, GST_WALLOC_WEB_CLIENT_STREAM);
}

static void
answer_socket (GstWallocWebServer * self, SoupServerMessage * message)
{
  gst_walloc_web_live_answer (self, message, GST_WALLOC_WEB_CLIENT_SOCKET);
}

static void
answer_events (GstWallocWebServer * self, SoupServerMessage * message)
{
  gst_walloc_web_live_answer (self, message, GST_WALLOC_WEB_CLIENT_EVENTS);
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

static void
route (GstWallocWebServer * self, SoupServerMessage * message,
    const gchar * path)
{
  guint i;

  for (i = 0; i < G_N_ELEMENTS (routes); i++) {
    if (strcmp (path, routes[i].path) != 0)
      continue;
    if (gst_walloc_web_access_check_token (self, message))
      routes[i].answer (self, message);
    return;
  }
  if (g_str_has_prefix (path, "/models/")) {
    if (gst_walloc_web_access_check_token (self, message))
      answer_model (self, message, path + strlen ("/models/"));
  } else if (strcmp (path, "/health") == 0) {
    answer_health (self, message);
  } else if (!gst_walloc_web_files_answer (self, message, path)) {
    answer_text (self, message, SOUP_STATUS_NOT_FOUND, GST_WALLOC_WEB_TEXT,
        g_strdup ("There is nothing here.\n"));
  }
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
  if (gst_walloc_web_access_has_body (message)) {
    gst_walloc_web_live_refuse_body (self, message);
  } else if (gst_walloc_web_access_is_too_long (message, &status)) {
    gst_walloc_web_routes_refuse (self, message, status, GST_WALLOC_WEB_BAD,
        "The request is too long.");
  } else if (gst_walloc_web_access_is_preflight (self, message)) {
    if (gst_walloc_web_access_may_ask (self, message))
      gst_walloc_web_access_answer_preflight (self, message);
  } else if (method != SOUP_METHOD_GET && method != SOUP_METHOD_HEAD) {
    soup_message_headers_replace (soup_server_message_get_response_headers
        (message), "Allow", "GET, HEAD");
    gst_walloc_web_routes_refuse (self, message, SOUP_STATUS_METHOD_NOT_ALLOWED,
        GST_WALLOC_WEB_BAD, "GET and HEAD are the methods here.");
  } else if (gst_walloc_web_access_may_ask (self, message)) {
    route (self, message, path);
  }
}

void
gst_walloc_web_routes_add (GstWallocWebServer * self)
{
  soup_server_add_early_handler (self->soup, "/", on_request, self, NULL);
}
