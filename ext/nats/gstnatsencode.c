/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <string.h>

#include "gstnatsencode.h"

/* headers but caps and the sequences of bodies */
#define HEADER_ROOM 1024
#define SEQUENCE_ROOM 21

/* flags that mean something to others; TAG_MEMORY is about this process */
#define FLAGS (GST_BUFFER_FLAG_LIVE | GST_BUFFER_FLAG_DECODE_ONLY | \
    GST_BUFFER_FLAG_DISCONT | GST_BUFFER_FLAG_RESYNC | \
    GST_BUFFER_FLAG_CORRUPTED | GST_BUFFER_FLAG_MARKER | \
    GST_BUFFER_FLAG_HEADER | GST_BUFFER_FLAG_GAP | \
    GST_BUFFER_FLAG_DROPPABLE | GST_BUFFER_FLAG_DELTA_UNIT | \
    GST_BUFFER_FLAG_NON_DROPPABLE | (GST_BUFFER_FLAG_LAST * 0xffu))

void
gst_nats_encoder_init (GstNatsEncoder * self, const gchar * subject,
    gboolean jetstream, const gchar * source)
{
  gst_nats_encoder_clear (self);
  self->subject = g_strdup (subject);
  self->jetstream = jetstream;
  nats_source_set (self->source, source);
  self->epoch = (guint64) g_get_real_time ();
  self->sequence = 0;
  self->caps_sent = 0;
  self->has_segment = FALSE;
  self->repeat = 0;
  memset (&self->last, 0, sizeof (self->last));
}

void
gst_nats_encoder_clear (GstNatsEncoder * self)
{
  g_clear_pointer (&self->subject, g_free);
  g_clear_pointer (&self->caps, g_free);
}

gboolean
gst_nats_encoder_set_caps (GstNatsEncoder * self, const GstCaps * caps)
{
  GstCapsFeatures *features = gst_caps_is_empty (caps) ? NULL :
      gst_caps_get_features (caps, 0);
  gchar *text;

  if (!features || !gst_caps_features_contains (features,
          GST_CAPS_FEATURE_MEMORY_SYSTEM_MEMORY))
    return FALSE;
  text = gst_caps_to_string (caps);
  if (!nats_caps_check (text)) {
    g_free (text);
    return FALSE;
  }
  g_free (self->caps);
  self->caps = text;
  self->caps_id = nats_hash (text);
  self->caps_sent = 0;

  return TRUE;
}

void
gst_nats_encoder_set_segment (GstNatsEncoder * self, const GstSegment * segment)
{
  nats_segment *s = &self->segment;

  /* receivers begin with a segment like that by themselves */
  self->has_segment = segment->format == GST_FORMAT_TIME
      && (segment->rate != 1.0 || segment->applied_rate != 1.0
      || segment->start != 0 || segment->time != 0 || segment->base != 0
      || segment->offset != 0 || segment->stop != GST_CLOCK_TIME_NONE);
  s->rate = segment->rate;
  s->applied_rate = segment->applied_rate;
  s->flags = segment->flags;
  s->start = segment->start;
  s->stop = segment->stop;
  s->time = segment->time;
  s->base = segment->base;
  s->offset = segment->offset;
}

/* Frames keep the identity that they came with. Several buffers of one frame
 * are counted, or a stream would take the second for a copy of the first;
 * a frame that is delivered again begins to count anew. */
static gboolean
gst_nats_encoder_identify (GstNatsEncoder * self, GstBuffer * buffer,
    nats_identity * identity, guint64 * capture_time)
{
  guint delivered = 0;

  if (!self->keep_identity || !gst_nats_meta_get (buffer, identity, &delivered,
          capture_time)) {
    memset (identity, 0, sizeof (*identity));
    memcpy (identity->source, self->source, sizeof (identity->source));
    identity->epoch = self->epoch;
    identity->sequence = self->sequence++;
    return FALSE;
  }
  if (nats_identity_equal (identity, &self->last)
      && delivered == self->last_delivered)
    self->repeat++;
  else
    self->repeat = 0;
  self->last = *identity;
  self->last_delivered = delivered;
  identity->repeat += self->repeat;

  return TRUE;
}

