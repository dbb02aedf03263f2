/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Work is handed out by a counter, so the calling thread never waits for a
 * helper that the system has not yet scheduled: it takes the rest itself. A
 * helper that comes too late finds nothing to do and drops its reference.
 *
 * Waking a thread that sleeps takes longer than many a step of work on a
 * picture, and one step follows the other. So a helper that has finished looks
 * for more for a moment before it sleeps, the caller does so for helpers that
 * are about to finish, and both can be told in advance that work is coming. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstwallocrunner.h"

/* more threads than this gain nothing even at the greatest sizes */
#define MAX_THREADS 64

/* Longest time to look for work, or for helpers to finish, in us. */
#define LOOK 100
/* the same for a helper that was woken in advance */
#define LOOK_AHEAD 300
/* No more helpers than that look: they take the processor from others. */
#define MAX_LOOKING 3

#if defined(__x86_64__) || defined(__i386__)
#define relax() __builtin_ia32_pause ()
#elif defined(__aarch64__)
#define relax() __asm__ volatile ("yield")
#else
#define relax() do { } while (0)
#endif

typedef struct
{
  gint refs;
  gint next;                    /* first index that nobody took */
  gint count;
  void (*work) (void *data, unsigned index);
  void *data;
  gint done;

  GMutex lock;
  GCond cond;
  gboolean waiting;             /* protected by lock: cond must be signalled */
} Job;

struct _GstWallocRunner
{
  walloc_runner runner;
  GThreadPool *pool;            /* NULL: no helpers */

  GMutex lock;
  Job *offer;                   /* protected by lock */
  gint openings;                /* helpers that it takes; written under lock,
                                 * each holds a reference of the job */
  gint looking;                 /* protected by lock: helpers that look for
                                 * work, or were told to */
};

static void
job_unref (Job * job)
{
  if (g_atomic_int_dec_and_test (&job->refs)) {
    g_mutex_clear (&job->lock);
    g_cond_clear (&job->cond);
    g_free (job);
  }
}

static void
job_work (Job * job)
{
  gint index, done = 0;

  while ((index = g_atomic_int_add (&job->next, 1)) < job->count) {
    job->work (job->data, (unsigned) index);
    done++;
  }
  /* a signal costs a system call even if nobody waits for it */
  if (done && g_atomic_int_add (&job->done, done) + done == job->count) {
    g_mutex_lock (&job->lock);
    if (job->waiting)
      g_cond_signal (&job->cond);
    g_mutex_unlock (&job->lock);
  }
}

/* Until all of @job is done. */
static void
job_wait (Job * job)
{
  gint64 limit = g_get_monotonic_time () + LOOK;

  while (g_atomic_int_get (&job->done) < job->count
      && g_get_monotonic_time () < limit)
    relax ();
  if (g_atomic_int_get (&job->done) == job->count)
    return;
  g_mutex_lock (&job->lock);
  job->waiting = TRUE;
  while (g_atomic_int_get (&job->done) < job->count)
    g_cond_wait (&job->cond, &job->lock);
  g_mutex_unlock (&job->lock);
}

/* Takes a place in the job on offer; its reference is the caller's then. */
static Job *
runner_join (GstWallocRunner * self)
{
  Job *job = NULL;

  g_mutex_lock (&self->lock);
  if (self->openings > 0) {
    job = self->offer;
    g_atomic_int_set (&self->openings, self->openings - 1);
    self->looking--;
  }
  g_mutex_unlock (&self->lock);

  return job;
}

/* Whether to look for work, as one of @looking at most. */
static gboolean
runner_start_looking (GstWallocRunner * self)
{
  gboolean look;

  g_mutex_lock (&self->lock);
  look = self->looking < MAX_LOOKING;
  if (look)
    self->looking++;
  g_mutex_unlock (&self->lock);

  return look;
}

