/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Keeps a pipeline running: makes it again when it fails or stalls. */
#pragma once

#include <gst/gst.h>

/* What is run. All functions are called in the main thread. */
typedef struct
{
  /* The launch line, new each time; must have an element "out", whose sink pad is
   * watched: without a buffer there for stall seconds the pipeline is made
   * again. NULL: for ever. */
  gchar *(*describe) (gpointer data);
  /* A new pipeline, before it starts; may be NULL. */
  void (*made) (GstElement * pipeline, gpointer data);
  /* Each report seconds: buffers and bytes that passed "out" since the last
   * time; may be NULL. */
  void (*report) (GstElement * pipeline, guint64 buffers, guint64 bytes,
      gdouble seconds, gpointer data);
  guint stall, report_seconds;
} SensorJob;

/* Runs until SIGINT or SIGTERM, or until the pipeline ended by itself. Returns an
 * exit status: 0, or 1 where the launch line cannot be made at all (an element
 * is not installed). */
gint sensor_run (const SensorJob * job, gpointer data);
