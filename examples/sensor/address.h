/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Where a stream goes to, or comes from. */
#pragma once

#include <gst/gst.h>

typedef struct
{
  gboolean nats;
  gchar *url;                   /* of NATS, without user, password and path */
  gchar *user, *password;       /* of NATS, or NULL; without password, user is
                                   a token */
  gchar *host, *subject;        /* of RTP; of NATS: the path, or NULL */
  guint port;
} SensorAddress;

/* rtp://HOST:PORT or nats://[USER:PASSWORD@]HOST[:PORT][/SUBJECT], also tls://
 * for NATS; in user and password %40 is @ and so on. FALSE: it is none; that was
 * printed, without the secrets. */
gboolean sensor_address_parse (const gchar * text, SensorAddress * address);
void sensor_address_clear (SensorAddress * address);

/* Sets user and password of the element "nats" of a pipeline, if there is one:
 * they are never part of a launch line, which is printed where it is wrong. */
void sensor_address_login (const SensorAddress * address,
    GstElement * pipeline);
