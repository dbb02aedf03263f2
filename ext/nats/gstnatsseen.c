/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <string.h>

#include "gstnatsseen.h"

#define MAX_FRAMES 16384
#define MAX_SOURCES 16384
/* a jump further than this is no loss but another beginning */
#define MAX_GAP 1000000

struct _GstNatsSeen
{
  GHashTable *frames;           /* of identities, owned by the ring */
  nats_identity *ring;
  guint at, filled;
  GHashTable *sources;          /* name and epoch to the highest number */
};

static guint
identity_hash (gconstpointer data)
{
  const nats_identity *id = data;

  return nats_hash (id->source) ^ (guint) id->sequence * 2654435761u
      ^ (guint) id->epoch ^ id->repeat << 16;
}

static gboolean
identity_equal (gconstpointer a, gconstpointer b)
{
  return nats_identity_equal (a, b);
}

GstNatsSeen *
gst_nats_seen_new (void)
{
  GstNatsSeen *self = g_new0 (GstNatsSeen, 1);

  self->frames = g_hash_table_new (identity_hash, identity_equal);
  self->ring = g_new (nats_identity, MAX_FRAMES);
  self->sources = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
      g_free);

  return self;
}

void
gst_nats_seen_free (GstNatsSeen * self)
{
  g_hash_table_unref (self->frames);
  g_hash_table_unref (self->sources);
  g_free (self->ring);
  g_free (self);
}

static guint64
gst_nats_seen_gap (GstNatsSeen * self, const nats_identity * identity)
{
  gchar *key = g_strdup_printf ("%s.%" G_GINT64_MODIFIER "x",
      identity->source, (guint64) identity->epoch);
  guint64 *last = g_hash_table_lookup (self->sources, key), gap = 0;

  if (!last) {
    /* whoever invents names only forgets others' */
    if (g_hash_table_size (self->sources) >= MAX_SOURCES)
      g_hash_table_remove_all (self->sources);
    last = g_new (guint64, 1);
    *last = identity->sequence;
    g_hash_table_insert (self->sources, key, last);
    return 0;
  }
  g_free (key);
  if (identity->sequence > *last) {
    gap = identity->sequence - *last - 1;
    *last = identity->sequence;
  }

  return gap > MAX_GAP ? 0 : gap;
}

gboolean
gst_nats_seen_add (GstNatsSeen * self, const nats_identity * identity,
    guint64 * missing)
{
  nats_identity *place = &self->ring[self->at];

  *missing = 0;
  if (g_hash_table_contains (self->frames, identity))
    return TRUE;
  *missing = gst_nats_seen_gap (self, identity);
  if (self->filled == MAX_FRAMES)
    g_hash_table_remove (self->frames, place);
  else
    self->filled++;
  *place = *identity;
  g_hash_table_add (self->frames, place);
  self->at = (self->at + 1) % MAX_FRAMES;

  return FALSE;
}
