/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pictures and sound of one recording in one file (docs/carriers.md): flashes
 * and clicks that come together go in, and come together out. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <gst/audio/audio.h>
#include <gst/check/gstcheck.h>
#include <glib/gstdio.h>
#include <stdlib.h>
#include <unistd.h>

#define WIDTH 64
#define HEIGHT 48
#define FPS 25
#define PICTURES 75
#define RATE 44100
#define S16 GST_AUDIO_NE (S16)

/* a recording rarely begins with both at once, nor at 0 */
#define FIRST_PICTURE (5 * GST_SECOND + 500 * GST_MSECOND)
#define FIRST_SAMPLE (5 * GST_SECOND + 317 * GST_MSECOND)
#define SAMPLES (RATE * 7 / 2)

static const guint flashes[] = { 8, 30, 51 };

#define FLASHES G_N_ELEMENTS (flashes)

static GstClockTime
flash_time (guint k)
{
  return FIRST_PICTURE + flashes[k] * GST_SECOND / FPS;
}

static void
push (GstElement * source, GstBuffer * buffer)
{
  GstFlowReturn ret;

  g_signal_emit_by_name (source, "push-buffer", buffer, &ret);
  gst_buffer_unref (buffer);
  fail_unless_equals_int (ret, GST_FLOW_OK);
}

static void
push_pictures (GstElement * source)
{
  GstBuffer *buffer;
  guint i, k, level;

  for (i = 0; i < PICTURES; i++) {
    for (k = 0, level = 30; k < FLASHES; k++)
      if (flashes[k] == i)
        level = 230;
    buffer = gst_buffer_new_allocate (NULL, WIDTH * HEIGHT, NULL);
    gst_buffer_memset (buffer, 0, level, WIDTH * HEIGHT);
    GST_BUFFER_PTS (buffer) = FIRST_PICTURE + i * GST_SECOND / FPS;
    GST_BUFFER_DURATION (buffer) = GST_SECOND / FPS;
    push (source, buffer);
  }
}

static void
push_samples (GstElement * source)
{
  gint16 *samples = g_new0 (gint16, SAMPLES);
  GstBuffer *buffer;
  guint at, k, i, n;

  for (k = 0; k < FLASHES; k++) {
    at = gst_util_uint64_scale_round (flash_time (k) - FIRST_SAMPLE, RATE,
        GST_SECOND);
    for (i = 0; i < 9; i++)
      samples[at + i - 4] = (gint16) (20000 - 4500 * abs ((gint) i - 4));
  }
  for (at = 0; at < SAMPLES; at += n) {
    n = MIN (1000, SAMPLES - at);
    buffer = gst_buffer_new_memdup (samples + at, n * 2);
    GST_BUFFER_PTS (buffer) = FIRST_SAMPLE + gst_util_uint64_scale (at,
        GST_SECOND, RATE);
    GST_BUFFER_DURATION (buffer) = gst_util_uint64_scale (n, GST_SECOND, RATE);
    push (source, buffer);
  }
  g_free (samples);
}

/* When something was seen or heard. */
typedef struct
{
  GstClockTime time[16];
  guint count;
} Events;

/* The last event goes on while less than 0.1 s pass. */
static void
note (Events * events, GstClockTime time)
{
  if (events->count > 0 && time < events->time[events->count - 1] +
      100 * GST_MSECOND)
    return;
  fail_unless (events->count < G_N_ELEMENTS (events->time));
  events->time[events->count++] = time;
}

static void
on_picture (GstElement * sink, GstBuffer * buffer, GstPad * pad,
    gpointer user_data)
{
  guint64 sum = 0;
  GstMapInfo map;
  guint i;

  fail_unless (GST_BUFFER_PTS_IS_VALID (buffer));
  gst_buffer_map (buffer, &map, GST_MAP_READ);
  for (i = 0; i < map.size; i++)
    sum += map.data[i];
  if (sum > 128 * map.size)
    note (user_data, GST_BUFFER_PTS (buffer));
  gst_buffer_unmap (buffer, &map);
}