static guint64
clock_utc (GstBuffer * buffer, guint64 known)
{
  GstCaps *unix_time = gst_caps_new_empty_simple ("timestamp/x-unix");
  GstReferenceTimestampMeta *meta =
      gst_buffer_get_reference_timestamp_meta (buffer, unix_time);

  gst_caps_unref (unix_time);
  if (meta)
    return meta->timestamp;
  if (known != NATS_NONE)
    return known;
  return (guint64) g_get_real_time () * 1000;
}

static gboolean
set_header (natsMsg * msg, const gchar * name, const gchar * value)
{
  return msg && natsMsgHeader_Set (msg, name, value) == NATS_OK;
}

/* What a whole buffer and the last of its chunks have. */
static gboolean
gst_nats_encoder_describe (GstNatsEncoder * self, natsMsg * msg,
    const nats_buffer * info)
{
  gchar text[NATS_BUFFER_SIZE], segment[NATS_SEGMENT_SIZE], id[16];
  gint64 now = g_get_monotonic_time ();
  gboolean ok, with_caps;

  nats_buffer_write (text, info);
  ok = set_header (msg, NATS_HEADER_BUFFER, text);
  if (self->caps) {
    /* any worker may get any message of a stream */
    with_caps = self->jetstream || self->caps_interval == 0
        || self->caps_sent == 0 || (guint64) (now - self->caps_sent) >=
        self->caps_interval / 1000;
    g_snprintf (id, sizeof (id), "%08x", self->caps_id);
    ok = ok && set_header (msg, NATS_HEADER_CAPS_ID, id);
    if (with_caps) {
      self->caps_sent = now;
      ok = ok && set_header (msg, NATS_HEADER_CAPS, self->caps);
    }
  }
  if (self->has_segment) {
    nats_segment_write (segment, &self->segment);
    ok = ok && set_header (msg, NATS_HEADER_SEGMENT, segment);
  }

  return ok;
}

/* How many bytes go into one message when there are @n of them. */
static gsize
gst_nats_encoder_room (GstNatsEncoder * self, gsize max_payload, gsize n)
{
  gsize used = HEADER_ROOM + (self->caps ? strlen (self->caps) : 0);

  if (self->jetstream && n > 1)
    used += n * SEQUENCE_ROOM;
  return max_payload > used ? max_payload - used : 0;
}

static guint
gst_nats_encoder_count (GstNatsEncoder * self, gsize size, gsize max_payload)
{
  gsize n = 1, room;

  do {
    room = gst_nats_encoder_room (self, max_payload, n);
    if (room == 0 || n > NATS_MAX_CHUNKS)
      return 0;
    if (n * room >= size)
      return (guint) n;
    n = (size + room - 1) / room;
  } while (TRUE);
}

static void
gst_nats_encoder_fill (GstBuffer * buffer, nats_buffer * info,
    guint64 capture_time)
{
  info->pts = GST_BUFFER_PTS (buffer);
  info->dts = GST_BUFFER_DTS (buffer);
  info->duration = GST_BUFFER_DURATION (buffer);
  info->offset = GST_BUFFER_OFFSET (buffer);
  info->offset_end = GST_BUFFER_OFFSET_END (buffer);
  info->flags = GST_BUFFER_FLAGS (buffer) & FLAGS;
  info->time = clock_utc (buffer, capture_time);
}

