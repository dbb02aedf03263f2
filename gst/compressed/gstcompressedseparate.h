/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef __GST_COMPRESSED_SEPARATE_H__
#define __GST_COMPRESSED_SEPARATE_H__

#include <gst/base/gstflowcombiner.h>

#include "gstcompressedfilter.h"
#include "gstcompressedwriter.h"

G_BEGIN_DECLS

#define GST_TYPE_COMPRESSED_SEPARATE (gst_compressed_separate_get_type ())
G_DECLARE_FINAL_TYPE (GstCompressedSeparate, gst_compressed_separate, GST,
    COMPRESSED_SEPARATE, GstCompressedFilter)

typedef struct
{
  GstPad *pad;                  /* owned by the element */
  GstCompressedWriter writer;
  GstCompressedEvents events;
  gboolean started;             /* stream-start was pushed */
  GstBuffer *buffer;            /* that is to be pushed */
} GstCompressedStem;

struct _GstCompressedSeparate
{
  GstCompressedFilter parent;

  /* of the stream */
  GstCompressedStem *stems;     /* one per label of the network */
  guint n_stems;
  GstFlowCombiner *flows;

  /* columns of a pair: those before the frame, then its own */
  gfloat *past[WALLOC_AUDIO_MAX_CHANNELS / 2];  /* [K][context] */
  gfloat *input;                /* [K][context + columns] */
  gfloat *output;               /* [stems][pairs][K][columns] */
  guint columns, pairs;         /* that these are for */
  gboolean have_last;
  guint last;                   /* number of the last frame */
};

G_END_DECLS

#endif /* __GST_COMPRESSED_SEPARATE_H__ */
