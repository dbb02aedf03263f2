/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The rate control: by itself on numbers, and in wallocenc on pictures. */
#include "walloc-check.h"

#include "gst/walloc/gstwallocratecontrol.h"
#include "gst/walloc/gstwallocsteps.h"

#define BEST 27
#define LOW 136
#define WORST 176

/* Content whose frames have complexity * 2^(-slope * index / 16) bytes. */
typedef struct
{
  gdouble complexity, slope, noise;
} Content;

typedef struct
{
  GstWallocRateControl rc;
  GRand *random;
  GstClockTime duration;
  guint frames, skipped, again, moves;
  guint last;                   /* index of the last frame */
  gdouble time;
  GArray *times, *bits;         /* of what came out */
} Simulation;

static Simulation *
simulation_new (gdouble bitrate, GstClockTime duration)
{
  Simulation *s = g_new0 (Simulation, 1);

  gst_walloc_rate_control_init (&s->rc);
  gst_walloc_rate_control_set (&s->rc, bitrate, BEST, LOW, WORST);
  s->random = g_rand_new_with_seed (1);
  s->duration = duration;
  s->times = g_array_new (FALSE, FALSE, sizeof (gdouble));
  s->bits = g_array_new (FALSE, FALSE, sizeof (gdouble));
  return s;
}

static void
simulation_free (Simulation * s)
{
  g_rand_free (s->random);
  g_array_unref (s->times);
  g_array_unref (s->bits);
  g_free (s);
}

static void
simulation_step (Simulation * s, const Content * c)
{
  gdouble bytes, scale = 1 + c->noise * g_rand_double_range (s->random, -1, 1);
  guint index, attempts = 1;
  gdouble bits;

  s->frames++;
  if (gst_walloc_rate_control_skip (&s->rc, s->duration)) {
    s->skipped++;
  } else {
    index = gst_walloc_rate_control_begin (&s->rc, TRUE, s->duration, 1,
        640 * 360);
    for (;;) {
      fail_unless (index >= BEST && index <= WORST);
      bytes = 60 + floor (c->complexity * scale * exp2 (-c->slope * index /
              16.0));
      bits = 8 * bytes;
      if (!gst_walloc_rate_control_again (&s->rc, WALLOC_FRAME_KEY, bytes,
              0, &index))
        break;
      s->again++;
      fail_unless (++attempts <= GST_WALLOC_RATE_CONTROL_ATTEMPTS);
    }
    s->moves += s->last != index;
    s->last = index;
    g_array_append_val (s->times, s->time);
    g_array_append_val (s->bits, bits);
  }
  s->time += s->duration / (gdouble) GST_SECOND;
}

static void
simulation_run (Simulation * s, const Content * c, gdouble seconds)
{
  guint i, n = seconds * GST_SECOND / s->duration + 0.5;

  for (i = 0; i < n; i++)
    simulation_step (s, c);
}

/* The greatest deviation from @bitrate of any two seconds after @from, as a
 * share of it. */
static gdouble
worst_window (const GArray * times, const GArray * bits, gdouble bitrate,
    gdouble from, gdouble end)
{
  gdouble worst = 0, sum;
  guint i, k;

  for (i = 0; i < times->len; i++) {
    gdouble start = g_array_index (times, gdouble, i);

    if (start < from - 1e-9 || start + 2 > end + 1e-9)
      continue;
    for (k = i, sum = 0; k < times->len
        && g_array_index (times, gdouble, k) < start + 2 - 1e-9; k++)
      sum += g_array_index (bits, gdouble, k);
    worst = MAX (worst, fabs (sum / (2 * bitrate) - 1));
  }
  return worst;
}

static gdouble
simulation_worst (Simulation * s, gdouble bitrate, gdouble from)
{
  return worst_window (s->times, s->bits, bitrate, from, s->time);
}

/* content that changes its complexity 40 times over and its slope, suddenly
 * and slowly, with noise, at every frame rate */
GST_START_TEST (test_windows)
{
  static const gdouble rates[] = { 60, 30, 25, 10, 5, 2, 1 };
  /* times what a frame may have */
  static const gdouble complexities[] = { 7, 50, 15, 8, 40, 25 };
  static const gdouble slopes[] = { 0.8, 1.0, 1.3 };
  guint r, c, l;

  for (r = 0; r < G_N_ELEMENTS (rates); r++) {
    for (l = 0; l < G_N_ELEMENTS (slopes); l++) {
      Simulation *s = simulation_new (4e6, GST_SECOND / rates[r]);
      gdouble worst;

      for (c = 0; c < 2 * G_N_ELEMENTS (complexities); c++) {
        Content content = {
          complexities[c % G_N_ELEMENTS (complexities)] * 5e5 / rates[r],
          slopes[(l + c / 3) % 3], 0.1
        };
        guint i, n = 5 * rates[r];

        for (i = 0; i < n; i++) {
          if (c >= G_N_ELEMENTS (complexities))
            content.complexity *= exp2 (1.0 / n);
          simulation_step (s, &content);
        }
      }
      worst = simulation_worst (s, 4e6, 0);
      fail_unless (worst <= 0.05, "%.1f %% off at %.0f pictures a second, "
          "slope %.1f", 100 * worst, rates[r], slopes[l]);
      fail_unless_equals_int (s->skipped, 0);
      /* cuts are coded again, and hardly anything else where frames are many */
      if (rates[r] >= 10)
        fail_unless (s->again < s->frames / 10, "%u of %u again at %.0f",
            s->again, s->frames, rates[r]);
      simulation_free (s);
    }
  }
}

