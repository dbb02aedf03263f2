/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Colours a coded file of grey pictures, without decoding it, and tells how
 * much larger it became.
 *
 * usage: colorize NETWORK GREY.wlc COLOUR.wlc
 * NETWORK: an ONNX file or the name of one that is installed, such as colour-1.
 * Outside of this tree: gcc colorize.c $(pkg-config --cflags --libs
 * gstreamer-1.0) */
#include <gst/gst.h>

typedef struct
{
  guint64 frames, bytes;
} Count;

static GstPadProbeReturn
count (GstPad * pad, GstPadProbeInfo * info, gpointer user)
{
  Count *c = user;

  c->frames++;
  c->bytes += gst_buffer_get_size (GST_PAD_PROBE_INFO_BUFFER (info));
  return GST_PAD_PROBE_OK;
}

/* Counts what passes a pad. */
static void
watch (GstElement * element, const gchar * name, Count * c)
{
  GstPad *pad = gst_element_get_static_pad (element, name);

  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, count, c, NULL);
  gst_object_unref (pad);
}

int
main (int argc, char **argv)
{
  GstElement *pipeline, *element;
  Count in = { 0 }, out = { 0 };
  GstMessage *message;
  GError *error = NULL;
  gboolean ok = TRUE;
  GstBus *bus;

  gst_init (&argc, &argv);
  if (argc != 4) {
    g_printerr ("usage: %s NETWORK GREY.wlc COLOUR.wlc\n", argv[0]);
    return 2;
  }
  pipeline = gst_parse_launch ("filesrc name=from ! wallocparse ! "
      "compressedcolorize name=colorize ! filesink name=to", &error);
  if (!pipeline) {
    g_printerr ("%s\n", error->message);
    g_error_free (error);
    return 1;
  }
  element = gst_bin_get_by_name (GST_BIN (pipeline), "from");
  g_object_set (element, "location", argv[2], NULL);
  gst_object_unref (element);
  element = gst_bin_get_by_name (GST_BIN (pipeline), "to");
  g_object_set (element, "location", argv[3], NULL);
  gst_object_unref (element);
  element = gst_bin_get_by_name (GST_BIN (pipeline), "colorize");
  g_object_set (element, "model-file", argv[1], NULL);
  watch (element, "sink", &in);
  watch (element, "src", &out);
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
  } else {
    g_print ("%" G_GUINT64_FORMAT " frames, %" G_GUINT64_FORMAT
        " bytes of luma, %" G_GUINT64_FORMAT " bytes with colours\n",
        out.frames, in.bytes, out.bytes);
  }
  gst_message_unref (message);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (bus);
  gst_object_unref (pipeline);

  return ok ? 0 : 1;
}
