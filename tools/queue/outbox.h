/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Outputs that are written, on their way to the disk. Waiting for the disk takes
 * as long for a hundred small files as for one, so all that are ready wait
 * together, and the threads that make them go on meanwhile. */
#ifndef QUEUE_OUTBOX_H
#define QUEUE_OUTBOX_H

#include "hold.h"
#include "runner.h"

/* A job that was done, or failed. */
typedef struct
{
  held *h;
  char *aside, *out;            /* NULL: it has no output, or that was there */
  run_result r;
  double took;                  /* s */
} finished;

/* Lets outputs appear under their names, whole: of those whose r says RAN_OK; where
 * that fails, r says why, and nothing is left aside. sync: then data and names are
 * on the disk when it returns. */
void outbox_commit (finished ** all, guint n, gboolean sync);

/* Says what became of one, and frees it: the outbox's thread. */
typedef void (*outbox_done) (finished * f, void *closure);

typedef struct outbox outbox;

outbox *outbox_new (outbox_done done, void *closure);

/* Takes it; waits while too many wait for the disk. Any thread. */
void outbox_put (outbox * b, finished * f);

/* Does what is left. NULL: nothing. */
void outbox_free (outbox * b);

#endif
