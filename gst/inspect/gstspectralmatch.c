/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What of the streams belongs together: frames by running time, sound by
 * sample. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <string.h>

#include "gstspectralinspect-private.h"

GST_DEBUG_CATEGORY_EXTERN (spectralinspect_debug);
#define GST_CAT_DEFAULT spectralinspect_debug

static gchar *
describe (GstSpectralInspect * self, gint i)
{
  if (self->kind[i] == GST_SPECTRAL_SOUND)
    return g_strdup_printf ("%s_sink has sound of %d Hz and %d channel%s, %s",
        gst_spectral_stream_name (i),
        GST_AUDIO_INFO_RATE (&self->audio_info[i]),
        GST_AUDIO_INFO_CHANNELS (&self->audio_info[i]),
        GST_AUDIO_INFO_CHANNELS (&self->audio_info[i]) == 1 ? "" : "s",
        GST_AUDIO_INFO_NAME (&self->audio_info[i]));
  return g_strdup_printf ("%s_sink has %dx%d %s", gst_spectral_stream_name (i),
      GST_VIDEO_INFO_WIDTH (&self->info[i]),
      GST_VIDEO_INFO_HEIGHT (&self->info[i]),
      GST_VIDEO_INFO_NAME (&self->info[i]));
}

static gboolean
is_alike (GstSpectralInspect * self, gint i)
{
  if (self->kind[i] != self->kind[0])
    return FALSE;
  if (self->kind[i] == GST_SPECTRAL_SOUND)
    return GST_AUDIO_INFO_RATE (&self->audio_info[i])
        == GST_AUDIO_INFO_RATE (&self->audio_info[0])
        && GST_AUDIO_INFO_CHANNELS (&self->audio_info[i])
        == GST_AUDIO_INFO_CHANNELS (&self->audio_info[0])
        && GST_AUDIO_INFO_FORMAT (&self->audio_info[i])
        == GST_AUDIO_INFO_FORMAT (&self->audio_info[0]);
  return GST_VIDEO_INFO_WIDTH (&self->info[i])
      == GST_VIDEO_INFO_WIDTH (&self->info[0])
      && GST_VIDEO_INFO_HEIGHT (&self->info[i])
      == GST_VIDEO_INFO_HEIGHT (&self->info[0])
      && GST_VIDEO_INFO_FORMAT (&self->info[i])
      == GST_VIDEO_INFO_FORMAT (&self->info[0]);
}

static void
gst_spectral_inspect_no_memory (GstSpectralInspect * self)
{
  gchar *ref = describe (self, 0);

  GST_ELEMENT_ERROR (self, RESOURCE, NO_SPACE_LEFT,
      ("No memory for spectra: %s.", ref), (NULL));
  g_free (ref);
}

static void
gst_spectral_inspect_add (GstSpectralInspect * self)
{
  gst_spectral_result_add (self->pooled, self->frame_result);
  gst_spectral_result_add (self->window_result, self->frame_result);
}

/* Caps of all streams must say the same size or rate, and format. What they
 * say is only changed by caps events, which aggregate() is not called
 * during. */
static gboolean
gst_spectral_inspect_prepare (GstSpectralInspect * self)
{
  gboolean changed;
  InspectWindow window;
  gint i;

  GST_OBJECT_LOCK (self);
  changed = self->changed;
  self->changed = FALSE;
  window = self->window;
  GST_OBJECT_UNLOCK (self);

  if (!changed && (self->video || self->audio))
    return TRUE;
  for (i = 1; i < GST_SPECTRAL_STREAMS; i++)
    if (self->kind[i] && self->kind[0] && !is_alike (self, i)) {
      gchar *ref = describe (self, 0), *other = describe (self, i);

      GST_ELEMENT_ERROR (self, STREAM, WRONG_TYPE,
          ("Streams differ in size or format: %s, %s. Put %s with a caps "
              "filter before one of them.", ref, other,
              self->kind[0] == GST_SPECTRAL_SOUND ?
              "audioresample and audioconvert" :
              "videoscale and videoconvert"), (NULL));
      g_free (ref);
      g_free (other);
      return FALSE;
    }
  if (self->audio && !gst_spectral_audio_fits (self->audio,
          &self->audio_info[0])) {
    gst_spectral_result_reset (self->frame_result);
    gst_spectral_audio_drain (self->audio, self->frame_result);
    gst_spectral_inspect_add (self);
    g_clear_pointer (&self->audio, gst_spectral_audio_free);
  }
  if (self->video && !gst_spectral_video_fits (self->video, &self->info[0]))
    g_clear_pointer (&self->video, gst_spectral_video_free);
  if (self->kind[0] == GST_SPECTRAL_SOUND && !self->audio)
    self->audio = gst_spectral_audio_new (&self->audio_info[0], window,
        self->pooled->bands);
  if (self->kind[0] == GST_SPECTRAL_PICTURES && !self->video)
    self->video = gst_spectral_video_new (&self->info[0], window,
        self->pooled->bands, self->pooled->map);
  if (!self->video && !self->audio) {
    gst_spectral_inspect_no_memory (self);
    return FALSE;
  }
  return TRUE;
}

