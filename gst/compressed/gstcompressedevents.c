/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstcompressedevents.h"

gboolean
gst_compressed_events_hold (GstCompressedEvents * self, GstEvent * event)
{
  if (self->open || !GST_EVENT_IS_SERIALIZED (event))
    return FALSE;
  switch (GST_EVENT_TYPE (event)) {
    case GST_EVENT_STREAM_START:
    case GST_EVENT_CAPS:
    case GST_EVENT_EOS:
    case GST_EVENT_FLUSH_STOP:
      return FALSE;
    default:
      break;
  }
  /* a gap in front of everything is of no use to anybody */
  if (GST_EVENT_IS_STICKY (event))
    self->held = g_list_prepend (self->held, event);
  else
    gst_event_unref (event);
  return TRUE;
}

void
gst_compressed_events_open (GstCompressedEvents * self, GstPad * pad)
{
  GList *l;

  if (self->open)
    return;
  self->open = TRUE;
  self->held = g_list_reverse (self->held);
  for (l = self->held; l; l = l->next)
    gst_pad_push_event (pad, l->data);
  g_list_free (self->held);
  self->held = NULL;
}

void
gst_compressed_events_clear (GstCompressedEvents * self)
{
  g_list_free_full (self->held, (GDestroyNotify) gst_event_unref);
  self->held = NULL;
  self->open = FALSE;
}
