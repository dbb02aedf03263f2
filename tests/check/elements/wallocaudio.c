/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* wallocaudioenc and wallocaudiodec. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <gst/audio/audio.h>
#include <gst/check/gstcheck.h>
#include <gst/check/gstharness.h>
#include <math.h>
#include <string.h>
#include <walloc/audio.h>

#define PIECE 700               /* samples of a buffer, unlike any frame */

/* A sound of @n samples per channel. */
static gint16 *
sound (guint n, guint channels)
{
  gint16 *samples = g_new0 (gint16, MAX (n, 1) * channels);
  guint i, c;

  for (i = 0; i < n; i++)
    for (c = 0; c < channels; c++)
      samples[i * channels + c] = (gint16) (8000 * sin (i * 0.04 * (c + 1)) +
          2000 * sin (i * i * 1e-6));
  return samples;
}

static gdouble
snr (const gint16 * a, const gint16 * b, gsize n)
{
  gdouble signal = 0, noise = 1e-9;
  gsize i;

  for (i = 0; i < n; i++) {
    signal += (gdouble) a[i] * a[i];
    noise += (gdouble) (a[i] - b[i]) * (a[i] - b[i]);
  }
  return 10 * log10 (signal / noise);
}

static GstCaps *
raw_caps (guint rate, guint channels)
{
  GstCaps *caps = gst_caps_new_simple ("audio/x-raw",
      "format", G_TYPE_STRING, GST_AUDIO_NE (S16), "layout", G_TYPE_STRING,
      "interleaved", "rate", G_TYPE_INT, rate, "channels", G_TYPE_INT,
      channels, NULL);

  if (channels == 2)
    gst_caps_set_simple (caps, "channel-mask", GST_TYPE_BITMASK,
        (guint64) 3, NULL);
  else if (channels > 2)
    gst_caps_set_simple (caps, "channel-mask", GST_TYPE_BITMASK,
        gst_audio_channel_get_fallback_mask (channels), NULL);
  return caps;
}

static void
push (GstHarness * h, const gint16 * samples, guint from, guint to,
    guint channels, guint rate)
{
  guint n;

  for (; from < to; from += n) {
    GstBuffer *buffer;

    n = MIN (PIECE, to - from);
    buffer = gst_buffer_new_memdup (samples + (gsize) from * channels,
        (gsize) n * channels * 2);
    GST_BUFFER_PTS (buffer) = gst_util_uint64_scale (from, GST_SECOND, rate);
    GST_BUFFER_DURATION (buffer) = gst_util_uint64_scale (n, GST_SECOND, rate);
    fail_unless_equals_int (gst_harness_push (h, buffer), GST_FLOW_OK);
  }
}

/* All that comes out, samples of it in *n. Buffers must follow each other
 * from time 0 on. */
static gint16 *
pull_all (GstHarness * h, guint channels, guint rate, guint * n)
{
  GByteArray *all = g_byte_array_new ();
  GstBuffer *buffer;
  GstClockTime due;
  GstMapInfo map;

  while ((buffer = gst_harness_try_pull (h))) {
    due = gst_util_uint64_scale (all->len / 2 / channels, GST_SECOND, rate);
    fail_unless (ABS (GST_CLOCK_DIFF (due, GST_BUFFER_PTS (buffer))) < 20,
        "%" GST_TIME_FORMAT " instead of %" GST_TIME_FORMAT,
        GST_TIME_ARGS (GST_BUFFER_PTS (buffer)), GST_TIME_ARGS (due));
    fail_unless (gst_buffer_map (buffer, &map, GST_MAP_READ));
    g_byte_array_append (all, map.data, map.size);
    gst_buffer_unmap (buffer, &map);
    gst_buffer_unref (buffer);
  }
  *n = all->len / 2 / channels;
  return (gint16 *) g_byte_array_free (all, FALSE);
}

static GstHarness *
harness (const gchar * launch, guint rate, guint channels)
{
  GstHarness *h = gst_harness_new_parse (launch);
  GstCaps *caps = raw_caps (rate, channels);

  gst_harness_set_sink_caps_str (h, "ANY");
  gst_harness_set_src_caps (h, caps);
  return h;
}

