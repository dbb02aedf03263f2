/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* spectralinspect: errors that are known, frames without partners, streams that
 * end early or do not fit, the three errors, files that cannot be written. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "spectral-check.h"

GST_START_TEST (test_known)
{
  GstMessage *m;
  GstBuffer *plot;
  GstCaps *caps;
  Setup s;
  guint i, windows;

  setup (&s, 2);
  /* 50 frames of 40 ms: two intervals */
  for (i = 0; i < 50; i++) {
    push (&s, 0, i, 0);
    push (&s, 1, i, 3);
  }
  eos (&s, 2);
  m = wait_pooled (&s, &windows);
  fail_unless_equals_int (windows, 2);
  fail_unless_equals_uint64 (number (m, "frames"), 50);
  fail_unless_equals_uint64 (number (m, "measured"), 50);
  fail_unless_equals_uint64 (number (m, "unmatched-ref"), 0);
  fail_unless_equals_uint64 (number (m, "duration"), 50 * FRAME_TIME);
  NEAR (value (m, "error", "mse"), 9);
  NEAR (value (m, "error", "power"), 9);
  NEAR (value (m, "error", "psnr"), 38.5884);
  /* all of it has frequency 0 */
  NEAR (band (m, "error", 0), 9);
  NEAR (band (m, "error", 5), 0);
  fail_unless (value (m, "error", "ssim") > 0.99);
  gst_message_unref (m);

  for (i = 0; i < 3; i++) {
    plot = gst_harness_pull (s.h[0]);
    fail_unless_equals_int (gst_buffer_get_size (plot), 960 * 540 * 4);
    gst_buffer_unref (plot);
  }
  caps = gst_pad_get_current_caps (s.h[0]->sinkpad);
  fail_unless (gst_structure_has_field_typed (gst_caps_get_structure (caps,
              0), "width", G_TYPE_INT));
  gst_caps_unref (caps);
  teardown (&s);
}

GST_END_TEST;

/* Only one report. */
GST_START_TEST (test_no_interval)
{
  GstMessage *m;
  Setup s;
  guint i, windows;

  setup_full (&s, 2, "interval", "0", "GRAY8", W, W);
  for (i = 0; i < 60; i++) {
    push (&s, 0, i, 0);
    push (&s, 1, i, 1);
  }
  eos (&s, 2);
  m = wait_pooled (&s, &windows);
  fail_unless_equals_int (windows, 0);
  fail_unless_equals_uint64 (number (m, "frames"), 60);
  gst_message_unref (m);
  gst_buffer_unref (gst_harness_pull (s.h[0]));
  fail_unless (gst_harness_try_pull (s.h[0]) == NULL);
  teardown (&s);
}

GST_END_TEST;

/* Every third frame is measured; squared errors are of all. */
GST_START_TEST (test_stride)
{
  GstMessage *m;
  Setup s;
  guint i;

  setup_full (&s, 2, "stride", "3", "GRAY8", W, W);
  for (i = 0; i < 7; i++) {
    push (&s, 0, i, 0);
    push (&s, 1, i, i % 3 ? 4 : 2);
  }
  eos (&s, 2);
  m = wait_pooled (&s, NULL);
  fail_unless_equals_uint64 (number (m, "frames"), 7);
  fail_unless_equals_uint64 (number (m, "measured"), 3);
  NEAR (value (m, "error", "mse"), (4 * 16 + 3 * 4) / 7.0);
  NEAR (value (m, "error", "power"), 4);
  gst_message_unref (m);
  teardown (&s);
}

GST_END_TEST;

/* Frames that are missing on one side, then on the other. */
GST_START_TEST (test_missing)
{
  GstMessage *m;
  Setup s;
  guint i;

  setup (&s, 2);
  /* in an order in which one thread can push: a pad holds one frame */
  for (i = 0; i < 3; i++) {
    push (&s, 0, i, 0);
    push (&s, 1, i, 2);
  }
  push (&s, 1, 5, 2);
  for (i = 3; i < 7; i++)
    push (&s, 0, i, 0);
  for (i = 6; i < 8; i++)
    push (&s, 1, i, 2);
  for (i = 8; i < 12; i++) {
    push (&s, 0, i, 0);
    push (&s, 1, i, 2);
  }
  eos (&s, 2);
  m = wait_pooled (&s, NULL);
  fail_unless_equals_uint64 (number (m, "frames"), 9);
  fail_unless_equals_uint64 (number (m, "unmatched-ref"), 2);
  fail_unless_equals_uint64 (number (m, "unmatched-dist"), 1);
  /* the right ones were compared: noise of other frames differs by more */
  NEAR (value (m, "error", "mse"), 4);
  gst_message_unref (m);
  teardown (&s);
}

