/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Pieces of a picture spread over threads. Every lane works through a run of
 * neighbouring pieces, as a slice goes on from the one above it when the same
 * worker makes both (transform/strip.h); a lane that has nothing left takes
 * half of what another one has. So it does not matter how many threads come,
 * when, and in which order. */
#include "codec/encoder-private.h"

/* First and end of a run. */
#define RUN(first, end) ((uint32_t) (first) << 16 | (uint32_t) (end))
#define FIRST(run) ((run) >> 16)
#define END(run) ((run) & 0xffff)

typedef struct
{
  walloc_encoder *encoder;
  walloc_encode_piece *work;
  unsigned lanes;
  _Atomic uint32_t run[WALLOC_MAX_WORKERS];
} lane_job;

/* The next piece of this lane's own run. */
static int
next_piece (lane_job * job, unsigned lane, unsigned *index)
{
  uint32_t run = atomic_load (&job->run[lane]);

  while (FIRST (run) < END (run)) {
    *index = FIRST (run);
    if (atomic_compare_exchange_weak (&job->run[lane], &run,
            RUN (FIRST (run) + 1, END (run))))
      return 1;
  }
  return 0;
}

/* Takes the rear half of the longest run. */
static int
take_over (lane_job * job, unsigned lane)
{
  uint32_t run, longest;
  unsigned i, from, left;

  for (;;) {
    for (i = from = 0, longest = 0, left = 0; i < job->lanes; i++) {
      run = atomic_load (&job->run[i]);
      if (FIRST (run) < END (run) && END (run) - FIRST (run) > left) {
        left = END (run) - FIRST (run);
        longest = run;
        from = i;
      }
    }
    if (left == 0)
      return 0;
    left = (left + 1) / 2;
    if (!atomic_compare_exchange_strong (&job->run[from], &longest,
            RUN (FIRST (longest), END (longest) - left)))
      continue;
    atomic_store (&job->run[lane], RUN (END (longest) - left, END (longest)));
    return 1;
  }
}

static void
work_lane (void *data, unsigned lane)
{
  lane_job *job = data;
  unsigned index;

  do {
    while (next_piece (job, lane, &index))
      job->work (job->encoder, &job->encoder->worker[lane], index);
  } while (take_over (job, lane));
}

void
walloc_encoder_each (walloc_encoder * e, walloc_encode_piece * work,
    unsigned count)
{
  lane_job job;
  unsigned i;

  job.encoder = e;
  job.work = work;
  job.lanes = e->workers < count ? e->workers : count;
  for (i = 0; i < job.lanes; i++)
    atomic_init (&job.run[i], RUN (count * i / job.lanes,
            count * (i + 1) / job.lanes));
  walloc_parallel (&e->runner, work_lane, &job, job.lanes);
}
