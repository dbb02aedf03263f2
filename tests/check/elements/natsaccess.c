/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who may connect, and to whom: passwords, tokens, nkeys, JWTs, permissions,
 * certificates of both sides. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "nats-check.h"

/* Files of natskeys.py; NULL where it cannot run. To be freed by free_keys(). */
static gchar *
make_keys (void)
{
  gchar *dir = g_dir_make_tmp ("nats-keys-XXXXXX", NULL), *err = NULL;
  const gchar *argv[] = { TEST_PYTHON, TEST_DIR "/natskeys.py", dir, NULL };
  gint status = 1;

  if (g_spawn_sync (NULL, (gchar **) argv, NULL, 0, NULL, NULL, NULL, &err,
          &status, NULL) && status == 0) {
    g_free (err);
    return dir;
  }
  fail_unless (!err || !strstr (err, "Traceback"), "%s", err);
  g_print ("natsaccess: SKIP: no python3 or openssl 3: %s\n", err);
  g_rmdir (dir);
  g_free (err);
  g_free (dir);
  return NULL;
}

static void
free_keys (gchar * dir)
{
  const gchar *argv[] = { "rm", "-rf", dir, NULL };

  g_spawn_sync (NULL, (gchar **) argv, NULL, G_SPAWN_SEARCH_PATH, NULL, NULL,
      NULL, NULL, NULL, NULL);
  g_free (dir);
}

static gchar *
read_file (const gchar * dir, const gchar * name)
{
  gchar *path = g_build_filename (dir, name, NULL), *text = NULL;

  fail_unless (g_file_get_contents (path, &text, NULL, NULL), "%s", path);
  g_free (path);
  return text;
}

/* A frame goes from a sink to a source with these properties. */
static void
expect_passed (NatsServer * server, const gchar * properties)
{
  GstHarness *src = nats_receiver (server, properties);
  GstHarness *sink = nats_sender (server, properties);

  fail_unless_equals_int (gst_harness_push (sink, nats_buffer_new (0, 10)),
      GST_FLOW_OK);
  gst_buffer_unref (gst_harness_pull (src));
  gst_harness_teardown (src);
  gst_harness_teardown (sink);
}

/* Neither may connect, and both say why. */
static void
expect_refused (NatsServer * server, const gchar * properties, gint sink_code,
    gint src_code, const gchar * word)
{
  GstHarness *h = nats_harness (server, "natssink %s", properties);

  gst_harness_play (h);
  nats_expect_error (h, sink_code, word);
  gst_harness_teardown (h);
  h = nats_harness (server, "natssrc %s", properties);
  gst_harness_play (h);
  nats_expect_error (h, src_code, word);
  gst_harness_teardown (h);
}

static void
expect_not_authorized (NatsServer * server, const gchar * properties)
{
  expect_refused (server, properties, GST_RESOURCE_ERROR_NOT_AUTHORIZED,
      GST_RESOURCE_ERROR_NOT_AUTHORIZED, "credentials");
}

static void
expect_no_connection (NatsServer * server, const gchar * properties,
    const gchar * word)
{
  expect_refused (server, properties, GST_RESOURCE_ERROR_OPEN_WRITE,
      GST_RESOURCE_ERROR_OPEN_READ, word);
}

GST_START_TEST (test_password_and_token)
{
  NatsServer *server = nats_server_start
      ("authorization { user: ann, password: secret }\n");
  GstElement *sink = gst_element_factory_make ("natssink", NULL);
  gchar *text = NULL;

  expect_passed (server, "user=ann password=secret");
  expect_not_authorized (server, "user=ann password=wrong");
  expect_not_authorized (server, "");
  nats_server_stop (server);

  server = nats_server_start ("authorization { token: \"t0ken\" }\n");
  expect_passed (server, "token=t0ken");
  expect_not_authorized (server, "token=t0kem");
  nats_server_stop (server);
  /* secrets do not come out */
  g_object_set (sink, "token", "t0ken", "password", "secret", NULL);
  ASSERT_WARNING (g_object_get (sink, "token", &text, NULL));
  ASSERT_WARNING (g_object_get (sink, "password", &text, NULL));
  fail_unless (text == NULL);
  gst_object_unref (sink);
}

