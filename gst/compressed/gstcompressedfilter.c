/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What elements share that put out something else than they are given: pads,
 * the properties of network or codec model and threads, and what a stream needs
 * from start to stop. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstcompressedfilter.h"
#include "gstwalloccommon.h"

#define DEFAULT_THREADS 1

#define MAX_THREADS 64

#define gst_compressed_filter_parent_class parent_class
G_DEFINE_ABSTRACT_TYPE (GstCompressedFilter, gst_compressed_filter,
    GST_TYPE_ELEMENT);

static void
gst_compressed_filter_set_property (GObject * object, guint prop_id,
    const GValue * value, GParamSpec * pspec)
{
  GstCompressedFilter *self = GST_COMPRESSED_FILTER (object);

  GST_OBJECT_LOCK (self);
  switch (prop_id) {
    case GST_COMPRESSED_FILTER_PROP_MODEL_FILE:
      g_free (self->model_file);
      self->model_file = g_value_dup_string (value);
      break;
    case GST_COMPRESSED_FILTER_PROP_THREADS:
      self->threads = g_value_get_uint (value);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      break;
  }
  GST_OBJECT_UNLOCK (self);
}

static void
gst_compressed_filter_get_property (GObject * object, guint prop_id,
    GValue * value, GParamSpec * pspec)
{
  GstCompressedFilter *self = GST_COMPRESSED_FILTER (object);

  GST_OBJECT_LOCK (self);
  switch (prop_id) {
    case GST_COMPRESSED_FILTER_PROP_MODEL_FILE:
      g_value_set_string (value, self->model_file);
      break;
    case GST_COMPRESSED_FILTER_PROP_THREADS:
      g_value_set_uint (value, self->threads);
      break;
    default:
      G_OBJECT_WARN_INVALID_PROPERTY_ID (object, prop_id, pspec);
      break;
  }
  GST_OBJECT_UNLOCK (self);
}

/* GObject has a class begin without those of its parent. */
static void
set_accessors (GObjectClass * object_class)
{
  if (object_class->set_property)
    return;
  object_class->set_property = gst_compressed_filter_set_property;
  object_class->get_property = gst_compressed_filter_get_property;
}

void
gst_compressed_filter_install_model_file (GObjectClass * object_class,
    const gchar * blurb)
{
  set_accessors (object_class);
  g_object_class_install_property (object_class,
      GST_COMPRESSED_FILTER_PROP_MODEL_FILE,
      g_param_spec_string ("model-file", "Model file", blurb, NULL,
          G_PARAM_READWRITE | G_PARAM_STATIC_STRINGS |
          GST_PARAM_MUTABLE_READY));
}

void
gst_compressed_filter_install_threads (GObjectClass * object_class)
{
  set_accessors (object_class);
  g_object_class_install_property (object_class,
      GST_COMPRESSED_FILTER_PROP_THREADS,
      g_param_spec_uint ("threads", "Threads",
          "Threads to use (0 = as many as there are processors)", 0,
          MAX_THREADS, DEFAULT_THREADS, G_PARAM_READWRITE |
          G_PARAM_STATIC_STRINGS | GST_PARAM_MUTABLE_READY));
}

gchar *
gst_compressed_filter_dup_model_file (GstCompressedFilter * self)
{
  gchar *name;

  GST_OBJECT_LOCK (self);
  name = g_strdup (self->model_file);
  GST_OBJECT_UNLOCK (self);

  return name;
}

gboolean
gst_compressed_filter_open_network (GstCompressedFilter * self,
    walloc_task_kind kind)
{
  gchar *name;

  if (self->network)
    return TRUE;
  name = gst_compressed_filter_dup_model_file (self);
  self->network = gst_compressed_open_network (GST_ELEMENT (self), name, kind);
  g_free (name);

  return self->network != NULL;
}

void
gst_compressed_filter_describe (GstCompressedFilter * self, GstBuffer * in,
    GstBuffer * out, GstBufferCopyFlags what)
{
  gst_buffer_copy_into (out, in, what, 0, -1);
  if (self->discont)
    GST_BUFFER_FLAG_SET (out, GST_BUFFER_FLAG_DISCONT);
  if (self->reader.damaged)
    GST_BUFFER_FLAG_SET (out, GST_BUFFER_FLAG_CORRUPTED);
}

static GstFlowReturn
gst_compressed_filter_chain (GstPad * pad, GstObject * parent,
    GstBuffer * buffer)
{
  GstCompressedFilter *self = GST_COMPRESSED_FILTER (parent);

  return GST_COMPRESSED_FILTER_GET_CLASS (self)->chain (self, buffer);
}

static gboolean
gst_compressed_filter_take_caps (GstCompressedFilter * self, GstEvent * event)
{
  GstCompressedFilterClass *klass = GST_COMPRESSED_FILTER_GET_CLASS (self);
  gboolean ok = TRUE;
  GstCaps *caps;

  gst_event_parse_caps (event, &caps);
  if (klass->set_caps)
    ok = klass->set_caps (self, caps);
  gst_event_unref (event);

  return ok;
}

