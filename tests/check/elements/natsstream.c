/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* natssink and natssrc with JetStream: stored, acknowledged, delivered again,
 * shared and replayed. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <nats/nats.h>

#include "nats-stream-check.h"

static const GstStructure *
meta_of (GstBuffer * buffer)
{
  GstCustomMeta *meta = gst_buffer_get_custom_meta (buffer, "GstNatsMeta");

  fail_unless (meta != NULL);
  return gst_custom_meta_get_structure (meta);
}

/* Whoever comes late gets what the stream has, from where it asks to. */
GST_START_TEST (test_replay)
{
  NatsServer *server = nats_server_start (NULL);
  GstHarness *sink = maker (server, CREATE), *src;
  GDateTime *now;
  gchar *text, *line;
  guint i;

  push_many (sink, 0, 10, 500);
  nats_await (sink, "acknowledged", 10);
  /* a fraction of a second that begins with a zero */
  while (g_get_real_time () % G_USEC_PER_SEC < 20000
      || g_get_real_time () % G_USEC_PER_SEC > 90000)
    g_usleep (5000);
  now = g_date_time_new_now_utc ();
  text = g_date_time_format (now, "%Y-%m-%dT%H:%M:%S.%fZ");
  g_date_time_unref (now);
  g_usleep (20000);
  push_many (sink, 10, 10, 500);
  nats_await (sink, "acknowledged", 20);
  fail_unless_equals_uint64 (nats_stat (sink, "retried"), 0);

  src = nats_receiver (server, READ "deliver=all is-live=false");
  for (i = 0; i < 20; i++)
    gst_buffer_unref (pull_one (src, i, 500));
  gst_harness_teardown (src);
  src = nats_receiver (server, READ "deliver=by-sequence start-sequence=16");
  for (i = 15; i < 20; i++)
    gst_buffer_unref (pull_one (src, i, 500));
  gst_harness_teardown (src);
  src = nats_receiver (server, READ "deliver=last");
  gst_buffer_unref (pull_one (src, 19, 500));
  gst_harness_teardown (src);
  line = g_strdup_printf (READ "deliver=by-time start-time=%s", text);
  src = nats_receiver (server, line);
  for (i = 10; i < 20; i++)
    gst_buffer_unref (pull_one (src, i, 500));
  gst_harness_teardown (src);
  src = nats_receiver (server, READ "deliver=new");
  push_many (sink, 20, 1, 500);
  gst_buffer_unref (pull_one (src, 20, 500));
  gst_harness_teardown (src);
  gst_harness_teardown (sink);
  g_free (line);
  g_free (text);
  nats_server_stop (server);
}

GST_END_TEST;

/* The end of the stream comes when all of it is stored, and receivers see it. */
GST_START_TEST (test_eos)
{
  NatsServer *server = nats_server_start (NULL);
  GstHarness *sink = maker (server, CREATE), *src;
  GstEvent *event;
  gboolean eos = FALSE;
  guint i;

  push_many (sink, 0, 50, 500);
  fail_unless (gst_harness_push_event (sink, gst_event_new_eos ()));
  /* and the message of the end itself */
  fail_unless_equals_uint64 (nats_stat (sink, "acknowledged"), 51);
  fail_unless_equals_uint64 (nats_stat (sink, "pending"), 0);
  gst_harness_teardown (sink);
  src = nats_receiver (server, STREAM "subject=s.1 deliver=all");
  for (i = 0; i < 50; i++)
    gst_buffer_unref (pull_one (src, i, 500));
  while (!eos) {
    event = gst_harness_pull_event (src);
    fail_unless (event != NULL);
    eos = GST_EVENT_TYPE (event) == GST_EVENT_EOS;
    gst_event_unref (event);
  }
  gst_harness_teardown (src);
  nats_server_stop (server);
}

GST_END_TEST;

/* The end is told, whatever the policy leaves out of a full queue. */
GST_START_TEST (test_eos_of_full_queue)
{
  NatsServer *server = nats_server_start (NULL);
  GstHarness *sink = maker (server,
      CREATE "slow-policy=drop-old max-pending-messages=1"), *src;
  GstEvent *event;
  gboolean eos = FALSE;

  push_many (sink, 0, 50, 500);
  fail_unless (gst_harness_push_event (sink, gst_event_new_eos ()));
  gst_harness_teardown (sink);
  src = nats_receiver (server, STREAM "subject=s.1 deliver=all");
  while (!eos) {
    event = gst_harness_pull_event (src);
    fail_unless (event != NULL, "the end was left out");
    eos = GST_EVENT_TYPE (event) == GST_EVENT_EOS;
    gst_event_unref (event);
  }
  gst_harness_teardown (src);
  nats_server_stop (server);
}

GST_END_TEST;

