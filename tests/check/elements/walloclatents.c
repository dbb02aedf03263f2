/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* walloclatents: shapes, values against libwalloc, streams that change, and
 * what it does with frames that are no frames. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <gst/audio/audio.h>
#include <walloc/audio.h>
#include <walloc/decoder.h>

#include "walloc-check.h"

#define META "GstWallocLatentsMeta"

/* @count frames of a picture that stands still. */
static GPtrArray *
encode_still (guint count, const gchar * props, GstCaps ** coded)
{
  GPtrArray *frames =
      g_ptr_array_new_with_free_func ((GDestroyNotify) gst_buffer_unref);
  GstHarness *h = check_encoder (props);
  GstCaps *caps = check_caps ("I420", 64, 64);
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

  return frames;
}

/* The element fed with coded frames of @caps, which it takes. */
static GstHarness *
latents_harness (const gchar * props, GstCaps * caps)
{
  gchar *launch = g_strdup_printf ("walloclatents name=l %s",
      props ? props : "");
  GstHarness *h = gst_harness_new_parse (launch);

  g_free (launch);
  gst_harness_set_src_caps (h, caps);
  return h;
}

static void
assert_caps (GstHarness * h, const gchar * types, const gchar * dims,
    gint fps_n, gint fps_d)
{
  GstCaps *caps = gst_pad_get_current_caps (h->sinkpad), *wanted;
  gchar *got, *text;

  wanted = gst_caps_new_simple ("other/tensors",
      "format", G_TYPE_STRING, "static", "num_tensors", G_TYPE_INT, 1,
      "types", G_TYPE_STRING, types, "dimensions", G_TYPE_STRING, dims,
      "framerate", GST_TYPE_FRACTION, fps_n, fps_d, NULL);
  got = gst_caps_to_string (caps);
  text = gst_caps_to_string (wanted);
  fail_unless_equals_string (got, text);
  g_free (got);
  g_free (text);
  gst_caps_unref (caps);
  gst_caps_unref (wanted);
}

static walloc_decoder *
own_decoder (walloc_model ** model)
{
  walloc_decoder *decoder;

  fail_unless_equals_int (walloc_model_load (check_model (), NULL, model,
          NULL), WALLOC_OK);
  fail_unless_equals_int (walloc_decoder_new (*model, NULL, NULL, NULL,
          &decoder, NULL), WALLOC_OK);
  return decoder;
}

/* @tensor holds what @decoder makes of @frame: the first @channels. */
static void
assert_values (walloc_decoder * decoder, GstBuffer * frame, GstBuffer * tensor,
    guint channels)
{
  GstMapInfo in, out;
  walloc_latents l;
  guint k, i, n, row;
  gfloat want;

  gst_buffer_map (frame, &in, GST_MAP_READ);
  gst_buffer_map (tensor, &out, GST_MAP_READ);
  fail_unless_equals_int (walloc_decoder_latents (decoder, in.data, in.size,
          &l, NULL, NULL), WALLOC_OK);
  n = l.width * l.height;
  fail_unless_equals_uint64 (out.size, (guint64) 4 * n * channels);
  for (k = 0; k < channels; k++)
    for (i = 0; i < n; i++) {
      row = l.step_of ? l.step_of[i] : 0;
      want = k < l.channels ? l.data[k * n + i] * l.step[row * l.channels + k]
          : 0;
      fail_unless (((gfloat *) out.data)[k * n + i] == want,
          "channel %u position %u: %g, not %g", k, i,
          ((gfloat *) out.data)[k * n + i], want);
    }
  gst_buffer_unmap (frame, &in);
  gst_buffer_unmap (tensor, &out);
}

/* Values, also of predicted frames whose positions have steps of their own,
 * for the channels that were asked for: more than the stream has, and fewer. */
