/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Per-ISA clones of the hot loops, chosen once at load time. Internal. */
#ifndef WALLOC_TRANSFORM_CLONES_H
#define WALLOC_TRANSFORM_CLONES_H

/* Sanitizers instrument code that runs before they are set up when they meet
 * an ifunc, and clang has other rules for the attribute; both take the plain
 * code, which gives the same results. A test may define the macro itself. */
#ifndef WALLOC_CLONES
# if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) \
    && defined(__gnu_linux__) && !defined(__SANITIZE_ADDRESS__) \
    && !defined(__SANITIZE_THREAD__) && !defined(WALLOC_NO_CLONES)
#  if __GNUC__ >= 12
#   define WALLOC_CLONES \
  __attribute__ ((target_clones ("default", "avx2", "arch=x86-64-v4")))
#  else
#   define WALLOC_CLONES __attribute__ ((target_clones ("default", "avx2")))
#  endif
# else
#  define WALLOC_CLONES
# endif
#endif

/* Loops whose arrays overlap only index by index. clang warns wherever it was
 * told so and cannot vectorise, so it is told only where it can. */
#if defined(__clang__)
# if defined(__OPTIMIZE__) && !__has_feature(address_sanitizer) \
    && !__has_feature(memory_sanitizer) && !__has_feature(thread_sanitizer) \
    && (defined(__SSE2__) || defined(__ARM_NEON) || defined(__wasm_simd128__))
#  define WALLOC_IVDEP _Pragma ("clang loop vectorize(assume_safety)")
# else
#  define WALLOC_IVDEP
# endif
#elif defined(__GNUC__)
# define WALLOC_IVDEP _Pragma ("GCC ivdep")
#else
# define WALLOC_IVDEP
#endif

#if defined(__GNUC__)
# define WALLOC_INLINE static inline __attribute__ ((always_inline))
#else
# define WALLOC_INLINE static inline
#endif

#endif
