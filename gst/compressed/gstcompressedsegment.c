/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * SECTION:element-compressedsegment
 * @title: compressedsegment
 * @short_description: Segments WaLLoC video without decoding it
 * @see_also: compressedclassify, wallocenc, wallocparse
 *
 * Runs a network on the latents of each frame of a compressed video and tells
 * which class each part of the picture is of. Latents come from the entropy
 * decoder alone: no picture is made. Compressed buffers pass through untouched.
 *
 * The mask, GRAY8 with class numbers as values, comes out at the request pad
 * `mask`, and in a custom meta on the buffer, which decoders pass on, so that
 * an overlay behind one can draw it.
 *
 * Each result is an element message named `compressedsegment` with
 *
 * * #guint64 `timestamp`, `stream-time`, `running-time`, `duration`
 * * #gchararray `network`: its name
 * * #gchararray `label`, #guint `class-id`, #gdouble `share`: the class that
 *   most of the picture is of
 * * #GST_TYPE_ARRAY `classes` of #GstStructure `class` with #gchararray
 *   `label`, #guint `class-id`, #gdouble `share` (of the mask, 0 to 1), #guint
 *   `colour` (0xrrggbb): all classes, by number
 *
 * The meta `GstCompressedSegmentMeta` has the same fields, and #GstSample
 * `mask`, #guint `cell` (pixels of the picture that an element of the mask
 * covers along each axis), `width` and `height` (of the picture).
 *
 * ## Example launch lines
 * |[
 * gst-launch-1.0 filesrc location=drive.wlc ! wallocparse ! compressedsegment name=s model-file=road-1 ! fakesink s.mask ! queue ! videoconvert ! pngenc ! multifilesink location=mask%03d.png
 * ]| This line writes the masks of a video as pictures.
 *
 * Since: 0.2
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstcompressedelements.h"
#include "gstcompressedmeta.h"
#include <string.h>

#include "gstcompressedsegment.h"
#include "gstwalloccommon.h"

GST_DEBUG_CATEGORY_STATIC (compressedsegment_debug);
#define GST_CAT_DEFAULT compressedsegment_debug

#define DEFAULT_MASK_SIZE GST_COMPRESSED_MASK_LATENT

enum
{
  PROP_0,
  PROP_MASK_SIZE
};

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE ("sink",
    GST_PAD_SINK, GST_PAD_ALWAYS,
    GST_STATIC_CAPS (GST_WALLOC_VIDEO_CODED_CAPS));

static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE ("src",
    GST_PAD_SRC, GST_PAD_ALWAYS,
    GST_STATIC_CAPS (GST_WALLOC_VIDEO_CODED_CAPS));

static GstStaticPadTemplate mask_template = GST_STATIC_PAD_TEMPLATE ("mask",
    GST_PAD_SRC, GST_PAD_REQUEST,
    GST_STATIC_CAPS ("video/x-raw, format = (string) GRAY8, "
        GST_WALLOC_VIDEO_SIZES));

G_DEFINE_FINAL_TYPE (GstCompressedSegment, gst_compressed_segment,
    GST_TYPE_COMPRESSED_BASE);

GST_ELEMENT_REGISTER_DEFINE (compressedsegment, "compressedsegment",
    GST_RANK_NONE, GST_TYPE_COMPRESSED_SEGMENT);

/**
 * GstCompressedMaskSize:
 * @latent: one element for each position of the grid of latents
 * @full: one element for each pixel of the picture
 *
 * Since: 0.2
 */
#define GST_TYPE_COMPRESSED_MASK_SIZE (gst_compressed_mask_size_get_type ())
static GType
gst_compressed_mask_size_get_type (void)
{
  static gsize type;
  static const GEnumValue values[] = {
    {GST_COMPRESSED_MASK_LATENT, "One element for each position of latents",
        "latent"},
    {GST_COMPRESSED_MASK_FULL, "One element for each pixel", "full"},
    {0, NULL, NULL}
  };

  if (g_once_init_enter (&type)) {
    GType t = g_enum_register_static ("GstCompressedMaskSize", values);

    g_once_init_leave (&type, t);
  }
  return type;
}