GST_START_TEST (test_values)
{
  static const guint channels[] = { 5, 24 };
  walloc_model *model;
  walloc_decoder *decoder;
  GPtrArray *frames;
  GstHarness *h;
  GstCaps *caps;
  gchar *text;
  guint c, i;

  for (c = 0; c < G_N_ELEMENTS (channels); c++) {
    if (c == 0)
      frames = check_encode ("I420", 64, 64, 6, "quality=80 channels=12",
          &caps);
    else
      frames = encode_still (6, "quality=80 channels=12 key-int-max=3", &caps);
    decoder = own_decoder (&model);
    text = g_strdup_printf ("channels=%u", channels[c]);
    h = latents_harness (text, gst_caps_ref (caps));
    g_free (text);
    for (i = 0; i < frames->len; i++) {
      GstBuffer *frame = g_ptr_array_index (frames, i);
      GstBuffer *out = gst_harness_push_and_pull (h, gst_buffer_ref (frame));

      fail_unless_equals_int (gst_buffer_n_memory (out), 1);
      fail_unless_equals_uint64 (GST_BUFFER_PTS (out), i * FRAME_TIME);
      fail_unless_equals_uint64 (GST_BUFFER_DURATION (out), FRAME_TIME);
      assert_values (decoder, frame, out, channels[c]);
      gst_buffer_unref (out);
    }
    text = g_strdup_printf ("8:8:%u:1", channels[c]);
    assert_caps (h, "float32", text, FPS, 1);
    g_free (text);
    gst_harness_teardown (h);
    walloc_decoder_free (decoder);
    walloc_model_unref (model);
    gst_caps_unref (caps);
    g_ptr_array_unref (frames);
  }
}

GST_END_TEST;

/* Integers, and the steps in the meta that make values of them. */
GST_START_TEST (test_integers)
{
  GPtrArray *frames;
  GstHarness *h, *f;
  GstCaps *caps;
  GstBuffer *ints, *floats;
  GstCustomMeta *meta;
  GstStructure *s;
  GstMapInfo a, b;
  const GValue *steps;
  const gchar *id, *format;
  guint k, i, width = 0, n = 8 * 6;

  frames = check_encode ("NV12", 64, 48, 1, "quality=80 channels=16", &caps);
  h = latents_harness ("type=int16 channels=16", gst_caps_ref (caps));
  f = latents_harness ("channels=16", gst_caps_ref (caps));
  ints = gst_harness_push_and_pull (h, gst_buffer_ref (frames->pdata[0]));
  floats = gst_harness_push_and_pull (f, gst_buffer_ref (frames->pdata[0]));
  assert_caps (h, "int16", "8:6:16:1", FPS, 1);

  meta = gst_buffer_get_custom_meta (ints, META);
  fail_unless (meta != NULL);
  s = gst_custom_meta_get_structure (meta);
  fail_unless (gst_structure_get_uint (s, "width", &width) && width == 64);
  format = gst_structure_get_string (s, "format");
  fail_unless_equals_string (format, "NV12");
  id = gst_structure_get_string (s, "model-id");
  fail_unless_equals_string (id, gst_structure_get_string
      (gst_caps_get_structure (caps, 0), "model-id"));
  steps = gst_structure_get_value (s, "steps");
  fail_unless_equals_int (gst_value_array_get_size (steps), 16);

  gst_buffer_map (ints, &a, GST_MAP_READ);
  gst_buffer_map (floats, &b, GST_MAP_READ);
  fail_unless_equals_uint64 (a.size, 2 * 16 * n);
  for (k = 0; k < 16; k++) {
    gfloat step = g_value_get_double (gst_value_array_get_value (steps, k));

    for (i = 0; i < n; i++)
      fail_unless (((gint16 *) a.data)[k * n + i] * step ==
          ((gfloat *) b.data)[k * n + i]);
  }
  gst_buffer_unmap (ints, &a);
  gst_buffer_unmap (floats, &b);
  gst_buffer_unref (ints);
  gst_buffer_unref (floats);
  gst_harness_teardown (h);
  gst_harness_teardown (f);
  gst_caps_unref (caps);
  g_ptr_array_unref (frames);
}

GST_END_TEST;

/* All channels of the model by default, whatever the stream keeps; new sizes
 * give new caps; a single position is a tensor too. */
