/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* wallocwebsink: results of networks and measurements on /events and /ws, from
 * metas, from messages, from the application; masks; clients that come back. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <jansson.h>

#include "gst/compressed/gstcompressedmeta.h"
#include "web-check.h"

/* The next event: name, id and data, as they stand. */
typedef struct
{
  gchar *name, *id, *data;
} Event;

/* Lines of chunks up to an empty one. */
static gchar *
next_block (WebClient * c, GString * rest)
{
  gchar *end, *block;

  while (!(end = strstr (rest->str, "\n\n"))) {
    GBytes *chunk = web_chunk (c);

    fail_unless (chunk != NULL, "the events ended");
    g_string_append_len (rest, g_bytes_get_data (chunk, NULL),
        g_bytes_get_size (chunk));
    g_bytes_unref (chunk);
  }
  block = g_strndup (rest->str, end - rest->str + 1);
  g_string_erase (rest, 0, end - rest->str + 2);

  return block;
}

static void
next_event (WebClient * c, GString * rest, Event * event)
{
  gchar *block = NULL, **lines;

  do {
    g_free (block);
    block = next_block (c, rest);
  } while (!g_str_has_prefix (block, "event: "));
  lines = g_strsplit (block, "\n", -1);
  fail_unless (g_str_has_prefix (lines[1], "id: "));
  fail_unless (g_str_has_prefix (lines[2], "data: "));
  fail_unless_equals_string (lines[3], "");
  event->name = g_strdup (lines[0] + 7);
  event->id = g_strdup (lines[1] + 4);
  event->data = g_strdup (lines[2] + 6);
  g_strfreev (lines);
  g_free (block);
}

static void
event_clear (Event * event)
{
  g_free (event->name);
  g_free (event->id);
  g_free (event->data);
}

static gboolean
push_event (WebServer * s, const gchar * name, const gchar * json)
{
  gboolean ret;

  g_signal_emit_by_name (s->element, "push-event", name, json, &ret);
  return ret;
}

GST_START_TEST (test_push_event)
{
  WebServer *s = web_start (NULL);
  WebClient *c = web_ask (s->port, "/events", 0);
  WebClient *socket = web_socket (s->port, "/ws", NULL, 0);
  GString *rest = g_string_new (NULL);
  Event event;
  gchar *big = g_strnfill (300000, '1'), *text;

  web_wait (s, "clients", 2);
  fail_unless (push_event (s, "door", "{ \"open\" :\n true, \"n\": 1.5 }"));
  next_event (c, rest, &event);
  fail_unless_equals_string (event.name, "door");
  fail_unless_equals_string (event.data, "{\"open\":true,\"n\":1.5}");
  event_clear (&event);
  text = web_socket_text (socket, "event");
  fail_unless_equals_string (text, "{\"type\":\"event\",\"name\":\"door\","
      "\"data\":{\"open\":true,\"n\":1.5}}");
  g_free (text);
  fail_unless (push_event (s, "a-b_c.9", "null"));

  fail_if (push_event (s, "", "{}"));
  fail_if (push_event (s, "a b", "{}"));
  fail_if (push_event (s, "a\nevent: b", "{}"));
  fail_if (push_event (s, "door", ""));
  fail_if (push_event (s, "door", "{"));
  fail_if (push_event (s, "door", "{}\n\ndata: {}"));
  fail_if (push_event (s, "door", big));
  fail_if (push_event (s, NULL, "{}"));
  fail_if (push_event (s, "door", NULL));
  web_wait_is (s, "events", 2);
  gst_element_set_state (s->element, GST_STATE_NULL);
  fail_if (push_event (s, "door", "{}"));
  g_free (big);
  g_string_free (rest, TRUE);
  web_close (c);
  web_close (socket);
  web_stop (s);
}

GST_END_TEST;

