/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef __GST_COMPRESSED_OVERLAY_H__
#define __GST_COMPRESSED_OVERLAY_H__

#include <gst/video/gstvideofilter.h>

#include "gstcompressedtext.h"

G_BEGIN_DECLS

#define GST_TYPE_COMPRESSED_OVERLAY (gst_compressed_overlay_get_type ())
G_DECLARE_FINAL_TYPE (GstCompressedOverlay, gst_compressed_overlay, GST,
    COMPRESSED_OVERLAY, GstVideoFilter)

struct _GstCompressedOverlay
{
  GstVideoFilter parent;

  /* properties, protected by the object lock */
  gdouble alpha;
  gboolean draw_mask, draw_labels, draw_text;
  gchar *font;

  GstCompressedText *text;      /* in the streaming thread */
  gboolean warned;              /* that there is no Pango */
};

G_END_DECLS

#endif /* __GST_COMPRESSED_OVERLAY_H__ */
