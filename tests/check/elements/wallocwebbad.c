/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* wallocwebsink and clients that mean harm, or are broken: each costs what its
 * limit says and no other client notices. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "web-check.h"

/* whoever asks now gets an answer */
static void
still_there (WebServer * s)
{
  gchar *answer = web_get (s->port, "/config", NULL);

  fail_unless_equals_int (web_status (answer), 200);
  g_free (answer);
}

GST_START_TEST (test_half_open)
{
  WebServer *s = web_start ("request-timeout=300000000");
  WebClient *c[5];
  guint i;

  for (i = 0; i < 5; i++)
    c[i] = web_connect (s->port, 0);
  /* one says nothing, others stop somewhere */
  web_say (c[1], "G");
  web_say (c[2], "GET / HTTP/1.1\r\n");
  web_say (c[3], "GET / HTTP/1.1\r\nHost: localhost\r\nX: ");
  web_say (c[4], "\r\n\r\n");
  for (i = 0; i < 5; i++) {
    fail_unless (web_is_ended (c[i]));
    web_close (c[i]);
  }
  web_wait_is (s, "open", 0);
  fail_unless (web_stat (s, "timed-out") >= 4);
  still_there (s);
  web_stop (s);
}

GST_END_TEST;

/* A byte now and then does not make a request take longer. */
GST_START_TEST (test_slow_request)
{
  WebServer *s = web_start ("request-timeout=400000000");
  WebClient *c = web_connect (s->port, 0);
  gint64 start = g_get_monotonic_time ();

  web_say (c, "GET / HTTP/1.1\r\nHost: localhost\r\n");
  while (web_stat (s, "timed-out") == 0) {
    fail_unless (g_get_monotonic_time () - start < WEB_PATIENCE *
        G_USEC_PER_SEC);
    web_say (c, "X-A: b\r\n");
    g_usleep (20000);
  }
  web_close (c);
  web_wait_is (s, "open", 0);
  still_there (s);
  web_stop (s);
}

GST_END_TEST;

/* An answer that nobody reads does not stay: the model is more than fits into
 * the socket's buffers. One who reads gets it. */
GST_START_TEST (test_slow_answer)
{
  /* time enough for the one who reads, on a busy machine too */
  WebServer *s = web_start ("request-timeout=600000000");
  GstCaps *caps;
  GPtrArray *frames = web_frames (1, NULL, &caps);
  const gchar *id = gst_structure_get_string (gst_caps_get_structure (caps, 0),
      "model-id");
  GByteArray *all;
  WebClient *c[2];
  gchar *data;
  gsize size;
  guint i;

  fail_unless (g_file_get_contents (check_model (), &data, &size, NULL));
  g_free (data);
  if (size < 1000000) {
    /* the one for tests alone is too small for this */
    g_ptr_array_unref (frames);
    gst_caps_unref (caps);
    web_stop (s);
    return;
  }
  web_caps (s, caps);
  web_push (s, g_ptr_array_index (frames, 0));
  do {
    /* until the server knows that the stream uses it */
    data = web_get (s->port, "/config", NULL);
    i = strstr (data, id) != NULL;
    g_free (data);
  } while (!i);
  for (i = 0; i < 2; i++) {
    c[i] = web_connect (s->port, i == 0 ? 4096 : 0);
    web_say (c[i], "GET /models/%s.wlm HTTP/1.1\r\nHost: localhost\r\n\r\n",
        id);
  }
  all = web_read_all (c[1]);
  fail_unless (all->len > size);
  g_byte_array_unref (all);
  web_wait (s, "timed-out", 1);
  web_wait_is (s, "open", 0);
  still_there (s);
  web_close (c[0]);
  web_close (c[1]);
  g_ptr_array_unref (frames);
  gst_caps_unref (caps);
  web_stop (s);
}

GST_END_TEST;

static guint
status_of (WebServer * s, const gchar * request, gsize size)
{
  WebClient *c = web_connect (s->port, 0);
  gchar *head;
  guint status = 0;

  web_send (c, request, size);
  head = web_read_to (c, "\r\n\r\n");
  if (head)
    status = web_status (head);
  g_free (head);
  fail_unless (web_is_ended (c));
  web_close (c);

  return status;
}

static guint
status_of_text (WebServer * s, const gchar * format, const gchar * filling,
    gsize size)
{
  gchar *fill = g_strnfill (size, *filling);
  gchar *text = g_strdup_printf (format, fill);
  guint status = status_of (s, text, strlen (text));

  g_free (fill);
  g_free (text);

  return status;
}

