/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef __GST_WALLOC_AUDIO_DEC_H__
#define __GST_WALLOC_AUDIO_DEC_H__

#include <gst/audio/audio.h>
#include <gst/gst.h>
#include <walloc/audio.h>

#include "gstwallocchoice.h"
#include "gstwallocmodel.h"

G_BEGIN_DECLS

#define GST_TYPE_WALLOC_AUDIO_DEC (gst_walloc_audio_dec_get_type ())
G_DECLARE_FINAL_TYPE (GstWallocAudioDec, gst_walloc_audio_dec, GST,
    WALLOC_AUDIO_DEC, GstAudioDecoder)

struct _GstWallocAudioDec
{
  GstAudioDecoder parent;

  /* properties, protected by the object lock */
  gchar *model_file;
  walloc_decoder_kind kind;

  /* of the stream */
  GstWallocModel *model;
  guint64 missing_id;           /* of a model that was not found */
  gboolean missing;
  walloc_audio_decoder *decoder;
  GstWallocChoice choice;
  walloc_frame_info header;     /* of the last frame */
  gboolean have_header;
  guint decoded_columns, decoded_channels;      /* of the last that decoded */
  GstAudioInfo info;
  guint early;                  /* samples that the next buffer begins before
                                 * its frame: of frames that were lost */

  /* for the property "stats", protected by the object lock */
  walloc_audio_decoder_stats stats;
  guint64 decoded[WALLOC_DECODER_BEST + 1];     /* by decoder */
  guint64 hurried;
};

/* properties, in gstwallocaudiodecproperties.c */
void gst_walloc_audio_dec_set_property (GObject * object, guint prop_id,
    const GValue * value, GParamSpec * pspec);
void gst_walloc_audio_dec_get_property (GObject * object, guint prop_id, GValue * value,
    GParamSpec * pspec);
void gst_walloc_audio_dec_install_properties (GObjectClass * object_class);
void gst_walloc_audio_dec_init_properties (GstWallocAudioDec * self);

G_END_DECLS

#endif /* __GST_WALLOC_AUDIO_DEC_H__ */
