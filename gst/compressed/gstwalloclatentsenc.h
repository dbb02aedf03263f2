/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef __GST_WALLOC_LATENTS_ENC_H__
#define __GST_WALLOC_LATENTS_ENC_H__

#include <gst/video/video.h>

#include "gstcompressedfilter.h"
#include "gstcompressedwriter.h"

G_BEGIN_DECLS

#define GST_TYPE_WALLOC_LATENTS_ENC (gst_walloc_latents_enc_get_type ())
G_DECLARE_FINAL_TYPE (GstWallocLatentsEnc, gst_walloc_latents_enc, GST,
    WALLOC_LATENTS_ENC, GstCompressedFilter)

/* channels that a tensor may have */
#define MAX_TENSOR_CHANNELS 4096

/* What the application asks for; 0, -1 and UNKNOWN: as the meta says. */
typedef struct
{
  guint quality;
  gint step_index;
  guint channels;
  guint width, height;
  GstVideoFormat format;
  guint rate, audio_channels;
} GstWallocLatentsEncSettings;

struct _GstWallocLatentsEnc
{
  GstCompressedFilter parent;

  /* properties, protected by the object lock */
  GstWallocLatentsEncSettings settings;

  /* of the stream */
  gboolean is_float;            /* of the caps; dims[0] 0: no caps yet */
  guint dims[4];                /* innermost first */
  gint fps_n, fps_d;
  GstWallocModel *model;
  GstCompressedWriter writer;
  gfloat *values;               /* of integers, as many as room */
  gsize room;
  guint sequence;               /* of the next frame of sound without a meta */
};

/* gstwalloclatentsencproperties.c: for class_init, and for init */
void    gst_walloc_latents_enc_install_properties
                                        (GObjectClass * object_class);

void    gst_walloc_latents_enc_init_settings
                                        (GstWallocLatentsEncSettings * settings);

G_END_DECLS

#endif /* __GST_WALLOC_LATENTS_ENC_H__ */
