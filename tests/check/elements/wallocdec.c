/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* wallocdec: negotiation, pools, damage, models, events. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "walloc-check.h"

#include <gst/video/gstvideopool.h>

/* Decodes one frame that came with @coded caps; the caps of the output in
 * @caps. NULL if nothing came out. */
static GstBuffer *
decode_one (GstHarness * h, GstCaps * coded, GstBuffer * frame, GstCaps ** caps)
{
  GstBuffer *out;

  gst_harness_set_src_caps (h, gst_caps_ref (coded));
  gst_harness_push (h, gst_buffer_ref (frame));
  out = gst_harness_try_pull (h);
  if (caps)
    *caps = gst_pad_get_current_caps (h->sinkpad);

  return out;
}

GST_START_TEST (test_round_trip)
{
  guint i;

  for (i = 0; i < G_N_ELEMENTS (check_formats); i++) {
    GstHarness *h = check_decoder (NULL);
    GstCaps *coded = NULL, *caps = NULL, *raw;
    GPtrArray *frames = check_encode (check_formats[i], 128, 96, 2,
        "quality=90", &coded);
    GstBuffer *out, *in;
    gdouble psnr;

    raw = check_caps (check_formats[i], 128, 96);
    gst_buffer_unref (decode_one (h, coded, g_ptr_array_index (frames, 0),
            NULL));
    out = decode_one (h, coded, g_ptr_array_index (frames, 1), &caps);
    fail_unless (gst_caps_can_intersect (caps, raw), "%" GST_PTR_FORMAT, caps);
    fail_unless_equals_uint64 (GST_BUFFER_PTS (out), FRAME_TIME);
    fail_unless_equals_uint64 (GST_BUFFER_DURATION (out), FRAME_TIME);
    fail_if (GST_BUFFER_FLAG_IS_SET (out, GST_BUFFER_FLAG_CORRUPTED));
    in = check_picture (raw, 1);
    psnr = check_psnr (caps, in, out);
    fail_unless (psnr > 26, "%s: %.2f dB", check_formats[i], psnr);
    gst_buffer_unref (in);
    gst_buffer_unref (out);
    gst_caps_unref (raw);
    gst_caps_unref (caps);
    gst_caps_unref (coded);
    g_ptr_array_unref (frames);
    gst_harness_teardown (h);
  }
}

GST_END_TEST;

GST_START_TEST (test_odd_sizes)
{
  static const gint sizes[][2] = {
    {1, 1}, {1, 9}, {2, 1}, {7, 3}, {9, 17}, {33, 1}, {65, 31}
  };
  guint i, f;

  for (i = 0; i < G_N_ELEMENTS (sizes); i++) {
    for (f = 0; f < G_N_ELEMENTS (check_formats); f++) {
      GstHarness *h = check_decoder (NULL);
      GstCaps *coded = NULL, *caps = NULL;
      GPtrArray *frames = check_encode (check_formats[f], sizes[i][0],
          sizes[i][1], 1, NULL, &coded);
      GstBuffer *out = decode_one (h, coded, g_ptr_array_index (frames, 0),
          &caps);
      GstVideoInfo info;

      fail_unless (out != NULL);
      gst_video_info_from_caps (&info, caps);
      fail_unless_equals_int (info.width, sizes[i][0]);
      fail_unless_equals_int (info.height, sizes[i][1]);
      fail_unless (gst_buffer_get_size (out) >= info.size);
      gst_buffer_unref (out);
      gst_caps_unref (caps);
      gst_caps_unref (coded);
      g_ptr_array_unref (frames);
      gst_harness_teardown (h);
    }
  }
}

GST_END_TEST;

/* Format that comes out for a stream of @format when downstream takes
 * @allowed; NULL when nothing does. */
static gchar *
negotiated (const gchar * raw, const gchar * allowed)
{
  GstHarness *e = check_encoder (NULL), *h = check_decoder (NULL);
  GstCaps *caps = gst_caps_from_string (raw), *coded;
  GstBuffer *frame, *out;
  gchar *format = NULL;

  gst_harness_set_src_caps (e, gst_caps_ref (caps));
  frame = gst_harness_push_and_pull (e, check_picture (caps, 0));
  coded = gst_pad_get_current_caps (e->sinkpad);
  gst_caps_unref (caps);

  gst_harness_set_sink_caps_str (h, allowed);
  caps = NULL;
  out = decode_one (h, coded, frame, &caps);
  if (out) {
    GstVideoInfo info;

    gst_video_info_from_caps (&info, caps);
    format = g_strdup_printf ("%s %s",
        gst_video_format_to_string (GST_VIDEO_INFO_FORMAT (&info)),
        gst_structure_get_string (gst_caps_get_structure (caps, 0),
            "colorimetry"));
    gst_buffer_unref (out);
  }
  gst_clear_caps (&caps);
  gst_caps_unref (coded);
  gst_buffer_unref (frame);
  gst_harness_teardown (e);
  gst_harness_teardown (h);

  return format;
}

#define SIZE ",width=48,height=32,framerate=25/1"

