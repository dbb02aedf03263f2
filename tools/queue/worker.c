/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "worker.h"

#include "commands.h"
#include "hold.h"
#include "outbox.h"
#include "place.h"
#include "publisher.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WINDOW 1024             /* results on their way */
#define FETCH_MS 1000           /* for so long it waits for jobs */
#define AHEAD 0.25              /* s of work that is fetched ahead */
#define AHEAD_MOST 64           /* jobs of that for each thread */
/* in tries: answers that a machine lacks something, and beginnings of jobs that
 * no worker ever answers for */
#define LOST 4
/* jobs in a row that this machine lacks something for, until it holds back */
#define LACKING_FREE 3
#define PAUSE_MOST 30.0         /* s */
#define DELAY_MOST 300          /* s before another try */
#define FLUSH_MS 15000

typedef struct
{
  const work_options *o;
  broker b;
  publisher *p;
  places places;
  outbox *outbox;               /* NULL: nobody waits for the disk */
  char name[96];
  natsSubscription *jobs;
  holder held;
  GThread **threads;
  runner **runners;
  GMutex lock;
  GCond changed;                /* of ready, pause or ending */
  GQueue ready;                 /* fetched, not begun */
  gboolean ending;
  double pace;                  /* s that a job takes; 0: not known */
  guint lacking_in_row;
  gint64 pause_end, begin, shown;
  guint64 done, skipped, given_up, later, given_back;
  char last_error[RUN_ERROR];
} worker;

typedef struct
{
  worker *w;
  guint number;
} seat;

static gint64
seconds (double s)
{
  return (gint64) (s * 1e6);
}

/* The first tries are not worth a word before each; from then on a job that
 * nobody answers for is known by its beginnings, and those are not many: jobs that
 * were handed back unbegun are not among them. */
static gboolean
is_counted (const worker * w, const held * h)
{
  return h->good && h->deliveries > w->o->tries;
}

/* It was begun, and did not come to an end for a reason that is not the
 * job's. */
static void
uncount (worker * w, held * h)
{
  if (!is_counted (w, h) || h->t.begun == 0)
    return;
  h->t.begun--;
  tries_send (&w->b, h->sequence, &h->t);
}

/* One and the same a thousand times is said once. */
static void
complain_once (worker * w, GError ** error)
{
  g_mutex_lock (&w->lock);
  if (strcmp (w->last_error, (*error)->message) != 0) {
    g_strlcpy (w->last_error, (*error)->message, sizeof w->last_error);
    complain_error (error);
  }
  g_mutex_unlock (&w->lock);
  g_clear_error (error);
}

/* A thread of cnats: the server has the result of a job, or why it was given
 * up. */
static void
on_stored (publish_result result, const char *why, void *closure,
    void *user_data)
{
  worker *w = closure;

  if (result != PUBLISH_REFUSED) {
    hold_end (&w->held, user_data, HOLD_ACK, 0);
    return;
  }
  g_mutex_lock (&w->lock);
  if (strcmp (w->last_error, why) != 0) {
    g_strlcpy (w->last_error, why, sizeof w->last_error);
    complain ("the server does not store results: %s; they are tried again",
        why);
  }
  g_mutex_unlock (&w->lock);
  uncount (w, user_data);
  hold_end (&w->held, user_data, HOLD_NAK, 30);
}

/* tries: with this one */
static json_t *
answer (const worker * w, int tries)
{
  json_t *v = json_object ();

  json_object_set_new (v, "v", json_integer (JOB_VERSION));
  json_object_set_new (v, "worker", json_string (w->name));
  json_object_set_new (v, "tries", json_integer (tries));
  return v;
}

