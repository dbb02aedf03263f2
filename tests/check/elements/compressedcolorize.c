/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* compressedcolorize: luma stays integer by integer, chroma is what the network
 * of the tests says (half of channel 0 in channels 12 to 15), and what decodes
 * has colours. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <walloc/decoder.h>

#include "gst/compressed/gstcompressedmeta.h"
#include "walloc-check.h"

#define MODEL TEST_GOLDEN_DIR "/models/ordered-test.wlm"
#define TINT TEST_GOLDEN_DIR "/task/colorize.onnx"
#define TINTED 12               /* first channel that is made, of 16 */

static GPtrArray *
encode (const gchar * format, gint width, gint height, guint count,
    const gchar * props, GstCaps ** coded)
{
  GPtrArray *frames =
      g_ptr_array_new_with_free_func ((GDestroyNotify) gst_buffer_unref);
  gchar *launch = g_strdup_printf ("wallocenc model-file=" MODEL " %s", props);
  GstHarness *h = gst_harness_new_parse (launch);
  GstCaps *caps = check_caps (format, width, height);
  guint i;

  gst_harness_set_src_caps (h, gst_caps_ref (caps));
  for (i = 0; i < count; i++) {
    GstBuffer *picture = check_picture (caps, 0);

    GST_BUFFER_PTS (picture) = i * FRAME_TIME;
    g_ptr_array_add (frames, gst_harness_push_and_pull (h, picture));
  }
  *coded = gst_pad_get_current_caps (h->sinkpad);
  gst_caps_unref (caps);
  gst_harness_teardown (h);
  g_free (launch);

  return frames;
}

static GstHarness *
colorizer (const gchar * props, GstCaps * caps)
{
  gchar *launch = g_strdup_printf ("compressedcolorize %s", props);
  GstHarness *h = gst_harness_new_parse (launch);

  g_free (launch);
  gst_harness_set_src_caps (h, caps);
  return h;
}

typedef struct
{
  walloc_model *model;
  walloc_decoder *before, *after;
} Decoders;

static void
decoders_init (Decoders * d)
{
  fail_unless_equals_int (walloc_model_load (MODEL, NULL, &d->model, NULL),
      WALLOC_OK);
  walloc_decoder_new (d->model, NULL, NULL, NULL, &d->before, NULL);
  walloc_decoder_new (d->model, NULL, NULL, NULL, &d->after, NULL);
}

static void
decoders_clear (Decoders * d)
{
  walloc_decoder_free (d->before);
  walloc_decoder_free (d->after);
  walloc_model_unref (d->model);
}

/* Returns how many latents of chroma are other than 0. */
static guint
compare (Decoders * d, GstBuffer * in, GstBuffer * out)
{
  walloc_latents a, b;
  GstMapInfo ma, mb;
  guint k, i, n, band, signal, coloured = 0;

  gst_buffer_map (in, &ma, GST_MAP_READ);
  gst_buffer_map (out, &mb, GST_MAP_READ);
  fail_unless_equals_int (walloc_decoder_latents (d->before, ma.data, ma.size,
          &a, NULL, NULL), WALLOC_OK);
  fail_unless_equals_int (walloc_decoder_latents (d->after, mb.data, mb.size,
          &b, NULL, NULL), WALLOC_OK);
  fail_unless (a.width == b.width && a.height == b.height);
  n = a.width * a.height;
  for (k = 0; k < b.channels; k++) {
    fail_unless_equals_int (walloc_model_channel (d->model, k, &band, &signal),
        WALLOC_OK);
    for (i = 0; i < n; i++) {
      gint q = b.data[k * n + i];

      /* the network leaves the first 12 channels as they are */
      if (signal == 0 || k < TINTED) {
        fail_unless_equals_int (q, k < a.channels ? a.data[k * n + i] : 0);
        fail_unless (k >= a.channels || a.step[k] == b.step[k]);
      } else if (k >= 16) {
        fail_unless_equals_int (q, 0);
      } else {
        /* the encoder's dead zone leaves it up to a step from its value */
        fail_unless (fabs (q * b.step[k] - 0.5 * a.data[i] * a.step[0]) <
            b.step[k]);
        coloured += q != 0;
      }
    }
  }
  gst_buffer_unmap (in, &ma);
  gst_buffer_unmap (out, &mb);

  return coloured;
}

/* At several rates and sizes, of which some are coded at a smaller scale. */
GST_START_TEST (test_luma_stays)
{
  static const gchar *const props[] = { "quality=90", "quality=50",
    "quality=80 channels=6", "quality=5"
  };
  guint i, coloured;

  for (i = 0; i < G_N_ELEMENTS (props); i++) {
    GstCaps *caps;
    GPtrArray *frames = encode ("GRAY8", 100, 60, 1, props[i], &caps);
    GstHarness *h = colorizer ("format=Y444 model-file=" TINT, caps);
    GstBuffer *out = gst_harness_push_and_pull (h,
        gst_buffer_ref (frames->pdata[0]));
    walloc_frame_info before, after;
    Decoders d;

    check_parse_header (frames->pdata[0], &before);
    check_parse_header (out, &after);
    fail_unless (after.format == WALLOC_FORMAT_Y444
        && after.step_index == before.step_index && after.set == before.set
        && after.scale == before.scale && after.width == 100
        && after.height == 60 && after.type == WALLOC_FRAME_KEY);
    decoders_init (&d);
    coloured = compare (&d, frames->pdata[0], out);
    fail_unless (i == 3 || coloured > 0, "%s: no colours", props[i]);
    decoders_clear (&d);
    gst_buffer_unref (out);
    gst_harness_teardown (h);
    g_ptr_array_unref (frames);
  }
}

