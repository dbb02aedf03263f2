/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Parts of natssink and natssrc without a server: headers, chunks, what was
 * seen, answers of streams, names. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <gst/check/gstcheck.h>
#include <string.h>

#include "gstnatsack.h"
#include "gstnatschunks.h"
#include "gstnatsseen.h"
#include "gstnatsstream.h"

GST_START_TEST (test_identity)
{
  static const gchar *const bad[] = { "", "a", "a.1", "a.1.", "a..1", ".1.1",
    "a.1.1.1", "a.g.1", "a.1.-1", "a.1.1 ", "a b.1.1", "a.1.1+", "a.1.1@",
    "a.1.1~x", "a.1.18446744073709551615", "a.1.99999999999999999999",
    "a.1.1+4294967296",
    "a234567890123456789012345678901234567890123456789012345678901234.1.1"
  };
  nats_identity a, b;
  gchar text[NATS_ID_SIZE], name[NATS_SOURCE_SIZE];
  guint i;

  fail_unless (nats_identity_read (&a, "gate-7.64c3a.4711+2@ff~3"));
  fail_unless_equals_string (a.source, "gate-7");
  fail_unless_equals_uint64 (a.epoch, 0x64c3a);
  fail_unless_equals_uint64 (a.sequence, 4711);
  fail_unless_equals_int (a.repeat, 2);
  nats_identity_write (text, &a, 0xff, 3);
  fail_unless_equals_string (text, "gate-7.64c3a.4711+2@ff~3");
  fail_unless (nats_identity_read (&b, text) && nats_identity_equal (&a, &b));
  b.repeat = 1;
  fail_if (nats_identity_equal (&a, &b));
  for (i = 0; i < G_N_ELEMENTS (bad); i++)
    fail_if (nats_identity_read (&a, bad[i]), "%s", bad[i]);
  nats_source_set (name, "host.a b/\303\251");
  fail_unless_equals_string (name, "host_a_b___");
}

GST_END_TEST;

GST_START_TEST (test_caps_check)
{
  static const gchar *const good[] = {
    "video/x-raw, format=(string)I420, width=(int)32",
    "a/b, codec_data=(buffer)0001ff", "a/b, s=(string)\"(foo)\"",
    "a/b, streamheader=(buffer)< 01, 0203 >, x=(fraction){ 1/2, 1/3 }",
  };
  static const gchar *const bad[] = { "", "a/b, c=(buffer)0", "a/b\n",
    "a/b, c=(buffer)zz", "a/b, c=(buffer)< 01, 0z >", "a/b, c=(buffer)",
    "a/b, c=(GstStructure)\"x\"", "a/b, c=(GstCaps)\"x\"", "a/b, c=(int",
    "a/b(memory:DMABuf)", "a/b, c=( buffer )00", "a/b, c=\"open", "a/b, c=<1",
    "a/b, c=1>",
    "a/b, c=< < < < < < < < < < < < < < < < < 1 > > > > > > > > > > > > > > > > >"
  };
  gchar *text = g_strnfill (NATS_MAX_CAPS + 1, 'a');
  guint i;

  for (i = 0; i < G_N_ELEMENTS (good); i++)
    fail_unless (nats_caps_check (good[i]), "%s", good[i]);
  for (i = 0; i < G_N_ELEMENTS (bad); i++)
    fail_if (nats_caps_check (bad[i]), "%s", bad[i]);
  fail_if (nats_caps_check (text));
  text[NATS_MAX_CAPS] = '\0';
  fail_unless (nats_caps_check (text));
  g_free (text);
}

GST_END_TEST;

