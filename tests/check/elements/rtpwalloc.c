/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* rtpwallocpay and rtpwallocdepay: streams through packets and back, and what
 * the loss of packets costs. */
#include "rtp-check.h"

static const guint mtus[] = { 28, 64, 100, 576, 1400, 9000 };

static void
add_pictures (Buffers * all, const gchar * format, guint width, guint height,
    guint count, const gchar * props, GstCaps ** caps)
{
  Buffers *frames = check_encode (format, width, height, count, props, caps);
  guint i;

  for (i = 0; i < count; i++)
    g_ptr_array_add (all, gst_buffer_ref (nth (frames, i)));
  g_ptr_array_unref (frames);
}

static Buffers *
sound (guint channels, guint count, GstCaps ** caps)
{
  gchar *launch = g_strdup_printf ("audiotestsrc wave=pink-noise "
      "samplesperbuffer=1024 num-buffers=%u ! audio/x-raw,rate=44100,"
      "channels=%u ! wallocaudioenc layers=2 quality=70", count, channels);
  GstHarness *h = gst_harness_new_parse (launch);
  Buffers *frames = buffers_new ();
  GstBuffer *frame;
  GstEvent *event;
  gboolean eos = FALSE;

  gst_harness_play (h);
  while (!eos) {
    event = gst_harness_pull_event (h);
    fail_unless (event != NULL);
    eos = GST_EVENT_TYPE (event) == GST_EVENT_EOS;
    gst_event_unref (event);
  }
  while ((frame = gst_harness_try_pull (h)))
    g_ptr_array_add (frames, frame);
  *caps = gst_pad_get_current_caps (h->sinkpad);
  fail_unless (frames->len > 3);
  gst_harness_teardown (h);
  g_free (launch);
  return frames;
}

/* Sizes, markers, numbers and time stamps of packets. */
static void
check_packets (const Buffers * packets, guint mtu, guint frames)
{
  guint i, count = 0, number = 0;
  guint32 timestamp, last = 0;
  gboolean marker, first = TRUE;
  walloc_rtp_header header;
  guint16 seq = 0;

  for (i = 0; i < packets->len; i++) {
    GstRTPBuffer rtp = GST_RTP_BUFFER_INIT;

    fail_unless (gst_buffer_get_size (nth (packets, i)) <= mtu);
    read_packet (nth (packets, i), &header, &marker, &timestamp, NULL);
    fail_unless (gst_rtp_buffer_map (nth (packets, i), GST_MAP_READ, &rtp));
    fail_unless (i == 0 || gst_rtp_buffer_get_seq (&rtp) ==
        (guint16) (seq + 1));
    seq = gst_rtp_buffer_get_seq (&rtp);
    gst_rtp_buffer_unmap (&rtp);
    fail_unless_equals_int (marker, GST_BUFFER_FLAG_IS_SET (nth (packets, i),
            GST_BUFFER_FLAG_MARKER));
    fail_unless_equals_int (header.frame, number % 256);
    if (!first)
      fail_unless_equals_int (timestamp, last);
    last = timestamp;
    first = marker;
    number += marker;
    count += marker;
  }
  fail_unless (first);
  fail_unless_equals_int (count, frames);
}

static void
check_frames (const Buffers * in, const Buffers * out)
{
  walloc_frame_info info;
  guint i;

  fail_unless_equals_int (in->len, out->len);
  for (i = 0; i < in->len; i++) {
    GstBuffer *a = nth (in, i), *b = nth (out, i);

    fail_unless (same_bytes (a, b), "frame %u", i);
    fail_unless_equals_uint64 (GST_BUFFER_PTS (a), GST_BUFFER_PTS (b));
    check_parse_header (b, &info);
    fail_unless_equals_int (GST_BUFFER_FLAG_IS_SET (b,
            GST_BUFFER_FLAG_DELTA_UNIT), info.type != WALLOC_FRAME_KEY);
    fail_if (GST_BUFFER_FLAG_IS_SET (b, GST_BUFFER_FLAG_CORRUPTED));
    fail_unless_equals_int (GST_BUFFER_FLAG_IS_SET (b,
            GST_BUFFER_FLAG_DISCONT), GST_BUFFER_IS_DISCONT (a));
  }
}

