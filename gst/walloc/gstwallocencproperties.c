/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What wallocenc is told, and what it counts. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstwalloccommon.h"
#include "gstwallocenc.h"

#define DEFAULT_QUALITY 50
#define DEFAULT_BITRATE 0
#define DEFAULT_CHANNELS 0
#define DEFAULT_LAYERS 0
#define DEFAULT_SLICE_ROWS 0
#define DEFAULT_SPEED 5
#define DEFAULT_KEY_INT_MAX 1
#define DEFAULT_THREADS 0
#define DEFAULT_SNAPSHOT FALSE
#define MAX_BITRATE 10000000
#define MAX_CHANNELS 65535
#define MAX_THREADS 64

enum
{
  PROP_0,
  PROP_QUALITY,
  PROP_BITRATE,
  PROP_CHANNELS,
  PROP_LAYERS,
  PROP_SLICE_ROWS,
  PROP_SPEED,
  PROP_KEY_INT_MAX,
  PROP_THREADS,
  PROP_MODEL_FILE,
  PROP_SNAPSHOT,
  PROP_STATS
};

static GstStructure *
gst_walloc_enc_get_stats (GstWallocEnc * self)
{
  GstStructure *s;
  gdouble bpp = 0.0;

  GST_OBJECT_LOCK (self);
  if (self->stats.pixels)
    bpp = 8.0 * self->stats.bytes / self->stats.pixels;
  s = gst_structure_new ("application/x-wallocenc-stats",
      "frames", G_TYPE_UINT64, self->stats.frames,
      "dropped", G_TYPE_UINT64, self->dropped,
      "skipped", G_TYPE_UINT64, self->skipped,
      "again", G_TYPE_UINT64, self->last_again,
      "bytes", G_TYPE_UINT64, self->stats.bytes,
      "pixels", G_TYPE_UINT64, self->stats.pixels,
      "bits-per-pixel", G_TYPE_DOUBLE, bpp,
      "transform-time", G_TYPE_UINT64, self->stats.ns_transform,
      "projection-time", G_TYPE_UINT64, self->stats.ns_project,
      "entropy-time", G_TYPE_UINT64, self->stats.ns_entropy,
      "predicted", G_TYPE_UINT64, self->stats.predicted,
      "positions", G_TYPE_UINT64, self->stats.positions,
      "coded-positions", G_TYPE_UINT64, self->stats.coded,
      "step-index", G_TYPE_UINT, self->last_step,
      "channels", G_TYPE_UINT, self->last_channels,
      "layers", G_TYPE_UINT, self->last_layers, NULL);
  GST_OBJECT_UNLOCK (self);

  return s;
}

