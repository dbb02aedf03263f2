/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* natssink and natssrc in core mode, with a nats-server of the test's own:
 * round trips, chunks, groups, slow receivers. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <gst/video/video.h>

#include "nats-check.h"

#define SMALL "max_payload: 8192\n"

/* Every field that a buffer has comes back, for streams of all kinds. */
GST_START_TEST (test_round_trip)
{
  static const gchar *caps[] = {
    "video/x-raw, format=(string)I420, width=(int)32, height=(int)24, "
        "framerate=(fraction)30/1",
    "video/x-walloc, alignment=(string)frame, parsed=(boolean)true, "
        "codec_data=(buffer)00010203ff, streamheader=(buffer)< 01, 0203 >",
    "audio/x-raw, format=(string)F32LE, layout=(string)interleaved, "
        "rate=(int)48000, channels=(int)2, channel-mask=(bitmask)0x3",
    "text/x-raw, format=(string)utf8, title=(string)\"a \\\"b\\\" \\303\\251\""
  };
  const guint flags = GST_BUFFER_FLAG_DELTA_UNIT | GST_BUFFER_FLAG_DISCONT
      | GST_BUFFER_FLAG_MARKER | GST_BUFFER_FLAG_HEADER
      | GST_BUFFER_FLAG_CORRUPTED | GST_BUFFER_FLAG_DROPPABLE
      | GST_VIDEO_BUFFER_FLAG_INTERLACED;
  NatsServer *server = nats_server_start (NULL);
  GstHarness *src = nats_receiver (server, "subject=a.*");
  guint i;

  for (i = 0; i < G_N_ELEMENTS (caps); i++) {
    GstHarness *sink = nats_sender (server, "subject=a.b");
    GstCaps *got, *sent = gst_caps_from_string (caps[i]);
    GstBuffer *buffer = nats_buffer_new (i, 1000 + i);

    gst_harness_set_src_caps (sink, gst_caps_copy (sent));
    GST_BUFFER_PTS (buffer) = 5 * GST_SECOND + i;
    GST_BUFFER_DTS (buffer) = 4 * GST_SECOND + i;
    GST_BUFFER_DURATION (buffer) = 33 * GST_MSECOND;
    GST_BUFFER_OFFSET (buffer) = 17;
    GST_BUFFER_OFFSET_END (buffer) = 18;
    GST_BUFFER_FLAG_SET (buffer, flags);
    fail_unless_equals_int (gst_harness_push (sink, buffer), GST_FLOW_OK);
    buffer = gst_harness_pull (src);
    fail_unless (buffer != NULL);
    fail_unless (nats_buffer_is (buffer, i, 1000 + i));
    fail_unless_equals_uint64 (GST_BUFFER_PTS (buffer), 5 * GST_SECOND + i);
    fail_unless_equals_uint64 (GST_BUFFER_DTS (buffer), 4 * GST_SECOND + i);
    fail_unless_equals_uint64 (GST_BUFFER_DURATION (buffer), 33 * GST_MSECOND);
    fail_unless_equals_uint64 (GST_BUFFER_OFFSET (buffer), 17);
    fail_unless_equals_uint64 (GST_BUFFER_OFFSET_END (buffer), 18);
    fail_unless_equals_int_hex (GST_BUFFER_FLAGS (buffer) & flags, flags);
    got = gst_pad_get_current_caps (src->sinkpad);
    fail_unless (gst_caps_is_equal (got, sent), "%s", caps[i]);
    gst_caps_unref (got);
    gst_caps_unref (sent);
    gst_buffer_unref (buffer);
    gst_harness_teardown (sink);
  }
  fail_unless_equals_uint64 (nats_stat (src, "malformed"), 0);
  gst_harness_teardown (src);
  nats_server_stop (server);
}

GST_END_TEST;

