/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* wallocwebsink: who may ask, from where, over TLS; clients of libsoup. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <glib/gstdio.h>
#include <libsoup/soup.h>

#include "web-check.h"

/* for localhost and 127.0.0.1, made for this test alone */
static const gchar certificate[] =
    "-----BEGIN CERTIFICATE-----\n"
    "MIIBmzCCAUGgAwIBAgIUTOVojMHCo7AKWcsYyF31k1nKu0wwCgYIKoZIzj0EAwIw\n"
    "FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMjA2MzkyMVoYDzIxMjYxMDI5\n"
    "MDYzOTIxWjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO\n"
    "PQMBBwNCAASkXnBxyqBPP7WOGb8FrvN+QLhzyx84nVu+rg/SKNVjKTFOFsY7KzM3\n"
    "/TYx9ExTRs8PsNpbgGxtWmysu2UHXYMSo28wbTAdBgNVHQ4EFgQUotbBAhrbNEoV\n"
    "nKxQz4emMTS+jRowHwYDVR0jBBgwFoAUotbBAhrbNEoVnKxQz4emMTS+jRowDwYD\n"
    "VR0TAQH/BAUwAwEB/zAaBgNVHREEEzARgglsb2NhbGhvc3SHBH8AAAEwCgYIKoZI\n"
    "zj0EAwIDSAAwRQIgBSSvMTak18EWMPlDdU+V87Lwj+oqhVx/4iV552da/+cCIQCd\n"
    "50Li8XlfhPoBEb/oAVcaDOJ5faPPI8e9UT4ihp7wuw==\n"
    "-----END CERTIFICATE-----\n";
static const gchar private_key[] =
    "-----BEGIN PRIVATE KEY-----\n"
    "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgFlV56b1HW+D+/c7D\n"
    "A0OFc5WB204cDLlMaE5NbIcxd/+hRANCAASkXnBxyqBPP7WOGb8FrvN+QLhzyx84\n"
    "nVu+rg/SKNVjKTFOFsY7KzM3/TYx9ExTRs8PsNpbgGxtWmysu2UHXYMS\n"
    "-----END PRIVATE KEY-----\n";

/* Token "s3cret+/" as each client would send it. */
#define TOKEN "s3cret+/"

/* clients that do not read */
#define STUCK 20

static guint
status_for (WebServer * s, const gchar * path, const gchar * headers)
{
  gchar *answer = web_get (s->port, path, headers);
  guint status = web_status (answer);

  fail_unless (strstr (answer, "s3cret") == NULL);
  g_free (answer);

  return status;
}

static void
check_token (WebServer * s)
{
  static const gchar *const paths[] = { "/config", "/stream", "/ws", "/events",
    "/metrics", "/models/0123456789abcdef.wlm", "/models/x"
  };
  static const gchar *const wrong[] =
      { NULL, "Authorization: Bearer s3cret\r\n",
    "Authorization: Bearer s3cret+/x\r\n", "Authorization: Bearer \r\n",
    "Authorization: Basic s3cret+/\r\n", "Authorization: s3cret+/\r\n",
    "Sec-WebSocket-Protocol: walloc.token.czNjcmV0\r\n",
    "Sec-WebSocket-Protocol: walloc.token.%%\r\n", "Cookie: token=s3cret+/\r\n"
  };
  gchar *answer;
  guint i, k;

  for (i = 0; i < G_N_ELEMENTS (paths); i++)
    for (k = 0; k < G_N_ELEMENTS (wrong); k++)
      fail_unless_equals_int (status_for (s, paths[i], wrong[k]), 401);
  fail_unless_equals_int (status_for (s, "/config?token=s3cret", NULL), 401);
  fail_unless_equals_int (status_for (s, "/config?token=", NULL), 401);
  fail_unless_equals_int (status_for (s, "/config?xtoken=s3cret%2B/", NULL),
      401);
  fail_unless_equals_uint64 (web_stat (s, "denied"), i * k + 3);

  answer = web_get (s->port, "/config", NULL);
  fail_unless (strstr (answer, "WWW-Authenticate: Bearer") != NULL);
  fail_unless (strstr (web_body (answer), "token") != NULL);
  g_free (answer);

  fail_unless_equals_int (status_for (s, "/config",
          "Authorization: Bearer s3cret+/\r\n"), 200);
  fail_unless_equals_int (status_for (s, "/config?x=1&token=s3cret%2B%2f",
          NULL), 200);
  web_close (web_socket (s->port, "/ws",
          "Sec-WebSocket-Protocol: walloc, walloc.token.czNjcmV0Ky8\r\n", 0));
  /* the page itself has no secrets */
  fail_unless_equals_int (status_for (s, "/", NULL), 200);
  fail_unless_equals_int (status_for (s, "/health", NULL), 503);
}