GST_END_TEST;

/* A natssink to 127.0.0.1 as the login in the URL says. */
static GstHarness *
sender_as (NatsServer * server, const gchar * login)
{
  GstHarness *h = nats_harness (NULL, "natssink servers=nats://%s@127.0.0.1:%u",
      login, server->port);

  gst_harness_play (h);
  return h;
}

/* What has a meaning in URLs is written with %-codes in them. */
GST_START_TEST (test_url)
{
  NatsServer *server = nats_server_start
      ("authorization { user: \"a@b\", password: \"p:s/w@d%1,2\" }\n");
  GstMessage *message;
  GstHarness *h;
  GError *error = NULL;
  gchar *line;

  h = sender_as (server, "a%40b:p%3As%2Fw%40d%251%2C2");
  nats_await (h, "connected", 1);
  gst_harness_teardown (h);
  h = sender_as (server, "a%40b:p%3As%2Fw%40d%252");
  message = nats_message (h, GST_MESSAGE_ERROR);
  gst_message_parse_error (message, &error, NULL);
  fail_unless (g_error_matches (error, GST_RESOURCE_ERROR,
          GST_RESOURCE_ERROR_NOT_AUTHORIZED), "%s", error->message);
  fail_if (strstr (error->message, "p%3A") || strstr (error->message, "p:s"),
      "%s", error->message);
  g_error_free (error);
  gst_message_unref (message);
  gst_harness_teardown (h);
  h = sender_as (server, "a%40b:p%zz");
  nats_expect_error (h, GST_RESOURCE_ERROR_SETTINGS, "%25");
  gst_harness_teardown (h);
  /* two of them would need two logins */
  line =
      g_strdup_printf ("a%%40b:x@127.0.0.1:%u,nats://c%%40d:y", server->port);
  h = sender_as (server, line);
  nats_expect_error (h, GST_RESOURCE_ERROR_SETTINGS, "one user");
  gst_harness_teardown (h);
  g_free (line);
  /* the same twice, and the second answers */
  line = g_strdup_printf ("a%%40b:p%%3As%%2Fw%%40d%%251%%2C2@127.0.0.1:1,"
      "nats://a%%40b:p%%3As%%2Fw%%40d%%251%%2C2");
  h = sender_as (server, line);
  nats_await (h, "connected", 1);
  gst_harness_teardown (h);
  g_free (line);
  nats_server_stop (server);

  server = nats_server_start ("authorization { token: \"t@k/n%\" }\n");
  h = sender_as (server, "t%40k%2Fn%25");
  nats_await (h, "connected", 1);
  gst_harness_teardown (h);
  h = sender_as (server, "t%40k%2Fn");
  nats_expect_error (h, GST_RESOURCE_ERROR_NOT_AUTHORIZED, "credentials");
  gst_harness_teardown (h);
  nats_server_stop (server);
  /* nothing to decode */
  server = nats_server_start ("authorization { user: ann, password: x }\n");
  h = sender_as (server, "ann:x");
  nats_await (h, "connected", 1);
  gst_harness_teardown (h);
  nats_server_stop (server);
}

GST_END_TEST;

/* A user whose public key the server knows. */
GST_START_TEST (test_nkey)
{
  gchar *dir = make_keys (), *public, *extra, *line;
  NatsServer *server;

  if (!dir)
    return;
  public = read_file (dir, "user.pub");
  extra = g_strdup_printf ("authorization { users: [ { nkey: %s } ] }\n",
      public);
  server = nats_server_start (extra);
  line = g_strdup_printf ("nkey=%s credentials-file=%s/user.seed", public, dir);
  expect_passed (server, line);
  g_free (line);
  line = g_strdup_printf ("nkey=%s credentials-file=%s/other.seed", public,
      dir);
  expect_not_authorized (server, line);
  g_free (line);
  line = g_strdup_printf ("nkey=%s credentials-file=%s/none.seed", public, dir);
  expect_refused (server, line, GST_RESOURCE_ERROR_SETTINGS,
      GST_RESOURCE_ERROR_SETTINGS, "credentials-file");
  g_free (line);
  line = g_strdup_printf ("nkey=%s", public);
  expect_refused (server, line, GST_RESOURCE_ERROR_SETTINGS,
      GST_RESOURCE_ERROR_SETTINGS, "seed");
  g_free (line);
  /* a file without any seed */
  line = g_strdup_printf ("nkey=%s credentials-file=%s/user.pub", public, dir);
  expect_refused (server, line, GST_RESOURCE_ERROR_WRITE,
      GST_RESOURCE_ERROR_READ, "seed");
  g_free (line);
  nats_server_stop (server);
  g_free (extra);
  g_free (public);
  free_keys (dir);
}

