/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef __GST_COMPRESSED_COLORIZE_H__
#define __GST_COMPRESSED_COLORIZE_H__

#include "gstcompressedevents.h"
#include "gstcompressedopen.h"
#include "gstcompressedwriter.h"

G_BEGIN_DECLS

#define GST_TYPE_COMPRESSED_COLORIZE (gst_compressed_colorize_get_type ())
G_DECLARE_FINAL_TYPE (GstCompressedColorize, gst_compressed_colorize, GST,
    COMPRESSED_COLORIZE, GstElement)

struct _GstCompressedColorize
{
  GstElement parent;

  GstPad *sinkpad, *srcpad;

  /* properties, protected by the object lock */
  gchar *model_file;
  walloc_format format;         /* I420 or Y444 */
  guint threads;

  /* of the stream */
  GstCompressedReader reader;
  GstCompressedWriter writer;
  GstCompressedEvents events;
  GstCompressedNetwork *network;
  gfloat *planes;               /* what is coded, as many floats as room */
  gsize room;
  gboolean discont;             /* a frame was left out */
};

G_END_DECLS

#endif /* __GST_COMPRESSED_COLORIZE_H__ */
