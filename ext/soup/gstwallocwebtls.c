/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <gst/gst.h>
#include <string.h>
#include <sys/socket.h>

#include "gstwallocwebtls.h"

GST_DEBUG_CATEGORY_EXTERN (wallocwebsink_debug);
#define GST_CAT_DEFAULT wallocwebsink_debug

/* handshakes at once, and of them with one address. GLib has ten threads for
 * tasks before it begins to make more, one each tenth of a second */
#define MAX_RUNNING 8
#define MAX_SAME 3

/* of a record of TLS: its type, version and size */
#define RECORD_HEAD 5
#define RECORD_HANDSHAKE 22
#define RECORD_MAX 16384

typedef struct
{
  GstWallocWebTls *tls;
  GIOStream *stream;
  GSocket *socket;
  GSource *source;
  gchar *address;
  gsize wanted;                 /* bytes that must be there */
} Hand;

struct _GstWallocWebTls
{
  GTlsCertificate *certificate;
  GstWallocWebTlsReady ready;
  gpointer data;
  GList *coming;                /* of Hand: not all of the first word is there */
  GQueue waiting;               /* it is, but there is no room */
  GList *running;
  gboolean closing;
};

static void
clear_source (Hand * hand)
{
  if (hand->source)
    g_source_destroy (hand->source);
  g_clear_pointer (&hand->source, g_source_unref);
}

static void
hand_free (Hand * hand)
{
  clear_source (hand);
  g_object_unref (hand->stream);
  g_object_unref (hand->socket);
  g_free (hand->address);
  g_free (hand);
}

static void
watch (Hand * hand, GIOCondition condition, GSocketSourceFunc callback)
{
  clear_source (hand);
  hand->source = g_socket_create_source (hand->socket, condition, NULL);
  g_source_set_callback (hand->source, G_SOURCE_FUNC (callback), hand, NULL);
  g_source_attach (hand->source, g_main_context_get_thread_default ());
}

static gboolean
may_run (GstWallocWebTls * self, const Hand * hand)
{
  guint same = 0;
  GList *l;

  if (g_list_length (self->running) >= MAX_RUNNING)
    return FALSE;
  for (l = self->running; l; l = l->next)
    same += strcmp (((Hand *) l->data)->address, hand->address) == 0;

  return same < MAX_SAME;
}

static void run_some (GstWallocWebTls * self);

static void
on_shaken (GObject * stream, GAsyncResult * result, gpointer data)
{
  Hand *hand = data;
  GstWallocWebTls *self = hand->tls;
  GError *error = NULL;
  gboolean ok = g_tls_connection_handshake_finish (G_TLS_CONNECTION (stream),
      result, &error);

  if (!ok)
    GST_INFO ("no TLS with %s: %s", hand->address, error->message);
  g_clear_error (&error);
  self->running = g_list_remove (self->running, hand);
  if (ok && !self->closing)
    self->ready (hand->stream, hand->socket, self->data);
  hand_free (hand);
  if (!self->closing)
    run_some (self);
}

/* Those who wait, in turn, as far as there is room. */
static void
run_some (GstWallocWebTls * self)
{
  GList *l, *next;

  for (l = self->waiting.head; l; l = next) {
    Hand *hand = l->data;

    next = l->next;
    if (!may_run (self, hand))
      continue;
    g_queue_delete_link (&self->waiting, l);
    self->running = g_list_prepend (self->running, hand);
    clear_source (hand);
    g_tls_connection_handshake_async (G_TLS_CONNECTION (hand->stream),
        G_PRIORITY_DEFAULT, NULL, on_shaken, hand);
  }
}

/* One that waits was given up. */
static gboolean
on_gone (GSocket * socket, GIOCondition condition, gpointer data)
{
  Hand *hand = data;

  g_queue_remove (&hand->tls->waiting, hand);
  hand_free (hand);

  return G_SOURCE_REMOVE;
}