void
gst_walloc_enc_set_property (GObject * object, guint prop_id,
    const GValue * value, GParamSpec * pspec)
{
  GstWallocEnc *self = GST_WALLOC_ENC (object);

  GST_OBJECT_LOCK (self);
  switch (prop_id) {
    case PROP_QUALITY:
      self->quality = g_value_get_uint (value);
      break;
    case PROP_BITRATE:
      self->bitrate = g_value_get_uint (value);
      break;
    case PROP_CHANNELS:
      self->channels = g_value_get_uint (value);
      break;
    case PROP_LAYERS:
      self->layers = g_value_get_uint (value);
      break;
    case PROP_SLICE_ROWS:
      self->slice_rows = g_value_get_uint (value);
      break;
    case PROP_SPEED:
      self->speed = g_value_get_uint (value);
      break;
    case PROP_KEY_INT_MAX:
      self->key_int_max = g_value_get_uint (value);
      break;
    case PROP_THREADS:
      self->threads = g_value_get_uint (value);
      break;
    case PROP_MODEL_FILE:
      g_free (self->model_file);
      self->model_file = g_value_dup_string (value);
      break;
    case PROP_SNAPSHOT:
      self->snapshot = g_value_get_boolean (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      break;
  }
  GST_OBJECT_UNLOCK (self);
}

void
gst_walloc_enc_get_property (GObject * object, guint prop_id, GValue * value,
    GParamSpec * pspec)
{
  GstWallocEnc *self = GST_WALLOC_ENC (object);

  if (prop_id == PROP_STATS) {
    g_value_take_boxed (value, gst_walloc_enc_get_stats (self));
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
    case PROP_CHANNELS:
      g_value_set_uint (value, self->channels);
      break;
    case PROP_LAYERS:
      g_value_set_uint (value, self->layers);
      break;
    case PROP_SLICE_ROWS:
      g_value_set_uint (value, self->slice_rows);
      break;
    case PROP_SPEED:
      g_value_set_uint (value, self->speed);
      break;
    case PROP_KEY_INT_MAX:
      g_value_set_uint (value, self->key_int_max);
      break;
    case PROP_THREADS:
      g_value_set_uint (value, self->threads);
      break;
    case PROP_MODEL_FILE:
      g_value_set_string (value, self->model_file);
      break;
    case PROP_SNAPSHOT:
      g_value_set_boolean (value, self->snapshot);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      break;
  }
  GST_OBJECT_UNLOCK (self);
}

void
gst_walloc_enc_install_properties (GObjectClass * object_class)
{
  /**
   * GstWallocEnc:quality:
   *
   * Constant quality: the step and the number of channels that the model
   * gives for it. Not in use while #GstWallocEnc:bitrate is set.
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, PROP_QUALITY,
      g_param_spec_uint ("quality", "Quality",
          "Quality, from 1 (smallest) to 100 (best)", 1, 100, DEFAULT_QUALITY,
          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
          GST_PARAM_MUTABLE_PLAYING));

  /**
   * GstWallocEnc:bitrate:
   *
   * Rate to keep by choosing the step of every frame.
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, PROP_BITRATE,
      g_param_spec_uint ("bitrate", "Bit rate",
          "Rate in kbit/s (0 = constant quality)", 0, MAX_BITRATE,
          DEFAULT_BITRATE, G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
          GST_PARAM_MUTABLE_PLAYING));

  /**
   * GstWallocEnc:channels:
   *
   * Greatest number of latent channels to keep, in order of importance.
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, PROP_CHANNELS,
      g_param_spec_uint ("channels", "Channels",
          "Latent channels to keep at most (0 = by quality)", 0, MAX_CHANNELS,
          DEFAULT_CHANNELS, G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
          GST_PARAM_MUTABLE_PLAYING));

  /**
   * GstWallocEnc:speed:
   *
   * 5 is the fastest. Below, what each latent costs is weighed against what
   * it brings: smaller files of the same quality, in more time. Key frames
   * that are not followed by predicted ones, and those that begin such a
   * sequence, gain by it. Models of the published form know speed 5 only.
   *
   * Since: 0.2
   */
  g_object_class_install_property (object_class, PROP_SPEED,
      g_param_spec_uint ("speed", "Speed",
          "1 (smallest files) to 5 (fastest)", 1, 5, DEFAULT_SPEED,
          G_PARAM_READWRITE | GST_PARAM_MUTABLE_PLAYING |
          G_PARAM_STATIC_STRINGS));

  /**
   * GstWallocEnc:layers:
   *
   * Layers that the channels of a frame are divided into, fewer where few
   * channels are kept. Elements such as #GstWallocThin leave out the highest
   * ones without decoding.
   *
   * Since: 0.2
   */
  g_object_class_install_property (object_class, PROP_LAYERS,
      g_param_spec_uint ("layers", "Layers",
          "Layers of channels that can be left out later (0 = three in video, "
          "one in pictures without a frame rate)", 0,
          WALLOC_FRAME_MAX_LAYERS, DEFAULT_LAYERS, G_PARAM_READWRITE |
          G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING));

  /**
   * GstWallocEnc:slice-rows:
   *
   * Rows of latents, of 8 pixels each, that make a slice. Slices are coded
   * alone: what a network loses of one leaves the others whole. Small ones
   * cost some more bytes. In a stream with predicted frames a change makes a
   * key frame.
   *
   * Since: 0.2
   */
  g_object_class_install_property (object_class, PROP_SLICE_ROWS,
      g_param_spec_uint ("slice-rows", "Rows of a slice",
          "Rows of 8 pixels per slice, which is what a lost packet costs "
          "(0 = automatic: few slices)", 0, WALLOC_FRAME_MAX_SLICES,
          DEFAULT_SLICE_ROWS, G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
          GST_PARAM_MUTABLE_PLAYING));

  /**
   * GstWallocEnc:key-int-max:
   *
   * Greatest distance between key frames, in frames. With 1 every frame is a
   * key frame and decodes alone. Above, frames are predicted where that pays:
   * there are more key frames at cuts, and nothing else in scenes in which
   * everything moves. Forced key units are honoured. Models in the published
   * form make key frames only.
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, PROP_KEY_INT_MAX,
      g_param_spec_uint ("key-int-max", "Key frame interval",
          "Greatest distance between key frames (1 = key frames only)", 1,
          65535, DEFAULT_KEY_INT_MAX, G_PARAM_READWRITE |
          G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING));

  /**
   * GstWallocEnc:threads:
   *
   * Threads that work on one picture. The output does not depend on it.
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, PROP_THREADS,
      g_param_spec_uint ("threads", "Threads",
          "Threads to use (0 = as many as there are processors)", 0,
          MAX_THREADS, DEFAULT_THREADS, G_PARAM_READWRITE |
          G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY));

  /**
   * GstWallocEnc:model-file:
   *
   * A model file, or the name of one in the directories of the environment
   * variable GST_WALLOC_MODEL_PATH or the install directory.
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, PROP_MODEL_FILE,
      g_param_spec_string ("model-file", "Model file",
          "Path or name of the model (NULL = " GST_WALLOC_DEFAULT_MODEL ")",
          NULL, G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
          GST_PARAM_MUTABLE_READY));

  /**
   * GstWallocEnc:snapshot:
   *
   * End the stream after the first picture.
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, PROP_SNAPSHOT,
      g_param_spec_boolean ("snapshot", "Snapshot",
          "Send EOS after the first picture", DEFAULT_SNAPSHOT,
          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
          GST_PARAM_MUTABLE_PLAYING));

  /**
   * GstWallocEnc:stats:
   *
   * Counters since the start, a structure
   * `application/x-wallocenc-stats` with
   *
   * * #guint64 `frames`, `dropped` (late ones), `skipped` (left out because
   *   even the coarsest step exceeds the rate), `again` (attempts beyond the
   *   first, to hit the rate), `bytes`, `pixels`
   * * #gdouble `bits-per-pixel`: mean over all frames
   * * #guint64 `transform-time`, `projection-time`, `entropy-time`: ns spent
   *   in each stage
   * * #guint `step-index`, `channels`, `layers`: of the last frame
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, PROP_STATS,
      g_param_spec_boxed ("stats", "Statistics",
          "Counters since the start", GST_TYPE_STRUCTURE,
          G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
}

/* Sets their defaults. */
void
gst_walloc_enc_init_properties (GstWallocEnc * self)
{
  self->quality = DEFAULT_QUALITY;
  self->bitrate = DEFAULT_BITRATE;
  self->channels = DEFAULT_CHANNELS;
  self->layers = DEFAULT_LAYERS;
  self->slice_rows = DEFAULT_SLICE_ROWS;
  self->speed = DEFAULT_SPEED;
  self->key_int_max = DEFAULT_KEY_INT_MAX;
  self->threads = DEFAULT_THREADS;
  self->snapshot = DEFAULT_SNAPSHOT;
}
