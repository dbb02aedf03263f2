/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Predicted frames in the elements: which frames are key frames, flags, and
 * what the decoder does when frames are lost or late. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "walloc-check.h"

#define COUNT 24

/* Picture 0 in which a bar moves; those past 20 are the same. */
static GstBuffer *
make_picture (GstCaps * caps, guint n)
{
  GstBuffer *buffer = check_picture (caps, 0);

  gst_buffer_memset (buffer, 160 * 16 + MIN (n, 20) * 640, 250, 1280);
  GST_BUFFER_PTS (buffer) = n * FRAME_TIME;
  return buffer;
}

/* COUNT frames; a key frame is forced in front of frame @forced, 0: none. */
static GPtrArray *
make_frames (const gchar * props, guint forced, GstCaps ** coded)
{
  GPtrArray *frames =
      g_ptr_array_new_with_free_func ((GDestroyNotify) gst_buffer_unref);
  GstHarness *h = check_encoder (props);
  GstCaps *caps = check_caps ("I420", 160, 120);
  GstElement *enc = gst_harness_find_element (h, "wallocenc");
  guint i;

  gst_harness_set_src_caps (h, gst_caps_ref (caps));
  for (i = 0; i < COUNT; i++) {
    if (forced && i == forced)
      gst_harness_push_upstream_event (h,
          gst_video_event_new_upstream_force_key_unit (GST_CLOCK_TIME_NONE,
              TRUE, 1));
    g_ptr_array_add (frames, gst_harness_push_and_pull (h, make_picture (caps,
                i)));
  }
  if (coded)
    *coded = gst_pad_get_current_caps (h->sinkpad);
  fail_unless (check_stat (enc, "coded-positions") <= check_stat (enc,
          "positions"));
  gst_object_unref (enc);
  gst_caps_unref (caps);
  gst_harness_teardown (h);

  return frames;
}

GST_START_TEST (test_key_frames)
{
  static const struct
  {
    const gchar *props;
    guint distance, forced;
  } cases[] = {
    {"key-int-max=1", 1, 0}, {"key-int-max=6", 6, 0}, {"key-int-max=100", 100,
        0}, {"key-int-max=100", 100, 9}, {"key-int-max=5 quality=90", 5, 13}
  };
  guint c, i, since;

  for (c = 0; c < G_N_ELEMENTS (cases); c++) {
    GPtrArray *frames = make_frames (cases[c].props, cases[c].forced, NULL);

    for (i = 0, since = 0; i < COUNT; i++, since++) {
      GstBuffer *frame = g_ptr_array_index (frames, i);
      gboolean delta = GST_BUFFER_FLAG_IS_SET (frame,
          GST_BUFFER_FLAG_DELTA_UNIT);
      walloc_frame_info info;

      check_parse_header (frame, &info);
      fail_unless_equals_int (info.type != WALLOC_FRAME_KEY, delta);
      if (i == 0 || since == cases[c].distance || (cases[c].forced
              && i == cases[c].forced))
        since = 0;
      fail_unless_equals_int (delta, since > 0);
      fail_unless_equals_int (info.sequence, cases[c].distance > 1 ? i + 1 : 0);
      if (cases[c].distance == 100 && i > 21)
        fail_unless_equals_int (info.type, WALLOC_FRAME_REPEAT);
    }
    g_ptr_array_unref (frames);
  }
}

GST_END_TEST;

/* Frame 3 is lost, 12 is the next key frame. */
GST_START_TEST (test_lost_frame)
{
  GstCaps *coded = NULL;
  GPtrArray *frames = make_frames ("key-int-max=12", 0, &coded);
  guint conceal, i;

  for (conceal = 0; conceal < 2; conceal++) {
    GstHarness *h = check_decoder (conceal ? "conceal=true" : NULL);
    GstElement *dec = gst_harness_find_element (h, "wallocdec");
    GstBus *bus = check_bus (h);
    GstEvent *event;
    guint asked = 0;

    gst_harness_set_src_caps (h, gst_caps_ref (coded));
    for (i = 0; i < COUNT; i++) {
      GstBuffer *out;

      if (i == 3)
        continue;
      fail_unless_equals_int (gst_harness_push (h, gst_buffer_ref
              (g_ptr_array_index (frames, i))), GST_FLOW_OK);
      out = gst_harness_try_pull (h);
      fail_unless_equals_int (out != NULL, conceal || i < 3 || i >= 12);
      if (out) {
        fail_unless_equals_uint64 (GST_BUFFER_PTS (out), i * FRAME_TIME);
        fail_unless_equals_int (GST_BUFFER_FLAG_IS_SET (out,
                GST_BUFFER_FLAG_CORRUPTED) != 0, i > 3 && i < 12);
        gst_buffer_unref (out);
      }
    }
    while ((event = gst_harness_try_pull_upstream_event (h))) {
      asked += gst_video_event_is_force_key_unit (event);
      gst_event_unref (event);
    }
    fail_unless (asked > 0);
    fail_unless_equals_uint64 (check_stat (dec, "waiting"), conceal ? 0 : 8);
    check_assert_message (bus, GST_MESSAGE_WARNING, GST_STREAM_ERROR,
        GST_STREAM_ERROR_DECODE, conceal ? "damaged" : "key frame");
    gst_element_set_bus (h->element, NULL);
    gst_object_unref (bus);
    gst_object_unref (dec);
    gst_harness_teardown (h);
  }
  gst_caps_unref (coded);
  g_ptr_array_unref (frames);
}