static void
check_stream (const Buffers * frames, GstCaps * caps, guint least)
{
  static const gchar *const props[] = {
    "repeat-header=0", "repeat-header=1 config-interval=-1",
    "repeat-header=7"
  };
  guint m, p, i;

  for (m = least; m < G_N_ELEMENTS (mtus); m++) {
    for (p = 0; p < G_N_ELEMENTS (props); p++) {
      gchar *text = g_strdup_printf ("mtu=%u %s", mtus[m], props[p]);
      GstCaps *rtp, *out_caps;
      Buffers *packets = pay_all (frames, caps, text, &rtp), *out;
      GstHarness *h = depay_harness (rtp, NULL);
      const GstStructure *a, *b;
      guint64 sent = 0;

      check_packets (packets, mtus[m], frames->len);
      out = depay_some (h, packets, NULL);
      check_frames (frames, out);
      for (i = 0; i < packets->len; i++) {
        walloc_rtp_header header;

        read_packet (nth (packets, i), &header, NULL, NULL, NULL);
        sent += !!(header.flags & WALLOC_RTP_CONFIG);
      }
      fail_unless_equals_int (sent > 0, p == 1);
      fail_unless_equals_uint64 (stat_of (h, "frames"), frames->len);
      fail_unless_equals_uint64 (stat_of (h, "packets"), packets->len);
      fail_unless_equals_uint64 (stat_of (h, "lost-packets"), 0);
      fail_unless_equals_uint64 (stat_of (h, "bad-packets"), 0);
      out_caps = gst_pad_get_current_caps (h->sinkpad);
      a = gst_caps_get_structure (caps, 0);
      b = gst_caps_get_structure (out_caps, 0);
      fail_unless_equals_string (gst_structure_get_string (a, "model-id"),
          gst_structure_get_string (b, "model-id"));
      fail_unless (gst_caps_can_intersect (caps, out_caps));
      gst_caps_unref (out_caps);
      gst_caps_unref (rtp);
      g_ptr_array_unref (out);
      g_ptr_array_unref (packets);
      gst_harness_teardown (h);
      g_free (text);
    }
  }
}

GST_START_TEST (test_round_trip_video)
{
  static const struct
  {
    const gchar *format, *props;
    guint width, height, count;
  } rows[] = {
    {"I420", NULL, 160, 120, 3},
    {"GRAY8", "layers=1", 1, 1, 2},
    {"RGB", "quality=90 layers=4 slice-rows=2", 90, 60, 2},
    {"I420", "key-int-max=5", 96, 64, 8},
    {"NV12", "slice-rows=1 quality=5", 64, 300, 2},
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (rows); i++) {
    Buffers *frames = buffers_new ();
    GstCaps *caps;

    add_pictures (frames, rows[i].format, rows[i].width, rows[i].height,
        rows[i].count, rows[i].props, &caps);
    check_stream (frames, caps, 0);
    gst_caps_unref (caps);
    g_ptr_array_unref (frames);
  }
}

GST_END_TEST;

GST_START_TEST (test_round_trip_sound)
{
  guint channels;

  for (channels = 1; channels <= 3; channels += 2) {
    GstCaps *caps;
    Buffers *frames = sound (channels, 40, &caps);

    check_stream (frames, caps, 1);
    gst_caps_unref (caps);
    g_ptr_array_unref (frames);
  }
}

GST_END_TEST;

