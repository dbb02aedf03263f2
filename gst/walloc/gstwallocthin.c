/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * SECTION:element-wallocthin
 * @title: wallocthin
 * @short_description: Reduces the rate of WaLLoC streams without decoding them
 * @see_also: wallocenc, wallocaudioenc, wallocparse
 *
 * Leaves the highest layers of channels out of WaLLoC frames. Nothing is
 * decoded or coded again and no model is needed: bytes are copied. A receiver
 * behind a slow link gets a softer picture of the same size; of sound, the
 * lower frequencies.
 *
 * The stream must have layers: `wallocenc layers=3`, `wallocaudioenc
 * layers=3`. Frames of one layer pass unchanged.
 *
 * #GstWallocThin:layers limits the layers; #GstWallocThin:bitrate chooses how
 * many there are such that a link of that rate carries the stream. In streams
 * with predicted frames a layer that was left out comes back with the next
 * key frame.
 *
 * ## Example launch lines
 * |[
 * gst-launch-1.0 videotestsrc num-buffers=100 ! wallocenc quality=70 ! wallocthin layers=1 ! wallocdec ! fakesink
 * ]| This line shows what the first layer alone looks like.
 * |[
 * gst-launch-1.0 videotestsrc num-buffers=100 ! wallocenc ! tee name=t t. ! queue ! filesink location=all.wlc t. ! queue ! wallocthin bitrate=300 ! filesink location=less.wlc
 * ]| This line keeps everything in one file, and what 300 kbit/s carry in
 * another.
 * |[
 * gst-launch-1.0 audiotestsrc num-buffers=100 ! wallocaudioenc quality=70 layers=3 ! wallocthin layers=1 ! wallocaudiodec ! fakesink
 * ]| This line makes the first layer of a sound heard.
 *
 * Since: 0.2
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <gst/video/video.h>

#include "gstwalloccommon.h"
#include "gstwallocelements.h"
#include "gstwallocthin.h"

GST_DEBUG_CATEGORY_STATIC (wallocthin_debug);
#define GST_CAT_DEFAULT wallocthin_debug

#define DEFAULT_LAYERS 0
#define DEFAULT_BITRATE 0
#define DEFAULT_MAX_DELAY GST_SECOND
#define DEFAULT_DROP_FRAMES FALSE
#define DEFAULT_QOS FALSE

#define MAX_BITRATE 10000000
/* Channels of the first layer, as encoders make it: a frame that has no more has
 * one layer, however many they were asked for. */
#define VIDEO_FIRST_LAYER 12
#define AUDIO_FIRST_LAYER 32

enum
{
  PROP_0,
  PROP_LAYERS,
  PROP_BITRATE,
  PROP_MAX_DELAY,
  PROP_DROP_FRAMES,
  PROP_QOS,
  PROP_STATS
};

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE ("sink",
    GST_PAD_SINK, GST_PAD_ALWAYS,
    GST_STATIC_CAPS (GST_WALLOC_VIDEO_CODED_CAPS "; "
        GST_WALLOC_AUDIO_CODED_CAPS));

static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE ("src",
    GST_PAD_SRC, GST_PAD_ALWAYS,
    GST_STATIC_CAPS (GST_WALLOC_VIDEO_CODED_CAPS "; "
        GST_WALLOC_AUDIO_CODED_CAPS));

#define gst_walloc_thin_parent_class parent_class
G_DEFINE_FINAL_TYPE (GstWallocThin, gst_walloc_thin, GST_TYPE_ELEMENT);

GST_ELEMENT_REGISTER_DEFINE (wallocthin, "wallocthin", GST_RANK_NONE,
    GST_TYPE_WALLOC_THIN);

static GstStructure *
gst_walloc_thin_get_stats (GstWallocThin * self)
{
  GstStructure *s;

  GST_OBJECT_LOCK (self);
  s = gst_structure_new ("application/x-wallocthin-stats",
      "frames", G_TYPE_UINT64, self->frames,
      "thinned", G_TYPE_UINT64, self->thinned,
      "dropped", G_TYPE_UINT64, self->dropped,
      "bytes-in", G_TYPE_UINT64, self->bytes_in,
      "bytes-out", G_TYPE_UINT64, self->bytes_out,
      "layers-in", G_TYPE_UINT, self->last_layers_in,
      "layers", G_TYPE_UINT, self->last_layers,
      "delay", G_TYPE_UINT64, self->delay, NULL);
  GST_OBJECT_UNLOCK (self);

  return s;
}