GST_END_TEST;

/* A picture of a stream with predicted frames, which are @ratio times smaller
 * than key frames would be. */
static void
simulation_predict (Simulation * s, const Content * c, gdouble ratio,
    guint distance, gboolean is_cut)
{
  gboolean planned = s->frames % distance == 0, key = planned || is_cut;
  gdouble bytes, scale = 1 + c->noise * g_rand_double_range (s->random, -1, 1);
  guint attempts = 1, index;

  index = gst_walloc_rate_control_begin (&s->rc, planned, s->duration,
      distance, 640 * 360);
  for (;;) {
    bytes = 60 + floor (c->complexity * scale * exp2 (-c->slope * index / 16.0)
        / (key ? 1 : ratio));
    if (!gst_walloc_rate_control_again (&s->rc, key ? WALLOC_FRAME_KEY :
            WALLOC_FRAME_PREDICTED, bytes, 0, &index))
      break;
    s->again++;
    fail_unless (++attempts <= GST_WALLOC_RATE_CONTROL_ATTEMPTS);
  }
  bytes *= 8;
  s->frames++;
  g_array_append_val (s->times, s->time);
  g_array_append_val (s->bits, bytes);
  s->time += s->duration / (gdouble) GST_SECOND;
}

/* key frames and predicted ones, cuts, changes of what prediction saves */
GST_START_TEST (test_predicted_windows)
{
  static const guint distances[] = { 1, 25, 50, 60, 200, 65535 };
  guint d, i;

  for (d = 0; d < G_N_ELEMENTS (distances); d++) {
    Simulation *s = simulation_new (1e6, GST_SECOND / 25);
    gdouble sum = 0, worst;

    for (i = 0; i < 1000; i++) {
      gdouble ratio = 1 + i / 200 % 4;
      Content content = { 5e4 * ratio * (1 + i / 90 % 3), 1.0, 0.1 };

      simulation_predict (s, &content, ratio, distances[d], i % 90 == 0
          && i > 0);
      sum += g_array_index (s->bits, gdouble, i);
    }
    worst = simulation_worst (s, 1e6, 0);
    fail_unless (worst <= 0.05, "%.1f %% off, keys %u apart", 100 * worst,
        distances[d]);
    fail_unless (fabs (sum / 40 / 1e6 - 1) < 0.025, "%.0f bit/s", sum / 40);
    simulation_free (s);
  }
}

GST_END_TEST;

/* a key frame whose predicted frames are next to nothing gets more than its
 * share, from them */
GST_START_TEST (test_key_share)
{
  Simulation *s = simulation_new (1e6, GST_SECOND / 25);
  Content content = { 4e5, 1.0, 0 };
  gdouble key, before, after;
  guint i;

  for (i = 0; i < 500; i++)
    simulation_predict (s, &content, 20, 50, FALSE);
  key = g_array_index (s->bits, gdouble, 450);
  before = g_array_index (s->bits, gdouble, 449);
  after = g_array_index (s->bits, gdouble, 460);
  fail_unless (key > 6 * before && key > 6 * after && key < 0.45 * 1e6,
      "%.0f among %.0f and %.0f bits", key, before, after);
  fail_unless (simulation_worst (s, 1e6, 0) <= 0.05);
  simulation_free (s);
}

GST_END_TEST;

/* a still scene: repeats, until the step is fine enough to code it anew */
GST_START_TEST (test_predicted_still)
{
  Simulation *s = simulation_new (1e6, GST_SECOND / 25);
  Content content = { 4e5, 1.0, 0 };
  guint i, index, last;

  simulation_predict (s, &content, 1, 65535, FALSE);
  last = s->rc.index;
  for (i = 0; i < 100; i++) {
    index = gst_walloc_rate_control_begin (&s->rc, FALSE, s->duration, 65535,
        640 * 360);
    fail_unless (index <= last + (i == 0 ? 4 : 0) && index + 8 >= last);
    fail_if (gst_walloc_rate_control_again (&s->rc, WALLOC_FRAME_REPEAT, 57,
            0, &index));
    last = index;
  }
  fail_unless_equals_int (last, BEST);
  simulation_free (s);
}

