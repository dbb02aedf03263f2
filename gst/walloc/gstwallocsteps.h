/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Step indices that count on from pictures of full size to smaller ones, as
 * rate control wants them, to what the encoder is told. */
#ifndef __GST_WALLOC_STEPS_H__
#define __GST_WALLOC_STEPS_H__

#include <gst/gst.h>
#include <walloc/encoder.h>

G_BEGIN_DECLS

#define GST_WALLOC_STEP_MAX 176

typedef struct
{
  walloc_model *model;          /* not owned */
  guint finest, coarsest;       /* of the qualities 100 and 1 */
  guint scales;                 /* 1 to 3 */
  guint first[3];               /* index at which a scale begins */
  guint less[3];                /* what is taken from the index there */
  guint scale;                  /* of the last picture */
  guint hold;                   /* pictures that must not be larger */
} GstWallocSteps;

void      gst_walloc_steps_init     (GstWallocSteps * steps,
                                     walloc_model * model);

guint     gst_walloc_steps_quality  (const GstWallocSteps * steps,
                                     guint quality);

gboolean  gst_walloc_steps_apply    (GstWallocSteps * steps, guint index,
                                     guint most_channels,
                                     walloc_encode_params * params);

G_END_DECLS

#endif /* __GST_WALLOC_STEPS_H__ */
