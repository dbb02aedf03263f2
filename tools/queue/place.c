/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "place.h"

#include <walloc/frame.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define ASIDE ".walloc-queue"
#define HEADER_ROOM 65536

void
run_fail (run_result * r, run_kind kind, const char *format, ...)
{
  va_list args;
  char *valid;

  va_start (args, format);
  vsnprintf (r->error, sizeof r->error, format, args);
  va_end (args);
  /* it becomes JSON */
  valid = g_utf8_make_valid (r->error, -1);
  g_strlcpy (r->error, valid, sizeof r->error);
  g_free (valid);
  r->kind = kind;
}

run_kind
run_kind_of (int number)
{
  switch (number) {
    case ENOSPC:
    case EDQUOT:
    case EROFS:
    case EACCES:
    case EPERM:
    case EMFILE:
    case ENFILE:
    case ENOMEM:
    case EIO:
    case ESTALE:
    case ENOENT:
    case EXDEV:
      return RAN_LACKING;
    default:
      return RAN_FAILED;
  }
}

/* Files in a folder, and the folder: it has no others below. */
static void
clear_folder (int parent, const char *name, int fd)
{
  DIR *dir = fdopendir (dup (fd));
  struct dirent *e;

  while (dir != NULL && (e = readdir (dir)) != NULL)
    if (e->d_name[0] != '.')
      unlinkat (fd, e->d_name, 0);
  if (dir != NULL)
    closedir (dir);
  unlinkat (parent, name, AT_REMOVEDIR);
}

