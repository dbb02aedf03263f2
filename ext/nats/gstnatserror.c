/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What went wrong and what can be done, in words. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <string.h>

#include "gstnatsconnection.h"

GQuark
gst_nats_error_quark (void)
{
  return g_quark_from_static_string ("gst-nats-error-quark");
}

typedef struct
{
  natsStatus status;
  GstNatsError code;
  const gchar *text;
} StatusText;

typedef struct
{
  int code;
  GstNatsError error;
  const gchar *text;
} CodeText;

static const StatusText status_texts[] = {
  {NATS_NO_SERVER, GST_NATS_ERROR_NO_SERVER,
      "no server answers there; is nats-server running, and is the URL right?"},
  {NATS_IO_ERROR, GST_NATS_ERROR_NO_SERVER,
      "the network failed, or what answers is no NATS server"},
  {NATS_ADDRESS_MISSING, GST_NATS_ERROR_SETTINGS,
      "a URL has no host; they read nats://host:port, commas between"},
  {NATS_PROTOCOL_ERROR, GST_NATS_ERROR_NO_SERVER,
      "what answers is no NATS server, or wants TLS (tls://host:port), or a "
        "certificate (tls-cert-file)"},
  {NATS_CONNECTION_AUTH_FAILED, GST_NATS_ERROR_NOT_AUTHORIZED,
      "the server wants other credentials; set user and password, token, "
        "credentials-file, or nkey with it"},
  {NATS_NOT_PERMITTED, GST_NATS_ERROR_NOT_AUTHORIZED,
      "the server's permissions of this user do not allow it"},
  {NATS_SECURE_CONNECTION_REQUIRED, GST_NATS_ERROR_TLS,
      "the server takes TLS only; set tls=true or tls-ca-file"},
  {NATS_SECURE_CONNECTION_WANTED, GST_NATS_ERROR_TLS,
      "the server has no TLS; leave tls and tls-ca-file out"},
  {NATS_SSL_ERROR, GST_NATS_ERROR_TLS,
      "TLS failed; tls-ca-file must have the CA of the server's certificate, "
        "and the host in the URL must be the certificate's"},
  {NATS_TIMEOUT, GST_NATS_ERROR_TIMEOUT, "no answer in time"},
  {NATS_MAX_PAYLOAD, GST_NATS_ERROR_TOO_LARGE,
      "the message is above the server's max_payload"},
  {NATS_NO_RESPONDERS, GST_NATS_ERROR_NO_JETSTREAM,
      "JetStream does not answer; start nats-server with -js, or see "
        "whether the stream exists"},
  {NATS_CONNECTION_CLOSED, GST_NATS_ERROR_CLOSED, "the connection is closed"},
  {NATS_CONNECTION_DISCONNECTED, GST_NATS_ERROR_NO_SERVER,
      "the connection was lost"},
  {NATS_NOT_FOUND, GST_NATS_ERROR_NO_STREAM, "it does not exist"},
  {NATS_INVALID_SUBJECT, GST_NATS_ERROR_SETTINGS, "not a valid subject"},
};

