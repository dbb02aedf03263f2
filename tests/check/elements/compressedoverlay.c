/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* compressedoverlay: masks exactly where they are in every format, labels and
 * lines, through a decoder, and results that make no sense. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gst/compressed/gstcompressedmeta.h"
#include "walloc-check.h"

#define W 64
#define H 48
#define RED 0xff0000
#define BLUE 0x0000ff

static const gchar *const formats[] = { "I420", "YV12", "NV12", "NV21",
  "Y42B", "Y444", "RGB", "BGR", "RGBx", "BGRx", "xRGB", "xBGR", "RGBA", "BGRA",
  "ARGB", "ABGR", "GRAY8"
};

static GstHarness *
overlay (const gchar * props, const gchar * format)
{
  gchar *launch = g_strdup_printf ("compressedoverlay %s", props);
  GstHarness *h = gst_harness_new_parse (launch);

  g_free (launch);
  gst_harness_set_src_caps (h, check_caps (format, W, H));
  return h;
}

static void
add_class (GValue * classes, const gchar * label, guint id, guint32 colour)
{
  GstCompressedClass item = { label, id, 0.875, 0.5, colour };

  gst_compressed_result_add_class (classes, &item, colour != 0);
}

/* A mask with elements of 8x8 pixels: class 3 (red) in the left half, 7 (blue)
 * in the top right quarter, 9 (no colour) in the rest. */
static void
attach_mask (GstBuffer * buffer)
{
  GstStructure *result = gst_structure_new_empty ("compressedsegment");
  GstCompressedMask mask = { NULL };
  GValue classes = G_VALUE_INIT;
  guint8 *data = g_malloc (W / 8 * H / 8);
  guint x, y;

  for (y = 0; y < H / 8; y++)
    for (x = 0; x < W / 8; x++)
      data[y * W / 8 + x] = x < W / 16 ? 3 : y < H / 16 ? 7 : 9;
  mask.buffer = gst_buffer_new_wrapped (data, W / 8 * H / 8);
  gst_video_info_set_format (&mask.info, GST_VIDEO_FORMAT_GRAY8, W / 8, H / 8);
  /* rows without padding */
  mask.info.stride[0] = W / 8;
  mask.cell = 8;
  mask.width = W;
  mask.height = H;
  g_value_init (&classes, GST_TYPE_ARRAY);
  add_class (&classes, "left", 3, RED);
  add_class (&classes, "sky", 7, BLUE);
  gst_structure_take_value (result, "classes", &classes);
  gst_compressed_result_set_mask (result, &mask);
  gst_buffer_unref (mask.buffer);
  gst_compressed_meta_attach (buffer, GST_COMPRESSED_SEGMENT_META, result);
  gst_structure_free (result);
}

static void
attach_label (GstBuffer * buffer, const gchar * label)
{
  GstStructure *result = gst_structure_new_empty ("compressedclassify");
  GValue classes = G_VALUE_INIT;

  g_value_init (&classes, GST_TYPE_ARRAY);
  add_class (&classes, label, 0, 0);
  gst_structure_take_value (result, "classes", &classes);
  gst_compressed_meta_attach (buffer, GST_COMPRESSED_CLASSIFY_META, result);
  gst_structure_free (result);
}

static void
attach_line (GstBuffer * buffer, const gchar * text, gdouble left, gdouble top,
    gdouble right, gdouble bottom)
{
  GstCompressedLine line = { text, left, top, right, bottom, 0.5, 0 };
  GstStructure *result = gst_structure_new ("compressedread",
      "width", G_TYPE_UINT, W, "height", G_TYPE_UINT, H, NULL);
  GValue lines = G_VALUE_INIT;

  g_value_init (&lines, GST_TYPE_ARRAY);
  gst_compressed_result_add_line (&lines, &line);
  gst_structure_take_value (result, "lines", &lines);
  gst_compressed_meta_attach (buffer, GST_COMPRESSED_READ_META, result);
  gst_structure_free (result);
}

