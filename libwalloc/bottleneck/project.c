/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* The encoder's matrix. Pairs of 16-bit products added to 32 bits are one
 * instruction on x86 and none that compilers find by themselves, hence the
 * few lines per instruction set. */
#include "bottleneck/quantiser.h"

#include <string.h>

#include "transform/clones.h"

#if defined(__x86_64__) && defined(__GNUC__) && !defined(WALLOC_NO_CLONES)
# include <immintrin.h>
# define HAVE_X86 1
#else
# define HAVE_X86 0
#endif

#define PAIR (2 * WALLOC_BLOCK)

static void
project_plain (const int16_t * pairs, const int16_t * row, unsigned n_pairs,
    int32_t * out)
{
  unsigned k, p;
  int32_t a, b;

  memset (out, 0, WALLOC_BLOCK * sizeof *out);
  for (k = 0; k < n_pairs; k++, pairs += PAIR) {
    a = row[2 * k];
    b = row[2 * k + 1];
    for (p = 0; p < WALLOC_BLOCK; p++)
      out[p] += pairs[2 * p] * a + pairs[2 * p + 1] * b;
  }
}

#if HAVE_X86
static void
project_sse2 (const int16_t * pairs, const int16_t * row, unsigned n_pairs,
    int32_t * out)
{
  const __m128i *in;
  __m128i sum[4], w;
  unsigned k, i, half;
  int32_t pair;

  for (half = 0; half < WALLOC_BLOCK / 16; half++) {
    in = (const __m128i *) (const void *) pairs + 4 * half;
    for (i = 0; i < 4; i++)
      sum[i] = _mm_setzero_si128 ();
    for (k = 0; k < n_pairs; k++, in += 8) {
      memcpy (&pair, row + 2 * k, sizeof pair);
      w = _mm_set1_epi32 (pair);
      for (i = 0; i < 4; i++)
        sum[i] = _mm_add_epi32 (sum[i], _mm_madd_epi16 (in[i], w));
    }
    for (i = 0; i < 4; i++)
      _mm_store_si128 ((__m128i *) (void *) out + 4 * half + i, sum[i]);
  }
}

__attribute__((target ("avx2")))
     static void
         project_avx2 (const int16_t * pairs, const int16_t * row,
    unsigned n_pairs, int32_t * out)
{
  const __m256i *in = (const __m256i *) (const void *) pairs;
  __m256i sum[4], w;
  unsigned k, i;
  int32_t pair;

  for (i = 0; i < 4; i++)
    sum[i] = _mm256_setzero_si256 ();
  for (k = 0; k < n_pairs; k++, in += 4) {
    memcpy (&pair, row + 2 * k, sizeof pair);
    w = _mm256_set1_epi32 (pair);
    for (i = 0; i < 4; i++)
      sum[i] = _mm256_add_epi32 (sum[i], _mm256_madd_epi16 (in[i], w));
  }
  for (i = 0; i < 4; i++)
    _mm256_store_si256 ((__m256i *) (void *) out + i, sum[i]);
}

__attribute__((target ("avx512f,avx512bw")))
     static void
         project_avx512 (const int16_t * pairs, const int16_t * row,
    unsigned n_pairs, int32_t * out)
{
  const __m512i *in = (const __m512i *) (const void *) pairs;
  __m512i sum0 = _mm512_setzero_si512 (), sum1 = sum0, w;
  unsigned k;
  int32_t pair;

  for (k = 0; k < n_pairs; k++, in += 2) {
    memcpy (&pair, row + 2 * k, sizeof pair);
    w = _mm512_set1_epi32 (pair);
    sum0 = _mm512_add_epi32 (sum0, _mm512_madd_epi16 (in[0], w));
    sum1 = _mm512_add_epi32 (sum1, _mm512_madd_epi16 (in[1], w));
  }
  _mm512_store_si512 (out, sum0);
  _mm512_store_si512 (out + 16, sum1);
}
#endif

