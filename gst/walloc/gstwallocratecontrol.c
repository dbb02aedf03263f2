/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The logarithm of a frame's bits is close to a line in the step index, and
 * the frame before tells where the line is. That gives a first guess; a frame
 * that misses by so much that it would be seen in the rate (scene cuts, a
 * first frame, few frames a second) is coded again, with a line through what
 * came out.
 *
 * All amounts are in seconds of the rate: what the link carries in that time.
 * Three accounts are kept of what exceeds it. "recent" fades like a window of
 * two seconds and is held within a band, so any two seconds are close to the
 * rate; inside the band nothing is corrected, or the step of a still scene
 * would swing. "level" is the buffer of the receiver, two seconds in all and
 * half full at the start: it may drift far and is then brought back by a few
 * per cent. "bucket" decides, where no step is coarse enough, which pictures
 * are left out.
 *
 * Key frames between predicted ones get more: what they exceed is planned as a
 * debt, and the frames up to the next key frame pay it. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <math.h>
#include <string.h>

#include "gstwallocratecontrol.h"

/* what fades, seconds */
#define RECENT_FADE 1.5

/* "recent" is free within BAND, and a frame that takes it beyond LIMIT is
 * coded again: 5 % of two seconds are 0.1 */
#define BAND 0.04
#define LIMIT 0.05

/* time in which what is beyond the band is paid back */
#define PAYBACK 0.25

/* the level is brought back to CALM when it leaves FAR, by so much of itself
 * in a second; LEVEL is what the buffer holds on each side */
#define FAR 0.5
#define CALM 0.2
#define DRIFT 0.05
#define LEVEL 1.0

/* what was not used is given back by so much of the rate at most */
#define MOST_GIVEN 0.02

/* limits of a goal, in shares of what the picture's time allows */
#define LEAST_GOAL 0.3
#define MOST_GOAL 2.0

/* a frame this close to its goal is good, whatever the accounts say */
#define CLOSE 0.05

/* an index is kept while the wished one is no farther from it; the second
 * where something is to be corrected */
#define KEEP 0.8
#define KEEP_LESS 0.6

/* what a key frame may exceed its time by: seen in windows of two seconds,
 * or not when these always have the same number of key frames in them */
#define KEY_EXCESS 0.09
#define KEY_EXCESS_ALIGNED 0.5

/* pictures are left out for up to SHORT_GAP, with a full bucket for LONG_GAP */
#define SHORT_GAP 0.5
#define LONG_GAP 2.0

/* photographs: bits per pixel at an index */
#define GUESS_BPP 0.45
#define GUESS_INDEX 72.0
#define GUESS_SLOPE 1.0
#define LEAST_SLOPE 0.4
#define MOST_SLOPE 2.0

/* predicted frames, before one was seen: smaller than key frames by */
#define GUESS_RATIO 3.0

#define INDICES_PER_OCTAVE 16.0

/* a move of the index that tells the slope */
#define FAR_INDEX 6

static gdouble
seconds_of (GstClockTime duration)
{
  return CLAMP (duration / (gdouble) GST_SECOND, 0.0001, LONG_GAP);
}

void
gst_walloc_rate_control_init (GstWallocRateControl * rc)
{
  memset (rc, 0, sizeof (*rc));
  rc->model[0].slope = rc->model[1].slope = GUESS_SLOPE;
}

/* Sets the rate, in bits per second (0: none), and the limits of the index.
 * What was learnt about the content stays, so the next frame has the new
 * rate. */
void
gst_walloc_rate_control_set (GstWallocRateControl * rc, gdouble bitrate,
    guint min_index, guint low_index, guint max_index)
{
  rc->min_index = min_index;
  rc->low_index = MAX (min_index, low_index);
  rc->max_index = MAX (rc->low_index, max_index);

  if (bitrate == rc->bitrate)
    return;
  rc->bitrate = bitrate;
  rc->recent = rc->level = rc->bucket = 0;
  rc->debt = rc->debt_time = rc->gap = 0;
  rc->paying = rc->low = FALSE;
  rc->fresh = TRUE;
}

