/* SPDX-License-Identifier: LGPL-2.1-or-later */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <string.h>

#include "gstnatspull.h"

#define NS_PER_US 1000
#define SECOND G_GINT64_CONSTANT (1000000000)
/* A request waits so long for messages. */
#define EXPIRES (3 * G_TIME_SPAN_SECOND)
/* How it ended is not heard of when messages are lost, or who answers is. */
#define FORGOTTEN (EXPIRES + 2 * G_TIME_SPAN_SECOND)
/* Requests of all that share a durable, a few of each; servers have 512 unless
 * told otherwise. */
#define MAX_WAITING 8192
/* The server forgets a consumer without a name after this without a request. */
#define INACTIVE (60 * G_GINT64_CONSTANT (1000000000))

typedef struct
{
  guint64 number;
  guint left;
  gint64 sent;
} Request;

struct _GstNatsPull
{
  GstNatsConnection *connection;
  GstNatsPullConfig config;
  gchar *inbox;
  gchar *consumer;              /* of the thread that opens and asks */
  GMutex lock;                  /* other threads fetch and erase meanwhile */
  gchar *stream;
  gboolean work_queue, direct;
  gint64 created;               /* the stream; 0: not seen yet */
  GQueue requests;              /* oldest first, which servers answer first */
  guint64 next_number;
  guint asked;                  /* sum of what is left */
};

void
gst_nats_pull_config_clear (GstNatsPullConfig * config)
{
  g_free (config->stream);
  g_free (config->subject);
  g_free (config->durable);
  memset (config, 0, sizeof (*config));
}

GstNatsPull *
gst_nats_pull_new (GstNatsConnection * connection, GstNatsPullConfig * config,
    const gchar * inbox)
{
  GstNatsPull *self = g_new0 (GstNatsPull, 1);

  self->connection = gst_nats_connection_ref (connection);
  self->config = *config;
  memset (config, 0, sizeof (*config));
  self->inbox = g_strdup (inbox);
  g_mutex_init (&self->lock);
  g_queue_init (&self->requests);

  return self;
}

void
gst_nats_pull_reset (GstNatsPull * self)
{
  g_queue_clear_full (&self->requests, g_free);
  self->asked = 0;
}

void
gst_nats_pull_free (GstNatsPull * self)
{
  gst_nats_pull_reset (self);
  gst_nats_pull_config_clear (&self->config);
  gst_nats_connection_unref (self->connection);
  g_free (self->inbox);
  g_free (self->stream);
  g_free (self->consumer);
  g_mutex_clear (&self->lock);
  g_free (self);
}

/* Takes @name. Only the thread that opens calls it, and may read without it. */
static void
gst_nats_pull_set_stream (GstNatsPull * self, gchar * name)
{
  g_mutex_lock (&self->lock);
  g_free (self->stream);
  self->stream = name;
  g_mutex_unlock (&self->lock);
}

static gchar *
gst_nats_pull_dup_stream (GstNatsPull * self)
{
  gchar *name;

  g_mutex_lock (&self->lock);
  name = g_strdup (self->stream);
  g_mutex_unlock (&self->lock);

  return name;
}

/* The stream that has the subject, by asking for all their names. */
static natsStatus
gst_nats_pull_find_stream (GstNatsPull * self, jsCtx * js, jsErrCode * code)
{
  jsStreamNamesList *names = NULL;
  jsOptions options;
  natsStatus s;

  jsOptions_Init (&options);
  options.Stream.Info.SubjectsFilter = self->config.subject;
  s = js_StreamNames (&names, js, &options, code);
  if (s == NATS_OK && names && names->Count > 0)
    gst_nats_pull_set_stream (self, g_strdup (names->List[0]));
  else if (s == NATS_OK || s == NATS_NOT_FOUND) {
    s = NATS_NOT_FOUND;
    *code = JSStreamNotFoundErr;
  }
  jsStreamNamesList_Destroy (names);

  return s;
}

