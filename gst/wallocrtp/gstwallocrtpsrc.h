/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef __GST_WALLOC_RTP_SRC_H__
#define __GST_WALLOC_RTP_SRC_H__

#include <gio/gio.h>
#include <gst/gst.h>

#include "gstwallocrtpgate.h"

G_BEGIN_DECLS

#define GST_TYPE_WALLOC_RTP_SRC (gst_walloc_rtp_src_get_type ())
G_DECLARE_FINAL_TYPE (GstWallocRtpSrc, gst_walloc_rtp_src, GST,
    WALLOC_RTP_SRC, GstBin)

struct _GstWallocRtpSrc
{
  GstBin parent;

  /* parts; NULL where there is no such element */
  GstElement *rtp, *rtcp_in, *rtpbin, *depay, *rtcp;
  GObject *session;
  GstWallocRtpGate *gate;
  GstPad *srcpad;
  gboolean complete;            /* all are there and linked */

  /* properties; object lock */
  gchar *address;
  guint port, rtcp_port, pt;
  gboolean is_audio;
  gint clock_rate;
  GstCaps *caps;                /* of the session; NULL: from the rest */

  GSocket *socket, *rtcp_socket;
  guint16 current_port, current_rtcp_port;

  GSocketAddress *peer;         /* where reports go; streaming thread of RTCP */
  gboolean have_peer;           /* object lock */

  /* object lock */
  GstPad *sender;               /* of rtpbin; whose packets go on; no ref */
  gint64 heard;                 /* monotonic time of its last packet */
  gboolean leaving;             /* it said BYE */
};

/* Connects what decides on senders and reports (gstwallocrtpsrcsenders.c) with
 * the parts, which are all there. */
void            gst_walloc_rtp_src_watch      (GstWallocRtpSrc * self);

G_END_DECLS

#endif /* __GST_WALLOC_RTP_SRC_H__ */
