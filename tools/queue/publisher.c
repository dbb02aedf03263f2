/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "publisher.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* us until a message without an answer is sent again, and between looks */
#define AGAIN (4 * G_TIME_SPAN_SECOND)
#define LOOK (G_TIME_SPAN_SECOND / 4)
#define HEADERS 256             /* bytes that they take at most */

typedef struct
{
  char *text, id[88];
  size_t size;
  queue_stream to;
  gint64 sent;                  /* 0: not yet, or in vain */
  guint32 turn;                 /* how often this place was used */
  gboolean used;
  void *user_data;
} place;

struct publisher
{
  const broker *b;
  publish_done done;
  void *closure;
  natsInbox *inbox;
  natsSubscription *answers;
  GMutex lock;
  GCond room;                   /* a place became free, or it was stopped */
  GCond ended;                  /* it was stopped */
  place *places;
  guint *free_places;
  guint window, n_free;
  gboolean stopped;
  GThread *again;
};

/* With the lock held, which cnats never waits for. */
static void
transmit (publisher * p, guint i)
{
  place *at = &p->places[i];
  natsMsg *msg = NULL;
  char reply[200];
  natsStatus s;

  g_snprintf (reply, sizeof reply, "%s.%u.%u", p->inbox, i, at->turn);
  s = natsMsg_Create (&msg, p->b->subject[at->to], reply, at->text,
      (int) at->size);
  if (s == NATS_OK)
    s = natsMsgHeader_Set (msg, "Nats-Msg-Id", at->id);
  if (s == NATS_OK)
    s = natsConnection_PublishMsg (p->b->nc, msg);
  natsMsg_Destroy (msg);
  /* no connection, no room in its buffer: the other thread comes back to it */
  at->sent = s == NATS_OK ? g_get_monotonic_time () : 0;
}

/* What the server says: {"stream", "seq", "duplicate"} or {"error": {...}}. */
static publish_result
read_answer (const char *text, size_t size, char *why, size_t room)
{
  json_t *said = json_loadb (text, size, 0, NULL);
  const json_t *e = json_object_get (said, "error");
  const char *words = json_string_value (json_object_get (e, "description"));
  publish_result result = PUBLISH_REFUSED;

  if (e != NULL)
    g_snprintf (why, room, "%s", words != NULL ? words : "refused");
  else if (!json_is_integer (json_object_get (said, "seq")))
    g_snprintf (why, room, "the answer of the server cannot be read");
  else
    result = json_is_true (json_object_get (said, "duplicate")) ?
        PUBLISHED_BEFORE : PUBLISHED;
  json_decref (said);
  return result;
}

static void
on_answer (natsConnection * nc, natsSubscription * sub, natsMsg * msg,
    void *user_data)
{
  publisher *p = user_data;
  const char *tail = natsMsg_GetSubject (msg) + strlen (p->inbox);
  const char *status = NULL;
  char why[256] = "";
  guint i, turn;
  publish_result result;
  void *given;

  if (sscanf (tail, ".%u.%u", &i, &turn) != 2 || i >= p->window)
    goto out;
  /* 503: no stream takes it just now, as while a server starts */
  if (natsMsgHeader_Get (msg, "Status", &status) == NATS_OK)
    goto out;
  result = read_answer (natsMsg_GetData (msg),
      (size_t) natsMsg_GetDataLength (msg), why, sizeof why);
  g_mutex_lock (&p->lock);
  /* the second answer to a message that was sent twice */
  if (!p->places[i].used || p->places[i].turn != turn) {
    g_mutex_unlock (&p->lock);
    goto out;
  }
  given = p->places[i].user_data;
  g_mutex_unlock (&p->lock);
  p->done (result, why, p->closure, given);
  g_mutex_lock (&p->lock);
  g_clear_pointer (&p->places[i].text, g_free);
  p->places[i].used = FALSE;
  p->places[i].turn++;
  p->free_places[p->n_free++] = i;
  g_cond_broadcast (&p->room);
  g_mutex_unlock (&p->lock);
out:
  natsMsg_Destroy (msg);
}

