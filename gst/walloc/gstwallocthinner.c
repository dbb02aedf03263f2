/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The bucket is the queue before a link of the wished rate: every frame fills
 * it, time empties it. A choice of layers stands while the bucket holds it, as
 * a picture that changes its sharpness all the time is worse than one that is
 * a little less sharp: layers go when the bucket runs over, or is half full
 * and the choice is known to need more than the rate; they come back when the
 * rate of the last seconds says that they fit.
 *
 * In predicted frames a layer builds on the same layer of the frame before, so
 * one that was left out stays out until a key frame. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <math.h>
#include <string.h>

#include <walloc/audio.h>

#include "gstwallocthinner.h"

/* memory of the rates, seconds */
#define FADE 2.0

/* layers come back when their rate is this much below the limit, and this
 * long after they went, seconds */
#define HEADROOM 1.05
#define LEAST_REST 1.0

/* one layer less per so many seconds while reports of lateness come, one more
 * after so many without */
#define LATE_PAUSE 0.5
#define LATE_REST 2.0

/* no frame has more channels */
#define ANY_CHANNELS G_MAXUINT16

#define DEFAULT_DELAY GST_SECOND
#define FALLBACK_SECONDS (1.0 / 30)
#define LONGEST_SECONDS 10.0

void
gst_walloc_thinner_init (GstWallocThinner * thinner)
{
  memset (thinner, 0, sizeof (*thinner));
  thinner->max_delay = DEFAULT_DELAY;
  gst_walloc_thinner_reset (thinner);
}

/* For another stream, or another place in it: forgets all but the settings. */
void
gst_walloc_thinner_reset (GstWallocThinner * thinner)
{
  thinner->chosen = WALLOC_FRAME_MAX_LAYERS;
  thinner->level = 0;
  memset (thinner->bits, 0, sizeof (thinner->bits));
  thinner->seconds = 0;
  thinner->since_less = LEAST_REST;
  thinner->last_time = GST_CLOCK_TIME_NONE;
  thinner->chain = ANY_CHANNELS;
  thinner->kept = thinner->late_layers = WALLOC_FRAME_MAX_LAYERS;
  thinner->since_late = LATE_REST;
}

/* A receiver says that it is late: one layer less. */
void
gst_walloc_thinner_late (GstWallocThinner * thinner)
{
  if (thinner->since_late < LATE_PAUSE)
    return;
  thinner->since_late = 0;
  thinner->late_layers = MIN (thinner->late_layers, thinner->kept);
  if (thinner->late_layers > 1)
    thinner->late_layers--;
}

/* How long the last frame waits before the link. */
GstClockTime
gst_walloc_thinner_delay (const GstWallocThinner * thinner)
{
  if (thinner->bitrate == 0)
    return 0;
  return thinner->level / thinner->bitrate * GST_SECOND;
}

/* Seconds from the frame before to this one. */
static gdouble
elapsed (GstWallocThinner * thinner, const walloc_frame_info * info,
    GstClockTime time, GstClockTime duration)
{
  GstClockTime last = thinner->last_time;

  thinner->last_time = time;
  if (GST_CLOCK_TIME_IS_VALID (time) && GST_CLOCK_TIME_IS_VALID (last)
      && time > last)
    return MIN ((time - last) / (gdouble) GST_SECOND, LONGEST_SECONDS);
  if (GST_CLOCK_TIME_IS_VALID (duration) && duration > 0)
    return MIN (duration / (gdouble) GST_SECOND, LONGEST_SECONDS);
  if (info->media == WALLOC_MEDIA_AUDIO)
    return info->columns * WALLOC_AUDIO_COLUMN / (gdouble) info->rate;
  if (info->fps_n > 0)
    return MIN (info->fps_d / (gdouble) info->fps_n, LONGEST_SECONDS);
  return FALLBACK_SECONDS;
}

/* Time goes by, and a frame comes. */
static void
account (GstWallocThinner * thinner, const gsize * sizes, guint layers,
    gdouble seconds)
{
  gdouble fade = exp (-seconds / FADE);
  guint i;

  for (i = 0; i < WALLOC_FRAME_MAX_LAYERS; i++)
    thinner->bits[i] = thinner->bits[i] * fade
        + 8.0 * sizes[MIN (i, layers - 1)];
  thinner->seconds = thinner->seconds * fade + seconds;
  thinner->level = MAX (0.0, thinner->level - seconds * thinner->bitrate);

  thinner->since_less += seconds;
  thinner->since_late += seconds;
  if (thinner->since_late >= LATE_REST
      && thinner->late_layers < WALLOC_FRAME_MAX_LAYERS) {
    thinner->late_layers++;
    thinner->since_late -= LATE_REST;
  }
}

/* Bits per second of the last seconds, had so many layers been kept. */
static gdouble
rate_of (const GstWallocThinner * thinner, guint layers)
{
  return thinner->bits[layers - 1] / thinner->seconds;
}

/* Layers of a frame that has @layers, of which @sizes are known, for the
 * rate. */
static guint
choose (GstWallocThinner * thinner, const gsize * sizes, guint layers,
    gboolean may_rise)
{
  gdouble room = thinner->bitrate * (thinner->max_delay / (gdouble)
      GST_SECOND);
  guint want = MIN (thinner->chosen, layers), more;

  if (may_rise && thinner->since_less >= LEAST_REST) {
    for (more = layers; more > want; more--) {
      if (rate_of (thinner, more) * HEADROOM <= thinner->bitrate
          && thinner->level + 8.0 * sizes[more - 1] <= room) {
        thinner->chosen = want = more;
        break;
      }
    }
    /* a stream that had few layers and gets more */
    if (want == layers && thinner->chosen < layers)
      thinner->chosen = layers;
  }
  while (want > 1 && (thinner->level + 8.0 * sizes[want - 1] > room
          || (thinner->level > room / 2
              && rate_of (thinner, want) > thinner->bitrate))) {
    thinner->chosen = --want;
    thinner->since_less = 0;
  }
  return want;
}

