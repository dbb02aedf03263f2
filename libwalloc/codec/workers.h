/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Scratch memory for parallel work. The caller's runner does not tell which
 * thread works, so every piece of work takes a slot and gives it back; there
 * are as many as the runner works on pieces at once. Internal. */
#ifndef WALLOC_CODEC_WORKERS_H
#define WALLOC_CODEC_WORKERS_H

#include "common/mem.h"

#include <stdatomic.h>
#include <time.h>

#define WALLOC_MAX_WORKERS 64

typedef struct
{
  atomic_flag busy[WALLOC_MAX_WORKERS];
  unsigned count;
} walloc_workers;

/* How many pieces are worked on at once. */
static inline unsigned
walloc_workers_of (const walloc_runner * runner)
{
  if (runner == NULL || runner->run == NULL || runner->threads < 2)
    return 1;
  return runner->threads < WALLOC_MAX_WORKERS ? runner->threads :
      WALLOC_MAX_WORKERS;
}

static inline void
walloc_workers_init (walloc_workers * workers, const walloc_runner * runner)
{
  unsigned i;

  workers->count = walloc_workers_of (runner);
  for (i = 0; i < WALLOC_MAX_WORKERS; i++)
    atomic_flag_clear (&workers->busy[i]);
}

/* A free slot below workers->count; waits for one where a runner has more
 * threads than it told. */
static inline unsigned
walloc_workers_take (walloc_workers * workers)
{
  unsigned i = 0;

  while (atomic_flag_test_and_set_explicit (&workers->busy[i],
          memory_order_acquire))
    i = i + 1 < workers->count ? i + 1 : 0;
  return i;
}

static inline void
walloc_workers_give (walloc_workers * workers, unsigned i)
{
  atomic_flag_clear_explicit (&workers->busy[i], memory_order_release);
}

/* Monotonic time in ns. */
static inline uint64_t
walloc_now (void)
{
  struct timespec t;

  clock_gettime (CLOCK_MONOTONIC, &t);
  return (uint64_t) t.tv_sec * 1000000000u + (uint64_t) t.tv_nsec;
}

#endif
