/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include <glib/gstdio.h>
#include <string.h>

#include "record.h"

#define SUFFIX ".wlc"
#define DIGITS 6

gchar *
sensor_record_location (const gchar * folder, const gchar * name)
{
  GString *place = g_string_new (folder);
  gchar *file = g_strdup_printf ("%s-%%0%dd" SUFFIX, name, DIGITS), *path;

  /* it becomes a format of printf() */
  g_string_replace (place, "%", "%%", 0);
  path = g_build_filename (place->str, file, NULL);
  g_free (file);
  g_string_free (place, TRUE);

  return path;
}

/* The number of a file of this name, or -1. */
static gint64
number_of (const gchar * file, const gchar * name)
{
  gsize length = strlen (name);
  gchar *end = NULL;
  guint64 number;

  if (strncmp (file, name, length) != 0 || file[length] != '-'
      || strspn (file + length + 1, "0123456789") < DIGITS)
    return -1;
  number = g_ascii_strtoull (file + length + 1, &end, 10);
  if (strcmp (end, SUFFIX) != 0 || number >= G_MAXINT)
    return -1;
  return (gint64) number;
}

static gint
compare (gconstpointer a, gconstpointer b)
{
  const gint x = *(const gint *) a, y = *(const gint *) b;

  return x < y ? -1 : x > y;
}

/* Numbers of the files that are there, in order. */
static GArray *
list (const gchar * folder, const gchar * name)
{
  GArray *numbers = g_array_new (FALSE, FALSE, sizeof (gint));
  GDir *dir = g_dir_open (folder, 0, NULL);
  const gchar *file;

  while (dir && (file = g_dir_read_name (dir))) {
    gint number = (gint) number_of (file, name);

    if (number >= 0)
      g_array_append_val (numbers, number);
  }
  if (dir)
    g_dir_close (dir);
  g_array_sort (numbers, compare);

  return numbers;
}

gint
sensor_record_next (const gchar * folder, const gchar * name)
{
  GArray *numbers = list (folder, name);
  gint next = numbers->len == 0 ? 0 :
      g_array_index (numbers, gint, numbers->len - 1) + 1;

  g_array_unref (numbers);

  return next;
}

void
sensor_record_prune (const gchar * folder, const gchar * name, guint files)
{
  GArray *numbers;
  guint i;

  if (files == 0)
    return;
  numbers = list (folder, name);
  for (i = 0; i + files < numbers->len; i++) {
    gchar *file = g_strdup_printf ("%s-%0*d" SUFFIX, name, DIGITS,
        g_array_index (numbers, gint, i));
    gchar *path = g_build_filename (folder, file, NULL);

    if (g_unlink (path) != 0)
      g_printerr ("%s: cannot be removed\n", path);
    g_free (path);
    g_free (file);
  }
  g_array_unref (numbers);
}
