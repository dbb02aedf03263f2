/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Servers keep the order of what one connection publishes, so chunks of a
 * source come in order and a source has one unfinished buffer at most. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <stdlib.h>
#include <string.h>

#include "gstnatschunks.h"

#define MAX_SOURCES 1024

struct _GstNatsChunks
{
  gsize max_bytes, bytes;
  GQueue open;                  /* unfinished deliveries, oldest first */
};

gsize
gst_nats_message_get_memory (natsMsg * msg)
{
  gsize memory = GST_NATS_MESSAGE_COST + (gsize) natsMsg_GetDataLength (msg);
  const char **keys = NULL, **values;
  int n = 0, m, i, k;

  if (natsMsgHeader_Keys (msg, &keys, &n) != NATS_OK)
    return memory;
  for (i = 0; i < n; i++) {
    values = NULL;
    if (natsMsgHeader_Values (msg, keys[i], &values, &m) != NATS_OK)
      continue;
    memory += strlen (keys[i]);
    for (k = 0; k < m; k++)
      memory += GST_NATS_HEADER_COST + strlen (values[k]);
    free ((void *) values);
  }
  free ((void *) keys);

  return memory;
}

GstNatsDelivery *
gst_nats_delivery_new (natsMsg * msg, const nats_header * header)
{
  GstNatsDelivery *delivery = g_new0 (GstNatsDelivery, 1);

  delivery->link.data = delivery;
  delivery->header = *header;
  delivery->messages = g_ptr_array_new_with_free_func ((GDestroyNotify)
      natsMsg_Destroy);
  delivery->size = (gsize) natsMsg_GetDataLength (msg);
  delivery->memory = gst_nats_message_get_memory (msg);
  g_ptr_array_add (delivery->messages, msg);
  delivery->received = g_get_real_time () * 1000;

  return delivery;
}

void
gst_nats_delivery_free (GstNatsDelivery * delivery)
{
  g_ptr_array_unref (delivery->messages);
  g_free (delivery);
}

gboolean
gst_nats_delivery_check (const GstNatsDelivery * delivery)
{
  uint32_t crc = 0;
  guint i;

  if (!delivery->header.has_chunk)
    return TRUE;
  if (delivery->size != delivery->header.chunk.size
      || delivery->messages->len != delivery->header.chunk.count)
    return FALSE;
  for (i = 0; i < delivery->messages->len; i++) {
    natsMsg *msg = g_ptr_array_index (delivery->messages, i);

    crc = nats_crc (crc, natsMsg_GetData (msg),
        (gsize) natsMsg_GetDataLength (msg));
  }

  return crc == delivery->header.chunk.crc;
}

GstNatsChunks *
gst_nats_chunks_new (gsize max_bytes)
{
  GstNatsChunks *self = g_new0 (GstNatsChunks, 1);

  self->max_bytes = max_bytes;
  g_queue_init (&self->open);
  return self;
}

static void
gst_nats_chunks_take (GstNatsChunks * self, GstNatsDelivery * delivery)
{
  g_queue_unlink (&self->open, &delivery->link);
  self->bytes -= delivery->memory;
}

static void
gst_nats_chunks_drop (GstNatsChunks * self, GstNatsDelivery * delivery,
    guint64 * lost)
{
  gst_nats_chunks_take (self, delivery);
  gst_nats_delivery_free (delivery);
  ++*lost;
}

void
gst_nats_chunks_free (GstNatsChunks * self)
{
  guint64 lost = 0;

  while (self->open.head)
    gst_nats_chunks_drop (self, self->open.head->data, &lost);
  g_free (self);
}

static GstNatsDelivery *
gst_nats_chunks_find (GstNatsChunks * self, const nats_identity * identity)
{
  GList *l;

  for (l = self->open.head; l; l = l->next) {
    GstNatsDelivery *old = l->data;

    if (old->header.identity.epoch == identity->epoch
        && strcmp (old->header.identity.source, identity->source) == 0)
      return old;
  }
  return NULL;
}

GstNatsChunksResult
gst_nats_chunks_add (GstNatsChunks * self, GstNatsDelivery ** delivery,
    guint64 * lost)
{
  GstNatsDelivery *chunk = *delivery;
  const nats_chunk *c = &chunk->header.chunk;
  GstNatsDelivery *old = gst_nats_chunks_find (self, &chunk->header.identity);

  *delivery = NULL;
  if (old && (!nats_identity_equal (&old->header.identity,
              &chunk->header.identity) || c->index != old->messages->len
          || c->count != old->header.chunk.count
          || c->size != old->header.chunk.size
          || c->crc != old->header.chunk.crc
          || old->size + chunk->size > c->size)) {
    gst_nats_chunks_drop (self, old, lost);
    old = NULL;
  }
  if (!old && (c->index != 0 || chunk->size > c->size)) {
    /* the rest of what was given up, or its beginning was never seen */
    if (c->index + 1 == c->count)
      ++ * lost;
    gst_nats_delivery_free (chunk);
    return GST_NATS_CHUNKS_LOST;
  }
  if (!old) {
    g_queue_push_tail_link (&self->open, &chunk->link);
    self->bytes += chunk->memory;
  } else {
    natsMsg *msg = g_ptr_array_steal_index (chunk->messages, 0);

    g_ptr_array_add (old->messages, msg);
    old->size += chunk->size;
    old->memory += chunk->memory;
    self->bytes += chunk->memory;
    old->header = chunk->header;
    old->delivery = chunk->delivery;
    old->received = chunk->received;
    gst_nats_delivery_free (chunk);
    if (old->messages->len == old->header.chunk.count) {
      gst_nats_chunks_take (self, old);
      if (!gst_nats_delivery_check (old)) {
        gst_nats_delivery_free (old);
        ++*lost;
        return GST_NATS_CHUNKS_LOST;
      }
      *delivery = old;
      return GST_NATS_CHUNKS_COMPLETE;
    }
  }
  /* the oldest go first: their sources may be gone */
  while (self->open.length > 1 && (self->bytes > self->max_bytes
          || self->open.length > MAX_SOURCES))
    gst_nats_chunks_drop (self, self->open.head->data, lost);

  return GST_NATS_CHUNKS_MORE;
}
