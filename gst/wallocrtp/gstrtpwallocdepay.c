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

#include <stdlib.h>
#include <string.h>

#include <gst/video/video.h>
#include <walloc/audio.h>

#include "gstrtpwallocdepay.h"
#include "gstwalloccommon.h"
#include "gstwallocrtpelements.h"
#include "gstwallocrtpparams.h"

GST_DEBUG_CATEGORY_STATIC (rtpwallocdepay_debug);
#define GST_CAT_DEFAULT rtpwallocdepay_debug

#define DEFAULT_WAIT_FOR_KEYFRAME FALSE
#define DEFAULT_REQUEST_KEYFRAME FALSE
/* 3 bits for each of 40 million pixels */
#define DEFAULT_MAX_FRAME_SIZE (1u << 24)

/* a request may be lost: again after so many microseconds */
#define REQUEST_INTERVAL G_USEC_PER_SEC

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

static void
gst_rtp_walloc_depay_count (GstRtpWallocDepay * self, guint64 * counter,
    guint64 more)
{
  GST_OBJECT_LOCK (self);
  *counter += more;
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

static gboolean
same_caps (const walloc_frame_info * a, const walloc_frame_info * b)
{
  return a->media == b->media && a->rate == b->rate
      && a->audio_channels == b->audio_channels && a->mask == b->mask
      && a->width == b->width && a->height == b->height
      && a->model_id == b->model_id && a->fps_n == b->fps_n
      && a->fps_d == b->fps_d && a->par_n == b->par_n && a->par_d == b->par_d
      && a->has_colour == b->has_colour && (!a->has_colour
      || memcmp (&a->colour, &b->colour, sizeof (a->colour)) == 0);
}

/* Headers say what a frame is; the rest comes from RTP caps. */
static void
gst_rtp_walloc_depay_update_caps (GstRtpWallocDepay * self,
    const walloc_frame_info * info)
{
  GstPad *pad = GST_RTP_BASE_DEPAYLOAD_SRCPAD (self);
  GstCaps *caps, *current;

  if (self->have_info && !self->caps_stale && same_caps (&self->info, info))
    return;
  caps = gst_walloc_caps_from_header (info);
  if (self->params)
    gst_walloc_rtp_params_to_caps (self->params, caps);
  current = gst_pad_get_current_caps (pad);
  if (!current || !gst_caps_is_equal (current, caps)) {
    GST_INFO_OBJECT (self, "caps %" GST_PTR_FORMAT, caps);
    gst_pad_set_caps (pad, caps);
  }
  gst_clear_caps (&current);
  gst_caps_unref (caps);
  self->info = *info;
  self->have_info = TRUE;
  self->caps_stale = FALSE;
}

/* Asks for a key frame, if the stream has frames that need one. */
static void
gst_rtp_walloc_depay_request (GstRtpWallocDepay * self)
{
  gint64 now = g_get_monotonic_time ();
  gboolean wanted;

  GST_OBJECT_LOCK (self);
  wanted = self->request_keyframe && !self->is_audio && self->predicted
      && (self->last_request == 0
      || now - self->last_request >= REQUEST_INTERVAL);
  self->requests += wanted;
  GST_OBJECT_UNLOCK (self);
  if (!wanted)
    return;
  self->last_request = now;
  GST_DEBUG_OBJECT (self, "asking for a key frame");
  gst_pad_push_event (GST_RTP_BASE_DEPAYLOAD_SINKPAD (self),
      gst_video_event_new_upstream_force_key_unit (GST_CLOCK_TIME_NONE, TRUE,
          0));
}

/* Something that frames may build on is lost. */
static void
gst_rtp_walloc_depay_break (GstRtpWallocDepay * self)
{
  self->broken = TRUE;
  gst_rtp_walloc_depay_request (self);
}

/* Frames that never came, by the number of the one that is there. */
static void
gst_rtp_walloc_depay_check_number (GstRtpWallocDepay * self, guint frame)
{
  guint lost = self->have_frame ? (frame - self->next_frame) % 256 : 0;

  self->have_frame = TRUE;
  self->next_frame = (frame + 1) % 256;
  if (lost == 0)
    return;
  GST_DEBUG_OBJECT (self, "%u frames lost before number %u", lost, frame);
  gst_rtp_walloc_depay_count (self, &self->lost_frames, lost);
  self->discont = TRUE;
  gst_rtp_walloc_depay_break (self);
}

/* Whether @frame has to be left out, as what it builds on is not there. */
static gboolean
gst_rtp_walloc_depay_must_wait (GstRtpWallocDepay * self,
    const walloc_rtp_frame * frame)
{
  gboolean wait;

  if (frame->info.type == WALLOC_FRAME_KEY) {
    /* what is built on a damaged one is damaged too */
    self->broken = frame->missing > 0;
    if (!self->broken)
      self->last_request = 0;
    self->wait_start = GST_CLOCK_TIME_NONE;
    return FALSE;
  }
  if (frame->missing > 0)
    self->broken = TRUE;
  if (!self->broken)
    return FALSE;
  gst_rtp_walloc_depay_request (self);

  GST_OBJECT_LOCK (self);
  wait = self->wait_for_keyframe;
  if (wait) {
    self->waiting++;
    if (!GST_CLOCK_TIME_IS_VALID (self->wait_start))
      self->wait_start = self->pts;
    else if (GST_CLOCK_TIME_IS_VALID (self->pts)
        && self->pts > self->wait_start) {
      self->waiting_time += self->pts - self->wait_start;
      self->wait_start = self->pts;
    }
  }
  GST_OBJECT_UNLOCK (self);
  return wait;
}

/* Whether the model is the one that caps or a configuration name: a stream
 * changes its model with a configuration. */
static gboolean
gst_rtp_walloc_depay_check_model (GstRtpWallocDepay * self, guint64 id)
{
  gchar is[GST_WALLOC_ID_SIZE], should[GST_WALLOC_ID_SIZE];

  if (!self->have_model || self->model == id)
    return TRUE;
  if (!self->warned_model) {
    self->warned_model = TRUE;
    gst_walloc_id_to_string (id, is);
    gst_walloc_id_to_string (self->model, should);
    GST_ELEMENT_WARNING (self, STREAM, FORMAT, (NULL),
        ("Frames of the model %s are left out, since the session's caps name "
            "%s. A sender that changes its model has to send a configuration "
            "(rtpwallocpay does) or new caps.", is, should));
  }
  return FALSE;
}

static GstClockTime
get_duration (const walloc_frame_info * info)
{
  if (info->media == WALLOC_MEDIA_AUDIO)
    return gst_util_uint64_scale_round ((guint64) info->columns *
        WALLOC_AUDIO_COLUMN - info->trim_start - info->trim_end, GST_SECOND,
        info->rate);
  return info->duration;
}

/* A buffer of the frame that was put together; takes its memory. */
static GstBuffer *
gst_rtp_walloc_depay_make_buffer (GstRtpWallocDepay * self,
    walloc_rtp_frame * frame)
{
  const walloc_frame_info *info = &frame->info;
  GstBuffer *buffer = gst_buffer_new_wrapped_full (0, frame->data, frame->size,
      0, frame->size, frame->data, free);

  frame->data = NULL;
  GST_BUFFER_PTS (buffer) = self->pts;
  GST_BUFFER_DTS (buffer) = self->dts;
  GST_BUFFER_DURATION (buffer) = get_duration (info);
  if (info->type != WALLOC_FRAME_KEY)
    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DELTA_UNIT);
  if (frame->missing > 0)
    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_CORRUPTED);
  if (self->discont)
    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DISCONT);
  GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_MARKER);
  self->discont = FALSE;
  if (info->trim_start || info->trim_end)
    gst_buffer_add_audio_clipping_meta (buffer, GST_FORMAT_DEFAULT,
        info->trim_start, info->trim_end);
  if (self->first)
    gst_walloc_rtp_copy_metas (self->first, buffer);

  return buffer;
}