GST_END_TEST;

/* a still scene whose noise is followed from a step on: nothing to code at
 * coarser ones, a burst at finer ones; it takes its rate all the same */
GST_START_TEST (test_predicted_cliff)
{
  Simulation *s = simulation_new (1e6, GST_SECOND / 25);
  Content content = { 4e5, 1.0, 0 };
  guint i, index;
  gdouble bytes, worst;

  simulation_predict (s, &content, 1, 65535, FALSE);
  for (i = 0; i < 300; i++) {
    index = gst_walloc_rate_control_begin (&s->rc, FALSE, s->duration, 65535,
        640 * 360);
    for (;;) {
      bytes = 60 + MIN (400 * exp2 ((53.0 - index) * 0.6), 5e4);
      if (!gst_walloc_rate_control_again (&s->rc, WALLOC_FRAME_PREDICTED,
              bytes, 0, &index))
        break;
      s->again++;
    }
    bytes *= 8;
    g_array_append_val (s->times, s->time);
    g_array_append_val (s->bits, bytes);
    s->time += s->duration / (gdouble) GST_SECOND;
  }
  worst = simulation_worst (s, 1e6, 3);
  fail_unless (worst <= 0.05, "%.1f %% off", 100 * worst);
  fail_unless (s->again < 100, "%u attempts too many", s->again);
  simulation_free (s);
}

GST_END_TEST;

/* where a coarser step takes more than a finer one, a wild guess would follow
 * from the two */
GST_START_TEST (test_predicted_no_line)
{
  Simulation *s = simulation_new (1e6, GST_SECOND / 25);
  Content content = { 4e5, 1.0, 0 };
  guint i, index, first;

  for (i = 0; i < 30; i++)
    simulation_predict (s, &content, 20, 65535, FALSE);
  first = index = gst_walloc_rate_control_begin (&s->rc, FALSE, s->duration,
      65535, 640 * 360);
  fail_unless (gst_walloc_rate_control_again (&s->rc, WALLOC_FRAME_PREDICTED,
          17500, 0, &index));
  fail_unless (index > first);
  fail_unless (gst_walloc_rate_control_again (&s->rc, WALLOC_FRAME_PREDICTED,
          22000, 0, &index));
  fail_unless (index > first && index < first + 60, "from %u to %u", first,
      index);
  simulation_free (s);
}

GST_END_TEST;

/* frames of a still scene have the same size: the step stays where it is */
GST_START_TEST (test_still_keeps_step)
{
  gdouble complexity;

  for (complexity = 5e4; complexity < 1e6; complexity *= 1.37) {
    Simulation *s = simulation_new (2e6, GST_SECOND / 25);
    Content content = { complexity, 1.0, 0 };
    guint i, k;

    simulation_run (s, &content, 60);
    fail_unless (s->moves <= 12, "%u moves in 1500 frames", s->moves);
    fail_unless (simulation_worst (s, 2e6, 0) <= 0.05);
    for (i = 100; i < s->bits->len; i++) {
      k = i - 1;
      fail_unless (fabs (log2 (g_array_index (s->bits, gdouble, i)
                  / g_array_index (s->bits, gdouble, k))) < 1.5 / 16,
          "a jump at frame %u", i);
    }
    simulation_free (s);
  }
}

GST_END_TEST;

/* the rate of a minute is that asked for, and no more: the buffer holds */
GST_START_TEST (test_long_run)
{
  Content content = { 2e5, 0.9, 0.3 };
  Simulation *s = simulation_new (1e6, GST_SECOND / 25);
  gdouble sum = 0, least = 0, most = 0;
  guint i;

  simulation_run (s, &content, 600);
  for (i = 0; i < s->bits->len; i++) {
    sum += g_array_index (s->bits, gdouble, i) / 1e6 - 0.04;
    least = MIN (least, sum);
    most = MAX (most, sum);
  }
  fail_unless (least > -1 && most < 1, "%.2f to %.2f s", least, most);
  simulation_free (s);
}

GST_END_TEST;

GST_START_TEST (test_first_frame_and_cut)
{
  static const gdouble complexities[] = { 3e4, 1e6, 5e4, 5e5 };
  Simulation *s = simulation_new (1e6, GST_SECOND / 25);
  guint c, i;

  for (c = 0; c < G_N_ELEMENTS (complexities); c++) {
    Content content = { complexities[c], 1.0, 0 };
    guint before = s->bits->len;

    simulation_run (s, &content, 1);
    for (i = before; i < s->bits->len; i++)
      fail_unless (g_array_index (s->bits, gdouble, i) < 2.8 * 0.04 * 1e6,
          "%.0f bits at frame %u", g_array_index (s->bits, gdouble, i), i);
  }
  simulation_free (s);
}