GST_END_TEST;

GST_START_TEST (test_ends_early)
{
  GstMessage *m;
  Setup s;
  guint i;

  setup (&s, 2);
  for (i = 0; i < 4; i++) {
    push (&s, 0, i, 0);
    push (&s, 1, i, 1);
  }
  gst_harness_push_event (s.h[1], gst_event_new_eos ());
  for (; i < 9; i++)
    push (&s, 0, i, 0);
  gst_harness_push_event (s.h[0], gst_event_new_eos ());
  m = wait_pooled (&s, NULL);
  fail_unless_equals_uint64 (number (m, "frames"), 4);
  fail_unless_equals_uint64 (number (m, "unmatched-ref"), 5);
  NEAR (value (m, "error", "mse"), 1);
  gst_message_unref (m);
  teardown (&s);
}

GST_END_TEST;

/* x, C(c(x)), c(x) and C(x). */
GST_START_TEST (test_three_errors)
{
  GstMessage *m;
  Setup s;
  guint i;

  setup (&s, 4);
  for (i = 0; i < 3; i++) {
    push (&s, 0, i, 0);
    push (&s, 1, i, 7);
    push (&s, 2, i, 5);
    push (&s, 3, i, 1);
  }
  eos (&s, 4);
  m = wait_pooled (&s, NULL);
  NEAR (value (m, "R", "mse"), 49);
  NEAR (value (m, "G", "mse"), 4);
  NEAR (value (m, "D", "mse"), 1);
  NEAR (value (m, "C", "mse"), 25);
  NEAR (band (m, "G", 0), 4);
  gst_message_unref (m);
  teardown (&s);
}

GST_END_TEST;

GST_START_TEST (test_other_size)
{
  Setup s;

  setup_full (&s, 2, NULL, NULL, "GRAY8", W, W / 2);
  push (&s, 0, 0, 0);
  gst_harness_push (s.h[1], gst_buffer_new_allocate (NULL, W / 2 * H, NULL));
  expect_error (&s, "ref_sink has 64x48 GRAY8, dist_sink has 32x48 GRAY8");
  teardown (&s);
}

GST_END_TEST;

GST_START_TEST (test_nothing_matches)
{
  Setup s;

  setup (&s, 2);
  push (&s, 0, 0, 0);
  push (&s, 1, 30, 0);
  eos (&s, 2);
  expect_error (&s, "belongs together");
  teardown (&s);
}

GST_END_TEST;

GST_START_TEST (test_file)
{
  gchar *name = g_build_filename (g_get_tmp_dir (), "spectral-XXXXXX", NULL);
  gchar *text = NULL, **lines;
  GstMessage *m;
  Setup s;
  gint fd = g_mkstemp (name);
  guint i;

  fail_unless (fd >= 0);
  g_close (fd, NULL);
  setup_full (&s, 2, "results-file", name, "GRAY8", W, W);
  for (i = 0; i < 2; i++) {
    push (&s, 0, i, 0);
    push (&s, 1, i, 3);
  }
  eos (&s, 2);
  m = wait_pooled (&s, NULL);
  gst_message_unref (m);
  teardown (&s);
  fail_unless (g_file_get_contents (name, &text, NULL, NULL));
  lines = g_strsplit (text, "\n", -1);
  fail_unless_equals_int (g_strv_length (lines), 3);
  fail_unless (g_str_has_prefix (lines[0], "{\"type\":\"spectralinspect\","));
  fail_unless (strstr (lines[0], "\"mse\":9.0") != NULL);
  fail_unless (strstr (lines[0], "\"pooled\":false") != NULL);
  fail_unless (strstr (lines[1], "\"pooled\":true") != NULL);
  g_strfreev (lines);
  g_free (text);
  g_remove (name);
  g_free (name);
}

