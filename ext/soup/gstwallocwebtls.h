/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Handshakes of TLS for the listener. Each takes a thread of GLib's, of which
 * the whole process has few, from the client's first word to its last: so one
 * begins only when that first word is there as a whole, few are made at once,
 * and still fewer with one address. Of the network thread only. */
#ifndef __GST_WALLOC_WEB_TLS_H__
#define __GST_WALLOC_WEB_TLS_H__

#include <gio/gio.h>

G_BEGIN_DECLS

typedef struct _GstWallocWebTls GstWallocWebTls;

/* @stream may be used. */
typedef void (*GstWallocWebTlsReady) (GIOStream * stream, GSocket * socket,
    gpointer data);

GstWallocWebTls *
            gst_walloc_web_tls_new          (GTlsCertificate * certificate,
                                             GstWallocWebTlsReady ready,
                                             gpointer data);

/* After all sockets were shut down: waits for handshakes that still run. */
void        gst_walloc_web_tls_free         (GstWallocWebTls * tls);

/* TLS over @plain; NULL when that cannot be. */
GIOStream * gst_walloc_web_tls_stream       (GstWallocWebTls * tls,
                                             GIOStream * plain);

/* Shakes hands over @stream, which lies above @socket, with a client at @address;
 * holds a reference to it until it is ready, or the socket is shut down. */
void        gst_walloc_web_tls_add          (GstWallocWebTls * tls,
                                             GIOStream * stream,
                                             GSocket * socket,
                                             const gchar * address);

G_END_DECLS

#endif /* __GST_WALLOC_WEB_TLS_H__ */
