/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* compressedclassify: results of pictures, and what passes through. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <sys/stat.h>

#include "compressed-check.h"

#define NAME "compressedclassify"
#define META "GstCompressedClassifyMeta"

static const guint8 shades[] = { 30, 128, 220, 128, 30, 220, 220, 30, 128, 30 };

static const gchar *const labels[] = {
  "dark", "grey", "bright", "grey", "dark", "bright", "bright", "dark", "grey",
  "dark"
};

GST_START_TEST (test_pass_through)
{
  GstCaps *caps;
  GPtrArray *frames = shade_frames (64, 48, shades, 4, NULL, &caps);
  GstHarness *h = compressed_harness (NAME, NETWORK ("classify"),
      "attach-meta=false");
  GstBus *bus = check_bus (h);
  GstCaps *out_caps;
  guint i;

  gst_harness_set_src_caps (h, gst_caps_ref (caps));
  for (i = 0; i < frames->len; i++) {
    GstBuffer *in = g_ptr_array_index (frames, i), *out = pass (h, in);

    /* the very buffer, though somebody else holds it */
    fail_unless (in == out);
    gst_buffer_unref (out);
    expect_result (bus, NAME, labels[i], i * FRAME_TIME);
  }
  out_caps = gst_pad_get_current_caps (h->sinkpad);
  fail_unless (gst_caps_is_equal (caps, out_caps));
  gst_caps_unref (out_caps);
  expect_no_result (bus, NAME);
  fail_unless_equals_uint64 (check_stat (h->element, "frames"), 4);
  fail_unless_equals_uint64 (check_stat (h->element, "analysed"), 4);

  gst_object_unref (bus);
  gst_harness_teardown (h);
  g_ptr_array_unref (frames);
  gst_caps_unref (caps);
}

GST_END_TEST;

GST_START_TEST (test_message)
{
  GstCaps *caps;
  GPtrArray *frames = shade_frames (64, 48, shades, 3, NULL, &caps);
  GstHarness *h = compressed_harness (NAME, NETWORK ("classify"), "top-k=2");
  GstBus *bus = check_bus (h);
  GstSegment segment;
  GstStructure *s;
  const GValue *array;
  const GstStructure *class;
  guint64 time;
  gdouble first, second;
  guint id;

  gst_harness_set_src_caps (h, caps);
  /* running time begins a frame later, stream time is doubled */
  gst_segment_init (&segment, GST_FORMAT_TIME);
  segment.start = FRAME_TIME;
  segment.time = 10 * GST_SECOND;
  gst_harness_push_event (h, gst_event_new_segment (&segment));
  pass_on (h, g_ptr_array_index (frames, 2));

  s = pop_result (bus, NAME);
  fail_unless (s != NULL);
  fail_unless (gst_structure_get_uint64 (s, "timestamp", &time));
  fail_unless_equals_uint64 (time, 2 * FRAME_TIME);
  fail_unless (gst_structure_get_uint64 (s, "running-time", &time));
  fail_unless_equals_uint64 (time, FRAME_TIME);
  fail_unless (gst_structure_get_uint64 (s, "stream-time", &time));
  fail_unless_equals_uint64 (time, 10 * GST_SECOND + FRAME_TIME);
  fail_unless (gst_structure_get_uint64 (s, "duration", &time));
  fail_unless_equals_uint64 (time, FRAME_TIME);
  fail_unless_equals_string (gst_structure_get_string (s, "network"), "shade");
  fail_unless_equals_string (gst_structure_get_string (s, "label"), "bright");
  fail_unless (gst_structure_get_uint (s, "class-id", &id));
  fail_unless_equals_int (id, 2);
  fail_unless (gst_structure_get_double (s, "confidence", &first));
  array = gst_structure_get_value (s, "classes");
  fail_unless (GST_VALUE_HOLDS_ARRAY (array));
  fail_unless_equals_int (gst_value_array_get_size (array), 2);
  class = gst_value_get_structure (gst_value_array_get_value (array, 0));
  fail_unless (gst_structure_has_name (class, "class"));
  fail_unless (gst_structure_get_double (class, "confidence", &second));
  fail_unless_equals_float (first, second);
  class = gst_value_get_structure (gst_value_array_get_value (array, 1));
  fail_unless_equals_string (gst_structure_get_string (class, "label"), "grey");
  fail_unless (gst_structure_get_double (class, "confidence", &second));
  fail_unless (first > 0.9 && second < first && first + second <= 1.000001);
  gst_structure_free (s);

  gst_object_unref (bus);
  gst_harness_teardown (h);
  g_ptr_array_unref (frames);
}

