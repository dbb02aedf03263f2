/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <jansson.h>
#include <string.h>

#include "gstnatsack.h"

/* answers have a hundred bytes */
#define MAX_SIZE 8192

void
gst_nats_ack_parse (GstNatsAck * ack, const gchar * data, gsize size)
{
  json_t *root = NULL, *error, *text;
  json_int_t sequence;

  memset (ack, 0, sizeof (*ack));
  if (size <= MAX_SIZE)
    root = json_loadb (data, size, 0, NULL);
  error = json_object_get (root, "error");
  sequence = json_integer_value (json_object_get (root, "seq"));
  if (json_is_object (error)) {
    gst_nats_set_error (&ack->error, NATS_ERR, (jsErrCode)
        json_integer_value (json_object_get (error, "err_code")),
        "have a message stored");
    text = json_object_get (error, "description");
    if (json_is_string (text))
      g_prefix_error (&ack->error, "%s: ", json_string_value (text));
  } else if (sequence > 0) {
    ack->sequence = (guint64) sequence;
    ack->duplicate = json_is_true (json_object_get (root, "duplicate"));
  } else {
    g_set_error_literal (&ack->error, GST_NATS_ERROR, GST_NATS_ERROR_FAILED,
        "What answered to a published message is no stream; is another "
        "client listening to this subject and replying?");
  }
  json_decref (root);
}

void
gst_nats_ack_read (GstNatsAck * ack, natsMsg * msg)
{
  if (natsMsg_IsNoResponders (msg)) {
    memset (ack, 0, sizeof (*ack));
    g_set_error_literal (&ack->error, GST_NATS_ERROR, GST_NATS_ERROR_NO_STREAM,
        "No stream takes this subject: make one, or set create-stream=true; "
        "or nats-server runs without -js, or the stream has no leader now");
    return;
  }
  gst_nats_ack_parse (ack, natsMsg_GetData (msg),
      (gsize) natsMsg_GetDataLength (msg));
}

void
gst_nats_ack_clear (GstNatsAck * ack)
{
  g_clear_error (&ack->error);
}
