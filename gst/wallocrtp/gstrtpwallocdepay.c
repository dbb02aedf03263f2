/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * SECTION:element-rtpwallocdepay
 * @title: rtpwallocdepay
 * @short_description: WaLLoC frames out of RTP packets
 * @see_also: rtpwallocpay, wallocdec, wallocaudiodec
 *
 * Puts WaLLoC frames together from RTP packets, as docs/rtp-payload.md says.
 * What a lost packet held is filled with zeros: decoders conceal these slices
 * and decode the others. Such a frame is marked with
 * %GST_BUFFER_FLAG_CORRUPTED. A frame whose header is lost with all its copies
 * is dropped.
 *
 * Packets are taken in the order in which they come; rtpjitterbuffer or rtpbin
 * before this element sort them.
 *
 * Frames that build on others need those whole.
 * #GstRtpWallocDepay:request-keyframe asks the sender for a key frame after a
 * loss (`GstForceKeyUnit`, which rtpbin turns into a PLI), and
 * #GstRtpWallocDepay:wait-for-keyframe leaves frames out until it comes.
 *
 * ## Example launch lines
 * |[
 * gst-launch-1.0 udpsrc port=5004 caps="application/x-rtp,media=video,clock-rate=90000,encoding-name=X-WALLOC" ! rtpjitterbuffer ! rtpwallocdepay ! wallocdec ! videoconvert ! autovideosink
 * ]| This line shows what `rtpwallocpay ! udpsink host=... port=5004` sends.
 * |[
 * gst-launch-1.0 videotestsrc num-buffers=100 ! wallocenc ! rtpwallocpay ! identity drop-probability=0.05 ! rtpwallocdepay ! wallocdec ! videoconvert ! autovideosink
 * ]| This line shows what the loss of every twentieth packet does.
 *
 * Since: 0.2
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstrtpwallocdepay.h"
#include "gstwalloccommon.h"
#include "gstwallocrtpelements.h"
#include "gstwallocrtpparams.h"

GST_DEBUG_CATEGORY (rtpwallocdepay_debug);
#define GST_CAT_DEFAULT rtpwallocdepay_debug

#define DEFAULT_WAIT_FOR_KEYFRAME FALSE
#define DEFAULT_REQUEST_KEYFRAME FALSE
/* 3 bits for each of 40 million pixels */
#define DEFAULT_MAX_FRAME_SIZE (1u << 24)

enum
{
  PROP_0,
  PROP_WAIT_FOR_KEYFRAME,
  PROP_REQUEST_KEYFRAME,
  PROP_MAX_FRAME_SIZE,
  PROP_STATS
};

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE ("sink",
    GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS (GST_WALLOC_RTP_CAPS ("")));

static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE ("src",
    GST_PAD_SRC, GST_PAD_ALWAYS,
    GST_STATIC_CAPS (GST_WALLOC_VIDEO_CODED_CAPS "; "
        GST_WALLOC_AUDIO_CODED_CAPS));

#define gst_rtp_walloc_depay_parent_class parent_class
G_DEFINE_FINAL_TYPE (GstRtpWallocDepay, gst_rtp_walloc_depay,
    GST_TYPE_RTP_BASE_DEPAYLOAD);

GST_ELEMENT_REGISTER_DEFINE (rtpwallocdepay, "rtpwallocdepay",
    GST_RANK_SECONDARY, GST_TYPE_RTP_WALLOC_DEPAY);

static GstStructure *
gst_rtp_walloc_depay_get_stats (GstRtpWallocDepay * self)
{
  GstStructure *s = gst_walloc_rtp_base_stats (parent_class, G_OBJECT (self));

  GST_OBJECT_LOCK (self);
  gst_structure_set (s,
      "frames", G_TYPE_UINT64, self->frames,
      "packets", G_TYPE_UINT64, self->packets,
      "lost-packets", G_TYPE_UINT64, self->lost_packets,
      "bad-packets", G_TYPE_UINT64, self->bad_packets,
      "lost-frames", G_TYPE_UINT64, self->lost_frames,
      "dropped", G_TYPE_UINT64, self->dropped,
      "damaged-frames", G_TYPE_UINT64, self->damaged_frames,
      "damaged-slices", G_TYPE_UINT64, self->damaged_slices,
      "damaged-segments", G_TYPE_UINT64, self->damaged_segments,
      "waiting", G_TYPE_UINT64, self->waiting,
      "waiting-time", G_TYPE_UINT64, self->waiting_time,
      "keyframe-requests", G_TYPE_UINT64, self->requests,
      "configurations", G_TYPE_UINT64, self->configs, NULL);
  GST_OBJECT_UNLOCK (self);

  return s;
}

