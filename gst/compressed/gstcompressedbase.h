/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Base class of elements that pass compressed buffers through and run a
 * network on their latents. */
#ifndef __GST_COMPRESSED_BASE_H__
#define __GST_COMPRESSED_BASE_H__

#include <gst/gst.h>
#include <walloc/task.h>

#include "gstcompressedreader.h"

G_BEGIN_DECLS

#define GST_TYPE_COMPRESSED_BASE (gst_compressed_base_get_type ())
G_DECLARE_DERIVABLE_TYPE (GstCompressedBase, gst_compressed_base, GST,
    COMPRESSED_BASE, GstElement)

/* What was analysed: a frame of video, or a window of sound. */
typedef struct
{
  const walloc_frame_info *info;        /* header; of sound, of the frame with
                                         * which the window was full */
  const GstCompressedReader *reader;    /* its latents */
  GstClockTime timestamp, duration;
  GstClockTime running_time, stream_time;
} GstCompressedFrame;

typedef struct _GstCompressedBasePrivate GstCompressedBasePrivate;

/**
 * GstCompressedBaseClass:
 * @kind: what networks the element takes
 * @name: of messages, such as "compressedclassify"
 * @meta: name of the custom meta
 * @side: (nullable): name of a request source pad for what else comes out,
 *   which the subclass has a template for
 * @result: makes results of what @task has put out for @frame: adds fields to
 *   @message, which has the time fields, and to @meta, which becomes the same
 *   with what @result adds; sets *@tell to %FALSE when nobody is to be told.
 *   May push buffers with gst_compressed_base_push_side(). An error is told as
 *   a warning, and the frame is counted as failed
 * @attach: (nullable): attaches @meta to @buffer, which is writable; by
 *   default as the custom meta @meta
 *
 * All are called in one thread at a time: the streaming thread or, with
 * #GstCompressedBase:leaky, another.
 */
struct _GstCompressedBaseClass
{
  GstElementClass parent_class;

  walloc_task_kind kind;
  const gchar *name;
  const gchar *meta;
  const gchar *side;

  walloc_result (*result)       (GstCompressedBase * self,
                                 walloc_task * task,
                                 const GstCompressedFrame * frame,
                                 GstStructure * message,
                                 GstStructure * meta,
                                 gboolean * tell,
                                 walloc_error * error);

  void          (*attach)       (GstCompressedBase * self,
                                 GstBuffer * buffer,
                                 const GstStructure * meta);

  gpointer _gst_reserved[4];
};

/* Label of a class: from labels-file, else the network's. */
const gchar *  gst_compressed_base_get_label    (GstCompressedBase * self,
                                                 guint class_id);

/* Threads for post-processing; NULL: the calling one. */
const walloc_runner *
               gst_compressed_base_get_runner   (GstCompressedBase * self);

/* Whether anybody listens at the side pad. */
gboolean       gst_compressed_base_has_side     (GstCompressedBase * self);

/* Pushes @buffer (transfer full) with @caps at the side pad, behind
 * stream-start, caps and segment. What downstream of it says matters to
 * nobody else, but for errors. */
void           gst_compressed_base_push_side    (GstCompressedBase * self,
                                                 GstCaps * caps,
                                                 GstBuffer * buffer);

G_END_DECLS

#endif /* __GST_COMPRESSED_BASE_H__ */
