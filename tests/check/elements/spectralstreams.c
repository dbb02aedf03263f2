/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* spectralinspect with streams that are flushed, released, or stop. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "spectral-check.h"

static void
flush (Setup * s, gint stream, guint32 seqnum)
{
  GstEvent *start = gst_event_new_flush_start ();
  GstEvent *stop = gst_event_new_flush_stop (TRUE);
  GstSegment segment;

  gst_event_set_seqnum (start, seqnum);
  gst_event_set_seqnum (stop, seqnum);
  fail_unless (gst_harness_push_event (s->h[stream], start));
  fail_unless (gst_harness_push_event (s->h[stream], stop));
  gst_segment_init (&segment, GST_FORMAT_TIME);
  fail_unless (gst_harness_push_event (s->h[stream],
          gst_event_new_segment (&segment)));
}

/* Reports of each frame alone: when one has come, what it tells of and what came
 * with it has been taken from the pads, and the next has been too. */
static void
wait_taken (Setup * s, guint count)
{
  while (count-- > 0)
    gst_message_unref (wait_for (s, GST_MESSAGE_ELEMENT));
}

/* One branch seeks: what waited on its pad is lost, and counted, and frames
 * belong together by running time as before. */
GST_START_TEST (test_flush_one)
{
  GstMessage *m;
  Setup s;
  guint i;

  setup_full (&s, 2, "interval", "1", "GRAY8", W, W);
  for (i = 0; i < 3; i++) {
    push (&s, 0, i, 0);
    push (&s, 1, i, 2);
  }
  wait_taken (&s, 2);
  push (&s, 0, 3, 0);
  flush (&s, 0, gst_util_seqnum_next ());
  push (&s, 1, 3, 2);
  /* from its beginning again */
  for (i = 0; i < 6; i++)
    push (&s, 0, i, 0);
  for (i = 4; i < 6; i++)
    push (&s, 1, i, 2);
  eos (&s, 2);
  m = wait_pooled (&s, NULL);
  fail_unless_equals_uint64 (number (m, "frames"), 6);
  /* the one that waited, and 0 to 2 of those that came again */
  fail_unless_equals_uint64 (number (m, "unmatched-ref"), 4);
  fail_unless_equals_uint64 (number (m, "unmatched-dist"), 0);
  NEAR (value (m, "error", "mse"), 4);
  gst_message_unref (m);
  teardown (&s);
}

GST_END_TEST;

/* One flush of all streams: measuring begins anew. */
GST_START_TEST (test_flush_all)
{
  guint32 seqnum = gst_util_seqnum_next ();
  GstMessage *m;
  Setup s;
  guint i;

  setup (&s, 2);
  for (i = 0; i < 3; i++) {
    push (&s, 0, i, 0);
    push (&s, 1, i, 5);
  }
  push (&s, 0, 3, 0);
  flush (&s, 0, seqnum);
  flush (&s, 1, seqnum);
  for (i = 0; i < 2; i++) {
    push (&s, 0, i, 0);
    push (&s, 1, i, 2);
  }
  eos (&s, 2);
  m = wait_pooled (&s, NULL);
  fail_unless_equals_uint64 (number (m, "frames"), 2);
  fail_unless_equals_uint64 (number (m, "unmatched-ref"), 0);
  NEAR (value (m, "error", "mse"), 4);
  gst_message_unref (m);
  teardown (&s);
}

GST_END_TEST;

/* Streams that seek one after the other: time goes back, and reports still last
 * as long as what they are of. */
