/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef __GST_WALLOC_DEC_H__
#define __GST_WALLOC_DEC_H__

#include <gst/gst.h>
#include <gst/video/gstvideodecoder.h>
#include <walloc/decoder.h>

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

  /* from start to stop */
  GstWallocRunner *runner;
  GstWallocModel *model;        /* of the last frame */
  walloc_decoder *decoder;

  /* of the stream */
  GstVideoCodecState *input_state;
  GstVideoCodecState *output_state;
  walloc_frame_info header;     /* that output_state was made for */
  walloc_format format;         /* of output_state */
  gboolean renegotiate;         /* caps changed since */
  gint64 last_warning;          /* monotonic time, us; 0: none yet */
  guint damaged_frames;         /* since that warning */
  guint unusable_frames;        /* nothing of them could be decoded */
  gboolean has_output;          /* a frame was decoded, or dropped as late */
  guint hurry;                  /* frames that auto still decodes linearly */

  /* for the property "stats", protected by the object lock; the totals are
   * those of decoders that are gone because the model changed */
  walloc_decoder_stats stats, totals;
  guint64 dropped, hurried, waiting;
};

G_END_DECLS

#endif /* __GST_WALLOC_DEC_H__ */