/* FALSE if there is an opening, which may count on this helper. */
static gboolean
runner_stop_looking (GstWallocRunner * self)
{
  gboolean stop;

  g_mutex_lock (&self->lock);
  stop = self->openings == 0;
  if (stop)
    self->looking--;
  g_mutex_unlock (&self->lock);

  return stop;
}

/* A helper: with @data the runner itself it was woken in advance. */
static void
pool_func (gpointer data, gpointer user_data)
{
  GstWallocRunner *self = user_data;
  gint64 limit;
  Job *job = data != self ? data : NULL;
  gint64 patience = job ? LOOK : LOOK_AHEAD;

  for (;;) {
    if (job) {
      job_work (job);
      job_unref (job);
      job = NULL;
      if (!runner_start_looking (self))
        return;
    }
    limit = g_get_monotonic_time () + patience;
    patience = LOOK;
    while (!job) {
      if (g_atomic_int_get (&self->openings) > 0)
        job = runner_join (self);
      else if (g_get_monotonic_time () < limit)
        relax ();
      else if (runner_stop_looking (self))
        return;
    }
  }
}

static void
runner_run (void *user, void (*work) (void *data, unsigned index), void *data,
    unsigned count)
{
  GstWallocRunner *self = user;
  guint i, helpers, joining;
  Job *job;

  helpers = MIN (self->runner.threads, count);
  if (helpers < 2) {
    for (i = 0; i < count; i++)
      work (data, i);
    return;
  }
  helpers--;

  job = g_new0 (Job, 1);
  job->refs = (gint) (1 + helpers);
  job->count = (gint) count;
  job->work = work;
  job->data = data;
  g_mutex_init (&job->lock);
  g_cond_init (&job->cond);

  g_mutex_lock (&self->lock);
  joining = MIN (helpers, (guint) self->looking);
  self->offer = job;
  g_atomic_int_set (&self->openings, (gint) joining);
  g_mutex_unlock (&self->lock);

  /* a thread that cannot be started leaves its job queued for the others */
  for (i = joining; i < helpers; i++)
    g_thread_pool_push (self->pool, job, NULL);

  job_work (job);

  /* whoever has not come by now need not */
  g_mutex_lock (&self->lock);
  joining = (guint) self->openings;
  g_atomic_int_set (&self->openings, 0);
  self->offer = NULL;
  g_mutex_unlock (&self->lock);
  while (joining-- > 0)
    job_unref (job);

  job_wait (job);
  job_unref (job);
}

void
gst_walloc_runner_wake (GstWallocRunner * self)
{
  gboolean wake;

  if (!self || !self->pool)
    return;
  g_mutex_lock (&self->lock);
  wake = self->looking == 0;
  if (wake)
    self->looking++;
  g_mutex_unlock (&self->lock);
  if (wake)
    g_thread_pool_push (self->pool, self, NULL);
}

GstWallocRunner *
gst_walloc_runner_new (guint threads)
{
  GstWallocRunner *self = g_new0 (GstWallocRunner, 1);

  if (threads == 0)
    threads = g_get_num_processors ();
  threads = CLAMP (threads, 1, MAX_THREADS);
  g_mutex_init (&self->lock);

  /* not exclusive: idle threads are shared with all other pools of the
   * process, so many streams do not mean many sleeping threads */
  if (threads > 1)
    self->pool = g_thread_pool_new (pool_func, self, threads - 1, FALSE, NULL);

  self->runner.run = runner_run;
  self->runner.user = self;
  self->runner.threads = self->pool ? threads : 1;

  return self;
}

void
gst_walloc_runner_free (GstWallocRunner * self)
{
  if (!self)
    return;
  /* queued jobs are run, that is dropped, before the pool goes */
  if (self->pool)
    g_thread_pool_free (self->pool, FALSE, TRUE);
  g_mutex_clear (&self->lock);
  g_free (self);
}

const walloc_runner *
gst_walloc_runner_get (GstWallocRunner * self)
{
  return self && self->pool ? &self->runner : NULL;
}
