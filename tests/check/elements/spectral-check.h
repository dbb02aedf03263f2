/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Streams into spectralinspect, and what it says of them. */
#ifndef TESTS_SPECTRAL_CHECK_H
#define TESTS_SPECTRAL_CHECK_H

#include <glib/gstdio.h>
#include <gst/audio/audio.h>
#include <math.h>
#include <string.h>

#include "walloc-check.h"

#define W 64
#define H 48

typedef struct
{
  GstElement *element;
  GstBus *bus;
  GstHarness *h[4];
} Setup;

static const gchar *const pad_names[4] = { "ref_sink", "dist_sink",
  "corrupt_sink", "coded_sink"
};

/* count: streams; formats and sizes of the first and of the others. */
static inline void
setup_full (Setup * s, gint count, const gchar * property, const gchar * value,
    const gchar * format, gint width, gint other_width)
{
  gint i;

  s->element = gst_element_factory_make ("spectralinspect", NULL);
  s->bus = gst_bus_new ();
  gst_element_set_bus (s->element, s->bus);
  if (property)
    gst_util_set_object_arg (G_OBJECT (s->element), property, value);
  for (i = 0; i < 4; i++)
    s->h[i] = NULL;
  for (i = 0; i < count; i++) {
    s->h[i] = gst_harness_new_with_element (s->element, pad_names[i],
        i == 0 ? "src" : NULL);
    gst_harness_set_src_caps (s->h[i], check_caps (format,
            i ? other_width : width, H));
  }
}

static inline void
setup (Setup * s, gint count)
{
  setup_full (s, count, NULL, NULL, "GRAY8", W, W);
}

static inline void
teardown (Setup * s)
{
  gint i;

  for (i = 3; i >= 0; i--)
    if (s->h[i])
      gst_harness_teardown (s->h[i]);
  gst_element_set_bus (s->element, NULL);
  gst_object_unref (s->bus);
  gst_object_unref (s->element);
}

/* A picture of noise, everywhere greater by plus; n: number of the frame. */
static inline void
push_wide (Setup * s, gint stream, guint n, gint plus, gint width)
{
  GstBuffer *buffer = gst_buffer_new_allocate (NULL, width * H, NULL);
  GstMapInfo map;
  guint32 state = 1 + n;
  gsize i;

  fail_unless (gst_buffer_map (buffer, &map, GST_MAP_WRITE));
  for (i = 0; i < map.size; i++) {
    state = state * 1664525u + 1013904223u;
    map.data[i] = (guint8) (50 + (state >> 25) + plus);
  }
  gst_buffer_unmap (buffer, &map);
  GST_BUFFER_PTS (buffer) = n * FRAME_TIME;
  GST_BUFFER_DURATION (buffer) = FRAME_TIME;
  fail_unless_equals_int (gst_harness_push (s->h[stream], buffer), GST_FLOW_OK);
}

static inline void
push (Setup * s, gint stream, guint n, gint plus)
{
  push_wide (s, stream, n, plus, W);
}

static inline void
eos (Setup * s, gint count)
{
  gint i;

  for (i = 0; i < count; i++)
    gst_harness_push_event (s->h[i], gst_event_new_eos ());
}

/* The next message of that kind, within some seconds. */
static inline GstMessage *
wait_for (Setup * s, GstMessageType type)
{
  GstMessage *m = gst_bus_timed_pop_filtered (s->bus, 20 * GST_SECOND, type);

  fail_unless (m != NULL);
  return m;
}

/* The report of all frames; others are skipped, and counted. */
static inline GstMessage *
wait_pooled (Setup * s, guint * others)
{
  guint n = 0;

  while (TRUE) {
    GstMessage *m = wait_for (s, GST_MESSAGE_ELEMENT);
    gboolean pooled = FALSE;

    fail_unless (gst_message_has_name (m, "spectralinspect"));
    fail_unless (gst_structure_get_boolean (gst_message_get_structure (m),
            "pooled", &pooled));
    if (pooled) {
      if (others)
        *others = n;
      return m;
    }
    n++;
    gst_message_unref (m);
  }
}

