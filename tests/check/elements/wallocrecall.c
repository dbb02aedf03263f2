/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* wallocdec: lost slices are filled from the picture before, but never from one
 * that has nothing to do with it. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "walloc-check.h"

#define W 96
#define H 160
#define PROPS "slice-rows=4 quality=70"

/* @frame at another time, with slice number @lost (if any) zeroed. */
static GstBuffer *
make_frame (GstBuffer * frame, GstClockTime pts, gint lost)
{
  GstBuffer *copy = gst_buffer_copy_deep (frame);
  walloc_frame_info info;
  GstMapInfo map;
  gsize offset, size;

  GST_BUFFER_PTS (copy) = pts;
  GST_BUFFER_DTS (copy) = GST_CLOCK_TIME_NONE;
  if (lost < 0)
    return copy;
  check_parse_header (copy, &info);
  gst_buffer_map (copy, &map, GST_MAP_READWRITE);
  fail_unless_equals_int (walloc_frame_slice (map.data, &info, lost, &offset,
          &size), WALLOC_OK);
  memset (map.data + offset, 0, size);
  gst_buffer_unmap (copy, &map);
  return copy;
}

static gboolean
same_picture (GstBuffer * a, GstBuffer * b)
{
  GstMapInfo map;
  gboolean same;

  gst_buffer_map (b, &map, GST_MAP_READ);
  same = gst_buffer_get_size (a) == map.size
      && gst_buffer_memcmp (a, 0, map.data, map.size) == 0;
  gst_buffer_unmap (b, &map);
  return same;
}

/* A decoder that has shown the frame at 0 s. */
static GstHarness *
begin (GstCaps * coded, GstBuffer * frame, GstBuffer ** picture)
{
  GstHarness *h = check_decoder ("decoder=linear");

  gst_harness_set_src_caps (h, gst_caps_ref (coded));
  *picture = gst_harness_push_and_pull (h, make_frame (frame, 0, -1));
  return h;
}

static GstBuffer *
show_damaged (GstHarness * h, GstBuffer * frame, GstClockTime pts)
{
  GstBuffer *out = gst_harness_push_and_pull (h, make_frame (frame, pts, 2));

  fail_unless (GST_BUFFER_FLAG_IS_SET (out, GST_BUFFER_FLAG_CORRUPTED));
  return out;
}

/* What a damaged frame looks like to a decoder that has seen nothing. */
static GstBuffer *
show_alone (GstCaps * coded, GstBuffer * frame)
{
  GstHarness *h = check_decoder ("decoder=linear");
  GstBuffer *out;

  gst_harness_set_src_caps (h, gst_caps_ref (coded));
  out = show_damaged (h, frame, 0);
  gst_harness_teardown (h);
  return out;
}

GST_START_TEST (test_still)
{
  GstCaps *coded = NULL;
  GPtrArray *frames = check_encode ("I420", W, H, 1, PROPS, &coded);
  GstBuffer *frame = g_ptr_array_index (frames, 0), *good, *out;
  GstHarness *h = begin (coded, frame, &good);
  walloc_frame_info info;
  guint i;

  check_parse_header (frame, &info);
  fail_unless_equals_int (info.slices, 5);
  for (i = 0; i < info.slices; i++) {
    out = gst_harness_push_and_pull (h, make_frame (frame, (i + 1) *
            FRAME_TIME, i));
    fail_unless (GST_BUFFER_FLAG_IS_SET (out, GST_BUFFER_FLAG_CORRUPTED));
    fail_unless (same_picture (out, good), "slice %u", i);
    gst_buffer_unref (out);
  }
  gst_buffer_unref (good);
  gst_harness_teardown (h);
  gst_caps_unref (coded);
  g_ptr_array_unref (frames);
}

GST_END_TEST;

GST_START_TEST (test_moving)
{
  GstCaps *coded = NULL, *caps = check_caps ("I420", W, H);
  GPtrArray *frames = check_encode ("I420", W, H, 8, PROPS, &coded);
  GstBuffer *first, *out, *alone, *picture;
  gdouble with, without, sum = 0;
  GstHarness *h;
  guint i;

  for (i = 1; i < 8; i++) {
    GstBuffer *frame = g_ptr_array_index (frames, i);

    h = begin (coded, g_ptr_array_index (frames, i - 1), &first);
    out = show_damaged (h, frame, FRAME_TIME);
    alone = show_alone (coded, frame);
    picture = check_picture (caps, i);
    with = check_psnr (caps, picture, out);
    without = check_psnr (caps, picture, alone);
    fail_unless (with > without - 0.1, "%f dB, was %f", with, without);
    sum += with - without;
    gst_buffer_unref (picture);
    gst_buffer_unref (alone);
    gst_buffer_unref (out);
    gst_buffer_unref (first);
    gst_harness_teardown (h);
  }
  fail_unless (sum / 7 > 1, "%f dB better", sum / 7);
  gst_caps_unref (caps);
  gst_caps_unref (coded);
  g_ptr_array_unref (frames);
}