GST_END_TEST;

GST_START_TEST (test_meta)
{
  GstCaps *caps;
  GPtrArray *frames = shade_frames (64, 48, shades, 3, NULL, &caps);
  GstHarness *h = gst_harness_new_parse (NAME " model-file=\""
      NETWORK ("classify") "\" ! " NAME " post-messages=false model-file=\""
      NETWORK ("classify-rows") "\" ! wallocdec ! identity");
  guint i;

  gst_harness_set_src_caps (h, caps);
  for (i = 0; i < frames->len; i++) {
    GstBuffer *out = pass (h, g_ptr_array_index (frames, i));
    GstCustomMeta *meta = gst_buffer_get_custom_meta (out, META);
    GstStructure *s;
    gpointer state = NULL;
    guint64 time;
    guint n = 0;

    /* both survive the decoder */
    while (gst_buffer_iterate_meta_filtered (out, &state,
            gst_meta_get_info (META)->api))
      n++;
    fail_unless_equals_int (n, 2);
    s = gst_custom_meta_get_structure (meta);
    fail_unless_equals_string (gst_structure_get_string (s, "label"),
        labels[i]);
    fail_unless (gst_structure_get_uint64 (s, "timestamp", &time));
    fail_unless_equals_uint64 (time, i * FRAME_TIME);
    fail_unless (gst_structure_has_field_typed (s, "classes", GST_TYPE_ARRAY));
    gst_buffer_unref (out);
  }
  gst_harness_teardown (h);
  g_ptr_array_unref (frames);
}

GST_END_TEST;

GST_START_TEST (test_interval)
{
  static const struct
  {
    guint64 interval;
    guint results;
  } cases[] = {
    {0, 10}, {FRAME_TIME, 10}, {2 * FRAME_TIME, 5}, {100 * GST_MSECOND, 4},
    {GST_SECOND, 1}, {G_MAXINT64, 1}
  };
  GstCaps *caps;
  GPtrArray *frames = shade_frames (64, 48, shades, 10, NULL, &caps);
  guint c, i, n;

  for (c = 0; c < G_N_ELEMENTS (cases); c++) {
    GstHarness *h = compressed_harness (NAME, NETWORK ("classify"), NULL);
    GstBus *bus = check_bus (h);
    GstStructure *s;

    g_object_set (h->element, "interval", cases[c].interval, NULL);
    gst_harness_set_src_caps (h, gst_caps_ref (caps));
    for (i = 0; i < frames->len; i++)
      pass_on (h, g_ptr_array_index (frames, i));
    for (n = 0; (s = pop_result (bus, NAME)); n++)
      gst_structure_free (s);
    fail_unless_equals_int (n, cases[c].results);
    fail_unless_equals_uint64 (check_stat (h->element, "skipped"), 10 - n);
    gst_object_unref (bus);
    gst_harness_teardown (h);
  }
  g_ptr_array_unref (frames);
  gst_caps_unref (caps);
}

GST_END_TEST;

