/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Streams that stop, are flushed, or go away: what others wait for, and how
 * long. Where nothing is live, one that is slow looks like one that has
 * stopped, and is waited for. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstspectralinspect-private.h"

/* A timeout above this, 73 years, is none: the base class adds times to it. */
#define FOR_EVER (G_MAXINT64 / 4)

GST_DEBUG_CATEGORY_EXTERN (spectralinspect_debug);
#define GST_CAT_DEFAULT spectralinspect_debug

/* From when on some wait for others, not from time stamps: streams may be late
 * without any being stopped. Who has been waited for in vain is not waited for
 * again until it gives something. The base class asks only when not all have
 * something, and waits only in live pipelines. */
GstClockTime
gst_spectral_inspect_next_time (GstAggregator * agg)
{
  GstSpectralInspect *self = GST_SPECTRAL_INSPECT (agg);
  GstAggregatorPad *pads[GST_SPECTRAL_STREAMS];
  GstClockTime timeout, now;
  gboolean some = FALSE, missing = FALSE, known = TRUE;
  gboolean playing = GST_STATE (self) == GST_STATE_PLAYING;
  gint i;

  GST_OBJECT_LOCK (self);
  timeout = self->timeout;
  for (i = 0; i < GST_SPECTRAL_STREAMS; i++)
    pads[i] = self->pads[i] ? gst_object_ref (self->pads[i]) : NULL;
  GST_OBJECT_UNLOCK (self);

  for (i = 0; i < GST_SPECTRAL_STREAMS; i++) {
    if (!pads[i])
      continue;
    if (gst_aggregator_pad_has_buffer (pads[i])
        || gst_aggregator_pad_is_eos (pads[i])) {
      some = TRUE;
    } else {
      missing = TRUE;
      known &= self->stopped[i];
    }
    gst_object_unref (pads[i]);
  }
  now = gst_element_get_current_running_time (GST_ELEMENT (self));
  if (!some || !missing || timeout == 0 || timeout > FOR_EVER
      || !GST_CLOCK_TIME_IS_VALID (now)) {
    self->waiting = GST_CLOCK_TIME_NONE;
    return GST_CLOCK_TIME_NONE;
  }
  if (known && playing) {
    self->waiting = GST_CLOCK_TIME_NONE;
    return now;
  }
  /* running time goes back by the length of a pause, which does not count */
  if (!playing || !GST_CLOCK_TIME_IS_VALID (self->waiting)
      || self->waiting > now)
    self->waiting = now;
  return self->waiting + timeout;
}

/* Whether that time has come: while the base class waited for it, the pipeline
 * may have been paused, and the property changed. */
static gboolean
has_waited (GstSpectralInspect * self, GstClockTime timeout)
{
  GstClockTime now = gst_element_get_current_running_time (GST_ELEMENT (self));

  if (GST_STATE (self) != GST_STATE_PLAYING || timeout == 0
      || timeout > FOR_EVER || !GST_CLOCK_TIME_IS_VALID (now))
    return FALSE;
  return !GST_CLOCK_TIME_IS_VALID (self->waiting) || (now >= self->waiting
      && now - self->waiting >= timeout);
}

guint
gst_spectral_inspect_give_up (GstSpectralInspect * self,
    GstAggregatorPad * const *pads, GstBuffer * const *buffers)
{
  GstClockTime timeout;
  guint count = 0;
  gint i;

  GST_OBJECT_LOCK (self);
  timeout = self->timeout;
  GST_OBJECT_UNLOCK (self);

  if (!has_waited (self, timeout))
    return 0;
  self->waiting = GST_CLOCK_TIME_NONE;
  for (i = 0; i < GST_SPECTRAL_STREAMS; i++) {
    if (!pads[i] || buffers[i] || gst_aggregator_pad_is_eos (pads[i]))
      continue;
    count++;
    if (self->stopped[i])
      continue;
    self->stopped[i] = TRUE;
    GST_ELEMENT_WARNING (self, STREAM, FAILED,
        ("%s_sink has given nothing for %.1f s. What others have counts as "
            "unmatched until it goes on. If it is only slow, set timeout to "
            "more, or to 0.", gst_spectral_stream_name (i),
            (gdouble) timeout / GST_SECOND), (NULL));
  }
  return count;
}

void
gst_spectral_inspect_lose (GstSpectralInspect * self, GstAggregatorPad * pad)
{
  GstBuffer *buffer;
  guint64 lost = 0;
  gint i, bpf = 0;

  GST_OBJECT_LOCK (self);
  for (i = 0; i < GST_SPECTRAL_STREAMS && self->pads[i] != pad; i++);
  if (i < GST_SPECTRAL_STREAMS && self->kind[i] == GST_SPECTRAL_SOUND)
    bpf = GST_AUDIO_INFO_BPF (&self->audio_info[i]);
  GST_OBJECT_UNLOCK (self);
  if (i == GST_SPECTRAL_STREAMS)
    return;

  while ((buffer = gst_aggregator_pad_pop_buffer (pad))) {
    gsize size = gst_buffer_get_size (buffer);

    if (size > 0)
      lost += bpf ? size / bpf : 1;
    gst_buffer_unref (buffer);
  }
  GST_OBJECT_LOCK (self);
  self->lost[i] += lost;
  self->cut[i] = TRUE;
  GST_OBJECT_UNLOCK (self);
}

void
gst_spectral_inspect_count_lost (GstSpectralInspect * self)
{
  gint i;

  if (!self->pooled)
    return;
  GST_OBJECT_LOCK (self);
  for (i = 0; i < GST_SPECTRAL_STREAMS; i++) {
    self->pooled->unmatched[i] += self->lost[i];
    self->window_result->unmatched[i] += self->lost[i];
    self->lost[i] = 0;
    if (!self->cut[i])
      continue;
    self->cut[i] = FALSE;
    self->stopped[i] = FALSE;
    if (self->audio)
      gst_spectral_audio_cut (self->audio, i);
  }
  GST_OBJECT_UNLOCK (self);
}