GST_START_TEST (test_round_trip)
{
  static const guint counts[] = { 1, 2, 255, 256, 700, 2043, 2044, 2045, 5000,
    20000
  };
  static const guint rates[] = { 8000, 16000, 44100, 96000 };
  guint channels, i, n, rate;
  gint16 *in, *out;
  GstHarness *h;
  gchar *launch;

  for (channels = 1; channels <= 8; channels++)
    for (i = 0; i < G_N_ELEMENTS (counts); i++) {
      rate = rates[(channels + i) % G_N_ELEMENTS (rates)];
      launch = g_strdup_printf ("wallocaudioenc quality=70 frame-size=%u ! "
          "wallocaudiodec ! capsfilter caps=audio/x-raw,format="
          GST_AUDIO_NE (S16), 256u << i % 5);
      h = harness (launch, rate, channels);
      in = sound (counts[i], channels);
      push (h, in, 0, counts[i], channels, rate);
      gst_harness_push_event (h, gst_event_new_eos ());
      out = pull_all (h, channels, rate, &n);
      fail_unless_equals_int (n, counts[i]);
      if (n >= 2000)
        fail_unless (snr (in, out, (gsize) n * channels) > 25, "%g dB",
            snr (in, out, (gsize) n * channels));
      g_free (in);
      g_free (out);
      g_free (launch);
      gst_harness_teardown (h);
    }
}

GST_END_TEST;

/* The same bytes however the sound is cut into buffers. */
GST_START_TEST (test_chunks)
{
  const guint n = 9000;
  gint16 *in = sound (n, 2);
  GstBuffer *a, *b;
  GstHarness *h, *g;
  guint frames = 0;

  h = harness ("wallocaudioenc frame-size=1024", 44100, 2);
  g = harness ("wallocaudioenc frame-size=1024", 44100, 2);
  push (h, in, 0, n, 2, 44100);
  a = gst_buffer_new_memdup (in, (gsize) n * 4);
  GST_BUFFER_PTS (a) = 0;
  fail_unless_equals_int (gst_harness_push (g, a), GST_FLOW_OK);
  gst_harness_push_event (h, gst_event_new_eos ());
  gst_harness_push_event (g, gst_event_new_eos ());
  while ((a = gst_harness_try_pull (h))) {
    GstMapInfo map;

    b = gst_harness_try_pull (g);
    fail_unless (b != NULL);
    fail_unless (gst_buffer_map (b, &map, GST_MAP_READ));
    gst_check_buffer_data (a, map.data, map.size);
    gst_buffer_unmap (b, &map);
    fail_unless_equals_uint64 (GST_BUFFER_PTS (a), GST_BUFFER_PTS (b));
    gst_buffer_unref (a);
    gst_buffer_unref (b);
    frames++;
  }
  fail_unless_equals_int (frames, (n + WALLOC_AUDIO_DELAY + 1023) / 1024);
  g_free (in);
  gst_harness_teardown (h);
  gst_harness_teardown (g);
}

GST_END_TEST;

/* The answer is what really passes between a sample and its frame. */
GST_START_TEST (test_latency)
{
  static const guint sizes[] = { 256, 1000, 4096 };
  guint i, k, columns, done;
  GstClockTime latency;
  gint16 *in = sound (40000, 1);
  GstHarness *h;
  GstBuffer *buffer;
  gchar *launch;

  for (i = 0; i < G_N_ELEMENTS (sizes); i++) {
    launch = g_strdup_printf ("wallocaudioenc frame-size=%u", sizes[i]);
    h = harness (launch, 48000, 1);
    columns = (sizes[i] + 255) / 256;
    push (h, in, 0, 700, 1, 48000);
    latency = gst_harness_query_latency (h);
    fail_unless_equals_uint64 (latency, gst_util_uint64_scale_ceil (columns *
            256 + WALLOC_AUDIO_DELAY, GST_SECOND, 48000));
    /* one sample after another: when does the frame with sample 5000 come? */
    for (k = 700, done = 0; k < 40000 && !done; k++) {
      push (h, in, k, k + 1, 1, 48000);
      while ((buffer = gst_harness_try_pull (h))) {
        GstClockTime end = GST_BUFFER_PTS (buffer) +
            GST_BUFFER_DURATION (buffer);

        if (!done && end > gst_util_uint64_scale (5000, GST_SECOND, 48000))
          done = k;
        gst_buffer_unref (buffer);
      }
    }
    fail_unless (done >= 5000 && done - 5000 <= columns * 256 +
        WALLOC_AUDIO_DELAY, "%u samples later", done - 5000);
    g_free (launch);
    gst_harness_teardown (h);
  }
  g_free (in);
}

