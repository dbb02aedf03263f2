/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * SECTION:element-wallocrtpsrc
 * @title: wallocrtpsrc
 * @short_description: Receives a WaLLoC stream over RTP
 * @see_also: wallocrtpsink, rtpwallocdepay
 *
 * UDP, rtpbin and rtpwallocdepay in one element. Reports of what is lost go
 * back to where the sender's RTCP comes from, once a second, so that
 * wallocrtpsink can adapt the rate; so do requests for key frames after a loss.
 * A sender that begins again is followed, once the one before said that it ends
 * or was silent for two seconds; until then others are not listened to.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 wallocrtpsrc port=5004 ! wallocdec ! videoconvert ! autovideosink
 * ]| This line shows what wallocrtpsink sends.
 *
 * Since: 0.2
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstwalloccommon.h"
#include "gstwallocrtpbin.h"
#include "gstwallocrtpelements.h"
#include "gstwallocrtpsrc.h"
#include "wallocrtpsenders.h"

GST_DEBUG_CATEGORY (wallocrtpsrc_debug);
#define GST_CAT_DEFAULT wallocrtpsrc_debug

#define DEFAULT_ADDRESS "127.0.0.1"
#define DEFAULT_PORT 5004
#define DEFAULT_RTCP_PORT 0
#define DEFAULT_PT 96
#define DEFAULT_MEDIA "video"
#define DEFAULT_CLOCK_RATE 0
#define DEFAULT_LATENCY 200

/* of the kernel, so that the packets of a large frame have room */
#define SOCKET_BUFFER (1 << 20)

static const gchar *const parts[] = {
  "udpsrc", "rtpbin", "rtpwallocdepay", "udpsink", NULL
};

enum
{
  PROP_0,
  PROP_ADDRESS,
  PROP_PORT,
  PROP_RTCP_PORT,
  PROP_CURRENT_PORT,
  PROP_CURRENT_RTCP_PORT,
  PROP_PT,
  PROP_MEDIA,
  PROP_CLOCK_RATE,
  PROP_CAPS,
  PROP_LATENCY,
  PROP_REQUEST_KEYFRAME,
  PROP_WAIT_FOR_KEYFRAME,
  PROP_STATS
};

static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE ("src",
    GST_PAD_SRC, GST_PAD_ALWAYS,
    GST_STATIC_CAPS (GST_WALLOC_VIDEO_CODED_CAPS "; "
        GST_WALLOC_AUDIO_CODED_CAPS));

#define gst_walloc_rtp_src_parent_class parent_class
G_DEFINE_FINAL_TYPE (GstWallocRtpSrc, gst_walloc_rtp_src, GST_TYPE_BIN);

GST_ELEMENT_REGISTER_DEFINE (wallocrtpsrc, "wallocrtpsrc", GST_RANK_NONE,
    GST_TYPE_WALLOC_RTP_SRC);

/* Of the session, as the properties say. */
static GstCaps *
gst_walloc_rtp_src_make_caps (GstWallocRtpSrc * self, guint pt)
{
  GstCaps *caps;

  GST_OBJECT_LOCK (self);
  if (self->caps)
    caps = gst_caps_copy (self->caps);
  else
    caps = gst_caps_new_simple ("application/x-rtp",
        "media", G_TYPE_STRING, self->is_audio ? "audio" : "video",
        "clock-rate", G_TYPE_INT, self->clock_rate ? self->clock_rate :
        self->is_audio ? 44100 : 90000,
        "encoding-name", G_TYPE_STRING, "X-WALLOC", NULL);
  GST_OBJECT_UNLOCK (self);
  /* without it rtpbin asks for no key frames */
  gst_caps_set_simple (caps, "payload", G_TYPE_INT, (gint) pt,
      "rtcp-fb-nack-pli", G_TYPE_BOOLEAN, TRUE, NULL);
  return caps;
}

static GstCaps *
gst_walloc_rtp_src_on_pt_map (GstElement * rtpbin, guint session, guint pt,
    GstWallocRtpSrc * self)
{
  guint ours;

  GST_OBJECT_LOCK (self);
  ours = self->pt;
  GST_OBJECT_UNLOCK (self);
  if (pt != ours) {
    GST_DEBUG_OBJECT (self, "packets of payload type %u are not ours", pt);
    return NULL;
  }
  return gst_walloc_rtp_src_make_caps (self, pt);
}

