/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * SECTION:element-wallocrtpsink
 * @title: wallocrtpsink
 * @short_description: Sends a WaLLoC stream over RTP at a rate the link bears
 * @see_also: wallocrtpsrc, rtpwallocpay, wallocthin
 *
 * wallocthin, rtpwallocpay, rtpbin and UDP in one element. Receivers report by
 * RTCP what they lose; the stream is thinned to a rate between
 * #GstWallocRtpSink:min-bitrate and #GstWallocRtpSink:max-bitrate that does
 * without losses (docs/design/rtp.md). Requests for key frames go on to the
 * encoder.
 *
 * Each report of a receiver is told in an element message `wallocrtpsink`:
 *
 * * #guint `bitrate`: kbit/s that the network may be given now
 * * #gdouble `fraction-lost` (0 to 1)
 * * #guint64 `round-trip`, `jitter` (ns)
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 videotestsrc is-live=true ! wallocenc slice-rows=4 quality=70 ! wallocrtpsink host=127.0.0.1 port=5004 max-bitrate=2000
 * ]| This line sends to the one of wallocrtpsrc.
 *
 * Since: 0.2
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <gst/video/video.h>

#include "gstwalloccommon.h"
#include "gstwallocrtpbin.h"
#include "gstwallocrtpelements.h"
#include "gstwallocrtpsink.h"

GST_DEBUG_CATEGORY (wallocrtpsink_debug);
#define GST_CAT_DEFAULT wallocrtpsink_debug

#define DEFAULT_HOST "127.0.0.1"
#define DEFAULT_PORT 5004
#define DEFAULT_RTCP_PORT 0
#define DEFAULT_MIN_BITRATE 100
#define DEFAULT_MAX_BITRATE 10000
#define DEFAULT_START_BITRATE 0
#define DEFAULT_ADAPT TRUE
#define DEFAULT_TTL 64

#define MAX_BITRATE 10000000

static const gchar *const parts[] = {
  "wallocthin", "rtpwallocpay", "rtpbin", "udpsink", "udpsrc", NULL
};

enum
{
  PROP_0,
  PROP_HOST,
  PROP_PORT,
  PROP_RTCP_PORT,
  PROP_BIND_ADDRESS,
  PROP_TTL,
  PROP_PT,
  PROP_MTU,
  PROP_MIN_BITRATE,
  PROP_MAX_BITRATE,
  PROP_START_BITRATE,
  PROP_ADAPT,
  PROP_DROP_FRAMES,
  PROP_STATS
};

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE ("sink",
    GST_PAD_SINK, GST_PAD_ALWAYS,
    GST_STATIC_CAPS (GST_WALLOC_VIDEO_CODED_CAPS "; "
        GST_WALLOC_AUDIO_CODED_CAPS ", " GST_WALLOC_AUDIO_RATES));

#define gst_walloc_rtp_sink_parent_class parent_class
G_DEFINE_FINAL_TYPE (GstWallocRtpSink, gst_walloc_rtp_sink, GST_TYPE_BIN);

GST_ELEMENT_REGISTER_DEFINE (wallocrtpsink, "wallocrtpsink", GST_RANK_NONE,
    GST_TYPE_WALLOC_RTP_SINK);

/* The child that has @prop_id, and as what. */
static GstElement *
gst_walloc_rtp_sink_get_child (GstWallocRtpSink * self, guint prop_id,
    const gchar ** name)
{
  switch (prop_id) {
    case PROP_TTL:
      *name = "ttl";
      return self->rtp;
    case PROP_PT:
      *name = "pt";
      return self->pay;
    case PROP_MTU:
      *name = "mtu";
      return self->pay;
    case PROP_DROP_FRAMES:
      *name = "drop-frames";
      return self->thin;
    default:
      return NULL;
  }
}

/* The end is where both sinks are at theirs. The session ends that of RTCP once
 * it has said BYE, but where the receiver leaves at the same time it may
 * never. So it is waited for a second or two. */
static void
gst_walloc_rtp_sink_handle_message (GstBin * bin, GstMessage * message)
{
  GstWallocRtpSink *self = GST_WALLOC_RTP_SINK (bin);

  /* compared alone: when the bin is disposed of, the child is gone before */
  if ((gpointer) GST_MESSAGE_SRC (message) == (gpointer) self->rtp) {
    GST_OBJECT_LOCK (self);
    if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_EOS)
      self->ended = 1;
    else if (GST_MESSAGE_TYPE (message) == GST_MESSAGE_STREAM_START)
      self->ended = 0;
    GST_OBJECT_UNLOCK (self);
  }
  GST_BIN_CLASS (parent_class)->handle_message (bin, message);
}

