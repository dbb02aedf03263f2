/* SPDX-License-Identifier: LGPL-2.1-or-later */
/**
 * SECTION:element-wallocwebsink
 * @title: wallocwebsink
 * @short_description: Shows a WaLLoC stream to browsers and other HTTP clients
 * @see_also: wallocenc, wallocthin, compressedclassify, spectralinspect
 *
 * An HTTP server: `/` is a page that decodes and draws the stream in the
 * browser, `/stream` the stream itself, `/ws` the same in messages of a
 * WebSocket, `/events` what networks and measurements find out about it,
 * `/models/` the files that decoders need, `/metrics` and `/health` what those
 * who look after servers want to know.
 *
 * Nobody waits for a client: one that is slow gets fewer layers, then fewer
 * frames, and is closed at last. One that comes late begins with the last key
 * frame.
 *
 * The server listens on the loopback address unless
 * #GstWallocWebSink:address says otherwise; then set #GstWallocWebSink:token
 * and a certificate.
 *
 * When it listens, the element posts an element message `wallocwebsink` with
 * the fields `url` (string) and `port` (guint).
 *
 * ## Example launch lines
 * |[
 * gst-launch-1.0 videotestsrc is-live=true ! video/x-raw,width=640,height=360 ! wallocenc ! wallocwebsink port=8080
 * ]| This line shows a test picture at http://127.0.0.1:8080/.
 * |[
 * gst-launch-1.0 souphttpsrc location=http://127.0.0.1:8080/stream ! wallocparse ! wallocdec ! videoconvert ! autovideosink
 * ]| This line plays it elsewhere.
 * |[
 * gst-launch-1.0 v4l2src ! videoconvert ! wallocenc ! compressedclassify model-file=waste-1 ! wallocwebsink address=0.0.0.0 port=8443 token-file=token.txt certificate-file=cert.pem private-key-file=key.pem
 * ]| This line shows a camera and what it sees to those who have the token.
 *
 * Since: 0.2
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <gst/video/video.h>
#include <string.h>

#include "gstwalloccommon.h"
#include "gstwallocwebproperties.h"
#include "gstwallocwebresults.h"
#include "gstwallocwebsink.h"

GST_DEBUG_CATEGORY (wallocwebsink_debug);
#define GST_CAT_DEFAULT wallocwebsink_debug

/* of a file with a token */
#define MAX_TOKEN 500

enum
{
  SIGNAL_PUSH_EVENT,
  N_SIGNALS
};

static guint signals[N_SIGNALS];

static GstStaticPadTemplate sink_template = GST_STATIC_PAD_TEMPLATE ("sink",
    GST_PAD_SINK, GST_PAD_ALWAYS,
    GST_STATIC_CAPS (GST_WALLOC_VIDEO_CODED_CAPS "; "
        GST_WALLOC_AUDIO_CODED_CAPS));

#define gst_walloc_web_sink_parent_class parent_class
G_DEFINE_FINAL_TYPE (GstWallocWebSink, gst_walloc_web_sink, GST_TYPE_BASE_SINK);

GST_ELEMENT_REGISTER_DEFINE (wallocwebsink, "wallocwebsink", GST_RANK_NONE,
    GST_TYPE_WALLOC_WEB_SINK);

/* In a thread of the pool: whoever is upstream may take its time. */
static void
ask_for_key (GstElement * element, gpointer data)
{
  GstWallocWebSink *self = GST_WALLOC_WEB_SINK (element);

  g_atomic_int_set (&self->want_key, 0);
  gst_pad_push_event (GST_BASE_SINK_PAD (self),
      gst_video_event_new_upstream_force_key_unit (GST_CLOCK_TIME_NONE, FALSE,
          0));
}

/* In the network thread. */
static void
on_need_key (gpointer data)
{
  GstWallocWebSink *self = data;

  if (g_atomic_int_compare_and_exchange (&self->want_key, 0, 1))
    gst_element_call_async (GST_ELEMENT (self), ask_for_key, NULL, NULL);
}