/* Nothing is set, nothing is in it. */
GST_START_TEST (test_empty_buffer)
{
  NatsServer *server = nats_server_start (NULL);
  GstHarness *src = nats_receiver (server, "");
  GstHarness *sink = nats_sender (server, "");
  GstBuffer *buffer = gst_buffer_new ();

  /* the base class stamps the first of a live source */
  fail_unless_equals_int (gst_harness_push (sink, gst_buffer_copy (buffer)),
      GST_FLOW_OK);
  fail_unless_equals_int (gst_harness_push (sink, buffer), GST_FLOW_OK);
  gst_buffer_unref (gst_harness_pull (src));
  buffer = gst_harness_pull (src);
  fail_unless_equals_int (gst_buffer_get_size (buffer), 0);
  fail_if (GST_BUFFER_PTS_IS_VALID (buffer));
  fail_if (GST_BUFFER_DTS_IS_VALID (buffer));
  fail_if (GST_BUFFER_DURATION_IS_VALID (buffer));
  fail_if (GST_BUFFER_OFFSET_IS_VALID (buffer));
  gst_buffer_unref (buffer);
  gst_harness_teardown (sink);
  gst_harness_teardown (src);
  nats_server_stop (server);
}

GST_END_TEST;

/* A segment that is not the usual one, and the end of the stream. */
GST_START_TEST (test_segment_and_eos)
{
  NatsServer *server = nats_server_start (NULL);
  GstHarness *src = nats_receiver (server, "");
  GstHarness *sink = nats_sender (server, "");
  const GstSegment *got;
  GstSegment segment;
  GstBuffer *buffer;
  GstEvent *event;
  gboolean eos = FALSE;
  guint i;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  segment.rate = 0.5;
  segment.start = 3 * GST_SECOND;
  segment.stop = 9 * GST_SECOND;
  segment.time = 4 * GST_SECOND;
  segment.base = 2 * GST_SECOND;
  gst_harness_push_event (sink, gst_event_new_segment (&segment));
  gst_harness_push (sink, nats_buffer_new (3500, 10));
  gst_buffer_unref (gst_harness_pull (src));
  event = gst_pad_get_sticky_event (src->sinkpad, GST_EVENT_SEGMENT, 0);
  gst_event_parse_segment (event, &got);
  fail_unless_equals_float (got->rate, 0.5);
  fail_unless_equals_uint64 (got->start, 3 * GST_SECOND);
  fail_unless_equals_uint64 (got->stop, 9 * GST_SECOND);
  fail_unless_equals_uint64 (got->time, 4 * GST_SECOND);
  fail_unless_equals_uint64 (got->base, 2 * GST_SECOND);
  gst_event_unref (event);
  /* a frame that reaches the stop is not the last: those behind it in another
   * order, or of another source, come too */
  buffer = nats_buffer_new (8990, 10);
  GST_BUFFER_DURATION (buffer) = 20 * GST_MSECOND;
  gst_harness_push (sink, buffer);
  gst_harness_push (sink, nats_buffer_new (8500, 10));
  for (i = 0; i < 2; i++) {
    buffer = gst_harness_pull (src);
    fail_unless (buffer != NULL && nats_buffer_is (buffer, i == 0 ? 8990 : 8500,
            10));
    gst_buffer_unref (buffer);
  }

  gst_harness_push_event (sink, gst_event_new_eos ());
  while (!eos) {
    event = gst_harness_pull_event (src);
    fail_unless (event != NULL);
    eos = GST_EVENT_TYPE (event) == GST_EVENT_EOS;
    gst_event_unref (event);
  }
  gst_harness_teardown (sink);
  gst_harness_teardown (src);
  nats_server_stop (server);
}

GST_END_TEST;

