/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef __GST_WALLOC_DEC_H__
#define __GST_WALLOC_DEC_H__

#include <gst/gst.h>
#include <gst/video/gstvideodecoder.h>
#include <walloc/decoder.h>

#include "gstwallocchoice.h"
#include "gstwallocmodel.h"
#include "gstwallocrunner.h"

G_BEGIN_DECLS

#define GST_TYPE_WALLOC_DEC (gst_walloc_dec_get_type ())
G_DECLARE_FINAL_TYPE (GstWallocDec, gst_walloc_dec, GST, WALLOC_DEC,
    GstVideoDecoder)

struct _GstWallocDec
{
  GstVideoDecoder parent;

  /* properties, protected by the object lock */
  walloc_decoder_kind kind;
  guint threads;
  gchar *model_file;
  gboolean conceal;
  guint64 max_pixels;

  /* from start to stop */
  GstWallocRunner *runner;
  GstWallocModel *model;        /* of the last frame */
  walloc_decoder *decoder;

  /* of the stream */
  GstVideoCodecState *input_state;
  GstVideoCodecState *output_state;
  walloc_frame_info header;     /* that output_state was made for */
  walloc_format format;         /* of output_state */
  guint reduce;                 /* pictures are 1 / 2^reduce of their size */
  gboolean renegotiate;         /* caps changed since */
  gint64 last_warning;          /* monotonic time, us; 0: none yet */
  guint damaged_frames;         /* since that warning */
  guint unusable_frames;        /* nothing of them could be decoded */
  GstClockTime decoded_pts;     /* of what the decoder holds; none: no frame
                                 * that is near to the next */
  gboolean has_output;          /* a frame was decoded, or dropped as late */
  GstWallocChoice choice;       /* for decoder=auto */
  gboolean live_known;          /* choice.live was asked for */

  /* for the property "stats" and queries, protected by the object lock; the totals are
   * those of decoders that are gone because the model changed */
  walloc_decoder_stats stats, totals;
  guint64 dropped, hurried, waiting;
  guint size[2];                /* of the stream's pictures */
  guint64 decoded[WALLOC_DECODER_BEST + 1];     /* frames, by decoder */
};

/* gstwallocdecproperties.c */
void gst_walloc_dec_set_property (GObject * object, guint prop_id,
    const GValue * value, GParamSpec * pspec);
void gst_walloc_dec_get_property (GObject * object, guint prop_id,
    GValue * value, GParamSpec * pspec);
void gst_walloc_dec_install_properties (GObjectClass * object_class);
void gst_walloc_dec_init_properties (GstWallocDec * self);

/* gstwallocdecoutput.c */
gboolean gst_walloc_dec_update_output (GstWallocDec * self,
    const walloc_frame_info * info);

/* gstwallocdecframe.c */
GstFlowReturn gst_walloc_dec_handle_frame (GstVideoDecoder * decoder,
    GstVideoCodecFrame * frame);

/* gstwallocdec.c */
void gst_walloc_dec_forget_model (GstWallocDec * self);

G_END_DECLS

#endif /* __GST_WALLOC_DEC_H__ */
