/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* natssrc and natssink where the stream or the consumer is not what it was:
 * deleted, made again, not made yet, or in the hands of others. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <nats/nats.h>

#include "nats-stream-check.h"

#define SOON "reconnect-wait=20000000 reconnect-wait-max=100000000 "

static void
push_stored (GstHarness * sink, guint first, guint n)
{
  guint64 before = nats_stat (sink, "acknowledged");
  guint i;

  for (i = first; i < first + n; i++)
    fail_unless_equals_int (gst_harness_push (sink, nats_buffer_new (i, 100)),
        GST_FLOW_OK);
  nats_await (sink, "acknowledged", before + n);
}

/* These come, in order; @discont: whether the first says that it follows on
 * nothing. */
static void
expect_buffers (GstHarness * src, guint first, guint n, gboolean discont)
{
  guint i;

  for (i = first; i < first + n; i++) {
    GstBuffer *buffer = gst_harness_pull (src);

    fail_unless (buffer != NULL, "nothing came for %u", i);
    fail_unless (nats_buffer_is (buffer, i, 100), "%u is another: %"
        GST_TIME_FORMAT, i, GST_TIME_ARGS (GST_BUFFER_PTS (buffer)));
    if (discont && i == first)
      fail_unless (GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_DISCONT));
    gst_buffer_unref (buffer);
  }
}

static void
expect_warning (GstHarness * h, const gchar * word)
{
  GError *error = NULL;
  gboolean found = FALSE;

  while (!found) {
    GstMessage *message = nats_message (h, GST_MESSAGE_WARNING);

    gst_message_parse_warning (message, &error, NULL);
    found = strstr (error->message, word) != NULL;
    g_clear_error (&error);
    gst_message_unref (message);
  }
}

typedef struct
{
  natsConnection *nc;
  jsCtx *js;
} Admin;

static Admin
admin_new (NatsServer * server)
{
  Admin a = { NULL, NULL };

  fail_unless (natsConnection_ConnectTo (&a.nc, server->url) == NATS_OK);
  fail_unless (natsConnection_JetStream (&a.js, a.nc, NULL) == NATS_OK);
  return a;
}

static void
admin_free (Admin * a)
{
  jsCtx_Destroy (a->js);
  natsConnection_Destroy (a->nc);
}

static void
delete_stream (NatsServer * server)
{
  Admin a = admin_new (server);

  fail_unless (js_DeleteStream (a.js, "S", NULL, NULL) == NATS_OK);
  admin_free (&a);
}

/* A consumer that somebody else has made. */
static void
make_consumer (NatsServer * server, gint64 max_waiting, gint64 max_batch)
{
  Admin a = admin_new (server);
  jsConsumerConfig config;

  jsConsumerConfig_Init (&config);
  config.Durable = "w";
  config.AckPolicy = js_AckExplicit;
  config.FilterSubject = "s.*";
  config.MaxWaiting = max_waiting;
  config.MaxRequestBatch = max_batch;
  fail_unless (js_AddConsumer (NULL, a.js, "S", &config, NULL, NULL) ==
      NATS_OK);
  admin_free (&a);
}

/* All of a new stream comes, though the old one was further. */
static void
run_made_again (const gchar * durable)
{
  NatsServer *server = nats_server_start (NULL);
  gchar *line = g_strdup_printf (READ "deliver=all %s", durable);
  GstHarness *src, *sink = maker (server, CREATE), *anew;

  src = nats_receiver (server, line);
  push_stored (sink, 0, 10);
  expect_buffers (src, 0, 10, FALSE);
  nats_await (src, "acknowledged", 10);
  gst_harness_teardown (sink);
  delete_stream (server);
  anew = maker (server, CREATE);
  push_stored (anew, 100, 5);
  expect_buffers (src, 100, 5, TRUE);
  expect_warning (src, "made again");
  push_stored (anew, 105, 1);
  expect_buffers (src, 105, 1, FALSE);
  nats_await (src, "acknowledged", 16);
  fail_unless (gst_bus_pop_filtered (nats_bus (src), GST_MESSAGE_ERROR) ==
      NULL);
  gst_harness_teardown (anew);
  gst_harness_teardown (src);
  g_free (line);
  nats_server_stop (server);
}

