/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef __GST_WALLOC_LATENTS_H__
#define __GST_WALLOC_LATENTS_H__

#include "gstcompressedfilter.h"

G_BEGIN_DECLS

#define GST_TYPE_WALLOC_LATENTS (gst_walloc_latents_get_type ())
G_DECLARE_FINAL_TYPE (GstWallocLatents, gst_walloc_latents, GST,
    WALLOC_LATENTS, GstCompressedFilter)

typedef enum
{
  GST_WALLOC_LATENTS_FLOAT32 = 0,
  GST_WALLOC_LATENTS_INT16 = 1
} GstWallocLatentsType;

struct _GstWallocLatents
{
  GstCompressedFilter parent;

  /* properties, protected by the object lock */
  GstWallocLatentsType type;
  guint channels;               /* 0: all of the model */

  /* of the stream */
  GstBufferPool *pool;          /* of buffers of one size */
  GstWallocLatentsType out_type;
  guint dims[4];                /* that caps tell; innermost first */
  gint fps_n, fps_d;            /* of the input caps; fps_d 0: not told */
  gint out_fps_n, out_fps_d;
};

G_END_DECLS

#endif /* __GST_WALLOC_LATENTS_H__ */