GST_START_TEST (test_token)
{
  WebServer *s = web_start ("token=" TOKEN);
  GParamSpec *spec = g_object_class_find_property (G_OBJECT_GET_CLASS
      (s->element), "token");

  /* dumps of a pipeline must not tell it */
  fail_if (spec->flags & G_PARAM_READABLE);
  check_token (s);
  web_stop (s);
}

GST_END_TEST;

static gchar *
write_file (const gchar * text)
{
  gchar *path = NULL;
  gint fd = g_file_open_tmp ("wallocweb-XXXXXX", &path, NULL);

  fail_unless (fd >= 0);
  close (fd);
  fail_unless (g_file_set_contents (path, text, -1, NULL));

  return path;
}

static void
check_error (const gchar * props, gint code)
{
  gchar *launch = g_strdup_printf ("wallocwebsink %s", props);
  GstElement *element = gst_parse_launch (launch, NULL);
  GstBus *bus = gst_bus_new ();
  GstMessage *message;
  GError *error;

  fail_unless (element != NULL, "%s", launch);
  gst_element_set_bus (element, bus);
  fail_unless_equals_int (gst_element_set_state (element, GST_STATE_READY),
      GST_STATE_CHANGE_FAILURE);
  message = gst_bus_pop_filtered (bus, GST_MESSAGE_ERROR);
  fail_unless (message != NULL);
  gst_message_parse_error (message, &error, NULL);
  fail_unless (g_error_matches (error, GST_RESOURCE_ERROR, code), "%s: %s",
      props, error->message);
  /* the cause and what to do */
  fail_unless (strlen (error->message) > 40, "%s", error->message);
  g_error_free (error);
  gst_message_unref (message);
  gst_element_set_bus (element, NULL);
  gst_element_set_state (element, GST_STATE_NULL);
  gst_object_unref (element);
  gst_object_unref (bus);
  g_free (launch);
}

GST_START_TEST (test_token_file)
{
  gchar *path = write_file (TOKEN "\nnot this\n"), *empty = write_file ("\n");
  gchar *props = g_strdup_printf ("token-file=%s", path);
  WebServer *s = web_start (props);

  check_token (s);
  web_stop (s);
  g_free (props);
  props = g_strdup_printf ("token-file=%s", empty);
  check_error (props, GST_RESOURCE_ERROR_SETTINGS);
  check_error ("token-file=/nowhere/at/all", GST_RESOURCE_ERROR_OPEN_READ);
  g_free (props);
  g_unlink (path);
  g_unlink (empty);
  g_free (path);
  g_free (empty);
}

GST_END_TEST;

