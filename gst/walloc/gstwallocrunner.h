/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A walloc_runner on a GThreadPool: how libwalloc gets its threads. */
#ifndef __GST_WALLOC_RUNNER_H__
#define __GST_WALLOC_RUNNER_H__

#include <glib.h>
#include <walloc/walloc.h>

G_BEGIN_DECLS

typedef struct _GstWallocRunner GstWallocRunner;

/* @threads counts the calling thread; 0: as many as there are processors. */
GstWallocRunner *     gst_walloc_runner_new   (guint threads);

void                  gst_walloc_runner_free  (GstWallocRunner * runner);

/* NULL when there is only the calling thread. Valid as long as @runner. */
const walloc_runner * gst_walloc_runner_get   (GstWallocRunner * runner);

/* Work is coming at once: wakes a helper, so that it is there by then. Only
 * the thread that gives out work may call this. */
void                  gst_walloc_runner_wake  (GstWallocRunner * runner);

G_END_DECLS

#endif /* __GST_WALLOC_RUNNER_H__ */
