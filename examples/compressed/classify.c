/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What coded pictures or recordings show, without decoding them.
 *
 * usage: classify NETWORK FILE.wlc
 * NETWORK: an ONNX file or the name of one that is installed, such as waste-1.
 * Outside of this tree: gcc classify.c $(pkg-config --cflags --libs
 * gstreamer-1.0) */
#include <gst/gst.h>

/* A result: time, the most likely class, and the next ones. */
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
    gdouble confidence = 0;

    gst_structure_get_double (c, "confidence", &confidence);
    g_print ("  %s %.1f %%", gst_structure_get_string (c, "label"),
        100 * confidence);
  }
  g_print ("\n");
}

int
main (int argc, char **argv)
{
  GstElement *pipeline, *classify, *file;
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
      "compressedclassify name=classify top-k=3 ! fakesink", &error);
  if (!pipeline) {
    g_printerr ("%s\n", error->message);
    g_error_free (error);
    return 1;
  }
  file = gst_bin_get_by_name (GST_BIN (pipeline), "file");
  classify = gst_bin_get_by_name (GST_BIN (pipeline), "classify");
  g_object_set (file, "location", argv[2], NULL);
  g_object_set (classify, "model-file", argv[1], NULL);
  gst_object_unref (file);
  gst_object_unref (classify);

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
    } else if (gst_message_has_name (message, "compressedclassify")) {
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
