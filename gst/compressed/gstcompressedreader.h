/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Frames to latents: what all elements that read latents share. */
#ifndef __GST_COMPRESSED_READER_H__
#define __GST_COMPRESSED_READER_H__

#include <gst/gst.h>
#include <walloc/audio.h>
#include <walloc/decoder.h>

#include "gstwallocmodel.h"
#include "gstwallocrunner.h"

G_BEGIN_DECLS

typedef enum
{
  GST_COMPRESSED_READER_OK,     /* latents are there, as far as the frame is
                                 * whole: see damaged */
  GST_COMPRESSED_READER_SKIP,   /* nothing is there; a warning was posted, and
                                 * a key frame asked for where one is needed */
  GST_COMPRESSED_READER_ERROR   /* an error was posted: GST_FLOW_ERROR */
} GstCompressedReaderResult;

/* Reads the frames of one stream, in order. One thread at a time. */
typedef struct
{
  GstElement *element;          /* that posts messages; not owned */
  GstPad *sinkpad;              /* that asks for key frames; not owned */
  GstWallocRunner *runner;      /* NULL: the calling thread */

  /* of the last frame; pointers are valid until the next */
  walloc_frame_info info;
  walloc_latents latents;       /* of pictures */
  walloc_audio_latents sound;   /* of sound */
  guint damaged;                /* slices or segments that were replaced */
  walloc_result result;         /* why a frame was skipped */
  GstWallocModel *model;

  /*< private >*/
  guint channels;               /* of pictures that are read; 0: all */
  walloc_decoder *decoder;
  walloc_audio_decoder *audio_decoder;
  gint64 last_warning;
  guint unusable;               /* frames since the last warning */
  gboolean missing;             /* the model missing_id is not there */
  guint64 missing_id;
} GstCompressedReader;

void      gst_compressed_reader_init    (GstCompressedReader * reader,
                                         GstElement * element,
                                         GstPad * sinkpad);

/* @threads: 0 = as many as there are processors */
void      gst_compressed_reader_start   (GstCompressedReader * reader,
                                         guint threads);

void      gst_compressed_reader_stop    (GstCompressedReader * reader);

/* What comes next need not follow what came last. */
void      gst_compressed_reader_flush   (GstCompressedReader * reader);

/* Of pictures, reads the first @channels channels only; 0: all. */
void      gst_compressed_reader_set_channels (GstCompressedReader * reader,
                                         guint channels);

/* Tells the bus of a frame that is of no use, not more often than once in a
 * second. */
void      gst_compressed_reader_warn    (GstCompressedReader * reader,
                                         const gchar * text);

/* @model_file: the only model to consider; NULL: found by its id */
GstCompressedReaderResult
          gst_compressed_reader_read    (GstCompressedReader * reader,
                                         GstBuffer * buffer,
                                         const gchar * model_file);

G_END_DECLS

#endif /* __GST_COMPRESSED_READER_H__ */
