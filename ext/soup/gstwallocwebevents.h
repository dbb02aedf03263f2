/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Results as JSON, and the last of them for clients that come back. */
#ifndef __GST_WALLOC_WEB_EVENTS_H__
#define __GST_WALLOC_WEB_EVENTS_H__

#include <gst/gst.h>

G_BEGIN_DECLS

/* data of one event, and its name, bytes at most */
#define GST_WALLOC_WEB_MAX_EVENT (256 * 1024)
#define GST_WALLOC_WEB_MAX_NAME 64

/* Fields of a result as one line of JSON; a mask, if there is one, run-length
 * coded (docs/web.md). NULL when it is too long. */
gchar *   gst_walloc_web_events_json    (const GstStructure * result);

/* @json as one line, if it is JSON and not too long; else NULL. */
gchar *   gst_walloc_web_events_check   (const gchar * json);

/* Letters, digits, dashes, dots and underscores. */
gboolean  gst_walloc_web_events_is_name (const gchar * name);

typedef struct
{
  guint64 number;               /* counts from 1 on */
  GBytes *sse;                  /* as a server-sent event */
  GBytes *message;              /* as a message of a WebSocket */
} GstWallocWebEvent;

/* A bounded list. */
typedef struct
{
  guint64 epoch;                /* numbers of another start mean nothing */
  guint64 last;
  GQueue events;                /* of GstWallocWebEvent */
  gsize bytes;
} GstWallocWebEvents;

void      gst_walloc_web_events_init    (GstWallocWebEvents * events);

void      gst_walloc_web_events_clear   (GstWallocWebEvents * events);

/* Returns the event, which the list owns. @json: one line. */
const GstWallocWebEvent *
          gst_walloc_web_events_add     (GstWallocWebEvents * events,
                                         const gchar * name,
                                         const gchar * json);

/* The first event after the one that a client had last ("Last-Event-ID"; NULL:
 * it comes for the first time); NULL when there is none. */
GList *   gst_walloc_web_events_since   (GstWallocWebEvents * events,
                                         const gchar * last_id);

G_END_DECLS

#endif /* __GST_WALLOC_WEB_EVENTS_H__ */