GST_END_TEST;

/* What comes out decodes to colours, of which the header says those of JPEG. */
GST_START_TEST (test_decodes)
{
  GstCaps *caps, *raw;
  GPtrArray *frames = encode ("GRAY8", 64, 64, 1, "quality=80", &caps);
  GstHarness *h = colorizer ("model-file=" TINT " ! wallocdec", caps);
  GstBuffer *out = gst_harness_push_and_pull (h,
      gst_buffer_ref (frames->pdata[0]));
  GstVideoInfo info;
  GstVideoFrame frame;
  guint i, k, coloured = 0;

  raw = gst_pad_get_current_caps (h->sinkpad);
  fail_unless (gst_video_info_from_caps (&info, raw));
  fail_unless (GST_VIDEO_INFO_FORMAT (&info) == GST_VIDEO_FORMAT_I420
      && info.colorimetry.range == GST_VIDEO_COLOR_RANGE_0_255
      && info.colorimetry.matrix == GST_VIDEO_COLOR_MATRIX_BT601);
  gst_video_frame_map (&frame, &info, out, GST_MAP_READ);
  for (k = 1; k < 3; k++) {
    const guint8 *chroma = GST_VIDEO_FRAME_PLANE_DATA (&frame, k);

    for (i = 0; i < 32; i++)
      coloured += ABS (chroma[i * 32 + i] - 128) > 2;
  }
  gst_video_frame_unmap (&frame);
  fail_unless (coloured > 0);
  gst_caps_unref (raw);
  gst_buffer_unref (out);
  gst_harness_teardown (h);
  g_ptr_array_unref (frames);
}

GST_END_TEST;

/* Predicted frames and a colour stream: key frames come out, with time stamps,
 * metas and the stream's own colorimetry. */
GST_START_TEST (test_predicted)
{
  GstCaps *caps;
  GPtrArray *frames = encode ("I420", 64, 64, 4, "quality=80 key-int-max=30",
      &caps);
  GstHarness *h = colorizer ("model-file=" TINT, caps);
  GstStructure *result = gst_structure_new_empty ("compressedclassify");
  walloc_frame_info before, after;
  guint i, predicted = 0;
  Decoders d;

  decoders_init (&d);
  for (i = 0; i < 4; i++) {
    GstBuffer *in = gst_buffer_copy (frames->pdata[i]), *out;

    gst_compressed_meta_attach (in, GST_COMPRESSED_CLASSIFY_META, result);
    out = gst_harness_push_and_pull (h, in);
    check_parse_header (frames->pdata[i], &before);
    check_parse_header (out, &after);
    predicted += before.type != WALLOC_FRAME_KEY;
    fail_unless_equals_int (after.type, WALLOC_FRAME_KEY);
    fail_if (GST_BUFFER_FLAG_IS_SET (out, GST_BUFFER_FLAG_DELTA_UNIT));
    fail_unless_equals_uint64 (GST_BUFFER_PTS (out), i * FRAME_TIME);
    fail_unless (after.pts == before.pts && after.fps_n == before.fps_n
        && after.has_colour == before.has_colour
        && after.colour.range == before.colour.range);
    fail_unless (gst_compressed_meta_get (out, GST_COMPRESSED_CLASSIFY_META,
            0));
    compare (&d, frames->pdata[i], out);
    gst_buffer_unref (out);
  }
  fail_unless (predicted > 0);
  decoders_clear (&d);
  gst_structure_free (result);
  gst_harness_teardown (h);
  g_ptr_array_unref (frames);
}

GST_END_TEST;

/* Another size in the middle, and another format asked for while playing. */
GST_START_TEST (test_changes)
{
  GstCaps *big_caps, *small_caps, *caps;
  GPtrArray *big = encode ("GRAY8", 100, 60, 1, "quality=80", &big_caps);
  GPtrArray *small = encode ("GRAY8", 17, 9, 1, "quality=80", &small_caps);
  GstHarness *h = gst_harness_new ("compressedcolorize");
  walloc_frame_info info;
  gint width = 0;
  GstBuffer *out;

  g_object_set (h->element, "model-file", TINT, NULL);
  gst_harness_set_src_caps (h, big_caps);
  out = gst_harness_push_and_pull (h, gst_buffer_ref (big->pdata[0]));
  check_parse_header (out, &info);
  fail_unless (info.width == 100 && info.format == WALLOC_FORMAT_I420);
  gst_buffer_unref (out);
  gst_util_set_object_arg (G_OBJECT (h->element), "format", "Y444");
  gst_harness_set_src_caps (h, small_caps);
  out = gst_harness_push_and_pull (h, gst_buffer_ref (small->pdata[0]));
  check_parse_header (out, &info);
  fail_unless (info.width == 17 && info.height == 9
      && info.format == WALLOC_FORMAT_Y444);
  caps = gst_pad_get_current_caps (h->sinkpad);
  gst_structure_get_int (gst_caps_get_structure (caps, 0), "width", &width);
  fail_unless_equals_int (width, 17);
  gst_caps_unref (caps);
  gst_buffer_unref (out);
  gst_harness_teardown (h);
  g_ptr_array_unref (big);
  g_ptr_array_unref (small);
}

