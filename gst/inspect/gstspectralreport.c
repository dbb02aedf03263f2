/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Reports of spectralinspect: messages, lines of a file, pictures. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <errno.h>

#include "gstspectralinspect-private.h"
#include "gstspectralplot.h"
#include "gstwallocjson.h"

GST_DEBUG_CATEGORY_EXTERN (spectralinspect_debug);
#define GST_CAT_DEFAULT spectralinspect_debug

/* A disk that is full costs the file, not the pipeline. */
static void
gst_spectral_inspect_write (GstSpectralInspect * self, const GstStructure * s)
{
  gchar *line;

  if (!self->file)
    return;
  line = gst_walloc_structure_to_json (s);
  if (fprintf (self->file, "%s\n", line) < 0 || fflush (self->file) != 0) {
    GST_ELEMENT_WARNING (self, RESOURCE, WRITE,
        ("Results are no longer written: %s.", g_strerror (errno)), (NULL));
    fclose (self->file);
    self->file = NULL;
  }
  g_free (line);
}

/* Which frames, and how many; of how many there are spectra, if not of all. */
static gchar *
make_title (const GstSpectralResult * r, gboolean pooled, GstClockTime start,
    GstClockTime end)
{
  GString *title = g_string_new (NULL);

  if (pooled)
    g_string_append (title, "all of the stream, ");
  else if (end > start)
    g_string_append_printf (title, "%.2f to %.2f s, ",
        (gdouble) start / GST_SECOND, (gdouble) end / GST_SECOND);
  g_string_append_printf (title, "%" G_GUINT64_FORMAT " %s%s", r->frames,
      r->sound ? "block" : "frame", r->frames == 1 ? "" : "s");
  if (r->measured < r->frames)
    g_string_append_printf (title, ", spectra of %" G_GUINT64_FORMAT,
        r->measured);
  return g_string_free (title, FALSE);
}

static GstFlowReturn
gst_spectral_inspect_push_plot (GstSpectralInspect * self,
    const GstSpectralResult * r, gboolean pooled, GstClockTime start,
    GstClockTime end)
{
  GstAggregator *agg = GST_AGGREGATOR (self);
  GstVideoFrame frame;
  GstBuffer *buffer;
  gchar *title;
  GstFlowReturn ret;

  if (!gst_pad_is_linked (agg->srcpad))
    return GST_FLOW_OK;
  /* before the first buffer there are no caps */
  if (GST_VIDEO_INFO_FORMAT (&self->out_info) == GST_VIDEO_FORMAT_UNKNOWN)
    return GST_FLOW_OK;
  buffer = gst_buffer_new_allocate (NULL, GST_VIDEO_INFO_SIZE
      (&self->out_info), NULL);
  if (!gst_video_frame_map (&frame, &self->out_info, buffer, GST_MAP_WRITE)) {
    gst_buffer_unref (buffer);
    return GST_FLOW_ERROR;
  }
  title = make_title (r, pooled, start, end);
  if (!gst_spectral_plot_draw (GST_VIDEO_FRAME_PLANE_DATA (&frame, 0),
          GST_VIDEO_FRAME_PLANE_STRIDE (&frame, 0),
          GST_VIDEO_FRAME_WIDTH (&frame), GST_VIDEO_FRAME_HEIGHT (&frame), r,
          title))
    GST_WARNING_OBJECT (self, "built without Pango and cairo: plots are black");
  g_free (title);
  gst_video_frame_unmap (&frame);
  GST_BUFFER_PTS (buffer) = pooled ? end : start;
  GST_BUFFER_DURATION (buffer) = pooled ? GST_CLOCK_TIME_NONE : end - start;
  if (GST_CLOCK_TIME_IS_VALID (gst_aggregator_get_latency (agg))) {
    /* sinks of live pipelines would find it late by all that it is of */
    GstClockTime now = gst_element_get_current_running_time (GST_ELEMENT
        (self));

    GST_BUFFER_PTS (buffer) = GST_CLOCK_TIME_IS_VALID (now) ? now : end;
  }
  ret = gst_aggregator_finish_buffer (agg, buffer);
  return ret;
}

