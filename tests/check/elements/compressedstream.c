/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Networks on streams that are damaged, predicted, flushed and changed, and
 * what elements share. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "compressed-check.h"

#define NAME "compressedclassify"

static const guint8 shades[] = {
  30, 220, 30, 220, 30, 220, 30, 220, 30, 220, 30, 220
};

/* Changed bytes, cut frames and no frames at all between good ones. */
GST_START_TEST (test_damaged)
{
  GstCaps *caps;
  GPtrArray *frames = shade_frames (64, 48, shades, 6, NULL, &caps);
  GstHarness *h = compressed_harness (NAME, NETWORK ("classify"), NULL);
  GstBus *bus = check_bus (h);
  GstBuffer *bad;

  gst_harness_set_src_caps (h, caps);
  pass_on (h, g_ptr_array_index (frames, 0));
  expect_result (bus, NAME, "dark", 0);

  bad = damage (g_ptr_array_index (frames, 1));
  pass_on (h, bad);
  gst_buffer_unref (bad);
  fail_unless_equals_uint64 (check_stat (h->element, "damaged"), 1);
  check_assert_message (bus, GST_MESSAGE_WARNING, GST_STREAM_ERROR,
      GST_STREAM_ERROR_DECODE, "damaged");
  expect_no_result (bus, NAME);

  bad = gst_buffer_copy_region (g_ptr_array_index (frames, 2),
      GST_BUFFER_COPY_ALL, 0,
      gst_buffer_get_size (g_ptr_array_index (frames, 2)) - 3);
  pass_on (h, bad);
  gst_buffer_unref (bad);
  bad = gst_buffer_copy_region (g_ptr_array_index (frames, 2),
      GST_BUFFER_COPY_ALL, 0, 20);
  pass_on (h, bad);
  gst_buffer_unref (bad);
  bad = gst_buffer_new_memdup ("no frame at all, though as long as one is.",
      42);
  pass_on (h, bad);
  gst_buffer_unref (bad);
  gst_buffer_unref (gst_harness_push_and_pull (h, gst_buffer_new ()));
  expect_no_result (bus, NAME);
  fail_unless_equals_uint64 (check_stat (h->element, "damaged"), 5);

  pass_on (h, g_ptr_array_index (frames, 5));
  expect_result (bus, NAME, "bright", 5 * FRAME_TIME);
  fail_unless (gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR) == NULL);

  gst_object_unref (bus);
  gst_harness_teardown (h);
  g_ptr_array_unref (frames);
}

GST_END_TEST;

/* Frames of a static scene that build on each other. */
static GPtrArray *
predicted_frames (GstCaps ** caps)
{
  static const guint8 same[12] = {
    220, 220, 220, 220, 220, 220, 220, 220, 220, 220, 220, 220
  };
  GPtrArray *frames = shade_frames (64, 48, same, 12, "key-int-max=6", caps);
  walloc_frame_info info;

  check_parse_header (g_ptr_array_index (frames, 1), &info);
  fail_unless (info.type != WALLOC_FRAME_KEY);
  check_parse_header (g_ptr_array_index (frames, 6), &info);
  fail_unless_equals_int (info.type, WALLOC_FRAME_KEY);

  return frames;
}

GST_START_TEST (test_lost)
{
  GstCaps *caps;
  GPtrArray *frames = predicted_frames (&caps);
  GstHarness *h = compressed_harness (NAME, NETWORK ("classify"), NULL);
  GstBus *bus = check_bus (h);
  GstEvent *event;
  gboolean asked = FALSE;
  guint i;

  gst_harness_set_src_caps (h, caps);
  for (i = 0; i < 2; i++) {
    pass_on (h, g_ptr_array_index (frames, i));
    expect_result (bus, NAME, "bright", i * FRAME_TIME);
  }
  /* frame 2 is lost: nothing until the next key frame, which is asked for */
  for (i = 3; i < 6; i++)
    pass_on (h, g_ptr_array_index (frames, i));
  expect_no_result (bus, NAME);
  fail_unless_equals_uint64 (check_stat (h->element, "waiting"), 3);
  while ((event = gst_harness_try_pull_upstream_event (h))) {
    asked |= gst_video_event_is_force_key_unit (event);
    gst_event_unref (event);
  }
  fail_unless (asked);
  for (i = 6; i < 9; i++) {
    pass_on (h, g_ptr_array_index (frames, i));
    expect_result (bus, NAME, "bright", i * FRAME_TIME);
  }

  gst_object_unref (bus);
  gst_harness_teardown (h);
  g_ptr_array_unref (frames);
}