static GstPadProbeReturn
refuse_once (GstPad * pad, GstPadProbeInfo * info, gpointer user_data)
{
  gint *refused = user_data;

  if (!g_atomic_int_compare_and_exchange (refused, FALSE, TRUE))
    return GST_PAD_PROBE_OK;
  gst_buffer_unref (GST_PAD_PROBE_INFO_BUFFER (info));
  GST_PAD_PROBE_INFO_FLOW_RETURN (info) = GST_FLOW_FLUSHING;
  return GST_PAD_PROBE_HANDLED;
}

/* A buffer that nobody behind took is not acknowledged when the element goes on
 * after a pause: it comes again, and is no duplicate to be left out. */
GST_START_TEST (test_refused)
{
  NatsServer *server = nats_server_start (NULL);
  GstHarness *sink = maker (server, CREATE), *src;
  gint refused = FALSE;
  guint i, seen = 0;

  push_many (sink, 0, 3, 500);
  nats_await (sink, "acknowledged", 3);
  src = nats_harness (server, "natssrc " READ "deliver=all durable=d "
      "drop-duplicates=true prefetch=1");
  gst_pad_add_probe (src->sinkpad, GST_PAD_PROBE_TYPE_BUFFER, refuse_once,
      &refused, NULL);
  gst_harness_play (src);
  for (i = 0; i < 2000 && !g_atomic_int_get (&refused); i++)
    g_usleep (25000);
  fail_unless (g_atomic_int_get (&refused));
  gst_element_set_state (src->element, GST_STATE_PAUSED);
  gst_element_set_state (src->element, GST_STATE_PLAYING);
  for (i = 0; i < 3; i++) {
    GstBuffer *buffer = gst_harness_pull (src);

    fail_unless (buffer != NULL, "only %u came", i);
    seen |= 1u << GST_BUFFER_PTS (buffer) / GST_MSECOND;
    gst_buffer_unref (buffer);
  }
  fail_unless_equals_int (seen, 7);
  gst_harness_teardown (src);
  gst_harness_teardown (sink);
  nats_server_stop (server);
}

GST_END_TEST;

/* All of a group together get each buffer once, large ones too. */
static void
run_group (const gchar * config, const gchar * retention, guint n, gsize size)
{
  NatsServer *server = nats_server_start (config);
  gchar *line = g_strdup_printf (CREATE "%s", retention);
  GstHarness *sink = maker (server, line), *src[3];
  gboolean *seen = g_new0 (gboolean, n);
  guint i, k, total = 0;

  for (k = 0; k < 3; k++)
    src[k] = nats_receiver (server, READ "durable=w deliver=all prefetch=2");
  push_many (sink, 0, n, size);
  for (i = 0; i < 2400 && total < n; i++) {
    for (total = 0, k = 0; k < 3; k++)
      total += gst_harness_buffers_received (src[k]);
    g_usleep (25000);
  }
  fail_unless_equals_int (total, n);
  for (k = 0; k < 3; k++) {
    guint mine = gst_harness_buffers_received (src[k]);

    /* who is faster gets more; all get some */
    fail_unless (mine > 0, "%u of %u", mine, n);
    nats_await (src[k], "acknowledged", mine);
    while (mine-- > 0) {
      GstBuffer *buffer = gst_harness_pull (src[k]);
      guint at = (guint) (GST_BUFFER_PTS (buffer) / GST_MSECOND);

      fail_unless (at < n && !seen[at]);
      fail_unless (nats_buffer_is (buffer, at, size));
      seen[at] = TRUE;
      gst_buffer_unref (buffer);
    }
    gst_harness_teardown (src[k]);
  }
  gst_harness_teardown (sink);
  g_free (seen);
  g_free (line);
  nats_server_stop (server);
}

GST_START_TEST (test_group)
{
  run_group (NULL, "", 90, 500);
}

GST_END_TEST;

GST_START_TEST (test_group_chunks)
{
  run_group ("max_payload: 8192\n", "", 30, 100000);
}

GST_END_TEST;

static guint64
stream_messages (NatsServer * server)
{
  natsConnection *nc = NULL;
  jsStreamInfo *info = NULL;
  jsCtx *js = NULL;
  guint64 n;

  fail_unless (natsConnection_ConnectTo (&nc, server->url) == NATS_OK);
  fail_unless (natsConnection_JetStream (&js, nc, NULL) == NATS_OK);
  fail_unless (js_GetStreamInfo (&info, js, "S", NULL, NULL) == NATS_OK);
  n = info->State.Msgs;
  jsStreamInfo_Destroy (info);
  jsCtx_Destroy (js);
  natsConnection_Destroy (nc);

  return n;
}

