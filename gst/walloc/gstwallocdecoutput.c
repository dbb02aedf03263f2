/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What pictures come out of wallocdec: size, format, colours, caps. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstwalloccommon.h"
#include "gstwallocdec.h"
#include "gstwallocreduce.h"

GST_DEBUG_CATEGORY_EXTERN (wallocdec_debug);
#define GST_CAT_DEFAULT wallocdec_debug

/* Whether RGB can be made of YCbCr by the codec's own matrix, which is that
 * of BT.601, full range. */
static gboolean
is_jpeg_colour (const GstVideoColorimetry * c)
{
  return c->range == GST_VIDEO_COLOR_RANGE_0_255
      && c->matrix == GST_VIDEO_COLOR_MATRIX_BT601;
}

static gboolean
is_rgb (walloc_format format)
{
  return format >= WALLOC_FORMAT_RGB;
}

/* Whether a frame of the format @from can be decoded into @to with colours
 * that caps can describe. */
static gboolean
can_decode_into (walloc_format from, walloc_format to,
    const GstVideoColorimetry * c)
{
  if (from == to || to == WALLOC_FORMAT_GRAY8)
    return TRUE;
  switch (from) {
    case WALLOC_FORMAT_I420:
    case WALLOC_FORMAT_NV12:
      return to == WALLOC_FORMAT_I420 || to == WALLOC_FORMAT_NV12;
    case WALLOC_FORMAT_Y444:
      return is_rgb (to) && is_jpeg_colour (c);
    default:
      return is_rgb (from) && (is_rgb (to) || to == WALLOC_FORMAT_Y444);
  }
}

/* What downstream takes. Not by way of the pad's own caps: those are fixed to
 * what was negotiated last. */
static GstCaps *
gst_walloc_dec_get_allowed (GstWallocDec * self)
{
  GstPad *pad = GST_VIDEO_DECODER_SRC_PAD (self);
  GstCaps *template, *allowed;

  if (!gst_pad_is_linked (pad))
    return NULL;
  template = gst_pad_get_pad_template_caps (pad);
  allowed = gst_pad_peer_query_caps (pad, template);
  gst_caps_unref (template);

  return allowed;
}

static gboolean
gst_walloc_dec_fits (const GstCaps * allowed, walloc_format format,
    const walloc_frame_info * info, guint reduce)
{
  GstCaps *probe = gst_caps_new_simple ("video/x-raw", "format", G_TYPE_STRING,
      gst_video_format_to_string (gst_walloc_format_to_video (format)),
      "width", G_TYPE_INT, walloc_decoder_reduced_size (info->width, reduce),
      "height", G_TYPE_INT, walloc_decoder_reduced_size (info->height, reduce),
      NULL);
  gboolean fits = gst_caps_can_intersect (allowed, probe);

  gst_caps_unref (probe);

  return fits;
}

/* The stream's own size and format if downstream takes them, else the greatest
 * size that it takes and the best of those formats that cost nothing. */
static void
gst_walloc_dec_choose_output (GstWallocDec * self,
    const walloc_frame_info * info, const GstVideoColorimetry * colorimetry)
{
  /* after the stream's own: alternatives, grey last */
  static const walloc_format order[] = {
    WALLOC_FORMAT_I420, WALLOC_FORMAT_NV12, WALLOC_FORMAT_RGB,
    WALLOC_FORMAT_BGR, WALLOC_FORMAT_RGBX, WALLOC_FORMAT_BGRX,
    WALLOC_FORMAT_XRGB, WALLOC_FORMAT_XBGR, WALLOC_FORMAT_Y444,
    WALLOC_FORMAT_GRAY8
  };
  GstCaps *allowed = gst_walloc_dec_get_allowed (self);
  walloc_format format = info->format;
  guint reduce = 0, r;
  gboolean found = allowed == NULL;
  gint i;

  for (r = 0; r <= WALLOC_DECODE_MAX_REDUCE && !found; r++) {
    for (i = -1; i < (gint) G_N_ELEMENTS (order) && !found; i++) {
      walloc_format to = i < 0 ? info->format : order[i];

      if (can_decode_into (info->format, to, colorimetry)
          && gst_walloc_dec_fits (allowed, to, info, r)) {
        format = to;
        reduce = r;
        found = TRUE;
      }
    }
  }
  gst_clear_caps (&allowed);

  self->format = format;
  GST_OBJECT_LOCK (self);
  self->reduce = reduce;
  self->size[0] = info->width;
  self->size[1] = info->height;
  GST_OBJECT_UNLOCK (self);
}

