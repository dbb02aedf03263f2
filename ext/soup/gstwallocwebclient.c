/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Bytes of frames are shared by all clients: a client adds a few bytes before
 * and behind, and the socket takes them in one call. Two marks bound the queue,
 * in bytes and in the time that its oldest part waits: from a quarter of the
 * limit on frames get fewer layers, one less each half second; from half of it
 * on they are left out until the queue is short again and a key frame comes; at
 * the limit the client is closed. What the kernel holds is not counted, so the
 * listener bounds that (TCP_NOTSENT_LOWAT). */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <string.h>

#include "gstwallocthinner.h"
#include "gstwallocwebclient.h"
#include "websocket.h"

GST_DEBUG_CATEGORY_EXTERN (wallocwebsink_debug);
#define GST_CAT_DEFAULT wallocwebsink_debug

#define TAIL "\r\n"
/* items that one call writes */
#define MAX_ITEMS 12
/* for the last bytes, and for the client to close */
#define FINISH_TIME (2 * G_USEC_PER_SEC)
/* answers to pings that wait; more are left out */
#define MAX_ANSWERS 16
/* what a client of a stream or of events may send: nothing is expected */
#define MAX_JUNK 16384
#define PING_TIME (10 * G_USEC_PER_SEC)
/* the part of the time limit that the first bunch of frames may take before
 * marks count */
#define GRACE_DIVISOR 2

typedef struct
{
  guint8 head[WEBSOCKET_MAX_HEAD + 10];
  guint8 head_size, tail_size;
  GBytes *data;
  gsize total, sent;
  gint64 queued;
} Item;

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
  gint64 started, deadline, heard, pinged;

  GQueue queue;                 /* of Item */
  guint64 queued;               /* bytes */
  guint answers;                /* pongs among them */

  GstWallocThinner thinner;
  gboolean needs_key;
  websocket_reader reader;
  gboolean deaf;                /* nothing that comes has a meaning any more */
  gsize junk;
  GstWallocWebClientStats stats;
  gint64 asked;                 /* when these were wanted last */
  guint64 asked_bytes;
};

static void
item_free (Item * item)
{
  g_bytes_unref (item->data);
  g_free (item);
}

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
  g_queue_clear_full (&self->queue, (GDestroyNotify) item_free);
  self->queued = 0;
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

static void
add_vector (GOutputVector * vector, guint * n, gconstpointer data, gsize size,
    gsize * skip)
{
  gsize skipped = MIN (*skip, size);

  *skip -= skipped;
  if (size > skipped) {
    vector[*n].buffer = (const guint8 *) data + skipped;
    vector[*n].size = size - skipped;
    (*n)++;
  }
}

static guint
fill_vectors (GstWallocWebClient * self, GOutputVector * vector)
{
  GList *l;
  guint n = 0, items = 0;

  for (l = self->queue.head; l && items < MAX_ITEMS; l = l->next, items++) {
    Item *item = l->data;
    gsize skip = item->sent, size;
    gconstpointer data = g_bytes_get_data (item->data, &size);

    add_vector (vector, &n, item->head, item->head_size, &skip);
    add_vector (vector, &n, data, size, &skip);
    add_vector (vector, &n, TAIL, item->tail_size, &skip);
  }
  return n;
}

static void
take_written (GstWallocWebClient * self, gsize written)
{
  self->queued -= written;
  self->stats.bytes += written;
  gst_walloc_web_metrics_count (self->settings->metrics,
      GST_WALLOC_WEB_BYTES_OUT, written);
  while (written > 0) {
    Item *item = g_queue_peek_head (&self->queue);
    gsize part = MIN (written, item->total - item->sent);

    item->sent += part;
    written -= part;
    if (item->sent == item->total)
      item_free (g_queue_pop_head (&self->queue));
  }
  if (g_queue_is_empty (&self->queue))
    self->answers = 0;
}

