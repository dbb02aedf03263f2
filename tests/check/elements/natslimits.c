/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* natssink and natssrc at the limits of what streams and servers store, and with
 * settings that cannot be. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "nats-stream-check.h"

static gpointer
push_one (gpointer data)
{
  return GINT_TO_POINTER (gst_harness_push (data, nats_buffer_new (99, 1000)));
}

/* A full stream that refuses holds the sender; work that is done frees it. */
GST_START_TEST (test_full_stream_holds)
{
  NatsServer *server = nats_server_start (NULL);
  GstHarness *sink = maker (server, CREATE "discard=new "
      "retention=work-queue stream-max-messages=5 max-pending-messages=2");
  GstHarness *src;
  GThread *thread;
  guint i;

  push_many (sink, 0, 5, 1000);
  nats_await (sink, "acknowledged", 5);
  push_many (sink, 5, 2, 1000);
  nats_await (sink, "refused", 2);
  thread = g_thread_new ("push", push_one, sink);
  fail_unless_equals_uint64 (nats_stat (sink, "acknowledged"), 5);
  src = nats_receiver (server, READ "durable=w");
  for (i = 0; i < 8; i++) {
    GstBuffer *buffer = gst_harness_pull (src);

    fail_unless (buffer != NULL);
    gst_buffer_unref (buffer);
  }
  fail_unless_equals_int (GPOINTER_TO_INT (g_thread_join (thread)),
      GST_FLOW_OK);
  nats_await (sink, "acknowledged", 8);
  fail_unless_equals_uint64 (nats_stat (sink, "lost"), 0);
  gst_harness_teardown (src);
  gst_harness_teardown (sink);
  nats_server_stop (server);
}

GST_END_TEST;

/* Such a stream drops at once what no consumer asks for, and none asks for
 * chunks: refused, where receivers would miss them. */
GST_START_TEST (test_interest)
{
  NatsServer *server = nats_server_start ("max_payload: 8192\n");
  GstHarness *sink = maker (server, CREATE "retention=interest");
  GstHarness *src = nats_receiver (server, READ "durable=w");

  push_many (sink, 0, 1, 500);
  gst_buffer_unref (pull_one (src, 0, 500));
  fail_unless_equals_int (gst_harness_push (sink, nats_buffer_new (1, 50000)),
      GST_FLOW_ERROR);
  nats_expect_error (sink, GST_RESOURCE_ERROR_WRITE, "retention=interest");
  gst_harness_teardown (src);
  gst_harness_teardown (sink);
  nats_server_stop (server);
}

GST_END_TEST;

/* Nobody frees it: an error that says so, or counted losses. */
GST_START_TEST (test_full_stream_fails)
{
  NatsServer *server = nats_server_start (NULL);
  GstHarness *sink = maker (server, CREATE "discard=new "
      "stream-max-messages=5 publish-ack-timeout=500000000");

  push_many (sink, 0, 6, 1000);
  nats_expect_error (sink, GST_RESOURCE_ERROR_NO_SPACE_LEFT, "limit");
  fail_unless_equals_uint64 (nats_stat (sink, "acknowledged"), 5);
  fail_unless_equals_int (gst_harness_push (sink, nats_buffer_new (0, 10)),
      GST_FLOW_ERROR);
  gst_harness_teardown (sink);

  sink = nats_sender (server, STREAM "subject=s.2 drop-on-timeout=true "
      "publish-ack-timeout=500000000");
  push_many (sink, 0, 3, 1000);
  nats_await (sink, "lost", 3);
  fail_unless (gst_bus_pop_filtered (nats_bus (sink), GST_MESSAGE_ERROR) ==
      NULL);
  gst_harness_teardown (sink);
  nats_server_stop (server);
}

GST_END_TEST;

/* The server may store no more. */
GST_START_TEST (test_full_server)
{
  NatsServer *server = nats_server_start
      ("accounts { A { users: [ { user: a, password: a } ], jetstream: { "
      "max_file: 200000 } } }\n");
  GstHarness *sink = maker (server, CREATE "user=a password=a "
      "publish-ack-timeout=500000000 discard=new max-pending-messages=8");
  guint i;

  for (i = 0; i < 100; i++) {
    if (gst_harness_push (sink, nats_buffer_new (i, 20000)) != GST_FLOW_OK)
      break;
  }
  fail_unless (i < 100);
  nats_expect_error (sink, GST_RESOURCE_ERROR_NO_SPACE_LEFT, "limit");
  fail_unless (nats_stat (sink, "acknowledged") <= 10);
  gst_harness_teardown (sink);
  nats_server_stop (server);
}