/* Servers drop requests without a word while nobody leads the consumer. */
static gboolean
gst_nats_pull_is_led (const jsConsumerInfo * info)
{
  return !info->Cluster || (info->Cluster->Leader && *info->Cluster->Leader);
}

static natsStatus
gst_nats_pull_add (GstNatsPull * self, jsCtx * js, guint64 after,
    gboolean renewed, gboolean * led, jsErrCode * code)
{
  jsConsumerConfig config;
  jsConsumerInfo *info = NULL;
  natsStatus s;

  jsConsumerConfig_Init (&config);
  config.Durable = self->config.durable;
  config.FilterSubject = self->config.subject;
  config.AckPolicy = js_AckExplicit;
  config.AckWait = (int64_t) self->config.ack_wait;
  config.MaxDeliver = self->config.max_deliver;
  config.MaxAckPending = self->config.max_ack_pending;
  config.MaxWaiting = MAX_WAITING;
  config.DeliverPolicy = self->config.deliver;
  config.OptStartSeq = self->config.start_sequence;
  config.OptStartTime = self->config.start_time;
  /* cnats writes the fraction of a second without zeros in front, ten times too
   * large: begin with the second instead, gst_nats_pull_is_early() is the rest */
  if (config.OptStartTime % SECOND < SECOND / 10)
    config.OptStartTime -= config.OptStartTime % SECOND;
  if (after > 0 && !self->work_queue) {
    config.DeliverPolicy = js_DeliverByStartSequence;
    config.OptStartSeq = after + 1;
    config.OptStartTime = 0;
  }
  if (self->work_queue || renewed) {
    config.DeliverPolicy = js_DeliverAll;
    config.OptStartSeq = 0;
    config.OptStartTime = 0;
  }
  if (!self->config.durable)
    config.InactiveThreshold = INACTIVE;
  s = js_AddConsumer (&info, js, self->stream, &config, NULL, code);
  if (s == NATS_OK) {
    g_free (self->consumer);
    self->consumer = g_strdup (info->Name);
    *led = gst_nats_pull_is_led (info);
  }
  jsConsumerInfo_Destroy (info);

  return s;
}

/* Whether it is another stream than the one of which @after was the last message:
 * deleted and made again, or kept in the memory of a server that is new. */
static gboolean
gst_nats_pull_is_renewed (GstNatsPull * self, const jsStreamInfo * stream,
    guint64 after)
{
  return (self->created != 0 && stream->Created != self->created)
      || stream->State.LastSeq < after;
}

gboolean
gst_nats_pull_open (GstNatsPull * self, guint64 after, gboolean * renewed,
    GError ** error)
{
  jsCtx *js = gst_nats_connection_get_jetstream (self->connection);
  const gchar *name = self->consumer ? self->consumer : self->config.durable;
  jsStreamInfo *stream = NULL;
  jsConsumerInfo *info = NULL;
  jsErrCode code = 0;
  natsStatus s = NATS_OK;
  gboolean led = TRUE;
  gchar *what;

  *renewed = FALSE;
  if (!self->stream && self->config.stream)
    gst_nats_pull_set_stream (self, g_strdup (self->config.stream));
  if (!self->stream)
    s = gst_nats_pull_find_stream (self, js, &code);
  if (s == NATS_OK)
    s = js_GetStreamInfo (&stream, js, self->stream, NULL, &code);
  if (s == NATS_NOT_FOUND) {
    code = JSStreamNotFoundErr;
    /* another one may have the subject later */
    if (!self->config.stream)
      gst_nats_pull_set_stream (self, NULL);
  }
  if (s == NATS_OK) {
    g_mutex_lock (&self->lock);
    self->work_queue = stream->Config->Retention == js_WorkQueuePolicy;
    self->direct = stream->Config->AllowDirect;
    g_mutex_unlock (&self->lock);
    *renewed = gst_nats_pull_is_renewed (self, stream, after);
    s = NATS_NOT_FOUND;
    if (name)
      s = js_GetConsumerInfo (&info, js, self->stream, name, NULL, &code);
    if (s == NATS_NOT_FOUND) {
      code = 0;
      s = gst_nats_pull_add (self, js, after, *renewed, &led, &code);
    } else if (s == NATS_OK) {
      if (!self->consumer)
        self->consumer = g_strdup (name);
      led = gst_nats_pull_is_led (info);
    }
    jsConsumerInfo_Destroy (info);
  }
  /* not before: who opens it is told of a new one once */
  if (s == NATS_OK && led)
    self->created = stream->Created;
  jsStreamInfo_Destroy (stream);
  if (s == NATS_OK && led)
    return TRUE;
  if (s == NATS_OK)
    code = JSClusterNotAvailErr;

  what = g_strdup_printf ("consume %s of the stream %s",
      self->config.subject, self->stream ? self->stream : "that has it");
  gst_nats_set_error (error, s, code, what);
  g_free (what);
  return FALSE;
}

