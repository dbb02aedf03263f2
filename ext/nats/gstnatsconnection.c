/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Threads: one that connects, and cnats' own, whose callbacks hold a reference
 * each until the connection is closed. Nothing here waits for the network with
 * a lock held that another function needs. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <string.h>

#include "gstnatsconnection.h"

#define CLOSE_WAIT (250 * G_TIME_SPAN_MILLISECOND)
/* cnats 3.4 fails to sign about one challenge in 400 */
#define SIGN_TRIES 3

typedef enum
{
  STATE_CONNECTING,
  STATE_CONNECTED,
  STATE_LOST,
  STATE_FAILED
} State;

struct _GstNatsConnection
{
  gint refs;
  GstNatsSettings settings;

  GMutex lock;
  GCond cond;
  State state;
  gboolean closed, flushing, reaped;
  gboolean ready;               /* the setup is done */
  gboolean away;                /* cnats is reconnecting */
  gsize max_payload;            /* cnats' own lock is held while it writes */
  guint reconnects;
  GError *error;                /* why STATE_FAILED */
  natsConnection *nc;
  jsCtx *js;
  GstNatsSetup setup;
  gpointer setup_data;
  GDestroyNotify setup_destroy;

  /* recursive: a notification may lead to closing */
  GRecMutex notify_lock;
  GstNatsNotify notify;
  gpointer user_data;
};

GstNatsConnection *
gst_nats_connection_ref (GstNatsConnection * self)
{
  g_atomic_int_inc (&self->refs);
  return self;
}

void
gst_nats_connection_unref (GstNatsConnection * self)
{
  if (!g_atomic_int_dec_and_test (&self->refs))
    return;
  jsCtx_Destroy (self->js);
  natsConnection_Destroy (self->nc);
  g_clear_error (&self->error);
  gst_nats_settings_clear (&self->settings);
  g_mutex_clear (&self->lock);
  g_cond_clear (&self->cond);
  g_rec_mutex_clear (&self->notify_lock);
  g_free (self);
}

static void
gst_nats_connection_tell (GstNatsConnection * self, GstNatsEvent event,
    const GError * error)
{
  g_rec_mutex_lock (&self->notify_lock);
  if (self->notify)
    self->notify (event, error, self->user_data);
  g_rec_mutex_unlock (&self->notify_lock);
}

static void
gst_nats_connection_set_state (GstNatsConnection * self, State state,
    const GError * error)
{
  g_mutex_lock (&self->lock);
  /* FAILED is for good */
  if (self->state != STATE_FAILED) {
    self->state = state;
    if (error)
      self->error = g_error_copy (error);
  }
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->lock);
}

/* A connection that is lost and comes back during its setup is not made yet. */
static void
gst_nats_connection_set_away (GstNatsConnection * self, natsConnection * nc,
    gboolean away)
{
  int64_t size = away ? 0 : natsConnection_GetMaxPayload (nc);

  g_mutex_lock (&self->lock);
  self->away = away;
  if (size > 0)
    self->max_payload = (gsize) size;
  if (self->ready && self->state != STATE_FAILED) {
    if (!away && self->state == STATE_LOST)
      self->reconnects++;
    self->state = away ? STATE_LOST : STATE_CONNECTED;
  }
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->lock);
}

static void
on_disconnected (natsConnection * nc, void *closure)
{
  GstNatsConnection *self = closure;
  gchar *urls = gst_nats_hide_secrets (self->settings.servers);
  const char *reason = NULL;
  GError *error = NULL;
  gboolean closed;

  g_mutex_lock (&self->lock);
  closed = self->closed;
  g_mutex_unlock (&self->lock);
  natsConnection_GetLastError (nc, &reason);
  if (!closed) {
    error = g_error_new (GST_NATS_ERROR, GST_NATS_ERROR_NO_SERVER,
        "The connection to %s was lost%s%s; trying again", urls,
        reason && *reason ? ": " : "", reason ? reason : "");
    gst_nats_connection_set_away (self, nc, TRUE);
    gst_nats_connection_tell (self, GST_NATS_LOST, error);
  }
  g_clear_error (&error);
  g_free (urls);
}

static void
on_reconnected (natsConnection * nc, void *closure)
{
  GstNatsConnection *self = closure;

  gst_nats_connection_set_away (self, nc, FALSE);
  gst_nats_connection_tell (self, GST_NATS_RECONNECTED, NULL);
}