static gpointer
send_again (gpointer data)
{
  publisher *p = data;
  gint64 now;
  guint i;

  g_mutex_lock (&p->lock);
  while (!p->stopped) {
    g_cond_wait_until (&p->ended, &p->lock, g_get_monotonic_time () + LOOK);
    now = g_get_monotonic_time ();
    for (i = 0; i < p->window && !p->stopped; i++)
      if (p->places[i].used && now - p->places[i].sent > AGAIN &&
          gst_nats_connection_is_connected (p->b->link))
        transmit (p, i);
  }
  g_mutex_unlock (&p->lock);
  return NULL;
}

publisher *
publisher_new (const broker * b, guint window, publish_done done,
    void *closure, GError ** error)
{
  publisher *p = g_new0 (publisher, 1);
  char all[160];
  natsStatus s;
  guint i;

  p->b = b;
  p->done = done;
  p->closure = closure;
  p->window = p->n_free = window;
  p->places = g_new0 (place, window);
  p->free_places = g_new (guint, window);
  for (i = 0; i < window; i++)
    p->free_places[i] = i;
  g_mutex_init (&p->lock);
  g_cond_init (&p->room);
  g_cond_init (&p->ended);
  s = natsInbox_Create (&p->inbox);
  if (s == NATS_OK) {
    g_snprintf (all, sizeof all, "%s.>", p->inbox);
    s = natsConnection_Subscribe (&p->answers, b->nc, all, on_answer, p);
  }
  if (s == NATS_OK)
    s = natsSubscription_SetPendingLimits (p->answers, -1, -1);
  if (s != NATS_OK) {
    gst_nats_set_error (error, s, 0, "wait for answers of the server");
    publisher_free (p);
    return NULL;
  }
  p->again = g_thread_new ("send-again", send_again, p);
  return p;
}

gboolean
publisher_send (publisher * p, queue_stream to, const char *id,
    const char *text, size_t size, void *user_data)
{
  gsize most = gst_nats_connection_get_max_payload (p->b->link);
  char why[128];
  place *at;
  guint i;

  /* the server would never take it, however often it is sent */
  if (most > 0 && size + HEADERS > most) {
    g_snprintf (why, sizeof why, "a message of %zu bytes is more than its "
        "max_payload of %zu allows", size, (size_t) most);
    p->done (PUBLISH_REFUSED, why, p->closure, user_data);
    return TRUE;
  }
  g_mutex_lock (&p->lock);
  while (p->n_free == 0 && !p->stopped)
    g_cond_wait (&p->room, &p->lock);
  if (p->stopped) {
    g_mutex_unlock (&p->lock);
    return FALSE;
  }
  i = p->free_places[--p->n_free];
  at = &p->places[i];
  at->text = g_memdup2 (text, size);
  at->size = size;
  at->to = to;
  at->user_data = user_data;
  at->used = TRUE;
  g_snprintf (at->id, sizeof at->id, "%s", id);
  transmit (p, i);
  g_mutex_unlock (&p->lock);
  return TRUE;
}

gboolean
publisher_flush (publisher * p, int timeout_ms)
{
  gint64 end = g_get_monotonic_time () + timeout_ms * G_GINT64_CONSTANT (1000);
  gboolean all;

  g_mutex_lock (&p->lock);
  while (p->n_free < p->window && !p->stopped) {
    if (timeout_ms < 0)
      g_cond_wait (&p->room, &p->lock);
    else if (!g_cond_wait_until (&p->room, &p->lock, end))
      break;
  }
  all = p->n_free == p->window;
  g_mutex_unlock (&p->lock);
  return all;
}

void
publisher_stop (publisher * p)
{
  g_mutex_lock (&p->lock);
  p->stopped = TRUE;
  g_cond_broadcast (&p->room);
  g_cond_broadcast (&p->ended);
  g_mutex_unlock (&p->lock);
}

void
publisher_free (publisher * p)
{
  guint i;

  if (p == NULL)
    return;
  publisher_stop (p);
  if (p->again != NULL)
    g_thread_join (p->again);
  if (p->answers != NULL) {
    natsSubscription_Drain (p->answers);
    /* on_answer may still be running */
    natsSubscription_WaitForDrainCompletion (p->answers, 2000);
    natsSubscription_Destroy (p->answers);
  }
  natsInbox_Destroy (p->inbox);
  for (i = 0; i < p->window; i++)
    g_free (p->places[i].text);
  g_free (p->places);
  g_free (p->free_places);
  g_mutex_clear (&p->lock);
  g_cond_clear (&p->room);
  g_cond_clear (&p->ended);
  g_free (p);
}
