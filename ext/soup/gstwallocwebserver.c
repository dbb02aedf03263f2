/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Parcels for the network thread wait in an inbox with a limit; the thread is
 * woken and shares them out. A tick four times a second looks after clients
 * that nothing is sent to. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <string.h>

#include "gstwallocwebserver-private.h"
#include "websocket.h"

GST_DEBUG_CATEGORY_EXTERN (wallocwebsink_debug);
#define GST_CAT_DEFAULT wallocwebsink_debug

#define TICK 250                /* ms */
#define SECOND G_USEC_PER_SEC
#define HEARTBEAT (10 * SECOND)
#define KEY_PAUSE SECOND
/* for the last bytes of clients after the end of the stream, and without it */
#define LAST_TIME (2 * SECOND)
#define STOP_TIME (SECOND / 2)

/* of the inbox */
#define MAX_PARCELS 1024
#define MAX_INBOX (64 * 1024 * 1024)
/* that are taken at once, before clients have their turn again */
#define MANY_PARCELS 64
/* connections beyond max-clients: pages, scripts, models, metrics */
#define SPARE_CONNECTIONS 64
/* bytes of a message that a client sends */
#define MAX_MESSAGE 4096

typedef enum
{
  FRAME,
  CAPS,
  EVENT,
  DISCONT,
  EOS,
  STOP
} ParcelType;

typedef struct
{
  ParcelType type;
  GstWallocWebFrame *frame;
  GstCaps *caps;
  gchar *name, *json;
} Parcel;

typedef struct
{
  GSource source;
  GstWallocWebServer *server;
} WakeSource;

void
gst_walloc_web_settings_clear (GstWallocWebSettings * settings)
{
  g_free (settings->address);
  g_free (settings->token);
  g_clear_object (&settings->certificate);
  g_strfreev (settings->origins);
  g_free (settings->model_file);
  memset (settings, 0, sizeof (*settings));
}

static void
parcel_free (Parcel * parcel)
{
  if (parcel->frame)
    gst_walloc_web_frame_unref (parcel->frame);
  gst_clear_caps (&parcel->caps);
  g_free (parcel->name);
  g_free (parcel->json);
  g_free (parcel);
}

/* Room in the inbox? What counts for the stream's order always has. */
static gboolean
has_room (GstWallocWebServer * self, const Parcel * parcel)
{
  if (parcel->type == FRAME) {
    if (self->overrun && parcel->frame->info.type != WALLOC_FRAME_KEY)
      return FALSE;
    return self->inbox.length < MAX_PARCELS
        && self->inbox_bytes + parcel->frame->size <= MAX_INBOX;
  }
  return parcel->type != EVENT || self->inbox.length < MAX_PARCELS;
}

static void
post (GstWallocWebServer * self, Parcel * parcel)
{
  gboolean room;

  g_mutex_lock (&self->lock);
  room = has_room (self, parcel);
  if (parcel->type == FRAME) {
    self->overrun = !room;
    if (room)
      self->inbox_bytes += parcel->frame->size;
  }
  if (room) {
    g_queue_push_tail (&self->inbox, parcel);
    if (self->wake)
      g_source_set_ready_time (self->wake, 0);
  }
  g_mutex_unlock (&self->lock);
  if (room)
    return;
  if (parcel->type == FRAME)
    gst_walloc_web_metrics_count (self->metrics, GST_WALLOC_WEB_OVERRUN, 1);
  parcel_free (parcel);
}

static Parcel *
parcel_new (ParcelType type)
{
  Parcel *parcel = g_new0 (Parcel, 1);

  parcel->type = type;
  return parcel;
}

void
gst_walloc_web_server_caps (GstWallocWebServer * self, GstCaps * caps)
{
  Parcel *parcel = parcel_new (CAPS);

  parcel->caps = gst_caps_ref (caps);
  post (self, parcel);
}

void
gst_walloc_web_server_frame (GstWallocWebServer * self,
    GstWallocWebFrame * frame)
{
  Parcel *parcel = parcel_new (FRAME);

  parcel->frame = frame;
  post (self, parcel);
}

void
gst_walloc_web_server_event (GstWallocWebServer * self, const gchar * name,
    gchar * json)
{
  Parcel *parcel = parcel_new (EVENT);

  parcel->name = g_strdup (name);
  parcel->json = json;
  post (self, parcel);
}

