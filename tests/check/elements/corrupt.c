/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* corrupt: the same in every format, by seed and number of the frame; what may
 * change while playing; sizes; frames without time. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "walloc-check.h"

#define W 50
#define H 38

static const gchar *const formats[] = { "RGB", "BGR", "RGBx", "BGRx", "xRGB",
  "xBGR", "RGBA", "BGRA", "ARGB", "ABGR", "GBR"
};

static GstHarness *
corrupt (const gchar * props, const gchar * format, gint width, gint height)
{
  gchar *launch = g_strdup_printf ("corrupt %s", props);
  GstHarness *h = gst_harness_new_parse (launch);

  g_free (launch);
  gst_harness_set_src_caps (h, check_caps (format, width, height));
  return h;
}

/* A picture of samples that differ, the fourth sample of a pixel 77. */
static GstBuffer *
picture (const gchar * format, gint width, gint height, GstClockTime pts)
{
  GstVideoInfo info;
  GstVideoFrame frame;
  GstBuffer *buffer;
  gint x, y;
  guint c;

  gst_video_info_set_format (&info, gst_video_format_from_string (format),
      width, height);
  buffer = gst_buffer_new_and_alloc (info.size);
  gst_buffer_memset (buffer, 0, 77, info.size);
  GST_BUFFER_PTS (buffer) = pts;
  fail_unless (gst_video_frame_map (&frame, &info, buffer, GST_MAP_WRITE));
  for (c = 0; c < MIN (3, GST_VIDEO_FRAME_N_COMPONENTS (&frame)); c++)
    for (y = 0; y < height; y++)
      for (x = 0; x < width; x++)
        ((guint8 *) GST_VIDEO_FRAME_COMP_DATA (&frame, c))
            [y * GST_VIDEO_FRAME_COMP_STRIDE (&frame, c)
            + x * GST_VIDEO_FRAME_COMP_PSTRIDE (&frame, c)] =
            (guint8) (x * 5 + y * (3 + c) + 40 * c);
  gst_video_frame_unmap (&frame);
  return buffer;
}

/* Checksum of red, green and blue; the rest must be what it was. */
static guint
sum_of (GstBuffer * buffer, const gchar * format, gint width, gint height)
{
  GstVideoInfo info;
  GstVideoFrame frame;
  guint sum = 0, c;
  gint x, y;

  gst_video_info_set_format (&info, gst_video_format_from_string (format),
      width, height);
  fail_unless (gst_video_frame_map (&frame, &info, buffer, GST_MAP_READ));
  for (c = 0; c < GST_VIDEO_FRAME_N_COMPONENTS (&frame); c++)
    for (y = 0; y < height; y++)
      for (x = 0; x < width; x++) {
        guint8 v = ((guint8 *) GST_VIDEO_FRAME_COMP_DATA (&frame, c))
            [y * GST_VIDEO_FRAME_COMP_STRIDE (&frame, c)
            + x * GST_VIDEO_FRAME_COMP_PSTRIDE (&frame, c)];

        if (c == 3) {
          fail_unless_equals_int (v, 77);
        } else {
          sum = sum * 31 + v;
        }
      }
  gst_video_frame_unmap (&frame);
  return sum;
}

static guint
push (GstHarness * h, const gchar * format, gint width, gint height,
    GstClockTime pts)
{
  GstBuffer *out = gst_harness_push_and_pull (h, picture (format, width,
          height, pts));
  guint sum;

  fail_unless (out != NULL);
  fail_unless_equals_uint64 (GST_BUFFER_PTS (out), pts);
  sum = sum_of (out, format, width, height);
  gst_buffer_unref (out);
  return sum;
}

GST_START_TEST (test_formats)
{
  guint i, expected = 0;

  for (i = 0; i < G_N_ELEMENTS (formats); i++) {
    GstHarness *h = corrupt ("type=shot_noise severity=4 seed=5", formats[i],
        W, H);
    guint sum = push (h, formats[i], W, H, 0);

    if (i == 0)
      expected = sum;
    fail_unless_equals_int (sum, expected);
    gst_harness_teardown (h);
  }
}

GST_END_TEST;