GST_START_TEST (test_flush_each)
{
  guint64 interval = __i__ ? GST_SECOND : 1;
  GstMessage *m;
  gboolean pooled = FALSE;
  Setup s;
  guint i;

  setup (&s, 2);
  g_object_set (s.element, "interval", interval, NULL);
  for (i = 100; i < 103; i++) {
    push (&s, 0, i, 0);
    push (&s, 1, i, 2);
  }
  flush (&s, 0, gst_util_seqnum_next ());
  flush (&s, 1, gst_util_seqnum_next ());
  for (i = 0; i < 2; i++) {
    push (&s, 0, i, 0);
    push (&s, 1, i, 2);
  }
  eos (&s, 2);
  while (!pooled) {
    m = wait_for (&s, GST_MESSAGE_ELEMENT);
    fail_unless (gst_structure_get_boolean (gst_message_get_structure (m),
            "pooled", &pooled));
    fail_unless (number (m, "duration") >= FRAME_TIME);
    fail_unless (number (m, "duration") <= 3 * FRAME_TIME);
    if (pooled)
      fail_unless_equals_uint64 (number (m, "running-time"), 0);
    gst_message_unref (m);
  }
  teardown (&s);
}

GST_END_TEST;

/* Samples that are in a line already are lost as well. */
GST_START_TEST (test_flush_sound)
{
  GstMessage *m;
  Setup s;

  setup_sound (&s, 8000, 8000);
  g_object_set (s.element, "interval", G_GUINT64_CONSTANT (1), NULL);
  push_sound (&s, 0, 0, 5000, 1, 0);
  push_sound (&s, 1, 0, 5000, 0.5, 0);
  wait_taken (&s, 1);
  /* 904 of each are left in the lines */
  push_sound (&s, 0, 5000, 100, 1, 0);
  push_sound (&s, 1, 5000, 100, 0.5, 0);
  push_sound (&s, 0, 5100, 100, 1, 0);
  flush (&s, 0, gst_util_seqnum_next ());
  push_sound (&s, 0, 5200, 4096, 1, 0);
  push_sound (&s, 1, 5100, 4196, 0.5, 0);
  eos (&s, 2);
  m = wait_pooled (&s, NULL);
  NEAR (value (m, "error", "si-sdr"), 99);
  NEAR (value (m, "error", "snr"), 6.0206);
  fail_unless_equals_uint64 (number (m, "unmatched-ref"), 1104);
  fail_unless_equals_uint64 (number (m, "unmatched-dist"), 1104);
  gst_message_unref (m);
  teardown (&s);
}

GST_END_TEST;

/* A stream that is not wanted any more: others go on without it. */
GST_START_TEST (test_release)
{
  GstMessage *m;
  GstPad *pad;
  Setup s;
  guint i;

  setup_full (&s, 3, "interval", "1", "GRAY8", W, W);
  for (i = 0; i < 2; i++) {
    push (&s, 0, i, 0);
    push (&s, 1, i, 7);
    push (&s, 2, i, 5);
  }
  wait_taken (&s, 1);
  push (&s, 2, 2, 5);
  pad = gst_element_get_static_pad (s.element, "corrupt_sink");
  gst_harness_teardown (s.h[2]);
  s.h[2] = NULL;
  if (GST_OBJECT_PARENT (pad))
    gst_element_release_request_pad (s.element, pad);
  gst_object_unref (pad);
  for (i = 2; i < 5; i++) {
    push (&s, 0, i, 0);
    push (&s, 1, i, 7);
  }
  eos (&s, 2);
  m = wait_pooled (&s, NULL);
  fail_unless_equals_uint64 (number (m, "frames"), 5);
  fail_unless_equals_uint64 (number (m, "unmatched-corrupt"), 1);
  fail_unless_equals_uint64 (number (m, "unmatched-ref"), 0);
  NEAR (value (m, "R", "mse"), 49);
  NEAR (value (m, "G", "mse"), 4);
  gst_message_unref (m);
  teardown (&s);
}

GST_END_TEST;

/* What others have in their lines stays when a pad is released, and the same
 * caps again change nothing. */