GST_END_TEST;

typedef enum
{
  FLUSH,
  SEGMENT,
  CAPS,
  FAR,
  BACK,
  UNTIMED,
  HALF_TIME,
  LAST_TIME,
  RESTART,
  REASONS
} reason;

/* What makes the picture before one of another place. */
static GstClockTime
interrupt (GstHarness * h, GstCaps * coded, reason why)
{
  GstSegment segment;
  GstCaps *caps;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  switch (why) {
    case FLUSH:
      gst_harness_push_event (h, gst_event_new_flush_start ());
      gst_harness_push_event (h, gst_event_new_flush_stop (TRUE));
      gst_harness_push_event (h, gst_event_new_segment (&segment));
      return FRAME_TIME;
    case SEGMENT:
      segment.base = GST_SECOND;
      gst_harness_push_event (h, gst_event_new_segment (&segment));
      return FRAME_TIME;
    case CAPS:
      caps = gst_caps_copy (coded);
      gst_caps_set_simple (caps, "framerate", GST_TYPE_FRACTION, 5, 1, NULL);
      gst_harness_push_event (h, gst_event_new_caps (caps));
      gst_caps_unref (caps);
      return FRAME_TIME;
    case FAR:
      return 2 * GST_SECOND;
    case BACK:
      gst_buffer_unref (gst_harness_push_and_pull (h, make_frame
              (g_object_get_data (G_OBJECT (h->element), "frame"),
                  9 * GST_SECOND, -1)));
      return 5 * GST_SECOND;
    case UNTIMED:
    case HALF_TIME:
    case LAST_TIME:
      return GST_CLOCK_TIME_NONE;
    default:
      gst_element_set_state (h->element, GST_STATE_NULL);
      gst_element_set_state (h->element, GST_STATE_PLAYING);
      gst_harness_push_event (h, gst_event_new_stream_start ("again"));
      gst_harness_push_event (h, gst_event_new_caps (coded));
      gst_harness_push_event (h, gst_event_new_segment (&segment));
      return FRAME_TIME;
  }
}

GST_START_TEST (test_elsewhere)
{
  GstCaps *coded = NULL;
  GPtrArray *frames = check_encode ("I420", W, H, 1, PROPS, &coded);
  GstBuffer *frame = g_ptr_array_index (frames, 0), *good, *out, *alone;
  GstClockTime pts;
  GstHarness *h;

  /* the header has a time too, which may be any */
  if (__i__ >= UNTIMED && __i__ <= LAST_TIME) {
    walloc_frame_info info;

    check_parse_header (frame, &info);
    info.pts = __i__ == UNTIMED ? WALLOC_TIME_NONE : __i__ == LAST_TIME ?
        WALLOC_TIME_NONE - 1 : G_GUINT64_CONSTANT (1) << 63;
    info.duration = WALLOC_TIME_NONE;
    out = check_rewrite (frame, &info);
    gst_buffer_unref (frame);
    g_ptr_array_index (frames, 0) = frame = out;
  }
  alone = show_alone (coded, frame);
  h = begin (coded, frame, &good);
  g_object_set_data (G_OBJECT (h->element), "frame", frame);
  pts = interrupt (h, coded, __i__);
  out = show_damaged (h, frame, pts);
  fail_unless (same_picture (out, alone), "after reason %d", __i__);
  fail_if (same_picture (out, good));
  gst_buffer_unref (out);
  gst_buffer_unref (alone);
  gst_buffer_unref (good);
  gst_harness_teardown (h);
  gst_caps_unref (coded);
  g_ptr_array_unref (frames);
}

GST_END_TEST;

/* Loss marks frames as a discontinuity, which is no reason. */
GST_START_TEST (test_discont)
{
  GstCaps *coded = NULL;
  GPtrArray *frames = check_encode ("I420", W, H, 1, PROPS, &coded);
  GstBuffer *frame = g_ptr_array_index (frames, 0), *good, *out;
  GstHarness *h = begin (coded, frame, &good);

  out = make_frame (frame, FRAME_TIME, 2);
  GST_BUFFER_FLAG_SET (out, GST_BUFFER_FLAG_DISCONT);
  out = gst_harness_push_and_pull (h, out);
  fail_unless (same_picture (out, good));
  gst_buffer_unref (out);
  gst_buffer_unref (good);
  gst_harness_teardown (h);
  gst_caps_unref (coded);
  g_ptr_array_unref (frames);
}

GST_END_TEST;

static Suite *
wallocrecall_suite (void)
{
  Suite *s = suite_create ("wallocrecall");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (s, tc);
  tcase_add_test (tc, test_still);
  tcase_add_test (tc, test_moving);
  tcase_add_loop_test (tc, test_elsewhere, 0, REASONS);
  tcase_add_test (tc, test_discont);

  return s;
}

GST_CHECK_MAIN (wallocrecall);
