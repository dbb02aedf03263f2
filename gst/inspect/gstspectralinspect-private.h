/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What the files of spectralinspect share. */
#ifndef __GST_SPECTRAL_INSPECT_PRIVATE_H__
#define __GST_SPECTRAL_INSPECT_PRIVATE_H__

#include "gstspectralinspect.h"

G_BEGIN_DECLS

/* gstspectralmatch.c: what is measured of all pads' buffers. */
GstFlowReturn gst_spectral_inspect_aggregate  (GstAggregator * agg,
                                               gboolean timeout);

/* gstspectralreport.c: a report of the window, which begins anew then. */
GstFlowReturn gst_spectral_inspect_end_window (GstSpectralInspect * self);
/* The last reports; GST_FLOW_EOS. */
GstFlowReturn gst_spectral_inspect_finish     (GstSpectralInspect * self);

G_END_DECLS

#endif /* __GST_SPECTRAL_INSPECT_PRIVATE_H__ */
