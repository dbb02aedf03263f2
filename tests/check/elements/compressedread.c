/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* compressedread: stripes of two brightnesses, which a network of the tests
 * takes for text; messages, metas, the text pad, and networks that do not
 * fit. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gst/compressed/gstcompressedmeta.h"
#include "walloc-check.h"

#define MODEL TEST_GOLDEN_DIR "/models/ordered-test.wlm"
#define PAGE TEST_GOLDEN_DIR "/task/page.onnx"
#define W 160
#define H 120

/* In positions of the grid: two rows from y on, width columns from x on. */
typedef struct
{
  guint x, y, width;
  guint8 luma;
} Stripe;

/* Two columns: a and b in the left one, a in the right one. */
static const Stripe two_columns[] = {
  {2, 2, 6, 190}, {2, 8, 5, 250}, {13, 5, 5, 190}
};

static GstBuffer *
paint (const Stripe * stripes, guint count)
{
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, W * H, NULL);
  GstMapInfo map;
  guint i, y;

  gst_buffer_map (buffer, &map, GST_MAP_WRITE);
  memset (map.data, 20, map.size);
  /* the low-pass band of a position is centred on its first pixel */
  for (i = 0; i < count; i++)
    for (y = 0; y < 16; y++)
      memset (map.data + (8 * stripes[i].y - 4 + y) * W + 8 * stripes[i].x - 4,
          stripes[i].luma, 8 * stripes[i].width);
  gst_buffer_unmap (buffer, &map);
  return buffer;
}

/* Coded pages: one of three lines, and an empty one behind it. */
static GPtrArray *
encode (const gchar * model, GstCaps ** caps)
{
  GPtrArray *frames =
      g_ptr_array_new_with_free_func ((GDestroyNotify) gst_buffer_unref);
  gchar *launch = g_strdup_printf ("wallocenc quality=95 model-file=%s", model);
  GstHarness *h = gst_harness_new_parse (launch);
  guint i;

  gst_harness_set_src_caps (h, check_caps ("GRAY8", W, H));
  for (i = 0; i < 2; i++) {
    GstBuffer *page = paint (two_columns, i ? 0 : 3);

    GST_BUFFER_PTS (page) = i * FRAME_TIME;
    GST_BUFFER_DURATION (page) = FRAME_TIME;
    g_ptr_array_add (frames, gst_harness_push_and_pull (h, page));
  }
  *caps = gst_pad_get_current_caps (h->sinkpad);
  gst_harness_teardown (h);
  g_free (launch);

  return frames;
}

static GstHarness *
reader (const gchar * props, GstCaps * caps)
{
  gchar *launch = g_strdup_printf ("compressedread %s", props);
  GstHarness *h = gst_harness_new_parse (launch);

  g_free (launch);
  gst_harness_set_src_caps (h, caps);
  return h;
}

static void
assert_lines (const GstStructure * result)
{
  static const gchar *const texts[] = { "a", "b", "a" };
  GstCompressedLine line;
  guint i, width = 0, height = 0;

  gst_structure_get_uint (result, "width", &width);
  gst_structure_get_uint (result, "height", &height);
  fail_unless (width == W && height == H);
  fail_unless_equals_string (gst_structure_get_string (result, "network"),
      "stripes");
  fail_unless_equals_string (gst_structure_get_string (result, "text"),
      "a\nb\n\na\n");
  for (i = 0; i < 3; i++) {
    const Stripe *s = &two_columns[i];

    fail_unless (gst_compressed_result_get_line (result, i, &line));
    fail_unless_equals_string (line.text, texts[i]);
    fail_unless_equals_int (line.column, i == 2);
    fail_unless (line.confidence > 0.35 && line.confidence < 0.9);
    /* 20 pixels from the middles of the first and the last position, 12 from
     * the middle between the two rows */
    fail_unless (fabs (line.left - (8 * s->x + 4 - 20)) < 0.1
        && fabs (line.right - (8 * (s->x + s->width - 1) + 4 + 20)) < 0.1
        && fabs (line.top - (8 * s->y + 8 - 12)) < 0.1
        && fabs (line.bottom - (8 * s->y + 8 + 12)) < 0.1, "%g %g %g %g",
        line.left, line.top, line.right, line.bottom);
  }
  fail_if (gst_compressed_result_get_line (result, 3, &line));
}

