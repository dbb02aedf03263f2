/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* walloc-queue add: files of a folder, or lines, to jobs. */
#include "commands.h"
#include "job.h"
#include "publisher.h"
#include "tree.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WINDOW 4096             /* messages on their way */

typedef struct
{
  publisher *p;
  gint64 begin, shown;
  guint64 given, bad;
  /* of other threads */
  GMutex lock;
  guint64 added, before, refused;
  char why[256];
  gboolean live;
} adding;

static void
on_stored (publish_result result, const char *why, void *closure,
    void *user_data)
{
  adding *a = closure;

  g_mutex_lock (&a->lock);
  a->added += result == PUBLISHED;
  a->before += result == PUBLISHED_BEFORE;
  if (result == PUBLISH_REFUSED && a->refused++ == 0)
    g_strlcpy (a->why, why, sizeof a->why);
  g_mutex_unlock (&a->lock);
}

static gboolean
refused (adding * a)
{
  gboolean yes;

  g_mutex_lock (&a->lock);
  yes = a->refused > 0;
  g_mutex_unlock (&a->lock);
  return yes;
}

static void
show (adding * a, gboolean last)
{
  gint64 now = g_get_monotonic_time ();
  double seconds = (double) (now - a->begin) / 1e6;

  if (!last && (!a->live || now - a->shown < G_TIME_SPAN_SECOND / 4))
    return;
  a->shown = now;
  g_mutex_lock (&a->lock);
  fprintf (stderr, "%s%" G_GUINT64_FORMAT " added, %" G_GUINT64_FORMAT
      " there already, %.0f/s%s", a->live ? "\r" : "", a->added, a->before,
      (double) (a->added + a->before) / MAX (seconds, 1e-3),
      a->live ? "\x1b[K" : "");
  g_mutex_unlock (&a->lock);
  if (last)
    fputc ('\n', stderr);
}

/* FALSE: no more can be added. */
static gboolean
give (adding * a, const char *what, const char *key, const char *path,
    json_t * data)
{
  char error[JOB_ERROR], *text = job_text (key, path, data, error);
  gboolean good;

  if (text == NULL) {
    if (a->bad++ < 10)
      complain ("%s is left out: %s", what, error);
    return TRUE;
  }
  good = publisher_send (a->p, QUEUE_JOBS, key, text, strlen (text), NULL);
  free (text);
  a->given++;
  show (a, FALSE);
  return good && stop_asked == 0 && !refused (a);
}

/* The same file, changed, is another job. what: NULL where nobody looked. */
static void
key_of (const char *path, const struct stat *what, char key[33])
{
  GChecksum *sum = g_checksum_new (G_CHECKSUM_SHA256);
  char text[96];

  g_checksum_update (sum, (const guchar *) path, (gssize) strlen (path) + 1);
  if (what != NULL) {
    g_snprintf (text, sizeof text, "%lld %lld.%09ld",
        (long long) what->st_size, (long long) what->st_mtim.tv_sec,
        what->st_mtim.tv_nsec);
    g_checksum_update (sum, (const guchar *) text, -1);
  }
  /* 128 bits: two files of one key do not happen, nor can they be made */
  g_strlcpy (key, g_checksum_get_string (sum), 33);
  g_checksum_free (sum);
}

static int
add_folder (adding * a, const char *folder, char **patterns)
{
  GError *error = NULL;
  tree *t = tree_open (folder, patterns, &error);
  struct stat what;
  const char *path, *first;
  char key[33];
  guint64 n;
  int status = 0;

  if (t == NULL)
    return complain_error (&error);
  while ((path = tree_next (t, &what)) != NULL) {
    key_of (path, &what, key);
    if (!give (a, path, key, path, NULL))
      break;
  }
  if (tree_special (t) > 0)
    complain ("%" G_GUINT64_FORMAT " symbolic links and special files are "
        "left out", tree_special (t));
  if (tree_hidden (t) > 0)
    complain ("%" G_GUINT64_FORMAT " hidden files and folders are left out",
        tree_hidden (t));
  n = tree_unread (t, &first);
  if (n > 0)
    status = complain ("%" G_GUINT64_FORMAT " folders could not be read; the "
        "first: %s", n, first);
  tree_close (t);
  return status;
}

