/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Writes the stems of a coded recording into files of their own, stem_0.wlc and
 * so on, without decoding it.
 *
 * usage: separate NETWORK SONG.wlc FOLDER
 * NETWORK: an ONNX file or the name of one that is installed, such as stems-1.
 * Outside of this tree: gcc separate.c $(pkg-config --cflags --libs
 * gstreamer-1.0) */
#include <gst/gst.h>

/* A file for every stem that shows up; a queue before it, as all files wait for
 * the first data of each other. */
static void
add_file (GstElement * separate, GstPad * pad, gpointer folder)
{
  GstObject *pipeline = gst_object_get_parent (GST_OBJECT (separate));
  GstElement *queue = gst_element_factory_make ("queue", NULL);
  GstElement *sink = gst_element_factory_make ("filesink", NULL);
  gchar *name = g_strconcat (GST_PAD_NAME (pad), ".wlc", NULL);
  gchar *path = g_build_filename (folder, name, NULL);
  GstPad *to;

  g_object_set (sink, "location", path, NULL);
  gst_bin_add_many (GST_BIN (pipeline), queue, sink, NULL);
  gst_element_link (queue, sink);
  to = gst_element_get_static_pad (queue, "sink");
  gst_pad_link (pad, to);
  gst_element_sync_state_with_parent (sink);
  gst_element_sync_state_with_parent (queue);
  gst_object_unref (to);
  gst_object_unref (pipeline);
  g_free (path);
  g_free (name);
}

/* Which stem a file is of: its title. */
static void
print_title (GstMessage * message)
{
  GstTagList *tags = NULL;
  gchar *title = NULL, *path = NULL;

  gst_message_parse_tag (message, &tags);
  if (gst_tag_list_get_string (tags, GST_TAG_TITLE, &title)) {
    g_object_get (GST_MESSAGE_SRC (message), "location", &path, NULL);
    g_print ("%s: %s\n", path, title);
  }
  g_free (path);
  g_free (title);
  gst_tag_list_unref (tags);
}

int
main (int argc, char **argv)
{
  GstElement *pipeline, *element;
  GstMessage *message;
  GError *error = NULL;
  gboolean done = FALSE, ok = TRUE;
  GstBus *bus;

  gst_init (&argc, &argv);
  if (argc != 4) {
    g_printerr ("usage: %s NETWORK SONG.wlc FOLDER\n", argv[0]);
    return 2;
  }
  pipeline = gst_parse_launch ("filesrc name=file ! wallocparse ! "
      "compressedseparate name=separate", &error);
  if (!pipeline) {
    g_printerr ("%s\n", error->message);
    g_error_free (error);
    return 1;
  }
  element = gst_bin_get_by_name (GST_BIN (pipeline), "file");
  g_object_set (element, "location", argv[2], NULL);
  gst_object_unref (element);
  element = gst_bin_get_by_name (GST_BIN (pipeline), "separate");
  g_object_set (element, "model-file", argv[1], NULL);
  g_signal_connect (element, "pad-added", G_CALLBACK (add_file), argv[3]);
  gst_object_unref (element);

  bus = gst_element_get_bus (pipeline);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  while (!done && (message = gst_bus_timed_pop_filtered (bus,
              GST_CLOCK_TIME_NONE, GST_MESSAGE_TAG | GST_MESSAGE_ERROR |
              GST_MESSAGE_EOS))) {
    if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_ERROR) {
      gchar *debug = NULL;

      gst_message_parse_error (message, &error, &debug);
      g_printerr ("%s (%s)\n", error->message, debug ? debug : "");
      g_error_free (error);
      g_free (debug);
      ok = FALSE;
    } else if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_TAG) {
      print_title (message);
    }
    done = !ok || GST_MESSAGE_TYPE (message) == GST_MESSAGE_EOS;
    gst_message_unref (message);
  }
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (bus);
  gst_object_unref (pipeline);

  return ok ? 0 : 1;
}
