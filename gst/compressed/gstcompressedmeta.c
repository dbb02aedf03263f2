/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Results as structures in custom metas. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstcompressedmeta.h"

/* Registers the metas, once per process: elements of other plugins may read
 * them without this one by their names. */
void
gst_compressed_meta_register (void)
{
  static gsize once;

  if (g_once_init_enter (&once)) {
    /* no tags: decoders and filters then copy them */
    static const gchar *tags[] = { NULL };

    if (!gst_meta_get_info (GST_COMPRESSED_CLASSIFY_META))
      gst_meta_register_custom (GST_COMPRESSED_CLASSIFY_META, tags, NULL, NULL,
          NULL);
    if (!gst_meta_get_info (GST_COMPRESSED_SEGMENT_META))
      gst_meta_register_custom (GST_COMPRESSED_SEGMENT_META, tags, NULL, NULL,
          NULL);
    if (!gst_meta_get_info (GST_COMPRESSED_READ_META))
      gst_meta_register_custom (GST_COMPRESSED_READ_META, tags, NULL, NULL,
          NULL);
    g_once_init_leave (&once, 1);
  }
}

static gboolean
copy_field (GQuark field, const GValue * value, gpointer structure)
{
  gst_structure_id_set_value (structure, field, value);
  return TRUE;
}

/* Sets all fields of @from in @to. */
void
gst_compressed_result_copy (const GstStructure * from, GstStructure * to)
{
  gst_structure_foreach (from, copy_field, to);
}

/* Attaches the fields of @result to @buffer, which must be writable. */
void
gst_compressed_meta_attach (GstBuffer * buffer, const gchar * name,
    const GstStructure * result)
{
  GstCustomMeta *meta;

  gst_compressed_meta_register ();
  meta = gst_buffer_add_custom_meta (buffer, name);
  g_return_if_fail (meta != NULL);
  gst_compressed_result_copy (result, gst_custom_meta_get_structure (meta));
}

/* The @index-th result of that kind on @buffer, in the order in which they
 * were attached; %NULL when there are fewer. */
const GstStructure *
gst_compressed_meta_get (GstBuffer * buffer, const gchar * name, guint index)
{
  const GstMetaInfo *info;
  gpointer state = NULL;
  GstMeta *meta;

  gst_compressed_meta_register ();
  info = gst_meta_get_info (name);
  while (info && (meta = gst_buffer_iterate_meta_filtered (buffer, &state,
              info->api))) {
    if (index-- == 0)
      return gst_custom_meta_get_structure ((GstCustomMeta *) meta);
  }

  return NULL;
}

/* Appends a structure "class" to @classes, a %GST_TYPE_ARRAY. */
void
gst_compressed_result_add_class (GValue * classes,
    const GstCompressedClass * item, gboolean segment)
{
  GstStructure *s = gst_structure_new ("class",
      "label", G_TYPE_STRING, item->label,
      "class-id", G_TYPE_UINT, item->class_id, NULL);
  GValue value = G_VALUE_INIT;

  if (segment) {
    gst_structure_set (s, "share", G_TYPE_DOUBLE, item->share,
        "colour", G_TYPE_UINT, item->colour, NULL);
  } else {
    gst_structure_set (s, "confidence", G_TYPE_DOUBLE, item->confidence, NULL);
  }
  g_value_init (&value, GST_TYPE_STRUCTURE);
  g_value_take_boxed (&value, s);
  gst_value_array_append_and_take_value (classes, &value);
}

guint
gst_compressed_result_n_classes (const GstStructure * result)
{
  const GValue *classes = gst_structure_get_value (result, "classes");

  if (!classes || !GST_VALUE_HOLDS_ARRAY (classes))
    return 0;
  return gst_value_array_get_size (classes);
}

gboolean
gst_compressed_result_get_class (const GstStructure * result, guint index,
    GstCompressedClass * item)
{
  const GValue *classes = gst_structure_get_value (result, "classes"), *value;
  const GstStructure *s;

  memset (item, 0, sizeof (*item));
  if (index >= gst_compressed_result_n_classes (result))
    return FALSE;
  value = gst_value_array_get_value (classes, index);
  if (!GST_VALUE_HOLDS_STRUCTURE (value))
    return FALSE;
  s = gst_value_get_structure (value);
  item->label = gst_structure_get_string (s, "label");
  gst_structure_get_double (s, "confidence", &item->confidence);
  gst_structure_get_double (s, "share", &item->share);
  gst_structure_get_uint (s, "colour", &item->colour);

  return gst_structure_get_uint (s, "class-id", &item->class_id)
      && item->label != NULL;
}