static void
gst_walloc_thin_set_property (GObject * object, guint prop_id,
    const GValue * value, GParamSpec * pspec)
{
  GstWallocThin *self = GST_WALLOC_THIN (object);

  GST_OBJECT_LOCK (self);
  switch (prop_id) {
    case PROP_LAYERS:
      self->layers = g_value_get_uint (value);
      break;
    case PROP_BITRATE:
      self->bitrate = g_value_get_uint (value);
      break;
    case PROP_MAX_DELAY:
      self->max_delay = g_value_get_uint64 (value);
      break;
    case PROP_DROP_FRAMES:
      self->drop_frames = g_value_get_boolean (value);
      break;
    case PROP_QOS:
      self->qos = g_value_get_boolean (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      break;
  }
  GST_OBJECT_UNLOCK (self);
}

static void
gst_walloc_thin_get_property (GObject * object, guint prop_id, GValue * value,
    GParamSpec * pspec)
{
  GstWallocThin *self = GST_WALLOC_THIN (object);

  if (prop_id == PROP_STATS) {
    g_value_take_boxed (value, gst_walloc_thin_get_stats (self));
    return;
  }

  GST_OBJECT_LOCK (self);
  switch (prop_id) {
    case PROP_LAYERS:
      g_value_set_uint (value, self->layers);
      break;
    case PROP_BITRATE:
      g_value_set_uint (value, self->bitrate);
      break;
    case PROP_MAX_DELAY:
      g_value_set_uint64 (value, self->max_delay);
      break;
    case PROP_DROP_FRAMES:
      g_value_set_boolean (value, self->drop_frames);
      break;
    case PROP_QOS:
      g_value_set_boolean (value, self->qos);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      break;
  }
  GST_OBJECT_UNLOCK (self);
}

/* Takes the settings as they are now; TRUE if anything is to be left out. */
static gboolean
gst_walloc_thin_update (GstWallocThin * self)
{
  gboolean late;

  GST_OBJECT_LOCK (self);
  self->thinner.max_layers = self->layers;
  self->thinner.bitrate = (guint64) self->bitrate * 1000;
  self->thinner.max_delay = self->max_delay;
  self->thinner.drop_frames = self->drop_frames;
  late = self->late;
  self->late = FALSE;
  GST_OBJECT_UNLOCK (self);

  if (late)
    gst_walloc_thinner_late (&self->thinner);
  return self->thinner.max_layers > 0 || self->thinner.bitrate > 0;
}

static void
gst_walloc_thin_count (GstWallocThin * self, GstWallocThinnerResult result,
    gsize size, GstBuffer * out, const walloc_frame_info * before,
    const walloc_frame_info * after)
{
  GST_OBJECT_LOCK (self);
  self->frames++;
  self->bytes_in += size;
  if (result == GST_WALLOC_THINNER_THINNED)
    self->thinned++;
  if (out)
    self->bytes_out += gst_buffer_get_size (out);
  else
    self->dropped++;
  if (result != GST_WALLOC_THINNER_UNKNOWN) {
    self->last_layers_in = before->layers;
    self->last_layers = out ? after->layers : 0;
  }
  self->delay = gst_walloc_thinner_delay (&self->thinner);
  GST_OBJECT_UNLOCK (self);
}

/* What an application may want to know once. */
static void
gst_walloc_thin_warn (GstWallocThin * self, GstWallocThinnerResult result,
    const walloc_frame_info * before)
{
  if (result == GST_WALLOC_THINNER_UNKNOWN) {
    if (!self->warned_unknown) {
      self->warned_unknown = TRUE;
      GST_ELEMENT_WARNING (self, STREAM, FORMAT, (NULL),
          ("Buffers that do not begin with a frame of this version pass "
              "unchanged; wallocparse before this element cuts a byte stream "
              "into frames."));
    }
  } else if (before->layers == 1 && before->type == WALLOC_FRAME_KEY
      && before->channels > (before->media == WALLOC_MEDIA_AUDIO ?
          AUDIO_FIRST_LAYER : VIDEO_FIRST_LAYER) && !self->warned_one_layer) {
    self->warned_one_layer = TRUE;
    GST_ELEMENT_WARNING (self, STREAM, FORMAT, (NULL),
        ("Frames of one layer cannot be thinned and pass unchanged; encode "
            "them with \"%s layers=3\".",
            before->media == WALLOC_MEDIA_AUDIO ? "wallocaudioenc" :
            "wallocenc"));
  }
}

static GstFlowReturn
gst_walloc_thin_chain (GstPad * pad, GstObject * parent, GstBuffer * buffer)
{
  GstWallocThin *self = GST_WALLOC_THIN (parent);
  walloc_frame_info before, after;
  GstWallocThinnerResult result;
  gsize size = gst_buffer_get_size (buffer);
  gboolean active = gst_walloc_thin_update (self);

  result = gst_walloc_thinner_process (&self->thinner, &buffer, &before,
      &after);
  gst_walloc_thin_count (self, result, size, buffer, &before, &after);
  if (active)
    gst_walloc_thin_warn (self, result, &before);

  switch (result) {
    case GST_WALLOC_THINNER_DAMAGED:
    case GST_WALLOC_THINNER_DROPPED:
      GST_DEBUG_OBJECT (self, "leaving out a frame of %" G_GSIZE_FORMAT
          " bytes, %s", size, result == GST_WALLOC_THINNER_DAMAGED ?
          "which is not whole" : "for which there is no room");
      self->discont = TRUE;
      /* nothing predicted can pass before the next key frame; sound is not */
      if (before.media == WALLOC_MEDIA_AUDIO)
        return GST_FLOW_OK;
      gst_pad_push_event (self->sinkpad,
          gst_video_event_new_upstream_force_key_unit (GST_CLOCK_TIME_NONE,
              FALSE, 0));
      return GST_FLOW_OK;
    case GST_WALLOC_THINNER_WAITING:
      GST_DEBUG_OBJECT (self, "leaving out a frame that needs another");
      self->discont = TRUE;
      return GST_FLOW_OK;
    default:
      break;
  }
  GST_LOG_OBJECT (self, "%" G_GSIZE_FORMAT " bytes to %" G_GSIZE_FORMAT, size,
      gst_buffer_get_size (buffer));

  if (self->discont) {
    self->discont = FALSE;
    buffer = gst_buffer_make_writable (buffer);
    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DISCONT);
  }
  return gst_pad_push (self->srcpad, buffer);
}

