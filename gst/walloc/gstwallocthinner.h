/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How many layers of each frame of a stream a receiver gets: a policy that
 * elements share, and the thinning itself. Not thread safe: one streaming
 * thread uses it. */
#ifndef __GST_WALLOC_THINNER_H__
#define __GST_WALLOC_THINNER_H__

#include <gst/gst.h>
#include <walloc/frame.h>

G_BEGIN_DECLS

typedef struct
{
  /* settings; all may change between two frames */
  guint max_layers;             /* 0: all */
  guint64 bitrate;              /* bits per second; 0: no limit */
  GstClockTime max_delay;       /* what the bucket holds at that rate */
  gboolean drop_frames;         /* where one layer is too much */

  /* state */
  guint chosen;                 /* layers that the rate allows */
  gdouble level;                /* bits in the bucket */
  gdouble bits[WALLOC_FRAME_MAX_LAYERS];        /* faded sums per choice */
  gdouble seconds;              /* faded like them */
  gdouble since_less;           /* seconds since layers were taken away */
  GstClockTime last_time;
  guint chain;                  /* channels that predicted frames may have */
  guint kept;                   /* layers of the last frame */
  guint late_layers;            /* limit after reports of lateness */
  gdouble since_late;
} GstWallocThinner;

/* What gst_walloc_thinner_process() did. */
typedef enum
{
  GST_WALLOC_THINNER_PASSED,    /* unchanged */
  GST_WALLOC_THINNER_THINNED,
  GST_WALLOC_THINNER_DROPPED,   /* no room for it */
  GST_WALLOC_THINNER_WAITING,   /* dropped: it needs one that was dropped */
  GST_WALLOC_THINNER_DAMAGED,   /* dropped: cut, so it cannot be thinned */
  GST_WALLOC_THINNER_UNKNOWN    /* not a frame of this version; unchanged */
} GstWallocThinnerResult;

void    gst_walloc_thinner_init     (GstWallocThinner * thinner);

void    gst_walloc_thinner_reset    (GstWallocThinner * thinner);

guint   gst_walloc_thinner_decide   (GstWallocThinner * thinner,
                                     const walloc_frame_info * info,
                                     const gsize * sizes, GstClockTime time,
                                     GstClockTime duration);

void    gst_walloc_thinner_late     (GstWallocThinner * thinner);

GstClockTime
        gst_walloc_thinner_delay    (const GstWallocThinner * thinner);

GstWallocThinnerResult
        gst_walloc_thinner_process  (GstWallocThinner * thinner,
                                     GstBuffer ** buffer,
                                     walloc_frame_info * before,
                                     walloc_frame_info * after);

G_END_DECLS

#endif /* __GST_WALLOC_THINNER_H__ */
