/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The element half of the base class: pads, states, and which frames are
 * analysed in which thread. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstcompressedbase-private.h"
#include "gstcompressedmeta.h"
#include "gstwalloccommon.h"

GST_DEBUG_CATEGORY_STATIC (compressedbase_debug);
#define GST_CAT_DEFAULT compressedbase_debug

G_DEFINE_ABSTRACT_TYPE_WITH_PRIVATE (GstCompressedBase, gst_compressed_base,
    GST_TYPE_ELEMENT);

#define parent_class gst_compressed_base_parent_class

GstCompressedBasePrivate *
gst_compressed_base_get_private (GstCompressedBase * self)
{
  return gst_compressed_base_get_instance_private (self);
}

static void
gst_compressed_base_finalize (GObject * object)
{
  GstCompressedBase *self = GST_COMPRESSED_BASE (object);
  GstCompressedBasePrivate *priv = gst_compressed_base_get_private (self);

  g_free (priv->model_file);
  g_free (priv->labels_file);
  gst_compressed_side_clear (&priv->side);
  g_mutex_clear (&priv->lock);

  G_OBJECT_CLASS (parent_class)->finalize (object);
}

gboolean
gst_compressed_base_is_due (GstCompressedBase * self, GstClockTime * next,
    GstClockTime time, GstClockTime duration)
{
  GstCompressedBasePrivate *priv = gst_compressed_base_get_private (self);
  GstClockTime interval;
  gboolean known;

  GST_OBJECT_LOCK (self);
  interval = priv->interval;
  GST_OBJECT_UNLOCK (self);
  if (!interval || !GST_CLOCK_TIME_IS_VALID (time))
    return TRUE;
  /* time stamps of frames are rounded: the nearest one will do */
  if (!GST_CLOCK_TIME_IS_VALID (duration))
    duration = 0;
  /* unless time went back a lot; an interval may be as long as there is time,
   * which twice of it would not fit into */
  known = GST_CLOCK_TIME_IS_VALID (*next)
      && (time >= *next || (*next - time) / 2 <= interval);
  if (known && time + duration / 2 < *next)
    return FALSE;
  if (known && time < *next + interval)
    *next += interval;
  else
    *next = time + interval;

  return TRUE;
}

gboolean
gst_compressed_base_has_side (GstCompressedBase * self)
{
  return
      gst_compressed_side_is_used (&gst_compressed_base_get_private
      (self)->side);
}

void
gst_compressed_base_push_side (GstCompressedBase * self, GstCaps * caps,
    GstBuffer * buffer)
{
  GstCompressedBasePrivate *priv = gst_compressed_base_get_private (self);

  gst_compressed_side_push (&priv->side, caps, buffer);
}

/* In the other thread. */
static void
gst_compressed_base_work (gpointer user, GstCompressedJob * job)
{
  GstCompressedBase *self = user;
  GstCompressedBasePrivate *priv = gst_compressed_base_get_private (self);
  GstFlowReturn flow = GST_FLOW_OK;

  if (job->buffer)
    flow = gst_compressed_base_analyse (self, job);
  /* who waits at the side pad is not to wait for what is left out */
  if (!job->wanted)
    gst_compressed_side_gap (&priv->side, job->timestamp, job->duration);
  if (flow == GST_FLOW_OK)
    return;
  g_mutex_lock (&priv->lock);
  priv->flow = flow;
  g_mutex_unlock (&priv->lock);
}

static GstFlowReturn
gst_compressed_base_get_flow (GstCompressedBasePrivate * priv)
{
  GstFlowReturn flow;

  g_mutex_lock (&priv->lock);
  flow = priv->flow;
  g_mutex_unlock (&priv->lock);
  if (flow != GST_FLOW_OK)
    return flow;
  /* of a branch only errors are of interest, as long as it is there */
  flow = gst_compressed_side_get_flow (&priv->side);

  return flow <= GST_FLOW_NOT_NEGOTIATED ? flow : GST_FLOW_OK;
}

/* What is to be done with @buffer. FALSE: nothing, as it is not due and no
 * other frame builds on it. */
