/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * SECTION:element-spectralinspect
 * @title: spectralinspect
 * @short_description: What is different between two streams, by frequency
 * @see_also: corrupt, wallocenc, wallocdec
 *
 * Compares a stream (`dist_sink`) with its reference (`ref_sink`), frame by
 * frame of equal running time: power spectra of both and of what differs, by rings
 * of frequency and as a map, PSNR, SSIM and MS-SSIM. Spectra are of unrounded
 * differences, and their bands add up to the mean square error.
 *
 * Streams of sound are compared by SNR, SI-SDR and spectra.
 *
 * With a corrupted stream c(x) on the request pad `corrupt_sink`, and the coded
 * clean stream C(x) on `coded_sink`, the three errors of arXiv 2307.08657
 * are told apart: D = C(x) - x, G = C(c(x)) - c(x) and R = C(c(x)) - x.
 *
 * Each #GstSpectralInspect:interval a message `spectralinspect` tells what was
 * found in it, a line of JSON is added to #GstSpectralInspect:results-file, and a
 * picture of curves and map is pushed on `src`; at the end of the streams there is
 * one of all frames.
 *
 * ## Example launch line
 * |[
 * gst-launch-1.0 -m filesrc location=in.png ! pngdec ! videoconvert ! video/x-raw,format=I420 ! tee name=t ! queue ! s.ref_sink t. ! queue ! wallocenc quality=30 ! wallocdec ! s.dist_sink spectralinspect name=s interval=0 ! videoconvert ! pngenc ! filesink location=error.png
 * ]| What the codec loses of a picture.
 *
 * Since: 0.2
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <errno.h>
#include <string.h>

#include <glib/gstdio.h>

#include "gstinspectelements.h"
#include "gstspectralinspect-private.h"

GST_DEBUG_CATEGORY (spectralinspect_debug);
#define GST_CAT_DEFAULT spectralinspect_debug

#define DEFAULT_INTERVAL GST_SECOND
#define DEFAULT_TIMEOUT (5 * GST_SECOND)
#define DEFAULT_STRIDE 1
#define DEFAULT_BANDS 32
#define DEFAULT_MAP 128
#define DEFAULT_WINDOW INSPECT_WINDOW_NONE
#define DEFAULT_POST_MESSAGES TRUE

#define PLOT_WIDTH 960
#define PLOT_HEIGHT 540

enum
{
  PROP_0,
  PROP_INTERVAL,
  PROP_TIMEOUT,
  PROP_STRIDE,
  PROP_BANDS,
  PROP_MAP_SIZE,
  PROP_WINDOW,
  PROP_RESULTS_FILE,
  PROP_POST_MESSAGES
};

#define SINK_CAPS GST_VIDEO_CAPS_MAKE ("{ I420, YV12, NV12, NV21, Y42B, " \
    "Y444, GRAY8, RGB, BGR, RGBx, BGRx, xRGB, xBGR, RGBA, BGRA, ARGB, ABGR, " \
    "GBR }") ", width=(int)[1,16384], height=(int)[1,16384]; audio/x-raw, " \
    "format=(string){ " GST_AUDIO_NE (F32) ", " GST_AUDIO_NE (S16) " }, " \
    "layout=(string)interleaved, rate=(int)[1,384000], channels=(int)[1,64]"

#define TEMPLATE(id, name, presence) \
static GstStaticPadTemplate id##_template = GST_STATIC_PAD_TEMPLATE (name, \
    GST_PAD_SINK, presence, GST_STATIC_CAPS (SINK_CAPS))

TEMPLATE (ref, "ref_sink", GST_PAD_ALWAYS);
TEMPLATE (dist, "dist_sink", GST_PAD_ALWAYS);
TEMPLATE (corrupt, "corrupt_sink", GST_PAD_REQUEST);
TEMPLATE (coded, "coded_sink", GST_PAD_REQUEST);

static GstStaticPadTemplate *const sink_templates[GST_SPECTRAL_STREAMS] = {
  &ref_template, &dist_template, &corrupt_template, &coded_template
};

