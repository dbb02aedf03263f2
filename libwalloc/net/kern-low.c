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

/* What all kernels take (kern-low.h); those that are told the number of
 * vectors too are compiled for each. */
#define LOW_ARGS const uint32_t * const *rows, unsigned taps, size_t words, \
    const uint32_t * w, const float *scale, const float *bias, float *out, \
    size_t ld

#define LOW_CASE(name, target, n) \
target static void \
name##_##n (LOW_ARGS) \
{ \
  name (rows, taps, words, w, scale, bias, out, ld, n); \
}

#define LOW_ISA(name, target, label) \
LOW_CASE (name, target, 1) \
LOW_CASE (name, target, 2) \
LOW_CASE (name, target, 3) \
LOW_CASE (name, target, 4) \
static const net_low_isa name##_isa = { \
  label, {name##_1, name##_2, name##_3, name##_4} \
};

NET_CLONES static void
base_bytes (LOW_ARGS, unsigned nv)
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
base_bf16 (LOW_ARGS, unsigned nv)
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
  (void) scale;
}

/* *INDENT-OFF* */
LOW_ISA (base_bytes, , "base")
LOW_ISA (base_bf16, , "base")

#if HAVE_X86
#define LOW_NAME vnni
#define LOW_TARGET VNNI
#define LOW_SUM __m512i
#define LOW_DOT "vpdpbusd"
#define LOW_FIRST(v) _mm512_setzero_si512 ()
#define LOW_RESULT(s, v) _mm512_fmadd_ps (_mm512_cvtepi32_ps (s), \
    _mm512_loadu_ps (scale + v * NET_LOW_WIDTH), \
    _mm512_loadu_ps (bias + v * NET_LOW_WIDTH))
#define VNNI __attribute__ ((target ("avx512f,avx512bw,avx512vnni")))
#include "net/kern-low-template.h"
LOW_ISA (vnni, VNNI, "avx512vnni")

#define LOW_NAME bf16
#define LOW_TARGET BF16
#define LOW_SUM __m512
#define LOW_DOT "vdpbf16ps"
#define LOW_FIRST(v) _mm512_loadu_ps (bias + v * NET_LOW_WIDTH)
#define LOW_RESULT(s, v) s
#define BF16 __attribute__ ((target ("avx512f,avx512bw,avx512bf16")))
#include "net/kern-low-template.h"
LOW_ISA (bf16, BF16, "avx512bf16")
#endif
/* *INDENT-ON* */

const net_low_isa *
net_low_get (net_low_kind kind, unsigned index)
{
  if (index == 0)
    return kind == NET_LOW_BYTES ? &base_bytes_isa : &base_bf16_isa;
#if HAVE_X86
  __builtin_cpu_init ();
  if (index == 1 && __builtin_cpu_supports ("avx512bw")
      && (kind == NET_LOW_BYTES ? __builtin_cpu_supports ("avx512vnni")
          : __builtin_cpu_supports ("avx512bf16")))
    return kind == NET_LOW_BYTES ? &vnni_isa : &bf16_isa;
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
