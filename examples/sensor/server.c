/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The other side of walloc-node: receives, classifies latents without decoding
 * them, records, shows in a browser.
 *
 * usage: walloc-server [--config FILE] [--SETTING VALUE...]    (see --help)
 *
 * Results are lines of JSON on standard output. With NATS any number of servers
 * of the same group share what comes. Outside of this tree: gcc server.c
 * record.c runner.c settings.c notify.c $(pkg-config --cflags --libs gstreamer-1.0
 * jansson) */
#include <gst/gst.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "notify.h"
#include "record.h"
#include "runner.h"
#include "settings.h"

/* of pictures */
#define NETWORK "waste-1"

typedef struct
{
  gchar *name, *media, *receive, *stream, *group, *network, *record, *token;
  gint rate, latency, web, seconds, files, stall, report;
} Settings;

/* *INDENT-OFF* */
#define AT(field) G_STRUCT_OFFSET (Settings, field)
static const SensorSetting table[] = {
  {"name", AT (name), "server", 0, 0, "of this server, in its results"},
  {"media", AT (media), "video", 0, 0, "RTP: video or audio"},
  {"rate", AT (rate), "16000", 8000, 96000,
      "RTP: samples a second of sound, as the node has it"},
  {"receive", AT (receive), "rtp://127.0.0.1:5004", 0, 0,
      "rtp://ADDRESS:PORT to listen at, or nats://HOST[:PORT][/SUBJECT]"},
  {"stream", AT (stream), "", 0, 0,
      "NATS: JetStream stream to read from; none: what comes now"},
  {"group", AT (group), "classifiers", 0, 0,
      "NATS: servers of one group share the frames"},
  {"network", AT (network), NETWORK, 0, 0,
      "of compressedclassify: a name or a file; none: do not classify. With "
      "media=audio the usual one is not used"},
  {"record", AT (record), "", 0, 0, "folder for .wlc files; none: do not"},
  {"seconds", AT (seconds), "600", 1, 86400, "length of a recorded file"},
  {"files", AT (files), "144", 0, 100000,
      "recorded files to keep, the oldest goes first; 0: all"},
  {"web", AT (web), "0", 0, 65535,
      "port of the page on this machine; 0: no page"},
  {"token", AT (token), "", 0, 0, "that the page asks for; none: it does not"},
  {"latency", AT (latency), "100", 0, 60000,
      "RTP: ms that packets are waited for"},
  {"stall", AT (stall), "30", 0, 3600,
      "seconds without a frame after which all is begun anew; 0: never"},
  {"report", AT (report), "10", 0, 3600, "seconds between lines about rates"},
  {NULL}
};
/* *INDENT-ON* */

typedef struct
{
  Settings settings;
  SensorAddress from;
  gint results;                 /* atomic */
} Server;

/* NATS says itself what it brings. */
static gboolean
is_sound (const Server * server)
{
  return !server->from.nats && strcmp (server->settings.media, "audio") == 0;
}

static gchar *
source_of (const Server * server)
{
  const Settings *s = &server->settings;
  gchar *source, *quoted, *subject;

  if (!server->from.nats) {
    quoted = sensor_quote (server->from.host);
    source = g_strdup_printf ("wallocrtpsrc address=%s port=%u latency=%d "
        "media=%s clock-rate=%d", quoted, server->from.port, s->latency,
        s->media, is_sound (server) ? s->rate : 0);
    g_free (quoted);
    return source;
  }
  quoted = sensor_quote (server->from.url);
  subject = sensor_quote (server->from.subject ? server->from.subject :
      "walloc.>");
  if (*s->stream)
    source = g_strdup_printf ("natssrc servers=%s subject=%s mode=jetstream "
        "stream=%s durable=%s wait-for-server=true", quoted, subject, s->stream,
        s->group);
  else
    source = g_strdup_printf ("natssrc servers=%s subject=%s queue=%s "
        "wait-for-server=true", quoted, subject, s->group);
  g_free (quoted);
  g_free (subject);

  return source;
}

static gchar *
describe (gpointer data)
{
  Server *server = data;
  const Settings *s = &server->settings;
  gchar *source = source_of (server), *quoted;
  GString *launch = g_string_new (source);

  g_free (source);
  g_string_append (launch, " ! identity name=out silent=true ! tee name=t "
      "allow-not-linked=true");
  if (*s->network && !(is_sound (server)
          && strcmp (s->network, NETWORK) == 0)) {
    quoted = sensor_quote (s->network);
    /* a frame of NATS is acknowledged when all is done with it: nothing waits
     * in a queue that would be lost with this program */
    g_string_append_printf (launch, " t. ! %scompressedclassify "
        "model-file=%s ! fakesink name=results sync=false async=false",
        server->from.nats ? "" : "queue leaky=downstream max-size-buffers=8 "
        "max-size-bytes=0 max-size-time=0 ! ", quoted);
    g_free (quoted);
  }
  if (*s->record) {
    gchar *path = sensor_record_location (s->record, s->name);

    quoted = sensor_quote (path);
    g_string_append_printf (launch, " t. ! queue ! multifilesink location=%s "
        "index=%d next-file=max-duration max-file-duration=%" G_GUINT64_FORMAT
        " sync=false async=false", quoted, sensor_record_next (s->record,
            s->name), (guint64) s->seconds * GST_SECOND);
    g_free (quoted);
    g_free (path);
  }
  if (s->web) {
    quoted = sensor_quote (s->token);
    g_string_append_printf (launch, " t. ! queue ! wallocwebsink port=%d "
        "async=false", s->web);
    if (*s->token)
      g_string_append_printf (launch, " token=%s", quoted);
    g_free (quoted);
  }

  return g_string_free (launch, FALSE);
}

