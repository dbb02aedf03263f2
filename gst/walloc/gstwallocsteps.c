/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A model says from which step on a picture is better coded at half or a
 * quarter of its size. Bits fall there, by up to a half where a picture is
 * full of noise; a rate in that gap would have the size change with every
 * frame. So the size changes later than the model says, and changes back later
 * still: between the two, steps of both sizes reach what is in the gap. Where
 * even that is not enough, the smaller size stays for a while. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstwallocsteps.h"

/* indices on each side of where a scale begins: together somewhat more than
 * the octave that bits may fall by */
#define MARGIN 10

/* where that does not hold: what made the size change is over, or was a bad
 * guess */
#define FAR 32

/* pictures that keep a size which the one before turned out to need */
#define HOLD 25

void
gst_walloc_steps_init (GstWallocSteps * steps, walloc_model * model)
{
  guint index, step, scale;

  steps->model = model;
  steps->scale = steps->hold = 0;
  steps->scales = 1;
  steps->first[0] = steps->less[0] = 0;
  for (index = 0; index <= GST_WALLOC_STEP_MAX; index++) {
    step = index;
    scale = walloc_model_scale_of_step (model, &step);
    for (; steps->scales <= scale; steps->scales++) {
      steps->first[steps->scales] = index;
      steps->less[steps->scales] = index - step;
    }
  }
  steps->finest = gst_walloc_steps_quality (steps, 100);
  steps->coarsest = MAX (steps->finest, gst_walloc_steps_quality (steps, 1));
}

/* Index of a quality. */
guint
gst_walloc_steps_quality (const GstWallocSteps * steps, guint quality)
{
  guint step = 0;

  walloc_model_quality (steps->model, quality, &step, NULL);
  return MIN (step, GST_WALLOC_STEP_MAX);
}

/* Sets step, size and channels (at most @most_channels, 0: no limit) for
 * @index. With params->again a picture gets no larger, unless @index is
 * far from what made it smaller. TRUE: the size is
 * another than before. */
gboolean
gst_walloc_steps_apply (GstWallocSteps * steps, guint index,
    guint most_channels, walloc_encode_params * params)
{
  guint scale = steps->scale;

  while (scale + 1 < steps->scales && index >= steps->first[scale + 1] + MARGIN)
    scale++;
  if (index + FAR < steps->first[scale]) {
    steps->hold = 0;
    while (index + FAR < steps->first[scale])
      scale--;
  } else if (params->again) {
    if (scale > steps->scale)
      steps->hold = HOLD;
  } else if (steps->hold > 0) {
    steps->hold--;
  } else {
    while (scale > 0 && index + MARGIN < steps->first[scale])
      scale--;
  }

  params->use_step = TRUE;
  params->step_index = index - MIN (index, steps->less[scale]);
  params->shrink = steps->scales > 1 ? 1 << scale : 0;
  params->channels = walloc_model_channels_of_step (steps->model,
      params->step_index);
  if (most_channels > 0)
    params->channels = MIN (params->channels, most_channels);

  if (scale == steps->scale)
    return FALSE;
  steps->scale = scale;
  return TRUE;
}
