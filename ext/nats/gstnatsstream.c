/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <string.h>

#include "gstnatsstream.h"

/* A cluster that just began, or lost its leader, refuses for some seconds. */
#define RETRIES 20
#define RETRY_WAIT 250          /* ms */
#define MAX_SUBJECTS 64

void
gst_nats_stream_config_init (GstNatsStreamConfig * config)
{
  memset (config, 0, sizeof (*config));
  config->max_bytes = config->max_messages = -1;
  config->replicas = 1;
  config->discard = js_DiscardOld;
}

void
gst_nats_stream_config_clear (GstNatsStreamConfig * config)
{
  g_free (config->name);
  g_free (config->subjects);
  config->name = config->subjects = NULL;
}

void
gst_nats_stream_config_copy (GstNatsStreamConfig * to,
    const GstNatsStreamConfig * from)
{
  *to = *from;
  to->name = g_strdup (from->name);
  to->subjects = g_strdup (from->subjects);
}

gboolean
gst_nats_name_is_valid (const gchar * name)
{
  gsize i;

  for (i = 0; name && name[i]; i++) {
    if ((guchar) name[i] <= ' ' || strchr (".*>/\\", name[i])
        || name[i] == 127)
      return FALSE;
  }
  return i > 0 && i < 256;
}

static natsStatus
gst_nats_stream_add (jsCtx * js, const GstNatsStreamConfig * config,
    jsErrCode * code)
{
  const char *subjects[2 * MAX_SUBJECTS];
  gchar **list = g_strsplit (config->subjects, ",", MAX_SUBJECTS);
  guint n = g_strv_length (list), i;
  gchar **chunks = g_new0 (gchar *, n + 1);
  jsStreamConfig sc;
  natsStatus s;

  for (i = 0; i < n; i++) {
    g_strstrip (list[i]);
    chunks[i] = g_strconcat (GST_NATS_CHUNK_PREFIX, list[i], NULL);
    subjects[2 * i] = list[i];
    subjects[2 * i + 1] = chunks[i];
  }
  jsStreamConfig_Init (&sc);
  sc.Name = config->name;
  sc.Description = "Buffers of GStreamer, by natssink";
  sc.Subjects = subjects;
  sc.SubjectsLen = 2 * n;
  sc.MaxBytes = config->max_bytes;
  sc.MaxMsgs = config->max_messages;
  sc.MaxAge = (int64_t) config->max_age;
  sc.Duplicates = (int64_t) config->duplicate_window;
  /* the server refuses a window that is longer than messages live */
  if (sc.MaxAge > 0 && (sc.Duplicates == 0 || sc.Duplicates > sc.MaxAge))
    sc.Duplicates = MIN (sc.MaxAge, sc.Duplicates ? sc.Duplicates :
        120 * G_GINT64_CONSTANT (1000000000));
  sc.Replicas = config->replicas;
  sc.Storage = config->storage;
  sc.Discard = config->discard;
  sc.Retention = config->retention;
  /* any server then answers whoever fetches chunks */
  sc.AllowDirect = true;
  s = js_AddStream (NULL, js, &sc, NULL, code);
  g_strfreev (list);
  g_strfreev (chunks);

  return s;
}

static gboolean
gst_nats_stream_worth_retry (natsStatus s, jsErrCode code)
{
  return code == JSClusterNotAvailErr || code == JSClusterNoPeersErr
      || code == JSInsufficientResourcesErr || code == JSClusterNotLeaderErr
      || (code == 0 && s == NATS_TIMEOUT);
}

gboolean
gst_nats_stream_wait (GstNatsConnection * connection, guint round,
    const GError * error)
{
  const GstNatsSettings *settings =
      gst_nats_connection_get_settings (connection);
  GError *warning;

  if (!settings->wait_for_server
      || !g_error_matches (error, GST_NATS_ERROR, GST_NATS_ERROR_NO_STREAM)
      || (settings->max_reconnect >= 0
          && round >= (guint) settings->max_reconnect))
    return FALSE;
  if (round == 0) {
    warning = g_error_new (GST_NATS_ERROR, GST_NATS_ERROR_NO_STREAM,
        "Waiting for the stream: %s", error->message);
    gst_nats_connection_warn (connection, warning);
    g_error_free (warning);
  }
  return gst_nats_connection_sleep (connection,
      gst_nats_settings_delay (settings, round));
}

static gboolean
gst_nats_stream_try (GstNatsConnection * connection,
    const GstNatsStreamConfig * config, GError ** error)
{
  jsCtx *js = gst_nats_connection_get_jetstream (connection);
  natsStatus s = NATS_OK;
  jsErrCode code = 0;
  gboolean lost;
  gchar *what;
  gint i;

  for (i = 0; i < RETRIES; i++) {
    jsStreamInfo *info = NULL;

    code = 0;
    s = js_GetStreamInfo (&info, js, config->name, NULL, &code);
    jsStreamInfo_Destroy (info);
    if (s == NATS_NOT_FOUND && config->subjects) {
      code = 0;
      s = gst_nats_stream_add (js, config, &code);
      /* another sink was faster */
      if (code == JSStreamNameExistErr)
        s = NATS_OK;
    }
    /* however long that takes: max-reconnect ends it */
    lost = code == 0 && (s == NATS_CONNECTION_DISCONNECTED
        || (s == NATS_TIMEOUT && gst_nats_connection_is_away (connection)));
    if (lost)
      i--;
    if (s == NATS_OK || !(lost || gst_nats_stream_worth_retry (s, code))
        || !gst_nats_connection_sleep (connection, RETRY_WAIT))
      break;
  }
  if (s == NATS_OK)
    return TRUE;
  if (s == NATS_NOT_FOUND && code == 0)
    code = JSStreamNotFoundErr;
  what = g_strdup_printf ("%s the stream %s", config->subjects ? "make" :
      "use", config->name);
  gst_nats_set_error (error, s, code, what);
  g_free (what);

  return FALSE;
}

gboolean
gst_nats_stream_ensure (GstNatsConnection * connection, gpointer user_data,
    GError ** error)
{
  const GstNatsStreamConfig *config = user_data;
  GError *tried = NULL;
  guint round = 0;

  while (config->name && !gst_nats_stream_try (connection, config, &tried)) {
    if (!gst_nats_stream_wait (connection, round++, tried)) {
      g_propagate_error (error, tried);
      return FALSE;
    }
    g_clear_error (&tried);
  }

  return TRUE;
}