GST_START_TEST (test_output_format_chosen_by_downstream)
{
  static const struct
  {
    const gchar *raw, *allowed, *format;
  } cases[] = {
    {"video/x-raw,format=I420,colorimetry=bt709" SIZE,
        "video/x-raw,format={NV12,I420}", "I420 bt709"},
    {"video/x-raw,format=I420,colorimetry=bt709" SIZE,
        "video/x-raw,format={RGB,NV12}", "NV12 bt709"},
    {"video/x-raw,format=NV12,colorimetry=bt601" SIZE,
        "video/x-raw,format=I420", "I420 bt601"},
    {"video/x-raw,format=Y42B,colorimetry=bt601" SIZE,
        "video/x-raw,format={I420,GRAY8}", "GRAY8 bt601"},
    {"video/x-raw,format=RGB" SIZE, "video/x-raw,format=BGRx", "BGRx sRGB"},
    {"video/x-raw,format=xBGR" SIZE, "video/x-raw,format={GRAY8,RGB}",
        "RGB sRGB"},
    /* what is not RGB has the colours of the codec's own conversion */
    {"video/x-raw,format=RGB" SIZE, "video/x-raw,format=Y444", "Y444 1:4:7:1"},
    {"video/x-raw,format=Y444,colorimetry=1:4:7:1" SIZE,
        "video/x-raw,format=BGR", "BGR sRGB"},
    /* the codec's conversion would show other colours than those meant */
    {"video/x-raw,format=Y444,colorimetry=bt709" SIZE,
        "video/x-raw,format=BGR", NULL},
    {"video/x-raw,format=I420" SIZE, "video/x-raw,format=RGB", NULL},
    {"video/x-raw,format=GRAY8" SIZE, "video/x-raw,format=I420", NULL}
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (cases); i++) {
    gchar *format = negotiated (cases[i].raw, cases[i].allowed);

    fail_unless (g_strcmp0 (format, cases[i].format) == 0,
        "%s into %s gave %s", cases[i].raw, cases[i].allowed, format);
    g_free (format);
  }
}

GST_END_TEST;

/* luma of an I420 stream is the same, decoded alone or not */
GST_START_TEST (test_grey_is_luma)
{
  GstHarness *a = check_decoder (NULL), *b = check_decoder (NULL);
  GstCaps *coded = NULL;
  GPtrArray *frames = check_encode ("I420", 64, 40, 1, NULL, &coded);
  GstBuffer *full, *grey;
  GstMapInfo map;

  gst_harness_set_sink_caps_str (b, "video/x-raw,format=GRAY8");
  full = decode_one (a, coded, g_ptr_array_index (frames, 0), NULL);
  grey = decode_one (b, coded, g_ptr_array_index (frames, 0), NULL);
  gst_buffer_map (full, &map, GST_MAP_READ);
  fail_unless_equals_int (gst_buffer_memcmp (grey, 0, map.data, 64 * 40), 0);
  gst_buffer_unmap (full, &map);
  gst_buffer_unref (full);
  gst_buffer_unref (grey);
  gst_caps_unref (coded);
  g_ptr_array_unref (frames);
  gst_harness_teardown (a);
  gst_harness_teardown (b);
}

GST_END_TEST;

