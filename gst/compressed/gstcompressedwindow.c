/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <string.h>

#include "gstcompressedwindow.h"

void
gst_compressed_window_init (GstCompressedWindow * self, guint channels,
    guint window, guint hop)
{
  memset (self, 0, sizeof (*self));
  self->channels = channels;
  self->window = window;
  self->hop = hop;
}

void
gst_compressed_window_clear (GstCompressedWindow * self)
{
  g_free (self->data);
  memset (self, 0, sizeof (*self));
}

void
gst_compressed_window_reset (GstCompressedWindow * self)
{
  self->have = self->fresh = self->skip = 0;
}

/* Makes room for @more columns behind those that are there. */
static void
make_room (GstCompressedWindow * self, guint more)
{
  guint room = MAX (self->have + more, self->window), c;
  gfloat *data;

  if (room <= self->room)
    return;
  data = g_new0 (gfloat, (gsize) room * self->channels);
  for (c = 0; c < self->channels && self->have; c++)
    memcpy (data + (gsize) c * room, self->data + (gsize) c * self->room,
        self->have * sizeof (gfloat));
  g_free (self->data);
  self->data = data;
  self->room = room;
}

void
gst_compressed_window_add (GstCompressedWindow * self, const gfloat * data,
    guint channels, guint columns)
{
  guint skipped = MIN (self->skip, columns), n = columns - skipped, c;

  self->skip -= skipped;
  if (!n)
    return;
  make_room (self, n);
  for (c = 0; c < self->channels; c++) {
    gfloat *row = self->data + (gsize) c * self->room + self->have;

    if (c < channels)
      memcpy (row, data + (gsize) c * columns + skipped, n * sizeof (gfloat));
    else
      memset (row, 0, n * sizeof (gfloat));
  }
  self->have += n;
  self->fresh += n;
}

gboolean
gst_compressed_window_get (GstCompressedWindow * self, gboolean last,
    const gfloat ** planes, gint * behind)
{
  guint c;

  if (self->have < self->window) {
    if (!last || !self->fresh)
      return FALSE;
    for (c = 0; c < self->channels; c++)
      memset (self->data + (gsize) c * self->room + self->have, 0,
          (self->window - self->have) * sizeof (gfloat));
  }
  for (c = 0; c < self->channels; c++)
    planes[c] = self->data + (gsize) c *self->room;
  *behind = (gint) self->have - (gint) self->window;

  return TRUE;
}

void
gst_compressed_window_next (GstCompressedWindow * self)
{
  guint gone = MIN (self->hop, self->have), c;

  self->skip = self->hop - gone;
  /* what is behind the window */
  self->fresh = self->have > self->window ? self->have - self->window : 0;
  self->have -= gone;
  self->fresh = MIN (self->fresh, self->have);
  for (c = 0; c < self->channels && self->have; c++) {
    gfloat *row = self->data + (gsize) c * self->room;

    memmove (row, row + gone, self->have * sizeof (gfloat));
  }
}
