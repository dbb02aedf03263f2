/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* wallocwebsink: what each path answers, streams from a key frame on, messages
 * of WebSockets, what ends a stream and what begins one anew. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "web-check.h"

GST_START_TEST (test_page)
{
  WebServer *s = web_start (NULL);
  gchar *answer = web_get (s->port, "/", NULL), *tag, *headers, *url;
  const gchar *policy = strstr (answer, "Content-Security-Policy: ");

  fail_unless_equals_int (web_status (answer), 200);
  fail_unless (strstr (answer, "Content-Type: text/html; charset=utf-8\r\n")
      != NULL);
  fail_unless (strstr (web_body (answer), "<!DOCTYPE html>") != NULL
      || strstr (web_body (answer), "<!doctype html>") != NULL);
  fail_unless (policy != NULL);
  policy = g_strndup (policy, strcspn (policy, "\r"));
  fail_unless (strstr (policy, "'wasm-unsafe-eval'") != NULL);
  fail_unless (strstr (policy, "default-src 'none'") != NULL);
  fail_unless (strstr (policy, "http") == NULL);
  fail_unless (strstr (policy, "unsafe-inline") == NULL);
  g_free ((gchar *) policy);
  fail_unless (strstr (answer, "X-Content-Type-Options: nosniff\r\n") != NULL);

  /* it did not change */
  tag = strstr (answer, "ETag: ");
  fail_unless (tag != NULL);
  tag = g_strndup (tag + 6, strcspn (tag + 6, "\r"));
  headers = g_strdup_printf ("If-None-Match: %s\r\n", tag);
  g_free (answer);
  answer = web_get (s->port, "/index.html", headers);
  fail_unless_equals_int (web_status (answer), 304);
  fail_unless_equals_string (web_body (answer), "");
  g_free (answer);
  g_free (tag);
  g_free (headers);

  g_object_get (s->element, "url", &url, NULL);
  headers = g_strdup_printf ("http://127.0.0.1:%u/", s->port);
  fail_unless_equals_string (url, headers);
  g_free (url);
  g_free (headers);
  web_stop (s);
}

GST_END_TEST;

GST_START_TEST (test_not_there)
{
  static const gchar *const paths[] = { "/nothing", "/../etc/passwd",
    "/%2e%2e/%2e%2e/etc/passwd", "/index.html/", "//index.html", "/config/x",
    "/models/", "/models/0123456789abcdef.wlm", "/models/x.wlm",
    "/models/../photo-1.wlm", "/%00", "/streams"
  };
  WebServer *s = web_start (NULL);
  guint i, status;

  for (i = 0; i < G_N_ELEMENTS (paths); i++) {
    gchar *answer = web_get (s->port, paths[i], NULL);

    status = web_status (answer);
    fail_unless (status == 404 || status == 400, "%s: %s", paths[i], answer);
    g_free (answer);
  }
  web_stop (s);
}

GST_END_TEST;

GST_START_TEST (test_methods)
{
  static const gchar *const methods[] = { "POST", "PUT", "DELETE", "OPTIONS",
    "TRACE", "BREW"
  };
  WebServer *s = web_start (NULL);
  WebClient *c;
  gchar *head;
  guint i;

  for (i = 0; i < G_N_ELEMENTS (methods); i++) {
    c = web_connect (s->port, 0);
    web_say (c, "%s /config HTTP/1.1\r\nHost: localhost\r\n\r\n", methods[i]);
    head = web_read_to (c, "\r\n\r\n");
    fail_unless_equals_int (web_status (head), 405);
    fail_unless (strstr (head, "Allow: GET, HEAD\r\n") != NULL);
    g_free (head);
    web_close (c);
  }
  c = web_connect (s->port, 0);
  web_say (c, "HEAD /config HTTP/1.1\r\nHost: localhost\r\n\r\n");
  head = web_read_to (c, "\r\n\r\n");
  fail_unless_equals_int (web_status (head), 200);
  g_free (head);
  fail_unless (web_is_ended (c));
  fail_unless_equals_int (c->in->len, 0);
  web_close (c);
  web_stop (s);
}

GST_END_TEST;

