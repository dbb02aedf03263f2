/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* wallocwebsink over time and in other surroundings: an end that does not come,
 * more frames than there is time for, models that come later or are many,
 * locales. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <glib/gstdio.h>
#include <locale.h>

#include "web-check.h"

static gpointer
push_eos (gpointer data)
{
  gst_harness_push_event (data, gst_event_new_eos ());
  return NULL;
}

static GstPadProbeReturn
on_event (GstPad * pad, GstPadProbeInfo * info, gpointer data)
{
  if (GST_EVENT_TYPE (GST_PAD_PROBE_INFO_EVENT (info)) == GST_EVENT_EOS)
    g_atomic_int_set ((gint *) data, 1);
  return GST_PAD_PROBE_OK;
}

/* An end that is flushed away while it waits is none for clients. */
GST_START_TEST (test_flushed_end)
{
  WebServer *s = web_start (NULL);
  GstCaps *caps;
  GPtrArray *frames = web_frames (2, NULL, &caps);
  WebClient *c = web_ask (s->port, "/stream", 0);
  GstSegment segment;
  GThread *thread;
  GBytes *chunk;
  gint on_its_way = 0;

  web_wait (s, "clients", 1);
  web_caps (s, caps);
  web_push (s, g_ptr_array_index (frames, 0));
  chunk = web_chunk (c);
  g_bytes_unref (chunk);

  gst_element_set_state (s->element, GST_STATE_PAUSED);
  gst_pad_add_probe (s->h->srcpad, GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM,
      on_event, &on_its_way, NULL);
  thread = g_thread_new ("eos", push_eos, s->h);
  while (!g_atomic_int_get (&on_its_way))
    g_usleep (1000);
  /* until it waits; if it does not yet, it is flushed before the element */
  g_usleep (100000);
  gst_harness_push_event (s->h, gst_event_new_flush_start ());
  g_thread_join (thread);
  gst_harness_push_event (s->h, gst_event_new_flush_stop (TRUE));
  gst_element_set_state (s->element, GST_STATE_PLAYING);
  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_harness_push_event (s->h, gst_event_new_segment (&segment));
  web_push (s, g_ptr_array_index (frames, 1));
  chunk = web_chunk (c);
  fail_unless (chunk != NULL, "the client was told of an end");
  web_same (chunk, g_ptr_array_index (frames, 1));
  g_bytes_unref (chunk);
  web_close (c);
  g_ptr_array_unref (frames);
  gst_caps_unref (caps);
  web_stop (s);
}

GST_END_TEST;

#define BUSY 12

/* Frames come faster than the network thread can hand them out: those that were
 * left out are not missed for ever, as a key frame is asked for. */
GST_START_TEST (test_overrun)
{
  WebServer *s = web_start ("max-queue-bytes=4000000000 "
      "max-queue-time=3600000000000");
  GstCaps *caps;
  GPtrArray *frames = web_still (2, &caps);
  WebClient *c[BUSY];
  GstEvent *event;
  gchar *answer;
  gint64 end;
  guint i;

  for (i = 0; i < BUSY; i++)
    c[i] = web_socket (s->port, "/ws", NULL, 0);
  web_wait (s, "clients", BUSY);
  web_caps (s, caps);
  web_push (s, g_ptr_array_index (frames, 0));
  end = g_get_monotonic_time () + WEB_PATIENCE * G_USEC_PER_SEC;
  while (web_stat (s, "overrun") == 0) {
    fail_unless (g_get_monotonic_time () < end);
    for (i = 0; i < 1000; i++)
      web_push (s, g_ptr_array_index (frames, 1));
  }
  web_wait (s, "key-requests", 1);
  fail_unless_equals_uint64 (web_stat (s, "left-out"), 0);
  do {
    event = gst_harness_pull_upstream_event (s->h);
    fail_unless (event != NULL);
    i = gst_event_has_name (event, "GstForceKeyUnit");
    gst_event_unref (event);
  } while (!i);
  answer = web_get (s->port, "/health", NULL);
  fail_unless_equals_int (web_status (answer), 200);
  g_free (answer);
  for (i = 0; i < BUSY; i++)
    web_close (c[i]);
  g_ptr_array_unref (frames);
  gst_caps_unref (caps);
  web_stop (s);
}

GST_END_TEST;

static guint
ask_for_model (WebServer * s, const gchar * id)
{
  gchar *path = g_strdup_printf ("/models/%s.wlm", id);
  gchar *answer = web_get (s->port, path, NULL);
  guint status = web_status (answer);

  g_free (answer);
  g_free (path);

  return status;
}

