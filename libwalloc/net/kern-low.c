/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Kernels in bytes and bfloat16; see kern-low.h. */
#include "net/kern-low.h"
#include "net/kern.h"

#include <string.h>

#if defined(__x86_64__) && defined(__GNUC__)
# define HAVE_X86 1
# include <immintrin.h>
#else
# define HAVE_X86 0
#endif

#define PANEL(nv) ((size_t) (nv) * NET_LOW_WIDTH)

NET_INLINE float
bf16_float (uint16_t half)
{
  uint32_t bits = (uint32_t) half << 16;
  float f;

  memcpy (&f, &bits, 4);
  return f;
}

NET_CLONES static void
base_bytes (const uint32_t * const *rows, unsigned taps, size_t words,
    const uint32_t * w, const float *scale, const float *bias, float *out,
    size_t ld, unsigned nv)
{
  int32_t acc[PANEL (NET_LOW_VECTORS)];
  const size_t panel = PANEL (nv);
  size_t k, c;
  unsigned r, t;

  for (r = 0; r < NET_MR; r++) {
    memset (acc, 0, sizeof acc);
    for (t = 0; t < taps; t++) {
      for (k = 0; k < words; k++) {
        const int8_t *f = (const int8_t *) (w + (t * words + k) * panel);
        const uint8_t *x = (const uint8_t *) (rows[t * NET_MR + r] + k);
        const int32_t x0 = x[0], x1 = x[1], x2 = x[2], x3 = x[3];

        for (c = 0; c < panel; c++)
          acc[c] += x0 * f[4 * c] + x1 * f[4 * c + 1] + x2 * f[4 * c + 2]
              + x3 * f[4 * c + 3];
      }
    }
    for (c = 0; c < panel; c++)
      out[r * ld + c] = bias[c] + scale[c] * (float) acc[c];
  }
}

NET_CLONES static void
base_bf16 (const uint32_t * const *rows, unsigned taps, size_t words,
    const uint32_t * w, const float *bias, float *out, size_t ld, unsigned nv)
{
  float acc[PANEL (NET_LOW_VECTORS)];
  const size_t panel = PANEL (nv);
  size_t k, c;
  unsigned r, t;

  for (r = 0; r < NET_MR; r++) {
    memcpy (acc, bias, panel * sizeof *acc);
    for (t = 0; t < taps; t++) {
      for (k = 0; k < words; k++) {
        const uint16_t *f = (const uint16_t *) (w + (t * words + k) * panel);
        const uint16_t *x = (const uint16_t *) (rows[t * NET_MR + r] + k);
        const float x0 = bf16_float (x[0]), x1 = bf16_float (x[1]);

        for (c = 0; c < panel; c++)
          acc[c] += x0 * bf16_float (f[2 * c])
              + x1 * bf16_float (f[2 * c + 1]);
      }
    }
    memcpy (out + r * ld, acc, panel * sizeof *acc);
  }
}

#define BASE_CASE(n) \
static void \
base_bytes##n (const uint32_t * const *rows, unsigned taps, size_t words, \
    const uint32_t * w, const float *scale, const float *bias, float *out, \
    size_t ld) \
{ \
  base_bytes (rows, taps, words, w, scale, bias, out, ld, n); \
} \
\
static void \
base_bf16_##n (const uint32_t * const *rows, unsigned taps, size_t words, \
    const uint32_t * w, const float *scale, const float *bias, float *out, \
    size_t ld) \
{ \
  (void) scale; \
  base_bf16 (rows, taps, words, w, bias, out, ld, n); \
}

BASE_CASE (1)
    BASE_CASE (2)
    BASE_CASE (3)
    BASE_CASE (4)
     static const net_low_isa base_isa[2] = {
       {"base", {base_bytes1, base_bytes2, base_bytes3, base_bytes4}},
       {"base", {base_bf16_1, base_bf16_2, base_bf16_3, base_bf16_4}}
     };

#if HAVE_X86

#define LOW_VNNI __attribute__ ((target ("avx512f,avx512bw,avx512vnni")))
#define LOW_BF16 __attribute__ ((target ("avx512f,avx512bw,avx512bf16")))

/* 24 sums, 4 vectors of weights and a broadcast fill the registers. Sums have
 * names of their own and assembler adds to them: with arrays and intrinsics GCC
 * copies every sum and stores it once per step, at half the speed. */
