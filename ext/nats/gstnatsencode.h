/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Buffers to messages. */
#ifndef __GST_NATS_ENCODE_H__
#define __GST_NATS_ENCODE_H__

#include "gstnatscommon.h"

G_BEGIN_DECLS

/* What messages are made with; plain fields, of the streaming thread. */
typedef struct
{
  gchar *subject;
  gboolean jetstream;
  gchar source[NATS_SOURCE_SIZE];
  guint64 epoch, sequence;
  gboolean keep_identity;
  gboolean single;              /* no chunks: the stream does not keep them */
  guint64 caps_interval;        /* ns; 0: in every message */

  gchar *caps;
  guint32 caps_id;
  gint64 caps_sent;             /* us, monotonic; 0: to be sent */
  gboolean has_segment;
  nats_segment segment;

  nats_identity last;           /* of another source, that was kept */
  guint last_delivered, repeat;
} GstNatsEncoder;

void gst_nats_encoder_init (GstNatsEncoder * self, const gchar * subject,
    gboolean jetstream, const gchar * source);
void gst_nats_encoder_clear (GstNatsEncoder * self);

/* FALSE when such caps cannot be carried: nats_caps_check(), or of memory that
 * others cannot read. */
gboolean gst_nats_encoder_set_caps (GstNatsEncoder * self,
    const GstCaps * caps);
void gst_nats_encoder_set_segment (GstNatsEncoder * self,
    const GstSegment * segment);

/* @buffer with @data (its own, or what is sent in its place) as an item of
 * @publisher. @max_payload: of the server. */
GstNatsItem *gst_nats_encoder_encode (GstNatsEncoder * self,
    GstNatsPublisher * publisher, GstBuffer * buffer, const guint8 * data,
    gsize size, gsize max_payload, GError ** error);

/* An event without data. */
GstNatsItem *gst_nats_encoder_event (GstNatsEncoder * self,
    GstNatsPublisher * publisher, const gchar * name, GError ** error);

G_END_DECLS

#endif /* __GST_NATS_ENCODE_H__ */