/* Sample of a component at a pixel. */
static guint8
sample_at (GstVideoFrame * frame, guint component, guint x, guint y)
{
  guint8 *data = GST_VIDEO_FRAME_COMP_DATA (frame, component);

  x >>= GST_VIDEO_FORMAT_INFO_W_SUB (frame->info.finfo, component);
  y >>= GST_VIDEO_FORMAT_INFO_H_SUB (frame->info.finfo, component);
  return data[y * GST_VIDEO_FRAME_COMP_STRIDE (frame, component) +
      x * GST_VIDEO_FRAME_COMP_PSTRIDE (frame, component)];
}

/* How many pixels of the rectangle differ in any component. */
static guint
differing (GstCaps * caps, GstBuffer * a, GstBuffer * b, guint x0, guint y0,
    guint x1, guint y1)
{
  GstVideoInfo info;
  GstVideoFrame fa, fb;
  guint count = 0, x, y, c;

  gst_video_info_from_caps (&info, caps);
  fail_unless (gst_video_frame_map (&fa, &info, a, GST_MAP_READ));
  fail_unless (gst_video_frame_map (&fb, &info, b, GST_MAP_READ));
  for (y = y0; y < y1; y++)
    for (x = x0; x < x1; x++) {
      gboolean differs = FALSE;

      for (c = 0; c < GST_VIDEO_INFO_N_COMPONENTS (&info); c++)
        differs |= sample_at (&fa, c, x, y) != sample_at (&fb, c, x, y);
      count += differs;
    }
  gst_video_frame_unmap (&fa);
  gst_video_frame_unmap (&fb);

  return count;
}

/* alpha=1: exactly the colours, and what has none is as it was; alpha=0.5: the
 * middle. */
GST_START_TEST (test_mask)
{
  guint f, c;

  for (f = 0; f < G_N_ELEMENTS (formats); f++) {
    GstCaps *caps = check_caps (formats[f], W, H);
    GstHarness *h = overlay ("alpha=1", formats[f]);
    GstHarness *half = overlay ("alpha=0.5", formats[f]);
    GstBuffer *plain = check_picture (caps, 0), *in, *out, *middle;
    GstVideoFrame before, full, mixed;
    GstVideoInfo info;
    static const guint at[][2] = { {3, 3}, {31, 47}, {32, 0}, {63, 23} };
    guint8 want[4];
    guint i;

    in = check_picture (caps, 0);
    attach_mask (in);
    out = gst_harness_push_and_pull (h, gst_buffer_ref (in));
    middle = gst_harness_push_and_pull (half, gst_buffer_copy (in));
    gst_video_info_from_caps (&info, caps);
    gst_video_frame_map (&before, &info, plain, GST_MAP_READ);
    gst_video_frame_map (&full, &info, out, GST_MAP_READ);
    gst_video_frame_map (&mixed, &info, middle, GST_MAP_READ);
    for (c = 0; c < MIN (GST_VIDEO_INFO_N_COMPONENTS (&info), 3); c++) {
      /* BT.601, 16 to 235: red is 81 90 240, blue 41 240 110 */
      static const guint8 yuv[2][3] = { {81, 90, 240}, {41, 240, 110} };
      static const guint8 rgb[2][3] = { {255, 0, 0}, {0, 0, 255} };
      /* grey is of the full range */
      static const guint8 grey[2] = { 76, 29 };

      for (i = 0; i < 4; i++) {
        want[i] = GST_VIDEO_INFO_IS_RGB (&info) ? rgb[i / 2][c] :
            GST_VIDEO_INFO_IS_GRAY (&info) ? grey[i / 2] : yuv[i / 2][c];
        fail_unless_equals_int (sample_at (&full, c, at[i][0], at[i][1]),
            want[i]);
        fail_unless (ABS (sample_at (&mixed, c, at[i][0], at[i][1]) -
                (want[i] + sample_at (&before, c, at[i][0], at[i][1])) / 2) <=
            1, "%s", formats[f]);
      }
    }
    gst_video_frame_unmap (&before);
    gst_video_frame_unmap (&full);
    gst_video_frame_unmap (&mixed);
    fail_unless_equals_int (differing (caps, plain, out, W / 2, H / 2, W, H),
        0);
    gst_buffer_unref (in);
    gst_buffer_unref (out);
    gst_buffer_unref (middle);
    gst_buffer_unref (plain);
    gst_caps_unref (caps);
    gst_harness_teardown (h);
    gst_harness_teardown (half);
  }
}

GST_END_TEST;