GST_START_TEST (test_release_sound)
{
  GstHarness *h;
  GstMessage *m;
  GstPad *pad;
  Setup s;
  guint i;

  setup_sound (&s, 8000, 8000);
  s.h[2] = h = gst_harness_new_with_element (s.element, "corrupt_sink", NULL);
  gst_harness_set_src_caps (h, sound_caps (GST_AUDIO_NE (F32), 8000));
  g_object_set (s.element, "interval", G_GUINT64_CONSTANT (1), NULL);
  push_sound (&s, 0, 0, 5000, 1, 0);
  push_sound (&s, 1, 0, 5000, 0.5, 0);
  push_sound (&s, 2, 0, 4500, 0.5, 0);
  wait_taken (&s, 1);
  push_sound (&s, 2, 4500, 300, 0.5, 0);
  pad = gst_element_get_static_pad (s.element, "corrupt_sink");
  gst_harness_teardown (h);
  s.h[2] = NULL;
  if (GST_OBJECT_PARENT (pad))
    gst_element_release_request_pad (s.element, pad);
  gst_object_unref (pad);
  for (i = 0; i < 2; i++)
    gst_harness_set_src_caps (s.h[i], sound_caps (GST_AUDIO_NE (F32), 8000));
  push_sound (&s, 0, 5000, 3192, 1, 0);
  push_sound (&s, 1, 5000, 3192, 0.5, 0);
  eos (&s, 2);
  m = wait_pooled (&s, NULL);
  NEAR (value (m, "R", "si-sdr"), 99);
  fail_unless_equals_uint64 (number (m, "frames"), 4);
  fail_unless_equals_uint64 (number (m, "measured"), 4);
  fail_unless_equals_uint64 (number (m, "unmatched-ref"), 0);
  fail_unless_equals_uint64 (number (m, "unmatched-dist"), 0);
  fail_unless_equals_uint64 (number (m, "unmatched-corrupt"), 704);
  gst_message_unref (m);
  teardown (&s);
}

GST_END_TEST;

GST_START_TEST (test_other_channels)
{
  GstCaps *caps;
  Setup s;

  setup_sound (&s, 8000, 8000);
  caps = sound_caps (GST_AUDIO_NE (F32), 8000);
  gst_caps_set_simple (caps, "channels", G_TYPE_INT, 2, "channel-mask",
      GST_TYPE_BITMASK, (guint64) 3, NULL);
  gst_harness_set_src_caps (s.h[1], caps);
  push_sound (&s, 0, 0, 100, 1, 0);
  gst_harness_push (s.h[1], gst_buffer_new_allocate (NULL, 800, NULL));
  expect_error (&s, "dist_sink has sound of 8000 Hz and 2 channels");
  teardown (&s);
}

GST_END_TEST;

GST_START_TEST (test_other_format)
{
  Setup s;

  setup (&s, 2);
  gst_harness_set_src_caps (s.h[1], check_caps ("I420", W, H));
  push (&s, 0, 0, 0);
  gst_harness_push (s.h[1], gst_buffer_new_allocate (NULL, W * H * 3 / 2,
          NULL));
  expect_error (&s, "ref_sink has 64x48 GRAY8, dist_sink has 64x48 I420");
  teardown (&s);
}

GST_END_TEST;

/* ---- live ---- */

typedef struct
{
  GstElement *pipeline, *source[2];
  Setup s;                      /* only its bus */
} Live;

static void
setup_live (Live * l, const gchar * caps, const gchar * properties)
{
  gchar *launch = g_strdup_printf ("appsrc name=a is-live=true format=time "
      "caps=\"%s\" ! spectralinspect name=s %s appsrc name=b is-live=true "
      "format=time caps=\"%s\" ! s.dist_sink", caps, properties, caps);
  GError *error = NULL;

  l->pipeline = gst_parse_launch (launch, &error);
  fail_unless (error == NULL, "%s", error ? error->message : "");
  g_free (launch);
  l->source[0] = gst_bin_get_by_name (GST_BIN (l->pipeline), "a");
  l->source[1] = gst_bin_get_by_name (GST_BIN (l->pipeline), "b");
  l->s.bus = gst_element_get_bus (l->pipeline);
  fail_unless (gst_element_set_state (l->pipeline, GST_STATE_PLAYING)
      != GST_STATE_CHANGE_FAILURE);
}

