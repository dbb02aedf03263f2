/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The text of coded pages with where it stands, without decoding them.
 *
 * usage: read NETWORK FILE.wlc
 * NETWORK: an ONNX file or the name of one that is installed, such as page-1.
 * Outside of this tree: gcc read.c $(pkg-config --cflags --libs
 * gstreamer-1.0) */
#include <gst/gst.h>

/* A page: its lines in reading order, each with its box in pixels. */
static void
print_result (const GstStructure * s)
{
  const GValue *lines = gst_structure_get_value (s, "lines");
  guint i, count = gst_value_array_get_size (lines);

  g_print ("page of %u lines\n", count);
  for (i = 0; i < count; i++) {
    const GstStructure *line =
        gst_value_get_structure (gst_value_array_get_value (lines, i));
    gdouble left = 0, top = 0, right = 0, bottom = 0, confidence = 0;

    gst_structure_get (line, "left", G_TYPE_DOUBLE, &left,
        "top", G_TYPE_DOUBLE, &top, "right", G_TYPE_DOUBLE, &right,
        "bottom", G_TYPE_DOUBLE, &bottom,
        "confidence", G_TYPE_DOUBLE, &confidence, NULL);
    g_print ("%5.0f %5.0f %5.0f %5.0f %3.0f %%  %s\n", left, top, right,
        bottom, 100 * confidence, gst_structure_get_string (line, "text"));
  }
}

int
main (int argc, char **argv)
{
  GstElement *pipeline, *read, *file;
  GstMessage *message;
  GError *error = NULL;
  gboolean done = FALSE, ok = TRUE;
  GstBus *bus;

  gst_init (&argc, &argv);
  if (argc != 3) {
    g_printerr ("usage: %s NETWORK FILE.wlc\n", argv[0]);
    return 2;
  }
  pipeline = gst_parse_launch ("filesrc name=file ! wallocparse ! "
      "compressedread name=read ! fakesink", &error);
  if (!pipeline) {
    g_printerr ("%s\n", error->message);
    g_error_free (error);
    return 1;
  }
  file = gst_bin_get_by_name (GST_BIN (pipeline), "file");
  read = gst_bin_get_by_name (GST_BIN (pipeline), "read");
  g_object_set (file, "location", argv[2], NULL);
  g_object_set (read, "model-file", argv[1], NULL);
  gst_object_unref (file);
  gst_object_unref (read);

  bus = gst_element_get_bus (pipeline);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  while (!done && (message = gst_bus_timed_pop_filtered (bus,
              GST_CLOCK_TIME_NONE, GST_MESSAGE_ELEMENT | GST_MESSAGE_ERROR |
              GST_MESSAGE_EOS))) {
    if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR) {
      gchar *debug = NULL;

      gst_message_parse_error (message, &error, &debug);
      g_printerr ("%s (%s)\n", error->message, debug ? debug : "");
      g_error_free (error);
      g_free (debug);
      ok = FALSE;
    } else if (gst_message_has_name (message, "compressedread")) {
      print_result (gst_message_get_structure (message));
    }
    done = !ok || GST_MESSAGE_TYPE (message) == GST_MESSAGE_EOS;
    gst_message_unref (message);
  }
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (bus);
  gst_object_unref (pipeline);

  return ok ? 0 : 1;
}
