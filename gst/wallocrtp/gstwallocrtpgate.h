/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Decides which senders rtpbin makes jitter buffers for: none that does not
 * send WaLLoC packets, and of the others those that were heard last. Packets
 * are seen where rtpbin has checked that two of a sender follow each other. */
#ifndef __GST_WALLOC_RTP_GATE_H__
#define __GST_WALLOC_RTP_GATE_H__

#include <gst/gst.h>

G_BEGIN_DECLS

typedef struct _GstWallocRtpGate GstWallocRtpGate;

/* For session 0 of @rtpbin, which must be there; NULL if this rtpbin is made of
 * other parts than the known ones. */
GstWallocRtpGate * gst_walloc_rtp_gate_new    (GstElement * rtpbin);

/* Forgets all senders. */
void            gst_walloc_rtp_gate_reset     (GstWallocRtpGate * gate);

/* The sender of @pad, a source pad of rtpbin, does not give way to others; NULL:
 * there is none. */
void            gst_walloc_rtp_gate_follow    (GstWallocRtpGate * gate,
                                               GstPad * pad);

/* After rtpbin is gone. */
void            gst_walloc_rtp_gate_free      (GstWallocRtpGate * gate);

G_END_DECLS

#endif /* __GST_WALLOC_RTP_GATE_H__ */