GST_END_TEST;

/* A full disk costs the file, not the stream. */
GST_START_TEST (test_full_disk)
{
  GstMessage *m;
  Setup s;

  if (!g_file_test ("/dev/full", G_FILE_TEST_EXISTS))
    return;
  setup_full (&s, 2, "results-file", "/dev/full", "GRAY8", W, W);
  push (&s, 0, 0, 0);
  push (&s, 1, 0, 3);
  eos (&s, 2);
  expect_error (&s, "no longer written");
  m = wait_pooled (&s, NULL);
  NEAR (value (m, "error", "mse"), 9);
  gst_message_unref (m);
  teardown (&s);
}

GST_END_TEST;

GST_START_TEST (test_no_folder)
{
  GstElement *e = gst_element_factory_make ("spectralinspect", NULL);
  GstBus *bus = gst_bus_new ();
  Setup s = { e, bus };

  gst_element_set_bus (e, bus);
  g_object_set (e, "results-file", "/nonexistent/folder/r.jsonl", NULL);
  fail_unless_equals_int (gst_element_set_state (e, GST_STATE_PAUSED),
      GST_STATE_CHANGE_FAILURE);
  expect_error (&s, "/nonexistent/folder/r.jsonl");
  gst_element_set_state (e, GST_STATE_NULL);
  gst_element_set_bus (e, NULL);
  gst_object_unref (bus);
  gst_object_unref (e);
}

GST_END_TEST;

/* ---- sound ---- */

static gpointer
push_small (gpointer data)
{
  guint i;

  for (i = 0; i < 10; i++)
    push_sound (data, 1, 1000 * i, 1000, 1, 0.01);
  return NULL;
}

/* Buffers of other sizes, half a block left at the end; a wave in the error,
 * in its band. */
GST_START_TEST (test_sound)
{
  GThread *thread;
  GstMessage *m;
  Setup s;
  guint i;

  setup_sound (&s, 8000, 8000);
  thread = g_thread_new ("dist", push_small, &s);
  for (i = 0; i < 5; i++)
    push_sound (&s, 0, 2000 * i, 2000, 1, 0);
  /* the other one waits for it otherwise */
  gst_harness_push_event (s.h[0], gst_event_new_eos ());
  g_thread_join (thread);
  gst_harness_push_event (s.h[1], gst_event_new_eos ());
  m = wait_pooled (&s, NULL);
  fail_unless_equals_uint64 (number (m, "frames"), 5);
  fail_unless_equals_uint64 (number (m, "measured"), 4);
  fail_unless_equals_uint64 (number (m, "unmatched-ref"), 0);
  fail_unless_equals_uint64 (number (m, "unmatched-dist"), 0);
  fail_unless_equals_uint64 (number (m, "duration"), 1250 * GST_MSECOND);
  NEAR (value (m, "error", "mse") * 1e4, 0.5);
  NEAR (value (m, "error", "power") * 1e4, 0.5);
  /* 1 kHz of 4: a quarter of 32 bands */
  NEAR (band (m, "error", 8) * 1e4, 0.5);
  /* a third of a quarter is the power of even numbers of [-1/2, 1/2] */
  fail_unless (ABS (value (m, "error", "snr") - 10 * log10 (1 / 12. / 5e-5))
      < 0.2);
  gst_message_unref (m);
  teardown (&s);
}

GST_END_TEST;

/* Half as loud: SI-SDR does not mind, SNR does. A hole in one stream, and one
 * that begins late and ends early. */
