/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Whole pipelines over files: playing, seeking, damage. */
#include "walloc-check.h"

#include <gst/base/gsttypefindhelper.h>

static gchar *
temp_file (void)
{
  gchar *path = g_build_filename (g_get_tmp_dir (), "walloc-XXXXXX.wlc", NULL);
  gint fd = g_mkstemp (path);

  fail_unless (fd >= 0);
  close (fd);
  return path;
}

static void
remove_file (gchar * path)
{
  g_unlink (path);
  g_free (path);
}

/* Runs @launch to EOS. FALSE on an error, which is then in @error. Counts the
 * warnings. */
static gboolean
run (const gchar * launch, GError ** error, guint * warnings)
{
  GError *parse_error = NULL;
  GstElement *pipeline = gst_parse_launch (launch, &parse_error);
  GstBus *bus;
  gboolean done = FALSE, ok = FALSE;

  fail_unless (pipeline && !parse_error, "%s: %s", launch,
      parse_error ? parse_error->message : "");
  bus = gst_element_get_bus (pipeline);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  while (!done) {
    GstMessage *message = gst_bus_timed_pop_filtered (bus, 30 * GST_SECOND,
        GST_MESSAGE_EOS | GST_MESSAGE_ERROR | GST_MESSAGE_WARNING);

    fail_unless (message != NULL, "%s hangs", launch);
    switch (GST_MESSAGE_TYPE (message)) {
      case GST_MESSAGE_EOS:
        ok = done = TRUE;
        break;
      case GST_MESSAGE_ERROR:
        gst_message_parse_error (message, error, NULL);
        done = TRUE;
        break;
      default:
        if (warnings)
          (*warnings)++;
        break;
    }
    gst_message_unref (message);
  }
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (bus);
  gst_object_unref (pipeline);

  return ok;
}

static void
run_ok (const gchar * launch)
{
  GError *error = NULL;

  fail_unless (run (launch, &error, NULL), "%s: %s", launch,
      error ? error->message : "");
}

/* A file of @count pictures. */
static gchar *
make_file (guint count, const gchar * caps, const gchar * props)
{
  gchar *path = temp_file ();
  gchar *launch = g_strdup_printf ("videotestsrc num-buffers=%u ! %s ! "
      "wallocenc model-file=\"%s\" %s ! filesink location=\"%s\"", count, caps,
      check_model (), props ? props : "", path);

  run_ok (launch);
  g_free (launch);

  return path;
}

#define SMALL "video/x-raw,format=I420,width=64,height=48,framerate=25/1"

/* A pipeline with a sink named "sink", prerolled. */
static GstElement *
open_pipeline (const gchar * format, const gchar * path)
{
  gchar *launch = g_strdup_printf (format, path);
  GError *error = NULL;
  GstElement *pipeline = gst_parse_launch (launch, &error);

  fail_unless (pipeline && !error, "%s", launch);
  gst_element_set_state (pipeline, GST_STATE_PAUSED);
  fail_unless_equals_int (gst_element_get_state (pipeline, NULL, NULL,
          30 * GST_SECOND), GST_STATE_CHANGE_SUCCESS);
  g_free (launch);

  return pipeline;
}

static void
close_pipeline (GstElement * pipeline)
{
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (pipeline);
}

/* The picture that a prerolled pipeline shows. */
static GstSample *
last_sample (GstElement * pipeline)
{
  GstElement *sink = gst_bin_get_by_name (GST_BIN (pipeline), "sink");
  GstSample *sample = NULL;

  g_object_get (sink, "last-sample", &sample, NULL);
  fail_unless (sample != NULL);
  gst_object_unref (sink);

  return sample;
}

static void
count_handoff (GstElement * sink, GstBuffer * buffer, GstPad * pad,
    gpointer data)
{
  guint *counts = data;

  counts[0]++;
  if (GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_CORRUPTED))
    counts[1]++;
}

/* Plays a file to its end; the numbers of pictures and of marked ones. FALSE
 * when there was an error. */