/* The last callback of a connection; its reference goes with it. */
static void
on_closed (natsConnection * nc, void *closure)
{
  GstNatsConnection *self = closure;
  gchar *urls = gst_nats_hide_secrets (self->settings.servers);
  const char *reason = NULL;
  GError *error = NULL;
  gboolean closed;

  g_mutex_lock (&self->lock);
  closed = self->closed;
  g_mutex_unlock (&self->lock);
  natsConnection_GetLastError (nc, &reason);
  if (!closed) {
    error = g_error_new (GST_NATS_ERROR, GST_NATS_ERROR_CLOSED,
        "Gave up reconnecting to %s after max-reconnect rounds%s%s", urls,
        reason && *reason ? ": " : "", reason ? reason : "");
    gst_nats_connection_set_state (self, STATE_FAILED, error);
    gst_nats_connection_tell (self, GST_NATS_FAILED, error);
    g_error_free (error);
  }
  g_free (urls);
  gst_nats_connection_unref (self);
}

static void
on_error (natsConnection * nc, natsSubscription * sub, natsStatus status,
    void *closure)
{
  GstNatsConnection *self = closure;
  const char *text = NULL;
  GError *error = NULL;

  if (status == NATS_SLOW_CONSUMER) {
    gst_nats_connection_tell (self, GST_NATS_SLOW, NULL);
    return;
  }
  /* pull requests end with these all the time */
  if (status == NATS_MISSED_HEARTBEAT || status == NATS_MISMATCH)
    return;
  natsConnection_GetLastError (nc, &text);
  error = g_error_new (GST_NATS_ERROR, status == NATS_NOT_PERMITTED
      || status == NATS_CONNECTION_AUTH_FAILED ? GST_NATS_ERROR_NOT_AUTHORIZED
      : GST_NATS_ERROR_FAILED, "The server says: %s",
      text && *text ? text : natsStatus_GetText (status));
  gst_nats_connection_tell (self, GST_NATS_REFUSED, error);
  g_error_free (error);
}

static int64_t
on_delay (natsConnection * nc, int attempts, void *closure)
{
  GstNatsConnection *self = closure;

  return gst_nats_settings_delay (&self->settings,
      attempts > 0 ? attempts - 1 : 0);
}

/* NULL with @error; callbacks are for on_closed() to be the last of. */
static natsOptions *
gst_nats_connection_make_options (GstNatsConnection * self, GError ** error)
{
  natsOptions *options = gst_nats_settings_apply (&self->settings, error);
  natsStatus s;

  if (!options)
    return NULL;
  s = natsOptions_SetCustomReconnectDelay (options, on_delay, self);
  if (s == NATS_OK)
    s = natsOptions_SetDisconnectedCB (options, on_disconnected, self);
  if (s == NATS_OK)
    s = natsOptions_SetReconnectedCB (options, on_reconnected, self);
  if (s == NATS_OK)
    s = natsOptions_SetClosedCB (options, on_closed, self);
  if (s == NATS_OK)
    s = natsOptions_SetErrorHandler (options, on_error, self);
  if (s == NATS_OK)
    return options;
  gst_nats_set_error (error, s, 0, "connect");
  natsOptions_Destroy (options);
  return NULL;
}

gboolean
gst_nats_connection_sleep (GstNatsConnection * self, guint ms)
{
  gint64 end = g_get_monotonic_time () + ms * G_TIME_SPAN_MILLISECOND;
  gboolean closed;

  g_mutex_lock (&self->lock);
  while (!self->closed && g_cond_wait_until (&self->cond, &self->lock, end));
  closed = self->closed;
  g_mutex_unlock (&self->lock);

  return !closed;
}

static void
gst_nats_connection_adopt (GstNatsConnection * self, natsConnection * nc,
    GError ** error)
{
  jsOptions options;
  int64_t size = natsConnection_GetMaxPayload (nc);
  jsCtx *js = NULL;
  gboolean closed;

  jsOptions_Init (&options);
  options.Wait = MAX (self->settings.connect_timeout, 1);
  natsConnection_JetStream (&js, nc, &options);
  g_mutex_lock (&self->lock);
  closed = self->closed;
  self->nc = nc;
  self->js = js;
  if (size > 0 && self->max_payload == 0)
    self->max_payload = (gsize) size;
  g_mutex_unlock (&self->lock);
  if (closed) {
    natsConnection_Close (nc);
    return;
  }
  if (self->setup && !self->setup (self, self->setup_data, error))
    return;
  g_mutex_lock (&self->lock);
  self->ready = TRUE;
  if (self->state != STATE_FAILED)
    self->state = self->away ? STATE_LOST : STATE_CONNECTED;
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->lock);
  gst_nats_connection_tell (self, GST_NATS_CONNECTED, NULL);
}

