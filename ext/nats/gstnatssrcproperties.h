/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Settings of natssrc and what they mean for its parts. */
#ifndef __GST_NATS_SRC_PROPERTIES_H__
#define __GST_NATS_SRC_PROPERTIES_H__

#include "gstnatscommon.h"
#include "gstnatsconsumer.h"

G_BEGIN_DECLS

typedef enum
{
  GST_NATS_EOS_AUTO,
  GST_NATS_EOS_ALWAYS,
  GST_NATS_EOS_NEVER
} GstNatsEos;

typedef enum
{
  GST_NATS_TIMESTAMPS_KEEP,
  GST_NATS_TIMESTAMPS_REBASE,
  GST_NATS_TIMESTAMPS_ARRIVAL
} GstNatsTimestamps;

typedef enum
{
  GST_NATS_ACK_ON_PUSH,
  GST_NATS_ACK_ON_RECEIVE
} GstNatsAckPolicy;

typedef struct
{
  GstNatsCommon common;
  gchar *queue, *durable, *start_time;
  jsDeliverPolicy deliver;
  guint64 start_sequence;
  GstNatsAckPolicy ack;
  guint64 ack_wait;             /* ns */
  gint max_deliver;
  guint prefetch, max_ack_pending;
  GstNatsEos eos;
  GstNatsTimestamps timestamps;
  guint64 max_size;
  gboolean drop_duplicates, is_live;
} GstNatsSrcSettings;

enum
{
  GST_NATS_SRC_PROP_STATS = GST_NATS_COMMON_PROPS,
  GST_NATS_SRC_PROP_IS_LIVE
};

void gst_nats_src_settings_init (GstNatsSrcSettings * self);
void gst_nats_src_settings_clear (GstNatsSrcSettings * self);
void gst_nats_src_settings_copy (GstNatsSrcSettings * to,
    const GstNatsSrcSettings * from);
void gst_nats_src_settings_install (GObjectClass * klass);

/* With the object lock held; FALSE for ids that there are not. */
gboolean gst_nats_src_settings_set (GstNatsSrcSettings * self, guint id,
    const GValue * value);
gboolean gst_nats_src_settings_get (GstNatsSrcSettings * self, guint id,
    GValue * value);

/* FALSE with a sentence to be freed when they do not fit together. */
gboolean gst_nats_src_settings_check (const GstNatsSrcSettings * self,
    gchar ** reason);

/* To be given to gst_nats_consumer_new(). */
void gst_nats_src_settings_consumer (const GstNatsSrcSettings * self,
    GstNatsConsumerConfig * config);

/* Whether the end of one source is the end of the stream. */
gboolean gst_nats_src_settings_ends (const GstNatsSrcSettings * self);

G_END_DECLS

#endif /* __GST_NATS_SRC_PROPERTIES_H__ */
