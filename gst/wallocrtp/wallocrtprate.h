/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What rate a sender may have, from what receivers report of loss and delay
 * (docs/design/rtp.md). Plain C, without a clock of its own. */
#ifndef WALLOC_RTP_RATE_H
#define WALLOC_RTP_RATE_H

typedef struct
{
  /* settings; may change at any time */
  double min, max;              /* bits per second */

  /* state */
  double rate;
  int probing;                  /* nothing was lost yet */
  double last_change;           /* seconds */
  double last_cut;              /* of those, for losses */
  double last_report;           /* or when silence was last answered */
  double base_rtt;              /* shortest of late, s; 0: unknown */
} walloc_rtp_rate;

/* One receiver report. What is not known is negative. */
typedef struct
{
  double now;                   /* s */
  double loss;                  /* share of packets, 0 to 1 */
  double rtt;                   /* s */
  double sent;                  /* bits per second that went out of late */
} walloc_rtp_report;

/* @start 0: between @min and @max, nearer to @min. */
void walloc_rtp_rate_init (walloc_rtp_rate * r, double min, double max,
    double start, double now);

/* The rate after a report. */
double walloc_rtp_rate_report (walloc_rtp_rate * r,
    const walloc_rtp_report * report);

/* Nothing goes out: nobody can report of it, and silence begins anew. */
void walloc_rtp_rate_idle (walloc_rtp_rate * r, double now);

/* The rate where no report came: halved for each @timeout seconds of
 * silence. Nothing happens before the first report. */
double walloc_rtp_rate_silence (walloc_rtp_rate * r, double now,
    double timeout);

#endif