static gpointer
gst_nats_connection_run (gpointer data)
{
  GstNatsConnection *self = data;
  gchar *urls = gst_nats_hide_secrets (self->settings.servers);
  gchar *what = g_strdup_printf ("connect to %s", urls);
  natsOptions *options;
  natsConnection *nc = NULL;
  GError *error = NULL;
  natsStatus s = NATS_ERR;
  guint round = 0, signed_wrong = 0;
  gint left = self->settings.max_reconnect;

  options = gst_nats_connection_make_options (self, &error);
  while (options) {
    /* for on_closed() */
    gst_nats_connection_ref (self);
    s = natsConnection_Connect (&nc, options);
    if (s == NATS_OK)
      break;
    gst_nats_connection_unref (self);
    g_clear_error (&error);
    gst_nats_set_error (&error, s, 0, what);
    if ((s == NATS_CONNECTION_AUTH_FAILED || s == NATS_ERR)
        && self->settings.credentials_file && ++signed_wrong < SIGN_TRIES)
      continue;
    if (!self->settings.wait_for_server || left == 0
        || s == NATS_CONNECTION_AUTH_FAILED)
      break;
    if (left > 0)
      left--;
    if (!gst_nats_connection_sleep (self,
            gst_nats_settings_delay (&self->settings, round++)))
      break;
  }
  natsOptions_Destroy (options);
  if (nc) {
    g_clear_error (&error);
    gst_nats_connection_adopt (self, nc, &error);
  }
  if (error) {
    gst_nats_connection_set_state (self, STATE_FAILED, error);
    gst_nats_connection_tell (self, GST_NATS_FAILED, error);
  }
  g_clear_error (&error);
  if (self->setup_destroy)
    self->setup_destroy (self->setup_data);
  g_free (what);
  g_free (urls);
  gst_nats_connection_unref (self);
  nats_ReleaseThreadMemory ();

  return NULL;
}

GstNatsConnection *
gst_nats_connection_new (const GstNatsSettings * settings,
    GstNatsNotify notify, gpointer user_data)
{
  return gst_nats_connection_new_full (settings, NULL, NULL, NULL, notify,
      user_data);
}

GstNatsConnection *
gst_nats_connection_new_full (const GstNatsSettings * settings,
    GstNatsSetup setup, gpointer setup_data, GDestroyNotify destroy,
    GstNatsNotify notify, gpointer user_data)
{
  GstNatsConnection *self = g_new0 (GstNatsConnection, 1);

  self->refs = 1;
  gst_nats_settings_copy (&self->settings, settings);
  if (!self->settings.servers || !*self->settings.servers) {
    g_free (self->settings.servers);
    self->settings.servers = g_strdup (GST_NATS_DEFAULT_SERVERS);
  }
  g_mutex_init (&self->lock);
  g_cond_init (&self->cond);
  g_rec_mutex_init (&self->notify_lock);
  self->notify = notify;
  self->user_data = user_data;
  self->setup = setup;
  self->setup_data = setup_data;
  self->setup_destroy = destroy;
  g_thread_unref (g_thread_new ("nats-connect", gst_nats_connection_run,
          gst_nats_connection_ref (self)));

  return self;
}

/* What may take as long as the network: closing writes what is left. */
static gpointer
gst_nats_connection_reap (gpointer data)
{
  GstNatsConnection *self = data;

  natsConnection_Close (self->nc);
  g_mutex_lock (&self->lock);
  self->reaped = TRUE;
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->lock);
  gst_nats_connection_unref (self);
  nats_ReleaseThreadMemory ();
  return NULL;
}

void
gst_nats_connection_close (GstNatsConnection * self)
{
  gint64 end = g_get_monotonic_time () + CLOSE_WAIT;
  natsConnection *nc;

  g_rec_mutex_lock (&self->notify_lock);
  self->notify = NULL;
  self->user_data = NULL;
  g_rec_mutex_unlock (&self->notify_lock);
  g_mutex_lock (&self->lock);
  self->closed = TRUE;
  self->flushing = TRUE;
  nc = self->nc;
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->lock);

  /* the thread that still connects closes what it gets by its reference */
  if (nc) {
    g_thread_unref (g_thread_new ("nats-close", gst_nats_connection_reap,
            gst_nats_connection_ref (self)));
    /* A program may end next: what is written goes with it, and cnats destroys
     * its locks at the end though others of its threads still have them. */
    g_mutex_lock (&self->lock);
    while (!self->reaped && g_cond_wait_until (&self->cond, &self->lock, end));
    g_mutex_unlock (&self->lock);
  }
  gst_nats_connection_unref (self);
}

