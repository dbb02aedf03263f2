/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* natssink and natssrc where the server is not there, goes, or comes back. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "nats-stream-check.h"

/* The server is killed and comes back: a warning, and both go on. */
GST_START_TEST (test_reconnect)
{
  NatsServer *server = nats_server_start (NULL);
  GstHarness *src = nats_receiver (server, "reconnect-wait=20000000");
  GstHarness *sink = nats_sender (server, "reconnect-wait=20000000");
  GstMessage *message;
  guint i;

  gst_harness_push (sink, nats_buffer_new (0, 10));
  gst_buffer_unref (gst_harness_pull (src));
  nats_server_kill (server);
  message = nats_message (sink, GST_MESSAGE_WARNING);
  gst_message_unref (message);
  message = nats_message (src, GST_MESSAGE_WARNING);
  gst_message_unref (message);
  /* these wait for the server */
  for (i = 1; i < 10; i++)
    gst_harness_push (sink, nats_buffer_new (i, 10));
  fail_unless_equals_uint64 (nats_stat (sink, "connected"), 0);
  nats_server_run (server);
  nats_await (src, "reconnects", 1);
  nats_await (sink, "reconnects", 1);
  gst_harness_push (sink, nats_buffer_new (100, 10));
  nats_await (src, "pushed", 2);
  /* core mode: some may have come before the receiver was back, no other */
  nats_await (sink, "published", 11);
  gst_harness_teardown (src);
  gst_harness_teardown (sink);
  nats_server_stop (server);
}

GST_END_TEST;

GST_START_TEST (test_give_up)
{
  NatsServer *server = nats_server_start (NULL);
  GstHarness *sink = nats_sender (server,
      "max-reconnect=1 reconnect-wait=1000000 reconnect-wait-max=1000000");

  nats_await (sink, "connected", 1);
  nats_server_kill (server);
  nats_expect_error (sink, GST_RESOURCE_ERROR_WRITE, "max-reconnect");
  fail_unless_equals_int (gst_harness_push (sink, nats_buffer_new (0, 10)),
      GST_FLOW_ERROR);
  gst_harness_teardown (sink);
  nats_server_stop (server);
}

GST_END_TEST;

static gpointer
push_one (gpointer data)
{
  return GINT_TO_POINTER (gst_harness_push (data, nats_buffer_new (0, 10)));
}

/* Nothing waits for a server that is not there. */
GST_START_TEST (test_no_server)
{
  GstHarness *sink, *src;
  GThread *thread;
  gint64 begin;

  sink = nats_harness (NULL, "natssink servers=nats://u:pw@127.0.0.1:1");
  gst_harness_play (sink);
  nats_expect_error (sink, GST_RESOURCE_ERROR_OPEN_WRITE, "nats://127.0.0.1:1");
  gst_harness_teardown (sink);
  src = nats_harness (NULL, "natssrc servers=nats://127.0.0.1:1");
  gst_harness_play (src);
  nats_expect_error (src, GST_RESOURCE_ERROR_OPEN_READ, "nats-server");
  gst_harness_teardown (src);

  sink = nats_harness (NULL, "natssink servers=nats://127.0.0.1:1 "
      "wait-for-server=true");
  src = nats_harness (NULL, "natssrc servers=nats://127.0.0.1:1 "
      "wait-for-server=true");
  gst_harness_play (src);
  gst_harness_play (sink);
  gst_harness_set_src_caps_str (sink, "application/x-test");
  thread = g_thread_new ("push", push_one, sink);
  g_usleep (300000);
  begin = g_get_monotonic_time ();
  gst_element_set_state (src->element, GST_STATE_NULL);
  gst_element_set_state (sink->element, GST_STATE_NULL);
  fail_unless (g_get_monotonic_time () - begin < 20 * G_TIME_SPAN_SECOND);
  fail_unless_equals_int (GPOINTER_TO_INT (g_thread_join (thread)),
      GST_FLOW_FLUSHING);
  gst_harness_teardown (sink);
  gst_harness_teardown (src);
}

GST_END_TEST;

