/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * SECTION:element-audiocorrupt
 * @title: audiocorrupt
 * @short_description: What a microphone, a room and a network do to sound
 * @see_also: corrupt, wallocaudioenc
 *
 * Corrupts sound in one of five ways at five severities: additive noise,
 * clipping, lost packets, reverberation, limited bandwidth. Noise and losses depend
 * on the #GstAudioCorrupt:seed and the position in the stream alone.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 filesrc location=in.wav ! wavparse ! audioconvert ! audiocorrupt type=reverberation severity=3 ! audioconvert ! autoaudiosink
 * ]|
 *
 * Since: 0.2
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstaudiocorrupt.h"
#include "gstinspectelements.h"

GST_DEBUG_CATEGORY_STATIC (audiocorrupt_debug);
#define GST_CAT_DEFAULT audiocorrupt_debug

#define DEFAULT_TYPE SOUND_ADDITIVE_NOISE
#define DEFAULT_SEVERITY 3
#define DEFAULT_SEED 0

enum
{
  PROP_0,
  PROP_TYPE,
  PROP_SEVERITY,
  PROP_SEED
};

#define CAPS "audio/x-raw, format=(string)" GST_AUDIO_NE (F32) \
    ", layout=(string)interleaved, rate=(int)[1,384000], channels=(int)[1,64]"

#define gst_audio_corrupt_parent_class parent_class
G_DEFINE_FINAL_TYPE (GstAudioCorrupt, gst_audio_corrupt, GST_TYPE_AUDIO_FILTER);

GST_ELEMENT_REGISTER_DEFINE (audiocorrupt, "audiocorrupt", GST_RANK_NONE,
    GST_TYPE_AUDIO_CORRUPT);

#define GST_TYPE_AUDIO_CORRUPT_TYPE (gst_audio_corrupt_type_get_type ())
static GType
gst_audio_corrupt_type_get_type (void)
{
  static const gchar *const names[SOUND_CORRUPTION_TYPES] = {
    "White noise", "Cut off where it is loud", "Pieces of silence",
    "Echoes of a room", "Without high frequencies"
  };
  static GEnumValue values[SOUND_CORRUPTION_TYPES + 1];
  static gsize type;

  if (g_once_init_enter (&type)) {
    GType t;
    guint i;

    for (i = 0; i < SOUND_CORRUPTION_TYPES; i++) {
      values[i].value = i;
      values[i].value_name = names[i];
      values[i].value_nick = sound_corruption_name (i);
    }
    t = g_enum_register_static ("GstAudioCorruptType", values);
    g_once_init_leave (&type, t);
  }
  return type;
}

