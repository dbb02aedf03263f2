/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * SECTION:element-compressedoverlay
 * @title: compressedoverlay
 * @short_description: Draws what networks found in a compressed stream
 * @see_also: compressedsegment, compressedclassify, compressedread, wallocdec
 *
 * Downstream of a decoder, draws what compressedsegment, compressedclassify and
 * compressedread left on the compressed buffers, which decoders copy to
 * pictures: the mask in the colours of its classes, labels with how sure the
 * network is, and lines of text where they were found.
 *
 * Pictures on which there is nothing are passed on untouched. Where the
 * decoder makes smaller pictures than were encoded, masks and boxes shrink with
 * them.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 filesrc location=street.wlc ! wallocparse ! compressedsegment model-file=street-1 ! wallocdec ! compressedoverlay ! videoconvert ! autovideosink
 * ]| This line shows a street with its classes in colours.
 *
 * Since: 0.2
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <string.h>

#include "gstcompressedelements.h"
#include "gstcompressedmeta.h"
#include "gstcompressedoverlay.h"
#include "gstcompressedpaint.h"

GST_DEBUG_CATEGORY_STATIC (compressedoverlay_debug);
#define GST_CAT_DEFAULT compressedoverlay_debug

#define DEFAULT_ALPHA 0.5
#define DEFAULT_DRAW TRUE
#define DEFAULT_FONT "Sans"

/* pixels of height that a label takes one of, and at least */
#define LABEL_SHARE 24
#define LABEL_LEAST 12
#define MARGIN 4
#define WHITE 0xffffff
#define BLACK 0x000000
#define SHADE 200               /* of 256: background of letters */
#define EDGE 0xffc800           /* of boxes */

enum
{
  PROP_0,
  PROP_ALPHA,
  PROP_DRAW_MASK,
  PROP_DRAW_LABELS,
  PROP_DRAW_TEXT,
  PROP_FONT
};

/* What to draw, as it is set now. */
typedef struct
{
  gdouble alpha;
  gboolean mask, labels, text;
} What;

#define CAPS GST_VIDEO_CAPS_MAKE ("{ I420, YV12, NV12, NV21, Y42B, Y444, " \
    "RGB, BGR, RGBx, BGRx, xRGB, xBGR, RGBA, BGRA, ARGB, ABGR, GRAY8 }")

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE ("sink",
    GST_PAD_SINK, GST_PAD_ALWAYS, GST_STATIC_CAPS (CAPS));

static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE ("src",
    GST_PAD_SRC, GST_PAD_ALWAYS, GST_STATIC_CAPS (CAPS));

#define gst_compressed_overlay_parent_class parent_class
G_DEFINE_FINAL_TYPE (GstCompressedOverlay, gst_compressed_overlay,
    GST_TYPE_VIDEO_FILTER);

GST_ELEMENT_REGISTER_DEFINE (compressedoverlay, "compressedoverlay",
    GST_RANK_NONE, GST_TYPE_COMPRESSED_OVERLAY);

