/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What wallocdec is told, and what it counts. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstwalloccommon.h"
#include "gstwallocdec.h"

#define DEFAULT_DECODER WALLOC_DECODER_AUTO
#define DEFAULT_THREADS 0
#define DEFAULT_CONCEAL FALSE
/* 8192 x 8192: latents of that take 400 MB, a picture 100 to 270 MB */
#define DEFAULT_MAX_PIXELS (1u << 26)
#define MAX_THREADS 64

enum
{
  PROP_0,
  PROP_DECODER,
  PROP_THREADS,
  PROP_MODEL_FILE,
  PROP_CONCEAL,
  PROP_MAX_PIXELS,
  PROP_STATS
};

/**
 * GstWallocDecDecoder:
 * @auto: best for stills and streams that are not live, fast for live ones,
 *   as far as the model has them and time allows
 * @linear: one matrix and synthesis
 * @fast: small network for live video
 * @best: network for best quality
 *
 * Since: 0.1
 */
#define GST_TYPE_WALLOC_DEC_DECODER (gst_walloc_dec_decoder_get_type ())
static GType
gst_walloc_dec_decoder_get_type (void)
{
  static gsize type;
  static const GEnumValue values[] = {
    {WALLOC_DECODER_AUTO,
        "The best one that the model has and time allows", "auto"},
    {WALLOC_DECODER_LINEAR, "One matrix and synthesis, always there",
        "linear"},
    {WALLOC_DECODER_FAST, "Small network for live video", "fast"},
    {WALLOC_DECODER_BEST, "Network for best quality", "best"},
    {0, NULL, NULL}
  };

  if (g_once_init_enter (&type)) {
    GType t = g_enum_register_static ("GstWallocDecDecoder", values);

    g_once_init_leave (&type, t);
  }
  return type;
}

static GstStructure *
gst_walloc_dec_get_stats (GstWallocDec * self)
{
  GstStructure *s;

  GST_OBJECT_LOCK (self);
  s = gst_structure_new ("application/x-wallocdec-stats",
      "frames", G_TYPE_UINT64, self->totals.frames + self->stats.frames,
      "dropped", G_TYPE_UINT64, self->dropped,
      "hurried", G_TYPE_UINT64, self->hurried,
      "waiting", G_TYPE_UINT64, self->waiting,
      "linear-frames", G_TYPE_UINT64, self->decoded[WALLOC_DECODER_LINEAR],
      "fast-frames", G_TYPE_UINT64, self->decoded[WALLOC_DECODER_FAST],
      "best-frames", G_TYPE_UINT64, self->decoded[WALLOC_DECODER_BEST],
      "reduce", G_TYPE_UINT, self->reduce,
      "bytes", G_TYPE_UINT64, self->totals.bytes + self->stats.bytes,
      "pixels", G_TYPE_UINT64, self->totals.pixels + self->stats.pixels,
      "damaged-slices", G_TYPE_UINT64,
      self->totals.damaged_slices + self->stats.damaged_slices,
      "entropy-time", G_TYPE_UINT64,
      self->totals.ns_entropy + self->stats.ns_entropy,
      "network-time", G_TYPE_UINT64,
      self->totals.ns_network + self->stats.ns_network,
      "synthesis-time", G_TYPE_UINT64,
      self->totals.ns_synthesis + self->stats.ns_synthesis, NULL);
  GST_OBJECT_UNLOCK (self);

  return s;
}

