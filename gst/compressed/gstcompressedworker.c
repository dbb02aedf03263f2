/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Frames wait in a queue. One that nobody needs is left out: wanted frames
 * that a newer one takes the place of, and all before a frame that decodes
 * alone. What others build on stays, so a queue of predicted frames grows as
 * long as there is no key frame; it is cut off at MAX_JOBS. What was left out
 * stays in the queue as a gap, one for all that follow each other. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "gstcompressedworker.h"

#define MAX_JOBS 256

struct _GstCompressedWorker
{
  void (*work) (gpointer user, GstCompressedJob * job);
  gpointer user;
  GThread *thread;

  GMutex lock;
  GCond changed;
  GQueue jobs;                  /* of GstCompressedJob */
  gboolean busy;                /* the thread works on one */
  gboolean flushing, stop;
  gboolean lost;                /* the next job does not follow the last */
};

static void
job_free (gpointer data)
{
  GstCompressedJob *job = data;

  gst_clear_buffer (&job->buffer);
  g_free (job);
}

static gpointer
run (gpointer data)
{
  GstCompressedWorker *self = data;
  GstCompressedJob *job;

  g_mutex_lock (&self->lock);
  while (!self->stop) {
    job = g_queue_pop_head (&self->jobs);
    if (!job) {
      g_cond_wait (&self->changed, &self->lock);
      continue;
    }
    self->busy = TRUE;
    g_mutex_unlock (&self->lock);
    self->work (self->user, job);
    job_free (job);
    g_mutex_lock (&self->lock);
    self->busy = FALSE;
    g_cond_broadcast (&self->changed);
  }
  g_mutex_unlock (&self->lock);

  return NULL;
}

GstCompressedWorker *
gst_compressed_worker_new (void (*work) (gpointer user,
        GstCompressedJob * job), gpointer user)
{
  GstCompressedWorker *self = g_new0 (GstCompressedWorker, 1);

  self->work = work;
  self->user = user;
  g_mutex_init (&self->lock);
  g_cond_init (&self->changed);
  g_queue_init (&self->jobs);
  self->thread = g_thread_new ("compressed", run, self);

  return self;
}

void
gst_compressed_worker_free (GstCompressedWorker * self)
{
  if (!self)
    return;
  g_mutex_lock (&self->lock);
  self->stop = TRUE;
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);
  g_thread_join (self->thread);
  g_queue_clear_full (&self->jobs, job_free);
  g_cond_clear (&self->changed);
  g_mutex_clear (&self->lock);
  g_free (self);
}

/* Adds the time of a frame that is left out. */
static void
add_gap_locked (GstCompressedWorker * self, const GstCompressedJob * job)
{
  GstCompressedJob *gap = g_queue_peek_tail (&self->jobs);
  GstClockTime end = job->timestamp;

  if (!GST_CLOCK_TIME_IS_VALID (job->timestamp))
    return;
  if (GST_CLOCK_TIME_IS_VALID (job->duration))
    end += job->duration;
  if (gap && !gap->buffer && gap->timestamp <= job->timestamp) {
    gap->duration = MAX (end - gap->timestamp, gap->duration);
    return;
  }
  gap = g_new0 (GstCompressedJob, 1);
  gap->timestamp = job->timestamp;
  gap->duration = end - job->timestamp;
  gap->running_time = gap->stream_time = GST_CLOCK_TIME_NONE;
  g_queue_push_tail (&self->jobs, gap);
}

/* Makes a gap of all jobs; counts those that were wanted. */
static guint
leave_out_locked (GstCompressedWorker * self)
{
  GQueue jobs = self->jobs;
  GstCompressedJob *job;
  guint wanted = 0;

  g_queue_init (&self->jobs);
  while ((job = g_queue_pop_head (&jobs))) {
    wanted += job->wanted;
    add_gap_locked (self, job);
    job_free (job);
  }
  return wanted;
}

void
gst_compressed_worker_gap (GstCompressedWorker * self,
    const GstCompressedJob * job)
{
  g_mutex_lock (&self->lock);
  if (!self->flushing && !self->stop) {
    add_gap_locked (self, job);
    g_cond_broadcast (&self->changed);
  }
  g_mutex_unlock (&self->lock);
}

guint
gst_compressed_worker_push (GstCompressedWorker * self,
    const GstCompressedJob * job)
{
  GstCompressedJob *copy;
  guint left_out = 0;
  GList *l;

  g_mutex_lock (&self->lock);
  if (self->flushing || self->stop) {
    g_mutex_unlock (&self->lock);
    return job->wanted;
  }
  if (job->wanted && job->alone) {
    left_out = leave_out_locked (self);
  } else if (job->wanted && !job->keep) {
    for (l = self->jobs.head; l; l = l->next) {
      GstCompressedJob *old = l->data;

      left_out += old->wanted;
      old->wanted = FALSE;
    }
  }
  if (self->jobs.length >= MAX_JOBS) {
    left_out += leave_out_locked (self);
    self->lost = TRUE;
  }
  copy = g_memdup2 (job, sizeof (*job));
  gst_buffer_ref (copy->buffer);
  copy->discont |= self->lost;
  self->lost = FALSE;
  g_queue_push_tail (&self->jobs, copy);
  g_cond_broadcast (&self->changed);
  g_mutex_unlock (&self->lock);

  return left_out;
}

void
gst_compressed_worker_drain (GstCompressedWorker * self)
{
  g_mutex_lock (&self->lock);
  /* one that is being worked on is never left alone: it uses what the caller
   * goes on to use */
  while (self->busy || (!self->flushing && !self->stop && self->jobs.length))
    g_cond_wait (&self->changed, &self->lock);
  g_mutex_unlock (&self->lock);
}

void
gst_compressed_worker_flush (GstCompressedWorker * self, gboolean flushing)
{
  g_mutex_lock (&self->lock);
  self->flushing = flushing;
  if (flushing)
    g_queue_clear_full (&self->jobs, job_free);
  g_cond_broadcast (&self->changed);
  while (!flushing && self->busy)
    g_cond_wait (&self->changed, &self->lock);
  g_mutex_unlock (&self->lock);
}
