/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <string.h>

#include "gstwallocrtpbin.h"

GstElement *
gst_walloc_rtp_bin_make (GstBin * bin, const gchar * factory)
{
  GstElement *element = gst_element_factory_make (factory, NULL);

  if (element)
    gst_bin_add (bin, element);
  return element;
}

gboolean
gst_walloc_rtp_bin_check (GstElement * element, const gchar * const *factories)
{
  for (; *factories; factories++) {
    GstElementFactory *factory = gst_element_factory_find (*factories);

    if (!factory) {
      GST_ELEMENT_ERROR (element, CORE, MISSING_PLUGIN, (NULL),
          ("There is no element \"%s\": install gst-plugins-good and "
              "gst-walloc.", *factories));
      return FALSE;
    }
    gst_object_unref (factory);
  }
  return TRUE;
}

GInetAddress *
gst_walloc_rtp_bin_resolve (GstElement * element, const gchar * host)
{
  GInetAddress *inet = g_inet_address_new_from_string (host);
  GError *error = NULL;
  GResolver *resolver;
  GList *all;

  if (inet)
    return inet;
  if (strcmp (host, "localhost") == 0)
    return g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV4);
  resolver = g_resolver_get_default ();
  all = g_resolver_lookup_by_name (resolver, host, NULL, &error);
  g_object_unref (resolver);
  if (!all) {
    GST_ELEMENT_ERROR (element, RESOURCE, NOT_FOUND, (NULL),
        ("The host \"%s\" is not found: %s", host, error->message));
    g_clear_error (&error);
    return NULL;
  }
  inet = g_object_ref (all->data);
  g_resolver_free_addresses (all);
  return inet;
}

gchar *
gst_walloc_rtp_bin_get_bind_address (const gchar * address, GInetAddress * host)
{
  if (address && *address)
    return g_strdup (address);
  if (g_inet_address_get_is_loopback (host))
    return g_inet_address_to_string (host);
  if (g_inet_address_get_family (host) == G_SOCKET_FAMILY_IPV6)
    return g_strdup ("::");
  return g_strdup ("0.0.0.0");
}

GSocket *
gst_walloc_rtp_bin_bind (GstElement * element, const gchar * address,
    guint16 port)
{
  GError *error = NULL;
  GInetAddress *inet = strcmp (address, "localhost") == 0 ?
      g_inet_address_new_loopback (G_SOCKET_FAMILY_IPV4) :
      g_inet_address_new_from_string (address);
  GSocketAddress *where;
  GSocket *socket;

  if (!inet) {
    GST_ELEMENT_ERROR (element, RESOURCE, SETTINGS, (NULL),
        ("\"%s\" is no address of this machine: numbers are taken, as "
            "127.0.0.1 or 0.0.0.0 (all), and \"localhost\".", address));
    return NULL;
  }
  where = g_inet_socket_address_new (inet, port);
  socket = g_socket_new (g_inet_address_get_family (inet),
      G_SOCKET_TYPE_DATAGRAM, G_SOCKET_PROTOCOL_UDP, &error);
  if (socket && !g_socket_bind (socket, where, FALSE, &error))
    g_clear_object (&socket);
  if (!socket) {
    GST_ELEMENT_ERROR (element, RESOURCE, OPEN_READ, (NULL),
        ("Cannot listen at %s port %u: %s", address, port, error->message));
    g_clear_error (&error);
  }
  g_object_unref (where);
  g_object_unref (inet);
  return socket;
}

guint16
gst_walloc_rtp_bin_get_port (GSocket * socket)
{
  GSocketAddress *address = g_socket_get_local_address (socket, NULL);
  guint16 port = 0;

  if (address)
    port = g_inet_socket_address_get_port (G_INET_SOCKET_ADDRESS (address));
  g_clear_object (&address);
  return port;
}

GObject *
gst_walloc_rtp_bin_get_session (GstElement * rtpbin)
{
  GObject *session = NULL;

  g_signal_emit_by_name (rtpbin, "get-internal-session", 0, &session);
  if (session)
    g_object_set (session, "rtcp-min-interval",
        (guint64) GST_WALLOC_RTP_REPORT_INTERVAL, NULL);
  return session;
}
