/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A command for each job. It is the worker's own, from its command line; a job
 * only fills in names, each within one argument, and no shell sees them. */
#include "commands.h"
#include "runner.h"
#include "spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#define TICK 50                 /* ms between looks at the clock */
#define SAID_ROOM 65536
#define TAIL 700                /* bytes of stderr that are kept */
#define FULL 65536              /* less room than that on a disk is none */

typedef struct
{
  runner base;
  const runner_options *o;
} command;

/* What a command wrote, as far as it is kept. */
typedef struct
{
  int fd;
  char *text;
  size_t n, room;
  gboolean tail;                /* keep the end, not the beginning */
} kept;

static gboolean
is_shell_text (char **argv, int i)
{
  static const char *const shells[] = { "sh", "bash", "dash", "zsh", "ksh" };
  char *name = g_path_get_basename (argv[0]);
  gboolean yes = FALSE;
  size_t k;

  for (k = 0; k < G_N_ELEMENTS (shells); k++)
    yes |= strcmp (name, shells[k]) == 0;
  g_free (name);
  return yes && i > 0 && argv[i - 1][0] == '-' &&
      strchr (argv[i - 1], 'c') != NULL;
}

const char *
command_fault (const runner_options * o, gboolean root, gboolean out)
{
  static const char *const names[] = { "{in}", "{out}", "{path}", "{key}",
    "{data}"
  };
  int i, any_out = o->to_stdout;
  size_t k;

  for (i = 0; o->command[i] != NULL; i++)
    for (k = 0; k < G_N_ELEMENTS (names); k++) {
      if (strstr (o->command[i], names[k]) == NULL)
        continue;
      if (k == 0 && !root)
        return "{in} needs --root";
      if (k == 1 && !out)
        return "{out} needs --out";
      if (i == 0)
        return "the program itself comes from no job";
      if (is_shell_text (o->command, i))
        return "a name of a job would be read by the shell as commands; give "
            "it as an argument: sh -c 'program \"$1\"' sh {in}";
      any_out |= k == 1;
    }
  if (o->from_stdin && !root)
    return "--stdin needs --root";
  if (o->to_stdout && !out)
    return "--stdout needs --out";
  if (out && !any_out)
    return "--out needs {out} in the command, or --stdout";
  return NULL;
}

static char *
fill_in (const char *word, const job * j, const char *in, const char *aside)
{
  GString *s = g_string_new (NULL);
  char *data = NULL;

  while (*word != 0) {
    if (g_str_has_prefix (word, "{in}")) {
      g_string_append (s, in);
      word += 4;
    } else if (g_str_has_prefix (word, "{out}")) {
      g_string_append (s, aside);
      word += 5;
    } else if (g_str_has_prefix (word, "{key}")) {
      /* no option, whatever it begins with */
      if (s->len == 0 && j->key[0] == '-')
        g_string_append_c (s, '_');
      g_string_append (s, j->key);
      word += 5;
    } else if (g_str_has_prefix (word, "{path}")) {
      if (s->len == 0 && j->path != NULL && j->path[0] == '-')
        g_string_append (s, "./");
      g_string_append (s, j->path != NULL ? j->path : "");
      word += 6;
    } else if (g_str_has_prefix (word, "{data}")) {
      data = j->data != NULL ? json_dumps (j->data, JSON_COMPACT |
          JSON_ENCODE_ANY) : NULL;
      /* a number below zero is no option either */
      if (s->len == 0 && data != NULL && data[0] == '-')
        g_string_append_c (s, ' ');
      g_string_append (s, data != NULL ? data : "null");
      free (data);
      word += 6;
    } else {
      g_string_append_c (s, *word++);
    }
  }
  return g_string_free (s, FALSE);
}

/* FALSE at the end. */
static gboolean
take (kept * k)
{
  char block[4096];
  ssize_t n = read (k->fd, block, sizeof block);
  size_t keep;

  if (n < 0)
    return errno == EINTR || errno == EAGAIN;
  if (k->tail && n > 0) {
    keep = MIN ((size_t) n, k->room);
    if (k->n + keep > k->room) {
      memmove (k->text, k->text + (k->n + keep - k->room), k->room - keep);
      k->n = k->room - keep;
    }
    memcpy (k->text + k->n, block + ((size_t) n - keep), keep);
    k->n += keep;
  } else if (n > 0) {
    keep = MIN ((size_t) n, k->room - k->n);
    memcpy (k->text + k->n, block, keep);
    k->n += keep;
  }
  return n > 0;
}

