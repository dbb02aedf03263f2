/* SPDX-License-Identifier: LGPL-2.1-or-later */
#include "sound.h"
#include "corruption-private.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define WORDS 1024              /* of random numbers at once */
#define COMBS 4
#define ALLPASSES 2
#define SECTIONS 2              /* of a Butterworth filter of order 4 */
/* beside the types of pictures */
#define FIRST_TYPE 0x40

static const double noise_db[5] = { -46, -40, -34, -28, -22 };
static const double clip_db[5] = { -6, -12, -18, -24, -30 };
static const double lost[5] = { .01, .03, .05, .10, .20 };
static const double decay[5] = { .2, .4, .7, 1.0, 1.5 };
static const double cutoff[5] = { 8000, 6000, 4000, 3000, 2000 };

/* A ring of samples that come back. */
typedef struct
{
  unsigned length, at;
  float *ring;
  float gain;
} echo;

typedef struct
{
  double b0, b1, b2, a1, a2;
} section;

struct sound_corruption
{
  sound_corruption_type type;
  unsigned severity, rate, channels;
  float normal[4096];           /* quantiles times sigma */
  echo comb[SOUND_MAX_CHANNELS][COMBS];
  echo allpass[SOUND_MAX_CHANNELS][ALLPASSES];
  section section[SECTIONS];
  double memory[SOUND_MAX_CHANNELS][SECTIONS][2];
};

const char *
sound_corruption_name (sound_corruption_type type)
{
  static const char *const names[SOUND_CORRUPTION_TYPES] = {
    "additive_noise", "clipping", "packet_loss", "reverberation",
    "band_limiting"
  };

  return (unsigned) type < SOUND_CORRUPTION_TYPES ? names[type] : NULL;
}

static int
make_echo (echo * e, double seconds, unsigned rate, double gain)
{
  e->length = (unsigned) (seconds * rate + .5);
  e->length = e->length < 1 ? 1 : e->length;
  e->gain = (float) gain;
  e->ring = calloc (e->length, sizeof (float));
  return e->ring != NULL;
}

/* Schroeder's reverberator ("Natural Sounding Artificial Reverberation", 1962):
 * combs whose gain gives the time of decay, then all-passes; a little other in
 * every channel, so that channels do not stay alike. */
static int
make_room (sound_corruption * s)
{
  static const double comb[COMBS] = { .0297, .0371, .0411, .0437 };
  static const double allpass[ALLPASSES] = { .005, .0017 };
  unsigned c, i;

  for (c = 0; c < s->channels; c++) {
    double wide = 1 + .013 * (c % 8);

    for (i = 0; i < COMBS; i++)
      if (!make_echo (&s->comb[c][i], comb[i] * wide, s->rate,
              pow (10, -3 * comb[i] * wide / decay[s->severity])))
        return 0;
    for (i = 0; i < ALLPASSES; i++)
      if (!make_echo (&s->allpass[c][i], allpass[i] * wide, s->rate, .7))
        return 0;
  }
  return 1;
}

/* Butterworth, order 4, by the bilinear transform. */
static void
make_filter (sound_corruption * s)
{
  static const double q[SECTIONS] = { .54119610, 1.3065630 };
  double w = tan (M_PI * cutoff[s->severity] / s->rate);
  unsigned i;

  for (i = 0; i < SECTIONS; i++) {
    double a0 = 1 + w / q[i] + w * w;

    s->section[i].b0 = s->section[i].b2 = w * w / a0;
    s->section[i].b1 = 2 * w * w / a0;
    s->section[i].a1 = 2 * (w * w - 1) / a0;
    s->section[i].a2 = (1 - w / q[i] + w * w) / a0;
  }
}

sound_corruption *
sound_corruption_new (sound_corruption_type type, unsigned severity,
    unsigned rate, unsigned channels)
{
  sound_corruption *s;

  if ((unsigned) type >= SOUND_CORRUPTION_TYPES || severity < 1 || severity > 5
      || rate < 1 || rate > SOUND_MAX_RATE || channels < 1
      || channels > SOUND_MAX_CHANNELS)
    return NULL;
  s = calloc (1, sizeof (*s));
  if (s == NULL)
    return NULL;
  s->type = type;
  s->severity = severity - 1;
  s->rate = rate;
  s->channels = channels;
  if (type == SOUND_ADDITIVE_NOISE)
    corruption_normal_table (0, pow (10, noise_db[s->severity] / 20),
        s->normal, 4096);
  if (type == SOUND_BAND_LIMITING)
    make_filter (s);
  if (type == SOUND_REVERBERATION && !make_room (s)) {
    sound_corruption_free (s);
    return NULL;
  }
  return s;
}

void
sound_corruption_free (sound_corruption * s)
{
  unsigned c, i;

  if (s == NULL)
    return;
  for (c = 0; c < SOUND_MAX_CHANNELS; c++) {
    for (i = 0; i < COMBS; i++)
      free (s->comb[c][i].ring);
    for (i = 0; i < ALLPASSES; i++)
      free (s->allpass[c][i].ring);
  }
  free (s);
}