/* Who was there before gets what it missed, as far as it is kept. */
GST_START_TEST (test_resume)
{
  WebServer *s = web_start (NULL);
  WebClient *c = web_ask (s->port, "/events", 0);
  GString *rest = g_string_new (NULL);
  Event event;
  gchar *last = NULL, *expected;
  guint i, round;

  web_wait (s, "clients", 1);
  for (i = 0; i < 3; i++)
    fail_unless (push_event (s, "n", i == 0 ? "0" : i == 1 ? "1" : "2"));
  next_event (c, rest, &event);
  last = g_strdup (event.id);
  event_clear (&event);
  web_close (c);
  g_string_truncate (rest, 0);

  /* from the second on; then, with an id of another start or none at all */
  for (round = 0; round < 3; round++) {
    c = web_connect (s->port, 0);
    web_say (c, "GET /events HTTP/1.1\r\nHost: localhost\r\n"
        "Last-Event-ID: %s\r\n\r\n", round == 0 ? last : round == 1 ? "1-2" :
        "what?");
    g_free (web_read_to (c, "\r\n\r\n"));
    for (i = round == 0; i < 3; i++) {
      expected = g_strdup_printf ("%u", i);
      next_event (c, rest, &event);
      fail_unless_equals_string (event.data, expected);
      event_clear (&event);
      g_free (expected);
    }
    web_close (c);
  }

  /* 256 of them are kept */
  for (i = 0; i < 400; i++)
    fail_unless (push_event (s, "m", "{}"));
  web_wait (s, "events", 403);
  c = web_connect (s->port, 0);
  web_say (c, "GET /events HTTP/1.1\r\nHost: localhost\r\n"
      "Last-Event-ID: %s\r\n\r\n", last);
  g_free (web_read_to (c, "\r\n\r\n"));
  for (i = 0; i < 256; i++) {
    next_event (c, rest, &event);
    fail_unless_equals_string (event.name, "m");
    event_clear (&event);
  }
  fail_unless (push_event (s, "end", "{}"));
  next_event (c, rest, &event);
  fail_unless_equals_string (event.name, "end");
  event_clear (&event);
  web_close (c);
  g_free (last);
  g_string_free (rest, TRUE);
  web_stop (s);
}

GST_END_TEST;

static void
add_class (GstStructure * result, guint id, const gchar * label)
{
  GstCompressedClass item = { label, id, 0.75, 0.5, 0xff0000 };
  GValue classes = G_VALUE_INIT;

  g_value_init (&classes, GST_TYPE_ARRAY);
  gst_compressed_result_add_class (&classes, &item, TRUE);
  gst_structure_take_value (result, "classes", &classes);
}

static GstStructure *
result_at (const gchar * name, guint64 timestamp)
{
  GstStructure *s = gst_structure_new (name, "timestamp", G_TYPE_UINT64,
      timestamp, "duration", G_TYPE_UINT64, GST_CLOCK_TIME_NONE, "network",
      G_TYPE_STRING, "net", "label", G_TYPE_STRING, "a \"b\"\n", NULL);

  add_class (s, 3, "c");
  return s;
}

static void
set_mask (GstStructure * result, guint width, guint height, gboolean noise)
{
  GstCompressedMask mask = { NULL, };
  GRand *random = g_rand_new_with_seed (1);
  guint8 *data = g_malloc (width * height);
  guint i;

  for (i = 0; i < width * height; i++)
    data[i] = noise ? g_rand_int (random) : i < 200 ? 5 : 6;
  mask.buffer = gst_buffer_new_wrapped (data, width * height);
  gst_video_info_set_format (&mask.info, GST_VIDEO_FORMAT_GRAY8, width, height);
  mask.info.stride[0] = GST_ROUND_UP_4 (width);
  fail_unless_equals_int (mask.info.stride[0], width);
  mask.cell = 8;
  mask.width = width * 8;
  mask.height = height * 8;
  gst_compressed_result_set_mask (result, &mask);
  gst_buffer_unref (mask.buffer);
  g_rand_free (random);
}

/* Elements of a mask as the page reads them; returns how many. */
static guint
count_runs (const gchar * text, guint * leading)
{
  gsize size, i = 0;
  guchar *runs = g_base64_decode (text, &size);
  guint total = 0;

  *leading = 0;
  while (i < size) {
    guint length = 0, shift = 0;

    i++;
    do {
      fail_unless (i < size);
      length |= (runs[i] & 127u) << shift;
      shift += 7;
    } while (runs[i++] & 128);
    total += length;
    if (!*leading)
      *leading = length;
  }
  g_free (runs);

  return total;
}