/* The loudest sample of what exceeds half of the click's level. */
static void
on_samples (GstElement * sink, GstBuffer * buffer, GstPad * pad,
    gpointer user_data)
{
  const gint16 *samples;
  GstMapInfo map;
  guint i;

  fail_unless (GST_BUFFER_PTS_IS_VALID (buffer));
  gst_buffer_map (buffer, &map, GST_MAP_READ);
  samples = (const gint16 *) map.data;
  for (i = 1; i + 1 < map.size / 2; i++)
    if (samples[i] > 10000 && samples[i] >= samples[i - 1]
        && samples[i] > samples[i + 1])
      note (user_data, GST_BUFFER_PTS (buffer) + gst_util_uint64_scale (i,
              GST_SECOND, RATE));
  gst_buffer_unmap (buffer, &map);
}

static void
wait_for_end (GstElement * pipeline)
{
  GstBus *bus = gst_element_get_bus (pipeline);
  GstMessage *message = gst_bus_timed_pop_filtered (bus, 30 * GST_SECOND,
      GST_MESSAGE_EOS | GST_MESSAGE_ERROR);

  fail_unless (message != NULL
      && GST_MESSAGE_TYPE (message) == GST_MESSAGE_EOS);
  gst_message_unref (message);
  gst_object_unref (bus);
}

static GstElement *
launch (const gchar * format, const gchar * path)
{
  gchar *line = g_strdup_printf (format, path);
  GError *error = NULL;
  GstElement *pipeline = gst_parse_launch (line, &error);

  fail_unless (pipeline && !error, "%s", error ? error->message : "");
  g_free (line);
  return pipeline;
}

static void
record (const gchar * path)
{
  GstElement *pipeline, *video, *audio;
  GstFlowReturn ret;

  pipeline = launch ("multipartmux name=m ! filesink location=\"%s\" "
      "appsrc name=v format=time max-bytes=0 caps=video/x-raw,format=GRAY8,"
      "width=" G_STRINGIFY (WIDTH) ",height=" G_STRINGIFY (HEIGHT)
      ",framerate=" G_STRINGIFY (FPS) "/1 ! wallocenc ! queue ! m. "
      "appsrc name=a format=time max-bytes=0 caps=audio/x-raw,format=" S16
      ",layout=interleaved,channels=1,rate=" G_STRINGIFY (RATE)
      " ! wallocaudioenc quality=80 ! queue ! m.", path);
  video = gst_bin_get_by_name (GST_BIN (pipeline), "v");
  audio = gst_bin_get_by_name (GST_BIN (pipeline), "a");
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  push_pictures (video);
  push_samples (audio);
  g_signal_emit_by_name (video, "end-of-stream", &ret);
  g_signal_emit_by_name (audio, "end-of-stream", &ret);
  wait_for_end (pipeline);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (video);
  gst_object_unref (audio);
  gst_object_unref (pipeline);
}

static void
play (const gchar * format, const gchar * path, Events * seen, Events * heard)
{
  GstElement *pipeline = launch (format, path);
  GstElement *video = gst_bin_get_by_name (GST_BIN (pipeline), "v");
  GstElement *audio = gst_bin_get_by_name (GST_BIN (pipeline), "a");

  seen->count = heard->count = 0;
  g_signal_connect (video, "handoff", G_CALLBACK (on_picture), seen);
  g_signal_connect (audio, "handoff", G_CALLBACK (on_samples), heard);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  wait_for_end (pipeline);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (video);
  gst_object_unref (audio);
  gst_object_unref (pipeline);
}

#define SINKS "fakesink name=v signal-handoffs=true sync=false"
#define SOUND_SINK "audio/x-raw,format=" S16 \
  " ! fakesink name=a signal-handoffs=true sync=false"