/* Planes whose rows are not equally far apart, as a video meta may say. */
GST_START_TEST (test_strides)
{
  GstHarness *h = corrupt ("type=shot_noise severity=4 seed=5", "GBR", W, H);
  gsize offset[4] = { 0 };
  gint stride[4] = { W + 2, W + 14, W + 6 }, x, y, c;
  guint expected = push (h, "GBR", W, H, 0), sum = 0;
  GstBuffer *buffer, *plain = picture ("GBR", W, H, 0);
  GstVideoInfo info;
  GstVideoFrame from, to;

  offset[1] = (gsize) stride[0] * H;
  offset[2] = offset[1] + (gsize) stride[1] * H;
  buffer = gst_buffer_new_allocate (NULL, offset[2] + (gsize) stride[2] * H,
      NULL);
  gst_buffer_add_video_meta_full (buffer, GST_VIDEO_FRAME_FLAG_NONE,
      GST_VIDEO_FORMAT_GBR, W, H, 3, offset, stride);
  GST_BUFFER_PTS (buffer) = 0;
  gst_video_info_set_format (&info, GST_VIDEO_FORMAT_GBR, W, H);
  fail_unless (gst_video_frame_map (&from, &info, plain, GST_MAP_READ));
  fail_unless (gst_video_frame_map (&to, &info, buffer, GST_MAP_WRITE));
  fail_unless (gst_video_frame_copy (&to, &from));
  gst_video_frame_unmap (&from);
  gst_video_frame_unmap (&to);
  gst_buffer_unref (plain);

  buffer = gst_harness_push_and_pull (h, buffer);
  fail_unless (gst_video_frame_map (&to, &info, buffer, GST_MAP_READ));
  for (c = 0; c < 3; c++)
    for (y = 0; y < H; y++)
      for (x = 0; x < W; x++)
        sum = sum * 31 + ((guint8 *) GST_VIDEO_FRAME_COMP_DATA (&to, c))
            [y * GST_VIDEO_FRAME_COMP_STRIDE (&to, c) + x];
  gst_video_frame_unmap (&to);
  gst_buffer_unref (buffer);
  fail_unless_equals_int (sum, expected);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* Every type, in colour and in grey; threads change nothing. */
GST_START_TEST (test_types)
{
  GEnumClass *types;
  GstElement *e = gst_element_factory_make ("corrupt", NULL);
  GParamSpec *spec = g_object_class_find_property (G_OBJECT_GET_CLASS (e),
      "type");
  guint i, k;

  types = g_type_class_ref (spec->value_type);
  fail_unless_equals_int (types->n_values, 15);
  for (i = 0; i < types->n_values; i++)
    for (k = 0; k < 2; k++) {
      const gchar *format = k ? "GRAY8" : "RGB";
      GstHarness *h;
      gchar *props;
      guint one, many;

      /* without libjpeg */
#ifndef HAVE_JPEG
      if (g_str_equal (types->values[i].value_nick, "jpeg_compression"))
        continue;
#endif
      props = g_strdup_printf ("severity=2 threads=1 type=%s",
          types->values[i].value_nick);
      h = corrupt (props, format, 160, 120);
      one = push (h, format, 160, 120, 0);
      gst_harness_teardown (h);
      g_free (props);
      props = g_strdup_printf ("severity=2 threads=3 type=%s",
          types->values[i].value_nick);
      h = corrupt (props, format, 160, 120);
      many = push (h, format, 160, 120, 0);
      gst_harness_teardown (h);
      g_free (props);
      fail_unless_equals_int (one, many);
    }
  g_type_class_unref (types);
  gst_object_unref (e);
}

GST_END_TEST;

/* The number of a frame is its time's, seeks or not. */
GST_START_TEST (test_number)
{
  GstClockTime third = 3 * FRAME_TIME;
  GstHarness *h = corrupt ("seed=9", "RGB", W, H);
  guint a, b, c;

  a = push (h, "RGB", W, H, 0);
  b = push (h, "RGB", W, H, third);
  fail_unless (a != b);
  fail_unless_equals_int (push (h, "RGB", W, H, 0), a);
  /* time stamps that are a little off */
  fail_unless_equals_int (push (h, "RGB", W, H, third + 2 * GST_MSECOND), b);
  gst_harness_set (h, "corrupt", "seed", G_GUINT64_CONSTANT (10), NULL);
  c = push (h, "RGB", W, H, 0);
  fail_unless (c != a);
  /* counted: frame 6 of this element, whatever its time */
  gst_harness_set (h, "corrupt", "numbering", 1, NULL);
  fail_unless (push (h, "RGB", W, H, 0) != c);
  /* all frames the same */
  gst_harness_set (h, "corrupt", "hold", 0, NULL);
  fail_unless_equals_int (push (h, "RGB", W, H, third), c);
  fail_unless_equals_int (push (h, "RGB", W, H, 0), c);
  gst_harness_teardown (h);

  h = corrupt ("seed=10", "RGB", W, H);
  fail_unless_equals_int (push (h, "RGB", W, H, GST_CLOCK_TIME_NONE), c);
  fail_unless (push (h, "RGB", W, H, GST_CLOCK_TIME_NONE) != c);
  gst_harness_teardown (h);

  h = corrupt ("seed=10 hold=4", "RGB", W, H);
  fail_unless_equals_int (push (h, "RGB", W, H, third), c);
  fail_unless (push (h, "RGB", W, H, 2 * third) != c);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* Type, severity and variant while playing; another size too. */
GST_START_TEST (test_change)
{
  GstHarness *h = corrupt ("type=contrast severity=1", "RGB", W, H);
  guint a = push (h, "RGB", W, H, 0), b;

  gst_harness_set (h, "corrupt", "severity", 5, NULL);
  b = push (h, "RGB", W, H, 0);
  fail_unless (a != b);
  gst_harness_set (h, "corrupt", "type", 13, NULL);
  fail_unless (push (h, "RGB", W, H, 0) != b);
  gst_harness_set (h, "corrupt", "type", 11, NULL);
  gst_harness_set_src_caps (h, check_caps ("BGRx", 17, 5));
  push (h, "BGRx", 17, 5, 0);
  gst_harness_set_src_caps (h, check_caps ("GBR", W, H));
  fail_unless_equals_int (push (h, "GBR", W, H, 0), b);
  gst_harness_teardown (h);
}

GST_END_TEST;

static Suite *
corrupt_suite (void)
{
  Suite *s = suite_create ("corrupt");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (s, tc);
  tcase_add_test (tc, test_formats);
  tcase_add_test (tc, test_strides);
  tcase_add_test (tc, test_types);
  tcase_add_test (tc, test_number);
  tcase_add_test (tc, test_change);
  return s;
}

GST_CHECK_MAIN (corrupt);