GST_START_TEST (test_too_long)
{
  WebServer *s = web_start ("request-timeout=2000000000");

  fail_unless_equals_int (status_of_text (s, "GET /%s HTTP/1.1\r\n"
          "Host: localhost\r\n\r\n", "a", 5000), 414);
  fail_unless_equals_int (status_of_text (s, "GET /config?x=%s HTTP/1.1\r\n"
          "Host: localhost\r\n\r\n", "a", 5000), 414);
  fail_unless_equals_int (status_of_text (s, "GET /config HTTP/1.1\r\n"
          "Host: localhost\r\nX: %s\r\n\r\n", "a", 20000), 431);
  /* these do not end: libsoup gives up at 64 KiB */
  fail_unless (status_of_text (s, "GET /config HTTP/1.1\r\nX: %s", "a",
          200000) != 200);
  fail_unless (status_of_text (s, "%s", "a", 200000) != 200);
  fail_unless (status_of_text (s, "%s", "\n", 20000) != 200);
  fail_unless (web_stat (s, "bad") >= 3);
  still_there (s);
  web_stop (s);
}

GST_END_TEST;

GST_START_TEST (test_bodies)
{
  WebServer *s = web_start (NULL);
  static const gchar *const requests[] = {
    "POST /config HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3\r\n\r\nabc",
    "GET /config HTTP/1.1\r\nHost: localhost\r\nContent-Length: "
        "9223372036854775807\r\n\r\nabc",
    "PUT / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n"
        "ffffffff\r\nabc",
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (requests); i++)
    fail_unless_equals_int (status_of (s, requests[i], strlen (requests[i])),
        413);
  still_there (s);
  web_stop (s);
}

GST_END_TEST;

GST_START_TEST (test_malformed)
{
  static const gchar *const requests[] = {
    "GET\r\n\r\n", "GET /\r\n\r\n", "GET / HTTP/9.9\r\n\r\n",
    "GET / HTTP/1.1\r\n\r\n", "GET http:// HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET ftp://localhost/config HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "CONNECT a:b HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: localhost/x\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: localhost\r\nContent-Length: -1\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: x\r\n\r\n",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "* * *\r\n\r\n",
    "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n",
    "OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n",
  };
  WebServer *s = web_start ("request-timeout=1000000000");
  GRand *random = g_rand_new_with_seed (5);
  guint i, k;

  for (i = 0; i < G_N_ELEMENTS (requests); i++)
    fail_unless (status_of (s, requests[i], strlen (requests[i])) != 200,
        "%s", requests[i]);
  for (i = 0; i < 40; i++) {
    gchar request[200];
    gsize size = g_snprintf (request, sizeof (request),
        "GET /config?stream=%%20 HTTP/1.1\r\nHost: localhost\r\nX: y\r\n\r\n");

    for (k = 0; k < 4; k++)
      request[g_rand_int_range (random, 0, size)] = g_rand_int (random);
    memcpy (request + size, "\r\n\r\n", 4);
    status_of (s, request, size + 4);
  }
  g_rand_free (random);
  still_there (s);
  web_stop (s);
}

GST_END_TEST;

GST_START_TEST (test_bad_handshakes)
{
  static const gchar *const headers[] = {
    "", "Upgrade: websocket\r\nConnection: Upgrade\r\n",
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 8\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: short\r\n",
    "Upgrade: h2c\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
  };
  WebServer *s = web_start (NULL);
  guint i;

  for (i = 0; i < G_N_ELEMENTS (headers); i++) {
    gchar *answer = web_get (s->port, "/ws", headers[i]);

    fail_unless_equals_int (web_status (answer), 400);
    g_free (answer);
  }
  fail_unless_equals_uint64 (web_stat (s, "bad"), G_N_ELEMENTS (headers));
  web_stop (s);
}

GST_END_TEST;

/* What is sent, and the code that ends the connection. */
static void
check_code (WebServer * s, guint8 first, gconstpointer data, gsize size,
    guint code)
{
  WebClient *c = web_socket (s->port, "/ws", NULL, 0);

  web_socket_send (c, first, data, size);
  fail_unless_equals_int (web_socket_code (c), code);
  web_close (c);
}

