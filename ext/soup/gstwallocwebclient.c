/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The socket takes what waits in one call, when it takes anything. What the
 * kernel holds is not counted, so the listener bounds that
 * (TCP_NOTSENT_LOWAT). */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <string.h>

#include "gstwallocwebchoice.h"
#include "gstwallocwebclient.h"
#include "gstwallocwebqueue.h"
#include "websocket.h"

GST_DEBUG_CATEGORY_EXTERN (wallocwebsink_debug);
#define GST_CAT_DEFAULT wallocwebsink_debug

/* for the last bytes, and for the client to close */
#define FINISH_TIME (2 * G_USEC_PER_SEC)
/* answers to pings while a queue is long; more are left out */
#define MAX_ANSWERS 16
/* what a client of a stream or of events may send: nothing is expected */
#define MAX_JUNK 16384
#define PING_TIME (10 * G_USEC_PER_SEC)

typedef enum
{
  OPEN,
  FINISHING,                    /* writes the rest */
  LINGERING,                    /* all is written: the other side closes */
  CLOSED
} State;

struct _GstWallocWebClient
{
  GstWallocWebClientKind kind;
  const GstWallocWebClientSettings *settings;
  GIOStream *stream;
  GSocket *socket;
  GPollableInputStream *in;
  GPollableOutputStream *out;
  GSource *in_source, *out_source;
  gboolean chunked;
  State state;
  gint64 deadline, heard, pinged;

  GstWallocWebQueue queue;
  guint answers;                /* pongs among them */

  GstWallocWebChoice choice;
  websocket_reader reader;
  gboolean deaf;                /* nothing that comes has a meaning any more */
  gsize junk;
  GstWallocWebClientStats stats;
  gint64 asked;                 /* when these were wanted last */
  guint64 asked_bytes;
};

static void
clear_source (GSource ** source)
{
  if (*source)
    g_source_destroy (*source);
  g_clear_pointer (source, g_source_unref);
}

static void
close_now (GstWallocWebClient * self)
{
  if (self->state == CLOSED)
    return;
  self->state = CLOSED;
  clear_source (&self->in_source);
  clear_source (&self->out_source);
  /* the socket itself: closing a TLS stream in order would wait for a client
   * that does not read */
  g_socket_close (self->socket, NULL);
  gst_walloc_web_queue_clear (&self->queue);
  self->settings->closed (self, self->settings->data);
}

/* Everything is written. */
static void
linger (GstWallocWebClient * self)
{
  self->state = LINGERING;
  clear_source (&self->out_source);
  /* closed with unread bytes in it, the socket would reset the connection and
   * the client lose the end */
  g_socket_shutdown (self->socket, FALSE, TRUE, NULL);
}

static void write_queue (GstWallocWebClient * self);

static gboolean
on_writable (GObject * stream, gpointer data)
{
  GstWallocWebClient *self = data;

  clear_source (&self->out_source);
  write_queue (self);

  return G_SOURCE_REMOVE;
}

static gboolean
is_empty (GstWallocWebClient * self)
{
  return self->queue.bytes == 0;
}

static void
take_written (GstWallocWebClient * self, gsize written)
{
  self->stats.bytes += written;
  gst_walloc_web_metrics_count (self->settings->metrics,
      GST_WALLOC_WEB_BYTES_OUT, written);
  gst_walloc_web_queue_written (&self->queue, written);
  if (is_empty (self))
    self->answers = 0;
}

static void
write_queue (GstWallocWebClient * self)
{
  GOutputVector vectors[GST_WALLOC_WEB_QUEUE_VECTORS];

  while (!is_empty (self) && !self->out_source) {
    guint n = gst_walloc_web_queue_fill (&self->queue, vectors);
    gsize written = 0;
    GError *error = NULL;
    GPollableReturn ret = g_pollable_output_stream_writev_nonblocking
        (self->out, vectors, n, &written, NULL, &error);

    if (ret == G_POLLABLE_RETURN_FAILED) {
      GST_DEBUG ("a client is gone: %s", error->message);
      g_clear_error (&error);
      close_now (self);
      return;
    }
    g_clear_error (&error);
    take_written (self, written);
    if (ret == G_POLLABLE_RETURN_WOULD_BLOCK) {
      self->out_source = g_pollable_output_stream_create_source (self->out,
          NULL);
      g_source_set_callback (self->out_source, G_SOURCE_FUNC (on_writable),
          self, NULL);
      g_source_attach (self->out_source, g_main_context_get_thread_default ());
    }
  }
  if (is_empty (self) && self->state == FINISHING)
    linger (self);
}

