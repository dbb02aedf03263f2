/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Formats, colours and caps: GStreamer's against libwalloc's. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstwalloccommon.h"

/* indexed by walloc_format */
static const GstVideoFormat video_formats[WALLOC_FORMAT_COUNT] = {
  [WALLOC_FORMAT_GRAY8] = GST_VIDEO_FORMAT_GRAY8,
  [WALLOC_FORMAT_I420] = GST_VIDEO_FORMAT_I420,
  [WALLOC_FORMAT_NV12] = GST_VIDEO_FORMAT_NV12,
  [WALLOC_FORMAT_Y42B] = GST_VIDEO_FORMAT_Y42B,
  [WALLOC_FORMAT_Y444] = GST_VIDEO_FORMAT_Y444,
  [WALLOC_FORMAT_RGB] = GST_VIDEO_FORMAT_RGB,
  [WALLOC_FORMAT_BGR] = GST_VIDEO_FORMAT_BGR,
  [WALLOC_FORMAT_RGBX] = GST_VIDEO_FORMAT_RGBx,
  [WALLOC_FORMAT_BGRX] = GST_VIDEO_FORMAT_BGRx,
  [WALLOC_FORMAT_XRGB] = GST_VIDEO_FORMAT_xRGB,
  [WALLOC_FORMAT_XBGR] = GST_VIDEO_FORMAT_xBGR,
};

/* GST_VIDEO_FORMAT_UNKNOWN when @format is not a format */
GstVideoFormat
gst_walloc_format_to_video (walloc_format format)
{
  if ((guint) format >= WALLOC_FORMAT_COUNT)
    return GST_VIDEO_FORMAT_UNKNOWN;
  return video_formats[format];
}

/* FALSE when the codec does not know @video */
gboolean
gst_walloc_format_from_video (GstVideoFormat video, walloc_format * format)
{
  guint i;

  for (i = 0; i < WALLOC_FORMAT_COUNT; i++) {
    if (video_formats[i] == video) {
      *format = i;
      return TRUE;
    }
  }
  return FALSE;
}

/* A view of the mapped @frame: no copy, whatever its strides are. */
void
gst_walloc_image_from_frame (walloc_image * image, walloc_format format,
    GstVideoFrame * frame)
{
  guint i, planes = GST_VIDEO_FRAME_N_PLANES (frame);

  memset (image, 0, sizeof (*image));
  image->format = format;
  image->width = GST_VIDEO_FRAME_WIDTH (frame);
  image->height = GST_VIDEO_FRAME_HEIGHT (frame);
  for (i = 0; i < planes && i < G_N_ELEMENTS (image->plane); i++) {
    image->plane[i] = GST_VIDEO_FRAME_PLANE_DATA (frame, i);
    image->stride[i] = GST_VIDEO_FRAME_PLANE_STRIDE (frame, i);
  }
}

/* Colorimetry for a frame header; FALSE when all of it is unknown. */
gboolean
gst_walloc_colour_from_info (walloc_colour * colour, const GstVideoInfo * info)
{
  const GstVideoColorimetry *c = &GST_VIDEO_INFO_COLORIMETRY (info);
  GstVideoChromaSite site = GST_VIDEO_INFO_CHROMA_SITE (info);

  memset (colour, 0, sizeof (*colour));
  if (c->range == GST_VIDEO_COLOR_RANGE_0_255)
    colour->range = 1;
  else if (c->range == GST_VIDEO_COLOR_RANGE_16_235)
    colour->range = 2;
  colour->matrix = gst_video_color_matrix_to_iso (c->matrix);
  colour->transfer = gst_video_transfer_function_to_iso (c->transfer);
  colour->primaries = gst_video_color_primaries_to_iso (c->primaries);
  if (site > 0 && site <= G_MAXUINT8)
    colour->chroma_site = site;

  return colour->range || colour->matrix != 2 || colour->transfer != 2
      || colour->primaries != 2 || colour->chroma_site;
}

