/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A nats-server of a test's own: free port of loopback, folder of its own; it
 * dies with the test. */
#ifndef NATS_CHECK_H
#define NATS_CHECK_H

#include <gst/check/gstcheck.h>
#include <gst/check/gstharness.h>
#include <glib/gstdio.h>

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>

typedef struct
{
  GPid pid;
  gchar *dir, *url, *extra;
  guint port;
} NatsServer;

static gboolean
nats_server_there (void)
{
  gchar *path = g_find_program_in_path ("nats-server");
  gboolean there = path != NULL;

  g_free (path);
  return there;
}

static void
nats_server_die_with_parent (gpointer data)
{
  prctl (PR_SET_PDEATHSIG, SIGKILL);
}

static void
nats_server_run (NatsServer * server)
{
  gchar *config = g_strdup_printf ("listen: \"127.0.0.1:%d\"\n"
      "server_name: one\nports_file_dir: \"%s\"\nlogfile: \"%s/log\"\n"
      "jetstream { store_dir: \"%s/js\", max_file_store: 1G }\n%s\n",
      server->port ? (int) server->port : -1, server->dir, server->dir,
      server->dir, server->extra);
  gchar *file = g_build_filename (server->dir, "server.conf", NULL);
  const gchar *argv[] = { "nats-server", "-c", file, NULL };
  gchar *name, *text = NULL, *at;
  guint i;

  fail_unless (g_file_set_contents (file, config, -1, NULL));
  fail_unless (g_spawn_async (NULL, (gchar **) argv, NULL,
          G_SPAWN_SEARCH_PATH | G_SPAWN_DO_NOT_REAP_CHILD
          | G_SPAWN_STDOUT_TO_DEV_NULL | G_SPAWN_STDERR_TO_DEV_NULL,
          nats_server_die_with_parent, NULL, &server->pid, NULL));
  name = g_strdup_printf ("%s/nats-server_%d.ports", server->dir, server->pid);
  for (i = 0; i < 600; i++) {
    g_usleep (50000);
    fail_unless (waitpid (server->pid, NULL, WNOHANG) == 0,
        "nats-server refuses %s", file);
    if (g_file_get_contents (name, &text, NULL, NULL)
        && strstr (text, "127.0.0.1:"))
      break;
    g_clear_pointer (&text, g_free);
  }
  fail_unless (text != NULL, "nats-server does not begin; see %s/log",
      server->dir);
  at = strstr (text, "127.0.0.1:");
  server->port = (guint) g_ascii_strtoull (at + strlen ("127.0.0.1:"), NULL,
      10);
  g_free (server->url);
  server->url = g_strdup_printf ("nats://127.0.0.1:%u", server->port);
  g_free (text);
  g_free (name);
  g_free (file);
  g_free (config);
}

/* @extra: more lines of the configuration */
static NatsServer *
nats_server_start (const gchar * extra)
{
  NatsServer *server = g_new0 (NatsServer, 1);

  server->dir = g_dir_make_tmp ("nats-check-XXXXXX", NULL);
  server->extra = g_strdup (extra ? extra : "");
  nats_server_run (server);
  return server;
}

static void
nats_server_kill (NatsServer * server)
{
  kill (server->pid, SIGKILL);
  waitpid (server->pid, NULL, 0);
  g_spawn_close_pid (server->pid);
  server->pid = 0;
}

static void
nats_server_stop (NatsServer * server)
{
  const gchar *argv[] = { "rm", "-rf", server->dir, NULL };

  if (server->pid)
    nats_server_kill (server);
  g_spawn_sync (NULL, (gchar **) argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL,
      NULL, NULL, NULL, NULL);
  g_free (server->dir);
  g_free (server->url);
  g_free (server->extra);
  g_free (server);
}

/* A harness around one element with properties "name=value ..." */
static GstHarness *
nats_harness (NatsServer * server, const gchar * format, ...)
{
  va_list args;
  gchar *text, *line;
  GstHarness *h;
  GstBus *bus = gst_bus_new ();
  GstElement *element;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  line = server ? g_strdup_printf ("%s servers=%s", text, server->url) :
      g_strdup (text);
  element = gst_parse_launch (line, NULL);
  fail_unless (element != NULL, "%s", line);
  gst_element_set_bus (element, bus);
  h = gst_harness_new_with_element (element,
      g_str_has_prefix (format, "natssink") ? "sink" : NULL,
      g_str_has_prefix (format, "natssrc") ? "src" : NULL);
  g_object_set_data_full (G_OBJECT (element), "bus", bus, gst_object_unref);
  g_free (text);
  g_free (line);
  gst_object_unref (element);

  return h;
}

static GstBus *
nats_bus (GstHarness * h)
{
  return g_object_get_data (G_OBJECT (h->element), "bus");
}