gboolean
gst_nats_pull_is_early (GstNatsPull * self, const nats_delivery * delivery)
{
  return self->config.deliver == js_DeliverByStartTime
      && self->config.start_time > 0
      && delivery->time < (guint64) self->config.start_time;
}

static void
gst_nats_pull_end (GstNatsPull * self, GList * link)
{
  Request *request = link->data;

  self->asked -= request->left;
  g_queue_delete_link (&self->requests, link);
  g_free (request);
}

gboolean
gst_nats_pull_request (GstNatsPull * self, guint held, guint want)
{
  natsConnection *nc = gst_nats_connection_get (self->connection);
  gint64 now = g_get_monotonic_time ();
  Request *request;
  gchar *subject, *reply, *text;
  natsStatus s;
  guint n;

  if (self->requests.head && now - ((Request *)
          self->requests.head->data)->sent > FORGOTTEN)
    return FALSE;
  if (held + self->asked >= want)
    return TRUE;
  /* half of it at once, so that not each message costs a request */
  n = want - held - self->asked;
  if (self->asked > 0 && n < (want + 1) / 2)
    return TRUE;
  subject = g_strdup_printf ("$JS.API.CONSUMER.MSG.NEXT.%s.%s", self->stream,
      self->consumer);
  request = g_new (Request, 1);
  request->number = self->next_number++;
  request->left = n;
  request->sent = now;
  reply = g_strdup_printf ("%s.%" G_GUINT64_FORMAT, self->inbox,
      request->number);
  text = g_strdup_printf ("{\"batch\":%u,\"expires\":%" G_GINT64_FORMAT "}", n,
      (gint64) EXPIRES * NS_PER_US);
  s = natsConnection_PublishRequestString (nc, subject, reply, text);
  if (s == NATS_OK) {
    g_queue_push_tail (&self->requests, request);
    self->asked += n;
  } else {
    g_free (request);
  }
  g_free (subject);
  g_free (reply);
  g_free (text);

  return TRUE;
}

static gboolean
is_in (const gchar * status, const gchar * const *list)
{
  return status && g_strv_contains (list, status);
}

const gchar *
gst_nats_pull_get_refusal (natsMsg * msg)
{
  const char *text = NULL;

  return natsMsgHeader_Get (msg, "Description", &text) == NATS_OK ? text : "";
}

/* 409 is many things. A limit of a request is one that the consumer was made with
 * by somebody else; what is not known may be that it was deleted. */
static GstNatsPullResult
read_conflict (natsMsg * msg)
{
  const gchar *text = gst_nats_pull_get_refusal (msg);

  if (strstr (text, "MaxWaiting"))
    return GST_NATS_PULL_BUSY;
  if (strstr (text, "MaxRequest") || strstr (text, "push based"))
    return GST_NATS_PULL_REFUSED;
  return GST_NATS_PULL_GONE;
}

