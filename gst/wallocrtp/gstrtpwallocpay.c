/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * SECTION:element-rtpwallocpay
 * @title: rtpwallocpay
 * @short_description: WaLLoC frames into RTP packets
 * @see_also: rtpwallocdepay, wallocthin, wallocenc, wallocaudioenc
 *
 * Puts WaLLoC streams of pictures or sound into RTP packets, as
 * docs/rtp-payload.md says: packets hold whole segments as far as they fit, so
 * a lost packet costs the slices in it and not the frame. A copy of each
 * frame's header in a later packet (#GstRtpWallocPay:repeat-header) keeps the
 * frame when its first packet is lost.
 *
 * The caps say in strings what the stream is, which survive SDP;
 * #GstRtpWallocPay:config-interval sends the same in band. Neither is needed
 * to decode, as every frame describes itself.
 *
 * Payloads are not copied.
 *
 * ## Example launch lines
 * |[
 * gst-launch-1.0 videotestsrc is-live=true num-buffers=100 ! wallocenc ! rtpwallocpay ! udpsink host=127.0.0.1 port=5004
 * ]| This line sends a test picture to this machine.
 * |[
 * gst-launch-1.0 videotestsrc num-buffers=100 ! wallocenc ! rtpwallocpay mtu=1200 repeat-header=2 ! rtpwallocdepay ! wallocdec ! fakesink
 * ]| This line takes what was put into packets out again.
 *
 * Since: 0.2
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <string.h>
#include <walloc/audio.h>

#include "gstrtpwallocpay.h"
#include "gstwalloccommon.h"
#include "gstwallocrtpelements.h"
#include "gstwallocrtpparams.h"

GST_DEBUG_CATEGORY_STATIC (rtpwallocpay_debug);
#define GST_CAT_DEFAULT rtpwallocpay_debug

#define DEFAULT_REPEAT_HEADER 1
#define DEFAULT_CONFIG_INTERVAL 0

#define MAX_REPEAT_HEADER 16
#define RTP_HEADER_SIZE 12

/* a change of caps is told with so many key frames, in case one is lost */
#define ANNOUNCEMENTS 3

/* packets that one memory is shared among at most: it counts to 65535, and a
 * packet may take two parts */
#define MAX_SHARES 16384

enum
{
  PROP_0,
  PROP_REPEAT_HEADER,
  PROP_CONFIG_INTERVAL,
  PROP_STATS
};

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE ("sink",
    GST_PAD_SINK, GST_PAD_ALWAYS,
    GST_STATIC_CAPS (GST_WALLOC_VIDEO_CODED_CAPS "; "
        GST_WALLOC_AUDIO_CODED_CAPS ", " GST_WALLOC_AUDIO_RATES));

static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE ("src",
    GST_PAD_SRC, GST_PAD_ALWAYS,
    GST_STATIC_CAPS (GST_WALLOC_RTP_CAPS ("payload = (int) "
            GST_RTP_PAYLOAD_DYNAMIC_STRING ", ")));

#define gst_rtp_walloc_pay_parent_class parent_class
G_DEFINE_FINAL_TYPE (GstRtpWallocPay, gst_rtp_walloc_pay,
    GST_TYPE_RTP_BASE_PAYLOAD);

GST_ELEMENT_REGISTER_DEFINE (rtpwallocpay, "rtpwallocpay",
    GST_RANK_SECONDARY, GST_TYPE_RTP_WALLOC_PAY);

static GstStructure *
gst_rtp_walloc_pay_get_stats (GstRtpWallocPay * self)
{
  GstStructure *s = gst_walloc_rtp_base_stats (parent_class, G_OBJECT (self));

  GST_OBJECT_LOCK (self);
  gst_structure_set (s,
      "frames", G_TYPE_UINT64, self->frames,
      "packets", G_TYPE_UINT64, self->packets,
      "dropped", G_TYPE_UINT64, self->dropped,
      "configurations", G_TYPE_UINT64, self->configs,
      "bytes", G_TYPE_UINT64, self->bytes,
      "overhead", G_TYPE_UINT64, self->overhead, NULL);
  GST_OBJECT_UNLOCK (self);

  return s;
}