static guint64
nats_stat (GstHarness * h, const gchar * name)
{
  GstStructure *stats = NULL;
  const GValue *value;
  guint64 n = 0;

  g_object_get (h->element, "stats", &stats, NULL);
  value = gst_structure_get_value (stats, name);
  fail_unless (value != NULL, "no field %s", name);
  if (G_VALUE_HOLDS_BOOLEAN (value))
    n = g_value_get_boolean (value);
  else if (G_VALUE_HOLDS_UINT (value))
    n = g_value_get_uint (value);
  else
    n = g_value_get_uint64 (value);
  gst_structure_free (stats);

  return n;
}

/* Waits until it is at least @n. */
static void
nats_await (GstHarness * h, const gchar * name, guint64 n)
{
  GstMessage *message;
  GError *error = NULL;
  guint i;

  for (i = 0; i < 2000 && nats_stat (h, name) < n; i++)
    g_usleep (25000);
  if (nats_stat (h, name) >= n)
    return;
  message = gst_bus_pop_filtered (nats_bus (h), GST_MESSAGE_ERROR);
  if (message)
    gst_message_parse_error (message, &error, NULL);
  fail ("%s of %s is %" G_GUINT64_FORMAT " and not %" G_GUINT64_FORMAT ": %s",
      name, GST_OBJECT_NAME (h->element), nats_stat (h, name), n, error ?
      error->message : "no error");
}

/* A natssrc that has begun to receive. */
static GstHarness *
nats_receiver (NatsServer * server, const gchar * properties)
{
  GstHarness *h = nats_harness (server, "natssrc %s", properties);

  gst_harness_play (h);
  nats_await (h, "subscribed", 1);
  return h;
}

static GstHarness *
nats_sender (NatsServer * server, const gchar * properties)
{
  GstHarness *h = nats_harness (server, "natssink %s", properties);

  gst_harness_play (h);
  gst_harness_set_src_caps_str (h, "application/x-test, number=(int)1");
  return h;
}

/* A buffer whose bytes depend on @seed. */
static GstBuffer *
nats_buffer_new (guint seed, gsize size)
{
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, size, NULL);
  GstMapInfo map;
  guint32 x = seed * 2654435761u + 1;
  gsize i;

  gst_buffer_map (buffer, &map, GST_MAP_WRITE);
  for (i = 0; i < size; i++) {
    x = x * 1664525u + 1013904223u;
    map.data[i] = (guint8) (x >> 24);
  }
  gst_buffer_unmap (buffer, &map);
  GST_BUFFER_PTS (buffer) = seed * GST_MSECOND;

  return buffer;
}

G_GNUC_UNUSED static gboolean
nats_buffer_is (GstBuffer * buffer, guint seed, gsize size)
{
  GstBuffer *expected = nats_buffer_new (seed, size);
  GstMapInfo map;
  gboolean same = gst_buffer_get_size (buffer) == size;

  gst_buffer_map (expected, &map, GST_MAP_READ);
  same = same && gst_buffer_memcmp (buffer, 0, map.data, map.size) == 0;
  gst_buffer_unmap (expected, &map);
  gst_buffer_unref (expected);

  return same;
}

/* The next message of that type within a minute, to be unreffed. */
static GstMessage *
nats_message (GstHarness * h, GstMessageType type)
{
  GstMessage *message = gst_bus_timed_pop_filtered (nats_bus (h),
      60 * GST_SECOND, type);

  fail_unless (message != NULL, "no such message of %s", GST_OBJECT_NAME
      (h->element));
  return message;
}

/* The element fails with that code; @word is in what it says. */
G_GNUC_UNUSED static void
nats_expect_error (GstHarness * h, gint code, const gchar * word)
{
  GstMessage *message = nats_message (h, GST_MESSAGE_ERROR);
  GError *error = NULL;
  gchar *debug = NULL;

  gst_message_parse_error (message, &error, &debug);
  fail_unless (g_error_matches (error, GST_RESOURCE_ERROR, code),
      "code %d: %s (%s)", error->code, error->message, debug);
  fail_unless (strstr (error->message, word) || strstr (debug, word),
      "no \"%s\" in: %s (%s)", word, error->message, debug);
  g_error_free (error);
  g_free (debug);
  gst_message_unref (message);
}

/* A probe: nobody takes buffers while *user_data is true. */
G_GNUC_UNUSED static GstPadProbeReturn
nats_hold_buffer (GstPad * pad, GstPadProbeInfo * info, gpointer user_data)
{
  gint *hold = user_data;

  while (g_atomic_int_get (hold))
    g_usleep (5000);
  return GST_PAD_PROBE_OK;
}

#endif /* NATS_CHECK_H */
