/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Events that must not pass caps which are known with the first frame only. */
#ifndef __GST_COMPRESSED_EVENTS_H__
#define __GST_COMPRESSED_EVENTS_H__

#include <gst/gst.h>

G_BEGIN_DECLS

typedef struct
{
  GList *held;                  /* of GstEvent, the last first */
  gboolean open;                /* caps were set: nothing is held any more */
} GstCompressedEvents;

/* TRUE: @event was taken, and comes with the caps, or not at all where that
 * makes no sense. */
gboolean  gst_compressed_events_hold    (GstCompressedEvents * self,
                                         GstEvent * event);

/* The caps of @pad are set, or the stream ends without: pushes what was
 * held. */
void      gst_compressed_events_open    (GstCompressedEvents * self,
                                         GstPad * pad);

/* As in the beginning. */
void      gst_compressed_events_clear   (GstCompressedEvents * self);

G_END_DECLS

#endif /* __GST_COMPRESSED_EVENTS_H__ */
