/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <string.h>

#include "gstwallocchoice.h"

/* Frames without trouble before a better decoder is tried: long enough not to
 * flicker between two pictures of the same thing. */
#define LEAST_PATIENCE 300
#define MOST_PATIENCE 9600

/* Share of the frame duration that decoding may take. */
#define BUSY_NUM 9
#define BUSY_DEN 10

/* A decoder that took more than that many frame durations is tried again only
 * when patience is at its greatest: that is no passing load. */
#define HOPELESS 2

/* The first frames pay for memory and the preparation of networks, but those
 * are no excuse for more than this many frame durations with the best decoder,
 * which would spoil the start of a film. */
#define WARM_UP 1
#define SPOILT 4

void
gst_walloc_choice_init (GstWallocChoice * choice)
{
  memset (choice, 0, sizeof (*choice));
  choice->available = 1u << WALLOC_DECODER_LINEAR;
  choice->duration = GST_CLOCK_TIME_NONE;
  gst_walloc_choice_forget (choice);
}

static gboolean
can_use (const GstWallocChoice * choice, walloc_decoder_kind kind)
{
  return kind == WALLOC_DECODER_LINEAR
      || (choice->available & ~choice->refused) >> kind & 1;
}

walloc_decoder_kind
gst_walloc_choice_get_top (const GstWallocChoice * choice)
{
  gboolean hurried = choice->live && GST_CLOCK_TIME_IS_VALID (choice->duration);
  walloc_decoder_kind kind = hurried ? WALLOC_DECODER_FAST
      : WALLOC_DECODER_BEST;

  while (!can_use (choice, kind))
    kind--;

  return kind;
}

walloc_decoder_kind
gst_walloc_choice_get (const GstWallocChoice * choice)
{
  return choice->current;
}

static void
take (GstWallocChoice * choice, walloc_decoder_kind kind)
{
  choice->current = kind;
  choice->calm = 0;
  choice->runs[kind] = 0;
}

void
gst_walloc_choice_forget (GstWallocChoice * choice)
{
  choice->refused = 0;
  choice->patience = LEAST_PATIENCE;
  memset (choice->cost, 0, sizeof (choice->cost));
  take (choice, gst_walloc_choice_get_top (choice));
}

/* Durations of frames are rounded to and fro. */
static gboolean
same_duration (GstClockTime a, GstClockTime b)
{
  if (!GST_CLOCK_TIME_IS_VALID (a) || !GST_CLOCK_TIME_IS_VALID (b))
    return a == b;

  return MAX (a, b) - MIN (a, b) <= MAX (a, b) / 4;
}

void
gst_walloc_choice_set_stream (GstWallocChoice * choice, guint available,
    gboolean live, GstClockTime duration)
{
  if (choice->available == available && choice->live == live
      && same_duration (choice->duration, duration))
    return;
  choice->available = available;
  choice->live = live;
  choice->duration = duration;
  gst_walloc_choice_forget (choice);
}

static void
step_down (GstWallocChoice * choice)
{
  walloc_decoder_kind kind = choice->current;

  choice->patience = MIN (2 * choice->patience, MOST_PATIENCE);
  if (kind <= WALLOC_DECODER_LINEAR) {
    choice->calm = 0;
    return;
  }
  do
    kind--;
  while (!can_use (choice, kind));
  take (choice, kind);
}

/* The next better decoder, or the current one. */
static walloc_decoder_kind
next_better (const GstWallocChoice * choice)
{
  walloc_decoder_kind top = gst_walloc_choice_get_top (choice), kind;

  for (kind = choice->current + 1; kind <= top; kind++)
    if (can_use (choice, kind))
      return kind;

  return choice->current;
}

static void
try_better (GstWallocChoice * choice)
{
  walloc_decoder_kind kind = next_better (choice);

  if (kind == choice->current || choice->calm < choice->patience)
    return;
  if (GST_CLOCK_TIME_IS_VALID (choice->duration)
      && choice->cost[kind] / HOPELESS > choice->duration
      && choice->calm < MOST_PATIENCE)
    return;
  choice->cost[kind] = 0;
  take (choice, kind);
}

void
gst_walloc_choice_decoded (GstWallocChoice * choice, walloc_decoder_kind kind,
    GstClockTime elapsed)
{
  GstClockTime *cost = &choice->cost[kind];
  gboolean timed = GST_CLOCK_TIME_IS_VALID (choice->duration);

  if (kind != choice->current)
    return;
  choice->calm++;
  if (choice->runs[kind]++ >= WARM_UP || (timed
          && kind == WALLOC_DECODER_BEST
          && elapsed / SPOILT > choice->duration)) {
    *cost = *cost ? (3 * *cost + elapsed) / 4 : elapsed;
    if (timed && *cost > choice->duration / BUSY_DEN * BUSY_NUM) {
      step_down (choice);
      return;
    }
  }
  try_better (choice);
}

void
gst_walloc_choice_refused (GstWallocChoice * choice, walloc_decoder_kind kind)
{
  walloc_decoder_kind top;

  choice->refused |= 1u << kind;
  top = gst_walloc_choice_get_top (choice);
  if (!can_use (choice, choice->current) || choice->current > top)
    take (choice, top);
}

void
gst_walloc_choice_late (GstWallocChoice * choice)
{
  step_down (choice);
}
