/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* compressedseparate: stems of networks made for tests (a quarter and the rest;
 * what came four columns before), their headers and events, and what it does
 * with streams and networks that do not fit. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <gst/audio/audio.h>
#include <walloc/audio.h>

#include "walloc-check.h"

#define MODEL TEST_GOLDEN_DIR "/models/sound-test.wlm"
#define SHARES TEST_GOLDEN_DIR "/task/separate.onnx"
#define FLAT TEST_GOLDEN_DIR "/task/separate-flat.onnx"
#define LATE TEST_GOLDEN_DIR "/task/separate-late.onnx"
#define K 8
#define RATE 44100
#define COLUMNS 8               /* of a frame of 2048 samples */

/* Coded sound of a second: tones and noise, other ones in each channel. */
static GPtrArray *
encode (guint channels, guint rate, GstCaps ** coded)
{
  GPtrArray *frames =
      g_ptr_array_new_with_free_func ((GDestroyNotify) gst_buffer_unref);
  GstHarness *h = gst_harness_new_parse ("wallocaudioenc frame-size=2048 "
      "quality=90 model-file=" MODEL);
  GRand *random = g_rand_new_with_seed (3);
  guint i, n = 8 * 2048 * channels;
  gint16 *samples = g_new (gint16, n);
  GstBuffer *buffer;
  gchar *caps;

  caps = g_strdup_printf ("audio/x-raw,format=%s,layout=interleaved,rate=%u,"
      "channels=%u,channel-mask=(bitmask)0x%x", GST_AUDIO_NE (S16), rate,
      channels, channels == 1 ? 0 : channels == 2 ? 3 : 7);
  gst_harness_set_src_caps_str (h, caps);
  g_free (caps);
  for (i = 0; i < n; i++)
    samples[i] = (gint16) (9000 * sin (i / channels * 0.02 * (1 + i %
                channels)) + g_rand_int_range (random, -3000, 3000));
  buffer = gst_buffer_new_wrapped (samples, 2 * n);
  GST_BUFFER_PTS (buffer) = 0;
  gst_harness_push (h, buffer);
  gst_harness_push_event (h, gst_event_new_eos ());
  while ((buffer = gst_harness_try_pull (h)))
    g_ptr_array_add (frames, buffer);
  *coded = gst_pad_get_current_caps (h->sinkpad);
  g_rand_free (random);
  gst_harness_teardown (h);
  fail_unless (frames->len > 6);

  return frames;
}

/* The element with a harness at its sink and one at each stem (0: none). */
typedef struct
{
  GstElement *element;
  GstHarness *in, *stem[2];
  GstBus *bus;
} Fixture;

static void
setup (Fixture * f, const gchar * network, GstCaps * caps, guint stems)
{
  guint i;

  memset (f, 0, sizeof (*f));
  f->element = gst_element_factory_make ("compressedseparate", NULL);
  if (network)
    g_object_set (f->element, "model-file", network, NULL);
  f->bus = gst_bus_new ();
  gst_element_set_bus (f->element, f->bus);
  f->in = gst_harness_new_with_element (f->element, "sink", NULL);
  for (i = 0; i < 2; i++) {
    gchar name[16];

    g_snprintf (name, sizeof (name), "stem_%u", i);
    if (stems & 1 << i)
      f->stem[i] = gst_harness_new_with_element (f->element, NULL, name);
  }
  gst_harness_set_src_caps (f->in, caps);
}

static void
teardown (Fixture * f)
{
  guint i;

  gst_element_set_bus (f->element, NULL);
  gst_object_unref (f->bus);
  for (i = 0; i < 2; i++)
    if (f->stem[i])
      gst_harness_teardown (f->stem[i]);
  gst_harness_teardown (f->in);
  gst_object_unref (f->element);
}

static void
own_decoder (walloc_model ** model, walloc_audio_decoder ** decoder)
{
  fail_unless_equals_int (walloc_model_load (MODEL, NULL, model, NULL),
      WALLOC_OK);
  fail_unless_equals_int (walloc_audio_decoder_new (*model, NULL, decoder,
          NULL), WALLOC_OK);
}

