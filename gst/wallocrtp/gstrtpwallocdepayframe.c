/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* rtpwallocdepay: from a frame that was put together to a buffer, or why there
 * is none. */
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

GST_DEBUG_CATEGORY_EXTERN (rtpwallocdepay_debug);
#define GST_CAT_DEFAULT rtpwallocdepay_debug

/* a request may be lost: again after so many microseconds */
#define REQUEST_INTERVAL G_USEC_PER_SEC

void
gst_rtp_walloc_depay_count (GstRtpWallocDepay * self, guint64 * counter,
    guint64 more)
{
  GST_OBJECT_LOCK (self);
  *counter += more;
  GST_OBJECT_UNLOCK (self);
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
GstBuffer *
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