static gboolean
gst_compressed_filter_event (GstCompressedFilter * self, GstEvent * event)
{
  if (gst_compressed_events_hold (&self->events, event))
    return TRUE;
  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_CAPS:
      return gst_compressed_filter_take_caps (self, event);
    case GST_EVENT_FLUSH_STOP:
      gst_compressed_reader_flush (&self->reader);
      self->discont = TRUE;
      /* a segment that was flushed is not to be sent any more */
      if (!self->events.open)
        gst_compressed_events_clear (&self->events);
      break;
    case GST_EVENT_EOS:
      gst_compressed_events_open (&self->events, self->srcpad);
      break;
    default:
      break;
  }
  return gst_pad_event_default (self->sinkpad, GST_OBJECT (self), event);
}

static gboolean
gst_compressed_filter_sink_event (GstPad * pad, GstObject * parent,
    GstEvent * event)
{
  GstCompressedFilter *self = GST_COMPRESSED_FILTER (parent);

  return GST_COMPRESSED_FILTER_GET_CLASS (self)->event (self, event);
}

static gboolean
gst_compressed_filter_start (GstCompressedFilter * self)
{
  GstCompressedFilterClass *klass = GST_COMPRESSED_FILTER_GET_CLASS (self);
  guint threads;

  GST_OBJECT_LOCK (self);
  threads = self->threads;
  GST_OBJECT_UNLOCK (self);
  gst_compressed_reader_start (&self->reader, threads);
  self->discont = FALSE;

  return !klass->start || klass->start (self);
}

/* Fine after half of a start, too. */
static void
gst_compressed_filter_stop (GstCompressedFilter * self)
{
  GstCompressedFilterClass *klass = GST_COMPRESSED_FILTER_GET_CLASS (self);

  gst_compressed_reader_stop (&self->reader);
  gst_compressed_events_clear (&self->events);
  if (klass->stop)
    klass->stop (self);
  gst_compressed_network_unref (self->network);
  self->network = NULL;
}

static GstStateChangeReturn
gst_compressed_filter_change_state (GstElement * element,
    GstStateChange transition)
{
  GstCompressedFilter *self = GST_COMPRESSED_FILTER (element);
  GstStateChangeReturn ret = GST_STATE_CHANGE_FAILURE;
  gboolean starts = transition == GST_STATE_CHANGE_READY_TO_PAUSED;

  if (!starts || gst_compressed_filter_start (self))
    ret = GST_ELEMENT_CLASS (parent_class)->change_state (element, transition);
  /* nobody stops what did not start */
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY
      || (starts && ret == GST_STATE_CHANGE_FAILURE))
    gst_compressed_filter_stop (self);

  return ret;
}

static GstPad *
gst_compressed_filter_add_pad (GstCompressedFilter * self, const gchar * name)
{
  GstPadTemplate *template = gst_element_class_get_pad_template
      (GST_ELEMENT_GET_CLASS (self), name);
  GstPad *pad;

  if (!template)
    return NULL;
  pad = gst_pad_new_from_template (template, name);
  gst_element_add_pad (GST_ELEMENT (self), pad);

  return pad;
}

/* Pads need the subclass's templates, which are known behind its class_init
 * only. */
static void
gst_compressed_filter_constructed (GObject * object)
{
  GstCompressedFilter *self = GST_COMPRESSED_FILTER (object);

  G_OBJECT_CLASS (parent_class)->constructed (object);
  self->sinkpad = gst_compressed_filter_add_pad (self, "sink");
  gst_pad_set_chain_function (self->sinkpad,
      GST_DEBUG_FUNCPTR (gst_compressed_filter_chain));
  gst_pad_set_event_function (self->sinkpad,
      GST_DEBUG_FUNCPTR (gst_compressed_filter_sink_event));
  self->srcpad = gst_compressed_filter_add_pad (self, "src");
  if (self->srcpad)
    gst_pad_use_fixed_caps (self->srcpad);
  gst_compressed_reader_init (&self->reader, GST_ELEMENT (self), self->sinkpad);
}

static void
gst_compressed_filter_finalize (GObject * object)
{
  g_free (GST_COMPRESSED_FILTER (object)->model_file);

  G_OBJECT_CLASS (parent_class)->finalize (object);
}

static void
gst_compressed_filter_class_init (GstCompressedFilterClass * klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);

  object_class->set_property = gst_compressed_filter_set_property;
  object_class->get_property = gst_compressed_filter_get_property;
  object_class->constructed = gst_compressed_filter_constructed;
  object_class->finalize = gst_compressed_filter_finalize;
  element_class->change_state =
      GST_DEBUG_FUNCPTR (gst_compressed_filter_change_state);
  klass->event = GST_DEBUG_FUNCPTR (gst_compressed_filter_event);
  gst_type_mark_as_plugin_api (GST_TYPE_COMPRESSED_FILTER, 0);
}

static void
gst_compressed_filter_init (GstCompressedFilter * self)
{
  self->threads = DEFAULT_THREADS;
}
