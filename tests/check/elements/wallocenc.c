/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* wallocenc: negotiation, formats, strides, events, properties, errors. */
#include "walloc-check.h"

GST_START_TEST (test_getcaps_formats)
{
  GstHarness *h = check_encoder (NULL);
  GstPad *pad = gst_pad_get_peer (h->srcpad);
  GstCaps *caps = gst_pad_query_caps (pad, NULL);
  const GValue *formats;

  formats = gst_structure_get_value (gst_caps_get_structure (caps, 0),
      "format");
  fail_unless_equals_int (gst_value_list_get_size (formats),
      G_N_ELEMENTS (check_formats));
  gst_caps_unref (caps);
  gst_object_unref (pad);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* a reference model takes RGB only, and says so before any picture comes */
GST_START_TEST (test_getcaps_narrowed_by_model)
{
  GstHarness *h = gst_harness_new_parse ("wallocenc model-file=\""
      TEST_GOLDEN_DIR "/models/reference-test.wlm\"");
  GstPad *pad = gst_pad_get_peer (h->srcpad);
  GstCaps *caps = gst_pad_query_caps (pad, NULL);
  GstCaps *rgb = gst_caps_from_string ("video/x-raw,format=RGB");
  GstCaps *i420 = gst_caps_from_string ("video/x-raw,format=I420");

  fail_unless (gst_caps_can_intersect (caps, rgb));
  fail_if (gst_caps_can_intersect (caps, i420));
  gst_caps_unref (i420);
  gst_caps_unref (rgb);
  gst_caps_unref (caps);
  gst_object_unref (pad);
  gst_harness_teardown (h);
}

GST_END_TEST;

GST_START_TEST (test_getcaps_from_downstream)
{
  GstHarness *h = check_encoder (NULL);
  GstPad *pad;
  GstCaps *caps, *wanted;

  gst_harness_set_sink_caps_str (h, "video/x-walloc,width=64,height=[32,48],"
      "framerate=30/1");
  pad = gst_pad_get_peer (h->srcpad);
  caps = gst_pad_query_caps (pad, NULL);
  wanted = gst_caps_from_string ("video/x-raw,width=64,height=[32,48],"
      "framerate=30/1");
  fail_unless (gst_caps_is_subset (caps, wanted), "%" GST_PTR_FORMAT, caps);
  fail_if (gst_caps_is_empty (caps));
  gst_caps_unref (wanted);
  gst_caps_unref (caps);
  gst_object_unref (pad);
  gst_harness_teardown (h);
}

GST_END_TEST;

GST_START_TEST (test_getcaps_without_common)
{
  GstHarness *h = check_encoder (NULL);
  GstPad *pad;
  GstCaps *caps;

  gst_harness_set_sink_caps_str (h, "video/x-h264");
  pad = gst_pad_get_peer (h->srcpad);
  caps = gst_pad_query_caps (pad, NULL);
  fail_unless (gst_caps_is_empty (caps));
  gst_caps_unref (caps);
  gst_object_unref (pad);
  gst_harness_teardown (h);
}

GST_END_TEST;

GST_START_TEST (test_refuses_other_caps)
{
  static const gchar *const bad[] = {
    "video/x-raw,format=UYVY,width=16,height=16,framerate=1/1",
    "video/x-raw,format=I420,width=16385,height=16,framerate=1/1",
    "video/x-raw,format=I420,width=16,height=0,framerate=1/1",
    "video/x-raw(memory:GLMemory),format=I420,width=16,height=16,"
        "framerate=1/1",
    "image/jpeg,width=16,height=16"
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (bad); i++) {
    GstHarness *h = check_encoder (NULL);
    GstCaps *caps = gst_caps_from_string (bad[i]);

    fail_if (gst_pad_peer_query_accept_caps (h->srcpad, caps), "%s", bad[i]);
    gst_caps_unref (caps);
    gst_harness_teardown (h);
  }
}

GST_END_TEST;

GST_START_TEST (test_every_format)
{
  guint i;

  for (i = 0; i < G_N_ELEMENTS (check_formats); i++) {
    GstCaps *coded = NULL;
    GPtrArray *frames = check_encode (check_formats[i], 96, 64, 2, NULL,
        &coded);
    GstStructure *s = gst_caps_get_structure (coded, 0);
    walloc_frame_info info;
    gchar *id;
    gint width, height, n, d;

    check_parse_header (g_ptr_array_index (frames, 1), &info);
    fail_unless_equals_string (walloc_format_name (info.format),
        check_formats[i]);
    fail_unless_equals_int (info.width, 96);
    fail_unless_equals_int (info.height, 64);
    fail_unless_equals_uint64 (info.pts, FRAME_TIME);
    fail_unless_equals_uint64 (info.duration, FRAME_TIME);
    fail_unless_equals_int (info.fps_n, FPS);
    fail_unless_equals_int (info.fps_d, 1);

    fail_unless (gst_structure_has_name (s, "video/x-walloc"));
    fail_unless (gst_structure_get (s, "width", G_TYPE_INT, &width, "height",
            G_TYPE_INT, &height, "framerate", GST_TYPE_FRACTION, &n, &d, NULL));
    fail_unless (width == 96 && height == 64 && n == FPS && d == 1);
    fail_unless_equals_string (gst_structure_get_string (s, "alignment"),
        "frame");
    id = g_strdup_printf ("%016" G_GINT64_MODIFIER "x", info.model_id);
    fail_unless_equals_string (gst_structure_get_string (s, "model-id"), id);
    g_free (id);

    fail_if (GST_BUFFER_FLAG_IS_SET (g_ptr_array_index (frames, 1),
            GST_BUFFER_FLAG_DELTA_UNIT));
    gst_caps_unref (coded);
    g_ptr_array_unref (frames);
  }
}

GST_END_TEST;

GST_START_TEST (test_odd_sizes)
{
  static const gint sizes[][2] = {
    {1, 1}, {1, 9}, {2, 1}, {7, 3}, {8, 8}, {9, 17}, {33, 1}, {65, 31}
  };
  guint i, f;

  for (i = 0; i < G_N_ELEMENTS (sizes); i++) {
    for (f = 0; f < G_N_ELEMENTS (check_formats); f++) {
      GPtrArray *frames = check_encode (check_formats[f], sizes[i][0],
          sizes[i][1], 1, NULL, NULL);
      walloc_frame_info info;

      check_parse_header (g_ptr_array_index (frames, 0), &info);
      fail_unless_equals_int (info.width, sizes[i][0]);
      fail_unless_equals_int (info.height, sizes[i][1]);
      g_ptr_array_unref (frames);
    }
  }
}

GST_END_TEST;

/* what cannot be known is not written */
GST_START_TEST (test_zero_framerate_no_times)
{
  GstHarness *h = check_encoder (NULL);
  GstCaps *caps = gst_caps_from_string ("video/x-raw,format=GRAY8,width=16,"
      "height=16,framerate=0/1");
  GstBuffer *picture, *out;
  walloc_frame_info info;

  gst_harness_set_src_caps (h, gst_caps_ref (caps));
  picture = check_picture (caps, 0);
  GST_BUFFER_PTS (picture) = GST_CLOCK_TIME_NONE;
  GST_BUFFER_DURATION (picture) = GST_CLOCK_TIME_NONE;
  out = gst_harness_push_and_pull (h, picture);
  check_parse_header (out, &info);
  fail_unless_equals_int (info.fps_n, 0);
  fail_unless_equals_uint64 (info.pts, WALLOC_TIME_NONE);
  fail_unless_equals_uint64 (info.duration, WALLOC_TIME_NONE);
  gst_buffer_unref (out);
  gst_caps_unref (caps);
  gst_harness_teardown (h);
}

GST_END_TEST;

GST_START_TEST (test_header_carries_colour_and_aspect)
{
  GstHarness *h = check_encoder (NULL);
  GstCaps *caps = gst_caps_from_string ("video/x-raw,format=I420,width=32,"
      "height=16,framerate=30000/1001,pixel-aspect-ratio=16/11,"
      "colorimetry=bt709,chroma-site=mpeg2");
  GstBuffer *out;
  GstCaps *coded;
  walloc_frame_info info;

  gst_harness_set_src_caps (h, gst_caps_ref (caps));
  out = gst_harness_push_and_pull (h, check_picture (caps, 0));
  check_parse_header (out, &info);
  fail_unless_equals_int (info.fps_n, 30000);
  fail_unless_equals_int (info.fps_d, 1001);
  fail_unless_equals_int (info.par_n, 16);
  fail_unless_equals_int (info.par_d, 11);
  fail_unless (info.has_colour);
  fail_unless_equals_int (info.colour.range, 2);
  fail_unless_equals_int (info.colour.matrix, 1);
  fail_unless_equals_int (info.colour.transfer, 1);
  fail_unless_equals_int (info.colour.primaries, 1);
  fail_unless_equals_int (info.colour.chroma_site, GST_VIDEO_CHROMA_SITE_MPEG2);

  coded = gst_pad_get_current_caps (h->sinkpad);
  fail_unless_equals_string (gst_structure_get_string (gst_caps_get_structure
          (coded, 0), "colorimetry"), "bt709");
  gst_caps_unref (coded);
  gst_buffer_unref (out);
  gst_caps_unref (caps);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* The picture @n in planes of their own memory, with wide strides. */
static GstBuffer *
padded_picture (GstCaps * caps, guint n)
{
  GstVideoInfo info;
  GstVideoFrame frame;
  GstBuffer *buffer = gst_buffer_new ();
  gsize offset[GST_VIDEO_MAX_PLANES] = { 0 }, total = 0;
  gint stride[GST_VIDEO_MAX_PLANES] = { 0 };
  guint i;

  gst_video_info_from_caps (&info, caps);
  for (i = 0; i < GST_VIDEO_INFO_N_PLANES (&info); i++) {
    gsize size;

    stride[i] = GST_VIDEO_INFO_PLANE_STRIDE (&info, i) + 37 + 11 * i;
    size = (gsize) stride[i] * GST_VIDEO_INFO_COMP_HEIGHT (&info, i);
    offset[i] = total;
    gst_buffer_append_memory (buffer, gst_allocator_alloc (NULL, size, NULL));
    total += size;
  }
  gst_buffer_add_video_meta_full (buffer, GST_VIDEO_FRAME_FLAG_NONE,
      GST_VIDEO_INFO_FORMAT (&info), GST_VIDEO_INFO_WIDTH (&info),
      GST_VIDEO_INFO_HEIGHT (&info), GST_VIDEO_INFO_N_PLANES (&info), offset,
      stride);
  fail_unless (gst_video_frame_map (&frame, &info, buffer, GST_MAP_WRITE));
  check_paint (&frame, n);
  gst_video_frame_unmap (&frame);
  GST_BUFFER_PTS (buffer) = n * FRAME_TIME;
  GST_BUFFER_DURATION (buffer) = FRAME_TIME;

  return buffer;
}

GST_START_TEST (test_strides)
{
  guint f;

  for (f = 0; f < G_N_ELEMENTS (check_formats); f++) {
    GstHarness *h = check_encoder (NULL);
    GstCaps *caps = check_caps (check_formats[f], 75, 43);
    GstBuffer *padded = padded_picture (caps, 3), *a, *b;
    GstMemory *memories[3] = { NULL };
    guint i, n = gst_buffer_n_memory (padded);

    for (i = 0; i < n; i++)
      memories[i] = gst_buffer_peek_memory (padded, i);
    gst_harness_set_src_caps (h, gst_caps_ref (caps));
    a = gst_harness_push_and_pull (h, check_picture (caps, 3));
    b = gst_harness_push_and_pull (h, gst_buffer_ref (padded));
    fail_unless (check_same (a, b), "%s", check_formats[f]);

    /* planes in several memories were read where they lie: a copy would have
     * merged them */
    fail_unless_equals_int (gst_buffer_n_memory (padded), n);
    for (i = 0; i < n; i++)
      fail_unless (gst_buffer_peek_memory (padded, i) == memories[i]);
    gst_buffer_unref (padded);
    gst_buffer_unref (a);
    gst_buffer_unref (b);
    gst_caps_unref (caps);
    gst_harness_teardown (h);
  }
}

GST_END_TEST;

GST_START_TEST (test_proposes_video_meta)
{
  GstHarness *h = check_encoder (NULL);
  GstCaps *caps = check_caps ("NV12", 64, 64);
  GstQuery *query;

  gst_harness_set_src_caps (h, gst_caps_ref (caps));
  query = gst_query_new_allocation (caps, TRUE);
  fail_unless (gst_pad_peer_query (h->srcpad, query));
  fail_unless (gst_query_find_allocation_meta (query, GST_VIDEO_META_API_TYPE,
          NULL));
  fail_unless (gst_query_get_n_allocation_pools (query) > 0);
  gst_query_unref (query);
  gst_caps_unref (caps);
  gst_harness_teardown (h);
}

GST_END_TEST;

GST_START_TEST (test_buffer_smaller_than_caps)
{
  GstHarness *h = check_encoder (NULL);
  GstBus *bus = check_bus (h);
  GstCaps *caps = check_caps ("I420", 64, 64);
  GstBuffer *picture = gst_buffer_new_allocate (NULL, 100, NULL);

  gst_buffer_memset (picture, 0, 0, 100);
  gst_harness_set_src_caps (h, caps);
  fail_unless_equals_int (gst_harness_push (h, picture), GST_FLOW_ERROR);
  check_assert_message (bus, GST_MESSAGE_ERROR, GST_RESOURCE_ERROR,
      GST_RESOURCE_ERROR_READ, "smaller");
  gst_element_set_bus (h->element, NULL);
  gst_object_unref (bus);
  gst_harness_teardown (h);
}

GST_END_TEST;

GST_START_TEST (test_caps_change)
{
  static const struct
  {
    const gchar *format;
    gint width, height;
  } steps[] = {
    {"I420", 64, 48}, {"I420", 32, 80}, {"RGB", 32, 80}, {"GRAY8", 1, 1},
    {"Y444", 200, 100}, {"I420", 64, 48}
  };
  GstHarness *h = check_encoder (NULL);
  GstBuffer *first = NULL;
  guint i;

  for (i = 0; i < G_N_ELEMENTS (steps); i++) {
    GstCaps *caps = check_caps (steps[i].format, steps[i].width,
        steps[i].height);
    GstCaps *coded;
    GstBuffer *out;
    walloc_frame_info info;
    gint width = 0;

    gst_harness_set_src_caps (h, gst_caps_ref (caps));
    out = gst_harness_push_and_pull (h, check_picture (caps, 0));
    check_parse_header (out, &info);
    fail_unless_equals_int (info.width, steps[i].width);
    fail_unless_equals_int (info.height, steps[i].height);
    coded = gst_pad_get_current_caps (h->sinkpad);
    gst_structure_get_int (gst_caps_get_structure (coded, 0), "width", &width);
    fail_unless_equals_int (width, steps[i].width);
    gst_caps_unref (coded);
    gst_caps_unref (caps);
    if (i == 0)
      first = gst_buffer_ref (out);
    else if (i == G_N_ELEMENTS (steps) - 1)
      fail_unless (check_same (first, out));
    gst_buffer_unref (out);
  }
  gst_buffer_unref (first);
  gst_harness_teardown (h);
}

GST_END_TEST;

GST_START_TEST (test_force_key_unit)
{
  GstHarness *h = check_encoder (NULL);
  GstCaps *caps = check_caps ("I420", 32, 32);
  GstEvent *event;
  GstBuffer *out;
  gboolean found = FALSE;

  gst_harness_set_src_caps (h, gst_caps_ref (caps));
  gst_buffer_unref (gst_harness_push_and_pull (h, check_picture (caps, 0)));
  fail_unless (gst_harness_push_upstream_event (h,
          gst_video_event_new_upstream_force_key_unit (GST_CLOCK_TIME_NONE,
              TRUE, 7)));
  out = gst_harness_push_and_pull (h, check_picture (caps, 1));
  fail_if (GST_BUFFER_FLAG_IS_SET (out, GST_BUFFER_FLAG_DELTA_UNIT));
  gst_buffer_unref (out);
  while ((event = gst_harness_try_pull_event (h))) {
    if (gst_video_event_is_force_key_unit (event)) {
      guint count = 0;

      gst_video_event_parse_downstream_force_key_unit (event, NULL, NULL, NULL,
          NULL, &count);
      fail_unless_equals_int (count, 7);
      found = TRUE;
    }
    gst_event_unref (event);
  }
  fail_unless (found);
  gst_caps_unref (caps);
  gst_harness_teardown (h);
}

GST_END_TEST;

GST_START_TEST (test_flush)
{
  GstHarness *h = check_encoder (NULL);
  GstCaps *caps = check_caps ("I420", 32, 32);
  GstSegment segment;

  gst_harness_set_src_caps (h, gst_caps_ref (caps));
  gst_buffer_unref (gst_harness_push_and_pull (h, check_picture (caps, 0)));
  fail_unless (gst_harness_push_event (h, gst_event_new_flush_start ()));
  fail_unless_equals_int (gst_harness_push (h, check_picture (caps, 1)),
      GST_FLOW_FLUSHING);
  fail_unless (gst_harness_push_event (h, gst_event_new_flush_stop (TRUE)));
  gst_segment_init (&segment, GST_FORMAT_TIME);
  fail_unless (gst_harness_push_event (h, gst_event_new_segment (&segment)));
  gst_buffer_unref (gst_harness_push_and_pull (h, check_picture (caps, 2)));
  gst_caps_unref (caps);
  gst_harness_teardown (h);
}

GST_END_TEST;

GST_START_TEST (test_eos_with_nothing)
{
  GstHarness *h = check_encoder (NULL);
  GstEvent *event;
  gboolean eos = FALSE;

  gst_harness_set_src_caps (h, check_caps ("I420", 32, 32));
  fail_unless (gst_harness_push_event (h, gst_event_new_eos ()));
  while ((event = gst_harness_try_pull_event (h))) {
    eos |= GST_EVENT_TYPE (event) == GST_EVENT_EOS;
    gst_event_unref (event);
  }
  fail_unless (eos);
  fail_unless_equals_int (gst_harness_buffers_received (h), 0);
  gst_harness_teardown (h);
}

GST_END_TEST;

GST_START_TEST (test_gap)
{
  GstHarness *h = check_encoder (NULL);
  GstCaps *caps = check_caps ("I420", 32, 32);
  GstEvent *event;
  gboolean gap = FALSE;

  gst_harness_set_src_caps (h, gst_caps_ref (caps));
  gst_buffer_unref (gst_harness_push_and_pull (h, check_picture (caps, 0)));
  fail_unless (gst_harness_push_event (h, gst_event_new_gap (FRAME_TIME,
              FRAME_TIME)));
  gst_buffer_unref (gst_harness_push_and_pull (h, check_picture (caps, 2)));
  while ((event = gst_harness_try_pull_event (h))) {
    gap |= GST_EVENT_TYPE (event) == GST_EVENT_GAP;
    gst_event_unref (event);
  }
  fail_unless (gap);
  gst_caps_unref (caps);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* pictures outside the segment are not coded */
GST_START_TEST (test_segment)
{
  GstHarness *h = check_encoder (NULL);
  GstCaps *caps = check_caps ("I420", 32, 32);
  GstSegment segment;
  guint i;

  gst_harness_set_src_caps (h, gst_caps_ref (caps));
  gst_segment_init (&segment, GST_FORMAT_TIME);
  segment.start = 2 * FRAME_TIME;
  segment.stop = 4 * FRAME_TIME;
  fail_unless (gst_harness_push_event (h, gst_event_new_segment (&segment)));
  for (i = 0; i < 8; i++)
    fail_unless_equals_int (gst_harness_push (h, check_picture (caps, i)),
        GST_FLOW_OK);
  fail_unless_equals_int (gst_harness_buffers_received (h), 2);
  gst_caps_unref (caps);
  gst_harness_teardown (h);
}

GST_END_TEST;

GST_START_TEST (test_latency)
{
  GstHarness *h = check_encoder (NULL);

  gst_harness_set_src_caps (h, check_caps ("I420", 32, 32));
  gst_harness_set_upstream_latency (h, 123 * GST_MSECOND);
  fail_unless_equals_uint64 (gst_harness_query_latency (h), 123 * GST_MSECOND);
  gst_harness_teardown (h);
}

GST_END_TEST;

GST_START_TEST (test_qos_drops_late)
{
  GstHarness *h = check_encoder ("qos=true");
  GstElement *enc = gst_harness_find_element (h, "wallocenc");
  GstCaps *caps = check_caps ("I420", 32, 32);

  gst_harness_set_src_caps (h, gst_caps_ref (caps));
  gst_buffer_unref (gst_harness_push_and_pull (h, check_picture (caps, 0)));
  gst_harness_push_upstream_event (h, gst_event_new_qos (GST_QOS_TYPE_UNDERFLOW,
          2.0, 10 * FRAME_TIME, 0));
  fail_unless_equals_int (gst_harness_push (h, check_picture (caps, 1)),
      GST_FLOW_OK);
  fail_unless_equals_int (gst_harness_buffers_in_queue (h), 0);
  gst_buffer_unref (gst_harness_push_and_pull (h, check_picture (caps, 40)));
  fail_unless_equals_uint64 (check_stat (enc, "dropped"), 1);
  fail_unless_equals_uint64 (check_stat (enc, "frames"), 2);
  gst_object_unref (enc);
  gst_caps_unref (caps);
  gst_harness_teardown (h);
}

GST_END_TEST;

GST_START_TEST (test_properties_while_playing)
{
  GstHarness *h = check_encoder ("quality=90");
  GstElement *enc = gst_harness_find_element (h, "wallocenc");
  GstCaps *caps = check_caps ("I420", 160, 120);
  GstBuffer *high, *low, *few, *again;
  walloc_frame_info a, b;

  gst_harness_set_src_caps (h, gst_caps_ref (caps));
  high = gst_harness_push_and_pull (h, check_picture (caps, 0));
  g_object_set (enc, "quality", 10, NULL);
  low = gst_harness_push_and_pull (h, check_picture (caps, 0));
  fail_unless (gst_buffer_get_size (low) < gst_buffer_get_size (high));
  g_object_set (enc, "quality", 90, "channels", 3, NULL);
  few = gst_harness_push_and_pull (h, check_picture (caps, 0));
  check_parse_header (few, &a);
  check_parse_header (high, &b);
  fail_unless_equals_int (a.channels, 3);
  fail_unless_equals_int (a.step_index, b.step_index);
  g_object_set (enc, "channels", 0, NULL);
  again = gst_harness_push_and_pull (h, check_picture (caps, 0));
  fail_unless (check_same (high, again));
  gst_buffer_unref (high);
  gst_buffer_unref (low);
  gst_buffer_unref (few);
  gst_buffer_unref (again);
  gst_object_unref (enc);
  gst_caps_unref (caps);
  gst_harness_teardown (h);
}

GST_END_TEST;

GST_START_TEST (test_snapshot)
{
  GstHarness *h = check_encoder ("snapshot=true");
  GstCaps *caps = check_caps ("RGB", 32, 32);

  gst_harness_set_src_caps (h, gst_caps_ref (caps));
  fail_unless_equals_int (gst_harness_push (h, check_picture (caps, 0)),
      GST_FLOW_EOS);
  fail_unless_equals_int (gst_harness_buffers_received (h), 1);
  gst_caps_unref (caps);
  gst_harness_teardown (h);
}

GST_END_TEST;

GST_START_TEST (test_presets)
{
  GstElement *enc = gst_element_factory_make ("wallocenc", NULL);
  gchar **names, **name;
  guint count = 0, quality;

  names = gst_preset_get_preset_names (GST_PRESET (enc));
  fail_unless (names != NULL);
  for (name = names; *name; name++) {
    fail_unless (gst_preset_load_preset (GST_PRESET (enc), *name), "%s", *name);
    count++;
  }
  fail_unless (count >= 4);
  fail_unless (gst_preset_load_preset (GST_PRESET (enc), "archive"));
  g_object_get (enc, "quality", &quality, NULL);
  fail_unless (quality > 80);
  fail_if (gst_preset_load_preset (GST_PRESET (enc), "no-such-preset"));
  g_strfreev (names);
  gst_object_unref (enc);
}

GST_END_TEST;

GST_START_TEST (test_stats)
{
  GstHarness *h = check_encoder (NULL);
  GstElement *enc = gst_harness_find_element (h, "wallocenc");
  GstCaps *caps = check_caps ("I420", 64, 48);
  GstStructure *s = NULL;
  guint64 bytes = 0;
  gdouble bpp = 0;
  guint i;

  fail_unless_equals_uint64 (check_stat (enc, "frames"), 0);
  gst_harness_set_src_caps (h, gst_caps_ref (caps));
  for (i = 0; i < 5; i++) {
    GstBuffer *out = gst_harness_push_and_pull (h, check_picture (caps, i));

    bytes += gst_buffer_get_size (out);
    gst_buffer_unref (out);
  }
  fail_unless_equals_uint64 (check_stat (enc, "frames"), 5);
  fail_unless_equals_uint64 (check_stat (enc, "bytes"), bytes);
  fail_unless_equals_uint64 (check_stat (enc, "pixels"), 5 * 64 * 48);
  fail_unless (check_stat (enc, "transform-time") > 0);
  fail_unless (check_stat (enc, "entropy-time") > 0);
  g_object_get (enc, "stats", &s, NULL);
  fail_unless (gst_structure_has_name (s, "application/x-wallocenc-stats"));
  fail_unless (gst_structure_get_double (s, "bits-per-pixel", &bpp));
  fail_unless (fabs (bpp - bytes * 8.0 / (5 * 64 * 48)) < 1e-9);
  gst_structure_free (s);
  gst_object_unref (enc);
  gst_caps_unref (caps);
  gst_harness_teardown (h);
}

GST_END_TEST;

GST_START_TEST (test_tags)
{
  GstHarness *h = check_encoder ("bitrate=300");
  GstCaps *caps = check_caps ("I420", 64, 48);
  GstEvent *event;
  gboolean found = FALSE;

  gst_harness_set_src_caps (h, gst_caps_ref (caps));
  gst_buffer_unref (gst_harness_push_and_pull (h, check_picture (caps, 0)));
  while ((event = gst_harness_try_pull_event (h))) {
    if (GST_EVENT_TYPE (event) == GST_EVENT_TAG) {
      GstTagList *tags;
      gchar *text = NULL;
      guint bitrate = 0;

      gst_event_parse_tag (event, &tags);
      fail_unless (gst_tag_list_get_string (tags, GST_TAG_VIDEO_CODEC, &text));
      fail_unless_equals_string (text, "WaLLoC");
      g_free (text);
      fail_unless (gst_tag_list_get_string (tags, GST_TAG_ENCODER, &text));
      fail_unless (g_str_has_prefix (text, "wallocenc"));
      g_free (text);
      fail_unless (gst_tag_list_get_uint (tags, GST_TAG_NOMINAL_BITRATE,
              &bitrate));
      fail_unless_equals_int (bitrate, 300000);
      found = TRUE;
    }
    gst_event_unref (event);
  }
  fail_unless (found);
  gst_caps_unref (caps);
  gst_harness_teardown (h);
}

GST_END_TEST;

GST_START_TEST (test_bitrate)
{
  static const guint rates[] = { 100, 400 };
  guint i, r;

  for (r = 0; r < G_N_ELEMENTS (rates); r++) {
    gchar *props = g_strdup_printf ("bitrate=%u", rates[r]);
    GPtrArray *frames = check_encode ("I420", 320, 240, 100, props, NULL);
    guint64 bytes = 0;
    gdouble rate;

    for (i = 0; i < frames->len; i++)
      bytes += gst_buffer_get_size (g_ptr_array_index (frames, i));
    rate = bytes * 8.0 / 1000 * FPS / frames->len;
    fail_unless (fabs (rate / rates[r] - 1) < 0.1, "%.0f kbit/s for %u", rate,
        rates[r]);
    g_ptr_array_unref (frames);
    g_free (props);
  }
}

GST_END_TEST;

/* a rate set and taken back while playing */
GST_START_TEST (test_bitrate_while_playing)
{
  GstHarness *h = check_encoder ("quality=60");
  GstElement *enc = gst_harness_find_element (h, "wallocenc");
  GstCaps *caps = check_caps ("I420", 320, 240);
  GstBuffer *before, *after;
  guint64 bytes = 0;
  guint i;

  gst_harness_set_src_caps (h, gst_caps_ref (caps));
  before = gst_harness_push_and_pull (h, check_picture (caps, 0));
  g_object_set (enc, "bitrate", 150, NULL);
  for (i = 1; i <= 50; i++) {
    GstBuffer *out = gst_harness_push_and_pull (h, check_picture (caps, i));

    bytes += gst_buffer_get_size (out);
    gst_buffer_unref (out);
  }
  fail_unless (fabs (bytes * 8.0 * FPS / 50 / 150e3 - 1) < 0.15);
  g_object_set (enc, "bitrate", 0, NULL);
  after = gst_harness_push_and_pull (h, check_picture (caps, 0));
  fail_unless (check_same (before, after));
  gst_buffer_unref (before);
  gst_buffer_unref (after);
  gst_object_unref (enc);
  gst_caps_unref (caps);
  gst_harness_teardown (h);
}

GST_END_TEST;

GST_START_TEST (test_layers)
{
  guint layers;

  for (layers = 0; layers <= 4; layers++) {
    gchar *props = g_strdup_printf ("quality=90 layers=%u", layers);
    GPtrArray *frames = check_encode ("I420", 64, 64, 1, props, NULL);
    walloc_frame_info info;

    check_parse_header (g_ptr_array_index (frames, 0), &info);
    fail_unless (info.channels > 48, "%u channels", info.channels);
    fail_unless_equals_int (info.layers, layers == 0 ? 3 : MIN (layers,
            info.channels > 96 ? 4 : 3));
    g_ptr_array_unref (frames);
    g_free (props);
  }
}

GST_END_TEST;

/* Slices as asked for; the picture is the same. A change in a stream with
 * predicted frames begins with a key frame. */
GST_START_TEST (test_slice_rows)
{
  static const guint rows[] = { 1, 2, 3, 5, 11, 15, 2048 };
  GPtrArray *whole, *sliced;
  GstCaps *caps = check_caps ("I420", 200, 117);
  GstHarness *h, *d;
  GstElement *enc;
  GstBuffer *frame, *picture, *expected;
  walloc_frame_info info;
  guint i;

  for (i = 0; i < G_N_ELEMENTS (rows); i++) {
    gchar *props = g_strdup_printf ("quality=80 slice-rows=%u", rows[i]);

    whole = check_encode ("I420", 200, 117, 1, "quality=80", NULL);
    sliced = check_encode ("I420", 200, 117, 1, props, NULL);
    check_parse_header (g_ptr_array_index (sliced, 0), &info);
    fail_unless_equals_int (info.slices, (15 + MIN (rows[i], 15) - 1) /
        MIN (rows[i], 15));
    d = check_decoder ("decoder=linear");
    gst_harness_set_src_caps_str (d, "video/x-walloc, alignment=frame, "
        "parsed=true");
    expected = gst_harness_push_and_pull (d,
        gst_buffer_ref (g_ptr_array_index (whole, 0)));
    picture = gst_harness_push_and_pull (d,
        gst_buffer_ref (g_ptr_array_index (sliced, 0)));
    fail_unless (check_psnr (caps, expected, picture) == 99.0);
    gst_buffer_unref (expected);
    gst_buffer_unref (picture);
    gst_harness_teardown (d);
    g_ptr_array_unref (whole);
    g_ptr_array_unref (sliced);
    g_free (props);
  }

  h = check_encoder ("quality=80 key-int-max=100");
  gst_harness_set_src_caps (h, gst_caps_ref (caps));
  enc = gst_bin_get_by_name (GST_BIN (h->element), "enc");
  for (i = 0; i < 6; i++) {
    if (i == 3)
      g_object_set (enc, "slice-rows", 4, NULL);
    frame = gst_harness_push_and_pull (h, check_picture (caps, 0));
    check_parse_header (frame, &info);
    if (info.type != WALLOC_FRAME_REPEAT)
      fail_unless_equals_int (info.slices, i < 3 ? 1 : 4);
    fail_unless_equals_int (info.type == WALLOC_FRAME_KEY, i % 3 == 0);
    gst_buffer_unref (frame);
  }
  gst_object_unref (enc);
  gst_harness_teardown (h);
  gst_caps_unref (caps);
}

GST_END_TEST;

/* 5 is the default, and below it a quality has a finer step. */
GST_START_TEST (test_speed)
{
  GPtrArray *fast = check_encode ("RGB", 160, 120, 1, "quality=60", NULL);
  walloc_frame_info info, slow_info;
  guint speed;

  check_parse_header (g_ptr_array_index (fast, 0), &info);
  for (speed = 1; speed <= 5; speed++) {
    gchar *props = g_strdup_printf ("quality=60 speed=%u", speed);
    GPtrArray *slow = check_encode ("RGB", 160, 120, 1, props, NULL);

    check_parse_header (g_ptr_array_index (slow, 0), &slow_info);
    fail_unless (speed == 5 ? slow_info.step_index == info.step_index &&
        slow_info.payload_size == info.payload_size :
        slow_info.step_index < info.step_index, "speed %u: step %u, not %u",
        speed, slow_info.step_index, info.step_index);
    g_ptr_array_unref (slow);
    g_free (props);
  }
  g_ptr_array_unref (fast);
}

GST_END_TEST;

GST_START_TEST (test_threads_same_bytes)
{
  GPtrArray *one = check_encode ("Y444", 301, 203, 3, "threads=1", NULL);
  guint threads, i;

  for (threads = 2; threads <= 8; threads *= 2) {
    gchar *props = g_strdup_printf ("threads=%u", threads);
    GPtrArray *many = check_encode ("Y444", 301, 203, 3, props, NULL);

    for (i = 0; i < 3; i++)
      fail_unless (check_same (g_ptr_array_index (one, i),
              g_ptr_array_index (many, i)));
    g_ptr_array_unref (many);
    g_free (props);
  }
  g_ptr_array_unref (one);
}

GST_END_TEST;

/* Starts an encoder that cannot start; returns its bus. */
static GstBus *
start_and_fail (const gchar * model_file)
{
  GstElement *enc = gst_element_factory_make ("wallocenc", NULL);
  GstBus *bus = gst_bus_new ();

  gst_element_set_bus (enc, bus);
  g_object_set (enc, "model-file", model_file, NULL);
  fail_unless_equals_int (gst_element_set_state (enc, GST_STATE_READY),
      GST_STATE_CHANGE_SUCCESS);
  fail_unless_equals_int (gst_element_set_state (enc, GST_STATE_PAUSED),
      GST_STATE_CHANGE_FAILURE);
  gst_element_set_state (enc, GST_STATE_NULL);
  gst_element_set_bus (enc, NULL);
  gst_object_unref (enc);

  return bus;
}

GST_START_TEST (test_missing_model)
{
  gchar *old_path;
  GstBus *bus = start_and_fail ("/nowhere/at/all.wlm");

  check_assert_message (bus, GST_MESSAGE_ERROR, GST_RESOURCE_ERROR,
      GST_RESOURCE_ERROR_NOT_FOUND, "/nowhere/at/all.wlm");
  gst_object_unref (bus);

  old_path = check_set_path ("/first/place:/second/place");
  bus = start_and_fail ("no-such-model");
  check_assert_message (bus, GST_MESSAGE_ERROR, GST_RESOURCE_ERROR,
      GST_RESOURCE_ERROR_NOT_FOUND, "/first/place, /second/place");
  gst_object_unref (bus);

  /* the default model, too */
  bus = start_and_fail (NULL);
  check_assert_message (bus, GST_MESSAGE_ERROR, GST_RESOURCE_ERROR,
      GST_RESOURCE_ERROR_NOT_FOUND, "photo-1");
  gst_object_unref (bus);
  check_restore_path (old_path);
}

GST_END_TEST;

GST_START_TEST (test_bad_model)
{
  gchar *path = g_build_filename (g_get_tmp_dir (), "walloc-bad-XXXXXX.wlm",
      NULL);
  gint fd = g_mkstemp (path);
  GstBus *bus;

  fail_unless (fd >= 0);
  close (fd);
  /* empty, short, and with a header length beyond all bounds */
  bus = start_and_fail (path);
  check_assert_message (bus, GST_MESSAGE_ERROR, GST_RESOURCE_ERROR,
      GST_RESOURCE_ERROR_READ, path);
  gst_object_unref (bus);
  fail_unless (g_file_set_contents (path, "x", 1, NULL));
  bus = start_and_fail (path);
  check_assert_message (bus, GST_MESSAGE_ERROR, GST_RESOURCE_ERROR,
      GST_RESOURCE_ERROR_READ, path);
  gst_object_unref (bus);
  fail_unless (g_file_set_contents (path,
          "\xff\xff\xff\xff\xff\xff\xff\x7f{}", 10, NULL));
  bus = start_and_fail (path);
  check_assert_message (bus, GST_MESSAGE_ERROR, GST_RESOURCE_ERROR,
      GST_RESOURCE_ERROR_READ, path);
  gst_object_unref (bus);
  g_unlink (path);
  g_free (path);

  /* a directory is no model either */
  bus = start_and_fail ("/tmp");
  check_assert_message (bus, GST_MESSAGE_ERROR, GST_RESOURCE_ERROR,
      GST_RESOURCE_ERROR_NOT_FOUND, "/tmp");
  gst_object_unref (bus);
}

GST_END_TEST;

GST_START_TEST (test_model_by_name)
{
  static const gchar *const names[] = { "ordered-test", "ordered-test.wlm" };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (names); i++) {
    GstElement *enc = gst_element_factory_make ("wallocenc", NULL);

    g_object_set (enc, "model-file", names[i], NULL);
    fail_unless_equals_int (gst_element_set_state (enc, GST_STATE_PAUSED),
        GST_STATE_CHANGE_SUCCESS);
    gst_element_set_state (enc, GST_STATE_NULL);
    gst_object_unref (enc);
  }
}

GST_END_TEST;

/* the element may be used again, and a failed start leaves nothing behind */
GST_START_TEST (test_restart)
{
  GstHarness *h = check_encoder (NULL);
  GstElement *enc = gst_harness_find_element (h, "wallocenc");
  GstCaps *caps = check_caps ("I420", 32, 32);
  guint i;

  for (i = 0; i < 3; i++) {
    gst_harness_set_src_caps (h, gst_caps_ref (caps));
    gst_buffer_unref (gst_harness_push_and_pull (h, check_picture (caps, i)));
    fail_unless_equals_uint64 (check_stat (enc, "frames"), 1);
    gst_element_set_state (h->element, GST_STATE_NULL);
    g_object_set (enc, "model-file", "/nowhere.wlm", NULL);
    fail_unless_equals_int (gst_element_set_state (h->element,
            GST_STATE_PLAYING), GST_STATE_CHANGE_FAILURE);
    gst_element_set_state (h->element, GST_STATE_NULL);
    g_object_set (enc, "model-file", check_model (), NULL);
    fail_unless_equals_int (gst_element_set_state (h->element,
            GST_STATE_PLAYING), GST_STATE_CHANGE_SUCCESS);
    gst_harness_push_event (h, gst_event_new_stream_start ("again"));
  }
  gst_object_unref (enc);
  gst_caps_unref (caps);
  gst_harness_teardown (h);
}

GST_END_TEST;

static Suite *
wallocenc_suite (void)
{
  Suite *s = suite_create ("wallocenc");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (s, tc);
  tcase_add_test (tc, test_getcaps_formats);
  tcase_add_test (tc, test_getcaps_narrowed_by_model);
  tcase_add_test (tc, test_getcaps_from_downstream);
  tcase_add_test (tc, test_getcaps_without_common);
  tcase_add_test (tc, test_refuses_other_caps);
  tcase_add_test (tc, test_every_format);
  tcase_add_test (tc, test_odd_sizes);
  tcase_add_test (tc, test_zero_framerate_no_times);
  tcase_add_test (tc, test_header_carries_colour_and_aspect);
  tcase_add_test (tc, test_strides);
  tcase_add_test (tc, test_proposes_video_meta);
  tcase_add_test (tc, test_buffer_smaller_than_caps);
  tcase_add_test (tc, test_caps_change);
  tcase_add_test (tc, test_force_key_unit);
  tcase_add_test (tc, test_flush);
  tcase_add_test (tc, test_eos_with_nothing);
  tcase_add_test (tc, test_gap);
  tcase_add_test (tc, test_segment);
  tcase_add_test (tc, test_latency);
  tcase_add_test (tc, test_qos_drops_late);
  tcase_add_test (tc, test_properties_while_playing);
  tcase_add_test (tc, test_snapshot);
  tcase_add_test (tc, test_presets);
  tcase_add_test (tc, test_stats);
  tcase_add_test (tc, test_tags);
  tcase_add_test (tc, test_bitrate);
  tcase_add_test (tc, test_bitrate_while_playing);
  tcase_add_test (tc, test_layers);
  tcase_add_test (tc, test_slice_rows);
  tcase_add_test (tc, test_speed);
  tcase_add_test (tc, test_threads_same_bytes);
  tcase_add_test (tc, test_missing_model);
  tcase_add_test (tc, test_bad_model);
  tcase_add_test (tc, test_model_by_name);
  tcase_add_test (tc, test_restart);

  return s;
}

GST_CHECK_MAIN (wallocenc);
