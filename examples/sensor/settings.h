/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Settings from a file and from the command line, which has the last word. */
#pragma once

#include <glib.h>

/* One setting: --name VALUE, or name=VALUE in the file. */
typedef struct
{
  const gchar *name;
  gsize offset;                 /* of a gchar * or, with a range, of a gint */
  const gchar *usual;
  gint least, most;             /* both 0: a text */
  const gchar *what;
} SensorSetting;

/* Fills `settings`, a struct that is all zeros, from --config FILE (a group of
 * that name in a key file) and the options. The table ends with a name of
 * NULL. FALSE: something is wrong, and was printed. Texts are never NULL. */
gboolean sensor_settings_read (const SensorSetting * table, gpointer settings,
    const gchar * group, const gchar * summary, gint * argc, gchar *** argv);
void sensor_settings_clear (const SensorSetting * table, gpointer settings);

/* Whether @text is a name: letters, digits, - and _, one at least. If not, that
 * was printed. */
gboolean sensor_check_name (const gchar * setting, const gchar * text);

/* A text as value of a property in a launch line. */
gchar *sensor_quote (const gchar * text);