GST_END_TEST;

/* the first frame after a change has the new rate */
GST_START_TEST (test_change_at_once)
{
  static const gdouble rates[] = { 4e6, 5e5, 5.5e5, 8e6, 1e6 };
  Content content = { 4e5, 1.0, 0.05 };
  Simulation *s = simulation_new (1e6, GST_SECOND / 25);
  guint r;

  simulation_run (s, &content, 3);
  for (r = 0; r < G_N_ELEMENTS (rates); r++) {
    gdouble from = s->time, bits;
    guint first = s->bits->len;

    gst_walloc_rate_control_set (&s->rc, rates[r], BEST, LOW, WORST);
    simulation_run (s, &content, 4);
    bits = g_array_index (s->bits, gdouble, first);
    fail_unless (fabs (bits / (0.04 * rates[r]) - 1) < 0.25, "%.0f bits at "
        "%.0f bit/s", bits, rates[r]);
    fail_unless (simulation_worst (s, rates[r], from) <= 0.05);
  }
  simulation_free (s);
}

GST_END_TEST;

/* a rate that even the finest step does not need: that step, at once when
 * the content is simple, and nothing saved up for what follows */
GST_START_TEST (test_more_than_needed)
{
  Content simple = { 1e4, 1.0, 0 }, rich = { 2e6, 1.0, 0 };
  Simulation *s = simulation_new (4e6, GST_SECOND / 25);
  gdouble from;

  simulation_run (s, &simple, 20);
  fail_unless_equals_int (s->last, BEST);
  fail_unless_equals_int (s->skipped, 0);
  from = s->time;
  simulation_run (s, &rich, 10);
  fail_unless (simulation_worst (s, 4e6, from) <= 0.05);
  simulation_free (s);
}

GST_END_TEST;

/* a rate that no step reaches: fewer pictures, but some, at the rate */
GST_START_TEST (test_less_than_possible)
{
  static const gdouble rates[] = { 1000, 2000, 5000, 10000 };
  Content content = { 1e5, 1.0, 0.1 };
  guint r, i;

  for (r = 0; r < G_N_ELEMENTS (rates); r++) {
    Simulation *s = simulation_new (rates[r], GST_SECOND / 25);
    gdouble sum = 0, gap = 0;

    simulation_run (s, &content, 60);
    for (i = 0; i < s->bits->len; i++) {
      sum += g_array_index (s->bits, gdouble, i);
      if (i)
        gap = MAX (gap, g_array_index (s->times, gdouble, i)
            - g_array_index (s->times, gdouble, i - 1));
    }
    fail_unless (s->skipped > 0 && s->bits->len > 60, "%u skipped, %u left",
        s->skipped, s->bits->len);
    fail_unless (fabs (sum / 60 / rates[r] - 1) < 0.1, "%.0f bit/s for %.0f",
        sum / 60, rates[r]);
    fail_unless (gap < 2.1, "%.2f s", gap);
    simulation_free (s);
  }
}

GST_END_TEST;

GST_START_TEST (test_comes_back_from_low)
{
  Content content = { 1e5, 1.0, 0.1 };
  Simulation *s = simulation_new (2000, GST_SECOND / 25);
  guint skipped;
  gdouble from;

  simulation_run (s, &content, 5);
  gst_walloc_rate_control_set (&s->rc, 1e6, BEST, LOW, WORST);
  skipped = s->skipped;
  from = s->time;
  simulation_run (s, &content, 5);
  fail_unless (s->skipped <= skipped);
  fail_unless (simulation_worst (s, 1e6, from) <= 0.05);
  simulation_free (s);
}

GST_END_TEST;

/* sizes that no content has do no harm */
GST_START_TEST (test_absurd_sizes)
{
  GstWallocRateControl rc;
  GRand *random = g_rand_new_with_seed (4);
  guint i;

  gst_walloc_rate_control_init (&rc);
  for (i = 0; i < 20000; i++) {
    GstClockTime duration = g_rand_int (random) % 7 == 0 ? 0 :
        (GstClockTime) 1 << g_rand_int_range (random, 0, 63);
    gboolean key = g_rand_boolean (random);
    guint index, n;

    if (i % 100 == 0)
      gst_walloc_rate_control_set (&rc, exp2 (g_rand_double_range (random, 0,
                  40)), i % 300 ? BEST : WORST, LOW, WORST);
    if (gst_walloc_rate_control_skip (&rc, duration))
      continue;
    index = gst_walloc_rate_control_begin (&rc, key, duration,
        g_rand_boolean (random) ? 1 : g_rand_int (random) | 1,
        g_rand_int (random));
    for (n = 0;; n++) {
      fail_unless (index <= WORST && index >= rc.min_index);
      fail_unless (n < GST_WALLOC_RATE_CONTROL_ATTEMPTS);
      if (!gst_walloc_rate_control_again (&rc, g_rand_int_range (random, 0, 3),
              (gsize) 1 << g_rand_int_range (random, 0, 40), 0, &index))
        break;
    }
    fail_unless (isfinite (rc.recent) && isfinite (rc.level)
        && isfinite (rc.bucket) && isfinite (rc.goal) && isfinite (rc.debt));
    fail_unless (fabs (rc.level) <= 1);
  }
  g_rand_free (random);
}

