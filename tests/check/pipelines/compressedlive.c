/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Networks in pipelines that run: leaky, several at once, and elements that
 * come and go while playing. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "../elements/compressed-check.h"

#define SOURCE "videotestsrc num-buffers=%u pattern=ball ! " \
  "video/x-raw,width=320,height=240,framerate=25/1 ! " \
  "wallocenc model-file=\"" PICTURE_MODEL "\" %s ! "

typedef struct
{
  guint results, warnings;
  guint64 last;                 /* time stamp */
} Seen;

/* Runs to the end; no error. Results must be in order. */
static void
run_to_end (GstElement * pipeline, Seen * seen)
{
  GstBus *bus = gst_element_get_bus (pipeline);
  gboolean done = FALSE;

  memset (seen, 0, sizeof (*seen));
  fail_unless (gst_element_set_state (pipeline, GST_STATE_PLAYING) !=
      GST_STATE_CHANGE_FAILURE);
  while (!done) {
    GstMessage *message = gst_bus_timed_pop (bus, 200 * GST_SECOND);
    GError *error = NULL;
    guint64 time = 0;

    fail_unless (message != NULL, "the pipeline hangs");
    switch (GST_MESSAGE_TYPE (message)) {
      case GST_MESSAGE_ELEMENT:
        fail_unless (gst_structure_get_uint64 (gst_message_get_structure
                (message), "timestamp", &time));
        fail_unless (seen->results == 0 || time >= seen->last);
        seen->last = time;
        seen->results++;
        break;
      case GST_MESSAGE_WARNING:
        seen->warnings++;
        break;
      case GST_MESSAGE_ERROR:
        gst_message_parse_error (message, &error, NULL);
        fail ("%s", error->message);
        break;
      case GST_MESSAGE_EOS:
        done = TRUE;
        break;
      default:
        break;
    }
    gst_message_unref (message);
  }
  gst_object_unref (bus);
}

static GstElement *
launch (const gchar * format, ...)
{
  GError *error = NULL;
  GstElement *pipeline;
  gchar *text;
  va_list args;

  va_start (args, format);
  text = g_strdup_vprintf (format, args);
  va_end (args);
  pipeline = gst_parse_launch (text, &error);
  g_assert_no_error (error);
  g_free (text);

  return pipeline;
}

static void
run_leaky (const gchar * props, guint frames)
{
  GstElement *pipeline = launch (SOURCE "compressedclassify name=c leaky=true "
      "model-file=\"" NETWORK ("classify") "\" ! wallocdec ! fakesink", frames,
      props);
  GstElement *c = gst_bin_get_by_name (GST_BIN (pipeline), "c");
  Seen seen;

  run_to_end (pipeline, &seen);
  /* every frame passed, and is analysed or left out; the last one waits to be
   * replaced by none */
  fail_unless_equals_uint64 (check_stat (c, "frames"), frames);
  fail_unless_equals_uint64 (check_stat (c, "analysed"), seen.results);
  fail_unless_equals_uint64 (check_stat (c, "analysed") + check_stat (c,
          "skipped"), frames);
  fail_unless (seen.results >= 1);
  fail_unless_equals_uint64 (seen.last, (frames - 1) * FRAME_TIME);
  fail_unless_equals_uint64 (check_stat (c, "waiting"), 0);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (c);
  gst_object_unref (pipeline);
}

GST_START_TEST (test_leaky)
{
  run_leaky ("", 200);
}

GST_END_TEST;

GST_START_TEST (test_leaky_predicted)
{
  run_leaky ("key-int-max=20", 200);
}

GST_END_TEST;

GST_START_TEST (test_leaky_interval)
{
  GstElement *pipeline = launch (SOURCE "compressedclassify name=c leaky=true "
      "interval=%u model-file=\"" NETWORK ("classify") "\" ! identity "
      "sleep-time=2000 ! fakesink", 50, "key-int-max=7", 5 * FRAME_TIME);
  Seen seen;

  run_to_end (pipeline, &seen);
  fail_unless (seen.results >= 1 && seen.results <= 10);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (pipeline);
}

GST_END_TEST;

