/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib-unix.h>
#include <signal.h>
#include <string.h>

#include "notify.h"
#include "runner.h"

/* Pauses between attempts double up to this; a pipeline that has run for as
 * long begins with the shortest again. */
#define LONGEST_PAUSE 30
/* What EOS may take on its way through. */
#define END_SECONDS 3

typedef struct
{
  const SensorJob *job;
  gpointer data;
  GMainLoop *loop;
  GstElement *pipeline;
  guint pause;
  gint64 started, reported;
  guint64 buffers, bytes;       /* under the lock of Runner */
  gint64 last;
  GMutex lock;
  gboolean ready, ending;
  guint again, watch;
  gint status;
} Runner;

static gboolean start (gpointer runner);

static GstPadProbeReturn
passed (GstPad * pad, GstPadProbeInfo * info, gpointer runner)
{
  Runner *r = runner;
  GstBufferList *list = GST_PAD_PROBE_INFO_BUFFER_LIST (info);

  g_mutex_lock (&r->lock);
  r->last = g_get_monotonic_time ();
  if (GST_PAD_PROBE_INFO_TYPE (info) & GST_PAD_PROBE_TYPE_BUFFER_LIST) {
    r->buffers += gst_buffer_list_length (list);
    r->bytes += gst_buffer_list_calculate_size (list);
  } else {
    r->buffers++;
    r->bytes += gst_buffer_get_size (GST_PAD_PROBE_INFO_BUFFER (info));
  }
  g_mutex_unlock (&r->lock);

  return GST_PAD_PROBE_OK;
}

static void
drop_pipeline (Runner * r)
{
  if (!r->pipeline)
    return;
  if (r->watch)
    g_source_remove (r->watch);
  r->watch = 0;
  gst_element_set_state (r->pipeline, GST_STATE_NULL);
  gst_clear_object (&r->pipeline);
}

/* Makes the pipeline again after a pause that grows, and differs from machine to
 * machine: a thousand nodes shall not all come back in the same moment. */
static void
start_again (Runner * r, const gchar * why)
{
  gint64 ran = g_get_monotonic_time () - r->started;
  guint milliseconds;

  drop_pipeline (r);
  if (r->ending) {
    g_main_loop_quit (r->loop);
    return;
  }
  if (r->again)
    return;
  if (ran > LONGEST_PAUSE * G_USEC_PER_SEC)
    r->pause = 1;
  milliseconds = r->pause * (guint) g_random_int_range (500, 1000);
  r->pause = MIN (2 * r->pause, LONGEST_PAUSE);
  g_printerr ("again in %.1f s\n", milliseconds / 1000.0);
  sensor_notify ("STATUS=%s", why);
  r->again = g_timeout_add (milliseconds, start, r);
}

static gboolean
on_message (GstBus * bus, GstMessage * message, gpointer runner)
{
  Runner *r = runner;
  GError *error = NULL;
  gchar *debug = NULL, *more;

  switch (GST_MESSAGE_TYPE (message)) {
    case GST_MESSAGE_ERROR:
      gst_message_parse_error (message, &error, &debug);
      /* behind the place in the source that found it, some say more */
      more = debug ? strchr (debug, '\n') : NULL;
      g_printerr ("%s: %s%s\n", GST_OBJECT_NAME (message->src),
          error->message, more ? more : "");
      /* this watch goes with the pipeline */
      r->watch = 0;
      start_again (r, error->message);
      g_clear_error (&error);
      g_free (debug);
      return G_SOURCE_REMOVE;
    case GST_MESSAGE_WARNING:
      gst_message_parse_warning (message, &error, &debug);
      g_printerr ("%s: %s\n", GST_OBJECT_NAME (message->src), error->message);
      g_clear_error (&error);
      g_free (debug);
      break;
    case GST_MESSAGE_EOS:
      r->ending = TRUE;
      g_main_loop_quit (r->loop);
      break;
    case GST_MESSAGE_LATENCY:
      gst_bin_recalculate_latency (GST_BIN (r->pipeline));
      break;
    default:
      break;
  }

  return G_SOURCE_CONTINUE;
}

