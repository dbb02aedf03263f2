/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Properties of the base class. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstcompressedbase-private.h"

#define DEFAULT_INTERVAL 0
#define DEFAULT_POST_MESSAGES TRUE
#define DEFAULT_ATTACH_META TRUE
#define DEFAULT_THREADS 1
#define DEFAULT_LEAKY FALSE
#define DEFAULT_RESAMPLE TRUE

#define MAX_THREADS 64

enum
{
  PROP_0,
  PROP_MODEL_FILE,
  PROP_LABELS_FILE,
  PROP_INTERVAL,
  PROP_POST_MESSAGES,
  PROP_ATTACH_META,
  PROP_THREADS,
  PROP_LEAKY,
  PROP_RESAMPLE,
  PROP_STATS
};

static GstStructure *
gst_compressed_base_get_stats (GstCompressedBase * self)
{
  GstCompressedBasePrivate *priv = gst_compressed_base_get_private (self);
  const GstCompressedStats *stats = &priv->stats;
  GstStructure *s;

  GST_OBJECT_LOCK (self);
  s = gst_structure_new ("application/x-compressed-stats",
      "frames", G_TYPE_UINT64, stats->frames,
      "analysed", G_TYPE_UINT64, stats->analysed,
      "skipped", G_TYPE_UINT64, stats->skipped,
      "damaged", G_TYPE_UINT64, stats->damaged,
      "waiting", G_TYPE_UINT64, stats->waiting,
      "failed", G_TYPE_UINT64, stats->failed,
      "entropy-time", G_TYPE_UINT64, stats->entropy_time,
      "network-time", G_TYPE_UINT64, stats->network_time,
      "result-time", G_TYPE_UINT64, stats->result_time,
      "instances", G_TYPE_UINT, priv->instances,
      "enlarged", G_TYPE_UINT64, stats->enlarged,
      "reduced", G_TYPE_UINT64, stats->reduced,
      "zoom", G_TYPE_INT, stats->zoom,
      "grid-width", G_TYPE_UINT, stats->grid_width,
      "grid-height", G_TYPE_UINT, stats->grid_height, NULL);
  GST_OBJECT_UNLOCK (self);

  return s;
}

