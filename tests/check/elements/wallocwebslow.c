/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* wallocwebsink and clients that are slow: what they get, what they miss, and
 * when they are given up. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "web-check.h"

#define MANY 60

static GstBuffer *
frame_at (GPtrArray * frames, guint n)
{
  GstBuffer *frame = gst_buffer_copy_deep (g_ptr_array_index (frames,
          n % frames->len));

  GST_BUFFER_PTS (frame) = n * FRAME_TIME;
  return frame;
}

/* Pushes frames until the slow client was closed; the other one has them all,
 * with all layers. */
static void
push_until_dropped (WebServer * s, GPtrArray * frames, WebClient * good)
{
  gint64 end = g_get_monotonic_time () + WEB_PATIENCE * G_USEC_PER_SEC;
  GBytes *bytes;
  guint n;

  for (n = 0; web_stat (s, "dropped") == 0; n++) {
    GstBuffer *frame = frame_at (frames, n);

    fail_unless (g_get_monotonic_time () < end, "it is never dropped");
    web_push (s, frame);
    bytes = web_socket_frame (good);
    web_same (bytes, frame);
    g_bytes_unref (bytes);
    gst_buffer_unref (frame);
    g_usleep (20000);
  }
  fail_unless_equals_uint64 (web_stat (s, "dropped"), 1);
  fail_unless (web_stat (s, "thinned") > 0);
  fail_unless (web_stat (s, "left-out") > 0);
  fail_unless (web_stat (s, "key-requests") == 0);
  fail_unless (web_stat (s, "overrun") == 0);
}

GST_START_TEST (test_slow)
{
  static const gchar settings[] = "max-queue-bytes=400000000 "
      "max-queue-time=4000000000";
  GstCaps *caps;
  GPtrArray *frames = web_big_frames (4, NULL, &caps);
  WebServer *s = web_start (settings);
  WebClient *good = web_socket (s->port, "/ws", NULL, 0), *slow;
  GByteArray *all;

  /* a WebSocket is told why when it reads at last */
  slow = web_socket (s->port, "/ws", NULL, 4096);
  web_wait (s, "clients", 2);
  web_caps (s, caps);
  push_until_dropped (s, frames, good);
  fail_unless_equals_int (web_socket_code (slow), 1013);
  web_close (slow);
  web_wait_is (s, "clients", 1);
  web_close (good);
  web_stop (s);

  /* a stream is cut: it must not look as if it had ended */
  s = web_start (settings);
  good = web_socket (s->port, "/ws", NULL, 0);
  slow = web_ask (s->port, "/stream", 4096);
  web_wait (s, "clients", 2);
  web_caps (s, caps);
  push_until_dropped (s, frames, good);
  web_wait_is (s, "clients", 1);
  all = web_read_all (slow);
  fail_unless (all->len > 5);
  fail_unless (memcmp (all->data + all->len - 5, "0\r\n\r\n", 5) != 0);
  g_byte_array_unref (all);
  web_close (slow);
  web_close (good);
  web_stop (s);
  g_ptr_array_unref (frames);
  gst_caps_unref (caps);
}

GST_END_TEST;

/* Nothing comes any more: what waits too long is noticed without frames. */
GST_START_TEST (test_stuck)
{
  GstCaps *caps;
  GPtrArray *frames = web_big_frames (4, NULL, &caps);
  WebServer *s = web_start ("max-queue-time=300000000");
  WebClient *slow = web_ask (s->port, "/stream", 4096);
  guint i;

  web_wait (s, "clients", 1);
  web_caps (s, caps);
  for (i = 0; i < 12; i++)
    web_push (s, g_ptr_array_index (frames, i % 4));
  web_wait (s, "dropped", 1);
  web_wait_is (s, "open", 0);
  fail_unless_equals_uint64 (web_stat (s, "queued"), 0);
  web_close (slow);
  web_stop (s);
  g_ptr_array_unref (frames);
  gst_caps_unref (caps);
}

GST_END_TEST;


static void
parse (GBytes * frame, walloc_frame_info * info)
{
  fail_unless_equals_int (walloc_frame_parse (g_bytes_get_data (frame, NULL),
          g_bytes_get_size (frame), info, NULL), WALLOC_OK);
}

/* One that does not read for a while finds the newest frames, not the oldest, and
 * is not closed: bytes that key frames replace do not count. */