GST_START_TEST (test_lip_sync)
{
  static const gchar *const players[] = {
    "filesrc location=\"%s\" ! multipartdemux name=d "
        "d. ! video/x-walloc ! queue ! wallocparse ! wallocdec ! " SINKS
        " d. ! audio/x-walloc ! queue ! wallocparse ! wallocaudiodec ! "
        SOUND_SINK,
    "filesrc location=\"%s\" ! decodebin name=d d. ! video/x-raw ! " SINKS
        " d. ! audioconvert ! " SOUND_SINK
  };
  gchar *path = NULL;
  Events seen, heard;
  guint i, k;
  gint file;

  file = g_file_open_tmp ("walloc-XXXXXX.multipart", &path, NULL);
  fail_unless (file >= 0);
  close (file);
  record (path);
  for (i = 0; i < G_N_ELEMENTS (players); i++) {
    play (players[i], path, &seen, &heard);
    fail_unless_equals_int (seen.count, FLASHES);
    fail_unless_equals_int (heard.count, FLASHES);
    for (k = 0; k < FLASHES; k++) {
      fail_unless (ABS (GST_CLOCK_DIFF (seen.time[k], heard.time[k])) <=
          GST_MSECOND, "flash at %" GST_TIME_FORMAT ", click at %"
          GST_TIME_FORMAT, GST_TIME_ARGS (seen.time[k]),
          GST_TIME_ARGS (heard.time[k]));
      /* and when they were recorded */
      fail_unless (ABS (GST_CLOCK_DIFF (seen.time[k], flash_time (k))) <=
          GST_MSECOND);
    }
  }
  g_unlink (path);
  g_free (path);
}

GST_END_TEST;

/* Each by itself in a file of its own begins at 0: that is for one of them,
 * and loses how they stand to each other. */
GST_START_TEST (test_alone)
{
  gchar *path = NULL, *two;
  Events seen, heard;
  GstElement *pipeline;
  GstClockTimeDiff apart;
  gint file;

  file = g_file_open_tmp ("walloc-XXXXXX.multipart", &path, NULL);
  fail_unless (file >= 0);
  close (file);
  record (path);
  two = g_strdup_printf ("%s\" ! multipartdemux name=d d. ! video/x-walloc ! "
      "queue ! filesink location=\"%s.v\" d. ! audio/x-walloc ! queue ! "
      "filesink location=\"%s.a", path, path, path);
  pipeline = launch ("filesrc location=\"%s\"", two);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  wait_for_end (pipeline);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (pipeline);
  g_free (two);
  two = g_strdup_printf ("%s.v\" ! wallocparse ! wallocdec ! " SINKS
      " filesrc location=\"%s.a\" ! wallocparse ! wallocaudiodec ! "
      SOUND_SINK, path, path);
  {
    gchar *line = g_strdup_printf ("filesrc location=\"%s", two);

    play (line, NULL, &seen, &heard);
    g_free (line);
  }
  fail_unless_equals_int (seen.count, FLASHES);
  fail_unless_equals_int (heard.count, FLASHES);
  apart = GST_CLOCK_DIFF (seen.time[0], heard.time[0]);
  fail_unless (ABS (apart - GST_CLOCK_DIFF (FIRST_SAMPLE, FIRST_PICTURE)) <=
      GST_MSECOND, "%" G_GINT64_FORMAT " ns", apart);
  g_free (two);
  two = g_strconcat (path, ".v", NULL);
  g_unlink (two);
  g_free (two);
  two = g_strconcat (path, ".a", NULL);
  g_unlink (two);
  g_free (two);
  g_unlink (path);
  g_free (path);
}

GST_END_TEST;

static Suite *
wallocavsync_suite (void)
{
  Suite *s = suite_create ("wallocavsync");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (s, tc);
  tcase_add_test (tc, test_lip_sync);
  tcase_add_test (tc, test_alone);
  return s;
}

GST_CHECK_MAIN (wallocavsync);