GST_END_TEST;

/* What is missing is named. */
GST_START_TEST (test_errors)
{
  NatsServer *server = nats_server_start (NULL);
  GstHarness *h;

  h = nats_sender (server, "mode=jetstream stream=NONE");
  nats_expect_error (h, GST_RESOURCE_ERROR_NOT_FOUND, "create-stream");
  gst_harness_teardown (h);
  h = nats_sender (server, "mode=jetstream subject=nobody "
      "publish-ack-timeout=300000000");
  gst_harness_push (h, nats_buffer_new (0, 10));
  nats_expect_error (h, GST_RESOURCE_ERROR_NOT_FOUND, "No stream");
  gst_harness_teardown (h);
  h = nats_harness (server, "natssrc mode=jetstream subject=nobody");
  gst_harness_play (h);
  nats_expect_error (h, GST_RESOURCE_ERROR_NOT_FOUND, "no such stream");
  gst_harness_teardown (h);
  h = nats_sender (server, CREATE "replicas=3");
  nats_expect_error (h, GST_RESOURCE_ERROR_SETTINGS, "replicas");
  gst_harness_teardown (h);
  h = nats_sender (server, CREATE);
  nats_await (h, "connected", 1);
  gst_harness_teardown (h);
  /* another stream for the same subjects */
  h = nats_sender (server, "mode=jetstream stream=T create-stream=true "
      "stream-subjects=s.1 subject=s.1");
  nats_expect_error (h, GST_RESOURCE_ERROR_SETTINGS, "another stream");
  gst_harness_teardown (h);
  nats_server_stop (server);
}

GST_END_TEST;

/* Settings that cannot be are errors before anything else is tried. */
GST_START_TEST (test_settings)
{
  static const gchar *const bad[] = {
    "natssink subject=a.*", "natssink subject=a..b", "natssink subject=\"a b\"",
    "natssink mode=jetstream create-stream=true",
    "natssink mode=jetstream stream=a.b", "natssrc subject=a.>.b",
    "natssrc queue=a mode=jetstream", "natssrc queue=a.*",
    "natssrc durable=a", "natssrc mode=jetstream durable=a.b",
    "natssrc mode=jetstream stream=a/b",
    "natssrc mode=jetstream deliver=by-time",
    "natssrc mode=jetstream deliver=by-time start-time=yesterday",
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (bad); i++) {
    GstElement *element = gst_parse_launch (bad[i], NULL);
    GstBus *bus = gst_bus_new ();
    GstMessage *message;
    GError *error = NULL;

    gst_element_set_bus (element, bus);
    fail_unless (gst_element_set_state (element, GST_STATE_PAUSED) ==
        GST_STATE_CHANGE_FAILURE, "%s", bad[i]);
    message = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
    fail_unless (message != NULL, "%s", bad[i]);
    gst_message_parse_error (message, &error, NULL);
    fail_unless (g_error_matches (error, GST_RESOURCE_ERROR,
            GST_RESOURCE_ERROR_SETTINGS), "%s", bad[i]);
    g_error_free (error);
    gst_message_unref (message);
    gst_element_set_state (element, GST_STATE_NULL);
    gst_object_unref (element);
    gst_object_unref (bus);
  }
}

GST_END_TEST;

static Suite *
nats_limits_suite (void)
{
  Suite *s = suite_create ("natslimits");
  TCase *tc = tcase_create ("limits");

  suite_add_tcase (s, tc);
  tcase_add_test (tc, test_settings);
  if (!nats_server_there ()) {
    g_print ("natslimits: SKIP: no nats-server\n");
    return s;
  }
  tcase_add_test (tc, test_full_stream_holds);
  tcase_add_test (tc, test_interest);
  tcase_add_test (tc, test_full_stream_fails);
  tcase_add_test (tc, test_full_server);
  tcase_add_test (tc, test_errors);

  return s;
}

GST_CHECK_MAIN (nats_limits);