/* The message has all, the meta too; the buffer is what came in. */
GST_START_TEST (test_page)
{
  GstCaps *caps;
  GPtrArray *frames = encode (MODEL, &caps);
  GstHarness *h = reader ("model-file=" PAGE, caps);
  GstBus *bus = check_bus (h);
  const GstStructure *result;
  GstClockTime time = 0;
  GstMessage *message;
  GstBuffer *out;
  guint i;

  for (i = 0; i < 2; i++) {
    out = gst_harness_push_and_pull (h, gst_buffer_ref (frames->pdata[i]));
    fail_unless (check_same (out, frames->pdata[i]));
    message = gst_bus_pop_filtered (bus, GST_MESSAGE_ELEMENT);
    fail_unless (message != NULL);
    result = gst_message_get_structure (message);
    fail_unless (gst_structure_has_name (result, "compressedread"));
    fail_unless (gst_structure_get_uint64 (result, "timestamp", &time)
        && time == i * FRAME_TIME);
    if (i == 0) {
      assert_lines (result);
      assert_lines (gst_compressed_meta_get (out, GST_COMPRESSED_READ_META, 0));
    } else {
      /* an empty page is a result as well */
      fail_unless_equals_string (gst_structure_get_string (result, "text"), "");
      fail_unless_equals_int (gst_value_array_get_size
          (gst_structure_get_value (result, "lines")), 0);
    }
    gst_message_unref (message);
    gst_buffer_unref (out);
  }
  gst_element_set_bus (h->element, NULL);
  gst_object_unref (bus);
  gst_harness_teardown (h);
  g_ptr_array_unref (frames);
}

GST_END_TEST;

/* One buffer of text per page, with its time, behind the right events. */
GST_START_TEST (test_text_pad)
{
  GstElement *read = gst_element_factory_make ("compressedread", NULL);
  GstHarness *h, *t;
  GstCaps *caps;
  GPtrArray *frames = encode (MODEL, &caps);
  GstBuffer *out;
  GstMapInfo map;
  guint i;

  g_object_set (read, "model-file", PAGE, NULL);
  h = gst_harness_new_with_element (read, "sink", "src");
  t = gst_harness_new_with_element (read, NULL, "text");
  gst_harness_set_src_caps (h, caps);
  for (i = 0; i < 2; i++)
    fail_unless_equals_int (gst_harness_push (h,
            gst_buffer_ref (frames->pdata[i])), GST_FLOW_OK);
  caps = gst_pad_get_current_caps (t->sinkpad);
  fail_unless (gst_structure_has_name (gst_caps_get_structure (caps, 0),
          "text/x-raw"));
  gst_caps_unref (caps);
  fail_unless_equals_int (gst_harness_buffers_received (t), 2);
  for (i = 0; i < 2; i++) {
    out = gst_harness_pull (t);
    fail_unless_equals_uint64 (GST_BUFFER_PTS (out), i * FRAME_TIME);
    fail_unless_equals_uint64 (GST_BUFFER_DURATION (out), FRAME_TIME);
    gst_buffer_map (out, &map, GST_MAP_READ);
    fail_unless_equals_uint64 (map.size, i ? 0 : 7);
    fail_unless (i || memcmp (map.data, "a\nb\n\na\n", 7) == 0);
    gst_buffer_unmap (out, &map);
    gst_buffer_unref (out);
  }
  gst_harness_teardown (t);
  gst_harness_teardown (h);
  gst_object_unref (read);
  g_ptr_array_unref (frames);
}

GST_END_TEST;

