/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* rtpwallocpay and rtpwallocdepay against packets, caps and buffers that are
 * not as they should be, and what they tell of streams. */
#include "rtp-check.h"

#include <gst/sdp/gstsdpmessage.h>

static const guint32 sizes[4] = { 1000, 900, 800, 700 };

/* Packets of @count frames that say @id is their model. */
static Buffers *
packets_of (guint count, guint64 id, const gchar * props, GstCaps ** rtp)
{
  Buffers *frames = buffers_new (), *packets;
  GstCaps *caps = fake_caps ();
  walloc_frame_info info;
  gchar text[17];
  guint i;

  g_snprintf (text, sizeof text, "%016" G_GINT64_MODIFIER "x", id);
  gst_caps_set_simple (caps, "model-id", G_TYPE_STRING, text, NULL);
  for (i = 0; i < count; i++) {
    fake_info (&info, 4, 1);
    info.model_id = id;
    g_ptr_array_add (frames, fake_frame (&info, sizes, i));
  }
  packets = pay_all (frames, caps, props ? props : "mtu=1100", rtp);
  g_ptr_array_unref (frames);
  gst_caps_unref (caps);
  return packets;
}

#define MODEL G_GUINT64_CONSTANT (0x123456789abcdef0)

/* A copy of @packet with a payload of the @size bytes at @data, and a sequence
 * number. */
static GstBuffer *
packet_with (GstBuffer * packet, const guint8 * data, guint size, guint16 seq,
    gboolean marker)
{
  GstRTPBuffer in = GST_RTP_BUFFER_INIT, out = GST_RTP_BUFFER_INIT;
  GstBuffer *copy = gst_rtp_buffer_new_allocate (size, 0, 0);

  fail_unless (gst_rtp_buffer_map (packet, GST_MAP_READ, &in));
  fail_unless (gst_rtp_buffer_map (copy, GST_MAP_WRITE, &out));
  gst_rtp_buffer_set_payload_type (&out, 96);
  gst_rtp_buffer_set_seq (&out, seq);
  gst_rtp_buffer_set_ssrc (&out, gst_rtp_buffer_get_ssrc (&in));
  gst_rtp_buffer_set_timestamp (&out, gst_rtp_buffer_get_timestamp (&in));
  gst_rtp_buffer_set_marker (&out, marker);
  if (size > 0)
    memcpy (gst_rtp_buffer_get_payload (&out), data, size);
  gst_rtp_buffer_unmap (&out);
  gst_rtp_buffer_unmap (&in);
  GST_BUFFER_PTS (copy) = GST_BUFFER_PTS (packet);
  return copy;
}

static guint8 *
payload_of (GstBuffer * packet, guint * size, guint16 * seq)
{
  GstRTPBuffer rtp = GST_RTP_BUFFER_INIT;
  guint8 *data;

  fail_unless (gst_rtp_buffer_map (packet, GST_MAP_READ, &rtp));
  *size = gst_rtp_buffer_get_payload_len (&rtp);
  if (seq)
    *seq = gst_rtp_buffer_get_seq (&rtp);
  data = g_memdup2 (gst_rtp_buffer_get_payload (&rtp), *size);
  gst_rtp_buffer_unmap (&rtp);
  return data;
}

/* Pushes the packets with byte @at of number @which set to @value; what the
 * depayloader says of it. */
static void
push_changed (GstHarness * h, const Buffers * packets, guint which, guint at,
    guint8 value)
{
  guint i, size;
  guint8 *data;
  guint16 seq;

  for (i = 0; i < packets->len; i++) {
    GstBuffer *copy;

    if (i != which) {
      push_packet (h, nth (packets, i));
      continue;
    }
    data = payload_of (nth (packets, i), &size, &seq);
    fail_unless (at < size);
    data[at] = value;
    copy = packet_with (nth (packets, i), data, size, seq,
        GST_BUFFER_FLAG_IS_SET (nth (packets, i), GST_BUFFER_FLAG_MARKER));
    push_packet (h, copy);
    gst_buffer_unref (copy);
    g_free (data);
  }
}