/* Frames that say that nothing changed, among others. */
GST_START_TEST (test_round_trip_repeat)
{
  static const walloc_frame_type types[] = {
    WALLOC_FRAME_KEY, WALLOC_FRAME_REPEAT, WALLOC_FRAME_REPEAT,
    WALLOC_FRAME_PREDICTED, WALLOC_FRAME_REPEAT
  };
  guint32 sizes[12] = { 0, 10, 500, 0, 0, 3000, 1, 0, 0, 0, 0, 7 };
  Buffers *frames = buffers_new ();
  GstCaps *caps = fake_caps ();
  walloc_frame_info info;
  guint i;

  for (i = 0; i < 300; i++) {
    fake_info (&info, 4, 3);
    info.type = types[i % 5];
    info.sequence = (i + 1) % 256;
    if (info.type == WALLOC_FRAME_REPEAT)
      info.slices = 0;
    g_ptr_array_add (frames, fake_frame (&info, sizes, i));
  }
  check_stream (frames, caps, 4);
  gst_caps_unref (caps);
  g_ptr_array_unref (frames);
}

GST_END_TEST;

/* The header alone takes a dozen packets, or fits no other. */
GST_START_TEST (test_round_trip_largest_header)
{
  const guint rows = 2048, layers = 4;
  guint32 *sizes = g_new (guint32, rows * layers);
  Buffers *frames = buffers_new ();
  GstCaps *caps = fake_caps ();
  walloc_frame_info info;
  guint i, n;

  for (n = 0; n < 2; n++) {
    for (i = 0; i < rows * layers; i++)
      sizes[i] = (i * 37 + n) % 190;
    fake_info (&info, rows, layers);
    g_ptr_array_add (frames, fake_frame (&info, sizes, n));
    fail_unless (info.header_size > 9000);
  }
  check_stream (frames, caps, 3);
  gst_caps_unref (caps);
  g_ptr_array_unref (frames);
  g_free (sizes);
}

GST_END_TEST;

/* More packets than a memory can be shared among. */
GST_START_TEST (test_many_packets)
{
  guint32 sizes[4] = { 90000, 90000, 1, 90000 };
  Buffers *frames = buffers_new (), *packets, *out;
  GstCaps *caps = fake_caps (), *rtp;
  walloc_frame_info info;
  GstHarness *h;

  fake_info (&info, 4, 1);
  g_ptr_array_add (frames, fake_frame (&info, sizes, 0));
  packets = pay_all (frames, caps, "mtu=28", &rtp);
  fail_unless (packets->len > 65536);
  h = depay_harness (rtp, NULL);
  out = depay_some (h, packets, NULL);
  check_frames (frames, out);
  gst_harness_teardown (h);
  g_ptr_array_unref (out);
  gst_caps_unref (rtp);
  gst_caps_unref (caps);
  g_ptr_array_unref (packets);
  g_ptr_array_unref (frames);
}

GST_END_TEST;

/* Offsets at which segments of @frame begin, and its end. */
static GArray *
segment_starts (GstBuffer * frame, walloc_frame_info * info)
{
  GArray *starts = g_array_new (FALSE, FALSE, sizeof (gsize));
  GstMapInfo map;
  guint32 *sizes;
  guint i, count;
  gsize at;

  check_parse_header (frame, info);
  count = info->slices * info->layers;
  sizes = g_new (guint32, count);
  fail_unless (gst_buffer_map (frame, &map, GST_MAP_READ));
  fail_unless_equals_int (walloc_frame_segment_sizes (map.data, info, sizes,
          count), WALLOC_OK);
  gst_buffer_unmap (frame, &map);
  for (i = 0, at = info->header_size; i < count; at += sizes[i++])
    g_array_append_val (starts, at);
  g_array_append_val (starts, at);
  g_free (sizes);
  return starts;
}

/* No segment is in more packets than its size needs, and none starts in one
 * that it does not end in unless it has to. */
