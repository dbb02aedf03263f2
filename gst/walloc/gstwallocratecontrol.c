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
 * Streams with predicted frames vary more, so the last two seconds are looked
 * at as they were: what leaves the window in the next frames says how much each
 * may take at least and at most, so that no window leaves its limits. A frame
 * at the finest step counts as if it had used its time: nothing is saved up
 * there. Key frames get more, as far as these limits go: what they exceed is
 * planned as a debt, and the frames up to the next key frame pay it. What a
 * predicted frame leaves of its goal is filled by the encoder with static areas
 * that are not as good as its step, and the step gets finer when none are left.
 */
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

/* streams with predicted frames: windows of WINDOW seconds differ from it by
 * ASIDE at most; the sum of the last one is brought back in CENTRE; a frame
 * after a key frame has FLOOR of its time at least */
#define WINDOW 2.0
#define ASIDE 0.08
#define CENTRE 0.5
#define FLOOR 0.75

/* the level is brought back to CALM when it leaves FAR, by so much of itself
 * in a second, always in streams with predicted frames; LEVEL is what the buffer holds on each side */
#define FAR 0.5
#define CALM 0.2
#define DRIFT 0.05
#define DRIFT_PREDICTED 0.1
#define LEVEL 1.0

/* what was not used is given back by so much of the rate at most */
#define MOST_GIVEN 0.02

/* limits of a goal, in shares of what the picture's time allows */
#define LEAST_GOAL 0.3
#define MOST_GOAL 2.0
#define MOST_GOAL_PREDICTED 3.0

/* a frame this close to its goal is good, whatever the accounts say */
#define CLOSE 0.05

/* an index is kept while the wished one is no farther from it; the second
 * where something is to be corrected */
#define KEEP 0.8
#define KEEP_LESS 0.6

/* what a key frame may exceed its time by */
#define KEY_EXCESS 0.4

/* what a cut took is paid back in this time */
#define CUT_PAYBACK 0.5

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
#define FIRST_RATIO 12.0
#define MOST_RATIO 100.0

/* indices by which a predicted frame may be finer or coarser than the one
 * before, at the first attempt */
#define MOST_FINER 3
#define MOST_COARSER 4
#define MOST_COARSER_AGAIN 8

/* the same where a frame had next to nothing to code, by share of its goal */
#define STILL_FINER 8
#define STILL 0.3

/* what is filled up to so much of the goal is full */
#define FULL 0.85
#define LEAST_FILL 0.5
#define MOST_FILL 1.4

