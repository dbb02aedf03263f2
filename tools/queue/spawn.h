/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Programs that end when their worker does. */
#ifndef QUEUE_SPAWN_H
#define QUEUE_SPAWN_H

#include <sys/types.h>

/* Starts argv with these as its descriptors 0, 1 and 2 (-1: /dev/null for the
 * first two, ours for the third), in a process group of its own. Returns its id,
 * or -1 with errno where it could not be started. */
pid_t spawn (char **argv, const int fds[3]);

/* SIGKILL for the group, and waits for the program. */
void spawn_kill (pid_t pid);

/* How it ended, for people: "ended with status 3", "was killed by signal 9". */
void spawn_describe (int status, char *text, size_t room);

/* A pipe that only who dups it keeps over exec; 0 or -1. */
int spawn_pipe (int fds[2]);

#endif