GstNatsItem *
gst_nats_encoder_encode (GstNatsEncoder * self, GstNatsPublisher * publisher,
    GstBuffer * buffer, const guint8 * data, gsize size, gsize max_payload,
    GError ** error)
{
  guint n = gst_nats_encoder_count (self, size, max_payload), i;
  gchar id[NATS_ID_SIZE], text[NATS_CHUNK_SIZE], *bodies = NULL;
  guint64 capture_time = NATS_NONE;
  gboolean kept, ok = n > 0;
  nats_identity identity;
  nats_buffer info;
  nats_chunk chunk;
  GstNatsItem *item;
  gsize at, end;
  natsMsg *msg;

  if (n == 0) {
    g_set_error (error, GST_NATS_ERROR, GST_NATS_ERROR_TOO_LARGE,
        "A buffer of %" G_GSIZE_FORMAT " bytes does not fit into %d messages "
        "of the server's max_payload, %" G_GSIZE_FORMAT " bytes; raise "
        "max_payload in its configuration", size, NATS_MAX_CHUNKS, max_payload);
    return NULL;
  }
  if (n > 1 && self->single) {
    g_set_error (error, GST_NATS_ERROR, GST_NATS_ERROR_TOO_LARGE,
        "A buffer of %" G_GSIZE_FORMAT " bytes needs %u messages of the "
        "server's max_payload, %" G_GSIZE_FORMAT " bytes, and a stream with "
        "retention=interest keeps no parts; raise max_payload, or use limits "
        "or work-queue", size, n, max_payload);
    return NULL;
  }
  kept = gst_nats_encoder_identify (self, buffer, &identity, &capture_time);
  gst_nats_encoder_fill (buffer, &info, capture_time);
  item = gst_nats_item_new (publisher, n, self->jetstream);
  chunk.count = n;
  chunk.size = size;
  chunk.crc = n > 1 ? nats_crc (0, data, size) : 0;
  if (n > 1 && self->jetstream)
    bodies = g_strconcat (GST_NATS_CHUNK_PREFIX, self->subject, NULL);
  for (i = 0; i < n && ok; i++) {
    gboolean last = i == n - 1;

    at = (gsize) ((guint64) size * i / n);
    end = (gsize) ((guint64) size * (i + 1) / n);
    msg = gst_nats_item_make (publisher, item, i, last || !bodies ?
        self->subject : bodies, data + at, end - at);
    nats_identity_write (id, &identity, kept ? nats_hash (self->subject) : 0,
        last ? -1 : (int) i);
    ok = set_header (msg, NATS_HEADER_ID, id);
    if (n > 1) {
      chunk.index = i;
      nats_chunk_write (text, &chunk);
      ok = ok && set_header (msg, NATS_HEADER_CHUNK, text);
    }
    ok = ok && (last ? gst_nats_encoder_describe (self, msg, &info) :
        set_header (msg, NATS_HEADER_BUFFER, "1"));
  }
  g_free (bodies);
  if (ok)
    return item;

  gst_nats_item_free (item);
  g_set_error_literal (error, GST_NATS_ERROR, GST_NATS_ERROR_FAILED,
      "cnats could not make a message");
  return NULL;
}

GstNatsItem *
gst_nats_encoder_event (GstNatsEncoder * self, GstNatsPublisher * publisher,
    const gchar * name, GError ** error)
{
  GstNatsItem *item = gst_nats_item_new (publisher, 1, FALSE);
  natsMsg *msg = gst_nats_item_make (publisher, item, 0, self->subject, NULL,
      0);
  nats_identity identity;
  gchar id[NATS_ID_SIZE];

  memset (&identity, 0, sizeof (identity));
  memcpy (identity.source, self->source, sizeof (identity.source));
  identity.epoch = self->epoch;
  identity.sequence = self->sequence;
  /* not the number of a frame of this subject */
  nats_identity_write (id, &identity, nats_hash (name), -1);
  if (set_header (msg, NATS_HEADER_ID, id)
      && set_header (msg, NATS_HEADER_BUFFER, "1")
      && set_header (msg, NATS_HEADER_EVENT, name))
    return item;

  gst_nats_item_free (item);
  g_set_error_literal (error, GST_NATS_ERROR, GST_NATS_ERROR_FAILED,
      "cnats could not make a message");
  return NULL;
}