GST_START_TEST (test_alignment)
{
  Buffers *frames = buffers_new (), *packets;
  walloc_rtp_header header;
  walloc_frame_info info;
  guint m, i, s, size, room;
  GArray *starts;
  GstCaps *caps;

  add_pictures (frames, "I420", 320, 240, 1, "quality=80 slice-rows=3", &caps);
  starts = segment_starts (nth (frames, 0), &info);
  for (m = 1; m < G_N_ELEMENTS (mtus); m++) {
    gchar *props = g_strdup_printf ("mtu=%u repeat-header=2", mtus[m]);
    guint *touched = g_new0 (guint, starts->len);

    room = mtus[m] - RTP_HEADER - WALLOC_RTP_HEADER;
    packets = pay_all (frames, caps, props, NULL);
    for (i = 0; i < packets->len; i++) {
      gsize start, end, at;
      gboolean begins = FALSE;

      read_packet (nth (packets, i), &header, NULL, NULL, &size);
      if (header.flags & WALLOC_RTP_WHOLE_HEADER)
        size -= info.header_size;
      start = header.offset;
      end = start + size;
      if (size == 0)
        continue;
      for (s = 0; s + 1 < starts->len; s++) {
        gsize from = g_array_index (starts, gsize, s);
        gsize to = g_array_index (starts, gsize, s + 1);

        if (from < end && to > start) {
          touched[s]++;
          if (touched[s] == 1 && start >= from)
            fail_unless_equals_int (header.segment, s);
        }
        begins |= from == start && to > from;
      }
      at = header.segment;
      fail_unless (g_array_index (starts, gsize, at) <= start
          || start < info.header_size);
      fail_unless_equals_int (begins, !!(header.flags & WALLOC_RTP_START));
    }
    for (s = 0; s + 1 < starts->len; s++) {
      gsize length = g_array_index (starts, gsize, s + 1) -
          g_array_index (starts, gsize, s);

      /* copies of the header may take one more from a large one */
      fail_unless (touched[s] <= (length + room - 1) / room + (length > room ?
              2 : 0), "segment %u of %u bytes in %u packets", s,
          (guint) length, touched[s]);
    }
    g_free (touched);
    g_ptr_array_unref (packets);
    g_free (props);
  }
  g_array_unref (starts);
  gst_caps_unref (caps);
  g_ptr_array_unref (frames);
}

GST_END_TEST;

static GstBuffer *
decode (GstBuffer * frame)
{
  GstHarness *h = check_decoder ("decoder=linear");
  GstBuffer *out;

  gst_harness_set_src_caps_str (h, "video/x-walloc, alignment=frame, "
      "parsed=true, framerate=25/1");
  out = gst_harness_push_and_pull (h, gst_buffer_ref (frame));
  gst_harness_teardown (h);
  return out;
}

/* Rows of luma of @damaged that are not those of @whole must be near slices
 * that @lost says are gone: synthesis reaches over the border of a slice. */
static void
check_picture_rows (GstBuffer * whole, GstBuffer * damaged, guint width,
    guint height, guint slice, const gboolean * lost)
{
  const guint reach = 32;
  guint y, k, first, end, different = 0;
  GstMapInfo a, b;

  fail_unless (gst_buffer_map (whole, &a, GST_MAP_READ));
  fail_unless (gst_buffer_map (damaged, &b, GST_MAP_READ));
  fail_unless_equals_int (a.size, b.size);
  for (y = 0; y < height; y++) {
    gboolean near = FALSE;

    first = (y > reach ? y - reach : 0) / slice;
    end = MIN (height - 1, y + reach) / slice;
    for (k = first; k <= end; k++)
      near |= lost[k];
    if (memcmp (a.data + y * width, b.data + y * width, width) != 0) {
      fail_unless (near, "row %u", y);
      different++;
    }
  }
  fail_unless (different > 0);
  gst_buffer_unmap (whole, &a);
  gst_buffer_unmap (damaged, &b);
}

/* Each packet of a frame in turn is lost. What was in the others is there to
 * the byte, segments that lost a byte cannot be taken for whole, and of the
 * picture only their slices suffer. */
