/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef __GST_WALLOC_THIN_H__
#define __GST_WALLOC_THIN_H__

#include <gst/gst.h>

#include "gstwallocthinner.h"

G_BEGIN_DECLS

#define GST_TYPE_WALLOC_THIN (gst_walloc_thin_get_type ())
G_DECLARE_FINAL_TYPE (GstWallocThin, gst_walloc_thin, GST, WALLOC_THIN,
    GstElement)

struct _GstWallocThin
{
  GstElement parent;

  GstPad *sinkpad, *srcpad;

  /* properties, protected by the object lock */
  guint layers;
  guint bitrate;                /* kbit/s */
  GstClockTime max_delay;
  gboolean drop_frames;
  gboolean qos;

  gboolean late;                /* reported since the last frame; same lock */

  /* of the stream */
  GstWallocThinner thinner;
  gboolean warned_one_layer, warned_unknown;
  gboolean discont;             /* a frame was left out */

  /* for the property "stats", protected by the object lock */
  guint64 frames, thinned, dropped, bytes_in, bytes_out;
  guint last_layers, last_layers_in;
  GstClockTime delay;
};

G_END_DECLS

#endif /* __GST_WALLOC_THIN_H__ */
