/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* audiocorrupt: levels that are known, the same whatever the buffers' sizes, by
 * seed and position, bounded and finite. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <gst/audio/audio.h>
#include <math.h>

#include "walloc-check.h"

#define RATE 16000

static GstHarness *
corrupt (const gchar * props, gint channels)
{
  gchar *launch = g_strdup_printf ("audiocorrupt %s", props);
  GstHarness *h = gst_harness_new_parse (launch);

  g_free (launch);
  gst_harness_set_src_caps (h, gst_caps_new_simple ("audio/x-raw", "format",
          G_TYPE_STRING, GST_AUDIO_NE (F32), "rate", G_TYPE_INT, RATE,
          "channels", G_TYPE_INT, channels, "layout", G_TYPE_STRING,
          "interleaved", NULL));
  return h;
}

/* A wave in buffers of some size; what comes out, in one array. */
static GArray *
run (const gchar * props, gint channels, guint frames, guint size,
    gdouble hertz, gdouble amplitude, guint first)
{
  GArray *all = g_array_new (FALSE, FALSE, sizeof (gfloat));
  GstHarness *h = corrupt (props, channels);
  guint at, i;
  gint c;

  for (at = 0; at < frames; at += size) {
    guint n = MIN (size, frames - at);
    gfloat *data = g_new (gfloat, n * channels);
    GstBuffer *out, *in;
    GstMapInfo map;

    for (i = 0; i < n; i++)
      for (c = 0; c < channels; c++)
        data[i * channels + c] = (gfloat) (amplitude * sin (2 * G_PI * hertz
                * (first + at + i) / RATE));
    in = gst_buffer_new_wrapped (data, n * channels * sizeof (gfloat));
    GST_BUFFER_PTS (in) = gst_util_uint64_scale_round (first + at, GST_SECOND,
        RATE);
    out = gst_harness_push_and_pull (h, in);
    fail_unless (out != NULL);
    fail_unless (gst_buffer_map (out, &map, GST_MAP_READ));
    fail_unless_equals_int (map.size, n * channels * sizeof (gfloat));
    g_array_append_vals (all, map.data, n * channels);
    gst_buffer_unmap (out, &map);
    gst_buffer_unref (out);
  }
  gst_harness_teardown (h);
  return all;
}

#define AT(a, i) g_array_index (a, gfloat, i)

static gdouble
power (GArray * a, guint from, guint to)
{
  gdouble sum = 0;
  guint i;

  for (i = from; i < to; i++)
    sum += AT (a, i) * AT (a, i);
  return sum / (to - from);
}

static const gchar *const types[] = { "additive_noise", "clipping",
  "packet_loss", "reverberation", "band_limiting"
};

/* Buffers of any size, the same samples; one that begins later has the
 * samples of its place, where there is no memory. */
GST_START_TEST (test_same)
{
  guint t, i;

  for (t = 0; t < G_N_ELEMENTS (types); t++) {
    gchar *props = g_strdup_printf ("type=%s severity=4 seed=3", types[t]);
    GArray *a = run (props, 2, 9000, 9000, 440, .5, 0);
    GArray *b = run (props, 2, 9000, 37, 440, .5, 0);
    GArray *c = run (props, 2, 5000, 512, 440, .5, 4000);

    for (i = 0; i < a->len; i++) {
      fail_unless (isfinite (AT (a, i)) && fabs (AT (a, i)) < 3);
      fail_unless (AT (a, i) == AT (b, i), "%s: sample %u", types[t], i);
    }
    for (i = 0; t < 3 && i < c->len; i++)
      fail_unless (fabs (AT (c, i) - AT (a, 8000 + i)) < 1e-6, "%s: sample %u",
          types[t], i);
    g_array_unref (a);
    g_array_unref (b);
    g_array_unref (c);
    g_free (props);
  }
}

GST_END_TEST;

