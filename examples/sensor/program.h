/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What node and server have in common. */
#pragma once

#include "runner.h"
#include "settings.h"

/* First in the settings of each. */
typedef struct
{
  gchar *name, *media;
  gint rate, stall, report;
} SensorCommon;

/* Their lines in its table. */
#define SENSOR_COMMON(type, name_, stall_) \
  {"name", G_STRUCT_OFFSET (type, common.name), name_, 0, 0, \
      "of this machine: letters, digits and -"}, \
  {"media", G_STRUCT_OFFSET (type, common.media), "video", 0, 0, \
      "video or audio (server: of RTP)"}, \
  {"rate", G_STRUCT_OFFSET (type, common.rate), "16000", 8000, 96000, \
      "samples a second of sound (server: of RTP, as the node has it)"}, \
  {"stall", G_STRUCT_OFFSET (type, common.stall), stall_, 0, 3600, \
      "seconds without a frame after which all is begun anew; 0: never"}, \
  {"report", G_STRUCT_OFFSET (type, common.report), "10", 0, 3600, \
      "seconds between lines about rates"}

typedef struct
{
  const gchar *group, *summary;
  const SensorSetting *table;
  SensorCommon *settings;
  /* Whether the rest of the settings is good; if not, that was printed. */
  gboolean (*check) (gpointer data);
  SensorJob job;
  gpointer data;                /* of check() and of the job */
} SensorProgram;

/* Reads settings, runs the job. An exit status: that of sensor_run(), or 2 where
 * settings are wrong. Settings are not cleared. */
gint sensor_main (SensorProgram * program, gint argc, gchar ** argv);

gboolean sensor_is_audio (const SensorCommon * settings);

/* "15.0 frames/s, 66 kbit/s"; systemd is told as well. To be freed. */
gchar *sensor_rate (guint64 buffers, guint64 bytes, gdouble seconds);
