/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Preloaded into walloc-queue: writes what it asks of the disk, in order, into the
 * file DISK_LOG; with DISK_FAIL a file that waits for the disk hears of an I/O
 * error. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void
say (const char *what, const char *first, const char *second)
{
  const char *path = getenv ("DISK_LOG");
  char line[3 * PATH_MAX];
  int fd = path != NULL ? open (path, O_WRONLY | O_CREAT | O_APPEND, 0666) : -1;

  if (fd < 0)
    return;
  snprintf (line, sizeof line, "%s\t%s\t%s\n", what, first, second);
  if (write (fd, line, strlen (line)) < 0)
    abort ();
  close (fd);
}

int
fsync (int fd)
{
  int (*next) (int) = (int (*)(int)) dlsym (RTLD_NEXT, "fsync");
  char link[64], path[PATH_MAX];
  struct stat what;
  ssize_t n;

  snprintf (link, sizeof link, "/proc/self/fd/%d", fd);
  n = readlink (link, path, sizeof path - 1);
  path[n > 0 ? n : 0] = 0;
  say ("fsync", path, "");
  if (getenv ("DISK_FAIL") != NULL && fstat (fd, &what) == 0 &&
      S_ISREG (what.st_mode)) {
    errno = EIO;
    return -1;
  }
  return next (fd);
}

int
rename (const char *from, const char *to)
{
  int (*next) (const char *, const char *) =
      (int (*)(const char *, const char *)) dlsym (RTLD_NEXT, "rename");

  say ("rename", from, to);
  return next (from, to);
}