/* what caps do not say comes from the header; what they say wins */
GST_START_TEST (test_header_fills_caps)
{
  GstHarness *e = check_encoder (NULL), *h = check_decoder (NULL);
  GstCaps *caps = gst_caps_from_string ("video/x-raw,format=I420,width=32,"
      "height=16,framerate=30000/1001,pixel-aspect-ratio=16/11,"
      "colorimetry=bt709,chroma-site=mpeg2");
  GstCaps *bare = gst_caps_from_string ("video/x-walloc,alignment=frame,"
      "parsed=true");
  GstCaps *other = gst_caps_from_string ("video/x-walloc,alignment=frame,"
      "parsed=true,framerate=5/1,pixel-aspect-ratio=2/1,colorimetry=bt601");
  GstCaps *got = NULL;
  GstBuffer *frame, *out;
  GstVideoInfo info;

  gst_harness_set_src_caps (e, gst_caps_ref (caps));
  frame = gst_harness_push_and_pull (e, check_picture (caps, 0));

  out = decode_one (h, bare, frame, &got);
  gst_video_info_from_caps (&info, got);
  fail_unless (info.fps_n == 30000 && info.fps_d == 1001);
  fail_unless (info.par_n == 16 && info.par_d == 11);
  fail_unless (gst_video_colorimetry_matches (&info.colorimetry, "bt709"));
  fail_unless_equals_int (info.chroma_site, GST_VIDEO_CHROMA_SITE_MPEG2);
  gst_buffer_unref (out);
  gst_caps_unref (got);

  out = decode_one (h, other, frame, &got);
  gst_video_info_from_caps (&info, got);
  fail_unless (info.fps_n == 5 && info.fps_d == 1);
  fail_unless (info.par_n == 2 && info.par_d == 1);
  fail_unless (gst_video_colorimetry_matches (&info.colorimetry, "bt601"));
  gst_buffer_unref (out);
  gst_caps_unref (got);

  gst_buffer_unref (frame);
  gst_caps_unref (other);
  gst_caps_unref (bare);
  gst_caps_unref (caps);
  gst_harness_teardown (e);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* headers change while caps do not */
GST_START_TEST (test_change_in_headers)
{
  static const struct
  {
    const gchar *format;
    gint width, height;
  } steps[] = {
    {"I420", 64, 48}, {"I420", 40, 80}, {"RGB", 40, 80}, {"GRAY8", 1, 1},
    {"I420", 64, 48}
  };
  GstHarness *h = check_decoder (NULL);
  guint i;

  gst_harness_set_src_caps_str (h, "video/x-walloc,alignment=frame,"
      "parsed=true,width=64,height=48");
  for (i = 0; i < G_N_ELEMENTS (steps); i++) {
    GPtrArray *frames = check_encode (steps[i].format, steps[i].width,
        steps[i].height, 1, NULL, NULL);
    GstBuffer *out;
    GstCaps *caps;
    GstVideoInfo info;

    gst_harness_push (h, gst_buffer_ref (g_ptr_array_index (frames, 0)));
    out = gst_harness_try_pull (h);
    fail_unless (out != NULL);
    caps = gst_pad_get_current_caps (h->sinkpad);
    gst_video_info_from_caps (&info, caps);
    fail_unless_equals_int (info.width, steps[i].width);
    fail_unless_equals_int (info.height, steps[i].height);
    fail_unless_equals_string (gst_video_format_to_string
        (GST_VIDEO_INFO_FORMAT (&info)), steps[i].format);
    gst_caps_unref (caps);
    gst_buffer_unref (out);
    g_ptr_array_unref (frames);
  }
  gst_harness_teardown (h);
}

GST_END_TEST;

/* downstream changes its mind in the middle of a stream */
GST_START_TEST (test_reconfigure)
{
  GstHarness *h = check_decoder (NULL);
  GstCaps *coded = NULL, *caps = NULL;
  GPtrArray *frames = check_encode ("I420", 64, 48, 1, NULL, &coded);

  gst_buffer_unref (decode_one (h, coded, g_ptr_array_index (frames, 0), NULL));
  gst_harness_set_sink_caps_str (h, "video/x-raw,format=NV12");
  gst_harness_push_upstream_event (h, gst_event_new_reconfigure ());
  gst_buffer_unref (decode_one (h, coded, g_ptr_array_index (frames, 0),
          &caps));
  fail_unless_equals_string (gst_structure_get_string (gst_caps_get_structure
          (caps, 0), "format"), "NV12");
  gst_caps_unref (caps);
  gst_caps_unref (coded);
  g_ptr_array_unref (frames);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* Answers ALLOCATION with a pool, with or without support of video meta. */
typedef struct
{
  GstBufferPool *pool;
  gboolean meta;
} Offer;

static GstPadProbeReturn
offer_pool (GstPad * pad, GstPadProbeInfo * info, gpointer data)
{
  GstQuery *query = GST_PAD_PROBE_INFO_QUERY (info);
  Offer *offer = data;
  GstStructure *config;
  GstVideoInfo video;
  GstCaps *caps;
  guint size;

  if (GST_QUERY_TYPE (query) != GST_QUERY_ALLOCATION
      || !(info->type & GST_PAD_PROBE_TYPE_PUSH))
    return GST_PAD_PROBE_OK;

  gst_query_parse_allocation (query, &caps, NULL);
  gst_video_info_from_caps (&video, caps);
  size = video.size;
  if (offer->meta) {
    GstVideoAlignment align;

    gst_video_alignment_reset (&align);
    align.padding_right = 51;
    align.padding_bottom = 3;
    offer->pool = gst_video_buffer_pool_new ();
    config = gst_buffer_pool_get_config (offer->pool);
    gst_buffer_pool_config_add_option (config,
        GST_BUFFER_POOL_OPTION_VIDEO_META);
    gst_buffer_pool_config_add_option (config,
        GST_BUFFER_POOL_OPTION_VIDEO_ALIGNMENT);
    gst_buffer_pool_config_set_video_alignment (config, &align);
    gst_query_add_allocation_meta (query, GST_VIDEO_META_API_TYPE, NULL);
  } else {
    offer->pool = gst_buffer_pool_new ();
    config = gst_buffer_pool_get_config (offer->pool);
  }
  gst_buffer_pool_config_set_params (config, caps, size, 1, 4);
  fail_unless (gst_buffer_pool_set_config (offer->pool, config));
  gst_query_add_allocation_pool (query, offer->pool, size, 1, 4);

  return GST_PAD_PROBE_HANDLED;
}

/* the picture is decoded into downstream's buffers: padded, or without meta */
GST_START_TEST (test_pools)
{
  static const gchar *const formats[] = { "I420", "NV12", "RGB", "GRAY8" };
  guint f, meta;

  for (f = 0; f < G_N_ELEMENTS (formats); f++) {
    GstHarness *plain = check_decoder ("decoder=linear");
    GstCaps *coded = NULL, *caps = NULL;
    GPtrArray *frames = check_encode (formats[f], 75, 43, 1, NULL, &coded);
    GstBuffer *wanted = decode_one (plain, coded, g_ptr_array_index (frames,
            0), &caps);

    for (meta = 0; meta < 2; meta++) {
      GstHarness *h = check_decoder ("decoder=linear");
      Offer offer = { NULL, meta };
      GstBuffer *out;

      gst_pad_add_probe (h->sinkpad, GST_PAD_PROBE_TYPE_QUERY_DOWNSTREAM,
          offer_pool, &offer, NULL);
      out = decode_one (h, coded, g_ptr_array_index (frames, 0), NULL);
      fail_unless (out != NULL);
      fail_unless (offer.pool != NULL);
      fail_unless (out->pool == offer.pool, "%s, meta %u", formats[f], meta);
      if (meta)
        fail_unless (gst_buffer_get_video_meta (out) != NULL);
      fail_unless (check_psnr (caps, wanted, out) > 98);
      gst_buffer_unref (out);
      gst_harness_teardown (h);
      gst_object_unref (offer.pool);
    }
    gst_buffer_unref (wanted);
    gst_caps_unref (caps);
    gst_caps_unref (coded);
    g_ptr_array_unref (frames);
    gst_harness_teardown (plain);
  }
}

GST_END_TEST;

GST_START_TEST (test_threads_same_pixels)
{
  GstCaps *coded = NULL, *caps = NULL;
  GPtrArray *frames = check_encode ("I420", 301, 203, 1, NULL, &coded);
  GstHarness *h = check_decoder ("threads=1");
  GstBuffer *one = decode_one (h, coded, g_ptr_array_index (frames, 0),
      &caps);
  guint threads;

  for (threads = 2; threads <= 8; threads *= 2) {
    gchar *props = g_strdup_printf ("threads=%u", threads);
    GstHarness *many = check_decoder (props);
    GstBuffer *out = decode_one (many, coded, g_ptr_array_index (frames, 0),
        NULL);

    fail_unless (check_psnr (caps, one, out) > 98);
    gst_buffer_unref (out);
    gst_harness_teardown (many);
    g_free (props);
  }
  gst_buffer_unref (one);
  gst_caps_unref (caps);
  gst_caps_unref (coded);
  g_ptr_array_unref (frames);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* cut after every byte: nothing, or a picture that is marked */
GST_START_TEST (test_truncated_everywhere)
{
  GstHarness *h = check_decoder ("decoder=linear");
  GstCaps *coded = NULL;
  GPtrArray *frames = check_encode ("I420", 40, 136, 1, NULL, &coded);
  GstBuffer *whole = g_ptr_array_index (frames, 0), *out;
  gsize size = gst_buffer_get_size (whole), i;
  walloc_frame_info info;
  guint shown = 0;

  check_parse_header (whole, &info);
  gst_harness_set_src_caps (h, gst_caps_ref (coded));
  /* a size that was never seen is not believed without any content */
  gst_harness_push (h, gst_buffer_copy_region (whole, GST_BUFFER_COPY_ALL, 0,
          info.header_size + 9));
  fail_unless_equals_int (gst_harness_buffers_received (h), 0);
  gst_harness_push (h, gst_buffer_ref (whole));
  gst_buffer_unref (gst_harness_pull (h));
  for (i = 1; i < size; i++) {
    GstBuffer *cut = gst_buffer_copy_region (whole, GST_BUFFER_COPY_ALL, 0, i);

    fail_unless_equals_int (gst_harness_push (h, cut), GST_FLOW_OK);
    out = gst_harness_try_pull (h);
    if (i < info.header_size)
      fail_unless (out == NULL, "a picture of %u bytes", (guint) i);
    if (out) {
      fail_unless (GST_BUFFER_FLAG_IS_SET (out, GST_BUFFER_FLAG_CORRUPTED),
          "%u bytes", (guint) i);
      shown++;
      gst_buffer_unref (out);
    }
  }
  fail_unless (shown > 0);
  gst_harness_push (h, gst_buffer_ref (whole));
  out = gst_harness_try_pull (h);
  fail_if (GST_BUFFER_FLAG_IS_SET (out, GST_BUFFER_FLAG_CORRUPTED));
  gst_buffer_unref (out);
  gst_caps_unref (coded);
  g_ptr_array_unref (frames);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* every byte changed: damage stays in its frame */
GST_START_TEST (test_damaged_everywhere)
{
  GstHarness *h = check_decoder ("decoder=linear");
  GstCaps *coded = NULL, *caps = NULL;
  GPtrArray *frames = check_encode ("I420", 40, 136, 1, NULL, &coded);
  GstBuffer *whole = g_ptr_array_index (frames, 0), *out, *good;
  gsize size = gst_buffer_get_size (whole), i;
  walloc_frame_info info;
  guint marked = 0, unmarked = 0;

  check_parse_header (whole, &info);
  good = decode_one (h, coded, whole, &caps);
  for (i = 0; i < size; i++) {
    GstBuffer *bad = gst_buffer_copy_deep (whole);
    GstMapInfo map;

    gst_buffer_map (bad, &map, GST_MAP_READWRITE);
    map.data[i] ^= 1 << i % 8;
    gst_buffer_unmap (bad, &map);
    fail_unless_equals_int (gst_harness_push (h, bad), GST_FLOW_OK);
    out = gst_harness_try_pull (h);
    /* the header has a checksum */
    fail_unless ((out != NULL) == (i >= info.header_size), "byte %u",
        (guint) i);
    if (out) {
      if (GST_BUFFER_FLAG_IS_SET (out, GST_BUFFER_FLAG_CORRUPTED))
        marked++;
      else
        unmarked++;
      gst_buffer_unref (out);
    }
    if (i % 16 == 0) {
      gst_harness_push (h, gst_buffer_ref (whole));
      out = gst_harness_pull (h);
      fail_unless (check_psnr (caps, good, out) > 98);
      fail_if (GST_BUFFER_FLAG_IS_SET (out, GST_BUFFER_FLAG_CORRUPTED));
      gst_buffer_unref (out);
    }
  }
  /* and so has every slice */
  fail_unless (unmarked == 0 && marked > 0, "%u of %u not noticed", unmarked,
      marked + unmarked);
  gst_buffer_unref (good);
  gst_caps_unref (caps);
  gst_caps_unref (coded);
  g_ptr_array_unref (frames);
  gst_harness_teardown (h);
}

GST_END_TEST;

GST_START_TEST (test_damage_is_told)
{
  GstHarness *h = check_decoder (NULL);
  GstBus *bus = check_bus (h);
  GstCaps *coded = NULL;
  GPtrArray *frames = check_encode ("I420", 64, 64, 1, NULL, &coded);
  GstBuffer *whole = g_ptr_array_index (frames, 0);
  guint i;

  gst_harness_set_src_caps (h, gst_caps_ref (coded));
  gst_harness_push (h, gst_buffer_ref (whole));
  for (i = 0; i < 20; i++)
    gst_harness_push (h, gst_buffer_copy_region (whole, GST_BUFFER_COPY_ALL,
            0, gst_buffer_get_size (whole) - 3));
  check_assert_message (bus, GST_MESSAGE_WARNING, GST_STREAM_ERROR,
      GST_STREAM_ERROR_DECODE, "damaged");
  /* not once for each */
  fail_if (gst_bus_pop_filtered (bus, GST_MESSAGE_WARNING));
  fail_unless_equals_int (gst_harness_buffers_received (h), 21);
  gst_element_set_bus (h->element, NULL);
  gst_object_unref (bus);
  gst_caps_unref (coded);
  g_ptr_array_unref (frames);
  gst_harness_teardown (h);
}

GST_END_TEST;

GST_START_TEST (test_discard_corrupted_frames)
{
  GstHarness *h = check_decoder ("discard-corrupted-frames=true");
  GstCaps *coded = NULL;
  GPtrArray *frames = check_encode ("I420", 64, 64, 1, NULL, &coded);
  GstBuffer *whole = g_ptr_array_index (frames, 0);

  gst_harness_set_src_caps (h, gst_caps_ref (coded));
  gst_harness_push (h, gst_buffer_ref (whole));
  gst_harness_push (h, gst_buffer_copy_region (whole, GST_BUFFER_COPY_ALL, 0,
          gst_buffer_get_size (whole) - 3));
  fail_unless_equals_int (gst_harness_buffers_received (h), 1);
  gst_caps_unref (coded);
  g_ptr_array_unref (frames);
  gst_harness_teardown (h);
}

GST_END_TEST;

GST_START_TEST (test_max_errors)
{
  GstHarness *h = check_decoder ("max-errors=1");
  GstBus *bus = check_bus (h);
  GstCaps *coded = NULL;
  GPtrArray *frames = check_encode ("I420", 64, 64, 1, NULL, &coded);
  GstBuffer *bad = gst_buffer_copy_deep (g_ptr_array_index (frames, 0));

  gst_buffer_memset (bad, 20, 0x55, 1);
  gst_harness_set_src_caps (h, gst_caps_ref (coded));
  fail_unless_equals_int (gst_harness_push (h, gst_buffer_ref (bad)),
      GST_FLOW_OK);
  fail_unless_equals_int (gst_harness_push (h, bad), GST_FLOW_ERROR);
  check_assert_message (bus, GST_MESSAGE_ERROR, GST_STREAM_ERROR,
      GST_STREAM_ERROR_DECODE, "checksum");
  gst_element_set_bus (h->element, NULL);
  gst_object_unref (bus);
  gst_caps_unref (coded);
  g_ptr_array_unref (frames);
  gst_harness_teardown (h);
}

GST_END_TEST;

GST_START_TEST (test_tiny_buffers)
{
  GstHarness *h = check_decoder (NULL);
  GstBus *bus = check_bus (h);
  GstBuffer *one = gst_buffer_new_allocate (NULL, 1, NULL);

  gst_buffer_memset (one, 0, 'W', 1);
  gst_harness_set_src_caps_str (h, "video/x-walloc,alignment=frame,"
      "parsed=true");
  gst_harness_push (h, gst_buffer_new ());
  fail_unless_equals_int (gst_harness_push (h, one), GST_FLOW_OK);
  fail_unless_equals_int (gst_harness_buffers_received (h), 0);
  check_assert_message (bus, GST_MESSAGE_WARNING, GST_STREAM_ERROR,
      GST_STREAM_ERROR_DECODE, "Frame");
  gst_element_set_bus (h->element, NULL);
  gst_object_unref (bus);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* sizes that no payload of this length can hold, with a good checksum */
GST_START_TEST (test_absurd_sizes)
{
  GstHarness *h = check_decoder (NULL);
  GstCaps *coded = NULL;
  GPtrArray *frames = check_encode ("GRAY8", 8, 8, 1, NULL, &coded);
  GstBuffer *wide, *tall, *beyond, *out;

  gst_harness_set_src_caps (h, gst_caps_ref (coded));
  wide = check_forge (g_ptr_array_index (frames, 0), 21, 0x3f);
  tall = check_forge (g_ptr_array_index (frames, 0), 23, 0x3f);
  beyond = check_forge (g_ptr_array_index (frames, 0), 21, 0x7f);
  fail_unless_equals_int (gst_harness_push (h, wide), GST_FLOW_OK);
  fail_unless_equals_int (gst_harness_push (h, tall), GST_FLOW_OK);
  fail_unless_equals_int (gst_harness_push (h, beyond), GST_FLOW_OK);
  while ((out = gst_harness_try_pull (h))) {
    fail_unless (GST_BUFFER_FLAG_IS_SET (out, GST_BUFFER_FLAG_CORRUPTED));
    gst_buffer_unref (out);
  }
  gst_harness_push (h, gst_buffer_ref (g_ptr_array_index (frames, 0)));
  gst_buffer_unref (gst_harness_pull (h));
  gst_caps_unref (coded);
  g_ptr_array_unref (frames);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* a good header of the greatest size with noise behind it: no memory is made
 * and no caps are sent */
GST_START_TEST (test_huge_claim)
{
  GstHarness *h = check_decoder (NULL);
  GstBus *bus = check_bus (h);
  GstCaps *coded = NULL;
  GPtrArray *frames = check_encode ("I420", 64, 64, 1, NULL, &coded);
  GstBuffer *whole = g_ptr_array_index (frames, 0), *huge;
  guint8 *data = g_malloc (100);
  guint32 size = 64;
  walloc_frame_info info, own;

  check_parse_header (whole, &own);
  walloc_frame_info_init (&info);
  info.model_id = own.model_id;
  info.channels = own.channels;
  info.width = info.height = 16384;
  info.format = WALLOC_FORMAT_I420;
  info.slice_rows = 2048;
  info.slices = 1;
  memset (data, 0x55, 100);
  fail_unless_equals_int (walloc_frame_write (data, 100, &info, &size, NULL),
      WALLOC_OK);
  huge = gst_buffer_new_wrapped (data, info.header_size + size);

  gst_harness_set_src_caps (h, gst_caps_ref (coded));
  fail_unless_equals_int (gst_harness_push (h, huge), GST_FLOW_OK);
  fail_unless_equals_int (gst_harness_buffers_received (h), 0);
  fail_if (gst_pad_has_current_caps (h->sinkpad));
  check_assert_message (bus, GST_MESSAGE_WARNING, GST_STREAM_ERROR,
      GST_STREAM_ERROR_DECODE, "16384x16384");
  /* and when nothing else comes that is an error */
  gst_harness_push_event (h, gst_event_new_eos ());
  check_assert_message (bus, GST_MESSAGE_ERROR, GST_STREAM_ERROR,
      GST_STREAM_ERROR_DECODE, "No valid frames");
  gst_element_set_bus (h->element, NULL);
  gst_object_unref (bus);
  gst_caps_unref (coded);
  g_ptr_array_unref (frames);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* later versions, sound, and frames of types to come: dropped and told */
GST_START_TEST (test_unsupported_frames)
{
  static const struct
  {
    guint offset;
    guint8 value;
    const gchar *words;
  } cases[] = {
    {7, 0x03, "version"}, {7, 0x12, "coder"}, {6, 0x02, "media"},
    {6, 0x0c, "type"}, {24, 200, "format"}
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (cases); i++) {
    GstHarness *h = check_decoder (NULL);
    GstBus *bus = check_bus (h);
    GstCaps *coded = NULL;
    GPtrArray *frames = check_encode ("I420", 16, 16, 1, NULL, &coded);
    GstBuffer *frame = g_ptr_array_index (frames, 0);

    gst_harness_set_src_caps (h, gst_caps_ref (coded));
    fail_unless_equals_int (gst_harness_push (h, check_forge (frame,
                cases[i].offset, cases[i].value)), GST_FLOW_OK);
    fail_if (gst_harness_try_pull (h));
    check_assert_message (bus, GST_MESSAGE_WARNING, GST_STREAM_ERROR,
        GST_STREAM_ERROR_DECODE, cases[i].words);
    gst_harness_push (h, gst_buffer_ref (frame));
    gst_buffer_unref (gst_harness_pull (h));
    gst_element_set_bus (h->element, NULL);
    gst_object_unref (bus);
    gst_caps_unref (coded);
    g_ptr_array_unref (frames);
    gst_harness_teardown (h);
  }
}

GST_END_TEST;

GST_START_TEST (test_unknown_model)
{
  GstHarness *h = check_decoder (NULL);
  GstBus *bus = check_bus (h);
  GstCaps *coded = NULL;
  GPtrArray *frames = check_encode ("I420", 16, 16, 1, NULL, &coded);
  walloc_frame_info info;

  check_parse_header (g_ptr_array_index (frames, 0), &info);
  info.model_id = G_GUINT64_CONSTANT (0xfeed0000beef0001);
  gst_harness_set_src_caps (h, gst_caps_ref (coded));
  fail_unless_equals_int (gst_harness_push (h, check_rewrite
          (g_ptr_array_index (frames, 0), &info)), GST_FLOW_ERROR);
  check_assert_message (bus, GST_MESSAGE_ERROR, GST_RESOURCE_ERROR,
      GST_RESOURCE_ERROR_NOT_FOUND, "feed0000beef0001");
  gst_element_set_bus (h->element, NULL);
  gst_object_unref (bus);
  gst_caps_unref (coded);
  g_ptr_array_unref (frames);
  gst_harness_teardown (h);
}

GST_END_TEST;

GST_START_TEST (test_searched_places_are_named)
{
  gchar *old_path;
  GstHarness *h;
  GstBus *bus;
  GstCaps *coded = NULL;
  GPtrArray *frames = check_encode ("I420", 16, 16, 1, NULL, &coded);

  old_path = check_set_path ("/first/place:/second/place");
  h = check_decoder (NULL);
  bus = check_bus (h);
  gst_harness_set_src_caps (h, gst_caps_ref (coded));
  fail_unless_equals_int (gst_harness_push (h, gst_buffer_ref
          (g_ptr_array_index (frames, 0))), GST_FLOW_ERROR);
  check_assert_message (bus, GST_MESSAGE_ERROR, GST_RESOURCE_ERROR,
      GST_RESOURCE_ERROR_NOT_FOUND, "/second/place (no such directory)");
  gst_element_set_bus (h->element, NULL);
  gst_object_unref (bus);
  gst_caps_unref (coded);
  g_ptr_array_unref (frames);
  gst_harness_teardown (h);
  check_restore_path (old_path);
}

GST_END_TEST;

GST_START_TEST (test_wrong_model_file)
{
  GstHarness *h = check_decoder ("model-file=\"" TEST_GOLDEN_DIR
      "/models/reference-test.wlm\"");
  GstBus *bus = check_bus (h);
  GstCaps *coded = NULL;
  GPtrArray *frames = check_encode ("I420", 16, 16, 1, NULL, &coded);
  walloc_frame_info info;
  gchar *id;

  check_parse_header (g_ptr_array_index (frames, 0), &info);
  id = g_strdup_printf ("%016" G_GINT64_MODIFIER "x", info.model_id);
  gst_harness_set_src_caps (h, gst_caps_ref (coded));
  fail_unless_equals_int (gst_harness_push (h, gst_buffer_ref
          (g_ptr_array_index (frames, 0))), GST_FLOW_ERROR);
  check_assert_message (bus, GST_MESSAGE_ERROR, GST_RESOURCE_ERROR,
      GST_RESOURCE_ERROR_NOT_FOUND, id);
  g_free (id);
  gst_element_set_bus (h->element, NULL);
  gst_object_unref (bus);
  gst_caps_unref (coded);
  g_ptr_array_unref (frames);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* streams of two models one after the other */
GST_START_TEST (test_change_of_model)
{
  GstHarness *e = gst_harness_new_parse ("wallocenc model-file=\""
      TEST_GOLDEN_DIR "/models/reference-test.wlm\"");
  GstHarness *h = check_decoder (NULL);
  GstElement *dec = gst_harness_find_element (h, "wallocdec");
  GstCaps *raw = check_caps ("RGB", 32, 32);
  GPtrArray *frames = check_encode ("RGB", 32, 32, 1, NULL, NULL);
  GstBuffer *other;
  guint i;

  gst_harness_set_src_caps (e, gst_caps_ref (raw));
  other = gst_harness_push_and_pull (e, check_picture (raw, 0));
  gst_harness_set_src_caps_str (h, "video/x-walloc,alignment=frame,"
      "parsed=true");
  for (i = 0; i < 3; i++) {
    gst_harness_push (h, gst_buffer_ref (g_ptr_array_index (frames, 0)));
    gst_buffer_unref (gst_harness_pull (h));
    gst_harness_push (h, gst_buffer_ref (other));
    gst_buffer_unref (gst_harness_pull (h));
  }
  fail_unless_equals_uint64 (check_stat (dec, "frames"), 6);
  gst_object_unref (dec);
  gst_buffer_unref (other);
  gst_caps_unref (raw);
  g_ptr_array_unref (frames);
  gst_harness_teardown (e);
  gst_harness_teardown (h);
}

GST_END_TEST;

GST_START_TEST (test_decoder_that_is_not_there)
{
  GstHarness *e = gst_harness_new_parse ("wallocenc model-file=\""
      TEST_GOLDEN_DIR "/models/ordered-test.wlm\"");
  /* named, as another model of the same id has networks */
  GstHarness *h = check_decoder ("decoder=best model-file=\""
      TEST_GOLDEN_DIR "/models/ordered-test.wlm\"");
  GstBus *bus = check_bus (h);
  GstCaps *raw = check_caps ("RGB", 32, 32);
  GstBuffer *frame;

  gst_harness_set_src_caps (e, gst_caps_ref (raw));
  frame = gst_harness_push_and_pull (e, check_picture (raw, 0));
  gst_harness_set_src_caps_str (h, "video/x-walloc,alignment=frame,"
      "parsed=true");
  fail_unless_equals_int (gst_harness_push (h, frame), GST_FLOW_ERROR);
  check_assert_message (bus, GST_MESSAGE_ERROR, GST_LIBRARY_ERROR,
      GST_LIBRARY_ERROR_SETTINGS, "best");
  gst_element_set_bus (h->element, NULL);
  gst_object_unref (bus);
  gst_caps_unref (raw);
  gst_harness_teardown (e);
  gst_harness_teardown (h);
}

GST_END_TEST;

#ifndef HAVE_ONNX
/* A build that runs no networks does not take the stream for damaged. */
GST_START_TEST (test_build_without_networks)
{
  GstHarness *h = check_decoder ("decoder=fast");
  GstBus *bus = check_bus (h);
  GstCaps *coded = NULL;
  GPtrArray *frames = check_encode ("I420", 32, 32, 1, NULL, &coded);

  gst_harness_set_src_caps (h, coded);
  fail_unless_equals_int (gst_harness_push (h,
          gst_buffer_ref (g_ptr_array_index (frames, 0))), GST_FLOW_ERROR);
  check_assert_message (bus, GST_MESSAGE_ERROR, GST_LIBRARY_ERROR,
      GST_LIBRARY_ERROR_SETTINGS, "decoder=auto");
  gst_element_set_bus (h->element, NULL);
  gst_object_unref (bus);
  g_ptr_array_unref (frames);
  gst_harness_teardown (h);
}

GST_END_TEST;
#endif

GST_START_TEST (test_qos_drops_before_decoding)
{
  GstHarness *h = check_decoder (NULL);
  GstElement *dec = gst_harness_find_element (h, "wallocdec");
  GstCaps *coded = NULL;
  GPtrArray *frames = check_encode ("I420", 32, 32, 30, NULL, &coded);
  guint i;

  gst_harness_set_src_caps (h, gst_caps_ref (coded));
  gst_harness_push (h, gst_buffer_ref (g_ptr_array_index (frames, 0)));
  gst_buffer_unref (gst_harness_pull (h));
  gst_harness_push_upstream_event (h, gst_event_new_qos (GST_QOS_TYPE_UNDERFLOW,
          2.0, 10 * FRAME_TIME, 0));
  for (i = 1; i < 30; i++)
    gst_harness_push (h, gst_buffer_ref (g_ptr_array_index (frames, i)));
  fail_unless (gst_harness_buffers_received (h) < 25);
  fail_unless (check_stat (dec, "dropped") > 5);
  /* those were not even decoded */
  fail_unless_equals_uint64 (check_stat (dec, "frames")
      + check_stat (dec, "dropped"), 30);
  /* and all that came after took the cheap decoder, if there is another */
#ifdef HAVE_ONNX
  fail_unless (check_stat (dec, "hurried") > 0);
  fail_unless_equals_uint64 (check_stat (dec, "frames")
      - check_stat (dec, "hurried"), 1);
#endif
  gst_object_unref (dec);
  gst_caps_unref (coded);
  g_ptr_array_unref (frames);
  gst_harness_teardown (h);
}

GST_END_TEST;

GST_START_TEST (test_flush_gap_eos)
{
  GstHarness *h = check_decoder (NULL);
  GstCaps *coded = NULL;
  GPtrArray *frames = check_encode ("I420", 32, 32, 2, NULL, &coded);
  GstSegment segment;
  GstEvent *event;
  gboolean gap = FALSE, eos = FALSE;

  gst_harness_set_src_caps (h, gst_caps_ref (coded));
  gst_harness_push (h, gst_buffer_ref (g_ptr_array_index (frames, 0)));
  gst_buffer_unref (gst_harness_pull (h));
  gst_harness_push_event (h, gst_event_new_flush_start ());
  fail_unless_equals_int (gst_harness_push (h, gst_buffer_ref
          (g_ptr_array_index (frames, 1))), GST_FLOW_FLUSHING);
  gst_harness_push_event (h, gst_event_new_flush_stop (TRUE));
  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_harness_push_event (h, gst_event_new_segment (&segment));
  gst_harness_push_event (h, gst_event_new_gap (0, FRAME_TIME));
  gst_harness_push (h, gst_buffer_ref (g_ptr_array_index (frames, 1)));
  gst_buffer_unref (gst_harness_pull (h));
  gst_harness_push_event (h, gst_event_new_eos ());
  while ((event = gst_harness_try_pull_event (h))) {
    gap |= GST_EVENT_TYPE (event) == GST_EVENT_GAP;
    eos |= GST_EVENT_TYPE (event) == GST_EVENT_EOS;
    gst_event_unref (event);
  }
  fail_unless (gap && eos);
  gst_caps_unref (coded);
  g_ptr_array_unref (frames);
  gst_harness_teardown (h);
}

GST_END_TEST;

GST_START_TEST (test_eos_with_nothing)
{
  GstHarness *h = check_decoder (NULL);

  gst_harness_set_src_caps_str (h, "video/x-walloc,alignment=frame,"
      "parsed=true");
  fail_unless (gst_harness_push_event (h, gst_event_new_eos ()));
  fail_unless_equals_int (gst_harness_buffers_received (h), 0);
  gst_harness_teardown (h);
}

GST_END_TEST;

GST_START_TEST (test_latency)
{
  GstHarness *h = check_decoder (NULL);

  gst_harness_set_src_caps_str (h, "video/x-walloc,alignment=frame,"
      "parsed=true,framerate=25/1");
  gst_harness_set_upstream_latency (h, 77 * GST_MSECOND);
  fail_unless_equals_uint64 (gst_harness_query_latency (h), 77 * GST_MSECOND);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* a byte stream with caps forced on it, in pieces of many sizes */
GST_START_TEST (test_byte_stream)
{
  GstCaps *coded = NULL;
  GPtrArray *frames = check_encode ("I420", 32, 32, 3, NULL, &coded);
  GstBuffer *all = check_join (frames);
  gsize size = gst_buffer_get_size (all), piece, at;

  for (piece = 7; piece < size * 2; piece = piece * 2 + 1) {
    GstHarness *h = check_decoder (NULL);
    GstSegment segment;
    guint i;

    gst_harness_set_src_caps (h, gst_caps_ref (coded));
    gst_segment_init (&segment, GST_FORMAT_BYTES);
    gst_harness_push_event (h, gst_event_new_segment (&segment));
    for (at = 0; at < size; at += piece) {
      GstBuffer *part = gst_buffer_copy_region (all, GST_BUFFER_COPY_MEMORY,
          at, MIN (piece, size - at));

      fail_unless_equals_int (gst_harness_push (h, part), GST_FLOW_OK);
    }
    gst_harness_push_event (h, gst_event_new_eos ());
    fail_unless_equals_int (gst_harness_buffers_received (h), 3);
    for (i = 0; i < 3; i++) {
      GstBuffer *out = gst_harness_pull (h);

      fail_unless_equals_uint64 (GST_BUFFER_PTS (out), i * FRAME_TIME);
      gst_buffer_unref (out);
    }
    gst_harness_teardown (h);
  }
  gst_buffer_unref (all);
  gst_caps_unref (coded);
  g_ptr_array_unref (frames);
}

GST_END_TEST;

GST_START_TEST (test_refuses_other_caps)
{
  static const gchar *const bad[] = {
    "video/x-walloc", "video/x-walloc,alignment=slice,parsed=true",
    "audio/x-walloc,alignment=frame,parsed=true", "video/x-raw"
  };
  GstHarness *h = check_decoder (NULL);
  guint i;

  for (i = 0; i < G_N_ELEMENTS (bad); i++) {
    GstCaps *caps = gst_caps_from_string (bad[i]);

    fail_if (gst_pad_peer_query_accept_caps (h->srcpad, caps), "%s", bad[i]);
    gst_caps_unref (caps);
  }
  gst_harness_teardown (h);
}

GST_END_TEST;

GST_START_TEST (test_stats)
{
  GstHarness *h = check_decoder (NULL);
  GstElement *dec = gst_harness_find_element (h, "wallocdec");
  GstCaps *coded = NULL;
  GPtrArray *frames = check_encode ("I420", 64, 48, 3, NULL, &coded);
  guint64 bytes = 0;
  guint i;

  gst_harness_set_src_caps (h, gst_caps_ref (coded));
  for (i = 0; i < 3; i++) {
    bytes += gst_buffer_get_size (g_ptr_array_index (frames, i));
    gst_harness_push (h, gst_buffer_ref (g_ptr_array_index (frames, i)));
  }
  fail_unless_equals_uint64 (check_stat (dec, "frames"), 3);
  fail_unless_equals_uint64 (check_stat (dec, "bytes"), bytes);
  fail_unless_equals_uint64 (check_stat (dec, "pixels"), 3 * 64 * 48);
  fail_unless_equals_uint64 (check_stat (dec, "damaged-slices"), 0);
  fail_unless (check_stat (dec, "entropy-time") > 0);
  fail_unless (check_stat (dec, "synthesis-time") > 0);
  gst_object_unref (dec);
  gst_caps_unref (coded);
  g_ptr_array_unref (frames);
  gst_harness_teardown (h);
}

GST_END_TEST;

static Suite *
wallocdec_suite (void)
{
  Suite *s = suite_create ("wallocdec");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (s, tc);
  tcase_add_test (tc, test_round_trip);
  tcase_add_test (tc, test_odd_sizes);
  tcase_add_test (tc, test_output_format_chosen_by_downstream);
  tcase_add_test (tc, test_grey_is_luma);
  tcase_add_test (tc, test_header_fills_caps);
  tcase_add_test (tc, test_change_in_headers);
  tcase_add_test (tc, test_reconfigure);
  tcase_add_test (tc, test_pools);
  tcase_add_test (tc, test_threads_same_pixels);
  tcase_add_test (tc, test_truncated_everywhere);
  tcase_add_test (tc, test_damaged_everywhere);
  tcase_add_test (tc, test_damage_is_told);
  tcase_add_test (tc, test_discard_corrupted_frames);
  tcase_add_test (tc, test_max_errors);
  tcase_add_test (tc, test_tiny_buffers);
  tcase_add_test (tc, test_absurd_sizes);
  tcase_add_test (tc, test_huge_claim);
  tcase_add_test (tc, test_unsupported_frames);
  tcase_add_test (tc, test_unknown_model);
  tcase_add_test (tc, test_searched_places_are_named);
  tcase_add_test (tc, test_wrong_model_file);
  tcase_add_test (tc, test_change_of_model);
  tcase_add_test (tc, test_decoder_that_is_not_there);
#ifndef HAVE_ONNX
  tcase_add_test (tc, test_build_without_networks);
#endif
  tcase_add_test (tc, test_qos_drops_before_decoding);
  tcase_add_test (tc, test_flush_gap_eos);
  tcase_add_test (tc, test_eos_with_nothing);
  tcase_add_test (tc, test_latency);
  tcase_add_test (tc, test_byte_stream);
  tcase_add_test (tc, test_refuses_other_caps);
  tcase_add_test (tc, test_stats);

  return s;
}

GST_CHECK_MAIN (wallocdec);
