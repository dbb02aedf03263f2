/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Frames are independent and the rate of a picture is close to proportional
 * to 1/step, that is, 16 step indices are a factor of two in bits. So one
 * frame's size tells the index of the next: no model of the content is
 * needed. The bucket holds what was sent above the rate; its level shifts the
 * goal of the next frame so that the mean over a second or two is kept. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <math.h>

#include "gstwallocratecontrol.h"

/* seconds of stream that the bucket holds, and that may be saved up */
#define BUCKET_SECONDS 1.0
#define CREDIT_SECONDS 0.25

/* share of the bucket's level that the next second's frames pay back */
#define PAYBACK_PER_SECOND 1.5

/* part of the measured error that one frame corrects: whole steps make the
 * quality of noisy content swing */
#define GAIN 0.6

/* a frame that is this many times too big is coded again */
#define REDO_FACTOR 3.0

/* bits per pixel of photographs at step index 80 (step 32) */
#define GUESS_BPP 0.45
#define GUESS_INDEX 80.0

#define INDICES_PER_OCTAVE 16.0

static gdouble
seconds_of (GstClockTime duration)
{
  return CLAMP (duration / (gdouble) GST_SECOND, 0.0001, 10.0);
}

/* bits that a frame of this duration should have */
static gdouble
goal_of (const GstWallocRateControl * rc, GstClockTime duration)
{
  gdouble seconds = seconds_of (duration);
  gdouble goal = rc->bitrate * seconds;
  gdouble pay = rc->fullness * MIN (1.0, PAYBACK_PER_SECOND * seconds);

  return CLAMP (goal - pay, goal * 0.25, goal * 2.0);
}

void
gst_walloc_rate_control_init (GstWallocRateControl * rc)
{
  memset (rc, 0, sizeof (*rc));
}

/* Sets the rate, in bits per second, and the limits. What was learnt about
 * the content stays: a new rate only moves the index by its ratio. */
void
gst_walloc_rate_control_set (GstWallocRateControl * rc, gdouble bitrate,
    guint min_index, guint max_index)
{
  rc->min_index = min_index;
  rc->max_index = MAX (min_index, max_index);

  if (bitrate == rc->bitrate)
    return;
  if (rc->bitrate > 0 && bitrate > 0) {
    rc->index += INDICES_PER_OCTAVE * log2 (rc->bitrate / bitrate);
    rc->fullness = 0;
  } else {
    rc->started = FALSE;
    rc->fullness = 0;
  }
  rc->bitrate = bitrate;
}

/* Step index for the next frame. */
guint
gst_walloc_rate_control_step (GstWallocRateControl * rc, GstClockTime duration,
    guint64 pixels)
{
  if (!rc->started) {
    gdouble bpp = goal_of (rc, duration) / MAX (pixels, 1);

    rc->index = GUESS_INDEX + INDICES_PER_OCTAVE * log2 (GUESS_BPP / bpp);
  }
  rc->index = CLAMP (rc->index, rc->min_index, rc->max_index);

  return (guint) (rc->index + 0.5);
}

/* Accounts for a frame of @bytes at @step. TRUE (only if @may_redo): the
 * frame is far too big; forget it and encode it again with the step that
 * gst_walloc_rate_control_step() gives now. */
gboolean
gst_walloc_rate_control_update (GstWallocRateControl * rc, guint step,
    gsize bytes, GstClockTime duration, gboolean may_redo)
{
  gdouble bits = 8.0 * MAX (bytes, 1);
  gdouble goal = goal_of (rc, duration);
  gdouble error = INDICES_PER_OCTAVE * log2 (bits / goal);
  gboolean first = !rc->started;

  rc->started = TRUE;
  if (may_redo && step < rc->max_index && (bits > REDO_FACTOR * goal
          || (first && fabs (error) > INDICES_PER_OCTAVE / 2))) {
    rc->index = CLAMP (step + error, rc->min_index, rc->max_index);
    return (guint) (rc->index + 0.5) != step;
  }

  rc->fullness += bits - rc->bitrate * seconds_of (duration);
  rc->fullness = CLAMP (rc->fullness, -rc->bitrate * CREDIT_SECONDS,
      rc->bitrate * BUCKET_SECONDS);

  /* the goal that the next frame will have, not the one this frame had */
  error = INDICES_PER_OCTAVE * log2 (bits / goal_of (rc, duration));
  rc->index = CLAMP (step + (first ? 1.0 : GAIN) * error, rc->min_index,
      rc->max_index);

  return FALSE;
}