static void
gst_rtp_walloc_pay_set_property (GObject * object, guint prop_id,
    const GValue * value, GParamSpec * pspec)
{
  GstRtpWallocPay *self = GST_RTP_WALLOC_PAY (object);

  GST_OBJECT_LOCK (self);
  switch (prop_id) {
    case PROP_REPEAT_HEADER:
      self->repeat_header = g_value_get_uint (value);
      break;
    case PROP_CONFIG_INTERVAL:
      self->config_interval = g_value_get_int (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      break;
  }
  GST_OBJECT_UNLOCK (self);
}

static void
gst_rtp_walloc_pay_get_property (GObject * object, guint prop_id,
    GValue * value, GParamSpec * pspec)
{
  GstRtpWallocPay *self = GST_RTP_WALLOC_PAY (object);

  if (prop_id == PROP_STATS) {
    g_value_take_boxed (value, gst_rtp_walloc_pay_get_stats (self));
    return;
  }

  GST_OBJECT_LOCK (self);
  switch (prop_id) {
    case PROP_REPEAT_HEADER:
      g_value_set_uint (value, self->repeat_header);
      break;
    case PROP_CONFIG_INTERVAL:
      g_value_set_int (value, self->config_interval);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      break;
  }
  GST_OBJECT_UNLOCK (self);
}

/* Makes the configuration that goes in band from @params. */
static void
gst_rtp_walloc_pay_make_config (GstRtpWallocPay * self,
    const GstStructure * params)
{
  gchar *text = gst_walloc_rtp_params_to_text (params);
  guint8 data[WALLOC_RTP_MAX_CONFIG];
  gsize size = walloc_rtp_config_write (text, data);

  if (self->have_config && (size != self->config_size
          || memcmp (data, self->config, size) != 0))
    self->announce = ANNOUNCEMENTS;
  memcpy (self->config, data, size);
  self->config_size = size;
  self->have_config = TRUE;
  g_free (text);
}

static gboolean
gst_rtp_walloc_pay_set_caps (GstRTPBasePayload * payload, GstCaps * caps)
{
  GstRtpWallocPay *self = GST_RTP_WALLOC_PAY (payload);
  const GstStructure *s = gst_caps_get_structure (caps, 0);
  GstStructure *params;
  const gchar *channels;
  gboolean ret;
  gint rate = 0;

  self->is_audio = gst_structure_has_name (s, GST_WALLOC_AUDIO_MEDIA);
  if (self->is_audio && !gst_structure_get_int (s, "rate", &rate))
    return FALSE;
  self->rate = rate;
  params = gst_walloc_rtp_params_from_caps (caps);
  gst_rtp_walloc_pay_make_config (self, params);

  gst_rtp_base_payload_set_options (payload, self->is_audio ? "audio" :
      "video", TRUE, GST_WALLOC_RTP_ENCODING, self->is_audio ? (guint32) rate :
      GST_WALLOC_RTP_VIDEO_RATE);
  /* where readers of SDP look for it */
  channels = gst_structure_get_string (params, "channels");
  if (channels)
    gst_structure_set (params, "encoding-params", G_TYPE_STRING, channels,
        NULL);
  ret = gst_rtp_base_payload_set_outcaps_structure (payload, params);
  gst_structure_free (params);

  return ret;
}

/* Appends a packet with the payload header @header to @list; what follows the
 * header is for the caller to append to it. */
static GstBuffer *
gst_rtp_walloc_pay_add_packet (GstRtpWallocPay * self, GstBufferList * list,
    const walloc_rtp_header * header, GstBuffer * frame)
{
  GstBuffer *packet = gst_rtp_base_payload_allocate_output_buffer
      (GST_RTP_BASE_PAYLOAD (self), WALLOC_RTP_HEADER, 0, 0);
  GstRTPBuffer rtp = GST_RTP_BUFFER_INIT;

  gst_rtp_buffer_map (packet, GST_MAP_WRITE, &rtp);
  walloc_rtp_header_write (header, gst_rtp_buffer_get_payload (&rtp));
  gst_rtp_buffer_unmap (&rtp);

  GST_BUFFER_PTS (packet) = GST_BUFFER_PTS (frame);
  GST_BUFFER_DTS (packet) = GST_BUFFER_DTS (frame);
  if (self->is_audio)
    GST_BUFFER_OFFSET (packet) = self->samples;
  if (gst_buffer_list_length (list) == 0 && GST_BUFFER_IS_DISCONT (frame))
    GST_BUFFER_FLAG_SET (packet, GST_BUFFER_FLAG_DISCONT);
  gst_buffer_list_add (list, packet);

  return packet;
}

/* Bytes of payload behind the header that a packet has room for. */
static gsize
gst_rtp_walloc_pay_get_room (GstRtpWallocPay * self)
{
  gsize mtu = GST_RTP_BASE_PAYLOAD_MTU (self);
  gsize headers = RTP_HEADER_SIZE + WALLOC_RTP_HEADER +
      gst_walloc_rtp_extensions_get_size (&self->extensions,
      GST_RTP_BASE_PAYLOAD_SRCPAD (self));

  return MAX (mtu, headers + 1) - headers;
}

static void
gst_rtp_walloc_pay_add_config (GstRtpWallocPay * self, GstBufferList * list,
    const walloc_frame_info * info, GstBuffer * frame)
{
  gsize room = gst_rtp_walloc_pay_get_room (self), at, size;
  walloc_rtp_header header = { 0 };

  header.flags = WALLOC_RTP_CONFIG;
  header.frame = self->frame;
  header.model = (guint32) info->model_id;
  for (at = 0; at < self->config_size; at += size) {
    GstBuffer *packet;
    gpointer bytes;

    size = MIN (room, self->config_size - at);
    header.offset = at;
    packet = gst_rtp_walloc_pay_add_packet (self, list, &header, frame);
    bytes = g_memdup2 (self->config + at, size);
    gst_buffer_append_memory (packet, gst_memory_new_wrapped (0, bytes, size,
            0, size, bytes, g_free));
  }
  GST_OBJECT_LOCK (self);
  self->configs++;
  GST_OBJECT_UNLOCK (self);
}

/* Whether the configuration goes before the frame @info. */
static gboolean
gst_rtp_walloc_pay_config_is_due (GstRtpWallocPay * self,
    const walloc_frame_info * info, GstBuffer * frame)
{
  GstRTPBasePayload *payload = GST_RTP_BASE_PAYLOAD (self);
  GstClockTime now;
  gint interval;

  if (info->type != WALLOC_FRAME_KEY || self->config_size == 0)
    return FALSE;
  GST_OBJECT_LOCK (self);
  interval = self->config_interval;
  GST_OBJECT_UNLOCK (self);
  now = gst_segment_to_running_time (&payload->segment, GST_FORMAT_TIME,
      GST_BUFFER_PTS (frame));

  if (self->announce > 0)
    self->announce--;
  else if (interval == 0 || (interval > 0
          && GST_CLOCK_TIME_IS_VALID (self->last_config)
          && GST_CLOCK_TIME_IS_VALID (now) && now >= self->last_config
          && now - self->last_config < (guint64) interval * GST_SECOND))
    return FALSE;
  self->last_config = now;
  return TRUE;
}

/* Samples before @frame, for rtptime that counts them: where time stamps leave
 * the count by more than a frame, they win. */
static void
gst_rtp_walloc_pay_count_samples (GstRtpWallocPay * self,
    const walloc_frame_info * info, GstBuffer * frame)
{
  guint64 expected, far = (guint64) info->columns * WALLOC_AUDIO_COLUMN;

  if (!GST_BUFFER_PTS_IS_VALID (frame))
    return;
  expected = gst_util_uint64_scale_round (GST_BUFFER_PTS (frame), self->rate,
      GST_SECOND);
  if (!self->counting || GST_BUFFER_IS_DISCONT (frame)
      || expected > self->samples + far || self->samples > expected + far)
    self->samples = expected;
  self->counting = TRUE;
}

static void
gst_rtp_walloc_pay_add_frame (GstRtpWallocPay * self, GstBufferList * list,
    const walloc_frame_info * info, GstBuffer * frame)
{
  walloc_rtp_header header = { 0 };
  GstRTPBuffer rtp = GST_RTP_BUFFER_INIT;
  GstBufferCopyFlags copy = GST_BUFFER_COPY_MEMORY;
  GstBuffer *packet = NULL;
  guint64 sent = 0;
  guint i;

  header.frame = self->frame;
  header.model = (guint32) info->model_id;
  if (self->plan.count > MAX_SHARES)
    copy |= GST_BUFFER_COPY_DEEP;
  for (i = 0; i < self->plan.count; i++) {
    const walloc_rtp_piece *piece = &self->plan.pieces[i];
    gsize start = piece->offset, size = piece->size;

    header.flags = piece->flags;
    if (info->type == WALLOC_FRAME_KEY)
      header.flags |= WALLOC_RTP_KEY;
    header.segment = piece->segment;
    header.offset = piece->offset;
    packet = gst_rtp_walloc_pay_add_packet (self, list, &header, frame);
    if (info->type != WALLOC_FRAME_KEY)
      GST_BUFFER_FLAG_SET (packet, GST_BUFFER_FLAG_DELTA_UNIT);
    if (i == 0)
      gst_walloc_rtp_copy_metas (frame, packet);

    if ((piece->flags & WALLOC_RTP_WHOLE_HEADER)
        && start == info->header_size) {
      start = 0;
      size += info->header_size;
    } else if (piece->flags & WALLOC_RTP_WHOLE_HEADER) {
      gst_buffer_copy_into (packet, frame, copy, 0, info->header_size);
      sent += info->header_size;
    }
    if (size > 0)
      gst_buffer_copy_into (packet, frame, copy, start, size);
    sent += WALLOC_RTP_HEADER + size;
  }

  gst_rtp_buffer_map (packet, GST_MAP_WRITE, &rtp);
  gst_rtp_buffer_set_marker (&rtp, TRUE);
  gst_rtp_buffer_unmap (&rtp);
  GST_BUFFER_FLAG_SET (packet, GST_BUFFER_FLAG_MARKER);

  GST_OBJECT_LOCK (self);
  self->frames++;
  self->packets += self->plan.count;
  self->bytes += gst_buffer_get_size (frame);
  self->overhead += sent - gst_buffer_get_size (frame);
  GST_OBJECT_UNLOCK (self);
}

/* Drops @frame, which no receiver could use. */
static GstFlowReturn
gst_rtp_walloc_pay_drop (GstRtpWallocPay * self, GstBuffer * frame,
    const gchar * text)
{
  GST_OBJECT_LOCK (self);
  self->dropped++;
  GST_OBJECT_UNLOCK (self);
  gst_buffer_unref (frame);
  if (!self->warned) {
    self->warned = TRUE;
    GST_ELEMENT_WARNING (self, STREAM, FORMAT, (NULL),
        ("A buffer that does not begin with a frame of this version was "
            "dropped (%s); wallocparse before this element cuts a byte stream "
            "into frames.", text));
  }
  return GST_FLOW_OK;
}

/* Reads the header of @frame and plans its packets. */
static gboolean
gst_rtp_walloc_pay_plan (GstRtpWallocPay * self, GstBuffer * frame,
    walloc_frame_info * info, walloc_error * text)
{
  GstMapInfo map;
  gboolean good;
  gsize available;
  guint repeat, count;

  GST_OBJECT_LOCK (self);
  repeat = self->repeat_header;
  GST_OBJECT_UNLOCK (self);

  if (!gst_buffer_map (frame, &map, GST_MAP_READ)) {
    g_strlcpy (text->text, "it cannot be mapped", sizeof (text->text));
    return FALSE;
  }
  good = walloc_frame_parse (map.data, map.size, info, text) == WALLOC_OK;
  if (good && (info->media == WALLOC_MEDIA_AUDIO) != self->is_audio) {
    g_strlcpy (text->text, "sound among pictures or the other way round",
        sizeof (text->text));
    good = FALSE;
  }
  if (good) {
    count = info->slices * info->layers;
    available = MIN (map.size, (gsize) info->header_size + info->payload_size);
    good = walloc_frame_segment_sizes (map.data, info, self->sizes, count)
        == WALLOC_OK
        && walloc_rtp_plan_make (&self->plan, info->header_size, self->sizes,
        count, available, gst_rtp_walloc_pay_get_room (self), repeat);
    if (!good)
      g_strlcpy (text->text, "memory is out", sizeof (text->text));
  }
  gst_buffer_unmap (frame, &map);

  return good;
}

static GstFlowReturn
gst_rtp_walloc_pay_handle_buffer (GstRTPBasePayload * payload,
    GstBuffer * frame)
{
  GstRtpWallocPay *self = GST_RTP_WALLOC_PAY (payload);
  walloc_error text = { "" };
  walloc_frame_info info;
  GstBufferList *list;

  if (!gst_rtp_walloc_pay_plan (self, frame, &info, &text))
    return gst_rtp_walloc_pay_drop (self, frame, text.text);

  list = gst_buffer_list_new_sized (self->plan.count + 1);
  if (self->is_audio)
    gst_rtp_walloc_pay_count_samples (self, &info, frame);
  if (gst_rtp_walloc_pay_config_is_due (self, &info, frame))
    gst_rtp_walloc_pay_add_config (self, list, &info, frame);
  gst_rtp_walloc_pay_add_frame (self, list, &info, frame);
  GST_LOG_OBJECT (self, "frame %u of %" G_GSIZE_FORMAT " bytes in %u packets",
      self->frame, gst_buffer_get_size (frame), self->plan.count);
  self->frame = (self->frame + 1) % 256;
  self->samples += (guint64) info.columns * WALLOC_AUDIO_COLUMN;
  gst_buffer_unref (frame);

  return gst_rtp_base_payload_push_list (payload, list);
}

static gboolean
gst_rtp_walloc_pay_sink_event (GstRTPBasePayload * payload, GstEvent * event)
{
  GstRtpWallocPay *self = GST_RTP_WALLOC_PAY (payload);

  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_FLUSH_STOP:
    case GST_EVENT_SEGMENT:
      self->last_config = GST_CLOCK_TIME_NONE;
      self->counting = FALSE;
      break;
    default:
      break;
  }
  return GST_RTP_BASE_PAYLOAD_CLASS (parent_class)->sink_event (payload, event);
}

