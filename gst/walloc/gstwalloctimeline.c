/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Headers carry the time stamps that the encoder saw. A recording that was
 * begun in the middle of a pipeline's life does not start at 0, and files may
 * be concatenated, so time stamps may fall back. Both would make a player
 * wait or drop, so a byte stream is given a time line of its own: it starts at
 * 0, and what follows a fall is moved to the end of what was before. Where
 * that happened is remembered by byte offset: the same frame has the same
 * time after a seek. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <walloc/audio.h>

#include "gstwalloctimeline.h"

/* frames without time stamps that are remembered at most: 10 hours of sound,
 * 6 MiB */
#define MAX_PLAIN 400000

/* from this offset on, shift is added to the time stamps */
typedef struct
{
  guint64 offset;
  gint64 shift;
} Piece;

/* a frame without time stamp: where it begins, and when. Of sound, whose
 * headers carry one only now and then. */
typedef struct
{
  guint64 offset;
  GstClockTime time;
} Plain;

struct _GstWallocTimeline
{
  GArray *pieces;               /* of Piece, ascending offsets */
  GArray *plain;                /* of Plain: frames without time stamps */
  guint64 end;                  /* offset behind the last frame known */
  GstClockTime last;            /* time of that frame */
  GstClockTime next;            /* time of the frame that will follow it */
};

GstWallocTimeline *
gst_walloc_timeline_new (void)
{
  GstWallocTimeline *self = g_new0 (GstWallocTimeline, 1);

  self->pieces = g_array_new (FALSE, FALSE, sizeof (Piece));
  self->plain = g_array_new (FALSE, FALSE, sizeof (Plain));
  self->last = GST_CLOCK_TIME_NONE;
  self->next = GST_CLOCK_TIME_NONE;

  return self;
}

void
gst_walloc_timeline_free (GstWallocTimeline * self)
{
  if (!self)
    return;
  g_array_unref (self->pieces);
  g_array_unref (self->plain);
  g_free (self);
}

static void
add_piece (GstWallocTimeline * self, guint64 offset, gint64 shift)
{
  Piece piece = { offset, shift };

  g_array_append_val (self->pieces, piece);
}

/* From the first frame on, times are those in the headers: for a stream that
 * stands beside others, which have the same clock. */
void
gst_walloc_timeline_keep (GstWallocTimeline * self)
{
  add_piece (self, 0, 0);
}

/* Shift at @offset. There is a piece. */
static gint64
shift_at (const GstWallocTimeline * self, guint64 offset)
{
  const Piece *pieces = (const Piece *) self->pieces->data;
  guint low = 0, high = self->pieces->len;

  while (high - low > 1) {
    guint middle = low + (high - low) / 2;

    if (pieces[middle].offset <= offset)
      low = middle;
    else
      high = middle;
  }
  return pieces[low].shift;
}

/* Headers may say anything, so the sum is kept in the range of a time. */
static GstClockTime
add_shift (gint64 pts, gint64 shift)
{
  if (shift > 0 && pts > G_MAXINT64 - shift)
    return G_MAXINT64;
  return MAX (pts + shift, 0);
}

/* Time of a frame without time stamp that was seen before. */
static GstClockTime
plain_time (const GstWallocTimeline * self, guint64 offset)
{
  const Plain *plain = (const Plain *) self->plain->data;
  guint low = 0, high = self->plain->len, middle;

  while (low < high) {
    middle = low + (high - low) / 2;
    if (plain[middle].offset < offset)
      low = middle + 1;
    else
      high = middle;
  }
  return low < self->plain->len && plain[low].offset == offset ?
      plain[low].time : GST_CLOCK_TIME_NONE;
}

/* Time of the frame with the header @info, of @size bytes at @offset, and its
 * duration; GST_CLOCK_TIME_NONE when they cannot be known. */
GstClockTime
gst_walloc_timeline_map (GstWallocTimeline * self, guint64 offset,
    guint64 size, const walloc_frame_info * info, GstClockTime * duration)
{
  gboolean is_new = offset >= self->end;
  GstClockTime time = GST_CLOCK_TIME_NONE;

  *duration = GST_CLOCK_TIME_NONE;
  if (info->duration <= G_MAXINT64)
    *duration = info->duration;
  else if (info->media == WALLOC_MEDIA_AUDIO)
    *duration = gst_util_uint64_scale (info->columns * WALLOC_AUDIO_COLUMN -
        info->trim_start - info->trim_end, GST_SECOND, info->rate);
  else if (info->fps_n && info->fps_d)
    *duration = gst_util_uint64_scale (GST_SECOND, info->fps_d, info->fps_n);

  if (info->pts <= G_MAXINT64) {
    gint64 pts = info->pts;

    if (self->pieces->len == 0)
      add_piece (self, offset, (GST_CLOCK_TIME_IS_VALID (self->next) ?
              (gint64) self->next : 0) - pts);
    time = add_shift (pts, shift_at (self, offset));

    if (is_new && GST_CLOCK_TIME_IS_VALID (self->last) && time < self->last) {
      time = GST_CLOCK_TIME_IS_VALID (self->next) ? self->next : self->last;
      add_piece (self, offset, (gint64) time - pts);
    }
  } else if (is_new) {
    /* frames without time stamps follow each other */
    Plain plain = { offset, self->end == 0 ? 0 : self->next };

    time = plain.time;
    if (GST_CLOCK_TIME_IS_VALID (time) && self->plain->len < MAX_PLAIN)
      g_array_append_val (self->plain, plain);
  } else {
    time = plain_time (self, offset);
  }

  if (is_new) {
    self->end = offset + size;
    self->last = time;
    self->next = GST_CLOCK_TIME_NONE;
    if (GST_CLOCK_TIME_IS_VALID (time) && GST_CLOCK_TIME_IS_VALID (*duration))
      self->next = MIN (time + *duration, G_MAXINT64);
  }

  return time;
}
