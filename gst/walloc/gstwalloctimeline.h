/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Time stamps of headers to positions in a file. */
#ifndef __GST_WALLOC_TIMELINE_H__
#define __GST_WALLOC_TIMELINE_H__

#include <gst/gst.h>
#include <walloc/frame.h>

G_BEGIN_DECLS

typedef struct _GstWallocTimeline GstWallocTimeline;

GstWallocTimeline * gst_walloc_timeline_new   (void);

void                gst_walloc_timeline_free  (GstWallocTimeline * timeline);

GstClockTime        gst_walloc_timeline_map   (GstWallocTimeline * timeline,
                                               guint64 offset, guint64 size,
                                               const walloc_frame_info * info,
                                               GstClockTime * duration);

void                gst_walloc_timeline_keep    (GstWallocTimeline * self);

G_END_DECLS

#endif /* __GST_WALLOC_TIMELINE_H__ */