GST_END_TEST;

/* A user whose JWT an account signed, and that an operator whom the server
 * trusts; and one whom nobody knows. */
GST_START_TEST (test_jwt)
{
  gchar *dir = make_keys (), *extra, *line;
  NatsServer *server;

  if (!dir)
    return;
  extra = read_file (dir, "jwt.conf");
  server = nats_server_start (extra);
  line = g_strdup_printf ("credentials-file=%s/ann.creds", dir);
  expect_passed (server, line);
  g_free (line);
  line = g_strdup_printf ("credentials-file=%s/eve.creds", dir);
  expect_not_authorized (server, line);
  g_free (line);
  line = g_strdup_printf ("credentials-file=%s/none.creds", dir);
  expect_refused (server, line, GST_RESOURCE_ERROR_SETTINGS,
      GST_RESOURCE_ERROR_SETTINGS, "credentials-file");
  g_free (line);
  nats_server_stop (server);
  g_free (extra);
  free_keys (dir);
}

GST_END_TEST;

/* Publishing that the server does not permit is no silent loss. */
GST_START_TEST (test_permissions)
{
  NatsServer *server = nats_server_start ("authorization { users: [ "
      "{ user: eve, password: e, permissions: { publish: \"open.>\", "
      "subscribe: \"open.>\" } } ] }\n");
  GstHarness *sink = nats_sender (server,
      "user=eve password=e subject=closed.a");
  GstHarness *src = nats_harness (server,
      "natssrc user=eve password=e subject=closed.a");

  gst_harness_push (sink, nats_buffer_new (0, 10));
  nats_expect_error (sink, GST_RESOURCE_ERROR_NOT_AUTHORIZED, "closed.a");
  gst_harness_play (src);
  nats_expect_error (src, GST_RESOURCE_ERROR_NOT_AUTHORIZED, "closed.a");
  gst_harness_teardown (sink);
  gst_harness_teardown (src);
  nats_server_stop (server);
}

GST_END_TEST;

static NatsServer *
start_tls (const gchar * dir, const gchar * name, const gchar * more)
{
  gchar *extra = g_strdup_printf ("tls { cert_file: \"%s/%s.pem\", key_file: "
      "\"%s/%s.key\" %s }\n", dir, name, dir, name, more);
  NatsServer *server = nats_server_start (extra);

  g_free (extra);
  return server;
}

GST_START_TEST (test_tls)
{
  gchar *dir = make_keys (), *line;
  NatsServer *server;
  GstHarness *sink;

  if (!dir)
    return;
  server = start_tls (dir, "server", "");
  line = g_strdup_printf ("tls-ca-file=%s/ca.pem", dir);
  expect_passed (server, line);
  /* a client that did not ask for it trusts the system's authorities alone */
  expect_no_connection (server, "", "TLS");
  g_free (line);
  /* another authority; none that can be read; the system's */
  line = g_strdup_printf ("tls-ca-file=%s/client.pem", dir);
  expect_no_connection (server, line, "TLS");
  g_free (line);
  line = g_strdup_printf ("tls-ca-file=%s/none.pem", dir);
  expect_no_connection (server, line, "tls-ca-file");
  g_free (line);
  expect_no_connection (server, "tls=true", "TLS");
  /* unchecked when asked for */
  expect_passed (server, "tls=true tls-verify=false");
  nats_server_stop (server);

  /* a certificate of that authority, and of another host */
  server = start_tls (dir, "elsewhere", "");
  line = g_strdup_printf ("tls-ca-file=%s/ca.pem", dir);
  expect_no_connection (server, line, "host");
  nats_server_stop (server);
  /* TLS is wanted, and not there */
  server = nats_server_start (NULL);
  sink = nats_harness (server, "natssink %s", line);
  gst_harness_play (sink);
  nats_expect_error (sink, GST_RESOURCE_ERROR_OPEN_WRITE, "no TLS");
  gst_harness_teardown (sink);
  nats_server_stop (server);
  g_free (line);
  free_keys (dir);
}

