/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* wallocaudioenc, wallocaudiodec and wallocparse with input that is strange,
 * damaged or of the wrong kind. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <gst/audio/audio.h>
#include <walloc/audio.h>

#include "walloc-check.h"

#define RATE 16000
#define F32 GST_AUDIO_NE (F32)
#define S16 GST_AUDIO_NE (S16)

static GstHarness *
audio_harness (const gchar * launch, const gchar * format, guint rate,
    guint channels)
{
  GstHarness *h = gst_harness_new_parse (launch);
  gchar *caps = g_strdup_printf ("audio/x-raw,layout=interleaved,format=%s,"
      "rate=%u,channels=%u%s", format, rate, channels, channels > 2 ?
      ",channel-mask=(bitmask)0" : "");

  gst_harness_set_sink_caps_str (h, "ANY");
  gst_harness_set_src_caps_str (h, caps);
  g_free (caps);
  return h;
}

static GstBuffer *
buffer_at (gconstpointer data, gsize size, guint64 sample)
{
  GstBuffer *buffer = size > 0 ? gst_buffer_new_memdup (data, size) :
      gst_buffer_new ();

  GST_BUFFER_PTS (buffer) = gst_util_uint64_scale (sample, GST_SECOND, RATE);
  return buffer;
}

/* All bytes that come out. */
static GByteArray *
pull_bytes (GstHarness * h)
{
  GByteArray *all = g_byte_array_new ();
  GstBuffer *buffer;
  GstMapInfo map;

  while ((buffer = gst_harness_try_pull (h))) {
    fail_unless (gst_buffer_map (buffer, &map, GST_MAP_READ));
    g_byte_array_append (all, map.data, map.size);
    gst_buffer_unmap (buffer, &map);
    gst_buffer_unref (buffer);
  }
  return all;
}

/* Frames of @n samples of a tone, encoded with @launch. */
static GPtrArray *
tone_frames (const gchar * launch, guint n, guint channels, GstCaps ** caps)
{
  GPtrArray *frames =
      g_ptr_array_new_with_free_func ((GDestroyNotify) gst_buffer_unref);
  GstHarness *h = audio_harness (launch, S16, RATE, channels);
  gint16 *in = g_new (gint16, n * channels);
  GstBuffer *buffer;
  guint i;

  for (i = 0; i < n * channels; i++)
    in[i] = (gint16) (9000 * sin (i / channels * 0.05 * (i % channels + 1)));
  fail_unless_equals_int (gst_harness_push (h, buffer_at (in,
              n * channels * 2, 0)), GST_FLOW_OK);
  gst_harness_push_event (h, gst_event_new_eos ());
  while ((buffer = gst_harness_try_pull (h)))
    g_ptr_array_add (frames, buffer);
  if (caps)
    *caps = gst_pad_get_current_caps (h->sinkpad);
  g_free (in);
  gst_harness_teardown (h);
  return frames;
}

static GByteArray *
join (GPtrArray * frames)
{
  GByteArray *all = g_byte_array_new ();
  GstMapInfo map;
  guint i;

  for (i = 0; i < frames->len; i++) {
    gst_buffer_map (g_ptr_array_index (frames, i), &map, GST_MAP_READ);
    g_byte_array_append (all, map.data, map.size);
    gst_buffer_unmap (g_ptr_array_index (frames, i), &map);
  }
  return all;
}

static guint
count_messages (GstBus * bus, GstMessageType type, GQuark domain, gint code)
{
  GstMessage *message;
  guint n = 0;

  while ((message = gst_bus_pop_filtered (bus, type))) {
    GError *error;

    if (type == GST_MESSAGE_ERROR)
      gst_message_parse_error (message, &error, NULL);
    else
      gst_message_parse_warning (message, &error, NULL);
    fail_unless (error->domain == domain && error->code == code, "%s",
        error->message);
    g_error_free (error);
    gst_message_unref (message);
    n++;
  }
  return n;
}

/* Floats that are no samples: what comes out is finite, of the right length,
 * and no louder than the limit lets it be. */