static gdouble
model_bits (const GstWallocRateModel * m, gdouble index)
{
  return m->bits - m->slope * (index - m->index) / INDICES_PER_OCTAVE;
}

static gdouble
model_index (const GstWallocRateModel * m, gdouble bits)
{
  return m->index + INDICES_PER_OCTAVE * (m->bits - bits) / m->slope;
}

/* Two frames of one content at two indices tell the slope. */
static void
model_learn_slope (GstWallocRateModel * m, gdouble index, gdouble bits,
    gdouble other_index, gdouble other_bits)
{
  gdouble slope = INDICES_PER_OCTAVE * (bits - other_bits)
      / (other_index - index);

  if (slope > 0)
    m->slope = CLAMP (0.5 * m->slope + 0.5 * slope, LEAST_SLOPE, MOST_SLOPE);
}

/* A frame had so many bits: the line goes through them, or nearly so where
 * noise is likelier than another content. */
static void
model_learn (GstWallocRateModel * m, guint index, gdouble bits)
{
  gdouble miss = bits - model_bits (m, index);

  /* after a miss the step moves much, and then the content is likely to be
   * that of the frame before */
  if (m->known && fabs (index - m->index) >= FAR_INDEX)
    model_learn_slope (m, index, bits, m->index, m->bits);
  m->bits = !m->known || fabs (miss) > 0.2 ? bits : bits - 0.3 * miss;
  m->index = index;
  m->known = TRUE;
}

/* The line of frames of this kind; a guess where none was seen. */
static GstWallocRateModel *
model_of (GstWallocRateControl * rc, gboolean is_key, guint64 pixels)
{
  GstWallocRateModel *m = &rc->model[is_key], *other = &rc->model[!is_key];

  if (m->known)
    return m;
  if (other->known) {
    m->index = other->index;
    m->bits = other->bits + (is_key ? 1 : -1) * log2 (GUESS_RATIO);
  } else {
    m->index = GUESS_INDEX;
    m->bits = log2 (GUESS_BPP * MAX (pixels, 1)) - (is_key ? 0 :
        log2 (GUESS_RATIO));
  }
  return m;
}

/* Learns from a frame that was coded without a rate. */
void
gst_walloc_rate_control_observe (GstWallocRateControl * rc, gboolean is_key,
    guint index, gsize bytes)
{
  model_learn (&rc->model[is_key], index, log2 (8.0 * MAX (bytes, 1)));
  rc->index = index;
}

/* The last picture stood @more longer (or shorter) than was said when it was
 * begun. */
void
gst_walloc_rate_control_elapsed (GstWallocRateControl * rc,
    GstClockTimeDiff more)
{
  gdouble seconds = CLAMP (more / (gdouble) GST_SECOND, -LONG_GAP, LONG_GAP);

  rc->recent = CLAMP (rc->recent - seconds, -LIMIT, 2 * LIMIT);
  rc->level = CLAMP (rc->level - seconds, -LEVEL, LEVEL);
  rc->bucket = MAX (rc->bucket - seconds, 0);
}

/* Whether the next picture is to be left out, as even a coarse step exceeds
 * the rate. To be asked once per picture, before _begin(). */
gboolean
gst_walloc_rate_control_skip (GstWallocRateControl * rc, GstClockTime duration)
{
  gdouble seconds = seconds_of (duration), gap = rc->gap + seconds;

  if (!rc->low || rc->bucket - seconds <= 0 || gap > LONG_GAP
      || (gap > SHORT_GAP && rc->bucket - seconds < SHORT_GAP))
    return FALSE;
  rc->gap = gap;
  rc->bucket -= seconds;
  return TRUE;
}

/* What a key frame gets: as much more than predicted frames as its content
 * needs at their step, within limits. */