GST_START_TEST (test_bad_messages)
{
  static const gchar *const texts[] = { "", "x", "[]", "{}", "{\"type\":1}",
    "{\"type\":\"ping\",\"t\":\"text\"}", "{\"type\":\"layers\"}",
    "{\"type\":\"layers\",\"max\":5}", "{\"type\":\"layers\",\"max\":-1}",
    "{\"type\":\"layers\",\"max\":1.5}", "{\"type\":\"rate\",\"kbps\":1e99}",
    "{\"type\":\"rate\",\"kbps\":99999999999}",
    "{\"type\":\"ping\",\"type\":\"ping\"}", "{\"type\":\"ping\"} x"
  };
  WebServer *s = web_start (NULL);
  gchar *deep = g_strnfill (4000, '['), *big = g_strnfill (5000, ' ');
  WebClient *c;
  guint i;

  for (i = 0; i < G_N_ELEMENTS (texts); i++)
    check_code (s, 0x81, texts[i], strlen (texts[i]), 1008);
  check_code (s, 0x81, deep, 4000, 1008);
  check_code (s, 0x81, big, 5000, 1009);
  check_code (s, 0x82, "abc", 3, 1003);
  check_code (s, 0x81, "\xff\xfe", 2, 1007);
  check_code (s, 0x81, "\xed\xa0\x80", 3, 1007);
  /* reserved bits, opcodes, control frames in parts or too long */
  check_code (s, 0xc1, "{}", 2, 1002);
  check_code (s, 0x83, "{}", 2, 1002);
  check_code (s, 0x8b, "{}", 2, 1002);
  check_code (s, 0x09, "{}", 2, 1002);
  check_code (s, 0x89, big, 126, 1002);
  check_code (s, 0x80, "{}", 2, 1002);
  check_code (s, 0x88, "\x03", 1, 1002);
  check_code (s, 0x88, "\x03\xed", 2, 1002);
  check_code (s, 0x88, "\x03\xe8\xff", 3, 1007);
  check_code (s, 0x88, "\x03\xe9", 2, 1000);

  /* parts without end */
  c = web_socket (s->port, "/ws", NULL, 0);
  web_socket_send (c, 0x01, big, 4000);
  web_socket_send (c, 0x00, big, 4000);
  fail_unless_equals_int (web_socket_code (c), 1009);
  web_close (c);
  /* a new message within one */
  c = web_socket (s->port, "/ws", NULL, 0);
  web_socket_send (c, 0x01, "{", 1);
  web_socket_send (c, 0x81, "{}", 2);
  fail_unless_equals_int (web_socket_code (c), 1002);
  web_close (c);
  /* no mask, a length that is longer than it needs, an absurd one */
  for (i = 0; i < 3; i++) {
    static const guint8 frames[3][14] = { {0x81, 0x02, '{', '}'},
    {0x81, 0xfe, 0x00, 0x02, 1, 2, 3, 4, 5, 6},
    {0x81, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1, 2, 3, 4}
    };
    static const guint codes[3] = { 1002, 1002, 1009 };

    c = web_socket (s->port, "/ws", NULL, 0);
    web_send (c, frames[i], 14);
    fail_unless_equals_int (web_socket_code (c), codes[i]);
    web_close (c);
  }
  g_free (deep);
  g_free (big);
  web_wait_is (s, "open", 0);
  still_there (s);
  web_stop (s);
}

GST_END_TEST;

/* Messages in parts with pings between them are right; so many pings that
 * nobody reads the answers to cost no memory. */
GST_START_TEST (test_parts_and_pings)
{
  WebServer *s = web_start (NULL);
  WebClient *c = web_socket (s->port, "/ws", NULL, 0);
  WebMessage message;
  gchar *text, payload[125];
  guint i;

  web_socket_send (c, 0x01, "{\"type\":", 8);
  web_socket_send (c, 0x89, "hello", 5);
  web_socket_send (c, 0x00, "\"ping\",", 7);
  web_socket_send (c, 0x80, "\"t\":7}", 6);
  do {
    fail_unless (web_socket_read (c, &message));
    i = message.opcode;
    if (i == 10)
      fail_unless (message.data->len == 5 && memcmp (message.data->data,
              "hello", 5) == 0);
    g_byte_array_unref (message.data);
  } while (i != 10);
  text = web_socket_text (c, "pong");
  fail_unless (g_str_has_prefix (text, "{\"type\":\"pong\",\"t\":7,"));
  g_free (text);
  web_close (c);

  c = web_socket (s->port, "/ws", NULL, 4096);
  memset (payload, 'x', sizeof (payload));
  for (i = 0; i < 100000 && web_stat (s, "clients") > 0; i++) {
    web_socket_send (c, 0x89, payload, 125);
    if (i % 1000 == 0)
      fail_unless (web_stat (s, "queued") < 16384);
  }
  web_close (c);
  web_wait_is (s, "open", 0);
  still_there (s);
  web_stop (s);
}