GST_START_TEST (test_no_samples)
{
  static const gfloat odd[] = { NAN, INFINITY, -INFINITY, 1e38f, 1e-42f, 0,
    1, 4
  };
  const guint n = 6000;
  gfloat *in = g_new (gfloat, n), *out, most;
  GByteArray *bytes;
  GstHarness *h;
  guint i, k;

  for (k = 0; k < G_N_ELEMENTS (odd); k++) {
    h = audio_harness ("wallocaudioenc frame-size=1024 ! wallocaudiodec ! "
        "capsfilter caps=audio/x-raw,format=" F32, F32, RATE, 1);
    /* a square wave, or the odd value every third sample */
    for (i = 0; i < n; i++)
      in[i] = fabsf (odd[k]) <= 4 ? (i / 40 % 2 ? odd[k] : -odd[k]) :
          i % 3 == 0 ? odd[k] : 0;
    fail_unless_equals_int (gst_harness_push (h, buffer_at (in, n * 4, 0)),
        GST_FLOW_OK);
    gst_harness_push_event (h, gst_event_new_eos ());
    bytes = pull_bytes (h);
    fail_unless_equals_int (bytes->len, n * 4);
    out = (gfloat *) bytes->data;
    for (i = 0, most = 0; i < n; i++) {
      fail_unless (isfinite (out[i]), "%g gave %g", odd[k], out[i]);
      most = MAX (most, fabsf (out[i]));
    }
    fail_unless (most < 8, "%g gave %g", odd[k], most);
    if (isnan (odd[k]) || fabsf (odd[k]) < 1e-10f)
      fail_unless (most < 1e-4f, "%g gave %g", odd[k], most);
    if (odd[k] == 1)
      fail_unless (most > 0.9f && most < 1.5f, "%g", most);
    g_byte_array_unref (bytes);
    gst_harness_teardown (h);
  }
  g_free (in);
}

GST_END_TEST;