GST_START_TEST (test_bad_settings)
{
  gchar *path = write_file ("no certificate\n");
  gchar *props = g_strdup_printf ("certificate-file=%s", path);

  check_error (props, GST_RESOURCE_ERROR_OPEN_READ);
  check_error ("certificate-file=/nowhere/at/all",
      GST_RESOURCE_ERROR_OPEN_READ);
  /* somebody meant TLS */
  check_error ("private-key-file=/nowhere/at/all", GST_RESOURCE_ERROR_SETTINGS);
  check_error ("address=999.1.2.3", GST_RESOURCE_ERROR_SETTINGS);
  /* TEST-NET-1: nobody's */
  check_error ("address=192.0.2.1", GST_RESOURCE_ERROR_OPEN_READ_WRITE);
  g_free (props);
  g_unlink (path);
  g_free (path);
}

GST_END_TEST;

static gboolean
warns (const gchar * props)
{
  gchar *text = g_strdup_printf ("wallocwebsink %s", props);
  GstElement *sink = gst_parse_launch (text, NULL);
  GstBus *bus = gst_bus_new ();
  GstMessage *message;

  g_free (text);
  gst_element_set_bus (sink, bus);
  fail_unless_equals_int (gst_element_set_state (sink, GST_STATE_READY),
      GST_STATE_CHANGE_SUCCESS);
  gst_element_set_state (sink, GST_STATE_NULL);
  message = gst_bus_pop_filtered (bus, GST_MESSAGE_WARNING);
  gst_element_set_bus (sink, NULL);
  gst_object_unref (bus);
  gst_object_unref (sink);
  if (!message)
    return FALSE;
  gst_message_unref (message);

  return TRUE;
}

/* Who serves a network without a token is told what that means. */
GST_START_TEST (test_open_to_all)
{
  fail_unless (warns ("address=0.0.0.0"));
  fail_if (warns ("address=0.0.0.0 token=s3cret"));
  fail_if (warns (""));
}

GST_END_TEST;

GST_START_TEST (test_origin)
{
  WebServer *s = web_start (NULL);
  gchar *own = g_strdup_printf ("Origin: http://127.0.0.1:%u\r\n", s->port);
  gchar *other_scheme = g_strdup_printf ("Origin: https://127.0.0.1:%u\r\n",
      s->port);
  static const gchar *const origins[] = { "Origin: http://evil.example\r\n",
    "Origin: null\r\n", "Origin: http://127.0.0.1\r\n", "Origin: \r\n",
    "Origin: http://127.0.0.1:1\r\n"
  };
  guint i;

  fail_unless_equals_int (status_for (s, "/config", own), 200);
  web_close (web_socket (s->port, "/ws", own, 0));
  for (i = 0; i < G_N_ELEMENTS (origins); i++) {
    /* an empty header is no origin for libsoup, or is refused */
    if (i == 3)
      continue;
    fail_unless_equals_int (status_for (s, "/config", origins[i]), 403);
    fail_unless_equals_int (status_for (s, "/ws", origins[i]), 403);
    fail_unless_equals_int (status_for (s, "/stream", origins[i]), 403);
  }
  fail_unless_equals_int (status_for (s, "/ws", other_scheme), 403);
  g_free (own);
  g_free (other_scheme);
  web_stop (s);
}

GST_END_TEST;

static gchar *
ask_options (WebServer * s, const gchar * origin)
{
  WebClient *c = web_connect (s->port, 0);
  gchar *head;

  web_say (c, "OPTIONS /config HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n"
      "Access-Control-Request-Method: GET\r\n"
      "Access-Control-Request-Headers: authorization\r\n%s\r\n", s->port,
      origin);
  head = web_read_to (c, "\r\n\r\n");
  fail_unless (head != NULL);
  web_close (c);

  return head;
}

