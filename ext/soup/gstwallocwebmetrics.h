/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Counters of wallocwebsink, for "stats" and /metrics. Any thread may count. */
#ifndef __GST_WALLOC_WEB_METRICS_H__
#define __GST_WALLOC_WEB_METRICS_H__

#include <gst/gst.h>

G_BEGIN_DECLS

typedef enum
{
  GST_WALLOC_WEB_FRAMES_IN,     /* frames of the stream */
  GST_WALLOC_WEB_BYTES_IN,
  GST_WALLOC_WEB_UNKNOWN,       /* buffers that are no frames */
  GST_WALLOC_WEB_OVERRUN,       /* frames that the network thread was too late for */
  GST_WALLOC_WEB_FRAMES_OUT,    /* frames given to clients */
  GST_WALLOC_WEB_BYTES_OUT,     /* bytes written to clients of all kinds */
  GST_WALLOC_WEB_THINNED,       /* of these frames, with fewer layers */
  GST_WALLOC_WEB_LEFT_OUT,      /* frames that a client did not get */
  GST_WALLOC_WEB_EVENTS,        /* results that were told */
  GST_WALLOC_WEB_CONNECTIONS,   /* accepted, ever */
  GST_WALLOC_WEB_REQUESTS,
  GST_WALLOC_WEB_CLIENTS_ADDED, /* of streams, sockets and events, ever */
  GST_WALLOC_WEB_DROPPED,       /* clients closed as too slow */
  GST_WALLOC_WEB_REJECTED,      /* connections beyond a limit */
  GST_WALLOC_WEB_DENIED,        /* wrong token, origin or host */
  GST_WALLOC_WEB_BAD,           /* malformed requests and messages */
  GST_WALLOC_WEB_TIMED_OUT,     /* connections closed for their slowness */
  GST_WALLOC_WEB_KEY_REQUESTS,  /* key frames asked for upstream */
  GST_WALLOC_WEB_COUNTERS
} GstWallocWebCounter;

typedef enum
{
  GST_WALLOC_WEB_STREAM_CLIENTS,
  GST_WALLOC_WEB_SOCKET_CLIENTS,
  GST_WALLOC_WEB_EVENT_CLIENTS,
  GST_WALLOC_WEB_OPEN,          /* connections, of whatever kind */
  GST_WALLOC_WEB_QUEUED,        /* bytes in all clients' queues */
  GST_WALLOC_WEB_KBPS,          /* of the stream, over the last seconds */
  GST_WALLOC_WEB_GAUGES
} GstWallocWebGauge;

typedef struct
{
  GMutex lock;
  guint64 counter[GST_WALLOC_WEB_COUNTERS];
  guint64 gauge[GST_WALLOC_WEB_GAUGES];
  gint64 start;                 /* monotonic, us */
} GstWallocWebMetrics;

void      gst_walloc_web_metrics_init   (GstWallocWebMetrics * metrics);

void      gst_walloc_web_metrics_reset  (GstWallocWebMetrics * metrics);

void      gst_walloc_web_metrics_clear  (GstWallocWebMetrics * metrics);

void      gst_walloc_web_metrics_count  (GstWallocWebMetrics * metrics,
                                         GstWallocWebCounter counter,
                                         guint64 n);

void      gst_walloc_web_metrics_set    (GstWallocWebMetrics * metrics,
                                         GstWallocWebGauge gauge,
                                         guint64 value);

guint64   gst_walloc_web_metrics_get    (GstWallocWebMetrics * metrics,
                                         GstWallocWebCounter counter);

/* structure application/x-wallocwebsink-stats */
GstStructure *
          gst_walloc_web_metrics_stats  (GstWallocWebMetrics * metrics);

/* Prometheus text exposition format 0.0.4; @stream: the label of the stream,
 * or NULL while there is none */
gchar *   gst_walloc_web_metrics_text   (GstWallocWebMetrics * metrics,
                                         const gchar * stream);

G_END_DECLS

#endif /* __GST_WALLOC_WEB_METRICS_H__ */