static void
teardown_live (Live * l)
{
  gst_element_set_state (l->pipeline, GST_STATE_NULL);
  gst_object_unref (l->source[0]);
  gst_object_unref (l->source[1]);
  gst_object_unref (l->s.bus);
  gst_object_unref (l->pipeline);
}

static void
feed (Live * l, gint stream, GstClockTime pts, GstClockTime duration,
    gsize size)
{
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, size, NULL);
  GstFlowReturn ret;

  gst_buffer_memset (buffer, 0, stream ? 2 : 0, size);
  GST_BUFFER_PTS (buffer) = pts;
  GST_BUFFER_DURATION (buffer) = duration;
  g_signal_emit_by_name (l->source[stream], "push-buffer", buffer, &ret);
  fail_unless_equals_int (ret, GST_FLOW_OK);
  gst_buffer_unref (buffer);
}

static void
feed_picture (Live * l, gint stream, guint n)
{
  feed (l, stream, n * FRAME_TIME, FRAME_TIME, W * H);
}

static void
end (Live * l, gint stream)
{
  GstFlowReturn ret;

  g_signal_emit_by_name (l->source[stream], "end-of-stream", &ret);
}

static void
set_timeout (Live * l, GstClockTime timeout)
{
  GstElement *element = gst_bin_get_by_name (GST_BIN (l->pipeline), "s");

  g_object_set (element, "timeout", timeout, NULL);
  gst_object_unref (element);
}

#define LIVE_PICTURES "video/x-raw, format=GRAY8, width=64, height=48, " \
    "framerate=25/1"
#define LIVE_SOUND "audio/x-raw, format=" GST_AUDIO_NE (S16) ", rate=8000, " \
    "channels=1, layout=interleaved"

/* One of them stops for a time: a warning says so, others go on, with reports
 * of nothing but what has no partner. It goes on, and so does all. */
GST_START_TEST (test_stops)
{
  gboolean empty = FALSE;
  GstMessage *m;
  Live l;
  guint i;

  setup_live (&l, LIVE_PICTURES, "timeout=0 interval=200000000");
  for (i = 0; i < 6; i++) {
    feed_picture (&l, 0, i);
    feed_picture (&l, 1, i);
  }
  wait_taken (&l.s, 1);
  set_timeout (&l, 150 * GST_MSECOND);
  for (; i < 20; i++)
    feed_picture (&l, 0, i);
  expect_error (&l.s, "dist_sink has given nothing for 0.1 s");
  /* reports of the first ones, and of frames without partners */
  while (!empty) {
    m = wait_for (&l.s, GST_MESSAGE_ELEMENT);
    empty = number (m, "frames") == 0;
    if (empty)
      fail_unless_equals_uint64 (number (m, "unmatched-ref"), 5);
    gst_message_unref (m);
  }
  set_timeout (&l, 0);
  for (i = 20; i < 23; i++) {
    feed_picture (&l, 1, i);
    feed_picture (&l, 0, i);
  }
  end (&l, 0);
  end (&l, 1);
  m = wait_pooled (&l.s, NULL);
  fail_unless_equals_uint64 (number (m, "frames"), 9);
  fail_unless_equals_uint64 (number (m, "unmatched-ref"), 14);
  fail_unless_equals_uint64 (number (m, "unmatched-dist"), 0);
  NEAR (value (m, "error", "mse"), 4);
  gst_message_unref (m);
  teardown_live (&l);
}

GST_END_TEST;

/* It never goes on, and the other one ends: the end is not waited for. */
GST_START_TEST (test_never_ends)
{
  GstMessage *m;
  Live l;
  guint i;

  setup_live (&l, LIVE_PICTURES, "timeout=0 interval=1");
  for (i = 0; i < 2; i++) {
    feed_picture (&l, 0, i);
    feed_picture (&l, 1, i);
  }
  wait_taken (&l.s, 1);
  set_timeout (&l, 100 * GST_MSECOND);
  end (&l, 0);
  m = wait_pooled (&l.s, NULL);
  fail_unless_equals_uint64 (number (m, "frames"), 2);
  gst_message_unref (m);
  teardown_live (&l);
}

