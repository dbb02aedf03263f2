/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include "spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

int
spawn_pipe (int fds[2])
{
  return pipe2 (fds, O_CLOEXEC);
}

/* In the child: nothing but what is safe after fork() in a program with
 * threads. Only returns when it failed. */
static void
become (char **argv, const int fds[3], pid_t parent)
{
  sigset_t none;
  int i, fd;

  prctl (PR_SET_PDEATHSIG, SIGKILL);
  /* it was gone before */
  if (getppid () != parent)
    _exit (1);
  setpgid (0, 0);
  for (i = 0; i < 3; i++) {
    fd = fds[i];
    if (fd < 0 && i == 2)
      continue;
    if (fd < 0)
      fd = open ("/dev/null", i == 0 ? O_RDONLY : O_WRONLY);
    if (fd < 0 || (fd != i && dup2 (fd, i) < 0))
      return;
  }
  signal (SIGPIPE, SIG_DFL);
  signal (SIGINT, SIG_DFL);
  signal (SIGTERM, SIG_DFL);
#ifdef SYS_close_range
  /* connections that libraries opened are none of its business; not before
   * Linux 5.11, and then it gets them */
  syscall (SYS_close_range, 3U, ~0U, 4U /* CLOSE_RANGE_CLOEXEC */ );
#endif
  sigemptyset (&none);
  sigprocmask (SIG_SETMASK, &none, NULL);
  execvp (argv[0], argv);
}

pid_t
spawn (char **argv, const int fds[3])
{
  pid_t pid, parent = getpid ();
  int tell[2], why = 0;
  ssize_t n;

  if (spawn_pipe (tell) != 0)
    return -1;
  pid = fork ();
  if (pid == 0) {
    become (argv, fds, parent);
    why = errno;
    n = write (tell[1], &why, sizeof why);
    _exit (n == sizeof why ? 127 : 126);
  }
  if (pid < 0)
    why = errno;
  close (tell[1]);
  /* closed by exec, or the reason why there was none */
  if (pid > 0) {
    do
      n = read (tell[0], &why, sizeof why);
    while (n < 0 && errno == EINTR);
    if (n == (ssize_t) sizeof why) {
      waitpid (pid, NULL, 0);
      pid = -1;
    }
  }
  close (tell[0]);
  if (pid < 0)
    errno = why;
  return pid;
}

void
spawn_kill (pid_t pid)
{
  kill (-pid, SIGKILL);
  while (waitpid (pid, NULL, 0) < 0 && errno == EINTR);
}

void
spawn_describe (int status, char *text, size_t room)
{
  if (WIFSIGNALED (status))
    snprintf (text, room, "was killed by signal %d (%s)", WTERMSIG (status),
        strsignal (WTERMSIG (status)));
  else
    snprintf (text, room, "ended with status %d", WEXITSTATUS (status));
}