void
gst_walloc_web_server_discont (GstWallocWebServer * self)
{
  post (self, parcel_new (DISCONT));
}

void
gst_walloc_web_server_eos (GstWallocWebServer * self)
{
  post (self, parcel_new (EOS));
}

static void
take_discont (GstWallocWebServer * self)
{
  GList *l;

  gst_walloc_web_stream_discont (&self->stream);
  for (l = self->clients; l; l = l->next)
    gst_walloc_web_client_discont (l->data);
}

static void
take_stop (GstWallocWebServer * self)
{
  self->stopping = TRUE;
  self->deadline = g_get_monotonic_time () + (self->ended ? LAST_TIME :
      STOP_TIME);
  gst_walloc_web_listener_stop (self->listener);
  gst_walloc_web_tell_end (self, WEBSOCKET_GOING_AWAY, "the server stops");
}

static void
take (GstWallocWebServer * self, Parcel * parcel)
{
  switch (parcel->type) {
    case FRAME:
      self->ended = FALSE;
      gst_walloc_web_tell_frame (self, parcel->frame);
      break;
    case CAPS:
      gst_walloc_web_tell_caps (self, parcel->caps);
      break;
    case EVENT:
      gst_walloc_web_tell_event (self, parcel->name, parcel->json);
      break;
    case DISCONT:
      take_discont (self);
      break;
    case EOS:
      self->ended = self->stream.ended = TRUE;
      gst_walloc_web_stream_discont (&self->stream);
      gst_walloc_web_tell_end (self, WEBSOCKET_NORMAL, "the stream ended");
      break;
    case STOP:
      take_stop (self);
      break;
  }
  parcel_free (parcel);
}

void
gst_walloc_web_server_reap (GstWallocWebServer * self)
{
  guint count[GST_WALLOC_WEB_CLIENT_REPLY + 1] = { 0, };
  guint64 queued = 0;
  GList *l, *next;

  self->reap = FALSE;
  for (l = self->clients; l; l = next) {
    next = l->next;
    if (gst_walloc_web_client_is_closed (l->data)) {
      gst_walloc_web_client_free (l->data);
      self->clients = g_list_delete_link (self->clients, l);
      continue;
    }
    count[gst_walloc_web_client_kind (l->data)]++;
    queued += gst_walloc_web_client_queued (l->data);
  }
  gst_walloc_web_metrics_set (self->metrics, GST_WALLOC_WEB_STREAM_CLIENTS,
      count[GST_WALLOC_WEB_CLIENT_STREAM]);
  gst_walloc_web_metrics_set (self->metrics, GST_WALLOC_WEB_SOCKET_CLIENTS,
      count[GST_WALLOC_WEB_CLIENT_SOCKET]);
  gst_walloc_web_metrics_set (self->metrics, GST_WALLOC_WEB_EVENT_CLIENTS,
      count[GST_WALLOC_WEB_CLIENT_EVENTS]);
  gst_walloc_web_metrics_set (self->metrics, GST_WALLOC_WEB_QUEUED, queued);
  if (self->stopping && !self->clients)
    g_main_loop_quit (self->loop);
}

static void
on_need_key (gpointer data)
{
  GstWallocWebServer *self = data;
  gint64 now = g_get_monotonic_time ();

  if (self->last_key_request && now - self->last_key_request < KEY_PAUSE)
    return;
  self->last_key_request = now;
  gst_walloc_web_metrics_count (self->metrics, GST_WALLOC_WEB_KEY_REQUESTS, 1);
  self->settings.need_key (self->settings.data);
}

static gboolean
on_wake (GSource * source, GSourceFunc callback, gpointer data)
{
  GstWallocWebServer *self = ((WakeSource *) source)->server;
  Parcel *parcel;
  guint i;

  g_source_set_ready_time (source, -1);
  for (i = 0; i < MANY_PARCELS; i++) {
    g_mutex_lock (&self->lock);
    parcel = g_queue_pop_head (&self->inbox);
    if (parcel && parcel->type == FRAME)
      self->inbox_bytes -= parcel->frame->size;
    g_mutex_unlock (&self->lock);
    if (!parcel)
      break;
    take (self, parcel);
  }
  if (i == MANY_PARCELS)
    g_source_set_ready_time (source, 0);
  if (self->reap || self->stopping)
    gst_walloc_web_server_reap (self);

  return G_SOURCE_CONTINUE;
}

