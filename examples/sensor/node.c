/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A camera or microphone node: captures, encodes, sends, and keeps at it.
 *
 * usage: walloc-node [--config FILE] [--SETTING VALUE...]    (see --help)
 *
 * Sends by RTP to one server, which is adapted to the line, or by NATS to a
 * cluster. Outside of this tree: gcc -o walloc-node node.c address.c notify.c
 * program.c runner.c settings.c $(pkg-config --cflags --libs gstreamer-1.0) */
#include <string.h>

#include "address.h"
#include "program.h"

typedef struct
{
  SensorCommon common;
  gchar *source, *send, *stream;
  gint width, height, framerate;
  gint quality, bitrate, layers, key_int_max, max_bitrate;
  gint keep, keep_megabytes;
} Settings;

/* *INDENT-OFF* */
#define AT(field) G_STRUCT_OFFSET (Settings, field)
static const SensorSetting table[] = {
  SENSOR_COMMON (Settings, "camera", "10"),
  {"source", AT (source), "test", 0, 0,
      "test, /dev/videoN, alsa:DEVICE, or a launch fragment"},
  {"send", AT (send), "rtp://127.0.0.1:5004", 0, 0,
      "rtp://HOST:PORT or nats://[USER:PASSWORD@]HOST[:PORT][/SUBJECT]"},
  {"stream", AT (stream), "", 0, 0,
      "NATS: JetStream stream that keeps what is sent; none: not kept"},
  {"keep", AT (keep), "3600", 1, 31536000,
      "NATS: seconds that the stream keeps frames, if it is made here"},
  {"keep-megabytes", AT (keep_megabytes), "1024", 1, 100000000,
      "NATS: what the stream holds at most; the oldest goes first"},
  {"width", AT (width), "640", 16, 16384, "pixels"},
  {"height", AT (height), "360", 16, 16384, "pixels"},
  {"framerate", AT (framerate), "15", 1, 240, "frames a second"},
  {"quality", AT (quality), "40", 1, 100, "of wallocenc, wallocaudioenc"},
  {"bitrate", AT (bitrate), "0", 0, 100000,
      "kbit/s that the encoder keeps to; 0: by quality"},
  {"layers", AT (layers), "3", 1, 4, "that thinning can leave out"},
  {"key-int-max", AT (key_int_max), "1", 1, 1000,
      "frames from key frame to key frame; 1: all are"},
  {"max-bitrate", AT (max_bitrate), "20000", 16, 10000000,
      "RTP: kbit/s that the line may get at most"},
  {NULL}
};
/* *INDENT-ON* */

typedef struct
{
  Settings settings;
  SensorAddress to;
} Node;

static gchar *
source_of (const Settings * s)
{
  if (sensor_is_audio (&s->common)) {
    gchar *device, *from;

    if (strcmp (s->source, "test") == 0)
      from = g_strdup ("audiotestsrc is-live=true wave=ticks");
    else if (g_str_has_prefix (s->source, "alsa:")) {
      device = sensor_quote (s->source + strlen ("alsa:"));
      from = g_strdup_printf ("alsasrc device=%s", device);
      g_free (device);
    } else
      from = g_strdup (s->source);
    device = g_strdup_printf ("%s ! audioconvert ! audioresample ! "
        "audio/x-raw,rate=%d", from, s->common.rate);
    g_free (from);
    return device;
  } else {
    gchar *from, *out;

    if (strcmp (s->source, "test") == 0)
      from = g_strdup ("videotestsrc is-live=true pattern=ball");
    else if (g_str_has_prefix (s->source, "/dev/")) {
      gchar *device = sensor_quote (s->source);

      from = g_strdup_printf ("v4l2src device=%s", device);
      g_free (device);
    } else
      from = g_strdup (s->source);
    out = g_strdup_printf ("%s ! videorate drop-only=true ! videoconvert ! "
        "videoscale ! video/x-raw,format=I420,width=%d,height=%d,"
        "framerate=[1/1,%d/1]", from, s->width, s->height, s->framerate);
    g_free (from);
    return out;
  }
}

static gchar *
describe (gpointer data)
{
  Node *node = data;
  const Settings *s = &node->settings;
  gboolean audio = sensor_is_audio (&s->common);
  gchar *source = source_of (s), *encoder, *sink, *launch;

  /* sound has its bitrate in bit/s */
  encoder = g_strdup_printf (audio ?
      "wallocaudioenc quality=%d bitrate=%" G_GINT64_FORMAT " layers=%d" :
      "wallocenc quality=%d bitrate=%" G_GINT64_FORMAT " layers=%d "
      "key-int-max=%d", s->quality, (gint64) s->bitrate * (audio ? 1000 : 1),
      s->layers, s->key_int_max);
  if (node->to.nats) {
    gchar *url = sensor_quote (node->to.url);
    gchar *own = g_strdup_printf ("walloc.%s", s->common.name);
    gchar *subject = sensor_quote (node->to.subject ? node->to.subject : own);
    GString *out = g_string_new (NULL);

    /* the first node makes the stream, for all nodes */
    g_string_printf (out, "natssink name=nats sync=false servers=%s subject=%s "
        "source=%s wait-for-server=true", url, subject, s->common.name);
    if (*s->stream)
      g_string_append_printf (out, " mode=jetstream stream=%s "
          "create-stream=true stream-subjects=walloc.> "
          "discard=old stream-max-age=%" G_GUINT64_FORMAT
          " stream-max-bytes=%" G_GINT64_FORMAT, s->stream,
          s->keep * GST_SECOND, (gint64) s->keep_megabytes << 20);
    sink = g_string_free (out, FALSE);
    g_free (subject);
    g_free (own);
    g_free (url);
  } else {
    gchar *host = sensor_quote (node->to.host);

    sink = g_strdup_printf ("wallocrtpsink host=%s port=%u max-bitrate=%d",
        host, node->to.port, s->max_bitrate);
    g_free (host);
  }
  /* what waits for the encoder is old: the newest picture is wanted */
  launch = g_strdup_printf ("%s ! queue leaky=downstream max-size-buffers=4 "
      "max-size-bytes=0 max-size-time=0 ! %s ! identity name=out "
      "silent=true ! %s", source, encoder, sink);
  g_free (source);
  g_free (encoder);
  g_free (sink);

  return launch;
}

static void
made (GstElement * pipeline, gpointer data)
{
  sensor_address_login (&((Node *) data)->to, pipeline);
}

static void
report (GstElement * pipeline, guint64 buffers, guint64 bytes,
    gdouble seconds, gpointer data)
{
  Node *node = data;
  gchar *rate = sensor_rate (buffers, bytes, seconds);

  g_print ("%s: %s\n", node->settings.common.name, rate);
  g_free (rate);
}

static gboolean
check (gpointer data)
{
  Node *node = data;
  const Settings *s = &node->settings;

  return (!*s->stream || sensor_check_name ("stream", s->stream))
      && sensor_address_parse (s->send, &node->to);
}

gint
main (gint argc, gchar ** argv)
{
  Node node = { {{0}
      }
  };
  SensorProgram program = {
    .group = "node",
    .summary = "Captures, encodes and sends pictures or sound.",
    .table = table,
    .settings = &node.settings.common,
    .check = check,
    .job = {.describe = describe,.made = made,.report = report},
    .data = &node
  };
  gint status = sensor_main (&program, argc, argv);

  sensor_address_clear (&node.to);
  sensor_settings_clear (table, &node.settings);

  return status;
}
