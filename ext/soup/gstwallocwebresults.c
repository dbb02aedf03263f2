/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A result may come twice: in a message, early, and on the buffer that it is
 * of, with a mask. As soon as one was seen on a buffer, messages of that kind
 * and network are left alone. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <string.h>

#include "../../gst/compressed/gstcompressedmeta.h"
#include "gstwallocwebevents.h"
#include "gstwallocwebresults.h"

GST_DEBUG_CATEGORY_EXTERN (wallocwebsink_debug);
#define GST_CAT_DEFAULT wallocwebsink_debug

/* kinds and networks that are told apart */
#define MAX_RESULTS 64

/* metas, and the messages that say the same */
static const struct
{
  const gchar *meta, *name;
} metas[] = {
  {GST_COMPRESSED_CLASSIFY_META, "compressedclassify"},
  {GST_COMPRESSED_SEGMENT_META, "compressedsegment"},
  {GST_COMPRESSED_READ_META, "compressedread"},
};

typedef struct
{
  gboolean by_meta;
  guint64 timestamp;            /* of the last one told */
} Result;

/* Whether a result is to be told. */
static gboolean
is_new (GstWallocWebSink * self, const gchar * name,
    const GstStructure * result, gboolean meta)
{
  const gchar *network = gst_structure_get_string (result, "network");
  gchar *key = g_strdup_printf ("%s/%s", name, network ? network : "");
  guint64 timestamp = GST_CLOCK_TIME_NONE;
  gboolean told;
  Result *r;

  gst_structure_get_uint64 (result, "timestamp", &timestamp);
  g_mutex_lock (&self->results_lock);
  r = g_hash_table_lookup (self->results, key);
  if (!r && g_hash_table_size (self->results) < MAX_RESULTS) {
    r = g_new0 (Result, 1);
    r->timestamp = GST_CLOCK_TIME_NONE;
    g_hash_table_insert (self->results, g_steal_pointer (&key), r);
  }
  told = r && timestamp != GST_CLOCK_TIME_NONE && r->timestamp == timestamp
      && !gst_structure_has_field (result, "mask");
  if (r && !meta)
    told |= r->by_meta;
  if (r && !told) {
    r->timestamp = timestamp;
    r->by_meta |= meta;
  } else if (r) {
    r->by_meta |= meta;
  }
  g_mutex_unlock (&self->results_lock);
  g_free (key);

  return !told;
}

/* Takes @json, one line. */
static gboolean
post (GstWallocWebSink * self, const gchar * name, gchar * json)
{
  gboolean there;

  /* the server is freed by whoever takes it away under this lock */
  GST_OBJECT_LOCK (self);
  there = self->server != NULL && json != NULL;
  if (there)
    gst_walloc_web_server_event (self->server, name, json);
  GST_OBJECT_UNLOCK (self);
  if (!there)
    g_free (json);

  return there;
}

void
gst_walloc_web_results_take (GstWallocWebSink * self, GstBuffer * buffer)
{
  const GstStructure *result;
  guint i, k;

  for (i = 0; i < G_N_ELEMENTS (metas); i++) {
    for (k = 0; (result = gst_compressed_meta_get (buffer, metas[i].meta, k));
        k++) {
      if (is_new (self, metas[i].name, result, TRUE))
        post (self, metas[i].name, gst_walloc_web_events_json (result));
    }
  }
}

static gboolean
is_wanted (GstWallocWebSink * self, const gchar * name)
{
  gboolean wanted;

  g_mutex_lock (&self->results_lock);
  wanted = g_strv_contains ((const gchar * const *) self->names, name)
      || g_strv_contains ((const gchar * const *) self->names, "*");
  g_mutex_unlock (&self->results_lock);

  return wanted;
}

/* In whatever thread posts the message. */
static void
on_message (GstBus * bus, GstMessage * message, GstWallocWebSink * self)
{
  const GstStructure *s = gst_message_get_structure (message);
  const gchar *name = s ? gst_structure_get_name (s) : NULL;

  if (!name || GST_MESSAGE_SRC (message) == GST_OBJECT (self)
      || !is_wanted (self, name) || !gst_walloc_web_events_is_name (name))
    return;
  if (is_new (self, name, s, FALSE))
    post (self, name, gst_walloc_web_events_json (s));
}

gboolean
gst_walloc_web_results_push (GstWallocWebSink * self, const gchar * name,
    const gchar * json)
{
  if (!gst_walloc_web_events_is_name (name))
    return FALSE;
  return post (self, name, gst_walloc_web_events_check (json));
}

/* The bus of the application: that of the outermost bin. */
static GstBus *
outermost_bus (GstElement * element)
{
  GstObject *object = gst_object_ref (element), *parent;
  GstBus *bus = NULL;

  while ((parent = gst_object_get_parent (object))) {
    gst_object_unref (object);
    object = parent;
  }
  if (GST_IS_PIPELINE (object))
    bus = gst_pipeline_get_bus (GST_PIPELINE (object));
  gst_object_unref (object);

  return bus;
}

void
gst_walloc_web_results_start (GstWallocWebSink * self)
{
  gchar **names;

  GST_OBJECT_LOCK (self);
  names = g_strsplit_set (self->bus_messages ? self->bus_messages : "", ", ",
      -1);
  GST_OBJECT_UNLOCK (self);
  g_mutex_lock (&self->results_lock);
  g_strfreev (self->names);
  self->names = names;
  g_hash_table_remove_all (self->results);
  g_mutex_unlock (&self->results_lock);
  self->bus = outermost_bus (GST_ELEMENT (self));
  if (!self->bus)
    return;
  gst_bus_enable_sync_message_emission (self->bus);
  self->handler = g_signal_connect_object (self->bus,
      "sync-message::element", G_CALLBACK (on_message), self, 0);
}

void
gst_walloc_web_results_stop (GstWallocWebSink * self)
{
  if (self->bus) {
    g_signal_handler_disconnect (self->bus, self->handler);
    gst_bus_disable_sync_message_emission (self->bus);
    gst_clear_object (&self->bus);
  }
}