GST_START_TEST (test_made_again)
{
  run_made_again ("durable=d");
}

GST_END_TEST;

GST_START_TEST (test_made_again_without_durable)
{
  run_made_again ("");
}

GST_END_TEST;

/* While nobody is connected. */
GST_START_TEST (test_forgotten_by_server)
{
  NatsServer *server = nats_server_start (NULL);
  GstHarness *sink = maker (server, CREATE SOON "storage=memory"), *src;

  src = nats_receiver (server, READ SOON "deliver=all");
  push_stored (sink, 0, 10);
  expect_buffers (src, 0, 10, FALSE);
  gst_harness_teardown (sink);
  nats_server_kill (server);
  nats_server_run (server);
  sink = maker (server, CREATE SOON "storage=memory");
  push_stored (sink, 200, 3);
  expect_buffers (src, 200, 3, TRUE);
  expect_warning (src, "made again");
  gst_harness_teardown (sink);
  gst_harness_teardown (src);
  nats_server_stop (server);
}

GST_END_TEST;

/* What is held of the old stream goes on its way, and does not acknowledge what
 * the new one has under the same numbers. */
GST_START_TEST (test_old_acknowledgement)
{
  NatsServer *server = nats_server_start (NULL);
  GstHarness *sink = maker (server, CREATE), *src;
  gint hold = TRUE;

  src = nats_receiver (server, READ "deliver=all durable=d prefetch=4");
  gst_pad_add_probe (src->sinkpad, GST_PAD_PROBE_TYPE_BUFFER, nats_hold_buffer,
      &hold, NULL);
  push_stored (sink, 0, 3);
  nats_await (src, "received", 3);
  gst_harness_teardown (sink);
  delete_stream (server);
  sink = maker (server, CREATE);
  push_stored (sink, 100, 3);
  expect_warning (src, "made again");
  g_atomic_int_set (&hold, FALSE);
  expect_buffers (src, 0, 3, FALSE);
  expect_buffers (src, 100, 3, TRUE);
  nats_await (src, "acknowledged", 3);
  /* three of six: nobody can acknowledge the old ones */
  fail_unless_equals_uint64 (nats_stat (src, "acknowledged"), 3);
  fail_unless_equals_uint64 (nats_stat (src, "pushed"), 6);
  gst_harness_teardown (src);
  gst_harness_teardown (sink);
  nats_server_stop (server);
}

GST_END_TEST;

/* Deleted and not made again. */
GST_START_TEST (test_deleted)
{
  NatsServer *server = nats_server_start (NULL);
  GstHarness *sink = maker (server, CREATE), *src;

  src = nats_receiver (server, READ "deliver=all durable=d");
  push_stored (sink, 0, 1);
  expect_buffers (src, 0, 1, FALSE);
  delete_stream (server);
  nats_expect_error (src, GST_RESOURCE_ERROR_NOT_FOUND, "no such stream");
  gst_harness_teardown (src);
  gst_harness_teardown (sink);
  nats_server_stop (server);
}

GST_END_TEST;

/* Workers and sinks that begin before the stream. */
GST_START_TEST (test_wait_for_stream)
{
  NatsServer *server = nats_server_start (NULL);
  GstHarness *src = nats_harness (server, "natssrc " READ SOON
      "deliver=all wait-for-server=true");
  GstHarness *any = nats_harness (server, "natssrc mode=jetstream " SOON
      "subject=s.1 deliver=all wait-for-server=true");
  GstHarness *waits = nats_sender (server, STREAM SOON "subject=s.2 "
      "wait-for-server=true"), *sink;

  gst_harness_play (src);
  gst_harness_play (any);
  expect_warning (src, "Waiting for the stream");
  expect_warning (any, "Waiting for the stream");
  expect_warning (waits, "Waiting for the stream");
  fail_unless_equals_uint64 (nats_stat (waits, "connected"), 0);
  sink = maker (server, CREATE);
  push_stored (sink, 0, 3);
  expect_buffers (src, 0, 3, FALSE);
  expect_buffers (any, 0, 3, FALSE);
  push_stored (waits, 3, 1);
  expect_buffers (src, 3, 1, FALSE);
  gst_harness_teardown (sink);
  gst_harness_teardown (waits);
  gst_harness_teardown (any);
  gst_harness_teardown (src);
  nats_server_stop (server);
}

