/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which senders wallocrtpsrc keeps. */
#include <gst/check/gstcheck.h>

#include "gst/wallocrtp/wallocrtpsenders.h"

#define N WALLOC_RTP_MAX_SENDERS
#define SECOND 1000000

/* N senders, number i heard last at i ms. */
static void
fill (walloc_rtp_senders * s)
{
  guint32 gone = 0;
  guint i;

  walloc_rtp_senders_reset (s);
  for (i = 0; i < N; i++)
    fail_unless_equals_int (walloc_rtp_senders_hear (s, 100 + i, i * 1000, NULL,
            &gone), WALLOC_RTP_SENDER_NEW);
  fail_unless_equals_int (gone, 0);
}

GST_START_TEST (test_oldest_gives_way)
{
  walloc_rtp_senders s;
  guint32 gone = 0, followed = 101;
  gint64 now = N * 1000;

  fill (&s);
  /* the first was heard again, the second is followed */
  fail_unless_equals_int (walloc_rtp_senders_hear (&s, 100, now, &followed,
          &gone), WALLOC_RTP_SENDER_KNOWN);
  fail_unless_equals_int (walloc_rtp_senders_hear (&s, 7, now, &followed,
          &gone), WALLOC_RTP_SENDER_INSTEAD);
  fail_unless_equals_int (gone, 102);
  fail_unless (walloc_rtp_senders_have (&s, 7));
  fail_unless (walloc_rtp_senders_have (&s, 101));
  fail_if (walloc_rtp_senders_have (&s, 102));
  fail_unless_equals_int (walloc_rtp_senders_hear (&s, 7, now, &followed,
          &gone), WALLOC_RTP_SENDER_KNOWN);
}

GST_END_TEST;

/* A flood of new ones makes few changes a second, and never ends the one that
 * is followed, nor one that sends all the time. */
GST_START_TEST (test_flood)
{
  walloc_rtp_senders s;
  guint32 gone, followed = 100;
  guint i, instead = 0, refused = 0;

  fill (&s);
  for (i = 0; i < 10000; i++) {
    gint64 now = N * 1000 + i * 100;

    walloc_rtp_senders_hear (&s, 101, now, &followed, &gone);
    switch (walloc_rtp_senders_hear (&s, 1000 + i, now, &followed, &gone)) {
      case WALLOC_RTP_SENDER_INSTEAD:
        instead++;
        break;
      case WALLOC_RTP_SENDER_REFUSED:
        refused++;
        break;
      default:
        fail ("%u is known", i);
    }
    fail_unless (walloc_rtp_senders_have (&s, 100));
    fail_unless (walloc_rtp_senders_have (&s, 101));
  }
  fail_unless_equals_int (instead, SECOND / WALLOC_RTP_SENDER_PACE);
  fail_unless_equals_int (instead + refused, 10000);
}

GST_END_TEST;

/* Those who are silent do not hold others up. */
GST_START_TEST (test_silent)
{
  walloc_rtp_senders s;
  guint32 gone;
  guint i;

  fill (&s);
  for (i = 0; i < N; i++)
    fail_unless_equals_int (walloc_rtp_senders_hear (&s, 5000 + i,
            5 * SECOND, NULL, &gone), WALLOC_RTP_SENDER_INSTEAD);
  for (i = 0; i < N; i++)
    fail_unless (walloc_rtp_senders_have (&s, 5000 + i));
  walloc_rtp_senders_reset (&s);
  fail_if (walloc_rtp_senders_have (&s, 5000));
}

GST_END_TEST;

static Suite *
rtpwallocsenders_suite (void)
{
  Suite *s = suite_create ("rtpwallocsenders");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (s, tc);
  tcase_add_test (tc, test_oldest_gives_way);
  tcase_add_test (tc, test_flood);
  tcase_add_test (tc, test_silent);

  return s;
}

GST_CHECK_MAIN (rtpwallocsenders);
