/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Deliveries as buffers. */
#ifndef __GST_NATS_BUFFER_H__
#define __GST_NATS_BUFFER_H__

#include <gst/gst.h>

#include "gstnatschunks.h"

G_BEGIN_DECLS

/* A buffer with all that the messages say but time stamps, and with the metas of
 * natssrc; NULL without memory. One message is used where it is. */
GstBuffer *gst_nats_buffer_new (const GstNatsDelivery * delivery);

/* @segment, which is of time, as a message says. */
void gst_nats_segment_read (GstSegment * segment, const nats_segment * s);
gboolean gst_nats_segment_equal (const nats_segment * a,
    const nats_segment * b);

/* @time of a message, which is up to G_MAXINT64 or NATS_NONE, and @offset, kept
 * between 0 and G_MAXINT64. */
GstClockTime gst_nats_time_move (GstClockTime time, gint64 offset);

G_END_DECLS

#endif /* __GST_NATS_BUFFER_H__ */
