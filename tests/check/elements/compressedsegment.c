/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* compressedsegment: masks at the pad and in metas, shares, and the pad's own
 * stream. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "compressed-check.h"
#include "gst/compressed/gstcompressedmeta.h"

#define NAME "compressedsegment"

/* A frame that is dark on the left and bright on the right. */
static GstBuffer *
halves_at (gint width, gint height, guint quality, GstCaps ** coded)
{
  gchar *launch = g_strdup_printf ("wallocenc quality=%u model-file=\"%s\"",
      quality, PICTURE_MODEL);
  GstHarness *h = gst_harness_new_parse (launch);
  GstCaps *caps = check_caps ("GRAY8", width, height);
  GstBuffer *frame;

  gst_harness_set_src_caps (h, gst_caps_ref (caps));
  frame = gst_harness_push_and_pull (h, shade_picture (caps, 0, 30, 220));
  *coded = gst_pad_get_current_caps (h->sinkpad);
  gst_caps_unref (caps);
  gst_harness_teardown (h);
  g_free (launch);

  return frame;
}

static GstBuffer *
halves (gint width, gint height, GstCaps ** coded)
{
  return halves_at (width, height, 80, coded);
}

static guint
mask_at (GstBuffer * buffer, const GstVideoInfo * info, guint x, guint y)
{
  guint8 value = 255;

  gst_buffer_extract (buffer, (gsize) y * GST_VIDEO_INFO_PLANE_STRIDE (info,
          0) + x, &value, 1);
  return value;
}

static void
check_mask (GstBuffer * buffer, const GstVideoInfo * info, gint width,
    gint height)
{
  gint x, y;

  fail_unless_equals_int (GST_VIDEO_INFO_WIDTH (info), width);
  fail_unless_equals_int (GST_VIDEO_INFO_HEIGHT (info), height);
  fail_unless (GST_VIDEO_INFO_FORMAT (info) == GST_VIDEO_FORMAT_GRAY8);
  fail_unless_equals_int (gst_buffer_get_size (buffer),
      GST_VIDEO_INFO_SIZE (info));
  for (y = 0; y < height; y++)
    for (x = 0; x < width; x++) {
      guint value = mask_at (buffer, info, x, y);

      /* what is between may be grey, or of the border */
      fail_unless (value <= 2);
      fail_unless (x >= width * 4 / 10 || value == 0);
      fail_unless (x <= width * 6 / 10 || x >= width * 9 / 10 || value == 2);
    }
}

/* Both sizes, at the pad, in the message and in the meta behind a decoder. */
static void
run_sizes (const gchar * network, gint width, gint height, gboolean full)
{
  GstCaps *caps, *mask_caps;
  GstBuffer *frame = halves (width, height, &caps), *out;
  GstHarness *h = compressed_harness (NAME, network,
      full ? "mask-size=full" : "mask-size=latent");
  GstHarness *m = gst_harness_new_with_element (h->element, NULL, "mask");
  GstBus *bus = check_bus (h);
  gint mask_width = full ? width : (width + 7) / 8;
  gint mask_height = full ? height : (height + 7) / 8;
  const GstStructure *meta;
  GstCompressedClass item;
  GstCompressedMask mask;
  GstStructure *s;
  GstVideoInfo info;
  gdouble sum = 0;
  guint i;

  gst_harness_set_src_caps (h, caps);
  out = pass (h, frame);
  s = pop_result (bus, NAME);
  fail_unless (s != NULL && !gst_structure_has_field (s, "mask"));
  fail_unless_equals_int (gst_compressed_result_n_classes (s), 3);
  for (i = 0; i < 3; i++) {
    fail_unless (gst_compressed_result_get_class (s, i, &item));
    fail_unless_equals_int (item.class_id, i);
    sum += item.share;
  }
  fail_unless (fabs (sum - 1) < 1e-5);
  fail_unless_equals_string (item.label, "bright");
  fail_unless_equals_int (item.colour, 0xffff00);
  fail_unless (item.share > 0.35 && item.share < 0.65);
  fail_if (gst_compressed_result_get_class (s, 3, &item));
  gst_structure_free (s);

  meta = gst_compressed_meta_get (out, GST_COMPRESSED_SEGMENT_META, 0);
  fail_unless (meta != NULL && gst_compressed_result_get_mask (meta, &mask));
  fail_unless (gst_compressed_meta_get (out, GST_COMPRESSED_SEGMENT_META, 1)
      == NULL);
  check_mask (mask.buffer, &mask.info, mask_width, mask_height);
  fail_unless_equals_int (mask.cell, full ? 1 : 8);
  fail_unless_equals_int (mask.width, width);
  fail_unless_equals_int (mask.height, height);
  gst_buffer_unref (out);

  out = gst_harness_pull (m);
  mask_caps = gst_pad_get_current_caps (m->sinkpad);
  fail_unless (gst_video_info_from_caps (&info, mask_caps));
  fail_unless_equals_int (info.fps_n, FPS);
  check_mask (out, &info, mask_width, mask_height);
  fail_unless_equals_uint64 (GST_BUFFER_PTS (out), 0);
  fail_unless_equals_uint64 (GST_BUFFER_DURATION (out), FRAME_TIME);
  gst_buffer_unref (out);
  gst_caps_unref (mask_caps);

  gst_object_unref (bus);
  gst_harness_teardown (m);
  gst_harness_teardown (h);
  gst_buffer_unref (frame);
}