GST_START_TEST (test_noise)
{
  static const gdouble db[5] = { -46, -40, -34, -28, -22 };
  GArray *a, *b;
  guint s, i, same = 0;

  for (s = 0; s < 5; s++) {
    gchar *props = g_strdup_printf ("type=additive_noise severity=%u", s + 1);

    a = run (props, 1, 100000, 4096, 0, 0, 0);
    fail_unless (fabs (10 * log10 (power (a, 0, a->len)) - db[s]) < 0.1);
    g_array_unref (a);
    g_free (props);
  }
  a = run ("seed=1", 1, 1000, 1000, 0, 0, 0);
  b = run ("seed=2", 1, 1000, 1000, 0, 0, 0);
  for (i = 0; i < 1000; i++)
    same += AT (a, i) == AT (b, i);
  fail_unless (same < 10);
  g_array_unref (a);
  g_array_unref (b);
}

GST_END_TEST;

GST_START_TEST (test_clipping)
{
  GArray *a = run ("type=clipping severity=2", 1, 4000, 512, 440, .5, 0);
  gfloat most = 0;
  guint i;

  for (i = 0; i < a->len; i++)
    most = MAX (most, fabsf (AT (a, i)));
  fail_unless (fabs (most - pow (10, -12 / 20.)) < 1e-6);
  g_array_unref (a);
}

GST_END_TEST;

/* A tenth of an hour: losses of the rate that is said, 40 ms at a time. */
GST_START_TEST (test_loss)
{
  static const gdouble part[5] = { .01, .03, .05, .10, .20 };
  guint s, i, k, lost, piece = RATE / 25;

  for (s = 0; s < 5; s++) {
    gchar *props = g_strdup_printf ("type=packet_loss severity=%u seed=8",
        s + 1);
    GArray *a = run (props, 1, 5000 * piece, 100 * piece, 1003, .5, 0);

    for (i = 0, lost = 0; i < 5000; i++) {
      guint zeros = 0;

      for (k = 0; k < piece; k++)
        zeros += AT (a, i * piece + k) == 0;
      fail_unless (zeros == piece || zeros < piece / 4);
      lost += zeros == piece;
    }
    fail_unless (fabs (lost / 5000. - part[s])
        < 4 * sqrt (part[s] * (1 - part[s]) / 5000));
    g_array_unref (a);
    g_free (props);
  }
}

GST_END_TEST;

/* Down by 60 dB after the time that is said. */
GST_START_TEST (test_reverberation)
{
  static const gdouble decay[5] = { .2, .4, .7, 1.0, 1.5 };
  guint s;

  for (s = 0; s < 5; s++) {
    gchar *props = g_strdup_printf ("type=reverberation severity=%u", s + 1);
    GstHarness *h = corrupt (props, 1);
    GArray *a = g_array_new (FALSE, TRUE, sizeof (gfloat));
    guint n = 3 * RATE, late = (guint) (decay[s] * RATE);
    GstBuffer *in = gst_buffer_new_allocate (NULL, n * sizeof (gfloat), NULL);
    GstMapInfo map;
    gdouble db;

    gst_buffer_memset (in, 0, 0, n * sizeof (gfloat));
    gst_buffer_map (in, &map, GST_MAP_WRITE);
    ((gfloat *) map.data)[0] = 1;
    gst_buffer_unmap (in, &map);
    GST_BUFFER_PTS (in) = 0;
    in = gst_harness_push_and_pull (h, in);
    gst_buffer_map (in, &map, GST_MAP_READ);
    g_array_append_vals (a, map.data, n);
    gst_buffer_unmap (in, &map);
    gst_buffer_unref (in);
    fail_unless (fabs (AT (a, 0) - 0.7) < 0.1);
    /* a tenth of a second each, after the first echoes */
    db = 10 * log10 (power (a, 1600, 3200) / power (a, 1600 + late,
            3200 + late));
    fail_unless (fabs (db - 60) < 4, "%u: %g dB", s + 1, db);
    g_array_unref (a);
    gst_harness_teardown (h);
    g_free (props);
  }
}

GST_END_TEST;

GST_START_TEST (test_band)
{
  GArray *a = run ("type=band_limiting severity=4", 2, 16000, 512, 500, .5, 0);
  GArray *b = run ("type=band_limiting severity=4", 2, 16000, 512, 3000, .5,
      0);
  GArray *c = run ("type=band_limiting severity=4", 2, 16000, 512, 6000, .5,
      0);
  /* cut off at 8 kHz of 8: nothing is left to do */
  GArray *d = run ("type=band_limiting severity=1", 2, 16000, 512, 6000, .5,
      0);

  fail_unless (fabs (power (a, 8000, 32000) - .125) < .001);
  fail_unless (fabs (10 * log10 (power (b, 8000, 32000) / .125) + 3.01) < .1);
  fail_unless (10 * log10 (power (c, 8000, 32000) / .125) < -24);
  fail_unless (fabs (power (d, 8000, 32000) - .125) < .001);
  g_array_unref (a);
  g_array_unref (b);
  g_array_unref (c);
  g_array_unref (d);
}

