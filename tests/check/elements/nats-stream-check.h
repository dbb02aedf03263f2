/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Set-up of tests with JetStream. */
#ifndef NATS_STREAM_CHECK_H
#define NATS_STREAM_CHECK_H

#include "nats-check.h"

#define STREAM "mode=jetstream stream=S "
#define CREATE STREAM "create-stream=true stream-subjects=s.> subject=s.1 "
#define READ STREAM "subject=s.* "

/* A natssink whose stream is there. */
static GstHarness *
maker (NatsServer * server, const gchar * properties)
{
  GstHarness *sink = nats_sender (server, properties);

  nats_await (sink, "connected", 1);
  return sink;
}

G_GNUC_UNUSED static void
push_many (GstHarness * sink, guint first, guint n, gsize size)
{
  guint i;

  for (i = first; i < first + n; i++)
    fail_unless_equals_int (gst_harness_push (sink, nats_buffer_new (i, size)),
        GST_FLOW_OK);
}

G_GNUC_UNUSED static GstBuffer *
pull_one (GstHarness * src, guint seed, gsize size)
{
  GstBuffer *buffer = gst_harness_pull (src);

  fail_unless (buffer != NULL, "nothing came for %u", seed);
  fail_unless (nats_buffer_is (buffer, seed, size), "%u is another: %"
      GST_TIME_FORMAT, seed, GST_TIME_ARGS (GST_BUFFER_PTS (buffer)));
  return buffer;
}

#endif /* NATS_STREAM_CHECK_H */
