/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstwallocwebframe.h"

GstWallocWebFrame *
gst_walloc_web_frame_new (GstBuffer * buffer)
{
  GstWallocWebFrame *self;
  gpointer data;
  gsize size;

  /* one copy for all clients: slow ones must not hold what upstream wants back,
   * such as buffers of a pool */
  gst_buffer_extract_dup (buffer, 0, -1, &data, &size);
  self = g_new0 (GstWallocWebFrame, 1);
  self->refs = 1;
  self->duration = GST_BUFFER_DURATION (buffer);
  self->utc = g_get_real_time ();
  if (walloc_frame_parse (data, size, &self->info, NULL) != WALLOC_OK
      || (gsize) self->info.header_size + self->info.payload_size != size
      || walloc_frame_layer_sizes (data, &self->info, self->sizes) !=
      WALLOC_OK) {
    g_free (data);
    g_free (self);
    return NULL;
  }
  self->size = size;
  self->bytes[self->info.layers - 1] = g_bytes_new_take (data, size);

  return self;
}

GstWallocWebFrame *
gst_walloc_web_frame_ref (GstWallocWebFrame * self)
{
  g_atomic_int_inc (&self->refs);
  return self;
}

void
gst_walloc_web_frame_unref (GstWallocWebFrame * self)
{
  guint i;

  if (!g_atomic_int_dec_and_test (&self->refs))
    return;
  for (i = 0; i < WALLOC_FRAME_MAX_LAYERS; i++)
    g_clear_pointer (&self->bytes[i], g_bytes_unref);
  g_free (self);
}

GBytes *
gst_walloc_web_frame_get (GstWallocWebFrame * self, guint layers)
{
  GBytes *whole = self->bytes[self->info.layers - 1];
  walloc_frame_info after;
  guint8 *out;
  gsize size;

  if (layers >= self->info.layers)
    return whole;
  if (self->bytes[layers - 1])
    return self->bytes[layers - 1];

  size = self->sizes[layers - 1];
  out = g_malloc (size);
  if (walloc_frame_thin (g_bytes_get_data (whole, NULL), self->size, layers,
          out, size, &after, NULL) != WALLOC_OK) {
    /* its header says that this is possible; the whole is right, too */
    g_free (out);
    return whole;
  }
  self->bytes[layers - 1] = g_bytes_new_take (out, size);

  return self->bytes[layers - 1];
}