static void
gst_walloc_thin_reset (GstWallocThin * self)
{
  gst_walloc_thinner_reset (&self->thinner);
  self->discont = FALSE;
  GST_OBJECT_LOCK (self);
  self->late = FALSE;
  self->delay = 0;
  GST_OBJECT_UNLOCK (self);
}

static gboolean
gst_walloc_thin_sink_event (GstPad * pad, GstObject * parent, GstEvent * event)
{
  GstWallocThin *self = GST_WALLOC_THIN (parent);

  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_FLUSH_STOP:
    case GST_EVENT_STREAM_START:
      gst_walloc_thin_reset (self);
      break;
    default:
      break;
  }
  return gst_pad_event_default (pad, parent, event);
}

static gboolean
gst_walloc_thin_src_event (GstPad * pad, GstObject * parent, GstEvent * event)
{
  GstWallocThin *self = GST_WALLOC_THIN (parent);

  if (GST_EVENT_TYPE (event) == GST_EVENT_QOS) {
    GstClockTimeDiff diff;

    gst_event_parse_qos (event, NULL, NULL, &diff, NULL);
    GST_OBJECT_LOCK (self);
    if (self->qos && diff > 0)
      self->late = TRUE;
    GST_OBJECT_UNLOCK (self);
  }
  return gst_pad_event_default (pad, parent, event);
}

static GstStateChangeReturn
gst_walloc_thin_change_state (GstElement * element, GstStateChange transition)
{
  GstWallocThin *self = GST_WALLOC_THIN (element);

  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED) {
    gst_walloc_thin_reset (self);
    self->warned_one_layer = self->warned_unknown = FALSE;
    GST_OBJECT_LOCK (self);
    self->frames = self->thinned = self->dropped = 0;
    self->bytes_in = self->bytes_out = 0;
    self->last_layers = self->last_layers_in = 0;
    GST_OBJECT_UNLOCK (self);
  }
  return GST_ELEMENT_CLASS (parent_class)->change_state (element, transition);
}