/* Texts and frames: with around them what the kind of client needs. */
static void
push (GstWallocWebClient * self, GBytes * data, gint opcode)
{
  GstWallocWebWrapping wrapping = GST_WALLOC_WEB_PLAIN;

  if (self->kind == GST_WALLOC_WEB_CLIENT_SOCKET)
    wrapping = GST_WALLOC_WEB_MESSAGE;
  else if (self->chunked)
    wrapping = GST_WALLOC_WEB_CHUNK;
  gst_walloc_web_queue_push (&self->queue, data, wrapping, opcode,
      opcode == WEBSOCKET_BINARY);
}

static void
push_control (GstWallocWebClient * self, gint opcode, gconstpointer data,
    gsize size)
{
  GBytes *bytes = g_bytes_new (data, size);

  gst_walloc_web_queue_push (&self->queue, bytes, GST_WALLOC_WEB_MESSAGE,
      opcode, FALSE);
  g_bytes_unref (bytes);
}

static GstWallocWebLoad
load_of (GstWallocWebClient * self, gint64 now)
{
  return gst_walloc_web_choice_load (self->queue.bytes,
      self->settings->max_bytes, gst_walloc_web_queue_age (&self->queue, now),
      self->settings->max_time);
}

/* What was not tried yet is not sent any more. Below TLS the front may wait in
 * a record that the socket did not take, and the same bytes must come again. */
static guint
forget_queue (GstWallocWebClient * self, gboolean frames_only)
{
  return gst_walloc_web_queue_forget (&self->queue, frames_only,
      self->out_source != NULL);
}

static void
drop (GstWallocWebClient * self)
{
  gst_walloc_web_metrics_count (self->settings->metrics,
      GST_WALLOC_WEB_DROPPED, 1);
  GST_INFO ("a client is too slow: %" G_GUINT64_FORMAT " bytes wait",
      self->queue.bytes);
  forget_queue (self, FALSE);
  /* the end of a stream that was cut must not look like its end in order */
  if (self->kind == GST_WALLOC_WEB_CLIENT_STREAM && self->chunked)
    close_now (self);
  else
    gst_walloc_web_client_finish (self, WEBSOCKET_AGAIN_LATER,
        "too slow: ask for fewer layers or a lower rate");
}

static void
fail (GstWallocWebClient * self, guint code, const gchar * reason)
{
  gst_walloc_web_metrics_count (self->settings->metrics, GST_WALLOC_WEB_BAD, 1);
  forget_queue (self, FALSE);
  gst_walloc_web_client_finish (self, code, reason);
}

static void
take_message (GstWallocWebClient * self, const websocket_message * message)
{
  webrequest_message request;

  switch (message->opcode) {
    case WEBSOCKET_PING:
      if (self->state == OPEN && self->answers++ < MAX_ANSWERS) {
        push_control (self, WEBSOCKET_PONG, message->data, message->size);
        write_queue (self);
      }
      break;
    case WEBSOCKET_CLOSE:
      if (self->state == OPEN)
        gst_walloc_web_client_finish (self, WEBSOCKET_NORMAL, NULL);
      else if (self->state == LINGERING)
        close_now (self);
      break;
    case WEBSOCKET_TEXT:
      if (self->state != OPEN)
        break;
      webrequest_parse_message ((const char *) message->data, message->size,
          &request);
      if (request.type == WEBREQUEST_BAD)
        fail (self, WEBSOCKET_POLICY, "not a message of docs/web.md");
      else if (request.type != WEBREQUEST_PING || self->answers++ < MAX_ANSWERS)
        self->settings->message (self, &request, self->settings->data);
      break;
    case WEBSOCKET_BINARY:
      if (self->state == OPEN)
        fail (self, WEBSOCKET_NOT_SUPPORTED, "messages are text");
      break;
    default:
      break;
  }
}

static void
read_messages (GstWallocWebClient * self)
{
  websocket_message message;
  gint result;

  while (self->state != CLOSED
      && (result = websocket_reader_next (&self->reader, &message)) != 0) {
    if (result == 1) {
      take_message (self, &message);
      continue;
    }
    if (self->state == OPEN)
      fail (self, result, NULL);
    else
      close_now (self);
    self->deaf = TRUE;
    break;
  }
}