void
gst_walloc_dec_set_property (GObject * object, guint prop_id,
    const GValue * value, GParamSpec * pspec)
{
  GstWallocDec *self = GST_WALLOC_DEC (object);

  GST_OBJECT_LOCK (self);
  switch (prop_id) {
    case PROP_DECODER:
      self->kind = g_value_get_enum (value);
      break;
    case PROP_THREADS:
      self->threads = g_value_get_uint (value);
      break;
    case PROP_MODEL_FILE:
      g_free (self->model_file);
      self->model_file = g_value_dup_string (value);
      break;
    case PROP_CONCEAL:
      self->conceal = g_value_get_boolean (value);
      break;
    case PROP_MAX_PIXELS:
      self->max_pixels = g_value_get_uint64 (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      break;
  }
  GST_OBJECT_UNLOCK (self);
}

void
gst_walloc_dec_get_property (GObject * object, guint prop_id, GValue * value,
    GParamSpec * pspec)
{
  GstWallocDec *self = GST_WALLOC_DEC (object);

  if (prop_id == PROP_STATS) {
    g_value_take_boxed (value, gst_walloc_dec_get_stats (self));
    return;
  }

  GST_OBJECT_LOCK (self);
  switch (prop_id) {
    case PROP_DECODER:
      g_value_set_enum (value, self->kind);
      break;
    case PROP_THREADS:
      g_value_set_uint (value, self->threads);
      break;
    case PROP_MODEL_FILE:
      g_value_set_string (value, self->model_file);
      break;
    case PROP_CONCEAL:
      g_value_set_boolean (value, self->conceal);
      break;
    case PROP_MAX_PIXELS:
      g_value_set_uint64 (value, self->max_pixels);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      break;
  }
  GST_OBJECT_UNLOCK (self);
}

void
gst_walloc_dec_install_properties (GObjectClass * object_class)
{
  /**
   * GstWallocDec:decoder:
   *
   * Which of the model's decoders turns latents into pictures.
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, PROP_DECODER,
      g_param_spec_enum ("decoder", "Decoder",
          "Which decoder of the model to use", GST_TYPE_WALLOC_DEC_DECODER,
          DEFAULT_DECODER, G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
          GST_PARAM_MUTABLE_PLAYING));

  /**
   * GstWallocDec:threads:
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
   * GstWallocDec:model-file:
   *
   * The only model to consider: a file, or the name of one in the model
   * directories. Without it the model that the stream names is searched in
   * all of them.
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, PROP_MODEL_FILE,
      g_param_spec_string ("model-file", "Model file",
          "Path or name of the model (NULL = found by the stream's model id)",
          NULL, G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
          GST_PARAM_MUTABLE_READY));

  /**
   * GstWallocDec:conceal:
   *
   * What becomes of frames that build on a lost one: by default they are left
   * out until the next key frame. With this they are shown as far as they can
   * be decoded, marked with %GST_BUFFER_FLAG_CORRUPTED; the rest stays as it
   * was. Upstream is asked for a key frame either way.
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, PROP_CONCEAL,
      g_param_spec_boolean ("conceal", "Conceal lost frames",
          "Show frames that build on a lost one as far as they can be decoded",
          DEFAULT_CONCEAL, G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
          GST_PARAM_MUTABLE_PLAYING));

  /**
   * GstWallocDec:max-pixels:
   *
   * Width times height that the header of a frame may claim, whatever size it
   * is decoded to. Frames with greater pictures are dropped before memory is
   * taken for them.
   *
   * Since: 0.2
   */
  g_object_class_install_property (object_class, PROP_MAX_PIXELS,
      g_param_spec_uint64 ("max-pixels", "Maximum pixels",
          "Greatest picture that is decoded, in pixels", 1,
          (guint64) WALLOC_MAX_SIZE * WALLOC_MAX_SIZE, DEFAULT_MAX_PIXELS,
          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
          GST_PARAM_MUTABLE_PLAYING));

  /**
   * GstWallocDec:stats:
   *
   * Counters since the start, a structure
   * `application/x-wallocdec-stats` with
   *
   * * #guint64 `frames`, `dropped` (late ones, not decoded), `hurried`
   *   (auto took a cheaper decoder for lack of time), `waiting` (left out
   *   until the next key frame), `bytes`,
   *   `pixels`, `damaged-slices` (concealed)
   * * #guint64 `linear-frames`, `fast-frames`, `best-frames`: how often each
   *   decoder was used
   * * #guint `reduce`: pictures are 1 / 2^reduce of their size
   * * #guint64 `entropy-time`, `network-time`, `synthesis-time`: ns spent in
   *   each stage
   *
   * Since: 0.1
   */
  g_object_class_install_property (object_class, PROP_STATS,
      g_param_spec_boxed ("stats", "Statistics",
          "Counters since the start", GST_TYPE_STRUCTURE,
          G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));

  gst_type_mark_as_plugin_api (GST_TYPE_WALLOC_DEC_DECODER, 0);
}

/* Sets their defaults. */
void
gst_walloc_dec_init_properties (GstWallocDec * self)
{
  self->kind = DEFAULT_DECODER;
  self->threads = DEFAULT_THREADS;
  self->conceal = DEFAULT_CONCEAL;
  self->max_pixels = DEFAULT_MAX_PIXELS;
}