GST_START_TEST (test_sizes)
{
  static const gint sizes[][2] = { {1, 1}, {17, 9}, {256, 128} };
  GstHarness *h = NULL;
  walloc_model *model;
  walloc_model_info info;
  guint i;

  walloc_decoder_free (own_decoder (&model));
  walloc_model_get_info (model, &info);
  for (i = 0; i < G_N_ELEMENTS (sizes); i++) {
    GstCaps *caps;
    GPtrArray *frames = check_encode ("GRAY8", sizes[i][0], sizes[i][1], 1,
        "quality=80 channels=8", &caps);
    guint w = (sizes[i][0] + 7) / 8, rows = (sizes[i][1] + 7) / 8;
    gchar *dims = g_strdup_printf ("%u:%u:%u:1", w, rows, info.channels);
    GstBuffer *out;

    if (!h)
      h = latents_harness (NULL, gst_caps_ref (caps));
    else
      gst_harness_set_src_caps (h, gst_caps_ref (caps));
    out = gst_harness_push_and_pull (h, gst_buffer_ref (frames->pdata[0]));
    fail_unless_equals_uint64 (gst_buffer_get_size (out),
        4 * w * rows * info.channels);
    assert_caps (h, "float32", dims, FPS, 1);
    gst_buffer_unref (out);
    gst_caps_unref (caps);
    g_free (dims);
    g_ptr_array_unref (frames);
  }
  gst_harness_teardown (h);
  walloc_model_unref (model);
}

GST_END_TEST;

/* Caps without a rate: that of the headers. The order of events is right. */
GST_START_TEST (test_rate_from_header)
{
  GstCaps *caps = gst_caps_from_string ("video/x-walloc,alignment=frame,"
      "parsed=true");
  GPtrArray *frames = check_encode ("I420", 32, 32, 1, NULL, NULL);
  GstHarness *h = latents_harness ("channels=1", caps);
  GstEvent *event;
  GstEventType wanted[] = { GST_EVENT_STREAM_START, GST_EVENT_CAPS,
    GST_EVENT_SEGMENT
  };
  GstBuffer *out;
  guint i;

  /* nothing but the start before the first frame */
  fail_unless_equals_int (gst_harness_events_received (h), 1);
  out = gst_harness_push_and_pull (h, gst_buffer_ref (frames->pdata[0]));
  assert_caps (h, "float32", "4:4:1:1", FPS, 1);
  for (i = 0; i < G_N_ELEMENTS (wanted); i++) {
    event = gst_harness_pull_event (h);
    fail_unless_equals_int (GST_EVENT_TYPE (event), wanted[i]);
    gst_event_unref (event);
  }
  gst_buffer_unref (out);
  gst_harness_teardown (h);
  g_ptr_array_unref (frames);
}

GST_END_TEST;

/* A lost frame: the ones that build on it are left out, a key frame is asked
 * for, and what comes after it is marked as not following. */
GST_START_TEST (test_lost_frame)
{
  GstCaps *caps;
  GPtrArray *frames = encode_still (9, "key-int-max=6", &caps);
  GstHarness *h = latents_harness (NULL, caps);
  GstBus *bus = check_bus (h);
  GstBuffer *out;
  GstEvent *event;
  gboolean asked = FALSE;
  guint i;

  for (i = 0; i < frames->len; i++) {
    if (i == 2)
      continue;
    fail_unless_equals_int (gst_harness_push (h,
            gst_buffer_ref (frames->pdata[i])), GST_FLOW_OK);
  }
  /* 0, 1; 6 is a key frame */
  fail_unless_equals_int (gst_harness_buffers_received (h), 5);
  for (i = 0; i < 5; i++) {
    out = gst_harness_pull (h);
    fail_unless_equals_int (GST_BUFFER_IS_DISCONT (out), i == 0 || i == 2);
    if (i == 2)
      fail_unless_equals_uint64 (GST_BUFFER_PTS (out), 6 * FRAME_TIME);
    gst_buffer_unref (out);
  }
  while ((event = gst_harness_try_pull_upstream_event (h))) {
    asked |= gst_video_event_is_force_key_unit (event);
    gst_event_unref (event);
  }
  fail_unless (asked);
  check_assert_message (bus, GST_MESSAGE_WARNING, GST_STREAM_ERROR,
      GST_STREAM_ERROR_DECODE, "cannot be used");
  gst_element_set_bus (h->element, NULL);
  gst_object_unref (bus);
  gst_harness_teardown (h);
  g_ptr_array_unref (frames);
}