/* Full scale in 16 bits does not wrap around. */
GST_START_TEST (test_full_scale)
{
  const guint n = 20000;
  GstHarness *h = audio_harness ("wallocaudioenc quality=90 ! wallocaudiodec !"
      " capsfilter caps=audio/x-raw,format=" S16, S16, RATE, 2);
  gint16 *in = g_new (gint16, n * 2), *out;
  GByteArray *bytes;
  guint i, wrapped = 0;

  for (i = 0; i < n * 2; i++)
    in[i] = i / 2 / 50 % 2 ? 32767 : -32768;
  gst_harness_push (h, buffer_at (in, n * 4, 0));
  gst_harness_push_event (h, gst_event_new_eos ());
  bytes = pull_bytes (h);
  fail_unless_equals_int (bytes->len, n * 4);
  out = (gint16 *) bytes->data;
  for (i = 0; i < n * 2; i++)
    /* away from the edges */
    wrapped += i / 2 % 50 > 5 && i / 2 % 50 < 45 && (in[i] < 0) != (out[i] < 0);
  fail_unless_equals_int (wrapped, 0);
  g_byte_array_unref (bytes);
  g_free (in);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* Streams without samples: no frames, no error. */
GST_START_TEST (test_nothing)
{
  static const gchar *const launch[] = { "wallocaudioenc",
    "wallocaudioenc ! wallocaudiodec"
  };
  GstHarness *h;
  guint i;

  for (i = 0; i < 4; i++) {
    h = audio_harness (launch[i % 2], S16, RATE, 1);
    if (i >= 2)
      fail_unless_equals_int (gst_harness_push (h, buffer_at ("", 0, 0)),
          GST_FLOW_OK);
    fail_unless (gst_harness_push_event (h, gst_event_new_eos ()));
    fail_unless_equals_int (gst_harness_buffers_in_queue (h), 0);
    gst_harness_teardown (h);
  }
}

GST_END_TEST;

/* Buffers of no samples between others change nothing. */
GST_START_TEST (test_empty_buffers)
{
  const guint n = 5000;
  GstHarness *h = audio_harness ("wallocaudioenc frame-size=512 ! "
      "wallocaudiodec ! capsfilter caps=audio/x-raw,format=" S16, S16, RATE,
      1);
  gint16 *in = g_new0 (gint16, n);
  GByteArray *bytes;
  guint at;

  for (at = 0; at < n; at += 500) {
    fail_unless_equals_int (gst_harness_push (h, buffer_at (in + at, 1000,
                at)), GST_FLOW_OK);
    fail_unless_equals_int (gst_harness_push (h, buffer_at ("", 0, at + 500)),
        GST_FLOW_OK);
  }
  gst_harness_push_event (h, gst_event_new_eos ());
  bytes = pull_bytes (h);
  fail_unless_equals_int (bytes->len, n * 2);
  g_byte_array_unref (bytes);
  g_free (in);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* More than two channels say what they are, or that they are nothing in
 * particular. */
GST_START_TEST (test_channel_masks)
{
  GstHarness *h = gst_harness_new ("wallocaudioenc");
  gint16 in[8 * 256] = { 0 };
  guint64 mask = 77;
  GByteArray *bytes;
  GstCaps *caps;

  gst_harness_set_sink_caps_str (h, "ANY");
  gst_harness_set_src_caps_str (h, "audio/x-raw,layout=interleaved,format=" S16
      ",rate=48000,channels=6");
  fail_unless (gst_harness_push (h, gst_buffer_new_memdup (in, 12 * 100)) ==
      GST_FLOW_NOT_NEGOTIATED);
  gst_harness_teardown (h);

  h = audio_harness ("wallocaudioenc frame-size=256 ! wallocaudiodec", S16,
      48000, 8);
  fail_unless_equals_int (gst_harness_push (h, gst_buffer_new_memdup (in,
              sizeof (in))), GST_FLOW_OK);
  gst_harness_push_event (h, gst_event_new_eos ());
  caps = gst_pad_get_current_caps (h->sinkpad);
  fail_unless (gst_structure_get (gst_caps_get_structure (caps, 0),
          "channel-mask", GST_TYPE_BITMASK, &mask, NULL) && mask == 0);
  gst_caps_unref (caps);
  bytes = pull_bytes (h);
  fail_unless_equals_int (bytes->len % 256, 0);
  fail_unless (bytes->len > 0);
  g_byte_array_unref (bytes);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* Formats that change in the middle: every sample comes out in its own. */
GST_START_TEST (test_format_changes)
{
  static const guint formats[][2] = { {8000, 1}, {8000, 2}, {96000, 8},
  {44100, 1}, {44100, 1}, {16000, 5}
  };
  GstHarness *h = audio_harness ("wallocaudioenc frame-size=512 ! "
      "wallocaudiodec ! capsfilter caps=audio/x-raw,format=" S16, S16, 8000,
      1);
  gint16 *in = g_new0 (gint16, 8 * 3000);
  guint64 want = 0;
  GByteArray *bytes;
  gchar *caps;
  guint i;

  for (i = 0; i < G_N_ELEMENTS (formats); i++) {
    caps = g_strdup_printf ("audio/x-raw,layout=interleaved,format=" S16
        ",rate=%u,channels=%u,channel-mask=(bitmask)%u", formats[i][0],
        formats[i][1], formats[i][1] == 2 ? 3 : 0);
    gst_harness_set_src_caps_str (h, caps);
    g_free (caps);
    fail_unless_equals_int (gst_harness_push (h, gst_buffer_new_memdup (in,
                3000 * 2 * formats[i][1])), GST_FLOW_OK);
    want += 3000 * 2 * formats[i][1];
  }
  gst_harness_push_event (h, gst_event_new_eos ());
  bytes = pull_bytes (h);
  fail_unless_equals_uint64 (bytes->len, want);
  g_byte_array_unref (bytes);
  g_free (in);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* Time stamps that jump: what was before comes out whole, and times behind
 * the jump are those that came in. */
GST_START_TEST (test_time_jumps)
{
  const guint n = 4000;
  GstHarness *h = audio_harness ("wallocaudioenc frame-size=512 ! "
      "wallocaudiodec ! capsfilter caps=audio/x-raw,format=" S16, S16, RATE,
      1);
  GstClockTime end = 0;
  gint16 *in = g_new (gint16, n);
  GstBuffer *buffer;
  gsize bytes = 0;
  guint i;

  for (i = 0; i < n; i++)
    in[i] = (gint16) (5000 * sin (i * 0.1));
  gst_harness_push (h, buffer_at (in, n * 2, 0));
  buffer = buffer_at (in, n * 2, 10 * RATE);
  GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DISCONT);
  fail_unless_equals_int (gst_harness_push (h, buffer), GST_FLOW_OK);
  gst_harness_push_event (h, gst_event_new_eos ());
  while ((buffer = gst_harness_try_pull (h))) {
    bytes += gst_buffer_get_size (buffer);
    end = GST_BUFFER_PTS (buffer) + GST_BUFFER_DURATION (buffer);
    gst_buffer_unref (buffer);
  }
  fail_unless_equals_uint64 (bytes, n * 4);
  fail_unless (ABS (GST_CLOCK_DIFF (10 * GST_SECOND + gst_util_uint64_scale
              (n, GST_SECOND, RATE), end)) < GST_MSECOND,
      "ends at %" GST_TIME_FORMAT, GST_TIME_ARGS (end));
  g_free (in);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* A flush forgets what was held back, and the stream goes on as if new. */
GST_START_TEST (test_flush)
{
  const guint n = 5000;
  GstHarness *h = audio_harness ("wallocaudioenc frame-size=512 ! "
      "wallocaudiodec ! capsfilter caps=audio/x-raw,format=" S16, S16, RATE,
      1);
  gint16 *in = g_new (gint16, n), *out;
  GstSegment segment;
  GByteArray *bytes;
  gdouble noise = 0;
  guint i;

  for (i = 0; i < n; i++)
    in[i] = (gint16) (5000 * sin (i * 0.1));
  gst_harness_push (h, buffer_at (in, n * 2, 0));
  gst_harness_push_event (h, gst_event_new_flush_start ());
  gst_harness_push_event (h, gst_event_new_flush_stop (TRUE));
  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_harness_push_event (h, gst_event_new_segment (&segment));
  bytes = pull_bytes (h);
  g_byte_array_unref (bytes);
  gst_harness_push (h, buffer_at (in, n * 2, 3 * RATE));
  gst_harness_push_event (h, gst_event_new_eos ());
  bytes = pull_bytes (h);
  fail_unless_equals_int (bytes->len, n * 2);
  out = (gint16 *) bytes->data;
  for (i = 0; i < n; i++)
    noise += (in[i] - out[i]) * (in[i] - out[i]) / (gdouble) n;
  fail_unless (sqrt (noise) < 500, "noise %g", sqrt (noise));
  g_byte_array_unref (bytes);
  g_free (in);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* Pictures and nonsense are no sound: frames of sound between them are
 * decoded, and an error comes after as many in a row as max-errors says. */
GST_START_TEST (test_no_sound)
{
  GPtrArray *pictures = check_encode ("I420", 32, 16, 1, NULL, NULL), *frames;
  GstHarness *h = gst_harness_new_parse ("wallocaudiodec max-errors=10");
  GstBus *bus = gst_bus_new ();
  GstFlowReturn ret = GST_FLOW_OK;
  GstCaps *caps;
  guint i, pushed;

  frames = tone_frames ("wallocaudioenc frame-size=4096", 9000, 1, &caps);
  gst_element_set_bus (h->element, bus);
  gst_harness_set_src_caps (h, caps);
  for (i = 0; i < frames->len; i++) {
    fail_unless_equals_int (gst_harness_push (h, gst_buffer_copy
            (g_ptr_array_index (frames, i))), GST_FLOW_OK);
    fail_unless_equals_int (gst_harness_push (h, i % 2 ? gst_buffer_copy
            (g_ptr_array_index (pictures, 0)) : buffer_at ("none", 4, 0)),
        GST_FLOW_OK);
  }
  fail_unless_equals_int (count_messages (bus, GST_MESSAGE_ERROR, 0, 0), 0);
  fail_unless_equals_int (gst_harness_buffers_in_queue (h), frames->len);
  for (pushed = 0; pushed < 20 && ret == GST_FLOW_OK; pushed++)
    ret = gst_harness_push (h, gst_buffer_copy (g_ptr_array_index (pictures,
                0)));
  fail_unless_equals_int (ret, GST_FLOW_ERROR);
  fail_unless_equals_int (count_messages (bus, GST_MESSAGE_ERROR,
          GST_STREAM_ERROR, GST_STREAM_ERROR_DECODE), 1);
  gst_element_set_bus (h->element, NULL);
  gst_object_unref (bus);
  g_ptr_array_unref (frames);
  g_ptr_array_unref (pictures);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* A frame of another size that does not decode is silence, not what memory
 * held. */
GST_START_TEST (test_damaged_first)
{
  GPtrArray *small, *large;
  GstHarness *h = gst_harness_new_parse ("wallocaudiodec ! "
      "capsfilter caps=audio/x-raw,format=" S16);
  GByteArray *bytes;
  GstBuffer *buffer;
  GstCaps *caps;
  guint i;

  small = tone_frames ("wallocaudioenc frame-size=256", 9000, 1, &caps);
  large = tone_frames ("wallocaudioenc frame-size=4096", 9000, 1, NULL);
  gst_harness_set_src_caps (h, caps);
  for (i = 0; i < 12; i++)
    gst_harness_push (h, gst_buffer_copy (g_ptr_array_index (small, i)));
  bytes = pull_bytes (h);
  g_byte_array_unref (bytes);
  buffer = gst_buffer_copy (g_ptr_array_index (large, 1));
  gst_buffer_set_size (buffer, gst_buffer_get_size (buffer) - 3);
  fail_unless_equals_int (gst_harness_push (h, buffer), GST_FLOW_OK);
  bytes = pull_bytes (h);
  fail_unless_equals_int (bytes->len, 4096 * 2);
  for (i = 0; i < bytes->len; i++)
    fail_unless_equals_int (bytes->data[i], 0);
  g_byte_array_unref (bytes);
  g_ptr_array_unref (small);
  g_ptr_array_unref (large);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* Frames that are lost before the recording's first sample add nothing. */
GST_START_TEST (test_lost_at_start)
{
  GPtrArray *frames;
  GstHarness *h = gst_harness_new_parse ("wallocaudiodec ! "
      "capsfilter caps=audio/x-raw,format=" S16);
  GByteArray *bytes;
  GstCaps *caps;
  guint i;

  frames = tone_frames ("wallocaudioenc frame-size=256", 3000, 1, &caps);
  gst_harness_set_src_caps (h, caps);
  for (i = 0; i < frames->len; i++)
    if (i != 2 && i != 4 && i != 6)
      fail_unless_equals_int (gst_harness_push (h, gst_buffer_copy
              (g_ptr_array_index (frames, i))), GST_FLOW_OK);
  gst_harness_push_event (h, gst_event_new_eos ());
  bytes = pull_bytes (h);
  fail_unless_equals_int (bytes->len, 3000 * 2);
  g_byte_array_unref (bytes);
  g_ptr_array_unref (frames);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* A stream has the media of its first frame; caps never change to the other,
 * and one warning says what is left out. */
GST_START_TEST (test_mixed)
{
  GPtrArray *pictures = check_encode ("I420", 32, 16, 5, NULL, NULL), *frames;
  GPtrArray *first, *other;
  GstHarness *h;
  GstBus *bus;
  GstBuffer *buffer;
  GByteArray *all, *one;
  GstCaps *caps;
  guint i, sound;
  gsize at;

  frames = tone_frames ("wallocaudioenc frame-size=512", 3000, 1, &caps);
  gst_caps_unref (caps);
  for (sound = 0; sound < 2; sound++) {
    first = sound ? frames : pictures;
    other = sound ? pictures : frames;
    h = gst_harness_new ("wallocparse");
    bus = gst_bus_new ();
    gst_element_set_bus (h->element, bus);
    gst_harness_set_src_caps_str (h, sound ? "audio/x-walloc" :
        "video/x-walloc");
    all = g_byte_array_new ();
    for (i = 0; i < 5; i++) {
      GPtrArray *pair = g_ptr_array_new ();

      g_ptr_array_add (pair, g_ptr_array_index (first, i));
      g_ptr_array_add (pair, g_ptr_array_index (other, i));
      one = join (pair);
      g_byte_array_append (all, one->data, one->len);
      g_byte_array_unref (one);
      g_ptr_array_unref (pair);
    }
    for (at = 0; at < all->len; at += 77)
      fail_unless_equals_int (gst_harness_push (h, gst_buffer_new_memdup
              (all->data + at, MIN (77, all->len - at))), GST_FLOW_OK);
    gst_harness_push_event (h, gst_event_new_eos ());
    fail_unless_equals_int (gst_harness_buffers_in_queue (h), 5);
    for (i = 0; i < 5; i++) {
      buffer = gst_harness_pull (h);
      fail_unless (check_same (buffer, g_ptr_array_index (first, i)));
      gst_buffer_unref (buffer);
    }
    caps = gst_pad_get_current_caps (h->sinkpad);
    fail_unless_equals_string (gst_structure_get_name (gst_caps_get_structure
            (caps, 0)), sound ? "audio/x-walloc" : "video/x-walloc");
    gst_caps_unref (caps);
    fail_unless_equals_int (count_messages (bus, GST_MESSAGE_WARNING,
            GST_STREAM_ERROR, GST_STREAM_ERROR_FORMAT), 1);
    gst_element_set_bus (h->element, NULL);
    gst_object_unref (bus);
    g_byte_array_unref (all);
    gst_harness_teardown (h);
  }
  g_ptr_array_unref (frames);
  g_ptr_array_unref (pictures);
}

GST_END_TEST;

/* Every length of a frame, and every byte of its header changed: whatever
 * comes out is whole blocks, and the next good frame decodes. */
GST_START_TEST (test_truncated)
{
  GPtrArray *frames;
  GstHarness *h = gst_harness_new ("wallocaudiodec");
  GstBuffer *buffer, *good;
  GstCaps *caps;
  gsize size, i;
  guint8 byte;

  frames = tone_frames ("wallocaudioenc frame-size=256 layers=2", 6000, 2,
      &caps);
  gst_harness_set_src_caps (h, caps);
  good = g_ptr_array_index (frames, 12);
  size = gst_buffer_get_size (good);
  for (i = 0; i < size + 60; i++) {
    buffer = gst_buffer_copy_deep (good);
    if (i < size) {
      gst_buffer_set_size (buffer, i);
    } else {
      gst_buffer_extract (buffer, i - size, &byte, 1);
      gst_buffer_memset (buffer, i - size, byte ^ 0x10, 1);
    }
    fail_unless_equals_int (gst_harness_push (h, buffer), GST_FLOW_OK);
    fail_unless_equals_int (gst_harness_push (h, gst_buffer_copy (good)),
        GST_FLOW_OK);
    while ((buffer = gst_harness_try_pull (h))) {
      fail_unless_equals_int (gst_buffer_get_size (buffer) % (256 * 8), 0);
      gst_buffer_unref (buffer);
    }
  }
  g_ptr_array_unref (frames);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* A model that is not there: one error that says so. */
GST_START_TEST (test_unknown_model)
{
  GstHarness *h = gst_harness_new ("wallocaudiodec");
  GstBus *bus = gst_bus_new ();
  GPtrArray *frames;
  GstBuffer *frame;
  GstCaps *caps;
  guint i;

  frames = tone_frames ("wallocaudioenc", 3000, 1, &caps);
  gst_element_set_bus (h->element, bus);
  gst_harness_set_src_caps (h, caps);
  frame = check_forge (g_ptr_array_index (frames, 0), 12, 0x5a);
  for (i = 0; i < 3; i++)
    fail_unless_equals_int (gst_harness_push (h, gst_buffer_ref (frame)),
        GST_FLOW_ERROR);
  fail_unless_equals_int (count_messages (bus, GST_MESSAGE_ERROR,
          GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_NOT_FOUND), 1);
  gst_buffer_unref (frame);
  gst_element_set_bus (h->element, NULL);
  gst_object_unref (bus);
  g_ptr_array_unref (frames);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* What downstream takes narrows what the encoder takes. */
GST_START_TEST (test_narrow_caps)
{
  GstHarness *h = gst_harness_new_parse ("wallocaudioenc ! "
      "capsfilter caps=audio/x-walloc,rate=16000,channels=2");
  GstCaps *caps = gst_pad_peer_query_caps (h->srcpad, NULL), *other;

  other = gst_caps_from_string ("audio/x-raw,format=" S16
      ",layout=interleaved,rate=16000,channels=2");
  fail_unless (gst_caps_is_subset (other, caps), "%" GST_PTR_FORMAT, caps);
  gst_caps_unref (other);
  other = gst_caps_from_string ("audio/x-raw,rate=[17000,96000]");
  fail_if (gst_caps_can_intersect (other, caps), "%" GST_PTR_FORMAT, caps);
  gst_caps_unref (other);
  other = gst_caps_from_string ("audio/x-raw,channels=1");
  fail_if (gst_caps_can_intersect (other, caps), "%" GST_PTR_FORMAT, caps);
  gst_caps_unref (other);
  gst_caps_unref (caps);
  gst_harness_teardown (h);
}

GST_END_TEST;

/* Silence that a live source announces instead of sending: what was before
 * comes out whole, and what is behind has its own time. */
GST_START_TEST (test_gap_event)
{
  const guint n = 4000;
  GstHarness *h = audio_harness ("wallocaudioenc frame-size=512 ! "
      "wallocaudiodec ! capsfilter caps=audio/x-raw,format=" S16, S16, RATE,
      1);
  GstClockTime end = 0;
  gint16 *in = g_new0 (gint16, n);
  GstBuffer *buffer;
  gsize bytes = 0;

  gst_harness_push (h, buffer_at (in, n * 2, 0));
  gst_harness_push_event (h, gst_event_new_gap (n * GST_SECOND / RATE,
          5 * GST_SECOND));
  gst_harness_push (h, buffer_at (in, n * 2, n + 5 * RATE));
  gst_harness_push_event (h, gst_event_new_eos ());
  while ((buffer = gst_harness_try_pull (h))) {
    bytes += gst_buffer_get_size (buffer);
    end = GST_BUFFER_PTS (buffer) + GST_BUFFER_DURATION (buffer);
    gst_buffer_unref (buffer);
  }
  fail_unless_equals_uint64 (bytes, n * 4);
  fail_unless (ABS (GST_CLOCK_DIFF (5 * GST_SECOND + 2 * n * GST_SECOND /
              RATE, end)) < GST_MSECOND, "ends at %" GST_TIME_FORMAT,
      GST_TIME_ARGS (end));
  g_free (in);
  gst_harness_teardown (h);
}

GST_END_TEST;

static Suite *
wallocaudiobad_suite (void)
{
  Suite *s = suite_create ("wallocaudiobad");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (s, tc);
  tcase_add_test (tc, test_no_samples);
  tcase_add_test (tc, test_full_scale);
  tcase_add_test (tc, test_nothing);
  tcase_add_test (tc, test_empty_buffers);
  tcase_add_test (tc, test_channel_masks);
  tcase_add_test (tc, test_format_changes);
  tcase_add_test (tc, test_time_jumps);
  tcase_add_test (tc, test_flush);
  tcase_add_test (tc, test_no_sound);
  tcase_add_test (tc, test_damaged_first);
  tcase_add_test (tc, test_lost_at_start);
  tcase_add_test (tc, test_mixed);
  tcase_add_test (tc, test_truncated);
  tcase_add_test (tc, test_unknown_model);
  tcase_add_test (tc, test_narrow_caps);
  tcase_add_test (tc, test_gap_event);
  return s;
}

GST_CHECK_MAIN (wallocaudiobad);