static void
gst_rtp_walloc_depay_drop (GstRtpWallocDepay * self, walloc_rtp_frame * frame,
    const gchar * why)
{
  GST_DEBUG_OBJECT (self, "dropping frame %u: %s", frame->frame, why);
  free (frame->data);
  frame->data = NULL;
  gst_rtp_walloc_depay_count (self, &self->dropped, 1);
  self->discont = TRUE;
  gst_rtp_walloc_depay_break (self);
}

/* Ends the frame under way; NULL if there is nothing to push. */
static GstBuffer *
gst_rtp_walloc_depay_finish (GstRtpWallocDepay * self)
{
  GstBuffer *buffer = NULL;
  walloc_rtp_frame frame;
  walloc_rtp_status status;

  status = walloc_rtp_assembler_finish (self->assembler, &frame);
  if (status == WALLOC_RTP_NOTHING)
    return NULL;
  gst_rtp_walloc_depay_check_number (self, frame.frame);
  self->single = frame.packets == 1;
  if (!frame.key)
    self->predicted = TRUE;

  switch (status) {
    case WALLOC_RTP_NO_HEADER:
      gst_rtp_walloc_depay_drop (self, &frame, "its header is lost");
      break;
    case WALLOC_RTP_TOO_LITTLE:
      gst_rtp_walloc_depay_drop (self, &frame, "nearly all of it is lost");
      break;
    case WALLOC_RTP_NO_MEMORY:
      gst_rtp_walloc_depay_drop (self, &frame, "memory is out");
      break;
    default:
      if ((frame.info.media == WALLOC_MEDIA_AUDIO) != self->is_audio
          || (self->is_audio && frame.info.rate != (guint)
              GST_RTP_BASE_DEPAYLOAD (self)->clock_rate)) {
        gst_rtp_walloc_depay_drop (self, &frame, "it is not what caps say");
        break;
      }
      if (!gst_rtp_walloc_depay_check_model (self, frame.info.model_id)) {
        gst_rtp_walloc_depay_drop (self, &frame, "of another model");
        break;
      }
      if (frame.info.sequence != 0)
        self->predicted = TRUE;
      if (gst_rtp_walloc_depay_must_wait (self, &frame)) {
        GST_DEBUG_OBJECT (self, "leaving out frame %u", frame.frame);
        free (frame.data);
        self->discont = TRUE;
        break;
      }
      GST_OBJECT_LOCK (self);
      self->frames++;
      self->damaged_frames += frame.missing > 0;
      self->damaged_slices += frame.slices;
      self->damaged_segments += frame.segments;
      GST_OBJECT_UNLOCK (self);
      if (frame.missing > 0)
        gst_rtp_walloc_depay_request (self);
      gst_rtp_walloc_depay_update_caps (self, &frame.info);
      buffer = gst_rtp_walloc_depay_make_buffer (self, &frame);
      break;
  }
  gst_clear_buffer (&self->first);
  return buffer;
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
