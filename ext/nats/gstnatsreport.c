/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What elements say on the bus, and the meta with a frame's identity. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <string.h>

#include "gstnatscommon.h"

static void
error_to_gst (const GError * error, gboolean writing, GQuark * domain,
    gint * code)
{
  *domain = GST_RESOURCE_ERROR;
  switch ((GstNatsError) error->code) {
    case GST_NATS_ERROR_NO_SERVER:
    case GST_NATS_ERROR_TIMEOUT:
    case GST_NATS_ERROR_TLS:
      *code = writing ? GST_RESOURCE_ERROR_OPEN_WRITE :
          GST_RESOURCE_ERROR_OPEN_READ;
      break;
    case GST_NATS_ERROR_NOT_AUTHORIZED:
      *code = GST_RESOURCE_ERROR_NOT_AUTHORIZED;
      break;
    case GST_NATS_ERROR_SETTINGS:
      *code = GST_RESOURCE_ERROR_SETTINGS;
      break;
    case GST_NATS_ERROR_NO_JETSTREAM:
    case GST_NATS_ERROR_NO_STREAM:
      *code = GST_RESOURCE_ERROR_NOT_FOUND;
      break;
    case GST_NATS_ERROR_FULL:
      *code = GST_RESOURCE_ERROR_NO_SPACE_LEFT;
      break;
    default:
      *code = writing ? GST_RESOURCE_ERROR_WRITE : GST_RESOURCE_ERROR_READ;
      break;
  }
}

void
gst_nats_failure_init (GstNatsFailure * self)
{
  g_rec_mutex_init (&self->lock);
  self->posted = FALSE;
}

void
gst_nats_failure_clear (GstNatsFailure * self)
{
  g_rec_mutex_clear (&self->lock);
}

void
gst_nats_failure_reset (GstNatsFailure * self)
{
  g_rec_mutex_lock (&self->lock);
  self->posted = FALSE;
  g_rec_mutex_unlock (&self->lock);
}

void
gst_nats_failure_post (GstNatsFailure * self, GstElement * element,
    const GError * error, gboolean writing)
{
  GQuark domain;
  gint code;

  error_to_gst (error, writing, &domain, &code);
  g_rec_mutex_lock (&self->lock);
  if (!self->posted) {
    self->posted = TRUE;
    gst_element_message_full (element, GST_MESSAGE_ERROR, domain, code,
        g_strdup (error->message), NULL, __FILE__, GST_FUNCTION, __LINE__);
  }
  g_rec_mutex_unlock (&self->lock);
}

static void
post_warning (GstElement * element, const GError * error)
{
  GQuark domain;
  gint code;

  error_to_gst (error, FALSE, &domain, &code);
  gst_element_message_full (element, GST_MESSAGE_WARNING, domain, code,
      g_strdup (error->message), NULL, __FILE__, GST_FUNCTION, __LINE__);
}

static void
post_status (GstElement * element, const gchar * status, const gchar * url)
{
  gst_element_post_message (element, gst_message_new_element (GST_OBJECT
          (element), gst_structure_new ("nats-connection",
              "status", G_TYPE_STRING, status,
              "url", G_TYPE_STRING, url, NULL)));
}

gboolean
gst_nats_report_event (GstElement * element, GstNatsEvent event,
    const GError * error, const gchar * url)
{
  switch (event) {
    case GST_NATS_CONNECTED:
      post_status (element, "connected", url);
      break;
    case GST_NATS_RECONNECTED:
      post_status (element, "reconnected", url);
      break;
    case GST_NATS_LOST:
      post_status (element, "lost", url);
      post_warning (element, error);
      break;
    case GST_NATS_REFUSED:
      /* what was published is gone without any other sign of it */
      if (error->code == GST_NATS_ERROR_NOT_AUTHORIZED)
        return TRUE;
      post_warning (element, error);
      break;
    case GST_NATS_FAILED:
      return TRUE;
    case GST_NATS_SLOW:
      break;
  }
  return FALSE;
}

void
gst_nats_meta_register (void)
{
  static gsize once;

  if (g_once_init_enter (&once)) {
    /* no tags: decoders and filters then copy it */
    static const gchar *tags[] = { NULL };

    if (!gst_meta_get_info (GST_NATS_META))
      gst_meta_register_custom (GST_NATS_META, tags, NULL, NULL, NULL);
    g_once_init_leave (&once, 1);
  }
}

void
gst_nats_meta_add (GstBuffer * buffer, const nats_identity * identity,
    const gchar * subject, const nats_delivery * delivery, gboolean duplicate,
    guint64 capture_time, guint64 receive_time)
{
  GstCustomMeta *meta;

  gst_nats_meta_register ();
  meta = gst_buffer_add_custom_meta (buffer, GST_NATS_META);
  g_return_if_fail (meta != NULL);
  gst_structure_set (gst_custom_meta_get_structure (meta),
      "source", G_TYPE_STRING, identity->source,
      "epoch", G_TYPE_UINT64, (guint64) identity->epoch,
      "sequence", G_TYPE_UINT64, (guint64) identity->sequence,
      "repeat", G_TYPE_UINT, (guint) identity->repeat,
      "subject", G_TYPE_STRING, subject,
      "delivered", G_TYPE_UINT, (guint) MIN (delivery->delivered, G_MAXUINT),
      "stream-sequence", G_TYPE_UINT64, (guint64) delivery->stream_sequence,
      "duplicate", G_TYPE_BOOLEAN, duplicate,
      "capture-time", G_TYPE_UINT64, capture_time,
      "receive-time", G_TYPE_UINT64, receive_time, NULL);
}

gboolean
gst_nats_meta_get (GstBuffer * buffer, nats_identity * identity,
    guint * delivered, guint64 * capture_time)
{
  GstCustomMeta *meta;
  GstStructure *s;
  const gchar *source;
  guint64 epoch, sequence;
  guint repeat = 0;

  gst_nats_meta_register ();
  meta = gst_buffer_get_custom_meta (buffer, GST_NATS_META);
  if (!meta)
    return FALSE;
  s = gst_custom_meta_get_structure (meta);
  source = gst_structure_get_string (s, "source");
  if (!source || !gst_structure_get_uint64 (s, "epoch", &epoch)
      || !gst_structure_get_uint64 (s, "sequence", &sequence))
    return FALSE;
  gst_structure_get_uint (s, "repeat", &repeat);
  memset (identity, 0, sizeof (*identity));
  nats_source_set (identity->source, source);
  identity->epoch = epoch;
  identity->sequence = sequence;
  identity->repeat = repeat;
  if (delivered)
    gst_structure_get_uint (s, "delivered", delivered);
  if (capture_time)
    gst_structure_get_uint64 (s, "capture-time", capture_time);

  return TRUE;
}
