/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Labels hardly change from frame to frame, so what was drawn is kept. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstcompressedtext.h"

#ifdef HAVE_PANGOCAIRO
#include <pango/pangocairo.h>

/* texts that are kept; when there are more, all are forgotten */
#define MAX_KEPT 512
/* a picture of letters, along each axis */
#define MAX_SIZE 4096

struct _GstCompressedText
{
  PangoFontMap *map;
  PangoContext *context;
  PangoFontDescription *font;
  GHashTable *kept;             /* key -> GstCompressedGlyphs */
};

static void
glyphs_free (gpointer data)
{
  GstCompressedGlyphs *glyphs = data;

  g_free (glyphs->coverage);
  g_free (glyphs);
}

GstCompressedText *
gst_compressed_text_new (const gchar * font)
{
  GstCompressedText *self = g_new0 (GstCompressedText, 1);

  /* a map of its own: the default one belongs to a thread */
  self->map = pango_cairo_font_map_new ();
  self->context = pango_font_map_create_context (self->map);
  self->font = pango_font_description_from_string (font ? font : "Sans");
  self->kept = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
      glyphs_free);

  return self;
}

void
gst_compressed_text_free (GstCompressedText * self)
{
  if (!self)
    return;
  g_hash_table_unref (self->kept);
  pango_font_description_free (self->font);
  g_object_unref (self->context);
  g_object_unref (self->map);
  g_free (self);
}

static GstCompressedGlyphs *
draw (GstCompressedText * self, const gchar * text, gint size, gint max_width)
{
  GstCompressedGlyphs *glyphs = g_new0 (GstCompressedGlyphs, 1);
  PangoLayout *layout = pango_layout_new (self->context);
  gdouble squeeze = 1;
  cairo_surface_t *surface;
  cairo_t *cr;
  gint width, height;

  pango_font_description_set_absolute_size (self->font,
      size * 0.8 * PANGO_SCALE);
  pango_layout_set_font_description (layout, self->font);
  pango_layout_set_single_paragraph_mode (layout, TRUE);
  pango_layout_set_text (layout, text, -1);
  pango_layout_get_pixel_size (layout, &width, &height);
  if (max_width > 0 && width > max_width) {
    squeeze = (gdouble) max_width / width;
    width = max_width;
  }
  width = MIN (width, MAX_SIZE);
  height = MIN (height, MAX_SIZE);
  if (width > 0 && height > 0) {
    surface = cairo_image_surface_create (CAIRO_FORMAT_A8, width, height);
    cr = cairo_create (surface);
    cairo_scale (cr, squeeze, 1);
    pango_cairo_show_layout (cr, layout);
    cairo_destroy (cr);
    cairo_surface_flush (surface);
    if (cairo_surface_status (surface) == CAIRO_STATUS_SUCCESS) {
      glyphs->width = width;
      glyphs->height = height;
      glyphs->stride = cairo_image_surface_get_stride (surface);
      glyphs->coverage = g_memdup2 (cairo_image_surface_get_data (surface),
          glyphs->stride * height);
    }
    cairo_surface_destroy (surface);
  }
  g_object_unref (layout);

  return glyphs;
}

const GstCompressedGlyphs *
gst_compressed_text_get (GstCompressedText * self, const gchar * text,
    gint size, gint max_width)
{
  GstCompressedGlyphs *glyphs;
  gchar *key;

  if (!self || size < 1 || size > MAX_SIZE || !*text
      || !g_utf8_validate (text, -1, NULL))
    return NULL;
  key = g_strdup_printf ("%d %d %s", size, max_width, text);
  glyphs = g_hash_table_lookup (self->kept, key);
  if (!glyphs) {
    if (g_hash_table_size (self->kept) >= MAX_KEPT)
      g_hash_table_remove_all (self->kept);
    glyphs = draw (self, text, size, max_width);
    g_hash_table_insert (self->kept, g_steal_pointer (&key), glyphs);
  }
  g_free (key);

  return glyphs->coverage ? glyphs : NULL;
}

#else /* !HAVE_PANGOCAIRO */

GstCompressedText *
gst_compressed_text_new (const gchar * font)
{
  return NULL;
}

void
gst_compressed_text_free (GstCompressedText * self)
{
}

const GstCompressedGlyphs *
gst_compressed_text_get (GstCompressedText * self, const gchar * text,
    gint size, gint max_width)
{
  return NULL;
}

#endif
