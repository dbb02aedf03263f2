/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* wallocthin with sound, and the presets of wallocaudioenc. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <gst/audio/audio.h>
#include <walloc/audio.h>

#include "gst/walloc/gstwallocthinner.h"
#include "walloc-check.h"

#define RATE 44100
#define SAMPLES (3 * RATE)
#define S16 GST_AUDIO_NE (S16)

/* Noise, which fills all bands. */
static gint16 *
noise (void)
{
  gint16 *samples = g_new (gint16, SAMPLES);
  GRand *random = g_rand_new_with_seed (5);
  gdouble low = 0;
  guint i;

  for (i = 0; i < SAMPLES; i++) {
    low = 0.9 * low + g_rand_double_range (random, -2500, 2500);
    samples[i] = (gint16) low;
  }
  g_rand_free (random);
  return samples;
}

/* Pushes @in through the elements in buffers of 0.1 s; what comes out. */
static GPtrArray *
run (const gchar * launch, const gint16 * in, GstBus * bus)
{
  GPtrArray *out =
      g_ptr_array_new_with_free_func ((GDestroyNotify) gst_buffer_unref);
  GstHarness *h = gst_harness_new_parse (launch);
  GstBuffer *buffer;
  guint at;

  gst_element_set_bus (h->element, bus);
  gst_harness_set_sink_caps_str (h, "ANY");
  gst_harness_set_src_caps_str (h, "audio/x-raw,layout=interleaved,format=" S16
      ",channels=1,rate=" G_STRINGIFY (RATE));
  for (at = 0; at < SAMPLES; at += RATE / 10) {
    buffer = gst_buffer_new_memdup (in + at, RATE / 10 * 2);
    GST_BUFFER_PTS (buffer) = gst_util_uint64_scale (at, GST_SECOND, RATE);
    fail_unless_equals_int (gst_harness_push (h, buffer), GST_FLOW_OK);
  }
  gst_harness_push_event (h, gst_event_new_eos ());
  while ((buffer = gst_harness_try_pull (h)))
    g_ptr_array_add (out, buffer);
  gst_element_set_bus (h->element, NULL);
  gst_harness_teardown (h);
  return out;
}

static gsize
bytes_of (GPtrArray * buffers)
{
  gsize bytes = 0;
  guint i;

  for (i = 0; i < buffers->len; i++)
    bytes += gst_buffer_get_size (g_ptr_array_index (buffers, i));
  return bytes;
}

/* Signal to noise, dB; all samples must be there. */
static gdouble
snr (GPtrArray * buffers, const gint16 * in)
{
  gdouble signal = 0, error = 1e-9;
  const gint16 *s;
  GstMapInfo map;
  guint i, k, at = 0;

  for (i = 0; i < buffers->len; i++) {
    gst_buffer_map (g_ptr_array_index (buffers, i), &map, GST_MAP_READ);
    s = (const gint16 *) map.data;
    for (k = 0; k < map.size / 2 && at < SAMPLES; k++, at++) {
      signal += (gdouble) in[at] * in[at];
      error += (gdouble) (in[at] - s[k]) * (in[at] - s[k]);
    }
    gst_buffer_unmap (g_ptr_array_index (buffers, i), &map);
  }
  fail_unless_equals_int (bytes_of (buffers), SAMPLES * 2);
  return 10 * log10 (signal / error);
}

#define ENC "wallocaudioenc quality=60 layers=3"
#define DEC "wallocaudiodec ! capsfilter caps=audio/x-raw,format=" S16

/* Fewer layers: fewer bytes, more noise, every sample there. */
GST_START_TEST (test_layers)
{
  static const gchar *const thin[] = { "", "! wallocthin layers=2 ",
    "! wallocthin layers=1 "
  };
  gint16 *in = noise ();
  gsize bytes[3];
  gdouble db[3];
  GPtrArray *out;
  gchar *launch;
  guint i;

  for (i = 0; i < 3; i++) {
    launch = g_strconcat (ENC " ", thin[i], NULL);
    out = run (launch, in, NULL);
    bytes[i] = bytes_of (out);
    g_ptr_array_unref (out);
    g_free (launch);
    launch = g_strconcat (ENC " ", thin[i], "! " DEC, NULL);
    out = run (launch, in, NULL);
    db[i] = snr (out, in);
    g_ptr_array_unref (out);
    g_free (launch);
    if (i > 0)
      fail_unless (bytes[i] < bytes[i - 1] && db[i] < db[i - 1],
          "%" G_GSIZE_FORMAT " bytes, %g dB", bytes[i], db[i]);
  }
  fail_unless (db[2] > 3, "%g dB", db[2]);
  g_free (in);
}