/* An error of the other thread stops the stream. */
GST_START_TEST (test_leaky_error)
{
  GstElement *pipeline = launch (SOURCE "compressedclassify leaky=true "
      "model-file=\"" NETWORK ("bad-model-other") "\" ! fakesink async=false",
      500, "");
  GstBus *bus = gst_element_get_bus (pipeline);
  GstMessage *message;
  GError *error = NULL;

  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  message = gst_bus_timed_pop_filtered (bus, 20 * GST_SECOND,
      GST_MESSAGE_ERROR | GST_MESSAGE_EOS);
  fail_unless (message && GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR);
  gst_message_parse_error (message, &error, NULL);
  fail_unless (g_error_matches (error, GST_STREAM_ERROR,
          GST_STREAM_ERROR_WRONG_TYPE));
  g_error_free (error);
  gst_message_unref (message);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (bus);
  gst_object_unref (pipeline);
}

GST_END_TEST;

/* Results come on a later buffer, behind the decoder too, with the time stamp
 * of the frame that they are of. */
GST_START_TEST (test_leaky_meta)
{
  GstElement *pipeline = launch (SOURCE "compressedsegment leaky=true "
      "model-file=\"" NETWORK ("segment") "\" ! identity sleep-time=5000 ! "
      "wallocdec ! appsink name=sink sync=false", 30, "");
  GstElement *sink = gst_bin_get_by_name (GST_BIN (pipeline), "sink");
  GstSample *sample;
  guint metas = 0;

  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  for (;;) {
    GstCustomMeta *meta;
    guint64 time;

    g_signal_emit_by_name (sink, "pull-sample", &sample);
    if (!sample)
      break;
    meta = gst_buffer_get_custom_meta (gst_sample_get_buffer (sample),
        "GstCompressedSegmentMeta");
    if (meta) {
      fail_unless (gst_structure_get_uint64 (gst_custom_meta_get_structure
              (meta), "timestamp", &time));
      fail_unless (time <= GST_BUFFER_PTS (gst_sample_get_buffer (sample)));
      metas++;
    }
    gst_sample_unref (sample);
  }
  fail_unless (metas > 3, "%u metas", metas);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (sink);
  gst_object_unref (pipeline);
}

GST_END_TEST;

/* Masks of another thread, at a pad of their own. */
GST_START_TEST (test_leaky_mask)
{
  GstElement *pipeline = launch (SOURCE "compressedsegment name=s leaky=true "
      "model-file=\"" NETWORK ("segment") "\" s.src ! queue ! fakesink "
      "s.mask ! queue ! fakesink name=masks signal-handoffs=false", 100, "");
  GstElement *s = gst_bin_get_by_name (GST_BIN (pipeline), "s");
  Seen seen;

  run_to_end (pipeline, &seen);
  fail_unless (seen.results >= 1);
  fail_unless_equals_uint64 (check_stat (s, "analysed"), seen.results);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (s);
  gst_object_unref (pipeline);
}

GST_END_TEST;

/* Stopped in the middle, at any moment, leaky or not. */
GST_START_TEST (test_stop)
{
  guint i;

  for (i = 0; i < 12; i++) {
    GstElement *pipeline = launch (SOURCE "compressedsegment name=s leaky=%s "
        "model-file=\"" NETWORK ("segment") "\" s.src ! queue ! fakesink "
        "s.mask ! fakesink", 100000, i % 3 ? "" : "key-int-max=10",
        i % 2 ? "true" : "false");

    fail_unless (gst_element_set_state (pipeline, GST_STATE_PLAYING) !=
        GST_STATE_CHANGE_FAILURE);
    g_usleep (i * 7000);
    fail_unless_equals_int (gst_element_set_state (pipeline, GST_STATE_NULL),
        GST_STATE_CHANGE_SUCCESS);
    gst_object_unref (pipeline);
  }
}

GST_END_TEST;

static GstPadProbeReturn
take_out (GstPad * pad, GstPadProbeInfo * info, gpointer user)
{
  GstElement *pipeline = user;
  GstElement *queue = gst_bin_get_by_name (GST_BIN (pipeline), "before");
  GstElement *c = gst_bin_get_by_name (GST_BIN (pipeline), "c");
  GstElement *sink = gst_bin_get_by_name (GST_BIN (pipeline), "sink");

  gst_element_unlink_many (queue, c, sink, NULL);
  gst_bin_remove (GST_BIN (pipeline), c);
  fail_unless_equals_int (gst_element_set_state (c, GST_STATE_NULL),
      GST_STATE_CHANGE_SUCCESS);
  fail_unless (gst_element_link (queue, sink));
  gst_object_unref (c);
  gst_object_unref (queue);
  gst_object_unref (sink);

  return GST_PAD_PROBE_REMOVE;
}

