/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Classifies eight streams at once on two cores, and tells results per second.
 *
 * usage: eight-streams NETWORK [SECONDS]
 * NETWORK: an ONNX file or the name of one that is installed, such as waste-1.
 *
 * Eight test pictures of 640 x 360 are encoded beforehand, 50 each. Then eight
 * threads, on two of the machine's processors, play them over and over as fast as
 * the network reads them. The elements share the network: as many copies as run
 * at once. Outside of this tree: gcc eight-streams.c $(pkg-config --cflags
 * --libs gstreamer-1.0) */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <gst/gst.h>
#include <sched.h>
#include <stdlib.h>

#define STREAMS 8
#define FRAMES 50

typedef struct
{
  GPtrArray *frames;            /* of GstBuffer: a coded stream */
  GstCaps *caps;
  guint next;
  gint results;                 /* atomic */
  gchar *label;                 /* the newest one */
} Stream;

/* Processors 0 and 1, for all threads that are made from here on. */
static void
take_two_cores (void)
{
#ifdef __linux__
  cpu_set_t had, set;
  gint i, left = 2;

  if (sched_getaffinity (0, sizeof (had), &had) != 0)
    return;
  CPU_ZERO (&set);
  for (i = 0; i < CPU_SETSIZE && left > 0; i++)
    if (CPU_ISSET (i, &had)) {
      CPU_SET (i, &set);
      left--;
    }
  sched_setaffinity (0, sizeof (set), &set);
#endif
}

static void
keep_frame (GstElement * sink, GstBuffer * buffer, GstPad * pad, Stream * s)
{
  g_ptr_array_add (s->frames, gst_buffer_ref (buffer));
  if (!s->caps)
    s->caps = gst_pad_get_current_caps (pad);
}

/* Waits for the end. FALSE: there was an error, which is printed. */
static gboolean
wait_for_end (GstElement * pipeline, GstClockTime timeout)
{
  GstBus *bus = gst_element_get_bus (pipeline);
  GstMessage *message = gst_bus_timed_pop_filtered (bus, timeout,
      GST_MESSAGE_ERROR | GST_MESSAGE_EOS);
  gboolean ok = TRUE;

  gst_object_unref (bus);
  if (!message)
    return TRUE;
  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR) {
    GError *error = NULL;
    gchar *debug = NULL;

    gst_message_parse_error (message, &error, &debug);
    g_printerr ("%s (%s)\n", error->message, debug ? debug : "");
    g_error_free (error);
    g_free (debug);
    ok = FALSE;
  }
  gst_message_unref (message);
  return ok;
}

/* Encodes a test picture with a pattern of its own. */
static gboolean
encode (Stream * s, guint index)
{
  static const gint patterns[STREAMS] = { 0, 18, 11, 13, 14, 17, 20, 24 };
  gchar *launch = g_strdup_printf ("videotestsrc num-buffers=%d pattern=%d ! "
      "video/x-raw,format=I420,width=640,height=360,framerate=30/1 ! "
      "wallocenc ! fakesink name=sink signal-handoffs=true", FRAMES,
      patterns[index]);
  GstElement *pipeline = gst_parse_launch (launch, NULL), *sink;
  gboolean ok;

  g_free (launch);
  if (!pipeline)
    return FALSE;
  s->frames = g_ptr_array_new_with_free_func ((GDestroyNotify)
      gst_buffer_unref);
  sink = gst_bin_get_by_name (GST_BIN (pipeline), "sink");
  g_signal_connect (sink, "handoff", G_CALLBACK (keep_frame), s);
  gst_object_unref (sink);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  ok = wait_for_end (pipeline, GST_CLOCK_TIME_NONE);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (pipeline);

  return ok && s->frames->len > 0;
}

/* A source that wants data gets the next frame, from the first again after the
 * last. */
static void
feed (GstElement * source, guint size, Stream * s)
{
  GstBuffer *frame = gst_buffer_copy (g_ptr_array_index (s->frames,
          s->next % FRAMES));
  GstFlowReturn ret;

  GST_BUFFER_PTS (frame) = gst_util_uint64_scale (s->next++, GST_SECOND, 30);
  g_signal_emit_by_name (source, "push-buffer", frame, &ret);
  gst_buffer_unref (frame);
}