static GstPadProbeReturn
gst_walloc_rtp_sink_on_event (GstPad * pad, GstPadProbeInfo * info,
    gpointer user_data)
{
  GstWallocRtpSink *self = user_data;

  if (gst_video_event_is_force_key_unit (GST_PAD_PROBE_INFO_EVENT (info))) {
    GST_OBJECT_LOCK (self);
    self->requests++;
    GST_OBJECT_UNLOCK (self);
  }
  return GST_PAD_PROBE_OK;
}

static void
gst_walloc_rtp_sink_set_property (GObject * object, guint prop_id,
    const GValue * value, GParamSpec * pspec)
{
  GstWallocRtpSink *self = GST_WALLOC_RTP_SINK (object);
  GstElement *child;
  const gchar *name;

  child = gst_walloc_rtp_sink_get_child (self, prop_id, &name);
  if (child) {
    g_object_set_property (G_OBJECT (child), name, value);
    return;
  }

  GST_OBJECT_LOCK (self);
  switch (prop_id) {
    case PROP_HOST:
      g_free (self->host);
      self->host = g_value_dup_string (value);
      break;
    case PROP_PORT:
      self->port = g_value_get_uint (value);
      break;
    case PROP_RTCP_PORT:
      self->rtcp_port = g_value_get_uint (value);
      break;
    case PROP_BIND_ADDRESS:
      g_free (self->bind_address);
      self->bind_address = g_value_dup_string (value);
      break;
    case PROP_MIN_BITRATE:
      self->min_bitrate = g_value_get_uint (value);
      break;
    case PROP_MAX_BITRATE:
      self->max_bitrate = g_value_get_uint (value);
      break;
    case PROP_START_BITRATE:
      self->start_bitrate = g_value_get_uint (value);
      break;
    case PROP_ADAPT:
      self->adapt = g_value_get_boolean (value);
      break;
    case PROP_TTL:
    case PROP_PT:
    case PROP_MTU:
    case PROP_DROP_FRAMES:
      /* there is no such child; READY will say so */
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      break;
  }
  GST_OBJECT_UNLOCK (self);
  if (prop_id == PROP_MIN_BITRATE || prop_id == PROP_MAX_BITRATE
      || prop_id == PROP_ADAPT)
    gst_walloc_rtp_sink_update_rate (self);
}

static void
gst_walloc_rtp_sink_get_property (GObject * object, guint prop_id,
    GValue * value, GParamSpec * pspec)
{
  GstWallocRtpSink *self = GST_WALLOC_RTP_SINK (object);
  GstElement *child;
  const gchar *name;

  if (prop_id == PROP_STATS) {
    g_value_take_boxed (value, gst_walloc_rtp_sink_get_stats (self));
    return;
  }
  child = gst_walloc_rtp_sink_get_child (self, prop_id, &name);
  if (child) {
    g_object_get_property (G_OBJECT (child), name, value);
    return;
  }

  GST_OBJECT_LOCK (self);
  switch (prop_id) {
    case PROP_HOST:
      g_value_set_string (value, self->host);
      break;
    case PROP_PORT:
      g_value_set_uint (value, self->port);
      break;
    case PROP_RTCP_PORT:
      g_value_set_uint (value, self->rtcp_port);
      break;
    case PROP_BIND_ADDRESS:
      g_value_set_string (value, self->bind_address);
      break;
    case PROP_MIN_BITRATE:
      g_value_set_uint (value, self->min_bitrate);
      break;
    case PROP_MAX_BITRATE:
      g_value_set_uint (value, self->max_bitrate);
      break;
    case PROP_START_BITRATE:
      g_value_set_uint (value, self->start_bitrate);
      break;
    case PROP_ADAPT:
      g_value_set_boolean (value, self->adapt);
      break;
    case PROP_TTL:
    case PROP_PT:
    case PROP_MTU:
    case PROP_DROP_FRAMES:
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      break;
  }
  GST_OBJECT_UNLOCK (self);
}

