/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Text to coverage, by Pango. */
#ifndef __GST_COMPRESSED_TEXT_H__
#define __GST_COMPRESSED_TEXT_H__

#include <glib.h>

G_BEGIN_DECLS

/* 0 (nothing) to 255 (all) of each pixel. */
typedef struct
{
  gint width, height;
  gsize stride;
  guint8 *coverage;
} GstCompressedGlyphs;

typedef struct _GstCompressedText GstCompressedText;

/* @font: a Pango font description without size, such as "Sans Bold". NULL where
 * this was built without Pango. */
GstCompressedText *   gst_compressed_text_new   (const gchar * font);

/* NULL is fine. */
void                  gst_compressed_text_free  (GstCompressedText * self);

/* @text (UTF-8) in letters of @size pixels from ascent to descent, squeezed
 * where it is wider than @max_width (0: as wide as it is). What comes back
 * lives until many others were asked for; NULL when there is nothing to see. */
const GstCompressedGlyphs *
                      gst_compressed_text_get   (GstCompressedText * self,
                                                 const gchar * text,
                                                 gint size, gint max_width);

G_END_DECLS

#endif /* __GST_COMPRESSED_TEXT_H__ */
