/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Files of sound: found by their contents, played, seeked in. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <gst/audio/audio.h>
#include <gst/base/gsttypefindhelper.h>
#include <gst/check/gstcheck.h>
#include <gst/check/gstharness.h>
#include <glib/gstdio.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#define RATE 16000
#define SAMPLES 100000          /* 6.25 s */

static gint16 *
sound (void)
{
  gint16 *samples = g_new (gint16, SAMPLES);
  guint i;

  for (i = 0; i < SAMPLES; i++)
    samples[i] = (gint16) (7000 * sin (i * 0.03) + 5000 * sin (i * (i %
                50000) * 1e-6));
  return samples;
}

/* The recording as a stream, from a time on that is not 0; whole: frames are
 * clips of their own. */
static GByteArray *
encode (const gint16 * samples, gboolean whole)
{
  GstHarness *h = gst_harness_new_parse (whole ? "wallocaudioenc "
      "frame-size=4096 model-file=reference-sound-test" : "wallocaudioenc "
      "quality=80 frame-size=1024");
  GByteArray *all = g_byte_array_new ();
  GstBuffer *buffer;
  GstMapInfo map;

  gst_harness_set_src_caps_str (h, "audio/x-raw,layout=interleaved,rate="
      G_STRINGIFY (RATE) ",channels=1,format=" GST_AUDIO_NE (S16));
  buffer = gst_buffer_new_memdup (samples, SAMPLES * 2);
  GST_BUFFER_PTS (buffer) = 5 * GST_SECOND;
  fail_unless_equals_int (gst_harness_push (h, buffer), GST_FLOW_OK);
  gst_harness_push_event (h, gst_event_new_eos ());
  while ((buffer = gst_harness_try_pull (h))) {
    fail_unless (gst_buffer_map (buffer, &map, GST_MAP_READ));
    g_byte_array_append (all, map.data, map.size);
    gst_buffer_unmap (buffer, &map);
    gst_buffer_unref (buffer);
  }
  gst_harness_teardown (h);
  return all;
}

static gchar *
save (const guint8 * data, gsize size)
{
  gchar *path = g_build_filename (g_get_tmp_dir (), "walloc-XXXXXX.wlc", NULL);
  gint fd = g_mkstemp (path);

  fail_unless (fd >= 0);
  fail_unless_equals_int (write (fd, data, size), size);
  close (fd);
  return path;
}

/* What a sink got: samples, and the time of the first. */
typedef struct
{
  GByteArray *samples;
  GstClockTime first;
} Heard;

static void
handoff (GstElement * sink, GstBuffer * buffer, GstPad * pad, gpointer data)
{
  Heard *heard = data;
  GstMapInfo map;

  if (heard->samples->len == 0)
    heard->first = GST_BUFFER_PTS (buffer);
  fail_unless (gst_buffer_map (buffer, &map, GST_MAP_READ));
  g_byte_array_append (heard->samples, map.data, map.size);
  gst_buffer_unmap (buffer, &map);
}

static void
wait_for (GstBus * bus, GstMessageType type)
{
  GstMessage *message = gst_bus_timed_pop_filtered (bus, 20 * GST_SECOND,
      type | GST_MESSAGE_ERROR);
  GError *error = NULL;

  fail_unless (message != NULL);
  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR)
    gst_message_parse_error (message, &error, NULL);
  fail_unless (!error, "%s", error ? error->message : "");
  gst_message_unref (message);
}

/* Plays a file from @from on (0: without a seek). */
static void
play (const gchar * path, GstClockTime from, Heard * heard,
    GstClockTime * duration)
{
  gchar *launch = g_strdup_printf ("filesrc location=%s ! wallocparse ! "
      "wallocaudiodec ! audio/x-raw,format=" GST_AUDIO_NE (S16) " ! "
      "fakesink name=sink signal-handoffs=true sync=false", path);
  GstElement *pipeline = gst_parse_launch (launch, NULL), *sink;
  gint64 length = 0;
  GstBus *bus;

  heard->samples = g_byte_array_new ();
  bus = gst_element_get_bus (pipeline);
  gst_element_set_state (pipeline, GST_STATE_PAUSED);
  wait_for (bus, GST_MESSAGE_ASYNC_DONE);
  if (duration) {
    fail_unless (gst_element_query_duration (pipeline, GST_FORMAT_TIME,
            &length));
    *duration = length;
  }
  sink = gst_bin_get_by_name (GST_BIN (pipeline), "sink");
  if (from) {
    fail_unless (gst_element_seek_simple (pipeline, GST_FORMAT_TIME,
            GST_SEEK_FLAG_FLUSH | GST_SEEK_FLAG_ACCURATE, from));
    wait_for (bus, GST_MESSAGE_ASYNC_DONE);
  }
  g_signal_connect (sink, "handoff", G_CALLBACK (handoff), heard);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  wait_for (bus, GST_MESSAGE_EOS);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (sink);
  gst_object_unref (bus);
  gst_object_unref (pipeline);
  g_free (launch);
}