static inline guint64
number (GstMessage * m, const gchar * field)
{
  guint64 v = 0;

  fail_unless (gst_structure_get_uint64 (gst_message_get_structure (m), field,
          &v), "no %s", field);
  return v;
}

static inline gdouble
value (GstMessage * m, const gchar * error, const gchar * field)
{
  const GValue *v = gst_structure_get_value (gst_message_get_structure (m),
      error);
  gdouble d = -1;

  fail_unless (v != NULL, "no %s", error);
  fail_unless (gst_structure_get_double (gst_value_get_structure (v), field,
          &d), "no %s of %s", field, error);
  return d;
}

static inline gdouble
band (GstMessage * m, const gchar * error, guint i)
{
  const GValue *v = gst_structure_get_value (gst_message_get_structure (m),
      error);

  v = gst_structure_get_value (gst_value_get_structure (v), "bands");
  return g_value_get_double (gst_value_array_get_value (v, i));
}

#define NEAR(a, b) fail_unless (ABS ((a) - (b)) < 1e-3, #a " is %g, not %g", \
    (gdouble) (a), (gdouble) (b))

static inline void
expect_error (Setup * s, const gchar * part)
{
  GstMessage *m = wait_for (s, GST_MESSAGE_ERROR | GST_MESSAGE_WARNING);
  GError *error = NULL;

  if (GST_MESSAGE_TYPE (m) == GST_MESSAGE_ERROR)
    gst_message_parse_error (m, &error, NULL);
  else
    gst_message_parse_warning (m, &error, NULL);
  fail_unless (strstr (error->message, part) != NULL, "%s", error->message);
  g_error_free (error);
  gst_message_unref (m);
}

/* ---- sound ---- */

static inline GstCaps *
sound_caps (const gchar * format, gint rate)
{
  return gst_caps_new_simple ("audio/x-raw", "format", G_TYPE_STRING, format,
      "rate", G_TYPE_INT, rate, "channels", G_TYPE_INT, 1, "layout",
      G_TYPE_STRING, "interleaved", NULL);
}

static inline void
setup_sound (Setup * s, gint rate, gint other_rate)
{
  gint i;

  s->element = gst_element_factory_make ("spectralinspect", NULL);
  s->bus = gst_bus_new ();
  gst_element_set_bus (s->element, s->bus);
  for (i = 0; i < 4; i++)
    s->h[i] = NULL;
  for (i = 0; i < 2; i++) {
    s->h[i] = gst_harness_new_with_element (s->element, pad_names[i],
        i == 0 ? "src" : NULL);
    gst_harness_set_src_caps (s->h[i], sound_caps (GST_AUDIO_NE (F32),
            i ? other_rate : rate));
  }
}

/* Noise of an amplitude of one half from sample first on, and gain times it
 * and a wave of 1 kHz. */
static inline void
push_sound (Setup * s, gint stream, guint first, guint count, gdouble gain,
    gdouble wave)
{
  gfloat *data = g_new (gfloat, count);
  GstBuffer *buffer;
  guint i;

  for (i = 0; i < count; i++) {
    guint32 state = (first + i) * 2654435761u;

    state ^= state >> 15;
    state *= 2246822519u;
    state ^= state >> 13;
    data[i] = gain * ((gint32) state / 4294967296.0)
        + wave * sin (2 * G_PI * 1000 * (first + i) / 8000.0);
  }
  buffer = gst_buffer_new_wrapped (data, count * sizeof (gfloat));
  GST_BUFFER_PTS (buffer) = gst_util_uint64_scale (first, GST_SECOND, 8000);
  fail_unless_equals_int (gst_harness_push (s->h[stream], buffer), GST_FLOW_OK);
}

#endif
