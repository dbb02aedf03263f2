/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Which senders a receiver keeps memory and threads for: so many that were
 * heard last. Plain C, without a clock of its own. */
#ifndef WALLOC_RTP_SENDERS_H
#define WALLOC_RTP_SENDERS_H

#include <stdint.h>

/* room for one that begins again and again */
#define WALLOC_RTP_MAX_SENDERS 64
/* us between two that give way while they are not silent, so that a flood of
 * forged packets does not make and end threads all the time; */
#define WALLOC_RTP_SENDER_PACE 100000
/* silence in us after which there is nothing to wait for */
#define WALLOC_RTP_SENDER_SILENCE 2000000

typedef struct
{
  unsigned count;
  uint32_t ssrc[WALLOC_RTP_MAX_SENDERS];
  int64_t heard[WALLOC_RTP_MAX_SENDERS];        /* us */
  int64_t last_eviction;        /* us */
  int evicted;                  /* there was one */
} walloc_rtp_senders;

typedef enum
{
  WALLOC_RTP_SENDER_KNOWN,
  WALLOC_RTP_SENDER_NEW,        /* and there was room */
  WALLOC_RTP_SENDER_INSTEAD,    /* new, in place of *gone */
  WALLOC_RTP_SENDER_REFUSED     /* new, and there is no room now */
} walloc_rtp_sender_result;

void walloc_rtp_senders_reset (walloc_rtp_senders * s);

/* Whether ssrc is known, without hearing it. */
int walloc_rtp_senders_have (const walloc_rtp_senders * s, uint32_t ssrc);

/* A packet of ssrc came at time now (us). If followed is not NULL, the sender
 * with that SSRC never gives way. */
walloc_rtp_sender_result walloc_rtp_senders_hear (walloc_rtp_senders * s,
    uint32_t ssrc, int64_t now, const uint32_t * followed, uint32_t * gone);

#endif
