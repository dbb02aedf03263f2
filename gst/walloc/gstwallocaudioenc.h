/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef __GST_WALLOC_AUDIO_ENC_H__
#define __GST_WALLOC_AUDIO_ENC_H__

#include <gst/audio/audio.h>
#include <gst/gst.h>
#include <walloc/audio.h>

#include "gstwallocmodel.h"
#include "gstwallocratecontrol.h"

G_BEGIN_DECLS

#define GST_TYPE_WALLOC_AUDIO_ENC (gst_walloc_audio_enc_get_type ())
G_DECLARE_FINAL_TYPE (GstWallocAudioEnc, gst_walloc_audio_enc, GST,
    WALLOC_AUDIO_ENC, GstAudioEncoder)

/* of the property "frame-size" */
#define GST_WALLOC_AUDIO_ENC_MAX_FRAME_SIZE \
    (WALLOC_AUDIO_MAX_COLUMNS * WALLOC_AUDIO_COLUMN)

struct _GstWallocAudioEnc
{
  GstAudioEncoder parent;

  /* properties, protected by the object lock */
  guint quality;
  guint bitrate;                /* bit/s */
  guint frame_size;             /* samples; 0: by the rate */
  guint layers;
  gchar *model_file;

  GstWallocModel *model;        /* from start to stop */

  /* of the stream */
  GstAudioInfo info;
  walloc_audio_encoder *encoder;
  walloc_sample_format format;
  guint samples;                /* per channel, of a frame */
  guint delay;                  /* samples that come out late */
  gboolean whole;               /* frames are clips of their own */
  guint64 mask;
  guint8 *block;                /* the last one, padded */
  GstWallocRateControl rate;
  guint nominal_bitrate;        /* in the tags; 0: none */

  /* since the stream began: in samples per channel */
  guint64 consumed;             /* that the base class gave */
  guint64 coded;                /* that were coded, zeros included */
  GstClockTime stamped;         /* time of the last header with a time stamp */
  gint64 offset;                /* of the next buffer's first sample, from
                                 * where the base class thinks it is */
  guint next_samples;           /* of the next buffer, trimmed */

  /* for the property "stats", protected by the object lock */
  walloc_audio_encoder_stats stats;
  guint last_step;
};

/* properties, in gstwallocaudioencproperties.c */
void gst_walloc_audio_enc_set_property (GObject * object, guint prop_id,
    const GValue * value, GParamSpec * pspec);
void gst_walloc_audio_enc_get_property (GObject * object, guint prop_id, GValue * value,
    GParamSpec * pspec);
void gst_walloc_audio_enc_install_properties (GObjectClass * object_class);
void gst_walloc_audio_enc_init_properties (GstWallocAudioEnc * self);

G_END_DECLS

#endif /* __GST_WALLOC_AUDIO_ENC_H__ */