/* Sockets and addresses, before the parts open theirs. */
static gboolean
gst_walloc_rtp_sink_open (GstWallocRtpSink * self)
{
  gchar *host, *address;
  guint port, rtcp_port;
  GInetAddress *inet;
  const gchar *name;

  GST_OBJECT_LOCK (self);
  host = g_strdup (self->host ? self->host : DEFAULT_HOST);
  GST_OBJECT_UNLOCK (self);
  inet = gst_walloc_rtp_bin_resolve (GST_ELEMENT (self), host);
  g_free (host);
  if (!inet)
    return FALSE;
  host = g_inet_address_to_string (inet);

  GST_OBJECT_LOCK (self);
  address = gst_walloc_rtp_bin_get_bind_address (self->bind_address, inet);
  port = self->port;
  rtcp_port = self->rtcp_port ? self->rtcp_port : MIN (port + 1, G_MAXUINT16);
  GST_OBJECT_UNLOCK (self);
  g_object_unref (inet);

  self->socket = gst_walloc_rtp_bin_bind (GST_ELEMENT (self), address, 0);
  if (self->socket) {
    g_object_set (self->rtp, "host", host, "port", (gint) port, NULL);
    name = g_socket_get_family (self->socket) == G_SOCKET_FAMILY_IPV6 ?
        "socket-v6" : "socket";
    g_object_set (self->rtcp, "host", host, "port", (gint) rtcp_port, name,
        self->socket, NULL);
    g_object_set (self->rtcp_in, "socket", self->socket, NULL);
  }
  g_free (host);
  g_free (address);
  return self->socket != NULL;
}

static void
gst_walloc_rtp_sink_close (GstWallocRtpSink * self)
{
  if (!self->socket)
    return;
  g_object_set (self->rtcp, "socket", NULL, "socket-v6", NULL, NULL);
  g_object_set (self->rtcp_in, "socket", NULL, NULL);
  g_socket_close (self->socket, NULL);
  g_clear_object (&self->socket);
}

static GstStateChangeReturn
gst_walloc_rtp_sink_change_state (GstElement * element,
    GstStateChange transition)
{
  GstWallocRtpSink *self = GST_WALLOC_RTP_SINK (element);
  GstStateChangeReturn ret;

  switch (transition) {
    case GST_STATE_CHANGE_NULL_TO_READY:
      if (!self->complete) {
        gst_walloc_rtp_bin_check (element, parts);
        return GST_STATE_CHANGE_FAILURE;
      }
      if (!gst_walloc_rtp_sink_open (self))
        return GST_STATE_CHANGE_FAILURE;
      break;
    case GST_STATE_CHANGE_READY_TO_PAUSED:
      gst_walloc_rtp_sink_reset_rate (self);
      gst_walloc_rtp_sink_start_timer (self);
      break;
    case GST_STATE_CHANGE_PAUSED_TO_READY:
      gst_walloc_rtp_sink_stop_timer (self);
      break;
    default:
      break;
  }
  ret = GST_ELEMENT_CLASS (parent_class)->change_state (element, transition);
  if (transition == GST_STATE_CHANGE_READY_TO_NULL
      || (ret == GST_STATE_CHANGE_FAILURE
          && transition == GST_STATE_CHANGE_NULL_TO_READY))
    gst_walloc_rtp_sink_close (self);
  if (ret == GST_STATE_CHANGE_FAILURE
      && transition == GST_STATE_CHANGE_READY_TO_PAUSED)
    gst_walloc_rtp_sink_stop_timer (self);

  return ret;
}

static void
gst_walloc_rtp_sink_finalize (GObject * object)
{
  GstWallocRtpSink *self = GST_WALLOC_RTP_SINK (object);

  gst_walloc_rtp_sink_stop_timer (self);
  if (self->session) {
    g_signal_handlers_disconnect_by_data (self->session, self);
    g_object_unref (self->session);
  }
  g_clear_object (&self->socket);
  g_free (self->host);
  g_free (self->bind_address);

  G_OBJECT_CLASS (parent_class)->finalize (object);
}

static void
install_uint (GObjectClass * klass, guint id, const gchar * name,
    const gchar * nick, const gchar * blurb, guint least, guint most,
    guint value)
{
  g_object_class_install_property (klass, id, g_param_spec_uint (name, nick,
          blurb, least, most, value, G_PARAM_READWRITE |
          G_PARAM_STATIC_STRINGS));
}