static void
write_queue (GstWallocWebClient * self)
{
  GOutputVector vector[3 * MAX_ITEMS];

  while (!g_queue_is_empty (&self->queue) && !self->out_source) {
    guint n = fill_vectors (self, vector);
    gsize written = 0;
    GError *error = NULL;
    GPollableReturn ret = g_pollable_output_stream_writev_nonblocking
        (self->out, vector, n, &written, NULL, &error);

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
  if (g_queue_is_empty (&self->queue) && self->state == FINISHING)
    linger (self);
}

/* @opcode: of a WebSocket message; 0: no message around it. */
static void
push (GstWallocWebClient * self, GBytes * data, gint opcode, gboolean chunk)
{
  Item *item = g_new0 (Item, 1);
  gsize size = g_bytes_get_size (data);

  item->data = g_bytes_ref (data);
  if (opcode) {
    item->head_size = websocket_write_head (item->head, opcode, size);
  } else if (chunk && self->chunked) {
    item->head_size = g_snprintf ((gchar *) item->head, sizeof (item->head),
        "%" G_GSIZE_MODIFIER "x" TAIL, size);
    item->tail_size = strlen (TAIL);
  }
  item->total = item->head_size + size + item->tail_size;
  item->queued = g_get_monotonic_time ();
  self->queued += item->total;
  g_queue_push_tail (&self->queue, item);
}

static void
push_control (GstWallocWebClient * self, gint opcode, gconstpointer data,
    gsize size)
{
  GBytes *bytes = g_bytes_new (data, size);

  push (self, bytes, opcode, FALSE);
  g_bytes_unref (bytes);
}

/* us that the oldest part waits */
static gint64
waiting (GstWallocWebClient * self, gint64 now)
{
  Item *item = g_queue_peek_head (&self->queue);

  return item ? now - item->queued : 0;
}

/* Whether the queue is beyond the limit divided by @divisor. */
static gboolean
beyond (GstWallocWebClient * self, gint64 now, guint divisor)
{
  return self->queued > self->settings->max_bytes / divisor
      || waiting (self, now) > self->settings->max_time / divisor;
}

/* What was not tried yet is not sent any more. Below TLS the front may wait in
 * a record that the socket did not take, and the same bytes must come again. */
static void
forget_queue (GstWallocWebClient * self)
{
  GList *l = self->queue.head, *next;

  if (l && self->out_source)
    l = l->next;
  for (; l; l = next) {
    Item *item = l->data;

    next = l->next;
    if (item->sent > 0)
      continue;
    self->queued -= item->total;
    item_free (item);
    g_queue_delete_link (&self->queue, l);
  }
}

static void
drop (GstWallocWebClient * self)
{
  gst_walloc_web_metrics_count (self->settings->metrics,
      GST_WALLOC_WEB_DROPPED, 1);
  GST_INFO ("a client is too slow: %" G_GUINT64_FORMAT " bytes wait",
      self->queued);
  forget_queue (self);
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
  forget_queue (self);
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
  self->started = self->heard = self->pinged = self->asked =
      g_get_monotonic_time ();
  self->needs_key = TRUE;
  g_queue_init (&self->queue);
  gst_walloc_thinner_init (&self->thinner);
  self->thinner.drop_frames = TRUE;
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
  push (self, bytes, 0, FALSE);
  write_queue (self);
}

void
gst_walloc_web_client_text (GstWallocWebClient * self, GBytes * text,
    gboolean needed)
{
  if (self->state != OPEN)
    return;
  if (!needed && beyond (self, g_get_monotonic_time (), 2)) {
    self->stats.left_out++;
    return;
  }
  push (self, text, self->kind == GST_WALLOC_WEB_CLIENT_SOCKET ?
      WEBSOCKET_TEXT : 0, TRUE);
  write_queue (self);
}

/* Layers that the client gets of @frame; 0: none, so it is left out. */
static guint
choose (GstWallocWebClient * self, const GstWallocWebFrame * frame,
    gboolean replay)
{
  gint64 now = g_get_monotonic_time ();
  gboolean is_key = frame->info.type == WALLOC_FRAME_KEY;
  guint layers;

  if (!replay && now - self->started > self->settings->max_time / GRACE_DIVISOR) {
    if (beyond (self, now, 2))
      self->needs_key = TRUE;
    if (beyond (self, now, 4)) {
      gst_walloc_thinner_late (&self->thinner);
      if (self->needs_key)
        return 0;
    }
  }
  if (self->needs_key && !is_key) {
    if (self->state == OPEN)
      self->settings->need_key (self->settings->data);
    return 0;
  }
  layers = gst_walloc_thinner_decide (&self->thinner, &frame->info,
      frame->sizes, frame->info.pts == WALLOC_TIME_NONE ? GST_CLOCK_TIME_NONE :
      frame->info.pts, frame->duration);
  if (layers == 0)
    self->thinner.chain = 0;
  self->needs_key = layers == 0 && !is_key;

  return layers;
}

void
gst_walloc_web_client_frame (GstWallocWebClient * self,
    GstWallocWebFrame * frame, gboolean replay)
{
  guint layers;

  if (self->state != OPEN)
    return;
  if (!replay && beyond (self, g_get_monotonic_time (), 1)) {
    drop (self);
    return;
  }
  layers = choose (self, frame, replay);
  if (layers == 0) {
    self->stats.left_out++;
    gst_walloc_web_metrics_count (self->settings->metrics,
        GST_WALLOC_WEB_LEFT_OUT, 1);
    return;
  }
  self->stats.layers = layers;
  gst_walloc_web_metrics_count (self->settings->metrics,
      GST_WALLOC_WEB_FRAMES_OUT, 1);
  if (layers < frame->info.layers)
    gst_walloc_web_metrics_count (self->settings->metrics,
        GST_WALLOC_WEB_THINNED, 1);
  push (self, gst_walloc_web_frame_get (frame, layers),
      self->kind == GST_WALLOC_WEB_CLIENT_SOCKET ? WEBSOCKET_BINARY : 0, TRUE);
  write_queue (self);
}

void
gst_walloc_web_client_discont (GstWallocWebClient * self)
{
  self->needs_key = TRUE;
}

void
gst_walloc_web_client_layers (GstWallocWebClient * self, guint layers)
{
  self->thinner.max_layers = layers;
}

void
gst_walloc_web_client_rate (GstWallocWebClient * self, guint64 bitrate)
{
  self->thinner.bitrate = bitrate;
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
    GBytes *end = g_bytes_new_static ("0" TAIL TAIL, 5);

    push (self, end, 0, FALSE);
    g_bytes_unref (end);
  }
  write_queue (self);
}

void
gst_walloc_web_client_tick (GstWallocWebClient * self, gint64 now)
{
  if (self->state == FINISHING || self->state == LINGERING) {
    if (now > self->deadline)
      close_now (self);
    return;
  }
  if (self->state != OPEN)
    return;
  if (beyond (self, now, 1)) {
    drop (self);
    return;
  }
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
  return self->queued;
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
