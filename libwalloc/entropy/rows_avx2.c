/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* rows.h for one instruction set; see rows_template.h. */
#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

static inline size_t
count_symbols (const int16_t * first, int16_t slot)
{
  const __m256i s = _mm256_set1_epi16 (slot);
  const __m256i *f = (const __m256i *) first;
  uint32_t above = (uint32_t) _mm256_movemask_epi8 (_mm256_packs_epi16
      (_mm256_cmpgt_epi16 (_mm256_load_si256 (f), s),
          _mm256_cmpgt_epi16 (_mm256_load_si256 (f + 1), s)));

  return 32 - (unsigned) __builtin_popcount (above);
}

#define KERNELS walloc_rows_avx2
#define ISA "AVX2"
#include "entropy/rows_template.h"
