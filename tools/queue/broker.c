/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "broker.h"

#include "job.h"

#include <stdio.h>
#include <string.h>

#define CONNECT_MS 10000
#define PATIENCE (20 * G_TIME_SPAN_SECOND)
#define SECOND G_GINT64_CONSTANT (1000000000)
/* longer than any queue lives: a key that the stream has is never taken again */
#define FOR_EVER (10LL * 366 * 24 * 3600 * SECOND)

static const char *const kinds[] = { "jobs", "results", "tries", "failed" };

static gboolean
find (const broker * b, queue_stream which, jsStreamInfo ** info,
    gboolean * there, GError ** error)
{
  jsErrCode code = 0;
  natsStatus s = js_GetStreamInfo (info, b->js, b->stream[which], NULL, &code);

  *there = s == NATS_OK;
  if (s == NATS_OK || code == JSStreamNotFoundErr)
    return TRUE;
  gst_nats_set_error (error, s, code, "ask for the queue");
  return FALSE;
}

static gboolean
make_streams (const broker * b, const broker_options * o, GError ** error)
{
  jsStreamConfig config;
  jsErrCode code = 0;
  natsStatus s;
  const char *subjects[1];
  int i;

  for (i = 0; i < QUEUE_STREAMS; i++) {
    jsStreamConfig_Init (&config);
    subjects[0] = b->subject[i];
    config.Name = b->stream[i];
    config.Subjects = subjects;
    config.SubjectsLen = 1;
    config.Storage = o->memory ? js_MemoryStorage : js_FileStorage;
    config.Replicas = o->replicas;
    config.Duplicates = FOR_EVER;
    /* a full queue says so to who adds, and forgets nothing */
    config.Discard = js_DiscardNew;
    config.MaxBytes = o->max_bytes > 0 ? o->max_bytes : -1;
    if (i == QUEUE_JOBS)
      config.MaxMsgSize = JOB_MAX_SIZE + 1024;  /* headers */
    if (i == QUEUE_TRIES) {
      /* the last record of each job; without one a job is tried more often,
       * which is better than that a full stream holds it up */
      config.MaxMsgsPerSubject = 1;
      config.Discard = js_DiscardOld;
      config.Duplicates = 0;
    }
    s = js_AddStream (NULL, b->js, &config, NULL, &code);
    /* another one was quicker */
    if (s != NATS_OK && code != JSStreamNameExistErr) {
      gst_nats_set_error (error, s, code, "make the queue");
      return FALSE;
    }
  }
  return TRUE;
}

static gboolean
make_consumer (const broker * b, const broker_options * o, GError ** error)
{
  jsConsumerConfig config;
  jsConsumerInfo *info = NULL;
  jsErrCode code = 0;
  natsStatus s;

  s = js_GetConsumerInfo (&info, b->js, b->stream[QUEUE_JOBS], QUEUE_CONSUMER,
      NULL, &code);
  jsConsumerInfo_Destroy (info);
  if (s == NATS_OK)
    return TRUE;
  jsConsumerConfig_Init (&config);
  config.Durable = QUEUE_CONSUMER;
  config.AckPolicy = js_AckExplicit;
  config.AckWait = o->ack_wait * SECOND;
  /* how often is enough the workers decide: they have the error's text */
  config.MaxDeliver = -1;
  config.MaxAckPending = 1000000;
  config.MaxWaiting = 16384;
  code = 0;
  s = js_AddConsumer (NULL, b->js, b->stream[QUEUE_JOBS], &config, NULL, &code);
  if (s == NATS_OK)
    return TRUE;
  gst_nats_set_error (error, s, code, "make the queue's consumer");
  return FALSE;
}

static gboolean
removed (const broker * b, GError ** error)
{
  g_set_error (error, GST_NATS_ERROR, GST_NATS_ERROR_NO_STREAM,
      "The queue \"%s\" was removed", b->name);
  return FALSE;
}

static gboolean
consumer (const broker * b, jsConsumerInfo ** info, GError ** error)
{
  jsErrCode code = 0;
  natsStatus s = js_GetConsumerInfo (info, b->js, b->stream[QUEUE_JOBS],
      QUEUE_CONSUMER, NULL, &code);

  if (s == NATS_OK)
    return TRUE;
  if (code == JSStreamNotFoundErr || code == JSConsumerNotFoundErr)
    return removed (b, error);
  gst_nats_set_error (error, s, code, "ask for the queue's consumer");
  return FALSE;
}