GST_END_TEST;

GST_START_TEST (test_stops_sound)
{
  GstMessage *m;
  Live l;
  guint i;

  setup_live (&l, LIVE_SOUND, "timeout=0 interval=1");
  /* 5000 of one and 4500 of the other; then only the first one */
  for (i = 0; i < 10; i++) {
    feed (&l, 0, i * 500 * GST_SECOND / 8000, GST_CLOCK_TIME_NONE, 1000);
    if (i < 9)
      feed (&l, 1, i * 500 * GST_SECOND / 8000, GST_CLOCK_TIME_NONE, 1000);
  }
  wait_taken (&l.s, 1);
  set_timeout (&l, 100 * GST_MSECOND);
  feed (&l, 0, 5000 * GST_SECOND / 8000, GST_CLOCK_TIME_NONE, 2000);
  expect_error (&l.s, "dist_sink has given nothing");
  end (&l, 0);
  m = wait_pooled (&l.s, NULL);
  fail_unless_equals_uint64 (number (m, "frames"), 3);
  fail_unless_equals_uint64 (number (m, "measured"), 2);
  fail_unless_equals_uint64 (number (m, "unmatched-ref"), 1500);
  gst_message_unref (m);
  teardown_live (&l);
}

GST_END_TEST;

/* With timeout=0 it is waited for, and with one that clocks cannot count. */
GST_START_TEST (test_waits)
{
  GstMessage *m;
  Live l;

  setup_live (&l, LIVE_PICTURES, __i__ ? "timeout=18446744073709551615" :
      "timeout=0");
  feed_picture (&l, 0, 0);
  feed_picture (&l, 1, 0);
  feed_picture (&l, 0, 1);
  fail_unless (gst_bus_timed_pop_filtered (l.s.bus, 400 * GST_MSECOND,
          GST_MESSAGE_WARNING | GST_MESSAGE_ELEMENT) == NULL);
  feed_picture (&l, 1, 1);
  end (&l, 0);
  end (&l, 1);
  m = wait_pooled (&l.s, NULL);
  fail_unless_equals_uint64 (number (m, "frames"), 2);
  gst_message_unref (m);
  teardown_live (&l);
}

GST_END_TEST;

/* Nothing comes while all is paused, and nothing has stopped. */
GST_START_TEST (test_paused)
{
  GstElement *element;
  GstMessage *m;
  GstPad *pad;
  Live l;
  guint i;

  setup_live (&l, LIVE_PICTURES, "timeout=300000000");
  feed_picture (&l, 0, 0);
  element = gst_bin_get_by_name (GST_BIN (l.pipeline), "s");
  pad = gst_element_get_static_pad (element, "ref_sink");
  for (i = 0; i < 200
      && !gst_aggregator_pad_has_buffer (GST_AGGREGATOR_PAD (pad)); i++)
    g_usleep (1000);
  gst_element_set_state (l.pipeline, GST_STATE_PAUSED);
  g_usleep (700 * 1000);
  gst_element_set_state (l.pipeline, GST_STATE_PLAYING);
  feed_picture (&l, 1, 0);
  end (&l, 0);
  end (&l, 1);
  m = wait_for (&l.s, GST_MESSAGE_ELEMENT | GST_MESSAGE_WARNING);
  fail_unless_equals_int (GST_MESSAGE_TYPE (m), GST_MESSAGE_ELEMENT);
  fail_unless_equals_uint64 (number (m, "frames"), 1);
  fail_unless_equals_uint64 (number (m, "unmatched-ref"), 0);
  gst_message_unref (m);
  gst_object_unref (pad);
  gst_object_unref (element);
  teardown_live (&l);
}

GST_END_TEST;

static GstBusSyncReply
release_at_warning (GstBus * bus, GstMessage * m, gpointer data)
{
  GstPad **pad = data;

  if (GST_MESSAGE_TYPE (m) == GST_MESSAGE_WARNING && *pad) {
    GstElement *element = gst_pad_get_parent_element (*pad);

    gst_element_release_request_pad (element, *pad);
    gst_object_unref (element);
    gst_clear_object (pad);
  }
  return GST_BUS_PASS;
}

