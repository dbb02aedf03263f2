/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* natssrc and messages that natssink does not make. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <nats/nats.h>

#include "nats-check.h"

static void
publish_raw (natsConnection * nc, const gchar * const *headers,
    const gchar * data)
{
  natsMsg *msg = NULL;

  fail_unless (natsMsg_Create (&msg, "walloc", NULL, data,
          (int) strlen (data)) == NATS_OK);
  for (; headers[0]; headers += 2)
    fail_unless (natsMsgHeader_Set (msg, headers[0], headers[1]) == NATS_OK);
  fail_unless (natsConnection_PublishMsg (nc, msg) == NATS_OK);
  natsMsg_Destroy (msg);
}

/* Whoever may publish to the subject may send anything. */
GST_START_TEST (test_hostile)
{
  static const gchar *const id = "a.1.0";
  const gchar *const bad[][9] = {
    {"Gst-Buffer", "1", NULL},
    {"Gst-Buffer", "", "Nats-Msg-Id", id, NULL},
    {"Gst-Buffer", "2;pts=1", "Nats-Msg-Id", id, NULL},
    {"Gst-Buffer", "1;pts=-1", "Nats-Msg-Id", id, NULL},
    {"Gst-Buffer", "1;pts=99999999999999999999", "Nats-Msg-Id", id, NULL},
    {"Gst-Buffer", "1;pts=9223372036854775808", "Nats-Msg-Id", id, NULL},
    {"Gst-Buffer", "1;pts=1;pts=2", "Nats-Msg-Id", id, NULL},
    {"Gst-Buffer", "1;flags=123456789", "Nats-Msg-Id", id, NULL},
    {"Gst-Buffer", "1", "Nats-Msg-Id", "../../etc.1.0", NULL},
    {"Gst-Buffer", "1", "Nats-Msg-Id", "a.1.0.0", NULL},
    {"Gst-Buffer", "1", "Nats-Msg-Id", id, "Gst-Event", "boom", NULL},
    {"Gst-Buffer", "1", "Nats-Msg-Id", id, "Gst-Chunk", "2/2;10;0", NULL},
    {"Gst-Buffer", "1", "Nats-Msg-Id", id, "Gst-Chunk",
        "0/4294967295;18446744073709551614;0", NULL},
    {"Gst-Buffer", "1", "Nats-Msg-Id", id, "Gst-Bodies", "1,2", NULL},
    {"Gst-Buffer", "1", "Nats-Msg-Id", id, "Gst-Chunk", "1/2;10;0",
        "Gst-Bodies", "1", NULL},
    {"Gst-Buffer", "1", "Nats-Msg-Id", id, "Gst-Segment", "0;0", NULL},
    {"Gst-Buffer", "1", "Nats-Msg-Id", id, "Gst-Caps", "video/x-raw", NULL},
    {"Gst-Buffer", "1", "Nats-Msg-Id", id, "Gst-Caps-Id", "x", NULL},
    {"Gst-Buffer", "1", "Nats-Msg-Id", id, "Gst-Caps-Id", "1", "Gst-Caps",
        "video/x-raw, width=(int)[ 1, 2 ]", NULL},
  };
  /* usable names of caps that are not: not fixed, none, of other memory */
  static const gchar *const caps[] = {
    "video/x-raw, width=(int)[ 1, 2 ]", "ANY", "EMPTY", "",
    "video/x-raw(memory:DMABuf), width=(int)1", "x=(y)", "((((((((", "<<<<<<<",
    "a/b, c=(buffer)zz", "a/b, c=(GstCaps)\"d", "a/b; c/d"
  };
  NatsServer *server = nats_server_start (NULL);
  GstHarness *src = nats_receiver (server, "");
  GstHarness *sink = nats_sender (server, "");
  const gchar *none[] = { NULL }, *more[9] = { "Gst-Buffer", "1",
    "Nats-Msg-Id", id, "Gst-Caps-Id", NULL, "Gst-Caps", NULL, NULL
  };
  natsConnection *nc = NULL;
  GstBuffer *buffer;
  gchar name[16];
  guint32 hash;
  guint i;

  fail_unless (natsConnection_ConnectTo (&nc, server->url) == NATS_OK);
  publish_raw (nc, none, "nothing but bytes");
  publish_raw (nc, none, "");
  for (i = 0; i < G_N_ELEMENTS (bad); i++)
    publish_raw (nc, bad[i], "some bytes");
  for (i = 0; i < G_N_ELEMENTS (caps); i++) {
    const gchar *c;

    for (hash = 2166136261u, c = caps[i]; *c; c++)
      hash = (hash ^ (guint8) * c) * 16777619u;
    g_snprintf (name, sizeof (name), "%08x", hash);
    more[5] = name;
    more[7] = caps[i];
    publish_raw (nc, more, "some bytes");
  }
  natsConnection_Flush (nc);
  gst_harness_push (sink, nats_buffer_new (5, 10));
  buffer = gst_harness_pull (src);
  fail_unless (nats_buffer_is (buffer, 5, 10));
  gst_buffer_unref (buffer);
  /* servers and cnats take empty headers for none */
  fail_unless (nats_stat (src, "foreign") >= 2);
  fail_unless (nats_stat (src, "malformed") >= G_N_ELEMENTS (bad));
  fail_unless_equals_uint64 (nats_stat (src, "malformed")
      + nats_stat (src, "foreign") + nats_stat (src, "unknown-caps"),
      G_N_ELEMENTS (bad) + G_N_ELEMENTS (caps) + 2);
  fail_unless_equals_uint64 (nats_stat (src, "pushed"), 1);
  fail_unless (gst_bus_pop_filtered (nats_bus (src), GST_MESSAGE_ERROR) ==
      NULL);
  natsConnection_Destroy (nc);
  gst_harness_teardown (sink);
  gst_harness_teardown (src);
  nats_server_stop (server);
}

GST_END_TEST;

static Suite *
nats_hostile_suite (void)
{
  Suite *s = suite_create ("natshostile");
  TCase *tc = tcase_create ("hostile");

  suite_add_tcase (s, tc);
  if (!nats_server_there ()) {
    g_print ("natshostile: SKIP: no nats-server\n");
    return s;
  }
  tcase_add_test (tc, test_hostile);

  return s;
}

GST_CHECK_MAIN (nats_hostile);
