/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* All messages of a stream of the queue, each once, in order, as slowly as
 * whoever reads them likes. */
#ifndef QUEUE_READER_H
#define QUEUE_READER_H

#include "broker.h"

typedef struct reader reader;

/* From the stream's first message on. NULL with error. */
reader *reader_new (const broker * b, queue_stream which, GError ** error);
void reader_free (reader * r);

/* The next message, to be destroyed, its place in the stream, and how many are
 * behind it just now; NULL where none came in that time. */
natsMsg *reader_next (reader * r, int timeout_ms, guint64 * sequence,
    guint64 * behind);

#endif
