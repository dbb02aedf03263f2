/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef __GST_CORRUPT_H__
#define __GST_CORRUPT_H__

#include <gst/video/gstvideofilter.h>

#include "corruption.h"
#include "gstwallocrunner.h"

G_BEGIN_DECLS

/**
 * GstCorruptNumbering:
 * @GST_CORRUPT_NUMBERING_TIME: by time stamp and frame rate, so that a frame
 *     has the same number after a seek
 * @GST_CORRUPT_NUMBERING_COUNT: the first frame after READY is 0
 *
 * What a frame's number is, which together with the seed says what is drawn.
 *
 * Since: 0.2
 */
typedef enum
{
  GST_CORRUPT_NUMBERING_TIME,
  GST_CORRUPT_NUMBERING_COUNT
} GstCorruptNumbering;

#define GST_TYPE_CORRUPT (gst_corrupt_get_type ())
G_DECLARE_FINAL_TYPE (GstCorrupt, gst_corrupt, GST, CORRUPT, GstVideoFilter)

struct _GstCorrupt
{
  GstVideoFilter parent;

  /* properties, protected by the object lock */
  corruption_type type;
  guint severity;
  corruption_variant variant;
  guint64 seed;
  guint hold;
  GstCorruptNumbering numbering;
  guint threads;
  gboolean changed;             /* type, severity or variant */

  /* in the streaming thread */
  corruption *corruption;
  GstWallocRunner *runner;
  guint8 *planes;               /* of packed formats, unpacked */
  gsize stride;
  guint64 count;
};

G_END_DECLS

#endif /* __GST_CORRUPT_H__ */
