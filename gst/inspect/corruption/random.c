/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Random numbers by counter: Philox4x32-10 (Salmon, Moraes, Dror, Shaw,
 * "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011). The key is the seed,
 * the counter holds frame, stream and index: any thread finds the numbers of
 * its rows, and a frame has the same after a seek. */
#include "corruption-private.h"

#include <math.h>

#define LANES 16

#define M0 0xD2511F53u
#define M1 0xCD9E8D57u
#define W0 0x9E3779B9u
#define W1 0xBB67AE85u

/* LANES counters at once, word by word, so that compilers can use vectors. */
WALLOC_CLONES static void
philox (uint32_t x[4][LANES], uint32_t k0, uint32_t k1)
{
  unsigned round, i;

  for (round = 0; round < 10; round++) {
    for (i = 0; i < LANES; i++) {
      uint64_t a = (uint64_t) M0 * x[0][i], b = (uint64_t) M1 *x[2][i];
      uint32_t y0 = (uint32_t) (b >> 32) ^ x[1][i] ^ k0;
      uint32_t y2 = (uint32_t) (a >> 32) ^ x[3][i] ^ k1;

      x[1][i] = (uint32_t) b;
      x[3][i] = (uint32_t) a;
      x[0][i] = y0;
      x[2][i] = y2;
    }
    k0 += W0;
    k1 += W1;
  }
}

void
corruption_words (uint64_t seed, uint64_t frame, unsigned type,
    unsigned stream, uint64_t first, uint32_t * out, size_t n)
{
  uint32_t x[4][LANES];
  uint64_t block = first / 4;
  unsigned i, w;

  while (n > 0) {
    size_t take = n < 4 * LANES ? n : 4 * LANES;

    for (i = 0; i < LANES; i++) {
      x[0][i] = (uint32_t) (block + i);
      /* the type is in it: two corruptions behind each other with one seed
       * are independent */
      x[1][i] = (uint32_t) ((block + i) >> 32) << 16 | type << 8 | stream;
      x[2][i] = (uint32_t) frame;
      x[3][i] = (uint32_t) (frame >> 32);
    }
    philox (x, (uint32_t) seed, (uint32_t) (seed >> 32));
    if (take == 4 * LANES) {
      for (i = 0; i < LANES; i++)
        for (w = 0; w < 4; w++)
          out[4 * i + w] = x[w][i];
    } else {
      for (i = 0; i < take; i++)
        out[i] = x[i % 4][i / 4];
    }
    out += take;
    n -= take;
    block += LANES;
  }
}

void
corruption_random (const corruption * c, unsigned stream, uint64_t first,
    uint32_t * out, size_t n)
{
  corruption_words (c->seed, c->frame, c->type, stream, first, out, n);
}

double
corruption_uniform (const corruption * c, unsigned stream, unsigned index)
{
  uint32_t word[4];

  corruption_random (c, stream, index & ~3u, word, 4);
  return word[index & 3] / 4294967296.0;
}

static double
below (double z)
{
  return 0.5 * erfc (-z * M_SQRT1_2);
}

/* Newton's method, each from the one before: libm's erfc is the same on all
 * machines to far more digits than these tables keep. */
void
corruption_normal_table (double mean, double sigma, float *table, unsigned n)
{
  double z = -5.0;
  unsigned i, k;

  for (i = 0; i < n / 2; i++) {
    double p = (i + 0.5) / n;

    for (k = 0; k < 30; k++) {
      double step = (p - below (z)) / (exp (-0.5 * z * z) * 0.3989422804014327);

      /* steep at the far end */
      step = step > 0.5 ? 0.5 : step;
      z += step;
      if (fabs (step) < 1e-12)
        break;
    }
    table[i] = (float) (mean + sigma * z);
    table[n - 1 - i] = (float) (mean - sigma * z);
  }
}
