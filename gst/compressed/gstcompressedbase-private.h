/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the two halves of the base class share: the element, and the analysis. */
#ifndef __GST_COMPRESSED_BASE_PRIVATE_H__
#define __GST_COMPRESSED_BASE_PRIVATE_H__

#include "gstcompressedbase.h"
#include "gstcompressednetwork.h"
#include "gstcompressedside.h"
#include "gstcompressedwindow.h"
#include "gstcompressedworker.h"

G_BEGIN_DECLS

typedef struct
{
  guint64 frames, analysed, skipped, damaged, waiting, failed;
  guint64 entropy_time, network_time, result_time;      /* ns */
  guint64 enlarged, reduced;    /* pictures, before the network */
  gint zoom;                    /* of the last one: how often; < 0: reduced */
  guint grid_width, grid_height;        /* that the network saw last */
} GstCompressedStats;

struct _GstCompressedBasePrivate
{
  GstPad *sinkpad, *srcpad;
  GstCompressedSide side;

  /* properties, protected by the object lock */
  gchar *model_file, *labels_file;
  guint64 interval;
  gboolean post_messages, attach_meta, leaky, resample;
  guint threads;
  gboolean changed;             /* model-file or labels-file since they were
                                 * opened */
  GstCompressedStats stats;     /* as well */
  guint instances;

  /* of the streaming thread */
  GstSegment segment;
  GstClockTime next;            /* when the next analysis is due */
  GstCompressedWorker *worker;  /* NULL: in the streaming thread */

  /* of the analysing thread */
  GstCompressedReader reader;
  GstCompressedNetwork *network;
  gchar **labels;               /* of labels-file; NULL: the network's */
  GstCompressedWindow window;
  GstClockTime next_window;     /* when the next one is due */
  GstCompressedJob last_job;    /* its times; no buffer */
  gint64 last_warning;
  guint failures;               /* since then */

  /* from the analysing thread to the streaming thread */
  GMutex lock;
  GQueue results;               /* of GstStructure, to be attached */
  GstFlowReturn flow;           /* an error that was posted */
};

/* gstcompressedanalysis.c, all in the analysing thread */

/* Opens the network, and again when a property changed. Posts an error. */
gboolean       gst_compressed_base_open         (GstCompressedBase * self);

void           gst_compressed_base_close        (GstCompressedBase * self);

/* Looks at one frame. Errors were posted. */
GstFlowReturn  gst_compressed_base_analyse      (GstCompressedBase * self,
                                                 const GstCompressedJob * job);

/* The stream ends: a window that is not full yet. */
GstFlowReturn  gst_compressed_base_finish       (GstCompressedBase * self);

/* What comes next need not follow what came last. */
void           gst_compressed_base_forget       (GstCompressedBase * self);

/* gstcompressedproperties.c: for class_init, and for init */
void           gst_compressed_base_install_properties (GObjectClass *
                                                 object_class);

void           gst_compressed_base_init_properties (GstCompressedBasePrivate *
                                                 priv);

/* gstcompressedbase.c. Whether what begins at @time is due by interval; *@next
 * is when the next will be. */
gboolean       gst_compressed_base_is_due       (GstCompressedBase * self,
                                                 GstClockTime * next,
                                                 GstClockTime time,
                                                 GstClockTime duration);

GstCompressedBasePrivate *
               gst_compressed_base_get_private  (GstCompressedBase * self);

G_END_DECLS

#endif /* __GST_COMPRESSED_BASE_PRIVATE_H__ */