GST_START_TEST (test_sound_missing)
{
  GstMessage *m;
  Setup s;
  guint i;

  setup_sound (&s, 8000, 8000);
  push_sound (&s, 0, 0, 1000, 1, 0);
  for (i = 1; i < 16; i++) {
    if (i != 8)
      push_sound (&s, 1, 1000 * i, 1000, 0.5, 0);
    else
      push_sound (&s, 1, 1000 * i + 500, 500, 0.5, 0);
    push_sound (&s, 0, 1000 * i, 1000, 1, 0);
  }
  gst_harness_push_event (s.h[1], gst_event_new_eos ());
  push_sound (&s, 0, 16000, 1000, 1, 0);
  gst_harness_push_event (s.h[0], gst_event_new_eos ());
  m = wait_pooled (&s, NULL);
  /* whole samples belong together on both sides of the hole */
  NEAR (value (m, "error", "si-sdr"), 99);
  NEAR (value (m, "error", "snr"), 6.0206);
  fail_unless_equals_uint64 (number (m, "unmatched-ref"), 2500);
  fail_unless_equals_uint64 (number (m, "unmatched-dist"), 0);
  gst_message_unref (m);
  teardown (&s);
}

GST_END_TEST;

/* Time stamps that a container rounded to milliseconds: no sample is lost or
 * moved by it. */
GST_START_TEST (test_sound_rounded)
{
  GstMessage *m;
  Setup s;
  guint i;

  setup_sound (&s, 44100, 44100);
  for (i = 0; i < 40; i++) {
    gint stream;

    for (stream = 0; stream < 2; stream++) {
      gfloat *data = g_new (gfloat, 1152);
      GstBuffer *buffer;
      guint k;

      for (k = 0; k < 1152; k++) {
        guint32 state = (i * 1152 + k) * 2654435761u;

        data[k] = (gint32) (state ^ state >> 15) / 4294967296.0f;
      }
      buffer = gst_buffer_new_wrapped (data, 1152 * sizeof (gfloat));
      GST_BUFFER_PTS (buffer) = gst_util_uint64_scale (i * 1152, GST_SECOND,
          44100);
      if (stream)
        GST_BUFFER_PTS (buffer) = GST_MSECOND
            * gst_util_uint64_scale_round (i * 1152, 1000, 44100);
      fail_unless_equals_int (gst_harness_push (s.h[stream], buffer),
          GST_FLOW_OK);
    }
  }
  eos (&s, 2);
  m = wait_pooled (&s, NULL);
  NEAR (value (m, "error", "snr"), 99);
  fail_unless_equals_uint64 (number (m, "unmatched-ref"), 0);
  fail_unless_equals_uint64 (number (m, "unmatched-dist"), 0);
  gst_message_unref (m);
  teardown (&s);
}

GST_END_TEST;

GST_START_TEST (test_sound_nan)
{
  gfloat *data = g_new0 (gfloat, 2048);
  GstBuffer *buffer;
  GstMessage *m;
  Setup s;

  setup_sound (&s, 8000, 8000);
  push_sound (&s, 0, 0, 2048, 1, 0);
  data[3] = NAN;
  data[77] = INFINITY;
  buffer = gst_buffer_new_wrapped (data, 2048 * sizeof (gfloat));
  GST_BUFFER_PTS (buffer) = 0;
  gst_harness_push (s.h[1], buffer);
  eos (&s, 2);
  m = wait_pooled (&s, NULL);
  fail_unless_equals_uint64 (number (m, "not-numbers"), 2);
  NEAR (value (m, "error", "snr"), 0);
  gst_message_unref (m);
  teardown (&s);
}

GST_END_TEST;

GST_START_TEST (test_sound_other_rate)
{
  Setup s;

  setup_sound (&s, 8000, 16000);
  push_sound (&s, 0, 0, 100, 1, 0);
  gst_harness_push (s.h[1], gst_buffer_new_allocate (NULL, 400, NULL));
  expect_error (&s, "ref_sink has sound of 8000 Hz and 1 channel");
  teardown (&s);
}

GST_END_TEST;

/* Pictures beside sound. */
GST_START_TEST (test_mixed)
{
  Setup s;

  setup_sound (&s, 8000, 8000);
  gst_harness_set_src_caps (s.h[1], check_caps ("GRAY8", W, H));
  push_sound (&s, 0, 0, 100, 1, 0);
  push (&s, 1, 0, 0);
  expect_error (&s, "dist_sink has 64x48 GRAY8");
  teardown (&s);
}

GST_END_TEST;