GST_END_TEST;

/* A rate between that of one layer and that of all: it is kept. */
GST_START_TEST (test_bitrate)
{
  gint16 *in = noise ();
  GPtrArray *all = run (ENC, in, NULL), *one, *out;
  gchar *launch;
  guint kbit;

  one = run (ENC " ! wallocthin layers=1", in, NULL);
  kbit = (bytes_of (all) + bytes_of (one)) * 8 / 2 / 3 / 1000;
  launch = g_strdup_printf (ENC " ! wallocthin max-delay=500000000 bitrate=%u",
      kbit);
  out = run (launch, in, NULL);
  fail_unless_equals_int (out->len, all->len);
  /* three seconds, and what the bucket holds */
  fail_unless (bytes_of (out) * 8 <= kbit * 1000 * 3.6 && bytes_of (out) <
      bytes_of (all) && bytes_of (out) >= bytes_of (one), "%u kbit/s gave %"
      G_GSIZE_FORMAT " bytes of %" G_GSIZE_FORMAT, kbit, bytes_of (out),
      bytes_of (all));
  g_free (launch);
  g_ptr_array_unref (one);
  g_ptr_array_unref (all);
  g_ptr_array_unref (out);
  g_free (in);
}

GST_END_TEST;

/* Without time stamps, a frame lasts as long as its samples. */
GST_START_TEST (test_time_from_headers)
{
  static const gsize sizes[WALLOC_FRAME_MAX_LAYERS] = { 1000, 2000, 0, 0 };
  GstWallocThinner thinner;
  walloc_frame_info info;
  guint i, keep = 0;

  walloc_frame_info_init (&info);
  info.media = WALLOC_MEDIA_AUDIO;
  info.rate = 32000;
  info.audio_channels = 1;
  info.columns = 125;           /* a second */
  info.slices = 1;
  info.channels = 64;
  info.layers = 2;
  info.layer_end[0] = 32;
  info.layer_end[1] = 64;
  gst_walloc_thinner_init (&thinner);
  thinner.bitrate = 17000;      /* the two layers have 16000 bits */
  for (i = 0; i < 20; i++)
    keep = gst_walloc_thinner_decide (&thinner, &info, sizes,
        GST_CLOCK_TIME_NONE, GST_CLOCK_TIME_NONE);
  fail_unless_equals_int (keep, 2);
  thinner.bitrate = 15000;
  for (i = 0; i < 20; i++)
    keep = gst_walloc_thinner_decide (&thinner, &info, sizes,
        GST_CLOCK_TIME_NONE, GST_CLOCK_TIME_NONE);
  fail_unless_equals_int (keep, 1);
}

GST_END_TEST;