GST_END_TEST;

/* Garbage, an empty buffer, sound: left out with a warning; a damaged payload
 * is marked; the next good frame comes. */
GST_START_TEST (test_damage)
{
  GstCaps *caps;
  GPtrArray *frames = check_encode ("I420", 96, 64, 2, NULL, &caps);
  GstHarness *h = latents_harness (NULL, caps);
  GstBus *bus = check_bus (h);
  GstBuffer *bad, *out;
  walloc_frame_info info;

  fail_unless_equals_int (gst_harness_push (h,
          gst_buffer_new_wrapped (g_strdup ("no frame at all"), 15)),
      GST_FLOW_OK);
  fail_unless_equals_int (gst_harness_push (h, gst_buffer_new ()), GST_FLOW_OK);
  fail_unless_equals_int (gst_harness_buffers_received (h), 0);
  check_assert_message (bus, GST_MESSAGE_WARNING, GST_STREAM_ERROR,
      GST_STREAM_ERROR_DECODE, "cannot be used");

  out = gst_harness_push_and_pull (h, gst_buffer_ref (frames->pdata[0]));
  fail_if (GST_BUFFER_FLAG_IS_SET (out, GST_BUFFER_FLAG_CORRUPTED));
  gst_buffer_unref (out);

  check_parse_header (frames->pdata[1], &info);
  bad = gst_buffer_copy_deep (frames->pdata[1]);
  gst_buffer_memset (bad, info.header_size + info.payload_size / 2, 0x55, 4);
  out = gst_harness_push_and_pull (h, bad);
  fail_unless (GST_BUFFER_FLAG_IS_SET (out, GST_BUFFER_FLAG_CORRUPTED));
  gst_buffer_unref (out);

  out = gst_harness_push_and_pull (h, gst_buffer_ref (frames->pdata[1]));
  fail_if (GST_BUFFER_FLAG_IS_SET (out, GST_BUFFER_FLAG_CORRUPTED));
  gst_buffer_unref (out);
  gst_element_set_bus (h->element, NULL);
  gst_object_unref (bus);
  gst_harness_teardown (h);
  g_ptr_array_unref (frames);
}

GST_END_TEST;

/* Coded sound of three channels: two pairs. */
static GPtrArray *
encode_sound (GstCaps ** coded)
{
  GPtrArray *frames =
      g_ptr_array_new_with_free_func ((GDestroyNotify) gst_buffer_unref);
  GstHarness *h = gst_harness_new_parse ("wallocaudioenc frame-size=2048");
  gint16 *samples = g_new (gint16, 3 * 8192);
  GstBuffer *buffer;
  guint i;

  gst_harness_set_src_caps_str (h, "audio/x-raw,format=" GST_AUDIO_NE (S16)
      ",layout=interleaved,rate=16000,channels=3,channel-mask=(bitmask)0x7");
  for (i = 0; i < 3 * 8192; i++)
    samples[i] = (gint16) (8000 * sin (i / 3 * 0.05 * (1 + i % 3)));
  buffer = gst_buffer_new_wrapped (samples, 3 * 8192 * 2);
  GST_BUFFER_PTS (buffer) = 0;
  gst_harness_push (h, buffer);
  gst_harness_push_event (h, gst_event_new_eos ());
  while ((buffer = gst_harness_try_pull (h)))
    g_ptr_array_add (frames, buffer);
  *coded = gst_pad_get_current_caps (h->sinkpad);
  gst_harness_teardown (h);

  return frames;
}