/* Nothing to draw, or told not to: the very same buffer, though another holds
 * it too. */
GST_START_TEST (test_untouched)
{
  static const gchar *const props[] = { "", "draw-mask=false", "alpha=0" };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (props); i++) {
    GstHarness *h = overlay (props[i], "I420");
    GstCaps *caps = check_caps ("I420", W, H);
    GstBuffer *in = check_picture (caps, 0), *out;

    if (i > 0)
      attach_mask (in);
    out = gst_harness_push_and_pull (h, gst_buffer_ref (in));
    fail_unless (out == in);
    gst_buffer_unref (out);
    gst_buffer_unref (in);
    gst_caps_unref (caps);
    gst_harness_teardown (h);
  }
}

GST_END_TEST;

/* A buffer that somebody else holds is not written to. */
GST_START_TEST (test_shared)
{
  GstHarness *h = overlay ("", "NV12");
  GstCaps *caps = check_caps ("NV12", W, H);
  GstBuffer *in = check_picture (caps, 0), *out, *plain;

  attach_mask (in);
  plain = gst_buffer_copy_deep (in);
  out = gst_harness_push_and_pull (h, gst_buffer_ref (in));
  fail_unless (out != in);
  fail_unless (check_same (in, plain));
  fail_if (check_same (out, plain));
  gst_buffer_unref (out);
  gst_buffer_unref (plain);
  gst_buffer_unref (in);
  gst_caps_unref (caps);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* What is on the coded buffer comes out of the decoder: whole and at half its
 * size. */
GST_START_TEST (test_behind_decoder)
{
  static const gint sizes[] = { 1, 2 };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (sizes); i++) {
    GstCaps *caps, *raw;
    GPtrArray *frames = check_encode ("Y444", W, H, 2, "quality=80", &caps);
    gchar *launch = g_strdup_printf ("wallocdec ! capsfilter caps=video/x-raw,"
        "width=%d,height=%d ! compressedoverlay alpha=1", W / sizes[i],
        H / sizes[i]);
    GstHarness *h = gst_harness_new_parse (launch);
    GstBuffer *in = gst_buffer_copy (frames->pdata[0]), *out;
    GstVideoFrame frame;
    GstVideoInfo info;

    attach_mask (in);
    attach_label (in, "x");
    gst_harness_set_src_caps (h, caps);
    out = gst_harness_push_and_pull (h, in);
    fail_unless (gst_compressed_meta_get (out, GST_COMPRESSED_SEGMENT_META, 0)
        && gst_compressed_meta_get (out, GST_COMPRESSED_CLASSIFY_META, 0));
    raw = gst_pad_get_current_caps (h->sinkpad);
    gst_video_info_from_caps (&info, raw);
    fail_unless_equals_int (info.width, W / sizes[i]);
    gst_video_frame_map (&frame, &info, out, GST_MAP_READ);
    fail_unless_equals_int (sample_at (&frame, 2, 0, H / sizes[i] - 1), 240);
    fail_unless_equals_int (sample_at (&frame, 1, W / sizes[i] - 1, 0), 240);
    gst_video_frame_unmap (&frame);
    gst_buffer_unref (out);
    /* the next has none */
    out = gst_harness_push_and_pull (h, gst_buffer_ref (frames->pdata[1]));
    fail_if (gst_compressed_meta_get (out, GST_COMPRESSED_SEGMENT_META, 0));
    gst_buffer_unref (out);
    gst_caps_unref (raw);
    gst_harness_teardown (h);
    g_free (launch);
    g_ptr_array_unref (frames);
  }
}

GST_END_TEST;

/* Labels in the corner, lines in their boxes, nothing anywhere else; without
 * Pango boxes alone, and a warning. */
