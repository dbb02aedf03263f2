/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <gst/gst.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

#include "gstwallocweblistener.h"
#include "gstwallocwebtls.h"

GST_DEBUG_CATEGORY_EXTERN (wallocwebsink_debug);
#define GST_CAT_DEFAULT wallocwebsink_debug

#define PEER_KEY "walloc-web-peer"

/* bytes in the kernel that are not on the wire yet: what a slow client makes
 * wait shall wait in its queue, where it can be thinned; less would cost fast
 * clients calls of the system */
#define NOT_SENT (16 * 1024)
/* ms after which the kernel gives up on a peer that acknowledges nothing */
#define USER_TIMEOUT 20000
/* connections that the kernel keeps until they are accepted; the system may
 * allow fewer. Beyond it, clients try again after a second */
#define BACKLOG 512
/* that are accepted at once, before others have their turn again */
#define MANY_CONNECTIONS 32
/* before accept() is tried again when it failed, ms */
#define ACCEPT_PAUSE 100
/* bytes of an answer that may take as long as a request: with 10 s, a link of
 * 16 KiB/s is fast enough for a model */
#define ANSWER_PART (160 * 1024)

/* To the listener's thread, for threads that may outlive the listener. */
typedef struct
{
  GMutex lock;
  GMainContext *context;        /* NULL: the listener is gone */
} Door;

struct _GstWallocWebListener
{
  SoupServer *server;
  GstWallocWebListenerSettings settings;
  GSocket *socket;
  GSource *source, *pause;
  GList *peers;
  guint n_peers, port;
  gboolean local;
  Door *door;
  GstWallocWebTls *tls;         /* or NULL */
};

struct _GstWallocWebPeer
{
  GstWallocWebListener *listener;
  Door *door;
  GSocket *socket;
  GSocketAddress *remote;       /* leads from a message to this */
  GSource *deadline;
  gchar *address;
};

static void
clear_source (GSource ** source)
{
  if (*source)
    g_source_destroy (*source);
  g_clear_pointer (source, g_source_unref);
}

static void
door_clear (gpointer data)
{
  g_mutex_clear (&((Door *) data)->lock);
}

static void
door_unref (Door * door)
{
  g_atomic_rc_box_release_full (door, door_clear);
}

static void
peer_free_now (gpointer data)
{
  GstWallocWebPeer *peer = data;
  GstWallocWebListener *self = peer->listener;

  clear_source (&peer->deadline);
  g_object_set_data (G_OBJECT (peer->remote), PEER_KEY, NULL);
  g_object_unref (peer->remote);
  g_object_unref (peer->socket);
  door_unref (peer->door);
  g_free (peer->address);
  if (self) {
    self->peers = g_list_remove (self->peers, peer);
    self->n_peers--;
    gst_walloc_web_metrics_set (self->settings.metrics, GST_WALLOC_WEB_OPEN,
        self->n_peers);
  }
  g_free (peer);
}

static gboolean
do_nothing (gpointer data)
{
  return G_SOURCE_REMOVE;
}

/* The last who held the stream may have been a thread that shook hands. */
static void
peer_free (gpointer data)
{
  GstWallocWebPeer *peer = data;
  Door *door = g_atomic_rc_box_acquire (peer->door);
  GSource *source = NULL;

  g_mutex_lock (&door->lock);
  if (door->context && !g_main_context_is_owner (door->context)) {
    source = g_idle_source_new ();
    g_source_set_callback (source, do_nothing, peer, peer_free_now);
    g_source_attach (source, door->context);
    g_source_unref (source);
  }
  g_mutex_unlock (&door->lock);
  if (!source)
    peer_free_now (peer);
  door_unref (door);
}

static gboolean
on_deadline (gpointer data)
{
  GstWallocWebPeer *peer = data;

  GST_INFO ("%s is too slow to ask, or to take the answer", peer->address);
  gst_walloc_web_metrics_count (peer->listener->settings.metrics,
      GST_WALLOC_WEB_TIMED_OUT, 1);
  g_clear_pointer (&peer->deadline, g_source_unref);
  /* whoever reads or writes now fails, and cleans up */
  g_socket_shutdown (peer->socket, TRUE, TRUE, NULL);

  return G_SOURCE_REMOVE;
}

