/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstcompressedevents.h"

/* Whether a pad that keeps @event forgets @old, as it does with sticky ones. */
static gboolean
replaces (GstEvent * event, GstEvent * old)
{
  const GstStructure *s = gst_event_get_structure (event);

  if (GST_EVENT_TYPE (event) != GST_EVENT_TYPE (old))
    return FALSE;
  return !(GST_EVENT_TYPE (event) & GST_EVENT_TYPE_STICKY_MULTI) || (s
      && gst_event_has_name (old, gst_structure_get_name (s)));
}

/* Takes @event. A pad to which nobody is linked may stay so for long, so that
 * what is of no use any more must not pile up. */
static void
keep (GstCompressedEvents * self, GstEvent * event)
{
  GList *l;

  for (l = self->held; l; l = l->next)
    if (replaces (event, l->data)) {
      gst_event_unref (l->data);
      self->held = g_list_delete_link (self->held, l);
      break;
    }
  self->held = g_list_prepend (self->held, event);
}

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
    keep (self, event);
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