GST_START_TEST (test_config)
{
  WebServer *s = web_start (NULL);
  GstCaps *caps;
  GPtrArray *frames = web_frames (1, NULL, &caps);
  gchar *answer = web_get (s->port, "/config", NULL), *expected;
  const gchar *model = gst_structure_get_string (gst_caps_get_structure (caps,
          0), "model-id");

  fail_unless (strstr (answer, "Content-Type: application/json\r\n") != NULL);
  fail_unless (g_str_has_prefix (web_body (answer),
          "{\"version\":1,\"streams\":[],\"limits\":{"));
  g_free (answer);

  web_caps (s, caps);
  web_push (s, g_ptr_array_index (frames, 0));
  expected = g_strdup_printf ("\"streams\":[{\"id\":\"video\",\"media\":"
      "\"video\",\"model-ids\":[\"%s\"],\"width\":64,\"height\":48,"
      "\"framerate\":25.0,\"pixel-aspect-ratio\":1.0}]", model);
  do {
    answer = web_get (s->port, "/config", NULL);
    if (strstr (web_body (answer), expected))
      break;
    fail_unless (strstr (web_body (answer), "\"streams\":[]") != NULL,
        "%s", answer);
    g_free (answer);
  } while (TRUE);
  g_free (answer);
  g_free (expected);
  g_ptr_array_unref (frames);
  gst_caps_unref (caps);
  web_stop (s);
}

GST_END_TEST;

static GByteArray *
get_model (WebServer * s, const gchar * id)
{
  WebClient *c = web_connect (s->port, 0);
  GByteArray *all;
  gchar *head;

  web_say (c, "GET /models/%s.wlm HTTP/1.0\r\n\r\n", id);
  head = web_read_to (c, "\r\n\r\n");
  fail_unless (head != NULL);
  all = web_read_all (c);
  web_close (c);
  if (web_status (head) != 200)
    g_clear_pointer (&all, g_byte_array_unref);
  g_free (head);

  return all;
}

GST_START_TEST (test_model)
{
  WebServer *s = web_start (NULL);
  GstCaps *caps;
  GPtrArray *frames = web_frames (1, NULL, &caps);
  const gchar *id = gst_structure_get_string (gst_caps_get_structure (caps, 0),
      "model-id");
  GByteArray *got;
  gchar *data;
  gsize size;

  /* the stream does not use it yet */
  fail_unless (get_model (s, id) == NULL);
  web_caps (s, caps);
  web_push (s, g_ptr_array_index (frames, 0));
  while (!(got = get_model (s, id)));
  fail_unless (g_file_get_contents (check_model (), &data, &size, NULL));
  fail_unless_equals_uint64 (got->len, size);
  fail_unless (memcmp (got->data, data, size) == 0);
  g_free (data);
  g_byte_array_unref (got);
  web_stop (s);

  /* nor is it found where it is not */
  s = web_start ("model-file=/nowhere/at-all.wlm");
  web_caps (s, caps);
  web_push (s, g_ptr_array_index (frames, 0));
  web_wait (s, "frames-in", 1);
  got = get_model (s, id);
  fail_unless (got == NULL);
  web_stop (s);
  g_ptr_array_unref (frames);
  gst_caps_unref (caps);
}

GST_END_TEST;

/* Who comes late begins with the last key frame and has all from then on. */
GST_START_TEST (test_stream)
{
  WebServer *s = web_start (NULL);
  GstCaps *caps;
  GPtrArray *frames = web_frames (6, NULL, &caps);
  WebClient *early = web_ask (s->port, "/stream", 0), *late;
  GBytes *chunk;
  guint i;

  web_wait (s, "stream-clients", 1);
  web_caps (s, caps);
  for (i = 0; i < 4; i++)
    web_push (s, g_ptr_array_index (frames, i));
  web_wait (s, "frames-out", 4);
  late = web_ask (s->port, "/stream?stream=video", 0);
  web_wait (s, "stream-clients", 2);
  for (; i < 6; i++)
    web_push (s, g_ptr_array_index (frames, i));
  gst_harness_push_event (s->h, gst_event_new_eos ());

  for (i = 0; i < 6; i++) {
    chunk = web_chunk (early);
    web_same (chunk, g_ptr_array_index (frames, i));
    g_bytes_unref (chunk);
    if (i < 3)
      continue;
    chunk = web_chunk (late);
    web_same (chunk, g_ptr_array_index (frames, i));
    g_bytes_unref (chunk);
  }
  /* in order, and then the connection ends */
  fail_unless (web_chunk (early) == NULL);
  fail_unless (web_chunk (late) == NULL);
  fail_unless (web_is_ended (early));
  web_close (early);
  web_close (late);
  web_wait_is (s, "clients", 0);
  fail_unless_equals_uint64 (web_stat (s, "frames-in"), 6);
  fail_unless_equals_uint64 (web_stat (s, "dropped"), 0);
  g_ptr_array_unref (frames);
  gst_caps_unref (caps);
  web_stop (s);
}