/* The first K channels of all pairs of a frame, [pairs][K][columns]. */
static gfloat *
latents_of (walloc_audio_decoder * decoder, GstBuffer * frame,
    walloc_audio_latents * l)
{
  gfloat *out;
  GstMapInfo map;
  guint p;

  gst_buffer_map (frame, &map, GST_MAP_READ);
  fail_unless_equals_int (walloc_audio_decoder_latents (decoder, map.data,
          map.size, l, NULL, NULL, NULL), WALLOC_OK);
  gst_buffer_unmap (frame, &map);
  out = g_new (gfloat, l->pairs * K * l->columns);
  for (p = 0; p < l->pairs; p++)
    memcpy (out + p * K * l->columns, l->data + (gsize) p * l->channels *
        l->columns, K * l->columns * sizeof (gfloat));
  return out;
}

/* Fails unless all values are nearer than the quantiser leaves them. */
static void
assert_near (const gfloat * got, const gfloat * want, gfloat factor, guint n,
    gfloat most)
{
  guint i;

  for (i = 0; i < n; i++)
    fail_unless (fabsf (got[i] - factor * want[i]) <= most, "%u: %g, not %g "
        "(within %g)", i, got[i], factor * want[i], most);
}

/* The headers of stems are those of the mixture, and values its shares; of
 * mono, stereo and three channels, with either form of output. */
GST_START_TEST (test_shares)
{
  static const gchar *const networks[] = { SHARES, FLAT, SHARES };
  guint c, i, s;

  for (c = 1; c <= 3; c++) {
    GstCaps *caps;
    GPtrArray *frames = encode (c, RATE, &caps);
    walloc_audio_decoder *decoder;
    walloc_model *model;
    gdouble loud = 0;
    Fixture f;

    own_decoder (&model, &decoder);
    setup (&f, networks[c - 1], caps, 3);
    for (i = 0; i < frames->len; i++) {
      GstBuffer *frame = frames->pdata[i];
      walloc_frame_info before, after;
      walloc_audio_latents l;
      gfloat *mixture = latents_of (decoder, frame, &l);

      fail_unless_equals_int (gst_harness_push (f.in, gst_buffer_ref (frame)),
          GST_FLOW_OK);
      check_parse_header (frame, &before);
      for (s = 0; s < 2; s++) {
        GstBuffer *out = gst_harness_pull (f.stem[s]);
        gfloat *stem = latents_of (decoder, out, &l);

        check_parse_header (out, &after);
        fail_unless (after.pts == before.pts && after.duration ==
            before.duration && after.trim_start == before.trim_start
            && after.trim_end == before.trim_end && after.mask == before.mask
            && after.sequence == before.sequence
            && after.columns == before.columns && after.rate == before.rate
            && after.audio_channels == c && after.channels <= K
            && after.step_index == before.step_index);
        fail_unless (GST_BUFFER_PTS (out) == GST_BUFFER_PTS (frame)
            && GST_BUFFER_DURATION (out) == GST_BUFFER_DURATION (frame));
        /* axes of a pair may be turned: a step along each, and weights */
        assert_near (stem, mixture, s ? 0.75f : 0.25f, l.pairs * K * l.columns,
            3 * l.step);
        loud += fabsf (stem[0]);
        g_free (stem);
        gst_buffer_unref (out);
      }
      g_free (mixture);
    }
    fail_unless (loud > 0);
    teardown (&f);
    walloc_audio_decoder_free (decoder);
    walloc_model_unref (model);
    g_ptr_array_unref (frames);
  }
}

GST_END_TEST;

/* A network that gives what it was given four columns before: the context of a
 * frame are the columns of the one before; after a gap there is none. */
