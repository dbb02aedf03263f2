/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef __GST_COMPRESSED_COLORIZE_H__
#define __GST_COMPRESSED_COLORIZE_H__

#include "gstcompressedfilter.h"
#include "gstcompressedwriter.h"

G_BEGIN_DECLS

#define GST_TYPE_COMPRESSED_COLORIZE (gst_compressed_colorize_get_type ())
G_DECLARE_FINAL_TYPE (GstCompressedColorize, gst_compressed_colorize, GST,
    COMPRESSED_COLORIZE, GstCompressedFilter)

struct _GstCompressedColorize
{
  GstCompressedFilter parent;

  /* property, protected by the object lock */
  walloc_format format;         /* I420 or Y444 */

  /* of the stream */
  GstCompressedWriter writer;
  gfloat *planes;               /* what is coded, as many floats as room */
  gsize room;
};

G_END_DECLS

#endif /* __GST_COMPRESSED_COLORIZE_H__ */
