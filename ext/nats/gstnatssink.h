/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef __GST_NATS_SINK_H__
#define __GST_NATS_SINK_H__

#include <gst/base/gstbasesink.h>

G_BEGIN_DECLS

#define GST_TYPE_NATS_SINK (gst_nats_sink_get_type ())
G_DECLARE_FINAL_TYPE (GstNatsSink, gst_nats_sink, GST, NATS_SINK, GstBaseSink)

G_END_DECLS

#endif /* __GST_NATS_SINK_H__ */
