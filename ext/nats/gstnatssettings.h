/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where and how to connect to NATS servers, who connects, and errors by cause
 * and cure. GLib and cnats alone. */
#ifndef __GST_NATS_SETTINGS_H__
#define __GST_NATS_SETTINGS_H__

#include <glib.h>
#include <nats/nats.h>

G_BEGIN_DECLS

#define GST_NATS_DEFAULT_SERVERS "nats://127.0.0.1:4222"

#define GST_NATS_ERROR (gst_nats_error_quark ())

typedef enum
{
  GST_NATS_ERROR_FAILED,        /* nothing more is known */
  GST_NATS_ERROR_SETTINGS,      /* what was asked for cannot be: names, URLs,
                                   files that cannot be read */
  GST_NATS_ERROR_NO_SERVER,     /* nobody answers */
  GST_NATS_ERROR_NOT_AUTHORIZED,        /* user, token, permissions */
  GST_NATS_ERROR_TLS,
  GST_NATS_ERROR_NO_JETSTREAM,  /* the server runs without it */
  GST_NATS_ERROR_NO_STREAM,     /* no stream takes the subject, or no such
                                   stream or consumer */
  GST_NATS_ERROR_TOO_LARGE,     /* above max_payload or a stream's limit */
  GST_NATS_ERROR_FULL,          /* limits of a stream, an account or the disk */
  GST_NATS_ERROR_TIMEOUT,       /* no answer in time */
  GST_NATS_ERROR_CLOSED,        /* reconnecting was given up */
  GST_NATS_ERROR_CANCELLED      /* by gst_nats_connection_set_flushing() */
} GstNatsError;

/* Where and how to connect. Strings may be NULL; all are owned. */
typedef struct
{
  gchar *servers;               /* URLs, commas between; NULL: the default
                                   nats://127.0.0.1:4222 */
  gchar *name;                  /* of the client, as servers show it */
  gchar *user, *password;
  gchar *token;
  gchar *credentials_file;      /* JWT and seed (.creds), or with nkey a seed */
  gchar *nkey;                  /* public key of a user without JWT */
  gchar *tls_ca_file;           /* PEM; setting it asks for TLS */
  gchar *tls_cert_file, *tls_key_file;  /* of the client, PEM */
  gboolean tls;                 /* ask for TLS with the system's CAs */
  gboolean tls_verify;          /* check the server's certificate: default */
  gint max_reconnect;           /* rounds over all servers; -1: for ever */
  guint reconnect_wait;         /* ms before the second round; doubles */
  guint reconnect_wait_max;     /* ms: not longer than this; a random part of
                                   up to a half is added */
  guint connect_timeout;        /* ms for one server */
  gboolean wait_for_server;     /* the first connection is retried like a lost
                                   one instead of failing */
} GstNatsSettings;

GQuark gst_nats_error_quark (void);

/* Sets @error by cnats' status and JetStream's error code (0: none); @what was
 * tried, such as "publish to cams.7". Adds what can be done about it. */
void gst_nats_set_error (GError ** error, natsStatus status, jsErrCode code,
    const gchar * what);

/* @urls without what stands before an @ in each; to be freed. */
gchar *gst_nats_hide_secrets (const gchar * urls);

void gst_nats_settings_init (GstNatsSettings * settings);
void gst_nats_settings_clear (GstNatsSettings * settings);
void gst_nats_settings_copy (GstNatsSettings * to, const GstNatsSettings * from);

/* Options for cnats, without callbacks; NULL with @error, which says what
 * cannot be used. */
natsOptions *gst_nats_settings_apply (const GstNatsSettings * settings,
    GError ** error);

/* ms to wait after so many attempts in vain: twice as long after each, and a
 * random part, so that ten thousand clients do not come back at once. */
guint gst_nats_settings_delay (const GstNatsSettings * settings,
    guint attempts);

G_END_DECLS

#endif /* __GST_NATS_SETTINGS_H__ */