GST_START_TEST (test_context)
{
  GstCaps *caps;
  GPtrArray *frames = encode (1, RATE, &caps);
  walloc_audio_decoder *decoder;
  walloc_model *model;
  gfloat *past = g_new0 (gfloat, K * COLUMNS), *want = g_new (gfloat,
      K * COLUMNS);
  guint i, k, pushed = 0;
  Fixture f;

  own_decoder (&model, &decoder);
  setup (&f, LATE, caps, 1);
  for (i = 0; i < frames->len; i++) {
    walloc_audio_latents l;
    GstBuffer *out;
    gfloat *now, *got;

    /* the fourth frame is lost */
    if (i == 3) {
      memset (past, 0, K * COLUMNS * sizeof (gfloat));
      continue;
    }
    now = latents_of (decoder, frames->pdata[i], &l);
    fail_unless_equals_int (l.columns, COLUMNS);
    fail_unless_equals_int (gst_harness_push (f.in,
            gst_buffer_ref (frames->pdata[i])), GST_FLOW_OK);
    out = gst_harness_pull (f.stem[0]);
    got = latents_of (decoder, out, &l);
    for (k = 0; k < K; k++) {
      memcpy (want + k * COLUMNS, past + k * COLUMNS + 4, 4 * sizeof (gfloat));
      memcpy (want + k * COLUMNS + 4, now + k * COLUMNS, 4 * sizeof (gfloat));
    }
    assert_near (got, want, 1, K * COLUMNS, 2 * l.step);
    memcpy (past, now, K * COLUMNS * sizeof (gfloat));
    pushed++;
    g_free (now);
    g_free (got);
    gst_buffer_unref (out);
  }
  fail_unless (pushed > 5);
  g_free (past);
  g_free (want);
  teardown (&f);
  walloc_audio_decoder_free (decoder);
  walloc_model_unref (model);
  g_ptr_array_unref (frames);
}

GST_END_TEST;

/* Stems decode to as many samples as the mixture, and together to it. */
GST_START_TEST (test_aligned)
{
  GstCaps *caps;
  GPtrArray *frames = encode (2, RATE, &caps);
  GstHarness *decoder[3];
  gsize size[3] = { 0 };
  gfloat *samples[3];
  gdouble signal = 0, error = 0;
  gsize n;
  guint i, d;
  Fixture f;

  setup (&f, SHARES, gst_caps_ref (caps), 3);
  for (d = 0; d < 3; d++) {
    decoder[d] = gst_harness_new_parse ("wallocaudiodec decoder=linear ! "
        "capsfilter caps=audio/x-raw,format=" GST_AUDIO_NE (F32));
    gst_harness_set_src_caps (decoder[d], gst_caps_ref (caps));
    samples[d] = g_malloc0 (frames->len * 2048 * 2 * sizeof (gfloat));
  }
  for (i = 0; i < frames->len; i++) {
    GstBuffer *frame = frames->pdata[i], *out;

    gst_harness_push (f.in, gst_buffer_ref (frame));
    gst_harness_push (decoder[0], gst_buffer_ref (frame));
    gst_harness_push (decoder[1], gst_harness_pull (f.stem[0]));
    gst_harness_push (decoder[2], gst_harness_pull (f.stem[1]));
    for (d = 0; d < 3; d++)
      while ((out = gst_harness_try_pull (decoder[d]))) {
        size[d] += gst_buffer_extract (out, 0, (guint8 *) samples[d] + size[d],
            gst_buffer_get_size (out));
        gst_buffer_unref (out);
      }
  }
  /* what went in, exactly */
  fail_unless_equals_uint64 (size[0], 8 * 2048 * 2 * sizeof (gfloat));
  fail_unless_equals_uint64 (size[1], size[0]);
  fail_unless_equals_uint64 (size[2], size[0]);
  /* the network knows 8 of the channels only: the tone is in these */
  for (n = 0; n < size[0] / sizeof (gfloat); n++) {
    gdouble sum = samples[1][n] + samples[2][n];

    signal += sum * sum;
    error += (sum - 4 * samples[1][n]) * (sum - 4 * samples[1][n]);
  }
  /* one stem is a third of the other, at every sample */
  fail_unless (signal > 0 && error < signal / 100, "signal %g error %g",
      signal, error);
  for (d = 0; d < 3; d++) {
    gst_harness_teardown (decoder[d]);
    g_free (samples[d]);
  }
  gst_caps_unref (caps);
  teardown (&f);
  g_ptr_array_unref (frames);
}

