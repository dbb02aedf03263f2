/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What waits to be written to one client: bytes that many clients share, each
 * with a few of its own before and behind. Of the network thread only. */
#ifndef __GST_WALLOC_WEB_QUEUE_H__
#define __GST_WALLOC_WEB_QUEUE_H__

#include <gio/gio.h>

#include "websocket.h"

G_BEGIN_DECLS

/* vectors that one call fills at most */
#define GST_WALLOC_WEB_QUEUE_VECTORS 36

typedef enum
{
  GST_WALLOC_WEB_PLAIN,         /* the bytes as they are */
  GST_WALLOC_WEB_CHUNK,         /* in a chunk of HTTP */
  GST_WALLOC_WEB_MESSAGE        /* in a message of a WebSocket */
} GstWallocWebWrapping;

typedef struct
{
  GQueue items;
  guint64 bytes;                /* that wait, those around the data with them */
} GstWallocWebQueue;

void      gst_walloc_web_queue_init     (GstWallocWebQueue * queue);

void      gst_walloc_web_queue_clear    (GstWallocWebQueue * queue);

/* Adds a reference to @data. @opcode: of a MESSAGE. @is_frame: it may be
 * replaced by a key frame that comes later. */
void      gst_walloc_web_queue_push     (GstWallocWebQueue * queue,
                                         GBytes * data,
                                         GstWallocWebWrapping wrapping,
                                         gint opcode, gboolean is_frame);

/* Fills @vectors (GST_WALLOC_WEB_QUEUE_VECTORS of them) with what waits longest;
 * returns how many it filled. */
guint     gst_walloc_web_queue_fill     (const GstWallocWebQueue * queue,
                                         GOutputVector * vectors);

/* So many bytes of these were written. */
void      gst_walloc_web_queue_written  (GstWallocWebQueue * queue,
                                         gsize size);

/* us that the oldest part waits at the monotonic time @now; 0: none does */
gint64    gst_walloc_web_queue_age      (const GstWallocWebQueue * queue,
                                         gint64 now);

/* Forgets what was not begun yet; only frames, with @frames_only. @keep_first:
 * the first one was begun, though nothing of it was written. Returns how many
 * frames are gone. */
guint     gst_walloc_web_queue_forget   (GstWallocWebQueue * queue,
                                         gboolean frames_only,
                                         gboolean keep_first);

G_END_DECLS

#endif /* __GST_WALLOC_WEB_QUEUE_H__ */