/* Frames that are left out are concealed; nobody asks for a key frame. */
GST_START_TEST (test_drop)
{
  gint16 *in = noise ();
  GPtrArray *frames = run (ENC " frame-size=2048", in, NULL);
  GstHarness *h = gst_harness_new_parse ("wallocthin bitrate=1 "
      "drop-frames=true max-delay=100000000");
  GstEvent *event;
  guint i, n;

  gst_harness_set_src_caps_str (h, "audio/x-walloc,alignment=frame,"
      "parsed=true,rate=44100,channels=1");
  for (i = 0; i < frames->len; i++)
    fail_unless_equals_int (gst_harness_push (h, gst_buffer_ref
            (g_ptr_array_index (frames, i))), GST_FLOW_OK);
  n = gst_harness_buffers_in_queue (h);
  fail_unless (n >= 1 && n < frames->len / 2, "%u of %u frames", n,
      frames->len);
  while ((event = gst_harness_try_pull_upstream_event (h))) {
    fail_if (GST_EVENT_TYPE (event) == GST_EVENT_CUSTOM_UPSTREAM);
    gst_event_unref (event);
  }
  g_ptr_array_unref (frames);
  g_free (in);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* A sound of few channels has one layer, whatever the encoder was asked for:
 * nothing that an application could mend. */
GST_START_TEST (test_few_channels)
{
  gint16 *in = g_new (gint16, SAMPLES);
  GstBus *bus = gst_bus_new ();
  GPtrArray *all;
  walloc_frame_info info;
  guint i, few = 0;

  for (i = 0; i < SAMPLES; i++)
    in[i] = (gint16) (2000 * sin (2 * G_PI * 220 * i / RATE));
  all = run (ENC, in, NULL);
  for (i = 0; i < all->len; i++) {
    GstMapInfo map;

    gst_buffer_map (g_ptr_array_index (all, i), &map, GST_MAP_READ);
    fail_unless_equals_int (walloc_frame_parse (map.data, map.size, &info,
            NULL), WALLOC_OK);
    few += info.layers == 1 && info.channels > 1;
    gst_buffer_unmap (g_ptr_array_index (all, i), &map);
  }
  fail_unless (few > 0);
  g_ptr_array_unref (all);
  all = run (ENC " ! wallocthin layers=1", in, bus);
  fail_if (gst_bus_pop_filtered (bus, GST_MESSAGE_WARNING));
  g_ptr_array_unref (all);
  gst_object_unref (bus);
  g_free (in);
}

GST_END_TEST;

/* One layer cannot be thinned: the warning names the encoder of sound. */
GST_START_TEST (test_one_layer)
{
  gint16 *in = noise ();
  GstBus *bus = gst_bus_new ();
  GPtrArray *all = run ("wallocaudioenc", in, NULL), *out;
  GstMessage *message;
  GError *error;
  gchar *debug;

  out = run ("wallocaudioenc ! wallocthin layers=1", in, bus);
  fail_unless_equals_int (bytes_of (all), bytes_of (out));
  message = gst_bus_pop_filtered (bus, GST_MESSAGE_WARNING);
  fail_unless (message != NULL);
  gst_message_parse_warning (message, &error, &debug);
  fail_unless (error->domain == GST_STREAM_ERROR
      && error->code == GST_STREAM_ERROR_FORMAT);
  fail_unless (strstr (debug, "wallocaudioenc layers=3") != NULL, "%s", debug);
  g_error_free (error);
  g_free (debug);
  gst_message_unref (message);
  fail_if (gst_bus_pop_filtered (bus, GST_MESSAGE_WARNING));
  gst_object_unref (bus);
  g_ptr_array_unref (all);
  g_ptr_array_unref (out);
  g_free (in);
}

GST_END_TEST;

/* Each preset loads and encodes. */
GST_START_TEST (test_presets)
{
  static const gchar *const want[] = { "archive", "low-latency", "music",
    "speech"
  };
  GstElement *enc = gst_element_factory_make ("wallocaudioenc", NULL);
  gchar **names = gst_preset_get_preset_names (GST_PRESET (enc));
  guint i, bitrate, quality, frame_size, layers;
  gint16 *in = noise ();
  GPtrArray *out;
  gchar *launch;

  fail_unless_equals_int (g_strv_length (names), G_N_ELEMENTS (want));
  for (i = 0; i < G_N_ELEMENTS (want); i++) {
    fail_unless (g_strv_contains ((const gchar * const *) names, want[i]));
    fail_unless (gst_preset_load_preset (GST_PRESET (enc), want[i]));
    g_object_get (enc, "bitrate", &bitrate, "quality", &quality, "frame-size",
        &frame_size, "layers", &layers, NULL);
    launch = g_strdup_printf ("wallocaudioenc bitrate=%u quality=%u "
        "frame-size=%u layers=%u ! " DEC, bitrate, quality, frame_size, layers);
    out = run (launch, in, NULL);
    fail_unless (snr (out, in) > 3);
    g_ptr_array_unref (out);
    g_free (launch);
  }
  fail_unless_equals_int (bitrate, 24000);
  fail_if (gst_preset_load_preset (GST_PRESET (enc), "no-such-preset"));
  g_strfreev (names);
  g_free (in);
  gst_object_unref (enc);
}

GST_END_TEST;

static Suite *
wallocaudiothin_suite (void)
{
  Suite *s = suite_create ("wallocaudiothin");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (s, tc);
  tcase_add_test (tc, test_layers);
  tcase_add_test (tc, test_bitrate);
  tcase_add_test (tc, test_time_from_headers);
  tcase_add_test (tc, test_drop);
  tcase_add_test (tc, test_few_channels);
  tcase_add_test (tc, test_one_layer);
  tcase_add_test (tc, test_presets);
  return s;
}

GST_CHECK_MAIN (wallocaudiothin);
