/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What ThreadSanitizer does not see of GLib and GStreamer, which are not built
 * with it: locks that are futexes, pools that hand work over, references that
 * are counted. Preloaded, so that what the library's callers do goes through here;
 * each function says what happens before what, and calls the real one. */
#ifndef _GNU_SOURCE
# define _GNU_SOURCE
#endif
#include <dlfcn.h>
#include <sanitizer/tsan_interface.h>

#include <gst/gst.h>

/* Looked up once; two threads that do so at once find the same. */
#define REAL(name) \
  static __typeof__ (&name) real; \
  if (!__atomic_load_n (&real, __ATOMIC_ACQUIRE)) \
    __atomic_store_n (&real, (__typeof__ (&name)) dlsym (RTLD_NEXT, #name), \
        __ATOMIC_RELEASE)

void
g_mutex_lock (GMutex * mutex)
{
  REAL (g_mutex_lock);
  real (mutex);
  __tsan_acquire (mutex);
}

gboolean
g_mutex_trylock (GMutex * mutex)
{
  gboolean locked;

  REAL (g_mutex_trylock);
  locked = real (mutex);
  if (locked)
    __tsan_acquire (mutex);
  return locked;
}

void
g_mutex_unlock (GMutex * mutex)
{
  REAL (g_mutex_unlock);
  __tsan_release (mutex);
  real (mutex);
}

void
g_cond_wait (GCond * cond, GMutex * mutex)
{
  REAL (g_cond_wait);
  __tsan_release (mutex);
  real (cond, mutex);
  __tsan_acquire (mutex);
}

gboolean
g_cond_wait_until (GCond * cond, GMutex * mutex, gint64 end_time)
{
  gboolean ok;

  REAL (g_cond_wait_until);
  __tsan_release (mutex);
  ok = real (cond, mutex, end_time);
  __tsan_acquire (mutex);
  return ok;
}

#undef g_once_init_enter
#undef g_once_init_leave

gboolean
g_once_init_enter (volatile void *location)
{
  gboolean first;

  REAL (g_once_init_enter);
  first = real (location);
  if (!first)
    __tsan_acquire ((void *) location);
  return first;
}

void
g_once_init_leave (volatile void *location, gsize result)
{
  REAL (g_once_init_leave);
  __tsan_release ((void *) location);
  real (location, result);
}

/* --- work that is handed to a pool ------------------------------------------- */

typedef struct
{
  GFunc func;
  gpointer user;
} work;

static void
run_work (gpointer data, gpointer user)
{
  work *w = user;

  __tsan_acquire (w);
  w->func (data, w->user);
  __tsan_release (w);
}

/* The closure lives as long as the program: pools are few. */
GThreadPool *
g_thread_pool_new (GFunc func, gpointer user_data, gint max_threads,
    gboolean exclusive, GError ** error)
{
  work *w = g_new0 (work, 1);
  GThreadPool *pool;

  REAL (g_thread_pool_new);
  w->func = func;
  w->user = user_data;
  pool = real (run_work, w, max_threads, exclusive, error);
  return pool;
}

gboolean
g_thread_pool_push (GThreadPool * pool, gpointer data, GError ** error)
{
  REAL (g_thread_pool_push);
  __tsan_release (pool->user_data);
  return real (pool, data, error);
}

void
g_thread_pool_free (GThreadPool * pool, gboolean immediate, gboolean wait)
{
  gpointer w = pool->user_data;

  REAL (g_thread_pool_free);
  __tsan_release (w);
  real (pool, immediate, wait);
  if (wait)
    __tsan_acquire (w);
}

/* --- queues ------------------------------------------------------------------- */

void
g_async_queue_push (GAsyncQueue * queue, gpointer data)
{
  REAL (g_async_queue_push);
  __tsan_release (queue);
  real (queue, data);
}

gpointer
g_async_queue_pop (GAsyncQueue * queue)
{
  gpointer data;

  REAL (g_async_queue_pop);
  data = real (queue);
  __tsan_acquire (queue);
  return data;
}

gpointer
g_async_queue_try_pop (GAsyncQueue * queue)
{
  gpointer data;

  REAL (g_async_queue_try_pop);
  data = real (queue);
  __tsan_acquire (queue);
  return data;
}

gpointer
g_async_queue_timeout_pop (GAsyncQueue * queue, guint64 timeout)
{
  gpointer data;

  REAL (g_async_queue_timeout_pop);
  data = real (queue, timeout);
  __tsan_acquire (queue);
  return data;
}

/* --- references: whoever drops the last one sees what the others did ------------ */

void
g_object_unref (gpointer object)
{
  REAL (g_object_unref);
  __tsan_release (object);
  __tsan_acquire (object);
  real (object);
}

void
gst_object_unref (gpointer object)
{
  REAL (gst_object_unref);
  __tsan_release (object);
  __tsan_acquire (object);
  real (object);
}

void
gst_mini_object_unref (GstMiniObject * object)
{
  REAL (gst_mini_object_unref);
  __tsan_release (object);
  __tsan_acquire (object);
  real (object);
}

/* Buffers and events that go from thread to thread by way of GStreamer's own
 * queues, which use its internal atomics. */
GstFlowReturn
gst_pad_push (GstPad * pad, GstBuffer * buffer)
{
  REAL (gst_pad_push);
  __tsan_release (buffer);
  return real (pad, buffer);
}
