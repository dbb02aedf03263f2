/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * SECTION:element-compressedclassify
 * @title: compressedclassify
 * @short_description: Classifies WaLLoC streams without decoding them
 * @see_also: wallocenc, wallocaudioenc, wallocparse, compressedsegment
 *
 * Runs a network on the latents of each frame of a compressed stream and tells
 * what it shows or, of sound, what is heard in a window of it. Latents come
 * from the entropy decoder alone: no picture and no sound is made. Compressed
 * buffers pass through untouched.
 *
 * Networks are ONNX files that say in their metadata which codec model, how
 * many channels and which classes they are for; #GstCompressedBase:model-file
 * is one or the name of one that is installed.
 *
 * Each result is an element message named `compressedclassify` with
 *
 * * #guint64 `timestamp`, `stream-time`, `running-time`, `duration`: those of
 *   the frame or of the window of sound
 * * #gchararray `network`: its name
 * * #gchararray `label`, #guint `class-id`, #gdouble `confidence`: the most
 *   likely class
 * * #GST_TYPE_ARRAY `classes` of #GstStructure `class` with #gchararray
 *   `label`, #guint `class-id`, #gdouble `confidence`: the
 *   #GstCompressedClassify:top-k most likely ones, in order
 *
 * and a custom meta `GstCompressedClassifyMeta` on the buffer with the same
 * fields, which decoders pass on. Where GstAnalytics is there (GStreamer
 * 1.24), the buffer also has a classification of its own kind.
 *
 * ## Example launch lines
 * |[
 * gst-launch-1.0 -m filesrc location=photo.wlc ! wallocparse ! compressedclassify model-file=waste-1 top-k=3 ! fakesink
 * ]| This line prints what a photograph shows.
 *
 * Since: 0.2
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#ifdef HAVE_GST_ANALYTICS
#define GST_USE_UNSTABLE_API
#include <gst/analytics/analytics.h>
#endif

#include "gstcompressedclassify.h"
#include "gstcompressedelements.h"
#include "gstcompressedmeta.h"
#include "gstwalloccommon.h"

GST_DEBUG_CATEGORY_STATIC (compressedclassify_debug);
#define GST_CAT_DEFAULT compressedclassify_debug

#define DEFAULT_TOP_K 1
#define DEFAULT_THRESHOLD 0.0f

enum
{
  PROP_0,
  PROP_TOP_K,
  PROP_THRESHOLD
};

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE ("sink",
    GST_PAD_SINK, GST_PAD_ALWAYS,
    GST_STATIC_CAPS (GST_WALLOC_VIDEO_CODED_CAPS "; "
        GST_WALLOC_AUDIO_CODED_CAPS));

static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE ("src",
    GST_PAD_SRC, GST_PAD_ALWAYS,
    GST_STATIC_CAPS (GST_WALLOC_VIDEO_CODED_CAPS "; "
        GST_WALLOC_AUDIO_CODED_CAPS));

G_DEFINE_FINAL_TYPE (GstCompressedClassify, gst_compressed_classify,
    GST_TYPE_COMPRESSED_BASE);

GST_ELEMENT_REGISTER_DEFINE (compressedclassify, "compressedclassify",
    GST_RANK_NONE, GST_TYPE_COMPRESSED_CLASSIFY);