GST_END_TEST;

/* Frames that are not due are decoded all the same where others need them. */
GST_START_TEST (test_interval_predicted)
{
  GstCaps *caps;
  GPtrArray *frames = predicted_frames (&caps);
  GstHarness *h = compressed_harness (NAME, NETWORK ("classify"), NULL);
  GstBus *bus = check_bus (h);
  guint i;

  g_object_set (h->element, "interval", (guint64) 3 * FRAME_TIME, NULL);
  gst_harness_set_src_caps (h, caps);
  for (i = 0; i < 12; i++) {
    pass_on (h, g_ptr_array_index (frames, i));
    if (i % 3 == 0)
      expect_result (bus, NAME, "bright", i * FRAME_TIME);
    else
      expect_no_result (bus, NAME);
  }
  fail_unless_equals_uint64 (check_stat (h->element, "skipped"), 8);
  fail_unless_equals_uint64 (check_stat (h->element, "waiting"), 0);

  gst_object_unref (bus);
  gst_harness_teardown (h);
  g_ptr_array_unref (frames);
}

GST_END_TEST;

GST_START_TEST (test_flush_and_discont)
{
  GstCaps *caps;
  GPtrArray *frames = predicted_frames (&caps);
  GstHarness *h = compressed_harness (NAME, NETWORK ("classify"), NULL);
  GstBus *bus = check_bus (h);
  GstSegment segment;
  GstBuffer *discont;

  gst_harness_set_src_caps (h, caps);
  pass_on (h, g_ptr_array_index (frames, 0));
  expect_result (bus, NAME, "bright", 0);
  gst_harness_push_event (h, gst_event_new_flush_start ());
  gst_harness_push_event (h, gst_event_new_flush_stop (TRUE));
  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_harness_push_event (h, gst_event_new_segment (&segment));
  /* it would follow, but for the seek */
  pass_on (h, g_ptr_array_index (frames, 1));
  expect_no_result (bus, NAME);
  pass_on (h, g_ptr_array_index (frames, 6));
  expect_result (bus, NAME, "bright", 6 * FRAME_TIME);
  discont = gst_buffer_copy (g_ptr_array_index (frames, 7));
  GST_BUFFER_FLAG_SET (discont, GST_BUFFER_FLAG_DISCONT);
  pass_on (h, discont);
  gst_buffer_unref (discont);
  expect_no_result (bus, NAME);
  fail_unless_equals_uint64 (check_stat (h->element, "waiting"), 2);

  gst_object_unref (bus);
  gst_harness_teardown (h);
  g_ptr_array_unref (frames);
}

GST_END_TEST;

GST_START_TEST (test_caps_change)
{
  GstCaps *small, *large;
  GPtrArray *a = shade_frames (64, 48, shades, 2, NULL, &small);
  GPtrArray *b = shade_frames (133, 71, shades, 2, NULL, &large);
  GstHarness *h = compressed_harness (NAME, NETWORK ("classify"), NULL);
  GstBus *bus = check_bus (h);
  GstCaps *caps;
  guint i;

  for (i = 0; i < 3; i++) {
    gst_harness_set_src_caps (h, gst_caps_ref (i % 2 ? large : small));
    pass_on (h, g_ptr_array_index (i % 2 ? b : a, 0));
    expect_result (bus, NAME, "dark", 0);
    pass_on (h, g_ptr_array_index (i % 2 ? b : a, 1));
    expect_result (bus, NAME, "bright", FRAME_TIME);
    caps = gst_pad_get_current_caps (h->sinkpad);
    fail_unless (gst_caps_is_equal (caps, i % 2 ? large : small));
    gst_caps_unref (caps);
  }
  gst_object_unref (bus);
  gst_harness_teardown (h);
  gst_caps_unref (small);
  gst_caps_unref (large);
  g_ptr_array_unref (a);
  g_ptr_array_unref (b);
}

GST_END_TEST;

