/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The controller of wallocrtpsink against networks that are made up. */
#include <gst/check/gstcheck.h>
#include <math.h>

#include "gst/wallocrtp/wallocrtprate.h"

/* A report a second, of a link of @capacity that loses what is too much, and
 * @loss of the rest; its queue holds half a second. */
typedef struct
{
  gdouble capacity, loss, rtt, queue, now, most;
} Link;

static gdouble
step (walloc_rtp_rate * r, Link * link)
{
  gdouble sent = MIN (r->rate, link->most > 0 ? link->most : r->rate);
  gdouble over = 0;
  walloc_rtp_report report;

  link->queue = MAX (0, link->queue + sent - link->capacity);
  if (link->queue > link->capacity / 2) {
    over = link->queue - link->capacity / 2;
    link->queue = link->capacity / 2;
  }
  link->now += 1;
  report.now = link->now;
  report.loss = 1 - (1 - over / sent) * (1 - link->loss);
  report.rtt = link->rtt + link->queue / link->capacity;
  report.sent = sent;
  return walloc_rtp_rate_report (r, &report);
}

/* Least, greatest and mean rate of @n reports. */
static void
run (walloc_rtp_rate * r, Link * link, guint n, gdouble * least,
    gdouble * greatest, gdouble * mean)
{
  guint i;

  *least = G_MAXDOUBLE;
  *greatest = *mean = 0;
  for (i = 0; i < n; i++) {
    gdouble rate = step (r, link);

    *least = MIN (*least, rate);
    *greatest = MAX (*greatest, rate);
    *mean += rate / n;
  }
}

GST_START_TEST (test_converges)
{
  static const gdouble capacities[] = { 300e3, 1e6, 2.5e6, 9e6 };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (capacities); i++) {
    Link link = { capacities[i], 0, 0.04 };
    gdouble least, greatest, mean;
    walloc_rtp_rate r;

    walloc_rtp_rate_init (&r, 100e3, 20e6, 0, 0);
    run (&r, &link, 60, &least, &greatest, &mean);
    run (&r, &link, 300, &least, &greatest, &mean);
    fail_unless (mean > 0.75 * link.capacity && mean < 1.1 * link.capacity,
        "%.0f: mean %.0f", link.capacity, mean);
    fail_unless (least > 0.5 * link.capacity
        && greatest < 1.4 * link.capacity, "%.0f: %.0f to %.0f",
        link.capacity, least, greatest);
  }
}

GST_END_TEST;

/* Loss that the rate does not cause: 1 % is none of its business, 5 % stops
 * growth, 20 % lowers it. */
GST_START_TEST (test_random_loss)
{
  static const struct
  {
    gdouble loss, least, most;
  } rows[] = {
    {0, 20e6, 20e6}, {0.01, 20e6, 20e6}, {0.05, 2e6, 2e6},
    {0.2, 100e3, 200e3}
  };
  guint i;

  for (i = 0; i < G_N_ELEMENTS (rows); i++) {
    Link link = { 1e9, rows[i].loss, 0.04 };
    gdouble least, greatest, mean;
    walloc_rtp_rate r;

    walloc_rtp_rate_init (&r, 100e3, 20e6, 2e6, 0);
    run (&r, &link, 100, &least, &greatest, &mean);
    fail_unless (r.rate >= rows[i].least && r.rate <= rows[i].most,
        "loss %.2f: %.0f", rows[i].loss, r.rate);
  }
}

GST_END_TEST;

/* A link that gets slower and faster again is followed. */
GST_START_TEST (test_follows)
{
  Link link = { 4e6, 0, 0.04 };
  gdouble least, greatest, mean;
  walloc_rtp_rate r;

  walloc_rtp_rate_init (&r, 100e3, 20e6, 0, 0);
  run (&r, &link, 60, &least, &greatest, &mean);
  link.capacity = 1e6;
  run (&r, &link, 10, &least, &greatest, &mean);
  fail_unless (r.rate < 1.6e6, "%.0f ten seconds later", r.rate);
  run (&r, &link, 60, &least, &greatest, &mean);
  fail_unless (mean < 1.1e6, "%.0f", mean);
  link.capacity = 4e6;
  run (&r, &link, 60, &least, &greatest, &mean);
  fail_unless (r.rate > 2.5e6, "%.0f a minute later", r.rate);
}

GST_END_TEST;

/* A queue that stands lowers the rate before anything is lost. */
GST_START_TEST (test_delay)
{
  walloc_rtp_report report = { 0, 0, 0.05, -1 };
  walloc_rtp_rate r;
  guint i;

  walloc_rtp_rate_init (&r, 100e3, 20e6, 1e6, 0);
  for (i = 1; i <= 3; i++) {
    report.now = i;
    walloc_rtp_rate_report (&r, &report);
  }
  fail_unless (r.rate > 3e6);
  report.rtt = 0.4;
  for (; i <= 10; i++) {
    report.now = i;
    walloc_rtp_rate_report (&r, &report);
  }
  fail_unless (r.rate < 2e6, "%.0f", r.rate);
  /* a longer way is no queue, once it has been known for a while */
  for (; i <= 300; i++) {
    report.now = i;
    walloc_rtp_rate_report (&r, &report);
  }
  fail_unless (r.rate > 3e6, "%.0f", r.rate);
}

