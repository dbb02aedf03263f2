/* SPDX-License-Identifier: LGPL-2.1-or-later */
#define _GNU_SOURCE             /* sync_file_range() */

#include "outbox.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* files that wait together: so many are open */
#define TOGETHER 128

struct outbox
{
  outbox_done done;
  void *closure;
  GThread *thread;
  GMutex lock;
  GCond changed;
  GQueue waiting;
  gboolean ending;
};

static void
fail (finished * f, const char *path)
{
  int number = errno;

  run_fail (&f->r, run_kind_of (number), "%s: %s", path, g_strerror (number));
}

/* What was written aside, if that may become an output; else -1. */
static int
look (finished * f)
{
  struct stat what = { 0 };
  int fd;

  if (f->r.kind != RAN_OK || f->aside == NULL)
    return -1;
  fd = open (f->aside, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (fd >= 0 && fstat (fd, &what) == 0 && S_ISREG (what.st_mode) &&
      what.st_size > 0) {
    f->r.bytes = (guint64) what.st_size;
    return fd;
  }
  if (fd < 0 && errno != ENOENT && errno != ELOOP)
    fail (f, f->out);
  else
    run_fail (&f->r, RAN_FAILED, fd >= 0 && S_ISREG (what.st_mode) ?
        "the output is empty" : "there is no output");
  if (fd >= 0)
    close (fd);
  return -1;
}

/* A name is on the disk when its folder is. */
static gboolean
sync_folder (const char *path)
{
  int fd = open (path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  /* filesystems that cannot say so */
  gboolean good = fd >= 0 && (fsync (fd) == 0 || errno == EINVAL);
  int number = errno;

  if (fd >= 0)
    close (fd);
  errno = number;
  return good;
}

static void
sync_names (finished ** all, const int *fds, guint n)
{
  /* of folders: 0, or the errno of their failure */
  GHashTable *folders = g_hash_table_new_full (g_str_hash, g_str_equal,
      g_free, NULL);
  gpointer number;
  char *folder;
  guint i;

  for (i = 0; i < n; i++) {
    if (fds[i] < 0 || all[i]->r.kind != RAN_OK)
      continue;
    folder = g_path_get_dirname (all[i]->out);
    if (!g_hash_table_lookup_extended (folders, folder, NULL, &number)) {
      number = GINT_TO_POINTER (sync_folder (folder) ? 0 : errno);
      g_hash_table_insert (folders, g_strdup (folder), number);
    }
    errno = GPOINTER_TO_INT (number);
    if (errno != 0)
      fail (all[i], folder);
    g_free (folder);
  }
  g_hash_table_destroy (folders);
}

void
outbox_commit (finished ** all, guint n, gboolean sync)
{
  int *fds = g_new (int, n);
  guint i;

  for (i = 0; i < n; i++) {
    fds[i] = look (all[i]);
#ifdef SYNC_FILE_RANGE_WRITE
    /* all begin to be written before the first is waited for, so that one
     * commit of the file system's journal has them all; fsync() tells whether
     * it went well */
    if (sync && fds[i] >= 0)
      (void) sync_file_range (fds[i], 0, 0, SYNC_FILE_RANGE_WRITE);
#endif
  }
  for (i = 0; i < n && sync; i++)
    if (fds[i] >= 0 && fsync (fds[i]) != 0)
      fail (all[i], all[i]->out);
  for (i = 0; i < n; i++)
    if (fds[i] >= 0 && all[i]->r.kind == RAN_OK &&
        rename (all[i]->aside, all[i]->out) != 0)
      fail (all[i], all[i]->out);
  if (sync)
    sync_names (all, fds, n);
  for (i = 0; i < n; i++) {
    if (fds[i] >= 0)
      close (fds[i]);
    if (all[i]->r.kind != RAN_OK && all[i]->aside != NULL)
      unlink (all[i]->aside);
  }
  g_free (fds);
}

static gpointer
carry (gpointer data)
{
  outbox *b = data;
  finished *batch[TOGETHER];
  guint n, i;

  for (;;) {
    g_mutex_lock (&b->lock);
    while (b->waiting.length == 0 && !b->ending)
      g_cond_wait (&b->changed, &b->lock);
    for (n = 0; n < TOGETHER && b->waiting.length > 0; n++)
      batch[n] = g_queue_pop_head (&b->waiting);
    g_cond_broadcast (&b->changed);
    g_mutex_unlock (&b->lock);
    if (n == 0)
      return NULL;
    outbox_commit (batch, n, TRUE);
    for (i = 0; i < n; i++)
      b->done (batch[i], b->closure);
  }
}

outbox *
outbox_new (outbox_done done, void *closure)
{
  outbox *b = g_new0 (outbox, 1);

  b->done = done;
  b->closure = closure;
  g_mutex_init (&b->lock);
  g_cond_init (&b->changed);
  g_queue_init (&b->waiting);
  b->thread = g_thread_new ("outbox", carry, b);
  return b;
}

void
outbox_put (outbox * b, finished * f)
{
  g_mutex_lock (&b->lock);
  while (b->waiting.length >= TOGETHER)
    g_cond_wait (&b->changed, &b->lock);
  g_queue_push_tail (&b->waiting, f);
  g_cond_broadcast (&b->changed);
  g_mutex_unlock (&b->lock);
}

void
outbox_free (outbox * b)
{
  if (b == NULL)
    return;
  g_mutex_lock (&b->lock);
  b->ending = TRUE;
  g_cond_broadcast (&b->changed);
  g_mutex_unlock (&b->lock);
  g_thread_join (b->thread);
  g_mutex_clear (&b->lock);
  g_cond_clear (&b->changed);
  g_free (b);
}