/* A folder that nobody holds locked is of a worker that lives no more. */
static void
clear_dead (const char *path)
{
  DIR *dir = opendir (path);
  struct dirent *e;
  int fd;

  while (dir != NULL && (e = readdir (dir)) != NULL) {
    if (e->d_name[0] == '.')
      continue;
    fd = openat (dirfd (dir), e->d_name,
        O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
      continue;
    if (flock (fd, LOCK_EX | LOCK_NB) == 0)
      clear_folder (dirfd (dir), e->d_name, fd);
    close (fd);
  }
  if (dir != NULL)
    closedir (dir);
}

static gboolean
open_fail (GError ** error, const char *path)
{
  int number = errno;

  g_set_error (error, G_IO_ERROR, (gint) g_io_error_from_errno (number),
      "%s: %s", path, g_strerror (number));
  return FALSE;
}

gboolean
places_open (places * p, const char *root, const char *out,
    const char *suffix, GError ** error)
{
  char *above;

  memset (p, 0, sizeof *p);
  p->lock = -1;
  p->suffix = g_strdup (suffix);
  if (root != NULL && (p->root = realpath (root, NULL)) == NULL)
    return open_fail (error, root);
  if (out == NULL)
    return TRUE;
  if (g_mkdir_with_parents (out, 0777) != 0 ||
      (p->out = realpath (out, NULL)) == NULL)
    return open_fail (error, out);
  above = g_build_filename (p->out, ASIDE, NULL);
  if (mkdir (above, 0777) != 0 && errno != EEXIST) {
    open_fail (error, above);
    g_free (above);
    return FALSE;
  }
  clear_dead (above);
  /* another worker may clear it before it is opened or locked: then once
   * more */
  do {
    if (p->lock >= 0)
      close (p->lock);
    p->lock = -1;
    g_free (p->aside);
    p->aside = g_build_filename (above, "XXXXXX", NULL);
    if (mkdtemp (p->aside) == NULL)
      break;
    p->lock = open (p->aside, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  } while (p->lock < 0 ? errno == ENOENT :
      flock (p->lock, LOCK_SH | LOCK_NB) != 0 || access (p->aside, F_OK) != 0);
  if (p->lock < 0)
    open_fail (error, above);
  g_free (above);
  return p->lock >= 0;
}

void
places_close (places * p)
{
  if (p->lock >= 0) {
    clear_folder (AT_FDCWD, p->aside, p->lock);
    close (p->lock);
  }
  free (p->root);
  free (p->out);
  g_free (p->suffix);
  g_free (p->aside);
  memset (p, 0, sizeof *p);
  p->lock = -1;
}

static gboolean
is_below (const char *path, const char *folder)
{
  size_t n = strlen (folder);

  /* "/" ends in what the others lack */
  return strncmp (path, folder, n) == 0 &&
      (path[n] == '/' || path[n] == 0 || folder[n - 1] == '/');
}

/* Whether a stream's frames end where the file does. */
static gboolean
is_whole_stream (const char *path, off_t size)
{
  uint8_t *head = g_malloc (HEADER_ROOM);
  walloc_frame_info info;
  FILE *file = fopen (path, "rb");
  off_t at = 0;
  size_t n;

  while (file != NULL && at < size && fseeko (file, at, SEEK_SET) == 0) {
    n = fread (head, 1, HEADER_ROOM, file);
    if (walloc_frame_parse (head, n, &info, NULL) != WALLOC_OK)
      break;
    at += (off_t) info.header_size + (off_t) info.payload_size;
  }
  if (file != NULL)
    fclose (file);
  g_free (head);
  return size > 0 && at == size;
}

/* What no stream is, is whole: it appeared at once. */
static gboolean
is_whole (const char *path, off_t size)
{
  return size > 0 && (!g_str_has_suffix (path, ".wlc") ||
      is_whole_stream (path, size));
}

static gboolean
find_input (const places * p, const job * j, char **in, struct stat *what,
    run_result * r)
{
  char *path = g_build_filename (p->root, j->path, NULL);
  char real[PATH_MAX];

  if (realpath (path, real) == NULL) {
    run_fail (r, errno == ENOENT ? RAN_LACKING : run_kind_of (errno),
        "%s is not below %s here: %s", j->path, p->root, g_strerror (errno));
  } else if (!is_below (real, p->root)) {
    run_fail (r, RAN_FAILED, "%s leads out of %s by a link", j->path, p->root);
  } else if (stat (real, what) != 0 || !S_ISREG (what->st_mode)) {
    run_fail (r, RAN_FAILED, "%s is no file", j->path);
  } else {
    *in = g_strdup (real);
  }
  g_free (path);
  return *in != NULL;
}

/* Where a folder will be when it is made: the part of it that is there, without
 * links, is below p->out. Nothing is to be made where a link leads out. */
static gboolean
stays_below (const places * p, const char *folder)
{
  char *part = g_strdup (folder), *above, real[PATH_MAX];
  gboolean below;

  while (realpath (part, real) == NULL && errno == ENOENT &&
      strcmp (part, p->out) != 0) {
    above = g_path_get_dirname (part);
    g_free (part);
    part = above;
  }
  below = realpath (part, real) == NULL || is_below (real, p->out);
  g_free (part);
  return below;
}

static gboolean
find_output (const places * p, const job * j, char **out, run_result * r)
{
  char *path = g_strconcat (p->out, "/", j->path != NULL ? j->path : j->key,
      p->suffix, NULL);
  char *folder = g_path_get_dirname (path), real[PATH_MAX];
  const char *name = strrchr (path, '/') + 1;

  if (j->path != NULL && strncmp (j->path, ASIDE "/", sizeof ASIDE) == 0) {
    run_fail (r, RAN_FAILED, "%s is where workers keep what is not done",
        j->path);
  } else if (strlen (name) > JOB_MAX_NAME) {
    run_fail (r, RAN_FAILED, "%s is too long a name", name);
  } else if (!stays_below (p, folder)) {
    run_fail (r, RAN_FAILED, "%s leads out of %s by a link", folder, p->out);
  } else if (g_mkdir_with_parents (folder, 0777) != 0 ||
      realpath (folder, real) == NULL) {
    run_fail (r, run_kind_of (errno), "%s: %s", folder, g_strerror (errno));
  } else if (!is_below (real, p->out)) {
    run_fail (r, RAN_FAILED, "%s leads out of %s by a link", folder, p->out);
  } else {
    *out = g_build_filename (real, name, NULL);
  }
  g_free (folder);
  g_free (path);
  return *out != NULL;
}

gboolean
places_find (places * p, const job * j, char **in, char **out, char **aside,
    run_result * r)
{
  struct stat input = { 0 }, output;

  if (p->root != NULL && j->path == NULL) {
    run_fail (r, RAN_FAILED, "the job names no file");
    return FALSE;
  }
  if (p->root != NULL && !find_input (p, j, in, &input, r))
    return FALSE;
  if (p->out == NULL)
    return TRUE;
  if (!find_output (p, j, out, r))
    return FALSE;
  if (!p->again && lstat (*out, &output) == 0 && S_ISREG (output.st_mode) &&
      (p->root == NULL || output.st_mtim.tv_sec > input.st_mtim.tv_sec ||
          (output.st_mtim.tv_sec == input.st_mtim.tv_sec &&
              output.st_mtim.tv_nsec >= input.st_mtim.tv_nsec)) &&
      is_whole (*out, output.st_size)) {
    r->skipped = TRUE;
    r->bytes = (guint64) output.st_size;
    return TRUE;
  }
  *aside = g_strdup_printf ("%s/%x%s", p->aside,
      (guint) g_atomic_int_add (&p->count, 1), p->suffix);
  return TRUE;
}