void
gst_walloc_colour_to_video (const walloc_colour * colour,
    GstVideoColorimetry * video)
{
  video->range = GST_VIDEO_COLOR_RANGE_UNKNOWN;
  if (colour->range == 1)
    video->range = GST_VIDEO_COLOR_RANGE_0_255;
  else if (colour->range == 2)
    video->range = GST_VIDEO_COLOR_RANGE_16_235;
  video->matrix = gst_video_color_matrix_from_iso (colour->matrix);
  video->transfer = gst_video_transfer_function_from_iso (colour->transfer);
  video->primaries = gst_video_color_primaries_from_iso (colour->primaries);
}

void
gst_walloc_id_to_string (guint64 id, gchar text[GST_WALLOC_ID_SIZE])
{
  g_snprintf (text, GST_WALLOC_ID_SIZE, "%016" G_GINT64_MODIFIER "x", id);
}

static GstCaps *
caps_from_sound (const walloc_frame_info * info, const gchar * id)
{
  GstCaps *caps = gst_caps_new_simple (GST_WALLOC_AUDIO_MEDIA,
      "rate", G_TYPE_INT, (gint) info->rate,
      "channels", G_TYPE_INT, (gint) info->audio_channels,
      "alignment", G_TYPE_STRING, "frame",
      "parsed", G_TYPE_BOOLEAN, TRUE, "model-id", G_TYPE_STRING, id, NULL);

  if (info->mask)
    gst_caps_set_simple (caps, "channel-mask", GST_TYPE_BITMASK, info->mask,
        NULL);
  return caps;
}

/* Caps of the stream that the header @info belongs to. What the header does
 * not say is left out, so that a caller can tell "unknown" from a value. */
GstCaps *
gst_walloc_caps_from_header (const walloc_frame_info * info)
{
  GstCaps *caps;
  gchar id[GST_WALLOC_ID_SIZE];

  gst_walloc_id_to_string (info->model_id, id);
  if (info->media == WALLOC_MEDIA_AUDIO)
    return caps_from_sound (info, id);
  caps = gst_caps_new_simple (GST_WALLOC_VIDEO_MEDIA,
      "width", G_TYPE_INT, (gint) info->width,
      "height", G_TYPE_INT, (gint) info->height,
      "alignment", G_TYPE_STRING, "frame",
      "parsed", G_TYPE_BOOLEAN, TRUE, "model-id", G_TYPE_STRING, id,
      "pixel-aspect-ratio", GST_TYPE_FRACTION,
      info->par_n && info->par_n <= G_MAXINT && info->par_d
      && info->par_d <= G_MAXINT ? (gint) info->par_n : 1,
      info->par_n && info->par_n <= G_MAXINT && info->par_d
      && info->par_d <= G_MAXINT ? (gint) info->par_d : 1, NULL);

  if (info->fps_n && info->fps_d && info->fps_n <= G_MAXINT
      && info->fps_d <= G_MAXINT) {
    gst_caps_set_simple (caps, "framerate", GST_TYPE_FRACTION,
        (gint) info->fps_n, (gint) info->fps_d, NULL);
  }
  if (info->has_colour) {
    GstVideoColorimetry colorimetry;
    gchar *text;

    gst_walloc_colour_to_video (&info->colour, &colorimetry);
    text = gst_video_colorimetry_to_string (&colorimetry);
    if (text)
      gst_caps_set_simple (caps, "colorimetry", G_TYPE_STRING, text, NULL);
    g_free (text);

    if (info->colour.chroma_site) {
      text = gst_video_chroma_site_to_string (info->colour.chroma_site);
      if (text)
        gst_caps_set_simple (caps, "chroma-site", G_TYPE_STRING, text, NULL);
      g_free (text);
    }
  }

  return caps;
}

void
gst_walloc_post_error (GstElement * element, const GError * error,
    const gchar * file, const gchar * function, gint line)
{
  gst_element_message_full (element, GST_MESSAGE_ERROR, error->domain,
      error->code, g_strdup (error->message), NULL, file, function, line);
}
