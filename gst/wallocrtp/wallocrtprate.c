/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "wallocrtprate.h"

#include <math.h>
#include <string.h>

/* the loss-based controller of draft-ietf-rmcat-gcc-02, section 6 */
#define LOW_LOSS 0.02
#define HIGH_LOSS 0.10
#define GROWTH 1.05
/* until the first loss; as TCP begins, but slower */
#define PROBING_GROWTH 1.5
/* a report may come more often than the network answers a change */
#define MIN_INTERVAL 0.9
/* beyond what goes out nothing is known of the network (same draft, 5.5) */
#define UNUSED_SHARE 1.5
/* round trips are what the far end says: none is waited for longer, s */
#define MAX_TRIP 3.0
/* a queue that stands: longer than the shortest round trip by so many s */
#define QUEUE_DELAY 0.15
#define QUEUE_CUT 0.9
/* a route may have become longer: the shortest round trip is forgotten */
#define BASE_DRIFT 1.01

static double
limit (const walloc_rtp_rate * r, double rate)
{
  if (rate > r->max)
    rate = r->max;
  return rate < r->min ? r->min : rate;
}

void
walloc_rtp_rate_init (walloc_rtp_rate * r, double min, double max,
    double start, double now)
{
  memset (r, 0, sizeof *r);
  r->min = min;
  r->max = max;
  r->rate = limit (r, start > 0 ? start : sqrt (min * max));
  r->probing = 1;
  r->last_change = r->last_cut = now;
  r->last_report = -1;
}

static int
queue_stands (walloc_rtp_rate * r, double rtt)
{
  if (!(rtt > 0))
    return 0;
  if (r->base_rtt <= 0 || rtt < r->base_rtt)
    r->base_rtt = rtt;
  else
    r->base_rtt *= BASE_DRIFT;
  return rtt > r->base_rtt + QUEUE_DELAY;
}

double
walloc_rtp_rate_report (walloc_rtp_rate * r, const walloc_rtp_report * report)
{
  const double since = report->now - r->last_change;
  double growth;
  int queue;

  r->last_report = report->now;
  queue = queue_stands (r, report->rtt);
  if (report->loss > LOW_LOSS || queue)
    r->probing = 0;

  if (report->loss > HIGH_LOSS) {
    /* what is lost now may be of before the last cut */
    if (since >= MIN_INTERVAL && report->now - r->last_cut >=
        (report->rtt < MAX_TRIP ? report->rtt : MAX_TRIP)) {
      r->rate *= 1 - 0.5 * (report->loss < 1 ? report->loss : 1);
      r->last_change = r->last_cut = report->now;
    }
  } else if (since < MIN_INTERVAL) {
    return r->rate = limit (r, r->rate);
  } else if (queue) {
    r->rate *= QUEUE_CUT;
    r->last_change = report->now;
  } else if (report->loss >= 0 && report->loss < LOW_LOSS) {
    growth = r->probing ? PROBING_GROWTH : GROWTH;
    if (report->sent < 0 || r->rate * growth <= UNUSED_SHARE * report->sent)
      r->rate *= growth;
    else if (r->rate < UNUSED_SHARE * report->sent)
      r->rate = UNUSED_SHARE * report->sent;
    r->last_change = report->now;
  }
  return r->rate = limit (r, r->rate);
}

void
walloc_rtp_rate_idle (walloc_rtp_rate * r, double now)
{
  if (r->last_report >= 0)
    r->last_report = now;
}

double
walloc_rtp_rate_silence (walloc_rtp_rate * r, double now, double timeout)
{
  while (r->last_report >= 0 && timeout > 0 && now - r->last_report >= timeout) {
    r->rate = limit (r, r->rate / 2);
    r->last_report += timeout;
    r->last_change = now;
    r->probing = 0;
    if (r->rate <= r->min)
      r->last_report = now;
  }
  return r->rate = limit (r, r->rate);
}