/* Fields of a packet in the middle of a frame that say something else. */
GST_START_TEST (test_changed_field)
{
  static const struct
  {
    guint at;
    guint8 value;
    guint64 bad, damaged, frames;
  } rows[] = {
    {0, 0x44, 1, 1, 1},         /* version 1 */
    {0, 0x05, 1, 1, 1},         /* reserved bit */
    {0, 0x04, 1, 1, 1},         /* not of a key frame */
    {0, 0x1c, 1, 1, 1},         /* a frame header that is none */
    {0, 0x2c, 0, 1, 1},         /* a configuration that is none */
    {4, 0x77, 1, 1, 1},         /* another model */
    {8, 0xff, 1, 1, 1},         /* far behind the end */
    {10, 0x7f, 1, 1, 1},        /* behind the end */
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (rows); i++) {
    GstCaps *rtp;
    Buffers *packets = packets_of (1, MODEL, "mtu=1100 repeat-header=0", &rtp);
    GstHarness *h = depay_harness (rtp, NULL);
    Buffers *out;

    fail_unless_equals_int (packets->len, 4);
    push_changed (h, packets, 1, rows[i].at, rows[i].value);
    out = pull_all (h);
    fail_unless_equals_int (out->len, rows[i].frames);
    fail_unless_equals_uint64 (stat_of (h, "bad-packets"), rows[i].bad);
    fail_unless_equals_uint64 (stat_of (h, "damaged-slices"), rows[i].damaged);
    g_ptr_array_unref (out);
    g_ptr_array_unref (packets);
    gst_caps_unref (rtp);
    gst_harness_teardown (h);
  }
}

GST_END_TEST;

/* Each packet of a frame cut short at each byte. */
GST_START_TEST (test_truncated)
{
  GstCaps *rtp;
  Buffers *packets = packets_of (1, MODEL, "mtu=500", &rtp), *out;
  guint which, i, size, cut, k;
  guint16 seq;

  for (which = 0; which < packets->len; which++) {
    guint8 *data = payload_of (nth (packets, which), &size, &seq);

    for (cut = 0; cut < size; cut += cut < 60 ? 1 : 37) {
      GstHarness *h = depay_harness (rtp, NULL);
      GstBuffer *copy = packet_with (nth (packets, which), data, cut, seq,
          which + 1 == packets->len);

      for (i = 0; i < packets->len; i++)
        push_packet (h, i == which ? copy : nth (packets, i));
      /* a marker that came with a bad packet does not count */
      fail_unless (gst_harness_push_event (h, gst_event_new_eos ()));
      out = pull_all (h);
      /* the header is there a second time */
      fail_unless_equals_int (out->len, 1);
      for (k = 0; k < out->len; k++)
        fail_unless_equals_int (GST_BUFFER_FLAG_IS_SET (nth (out, k),
                GST_BUFFER_FLAG_CORRUPTED), stat_of (h, "damaged-slices") > 0);
      fail_unless (cut >= WALLOC_RTP_HEADER || stat_of (h, "bad-packets") == 1);
      g_ptr_array_unref (out);
      gst_buffer_unref (copy);
      gst_harness_teardown (h);
    }
    g_free (data);
  }
  gst_caps_unref (rtp);
  g_ptr_array_unref (packets);
}

GST_END_TEST;

/* Bytes of no sense, some with a payload header that has some. */
GST_START_TEST (test_random)
{
  GstCaps *rtp;
  Buffers *packets = packets_of (2, MODEL, "mtu=500", &rtp), *out;
  GRand *rand = g_rand_new_with_seed (7);
  GstHarness *h = depay_harness (rtp, NULL);
  guint i, k, size, total = 0;
  guint16 seq;

  for (i = 0; i < 20000; i++) {
    GstBuffer *packet = nth (packets, g_rand_int_range (rand, 0,
            packets->len)), *copy;
    guint8 *data = payload_of (packet, &size, &seq);
    guint changes = g_rand_int_range (rand, 0, 4);

    for (k = 0; k < changes; k++)
      data[g_rand_int_range (rand, 0, MIN (size, 60))] = g_rand_int (rand);
    if (i % 7 == 0)
      size = g_rand_int_range (rand, 0, size);
    copy = packet_with (packet, data, size, i, g_rand_int_range (rand, 0,
            4) == 0);
    push_packet (h, copy);
    gst_buffer_unref (copy);
    g_free (data);
  }
  out = pull_all (h);
  for (i = 0; i < out->len; i++) {
    walloc_frame_info info;

    check_parse_header (nth (out, i), &info);
    total += GST_BUFFER_FLAG_IS_SET (nth (out, i), GST_BUFFER_FLAG_CORRUPTED);
  }
  fail_unless (out->len > 100 && total > 0);
  /* and a good stream goes through behind it */
  g_ptr_array_unref (out);
  gst_harness_teardown (h);
  g_rand_free (rand);
  gst_caps_unref (rtp);
  g_ptr_array_unref (packets);
}

GST_END_TEST;