GST_END_TEST;

/* indices go on through sizes, with different ends up and down */
GST_START_TEST (test_steps)
{
  walloc_model *model = NULL;
  walloc_encode_params params;
  GstWallocSteps steps;
  guint i, step, scale, changes = 0;

  fail_unless_equals_int (walloc_model_load (check_model (), NULL, &model,
          NULL), WALLOC_OK);
  gst_walloc_steps_init (&steps, model);
  fail_unless (steps.finest < steps.coarsest);
  walloc_encode_params_init (&params);
  for (i = 0; i <= GST_WALLOC_STEP_MAX; i++) {
    changes += gst_walloc_steps_apply (&steps, i, 0, &params);
    fail_unless (params.use_step && params.step_index <= i);
    fail_unless (params.channels >= 1 && params.channels <= 1024);
    step = i;
    scale = walloc_model_scale_of_step (model, &step);
    fail_unless (steps.scale <= scale && scale <= steps.scale + 1);
    /* above the margin it is what the model says */
    if (scale == steps.scale)
      fail_unless_equals_int (params.step_index, step);
  }
  fail_unless_equals_int (changes, steps.scales - 1);
  for (; i-- > 0;)
    changes += gst_walloc_steps_apply (&steps, i, 20, &params);
  fail_unless_equals_int (changes, 2 * (steps.scales - 1));
  fail_unless_equals_int (steps.scale, 0);
  fail_unless (params.channels <= 20 && params.step_index == 0);

  /* to and fro in the margin: nothing changes */
  for (i = 0; steps.scales > 1 && i < 50; i++)
    fail_if (gst_walloc_steps_apply (&steps, steps.first[1] + 5 - i % 2 * 10,
            0, &params));
  /* another attempt makes a picture smaller, and for a while it stays so */
  if (steps.scales > 1) {
    params.again = TRUE;
    fail_unless (gst_walloc_steps_apply (&steps, steps.first[1] + 15, 0,
            &params));
    step = steps.first[1] - 20;
    fail_if (gst_walloc_steps_apply (&steps, step, 0, &params));
    params.again = FALSE;
    for (i = 0; !gst_walloc_steps_apply (&steps, step, 0, &params); i++)
      fail_unless (steps.scale >= 1 && i < 100);
    fail_unless (i > 10);
    /* but not with a step that is far from there: that was a bad guess */
    params.again = TRUE;
    fail_unless (gst_walloc_steps_apply (&steps, steps.first[1] + 15, 0,
            &params));
    fail_unless (gst_walloc_steps_apply (&steps, steps.first[1] - 40, 0,
            &params));
    fail_unless_equals_int (params.shrink, 1);
    fail_unless_equals_int (steps.hold, 0);
  }
  walloc_model_unref (model);
}

GST_END_TEST;

/* A rough surface, -8 to 7: without it the finest step would not need the
 * rates. */
static gint
grain (guint x, guint y, guint n)
{
  return (gint) ((x * 7919u + y * 104729u + n * 15485863u) * 2654435761u >> 28)
      - 8;
}

/* The noise of a sensor, of sigma 4. */
static gint
sensor_noise (guint x, guint y, guint n)
{
  guint32 v = x * 7919u + y * 104729u + n * 15485863u;

  v = (v ^ v >> 15) * 0x2c1b3c6du;
  v = (v ^ v >> 12) * 0x297a2d39u;
  v ^= v >> 15;
  return ((gint) ((v & 15) + (v >> 8 & 15) + (v >> 16 & 15) + (v >> 24 & 15))
      - 30) * 4 / 9;
}

