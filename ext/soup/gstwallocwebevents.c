/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <string.h>

#include "../../gst/compressed/gstcompressedmeta.h"
#include "gstwallocjson.h"
#include "gstwallocwebevents.h"
#include "webrequest.h"

#define MAX_EVENTS 256
#define MAX_BYTES (1024 * 1024)

/* elements of a mask that go over the wire at most; a greater one is thinned
 * out along both axes */
#define MAX_MASK (256 * 256)

/* Class and run length (LEB128), row by row, of each @step-th element of each
 * @step-th row. */
static GByteArray *
run_lengths (const guint8 * data, gint stride, guint width, guint height,
    guint step)
{
  GByteArray *out = g_byte_array_new ();
  guint x, y, run = 0;
  guint8 value = 0, byte;

#define END_RUN \
  if (run > 0) { \
    g_byte_array_append (out, &value, 1); \
    for (; run >= 0x80; run >>= 7) { \
      byte = run | 0x80; \
      g_byte_array_append (out, &byte, 1); \
    } \
    byte = run; \
    g_byte_array_append (out, &byte, 1); \
  }

  for (y = 0; y < height; y += step) {
    const guint8 *row = data + (gsize) y * stride;

    for (x = 0; x < width; x += step) {
      if (run > 0 && row[x] == value) {
        run++;
        continue;
      }
      END_RUN;
      value = row[x];
      run = 1;
    }
  }
  END_RUN;
#undef END_RUN

  return out;
}

static json_t *
mask_to_json (const GstStructure * result)
{
  GstCompressedMask mask;
  GstVideoFrame frame;
  GByteArray *runs;
  gchar *text;
  json_t *json;
  guint width, height, step = 1;

  if (!gst_compressed_result_get_mask (result, &mask)
      || !gst_video_frame_map (&frame, &mask.info, mask.buffer, GST_MAP_READ))
    return NULL;
  width = GST_VIDEO_FRAME_WIDTH (&frame);
  height = GST_VIDEO_FRAME_HEIGHT (&frame);
  while ((guint64) ((width + step - 1) / step) * ((height + step - 1) / step)
      > MAX_MASK)
    step++;
  runs = run_lengths (GST_VIDEO_FRAME_PLANE_DATA (&frame, 0),
      GST_VIDEO_FRAME_PLANE_STRIDE (&frame, 0), width, height, step);
  gst_video_frame_unmap (&frame);
  text = g_base64_encode (runs->data, runs->len);
  json = json_pack ("{s:i, s:i, s:i, s:s}",
      "width", (gint) ((width + step - 1) / step),
      "height", (gint) ((height + step - 1) / step),
      "cell", (gint) (mask.cell * step), "runs", text);
  g_free (text);
  g_byte_array_unref (runs);

  return json;
}

gchar *
gst_walloc_web_events_json (const GstStructure * result)
{
  json_t *object = gst_walloc_json_from_structure (result);
  json_t *mask = mask_to_json (result);
  gchar *text;

  if (mask) {
    json_object_set_new (object, "mask", mask);
    json_object_del (object, "cell");
  }
  text = gst_walloc_json_to_text (object);
  if (strlen (text) > GST_WALLOC_WEB_MAX_EVENT && mask) {
    /* noise has no runs; what else is known of it still is of use */
    json_object_del (object, "mask");
    g_free (text);
    text = gst_walloc_json_to_text (object);
  }
  json_decref (object);
  if (strlen (text) > GST_WALLOC_WEB_MAX_EVENT)
    g_clear_pointer (&text, g_free);

  return text;
}

gchar *
gst_walloc_web_events_check (const gchar * json)
{
  json_t *value;
  gchar *text;

  if (!json || strlen (json) > GST_WALLOC_WEB_MAX_EVENT)
    return NULL;
  value = json_loads (json, JSON_DECODE_ANY, NULL);
  if (!value)
    return NULL;
  text = gst_walloc_json_to_text (value);
  json_decref (value);
  if (strlen (text) > GST_WALLOC_WEB_MAX_EVENT)
    g_clear_pointer (&text, g_free);

  return text;
}

gboolean
gst_walloc_web_events_is_name (const gchar * name)
{
  gsize i;

  if (!name || !*name || strlen (name) > GST_WALLOC_WEB_MAX_NAME)
    return FALSE;
  for (i = 0; name[i]; i++) {
    if (!g_ascii_isalnum (name[i]) && !strchr ("-_.", name[i]))
      return FALSE;
  }
  return TRUE;
}

static void
event_free (gpointer data)
{
  GstWallocWebEvent *event = data;

  g_bytes_unref (event->sse);
  g_bytes_unref (event->message);
  g_free (event);
}

void
gst_walloc_web_events_init (GstWallocWebEvents * self)
{
  memset (self, 0, sizeof (*self));
  self->epoch = g_get_real_time ();
  g_queue_init (&self->events);
}

void
gst_walloc_web_events_clear (GstWallocWebEvents * self)
{
  g_queue_clear_full (&self->events, event_free);
  self->bytes = 0;
}

static gsize
size_of (const GstWallocWebEvent * event)
{
  return g_bytes_get_size (event->sse) + g_bytes_get_size (event->message);
}

static GBytes *
take_text (gchar * text)
{
  return g_bytes_new_take (text, strlen (text));
}

const GstWallocWebEvent *
gst_walloc_web_events_add (GstWallocWebEvents * self, const gchar * name,
    const gchar * json)
{
  GstWallocWebEvent *event = g_new0 (GstWallocWebEvent, 1);

  event->number = ++self->last;
  event->sse = take_text (g_strdup_printf ("event: %s\nid: %"
          G_GINT64_MODIFIER "x-%" G_GINT64_MODIFIER "x\ndata: %s\n\n", name,
          self->epoch, event->number, json));
  event->message = take_text (g_strdup_printf
      ("{\"type\":\"event\",\"name\":\"%s\",\"data\":%s}", name, json));
  g_queue_push_tail (&self->events, event);
  self->bytes += size_of (event);
  while (self->events.length > MAX_EVENTS || (self->bytes > MAX_BYTES
          && self->events.length > 1)) {
    GstWallocWebEvent *old = g_queue_pop_head (&self->events);

    self->bytes -= size_of (old);
    event_free (old);
  }

  return event;
}

GList *
gst_walloc_web_events_since (GstWallocWebEvents * self, const gchar * last_id)
{
  guint64 epoch, number;
  GList *l;

  if (!last_id)
    return NULL;
  /* of a start before this one: all is new */
  if (!webrequest_event_id (last_id, &epoch, &number) || epoch != self->epoch)
    return self->events.head;
  for (l = self->events.head; l; l = l->next) {
    if (((GstWallocWebEvent *) l->data)->number > number)
      return l;
  }
  return NULL;
}