/* A camera that begins before its server. */
GST_START_TEST (test_wait_for_server)
{
  NatsServer *server = nats_server_start (NULL);
  GstHarness *sink, *src;
  GThread *thread;

  nats_server_kill (server);
  sink = nats_sender (server, "wait-for-server=true reconnect-wait=20000000 "
      "reconnect-wait-max=50000000");
  thread = g_thread_new ("push", push_one, sink);
  g_usleep (300000);
  nats_server_run (server);
  fail_unless_equals_int (GPOINTER_TO_INT (g_thread_join (thread)),
      GST_FLOW_OK);
  src = nats_receiver (server, "");
  gst_harness_push (sink, nats_buffer_new (1, 10));
  gst_buffer_unref (gst_harness_pull (src));
  gst_harness_teardown (sink);
  gst_harness_teardown (src);
  nats_server_stop (server);
}

GST_END_TEST;

/* A flush ends waiting for a server that was lost, and states change. */
GST_START_TEST (test_flush_while_away)
{
  NatsServer *server = nats_server_start (NULL);
  GstHarness *sink = nats_sender (server, "max-pending-messages=1");
  GThread *thread;

  nats_await (sink, "connected", 1);
  nats_server_kill (server);
  gst_message_unref (nats_message (sink, GST_MESSAGE_WARNING));
  gst_harness_push (sink, nats_buffer_new (0, 10));
  thread = g_thread_new ("push", push_one, sink);
  g_usleep (200000);
  gst_harness_push_event (sink, gst_event_new_flush_start ());
  fail_unless_equals_int (GPOINTER_TO_INT (g_thread_join (thread)),
      GST_FLOW_FLUSHING);
  gst_harness_push_event (sink, gst_event_new_flush_stop (TRUE));
  fail_unless_equals_uint64 (nats_stat (sink, "pending"), 0);
  gst_harness_teardown (sink);
  nats_server_stop (server);
}

GST_END_TEST;

/* A pause while a buffer waits for the server ends neither the stream nor the
 * buffer: it goes on when the element plays again. */
GST_START_TEST (test_pause_while_away)
{
  NatsServer *server = nats_server_start (NULL);
  GstHarness *sink = nats_sender (server, "max-pending-messages=1 "
      "reconnect-wait=50000000 reconnect-wait-max=100000000");
  GstCustomMeta *meta;
  GstBuffer *buffer;
  GstHarness *src;
  GThread *thread;
  guint64 number;
  guint i;

  nats_await (sink, "connected", 1);
  nats_server_kill (server);
  gst_message_unref (nats_message (sink, GST_MESSAGE_WARNING));
  gst_harness_push (sink, nats_buffer_new (0, 10));
  thread = g_thread_new ("push", push_one, sink);
  for (i = 0; i < 3; i++) {
    g_usleep (100000);
    fail_unless (gst_element_set_state (sink->element, GST_STATE_PAUSED)
        != GST_STATE_CHANGE_FAILURE);
    g_usleep (100000);
    fail_unless (gst_element_set_state (sink->element, GST_STATE_PLAYING)
        != GST_STATE_CHANGE_FAILURE);
  }
  nats_server_run (server);
  fail_unless_equals_int (GPOINTER_TO_INT (g_thread_join (thread)),
      GST_FLOW_OK);
  nats_await (sink, "published", 2);
  /* no number was left out on the way */
  src = nats_receiver (server, "");
  fail_unless_equals_int (gst_harness_push (sink, nats_buffer_new (2, 10)),
      GST_FLOW_OK);
  buffer = gst_harness_pull (src);
  meta = gst_buffer_get_custom_meta (buffer, "GstNatsMeta");
  fail_unless (gst_structure_get_uint64 (gst_custom_meta_get_structure (meta),
          "sequence", &number));
  fail_unless_equals_uint64 (number, 2);
  gst_buffer_unref (buffer);
  gst_harness_teardown (src);
  gst_harness_teardown (sink);
  nats_server_stop (server);
}

GST_END_TEST;

