/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* rows.h for one instruction set; see rows_template.h. */
#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>

static inline size_t
count_symbols (const int16_t * first, int16_t slot)
{
  uint32_t mask = _mm512_cmple_epi16_mask (_mm512_load_si512 (first),
      _mm512_set1_epi16 (slot));

  return (unsigned) __builtin_popcount (mask);
}

#define KERNELS walloc_rows_avx512
#define ISA "AVX-512BW"
#include "entropy/rows_template.h"