/* Bands and maps stay as many as they were at first, whatever properties say
 * later: all that is measured is added to them. */
static gboolean
gst_spectral_inspect_make_results (GstSpectralInspect * self)
{
  GstSpectralResult **results[3] = { &self->pooled, &self->window_result,
    &self->frame_result
  };
  gboolean sound = self->kind[0] == GST_SPECTRAL_SOUND;
  guint bands, map, i;

  if (self->pooled && !self->pooled->sound != !sound) {
    GST_ELEMENT_ERROR (self, STREAM, WRONG_TYPE,
        ("ref_sink changed from %s to %s: results cannot be of both.",
            sound ? "pictures" : "sound", sound ? "sound" : "pictures"),
        (NULL));
    return FALSE;
  }
  if (self->pooled)
    return TRUE;
  GST_OBJECT_LOCK (self);
  bands = self->bands;
  map = sound ? 0 : self->map;
  GST_OBJECT_UNLOCK (self);
  for (i = 0; i < 3; i++) {
    *results[i] = gst_spectral_result_new (bands, map);
    (*results[i])->sound = sound;
    (*results[i])->rate = sound ?
        GST_AUDIO_INFO_RATE (&self->audio_info[0]) : 0;
  }
  return TRUE;
}

static void
gst_spectral_inspect_count_unmatched (GstSpectralInspect * self, gint stream)
{
  if (!self->pooled)
    return;
  self->pooled->unmatched[stream]++;
  self->window_result->unmatched[stream]++;
}

/* Whether spectra are to be taken of what is compared next. */
static gboolean
gst_spectral_inspect_is_measured (GstSpectralInspect * self)
{
  guint stride;

  GST_OBJECT_LOCK (self);
  stride = self->stride;
  GST_OBJECT_UNLOCK (self);
  return self->count % stride == 0;
}

/* Something is to be compared that begins at a running time: ends the window
 * before it. */
static GstFlowReturn
gst_spectral_inspect_begin (GstSpectralInspect * self,
    GstClockTime running_time, GstClockTime duration, GstClockTime pts)
{
  if (!GST_CLOCK_TIME_IS_VALID (running_time))
    running_time = self->count ? self->window_end : 0;
  self->count++;
  return gst_spectral_inspect_tick (self, running_time, duration, pts);
}

/* One frame of each stream; takes none of them. */
static GstFlowReturn
gst_spectral_inspect_compare (GstSpectralInspect * self,
    GstBuffer * const *buffers, GstClockTime running_time,
    GstClockTime duration)
{
  GstVideoFrame frames[GST_SPECTRAL_STREAMS], *there[GST_SPECTRAL_STREAMS];
  gboolean measure = gst_spectral_inspect_is_measured (self), done;
  GstFlowReturn ret;
  gint i;

  ret = gst_spectral_inspect_begin (self, running_time, duration,
      GST_BUFFER_PTS (buffers[0]));
  if (ret != GST_FLOW_OK)
    return ret;

  for (i = 0; i < GST_SPECTRAL_STREAMS; i++) {
    there[i] = NULL;
    if (!buffers[i])
      continue;
    if (!gst_video_frame_map (&frames[i], &self->info[i], buffers[i],
            GST_MAP_READ)) {
      while (--i >= 0)
        if (there[i])
          gst_video_frame_unmap (there[i]);
      GST_ELEMENT_WARNING (self, STREAM, DECODE, (NULL),
          ("A frame is smaller than its caps say."));
      return GST_FLOW_OK;
    }
    there[i] = &frames[i];
  }
  gst_spectral_result_reset (self->frame_result);
  done = gst_spectral_video_compare (self->video, there, measure,
      self->frame_result);
  for (i = 0; i < GST_SPECTRAL_STREAMS; i++)
    if (there[i])
      gst_video_frame_unmap (there[i]);
  if (!done) {
    gst_spectral_inspect_no_memory (self);
    return GST_FLOW_ERROR;
  }
  gst_spectral_inspect_add (self);
  return GST_FLOW_OK;
}

