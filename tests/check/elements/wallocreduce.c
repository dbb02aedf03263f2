/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* wallocdec: pictures in reduced sizes, because downstream wants them. */
#include "walloc-check.h"

#include "gst/walloc/gstwallocreduce.h"

static guint
reduce_of (GstHarness * h)
{
  GstElement *dec = gst_harness_find_element (h, "wallocdec");
  GstStructure *stats;
  guint reduce = G_MAXUINT;

  g_object_get (dec, "stats", &stats, NULL);
  gst_structure_get_uint (stats, "reduce", &reduce);
  gst_structure_free (stats);
  gst_object_unref (dec);

  return reduce;
}

/* PSNR of a picture against the samples of the test picture that its own are
 * centred on. */
static gdouble
psnr_of_reduced (GstCaps * caps, GstBuffer * buffer, guint reduce)
{
  GstVideoInfo info;
  GstVideoFrame f;
  gdouble sum = 0, d;
  guint64 count = 0;
  guint c, x, y;

  fail_unless (gst_video_info_from_caps (&info, caps));
  fail_unless (gst_video_frame_map (&f, &info, buffer, GST_MAP_READ));
  for (c = 0; c < GST_VIDEO_FRAME_N_COMPONENTS (&f); c++) {
    guint sx = 1 << GST_VIDEO_FORMAT_INFO_W_SUB (info.finfo, c);
    guint sy = 1 << GST_VIDEO_FORMAT_INFO_H_SUB (info.finfo, c);

    for (y = 0; y < (guint) GST_VIDEO_FRAME_COMP_HEIGHT (&f, c); y++)
      for (x = 0; x < (guint) GST_VIDEO_FRAME_COMP_WIDTH (&f, c); x++) {
        d = GST_VIDEO_FRAME_COMP_DATA (&f, c)[y *
            GST_VIDEO_FRAME_COMP_STRIDE (&f, c) +
            x * GST_VIDEO_FRAME_COMP_PSTRIDE (&f, c)] -
            (gdouble) check_sample (c, (x * sx) << reduce,
            (y * sy) << reduce, 0);
        sum += d * d;
        count++;
      }
  }
  gst_video_frame_unmap (&f);

  return 10 * log10 (255.0 * 255.0 * count / (sum + 1e-9));
}

GST_START_TEST (test_size_chosen_by_downstream)
{
  static const struct
  {
    gint width, height;
    const gchar *allowed;
    guint reduce;               /* 9: nothing fits */
    gint out_width, out_height;
  } cases[] = {
    {192, 108, "video/x-raw", 0, 192, 108},
    {192, 108, "ANY", 0, 192, 108},
    {192, 108, "video/x-raw,width=96,height=54", 1, 96, 54},
    {192, 108, "video/x-raw,width=48", 2, 48, 27},
    {192, 108, "video/x-raw,height=14", 3, 24, 14},
    {192, 108, "video/x-raw,width=[1,100],height=[1,100]", 1, 96, 54},
    {192, 108, "video/x-raw,width=[50,400]", 0, 192, 108},
    {192, 108, "video/x-raw,width=48;video/x-raw,width=96", 1, 96, 54},
    {65, 31, "video/x-raw,width=33,height=16", 1, 33, 16},
    {65, 31, "video/x-raw,width=9", 3, 9, 4},
    {1, 1, "video/x-raw,width=1,height=1", 0, 1, 1},
    {192, 108, "video/x-raw,width=100,height=54", 9, 0, 0},
    {192, 108, "video/x-raw,width=12,height=7", 9, 0, 0}
  };
  static const gchar *const formats[] = { "I420", "Y42B", "RGB", "GRAY8" };
  guint i, f;

  for (i = 0; i < G_N_ELEMENTS (cases); i++)
    for (f = 0; f < G_N_ELEMENTS (formats); f++) {
      GstHarness *h = check_decoder (NULL);
      GstCaps *coded = NULL, *caps;
      GPtrArray *frames = check_encode (formats[f], cases[i].width,
          cases[i].height, 1, "quality=90", &coded);
      GstBuffer *out;
      GstVideoInfo info;
      gdouble psnr;

      gst_harness_set_sink_caps_str (h, cases[i].allowed);
      gst_harness_set_src_caps (h, coded);
      fail_unless_equals_int (gst_harness_push (h, gst_buffer_ref
              (g_ptr_array_index (frames, 0))),
          cases[i].reduce == 9 ? GST_FLOW_NOT_NEGOTIATED : GST_FLOW_OK);
      out = gst_harness_try_pull (h);
      if (cases[i].reduce == 9) {
        fail_if (out);
      } else {
        caps = gst_pad_get_current_caps (h->sinkpad);
        fail_unless (gst_video_info_from_caps (&info, caps));
        fail_unless_equals_int (info.width, cases[i].out_width);
        fail_unless_equals_int (info.height, cases[i].out_height);
        fail_unless_equals_int (info.par_n, info.par_d);
        fail_unless_equals_int (info.fps_n, FPS);
        fail_unless_equals_string (gst_video_format_to_string
            (GST_VIDEO_INFO_FORMAT (&info)), formats[f]);
        fail_unless_equals_int (reduce_of (h), cases[i].reduce);
        psnr = psnr_of_reduced (caps, out, cases[i].reduce);
        fail_unless (psnr > 22, "%s %s: %.1f dB", formats[f],
            cases[i].allowed, psnr);
        gst_buffer_unref (out);
        gst_caps_unref (caps);
      }
      g_ptr_array_unref (frames);
      gst_harness_teardown (h);
    }
}