/* The first line of a file. */
static gchar *
read_token (const gchar * path, GError ** error)
{
  gchar *text = NULL;
  GError *reason = NULL;
  gsize size;

  if (!g_file_get_contents (path, &text, NULL, &reason)) {
    g_set_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_OPEN_READ,
        "Cannot read the token: %s", reason->message);
    g_clear_error (&reason);
    return NULL;
  }
  size = strcspn (text, "\r\n");
  text[size] = 0;
  if (size == 0 || size > MAX_TOKEN) {
    g_set_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS,
        "The first line of \"%s\" is no token: it must have 1 to %u bytes.",
        path, MAX_TOKEN);
    g_clear_pointer (&text, g_free);
  }
  return text;
}

static GTlsCertificate *
read_certificate (const gchar * file, const gchar * key, GError ** error)
{
  GError *reason = NULL;
  GTlsCertificate *certificate = key ?
      g_tls_certificate_new_from_files (file, key, &reason) :
      g_tls_certificate_new_from_file (file, &reason);

  if (!certificate)
    g_set_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_OPEN_READ,
        "Cannot use the certificate \"%s\"%s%s%s: %s. It must be PEM, with "
        "its private key in it or in \"private-key-file\".", file,
        key ? " and the key \"" : "", key ? key : "", key ? "\"" : "",
        reason->message);
  g_clear_error (&reason);

  return certificate;
}

/* A copy of the settings with what their files hold. */
static gboolean
get_settings (GstWallocWebSink * self, GstWallocWebSettings * s,
    GError ** error)
{
  gchar *token_file, *certificate_file, *key_file;
  gboolean ok = TRUE;

  GST_OBJECT_LOCK (self);
  *s = self->settings;
  s->address =
      g_strdup (s->address ? s->address : GST_WALLOC_WEB_DEFAULT_ADDRESS);
  s->token = g_strdup (s->token);
  if (s->certificate)
    g_object_ref (s->certificate);
  s->origins = g_strdupv (s->origins);
  s->model_file = g_strdup (s->model_file);
  s->need_key = on_need_key;
  s->data = self;
  token_file = g_strdup (self->token_file);
  certificate_file = g_strdup (self->certificate_file);
  key_file = g_strdup (self->key_file);
  GST_OBJECT_UNLOCK (self);

  if (token_file && !s->token)
    ok = (s->token = read_token (token_file, error)) != NULL;
  if (ok && certificate_file && !s->certificate)
    ok = (s->certificate = read_certificate (certificate_file, key_file,
            error)) != NULL;
  if (ok && key_file && !s->certificate) {
    g_set_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS,
        "There is a private key (\"%s\") and no certificate: set "
        "\"certificate-file\", too, or neither to serve without TLS.",
        key_file);
    ok = FALSE;
  }
  if (ok && s->token && strlen (s->token) > MAX_TOKEN) {
    g_set_error (error, GST_RESOURCE_ERROR, GST_RESOURCE_ERROR_SETTINGS,
        "\"token\" has more than %u bytes.", MAX_TOKEN);
    ok = FALSE;
  }
  g_free (token_file);
  g_free (certificate_file);
  g_free (key_file);

  return ok;
}

static gboolean
gst_walloc_web_sink_start (GstBaseSink * sink)
{
  GstWallocWebSink *self = GST_WALLOC_WEB_SINK (sink);
  GstWallocWebServer *server = NULL;
  GstWallocWebSettings settings = { NULL, };
  GError *error = NULL;
  gboolean open = FALSE;
  gchar *url;
  guint port;

  gst_walloc_web_metrics_reset (&self->metrics);
  self->warned = FALSE;
  if (get_settings (self, &settings, &error)) {
    open = settings.token == NULL;
    server = gst_walloc_web_server_new (&settings, &self->metrics, &error);
  }
  gst_walloc_web_settings_clear (&settings);
  if (!server) {
    GST_WALLOC_POST_ERROR (self, error);
    g_clear_error (&error);
    return FALSE;
  }
  url = gst_walloc_web_server_url (server);
  port = gst_walloc_web_server_port (server);
  GST_OBJECT_LOCK (self);
  self->server = server;
  GST_OBJECT_UNLOCK (self);

  GST_INFO_OBJECT (self, "listening: %s", url);
  if (open && !gst_walloc_web_server_is_local (server))
    GST_ELEMENT_WARNING (self, RESOURCE, SETTINGS,
        ("Everyone who reaches %s can watch and listen: there is no token.",
            url), ("Set token-file. Without one a page of others can also "
            "lead browsers of this network here under a name of its own."));
  gst_element_post_message (GST_ELEMENT (self),
      gst_message_new_element (GST_OBJECT (self),
          gst_structure_new ("wallocwebsink", "url", G_TYPE_STRING, url,
              "port", G_TYPE_UINT, port, NULL)));
  g_free (url);
  g_object_notify (G_OBJECT (self), "port");
  g_object_notify (G_OBJECT (self), "url");

  return TRUE;
}

