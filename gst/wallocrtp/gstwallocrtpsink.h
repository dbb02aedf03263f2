/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef __GST_WALLOC_RTP_SINK_H__
#define __GST_WALLOC_RTP_SINK_H__

#include <gio/gio.h>
#include <gst/gst.h>

#include "wallocrtprate.h"

G_BEGIN_DECLS

#define GST_TYPE_WALLOC_RTP_SINK (gst_walloc_rtp_sink_get_type ())
G_DECLARE_FINAL_TYPE (GstWallocRtpSink, gst_walloc_rtp_sink, GST,
    WALLOC_RTP_SINK, GstBin)

struct _GstWallocRtpSink
{
  GstBin parent;

  /* parts; NULL where there is no such element */
  GstElement *thin, *pay, *rtpbin, *rtp, *rtcp, *rtcp_in;
  GObject *session;
  GstPad *sinkpad;
  gboolean complete;            /* all are there and linked */

  /* properties; object lock */
  gchar *host, *bind_address;
  guint port, rtcp_port;
  guint min_bitrate, max_bitrate, start_bitrate;        /* kbit/s */
  gboolean adapt;

  GSocket *socket;              /* of RTCP, both ways */

  /* the rate; object lock */
  walloc_rtp_rate rate;
  guint last_seqnum;            /* of the last report, to tell a new one */
  guint64 reports, requests;
  gdouble loss;
  GstClockTime rtt, jitter;
  gdouble sent;                 /* bit/s, faded; negative: unknown */
  guint64 sent_bytes;
  gint64 sent_time;
  guint64 tick_packets;         /* sent until the last tick */
  guint ended;                  /* ticks and 1 since the last packet went */
  GstClockID clock_id;
};

/* In gstwallocrtpsinkrate.c. Begins anew, without reports. */
void            gst_walloc_rtp_sink_reset_rate (GstWallocRtpSink * self);
/* New limits, or adapting begins or ends. */
void            gst_walloc_rtp_sink_update_rate (GstWallocRtpSink * self);
/* What has to be done each second. */
void            gst_walloc_rtp_sink_start_timer (GstWallocRtpSink * self);
void            gst_walloc_rtp_sink_stop_timer (GstWallocRtpSink * self);
/* A receiver's RTCP has come: @source is the receiver. */
void            gst_walloc_rtp_sink_on_report (GObject * session,
                                               GObject * source,
                                               GstWallocRtpSink * self);
GstStructure *  gst_walloc_rtp_sink_get_stats (GstWallocRtpSink * self);

G_END_DECLS

#endif /* __GST_WALLOC_RTP_SINK_H__ */
