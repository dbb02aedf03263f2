/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Buffers that came in several messages: put together, within limits. */
#ifndef __GST_NATS_CHUNKS_H__
#define __GST_NATS_CHUNKS_H__

#include "gstnatsconnection.h"
#include "natsheader.h"

G_BEGIN_DECLS

/* What a message, and each of its headers, takes in memory at least. */
#define GST_NATS_MESSAGE_COST 512
#define GST_NATS_HEADER_COST 128

/* One or more messages that are a buffer or an event. */
typedef struct
{
  GList link;
  nats_header header;           /* strings are those of the last message */
  GPtrArray *messages;          /* natsMsg; payloads in this order */
  guint first_ack;              /* messages before it need none */
  gsize size;                   /* of all payloads */
  gsize memory;                 /* that all messages take, about */
  nats_delivery delivery;       /* JetStream; delivered 0 in core mode */
  gint64 received;              /* ns since 1970 */
  gint64 extended;              /* when the server last heard of it */
  gboolean duplicate;           /* the same was seen before */
  gboolean lost_before;         /* messages of its source are missing */
  gboolean stale;               /* of a stream that is no more */
  gint64 ordinal;               /* of the message that completed it */
} GstNatsDelivery;

typedef struct _GstNatsChunks GstNatsChunks;

typedef enum
{
  GST_NATS_CHUNKS_COMPLETE,
  GST_NATS_CHUNKS_MORE,         /* others are to come */
  GST_NATS_CHUNKS_LOST          /* does not fit what came before */
} GstNatsChunksResult;

/* What @msg takes in memory, about: whoever publishes may put as much into
 * headers as into the payload. */
gsize gst_nats_message_get_memory (natsMsg * msg);

/* Takes @msg. */
GstNatsDelivery *gst_nats_delivery_new (natsMsg * msg,
    const nats_header * header);
void gst_nats_delivery_free (GstNatsDelivery * delivery);

/* Whether size and CRC are those that the header says. */
gboolean gst_nats_delivery_check (const GstNatsDelivery * delivery);

/* Unfinished buffers, of any number of sources, take at most @max_bytes of
 * memory; a single one may take more. */
GstNatsChunks *gst_nats_chunks_new (gsize max_bytes);
void gst_nats_chunks_free (GstNatsChunks * self);

/* Takes *@delivery, one chunk. When it was the last, *@delivery is then all of
 * the buffer; otherwise NULL. @lost counts buffers that were given up. */
GstNatsChunksResult gst_nats_chunks_add (GstNatsChunks * self,
    GstNatsDelivery ** delivery, guint64 * lost);

G_END_DECLS

#endif /* __GST_NATS_CHUNKS_H__ */