/* Caps by their short name only: who does not know them waits for them. */
GST_START_TEST (test_caps_interval)
{
  NatsServer *server = nats_server_start (NULL);
  GstHarness *sink = nats_sender (server, "caps-interval=3600000000000");
  GstHarness *src;
  GstCaps *caps;

  gst_harness_push (sink, nats_buffer_new (0, 10));
  nats_await (sink, "published", 1);
  src = nats_receiver (server, "");
  gst_harness_push (sink, nats_buffer_new (1, 10));
  nats_await (src, "unknown-caps", 1);
  gst_harness_set_src_caps_str (sink, "application/x-test, number=(int)2");
  gst_harness_push (sink, nats_buffer_new (2, 10));
  gst_harness_push (sink, nats_buffer_new (3, 10));
  gst_buffer_unref (gst_harness_pull (src));
  gst_buffer_unref (gst_harness_pull (src));
  caps = gst_pad_get_current_caps (src->sinkpad);
  gst_check_caps_equal (caps, gst_caps_from_string
      ("application/x-test, number=(int)2"));
  fail_unless_equals_uint64 (nats_stat (src, "unknown-caps"), 1);
  gst_caps_unref (caps);
  gst_harness_teardown (sink);
  gst_harness_teardown (src);
  nats_server_stop (server);
}

GST_END_TEST;

/* Two sources whose caps have the same short name, and a third frame of each
 * under that name alone. */
GST_START_TEST (test_caps_of_one_name)
{
  NatsServer *server = nats_server_start (NULL);
  GHashTable *seen = g_hash_table_new (NULL, NULL);
  GstHarness *src = nats_receiver (server, ""), *sink[2];
  gchar *text[2];
  guint i, k;

  for (i = 0;; i++) {
    gchar *t = g_strdup_printf ("application/x-test, number=(int)%u", i);
    guint32 hash = 2166136261u;
    gpointer other;

    for (k = 0; t[k]; k++)
      hash = (hash ^ (guint8) t[k]) * 16777619u;
    if (g_hash_table_lookup_extended (seen, GUINT_TO_POINTER (hash), NULL,
            &other)) {
      text[0] = t;
      text[1] = g_strdup_printf ("application/x-test, number=(int)%u",
          GPOINTER_TO_UINT (other));
      break;
    }
    g_hash_table_insert (seen, GUINT_TO_POINTER (hash), GUINT_TO_POINTER (i));
    g_free (t);
  }
  for (k = 0; k < 2; k++) {
    sink[k] = nats_sender (server, "caps-interval=3600000000000");
    gst_harness_set_src_caps_str (sink[k], text[k]);
  }
  for (i = 0; i < 6; i++) {
    GstCaps *got, *sent = gst_caps_from_string (text[i % 2]);

    gst_harness_push (sink[i % 2], nats_buffer_new (i, 10));
    gst_buffer_unref (gst_harness_pull (src));
    got = gst_pad_get_current_caps (src->sinkpad);
    fail_unless (gst_caps_is_equal (got, sent), "%u: %s", i, text[i % 2]);
    gst_caps_unref (got);
    gst_caps_unref (sent);
  }
  /* a source that has both, where the name alone tells nothing */
  gst_harness_set_src_caps_str (sink[0], text[1]);
  gst_harness_push (sink[0], nats_buffer_new (6, 10));
  gst_buffer_unref (gst_harness_pull (src));
  gst_harness_push (sink[0], nats_buffer_new (7, 10));
  nats_await (src, "unknown-caps", 1);
  gst_harness_teardown (sink[0]);
  gst_harness_teardown (sink[1]);
  gst_harness_teardown (src);
  g_hash_table_unref (seen);
  g_free (text[0]);
  g_free (text[1]);
  nats_server_stop (server);
}

GST_END_TEST;

/* Above the server's limit, from two sources at once. */
GST_START_TEST (test_chunks)
{
  NatsServer *server = nats_server_start (SMALL);
  GstHarness *src = nats_receiver (server, "subject=big.*");
  GstHarness *a = nats_sender (server, "subject=big.a source=a");
  GstHarness *b = nats_sender (server, "subject=big.b source=b");
  guint i, seen[2] = { 0, 0 };

  for (i = 0; i < 10; i++) {
    gst_harness_push (a, nats_buffer_new (i, 100000));
    gst_harness_push (b, nats_buffer_new (100 + i, 50001));
  }
  for (i = 0; i < 20; i++) {
    GstBuffer *buffer = gst_harness_pull (src);
    gboolean first = gst_buffer_get_size (buffer) == 100000;
    guint n = seen[first ? 0 : 1]++;

    fail_unless (first ? nats_buffer_is (buffer, n, 100000) :
        nats_buffer_is (buffer, 100 + n, 50001));
    gst_buffer_unref (buffer);
  }
  fail_unless_equals_uint64 (nats_stat (src, "incomplete"), 0);
  fail_unless_equals_uint64 (nats_stat (src, "missing"), 0);
  fail_unless (nats_stat (src, "received") > 200);
  gst_harness_teardown (a);
  gst_harness_teardown (b);
  gst_harness_teardown (src);
  nats_server_stop (server);
}