static gboolean
on_tick (gpointer data)
{
  GstWallocWebServer *self = data;
  gint64 now = g_get_monotonic_time ();
  gboolean overrun;
  GList *l;

  g_mutex_lock (&self->lock);
  overrun = self->overrun;
  g_mutex_unlock (&self->lock);
  /* nothing comes in before the next key frame, so no client asks for it */
  if (overrun)
    on_need_key (self);
  gst_walloc_web_stream_tick (&self->stream);
  gst_walloc_web_metrics_set (self->metrics, GST_WALLOC_WEB_KBPS,
      self->stream.kbps);
  for (l = self->clients; l; l = l->next)
    gst_walloc_web_client_tick (l->data, now);
  if (now - self->last_second >= SECOND) {
    self->last_second = now;
    gst_walloc_web_tell_second (self);
  }
  if (now - self->last_heartbeat >= HEARTBEAT) {
    self->last_heartbeat = now;
    gst_walloc_web_tell_beat (self);
  }
  gst_walloc_web_server_reap (self);
  if (self->stopping && now > self->deadline)
    g_main_loop_quit (self->loop);

  return G_SOURCE_CONTINUE;
}

static void
on_closed (gpointer client, gpointer data)
{
  GstWallocWebServer *self = data;

  self->reap = TRUE;
  g_source_set_ready_time (self->wake, 0);
}

static void
on_message (gpointer client, const webrequest_message * message, gpointer data)
{
  GBytes *bytes;
  gchar *text;

  switch (message->type) {
    case WEBREQUEST_PING:
      text = g_strdup_printf ("{\"type\":\"pong\",\"t\":%s,\"utc\":%"
          G_GINT64_FORMAT "}", message->t, g_get_real_time ());
      bytes = g_bytes_new_take (text, strlen (text));
      /* how long it takes is what the client wants to know */
      gst_walloc_web_client_text (client, bytes, TRUE);
      g_bytes_unref (bytes);
      break;
    case WEBREQUEST_LAYERS:
      gst_walloc_web_client_layers (client, message->number);
      break;
    case WEBREQUEST_RATE:
      gst_walloc_web_client_rate (client, message->number * G_GUINT64_CONSTANT
          (1000));
      break;
    case WEBREQUEST_KEYFRAME:
      gst_walloc_web_client_ask_key (client);
      break;
    default:
      break;
  }
}

static void
set_up_clients (GstWallocWebServer * self)
{
  GstWallocWebClientSettings *s = &self->client_settings;

  s->max_bytes = self->settings.max_queue_bytes;
  s->max_time = self->settings.max_queue_time / 1000;
  s->idle_time = self->settings.idle_timeout / 1000;
  s->max_message = MAX_MESSAGE;
  s->metrics = self->metrics;
  s->data = self;
  s->closed = on_closed;
  s->message = on_message;
  s->need_key = on_need_key;
}

static gboolean
start_listening (GstWallocWebServer * self)
{
  GstWallocWebListenerSettings settings = {
    self->settings.max_clients + SPARE_CONNECTIONS,
    self->settings.max_per_address,
    MAX (self->settings.request_timeout / GST_MSECOND, 1),
    self->settings.certificate, self->metrics
  };

  self->listener = gst_walloc_web_listener_new (self->soup,
      self->settings.address, self->settings.port, &settings, &self->error);
  if (self->listener)
    self->port = gst_walloc_web_listener_port (self->listener);

  return self->listener != NULL;
}

static GSource *
add_source (GstWallocWebServer * self, GSource * source, GSourceFunc callback)
{
  if (callback)
    g_source_set_callback (source, callback, self, NULL);
  g_source_attach (source, self->context);

  return source;
}

static void
clean_up (GstWallocWebServer * self)
{
  self->closed = TRUE;
  g_list_free_full (self->clients, (GDestroyNotify) gst_walloc_web_client_free);
  self->clients = NULL;
  gst_walloc_web_models_free (self->models);
  soup_server_disconnect (self->soup);
  gst_walloc_web_listener_free (self->listener);
  /* what was put off goes with the context, some of it by running */
  while (g_main_context_iteration (self->context, FALSE));
  g_object_unref (self->soup);
}

