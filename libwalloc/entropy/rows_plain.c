/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* rows.h for what every processor of a kind has; see rows_template.h. */
#include <stddef.h>
#include <stdint.h>
#ifdef __SSE2__
# include <emmintrin.h>
#elif defined(__wasm_simd128__)
# include <wasm_simd128.h>
#endif

static inline size_t
count_symbols (const int16_t * first, int16_t slot)
{
#ifdef __SSE2__
  const __m128i s = _mm_set1_epi16 (slot);
  const __m128i *f = (const __m128i *) first;
  unsigned low = (unsigned) _mm_movemask_epi8 (_mm_packs_epi16
      (_mm_cmpgt_epi16 (_mm_load_si128 (f), s),
          _mm_cmpgt_epi16 (_mm_load_si128 (f + 1), s)));
  unsigned high = (unsigned) _mm_movemask_epi8 (_mm_packs_epi16
      (_mm_cmpgt_epi16 (_mm_load_si128 (f + 2), s),
          _mm_cmpgt_epi16 (_mm_load_si128 (f + 3), s)));

  /* those above are the last */
  return 32 - (unsigned) __builtin_clz (~(high << 16 | low));
#elif defined(__wasm_simd128__)
  const v128_t s = wasm_i16x8_splat (slot);
  unsigned low = wasm_i8x16_bitmask (wasm_i8x16_narrow_i16x8 (wasm_i16x8_gt
          (wasm_v128_load (first), s),
          wasm_i16x8_gt (wasm_v128_load (first + 8), s)));
  unsigned high = wasm_i8x16_bitmask (wasm_i8x16_narrow_i16x8 (wasm_i16x8_gt
          (wasm_v128_load (first + 16), s),
          wasm_i16x8_gt (wasm_v128_load (first + 24), s)));

  return 32 - (unsigned) __builtin_clz (~(high << 16 | low));
#else
  int16_t count = 0;
  unsigned k;

  for (k = 0; k < 32; k++)
    count = (int16_t) (count + (first[k] <= slot));
  return (size_t) count;
#endif
}

#define KERNELS walloc_rows_plain
#define ISA "plain"
#include "entropy/rows_template.h"