GST_END_TEST;

/* Pads are there from PAUSED on and go with it; each begins with a stream of
 * its own, caps, segment and its name. Nobody at a stem: nothing is coded. */
GST_START_TEST (test_pads)
{
  static const GstEventType order[] = { GST_EVENT_STREAM_START,
    GST_EVENT_CAPS, GST_EVENT_SEGMENT, GST_EVENT_TAG
  };
  static const gchar *const labels[] = { "quarter", "rest" };
  gchar *ids[2];
  GstCaps *caps;
  GPtrArray *frames = encode (1, RATE, &caps);
  Fixture f;
  guint i, e;

  setup (&f, SHARES, gst_caps_ref (caps), 3);
  gst_harness_push (f.in, gst_buffer_ref (frames->pdata[0]));
  gst_harness_push_event (f.in, gst_event_new_eos ());
  for (i = 0; i < 2; i++) {
    GstTagList *tags;
    gchar *title = NULL;
    const gchar *id;

    for (e = 0; e < G_N_ELEMENTS (order); e++) {
      GstEvent *event = gst_harness_pull_event (f.stem[i]);

      fail_unless_equals_int (GST_EVENT_TYPE (event), order[e]);
      if (e == 0) {
        gst_event_parse_stream_start (event, &id);
        ids[i] = g_strdup (id);
      } else if (e == 3) {
        gst_event_parse_tag (event, &tags);
        fail_unless (gst_tag_list_get_string (tags, GST_TAG_TITLE, &title));
        fail_unless_equals_string (title, labels[i]);
        g_free (title);
      }
      gst_event_unref (event);
    }
  }
  fail_if (strcmp (ids[0], ids[1]) == 0);
  g_free (ids[0]);
  g_free (ids[1]);
  teardown (&f);

  setup (&f, SHARES, caps, 2);
  fail_unless_equals_int (gst_harness_push (f.in,
          gst_buffer_ref (frames->pdata[0])), GST_FLOW_OK);
  fail_unless_equals_int (gst_harness_buffers_received (f.stem[1]), 1);
  fail_unless_equals_int (f.element->numsrcpads, 2);
  gst_element_set_state (f.element, GST_STATE_READY);
  fail_unless_equals_int (f.element->numsrcpads, 0);
  teardown (&f);
  g_ptr_array_unref (frames);
}

GST_END_TEST;

/* One stream behind another: the second begins as the first did. */
GST_START_TEST (test_next_stream)
{
  static const GstEventType order[] = { GST_EVENT_STREAM_START,
    GST_EVENT_CAPS, GST_EVENT_SEGMENT, GST_EVENT_TAG
  };
  GstCaps *caps;
  GPtrArray *frames = encode (1, RATE, &caps);
  GstSegment segment;
  GstEvent *event;
  Fixture f;
  guint i, e;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  setup (&f, SHARES, gst_caps_ref (caps), 1);
  for (i = 0; i < 2; i++) {
    if (i > 0) {
      gst_harness_push_event (f.in, gst_event_new_stream_start ("second"));
      gst_harness_push_event (f.in, gst_event_new_caps (caps));
      gst_harness_push_event (f.in, gst_event_new_segment (&segment));
    }
    fail_unless_equals_int (gst_harness_push (f.in,
            gst_buffer_ref (frames->pdata[0])), GST_FLOW_OK);
    for (e = 0; e < G_N_ELEMENTS (order); e++) {
      event = gst_harness_try_pull_event (f.stem[0]);
      fail_unless (event != NULL);
      fail_unless_equals_int (GST_EVENT_TYPE (event), order[e]);
      gst_event_unref (event);
    }
    fail_unless (gst_harness_try_pull_event (f.stem[0]) == NULL);
  }
  fail_unless_equals_int (gst_harness_buffers_received (f.stem[0]), 2);
  gst_caps_unref (caps);
  teardown (&f);
  g_ptr_array_unref (frames);
}