static GstStateChangeReturn
gst_rtp_walloc_pay_change_state (GstElement * element,
    GstStateChange transition)
{
  GstRtpWallocPay *self = GST_RTP_WALLOC_PAY (element);
  GstStateChangeReturn ret;

  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED) {
    self->frame = 0;
    self->have_config = FALSE;
    self->config_size = 0;
    self->announce = 0;
    self->last_config = GST_CLOCK_TIME_NONE;
    self->counting = FALSE;
    self->samples = 0;
    self->warned = FALSE;
    memset (&self->extensions, 0, sizeof (self->extensions));
    GST_OBJECT_LOCK (self);
    self->frames = self->packets = self->dropped = self->configs = 0;
    self->bytes = self->overhead = 0;
    GST_OBJECT_UNLOCK (self);
  }
  ret = GST_ELEMENT_CLASS (parent_class)->change_state (element, transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY)
    walloc_rtp_plan_clear (&self->plan);

  return ret;
}

static void
gst_rtp_walloc_pay_finalize (GObject * object)
{
  GstRtpWallocPay *self = GST_RTP_WALLOC_PAY (object);

  walloc_rtp_plan_clear (&self->plan);
  g_free (self->sizes);

  G_OBJECT_CLASS (parent_class)->finalize (object);
}

