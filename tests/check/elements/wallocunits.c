/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Parts of the plugin by themselves: runner, time line, colours. The rate
 * control is in wallocrate.c. */
#include <gst/check/gstcheck.h>
#include <math.h>

#include "gst/walloc/gstwalloccommon.h"
#include "gst/walloc/gstwallocrunner.h"
#include "gst/walloc/gstwalloctimeline.h"

#define FRAME_DURATION (GST_SECOND / 25)

static void
count_work (void *data, unsigned index)
{
  g_atomic_int_inc (&((gint *) data)[index]);
}

GST_START_TEST (test_runner_each_index_once)
{
  guint threads, count, i, round;
  gint hits[200];

  for (threads = 1; threads <= 9; threads += 2) {
    GstWallocRunner *runner = gst_walloc_runner_new (threads);
    const walloc_runner *r = gst_walloc_runner_get (runner);

    fail_unless_equals_int (r != NULL, threads > 1);
    for (round = 0; r && round < 300; round++) {
      count = round % G_N_ELEMENTS (hits);
      memset (hits, 0, sizeof (hits));
      r->run (r->user, count_work, hits, count);
      for (i = 0; i < G_N_ELEMENTS (hits); i++)
        fail_unless_equals_int (hits[i], i < count);
    }
    gst_walloc_runner_free (runner);
  }
}

GST_END_TEST;

typedef struct
{
  const walloc_runner *runner;
  gint sum;
} Nested;

static void
sum_work (void *data, unsigned index)
{
  g_atomic_int_add (&((Nested *) data)->sum, index);
}

static void
nested_work (void *data, unsigned index)
{
  Nested *nested = data;

  nested->runner->run (nested->runner->user, sum_work, nested, 10);
}

/* work that itself hands out work must not wait for threads that are busy */
GST_START_TEST (test_runner_nested)
{
  GstWallocRunner *runner = gst_walloc_runner_new (2);
  Nested nested = { gst_walloc_runner_get (runner), 0 };

  nested.runner->run (nested.runner->user, nested_work, &nested, 50);
  fail_unless_equals_int (nested.sum, 50 * 45);
  gst_walloc_runner_free (runner);
}

GST_END_TEST;

GST_START_TEST (test_runner_absurd_thread_count)
{
  GstWallocRunner *runner = gst_walloc_runner_new (G_MAXUINT);

  fail_unless (gst_walloc_runner_get (runner)->threads <= 64);
  gst_walloc_runner_free (runner);
  gst_walloc_runner_free (NULL);
  fail_unless (gst_walloc_runner_get (NULL) == NULL);
}

GST_END_TEST;

static GstClockTime
map (GstWallocTimeline * timeline, guint64 offset, guint64 pts)
{
  walloc_frame_info info;
  GstClockTime duration;

  walloc_frame_info_init (&info);
  info.pts = pts;
  info.fps_n = 10;
  return gst_walloc_timeline_map (timeline, offset, 100, &info, &duration);
}

GST_START_TEST (test_timeline_starts_at_zero)
{
  GstWallocTimeline *t = gst_walloc_timeline_new ();

  fail_unless_equals_uint64 (map (t, 0, 5 * GST_SECOND), 0);
  fail_unless_equals_uint64 (map (t, 100, 6 * GST_SECOND), GST_SECOND);
  /* again, after a seek */
  fail_unless_equals_uint64 (map (t, 0, 5 * GST_SECOND), 0);
  fail_unless_equals_uint64 (map (t, 200, 7 * GST_SECOND), 2 * GST_SECOND);
  gst_walloc_timeline_free (t);
}

GST_END_TEST;

GST_START_TEST (test_timeline_concatenated)
{
  GstWallocTimeline *t = gst_walloc_timeline_new ();
  GstClockTime end = GST_SECOND + GST_SECOND / 10;

  map (t, 0, 0);
  map (t, 100, GST_SECOND);
  fail_unless_equals_uint64 (map (t, 200, 0), end);
  fail_unless_equals_uint64 (map (t, 300, GST_SECOND), end + GST_SECOND);
  fail_unless_equals_uint64 (map (t, 400, 0), 2 * end);
  fail_unless_equals_uint64 (map (t, 100, GST_SECOND), GST_SECOND);
  fail_unless_equals_uint64 (map (t, 300, GST_SECOND), end + GST_SECOND);
  fail_unless_equals_uint64 (map (t, 500, GST_SECOND), 2 * end + GST_SECOND);
  gst_walloc_timeline_free (t);
}

