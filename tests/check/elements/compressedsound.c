/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* compressedclassify on sound: windows, their time stamps, and the end. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "compressed-check.h"

#define NAME "compressedclassify"
#define COLUMNS_TIME(n) gst_util_uint64_scale (n, 256 * GST_SECOND, 44100)

/* The window of the test network is 24 columns, its hop 8; a frame has 4. */
#define WINDOW 24
#define HOP 8

static GPtrArray *
make_frames (guint count, guint loud_from, GstCaps ** caps)
{
  gint16 *levels = g_new0 (gint16, count);
  GPtrArray *frames;
  guint i;

  for (i = loud_from; i < count; i++)
    levels[i] = 12000;
  frames = loud_frames (levels, count, caps);
  g_free (levels);

  return frames;
}

static GstStructure *
next_window (GstBus * bus, guint64 * timestamp, guint64 * duration)
{
  GstStructure *s = pop_result (bus, NAME);

  if (s) {
    fail_unless (gst_structure_get_uint64 (s, "timestamp", timestamp));
    fail_unless (gst_structure_get_uint64 (s, "duration", duration));
  }
  return s;
}

/* A hop apart, each as long as a window; and quiet turns to loud where it
 * does. */
GST_START_TEST (test_windows)
{
  GstCaps *caps;
  GPtrArray *frames = make_frames (60, 30, &caps);
  GstHarness *h = compressed_harness (NAME, NETWORK ("listen"), NULL);
  GstBus *bus = check_bus (h);
  GstStructure *s;
  guint64 time, duration, before = 0, loud = GST_CLOCK_TIME_NONE;
  guint n = 0, i, windows;

  gst_harness_set_src_caps (h, caps);
  for (i = 0; i < frames->len; i++)
    pass_on (h, g_ptr_array_index (frames, i));
  windows = (frames->len * 4 - WINDOW) / HOP + 1;
  while ((s = next_window (bus, &time, &duration))) {
    fail_unless_equals_uint64 (duration, COLUMNS_TIME (WINDOW));
    /* the first begin before the recording, and are of its beginning */
    if (n > 2) {
      gint64 off = (gint64) (time - before) - (gint64) COLUMNS_TIME (HOP);

      fail_unless (ABS (off) < GST_MSECOND, "%" G_GINT64_FORMAT, off);
    }
    if (g_str_equal (gst_structure_get_string (s, "label"), "loud")) {
      if (loud == GST_CLOCK_TIME_NONE)
        loud = time;
    } else {
      fail_unless_equals_uint64 (loud, GST_CLOCK_TIME_NONE);
    }
    before = time;
    n++;
    gst_structure_free (s);
  }
  fail_unless_equals_int (n, windows);
  fail_unless_equals_uint64 (check_stat (h->element, "analysed"), n);
  /* sound begins at 30 frames: the first window that is loud has some of it,
   * the ones before had next to none */
  fail_unless (loud + COLUMNS_TIME (WINDOW) > COLUMNS_TIME (30 * 4));
  fail_unless (loud < COLUMNS_TIME (30 * 4));

  gst_object_unref (bus);
  gst_harness_teardown (h);
  g_ptr_array_unref (frames);
}

GST_END_TEST;

/* The meta is on the buffer with which the window is full. */
GST_START_TEST (test_meta)
{
  GstCaps *caps;
  GPtrArray *frames = make_frames (20, 0, &caps);
  GstHarness *h = compressed_harness (NAME, NETWORK ("listen-fixed"), NULL);
  guint i;

  gst_harness_set_src_caps (h, caps);
  for (i = 0; i < frames->len; i++) {
    GstBuffer *out = pass (h, g_ptr_array_index (frames, i));
    gboolean due = (i + 1) * 4 >= WINDOW && ((i + 1) * 4 - WINDOW) % HOP == 0;

    fail_unless_equals_int (gst_buffer_get_custom_meta (out,
            "GstCompressedClassifyMeta") != NULL, due);
    gst_buffer_unref (out);
  }
  gst_harness_teardown (h);
  g_ptr_array_unref (frames);
}

GST_END_TEST;

/* A recording shorter than a window has a result at its end; one whose last
 * column was seen has no further one. */
GST_START_TEST (test_end)
{
  static const guint counts[] = { 2, 4, 6, 7, 8 };
  GstCaps *caps;
  GPtrArray *frames = make_frames (10, 0, &caps);
  guint c, i;

  for (c = 0; c < G_N_ELEMENTS (counts); c++) {
    GstHarness *h = compressed_harness (NAME, NETWORK ("listen"), NULL);
    GstBus *bus = check_bus (h);
    GstStructure *s;
    guint n = 0, columns = counts[c] * 4;
    guint full = columns >= WINDOW ? (columns - WINDOW) / HOP + 1 : 0;
    guint seen = full ? WINDOW + (full - 1) * HOP : 0;

    gst_harness_set_src_caps (h, gst_caps_ref (caps));
    for (i = 0; i < counts[c]; i++)
      pass_on (h, g_ptr_array_index (frames, i));
    gst_harness_push_event (h, gst_event_new_eos ());
    while ((s = pop_result (bus, NAME))) {
      n++;
      fail_unless_equals_string (gst_structure_get_string (s, "label"), "loud");
      gst_structure_free (s);
    }
    fail_unless_equals_int (n, full + (seen < columns));
    gst_object_unref (bus);
    gst_harness_teardown (h);
  }
  gst_caps_unref (caps);
  g_ptr_array_unref (frames);
}

