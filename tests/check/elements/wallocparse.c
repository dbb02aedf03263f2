/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* wallocparse: cutting, resync, caps and times from headers. */
#include "walloc-check.h"

#define RAW_STREAM "video/x-walloc"

/* A parser that gets a byte stream. */
static GstHarness *
byte_parser (void)
{
  GstHarness *h = gst_harness_new ("wallocparse");
  GstSegment segment;

  gst_harness_set_src_caps_str (h, RAW_STREAM);
  gst_segment_init (&segment, GST_FORMAT_BYTES);
  fail_unless (gst_harness_push_event (h, gst_event_new_segment (&segment)));

  return h;
}

static GstBuffer *
garbage (gsize size, guint seed)
{
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, size, NULL);
  GRand *random = g_rand_new_with_seed (seed);
  GstMapInfo map;
  gsize i;

  gst_buffer_map (buffer, &map, GST_MAP_WRITE);
  for (i = 0; i < size; i++)
    map.data[i] = g_rand_int_range (random, 0, 256);
  gst_buffer_unmap (buffer, &map);
  g_rand_free (random);

  return buffer;
}

/* Pulls all frames and checks that they are those of @frames. */
static void
expect_frames (GstHarness * h, GPtrArray * frames)
{
  GstBuffer *out;
  guint i;

  fail_unless_equals_int (gst_harness_buffers_in_queue (h), frames->len);
  for (i = 0; i < frames->len; i++) {
    out = gst_harness_pull (h);
    fail_unless (check_same (out, g_ptr_array_index (frames, i)), "frame %u",
        i);
    fail_unless_equals_uint64 (GST_BUFFER_PTS (out), i * FRAME_TIME);
    fail_unless_equals_uint64 (GST_BUFFER_DURATION (out), FRAME_TIME);
    fail_if (GST_BUFFER_FLAG_IS_SET (out, GST_BUFFER_FLAG_DELTA_UNIT));
    fail_if (GST_BUFFER_FLAG_IS_SET (out, GST_BUFFER_FLAG_CORRUPTED));
    gst_buffer_unref (out);
  }
}

GST_START_TEST (test_caps_from_header)
{
  GstHarness *e = check_encoder (NULL), *h = byte_parser ();
  GstCaps *raw = gst_caps_from_string ("video/x-raw,format=I420,width=32,"
      "height=16,framerate=30000/1001,pixel-aspect-ratio=16/11,"
      "colorimetry=bt709,chroma-site=mpeg2");
  GstCaps *caps, *coded, *wanted;

  gst_harness_set_src_caps (e, gst_caps_ref (raw));
  gst_harness_push (h, gst_harness_push_and_pull (e, check_picture (raw, 0)));
  gst_buffer_unref (gst_harness_pull (h));
  caps = gst_pad_get_current_caps (h->sinkpad);
  coded = gst_pad_get_current_caps (e->sinkpad);
  wanted = gst_caps_from_string ("video/x-walloc,width=32,height=16,"
      "framerate=30000/1001,pixel-aspect-ratio=16/11,colorimetry=bt709,"
      "chroma-site=mpeg2,alignment=frame,parsed=true");
  fail_unless (gst_caps_is_subset (caps, wanted), "%" GST_PTR_FORMAT, caps);
  /* the same model id as the encoder's */
  fail_unless (gst_caps_can_intersect (caps, coded));
  gst_caps_unref (wanted);
  gst_caps_unref (coded);
  gst_caps_unref (caps);
  gst_caps_unref (raw);
  gst_harness_teardown (e);
  gst_harness_teardown (h);
}

GST_END_TEST;

