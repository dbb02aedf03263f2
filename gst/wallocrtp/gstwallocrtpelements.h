/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The features that the plugin registers. */
#ifndef __GST_WALLOC_RTP_ELEMENTS_H__
#define __GST_WALLOC_RTP_ELEMENTS_H__

#include <gst/gst.h>

G_BEGIN_DECLS

GST_ELEMENT_REGISTER_DECLARE (rtpwallocdepay);
GST_ELEMENT_REGISTER_DECLARE (rtpwallocpay);
GST_ELEMENT_REGISTER_DECLARE (wallocrtpsink);
GST_ELEMENT_REGISTER_DECLARE (wallocrtpsrc);

/* both template caps of RTP: pictures or sound */
#define GST_WALLOC_RTP_CAPS(payload) \
  "application/x-rtp, media = (string) video, " payload \
  "clock-rate = (int) 90000, encoding-name = (string) X-WALLOC; " \
  "application/x-rtp, media = (string) audio, " payload \
  "clock-rate = (int) [ 8000, 96000 ], encoding-name = (string) X-WALLOC"

/* Adds to a `stats` structure of the base class, which subclasses replace.
 * @object's class is to have the parent @parent_class. */
GstStructure *  gst_walloc_rtp_base_stats     (gpointer parent_class,
                                               GObject * object);

/* Metas of @from that say something of the content, not of its bytes. */
void            gst_walloc_rtp_copy_metas     (GstBuffer * from,
                                               GstBuffer * to);

G_END_DECLS

#endif /* __GST_WALLOC_RTP_ELEMENTS_H__ */