GST_END_TEST;

/* Another number of channels, and a flush, in the middle: what comes behind is
 * as if it came first. */
GST_START_TEST (test_changes)
{
  GstCaps *mono_caps, *stereo_caps, *caps;
  GPtrArray *mono = encode (1, RATE, &mono_caps);
  GPtrArray *stereo = encode (2, RATE, &stereo_caps);
  GstBuffer *first[2], *out;
  walloc_frame_info info;
  gint channels = 0;
  GstSegment segment;
  Fixture f;
  guint i;

  gst_segment_init (&segment, GST_FORMAT_TIME);
  setup (&f, LATE, mono_caps, 1);
  for (i = 0; i < 2; i++) {
    fail_unless_equals_int (gst_harness_push (f.in,
            gst_buffer_ref (mono->pdata[i])), GST_FLOW_OK);
    first[i] = gst_harness_pull (f.stem[0]);
  }
  gst_harness_set_src_caps (f.in, stereo_caps);
  for (i = 0; i < 3; i++) {
    fail_unless_equals_int (gst_harness_push (f.in,
            gst_buffer_ref (stereo->pdata[i])), GST_FLOW_OK);
    out = gst_harness_pull (f.stem[0]);
    check_parse_header (out, &info);
    fail_unless (info.audio_channels == 2 && info.slices == 1);
    gst_buffer_unref (out);
  }
  caps = gst_pad_get_current_caps (f.stem[0]->sinkpad);
  gst_structure_get_int (gst_caps_get_structure (caps, 0), "channels",
      &channels);
  fail_unless_equals_int (channels, 2);
  gst_caps_unref (caps);

  gst_harness_push_event (f.in, gst_event_new_flush_start ());
  gst_harness_push_event (f.in, gst_event_new_flush_stop (TRUE));
  gst_harness_push_event (f.in, gst_event_new_segment (&segment));
  for (i = 0; i < 2; i++) {
    fail_unless_equals_int (gst_harness_push (f.in,
            gst_buffer_ref (mono->pdata[i])), GST_FLOW_OK);
    out = gst_harness_pull (f.stem[0]);
    fail_unless_equals_int (GST_BUFFER_IS_DISCONT (out), i == 0);
    fail_unless (check_same (out, first[i]));
    gst_buffer_unref (out);
    gst_buffer_unref (first[i]);
  }
  teardown (&f);
  g_ptr_array_unref (mono);
  g_ptr_array_unref (stereo);
}

GST_END_TEST;

/* No frames, damaged ones: the stream goes on; nobody anywhere is an error. */
GST_START_TEST (test_damage)
{
  GstCaps *caps;
  GPtrArray *frames = encode (2, RATE, &caps);
  GstBuffer *bad, *out;
  walloc_frame_info info;
  Fixture f;

  setup (&f, SHARES, gst_caps_ref (caps), 3);
  fail_unless_equals_int (gst_harness_push (f.in, gst_buffer_new_wrapped
          (g_strdup ("this is no frame"), 16)), GST_FLOW_OK);
  check_assert_message (f.bus, GST_MESSAGE_WARNING, GST_STREAM_ERROR,
      GST_STREAM_ERROR_DECODE, "cannot be used");
  check_parse_header (frames->pdata[2], &info);
  bad = gst_buffer_copy_deep (frames->pdata[2]);
  gst_buffer_memset (bad, info.header_size + info.payload_size / 2, 0x55, 4);
  fail_unless_equals_int (gst_harness_push (f.in, bad), GST_FLOW_OK);
  out = gst_harness_pull (f.stem[1]);
  fail_unless (GST_BUFFER_FLAG_IS_SET (out, GST_BUFFER_FLAG_CORRUPTED)
      && GST_BUFFER_IS_DISCONT (out));
  gst_buffer_unref (out);
  fail_unless_equals_int (gst_harness_push (f.in,
          gst_buffer_ref (frames->pdata[3])), GST_FLOW_OK);
  out = gst_harness_pull (f.stem[1]);
  fail_if (GST_BUFFER_FLAG_IS_SET (out, GST_BUFFER_FLAG_CORRUPTED));
  gst_buffer_unref (out);
  teardown (&f);

  setup (&f, SHARES, caps, 0);
  fail_unless_equals_int (gst_harness_push (f.in,
          gst_buffer_ref (frames->pdata[0])), GST_FLOW_NOT_LINKED);
  teardown (&f);
  g_ptr_array_unref (frames);
}