static void
run_removed (const gchar * element)
{
  GstElement *pipeline = launch (SOURCE "queue name=before ! "
      "%s name=c ! fakesink name=sink sync=false", 400, "", element);
  GstElement *queue = gst_bin_get_by_name (GST_BIN (pipeline), "before");
  GstElement *c = gst_bin_get_by_name (GST_BIN (pipeline), "c");
  GstPad *pad = gst_element_get_static_pad (queue, "src");
  gpointer alive = c;
  Seen seen;

  g_object_add_weak_pointer (G_OBJECT (c), &alive);
  gst_object_unref (c);
  fail_unless (gst_element_set_state (pipeline, GST_STATE_PAUSED) !=
      GST_STATE_CHANGE_FAILURE);
  fail_unless_equals_int (gst_element_get_state (pipeline, NULL, NULL,
          20 * GST_SECOND), GST_STATE_CHANGE_SUCCESS);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BLOCK_DOWNSTREAM, take_out,
      pipeline, NULL);
  run_to_end (pipeline, &seen);
  fail_unless (gst_bin_get_by_name (GST_BIN (pipeline), "c") == NULL);
  /* nobody holds on to it, now that its messages are gone */
  fail_unless (alive == NULL);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (pad);
  gst_object_unref (queue);
  gst_object_unref (pipeline);
}

GST_START_TEST (test_removed)
{
  run_removed ("compressedclassify model-file=\"" NETWORK ("classify") "\"");
  run_removed ("compressedclassify leaky=true model-file=\""
      NETWORK ("classify") "\"");
  run_removed ("compressedread model-file=\"" NETWORK ("page") "\"");
  run_removed ("compressedcolorize model-file=\"" NETWORK ("colorize") "\"");
}

GST_END_TEST;

/* Twelve streams in one pipeline, one network. */
GST_START_TEST (test_many)
{
  GString *text = g_string_new (NULL);
  GstElement *pipeline, *c;
  GstStructure *s;
  guint i, instances;
  Seen seen;

  g_string_append_printf (text, SOURCE "tee name=t", 20, "");
  for (i = 0; i < 12; i++)
    g_string_append_printf (text, " t. ! queue ! compressedclassify name=c%u "
        "model-file=\"" NETWORK ("classify") "\" ! fakesink", i);
  pipeline = gst_parse_launch (text->str, NULL);
  fail_unless (pipeline != NULL);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  memset (&seen, 0, sizeof (seen));
  {
    GstBus *bus = gst_element_get_bus (pipeline);
    GstMessage *message = gst_bus_timed_pop_filtered (bus, 200 * GST_SECOND,
        GST_MESSAGE_ERROR | GST_MESSAGE_EOS);

    fail_unless (message && GST_MESSAGE_TYPE (message) == GST_MESSAGE_EOS);
    gst_message_unref (message);
    gst_object_unref (bus);
  }
  for (i = 0; i < 12; i++) {
    gchar *name = g_strdup_printf ("c%u", i);

    c = gst_bin_get_by_name (GST_BIN (pipeline), name);
    fail_unless_equals_uint64 (check_stat (c, "analysed"), 20);
    g_object_get (c, "stats", &s, NULL);
    fail_unless (gst_structure_get_uint (s, "instances", &instances));
    fail_unless (instances <= 12 + 2);
    gst_structure_free (s);
    gst_object_unref (c);
    g_free (name);
  }
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (pipeline);
  g_string_free (text, TRUE);
}

GST_END_TEST;

/* Bytes changed at random: warnings, never an error. */
GST_START_TEST (test_breakmydata)
{
  GstElement *pipeline = launch (SOURCE "breakmydata seed=3 "
      "probability=0.0005 ! compressedclassify name=c model-file=\""
      NETWORK ("classify") "\" ! fakesink", 150, "key-int-max=10");
  GstElement *c = gst_bin_get_by_name (GST_BIN (pipeline), "c");
  Seen seen;

  run_to_end (pipeline, &seen);
  fail_unless_equals_uint64 (check_stat (c, "frames"), 150);
  fail_unless (check_stat (c, "damaged") > 0);
  fail_unless (seen.results > 0 && seen.warnings > 0);
  fail_unless_equals_uint64 (check_stat (c, "analysed") + check_stat (c,
          "damaged") + check_stat (c, "waiting"), 150);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (c);
  gst_object_unref (pipeline);
}

