/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Properties of walloclatentsenc. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstwalloclatentsenc.h"

#define DEFAULT_QUALITY 0
#define DEFAULT_STEP_INDEX -1
#define DEFAULT_CHANNELS 0
#define DEFAULT_SIZE 0
#define DEFAULT_FORMAT GST_VIDEO_FORMAT_UNKNOWN

/* of sound; pictures have 176 */
#define MAX_STEP_INDEX 352
#define MAX_RATE 96000

enum
{
  PROP_QUALITY = GST_COMPRESSED_FILTER_PROP_LAST,
  PROP_STEP_INDEX,
  PROP_CHANNELS,
  PROP_WIDTH,
  PROP_HEIGHT,
  PROP_FORMAT,
  PROP_RATE,
  PROP_AUDIO_CHANNELS
};

static GObjectClass *
parent_class (void)
{
  return g_type_class_peek (GST_TYPE_COMPRESSED_FILTER);
}

static void
gst_walloc_latents_enc_set_property (GObject * object, guint prop_id,
    const GValue * value, GParamSpec * pspec)
{
  GstWallocLatentsEnc *self = GST_WALLOC_LATENTS_ENC (object);
  gboolean known = TRUE;

  GST_OBJECT_LOCK (self);
  switch (prop_id) {
    case PROP_QUALITY:
      self->settings.quality = g_value_get_uint (value);
      break;
    case PROP_STEP_INDEX:
      self->settings.step_index = g_value_get_int (value);
      break;
    case PROP_CHANNELS:
      self->settings.channels = g_value_get_uint (value);
      break;
    case PROP_WIDTH:
      self->settings.width = g_value_get_uint (value);
      break;
    case PROP_HEIGHT:
      self->settings.height = g_value_get_uint (value);
      break;
    case PROP_FORMAT:
      self->settings.format = g_value_get_enum (value);
      break;
    case PROP_RATE:
      self->settings.rate = g_value_get_uint (value);
      break;
    case PROP_AUDIO_CHANNELS:
      self->settings.audio_channels = g_value_get_uint (value);
      break;
    default:
      known = FALSE;
      break;
  }
  GST_OBJECT_UNLOCK (self);
  if (!known)
    parent_class ()->set_property (object, prop_id, value, pspec);
}

static void
gst_walloc_latents_enc_get_property (GObject * object, guint prop_id,
    GValue * value, GParamSpec * pspec)
{
  GstWallocLatentsEnc *self = GST_WALLOC_LATENTS_ENC (object);
  gboolean known = TRUE;

  GST_OBJECT_LOCK (self);
  switch (prop_id) {
    case PROP_QUALITY:
      g_value_set_uint (value, self->settings.quality);
      break;
    case PROP_STEP_INDEX:
      g_value_set_int (value, self->settings.step_index);
      break;
    case PROP_CHANNELS:
      g_value_set_uint (value, self->settings.channels);
      break;
    case PROP_WIDTH:
      g_value_set_uint (value, self->settings.width);
      break;
    case PROP_HEIGHT:
      g_value_set_uint (value, self->settings.height);
      break;
    case PROP_FORMAT:
      g_value_set_enum (value, self->settings.format);
      break;
    case PROP_RATE:
      g_value_set_uint (value, self->settings.rate);
      break;
    case PROP_AUDIO_CHANNELS:
      g_value_set_uint (value, self->settings.audio_channels);
      break;
    default:
      known = FALSE;
      break;
  }
  GST_OBJECT_UNLOCK (self);
  if (!known)
    parent_class ()->get_property (object, prop_id, value, pspec);
}