GST_START_TEST (test_threshold)
{
  GstCaps *caps;
  GPtrArray *frames = shade_frames (64, 48, shades, 2, NULL, &caps);
  GstHarness *h = compressed_harness (NAME, NETWORK ("classify"),
      "class-confidence-threshold=0.9 top-k=3");
  GstBus *bus = check_bus (h);
  GstStructure *s;
  GstBuffer *out;

  gst_harness_set_src_caps (h, caps);
  pass_on (h, g_ptr_array_index (frames, 0));
  s = pop_result (bus, NAME);
  fail_unless_equals_int (gst_value_array_get_size (gst_structure_get_value (s,
              "classes")), 1);
  gst_structure_free (s);
  /* grey is not that sure */
  out = pass (h, g_ptr_array_index (frames, 1));
  fail_unless (gst_buffer_get_custom_meta (out, META) == NULL);
  gst_buffer_unref (out);
  expect_no_result (bus, NAME);
  fail_unless_equals_uint64 (check_stat (h->element, "analysed"), 2);

  g_object_set (h->element, "class-confidence-threshold", 0.0f,
      "post-messages", FALSE, NULL);
  out = pass (h, g_ptr_array_index (frames, 1));
  fail_unless (gst_buffer_get_custom_meta (out, META) != NULL);
  gst_buffer_unref (out);
  expect_no_result (bus, NAME);

  gst_object_unref (bus);
  gst_harness_teardown (h);
  g_ptr_array_unref (frames);
}

GST_END_TEST;

static gchar *
write_labels (const gchar * text)
{
  gchar *path;
  gint fd = g_file_open_tmp ("labels-XXXXXX.txt", &path, NULL);

  fail_unless (fd >= 0);
  fail_unless_equals_int64 (write (fd, text, strlen (text)), strlen (text));
  close (fd);

  return path;
}

GST_START_TEST (test_labels_file)
{
  GstCaps *caps;
  GPtrArray *frames = shade_frames (64, 48, shades, 3, NULL, &caps);
  GstHarness *h = compressed_harness (NAME, NULL, NULL);
  GstBus *bus = check_bus (h);
  gchar *good = write_labels ("finster\r\ngrau\nhell \nzu viel\n");
  gchar *few = write_labels ("finster\ngrau\n\n\n");
  gchar *binary = write_labels ("\xff\xfe\n\xff\n\xff\n");

  g_object_set (h->element, "labels-file", good, "model-file",
      NETWORK ("classify"), NULL);
  gst_harness_set_src_caps (h, caps);
  pass_on (h, g_ptr_array_index (frames, 0));
  expect_result (bus, NAME, "finster", 0);
  pass_on (h, g_ptr_array_index (frames, 2));
  expect_result (bus, NAME, "hell", 2 * FRAME_TIME);

  g_object_set (h->element, "labels-file", NULL, NULL);
  pass_on (h, g_ptr_array_index (frames, 0));
  expect_result (bus, NAME, "dark", 0);

  g_object_set (h->element, "labels-file", few, NULL);
  fail_unless_equals_int (gst_harness_push (h,
          gst_buffer_ref (g_ptr_array_index (frames, 0))), GST_FLOW_ERROR);
  check_assert_message (bus, GST_MESSAGE_ERROR, GST_RESOURCE_ERROR,
      GST_RESOURCE_ERROR_SETTINGS, "has 2 labels");

  g_object_set (h->element, "labels-file", binary, NULL);
  fail_unless_equals_int (gst_harness_push (h,
          gst_buffer_ref (g_ptr_array_index (frames, 0))), GST_FLOW_ERROR);
  check_assert_message (bus, GST_MESSAGE_ERROR, GST_RESOURCE_ERROR,
      GST_RESOURCE_ERROR_READ, "UTF-8");

  /* a pipe that nobody writes to is not waited for */
  g_unlink (few);
  fail_unless_equals_int (mkfifo (few, 0600), 0);
  g_object_set (h->element, "labels-file", few, NULL);
  fail_unless_equals_int (gst_harness_push (h,
          gst_buffer_ref (g_ptr_array_index (frames, 0))), GST_FLOW_ERROR);
  check_assert_message (bus, GST_MESSAGE_ERROR, GST_RESOURCE_ERROR,
      GST_RESOURCE_ERROR_READ, "at most 4194304 bytes");

  g_object_set (h->element, "labels-file", "/nowhere.txt", NULL);
  fail_unless_equals_int (gst_harness_push (h,
          gst_buffer_ref (g_ptr_array_index (frames, 0))), GST_FLOW_ERROR);
  check_assert_message (bus, GST_MESSAGE_ERROR, GST_RESOURCE_ERROR,
      GST_RESOURCE_ERROR_NOT_FOUND, "/nowhere.txt");

  /* and it goes on with a good one */
  g_object_set (h->element, "labels-file", good, NULL);
  pass_on (h, g_ptr_array_index (frames, 1));
  expect_result (bus, NAME, "grau", FRAME_TIME);

  g_unlink (good);
  g_unlink (few);
  g_unlink (binary);
  g_free (good);
  g_free (few);
  g_free (binary);
  gst_object_unref (bus);
  gst_harness_teardown (h);
  g_ptr_array_unref (frames);
}