GST_START_TEST (test_delivery)
{
  static const gchar *const bad[] = { "", "$JS.ACK.", "$JS.ACK.S.C.1.2.3.4",
    "$JS.ACK.S.C.0.2.3.4.5", "$JS.ACK.S.C.1.0.3.4.5", "$JS.ACK.S.C.x.2.3.4.5",
    "$JS.ACK.S.C.1.2.3.4.5.6", "_INBOX.1.2.3.4.5.6.7.8"
  };
  nats_delivery d;
  guint64 n[3];
  guint i;

  fail_unless (nats_delivery_read (&d, "$JS.ACK.S.C.2.47.12.99.5"));
  fail_unless_equals_uint64 (d.delivered, 2);
  fail_unless_equals_uint64 (d.stream_sequence, 47);
  fail_unless_equals_uint64 (d.pending, 5);
  /* of servers from 2.10 on */
  fail_unless (nats_delivery_read (&d, "$JS.ACK.dom.acc.S.C.3.48.12.99.5.xy"));
  fail_unless_equals_uint64 (d.delivered, 3);
  fail_unless_equals_uint64 (d.stream_sequence, 48);
  for (i = 0; i < G_N_ELEMENTS (bad); i++)
    fail_if (nats_delivery_read (&d, bad[i]), "%s", bad[i]);
  fail_unless (nats_bodies_read (n, 3, "1,22,333") && n[2] == 333);
  fail_if (nats_bodies_read (n, 3, "1,22"));
  fail_if (nats_bodies_read (n, 3, "1,22,333,4"));
  fail_if (nats_bodies_read (n, 3, "1,0,3"));
}

GST_END_TEST;

/* One chunk of a buffer of @count chunks of four bytes; @more: in a header. */
static GstNatsDelivery *
chunk_new (const gchar * source, guint64 sequence, guint index, guint count,
    const gchar * more)
{
  static const gchar data[] = "abcdefghijklmnopqrstuvwxyz";
  natsMsg *msg = NULL;
  nats_header header;

  /* messages are of the library's memory */
  nats_Open (-1);
  memset (&header, 0, sizeof (header));
  g_strlcpy (header.identity.source, source, NATS_SOURCE_SIZE);
  header.identity.sequence = sequence;
  header.has_chunk = 1;
  header.chunk.index = index;
  header.chunk.count = count;
  header.chunk.size = count * 4;
  header.chunk.crc = nats_crc (0, data, count * 4);
  fail_unless (natsMsg_Create (&msg, "s", NULL, data + index * 4, 4) ==
      NATS_OK);
  if (more)
    fail_unless (natsMsgHeader_Set (msg, "More", more) == NATS_OK);

  return gst_nats_delivery_new (msg, &header);
}

static void
add (GstNatsChunks * chunks, const gchar * source, guint64 sequence,
    guint index, GstNatsChunksResult expected, guint64 * lost)
{
  GstNatsDelivery *delivery = chunk_new (source, sequence, index, 3, NULL);

  fail_unless_equals_int (gst_nats_chunks_add (chunks, &delivery, lost),
      expected);
  fail_unless ((delivery != NULL) == (expected == GST_NATS_CHUNKS_COMPLETE));
  if (delivery) {
    fail_unless_equals_int (delivery->messages->len, 3);
    fail_unless_equals_int (delivery->size, 12);
    gst_nats_delivery_free (delivery);
  }
}

/* A lost chunk costs its buffer and no other; sources may take turns. */
GST_START_TEST (test_chunks)
{
  GstNatsChunks *chunks = gst_nats_chunks_new (100000);
  guint64 lost = 0;

  add (chunks, "a", 0, 0, GST_NATS_CHUNKS_MORE, &lost);
  add (chunks, "b", 0, 0, GST_NATS_CHUNKS_MORE, &lost);
  add (chunks, "a", 0, 1, GST_NATS_CHUNKS_MORE, &lost);
  add (chunks, "b", 0, 1, GST_NATS_CHUNKS_MORE, &lost);
  add (chunks, "b", 0, 2, GST_NATS_CHUNKS_COMPLETE, &lost);
  add (chunks, "a", 0, 2, GST_NATS_CHUNKS_COMPLETE, &lost);
  fail_unless_equals_uint64 (lost, 0);
  /* the middle is missing */
  add (chunks, "a", 1, 0, GST_NATS_CHUNKS_MORE, &lost);
  add (chunks, "a", 1, 2, GST_NATS_CHUNKS_LOST, &lost);
  fail_unless (lost > 0);
  add (chunks, "a", 2, 0, GST_NATS_CHUNKS_MORE, &lost);
  add (chunks, "a", 2, 1, GST_NATS_CHUNKS_MORE, &lost);
  add (chunks, "a", 2, 2, GST_NATS_CHUNKS_COMPLETE, &lost);
  /* the beginning is missing; a buffer begins before another has ended */
  add (chunks, "a", 3, 1, GST_NATS_CHUNKS_LOST, &lost);
  add (chunks, "a", 4, 0, GST_NATS_CHUNKS_MORE, &lost);
  add (chunks, "a", 5, 0, GST_NATS_CHUNKS_MORE, &lost);
  add (chunks, "a", 5, 1, GST_NATS_CHUNKS_MORE, &lost);
  add (chunks, "a", 5, 2, GST_NATS_CHUNKS_COMPLETE, &lost);
  gst_nats_chunks_free (chunks);
}

