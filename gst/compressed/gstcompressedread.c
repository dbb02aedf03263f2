/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * SECTION:element-compressedread
 * @title: compressedread
 * @short_description: Reads text of WaLLoC pictures without decoding them
 * @see_also: compressedoverlay, compressedclassify, wallocenc, wallocparse
 *
 * Finds lines of text in the latents of compressed pages and reads them: a
 * convolutional network marks where lines are, and a second one reads symbols
 * along each of them (CTC). Latents come from the entropy decoder alone: no
 * picture is made. Compressed buffers pass through untouched.
 *
 * The request pad `text` gives the text of each picture as a buffer of UTF-8:
 * every line ends with a newline, columns of a page are read from left to right
 * and parted by an empty line.
 *
 * Each result is an element message named `compressedread` with
 *
 * * #guint64 `timestamp`, `stream-time`, `running-time`, `duration`
 * * #gchararray `network`: its name
 * * #gchararray `text`: as at the pad
 * * #guint `width`, `height`: of the picture
 * * #GST_TYPE_ARRAY `lines` of #GstStructure `line` with #gchararray `text`,
 *   #gdouble `left`, `top`, `right`, `bottom` (pixels of the picture),
 *   #gdouble `confidence` (0 to 1), #guint `column` (of the page)
 *
 * The meta `GstCompressedReadMeta` has the same fields; decoders pass it on,
 * and compressedoverlay draws it.
 *
 * ## Example launch lines
 * |[
 * gst-launch-1.0 filesrc location=page.wlc ! wallocparse ! compressedread name=r model-file=page-1 ! fakesink r.text ! queue ! filesink location=page.txt
 * ]| This line writes the text of a page into a file.
 *
 * Since: 0.2
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstcompressedelements.h"
#include "gstcompressedmeta.h"
#include "gstcompressedread.h"
#include "gstwalloccommon.h"

GST_DEBUG_CATEGORY_STATIC (compressedread_debug);
#define GST_CAT_DEFAULT compressedread_debug

#define DEFAULT_THRESHOLD 0

#define TEXT_CAPS "text/x-raw, format = (string) utf8"

enum
{
  PROP_0,
  PROP_THRESHOLD
};

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE ("sink",
    GST_PAD_SINK, GST_PAD_ALWAYS,
    GST_STATIC_CAPS (GST_WALLOC_VIDEO_CODED_CAPS));

static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE ("src",
    GST_PAD_SRC, GST_PAD_ALWAYS,
    GST_STATIC_CAPS (GST_WALLOC_VIDEO_CODED_CAPS));

static GstStaticPadTemplate text_template = GST_STATIC_PAD_TEMPLATE ("text",
    GST_PAD_SRC, GST_PAD_REQUEST, GST_STATIC_CAPS (TEXT_CAPS));

G_DEFINE_FINAL_TYPE (GstCompressedRead, gst_compressed_read,
    GST_TYPE_COMPRESSED_BASE);

GST_ELEMENT_REGISTER_DEFINE (compressedread, "compressedread", GST_RANK_NONE,
    GST_TYPE_COMPRESSED_READ);