GST_END_TEST;

GST_START_TEST (test_http_1_0)
{
  WebServer *s = web_start (NULL);
  GPtrArray *frames = web_frames (2, NULL, NULL);
  WebClient *c = web_connect (s->port, 0);
  GstBuffer *both;
  GByteArray *all;
  GBytes *bytes;
  gchar *head;

  web_say (c, "GET /stream HTTP/1.0\r\n\r\n");
  head = web_read_to (c, "\r\n\r\n");
  fail_unless_equals_int (web_status (head), 200);
  fail_unless (strstr (head, "chunked") == NULL);
  g_free (head);
  web_wait (s, "stream-clients", 1);
  gst_harness_set_src_caps_str (s->h,
      "video/x-walloc, alignment=frame, parsed=true");
  web_push (s, g_ptr_array_index (frames, 0));
  web_push (s, g_ptr_array_index (frames, 1));
  gst_harness_push_event (s->h, gst_event_new_eos ());
  all = web_read_all (c);
  both = gst_buffer_append (gst_buffer_copy (g_ptr_array_index (frames, 0)),
      gst_buffer_copy (g_ptr_array_index (frames, 1)));
  bytes = g_bytes_new (all->data, all->len);
  g_byte_array_unref (all);
  web_same (bytes, both);
  g_bytes_unref (bytes);
  gst_buffer_unref (both);
  web_close (c);
  g_ptr_array_unref (frames);
  web_stop (s);
}

GST_END_TEST;

/* With predicted frames all since the key frame are there, or, where that is
 * too much, a new key frame is asked for. */
GST_START_TEST (test_late_among_predicted)
{
  WebServer *s = web_start (NULL);
  GstCaps *caps;
  GPtrArray *frames = web_still (8, &caps);
  WebClient *c;
  GBytes *chunk;
  guint i;

  web_caps (s, caps);
  for (i = 0; i < 5; i++)
    web_push (s, g_ptr_array_index (frames, i));
  web_wait (s, "frames-in", 5);
  c = web_ask (s->port, "/stream", 0);
  web_wait (s, "stream-clients", 1);
  for (; i < 8; i++)
    web_push (s, g_ptr_array_index (frames, i));
  for (i = 0; i < 8; i++) {
    chunk = web_chunk (c);
    web_same (chunk, g_ptr_array_index (frames, i));
    g_bytes_unref (chunk);
  }
  web_close (c);
  fail_unless_equals_uint64 (web_stat (s, "key-requests"), 0);
  g_ptr_array_unref (frames);
  gst_caps_unref (caps);
  web_stop (s);
}

GST_END_TEST;

static gboolean
is_key_request (GstEvent * event)
{
  return gst_video_event_is_force_key_unit (event);
}

static void
wait_for_key_request (WebServer * s)
{
  gboolean found = FALSE;

  while (!found) {
    GstEvent *event = gst_harness_pull_upstream_event (s->h);

    fail_unless (event != NULL);
    found = is_key_request (event);
    gst_event_unref (event);
  }
}

