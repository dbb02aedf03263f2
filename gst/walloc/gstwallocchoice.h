/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef __GST_WALLOC_CHOICE_H__
#define __GST_WALLOC_CHOICE_H__

#include <gst/gst.h>
#include <walloc/model.h>

G_BEGIN_DECLS

/* Which decoder of a model decoder=auto takes for the next frame.
 *
 * The best that is worth trying is the top: "fast" for live streams that have
 * a frame duration, "best" for everything else. A decoder whose time per frame
 * is above 90 % of the frame's duration, or one that lets frames come late
 * (dropped ones: the sink's QoS), makes way for the next cheaper one; stills
 * have no duration and take their time. After a number of frames without
 * trouble the next better one is tried again; every failure doubles that
 * number. */
typedef struct
{
  /* the stream */
  guint available;              /* bits of walloc_decoder_kind */
  gboolean live;
  GstClockTime duration;        /* of a frame; NONE: unknown */

  guint refused;                /* bits: cannot be used for these frames */
  walloc_decoder_kind current;
  GstClockTime cost[WALLOC_DECODER_BEST + 1];   /* smoothed; 0: not known */
  guint runs[WALLOC_DECODER_BEST + 1];  /* since current was chosen */
  guint calm;                   /* frames without trouble */
  guint patience;               /* calm frames before a better one is tried */
} GstWallocChoice;

void gst_walloc_choice_init (GstWallocChoice * choice);

/* The stream as it is now; forgets what was learned when it has changed. */
void gst_walloc_choice_set_stream (GstWallocChoice * choice, guint available,
    gboolean live, GstClockTime duration);

/* Frames of another size: what was refused and measured does not hold. */
void gst_walloc_choice_forget (GstWallocChoice * choice);

/* The decoder for the next frame, and the best that would be taken if there
 * was no trouble. */
walloc_decoder_kind gst_walloc_choice_get (const GstWallocChoice * choice);
walloc_decoder_kind gst_walloc_choice_get_top (const GstWallocChoice *
    choice);

/* What came of it: decoded in that time; not possible for frames of this
 * size; a frame was too late to be decoded. */
void gst_walloc_choice_decoded (GstWallocChoice * choice,
    walloc_decoder_kind kind, GstClockTime elapsed);
void gst_walloc_choice_refused (GstWallocChoice * choice,
    walloc_decoder_kind kind);
void gst_walloc_choice_late (GstWallocChoice * choice);

G_END_DECLS

#endif /* __GST_WALLOC_CHOICE_H__ */
