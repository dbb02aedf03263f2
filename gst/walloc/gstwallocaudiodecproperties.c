/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What wallocaudiodec is told, and what it counts. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstwallocaudiodec.h"
#include "gstwalloccommon.h"

#define DEFAULT_DECODER WALLOC_DECODER_AUTO

enum
{
  PROP_0,
  PROP_DECODER,
  PROP_MODEL_FILE,
  PROP_STATS
};

/**
 * GstWallocAudioDecDecoder:
 * @auto: fast as far as the model has it and it keeps up, else linear
 * @linear: one matrix and synthesis
 * @fast: small network, added to linear
 * @best: the network of a model in the published form
 *
 * Since: 0.2
 */
#define GST_TYPE_WALLOC_AUDIO_DEC_DECODER \
    (gst_walloc_audio_dec_decoder_get_type ())
static GType
gst_walloc_audio_dec_decoder_get_type (void)
{
  static gsize type;
  static const GEnumValue values[] = {
    {WALLOC_DECODER_AUTO,
        "The best one that the model has and time allows", "auto"},
    {WALLOC_DECODER_LINEAR, "One matrix and synthesis, always there",
        "linear"},
    {WALLOC_DECODER_FAST, "Small network", "fast"},
    {WALLOC_DECODER_BEST, "Network of a model in the published form", "best"},
    {0, NULL, NULL}
  };

  if (g_once_init_enter (&type)) {
    GType t = g_enum_register_static ("GstWallocAudioDecDecoder", values);

    g_once_init_leave (&type, t);
  }
  return type;
}

static GstStructure *
gst_walloc_audio_dec_get_stats (GstWallocAudioDec * self)
{
  GstStructure *s;

  GST_OBJECT_LOCK (self);
  s = gst_structure_new ("application/x-wallocaudiodec-stats",
      "frames", G_TYPE_UINT64, self->stats.frames,
      "bytes", G_TYPE_UINT64, self->stats.bytes,
      "samples", G_TYPE_UINT64, self->stats.samples,
      "damaged", G_TYPE_UINT64, self->stats.damaged,
      "concealed", G_TYPE_UINT64, self->stats.concealed,
      "linear-frames", G_TYPE_UINT64, self->decoded[WALLOC_DECODER_LINEAR],
      "fast-frames", G_TYPE_UINT64, self->decoded[WALLOC_DECODER_FAST],
      "best-frames", G_TYPE_UINT64, self->decoded[WALLOC_DECODER_BEST],
      "hurried", G_TYPE_UINT64, self->hurried,
      "entropy-time", G_TYPE_UINT64, self->stats.ns_entropy,
      "synthesis-time", G_TYPE_UINT64, self->stats.ns_synthesis,
      "network-time", G_TYPE_UINT64, self->stats.ns_network, NULL);
  GST_OBJECT_UNLOCK (self);

  return s;
}

void
gst_walloc_audio_dec_set_property (GObject * object, guint prop_id,
    const GValue * value, GParamSpec * pspec)
{
  GstWallocAudioDec *self = GST_WALLOC_AUDIO_DEC (object);

  switch (prop_id) {
    case PROP_DECODER:
      GST_OBJECT_LOCK (self);
      self->kind = g_value_get_enum (value);
      GST_OBJECT_UNLOCK (self);
      break;
    case PROP_MODEL_FILE:
      GST_OBJECT_LOCK (self);
      g_free (self->model_file);
      self->model_file = g_value_dup_string (value);
      GST_OBJECT_UNLOCK (self);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      break;
  }
}

void
gst_walloc_audio_dec_get_property (GObject * object, guint prop_id,
    GValue * value, GParamSpec * pspec)
{
  GstWallocAudioDec *self = GST_WALLOC_AUDIO_DEC (object);

  switch (prop_id) {
    case PROP_DECODER:
      GST_OBJECT_LOCK (self);
      g_value_set_enum (value, self->kind);
      GST_OBJECT_UNLOCK (self);
      break;
    case PROP_MODEL_FILE:
      GST_OBJECT_LOCK (self);
      g_value_set_string (value, self->model_file);
      GST_OBJECT_UNLOCK (self);
      break;
    case PROP_STATS:
      g_value_take_boxed (value, gst_walloc_audio_dec_get_stats (self));
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      break;
  }
}

void
gst_walloc_audio_dec_install_properties (GObjectClass * object_class)
{
  /**
   * GstWallocAudioDec:decoder:
   *
   * What makes sound of what was coded. A network needs more time than the
   * linear decoder and gives less noise from the same stream. Auto takes it
   * unless decoding takes more than nine tenths of a frame's duration, and
   * tries again later.
   *
   * Since: 0.2
   */
  g_object_class_install_property (object_class, PROP_DECODER,
      g_param_spec_enum ("decoder", "Decoder", "What makes sound of latents",
          GST_TYPE_WALLOC_AUDIO_DEC_DECODER, DEFAULT_DECODER,
          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS
          | GST_PARAM_MUTABLE_PLAYING));

  /**
   * GstWallocAudioDec:model-file:
   *
   * Model to look at first; others are found by the id in the stream.
   *
   * Since: 0.2
   */
  g_object_class_install_property (object_class, PROP_MODEL_FILE,
      g_param_spec_string ("model-file", "Model file",
          "Model to decode with (NULL = by the id in the stream)", NULL,
          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS
          | GST_PARAM_MUTABLE_READY));

  /**
   * GstWallocAudioDec:stats:
   *
   * Counters since the element was started: frames, bytes and samples per
   * channel, segments that were damaged, blocks that were made without a
   * frame, frames by decoder, those for which decoder=auto took a cheaper one
   * than the model has, and the nanoseconds of entropy decoding and synthesis,
   * with those of the network in it.
   *
   * Since: 0.2
   */
  g_object_class_install_property (object_class, PROP_STATS,
      g_param_spec_boxed ("stats", "Statistics",
          "Counters and times of the decoder", GST_TYPE_STRUCTURE,
          G_PARAM_READABLE | G_PARAM_STATIC_STRINGS));
}

/* Sets their defaults. */
void
gst_walloc_audio_dec_init_properties (GstWallocAudioDec * self)
{
  self->kind = DEFAULT_DECODER;
}