static gdouble
key_plan (GstWallocRateControl * rc, gdouble seconds, gdouble distance)
{
  gdouble ratio = GUESS_RATIO, frames = distance / seconds, plan, excess;
  gdouble windows = LONG_GAP / distance;

  if (rc->model[0].known && rc->model[1].known)
    ratio = exp2 (model_bits (&rc->model[1], rc->index)
        - model_bits (&rc->model[0], rc->index));
  ratio = CLAMP (ratio, 1.0, 100.0);
  plan = distance * ratio / (ratio + frames - 1);
  excess = fabs (windows - rint (windows)) * distance < seconds / 2
      && windows > 0.5 ? KEY_EXCESS_ALIGNED : KEY_EXCESS;

  return CLAMP (plan, seconds, seconds + excess);
}

/* What the picture at hand may take, without corrections. */
static gdouble
plan_of (GstWallocRateControl * rc, gdouble seconds, gdouble distance)
{
  gdouble plan = seconds;

  if (fabs (rc->level) > FAR)
    rc->paying = TRUE;
  else if (fabs (rc->level) < CALM)
    rc->paying = FALSE;
  if (rc->paying)
    plan -= MAX (DRIFT * rc->level, -MOST_GIVEN) * seconds;
  if (rc->is_key && distance > 1.5 * seconds)
    rc->lent = key_plan (rc, seconds, distance) - seconds;
  else
    rc->lent = -MIN (rc->debt * MIN (1.0, seconds / MAX (rc->debt_time,
                seconds)), (1 - LEAST_GOAL) * seconds);
  return plan + rc->lent;
}

/* The plan with what the accounts ask for. */
static gdouble
goal_of (GstWallocRateControl * rc, gdouble plan, gdouble seconds)
{
  gdouble goal = plan;

  if (fabs (rc->recent) > BAND)
    goal -= (rc->recent - CLAMP (rc->recent, -BAND, BAND))
        * MIN (1.0, seconds / PAYBACK);

  return CLAMP (goal, LEAST_GOAL * plan, MOST_GOAL * plan);
}

/* Starts a picture; returns its step index. @key_distance: time to the next
 * key frame, no more than @duration where all are key frames. */
guint
gst_walloc_rate_control_begin (GstWallocRateControl * rc, gboolean is_key,
    GstClockTime duration, GstClockTime key_distance, guint64 pixels)
{
  GstWallocRateModel *m = model_of (rc, is_key, pixels);
  gdouble wish, keep, distance = key_distance / (gdouble) GST_SECOND;

  rc->is_key = is_key;
  rc->seconds = MIN (seconds_of (duration) + rc->gap, LONG_GAP);
  rc->attempts = rc->first = 0;
  rc->plan = plan_of (rc, rc->seconds, distance);
  rc->goal = goal_of (rc, rc->plan, rc->seconds);
  if (rc->low && rc->gap >= SHORT_GAP)
    rc->goal = MAX (SHORT_GAP - rc->bucket, LEAST_GOAL * seconds_of (duration));
  rc->debt_time = is_key ? distance : MAX (rc->debt_time - rc->seconds, 0);

  wish = model_index (m, log2 (rc->goal * rc->bitrate));
  /* a still scene keeps its step while the rate is right */
  keep = rc->paying || fabs (rc->recent) > BAND ? KEEP_LESS : KEEP;
  if (m->known && fabs (wish - rc->index) < keep)
    wish = rc->index;
  /* pictures are left out before they become worthless */
  if (rc->gap < SHORT_GAP) {
    rc->low = model_index (m, log2 (seconds_of (duration) * rc->bitrate)) >
        rc->low_index;
    if (rc->low)
      wish = rc->low_index;
  }
  rc->index = CLAMP (wish, rc->min_index, rc->max_index) + 0.5;

  return rc->index;
}

/* From now on an index means another number of bits: attempts so far tell
 * nothing more. */
void
gst_walloc_rate_control_forget (GstWallocRateControl * rc)
{
  rc->first = rc->attempts;
}