GstClockTime
gst_spectral_inspect_running_time (GstAggregatorPad * pad, GstBuffer * buffer)
{
  if (pad->segment.format != GST_FORMAT_TIME)
    return GST_CLOCK_TIME_NONE;
  return gst_segment_to_running_time (&pad->segment, GST_FORMAT_TIME,
      GST_BUFFER_PTS (buffer));
}

/* Half a frame: what lies closer together is one. */
static GstClockTime
frame_duration (GstSpectralInspect * self, GstBuffer * buffer)
{
  const GstVideoInfo *info = &self->info[GST_SPECTRAL_REF];

  if (GST_BUFFER_DURATION_IS_VALID (buffer))
    return GST_BUFFER_DURATION (buffer);
  if (GST_VIDEO_INFO_FPS_N (info) > 0)
    return gst_util_uint64_scale (GST_SECOND, GST_VIDEO_INFO_FPS_D (info),
        GST_VIDEO_INFO_FPS_N (info));
  return 0;
}

/* All blocks that the streams hold; with @rest what is left too. */
static GstFlowReturn
gst_spectral_inspect_compare_sound (GstSpectralInspect * self,
    GstAggregatorPad * const *pads, gboolean rest)
{
  guint rate = (guint) GST_AUDIO_INFO_RATE (&self->audio_info[0]), count, i;
  gboolean have[GST_SPECTRAL_STREAMS];
  GstFlowReturn ret = GST_FLOW_OK;
  gint64 first;

  for (i = 0; i < GST_SPECTRAL_STREAMS; i++)
    have[i] = pads[i] != NULL;
  while (ret == GST_FLOW_OK) {
    GstClockTime start, duration;

    gst_spectral_result_reset (self->frame_result);
    if (!gst_spectral_audio_next (self->audio, have, rest,
            gst_spectral_inspect_is_measured (self), self->frame_result, &first,
            &count))
      break;
    start = gst_util_uint64_scale (MAX (first, 0), GST_SECOND, rate);
    duration = gst_util_uint64_scale (count, GST_SECOND, rate);
    ret = gst_spectral_inspect_begin (self, start, duration,
        pads[0]->segment.format == GST_FORMAT_TIME ?
        gst_segment_position_from_running_time (&pads[0]->segment,
            GST_FORMAT_TIME, start) : GST_CLOCK_TIME_NONE);
    gst_spectral_inspect_add (self);
  }
  return ret;
}

/* What is left, and what nobody has a partner for. */
static GstFlowReturn
gst_spectral_inspect_end_sound (GstSpectralInspect * self,
    GstAggregatorPad * const *pads)
{
  GstFlowReturn ret = gst_spectral_inspect_compare_sound (self, pads, TRUE);

  gst_spectral_result_reset (self->frame_result);
  gst_spectral_audio_drain (self->audio, self->frame_result);
  gst_spectral_inspect_add (self);
  return ret;
}

/* Whether a stream has ended, and the others have as much as is left of it:
 * what they have beyond that is theirs alone. */
static gboolean
gst_spectral_inspect_has_ended (GstSpectralInspect * self,
    GstAggregatorPad * const *pads, GstBuffer * const *buffers)
{
  gint64 end = G_MAXINT64;
  gint i;

  for (i = 0; i < GST_SPECTRAL_STREAMS; i++)
    if (pads[i] && !buffers[i])
      end = MIN (end, gst_spectral_audio_waiting (self->audio, i) ?
          gst_spectral_audio_end (self->audio, i) : G_MININT64);
  if (end == G_MAXINT64)
    return FALSE;
  for (i = 0; i < GST_SPECTRAL_STREAMS; i++)
    if (buffers[i] && gst_spectral_audio_end (self->audio, i) < end)
      return FALSE;
  return TRUE;
}

