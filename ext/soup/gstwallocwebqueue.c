/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <string.h>

#include "gstwallocwebqueue.h"

#define TAIL "\r\n"
/* vectors of an item at most: what is before the data, it, what is behind */
#define ITEM_VECTORS 3

typedef struct
{
  guint8 head[WEBSOCKET_MAX_HEAD + 10];
  guint8 head_size, tail_size;
  gboolean is_frame;
  GBytes *data;
  gsize total, sent;
  gint64 queued;
} Item;

static void
item_free (Item * item)
{
  g_bytes_unref (item->data);
  g_free (item);
}

void
gst_walloc_web_queue_init (GstWallocWebQueue * self)
{
  g_queue_init (&self->items);
  self->bytes = 0;
}

void
gst_walloc_web_queue_clear (GstWallocWebQueue * self)
{
  g_queue_clear_full (&self->items, (GDestroyNotify) item_free);
  self->bytes = 0;
}

void
gst_walloc_web_queue_push (GstWallocWebQueue * self, GBytes * data,
    GstWallocWebWrapping wrapping, gint opcode, gboolean is_frame)
{
  Item *item = g_new0 (Item, 1);
  gsize size = g_bytes_get_size (data);

  item->data = g_bytes_ref (data);
  item->is_frame = is_frame;
  if (wrapping == GST_WALLOC_WEB_MESSAGE) {
    item->head_size = websocket_write_head (item->head, opcode, size);
  } else if (wrapping == GST_WALLOC_WEB_CHUNK) {
    item->head_size = g_snprintf ((gchar *) item->head, sizeof (item->head),
        "%" G_GSIZE_MODIFIER "x" TAIL, size);
    item->tail_size = strlen (TAIL);
  }
  item->total = item->head_size + size + item->tail_size;
  item->queued = g_get_monotonic_time ();
  self->bytes += item->total;
  g_queue_push_tail (&self->items, item);
}

static void
add_vector (GOutputVector * vector, guint * n, gconstpointer data, gsize size,
    gsize * skip)
{
  gsize skipped = MIN (*skip, size);

  *skip -= skipped;
  if (size > skipped) {
    vector[*n].buffer = (const guint8 *) data + skipped;
    vector[*n].size = size - skipped;
    (*n)++;
  }
}

guint
gst_walloc_web_queue_fill (const GstWallocWebQueue * self,
    GOutputVector * vectors)
{
  GList *l;
  guint n = 0;

  for (l = self->items.head; l && n + ITEM_VECTORS <=
      GST_WALLOC_WEB_QUEUE_VECTORS; l = l->next) {
    Item *item = l->data;
    gsize skip = item->sent, size;
    gconstpointer data = g_bytes_get_data (item->data, &size);

    add_vector (vectors, &n, item->head, item->head_size, &skip);
    add_vector (vectors, &n, data, size, &skip);
    add_vector (vectors, &n, TAIL, item->tail_size, &skip);
  }
  return n;
}

void
gst_walloc_web_queue_written (GstWallocWebQueue * self, gsize size)
{
  self->bytes -= size;
  while (size > 0) {
    Item *item = g_queue_peek_head (&self->items);
    gsize part = MIN (size, item->total - item->sent);

    item->sent += part;
    size -= part;
    if (item->sent == item->total)
      item_free (g_queue_pop_head (&self->items));
  }
}

gint64
gst_walloc_web_queue_age (const GstWallocWebQueue * self, gint64 now)
{
  const Item *item = self->items.head ? self->items.head->data : NULL;

  return item ? now - item->queued : 0;
}

guint
gst_walloc_web_queue_forget (GstWallocWebQueue * self, gboolean frames_only,
    gboolean keep_first)
{
  GList *l = self->items.head, *next;
  guint frames = 0;

  if (l && keep_first)
    l = l->next;
  for (; l; l = next) {
    Item *item = l->data;

    next = l->next;
    if (item->sent > 0 || (frames_only && !item->is_frame))
      continue;
    frames += item->is_frame;
    self->bytes -= item->total;
    item_free (item);
    g_queue_delete_link (&self->items, l);
  }
  return frames;
}
