/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* wallocparse over any bytes: pushed in pieces of changing size, as from a
 * socket, and pulled, as from a file, where it also indexes by headers. Every
 * frame that it passes on as whole must be whole. */
#include <stdint.h>
#include <stdlib.h>

#include <gio/gio.h>
#include <gst/check/gstharness.h>
#include <gst/gst.h>
#include <walloc/frame.h>

#define WAIT_TIME (20 * GST_SECOND)

int LLVMFuzzerInitialize (int *argc, char ***argv);
int LLVMFuzzerTestOneInput (const uint8_t * data, size_t size);

int
LLVMFuzzerInitialize (int *argc, char ***argv)
{
  GstPlugin *plugin;

  gst_init (argc, argv);
  plugin = gst_registry_find_plugin (gst_registry_get (), "walloc");
  if (!plugin) {
    g_printerr ("fuzz_parse: the plugin is not in GST_PLUGIN_PATH "
        "(use meson devenv)\n");
    exit (2);
  }
  gst_object_unref (plugin);
  return 0;
}

static void
check_output (GstBuffer * buffer)
{
  walloc_frame_info info;
  GstMapInfo map;

  if (GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_CORRUPTED))
    return;
  if (!gst_buffer_map (buffer, &map, GST_MAP_READ))
    abort ();
  if (walloc_frame_parse (map.data, map.size, &info, NULL) != WALLOC_OK)
    abort ();
  if ((uint64_t) info.header_size + info.payload_size != map.size)
    abort ();
  gst_buffer_unmap (buffer, &map);
}

static void
run_pushed (const uint8_t * data, size_t size)
{
  GstHarness *harness = gst_harness_new ("wallocparse");
  GstSegment segment;
  GstBuffer *buffer;
  GstCaps *caps;
  size_t at = 0, piece = 1;

  gst_harness_push_event (harness, gst_event_new_stream_start ("fuzz"));
  caps = gst_caps_new_empty_simple ("video/x-walloc");
  gst_harness_push_event (harness, gst_event_new_caps (caps));
  gst_caps_unref (caps);
  gst_segment_init (&segment, GST_FORMAT_BYTES);
  gst_harness_push_event (harness, gst_event_new_segment (&segment));
  while (at < size) {
    /* 1, 4, 13, 40 ... bytes: headers are cut at many places */
    if (piece > size - at)
      piece = size - at;
    buffer = gst_buffer_new_memdup (data + at, piece);
    GST_BUFFER_OFFSET (buffer) = at;
    if (gst_harness_push (harness, buffer) != GST_FLOW_OK)
      break;
    at += piece;
    piece = piece * 3 % 40000 + 1;
  }
  gst_harness_push_event (harness, gst_event_new_eos ());
  while ((buffer = gst_harness_try_pull (harness)) != NULL) {
    check_output (buffer);
    gst_buffer_unref (buffer);
  }
  gst_harness_teardown (harness);
}

static void
on_handoff (GstElement * sink, GstBuffer * buffer, GstPad * pad, gpointer user)
{
  check_output (buffer);
}

static void
run_pulled (const uint8_t * data, size_t size)
{
  GstElement *pipeline = gst_pipeline_new (NULL);
  GstElement *source = gst_element_factory_make ("giostreamsrc", NULL);
  GstElement *parse = gst_element_factory_make ("wallocparse", NULL);
  GstElement *sink = gst_element_factory_make ("fakesink", NULL);
  GInputStream *stream;
  GstMessage *message;
  GstBus *bus;

  if (!source || !parse || !sink) {
    g_printerr ("fuzz_parse: giostreamsrc, wallocparse or fakesink is "
        "missing\n");
    exit (2);
  }
  stream = g_memory_input_stream_new_from_data (data, (gssize) size, NULL);
  g_object_set (source, "stream", stream, NULL);
  g_object_unref (stream);
  g_object_set (sink, "signal-handoffs", TRUE, "sync", FALSE, NULL);
  g_signal_connect (sink, "handoff", G_CALLBACK (on_handoff), NULL);
  gst_bin_add_many (GST_BIN (pipeline), source, parse, sink, NULL);
  if (!gst_element_link_many (source, parse, sink, NULL))
    abort ();

  bus = gst_element_get_bus (pipeline);
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  message = gst_bus_timed_pop_filtered (bus, WAIT_TIME,
      GST_MESSAGE_EOS | GST_MESSAGE_ERROR);
  /* neither the end nor an error within the time: it hangs */
  if (!message)
    abort ();
  gst_message_unref (message);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (bus);
  gst_object_unref (pipeline);
}

int
LLVMFuzzerTestOneInput (const uint8_t * data, size_t size)
{
  run_pushed (data, size);
  run_pulled (data, size);
  return 0;
}