GST_END_TEST;

GST_START_TEST (test_interval)
{
  GstCaps *caps;
  GPtrArray *frames = make_frames (60, 0, &caps);
  GstHarness *h = compressed_harness (NAME, NETWORK ("listen"), NULL);
  GstBus *bus = check_bus (h);
  guint64 time, duration, before = GST_CLOCK_TIME_NONE;
  GstStructure *s;
  guint n = 0, i;

  g_object_set (h->element, "interval", (guint64) 200 * GST_MSECOND, NULL);
  gst_harness_set_src_caps (h, caps);
  for (i = 0; i < frames->len; i++)
    pass_on (h, g_ptr_array_index (frames, i));
  while ((s = next_window (bus, &time, &duration))) {
    if (GST_CLOCK_TIME_IS_VALID (before))
      fail_unless (time - before > 150 * GST_MSECOND);
    before = time;
    n++;
    gst_structure_free (s);
  }
  /* 60 frames are 1.4 s */
  fail_unless (n >= 6 && n <= 8, "%u results", n);

  gst_object_unref (bus);
  gst_harness_teardown (h);
  g_ptr_array_unref (frames);
}

GST_END_TEST;

/* A damaged frame, and a gap, begin a new window: none has a hole in it. */
GST_START_TEST (test_damaged)
{
  GstCaps *caps;
  GPtrArray *frames = make_frames (30, 0, &caps);
  GstHarness *h = compressed_harness (NAME, NETWORK ("listen"), NULL);
  GstBus *bus = check_bus (h);
  GstBuffer *bad, *discont;
  guint64 results;
  guint i;

  gst_harness_set_src_caps (h, caps);
  for (i = 0; i < 5; i++)
    pass_on (h, g_ptr_array_index (frames, i));
  bad = damage (g_ptr_array_index (frames, 5));
  pass_on (h, bad);
  gst_buffer_unref (bad);
  check_assert_message (bus, GST_MESSAGE_WARNING, GST_STREAM_ERROR,
      GST_STREAM_ERROR_DECODE, "damaged");
  fail_unless_equals_uint64 (check_stat (h->element, "damaged"), 1);
  for (i = 6; i < 11; i++)
    pass_on (h, g_ptr_array_index (frames, i));
  fail_unless_equals_uint64 (check_stat (h->element, "analysed"), 0);
  pass_on (h, g_ptr_array_index (frames, 11));
  results = check_stat (h->element, "analysed");
  fail_unless_equals_uint64 (results, 1);
  discont = gst_buffer_copy (g_ptr_array_index (frames, 20));
  GST_BUFFER_FLAG_SET (discont, GST_BUFFER_FLAG_DISCONT);
  pass_on (h, discont);
  gst_buffer_unref (discont);
  for (i = 21; i < 25; i++)
    pass_on (h, g_ptr_array_index (frames, i));
  fail_unless_equals_uint64 (check_stat (h->element, "analysed"), results);
  pass_on (h, g_ptr_array_index (frames, 25));
  fail_unless_equals_uint64 (check_stat (h->element, "analysed"), results + 1);
  fail_unless (gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR) == NULL);

  gst_object_unref (bus);
  gst_harness_teardown (h);
  g_ptr_array_unref (frames);
}

GST_END_TEST;

GST_START_TEST (test_wrong)
{
  GstCaps *caps;
  GPtrArray *frames = make_frames (3, 0, &caps);
  GstHarness *h = compressed_harness (NAME, NETWORK ("classify"), NULL);
  GstBus *bus = check_bus (h);
  walloc_frame_info info;
  GstBuffer *other;

  gst_harness_set_src_caps (h, gst_caps_ref (caps));
  fail_unless_equals_int (gst_harness_push (h,
          gst_buffer_ref (g_ptr_array_index (frames, 0))), GST_FLOW_ERROR);
  check_assert_message (bus, GST_MESSAGE_ERROR, GST_STREAM_ERROR,
      GST_STREAM_ERROR_WRONG_TYPE, "walloc.media");

  /* trained at another rate */
  g_object_set (h->element, "model-file", NETWORK ("listen"), NULL);
  check_parse_header (g_ptr_array_index (frames, 0), &info);
  info.rate = 48000;
  other = check_rewrite (g_ptr_array_index (frames, 0), &info);
  fail_unless_equals_int (gst_harness_push (h, other), GST_FLOW_ERROR);
  check_assert_message (bus, GST_MESSAGE_ERROR, GST_STREAM_ERROR,
      GST_STREAM_ERROR_WRONG_TYPE, "48000");
  pass_on (h, g_ptr_array_index (frames, 0));

  gst_object_unref (bus);
  gst_harness_teardown (h);
  gst_caps_unref (caps);
  g_ptr_array_unref (frames);
}

GST_END_TEST;

static Suite *
compressedsound_suite (void)
{
  Suite *s = suite_create ("compressedsound");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (s, tc);
  tcase_add_test (tc, test_windows);
  tcase_add_test (tc, test_meta);
  tcase_add_test (tc, test_end);
  tcase_add_test (tc, test_interval);
  tcase_add_test (tc, test_damaged);
  tcase_add_test (tc, test_wrong);

  return s;
}

GST_CHECK_MAIN (compressedsound);