GST_START_TEST (test_single_loss)
{
  const guint width = 320, height = 256, slice = 32;
  Buffers *frames = buffers_new (), *packets, *out;
  GstBuffer *whole, *picture;
  walloc_frame_info info;
  GstCaps *caps, *rtp;
  GstHarness *h;
  GArray *starts;
  guint i, s;

  add_pictures (frames, "GRAY8", width, height, 1,
      "quality=85 slice-rows=4 layers=2", &caps);
  starts = segment_starts (nth (frames, 0), &info);
  fail_unless_equals_int (info.slices, 8);
  fail_unless_equals_int (info.layers, 2);
  packets = pay_all (frames, caps, "mtu=500", &rtp);
  fail_unless (packets->len > 8);
  whole = decode (nth (frames, 0));

  for (i = 0; i < packets->len; i++) {
    gboolean *lost = g_new0 (gboolean, packets->len);
    gboolean slices[8] = { FALSE };
    guint segments = 0, count = 0, size;
    walloc_rtp_header header;
    GstMapInfo a, b;
    gsize start, end;

    read_packet (nth (packets, i), &header, NULL, NULL, &size);
    if (header.flags & WALLOC_RTP_WHOLE_HEADER)
      size -= info.header_size;
    start = header.offset;
    end = start + size;
    lost[i] = TRUE;
    h = depay_harness (rtp, NULL);
    out = depay_some (h, packets, lost);
    fail_unless_equals_int (out->len, 1);
    fail_unless (gst_buffer_map (nth (frames, 0), &a, GST_MAP_READ));
    fail_unless (gst_buffer_map (nth (out, 0), &b, GST_MAP_READ));
    fail_unless_equals_int (a.size, b.size);
    fail_unless (memcmp (a.data, b.data, info.header_size) == 0);
    for (s = 0; s + 1 < starts->len; s++) {
      gsize from = g_array_index (starts, gsize, s);
      gsize to = g_array_index (starts, gsize, s + 1);

      if (from < end && to > start) {
        static const guint8 zeros[8];

        segments++;
        count += !slices[s / 2];
        slices[s / 2] = TRUE;
        /* coder states of 0 are none */
        fail_unless (memcmp (b.data + from, zeros, MIN (8, to - from)) == 0);
      } else {
        fail_unless (memcmp (a.data + from, b.data + from, to - from) == 0);
      }
    }
    gst_buffer_unmap (nth (frames, 0), &a);
    gst_buffer_unmap (nth (out, 0), &b);
    /* a packet may hold nothing but a copy of the header */
    fail_unless_equals_int (segments > 0, size > 0);
    fail_unless_equals_int (GST_BUFFER_FLAG_IS_SET (nth (out, 0),
            GST_BUFFER_FLAG_CORRUPTED), size > 0);
    fail_unless_equals_uint64 (stat_of (h, "damaged-segments"), segments);
    fail_unless_equals_uint64 (stat_of (h, "damaged-slices"), count);
    fail_unless_equals_uint64 (stat_of (h, "damaged-frames"), size > 0);
    /* nobody sees that the last one is missing but by what follows */
    fail_unless_equals_uint64 (stat_of (h, "lost-packets"), i > 0
        && i + 1 < packets->len);
    if (size > 0) {
      picture = decode (nth (out, 0));
      fail_unless (GST_BUFFER_FLAG_IS_SET (picture, GST_BUFFER_FLAG_CORRUPTED));
      check_picture_rows (whole, picture, width, height, slice, slices);
      gst_buffer_unref (picture);
    }
    gst_harness_teardown (h);
    g_ptr_array_unref (out);
    g_free (lost);
  }
  gst_buffer_unref (whole);
  gst_caps_unref (rtp);
  gst_caps_unref (caps);
  g_array_unref (starts);
  g_ptr_array_unref (packets);
  g_ptr_array_unref (frames);
}