/* Takes a buffer of each stream that does not have more waiting than the
 * others, so that lines stay short whatever the sizes of buffers. */
static GstFlowReturn
gst_spectral_inspect_aggregate_sound (GstSpectralInspect * self,
    GstAggregatorPad * const *pads, GstBuffer * const *buffers,
    gboolean stopped)
{
  guint rate = (guint) GST_AUDIO_INFO_RATE (&self->audio_info[0]), i;
  guint64 least = G_MAXUINT64;
  GstFlowReturn ret = GST_FLOW_OK;

  for (i = 0; i < GST_SPECTRAL_STREAMS; i++)
    if (buffers[i])
      least = MIN (least, gst_spectral_audio_waiting (self->audio, i));
  for (i = 0; i < GST_SPECTRAL_STREAMS; i++) {
    GstAudioBuffer samples;
    GstClockTime time;
    gint64 first;

    if (!buffers[i]
        || gst_spectral_audio_waiting (self->audio, i) > least
        + GST_SPECTRAL_BLOCK)
      continue;
    time = gst_spectral_inspect_running_time (pads[i], buffers[i]);
    /* without a time it follows what came before */
    first = GST_CLOCK_TIME_IS_VALID (time) ?
        (gint64) gst_util_uint64_scale_round (time, rate, GST_SECOND) :
        gst_spectral_audio_end (self->audio, i);
    if (gst_audio_buffer_map (&samples, &self->audio_info[i], buffers[i],
            GST_MAP_READ)) {
      gst_spectral_audio_push (self->audio, i, &samples, first);
      gst_audio_buffer_unmap (&samples);
      if (stopped && ret == GST_FLOW_OK)
        ret = gst_spectral_inspect_tick (self, time, 0,
            GST_BUFFER_PTS (buffers[i]));
    } else {
      GST_ELEMENT_WARNING (self, STREAM, DECODE, (NULL),
          ("A buffer of sound cannot be read."));
    }
    gst_aggregator_pad_drop_buffer (pads[i]);
  }
  if (ret == GST_FLOW_OK)
    ret = gst_spectral_inspect_compare_sound (self, pads, FALSE);
  if (ret == GST_FLOW_OK && (stopped
          || gst_spectral_inspect_has_ended (self, pads, buffers)))
    ret = gst_spectral_inspect_end_sound (self, pads);
  return ret;
}