void
gst_walloc_latents_enc_install_properties (GObjectClass * object_class)
{
  const GParamFlags playing = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
      GST_PARAM_MUTABLE_PLAYING;

  object_class->set_property = gst_walloc_latents_enc_set_property;
  object_class->get_property = gst_walloc_latents_enc_get_property;

  /**
   * GstWallocLatentsEnc:quality:
   *
   * As that of wallocenc. 0: the step and the channels of the frame that the
   * tensor was made of, else 50.
   *
   * Since: 0.2
   */
  g_object_class_install_property (object_class, PROP_QUALITY,
      g_param_spec_uint ("quality", "Quality",
          "1 (smallest) to 100 (best); 0 = that of the frame in the meta, "
          "else 50", 0, 100, DEFAULT_QUALITY, playing));

  /**
   * GstWallocLatentsEnc:step-index:
   *
   * Step 2^(index / 16), of sound over 64, in place of that of the quality.
   * Pictures have indices to 176.
   *
   * Since: 0.2
   */
  g_object_class_install_property (object_class, PROP_STEP_INDEX,
      g_param_spec_int ("step-index", "Step index",
          "Step 2^(index / 16), of sound / 64 (-1 = by quality)", -1,
          MAX_STEP_INDEX, DEFAULT_STEP_INDEX, playing));

  /**
   * GstWallocLatentsEnc:channels:
   *
   * Channels to keep at most.
   *
   * Since: 0.2
   */
  g_object_class_install_property (object_class, PROP_CHANNELS,
      g_param_spec_uint ("channels", "Channels",
          "Channels to keep at most (0 = by quality, or as the meta says)", 0,
          MAX_TENSOR_CHANNELS, DEFAULT_CHANNELS, playing));

  /**
   * GstWallocLatentsEnc:width:
   *
   * Width of the picture. Without it and a meta, 8 pixels per column.
   *
   * Since: 0.2
   */
  g_object_class_install_property (object_class, PROP_WIDTH,
      g_param_spec_uint ("width", "Width",
          "Width of the picture (0 = as the meta says, or 8 per column)", 0,
          WALLOC_MAX_SIZE, DEFAULT_SIZE, playing));

  /**
   * GstWallocLatentsEnc:height:
   *
   * Height of the picture. Without it and a meta, 8 pixels per row.
   *
   * Since: 0.2
   */
  g_object_class_install_property (object_class, PROP_HEIGHT,
      g_param_spec_uint ("height", "Height",
          "Height of the picture (0 = as the meta says, or 8 per row)", 0,
          WALLOC_MAX_SIZE, DEFAULT_SIZE, playing));

  /**
   * GstWallocLatentsEnc:format:
   *
   * Pixel format that the frame is to have. Without it and a meta, I420.
   *
   * Since: 0.2
   */
  g_object_class_install_property (object_class, PROP_FORMAT,
      g_param_spec_enum ("format", "Format",
          "Format of the picture (unknown = as the meta says, or I420)",
          GST_TYPE_VIDEO_FORMAT, DEFAULT_FORMAT, playing));

  /**
   * GstWallocLatentsEnc:rate:
   *
   * Samples per second of sound. Without it and a meta, 44100.
   *
   * Since: 0.2
   */
  g_object_class_install_property (object_class, PROP_RATE,
      g_param_spec_uint ("rate", "Rate",
          "Samples per second of sound (0 = as the meta says, or 44100)", 0,
          MAX_RATE, 0, playing));

  /**
   * GstWallocLatentsEnc:audio-channels:
   *
   * Channels of sound. Without it and a meta, two per pair.
   *
   * Since: 0.2
   */
  g_object_class_install_property (object_class, PROP_AUDIO_CHANNELS,
      g_param_spec_uint ("audio-channels", "Audio channels",
          "Channels of sound (0 = as the meta says, or 2 per pair)", 0,
          WALLOC_AUDIO_MAX_CHANNELS, 0, playing));

  /**
   * GstWallocLatentsEnc:model-file:
   *
   * The codec model whose latents these are: a file, or the name of one in the
   * model directories. Without it the one that the meta names, or the default
   * one.
   *
   * Since: 0.2
   */
  gst_compressed_filter_install_model_file (object_class,
      "Path or name of the codec model (NULL = as the meta says, or the "
      "default one)");
}

void
gst_walloc_latents_enc_init_settings (GstWallocLatentsEncSettings * settings)
{
  settings->quality = DEFAULT_QUALITY;
  settings->step_index = DEFAULT_STEP_INDEX;
  settings->channels = DEFAULT_CHANNELS;
  settings->format = DEFAULT_FORMAT;
}