static void
gst_rtp_walloc_depay_set_property (GObject * object, guint prop_id,
    const GValue * value, GParamSpec * pspec)
{
  GstRtpWallocDepay *self = GST_RTP_WALLOC_DEPAY (object);

  GST_OBJECT_LOCK (self);
  switch (prop_id) {
    case PROP_WAIT_FOR_KEYFRAME:
      self->wait_for_keyframe = g_value_get_boolean (value);
      break;
    case PROP_REQUEST_KEYFRAME:
      self->request_keyframe = g_value_get_boolean (value);
      break;
    case PROP_MAX_FRAME_SIZE:
      self->max_frame_size = g_value_get_uint (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      break;
  }
  GST_OBJECT_UNLOCK (self);
}

static void
gst_rtp_walloc_depay_get_property (GObject * object, guint prop_id,
    GValue * value, GParamSpec * pspec)
{
  GstRtpWallocDepay *self = GST_RTP_WALLOC_DEPAY (object);

  if (prop_id == PROP_STATS) {
    g_value_take_boxed (value, gst_rtp_walloc_depay_get_stats (self));
    return;
  }

  GST_OBJECT_LOCK (self);
  switch (prop_id) {
    case PROP_WAIT_FOR_KEYFRAME:
      g_value_set_boolean (value, self->wait_for_keyframe);
      break;
    case PROP_REQUEST_KEYFRAME:
      g_value_set_boolean (value, self->request_keyframe);
      break;
    case PROP_MAX_FRAME_SIZE:
      g_value_set_uint (value, self->max_frame_size);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      break;
  }
  GST_OBJECT_UNLOCK (self);
}

/* Forgets the stream, but not what caps said of it. */
static void
gst_rtp_walloc_depay_reset (GstRtpWallocDepay * self)
{
  walloc_rtp_assembler_reset (self->assembler);
  walloc_rtp_config_reset (self->config);
  gst_clear_buffer (&self->first);
  self->have_seqnum = self->have_frame = FALSE;
  self->discont = FALSE;
  /* who comes in the middle of a stream lacks what was before */
  self->broken = TRUE;
  self->predicted = FALSE;
  self->single = FALSE;
  self->last_request = 0;
  self->wait_start = GST_CLOCK_TIME_NONE;
}

static void
gst_rtp_walloc_depay_take_params (GstRtpWallocDepay * self,
    GstStructure * params)
{
  if (self->params)
    gst_structure_free (self->params);
  self->params = params;
  self->have_model = gst_walloc_rtp_params_get_model (params, &self->model);
  self->caps_stale = TRUE;
}

static gboolean
gst_rtp_walloc_depay_set_caps (GstRTPBaseDepayload * depayload, GstCaps * caps)
{
  GstRtpWallocDepay *self = GST_RTP_WALLOC_DEPAY (depayload);
  const GstStructure *s = gst_caps_get_structure (caps, 0);
  gint rate;

  if (!gst_structure_get_int (s, "clock-rate", &rate))
    return FALSE;
  depayload->clock_rate = rate;
  self->is_audio = g_strcmp0 (gst_structure_get_string (s, "media"), "audio")
      == 0;
  gst_rtp_walloc_depay_take_params (self, gst_walloc_rtp_params_from_rtp (s,
          self->is_audio));

  return TRUE;
}

/* The numbers of another sender go on from nothing, and say nothing of what
 * was lost. */
static void
gst_rtp_walloc_depay_check_sender (GstRtpWallocDepay * self, guint32 ssrc)
{
  GstBuffer *done;

  if (!self->have_seqnum || self->ssrc == ssrc)
    return;
  GST_INFO_OBJECT (self, "sender %08x in place of %08x", ssrc, self->ssrc);
  done = gst_rtp_walloc_depay_finish (self);
  if (done)
    gst_rtp_base_depayload_push (GST_RTP_BASE_DEPAYLOAD (self), done);
  walloc_rtp_assembler_reset (self->assembler);
  walloc_rtp_config_reset (self->config);
  self->have_seqnum = self->have_frame = FALSE;
  self->discont = self->broken = TRUE;
}

static void
gst_rtp_walloc_depay_count_packet (GstRtpWallocDepay * self, GstRTPBuffer * rtp)
{
  guint16 seqnum = gst_rtp_buffer_get_seq (rtp), lost;

  gst_rtp_walloc_depay_check_sender (self, gst_rtp_buffer_get_ssrc (rtp));
  lost = self->have_seqnum ? seqnum - self->next_seqnum : 0;
  self->have_seqnum = TRUE;
  self->ssrc = gst_rtp_buffer_get_ssrc (rtp);
  self->next_seqnum = seqnum + 1;
  GST_OBJECT_LOCK (self);
  self->packets++;
  /* the base class lets no older packet through, but for a new sender's */
  if (lost < 0x8000)
    self->lost_packets += lost;
  GST_OBJECT_UNLOCK (self);
}

static void
gst_rtp_walloc_depay_take_config (GstRtpWallocDepay * self,
    const guint8 * data, guint size, guint32 timestamp)
{
  const gchar *text = walloc_rtp_config_push (self->config, data, size,
      timestamp);
  GstStructure *params;

  if (!text)
    return;
  gst_rtp_walloc_depay_count (self, &self->configs, 1);
  params = gst_walloc_rtp_params_from_text (text, self->is_audio);
  if (self->params && gst_structure_is_equal (params, self->params)) {
    gst_structure_free (params);
    return;
  }
  GST_INFO_OBJECT (self, "configuration %" GST_PTR_FORMAT, params);
  gst_rtp_walloc_depay_take_params (self, params);
}

static void
gst_rtp_walloc_depay_handle_bad (GstRtpWallocDepay * self,
    walloc_rtp_result result)
{
  gst_rtp_walloc_depay_count (self, &self->bad_packets, 1);
  if (result != WALLOC_RTP_UNSUPPORTED || self->warned_version)
    return;
  self->warned_version = TRUE;
  GST_ELEMENT_WARNING (self, STREAM, FORMAT, (NULL),
      ("Frames of a later version of the format are left out; a later version "
          "of this package reads them."));
}

static GstBuffer *
gst_rtp_walloc_depay_process (GstRTPBaseDepayload * depayload,
    GstRTPBuffer * rtp)
{
  GstRtpWallocDepay *self = GST_RTP_WALLOC_DEPAY (depayload);
  const guint8 *data = gst_rtp_buffer_get_payload (rtp);
  guint size = gst_rtp_buffer_get_payload_len (rtp);
  guint32 timestamp = gst_rtp_buffer_get_timestamp (rtp);
  walloc_rtp_header header;
  walloc_rtp_result result;
  GstBuffer *done;
  gboolean begins;

  gst_rtp_walloc_depay_count_packet (self, rtp);
  if (size == 0 || !walloc_rtp_header_read (&header, data, size)) {
    gst_rtp_walloc_depay_handle_bad (self, WALLOC_RTP_BAD);
    return NULL;
  }
  if (header.flags & WALLOC_RTP_CONFIG) {
    gst_rtp_walloc_depay_take_config (self, data, size, timestamp);
    return NULL;
  }

  GST_OBJECT_LOCK (self);
  self->assembler->max_size = self->max_frame_size;
  GST_OBJECT_UNLOCK (self);
  begins = !self->assembler->active;
  result = walloc_rtp_assembler_push (self->assembler, data, size, timestamp);
  if (result == WALLOC_RTP_OTHER) {
    /* the last packet of the frame before is lost */
    done = gst_rtp_walloc_depay_finish (self);
    if (done)
      gst_rtp_base_depayload_push (depayload, done);
    begins = TRUE;
    result = walloc_rtp_assembler_push (self->assembler, data, size, timestamp);
  }
  if (begins && self->assembler->active) {
    self->pts = GST_BUFFER_PTS (rtp->buffer);
    self->dts = GST_BUFFER_DTS (rtp->buffer);
    gst_buffer_replace (&self->first, rtp->buffer);
  }
  if (result != WALLOC_RTP_ADDED) {
    GST_DEBUG_OBJECT (self, "packet %u is not used: %d",
        gst_rtp_buffer_get_seq (rtp), result);
    gst_rtp_walloc_depay_handle_bad (self, result);
  }
  if (gst_rtp_buffer_get_marker (rtp) && result != WALLOC_RTP_STALE)
    return gst_rtp_walloc_depay_finish (self);
  return NULL;
}

/* Time goes on while nothing comes. But a frame of which a part is there will
 * go out, and where frames of sound take several packets, one may yet. */
static gboolean
gst_rtp_walloc_depay_packet_lost (GstRTPBaseDepayload * depayload,
    GstEvent * event)
{
  GstRtpWallocDepay *self = GST_RTP_WALLOC_DEPAY (depayload);

  if (self->assembler->active || (self->is_audio && !self->single))
    return TRUE;
  return GST_RTP_BASE_DEPAYLOAD_CLASS (parent_class)->packet_lost (depayload,
      event);
}

static gboolean
gst_rtp_walloc_depay_handle_event (GstRTPBaseDepayload * depayload,
    GstEvent * event)
{
  GstRtpWallocDepay *self = GST_RTP_WALLOC_DEPAY (depayload);
  GstBuffer *buffer;

  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_EOS:
      buffer = gst_rtp_walloc_depay_finish (self);
      if (buffer)
        gst_rtp_base_depayload_push (depayload, buffer);
      break;
    case GST_EVENT_FLUSH_STOP:
      gst_rtp_walloc_depay_reset (self);
      break;
    default:
      break;
  }
  return GST_RTP_BASE_DEPAYLOAD_CLASS (parent_class)->handle_event (depayload,
      event);
}