GstFlowReturn
gst_spectral_inspect_aggregate (GstAggregator * agg, gboolean timeout)
{
  GstSpectralInspect *self = GST_SPECTRAL_INSPECT (agg);
  GstAggregatorPad *pads[GST_SPECTRAL_STREAMS];
  GstBuffer *buffers[GST_SPECTRAL_STREAMS] = { NULL };
  GstClockTime times[GST_SPECTRAL_STREAMS], last = 0, duration;
  guint n_pads = 0, n_eos = 0, n_buffers = 0, n_stopped = 0;
  gboolean untimed = FALSE, apart = FALSE;
  GstFlowReturn ret = GST_FLOW_OK;
  gint i;

  GST_OBJECT_LOCK (self);
  for (i = 0; i < GST_SPECTRAL_STREAMS; i++)
    pads[i] = self->pads[i] ? gst_object_ref (self->pads[i]) : NULL;
  GST_OBJECT_UNLOCK (self);

  for (i = 0; i < GST_SPECTRAL_STREAMS; i++) {
    if (!pads[i])
      continue;
    n_pads++;
    buffers[i] = gst_aggregator_pad_peek_buffer (pads[i]);
    if (buffers[i] && gst_buffer_get_size (buffers[i]) == 0
        && GST_BUFFER_FLAG_IS_SET (buffers[i], GST_BUFFER_FLAG_GAP)) {
      /* a gap event: there is nothing to compare */
      gst_aggregator_pad_drop_buffer (pads[i]);
      goto done;
    }
    if (buffers[i]) {
      n_buffers++;
      times[i] = gst_spectral_inspect_running_time (pads[i], buffers[i]);
      if (!GST_CLOCK_TIME_IS_VALID (times[i]))
        untimed = TRUE;
      else
        last = MAX (last, times[i]);
    } else if (gst_aggregator_pad_is_eos (pads[i])) {
      n_eos++;
    }
  }

  for (i = 0; i < GST_SPECTRAL_STREAMS; i++)
    if (buffers[i])
      self->stopped[i] = FALSE;
  if (n_buffers + n_eos == n_pads)
    self->waiting = GST_CLOCK_TIME_NONE;
  else if (timeout && n_buffers + n_eos > 0)
    n_stopped = gst_spectral_inspect_give_up (self, pads, buffers);
  gst_spectral_inspect_count_lost (self);

  if (n_buffers == 0) {
    if (n_eos + n_stopped < n_pads) {
      ret = GST_AGGREGATOR_FLOW_NEED_DATA;
      goto done;
    }
    if (self->audio)
      ret = gst_spectral_inspect_end_sound (self, pads);
    if (ret == GST_FLOW_OK)
      ret = gst_spectral_inspect_finish (self);
    goto done;
  }
  if (n_buffers + n_eos + n_stopped < n_pads) {
    ret = GST_AGGREGATOR_FLOW_NEED_DATA;
    goto done;
  }
  for (i = 0; i < GST_SPECTRAL_STREAMS; i++)
    if (buffers[i] && !self->kind[i]) {
      /* if its pad was released meanwhile, others go on without it */
      if (self->pads[i] != pads[i])
        goto done;
      GST_ELEMENT_ERROR (self, CORE, NEGOTIATION, (NULL),
          ("%s_sink has buffers without caps.", gst_spectral_stream_name (i)));
      ret = GST_FLOW_NOT_NEGOTIATED;
      goto done;
    }
  if (!self->kind[0]) {
    /* the reference has ended before it began */
    for (i = 0; i < GST_SPECTRAL_STREAMS; i++)
      if (buffers[i])
        gst_aggregator_pad_drop_buffer (pads[i]);
    goto done;
  }
  if (!gst_spectral_inspect_make_results (self)) {
    ret = GST_FLOW_ERROR;
    goto done;
  }
  if (self->kind[0] == GST_SPECTRAL_SOUND) {
    ret = gst_spectral_inspect_prepare (self) ?
        gst_spectral_inspect_aggregate_sound (self, pads, buffers,
        n_stopped > 0) : GST_FLOW_ERROR;
    goto done;
  }
  duration = frame_duration (self, buffers[0] ? buffers[0] :
      buffers[1] ? buffers[1] : buffers[2] ? buffers[2] : buffers[3]);

  /* the ones that are too early, or whose partners have ended; first, as they
   * may still be of a size that the others do not have any more */
  for (i = 0; i < GST_SPECTRAL_STREAMS; i++)
    if (buffers[i] && (n_eos + n_stopped > 0 || (!untimed
                && times[i] + duration / 2 < last))) {
      GST_DEBUG_OBJECT (self, "%s at %" GST_TIME_FORMAT " has no partner",
          gst_spectral_stream_name (i), GST_TIME_ARGS (times[i]));
      gst_spectral_inspect_count_unmatched (self, i);
      if (n_stopped > 0 && ret == GST_FLOW_OK)
        ret = gst_spectral_inspect_tick (self, times[i], duration,
            GST_BUFFER_PTS (buffers[i]));
      gst_aggregator_pad_drop_buffer (pads[i]);
      apart = TRUE;
    }
  if (apart)
    goto done;
  if (!gst_spectral_inspect_prepare (self)) {
    ret = GST_FLOW_ERROR;
    goto done;
  }
  /* first, so that a pad which is flushed or released meanwhile has nothing of
   * what is compared */
  for (i = 0; i < GST_SPECTRAL_STREAMS; i++)
    if (buffers[i])
      gst_aggregator_pad_drop_buffer (pads[i]);
  ret = gst_spectral_inspect_compare (self, buffers, times[0], duration);

done:
  for (i = 0; i < GST_SPECTRAL_STREAMS; i++) {
    gst_clear_buffer (&buffers[i]);
    if (pads[i])
      gst_object_unref (pads[i]);
  }
  return ret;
}