GST_END_TEST;

/* Sources that never finish cannot fill the memory. */
GST_START_TEST (test_chunks_bounded)
{
  GstNatsChunks *chunks = gst_nats_chunks_new (10 *
      (4 + GST_NATS_MESSAGE_COST));
  guint64 lost = 0;
  gchar name[8];
  guint i;

  for (i = 0; i < 5000; i++) {
    g_snprintf (name, sizeof (name), "s%u", i);
    add (chunks, name, 0, 0, GST_NATS_CHUNKS_MORE, &lost);
  }
  fail_unless_equals_uint64 (lost, 4990);
  gst_nats_chunks_free (chunks);
}

GST_END_TEST;

/* Nor what is in headers instead of payloads. */
GST_START_TEST (test_headers_bounded)
{
  GstNatsChunks *chunks = gst_nats_chunks_new (100000);
  GstNatsDelivery *delivery;
  gchar *text = g_strnfill (20000, 'x'), name[8];
  guint64 lost = 0;
  guint i;

  for (i = 0; i < 20; i++) {
    g_snprintf (name, sizeof (name), "s%u", i);
    delivery = chunk_new (name, 0, 0, 3, text);
    fail_unless (delivery->memory > 20000 && delivery->memory < 22000);
    gst_nats_chunks_add (chunks, &delivery, &lost);
  }
  /* four of them fit */
  fail_unless_equals_uint64 (lost, 16);
  gst_nats_chunks_free (chunks);
  g_free (text);
}

GST_END_TEST;

GST_START_TEST (test_wrong_sum)
{
  GstNatsChunks *chunks = gst_nats_chunks_new (100000);
  GstNatsDelivery *delivery;
  guint64 lost = 0;
  guint i;

  for (i = 0; i < 3; i++) {
    delivery = chunk_new ("a", 0, i, 3, NULL);
    delivery->header.chunk.crc ^= 1;
    fail_unless_equals_int (gst_nats_chunks_add (chunks, &delivery, &lost),
        i < 2 ? GST_NATS_CHUNKS_MORE : GST_NATS_CHUNKS_LOST);
    fail_unless (delivery == NULL);
  }
  fail_unless_equals_uint64 (lost, 1);
  gst_nats_chunks_free (chunks);
}

GST_END_TEST;

GST_START_TEST (test_seen)
{
  GstNatsSeen *seen = gst_nats_seen_new ();
  nats_identity id;
  guint64 missing;
  guint i;

  memset (&id, 0, sizeof (id));
  strcpy (id.source, "a");
  fail_if (gst_nats_seen_add (seen, &id, &missing));
  fail_unless (gst_nats_seen_add (seen, &id, &missing));
  id.sequence = 5;
  fail_if (gst_nats_seen_add (seen, &id, &missing));
  fail_unless_equals_uint64 (missing, 4);
  id.sequence = 3;
  fail_if (gst_nats_seen_add (seen, &id, &missing));
  fail_unless_equals_uint64 (missing, 0);
  id.epoch = 1;
  fail_if (gst_nats_seen_add (seen, &id, &missing));
  fail_unless_equals_uint64 (missing, 0);
  /* forgotten in the end, and within bounds */
  for (i = 0; i < 100000; i++) {
    g_snprintf (id.source, sizeof (id.source), "s%u", i);
    fail_if (gst_nats_seen_add (seen, &id, &missing));
  }
  gst_nats_seen_free (seen);
}

