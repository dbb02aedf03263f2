/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The other side of walloc-node: receives, classifies latents without decoding
 * them, records, shows in a browser.
 *
 * usage: walloc-server [--config FILE] [--SETTING VALUE...]    (see --help)
 *
 * Results are lines of JSON on standard output. With NATS any number of servers
 * of the same group share what comes. Outside of this tree: gcc -o walloc-server
 * server.c address.c notify.c program.c record.c runner.c settings.c
 * $(pkg-config --cflags --libs gstreamer-1.0 jansson) */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "address.h"
#include "program.h"
#include "record.h"

/* of pictures */
#define NETWORK "waste-1"

typedef struct
{
  SensorCommon common;
  gchar *receive, *stream, *group, *network, *record, *token;
  gint latency, web, seconds, files;
} Settings;

/* *INDENT-OFF* */
#define AT(field) G_STRUCT_OFFSET (Settings, field)
static const SensorSetting table[] = {
  SENSOR_COMMON (Settings, "server", "30"),
  {"receive", AT (receive), "rtp://127.0.0.1:5004", 0, 0,
      "rtp://ADDRESS:PORT to listen at, or "
        "nats://[USER:PASSWORD@]HOST[:PORT][/SUBJECT]"},
  {"stream", AT (stream), "", 0, 0,
      "NATS: JetStream stream to read from; none: what comes now"},
  {"group", AT (group), "classifiers", 0, 0,
      "NATS: servers of one group share the frames"},
  {"network", AT (network), NETWORK, 0, 0,
      "of compressedclassify: a name or a file; none: do not classify. With "
      "media=audio the usual one is not used"},
  {"record", AT (record), "", 0, 0, "folder for .wlc files; none: do not"},
  {"seconds", AT (seconds), "600", 1, 86400,
      "length of a recorded file, up to the next key frame"},
  {"files", AT (files), "144", 0, 100000,
      "recorded files to keep, the oldest goes first; 0: all"},
  {"web", AT (web), "0", 0, 65535,
      "port of the page on this machine; 0: no page"},
  {"token", AT (token), "", 0, 0, "that the page asks for; none: it does not"},
  {"latency", AT (latency), "100", 0, 60000,
      "RTP: ms that packets are waited for"},
  {NULL}
};
/* *INDENT-ON* */

typedef struct
{
  Settings settings;
  SensorAddress from;
  SensorRecording recording;
  gint results;                 /* atomic */
} Server;

/* NATS says itself what it brings. */
static gboolean
is_sound (const Server * server)
{
  return !server->from.nats && sensor_is_audio (&server->settings.common);
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
        s->common.media, is_sound (server) ? s->common.rate : 0);
    g_free (quoted);
    return source;
  }
  quoted = sensor_quote (server->from.url);
  subject = sensor_quote (server->from.subject ? server->from.subject :
      "walloc.>");
  if (*s->stream)
    source =
        g_strdup_printf
        ("natssrc name=nats servers=%s subject=%s mode=jetstream "
        "stream=%s durable=%s wait-for-server=true", quoted, subject, s->stream,
        s->group);
  else
    source =
        g_strdup_printf ("natssrc name=nats servers=%s subject=%s queue=%s "
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
  if (*s->record)
    g_string_append (launch, " t. ! queue ! fakesink name=record sync=false "
        "async=false");
  if (s->web)
    g_string_append_printf (launch, " t. ! queue ! wallocwebsink name=web "
        "port=%d async=false", s->web);

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
  line = json_pack ("{ss sI ss* sf}", "server", server->settings.common.name,
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
    gchar *text = json_dumps (line, JSON_COMPACT | JSON_PRESERVE_ORDER |
        JSON_REAL_PRECISION (3));

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
  Server *server = data;
  GstElement *sink = gst_bin_get_by_name (GST_BIN (pipeline), "results");
  GstPad *pad;

  sensor_address_login (&server->from, pipeline);
  if (sink) {
    pad = gst_element_get_static_pad (sink, "sink");
    gst_pad_add_probe (pad, GST_PAD_PROBE_TYPE_BUFFER, result, data, NULL);
    gst_object_unref (pad);
    gst_object_unref (sink);
  }
  sink = gst_bin_get_by_name (GST_BIN (pipeline), "record");
  if (sink) {
    sensor_record (sink, &server->recording);
    gst_object_unref (sink);
  }
  /* as with a password: launch lines are printed */
  sink = gst_bin_get_by_name (GST_BIN (pipeline), "web");
  if (sink) {
    if (*server->settings.token)
      g_object_set (sink, "token", server->settings.token, NULL);
    gst_object_unref (sink);
  }
}

static void
report (GstElement * pipeline, guint64 buffers, guint64 bytes,
    gdouble seconds, gpointer data)
{
  Server *server = data;
  gchar *rate = sensor_rate (buffers, bytes, seconds);

  g_printerr ("%s: %s, %d results\n", server->settings.common.name, rate,
      g_atomic_int_get (&server->results));
  g_free (rate);
}

static gboolean
check (gpointer data)
{
  Server *server = data;
  const Settings *s = &server->settings;

  if (!sensor_check_name ("group", s->group)
      || (*s->stream && !sensor_check_name ("stream", s->stream)))
    return FALSE;
  if (*s->record && !g_file_test (s->record, G_FILE_TEST_IS_DIR)) {
    g_printerr ("record=%s: is no folder\n", s->record);
    return FALSE;
  }
  server->recording.folder = s->record;
  server->recording.name = s->common.name;
  server->recording.seconds = (guint) s->seconds;
  server->recording.files = (guint) s->files;
  return sensor_address_parse (s->receive, &server->from);
}

gint
main (gint argc, gchar ** argv)
{
  Server server = { {{0}
      }
  };
  SensorProgram program = {
    .group = "server",
    .summary = "Receives, classifies, records and shows.",
    .table = table,
    .settings = &server.settings.common,
    .check = check,
    .job = {.describe = describe,.made = made,.report = report},
    .data = &server
  };
  gint status = sensor_main (&program, argc, argv);

  sensor_address_clear (&server.from);
  sensor_settings_clear (table, &server.settings);

  return status;
}