static void
set_deadline (GstWallocWebPeer * peer, guint ms)
{
  clear_source (&peer->deadline);
  peer->deadline = g_timeout_source_new (ms);
  g_source_set_callback (peer->deadline, on_deadline, peer, NULL);
  g_source_attach (peer->deadline, g_main_context_get_thread_default ());
}

static gboolean
has_room (GstWallocWebListener * self, const gchar * address)
{
  guint same = 0;
  GList *l;

  if (self->n_peers >= self->settings.max_connections)
    return FALSE;
  if (self->settings.max_per_address == 0)
    return TRUE;
  for (l = self->peers; l; l = l->next)
    same += strcmp (((GstWallocWebPeer *) l->data)->address, address) == 0;

  return same < self->settings.max_per_address;
}

static GIOStream *
stream_of (GstWallocWebListener * self, GSocket * socket)
{
  GIOStream *plain, *tls;

  plain = G_IO_STREAM (g_socket_connection_factory_create_connection (socket));
  if (!self->tls)
    return plain;
  tls = gst_walloc_web_tls_stream (self->tls, plain);
  g_object_unref (plain);

  return tls;
}

/* libsoup reads requests from now on. */
static void
give_to_soup (GIOStream * stream, GSocket * socket, gpointer data)
{
  GstWallocWebListener *self = data;
  GstWallocWebPeer *peer = g_object_get_data (G_OBJECT (stream), PEER_KEY);
  GSocketAddress *local = g_socket_get_local_address (socket, NULL);

  if (local)
    soup_server_accept_iostream (self->server, stream, local, peer->remote,
        NULL);
  g_clear_object (&local);
}

static void
add_peer (GstWallocWebListener * self, GSocket * socket)
{
  GSocketAddress *remote = g_socket_get_remote_address (socket, NULL);
  gchar *address = NULL;
  GIOStream *stream = NULL;
  GstWallocWebPeer *peer;

  if (G_IS_INET_SOCKET_ADDRESS (remote))
    address = g_inet_address_to_string (g_inet_socket_address_get_address
        (G_INET_SOCKET_ADDRESS (remote)));
  if (address && !has_room (self, address)) {
    GST_INFO ("no room for another connection of %s", address);
    gst_walloc_web_metrics_count (self->settings.metrics,
        GST_WALLOC_WEB_REJECTED, 1);
  } else if (address) {
    stream = stream_of (self, socket);
  }
  if (stream) {
    g_socket_set_option (socket, IPPROTO_TCP, TCP_NODELAY, TRUE, NULL);
    g_socket_set_keepalive (socket, TRUE);
#ifdef TCP_NOTSENT_LOWAT
    g_socket_set_option (socket, IPPROTO_TCP, TCP_NOTSENT_LOWAT, NOT_SENT,
        NULL);
#endif
#ifdef TCP_USER_TIMEOUT
    g_socket_set_option (socket, IPPROTO_TCP, TCP_USER_TIMEOUT, USER_TIMEOUT,
        NULL);
#endif
    peer = g_new0 (GstWallocWebPeer, 1);
    peer->listener = self;
    peer->door = g_atomic_rc_box_acquire (self->door);
    peer->socket = g_object_ref (socket);
    peer->remote = g_object_ref (remote);
    peer->address = g_steal_pointer (&address);
    self->peers = g_list_prepend (self->peers, peer);
    self->n_peers++;
    gst_walloc_web_metrics_set (self->settings.metrics, GST_WALLOC_WEB_OPEN,
        self->n_peers);
    gst_walloc_web_metrics_count (self->settings.metrics,
        GST_WALLOC_WEB_CONNECTIONS, 1);
    set_deadline (peer, self->settings.request_timeout);
    /* the stream lives as long as anyone uses the connection */
    g_object_set_data_full (G_OBJECT (stream), PEER_KEY, peer, peer_free);
    g_object_set_data (G_OBJECT (remote), PEER_KEY, peer);
    if (self->tls)
      gst_walloc_web_tls_add (self->tls, stream, socket, peer->address);
    else
      give_to_soup (stream, socket, self);
    g_object_unref (stream);
  }
  g_free (address);
  g_clear_object (&remote);
}