GST_END_TEST;

/* Larger than the receiver wants: nothing of it is kept. */
GST_START_TEST (test_max_size)
{
  NatsServer *server = nats_server_start (SMALL);
  GstHarness *src = nats_receiver (server, "max-size=60000");
  GstHarness *sink = nats_sender (server, "");
  GstBuffer *buffer;

  gst_harness_push (sink, nats_buffer_new (0, 60001));
  gst_harness_push (sink, nats_buffer_new (1, 60000));
  buffer = gst_harness_pull (src);
  fail_unless (nats_buffer_is (buffer, 1, 60000));
  fail_unless (GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_DISCONT)
      || nats_stat (src, "malformed") > 0);
  fail_unless (nats_stat (src, "malformed") > 0);
  gst_buffer_unref (buffer);
  gst_harness_teardown (sink);
  gst_harness_teardown (src);
  nats_server_stop (server);
}

GST_END_TEST;

/* Each buffer goes to one of the group. */
GST_START_TEST (test_queue_group)
{
  NatsServer *server = nats_server_start (NULL);
  GstHarness *src[3], *sink = nats_sender (server, "");
  gboolean seen[300] = { FALSE };
  guint i, k, total = 0;

  for (i = 0; i < 3; i++)
    src[i] = nats_receiver (server, "queue=workers max-pending-messages=1000");
  for (i = 0; i < 300; i++)
    gst_harness_push (sink, nats_buffer_new (i, 100));
  for (i = 0; i < 2400 && total < 300; i++) {
    for (total = 0, k = 0; k < 3; k++)
      total += gst_harness_buffers_received (src[k]);
    g_usleep (25000);
  }
  fail_unless_equals_int (total, 300);
  for (k = 0; k < 3; k++) {
    guint n = gst_harness_buffers_received (src[k]);

    /* servers choose by chance */
    fail_unless (n > 50, "%u", n);
    while (n-- > 0) {
      GstBuffer *buffer = gst_harness_pull (src[k]);
      guint at = (guint) (GST_BUFFER_PTS (buffer) / GST_MSECOND);

      fail_unless (at < 300 && !seen[at]);
      seen[at] = TRUE;
      gst_buffer_unref (buffer);
    }
    gst_harness_teardown (src[k]);
  }
  gst_harness_teardown (sink);
  nats_server_stop (server);
}

GST_END_TEST;

/* What is made of a frame goes under its identity, and is counted when there is
 * more than one. */
