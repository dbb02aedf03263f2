/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a stream answers to a published message. */
#ifndef __GST_NATS_ACK_H__
#define __GST_NATS_ACK_H__

#include "gstnatsconnection.h"

G_BEGIN_DECLS

typedef struct
{
  guint64 sequence;             /* in the stream, from 1 */
  gboolean duplicate;           /* the stream had it: nothing was added */
  GError *error;                /* set when it was refused */
} GstNatsAck;

/* Never fails: what is no answer is an error in @ack. */
void gst_nats_ack_read (GstNatsAck * ack, natsMsg * msg);
void gst_nats_ack_clear (GstNatsAck * ack);

/* The same of the bytes of an answer. */
void gst_nats_ack_parse (GstNatsAck * ack, const gchar * data, gsize size);

G_END_DECLS

#endif /* __GST_NATS_ACK_H__ */