GST_START_TEST (test_network_change)
{
  GstCaps *caps;
  GPtrArray *frames = shade_frames (64, 48, shades, 2, NULL, &caps);
  GstHarness *h = compressed_harness (NAME, NETWORK ("classify"), NULL);
  GstBus *bus = check_bus (h);
  GstStructure *s;

  gst_harness_set_src_caps (h, caps);
  pass_on (h, g_ptr_array_index (frames, 0));
  expect_result (bus, NAME, "dark", 0);
  g_object_set (h->element, "model-file", NETWORK ("classify-inputs"), NULL);
  pass_on (h, g_ptr_array_index (frames, 1));
  s = pop_result (bus, NAME);
  fail_unless_equals_string (gst_structure_get_string (s, "network"), "inputs");
  gst_structure_free (s);
  g_object_set (h->element, "model-file", NETWORK ("classify-rows"), NULL);
  pass_on (h, g_ptr_array_index (frames, 1));
  expect_result (bus, NAME, "bright", FRAME_TIME);
  /* one that cannot be used is an error, and a good one mends it */
  g_object_set (h->element, "model-file", "/nowhere.onnx", NULL);
  fail_unless_equals_int (gst_harness_push (h,
          gst_buffer_ref (g_ptr_array_index (frames, 0))), GST_FLOW_ERROR);
  g_object_set (h->element, "model-file", NETWORK ("classify"), NULL);
  pass_on (h, g_ptr_array_index (frames, 0));
  expect_result (bus, NAME, "dark", 0);

  gst_object_unref (bus);
  gst_harness_teardown (h);
  g_ptr_array_unref (frames);
}

GST_END_TEST;

/* Damaged weights: told as a warning, and the stream goes on. */
GST_START_TEST (test_not_finite)
{
  GstCaps *caps;
  GPtrArray *frames = shade_frames (64, 48, shades, 3, NULL, &caps);
  GstHarness *h = compressed_harness (NAME, NETWORK ("bad-nan"), NULL);
  GstBus *bus = check_bus (h);
  guint i;

  gst_harness_set_src_caps (h, caps);
  for (i = 0; i < 3; i++)
    pass_on (h, g_ptr_array_index (frames, i));
  check_assert_message (bus, GST_MESSAGE_WARNING, GST_STREAM_ERROR,
      GST_STREAM_ERROR_FAILED, "no finite numbers");
  expect_no_result (bus, NAME);
  fail_unless_equals_uint64 (check_stat (h->element, "failed"), 3);
  fail_unless_equals_uint64 (check_stat (h->element, "analysed"), 0);

  gst_object_unref (bus);
  gst_harness_teardown (h);
  g_ptr_array_unref (frames);
}

GST_END_TEST;

static guint
instances (GstHarness * h)
{
  GstStructure *s;
  guint n = 0;

  g_object_get (h->element, "stats", &s, NULL);
  fail_unless (gst_structure_get_uint (s, "instances", &n));
  gst_structure_free (s);

  return n;
}

/* Streams that are analysed one after the other share one copy; of two sizes
 * there are two. */
GST_START_TEST (test_shared)
{
  GstCaps *caps, *large;
  GPtrArray *frames = shade_frames (64, 48, shades, 3, NULL, &caps);
  GPtrArray *other = shade_frames (200, 100, shades, 3, NULL, &large);
  GstHarness *h[4];
  guint i, k;

  for (i = 0; i < 4; i++) {
    h[i] = compressed_harness (NAME, NETWORK ("classify"), NULL);
    gst_harness_set_src_caps (h[i], gst_caps_ref (caps));
  }
  for (k = 0; k < 3; k++)
    for (i = 0; i < 4; i++)
      pass_on (h[i], g_ptr_array_index (frames, k));
  fail_unless_equals_int (instances (h[3]), 1);
  gst_harness_set_src_caps (h[0], gst_caps_ref (large));
  for (k = 0; k < 3; k++) {
    pass_on (h[0], g_ptr_array_index (other, k));
    pass_on (h[1], g_ptr_array_index (frames, k));
  }
  fail_unless_equals_int (instances (h[0]), 2);
  for (i = 0; i < 4; i++)
    gst_harness_teardown (h[i]);
  gst_caps_unref (caps);
  gst_caps_unref (large);
  g_ptr_array_unref (frames);
  g_ptr_array_unref (other);
}

GST_END_TEST;

/* One stream of many sizes: copies for three of them and no more, and fewer
 * again when there are fewer users. */
