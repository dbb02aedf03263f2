/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Task networks, shared by all elements of the process. */
#ifndef __GST_COMPRESSED_NETWORK_H__
#define __GST_COMPRESSED_NETWORK_H__

#include <gst/gst.h>
#include <walloc/task.h>

G_BEGIN_DECLS

/* A file. Elements that name the same one get the same network. */
typedef struct _GstCompressedNetwork GstCompressedNetwork;

/* What an instance is prepared for: latents of a picture, or a grid (of sound:
 * columns and 1). */
typedef struct
{
  guint width, height;          /* pixels of the picture, or of the grid */
  guint scale;                  /* that the picture is coded at: 1/2^scale */
  gboolean picture;
  gboolean resample;            /* pictures: to the size of the network */
} GstCompressedShape;

/* A copy of a network that one thread may run at a time. */
typedef struct
{
  walloc_task *task;

  /*< private >*/
  GstCompressedShape shape;     /* that it was last taken for; width 0: none */
} GstCompressedInstance;

/* @name: a path, or a name in the model directories or tasks/ in them.
 * Errors are of the domain GST_RESOURCE_ERROR. */
GstCompressedNetwork *
      gst_compressed_network_open       (const gchar * name, GError ** error);

/* NULL is fine. */
void  gst_compressed_network_unref      (GstCompressedNetwork * self);

/* Valid as long as the caller's reference. */
const walloc_task_info *
      gst_compressed_network_get_info   (GstCompressedNetwork * self);

const gchar *
      gst_compressed_network_get_path   (GstCompressedNetwork * self);

/* walloc_task_check_stream() */
walloc_result
      gst_compressed_network_check      (GstCompressedNetwork * self,
                                         const walloc_frame_info * frame,
                                         walloc_error * error);

/* An instance for @shape that nobody else runs until it is given back. NULL
 * with @error. Never waits. */
GstCompressedInstance *
      gst_compressed_network_take       (GstCompressedNetwork * self,
                                         const GstCompressedShape * shape,
                                         GError ** error);

void  gst_compressed_network_give       (GstCompressedNetwork * self,
                                         GstCompressedInstance * instance);

/* How many instances there are, in use or not. */
guint gst_compressed_network_instances  (GstCompressedNetwork * self);

G_END_DECLS

#endif /* __GST_COMPRESSED_NETWORK_H__ */
