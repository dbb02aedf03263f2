/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* wallocrtpsrc: which of several senders is listened to, and where reports go. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <gst/net/gstnetaddressmeta.h>

#include "gstwallocrtpsrc.h"
#include "wallocrtpsenders.h"

GST_DEBUG_CATEGORY_EXTERN (wallocrtpsrc_debug);
#define GST_CAT_DEFAULT wallocrtpsrc_debug

/* With the object lock: whether packets of @pad are wanted. */
static gboolean
gst_walloc_rtp_src_follow (GstWallocRtpSrc * self, GstPad * pad)
{
  gint64 now = g_get_monotonic_time ();

  if (pad != self->sender && self->sender && !self->leaving
      && now - self->heard < WALLOC_RTP_SENDER_SILENCE)
    return FALSE;
  if (pad != self->sender)
    self->leaving = FALSE;
  self->sender = pad;
  self->heard = now;
  return TRUE;
}

static void
gst_walloc_rtp_src_link (GstWallocRtpSrc * self, GstPad * pad)
{
  GstPad *sink = gst_element_get_static_pad (self->depay, "sink");
  GstPad *before = gst_pad_get_peer (sink);

  if (before && before != pad) {
    GST_INFO_OBJECT (self, "another sender: %s", GST_PAD_NAME (pad));
    gst_pad_unlink (before, sink);
  }
  gst_walloc_rtp_gate_follow (self->gate, pad);
  if (before != pad && gst_pad_link (pad, sink) != GST_PAD_LINK_OK)
    GST_ELEMENT_WARNING (self, CORE, NEGOTIATION, (NULL),
        ("What comes over RTP is no WaLLoC stream, or caps say so."));
  gst_clear_object (&before);
  gst_object_unref (sink);
  /* sinks have not asked this jitter buffer */
  gst_element_post_message (GST_ELEMENT (self),
      gst_message_new_latency (GST_OBJECT (self)));
}

/* What a sender that is not followed sends goes nowhere; a pad without a peer
 * would end the source for all of them. */
static GstPadProbeReturn
gst_walloc_rtp_src_on_packet (GstPad * pad, GstPadProbeInfo * info,
    gpointer user_data)
{
  GstWallocRtpSrc *self = user_data;
  gboolean follow, changed;

  GST_OBJECT_LOCK (self);
  changed = self->sender != pad;
  follow = gst_walloc_rtp_src_follow (self, pad);
  GST_OBJECT_UNLOCK (self);
  if (!follow)
    return GST_PAD_PROBE_DROP;
  if (changed)
    gst_walloc_rtp_src_link (self, pad);
  return GST_PAD_PROBE_OK;
}

static GstPadProbeReturn
gst_walloc_rtp_src_on_sender_event (GstPad * pad, GstPadProbeInfo * info,
    gpointer user_data)
{
  GstWallocRtpSrc *self = user_data;
  GstEvent *event = GST_PAD_PROBE_INFO_EVENT (info);
  gboolean ours;

  /* the others are sent when the pad is linked */
  if (GST_EVENT_IS_STICKY (event) && GST_EVENT_TYPE (event) != GST_EVENT_EOS)
    return GST_PAD_PROBE_OK;
  GST_OBJECT_LOCK (self);
  ours = self->sender == pad;
  GST_OBJECT_UNLOCK (self);
  return ours ? GST_PAD_PROBE_OK : GST_PAD_PROBE_DROP;
}

/* A sender has begun. */
static void
gst_walloc_rtp_src_on_pad (GstElement * rtpbin, GstPad * pad,
    GstWallocRtpSrc * self)
{
  if (!g_str_has_prefix (GST_PAD_NAME (pad), "recv_rtp_src_0_"))
    return;
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER |
      GST_PAD_PROBE_TYPE_BUFFER_LIST, gst_walloc_rtp_src_on_packet, self, NULL);
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_EVENT_DOWNSTREAM,
      gst_walloc_rtp_src_on_sender_event, self, NULL);
}