/* Result and identity are both on the frame. Called in the stream's thread. */
static GstPadProbeReturn
result (GstPad * pad, GstPadProbeInfo * info, gpointer data)
{
  GstBuffer *buffer = GST_PAD_PROBE_INFO_BUFFER (info);
  GstCustomMeta *found = gst_buffer_get_custom_meta (buffer,
      "GstCompressedClassifyMeta");
  GstCustomMeta *frame = gst_buffer_get_custom_meta (buffer, "GstNatsMeta");
  GstStructure *s, *f = frame ? gst_custom_meta_get_structure (frame) : NULL;
  guint64 time = 0, sequence = 0;
  gdouble confidence = 0;
  Server *server = data;
  json_t *line;

  if (!found)
    return GST_PAD_PROBE_OK;
  s = gst_custom_meta_get_structure (found);
  gst_structure_get_uint64 (s, "timestamp", &time);
  gst_structure_get_double (s, "confidence", &confidence);
  line = json_pack ("{ss sI ss* sf}", "server", server->settings.name,
      "timestamp", (json_int_t) time, "label",
      gst_structure_get_string (s, "label"), "confidence", confidence);
  if (line && f && gst_structure_get_uint64 (f, "sequence", &sequence)) {
    gboolean again = FALSE;

    gst_structure_get_boolean (f, "duplicate", &again);
    json_object_set_new (line, "node",
        json_string (gst_structure_get_string (f, "source")));
    json_object_set_new (line, "sequence", json_integer ((gint64) sequence));
    if (again)
      json_object_set_new (line, "again", json_true ());
  }
  if (line) {
    gchar *text = json_dumps (line, JSON_COMPACT | JSON_PRESERVE_ORDER);

    if (text) {
      g_print ("%s\n", text);
      fflush (stdout);
      free (text);
    }
    json_decref (line);
  }
  g_atomic_int_inc (&server->results);

  return GST_PAD_PROBE_OK;
}

static void
made (GstElement * pipeline, gpointer data)
{
  GstElement *sink = gst_bin_get_by_name (GST_BIN (pipeline), "results");
  GstPad *pad;

  if (!sink)
    return;
  pad = gst_element_get_static_pad (sink, "sink");
  gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, result, data, NULL);
  gst_object_unref (pad);
  gst_object_unref (sink);
}

static void
report (GstElement * pipeline, guint64 buffers, guint64 bytes,
    gdouble seconds, gpointer data)
{
  Server *server = data;

  g_printerr ("%s: %.1f frames/s, %.0f kbit/s, %d results\n",
      server->settings.name, buffers / seconds, bytes * 8 / seconds / 1000,
      g_atomic_int_get (&server->results));
  sensor_notify ("STATUS=%.1f frames/s, %.0f kbit/s", buffers / seconds,
      bytes * 8 / seconds / 1000);
}

static gboolean
are_good (Server * server)
{
  const Settings *s = &server->settings;

  if (!sensor_check_name ("name", s->name)
      || !sensor_check_name ("group", s->group)
      || (*s->stream && !sensor_check_name ("stream", s->stream)))
    return FALSE;
  if (strcmp (s->media, "video") != 0 && strcmp (s->media, "audio") != 0) {
    g_printerr ("media=%s: video or audio is wanted\n", s->media);
    return FALSE;
  }
  if (*s->record && !g_file_test (s->record, G_FILE_TEST_IS_DIR)) {
    g_printerr ("record=%s: is no folder\n", s->record);
    return FALSE;
  }
  return sensor_address_parse (s->receive, &server->from);
}

static gboolean
prune (gpointer data)
{
  Server *server = data;
  const Settings *s = &server->settings;

  sensor_record_prune (s->record, s->name, (guint) s->files);

  return G_SOURCE_CONTINUE;
}

gint
main (gint argc, gchar ** argv)
{
  static SensorJob job = {.describe = describe,.made = made,
    .report = report
  };
  Server server = { {0} };
  guint pruning = 0;
  gint status = 2;

  if (sensor_settings_read (table, &server.settings, "server",
          "Receives, classifies, records and shows.", &argc, &argv)
      && are_good (&server)) {
    gst_init (NULL, NULL);
    job.stall = (guint) server.settings.stall;
    job.report_seconds = (guint) server.settings.report;
    if (*server.settings.record && server.settings.files)
      pruning = g_timeout_add_seconds (1, prune, &server);
    status = sensor_run (&job, &server);
    if (pruning)
      g_source_remove (pruning);
    sensor_address_clear (&server.from);
  }
  sensor_settings_clear (table, &server.settings);

  return status;
}