/* Nothing stays of what was acknowledged, the chunks neither. */
GST_START_TEST (test_work_queue)
{
  NatsServer *server = nats_server_start ("max_payload: 8192\n");
  GstHarness *sink = maker (server, CREATE "retention=work-queue");
  GstHarness *src;
  guint i;

  push_many (sink, 0, 5, 50000);
  nats_await (sink, "acknowledged", 5);
  fail_unless (stream_messages (server) >= 30);
  src = nats_receiver (server, READ "durable=w");
  for (i = 0; i < 5; i++)
    gst_buffer_unref (pull_one (src, i, 50000));
  nats_await (src, "acknowledged", 5);
  for (i = 0; i < 2400 && stream_messages (server) > 0; i++)
    g_usleep (25000);
  fail_unless_equals_uint64 (stream_messages (server), 0);
  gst_harness_teardown (src);
  gst_harness_teardown (sink);
  nats_server_stop (server);
}

GST_END_TEST;

static GstPadProbeReturn
drop_out (GstPad * pad, GstPadProbeInfo * info, gpointer user_data)
{
  gint *held = user_data;

  g_atomic_int_set (held, 1);
  while (g_atomic_int_get (held) == 1)
    g_usleep (5000);
  return GST_PAD_PROBE_OK;
}

static GstPadProbeReturn
refuse_buffer (GstPad * pad, GstPadProbeInfo * info, gpointer user_data)
{
  gst_buffer_unref (info->data);
  info->data = NULL;
  GST_PAD_PROBE_INFO_FLOW_RETURN (info) = GST_FLOW_ERROR;
  return GST_PAD_PROBE_HANDLED;
}

/* What a worker had and did not finish goes to another, marked. */
GST_START_TEST (test_redelivered)
{
  NatsServer *server = nats_server_start (NULL);
  GstHarness *sink = maker (server, CREATE), *bad, *good;
  GstBuffer *buffer;
  gboolean duplicate = FALSE;
  guint delivered = 0;
  guint i;

  bad = nats_receiver (server, READ "durable=w deliver=all prefetch=1");
  gst_pad_add_probe (bad->sinkpad, GST_PAD_PROBE_TYPE_BUFFER, refuse_buffer,
      NULL, NULL);
  push_many (sink, 0, 3, 100);
  /* of the base class: what is behind has failed */
  gst_message_unref (nats_message (bad, GST_MESSAGE_ERROR));
  fail_unless_equals_uint64 (nats_stat (bad, "acknowledged"), 0);
  gst_harness_teardown (bad);

  good = nats_receiver (server, READ "durable=w deliver=all prefetch=1");
  for (i = 0; i < 3; i++) {
    buffer = gst_harness_pull (good);
    fail_unless (buffer != NULL);
    if (nats_buffer_is (buffer, 0, 100)) {
      gst_structure_get_uint (meta_of (buffer), "delivered", &delivered);
      gst_structure_get_boolean (meta_of (buffer), "duplicate", &duplicate);
    }
    gst_buffer_unref (buffer);
  }
  fail_unless_equals_int (delivered, 2);
  fail_unless (duplicate);
  fail_unless (nats_stat (good, "redelivered") >= 1);
  gst_harness_teardown (good);
  gst_harness_teardown (sink);
  nats_server_stop (server);
}

GST_END_TEST;

/* Long work is not taken for a dead worker: the server is told of it. */
GST_START_TEST (test_long_work)
{
  NatsServer *server = nats_server_start (NULL);
  GstHarness *sink = maker (server, CREATE);
  GstHarness *slow, *other;
  gint held = 0;
  guint i;

  slow = nats_receiver (server, READ "durable=w deliver=all prefetch=1 "
      "ack-wait=600000000");
  gst_pad_add_probe (slow->sinkpad, GST_PAD_PROBE_TYPE_BUFFER, drop_out,
      &held, NULL);
  push_many (sink, 0, 1, 100);
  for (i = 0; i < 2400 && !g_atomic_int_get (&held); i++)
    g_usleep (25000);
  other = nats_receiver (server, READ "durable=w deliver=all prefetch=1 "
      "ack-wait=600000000");
  g_usleep (2 * G_USEC_PER_SEC);
  fail_unless_equals_uint64 (nats_stat (other, "received"), 0);
  g_atomic_int_set (&held, 2);
  nats_await (slow, "acknowledged", 1);
  gst_harness_teardown (slow);
  gst_harness_teardown (other);
  gst_harness_teardown (sink);
  nats_server_stop (server);
}

GST_END_TEST;