/* Reads both until the program ends. FALSE: it was killed, r says why. */
static gboolean
follow (const command * c, pid_t pid, kept two[2], int *status, run_result * r)
{
  gint64 end = g_get_monotonic_time () +
      c->o->timeout * G_GINT64_CONSTANT (1000000);
  struct pollfd fds[2];
  gboolean ended = FALSE;
  int i, open_fds, rounds = 0;

  for (;;) {
    for (i = open_fds = 0; i < 2; i++) {
      fds[i].fd = two[i].fd;
      fds[i].events = POLLIN;
      fds[i].revents = 0;
      open_fds += two[i].fd >= 0;
    }
    /* what it left in the background may hold them open */
    if (ended && (open_fds == 0 || ++rounds > 1))
      return TRUE;
    if (poll (fds, 2, ended ? 0 : open_fds == 0 ? 1 : TICK) > 0) {
      rounds = 0;
      for (i = 0; i < 2; i++)
        if (fds[i].revents != 0 && !take (&two[i])) {
          close (two[i].fd);
          two[i].fd = -1;
        }
    }
    if (!ended)
      ended = waitpid (pid, status, WNOHANG) == pid;
    if (!ended && stop_asked > 1) {
      run_fail (r, RAN_STOPPED, "the worker was stopped");
    } else if (!ended && c->o->timeout > 0 && g_get_monotonic_time () > end) {
      run_fail (r, RAN_FAILED, "it took longer than %d s (--timeout)",
          c->o->timeout);
    } else {
      continue;
    }
    spawn_kill (pid);
    return FALSE;
  }
}

/* The last line of what it wrote: JSON, or text. */
static json_t *
last_line (kept * k)
{
  char *line;
  json_t *v = NULL;

  k->text[k->n] = 0;
  g_strchomp (k->text);
  line = strrchr (k->text, '\n');
  line = line != NULL ? line + 1 : k->text;
  if (*line != 0 && g_utf8_validate (line, -1, NULL)) {
    v = json_loads (line, JSON_DECODE_ANY, NULL);
    if (v == NULL)
      v = json_string (line);
  }
  return v;
}

static gboolean
disk_is_full (const char *path, guint64 * left)
{
  struct statvfs v;
  char *folder = g_path_get_dirname (path);
  gboolean full = statvfs (folder, &v) == 0;

  g_free (folder);
  *left = full ? (guint64) v.f_bavail * v.f_frsize : 0;
  return full && *left < FULL;
}

static void
judge (const command * c, int status, kept two[2], const char *aside,
    run_result * r)
{
  char how[128], *said = two[1].text;
  guint64 left;

  said[two[1].n] = 0;
  g_strstrip (said);
  if (WIFEXITED (status) && WEXITSTATUS (status) == 0) {
    r->kind = RAN_OK;
    if (!c->o->to_stdout)
      r->said = last_line (&two[0]);
    return;
  }
  spawn_describe (status, how, sizeof how);
  if (aside != NULL && disk_is_full (aside, &left))
    run_fail (r, RAN_LACKING, "the disk of the outputs is full (%"
        G_GUINT64_FORMAT " bytes left); %s %s: %s", left, c->o->command[0],
        how, said);
  else
    run_fail (r, WIFEXITED (status) && WEXITSTATUS (status) == EX_TEMPFAIL ?
        RAN_LACKING : RAN_FAILED, "%s %s%s%s", c->o->command[0], how,
        *said ? ": " : "", said);
}

static void
run (runner * base, const job * j, const char *in, const char *aside,
    run_result * r)
{
  command *c = (command *) base;
  guint n = g_strv_length (c->o->command), i;
  char **argv = g_new0 (char *, n + 1);
  kept two[2] = { {-1}, {-1} };
  int fds[3] = { -1, -1, -1 }, out[2] = { -1, -1 }, err[2] = { -1, -1 };
  int status = 0;
  pid_t pid = -1;

  for (i = 0; i < n; i++)
    argv[i] = fill_in (c->o->command[i], j, in, aside);
  if (c->o->from_stdin)
    fds[0] = open (in, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
  if (c->o->to_stdout)
    fds[1] = open (aside, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  else if (spawn_pipe (out) == 0)
    fds[1] = out[1];
  if (spawn_pipe (err) == 0)
    fds[2] = err[1];
  if ((c->o->from_stdin && fds[0] < 0) || fds[1] < 0 || fds[2] < 0) {
    run_fail (r, run_kind_of (errno), "%s", g_strerror (errno));
  } else if ((pid = spawn (argv, fds)) < 0) {
    run_fail (r, RAN_LACKING, "%s cannot be started: %s", argv[0],
        g_strerror (errno));
  }
  for (i = 0; i < 3; i++)
    if (fds[i] >= 0)
      close (fds[i]);
  two[0].fd = out[0];
  two[1].fd = err[0];
  two[0].room = SAID_ROOM;
  two[1].room = TAIL;
  two[1].tail = TRUE;
  for (i = 0; i < 2; i++)
    two[i].text = g_malloc (two[i].room + 1);
  if (pid > 0 && follow (c, pid, two, &status, r))
    judge (c, status, two, aside, r);
  for (i = 0; i < 2; i++) {
    if (two[i].fd >= 0)
      close (two[i].fd);
    g_free (two[i].text);
  }
  g_strfreev (argv);
}

static void
release (runner * base)
{
  g_free (base);
}

runner *
command_runner (const runner_options * o)
{
  command *c = g_new0 (command, 1);

  c->base.run = run;
  c->base.free = release;
  c->o = o;
  return &c->base;
}