static void
give_up (worker * w, held * h, const char *kind, const char *error)
{
  json_t *v = answer (w, MAX (h->t.failed + h->t.lacking + h->t.begun, 1));
  char id[48], *text;
  GDateTime *now = g_date_time_new_now_utc ();
  char *when = g_date_time_format_iso8601 (now);

  json_object_set_new (v, "kind", json_string (kind));
  json_object_set_new (v, "error", json_string (error));
  json_object_set_new (v, "time", json_string (when));
  if (h->good) {
    json_object_set_new (v, "key", json_string (h->j.key));
    json_object_set (v, "job", h->j.whole);
  } else {
    json_object_set_new (v, "begins", json_string (h->begins));
  }
  text = json_dumps (v, JSON_COMPACT);
  json_decref (v);
  g_free (when);
  g_date_time_unref (now);
  g_mutex_lock (&w->lock);
  w->given_up++;
  g_mutex_unlock (&w->lock);
  if (!w->o->quiet)
    complain ("%s is given up: %s", h->good ? h->j.path != NULL ? h->j.path :
        h->j.key : "a job", error);
  g_snprintf (id, sizeof id, "failed-%" G_GUINT64_FORMAT, h->sequence);
  if (!publisher_send (w->p, QUEUE_FAILED, id, text, strlen (text), h))
    hold_end (&w->held, h, HOLD_NAK, 0);
  free (text);
}

/* Not done: now or never, here or elsewhere. */
static void
handle_failure (worker * w, held * h, const run_result * r)
{
  gboolean lacking = r->kind == RAN_LACKING;
  GError *error = NULL;
  double delay;

  if (r->kind == RAN_STOPPED) {
    uncount (w, h);
    g_mutex_lock (&w->lock);
    w->given_back++;
    g_mutex_unlock (&w->lock);
    hold_end (&w->held, h, HOLD_NAK, 0);
    return;
  }
  g_mutex_lock (&w->lock);
  if (lacking && ++w->lacking_in_row >= LACKING_FREE)
    w->pause_end = g_get_monotonic_time () + seconds (MIN (PAUSE_MOST,
            0.5 * exp2 (MIN (w->lacking_in_row - LACKING_FREE, 10))));
  g_mutex_unlock (&w->lock);
  h->t.begun = 0;
  h->t.lacking += lacking;
  h->t.failed += !lacking;
  delay = MIN (w->o->retry_delay * exp2 (MIN (h->t.failed, 20) - 1),
      DELAY_MOST);
  if (h->t.failed >= w->o->tries || h->t.lacking >= LOST * w->o->tries) {
    give_up (w, h, lacking ? "lacking" : "failed", r->error);
    return;
  }
  /* not stored, this try does not count */
  if (!tries_write (&w->b, h->sequence, &h->t, &error))
    complain_once (w, &error);
  g_mutex_lock (&w->lock);
  w->later++;
  /* one and the same cause a thousand times is said once */
  if ((!w->o->quiet || lacking) && strcmp (w->last_error, r->error) != 0) {
    g_strlcpy (w->last_error, r->error, sizeof w->last_error);
    complain ("%s: %s; %s", h->j.path != NULL ? h->j.path : h->j.key,
        r->error, lacking ? "another worker may do it" : "it is tried again");
  }
  g_mutex_unlock (&w->lock);
  hold_end (&w->held, h, HOLD_NAK, lacking ? 1 : delay);
}

static void
handle_success (worker * w, held * h, run_result * r, double took)
{
  json_t *v = answer (w, h->t.failed + h->t.lacking + 1);
  gsize most = gst_nats_connection_get_max_payload (w->b.link);
  char *text;
  size_t size;

  json_object_set_new (v, "key", json_string (h->j.key));
  if (h->j.path != NULL)
    json_object_set_new (v, "path", json_string (h->j.path));
  /* whole: 17 digits of a fraction would say nothing more */
  json_object_set_new (v, "us", json_integer ((json_int_t) (took * 1e6)));
  if (w->places.out != NULL)
    json_object_set_new (v, "bytes", json_integer ((json_int_t) r->bytes));
  if (r->skipped)
    json_object_set_new (v, "skipped", json_true ());
  if (r->said != NULL)
    json_object_set (v, "result", r->said);
  text = json_dumps (v, JSON_COMPACT);
  json_decref (v);
  size = text != NULL ? strlen (text) : 0;
  if (size == 0 || (most > 0 && size + 1024 > most)) {
    run_fail (r, RAN_FAILED, "its result has %zu bytes, more than the "
        "server's max_payload of %zu allows", size, (size_t) most);
    handle_failure (w, h, r);
  } else {
    g_mutex_lock (&w->lock);
    w->done++;
    w->skipped += r->skipped;
    w->lacking_in_row = 0;
    w->pace = w->pace == 0 ? took : 0.9 * w->pace + 0.1 * took;
    g_mutex_unlock (&w->lock);
    if (!publisher_send (w->p, QUEUE_RESULTS, h->j.key, text, size, h))
      hold_end (&w->held, h, HOLD_NAK, 0);
  }
  free (text);
}

