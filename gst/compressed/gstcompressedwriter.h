/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Latents to frames: what all elements that put out coded latents share. */
#ifndef __GST_COMPRESSED_WRITER_H__
#define __GST_COMPRESSED_WRITER_H__

#include <gst/gst.h>
#include <walloc/audio.h>
#include <walloc/encoder.h>

#include "gstwallocmodel.h"

G_BEGIN_DECLS

/* Writes the frames of one stream. One thread at a time. */
typedef struct
{
  GstElement *element;          /* that posts messages; not owned */

  /*< private >*/
  GstWallocModel *model;
  walloc_encoder *encoder;
  walloc_audio_encoder *audio_encoder;
  guint rate, audio_channels, columns;  /* that it was made for */
  walloc_frame_info last;       /* header that the caps were made for */
  gboolean have_caps;
} GstCompressedWriter;

void          gst_compressed_writer_init      (GstCompressedWriter * writer,
                                               GstElement * element);

void          gst_compressed_writer_stop      (GstCompressedWriter * writer);

/* A key frame of @latents with @model; NULL: an error was posted. @info: its
 * header. */
GstBuffer *   gst_compressed_writer_picture   (GstCompressedWriter * writer,
                                               GstWallocModel * model,
                                               const walloc_latent_planes *
                                               latents,
                                               const walloc_encode_params *
                                               params,
                                               walloc_frame_info * info);

/* A frame of @latents in the place of the one with the header @from: of the same
 * rate, channels of sound, columns, times, trimming and number. NULL: an error
 * was posted. @info: its header. */
GstBuffer *   gst_compressed_writer_sound     (GstCompressedWriter * writer,
                                               GstWallocModel * model,
                                               const walloc_frame_info * from,
                                               const walloc_audio_latents *
                                               latents,
                                               const walloc_audio_params *
                                               params,
                                               walloc_frame_info * info);

/* What comes next does not follow what came last. */
void          gst_compressed_writer_flush     (GstCompressedWriter * writer);

/* A new stream: its caps are to be sent, be they as those of the last. */
void          gst_compressed_writer_forget_caps (GstCompressedWriter * writer);

/* Sets the caps of frames with the header @info where they are others than
 * those of the last. */
GstFlowReturn gst_compressed_writer_set_caps  (GstCompressedWriter * writer,
                                               GstPad * pad,
                                               const walloc_frame_info * info);

/* What headers carry of @from and params ask for. */
void          gst_compressed_writer_copy      (walloc_encode_params * params,
                                               const walloc_frame_info *
                                               from);

G_END_DECLS

#endif /* __GST_COMPRESSED_WRITER_H__ */