/* The index that should hit the goal, after what was tried. */
static guint
next_index (GstWallocRateControl * rc)
{
  gdouble goal = log2 (rc->goal * rc->bitrate), slope, wish;
  guint last = rc->attempts - 1, i, low = rc->min_index, high = rc->max_index;
  GstWallocRateModel *m = &rc->model[rc->is_key];

  if (last > rc->first && rc->tried[last] != rc->tried[last - 1]) {
    slope = INDICES_PER_OCTAVE * (rc->got[last - 1] - rc->got[last])
        / ((gdouble) rc->tried[last] - rc->tried[last - 1]);
    slope = CLAMP (slope, LEAST_SLOPE, 2 * MOST_SLOPE);
  } else {
    slope = m->slope;
  }
  /* between what was too much and what was too little */
  for (i = rc->first; i <= last; i++) {
    if (rc->got[i] > goal)
      low = MAX (low, MIN (rc->tried[i] + 1, rc->max_index));
    else
      high = MIN (high, MAX (rc->tried[i], rc->min_index + 1) - 1);
  }
  if (low > high)
    return rc->tried[last];
  wish = rc->tried[last] + INDICES_PER_OCTAVE * (rc->got[last] - goal) / slope;
  return CLAMP (wish + 0.5, low, high);
}

/* Whether a frame of @bits (log2) is good enough. */
static gboolean
is_good (const GstWallocRateControl * rc, gdouble bits, guint index)
{
  gdouble goal = log2 (rc->goal * rc->bitrate);
  gdouble spent = exp2 (bits) / rc->bitrate;
  gdouble recent = rc->recent * exp (-rc->seconds / RECENT_FADE) + spent
      - rc->plan;

  return (fabs (recent) <= LIMIT && !rc->fresh)
      || fabs (exp2 (bits - goal) - 1) <= (rc->fresh ? 2 * CLOSE : CLOSE)
      || (bits < goal && index <= rc->min_index)
      || (bits > goal && (index >= rc->max_index || (rc->low
              && index >= rc->low_index && rc->gap < SHORT_GAP)));
}

static void
account (GstWallocRateControl * rc, gdouble bits)
{
  gdouble spent = exp2 (bits) / rc->bitrate, excess = spent - rc->plan;

  rc->recent = rc->recent * exp (-rc->seconds / RECENT_FADE) + excess;
  rc->recent = CLAMP (rc->recent, -LIMIT, 2 * LIMIT);
  rc->level = CLAMP (rc->level + spent - rc->seconds, -LEVEL, LEVEL);
  rc->bucket = MAX (rc->bucket - rc->seconds + rc->gap, 0) + spent;
  rc->debt += rc->lent;
  rc->gap = 0;
  rc->fresh = FALSE;
}

/* A frame of @bytes came out at the index. TRUE: code the picture again, at
 * @index. FALSE: the frame stands, and is accounted for. */
gboolean
gst_walloc_rate_control_again (GstWallocRateControl * rc, gsize bytes,
    guint * index)
{
  gdouble bits = log2 (8.0 * MAX (bytes, 1));
  guint next;

  rc->tried[rc->attempts] = rc->index;
  rc->got[rc->attempts] = bits;
  rc->attempts++;
  if (rc->attempts < GST_WALLOC_RATE_CONTROL_ATTEMPTS
      && !is_good (rc, bits, rc->index)) {
    next = next_index (rc);
    if (next != rc->index) {
      *index = rc->index = next;
      return TRUE;
    }
  }
  /* attempts at one picture tell more than pictures that follow each other */
  if (rc->attempts > rc->first + 1) {
    GstWallocRateModel *m = &rc->model[rc->is_key];
    guint last = rc->attempts - 1;

    model_learn_slope (m, rc->tried[last], rc->got[last], rc->tried[last - 1],
        rc->got[last - 1]);
    m->index = rc->index;
    m->bits = bits;
    m->known = TRUE;
  } else {
    model_learn (&rc->model[rc->is_key], rc->index, bits);
  }
  account (rc, bits);
  return FALSE;
}
