/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef __GST_COMPRESSED_SEGMENT_H__
#define __GST_COMPRESSED_SEGMENT_H__

#include "gstcompressedbase.h"

G_BEGIN_DECLS

#define GST_TYPE_COMPRESSED_SEGMENT (gst_compressed_segment_get_type ())
G_DECLARE_FINAL_TYPE (GstCompressedSegment, gst_compressed_segment, GST,
    COMPRESSED_SEGMENT, GstCompressedBase)

typedef enum
{
  GST_COMPRESSED_MASK_LATENT,
  GST_COMPRESSED_MASK_FULL
} GstCompressedMaskSize;

struct _GstCompressedSegment
{
  GstCompressedBase parent;

  /* properties, protected by the object lock */
  GstCompressedMaskSize size;
};

G_END_DECLS

#endif /* __GST_COMPRESSED_SEGMENT_H__ */
