/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Messages are asked for, a few at a time: those that a server pushes it, or
 * libnats, drops when they are read too slowly. What is lost all the same, with a
 * connection, leaves a gap in the count of what the consumer was given, and is asked
 * for again. */
#include "reader.h"

#include <string.h>

#define TOGETHER 256
/* times without a message after which it asks anew */
#define IDLE 30
/* the server forgets who asks for nothing for so long, ns */
#define INACTIVE (300 * G_GINT64_CONSTANT (1000000000))

struct reader
{
  const broker *b;
  queue_stream which;
  natsSubscription *sub;        /* NULL: to be made again */
  natsMsgList list;
  int at;                       /* in list */
  guint64 next;                 /* place in the stream from which on it reads */
  guint64 given;                /* messages of this subscription */
  guint idle;
};

static gboolean
subscribe (reader * r, GError ** error)
{
  jsSubOptions options;
  jsErrCode code = 0;
  natsStatus s;

  jsSubOptions_Init (&options);
  options.Stream = r->b->stream[r->which];
  options.Config.DeliverPolicy = js_DeliverByStartSequence;
  options.Config.OptStartSeq = r->next;
  options.Config.AckPolicy = js_AckNone;
  options.Config.InactiveThreshold = INACTIVE;
  r->given = 0;
  s = js_PullSubscribe (&r->sub, r->b->js, r->b->subject[r->which], NULL, NULL,
      &options, &code);
  if (s == NATS_OK)
    return TRUE;
  r->sub = NULL;
  gst_nats_set_error (error, s, code, "read the queue");
  return FALSE;
}

static void
forget (reader * r)
{
  natsMsgList_Destroy (&r->list);
  memset (&r->list, 0, sizeof r->list);
  r->at = 0;
  /* that asks the server to forget it, too */
  if (r->sub != NULL)
    (void) natsSubscription_Unsubscribe (r->sub);
  natsSubscription_Destroy (r->sub);
  r->sub = NULL;
}

reader *
reader_new (const broker * b, queue_stream which, GError ** error)
{
  reader *r = g_new0 (reader, 1);

  r->b = b;
  r->which = which;
  r->next = 1;
  if (subscribe (r, error))
    return r;
  reader_free (r);
  return NULL;
}

void
reader_free (reader * r)
{
  forget (r);
  g_free (r);
}

static gboolean
fetch (reader * r, int timeout_ms)
{
  natsStatus s;

  natsMsgList_Destroy (&r->list);
  memset (&r->list, 0, sizeof r->list);
  r->at = 0;
  if (r->sub == NULL && !subscribe (r, NULL)) {
    /* no server just now */
    g_usleep ((gulong) timeout_ms * 1000);
    return FALSE;
  }
  s = natsSubscription_Fetch (&r->list, r->sub, TOGETHER, timeout_ms, NULL);
  r->idle = s == NATS_OK ? 0 : r->idle + 1;
  /* the server that knew this subscription may have been started anew */
  if (s != NATS_OK && (s != NATS_TIMEOUT || r->idle % IDLE == 0))
    forget (r);
  return s == NATS_OK;
}

natsMsg *
reader_next (reader * r, int timeout_ms, guint64 * sequence, guint64 * behind)
{
  jsMsgMetaData *meta = NULL;
  natsMsg *msg;
  gboolean whole;

  if (r->at >= r->list.Count && !fetch (r, timeout_ms))
    return NULL;
  msg = r->list.Msgs[r->at];
  r->list.Msgs[r->at++] = NULL;
  whole = natsMsg_GetMetaData (&meta, msg) == NATS_OK &&
      meta->Sequence.Consumer == ++r->given;
  if (whole) {
    *sequence = meta->Sequence.Stream;
    *behind = meta->NumPending;
    r->next = *sequence + 1;
  } else {
    natsMsg_Destroy (msg);
    msg = NULL;
    forget (r);
  }
  if (meta != NULL)
    jsMsgMetaData_Destroy (meta);
  return msg;
}