/* num-buffers ends a source: what was pushed is acknowledged, no more. */
GST_START_TEST (test_num_buffers)
{
  NatsServer *server = nats_server_start (NULL);
  GstHarness *sink = maker (server, CREATE), *src;
  guint i;

  push_many (sink, 0, 10, 100);
  nats_await (sink, "acknowledged", 10);
  src = nats_receiver (server,
      READ "durable=w deliver=all num-buffers=4 prefetch=8");
  for (i = 0; i < 4; i++)
    gst_buffer_unref (pull_one (src, i, 100));
  nats_await (src, "acknowledged", 4);
  gst_harness_teardown (src);
  /* what it had asked for ahead was given back */
  src = nats_receiver (server, READ "durable=w deliver=all prefetch=1");
  for (i = 4; i < 10; i++)
    gst_buffer_unref (gst_harness_pull (src));
  nats_await (src, "acknowledged", 6);
  fail_unless_equals_uint64 (nats_stat (src, "received"), 6);
  gst_harness_teardown (src);
  gst_harness_teardown (sink);
  nats_server_stop (server);
}

GST_END_TEST;

/* The server is killed while buffers are on their way: each arrives, once. */
GST_START_TEST (test_server_restart)
{
  NatsServer *server = nats_server_start (NULL);
  GstHarness *sink = maker (server, CREATE
      "reconnect-wait=20000000 reconnect-wait-max=100000000");
  GstHarness *src = nats_receiver (server, READ "deliver=all prefetch=16 "
      "drop-duplicates=true reconnect-wait=20000000 "
      "reconnect-wait-max=100000000");
  gboolean seen[300] = { FALSE };
  guint i, n = 0;

  push_many (sink, 0, 100, 1000);
  nats_server_kill (server);
  push_many (sink, 100, 100, 1000);
  nats_server_run (server);
  push_many (sink, 200, 100, 1000);
  fail_unless (gst_harness_push_event (sink, gst_event_new_eos ()));
  fail_unless_equals_uint64 (nats_stat (sink, "acknowledged"), 301);
  while (n < 300) {
    GstBuffer *buffer = gst_harness_pull (src);
    guint at;

    fail_unless (buffer != NULL, "%u of 300", n);
    at = (guint) (GST_BUFFER_PTS (buffer) / GST_MSECOND);
    fail_unless (at < 300 && !seen[at]);
    fail_unless (nats_buffer_is (buffer, at, 1000));
    seen[at] = TRUE;
    n++;
    gst_buffer_unref (buffer);
  }
  for (i = 0; i < 300; i++)
    fail_unless (seen[i]);
  /* acknowledged, and stored once each */
  fail_unless_equals_uint64 (stream_messages (server), 301);
  gst_harness_teardown (src);
  gst_harness_teardown (sink);
  nats_server_stop (server);
}

GST_END_TEST;

/* A frame that is published twice under one identity is stored once. */
GST_START_TEST (test_stored_once)
{
  NatsServer *server = nats_server_start (NULL);
  GstHarness *sink = maker (server, CREATE "source=a"), *in, *out[2];
  GstBuffer *buffer;
  guint i;

  in = nats_receiver (server, STREAM "subject=s.1 deliver=all");
  push_many (sink, 0, 1, 100);
  buffer = gst_harness_pull (in);
  /* two workers answer the same frame */
  for (i = 0; i < 2; i++) {
    out[i] = nats_sender (server, STREAM "subject=s.answers wait-ack=true");
    fail_unless_equals_int (gst_harness_push (out[i], gst_buffer_ref (buffer)),
        GST_FLOW_OK);
    nats_await (out[i], "acknowledged", 1);
  }
  fail_unless_equals_uint64 (nats_stat (out[0], "duplicates"), 0);
  fail_unless_equals_uint64 (nats_stat (out[1], "duplicates"), 1);
  fail_unless_equals_uint64 (stream_messages (server), 2);
  gst_buffer_unref (buffer);
  for (i = 0; i < 2; i++)
    gst_harness_teardown (out[i]);
  gst_harness_teardown (in);
  gst_harness_teardown (sink);
  nats_server_stop (server);
}

GST_END_TEST;

static Suite *
nats_stream_suite (void)
{
  Suite *s = suite_create ("natsstream");
  TCase *tc = tcase_create ("jetstream");

  suite_add_tcase (s, tc);
  if (!nats_server_there ()) {
    g_print ("natsstream: SKIP: no nats-server\n");
    return s;
  }
  tcase_add_test (tc, test_replay);
  tcase_add_test (tc, test_eos);
  tcase_add_test (tc, test_eos_of_full_queue);
  tcase_add_test (tc, test_refused);
  tcase_add_test (tc, test_group);
  tcase_add_test (tc, test_group_chunks);
  tcase_add_test (tc, test_work_queue);
  tcase_add_test (tc, test_redelivered);
  tcase_add_test (tc, test_long_work);
  tcase_add_test (tc, test_num_buffers);
  tcase_add_test (tc, test_server_restart);
  tcase_add_test (tc, test_stored_once);

  return s;
}

GST_CHECK_MAIN (nats_stream);
