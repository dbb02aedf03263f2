/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Networks that elements share: one load for all that ask for a file at the same
 * time, during which other files are there for others. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#ifndef _GNU_SOURCE
# define _GNU_SOURCE
#endif
#include <dlfcn.h>

#include "compressed-check.h"
#include "gst/compressed/gstcompressednetwork.h"

/* Loads of this program go through here: the one that is told to waits. */
static GMutex lock;
static GCond changed;
static guint loads, hold_at;    /* hold_at: number of that load; 0: none */
static gboolean held;

walloc_result
walloc_task_load (walloc_task ** task, const void *bytes, size_t size,
    const walloc_allocator * allocator, const walloc_net_limits * limits,
    walloc_error * error)
{
  static walloc_result (*real) (walloc_task **, const void *, size_t,
      const walloc_allocator *, const walloc_net_limits *, walloc_error *);

  g_mutex_lock (&lock);
  if (!real)
    real = (walloc_result (*)(walloc_task **, const void *, size_t,
            const walloc_allocator *, const walloc_net_limits *,
            walloc_error *)) dlsym (RTLD_NEXT, "walloc_task_load");
  if (++loads == hold_at) {
    held = TRUE;
    g_cond_broadcast (&changed);
    while (held)
      g_cond_wait (&changed, &lock);
  }
  g_mutex_unlock (&lock);

  return real (task, bytes, size, allocator, limits, error);
}

static void
hold_next (void)
{
  g_mutex_lock (&lock);
  held = FALSE;
  hold_at = loads + 1;
  g_mutex_unlock (&lock);
}

static void
wait_held (void)
{
  g_mutex_lock (&lock);
  while (!held)
    g_cond_wait (&changed, &lock);
  g_mutex_unlock (&lock);
}

static void
release (void)
{
  g_mutex_lock (&lock);
  held = FALSE;
  hold_at = 0;
  g_cond_broadcast (&changed);
  g_mutex_unlock (&lock);
}

static guint
count_loads (void)
{
  guint n;

  g_mutex_lock (&lock);
  n = loads;
  g_mutex_unlock (&lock);

  return n;
}

typedef struct
{
  const gchar *path;
  GstCompressedNetwork *network;
  GError *error;
} Asker;

static gpointer
ask (gpointer data)
{
  Asker *asker = data;

  asker->network = gst_compressed_network_open (asker->path, &asker->error);
  return NULL;
}

GST_START_TEST (test_one_load)
{
  Asker askers[3] = { {NETWORK ("classify")}, {NETWORK ("classify")},
  {NETWORK ("classify")}
  };
  GThread *threads[3];
  GstCompressedNetwork *other;
  guint before = count_loads (), i;

  hold_next ();
  threads[0] = g_thread_new ("first", ask, &askers[0]);
  wait_held ();
  /* another file, while that one takes its time */
  other = gst_compressed_network_open (NETWORK ("segment"), NULL);
  fail_unless (other != NULL);
  for (i = 1; i < 3; i++)
    threads[i] = g_thread_new ("next", ask, &askers[i]);
  gst_compressed_network_unref (other);
  /* they get what the first one loads, be they there yet or not */
  g_usleep (20000);
  fail_unless (askers[0].network == NULL);
  release ();
  for (i = 0; i < 3; i++) {
    g_thread_join (threads[i]);
    fail_unless (askers[i].network != NULL);
    fail_unless (askers[i].network == askers[0].network);
  }
  fail_unless_equals_int (count_loads (), before + 2);
  fail_unless_equals_int (gst_compressed_network_instances
      (askers[0].network), 1);
  for (i = 0; i < 3; i++)
    gst_compressed_network_unref (askers[i].network);
  /* nobody has it any more */
  other = gst_compressed_network_open (NETWORK ("classify"), NULL);
  fail_unless_equals_int (count_loads (), before + 3);
  gst_compressed_network_unref (other);
}

GST_END_TEST;

/* A file of no use: all who waited are told, and the next one tries again. */
GST_START_TEST (test_no_load)
{
  Asker askers[2] = { {NETWORK ("bad-task")}, {NETWORK ("bad-task")}
  };
  GThread *threads[2];
  GError *error = NULL;
  guint before = count_loads (), i;

  hold_next ();
  threads[0] = g_thread_new ("first", ask, &askers[0]);
  wait_held ();
  threads[1] = g_thread_new ("next", ask, &askers[1]);
  g_usleep (20000);
  release ();
  for (i = 0; i < 2; i++) {
    g_thread_join (threads[i]);
    fail_unless (askers[i].network == NULL);
    fail_unless (askers[i].error != NULL);
    fail_unless (strstr (askers[i].error->message, "guess") != NULL);
    g_clear_error (&askers[i].error);
  }
  /* the second may have come when the first was through */
  fail_unless (count_loads () <= before + 2);
  before = count_loads ();
  fail_unless (gst_compressed_network_open (NETWORK ("bad-task"), &error) ==
      NULL);
  fail_unless_equals_int (count_loads (), before + 1);
  g_clear_error (&error);
  fail_unless (gst_compressed_network_open ("/nonexistent.onnx", &error) ==
      NULL);
  fail_unless (g_error_matches (error, GST_RESOURCE_ERROR,
          GST_RESOURCE_ERROR_NOT_FOUND));
  g_clear_error (&error);
}

GST_END_TEST;

/* Many threads that open, take and drop the same few: counts stay right. */
static gpointer
use (gpointer data)
{
  static const gchar *const paths[] = { NETWORK ("classify"),
    NETWORK ("segment"), NETWORK ("size")
  };
  guint i, n = GPOINTER_TO_UINT (data);

  for (i = 0; i < 60; i++) {
    GstCompressedShape shape = { 40 + 8 * (i % 3), 40, 0, TRUE, i % 2 };
    GstCompressedNetwork *network =
        gst_compressed_network_open (paths[(i + n) % 3], NULL);
    GstCompressedInstance *instance;

    fail_unless (network != NULL);
    instance = gst_compressed_network_take (network, &shape, NULL);
    fail_unless (instance != NULL);
    gst_compressed_network_give (network, instance);
    gst_compressed_network_unref (network);
  }
  return NULL;
}

GST_START_TEST (test_many)
{
  GThread *threads[4];
  guint i, before;

  for (i = 0; i < 4; i++)
    threads[i] = g_thread_new ("user", use, GUINT_TO_POINTER (i));
  for (i = 0; i < 4; i++)
    g_thread_join (threads[i]);
  /* none is left in the cache */
  before = count_loads ();
  gst_compressed_network_unref (gst_compressed_network_open
      (NETWORK ("classify"), NULL));
  fail_unless_equals_int (count_loads (), before + 1);
}

GST_END_TEST;

static Suite *
compressednetwork_suite (void)
{
  Suite *s = suite_create ("compressednetwork");
  TCase *tc = tcase_create ("general");

  suite_add_tcase (s, tc);
  tcase_add_test (tc, test_one_load);
  tcase_add_test (tc, test_no_load);
  tcase_add_test (tc, test_many);

  return s;
}

GST_CHECK_MAIN (compressednetwork);