/* Takes references; the mask must not be changed any more. */
void
gst_compressed_result_set_mask (GstStructure * result,
    const GstCompressedMask * mask)
{
  GstCaps *caps = gst_video_info_to_caps (&mask->info);
  GstSample *sample = gst_sample_new (mask->buffer, caps, NULL, NULL);

  gst_structure_set (result, "mask", GST_TYPE_SAMPLE, sample,
      "cell", G_TYPE_UINT, mask->cell, "width", G_TYPE_UINT, mask->width,
      "height", G_TYPE_UINT, mask->height, NULL);
  gst_sample_unref (sample);
  gst_caps_unref (caps);
}

gboolean
gst_compressed_result_get_mask (const GstStructure * result,
    GstCompressedMask * mask)
{
  const GValue *value = gst_structure_get_value (result, "mask");
  GstSample *sample;

  memset (mask, 0, sizeof (*mask));
  if (!value || !G_VALUE_HOLDS (value, GST_TYPE_SAMPLE))
    return FALSE;
  sample = gst_value_get_sample (value);
  if (!sample || !gst_sample_get_buffer (sample) || !gst_sample_get_caps
      (sample) || !gst_video_info_from_caps (&mask->info,
          gst_sample_get_caps (sample)))
    return FALSE;
  mask->buffer = gst_sample_get_buffer (sample);

  return GST_VIDEO_INFO_FORMAT (&mask->info) == GST_VIDEO_FORMAT_GRAY8
      && gst_structure_get_uint (result, "cell", &mask->cell)
      && mask->cell > 0
      && gst_structure_get_uint (result, "width", &mask->width)
      && gst_structure_get_uint (result, "height", &mask->height);
}

/* Appends a structure "line" to @lines, a %GST_TYPE_ARRAY. */
void
gst_compressed_result_add_line (GValue * lines, const GstCompressedLine * line)
{
  GstStructure *s = gst_structure_new ("line",
      "text", G_TYPE_STRING, line->text,
      "left", G_TYPE_DOUBLE, line->left, "top", G_TYPE_DOUBLE, line->top,
      "right", G_TYPE_DOUBLE, line->right,
      "bottom", G_TYPE_DOUBLE, line->bottom,
      "confidence", G_TYPE_DOUBLE, line->confidence,
      "column", G_TYPE_UINT, line->column, NULL);
  GValue value = G_VALUE_INIT;

  g_value_init (&value, GST_TYPE_STRUCTURE);
  g_value_take_boxed (&value, s);
  gst_value_array_append_and_take_value (lines, &value);
}

gboolean
gst_compressed_result_get_line (const GstStructure * result, guint index,
    GstCompressedLine * line)
{
  const GValue *lines = gst_structure_get_value (result, "lines"), *value;
  const GstStructure *s;

  memset (line, 0, sizeof (*line));
  if (!lines || !GST_VALUE_HOLDS_ARRAY (lines)
      || index >= gst_value_array_get_size (lines))
    return FALSE;
  value = gst_value_array_get_value (lines, index);
  if (!GST_VALUE_HOLDS_STRUCTURE (value))
    return FALSE;
  s = gst_value_get_structure (value);
  line->text = gst_structure_get_string (s, "text");
  gst_structure_get_double (s, "confidence", &line->confidence);
  gst_structure_get_uint (s, "column", &line->column);

  return line->text && gst_structure_get_double (s, "left", &line->left)
      && gst_structure_get_double (s, "top", &line->top)
      && gst_structure_get_double (s, "right", &line->right)
      && gst_structure_get_double (s, "bottom", &line->bottom);
}

/* A colour for networks that bring none: hues a golden section apart, so that
 * near numbers look unlike. */
guint32
gst_compressed_default_colour (guint class_id)
{
  guint hue = (guint) ((class_id * 618034ull) % 1000000ull * 1536 / 1000000);
  guint rise = hue % 256, fall = 255 - rise;

  switch (hue / 256) {
    case 0:
      return 0xff0000 | rise << 8;
    case 1:
      return 0x00ff00 | fall << 16;
    case 2:
      return 0x00ff00 | rise;
    case 3:
      return 0x0000ff | fall << 8;
    case 4:
      return 0x0000ff | rise << 16;
    default:
      return 0xff0000 | fall;
  }
}