#define LOW_EACH(M) M (0) M (1) M (2) M (3) M (4) M (5)
#define LOW_SUMS(r) LOW_SUM s##r##0, s##r##1, s##r##2, s##r##3;
#define LOW_ROW(r) \
      x = _mm512_set1_epi32 ((int) rows[r][k]); \
      LOW_ADD (s##r##0, b0); \
      if (nv > 1) \
        LOW_ADD (s##r##1, b1); \
      if (nv > 2) \
        LOW_ADD (s##r##2, b2); \
      if (nv > 3) \
        LOW_ADD (s##r##3, b3);
#define LOW_ADD(s, b) __asm__ (LOW_DOT " %2, %1, %0" : "+v" (s) \
      : "v" (x), "v" (b))
#define LOW_LOAD \
      b0 = _mm512_loadu_si512 (w); \
      b1 = nv > 1 ? _mm512_loadu_si512 (w + 16) : b0; \
      b2 = nv > 2 ? _mm512_loadu_si512 (w + 32) : b0; \
      b3 = nv > 3 ? _mm512_loadu_si512 (w + 48) : b0; \
      w += nv * NET_LOW_WIDTH;

LOW_VNNI static inline __attribute__((always_inline))
     void vnni_block (const uint32_t * const *rows, unsigned taps, size_t words,
    const uint32_t * w, const float *scale, const float *bias, float *out,
    size_t ld, const unsigned nv)
{
#define LOW_SUM __m512i
#define LOW_DOT "vpdpbusd"
#define CLEAR(r) s##r##0 = s##r##1 = s##r##2 = s##r##3 = \
      _mm512_setzero_si512 ();
#define PUT(r, v) _mm512_storeu_ps (out + r * ld + v * NET_LOW_WIDTH, \
      _mm512_fmadd_ps (_mm512_cvtepi32_ps (s##r##v), \
          _mm512_loadu_ps (scale + v * NET_LOW_WIDTH), \
          _mm512_loadu_ps (bias + v * NET_LOW_WIDTH)));
#define STORE(r) \
  PUT (r, 0) \
  if (nv > 1) \
    PUT (r, 1) \
  if (nv > 2) \
    PUT (r, 2) \
  if (nv > 3) \
    PUT (r, 3)
  LOW_EACH (LOW_SUMS)
  __m512i b0, b1, b2, b3, x;
  size_t k;
  unsigned t;

  LOW_EACH (CLEAR)
      for (t = 0; t < taps; t++, rows += NET_MR) {
    for (k = 0; k < words; k++) {
      LOW_LOAD LOW_EACH (LOW_ROW)
    }
  }
  LOW_EACH (STORE)
#undef LOW_SUM
#undef LOW_DOT
#undef CLEAR
#undef PUT
}

LOW_BF16 static inline __attribute__((always_inline))
     void bf16_block (const uint32_t * const *rows, unsigned taps, size_t words,
    const uint32_t * w, const float *bias, float *out, size_t ld,
    const unsigned nv)
{
#define LOW_SUM __m512
#define LOW_DOT "vdpbf16ps"
#define BEGIN(r) \
  s##r##0 = _mm512_loadu_ps (bias); \
  s##r##1 = nv > 1 ? _mm512_loadu_ps (bias + 16) : s##r##0; \
  s##r##2 = nv > 2 ? _mm512_loadu_ps (bias + 32) : s##r##0; \
  s##r##3 = nv > 3 ? _mm512_loadu_ps (bias + 48) : s##r##0;
#define PUT(r, v) _mm512_storeu_ps (out + r * ld + v * NET_LOW_WIDTH, s##r##v);
  LOW_EACH (LOW_SUMS)
  __m512i b0, b1, b2, b3, x;
  size_t k;
  unsigned t;

  LOW_EACH (BEGIN)
      for (t = 0; t < taps; t++, rows += NET_MR) {
    for (k = 0; k < words; k++) {
      LOW_LOAD LOW_EACH (LOW_ROW)
    }
  }
  LOW_EACH (STORE)
#undef LOW_SUM
#undef LOW_DOT
#undef BEGIN
#undef PUT
}

#define X86_CASE(n) \
LOW_VNNI static void \
vnni##n (const uint32_t * const *rows, unsigned taps, size_t words, \
    const uint32_t * w, const float *scale, const float *bias, float *out, \
    size_t ld) \
{ \
  vnni_block (rows, taps, words, w, scale, bias, out, ld, n); \
} \
\
LOW_BF16 static void \
bf16_##n (const uint32_t * const *rows, unsigned taps, size_t words, \
    const uint32_t * w, const float *scale, const float *bias, float *out, \
    size_t ld) \
{ \
  (void) scale; \
  bf16_block (rows, taps, words, w, bias, out, ld, n); \
}

X86_CASE (1)
X86_CASE (2)
X86_CASE (3)
X86_CASE (4)
     static const net_low_isa x86_isa[2] = {
       {"avx512vnni", {vnni1, vnni2, vnni3, vnni4}},
       {"avx512bf16", {bf16_1, bf16_2, bf16_3, bf16_4}}
     };
#endif

const net_low_isa *
net_low_get (net_low_kind kind, unsigned index)
{
  if (index == 0)
    return &base_isa[kind];
#if HAVE_X86
  __builtin_cpu_init ();
  if (index == 1 && __builtin_cpu_supports ("avx512bw")
      && (kind == NET_LOW_BYTES ? __builtin_cpu_supports ("avx512vnni")
          : __builtin_cpu_supports ("avx512bf16")))
    return &x86_isa[kind];
#endif
  return NULL;
}

NET_CLONES void
net_kern_to_bytes (const float *x, size_t n, float inverse, float zero,
    uint8_t * out)
{
  size_t i;

  for (i = 0; i < n; i++) {
    /* limited first, so that 1.5 * 2^23 rounds any value to an integer; a NaN
     * becomes 0 */
    float y = x[i] * inverse + zero;
    int32_t bits;

    y = y > 0.0f ? y : 0.0f;
    y = y < 255.0f ? y : 255.0f;
    y += 12582912.0f;
    memcpy (&bits, &y, 4);
    out[i] = (uint8_t) bits;
  }
}

NET_CLONES void
net_kern_to_bf16 (const float *x, size_t n, uint16_t * out)
{
  size_t i;

  for (i = 0; i < n; i++) {
    uint32_t bits;

    memcpy (&bits, &x[i], 4);
    bits = x[i] != x[i] ? 0x7fc00000u : bits + 0x7fffu + ((bits >> 16) & 1);
    out[i] = (uint16_t) (bits >> 16);
  }
}

#if defined(__has_builtin)
# if __has_builtin (__builtin_shufflevector)
#  define HAVE_SHUFFLE 1
# endif
#endif

#ifdef HAVE_SHUFFLE

#define SQUARE 8

typedef float row __attribute__((vector_size (SQUARE * 4)));

/* *INDENT-OFF* */
#define LOW_PAIRS(a, b) __builtin_shufflevector (a, b, 0, 8, 1, 9, 4, 12, 5, 13)
#define HIGH_PAIRS(a, b) \
  __builtin_shufflevector (a, b, 2, 10, 3, 11, 6, 14, 7, 15)
#define LOW_QUADS(a, b) __builtin_shufflevector (a, b, 0, 1, 8, 9, 4, 5, 12, 13)
#define HIGH_QUADS(a, b) \
  __builtin_shufflevector (a, b, 2, 3, 10, 11, 6, 7, 14, 15)
#define LOW_HALVES(a, b) __builtin_shufflevector (a, b, 0, 1, 2, 3, 8, 9, 10, 11)
#define HIGH_HALVES(a, b) \
  __builtin_shufflevector (a, b, 4, 5, 6, 7, 12, 13, 14, 15)
/* *INDENT-ON* */

/* Rows of SQUARE values become columns. */
NET_INLINE void
turn_square (const float *in, size_t ld, float *out, size_t stride)
{
  row r[SQUARE], p[SQUARE], q[SQUARE];
  unsigned i;

  for (i = 0; i < SQUARE; i++)
    memcpy (&r[i], in + i * ld, sizeof r[i]);
  for (i = 0; i < SQUARE; i += 2) {
    p[i] = LOW_PAIRS (r[i], r[i + 1]);
    p[i + 1] = HIGH_PAIRS (r[i], r[i + 1]);
  }
  for (i = 0; i < SQUARE; i += 4) {
    q[i] = LOW_QUADS (p[i], p[i + 2]);
    q[i + 1] = HIGH_QUADS (p[i], p[i + 2]);
    q[i + 2] = LOW_QUADS (p[i + 1], p[i + 3]);
    q[i + 3] = HIGH_QUADS (p[i + 1], p[i + 3]);
  }
  for (i = 0; i < 4; i++) {
    r[i] = LOW_HALVES (q[i], q[i + 4]);
    r[i + 4] = HIGH_HALVES (q[i], q[i + 4]);
  }
  for (i = 0; i < SQUARE; i++)
    memcpy (out + i * stride, &r[i], sizeof r[i]);
}
#endif

NET_CLONES void
net_kern_turn (const float *in, size_t ld, size_t rows, size_t cols,
    float *out, size_t stride)
{
  size_t r = 0, c = 0;

#ifdef HAVE_SHUFFLE
  for (; c + SQUARE <= cols; c += SQUARE) {
    for (r = 0; r + SQUARE <= rows; r += SQUARE)
      turn_square (in + r * ld + c, ld, out + c * stride + r, stride);
  }
#endif
  /* what no square covers: rows below, then columns beside them */
  for (cols -= c; rows > r && c > 0; r++) {
    size_t k;

    for (k = 0; k < c; k++)
      out[k * stride + r] = in[r * ld + k];
  }
  for (; cols > 0; cols--, c++) {
    for (r = 0; r < rows; r++)
      out[c * stride + r] = in[r * ld + c];
  }
}