static void
gst_walloc_thin_class_init (GstWallocThinClass * klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);

  GST_DEBUG_CATEGORY_INIT (wallocthin_debug, "wallocthin", 0,
      "WaLLoC thinning");

  object_class->set_property = gst_walloc_thin_set_property;
  object_class->get_property = gst_walloc_thin_get_property;

  /**
   * GstWallocThin:layers:
   *
   * Layers of each frame to keep at most.
   *
   * Since: 0.2
   */
  g_object_class_install_property (object_class, PROP_LAYERS,
      g_param_spec_uint ("layers", "Layers",
          "Layers of each frame to keep at most (0 = all)", 0,
          WALLOC_FRAME_MAX_LAYERS, DEFAULT_LAYERS, G_PARAM_READWRITE |
          G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING));

  /**
   * GstWallocThin:bitrate:
   *
   * Rate of the link behind this element: as many layers are kept as it
   * carries.
   *
   * Since: 0.2
   */
  g_object_class_install_property (object_class, PROP_BITRATE,
      g_param_spec_uint ("bitrate", "Bit rate",
          "Rate in kbit/s that the kept layers are not to exceed "
          "(0 = no limit)", 0, MAX_BITRATE, DEFAULT_BITRATE,
          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
          GST_PARAM_MUTABLE_PLAYING));

  /**
   * GstWallocThin:max-delay:
   *
   * How long the last byte of a frame may wait before a link of
   * #GstWallocThin:bitrate: what the leaky bucket holds.
   *
   * Since: 0.2
   */
  g_object_class_install_property (object_class, PROP_MAX_DELAY,
      g_param_spec_uint64 ("max-delay", "Greatest delay",
          "Time that a frame may wait before a link of the rate, ns", 0,
          60 * GST_SECOND, DEFAULT_MAX_DELAY, G_PARAM_READWRITE |
          G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING));

  /**
   * GstWallocThin:drop-frames:
   *
   * Leave out whole frames where the first layer alone exceeds
   * #GstWallocThin:bitrate. What is predicted from them is left out as well,
   * and a key frame asked for.
   *
   * Since: 0.2
   */
  g_object_class_install_property (object_class, PROP_DROP_FRAMES,
      g_param_spec_boolean ("drop-frames", "Drop frames",
          "Leave out whole frames where one layer exceeds the rate",
          DEFAULT_DROP_FRAMES, G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
          GST_PARAM_MUTABLE_PLAYING));

  /**
   * GstWallocThin:qos:
   *
   * Keep fewer layers while events from downstream say that buffers are late:
   * they are less work to decode. The events go on upstream.
   *
   * Since: 0.2
   */
  g_object_class_install_property (object_class, PROP_QOS,
      g_param_spec_boolean ("qos", "QoS",
          "Keep fewer layers while downstream is late", DEFAULT_QOS,
          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
          GST_PARAM_MUTABLE_PLAYING));

  /**
   * GstWallocThin:stats:
   *
   * Counters since the start, a structure `application/x-wallocthin-stats`
   * with
   *
   * * #guint64 `frames` (that came in), `thinned`, `dropped`, `bytes-in`,
   *   `bytes-out`
   * * #guint `layers-in`, `layers`: of the last frame, before and after
   * * #guint64 `delay`: ns that its last byte would wait before a link of the
   *   rate
   *
   * Since: 0.2
   */
  g_object_class_install_property (object_class, PROP_STATS,
      g_param_spec_boxed ("stats", "Statistics",
          "Counters since the start", GST_TYPE_STRUCTURE,
          G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));

  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_element_class_set_static_metadata (element_class, "WaLLoC thinning",
      "Filter/Video/Audio",
      "Reduces the rate of a coded stream by leaving out layers",
      GST_PACKAGE_NAME);

  element_class->change_state =
      GST_DEBUG_FUNCPTR (gst_walloc_thin_change_state);
}

static void
gst_walloc_thin_init (GstWallocThin * self)
{
  self->layers = DEFAULT_LAYERS;
  self->bitrate = DEFAULT_BITRATE;
  self->max_delay = DEFAULT_MAX_DELAY;
  self->drop_frames = DEFAULT_DROP_FRAMES;
  self->qos = DEFAULT_QOS;
  gst_walloc_thinner_init (&self->thinner);

  self->sinkpad = gst_pad_new_from_static_template (&sink_template, "sink");
  gst_pad_set_chain_function (self->sinkpad,
      GST_DEBUG_FUNCPTR (gst_walloc_thin_chain));
  gst_pad_set_event_function (self->sinkpad,
      GST_DEBUG_FUNCPTR (gst_walloc_thin_sink_event));
  GST_PAD_SET_PROXY_CAPS (self->sinkpad);
  GST_PAD_SET_PROXY_SCHEDULING (self->sinkpad);
  gst_element_add_pad (GST_ELEMENT (self), self->sinkpad);

  self->srcpad = gst_pad_new_from_static_template (&src_template, "src");
  gst_pad_set_event_function (self->srcpad,
      GST_DEBUG_FUNCPTR (gst_walloc_thin_src_event));
  GST_PAD_SET_PROXY_CAPS (self->srcpad);
  gst_element_add_pad (GST_ELEMENT (self), self->srcpad);
}