/* Whether caps that were made for the header @a also serve @b. */
static gboolean
same_caps (const walloc_frame_info * a, const walloc_frame_info * b)
{
  return a->width == b->width && a->height == b->height
      && a->format == b->format && a->fps_n == b->fps_n
      && a->fps_d == b->fps_d && a->par_n == b->par_n && a->par_d == b->par_d
      && a->has_colour == b->has_colour && (!a->has_colour
      || memcmp (&a->colour, &b->colour, sizeof (a->colour)) == 0);
}

/* Colorimetry of the stream as the encoder saw it: that of the caps, else
 * that of the header, else the default of the format. The string in the caps
 * is read again because GstVideoInfo has no formats for coded video and so
 * refuses a matrix of RGB. */
static void
gst_walloc_dec_get_colour (GstWallocDec * self, const walloc_frame_info * info,
    const GstStructure * s, GstVideoColorimetry * colorimetry,
    GstVideoChromaSite * site)
{
  GstVideoInfo defaults;
  const gchar *text;

  gst_video_info_init (&defaults);
  gst_video_info_set_format (&defaults,
      gst_walloc_format_to_video (info->format), info->width, info->height);
  *colorimetry = defaults.colorimetry;
  *site = defaults.chroma_site;

  if (info->has_colour) {
    gst_walloc_colour_to_video (&info->colour, colorimetry);
    if (info->colour.chroma_site)
      *site = info->colour.chroma_site;
  }
  if (s) {
    text = gst_structure_get_string (s, "colorimetry");
    if (text)
      gst_video_colorimetry_from_string (colorimetry, text);
    text = gst_structure_get_string (s, "chroma-site");
    if (text)
      *site = gst_video_chroma_site_from_string (text);
  }
  if (is_rgb (info->format))
    colorimetry->matrix = GST_VIDEO_COLOR_MATRIX_RGB;
}

/* Makes the output state fit @info. */
gboolean
gst_walloc_dec_update_output (GstWallocDec * self,
    const walloc_frame_info * info)
{
  GstVideoDecoder *decoder = GST_VIDEO_DECODER (self);
  GstStructure *s = NULL;
  GstVideoColorimetry colorimetry;
  GstVideoChromaSite site;
  GstVideoInfo *out;

  if (self->output_state && !self->renegotiate
      && same_caps (&self->header, info)
      && !GST_PAD_NEEDS_RECONFIGURE (GST_VIDEO_DECODER_SRC_PAD (decoder)))
    return TRUE;

  if (self->input_state && self->input_state->caps)
    s = gst_caps_get_structure (self->input_state->caps, 0);
  gst_walloc_dec_get_colour (self, info, s, &colorimetry, &site);
  gst_walloc_dec_choose_output (self, info, &colorimetry);

  g_clear_pointer (&self->output_state, gst_video_codec_state_unref);
  self->output_state = gst_video_decoder_set_output_state (decoder,
      gst_walloc_format_to_video (self->format),
      walloc_decoder_reduced_size (info->width, self->reduce),
      walloc_decoder_reduced_size (info->height, self->reduce),
      self->input_state);
  if (!self->output_state)
    return FALSE;

  out = &self->output_state->info;
  if (!s || !gst_structure_has_field (s, "framerate")) {
    out->fps_n = info->fps_n <= G_MAXINT ? info->fps_n : 0;
    out->fps_d = info->fps_d && info->fps_d <= G_MAXINT ? info->fps_d : 1;
    /* without a rate it is variable */
    if (out->fps_n)
      out->flags &= ~GST_VIDEO_FLAG_VARIABLE_FPS;
  }
  if ((!s || !gst_structure_has_field (s, "pixel-aspect-ratio"))
      && info->par_n && info->par_n <= G_MAXINT && info->par_d
      && info->par_d <= G_MAXINT) {
    out->par_n = info->par_n;
    out->par_d = info->par_d;
  }
  /* luma and chroma of an RGB stream are those of BT.601, full range */
  if (is_rgb (info->format) && !is_rgb (self->format)) {
    colorimetry.range = GST_VIDEO_COLOR_RANGE_0_255;
    colorimetry.matrix = GST_VIDEO_COLOR_MATRIX_BT601;
    site = GST_VIDEO_CHROMA_SITE_UNKNOWN;
  } else if (!is_rgb (info->format) && is_rgb (self->format)) {
    colorimetry.matrix = GST_VIDEO_COLOR_MATRIX_RGB;
    site = GST_VIDEO_CHROMA_SITE_UNKNOWN;
  }
  out->colorimetry = colorimetry;
  out->chroma_site = site;

  if (self->header.width != info->width || self->header.height != info->height)
    gst_walloc_choice_forget (&self->choice);
  self->header = *info;
  self->renegotiate = FALSE;
  GST_INFO_OBJECT (self, "%ux%u, stream %s, output %s at 1/%u", info->width,
      info->height, walloc_format_name (info->format),
      walloc_format_name (self->format), 1u << self->reduce);

  return gst_video_decoder_negotiate (decoder);
}
