/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How much of each coded picture is of which class, without decoding it.
 *
 * usage: segment NETWORK FILE.wlc
 * NETWORK: an ONNX file or the name of one that is installed, such as road-1.
 * Outside of this tree: gcc segment.c $(pkg-config --cflags --libs
 * gstreamer-1.0) */
#include <gst/gst.h>

/* A result: time, and the share of every class that is there. The mask itself
 * comes at the pad "mask", and in a meta on the buffer. */
static void
print_result (const GstStructure * s)
{
  const GValue *classes = gst_structure_get_value (s, "classes");
  GstClockTime time = 0;
  guint i;

  gst_structure_get_uint64 (s, "stream-time", &time);
  g_print ("%8.3f s", (gdouble) time / GST_SECOND);
  for (i = 0; i < gst_value_array_get_size (classes); i++) {
    const GstStructure *c =
        gst_value_get_structure (gst_value_array_get_value (classes, i));
    gdouble share = 0;

    gst_structure_get_double (c, "share", &share);
    if (share > 0)
      g_print ("  %s %.1f %%", gst_structure_get_string (c, "label"),
          100 * share);
  }
  g_print ("\n");
}

int
main (int argc, char **argv)
{
  GstElement *pipeline, *segment, *file;
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
      "compressedsegment name=segment ! fakesink", &error);
  if (!pipeline) {
    g_printerr ("%s\n", error->message);
    g_error_free (error);
    return 1;
  }
  file = gst_bin_get_by_name (GST_BIN (pipeline), "file");
  segment = gst_bin_get_by_name (GST_BIN (pipeline), "segment");
  g_object_set (file, "location", argv[2], NULL);
  g_object_set (segment, "model-file", argv[1], NULL);
  gst_object_unref (file);
  gst_object_unref (segment);

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
    } else if (gst_message_has_name (message, "compressedsegment")) {
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