static GstFlowReturn
gst_spectral_inspect_report (GstSpectralInspect * self,
    const GstSpectralResult * r, gboolean pooled, GstClockTime start,
    GstClockTime end, GstClockTime pts)
{
  GstAggregatorPad *ref = self->pads[GST_SPECTRAL_REF];
  GstStructure *s = gst_spectral_result_to_structure (r, "spectralinspect");
  GstClockTime stream_time = ref->segment.format == GST_FORMAT_TIME ?
      gst_segment_to_stream_time (&ref->segment, GST_FORMAT_TIME, pts) :
      GST_CLOCK_TIME_NONE;
  gboolean post;
  gchar *window;

  GST_OBJECT_LOCK (self);
  post = self->post_messages;
  window = g_strdup (self->window == INSPECT_WINDOW_NONE ? "none" : "hann");
  GST_OBJECT_UNLOCK (self);

  gst_structure_set (s, "pooled", G_TYPE_BOOLEAN, pooled,
      "timestamp", G_TYPE_UINT64, pts, "stream-time", G_TYPE_UINT64,
      stream_time, "running-time", G_TYPE_UINT64, start, "duration",
      G_TYPE_UINT64, end - start, "window", G_TYPE_STRING, window, NULL);
  if (r->sound)
    gst_structure_set (s, "rate", G_TYPE_UINT,
        (guint) GST_AUDIO_INFO_RATE (&self->audio_info[0]), "channels",
        G_TYPE_UINT, (guint) GST_AUDIO_INFO_CHANNELS (&self->audio_info[0]),
        NULL);
  else
    gst_structure_set (s, "width", G_TYPE_UINT,
        (guint) GST_VIDEO_INFO_WIDTH (&self->info[0]), "height", G_TYPE_UINT,
        (guint) GST_VIDEO_INFO_HEIGHT (&self->info[0]), NULL);
  g_free (window);
  gst_spectral_inspect_write (self, s);
  if (post)
    gst_element_post_message (GST_ELEMENT (self),
        gst_message_new_element (GST_OBJECT (self), s));
  else
    gst_structure_free (s);
  return gst_spectral_inspect_push_plot (self, r, pooled, start, end);
}

static gboolean
is_empty (const GstSpectralResult * r)
{
  guint i;

  for (i = 0; i < GST_SPECTRAL_STREAMS; i++)
    if (r->unmatched[i])
      return FALSE;
  return r->frames == 0;
}

GstFlowReturn
gst_spectral_inspect_end_window (GstSpectralInspect * self)
{
  GstFlowReturn ret = GST_FLOW_OK;

  if (GST_CLOCK_TIME_IS_VALID (self->window_start)
      && !is_empty (self->window_result))
    ret = gst_spectral_inspect_report (self, self->window_result, FALSE,
        self->window_start, self->window_end, self->pts);
  if (self->window_result)
    gst_spectral_result_reset (self->window_result);
  self->window_start = GST_CLOCK_TIME_NONE;
  return ret;
}

GstFlowReturn
gst_spectral_inspect_tick (GstSpectralInspect * self,
    GstClockTime running_time, GstClockTime duration, GstClockTime pts)
{
  GstFlowReturn ret = GST_FLOW_OK;
  GstClockTime interval, end;

  GST_OBJECT_LOCK (self);
  interval = self->interval;
  GST_OBJECT_UNLOCK (self);

  if (!GST_CLOCK_TIME_IS_VALID (running_time))
    return ret;
  /* time goes back where streams seek one by one, and a little where several
   * have no partner */
  if (GST_CLOCK_TIME_IS_VALID (self->window_start) && interval
      && (running_time >= self->window_start ? running_time
          - self->window_start : self->window_start - running_time)
      >= interval)
    ret = gst_spectral_inspect_end_window (self);
  end = running_time + MIN (duration, GST_CLOCK_TIME_NONE - 1 - running_time);
  if (!GST_CLOCK_TIME_IS_VALID (self->window_start)) {
    self->window_start = running_time;
    self->window_end = end;
    self->pts = pts;
  }
  self->window_end = MAX (self->window_end, end);
  if (!GST_CLOCK_TIME_IS_VALID (self->first) || running_time < self->first) {
    self->first = running_time;
    self->first_pts = pts;
  }
  return ret;
}

GstFlowReturn
gst_spectral_inspect_finish (GstSpectralInspect * self)
{
  GstFlowReturn ret = GST_FLOW_OK;
  GstClockTime interval;

  GST_OBJECT_LOCK (self);
  interval = self->interval;
  GST_OBJECT_UNLOCK (self);

  if (!self->pooled || !self->pooled->frames)
    GST_ELEMENT_WARNING (self, STREAM, FAILED,
        ("Nothing of the streams belongs together."),
        ("They are matched by running time."));
  if (self->pooled && !is_empty (self->pooled)) {
    GstClockTime end = self->window_end;

    if (interval)
      ret = gst_spectral_inspect_end_window (self);
    if (ret == GST_FLOW_OK)
      ret = gst_spectral_inspect_report (self, self->pooled, TRUE,
          self->first, end, self->first_pts);
  }
  return ret == GST_FLOW_OK ? GST_FLOW_EOS : ret;
}
