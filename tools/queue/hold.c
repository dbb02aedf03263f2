/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "hold.h"

#include <string.h>

static gpointer
keep (gpointer data)
{
  holder *all = data;
  GHashTableIter iter;
  gpointer h;
  gint64 next;

  g_mutex_lock (&all->lock);
  while (!all->ending) {
    next = g_get_monotonic_time () + all->every;
    while (!all->ending && g_cond_wait_until (&all->ended, &all->lock, next));
    g_hash_table_iter_init (&iter, all->all);
    while (!all->ending && g_hash_table_iter_next (&iter, &h, NULL))
      natsMsg_InProgress (((held *) h)->msg, NULL);
  }
  g_mutex_unlock (&all->lock);
  return NULL;
}

void
hold_open (holder * all, gint64 every)
{
  memset (all, 0, sizeof *all);
  g_mutex_init (&all->lock);
  g_cond_init (&all->ended);
  all->every = every;
  all->all = g_hash_table_new (NULL, NULL);
  all->thread = g_thread_new ("hold", keep, all);
}

static void
clear (held * h)
{
  natsMsg_Destroy (h->msg);
  job_clear (&h->j);
  g_free (h->begins);
  g_free (h);
}

void
hold_close (holder * all)
{
  GHashTableIter iter;
  gpointer h;

  if (all->thread == NULL)
    return;
  g_mutex_lock (&all->lock);
  all->ending = TRUE;
  g_cond_broadcast (&all->ended);
  g_mutex_unlock (&all->lock);
  g_thread_join (all->thread);
  g_hash_table_iter_init (&iter, all->all);
  while (g_hash_table_iter_next (&iter, &h, NULL))
    clear (h);
  g_hash_table_destroy (all->all);
  g_mutex_clear (&all->lock);
  g_cond_clear (&all->ended);
  all->thread = NULL;
}

held *
hold_begin (holder * all, natsMsg * msg)
{
  jsMsgMetaData *meta = NULL;
  const char *text = natsMsg_GetData (msg);
  size_t size = (size_t) MAX (natsMsg_GetDataLength (msg), 0);
  held *h;

  if (natsMsg_GetMetaData (&meta, msg) != NATS_OK) {
    natsMsg_Destroy (msg);
    return NULL;
  }
  h = g_new0 (held, 1);
  h->msg = msg;
  h->sequence = meta->Sequence.Stream;
  h->deliveries = (int) MIN (meta->NumDelivered, G_MAXINT);
  jsMsgMetaData_Destroy (meta);
  h->good = job_parse (text != NULL ? text : "", size, &h->j, h->error);
  if (!h->good) {
    job_clear (&h->j);
    h->begins = g_utf8_make_valid (text != NULL ? text : "",
        (gssize) MIN (size, HOLD_BEGINS));
  }
  g_mutex_lock (&all->lock);
  g_hash_table_add (all->all, h);
  g_mutex_unlock (&all->lock);
  return h;
}

void
hold_end (holder * all, held * h, hold_word word, double delay)
{
  g_mutex_lock (&all->lock);
  g_hash_table_remove (all->all, h);
  /* lost words cost a job that is done once more, to the same end */
  if (word == HOLD_ACK)
    natsMsg_Ack (h->msg, NULL);
  else if (delay > 0)
    natsMsg_NakWithDelay (h->msg, (gint64) (delay * 1e3), NULL);
  else
    natsMsg_Nak (h->msg, NULL);
  g_mutex_unlock (&all->lock);
  clear (h);
}

guint
hold_count (holder * all)
{
  guint n;

  g_mutex_lock (&all->lock);
  n = g_hash_table_size (all->all);
  g_mutex_unlock (&all->lock);
  return n;
}