static gboolean
start (gpointer runner)
{
  Runner *r = runner;
  gchar *launch = r->job->describe (r->data);
  GError *error = NULL;
  GstElement *out = NULL;
  GstPad *pad;
  GstBus *bus;

  r->again = 0;
  r->started = r->last = g_get_monotonic_time ();
  r->pipeline = gst_parse_launch_full (launch, NULL,
      GST_PARSE_FLAG_FATAL_ERRORS, &error);
  if (r->pipeline && !GST_IS_BIN (r->pipeline))
    gst_clear_object (&r->pipeline);
  if (r->pipeline)
    out = gst_bin_get_by_name (GST_BIN (r->pipeline), "out");
  if (!out) {
    /* more attempts would end the same way */
    g_printerr ("%s\nis no pipeline here: %s\n", launch,
        error ? error->message : "no element named out");
    g_clear_error (&error);
    g_free (launch);
    drop_pipeline (r);
    r->status = 1;
    g_main_loop_quit (r->loop);
    return G_SOURCE_REMOVE;
  }
  g_free (launch);
  pad = gst_element_get_static_pad (out, "sink");
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER |
      GST_PAD_PROBE_TYPE_BUFFER_LIST, passed, r, NULL);
  gst_object_unref (pad);
  gst_object_unref (out);
  if (r->job->made)
    r->job->made (r->pipeline, r->data);
  bus = gst_element_get_bus (r->pipeline);
  r->watch = gst_bus_add_watch (bus, on_message, r);
  gst_object_unref (bus);
  /* a failure comes as a message, too */
  gst_element_set_state (r->pipeline, GST_STATE_PLAYING);

  return G_SOURCE_REMOVE;
}

static gboolean
each_second (gpointer runner)
{
  Runner *r = runner;
  gint64 now = g_get_monotonic_time (), last;
  guint64 buffers, bytes;
  gboolean due = r->job->report_seconds
      && now - r->reported >= r->job->report_seconds * G_USEC_PER_SEC;

  g_mutex_lock (&r->lock);
  last = r->last;
  buffers = r->buffers;
  bytes = r->bytes;
  if (due)
    r->buffers = r->bytes = 0;
  g_mutex_unlock (&r->lock);

  /* started, whether the other side is there or not: it may come later */
  if (!r->ready && r->pipeline) {
    sensor_notify ("READY=1");
    r->ready = TRUE;
  }
  sensor_notify ("WATCHDOG=1");
  if (due && r->job->report && r->pipeline)
    r->job->report (r->pipeline, buffers, bytes,
        (now - r->reported) / (gdouble) G_USEC_PER_SEC, r->data);
  if (due)
    r->reported = now;
  if (r->pipeline && r->job->stall
      && now - last > r->job->stall * G_USEC_PER_SEC) {
    g_printerr ("nothing has come for %u s\n", r->job->stall);
    start_again (r, "Nothing has come for a while");
  }

  return G_SOURCE_CONTINUE;
}

static gboolean
give_up (gpointer runner)
{
  g_main_loop_quit (((Runner *) runner)->loop);
  return G_SOURCE_REMOVE;
}

/* The first signal ends the stream in order, a second one at once. */
static gboolean
on_signal (gpointer runner)
{
  Runner *r = runner;

  if (r->ending || !r->pipeline) {
    r->ending = TRUE;
    g_main_loop_quit (r->loop);
    return G_SOURCE_CONTINUE;
  }
  r->ending = TRUE;
  sensor_notify ("STOPPING=1");
  gst_element_send_event (r->pipeline, gst_event_new_eos ());
  g_timeout_add_seconds (END_SECONDS, give_up, r);

  return G_SOURCE_CONTINUE;
}

gint
sensor_run (const SensorJob * job, gpointer data)
{
  Runner r = {.job = job,.data = data,.pause = 1 };
  guint sources[3], i;

  g_mutex_init (&r.lock);
  r.loop = g_main_loop_new (NULL, FALSE);
  r.reported = g_get_monotonic_time ();
  sources[0] = g_unix_signal_add (SIGINT, on_signal, &r);
  sources[1] = g_unix_signal_add (SIGTERM, on_signal, &r);
  sources[2] = g_timeout_add_seconds (1, each_second, &r);
  r.again = g_idle_add (start, &r);
  g_main_loop_run (r.loop);

  for (i = 0; i < G_N_ELEMENTS (sources); i++)
    g_source_remove (sources[i]);
  if (r.again)
    g_source_remove (r.again);
  drop_pipeline (&r);
  g_main_loop_unref (r.loop);
  g_mutex_clear (&r.lock);

  return r.status;
}