static gboolean
gst_compressed_base_make_job (GstCompressedBase * self, GstBuffer * buffer,
    GstCompressedJob * job)
{
  GstCompressedBasePrivate *priv = gst_compressed_base_get_private (self);
  walloc_frame_info info;
  gboolean known = FALSE, built_on, sound;
  GstMapInfo map;

  memset (job, 0, sizeof (*job));
  job->buffer = buffer;
  job->timestamp = GST_BUFFER_PTS (buffer);
  job->duration = GST_BUFFER_DURATION (buffer);
  job->running_time = job->stream_time = GST_CLOCK_TIME_NONE;
  if (priv->segment.format == GST_FORMAT_TIME) {
    job->running_time = gst_segment_to_running_time (&priv->segment,
        GST_FORMAT_TIME, job->timestamp);
    job->stream_time = gst_segment_to_stream_time (&priv->segment,
        GST_FORMAT_TIME, job->timestamp);
  }
  job->discont = GST_BUFFER_FLAG_IS_SET (buffer, GST_BUFFER_FLAG_DISCONT);

  if (gst_buffer_map (buffer, &map, GST_MAP_READ)) {
    known = walloc_frame_parse (map.data, map.size, &info, NULL) == WALLOC_OK;
    gst_buffer_unmap (buffer, &map);
  }
  sound = known && info.media == WALLOC_MEDIA_AUDIO;
  job->alone = known && !sound && info.type == WALLOC_FRAME_KEY;
  job->keep = sound;
  built_on = !known || sound || info.type != WALLOC_FRAME_KEY
      || info.sequence != 0;
  /* of sound, windows are due and not frames */
  job->wanted = sound || gst_compressed_base_is_due (self, &priv->next,
      job->running_time, job->duration);

  return job->wanted || built_on;
}

static void
gst_compressed_base_skip (GstCompressedBase * self, guint frames)
{
  GstCompressedBasePrivate *priv = gst_compressed_base_get_private (self);

  GST_OBJECT_LOCK (self);
  priv->stats.skipped += frames;
  GST_OBJECT_UNLOCK (self);
}

/* Attaches what there is to @buffer, which is taken and given back. */
static GstBuffer *
gst_compressed_base_attach (GstCompressedBase * self, GstBuffer * buffer)
{
  GstCompressedBaseClass *klass = GST_COMPRESSED_BASE_GET_CLASS (self);
  GstCompressedBasePrivate *priv = gst_compressed_base_get_private (self);
  GstStructure *meta;

  for (;;) {
    g_mutex_lock (&priv->lock);
    meta = g_queue_pop_head (&priv->results);
    g_mutex_unlock (&priv->lock);
    if (!meta)
      return buffer;
    buffer = gst_buffer_make_writable (buffer);
    if (klass->attach)
      klass->attach (self, buffer, meta);
    else
      gst_compressed_meta_attach (buffer, klass->meta, meta);
    gst_structure_free (meta);
  }
}

static GstFlowReturn
gst_compressed_base_chain (GstPad * pad, GstObject * parent, GstBuffer * buffer)
{
  GstCompressedBase *self = GST_COMPRESSED_BASE (parent);
  GstCompressedBasePrivate *priv = gst_compressed_base_get_private (self);
  GstFlowReturn flow = GST_FLOW_OK;
  GstCompressedJob job;
  gboolean due = gst_compressed_base_make_job (self, buffer, &job);

  GST_OBJECT_LOCK (self);
  priv->stats.frames++;
  GST_OBJECT_UNLOCK (self);
  if (!job.wanted) {
    gst_compressed_base_skip (self, 1);
    if (!priv->worker)
      gst_compressed_side_gap (&priv->side, job.timestamp, job.duration);
    else if (!due && gst_compressed_base_has_side (self))
      gst_compressed_worker_gap (priv->worker, &job);
  }
  if (due && priv->worker)
    gst_compressed_base_skip (self, gst_compressed_worker_push (priv->worker,
            &job));
  else if (due)
    flow = gst_compressed_base_analyse (self, &job);
  if (flow == GST_FLOW_OK)
    flow = gst_compressed_base_get_flow (priv);
  if (flow != GST_FLOW_OK) {
    gst_buffer_unref (buffer);
    return flow;
  }

  return gst_pad_push (priv->srcpad, gst_compressed_base_attach (self, buffer));
}

static void
gst_compressed_base_clear_results (GstCompressedBasePrivate * priv)
{
  g_mutex_lock (&priv->lock);
  g_queue_clear_full (&priv->results, (GDestroyNotify) gst_structure_free);
  priv->flow = GST_FLOW_OK;
  g_mutex_unlock (&priv->lock);
}

/* As in front of the first frame. Nothing is being analysed. */
static void
gst_compressed_base_reset (GstCompressedBase * self)
{
  GstCompressedBasePrivate *priv = gst_compressed_base_get_private (self);

  gst_compressed_base_forget (self);
  gst_compressed_base_clear_results (priv);
  priv->next = GST_CLOCK_TIME_NONE;
}