GST_START_TEST (test_allowed_origins)
{
  static const gchar *const allowed[] = { "https://viewer.example:8443", NULL };
  static const gchar origin[] = "Origin: https://viewer.example:8443\r\n";
  WebServer *s = web_start (NULL);
  WebClient *c;
  gchar *answer;

  /* settings are read when the server starts */
  gst_element_set_state (s->element, GST_STATE_NULL);
  g_object_set (s->element, "allowed-origins", allowed, "port", 0, NULL);
  gst_element_set_state (s->element, GST_STATE_PLAYING);
  g_object_get (s->element, "port", &s->port, NULL);

  answer = web_get (s->port, "/config", origin);
  fail_unless_equals_int (web_status (answer), 200);
  fail_unless (strstr (answer, "Access-Control-Allow-Origin: "
          "https://viewer.example:8443\r\n") != NULL);
  g_free (answer);
  web_close (web_socket (s->port, "/ws", origin, 0));
  fail_unless_equals_int (status_for (s, "/config",
          "Origin: https://viewer.example\r\n"), 403);
  answer = web_get (s->port, "/config", NULL);
  fail_unless (strstr (answer, "Access-Control") == NULL);
  g_free (answer);

  /* before a page sends its token */
  answer = ask_options (s, origin);
  fail_unless_equals_int (web_status (answer), 204);
  fail_unless (strstr (answer, "Access-Control-Allow-Origin: "
          "https://viewer.example:8443\r\n") != NULL);
  fail_unless (strstr (answer, "Access-Control-Allow-Headers: Authorization")
      != NULL);
  g_free (answer);
  answer = ask_options (s, "Origin: https://evil.example\r\n");
  fail_unless_equals_int (web_status (answer), 405);
  fail_unless (strstr (answer, "Access-Control") == NULL);
  g_free (answer);

  /* a name that was pointed at this machine, and one that may be */
  c = web_connect (s->port, 0);
  web_say (c, "GET /config HTTP/1.1\r\nHost: rebound.example\r\n"
      "Origin: http://rebound.example\r\n\r\n");
  answer = web_read_to (c, "\r\n\r\n");
  fail_unless_equals_int (web_status (answer), 403);
  g_free (answer);
  web_close (c);
  c = web_connect (s->port, 0);
  web_say (c, "GET /config HTTP/1.1\r\nHost: viewer.example\r\n\r\n");
  answer = web_read_to (c, "\r\n\r\n");
  fail_unless_equals_int (web_status (answer), 200);
  g_free (answer);
  web_close (c);
  web_stop (s);
}

GST_END_TEST;

static gboolean
accept_own (SoupMessage * message, GTlsCertificate * peer,
    GTlsCertificateFlags errors, gpointer own)
{
  return g_tls_certificate_is_same (peer, own);
}

static gboolean
accept_peer (GTlsConnection * connection, GTlsCertificate * peer,
    GTlsCertificateFlags errors, gpointer own)
{
  return g_tls_certificate_is_same (peer, own);
}

/* A client of libsoup, in the test's thread. */
typedef struct
{
  GMainLoop *loop;
  SoupWebsocketConnection *socket;
  GError *error;
  guint texts, frames, code;
} Peer;

static void
on_connected (GObject * session, GAsyncResult * result, gpointer data)
{
  Peer *peer = data;

  peer->socket = soup_session_websocket_connect_finish (SOUP_SESSION (session),
      result, &peer->error);
  g_main_loop_quit (peer->loop);
}

static void
on_text_or_frame (SoupWebsocketConnection * socket, gint type, GBytes * bytes,
    gpointer data)
{
  Peer *peer = data;

  if (type == SOUP_WEBSOCKET_DATA_TEXT)
    peer->texts++;
  else
    peer->frames++;
  g_main_loop_quit (peer->loop);
}

static void
on_closed (SoupWebsocketConnection * socket, gpointer data)
{
  Peer *peer = data;

  peer->code = soup_websocket_connection_get_close_code (socket);
  g_main_loop_quit (peer->loop);
}