GST_START_TEST (test_metas)
{
  WebServer *s = web_start (NULL);
  GstCaps *caps;
  GPtrArray *frames = web_frames (4, NULL, &caps);
  WebClient *c = web_ask (s->port, "/events", 0);
  GString *rest = g_string_new (NULL);
  GstBuffer *frame = gst_buffer_copy (g_ptr_array_index (frames, 0));
  GstStructure *result = result_at ("r", 40);
  json_t *json, *mask;
  Event event;
  guint leading;

  web_wait (s, "clients", 1);
  web_caps (s, caps);
  gst_compressed_meta_attach (frame, GST_COMPRESSED_CLASSIFY_META, result);
  set_mask (result, 80, 45, FALSE);
  gst_compressed_meta_attach (frame, GST_COMPRESSED_SEGMENT_META, result);
  web_push (s, frame);
  /* the same again says nothing new */
  gst_buffer_unref (frame);
  gst_structure_free (result);

  next_event (c, rest, &event);
  fail_unless_equals_string (event.name, "compressedclassify");
  fail_unless_equals_string (event.data, "{\"timestamp\":40,\"duration\":null,"
      "\"network\":\"net\",\"label\":\"a \\\"b\\\"\\n\",\"classes\":[{\"label\":"
      "\"c\",\"class-id\":3,\"share\":0.5,\"colour\":16711680}]}");
  event_clear (&event);
  next_event (c, rest, &event);
  fail_unless_equals_string (event.name, "compressedsegment");
  json = json_loads (event.data, 0, NULL);
  fail_unless (json != NULL);
  fail_unless_equals_int (json_integer_value (json_object_get (json, "width")),
      640);
  mask = json_object_get (json, "mask");
  fail_unless_equals_int (json_integer_value (json_object_get (mask,
              "width")), 80);
  fail_unless_equals_int (json_integer_value (json_object_get (mask,
              "height")), 45);
  fail_unless_equals_int (json_integer_value (json_object_get (mask, "cell")),
      8);
  fail_unless_equals_int (count_runs (json_string_value (json_object_get (mask,
                  "runs")), &leading), 80 * 45);
  fail_unless_equals_int (leading, 200);
  json_decref (json);
  event_clear (&event);

  /* too large a mask is thinned out */
  frame = gst_buffer_copy (g_ptr_array_index (frames, 1));
  result = result_at ("r", 80);
  set_mask (result, 1000, 500, FALSE);
  gst_compressed_meta_attach (frame, GST_COMPRESSED_SEGMENT_META, result);
  web_push (s, frame);
  gst_buffer_unref (frame);
  gst_structure_free (result);
  next_event (c, rest, &event);
  json = json_loads (event.data, 0, NULL);
  mask = json_object_get (json, "mask");
  fail_unless_equals_int (json_integer_value (json_object_get (mask,
              "width")), 334);
  fail_unless_equals_int (json_integer_value (json_object_get (mask, "cell")),
      24);
  fail_unless_equals_int (count_runs (json_string_value (json_object_get (mask,
                  "runs")), &leading), 334 * 167);
  json_decref (json);
  event_clear (&event);

  /* noise has no runs, but fits still */
  frame = gst_buffer_copy (g_ptr_array_index (frames, 2));
  result = result_at ("r", 120);
  set_mask (result, 256, 256, TRUE);
  gst_compressed_meta_attach (frame, GST_COMPRESSED_SEGMENT_META, result);
  web_push (s, frame);
  gst_buffer_unref (frame);
  gst_structure_free (result);
  next_event (c, rest, &event);
  fail_unless (strlen (event.data) < 256 * 1024);
  event_clear (&event);
  web_close (c);
  g_string_free (rest, TRUE);
  g_ptr_array_unref (frames);
  gst_caps_unref (caps);
  web_stop (s);
}

GST_END_TEST;

/* Messages of any element of the pipeline, as a launch line has it. Those that
 * come on buffers, too, are told once. */
