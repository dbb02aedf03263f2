/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Who may ask, and how: sizes, hosts, origins, the token (docs/web.md). */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <string.h>

#include "gstwallocwebserver-private.h"
#include "webrequest.h"

#define MAX_TARGET 4096         /* path and query */
#define MAX_HEADERS 16384

gboolean
gst_walloc_web_access_has_body (SoupServerMessage * message)
{
  switch (soup_message_headers_get_encoding
      (soup_server_message_get_request_headers (message))) {
    case SOUP_ENCODING_NONE:
      return FALSE;
    case SOUP_ENCODING_CONTENT_LENGTH:
      return
          soup_message_headers_get_content_length
          (soup_server_message_get_request_headers (message)) > 0;
    default:
      return TRUE;
  }
}

gboolean
gst_walloc_web_access_is_too_long (SoupServerMessage * message, guint * status)
{
  GUri *uri = soup_server_message_get_uri (message);
  const gchar *query = g_uri_get_query (uri);
  SoupMessageHeadersIter iter;
  const char *name, *value;
  gsize size = 0;

  *status = SOUP_STATUS_REQUEST_URI_TOO_LONG;
  if (strlen (g_uri_get_path (uri)) + (query ? strlen (query) : 0) > MAX_TARGET)
    return TRUE;
  *status = 431;
  soup_message_headers_iter_init (&iter,
      soup_server_message_get_request_headers (message));
  while (soup_message_headers_iter_next (&iter, &name, &value))
    size += strlen (name) + strlen (value) + 4;
  return size > MAX_HEADERS;
}

/* Whether the page, if it is one, that makes the browser ask may do so. */
gboolean
gst_walloc_web_access_may_ask (GstWallocWebServer * self,
    SoupServerMessage * message)
{
  const gchar *host = gst_walloc_web_header (message, "Host");
  const gchar *origin = gst_walloc_web_header (message, "Origin");
  const gchar *const *allowed = (const gchar * const *) self->settings.origins;

  if (gst_walloc_web_listener_is_local (self->listener) && host
      && !webrequest_is_loopback (host, allowed)) {
    gst_walloc_web_routes_refuse (self, message, SOUP_STATUS_FORBIDDEN,
        GST_WALLOC_WEB_DENIED,
        "This server listens on the loopback address only and was asked for "
        "by another name. Add \"http://NAME\" to the property "
        "\"allowed-origins\" if that is meant.");
    return FALSE;
  }
  if (origin && !webrequest_same_origin (origin, host,
          self->settings.certificate != NULL, allowed)) {
    gst_walloc_web_routes_refuse (self, message, SOUP_STATUS_FORBIDDEN,
        GST_WALLOC_WEB_DENIED,
        "Pages of this origin may not use this server. Add the origin to the "
        "property \"allowed-origins\".");
    return FALSE;
  }
  return TRUE;
}

/* A token from wherever a client can put one. */
static gboolean
has_token (GstWallocWebServer * self, SoupServerMessage * message)
{
  gchar token[WEBREQUEST_MAX_VALUE];
  const gchar *query = g_uri_get_query (soup_server_message_get_uri (message));
  gint offered;

  if (!self->settings.token)
    return TRUE;
  if (webrequest_bearer (gst_walloc_web_header (message, "Authorization"),
          token) == 1 && webrequest_same_token (token, self->settings.token))
    return TRUE;
  if (webrequest_query (query, "token", token) == 1
      && webrequest_same_token (token, self->settings.token))
    return TRUE;
  return
      webrequest_protocols (soup_message_headers_get_list
      (soup_server_message_get_request_headers (message),
          "Sec-WebSocket-Protocol"), &offered, token) == 1
      && webrequest_same_token (token, self->settings.token);
}

gboolean
gst_walloc_web_access_check_token (GstWallocWebServer * self,
    SoupServerMessage * message)
{
  if (has_token (self, message))
    return TRUE;
  soup_message_headers_replace (soup_server_message_get_response_headers
      (message), "WWW-Authenticate", "Bearer realm=\"wallocwebsink\"");
  gst_walloc_web_routes_refuse (self, message, SOUP_STATUS_UNAUTHORIZED,
      GST_WALLOC_WEB_DENIED,
      "This server needs its token: as header \"Authorization: Bearer TOKEN\" "
      "or in the address as ?token=TOKEN.");
  return FALSE;
}

/* What browsers ask before a page of another origin may send its token. */
gboolean
gst_walloc_web_access_is_preflight (GstWallocWebServer * self,
    SoupServerMessage * message)
{
  const gchar *origin = gst_walloc_web_header (message, "Origin");

  return soup_server_message_get_method (message) == SOUP_METHOD_OPTIONS
      && origin
      && gst_walloc_web_header (message, "Access-Control-Request-Method")
      && webrequest_same_origin (origin, NULL, FALSE,
      (const gchar * const *) self->settings.origins);
}

void
gst_walloc_web_access_answer_preflight (GstWallocWebServer * self,
    SoupServerMessage * message)
{
  SoupMessageHeaders *h = soup_server_message_get_response_headers (message);

  soup_message_headers_replace (h, "Access-Control-Allow-Methods", "GET, HEAD");
  soup_message_headers_replace (h, "Access-Control-Allow-Headers",
      "Authorization, Last-Event-ID");
  soup_message_headers_replace (h, "Access-Control-Max-Age", "600");
  gst_walloc_web_routes_answer (self, message, SOUP_STATUS_NO_CONTENT,
      GST_WALLOC_WEB_TEXT, g_bytes_new_static ("", 0));
}