GST_END_TEST;

/* Servers that want a certificate of each client. */
GST_START_TEST (test_client_certificate)
{
  gchar *dir = make_keys (), *line;
  NatsServer *server;

  if (!dir)
    return;
  line = g_strdup_printf (", ca_file: \"%s/ca.pem\", verify: true", dir);
  server = start_tls (dir, "server", line);
  g_free (line);
  line = g_strdup_printf ("tls-ca-file=%s/ca.pem tls-cert-file=%s/client.pem "
      "tls-key-file=%s/client.key", dir, dir, dir);
  expect_passed (server, line);
  g_free (line);
  line = g_strdup_printf ("tls-ca-file=%s/ca.pem", dir);
  expect_no_connection (server, line, "tls-cert-file");
  g_free (line);
  /* the key of another */
  line = g_strdup_printf ("tls-ca-file=%s/ca.pem tls-cert-file=%s/client.pem "
      "tls-key-file=%s/server.key", dir, dir, dir);
  expect_no_connection (server, line, "tls-key-file");
  g_free (line);
  nats_server_stop (server);
  free_keys (dir);
}

GST_END_TEST;

/* cnats writes them into JSON as they are. */
GST_START_TEST (test_quotes)
{
  NatsServer *server = nats_server_start
      ("authorization { user: ann, password: 'q\"u\\o' }\n");
  GstHarness *h = nats_harness (server, "natssrc user=ann");

  g_object_set (h->element, "password", "q\"u\\o", NULL);
  gst_harness_play (h);
  nats_await (h, "connected", 1);
  gst_harness_teardown (h);
  h = sender_as (server, "ann:q%22u%5Co");
  nats_await (h, "connected", 1);
  gst_harness_teardown (h);
  /* no field of its own either */
  h = nats_harness (server, "natssrc user=ann");
  g_object_set (h->element, "password", "x\",\"pass\":\"q\\\"u\\\\o", NULL);
  gst_harness_play (h);
  nats_expect_error (h, GST_RESOURCE_ERROR_NOT_AUTHORIZED, "credentials");
  gst_harness_teardown (h);
  nats_server_stop (server);
}

GST_END_TEST;

/* What a URL says of who connects goes in and never out. */
GST_START_TEST (test_read_servers)
{
  const gchar *const names[] = { "natssrc", "natssink" };
  gchar *text;
  guint i;

  for (i = 0; i < G_N_ELEMENTS (names); i++) {
    GstElement *element = gst_element_factory_make (names[i], NULL);

    g_object_set (element, "servers", "nats://ann:secret@a:1,tls://b", NULL);
    g_object_get (element, "servers", &text, NULL);
    fail_unless_equals_string (text, "nats://a:1,tls://b");
    g_free (text);
    gst_object_unref (element);
  }
}

GST_END_TEST;

static Suite *
nats_access_suite (void)
{
  Suite *s = suite_create ("natsaccess");
  TCase *tc = tcase_create ("access");

  suite_add_tcase (s, tc);
  tcase_add_test (tc, test_read_servers);
  if (!nats_server_there ()) {
    g_print ("natsaccess: SKIP: no nats-server\n");
    return s;
  }
  tcase_add_test (tc, test_password_and_token);
  tcase_add_test (tc, test_url);
  tcase_add_test (tc, test_quotes);
  tcase_add_test (tc, test_nkey);
  tcase_add_test (tc, test_jwt);
  tcase_add_test (tc, test_permissions);
  tcase_add_test (tc, test_tls);
  tcase_add_test (tc, test_client_certificate);

  return s;
}

GST_CHECK_MAIN (nats_access);