static const CodeText code_texts[] = {
  {JSNotEnabledErr, GST_NATS_ERROR_NO_JETSTREAM,
      "JetStream is not enabled; start nats-server with -js"},
  {JSNotEnabledForAccountErr, GST_NATS_ERROR_NO_JETSTREAM,
      "JetStream is not enabled for this user's account"},
  {JSStreamNotFoundErr, GST_NATS_ERROR_NO_STREAM,
      "there is no such stream; make it, or set create-stream=true"},
  {JSNoMessageFoundErr, GST_NATS_ERROR_NO_STREAM,
      "the message is no longer in the stream"},
  {JSConsumerNotFoundErr, GST_NATS_ERROR_NO_STREAM,
      "there is no such consumer"},
  {JSStreamNotMatchErr, GST_NATS_ERROR_NO_STREAM,
      "the stream that takes the subject is another one"},
  {JSStreamSubjectOverlapErr, GST_NATS_ERROR_SETTINGS,
      "another stream takes these subjects; use that one"},
  {JSStreamNameExistErr, GST_NATS_ERROR_SETTINGS,
      "a stream of this name exists with other settings"},
  {JSStreamMessageExceedsMaximumErr, GST_NATS_ERROR_TOO_LARGE,
      "the message is above the stream's limit of a message"},
  {JSStreamReplicasNotSupportedErr, GST_NATS_ERROR_SETTINGS,
      "one server alone keeps no replicas; set replicas=1"},
  {JSClusterNoPeersErr, GST_NATS_ERROR_SETTINGS,
      "the cluster has fewer servers, or less room, than replicas asks for"},
  {JSStreamStoreFailedErr, GST_NATS_ERROR_FULL,
      "the server cannot store it: a limit of the stream (max bytes, "
        "discard new) is reached, or its disk is full"},
  {JSStreamLimitsErr, GST_NATS_ERROR_FULL, "a limit of the stream is reached"},
  {JSStorageResourcesExceededErr, GST_NATS_ERROR_FULL,
      "the server's storage limit (max_file_store) is reached"},
  {JSMemoryResourcesExceededErr, GST_NATS_ERROR_FULL,
      "the server's memory limit (max_memory_store) is reached"},
  {JSInsufficientResourcesErr, GST_NATS_ERROR_FULL,
      "the server has no room left for this"},
  {JSAccountResourcesExceededErr, GST_NATS_ERROR_FULL,
      "the limit of this user's account is reached"},
  {JSClusterNotAvailErr, GST_NATS_ERROR_TIMEOUT,
      "the cluster has no leader just now"},
  {JSConsumerExistingActiveErr, GST_NATS_ERROR_SETTINGS,
      "the consumer is in use"},
  {JSConsumerReplacementWithDifferentNameErr, GST_NATS_ERROR_SETTINGS,
      "the consumer exists with other settings"},
};

void
gst_nats_set_error (GError ** error, natsStatus status, jsErrCode code,
    const gchar * what)
{
  const gchar *text = NULL, *detail = nats_GetLastError (NULL);
  GstNatsError number = GST_NATS_ERROR_FAILED;
  guint i;

  for (i = 0; i < G_N_ELEMENTS (status_texts) && !text; i++) {
    if (status_texts[i].status == status) {
      text = status_texts[i].text;
      number = status_texts[i].code;
    }
  }
  for (i = 0; i < G_N_ELEMENTS (code_texts) && code != 0; i++) {
    if (code_texts[i].code == (int) code) {
      text = code_texts[i].text;
      number = code_texts[i].error;
    }
  }
  /* JetStream's own messages say more than a number */
  if (code != 0 && !text)
    text = "JetStream refused it";
  g_set_error (error, GST_NATS_ERROR, number,
      "Cannot %s: %s (%s%s%s%s)", what, text ? text : "cnats failed",
      natsStatus_GetText (status), detail && *detail ? ": " : "",
      detail ? detail : "", code != 0 && !(detail && *detail) ?
      ", refused by JetStream" : "");
}

gchar *
gst_nats_hide_secrets (const gchar * urls)
{
  gchar **list = g_strsplit (urls ? urls : "", ",", -1), *all;
  gboolean comma = FALSE;
  guint i;

  /* from behind: what has an @ and no scheme may be the rest of a password with
   * a comma, which begins in one of those before */
  for (i = g_strv_length (list); i-- > 0;) {
    gchar *scheme = strstr (list[i], "://");
    gchar *host = strrchr (list[i], '@');

    if (host || comma) {
      *(scheme ? scheme + 3 : list[i]) = '\0';
      all = g_strconcat (list[i], host ? host + 1 : "...", NULL);
      g_free (list[i]);
      list[i] = all;
    }
    comma = (comma || host) && !scheme;
  }
  all = g_strjoinv (",", list);
  g_strfreev (list);

  return all;
}

gboolean
gst_nats_subject_is_valid (const gchar * subject, gboolean wildcards)
{
  gchar **tokens;
  gboolean ok = TRUE;
  guint i;

  if (!subject || !*subject || strlen (subject) > 255)
    return FALSE;
  tokens = g_strsplit (subject, ".", -1);
  for (i = 0; tokens[i] && ok; i++) {
    const gchar *c = tokens[i];

    if (g_str_equal (c, "*") || g_str_equal (c, ">"))
      ok = wildcards && (*c == '*' || !tokens[i + 1]);
    else
      for (ok = *c != '\0'; *c; c++)
        ok = ok && (guchar) * c > ' ' && *c != '*' && *c != '>' && *c != 127;
  }
  g_strfreev (tokens);

  return ok;
}