static gdouble
snr (const gint16 * a, const gint16 * b, gsize n)
{
  gdouble signal = 0, noise = 1e-9;
  gsize i;

  for (i = 0; i < n; i++) {
    signal += (gdouble) a[i] * a[i];
    noise += (gdouble) (a[i] - b[i]) * (a[i] - b[i]);
  }
  return 10 * log10 (signal / noise);
}

GST_START_TEST (test_typefind)
{
  gint16 *samples = sound ();
  GByteArray *stream = encode (samples, FALSE);
  GstTypeFindProbability probability;
  GstCaps *caps;

  caps = gst_type_find_helper_for_data (NULL, stream->data, stream->len,
      &probability);
  fail_unless (caps != NULL);
  fail_unless_equals_string (gst_structure_get_name (gst_caps_get_structure
          (caps, 0)), "audio/x-walloc");
  fail_unless_equals_int (probability, GST_TYPE_FIND_MAXIMUM);
  gst_caps_unref (caps);
  g_byte_array_unref (stream);
  g_free (samples);
}

GST_END_TEST;

GST_START_TEST (test_play)
{
  gint16 *samples = sound ();
  GByteArray *stream = encode (samples, __i__);
  gchar *path = save (stream->data, stream->len);
  GstClockTime duration;
  Heard heard;

  play (path, 0, &heard, &duration);
  fail_unless_equals_int (heard.samples->len, SAMPLES * 2);
  fail_unless_equals_uint64 (heard.first, 0);
  fail_unless (ABS (GST_CLOCK_DIFF (duration, gst_util_uint64_scale (SAMPLES,
                  GST_SECOND, RATE))) < 200, "%" GST_TIME_FORMAT,
      GST_TIME_ARGS (duration));
  fail_unless (snr (samples, (gint16 *) heard.samples->data,
          SAMPLES) > (__i__ ? 8 : 25));
  g_byte_array_unref (heard.samples);
  g_unlink (path);
  g_free (path);
  g_byte_array_unref (stream);
  g_free (samples);
}

GST_END_TEST;

/* From the sample that was asked for on, and as good as without a seek. */
GST_START_TEST (test_seek)
{
  static const guint seeks[] = { 700, 1000, 16000, 30001, 90000 };
  gint16 *samples = sound ();
  GByteArray *stream = encode (samples, __i__);
  gchar *path = save (stream->data, stream->len);
  guint i, n;
  Heard heard;
  gint64 off;

  for (i = 0; i < G_N_ELEMENTS (seeks); i++) {
    play (path, gst_util_uint64_scale (seeks[i], GST_SECOND, RATE), &heard,
        NULL);
    n = heard.samples->len / 2;
    off = (gint64) n - (SAMPLES - seeks[i]);
    fail_unless (ABS (off) <= 1, "%d samples too many behind %u", (gint) off,
        seeks[i]);
    fail_unless (snr (samples + SAMPLES - n, (gint16 *) heard.samples->data,
            n) > (__i__ ? 8 : 25), "from %u on: %g dB", seeks[i],
        snr (samples + SAMPLES - n, (gint16 *) heard.samples->data, n));
    g_byte_array_unref (heard.samples);
  }
  g_unlink (path);
  g_free (path);
  g_byte_array_unref (stream);
  g_free (samples);
}

GST_END_TEST;

/* Bytes lost and bytes too many: the rest plays. */
GST_START_TEST (test_damaged_file)
{
  gint16 *samples = sound ();
  GByteArray *stream = encode (samples, FALSE);
  gchar *path;
  Heard heard;

  memset (stream->data + stream->len / 2, 0x55, 300);
  g_byte_array_remove_range (stream, stream->len / 4, 100);
  g_byte_array_prepend (stream, (const guint8 *) "garbage", 7);
  path = save (stream->data, stream->len);
  play (path, 0, &heard, NULL);
  fail_unless (heard.samples->len / 2 > SAMPLES - 8192
      && heard.samples->len / 2 <= SAMPLES + 1024, "%u samples",
      heard.samples->len / 2);
  g_byte_array_unref (heard.samples);
  g_unlink (path);
  g_free (path);
  g_byte_array_unref (stream);
  g_free (samples);
}

GST_END_TEST;

static Suite *
wallocaudiofiles_suite (void)
{
  Suite *s = suite_create ("wallocaudiofiles");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (s, tc);
  tcase_add_test (tc, test_typefind);
  tcase_add_loop_test (tc, test_play, 0, 2);
  tcase_add_loop_test (tc, test_seek, 0, 2);
  tcase_add_test (tc, test_damaged_file);
  return s;
}

GST_CHECK_MAIN (wallocaudiofiles);