/* Sound: two pairs of the first channels, as the library gives them. */
GST_START_TEST (test_sound)
{
  GstCaps *caps;
  GPtrArray *frames = encode_sound (&caps);
  GstHarness *h = latents_harness ("channels=32", gst_caps_ref (caps));
  GstHarness *ints = latents_harness ("type=int16", caps);
  GstBus *bus = check_bus (ints);
  walloc_audio_decoder *decoder;
  walloc_audio_latents l;
  walloc_model *model;
  GstMapInfo in, out;
  guint i, p, loud = 0;

  fail_unless_equals_int (walloc_model_load (TEST_MODELS_DIR "/sound-1.wlm",
          NULL, &model, NULL), WALLOC_OK);
  fail_unless_equals_int (walloc_audio_decoder_new (model, NULL, &decoder,
          NULL), WALLOC_OK);
  fail_unless (frames->len >= 4);
  for (i = 0; i < frames->len; i++) {
    GstBuffer *t = gst_harness_push_and_pull (h, gst_buffer_ref
        (frames->pdata[i]));

    gst_buffer_map (frames->pdata[i], &in, GST_MAP_READ);
    gst_buffer_map (t, &out, GST_MAP_READ);
    fail_unless_equals_int (walloc_audio_decoder_latents (decoder, in.data,
            in.size, &l, NULL, NULL, NULL), WALLOC_OK);
    fail_unless (l.channels > 32 && l.pairs == 2 && l.columns == 8);
    fail_unless_equals_uint64 (out.size, 4 * 2 * 32 * 8);
    for (p = 0; p < 2; p++)
      fail_unless (memcmp (out.data + p * 4 * 32 * 8,
              l.data + (gsize) p * l.channels * 8, 4 * 32 * 8) == 0);
    for (p = 0; p < 32 * 8; p++)
      loud += fabsf (l.data[p]) > 1000;
    gst_buffer_unmap (t, &out);
    gst_buffer_unmap (frames->pdata[i], &in);
    gst_buffer_unref (t);
  }
  fail_unless (loud > 4, "%u", loud);
  /* 16000 / 2048 */
  assert_caps (h, "float32", "8:32:2:1", 125, 16);

  fail_unless_equals_int (gst_harness_push (ints,
          gst_buffer_ref (frames->pdata[0])), GST_FLOW_ERROR);
  check_assert_message (bus, GST_MESSAGE_ERROR, GST_LIBRARY_ERROR,
      GST_LIBRARY_ERROR_SETTINGS, "type=float32");
  gst_element_set_bus (ints->element, NULL);
  gst_object_unref (bus);
  gst_harness_teardown (ints);
  gst_harness_teardown (h);
  walloc_audio_decoder_free (decoder);
  walloc_model_unref (model);
  g_ptr_array_unref (frames);
}

GST_END_TEST;

/* A model that is not there, and one that is not the stream's. */
GST_START_TEST (test_wrong_model)
{
  static const gchar *const props[] = {
    "model-file=/nowhere/at-all.wlm",
    "model-file=" TEST_GOLDEN_DIR "/models/reference-test.wlm"
  };
  static const gchar *const words[] = { "no model file", "needs the model" };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (props); i++) {
    GstCaps *caps;
    GPtrArray *frames = check_encode ("I420", 64, 64, 1, NULL, &caps);
    GstHarness *h = latents_harness (props[i], caps);
    GstBus *bus = check_bus (h);

    fail_unless_equals_int (gst_harness_push (h,
            gst_buffer_ref (frames->pdata[0])), GST_FLOW_ERROR);
    check_assert_message (bus, GST_MESSAGE_ERROR, GST_RESOURCE_ERROR,
        GST_RESOURCE_ERROR_NOT_FOUND, words[i]);
    gst_element_set_bus (h->element, NULL);
    gst_object_unref (bus);
    gst_harness_teardown (h);
    g_ptr_array_unref (frames);
  }
}

GST_END_TEST;