/* Pictures of 200x152 that vary: @part of the programme, frame @n of it. */
static guint8
varied_sample (guint part, guint x, guint y, guint n)
{
  gdouble v, zoom;

  switch (part % 7) {
    case 0:                    /* a still scene */
      v = check_sample (0, x, y, 7) + grain (x, y, 0);
      break;
    case 1:                    /* a camera that turns */
      v = check_sample (0, x + 5 * n, y, 0) + 2 * grain (x + 5 * n, y, 0);
      break;
    case 2:                    /* the noise of a sensor */
      v = check_sample (1, x, y, 0) + grain (x, y, n);
      break;
    case 3:                    /* a cut every 10 pictures */
      v = 128 + 60 * sin (x * (0.05 + n / 10 % 5 * 0.25)) * cos (y * (0.03
              + n / 10 % 3 * 0.4)) + (n / 10 % 3 + 1) * grain (x, y, n / 10);
      break;
    case 4:                    /* driving: a picture that grows */
      zoom = 1 + n * 0.02;
      v = 128 + 50 * sin ((x - 100.0) / zoom * 0.7) + 50 * cos ((y - 76.0)
          / zoom * 0.6) + grain (x / zoom, y / zoom, 0);
      break;
    case 6:                    /* a still scene, later with noise */
      v = check_sample (0, x, y, 7) + (n < 60 ? 0 : sensor_noise (x, y, n));
      break;
    default:                   /* nearly nothing */
      v = 60 + x / 4;
      break;
  }
  return CLAMP (v, 16, 235);
}

static GstBuffer *
varied_picture (GstCaps * caps, guint part, guint n, GstClockTime pts,
    GstClockTime duration)
{
  GstVideoInfo info;
  GstVideoFrame frame;
  GstBuffer *buffer;
  guint c, x, y;

  fail_unless (gst_video_info_from_caps (&info, caps));
  buffer = gst_buffer_new_allocate (NULL, GST_VIDEO_INFO_SIZE (&info), NULL);
  fail_unless (gst_video_frame_map (&frame, &info, buffer, GST_MAP_WRITE));
  for (c = 0; c < 3; c++) {
    guint8 *data = GST_VIDEO_FRAME_COMP_DATA (&frame, c);

    for (y = 0; y < (guint) GST_VIDEO_FRAME_COMP_HEIGHT (&frame, c); y++)
      for (x = 0; x < (guint) GST_VIDEO_FRAME_COMP_WIDTH (&frame, c); x++)
        data[y * GST_VIDEO_FRAME_COMP_STRIDE (&frame, c) + x] =
            c == 0 ? varied_sample (part, x, y, n) :
            128 + (varied_sample (part, 2 * x, 2 * y, n) - 128) / (gint) (2 +
            c);
  }
  gst_video_frame_unmap (&frame);
  GST_BUFFER_PTS (buffer) = pts;
  GST_BUFFER_DURATION (buffer) = duration;

  return buffer;
}

typedef struct
{
  GstHarness *h;
  GstElement *enc;
  GstCaps *caps;
  GstClockTime time;
  GArray *times, *bits;
} Run;

static Run *
run_new (const gchar * props, const gchar * framerate)
{
  Run *r = g_new0 (Run, 1);
  gchar *text = g_strdup_printf ("video/x-raw, format=I420, width=200, "
      "height=152, framerate=%s", framerate);

  r->h = check_encoder (props);
  r->enc = gst_harness_find_element (r->h, "wallocenc");
  r->caps = gst_caps_from_string (text);
  gst_harness_set_src_caps (r->h, gst_caps_ref (r->caps));
  r->times = g_array_new (FALSE, FALSE, sizeof (gdouble));
  r->bits = g_array_new (FALSE, FALSE, sizeof (gdouble));
  g_free (text);
  return r;
}

static void
run_free (Run * r)
{
  g_array_unref (r->times);
  g_array_unref (r->bits);
  gst_caps_unref (r->caps);
  gst_object_unref (r->enc);
  gst_harness_teardown (r->h);
  g_free (r);
}

/* Encodes one picture; bits of what comes out, 0 if nothing does. */
static gdouble
run_push (Run * r, guint part, guint n, GstClockTime duration)
{
  gdouble time = r->time / (gdouble) GST_SECOND, bits = 0;
  walloc_frame_info info;
  GstBuffer *out;

  fail_unless_equals_int (gst_harness_push (r->h, varied_picture (r->caps,
              part, n, r->time, duration)), GST_FLOW_OK);
  out = gst_harness_try_pull (r->h);
  if (out) {
    check_parse_header (out, &info);
    fail_unless_equals_uint64 (GST_BUFFER_PTS (out), r->time);
    bits = 8.0 * gst_buffer_get_size (out);
    g_array_append_val (r->times, time);
    g_array_append_val (r->bits, bits);
    gst_buffer_unref (out);
  }
  r->time += duration;
  return bits;
}

static gdouble
run_worst (Run * r, gdouble bitrate, gdouble from)
{
  return worst_window (r->times, r->bits, bitrate, from,
      r->time / (gdouble) GST_SECOND);
}

