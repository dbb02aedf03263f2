/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* rtpwallocpay and rtpwallocdepay with header extensions of the base class: all
 * packets bring them, none is greater than the mtu, and what they say comes to
 * the frame that it was said of. */
#include "rtp-check.h"

#define URI "urn:x-gst-walloc:frame-number"
#define MAX_READS 4096

/* Writes the number of the frame into the first two of @size bytes; notes what
 * it reads, and with which frame. */
typedef struct
{
  GstRTPHeaderExtension parent;
  guint size;
  guint reads;
  guint said[MAX_READS], of[MAX_READS];
} TestExtension;

typedef GstRTPHeaderExtensionClass TestExtensionClass;

static GType test_extension_get_type (void);
G_DEFINE_TYPE (TestExtension, test_extension, GST_TYPE_RTP_HEADER_EXTENSION);

/* GStreamer's own readers and writers want aligned memory. */
static guint
get_number (const guint8 * data)
{
  return data[0] << 8 | data[1];
}

static GstRTPHeaderExtensionFlags
test_extension_flags (GstRTPHeaderExtension * ext)
{
  return GST_RTP_HEADER_EXTENSION_ONE_BYTE | GST_RTP_HEADER_EXTENSION_TWO_BYTE;
}

static gsize
test_extension_max_size (GstRTPHeaderExtension * ext, const GstBuffer * input)
{
  return ((TestExtension *) ext)->size;
}

static gssize
test_extension_write (GstRTPHeaderExtension * ext, const GstBuffer * input,
    GstRTPHeaderExtensionFlags flags, GstBuffer * output, guint8 * data,
    gsize size)
{
  TestExtension *self = (TestExtension *) ext;
  guint number = GST_BUFFER_PTS (input) / FRAME_TIME;

  fail_unless (size >= self->size);
  memset (data, 0x5a, self->size);
  data[0] = number >> 8;
  data[1] = number & 255;
  return self->size;
}

static gboolean
test_extension_read (GstRTPHeaderExtension * ext,
    GstRTPHeaderExtensionFlags flags, const guint8 * data, gsize size,
    GstBuffer * buffer)
{
  TestExtension *self = (TestExtension *) ext;

  fail_unless_equals_int (size, self->size);
  fail_unless (self->reads < MAX_READS);
  self->said[self->reads] = get_number (data);
  self->of[self->reads++] = GST_BUFFER_PTS (buffer) / FRAME_TIME;
  return TRUE;
}

static void
test_extension_class_init (TestExtensionClass * klass)
{
  klass->get_supported_flags = test_extension_flags;
  klass->get_max_size = test_extension_max_size;
  klass->write = test_extension_write;
  klass->read = test_extension_read;
  gst_rtp_header_extension_class_set_uri (klass, URI);
}

static void
test_extension_init (TestExtension * self)
{
}

static TestExtension *
add_extension (GstHarness * h, guint size)
{
  TestExtension *ext = g_object_new (test_extension_get_type (), NULL);

  ext->size = size;
  gst_rtp_header_extension_set_id (&ext->parent, 5);
  g_signal_emit_by_name (h->element, "add-extension", ext);
  return ext;
}

/* @count frames of slices that fill packets, and of some that share one. */
static Buffers *
make_frames (guint count)
{
  static const guint32 sizes[] = { 900, 20, 30, 1500, 40, 2000, 11, 12 };
  Buffers *frames = buffers_new ();
  walloc_frame_info info;
  guint i;

  fake_info (&info, 8, 1);
  for (i = 0; i < count; i++)
    g_ptr_array_add (frames, fake_frame (&info, sizes, i));
  return frames;
}

static Buffers *
pay_extended (const Buffers * frames, guint mtu, guint size, GstCaps ** rtp)
{
  GstHarness *h = gst_harness_new ("rtpwallocpay");
  GstCaps *caps = fake_caps ();
  TestExtension *ext;
  Buffers *packets;
  guint i;

  g_object_set (h->element, "mtu", mtu, NULL);
  ext = add_extension (h, size);
  gst_harness_set_src_caps (h, caps);
  for (i = 0; i < frames->len; i++)
    fail_unless_equals_int (gst_harness_push (h, gst_buffer_ref (nth (frames,
                    i))), GST_FLOW_OK);
  packets = pull_all (h);
  *rtp = gst_pad_get_current_caps (h->sinkpad);
  gst_harness_teardown (h);
  g_object_unref (ext);
  return packets;
}