/* The reference ends before it had caps. */
GST_START_TEST (test_no_caps)
{
  Setup s;

  setup_full (&s, 0, NULL, NULL, NULL, 0, 0);
  s.h[0] = gst_harness_new_with_element (s.element, "ref_sink", "src");
  s.h[1] = gst_harness_new_with_element (s.element, "dist_sink", NULL);
  gst_harness_set_src_caps (s.h[1], check_caps ("GRAY8", W, H));
  gst_harness_play (s.h[0]);
  gst_harness_push_event (s.h[0], gst_event_new_stream_start ("a"));
  gst_harness_push_event (s.h[0], gst_event_new_eos ());
  push (&s, 1, 0, 0);
  push (&s, 1, 1, 0);
  gst_harness_push_event (s.h[1], gst_event_new_eos ());
  expect_error (&s, "belongs together");
  teardown (&s);
}

GST_END_TEST;

/* Both streams change their size while bands and map are set to be more:
 * what is there already keeps its own. */
GST_START_TEST (test_caps_change)
{
  const GValue *v;
  GstMessage *m;
  Setup s;

  setup_full (&s, 2, "bands", "2", "GRAY8", W, W);
  g_object_set (s.element, "map-size", 2, "interval", G_GUINT64_CONSTANT (1),
      NULL);
  push (&s, 0, 0, 0);
  push (&s, 1, 0, 3);
  push (&s, 0, 1, 0);
  push (&s, 1, 1, 3);
  /* one of them has been compared */
  gst_message_unref (wait_for (&s, GST_MESSAGE_ELEMENT));
  g_object_set (s.element, "bands", 1024, "map-size", 512, NULL);
  gst_harness_set_src_caps (s.h[0], check_caps ("GRAY8", W / 2, H));
  gst_harness_set_src_caps (s.h[1], check_caps ("GRAY8", W / 2, H));
  push_wide (&s, 0, 2, 0, W / 2);
  push_wide (&s, 1, 2, 3, W / 2);
  eos (&s, 2);
  m = wait_pooled (&s, NULL);
  fail_unless_equals_uint64 (number (m, "frames"), 3);
  NEAR (value (m, "error", "mse"), 9);
  NEAR (band (m, "error", 0), 9);
  v = gst_structure_get_value (gst_message_get_structure (m), "ref-bands");
  fail_unless_equals_int (gst_value_array_get_size (v), 3);
  gst_message_unref (m);
  teardown (&s);
}

GST_END_TEST;

/* A frame of the old size that has no partner is no reason to stop. */
GST_START_TEST (test_caps_change_behind)
{
  GstMessage *m;
  Setup s;

  setup (&s, 2);
  push (&s, 0, 0, 0);
  push (&s, 1, 0, 3);
  gst_harness_set_src_caps (s.h[0], check_caps ("GRAY8", W / 2, H));
  push_wide (&s, 0, 2, 0, W / 2);
  push (&s, 1, 1, 3);
  gst_harness_set_src_caps (s.h[1], check_caps ("GRAY8", W / 2, H));
  push_wide (&s, 1, 2, 3, W / 2);
  eos (&s, 2);
  m = wait_pooled (&s, NULL);
  fail_unless_equals_uint64 (number (m, "frames"), 2);
  fail_unless_equals_uint64 (number (m, "unmatched-dist"), 1);
  NEAR (value (m, "error", "mse"), 9);
  gst_message_unref (m);
  teardown (&s);
}

GST_END_TEST;

GST_START_TEST (test_pictures_then_sound)
{
  Setup s;
  gint i;

  setup (&s, 2);
  push (&s, 0, 0, 0);
  push (&s, 1, 0, 3);
  for (i = 0; i < 2; i++)
    gst_harness_set_src_caps (s.h[i], sound_caps (GST_AUDIO_NE (F32), 8000));
  push_sound (&s, 0, 0, 4096, 1, 0);
  gst_harness_push (s.h[1], gst_buffer_new_allocate (NULL, 4096 * 4, NULL));
  expect_error (&s, "changed from pictures to sound");
  teardown (&s);
}

GST_END_TEST;