GST_START_TEST (test_key_frame_too_long_ago)
{
  WebServer *s = web_start ("max-queue-bytes=65536");
  GstCaps *caps;
  GPtrArray *frames = web_still (2, &caps);
  GPtrArray *next = web_frames (1, NULL, NULL);
  walloc_frame_info info;
  WebClient *c;
  GBytes *chunk;
  gboolean told;
  guint i;

  check_parse_header (g_ptr_array_index (frames, 1), &info);
  web_caps (s, caps);
  web_push (s, g_ptr_array_index (frames, 0));
  /* nothing is decoded here, so it may be the same one again and again */
  for (i = 0; i <= 32768 / (info.header_size + info.payload_size); i++)
    web_push (s, g_ptr_array_index (frames, 1));
  /* behind them: the server has seen them all */
  g_signal_emit_by_name (s->element, "push-event", "x", "1", &told);
  web_wait (s, "events", 1);
  c = web_ask (s->port, "/stream", 0);
  web_wait (s, "stream-clients", 1);
  web_push (s, g_ptr_array_index (frames, 1));
  wait_for_key_request (s);
  fail_unless_equals_uint64 (web_stat (s, "key-requests"), 1);
  /* not once more for the next one, as no second went by */
  web_push (s, g_ptr_array_index (frames, 1));
  web_push (s, g_ptr_array_index (next, 0));
  chunk = web_chunk (c);
  web_same (chunk, g_ptr_array_index (next, 0));
  g_bytes_unref (chunk);
  web_close (c);
  g_ptr_array_unref (frames);
  g_ptr_array_unref (next);
  gst_caps_unref (caps);
  web_stop (s);
}

GST_END_TEST;

GST_START_TEST (test_socket)
{
  WebServer *s = web_start (NULL);
  GstCaps *caps;
  GPtrArray *frames = web_frames (5, "quality=80", &caps);
  walloc_frame_info info;
  WebClient *c;
  GBytes *frame;
  gchar *text, *expected;
  WebMessage hello;

  web_caps (s, caps);
  web_push (s, g_ptr_array_index (frames, 0));
  c = web_socket (s->port, "/ws", "Sec-WebSocket-Protocol: walloc\r\n", 0);
  fail_unless (web_socket_read (c, &hello));
  fail_unless_equals_int (hello.opcode, 1);
  fail_unless (g_str_has_prefix ((gchar *) hello.data->data,
          "{\"type\":\"hello\",\"version\":1,\"streams\":[{\"id\":\"video\""));
  g_byte_array_unref (hello.data);
  text = web_socket_text (c, "clock");
  fail_unless (g_str_has_prefix (text,
          "{\"type\":\"clock\",\"stream\":\"video\",\"pts\":0,\"utc\":"));
  g_free (text);
  frame = web_socket_frame (c);
  web_same (frame, g_ptr_array_index (frames, 0));
  g_bytes_unref (frame);

  web_socket_say (c, "{\"type\":\"ping\",\"t\":12.5}");
  text = web_socket_text (c, "pong");
  fail_unless (g_str_has_prefix (text,
          "{\"type\":\"pong\",\"t\":12.5,\"utc\":"));
  g_free (text);
  web_socket_say (c, "{\"type\":\"of a later version\",\"x\":[]}");

  /* the pong says that it was heard */
  check_parse_header (g_ptr_array_index (frames, 1), &info);
  fail_unless_equals_int (info.layers, 3);
  web_socket_say (c, "{\"type\":\"layers\",\"max\":1}");
  web_socket_say (c, "{\"type\":\"ping\"}");
  text = web_socket_text (c, "pong");
  fail_unless (g_str_has_prefix (text, "{\"type\":\"pong\",\"t\":null,"));
  g_free (text);
  web_push (s, g_ptr_array_index (frames, 1));
  frame = web_socket_frame (c);
  fail_unless_equals_int (walloc_frame_parse (g_bytes_get_data (frame, NULL),
          g_bytes_get_size (frame), &info, NULL), WALLOC_OK);
  fail_unless_equals_int (info.layers, 1);
  g_bytes_unref (frame);
  fail_unless_equals_uint64 (web_stat (s, "thinned"), 1);

  web_socket_say (c, "{\"type\":\"keyframe\"}");
  wait_for_key_request (s);
  text = web_socket_text (c, "stats");
  expected = strstr (text, "\"layers\":1,\"stream-kbps\":");
  fail_unless (expected != NULL, "%s", text);
  g_free (text);

  /* another configuration */
  gst_caps_unref (caps);
  caps = gst_caps_from_string ("video/x-walloc, alignment=frame, parsed=true, "
      "width=32, height=16, framerate=5/1");
  web_caps (s, caps);
  text = web_socket_text (c, "config");
  fail_unless (strstr (text, "\"width\":32,\"height\":16,\"framerate\":5.0")
      != NULL, "%s", text);
  g_free (text);
  gst_harness_push_event (s->h, gst_event_new_eos ());
  fail_unless_equals_int (web_socket_code (c), 1000);
  web_close (c);
  g_ptr_array_unref (frames);
  gst_caps_unref (caps);
  web_stop (s);
}