/* the wish for a predicted frame is met by half when it is nearer than this */
#define HURRY 16

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
  rc->fill_scale = 1;
  rc->finer = STILL_FINER;
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
  rc->paying = rc->low = rc->filled = rc->still = FALSE;
  rc->n_past = 0;
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
gst_walloc_rate_control_observe (GstWallocRateControl * rc,
    walloc_frame_type type, guint index, gsize bytes)
{
  if (type != WALLOC_FRAME_REPEAT)
    model_learn (&rc->model[type == WALLOC_FRAME_KEY], index,
        log2 (8.0 * MAX (bytes, 1)));
  rc->index = rc->last[type == WALLOC_FRAME_KEY] = index;
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
  if (rc->n_past > 0) {
    guint last = (rc->end_past - 1) % GST_WALLOC_RATE_CONTROL_HISTORY;

    rc->past[last].seconds = MAX (rc->past[last].seconds + seconds, 0);
  }
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

/* Notes what a frame took. */
static void
remember (GstWallocRateControl * rc, gdouble spent)
{
  guint at = rc->end_past;

  rc->past[at].seconds = rc->seconds;
  rc->past[at].spent = spent;
  rc->past[at].counted = rc->index <= rc->min_index ?
      MAX (spent, rc->seconds) : spent;
  rc->end_past = (at + 1) % GST_WALLOC_RATE_CONTROL_HISTORY;
  rc->n_past = MIN (rc->n_past + 1, GST_WALLOC_RATE_CONTROL_HISTORY);
}

/* What the picture at hand should take at least and at most, so that windows can
 * stay within their limits while frames leave them, and the limit beyond which
 * they cannot. @spent: what those took
 * that share its window. FALSE: there are no two seconds yet. */
static gboolean
look_back (GstWallocRateControl * rc, gdouble * spent)
{
  gdouble time = rc->seconds, counted = 0, low, high, gone = 0, left = 0;
  gdouble floor = FLOOR * rc->seconds;
  guint n = 0, i, at;

  *spent = 0;
  while (n < rc->n_past) {
    at = (rc->end_past - 1 - n) % GST_WALLOC_RATE_CONTROL_HISTORY;
    if (time + rc->past[at].seconds > WINDOW + rc->past[at].seconds / 2)
      break;
    time += rc->past[at].seconds;
    *spent += rc->past[at].spent;
    counted += rc->past[at].counted;
    n++;
  }
  rc->least = 0;
  rc->most = rc->limit = G_MAXDOUBLE;
  if (n == rc->n_past) {
    /* frames that come before two seconds are over have to live, too */
    if (rc->is_key && n > 0)
      rc->most = rc->limit = WINDOW + ASIDE - *spent - FLOOR * (WINDOW - time);
    return FALSE;
  }
  high = WINDOW + ASIDE - *spent;
  low = WINDOW - ASIDE - counted;
  for (i = 0; i <= n; i++) {
    rc->least = MAX (rc->least, (low + left) / (i + 1));
    rc->most = MIN (rc->most, (high + gone) / (i + 1));
    rc->limit = MIN (rc->limit, high + gone - i * floor);
    if (i == n)
      break;
    at = (rc->end_past - n + i) % GST_WALLOC_RATE_CONTROL_HISTORY;
    gone += rc->past[at].spent;
    left += rc->past[at].counted;
  }
  if (rc->is_key) {
    rc->least = low;
    rc->most = MAX (rc->most, rc->limit);
  }
  return TRUE;
}

/* What a key frame gets beyond its time: as much more than predicted frames as
 * its content needs at their step, within limits. */
static gdouble
key_excess (GstWallocRateControl * rc, gdouble seconds)
{
  gdouble distance = rc->distance * seconds, ratio = FIRST_RATIO, excess;

  if (rc->model[0].known && rc->model[1].known)
    ratio = exp2 (model_bits (&rc->model[1], rc->index)
        - model_bits (&rc->model[0], rc->index));
  ratio = CLAMP (ratio, 1.0, MOST_RATIO);
  excess = distance * ratio / (ratio + rc->distance - 1) - seconds;

  return CLAMP (excess, 0, CLAMP (rc->most - seconds, 0,
          MAX (KEY_EXCESS - rc->debt, 0)));
}

/* What the picture at hand may take, without corrections. */
static gdouble
plan_of (GstWallocRateControl * rc, gdouble seconds)
{
  gdouble plan = seconds;

  if (fabs (rc->level) > FAR)
    rc->paying = TRUE;
  else if (fabs (rc->level) < CALM)
    rc->paying = FALSE;
  if (rc->distance > 1)
    plan -= MAX (DRIFT_PREDICTED * rc->level, -MOST_GIVEN) * seconds;
  else if (rc->paying)
    plan -= MAX (DRIFT * rc->level, -MOST_GIVEN) * seconds;
  if (rc->is_key && rc->distance > 1)
    rc->lent = key_excess (rc, seconds);
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

/* Plans the picture at hand, once it is known (or thought) to be a key frame
 * or not. */
static void
plan_picture (GstWallocRateControl * rc, gboolean is_key)
{
  gboolean full;
  gdouble spent;

  rc->is_key = is_key;
  if (rc->distance <= 1) {
    rc->plan = plan_of (rc, rc->seconds);
    rc->goal = goal_of (rc, rc->plan, rc->seconds);
    return;
  }
  full = look_back (rc, &spent);
  rc->plan = plan_of (rc, rc->seconds);
  rc->goal = rc->plan;
  if (full)
    rc->goal -= CLAMP (spent + rc->plan - WINDOW, -ASIDE, ASIDE)
        * MIN (1.0, rc->seconds / CENTRE);
  rc->goal = MAX (MIN (rc->goal, rc->most), rc->least);
  if (!is_key)
    rc->goal = MIN (rc->goal, rc->limit);
  rc->goal = CLAMP (rc->goal, LEAST_GOAL * rc->seconds,
      MOST_GOAL_PREDICTED * MAX (rc->plan, rc->seconds));
}

/* From the index of the last frame of the kind to the wished one, or less far
 * where that is wiser. */
static gdouble
move (const GstWallocRateControl * rc, gdouble wish)
{
  gdouble last = rc->last[rc->is_key];
  gdouble keep = rc->paying || fabs (rc->recent) > BAND ? KEEP_LESS : KEEP;

  /* the bits of predicted frames are no line: nothing changes in a still scene
   * until a step is fine enough, and then everything once */
  if (rc->still && !rc->is_key)
    return last - rc->finer;
  if (rc->filled && !rc->is_key && wish < last)
    return last;
  /* such a scene keeps its step while the rate is right */
  if (fabs (wish - last) < keep)
    return last;
  if (rc->is_key || rc->fresh)
    return wish;
  if (wish > last)
    return MIN ((wish + last) / 2, last + MOST_COARSER);
  if (wish > last - HURRY)
    return MAX ((wish + last) / 2, last - MOST_FINER);
  return last - 2 * MOST_FINER;
}

/* Starts a picture; returns its step index. @key_distance: frames between
 * planned key frames, 1 where all are. */
guint
gst_walloc_rate_control_begin (GstWallocRateControl * rc, gboolean is_key,
    GstClockTime duration, guint key_distance, guint64 pixels)
{
  GstWallocRateModel *m = model_of (rc, is_key, pixels);
  gdouble wish;

  rc->distance = key_distance;
  rc->seconds = MIN (seconds_of (duration) + rc->gap, LONG_GAP);
  rc->attempts = rc->first = 0;
  rc->is_cut = FALSE;
  plan_picture (rc, is_key);
  if (rc->low && rc->gap >= SHORT_GAP)
    rc->goal = MAX (SHORT_GAP - rc->bucket, LEAST_GOAL * seconds_of (duration));

  wish = model_index (m, log2 (rc->goal * rc->bitrate));
  if (m->known || (!is_key && rc->last[0] > 0))
    wish = move (rc, wish);
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

  slope = m->slope;
  /* a coarser step that took more tells nothing of the slope: what counts as
   * noise is another there */
  if (last > rc->first && rc->tried[last] != rc->tried[last - 1]
      && (rc->tried[last] > rc->tried[last - 1]) ==
      (rc->got[last] < rc->got[last - 1])) {
    slope = INDICES_PER_OCTAVE * (rc->got[last - 1] - rc->got[last])
        / ((gdouble) rc->tried[last] - rc->tried[last - 1]);
    slope = CLAMP (slope, LEAST_SLOPE, 2 * MOST_SLOPE);
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
  if (!rc->is_key && !rc->fresh && last == rc->first)
    wish = MIN (wish, rc->tried[last] + MOST_COARSER_AGAIN);
  /* of a still scene that a finer step made a burst of: half as fine */
  if (!rc->is_key && rc->still && last == rc->first
      && rc->tried[last] < rc->last[0])
    wish = (rc->tried[last] + rc->last[0]) / 2;
  return CLAMP (wish + 0.5, low, high);
}

/* Whether a frame of @bits (log2) is good enough. */
static gboolean
is_good (const GstWallocRateControl * rc, gdouble bits, gdouble filled,
    guint index)
{
  gdouble goal = log2 (rc->goal * rc->bitrate);
  gdouble spent = exp2 (bits) / rc->bitrate;
  gdouble recent = rc->recent * exp (-rc->seconds / RECENT_FADE) + spent
      - rc->plan;
  gboolean calm = fabs (recent) <= LIMIT, starves;

  /* limits hold, and those that follow can keep them */
  if (rc->distance > 1)
    calm = spent <= rc->limit && fabs (spent - rc->goal) <= LIMIT;
  /* a window is too low, and the content could do something about it */
  starves = rc->distance > 1 && spent < 0.9 * rc->least
      && spent - filled / rc->bitrate > STILL * rc->goal;

  return (calm && !rc->fresh && !starves)
      || fabs (exp2 (bits - goal) - 1) <= (rc->fresh ? 2 * CLOSE : CLOSE)
      || (bits < goal && ((!rc->is_key && !rc->fresh && !starves)
          || index <= rc->min_index))
      || (bits > goal && (index >= rc->max_index || (rc->low
              && index >= rc->low_index && rc->gap < SHORT_GAP)));
}

static void
account (GstWallocRateControl * rc, gdouble bits)
{
  gdouble spent = exp2 (bits) / rc->bitrate, excess = spent - rc->plan;

  /* what a key frame could not use at the finest step is not to be paid */
  if (excess < 0 && rc->lent > 0 && rc->index <= rc->min_index) {
    gdouble unused = MIN (rc->lent, -excess);

    rc->lent -= unused;
    excess += unused;
  }
  rc->recent = rc->recent * exp (-rc->seconds / RECENT_FADE) + excess;
  rc->recent = CLAMP (rc->recent, -LIMIT, 2 * LIMIT);
  remember (rc, spent);
  rc->level = CLAMP (rc->level + spent - rc->seconds, -LEVEL, LEVEL);
  rc->bucket = MAX (rc->bucket - rc->seconds + rc->gap, 0) + spent;
  if (!rc->is_key)
    rc->debt_time = MAX (rc->debt_time - rc->seconds, 0);
  else if (rc->is_cut && rc->debt + rc->lent > 0)
    rc->debt_time = (rc->debt * rc->debt_time + rc->lent * CUT_PAYBACK)
        / (rc->debt + rc->lent);
  else
    rc->debt_time = MIN (rc->distance * rc->seconds, LONG_GAP);
  rc->debt += rc->lent;
  rc->gap = 0;
  rc->fresh = FALSE;
}

/* Learns from the attempt that stands. */
static void
learn (GstWallocRateControl * rc, gdouble bits)
{
  GstWallocRateModel *m = &rc->model[rc->is_key];
  guint last = rc->attempts - 1;

  if (rc->attempts == rc->first + 1) {
    model_learn (m, rc->index, bits);
    return;
  }
  /* attempts at one picture tell more than pictures that follow each other */
  model_learn_slope (m, rc->tried[last], rc->got[last], rc->tried[last - 1],
      rc->got[last - 1]);
  m->index = rc->index;
  m->bits = bits;
  m->known = TRUE;
}

/* Bytes that the encoder is to fill the frame with, where it is predicted. */
gsize
gst_walloc_rate_control_fill (const GstWallocRateControl * rc)
{
  return rc->is_key ? 0 : rc->goal * rc->fill_scale * rc->bitrate / 8;
}

/* What there was to code, and what was coded to fill a predicted frame. */
static void
note_filling (GstWallocRateControl * rc, gdouble bits, gdouble filled)
{
  gdouble goal = rc->goal * rc->bitrate;

  rc->filled = filled > 0 && bits > FULL * goal;
  rc->still = !rc->filled && bits - filled < STILL * goal;
  if (rc->filled && filled > STILL * goal)
    rc->fill_scale = CLAMP (rc->fill_scale * pow (goal / bits, 0.3), LEAST_FILL,
        MOST_FILL);
}

/* A frame of @bytes and @type came out at the index, of which @filled were not
 * needed. TRUE: code the picture
 * again, at @index. FALSE: the frame stands, and is accounted for. */
gboolean
gst_walloc_rate_control_again (GstWallocRateControl * rc,
    walloc_frame_type type, gsize bytes, gsize filled, guint * index)
{
  gdouble bits = log2 (8.0 * MAX (bytes, 1));
  guint next;

  /* at a cut the encoder makes a key frame where another was thought of; it
   * may think better of it at another step */
  if ((type == WALLOC_FRAME_KEY) != rc->is_key) {
    rc->is_cut = !rc->is_key;
    plan_picture (rc, rc->is_cut);
    gst_walloc_rate_control_forget (rc);
  }
  filled = MIN (filled, bytes - 1);
  rc->tried[rc->attempts] = rc->index;
  rc->got[rc->attempts] = bits;
  rc->attempts++;
  if (rc->attempts < GST_WALLOC_RATE_CONTROL_ATTEMPTS
      && !is_good (rc, bits, 8.0 * filled, rc->index)) {
    /* next time not so fine */
    if (rc->attempts == 1 && rc->still && !rc->is_key)
      rc->finer = MAX (rc->finer / 2, 1);
    /* less of what need not be */
    if (filled > 0 && 8.0 * bytes > rc->goal * rc->bitrate
        && 8.0 * (bytes - filled) < rc->goal * rc->bitrate) {
      rc->fill_scale = MAX (0.98 * rc->fill_scale * rc->goal * rc->bitrate
          / (8.0 * bytes), LEAST_FILL);
      rc->first = rc->attempts;
      *index = rc->index;
      return TRUE;
    }
    next = next_index (rc);
    if (next != rc->index) {
      *index = rc->index = next;
      return TRUE;
    }
  }
  if (rc->attempts == 1)
    rc->finer = MIN (2 * rc->finer, STILL_FINER);
  rc->repeated = type == WALLOC_FRAME_REPEAT;
  if (type == WALLOC_FRAME_KEY)
    rc->filled = rc->still = FALSE;
  else
    note_filling (rc, 8.0 * bytes, 8.0 * filled);
  if (!rc->repeated)
    learn (rc, log2 (8.0 * (bytes - filled)));
  rc->last[rc->is_key] = rc->index;
  if (rc->is_key) {
    /* finer predicted frames would code everything again */
    rc->last[0] = rc->model[0].known ? MAX (rc->last[0], rc->index) : rc->index;
  }
  if (rc->is_cut) {
    /* what predicted frames took before tells nothing now */
    rc->model[0].known = TRUE;
    rc->model[0].index = rc->last[0] = rc->index;
    rc->model[0].bits = bits - (rc->was_key ? 0 : log2 (GUESS_RATIO));
  }
  rc->was_key = rc->is_key;
  account (rc, bits);
  return FALSE;
}
