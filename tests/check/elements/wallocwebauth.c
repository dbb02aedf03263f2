/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* wallocwebsink: who may ask, and from where. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <glib/gstdio.h>

#include "web-check.h"

/* Token "s3cret+/" as each client would send it. */
#define TOKEN "s3cret+/"

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
  gchar *path = web_write_file (TOKEN "\nnot this\n"), *empty =
      web_write_file ("\n");
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
  gchar *path = web_write_file ("no certificate\n");
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

  return s;
}

GST_CHECK_MAIN (wallocwebauth);