/* Lines that are not sure enough are left out: the bright one stays. */
GST_START_TEST (test_threshold)
{
  GstCaps *caps;
  GPtrArray *frames = encode (MODEL, &caps);
  GstHarness *h = reader ("confidence-threshold=0.6 model-file=" PAGE
      " ! compressedread confidence-threshold=0.99 model-file=" PAGE
      " ! compressedread model-file=" PAGE, caps);
  GstBuffer *out = gst_harness_push_and_pull (h,
      gst_buffer_ref (frames->pdata[0]));

  fail_unless_equals_string (gst_structure_get_string (gst_compressed_meta_get
          (out, GST_COMPRESSED_READ_META, 0), "text"), "b\n");
  fail_unless_equals_string (gst_structure_get_string (gst_compressed_meta_get
          (out, GST_COMPRESSED_READ_META, 1), "text"), "");
  assert_lines (gst_compressed_meta_get (out, GST_COMPRESSED_READ_META, 2));
  gst_buffer_unref (out);
  gst_harness_teardown (h);
  g_ptr_array_unref (frames);
}

GST_END_TEST;

static void
assert_refused (const gchar * props, const gchar * model, GQuark domain,
    gint code, const gchar * words)
{
  GstCaps *caps;
  GPtrArray *frames = encode (model, &caps);
  GstHarness *h = gst_harness_new ("compressedread");
  GstBus *bus = check_bus (h);

  gst_util_set_object_arg (G_OBJECT (h->element), "model-file", props);
  gst_harness_set_src_caps (h, caps);
  fail_unless_equals_int (gst_harness_push (h,
          gst_buffer_ref (frames->pdata[0])), GST_FLOW_ERROR);
  check_assert_message (bus, GST_MESSAGE_ERROR, domain, code, words);
  gst_element_set_bus (h->element, NULL);
  gst_object_unref (bus);
  gst_harness_teardown (h);
  g_ptr_array_unref (frames);
}

/* A network that does something else, one that is not there, one whose
 * recogniser is damaged, one of another codec model. */
GST_START_TEST (test_refused)
{
  assert_refused (TEST_GOLDEN_DIR "/task/classify.onnx", MODEL,
      GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS, "classify");
  assert_refused ("no-such-page", MODEL, GST_RESOURCE_ERROR,
      GST_RESOURCE_ERROR_NOT_FOUND, "no-such-page");
  assert_refused (TEST_GOLDEN_DIR "/task/bad-recogniser.onnx", MODEL,
      GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_READ, "recogniser");
  if (strcmp (check_model (), MODEL) != 0)
    assert_refused (PAGE, check_model (), GST_STREAM_ERROR,
        GST_STREAM_ERROR_WRONG_TYPE, "4d25cde431323797");
}

GST_END_TEST;

/* Frames that are none, between good ones. */
GST_START_TEST (test_damage)
{
  GstCaps *caps;
  GPtrArray *frames = encode (MODEL, &caps);
  GstHarness *h = reader ("model-file=" PAGE, caps);
  GstBus *bus = check_bus (h);
  GstBuffer *out;

  out = gst_harness_push_and_pull (h, gst_buffer_new_wrapped (g_strdup
          ("this is no frame"), 16));
  fail_if (gst_compressed_meta_get (out, GST_COMPRESSED_READ_META, 0));
  gst_buffer_unref (out);
  check_assert_message (bus, GST_MESSAGE_WARNING, GST_STREAM_ERROR,
      GST_STREAM_ERROR_DECODE, "cannot be used");
  out = gst_harness_push_and_pull (h, gst_buffer_ref (frames->pdata[0]));
  assert_lines (gst_compressed_meta_get (out, GST_COMPRESSED_READ_META, 0));
  gst_buffer_unref (out);
  gst_element_set_bus (h->element, NULL);
  gst_object_unref (bus);
  gst_harness_teardown (h);
  g_ptr_array_unref (frames);
}

GST_END_TEST;

static Suite *
compressedread_suite (void)
{
  Suite *s = suite_create ("compressedread");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (s, tc);
  tcase_add_test (tc, test_page);
  tcase_add_test (tc, test_text_pad);
  tcase_add_test (tc, test_threshold);
  tcase_add_test (tc, test_refused);
  tcase_add_test (tc, test_damage);

  return s;
}

GST_CHECK_MAIN (compressedread);