GST_START_TEST (test_tls)
{
  gchar *cert = write_file (certificate), *key = write_file (private_key);
  gchar *props = g_strdup_printf ("certificate-file=%s private-key-file=%s "
      "token=abc request-timeout=1000000000", cert, key), *url;
  WebServer *s = web_start (props);
  GTlsCertificate *own = g_tls_certificate_new_from_pem (certificate, -1, NULL);
  GPtrArray *frames = web_frames (3, NULL, NULL);
  SoupSession *session = soup_session_new ();
  gchar *protocols[] = { (gchar *) "walloc", (gchar *) "walloc.token.YWJj",
    NULL
  };
  Peer peer = { g_main_loop_new (NULL, FALSE), };
  SoupMessage *message;
  WebClient *c;
  GBytes *body;
  guint i;

  g_object_get (s->element, "url", &url, NULL);
  fail_unless (g_str_has_prefix (url, "https://127.0.0.1:"));
  g_free (url);
  url = g_strdup_printf ("https://127.0.0.1:%u/config?token=abc", s->port);
  message = soup_message_new ("GET", url);
  g_signal_connect (message, "accept-certificate", G_CALLBACK (accept_own),
      own);
  body = soup_session_send_and_read (session, message, NULL, &peer.error);
  fail_unless (body != NULL, "%s", peer.error ? peer.error->message : "");
  fail_unless_equals_int (soup_message_get_status (message), 200);
  g_bytes_unref (body);
  g_object_unref (message);
  g_free (url);

  url = g_strdup_printf ("wss://127.0.0.1:%u/ws", s->port);
  message = soup_message_new ("GET", url);
  g_signal_connect (message, "accept-certificate", G_CALLBACK (accept_own),
      own);
  soup_session_websocket_connect_async (session, message, NULL, protocols,
      G_PRIORITY_DEFAULT, NULL, on_connected, &peer);
  g_main_loop_run (peer.loop);
  fail_unless (peer.socket != NULL, "%s", peer.error ? peer.error->message :
      "");
  fail_unless_equals_string (soup_websocket_connection_get_protocol
      (peer.socket), "walloc");
  g_signal_connect (peer.socket, "message", G_CALLBACK (on_text_or_frame),
      &peer);
  g_signal_connect (peer.socket, "closed", G_CALLBACK (on_closed), &peer);
  gst_harness_set_src_caps_str (s->h,
      "video/x-walloc, alignment=frame, parsed=true");
  for (i = 0; i < 3; i++)
    web_push (s, g_ptr_array_index (frames, i));
  while (peer.frames < 3)
    g_main_loop_run (peer.loop);
  fail_unless (peer.texts >= 2);
  gst_harness_push_event (s->h, gst_event_new_eos ());
  while (peer.code == 0)
    g_main_loop_run (peer.loop);
  fail_unless_equals_int (peer.code, 1000);

  /* who does not speak TLS, or does not go on with it, is gone */
  c = web_connect (s->port, 0);
  web_say (c, "GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
  fail_unless (web_is_ended (c));
  fail_unless (c->in->len < 5 || memcmp (c->in->data, "HTTP/", 5) != 0);
  web_close (c);
  c = web_connect (s->port, 0);
  web_send (c, "\x16\x03\x01", 3);
  fail_unless (web_is_ended (c));
  web_close (c);

  g_object_unref (peer.socket);
  soup_session_abort (session);
  g_object_unref (session);
  g_object_unref (message);
  g_main_loop_unref (peer.loop);
  g_object_unref (own);
  g_ptr_array_unref (frames);
  g_unlink (cert);
  g_unlink (key);
  g_free (cert);
  g_free (key);
  g_free (props);
  g_free (url);
  web_stop (s);
}

GST_END_TEST;

/* A WebSocket over TLS that does not read; NULL when there is none. */
static GIOStream *
stuck_socket (WebServer * s, GTlsCertificate * own)
{
  WebClient *plain = web_connect (s->port, 32768);
  GSocket *socket = g_socket_new_from_fd (dup (plain->fd), NULL);
  GSocketConnection *base =
      g_socket_connection_factory_create_connection (socket);
  GIOStream *tls = g_tls_client_connection_new (G_IO_STREAM (base), NULL, NULL);
  static const gchar ask[] = "GET /ws HTTP/1.1\r\nHost: localhost\r\n"
      "Connection: Upgrade\r\nUpgrade: websocket\r\n"
      "Sec-WebSocket-Version: 13\r\n"
      "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
  gchar head[12];

  web_close (plain);
  g_socket_set_timeout (socket, WEB_PATIENCE);
  g_signal_connect (tls, "accept-certificate", G_CALLBACK (accept_peer), own);
  fail_unless (g_output_stream_write_all (g_io_stream_get_output_stream (tls),
          ask, strlen (ask), NULL, NULL, NULL));
  fail_unless (g_input_stream_read_all (g_io_stream_get_input_stream (tls),
          head, sizeof (head), NULL, NULL, NULL));
  fail_unless (memcmp (head, "HTTP/1.1 101", sizeof (head)) == 0);
  g_object_unref (base);
  g_object_unref (socket);

  return tls;
}

/* What TLS could not write must be written as it was, even when the client is
 * told to go meanwhile: where that begins in the header of a message differs
 * from client to client. */
GST_START_TEST (test_tls_stuck)
{
  static const guint8 wrong[] = { 0xf1, 0x80, 1, 2, 3, 4 };
  gchar *cert = write_file (certificate), *key = write_file (private_key);
  gchar *props = g_strdup_printf ("certificate-file=%s private-key-file=%s "
      "max-queue-time=60000000000",
      cert, key), *json = g_strnfill (132, '1');
  WebServer *s = web_start (props);
  GTlsCertificate *own = g_tls_certificate_new_from_pem (certificate, -1, NULL);
  GIOStream *clients[STUCK];
  guint8 bytes[4096];
  guint i, events = 0;

  json[0] = json[131] = '"';
  for (i = 0; i < STUCK; i++) {
    gboolean told;

    clients[i] = stuck_socket (s, own);
    /* all clients wait at another place */
    g_signal_emit_by_name (s->element, "push-event", "x", "1", &told);
    web_wait (s, "events", ++events);
  }
  while (web_stat (s, "queued") < STUCK * 100000) {
    gboolean told;

    for (i = 0; i < 100; i++)
      g_signal_emit_by_name (s->element, "push-event", "x", json, &told);
    web_wait (s, "events", events += 100);
    fail_unless (events < 100000);
  }
  for (i = 0; i < STUCK; i++)
    fail_unless (g_output_stream_write_all (g_io_stream_get_output_stream
            (clients[i]), wrong, sizeof (wrong), NULL, NULL, NULL));
  web_wait (s, "bad", STUCK);
  for (i = 0; i < STUCK; i++) {
    while (g_input_stream_read (g_io_stream_get_input_stream (clients[i]),
            bytes, sizeof (bytes), NULL, NULL) > 0);
    g_object_unref (clients[i]);
  }
  web_wait_is (s, "clients", 0);
  web_wait_is (s, "open", 0);
  fail_unless_equals_uint64 (web_stat (s, "queued"), 0);

  g_object_unref (own);
  g_unlink (cert);
  g_unlink (key);
  g_free (cert);
  g_free (key);
  g_free (props);
  g_free (json);
  web_stop (s);
}

GST_END_TEST;

static Suite *
wallocwebauth_suite (void)
{
  Suite *s = suite_create ("wallocwebauth");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (s, tc);
  tcase_set_timeout (tc, 60);
  tcase_add_test (tc, test_token);
  tcase_add_test (tc, test_token_file);
  tcase_add_test (tc, test_bad_settings);
  tcase_add_test (tc, test_open_to_all);
  tcase_add_test (tc, test_origin);
  tcase_add_test (tc, test_allowed_origins);
  tcase_add_test (tc, test_tls);
  tcase_add_test (tc, test_tls_stuck);

  return s;
}

GST_CHECK_MAIN (wallocwebauth);
