/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <stdio.h>

#include <gst/rtp/rtp.h>

#include "gstwallocrtpgate.h"
#include "wallocrtppacket.h"
#include "wallocrtpsenders.h"

struct _GstWallocRtpGate
{
  GstElement *demux;            /* no ref: a part of rtpbin */

  GMutex lock;
  walloc_rtp_senders senders;
  gboolean follows;
  guint32 followed;
};

/* A packet of a sender that is not known yet: whether it is one of ours. */
static gboolean
is_ours (GstBuffer * packet)
{
  GstRTPBuffer rtp = GST_RTP_BUFFER_INIT;
  walloc_rtp_header header;
  gboolean ours;

  if (!gst_rtp_buffer_map (packet, GST_MAP_READ, &rtp))
    return FALSE;
  ours = walloc_rtp_header_read (&header, gst_rtp_buffer_get_payload (&rtp),
      gst_rtp_buffer_get_payload_len (&rtp));
  gst_rtp_buffer_unmap (&rtp);
  return ours;
}

/* The SSRC of a packet of RTP or RTCP is in its 4 bytes from @at. */
static gboolean
get_ssrc (GstBuffer * packet, gsize at, guint32 * ssrc)
{
  guint8 bytes[4];

  if (gst_buffer_extract (packet, at, bytes, 4) != 4)
    return FALSE;
  *ssrc = (guint32) bytes[0] << 24 | bytes[1] << 16 | bytes[2] << 8 | bytes[3];
  return TRUE;
}

static GstPadProbeReturn
on_rtp (GstPad * pad, GstPadProbeInfo * info, gpointer user_data)
{
  GstBuffer *packet = GST_PAD_PROBE_INFO_BUFFER (info);
  walloc_rtp_sender_result result;
  GstWallocRtpGate *gate = user_data;
  guint32 ssrc, gone = 0;
  gboolean known;

  if (!get_ssrc (packet, 8, &ssrc))
    return GST_PAD_PROBE_DROP;
  g_mutex_lock (&gate->lock);
  known = walloc_rtp_senders_have (&gate->senders, ssrc);
  g_mutex_unlock (&gate->lock);
  if (!known && !is_ours (packet))
    return GST_PAD_PROBE_DROP;

  g_mutex_lock (&gate->lock);
  result = walloc_rtp_senders_hear (&gate->senders, ssrc,
      g_get_monotonic_time (), gate->follows ? &gate->followed : NULL, &gone);
  g_mutex_unlock (&gate->lock);
  if (result == WALLOC_RTP_SENDER_INSTEAD) {
    GST_INFO_OBJECT (pad, "sender %08x gives way to %08x", gone, ssrc);
    g_signal_emit_by_name (gate->demux, "clear-ssrc", gone);
  }
  return result == WALLOC_RTP_SENDER_REFUSED ? GST_PAD_PROBE_DROP :
      GST_PAD_PROBE_OK;
}

/* What RTCP says of a sender makes the same parts as its packets. */
static GstPadProbeReturn
on_rtcp (GstPad * pad, GstPadProbeInfo * info, gpointer user_data)
{
  GstWallocRtpGate *gate = user_data;
  gboolean known;
  guint32 ssrc;

  if (!get_ssrc (GST_PAD_PROBE_INFO_BUFFER (info), 4, &ssrc))
    return GST_PAD_PROBE_DROP;
  g_mutex_lock (&gate->lock);
  known = walloc_rtp_senders_have (&gate->senders, ssrc);
  g_mutex_unlock (&gate->lock);
  return known ? GST_PAD_PROBE_OK : GST_PAD_PROBE_DROP;
}

static GstElement *
find_demux (GstElement * rtpbin)
{
  GstIterator *it = gst_bin_iterate_all_by_element_factory_name
      (GST_BIN (rtpbin), "rtpssrcdemux");
  GValue value = G_VALUE_INIT;
  GstElement *demux = NULL;

  if (gst_iterator_next (it, &value) == GST_ITERATOR_OK) {
    demux = g_value_get_object (&value);
    g_value_unset (&value);
  }
  gst_iterator_free (it);
  return demux;
}

GstWallocRtpGate *
gst_walloc_rtp_gate_new (GstElement * rtpbin)
{
  GstElement *demux = find_demux (rtpbin);
  GstPad *rtp, *rtcp;
  GstWallocRtpGate *gate;

  if (!demux)
    return NULL;
  rtp = gst_element_get_static_pad (demux, "sink");
  rtcp = gst_element_get_static_pad (demux, "rtcp_sink");
  gate = g_new0 (GstWallocRtpGate, 1);
  gate->demux = demux;
  g_mutex_init (&gate->lock);
  gst_pad_add_probe (rtp, GST_PAD_PROBE_TYPE_BUFFER, on_rtp, gate, NULL);
  gst_pad_add_probe (rtcp, GST_PAD_PROBE_TYPE_BUFFER, on_rtcp, gate, NULL);
  gst_object_unref (rtp);
  gst_object_unref (rtcp);
  return gate;
}

void
gst_walloc_rtp_gate_reset (GstWallocRtpGate * gate)
{
  g_mutex_lock (&gate->lock);
  walloc_rtp_senders_reset (&gate->senders);
  gate->follows = FALSE;
  g_mutex_unlock (&gate->lock);
}

void
gst_walloc_rtp_gate_follow (GstWallocRtpGate * gate, GstPad * pad)
{
  guint ssrc = 0, pt;
  gboolean follows = pad
      && sscanf (GST_PAD_NAME (pad), "recv_rtp_src_0_%u_%u", &ssrc, &pt) == 2;

  g_mutex_lock (&gate->lock);
  gate->follows = follows;
  gate->followed = ssrc;
  g_mutex_unlock (&gate->lock);
}

void
gst_walloc_rtp_gate_free (GstWallocRtpGate * gate)
{
  if (!gate)
    return;
  g_mutex_clear (&gate->lock);
  g_free (gate);
}
