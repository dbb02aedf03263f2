/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What decoder=auto takes: the decision by itself, with times made up, and in
 * the element. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "walloc-check.h"

#include "gst/walloc/gstwallocchoice.h"

#define ALL (1u << WALLOC_DECODER_LINEAR | 1u << WALLOC_DECODER_FAST | \
    1u << WALLOC_DECODER_BEST)
#define TIME (40 * GST_MSECOND)

/* Decodes up to @most frames as long as @kind is taken, each in @elapsed;
 * how many. */
static guint
feed (GstWallocChoice * choice, walloc_decoder_kind kind,
    GstClockTime elapsed, guint most)
{
  guint n = 0;

  while (n < most && gst_walloc_choice_get (choice) == kind) {
    gst_walloc_choice_decoded (choice, kind, elapsed);
    n++;
  }

  return n;
}

static void
start (GstWallocChoice * choice, guint available, gboolean live,
    GstClockTime duration)
{
  gst_walloc_choice_init (choice);
  fail_unless_equals_int (gst_walloc_choice_get (choice),
      WALLOC_DECODER_LINEAR);
  gst_walloc_choice_set_stream (choice, available, live, duration);
}

GST_START_TEST (test_first)
{
  static const struct
  {
    guint available;
    gboolean live;
    GstClockTime duration;
    walloc_decoder_kind kind;
  } cases[] = {
    {ALL, FALSE, GST_CLOCK_TIME_NONE, WALLOC_DECODER_BEST},
    {ALL, FALSE, TIME, WALLOC_DECODER_BEST},
    {ALL, TRUE, TIME, WALLOC_DECODER_FAST},
    {ALL, TRUE, GST_CLOCK_TIME_NONE, WALLOC_DECODER_BEST},
    {1u << WALLOC_DECODER_LINEAR, FALSE, TIME, WALLOC_DECODER_LINEAR},
    {1u << WALLOC_DECODER_LINEAR | 1u << WALLOC_DECODER_BEST, TRUE, TIME,
        WALLOC_DECODER_LINEAR},
    {1u << WALLOC_DECODER_LINEAR | 1u << WALLOC_DECODER_FAST, FALSE, TIME,
        WALLOC_DECODER_FAST}
  };
  GstWallocChoice choice;
  guint i;

  for (i = 0; i < G_N_ELEMENTS (cases); i++) {
    start (&choice, cases[i].available, cases[i].live, cases[i].duration);
    fail_unless_equals_int (gst_walloc_choice_get (&choice), cases[i].kind);
    fail_unless_equals_int (gst_walloc_choice_get_top (&choice), cases[i].kind);
  }
}

GST_END_TEST;

/* live: a decoder that takes most of the time is given up before frames are
 * late, but not for its first frame; and is tried again ever more rarely */
GST_START_TEST (test_live_load)
{
  GstWallocChoice choice;
  guint n, before = 0, i;

  start (&choice, ALL, TRUE, TIME);
  gst_walloc_choice_decoded (&choice, WALLOC_DECODER_FAST, 50 * TIME);
  fail_unless_equals_int (feed (&choice, WALLOC_DECODER_FAST, TIME / 2, 2000),
      2000);
  /* a single slow frame is no reason, a slow second is */
  gst_walloc_choice_decoded (&choice, WALLOC_DECODER_FAST, TIME * 12 / 10);
  fail_unless_equals_int (gst_walloc_choice_get (&choice), WALLOC_DECODER_FAST);
  n = feed (&choice, WALLOC_DECODER_FAST, TIME * 12 / 10, 25);
  fail_unless (n > 0 && n < 10, "%u", n);
  for (i = 0; i < 4; i++) {
    n = feed (&choice, WALLOC_DECODER_LINEAR, TIME / 10, 100000);
    fail_unless (n >= 300 && n < 100000 && n > before, "%u", n);
    before = n;
    fail_unless_equals_int (gst_walloc_choice_get (&choice),
        WALLOC_DECODER_FAST);
    feed (&choice, WALLOC_DECODER_FAST, TIME * 12 / 10, 100);
  }
  /* the load is gone */
  feed (&choice, WALLOC_DECODER_LINEAR, TIME / 10, 100000);
  fail_unless_equals_int (feed (&choice, WALLOC_DECODER_FAST, TIME / 2, 5000),
      5000);
}

GST_END_TEST;

/* a decoder that was far too slow is hardly ever tried again */
GST_START_TEST (test_live_hopeless)
{
  GstWallocChoice choice;
  guint n;

  start (&choice, ALL, TRUE, TIME);
  fail_unless_equals_int (feed (&choice, WALLOC_DECODER_FAST, 3 * TIME, 100),
      2);
  n = feed (&choice, WALLOC_DECODER_LINEAR, TIME / 10, 100000);
  fail_unless (n >= 5000 && n < 100000, "%u", n);
}

GST_END_TEST;