GST_END_TEST;

/* A frame is there as long as one copy of its header is. */
GST_START_TEST (test_header_loss)
{
  static const guint heads[] = { 1400, 100 };
  guint repeat, k, i, n;

  for (k = 0; k < G_N_ELEMENTS (heads); k++) {
    for (repeat = 0; repeat <= 3; repeat++) {
      gchar *props = g_strdup_printf ("mtu=%u repeat-header=%u", heads[k],
          repeat);
      Buffers *frames = buffers_new (), *packets, *out;
      GstCaps *caps = fake_caps (), *rtp;
      guint32 sizes[30];
      walloc_frame_info info;
      gboolean *lost;
      guint copies = 0;
      GstHarness *h;

      for (n = 0; n < 3; n++) {
        for (i = 0; i < 30; i++)
          sizes[i] = 300 + i;
        fake_info (&info, 30, 1);
        g_ptr_array_add (frames, fake_frame (&info, sizes, n));
      }
      packets = pay_all (frames, caps, props, &rtp);
      lost = g_new0 (gboolean, packets->len);
      for (i = 0; i < packets->len; i++) {
        walloc_rtp_header header;

        read_packet (nth (packets, i), &header, NULL, NULL, NULL);
        /* all heads of the second frame but the last */
        if (header.frame == 1 && (header.flags & WALLOC_RTP_WHOLE_HEADER ||
                header.offset == 0) && copies++ < repeat)
          lost[i] = TRUE;
      }
      fail_unless_equals_int (copies, repeat + 1);
      h = depay_harness (rtp, NULL);
      out = depay_some (h, packets, lost);
      fail_unless_equals_int (out->len, 3);
      fail_unless_equals_uint64 (stat_of (h, "dropped"), 0);
      g_ptr_array_unref (out);
      gst_harness_teardown (h);

      /* and the last as well */
      for (i = packets->len; i-- > 0;) {
        walloc_rtp_header header;

        read_packet (nth (packets, i), &header, NULL, NULL, NULL);
        if (header.frame == 1 && (header.flags & WALLOC_RTP_WHOLE_HEADER ||
                header.offset == 0))
          lost[i] = TRUE;
      }
      h = depay_harness (rtp, NULL);
      out = depay_some (h, packets, lost);
      fail_unless_equals_int (out->len, 2);
      fail_unless (same_bytes (nth (frames, 0), nth (out, 0)));
      fail_unless (same_bytes (nth (frames, 2), nth (out, 1)));
      fail_unless (GST_BUFFER_FLAG_IS_SET (nth (out, 1),
              GST_BUFFER_FLAG_DISCONT));
      fail_unless_equals_uint64 (stat_of (h, "dropped"), 1);
      fail_unless_equals_uint64 (stat_of (h, "lost-frames"), 0);
      g_ptr_array_unref (out);
      gst_harness_teardown (h);
      g_free (lost);
      g_free (props);
      gst_caps_unref (rtp);
      gst_caps_unref (caps);
      g_ptr_array_unref (packets);
      g_ptr_array_unref (frames);
    }
  }
}

GST_END_TEST;