GST_START_TEST (test_encoder_windows)
{
  static const guint rates[] = { 80, 200, 600 };
  guint i, k;

  for (k = 0; k < G_N_ELEMENTS (rates); k++) {
    gchar *props = g_strdup_printf ("bitrate=%u", rates[k]);
    Run *r = run_new (props, "25/1");
    gdouble worst;

    /* all but the last, which needs less than any rate */
    for (i = 0; i < 250; i++)
      run_push (r, i / 30 % 5, i % 30, GST_SECOND / 25);
    worst = run_worst (r, rates[k] * 1000.0, 0);
    fail_unless (worst <= 0.05, "%.1f %% off at %u kbit/s", 100 * worst,
        rates[k]);
    fail_unless_equals_uint64 (check_stat (r->enc, "skipped"), 0);
    fail_unless_equals_uint64 (check_stat (r->enc, "frames"), 250);
    fail_unless (check_stat (r->enc, "again") < 60);
    run_free (r);
    g_free (props);
  }
}

GST_END_TEST;

/* with predicted frames: never far above the rate; below it while nothing
 * moves, which is a fifth of this */
GST_START_TEST (test_encoder_predicted)
{
  static const guint parts[] = { 2, 1, 4, 3, 0, 2 };
  static const guint distances[] = { 50, 33, 1000 };
  guint d, i, k;

  for (d = 0; d < G_N_ELEMENTS (distances); d++) {
    gchar *props = g_strdup_printf ("bitrate=200 key-int-max=%u",
        distances[d]);
    Run *r = run_new (props, "25/1");
    gdouble sum, all = 0;

    for (i = 0; i < 300; i++)
      all += run_push (r, parts[i / 50], i % 50, GST_SECOND / 25);
    for (i = 0; i + 50 <= r->bits->len; i++) {
      for (k = 0, sum = 0; k < 50; k++)
        sum += g_array_index (r->bits, gdouble, i + k);
      fail_unless (sum < 1.06 * 2 * 200e3, "%.0f bits in two seconds from %u, "
          "keys %u apart", sum, i, distances[d]);
    }
    fail_unless (all / 12 > 0.7 * 200e3 && all / 12 < 1.03 * 200e3,
        "%.0f bit/s", all / 12);
    fail_unless (check_stat (r->enc, "predicted") > 100);
    run_free (r);
    g_free (props);
  }
}

GST_END_TEST;

/* a still scene that gets the noise of a sensor has the rate again, or the
 * finest step */
GST_START_TEST (test_encoder_still_to_noise)
{
  static const guint rates[] = { 35, 50, 100 };
  guint i, k, n;

  for (k = 0; k < G_N_ELEMENTS (rates); k++) {
    gchar *props = g_strdup_printf ("bitrate=%u key-int-max=1000", rates[k]);
    Run *r = run_new (props, "25/1");
    guint finest = 0, step;
    GstStructure *stats;
    gdouble sum;

    for (i = 0; i < 160; i++) {
      run_push (r, 6, i, GST_SECOND / 25);
      g_object_get (r->enc, "stats", &stats, NULL);
      fail_unless (gst_structure_get_uint (stats, "step-index", &step));
      gst_structure_free (stats);
      finest += i >= 110 && step <= BEST;
    }
    for (n = 0, sum = 0; n < 50; n++)
      sum += g_array_index (r->bits, gdouble, 110 + n);
    fail_unless (finest > 40
        || sum > 0.94 * 2 * 1000 * rates[k],
        "%.0f bits in " "two seconds at %u kbit/s", sum, rates[k]);
    run_free (r);
    g_free (props);
  }
}

GST_END_TEST;

GST_START_TEST (test_encoder_change_at_once)
{
  static const guint rates[] = { 900, 150, 500 };
  Run *r = run_new ("bitrate=300", "25/1");
  guint i, k, n = 0;

  for (i = 0; i < 25; i++)
    run_push (r, 1, n++, GST_SECOND / 25);
  for (k = 0; k < G_N_ELEMENTS (rates); k++) {
    gdouble bits;

    g_object_set (r->enc, "bitrate", rates[k], NULL);
    bits = run_push (r, 1, n++, GST_SECOND / 25);
    fail_unless (fabs (bits / (40.0 * rates[k]) - 1) < 0.25, "%.0f bits at "
        "%u kbit/s", bits, rates[k]);
    for (i = 0; i < 15; i++)
      run_push (r, 1, n++, GST_SECOND / 25);
  }
  run_free (r);
}

GST_END_TEST;

/* bitrate on and off: quality's bytes without, the rate with it */
GST_START_TEST (test_encoder_toggle)
{
  Run *r = run_new ("quality=60", "25/1");
  gdouble constant = run_push (r, 1, 0, GST_SECOND / 25);
  guint i, k;

  for (k = 0; k < 4; k++) {
    gdouble sum = 0;

    g_object_set (r->enc, "bitrate", 200, NULL);
    for (i = 0; i < 10; i++)
      sum += run_push (r, 1, 0, GST_SECOND / 25);
    fail_unless (fabs (sum / 10 / 8000 - 1) < 0.1, "%.0f bits", sum / 10);
    g_object_set (r->enc, "bitrate", 0, NULL);
    for (i = 0; i < 3; i++)
      fail_unless_equals_float (run_push (r, 1, 0, GST_SECOND / 25), constant);
  }
  run_free (r);
}

