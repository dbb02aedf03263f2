/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "wallocrtpsenders.h"

#include <string.h>

void
walloc_rtp_senders_reset (walloc_rtp_senders * s)
{
  memset (s, 0, sizeof *s);
}

static unsigned
find (const walloc_rtp_senders * s, uint32_t ssrc)
{
  unsigned i;

  for (i = 0; i < s->count && s->ssrc[i] != ssrc; i++);
  return i;
}

int
walloc_rtp_senders_have (const walloc_rtp_senders * s, uint32_t ssrc)
{
  return find (s, ssrc) < s->count;
}

/* Who was heard longest ago, but for the one that is followed. */
static unsigned
find_oldest (const walloc_rtp_senders * s, const uint32_t * followed)
{
  unsigned i, oldest = s->count;

  for (i = 0; i < s->count; i++)
    if ((followed == NULL || s->ssrc[i] != *followed) &&
        (oldest == s->count || s->heard[i] < s->heard[oldest]))
      oldest = i;
  return oldest;
}

walloc_rtp_sender_result
walloc_rtp_senders_hear (walloc_rtp_senders * s, uint32_t ssrc, int64_t now,
    const uint32_t * followed, uint32_t * gone)
{
  walloc_rtp_sender_result result = WALLOC_RTP_SENDER_NEW;
  unsigned i = find (s, ssrc);

  if (i < s->count) {
    s->heard[i] = now;
    return WALLOC_RTP_SENDER_KNOWN;
  }
  if (s->count == WALLOC_RTP_MAX_SENDERS) {
    i = find_oldest (s, followed);
    if (now - s->heard[i] < WALLOC_RTP_SENDER_SILENCE && s->evicted &&
        now - s->last_eviction < WALLOC_RTP_SENDER_PACE)
      return WALLOC_RTP_SENDER_REFUSED;
    s->evicted = 1;
    s->last_eviction = now;
    *gone = s->ssrc[i];
    result = WALLOC_RTP_SENDER_INSTEAD;
  } else {
    s->count++;
  }
  s->ssrc[i] = ssrc;
  s->heard[i] = now;
  return result;
}