GST_END_TEST;

/* Networks that cannot be used: the first buffer is an error that says why. */
GST_START_TEST (test_wrong_networks)
{
  const struct
  {
    const gchar *path;
    GQuark domain;
    gint code;
    const gchar *words;
  } cases[] = {
    {NULL, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS, "model-file"},
    {"/nowhere.onnx", GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND,
        "/nowhere.onnx"},
    {"no-such-name", GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND,
        "tasks"},
    {PICTURE_MODEL, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_READ,
        "ordered-test.wlm"},
    {NETWORK ("segment"), GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS,
        "\"segment\" (walloc.task)"},
    {NETWORK ("bad-channels"), GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_READ,
        "13 (walloc.channels)"},
    {NETWORK ("bad-labels-few"), GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_READ,
        "2 labels"},
    {NETWORK ("bad-no-labels"), GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_READ,
        "walloc.labels"},
    {NETWORK ("bad-rank"), GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_READ,
        "1x3x1x1"},
    {NETWORK ("bad-rank-open"), GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_READ,
        "1x3x1x1"},
    {NETWORK ("bad-cycle"), GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_READ,
        "cycle"},
    {NETWORK ("bad-missing"), GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_READ,
        "'b'"},
    {NETWORK ("bad-huge"), GST_RESOURCE_ERROR,
        GST_RESOURCE_ERROR_NO_SPACE_LEFT, "bad-huge"},
    {NETWORK ("bad-work"), GST_RESOURCE_ERROR,
        GST_RESOURCE_ERROR_NO_SPACE_LEFT, "bad-work"},
    {NETWORK ("classify-fixed"), GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_READ,
        "5x3"},
    {NETWORK ("bad-model-other"), GST_STREAM_ERROR,
        GST_STREAM_ERROR_WRONG_TYPE, "4d25cde431323797"},
    {NETWORK ("listen"), GST_STREAM_ERROR, GST_STREAM_ERROR_WRONG_TYPE,
        "walloc.media"},
  };
  GstCaps *caps;
  GPtrArray *frames = shade_frames (256, 192, shades, 1, NULL, &caps);
  guint i;

  for (i = 0; i < G_N_ELEMENTS (cases); i++) {
    GstHarness *h = compressed_harness (NAME, NULL, NULL);
    GstBus *bus = check_bus (h);

    GST_INFO ("network %s", cases[i].path);
    g_object_set (h->element, "model-file", cases[i].path, NULL);
    gst_harness_set_src_caps (h, gst_caps_ref (caps));
    fail_unless_equals_int (gst_harness_push (h,
            gst_buffer_ref (g_ptr_array_index (frames, 0))), GST_FLOW_ERROR);
    check_assert_message (bus, GST_MESSAGE_ERROR, cases[i].domain,
        cases[i].code, cases[i].words);
    expect_no_result (bus, NAME);
    gst_object_unref (bus);
    gst_harness_teardown (h);
  }
  g_ptr_array_unref (frames);
  gst_caps_unref (caps);
}

GST_END_TEST;