GST_END_TEST;

GST_START_TEST (test_layers_in_query)
{
  WebServer *s = web_start (NULL);
  GstCaps *caps;
  GPtrArray *frames = web_frames (1, "quality=80", &caps);
  walloc_frame_info info;
  WebClient *c;
  GBytes *chunk;
  gchar *answer;

  web_caps (s, caps);
  web_push (s, g_ptr_array_index (frames, 0));
  web_wait (s, "frames-in", 1);
  c = web_ask (s->port, "/stream?layers=2", 0);
  chunk = web_chunk (c);
  fail_unless_equals_int (walloc_frame_parse (g_bytes_get_data (chunk, NULL),
          g_bytes_get_size (chunk), &info, NULL), WALLOC_OK);
  fail_unless_equals_int (info.layers, 2);
  fail_unless_equals_uint64 (g_bytes_get_size (chunk),
      info.header_size + info.payload_size);
  g_bytes_unref (chunk);
  web_close (c);

  answer = web_get (s->port, "/stream?layers=5", NULL);
  fail_unless_equals_int (web_status (answer), 400);
  g_free (answer);
  answer = web_get (s->port, "/stream?kbps=-1", NULL);
  fail_unless_equals_int (web_status (answer), 400);
  g_free (answer);
  answer = web_get (s->port, "/stream?stream=audio", NULL);
  fail_unless_equals_int (web_status (answer), 404);
  g_free (answer);
  answer = web_get (s->port, "/ws", NULL);
  fail_unless_equals_int (web_status (answer), 400);
  g_free (answer);
  g_ptr_array_unref (frames);
  gst_caps_unref (caps);
  web_stop (s);
}

GST_END_TEST;

/* After a flush nothing goes on that the clients have; sound after pictures
 * ends what would not be understood. */
GST_START_TEST (test_flush_and_other_media)
{
  WebServer *s = web_start (NULL);
  GstCaps *caps;
  GPtrArray *frames = web_still (4, &caps);
  GPtrArray *key = web_frames (1, NULL, NULL);
  GstSegment segment;
  WebClient *c;
  GBytes *chunk;

  web_caps (s, caps);
  c = web_ask (s->port, "/stream", 0);
  web_wait (s, "stream-clients", 1);
  web_push (s, g_ptr_array_index (frames, 0));
  gst_harness_push_event (s->h, gst_event_new_flush_start ());
  gst_harness_push_event (s->h, gst_event_new_flush_stop (TRUE));
  gst_segment_init (&segment, GST_FORMAT_TIME);
  gst_harness_push_event (s->h, gst_event_new_segment (&segment));
  web_push (s, g_ptr_array_index (frames, 1));
  web_push (s, g_ptr_array_index (key, 0));
  chunk = web_chunk (c);
  web_same (chunk, g_ptr_array_index (frames, 0));
  g_bytes_unref (chunk);
  chunk = web_chunk (c);
  web_same (chunk, g_ptr_array_index (key, 0));
  g_bytes_unref (chunk);

  gst_harness_set_src_caps_str (s->h, "audio/x-walloc, alignment=frame, "
      "parsed=true, rate=44100, channels=2");
  fail_unless (web_chunk (c) == NULL);
  web_close (c);
  g_ptr_array_unref (frames);
  g_ptr_array_unref (key);
  gst_caps_unref (caps);
  web_stop (s);
}

GST_END_TEST;