GST_END_TEST;

/* What is not sent says nothing of what could be. */
GST_START_TEST (test_unused)
{
  Link link = { 1e9, 0, 0.04, 0, 0, 500e3 };
  gdouble least, greatest, mean;
  walloc_rtp_rate r;

  walloc_rtp_rate_init (&r, 100e3, 20e6, 400e3, 0);
  run (&r, &link, 100, &least, &greatest, &mean);
  fail_unless (r.rate <= 750e3 && r.rate > 700e3, "%.0f", r.rate);
}

GST_END_TEST;

/* Early reports of one burst of losses are one step, and so are those within a
 * round trip; but a round trip that the far end makes up does not stop it. */
GST_START_TEST (test_cuts)
{
  walloc_rtp_report report = { 0, 0.5, 0.04, -1 };
  walloc_rtp_rate r;
  guint i;

  walloc_rtp_rate_init (&r, 100e3, 20e6, 8e6, 0);
  for (i = 0; i < 8; i++) {
    report.now = 10 + i * 0.1;
    walloc_rtp_rate_report (&r, &report);
  }
  fail_unless (r.rate == 6e6, "%.0f", r.rate);
  report.rtt = 2;
  for (i = 0; i < 20; i++) {
    report.now = 100 + i * 0.1;
    walloc_rtp_rate_report (&r, &report);
  }
  fail_unless (r.rate == 4.5e6, "%.0f", r.rate);
  report.rtt = 65000;
  for (i = 0; i < 100; i++) {
    report.now = 200 + i;
    walloc_rtp_rate_report (&r, &report);
  }
  fail_unless (r.rate == 100e3, "%.0f", r.rate);
}

GST_END_TEST;

/* Who sends nothing has no reports, and that says nothing of the network. */
GST_START_TEST (test_idle)
{
  walloc_rtp_report report = { 10, 0.01, 0.04, -1 };
  walloc_rtp_rate r;
  gdouble rate;
  guint i;

  walloc_rtp_rate_init (&r, 100e3, 20e6, 8e6, 0);
  walloc_rtp_rate_idle (&r, 5);
  fail_unless (walloc_rtp_rate_silence (&r, 100, 5) == 8e6);
  rate = walloc_rtp_rate_report (&r, &report);
  for (i = 11; i < 100; i++) {
    walloc_rtp_rate_idle (&r, i);
    fail_unless (walloc_rtp_rate_silence (&r, i, 5) == rate);
  }
  for (; i < 105; i++)
    walloc_rtp_rate_silence (&r, i, 5);
  fail_unless (r.rate == rate / 2, "%.0f", r.rate);
}

GST_END_TEST;

/* Reports that come often, late or not at all; values that nobody knows. */
GST_START_TEST (test_reports)
{
  walloc_rtp_report report = { 0, 0, -1, -1 };
  walloc_rtp_rate r;
  gdouble rate;
  guint i;

  walloc_rtp_rate_init (&r, 100e3, 20e6, 1e6, 0);
  fail_unless (walloc_rtp_rate_silence (&r, 1000, 5) == 1e6);
  for (i = 1; i <= 100; i++) {
    report.now = 1000 + i * 0.01;
    rate = walloc_rtp_rate_report (&r, &report);
  }
  /* one second: at most two steps */
  fail_unless (rate <= 2.3e6, "%.0f", rate);
  rate = r.rate;
  fail_unless (walloc_rtp_rate_silence (&r, 1004, 5) == rate);
  fail_unless (walloc_rtp_rate_silence (&r, 1006.5, 5) == rate / 2);
  fail_unless (walloc_rtp_rate_silence (&r, 1007, 5) == rate / 2);
  fail_unless (walloc_rtp_rate_silence (&r, 1011.5, 5) == rate / 4);
  fail_unless (walloc_rtp_rate_silence (&r, 1e6, 5) == 100e3);
  /* nothing known, nothing changed */
  report.loss = -1;
  report.now = 2e6;
  fail_unless (walloc_rtp_rate_report (&r, &report) == 100e3);
  /* everything lost */
  walloc_rtp_rate_init (&r, 100e3, 20e6, 1e6, 0);
  report.loss = 1;
  report.now = 10;
  fail_unless (walloc_rtp_rate_report (&r, &report) == 500e3);
  /* limits that change, and that are the wrong way round */
  r.max = 200e3;
  fail_unless (walloc_rtp_rate_silence (&r, 10, 5) == 200e3);
  r.max = 50e3;
  fail_unless (walloc_rtp_rate_silence (&r, 10, 5) == 100e3);
}

GST_END_TEST;

static Suite *
rtpwallocrate_suite (void)
{
  Suite *s = suite_create ("rtpwallocrate");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (s, tc);
  tcase_add_test (tc, test_converges);
  tcase_add_test (tc, test_random_loss);
  tcase_add_test (tc, test_follows);
  tcase_add_test (tc, test_delay);
  tcase_add_test (tc, test_unused);
  tcase_add_test (tc, test_cuts);
  tcase_add_test (tc, test_idle);
  tcase_add_test (tc, test_reports);

  return s;
}

GST_CHECK_MAIN (rtpwallocrate);