GST_END_TEST;

static GstBuffer *
constant (guint frames, gfloat v, GstClockTime pts)
{
  gfloat *data = g_new (gfloat, frames);
  GstBuffer *buffer;
  guint i;

  for (i = 0; i < frames; i++)
    data[i] = v;
  buffer = gst_buffer_new_wrapped (data, frames * sizeof (gfloat));
  GST_BUFFER_PTS (buffer) = pts;
  return buffer;
}

static gboolean
is_same (GstBuffer * a, GstBuffer * b)
{
  GstMapInfo map;
  gboolean same;

  fail_unless (a != NULL && b != NULL);
  fail_unless (gst_buffer_map (b, &map, GST_MAP_READ));
  same = gst_buffer_get_size (a) == map.size
      && gst_buffer_memcmp (a, 0, map.data, map.size) == 0;
  gst_buffer_unmap (b, &map);
  gst_buffer_unref (a);
  gst_buffer_unref (b);
  return same;
}

/* A property that is set to what it is (as a controller does at each buffer)
 * changes nothing: the room goes on to sound. */
GST_START_TEST (test_set_again)
{
  GstHarness *a = corrupt ("type=reverberation severity=5", 1);
  GstHarness *b = corrupt ("type=reverberation severity=5", 1);
  GstElement *e = gst_harness_find_element (b, "audiocorrupt");
  guint i;

  for (i = 0; i < 8; i++) {
    GstClockTime pts = gst_util_uint64_scale (i * 800, GST_SECOND, RATE);

    gst_util_set_object_arg (G_OBJECT (e), "type", "reverberation");
    g_object_set (e, "severity", 5, NULL);
    fail_unless (is_same (gst_harness_push_and_pull (a, constant (800,
                    i ? 0 : .5, pts)), gst_harness_push_and_pull (b,
                constant (800, i ? 0 : .5, pts))), "buffer %u", i);
  }
  gst_object_unref (e);
  gst_harness_teardown (a);
  gst_harness_teardown (b);
}

GST_END_TEST;

/* After a change of the rate a place in the stream is counted in the new one. */
GST_START_TEST (test_other_rate)
{
  GstHarness *a = corrupt ("type=additive_noise seed=2", 1);
  GstHarness *b = corrupt ("type=additive_noise seed=2", 1);
  GstHarness *both[2] = { a, b };
  guint i;

  gst_buffer_unref (gst_harness_push_and_pull (a, constant (RATE, 0, 0)));
  for (i = 0; i < 2; i++)
    gst_harness_set_src_caps (both[i], gst_caps_new_simple ("audio/x-raw",
            "format", G_TYPE_STRING, GST_AUDIO_NE (F32), "rate", G_TYPE_INT,
            RATE / 2, "channels", G_TYPE_INT, 1, "layout", G_TYPE_STRING,
            "interleaved", NULL));
  fail_unless (is_same (gst_harness_push_and_pull (a, constant (800, 0,
                  GST_SECOND)), gst_harness_push_and_pull (b, constant (800,
                  0, GST_SECOND))));
  gst_harness_teardown (a);
  gst_harness_teardown (b);
}

GST_END_TEST;

static Suite *
audiocorrupt_suite (void)
{
  Suite *s = suite_create ("audiocorrupt");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (s, tc);
  tcase_add_test (tc, test_same);
  tcase_add_test (tc, test_noise);
  tcase_add_test (tc, test_clipping);
  tcase_add_test (tc, test_loss);
  tcase_add_test (tc, test_reverberation);
  tcase_add_test (tc, test_band);
  tcase_add_test (tc, test_set_again);
  tcase_add_test (tc, test_other_rate);
  return s;
}

GST_CHECK_MAIN (audiocorrupt);