GST_START_TEST (test_not_frames)
{
  WebServer *s = web_start (NULL);
  GPtrArray *frames = web_frames (1, NULL, NULL);
  GstBuffer *cut = gst_buffer_copy_region (g_ptr_array_index (frames, 0),
      GST_BUFFER_COPY_ALL, 0, 100);
  GstMessage *message;
  GError *error;

  gst_harness_set_src_caps_str (s->h,
      "video/x-walloc, alignment=frame, parsed=true");
  web_push (s, cut);
  gst_buffer_unref (cut);
  cut = gst_buffer_new_allocate (NULL, 0, NULL);
  web_push (s, cut);
  gst_buffer_unref (cut);
  message = gst_bus_poll (s->bus, GST_MESSAGE_WARNING, GST_SECOND);
  fail_unless (message != NULL);
  gst_message_parse_warning (message, &error, NULL);
  fail_unless (g_error_matches (error, GST_STREAM_ERROR,
          GST_STREAM_ERROR_FORMAT));
  g_error_free (error);
  gst_message_unref (message);
  /* once */
  fail_unless (gst_bus_pop_filtered (s->bus, GST_MESSAGE_WARNING) == NULL);
  fail_unless_equals_uint64 (web_stat (s, "unknown"), 2);
  fail_unless_equals_uint64 (web_stat (s, "frames-in"), 0);
  g_ptr_array_unref (frames);
  web_stop (s);
}

GST_END_TEST;

static guint
health (WebServer * s)
{
  gchar *answer = web_get (s->port, "/health", NULL);
  guint status = web_status (answer);

  fail_unless ((status == 200) == (strstr (answer, "\"status\":\"ok\"") !=
          NULL));
  fail_unless ((status == 503) == (strstr (answer, "\"reason\":\"") != NULL));
  g_free (answer);

  return status;
}

GST_START_TEST (test_health_and_metrics)
{
  WebServer *s = web_start ("stall-timeout=200000000");
  GstCaps *caps;
  GPtrArray *frames = web_frames (1, NULL, &caps);
  gchar *answer, *line, **lines, **l;
  guint values = 0;

  fail_unless_equals_int (health (s), 503);
  web_caps (s, caps);
  do {
    web_push (s, g_ptr_array_index (frames, 0));
  } while (health (s) != 200);
  while (health (s) != 503)
    g_usleep (20000);
  web_push (s, g_ptr_array_index (frames, 0));

  answer = web_get (s->port, "/metrics", NULL);
  fail_unless (strstr (answer,
          "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"));
  line = g_strdup_printf ("\nwalloc_web_frames_in_total %" G_GUINT64_FORMAT
      "\n", web_stat (s, "frames-in"));
  fail_unless (strstr (answer, line) != NULL, "%s", answer);
  g_free (line);
  fail_unless (strstr (answer, "walloc_web_clients{kind=\"websocket\"} 0\n"));
  fail_unless (strstr (answer, "walloc_web_stream_kbps{stream=\"video\"} "));
  /* each line is a comment or a name and a number */
  lines = g_strsplit (web_body (answer), "\n", -1);
  for (l = lines; *l && **l; l++) {
    gchar *space = strrchr (*l, ' '), *end;

    if (g_str_has_prefix (*l, "# HELP ") || g_str_has_prefix (*l, "# TYPE "))
      continue;
    fail_unless (g_str_has_prefix (*l, "walloc_web_") && space, "%s", *l);
    g_ascii_strtod (space + 1, &end);
    fail_unless (*end == 0, "%s", *l);
    values++;
  }
  fail_unless (values > 20);
  g_strfreev (lines);
  g_free (answer);
  web_push (s, g_ptr_array_index (frames, 0));
  while (health (s) != 200);
  gst_harness_push_event (s->h, gst_event_new_eos ());
  while (health (s) != 503);
  g_ptr_array_unref (frames);
  gst_caps_unref (caps);
  web_stop (s);
}

GST_END_TEST;

static Suite *
wallocwebsink_suite (void)
{
  Suite *s = suite_create ("wallocwebsink");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (s, tc);
  tcase_set_timeout (tc, 60);
  tcase_add_test (tc, test_page);
  tcase_add_test (tc, test_not_there);
  tcase_add_test (tc, test_methods);
  tcase_add_test (tc, test_config);
  tcase_add_test (tc, test_model);
  tcase_add_test (tc, test_stream);
  tcase_add_test (tc, test_http_1_0);
  tcase_add_test (tc, test_late_among_predicted);
  tcase_add_test (tc, test_key_frame_too_long_ago);
  tcase_add_test (tc, test_socket);
  tcase_add_test (tc, test_layers_in_query);
  tcase_add_test (tc, test_flush_and_other_media);
  tcase_add_test (tc, test_not_frames);
  tcase_add_test (tc, test_health_and_metrics);

  return s;
}

GST_CHECK_MAIN (wallocwebsink);
