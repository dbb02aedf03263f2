/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Five corruptions of sound at five severities, for streams: what a microphone,
 * a room and a network do. By seed and position; nobody's published benchmark,
 * as there is none that all use. */
#ifndef WALLOC_SOUND_CORRUPTION_H
#define WALLOC_SOUND_CORRUPTION_H

#include <stddef.h>
#include <stdint.h>

typedef enum
{
  SOUND_ADDITIVE_NOISE,         /* white, -46, -40, -34, -28, -22 dB of full scale */
  SOUND_CLIPPING,               /* at -6, -12, -18, -24, -30 dB of full scale */
  SOUND_PACKET_LOSS,            /* 1, 3, 5, 10, 20 % of 20 ms, two in a row: silence */
  SOUND_REVERBERATION,          /* decays by 60 dB in 0.2, 0.4, 0.7, 1, 1.5 s */
  SOUND_BAND_LIMITING,          /* nothing above 8, 6, 4, 3, 2 kHz */
  SOUND_CORRUPTION_TYPES
} sound_corruption_type;

#define SOUND_MAX_CHANNELS 64
#define SOUND_MAX_RATE 384000

typedef struct sound_corruption sound_corruption;

/* "additive_noise" and so on. */
const char *sound_corruption_name (sound_corruption_type type);

/* severity: 1 to 5; rate in Hz. NULL: no memory, or out of range. */
sound_corruption *sound_corruption_new (sound_corruption_type type,
    unsigned severity, unsigned rate, unsigned channels);
void sound_corruption_free (sound_corruption * s);

/* Forgets what was heard (rooms and filters have a memory). */
void sound_corruption_reset (sound_corruption * s);

/* In place: interleaved samples of -1 to 1; first: position of the first frame
 * in the stream, which says what is drawn. */
void sound_corruption_apply (sound_corruption * s, float *samples,
    size_t frames, uint64_t seed, uint64_t first);

/* Seconds for which it goes on after the sound has ended. */
double sound_corruption_tail (const sound_corruption * s);

#endif