GST_START_TEST (test_identity)
{
  NatsServer *server = nats_server_start (NULL);
  GstHarness *sink = nats_sender (server, "subject=in source=gate-7");
  GstHarness *worker = nats_receiver (server, "subject=in");
  GstHarness *answers = nats_receiver (server, "subject=out");
  GstHarness *back = nats_sender (server, "subject=out source=worker");
  const GstStructure *s;
  GstBuffer *buffer;
  guint64 sequence, epoch[2], captured;
  guint repeat, i;

  gst_harness_push (sink, nats_buffer_new (0, 10));
  gst_harness_push (sink, nats_buffer_new (1, 10));
  for (i = 0; i < 2; i++) {
    buffer = gst_harness_pull (worker);
    s = gst_custom_meta_get_structure (gst_buffer_get_custom_meta (buffer,
            "GstNatsMeta"));
    fail_unless (gst_structure_get_uint64 (s, "epoch", &epoch[0]));
    fail_unless (gst_buffer_get_reference_timestamp_meta (buffer, NULL));
    gst_harness_push (back, gst_buffer_copy (buffer));
    gst_harness_push (back, buffer);
  }
  for (i = 0; i < 4; i++) {
    buffer = gst_harness_pull (answers);
    s = gst_custom_meta_get_structure (gst_buffer_get_custom_meta (buffer,
            "GstNatsMeta"));
    fail_unless_equals_string (gst_structure_get_string (s, "source"),
        "gate-7");
    fail_unless_equals_string (gst_structure_get_string (s, "subject"), "out");
    fail_unless (gst_structure_get_uint64 (s, "sequence", &sequence));
    fail_unless (gst_structure_get_uint64 (s, "epoch", &epoch[1]));
    fail_unless (gst_structure_get_uint64 (s, "capture-time", &captured));
    fail_unless (gst_structure_get_uint (s, "repeat", &repeat));
    fail_unless_equals_uint64 (sequence, i / 2);
    fail_unless_equals_uint64 (epoch[0], epoch[1]);
    fail_unless_equals_int (repeat, i % 2);
    fail_unless (captured <= (guint64) g_get_real_time () * 1000);
    gst_buffer_unref (buffer);
  }
  gst_harness_teardown (sink);
  gst_harness_teardown (back);
  gst_harness_teardown (worker);
  gst_harness_teardown (answers);
  nats_server_stop (server);
}

GST_END_TEST;

/* What a network found goes as JSON, under the identity of its frame. */
GST_START_TEST (test_results)
{
  static const gchar *const tags[] = { NULL };
  NatsServer *server = nats_server_start (NULL);
  GstHarness *src = nats_receiver (server, "");
  GstHarness *sink = nats_sender (server, "payload=results source=w");
  GstBuffer *buffer = nats_buffer_new (7, 1000);
  GstCaps *caps;
  gchar *text;
  GstMapInfo map;

  if (!gst_meta_get_info ("GstCompressedClassifyMeta"))
    gst_meta_register_custom ("GstCompressedClassifyMeta",
        (const gchar **) tags, NULL, NULL, NULL);
  gst_structure_set (gst_custom_meta_get_structure (gst_buffer_add_custom_meta
          (buffer, "GstCompressedClassifyMeta")), "label", G_TYPE_STRING,
      "a \"cat\"", "confidence", G_TYPE_DOUBLE, 0.5, NULL);
  gst_harness_push (sink, buffer);
  gst_harness_push (sink, nats_buffer_new (8, 1000));
  buffer = gst_harness_pull (src);
  gst_buffer_map (buffer, &map, GST_MAP_READ);
  text = g_strndup ((const gchar *) map.data, map.size);
  gst_buffer_unmap (buffer, &map);
  fail_unless (g_str_has_prefix (text, "{\"results\":[{"), "%s", text);
  fail_unless (strstr (text, "\"label\":\"a \\\"cat\\\"\""), "%s", text);
  fail_unless (strstr (text, "\"type\":\"GstCompressedClassifyMeta\""), "%s",
      text);
  fail_unless_equals_uint64 (GST_BUFFER_PTS (buffer), 7 * GST_MSECOND);
  caps = gst_pad_get_current_caps (src->sinkpad);
  fail_unless (gst_structure_has_name (gst_caps_get_structure (caps, 0),
          "application/x-walloc-results"));
  gst_caps_unref (caps);
  g_free (text);
  gst_buffer_unref (buffer);
  buffer = gst_harness_pull (src);
  fail_unless (gst_buffer_memcmp (buffer, 0, "{\"results\":[]}", 14) == 0);
  gst_buffer_unref (buffer);
  gst_harness_teardown (sink);
  gst_harness_teardown (src);
  nats_server_stop (server);
}

GST_END_TEST;