static void
gst_walloc_rtp_src_on_pad_removed (GstElement * rtpbin, GstPad * pad,
    GstWallocRtpSrc * self)
{
  gboolean ours;

  GST_OBJECT_LOCK (self);
  ours = self->sender == pad;
  if (ours)
    self->sender = NULL;
  GST_OBJECT_UNLOCK (self);
  if (ours)
    gst_walloc_rtp_gate_follow (self->gate, NULL);
}

/* A sender that says that it ends is not waited for. */
static void
gst_walloc_rtp_src_on_bye (GstElement * rtpbin, guint session, guint ssrc,
    GstWallocRtpSrc * self)
{
  gchar *name = g_strdup_printf ("recv_rtp_src_0_%u_", ssrc);

  GST_OBJECT_LOCK (self);
  if (self->sender && g_str_has_prefix (GST_PAD_NAME (self->sender), name))
    self->leaving = TRUE;
  GST_OBJECT_UNLOCK (self);
  g_free (name);
}

/* Reports go where the sender's RTCP comes from. */
static GstPadProbeReturn
gst_walloc_rtp_src_on_rtcp (GstPad * pad, GstPadProbeInfo * info,
    gpointer user_data)
{
  GstWallocRtpSrc *self = user_data;
  GstNetAddressMeta *meta =
      gst_buffer_get_net_address_meta (GST_PAD_PROBE_INFO_BUFFER (info));
  GInetSocketAddress *address;
  gchar *host;

  if (!meta || !G_IS_INET_SOCKET_ADDRESS (meta->addr))
    return GST_PAD_PROBE_OK;
  address = G_INET_SOCKET_ADDRESS (meta->addr);
  if (self->peer
      && g_inet_socket_address_get_port (address) ==
      g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (self->peer))
      && g_inet_address_equal (g_inet_socket_address_get_address (address),
          g_inet_socket_address_get_address (G_INET_SOCKET_ADDRESS
              (self->peer))))
    return GST_PAD_PROBE_OK;

  host = g_inet_address_to_string (g_inet_socket_address_get_address (address));
  GST_INFO_OBJECT (self, "reports go to %s port %u", host,
      g_inet_socket_address_get_port (address));
  g_object_set (self->rtcp, "host", host, "port",
      (gint) g_inet_socket_address_get_port (address), NULL);
  g_free (host);
  g_set_object (&self->peer, meta->addr);
  GST_OBJECT_LOCK (self);
  self->have_peer = TRUE;
  GST_OBJECT_UNLOCK (self);
  return GST_PAD_PROBE_OK;
}

/* Nothing to send reports to yet. */
static GstPadProbeReturn
gst_walloc_rtp_src_hold_rtcp (GstPad * pad, GstPadProbeInfo * info,
    gpointer user_data)
{
  GstWallocRtpSrc *self = user_data;
  gboolean have;

  GST_OBJECT_LOCK (self);
  have = self->have_peer;
  GST_OBJECT_UNLOCK (self);
  return have ? GST_PAD_PROBE_OK : GST_PAD_PROBE_DROP;
}

/* Calls of the parts, which are all there. */
void
gst_walloc_rtp_src_watch (GstWallocRtpSrc * self)
{
  GstPad *pad;

  g_signal_connect (self->rtpbin, "pad-added",
      G_CALLBACK (gst_walloc_rtp_src_on_pad), self);
  g_signal_connect (self->rtpbin, "pad-removed",
      G_CALLBACK (gst_walloc_rtp_src_on_pad_removed), self);
  g_signal_connect (self->rtpbin, "on-bye-ssrc",
      G_CALLBACK (gst_walloc_rtp_src_on_bye), self);
  pad = gst_element_get_static_pad (self->rtcp_in, "src");
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER,
      gst_walloc_rtp_src_on_rtcp, self, NULL);
  gst_object_unref (pad);
  pad = gst_element_get_static_pad (self->rtcp, "sink");
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER |
      GST_PAD_PROBE_TYPE_BUFFER_LIST, gst_walloc_rtp_src_hold_rtcp, self, NULL);
  gst_object_unref (pad);
}