static gboolean
gst_compressed_base_sink_event (GstPad * pad, GstObject * parent,
    GstEvent * event)
{
  GstCompressedBase *self = GST_COMPRESSED_BASE (parent);
  GstCompressedBasePrivate *priv = gst_compressed_base_get_private (self);

  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_FLUSH_START:
      if (priv->worker)
        gst_compressed_worker_flush (priv->worker, TRUE);
      break;
    case GST_EVENT_FLUSH_STOP:
      if (priv->worker)
        gst_compressed_worker_flush (priv->worker, FALSE);
      gst_compressed_base_reset (self);
      gst_segment_init (&priv->segment, GST_FORMAT_UNDEFINED);
      break;
    case GST_EVENT_STREAM_START:
    case GST_EVENT_SEGMENT:
    case GST_EVENT_EOS:
      if (priv->worker)
        gst_compressed_worker_drain (priv->worker);
      if (GST_EVENT_TYPE (event) == GST_EVENT_EOS)
        gst_compressed_base_finish (self);
      else if (GST_EVENT_TYPE (event) == GST_EVENT_STREAM_START)
        gst_compressed_base_reset (self);
      else
        gst_event_copy_segment (event, &priv->segment);
      break;
    default:
      break;
  }
  gst_compressed_side_event (&priv->side, event);

  return gst_pad_event_default (pad, parent, event);
}

/* Events and queries go from sink to src and back; the side pad is none of
 * their business, but for what comes up from it. */
static GstIterator *
gst_compressed_base_iterate_links (GstPad * pad, GstObject * parent)
{
  GstCompressedBasePrivate *priv =
      gst_compressed_base_get_private (GST_COMPRESSED_BASE (parent));
  GstPad *other = pad == priv->sinkpad ? priv->srcpad : priv->sinkpad;
  GstIterator *iterator;
  GValue value = G_VALUE_INIT;

  g_value_init (&value, GST_TYPE_PAD);
  g_value_set_object (&value, other);
  iterator = gst_iterator_new_single (GST_TYPE_PAD, &value);
  g_value_unset (&value);

  return iterator;
}

static gboolean
gst_compressed_base_side_event (GstPad * pad, GstObject * parent,
    GstEvent * event)
{
  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_QOS:
    case GST_EVENT_RECONFIGURE:
      /* of another stream than the one that passes through */
      gst_event_unref (event);
      return TRUE;
    default:
      return gst_pad_event_default (pad, parent, event);
  }
}

static GstPad *
gst_compressed_base_request_pad (GstElement * element, GstPadTemplate * templ,
    const gchar * name, const GstCaps * caps)
{
  GstCompressedBase *self = GST_COMPRESSED_BASE (element);
  GstCompressedBaseClass *klass = GST_COMPRESSED_BASE_GET_CLASS (self);
  GstCompressedBasePrivate *priv = gst_compressed_base_get_private (self);
  gboolean taken;
  GstPad *pad;

  g_mutex_lock (&priv->side.lock);
  taken = priv->side.pad != NULL;
  g_mutex_unlock (&priv->side.lock);
  if (taken || !klass->side)
    return NULL;
  pad = gst_pad_new_from_template (templ, klass->side);
  gst_pad_set_event_function (pad,
      GST_DEBUG_FUNCPTR (gst_compressed_base_side_event));
  gst_pad_set_iterate_internal_links_function (pad,
      GST_DEBUG_FUNCPTR (gst_compressed_base_iterate_links));
  gst_pad_use_fixed_caps (pad);
  gst_pad_set_active (pad, TRUE);
  gst_element_add_pad (element, pad);
  /* last: what is pushed before that would be lost, stream-start too */
  gst_compressed_side_set_pad (&priv->side, pad);

  return pad;
}

static void
gst_compressed_base_release_pad (GstElement * element, GstPad * pad)
{
  GstCompressedBasePrivate *priv =
      gst_compressed_base_get_private (GST_COMPRESSED_BASE (element));

  gst_compressed_side_set_pad (&priv->side, NULL);
  gst_pad_set_active (pad, FALSE);
  gst_element_remove_pad (element, pad);
}

/* FALSE: an error was posted. Only what was asked for is opened here, so that
 * the element starts without any property set. */
static gboolean
gst_compressed_base_start (GstCompressedBase * self)
{
  GstCompressedBasePrivate *priv = gst_compressed_base_get_private (self);
  gboolean open, leaky;
  guint threads;

  GST_OBJECT_LOCK (self);
  memset (&priv->stats, 0, sizeof (priv->stats));
  priv->instances = 0;
  open = priv->model_file != NULL;
  leaky = priv->leaky;
  threads = priv->threads;
  priv->changed = TRUE;
  GST_OBJECT_UNLOCK (self);

  gst_compressed_reader_start (&priv->reader, threads);
  gst_compressed_reader_set_channels (&priv->reader, 0);
  gst_segment_init (&priv->segment, GST_FORMAT_UNDEFINED);
  gst_compressed_side_reset (&priv->side);
  priv->last_warning = 0;
  priv->failures = 0;
  gst_compressed_base_reset (self);
  if (open && !gst_compressed_base_open (self)) {
    gst_compressed_reader_stop (&priv->reader);
    return FALSE;
  }
  if (leaky)
    priv->worker = gst_compressed_worker_new (gst_compressed_base_work, self);

  return TRUE;
}