static void
gst_compressed_read_set_property (GObject * object, guint prop_id,
    const GValue * value, GParamSpec * pspec)
{
  GstCompressedRead *self = GST_COMPRESSED_READ (object);

  GST_OBJECT_LOCK (self);
  switch (prop_id) {
    case PROP_THRESHOLD:
      self->threshold = g_value_get_double (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      break;
  }
  GST_OBJECT_UNLOCK (self);
}

static void
gst_compressed_read_get_property (GObject * object, guint prop_id,
    GValue * value, GParamSpec * pspec)
{
  GstCompressedRead *self = GST_COMPRESSED_READ (object);

  GST_OBJECT_LOCK (self);
  switch (prop_id) {
    case PROP_THRESHOLD:
      g_value_set_double (value, self->threshold);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      break;
  }
  GST_OBJECT_UNLOCK (self);
}

/* Lines that are to be told, into @lines and @text. */
static void
collect (const walloc_task_line * found, guint count, gdouble threshold,
    GValue * lines, GString * text)
{
  guint i, column = 0;

  for (i = 0; i < count; i++) {
    const walloc_task_line *from = &found[i];
    GstCompressedLine line = { from->text, from->left, from->top, from->right,
      from->bottom, from->confidence, from->column
    };

    /* a box in which nothing could be read is no text */
    if (!*from->text || from->confidence < threshold)
      continue;
    if (text->len && from->column != column)
      g_string_append_c (text, '\n');
    column = from->column;
    g_string_append (text, from->text);
    g_string_append_c (text, '\n');
    gst_compressed_result_add_line (lines, &line);
  }
}

static void
gst_compressed_read_push (GstCompressedBase * base,
    const GstCompressedFrame * frame, const GString * text)
{
  GstBuffer *buffer;
  GstCaps *caps;

  if (!gst_compressed_base_has_side (base))
    return;
  buffer = text->len ? gst_buffer_new_memdup (text->str, text->len) :
      gst_buffer_new ();
  GST_BUFFER_PTS (buffer) = frame->timestamp;
  GST_BUFFER_DURATION (buffer) = frame->duration;
  caps = gst_caps_from_string (TEXT_CAPS);
  gst_compressed_base_push_side (base, caps, buffer);
  gst_caps_unref (caps);
}

static walloc_result
gst_compressed_read_result (GstCompressedBase * base, walloc_task * task,
    const GstCompressedFrame * frame, GstStructure * message,
    GstStructure * meta, gboolean * tell, walloc_error * error)
{
  GstCompressedRead *self = GST_COMPRESSED_READ (base);
  const walloc_task_line *found;
  GValue lines = G_VALUE_INIT;
  walloc_result result;
  gdouble threshold;
  GString *text;
  guint count;

  result = walloc_task_read (task, frame->info->width, frame->info->height,
      &found, &count, gst_compressed_base_get_runner (base), error);
  if (result != WALLOC_OK)
    return result;
  GST_OBJECT_LOCK (self);
  threshold = self->threshold;
  GST_OBJECT_UNLOCK (self);

  g_value_init (&lines, GST_TYPE_ARRAY);
  text = g_string_new (NULL);
  collect (found, count, threshold, &lines, text);
  gst_compressed_read_push (base, frame, text);
  gst_structure_set (message, "text", G_TYPE_STRING, text->str,
      "width", G_TYPE_UINT, frame->info->width,
      "height", G_TYPE_UINT, frame->info->height, NULL);
  gst_structure_take_value (message, "lines", &lines);
  gst_compressed_result_copy (message, meta);
  g_string_free (text, TRUE);
  GST_LOG_OBJECT (self, "%" GST_PTR_FORMAT, message);

  return WALLOC_OK;
}

static void
gst_compressed_read_class_init (GstCompressedReadClass * klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GstCompressedBaseClass *base_class = GST_COMPRESSED_BASE_CLASS (klass);

  GST_DEBUG_CATEGORY_INIT (compressedread_debug, "compressedread", 0,
      "Reading of compressed pages");

  object_class->set_property = gst_compressed_read_set_property;
  object_class->get_property = gst_compressed_read_get_property;

  /**
   * GstCompressedRead:confidence-threshold:
   *
   * Lines whose symbols are less likely than that on average are left out.
   *
   * Since: 0.2
   */
  g_object_class_install_property (object_class, PROP_THRESHOLD,
      g_param_spec_double ("confidence-threshold", "Confidence threshold",
          "Least confidence of lines that are told", 0, 1, DEFAULT_THRESHOLD,
          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
          GST_PARAM_MUTABLE_PLAYING));

  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_element_class_add_static_pad_template (element_class, &text_template);
  gst_element_class_set_static_metadata (element_class,
      "Compressed-domain reading", "Filter/Analyzer/Video",
      "Reads text of pages of a learned codec without decoding them",
      GST_PACKAGE_NAME);

  base_class->kind = WALLOC_TASK_READ;
  base_class->name = "compressedread";
  base_class->meta = GST_COMPRESSED_READ_META;
  base_class->side = "text";
  base_class->result = GST_DEBUG_FUNCPTR (gst_compressed_read_result);
}

static void
gst_compressed_read_init (GstCompressedRead * self)
{
  self->threshold = DEFAULT_THRESHOLD;
}