static gpointer
run (gpointer data)
{
  static GSourceFuncs wake_funcs = { NULL, NULL, on_wake, NULL, };
  GstWallocWebServer *self = data;
  gboolean up;

  g_main_context_push_thread_default (self->context);
  self->soup = soup_server_new ("server-header", "wallocwebsink", NULL);
  up = start_listening (self);
  if (up) {
    GSource *tick;

    gst_walloc_web_routes_add (self);
    self->models = gst_walloc_web_models_new (self);
    self->loop = g_main_loop_new (self->context, FALSE);
    tick = add_source (self, g_timeout_source_new (TICK), on_tick);
    g_mutex_lock (&self->lock);
    self->wake = g_source_new (&wake_funcs, sizeof (WakeSource));
    ((WakeSource *) self->wake)->server = self;
    add_source (self, self->wake, NULL);
    g_mutex_unlock (&self->lock);

    g_mutex_lock (&self->lock);
    self->is_up = TRUE;
    g_cond_signal (&self->started);
    g_mutex_unlock (&self->lock);
    g_main_loop_run (self->loop);

    clean_up (self);
    g_mutex_lock (&self->lock);
    g_source_destroy (self->wake);
    g_clear_pointer (&self->wake, g_source_unref);
    g_mutex_unlock (&self->lock);
    g_source_destroy (tick);
    g_source_unref (tick);
    g_main_loop_unref (self->loop);
  } else {
    g_object_unref (self->soup);
    g_mutex_lock (&self->lock);
    self->is_up = TRUE;
    g_cond_signal (&self->started);
    g_mutex_unlock (&self->lock);
  }
  g_main_context_pop_thread_default (self->context);

  return NULL;
}

static void
free_all (GstWallocWebServer * self)
{
  g_queue_clear_full (&self->inbox, (GDestroyNotify) parcel_free);
  gst_walloc_web_stream_clear (&self->stream);
  gst_walloc_web_events_clear (&self->events);
  g_main_context_unref (self->context);
  gst_walloc_web_settings_clear (&self->settings);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->started);
  g_free (self);
}

GstWallocWebServer *
gst_walloc_web_server_new (GstWallocWebSettings * settings,
    GstWallocWebMetrics * metrics, GError ** error)
{
  GstWallocWebServer *self = g_new0 (GstWallocWebServer, 1);

  self->settings = *settings;
  memset (settings, 0, sizeof (*settings));
  self->metrics = metrics;
  g_mutex_init (&self->lock);
  g_cond_init (&self->started);
  g_queue_init (&self->inbox);
  self->context = g_main_context_new ();
  self->started_at = self->last_second = self->last_heartbeat =
      g_get_monotonic_time ();
  gst_walloc_web_stream_init (&self->stream, self->settings.max_queue_bytes /
      2);
  gst_walloc_web_events_init (&self->events);
  set_up_clients (self);

  self->thread = g_thread_new ("wallocwebsink", run, self);
  g_mutex_lock (&self->lock);
  while (!self->is_up)
    g_cond_wait (&self->started, &self->lock);
  g_mutex_unlock (&self->lock);
  if (self->listener)
    return self;

  g_thread_join (self->thread);
  g_propagate_error (error, self->error);
  free_all (self);

  return NULL;
}

void
gst_walloc_web_server_free (GstWallocWebServer * self)
{
  post (self, parcel_new (STOP));
  g_thread_join (self->thread);
  free_all (self);
}

guint
gst_walloc_web_server_port (GstWallocWebServer * self)
{
  return self->port;
}

gboolean
gst_walloc_web_server_is_local (GstWallocWebServer * self)
{
  return gst_walloc_web_listener_is_local (self->listener);
}

gchar *
gst_walloc_web_server_url (GstWallocWebServer * self)
{
  const gchar *host = self->settings.address;

  /* all addresses: at least this one works from here */
  if (strcmp (host, "0.0.0.0") == 0)
    host = "127.0.0.1";
  else if (strcmp (host, "::") == 0)
    host = "::1";
  return g_strdup_printf (strchr (host, ':') ? "%s://[%s]:%u/" :
      "%s://%s:%u/", self->settings.certificate ? "https" : "http", host,
      self->port);
}