GST_END_TEST;

/* Waiting has the limit of lost connections, and ends with the element. */
GST_START_TEST (test_wait_in_vain)
{
  NatsServer *server = nats_server_start (NULL);
  GstHarness *h;
  gint64 begin;

  h = nats_harness (server, "natssrc " READ SOON "wait-for-server=true "
      "max-reconnect=2");
  gst_harness_play (h);
  nats_expect_error (h, GST_RESOURCE_ERROR_NOT_FOUND, "no such stream");
  gst_harness_teardown (h);
  h = nats_sender (server, STREAM SOON "wait-for-server=true max-reconnect=2");
  nats_expect_error (h, GST_RESOURCE_ERROR_NOT_FOUND, "create-stream");
  gst_harness_teardown (h);
  h = nats_harness (server, "natssrc " READ "wait-for-server=true "
      "reconnect-wait=60000000000 reconnect-wait-max=60000000000");
  gst_harness_play (h);
  expect_warning (h, "Waiting for the stream");
  begin = g_get_monotonic_time ();
  gst_harness_teardown (h);
  fail_unless (g_get_monotonic_time () - begin < 20 * G_TIME_SPAN_SECOND);
  nats_server_stop (server);
}

GST_END_TEST;

/* The consumer has one place: the second worker says so, and comes in when the
 * first has gone. */
GST_START_TEST (test_places)
{
  NatsServer *server = nats_server_start (NULL);
  GstHarness *sink = maker (server, CREATE), *first, *second;

  make_consumer (server, 1, 0);
  first = nats_receiver (server, READ "durable=w prefetch=1");
  push_stored (sink, 0, 1);
  expect_buffers (first, 0, 1, FALSE);
  nats_await (first, "acknowledged", 1);
  second = nats_receiver (server, READ "durable=w prefetch=1");
  expect_warning (second, "max_waiting");
  gst_harness_teardown (first);
  push_stored (sink, 1, 1);
  expect_buffers (second, 1, 1, FALSE);
  fail_unless (gst_bus_pop_filtered (nats_bus (second), GST_MESSAGE_ERROR) ==
      NULL);
  gst_harness_teardown (second);
  gst_harness_teardown (sink);
  nats_server_stop (server);
}

GST_END_TEST;

/* A consumer that takes no requests such as these. */
GST_START_TEST (test_refused_request)
{
  NatsServer *server = nats_server_start (NULL);
  GstHarness *sink = maker (server, CREATE), *src;

  make_consumer (server, 0, 1);
  src = nats_harness (server, "natssrc " READ "durable=w prefetch=8");
  gst_harness_play (src);
  nats_expect_error (src, GST_RESOURCE_ERROR_SETTINGS, "prefetch=1");
  gst_harness_teardown (src);
  src = nats_receiver (server, READ "durable=w prefetch=1");
  push_stored (sink, 0, 2);
  expect_buffers (src, 0, 2, FALSE);
  gst_harness_teardown (src);
  gst_harness_teardown (sink);
  nats_server_stop (server);
}

GST_END_TEST;

static Suite *
nats_renew_suite (void)
{
  Suite *s = suite_create ("natsrenew");
  TCase *tc = tcase_create ("renew");

  suite_add_tcase (s, tc);
  if (!nats_server_there ()) {
    g_print ("natsrenew: SKIP: no nats-server\n");
    return s;
  }
  tcase_add_test (tc, test_made_again);
  tcase_add_test (tc, test_made_again_without_durable);
  tcase_add_test (tc, test_forgotten_by_server);
  tcase_add_test (tc, test_old_acknowledgement);
  tcase_add_test (tc, test_deleted);
  tcase_add_test (tc, test_wait_for_stream);
  tcase_add_test (tc, test_wait_in_vain);
  tcase_add_test (tc, test_places);
  tcase_add_test (tc, test_refused_request);

  return s;
}

GST_CHECK_MAIN (nats_renew);