GST_END_TEST;

/* Late frames are not shown, and those after them are as if they were. */
GST_START_TEST (test_late_frames)
{
  GstCaps *coded = NULL, *caps = NULL;
  GPtrArray *frames = make_frames ("key-int-max=100", 0, &coded);
  GstHarness *all = check_decoder ("decoder=linear");
  GstHarness *late = check_decoder ("decoder=linear");
  GstElement *dec = gst_harness_find_element (late, "wallocdec");
  GstBuffer *out, *wanted;
  guint i, shown = 0;

  gst_harness_set_src_caps (all, gst_caps_ref (coded));
  gst_harness_set_src_caps (late, gst_caps_ref (coded));
  for (i = 0; i < COUNT; i++) {
    GstBuffer *frame = g_ptr_array_index (frames, i);

    if (i == 4)
      gst_harness_push_upstream_event (late,
          gst_event_new_qos (GST_QOS_TYPE_UNDERFLOW, 2.0, 6 * FRAME_TIME, 0));
    gst_harness_push (all, gst_buffer_ref (frame));
    gst_harness_push (late, gst_buffer_ref (frame));
    wanted = gst_harness_pull (all);
    out = gst_harness_try_pull (late);
    if (out) {
      gst_clear_caps (&caps);
      caps = gst_pad_get_current_caps (late->sinkpad);
      fail_unless (check_psnr (caps, wanted, out) > 98, "frame %u", i);
      shown++;
      gst_buffer_unref (out);
    }
    gst_buffer_unref (wanted);
  }
  fail_unless (check_stat (dec, "dropped") > 0);
  fail_unless (shown > 8 && shown + check_stat (dec, "dropped") == COUNT);
  fail_unless_equals_uint64 (check_stat (dec, "waiting"), 0);
  gst_object_unref (dec);
  gst_caps_unref (caps);
  gst_caps_unref (coded);
  g_ptr_array_unref (frames);
  gst_harness_teardown (all);
  gst_harness_teardown (late);
}

GST_END_TEST;

/* What follows a flush need not follow what came before it. */
GST_START_TEST (test_flush)
{
  GstCaps *coded = NULL;
  GPtrArray *frames = make_frames ("key-int-max=8", 0, &coded);
  GstHarness *h = check_decoder (NULL);
  GstSegment segment;
  guint i;

  gst_harness_set_src_caps (h, gst_caps_ref (coded));
  for (i = 0; i < 3; i++)
    gst_harness_push (h, gst_buffer_ref (g_ptr_array_index (frames, i)));
  gst_harness_push_event (h, gst_event_new_flush_start ());
  gst_harness_push_event (h, gst_event_new_flush_stop (TRUE));
  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_harness_push_event (h, gst_event_new_segment (&segment));
  while (gst_harness_buffers_in_queue (h))
    gst_buffer_unref (gst_harness_pull (h));
  /* 3 follows 2, but that is forgotten */
  gst_harness_push (h, gst_buffer_ref (g_ptr_array_index (frames, 3)));
  fail_if (gst_harness_try_pull (h));
  for (i = 8; i < 11; i++) {
    gst_harness_push (h, gst_buffer_ref (g_ptr_array_index (frames, i)));
    gst_buffer_unref (gst_harness_pull (h));
  }
  gst_caps_unref (coded);
  g_ptr_array_unref (frames);
  gst_harness_teardown (h);
}

GST_END_TEST;

static Suite *
wallocpredict_suite (void)
{
  Suite *s = suite_create ("wallocpredict");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (s, tc);
  tcase_add_test (tc, test_key_frames);
  tcase_add_test (tc, test_lost_frame);
  tcase_add_test (tc, test_late_frames);
  tcase_add_test (tc, test_flush);

  return s;
}

GST_CHECK_MAIN (wallocpredict);