GST_END_TEST;

GST_START_TEST (test_timeline_absurd_times)
{
  GstWallocTimeline *t = gst_walloc_timeline_new ();

  /* none: frames follow each other */
  fail_unless_equals_uint64 (map (t, 0, WALLOC_TIME_NONE), 0);
  fail_unless_equals_uint64 (map (t, 100, WALLOC_TIME_NONE), GST_SECOND / 10);
  /* more than a signed number holds counts as none */
  fail_unless_equals_uint64 (map (t, 200, G_MAXUINT64 - 1), GST_SECOND / 5);
  fail_unless (GST_CLOCK_TIME_IS_VALID (map (t, 300, G_MAXINT64)));
  fail_unless (GST_CLOCK_TIME_IS_VALID (map (t, 400, 0)));
  fail_unless (GST_CLOCK_TIME_IS_VALID (map (t, 500, G_MAXINT64)));
  gst_walloc_timeline_free (t);
}

GST_END_TEST;

GST_START_TEST (test_colour_round_trip)
{
  static const gchar *const names[] = {
    "bt601", "bt709", "smpte240m", "bt2020", "1:4:0:0", "2:3:0:1"
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (names); i++) {
    GstVideoInfo info;
    GstVideoColorimetry back;
    walloc_colour colour;

    gst_video_info_set_format (&info, GST_VIDEO_FORMAT_I420, 16, 16);
    fail_unless (gst_video_colorimetry_from_string (&info.colorimetry,
            names[i]));
    fail_unless (gst_walloc_colour_from_info (&colour, &info));
    gst_walloc_colour_to_video (&colour, &back);
    fail_unless (gst_video_colorimetry_is_equal (&info.colorimetry, &back),
        "%s", names[i]);
  }
}

GST_END_TEST;

GST_START_TEST (test_formats)
{
  guint i;
  walloc_format back;

  for (i = 0; i < WALLOC_FORMAT_COUNT; i++) {
    GstVideoFormat video = gst_walloc_format_to_video (i);

    fail_unless (gst_walloc_format_from_video (video, &back));
    fail_unless_equals_int (back, i);
    fail_unless_equals_string (gst_video_format_to_string (video),
        walloc_format_name (i));
  }
  fail_unless_equals_int (gst_walloc_format_to_video (WALLOC_FORMAT_COUNT),
      GST_VIDEO_FORMAT_UNKNOWN);
  fail_if (gst_walloc_format_from_video (GST_VIDEO_FORMAT_UNKNOWN, &back));
  fail_if (gst_walloc_format_from_video (GST_VIDEO_FORMAT_UYVY, &back));
}

GST_END_TEST;

GST_START_TEST (test_caps_from_absurd_header)
{
  walloc_frame_info info;
  GstCaps *caps;
  GstStructure *s;
  gint n, d;

  walloc_frame_info_init (&info);
  info.width = info.height = 16384;
  info.fps_n = G_MAXUINT32;
  info.fps_d = G_MAXUINT32;
  info.par_n = G_MAXUINT32;
  info.par_d = 1;
  info.has_colour = TRUE;
  memset (&info.colour, 0xff, sizeof (info.colour));
  caps = gst_walloc_caps_from_header (&info);
  s = gst_caps_get_structure (caps, 0);
  fail_if (gst_structure_has_field (s, "framerate"));
  fail_unless (gst_structure_get_fraction (s, "pixel-aspect-ratio", &n, &d));
  fail_unless (n == 1 && d == 1);
  fail_unless_equals_string (gst_structure_get_string (s, "model-id"),
      "0000000000000000");
  gst_caps_unref (caps);
}

GST_END_TEST;

static Suite *
walloc_units_suite (void)
{
  Suite *s = suite_create ("walloc-units");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (s, tc);
  tcase_add_test (tc, test_runner_each_index_once);
  tcase_add_test (tc, test_runner_nested);
  tcase_add_test (tc, test_runner_absurd_thread_count);
  tcase_add_test (tc, test_timeline_starts_at_zero);
  tcase_add_test (tc, test_timeline_concatenated);
  tcase_add_test (tc, test_timeline_absurd_times);
  tcase_add_test (tc, test_colour_round_trip);
  tcase_add_test (tc, test_formats);
  tcase_add_test (tc, test_caps_from_absurd_header);

  return s;
}

GST_CHECK_MAIN (walloc_units);
