/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstwallocwebchoice.h"

/* The parts of the limits from which a client is slow, and late. Time counts
 * earlier than bytes: frames that waited for long help nobody who watches, many
 * bytes may be one large frame. */
#define SLOW_BYTES 4
#define LATE_BYTES 2
#define SLOW_AGE 8
#define LATE_AGE 4

/* what the rate of a client may be exceeded by, as time */
#define BURST (500 * GST_MSECOND)
/* seconds that the first bunch may take on a link of the client's rate */
#define REPLAY_SECONDS 1

/* A key frame costs everybody: a client that needs one again and again has to
 * wait for it longer and longer, until it did not for a while. */
#define FIRST_KEY_PAUSE G_USEC_PER_SEC
#define LONGEST_KEY_PAUSE (16 * G_USEC_PER_SEC)
#define FORGIVEN (30 * G_USEC_PER_SEC)

void
gst_walloc_web_choice_init (GstWallocWebChoice * self)
{
  gst_walloc_thinner_init (&self->thinner);
  self->thinner.drop_frames = TRUE;
  self->thinner.max_delay = BURST;
  self->needs_key = TRUE;
  self->asked_key = 0;
  self->key_pause = FIRST_KEY_PAUSE;
}

GstWallocWebLoad
gst_walloc_web_choice_load (guint64 bytes, guint64 max_bytes, gint64 age,
    gint64 max_age)
{
  if (bytes > max_bytes || age > max_age)
    return GST_WALLOC_WEB_HOPELESS;
  if (bytes > max_bytes / LATE_BYTES || age > max_age / LATE_AGE)
    return GST_WALLOC_WEB_LATE;
  if (bytes > max_bytes / SLOW_BYTES || age > max_age / SLOW_AGE)
    return GST_WALLOC_WEB_SLOW;
  return GST_WALLOC_WEB_CALM;
}

/* The client waits for a key frame: is it time to say so? */
static gboolean
wants_key (GstWallocWebChoice * self, gint64 now)
{
  if (self->asked_key && now - self->asked_key < self->key_pause)
    return FALSE;
  if (self->asked_key && now - self->asked_key < FORGIVEN)
    self->key_pause = MIN (2 * self->key_pause, LONGEST_KEY_PAUSE);
  else
    self->key_pause = FIRST_KEY_PAUSE;
  self->asked_key = now;

  return TRUE;
}

static guint
decide (GstWallocWebChoice * self, const GstWallocWebFrame * frame)
{
  guint layers = gst_walloc_thinner_decide (&self->thinner, &frame->info,
      frame->sizes, frame->info.pts == WALLOC_TIME_NONE ? GST_CLOCK_TIME_NONE :
      frame->info.pts, frame->duration);

  if (layers == 0)
    self->thinner.chain = 0;
  self->needs_key = layers == 0 && frame->info.type != WALLOC_FRAME_KEY;

  return layers;
}

GstWallocWebVerdict
gst_walloc_web_choice_frame (GstWallocWebChoice * self,
    const GstWallocWebFrame * frame, GstWallocWebLoad load, gint64 now)
{
  GstWallocWebVerdict verdict = { 0, };
  gboolean is_key = frame->info.type == WALLOC_FRAME_KEY;

  if (load >= GST_WALLOC_WEB_SLOW)
    gst_walloc_thinner_late (&self->thinner);
  if (load >= GST_WALLOC_WEB_LATE)
    self->needs_key = TRUE;
  if (self->needs_key && !is_key) {
    verdict.want_key = wants_key (self, now);
    return verdict;
  }
  verdict.replace = self->needs_key && load >= GST_WALLOC_WEB_SLOW;
  verdict.layers = decide (self, frame);
  if (is_key && verdict.layers > 0)
    self->asks_key = FALSE;
  verdict.want_key = self->asks_key && wants_key (self, now);

  return verdict;
}

gboolean
gst_walloc_web_choice_ask (GstWallocWebChoice * self, gint64 now)
{
  self->asks_key = TRUE;
  return wants_key (self, now);
}

guint
gst_walloc_web_choice_replay (const GstWallocWebChoice * self,
    const GQueue * frames)
{
  guint64 room = self->thinner.bitrate / 8 * REPLAY_SECONDS;
  guint layers = self->thinner.max_layers ? self->thinner.max_layers :
      WALLOC_FRAME_MAX_LAYERS;
  guint64 bytes;
  GList *l;

  if (self->thinner.bitrate == 0)
    return layers;
  for (; layers > 0; layers--) {
    bytes = 0;
    for (l = frames->head; l; l = l->next) {
      const GstWallocWebFrame *frame = l->data;

      bytes += frame->sizes[MIN (layers, frame->info.layers) - 1];
    }
    /* a key frame alone must pass, or nothing would */
    if (bytes <= room || (layers == 1 && frames->length == 1))
      break;
  }
  return layers;
}

guint
gst_walloc_web_choice_replayed (GstWallocWebChoice * self,
    const GstWallocWebFrame * frame, guint layers)
{
  guint max_layers = self->thinner.max_layers;
  guint64 bitrate = self->thinner.bitrate;

  /* by the frames' time stamps they would have as long as they took to make */
  self->thinner.max_layers = layers;
  self->thinner.bitrate = 0;
  layers = decide (self, frame);
  self->thinner.max_layers = max_layers;
  self->thinner.bitrate = bitrate;

  return layers;
}
