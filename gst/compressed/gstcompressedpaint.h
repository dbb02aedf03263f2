/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Colours blended into pictures of any 8-bit format, planes as they are. */
#ifndef __GST_COMPRESSED_PAINT_H__
#define __GST_COMPRESSED_PAINT_H__

#include <gst/video/video.h>

#include "gstcompressedmeta.h"

G_BEGIN_DECLS

/* Blends colours[class] into @frame wherever the mask has that class; classes
 * that are not known are left as they are. @alpha: 0 to 256 of 256. */
void  gst_compressed_paint_mask       (GstVideoFrame * frame,
                                       const guint8 * mask, gsize stride,
                                       const GstCompressedMask * info,
                                       const guint32 * colours,
                                       const gboolean * known, guint alpha);

/* A rectangle of @colour (0xrrggbb), clipped to @frame. */
void  gst_compressed_paint_rectangle  (GstVideoFrame * frame, gint x, gint y,
                                       gint width, gint height,
                                       guint32 colour, guint alpha);

/* Blends @colour where @coverage (0 to 255) says, clipped to @frame. */
void  gst_compressed_paint_coverage   (GstVideoFrame * frame, gint x, gint y,
                                       const guint8 * coverage, gint width,
                                       gint height, gsize stride,
                                       guint32 colour);

G_END_DECLS

#endif /* __GST_COMPRESSED_PAINT_H__ */