/* A gap event stands for a frame: it is missing, and nothing else is wrong. */
GST_START_TEST (test_gap)
{
  GstMessage *m;
  Setup s;

  setup (&s, 2);
  push (&s, 0, 0, 0);
  push (&s, 1, 0, 2);
  gst_harness_push_event (s.h[1], gst_event_new_gap (FRAME_TIME, FRAME_TIME));
  push (&s, 0, 1, 0);
  push (&s, 1, 2, 2);
  push (&s, 0, 2, 0);
  eos (&s, 2);
  m = wait_pooled (&s, NULL);
  fail_unless_equals_uint64 (number (m, "frames"), 2);
  fail_unless_equals_uint64 (number (m, "unmatched-ref"), 1);
  fail_unless_equals_uint64 (number (m, "unmatched-dist"), 0);
  NEAR (value (m, "error", "mse"), 4);
  gst_message_unref (m);
  fail_unless (gst_bus_pop_filtered (s.bus, GST_MESSAGE_WARNING) == NULL);
  teardown (&s);
}

GST_END_TEST;

/* After a seek to 10 s: what lies before it does not count, and reports tell the
 * place in the stream. */
GST_START_TEST (test_segment)
{
  GstSegment segment;
  GstMessage *m;
  Setup s;
  guint i;

  setup (&s, 2);
  gst_segment_init (&segment, GST_FORMAT_TIME);
  segment.start = segment.time = segment.position = 250 * FRAME_TIME;
  for (i = 0; i < 2; i++)
    gst_harness_push_event (s.h[i], gst_event_new_segment (&segment));
  push (&s, 1, 249, 2);
  for (i = 250; i < 253; i++) {
    push (&s, 0, i, 0);
    push (&s, 1, i, 2);
  }
  eos (&s, 2);
  m = wait_pooled (&s, NULL);
  fail_unless_equals_uint64 (number (m, "frames"), 3);
  NEAR (value (m, "error", "mse"), 4);
  fail_unless_equals_uint64 (number (m, "running-time"), 0);
  fail_unless_equals_uint64 (number (m, "timestamp"), 250 * FRAME_TIME);
  fail_unless_equals_uint64 (number (m, "stream-time"), 250 * FRAME_TIME);
  gst_message_unref (m);
  teardown (&s);
}

GST_END_TEST;

/* Sources that do not think in time: matched in their order. */
GST_START_TEST (test_bytes)
{
  GstSegment segment;
  GstMessage *m;
  Setup s;
  guint i;

  setup (&s, 2);
  gst_segment_init (&segment, GST_FORMAT_BYTES);
  for (i = 0; i < 2; i++)
    gst_harness_push_event (s.h[i], gst_event_new_segment (&segment));
  for (i = 0; i < 3; i++) {
    push (&s, 0, i, 0);
    push (&s, 1, i, 2);
  }
  eos (&s, 2);
  m = wait_pooled (&s, NULL);
  fail_unless_equals_uint64 (number (m, "frames"), 3);
  NEAR (value (m, "error", "mse"), 4);
  gst_message_unref (m);
  teardown (&s);
}

GST_END_TEST;

static Suite *
spectralinspect_suite (void)
{
  Suite *s = suite_create ("spectralinspect");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (s, tc);
  tcase_add_test (tc, test_known);
  tcase_add_test (tc, test_no_interval);
  tcase_add_test (tc, test_stride);
  tcase_add_test (tc, test_missing);
  tcase_add_test (tc, test_ends_early);
  tcase_add_test (tc, test_three_errors);
  tcase_add_test (tc, test_other_size);
  tcase_add_test (tc, test_nothing_matches);
  tcase_add_test (tc, test_file);
  tcase_add_test (tc, test_full_disk);
  tcase_add_test (tc, test_no_folder);
  tcase_add_test (tc, test_sound);
  tcase_add_test (tc, test_sound_missing);
  tcase_add_test (tc, test_sound_rounded);
  tcase_add_test (tc, test_sound_nan);
  tcase_add_test (tc, test_sound_other_rate);
  tcase_add_test (tc, test_mixed);
  tcase_add_test (tc, test_no_caps);
  tcase_add_test (tc, test_caps_change);
  tcase_add_test (tc, test_caps_change_behind);
  tcase_add_test (tc, test_pictures_then_sound);
  tcase_add_test (tc, test_gap);
  tcase_add_test (tc, test_segment);
  tcase_add_test (tc, test_bytes);
  return s;
}

GST_CHECK_MAIN (spectralinspect);