/* A job of a line of JSON: "key" (else made of the rest), "path", "data". */
static gboolean
give_json (adding * a, const char *line)
{
  json_error_t where;
  json_t *v = json_loads (line, JSON_REJECT_DUPLICATES, &where);
  json_t *path = json_object_get (v, "path");
  const char *said = json_string_value (json_object_get (v, "key"));
  char key[33], *whole, what[64];
  gboolean good = TRUE;

  g_snprintf (what, sizeof what, "line %" G_GUINT64_FORMAT,
      a->given + a->bad + 1);
  if (!json_is_object (v) || (path != NULL && !json_is_string (path)) ||
      (said == NULL && json_object_get (v, "key") != NULL)) {
    if (a->bad++ < 10)
      complain ("%s is left out: no JSON object with \"key\", \"path\" "
          "(text) and \"data\"%s%s", what, v == NULL ? ": " : "",
          v == NULL ? where.text : "");
  } else {
    if (said == NULL) {
      whole = json_dumps (v, JSON_COMPACT | JSON_SORT_KEYS);
      key_of (whole, NULL, key);
      free (whole);
    }
    good = give (a, what, said != NULL ? said : key,
        json_string_value (path), json_object_get (v, "data"));
  }
  json_decref (v);
  return good;
}

static int
add_lines (adding * a, const char *name, gboolean as_json)
{
  FILE *file = strcmp (name, "-") == 0 ? stdin : fopen (name, "r");
  char *line = NULL, key[33];
  size_t room = 0;
  ssize_t n;
  gboolean good = TRUE;
  int status = 0;

  if (file == NULL)
    return complain ("%s: %s", name, g_strerror (errno));
  while (good && (n = getline (&line, &room, file)) >= 0) {
    if (n > 0 && line[n - 1] == '\n')
      line[--n] = 0;
    if (n == 0)
      continue;
    if (as_json) {
      good = give_json (a, line);
    } else {
      key_of (line, NULL, key);
      good = give (a, line, key, line, NULL);
    }
  }
  if (ferror (file))
    status = complain ("%s: %s", name, g_strerror (errno));
  free (line);
  if (file != stdin)
    fclose (file);
  return status;
}

int
command_add (int argc, char **argv)
{
  char *root = NULL, *list = NULL, *lines = NULL, **patterns = NULL;
  const GOptionEntry own[] = {
    {"root", 'r', 0, G_OPTION_ARG_FILENAME, &root,
        "Add the files below this folder", "DIR"},
    {"match", 'm', 0, G_OPTION_ARG_STRING_ARRAY, &patterns,
        "Only files of such names; may be given again", "PATTERN"},
    {"list", 'l', 0, G_OPTION_ARG_FILENAME, &list,
        "Add the paths that a file has, one in each line (-: stdin)", "FILE"},
    {"json", 'j', 0, G_OPTION_ARG_FILENAME, &lines,
          "Add jobs, one JSON object in each line (-: stdin): key, path, data",
        "FILE"},
    {NULL}
  };
  broker_options o;
  broker b;
  adding a = { 0 };
  GError *error = NULL;
  int status = options_parse (argc, argv, "adds jobs; makes the queue", own,
      &o, NULL);

  if (status == 0 && (root != NULL) + (list != NULL) + (lines != NULL) != 1) {
    complain ("add takes one of --root, --list and --json");
    status = 2;
  }
  if (status != 0)
    goto out;
  stop_catch ();
  if (!broker_open (&b, &o, TRUE, &error)) {
    status = complain_error (&error);
    goto out;
  }
  g_mutex_init (&a.lock);
  a.begin = g_get_monotonic_time ();
  a.live = isatty (STDERR_FILENO);
  a.p = publisher_new (&b, WINDOW, on_stored, &a, &error);
  if (a.p == NULL) {
    status = complain_error (&error);
  } else {
    status = root != NULL ? add_folder (&a, root, patterns) :
        add_lines (&a, list != NULL ? list : lines, lines != NULL);
    while (!publisher_flush (a.p, 250) && stop_asked < 2)
      show (&a, FALSE);
    publisher_free (a.p);
    show (&a, TRUE);
  }
  if (a.bad > 0)
    status = complain ("%" G_GUINT64_FORMAT " were left out", a.bad);
  if (a.refused > 0)
    status = complain ("the server stores no more: %s. Jobs that were added "
        "are there; run the same line again to go on", a.why);
  if (stop_asked > 0) {
    complain ("stopped; run the same line again to go on");
    status = 130;
  }
  g_mutex_clear (&a.lock);
  broker_close (&b);
out:
  options_clear (&o);
  g_free (root);
  g_free (list);
  g_free (lines);
  g_strfreev (patterns);
  return status == -1 ? 0 : status;
}