static void
gst_compressed_classify_set_property (GObject * object, guint prop_id,
    const GValue * value, GParamSpec * pspec)
{
  GstCompressedClassify *self = GST_COMPRESSED_CLASSIFY (object);

  GST_OBJECT_LOCK (self);
  switch (prop_id) {
    case PROP_TOP_K:
      self->top_k = g_value_get_uint (value);
      break;
    case PROP_THRESHOLD:
      self->threshold = g_value_get_float (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      break;
  }
  GST_OBJECT_UNLOCK (self);
}

static void
gst_compressed_classify_get_property (GObject * object, guint prop_id,
    GValue * value, GParamSpec * pspec)
{
  GstCompressedClassify *self = GST_COMPRESSED_CLASSIFY (object);

  GST_OBJECT_LOCK (self);
  switch (prop_id) {
    case PROP_TOP_K:
      g_value_set_uint (value, self->top_k);
      break;
    case PROP_THRESHOLD:
      g_value_set_float (value, self->threshold);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      break;
  }
  GST_OBJECT_UNLOCK (self);
}

static walloc_result
gst_compressed_classify_result (GstCompressedBase * base, walloc_task * task,
    const GstCompressedFrame * frame, GstStructure * message,
    GstStructure * meta, gboolean * tell, walloc_error * error)
{
  GstCompressedClassify *self = GST_COMPRESSED_CLASSIFY (base);
  walloc_task_info info;
  walloc_task_class *top;
  GValue classes = G_VALUE_INIT;
  walloc_result result;
  guint n, i, told = 0;
  gfloat threshold;

  walloc_task_get_info (task, &info);
  GST_OBJECT_LOCK (self);
  n = MIN (self->top_k, info.n_labels);
  threshold = self->threshold;
  GST_OBJECT_UNLOCK (self);

  top = g_new (walloc_task_class, n);
  result = walloc_task_classify (task, top, &n, error);
  if (result != WALLOC_OK) {
    g_free (top);
    return result;
  }
  g_value_init (&classes, GST_TYPE_ARRAY);
  for (i = 0; i < n && top[i].confidence >= threshold; i++) {
    GstCompressedClass item = {
      gst_compressed_base_get_label (base, top[i].class_id), top[i].class_id,
      top[i].confidence, 0, 0
    };

    gst_compressed_result_add_class (&classes, &item, FALSE);
    told++;
  }
  *tell = told > 0;
  if (told)
    gst_structure_set (message, "label", G_TYPE_STRING,
        gst_compressed_base_get_label (base, top[0].class_id),
        "class-id", G_TYPE_UINT, top[0].class_id,
        "confidence", G_TYPE_DOUBLE, (gdouble) top[0].confidence, NULL);
  gst_structure_set_value (message, "classes", &classes);
  g_value_unset (&classes);
  GST_LOG_OBJECT (self, "%" GST_PTR_FORMAT, message);
  gst_compressed_result_copy (message, meta);
  g_free (top);

  return WALLOC_OK;
}

#ifdef HAVE_GST_ANALYTICS
static void
attach_analytics (GstBuffer * buffer, const GstStructure * meta)
{
  guint n = gst_compressed_result_n_classes (meta), i;
  GstAnalyticsRelationMeta *relations;
  GstAnalyticsClsMtd classification;
  GstCompressedClass item;
  gfloat *levels = g_new0 (gfloat, n);
  GQuark *quarks = g_new0 (GQuark, n);

  for (i = 0; i < n; i++) {
    if (!gst_compressed_result_get_class (meta, i, &item))
      break;
    levels[i] = item.confidence;
    quarks[i] = g_quark_from_string (item.label);
  }
  relations = gst_buffer_get_analytics_relation_meta (buffer);
  if (!relations)
    relations = gst_buffer_add_analytics_relation_meta (buffer);
  if (relations && i)
    gst_analytics_relation_meta_add_cls_mtd (relations, i, levels, quarks,
        &classification);
  g_free (levels);
  g_free (quarks);
}
#endif

static void
gst_compressed_classify_attach (GstCompressedBase * base, GstBuffer * buffer,
    const GstStructure * meta)
{
  gst_compressed_meta_attach (buffer, GST_COMPRESSED_CLASSIFY_META, meta);
#ifdef HAVE_GST_ANALYTICS
  attach_analytics (buffer, meta);
#endif
}

static void
gst_compressed_classify_class_init (GstCompressedClassifyClass * klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GstCompressedBaseClass *base_class = GST_COMPRESSED_BASE_CLASS (klass);

  GST_DEBUG_CATEGORY_INIT (compressedclassify_debug, "compressedclassify", 0,
      "Classification of compressed streams");

  object_class->set_property = gst_compressed_classify_set_property;
  object_class->get_property = gst_compressed_classify_get_property;

  /**
   * GstCompressedClassify:top-k:
   *
   * How many classes to tell of, the most likely first.
   *
   * Since: 0.2
   */
  g_object_class_install_property (object_class, PROP_TOP_K,
      g_param_spec_uint ("top-k", "Top k",
          "How many of the most likely classes to tell of", 1,
          WALLOC_TASK_MAX_CLASSES, DEFAULT_TOP_K, G_PARAM_READWRITE |
          G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_PLAYING));

  /**
   * GstCompressedClassify:class-confidence-threshold:
   *
   * Classes of less confidence are not told of; a frame that has no other has
   * no message and no meta.
   *
   * Since: 0.2
   */
  g_object_class_install_property (object_class, PROP_THRESHOLD,
      g_param_spec_float ("class-confidence-threshold",
          "Class confidence threshold",
          "Least confidence of classes that are told of", 0.0f, 1.0f,
          DEFAULT_THRESHOLD, G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
          GST_PARAM_MUTABLE_PLAYING));

  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_element_class_set_static_metadata (element_class,
      "Compressed-domain classifier", "Filter/Analyzer/Video/Audio",
      "Classifies streams of a learned codec without decoding them",
      GST_PACKAGE_NAME);

  base_class->kind = WALLOC_TASK_CLASSIFY;
  base_class->name = "compressedclassify";
  base_class->meta = GST_COMPRESSED_CLASSIFY_META;
  base_class->result = GST_DEBUG_FUNCPTR (gst_compressed_classify_result);
  base_class->attach = GST_DEBUG_FUNCPTR (gst_compressed_classify_attach);
}

static void
gst_compressed_classify_init (GstCompressedClassify * self)
{
  self->top_k = DEFAULT_TOP_K;
  self->threshold = DEFAULT_THRESHOLD;
}