GST_END_TEST;

/* Flushing seeks in a file of predicted frames: the first result behind each is
 * of where it went, and nothing is lost. */
static void
run_seeks (const gchar * path, gboolean leaky)
{
  static const guint targets[] = { 40, 10, 55, 0, 31 };
  GstElement *pipeline = launch ("filesrc location=\"%s\" ! wallocparse ! "
      "compressedclassify name=c leaky=%s model-file=\"" NETWORK ("classify")
      "\" ! wallocdec ! fakesink name=sink", path, leaky ? "true" : "false");
  GstElement *c = gst_bin_get_by_name (GST_BIN (pipeline), "c");
  GstBus *bus = gst_element_get_bus (pipeline);
  guint64 last = 0;
  guint i;

  fail_unless (gst_element_set_state (pipeline, GST_STATE_PAUSED) !=
      GST_STATE_CHANGE_FAILURE);
  fail_unless_equals_int (gst_element_get_state (pipeline, NULL, NULL,
          20 * GST_SECOND), GST_STATE_CHANGE_SUCCESS);
  for (i = 0; i < G_N_ELEMENTS (targets); i++) {
    GstMessage *message;
    guint64 time = 0, wanted = targets[i] * FRAME_TIME;

    gst_bus_set_flushing (bus, TRUE);
    gst_bus_set_flushing (bus, FALSE);
    fail_unless (gst_element_seek_simple (pipeline, GST_FORMAT_TIME,
            GST_SEEK_FLAG_FLUSH | GST_SEEK_FLAG_KEY_UNIT, wanted));
    do {
      message = gst_bus_timed_pop_filtered (bus, 20 * GST_SECOND,
          GST_MESSAGE_ELEMENT | GST_MESSAGE_ERROR);
      fail_unless (message
          && GST_MESSAGE_TYPE (message) == GST_MESSAGE_ELEMENT);
      fail_unless (gst_structure_get_uint64 (gst_message_get_structure
              (message), "timestamp", &time));
      gst_message_unref (message);
      /* the other thread may have had one more of the last place to tell of,
       * until it was flushed */
    } while (leaky && time + 11 * FRAME_TIME > last
        && time <= last + 5 * FRAME_TIME && (time > wanted + FRAME_TIME
            || time + 11 * FRAME_TIME <= wanted));
    last = wanted;
    /* a key frame is every ten */
    fail_unless (time <= wanted + FRAME_TIME && time + 11 * FRAME_TIME >
        wanted, "%" G_GUINT64_FORMAT " for %" G_GUINT64_FORMAT, time, wanted);
    fail_unless_equals_int (gst_element_get_state (pipeline, NULL, NULL,
            20 * GST_SECOND), GST_STATE_CHANGE_SUCCESS);
  }
  fail_unless_equals_uint64 (check_stat (c, "waiting"), 0);
  fail_unless_equals_uint64 (check_stat (c, "damaged"), 0);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (bus);
  gst_object_unref (c);
  gst_object_unref (pipeline);
}

GST_START_TEST (test_seek)
{
  gchar *path = NULL;
  gint fd = g_file_open_tmp ("seek-XXXXXX.wlc", &path, NULL);
  GstElement *pipeline;
  Seen seen;

  close (fd);
  pipeline = launch (SOURCE "filesink location=\"%s\"", 60, "key-int-max=10",
      path);
  run_to_end (pipeline, &seen);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (pipeline);
  run_seeks (path, FALSE);
  run_seeks (path, TRUE);
  g_unlink (path);
  g_free (path);
}

GST_END_TEST;

static Suite *
compressedlive_suite (void)
{
  Suite *s = suite_create ("compressedlive");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (s, tc);
  tcase_add_test (tc, test_leaky);
  tcase_add_test (tc, test_leaky_predicted);
  tcase_add_test (tc, test_leaky_interval);
  tcase_add_test (tc, test_leaky_error);
  tcase_add_test (tc, test_leaky_meta);
  tcase_add_test (tc, test_leaky_mask);
  tcase_add_test (tc, test_stop);
  tcase_add_test (tc, test_removed);
  tcase_add_test (tc, test_many);
  tcase_add_test (tc, test_breakmydata);
  tcase_add_test (tc, test_seek);

  return s;
}

GST_CHECK_MAIN (compressedlive);