/* The server takes nothing any more; the newest frames are kept. */
GST_START_TEST (test_slow_server)
{
  NatsServer *server = nats_server_start (NULL);
  GstHarness *old = nats_sender (server,
      "slow-policy=drop-old max-pending-messages=4");
  GstHarness *keys = nats_sender (server,
      "slow-policy=key-frames max-pending-messages=4");
  guint i;

  nats_await (old, "connected", 1);
  nats_await (keys, "connected", 1);
  nats_server_kill (server);
  gst_message_unref (nats_message (old, GST_MESSAGE_WARNING));
  gst_message_unref (nats_message (keys, GST_MESSAGE_WARNING));
  for (i = 0; i < 12; i++) {
    GstBuffer *buffer = nats_buffer_new (i, 10);

    gst_harness_push (old, gst_buffer_copy (buffer));
    if (i % 8 != 0)
      GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DELTA_UNIT);
    gst_harness_push (keys, buffer);
  }
  fail_unless_equals_uint64 (nats_stat (old, "dropped"), 8);
  fail_unless_equals_uint64 (nats_stat (old, "pending"), 4);
  /* 0 to 3 wait, 4 drops them, 5 to 7 have no key frame, 8 is one */
  fail_unless_equals_uint64 (nats_stat (keys, "dropped"), 8);
  fail_unless_equals_uint64 (nats_stat (keys, "pending"), 4);
  gst_harness_teardown (old);
  gst_harness_teardown (keys);
  nats_server_stop (server);
}

GST_END_TEST;

/* Programs may flush an element that was not started. */
GST_START_TEST (test_flush_before_start)
{
  const gchar *const names[] = { "natssrc", "natssink" };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (names); i++) {
    GstElement *element = gst_element_factory_make (names[i], NULL);

    fail_unless (element != NULL);
    gst_element_send_event (element, gst_event_new_flush_start ());
    gst_element_send_event (element, gst_event_new_flush_stop (TRUE));
    gst_object_unref (element);
  }
}

GST_END_TEST;

/* The server goes and comes back while a sink waits for its stream: it waits on,
 * and sends nothing before the stream is there. */
GST_START_TEST (test_away_without_stream)
{
  NatsServer *server = nats_server_start (NULL);
  const gchar *soon = STREAM "subject=s.2 wait-for-server=true "
      "reconnect-wait=20000000 reconnect-wait-max=100000000 "
      "publish-ack-timeout=1000000000";
  GstHarness *sink = nats_sender (server, soon), *make;
  GstMessage *message;
  GError *error = NULL;
  gboolean waits = FALSE, back = FALSE;

  while (!waits) {
    message = nats_message (sink, GST_MESSAGE_WARNING);
    gst_message_parse_warning (message, &error, NULL);
    waits = strstr (error->message, "Waiting for the stream") != NULL;
    g_clear_error (&error);
    gst_message_unref (message);
  }
  nats_server_kill (server);
  nats_server_run (server);
  while (!back) {
    message = nats_message (sink, GST_MESSAGE_ELEMENT);
    back = g_strcmp0 (gst_structure_get_string (gst_message_get_structure
            (message), "status"), "reconnected") == 0;
    gst_message_unref (message);
  }
  fail_unless_equals_uint64 (nats_stat (sink, "connected"), 0);
  make = maker (server, CREATE);
  gst_harness_push (sink, nats_buffer_new (0, 10));
  nats_await (sink, "acknowledged", 1);
  fail_unless_equals_uint64 (nats_stat (sink, "refused"), 0);
  gst_harness_teardown (make);
  gst_harness_teardown (sink);
  nats_server_stop (server);
}

GST_END_TEST;

static Suite *
nats_away_suite (void)
{
  Suite *s = suite_create ("natsaway");
  TCase *tc = tcase_create ("away");

  suite_add_tcase (s, tc);
  tcase_add_test (tc, test_no_server);
  tcase_add_test (tc, test_flush_before_start);
  if (!nats_server_there ()) {
    g_print ("natsaway: SKIP: no nats-server\n");
    return s;
  }
  tcase_add_test (tc, test_reconnect);
  tcase_add_test (tc, test_give_up);
  tcase_add_test (tc, test_wait_for_server);
  tcase_add_test (tc, test_flush_while_away);
  tcase_add_test (tc, test_pause_while_away);
  tcase_add_test (tc, test_slow_server);
  tcase_add_test (tc, test_away_without_stream);

  return s;
}

GST_CHECK_MAIN (nats_away);