walloc_project_func
walloc_project_best (unsigned index)
{
#if HAVE_X86
  if (__builtin_cpu_supports ("avx512bw") && index-- == 0)
    return project_avx512;
  if (__builtin_cpu_supports ("avx2") && index-- == 0)
    return project_avx2;
  if (index-- == 0)
    return project_sse2;
#endif
  return index == 0 ? project_plain : NULL;
}

/* Coefficients 2 k and 2 k + 1 side by side. */
WALLOC_CLONES static void
make_pairs (const int16_t * restrict coef, size_t stride, unsigned inputs,
    int16_t * restrict pairs)
{
  const int16_t *restrict a, *restrict b;
  unsigned k, p;

  for (k = 0; k < inputs; k += 2, pairs += PAIR) {
    a = coef + k * stride;
    b = a + stride;
    for (p = 0; p < WALLOC_BLOCK; p++) {
      pairs[2 * p] = a[p];
      pairs[2 * p + 1] = b[p];
    }
  }
}

WALLOC_CLONES static void
quantise_block (const walloc_quantiser * z, const int32_t * restrict sum,
    int16_t * restrict out)
{
  uint32_t factor = z->factor, offset = z->offset, a;
  unsigned shift = z->shift, down = z->down, p;
  int32_t round = 1 << (down - 1), y, sign;

  for (p = 0; p < WALLOC_BLOCK; p++) {
    y = (sum[p] + round) >> down;
    y = y > 98303 ? 98303 : y;
    y = y < -98303 ? -98303 : y;
    sign = y >> 31;
    a = (uint32_t) ((y ^ sign) - sign);
    y = (int32_t) ((a * factor + offset) >> shift);
    y = y > 16383 ? 16383 : y;
    out[p] = (int16_t) ((y ^ sign) - sign);
  }
}

/* y in 1/16 units, for decisions that need more than the latent. */
WALLOC_CLONES static void
fine_block (const walloc_quantiser * z, const int32_t * restrict sum,
    int16_t * restrict out)
{
  unsigned down = z->down + 2, p;
  int32_t round = 1 << (down - 1), y;

  for (p = 0; p < WALLOC_BLOCK; p++) {
    y = (sum[p] + round) >> down;
    y = y > INT16_MAX ? INT16_MAX : y;
    out[p] = (int16_t) (y < INT16_MIN ? INT16_MIN : y);
  }
}

void
walloc_project_row (const walloc_projection * projection,
    const int16_t * coef, size_t coef_stride, unsigned width, int16_t * out,
    size_t plane_stride)
{
  _Alignas (64) int16_t pairs[WALLOC_MODEL_INPUTS * WALLOC_BLOCK];
  _Alignas (64) int32_t sum[WALLOC_BLOCK];
  int16_t block[WALLOC_BLOCK];
  unsigned x, i, c, n;

  for (x = 0; x < width; x += WALLOC_BLOCK) {
    n = width - x < WALLOC_BLOCK ? width - x : WALLOC_BLOCK;
    make_pairs (coef + x, coef_stride, projection->inputs, pairs);
    for (i = 0; i < projection->n_channels; i++) {
      c = projection->channels[i];
      projection->project (pairs, projection->matrix +
          (size_t) c * WALLOC_MODEL_INPUTS, projection->inputs / 2, sum);
      if (n == WALLOC_BLOCK) {
        quantise_block (&projection->quantisers[c], sum,
            out + c * plane_stride + x);
      } else {
        /* cells right of the plane must stay zero */
        quantise_block (&projection->quantisers[c], sum, block);
        memcpy (out + c * plane_stride + x, block, n * sizeof *block);
      }
      if (projection->fine != NULL) {
        fine_block (&projection->quantisers[c], sum, block);
        memcpy (projection->fine + c * plane_stride + x, block,
            n * sizeof *block);
      }
    }
  }
}
