/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef __GST_WALLOC_ENC_H__
#define __GST_WALLOC_ENC_H__

#include <gst/gst.h>
#include <gst/video/gstvideoencoder.h>
#include <walloc/encoder.h>

#include "gstwallocmodel.h"
#include "gstwallocratecontrol.h"
#include "gstwallocrunner.h"
#include "gstwallocsteps.h"

G_BEGIN_DECLS

#define GST_TYPE_WALLOC_ENC (gst_walloc_enc_get_type ())
G_DECLARE_FINAL_TYPE (GstWallocEnc, gst_walloc_enc, GST, WALLOC_ENC,
    GstVideoEncoder)

struct _GstWallocEnc
{
  GstVideoEncoder parent;

  /* properties, protected by the object lock */
  guint quality;
  guint bitrate;                /* kbit/s */
  guint channels;
  guint layers;
  guint slice_rows;
  guint speed;
  guint key_int_max;
  guint threads;
  gchar *model_file;
  gboolean snapshot;

  /* from start to stop; the model is read by getcaps and so is replaced
   * under the object lock */
  GstWallocModel *model;
  GstWallocRunner *runner;
  walloc_encoder *encoder;
  GstWallocSteps steps;

  /* of the stream */
  GstVideoCodecState *input_state;
  walloc_format format;
  gboolean has_colour;
  walloc_colour colour;
  GstWallocRateControl rate;
  GstClockTime last_pts, last_duration; /* of the last picture */
  guint since_key;              /* frames since the last key frame, itself
                                 * included; 0: the next must be one */
  guint nominal_bitrate;        /* kbit/s in the tags; 0: none */
  guint64 again;                /* attempts beyond the first, at pictures */
  gboolean warned_constant;     /* the model has no steps to control */

  /* for the property "stats", protected by the object lock */
  walloc_encoder_stats stats;
  guint64 dropped, skipped, last_again;
  guint last_step, last_channels, last_layers;
};

/* properties, in gstwallocencproperties.c */
void gst_walloc_enc_set_property (GObject * object, guint prop_id,
    const GValue * value, GParamSpec * pspec);
void gst_walloc_enc_get_property (GObject * object, guint prop_id, GValue * value,
    GParamSpec * pspec);
void gst_walloc_enc_install_properties (GObjectClass * object_class);
void gst_walloc_enc_init_properties (GstWallocEnc * self);

G_END_DECLS

#endif /* __GST_WALLOC_ENC_H__ */
