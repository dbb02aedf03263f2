/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A thread that analyses while the stream goes on: the newest frame wins. */
#ifndef __GST_COMPRESSED_WORKER_H__
#define __GST_COMPRESSED_WORKER_H__

#include <gst/gst.h>

G_BEGIN_DECLS

/* A frame to be looked at, or a gap: frames that are left out. */
typedef struct
{
  GstBuffer *buffer;            /* NULL: a gap */
  GstClockTime timestamp, duration;
  GstClockTime running_time, stream_time;
  gboolean alone;               /* nothing before it is needed for it */
  gboolean discont;             /* it does not follow what came last */
  gboolean wanted;              /* its result is; else it is needed by others */
  gboolean keep;                /* what is newer does not take its place */
} GstCompressedJob;

typedef struct _GstCompressedWorker GstCompressedWorker;

/* @work is called in the thread, with every job that is not left out, in
 * order; jobs must be left as they are. */
GstCompressedWorker *
      gst_compressed_worker_new     (void (*work) (gpointer user,
                                         GstCompressedJob * job),
                                     gpointer user);

/* Waits for the thread. */
void  gst_compressed_worker_free    (GstCompressedWorker * self);

/* Adds a copy of @job with a reference on its buffer. Returns how many wanted
 * frames are left out for it; they become a gap. */
guint gst_compressed_worker_push    (GstCompressedWorker * self,
                                     const GstCompressedJob * job);

/* Adds a gap in place of @job, which nobody needs. */
void  gst_compressed_worker_gap     (GstCompressedWorker * self,
                                     const GstCompressedJob * job);

/* Waits until all is done or, when flushing, what is being worked on. */
void  gst_compressed_worker_drain   (GstCompressedWorker * self);

/* TRUE: forgets all jobs, and takes no more. FALSE: takes some again; waits
 * until the thread is idle. */
void  gst_compressed_worker_flush   (GstCompressedWorker * self,
                                     gboolean flushing);

G_END_DECLS

#endif /* __GST_COMPRESSED_WORKER_H__ */
