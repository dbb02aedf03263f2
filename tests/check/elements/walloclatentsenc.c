/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* walloclatentsenc: what walloclatents made comes back bit for bit; tensors
 * without a meta; tensors that are no latents. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <gst/audio/audio.h>

#include "walloc-check.h"

#define TENSORS "other/tensors,format=static,num_tensors=1,framerate=25/1,"

static GstHarness *
both (const gchar * latents, const gchar * enc, GstCaps * caps)
{
  gchar *launch = g_strdup_printf ("walloclatents %s ! walloclatentsenc %s",
      latents, enc);
  GstHarness *h = gst_harness_new_parse (launch);

  g_free (launch);
  gst_harness_set_src_caps (h, caps);
  return h;
}

/* An encoder fed with @dims of @types. */
static GstHarness *
alone (const gchar * props, const gchar * types, const gchar * dims)
{
  gchar *launch = g_strdup_printf ("walloclatentsenc model-file=\"%s\" %s",
      check_model (), props);
  gchar *caps = g_strdup_printf (TENSORS "types=%s,dimensions=(string)%s",
      types, dims);
  GstHarness *h = gst_harness_new_parse (launch);

  gst_harness_set_src_caps_str (h, caps);
  g_free (caps);
  g_free (launch);
  return h;
}

static GstBuffer *
tensor (guint n)
{
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, n * 4, NULL);
  GstMapInfo map;
  guint i;

  gst_buffer_map (buffer, &map, GST_MAP_WRITE);
  for (i = 0; i < n; i++)
    ((gfloat *) map.data)[i] = 200 * sinf (i * 0.3f) / (1 + i / 48);
  gst_buffer_unmap (buffer, &map);
  GST_BUFFER_PTS (buffer) = 3 * FRAME_TIME;
  GST_BUFFER_DURATION (buffer) = FRAME_TIME;
  return buffer;
}

/* Any format, size and rate; integers as well as values. */
GST_START_TEST (test_round_trip)
{
  static const gchar *const formats[] = { "GRAY8", "I420", "Y444", "BGRx" };
  static const gint sizes[][2] = { {1, 1}, {100, 53}, {64, 64} };
  static const gchar *const enc[] = { "quality=80", "quality=3", "quality=99" };
  guint f, i, t;

  for (f = 0; f < G_N_ELEMENTS (formats); f++)
    for (i = 0; i < G_N_ELEMENTS (sizes); i++) {
      GstCaps *caps, *got;
      GPtrArray *frames = check_encode (formats[f], sizes[i][0], sizes[i][1],
          2, enc[i], &caps);

      for (t = 0; t < 2; t++) {
        GstHarness *h = both (t ? "type=int16" : "", "", gst_caps_ref (caps));
        GstBuffer *out;
        guint n;

        for (n = 0; n < 2; n++) {
          out = gst_harness_push_and_pull (h,
              gst_buffer_ref (frames->pdata[n]));
          fail_unless (check_same (out, frames->pdata[n]), "%s %dx%d %s",
              formats[f], sizes[i][0], sizes[i][1], enc[i]);
          fail_unless_equals_uint64 (GST_BUFFER_PTS (out), n * FRAME_TIME);
          fail_if (GST_BUFFER_FLAG_IS_SET (out, GST_BUFFER_FLAG_DELTA_UNIT));
          gst_buffer_unref (out);
        }
        got = gst_pad_get_current_caps (h->sinkpad);
        fail_unless (gst_caps_can_intersect (got, caps));
        gst_caps_unref (got);
        gst_harness_teardown (h);
      }
      gst_caps_unref (caps);
      g_ptr_array_unref (frames);
    }
}

GST_END_TEST;

/* A lower quality, and fewer channels, than what the meta says. */
GST_START_TEST (test_properties)
{
  static const gchar *const props[] = { "quality=20", "channels=5",
    "step-index=100"
  };
  GstCaps *caps;
  GPtrArray *frames = check_encode ("I420", 128, 96, 1, "quality=90", &caps);
  guint i;

  for (i = 0; i < G_N_ELEMENTS (props); i++) {
    GstHarness *h = both ("", props[i], gst_caps_ref (caps));
    GstBuffer *out = gst_harness_push_and_pull (h,
        gst_buffer_ref (frames->pdata[0]));
    walloc_frame_info info, before;

    check_parse_header (out, &info);
    check_parse_header (frames->pdata[0], &before);
    fail_unless (gst_buffer_get_size (out) <
        gst_buffer_get_size (frames->pdata[0]));
    if (i == 0)
      fail_unless (info.step_index > before.step_index);
    if (i == 1)
      fail_unless (info.channels == 5 && info.step_index == before.step_index);
    if (i == 2)
      fail_unless_equals_int (info.step_index, 100);
    gst_buffer_unref (out);
    gst_harness_teardown (h);
  }
  gst_caps_unref (caps);
  g_ptr_array_unref (frames);
}

