/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstnatscaps.h"

/* Strings that are kept parsed, and short names of sources. What is forgotten
 * comes again with the caps of a later message. */
#define MAX_TEXTS 1024
#define MAX_NAMES 16384

struct _GstNatsCaps
{
  GHashTable *texts;            /* string to GstCaps */
  GHashTable *names;            /* source, epoch and id to GstCaps; NULL: the
                                   source has two caps of that name */
};

static void
unref_caps (gpointer caps)
{
  if (caps)
    gst_caps_unref (caps);
}

GstNatsCaps *
gst_nats_caps_new (void)
{
  GstNatsCaps *self = g_new (GstNatsCaps, 1);

  self->texts = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
      unref_caps);
  self->names = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
      unref_caps);
  return self;
}

void
gst_nats_caps_free (GstNatsCaps * self)
{
  g_hash_table_unref (self->texts);
  g_hash_table_unref (self->names);
  g_free (self);
}

static GstCaps *
parse (const gchar * text)
{
  GstCaps *caps = gst_caps_from_string (text);
  GstCapsFeatures *features;

  if (!caps)
    return NULL;
  features = gst_caps_get_size (caps) == 1 ? gst_caps_get_features (caps, 0) :
      NULL;
  if (gst_caps_is_fixed (caps) && features
      && gst_caps_features_contains (features,
          GST_CAPS_FEATURE_MEMORY_SYSTEM_MEMORY))
    return caps;
  gst_caps_unref (caps);
  return NULL;
}

static GstCaps *
gst_nats_caps_of_text (GstNatsCaps * self, const gchar * text)
{
  GstCaps *caps = g_hash_table_lookup (self->texts, text);

  if (caps)
    return caps;
  caps = parse (text);
  if (!caps)
    return NULL;
  if (g_hash_table_size (self->texts) >= MAX_TEXTS)
    g_hash_table_remove_all (self->texts);
  g_hash_table_insert (self->texts, g_strdup (text), caps);

  return caps;
}

/* 32 bits are not enough to tell the caps of all sources apart: a name counts
 * for the source that used it alone, and not at all when that has two. */
static void
gst_nats_caps_remember (GstNatsCaps * self, gchar * name, GstCaps * caps)
{
  gpointer known;

  if (g_hash_table_lookup_extended (self->names, name, NULL, &known)) {
    if (known && !gst_caps_is_equal (known, caps))
      g_hash_table_insert (self->names, name, NULL);
    else
      g_free (name);
    return;
  }
  if (g_hash_table_size (self->names) >= MAX_NAMES)
    g_hash_table_remove_all (self->names);
  g_hash_table_insert (self->names, name, gst_caps_ref (caps));
}

GstCaps *
gst_nats_caps_find (GstNatsCaps * self, const nats_header * header)
{
  gchar *name = g_strdup_printf ("%s.%" G_GINT64_MODIFIER "x.%08x",
      header->identity.source, header->identity.epoch, header->caps_id);
  GstCaps *caps;

  if (!header->caps) {
    caps = g_hash_table_lookup (self->names, name);
    g_free (name);
    return caps;
  }
  caps = nats_hash (header->caps) == header->caps_id ?
      gst_nats_caps_of_text (self, header->caps) : NULL;
  if (caps)
    gst_nats_caps_remember (self, name, caps);
  else
    g_free (name);

  return caps;
}