static void listen_again (GstWallocWebListener * self);

static gboolean
on_pause_over (gpointer data)
{
  GstWallocWebListener *self = data;

  g_clear_pointer (&self->pause, g_source_unref);
  listen_again (self);

  return G_SOURCE_REMOVE;
}

static gboolean
on_connection (GSocket * listening, GIOCondition condition, gpointer data)
{
  GstWallocWebListener *self = data;
  GError *error = NULL;
  GSocket *socket;
  guint i;

  for (i = 0; i < MANY_CONNECTIONS; i++) {
    socket = g_socket_accept (listening, NULL, &error);
    if (!socket)
      break;
    g_socket_set_blocking (socket, FALSE);
    add_peer (self, socket);
    g_object_unref (socket);
  }
  if (!error || g_error_matches (error, G_IO_ERROR, G_IO_ERROR_WOULD_BLOCK)) {
    g_clear_error (&error);
    return G_SOURCE_CONTINUE;
  }
  /* a client that went away again is no matter; without file descriptors the
   * next attempt would fail at once, too */
  GST_INFO ("accept: %s", error->message);
  g_clear_error (&error);
  clear_source (&self->source);
  self->pause = g_timeout_source_new (ACCEPT_PAUSE);
  g_source_set_callback (self->pause, on_pause_over, self, NULL);
  g_source_attach (self->pause, g_main_context_get_thread_default ());

  return G_SOURCE_REMOVE;
}

static void
listen_again (GstWallocWebListener * self)
{
  self->source = g_socket_create_source (self->socket, G_IO_IN, NULL);
  g_source_set_callback (self->source, G_SOURCE_FUNC (on_connection), self,
      NULL);
  g_source_attach (self->source, g_main_context_get_thread_default ());
}

static GInetAddress *
resolve (const gchar * address, GError ** error)
{
  GInetAddress *inet = g_inet_address_new_from_string (address);
  GError *reason = NULL;
  GResolver *resolver;
  GList *found;

  if (inet)
    return inet;
  resolver = g_resolver_get_default ();
  found = g_resolver_lookup_by_name (resolver, address, NULL, &reason);
  g_object_unref (resolver);
  if (found)
    inet = g_object_ref (found->data);
  else
    g_set_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS,
        "There is no address \"%s\" (%s). Set \"address\" to one of this "
        "machine, such as 127.0.0.1, or 0.0.0.0 for all.", address,
        reason->message);
  g_resolver_free_addresses (found);
  g_clear_error (&reason);

  return inet;
}

static GSocket *
bind_to (GInetAddress * inet, guint port, GError ** error)
{
  GSocketAddress *where = g_inet_socket_address_new (inet, port);
  GSocket *socket = g_socket_new (g_inet_address_get_family (inet),
      G_SOCKET_TYPE_STREAM, G_SOCKET_PROTOCOL_TCP, error);

  if (socket)
    g_socket_set_listen_backlog (socket, BACKLOG);
  if (socket && (!g_socket_bind (socket, where, TRUE, error)
          || !g_socket_listen (socket, error)))
    g_clear_object (&socket);
  if (socket)
    g_socket_set_blocking (socket, FALSE);
  g_object_unref (where);

  return socket;
}

