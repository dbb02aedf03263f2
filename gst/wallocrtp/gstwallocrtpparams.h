/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What RTP caps, SDP and configuration packets say of a stream, and what of
 * it goes into caps: one table for both directions. */
#ifndef __GST_WALLOC_RTP_PARAMS_H__
#define __GST_WALLOC_RTP_PARAMS_H__

#include <gst/gst.h>

G_BEGIN_DECLS

#define GST_WALLOC_RTP_ENCODING "X-WALLOC"
#define GST_WALLOC_RTP_VIDEO_RATE 90000

/* Takes the fields of x-walloc @caps that are known, as strings, into a new
 * structure "params". */
GstStructure *  gst_walloc_rtp_params_from_caps (const GstCaps * caps);

/* The same from RTP caps or from the text of a configuration, with what is not
 * as it should be left out. */
GstStructure *  gst_walloc_rtp_params_from_rtp  (const GstStructure * rtp,
                                                 gboolean is_audio);

GstStructure *  gst_walloc_rtp_params_from_text (const gchar * text,
                                                 gboolean is_audio);

gchar *         gst_walloc_rtp_params_to_text   (const GstStructure * params);

/* Adds to x-walloc @caps what they do not have yet. */
void            gst_walloc_rtp_params_to_caps   (const GstStructure * params,
                                                 GstCaps * caps);

/* FALSE if there is none. */
gboolean        gst_walloc_rtp_params_get_model (const GstStructure * params,
                                                 guint64 * id);

G_END_DECLS

#endif /* __GST_WALLOC_RTP_PARAMS_H__ */
