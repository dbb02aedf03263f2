/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A source pad beside the one that passes the stream through: results as a
 * stream of their own, with events made for it. */
#ifndef __GST_COMPRESSED_SIDE_H__
#define __GST_COMPRESSED_SIDE_H__

#include <gst/gst.h>

G_BEGIN_DECLS

typedef struct
{
  GMutex lock;
  GstPad *pad;                  /* NULL: nobody asked for it */
  gboolean started;             /* stream-start was pushed */
  gboolean segment_sent;
  GstCaps *caps;                /* that were pushed */
  GstSegment segment;
  GstFlowReturn flow;           /* of the last push */
  GWeakRef peer;                /* the pad that said so */
} GstCompressedSide;

void          gst_compressed_side_init      (GstCompressedSide * side);

void          gst_compressed_side_clear     (GstCompressedSide * side);

/* As before the first buffer of a stream. */
void          gst_compressed_side_reset     (GstCompressedSide * side);

/* Takes a reference on @pad; NULL: it is gone. */
void          gst_compressed_side_set_pad   (GstCompressedSide * side,
                                             GstPad * pad);

gboolean      gst_compressed_side_is_used   (GstCompressedSide * side);

GstFlowReturn gst_compressed_side_push      (GstCompressedSide * side,
                                             GstCaps * caps,
                                             GstBuffer * buffer);

/* What downstream of the pad said of the last buffer; OK where there is no pad
 * any more, nobody linked to it, or somebody who was given none yet. */
GstFlowReturn gst_compressed_side_get_flow  (GstCompressedSide * side);

/* Nothing came of a frame of that time. */
void          gst_compressed_side_gap       (GstCompressedSide * side,
                                             GstClockTime timestamp,
                                             GstClockTime duration);

/* What comes in at the sink pad and concerns this one, too; not consumed. */
void          gst_compressed_side_event     (GstCompressedSide * side,
                                             GstEvent * event);

G_END_DECLS

#endif /* __GST_COMPRESSED_SIDE_H__ */