static gboolean
find_queue (broker * b, const broker_options * o, gboolean create,
    GError ** error)
{
  jsStreamInfo *info = NULL;
  jsConsumerInfo *who = NULL;
  gboolean there = FALSE;

  /* the last that is made: a queue that has it is whole */
  if (!find (b, QUEUE_FAILED, &info, &there, error))
    return FALSE;
  jsStreamInfo_Destroy (info);
  /* queues of earlier versions have no such stream */
  if (there && create) {
    info = NULL;
    if (!find (b, QUEUE_TRIES, &info, &there, error))
      return FALSE;
    jsStreamInfo_Destroy (info);
  }
  if (!there && !create) {
    g_set_error (error, GST_NATS_ERROR, GST_NATS_ERROR_NO_STREAM,
        "There is no queue \"%s\"; \"walloc-queue add\" makes it", o->name);
    return FALSE;
  }
  if ((!there && !make_streams (b, o, error)) || !make_consumer (b, o, error)
      || !consumer (b, &who, error))
    return FALSE;
  b->ack_wait = who->Config->AckWait / 1000;
  jsConsumerInfo_Destroy (who);
  return TRUE;
}

gboolean
broker_open (broker * b, const broker_options * o, gboolean create,
    GError ** error)
{
  gint64 end = g_get_monotonic_time () + PATIENCE;
  gboolean good;
  int i;

  memset (b, 0, sizeof *b);
  b->name = o->name;
  for (i = 0; i < QUEUE_STREAMS; i++) {
    g_snprintf (b->stream[i], sizeof b->stream[i], "walloc-queue-%s-%s",
        o->name, kinds[i]);
    g_snprintf (b->subject[i], sizeof b->subject[i], "walloc.queue.%s.%s%s",
        o->name, kinds[i], i == QUEUE_TRIES ? ".*" : "");
  }
  b->link = gst_nats_connection_new (&o->server, NULL, NULL);
  good = gst_nats_connection_wait (b->link, CONNECT_MS, error);
  if (good) {
    b->nc = gst_nats_connection_get (b->link);
    b->js = gst_nats_connection_get_jetstream (b->link);
    good = find_queue (b, o, create, error);
  }
  /* a cluster that lost a server chooses another leader meanwhile */
  while (!good && b->js != NULL && g_error_matches (*error, GST_NATS_ERROR,
          GST_NATS_ERROR_TIMEOUT) && g_get_monotonic_time () < end) {
    g_clear_error (error);
    good = find_queue (b, o, create, error);
  }
  if (!good)
    broker_close (b);
  return good;
}

void
broker_close (broker * b)
{
  if (b->link != NULL)
    gst_nats_connection_close (b->link);
  b->link = NULL;
}

static gboolean
messages (const broker * b, queue_stream which, guint64 * count,
    guint64 * last, GError ** error)
{
  jsStreamInfo *info = NULL;
  gboolean there;

  if (!find (b, which, &info, &there, error))
    return FALSE;
  if (!there)
    return removed (b, error);
  *count = info->State.Msgs;
  *last = info->State.LastSeq;
  jsStreamInfo_Destroy (info);
  return TRUE;
}

gboolean
broker_count (const broker * b, broker_counts * c, GError ** error)
{
  jsConsumerInfo *info = NULL;
  guint64 last;

  /* the consumer first: what ends meanwhile is counted twice, never lost */
  if (!consumer (b, &info, error))
    return FALSE;
  c->waiting = info->NumPending;
  c->running = info->NumAckPending;
  jsConsumerInfo_Destroy (info);
  if (!messages (b, QUEUE_RESULTS, &c->done, &last, error) ||
      !messages (b, QUEUE_FAILED, &c->failed, &last, error))
    return FALSE;
  c->all = c->waiting + c->running + c->done + c->failed;
  return TRUE;
}

gboolean
broker_last (const broker * b, queue_stream which, guint64 * last,
    GError ** error)
{
  guint64 count;

  return messages (b, which, &count, last, error);
}

gboolean
broker_remove (broker * b, GError ** error)
{
  jsErrCode code = 0;
  natsStatus s;
  int i;

  /* the last that is found goes last */
  for (i = 0; i < QUEUE_STREAMS; i++) {
    code = 0;
    s = js_DeleteStream (b->js, b->stream[i], NULL, &code);
    if (s != NATS_OK && code != JSStreamNotFoundErr) {
      gst_nats_set_error (error, s, code, "remove the queue");
      return FALSE;
    }
  }
  return TRUE;
}