static void
gst_walloc_rtp_sink_class_init (GstWallocRtpSinkClass * klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);

  GST_DEBUG_CATEGORY_INIT (wallocrtpsink_debug, "wallocrtpsink", 0,
      "WaLLoC over RTP: sending");

  object_class->set_property = gst_walloc_rtp_sink_set_property;
  object_class->get_property = gst_walloc_rtp_sink_get_property;
  object_class->finalize = gst_walloc_rtp_sink_finalize;

  /**
   * GstWallocRtpSink:host:
   *
   * Since: 0.2
   */
  g_object_class_install_property (object_class, PROP_HOST,
      g_param_spec_string ("host", "Host", "Where packets go",
          DEFAULT_HOST, G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
          GST_PARAM_MUTABLE_READY));
  /**
   * GstWallocRtpSink:port:
   *
   * Since: 0.2
   */
  install_uint (object_class, PROP_PORT, "port", "Port",
      "UDP port there, for RTP", 1, G_MAXUINT16, DEFAULT_PORT);
  /**
   * GstWallocRtpSink:rtcp-port:
   *
   * Since: 0.2
   */
  install_uint (object_class, PROP_RTCP_PORT, "rtcp-port", "RTCP port",
      "UDP port there, for RTCP (0 = port + 1)", 0, G_MAXUINT16,
      DEFAULT_RTCP_PORT);
  /**
   * GstWallocRtpSink:bind-address:
   *
   * Since: 0.2
   */
  g_object_class_install_property (object_class, PROP_BIND_ADDRESS,
      g_param_spec_string ("bind-address", "Bind address",
          "Address of this machine at which reports are listened to (NULL = "
          "127.0.0.1 if host is this machine, else all)", NULL,
          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
          GST_PARAM_MUTABLE_READY));
  /**
   * GstWallocRtpSink:ttl:
   *
   * Since: 0.2
   */
  g_object_class_install_property (object_class, PROP_TTL,
      g_param_spec_int ("ttl", "TTL", "Time to live of packets", 0, 255,
          DEFAULT_TTL, G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS));
  /**
   * GstWallocRtpSink:pt:
   *
   * Since: 0.2
   */
  install_uint (object_class, PROP_PT, "pt", "Payload type",
      "The payload type of packets", 0, 127, 96);
  /**
   * GstWallocRtpSink:mtu:
   *
   * Since: 0.2
   */
  install_uint (object_class, PROP_MTU, "mtu", "MTU",
      "Greatest size of a packet, without headers of UDP and IP", 28,
      G_MAXUINT16, 1400);
  /**
   * GstWallocRtpSink:min-bitrate:
   *
   * Since: 0.2
   */
  install_uint (object_class, PROP_MIN_BITRATE, "min-bitrate", "Least rate",
      "Rate in kbit/s, with all headers, below which the stream is not "
      "thinned", 1, MAX_BITRATE, DEFAULT_MIN_BITRATE);
  /**
   * GstWallocRtpSink:max-bitrate:
   *
   * Since: 0.2
   */
  install_uint (object_class, PROP_MAX_BITRATE, "max-bitrate",
      "Greatest rate", "Rate in kbit/s, with all headers, above which the "
      "stream is thinned in any case", 1, MAX_BITRATE, DEFAULT_MAX_BITRATE);
  /**
   * GstWallocRtpSink:start-bitrate:
   *
   * Since: 0.2
   */
  install_uint (object_class, PROP_START_BITRATE, "start-bitrate",
      "First rate", "Rate in kbit/s to begin with (0 = between least and "
      "greatest)", 0, MAX_BITRATE, DEFAULT_START_BITRATE);
  /**
   * GstWallocRtpSink:adapt:
   *
   * Thin the stream to the rate that receivers' reports allow.
   *
   * Since: 0.2
   */
  g_object_class_install_property (object_class, PROP_ADAPT,
      g_param_spec_boolean ("adapt", "Adapt",
          "Thin the stream to what receivers report to get through",
          DEFAULT_ADAPT, G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
          GST_PARAM_MUTABLE_PLAYING));
  /**
   * GstWallocRtpSink:drop-frames:
   *
   * As #GstWallocThin:drop-frames.
   *
   * Since: 0.2
   */
  g_object_class_install_property (object_class, PROP_DROP_FRAMES,
      g_param_spec_boolean ("drop-frames", "Drop frames",
          "Leave out whole frames where one layer exceeds the rate", FALSE,
          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
          GST_PARAM_MUTABLE_PLAYING));
  /**
   * GstWallocRtpSink:stats:
   *
   * Structure `application/x-wallocrtpsink-stats`: #guint `bitrate` (kbit/s
   * that may go out), #gdouble `sent` (bit/s that did between the last two
   * reports), `fraction-lost`, #guint64 `reports`, `keyframe-requests`,
   * `round-trip`, `jitter` (ns), `frames`, `packets`, `bytes`.
   *
   * Since: 0.2
   */
  g_object_class_install_property (object_class, PROP_STATS,
      g_param_spec_boxed ("stats", "Statistics", "Rate, reports and counters",
          GST_TYPE_STRUCTURE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));

  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_set_static_metadata (element_class, "WaLLoC RTP sender",
      "Sink/Network/RTP",
      "Sends a stream over RTP, thinned to what the link bears",
      GST_PACKAGE_NAME);

  element_class->change_state =
      GST_DEBUG_FUNCPTR (gst_walloc_rtp_sink_change_state);
  GST_BIN_CLASS (klass)->handle_message =
      GST_DEBUG_FUNCPTR (gst_walloc_rtp_sink_handle_message);
}

