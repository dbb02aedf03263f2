/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What walloclatents tells of a buffer of latents, and walloclatentsenc asks:
 * a GstCustomMeta, so that every language reads it. */
#ifndef __GST_WALLOC_LATENTS_META_H__
#define __GST_WALLOC_LATENTS_META_H__

#include <gst/gst.h>
#include <walloc/frame.h>

G_BEGIN_DECLS

#define GST_WALLOC_LATENTS_META "GstWallocLatentsMeta"

/* Makes the name known; to be called by plugins that use it, any number of
 * times. */
void      gst_walloc_latents_meta_register  (void);

/* Describes @buffer as latents of the frame with the header @info, whose bytes
 * are @header. @steps: of all @channels. */
void      gst_walloc_latents_meta_add       (GstBuffer * buffer,
                                             const walloc_frame_info * info,
                                             const guint8 * header,
                                             const gfloat * steps,
                                             guint channels);

/* The header of the frame that @buffer was; FALSE when it has no such meta. */
gboolean  gst_walloc_latents_meta_get       (GstBuffer * buffer,
                                             walloc_frame_info * info);

/* The steps of the first @channels channels, 0 for those that it does not tell;
 * to be freed. NULL when @buffer has no such meta. */
gfloat *  gst_walloc_latents_meta_steps     (GstBuffer * buffer,
                                             guint channels);

G_END_DECLS

#endif /* __GST_WALLOC_LATENTS_META_H__ */