/* Number in the extension of a packet. */
static guint
said_in (GstBuffer * packet, guint want)
{
  GstRTPBuffer rtp = GST_RTP_BUFFER_INIT;
  gpointer data;
  guint size, number, app = 0;
  gboolean found;

  fail_unless (gst_rtp_buffer_map (packet, GST_MAP_READ, &rtp));
  found = gst_rtp_buffer_get_extension_onebyte_header (&rtp, 5, 0, &data,
      &size) || gst_rtp_buffer_get_extension_twobytes_header (&rtp,
      (guint8 *) & app, 5, 0, &data, &size);
  fail_unless (found, "a packet without the extension");
  fail_unless_equals_int (size, want);
  number = get_number (data);
  gst_rtp_buffer_unmap (&rtp);
  return number;
}

static const struct
{
  guint mtu, size;
} cases[] = {
  {64, 3}, {100, 3}, {576, 3}, {1400, 3}, {1400, 16}, {100, 40}, {1400, 100}
};

GST_START_TEST (test_extension)
{
  guint mtu = cases[__i__].mtu, size = cases[__i__].size, i, number = 0;
  Buffers *frames = make_frames (6), *packets, *out;
  guint full = 0, changes = 0, ends = 0;
  walloc_rtp_header header;
  TestExtension *ext;
  gboolean marker;
  GstHarness *h;
  GstCaps *rtp;

  packets = pay_extended (frames, mtu, size, &rtp);
  fail_unless_equals_string (gst_structure_get_string (gst_caps_get_structure
          (rtp, 0), "extmap-5"), URI);
  for (i = 0; i < packets->len; i++) {
    gsize bytes = gst_buffer_get_size (nth (packets, i));

    fail_unless_equals_int (said_in (nth (packets, i), size), number);
    read_packet (nth (packets, i), &header, &marker, NULL, NULL);
    fail_unless_equals_int (header.frame, number);
    /* of one that is greater than usual, the first frame does not know */
    if (number > 0 || size <= 16)
      fail_unless (bytes <= mtu, "packet %u of %u bytes", i, (guint) bytes);
    full += number > 0 && bytes + 4 > mtu;
    number += marker;
    ends += marker;
  }
  fail_unless_equals_int (ends, frames->len);
  /* nothing is given away either */
  fail_unless (full >= frames->len - 1, "%u full packets", full);

  h = depay_harness (rtp, NULL);
  ext = add_extension (h, size);
  out = depay_some (h, packets, NULL);
  fail_unless_equals_int (out->len, frames->len);
  for (i = 0; i < out->len; i++)
    fail_unless (same_bytes (nth (frames, i), nth (out, i)));
  /* GStreamer 1.22 reads that of a frame's last packet only */
  fail_unless (ext->reads == frames->len || ext->reads == packets->len);
  for (i = 0; i < ext->reads; i++) {
    fail_unless_equals_int (ext->said[i], ext->of[i]);
    changes += i > 0 && ext->of[i] != ext->of[i - 1];
  }
  fail_unless_equals_int (changes, frames->len - 1);
  fail_unless_equals_uint64 (stat_of (h, "bad-packets"), 0);
  gst_harness_teardown (h);
  g_object_unref (ext);
  gst_caps_unref (rtp);
  g_ptr_array_unref (out);
  g_ptr_array_unref (packets);
  g_ptr_array_unref (frames);
}

GST_END_TEST;

/* Extensions that come and go while frames do. */
GST_START_TEST (test_added_later)
{
  GstHarness *h = gst_harness_new ("rtpwallocpay");
  Buffers *frames = make_frames (6), *packets;
  gsize most[3] = { 0, 0, 0 };
  TestExtension *ext = NULL;
  guint i, k;

  g_object_set (h->element, "mtu", 500, NULL);
  gst_harness_set_src_caps (h, fake_caps ());
  for (i = 0; i < frames->len; i++) {
    if (i == 2)
      ext = add_extension (h, 9);
    if (i == 4)
      g_signal_emit_by_name (h->element, "clear-extensions");
    fail_unless_equals_int (gst_harness_push (h, gst_buffer_ref (nth (frames,
                    i))), GST_FLOW_OK);
    packets = pull_all (h);
    for (k = 0; k < packets->len; k++) {
      GstRTPBuffer rtp = GST_RTP_BUFFER_INIT;

      most[i / 2] = MAX (most[i / 2], gst_buffer_get_size (nth (packets, k)));
      fail_unless (gst_rtp_buffer_map (nth (packets, k), GST_MAP_READ, &rtp));
      fail_unless_equals_int (gst_rtp_buffer_get_extension (&rtp), i / 2 == 1);
      gst_rtp_buffer_unmap (&rtp);
    }
    g_ptr_array_unref (packets);
  }
  fail_unless_equals_int (most[0], 500);
  fail_unless (most[1] <= 500 && most[1] > 496);
  gst_harness_teardown (h);
  g_object_unref (ext);
  g_ptr_array_unref (frames);
}

GST_END_TEST;

/* The last packet of a frame is lost: the base class reads what the packet says
 * that shows it, of the next frame, and nothing else goes wrong. */
