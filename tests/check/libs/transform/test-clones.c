/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The transforms' kernels built again here for several instruction sets and
 * without optimisation give the same bits as the library's own. */
#include "tap.h"
#include "transform/clones.h"
#include "transform/lifting.h"

#include <string.h>

#undef WALLOC_CLONES
#define WALLOC_CLONES
#define LIFT_KERNELS_FILE "clones-kernels.h"

/* The test's own build lets compilers fuse multiply and add where the default
 * instruction set has that; then floats are not comparable. */
#if defined(__x86_64__) || defined(__i386__)
# define COMPARE_FLOATS 1
#else
# define COMPARE_FLOATS 0
#endif

#define PREFIX(name) plain_##name
#include LIFT_KERNELS_FILE
#undef PREFIX

#if defined(__GNUC__) && !defined(__clang__)
# define HAVE_O0 1
# pragma GCC push_options
# pragma GCC optimize ("O0")
# define PREFIX(name) o0_##name
# include LIFT_KERNELS_FILE
# undef PREFIX
# pragma GCC pop_options
#else
# define HAVE_O0 0
#endif

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
# define HAVE_X86 1
# pragma GCC push_options
# pragma GCC optimize ("O3")
/* AVX-512 has fused multiply-add, which the library is built without */
# pragma GCC optimize ("fp-contract=off")
# pragma GCC target ("ssse3")
# define PREFIX(name) ssse3_##name
# include LIFT_KERNELS_FILE
# undef PREFIX
# pragma GCC target ("avx2")
# define PREFIX(name) avx2_##name
# include LIFT_KERNELS_FILE
# undef PREFIX
# pragma GCC target ("avx512bw,avx512vl,avx512dq,prefer-vector-width=512")
# define PREFIX(name) avx512_##name
# include LIFT_KERNELS_FILE
# undef PREFIX
# pragma GCC pop_options
#else
# define HAVE_X86 0
#endif

static void *
memory (size_t n)
{
  void *p = calloc (n ? n : 1, 1);

  if (p == NULL)
    exit (99);
  return p;
}

static void
test_analysis (const char *name, const walloc_analysis_kernels * mine,
    const walloc_analysis_kernels * library, const void *picture, size_t w,
    size_t h)
{
  size_t size = mine->size, bad = 0;
  unsigned levels, border;

  for (levels = 1; levels <= 3; levels++) {
    for (border = 0; border < 2; border++) {
      size_t cw = walloc_packet_length (w, levels);
      size_t ch = walloc_packet_length (h, levels);
      size_t n = cw * ch << (2 * levels);
      walloc_packet_shape shape = { w, h, levels, (walloc_border) border, 0,
        0, ch
      };
      walloc_planes in = { (void *) picture, w, 0 };
      walloc_planes a = { memory (n * size), cw, cw * ch };
      walloc_planes b = { memory (n * size), cw, cw * ch };
      void *scratch = memory (walloc_packet_scratch (w, levels, size));

      walloc_packet_analysis (mine, &shape, &in, &a, scratch);
      walloc_packet_analysis (library, &shape, &in, &b, scratch);
      bad += memcmp (a.data, b.data, n * size) != 0;
      free (a.data);
      free (b.data);
      free (scratch);
    }
  }
  TAP_OK (bad == 0, "%s float analysis of %zux%zu", name, w, h);
}

static void
test_synthesis (const char *name, const walloc_synthesis_kernels * mine,
    const float *channels, size_t w, size_t h)
{
  size_t bad = 0;
  unsigned levels, border;

  for (levels = 1; levels <= 3; levels++) {
    for (border = 0; border < 2; border++) {
      size_t cw = walloc_packet_length (w, levels);
      size_t ch = walloc_packet_length (h, levels);
      walloc_packet_shape shape = { w, h, levels, (walloc_border) border, 0,
        0, h
      };
      walloc_planes in = { (void *) channels, cw, cw * ch };
      walloc_planes a = { memory (w * h * 4), w, 0 };
      walloc_planes b = { memory (w * h * 4), w, 0 };
      void *scratch = memory (walloc_packet_synthesis_scratch (w, levels));

      walloc_packet_synthesis (mine, &shape, &in, &a, scratch);
      walloc_packet_synthesis (&walloc_float_synthesis, &shape, &in, &b,
          scratch);
      bad += memcmp (a.data, b.data, w * h * 4) != 0;
      free (a.data);
      free (b.data);
      free (scratch);
    }
  }
  TAP_OK (bad == 0, "%s float synthesis of %zux%zu", name, w, h);
}

#define TEST(prefix) \
  do { \
    if (COMPARE_FLOATS) { \
      test_analysis (#prefix, &prefix##_walloc_float_analysis, \
          &walloc_float_analysis, reals, w, h); \
      test_synthesis (#prefix, &prefix##_walloc_float_synthesis, reals, w, \
          h); \
    } \
  } while (0)

int
main (void)
{
  static const size_t sizes[4][2] = { {1, 1}, {37, 29}, {256, 64}, {211, 97}
  };
  /* room for channels of padded pictures */
  size_t n = 272 * 112, i, s;
  float *reals = memory (n * 4);
  unsigned seed = 77;

  for (i = 0; i < n; i++) {
    reals[i] = (float) (tap_random (&seed) >> 8) / 16777216.0f - 0.5f;
  }
  for (s = 0; s < 4; s++) {
    size_t w = sizes[s][0], h = sizes[s][1];

    TEST (plain);
#if HAVE_O0
    TEST (o0);
#endif
#if HAVE_X86
    if (__builtin_cpu_supports ("ssse3"))
      TEST (ssse3);
    if (__builtin_cpu_supports ("avx2"))
      TEST (avx2);
    if (__builtin_cpu_supports ("avx512bw")
        && __builtin_cpu_supports ("avx512vl")
        && __builtin_cpu_supports ("avx512dq"))
      TEST (avx512);
#endif
  }
  free (reals);
  return tap_done ();
}