static void
explain (const GError * reason, const gchar * address, guint port,
    GError ** error)
{
  const gchar *cure = "Choose another \"address\" or \"port\".";
  gint code = GST_RESOURCE_ERROR_OPEN_READ_WRITE;

  if (g_error_matches (reason, G_IO_ERROR, G_IO_ERROR_ADDRESS_IN_USE)) {
    code = GST_RESOURCE_ERROR_BUSY;
    cure = "Another program listens there: stop it, set \"port\" to a free "
        "one, or to 0 for any.";
  } else if (g_error_matches (reason, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED)) {
    code = GST_RESOURCE_ERROR_NOT_AUTHORIZED;
    cure = "Ports below 1024 need rights: set \"port\" to a greater one.";
  }
  g_set_error (error, GST_RESOURCE_ERROR, code,
      "Cannot listen on port %u of %s: %s. %s", port, address, reason->message,
      cure);
}

GstWallocWebListener *
gst_walloc_web_listener_new (SoupServer * server, const gchar * address,
    guint port, const GstWallocWebListenerSettings * settings, GError ** error)
{
  GstWallocWebListener *self;
  GInetAddress *inet = resolve (address, error);
  GSocketAddress *bound;
  GError *reason = NULL;
  GSocket *socket;

  if (!inet)
    return NULL;
  socket = bind_to (inet, port, &reason);
  if (!socket) {
    explain (reason, address, port, error);
    g_clear_error (&reason);
    g_object_unref (inet);
    return NULL;
  }

  self = g_new0 (GstWallocWebListener, 1);
  self->server = server;
  self->settings = *settings;
  self->socket = socket;
  self->local = g_inet_address_get_is_loopback (inet);
  g_object_unref (inet);
  bound = g_socket_get_local_address (socket, NULL);
  if (bound)
    self->port = g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (bound));
  g_clear_object (&bound);
  self->door = g_atomic_rc_box_new0 (Door);
  g_mutex_init (&self->door->lock);
  self->door->context = g_main_context_get_thread_default ();
  if (settings->certificate)
    self->tls = gst_walloc_web_tls_new (settings->certificate, give_to_soup,
        self);
  listen_again (self);

  return self;
}

void
gst_walloc_web_listener_stop (GstWallocWebListener * self)
{
  clear_source (&self->source);
  clear_source (&self->pause);
  if (self->socket)
    g_socket_close (self->socket, NULL);
  g_clear_object (&self->socket);
}

void
gst_walloc_web_listener_free (GstWallocWebListener * self)
{
  GList *l;

  gst_walloc_web_listener_stop (self);
  /* streams that someone still holds must not find this gone */
  g_mutex_lock (&self->door->lock);
  self->door->context = NULL;
  for (l = self->peers; l; l = l->next) {
    GstWallocWebPeer *peer = l->data;

    clear_source (&peer->deadline);
    /* wakes threads that wait for it, as closing it would not */
    g_socket_shutdown (peer->socket, TRUE, TRUE, NULL);
    if (!self->tls)
      g_socket_close (peer->socket, NULL);
    peer->listener = NULL;
  }
  g_mutex_unlock (&self->door->lock);
  g_list_free (self->peers);
  if (self->tls)
    gst_walloc_web_tls_free (self->tls);
  door_unref (self->door);
  g_free (self);
}

guint
gst_walloc_web_listener_port (GstWallocWebListener * self)
{
  return self->port;
}

gboolean
gst_walloc_web_listener_is_local (GstWallocWebListener * self)
{
  return self->local;
}

GstWallocWebPeer *
gst_walloc_web_peer_of (SoupServerMessage * message)
{
  GSocketAddress *remote = soup_server_message_get_remote_address (message);

  return remote ? g_object_get_data (G_OBJECT (remote), PEER_KEY) : NULL;
}

void
gst_walloc_web_peer_answer (GstWallocWebPeer * peer, gsize size)
{
  guint64 ms;

  if (!peer->listener)
    return;
  ms = (guint64) peer->listener->settings.request_timeout * (1 +
      size / ANSWER_PART);
  set_deadline (peer, MIN (ms, G_MAXUINT));
}

GSocket *
gst_walloc_web_peer_take (GstWallocWebPeer * peer)
{
  clear_source (&peer->deadline);
  return peer->socket;
}