static void
gst_compressed_segment_set_property (GObject * object, guint prop_id,
    const GValue * value, GParamSpec * pspec)
{
  GstCompressedSegment *self = GST_COMPRESSED_SEGMENT (object);

  GST_OBJECT_LOCK (self);
  switch (prop_id) {
    case PROP_MASK_SIZE:
      self->size = g_value_get_enum (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      break;
  }
  GST_OBJECT_UNLOCK (self);
}

static void
gst_compressed_segment_get_property (GObject * object, guint prop_id,
    GValue * value, GParamSpec * pspec)
{
  GstCompressedSegment *self = GST_COMPRESSED_SEGMENT (object);

  GST_OBJECT_LOCK (self);
  switch (prop_id) {
    case PROP_MASK_SIZE:
      g_value_set_enum (value, self->size);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      break;
  }
  GST_OBJECT_UNLOCK (self);
}

/* A new mask of the size that the property says, and the share of each class
 * in it. */
static walloc_result
gst_compressed_segment_make_mask (GstCompressedSegment * self,
    walloc_task * task, const GstCompressedFrame * frame,
    GstCompressedMask * mask, gfloat * shares, walloc_error * error)
{
  const walloc_latents *latents = &frame->reader->latents;
  guint cell = 8u << frame->info->scale, width, height;
  walloc_result result;
  GstMapInfo map;

  GST_OBJECT_LOCK (self);
  mask->cell = self->size == GST_COMPRESSED_MASK_FULL ? 1 : cell;
  GST_OBJECT_UNLOCK (self);
  mask->width = frame->info->width;
  mask->height = frame->info->height;
  width = mask->cell == 1 ? mask->width : latents->width;
  height = mask->cell == 1 ? mask->height : latents->height;
  gst_video_info_set_format (&mask->info, GST_VIDEO_FORMAT_GRAY8, width,
      height);
  mask->info.fps_n = MIN (frame->info->fps_n, G_MAXINT);
  mask->info.fps_d = CLAMP (frame->info->fps_d, 1, G_MAXINT);
  mask->buffer = gst_buffer_new_allocate (NULL,
      GST_VIDEO_INFO_SIZE (&mask->info), NULL);
  if (!mask->buffer || !gst_buffer_map (mask->buffer, &map, GST_MAP_WRITE)) {
    gst_clear_buffer (&mask->buffer);
    g_strlcpy (error->text, "no memory for a mask", sizeof (error->text));
    return WALLOC_ERR_MEMORY;
  }
  /* what fills rows up must not show old memory */
  if ((guint) GST_VIDEO_INFO_PLANE_STRIDE (&mask->info, 0) > width)
    memset (map.data, 0, map.size);
  result = walloc_task_mask (task, mask->cell == 1 ? cell : 1, width, height,
      map.data, GST_VIDEO_INFO_PLANE_STRIDE (&mask->info, 0), shares,
      gst_compressed_base_get_runner (GST_COMPRESSED_BASE (self)), error);
  gst_buffer_unmap (mask->buffer, &map);
  if (result != WALLOC_OK)
    gst_clear_buffer (&mask->buffer);

  return result;
}

/* All classes into @message. */
static void
gst_compressed_segment_add_classes (GstCompressedBase * base,
    const walloc_task_info * info, const gfloat * shares,
    GstStructure * message)
{
  GValue classes = G_VALUE_INIT;
  guint i, top = 0;

  g_value_init (&classes, GST_TYPE_ARRAY);
  for (i = 0; i < info->n_labels; i++) {
    GstCompressedClass item = {
      gst_compressed_base_get_label (base, i), i, 0, shares[i],
      info->palette ? (guint32) info->palette[i][0] << 16
          | (guint32) info->palette[i][1] << 8 | info->palette[i][2] :
          gst_compressed_default_colour (i)
    };

    if (shares[i] > shares[top])
      top = i;
    gst_compressed_result_add_class (&classes, &item, TRUE);
  }
  gst_structure_set (message, "label", G_TYPE_STRING,
      gst_compressed_base_get_label (base, top), "class-id", G_TYPE_UINT, top,
      "share", G_TYPE_DOUBLE, (gdouble) shares[top], NULL);
  gst_structure_set_value (message, "classes", &classes);
  g_value_unset (&classes);
}

/* The mask at the pad of that name; the metas may hold on to its memory. */
static void
gst_compressed_segment_push (GstCompressedBase * base,
    const GstCompressedFrame * frame, const GstCompressedMask * mask)
{
  GstBuffer *buffer;
  GstCaps *caps;

  if (!gst_compressed_base_has_side (base))
    return;
  buffer = gst_buffer_copy (mask->buffer);
  GST_BUFFER_PTS (buffer) = frame->timestamp;
  GST_BUFFER_DURATION (buffer) = frame->duration;
  caps = gst_video_info_to_caps (&mask->info);
  gst_compressed_base_push_side (base, caps, buffer);
  gst_caps_unref (caps);
}

static walloc_result
gst_compressed_segment_result (GstCompressedBase * base, walloc_task * task,
    const GstCompressedFrame * frame, GstStructure * message,
    GstStructure * meta, gboolean * tell, walloc_error * error)
{
  GstCompressedSegment *self = GST_COMPRESSED_SEGMENT (base);
  GstCompressedMask mask = { NULL };
  gfloat shares[WALLOC_TASK_MAX_SEGMENTS];
  walloc_task_info info;
  walloc_result result;

  walloc_task_get_info (task, &info);
  result = gst_compressed_segment_make_mask (self, task, frame, &mask, shares,
      error);
  if (result != WALLOC_OK)
    return result;
  gst_compressed_segment_add_classes (base, &info, shares, message);
  gst_compressed_result_copy (message, meta);
  gst_compressed_result_set_mask (meta, &mask);
  gst_compressed_segment_push (base, frame, &mask);
  gst_buffer_unref (mask.buffer);
  GST_LOG_OBJECT (self, "%" GST_PTR_FORMAT, message);

  return WALLOC_OK;
}

static void
gst_compressed_segment_class_init (GstCompressedSegmentClass * klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GstCompressedBaseClass *base_class = GST_COMPRESSED_BASE_CLASS (klass);

  GST_DEBUG_CATEGORY_INIT (compressedsegment_debug, "compressedsegment", 0,
      "Segmentation of compressed video");

  object_class->set_property = gst_compressed_segment_set_property;
  object_class->get_property = gst_compressed_segment_get_property;

  /**
   * GstCompressedSegment:mask-size:
   *
   * Resolution of the mask. A mask of latents has one element for each 8 by 8
   * pixels (16 or 32, where the stream is coded at a half or a quarter of its
   * size).
   *
   * Since: 0.2
   */
  g_object_class_install_property (object_class, PROP_MASK_SIZE,
      g_param_spec_enum ("mask-size", "Mask size",
          "Resolution of the mask", GST_TYPE_COMPRESSED_MASK_SIZE,
          DEFAULT_MASK_SIZE, G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
          GST_PARAM_MUTABLE_PLAYING));

  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_element_class_add_static_pad_template (element_class, &mask_template);
  gst_element_class_set_static_metadata (element_class,
      "Compressed-domain segmentation", "Filter/Analyzer/Video",
      "Segments video of a learned codec without decoding it",
      GST_PACKAGE_NAME);
  gst_type_mark_as_plugin_api (GST_TYPE_COMPRESSED_MASK_SIZE, 0);

  base_class->kind = WALLOC_TASK_SEGMENT;
  base_class->name = "compressedsegment";
  base_class->meta = GST_COMPRESSED_SEGMENT_META;
  base_class->side = "mask";
  base_class->result = GST_DEBUG_FUNCPTR (gst_compressed_segment_result);
}

static void
gst_compressed_segment_init (GstCompressedSegment * self)
{
  self->size = DEFAULT_MASK_SIZE;
}