static void
silence (echo * e)
{
  if (e->ring)
    memset (e->ring, 0, e->length * sizeof (float));
}

void
sound_corruption_reset (sound_corruption * s)
{
  unsigned c, i;

  memset (s->memory, 0, sizeof (s->memory));
  for (c = 0; c < s->channels; c++) {
    for (i = 0; i < COMBS; i++)
      silence (&s->comb[c][i]);
    for (i = 0; i < ALLPASSES; i++)
      silence (&s->allpass[c][i]);
  }
}

static void
add_noise (sound_corruption * s, float *v, size_t n, uint64_t seed,
    uint64_t first)
{
  uint32_t words[WORDS + 4];
  size_t i;

  while (n > 0) {
    size_t skip = first % 4, take = n < WORDS ? n : WORDS;

    corruption_words (seed, 0, FIRST_TYPE + s->type, 0, first - skip, words,
        (take + skip + 3) / 4 * 4);
    for (i = 0; i < take; i++)
      v[i] += s->normal[words[skip + i] >> 20];
    v += take;
    n -= take;
    first += take;
  }
}

static void
clip (sound_corruption * s, float *v, size_t n)
{
  float most = (float) pow (10, clip_db[s->severity] / 20);
  size_t i;

  for (i = 0; i < n; i++)
    v[i] = v[i] > most ? most : v[i] < -most ? -most : v[i];
}

/* Pairs of packets of 20 ms: bursts, as networks have them. */
static void
lose (sound_corruption * s, float *v, size_t frames, uint64_t seed,
    uint64_t first)
{
  uint64_t pair = s->rate / 25 > 0 ? s->rate / 25 : 1;

  while (frames > 0) {
    uint64_t index = first / pair, left = pair - first % pair;
    size_t take = frames < left ? frames : (size_t) left;
    uint32_t words[4];

    corruption_words (seed, 0, FIRST_TYPE + s->type, 0, index * 4, words, 4);
    if (words[0] < lost[s->severity] * 4294967296.0)
      memset (v, 0, take * s->channels * sizeof (float));
    v += take * s->channels;
    frames -= take;
    first += take;
  }
}

/* Ringing on for ever in numbers that processors are slow with. */
static inline float
still (float v)
{
  return fabsf (v) < 1e-20f ? 0.0f : v;
}

static inline float
comb (echo * e, float in)
{
  float out = e->ring[e->at];

  e->ring[e->at] = still (in + e->gain * out);
  e->at = e->at + 1 < e->length ? e->at + 1 : 0;
  return out;
}

static inline float
allpass (echo * e, float in)
{
  float old = e->ring[e->at], out = old - e->gain * in;

  e->ring[e->at] = still (in + e->gain * out);
  e->at = e->at + 1 < e->length ? e->at + 1 : 0;
  return out;
}

static void
reverberate (sound_corruption * s, float *v, size_t frames)
{
  unsigned c, i;
  size_t k;

  for (k = 0; k < frames; k++)
    for (c = 0; c < s->channels; c++, v++) {
      float sum = 0.0f;

      for (i = 0; i < COMBS; i++)
        sum += comb (&s->comb[c][i], *v);
      sum *= 1.0f / COMBS;
      for (i = 0; i < ALLPASSES; i++)
        sum = allpass (&s->allpass[c][i], sum);
      /* the way from the source itself, and the room */
      *v = 0.7f * *v + 0.5f * sum;
    }
}

static void
limit (sound_corruption * s, float *v, size_t frames)
{
  unsigned c, i;
  size_t k;

  /* nothing there to take away */
  if (2 * cutoff[s->severity] >= s->rate)
    return;
  for (k = 0; k < frames; k++)
    for (c = 0; c < s->channels; c++, v++) {
      double x = *v;

      for (i = 0; i < SECTIONS; i++) {
        const section *f = &s->section[i];
        double *m = s->memory[c][i], y = f->b0 * x + m[0];

        m[0] = f->b1 * x - f->a1 * y + m[1];
        m[1] = f->b2 * x - f->a2 * y;
        if (fabs (m[0]) < 1e-30)
          m[0] = 0;
        x = y;
      }
      *v = (float) x;
    }
}

void
sound_corruption_apply (sound_corruption * s, float *samples, size_t frames,
    uint64_t seed, uint64_t first)
{
  switch (s->type) {
    case SOUND_ADDITIVE_NOISE:
      add_noise (s, samples, frames * s->channels, seed, first * s->channels);
      break;
    case SOUND_CLIPPING:
      clip (s, samples, frames * s->channels);
      break;
    case SOUND_PACKET_LOSS:
      lose (s, samples, frames, seed, first);
      break;
    case SOUND_REVERBERATION:
      reverberate (s, samples, frames);
      break;
    default:
      limit (s, samples, frames);
      break;
  }
}

double
sound_corruption_tail (const sound_corruption * s)
{
  return s->type == SOUND_REVERBERATION ? decay[s->severity] : 0;
}
