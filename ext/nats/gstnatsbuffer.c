/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstnatsbuffer.h"
#include "gstnatscommon.h"

static void
free_messages (gpointer data)
{
  g_ptr_array_unref (data);
}

/* One message is used where it is; several are put into one memory. */
static GstBuffer *
make_buffer (const GstNatsDelivery * delivery)
{
  GstBuffer *buffer;
  gsize at = 0;
  guint i;

  if (delivery->messages->len == 1 && delivery->size > 0) {
    natsMsg *msg = g_ptr_array_index (delivery->messages, 0);

    return gst_buffer_new_wrapped_full (GST_MEMORY_FLAG_READONLY,
        (gpointer) natsMsg_GetData (msg), delivery->size, 0, delivery->size,
        g_ptr_array_ref (delivery->messages), free_messages);
  }
  buffer = gst_buffer_new_allocate (NULL, delivery->size, NULL);
  for (i = 0; buffer && i < delivery->messages->len; i++) {
    natsMsg *msg = g_ptr_array_index (delivery->messages, i);

    at += gst_buffer_fill (buffer, at, natsMsg_GetData (msg),
        (gsize) natsMsg_GetDataLength (msg));
  }

  return buffer;
}

GstBuffer *
gst_nats_buffer_new (const GstNatsDelivery * delivery)
{
  const nats_header *header = &delivery->header;
  GstBuffer *buffer = make_buffer (delivery);
  natsMsg *last = g_ptr_array_index (delivery->messages,
      delivery->messages->len - 1);
  GstCaps *unix_time;

  if (!buffer)
    return NULL;
  GST_BUFFER_DURATION (buffer) = header->buffer.duration;
  GST_BUFFER_OFFSET (buffer) = header->buffer.offset;
  GST_BUFFER_OFFSET_END (buffer) = header->buffer.offset_end;
  GST_BUFFER_FLAGS (buffer) |= header->buffer.flags & ~(guint)
      (GST_BUFFER_FLAG_TAG_MEMORY | (GST_MINI_OBJECT_FLAG_LAST - 1));
  if (delivery->lost_before)
    GST_BUFFER_FLAG_SET (buffer, GST_BUFFER_FLAG_DISCONT);
  gst_nats_meta_add (buffer, &header->identity, natsMsg_GetSubject (last),
      &delivery->delivery, delivery->duplicate
      || delivery->delivery.delivered > 1, header->buffer.time,
      (guint64) delivery->received);
  if (header->buffer.time != NATS_NONE) {
    unix_time = gst_caps_new_empty_simple ("timestamp/x-unix");
    gst_buffer_add_reference_timestamp_meta (buffer, unix_time,
        header->buffer.time, GST_CLOCK_TIME_NONE);
    gst_caps_unref (unix_time);
  }

  return buffer;
}

void
gst_nats_segment_read (GstSegment * segment, const nats_segment * s)
{
  segment->rate = s->rate;
  segment->applied_rate = s->applied_rate;
  segment->flags = s->flags & (GST_SEGMENT_FLAG_TRICKMODE
      | GST_SEGMENT_FLAG_TRICKMODE_KEY_UNITS
      | GST_SEGMENT_FLAG_TRICKMODE_NO_AUDIO);
  segment->start = s->start;
  segment->stop = s->stop;
  segment->time = s->time;
  segment->base = s->base;
  segment->offset = s->offset;
  segment->position = s->start;
}

gboolean
gst_nats_segment_equal (const nats_segment * a, const nats_segment * b)
{
  return a->rate == b->rate && a->applied_rate == b->applied_rate
      && a->flags == b->flags && a->start == b->start && a->stop == b->stop
      && a->time == b->time && a->base == b->base && a->offset == b->offset;
}

GstClockTime
gst_nats_time_move (GstClockTime time, gint64 offset)
{
  gint64 moved = (gint64) (time + (guint64) offset);

  if (time == NATS_NONE)
    return GST_CLOCK_TIME_NONE;
  if (moved < 0)
    return offset < 0 ? 0 : G_MAXINT64;
  return (GstClockTime) moved;
}
