/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Settings of natssink and what they mean for its parts. */
#ifndef __GST_NATS_SINK_PROPERTIES_H__
#define __GST_NATS_SINK_PROPERTIES_H__

#include "gstnatscommon.h"

G_BEGIN_DECLS

typedef enum
{
  GST_NATS_PAYLOAD_BUFFER,
  GST_NATS_PAYLOAD_RESULTS
} GstNatsPayload;

typedef struct
{
  GstNatsCommon common;
  GstNatsPayload payload;
  gchar *source;
  gboolean keep_identity, send_eos, wait_ack, drop_on_timeout;
  guint64 caps_interval;
  guint64 ack_timeout;          /* ns */
  gboolean create_stream;
  gchar *stream_subjects;
  GstNatsStreamConfig limits;   /* without names */
} GstNatsSinkSettings;

enum
{
  GST_NATS_SINK_PROP_STATS = GST_NATS_COMMON_PROPS
};

void gst_nats_sink_settings_init (GstNatsSinkSettings * self);
void gst_nats_sink_settings_clear (GstNatsSinkSettings * self);
void gst_nats_sink_settings_copy (GstNatsSinkSettings * to,
    const GstNatsSinkSettings * from);
void gst_nats_sink_settings_install (GObjectClass * klass);

/* With the object lock held; FALSE for ids that there are not. */
gboolean gst_nats_sink_settings_set (GstNatsSinkSettings * self, guint id,
    const GValue * value);
gboolean gst_nats_sink_settings_get (GstNatsSinkSettings * self, guint id,
    GValue * value);

/* To be cleared. */
void gst_nats_sink_settings_stream (const GstNatsSinkSettings * self,
    GstNatsStreamConfig * config);
void gst_nats_sink_settings_publisher (const GstNatsSinkSettings * self,
    GstNatsPublisherConfig * config);

G_END_DECLS

#endif /* __GST_NATS_SINK_PROPERTIES_H__ */