static GstStaticPadTemplate src_template = GST_STATIC_PAD_TEMPLATE ("src",
    GST_PAD_SRC, GST_PAD_ALWAYS,
    GST_STATIC_CAPS ("video/x-raw, format=(string)BGRx, "
        "width=(int)[320,7680], height=(int)[180,4320], "
        "framerate=(fraction)[0/1,2147483647/1]"));

#define gst_spectral_inspect_parent_class parent_class
G_DEFINE_FINAL_TYPE (GstSpectralInspect, gst_spectral_inspect,
    GST_TYPE_AGGREGATOR);

GST_ELEMENT_REGISTER_DEFINE (spectralinspect, "spectralinspect",
    GST_RANK_NONE, GST_TYPE_SPECTRAL_INSPECT);

#define GST_TYPE_SPECTRAL_INSPECT_WINDOW \
    (gst_spectral_inspect_window_get_type ())
static GType
gst_spectral_inspect_window_get_type (void)
{
  static const GEnumValue values[] = {
    {INSPECT_WINDOW_NONE, "None: bands add up to the mean square error",
        "none"},
    {INSPECT_WINDOW_HANN, "Hann: no leakage from the borders", "hann"},
    {0, NULL, NULL}
  };
  static gsize type;

  if (g_once_init_enter (&type)) {
    GType t = g_enum_register_static ("GstSpectralInspectWindow", values);

    g_once_init_leave (&type, t);
  }
  return type;
}

