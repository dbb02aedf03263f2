/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Bits per second to a step index per frame: a leaky bucket. */
#ifndef __GST_WALLOC_RATE_CONTROL_H__
#define __GST_WALLOC_RATE_CONTROL_H__

#include <gst/gst.h>

G_BEGIN_DECLS

typedef struct
{
  gdouble bitrate;              /* bits per second; 0: not in use */
  gdouble min_index, max_index; /* limits of the step index */
  gboolean started;             /* index comes from frames, not from a guess */
  gdouble index;                /* step index of the next frame, fractional */
  gdouble fullness;             /* bits in the bucket; negative: saved up */
} GstWallocRateControl;

void      gst_walloc_rate_control_init    (GstWallocRateControl * rc);

void      gst_walloc_rate_control_set     (GstWallocRateControl * rc,
                                           gdouble bitrate, guint min_index,
                                           guint max_index);

guint     gst_walloc_rate_control_step    (GstWallocRateControl * rc,
                                           GstClockTime duration,
                                           guint64 pixels);

gboolean  gst_walloc_rate_control_update  (GstWallocRateControl * rc,
                                           guint step, gsize bytes,
                                           GstClockTime duration,
                                           gboolean may_redo);

G_END_DECLS

#endif /* __GST_WALLOC_RATE_CONTROL_H__ */
