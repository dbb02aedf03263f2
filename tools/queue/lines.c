/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A program that stays and does one job after another: it gets a line of JSON
 * for each and answers one. Its start is paid once. */
#include "commands.h"
#include "runner.h"
#include "spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define TICK 200                /* ms between looks at the clock */
#define END_SECONDS 10          /* to go by itself */
#define START_SECONDS 120       /* until it says that it is ready */

typedef struct
{
  runner base;
  const runner_options *o;
  pid_t pid;                    /* 0: it does not run */
  int to, from;
  GString *read;                /* behind the last line */
} lines;

static void
stop (lines * l, gboolean kill_it)
{
  int rounds = 0;

  if (l->pid == 0)
    return;
  close (l->to);
  close (l->from);
  /* the end of its input is the end of its work */
  while (!kill_it && waitpid (l->pid, NULL, WNOHANG) == 0) {
    g_usleep (10000);
    kill_it = ++rounds > END_SECONDS * 100 || stop_asked > 1;
  }
  if (kill_it)
    spawn_kill (l->pid);
  l->pid = 0;
  g_string_truncate (l->read, 0);
}

/* Why there is no line: it ended (FAILED), time is over, the worker ends. */
static void
lost (lines * l, run_kind kind, run_result * r)
{
  char how[128] = "closed its output";
  int status;

  /* it may end a moment after its output */
  g_usleep (20000);
  if (waitpid (l->pid, &status, WNOHANG) == l->pid) {
    spawn_describe (status, how, sizeof how);
    close (l->to);
    close (l->from);
    l->pid = 0;
    g_string_truncate (l->read, 0);
  }
  run_fail (r, kind, "%s %s before it answered", l->o->command[0], how);
}

/* The next line, to be freed; NULL with r filled, and the program ended. */
static char *
next_line (lines * l, int seconds, run_kind kind, run_result * r)
{
  gint64 end = g_get_monotonic_time () + seconds * G_GINT64_CONSTANT (1000000);
  struct pollfd fd = {.fd = l->from,.events = POLLIN };
  char block[16384], *at, *line;
  ssize_t n;

  for (;;) {
    at = memchr (l->read->str, '\n', l->read->len);
    if (at != NULL) {
      line = g_strndup (l->read->str, (gsize) (at - l->read->str));
      g_string_erase (l->read, 0, at - l->read->str + 1);
      return line;
    }
    if (l->read->len > RUN_SAID) {
      run_fail (r, RAN_FAILED, "%s answered more than %d bytes",
          l->o->command[0], RUN_SAID);
      break;
    }
    if (stop_asked > 1) {
      run_fail (r, RAN_STOPPED, "the worker was stopped");
      break;
    }
    if (seconds > 0 && g_get_monotonic_time () > end) {
      run_fail (r, kind, "%s did not answer for %d s", l->o->command[0],
          seconds);
      break;
    }
    if (poll (&fd, 1, TICK) <= 0)
      continue;
    n = read (l->from, block, sizeof block);
    if (n > 0) {
      g_string_append_len (l->read, block, n);
    } else if (n == 0 || errno != EINTR) {
      lost (l, kind, r);
      break;
    }
  }
  stop (l, TRUE);
  return NULL;
}

static gboolean
start (lines * l, run_result * r)
{
  int to[2], from[2], fds[3];
  char *line;
  json_t *hello;
  gboolean ready;

  if (spawn_pipe (to) != 0) {
    run_fail (r, RAN_LACKING, "%s", g_strerror (errno));
    return FALSE;
  }
  if (spawn_pipe (from) != 0) {
    run_fail (r, RAN_LACKING, "%s", g_strerror (errno));
    close (to[0]);
    close (to[1]);
    return FALSE;
  }
  fds[0] = to[0];
  fds[1] = from[1];
  fds[2] = -1;
  l->pid = spawn (l->o->command, fds);
  close (to[0]);
  close (from[1]);
  l->to = to[1];
  l->from = from[0];
  if (l->pid < 0) {
    run_fail (r, RAN_LACKING, "%s cannot be started: %s", l->o->command[0],
        g_strerror (errno));
    close (l->to);
    close (l->from);
    l->pid = 0;
    return FALSE;
  }
  /* one that dies at once must not take jobs with it */
  line = next_line (l, START_SECONDS, RAN_LACKING, r);
  if (line == NULL)
    return FALSE;
  hello = json_loads (line, 0, NULL);
  ready = json_is_true (json_object_get (hello, "ready"));
  json_decref (hello);
  if (!ready) {
    run_fail (r, RAN_LACKING, "%s began with \"%.200s\", not with "
        "{\"ready\": true}", l->o->command[0], line);
    stop (l, TRUE);
  }
  g_free (line);
  return ready;
}

/* FALSE: it does not read, or ended. */
static gboolean
give (lines * l, const job * j, const char *in, const char *aside)
{
  json_t *v = json_object ();
  char *text;
  size_t done = 0, size;
  ssize_t n;

  json_object_set_new (v, "key", json_string (j->key));
  if (j->path != NULL)
    json_object_set_new (v, "path", json_string (j->path));
  if (j->data != NULL)
    json_object_set (v, "data", (json_t *) j->data);
  if (in != NULL)
    json_object_set_new (v, "in", json_string (in));
  if (aside != NULL)
    json_object_set_new (v, "out", json_string (aside));
  text = json_dumps (v, JSON_COMPACT);
  json_decref (v);
  size = text != NULL ? strlen (text) : 0;
  /* the end of the text takes the line's */
  if (text != NULL)
    text[size++] = '\n';
  while (done < size) {
    n = write (l->to, text + done, size - done);
    if (n < 0 && errno != EINTR)
      break;
    done += n > 0 ? (size_t) n : 0;
  }
  free (text);
  return size > 0 && done == size;
}

/* {"ok": true, "result": ...} or {"ok": false, "error": "...", "lacking": ...}. */
static void
take (lines * l, const char *line, run_result * r)
{
  json_error_t where;
  json_t *v = json_loads (line, 0, &where);
  const char *text = json_string_value (json_object_get (v, "error"));

  if (v == NULL) {
    run_fail (r, RAN_FAILED, "%s answered no JSON (%s)", l->o->command[0],
        where.text);
    stop (l, TRUE);
  } else if (json_is_true (json_object_get (v, "ok"))) {
    r->kind = RAN_OK;
    r->said = json_incref (json_object_get (v, "result"));
  } else {
    run_fail (r, json_is_true (json_object_get (v, "lacking")) ?
        RAN_LACKING : RAN_FAILED, "%s", text != NULL ? text :
        "it failed and does not say why");
  }
  json_decref (v);
}

static void
run (runner * base, const job * j, const char *in, const char *aside,
    run_result * r)
{
  lines *l = (lines *) base;
  char *line;

  if (l->pid == 0 && !start (l, r))
    return;
  if (!give (l, j, in, aside)) {
    lost (l, RAN_FAILED, r);
    stop (l, TRUE);
    return;
  }
  line = next_line (l, l->o->timeout, RAN_FAILED, r);
  if (line == NULL)
    return;
  take (l, line, r);
  g_free (line);
}

static void
release (runner * base)
{
  lines *l = (lines *) base;

  stop (l, stop_asked > 1);
  g_string_free (l->read, TRUE);
  g_free (l);
}

runner *
lines_runner (const runner_options * o)
{
  lines *l = g_new0 (lines, 1);

  l->base.run = run;
  l->base.free = release;
  l->o = o;
  l->read = g_string_new (NULL);
  return &l->base;
}