/* The child that has @prop_id, and as what. */
static GstElement *
gst_walloc_rtp_src_get_child (GstWallocRtpSrc * self, guint prop_id,
    const gchar ** name)
{
  switch (prop_id) {
    case PROP_LATENCY:
      *name = "latency";
      return self->rtpbin;
    case PROP_REQUEST_KEYFRAME:
      *name = "request-keyframe";
      return self->depay;
    case PROP_WAIT_FOR_KEYFRAME:
      *name = "wait-for-keyframe";
      return self->depay;
    case PROP_STATS:
      *name = "stats";
      return self->depay;
    default:
      return NULL;
  }
}

static void
gst_walloc_rtp_src_set_property (GObject * object, guint prop_id,
    const GValue * value, GParamSpec * pspec)
{
  GstWallocRtpSrc *self = GST_WALLOC_RTP_SRC (object);
  GstElement *child;
  const gchar *name;

  child = gst_walloc_rtp_src_get_child (self, prop_id, &name);
  if (child) {
    g_object_set_property (G_OBJECT (child), name, value);
    return;
  }

  GST_OBJECT_LOCK (self);
  switch (prop_id) {
    case PROP_ADDRESS:
      g_free (self->address);
      self->address = g_value_dup_string (value);
      break;
    case PROP_PORT:
      self->port = g_value_get_uint (value);
      break;
    case PROP_RTCP_PORT:
      self->rtcp_port = g_value_get_uint (value);
      break;
    case PROP_PT:
      self->pt = g_value_get_uint (value);
      break;
    case PROP_MEDIA:
      self->is_audio = g_strcmp0 (g_value_get_string (value), "audio") == 0;
      break;
    case PROP_CLOCK_RATE:
      self->clock_rate = g_value_get_int (value);
      break;
    case PROP_CAPS:
      gst_caps_replace (&self->caps, (GstCaps *) gst_value_get_caps (value));
      break;
    case PROP_LATENCY:
    case PROP_REQUEST_KEYFRAME:
    case PROP_WAIT_FOR_KEYFRAME:
      /* there is no such child; READY will say so */
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      break;
  }
  GST_OBJECT_UNLOCK (self);
}

static void
gst_walloc_rtp_src_get_property (GObject * object, guint prop_id,
    GValue * value, GParamSpec * pspec)
{
  GstWallocRtpSrc *self = GST_WALLOC_RTP_SRC (object);
  GstElement *child;
  const gchar *name;

  child = gst_walloc_rtp_src_get_child (self, prop_id, &name);
  if (child) {
    g_object_get_property (G_OBJECT (child), name, value);
    return;
  }

  GST_OBJECT_LOCK (self);
  switch (prop_id) {
    case PROP_ADDRESS:
      g_value_set_string (value, self->address);
      break;
    case PROP_PORT:
      g_value_set_uint (value, self->port);
      break;
    case PROP_RTCP_PORT:
      g_value_set_uint (value, self->rtcp_port);
      break;
    case PROP_CURRENT_PORT:
      g_value_set_uint (value, self->current_port);
      break;
    case PROP_CURRENT_RTCP_PORT:
      g_value_set_uint (value, self->current_rtcp_port);
      break;
    case PROP_PT:
      g_value_set_uint (value, self->pt);
      break;
    case PROP_MEDIA:
      g_value_set_static_string (value, self->is_audio ? "audio" : "video");
      break;
    case PROP_CLOCK_RATE:
      g_value_set_int (value, self->clock_rate);
      break;
    case PROP_CAPS:
      gst_value_set_caps (value, self->caps);
      break;
    case PROP_LATENCY:
    case PROP_REQUEST_KEYFRAME:
    case PROP_WAIT_FOR_KEYFRAME:
    case PROP_STATS:
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      break;
  }
  GST_OBJECT_UNLOCK (self);
}

