/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What elements that work on compressed buffers leave on them, for whoever
 * comes behind, a decoder in between or not: custom metas without tags, which
 * the codec base classes and filters copy. docs/elements/compressedclassify.md,
 * compressedsegment.md and compressedread.md list the fields. */
#ifndef __GST_COMPRESSED_META_H__
#define __GST_COMPRESSED_META_H__

#include <gst/gst.h>
#include <gst/video/video.h>

G_BEGIN_DECLS

/* Names of custom metas (gst_buffer_get_custom_meta()) and of their
 * structures; registered with the plugin. One buffer may carry several of a
 * kind, from several elements: "network" tells them apart. */
#define GST_COMPRESSED_CLASSIFY_META "GstCompressedClassifyMeta"
#define GST_COMPRESSED_SEGMENT_META "GstCompressedSegmentMeta"
#define GST_COMPRESSED_READ_META "GstCompressedReadMeta"

/* A class of a result: one entry of the array "classes". */
typedef struct
{
  const gchar *label;           /* lives as long as the structure */
  guint class_id;
  gdouble confidence;           /* classify, 0 to 1; else 0 */
  gdouble share;                /* segment: of the mask, 0 to 1; else 0 */
  guint32 colour;               /* segment: 0xrrggbb; else 0 */
} GstCompressedClass;

/* The mask of a result. */
typedef struct
{
  GstBuffer *buffer;            /* GRAY8, values are class-ids; borrowed */
  GstVideoInfo info;            /* its size and strides */
  guint cell;                   /* pixels of the picture that an element of
                                   the mask covers along each axis: 1 or
                                   more; elements at the right and the bottom
                                   may reach beyond the picture */
  guint width, height;          /* of the picture, as it was encoded */
} GstCompressedMask;

/* A line of text of a result: one entry of the array "lines". */
typedef struct
{
  const gchar *text;            /* UTF-8; lives as long as the structure */
  gdouble left, top, right, bottom;     /* box, pixels of the picture as it was
                                           encoded */
  gdouble confidence;           /* 0 to 1 */
  guint column;                 /* of the page, from the left */
} GstCompressedLine;

void       gst_compressed_meta_register    (void);

void       gst_compressed_meta_attach      (GstBuffer * buffer,
                                            const gchar * name,
                                            const GstStructure * result);

const GstStructure *
           gst_compressed_meta_get         (GstBuffer * buffer,
                                            const gchar * name,
                                            guint index);

void       gst_compressed_result_copy      (const GstStructure * from,
                                            GstStructure * to);

void       gst_compressed_result_add_class (GValue * classes,
                                            const GstCompressedClass * item,
                                            gboolean segment);

guint      gst_compressed_result_n_classes (const GstStructure * result);

gboolean   gst_compressed_result_get_class (const GstStructure * result,
                                            guint index,
                                            GstCompressedClass * item);

void       gst_compressed_result_set_mask  (GstStructure * result,
                                            const GstCompressedMask * mask);

gboolean   gst_compressed_result_get_mask  (const GstStructure * result,
                                            GstCompressedMask * mask);

void       gst_compressed_result_add_line  (GValue * lines,
                                            const GstCompressedLine * line);

gboolean   gst_compressed_result_get_line  (const GstStructure * result,
                                            guint index,
                                            GstCompressedLine * line);

guint32    gst_compressed_default_colour   (guint class_id);

G_END_DECLS

#endif /* __GST_COMPRESSED_META_H__ */
