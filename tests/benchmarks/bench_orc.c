/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What ORC would give the encoder: a row of samples to fixed point, and one
 * lifting step of a row, by ORC and by the encoder's own vectors, which are
 * compiled here for one instruction set after the other. One thread, rows in
 * the nearest cache, processor time. Usage: bench_orc */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "orc-benchmark.h"

#define N 1920
#define ALPHA (-25987)

static _Alignas (64)
     int16_t d[N], o[N], e[N], f[N], want[N];
     static _Alignas (64)
     uint8_t s[N];

     static void by_orc_samples (void)
{
  orc_samples (d, s, N);
}

static void
by_orc_lift (void)
{
  orc_lift (d, o, e, f, ALPHA, N);
}

/* *INDENT-OFF* */
#define ROWS(name, isa) \
  __attribute__ ((noinline, optimize ("O3"), target (isa))) static void \
  name##_samples (void) \
  { \
    for (int i = 0; i < N; i++) \
      d[i] = (int16_t) ((s[i] - 128) * 16); \
  } \
  __attribute__ ((noinline, optimize ("O3"), target (isa))) static void \
  name##_lift (void) \
  { \
    for (int i = 0; i < N; i++) { \
      int16_t t = (int16_t) (e[i] + f[i]); \
      d[i] = (int16_t) (o[i] + (int16_t) (((t * ALPHA >> 14) + 1) >> 1)); \
    } \
  }
/* *INDENT-ON* */

ROWS (sse2, "sse2")
    ROWS (avx2, "avx2")
    ROWS (avx512, "avx512bw,prefer-vector-width=512")
     static double now (void)
{
  struct timespec t;

  clock_gettime (CLOCK_THREAD_CPUTIME_ID, &t);
  return (double) t.tv_sec + 1e-9 * (double) t.tv_nsec;
}

static void
measure (const char *name, void (*run) (void), int first)
{
  double best = 1e9, t;
  int turn, i;

  for (turn = 0; turn < 200; turn++) {
    t = now ();
    for (i = 0; i < 300; i++) {
      run ();
      __asm__ volatile ("":::"memory");
    }
    t = now () - t;
    best = t < best ? t : best;
  }
  if (first)
    memcpy (want, d, sizeof d);
  printf ("%-20s %7.0f Msample/s%s\n", name, N * 300 / best / 1e6,
      memcmp (want, d, sizeof d) != 0 ? ", other values" : "");
}

int
main (void)
{
  int i;

  srand (1);
  for (i = 0; i < N; i++) {
    s[i] = (uint8_t) rand ();
    o[i] = (int16_t) (rand () % 4000 - 2000);
    e[i] = (int16_t) (rand () % 4000 - 2000);
    f[i] = (int16_t) (rand () % 4000 - 2000);
  }
  measure ("samples, SSE2", sse2_samples, 1);
  measure ("samples, ORC", by_orc_samples, 0);
  if (__builtin_cpu_supports ("avx2"))
    measure ("samples, AVX2", avx2_samples, 0);
  if (__builtin_cpu_supports ("avx512bw"))
    measure ("samples, AVX-512", avx512_samples, 0);
  measure ("lifting, SSE2", sse2_lift, 1);
  measure ("lifting, ORC", by_orc_lift, 0);
  if (__builtin_cpu_supports ("avx2"))
    measure ("lifting, AVX2", avx2_lift, 0);
  if (__builtin_cpu_supports ("avx512bw"))
    measure ("lifting, AVX-512", avx512_lift, 0);
  return 0;
}