/* Bytes of the record at whose beginning is @head; 0: it is none that a client
 * of TLS begins with. */
static gsize
record_size (const guint8 * head)
{
  gsize size = head[3] << 8 | head[4];

  if (head[0] != RECORD_HANDSHAKE || size == 0 || size > RECORD_MAX)
    return 0;
  return RECORD_HEAD + size;
}

/* The socket is said to be readable when so many bytes are there, or the end. */
static void
want (Hand * hand, gsize size)
{
  hand->wanted = size;
  g_socket_set_option (hand->socket, SOL_SOCKET, SO_RCVLOWAT, size, NULL);
}

/* How the client begins: FALSE when that is no TLS, or there is no more of it. */
static gboolean
is_word (Hand * hand, gboolean * whole)
{
  guint8 word[RECORD_HEAD + RECORD_MAX];
  gssize there = recv (g_socket_get_fd (hand->socket), word, sizeof (word),
      MSG_PEEK | MSG_DONTWAIT);
  gsize size;

  if (there < 0 || (gsize) there < hand->wanted)
    return FALSE;
  size = record_size (word);
  *whole = (gsize) there >= size;
  want (hand, *whole ? 1 : size);

  return size > 0;
}

static gboolean
on_word (GSocket * socket, GIOCondition condition, gpointer data)
{
  Hand *hand = data;
  GstWallocWebTls *self = hand->tls;
  gboolean whole = FALSE, good = is_word (hand, &whole);

  if (good && !whole)
    return G_SOURCE_CONTINUE;
  self->coming = g_list_remove (self->coming, hand);
  if (good) {
    watch (hand, 0, on_gone);
    g_queue_push_tail (&self->waiting, hand);
    run_some (self);
  } else {
    GST_INFO ("%s does not begin with TLS", hand->address);
    hand_free (hand);
  }
  return G_SOURCE_REMOVE;
}

GstWallocWebTls *
gst_walloc_web_tls_new (GTlsCertificate * certificate,
    GstWallocWebTlsReady ready, gpointer data)
{
  GstWallocWebTls *self = g_new0 (GstWallocWebTls, 1);

  self->certificate = g_object_ref (certificate);
  self->ready = ready;
  self->data = data;
  g_queue_init (&self->waiting);

  return self;
}

void
gst_walloc_web_tls_free (GstWallocWebTls * self)
{
  self->closing = TRUE;
  g_list_free_full (self->coming, (GDestroyNotify) hand_free);
  g_queue_clear_full (&self->waiting, (GDestroyNotify) hand_free);
  while (self->running)
    g_main_context_iteration (g_main_context_get_thread_default (), TRUE);
  g_object_unref (self->certificate);
  g_free (self);
}

GIOStream *
gst_walloc_web_tls_stream (GstWallocWebTls * self, GIOStream * plain)
{
  GError *error = NULL;
  /* no database: who connects is not asked for a certificate, and to read those
   * of the system takes 50 ms for each connection */
  GIOStream *stream = g_initable_new (g_tls_backend_get_server_connection_type
      (g_tls_backend_get_default ()), NULL, &error, "base-io-stream", plain,
      "certificate", self->certificate, "database", NULL,
      "require-close-notify", FALSE, NULL);

  if (!stream)
    GST_WARNING ("no TLS: %s", error->message);
  g_clear_error (&error);

  return stream;
}

void
gst_walloc_web_tls_add (GstWallocWebTls * self, GIOStream * stream,
    GSocket * socket, const gchar * address)
{
  Hand *hand = g_new0 (Hand, 1);

  hand->tls = self;
  hand->stream = g_object_ref (stream);
  hand->socket = g_object_ref (socket);
  hand->address = g_strdup (address);
  self->coming = g_list_prepend (self->coming, hand);
  want (hand, RECORD_HEAD);
  watch (hand, G_IO_IN, on_word);
}
