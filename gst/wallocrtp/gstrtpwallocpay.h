/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef __GST_RTP_WALLOC_PAY_H__
#define __GST_RTP_WALLOC_PAY_H__

#include <gst/rtp/rtp.h>

#include "gstwallocrtpextensions.h"
#include "wallocrtpassemble.h"

G_BEGIN_DECLS

#define GST_TYPE_RTP_WALLOC_PAY (gst_rtp_walloc_pay_get_type ())
G_DECLARE_FINAL_TYPE (GstRtpWallocPay, gst_rtp_walloc_pay, GST,
    RTP_WALLOC_PAY, GstRTPBasePayload)

struct _GstRtpWallocPay
{
  GstRTPBasePayload parent;

  /* properties; object lock */
  guint repeat_header;
  gint config_interval;

  /* streaming thread */
  walloc_rtp_plan plan;
  guint32 *sizes;               /* of a frame's segments */
  gboolean is_audio;
  guint rate;                   /* of sound */
  guint frame;                  /* counter in packets */
  guint8 config[WALLOC_RTP_MAX_CONFIG];
  gsize config_size;
  gboolean have_config;         /* a first one was made */
  guint announce;               /* key frames that bring it after a change */
  GstClockTime last_config;     /* running time */
  guint64 samples;              /* of sound, for perfect-rtptime */
  gboolean counting;            /* samples are right */
  gboolean warned;
  GstWallocRtpExtensions extensions;

  /* counters; object lock */
  guint64 frames, packets, dropped, configs, bytes, overhead;
};

G_END_DECLS

#endif /* __GST_RTP_WALLOC_PAY_H__ */
