/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Ways to do a job: a command for each, a command that answers lines, or
 * libwalloc in this process. */
#ifndef QUEUE_RUNNER_H
#define QUEUE_RUNNER_H

#include "job.h"

#include <glib.h>

#define RUN_ERROR 1024
/* bytes of what a job says that are kept: below a server's usual limit */
#define RUN_SAID 900000

typedef enum
{
  RAN_OK,
  RAN_FAILED,                   /* the job's own fault, as far as one can tell:
                                   tried again, then given up */
  RAN_LACKING,                  /* this machine lacks something: another one
                                   may have it */
  RAN_STOPPED                   /* the worker ends */
} run_kind;

typedef struct
{
  run_kind kind;
  gboolean skipped;             /* the output was there */
  char error[RUN_ERROR];
  json_t *said;                 /* what the result has beside, or NULL */
  guint64 bytes;                /* of the output */
} run_result;

typedef struct runner runner;

/* One for each thread. */
struct runner
{
  /* in, aside: NULL where the worker has no such folder */
  void (*run) (runner * r, const job * j, const char *in, const char *aside,
      run_result * result);
  void (*free) (runner * r);
};

typedef struct
{
  char **command;               /* ended by NULL */
  gboolean from_stdin, to_stdout;
  int timeout;                  /* s; 0: none */
  /* libwalloc */
  const char *model;
  unsigned quality;
} runner_options;

/* NULL after a message where that cannot work. */
runner *command_runner (const runner_options * o);
runner *lines_runner (const runner_options * o);
runner *latents_runner (const runner_options * o);

/* What is wrong with a command and its placeholders, or NULL. */
const char *command_fault (const runner_options * o, gboolean root,
    gboolean out);

/* Fills in kind and error. */
void run_fail (run_result * r, run_kind kind, const char *format, ...)
    G_GNUC_PRINTF (3, 4);

/* FAILED or LACKING by what errno means: a full disk is the machine's fault. */
run_kind run_kind_of (int number);

#endif
