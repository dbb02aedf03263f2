/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Columns of sound, frame by frame, in windows for a network. */
#ifndef __GST_COMPRESSED_WINDOW_H__
#define __GST_COMPRESSED_WINDOW_H__

#include <glib.h>

G_BEGIN_DECLS

typedef struct
{
  guint channels, window, hop;  /* rows, columns, columns */
  gfloat *data;                 /* [channels][room] */
  guint room;
  guint have;                   /* columns that are there */
  guint fresh;                  /* of them, those that no window had yet */
  guint skip;                   /* columns to come that no window needs */
} GstCompressedWindow;

void      gst_compressed_window_init    (GstCompressedWindow * self,
                                         guint channels, guint window,
                                         guint hop);

void      gst_compressed_window_clear   (GstCompressedWindow * self);

/* What comes next does not follow what came last. */
void      gst_compressed_window_reset   (GstCompressedWindow * self);

/* Adds @columns of @data [@channels][@columns]; missing channels are 0. */
void      gst_compressed_window_add     (GstCompressedWindow * self,
                                         const gfloat * data, guint channels,
                                         guint columns);

/* TRUE: there is a window, @planes [channels] are set and @behind is how many
 * columns there are behind it. @last: take what is left, filled with zeros, if
 * any of it is new. */
gboolean  gst_compressed_window_get     (GstCompressedWindow * self,
                                         gboolean last,
                                         const gfloat ** planes,
                                         gint * behind);

/* Goes on by a hop behind a window that was got. */
void      gst_compressed_window_next    (GstCompressedWindow * self);

G_END_DECLS

#endif /* __GST_COMPRESSED_WINDOW_H__ */