GST_END_TEST;

GST_START_TEST (test_encoder_extremes)
{
  static const guint rates[] = { 1, 1000000, 10000000 };
  guint i, k;

  for (k = 0; k < G_N_ELEMENTS (rates); k++) {
    gchar *props = g_strdup_printf ("bitrate=%u", rates[k]);
    Run *r = run_new (props, "25/1");
    gdouble sum = 0;

    for (i = 0; i < 250; i++)
      sum += run_push (r, i / 30 % 6, i % 30, GST_SECOND / 25);
    fail_unless_equals_uint64 (check_stat (r->enc, "frames"), r->bits->len);
    fail_unless_equals_uint64 (check_stat (r->enc, "skipped"), 250
        - r->bits->len);
    if (rates[k] == 1) {
      fail_unless (r->bits->len >= 5 && r->bits->len < 30, "%u frames",
          r->bits->len);
      fail_unless (sum / 10 < 1500, "%.0f bit/s", sum / 10);
    } else {
      fail_unless_equals_int (r->bits->len, 250);
      fail_unless_equals_uint64 (check_stat (r->enc, "again"), 0);
    }
    run_free (r);
    g_free (props);
  }
}

GST_END_TEST;

/* rates of pictures that no caps tell, and pictures that are missing */
GST_START_TEST (test_encoder_variable_framerate)
{
  Run *r = run_new ("bitrate=200", "0/1");
  guint i;

  for (i = 0; i < 150; i++)
    run_push (r, i / 20 % 5, i % 20, GST_SECOND / (i / 50 % 2 ? 12 : 50)
        + i % 7 * GST_MSECOND);
  fail_unless (run_worst (r, 200e3, 0) <= 0.08, "%.1f %%",
      100 * run_worst (r, 200e3, 0));
  run_free (r);

  /* two of three pictures do not come */
  r = run_new ("bitrate=200", "30/1");
  for (i = 0; i < 60; i++)
    run_push (r, i / 20 % 5, i % 20, GST_SECOND / 10);
  fail_unless (run_worst (r, 200e3, 0.2) <= 0.06, "%.1f %%",
      100 * run_worst (r, 200e3, 0.2));
  run_free (r);
}

GST_END_TEST;

GST_START_TEST (test_encoder_slow_pictures)
{
  static const guint rates[] = { 1, 2, 5 };
  guint i, k;

  for (k = 0; k < G_N_ELEMENTS (rates); k++) {
    gchar *fps = g_strdup_printf ("%u/1", rates[k]);
    Run *r = run_new ("bitrate=30", fps);

    for (i = 0; i < 10 * rates[k]; i++)
      run_push (r, i % 5, 3 * i, GST_SECOND / rates[k]);
    fail_unless (run_worst (r, 30e3, 0) <= 0.05, "%.1f %% at %u",
        100 * run_worst (r, 30e3, 0), rates[k]);
    run_free (r);
    g_free (fps);
  }
}

GST_END_TEST;

static Suite *
walloc_rate_suite (void)
{
  Suite *s = suite_create ("walloc-rate");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (s, tc);
  tcase_add_test (tc, test_windows);
  tcase_add_test (tc, test_predicted_windows);
  tcase_add_test (tc, test_key_share);
  tcase_add_test (tc, test_predicted_still);
  tcase_add_test (tc, test_predicted_cliff);
  tcase_add_test (tc, test_predicted_no_line);
  tcase_add_test (tc, test_still_keeps_step);
  tcase_add_test (tc, test_long_run);
  tcase_add_test (tc, test_first_frame_and_cut);
  tcase_add_test (tc, test_change_at_once);
  tcase_add_test (tc, test_more_than_needed);
  tcase_add_test (tc, test_less_than_possible);
  tcase_add_test (tc, test_comes_back_from_low);
  tcase_add_test (tc, test_absurd_sizes);
  tcase_add_test (tc, test_steps);
  tcase_add_test (tc, test_encoder_windows);
  tcase_add_test (tc, test_encoder_predicted);
  tcase_add_test (tc, test_encoder_still_to_noise);
  tcase_add_test (tc, test_encoder_change_at_once);
  tcase_add_test (tc, test_encoder_toggle);
  tcase_add_test (tc, test_encoder_extremes);
  tcase_add_test (tc, test_encoder_variable_framerate);
  tcase_add_test (tc, test_encoder_slow_pictures);

  return s;
}

GST_CHECK_MAIN (walloc_rate);