GST_START_TEST (test_newest_first)
{
  GstCaps *caps;
  GPtrArray *frames = web_big_frames (MANY, NULL, &caps);
  WebServer *s = web_start ("max-queue-bytes=1200000 "
      "max-queue-time=400000000000");
  WebClient *c = web_socket (s->port, "/ws", NULL, 4096);
  walloc_frame_info newest;
  guint64 last = 0;
  guint i, got = 0;

  check_parse_header (g_ptr_array_index (frames, MANY - 1), &newest);

  web_wait (s, "clients", 1);
  web_caps (s, caps);
  for (i = 0; i < MANY; i++) {
    web_push (s, g_ptr_array_index (frames, i));
    web_wait (s, "frames-in", i + 1);
  }
  web_wait (s, "left-out", 20);
  fail_unless_equals_uint64 (web_stat (s, "dropped"), 0);
  fail_unless_equals_uint64 (web_stat (s, "key-requests"), 0);
  fail_unless (web_stat (s, "queued") < 1200000);
  do {
    GBytes *frame = web_socket_frame (c);
    walloc_frame_info info;

    parse (frame, &info);
    fail_unless (got == 0 || info.pts > last);
    last = info.pts;
    got++;
    g_bytes_unref (frame);
  } while (last < newest.pts);
  fail_unless_equals_uint64 (web_stat (s, "left-out"), MANY - got);
  web_close (c);
  web_stop (s);
  g_ptr_array_unref (frames);
  gst_caps_unref (caps);
}

GST_END_TEST;

/* What builds on a frame that is left out is left out, too, and a key frame is
 * asked for; more and more seldom, as it costs everybody. */
GST_START_TEST (test_late_predicted)
{
  GstCaps *caps;
  GPtrArray *frames = web_big_frames (MANY, "key-int-max=1000", &caps);
  GPtrArray *more = web_big_frames (1, NULL, &caps);
  WebServer *s = web_start ("max-queue-bytes=1200000 "
      "max-queue-time=400000000000");
  WebClient *c = web_socket (s->port, "/ws", NULL, 4096);
  walloc_frame_info info, before = { 0, };
  GBytes *frame;
  guint i, got = 0;

  web_wait (s, "clients", 1);
  web_caps (s, caps);
  for (i = 0; i < MANY; i++) {
    check_parse_header (g_ptr_array_index (frames, i), &info);
    fail_unless (i == 0 || info.type != WALLOC_FRAME_KEY);
    web_push (s, g_ptr_array_index (frames, i));
  }
  web_wait (s, "left-out", 1);
  web_wait (s, "key-requests", 1);
  fail_unless_equals_uint64 (web_stat (s, "dropped"), 0);
  web_wait (s, "frames-in", MANY);
  web_push (s, g_ptr_array_index (more, 0));
  /* a key frame with as much as a slow client gets, behind frames in order */
  do {
    frame = web_socket_frame (c);
    parse (frame, &info);
    fail_unless (got == 0 || info.type == WALLOC_FRAME_KEY
        || info.pts > before.pts);
    before = info;
    got++;
    g_bytes_unref (frame);
  } while (got == 1 || info.type != WALLOC_FRAME_KEY);
  fail_unless (got < MANY / 2);
  fail_unless_equals_uint64 (web_stat (s, "left-out"), MANY + 1 - got);
  web_close (c);
  web_stop (s);
  g_ptr_array_unref (frames);
  g_ptr_array_unref (more);
  gst_caps_unref (caps);
}

GST_END_TEST;

/* One that comes late and says how much its link carries gets frames of the past
 * with as many layers as that link takes in a second, or waits for a key frame. */