GST_END_TEST;

GST_START_TEST (test_caps)
{
  GstHarness *h = harness ("wallocaudioenc", 48000, 6);
  gint16 *in = sound (20000, 6);
  const gchar *id;
  GstStructure *s;
  guint64 mask;
  GstCaps *caps;
  gint value;

  push (h, in, 0, 20000, 6, 48000);
  caps = gst_pad_get_current_caps (h->sinkpad);
  s = gst_caps_get_structure (caps, 0);
  fail_unless_equals_string (gst_structure_get_name (s), "audio/x-walloc");
  fail_unless (gst_structure_get_int (s, "rate", &value) && value == 48000);
  fail_unless (gst_structure_get_int (s, "channels", &value) && value == 6);
  fail_unless (gst_structure_get (s, "channel-mask", GST_TYPE_BITMASK, &mask,
          NULL) && mask == gst_audio_channel_get_fallback_mask (6));
  id = gst_structure_get_string (s, "model-id");
  fail_unless (id && strlen (id) == 16);
  gst_caps_unref (caps);
  g_free (in);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* The rate is kept, also when it changes while playing; silence costs almost
 * nothing whatever the rate. */
GST_START_TEST (test_bitrate)
{
  static const guint rates[] = { 16000, 48000, 96000 };
  GstHarness *h = harness ("wallocaudioenc name=enc", 44100, 2);
  GstElement *enc = gst_harness_find_element (h, "wallocaudioenc");
  const guint second = 44100;
  gint16 *in = sound (6 * second, 2);
  guint i, k, at = 0;
  GstBuffer *buffer;
  guint64 bytes;

  for (k = 0; k < 12 * second; k++)
    in[k] += (gint16) g_random_int_range (-3000, 3000);
  for (i = 0; i < G_N_ELEMENTS (rates); i++) {
    g_object_set (enc, "bitrate", rates[i], NULL);
    bytes = 0;
    push (h, in, at, at + 2 * second, 2, second);
    at += 2 * second;
    while ((buffer = gst_harness_try_pull (h))) {
      bytes += gst_buffer_get_size (buffer);
      gst_buffer_unref (buffer);
    }
    fail_unless (fabs (bytes * 4.0 / rates[i] - 1) < 0.08,
        "%u bit/s asked, %g came", rates[i], bytes * 4.0);
  }
  memset (in, 0, (gsize) 2 * second * 4);
  for (k = 0; k < 4; k++) {
    GstBuffer *quiet = gst_buffer_new_memdup (in, (gsize) second * 4);

    GST_BUFFER_PTS (quiet) = gst_util_uint64_scale (at, GST_SECOND, second);
    at += second;
    fail_unless_equals_int (gst_harness_push (h, quiet), GST_FLOW_OK);
    bytes = 0;
    while ((buffer = gst_harness_try_pull (h))) {
      bytes += gst_buffer_get_size (buffer);
      gst_buffer_unref (buffer);
    }
  }
  fail_unless (bytes < 800, "%" G_GUINT64_FORMAT " bytes a second", bytes);
  gst_object_unref (enc);
  g_free (in);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* Frames of 30000 samples of mono at 16 kHz; to be freed. */
static GPtrArray *
frames_of (gint16 * in, guint n, GstCaps ** caps)
{
  GPtrArray *frames =
      g_ptr_array_new_with_free_func ((GDestroyNotify) gst_buffer_unref);
  GstHarness *h = harness ("wallocaudioenc frame-size=1024 quality=80", 16000,
      1);
  GstBuffer *buffer;

  push (h, in, 0, n, 1, 16000);
  gst_harness_push_event (h, gst_event_new_eos ());
  while ((buffer = gst_harness_try_pull (h)))
    g_ptr_array_add (frames, buffer);
  *caps = gst_pad_get_current_caps (h->sinkpad);
  gst_harness_teardown (h);
  return frames;
}

static GstHarness *
decoder (GstCaps * caps)
{
  GstHarness *h = gst_harness_new_parse ("wallocaudiodec name=dec ! "
      "capsfilter caps=audio/x-raw,format=" GST_AUDIO_NE (S16));

  gst_harness_set_src_caps (h, gst_caps_ref (caps));
  return h;
}

static guint64
stat_of (GstHarness * h, const gchar * name)
{
  GstElement *dec = gst_harness_find_element (h, "wallocaudiodec");
  GstStructure *s;
  guint64 value = 0;

  g_object_get (dec, "stats", &s, NULL);
  fail_unless (gst_structure_get_uint64 (s, name, &value));
  gst_structure_free (s);
  gst_object_unref (dec);
  return value;
}

/* Frames that do not come are replaced: the time line has no hole, and what
 * is far enough behind is as it would have been. */
GST_START_TEST (test_lost)
{
  guint n = 30000, got, k;
  gint16 *in = sound (n, 1), *out;
  GPtrArray *frames;
  GstHarness *h;
  GstCaps *caps;

  frames = frames_of (in, n, &caps);
  h = decoder (caps);
  for (k = 0; k < frames->len; k++)
    if (k != 9 && k != 10)
      fail_unless_equals_int (gst_harness_push (h,
              gst_buffer_copy (g_ptr_array_index (frames, k))), GST_FLOW_OK);
  gst_harness_push_event (h, gst_event_new_eos ());
  out = pull_all (h, 1, 16000, &got);
  fail_unless_equals_int (got, n);
  fail_unless_equals_uint64 (stat_of (h, "concealed"), 2);
  fail_unless (snr (in, out, 7000) > 25);
  fail_unless (snr (in + 14000, out + 14000, 16000) > 25);
  g_free (in);
  g_free (out);
  g_ptr_array_unref (frames);
  gst_caps_unref (caps);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* A gap event is filled as well. */
GST_START_TEST (test_gap)
{
  guint n = 30000, got, k;
  gint16 *in = sound (n, 1), *out;
  GstBuffer *missing;
  GPtrArray *frames;
  GstHarness *h;
  GstCaps *caps;

  frames = frames_of (in, n, &caps);
  h = decoder (caps);
  for (k = 0; k < frames->len; k++) {
    if (k == 9) {
      missing = g_ptr_array_index (frames, k);
      fail_unless (gst_harness_push_event (h, gst_event_new_gap
              (GST_BUFFER_PTS (missing), GST_BUFFER_DURATION (missing))));
    } else {
      fail_unless_equals_int (gst_harness_push (h,
              gst_buffer_copy (g_ptr_array_index (frames, k))), GST_FLOW_OK);
    }
  }
  gst_harness_push_event (h, gst_event_new_eos ());
  out = pull_all (h, 1, 16000, &got);
  fail_unless_equals_int (got, n);
  fail_unless_equals_uint64 (stat_of (h, "concealed"), 1);
  fail_unless (snr (in + 13000, out + 13000, 17000) > 25);
  g_free (in);
  g_free (out);
  g_ptr_array_unref (frames);
  gst_caps_unref (caps);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* Bytes that are wrong cost what they hold, and nothing else. */
GST_START_TEST (test_damaged)
{
  guint n = 30000, got, k;
  gint16 *in = sound (n, 1), *out;
  GPtrArray *frames;
  GstBuffer *buffer;
  GstHarness *h;
  GstCaps *caps;
  gsize size;

  frames = frames_of (in, n, &caps);
  h = decoder (caps);
  for (k = 0; k < frames->len; k++) {
    buffer = gst_buffer_copy_deep (g_ptr_array_index (frames, k));
    size = gst_buffer_get_size (buffer);
    if (k == 8)
      gst_buffer_memset (buffer, size - 5, 0x5a, 3);
    if (k == 14)
      gst_buffer_set_size (buffer, size - 4);
    fail_unless_equals_int (gst_harness_push (h, buffer), GST_FLOW_OK);
  }
  gst_harness_push_event (h, gst_event_new_eos ());
  out = pull_all (h, 1, 16000, &got);
  fail_unless_equals_int (got, n);
  fail_unless (snr (in + 11500, out + 11500, 500) > 20);
  fail_unless (snr (in + 18000, out + 18000, 12000) > 25);
  g_free (in);
  g_free (out);
  g_ptr_array_unref (frames);
  gst_caps_unref (caps);
  gst_harness_teardown (h);
}

GST_END_TEST;

GST_START_TEST (test_rate_change)
{
  GstHarness *h = harness ("wallocaudioenc frame-size=512 ! wallocaudiodec ! "
      "capsfilter caps=audio/x-raw,format=" GST_AUDIO_NE (S16), 16000, 1);
  gint16 *in = sound (10000, 2);
  guint64 bytes = 0;
  GstBuffer *buffer;

  push (h, in, 0, 5000, 1, 16000);
  gst_harness_set_src_caps (h, raw_caps (48000, 2));
  push (h, in, 0, 6000, 2, 48000);
  gst_harness_push_event (h, gst_event_new_eos ());
  while ((buffer = gst_harness_try_pull (h))) {
    bytes += gst_buffer_get_size (buffer);
    gst_buffer_unref (buffer);
  }
  fail_unless_equals_uint64 (bytes, 5000 * 2 + 6000 * 4);
  g_free (in);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* What is wrong is said when the state changes. */
GST_START_TEST (test_bad_model)
{
  static const gchar *const models[] = { "photo-1.wlm", "none-such.wlm" };
  GstElement *enc;
  GstMessage *message;
  GError *error;
  GstBus *bus;
  guint i;

  for (i = 0; i < G_N_ELEMENTS (models); i++) {
    enc = gst_check_setup_element ("wallocaudioenc");
    bus = gst_bus_new ();
    gst_element_set_bus (enc, bus);
    g_object_set (enc, "model-file", models[i], NULL);
    fail_unless_equals_int (gst_element_set_state (enc, GST_STATE_PAUSED),
        GST_STATE_CHANGE_FAILURE);
    message = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
    fail_unless (message != NULL);
    gst_message_parse_error (message, &error, NULL);
    fail_unless (error->domain == GST_RESOURCE_ERROR);
    g_error_free (error);
    gst_message_unref (message);
    gst_element_set_state (enc, GST_STATE_NULL);
    gst_element_set_bus (enc, NULL);
    gst_object_unref (bus);
    gst_check_teardown_element (enc);
  }
}

GST_END_TEST;

/* Models of kind reference: a frame is a clip, and not late. */
GST_START_TEST (test_whole)
{
  static const guint counts[] = { 1, 700, 8191, 8192, 8193, 20000 };
  guint channels, i, k, n, frames;
  gint16 *in, *out;
  GstHarness *h, *g;
  GstBuffer *buffer;
  gchar *launch;

  for (channels = 1; channels <= 3; channels++)
    for (i = 0; i < G_N_ELEMENTS (counts); i++) {
      launch = g_strconcat ("wallocaudioenc frame-size=8192 bitrate=64000 "
          "model-file=", i % 2 ? "reference-sound-test" :
          "reference-audio-108", NULL);
      h = harness (launch, 44100, channels);
      g_free (launch);
      g = gst_harness_new_parse ("wallocparse ! wallocaudiodec ! capsfilter "
          "caps=audio/x-raw,format=" GST_AUDIO_NE (S16));
      gst_harness_set_sink_caps_str (g, "ANY");
      gst_harness_set_src_caps_str (g, "audio/x-walloc");
      in = g_new0 (gint16, (gsize) counts[i] * channels);
      for (k = 0; k < counts[i] * channels; k++)
        in[k] = (gint16) (3000 + 8000 * sin (k / channels * 0.04));
      push (h, in, 0, counts[i], channels, 44100);
      fail_unless_equals_uint64 (gst_harness_query_latency (h),
          gst_util_uint64_scale_ceil (8192, GST_SECOND, 44100));
      gst_harness_push_event (h, gst_event_new_eos ());
      for (frames = 0; (buffer = gst_harness_try_pull (h)); frames++)
        fail_unless_equals_int (gst_harness_push (g, buffer), GST_FLOW_OK);
      fail_unless_equals_int (frames, (counts[i] + 8191) / 8192);
      gst_harness_push_event (g, gst_event_new_eos ());
      out = pull_all (g, channels, 44100, &n);
      fail_unless_equals_int (n, counts[i]);
      if (n >= 8191)
        fail_unless (snr (in, out, (gsize) n * channels) > (i % 2 ? 15 : 9),
            "%g dB", snr (in, out, (gsize) n * channels));
      g_free (in);
      g_free (out);
      gst_harness_teardown (h);
      gst_harness_teardown (g);
    }
}

GST_END_TEST;

/* Pushes all frames into a decoder with these properties; from frame
 * @change on with decoder @then. Returns the samples. */
static gint16 *
decode_with (GPtrArray * frames, GstCaps * caps, const gchar * properties,
    guint change, const gchar * then, guint64 counts[2], guint * n)
{
  gchar *launch = g_strdup_printf ("wallocaudiodec %s ! capsfilter "
      "caps=audio/x-raw,format=" GST_AUDIO_NE (S16), properties);
  GstHarness *h = gst_harness_new_parse (launch);
  GstElement *dec = gst_harness_find_element (h, "wallocaudiodec");
  gint16 *out;
  guint k;

  gst_harness_set_src_caps (h, gst_caps_ref (caps));
  for (k = 0; k < frames->len; k++) {
    if (k == change)
      gst_util_set_object_arg (G_OBJECT (dec), "decoder", then);
    fail_unless_equals_int (gst_harness_push (h,
            gst_buffer_ref (frames->pdata[k])), GST_FLOW_OK);
  }
  gst_harness_push_event (h, gst_event_new_eos ());
  out = pull_all (h, 1, 16000, n);
  counts[0] = stat_of (h, "linear-frames");
  counts[1] = stat_of (h, "fast-frames");
  fail_unless (counts[1] == 0 || stat_of (h, "network-time") > 0);
  gst_object_unref (dec);
  gst_harness_teardown (h);
  g_free (launch);
  return out;
}

/* The two models of the tests have one id, and one of them a network. */
GST_START_TEST (test_decoder)
{
#define WITHOUT "model-file=sound-test decoder="
#define WITH "model-file=sound-net-test decoder="
  GPtrArray *frames =
      g_ptr_array_new_with_free_func ((GDestroyNotify) gst_buffer_unref);
  GstHarness *h = harness ("wallocaudioenc model-file=sound-test "
      "frame-size=1024 quality=60", 16000, 1);
  gint16 *in = sound (30000, 1), *linear, *out;
  guint64 counts[2];
  guint n, m, all, same;
  GstBuffer *buffer;
  GstMessage *message;
  GError *error;
  GstCaps *caps;
  GstBus *bus;

  push (h, in, 0, 30000, 1, 16000);
  gst_harness_push_event (h, gst_event_new_eos ());
  while ((buffer = gst_harness_try_pull (h)))
    g_ptr_array_add (frames, buffer);
  caps = gst_pad_get_current_caps (h->sinkpad);
  gst_harness_teardown (h);
  all = frames->len;

  linear = decode_with (frames, caps, WITHOUT "auto", all, NULL, counts, &n);
  fail_unless (n == 30000 && counts[0] == all && counts[1] == 0);
  out = decode_with (frames, caps, WITH "linear", all, NULL, counts, &m);
  fail_unless (m == n && memcmp (linear, out, n * sizeof (*out)) == 0);
  fail_unless (counts[0] == all && counts[1] == 0);
  g_free (out);
#ifdef HAVE_ONNX
  out = decode_with (frames, caps, WITH "fast", all, NULL, counts, &m);
  fail_unless (m == n && counts[0] == 0 && counts[1] == all);
  fail_unless (memcmp (linear, out, 2048 * sizeof (*out)) != 0);
  g_free (out);
  out = decode_with (frames, caps, WITH "auto", all, NULL, counts, &m);
  fail_unless (m == n && counts[0] + counts[1] == all && counts[1] > 0);
  g_free (out);

  /* while playing: linear up to the change */
  out = decode_with (frames, caps, WITH "linear", 10, "fast", counts, &m);
  fail_unless (m == n && counts[0] == 10 && counts[1] == all - 10);
  for (same = 0; same < n && out[same] == linear[same];)
    same++;
  fail_unless (same >= 10 * 1024 - WALLOC_AUDIO_DELAY && same < n - 1024,
      "%u samples are the same", same);
  g_free (out);
#else
  (void) same;
#endif

  /* what is asked for and not there is an error */
  h = gst_harness_new_parse ("wallocaudiodec " WITHOUT "fast");
  gst_harness_set_src_caps (h, gst_caps_ref (caps));
  bus = gst_bus_new ();
  gst_element_set_bus (h->element, bus);
  fail_unless_equals_int (gst_harness_push (h,
          gst_buffer_ref (frames->pdata[0])), GST_FLOW_ERROR);
  message = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
  fail_unless (message != NULL);
  gst_message_parse_error (message, &error, NULL);
  fail_unless (g_error_matches (error, GST_LIBRARY_ERROR,
          GST_LIBRARY_ERROR_SETTINGS));
  g_error_free (error);
  gst_message_unref (message);
  gst_element_set_bus (h->element, NULL);
  gst_object_unref (bus);
  gst_harness_teardown (h);
  gst_caps_unref (caps);
  g_ptr_array_unref (frames);
  g_free (linear);
  g_free (in);
}

GST_END_TEST;

#ifdef HAVE_ONNX
/* A converted model of the published form: its network, by name or auto. */
GST_START_TEST (test_published)
{
  static const gchar *const kinds[] = { "linear", "best", "auto" };
  const gchar *model = TEST_GOLDEN_DIR
      "/published-sound/published-sound-test.wlm";
  const guint n = 3 * 1792;
  gint16 *in = sound (n, 2), *out[3];
  guint i, got;
  GstHarness *h;
  gchar *launch;

  for (i = 0; i < G_N_ELEMENTS (kinds); i++) {
    launch = g_strdup_printf ("wallocaudioenc frame-size=1792 "
        "model-file=\"%s\" ! wallocaudiodec name=dec model-file=\"%s\" "
        "decoder=%s ! capsfilter caps=audio/x-raw,format=" GST_AUDIO_NE (S16),
        model, model, kinds[i]);
    h = harness (launch, 44100, 2);
    push (h, in, 0, n, 2, 44100);
    gst_harness_push_event (h, gst_event_new_eos ());
    out[i] = pull_all (h, 2, 44100, &got);
    fail_unless_equals_int (got, n);
    g_free (launch);
    gst_harness_teardown (h);
  }
  /* weights are random: all that counts is which of them were used */
  fail_if (memcmp (out[0], out[1], n * 4) == 0);
  /* auto takes the network where the machine has time for it */
  fail_unless (memcmp (out[1], out[2], 1792 * 4) == 0
      || memcmp (out[0], out[2], 1792 * 4) == 0);
  for (i = 0; i < G_N_ELEMENTS (kinds); i++)
    g_free (out[i]);
  g_free (in);
}

GST_END_TEST;
#endif

static Suite *
wallocaudio_suite (void)
{
  Suite *s = suite_create ("wallocaudio");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (s, tc);
  tcase_add_test (tc, test_round_trip);
  tcase_add_test (tc, test_chunks);
  tcase_add_test (tc, test_latency);
  tcase_add_test (tc, test_caps);
  tcase_add_test (tc, test_bitrate);
  tcase_add_test (tc, test_lost);
  tcase_add_test (tc, test_gap);
  tcase_add_test (tc, test_damaged);
  tcase_add_test (tc, test_rate_change);
  tcase_add_test (tc, test_bad_model);
  tcase_add_test (tc, test_decoder);
  tcase_add_test (tc, test_whole);
#ifdef HAVE_ONNX
#ifdef HAVE_ONNX
  tcase_add_test (tc, test_published);
#endif
#endif
  return s;
}

GST_CHECK_MAIN (wallocaudio);