static void
finish (finished * f, void *closure)
{
  worker *w = closure;

  if (f->r.kind == RAN_OK)
    handle_success (w, f->h, &f->r, f->took);
  else
    handle_failure (w, f->h, &f->r);
  json_decref (f->r.said);
  g_free (f->aside);
  g_free (f->out);
  g_free (f);
}

/* What is known of a job that somebody had before. FALSE: the server does not
 * say, which was told. */
static gboolean
count_beginning (worker * w, held * h)
{
  GError *error = NULL;
  gboolean good = h->deliveries == 1 ||
      tries_read (&w->b, h->sequence, &h->t, &error);

  if (good && is_counted (w, h)) {
    h->t.begun++;
    good = tries_write (&w->b, h->sequence, &h->t, &error);
  }
  if (!good)
    complain_once (w, &error);
  return good;
}

static void
do_job (worker * w, guint thread, held * h)
{
  char *in = NULL, text[160];
  finished *f;
  gint64 begin = g_get_monotonic_time ();

  if (!h->good) {
    give_up (w, h, "bad", h->error);
    return;
  }
  if (!count_beginning (w, h)) {
    hold_end (&w->held, h, HOLD_NAK, 1);
    return;
  }
  if (h->t.begun > (LOST - 1) * w->o->tries) {
    h->t.begun--;
    g_snprintf (text, sizeof text, "%d workers and more began it and none said "
        "what came of it: they were killed, or lost the connection",
        h->t.begun);
    give_up (w, h, "lost", text);
    return;
  }
  f = g_new0 (finished, 1);
  f->h = h;
  f->r.kind = RAN_FAILED;
  if (places_find (&w->places, &h->j, &in, &f->out, &f->aside, &f->r)) {
    if (f->r.skipped)
      f->r.kind = RAN_OK;
    else
      w->runners[thread]->run (w->runners[thread], &h->j, in, f->aside, &f->r);
  }
  g_free (in);
  f->took = (double) (g_get_monotonic_time () - begin) / 1e6;
  if (w->outbox != NULL && f->r.kind == RAN_OK && f->aside != NULL) {
    outbox_put (w->outbox, f);
  } else {
    outbox_commit (&f, 1, FALSE);
    finish (f, w);
  }
}

static gpointer
serve (gpointer data)
{
  seat *s = data;
  worker *w = s->w;
  held *h;

  for (;;) {
    g_mutex_lock (&w->lock);
    while (w->ready.length == 0 && !w->ending)
      g_cond_wait (&w->changed, &w->lock);
    h = g_queue_pop_head (&w->ready);
    g_cond_broadcast (&w->changed);
    g_mutex_unlock (&w->lock);
    if (h == NULL)
      break;
    do_job (w, s->number, h);
  }
  /* here: a program that stays dies with the thread that started it, and is to
   * end by itself before */
  w->runners[s->number]->free (w->runners[s->number]);
  w->runners[s->number] = NULL;
  g_free (s);
  return NULL;
}

/* Jobs that were fetched and not begun go back. */
static void
give_back (worker * w)
{
  held *h;

  for (;;) {
    g_mutex_lock (&w->lock);
    h = g_queue_pop_head (&w->ready);
    w->given_back += h != NULL;
    g_mutex_unlock (&w->lock);
    if (h == NULL)
      return;
    hold_end (&w->held, h, HOLD_NAK, 0);
  }
}

/* How many jobs to fetch; waits while there are enough, or while this machine
 * holds back. 0: look again whether to go on. */
