/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <string.h>

#include "address.h"

/* What stands before the last @ may be a password, however wrong the rest is. */
static gchar *
without_secrets (const gchar * text)
{
  const gchar *from = strstr (text, "://"), *to = strrchr (text, '@');

  from = from ? from + 3 : text;
  if (!to || to < from)
    return g_strdup (text);
  return g_strdup_printf ("%.*s...%s", (gint) (from - text), text, to);
}

static gboolean
is_nats (const gchar * scheme)
{
  return strcmp (scheme, "nats") == 0 || strcmp (scheme, "tls") == 0;
}

gboolean
sensor_address_parse (const gchar * text, SensorAddress * address)
{
  gchar *scheme = NULL, *path = NULL, *shown;
  const gchar *subject;
  gint port = -1;
  gboolean ok;

  memset (address, 0, sizeof (*address));
  ok = g_uri_split_with_user (text, G_URI_FLAGS_HAS_PASSWORD, &scheme,
      &address->user, &address->password, NULL, &address->host, &port, &path,
      NULL, NULL, NULL) && scheme && address->host && *address->host;
  if (ok && strcmp (scheme, "rtp") == 0) {
    ok = !address->user && port > 0 && port < 65535;
    address->port = ok ? (guint) port : 0;
  } else if (ok && is_nats (scheme)) {
    subject = path && path[0] == '/' ? path + 1 : "";
    address->nats = TRUE;
    ok = strpbrk (subject, " \t/") == NULL;
    address->url = g_strdup_printf (strchr (address->host, ':') ?
        "%s://[%s]:%d" : "%s://%s:%d", scheme, address->host,
        port > 0 ? port : 4222);
    address->subject = *subject ? g_strdup (subject) : NULL;
  } else {
    ok = FALSE;
  }
  if (!ok) {
    shown = without_secrets (text);
    g_printerr ("\"%s\" is no address: rtp://HOST:PORT or "
        "nats://[USER:PASSWORD@]HOST[:PORT][/SUBJECT] is wanted; in user and "
        "password write %%40 for @, %%3A for :, %%2F for /, %%25 for %%\n",
        shown);
    g_free (shown);
    sensor_address_clear (address);
  }
  g_free (scheme);
  g_free (path);

  return ok;
}

void
sensor_address_clear (SensorAddress * address)
{
  g_clear_pointer (&address->url, g_free);
  g_clear_pointer (&address->user, g_free);
  g_clear_pointer (&address->password, g_free);
  g_clear_pointer (&address->host, g_free);
  g_clear_pointer (&address->subject, g_free);
}

void
sensor_address_login (const SensorAddress * address, GstElement * pipeline)
{
  GstElement *nats = gst_bin_get_by_name (GST_BIN (pipeline), "nats");

  if (!nats)
    return;
  if (address->password)
    g_object_set (nats, "user", address->user, "password", address->password,
        NULL);
  else if (address->user)
    g_object_set (nats, "token", address->user, NULL);
  gst_object_unref (nats);
}