GST_START_TEST (test_latent)
{
  run_sizes (NETWORK ("segment"), 160, 96, FALSE);
  run_sizes (NETWORK ("segment"), 163, 99, FALSE);
  /* made for pictures of 64: these are reduced */
  run_sizes (NETWORK ("size-segment"), 160, 96, FALSE);
  run_sizes (NETWORK ("size-segment"), 163, 99, FALSE);
  run_sizes (NETWORK ("size-segment"), 163, 399, FALSE);
}

GST_END_TEST;

GST_START_TEST (test_full)
{
  run_sizes (NETWORK ("segment"), 160, 96, TRUE);
  run_sizes (NETWORK ("segment"), 163, 99, TRUE);
  /* made for pictures of 64: these are reduced */
  run_sizes (NETWORK ("size-segment"), 160, 96, TRUE);
  run_sizes (NETWORK ("size-segment"), 163, 99, TRUE);
  run_sizes (NETWORK ("size-segment"), 163, 399, TRUE);
}

GST_END_TEST;

static guint
coded_scale (GstBuffer * frame)
{
  walloc_frame_info info;
  GstMapInfo map;

  fail_unless (gst_buffer_map (frame, &map, GST_MAP_READ));
  fail_unless (walloc_frame_parse (map.data, map.size, &info, NULL) ==
      WALLOC_OK);
  gst_buffer_unmap (frame, &map);

  return info.scale;
}

/* What the statistics say of a frame's size: zoom, and the grid. */
static void
check_zoom (GstHarness * h, guint64 enlarged, guint64 reduced, gint zoom,
    guint width, guint height)
{
  guint64 e, r;
  guint w, t;
  gint z;
  GstStructure *s;

  g_object_get (h->element, "stats", &s, NULL);
  fail_unless (gst_structure_get (s, "enlarged", G_TYPE_UINT64, &e, "reduced",
          G_TYPE_UINT64, &r, "zoom", G_TYPE_INT, &z, "grid-width",
          G_TYPE_UINT, &w, "grid-height", G_TYPE_UINT, &t, NULL));
  gst_structure_free (s);
  fail_unless_equals_uint64 (e, enlarged);
  fail_unless_equals_uint64 (r, reduced);
  fail_unless_equals_int (z, zoom);
  fail_unless_equals_int (w, width);
  fail_unless_equals_int (t, height);
}

/* Pictures that are coded smaller than they are, and larger ones, come to the
 * network at the size that it was made for, or as they are with
 * resample=false; the mask is of the frame's own grid all the same. */
