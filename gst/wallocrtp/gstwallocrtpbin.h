/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What wallocrtpsink and wallocrtpsrc share: sockets, parts, sessions. */
#ifndef __GST_WALLOC_RTP_BIN_H__
#define __GST_WALLOC_RTP_BIN_H__

#include <gio/gio.h>
#include <gst/gst.h>

G_BEGIN_DECLS

/* seconds between reports at least, in ns for rtpbin */
#define GST_WALLOC_RTP_REPORT_INTERVAL GST_SECOND

/* Makes an element of @factory in @bin; NULL if there is none. */
GstElement *    gst_walloc_rtp_bin_make       (GstBin * bin,
                                               const gchar * factory);

/* Posts an error that names the first of @factories that is not there. */
gboolean        gst_walloc_rtp_bin_check      (GstElement * element,
                                               const gchar * const *factories);

/* Where @host is. A name may have several addresses: all parts have to take the
 * same one. NULL, and an error posted, if it is nowhere. */
GInetAddress *  gst_walloc_rtp_bin_resolve    (GstElement * element,
                                               const gchar * host);

/* Where what @host sends is listened to: at @address (NULL or empty: as is
 * best), on this machine only if it can come from nowhere else. */
gchar *         gst_walloc_rtp_bin_get_bind_address (const gchar * address,
                                               GInetAddress * host);

/* A UDP socket at @address, a number or "localhost"; @port 0: any. NULL, and
 * an error posted, if there cannot be one. */
GSocket *       gst_walloc_rtp_bin_bind       (GstElement * element,
                                               const gchar * address,
                                               guint16 port);

guint16         gst_walloc_rtp_bin_get_port   (GSocket * socket);

/* Profile and intervals of session 0 of @rtpbin; the session. */
GObject *       gst_walloc_rtp_bin_get_session (GstElement * rtpbin);

G_END_DECLS

#endif /* __GST_WALLOC_RTP_BIN_H__ */