/* A good header that claims more than the rest is worth, or than is allowed. */
GST_START_TEST (test_claims)
{
  guint8 data[WALLOC_RTP_HEADER + 200];
  guint32 claims[2] = { 500, 1 << 20 };
  guint64 dropped[2] = { 0, 1 };
  GstCaps *rtp;
  Buffers *packets = packets_of (1, MODEL, NULL, &rtp), *out;
  walloc_rtp_header header = { 0 };
  walloc_frame_info info;
  guint k;

  header.flags = WALLOC_RTP_KEY | WALLOC_RTP_WHOLE_HEADER;
  header.model = (guint32) MODEL;
  for (k = 0; k < 4; k++) {
    guint32 claim[4] = { 0 };
    GstHarness *h = depay_harness (rtp, k == 2 ? "max-frame-size=1024" :
        k == 3 ? "max-frame-size=1048576" : NULL);
    GstBuffer *packet;

    /* 600 bytes in a packet of 200: fine; 1 MiB: not worth it */
    claim[3] = k < 2 ? claims[k] : k == 2 ? 1000 : 1 << 29;
    fake_info (&info, 4, 1);
    fail_unless_equals_int (walloc_frame_write (data + WALLOC_RTP_HEADER, 200,
            &info, claim, NULL), WALLOC_OK);
    header.offset = info.header_size;
    walloc_rtp_header_write (&header, data);
    packet = packet_with (nth (packets, 0), data, WALLOC_RTP_HEADER +
        info.header_size, 1, TRUE);
    push_packet (h, packet);
    out = pull_all (h);
    fail_unless_equals_uint64 (stat_of (h, "dropped"), k < 2 ? dropped[k] : 1);
    fail_unless_equals_int (out->len, k == 0);
    g_ptr_array_unref (out);
    gst_buffer_unref (packet);
    gst_harness_teardown (h);
  }
  gst_caps_unref (rtp);
  g_ptr_array_unref (packets);
}

GST_END_TEST;

/* Data that says it is the header, which has come already. */
GST_START_TEST (test_overwritten_header)
{
  GstCaps *rtp;
  Buffers *packets = packets_of (1, MODEL, "mtu=1100 repeat-header=0", &rtp),
      *out;
  GstHarness *h = depay_harness (rtp, NULL);
  walloc_rtp_header header = { 0 };
  guint8 data[WALLOC_RTP_HEADER + 100];
  walloc_frame_info info;
  GstBuffer *packet;
  guint16 seq;
  guint size, i;

  g_free (payload_of (nth (packets, 0), &size, &seq));
  memset (data, 0xff, sizeof data);
  header.flags = WALLOC_RTP_KEY;
  header.model = (guint32) MODEL;
  header.offset = 0;
  walloc_rtp_header_write (&header, data);
  packet = packet_with (nth (packets, 0), data, sizeof data, seq + 1, FALSE);
  push_packet (h, nth (packets, 0));
  push_packet (h, packet);
  gst_buffer_unref (packet);
  for (i = 1; i < packets->len; i++) {
    guint8 *payload = payload_of (nth (packets, i), &size, &seq);

    packet = packet_with (nth (packets, i), payload, size, seq + 1,
        i + 1 == packets->len);
    push_packet (h, packet);
    gst_buffer_unref (packet);
    g_free (payload);
  }
  out = pull_all (h);
  fail_unless_equals_int (out->len, 1);
  check_parse_header (nth (out, 0), &info);
  fail_unless_equals_int (info.slices, 4);
  g_ptr_array_unref (out);
  gst_harness_teardown (h);
  gst_caps_unref (rtp);
  g_ptr_array_unref (packets);
}

GST_END_TEST;

/* Frames of a model that neither caps nor a configuration name are left out,
 * with one warning; a configuration lets them in. */
GST_START_TEST (test_other_model)
{
  GstCaps *rtp, *rtp2;
  Buffers *ours = packets_of (1, MODEL, NULL, &rtp), *out;
  Buffers *theirs = packets_of (3, MODEL + 1, NULL, &rtp2);
  Buffers *announced = packets_of (1, MODEL + 1, "config-interval=-1", NULL);
  GstHarness *h = depay_harness (rtp, NULL);
  GstBus *bus = check_bus (h);
  GError *error;
  gchar *debug;
  guint i;

  for (i = 0; i < ours->len; i++)
    push_packet (h, nth (ours, i));
  /* another sender, by its SSRC */
  for (i = 0; i < theirs->len; i++)
    push_packet (h, nth (theirs, i));
  out = pull_all (h);
  fail_unless_equals_int (out->len, 1);
  fail_unless_equals_uint64 (stat_of (h, "dropped"), 3);
  error = check_message (bus, GST_MESSAGE_WARNING, &debug);
  fail_unless (g_error_matches (error, GST_STREAM_ERROR,
          GST_STREAM_ERROR_FORMAT));
  fail_unless (strstr (debug, "123456789abcdef1") != NULL, "%s", debug);
  fail_unless (gst_bus_pop_filtered (bus, GST_MESSAGE_WARNING) == NULL);
  g_clear_error (&error);
  g_free (debug);
  g_ptr_array_unref (out);

  for (i = 0; i < announced->len; i++)
    push_packet (h, nth (announced, i));
  out = pull_all (h);
  fail_unless_equals_int (out->len, 1);
  fail_unless_equals_uint64 (stat_of (h, "configurations"), 1);
  g_ptr_array_unref (out);

  gst_element_set_bus (h->element, NULL);
  gst_object_unref (bus);
  gst_harness_teardown (h);
  gst_caps_unref (rtp);
  gst_caps_unref (rtp2);
  g_ptr_array_unref (ours);
  g_ptr_array_unref (theirs);
  g_ptr_array_unref (announced);
}

