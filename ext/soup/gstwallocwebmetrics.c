/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <string.h>

#include "gstwallocwebmetrics.h"

#define PREFIX "walloc_web_"

typedef struct
{
  const gchar *field;           /* of the structure */
  const gchar *name;            /* of the metric, without prefix */
  const gchar *help;
} Description;

static const Description counters[GST_WALLOC_WEB_COUNTERS] = {
  {"frames-in", "frames_in_total", "Frames of the stream"},
  {"bytes-in", "bytes_in_total", "Bytes of the stream"},
  {"unknown", "unknown_total", "Buffers that are not frames"},
  {"overrun", "overrun_total",
      "Frames left out because the network thread had no time"},
  {"frames-out", "frames_out_total", "Frames given to clients"},
  {"bytes-out", "bytes_out_total", "Bytes written to clients"},
  {"thinned", "frames_thinned_total",
      "Frames given to clients with fewer layers"},
  {"left-out", "frames_left_out_total", "Frames that a client did not get"},
  {"events", "events_total", "Results told to clients"},
  {"connections", "connections_total", "Connections accepted"},
  {"requests", "requests_total", "Requests read"},
  {"clients-added", "clients_added_total", "Clients that began to listen"},
  {"dropped", "clients_dropped_total", "Clients closed because too slow"},
  {"rejected", "connections_rejected_total", "Connections beyond a limit"},
  {"denied", "requests_denied_total", "Requests without right to ask"},
  {"bad", "requests_bad_total", "Malformed requests and messages"},
  {"timed-out", "connections_timed_out_total",
      "Connections closed because nothing came or went"},
  {"key-requests", "key_requests_total", "Key frames asked for upstream"},
};

static const Description gauges[GST_WALLOC_WEB_GAUGES] = {
  {"stream-clients", "clients", "stream"},
  {"socket-clients", "clients", "websocket"},
  {"event-clients", "clients", "events"},
  {"open", "connections_open", "Connections open now"},
  {"queued", "queued_bytes", "Bytes that wait for clients"},
  {"kbps", "stream_kbps", "Rate of the stream over the last seconds"},
};

void
gst_walloc_web_metrics_init (GstWallocWebMetrics * self)
{
  memset (self, 0, sizeof (*self));
  g_mutex_init (&self->lock);
  self->start = g_get_monotonic_time ();
}

/* All at 0, from now on. */
void
gst_walloc_web_metrics_reset (GstWallocWebMetrics * self)
{
  g_mutex_lock (&self->lock);
  memset (self->counter, 0, sizeof (self->counter));
  memset (self->gauge, 0, sizeof (self->gauge));
  self->start = g_get_monotonic_time ();
  g_mutex_unlock (&self->lock);
}

void
gst_walloc_web_metrics_clear (GstWallocWebMetrics * self)
{
  g_mutex_clear (&self->lock);
}

void
gst_walloc_web_metrics_count (GstWallocWebMetrics * self,
    GstWallocWebCounter counter, guint64 n)
{
  g_mutex_lock (&self->lock);
  self->counter[counter] += n;
  g_mutex_unlock (&self->lock);
}

void
gst_walloc_web_metrics_set (GstWallocWebMetrics * self,
    GstWallocWebGauge gauge, guint64 value)
{
  g_mutex_lock (&self->lock);
  self->gauge[gauge] = value;
  g_mutex_unlock (&self->lock);
}

guint64
gst_walloc_web_metrics_get (GstWallocWebMetrics * self,
    GstWallocWebCounter counter)
{
  guint64 value;

  g_mutex_lock (&self->lock);
  value = self->counter[counter];
  g_mutex_unlock (&self->lock);

  return value;
}

GstStructure *
gst_walloc_web_metrics_stats (GstWallocWebMetrics * self)
{
  GstStructure *s = gst_structure_new_empty
      ("application/x-wallocwebsink-stats");
  guint64 clients;
  guint i;

  g_mutex_lock (&self->lock);
  for (i = 0; i < GST_WALLOC_WEB_COUNTERS; i++)
    gst_structure_set (s, counters[i].field, G_TYPE_UINT64, self->counter[i],
        NULL);
  for (i = 0; i < GST_WALLOC_WEB_GAUGES; i++)
    gst_structure_set (s, gauges[i].field, G_TYPE_UINT64, self->gauge[i], NULL);
  clients = self->gauge[GST_WALLOC_WEB_STREAM_CLIENTS] +
      self->gauge[GST_WALLOC_WEB_SOCKET_CLIENTS] +
      self->gauge[GST_WALLOC_WEB_EVENT_CLIENTS];
  g_mutex_unlock (&self->lock);
  gst_structure_set (s, "clients", G_TYPE_UINT64, clients, NULL);

  return s;
}

static void
describe (GString * text, const gchar * name, const gchar * help,
    const gchar * type)
{
  g_string_append_printf (text, "# HELP " PREFIX "%s %s.\n# TYPE " PREFIX
      "%s %s\n", name, help, name, type);
}

gchar *
gst_walloc_web_metrics_text (GstWallocWebMetrics * self, const gchar * stream)
{
  GString *text = g_string_new (NULL);
  guint64 counter[GST_WALLOC_WEB_COUNTERS], gauge[GST_WALLOC_WEB_GAUGES];
  gchar uptime[G_ASCII_DTOSTR_BUF_SIZE];
  guint i;

  g_mutex_lock (&self->lock);
  memcpy (counter, self->counter, sizeof (counter));
  memcpy (gauge, self->gauge, sizeof (gauge));
  g_mutex_unlock (&self->lock);

  for (i = 0; i < GST_WALLOC_WEB_COUNTERS; i++) {
    describe (text, counters[i].name, counters[i].help, "counter");
    g_string_append_printf (text, PREFIX "%s %" G_GUINT64_FORMAT "\n",
        counters[i].name, counter[i]);
  }
  describe (text, "clients", "Clients that listen now", "gauge");
  for (i = 0; i <= GST_WALLOC_WEB_EVENT_CLIENTS; i++)
    g_string_append_printf (text, PREFIX "clients{kind=\"%s\"} %"
        G_GUINT64_FORMAT "\n", gauges[i].help, gauge[i]);
  for (; i < GST_WALLOC_WEB_KBPS; i++) {
    describe (text, gauges[i].name, gauges[i].help, "gauge");
    g_string_append_printf (text, PREFIX "%s %" G_GUINT64_FORMAT "\n",
        gauges[i].name, gauge[i]);
  }
  if (stream) {
    describe (text, gauges[i].name, gauges[i].help, "gauge");
    g_string_append_printf (text, PREFIX "%s{stream=\"%s\"} %"
        G_GUINT64_FORMAT "\n", gauges[i].name, stream, gauge[i]);
  }
  describe (text, "uptime_seconds", "Seconds since the server was started",
      "gauge");
  /* with a point in every locale */
  g_ascii_formatd (uptime, sizeof (uptime), "%.3f",
      (g_get_monotonic_time () - self->start) / 1e6);
  g_string_append_printf (text, PREFIX "uptime_seconds %s\n", uptime);

  return g_string_free (text, FALSE);
}