/* Somebody puts a model file where it was missing: no need to start again. */
GST_START_TEST (test_model_comes_later)
{
  gchar *folder = g_dir_make_tmp ("wallocweb-XXXXXX", NULL), *data;
  gchar *path = g_build_filename (folder, "later.wlm", NULL);
  gchar *props = g_strdup_printf ("model-file=%s", path);
  WebServer *s = web_start (props);
  GstCaps *caps;
  GPtrArray *frames = web_frames (1, NULL, &caps);
  const gchar *id = gst_structure_get_string (gst_caps_get_structure (caps, 0),
      "model-id");
  gint64 end;
  gsize size;

  web_caps (s, caps);
  web_push (s, g_ptr_array_index (frames, 0));
  web_wait (s, "frames-in", 1);
  fail_unless_equals_int (ask_for_model (s, id), 404);
  fail_unless (g_file_get_contents (check_model (), &data, &size, NULL));
  fail_unless (g_file_set_contents (path, data, size, NULL));
  end = g_get_monotonic_time () + WEB_PATIENCE * G_USEC_PER_SEC;
  while (ask_for_model (s, id) != 200) {
    fail_unless (g_get_monotonic_time () < end, "it is never found");
    g_usleep (100000);
  }
  web_stop (s);
  g_unlink (path);
  g_rmdir (folder);
  g_free (data);
  g_free (props);
  g_free (path);
  g_free (folder);
  g_ptr_array_unref (frames);
  gst_caps_unref (caps);
}

GST_END_TEST;

/* A stream that changes its model all the time: the newest are there. */
GST_START_TEST (test_many_models)
{
  WebServer *s = web_start (NULL);
  gchar *answer, id[17];
  const gchar *p;
  gint64 end;
  guint i, n = 0;

  for (i = 1; i <= 40; i++) {
    GstCaps *caps = gst_caps_from_string ("video/x-walloc, alignment=frame, "
        "parsed=true");

    g_snprintf (id, sizeof (id), "%016x", i);
    gst_caps_set_simple (caps, "model-id", G_TYPE_STRING, id, NULL);
    gst_harness_set_src_caps (s->h, caps);
  }
  end = g_get_monotonic_time () + WEB_PATIENCE * G_USEC_PER_SEC;
  for (;;) {
    answer = web_get (s->port, "/config", NULL);
    if (strstr (answer, id))
      break;
    g_free (answer);
    fail_unless (g_get_monotonic_time () < end, "the last is not there");
    g_usleep (10000);
  }
  for (p = answer; (p = strstr (p, "\"00000000000000")); p++)
    n++;
  fail_unless_equals_int (n, 16);
  fail_unless (strstr (answer, "\"0000000000000018\"") == NULL);
  fail_unless (strstr (answer, "\"0000000000000019\"") != NULL);
  g_free (answer);
  web_stop (s);
}

GST_END_TEST;

/* A locale with a comma in its numbers; FALSE where none can be made. */
static gboolean
set_comma (const gchar * folder)
{
  gchar *made = g_build_filename (folder, "de_DE.UTF-8", NULL), *out = NULL;
  gchar *argv[] = { (gchar *) "localedef", (gchar *) "-i", (gchar *) "de_DE",
    (gchar *) "-f", (gchar *) "UTF-8", made, NULL
  };

  g_setenv ("LOCPATH", folder, TRUE);
  g_spawn_sync (NULL, argv, NULL, G_SPAWN_SEARCH_PATH |
      G_SPAWN_STDERR_TO_DEV_NULL, NULL, NULL, &out, NULL, NULL, NULL);
  g_free (out);
  g_free (made);

  return setlocale (LC_NUMERIC, "de_DE.UTF-8") != NULL
      && *localeconv ()->decimal_point == ',';
}

/* What goes over the wire is the same in every locale. */
GST_START_TEST (test_locale)
{
  gchar *folder = g_dir_make_tmp ("wallocweb-XXXXXX", NULL), *text, *remove;
  WebServer *s = web_start (NULL);
  WebClient *c;

  if (set_comma (folder)) {
    text = web_get (s->port, "/metrics", NULL);
    fail_unless (strchr (strstr (text, "\nwalloc_web_uptime_seconds "), '.')
        != NULL, "%s", text);
    fail_unless (strchr (strstr (text, "\nwalloc_web_uptime_seconds "), ',')
        == NULL, "%s", text);
    g_free (text);
    text = web_get (s->port, "/health", NULL);
    fail_unless (strstr (text, "\"seconds-up\":0.") != NULL
        || strchr (strstr (text, "\"seconds-up\":"), '.') != NULL, "%s", text);
    g_free (text);
    c = web_socket (s->port, "/ws", NULL, 0);
    web_socket_say (c, "{\"type\":\"ping\",\"t\":-12.25}");
    text = web_socket_text (c, "pong");
    fail_unless (g_str_has_prefix (text, "{\"type\":\"pong\",\"t\":-12.25,"),
        "%s", text);
    g_free (text);
    web_close (c);
    setlocale (LC_ALL, "C");
  } else {
    g_print ("SKIP: there is no locale with a comma\n");
  }
  remove = g_strdup_printf ("rm -r '%s'", folder);
  g_spawn_command_line_sync (remove, NULL, NULL, NULL, NULL);
  g_free (remove);
  g_free (folder);
  web_stop (s);
}

GST_END_TEST;

static Suite *
wallocweblife_suite (void)
{
  Suite *s = suite_create ("wallocweblife");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (s, tc);
  tcase_set_timeout (tc, 60);
  tcase_add_test (tc, test_flushed_end);
  tcase_add_test (tc, test_overrun);
  tcase_add_test (tc, test_model_comes_later);
  tcase_add_test (tc, test_many_models);
  tcase_add_test (tc, test_locale);

  return s;
}

GST_CHECK_MAIN (wallocweblife);