GST_START_TEST (test_resample)
{
  GstCaps *caps;
  GstBuffer *small = halves_at (66, 75, 1, &caps);
  GstBuffer *large = halves (163, 200, &caps);
  GstHarness *h = compressed_harness (NAME, NETWORK ("size-segment"), NULL);
  guint scale = coded_scale (small), coded = (66 + (1 << scale) - 1) >> scale;
  guint coded_h = (75 + (1 << scale) - 1) >> scale;
  const GstStructure *meta;
  GstCompressedMask mask;
  GstBuffer *out;

  fail_unless (scale > 0);
  gst_harness_set_src_caps (h, caps);
  out = pass (h, small);
  /* coded at half: from 33 to 66 pixels; at a quarter: to 33 and on */
  check_zoom (h, 1, 0, scale, 9, 10);
  meta = gst_compressed_meta_get (out, GST_COMPRESSED_SEGMENT_META, 0);
  fail_unless (meta != NULL && gst_compressed_result_get_mask (meta, &mask));
  fail_unless_equals_int (mask.cell, 8 << scale);
  fail_unless_equals_int (GST_VIDEO_INFO_WIDTH (&mask.info), (coded + 7) / 8);
  fail_unless_equals_int (GST_VIDEO_INFO_HEIGHT (&mask.info),
      (coded_h + 7) / 8);
  gst_buffer_unref (out);
  gst_buffer_unref (pass (h, large));
  check_zoom (h, 1, 1, -1, 11, 13);
  g_object_set (h->element, "resample", FALSE, NULL);
  gst_buffer_unref (pass (h, large));
  check_zoom (h, 1, 1, 0, 21, 25);
  gst_buffer_unref (pass (h, small));
  check_zoom (h, 1, 1, 0, (coded + 7) / 8, (coded_h + 7) / 8);
  g_object_set (h->element, "resample", TRUE, NULL);
  gst_buffer_unref (pass (h, small));
  check_zoom (h, 2, 1, scale, 9, 10);
  gst_buffer_unref (small);
  gst_buffer_unref (large);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* A graph that puts out no numbers: no result, a warning, and the stream goes
 * on. */
GST_START_TEST (test_resample_damaged)
{
  GstCaps *caps;
  GstBuffer *frame = halves (163, 200, &caps);
  GstHarness *h = compressed_harness ("compressedclassify",
      NETWORK ("bad-reduce-nan"), NULL);
  GstBus *bus = check_bus (h);
  GstMessage *message;

  gst_harness_set_src_caps (h, caps);
  gst_buffer_unref (pass (h, frame));
  message = gst_bus_pop_filtered (bus, GST_MESSAGE_WARNING);
  fail_unless (message != NULL);
  gst_message_unref (message);
  fail_unless (pop_result (bus, "compressedclassify") == NULL);
  g_object_set (h->element, "resample", FALSE, NULL);
  gst_buffer_unref (pass (h, frame));
  {
    GstStructure *s = pop_result (bus, "compressedclassify");

    fail_unless (s != NULL);
    gst_structure_free (s);
  }
  gst_object_unref (bus);
  gst_buffer_unref (frame);
  gst_harness_teardown (h);
}

GST_END_TEST;

GST_START_TEST (test_tiny)
{
  GstCaps *caps;
  GstBuffer *frame = halves (1, 1, &caps), *out;
  GstHarness *h = compressed_harness (NAME, NETWORK ("segment"),
      "mask-size=full");
  GstCompressedMask mask;

  gst_harness_set_src_caps (h, caps);
  out = pass (h, frame);
  fail_unless (gst_compressed_result_get_mask (gst_compressed_meta_get (out,
              GST_COMPRESSED_SEGMENT_META, 0), &mask));
  fail_unless_equals_int (GST_VIDEO_INFO_WIDTH (&mask.info), 1);
  fail_unless_equals_int (mask_at (mask.buffer, &mask.info, 0, 0), 2);
  gst_buffer_unref (out);
  gst_harness_teardown (h);
  gst_buffer_unref (frame);
}

GST_END_TEST;

/* The mask goes through a decoder, and a network without a palette has
 * colours all the same. */
GST_START_TEST (test_behind_decoder)
{
  GstCaps *caps;
  GstBuffer *frame = halves (160, 96, &caps), *out;
  GstHarness *h = gst_harness_new_parse (NAME " model-file=\""
      NETWORK ("segment-half") "\" ! wallocdec ! videoconvert ! "
      "capsfilter caps=video/x-raw,format=RGB");
  const GstStructure *meta;
  GstCompressedClass a, b;
  GstCompressedMask mask;

  gst_harness_set_src_caps (h, caps);
  out = pass (h, frame);
  meta = gst_compressed_meta_get (out, GST_COMPRESSED_SEGMENT_META, 0);
  fail_unless (meta != NULL && gst_compressed_result_get_mask (meta, &mask));
  check_mask (mask.buffer, &mask.info, 20, 12);
  fail_unless (gst_compressed_result_get_class (meta, 0, &a));
  fail_unless (gst_compressed_result_get_class (meta, 1, &b));
  fail_unless (a.colour != b.colour && a.colour <= 0xffffff);
  gst_buffer_unref (out);
  gst_harness_teardown (h);
  gst_buffer_unref (frame);
}

GST_END_TEST;

static const guint8 shades[] = { 30, 128, 220, 128, 30, 220 };

/* Events of the pad's own stream: in order, gaps for what is not due, the end. */
GST_START_TEST (test_events)
{
  static const GstEventType wanted[] = {
    GST_EVENT_STREAM_START, GST_EVENT_CAPS, GST_EVENT_SEGMENT, GST_EVENT_GAP,
    GST_EVENT_GAP, GST_EVENT_EOS
  };
  GstCaps *caps;
  GPtrArray *frames = shade_frames (64, 48, shades, 5, NULL, &caps);
  GstHarness *h = compressed_harness (NAME, NETWORK ("segment"), NULL);
  GstHarness *m = gst_harness_new_with_element (h->element, NULL, "mask");
  const GstSegment *got;
  GstSegment segment;
  GstEvent *event;
  guint i;

  g_object_set (h->element, "interval", (guint64) 2 * FRAME_TIME, NULL);
  gst_harness_set_src_caps (h, caps);
  gst_segment_init (&segment, GST_FORMAT_TIME);
  segment.time = GST_SECOND;
  gst_harness_push_event (h, gst_event_new_segment (&segment));
  for (i = 0; i < 5; i++)
    pass_on (h, g_ptr_array_index (frames, i));
  gst_harness_push_event (h, gst_event_new_eos ());
  fail_unless_equals_int (gst_harness_buffers_received (m), 3);
  for (i = 0; i < G_N_ELEMENTS (wanted); i++) {
    event = gst_harness_pull_event (m);
    fail_unless (event != NULL);
    fail_unless_equals_string (GST_EVENT_TYPE_NAME (event),
        gst_event_type_get_name (wanted[i]));
    if (wanted[i] == GST_EVENT_SEGMENT) {
      gst_event_parse_segment (event, &got);
      fail_unless_equals_uint64 (got->time, GST_SECOND);
    }
    gst_event_unref (event);
  }
  fail_unless (gst_harness_try_pull_event (m) == NULL);

  gst_harness_teardown (m);
  gst_harness_teardown (h);
  g_ptr_array_unref (frames);
}

GST_END_TEST;

/* The next gap at @m begins at @time and lasts for @frames. */
static void
expect_gap (GstHarness * m, GstClockTime time, guint frames)
{
  GstClockTime start, duration;
  GstEvent *event;

  while ((event = gst_harness_pull_event (m))
      && GST_EVENT_TYPE (event) != GST_EVENT_GAP)
    gst_event_unref (event);
  fail_unless (event != NULL);
  gst_event_parse_gap (event, &start, &duration);
  fail_unless_equals_uint64 (start, time);
  fail_unless_equals_uint64 (duration, frames * FRAME_TIME);
  gst_event_unref (event);
}

/* What is not due, in the other thread: gaps between the masks, as they come. */
GST_START_TEST (test_leaky_interval)
{
  GstCaps *caps;
  GPtrArray *frames = shade_frames (64, 48, shades, 5, NULL, &caps);
  GstHarness *h = compressed_harness (NAME, NETWORK ("segment"),
      "leaky=true");
  GstHarness *m = gst_harness_new_with_element (h->element, NULL, "mask");
  GstBuffer *mask;
  guint i;

  g_object_set (h->element, "interval", (guint64) 2 * FRAME_TIME, NULL);
  gst_harness_set_src_caps (h, caps);
  for (i = 0; i < 5; i++) {
    pass_on (h, g_ptr_array_index (frames, i));
    if (i % 2) {
      expect_gap (m, i * FRAME_TIME, 1);
    } else {
      mask = gst_harness_pull (m);
      fail_unless_equals_uint64 (GST_BUFFER_PTS (mask), i * FRAME_TIME);
      gst_buffer_unref (mask);
    }
  }
  gst_harness_teardown (m);
  gst_harness_teardown (h);
  g_ptr_array_unref (frames);
}

GST_END_TEST;

/* What newer frames take the place of: one gap for all that follow each other,
 * behind the mask that held them up and before the next. */
GST_START_TEST (test_leaky_gaps)
{
  GstCaps *caps;
  GPtrArray *frames = shade_frames (64, 48, shades, 6, NULL, &caps);
  GstHarness *h = compressed_harness (NAME, NETWORK ("segment"),
      "leaky=true");
  GstHarness *m = gst_harness_new_with_element (h->element, NULL, "mask");
  guint64 skipped;
  GstStructure *s;
  GstBuffer *mask;
  gulong probe;
  guint i;

  gst_harness_set_src_caps (h, caps);
  probe = gst_pad_add_probe (m->sinkpad, GST_PAD_PROBE_TYPE_BLOCK |
      GST_PAD_PROBE_TYPE_BUFFER, NULL, NULL, NULL);
  pass_on (h, g_ptr_array_index (frames, 0));
  while (!gst_pad_is_blocking (m->sinkpad))
    g_usleep (1000);
  for (i = 1; i < 5; i++)
    pass_on (h, g_ptr_array_index (frames, i));
  gst_pad_remove_probe (m->sinkpad, probe);
  mask = gst_harness_pull (m);
  fail_unless_equals_uint64 (GST_BUFFER_PTS (mask), 0);
  gst_buffer_unref (mask);
  expect_gap (m, FRAME_TIME, 3);
  mask = gst_harness_pull (m);
  fail_unless_equals_uint64 (GST_BUFFER_PTS (mask), 4 * FRAME_TIME);
  gst_buffer_unref (mask);
  g_object_get (h->element, "stats", &s, NULL);
  fail_unless (gst_structure_get_uint64 (s, "skipped", &skipped));
  fail_unless_equals_uint64 (skipped, 3);
  gst_structure_free (s);
  gst_harness_teardown (m);
  gst_harness_teardown (h);
  g_ptr_array_unref (frames);
}

GST_END_TEST;

/* A frame of which there is no mask is a gap: who waits for one goes on. In
 * the other thread, too. */
GST_START_TEST (test_damaged)
{
  static const gchar *const props[] = { NULL, "leaky=true" };
  GstCaps *caps;
  GPtrArray *frames = shade_frames (64, 48, shades, 3, NULL, &caps);
  GstBuffer *bad = damage (g_ptr_array_index (frames, 1));
  GstClockTime time;
  GstEvent *event;
  guint i, gaps;

  for (i = 0; i < G_N_ELEMENTS (props); i++) {
    GstHarness *h = compressed_harness (NAME, NETWORK ("segment"), props[i]);
    GstHarness *m = gst_harness_new_with_element (h->element, NULL, "mask");

    gst_harness_set_src_caps (h, gst_caps_ref (caps));
    pass_on (h, g_ptr_array_index (frames, 0));
    /* waits until it is there */
    gst_buffer_unref (gst_harness_pull (m));
    gst_harness_push (h, gst_buffer_ref (bad));
    gst_harness_push_event (h, gst_event_new_eos ());
    fail_unless_equals_int (gst_harness_buffers_received (m), 1);
    for (gaps = 0; (event = gst_harness_try_pull_event (m));) {
      if (GST_EVENT_TYPE (event) == GST_EVENT_GAP) {
        gst_event_parse_gap (event, &time, NULL);
        fail_unless_equals_uint64 (time, FRAME_TIME);
        gaps++;
      }
      gst_event_unref (event);
    }
    fail_unless_equals_int (gaps, 1);
    gst_harness_teardown (m);
    gst_harness_teardown (h);
  }
  gst_buffer_unref (bad);
  gst_caps_unref (caps);
  g_ptr_array_unref (frames);
}

GST_END_TEST;

static GstFlowReturn
broken (GstPad * pad, GstObject * parent, GstBuffer * buffer)
{
  gst_buffer_unref (buffer);
  return GST_FLOW_ERROR;
}

static GstFlowReturn
fine (GstPad * pad, GstObject * parent, GstBuffer * buffer)
{
  gst_buffer_unref (buffer);
  return GST_FLOW_OK;
}

/* An error of the branch ends the stream as long as there is that branch: not
 * when its pad was released, when it was unlinked, when it works again, or when
 * another is linked in its place. */
GST_START_TEST (test_broken_branch)
{
  static const gchar *const props[] = { NULL, "leaky=true" };
  GstCaps *caps;
  GPtrArray *frames = shade_frames (64, 48, shades, 3, NULL, &caps);
  GstBuffer *frame = g_ptr_array_index (frames, 0);
  GstHarness *h = compressed_harness (NAME, NETWORK ("segment"),
      props[__i__ % 2]);
  GstPad *pad = gst_element_request_pad_simple (h->element, "mask");
  GstPad *sink = gst_pad_new ("sink", GST_PAD_SINK);
  GstPad *other = gst_pad_new ("other", GST_PAD_SINK);
  GstFlowReturn flow = GST_FLOW_OK;
  guint i;

  gst_pad_set_chain_function (other, fine);
  gst_pad_set_active (other, TRUE);
  gst_pad_set_chain_function (sink, broken);
  gst_pad_set_active (sink, TRUE);
  fail_unless_equals_int (gst_pad_link (pad, sink), GST_PAD_LINK_OK);
  gst_harness_set_src_caps (h, caps);
  /* in the other thread it takes a while */
  for (i = 0; flow == GST_FLOW_OK && i < 1000; i++) {
    flow = gst_harness_push (h, gst_buffer_ref (frame));
    if (__i__ % 2)
      g_usleep (1000);
  }
  fail_unless_equals_int (flow, GST_FLOW_ERROR);
  switch (__i__ / 2) {
    case 0:
      gst_element_release_request_pad (h->element, pad);
      break;
    case 1:
      gst_pad_unlink (pad, sink);
      break;
    case 2:
      gst_pad_unlink (pad, sink);
      fail_unless_equals_int (gst_pad_link (pad, other), GST_PAD_LINK_OK);
      break;
    default:
      gst_pad_set_chain_function (sink, fine);
      break;
  }
  if (__i__ / 2 == 3)
    for (i = 0; flow != GST_FLOW_OK && i < 1000; i++) {
      flow = gst_harness_push (h, gst_buffer_ref (frame));
      if (__i__ % 2)
        g_usleep (1000);
  } else
    flow = gst_harness_push (h, gst_buffer_ref (frame));
  fail_unless_equals_int (flow, GST_FLOW_OK);
  gst_object_unref (pad);
  gst_pad_set_active (sink, FALSE);
  gst_object_unref (sink);
  gst_pad_set_active (other, FALSE);
  gst_object_unref (other);
  gst_harness_teardown (h);
  g_ptr_array_unref (frames);
}

GST_END_TEST;

GST_START_TEST (test_flush)
{
  GstCaps *caps;
  GPtrArray *frames = shade_frames (64, 48, shades, 3, NULL, &caps);
  GstHarness *h = compressed_harness (NAME, NETWORK ("segment"), NULL);
  GstHarness *m = gst_harness_new_with_element (h->element, NULL, "mask");
  GstSegment segment;
  GstEvent *event;
  guint flushes = 0, segments = 0;

  gst_harness_set_src_caps (h, caps);
  pass_on (h, g_ptr_array_index (frames, 0));
  gst_harness_push_event (h, gst_event_new_flush_start ());
  gst_harness_push_event (h, gst_event_new_flush_stop (TRUE));
  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_harness_push_event (h, gst_event_new_segment (&segment));
  pass_on (h, g_ptr_array_index (frames, 1));
  fail_unless_equals_int (gst_harness_buffers_received (m), 2);
  while ((event = gst_harness_try_pull_event (m))) {
    flushes += GST_EVENT_TYPE (event) == GST_EVENT_FLUSH_STOP;
    segments += GST_EVENT_TYPE (event) == GST_EVENT_SEGMENT;
    gst_event_unref (event);
  }
  fail_unless_equals_int (flushes, 1);
  fail_unless_equals_int (segments, 2);

  gst_harness_teardown (m);
  gst_harness_teardown (h);
  g_ptr_array_unref (frames);
}

GST_END_TEST;

/* One pad at a time, which may come and go while the stream runs. */
GST_START_TEST (test_request)
{
  GstCaps *caps;
  GPtrArray *frames = shade_frames (64, 48, shades, 6, NULL, &caps);
  GstHarness *h = compressed_harness (NAME, NETWORK ("segment"), NULL), *m;
  GstPad *pad;
  guint i;

  gst_harness_set_src_caps (h, caps);
  for (i = 0; i < 3; i++) {
    pass_on (h, g_ptr_array_index (frames, 2 * i));
    m = gst_harness_new_with_element (h->element, NULL, "mask");
    fail_unless (gst_element_request_pad (h->element,
            gst_element_get_pad_template (h->element, "mask"), NULL, NULL) ==
        NULL);
    pass_on (h, g_ptr_array_index (frames, 2 * i + 1));
    fail_unless_equals_int (gst_harness_buffers_received (m), 1);
    pad = gst_element_get_static_pad (h->element, "mask");
    gst_harness_teardown (m);
    /* gone with the harness, or to be released by whoever asked for it */
    if (GST_OBJECT_PARENT (pad))
      gst_element_release_request_pad (h->element, pad);
    gst_object_unref (pad);
    fail_unless (gst_element_get_static_pad (h->element, "mask") == NULL);
  }
  gst_harness_teardown (h);
  g_ptr_array_unref (frames);
}

GST_END_TEST;

GST_START_TEST (test_wrong)
{
  GstCaps *caps;
  GPtrArray *frames = shade_frames (64, 48, shades, 1, NULL, &caps);
  GstHarness *h = compressed_harness (NAME, NULL, NULL);
  GstBus *bus = check_bus (h);

  g_object_set (h->element, "model-file", NETWORK ("classify"), NULL);
  gst_harness_set_src_caps (h, caps);
  fail_unless_equals_int (gst_harness_push (h,
          gst_buffer_ref (g_ptr_array_index (frames, 0))), GST_FLOW_ERROR);
  check_assert_message (bus, GST_MESSAGE_ERROR, GST_RESOURCE_ERROR,
      GST_RESOURCE_ERROR_SETTINGS, "\"classify\" (walloc.task)");
  g_object_set (h->element, "model-file", NETWORK ("bad-palette"), NULL);
  fail_unless_equals_int (gst_harness_push (h,
          gst_buffer_ref (g_ptr_array_index (frames, 0))), GST_FLOW_ERROR);
  check_assert_message (bus, GST_MESSAGE_ERROR, GST_RESOURCE_ERROR,
      GST_RESOURCE_ERROR_READ, "walloc.palette");
  gst_object_unref (bus);
  gst_harness_teardown (h);
  g_ptr_array_unref (frames);
}

GST_END_TEST;

static Suite *
compressedsegment_suite (void)
{
  Suite *s = suite_create (NAME);
  TCase *tc = tcase_create ("general");

  suite_add_tcase (s, tc);
  tcase_add_test (tc, test_latent);
  tcase_add_test (tc, test_full);
  tcase_add_test (tc, test_resample);
  tcase_add_test (tc, test_resample_damaged);
  tcase_add_test (tc, test_tiny);
  tcase_add_test (tc, test_behind_decoder);
  tcase_add_test (tc, test_events);
  tcase_add_test (tc, test_leaky_interval);
  tcase_add_test (tc, test_leaky_gaps);
  tcase_add_test (tc, test_damaged);
  tcase_add_loop_test (tc, test_broken_branch, 0, 8);
  tcase_add_test (tc, test_flush);
  tcase_add_test (tc, test_request);
  tcase_add_test (tc, test_wrong);

  return s;
}

GST_CHECK_MAIN (compressedsegment);