/* Frames whose last packet, or of which everything, is lost. */
GST_START_TEST (test_frame_loss)
{
  Buffers *frames = buffers_new (), *packets, *out;
  GstCaps *caps = fake_caps (), *rtp;
  guint32 sizes[4] = { 1000, 1000, 1000, 1000 };
  walloc_rtp_header header;
  walloc_frame_info info;
  gboolean *lost, marker;
  GstHarness *h;
  guint i;

  for (i = 0; i < 6; i++) {
    fake_info (&info, 4, 1);
    g_ptr_array_add (frames, fake_frame (&info, sizes, i));
  }
  packets = pay_all (frames, caps, "mtu=1100", &rtp);
  lost = g_new0 (gboolean, packets->len);
  for (i = 0; i < packets->len; i++) {
    read_packet (nth (packets, i), &header, &marker, NULL, NULL);
    lost[i] = (header.frame == 1 && marker) || header.frame == 3;
  }
  h = depay_harness (rtp, NULL);
  out = depay_some (h, packets, lost);
  fail_unless_equals_int (out->len, 5);
  for (i = 0; i < 5; i++) {
    guint n = i < 3 ? i : i + 1;

    fail_unless_equals_uint64 (GST_BUFFER_PTS (nth (out, i)), n * FRAME_TIME);
    fail_unless_equals_int (same_bytes (nth (out, i), nth (frames, n)), n != 1);
    fail_unless_equals_int (GST_BUFFER_FLAG_IS_SET (nth (out, i),
            GST_BUFFER_FLAG_CORRUPTED), n == 1);
  }
  fail_unless (GST_BUFFER_FLAG_IS_SET (nth (out, 3), GST_BUFFER_FLAG_DISCONT));
  fail_unless_equals_uint64 (stat_of (h, "lost-frames"), 1);
  fail_unless_equals_uint64 (stat_of (h, "damaged-frames"), 1);
  gst_harness_teardown (h);
  g_ptr_array_unref (out);
  g_free (lost);
  gst_caps_unref (rtp);
  gst_caps_unref (caps);
  g_ptr_array_unref (packets);
  g_ptr_array_unref (frames);
}

GST_END_TEST;

/* Another sender begins, with numbers of its own, while a frame is under way:
 * nothing of it is lost, and what there is of the frame goes out. */
GST_START_TEST (test_other_sender)
{
  Buffers *frames = buffers_new (), *packets, *more, *out;
  GstCaps *caps = fake_caps (), *rtp;
  guint32 sizes[4] = { 1000, 1000, 1000, 1000 };
  walloc_frame_info info;
  GstHarness *h;
  guint i;

  for (i = 0; i < 6; i++) {
    fake_info (&info, 4, 1);
    g_ptr_array_add (frames, fake_frame (&info, sizes, i));
  }
  packets = pay_all (frames, caps, "mtu=1100 ssrc=1 seqnum-offset=100", &rtp);
  more = pay_all (frames, caps, "mtu=1100 ssrc=2 seqnum-offset=20000", NULL);
  h = depay_harness (rtp, NULL);
  for (i = 0; i < packets->len - 1; i++)
    push_packet (h, nth (packets, i));
  for (i = 0; i < more->len; i++)
    push_packet (h, nth (more, i));
  out = pull_all (h);
  fail_unless_equals_int (out->len, 12);
  for (i = 0; i < 12; i++)
    fail_unless_equals_int (same_bytes (nth (out, i), nth (frames, i % 6)),
        i != 5);
  fail_unless (GST_BUFFER_FLAG_IS_SET (nth (out, 6), GST_BUFFER_FLAG_DISCONT));
  fail_unless_equals_uint64 (stat_of (h, "lost-packets"), 0);
  fail_unless_equals_uint64 (stat_of (h, "lost-frames"), 0);
  gst_harness_teardown (h);
  g_ptr_array_unref (out);
  g_ptr_array_unref (more);
  g_ptr_array_unref (packets);
  g_ptr_array_unref (frames);
  gst_caps_unref (rtp);
  gst_caps_unref (caps);
}

GST_END_TEST;

/* Two frames of one time stamp are two frames; packets that come twice or too
 * late change nothing but what they would have brought. */