gboolean
gst_nats_connection_wait (GstNatsConnection * self, guint timeout_ms,
    GError ** error)
{
  gint64 end = g_get_monotonic_time () + timeout_ms * G_TIME_SPAN_MILLISECOND;
  gboolean ok;

  g_mutex_lock (&self->lock);
  while (!self->flushing && self->state != STATE_CONNECTED
      && self->state != STATE_FAILED) {
    if (timeout_ms == 0)
      g_cond_wait (&self->cond, &self->lock);
    else if (!g_cond_wait_until (&self->cond, &self->lock, end))
      break;
  }
  ok = !self->flushing && self->state == STATE_CONNECTED;
  if (self->flushing)
    g_set_error_literal (error, GST_NATS_ERROR, GST_NATS_ERROR_CANCELLED,
        "Cancelled");
  else if (self->state == STATE_FAILED && error)
    *error = self->error ? g_error_copy (self->error) :
        g_error_new_literal (GST_NATS_ERROR, GST_NATS_ERROR_FAILED, "Closed");
  else if (!ok)
    g_set_error (error, GST_NATS_ERROR, GST_NATS_ERROR_TIMEOUT,
        "No connection to a server within %u ms", timeout_ms);
  g_mutex_unlock (&self->lock);

  return ok;
}

const GstNatsSettings *
gst_nats_connection_get_settings (GstNatsConnection * self)
{
  return &self->settings;
}

void
gst_nats_connection_warn (GstNatsConnection * self, const GError * error)
{
  gst_nats_connection_tell (self, GST_NATS_REFUSED, error);
}

GError *
gst_nats_connection_dup_error (GstNatsConnection * self)
{
  GError *error = NULL;

  g_mutex_lock (&self->lock);
  if (self->state == STATE_FAILED)
    error = self->error ? g_error_copy (self->error) :
        g_error_new_literal (GST_NATS_ERROR, GST_NATS_ERROR_FAILED, "Closed");
  g_mutex_unlock (&self->lock);

  return error;
}

gboolean
gst_nats_connection_is_connected (GstNatsConnection * self)
{
  gboolean connected;

  g_mutex_lock (&self->lock);
  connected = self->state == STATE_CONNECTED;
  g_mutex_unlock (&self->lock);

  return connected;
}

gboolean
gst_nats_connection_is_away (GstNatsConnection * self)
{
  gboolean away;

  g_mutex_lock (&self->lock);
  away = self->away;
  g_mutex_unlock (&self->lock);

  return away;
}

void
gst_nats_connection_set_flushing (GstNatsConnection * self, gboolean flushing)
{
  g_mutex_lock (&self->lock);
  self->flushing = flushing || self->closed;
  g_cond_broadcast (&self->cond);
  g_mutex_unlock (&self->lock);
}

natsConnection *
gst_nats_connection_get (GstNatsConnection * self)
{
  natsConnection *nc;

  g_mutex_lock (&self->lock);
  nc = self->nc;
  g_mutex_unlock (&self->lock);

  return nc;
}

jsCtx *
gst_nats_connection_get_jetstream (GstNatsConnection * self)
{
  jsCtx *js;

  g_mutex_lock (&self->lock);
  js = self->js;
  g_mutex_unlock (&self->lock);

  return js;
}

guint
gst_nats_connection_get_reconnects (GstNatsConnection * self)
{
  guint reconnects;

  g_mutex_lock (&self->lock);
  reconnects = self->reconnects;
  g_mutex_unlock (&self->lock);

  return reconnects;
}

gchar *
gst_nats_connection_dup_url (GstNatsConnection * self)
{
  natsConnection *nc = gst_nats_connection_get (self);
  char url[512];

  if (nc && natsConnection_GetConnectedUrl (nc, url, sizeof (url)) == NATS_OK
      && url[0] != '\0')
    return gst_nats_hide_secrets (url);
  return gst_nats_hide_secrets (self->settings.servers);
}

gsize
gst_nats_connection_get_max_payload (GstNatsConnection * self)
{
  gsize size;

  g_mutex_lock (&self->lock);
  size = self->max_payload;
  g_mutex_unlock (&self->lock);

  return size;
}