GST_START_TEST (test_lost_end)
{
  Buffers *frames = make_frames (3), *packets, *out;
  gboolean lost[256] = { FALSE }, marker;
  walloc_rtp_header header;
  TestExtension *ext;
  GstHarness *h;
  GstCaps *rtp;
  guint i, wrong = 0;

  packets = pay_extended (frames, 576, 3, &rtp);
  fail_unless (packets->len < G_N_ELEMENTS (lost));
  for (i = 0; i < packets->len; i++) {
    read_packet (nth (packets, i), &header, &marker, NULL, NULL);
    lost[i] = marker && header.frame == 1;
  }
  h = depay_harness (rtp, NULL);
  ext = add_extension (h, 3);
  out = depay_some (h, packets, lost);
  fail_unless_equals_int (out->len, 3);
  fail_unless (GST_BUFFER_FLAG_IS_SET (nth (out, 1),
          GST_BUFFER_FLAG_CORRUPTED));
  fail_unless (same_bytes (nth (frames, 2), nth (out, 2)));
  fail_unless (ext->reads >= 3);
  for (i = 0; i < ext->reads; i++) {
    fail_unless (ext->of[i] == 1 || ext->said[i] == ext->of[i]);
    wrong += ext->said[i] != ext->of[i];
  }
  fail_unless (wrong <= 1, "%u", wrong);
  gst_harness_teardown (h);
  g_object_unref (ext);
  gst_caps_unref (rtp);
  g_ptr_array_unref (out);
  g_ptr_array_unref (packets);
  g_ptr_array_unref (frames);
}

GST_END_TEST;

/* Extensions that are there: both sides make them of caps alone. */
GST_START_TEST (test_from_caps)
{
  static const gchar twcc[] = "http://www.ietf.org/id/"
      "draft-holmer-rmcat-transport-wide-cc-extensions-01";
  GstHarness *h = gst_harness_new ("rtpwallocpay");
  Buffers *frames = make_frames (3), *packets, *out;
  GstRTPHeaderExtension *ext = gst_rtp_header_extension_create_from_uri (twcc);
  GstCaps *rtp;
  guint i;

  if (!ext) {
    GST_WARNING ("no rtphdrexttwcc");
    gst_harness_teardown (h);
    g_ptr_array_unref (frames);
    return;
  }
  gst_object_unref (ext);
  rtp = gst_caps_from_string ("application/x-rtp, extmap-3=(string)" "\""
      "http://www.ietf.org/id/"
      "draft-holmer-rmcat-transport-wide-cc-extensions-01\"");
  g_object_set (h->element, "mtu", 600, NULL);
  gst_harness_set_sink_caps (h, rtp);
  gst_harness_set_src_caps (h, fake_caps ());
  for (i = 0; i < frames->len; i++)
    fail_unless_equals_int (gst_harness_push (h, gst_buffer_ref (nth (frames,
                    i))), GST_FLOW_OK);
  packets = pull_all (h);
  rtp = gst_pad_get_current_caps (h->sinkpad);
  fail_unless_equals_string (gst_structure_get_string (gst_caps_get_structure
          (rtp, 0), "extmap-3"), twcc);
  gst_harness_teardown (h);
  for (i = 0; i < packets->len; i++) {
    GstRTPBuffer packet = GST_RTP_BUFFER_INIT;
    gpointer data;
    guint size;

    fail_unless (gst_buffer_get_size (nth (packets, i)) <= 600);
    fail_unless (gst_rtp_buffer_map (nth (packets, i), GST_MAP_READ, &packet));
    /* room for the session's number */
    fail_unless (gst_rtp_buffer_get_extension_onebyte_header (&packet, 3, 0,
            &data, &size));
    fail_unless_equals_int (size, 2);
    gst_rtp_buffer_unmap (&packet);
  }
  h = depay_harness (rtp, NULL);
  out = depay_some (h, packets, NULL);
  fail_unless_equals_int (out->len, frames->len);
  for (i = 0; i < out->len; i++)
    fail_unless (same_bytes (nth (frames, i), nth (out, i)));
  gst_harness_teardown (h);
  gst_caps_unref (rtp);
  g_ptr_array_unref (out);
  g_ptr_array_unref (packets);
  g_ptr_array_unref (frames);
}

GST_END_TEST;

static Suite *
rtpwallochdrext_suite (void)
{
  Suite *s = suite_create ("rtpwallochdrext");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (s, tc);
  tcase_add_loop_test (tc, test_extension, 0, G_N_ELEMENTS (cases));
  tcase_add_test (tc, test_added_later);
  tcase_add_test (tc, test_lost_end);
  tcase_add_test (tc, test_from_caps);

  return s;
}

GST_CHECK_MAIN (rtpwallochdrext);
