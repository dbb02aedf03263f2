/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* A queue at the server: four streams and a consumer. Jobs stay in the first
 * until the queue is removed, so that the server knows a key again however long
 * ago it came; the second has one result of each key, the third how often jobs
 * were tried, the fourth what was given up (docs/design/queue.md). */
#ifndef QUEUE_BROKER_H
#define QUEUE_BROKER_H

#include "gstnatsconnection.h"

#define QUEUE_CONSUMER "workers"
#define QUEUE_MAX_NAME 48

typedef enum
{
  QUEUE_JOBS,
  QUEUE_RESULTS,
  QUEUE_TRIES,
  QUEUE_FAILED,
  QUEUE_STREAMS
} queue_stream;

/* What the command line says of it. */
typedef struct
{
  GstNatsSettings server;
  char *name;
  /* of a queue that is made */
  int replicas, ack_wait;       /* ack_wait: s */
  gboolean memory;
  gint64 max_bytes;             /* of each stream; 0: no limit */
} broker_options;

typedef struct
{
  GstNatsConnection *link;
  natsConnection *nc;
  jsCtx *js;
  const char *name;
  char stream[QUEUE_STREAMS][96];
  char subject[QUEUE_STREAMS][96];
  gint64 ack_wait;              /* us */
} broker;

typedef struct
{
  guint64 all, waiting, running, done, failed;
} broker_counts;

/* Connects, and finds the queue; makes it if create says so. FALSE with error:
 * also where there is no such queue. */
gboolean broker_open (broker * b, const broker_options * o, gboolean create,
    GError ** error);
void broker_close (broker * b);

/* all: keys that were ever added; waiting: nobody has it; running: somebody
 * has it, or it failed and waits for its next try; the four others make all, but
 * for moments in which a job is both running and done. */
gboolean broker_count (const broker * b, broker_counts * c, GError ** error);

/* Deletes all streams. */
gboolean broker_remove (broker * b, GError ** error);

/* Sequence of the stream's last message; 0: none. */
gboolean broker_last (const broker * b, queue_stream which, guint64 * last,
    GError ** error);

#endif