GST_END_TEST;

/* Without a meta: 8 pixels per position, I420, quality 50; or as properties
 * say. What was coded decodes. */
GST_START_TEST (test_without_meta)
{
  GstHarness *h = alone ("", "float32", "10:6:12"), *d;
  GstBuffer *out = gst_harness_push_and_pull (h, tensor (10 * 6 * 12));
  walloc_frame_info info;

  check_parse_header (out, &info);
  fail_unless (info.width == 80 && info.height == 48
      && info.format == WALLOC_FORMAT_I420 && info.channels <= 12
      && info.fps_n == 25 && info.pts == 3 * FRAME_TIME);
  fail_unless_equals_uint64 (GST_BUFFER_PTS (out), 3 * FRAME_TIME);
  d = check_decoder (NULL);
  gst_harness_set_src_caps (d, gst_pad_get_current_caps (h->sinkpad));
  out = gst_harness_push_and_pull (d, out);
  fail_unless_equals_uint64 (gst_buffer_get_size (out), 80 * 48 * 3 / 2);
  gst_buffer_unref (out);
  gst_harness_teardown (d);
  gst_harness_teardown (h);

  h = alone ("width=75 height=41 format=gray8 quality=90", "float32",
      "10:6:12:1:1");
  out = gst_harness_push_and_pull (h, tensor (10 * 6 * 12));
  check_parse_header (out, &info);
  fail_unless (info.width == 75 && info.height == 41
      && info.format == WALLOC_FORMAT_GRAY8);
  gst_buffer_unref (out);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* Sound of one to three channels comes back bit for bit; tensors of a program's
 * own decode. */
GST_START_TEST (test_sound)
{
  guint channels, i;

  for (channels = 1; channels <= 3; channels++) {
    GPtrArray *frames =
        g_ptr_array_new_with_free_func ((GDestroyNotify) gst_buffer_unref);
    GstHarness *h = gst_harness_new_parse ("wallocaudioenc frame-size=2048");
    gint16 *samples = g_new (gint16, channels * 9000);
    GstBuffer *buffer;
    GstCaps *caps;
    gchar *text;

    text = g_strdup_printf ("audio/x-raw,format=" GST_AUDIO_NE (S16)
        ",layout=interleaved,rate=44100,channels=%u,channel-mask=(bitmask)0x%x",
        channels, channels == 1 ? 0 : channels == 2 ? 3 : 7);
    gst_harness_set_src_caps_str (h, text);
    g_free (text);
    for (i = 0; i < channels * 9000; i++)
      samples[i] = (gint16) (9000 * sin (i / channels * 0.03 * (1 + i %
                  channels)));
    buffer = gst_buffer_new_wrapped (samples, channels * 9000 * 2);
    GST_BUFFER_PTS (buffer) = 0;
    gst_harness_push (h, buffer);
    gst_harness_push_event (h, gst_event_new_eos ());
    while ((buffer = gst_harness_try_pull (h)))
      g_ptr_array_add (frames, buffer);
    caps = gst_pad_get_current_caps (h->sinkpad);
    gst_harness_teardown (h);

    h = both ("", "", caps);
    fail_unless (frames->len > 4);
    for (i = 0; i < frames->len; i++) {
      buffer = gst_harness_push_and_pull (h, gst_buffer_ref (frames->pdata[i]));
      fail_unless (check_same (buffer, frames->pdata[i]),
          "%u channels, frame %u", channels, i);
      gst_buffer_unref (buffer);
    }
    gst_harness_teardown (h);
    g_ptr_array_unref (frames);
  }
}

GST_END_TEST;

GST_START_TEST (test_sound_without_meta)
{
  GstHarness *h = gst_harness_new_parse ("walloclatentsenc rate=16000 "
      "audio-channels=1 model-file=" TEST_MODELS_DIR "/sound-1.wlm ! "
      "wallocaudiodec");
  GstCaps *caps;
  guint i;
  gint rate = 0, channels = 0;

  gst_harness_set_src_caps_str (h, TENSORS
      "types=float32,dimensions=(string)8:20:1:1");
  for (i = 0; i < 3; i++)
    fail_unless_equals_int (gst_harness_push (h, tensor (8 * 20)), GST_FLOW_OK);
  fail_unless_equals_int (gst_harness_buffers_received (h), 3);
  caps = gst_pad_get_current_caps (h->sinkpad);
  gst_structure_get (gst_caps_get_structure (caps, 0), "rate", G_TYPE_INT,
      &rate, "channels", G_TYPE_INT, &channels, NULL);
  fail_unless (rate == 16000 && channels == 1);
  gst_caps_unref (caps);
  gst_harness_teardown (h);
}

GST_END_TEST;

static void
assert_refused (GstHarness * h, GstBuffer * buffer, GQuark domain, gint code,
    const gchar * words)
{
  GstBus *bus = check_bus (h);

  fail_unless_equals_int (gst_harness_push (h, buffer), GST_FLOW_ERROR);
  check_assert_message (bus, GST_MESSAGE_ERROR, domain, code, words);
  gst_element_set_bus (h->element, NULL);
  gst_object_unref (bus);
  gst_harness_teardown (h);
}

/* Buffers that are not what the caps say, integers without steps, sizes that
 * have another grid, formats and models that are not there. */
GST_START_TEST (test_refused)
{
  assert_refused (alone ("", "float32", "10:6:12:1"), tensor (10 * 6 * 12 - 1),
      GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT, "is no tensor of 10:6:12:1");
  assert_refused (alone ("", "int16", "10:6:12:1"), tensor (10 * 6 * 6),
      GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT, "Send float32");
  assert_refused (alone ("width=90", "float32", "10:6:12:1"),
      tensor (10 * 6 * 12), GST_STREAM_ERROR, GST_STREAM_ERROR_ENCODE, "12x6");
  assert_refused (alone ("format=p010-10le", "float32", "10:6:12:1"),
      tensor (10 * 6 * 12), GST_LIBRARY_ERROR, GST_LIBRARY_ERROR_SETTINGS,
      "P010_10LE");
  assert_refused (alone ("model-file=/nowhere/at-all.wlm", "float32",
          "10:6:12:1"), tensor (10 * 6 * 12), GST_RESOURCE_ERROR,
      GST_RESOURCE_ERROR_NOT_FOUND, "/nowhere/at-all.wlm");
  assert_refused (alone ("model-file=" TEST_MODELS_DIR "/sound-1.wlm "
          "audio-channels=3", "float32", "10:6:1:1"), tensor (10 * 6),
      GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT, "2 pairs");
  assert_refused (alone ("model-file=" TEST_MODELS_DIR "/sound-1.wlm", "int16",
          "10:6:1:1"), tensor (5 * 6), GST_STREAM_ERROR,
      GST_STREAM_ERROR_FORMAT, "Send float32");
  assert_refused (alone ("step-index=300", "float32", "10:6:12:1"),
      tensor (10 * 6 * 12), GST_STREAM_ERROR, GST_STREAM_ERROR_ENCODE, "300");
}

GST_END_TEST;

/* Caps of tensors that cannot be latents of a picture. */
GST_START_TEST (test_bad_caps)
{
  static const gchar *const dims[] = { "10:6:12:2", "", "10:-6:12:1", "a:b",
    "4000:6:12:1", "10:6:5000:1", "0:6:12:1",
    "10:6:12:1:1:1:1:1:1:1:1:1:1:1:1:1:1",
    "99999999999999999999:1:1:1"
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (dims); i++) {
    GstHarness *h = gst_harness_new ("walloclatentsenc");
    GstBus *bus = check_bus (h);
    GstCaps *caps = gst_caps_from_string (TENSORS "types=float32");

    gst_caps_set_simple (caps, "dimensions", G_TYPE_STRING, dims[i], NULL);
    gst_harness_set_src_caps (h, caps);
    check_assert_message (bus, GST_MESSAGE_ERROR, GST_STREAM_ERROR,
        GST_STREAM_ERROR_FORMAT, "no latents");
    fail_unless_equals_int (gst_harness_push (h, tensor (1)),
        GST_FLOW_NOT_NEGOTIATED);
    gst_element_set_bus (h->element, NULL);
    gst_object_unref (bus);
    gst_harness_teardown (h);
  }
}

GST_END_TEST;

static Suite *
walloclatentsenc_suite (void)
{
  Suite *s = suite_create ("walloclatentsenc");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (s, tc);
  tcase_add_test (tc, test_round_trip);
  tcase_add_test (tc, test_properties);
  tcase_add_test (tc, test_without_meta);
  tcase_add_test (tc, test_sound);
  tcase_add_test (tc, test_sound_without_meta);
  tcase_add_test (tc, test_refused);
  tcase_add_test (tc, test_bad_caps);

  return s;
}

GST_CHECK_MAIN (walloclatentsenc);