GST_START_TEST (test_text)
{
  guint f;

  for (f = 0; f < G_N_ELEMENTS (formats); f += 3) {
    GstHarness *h = overlay ("", formats[f]);
    GstBus *bus = check_bus (h);
    GstCaps *caps = check_caps (formats[f], W, H);
    GstBuffer *plain = check_picture (caps, 0), *in = check_picture (caps, 0);
    GstBuffer *out;
    guint label, line;

    attach_label (in, "glass");
    attach_line (in, "text", 20, 30, 60, 40);
    out = gst_harness_push_and_pull (h, in);
    label = differing (caps, plain, out, 0, 0, W, 24);
    line = differing (caps, plain, out, 18, 28, 62, 42);
#ifdef HAVE_PANGOCAIRO
    fail_unless (label > 50, "%u", label);
    fail_unless (line > 200, "%u", line);
    fail_unless (gst_bus_pop (bus) == NULL);
#else
    fail_unless_equals_int (label, 0);
    fail_unless (line > 90, "%u", line);
    check_assert_message (bus, GST_MESSAGE_WARNING, GST_LIBRARY_ERROR,
        GST_LIBRARY_ERROR_INIT, "Pango");
#endif
    fail_unless_equals_int (differing (caps, plain, out, 0, 44, W, H), 0);
    gst_buffer_unref (out);
    gst_buffer_unref (plain);
    gst_caps_unref (caps);
    gst_element_set_bus (h->element, NULL);
    gst_object_unref (bus);
    gst_harness_teardown (h);
  }
}

GST_END_TEST;

/* A mask of a picture that is said to be of the greatest size: the place of
 * most pixels is beyond the mask, and its last element is taken. */
static void
attach_wide_mask (GstBuffer * buffer)
{
  GstStructure *result;

  attach_mask (buffer);
  result = (GstStructure *) gst_compressed_meta_get (buffer,
      GST_COMPRESSED_SEGMENT_META, 0);
  gst_structure_set (result, "width", G_TYPE_UINT, G_MAXUINT,
      "height", G_TYPE_UINT, G_MAXUINT, "cell", G_TYPE_UINT, 1, NULL);
}

/* Metas that others filled: no mask in them, no letters, boxes anywhere. */
GST_START_TEST (test_absurd)
{
  GstHarness *h = overlay ("", "I420");
  GstCaps *caps = check_caps ("I420", W, H);
  GstBuffer *in, *out, *plain = check_picture (caps, 0);
  GstStructure *empty = gst_structure_new_empty ("compressedsegment");
  GstStructure *wrong = gst_structure_new ("compressedsegment", "mask",
      G_TYPE_STRING, "none", "classes", G_TYPE_INT, 3, NULL);
  guint i;

  in = check_picture (caps, 0);
  gst_compressed_meta_attach (in, GST_COMPRESSED_SEGMENT_META, empty);
  gst_compressed_meta_attach (in, GST_COMPRESSED_SEGMENT_META, wrong);
  gst_compressed_meta_attach (in, GST_COMPRESSED_CLASSIFY_META, empty);
  gst_compressed_meta_attach (in, GST_COMPRESSED_READ_META, wrong);
  attach_line (in, "x", 1e300, -1e300, NAN, 5);
  attach_line (in, "x", 30, 20, 10, 10);
  out = gst_harness_push_and_pull (h, in);
  fail_unless (check_same (out, plain));
  gst_buffer_unref (out);

  in = check_picture (caps, 0);
  attach_wide_mask (in);
  out = gst_harness_push_and_pull (h, in);
  /* that element has no colour */
  fail_unless_equals_int (differing (caps, out, plain, 2, 2, W, H), 0);
  gst_buffer_unref (out);

  /* clipped, not written beyond: valgrind and sanitizers look */
  for (i = 0; i < 4; i++) {
    in = check_picture (caps, 0);
    attach_line (in, "a line of many letters that is long", -1e9 * i, -40,
        1e9, 1e9);
    attach_label (in, i % 2 ? "a label that is wider than the picture is" : "");
    out = gst_harness_push_and_pull (h, in);
    fail_unless (out != NULL);
    gst_buffer_unref (out);
  }
  gst_structure_free (empty);
  gst_structure_free (wrong);
  gst_buffer_unref (plain);
  gst_caps_unref (caps);
  gst_harness_teardown (h);
}

GST_END_TEST;

static Suite *
compressedoverlay_suite (void)
{
  Suite *s = suite_create ("compressedoverlay");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (s, tc);
  tcase_add_test (tc, test_mask);
  tcase_add_test (tc, test_untouched);
  tcase_add_test (tc, test_shared);
  tcase_add_test (tc, test_behind_decoder);
  tcase_add_test (tc, test_text);
  tcase_add_test (tc, test_absurd);

  return s;
}

GST_CHECK_MAIN (compressedoverlay);
