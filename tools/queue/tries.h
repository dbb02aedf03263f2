/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* How often a job was tried, and how that ended. The server counts how often it
 * handed a job out, also where the worker stopped before it began; what brings a job
 * nearer to its end is counted here, in a stream that keeps the last record of each
 * job. A job that succeeds at once has none. */
#ifndef QUEUE_TRIES_H
#define QUEUE_TRIES_H

#include "broker.h"

#define TRIES_MAX 1000000       /* of each count */

typedef struct
{
  int failed, lacking;          /* answers of workers */
  int begun;                    /* without an answer, since the last one */
} tries;

/* What is known of the job at that place of the stream of jobs: zeros where
 * nothing is. FALSE with error: the server does not say. */
gboolean tries_read (const broker * b, guint64 job, tries * t, GError ** error);

/* Waits until it is stored. */
gboolean tries_write (const broker * b, guint64 job, const tries * t,
    GError ** error);

/* The same without waiting, nor a word on whether it was stored: for threads of
 * cnats, which must not wait. */
void tries_send (const broker * b, guint64 job, const tries * t);

#endif
