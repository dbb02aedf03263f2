/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A frame on its way to many clients: its bytes are held once, and what is left
 * of it with fewer layers is made once, whoever wants it first. */
#ifndef __GST_WALLOC_WEB_FRAME_H__
#define __GST_WALLOC_WEB_FRAME_H__

#include <gst/gst.h>
#include <walloc/frame.h>

G_BEGIN_DECLS

typedef struct
{
  walloc_frame_info info;
  gsize sizes[WALLOC_FRAME_MAX_LAYERS]; /* with layers 0 to i */
  GstClockTime duration;        /* of the buffer; may be unknown */
  gint64 utc;                   /* wall clock when it was sent out, us */
  gsize size;

  /*< private >*/
  gint refs;
  GBytes *bytes[WALLOC_FRAME_MAX_LAYERS];       /* [i]: with i + 1 layers */
} GstWallocWebFrame;

/* Copies what is in @buffer. NULL when that is not a whole frame of this
 * version. */
GstWallocWebFrame *
          gst_walloc_web_frame_new    (GstBuffer * buffer);

GstWallocWebFrame *
          gst_walloc_web_frame_ref    (GstWallocWebFrame * frame);

void      gst_walloc_web_frame_unref  (GstWallocWebFrame * frame);

/* The frame with its lowest @layers, from 1 on. Of one thread only. */
GBytes *  gst_walloc_web_frame_get    (GstWallocWebFrame * frame,
                                       guint layers);

G_END_DECLS

#endif /* __GST_WALLOC_WEB_FRAME_H__ */