static gboolean
gst_walloc_web_sink_stop (GstBaseSink * sink)
{
  GstWallocWebSink *self = GST_WALLOC_WEB_SINK (sink);
  GstWallocWebServer *server;

  GST_OBJECT_LOCK (self);
  server = self->server;
  self->server = NULL;
  GST_OBJECT_UNLOCK (self);
  if (server)
    gst_walloc_web_server_free (server);

  return TRUE;
}

/* From here on the server is there: these run between start and stop. */

static gboolean
gst_walloc_web_sink_set_caps (GstBaseSink * sink, GstCaps * caps)
{
  GstWallocWebSink *self = GST_WALLOC_WEB_SINK (sink);

  GST_DEBUG_OBJECT (self, "caps %" GST_PTR_FORMAT, caps);
  gst_walloc_web_server_caps (self->server, caps);

  return TRUE;
}

static GstFlowReturn
gst_walloc_web_sink_render (GstBaseSink * sink, GstBuffer * buffer)
{
  GstWallocWebSink *self = GST_WALLOC_WEB_SINK (sink);
  GstWallocWebFrame *frame = gst_walloc_web_frame_new (buffer);

  if (frame) {
    gst_walloc_web_metrics_count (&self->metrics, GST_WALLOC_WEB_FRAMES_IN, 1);
    gst_walloc_web_metrics_count (&self->metrics, GST_WALLOC_WEB_BYTES_IN,
        frame->size);
    gst_walloc_web_server_frame (self->server, frame);
  } else {
    gst_walloc_web_metrics_count (&self->metrics, GST_WALLOC_WEB_UNKNOWN, 1);
    /* what builds on it cannot be decoded */
    gst_walloc_web_server_discont (self->server);
    if (!self->warned) {
      self->warned = TRUE;
      GST_ELEMENT_WARNING (self, STREAM, FORMAT, (NULL),
          ("Buffers that are not whole frames of this version are left out. "
              "Put wallocparse before the element if the stream comes from "
              "elsewhere."));
    }
  }
  gst_walloc_web_results_take (self, buffer);

  return GST_FLOW_OK;
}

static gboolean
gst_walloc_web_sink_event (GstBaseSink * sink, GstEvent * event)
{
  GstWallocWebSink *self = GST_WALLOC_WEB_SINK (sink);
  GstEventType type = GST_EVENT_TYPE (event);
  /* this waits until the end has come */
  gboolean ret = GST_BASE_SINK_CLASS (parent_class)->event (sink, event);

  /* not an end that was flushed away */
  if (type == GST_EVENT_EOS && ret)
    gst_walloc_web_server_eos (self->server);
  else if (type == GST_EVENT_FLUSH_STOP)
    gst_walloc_web_server_discont (self->server);

  return ret;
}

/* The server is there from READY on, so its address stays while something else
 * is played; messages are of interest while something is. */
static GstStateChangeReturn
gst_walloc_web_sink_change_state (GstElement * element,
    GstStateChange transition)
{
  GstWallocWebSink *self = GST_WALLOC_WEB_SINK (element);
  GstStateChangeReturn ret;

  if (transition == GST_STATE_CHANGE_READY_TO_PAUSED)
    gst_walloc_web_results_start (self);
  ret = GST_ELEMENT_CLASS (parent_class)->change_state (element, transition);
  if (transition == GST_STATE_CHANGE_PAUSED_TO_READY) {
    gst_walloc_web_results_stop (self);
    gst_walloc_web_server_discont (self->server);
  } else if (transition == GST_STATE_CHANGE_READY_TO_PAUSED
      && ret == GST_STATE_CHANGE_FAILURE) {
    gst_walloc_web_results_stop (self);
  }
  return ret;
}