GST_END_TEST;

/* Everything the caps say survives the text of SDP. */
GST_START_TEST (test_sdp)
{
  static const gchar *const rows[] = {
    "video/x-walloc, alignment=(string)frame, parsed=(boolean)true, "
        "model-id=(string)123456789abcdef0, width=(int)64, height=(int)32, "
        "framerate=(fraction)25/1, pixel-aspect-ratio=(fraction)4/3, "
        "colorimetry=(string)bt709, chroma-site=(string)mpeg2, "
        "interlace-mode=(string)progressive",
    "audio/x-walloc, alignment=(string)frame, parsed=(boolean)true, "
        "model-id=(string)123456789abcdef0, rate=(int)44100, "
        "channels=(int)2, channel-mask=(bitmask)0x3"
  };
  guint i, k;

  for (i = 0; i < G_N_ELEMENTS (rows); i++) {
    GstCaps *caps = gst_caps_from_string (rows[i]), *rtp, *back, *out;
    GstHarness *h = pay_harness (caps, NULL), *d;
    GstSDPMessage *sdp, *parsed;
    GstSDPMedia *media;
    walloc_frame_info info;
    GstBuffer *frame, *packet;
    guint32 one[1] = { 100 };
    gchar *text;

    walloc_frame_info_init (&info);
    info.model_id = MODEL;
    info.channels = 4;
    info.layers = 1;
    info.layer_end[0] = 4;
    info.slices = 1;
    if (i == 0) {
      info.width = 64;
      info.height = 32;
      info.format = WALLOC_FORMAT_I420;
      info.slice_rows = 16;
      info.par_n = 4;
      info.par_d = 3;
    } else {
      info.media = WALLOC_MEDIA_AUDIO;
      info.rate = 44100;
      info.audio_channels = 2;
      info.columns = 2;
    }
    frame = fake_frame (&info, one, 0);
    packet = gst_harness_push_and_pull (h, frame);
    fail_unless (packet != NULL);
    rtp = gst_pad_get_current_caps (h->sinkpad);

    gst_sdp_message_new (&sdp);
    gst_sdp_media_new (&media);
    fail_unless_equals_int (gst_sdp_media_set_media_from_caps (rtp, media),
        GST_SDP_OK);
    gst_sdp_message_add_media (sdp, media);
    text = gst_sdp_message_as_text (sdp);
    gst_sdp_media_free (media);
    gst_sdp_message_free (sdp);
    gst_sdp_message_new (&parsed);
    fail_unless_equals_int (gst_sdp_message_parse_buffer ((guint8 *) text,
            strlen (text), parsed), GST_SDP_OK);
    back = gst_sdp_media_get_caps_from_media (gst_sdp_message_get_media
        (parsed, 0), 96);
    fail_unless (back != NULL, "%s", text);
    gst_structure_set_name (gst_caps_get_structure (back, 0),
        "application/x-rtp");
    fail_unless_equals_string (gst_structure_get_string
        (gst_caps_get_structure (back, 0), "encoding-name"), "X-WALLOC");

    d = depay_harness (back, NULL);
    push_packet (d, packet);
    fail_unless_equals_int (gst_harness_buffers_received (d), 1);
    out = gst_pad_get_current_caps (d->sinkpad);
    for (k = 0; k < (guint) gst_structure_n_fields (gst_caps_get_structure
            (caps, 0)); k++) {
      const gchar *name = gst_structure_nth_field_name (gst_caps_get_structure
          (caps, 0), k);
      const GValue *a = gst_structure_get_value (gst_caps_get_structure (caps,
              0), name);
      const GValue *b = gst_structure_get_value (gst_caps_get_structure (out,
              0), name);

      fail_unless (b && gst_value_compare (a, b) == GST_VALUE_EQUAL,
          "%s in\n%s", name, text);
    }
    gst_caps_unref (out);
    gst_caps_unref (back);
    gst_caps_unref (rtp);
    gst_caps_unref (caps);
    gst_sdp_message_free (parsed);
    g_free (text);
    gst_buffer_unref (packet);
    gst_harness_teardown (h);
    gst_harness_teardown (d);
  }
}

