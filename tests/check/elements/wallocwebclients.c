/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* wallocwebsink with many clients and those that go away; servers that start
 * again, beside each other, or cannot start. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "web-check.h"

#define MANY 20

GST_START_TEST (test_many)
{
  WebServer *s = web_start (NULL);
  GstCaps *caps;
  GPtrArray *frames = web_frames (10, NULL, &caps);
  WebClient *c[MANY];
  GBytes *bytes;
  guint i, k;

  web_caps (s, caps);
  for (i = 0; i < MANY; i++)
    c[i] = i % 2 ? web_socket (s->port, "/ws", NULL, 0) :
        web_ask (s->port, "/stream", 0);
  web_wait (s, "clients", MANY);
  for (i = 0; i < 10; i++)
    web_push (s, g_ptr_array_index (frames, i));
  for (i = 0; i < 10; i++) {
    for (k = 0; k < MANY; k++) {
      bytes = k % 2 ? web_socket_frame (c[k]) : web_chunk (c[k]);
      web_same (bytes, g_ptr_array_index (frames, i));
      g_bytes_unref (bytes);
    }
  }
  fail_unless_equals_uint64 (web_stat (s, "frames-out"), 10 * MANY);
  fail_unless_equals_uint64 (web_stat (s, "left-out"), 0);
  for (k = 0; k < MANY; k++)
    web_close (c[k]);
  web_wait_is (s, "open", 0);
  web_wait_is (s, "clients", 0);
  g_ptr_array_unref (frames);
  gst_caps_unref (caps);
  web_stop (s);
}

GST_END_TEST;

/* Clients that go in the middle of a frame, a handshake, an answer. */
GST_START_TEST (test_gone)
{
  GstCaps *caps;
  GPtrArray *frames = web_big_frames (2, NULL, &caps);
  WebServer *s = web_start (NULL);
  WebClient *c, *good = web_ask (s->port, "/stream", 0);
  guint8 some[1000];
  GBytes *chunk;
  guint i;

  web_wait (s, "clients", 1);
  web_caps (s, caps);
  for (i = 0; i < 20; i++) {
    static const gchar *const paths[] = { "/stream", "/", "/config",
      "/events", "/metrics"
    };

    if (i % 2) {
      c = web_connect (s->port, 4096);
      web_say (c, "GET %s HTTP/1.1\r\nHost: localhost\r\n\r\n",
          paths[i / 2 % G_N_ELEMENTS (paths)]);
    } else {
      c = web_socket (s->port, "/ws", NULL, 4096);
    }
    web_push (s, g_ptr_array_index (frames, i % 2));
    if (i % 3 == 0)
      web_read (c, some, 10 + i);
    web_close (c);
    chunk = web_chunk (good);
    web_same (chunk, g_ptr_array_index (frames, i % 2));
    g_bytes_unref (chunk);
  }
  web_push (s, g_ptr_array_index (frames, 0));
  web_wait_is (s, "open", 1);
  web_wait_is (s, "clients", 1);
  web_close (good);
  g_ptr_array_unref (frames);
  gst_caps_unref (caps);
  web_stop (s);
}

GST_END_TEST;

/* Clients are told when the server stops; it starts on the same port again,
 * and nothing of before is there. */
GST_START_TEST (test_restart)
{
  WebServer *s = web_start (NULL);
  GstCaps *caps;
  GPtrArray *frames = web_frames (1, NULL, &caps);
  guint port = s->port, now, i;

  web_caps (s, caps);
  for (i = 0; i < 4; i++) {
    WebClient *socket = web_socket (port, "/ws", NULL, 0);
    WebClient *stream = web_ask (port, "/stream", 0);
    WebClient *events = web_ask (port, "/events", 0);
    gchar *answer;

    web_wait (s, "clients", 3);
    gst_element_set_state (s->element, GST_STATE_NULL);
    fail_unless_equals_int (web_socket_code (socket), 1001);
    fail_unless (web_is_ended (stream));
    fail_unless (web_is_ended (events));
    web_close (socket);
    web_close (stream);
    web_close (events);
    g_object_set (s->element, "port", port, NULL);
    fail_unless (gst_element_set_state (s->element, GST_STATE_PLAYING) !=
        GST_STATE_CHANGE_FAILURE);
    g_object_get (s->element, "port", &now, NULL);
    fail_unless_equals_int (now, port);
    fail_unless_equals_uint64 (web_stat (s, "connections"), 0);
    answer = web_get (port, "/config", NULL);
    fail_unless (strstr (answer, "\"streams\":[]") != NULL);
    g_free (answer);
  }
  g_ptr_array_unref (frames);
  gst_caps_unref (caps);
  web_stop (s);
}