GST_START_TEST (test_bounded)
{
  GstHarness *h[3];
  guint i, k;

  for (i = 0; i < 3; i++)
    h[i] = compressed_harness (NAME, NETWORK ("classify"), NULL);
  for (k = 0; k < 8; k++) {
    GstCaps *caps;
    GPtrArray *frames = shade_frames (40 + 16 * k, 48, shades, 2, NULL, &caps);

    gst_harness_set_src_caps (h[0], caps);
    pass_on (h[0], g_ptr_array_index (frames, 0));
    /* three users and two to spare; then one user */
    fail_unless_equals_int (instances (h[0]), k > 5 ? 3 : MIN (k + 1, 5));
    g_ptr_array_unref (frames);
    if (k == 5) {
      gst_harness_teardown (h[1]);
      gst_harness_teardown (h[2]);
    }
  }
  gst_harness_teardown (h[0]);
}

GST_END_TEST;

static gpointer
classify_many (gpointer data)
{
  GPtrArray *frames = data;
  GstHarness *h = compressed_harness (NAME, NETWORK ("classify-rows"), NULL);
  GstBus *bus = check_bus (h);
  guint i, copies;

  gst_harness_set_src_caps_str (h,
      "video/x-walloc,alignment=frame,parsed=true");
  for (i = 0; i < 60; i++) {
    pass_on (h, g_ptr_array_index (frames, i % frames->len));
    expect_result (bus, NAME, i % frames->len % 2 ? "bright" : "dark",
        i % frames->len * FRAME_TIME);
  }
  copies = instances (h);
  gst_object_unref (bus);
  gst_harness_teardown (h);

  return GUINT_TO_POINTER (copies);
}

GST_START_TEST (test_shared_by_threads)
{
  GstCaps *caps;
  GPtrArray *frames = shade_frames (64, 48, shades, 12, NULL, &caps);
  GThread *threads[6];
  guint i, copies;

  for (i = 0; i < 6; i++)
    threads[i] = g_thread_new ("many", classify_many, frames);
  for (i = 0; i < 6; i++) {
    copies = GPOINTER_TO_UINT (g_thread_join (threads[i]));
    fail_unless (copies >= 1 && copies <= 6 + 2);
  }
  gst_caps_unref (caps);
  g_ptr_array_unref (frames);
}

GST_END_TEST;

/* What upstream and downstream ask each other goes through. */
GST_START_TEST (test_queries)
{
  GstHarness *h = compressed_harness (NAME, NETWORK ("classify"), NULL);
  GstCaps *caps, *wanted;
  GstEvent *event;

  gst_harness_set_src_caps_str (h,
      "video/x-walloc,alignment=frame,parsed=true,width=64,height=48");
  gst_harness_set_upstream_latency (h, 40 * GST_MSECOND);
  fail_unless_equals_uint64 (gst_harness_query_latency (h), 40 * GST_MSECOND);
  caps = gst_pad_peer_query_caps (h->srcpad, NULL);
  wanted = gst_caps_from_string ("audio/x-walloc,alignment=frame,parsed=true");
  fail_unless (gst_caps_can_intersect (caps, wanted));
  gst_caps_unref (caps);
  gst_caps_unref (wanted);
  /* what comes behind limits what may come in */
  wanted = gst_caps_from_string ("video/x-walloc,width=64");
  gst_harness_set_sink_caps (h, gst_caps_ref (wanted));
  caps = gst_pad_peer_query_caps (h->srcpad, NULL);
  fail_unless (gst_caps_is_subset (caps, wanted));
  gst_caps_unref (caps);
  gst_caps_unref (wanted);
  gst_harness_push_upstream_event (h,
      gst_video_event_new_upstream_force_key_unit (GST_CLOCK_TIME_NONE, TRUE,
          1));
  while ((event = gst_harness_try_pull_upstream_event (h))) {
    gboolean found = gst_video_event_is_force_key_unit (event);

    gst_event_unref (event);
    if (found)
      break;
    fail_unless (gst_harness_upstream_events_in_queue (h) > 0);
  }
  gst_harness_teardown (h);
}

GST_END_TEST;

static Suite *
compressedstream_suite (void)
{
  Suite *s = suite_create ("compressedstream");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (s, tc);
  tcase_add_test (tc, test_damaged);
  tcase_add_test (tc, test_lost);
  tcase_add_test (tc, test_interval_predicted);
  tcase_add_test (tc, test_flush_and_discont);
  tcase_add_test (tc, test_caps_change);
  tcase_add_test (tc, test_network_change);
  tcase_add_test (tc, test_not_finite);
  tcase_add_test (tc, test_shared);
  tcase_add_test (tc, test_bounded);
  tcase_add_test (tc, test_shared_by_threads);
  tcase_add_test (tc, test_queries);

  return s;
}

GST_CHECK_MAIN (compressedstream);