/* What is asked for in READY and is not there is told before anything runs. */
GST_START_TEST (test_missing_at_start)
{
  GstElement *element = gst_element_factory_make (NAME, NULL);
  GstBus *bus = gst_bus_new ();

  gst_element_set_bus (element, bus);
  g_object_set (element, "model-file", "/nowhere.onnx", NULL);
  fail_unless_equals_int (gst_element_set_state (element, GST_STATE_READY),
      GST_STATE_CHANGE_SUCCESS);
  fail_unless_equals_int (gst_element_set_state (element, GST_STATE_PAUSED),
      GST_STATE_CHANGE_FAILURE);
  check_assert_message (bus, GST_MESSAGE_ERROR, GST_RESOURCE_ERROR,
      GST_RESOURCE_ERROR_NOT_FOUND, "/nowhere.onnx");
  g_object_set (element, "model-file", NETWORK ("classify"), NULL);
  fail_unless_equals_int (gst_element_set_state (element, GST_STATE_PAUSED),
      GST_STATE_CHANGE_SUCCESS);
  gst_element_set_state (element, GST_STATE_NULL);
  gst_element_set_bus (element, NULL);
  gst_object_unref (bus);
  gst_object_unref (element);
}

GST_END_TEST;

GST_START_TEST (test_unknown_model)
{
  GstCaps *caps;
  GPtrArray *frames = shade_frames (64, 48, shades, 1, NULL, &caps);
  GstHarness *h = compressed_harness (NAME, NETWORK ("classify"), NULL);
  GstBus *bus = check_bus (h);
  gchar *path = check_set_path ("/nowhere");

  gst_harness_set_src_caps (h, caps);
  fail_unless_equals_int (gst_harness_push (h,
          gst_buffer_ref (g_ptr_array_index (frames, 0))), GST_FLOW_ERROR);
  check_assert_message (bus, GST_MESSAGE_ERROR, GST_RESOURCE_ERROR,
      GST_RESOURCE_ERROR_NOT_FOUND, "4d25cde431323797");
  check_restore_path (path);
  gst_object_unref (bus);
  gst_harness_teardown (h);
  g_ptr_array_unref (frames);
}

GST_END_TEST;

/* Found by name, with and without suffix, in tasks/ of a model directory. */
GST_START_TEST (test_by_name)
{
  GstCaps *caps;
  GPtrArray *frames = shade_frames (64, 48, shades, 1, NULL, &caps);
  gchar *folder = g_dir_make_tmp ("walloc-XXXXXX", NULL), *text;
  gchar *tasks = g_build_filename (folder, "tasks", NULL);
  gchar *file = g_build_filename (tasks, "shade-1.onnx", NULL);
  gchar *dirs = g_strdup_printf ("%s:%s/models", folder, TEST_GOLDEN_DIR);
  gchar *path = check_set_path (dirs);
  static const gchar *const names[] = { "shade-1", "shade-1.onnx" };
  gsize size;
  guint i;

  fail_unless_equals_int (g_mkdir (tasks, 0700), 0);
  fail_unless (g_file_get_contents (NETWORK ("classify"), &text, &size, NULL));
  fail_unless (g_file_set_contents (file, text, size, NULL));
  for (i = 0; i < G_N_ELEMENTS (names); i++) {
    GstHarness *h = compressed_harness (NAME, names[i], NULL);
    GstBus *bus = check_bus (h);

    gst_harness_set_src_caps (h, gst_caps_ref (caps));
    pass_on (h, g_ptr_array_index (frames, 0));
    expect_result (bus, NAME, "dark", 0);
    gst_object_unref (bus);
    gst_harness_teardown (h);
  }
  check_restore_path (path);
  g_unlink (file);
  g_rmdir (tasks);
  g_rmdir (folder);
  g_free (text);
  g_free (dirs);
  g_free (file);
  g_free (tasks);
  g_free (folder);
  gst_caps_unref (caps);
  g_ptr_array_unref (frames);
}

GST_END_TEST;

static Suite *
compressedclassify_suite (void)
{
  Suite *s = suite_create (NAME);
  TCase *tc = tcase_create ("general");

  suite_add_tcase (s, tc);
  tcase_add_test (tc, test_pass_through);
  tcase_add_test (tc, test_message);
  tcase_add_test (tc, test_meta);
  tcase_add_test (tc, test_interval);
  tcase_add_test (tc, test_threshold);
  tcase_add_test (tc, test_labels_file);
  tcase_add_test (tc, test_wrong_networks);
  tcase_add_test (tc, test_missing_at_start);
  tcase_add_test (tc, test_unknown_model);
  tcase_add_test (tc, test_by_name);

  return s;
}

GST_CHECK_MAIN (compressedclassify);
