/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <stdio.h>
#include <string.h>

#include "notify.h"
#include "program.h"

gboolean
sensor_is_audio (const SensorCommon * settings)
{
  return strcmp (settings->media, "audio") == 0;
}

static gboolean
are_good (const SensorCommon * s)
{
  /* it becomes a part of subjects and of files */
  if (!sensor_check_name ("name", s->name))
    return FALSE;
  if (strcmp (s->media, "video") == 0 || sensor_is_audio (s))
    return TRUE;
  g_printerr ("media=%s: video or audio is wanted\n", s->media);
  return FALSE;
}

gint
sensor_main (SensorProgram * program, gint argc, gchar ** argv)
{
  if (!sensor_settings_read (program->table, program->settings,
          program->group, program->summary, &argc, &argv)
      || !are_good (program->settings) || !program->check (program->data))
    return 2;
  gst_init (NULL, NULL);
  /* one line, one write, also where nobody sees it at once */
  setvbuf (stdout, NULL, _IOLBF, 0);
  program->job.stall = (guint) program->settings->stall;
  program->job.report_seconds = (guint) program->settings->report;

  return sensor_run (&program->job, program->data);
}

gchar *
sensor_rate (guint64 buffers, guint64 bytes, gdouble seconds)
{
  gchar *text = g_strdup_printf ("%.1f frames/s, %.0f kbit/s",
      buffers / seconds, bytes * 8 / seconds / 1000);

  sensor_notify ("STATUS=%s", text);

  return text;
}