GST_START_TEST (test_timestamps)
{
  NatsServer *server = nats_server_start (NULL);
  GstHarness *rebase = nats_harness (server, "natssrc timestamps=rebase");
  GstHarness *arrival = nats_harness (server, "natssrc timestamps=arrival");
  GstHarness *sink = nats_sender (server, "");
  GstBuffer *a, *b;

  gst_harness_set_time (rebase, 5 * GST_SECOND);
  gst_harness_set_time (arrival, 7 * GST_SECOND);
  gst_harness_play (rebase);
  gst_harness_play (arrival);
  nats_await (rebase, "subscribed", 1);
  nats_await (arrival, "subscribed", 1);
  gst_harness_push (sink, nats_buffer_new (3600000, 10));
  gst_harness_push (sink, nats_buffer_new (3600040, 10));
  fail_unless_equals_uint64 (gst_harness_query_latency (rebase), 0);
  a = gst_harness_pull (rebase);
  b = gst_harness_pull (rebase);
  fail_unless_equals_uint64 (GST_BUFFER_PTS (a), 5 * GST_SECOND);
  fail_unless_equals_uint64 (GST_BUFFER_PTS (b) - GST_BUFFER_PTS (a),
      40 * GST_MSECOND);
  gst_buffer_unref (a);
  gst_buffer_unref (b);
  a = gst_harness_pull (arrival);
  fail_unless_equals_uint64 (GST_BUFFER_PTS (a), 7 * GST_SECOND);
  gst_buffer_unref (a);
  gst_harness_teardown (sink);
  gst_harness_teardown (rebase);
  gst_harness_teardown (arrival);
  nats_server_stop (server);
}

GST_END_TEST;

/* Nobody takes buffers for a while: the queue stays bounded, and what was left
 * out is counted. */
GST_START_TEST (test_slow_receiver)
{
  NatsServer *server = nats_server_start (NULL);
  GstHarness *src = nats_receiver (server, "max-pending-messages=5");
  GstHarness *sink = nats_sender (server, "");
  GstBuffer *buffer;
  gint hold = TRUE;
  guint i;

  gst_pad_add_probe (src->sinkpad, GST_PAD_PROBE_TYPE_BUFFER, nats_hold_buffer,
      &hold, NULL);
  gst_harness_push (sink, nats_buffer_new (0, 10));
  nats_await (src, "pushed", 1);
  for (i = 1; i < 50; i++)
    gst_harness_push (sink, nats_buffer_new (i, 10));
  nats_await (src, "received", 50);
  /* one is held in the pad, five wait */
  nats_await (src, "dropped", 44);
  fail_unless_equals_uint64 (nats_stat (src, "pending"), 5);
  g_atomic_int_set (&hold, FALSE);
  for (i = 0; i < 6; i++) {
    buffer = gst_harness_pull (src);
    fail_unless (nats_buffer_is (buffer, i == 0 ? 0 : 44 + i, 10));
    /* what was left out is a gap */
    fail_unless_equals_int (i == 1, i > 0
        && GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_DISCONT));
    gst_buffer_unref (buffer);
  }
  gst_harness_teardown (sink);
  gst_harness_teardown (src);
  nats_server_stop (server);
}

GST_END_TEST;

static Suite *
nats_suite (void)
{
  Suite *s = suite_create ("nats");
  TCase *tc = tcase_create ("core");

  suite_add_tcase (s, tc);
  if (!nats_server_there ()) {
    g_print ("nats: SKIP: no nats-server\n");
    return s;
  }
  tcase_add_test (tc, test_round_trip);
  tcase_add_test (tc, test_empty_buffer);
  tcase_add_test (tc, test_segment_and_eos);
  tcase_add_test (tc, test_caps_interval);
  tcase_add_test (tc, test_caps_of_one_name);
  tcase_add_test (tc, test_chunks);
  tcase_add_test (tc, test_max_size);
  tcase_add_test (tc, test_queue_group);
  tcase_add_test (tc, test_identity);
  tcase_add_test (tc, test_results);
  tcase_add_test (tc, test_timestamps);
  tcase_add_test (tc, test_slow_receiver);

  return s;
}

GST_CHECK_MAIN (nats);
