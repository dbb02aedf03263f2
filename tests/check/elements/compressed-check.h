/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Streams of the models made for tests, and networks that tell how bright or
 * loud they are (training/golden_task.py). */
#ifndef TESTS_COMPRESSED_CHECK_H
#define TESTS_COMPRESSED_CHECK_H

#include <gst/audio/audio.h>

#include "walloc-check.h"

#define PICTURE_MODEL TEST_GOLDEN_DIR "/models/ordered-test.wlm"
#define SOUND_MODEL TEST_GOLDEN_DIR "/models/sound-test.wlm"
#define NETWORK(name) TEST_GOLDEN_DIR "/task/" name ".onnx"

/* A picture with @left in its left half and @right in the other. */
static inline GstBuffer *
shade_picture (GstCaps * caps, guint n, guint8 left, guint8 right)
{
  GstVideoInfo info;
  GstVideoFrame frame;
  GstBuffer *buffer;
  gint x, y;

  fail_unless (gst_video_info_from_caps (&info, caps));
  buffer = gst_buffer_new_allocate (NULL, GST_VIDEO_INFO_SIZE (&info), NULL);
  fail_unless (gst_video_frame_map (&frame, &info, buffer, GST_MAP_WRITE));
  for (y = 0; y < info.height; y++)
    for (x = 0; x < info.width; x++)
      ((guint8 *) GST_VIDEO_FRAME_PLANE_DATA (&frame, 0))[y *
          GST_VIDEO_FRAME_PLANE_STRIDE (&frame, 0) + x] =
          x < info.width / 2 ? left : right;
  gst_video_frame_unmap (&frame);
  GST_BUFFER_PTS (buffer) = n * FRAME_TIME;
  GST_BUFFER_DURATION (buffer) = FRAME_TIME;

  return buffer;
}

/* Coded frames of grey pictures: @shades [@count], each of one value. */
static inline GPtrArray *
shade_frames (gint width, gint height, const guint8 * shades, guint count,
    const gchar * props, GstCaps ** coded)
{
  GPtrArray *frames =
      g_ptr_array_new_with_free_func ((GDestroyNotify) gst_buffer_unref);
  gchar *launch = g_strdup_printf ("wallocenc model-file=\"%s\" %s",
      PICTURE_MODEL, props ? props : "");
  GstHarness *h = gst_harness_new_parse (launch);
  GstCaps *caps = check_caps ("GRAY8", width, height);
  guint i;

  gst_harness_set_src_caps (h, gst_caps_ref (caps));
  for (i = 0; i < count; i++)
    g_ptr_array_add (frames, gst_harness_push_and_pull (h,
            shade_picture (caps, i, shades[i], shades[i])));
  if (coded)
    *coded = gst_pad_get_current_caps (h->sinkpad);
  gst_caps_unref (caps);
  gst_harness_teardown (h);
  g_free (launch);

  return frames;
}

/* Coded frames of sound at 44.1 kHz, mono, of 1024 samples each: @levels
 * [@count] of a square wave, one for each. */
static inline GPtrArray *
loud_frames (const gint16 * levels, guint count, GstCaps ** coded)
{
  GPtrArray *frames =
      g_ptr_array_new_with_free_func ((GDestroyNotify) gst_buffer_unref);
  gchar *launch = g_strdup_printf ("wallocaudioenc model-file=\"%s\" "
      "frame-size=1024 quality=80", SOUND_MODEL);
  GstHarness *h = gst_harness_new_parse (launch);
  GstBuffer *buffer;
  guint i, k;

  gst_harness_set_src_caps_str (h, "audio/x-raw,format=" GST_AUDIO_NE (S16)
      ",rate=44100,channels=1,layout=interleaved");
  for (i = 0; i < count; i++) {
    gint16 samples[1024];

    for (k = 0; k < 1024; k++)
      samples[k] = k / 20 % 2 ? levels[i] : -levels[i];
    buffer = gst_buffer_new_memdup (samples, sizeof (samples));
    GST_BUFFER_PTS (buffer) =
        gst_util_uint64_scale (i, 1024 * GST_SECOND, 44100);
    GST_BUFFER_DURATION (buffer) =
        gst_util_uint64_scale (1024, GST_SECOND, 44100);
    gst_harness_push (h, buffer);
  }
  gst_harness_push_event (h, gst_event_new_eos ());
  while ((buffer = gst_harness_try_pull (h)))
    g_ptr_array_add (frames, buffer);
  *coded = gst_pad_get_current_caps (h->sinkpad);
  gst_harness_teardown (h);
  g_free (launch);

  return frames;
}

/* @element with @network (NULL: none) in a harness; @props may be NULL. */
static inline GstHarness *
compressed_harness (const gchar * element, const gchar * network,
    const gchar * props)
{
  gchar *launch = network ?
      g_strdup_printf ("%s name=element model-file=\"%s\" %s", element,
      network, props ? props : "") :
      g_strdup_printf ("%s name=element %s", element, props ? props : "");
  GError *error = NULL;
  GstElement *made = gst_parse_launch (launch, &error);
  GstHarness *h;

  g_assert_no_error (error);
  /* not within a bin */
  gst_object_ref_sink (made);
  h = gst_harness_new_with_element (made, "sink", "src");
  gst_object_unref (made);
  g_free (launch);
  return h;
}

/* Pops a result off the bus; NULL: there is none. */
static inline GstStructure *
pop_result (GstBus * bus, const gchar * name)
{
  GstMessage *message;
  GstStructure *s = NULL;

  while (!s && (message = gst_bus_pop_filtered (bus, GST_MESSAGE_ELEMENT))) {
    if (gst_message_has_name (message, name))
      s = gst_structure_copy (gst_message_get_structure (message));
    gst_message_unref (message);
  }
  return s;
}

/* Pops a result, which must have the label and the time stamp. */
static inline void
expect_result (GstBus * bus, const gchar * name, const gchar * label,
    GstClockTime timestamp)
{
  GstStructure *s = pop_result (bus, name);
  guint64 time = 0;

  fail_unless (s != NULL, "no result, expected %s", label);
  fail_unless_equals_string (gst_structure_get_string (s, "label"), label);
  fail_unless (gst_structure_get_uint64 (s, "timestamp", &time));
  fail_unless_equals_uint64 (time, timestamp);
  gst_structure_free (s);
}

static inline void
expect_no_result (GstBus * bus, const gchar * name)
{
  GstStructure *s = pop_result (bus, name);

  fail_unless (s == NULL, "an unexpected result");
}

/* Pushes a reference of @frame and pulls what comes out. */
static inline GstBuffer *
pass (GstHarness * h, GstBuffer * frame)
{
  GstBuffer *out;

  fail_unless_equals_int (gst_harness_push (h, gst_buffer_ref (frame)),
      GST_FLOW_OK);
  out = gst_harness_try_pull (h);
  fail_unless (out != NULL);
  return out;
}

/* The same, and whatever comes out is dropped. */
static inline void
pass_on (GstHarness * h, GstBuffer * frame)
{
  GstBuffer *out = pass (h, frame);

  fail_unless (check_same (out, frame));
  gst_buffer_unref (out);
}

/* A copy of @frame with a byte of the payload changed. */
static inline GstBuffer *
damage (GstBuffer * frame)
{
  GstBuffer *copy = gst_buffer_copy_deep (frame);
  gsize size = gst_buffer_get_size (copy);
  guint8 byte;

  gst_buffer_extract (copy, size - 5, &byte, 1);
  byte ^= 0x55;
  gst_buffer_fill (copy, size - 5, &byte, 1);

  return copy;
}

#endif