static gboolean
gst_walloc_rtp_src_open (GstWallocRtpSrc * self)
{
  GstElement *element = GST_ELEMENT (self);
  guint port, rtcp_port, pt;
  gboolean is_v6;
  gchar *address;
  GstCaps *caps;

  GST_OBJECT_LOCK (self);
  address = g_strdup (self->address ? self->address : DEFAULT_ADDRESS);
  port = self->port;
  rtcp_port = self->rtcp_port ? self->rtcp_port :
      port && port < G_MAXUINT16 ? port + 1 : 0;
  pt = self->pt;
  GST_OBJECT_UNLOCK (self);

  self->socket = gst_walloc_rtp_bin_bind (element, address, port);
  if (self->socket)
    self->rtcp_socket = gst_walloc_rtp_bin_bind (element, address, rtcp_port);
  g_free (address);
  if (!self->rtcp_socket) {
    g_clear_object (&self->socket);
    return FALSE;
  }
  GST_OBJECT_LOCK (self);
  self->current_port = gst_walloc_rtp_bin_get_port (self->socket);
  self->current_rtcp_port = gst_walloc_rtp_bin_get_port (self->rtcp_socket);
  GST_OBJECT_UNLOCK (self);

  caps = gst_walloc_rtp_src_make_caps (self, pt);
  g_object_set (self->rtp, "socket", self->socket, "caps", caps, NULL);
  gst_caps_unref (caps);
  g_object_set (self->rtcp_in, "socket", self->rtcp_socket, NULL);
  /* until a sender is heard of, an address of the socket's kind */
  is_v6 = g_socket_get_family (self->rtcp_socket) == G_SOCKET_FAMILY_IPV6;
  g_object_set (self->rtcp, "host", is_v6 ? "::1" : "127.0.0.1",
      is_v6 ? "socket-v6" : "socket", self->rtcp_socket, NULL);
  g_object_notify (G_OBJECT (self), "current-port");
  g_object_notify (G_OBJECT (self), "current-rtcp-port");
  return TRUE;
}

static void
gst_walloc_rtp_src_close (GstWallocRtpSrc * self)
{
  if (!self->socket)
    return;
  g_object_set (self->rtp, "socket", NULL, NULL);
  g_object_set (self->rtcp_in, "socket", NULL, NULL);
  g_object_set (self->rtcp, "socket", NULL, "socket-v6", NULL, NULL);
  g_socket_close (self->socket, NULL);
  g_socket_close (self->rtcp_socket, NULL);
  g_clear_object (&self->socket);
  g_clear_object (&self->rtcp_socket);
  g_clear_object (&self->peer);
  GST_OBJECT_LOCK (self);
  self->current_port = self->current_rtcp_port = 0;
  self->have_peer = FALSE;
  GST_OBJECT_UNLOCK (self);
}

static GstStateChangeReturn
gst_walloc_rtp_src_change_state (GstElement * element,
    GstStateChange transition)
{
  GstWallocRtpSrc *self = GST_WALLOC_RTP_SRC (element);
  GstStateChangeReturn ret;

  if (transition == GST_STATE_CHANGE_NULL_TO_READY) {
    if (!self->complete) {
      gst_walloc_rtp_bin_check (element, parts);
      return GST_STATE_CHANGE_FAILURE;
    }
    if (!gst_walloc_rtp_src_open (self))
      return GST_STATE_CHANGE_FAILURE;
  }
  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED) {
    GST_OBJECT_LOCK (self);
    self->sender = NULL;
    self->leaving = FALSE;
    GST_OBJECT_UNLOCK (self);
    gst_walloc_rtp_gate_reset (self->gate);
  }
  ret = GST_ELEMENT_CLASS (parent_class)->change_state (element, transition);
  if (transition == GST_STATE_CHANGE_READY_TO_NULL
      || (ret == GST_STATE_CHANGE_FAILURE
          && transition == GST_STATE_CHANGE_NULL_TO_READY))
    gst_walloc_rtp_src_close (self);

  return ret;
}

static void
gst_walloc_rtp_src_finalize (GObject * object)
{
  GstWallocRtpSrc *self = GST_WALLOC_RTP_SRC (object);

  g_clear_object (&self->session);
  g_clear_object (&self->socket);
  g_clear_object (&self->rtcp_socket);
  g_clear_object (&self->peer);
  gst_clear_caps (&self->caps);
  g_free (self->address);
  gst_walloc_rtp_gate_free (self->gate);

  G_OBJECT_CLASS (parent_class)->finalize (object);
}