GstNatsPullResult
gst_nats_pull_received (GstNatsPull * self, natsMsg * msg)
{
  static const gchar *const over[] = { "404", "408", "409", "503", "400",
    NULL
  };
  const char *status = NULL, *reply = natsMsg_GetReply (msg);
  const gchar *dot = strrchr (natsMsg_GetSubject (msg), '.');
  GstNatsPullResult result = GST_NATS_PULL_ENDED;
  nats_delivery delivery;
  GList *l;

  if (reply && nats_delivery_read (&delivery, reply)) {
    if (self->requests.head) {
      Request *request = self->requests.head->data;

      request->left--;
      self->asked--;
      if (request->left == 0)
        gst_nats_pull_end (self, self->requests.head);
    }
    return GST_NATS_PULL_MESSAGE;
  }
  if (natsMsg_IsNoResponders (msg))
    result = GST_NATS_PULL_GONE;
  else if (natsMsgHeader_Get (msg, "Status", &status) != NATS_OK
      || !is_in (status, over))
    return GST_NATS_PULL_ENDED;
  else if (g_str_equal (status, "503"))
    result = GST_NATS_PULL_GONE;
  else if (g_str_equal (status, "409"))
    result = read_conflict (msg);
  for (l = self->requests.head; l && dot; l = l->next) {
    if (((Request *) l->data)->number == g_ascii_strtoull (dot + 1, NULL, 10)) {
      gst_nats_pull_end (self, l);
      break;
    }
  }

  return result;
}

gboolean
gst_nats_pull_is_work_queue (GstNatsPull * self)
{
  gboolean is;

  g_mutex_lock (&self->lock);
  is = self->work_queue;
  g_mutex_unlock (&self->lock);

  return is;
}

natsMsg *
gst_nats_pull_get (GstNatsPull * self, guint64 sequence, GError ** error)
{
  jsCtx *js = gst_nats_connection_get_jetstream (self->connection);
  jsDirectGetMsgOptions options;
  gchar *stream = gst_nats_pull_dup_stream (self);
  natsMsg *msg = NULL;
  jsErrCode code = 0;
  natsStatus s = stream ? NATS_ERR : NATS_NOT_FOUND;
  gboolean direct;

  g_mutex_lock (&self->lock);
  direct = self->direct;
  g_mutex_unlock (&self->lock);
  if (stream && direct) {
    jsDirectGetMsgOptions_Init (&options);
    options.Sequence = sequence;
    s = js_DirectGetMsg (&msg, js, stream, NULL, &options);
  }
  /* the leader has what another server has not stored yet */
  if (stream && s != NATS_OK)
    s = js_GetMsg (&msg, js, stream, sequence, NULL, &code);
  if (s != NATS_OK)
    gst_nats_set_error (error, s, code, "fetch a chunk of a large buffer");
  g_free (stream);

  return s == NATS_OK ? msg : NULL;
}

void
gst_nats_pull_erase (GstNatsPull * self, guint64 sequence)
{
  gchar *stream = gst_nats_pull_dup_stream (self);
  gchar *subject = g_strconcat ("$JS.API.STREAM.MSG.DELETE.", stream, NULL);
  gchar *text = g_strdup_printf ("{\"seq\":%" G_GUINT64_FORMAT
      ",\"no_erase\":true}", sequence);

  if (stream)
    natsConnection_PublishString (gst_nats_connection_get (self->connection),
        subject, text);
  g_free (stream);
  g_free (subject);
  g_free (text);
}

void
gst_nats_pull_forget (GstNatsPull * self)
{
  if (!self->config.durable && self->consumer
      && gst_nats_connection_is_connected (self->connection))
    js_DeleteConsumer (gst_nats_connection_get_jetstream (self->connection),
        self->stream, self->consumer, NULL, NULL);
}
