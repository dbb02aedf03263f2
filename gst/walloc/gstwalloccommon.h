/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What all elements of the plugin share: formats, colours and caps on the
 * GStreamer side against libwalloc's on the other. */
#ifndef __GST_WALLOC_COMMON_H__
#define __GST_WALLOC_COMMON_H__

#include <gst/audio/audio.h>
#include <gst/gst.h>
#include <gst/video/video.h>
#include <walloc/frame.h>

G_BEGIN_DECLS

#define GST_WALLOC_VIDEO_MEDIA "video/x-walloc"

/* value of GST_TAG_VIDEO_CODEC; pbutils cannot describe private types */
#define GST_WALLOC_CODEC_NAME "WaLLoC"

/* formats of the video elements, in the order of preference */
#define GST_WALLOC_VIDEO_FORMATS \
  "{ I420, NV12, Y42B, Y444, RGB, BGR, RGBx, BGRx, xRGB, xBGR, GRAY8 }"

#define GST_WALLOC_VIDEO_SIZES \
  "width = (int) [ 1, 16384 ], height = (int) [ 1, 16384 ], " \
  "framerate = (fraction) [ 0, max ]"

#define GST_WALLOC_VIDEO_RAW_CAPS \
  "video/x-raw, format = (string) " GST_WALLOC_VIDEO_FORMATS ", " \
  GST_WALLOC_VIDEO_SIZES

/* what encoder and parser put out and the decoder takes; sizes stay open, as
 * carriers may lose them and headers have them */
#define GST_WALLOC_VIDEO_CODED_CAPS \
  GST_WALLOC_VIDEO_MEDIA ", alignment = (string) frame, " \
  "parsed = (boolean) true"

#define GST_WALLOC_AUDIO_MEDIA "audio/x-walloc"

#define GST_WALLOC_AUDIO_RATES \
  "rate = (int) [ 8000, 96000 ], channels = (int) [ 1, 8 ]"

#define GST_WALLOC_AUDIO_RAW_CAPS \
  "audio/x-raw, format = (string) { " GST_AUDIO_NE (F32) ", " \
  GST_AUDIO_NE (S16) " }, layout = (string) interleaved, " \
  GST_WALLOC_AUDIO_RATES

#define GST_WALLOC_AUDIO_CODED_CAPS \
  GST_WALLOC_AUDIO_MEDIA ", alignment = (string) frame, " \
  "parsed = (boolean) true"

/* a model id as caps carry it: 16 hexadecimal digits and NUL */
#define GST_WALLOC_ID_SIZE 17

GstVideoFormat  gst_walloc_format_to_video    (walloc_format format);

gboolean        gst_walloc_format_from_video  (GstVideoFormat video,
                                               walloc_format * format);

void            gst_walloc_image_from_frame   (walloc_image * image,
                                               walloc_format format,
                                               GstVideoFrame * frame);

gboolean        gst_walloc_colour_from_info   (walloc_colour * colour,
                                               const GstVideoInfo * info);

void            gst_walloc_colour_to_video    (const walloc_colour * colour,
                                               GstVideoColorimetry * video);

GstCaps *       gst_walloc_caps_from_header   (const walloc_frame_info * info);

void            gst_walloc_id_to_string       (guint64 id,
                                               gchar text[GST_WALLOC_ID_SIZE]);

void            gst_walloc_post_error         (GstElement * element,
                                               const GError * error,
                                               const gchar * file,
                                               const gchar * function,
                                               gint line);

/* Posts @error of gstwallocmodel.h as an element error. */
#define GST_WALLOC_POST_ERROR(element, error) \
  gst_walloc_post_error (GST_ELEMENT (element), error, \
      __FILE__, GST_FUNCTION, __LINE__)

G_END_DECLS

#endif /* __GST_WALLOC_COMMON_H__ */