static void
gst_audio_corrupt_set_property (GObject * object, guint prop_id,
    const GValue * value, GParamSpec * pspec)
{
  GstAudioCorrupt *self = GST_AUDIO_CORRUPT (object);

  GST_OBJECT_LOCK (self);
  switch (prop_id) {
    case PROP_TYPE:
      self->changed |=
          self->type != (sound_corruption_type) g_value_get_enum (value);
      self->type = g_value_get_enum (value);
      break;
    case PROP_SEVERITY:
      self->changed |= self->severity != g_value_get_uint (value);
      self->severity = g_value_get_uint (value);
      break;
    case PROP_SEED:
      self->seed = g_value_get_uint64 (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      break;
  }
  GST_OBJECT_UNLOCK (self);
}

static void
gst_audio_corrupt_get_property (GObject * object, guint prop_id,
    GValue * value, GParamSpec * pspec)
{
  GstAudioCorrupt *self = GST_AUDIO_CORRUPT (object);

  GST_OBJECT_LOCK (self);
  switch (prop_id) {
    case PROP_TYPE:
      g_value_set_enum (value, self->type);
      break;
    case PROP_SEVERITY:
      g_value_set_uint (value, self->severity);
      break;
    case PROP_SEED:
      g_value_set_uint64 (value, self->seed);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      break;
  }
  GST_OBJECT_UNLOCK (self);
}

static gboolean
gst_audio_corrupt_setup (GstAudioFilter * filter, const GstAudioInfo * info)
{
  GstAudioCorrupt *self = GST_AUDIO_CORRUPT (filter);

  g_clear_pointer (&self->corruption, sound_corruption_free);
  /* positions are of another rate */
  self->have_next = FALSE;

  return TRUE;
}

static gboolean
gst_audio_corrupt_stop (GstBaseTransform * trans)
{
  GstAudioCorrupt *self = GST_AUDIO_CORRUPT (trans);

  g_clear_pointer (&self->corruption, sound_corruption_free);
  self->have_next = FALSE;

  return TRUE;
}

static gboolean
gst_audio_corrupt_sink_event (GstBaseTransform * trans, GstEvent * event)
{
  GstAudioCorrupt *self = GST_AUDIO_CORRUPT (trans);

  /* rooms do not remember what was before a seek */
  if (GST_EVENT_TYPE (event) == GST_EVENT_FLUSH_STOP) {
    if (self->corruption)
      sound_corruption_reset (self->corruption);
    self->have_next = FALSE;
  }
  return GST_BASE_TRANSFORM_CLASS (parent_class)->sink_event (trans, event);
}

static void
gst_audio_corrupt_before_transform (GstBaseTransform * trans,
    GstBuffer * buffer)
{
  GstClockTime time = gst_segment_to_stream_time (&trans->segment,
      GST_FORMAT_TIME, GST_BUFFER_PTS (buffer));

  if (GST_CLOCK_TIME_IS_VALID (time))
    gst_object_sync_values (GST_OBJECT (trans), time);
}

/* Buffers follow each other by their samples; the time stamp counts for the
 * first, and after a discontinuity. */
static guint64
gst_audio_corrupt_get_position (GstAudioCorrupt * self, GstBuffer * buffer,
    gint rate)
{
  if (!self->have_next || GST_BUFFER_IS_DISCONT (buffer)) {
    if (GST_BUFFER_PTS_IS_VALID (buffer))
      self->next = gst_util_uint64_scale_round (GST_BUFFER_PTS (buffer), rate,
          GST_SECOND);
    else if (!self->have_next)
      self->next = 0;
    self->have_next = TRUE;
  }
  return self->next;
}

static GstFlowReturn
gst_audio_corrupt_transform_ip (GstBaseTransform * trans, GstBuffer * buffer)
{
  GstAudioCorrupt *self = GST_AUDIO_CORRUPT (trans);
  const GstAudioInfo *info = &GST_AUDIO_FILTER (trans)->info;
  sound_corruption_type type;
  GstMapInfo map;
  guint severity;
  guint64 seed;
  gsize frames;

  GST_OBJECT_LOCK (self);
  type = self->type;
  severity = self->severity;
  seed = self->seed;
  if (self->changed)
    g_clear_pointer (&self->corruption, sound_corruption_free);
  self->changed = FALSE;
  GST_OBJECT_UNLOCK (self);

  if (!self->corruption)
    self->corruption = sound_corruption_new (type, severity,
        GST_AUDIO_INFO_RATE (info), GST_AUDIO_INFO_CHANNELS (info));
  if (!self->corruption) {
    GST_ELEMENT_ERROR (self, RESOURCE, NO_SPACE_LEFT, (NULL),
        ("No memory for %s of %d channels.", sound_corruption_name (type),
            GST_AUDIO_INFO_CHANNELS (info)));
    return GST_FLOW_ERROR;
  }
  if (!gst_buffer_map (buffer, &map, GST_MAP_READWRITE)) {
    GST_ELEMENT_ERROR (self, STREAM, FAILED, (NULL), ("Cannot map a buffer."));
    return GST_FLOW_ERROR;
  }
  frames = map.size / GST_AUDIO_INFO_BPF (info);
  gst_audio_corrupt_get_position (self, buffer, GST_AUDIO_INFO_RATE (info));
  sound_corruption_apply (self->corruption, (float *) map.data, frames, seed,
      self->next);
  self->next += frames;
  gst_buffer_unmap (buffer, &map);
  /* noise is no gap */
  GST_BUFFER_FLAG_UNSET (buffer, GST_BUFFER_FLAG_GAP);

  return GST_FLOW_OK;
}

static void
gst_audio_corrupt_class_init (GstAudioCorruptClass * klass)
{
  GObjectClass *gobject_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GstBaseTransformClass *trans_class = GST_BASE_TRANSFORM_CLASS (klass);
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS
      | GST_PARAM_MUTABLE_PLAYING;
  GstCaps *caps = gst_caps_from_string (CAPS);

  GST_DEBUG_CATEGORY_INIT (audiocorrupt_debug, "audiocorrupt", 0,
      "Corruptions of sound");

  gobject_class->set_property = gst_audio_corrupt_set_property;
  gobject_class->get_property = gst_audio_corrupt_get_property;

  /**
   * GstAudioCorrupt:type:
   *
   * Which of the five corruptions.
   */
  g_object_class_install_property (gobject_class, PROP_TYPE,
      g_param_spec_enum ("type", "Type", "Which corruption",
          GST_TYPE_AUDIO_CORRUPT_TYPE, DEFAULT_TYPE, flags));
  /**
   * GstAudioCorrupt:severity:
   *
   * How much, 1 to 5.
   */
  g_object_class_install_property (gobject_class, PROP_SEVERITY,
      g_param_spec_uint ("severity", "Severity", "How much, 1 to 5", 1, 5,
          DEFAULT_SEVERITY, flags | GST_PARAM_CONTROLLABLE));
  /**
   * GstAudioCorrupt:seed:
   *
   * Another seed, other noise and losses.
   */
  g_object_class_install_property (gobject_class, PROP_SEED,
      g_param_spec_uint64 ("seed", "Seed", "Another seed, other noise and "
          "losses", 0, G_MAXUINT64, DEFAULT_SEED, flags));

  gst_element_class_set_static_metadata (element_class,
      "Corruptions of sound", "Filter/Effect/Audio",
      "Noise, clipping, lost packets, reverberation, limited bandwidth",
      GST_PACKAGE_NAME);
  gst_audio_filter_class_add_pad_templates (GST_AUDIO_FILTER_CLASS (klass),
      caps);
  gst_caps_unref (caps);

  GST_AUDIO_FILTER_CLASS (klass)->setup =
      GST_DEBUG_FUNCPTR (gst_audio_corrupt_setup);
  trans_class->stop = GST_DEBUG_FUNCPTR (gst_audio_corrupt_stop);
  trans_class->sink_event = GST_DEBUG_FUNCPTR (gst_audio_corrupt_sink_event);
  trans_class->before_transform =
      GST_DEBUG_FUNCPTR (gst_audio_corrupt_before_transform);
  trans_class->transform_ip =
      GST_DEBUG_FUNCPTR (gst_audio_corrupt_transform_ip);

  gst_type_mark_as_plugin_api (GST_TYPE_AUDIO_CORRUPT_TYPE, 0);
}

static void
gst_audio_corrupt_init (GstAudioCorrupt * self)
{
  self->type = DEFAULT_TYPE;
  self->severity = DEFAULT_SEVERITY;
  self->seed = DEFAULT_SEED;
}