static GstStateChangeReturn
gst_rtp_walloc_depay_change_state (GstElement * element,
    GstStateChange transition)
{
  GstRtpWallocDepay *self = GST_RTP_WALLOC_DEPAY (element);
  GstStateChangeReturn ret;

  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED) {
    gst_rtp_walloc_depay_reset (self);
    self->have_info = self->have_model = FALSE;
    self->warned_model = self->warned_version = FALSE;
    GST_OBJECT_LOCK (self);
    self->frames = self->packets = self->lost_packets = self->bad_packets = 0;
    self->lost_frames = self->damaged_frames = self->damaged_slices = 0;
    self->damaged_segments = self->dropped = self->waiting = 0;
    self->requests = self->configs = self->waiting_time = 0;
    GST_OBJECT_UNLOCK (self);
  }
  ret = GST_ELEMENT_CLASS (parent_class)->change_state (element, transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY) {
    gst_rtp_walloc_depay_reset (self);
    g_clear_pointer (&self->params, gst_structure_free);
  }
  return ret;
}

static void
gst_rtp_walloc_depay_finalize (GObject * object)
{
  GstRtpWallocDepay *self = GST_RTP_WALLOC_DEPAY (object);

  walloc_rtp_assembler_clear (self->assembler);
  g_free (self->assembler);
  g_free (self->config);
  gst_clear_buffer (&self->first);
  g_clear_pointer (&self->params, gst_structure_free);

  G_OBJECT_CLASS (parent_class)->finalize (object);
}

