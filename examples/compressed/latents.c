/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How much energy each channel of latents of a coded file has, as a program that
 * works on tensors gets them.
 *
 * usage: latents FILE.wlc [CHANNELS]
 * Outside of this tree: gcc latents.c $(pkg-config --cflags --libs
 * gstreamer-1.0) -lm */
#include <gst/gst.h>
#include <math.h>
#include <stdlib.h>

typedef struct
{
  guint frames, channels;
  gdouble *sum;                 /* of squares, per channel */
  guint64 positions;
} Energy;

/* A tensor: dimensions in the caps, innermost first, and one memory. */
static void
take_tensor (GstElement * sink, GstBuffer * buffer, GstPad * pad, Energy * e)
{
  GstCaps *caps = gst_pad_get_current_caps (pad);
  const gchar *text = gst_structure_get_string (gst_caps_get_structure (caps,
          0), "dimensions");
  gchar **dims = g_strsplit (text, ":", 4);
  guint width = atoi (dims[0]), height = atoi (dims[1]), k;
  const gfloat *value;
  GstMapInfo map;
  gsize i, n = (gsize) width * height;

  if (!e->sum) {
    e->channels = atoi (dims[2]);
    e->sum = g_new0 (gdouble, e->channels);
  }
  if (gst_buffer_map (buffer, &map, GST_MAP_READ)) {
    value = (const gfloat *) map.data;
    for (k = 0; k < e->channels; k++)
      for (i = 0; i < n; i++, value++)
        e->sum[k] += (gdouble) * value * *value;
    e->positions += n;
    e->frames++;
    gst_buffer_unmap (buffer, &map);
  }
  g_strfreev (dims);
  gst_caps_unref (caps);
}

int
main (int argc, char **argv)
{
  GstElement *pipeline, *element;
  Energy e = { 0 };
  GstMessage *message;
  GError *error = NULL;
  gboolean ok = TRUE;
  GstBus *bus;
  guint k;

  gst_init (&argc, &argv);
  if (argc != 2 && argc != 3) {
    g_printerr ("usage: %s FILE.wlc [CHANNELS]\n", argv[0]);
    return 2;
  }
  pipeline = gst_parse_launch ("filesrc name=file ! wallocparse ! "
      "walloclatents name=latents ! fakesink name=sink signal-handoffs=true",
      &error);
  if (!pipeline) {
    g_printerr ("%s\n", error->message);
    g_error_free (error);
    return 1;
  }
  element = gst_bin_get_by_name (GST_BIN (pipeline), "file");
  g_object_set (element, "location", argv[1], NULL);
  gst_object_unref (element);
  element = gst_bin_get_by_name (GST_BIN (pipeline), "latents");
  g_object_set (element, "channels", argc > 2 ? atoi (argv[2]) : 12, NULL);
  gst_object_unref (element);
  element = gst_bin_get_by_name (GST_BIN (pipeline), "sink");
  g_signal_connect (element, "handoff", G_CALLBACK (take_tensor), &e);
  gst_object_unref (element);

  bus = gst_element_get_bus (pipeline);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  message = gst_bus_timed_pop_filtered (bus, GST_CLOCK_TIME_NONE,
      GST_MESSAGE_ERROR | GST_MESSAGE_EOS);
  if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR) {
    gchar *debug = NULL;

    gst_message_parse_error (message, &error, &debug);
    g_printerr ("%s (%s)\n", error->message, debug ? debug : "");
    g_error_free (error);
    g_free (debug);
    ok = FALSE;
  }
  gst_message_unref (message);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (bus);
  gst_object_unref (pipeline);

  for (k = 0; ok && k < e.channels; k++)
    g_print ("channel %3u: root mean square %10.3f\n", k,
        sqrt (e.sum[k] / e.positions));
  if (ok)
    g_print ("%u frames\n", e.frames);
  g_free (e.sum);

  return ok ? 0 : 1;
}