GST_END_TEST;

/* size and format at once, and pixels keep their shape */
GST_START_TEST (test_format_and_aspect)
{
  GstHarness *e = check_encoder (NULL), *h = check_decoder (NULL);
  GstCaps *caps = check_caps ("I420", 65, 31), *coded;
  GstBuffer *frame;
  GstVideoInfo info;

  gst_caps_set_simple (caps, "pixel-aspect-ratio", GST_TYPE_FRACTION, 16, 11,
      NULL);
  gst_harness_set_src_caps (e, gst_caps_ref (caps));
  frame = gst_harness_push_and_pull (e, check_picture (caps, 0));
  coded = gst_pad_get_current_caps (e->sinkpad);
  gst_caps_unref (caps);
  gst_harness_set_sink_caps_str (h, "video/x-raw,format=NV12,width=17");
  gst_harness_set_src_caps (h, coded);
  gst_buffer_unref (gst_harness_push_and_pull (h, frame));
  caps = gst_pad_get_current_caps (h->sinkpad);
  fail_unless (gst_video_info_from_caps (&info, caps));
  fail_unless_equals_int (GST_VIDEO_INFO_FORMAT (&info), GST_VIDEO_FORMAT_NV12);
  fail_unless_equals_int (info.height, 8);
  fail_unless_equals_int (info.par_n, 16);
  fail_unless_equals_int (info.par_d, 11);
  gst_caps_unref (caps);
  gst_harness_teardown (e);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* downstream changes its mind while playing */
GST_START_TEST (test_renegotiation)
{
  static const struct
  {
    const gchar *allowed;
    gint width;
  } steps[] = {
    {"video/x-raw", 128}, {"video/x-raw,width=32", 32},
    {"video/x-raw,width=64", 64}, {"video/x-raw,width=[1,20]", 16},
    {"video/x-raw", 128}
  };
  GstHarness *h = check_decoder (NULL);
  GstCaps *coded = NULL, *caps;
  GPtrArray *frames = check_encode ("I420", 128, 64, 5, NULL, &coded);
  GstVideoInfo info;
  guint i;

  gst_harness_set_src_caps (h, coded);
  for (i = 0; i < G_N_ELEMENTS (steps); i++) {
    gst_harness_set_sink_caps_str (h, steps[i].allowed);
    gst_harness_push_upstream_event (h, gst_event_new_reconfigure ());
    gst_buffer_unref (gst_harness_push_and_pull (h, gst_buffer_ref
            (g_ptr_array_index (frames, i))));
    caps = gst_pad_get_current_caps (h->sinkpad);
    fail_unless (gst_video_info_from_caps (&info, caps));
    fail_unless_equals_int (info.width, steps[i].width);
    gst_caps_unref (caps);
  }
  g_ptr_array_unref (frames);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* what the pads say of sizes */
GST_START_TEST (test_queries)
{
  GstHarness *h = check_decoder (NULL);
  GstCaps *coded = NULL, *caps, *probe;
  GPtrArray *frames = check_encode ("I420", 65, 31, 1, NULL, &coded);
  GstPad *src, *sink;
  static const gint widths[] = { 65, 33, 17, 9 };
  gint width;
  guint i;

  src = gst_element_get_static_pad (h->element, "src");
  sink = gst_element_get_static_pad (h->element, "sink");
  /* before anything is known */
  caps = gst_pad_query_caps (src, NULL);
  probe = check_caps ("I420", 4000, 3);
  fail_unless (gst_caps_can_intersect (caps, probe));
  gst_caps_unref (probe);
  gst_caps_unref (caps);
  /* upstream may send what can be decoded to what downstream takes */
  gst_harness_set_sink_caps_str (h, "video/x-raw,width=33,height=16");
  caps = gst_pad_query_caps (sink, NULL);
  gst_structure_get_int (gst_caps_get_structure (caps, 0), "width", &width);
  fail_unless_equals_int (width, 33);
  fail_unless (gst_caps_can_intersect (caps, coded));
  gst_caps_unref (caps);
  gst_harness_set_sink_caps_str (h, "video/x-raw,width=31,height=16");
  caps = gst_pad_query_caps (sink, NULL);
  fail_if (gst_caps_can_intersect (caps, coded));
  gst_caps_unref (caps);

  gst_harness_set_sink_caps_str (h, "video/x-raw");
  gst_harness_set_src_caps (h, coded);
  gst_buffer_unref (gst_harness_push_and_pull (h, gst_buffer_ref
          (g_ptr_array_index (frames, 0))));
  caps = gst_pad_query_caps (src, NULL);
  fail_unless_equals_int (gst_caps_get_size (caps), 4);
  for (i = 0; i < 4; i++) {
    gst_structure_get_int (gst_caps_get_structure (caps, i), "width", &width);
    fail_unless_equals_int (width, widths[i]);
  }
  probe = gst_caps_from_string ("video/x-raw,width=[10,20]");
  gst_caps_unref (caps);
  caps = gst_pad_query_caps (src, probe);
  fail_unless_equals_int (gst_caps_get_size (caps), 1);
  gst_caps_unref (probe);
  gst_caps_unref (caps);
  gst_object_unref (src);
  gst_object_unref (sink);
  g_ptr_array_unref (frames);
  gst_harness_teardown (h);
}

GST_END_TEST;

GST_START_TEST (test_inverted_sizes)
{
  static const struct
  {
    const gchar *out;
    gint width;
    gboolean fits;
  } cases[] = {
    {"video/x-walloc,width=960", 960, TRUE},
    {"video/x-walloc,width=960", 1919, TRUE},
    {"video/x-walloc,width=960", 1920, TRUE},
    {"video/x-walloc,width=960", 1918, FALSE},
    {"video/x-walloc,width=960", 7680, TRUE},
    {"video/x-walloc,width=960", 7681, FALSE},
    {"video/x-walloc,width=[100,200]", 397, TRUE},
    {"video/x-walloc,width=[100,200]", 1600, TRUE},
    {"video/x-walloc,width=[100,200]", 1601, FALSE},
    {"video/x-walloc,width=[100,200]", 99, FALSE},
    {"video/x-walloc,width=16384", 16384, TRUE},
    {"video/x-walloc,width=1", 8, TRUE},
    {"video/x-walloc,width=1", 9, FALSE}
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (cases); i++) {
    GstCaps *caps = gst_walloc_reduce_invert (gst_caps_from_string
        (cases[i].out));
    GstCaps *in = gst_caps_new_simple ("video/x-walloc", "width", G_TYPE_INT,
        cases[i].width, NULL);

    fail_unless_equals_int (gst_caps_can_intersect (caps, in), cases[i].fits);
    gst_caps_unref (caps);
    gst_caps_unref (in);
  }
}

GST_END_TEST;

/* the limit is that of the coded picture, whatever size is asked for */
GST_START_TEST (test_max_pixels)
{
  static const gchar *const allowed[] = { "video/x-raw",
    "video/x-raw,width=32"
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (allowed); i++) {
    GstHarness *h = check_decoder ("max-pixels=3071");
    GstBus *bus = check_bus (h);
    GstElement *dec = gst_harness_find_element (h, "wallocdec");
    GstCaps *coded = NULL;
    GPtrArray *frames = check_encode ("I420", 64, 48, 1, NULL, &coded);

    gst_harness_set_sink_caps_str (h, allowed[i]);
    gst_harness_set_src_caps (h, coded);
    fail_unless_equals_int (gst_harness_push (h, gst_buffer_ref
            (g_ptr_array_index (frames, 0))), GST_FLOW_OK);
    fail_unless_equals_int (gst_harness_buffers_received (h), 0);
    fail_if (gst_pad_has_current_caps (h->sinkpad));
    check_assert_message (bus, GST_MESSAGE_WARNING, GST_STREAM_ERROR,
        GST_STREAM_ERROR_DECODE, "max-pixels=3071");
    g_object_set (dec, "max-pixels", (guint64) 3072, NULL);
    gst_buffer_unref (gst_harness_push_and_pull (h, gst_buffer_ref
            (g_ptr_array_index (frames, 0))));
    gst_object_unref (dec);
    gst_element_set_bus (h->element, NULL);
    gst_object_unref (bus);
    g_ptr_array_unref (frames);
    gst_harness_teardown (h);
  }
}

GST_END_TEST;

static Suite *
wallocreduce_suite (void)
{
  Suite *s = suite_create ("wallocreduce");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (s, tc);
  tcase_add_test (tc, test_size_chosen_by_downstream);
  tcase_add_test (tc, test_format_and_aspect);
  tcase_add_test (tc, test_renegotiation);
  tcase_add_test (tc, test_queries);
  tcase_add_test (tc, test_inverted_sizes);
  tcase_add_test (tc, test_max_pixels);

  return s;
}

GST_CHECK_MAIN (wallocreduce);