GST_START_TEST (test_order)
{
  Buffers *frames = buffers_new (), *packets, *out;
  GstCaps *caps = fake_caps (), *rtp;
  guint32 sizes[4] = { 1000, 1000, 1000, 1000 };
  walloc_frame_info info;
  GstHarness *h;
  guint i;

  for (i = 0; i < 4; i++) {
    fake_info (&info, 4, 1);
    g_ptr_array_add (frames, fake_frame (&info, sizes, i));
    GST_BUFFER_PTS (nth (frames, i)) = i / 2 * FRAME_TIME;
  }
  packets = pay_all (frames, caps, "mtu=1100", &rtp);
  h = depay_harness (rtp, NULL);
  for (i = 0; i < packets->len; i++) {
    push_packet (h, nth (packets, i));
    push_packet (h, nth (packets, i));
    if (i > 2)
      push_packet (h, nth (packets, i - 2));
  }
  out = pull_all (h);
  check_frames (frames, out);
  fail_unless_equals_uint64 (stat_of (h, "bad-packets"), 0);
  gst_harness_teardown (h);
  g_ptr_array_unref (out);

  /* the second and the third packet change places: the second comes too late */
  h = depay_harness (rtp, NULL);
  for (i = 0; i < packets->len; i++)
    push_packet (h, nth (packets, i == 1 ? 2 : i == 2 ? 1 : i));
  out = pull_all (h);
  fail_unless_equals_int (out->len, 4);
  fail_unless (GST_BUFFER_FLAG_IS_SET (nth (out, 0),
          GST_BUFFER_FLAG_CORRUPTED));
  fail_unless_equals_uint64 (stat_of (h, "damaged-frames"), 1);
  gst_harness_teardown (h);
  g_ptr_array_unref (out);
  gst_caps_unref (rtp);
  gst_caps_unref (caps);
  g_ptr_array_unref (packets);
  g_ptr_array_unref (frames);
}

GST_END_TEST;

/* The frame's bytes are not copied into packets. */
GST_START_TEST (test_zero_copy)
{
  guint32 sizes[4] = { 1000, 1000, 1000, 5000 };
  Buffers *frames = buffers_new (), *packets;
  GstCaps *caps = fake_caps ();
  GstMapInfo frame, map;
  walloc_frame_info info;
  guint i, k, shared = 0;

  fake_info (&info, 4, 1);
  g_ptr_array_add (frames, fake_frame (&info, sizes, 0));
  packets = pay_all (frames, caps, "mtu=1100 repeat-header=2", NULL);
  fail_unless (gst_buffer_map (nth (frames, 0), &frame, GST_MAP_READ));
  for (i = 0; i < packets->len; i++) {
    /* behind the RTP header and that of the payload */
    for (k = 2; k < gst_buffer_n_memory (nth (packets, i)); k++) {
      GstMemory *memory = gst_buffer_peek_memory (nth (packets, i), k);

      fail_unless (gst_memory_map (memory, &map, GST_MAP_READ));
      fail_unless (map.data >= frame.data
          && map.data + map.size <= frame.data + frame.size,
          "memory %u of packet %u", k, i);
      shared += map.size;
      gst_memory_unmap (memory, &map);
    }
  }
  fail_unless_equals_int (shared, frame.size + 2 * info.header_size);
  gst_buffer_unmap (nth (frames, 0), &frame);
  gst_caps_unref (caps);
  g_ptr_array_unref (packets);
  g_ptr_array_unref (frames);
}

GST_END_TEST;

static Suite *
rtpwalloc_suite (void)
{
  Suite *s = suite_create ("rtpwalloc");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (s, tc);
  tcase_add_test (tc, test_round_trip_video);
  tcase_add_test (tc, test_round_trip_sound);
  tcase_add_test (tc, test_round_trip_repeat);
  tcase_add_test (tc, test_round_trip_largest_header);
  tcase_add_test (tc, test_many_packets);
  tcase_add_test (tc, test_alignment);
  tcase_add_test (tc, test_single_loss);
  tcase_add_test (tc, test_header_loss);
  tcase_add_test (tc, test_frame_loss);
  tcase_add_test (tc, test_other_sender);
  tcase_add_test (tc, test_order);
  tcase_add_test (tc, test_zero_copy);

  return s;
}

GST_CHECK_MAIN (rtpwalloc);
