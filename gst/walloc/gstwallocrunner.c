/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Work is handed out by a counter, so the calling thread never waits for a
 * helper that the system has not yet scheduled: it takes the rest itself. A
 * helper that comes too late finds nothing to do and drops its reference. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstwallocrunner.h"

/* more threads than this gain nothing even at the greatest sizes */
#define MAX_THREADS 64

typedef struct
{
  gint refs;
  gint next;                    /* first index that nobody took */
  guint count;
  void (*work) (void *data, unsigned index);
  void *data;

  GMutex lock;
  GCond cond;
  guint done;                   /* protected by lock */
} Job;

struct _GstWallocRunner
{
  walloc_runner runner;
  GThreadPool *pool;            /* NULL: no helpers */
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
  guint index, done = 0;

  while ((index = g_atomic_int_add (&job->next, 1)) < job->count) {
    job->work (job->data, index);
    done++;
  }
  if (done) {
    g_mutex_lock (&job->lock);
    job->done += done;
    if (job->done == job->count)
      g_cond_signal (&job->cond);
    g_mutex_unlock (&job->lock);
  }
}

static void
pool_func (gpointer data, gpointer user_data)
{
  Job *job = data;

  job_work (job);
  job_unref (job);
}

static void
runner_run (void *user, void (*work) (void *data, unsigned index), void *data,
    unsigned count)
{
  GstWallocRunner *self = user;
  guint i, helpers;
  Job *job;

  helpers = MIN (self->runner.threads, count);
  if (helpers < 2) {
    for (i = 0; i < count; i++)
      work (data, i);
    return;
  }
  helpers--;

  job = g_new0 (Job, 1);
  job->refs = 1 + helpers;
  job->count = count;
  job->work = work;
  job->data = data;
  g_mutex_init (&job->lock);
  g_cond_init (&job->cond);

  /* a thread that cannot be started leaves its job queued for the others */
  for (i = 0; i < helpers; i++)
    g_thread_pool_push (self->pool, job, NULL);

  job_work (job);

  g_mutex_lock (&job->lock);
  while (job->done < job->count)
    g_cond_wait (&job->cond, &job->lock);
  g_mutex_unlock (&job->lock);

  job_unref (job);
}

GstWallocRunner *
gst_walloc_runner_new (guint threads)
{
  GstWallocRunner *self = g_new0 (GstWallocRunner, 1);

  if (threads == 0)
    threads = g_get_num_processors ();
  threads = CLAMP (threads, 1, MAX_THREADS);

  /* not exclusive: idle threads are shared with all other pools of the
   * process, so many streams do not mean many sleeping threads */
  if (threads > 1)
    self->pool = g_thread_pool_new (pool_func, NULL, threads - 1, FALSE, NULL);

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
  g_free (self);
}

const walloc_runner *
gst_walloc_runner_get (GstWallocRunner * self)
{
  return self && self->pool ? &self->runner : NULL;
}