GST_START_TEST (test_replay)
{
  GstCaps *caps;
  GPtrArray *frames = web_big_frames (5, "key-int-max=1000", &caps);
  WebServer *s = web_start (NULL);
  gsize sizes[3] = { 0, };
  walloc_frame_info info;
  guint i, layers;

  web_caps (s, caps);
  for (i = 0; i < frames->len; i++) {
    gsize part[WALLOC_FRAME_MAX_LAYERS];
    GstMapInfo map;

    web_push (s, g_ptr_array_index (frames, i));
    check_parse_header (g_ptr_array_index (frames, i), &info);
    fail_unless_equals_int (info.layers, 3);
    fail_unless (gst_buffer_map (g_ptr_array_index (frames, i), &map,
            GST_MAP_READ));
    fail_unless_equals_int (walloc_frame_layer_sizes (map.data, &info, part),
        WALLOC_OK);
    gst_buffer_unmap (g_ptr_array_index (frames, i), &map);
    for (layers = 1; layers <= 3; layers++)
      sizes[layers - 1] += part[layers - 1];
  }
  web_wait (s, "frames-in", frames->len);

  for (layers = 3; layers > 0; layers--) {
    gchar *path = g_strdup_printf ("/ws?kbps=%" G_GSIZE_FORMAT,
        sizes[layers - 1] * 8 / 1000 + 2);
    WebClient *c = web_socket (s->port, path, NULL, 0);

    for (i = 0; i < frames->len; i++) {
      GBytes *frame = web_socket_frame (c);

      parse (frame, &info);
      fail_unless_equals_int (info.layers, layers);
      fail_unless ((info.type == WALLOC_FRAME_KEY) == (i == 0));
      g_bytes_unref (frame);
    }
    web_close (c);
    g_free (path);
  }
  fail_unless_equals_uint64 (web_stat (s, "key-requests"), 0);

  /* not even one: from the next key frame on */
  {
    WebClient *c = web_socket (s->port, "/ws?kbps=100", NULL, 0);
    GBytes *frame;

    web_wait (s, "clients-added", 4);
    web_push (s, g_ptr_array_index (frames, 4));
    web_wait (s, "key-requests", 1);
    web_push (s, g_ptr_array_index (frames, 0));
    frame = web_socket_frame (c);
    parse (frame, &info);
    fail_unless_equals_int (info.type, WALLOC_FRAME_KEY);
    fail_unless_equals_int (info.layers, 1);
    g_bytes_unref (frame);
    web_close (c);
  }
  web_stop (s);
  g_ptr_array_unref (frames);
  gst_caps_unref (caps);
}

GST_END_TEST;

/* Who asks for a key frame when another one just did has it asked for later, and
 * as long as none comes; who asks all the time is heard less and less often. */
GST_START_TEST (test_asked_key)
{
  GstCaps *caps;
  GPtrArray *frames = web_still (4, &caps);
  WebServer *s = web_start (NULL);
  WebClient *first = web_socket (s->port, "/ws", NULL, 0);
  WebClient *other = web_socket (s->port, "/ws", NULL, 0);
  guint64 asked;
  gint64 begin;
  guint i;

  web_wait (s, "clients", 2);
  web_caps (s, caps);
  web_push (s, g_ptr_array_index (frames, 0));
  web_socket_say (first, "{\"type\":\"keyframe\"}");
  web_wait (s, "key-requests", 1);
  web_push (s, g_ptr_array_index (frames, 0));
  web_socket_say (other, "{\"type\":\"keyframe\"}");
  for (i = 1; web_stat (s, "key-requests") < 2; i++) {
    fail_unless (i < WEB_PATIENCE * 50, "nobody asks again");
    web_push (s, g_ptr_array_index (frames, i % 3 + 1));
    g_usleep (20000);
  }
  /* it has one, and asks no more by itself */
  web_push (s, g_ptr_array_index (frames, 0));
  web_close (first);

  begin = g_get_monotonic_time ();
  asked = web_stat (s, "key-requests");
  for (i = 0; i < 50; i++) {
    web_socket_say (other, "{\"type\":\"keyframe\"}");
    web_push (s, g_ptr_array_index (frames, 0));
    g_usleep (100000);
  }
  asked = web_stat (s, "key-requests") - asked;
  /* after 1, 3, 7, 15 ... s */
  fail_unless (asked <= 2 + g_bit_storage ((g_get_monotonic_time () - begin) /
          G_USEC_PER_SEC), "%u times", (guint) asked);

  web_close (other);
  web_stop (s);
  g_ptr_array_unref (frames);
  gst_caps_unref (caps);
}

GST_END_TEST;

static Suite *
wallocwebslow_suite (void)
{
  Suite *s = suite_create ("wallocwebslow");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (s, tc);
  tcase_set_timeout (tc, 60);
  tcase_add_test (tc, test_slow);
  tcase_add_test (tc, test_stuck);
  tcase_add_test (tc, test_newest_first);
  tcase_add_test (tc, test_late_predicted);
  tcase_add_test (tc, test_replay);
  tcase_add_test (tc, test_asked_key);

  return s;
}

GST_CHECK_MAIN (wallocwebslow);