/* Links the parts; FALSE if one is missing. */
static gboolean
gst_walloc_rtp_sink_build (GstWallocRtpSink * self)
{
  GstBin *bin = GST_BIN (self);
  GstPad *pad;

  self->thin = gst_walloc_rtp_bin_make (bin, "wallocthin");
  self->pay = gst_walloc_rtp_bin_make (bin, "rtpwallocpay");
  self->rtpbin = gst_walloc_rtp_bin_make (bin, "rtpbin");
  self->rtp = gst_walloc_rtp_bin_make (bin, "udpsink");
  self->rtcp = gst_walloc_rtp_bin_make (bin, "udpsink");
  self->rtcp_in = gst_walloc_rtp_bin_make (bin, "udpsrc");
  if (!self->thin || !self->pay || !self->rtpbin || !self->rtp || !self->rtcp
      || !self->rtcp_in)
    return FALSE;

  gst_util_set_object_arg (G_OBJECT (self->rtpbin), "rtp-profile", "avpf");
  g_object_set (self->rtp, "ttl", DEFAULT_TTL, NULL);
  /* reports come while nothing plays, and go when they want */
  g_object_set (self->rtcp, "sync", FALSE, "async", FALSE, "close-socket",
      FALSE, NULL);
  g_object_set (self->rtcp_in, "close-socket", FALSE, NULL);
  if (!gst_element_link (self->thin, self->pay)
      || !gst_element_link_pads (self->pay, "src", self->rtpbin,
          "send_rtp_sink_0")
      || !gst_element_link_pads (self->rtpbin, "send_rtp_src_0", self->rtp,
          "sink")
      || !gst_element_link_pads (self->rtpbin, "send_rtcp_src_0", self->rtcp,
          "sink")
      || !gst_element_link_pads (self->rtcp_in, "src", self->rtpbin,
          "recv_rtcp_sink_0"))
    return FALSE;
  self->session = gst_walloc_rtp_bin_get_session (self->rtpbin);
  if (!self->session)
    return FALSE;
  g_signal_connect (self->session, "on-ssrc-active",
      G_CALLBACK (gst_walloc_rtp_sink_on_report), self);

  pad = gst_element_get_static_pad (self->thin, "sink");
  gst_ghost_pad_set_target (GST_GHOST_PAD (self->sinkpad), pad);
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_EVENT_UPSTREAM,
      gst_walloc_rtp_sink_on_event, self, NULL);
  gst_object_unref (pad);
  return TRUE;
}

static void
gst_walloc_rtp_sink_init (GstWallocRtpSink * self)
{
  GstPadTemplate *template;

  self->host = g_strdup (DEFAULT_HOST);
  self->port = DEFAULT_PORT;
  self->rtcp_port = DEFAULT_RTCP_PORT;
  self->min_bitrate = DEFAULT_MIN_BITRATE;
  self->max_bitrate = DEFAULT_MAX_BITRATE;
  self->start_bitrate = DEFAULT_START_BITRATE;
  self->adapt = DEFAULT_ADAPT;
  self->sent = -1;
  walloc_rtp_rate_init (&self->rate, DEFAULT_MIN_BITRATE * 1e3,
      DEFAULT_MAX_BITRATE * 1e3, 0, 0);

  template = gst_static_pad_template_get (&sink_template);
  self->sinkpad = gst_ghost_pad_new_no_target_from_template ("sink", template);
  gst_object_unref (template);
  gst_element_add_pad (GST_ELEMENT (self), self->sinkpad);
  self->complete = gst_walloc_rtp_sink_build (self);
  GST_OBJECT_FLAG_SET (self, GST_ELEMENT_FLAG_SINK);
}