static void
gst_spectral_inspect_set_property (GObject * object, guint prop_id,
    const GValue * value, GParamSpec * pspec)
{
  GstSpectralInspect *self = GST_SPECTRAL_INSPECT (object);

  GST_OBJECT_LOCK (self);
  switch (prop_id) {
    case PROP_INTERVAL:
      self->interval = g_value_get_uint64 (value);
      break;
    case PROP_TIMEOUT:
      self->timeout = g_value_get_uint64 (value);
      break;
    case PROP_STRIDE:
      self->stride = g_value_get_uint (value);
      break;
    case PROP_BANDS:
      self->bands = g_value_get_uint (value);
      break;
    case PROP_MAP_SIZE:
      self->map = g_value_get_uint (value);
      break;
    case PROP_WINDOW:
      self->window = g_value_get_enum (value);
      break;
    case PROP_RESULTS_FILE:
      g_free (self->results_file);
      self->results_file = g_value_dup_string (value);
      break;
    case PROP_POST_MESSAGES:
      self->post_messages = g_value_get_boolean (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      break;
  }
  GST_OBJECT_UNLOCK (self);
}

static void
gst_spectral_inspect_get_property (GObject * object, guint prop_id,
    GValue * value, GParamSpec * pspec)
{
  GstSpectralInspect *self = GST_SPECTRAL_INSPECT (object);

  GST_OBJECT_LOCK (self);
  switch (prop_id) {
    case PROP_INTERVAL:
      g_value_set_uint64 (value, self->interval);
      break;
    case PROP_TIMEOUT:
      g_value_set_uint64 (value, self->timeout);
      break;
    case PROP_STRIDE:
      g_value_set_uint (value, self->stride);
      break;
    case PROP_BANDS:
      g_value_set_uint (value, self->bands);
      break;
    case PROP_MAP_SIZE:
      g_value_set_uint (value, self->map);
      break;
    case PROP_WINDOW:
      g_value_set_enum (value, self->window);
      break;
    case PROP_RESULTS_FILE:
      g_value_set_string (value, self->results_file);
      break;
    case PROP_POST_MESSAGES:
      g_value_set_boolean (value, self->post_messages);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      break;
  }
  GST_OBJECT_UNLOCK (self);
}

static void
gst_spectral_inspect_finalize (GObject * object)
{
  g_free (GST_SPECTRAL_INSPECT (object)->results_file);

  G_OBJECT_CLASS (parent_class)->finalize (object);
}

static gint
stream_of (GstSpectralInspect * self, GstAggregatorPad * pad)
{
  gint i;

  for (i = 0; i < GST_SPECTRAL_STREAMS; i++)
    if (self->pads[i] == pad)
      return i;
  return -1;
}

/* corrupt_sink and coded_sink, once each. */
static GstAggregatorPad *
gst_spectral_inspect_create_new_pad (GstAggregator * agg,
    GstPadTemplate * templ, const gchar * req_name, const GstCaps * caps)
{
  GstSpectralInspect *self = GST_SPECTRAL_INSPECT (agg);
  GstAggregatorPad *pad = NULL;
  gint i;

  GST_OBJECT_LOCK (self);
  for (i = GST_SPECTRAL_CORRUPT; i < GST_SPECTRAL_STREAMS; i++)
    if (g_str_equal (GST_PAD_TEMPLATE_NAME_TEMPLATE (templ),
            sink_templates[i]->name_template) && !self->pads[i]) {
      pad = g_object_new (GST_TYPE_AGGREGATOR_PAD, "name",
          sink_templates[i]->name_template, "direction", GST_PAD_SINK,
          "template", templ, NULL);
      self->pads[i] = pad;
      break;
    }
  GST_OBJECT_UNLOCK (self);
  if (!pad)
    GST_WARNING_OBJECT (self, "%s is there already",
        GST_PAD_TEMPLATE_NAME_TEMPLATE (templ));
  return pad;
}

static void
gst_spectral_inspect_release_pad (GstElement * element, GstPad * pad)
{
  GstSpectralInspect *self = GST_SPECTRAL_INSPECT (element);
  gint i;

  gst_spectral_inspect_lose (self, GST_AGGREGATOR_PAD (pad));
  GST_OBJECT_LOCK (self);
  i = stream_of (self, GST_AGGREGATOR_PAD (pad));
  if (i >= 0) {
    self->pads[i] = NULL;
    self->kind[i] = GST_SPECTRAL_NOTHING;
    self->changed = TRUE;
  }
  GST_OBJECT_UNLOCK (self);

  GST_ELEMENT_CLASS (parent_class)->release_pad (element, pad);
}

/* What was measured is given up; NULL results are made anew when needed. */
static void
gst_spectral_inspect_forget (GstSpectralInspect * self)
{
  g_clear_pointer (&self->video, gst_spectral_video_free);
  g_clear_pointer (&self->audio, gst_spectral_audio_free);
  g_clear_pointer (&self->pooled, gst_spectral_result_free);
  g_clear_pointer (&self->window_result, gst_spectral_result_free);
  g_clear_pointer (&self->frame_result, gst_spectral_result_free);
  self->window_start = self->window_end = GST_CLOCK_TIME_NONE;
  self->first = self->first_pts = self->pts = GST_CLOCK_TIME_NONE;
  self->count = 0;
  self->waiting = GST_CLOCK_TIME_NONE;
  memset (self->stopped, 0, sizeof (self->stopped));
  GST_OBJECT_LOCK (self);
  memset (self->lost, 0, sizeof (self->lost));
  memset (self->cut, 0, sizeof (self->cut));
  GST_OBJECT_UNLOCK (self);
}

static gboolean
gst_spectral_inspect_start (GstAggregator * agg)
{
  GstSpectralInspect *self = GST_SPECTRAL_INSPECT (agg);
  gchar *name;
  gint i;

  GST_OBJECT_LOCK (self);
  name = g_strdup (self->results_file);
  for (i = 0; i < GST_SPECTRAL_STREAMS; i++)
    self->kind[i] = GST_SPECTRAL_NOTHING;
  self->changed = TRUE;
  GST_OBJECT_UNLOCK (self);

  gst_spectral_inspect_forget (self);
  gst_video_info_init (&self->out_info);
  if (name && *name) {
    self->file = g_fopen (name, "a");
    if (!self->file) {
      GST_ELEMENT_ERROR (self, RESOURCE, OPEN_WRITE,
          ("Cannot write results to '%s': %s.", name, g_strerror (errno)),
          (NULL));
      g_free (name);
      return FALSE;
    }
  }
  g_free (name);
  return TRUE;
}

static gboolean
gst_spectral_inspect_stop (GstAggregator * agg)
{
  GstSpectralInspect *self = GST_SPECTRAL_INSPECT (agg);

  gst_spectral_inspect_forget (self);
  g_clear_pointer (&self->file, fclose);
  return TRUE;
}

static GstFlowReturn
gst_spectral_inspect_flush (GstAggregator * agg)
{
  gst_spectral_inspect_forget (GST_SPECTRAL_INSPECT (agg));
  return GST_FLOW_OK;
}

static gboolean
gst_spectral_inspect_sink_event (GstAggregator * agg, GstAggregatorPad * pad,
    GstEvent * event)
{
  GstSpectralInspect *self = GST_SPECTRAL_INSPECT (agg);

  /* of one stream, or of all of them, which flush() is told of */
  if (GST_EVENT_TYPE (event) == GST_EVENT_FLUSH_START)
    gst_spectral_inspect_lose (self, pad);
  if (GST_EVENT_TYPE (event) == GST_EVENT_CAPS) {
    GstSpectralKind kind;
    GstVideoInfo info;
    GstAudioInfo audio_info;
    GstCaps *caps;
    gint i;

    gst_event_parse_caps (event, &caps);
    kind = gst_structure_has_name (gst_caps_get_structure (caps, 0),
        "audio/x-raw") ? GST_SPECTRAL_SOUND : GST_SPECTRAL_PICTURES;
    if (kind == GST_SPECTRAL_SOUND ?
        !gst_audio_info_from_caps (&audio_info, caps) :
        !gst_video_info_from_caps (&info, caps)) {
      GST_ERROR_OBJECT (pad, "neither pictures nor sound: %" GST_PTR_FORMAT,
          caps);
      gst_event_unref (event);
      return FALSE;
    }
    GST_OBJECT_LOCK (self);
    i = stream_of (self, pad);
    if (i >= 0) {
      if (kind == GST_SPECTRAL_SOUND)
        self->audio_info[i] = audio_info;
      else
        self->info[i] = info;
      self->kind[i] = kind;
      self->changed = TRUE;
    }
    GST_OBJECT_UNLOCK (self);
  }
  return GST_AGGREGATOR_CLASS (parent_class)->sink_event (agg, pad, event);
}

/* What lies outside of the segment has no running time. */
static GstBuffer *
gst_spectral_inspect_clip (GstAggregator * agg, GstAggregatorPad * pad,
    GstBuffer * buffer)
{
  GstSpectralInspect *self = GST_SPECTRAL_INSPECT (agg);
  GstClockTime start = GST_BUFFER_PTS (buffer), stop = GST_CLOCK_TIME_NONE;
  guint64 from, to;
  gint i = stream_of (self, pad);

  if (i < 0 || pad->segment.format != GST_FORMAT_TIME
      || !GST_CLOCK_TIME_IS_VALID (start) || gst_buffer_get_size (buffer) == 0)
    return buffer;
  if (self->kind[i] == GST_SPECTRAL_SOUND)
    return gst_audio_buffer_clip (buffer, &pad->segment,
        GST_AUDIO_INFO_RATE (&self->audio_info[i]),
        GST_AUDIO_INFO_BPF (&self->audio_info[i]));
  if (GST_BUFFER_DURATION_IS_VALID (buffer))
    stop = start + GST_BUFFER_DURATION (buffer);
  if (!gst_segment_clip (&pad->segment, GST_FORMAT_TIME, start, stop, &from,
          &to)) {
    gst_buffer_unref (buffer);
    return NULL;
  }
  if (from != start) {
    buffer = gst_buffer_make_writable (buffer);
    GST_BUFFER_PTS (buffer) = from;
    if (GST_CLOCK_TIME_IS_VALID (stop))
      GST_BUFFER_DURATION (buffer) = stop - from;
  }
  return buffer;
}

static GstCaps *
gst_spectral_inspect_fixate_src_caps (GstAggregator * agg, GstCaps * caps)
{
  GstStructure *s;

  caps = gst_caps_make_writable (gst_caps_truncate (caps));
  s = gst_caps_get_structure (caps, 0);
  gst_structure_fixate_field_nearest_int (s, "width", PLOT_WIDTH);
  gst_structure_fixate_field_nearest_int (s, "height", PLOT_HEIGHT);
  gst_structure_fixate_field_nearest_fraction (s, "framerate", 0, 1);
  return gst_caps_fixate (caps);
}

static gboolean
gst_spectral_inspect_negotiated_src_caps (GstAggregator * agg, GstCaps * caps)
{
  GstSpectralInspect *self = GST_SPECTRAL_INSPECT (agg);

  return gst_video_info_from_caps (&self->out_info, caps);
}

static void
gst_spectral_inspect_class_init (GstSpectralInspectClass * klass)
{
  GObjectClass *gobject_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GstAggregatorClass *agg_class = GST_AGGREGATOR_CLASS (klass);
  const GParamFlags flags = G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS;
  gint i;

  GST_DEBUG_CATEGORY_INIT (spectralinspect_debug, "spectralinspect", 0,
      "What is different between two streams");

  gobject_class->set_property = gst_spectral_inspect_set_property;
  gobject_class->get_property = gst_spectral_inspect_get_property;
  gobject_class->finalize = gst_spectral_inspect_finalize;

  /**
   * GstSpectralInspect:interval:
   *
   * Running time from one report to the next, ns; 0: only one, at the end.
   */
  g_object_class_install_property (gobject_class, PROP_INTERVAL,
      g_param_spec_uint64 ("interval", "Interval", "Running time from one "
          "report to the next, ns (0: only one, at the end)", 0, G_MAXUINT64,
          DEFAULT_INTERVAL, flags | GST_PARAM_MUTABLE_PLAYING));
  /**
   * GstSpectralInspect:timeout:
   *
   * In live pipelines, how long the streams wait for one that gives nothing, ns;
   * then a warning says so, and what they have counts as unmatched until it
   * goes on. 0: they wait.
   */
  g_object_class_install_property (gobject_class, PROP_TIMEOUT,
      g_param_spec_uint64 ("timeout", "Timeout", "How long others wait for a "
          "stream that has stopped, in live pipelines, ns (0: for ever)", 0,
          G_MAXUINT64, DEFAULT_TIMEOUT, flags | GST_PARAM_MUTABLE_PLAYING));
  /**
   * GstSpectralInspect:stride:
   *
   * Spectra and SSIM of every so many-th frame; squared errors are of all.
   */
  g_object_class_install_property (gobject_class, PROP_STRIDE,
      g_param_spec_uint ("stride", "Stride", "Spectra and SSIM of every so "
          "many-th frame", 1, G_MAXUINT, DEFAULT_STRIDE,
          flags | GST_PARAM_MUTABLE_PLAYING));
  /**
   * GstSpectralInspect:bands:
   *
   * Rings of frequency from 0 to Nyquist's; one more is beyond.
   */
  g_object_class_install_property (gobject_class, PROP_BANDS,
      g_param_spec_uint ("bands", "Bands", "Rings of frequency from 0 to "
          "Nyquist's; one more is beyond", 2, INSPECT_MAX_BANDS,
          DEFAULT_BANDS, flags | GST_PARAM_MUTABLE_READY));
  /**
   * GstSpectralInspect:map-size:
   *
   * Side of the map of the error's spectrum; 0: no map.
   */
  g_object_class_install_property (gobject_class, PROP_MAP_SIZE,
      g_param_spec_uint ("map-size", "Map size", "Side of the map of the "
          "error's spectrum (0: no map)", 0, INSPECT_MAX_MAP, DEFAULT_MAP,
          flags | GST_PARAM_MUTABLE_READY));
  /**
   * GstSpectralInspect:window:
   *
   * Window of spectra.
   */
  g_object_class_install_property (gobject_class, PROP_WINDOW,
      g_param_spec_enum ("window", "Window", "Window of spectra",
          GST_TYPE_SPECTRAL_INSPECT_WINDOW, DEFAULT_WINDOW,
          flags | GST_PARAM_MUTABLE_READY));
  /**
   * GstSpectralInspect:results-file:
   *
   * File that reports are added to, one line of JSON each.
   */
  g_object_class_install_property (gobject_class, PROP_RESULTS_FILE,
      g_param_spec_string ("results-file", "Results file", "File that "
          "reports are added to, one line of JSON each", NULL,
          flags | GST_PARAM_MUTABLE_READY));
  /**
   * GstSpectralInspect:post-messages:
   *
   * Post reports as element messages.
   */
  g_object_class_install_property (gobject_class, PROP_POST_MESSAGES,
      g_param_spec_boolean ("post-messages", "Post messages", "Post reports "
          "as element messages", DEFAULT_POST_MESSAGES,
          flags | GST_PARAM_MUTABLE_PLAYING));

  for (i = 0; i < GST_SPECTRAL_STREAMS; i++)
    gst_element_class_add_static_pad_template_with_gtype (element_class,
        sink_templates[i], GST_TYPE_AGGREGATOR_PAD);
  gst_element_class_add_static_pad_template_with_gtype (element_class,
      &src_template, GST_TYPE_AGGREGATOR_PAD);
  gst_element_class_set_static_metadata (element_class,
      "Spectra of errors", "Filter/Analyzer/Video/Audio",
      "What is different between two streams, by frequency", GST_PACKAGE_NAME);

  element_class->release_pad =
      GST_DEBUG_FUNCPTR (gst_spectral_inspect_release_pad);
  agg_class->create_new_pad =
      GST_DEBUG_FUNCPTR (gst_spectral_inspect_create_new_pad);
  agg_class->start = GST_DEBUG_FUNCPTR (gst_spectral_inspect_start);
  agg_class->stop = GST_DEBUG_FUNCPTR (gst_spectral_inspect_stop);
  agg_class->flush = GST_DEBUG_FUNCPTR (gst_spectral_inspect_flush);
  agg_class->clip = GST_DEBUG_FUNCPTR (gst_spectral_inspect_clip);
  agg_class->sink_event = GST_DEBUG_FUNCPTR (gst_spectral_inspect_sink_event);
  agg_class->fixate_src_caps =
      GST_DEBUG_FUNCPTR (gst_spectral_inspect_fixate_src_caps);
  agg_class->negotiated_src_caps =
      GST_DEBUG_FUNCPTR (gst_spectral_inspect_negotiated_src_caps);
  agg_class->get_next_time = GST_DEBUG_FUNCPTR (gst_spectral_inspect_next_time);
  agg_class->aggregate = GST_DEBUG_FUNCPTR (gst_spectral_inspect_aggregate);

  gst_type_mark_as_plugin_api (GST_TYPE_SPECTRAL_INSPECT_WINDOW, 0);
}

static void
gst_spectral_inspect_init (GstSpectralInspect * self)
{
  gint i;

  self->interval = DEFAULT_INTERVAL;
  self->timeout = DEFAULT_TIMEOUT;
  self->stride = DEFAULT_STRIDE;
  self->bands = DEFAULT_BANDS;
  self->map = DEFAULT_MAP;
  self->window = DEFAULT_WINDOW;
  self->post_messages = DEFAULT_POST_MESSAGES;
  self->window_start = self->window_end = GST_CLOCK_TIME_NONE;
  self->first = self->first_pts = self->pts = GST_CLOCK_TIME_NONE;
  self->waiting = GST_CLOCK_TIME_NONE;

  for (i = GST_SPECTRAL_REF; i <= GST_SPECTRAL_DIST; i++) {
    GstPadTemplate *templ = gst_element_class_get_pad_template
        (GST_ELEMENT_GET_CLASS (self), sink_templates[i]->name_template);

    self->pads[i] = g_object_new (GST_TYPE_AGGREGATOR_PAD, "name",
        sink_templates[i]->name_template, "direction", GST_PAD_SINK,
        "template", templ, NULL);
    gst_element_add_pad (GST_ELEMENT (self), GST_PAD (self->pads[i]));
  }
}