static void
gst_compressed_base_stop (GstCompressedBase * self)
{
  GstCompressedBasePrivate *priv = gst_compressed_base_get_private (self);

  gst_compressed_worker_free (priv->worker);
  priv->worker = NULL;
  gst_compressed_base_clear_results (priv);
  gst_compressed_base_close (self);
  gst_compressed_reader_stop (&priv->reader);
}

static GstStateChangeReturn
gst_compressed_base_change_state (GstElement * element,
    GstStateChange transition)
{
  GstCompressedBase *self = GST_COMPRESSED_BASE (element);
  GstCompressedBasePrivate *priv = gst_compressed_base_get_private (self);
  GstStateChangeReturn ret;

  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED
      && !gst_compressed_base_start (self))
    return GST_STATE_CHANGE_FAILURE;
  /* whoever waits for the other thread must not wait any more */
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY && priv->worker)
    gst_compressed_worker_flush (priv->worker, TRUE);

  ret = GST_ELEMENT_CLASS (parent_class)->change_state (element, transition);

  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY
      || (transition == GST_STATE_CHANGE_READY_TO_PAUSED
          && ret == GST_STATE_CHANGE_FAILURE))
    gst_compressed_base_stop (self);

  return ret;
}

static GstPad *
gst_compressed_base_add_pad (GstCompressedBase * self, const gchar * name)
{
  GstPadTemplate *templ =
      gst_element_class_get_pad_template (GST_ELEMENT_GET_CLASS (self), name);
  GstPad *pad = gst_pad_new_from_template (templ, name);

  gst_pad_set_iterate_internal_links_function (pad,
      GST_DEBUG_FUNCPTR (gst_compressed_base_iterate_links));
  GST_PAD_SET_PROXY_CAPS (pad);
  gst_element_add_pad (GST_ELEMENT (self), pad);

  return pad;
}

/* Pads need the subclass's templates, which are known behind its class_init
 * only: what is common is set up here. */
static void
gst_compressed_base_constructed (GObject * object)
{
  GstCompressedBase *self = GST_COMPRESSED_BASE (object);
  GstCompressedBasePrivate *priv = gst_compressed_base_get_private (self);

  G_OBJECT_CLASS (parent_class)->constructed (object);
  priv->sinkpad = gst_compressed_base_add_pad (self, "sink");
  gst_pad_set_chain_function (priv->sinkpad,
      GST_DEBUG_FUNCPTR (gst_compressed_base_chain));
  gst_pad_set_event_function (priv->sinkpad,
      GST_DEBUG_FUNCPTR (gst_compressed_base_sink_event));
  GST_PAD_SET_PROXY_SCHEDULING (priv->sinkpad);
  priv->srcpad = gst_compressed_base_add_pad (self, "src");
  gst_compressed_reader_init (&priv->reader, GST_ELEMENT (self), priv->sinkpad);
}

static void
gst_compressed_base_class_init (GstCompressedBaseClass * klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);

  GST_DEBUG_CATEGORY_INIT (compressedbase_debug, "compressedbase", 0,
      "Networks on compressed streams");

  gst_compressed_base_install_properties (object_class);
  object_class->constructed = gst_compressed_base_constructed;
  object_class->finalize = gst_compressed_base_finalize;

  element_class->change_state =
      GST_DEBUG_FUNCPTR (gst_compressed_base_change_state);
  element_class->request_new_pad =
      GST_DEBUG_FUNCPTR (gst_compressed_base_request_pad);
  element_class->release_pad =
      GST_DEBUG_FUNCPTR (gst_compressed_base_release_pad);
  gst_type_mark_as_plugin_api (GST_TYPE_COMPRESSED_BASE, 0);
}

static void
gst_compressed_base_init (GstCompressedBase * self)
{
  GstCompressedBasePrivate *priv = gst_compressed_base_get_private (self);

  gst_compressed_base_init_properties (priv);
  priv->next = priv->next_window = GST_CLOCK_TIME_NONE;
  g_mutex_init (&priv->lock);
  g_queue_init (&priv->results);
  gst_compressed_side_init (&priv->side);
  gst_segment_init (&priv->segment, GST_FORMAT_UNDEFINED);
}
