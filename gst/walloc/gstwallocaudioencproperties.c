/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What wallocaudioenc is told, and what it counts. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstwallocaudioenc.h"
#include "gstwalloccommon.h"

#define DEFAULT_QUALITY 50
#define DEFAULT_BITRATE 0
#define DEFAULT_FRAME_SIZE 0
#define DEFAULT_LAYERS 1
#define MAX_BITRATE 10000000

enum
{
  PROP_0,
  PROP_QUALITY,
  PROP_BITRATE,
  PROP_FRAME_SIZE,
  PROP_LAYERS,
  PROP_MODEL_FILE,
  PROP_STATS
};

static GstStructure *
gst_walloc_audio_enc_get_stats (GstWallocAudioEnc * self)
{
  GstStructure *s;

  GST_OBJECT_LOCK (self);
  s = gst_structure_new ("application/x-wallocaudioenc-stats",
      "frames", G_TYPE_UINT64, self->stats.frames,
      "bytes", G_TYPE_UINT64, self->stats.bytes,
      "samples", G_TYPE_UINT64, self->stats.samples,
      "transform-time", G_TYPE_UINT64, self->stats.ns_transform,
      "projection-time", G_TYPE_UINT64, self->stats.ns_project,
      "entropy-time", G_TYPE_UINT64, self->stats.ns_entropy,
      "step-index", G_TYPE_UINT, self->last_step, NULL);
  GST_OBJECT_UNLOCK (self);

  return s;
}

void
gst_walloc_audio_enc_set_property (GObject * object, guint prop_id,
    const GValue * value, GParamSpec * pspec)
{
  GstWallocAudioEnc *self = GST_WALLOC_AUDIO_ENC (object);

  GST_OBJECT_LOCK (self);
  switch (prop_id) {
    case PROP_QUALITY:
      self->quality = g_value_get_uint (value);
      break;
    case PROP_BITRATE:
      self->bitrate = g_value_get_uint (value);
      break;
    case PROP_FRAME_SIZE:
      self->frame_size = g_value_get_uint (value);
      break;
    case PROP_LAYERS:
      self->layers = g_value_get_uint (value);
      break;
    case PROP_MODEL_FILE:
      g_free (self->model_file);
      self->model_file = g_value_dup_string (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      break;
  }
  GST_OBJECT_UNLOCK (self);
}

void
gst_walloc_audio_enc_get_property (GObject * object, guint prop_id,
    GValue * value, GParamSpec * pspec)
{
  GstWallocAudioEnc *self = GST_WALLOC_AUDIO_ENC (object);

  if (prop_id == PROP_STATS) {
    g_value_take_boxed (value, gst_walloc_audio_enc_get_stats (self));
    return;
  }

  GST_OBJECT_LOCK (self);
  switch (prop_id) {
    case PROP_QUALITY:
      g_value_set_uint (value, self->quality);
      break;
    case PROP_BITRATE:
      g_value_set_uint (value, self->bitrate);
      break;
    case PROP_FRAME_SIZE:
      g_value_set_uint (value, self->frame_size);
      break;
    case PROP_LAYERS:
      g_value_set_uint (value, self->layers);
      break;
    case PROP_MODEL_FILE:
      g_value_set_string (value, self->model_file);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      break;
  }
  GST_OBJECT_UNLOCK (self);
}

void
gst_walloc_audio_enc_install_properties (GObjectClass * object_class)
{
  /**
   * GstWallocAudioEnc:quality:
   *
   * Constant quality: how far the noise is below the level of the sound, which
   * is followed slowly. 1 is the least, 100 the best. Not used with
   * #GstWallocAudioEnc:bitrate.
   *
   * Since: 0.2
   */
  g_object_class_install_property (object_class, PROP_QUALITY,
      g_param_spec_uint ("quality", "Quality",
          "Constant quality, 1 (smallest) to 100 (best), when bitrate is 0",
          1, 100, DEFAULT_QUALITY, G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS
          | GST_PARAM_MUTABLE_PLAYING));

  /**
   * GstWallocAudioEnc:bitrate:
   *
   * Bits per second, headers included; 0 for constant quality.
   *
   * Since: 0.2
   */
  g_object_class_install_property (object_class, PROP_BITRATE,
      g_param_spec_uint ("bitrate", "Bitrate",
          "Bits per second (0 = constant quality)", 0, MAX_BITRATE,
          DEFAULT_BITRATE, G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS
          | GST_PARAM_MUTABLE_PLAYING));

  /**
   * GstWallocAudioEnc:frame-size:
   *
   * Samples per frame, rounded up to a multiple of 256. Latency is this and
   * 2044 samples (none with models of kind reference, whose frames are clips
   * of their own); longer frames cost fewer bits. 0 takes the power of two next
   * below an eighth of a second.
   *
   * Since: 0.2
   */
  g_object_class_install_property (object_class, PROP_FRAME_SIZE,
      g_param_spec_uint ("frame-size", "Frame size",
          "Samples per frame, a multiple of 256 (0 = about a tenth of a "
          "second)", 0, GST_WALLOC_AUDIO_ENC_MAX_FRAME_SIZE, DEFAULT_FRAME_SIZE,
          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS
          | GST_PARAM_MUTABLE_READY));

  /**
   * GstWallocAudioEnc:layers:
   *
   * Layers of every frame that can be dropped without decoding, from the last
   * on.
   *
   * Since: 0.2
   */
  g_object_class_install_property (object_class, PROP_LAYERS,
      g_param_spec_uint ("layers", "Layers",
          "Layers that wallocthin can drop", 1, WALLOC_FRAME_MAX_LAYERS,
          DEFAULT_LAYERS, G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS
          | GST_PARAM_MUTABLE_PLAYING));

  /**
   * GstWallocAudioEnc:model-file:
   *
   * Model: a path, or the name of a model in the search path.
   *
   * Since: 0.2
   */
  g_object_class_install_property (object_class, PROP_MODEL_FILE,
      g_param_spec_string ("model-file", "Model file",
          "Model to encode with (NULL = " GST_WALLOC_DEFAULT_SOUND_MODEL ")",
          NULL, G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS
          | GST_PARAM_MUTABLE_READY));

  /**
   * GstWallocAudioEnc:stats:
   *
   * Counters since the element was started: frames, bytes and samples per
   * channel, and the nanoseconds that transform, projection and entropy coder
   * took; the step index of the last frame.
   *
   * Since: 0.2
   */
  g_object_class_install_property (object_class, PROP_STATS,
      g_param_spec_boxed ("stats", "Statistics",
          "Counters and times of the encoder", GST_TYPE_STRUCTURE,
          G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
}

/* Sets their defaults. */
void
gst_walloc_audio_enc_init_properties (GstWallocAudioEnc * self)
{
  self->quality = DEFAULT_QUALITY;
  self->bitrate = DEFAULT_BITRATE;
  self->frame_size = DEFAULT_FRAME_SIZE;
  self->layers = DEFAULT_LAYERS;
}
