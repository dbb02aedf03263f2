/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of spectralinspect share. */
#ifndef __GST_SPECTRAL_INSPECT_PRIVATE_H__
#define __GST_SPECTRAL_INSPECT_PRIVATE_H__

#include "gstspectralinspect.h"

G_BEGIN_DECLS

/* gstspectralmatch.c: what is measured of all pads' buffers. */
GstFlowReturn gst_spectral_inspect_aggregate  (GstAggregator * agg,
                                               gboolean timeout);

GstClockTime  gst_spectral_inspect_running_time
                                              (GstAggregatorPad * pad,
                                               GstBuffer * buffer);

/* gstspectralwait.c: until when frames wait for others; SRC lock. */
GstClockTime  gst_spectral_inspect_next_time  (GstAggregator * agg);
/* Who has given nothing in time, of those that have no buffer. Their number. */
guint         gst_spectral_inspect_give_up    (GstSpectralInspect * self,
                                               GstAggregatorPad * const *pads,
                                               GstBuffer * const *buffers);
/* What waits on a pad is nobody's. */
void          gst_spectral_inspect_lose       (GstSpectralInspect * self,
                                               GstAggregatorPad * pad);
/* Counts it. */
void          gst_spectral_inspect_count_lost (GstSpectralInspect * self);

/* gstspectralreport.c: a report of the window, which begins anew then. */
GstFlowReturn gst_spectral_inspect_end_window (GstSpectralInspect * self);
/* Something has no partner at that time, and others may not have for long:
 * reports go on. */
GstFlowReturn gst_spectral_inspect_tick       (GstSpectralInspect * self,
                                               GstClockTime running_time,
                                               GstClockTime duration,
                                               GstClockTime pts);
/* The last reports; GST_FLOW_EOS. */
GstFlowReturn gst_spectral_inspect_finish     (GstSpectralInspect * self);

G_END_DECLS

#endif /* __GST_SPECTRAL_INSPECT_PRIVATE_H__ */