static void
gst_compressed_base_set_property (GObject * object, guint prop_id,
    const GValue * value, GParamSpec * pspec)
{
  GstCompressedBase *self = GST_COMPRESSED_BASE (object);
  GstCompressedBasePrivate *priv = gst_compressed_base_get_private (self);

  GST_OBJECT_LOCK (self);
  switch (prop_id) {
    case PROP_MODEL_FILE:
      g_free (priv->model_file);
      priv->model_file = g_value_dup_string (value);
      priv->changed = TRUE;
      break;
    case PROP_LABELS_FILE:
      g_free (priv->labels_file);
      priv->labels_file = g_value_dup_string (value);
      priv->changed = TRUE;
      break;
    case PROP_INTERVAL:
      priv->interval = g_value_get_uint64 (value);
      break;
    case PROP_POST_MESSAGES:
      priv->post_messages = g_value_get_boolean (value);
      break;
    case PROP_ATTACH_META:
      priv->attach_meta = g_value_get_boolean (value);
      break;
    case PROP_THREADS:
      priv->threads = g_value_get_uint (value);
      break;
    case PROP_LEAKY:
      priv->leaky = g_value_get_boolean (value);
      break;
    case PROP_RESAMPLE:
      priv->resample = g_value_get_boolean (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      break;
  }
  GST_OBJECT_UNLOCK (self);
}

static void
gst_compressed_base_get_property (GObject * object, guint prop_id,
    GValue * value, GParamSpec * pspec)
{
  GstCompressedBase *self = GST_COMPRESSED_BASE (object);
  GstCompressedBasePrivate *priv = gst_compressed_base_get_private (self);

  if (prop_id == PROP_STATS) {
    g_value_take_boxed (value, gst_compressed_base_get_stats (self));
    return;
  }

  GST_OBJECT_LOCK (self);
  switch (prop_id) {
    case PROP_MODEL_FILE:
      g_value_set_string (value, priv->model_file);
      break;
    case PROP_LABELS_FILE:
      g_value_set_string (value, priv->labels_file);
      break;
    case PROP_INTERVAL:
      g_value_set_uint64 (value, priv->interval);
      break;
    case PROP_POST_MESSAGES:
      g_value_set_boolean (value, priv->post_messages);
      break;
    case PROP_ATTACH_META:
      g_value_set_boolean (value, priv->attach_meta);
      break;
    case PROP_THREADS:
      g_value_set_uint (value, priv->threads);
      break;
    case PROP_LEAKY:
      g_value_set_boolean (value, priv->leaky);
      break;
    case PROP_RESAMPLE:
      g_value_set_boolean (value, priv->resample);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      break;
  }
  GST_OBJECT_UNLOCK (self);
}

void
gst_compressed_base_install_properties (GObjectClass * object_class)
{
  object_class->set_property = gst_compressed_base_set_property;
  object_class->get_property = gst_compressed_base_get_property;

  /**
   * GstCompressedBase:model-file:
   *
   * The network: an ONNX file, or the name of one in the model directories
   * and tasks/ in them.
   *
   * Since: 0.2
   */
  g_object_class_install_property (object_class, PROP_MODEL_FILE,
      g_param_spec_string ("model-file", "Model file",
          "Path or name of the task network (ONNX)", NULL, G_PARAM_READWRITE |
          G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING));

  /**
   * GstCompressedBase:labels-file:
   *
   * Labels in place of the network's own: text with one in each line, at least
   * as many as the network has classes.
   *
   * Since: 0.2
   */
  g_object_class_install_property (object_class, PROP_LABELS_FILE,
      g_param_spec_string ("labels-file", "Labels file",
          "Text file with one label in each line (NULL = the network's own)",
          NULL, G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
          GST_PARAM_MUTABLE_PLAYING));

  /**
   * GstCompressedBase:interval:
   *
   * Time from one analysis to the next, of running time.
   *
   * Since: 0.2
   */
  g_object_class_install_property (object_class, PROP_INTERVAL,
      g_param_spec_uint64 ("interval", "Interval",
          "Time between analyses, ns (0 = every frame)", 0, G_MAXINT64,
          DEFAULT_INTERVAL, G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
          GST_PARAM_MUTABLE_PLAYING));

  /**
   * GstCompressedBase:post-messages:
   *
   * Post an element message with each result.
   *
   * Since: 0.2
   */
  g_object_class_install_property (object_class, PROP_POST_MESSAGES,
      g_param_spec_boolean ("post-messages", "Post messages",
          "Post a message with each result", DEFAULT_POST_MESSAGES,
          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
          GST_PARAM_MUTABLE_PLAYING));

  /**
   * GstCompressedBase:attach-meta:
   *
   * Attach each result to the buffer that it is of or, with
   * #GstCompressedBase:leaky, to the next one that passes.
   *
   * Since: 0.2
   */
  g_object_class_install_property (object_class, PROP_ATTACH_META,
      g_param_spec_boolean ("attach-meta", "Attach metas",
          "Attach a meta with each result to a buffer", DEFAULT_ATTACH_META,
          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
          GST_PARAM_MUTABLE_PLAYING));

  /**
   * GstCompressedBase:threads:
   *
   * Threads that work on one frame. Results do not depend on it.
   *
   * Since: 0.2
   */
  g_object_class_install_property (object_class, PROP_THREADS,
      g_param_spec_uint ("threads", "Threads",
          "Threads to use (0 = as many as there are processors)", 0,
          MAX_THREADS, DEFAULT_THREADS, G_PARAM_READWRITE |
          G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY));

  /**
   * GstCompressedBase:leaky:
   *
   * Analyse in another thread, so that the stream never waits. A frame that
   * comes while an older one waits to be analysed takes its place. Results
   * come by messages, pads and on a later buffer; their time stamps are those
   * of the frames that they are of.
   *
   * Since: 0.2
   */
  g_object_class_install_property (object_class, PROP_LEAKY,
      g_param_spec_boolean ("leaky", "Leaky",
          "Analyse in another thread, and leave out frames where that is slower",
          DEFAULT_LEAKY, G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
          GST_PARAM_MUTABLE_READY));

  /**
   * GstCompressedBase:resample:
   *
   * Bring latents of pictures of another size near to the size that the
   * network was made for, by the graphs that it has for that. Networks without
   * such graphs see every picture as it is coded.
   *
   * Since: 0.2
   */
  g_object_class_install_property (object_class, PROP_RESAMPLE,
      g_param_spec_boolean ("resample", "Resample",
          "Resample latents to the size that the network was made for",
          DEFAULT_RESAMPLE, G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
          GST_PARAM_MUTABLE_PLAYING));

  /**
   * GstCompressedBase:stats:
   *
   * Counters since the start, a structure `application/x-compressed-stats`
   * with
   *
   * * #guint64 `frames` (that passed), `analysed` (results; of sound, windows),
   *   `skipped` (not due, or left out with leaky), `damaged`, `waiting` (for a
   *   key frame), `failed` (the network made nothing of them)
   * * #guint64 `entropy-time`, `network-time`, `result-time`: ns spent in each
   *   stage
   * * #guint `instances`: copies of the network in this process, for all
   *   elements that use it
   * * #guint64 `enlarged`, `reduced`: pictures that were resampled before the
   *   network saw them
   * * #gint `zoom`: how often the last one was enlarged by two, below 0:
   *   reduced; #guint `grid-width`, `grid-height`: positions of latents that
   *   the network saw of it
   *
   * Since: 0.2
   */
  g_object_class_install_property (object_class, PROP_STATS,
      g_param_spec_boxed ("stats", "Statistics",
          "Counters since the start", GST_TYPE_STRUCTURE,
          G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
}

void
gst_compressed_base_init_properties (GstCompressedBasePrivate * priv)
{
  priv->interval = DEFAULT_INTERVAL;
  priv->post_messages = DEFAULT_POST_MESSAGES;
  priv->attach_meta = DEFAULT_ATTACH_META;
  priv->threads = DEFAULT_THREADS;
  priv->leaky = DEFAULT_LEAKY;
  priv->resample = DEFAULT_RESAMPLE;
}