GST_END_TEST;

/* What is not of the form it should have is ignored. */
GST_START_TEST (test_bad_parameters)
{
  GstCaps *rtp, *caps;
  Buffers *packets = packets_of (1, MODEL, NULL, NULL), *out;
  GstHarness *h;
  const GstStructure *s;

  rtp = gst_caps_from_string (RTP_VIDEO_CAPS ", model-id=(string)xyz, "
      "framerate=(string)\"25/0\", colorimetry=(string)\"a b;c\", "
      "interlace-mode=(string)"
      "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa, "
      "chroma-site=(string)jpeg, width=(string)7777");
  h = depay_harness (rtp, NULL);
  out = depay_some (h, packets, NULL);
  fail_unless_equals_int (out->len, 1);
  caps = gst_pad_get_current_caps (h->sinkpad);
  s = gst_caps_get_structure (caps, 0);
  fail_if (gst_structure_has_field (s, "colorimetry"));
  fail_if (gst_structure_has_field (s, "interlace-mode"));
  fail_if (gst_structure_has_field (s, "framerate"));
  fail_unless_equals_string (gst_structure_get_string (s, "chroma-site"),
      "jpeg");
  fail_unless_equals_string (gst_structure_get_string (s, "model-id"),
      "123456789abcdef0");
  /* headers know better */
  fail_unless (gst_caps_is_subset (caps, gst_pad_template_get_caps
          (gst_element_get_pad_template (h->element, "src"))));
  g_ptr_array_unref (out);
  gst_caps_unref (caps);
  gst_caps_unref (rtp);
  g_ptr_array_unref (packets);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* New caps in the middle of a stream are announced three times, though no
 * interval is set, and reach a receiver that has the old ones. */
GST_START_TEST (test_caps_change)
{
  GstCaps *caps = fake_caps (), *rtp = NULL, *other, *out;
  GstHarness *h = pay_harness (caps, "mtu=300"), *d;
  Buffers *packets;
  walloc_rtp_header header;
  walloc_frame_info info;
  guint i, configs[12] = { 0 };

  other = gst_caps_copy (caps);
  gst_caps_set_simple (other, "interlace-mode", G_TYPE_STRING, "interleaved",
      "model-id", G_TYPE_STRING, "123456789abcdef1", NULL);
  for (i = 0; i < 12; i++) {
    if (i == 4)
      gst_harness_set_src_caps (h, gst_caps_ref (other));
    fake_info (&info, 4, 1);
    info.model_id += i >= 4;
    /* a predicted frame announces nothing */
    info.type = i == 5 ? WALLOC_FRAME_PREDICTED : WALLOC_FRAME_KEY;
    fail_unless_equals_int (gst_harness_push (h, fake_frame (&info, sizes, i)),
        GST_FLOW_OK);
    if (i == 0)
      rtp = gst_pad_get_current_caps (h->sinkpad);
  }
  packets = pull_all (h);
  d = depay_harness (rtp, NULL);
  for (i = 0; i < packets->len; i++) {
    read_packet (nth (packets, i), &header, NULL, NULL, NULL);
    configs[header.frame] += header.flags & WALLOC_RTP_CONFIG
        && header.offset == 0;
    /* the first announcement is lost */
    if (!(header.flags & WALLOC_RTP_CONFIG) || header.frame > 4)
      push_packet (d, nth (packets, i));
  }
  for (i = 0; i < 12; i++)
    fail_unless_equals_int (configs[i], i == 4 || i == 6 || i == 7);
  fail_unless_equals_uint64 (stat_of (d, "configurations"), 2);
  fail_unless_equals_uint64 (stat_of (d, "dropped"), 2);
  fail_unless_equals_uint64 (stat_of (d, "frames"), 10);
  out = gst_pad_get_current_caps (d->sinkpad);
  fail_unless_equals_string (gst_structure_get_string (gst_caps_get_structure
          (out, 0), "interlace-mode"), "interleaved");
  gst_caps_unref (out);
  gst_caps_unref (rtp);
  gst_caps_unref (other);
  gst_caps_unref (caps);
  g_ptr_array_unref (packets);
  gst_harness_teardown (h);
  gst_harness_teardown (d);
}

GST_END_TEST;

/* Packets of a stream of key frames (K), predicted (P) and repeat (R). */
static Buffers *
typed (const gchar * types, GstCaps ** rtp)
{
  Buffers *frames = buffers_new (), *packets;
  GstCaps *caps = fake_caps ();
  walloc_frame_info info;
  guint i;

  for (i = 0; types[i]; i++) {
    fake_info (&info, 4, 1);
    info.sequence = i + 1;
    if (types[i] != 'K')
      info.type = types[i] == 'P' ? WALLOC_FRAME_PREDICTED :
          WALLOC_FRAME_REPEAT;
    if (types[i] == 'R')
      info.slices = 0;
    g_ptr_array_add (frames, fake_frame (&info, sizes, i));
  }
  packets = pay_all (frames, caps, "mtu=1100", rtp);
  g_ptr_array_unref (frames);
  gst_caps_unref (caps);
  return packets;
}

static guint
key_requests (GstHarness * h)
{
  GstEvent *event;
  guint count = 0;

  while ((event = gst_harness_try_pull_upstream_event (h))) {
    count += gst_video_event_is_force_key_unit (event);
    gst_event_unref (event);
  }
  return count;
}

/* What is lost ("*": a packet that is not the header's, "x": the whole frame)
 * and what comes out, with and without waiting. */
GST_START_TEST (test_predicted)
{
  static const struct
  {
    const gchar *types, *lost, *waiting, *passing;
    guint requests;
  } rows[] = {
    {"KPPPKPP", "       ", "KPPPKPP", "KPPPKPP", 0},
    {"KPPPKPP", " x     ", "K   KPP", "K PPKPP", 1},
    {"KPPPKPP", "  *    ", "KP  KPP", "KPPPKPP", 1},
    {"KPRPKPR", "*      ", "K   KPR", "KPRPKPR", 1},
    {"KKKKKKK", " x*    ", "K KKKKK", "K KKKKK", 1},
    {"PPRKPPP", "       ", "   KPPP", "PPRKPPP", 1},
    {"KPPPKPP", " x  x x", "K      ", "K PP P ", 1},
    {"KPKPKPP", " x x   ", "K K KPP", "K K KPP", 2},
  };
  guint i, wait, k;

  for (i = 0; i < G_N_ELEMENTS (rows); i++) {
    for (wait = 0; wait < 2; wait++) {
      const gchar *expected = wait ? rows[i].waiting : rows[i].passing;
      GstCaps *rtp;
      Buffers *packets = typed (rows[i].types, &rtp), *out;
      GstHarness *h = depay_harness (rtp, wait ?
          "request-keyframe=true wait-for-keyframe=true" :
          "request-keyframe=true");
      gchar got[8] = "       ";
      guint hit = 256;

      key_requests (h);
      for (k = 0; k < packets->len; k++) {
        walloc_rtp_header header;
        gchar lost;

        read_packet (nth (packets, k), &header, NULL, NULL, NULL);
        lost = rows[i].lost[header.frame];
        if (lost == 'x' || (lost == '*' && hit != header.frame
                && !(header.flags & WALLOC_RTP_WHOLE_HEADER))) {
          hit = header.frame;
          continue;
        }
        push_packet (h, nth (packets, k));
      }
      out = pull_all (h);
      for (k = 0; k < out->len; k++) {
        guint n = GST_BUFFER_PTS (nth (out, k)) / FRAME_TIME;

        got[n] = rows[i].types[n];
      }
      fail_unless_equals_string (got, expected);
      fail_unless_equals_int (key_requests (h), rows[i].requests);
      fail_unless_equals_uint64 (stat_of (h, "keyframe-requests"),
          rows[i].requests);
      fail_unless (wait || stat_of (h, "waiting") == 0);
      g_ptr_array_unref (out);
      g_ptr_array_unref (packets);
      gst_caps_unref (rtp);
      gst_harness_teardown (h);
    }
  }
}

GST_END_TEST;

static guint
gaps (GstHarness * h)
{
  GstEvent *event;
  guint count = 0;

  while ((event = gst_harness_try_pull_event (h))) {
    count += GST_EVENT_TYPE (event) == GST_EVENT_GAP;
    gst_event_unref (event);
  }
  return count;
}

/* A loss between frames makes time go on; one within does not, as the rest
 * still goes out. */
GST_START_TEST (test_gap)
{
  GstCaps *rtp;
  Buffers *packets = packets_of (2, MODEL, NULL, &rtp);
  GstHarness *h = depay_harness (rtp, NULL);
  guint i, sent = 0;
  gboolean marker;

  for (i = 0; i < packets->len; i++) {
    walloc_rtp_header header;
    GstEvent *lost;

    read_packet (nth (packets, i), &header, &marker, NULL, NULL);
    push_packet (h, nth (packets, i));
    gaps (h);
    lost = gst_event_new_custom (GST_EVENT_CUSTOM_DOWNSTREAM,
        gst_structure_new ("GstRTPPacketLost", "seqnum", G_TYPE_UINT, 1,
            "timestamp", G_TYPE_UINT64, FRAME_TIME, "duration", G_TYPE_UINT64,
            FRAME_TIME, NULL));
    gst_harness_push_event (h, lost);
    fail_unless_equals_int (gaps (h), marker);
    sent += marker;
  }
  fail_unless_equals_int (sent, 2);
  gst_caps_unref (rtp);
  g_ptr_array_unref (packets);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* What was under way is forgotten by a flush, and all of it in READY. */
GST_START_TEST (test_flush_and_states)
{
  GstCaps *rtp;
  Buffers *packets = packets_of (2, MODEL, "mtu=1100", &rtp), *out;
  GstHarness *h = depay_harness (rtp, NULL);
  GstSegment segment;
  guint i, half = packets->len / 2;

  for (i = 0; i + 1 < half; i++)
    push_packet (h, nth (packets, i));
  fail_unless (gst_harness_push_event (h, gst_event_new_flush_start ()));
  fail_unless (gst_harness_push_event (h, gst_event_new_flush_stop (TRUE)));
  gst_segment_init (&segment, GST_FORMAT_TIME);
  fail_unless (gst_harness_push_event (h, gst_event_new_segment (&segment)));
  for (i = half; i < packets->len; i++)
    push_packet (h, nth (packets, i));
  out = pull_all (h);
  fail_unless_equals_int (out->len, 1);
  fail_unless_equals_uint64 (GST_BUFFER_PTS (nth (out, 0)), FRAME_TIME);
  fail_unless_equals_uint64 (stat_of (h, "lost-frames"), 0);
  g_ptr_array_unref (out);

  for (i = 0; i + 1 < half; i++)
    push_packet (h, nth (packets, i));
  gst_element_set_state (h->element, GST_STATE_READY);
  gst_harness_play (h);
  gst_harness_set_src_caps (h, gst_caps_ref (rtp));
  for (i = half; i < packets->len; i++)
    push_packet (h, nth (packets, i));
  fail_unless_equals_uint64 (stat_of (h, "frames"), 1);
  fail_unless_equals_uint64 (stat_of (h, "packets"), packets->len - half);
  gst_caps_unref (rtp);
  g_ptr_array_unref (packets);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* Buffers that are no frames are dropped, with one warning; those that are cut
 * short go out as far as they go. */
GST_START_TEST (test_bad_frames)
{
  GstCaps *caps = fake_caps (), *rtp;
  GstHarness *h = pay_harness (caps, NULL), *d;
  GstBus *bus = check_bus (h);
  walloc_frame_info info;
  GstBuffer *frame, *cut;
  Buffers *packets, *out;
  GError *error;
  guint i;

  for (i = 0; i < 2; i++)
    fail_unless_equals_int (gst_harness_push (h, gst_buffer_new_memdup
            ("not a frame of this version, nor of any", 39)), GST_FLOW_OK);
  /* sound among pictures */
  walloc_frame_info_init (&info);
  info.media = WALLOC_MEDIA_AUDIO;
  info.rate = 8000;
  info.audio_channels = 1;
  info.columns = 1;
  info.channels = info.layer_end[0] = 4;
  info.layers = info.slices = 1;
  fail_unless_equals_int (gst_harness_push (h, fake_frame (&info, sizes, 0)),
      GST_FLOW_OK);
  fail_unless_equals_uint64 (stat_of (h, "dropped"), 3);
  fail_unless_equals_uint64 (stat_of (h, "packets"), 0);
  error = check_message (bus, GST_MESSAGE_WARNING, NULL);
  fail_unless (g_error_matches (error, GST_STREAM_ERROR,
          GST_STREAM_ERROR_FORMAT));
  g_clear_error (&error);
  fail_unless (gst_bus_pop_filtered (bus, GST_MESSAGE_WARNING) == NULL);

  fake_info (&info, 4, 1);
  frame = fake_frame (&info, sizes, 0);
  cut = gst_buffer_copy_region (frame, GST_BUFFER_COPY_ALL, 0,
      gst_buffer_get_size (frame) - 750);
  fail_unless_equals_int (gst_harness_push (h, cut), GST_FLOW_OK);
  packets = pull_all (h);
  rtp = gst_pad_get_current_caps (h->sinkpad);
  d = depay_harness (rtp, NULL);
  out = depay_some (d, packets, NULL);
  fail_unless_equals_int (out->len, 1);
  fail_unless_equals_int (gst_buffer_get_size (nth (out, 0)),
      gst_buffer_get_size (frame));
  fail_unless_equals_uint64 (stat_of (d, "damaged-slices"), 2);
  fail_unless (GST_BUFFER_FLAG_IS_SET (nth (out, 0),
          GST_BUFFER_FLAG_CORRUPTED));
  g_ptr_array_unref (out);
  g_ptr_array_unref (packets);
  gst_buffer_unref (frame);
  gst_caps_unref (rtp);
  gst_caps_unref (caps);
  gst_element_set_bus (h->element, NULL);
  gst_object_unref (bus);
  gst_harness_teardown (h);
  gst_harness_teardown (d);
}

GST_END_TEST;

/* Caps without what RTP needs, or of what is no stream of ours. */
GST_START_TEST (test_bad_caps)
{
  static const gchar *const pay[] = {
    "audio/x-walloc, alignment=frame, parsed=true",
    "audio/x-walloc, alignment=frame, parsed=true, rate=44100",
    "video/x-walloc, parsed=true, alignment=slice",
    "video/x-walloc",
  };
  static const gchar *const depay[] = {
    "application/x-rtp, media=video, encoding-name=X-WALLOC, clock-rate=8000",
    "application/x-rtp, media=video, encoding-name=VP8, clock-rate=90000",
    "application/x-rtp, media=audio, encoding-name=X-WALLOC, clock-rate=1",
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (pay) + G_N_ELEMENTS (depay); i++) {
    gboolean is_pay = i < G_N_ELEMENTS (pay);
    GstElement *e = gst_check_setup_element (is_pay ? "rtpwallocpay" :
        "rtpwallocdepay");
    GstPad *pad = gst_element_get_static_pad (e, "sink");
    GstCaps *caps = gst_caps_from_string (is_pay ? pay[i] :
        depay[i - G_N_ELEMENTS (pay)]);
    GstCaps *taken = gst_pad_query_caps (pad, NULL);

    fail_if (gst_caps_is_subset (caps, taken), "%u", i);
    gst_caps_unref (taken);
    gst_caps_unref (caps);
    gst_object_unref (pad);
    gst_check_teardown_element (e);
  }
}

GST_END_TEST;

/* RTP time stamps of sound count samples, whatever rounding does to time
 * stamps of buffers, and jump where these do. */
GST_START_TEST (test_sound_time)
{
  GstCaps *caps = gst_caps_from_string ("audio/x-walloc, alignment=frame, "
      "parsed=true, rate=44100, channels=1");
  GstHarness *h = pay_harness (caps, NULL);
  guint32 stamp, first = 0;
  guint i;

  for (i = 0; i < 40; i++) {
    guint64 sample = i * 3 * 256 + (i >= 20 ? 5000 : 0);
    walloc_frame_info info;
    walloc_rtp_header header;
    GstBuffer *frame, *packet;

    walloc_frame_info_init (&info);
    info.media = WALLOC_MEDIA_AUDIO;
    info.rate = 44100;
    info.audio_channels = 1;
    info.columns = 3;
    info.channels = info.layer_end[0] = 4;
    info.layers = info.slices = 1;
    frame = fake_frame (&info, sizes, i);
    /* as sloppy as they come */
    GST_BUFFER_PTS (frame) = sample * GST_SECOND / 44100 + (i % 3) * 300000;
    packet = gst_harness_push_and_pull (h, frame);
    read_packet (packet, &header, NULL, &stamp, NULL);
    if (i == 0)
      first = stamp;
    fail_unless (i < 20 ? stamp - first == sample : ABS ((gint) (stamp - first -
                sample)) < 40, "%u: %u", i, stamp - first);
    gst_buffer_unref (packet);
  }
  gst_caps_unref (caps);
  gst_harness_teardown (h);
}

GST_END_TEST;

static Suite *
rtpwallocbad_suite (void)
{
  Suite *s = suite_create ("rtpwallocbad");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (s, tc);
  tcase_add_test (tc, test_changed_field);
  tcase_add_test (tc, test_truncated);
  tcase_add_test (tc, test_random);
  tcase_add_test (tc, test_claims);
  tcase_add_test (tc, test_overwritten_header);
  tcase_add_test (tc, test_other_model);
  tcase_add_test (tc, test_sdp);
  tcase_add_test (tc, test_bad_parameters);
  tcase_add_test (tc, test_caps_change);
  tcase_add_test (tc, test_predicted);
  tcase_add_test (tc, test_gap);
  tcase_add_test (tc, test_flush_and_states);
  tcase_add_test (tc, test_bad_frames);
  tcase_add_test (tc, test_bad_caps);
  tcase_add_test (tc, test_sound_time);

  return s;
}

GST_CHECK_MAIN (rtpwallocbad);
