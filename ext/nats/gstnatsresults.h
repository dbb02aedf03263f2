/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What networks found in a frame, as text. */
#ifndef __GST_NATS_RESULTS_H__
#define __GST_NATS_RESULTS_H__

#include <gst/gst.h>

G_BEGIN_DECLS

#define GST_NATS_RESULTS_CAPS \
  "application/x-walloc-results, format = (string) json"

/* {"results":[...]} on one line with the custom metas of compressed elements
 * (docs/elements/compressedclassify.md) in their order, each with its name as
 * "type"; masks are left out. To be freed. */
gchar *gst_nats_results_from_buffer (GstBuffer * buffer);

G_END_DECLS

#endif /* __GST_NATS_RESULTS_H__ */
