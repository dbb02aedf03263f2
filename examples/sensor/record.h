/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Recorded files: NAME-000000.wlc, NAME-000001.wlc, ... of one folder. A server
 * that begins anew goes on behind the last of them. */
#pragma once

#include <gst/gst.h>

typedef struct
{
  const gchar *folder, *name;
  guint seconds;                /* that a file has at least, but the last */
  guint files;                  /* that are kept, the newest; 0: all */
} SensorRecording;

/* Writes what comes to @sink into files. Each begins with a key frame, so that it
 * plays from its first frame on; what comes before the first key frame
 * is left out. A full disk is an error of @sink. @recording must outlive it. */
void sensor_record (GstElement * sink, const SensorRecording * recording);
