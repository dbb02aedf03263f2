/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Streams of JetStream: made when they are not there, never changed. */
#ifndef __GST_NATS_STREAM_H__
#define __GST_NATS_STREAM_H__

#include "gstnatsconnection.h"

G_BEGIN_DECLS

/* Subjects of the chunks of large buffers begin with it: consumers of
 * the buffers' own subjects, wildcards among them, then do not see them. */
#define GST_NATS_CHUNK_PREFIX "_chunk."

typedef struct
{
  gchar *name;
  gchar *subjects;              /* commas between; those of the chunks are
                                   added. NULL: make no stream */
  gint64 max_bytes, max_messages;       /* -1: no limit */
  guint64 max_age;              /* ns; 0: no limit */
  guint64 duplicate_window;     /* ns; 0: the server's default */
  guint replicas;
  jsStorageType storage;
  jsDiscardPolicy discard;
  jsRetentionPolicy retention;
} GstNatsStreamConfig;

void gst_nats_stream_config_init (GstNatsStreamConfig * config);
void gst_nats_stream_config_clear (GstNatsStreamConfig * config);
void gst_nats_stream_config_copy (GstNatsStreamConfig * to,
    const GstNatsStreamConfig * from);

/* Makes the stream unless there is one of that name; with config->subjects
 * NULL it must be there. Waits for the network: the form is GstNatsSetup's. */
gboolean gst_nats_stream_ensure (GstNatsConnection * connection,
    gpointer config, GError ** error);

/* After @error: TRUE when the settings say to wait for what is not there yet and
 * the time until the next attempt, number @round + 1, has passed. Of the first
 * one the connection tells. */
gboolean gst_nats_stream_wait (GstNatsConnection * connection, guint round,
    const GError * error);

/* NULL or an error for names that streams and consumers cannot have. */
gboolean gst_nats_name_is_valid (const gchar * name);

G_END_DECLS

#endif /* __GST_NATS_STREAM_H__ */
