/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Jobs that this worker has: the server hears of each that it is in hand, so
 * that it gives it to nobody else, until the worker says how it ended. */
#ifndef QUEUE_HOLD_H
#define QUEUE_HOLD_H

#include "broker.h"
#include "job.h"
#include "tries.h"

#define HOLD_BEGINS 200

typedef struct
{
  job j;
  gboolean good;                /* else error, and how the message begins */
  char error[JOB_ERROR], *begins;
  guint64 sequence;
  int deliveries;               /* with this one */
  tries t;                      /* before this one; filled in by the worker */
  natsMsg *msg;
} held;

typedef struct
{
  GMutex lock;
  GCond ended;
  GHashTable *all;
  GThread *thread;
  gint64 every;                 /* us between words to the server */
  gboolean ending;
} holder;

typedef enum
{
  HOLD_ACK,
  HOLD_NAK
} hold_word;

void hold_open (holder * all, gint64 every);

/* What is still held is silently let go: the server gives it to another when
 * its time is over. */
void hold_close (holder * all);

/* Takes the message. NULL where it is none of a stream. */
held *hold_begin (holder * all, natsMsg * msg);

/* Says how it ended, and frees it; delay: s until a NAK brings it back. Any
 * thread. */
void hold_end (holder * all, held * h, hold_word word, double delay);

guint hold_count (holder * all);

#endif