GST_END_TEST;

GST_START_TEST (test_no_pong)
{
  WebServer *s = web_start ("idle-timeout=600000000");
  WebClient *c = web_socket (s->port, "/ws", NULL, 0);
  WebClient *lively = web_socket (s->port, "/ws", NULL, 0);
  WebMessage message;
  guint pings = 0;

  /* one answers, the other does not */
  while (pings < 8) {
    fail_unless (web_socket_read (lively, &message));
    if (message.opcode == 9) {
      web_socket_send (lively, 0x8a, message.data->data, message.data->len);
      pings++;
    }
    fail_unless (message.opcode != 8);
    g_byte_array_unref (message.data);
  }
  fail_unless_equals_int (web_socket_code (c), 1001);
  fail_unless_equals_uint64 (web_stat (s, "timed-out"), 1);
  web_close (c);
  web_close (lively);
  web_stop (s);
}

GST_END_TEST;

/* A client of a stream that talks is not listened to. */
GST_START_TEST (test_talkative)
{
  WebServer *s = web_start (NULL);
  WebClient *c = web_ask (s->port, "/stream", 0);
  gchar *junk = g_strnfill (65536, 'x');

  web_wait (s, "stream-clients", 1);
  web_send (c, junk, 65536);
  web_wait_is (s, "clients", 0);
  web_close (c);
  g_free (junk);
  still_there (s);
  web_stop (s);
}

GST_END_TEST;

GST_START_TEST (test_too_many)
{
  WebServer *s = web_start ("max-clients=3");
  WebClient *c[3], *idle[70];
  gchar *answer;
  guint i;

  c[0] = web_ask (s->port, "/stream", 0);
  c[1] = web_ask (s->port, "/events", 0);
  c[2] = web_socket (s->port, "/ws", NULL, 0);
  answer = web_get (s->port, "/stream", NULL);
  fail_unless_equals_int (web_status (answer), 503);
  fail_unless (strstr (answer, "Retry-After: ") != NULL);
  g_free (answer);
  fail_unless_equals_uint64 (web_stat (s, "rejected"), 1);
  /* but what is no stream still works */
  still_there (s);
  web_close (c[0]);
  web_wait_is (s, "clients", 2);
  c[0] = web_ask (s->port, "/stream", 0);

  /* connections that ask for nothing, until there is no room for another one */
  for (i = 0; i < 70; i++)
    idle[i] = web_connect (s->port, 0);
  fail_unless (web_is_ended (idle[69]));
  web_wait_is (s, "open", 3 + 64);
  for (i = 0; i < 70; i++)
    web_close (idle[i]);
  web_wait_is (s, "open", 3);
  still_there (s);
  for (i = 0; i < 3; i++)
    web_close (c[i]);
  web_stop (s);

  s = web_start ("max-connections-per-address=2");
  c[0] = web_ask (s->port, "/stream", 0);
  c[1] = web_ask (s->port, "/stream", 0);
  c[2] = web_connect (s->port, 0);
  fail_unless (web_is_ended (c[2]));
  web_close (c[0]);
  web_wait_is (s, "open", 1);
  still_there (s);
  web_close (c[1]);
  web_close (c[2]);
  web_stop (s);
}

GST_END_TEST;

static Suite *
wallocwebbad_suite (void)
{
  Suite *s = suite_create ("wallocwebbad");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (s, tc);
  tcase_set_timeout (tc, 60);
  tcase_add_test (tc, test_half_open);
  tcase_add_test (tc, test_slow_request);
  tcase_add_test (tc, test_slow_answer);
  tcase_add_test (tc, test_too_long);
  tcase_add_test (tc, test_bodies);
  tcase_add_test (tc, test_malformed);
  tcase_add_test (tc, test_bad_handshakes);
  tcase_add_test (tc, test_bad_messages);
  tcase_add_test (tc, test_parts_and_pings);
  tcase_add_test (tc, test_no_pong);
  tcase_add_test (tc, test_talkative);
  tcase_add_test (tc, test_too_many);

  return s;
}

GST_CHECK_MAIN (wallocwebbad);
