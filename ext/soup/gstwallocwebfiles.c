/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The page and what it loads, out of the plugin itself. It has no secrets:
 * what the page then asks for needs the token. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <string.h>

#include "gstwallocwebserver-private.h"

#define ROOT "/org/gst-walloc/web"

/* Nothing comes from elsewhere, nothing goes elsewhere; 'wasm-unsafe-eval' is
 * what WebAssembly needs to be compiled. For WebSockets some browsers want the
 * host by its name. Other pages may not hold this one in a frame. */
#define POLICY "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; " \
  "style-src 'self'; img-src 'self' data: blob:; worker-src 'self'; " \
  "manifest-src 'self'; base-uri 'none'; form-action 'none'; " \
  "frame-ancestors 'none'; connect-src 'self'"

static const struct
{
  const gchar *suffix, *type;
} types[] = {
  {".html", "text/html; charset=utf-8"},
  {".js", "text/javascript; charset=utf-8"},
  {".mjs", "text/javascript; charset=utf-8"},
  {".css", "text/css; charset=utf-8"},
  {".wasm", "application/wasm"},
  {".svg", "image/svg+xml"},
  {".png", "image/png"},
  {".ico", "image/x-icon"},
  {".json", "application/json"},
  {".webmanifest", "application/manifest+json"},
  {".txt", "text/plain; charset=utf-8"},
};

static const gchar *
type_of (const gchar * name)
{
  guint i;

  for (i = 0; i < G_N_ELEMENTS (types); i++) {
    if (g_str_has_suffix (name, types[i].suffix))
      return types[i].type;
  }
  return "application/octet-stream";
}

static gboolean
has_tag (SoupServerMessage * message, const gchar * tag)
{
  const gchar *wanted = soup_message_headers_get_list
      (soup_server_message_get_request_headers (message), "If-None-Match");

  return wanted && strstr (wanted, tag) != NULL;
}

static gchar *
policy_for (GstWallocWebServer * self, SoupServerMessage * message)
{
  const gchar *host = soup_message_headers_get_one
      (soup_server_message_get_request_headers (message), "Host");

  /* nothing that could end the source, or the header */
  if (!host || strspn (host, "0123456789abcdefghijklmnopqrstuvwxyz"
          "ABCDEFGHIJKLMNOPQRSTUVWXYZ.:[]-_") != strlen (host))
    return g_strdup (POLICY);
  return g_strdup_printf (POLICY " %s://%s", self->settings.certificate ?
      "wss" : "ws", host);
}

gboolean
gst_walloc_web_files_answer (GstWallocWebServer * self,
    SoupServerMessage * message, const gchar * path)
{
  SoupMessageHeaders *h = soup_server_message_get_response_headers (message);
  const gchar *name = strcmp (path, "/") == 0 ? "/index.html" : path;
  gchar *resource, *sum, *tag, *policy;
  GBytes *bytes;

  /* as libsoup resolved escapes, there could be anything; a slash at the end
   * would be skipped */
  if (strstr (name, "..") || strstr (name, "//") || g_str_has_suffix (name,
          "/"))
    return FALSE;
  resource = g_strconcat (ROOT, name, NULL);
  bytes = g_resources_lookup_data (resource, G_RESOURCE_LOOKUP_FLAGS_NONE,
      NULL);
  g_free (resource);
  if (!bytes)
    return FALSE;

  sum = g_compute_checksum_for_bytes (G_CHECKSUM_SHA256, bytes);
  tag = g_strdup_printf ("\"%.32s\"", sum);
  soup_message_headers_replace (h, "ETag", tag);
  soup_message_headers_replace (h, "Cache-Control", "no-cache");
  policy = policy_for (self, message);
  soup_message_headers_replace (h, "Content-Security-Policy", policy);
  g_free (policy);
  soup_message_headers_replace (h, "Referrer-Policy", "no-referrer");
  soup_message_headers_replace (h, "Cross-Origin-Resource-Policy",
      "same-origin");
  if (has_tag (message, tag)) {
    g_bytes_unref (bytes);
    gst_walloc_web_routes_answer (self, message, SOUP_STATUS_NOT_MODIFIED,
        type_of (name), g_bytes_new_static ("", 0));
  } else {
    gst_walloc_web_routes_answer (self, message, SOUP_STATUS_OK,
        type_of (name), bytes);
  }
  g_free (tag);
  g_free (sum);

  return TRUE;
}