static guint
room (worker * w)
{
  gint64 now = g_get_monotonic_time ();
  gint64 wake = now + seconds (0.25);
  guint ahead, most;
  gboolean pausing;

  g_mutex_lock (&w->lock);
  ahead = w->pace > 0 ? (guint) CLAMP (AHEAD / w->pace, 1, AHEAD_MOST) : 1;
  most = ahead * (guint) w->o->jobs;
  pausing = now < w->pause_end;
  if (pausing || w->ready.length > most / 2)
    g_cond_wait_until (&w->changed, &w->lock, wake);
  most = most > w->ready.length && !pausing ? most - w->ready.length : 0;
  g_mutex_unlock (&w->lock);
  if (pausing)
    give_back (w);
  return most;
}

/* FALSE: there is no use in going on. */
static gboolean
fetch (worker * w, guint n, gboolean * empty)
{
  natsMsgList list = { 0 };
  jsErrCode code = 0;
  natsStatus s = natsSubscription_Fetch (&list, w->jobs, (int) n, FETCH_MS,
      &code);
  broker_counts c;
  GError *error = NULL;
  gboolean gone;
  int i;

  *empty = s == NATS_TIMEOUT || s == NATS_NOT_FOUND;
  for (i = 0; i < list.Count && s == NATS_OK; i++) {
    held *h = hold_begin (&w->held, list.Msgs[i]);

    list.Msgs[i] = NULL;
    if (h == NULL)
      continue;
    g_mutex_lock (&w->lock);
    g_queue_push_tail (&w->ready, h);
    g_cond_broadcast (&w->changed);
    g_mutex_unlock (&w->lock);
  }
  natsMsgList_Destroy (&list);
  if (s == NATS_OK || *empty)
    return TRUE;
  /* a server that starts, a cluster without a leader; or no queue any more */
  g_usleep (300000);
  if (broker_count (&w->b, &c, &error))
    return TRUE;
  gone = g_error_matches (error, GST_NATS_ERROR, GST_NATS_ERROR_NO_STREAM) &&
      gst_nats_connection_is_connected (w->b.link);
  if (gone)
    complain_error (&error);
  g_clear_error (&error);
  return !gone;
}

static void
show (worker * w, const broker_counts * c, gboolean last)
{
  double s = (double) (g_get_monotonic_time () - w->begin) / 1e6;

  if (w->o->quiet || (!last && !isatty (STDERR_FILENO)))
    return;
  g_mutex_lock (&w->lock);
  fprintf (stderr, "%s%" G_GUINT64_FORMAT " done here (%" G_GUINT64_FORMAT
      " were there), %.4g/s, %" G_GUINT64_FORMAT " given up, %"
      G_GUINT64_FORMAT " times to be tried again", isatty (STDERR_FILENO) ?
      "\r" : "walloc-queue: ", w->done, w->skipped, (double) w->done /
      MAX (s, 1e-3), w->given_up, w->later);
  g_mutex_unlock (&w->lock);
  if (!last)
    fprintf (stderr, "; %" G_GUINT64_FORMAT " left", c->waiting + c->running);
  fputs (isatty (STDERR_FILENO) ? "\x1b[K" : "", stderr);
  if (last)
    fputc ('\n', stderr);
}

static gboolean
work (worker * w)
{
  broker_counts c = { 0 };
  gboolean empty = FALSE;
  GError *error = NULL;
  guint n;

  while (stop_asked == 0) {
    n = room (w);
    if (n > 0 && !fetch (w, n, &empty))
      return FALSE;
    if (w->o->drain && n > 0 && empty && hold_count (&w->held) == 0 &&
        broker_count (&w->b, &c, NULL) && c.waiting + c.running == 0)
      return TRUE;
    if (isatty (STDERR_FILENO) && !w->o->quiet && g_get_monotonic_time () >
        w->shown + seconds (1)) {
      w->shown = g_get_monotonic_time ();
      if (broker_count (&w->b, &c, &error))
        show (w, &c, FALSE);
      g_clear_error (&error);
    }
  }
  return TRUE;
}

