/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A result as a picture: curves over frequency, and the error's spectrum as a
 * map. */
#ifndef __GST_SPECTRAL_PLOT_H__
#define __GST_SPECTRAL_PLOT_H__

#include "gstspectralresult.h"

G_BEGIN_DECLS

/* Least sides of a picture that can be read. */
#define GST_SPECTRAL_PLOT_WIDTH 320
#define GST_SPECTRAL_PLOT_HEIGHT 180

/* Draws into @data: BGRx, @stride bytes from row to row. @title: what and when.
 * FALSE: built without cairo, @data is black then. */
gboolean gst_spectral_plot_draw (guint8 * data, gint stride, gint width,
                                 gint height, const GstSpectralResult * result,
                                 const gchar * title);

G_END_DECLS

#endif /* __GST_SPECTRAL_PLOT_H__ */
