/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* wallocwebsink over TLS: clients of libsoup, such that do not read, and such that
 * do not go on with the handshake. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <glib/gstdio.h>
#include <libsoup/soup.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "web-check.h"

/* clients that do not read; that do not shake hands */
#define STUCK 20
#define HALF_OPEN 200
/* 127.0.0.2 */
#define OTHER_ADDRESS 0x7f000002

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
  gchar *cert = web_write_file (certificate), *key =
      web_write_file (private_key);
  gchar *props =
      g_strdup_printf ("certificate-file=%s private-key-file=%s "
      "token=abc request-timeout=5000000000", cert, key), *url;
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
  gchar *cert = web_write_file (certificate), *key =
      web_write_file (private_key);
  gchar *props =
      g_strdup_printf ("certificate-file=%s private-key-file=%s "
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

/* The first that a client of TLS sends. */
static GByteArray *
client_hello (void)
{
  GByteArray *hello = g_byte_array_new ();
  gint fds[2];
  GSocket *socket;
  GSocketConnection *base;
  GIOStream *tls;
  guint8 bytes[4096];
  gssize n;

  fail_unless (socketpair (AF_UNIX, SOCK_STREAM, 0, fds) == 0);
  socket = g_socket_new_from_fd (fds[0], NULL);
  g_socket_set_timeout (socket, 1);
  base = g_socket_connection_factory_create_connection (socket);
  tls = g_tls_client_connection_new (G_IO_STREAM (base), NULL, NULL);
  /* nobody answers */
  fail_if (g_tls_connection_handshake (G_TLS_CONNECTION (tls), NULL, NULL));
  n = read (fds[1], bytes, sizeof (bytes));
  fail_unless (n > 50 && bytes[0] == 0x16);
  g_byte_array_append (hello, bytes, n);
  close (fds[1]);
  g_object_unref (tls);
  g_object_unref (base);
  g_object_unref (socket);

  return hello;
}

/* Whoever does not go on with the handshake costs a connection for as long as a
 * request may take, and nobody else time. */
GST_START_TEST (test_half_open)
{
  gchar *cert = web_write_file (certificate), *key =
      web_write_file (private_key);
  gchar *props = g_strdup_printf ("certificate-file=%s private-key-file=%s "
      "max-clients=%d request-timeout=8000000000", cert, key, HALF_OPEN), *url;
  WebServer *s = web_start (props);
  GTlsCertificate *own = g_tls_certificate_new_from_pem (certificate, -1, NULL);
  GByteArray *hello = client_hello ();
  SoupSession *session = soup_session_new ();
  SoupMessage *message;
  WebClient *c[HALF_OPEN];
  GError *error = NULL;
  GBytes *body;
  guint i;

  for (i = 0; i < HALF_OPEN; i++) {
    /* all handshakes of an address wait for each other */
    c[i] = web_connect_from (i % 3 == 2 ? OTHER_ADDRESS : INADDR_LOOPBACK,
        s->port, 0);
    /* nothing; a part; all that can be said before the server answers */
    web_send (c[i], hello->data, i % 3 == 0 ? 0 : i % 3 == 1 ? 40 : hello->len);
  }
  web_wait_is (s, "open", HALF_OPEN);
  url = g_strdup_printf ("https://127.0.0.1:%u/health", s->port);
  message = soup_message_new ("GET", url);
  g_signal_connect (message, "accept-certificate", G_CALLBACK (accept_own),
      own);
  body = soup_session_send_and_read (session, message, NULL, &error);
  fail_unless (body != NULL, "%s", error ? error->message : "");
  /* before any of the others was given up */
  fail_unless_equals_uint64 (web_stat (s, "timed-out"), 0);
  g_bytes_unref (body);
  soup_session_abort (session);

  for (i = 0; i < HALF_OPEN; i++) {
    fail_unless (web_is_ended (c[i]));
    web_close (c[i]);
  }
  web_wait_is (s, "open", 0);
  fail_unless_equals_uint64 (web_stat (s, "timed-out"), HALF_OPEN);

  /* and a server that stops does not wait for them */
  for (i = 0; i < HALF_OPEN; i++) {
    c[i] = web_connect (s->port, 0);
    web_send (c[i], hello->data, i % 2 ? hello->len : 40);
  }
  web_wait_is (s, "open", HALF_OPEN);
  gst_element_set_state (s->element, GST_STATE_NULL);
  for (i = 0; i < HALF_OPEN; i++) {
    fail_unless (web_is_ended (c[i]));
    web_close (c[i]);
  }

  g_object_unref (message);
  g_object_unref (session);
  g_object_unref (own);
  g_byte_array_unref (hello);
  g_unlink (cert);
  g_unlink (key);
  g_free (cert);
  g_free (key);
  g_free (props);
  g_free (url);
  web_stop (s);
}

GST_END_TEST;

static Suite *
wallocwebtls_suite (void)
{
  Suite *s = suite_create ("wallocwebtls");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (s, tc);
  tcase_set_timeout (tc, 60);
  tcase_add_test (tc, test_tls);
  tcase_add_test (tc, test_tls_stuck);
  tcase_add_test (tc, test_half_open);

  return s;
}

GST_CHECK_MAIN (wallocwebtls);