/* Decides on a frame with the header @info, of which the lowest i + 1 layers
 * take sizes[i] bytes (walloc_frame_layer_sizes()): how many of them to keep;
 * 0: leave the frame out. @time and @duration may be unknown. */
guint
gst_walloc_thinner_decide (GstWallocThinner * thinner,
    const walloc_frame_info * info, const gsize * sizes, GstClockTime time,
    GstClockTime duration)
{
  gdouble seconds = elapsed (thinner, info, time, duration), bits;
  gboolean is_key = info->type == WALLOC_FRAME_KEY;
  guint keep = info->layers;

  account (thinner, sizes, info->layers, seconds);
  if (info->type == WALLOC_FRAME_REPEAT) {
    thinner->level += 8.0 * sizes[keep - 1];
    return thinner->chain > 0 ? keep : 0;
  }
  if (!is_key) {
    while (keep > 0 && info->layer_end[keep - 1] > thinner->chain)
      keep--;
    if (keep == 0) {
      thinner->chain = 0;
      return 0;
    }
  }
  if (thinner->max_layers > 0)
    keep = MIN (keep, thinner->max_layers);
  keep = MIN (keep, thinner->late_layers);

  if (thinner->bitrate > 0) {
    gdouble room = thinner->bitrate * (thinner->max_delay / (gdouble)
        GST_SECOND);

    keep = MIN (keep, choose (thinner, sizes, info->layers, is_key));
    bits = 8.0 * sizes[keep - 1];
    /* what is too much for an empty bucket must pass, or nothing would */
    if (thinner->drop_frames && thinner->level > 0
        && thinner->level + bits > room) {
      thinner->chain = 0;
      return 0;
    }
    thinner->level = MIN (thinner->level + bits, MAX (room, bits));
  }
  /* while nothing was left out since the key frame, a predicted frame may have
   * more channels than those before: the receiver has what the encoder has */
  if (keep < info->layers || (!is_key && thinner->chain != ANY_CHANNELS))
    thinner->chain = info->layer_end[keep - 1];
  else
    thinner->chain = ANY_CHANNELS;
  thinner->kept = keep;

  return keep;
}

/* A new buffer with @layers of the frame in @map. */
static GstBuffer *
thin (GstBuffer * buffer, const GstMapInfo * map, guint layers, gsize size,
    walloc_frame_info * after)
{
  GstBuffer *out = gst_buffer_new_allocate (NULL, size, NULL);
  walloc_result result;
  GstMapInfo to;

  if (!out)
    return NULL;
  if (!gst_buffer_map (out, &to, GST_MAP_WRITE)) {
    gst_buffer_unref (out);
    return NULL;
  }
  result = walloc_frame_thin (map->data, map->size, layers, to.data, to.size,
      after, NULL);
  gst_buffer_unmap (out, &to);
  if (result != WALLOC_OK) {
    gst_buffer_unref (out);
    return NULL;
  }
  gst_buffer_copy_into (out, buffer, GST_BUFFER_COPY_METADATA, 0, -1);

  return out;
}

/* Thins the frame in @buffer, which is replaced; by NULL when the frame is to
 * be left out. @before and @after (their headers) are set where the frame is
 * known. */
GstWallocThinnerResult
gst_walloc_thinner_process (GstWallocThinner * thinner, GstBuffer ** buffer,
    walloc_frame_info * before, walloc_frame_info * after)
{
  GstWallocThinnerResult ret = GST_WALLOC_THINNER_PASSED;
  gsize sizes[WALLOC_FRAME_MAX_LAYERS];
  GstBuffer *out = NULL;
  GstMapInfo map;
  guint chain = thinner->chain, keep;

  if (!gst_buffer_map (*buffer, &map, GST_MAP_READ))
    return GST_WALLOC_THINNER_UNKNOWN;
  if (walloc_frame_parse (map.data, map.size, before, NULL) != WALLOC_OK
      || walloc_frame_layer_sizes (map.data, before, sizes) != WALLOC_OK) {
    gst_buffer_unmap (*buffer, &map);
    return GST_WALLOC_THINNER_UNKNOWN;
  }

  *after = *before;
  keep = gst_walloc_thinner_decide (thinner, before, sizes,
      GST_BUFFER_DTS_OR_PTS (*buffer), GST_BUFFER_DURATION (*buffer));
  if (keep == 0) {
    ret = before->type != WALLOC_FRAME_KEY && chain == 0 ?
        GST_WALLOC_THINNER_WAITING : GST_WALLOC_THINNER_DROPPED;
  } else if (keep < before->layers) {
    out = thin (*buffer, &map, keep, sizes[keep - 1], after);
    ret = out ? GST_WALLOC_THINNER_THINNED : GST_WALLOC_THINNER_DAMAGED;
  }
  gst_buffer_unmap (*buffer, &map);

  if (ret != GST_WALLOC_THINNER_PASSED) {
    /* what builds on a frame that is not there cannot be shown either */
    if (!out)
      thinner->chain = 0;
    gst_buffer_unref (*buffer);
    *buffer = out;
  }
  return ret;
}