/* As many bytes as 32 bits do not count. */
GST_START_TEST (test_too_large)
{
  GstCaps *caps;
  GPtrArray *frames =
      check_encode ("GRAY8", 4096, 4096, 1, "quality=90", &caps);
  GstHarness *h = latents_harness ("channels=4096", caps);
  GstBus *bus = check_bus (h);

  fail_unless_equals_int (gst_harness_push (h,
          gst_buffer_ref (frames->pdata[0])), GST_FLOW_ERROR);
  check_assert_message (bus, GST_MESSAGE_ERROR, GST_RESOURCE_ERROR,
      GST_RESOURCE_ERROR_NO_SPACE_LEFT, "512:512:4096:1 has 4294967296 bytes");
  gst_element_set_bus (h->element, NULL);
  gst_object_unref (bus);
  gst_harness_teardown (h);
  g_ptr_array_unref (frames);
}

GST_END_TEST;

/* What comes before the first frame waits for it, and of what replaces what
 * came before only the newest. */
GST_START_TEST (test_events)
{
  static const GstEventType order[] = { GST_EVENT_STREAM_START,
    GST_EVENT_CAPS, GST_EVENT_TAG, GST_EVENT_TAG, GST_EVENT_SEGMENT
  };
  GstCaps *caps;
  GPtrArray *frames = check_encode ("I420", 64, 64, 1, NULL, &caps);
  GstHarness *h = latents_harness (NULL, caps);
  GstSegment segment;
  GstTagList *tags;
  GstEvent *event;
  guint i;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  for (i = 0; i < 6; i++) {
    tags = gst_tag_list_new (GST_TAG_BITRATE, 1000 * i, NULL);
    gst_tag_list_set_scope (tags, i % 2 ? GST_TAG_SCOPE_GLOBAL :
        GST_TAG_SCOPE_STREAM);
    gst_harness_push_event (h, gst_event_new_tag (tags));
    segment.base = i;
    gst_harness_push_event (h, gst_event_new_segment (&segment));
  }
  gst_buffer_unref (gst_harness_push_and_pull (h,
          gst_buffer_ref (frames->pdata[0])));
  for (i = 0; i < G_N_ELEMENTS (order); i++) {
    event = gst_harness_try_pull_event (h);
    fail_unless (event != NULL);
    fail_unless_equals_string (GST_EVENT_TYPE_NAME (event),
        gst_event_type_get_name (order[i]));
    if (order[i] == GST_EVENT_SEGMENT) {
      gst_event_copy_segment (event, &segment);
      fail_unless_equals_uint64 (segment.base, 5);
    }
    gst_event_unref (event);
  }
  fail_unless (gst_harness_try_pull_event (h) == NULL);
  gst_harness_teardown (h);
  g_ptr_array_unref (frames);
}

GST_END_TEST;

/* Downstream that wants other tensors. */
GST_START_TEST (test_not_negotiated)
{
  GstCaps *caps;
  GPtrArray *frames = check_encode ("I420", 64, 64, 1, NULL, &caps);
  GstHarness *h = latents_harness (NULL, caps);

  gst_harness_set_sink_caps_str (h, "other/tensors,types=(string)int16");
  fail_unless_equals_int (gst_harness_push (h,
          gst_buffer_ref (frames->pdata[0])), GST_FLOW_NOT_NEGOTIATED);
  gst_harness_teardown (h);
  g_ptr_array_unref (frames);
}

GST_END_TEST;

static Suite *
walloclatents_suite (void)
{
  Suite *s = suite_create ("walloclatents");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (s, tc);
  tcase_add_test (tc, test_values);
  tcase_add_test (tc, test_integers);
  tcase_add_test (tc, test_sizes);
  tcase_add_test (tc, test_rate_from_header);
  tcase_add_test (tc, test_lost_frame);
  tcase_add_test (tc, test_damage);
  tcase_add_test (tc, test_sound);
  tcase_add_test (tc, test_wrong_model);
  tcase_add_test (tc, test_too_large);
  tcase_add_test (tc, test_events);
  tcase_add_test (tc, test_not_negotiated);

  return s;
}

GST_CHECK_MAIN (walloclatents);
