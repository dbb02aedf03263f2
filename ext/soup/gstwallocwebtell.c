/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What goes to all clients of a server, and what a new one gets first. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <string.h>

#include "gstwallocwebserver-private.h"
#include "websocket.h"

/* Texts for all WebSockets. */
static void
tell_sockets (GstWallocWebServer * self, gchar * text, gboolean needed)
{
  GBytes *bytes = g_bytes_new_take (text, strlen (text));
  GList *l;

  for (l = self->clients; l; l = l->next) {
    if (gst_walloc_web_client_kind (l->data) == GST_WALLOC_WEB_CLIENT_SOCKET)
      gst_walloc_web_client_text (l->data, bytes, needed);
  }
  g_bytes_unref (bytes);
}

static gchar *
clock_text (GstWallocWebServer * self)
{
  const GstWallocWebStream *stream = &self->stream;

  if (stream->pts == WALLOC_TIME_NONE || !stream->last_frame)
    return NULL;
  return g_strdup_printf ("{\"type\":\"clock\",\"stream\":\"%s\",\"pts\":%"
      G_GUINT64_FORMAT ",\"utc\":%" G_GINT64_FORMAT "}", stream->id,
      (guint64) stream->pts, stream->utc);
}

/* A configuration that changed. A stream that gets another kind of media
 * ends: bytes that follow would not be understood. */
static void
tell_config (GstWallocWebServer * self, const gchar * before)
{
  GList *l;

  tell_sockets (self, gst_walloc_web_routes_config (self, "config"), TRUE);
  if (!before || before == self->stream.id)
    return;
  gst_walloc_web_stream_discont (&self->stream);
  for (l = self->clients; l; l = l->next) {
    if (gst_walloc_web_client_kind (l->data) == GST_WALLOC_WEB_CLIENT_STREAM)
      gst_walloc_web_client_finish (l->data, 0, NULL);
    else
      gst_walloc_web_client_discont (l->data);
  }
}

static gboolean
takes_frames (GstWallocWebClient * client)
{
  GstWallocWebClientKind kind = gst_walloc_web_client_kind (client);

  return kind == GST_WALLOC_WEB_CLIENT_STREAM
      || kind == GST_WALLOC_WEB_CLIENT_SOCKET;
}

void
gst_walloc_web_tell_frame (GstWallocWebServer * self, GstWallocWebFrame * frame)
{
  gboolean first = self->stream.last_frame == 0;
  const gchar *before = self->stream.id;
  GList *l;

  if (gst_walloc_web_stream_frame (&self->stream, frame,
          g_get_monotonic_time ()))
    tell_config (self, before);
  if (first) {
    gchar *text = clock_text (self);

    if (text)
      tell_sockets (self, text, TRUE);
  }
  for (l = self->clients; l; l = l->next) {
    if (takes_frames (l->data))
      gst_walloc_web_client_frame (l->data, frame);
  }
}

void
gst_walloc_web_tell_caps (GstWallocWebServer * self, GstCaps * caps)
{
  const gchar *before = self->stream.id;

  if (gst_walloc_web_stream_caps (&self->stream, caps))
    tell_config (self, before);
}

void
gst_walloc_web_tell_event (GstWallocWebServer * self, const gchar * name,
    const gchar * json)
{
  const GstWallocWebEvent *event = gst_walloc_web_events_add (&self->events,
      name, json);
  GList *l;

  gst_walloc_web_metrics_count (self->metrics, GST_WALLOC_WEB_EVENTS, 1);
  for (l = self->clients; l; l = l->next) {
    switch (gst_walloc_web_client_kind (l->data)) {
      case GST_WALLOC_WEB_CLIENT_SOCKET:
        gst_walloc_web_client_text (l->data, event->message, FALSE);
        break;
      case GST_WALLOC_WEB_CLIENT_EVENTS:
        gst_walloc_web_client_text (l->data, event->sse, FALSE);
        break;
      default:
        break;
    }
  }
}

void
gst_walloc_web_tell_end (GstWallocWebServer * self, guint code,
    const gchar * reason)
{
  GList *l;

  for (l = self->clients; l; l = l->next)
    gst_walloc_web_client_finish (l->data, code, reason);
}

/* Each second: what time it is, and how each one's link does. */
void
gst_walloc_web_tell_second (GstWallocWebServer * self)
{
  gchar *text = clock_text (self);
  GList *l;

  if (text && !self->stream.ended)
    tell_sockets (self, text, FALSE);
  else
    g_free (text);
  for (l = self->clients; l; l = l->next) {
    GstWallocWebClientStats stats;
    GBytes *bytes;

    if (gst_walloc_web_client_kind (l->data) != GST_WALLOC_WEB_CLIENT_SOCKET)
      continue;
    gst_walloc_web_client_stats (l->data, &stats);
    text = g_strdup_printf ("{\"type\":\"stats\",\"kbps\":%" G_GUINT64_FORMAT
        ",\"dropped\":%" G_GUINT64_FORMAT ",\"layers\":%u,\"stream-kbps\":%u}",
        stats.rate / 1000, stats.left_out, stats.layers, self->stream.kbps);
    bytes = g_bytes_new_take (text, strlen (text));
    gst_walloc_web_client_text (l->data, bytes, FALSE);
    g_bytes_unref (bytes);
  }
}

void
gst_walloc_web_tell_beat (GstWallocWebServer * self)
{
  GBytes *bytes = g_bytes_new_static (": still here\n\n", 14);
  GList *l;

  for (l = self->clients; l; l = l->next) {
    if (gst_walloc_web_client_kind (l->data) == GST_WALLOC_WEB_CLIENT_EVENTS)
      gst_walloc_web_client_text (l->data, bytes, FALSE);
  }
  g_bytes_unref (bytes);
}

static void
tell_text (GstWallocWebClient * client, gchar * text)
{
  GBytes *bytes;

  if (!text)
    return;
  bytes = g_bytes_new_take (text, strlen (text));
  gst_walloc_web_client_text (client, bytes, TRUE);
  g_bytes_unref (bytes);
}

void
gst_walloc_web_server_join (GstWallocWebServer * self,
    GstWallocWebClient * client, const gchar * last_event_id)
{
  GList *l;

  self->clients = g_list_prepend (self->clients, client);
  if (gst_walloc_web_client_kind (client) != GST_WALLOC_WEB_CLIENT_REPLY)
    gst_walloc_web_metrics_count (self->metrics, GST_WALLOC_WEB_CLIENTS_ADDED,
        1);
  switch (gst_walloc_web_client_kind (client)) {
    case GST_WALLOC_WEB_CLIENT_SOCKET:
      tell_text (client, gst_walloc_web_routes_config (self, "hello"));
      tell_text (client, clock_text (self));
      gst_walloc_web_client_replay (client, &self->stream.frames);
      break;
    case GST_WALLOC_WEB_CLIENT_STREAM:
      gst_walloc_web_client_replay (client, &self->stream.frames);
      break;
    case GST_WALLOC_WEB_CLIENT_EVENTS:
      /* the client learns how long to wait before it comes again, ms */
      tell_text (client, g_strdup ("retry: 2000\n\n"));
      for (l = gst_walloc_web_events_since (&self->events, last_event_id); l;
          l = l->next)
        gst_walloc_web_client_text (client,
            ((GstWallocWebEvent *) l->data)->sse, TRUE);
      break;
    default:
      break;
  }
  if (self->stopping)
    gst_walloc_web_client_finish (client, WEBSOCKET_GOING_AWAY,
        "the server stops");
  gst_walloc_web_server_reap (self);
}