GST_END_TEST;

/* A network for something else does not start; none at all, another rate and
 * pictures are told with the first frame. */
GST_START_TEST (test_refused)
{
  static const gchar *const networks[] = { "no-such-stems",
    TEST_GOLDEN_DIR "/task/listen.onnx", TEST_GOLDEN_DIR "/task/bad-nan.onnx"
  };
  GstElement *element = gst_element_factory_make ("compressedseparate", NULL);
  GstCaps *caps;
  GPtrArray *frames;
  Fixture f;
  guint i;

  for (i = 0; i < G_N_ELEMENTS (networks); i++) {
    g_object_set (element, "model-file", networks[i], NULL);
    fail_unless_equals_int (gst_element_set_state (element, GST_STATE_PAUSED),
        GST_STATE_CHANGE_FAILURE);
    gst_element_set_state (element, GST_STATE_NULL);
  }
  gst_object_unref (element);

  frames = encode (1, RATE, &caps);
  setup (&f, NULL, caps, 0);
  fail_unless_equals_int (gst_harness_push (f.in,
          gst_buffer_ref (frames->pdata[0])), GST_FLOW_ERROR);
  check_assert_message (f.bus, GST_MESSAGE_ERROR, GST_RESOURCE_ERROR,
      GST_RESOURCE_ERROR_SETTINGS, "model-file");
  teardown (&f);
  g_ptr_array_unref (frames);

  frames = encode (1, 32000, &caps);
  setup (&f, SHARES, caps, 1);
  fail_unless_equals_int (gst_harness_push (f.in,
          gst_buffer_ref (frames->pdata[0])), GST_FLOW_ERROR);
  check_assert_message (f.bus, GST_MESSAGE_ERROR, GST_STREAM_ERROR,
      GST_STREAM_ERROR_WRONG_TYPE, "32000");
  teardown (&f);
  g_ptr_array_unref (frames);

  /* before any memory is taken for its 4096 channels */
  frames = encode (1, RATE, &caps);
  setup (&f, TEST_GOLDEN_DIR "/task/separate-many.onnx", caps, 1);
  fail_unless_equals_int (gst_harness_push (f.in,
          gst_buffer_ref (frames->pdata[0])), GST_FLOW_ERROR);
  check_assert_message (f.bus, GST_MESSAGE_ERROR, GST_STREAM_ERROR,
      GST_STREAM_ERROR_WRONG_TYPE, "4096");
  teardown (&f);
  g_ptr_array_unref (frames);
}

GST_END_TEST;

static Suite *
compressedseparate_suite (void)
{
  Suite *s = suite_create ("compressedseparate");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (s, tc);
  tcase_add_test (tc, test_shares);
  tcase_add_test (tc, test_context);
  tcase_add_test (tc, test_aligned);
  tcase_add_test (tc, test_pads);
  tcase_add_test (tc, test_next_stream);
  tcase_add_test (tc, test_changes);
  tcase_add_test (tc, test_damage);
  tcase_add_test (tc, test_refused);

  return s;
}

GST_CHECK_MAIN (compressedseparate);