static gboolean
gst_walloc_web_sink_push_event (GstWallocWebSink * self, const gchar * name,
    const gchar * json)
{
  return gst_walloc_web_results_push (self, name, json);
}

static void
gst_walloc_web_sink_finalize (GObject * object)
{
  GstWallocWebSink *self = GST_WALLOC_WEB_SINK (object);

  gst_walloc_web_settings_clear (&self->settings);
  g_free (self->token_file);
  g_free (self->certificate_file);
  g_free (self->key_file);
  g_free (self->bus_messages);
  g_strfreev (self->names);
  g_hash_table_unref (self->results);
  g_mutex_clear (&self->results_lock);
  gst_walloc_web_metrics_clear (&self->metrics);

  G_OBJECT_CLASS (parent_class)->finalize (object);
}

static void
gst_walloc_web_sink_class_init (GstWallocWebSinkClass * klass)
{
  GObjectClass *object_class = G_OBJECT_CLASS (klass);
  GstElementClass *element_class = GST_ELEMENT_CLASS (klass);
  GstBaseSinkClass *sink_class = GST_BASE_SINK_CLASS (klass);

  GST_DEBUG_CATEGORY_INIT (wallocwebsink_debug, "wallocwebsink", 0,
      "WaLLoC over HTTP");

  object_class->finalize = gst_walloc_web_sink_finalize;
  gst_walloc_web_properties_install (object_class);

  /**
   * GstWallocWebSink::push-event:
   * @object: the element
   * @name: of the event: letters, digits, dashes, dots and underscores
   * @json: what there is to say, as JSON
   *
   * Tells all clients of `/events` and `/ws`.
   *
   * Returns: %FALSE when the element does not run, or the name or the JSON
   * is not as it should be
   *
   * Since: 0.2
   */
  signals[SIGNAL_PUSH_EVENT] =
      g_signal_new_class_handler ("push-event", G_TYPE_FROM_CLASS (klass),
      G_SIGNAL_RUN_LAST | G_SIGNAL_ACTION,
      G_CALLBACK (gst_walloc_web_sink_push_event), NULL, NULL, NULL,
      G_TYPE_BOOLEAN, 2, G_TYPE_STRING, G_TYPE_STRING);

  gst_element_class_add_static_pad_template (element_class, &sink_template);
  gst_element_class_set_static_metadata (element_class,
      "WaLLoC web server", "Sink/Network",
      "Shows a WaLLoC stream to browsers and other HTTP clients",
      "gst-walloc developers");

  element_class->change_state =
      GST_DEBUG_FUNCPTR (gst_walloc_web_sink_change_state);
  sink_class->start = GST_DEBUG_FUNCPTR (gst_walloc_web_sink_start);
  sink_class->stop = GST_DEBUG_FUNCPTR (gst_walloc_web_sink_stop);
  sink_class->set_caps = GST_DEBUG_FUNCPTR (gst_walloc_web_sink_set_caps);
  sink_class->render = GST_DEBUG_FUNCPTR (gst_walloc_web_sink_render);
  sink_class->event = GST_DEBUG_FUNCPTR (gst_walloc_web_sink_event);

  /* types that libsoup and GIO look up in several threads at once */
  g_type_ensure (G_TYPE_SOCKET_CONNECTION);
  g_type_ensure (G_TYPE_TLS_CERTIFICATE);
}

static void
gst_walloc_web_sink_init (GstWallocWebSink * self)
{
  gst_walloc_web_properties_init (self);
  gst_walloc_web_metrics_init (&self->metrics);
  g_mutex_init (&self->results_lock);
  self->results = g_hash_table_new_full (g_str_hash, g_str_equal, g_free,
      g_free);
}