GST_START_TEST (test_late)
{
  GstWallocChoice choice;

  start (&choice, ALL, FALSE, TIME);
  fail_unless_equals_int (feed (&choice, WALLOC_DECODER_BEST, TIME / 2, 500),
      500);
  gst_walloc_choice_late (&choice);
  fail_unless_equals_int (gst_walloc_choice_get (&choice), WALLOC_DECODER_FAST);
  gst_walloc_choice_late (&choice);
  gst_walloc_choice_late (&choice);
  fail_unless_equals_int (gst_walloc_choice_get (&choice),
      WALLOC_DECODER_LINEAR);
  fail_unless_equals_int (gst_walloc_choice_get_top (&choice),
      WALLOC_DECODER_BEST);
  /* upwards one by one */
  fail_unless (feed (&choice, WALLOC_DECODER_LINEAR, TIME / 10,
          100000) < 10000);
  fail_unless_equals_int (gst_walloc_choice_get (&choice), WALLOC_DECODER_FAST);
  /* another size begins anew */
  gst_walloc_choice_forget (&choice);
  fail_unless_equals_int (gst_walloc_choice_get (&choice), WALLOC_DECODER_BEST);
}

GST_END_TEST;

/* a film gets the best decoder only where that keeps up, stills always */
GST_START_TEST (test_film_and_still)
{
  GstWallocChoice choice;

  start (&choice, ALL, FALSE, TIME);
  fail_unless_equals_int (feed (&choice, WALLOC_DECODER_BEST, 20 * TIME, 500),
      1);
  fail_unless_equals_int (feed (&choice, WALLOC_DECODER_FAST, TIME / 2, 5000),
      5000);
  start (&choice, ALL, FALSE, GST_CLOCK_TIME_NONE);
  fail_unless_equals_int (feed (&choice, WALLOC_DECODER_BEST, 20 * TIME, 500),
      500);
}

GST_END_TEST;

GST_START_TEST (test_refused)
{
  GstWallocChoice choice;

  start (&choice, ALL, FALSE, TIME);
  gst_walloc_choice_refused (&choice, WALLOC_DECODER_BEST);
  fail_unless_equals_int (gst_walloc_choice_get (&choice), WALLOC_DECODER_FAST);
  fail_unless_equals_int (gst_walloc_choice_get_top (&choice),
      WALLOC_DECODER_FAST);
  gst_walloc_choice_refused (&choice, WALLOC_DECODER_FAST);
  fail_unless_equals_int (feed (&choice, WALLOC_DECODER_LINEAR, 1, 20000),
      20000);
  /* the linear one cannot be refused */
  gst_walloc_choice_refused (&choice, WALLOC_DECODER_LINEAR);
  fail_unless_equals_int (gst_walloc_choice_get (&choice),
      WALLOC_DECODER_LINEAR);
  /* frame durations that are rounded here and there are no new stream */
  gst_walloc_choice_set_stream (&choice, ALL, FALSE, TIME + 1);
  fail_unless_equals_int (gst_walloc_choice_get (&choice),
      WALLOC_DECODER_LINEAR);
  gst_walloc_choice_forget (&choice);
  fail_unless_equals_int (gst_walloc_choice_get (&choice), WALLOC_DECODER_BEST);
}

GST_END_TEST;

static guint64
get_stat (GstElement * dec, const gchar * name)
{
  GstStructure *stats;
  guint64 value = G_MAXUINT64;

  g_object_get (dec, "stats", &stats, NULL);
  gst_structure_get_uint64 (stats, name, &value);
  gst_structure_free (stats);

  return value;
}

/* The decoder that the element takes for a model with all of them. */
static void
check_element (const gchar * props, gboolean live, const gchar * counter,
    const gchar * other)
{
  GstHarness *e = gst_harness_new_parse
      ("wallocenc model-file=\"" TEST_GOLDEN_DIR
      "/models/ordered-net-test.wlm\"");
  GstHarness *h = check_decoder (props);
  GstElement *dec = gst_harness_find_element (h, "wallocdec");
  GstCaps *caps = check_caps ("I420", 64, 48), *coded;
  guint i;

  gst_harness_set_live (h, live);
  gst_harness_set_src_caps (e, gst_caps_ref (caps));
  for (i = 0; i < 3; i++) {
    GstBuffer *frame = gst_harness_push_and_pull (e, check_picture (caps, i));

    coded = gst_pad_get_current_caps (e->sinkpad);
    gst_harness_set_src_caps (h, coded);
    gst_buffer_unref (gst_harness_push_and_pull (h, frame));
  }
  fail_unless_equals_uint64 (get_stat (dec, counter), 3);
  fail_unless_equals_uint64 (get_stat (dec, other), 0);
  fail_unless_equals_uint64 (get_stat (dec, "hurried"), 0);
  gst_object_unref (dec);
  gst_caps_unref (caps);
  gst_harness_teardown (e);
  gst_harness_teardown (h);
}

GST_START_TEST (test_element)
{
#ifdef HAVE_ONNX
  check_element ("decoder=fast", TRUE, "fast-frames", "linear-frames");
  check_element (NULL, TRUE, "fast-frames", "best-frames");
  check_element (NULL, FALSE, "best-frames", "fast-frames");
#else
  check_element (NULL, FALSE, "linear-frames", "best-frames");
#endif
  check_element ("decoder=linear", FALSE, "linear-frames", "best-frames");
}

GST_END_TEST;

static Suite *
wallocchoice_suite (void)
{
  Suite *s = suite_create ("wallocchoice");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (s, tc);
  tcase_add_test (tc, test_first);
  tcase_add_test (tc, test_live_load);
  tcase_add_test (tc, test_live_hopeless);
  tcase_add_test (tc, test_late);
  tcase_add_test (tc, test_film_and_still);
  tcase_add_test (tc, test_refused);
  tcase_add_test (tc, test_element);

  return s;
}

GST_CHECK_MAIN (wallocchoice);