static void
gst_walloc_rtp_src_class_init (GstWallocRtpSrcClass * klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  const GParamFlags ready = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
      GST_PARAM_MUTABLE_READY;

  GST_DEBUG_CATEGORY_INIT (wallocrtpsrc_debug, "wallocrtpsrc", 0,
      "WaLLoC over RTP: receiving");

  object_class->set_property = gst_walloc_rtp_src_set_property;
  object_class->get_property = gst_walloc_rtp_src_get_property;
  object_class->finalize = gst_walloc_rtp_src_finalize;

  /**
   * GstWallocRtpSrc:address:
   *
   * Since: 0.2
   */
  g_object_class_install_property (object_class, PROP_ADDRESS,
      g_param_spec_string ("address", "Address",
          "Address of this machine that is listened at (0.0.0.0: all)",
          DEFAULT_ADDRESS, ready));
  /**
   * GstWallocRtpSrc:port:
   *
   * Since: 0.2
   */
  g_object_class_install_property (object_class, PROP_PORT,
      g_param_spec_uint ("port", "Port", "UDP port for RTP (0 = any)", 0,
          G_MAXUINT16, DEFAULT_PORT, ready));
  /**
   * GstWallocRtpSrc:rtcp-port:
   *
   * Since: 0.2
   */
  g_object_class_install_property (object_class, PROP_RTCP_PORT,
      g_param_spec_uint ("rtcp-port", "RTCP port",
          "UDP port for RTCP (0 = port + 1, or any if port is 0)", 0,
          G_MAXUINT16, DEFAULT_RTCP_PORT, ready));
  /**
   * GstWallocRtpSrc:current-port:
   *
   * Since: 0.2
   */
  g_object_class_install_property (object_class, PROP_CURRENT_PORT,
      g_param_spec_uint ("current-port", "Current port",
          "UDP port that is listened at, from READY on", 0, G_MAXUINT16, 0,
          G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
  /**
   * GstWallocRtpSrc:current-rtcp-port:
   *
   * Since: 0.2
   */
  g_object_class_install_property (object_class, PROP_CURRENT_RTCP_PORT,
      g_param_spec_uint ("current-rtcp-port", "Current RTCP port",
          "UDP port for RTCP, from READY on", 0, G_MAXUINT16, 0,
          G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
  /**
   * GstWallocRtpSrc:pt:
   *
   * Since: 0.2
   */
  g_object_class_install_property (object_class, PROP_PT,
      g_param_spec_uint ("pt", "Payload type",
          "The payload type of packets; others are dropped", 0, 127,
          DEFAULT_PT, ready));
  /**
   * GstWallocRtpSrc:media:
   *
   * Since: 0.2
   */
  g_object_class_install_property (object_class, PROP_MEDIA,
      g_param_spec_string ("media", "Media", "\"video\" or \"audio\"",
          DEFAULT_MEDIA, ready));
  /**
   * GstWallocRtpSrc:clock-rate:
   *
   * Since: 0.2
   */
  g_object_class_install_property (object_class, PROP_CLOCK_RATE,
      g_param_spec_int ("clock-rate", "Clock rate",
          "Of RTP time stamps; of sound the sample rate (0 = 90000 for "
          "pictures, 44100 for sound)", 0, 96000, DEFAULT_CLOCK_RATE, ready));
  /**
   * GstWallocRtpSrc:caps:
   *
   * What a description of the session says, in place of
   * #GstWallocRtpSrc:media and #GstWallocRtpSrc:clock-rate.
   *
   * Since: 0.2
   */
  g_object_class_install_property (object_class, PROP_CAPS,
      g_param_spec_boxed ("caps", "Caps", "RTP caps of the session",
          GST_TYPE_CAPS, ready));
  /**
   * GstWallocRtpSrc:latency:
   *
   * Since: 0.2
   */
  g_object_class_install_property (object_class, PROP_LATENCY,
      g_param_spec_uint ("latency", "Latency",
          "Time in ms that packets are waited for", 0, G_MAXUINT,
          DEFAULT_LATENCY, G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS));
  /**
   * GstWallocRtpSrc:request-keyframe:
   *
   * As #GstRtpWallocDepay:request-keyframe.
   *
   * Since: 0.2
   */
  g_object_class_install_property (object_class, PROP_REQUEST_KEYFRAME,
      g_param_spec_boolean ("request-keyframe", "Request key frame",
          "Ask the sender for a key frame after a loss, where frames build on "
          "others", TRUE, G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS));
  /**
   * GstWallocRtpSrc:wait-for-keyframe:
   *
   * As #GstRtpWallocDepay:wait-for-keyframe.
   *
   * Since: 0.2
   */
  g_object_class_install_property (object_class, PROP_WAIT_FOR_KEYFRAME,
      g_param_spec_boolean ("wait-for-keyframe", "Wait for key frame",
          "Leave out what builds on a lost or damaged frame", FALSE,
          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS));
  /**
   * GstWallocRtpSrc:stats:
   *
   * #GstRtpWallocDepay:stats of the depayloader.
   *
   * Since: 0.2
   */
  g_object_class_install_property (object_class, PROP_STATS,
      g_param_spec_boxed ("stats", "Statistics", "Those of the depayloader",
          GST_TYPE_STRUCTURE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));

  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_element_class_set_static_metadata (element_class, "WaLLoC RTP receiver",
      "Source/Network/RTP", "Receives a stream over RTP and reports losses",
      GST_PACKAGE_NAME);

  element_class->change_state =
      GST_DEBUG_FUNCPTR (gst_walloc_rtp_src_change_state);
}

/* Links the parts; FALSE if one is missing. */
static gboolean
gst_walloc_rtp_src_build (GstWallocRtpSrc * self)
{
  GstBin *bin = GST_BIN (self);
  GstPad *pad;

  self->rtp = gst_walloc_rtp_bin_make (bin, "udpsrc");
  self->rtcp_in = gst_walloc_rtp_bin_make (bin, "udpsrc");
  self->rtpbin = gst_walloc_rtp_bin_make (bin, "rtpbin");
  self->depay = gst_walloc_rtp_bin_make (bin, "rtpwallocdepay");
  self->rtcp = gst_walloc_rtp_bin_make (bin, "udpsink");
  if (!self->rtp || !self->rtcp_in || !self->rtpbin || !self->depay
      || !self->rtcp)
    return FALSE;

  gst_util_set_object_arg (G_OBJECT (self->rtpbin), "rtp-profile", "avpf");
  g_object_set (self->rtpbin, "latency", DEFAULT_LATENCY, "do-lost", TRUE,
      "autoremove", TRUE, "max-streams", WALLOC_RTP_MAX_SENDERS, NULL);
  g_object_set (self->depay, "request-keyframe", TRUE, NULL);
  g_object_set (self->rtp, "close-socket", FALSE, "buffer-size",
      SOCKET_BUFFER, NULL);
  g_object_set (self->rtcp_in, "close-socket", FALSE, NULL);
  g_object_set (self->rtcp, "sync", FALSE, "async", FALSE, "close-socket",
      FALSE, NULL);
  g_signal_connect (self->rtpbin, "request-pt-map",
      G_CALLBACK (gst_walloc_rtp_src_on_pt_map), self);
  if (!gst_element_link_pads (self->rtp, "src", self->rtpbin, "recv_rtp_sink_0")
      || !gst_element_link_pads (self->rtcp_in, "src", self->rtpbin,
          "recv_rtcp_sink_0")
      || !gst_element_link_pads (self->rtpbin, "send_rtcp_src_0", self->rtcp,
          "sink"))
    return FALSE;
  self->session = gst_walloc_rtp_bin_get_session (self->rtpbin);
  self->gate = gst_walloc_rtp_gate_new (self->rtpbin);
  if (!self->session || !self->gate)
    return FALSE;

  gst_walloc_rtp_src_watch (self);
  pad = gst_element_get_static_pad (self->depay, "src");
  gst_ghost_pad_set_target (GST_GHOST_PAD (self->srcpad), pad);
  gst_object_unref (pad);
  return TRUE;
}

static void
gst_walloc_rtp_src_init (GstWallocRtpSrc * self)
{
  GstPadTemplate *template;

  self->address = g_strdup (DEFAULT_ADDRESS);
  self->port = DEFAULT_PORT;
  self->rtcp_port = DEFAULT_RTCP_PORT;
  self->pt = DEFAULT_PT;

  template = gst_static_pad_template_get (&src_template);
  self->srcpad = gst_ghost_pad_new_no_target_from_template ("src", template);
  gst_object_unref (template);
  gst_element_add_pad (GST_ELEMENT (self), self->srcpad);
  self->complete = gst_walloc_rtp_src_build (self);
  GST_OBJECT_FLAG_SET (self, GST_ELEMENT_FLAG_SOURCE);
}