GST_END_TEST;

/* The server stops while clients are about to come, in whatever state. */
GST_START_TEST (test_stop_among_requests)
{
  guint i, k;

  for (i = 0; i < 5; i++) {
    WebServer *s = web_start (NULL);
    WebClient *c[8];

    for (k = 0; k < 8; k++) {
      c[k] = web_connect (s->port, 0);
      web_say (c[k], k % 2 ? "GET /stream HTTP/1.1\r\nHost: localhost\r\n\r\n"
          : "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    }
    g_usleep (i * 700);
    gst_element_set_state (s->element, GST_STATE_NULL);
    for (k = 0; k < 8; k++) {
      fail_unless (web_is_ended (c[k]));
      web_close (c[k]);
    }
    web_stop (s);
  }
}

GST_END_TEST;

GST_START_TEST (test_port_in_use)
{
  WebServer *s = web_start (NULL), *second;
  gchar *launch = g_strdup_printf ("wallocwebsink port=%u", s->port);
  GstElement *other = gst_parse_launch (launch, NULL);
  GstBus *bus = gst_bus_new ();
  GstMessage *message;
  GError *error;
  gchar *answer;

  gst_element_set_bus (other, bus);
  fail_unless_equals_int (gst_element_set_state (other, GST_STATE_PAUSED),
      GST_STATE_CHANGE_FAILURE);
  message = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
  fail_unless (message != NULL);
  gst_message_parse_error (message, &error, NULL);
  fail_unless (g_error_matches (error, GST_RESOURCE_ERROR,
          GST_RESOURCE_ERROR_BUSY));
  fail_unless (strstr (error->message, "port") != NULL);
  g_error_free (error);
  gst_message_unref (message);
  gst_element_set_state (other, GST_STATE_NULL);
  gst_element_set_bus (other, NULL);
  gst_object_unref (other);
  gst_object_unref (bus);
  g_free (launch);

  /* two beside each other */
  second = web_start (NULL);
  fail_unless (second->port != s->port);
  answer = web_get (s->port, "/config", NULL);
  fail_unless_equals_int (web_status (answer), 200);
  g_free (answer);
  web_stop (s);
  answer = web_get (second->port, "/config", NULL);
  fail_unless_equals_int (web_status (answer), 200);
  g_free (answer);
  web_stop (second);
}

GST_END_TEST;

/* What a program is told: a message with the address. */
GST_START_TEST (test_message)
{
  WebServer *s = web_start (NULL);
  GstMessage *message = gst_bus_pop_filtered (s->bus, GST_MESSAGE_ELEMENT);
  const GstStructure *structure;
  gchar *url;
  guint port;

  fail_unless (message != NULL);
  structure = gst_message_get_structure (message);
  fail_unless (gst_structure_has_name (structure, "wallocwebsink"));
  fail_unless (gst_structure_get_uint (structure, "port", &port));
  fail_unless_equals_int (port, s->port);
  g_object_get (s->element, "url", &url, NULL);
  fail_unless_equals_string (gst_structure_get_string (structure, "url"), url);
  g_free (url);
  gst_message_unref (message);
  web_stop (s);
}

GST_END_TEST;

static GPtrArray *
decode (GPtrArray * frames, GstCaps * caps)
{
  GPtrArray *pictures =
      g_ptr_array_new_with_free_func ((GDestroyNotify) gst_buffer_unref);
  GstHarness *h = check_decoder ("decoder=linear");
  guint i;

  gst_harness_set_src_caps (h, gst_caps_ref (caps));
  for (i = 0; i < frames->len; i++)
    g_ptr_array_add (pictures, gst_harness_push_and_pull (h,
            gst_buffer_ref (g_ptr_array_index (frames, i))));
  gst_harness_teardown (h);

  return pictures;
}

static void
on_picture (GstElement * sink, GstBuffer * buffer, GstPad * pad, gpointer data)
{
  g_ptr_array_add (data, gst_buffer_ref (buffer));
}

/* A pipeline that plays what the server sends: the pictures are those of the
 * frames. */
GST_START_TEST (test_souphttpsrc)
{
  WebServer *s = web_start (NULL);
  GstCaps *caps;
  GPtrArray *frames = web_still (12, &caps), *pictures, *got;
  GstElement *pipeline, *sink;
  GstMessage *message;
  gchar *launch;
  GstBus *bus;
  guint i;

  if (!gst_registry_check_feature_version (gst_registry_get (), "souphttpsrc",
          1, 22, 0)) {
    g_print ("SKIP: there is no souphttpsrc\n");
    web_stop (s);
    g_ptr_array_unref (frames);
    gst_caps_unref (caps);
    return;
  }
  pictures = decode (frames, caps);
  got = g_ptr_array_new_with_free_func ((GDestroyNotify) gst_buffer_unref);
  launch = g_strdup_printf ("souphttpsrc location=http://127.0.0.1:%u/stream "
      "! wallocparse ! wallocdec decoder=linear ! fakesink name=out signal-handoffs=true "
      "sync=false", s->port);
  pipeline = gst_parse_launch (launch, NULL);
  fail_unless (pipeline != NULL);
  sink = gst_bin_get_by_name (GST_BIN (pipeline), "out");
  g_signal_connect (sink, "handoff", G_CALLBACK (on_picture), got);
  gst_object_unref (sink);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  web_wait (s, "clients", 1);
  web_caps (s, caps);
  for (i = 0; i < frames->len; i++)
    web_push (s, g_ptr_array_index (frames, i));
  gst_harness_push_event (s->h, gst_event_new_eos ());

  bus = gst_element_get_bus (pipeline);
  message = gst_bus_timed_pop_filtered (bus, WEB_PATIENCE * GST_SECOND,
      GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  fail_unless (message != NULL);
  fail_unless_equals_int (GST_MESSAGE_TYPE (message), GST_MESSAGE_EOS);
  gst_message_unref (message);
  gst_object_unref (bus);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (pipeline);
  g_free (launch);

  fail_unless_equals_int (got->len, pictures->len);
  for (i = 0; i < got->len; i++) {
    GstMapInfo map;

    fail_unless (gst_buffer_map (g_ptr_array_index (pictures, i), &map,
            GST_MAP_READ));
    fail_unless_equals_uint64 (gst_buffer_get_size (g_ptr_array_index (got,
                i)), map.size);
    fail_unless (gst_buffer_memcmp (g_ptr_array_index (got, i), 0, map.data,
            map.size) == 0, "picture %u", i);
    gst_buffer_unmap (g_ptr_array_index (pictures, i), &map);
  }
  g_ptr_array_unref (got);
  g_ptr_array_unref (pictures);
  g_ptr_array_unref (frames);
  gst_caps_unref (caps);
  web_stop (s);
}

GST_END_TEST;

static Suite *
wallocwebclients_suite (void)
{
  Suite *s = suite_create ("wallocwebclients");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (s, tc);
  tcase_set_timeout (tc, 60);
  tcase_add_test (tc, test_many);
  tcase_add_test (tc, test_gone);
  tcase_add_test (tc, test_restart);
  tcase_add_test (tc, test_stop_among_requests);
  tcase_add_test (tc, test_port_in_use);
  tcase_add_test (tc, test_message);
  tcase_add_test (tc, test_souphttpsrc);

  return s;
}

GST_CHECK_MAIN (wallocwebclients);