/* Returns how many bytes came; 0: none now. Closes at the end. */
static gsize
read_some (GstWallocWebClient * self)
{
  guint8 junk[8192], *room = junk;
  gsize size = sizeof (junk);
  GError *error = NULL;
  gssize n;

  if (self->kind == GST_WALLOC_WEB_CLIENT_SOCKET && !self->deaf)
    room = websocket_reader_room (&self->reader, &size);
  n = g_pollable_input_stream_read_nonblocking (self->in, room, size, NULL,
      &error);
  if (n < 0 && g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK)) {
    g_clear_error (&error);
    return 0;
  }
  g_clear_error (&error);
  if (n <= 0) {
    close_now (self);
    return 0;
  }
  self->heard = g_get_monotonic_time ();

  return n;
}

static gboolean
on_readable (GObject * stream, gpointer data)
{
  GstWallocWebClient *self = data;
  gsize n = read_some (self);

  if (n == 0)
    return self->state == CLOSED ? G_SOURCE_REMOVE : G_SOURCE_CONTINUE;
  if (self->kind == GST_WALLOC_WEB_CLIENT_SOCKET && !self->deaf) {
    websocket_reader_filled (&self->reader, n);
    read_messages (self);
  } else if (self->state == OPEN && (self->junk += n) > MAX_JUNK) {
    gst_walloc_web_metrics_count (self->settings->metrics,
        GST_WALLOC_WEB_BAD, 1);
    close_now (self);
  }
  return self->in_source ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
}

GstWallocWebClient *
gst_walloc_web_client_new (GstWallocWebClientKind kind, GIOStream * stream,
    GSocket * socket, gboolean chunked,
    const GstWallocWebClientSettings * settings)
{
  GstWallocWebClient *self = g_new0 (GstWallocWebClient, 1);

  self->kind = kind;
  self->settings = settings;
  self->stream = stream;
  self->socket = g_object_ref (socket);
  self->in = G_POLLABLE_INPUT_STREAM (g_io_stream_get_input_stream (stream));
  self->out = G_POLLABLE_OUTPUT_STREAM (g_io_stream_get_output_stream (stream));
  self->chunked = chunked;
  self->heard = self->pinged = self->asked = g_get_monotonic_time ();
  gst_walloc_web_queue_init (&self->queue);
  gst_walloc_web_choice_init (&self->choice);
  if (kind == GST_WALLOC_WEB_CLIENT_SOCKET
      && websocket_reader_init (&self->reader, settings->max_message) < 0)
    g_error ("no memory for a client");

  self->in_source = g_pollable_input_stream_create_source (self->in, NULL);
  g_source_set_callback (self->in_source, G_SOURCE_FUNC (on_readable), self,
      NULL);
  g_source_attach (self->in_source, g_main_context_get_thread_default ());

  return self;
}

void
gst_walloc_web_client_free (GstWallocWebClient * self)
{
  close_now (self);
  if (self->kind == GST_WALLOC_WEB_CLIENT_SOCKET)
    websocket_reader_clear (&self->reader);
  g_object_unref (self->stream);
  g_object_unref (self->socket);
  g_free (self);
}

GstWallocWebClientKind
gst_walloc_web_client_kind (GstWallocWebClient * self)
{
  return self->kind;
}

gboolean
gst_walloc_web_client_is_closed (GstWallocWebClient * self)
{
  return self->state == CLOSED;
}

void
gst_walloc_web_client_raw (GstWallocWebClient * self, GBytes * bytes)
{
  if (self->state != OPEN)
    return;
  gst_walloc_web_queue_push (&self->queue, bytes, GST_WALLOC_WEB_PLAIN, 0,
      FALSE);
  write_queue (self);
}

void
gst_walloc_web_client_text (GstWallocWebClient * self, GBytes * text,
    gboolean needed)
{
  if (self->state != OPEN)
    return;
  if (!needed && load_of (self, g_get_monotonic_time ()) >= GST_WALLOC_WEB_LATE) {
    self->stats.left_out++;
    return;
  }
  push (self, text, WEBSOCKET_TEXT);
  write_queue (self);
}

static void
count_left_out (GstWallocWebClient * self, guint frames)
{
  self->stats.left_out += frames;
  gst_walloc_web_metrics_count (self->settings->metrics,
      GST_WALLOC_WEB_LEFT_OUT, frames);
}

static void
give (GstWallocWebClient * self, GstWallocWebFrame * frame, guint layers)
{
  if (layers == 0) {
    count_left_out (self, 1);
    return;
  }
  self->stats.layers = layers;
  gst_walloc_web_metrics_count (self->settings->metrics,
      GST_WALLOC_WEB_FRAMES_OUT, 1);
  if (layers < frame->info.layers)
    gst_walloc_web_metrics_count (self->settings->metrics,
        GST_WALLOC_WEB_THINNED, 1);
  push (self, gst_walloc_web_frame_get (frame, layers), WEBSOCKET_BINARY);
}

