/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "tree.h"

#include "job.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <gio/gio.h>
#include <string.h>
#include <unistd.h>

typedef struct
{
  DIR *dir;
  size_t length;                /* of the path that leads to it */
} level;

struct tree
{
  char **patterns;
  GString *path;
  level levels[TREE_MAX_DEPTH];
  int depth;                    /* levels that are open */
  guint64 special, hidden, unread;
  char *first_unread;
};

static void
skip_folder (tree * t, int why)
{
  if (t->unread++ == 0)
    t->first_unread = g_strdup_printf ("%s: %s", t->path->str,
        g_strerror (why));
}

tree *
tree_open (const char *folder, char **patterns, GError ** error)
{
  DIR *dir = opendir (folder);
  tree *t;

  if (dir == NULL) {
    g_set_error (error, G_IO_ERROR, g_io_error_from_errno (errno),
        "%s: %s", folder, g_strerror (errno));
    return NULL;
  }
  t = g_new0 (tree, 1);
  t->patterns = patterns;
  t->path = g_string_new (NULL);
  t->levels[0].dir = dir;
  t->depth = 1;
  return t;
}

static gboolean
matches (const tree * t, const char *name)
{
  char **p = t->patterns;

  if (p == NULL || *p == NULL)
    return TRUE;
  for (; *p != NULL; p++)
    if (fnmatch (*p, name, 0) == 0)
      return TRUE;
  return FALSE;
}

/* Goes into the folder at t->path. */
static void
descend (tree * t, int above, const char *name)
{
  int fd;

  if (t->depth == TREE_MAX_DEPTH || t->path->len > JOB_MAX_PATH) {
    skip_folder (t, ENAMETOOLONG);
    return;
  }
  /* never through a link, also if it became one just now */
  fd = openat (above, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  if (fd < 0) {
    skip_folder (t, errno);
    return;
  }
  t->levels[t->depth].dir = fdopendir (fd);
  if (t->levels[t->depth].dir == NULL) {
    skip_folder (t, errno);
    close (fd);
    return;
  }
  t->levels[t->depth++].length = t->path->len;
}

const char *
tree_next (tree * t, struct stat *what)
{
  struct dirent *entry;
  level *l;

  while (t->depth > 0) {
    l = &t->levels[t->depth - 1];
    g_string_truncate (t->path, l->length);
    errno = 0;
    entry = readdir (l->dir);
    if (entry == NULL) {
      if (errno != 0)
        skip_folder (t, errno);
      closedir (l->dir);
      t->depth--;
      continue;
    }
    if (entry->d_name[0] == '.') {
      t->hidden += strcmp (entry->d_name, ".") != 0 &&
          strcmp (entry->d_name, "..") != 0;
      continue;
    }
    if (t->path->len > 0)
      g_string_append_c (t->path, '/');
    g_string_append (t->path, entry->d_name);
    if (entry->d_type == DT_REG && !matches (t, entry->d_name))
      continue;
    if (fstatat (dirfd (l->dir), entry->d_name, what, AT_SYMLINK_NOFOLLOW) != 0)
      continue;                 /* it went meanwhile */
    if (S_ISDIR (what->st_mode))
      descend (t, dirfd (l->dir), entry->d_name);
    else if (!S_ISREG (what->st_mode))
      t->special++;
    else if (matches (t, entry->d_name))
      return t->path->str;
  }
  return NULL;
}

guint64
tree_special (const tree * t)
{
  return t->special;
}

guint64
tree_hidden (const tree * t)
{
  return t->hidden;
}

guint64
tree_unread (const tree * t, const char **first)
{
  *first = t->first_unread;
  return t->unread;
}

void
tree_close (tree * t)
{
  while (t->depth > 0)
    closedir (t->levels[--t->depth].dir);
  g_string_free (t->path, TRUE);
  g_free (t->first_unread);
  g_free (t);
}
