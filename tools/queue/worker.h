/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifndef QUEUE_WORKER_H
#define QUEUE_WORKER_H

#include "broker.h"
#include "runner.h"

typedef struct
{
  char *root, *out, *to_latents, *suffix;
  runner_options run;
  int jobs, tries, retry_delay;
  gboolean lines, again, no_sync, drain, quiet;
} work_options;

/* Works until it is stopped (status 130 if jobs were given back, else 0), or
 * with drain until nothing waits or runs. */
int worker_run (const broker_options * o, const work_options * w);

#endif