/* Results are counted in the thread that makes them. */
static GstBusSyncReply
count_result (GstBus * bus, GstMessage * message, gpointer streams)
{
  const GstStructure *s = gst_message_get_structure (message);
  Stream *stream;

  if (GST_MESSAGE_TYPE (message) != GST_MESSAGE_ELEMENT
      || !gst_structure_has_name (s, "compressedclassify"))
    return GST_BUS_PASS;
  stream = g_object_get_data (G_OBJECT (GST_MESSAGE_SRC (message)), "stream");
  if (g_atomic_int_add (&stream->results, 1) == 0)
    stream->label = g_strdup (gst_structure_get_string (s, "label"));
  gst_message_unref (message);
  return GST_BUS_DROP;
}

/* One pipeline with all streams. */
static GstElement *
build (Stream * streams, const gchar * network)
{
  GString *launch = g_string_new (NULL);
  GstElement *pipeline, *element;
  GstBus *bus;
  guint i;

  for (i = 0; i < STREAMS; i++)
    g_string_append_printf (launch, "appsrc name=source%u format=time "
        "max-buffers=4 block=false ! compressedclassify name=classify%u ! "
        "fakesink sync=false ", i, i);
  pipeline = gst_parse_launch (launch->str, NULL);
  g_string_free (launch, TRUE);
  if (!pipeline)
    return NULL;
  for (i = 0; i < STREAMS; i++) {
    gchar *name = g_strdup_printf ("source%u", i);

    element = gst_bin_get_by_name (GST_BIN (pipeline), name);
    g_object_set (element, "caps", streams[i].caps, NULL);
    g_signal_connect (element, "need-data", G_CALLBACK (feed), &streams[i]);
    gst_object_unref (element);
    g_free (name);
    name = g_strdup_printf ("classify%u", i);
    element = gst_bin_get_by_name (GST_BIN (pipeline), name);
    g_object_set (element, "model-file", network, NULL);
    g_object_set_data (G_OBJECT (element), "stream", &streams[i]);
    gst_object_unref (element);
    g_free (name);
  }
  bus = gst_element_get_bus (pipeline);
  gst_bus_set_sync_handler (bus, count_result, streams, NULL);
  gst_object_unref (bus);

  return pipeline;
}

int
main (int argc, char **argv)
{
  Stream streams[STREAMS] = { {NULL} };
  GstElement *pipeline;
  gboolean ok = TRUE;
  guint i, second, seconds;
  gint64 start, before;
  gint last = 0, now;

  gst_init (&argc, &argv);
  if (argc != 2 && argc != 3) {
    g_printerr ("usage: %s NETWORK [SECONDS]\n", argv[0]);
    return 2;
  }
  seconds = argc > 2 ? atoi (argv[2]) : 10;
  take_two_cores ();
  for (i = 0; i < STREAMS && ok; i++)
    ok = encode (&streams[i], i);
  pipeline = ok ? build (streams, argv[1]) : NULL;
  if (!pipeline) {
    g_printerr ("Cannot encode or build the pipeline; are the plugins of "
        "gst-walloc, app and videotestsrc there?\n");
    return 1;
  }
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  start = before = g_get_monotonic_time ();
  for (second = 0; second < seconds && ok; second++) {
    gint64 time;

    ok = wait_for_end (pipeline, GST_SECOND);
    for (i = 0, now = 0; i < STREAMS; i++)
      now += g_atomic_int_get (&streams[i].results);
    time = g_get_monotonic_time ();
    g_print ("%3u s: %7.1f results per second\n", second + 1,
        1e6 * (now - last) / (time - before));
    last = now;
    before = time;
  }
  gst_element_set_state (pipeline, GST_STATE_NULL);
  for (i = 0; i < STREAMS; i++) {
    g_print ("stream %u: %d results, the first is \"%s\"\n", i,
        streams[i].results, streams[i].label ? streams[i].label : "");
    ok = ok && streams[i].results > 0;
    g_free (streams[i].label);
    gst_caps_unref (streams[i].caps);
    g_ptr_array_unref (streams[i].frames);
  }
  g_print ("%.1f results per second on average\n",
      1e6 * last / (before - start));
  gst_object_unref (pipeline);

  return ok ? 0 : 1;
}
