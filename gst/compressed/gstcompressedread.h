/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef __GST_COMPRESSED_READ_H__
#define __GST_COMPRESSED_READ_H__

#include "gstcompressedbase.h"

G_BEGIN_DECLS

#define GST_TYPE_COMPRESSED_READ (gst_compressed_read_get_type ())
G_DECLARE_FINAL_TYPE (GstCompressedRead, gst_compressed_read, GST,
    COMPRESSED_READ, GstCompressedBase)

struct _GstCompressedRead
{
  GstCompressedBase parent;

  /* properties, protected by the object lock */
  gdouble threshold;
};

G_END_DECLS

#endif /* __GST_COMPRESSED_READ_H__ */