GST_START_TEST (test_bus_messages)
{
  GstElement *pipeline = gst_parse_launch ("fakesrc name=other num-buffers=1 ! "
      "fakesink async=false bin.( wallocwebsink name=w port=0 sync=false "
      "async=false )", NULL);
  GString *rest = g_string_new (NULL);
  GstElement *other, *sink;
  GstStructure *result;
  WebServer s = { NULL, };
  GstBus *bus;
  WebClient *c;
  Event event;
  guint i;

  fail_unless (pipeline != NULL);
  other = gst_bin_get_by_name (GST_BIN (pipeline), "other");
  sink = gst_bin_get_by_name (GST_BIN (pipeline), "w");
  bus = gst_element_get_bus (pipeline);
  gst_element_set_state (pipeline, GST_STATE_PAUSED);
  s.element = sink;
  g_object_get (sink, "port", &s.port, NULL);
  c = web_ask (s.port, "/events", 0);
  web_wait (&s, "clients", 1);

  for (i = 0; i < 3; i++) {
    result = result_at (i == 1 ? "notmine" : "compressedclassify", 40 + i);
    fail_unless (gst_element_post_message (other,
            gst_message_new_element (GST_OBJECT (other), result)));
  }
  for (i = 0; i < 2; i++) {
    gchar *start = g_strdup_printf ("{\"timestamp\":%u,", 40 + 2 * i);

    next_event (c, rest, &event);
    fail_unless_equals_string (event.name, "compressedclassify");
    fail_unless (g_str_has_prefix (event.data, start), "%s", event.data);
    event_clear (&event);
    g_free (start);
  }
  /* numbers that are none, and what JSON has no word for */
  result = gst_structure_new ("spectralinspect", "psnr", G_TYPE_DOUBLE,
      G_MAXDOUBLE * 10, "caps", GST_TYPE_CAPS, GST_CAPS_ANY, "n", G_TYPE_INT,
      -5, NULL);
  gst_element_post_message (other, gst_message_new_element (GST_OBJECT (other),
          result));
  next_event (c, rest, &event);
  fail_unless_equals_string (event.data, "{\"psnr\":null,\"n\":-5}");
  event_clear (&event);
  fail_unless_equals_uint64 (web_stat (&s, "events"), 3);
  web_close (c);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  /* nobody listens any more */
  gst_element_post_message (other, gst_message_new_element (GST_OBJECT (other),
          result_at ("compressedclassify", 99)));
  gst_object_unref (bus);
  gst_object_unref (other);
  gst_object_unref (sink);
  gst_object_unref (pipeline);
  g_string_free (rest, TRUE);
}

GST_END_TEST;

GST_START_TEST (test_told_once)
{
  GstElement *pipeline = gst_pipeline_new (NULL);
  GstElement *src = gst_element_factory_make ("appsrc", NULL);
  GstElement *sink = gst_element_factory_make ("wallocwebsink", NULL);
  GString *rest = g_string_new (NULL);
  WebServer s = { NULL, };
  GstCaps *caps;
  GPtrArray *frames = web_frames (3, NULL, &caps);
  GstFlowReturn ret;
  WebClient *c;
  Event event;
  guint i;

  g_object_set (sink, "port", 0, "sync", FALSE, NULL);
  g_object_set (src, "caps", caps, "format", GST_FORMAT_TIME, NULL);
  gst_bin_add_many (GST_BIN (pipeline), src, sink, NULL);
  fail_unless (gst_element_link (src, sink));
  gst_element_set_state (pipeline, GST_STATE_PLAYING);
  s.element = sink;
  g_object_get (sink, "port", &s.port, NULL);
  c = web_ask (s.port, "/events", 0);
  web_wait (&s, "clients", 1);
  for (i = 0; i < 3; i++) {
    GstBuffer *frame = gst_buffer_copy (g_ptr_array_index (frames, i));
    GstStructure *result = result_at ("compressedclassify", i);

    gst_compressed_meta_attach (frame, GST_COMPRESSED_CLASSIFY_META, result);
    gst_element_post_message (src, gst_message_new_element (GST_OBJECT (src),
            result));
    g_signal_emit_by_name (src, "push-buffer", frame, &ret);
    fail_unless_equals_int (ret, GST_FLOW_OK);
    gst_buffer_unref (frame);
    web_wait (&s, "frames-in", i + 1);
    web_wait (&s, "events", i + 1);
  }
  g_signal_emit_by_name (sink, "push-event", "end", "{}", &ret);
  for (i = 0; i < 4; i++) {
    next_event (c, rest, &event);
    fail_unless_equals_string (event.name, i == 3 ? "end" :
        "compressedclassify");
    event_clear (&event);
  }
  fail_unless_equals_uint64 (web_stat (&s, "events"), 4);
  web_close (c);
  gst_element_set_state (pipeline, GST_STATE_NULL);
  gst_object_unref (pipeline);
  g_string_free (rest, TRUE);
  g_ptr_array_unref (frames);
  gst_caps_unref (caps);
}

GST_END_TEST;

static Suite *
wallocwebevents_suite (void)
{
  Suite *s = suite_create ("wallocwebevents");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (s, tc);
  tcase_set_timeout (tc, 60);
  tcase_add_test (tc, test_push_event);
  tcase_add_test (tc, test_resume);
  tcase_add_test (tc, test_metas);
  tcase_add_test (tc, test_bus_messages);
  tcase_add_test (tc, test_told_once);

  return s;
}

GST_CHECK_MAIN (wallocwebevents);
