/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The networks that are shipped, found by name, on streams of the models that
 * are shipped. What they are worth is measured elsewhere. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "../elements/compressed-check.h"
#include "gst/compressed/gstcompressedmeta.h"

static gboolean
is_there (const gchar * name)
{
  gchar *path = g_strdup_printf (TEST_MODELS_DIR "/tasks/%s.onnx", name);
  gboolean there = g_file_test (path, G_FILE_TEST_EXISTS);

  if (!there)
    GST_INFO ("there is no network %s", name);
  g_free (path);

  return there;
}

/* Runs to the end and returns the number of results, whose labels and numbers
 * must make sense. */
static guint
run (const gchar * format, const gchar * props, gdouble * sum)
{
  gchar *text = g_strdup_printf (format, props);
  GError *error = NULL;
  GstElement *pipeline = gst_parse_launch (text, &error);
  guint results = 0;
  gboolean done = FALSE;
  GstBus *bus;

  g_assert_no_error (error);
  g_free (text);
  bus = gst_element_get_bus (pipeline);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  while (!done) {
    GstMessage *message = gst_bus_timed_pop_filtered (bus, 40 * GST_SECOND,
        GST_MESSAGE_ELEMENT | GST_MESSAGE_EOS | GST_MESSAGE_ERROR |
        GST_MESSAGE_WARNING);

    fail_unless (message != NULL, "the pipeline hangs");
    if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ELEMENT) {
      const GstStructure *s = gst_message_get_structure (message);
      const GValue *classes = gst_structure_get_value (s, "classes");
      gdouble one;
      guint i;

      fail_unless (gst_structure_get_string (s, "label") != NULL);
      *sum = 0;
      for (i = 0; i < gst_value_array_get_size (classes); i++) {
        const GstStructure *class = gst_value_get_structure
            (gst_value_array_get_value (classes, i));

        fail_unless (gst_structure_get_double (class,
                gst_structure_has_field (class, "share") ? "share" :
                "confidence", &one));
        fail_unless (one >= 0 && one <= 1);
        *sum += one;
      }
      results++;
    } else {
      fail_unless (GST_MESSAGE_TYPE (message) == GST_MESSAGE_EOS, "%"
          GST_PTR_FORMAT, message);
      done = TRUE;
    }
    gst_message_unref (message);
  }
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (bus);
  gst_object_unref (pipeline);

  return results;
}

#define PICTURES "videotestsrc num-buffers=8 pattern=ball ! " \
  "video/x-raw,width=480,height=360,framerate=25/1 ! wallocenc %s ! "

/* Rates and kinds of streams that one network is for. */
static const gchar *const streams[] = {
  "", "quality=5", "quality=95", "channels=12", "key-int-max=4",
  "quality=40 layers=3 ! wallocthin layers=1"
};

GST_START_TEST (test_classify)
{
  gdouble sum;
  guint i;

  if (!is_there ("waste-1"))
    return;
  for (i = 0; i < G_N_ELEMENTS (streams); i++) {
    fail_unless_equals_int (run (PICTURES "compressedclassify "
            "model-file=waste-1 top-k=6 ! wallocdec ! fakesink", streams[i],
            &sum), 8);
    fail_unless (fabs (sum - 1) < 1e-4, "%g", sum);
  }
}

GST_END_TEST;

/* Small grey pictures, which the encoder codes at half of their size at low
 * rates: latents are enlarged by the file's own graph. */
GST_START_TEST (test_classify_small)
{
  gdouble sum;
  guint i;

  if (!is_there ("fashion-1"))
    return;
  for (i = 0; i < G_N_ELEMENTS (streams); i++) {
    fail_unless_equals_int (run ("videotestsrc num-buffers=8 pattern=ball ! "
            "video/x-raw,format=GRAY8,width=112,height=112,framerate=25/1 ! "
            "wallocenc %s ! compressedclassify model-file=fashion-1 top-k=10 "
            "! wallocdec ! fakesink", streams[i], &sum), 8);
    fail_unless (fabs (sum - 1) < 1e-4, "%g", sum);
  }
}

GST_END_TEST;

GST_START_TEST (test_segment)
{
  gdouble sum;
  guint i;

  if (!is_there ("road-1"))
    return;
  for (i = 0; i < G_N_ELEMENTS (streams); i++) {
    fail_unless_equals_int (run (PICTURES "compressedsegment name=s "
            "model-file=road-1 mask-size=full s.src ! queue ! wallocdec ! "
            "fakesink s.mask ! queue ! videoconvert ! fakesink", streams[i],
            &sum), 8);
    fail_unless (fabs (sum - 1) < 1e-4, "%g", sum);
  }
}

GST_END_TEST;

#define SOUND "audiotestsrc num-buffers=40 samplesperbuffer=800 wave=ticks ! " \
  "audio/x-raw,rate=8000,channels=1 ! wallocaudioenc %s ! "

GST_START_TEST (test_listen)
{
  static const gchar *const sounds[] = {
    "", "quality=10", "quality=80 frame-size=512"
  };
  gdouble sum;
  guint i, results;

  if (!is_there ("digits-1"))
    return;
  /* 4 seconds are 125 columns */
  for (i = 0; i < G_N_ELEMENTS (sounds); i++) {
    results = run (SOUND "compressedclassify model-file=digits-1 top-k=10 ! "
        "wallocaudiodec ! fakesink", sounds[i], &sum);
    fail_unless (results >= 10 && results <= 16, "%u results", results);
    fail_unless (fabs (sum - 1) < 1e-4, "%g", sum);
  }
}

GST_END_TEST;

/* A stream that is coded at a part of its size: the mask says how much of the
 * picture each of its elements covers. */
GST_START_TEST (test_scale)
{
  GstElement *pipeline, *sink;
  GstSample *sample;
  const GstStructure *meta;
  GstCompressedMask mask;

  if (!is_there ("road-1"))
    return;
  pipeline = gst_parse_launch ("videotestsrc num-buffers=1 pattern=ball ! "
      "video/x-raw,width=482,height=361 ! wallocenc quality=1 ! "
      "compressedsegment model-file=road-1 ! appsink name=sink", NULL);
  sink = gst_bin_get_by_name (GST_BIN (pipeline), "sink");
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  g_signal_emit_by_name (sink, "pull-sample", &sample);
  fail_unless (sample != NULL);
  meta = gst_compressed_meta_get (gst_sample_get_buffer (sample),
      GST_COMPRESSED_SEGMENT_META, 0);
  fail_unless (meta && gst_compressed_result_get_mask (meta, &mask));
  fail_unless (mask.cell == 16 || mask.cell == 32, "cell %u", mask.cell);
  fail_unless_equals_int (mask.width, 482);
  fail_unless_equals_int (GST_VIDEO_INFO_WIDTH (&mask.info),
      (482 + mask.cell - 1) / mask.cell);
  fail_unless_equals_int (GST_VIDEO_INFO_HEIGHT (&mask.info),
      (361 + mask.cell - 1) / mask.cell);
  gst_sample_unref (sample);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (sink);
  gst_object_unref (pipeline);
}

GST_END_TEST;

static Suite *
compressedtasks_suite (void)
{
  Suite *s = suite_create ("compressedtasks");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (s, tc);
  tcase_add_test (tc, test_classify);
  tcase_add_test (tc, test_classify_small);
  tcase_add_test (tc, test_segment);
  tcase_add_test (tc, test_listen);
  tcase_add_test (tc, test_scale);

  return s;
}

GST_CHECK_MAIN (compressedtasks);