GST_END_TEST;

GST_START_TEST (test_answers)
{
  static const gchar *const bad[] = { "", "{}", "[]", "{\"seq\":0}",
    "{\"seq\":-1}", "{\"seq\":\"1\"}", "{\"seq\":1", "null"
  };
  GstNatsAck ack;
  const gchar *text;
  guint i;

  text = "{\"stream\":\"S\",\"seq\":47,\"duplicate\":true}";
  gst_nats_ack_parse (&ack, text, strlen (text));
  fail_unless (ack.error == NULL && ack.sequence == 47 && ack.duplicate);
  gst_nats_ack_clear (&ack);
  text = "{\"error\":{\"code\":503,\"err_code\":10077,\"description\":"
      "\"maximum messages exceeded\"},\"stream\":\"S\",\"seq\":0}";
  gst_nats_ack_parse (&ack, text, strlen (text));
  fail_unless (g_error_matches (ack.error, GST_NATS_ERROR,
          GST_NATS_ERROR_FULL));
  fail_unless (strstr (ack.error->message, "maximum messages exceeded"));
  gst_nats_ack_clear (&ack);
  for (i = 0; i < G_N_ELEMENTS (bad); i++) {
    gst_nats_ack_parse (&ack, bad[i], strlen (bad[i]));
    fail_unless (ack.error != NULL, "%s", bad[i]);
    gst_nats_ack_clear (&ack);
  }
}

GST_END_TEST;

GST_START_TEST (test_names)
{
  GstNatsSettings settings;
  GError *error = NULL;
  gchar *text = gst_nats_hide_secrets
      ("nats://ann:secret@a:4222,tok@b,tls://c:1");

  fail_unless_equals_string (text, "nats://a:4222,b,tls://c:1");
  g_free (text);
  /* a password with a comma that was to be written %2C */
  text = gst_nats_hide_secrets ("nats://x:1,nats://ann:se,c,ret@a:1,nats://b");
  fail_unless_equals_string (text, "nats://x:1,nats://...,...,a:1,nats://b");
  g_free (text);
  gst_nats_settings_init (&settings);
  settings.servers = g_strdup ("nats://ann:sec,ret@a:1");
  fail_unless (gst_nats_settings_apply (&settings, &error) == NULL);
  fail_unless (error && strstr (error->message, "%2C")
      && !strstr (error->message, "sec"), "%s", error->message);
  g_clear_error (&error);
  gst_nats_settings_clear (&settings);
  fail_unless (gst_nats_subject_is_valid ("cams.7", FALSE));
  fail_unless (gst_nats_subject_is_valid ("cams.*.a.>", TRUE));
  fail_if (gst_nats_subject_is_valid ("cams.*", FALSE));
  fail_if (gst_nats_subject_is_valid ("cams.>.a", TRUE));
  fail_if (gst_nats_subject_is_valid (".a", TRUE));
  fail_if (gst_nats_subject_is_valid ("a.", TRUE));
  fail_if (gst_nats_subject_is_valid ("a b", TRUE));
  fail_if (gst_nats_subject_is_valid (NULL, TRUE));
  fail_unless (gst_nats_name_is_valid ("CAMS-1"));
  fail_if (gst_nats_name_is_valid ("a.b"));
  fail_if (gst_nats_name_is_valid (""));
}

GST_END_TEST;

static Suite *
nats_units_suite (void)
{
  Suite *s = suite_create ("natsunits");
  TCase *tc = tcase_create ("units");

  suite_add_tcase (s, tc);
  tcase_add_test (tc, test_identity);
  tcase_add_test (tc, test_caps_check);
  tcase_add_test (tc, test_delivery);
  tcase_add_test (tc, test_chunks);
  tcase_add_test (tc, test_chunks_bounded);
  tcase_add_test (tc, test_headers_bounded);
  tcase_add_test (tc, test_wrong_sum);
  tcase_add_test (tc, test_seen);
  tcase_add_test (tc, test_answers);
  tcase_add_test (tc, test_names);

  return s;
}

GST_CHECK_MAIN (nats_units);