void
gst_walloc_web_client_frame (GstWallocWebClient * self,
    GstWallocWebFrame * frame)
{
  gint64 now = g_get_monotonic_time ();
  GstWallocWebLoad load = load_of (self, now);
  GstWallocWebVerdict verdict;

  if (self->state != OPEN)
    return;
  if (load == GST_WALLOC_WEB_HOPELESS) {
    drop (self);
    return;
  }
  verdict = gst_walloc_web_choice_frame (&self->choice, frame, load, now);
  if (verdict.want_key)
    self->settings->need_key (self->settings->data);
  if (verdict.layers > 0 && verdict.replace)
    count_left_out (self, forget_queue (self, TRUE));
  give (self, frame, verdict.layers);
  write_queue (self);
}

void
gst_walloc_web_client_replay (GstWallocWebClient * self, GQueue * frames)
{
  guint layers = gst_walloc_web_choice_replay (&self->choice, frames);
  GList *l;

  if (self->state != OPEN || layers == 0)
    return;
  for (l = frames->head; l; l = l->next)
    give (self, l->data, gst_walloc_web_choice_replayed (&self->choice,
            l->data, layers));
  write_queue (self);
}

void
gst_walloc_web_client_discont (GstWallocWebClient * self)
{
  self->choice.needs_key = TRUE;
}

void
gst_walloc_web_client_layers (GstWallocWebClient * self, guint layers)
{
  self->choice.thinner.max_layers = layers;
}

void
gst_walloc_web_client_rate (GstWallocWebClient * self, guint64 bitrate)
{
  self->choice.thinner.bitrate = bitrate;
}

void
gst_walloc_web_client_ask_key (GstWallocWebClient * self)
{
  if (gst_walloc_web_choice_ask (&self->choice, g_get_monotonic_time ()))
    self->settings->need_key (self->settings->data);
}

void
gst_walloc_web_client_finish (GstWallocWebClient * self, guint code,
    const gchar * reason)
{
  guint8 payload[WEBSOCKET_MAX_CONTROL];

  if (self->state != OPEN)
    return;
  self->state = FINISHING;
  self->deadline = g_get_monotonic_time () + FINISH_TIME;
  if (self->kind == GST_WALLOC_WEB_CLIENT_SOCKET) {
    push_control (self, WEBSOCKET_CLOSE, payload,
        websocket_write_close (payload, code, reason));
  } else if (self->chunked) {
    GBytes *end = g_bytes_new_static ("0\r\n\r\n", 5);

    gst_walloc_web_queue_push (&self->queue, end, GST_WALLOC_WEB_PLAIN, 0,
        FALSE);
    g_bytes_unref (end);
  }
  write_queue (self);
}

void
gst_walloc_web_client_tick (GstWallocWebClient * self, gint64 now)
{
  GstWallocWebLoad load;

  if (self->state == FINISHING || self->state == LINGERING) {
    if (now > self->deadline)
      close_now (self);
    return;
  }
  if (self->state != OPEN)
    return;
  load = load_of (self, now);
  if (load == GST_WALLOC_WEB_HOPELESS) {
    drop (self);
    return;
  }
  if (load < GST_WALLOC_WEB_LATE)
    self->answers = 0;
  if (self->kind != GST_WALLOC_WEB_CLIENT_SOCKET)
    return;
  if (now - self->heard > self->settings->idle_time) {
    gst_walloc_web_metrics_count (self->settings->metrics,
        GST_WALLOC_WEB_TIMED_OUT, 1);
    gst_walloc_web_client_finish (self, WEBSOCKET_GOING_AWAY,
        "no answer to pings");
  } else if (now - self->pinged > MIN (PING_TIME,
          self->settings->idle_time / 3)) {
    self->pinged = now;
    push_control (self, WEBSOCKET_PING, NULL, 0);
    write_queue (self);
  }
}

guint64
gst_walloc_web_client_queued (GstWallocWebClient * self)
{
  return self->queue.bytes;
}

void
gst_walloc_web_client_stats (GstWallocWebClient * self,
    GstWallocWebClientStats * stats)
{
  gint64 now = g_get_monotonic_time (), time = MAX (now - self->asked, 1);

  self->stats.rate = (self->stats.bytes - self->asked_bytes) * 8 *
      G_USEC_PER_SEC / time;
  self->asked = now;
  self->asked_bytes = self->stats.bytes;
  *stats = self->stats;
}
