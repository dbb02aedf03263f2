/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstcompressedside.h"

void
gst_compressed_side_init (GstCompressedSide * side)
{
  memset (side, 0, sizeof (*side));
  g_mutex_init (&side->lock);
  g_weak_ref_init (&side->peer, NULL);
  gst_segment_init (&side->segment, GST_FORMAT_TIME);
}

void
gst_compressed_side_clear (GstCompressedSide * side)
{
  gst_clear_caps (&side->caps);
  gst_clear_object (&side->pad);
  g_weak_ref_clear (&side->peer);
  g_mutex_clear (&side->lock);
}

void
gst_compressed_side_reset (GstCompressedSide * side)
{
  g_mutex_lock (&side->lock);
  side->started = FALSE;
  side->segment_sent = FALSE;
  gst_clear_caps (&side->caps);
  gst_segment_init (&side->segment, GST_FORMAT_TIME);
  side->flow = GST_FLOW_OK;
  g_mutex_unlock (&side->lock);
}

void
gst_compressed_side_set_pad (GstCompressedSide * side, GstPad * pad)
{
  g_mutex_lock (&side->lock);
  gst_clear_object (&side->pad);
  if (pad)
    side->pad = gst_object_ref (pad);
  side->started = FALSE;
  side->segment_sent = FALSE;
  gst_clear_caps (&side->caps);
  /* what the last pad's branch said is no concern of the next */
  side->flow = GST_FLOW_OK;
  g_mutex_unlock (&side->lock);
}

/* A reference, as the pad may be released at any time. */
static GstPad *
get_pad (GstCompressedSide * side)
{
  GstPad *pad = NULL;

  g_mutex_lock (&side->lock);
  if (side->pad)
    pad = gst_object_ref (side->pad);
  g_mutex_unlock (&side->lock);

  return pad;
}

gboolean
gst_compressed_side_is_used (GstCompressedSide * side)
{
  gboolean used;

  g_mutex_lock (&side->lock);
  used = side->pad && gst_pad_is_linked (side->pad);
  g_mutex_unlock (&side->lock);

  return used;
}

static void
push_stream_start (GstPad * pad)
{
  GstElement *element = gst_pad_get_parent_element (pad);
  gchar *id;

  if (!element)
    return;
  id = gst_pad_create_stream_id (pad, element, GST_PAD_NAME (pad));
  gst_pad_push_event (pad, gst_event_new_stream_start (id));
  g_free (id);
  gst_object_unref (element);
}

/* What must be in front of a buffer or gap. @caps: NULL: those that were.
 * FALSE: there is no segment yet, as there are no caps. */
static gboolean
push_events (GstCompressedSide * side, GstPad * pad, GstCaps * caps)
{
  gboolean start, segment, new_caps, ready;
  GstSegment current;

  g_mutex_lock (&side->lock);
  start = !side->started;
  new_caps = caps && (!side->caps || !gst_caps_is_equal (caps, side->caps));
  segment = !side->segment_sent && (caps || side->caps);
  side->started = TRUE;
  if (new_caps)
    gst_caps_replace (&side->caps, caps);
  if (segment)
    side->segment_sent = TRUE;
  ready = side->segment_sent;
  current = side->segment;
  g_mutex_unlock (&side->lock);

  if (start)
    push_stream_start (pad);
  if (new_caps)
    gst_pad_push_event (pad, gst_event_new_caps (caps));
  if (segment)
    gst_pad_push_event (pad, gst_event_new_segment (&current));

  return ready;
}

GstFlowReturn
gst_compressed_side_push (GstCompressedSide * side, GstCaps * caps,
    GstBuffer * buffer)
{
  GstPad *pad = get_pad (side), *peer;
  GstFlowReturn flow;

  if (!pad) {
    gst_buffer_unref (buffer);
    return GST_FLOW_NOT_LINKED;
  }
  peer = gst_pad_get_peer (pad);
  push_events (side, pad, caps);
  flow = gst_pad_push (pad, buffer);
  g_mutex_lock (&side->lock);
  /* it may have been released meanwhile */
  if (side->pad == pad) {
    side->flow = flow;
    g_weak_ref_set (&side->peer, peer);
  }
  g_mutex_unlock (&side->lock);
  gst_clear_object (&peer);
  gst_object_unref (pad);

  return flow;
}

GstFlowReturn
gst_compressed_side_get_flow (GstCompressedSide * side)
{
  GstFlowReturn flow = GST_FLOW_OK;
  GstPad *peer = NULL, *said;

  said = g_weak_ref_get (&side->peer);
  g_mutex_lock (&side->lock);
  if (side->pad)
    peer = gst_pad_get_peer (side->pad);
  /* what one branch said is no concern of another in its place */
  if (peer && peer == said)
    flow = side->flow;
  g_mutex_unlock (&side->lock);
  gst_clear_object (&peer);
  gst_clear_object (&said);

  return flow;
}

void
gst_compressed_side_gap (GstCompressedSide * side, GstClockTime timestamp,
    GstClockTime duration)
{
  GstPad *pad = get_pad (side);

  if (!pad)
    return;
  /* a gap needs a segment in front of it, which needs caps */
  if (push_events (side, pad, NULL) && GST_CLOCK_TIME_IS_VALID (timestamp))
    gst_pad_push_event (pad, gst_event_new_gap (timestamp, duration));
  gst_object_unref (pad);
}

void
gst_compressed_side_event (GstCompressedSide * side, GstEvent * event)
{
  GstPad *pad = get_pad (side);

  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_STREAM_START:
    case GST_EVENT_SEGMENT:
      g_mutex_lock (&side->lock);
      if (GST_EVENT_TYPE (event) == GST_EVENT_SEGMENT)
        gst_event_copy_segment (event, &side->segment);
      else
        side->started = FALSE;
      side->segment_sent = FALSE;
      g_mutex_unlock (&side->lock);
      break;
    case GST_EVENT_EOS:
      if (pad) {
        /* a stream of which nothing came still begins before it ends */
        push_events (side, pad, NULL);
        gst_pad_push_event (pad, gst_event_ref (event));
      }
      break;
    case GST_EVENT_FLUSH_STOP:
      g_mutex_lock (&side->lock);
      side->segment_sent = FALSE;
      side->flow = GST_FLOW_OK;
      g_mutex_unlock (&side->lock);
      if (pad)
        gst_pad_push_event (pad, gst_event_ref (event));
      break;
    case GST_EVENT_FLUSH_START:
      if (pad)
        gst_pad_push_event (pad, gst_event_ref (event));
      break;
    default:
      break;
  }
  gst_clear_object (&pad);
}