static gboolean
play (const gchar * path, const gchar * decode, guint counts[2],
    GError ** error)
{
  gchar *launch = g_strdup_printf ("filesrc location=\"%s\" ! %s ! fakesink "
      "name=sink signal-handoffs=true", path, decode);
  GstElement *pipeline = gst_parse_launch (launch, NULL);
  GstElement *sink = gst_bin_get_by_name (GST_BIN (pipeline), "sink");
  GstBus *bus = gst_element_get_bus (pipeline);
  GstMessage *message;
  gboolean ok;

  counts[0] = counts[1] = 0;
  g_signal_connect (sink, "handoff", G_CALLBACK (count_handoff), counts);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  message = gst_bus_timed_pop_filtered (bus, 30 * GST_SECOND,
      GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  fail_unless (message != NULL, "%s hangs", launch);
  ok = GST_MESSAGE_TYPE (message) == GST_MESSAGE_EOS;
  if (!ok)
    gst_message_parse_error (message, error, NULL);
  gst_message_unref (message);
  gst_object_unref (bus);
  gst_object_unref (sink);
  close_pipeline (pipeline);
  g_free (launch);

  return ok;
}

GST_START_TEST (test_play)
{
  static const gchar *const decodes[] = {
    "decodebin", "wallocparse ! wallocdec", "queue ! wallocparse ! wallocdec",
    "typefind ! wallocparse ! queue ! wallocdec decoder=linear",
    "parsebin ! wallocdec", "decodebin3"
  };
  gchar *path = make_file (20, SMALL, NULL);
  guint i, counts[2];

  for (i = 0; i < G_N_ELEMENTS (decodes); i++) {
    GError *error = NULL;

    fail_unless (play (path, decodes[i], counts, &error), "%s: %s",
        decodes[i], error ? error->message : "");
    fail_unless_equals_int (counts[0], 20);
    fail_unless_equals_int (counts[1], 0);
  }
  remove_file (path);
}

GST_END_TEST;

GST_START_TEST (test_playbin)
{
  gchar *path = make_file (10, SMALL, NULL);
  gchar *uri = gst_filename_to_uri (path, NULL);
  GstElement *playbin = gst_element_factory_make ("playbin", NULL);
  GstElement *sink = gst_element_factory_make ("fakesink", "sink");
  guint counts[2] = { 0, 0 };
  GstMessage *message;
  GstTagList *tags = NULL;
  gchar *codec = NULL;
  GstBus *bus;

  fail_unless (playbin != NULL);
  g_object_set (sink, "signal-handoffs", TRUE, NULL);
  g_signal_connect (sink, "handoff", G_CALLBACK (count_handoff), counts);
  g_object_set (playbin, "uri", uri, "video-sink", sink, NULL);
  gst_element_set_state (playbin, GST_STATE_PLAYING);
  bus = gst_element_get_bus (playbin);
  message = gst_bus_timed_pop_filtered (bus, 30 * GST_SECOND,
      GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  fail_unless_equals_int (GST_MESSAGE_TYPE (message), GST_MESSAGE_EOS);
  gst_message_unref (message);
  fail_unless_equals_int (counts[0], 10);
  g_signal_emit_by_name (playbin, "get-video-tags", 0, &tags);
  fail_unless (tags != NULL);
  fail_unless (gst_tag_list_get_string (tags, GST_TAG_VIDEO_CODEC, &codec));
  fail_unless_equals_string (codec, "WaLLoC");
  g_free (codec);
  gst_tag_list_unref (tags);
  gst_object_unref (bus);
  close_pipeline (playbin);
  g_free (uri);
  remove_file (path);
}

GST_END_TEST;

GST_START_TEST (test_typefind)
{
  gchar *path = make_file (1, SMALL, NULL);
  GstElement *pipeline = open_pipeline ("filesrc location=\"%s\" ! typefind "
      "name=type ! fakesink name=sink", path);
  GstElement *type = gst_bin_get_by_name (GST_BIN (pipeline), "type");
  GstCaps *caps = NULL;

  g_object_get (type, "caps", &caps, NULL);
  fail_unless (caps != NULL);
  fail_unless (gst_structure_has_name (gst_caps_get_structure (caps, 0),
          "video/x-walloc"));
  gst_caps_unref (caps);
  gst_object_unref (type);
  close_pipeline (pipeline);
  remove_file (path);
}

GST_END_TEST;

/* what begins like a stream but is none */
GST_START_TEST (test_typefind_not_fooled)
{
  static const gchar *const contents[] = {
    "WLC1", "WLC1 is a magic, but this is a text about it, long enough to "
        "hold a header.", "wlc1\x30", "W"
  };
  GstCaps *caps;
  guint i;

  for (i = 0; i < G_N_ELEMENTS (contents); i++) {
    GstTypeFindProbability probability = 0;

    caps = gst_type_find_helper_for_data (NULL, (const guint8 *) contents[i],
        strlen (contents[i]), &probability);
    fail_if (caps && gst_structure_has_name (gst_caps_get_structure (caps, 0),
            "video/x-walloc") && probability >= GST_TYPE_FIND_LIKELY, "%s",
        contents[i]);
    gst_clear_caps (&caps);
  }
}

GST_END_TEST;

/* nothing but the file's own headers says what comes out */
GST_START_TEST (test_file_carries_everything)
{
  gchar *path = make_file (3, "video/x-raw,format=Y444,width=50,height=34,"
      "framerate=24000/1001,pixel-aspect-ratio=12/11,colorimetry=bt709,"
      "interlace-mode=progressive", NULL);
  GstElement *pipeline = open_pipeline ("filesrc location=\"%s\" ! "
      "decodebin ! fakesink name=sink", path);
  GstSample *sample = last_sample (pipeline);
  gint64 duration = 0;
  GstVideoInfo info;

  fail_unless (gst_video_info_from_caps (&info, gst_sample_get_caps (sample)));
  fail_unless_equals_int (GST_VIDEO_INFO_FORMAT (&info), GST_VIDEO_FORMAT_Y444);
  fail_unless (info.width == 50 && info.height == 34);
  fail_unless (info.fps_n == 24000 && info.fps_d == 1001);
  fail_unless (info.par_n == 12 && info.par_d == 11);
  fail_unless (gst_video_colorimetry_matches (&info.colorimetry, "bt709"));
  fail_unless (gst_element_query_duration (pipeline, GST_FORMAT_TIME,
          &duration));
  fail_unless (ABS (duration - (gint64) gst_util_uint64_scale (3 * 1001,
              GST_SECOND, 24000)) < 1000);
  gst_sample_unref (sample);
  close_pipeline (pipeline);
  remove_file (path);
}

GST_END_TEST;

static GstClockTime
seek_to (GstElement * pipeline, GstClockTime time, GstSeekFlags flags)
{
  GstSample *sample;
  GstClockTime pts;

  fail_unless (gst_element_seek_simple (pipeline, GST_FORMAT_TIME,
          GST_SEEK_FLAG_FLUSH | flags, time));
  fail_unless_equals_int (gst_element_get_state (pipeline, NULL, NULL,
          30 * GST_SECOND), GST_STATE_CHANGE_SUCCESS);
  sample = last_sample (pipeline);
  pts = GST_BUFFER_PTS (gst_sample_get_buffer (sample));
  gst_sample_unref (sample);

  return pts;
}

GST_START_TEST (test_seek)
{
  static const gchar *const launches[] = {
    "filesrc location=\"%s\" ! wallocparse ! wallocdec ! fakesink name=sink",
    "filesrc location=\"%s\" ! decodebin ! fakesink name=sink"
  };
  /* more than a second between the ends of the picture's rates */
  gchar *path = make_file (120, SMALL, NULL);
  guint i, l;

  for (l = 0; l < G_N_ELEMENTS (launches); l++) {
    GstElement *pipeline = open_pipeline (launches[l], path);
    gint64 duration = 0;

    fail_unless (gst_element_query_duration (pipeline, GST_FORMAT_TIME,
            &duration));
    fail_unless_equals_uint64 (duration, 120 * FRAME_TIME);
    for (i = 0; i < 40; i++) {
      guint n = (i * 53 + 7) % 120;
      GstClockTime pts = seek_to (pipeline, n * FRAME_TIME,
          i % 2 ? GST_SEEK_FLAG_ACCURATE : GST_SEEK_FLAG_KEY_UNIT);

      fail_unless (pts == n * FRAME_TIME, "%u: %" GST_TIME_FORMAT, n,
          GST_TIME_ARGS (pts));
    }
    close_pipeline (pipeline);
  }
  remove_file (path);
}

GST_END_TEST;

/* in a file of predicted frames: decoding begins with the key frame before */
GST_START_TEST (test_seek_in_predicted_frames)
{
  gchar *path = temp_file ();
  gchar *launch = g_strdup_printf ("videotestsrc pattern=ball num-buffers=60 ! "
      SMALL " ! wallocenc model-file=\"%s\" key-int-max=8 ! filesink "
      "location=\"%s\"", check_model (), path);
  GstElement *pipeline;
  GstBus *bus;
  guint i;

  run_ok (launch);
  g_free (launch);
  pipeline = open_pipeline ("filesrc location=\"%s\" ! wallocparse "
      "! wallocdec ! fakesink name=sink", path);
  bus = gst_element_get_bus (pipeline);
  for (i = 0; i < 24; i++) {
    guint n = (i * 23 + 5) % 60;
    GstClockTime pts = seek_to (pipeline, n * FRAME_TIME,
        i % 2 ? GST_SEEK_FLAG_ACCURATE : GST_SEEK_FLAG_KEY_UNIT);

    fail_unless (pts == n * FRAME_TIME, "%u: %" GST_TIME_FORMAT, n,
        GST_TIME_ARGS (pts));
    /* nothing had to be left out for want of a key frame */
    fail_if (gst_bus_pop_filtered (bus, GST_MESSAGE_WARNING));
  }
  gst_object_unref (bus);
  close_pipeline (pipeline);
  remove_file (path);
}

GST_END_TEST;

/* without pull mode the index grows as the file is read */
GST_START_TEST (test_seek_push_mode)
{
  gchar *path = make_file (100, SMALL, NULL);
  GstElement *pipeline = open_pipeline ("filesrc location=\"%s\" ! queue ! "
      "wallocparse ! wallocdec ! fakesink name=sink", path);
  guint i;

  for (i = 0; i < 10; i++) {
    guint n = (i * 37 + 11) % 90;
    GstClockTime pts = seek_to (pipeline, n * FRAME_TIME,
        GST_SEEK_FLAG_ACCURATE);

    fail_unless (GST_CLOCK_TIME_IS_VALID (pts));
    fail_unless (ABS (GST_CLOCK_DIFF (pts, n * FRAME_TIME)) <= GST_SECOND,
        "%u: %" GST_TIME_FORMAT, n, GST_TIME_ARGS (pts));
  }
  close_pipeline (pipeline);
  remove_file (path);
}

GST_END_TEST;

/* seeking to part of a file, forward and in reverse */
GST_START_TEST (test_segment_and_reverse)
{
  gchar *path = make_file (50, SMALL, NULL);
  static const gdouble rates[] = { 1.0, -1.0 };
  guint r;

  for (r = 0; r < G_N_ELEMENTS (rates); r++) {
    GstElement *pipeline = open_pipeline ("filesrc location=\"%s\" ! "
        "wallocparse ! wallocdec ! fakesink name=sink signal-handoffs=true",
        path);
    GstElement *sink = gst_bin_get_by_name (GST_BIN (pipeline), "sink");
    GstBus *bus = gst_element_get_bus (pipeline);
    guint counts[2] = { 0, 0 };
    GstMessage *message;

    fail_unless (gst_element_seek (pipeline, rates[r], GST_FORMAT_TIME,
            GST_SEEK_FLAG_FLUSH | GST_SEEK_FLAG_ACCURATE, GST_SEEK_TYPE_SET,
            10 * FRAME_TIME, GST_SEEK_TYPE_SET, 30 * FRAME_TIME));
    g_signal_connect (sink, "handoff", G_CALLBACK (count_handoff), counts);
    gst_element_set_state (pipeline, GST_STATE_PLAYING);
    message = gst_bus_timed_pop_filtered (bus, 30 * GST_SECOND,
        GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
    fail_unless (message != NULL);
    fail_unless_equals_int (GST_MESSAGE_TYPE (message), GST_MESSAGE_EOS);
    gst_message_unref (message);
    fail_unless (counts[0] == 20, "%u pictures at rate %.0f", counts[0],
        rates[r]);
    gst_object_unref (bus);
    gst_object_unref (sink);
    close_pipeline (pipeline);
  }
  remove_file (path);
}

GST_END_TEST;

/* cat a.wlc b.wlc: one time line, and seeking in it */
GST_START_TEST (test_concatenated)
{
  gchar *a = make_file (10, SMALL, NULL), *both = temp_file ();
  gchar *b = make_file (15, "video/x-raw,format=RGB,width=80,height=40,"
      "framerate=25/1", NULL);
  gchar *one, *two, *joined;
  gsize n, m;
  GstElement *pipeline;
  gint64 duration = 0;
  guint counts[2];

  fail_unless (g_file_get_contents (a, &one, &n, NULL));
  fail_unless (g_file_get_contents (b, &two, &m, NULL));
  joined = g_malloc (n + m);
  memcpy (joined, one, n);
  memcpy (joined + n, two, m);
  fail_unless (g_file_set_contents (both, joined, n + m, NULL));
  g_free (joined);
  g_free (one);
  g_free (two);

  fail_unless (play (both, "decodebin", counts, NULL));
  fail_unless_equals_int (counts[0], 25);
  pipeline = open_pipeline ("filesrc location=\"%s\" ! wallocparse ! "
      "wallocdec ! fakesink name=sink", both);
  fail_unless (gst_element_query_duration (pipeline, GST_FORMAT_TIME,
          &duration));
  fail_unless_equals_uint64 (duration, 25 * FRAME_TIME);
  fail_unless_equals_uint64 (seek_to (pipeline, 20 * FRAME_TIME,
          GST_SEEK_FLAG_ACCURATE), 20 * FRAME_TIME);
  fail_unless_equals_uint64 (seek_to (pipeline, 3 * FRAME_TIME,
          GST_SEEK_FLAG_ACCURATE), 3 * FRAME_TIME);
  close_pipeline (pipeline);
  remove_file (a);
  remove_file (b);
  remove_file (both);
}

GST_END_TEST;

/* a still picture */
GST_START_TEST (test_snapshot)
{
  gchar *path = make_file (50, SMALL, "snapshot=true");
  guint counts[2];

  fail_unless (play (path, "decodebin", counts, NULL));
  fail_unless_equals_int (counts[0], 1);
  remove_file (path);
}

GST_END_TEST;

/* files that hold nothing */
GST_START_TEST (test_empty_files)
{
  static const gchar *const decodes[] = {
    "decodebin", "wallocparse ! wallocdec"
  };
  gchar *path = temp_file ();
  guint i, size, counts[2];

  for (i = 0; i < G_N_ELEMENTS (decodes); i++) {
    for (size = 0; size < 6; size++) {
      GError *error = NULL;

      fail_unless (g_file_set_contents (path, "WLC1\x40\x40", size, NULL));
      fail_if (play (path, decodes[i], counts, &error), "%u bytes", size);
      fail_unless (error->domain == GST_STREAM_ERROR, "%s", error->message);
      fail_unless_equals_int (counts[0], 0);
      g_error_free (error);
    }
  }
  remove_file (path);
}

GST_END_TEST;

/* Writes @size bytes of @data to a file and plays it. */
static void
play_data (const gchar * path, const gchar * data, gsize size, guint counts[2])
{
  GError *error = NULL;

  fail_unless (g_file_set_contents (path, data, size, NULL));
  fail_unless (play (path, "wallocparse ! wallocdec", counts, &error), "%s",
      error ? error->message : "");
}

/* pieces knocked out of a file: the frames around them stay */
GST_START_TEST (test_damaged_file)
{
  gchar *path = make_file (12, SMALL, NULL), *data, *bad;
  guint counts[2], i;
  gsize size, at;

  fail_unless (g_file_get_contents (path, &data, &size, NULL));
  for (i = 0; i < 24; i++) {
    at = size / 25 * (i + 1);

    /* overwritten, then removed, then doubled */
    bad = g_memdup2 (data, size);
    memset (bad + at, 0xff, 20);
    play_data (path, bad, size, counts);
    fail_unless (counts[0] >= 11, "%u pictures", counts[0]);
    g_free (bad);

    bad = g_memdup2 (data, size);
    memmove (bad + at, bad + at + 50, size - at - 50);
    play_data (path, bad, size - 50, counts);
    fail_unless (counts[0] - counts[1] >= 10, "%u pictures, %u marked",
        counts[0], counts[1]);
    g_free (bad);

    bad = g_malloc (size + 50);
    memcpy (bad, data, at);
    memcpy (bad + at, data + at - 50, size - at + 50);
    play_data (path, bad, size + 50, counts);
    fail_unless (counts[0] - counts[1] >= 10, "%u pictures, %u marked",
        counts[0], counts[1]);
    g_free (bad);
  }
  g_free (data);
  remove_file (path);
}

GST_END_TEST;

/* random damage from GStreamer's own element for it */
GST_START_TEST (test_breakmydata)
{
  gchar *path = make_file (60, SMALL, NULL);
  guint seed, counts[2], all = 0;

  for (seed = 1; seed <= 8; seed++) {
    gchar *decode = g_strdup_printf ("breakmydata seed=%u probability=0.0005 "
        "! wallocparse ! wallocdec", seed);
    GError *error = NULL;

    fail_unless (play (path, decode, counts, &error), "seed %u: %s", seed,
        error ? error->message : "");
    all += counts[0];
    g_free (decode);
  }
  /* headers are small, so most frames have some picture */
  fail_unless (all > 8 * 30, "%u pictures", all);
  remove_file (path);
}

GST_END_TEST;

/* breakmydata between encoder and decoder, where nothing resynchronises */
GST_START_TEST (test_breakmydata_frames)
{
  gchar *launch = g_strdup_printf ("videotestsrc num-buffers=100 ! " SMALL
      " ! wallocenc model-file=\"%s\" ! breakmydata seed=4 probability=0.001 "
      "! wallocdec ! fakesink", check_model ());
  GError *error = NULL;
  guint warnings = 0;

  fail_unless (run (launch, &error, &warnings), "%s",
      error ? error->message : "");
  fail_unless (warnings > 0);
  g_free (launch);
}

GST_END_TEST;

GST_START_TEST (test_wrong_model)
{
  gchar *old_path;
  gchar *path = make_file (2, SMALL, NULL);
  guint counts[2];
  GError *error = NULL;

  old_path = check_set_path ("/nowhere");
  fail_if (play (path, "decodebin", counts, &error));
  fail_unless (g_error_matches (error, GST_RESOURCE_ERROR,
          GST_RESOURCE_ERROR_NOT_FOUND), "%s", error->message);
  fail_unless (strstr (error->message, "/nowhere") != NULL);
  g_error_free (error);
  remove_file (path);
  check_restore_path (old_path);
}

GST_END_TEST;

/* the lines of the documentation, without a window */
GST_START_TEST (test_launch_lines)
{
  gchar *path = temp_file (), *line;

  line = g_strdup_printf ("videotestsrc num-buffers=100 ! wallocenc "
      "quality=60 ! filesink location=\"%s\"", path);
  run_ok (line);
  g_free (line);
  line = g_strdup_printf ("filesrc location=\"%s\" ! wallocparse ! wallocdec "
      "decoder=linear ! videoconvert ! fakesink", path);
  run_ok (line);
  g_free (line);
  line = g_strdup_printf ("videotestsrc num-buffers=1 ! wallocenc "
      "snapshot=true ! filesink location=\"%s\"", path);
  run_ok (line);
  g_free (line);
  run_ok ("videotestsrc is-live=true num-buffers=20 ! wallocenc bitrate=1000 "
      "! wallocdec ! fakesink");
  run_ok ("videotestsrc num-buffers=20 ! wallocenc ! wallocdec ! videoconvert "
      "! fakesink");
  remove_file (path);
}

GST_END_TEST;

static Suite *
walloc_files_suite (void)
{
  Suite *s = suite_create ("walloc-files");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (s, tc);
  tcase_add_test (tc, test_play);
  tcase_add_test (tc, test_playbin);
  tcase_add_test (tc, test_typefind);
  tcase_add_test (tc, test_typefind_not_fooled);
  tcase_add_test (tc, test_file_carries_everything);
  tcase_add_test (tc, test_seek);
  tcase_add_test (tc, test_seek_in_predicted_frames);
  tcase_add_test (tc, test_seek_push_mode);
  tcase_add_test (tc, test_segment_and_reverse);
  tcase_add_test (tc, test_concatenated);
  tcase_add_test (tc, test_snapshot);
  tcase_add_test (tc, test_empty_files);
  tcase_add_test (tc, test_damaged_file);
  tcase_add_test (tc, test_breakmydata);
  tcase_add_test (tc, test_breakmydata_frames);
  tcase_add_test (tc, test_wrong_model);
  tcase_add_test (tc, test_launch_lines);

  return s;
}

GST_CHECK_MAIN (walloc_files);