GST_END_TEST;

/* Frames that are none are left out; the next one says so. Damaged ones are
 * coloured and marked. */
GST_START_TEST (test_damage)
{
  GstCaps *caps;
  GPtrArray *frames = encode ("GRAY8", 96, 64, 1, "quality=80", &caps);
  GstHarness *h = colorizer ("model-file=" TINT, caps);
  GstBus *bus = check_bus (h);
  walloc_frame_info info;
  GstBuffer *out, *bad;

  fail_unless_equals_int (gst_harness_push (h, gst_buffer_new_wrapped
          (g_strdup ("this is no frame"), 16)), GST_FLOW_OK);
  fail_unless_equals_int (gst_harness_buffers_received (h), 0);
  check_assert_message (bus, GST_MESSAGE_WARNING, GST_STREAM_ERROR,
      GST_STREAM_ERROR_DECODE, "cannot be used");
  out = gst_harness_push_and_pull (h, gst_buffer_ref (frames->pdata[0]));
  fail_unless (GST_BUFFER_IS_DISCONT (out));
  fail_if (GST_BUFFER_FLAG_IS_SET (out, GST_BUFFER_FLAG_CORRUPTED));
  gst_buffer_unref (out);
  check_parse_header (frames->pdata[0], &info);
  bad = gst_buffer_copy_deep (frames->pdata[0]);
  gst_buffer_memset (bad, info.header_size + info.payload_size / 2, 0x55, 4);
  out = gst_harness_push_and_pull (h, bad);
  fail_unless (GST_BUFFER_FLAG_IS_SET (out, GST_BUFFER_FLAG_CORRUPTED));
  gst_buffer_unref (out);
  gst_element_set_bus (h->element, NULL);
  gst_object_unref (bus);
  gst_harness_teardown (h);
  g_ptr_array_unref (frames);
}

GST_END_TEST;

static void
assert_refused (const gchar * props, GPtrArray * frames, GstCaps * caps,
    GQuark domain, gint code, const gchar * words)
{
  GstHarness *h = colorizer (props, gst_caps_ref (caps));
  GstBus *bus = check_bus (h);

  fail_unless_equals_int (gst_harness_push (h,
          gst_buffer_ref (frames->pdata[0])), GST_FLOW_ERROR);
  check_assert_message (bus, GST_MESSAGE_ERROR, domain, code, words);
  gst_element_set_bus (h->element, NULL);
  gst_object_unref (bus);
  gst_harness_teardown (h);
}

GST_START_TEST (test_refused)
{
  GstCaps *caps, *other_caps;
  GPtrArray *frames = encode ("GRAY8", 32, 32, 1, "", &caps), *other;

  assert_refused ("", frames, caps, GST_RESOURCE_ERROR,
      GST_RESOURCE_ERROR_SETTINGS, "model-file");
  assert_refused ("model-file=no-such-colours", frames, caps,
      GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND, "no-such-colours");
  assert_refused ("model-file=" TEST_GOLDEN_DIR "/task/segment.onnx", frames,
      caps, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS, "segment");
  assert_refused ("model-file=" TEST_GOLDEN_DIR "/task/bad-cycle.onnx", frames,
      caps, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_READ, "cycle");
  if (strcmp (check_model (), MODEL) != 0) {
    other = check_encode ("GRAY8", 32, 32, 1, NULL, &other_caps);
    assert_refused ("model-file=" TINT, other, other_caps, GST_STREAM_ERROR,
        GST_STREAM_ERROR_WRONG_TYPE, "4d25cde431323797");
    gst_caps_unref (other_caps);
    g_ptr_array_unref (other);
  }
  gst_caps_unref (caps);
  g_ptr_array_unref (frames);
}

GST_END_TEST;

static Suite *
compressedcolorize_suite (void)
{
  Suite *s = suite_create ("compressedcolorize");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (s, tc);
  tcase_add_test (tc, test_luma_stays);
  tcase_add_test (tc, test_decodes);
  tcase_add_test (tc, test_predicted);
  tcase_add_test (tc, test_changes);
  tcase_add_test (tc, test_damage);
  tcase_add_test (tc, test_refused);

  return s;
}

GST_CHECK_MAIN (compressedcolorize);
