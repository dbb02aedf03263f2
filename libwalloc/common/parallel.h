/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Work spread over the caller's threads, if the caller has any. Internal. */
#ifndef WALLOC_COMMON_PARALLEL_H
#define WALLOC_COMMON_PARALLEL_H

#include <walloc/walloc.h>

/* Calls work (data, i) once for every i in [0, count) and returns when all
 * are done. runner may be NULL: then in ascending order in this thread. A
 * single item, or a runner of one thread, does not leave this thread either.
 */
static inline void
walloc_parallel (const walloc_runner * runner,
    void (*work) (void *data, unsigned index), void *data, unsigned count)
{
  unsigned i;

  if (runner != NULL && runner->run != NULL && runner->threads > 1 &&
      count > 1) {
    runner->run (runner->user, work, data, count);
    return;
  }
  for (i = 0; i < count; i++)
    work (data, i);
}

#endif