static void
gst_rtp_walloc_depay_class_init (GstRtpWallocDepayClass * klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GstRTPBaseDepayloadClass *depayload_class =
      GST_RTP_BASE_DEPAYLOAD_CLASS (klass);

  GST_DEBUG_CATEGORY_INIT (rtpwallocdepay_debug, "rtpwallocdepay", 0,
      "WaLLoC depayloader");

  object_class->set_property = gst_rtp_walloc_depay_set_property;
  object_class->get_property = gst_rtp_walloc_depay_get_property;
  object_class->finalize = gst_rtp_walloc_depay_finalize;

  /**
   * GstRtpWallocDepay:wait-for-keyframe:
   *
   * Leave out frames that build on a lost or damaged one, until the next key
   * frame. Else the decoder decides.
   *
   * Since: 0.2
   */
  g_object_class_install_property (object_class, PROP_WAIT_FOR_KEYFRAME,
      g_param_spec_boolean ("wait-for-keyframe", "Wait for key frame",
          "Leave out what builds on a lost or damaged frame",
          DEFAULT_WAIT_FOR_KEYFRAME, G_PARAM_READWRITE |
          G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING));

  /**
   * GstRtpWallocDepay:request-keyframe:
   *
   * Ask upstream for a key frame when a frame that others build on is lost or
   * damaged; again each second until one comes.
   *
   * Since: 0.2
   */
  g_object_class_install_property (object_class, PROP_REQUEST_KEYFRAME,
      g_param_spec_boolean ("request-keyframe", "Request key frame",
          "Ask for a key frame after a loss, where frames build on others",
          DEFAULT_REQUEST_KEYFRAME, G_PARAM_READWRITE |
          G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING));

  /**
   * GstRtpWallocDepay:max-frame-size:
   *
   * Frames greater than this are not put together: a limit on the memory that
   * a sender can make this element take.
   *
   * Since: 0.2
   */
  g_object_class_install_property (object_class, PROP_MAX_FRAME_SIZE,
      g_param_spec_uint ("max-frame-size", "Greatest frame",
          "Size in bytes of the greatest frame that is taken", 1024,
          WALLOC_FRAME_MAX_PAYLOAD, DEFAULT_MAX_FRAME_SIZE, G_PARAM_READWRITE |
          G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING));

  /**
   * GstRtpWallocDepay:stats:
   *
   * What the base class has in its structure, and since the start the #guint64
   *
   * * `frames` that went out
   * * `packets` that came, those that were lost by their sequence numbers
   *   (`lost-packets`), and those that cannot be used (`bad-packets`)
   * * `lost-frames`, of which no packet came
   * * `dropped` frames: header lost, nearly everything lost, wrong model, too
   *   large
   * * `damaged-frames` that went out marked, their `damaged-slices` and
   *   `damaged-segments`
   * * `waiting`: frames left out for #GstRtpWallocDepay:wait-for-keyframe, and
   *   `waiting-time`, ns between them
   * * `keyframe-requests`, `configurations` that came in band
   *
   * Since: 0.2
   */
  g_object_class_install_property (object_class, PROP_STATS,
      g_param_spec_boxed ("stats", "Statistics",
          "Statistics of the base class and counters since the start",
          GST_TYPE_STRUCTURE, G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));

  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_element_class_set_static_metadata (element_class,
      "RTP WaLLoC depayloader", "Codec/Depayloader/Network/RTP",
      "Puts WaLLoC frames together from RTP packets", GST_PACKAGE_NAME);

  element_class->change_state =
      GST_DEBUG_FUNCPTR (gst_rtp_walloc_depay_change_state);
  depayload_class->set_caps = GST_DEBUG_FUNCPTR (gst_rtp_walloc_depay_set_caps);
  depayload_class->process_rtp_packet =
      GST_DEBUG_FUNCPTR (gst_rtp_walloc_depay_process);
  depayload_class->packet_lost =
      GST_DEBUG_FUNCPTR (gst_rtp_walloc_depay_packet_lost);
  depayload_class->handle_event =
      GST_DEBUG_FUNCPTR (gst_rtp_walloc_depay_handle_event);
}

static void
gst_rtp_walloc_depay_init (GstRtpWallocDepay * self)
{
  self->max_frame_size = DEFAULT_MAX_FRAME_SIZE;
  self->wait_for_keyframe = DEFAULT_WAIT_FOR_KEYFRAME;
  self->request_keyframe = DEFAULT_REQUEST_KEYFRAME;
  self->assembler = g_new0 (walloc_rtp_assembler, 1);
  walloc_rtp_assembler_init (self->assembler, self->max_frame_size);
  self->config = g_new0 (walloc_rtp_config, 1);
  self->pts = self->dts = GST_CLOCK_TIME_NONE;
  gst_rtp_walloc_depay_reset (self);
}
