/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef __GST_WALLOC_PARSE_H__
#define __GST_WALLOC_PARSE_H__

#include <gst/gst.h>
#include <gst/base/gstbaseparse.h>
#include <walloc/frame.h>

#include "gstwalloctimeline.h"

G_BEGIN_DECLS

#define GST_TYPE_WALLOC_PARSE (gst_walloc_parse_get_type ())
G_DECLARE_FINAL_TYPE (GstWallocParse, gst_walloc_parse, GST, WALLOC_PARSE,
    GstBaseParse)

struct _GstWallocParse
{
  GstBaseParse parent;

  GstCaps *upstream_caps;       /* what upstream says of the stream */
  gboolean upstream_time;       /* upstream's segment is one of time */
  gboolean upstream_stamps;     /* it has time stamps of its own */
  gboolean upstream_frames;     /* every buffer from upstream is one frame */

  gboolean have_header;
  walloc_frame_info header;     /* that the source caps were made for */
  gboolean sent_tags;
  gboolean warned_unsupported;

  gboolean have_media;
  walloc_media media;           /* of the first frame; others are left out */
  gboolean warned_media;

  gboolean scanned;             /* the file was indexed, or cannot be */
  GstClockTime time;            /* of the frame in work, by its header */
  GstWallocTimeline *timeline;  /* of a stream without time stamps */
};

G_END_DECLS

#endif /* __GST_WALLOC_PARSE_H__ */