GST_START_TEST (test_upstream_caps_win)
{
  GstHarness *h = gst_harness_new ("wallocparse");
  GPtrArray *frames = check_encode ("I420", 32, 16, 1, NULL, NULL);
  GstStructure *s;
  GstSegment segment;
  GstCaps *caps;
  gint n, d, width;

  gst_harness_set_src_caps_str (h, "video/x-walloc,framerate=7/1,"
      "colorimetry=bt2020,width=999");
  gst_segment_init (&segment, GST_FORMAT_BYTES);
  gst_harness_push_event (h, gst_event_new_segment (&segment));
  gst_harness_push (h, gst_buffer_ref (g_ptr_array_index (frames, 0)));
  gst_buffer_unref (gst_harness_pull (h));
  caps = gst_pad_get_current_caps (h->sinkpad);
  s = gst_caps_get_structure (caps, 0);
  fail_unless (gst_structure_get_fraction (s, "framerate", &n, &d));
  fail_unless (n == 7 && d == 1);
  fail_unless_equals_string (gst_structure_get_string (s, "colorimetry"),
      "bt2020");
  /* but a picture has the size that its header says */
  fail_unless (gst_structure_get_int (s, "width", &width));
  fail_unless_equals_int (width, 32);
  gst_caps_unref (caps);
  g_ptr_array_unref (frames);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* two pieces, divided at every byte */
GST_START_TEST (test_every_split)
{
  GPtrArray *frames = check_encode ("GRAY8", 24, 16, 3, "quality=20", NULL);
  GstBuffer *all = check_join (frames);
  gsize size = gst_buffer_get_size (all), i;

  for (i = 1; i < size; i++) {
    GstHarness *h = byte_parser ();

    gst_harness_push (h, gst_buffer_copy_region (all, GST_BUFFER_COPY_MEMORY,
            0, i));
    gst_harness_push (h, gst_buffer_copy_region (all, GST_BUFFER_COPY_MEMORY,
            i, size - i));
    gst_harness_push_event (h, gst_event_new_eos ());
    expect_frames (h, frames);
    gst_harness_teardown (h);
  }
  gst_buffer_unref (all);
  g_ptr_array_unref (frames);
}

GST_END_TEST;

GST_START_TEST (test_byte_by_byte)
{
  GPtrArray *frames = check_encode ("I420", 64, 64, 3, NULL, NULL);
  GstBuffer *all = check_join (frames);
  gsize size = gst_buffer_get_size (all), i;
  GstHarness *h = byte_parser ();

  for (i = 0; i < size; i++)
    gst_harness_push (h, gst_buffer_copy_region (all, GST_BUFFER_COPY_MEMORY,
            i, 1));
  gst_harness_push_event (h, gst_event_new_eos ());
  expect_frames (h, frames);
  gst_harness_teardown (h);
  gst_buffer_unref (all);
  g_ptr_array_unref (frames);
}

GST_END_TEST;

/* a frame goes out as soon as its last byte is there */
GST_START_TEST (test_no_delay)
{
  GPtrArray *frames = check_encode ("I420", 64, 64, 3, NULL, NULL);
  GstHarness *h = byte_parser ();
  guint i;

  for (i = 0; i < 3; i++) {
    gst_harness_push (h, gst_buffer_ref (g_ptr_array_index (frames, i)));
    fail_unless_equals_int (gst_harness_buffers_received (h), i + 1);
  }
  gst_harness_teardown (h);
  g_ptr_array_unref (frames);
}

GST_END_TEST;

/* nor does one wait that ends like a header begins, if upstream sends frames */
GST_START_TEST (test_no_delay_of_likeness)
{
  GPtrArray *frames = check_encode ("I420", 64, 64, 1, NULL, NULL);
  GstBuffer *frame = gst_buffer_copy_deep (g_ptr_array_index (frames, 0));
  GstHarness *h = gst_harness_new ("wallocparse");

  gst_buffer_memset (frame, gst_buffer_get_size (frame) - 1, 'W', 1);
  gst_harness_set_src_caps_str (h, RAW_STREAM ",alignment=frame");
  gst_harness_push (h, gst_buffer_ref (frame));
  fail_unless_equals_int (gst_harness_buffers_received (h), 1);
  gst_harness_teardown (h);

  /* a byte stream may have lost bytes: the next frame may begin there */
  h = byte_parser ();
  gst_harness_push (h, frame);
  fail_unless_equals_int (gst_harness_buffers_received (h), 0);
  gst_harness_push (h, gst_buffer_ref (g_ptr_array_index (frames, 0)));
  fail_unless_equals_int (gst_harness_buffers_received (h), 2);
  gst_harness_teardown (h);
  g_ptr_array_unref (frames);
}

GST_END_TEST;

GST_START_TEST (test_garbage_between_frames)
{
  GPtrArray *frames = check_encode ("I420", 48, 48, 4, NULL, NULL);
  static const gsize sizes[] = { 1, 3, 4, 35, 36, 5000, 70000 };
  guint s, i;

  for (s = 0; s < G_N_ELEMENTS (sizes); s++) {
    GstHarness *h = byte_parser ();

    for (i = 0; i < frames->len; i++) {
      gst_harness_push (h, garbage (sizes[s], i));
      gst_harness_push (h, gst_buffer_ref (g_ptr_array_index (frames, i)));
    }
    gst_harness_push (h, garbage (sizes[s], i));
    gst_harness_push_event (h, gst_event_new_eos ());
    expect_frames (h, frames);
    gst_harness_teardown (h);
  }
  g_ptr_array_unref (frames);
}

GST_END_TEST;

/* more than the base class bears at once, as the payload of a frame whose
 * header was lost can be */
GST_START_TEST (test_much_garbage)
{
  GPtrArray *frames = check_encode ("I420", 48, 48, 1, NULL, NULL);
  GstHarness *h = byte_parser ();

  fail_unless_equals_int (gst_harness_push (h, garbage (5 << 20, 3)),
      GST_FLOW_OK);
  fail_unless_equals_int (gst_harness_push (h, gst_buffer_ref
          (g_ptr_array_index (frames, 0))), GST_FLOW_OK);
  gst_harness_push_event (h, gst_event_new_eos ());
  expect_frames (h, frames);
  gst_harness_teardown (h);
  g_ptr_array_unref (frames);
}

GST_END_TEST;

/* the magic alone, with header sizes of all kinds, must not hide frames */
GST_START_TEST (test_false_magic)
{
  GPtrArray *frames = check_encode ("I420", 48, 48, 2, NULL, NULL);
  static const guint16 sizes[] = { 0, 35, 36, 40, 1000, 65535 };
  guint s, i;

  for (s = 0; s < G_N_ELEMENTS (sizes); s++) {
    GstHarness *h = byte_parser ();

    for (i = 0; i < frames->len; i++) {
      guint8 *magic = g_malloc0 (6);

      memcpy (magic, "WLC1", 4);
      GST_WRITE_UINT16_LE (magic + 4, sizes[s]);
      gst_harness_push (h, gst_buffer_new_wrapped (magic, 6));
      gst_harness_push (h, gst_buffer_ref (g_ptr_array_index (frames, i)));
    }
    gst_harness_push_event (h, gst_event_new_eos ());
    expect_frames (h, frames);
    gst_harness_teardown (h);
  }
  g_ptr_array_unref (frames);
}

GST_END_TEST;

/* each byte of the first header changed: that frame is lost, no other */
GST_START_TEST (test_damaged_header)
{
  GPtrArray *frames = check_encode ("I420", 48, 48, 3, NULL, NULL);
  walloc_frame_info info;
  guint i;

  check_parse_header (g_ptr_array_index (frames, 0), &info);
  for (i = 0; i < info.header_size; i++) {
    GstHarness *h = byte_parser ();
    GstBuffer *bad = gst_buffer_copy_deep (g_ptr_array_index (frames, 0));
    GstBuffer *out;
    GstMapInfo map;

    gst_buffer_map (bad, &map, GST_MAP_READWRITE);
    map.data[i] ^= 0x10;
    gst_buffer_unmap (bad, &map);
    gst_harness_push (h, bad);
    gst_harness_push (h, gst_buffer_ref (g_ptr_array_index (frames, 1)));
    gst_harness_push (h, gst_buffer_ref (g_ptr_array_index (frames, 2)));
    gst_harness_push_event (h, gst_event_new_eos ());
    fail_unless_equals_int (gst_harness_buffers_received (h), 2);
    out = gst_harness_pull (h);
    fail_unless (check_same (out, g_ptr_array_index (frames, 1)));
    fail_unless (GST_BUFFER_FLAG_IS_SET (out, GST_BUFFER_FLAG_DISCONT));
    gst_buffer_unref (out);
    gst_harness_teardown (h);
  }
  g_ptr_array_unref (frames);
}

GST_END_TEST;

/* bytes lost inside a payload: the next frame begins too early */
GST_START_TEST (test_lost_bytes)
{
  GPtrArray *frames = check_encode ("I420", 96, 96, 3, NULL, NULL);
  GstBuffer *first = g_ptr_array_index (frames, 0), *out;
  gsize size = gst_buffer_get_size (first), lost;
  walloc_frame_info info;

  check_parse_header (first, &info);
  for (lost = 1; lost <= info.payload_size; lost += 13) {
    GstHarness *h = byte_parser ();

    gst_harness_push (h, gst_buffer_copy_region (first,
            GST_BUFFER_COPY_MEMORY, 0, size - lost));
    gst_harness_push (h, gst_buffer_ref (g_ptr_array_index (frames, 1)));
    gst_harness_push (h, gst_buffer_ref (g_ptr_array_index (frames, 2)));
    gst_harness_push_event (h, gst_event_new_eos ());
    fail_unless_equals_int (gst_harness_buffers_received (h), 3);
    out = gst_harness_pull (h);
    fail_unless (GST_BUFFER_FLAG_IS_SET (out, GST_BUFFER_FLAG_CORRUPTED));
    fail_unless_equals_int (gst_buffer_get_size (out), size - lost);
    gst_buffer_unref (out);
    out = gst_harness_pull (h);
    fail_unless (check_same (out, g_ptr_array_index (frames, 1)));
    gst_buffer_unref (out);
    gst_harness_teardown (h);
  }
  g_ptr_array_unref (frames);
}

GST_END_TEST;

/* cut after every byte: all frames that are whole, and what is left */
GST_START_TEST (test_truncated_everywhere)
{
  GPtrArray *frames = check_encode ("GRAY8", 24, 16, 2, NULL, NULL);
  GstBuffer *all = check_join (frames), *out;
  gsize first = gst_buffer_get_size (g_ptr_array_index (frames, 0));
  gsize size = gst_buffer_get_size (all), i;
  walloc_frame_info info;

  check_parse_header (g_ptr_array_index (frames, 1), &info);
  for (i = first; i < size; i++) {
    GstHarness *h = byte_parser ();
    guint wanted = i >= first + info.header_size ? 2 : 1;

    gst_harness_push (h, gst_buffer_copy_region (all, GST_BUFFER_COPY_MEMORY,
            0, i));
    gst_harness_push_event (h, gst_event_new_eos ());
    fail_unless_equals_int (gst_harness_buffers_received (h), wanted);
    out = gst_harness_pull (h);
    fail_unless (check_same (out, g_ptr_array_index (frames, 0)));
    gst_buffer_unref (out);
    if (wanted == 2) {
      out = gst_harness_pull (h);
      fail_unless (GST_BUFFER_FLAG_IS_SET (out, GST_BUFFER_FLAG_CORRUPTED));
      gst_buffer_unref (out);
    }
    gst_harness_teardown (h);
  }
  gst_buffer_unref (all);
  g_ptr_array_unref (frames);
}

GST_END_TEST;

/* Pushes @buffer and EOS; there must be an error and no frame. */
static void
expect_no_frames (GstBuffer * buffer)
{
  GstHarness *h = byte_parser ();
  GstBus *bus = check_bus (h);

  gst_harness_push (h, buffer);
  gst_harness_push_event (h, gst_event_new_eos ());
  fail_unless_equals_int (gst_harness_buffers_received (h), 0);
  check_assert_message (bus, GST_MESSAGE_ERROR, GST_STREAM_ERROR,
      GST_STREAM_ERROR_WRONG_TYPE, "No valid frames");
  gst_element_set_bus (h->element, NULL);
  gst_object_unref (bus);
  gst_harness_teardown (h);
}

GST_START_TEST (test_not_a_stream)
{
  expect_no_frames (garbage (1, 1));
  expect_no_frames (garbage (35, 1));
  expect_no_frames (garbage (100000, 1));
  expect_no_frames (gst_buffer_new_wrapped (g_strdup ("WLC1"), 4));
  expect_no_frames (gst_buffer_new_wrapped (g_strdup
          ("WLC1WLC1WLC1WLC1WLC1WLC1WLC1WLC1WLC1WLC1WLC1WLC1"), 48));
}

GST_END_TEST;

/* frames that only a later version knows are left out, and told once */
GST_START_TEST (test_unsupported_frames)
{
  static const struct
  {
    guint offset;
    guint8 value;
    const gchar *words;
  } cases[] = { {7, 0x03, "version"}, {6, 0x02, "media"}, {7, 0x12, "coder"} };
  GPtrArray *frames = check_encode ("I420", 48, 48, 2, NULL, NULL);
  guint i;

  for (i = 0; i < G_N_ELEMENTS (cases); i++) {
    GstHarness *h = byte_parser ();
    GstBus *bus = check_bus (h);
    guint k;

    for (k = 0; k < 3; k++)
      gst_harness_push (h, check_forge (g_ptr_array_index (frames, 0),
              cases[i].offset, cases[i].value));
    gst_harness_push (h, gst_buffer_ref (g_ptr_array_index (frames, 1)));
    gst_harness_push_event (h, gst_event_new_eos ());
    fail_unless_equals_int (gst_harness_buffers_received (h), 1);
    check_assert_message (bus, GST_MESSAGE_WARNING, GST_STREAM_ERROR,
        GST_STREAM_ERROR_FORMAT, cases[i].words);
    fail_if (gst_bus_pop_filtered (bus, GST_MESSAGE_WARNING));
    gst_element_set_bus (h->element, NULL);
    gst_object_unref (bus);
    gst_harness_teardown (h);
  }
  g_ptr_array_unref (frames);
}

GST_END_TEST;

/* a header that announces a gigabyte: what follows is found all the same */
GST_START_TEST (test_absurd_payload_size)
{
  GPtrArray *frames = check_encode ("I420", 8, 8, 2, NULL, NULL);
  GstHarness *h = byte_parser ();
  GstBuffer *out;

  gst_harness_push (h, check_forge (g_ptr_array_index (frames, 0), 11, 0x3f));
  gst_harness_push (h, gst_buffer_ref (g_ptr_array_index (frames, 1)));
  gst_harness_push_event (h, gst_event_new_eos ());
  fail_unless_equals_int (gst_harness_buffers_received (h), 2);
  out = gst_harness_pull (h);
  fail_unless (GST_BUFFER_FLAG_IS_SET (out, GST_BUFFER_FLAG_CORRUPTED));
  gst_buffer_unref (out);
  out = gst_harness_pull (h);
  fail_unless (check_same (out, g_ptr_array_index (frames, 1)));
  gst_buffer_unref (out);
  gst_harness_teardown (h);
  g_ptr_array_unref (frames);
}

GST_END_TEST;

/* a byte stream starts at 0 and does not jump back */
GST_START_TEST (test_time_line)
{
  GPtrArray *frames = check_encode ("I420", 16, 16, 6, NULL, NULL);
  static const guint order[] = { 3, 4, 5, 0, 1, 2 };
  GstHarness *h = byte_parser ();
  guint i;

  for (i = 0; i < G_N_ELEMENTS (order); i++) {
    GstBuffer *out;

    gst_harness_push (h, gst_buffer_ref (g_ptr_array_index (frames, order[i])));
    out = gst_harness_pull (h);
    fail_unless_equals_uint64 (GST_BUFFER_PTS (out), i * FRAME_TIME);
    gst_buffer_unref (out);
  }
  gst_harness_teardown (h);
  g_ptr_array_unref (frames);
}

GST_END_TEST;

/* upstream that has times is believed */
GST_START_TEST (test_upstream_times)
{
  GPtrArray *frames = check_encode ("I420", 16, 16, 3, NULL, NULL);
  GstHarness *h = gst_harness_new ("wallocparse");
  guint i;

  gst_harness_set_src_caps_str (h, "video/x-walloc,framerate=25/1");
  for (i = 0; i < 3; i++) {
    GstBuffer *in = gst_buffer_copy (g_ptr_array_index (frames, i)), *out;

    GST_BUFFER_PTS (in) = GST_SECOND * (i + 5);
    out = gst_harness_push_and_pull (h, in);
    fail_unless_equals_uint64 (GST_BUFFER_PTS (out), GST_SECOND * (i + 5));
    gst_buffer_unref (out);
  }
  gst_harness_teardown (h);
  g_ptr_array_unref (frames);
}

GST_END_TEST;

GST_START_TEST (test_change_in_headers)
{
  GstHarness *h = byte_parser ();
  GPtrArray *a = check_encode ("I420", 16, 16, 1, NULL, NULL);
  GPtrArray *b = check_encode ("RGB", 40, 24, 1, NULL, NULL);
  GPtrArray *order[] = { a, b, a };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (order); i++) {
    GstCaps *caps;
    gint width = 0;

    gst_harness_push (h, gst_buffer_ref (g_ptr_array_index (order[i], 0)));
    gst_buffer_unref (gst_harness_pull (h));
    caps = gst_pad_get_current_caps (h->sinkpad);
    gst_structure_get_int (gst_caps_get_structure (caps, 0), "width", &width);
    fail_unless_equals_int (width, i == 1 ? 40 : 16);
    gst_caps_unref (caps);
  }
  g_ptr_array_unref (a);
  g_ptr_array_unref (b);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* predicted frames are no sync points */
GST_START_TEST (test_delta_unit)
{
  GPtrArray *frames = check_encode ("I420", 16, 16, 2, NULL, NULL);
  GstHarness *h = byte_parser ();
  GstBuffer *out;

  gst_harness_push (h, gst_buffer_ref (g_ptr_array_index (frames, 0)));
  gst_harness_push (h, check_forge (g_ptr_array_index (frames, 1), 6, 0x04));
  out = gst_harness_pull (h);
  fail_if (GST_BUFFER_FLAG_IS_SET (out, GST_BUFFER_FLAG_DELTA_UNIT));
  gst_buffer_unref (out);
  out = gst_harness_pull (h);
  fail_unless (GST_BUFFER_FLAG_IS_SET (out, GST_BUFFER_FLAG_DELTA_UNIT));
  gst_buffer_unref (out);
  gst_harness_teardown (h);
  g_ptr_array_unref (frames);
}

GST_END_TEST;

GST_START_TEST (test_tags)
{
  GPtrArray *frames = check_encode ("I420", 16, 16, 1, NULL, NULL);
  GstHarness *h = byte_parser ();
  GstEvent *event;
  gboolean found = FALSE;

  gst_harness_push (h, gst_buffer_ref (g_ptr_array_index (frames, 0)));
  gst_harness_push_event (h, gst_event_new_eos ());
  while ((event = gst_harness_try_pull_event (h))) {
    if (GST_EVENT_TYPE (event) == GST_EVENT_TAG) {
      GstTagList *tags;
      gchar *text = NULL;

      gst_event_parse_tag (event, &tags);
      if (gst_tag_list_get_string (tags, GST_TAG_VIDEO_CODEC, &text)) {
        fail_unless_equals_string (text, "WaLLoC");
        found = TRUE;
      }
      g_free (text);
    }
    gst_event_unref (event);
  }
  fail_unless (found);
  gst_harness_teardown (h);
  g_ptr_array_unref (frames);
}

GST_END_TEST;

static Suite *
wallocparse_suite (void)
{
  Suite *s = suite_create ("wallocparse");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (s, tc);
  tcase_add_test (tc, test_caps_from_header);
  tcase_add_test (tc, test_upstream_caps_win);
  tcase_add_test (tc, test_every_split);
  tcase_add_test (tc, test_byte_by_byte);
  tcase_add_test (tc, test_no_delay);
  tcase_add_test (tc, test_no_delay_of_likeness);
  tcase_add_test (tc, test_garbage_between_frames);
  tcase_add_test (tc, test_much_garbage);
  tcase_add_test (tc, test_false_magic);
  tcase_add_test (tc, test_damaged_header);
  tcase_add_test (tc, test_lost_bytes);
  tcase_add_test (tc, test_truncated_everywhere);
  tcase_add_test (tc, test_not_a_stream);
  tcase_add_test (tc, test_unsupported_frames);
  tcase_add_test (tc, test_absurd_payload_size);
  tcase_add_test (tc, test_time_line);
  tcase_add_test (tc, test_upstream_times);
  tcase_add_test (tc, test_change_in_headers);
  tcase_add_test (tc, test_delta_unit);
  tcase_add_test (tc, test_tags);

  return s;
}

GST_CHECK_MAIN (wallocparse);