static void
gst_compressed_overlay_set_property (GObject * object, guint prop_id,
    const GValue * value, GParamSpec * pspec)
{
  GstCompressedOverlay *self = GST_COMPRESSED_OVERLAY (object);

  GST_OBJECT_LOCK (self);
  switch (prop_id) {
    case PROP_ALPHA:
      self->alpha = g_value_get_double (value);
      break;
    case PROP_DRAW_MASK:
      self->draw_mask = g_value_get_boolean (value);
      break;
    case PROP_DRAW_LABELS:
      self->draw_labels = g_value_get_boolean (value);
      break;
    case PROP_DRAW_TEXT:
      self->draw_text = g_value_get_boolean (value);
      break;
    case PROP_FONT:
      g_free (self->font);
      self->font = g_value_dup_string (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      break;
  }
  GST_OBJECT_UNLOCK (self);
}

static void
gst_compressed_overlay_get_property (GObject * object, guint prop_id,
    GValue * value, GParamSpec * pspec)
{
  GstCompressedOverlay *self = GST_COMPRESSED_OVERLAY (object);

  GST_OBJECT_LOCK (self);
  switch (prop_id) {
    case PROP_ALPHA:
      g_value_set_double (value, self->alpha);
      break;
    case PROP_DRAW_MASK:
      g_value_set_boolean (value, self->draw_mask);
      break;
    case PROP_DRAW_LABELS:
      g_value_set_boolean (value, self->draw_labels);
      break;
    case PROP_DRAW_TEXT:
      g_value_set_boolean (value, self->draw_text);
      break;
    case PROP_FONT:
      g_value_set_string (value, self->font);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      break;
  }
  GST_OBJECT_UNLOCK (self);
}

static void
gst_compressed_overlay_finalize (GObject * object)
{
  g_free (GST_COMPRESSED_OVERLAY (object)->font);

  G_OBJECT_CLASS (parent_class)->finalize (object);
}

static gboolean
gst_compressed_overlay_start (GstBaseTransform * trans)
{
  GstCompressedOverlay *self = GST_COMPRESSED_OVERLAY (trans);

  GST_OBJECT_LOCK (self);
  self->text = gst_compressed_text_new (self->font);
  GST_OBJECT_UNLOCK (self);
  self->warned = FALSE;

  return TRUE;
}

static gboolean
gst_compressed_overlay_stop (GstBaseTransform * trans)
{
  GstCompressedOverlay *self = GST_COMPRESSED_OVERLAY (trans);

  g_clear_pointer (&self->text, gst_compressed_text_free);

  return TRUE;
}

static void
gst_compressed_overlay_get_what (GstCompressedOverlay * self, What * what)
{
  GST_OBJECT_LOCK (self);
  what->alpha = self->alpha;
  what->mask = self->draw_mask && self->alpha > 0;
  what->labels = self->draw_labels;
  what->text = self->draw_text;
  GST_OBJECT_UNLOCK (self);
}

/* Buffers with nothing to draw are not even made writable. */
static void
gst_compressed_overlay_before_transform (GstBaseTransform * trans,
    GstBuffer * buffer)
{
  What what;
  gboolean any;

  gst_compressed_overlay_get_what (GST_COMPRESSED_OVERLAY (trans), &what);
  any = (what.mask && gst_compressed_meta_get (buffer,
          GST_COMPRESSED_SEGMENT_META, 0)) || (what.labels
      && gst_compressed_meta_get (buffer, GST_COMPRESSED_CLASSIFY_META, 0))
      || (what.text && gst_compressed_meta_get (buffer,
          GST_COMPRESSED_READ_META, 0));
  gst_base_transform_set_passthrough (trans, !any);
}

static void
draw_mask (GstCompressedOverlay * self, GstVideoFrame * frame,
    const GstStructure * result, gdouble alpha)
{
  guint32 colours[256] = { 0 };
  gboolean known[256] = { FALSE };
  GstCompressedMask mask;
  GstCompressedClass item;
  GstVideoFrame view;
  guint i;

  if (!gst_compressed_result_get_mask (result, &mask))
    return;
  for (i = 0; i < gst_compressed_result_n_classes (result); i++) {
    if (gst_compressed_result_get_class (result, i, &item)
        && item.class_id < 256) {
      colours[item.class_id] = item.colour;
      known[item.class_id] = TRUE;
    }
  }
  if (!gst_video_frame_map (&view, &mask.info, mask.buffer, GST_MAP_READ)) {
    GST_WARNING_OBJECT (self, "cannot map a mask");
    return;
  }
  gst_compressed_paint_mask (frame, GST_VIDEO_FRAME_PLANE_DATA (&view, 0),
      GST_VIDEO_FRAME_PLANE_STRIDE (&view, 0), &mask, colours, known,
      (guint) (alpha * 256 + 0.5));
  gst_video_frame_unmap (&view);
}

/* Letters on a dark ground, of that width at least; returns how high they
 * are. */
static gint
draw_letters (GstCompressedOverlay * self, GstVideoFrame * frame, gint x,
    gint y, const gchar * text, gint size, gint ground, gint max_width)
{
  const GstCompressedGlyphs *glyphs;

  if (!self->text && !self->warned) {
    self->warned = TRUE;
    GST_ELEMENT_WARNING (self, LIBRARY, INIT, (NULL),
        ("Labels and text are not drawn, as this was built without Pango "
            "(libpango1.0-dev)."));
  }
  glyphs = gst_compressed_text_get (self->text, text, size, max_width);
  if (!glyphs)
    return 0;
  gst_compressed_paint_rectangle (frame, x, y,
      MAX (glyphs->width + 2 * MARGIN, ground), glyphs->height, BLACK, SHADE);
  gst_compressed_paint_coverage (frame, x + MARGIN, y, glyphs->coverage,
      glyphs->width, glyphs->height, glyphs->stride, WHITE);

  return glyphs->height;
}

static gint
draw_labels (GstCompressedOverlay * self, GstVideoFrame * frame,
    const GstStructure * result, gint y)
{
  gint height = GST_VIDEO_FRAME_HEIGHT (frame);
  gint size = MAX (height / LABEL_SHARE, LABEL_LEAST);
  GstCompressedClass item;
  guint i;

  for (i = 0; i < gst_compressed_result_n_classes (result) && y < height; i++) {
    gchar *text;

    if (!gst_compressed_result_get_class (result, i, &item))
      continue;
    text = g_strdup_printf ("%s %.0f %%", item.label, 100 * item.confidence);
    y += draw_letters (self, frame, MARGIN, y, text, size, 0, 0);
    g_free (text);
  }
  return y;
}

static void
draw_box (GstVideoFrame * frame, gint x, gint y, gint width, gint height)
{
  gint edge = MAX (GST_VIDEO_FRAME_HEIGHT (frame) / 400, 1);

  gst_compressed_paint_rectangle (frame, x - edge, y - edge, width + 2 * edge,
      edge, EDGE, 256);
  gst_compressed_paint_rectangle (frame, x - edge, y + height,
      width + 2 * edge, edge, EDGE, 256);
  gst_compressed_paint_rectangle (frame, x - edge, y, edge, height, EDGE, 256);
  gst_compressed_paint_rectangle (frame, x + width, y, edge, height, EDGE, 256);
}

/* Whoever wrote the meta may have written anything. */
static gint
scaled (gdouble at, guint most, gdouble scale)
{
  return at > 0 ? (gint) (MIN (at, most) * scale) : 0;
}

static void
draw_lines (GstCompressedOverlay * self, GstVideoFrame * frame,
    const GstStructure * result)
{
  guint width = 0, height = 0, i;
  GstCompressedLine line;
  gdouble sx, sy;

  gst_structure_get_uint (result, "width", &width);
  gst_structure_get_uint (result, "height", &height);
  if (!width || !height)
    return;
  sx = (gdouble) GST_VIDEO_FRAME_WIDTH (frame) / width;
  sy = (gdouble) GST_VIDEO_FRAME_HEIGHT (frame) / height;
  for (i = 0; gst_compressed_result_get_line (result, i, &line); i++) {
    gint x = scaled (line.left, width, sx);
    gint y = scaled (line.top, height, sy);
    gint w = scaled (line.right, width, sx) - x;
    gint h = scaled (line.bottom, height, sy) - y;

    if (w < 1 || h < 1)
      continue;
    draw_box (frame, x, y, w, h);
    if (w > 2 * MARGIN)
      draw_letters (self, frame, x, y, line.text, h, w, w - 2 * MARGIN);
  }
}

static GstFlowReturn
gst_compressed_overlay_transform_frame_ip (GstVideoFilter * filter,
    GstVideoFrame * frame)
{
  GstCompressedOverlay *self = GST_COMPRESSED_OVERLAY (filter);
  const GstStructure *result;
  gint y = MARGIN;
  What what;
  guint i;

  gst_compressed_overlay_get_what (self, &what);
  for (i = 0; what.mask && (result = gst_compressed_meta_get (frame->buffer,
              GST_COMPRESSED_SEGMENT_META, i)); i++)
    draw_mask (self, frame, result, what.alpha);
  for (i = 0; what.text && (result = gst_compressed_meta_get (frame->buffer,
              GST_COMPRESSED_READ_META, i)); i++)
    draw_lines (self, frame, result);
  for (i = 0; what.labels && (result = gst_compressed_meta_get (frame->buffer,
              GST_COMPRESSED_CLASSIFY_META, i)); i++)
    y = draw_labels (self, frame, result, y);

  return GST_FLOW_OK;
}

static void
gst_compressed_overlay_install_properties (GObjectClass * object_class)
{
  const GParamFlags playing = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
      GST_PARAM_MUTABLE_PLAYING | GST_PARAM_CONTROLLABLE;

  /**
   * GstCompressedOverlay:alpha:
   *
   * How much of the colours of a mask is blended in: 0 nothing, 1 all.
   *
   * Since: 0.2
   */
  g_object_class_install_property (object_class, PROP_ALPHA,
      g_param_spec_double ("alpha", "Alpha",
          "How much of the colours of a mask is blended in", 0, 1,
          DEFAULT_ALPHA, playing));

  /**
   * GstCompressedOverlay:draw-mask:
   *
   * Draw masks of compressedsegment.
   *
   * Since: 0.2
   */
  g_object_class_install_property (object_class, PROP_DRAW_MASK,
      g_param_spec_boolean ("draw-mask", "Draw mask",
          "Draw masks of compressedsegment", DEFAULT_DRAW, playing));

  /**
   * GstCompressedOverlay:draw-labels:
   *
   * Draw labels of compressedclassify.
   *
   * Since: 0.2
   */
  g_object_class_install_property (object_class, PROP_DRAW_LABELS,
      g_param_spec_boolean ("draw-labels", "Draw labels",
          "Draw labels of compressedclassify", DEFAULT_DRAW, playing));

  /**
   * GstCompressedOverlay:draw-text:
   *
   * Draw boxes and text of compressedread.
   *
   * Since: 0.2
   */
  g_object_class_install_property (object_class, PROP_DRAW_TEXT,
      g_param_spec_boolean ("draw-text", "Draw text",
          "Draw boxes and text of compressedread", DEFAULT_DRAW, playing));

  /**
   * GstCompressedOverlay:font:
   *
   * Pango font description of labels and text, without a size.
   *
   * Since: 0.2
   */
  g_object_class_install_property (object_class, PROP_FONT,
      g_param_spec_string ("font", "Font",
          "Pango font description without a size", DEFAULT_FONT,
          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
          GST_PARAM_MUTABLE_READY));
}

static void
gst_compressed_overlay_class_init (GstCompressedOverlayClass * klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GstBaseTransformClass *transform_class = GST_BASE_TRANSFORM_CLASS (klass);

  GST_DEBUG_CATEGORY_INIT (compressedoverlay_debug, "compressedoverlay", 0,
      "Overlay of results of networks");

  object_class->set_property = gst_compressed_overlay_set_property;
  object_class->get_property = gst_compressed_overlay_get_property;
  object_class->finalize = gst_compressed_overlay_finalize;
  gst_compressed_overlay_install_properties (object_class);

  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_add_static_pad_template (element_class, &src_template);
  gst_element_class_set_static_metadata (element_class,
      "Overlay of results from compressed streams",
      "Filter/Effect/Video",
      "Draws masks, labels and text that networks found in latents",
      GST_PACKAGE_NAME);

  transform_class->start = GST_DEBUG_FUNCPTR (gst_compressed_overlay_start);
  transform_class->stop = GST_DEBUG_FUNCPTR (gst_compressed_overlay_stop);
  transform_class->before_transform =
      GST_DEBUG_FUNCPTR (gst_compressed_overlay_before_transform);
  transform_class->transform_ip_on_passthrough = FALSE;
  GST_VIDEO_FILTER_CLASS (klass)->transform_frame_ip =
      GST_DEBUG_FUNCPTR (gst_compressed_overlay_transform_frame_ip);
}

static void
gst_compressed_overlay_init (GstCompressedOverlay * self)
{
  self->alpha = DEFAULT_ALPHA;
  self->draw_mask = self->draw_labels = self->draw_text = DEFAULT_DRAW;
  self->font = g_strdup (DEFAULT_FONT);
  gst_base_transform_set_in_place (GST_BASE_TRANSFORM (self), TRUE);
}
