/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <errno.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "settings.h"

static gboolean
set (const SensorSetting * s, gpointer settings, const gchar * value,
    const gchar * where)
{
  gpointer at = (guint8 *) settings + s->offset;
  gchar *end = NULL;
  glong number;

  if (s->least == 0 && s->most == 0) {
    g_free (*(gchar **) at);
    *(gchar **) at = g_strdup (value);
    return TRUE;
  }
  errno = 0;
  number = strtol (value, &end, 10);
  if (errno || end == value || *end || number < s->least || number > s->most) {
    g_printerr ("%s: %s=%s: a number from %d to %d is wanted\n", where,
        s->name, value, s->least, s->most);
    return FALSE;
  }
  *(gint *) at = (gint) number;

  return TRUE;
}

static gboolean
read_file (const SensorSetting * table, gpointer settings, const gchar * group,
    const gchar * path)
{
  GKeyFile *file = g_key_file_new ();
  GError *error = NULL;
  gchar **keys = NULL;
  gboolean ok = TRUE;
  gsize count = 0, i;

  if (g_key_file_load_from_file (file, path, G_KEY_FILE_NONE, &error))
    keys = g_key_file_get_keys (file, group, &count, &error);
  if (!keys) {
    g_printerr ("%s: %s\n", path, error->message);
    ok = FALSE;
  }
  for (i = 0; ok && i < count; i++) {
    gchar *value = g_key_file_get_string (file, group, keys[i], &error);
    const SensorSetting *s = table;

    while (s->name && strcmp (s->name, keys[i]) != 0)
      s++;
    if (!s->name) {
      /* a slip of the pen that would go unnoticed */
      g_printerr ("%s: there is no setting \"%s\"\n", path, keys[i]);
      ok = FALSE;
    } else if (!value) {
      g_printerr ("%s: %s\n", path, error->message);
      ok = FALSE;
    } else {
      ok = set (s, settings, value, path);
    }
    g_free (value);
  }
  g_clear_error (&error);
  g_strfreev (keys);
  g_key_file_free (file);

  return ok;
}

gboolean
sensor_settings_read (const SensorSetting * table, gpointer settings,
    const gchar * group, const gchar * summary, gint * argc, gchar *** argv)
{
  GOptionContext *context = g_option_context_new (NULL);
  gchar *config = NULL, **values;
  GOptionEntry *entries;
  GError *error = NULL;
  gboolean ok;
  gsize n = 0, i;

  /* help texts in the terminal's letters; numbers stay as they are */
  setlocale (LC_CTYPE, "");
  while (table[n].name)
    n++;
  entries = g_new0 (GOptionEntry, n + 2);
  values = g_new0 (gchar *, n);
  for (i = 0; i < n; i++) {
    entries[i].long_name = table[i].name;
    entries[i].arg = G_OPTION_ARG_STRING;
    entries[i].arg_data = &values[i];
    entries[i].description = table[i].what;
    entries[i].arg_description = table[i].usual;
  }
  entries[n].long_name = "config";
  entries[n].arg = G_OPTION_ARG_FILENAME;
  entries[n].arg_data = &config;
  entries[n].description = "a file with these settings";
  entries[n].arg_description = "FILE";
  g_option_context_set_summary (context, summary);
  g_option_context_add_main_entries (context, entries, NULL);
  ok = g_option_context_parse (context, argc, argv, &error);
  if (!ok)
    g_printerr ("%s\n", error->message);
  if (ok && *argc > 1) {
    g_printerr ("\"%s\" is no option; see --help\n", (*argv)[1]);
    ok = FALSE;
  }
  for (i = 0; i < n && ok; i++)
    ok = set (&table[i], settings, table[i].usual, "usual");
  if (ok && config)
    ok = read_file (table, settings, group, config);
  for (i = 0; i < n; i++) {
    if (ok && values[i])
      ok = set (&table[i], settings, values[i], "command line");
    g_free (values[i]);
  }
  g_clear_error (&error);
  g_free (config);
  g_free (values);
  g_free (entries);
  g_option_context_free (context);

  return ok;
}

void
sensor_settings_clear (const SensorSetting * table, gpointer settings)
{
  const SensorSetting *s;

  for (s = table; s->name; s++)
    if (s->least == 0 && s->most == 0)
      g_clear_pointer ((gchar **) ((guint8 *) settings + s->offset), g_free);
}

gboolean
sensor_check_name (const gchar * setting, const gchar * text)
{
  const gchar *p = text;

  while (g_ascii_isalnum (*p) || *p == '-' || *p == '_')
    p++;
  if (p > text && !*p)
    return TRUE;
  g_printerr ("%s=%s: letters, digits and - are wanted\n", setting, text);
  return FALSE;
}

gchar *
sensor_quote (const gchar * text)
{
  GString *out = g_string_new ("\"");

  for (; *text; text++) {
    if (*text == '"' || *text == '\\')
      g_string_append_c (out, '\\');
    g_string_append_c (out, *text);
  }
  g_string_append_c (out, '"');

  return g_string_free (out, FALSE);
}