static void
gst_rtp_walloc_pay_class_init (GstRtpWallocPayClass * klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GstRTPBasePayloadClass *payload_class = GST_RTP_BASE_PAYLOAD_CLASS (klass);

  GST_DEBUG_CATEGORY_INIT (rtpwallocpay_debug, "rtpwallocpay", 0,
      "WaLLoC payloader");

  object_class->set_property = gst_rtp_walloc_pay_set_property;
  object_class->get_property = gst_rtp_walloc_pay_get_property;
  object_class->finalize = gst_rtp_walloc_pay_finalize;

  /**
   * GstRtpWallocPay:repeat-header:
   *
   * Packets of each frame, besides the first, that bring its header. A frame
   * is lost only when all of them are.
   *
   * Since: 0.2
   */
  g_object_class_install_property (object_class, PROP_REPEAT_HEADER,
      g_param_spec_uint ("repeat-header", "Repeat header",
          "Packets besides the first that bring a frame's header", 0,
          MAX_REPEAT_HEADER, DEFAULT_REPEAT_HEADER, G_PARAM_READWRITE |
          G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING));

  /**
   * GstRtpWallocPay:config-interval:
   *
   * How often what caps say of the stream is sent in band, with a key frame.
   * After a change of caps it goes with the next three key frames in any case.
   *
   * Since: 0.2
   */
  g_object_class_install_property (object_class, PROP_CONFIG_INTERVAL,
      g_param_spec_int ("config-interval", "Configuration interval",
          "Seconds after which the configuration is sent again, in band "
          "(0 = only after a change, -1 = with every key frame)", -1, 3600,
          DEFAULT_CONFIG_INTERVAL, G_PARAM_READWRITE |
          G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING));

  /**
   * GstRtpWallocPay:stats:
   *
   * What the base class has in its structure, and since the start the #guint64
   *
   * * `frames` that went out in `packets`, and those `dropped`, as their
   *   header cannot be read
   * * `configurations` sent in band
   * * `bytes` of these frames, and `overhead`: bytes of payload headers and of
   *   repeated frame headers
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
      "RTP WaLLoC payloader", "Codec/Payloader/Network/RTP",
      "Puts WaLLoC frames into RTP packets", GST_PACKAGE_NAME);

  element_class->change_state =
      GST_DEBUG_FUNCPTR (gst_rtp_walloc_pay_change_state);
  payload_class->set_caps = GST_DEBUG_FUNCPTR (gst_rtp_walloc_pay_set_caps);
  payload_class->handle_buffer =
      GST_DEBUG_FUNCPTR (gst_rtp_walloc_pay_handle_buffer);
  payload_class->sink_event = GST_DEBUG_FUNCPTR (gst_rtp_walloc_pay_sink_event);
}

static void
gst_rtp_walloc_pay_init (GstRtpWallocPay * self)
{
  self->repeat_header = DEFAULT_REPEAT_HEADER;
  self->config_interval = DEFAULT_CONFIG_INTERVAL;
  self->sizes = g_new (guint32, WALLOC_FRAME_MAX_SLICES *
      WALLOC_FRAME_MAX_LAYERS);
  walloc_rtp_plan_init (&self->plan);
  gst_walloc_rtp_extensions_watch (&self->extensions,
      GST_RTP_BASE_PAYLOAD_SRCPAD (self));
}