/* A pad goes away while others are looked at: that is no error. */
GST_START_TEST (test_release_meanwhile)
{
  GstElement *element;
  GstHarness *h;
  GstMessage *m;
  GstPad *pad;
  Live l;

  setup_live (&l, LIVE_PICTURES, "timeout=0");
  element = gst_bin_get_by_name (GST_BIN (l.pipeline), "s");
  pad = gst_element_request_pad_simple (element, "corrupt_sink");
  gst_bus_set_sync_handler (l.s.bus, release_at_warning, &pad, NULL);
  h = gst_harness_new_with_element (element, NULL, NULL);
  gst_harness_add_element_sink_pad (h, pad);
  gst_harness_set_src_caps (h, gst_caps_from_string (LIVE_PICTURES));
  gst_harness_push (h, gst_harness_create_buffer (h, W * H));
  set_timeout (&l, 500 * GST_MSECOND);
  /* what comes begins the wait */
  feed_picture (&l, 0, 0);
  expect_error (&l.s, "dist_sink has given nothing");
  end (&l, 0);
  end (&l, 1);
  /* a report of what was given up is there before it, unless the ends came
   * first */
  m = wait_pooled (&l.s, NULL);
  fail_unless_equals_uint64 (number (m, "unmatched-ref"), 1);
  fail_unless_equals_uint64 (number (m, "unmatched-corrupt"), 1);
  gst_message_unref (m);
  m = gst_bus_pop_filtered (l.s.bus, GST_MESSAGE_ERROR);
  fail_unless (m == NULL);
  gst_harness_teardown (h);
  gst_object_unref (element);
  teardown_live (&l);
}

GST_END_TEST;

/* A picture of what has been is not late before anybody has seen it. */
GST_START_TEST (test_live_picture)
{
  GstSample *sample = NULL;
  GstClockTime pts;
  GstElement *sink;
  Live l;
  guint i;

  setup_live (&l, LIVE_PICTURES, "timeout=0 interval=100000000 ! "
      "fakesink name=f sync=false async=false");
  for (i = 0; i < 4; i++) {
    feed_picture (&l, 0, i);
    feed_picture (&l, 1, i);
  }
  wait_taken (&l.s, 1);
  sink = gst_bin_get_by_name (GST_BIN (l.pipeline), "f");
  for (i = 0; i < 2000 && !sample; i++) {
    g_usleep (10000);
    g_object_get (sink, "last-sample", &sample, NULL);
  }
  fail_unless (sample != NULL);
  /* it is of frames from 0 on */
  pts = GST_BUFFER_PTS (gst_sample_get_buffer (sample));
  fail_unless (pts > 0);
  fail_unless (pts <= gst_element_get_current_running_time (sink));
  gst_sample_unref (sample);
  gst_object_unref (sink);
  teardown_live (&l);
}

GST_END_TEST;

static Suite *
spectralstreams_suite (void)
{
  Suite *s = suite_create ("spectralstreams");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (s, tc);
  tcase_add_test (tc, test_flush_one);
  tcase_add_test (tc, test_flush_all);
  tcase_add_loop_test (tc, test_flush_each, 0, 2);
  tcase_add_test (tc, test_flush_sound);
  tcase_add_test (tc, test_release);
  tcase_add_test (tc, test_release_sound);
  tcase_add_test (tc, test_other_channels);
  tcase_add_test (tc, test_other_format);
  tcase_add_test (tc, test_stops);
  tcase_add_test (tc, test_never_ends);
  tcase_add_test (tc, test_stops_sound);
  tcase_add_loop_test (tc, test_waits, 0, 2);
  tcase_add_test (tc, test_paused);
  tcase_add_test (tc, test_release_meanwhile);
  tcase_add_test (tc, test_live_picture);
  return s;
}

GST_CHECK_MAIN (spectralstreams);
