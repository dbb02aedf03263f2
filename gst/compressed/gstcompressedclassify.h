/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef __GST_COMPRESSED_CLASSIFY_H__
#define __GST_COMPRESSED_CLASSIFY_H__

#include "gstcompressedbase.h"

G_BEGIN_DECLS

#define GST_TYPE_COMPRESSED_CLASSIFY (gst_compressed_classify_get_type ())
G_DECLARE_FINAL_TYPE (GstCompressedClassify, gst_compressed_classify, GST,
    COMPRESSED_CLASSIFY, GstCompressedBase)

struct _GstCompressedClassify
{
  GstCompressedBase parent;

  /* properties, protected by the object lock */
  guint top_k;
  gfloat threshold;
};

G_END_DECLS

#endif /* __GST_COMPRESSED_CLASSIFY_H__ */