static gboolean
prepare (worker * w, const broker_options * o)
{
  const work_options *options = w->o;
  GError *error = NULL;
  jsSubOptions sub;
  jsErrCode code = 0;
  natsStatus s;
  int i;

  if (!places_open (&w->places, options->root, options->to_latents != NULL ?
          options->to_latents : options->out, options->suffix, &error))
    goto bad;
  w->places.again = options->again;
  w->runners = g_new0 (runner *, options->jobs);
  for (i = 0; i < options->jobs; i++) {
    w->runners[i] = options->to_latents != NULL ?
        latents_runner (&options->run) : options->lines ?
        lines_runner (&options->run) : command_runner (&options->run);
    if (w->runners[i] == NULL)
      return FALSE;
  }
  if (!broker_open (&w->b, o, TRUE, &error))
    goto bad;
  w->p = publisher_new (&w->b, WINDOW, on_stored, w, &error);
  if (w->p == NULL)
    goto bad;
  jsSubOptions_Init (&sub);
  sub.Stream = w->b.stream[QUEUE_JOBS];
  sub.Consumer = QUEUE_CONSUMER;
  s = js_PullSubscribe (&w->jobs, w->b.js, w->b.subject[QUEUE_JOBS],
      QUEUE_CONSUMER, NULL, &sub, &code);
  if (s == NATS_OK && w->places.out != NULL && !options->no_sync)
    w->outbox = outbox_new (finish, w);
  if (s == NATS_OK)
    return TRUE;
  gst_nats_set_error (&error, s, code, "take jobs");
bad:
  complain_error (&error);
  return FALSE;
}

static void
end (worker * w, gboolean flush)
{
  int i;

  give_back (w);
  g_mutex_lock (&w->lock);
  w->ending = TRUE;
  g_cond_broadcast (&w->changed);
  g_mutex_unlock (&w->lock);
  for (i = 0; w->threads != NULL && i < w->o->jobs; i++)
    g_thread_join (w->threads[i]);
  g_free (w->threads);
  outbox_free (w->outbox);
  if (w->p != NULL && flush && !publisher_flush (w->p, FLUSH_MS))
    complain ("results of some jobs did not reach the server; the jobs will "
        "be done again");
  publisher_free (w->p);
  hold_close (&w->held);
  if (w->jobs != NULL)
    natsSubscription_Destroy (w->jobs);
  /* what was said last is on its way */
  if (w->b.nc != NULL)
    natsConnection_FlushTimeout (w->b.nc, 2000);
  broker_close (&w->b);
  for (i = 0; w->runners != NULL && i < w->o->jobs; i++)
    if (w->runners[i] != NULL)
      w->runners[i]->free (w->runners[i]);
  g_free (w->runners);
  places_close (&w->places);
}

int
worker_run (const broker_options * o, const work_options * options)
{
  worker w = {.o = options,.places.lock = -1 };
  gboolean good;
  int i, status = 1;

  g_mutex_init (&w.lock);
  g_cond_init (&w.changed);
  g_queue_init (&w.ready);
  g_snprintf (w.name, sizeof w.name, "%.64s-%d", g_get_host_name (),
      (int) getpid ());
  w.begin = g_get_monotonic_time ();
  if (prepare (&w, o)) {
    hold_open (&w.held, w.b.ack_wait / 3);
    w.threads = g_new0 (GThread *, options->jobs);
    for (i = 0; i < options->jobs; i++) {
      seat *s = g_new0 (seat, 1);

      s->w = &w;
      s->number = (guint) i;
      w.threads[i] = g_thread_new ("job", serve, s);
    }
    good = work (&w);
    if (stop_asked == 1)
      complain ("ends when what runs is done; once more ends at once");
    end (&w, good);
    show (&w, NULL, TRUE);
    status = !good ? 1 : stop_asked > 0 && w.given_back > 0 ? 130 : 0;
  } else {
    end (&w, FALSE);
  }
  g_mutex_clear (&w.lock);
  g_cond_clear (&w.changed);
  return status;
}
